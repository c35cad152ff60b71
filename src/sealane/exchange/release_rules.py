"""What must not be released to a partner because of what he has, or can have, already.

A release is one table row a period and stream (``release``) with the row filter and the digest of the terms that shaped
it; ``sealane.exchange.releases`` writes it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from sealane.agreements.aggregates import rows_disjoint
from sealane.agreements.clauses import Clause, Granularity, Reason, Record, RowFilter, Terms
from sealane.agreements.decisions import decide, utc
from sealane.database.tables.delivery import decision, release
from sealane.database.tables.delivery import stream as stream_table
from sealane.exchange.streams import Direction, Stream, StreamState

TermsInForce = Callable[[sa.Connection, str, int, str, dt.datetime], Terms | None]


def scope_of(terms: Terms) -> str:
    """Return a digest of everything that shapes the cells; equal for two clauses that give the same ones."""
    clause = terms.clause
    grouping = clause.grouping
    assert grouping is not None
    shape = {
        "provider": clause.provider,
        "dataset": clause.dataset,
        "rows": rows_as_json(clause.rows),
        "fields": sorted(clause.fields),
        "prohibited": sorted(name for prohibition in terms.prohibitions for name in prohibition.fields),
        "delay": str(clause.delay),
        "by": grouping.by,
        "measures": sorted(grouping.measures),
        "period": grouping.period.value,
        "contributor": grouping.contributor,
        "minimum_group": grouping.minimum_group,
    }
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()


def closed_clause(terms: Terms, purpose: str, now: dt.datetime) -> Reason | None:
    """Return the rule that lets nothing of a clause through now, whatever the record; None where records decide.

    Cells that another partner got are given without looking at their records again, so this must be asked first.
    """
    open_rows = replace(terms, clause=replace(terms.clause, rows=RowFilter(), delay=dt.timedelta(0)))
    nothing = Record(terms.clause.dataset, "", None, now)
    reason = decide(nothing, open_rows, now, purpose, Granularity.AGGREGATE).reason
    return None if reason is Reason.NO_FIELD_LEFT else reason


def overlapping_release(
    connection: sa.Connection, stream: Stream, clause: Clause, span: tuple[dt.datetime, dt.datetime]
) -> str | None:
    """Say which earlier release speaks of the same time and perhaps the same records, or None."""
    earlier = sa.select(release).where(
        release.c.peer == stream.peer,
        release.c.dataset == stream.dataset,
        release.c.refused.is_(None),
        release.c.period_start < span[1],
        release.c.period_end > span[0],
    )
    for row in connection.execute(earlier):
        if row.cells_released + row.cells_suppressed and not rows_disjoint(_from_json(row.rows), clause.rows):
            shown = f"{row.period_start:%Y-%m-%d} to {row.period_end:%Y-%m-%d}"
            return f"cells of {shown} went to this partner before, under other terms (stream {row.stream_id[:12]})"
    return None


def record_stream(
    connection: sa.Connection, stream: Stream, terms: Terms, terms_in_force: TermsInForce, now: dt.datetime
) -> str | None:
    """Say which stream gives this partner the same records one by one, or None."""
    columns = stream_table.c
    others = sa.select(columns.id, columns.agreement_id, columns.agreement_version, columns.clause_id).where(
        columns.peer == stream.peer,
        columns.dataset == stream.dataset,
        columns.direction == Direction.OUT.value,
        columns.granularity == Granularity.RECORD.value,
        columns.state != StreamState.CLOSED.value,
    )
    for other_id, agreement_id, version, clause_id in connection.execute(others).all():
        other = terms_in_force(connection, agreement_id, version, clause_id, now)
        if other is not None and not rows_disjoint(other.clause.rows, terms.clause.rows):
            return f"stream {other_id[:12]} gives this partner single records of {stream.dataset}"
    return None


def sent_singly(stream: Stream) -> sa.Select[Any]:
    """Select the ids of records that went to this partner one by one."""
    return sa.select(decision.c.record_id).where(
        decision.c.peer == stream.peer,
        decision.c.dataset == stream.dataset,
        decision.c.outcome.in_(["allow", "trim"]),
    )


def rows_as_json(rows: RowFilter) -> dict[str, Any]:
    limits = {"occurred_from": rows.occurred_from, "occurred_until": rows.occurred_until}
    return {
        "ports": sorted(rows.ports),
        "terminals": sorted(rows.terminals),
        "vessels": sorted(rows.vessels),
        **{name: None if time is None else utc(time, name).isoformat() for name, time in limits.items()},
    }


def _from_json(rows: Mapping[str, Any]) -> RowFilter:
    def sets(name: str) -> frozenset[str]:
        found: Sequence[str] = rows[name]
        return frozenset(found)

    def time(name: str) -> dt.datetime | None:
        return None if rows[name] is None else dt.datetime.fromisoformat(rows[name])

    return RowFilter(sets("ports"), sets("terminals"), sets("vessels"), time("occurred_from"), time("occurred_until"))
