"""What becomes of one record under one clause: the pure function every other part of the exchange asks.

The rules are asked in the order of `Reason`; the first that applies decides. Times are compared in UTC; every
interval is half-open. What cannot be judged (a time without a zone, an unknown granularity) raises, so that nothing
passes. The same rules as SQL stand in ``sealane.exchange.decisions_sql``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, cast

from sealane.agreements.clauses import Decision, Granularity, Outcome, Reason, Record, RowFilter, Terms
from sealane.agreements.fields import FieldMask, compile_fields

# The latest time there is; stands for "never" where a delay goes past the calendar.
END_OF_TIME: Final = dt.datetime.max.replace(tzinfo=dt.UTC)
_COMPILED: Final = "_compiled"


@dataclass(frozen=True)
class CompiledTerms:
    """Terms with everything worked out that does not depend on the record or the request."""

    terms: Terms
    prohibited_datasets: frozenset[str]
    prohibited_purposes: frozenset[str]
    dataset: str
    purposes: frozenset[str]
    aggregate: bool
    valid_from: dt.datetime
    valid_until: dt.datetime | None
    rows: RowFilter
    delay: dt.timedelta
    mask: FieldMask


def utc(value: dt.datetime, what: str) -> dt.datetime:
    """Return a time in UTC.

    Converted by hand: arithmetic and comparison within one named zone go by the clock on the wall, which is an hour
    off where daylight saving begins or ends.

    Raises
    ------
    ValueError
        If it has no zone, or falls outside the years 1 to 9999 in UTC; `what` names it.
    """
    if value.tzinfo is dt.UTC:
        return value
    offset = value.utcoffset()
    if offset is None:
        raise ValueError(f"{what} {value.isoformat()} has no zone; give it in UTC")
    try:
        return (value.replace(tzinfo=None) - offset).replace(tzinfo=dt.UTC, fold=0)
    except OverflowError:
        raise ValueError(f"{what} {value.isoformat()} lies outside the calendar in UTC") from None


def later(time: dt.datetime, delay: dt.timedelta) -> dt.datetime:
    """Return a UTC time plus a delay, `END_OF_TIME` where it goes past the calendar."""
    try:
        return time + delay
    except OverflowError:
        return END_OF_TIME


def compile_terms(terms: Terms) -> CompiledTerms:
    """Return the compiled form of terms; worked out once, then kept with the object.

    Raises
    ------
    DataError
        If a field name cannot be read.
    ValueError
        If a time has no zone or the delay is negative.
    """
    known = terms.__dict__.get(_COMPILED)
    if known is not None:
        return cast(CompiledTerms, known)
    clause, rows = terms.clause, terms.clause.rows
    if clause.delay < dt.timedelta(0):
        raise ValueError(f"clause {clause.id!r} has a negative delay")
    compiled = CompiledTerms(
        terms=terms,
        prohibited_datasets=frozenset[str]().union(*(p.datasets for p in terms.prohibitions)),
        prohibited_purposes=frozenset[str]().union(*(p.purposes for p in terms.prohibitions)),
        dataset=clause.dataset,
        purposes=clause.purposes,
        aggregate=Granularity(clause.granularity) is Granularity.AGGREGATE,
        valid_from=utc(clause.valid_from, "valid_from"),
        valid_until=None if clause.valid_until is None else utc(clause.valid_until, "valid_until"),
        rows=RowFilter(
            rows.ports,
            rows.terminals,
            rows.vessels,
            None if rows.occurred_from is None else utc(rows.occurred_from, "occurred_from"),
            None if rows.occurred_until is None else utc(rows.occurred_until, "occurred_until"),
        ),
        delay=clause.delay,
        mask=compile_fields(clause.fields, tuple(name for p in terms.prohibitions for name in p.fields)),
    )
    # Kept in the object's own dictionary: it takes no part in equality, hash or copies made by `replace`.
    terms.__dict__[_COMPILED] = compiled
    return compiled


def decide(record: Record, terms: Terms, now: dt.datetime, purpose: str, granularity: Granularity) -> Decision:
    """Decide what becomes of a record.

    Parameters
    ----------
    record : the record with the facts a clause can ask about.
    terms : one clause and the prohibitions of its agreement.
    now : time of the decision, with a zone.
    purpose : what the requester wants the data for.
    granularity : what the requester asks for. Cells may be asked for under a clause that lets records through, not
        records under one that lets only cells through.

    Returns
    -------
    Decision
        With the reason, and the trimmed body where it may be sent. Under a clause for aggregates ``body`` is always
        None: the record may be counted into a cell and never be sent itself.

    Raises
    ------
    ValueError
        If a time has no zone or the granularity is unknown.
    DataError
        If the clause names a field that cannot be read.
    """
    compiled = compile_terms(terms)
    now = utc(now, "now")
    if granularity is not Granularity.RECORD:
        granularity = Granularity(granularity)
    known_at = utc(record.known_at, "known_at")
    occurred_at = None if record.occurred_at is None else utc(record.occurred_at, "occurred_at")
    reason = _withheld_by(record, compiled, now, purpose, granularity, known_at, occurred_at)
    clause = terms.clause
    if reason is not None:
        due_at = None
        if reason is Reason.DELAY_RUNNING:
            due_at = later(known_at, compiled.delay)
        elif reason is Reason.CLAUSE_NOT_YET_VALID:
            due_at = max(compiled.valid_from, later(known_at, compiled.delay))
        return Decision(Outcome.WITHHOLD, reason, terms.agreement_id, terms.version, clause.id, None, (), due_at)
    body, withheld = compiled.mask.trim(record.body)
    sent = None if compiled.aggregate else body
    if not body:
        outcome, reason, sent = Outcome.WITHHOLD, Reason.NO_FIELD_LEFT, None
    elif withheld:
        outcome, reason = Outcome.TRIM, Reason.FIELDS_TRIMMED
    else:
        outcome, reason = Outcome.ALLOW, Reason.ALL_AGREED
    return Decision(outcome, reason, terms.agreement_id, terms.version, clause.id, sent, withheld, None)


def _withheld_by(
    record: Record,
    compiled: CompiledTerms,
    now: dt.datetime,
    purpose: str,
    granularity: Granularity,
    known_at: dt.datetime,
    occurred_at: dt.datetime | None,
) -> Reason | None:
    """Return the first rule that withholds the whole record."""
    rows = compiled.rows
    if record.dataset in compiled.prohibited_datasets:
        return Reason.DATASET_PROHIBITED
    if purpose in compiled.prohibited_purposes:
        return Reason.PURPOSE_PROHIBITED
    if record.dataset != compiled.dataset:
        return Reason.OTHER_DATASET
    if now < compiled.valid_from:
        return Reason.CLAUSE_NOT_YET_VALID
    if compiled.valid_until is not None and now >= compiled.valid_until:
        return Reason.CLAUSE_EXPIRED
    if purpose not in compiled.purposes:
        return Reason.PURPOSE_NOT_AGREED
    if compiled.aggregate and granularity is Granularity.RECORD:
        return Reason.GRANULARITY_TOO_FINE
    if rows.ports and record.port not in rows.ports:
        return Reason.PORT_OUTSIDE
    if rows.terminals and record.terminal not in rows.terminals:
        return Reason.TERMINAL_OUTSIDE
    if rows.vessels and record.vessel_imo not in rows.vessels:
        return Reason.VESSEL_OUTSIDE
    if rows.occurred_from is not None and (occurred_at is None or occurred_at < rows.occurred_from):
        return Reason.TIME_OUTSIDE
    if rows.occurred_until is not None and (occurred_at is None or occurred_at >= rows.occurred_until):
        return Reason.TIME_OUTSIDE
    # Subtracted rather than added: a long delay must not leave the calendar.
    if now - known_at < compiled.delay:
        return Reason.DELAY_RUNNING
    return None
