"""The outbox: what is to go to a partner, decided and numbered at the last moment.

`scan` notes candidates. `claim` decides the due ones under the lock of the stream's row, gives numbers to those that
may go, fixes their bytes and logs each decision, all in one short transaction fenced by the agreement's version. The
caller sends after the commit and comes back with `acknowledge` or `fail`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sealane.agreements.clauses import Granularity, Terms
from sealane.database.tables.delivery import outbox as outbox_table
from sealane.database.tables.delivery import stream as stream_table
from sealane.database.tables.products import record as record_table
from sealane.exchange.events import MAX_BATCH_BYTES, MAX_EVENTS
from sealane.exchange.sealing import RowState, SealedEvent, Sealing
from sealane.exchange.streams import Stream, StreamState, lock_stream

# A claim that was not finished within this time belongs to a process that is gone.
CLAIM_TIMEOUT = dt.timedelta(seconds=20)
SCAN_LIMIT = 5_000
NO_DELAY = dt.timedelta(0)
# A longer delay is "never" for a computer, and stays inside the calendar for every record of this century.
_LONGEST_DELAY = dt.timedelta(days=365_000)
CANDIDATES = 500

TermsInForce = Callable[[sa.Connection, str, int, str, dt.datetime], Terms | None]


class ClaimOutcome(StrEnum):
    """Why a claim has, or has not, anything to send."""

    READY = "ready"
    NOTHING = "nothing"
    PROGRESS = "progress"  # all that was looked at is withheld or delayed; there may be more
    NOT_OPEN = "not_open"  # or the partner fetches the records itself
    NOT_DUE = "not_due"  # waits after a failure
    BUSY = "busy"  # another worker has it
    LEASE_ENDED = "lease_ended"  # ask the partner for its cursor first
    NOT_IN_FORCE = "not_in_force"


@dataclass(frozen=True)
class Batch:
    """What a claim gives: a stream as it stands, and the events to send in order."""

    outcome: ClaimOutcome
    stream: Stream | None
    events: tuple[SealedEvent, ...] = ()


def scan(
    connection: sa.Connection, stream: Stream, own: str, limit: int, now: dt.datetime, delay: dt.timedelta = NO_DELAY
) -> int:
    """Note the next own records of the stream's dataset as candidates; return how many.

    They are due `delay` after they were known.

    A record that is shared under one clause only (documents) is no candidate elsewhere. Aggregate streams are filled
    by ``sealane.exchange.releases``. The stream's row must be locked.
    """
    if stream.granularity != Granularity.RECORD:
        return 0
    record = record_table.c
    candidates = (
        record.source == own,
        record.dataset == stream.dataset,
        record.position > stream.scanned_position,
    )
    # The position up to which this scan goes; the rows between are taken in the same transaction.
    page = sa.select(record.position).where(*candidates).order_by(record.position).limit(limit).subquery()
    last = connection.execute(sa.select(sa.func.max(page.c.position))).scalar()
    if last is None:
        return 0
    rows = (
        sa.select(
            sa.literal(stream.id, sa.String),
            record.position,
            event_id_column(stream),
            sa.literal(RowState.WAITING.value, sa.String),
            _due_at(delay),
            sa.literal(0, sa.Integer),
            sa.literal(now, stream_table.c.opened_at.type),
        )
        .where(*candidates, record.position <= last)
        .where(
            record.agreement_id.is_(None)
            | ((record.agreement_id == stream.agreement_id) & (record.clause_id == stream.clause_id))
        )
        .order_by(record.position)
    )
    columns = ["stream_id", "record_position", "event_id", "state", "due_at", "refusals", "changed_at"]
    done = connection.execute(outbox_table.insert().from_select(columns, rows))
    connection.execute(stream_table.update().where(stream_table.c.id == stream.id).values(scanned_position=last))
    return max(done.rowcount, 0)


def event_id_column(stream: Stream) -> sa.ColumnElement[str]:
    """Return the event id of a record: stream, recoveries of it, position and content.

    A restored backup gives positions out a second time, so content and recoveries are part of it.
    """
    text = sa.String
    prefix = sa.literal(f"{stream.id[:12]}.{stream.epoch}.", text)
    position = sa.cast(record_table.c.position, text)
    return prefix.concat(position).concat(sa.literal(".", text)).concat(sa.func.substr(record_table.c.digest, 1, 16))


def has_work(connection: sa.Connection, stream: Stream, own: str, now: dt.datetime) -> bool:
    """Say whether a claim could find anything, without a lock: sealed or due rows, or records not yet scanned."""
    if stream.endpoint is None:  # the partner fetches the records itself
        return False
    if stream.state != StreamState.OPEN or (stream.next_attempt_at is not None and stream.next_attempt_at > now):
        return False
    row, record = outbox_table.c, record_table.c
    sealed = sa.select(row.id).where(row.stream_id == stream.id, row.state == RowState.SEALED.value)
    due = sa.select(row.id).where(row.stream_id == stream.id, row.state == RowState.WAITING.value, row.due_at <= now)
    new = sa.select(record.position).where(
        record.source == own, record.dataset == stream.dataset, record.position > stream.scanned_position
    )
    tests = [sealed, due] + ([new] if stream.granularity == Granularity.RECORD else [])
    return any(connection.execute(statement.limit(1)).first() is not None for statement in tests)


def claim(
    connection: sa.Connection, stream_id: str, own: str, terms_in_force: TermsInForce, worker: str, now: dt.datetime
) -> Batch:
    """Decide what is due, seal what may go, and return what is to be sent next.

    Parameters
    ----------
    own : participant id of this node.
    terms_in_force : ``sealane.exchange.registry.terms_in_force``.
    worker : names the sending thread; no other one gets the stream until `acknowledge`, `fail`, or `CLAIM_TIMEOUT`.
    """
    stream = lock_stream(connection, stream_id)
    if stream is None or stream.state != StreamState.OPEN or stream.endpoint is None:
        return Batch(ClaimOutcome.NOT_OPEN, stream)
    if stream.claimed_at is not None and stream.claimed_by != worker and now - stream.claimed_at < CLAIM_TIMEOUT:
        return Batch(ClaimOutcome.BUSY, stream)
    if stream.next_attempt_at is not None and stream.next_attempt_at > now:
        return Batch(ClaimOutcome.NOT_DUE, stream)
    terms = terms_in_force(connection, stream.agreement_id, stream.agreement_version, stream.clause_id, now)
    if terms is None or not _valid(terms, now):
        return Batch(ClaimOutcome.NOT_IN_FORCE, stream)
    if stream.lease_until is None or stream.lease_until <= now:
        return Batch(ClaimOutcome.LEASE_ENDED, stream)
    scanned = scan(connection, stream, own, SCAN_LIMIT, now, terms.clause.delay)
    open_events = stream.next_sequence - 1 - stream.acked_sequence
    looked_at, next_sequence = _seal_due(connection, stream, own, terms, MAX_EVENTS - open_events, now)
    values: dict[str, Any] = {"next_sequence": next_sequence}
    events = _sealed(connection, stream.id, stream.acked_sequence)
    if events:
        values |= {"claimed_by": worker, "claimed_at": now}
    connection.execute(stream_table.update().where(stream_table.c.id == stream.id).values(**values))
    if events:
        outcome = ClaimOutcome.READY
    else:
        outcome = ClaimOutcome.PROGRESS if looked_at or scanned else ClaimOutcome.NOTHING
    return Batch(outcome, replace(stream, next_sequence=next_sequence), events)


def _valid(terms: Terms, now: dt.datetime) -> bool:
    clause = terms.clause
    return clause.valid_from <= now and (clause.valid_until is None or now < clause.valid_until)


def _seal_due(
    connection: sa.Connection, stream: Stream, own: str, terms: Terms, room: int, now: dt.datetime
) -> tuple[int, int]:
    """Decide the due rows in order; return how many were looked at and the next sequence."""
    if room <= 0:
        return 0, stream.next_sequence
    row = outbox_table.c
    joined = outbox_table.outerjoin(
        record_table, (record_table.c.position == row.record_position) & (record_table.c.source == own)
    )
    statement = (
        sa.select(
            row.id.label("outbox_id"),
            row.event_id,
            row.record_position,
            row.payload,
            row.due_at,
            row.refusals,
            *record_table.c,
        )
        .select_from(joined)
        .where(row.stream_id == stream.id, row.state == RowState.WAITING.value, row.due_at <= now)
        .order_by(row.due_at, row.id)
        .limit(min(room, CANDIDATES))
    )
    found = connection.execute(statement).all()
    work = Sealing(stream, own, terms, now)
    for item in found:
        work.take(item)
    work.write(connection)
    return len(found), work.sequence


def _sealed(connection: sa.Connection, stream_id: str, acked: int) -> tuple[SealedEvent, ...]:
    row = outbox_table.c
    statement = (
        sa.select(row.sequence, row.event_id, row.digest, row.payload)
        .where(row.stream_id == stream_id, row.state == RowState.SEALED.value, row.sequence > acked)
        .order_by(row.sequence)
        .limit(MAX_EVENTS)
    )
    events: list[SealedEvent] = []
    total, expected = 2, acked + 1
    for sequence, event_id, digest, payload in connection.execute(statement):
        total += len(payload) + 1
        if total > MAX_BATCH_BYTES or sequence != expected:
            break
        events.append(SealedEvent(sequence, event_id, digest, bytes(payload)))
        expected += 1
    return tuple(events)


def _due_at(delay: dt.timedelta) -> sa.ColumnElement[Any]:
    microseconds = min(delay, _LONGEST_DELAY) // dt.timedelta(microseconds=1)
    return sa.type_coerce(record_table.c.known_at, sa.BigInteger) + sa.literal(microseconds, sa.BigInteger)


def release_claim(connection: sa.Connection, stream_id: str, worker: str) -> None:
    """Give a claimed stream free without a result."""
    connection.execute(
        stream_table.update()
        .where(stream_table.c.id == stream_id, stream_table.c.claimed_by == worker)
        .values(claimed_by=None, claimed_at=None)
    )
