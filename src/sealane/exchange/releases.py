"""Releases the cells of finished periods to a partner, each period once, each record at most once.

Two things make releases safe against each other, whatever the partner compares:

- A record is counted at most once for a partner (table ``released_record``): after that it is in no other cell, be it
  late, revised, moved to another period or port, or asked for under another clause, version or agreement. The cells a
  partner has are therefore disjoint in records, and no sum or difference of them speaks of less than a whole cell.
- A period that overlaps one released before under other terms is closed without a release; records that the partner
  gets one by one are counted in no cell.

Periods are closed in order, the first time the job runs after a period's end and the clause's delay. What comes later
is never counted. Partners under equal terms get the same cells, so that two of them learn no more than one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from sealane.agreements.aggregates import Countable, form_cells, period_of, suppress
from sealane.agreements.cell_payloads import cell_payload, second
from sealane.agreements.clauses import Granularity, Terms
from sealane.agreements.decisions import compile_terms, later, utc
from sealane.database.engine import Database, for_update
from sealane.database.tables.delivery import decision, outbox, release, released_record
from sealane.database.tables.delivery import stream as stream_table
from sealane.database.tables.products import record
from sealane.errors import SealaneError
from sealane.exchange.decisions_sql import may_pass_later, passes
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.release_rules import (
    TermsInForce,
    closed_clause,
    overlapping_release,
    record_stream,
    rows_as_json,
    scope_of,
    sent_singly,
)
from sealane.exchange.streams import Direction, Stream, StreamState, all_streams, get_stream
from sealane.products.store import record_of

# Periods one run of the job closes for a stream, each in a transaction of its own; a long history takes several runs.
MAX_PERIODS: Final = 12
_INSERTED: Final = 2_000


@dataclass(frozen=True)
class Closed:
    """One period with what is released of it.

    Attributes
    ----------
    cells : payloads, ready to be sent.
    records : ids counted in those cells or held back in their period.
    refused : why nothing is released, or None.
    """

    start: dt.datetime
    end: dt.datetime
    cells: tuple[Mapping[str, Any], ...]
    suppressed: int
    records: tuple[str, ...]
    refused: str | None = None


@dataclass(frozen=True)
class Release:
    """What one run released to one stream.

    Attributes
    ----------
    rows : outbox rows written, one a cell.
    late : records that came after their period was closed; they are in no cell.
    refused : reasons of periods that were closed without a release.
    """

    rows: int = 0
    periods: int = 0
    late: int = 0
    refused: tuple[str, ...] = ()


def release_due(
    connection: sa.Connection,
    stream: Stream,
    terms: Terms,
    own: str,
    terms_in_force: TermsInForce,
    now: dt.datetime,
    *,
    limit: int = MAX_PERIODS,
) -> Release:
    """Close every finished period of a stream and write an outbox row for each cell released.

    The same call again does nothing. Call it with the stream's terms just read from the registry, in one write
    transaction.

    Parameters
    ----------
    own : participant id of this node; only its own records are counted.
    terms_in_force : ``sealane.exchange.registry.terms_in_force``.
    limit : at most so many periods.
    """
    if terms.clause.grouping is None or terms.clause.granularity is not Granularity.AGGREGATE:
        return Release()
    if closed_clause(terms, stream.purpose, now) is not None:
        return Release()
    _lock(connection, stream)
    scope = scope_of(terms)
    cursor = _closed_until(connection, stream, scope)
    blocked = record_stream(connection, stream, terms, terms_in_force, now)
    done: list[Closed] = []
    while len(done) < limit:
        span = _next_period(connection, terms, own, cursor, now)
        if span is None:
            break
        found = _close(connection, stream, terms, own, scope, span, blocked, now)
        _store(connection, stream, terms, scope, found, now)
        done.append(found)
        cursor = found.end
    if not done:
        return Release()
    assert cursor is not None
    return Release(
        rows=sum(len(found.cells) for found in done),
        periods=len(done),
        late=_late(connection, stream, terms, own, cursor),
        refused=tuple(found.refused for found in done if found.refused),
    )


def release_all(
    database: Database, own: str, terms_in_force: TermsInForce, clock: Callable[[], dt.datetime]
) -> dict[str, Release]:
    """Close what is due on every open stream of cells; return what was done by stream id, where anything was.

    A stream that fails keeps no other one from its turn; the first failure is raised at the end.
    """
    with database.read() as connection:
        streams = all_streams(connection, direction=Direction.OUT, state=StreamState.OPEN)
    found: dict[str, Release] = {}
    failures: list[Exception] = []
    for known in streams:
        if known.granularity != Granularity.AGGREGATE:
            continue
        runs: list[Release] = []
        try:
            while len(runs) < MAX_PERIODS:
                run = _release_one(database, known, own, terms_in_force, clock)
                if not run.periods:
                    break
                runs.append(run)
        except (SealaneError, ValueError) as error:
            failures.append(error)
        if runs:
            refused = tuple(reason for run in runs for reason in run.refused)
            found[known.id] = Release(sum(run.rows for run in runs), len(runs), runs[-1].late, refused)
    if failures:
        raise failures[0]
    return found


def _release_one(
    database: Database, known: Stream, own: str, terms_in_force: TermsInForce, clock: Callable[[], dt.datetime]
) -> Release:
    """Close one period of a stream in a transaction of its own."""
    with database.write() as connection:
        now = clock()
        _lock(connection, known)
        stream = get_stream(connection, known.id)
        if stream is None or stream.state != StreamState.OPEN:
            return Release()
        key = (stream.agreement_id, stream.agreement_version, stream.clause_id)
        terms = terms_in_force(connection, *key, now)
        if terms is None:
            return Release()
        return release_due(connection, stream, terms, own, terms_in_force, now, limit=1)


def _lock(connection: sa.Connection, stream: Stream) -> None:
    """Lock the streams whose releases depend on each other: two runs must not count one record, nor cut one period."""
    columns = stream_table.c
    chosen = sa.select(columns.id).where(
        columns.dataset == stream.dataset,
        columns.direction == Direction.OUT.value,
        (columns.peer == stream.peer) | (columns.granularity == Granularity.AGGREGATE.value),
    )
    connection.execute(for_update(chosen.order_by(columns.id), connection)).all()


def _closed_until(connection: sa.Connection, stream: Stream, scope: str) -> dt.datetime | None:
    """Return the end of the last period closed for this partner under these terms, in whatever stream."""
    found: dt.datetime | None = connection.execute(
        sa.select(sa.func.max(release.c.period_end)).where(
            release.c.peer == stream.peer,
            release.c.dataset == stream.dataset,
            (release.c.scope == scope) | (release.c.stream_id == stream.id),
        )
    ).scalar()
    return found


def _next_period(
    connection: sa.Connection, terms: Terms, own: str, cursor: dt.datetime | None, now: dt.datetime
) -> tuple[dt.datetime, dt.datetime] | None:
    """Return the next finished period that has records; an empty one only to move on past a quiet time."""
    grouping, delay = terms.clause.grouping, terms.clause.delay
    assert grouping is not None
    if cursor is not None and _unfinished(period_of(cursor, grouping.period), delay, now):
        return None
    conditions = [record.c.source == own, may_pass_later(terms, "", record, any_purpose=True)]
    if cursor is not None:
        conditions.append(record.c.occurred_at >= cursor)
    first = connection.execute(sa.select(sa.func.min(record.c.occurred_at)).where(*conditions)).scalar()
    if first is not None and not _unfinished(span := period_of(first, grouping.period), delay, now):
        # A part of a period may have been closed under terms with another one.
        return (max(span[0], cursor) if cursor is not None else span[0]), span[1]
    if cursor is None:
        return None
    # Nothing to count: close the last finished period, so that what comes late for the quiet time stays uncounted.
    start, end = period_of(cursor, grouping.period)
    while not _unfinished(following := period_of(end, grouping.period), delay, now):
        start, end = following
    return max(start, cursor), end


def _unfinished(span: tuple[dt.datetime, dt.datetime], delay: dt.timedelta, now: dt.datetime) -> bool:
    return utc(now, "now") < later(span[1], delay)


def _close(
    connection: sa.Connection,
    stream: Stream,
    terms: Terms,
    own: str,
    scope: str,
    span: tuple[dt.datetime, dt.datetime],
    blocked: str | None,
    now: dt.datetime,
) -> Closed:
    start, end = span
    refused = blocked or overlapping_release(connection, stream, terms.clause, span)
    if refused is not None:
        return Closed(start, end, (), 0, (), refused)
    same = connection.execute(
        sa.select(release).where(
            release.c.scope == scope,
            release.c.period_start == start,
            release.c.period_end == end,
            release.c.refused.is_(None),
            release.c.peer != stream.peer,
        )
    ).first()
    if same is not None:
        return _as_released(connection, stream, same)
    items = _countable(connection, stream, terms, own, span, now)
    grouping = terms.clause.grouping
    assert grouping is not None
    cells = form_cells(items, grouping, start, end)
    kept, held_back = suppress(cells, grouping.minimum_group)
    payloads = tuple(cell_payload(cell, terms, start, end) for cell in kept)
    counted = tuple(record_id for cell in cells for record_id in cell.records)
    return Closed(start, end, payloads, held_back, counted)


def _as_released(connection: sa.Connection, stream: Stream, same: Any) -> Closed:
    """Give the very cells that another partner got under equal terms."""
    of_other = sa.select(released_record.c.record_id).where(
        released_record.c.stream_id == same.stream_id, released_record.c.period_start == same.period_start
    )
    ids = tuple(connection.execute(of_other).scalars())
    known = connection.execute(
        sa.select(sa.literal(1))
        .where(released_record.c.record_id.in_(of_other.scalar_subquery()))
        .where(released_record.c.peer == stream.peer, released_record.c.dataset == stream.dataset)
        .limit(1)
    ).first()
    singly = connection.execute(
        sent_singly(stream).where(decision.c.record_id.in_(of_other.scalar_subquery())).limit(1)
    ).first()
    if known is not None or singly is not None:
        reason = "another partner has these cells, and this one has some of their records already"
        return Closed(same.period_start, same.period_end, (), 0, (), reason)
    return Closed(same.period_start, same.period_end, tuple(same.cells), same.cells_suppressed, ids)


def _countable(
    connection: sa.Connection,
    stream: Stream,
    terms: Terms,
    own: str,
    span: tuple[dt.datetime, dt.datetime],
    now: dt.datetime,
) -> list[Countable]:
    """Return the records of a period that the clause lets be counted and that this partner has in no other way."""
    counted = sa.select(released_record.c.record_id).where(
        released_record.c.peer == stream.peer, released_record.c.dataset == stream.dataset
    )
    statement = sa.select(record).where(
        record.c.source == own,
        record.c.dataset == stream.dataset,
        record.c.occurred_at >= span[0],
        record.c.occurred_at < span[1],
        record.c.agreement_id.is_(None),
        passes(terms, now, stream.purpose, Granularity.AGGREGATE),
        record.c.id.not_in(counted),
        record.c.id.not_in(sent_singly(stream)),
    )
    mask = compile_terms(terms).mask
    found = []
    for row in connection.execute(statement):
        item = record_of(row)
        shown, _ = mask.trim(item.body)
        if shown:
            found.append(Countable(item, shown, bool(row.simulated)))
    return found


def _store(
    connection: sa.Connection, stream: Stream, terms: Terms, scope: str, found: Closed, now: dt.datetime
) -> None:
    connection.execute(
        sa.insert(release).values(
            stream_id=stream.id,
            period_start=found.start,
            period_end=found.end,
            peer=stream.peer,
            dataset=stream.dataset,
            scope=scope,
            rows=rows_as_json(terms.clause.rows),
            cells=[dict(cell) for cell in found.cells],
            refused=found.refused,
            released_at=now,
            cells_released=len(found.cells),
            cells_suppressed=found.suppressed,
        )
    )
    rows = [_outbox_row(stream, found.start, cell, now) for cell in found.cells]
    if rows:
        connection.execute(sa.insert(outbox), rows)
    for first in range(0, len(found.records), _INSERTED):
        counted = [
            {
                "peer": stream.peer,
                "dataset": stream.dataset,
                "record_id": record_id,
                "stream_id": stream.id,
                "period_start": found.start,
            }
            for record_id in found.records[first : first + _INSERTED]
        ]
        connection.execute(sa.insert(released_record), counted)
    body = {
        "stream": stream.id,
        "agreement": terms.agreement_id,
        "version": terms.version,
        "clause": terms.clause.id,
        "period_start": second(found.start),
        "period_end": second(found.end),
        "cells_released": len(found.cells),
        "cells_suppressed": found.suppressed,
        "digest": hashlib.sha256(b"".join(row["payload"] for row in rows)).hexdigest(),
        "refused": found.refused,
    }
    append(connection, [Entry(EntryKind.CELLS_RELEASED, stream.peer, stream.id, body)], now)


def _outbox_row(stream: Stream, start: dt.datetime, cell: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    payload = json.dumps(cell, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    name = hashlib.sha256(json.dumps(cell["by"], sort_keys=True).encode()).hexdigest()[:16]
    return {
        "stream_id": stream.id,
        "record_position": None,
        "event_id": f"{stream.id[:12]}.cell.{start:%Y%m%dT%H%M%SZ}.{name}",
        "state": "waiting",
        "due_at": now,
        "payload": payload,
        "refusals": 0,
        "changed_at": now,
    }


def _late(connection: sa.Connection, stream: Stream, terms: Terms, own: str, cursor: dt.datetime) -> int:
    """Count the records of closed periods that the clause covers and no cell counts."""
    counted = sa.select(released_record.c.record_id).where(
        released_record.c.peer == stream.peer, released_record.c.dataset == stream.dataset
    )
    statement = sa.select(sa.func.count()).where(
        record.c.source == own,
        may_pass_later(terms, "", record, any_purpose=True),
        record.c.occurred_at < cursor,
        record.c.id.not_in(counted),
    )
    return connection.execute(statement).scalar() or 0
