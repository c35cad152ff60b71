"""A recipient's own judgement of an event: what the clause, as it holds it itself, does not let through is refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sealane.agreements.cell_payloads import cell_faults
from sealane.agreements.clauses import Granularity, Outcome, Reason, Record, RowFilter, Terms
from sealane.agreements.decisions import decide
from sealane.exchange.events import Event
from sealane.exchange.streams import Stream

# Clocks of two nodes may differ by this much before an edge of an interval decides.
CLOCK_TOLERANCE = dt.timedelta(seconds=5)
_BY_CLOCK = frozenset({Reason.DELAY_RUNNING, Reason.CLAUSE_NOT_YET_VALID, Reason.CLAUSE_EXPIRED})
_SHOWN_FIELDS = 5
LONGEST_REASON = 600


def outside(event: Event, record: Record | None, stream: Stream, terms: Terms, now: dt.datetime) -> str | None:
    """Say why an event is outside the agreement, or None."""
    wrong = [
        name
        for name, found, agreed in (
            ("source", event.source, stream.peer),
            ("dataset", event.dataset, stream.dataset),
            ("agreement", event.agreement_id, stream.agreement_id),
            ("agreementversion", event.agreement_version, stream.agreement_version),
            ("clause", event.clause_id, stream.clause_id),
            ("demonstration", event.demonstration, terms.clause.demonstration),
        )
        if found != agreed
    ]
    if wrong:
        return f"outside the agreement: the event's {', '.join(wrong)} is not the stream's"
    if record is None:
        return "invalid: no record"
    if terms.clause.granularity is Granularity.AGGREGATE:
        return _cell_outside(record, terms, stream, now)
    checkable = _checkable(terms, record)
    decision = decide(record, checkable, now, stream.purpose, Granularity(stream.granularity))
    if decision.reason in _BY_CLOCK:
        shift = -CLOCK_TOLERANCE if decision.reason is Reason.CLAUSE_EXPIRED else CLOCK_TOLERANCE
        decision = decide(record, checkable, now + shift, stream.purpose, Granularity(stream.granularity))
    if decision.outcome is Outcome.ALLOW:
        return None
    if decision.outcome is Outcome.TRIM:
        shown = ", ".join(decision.withheld_fields[:_SHOWN_FIELDS])
        return f"outside the agreement: fields {shown}"[:LONGEST_REASON]
    return f"outside the agreement: {decision.reason.value}"


def _checkable(terms: Terms, record: Record) -> Terms:
    """Return the terms without filters on facts that the record does not show.

    A clause may filter by a field that it does not let through; the provider judged it, the recipient cannot.
    """
    rows = terms.clause.rows
    shown = RowFilter(
        ports=rows.ports if record.port is not None else frozenset(),
        terminals=rows.terminals if record.terminal is not None else frozenset(),
        vessels=rows.vessels if record.vessel_imo is not None else frozenset(),
        occurred_from=rows.occurred_from if record.occurred_at is not None else None,
        occurred_until=rows.occurred_until if record.occurred_at is not None else None,
    )
    return terms if shown == rows else replace(terms, clause=replace(terms.clause, rows=shown))


def _cell_outside(record: Record, terms: Terms, stream: Stream, now: dt.datetime) -> str | None:
    """Say why a cell is outside the agreement; clocks that differ a little do not decide at an edge of time."""
    found = [
        cell_faults(record.body, terms, stream.purpose, now + shift)
        for shift in (dt.timedelta(0), CLOCK_TOLERANCE, -CLOCK_TOLERANCE)
    ]
    if not all(found):
        return None
    members = sorted({fault.where.split(".")[1] for fault in found[0] if "." in fault.where})
    details = "; ".join(f"{fault.where}: {fault.found}" for fault in found[0][:_SHOWN_FIELDS])
    what = f"the cell's {', '.join(members)} ({details})" if members else details
    return f"outside the agreement: {what}"[:LONGEST_REASON]
