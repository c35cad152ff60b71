"""The outbox: what is to go to a partner, decided and numbered at the last moment.

`scan` notes candidates. `claim` decides the due ones under the lock of the stream's row, gives numbers to those that
may go, fixes their bytes and logs each decision, all in one short transaction fenced by the agreement's version. The
caller sends after the commit and comes back with `acknowledge` or `fail`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sealane.agreements.clauses import Decision, Granularity, Outcome, Record, Terms
from sealane.agreements.decisions import decide
from sealane.database.tables.delivery import decision as decision_table
from sealane.database.tables.delivery import outbox as outbox_table
from sealane.database.tables.delivery import stream as stream_table
from sealane.database.tables.products import record as record_table
from sealane.exchange.events import MAX_BATCH_BYTES, MAX_EVENT_BYTES, MAX_EVENTS, Event, event_bytes
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.streams import Stream, StreamState, lock_stream
from sealane.products.store import record_of

# A claim that was not finished within this time belongs to a process that is gone.
CLAIM_TIMEOUT = dt.timedelta(seconds=20)
SCAN_LIMIT = 5_000
NO_DELAY = dt.timedelta(0)
# A longer delay is "never" for a computer, and stays inside the calendar for every record of this century.
_LONGEST_DELAY = dt.timedelta(days=365_000)
CANDIDATES = 500

TermsInForce = Callable[[sa.Connection, str, int, str, dt.datetime], Terms | None]


class RowState(StrEnum):
    """States of a row in the outbox."""

    WAITING = "waiting"  # not decided, or not before due_at
    SEALED = "sealed"  # decided, numbered, bytes fixed; not acknowledged
    ACKNOWLEDGED = "acknowledged"
    WITHHELD = "withheld"
    REFUSED = "refused"  # by the partner; tried again as another row
    DEAD = "dead"  # by the partner, for good
    CANCELLED = "cancelled"  # the stream closed, or a newer revision came, before it went out


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
class SealedEvent:
    """One event to send.

    Attributes
    ----------
    data : the event's exact bytes; empty where only its digest is compared.
    """

    sequence: int
    id: str
    digest: str
    data: bytes


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
    work = _Work(stream, own, terms, now)
    for item in found:
        work.take(item)
    work.write(connection)
    return len(found), work.sequence


class _Work:
    """Collects what one claim changes, so that it is written in a handful of statements."""

    def __init__(self, stream: Stream, own: str, terms: Terms, now: dt.datetime) -> None:
        self.stream, self.own, self.terms, self.now = stream, own, terms, now
        self.sequence = stream.next_sequence
        self.updates: list[dict[str, Any]] = []
        self.decisions: list[dict[str, Any]] = []
        self.entries: list[Entry] = []

    def take(self, item: Any) -> None:
        if item.record_position is None:
            self._seal_cell(item)
        elif item.position is None:
            self._end(item, RowState.CANCELLED, "a newer revision of the record took its place before it was due")
        else:
            self._decide(item)

    def _decide(self, item: Any) -> None:
        record = record_of(item)
        decision = decide(record, self.terms, self.now, self.stream.purpose, Granularity.RECORD)
        if decision.outcome is Outcome.WITHHOLD:
            if decision.due_at is not None and decision.due_at > self.now:
                self._change(item, RowState.WAITING, due_at=decision.due_at)
                return
            self._end(item, RowState.WITHHELD, decision.reason.value)
            self._note(item.event_id, record, decision)
            self._log(EntryKind.EVENT_WITHHELD, item.event_id, {"record": record.id, "reason": decision.reason.value})
            return
        # Untrimmed bytes go out as they came in.
        data = bytes(item.body) if decision.outcome is Outcome.ALLOW else _json(decision.body or {})
        if self._seal(item, record, data, simulated=bool(item.simulated), decision=decision):
            self._note(item.event_id, record, decision)

    def _seal_cell(self, item: Any) -> None:
        data = bytes(item.payload)
        record = Record(self.stream.dataset, item.event_id, None, item.due_at)
        self._seal(item, record, data, simulated=b'"simulated":true' in data, decision=None)

    def _seal(self, item: Any, record: Record, data: bytes, *, simulated: bool, decision: Decision | None) -> bool:
        event = Event(
            id=item.event_id,
            source=self.own,
            dataset=self.stream.dataset,
            subject=record.id,
            time=record.occurred_at or record.known_at,
            known_at=record.known_at,
            agreement_id=self.terms.agreement_id,
            agreement_version=self.terms.version,
            clause_id=self.terms.clause.id,
            stream_id=self.stream.id,
            sequence=self.sequence,
            simulated=simulated,
            demonstration=self.terms.clause.demonstration,
            data=data,
        )
        payload = event_bytes(event)
        if len(payload) > MAX_EVENT_BYTES:
            reason = f"the event has {len(payload):,} bytes; {MAX_EVENT_BYTES:,} can be sent"
            self._end(item, RowState.DEAD, reason)
            self._log(EntryKind.EVENT_DROPPED, item.event_id, {"record": record.id, "reason": reason})
            return False
        digest = hashlib.sha256(payload).hexdigest()
        self._change(item, RowState.SEALED, sequence=self.sequence, payload=payload, digest=digest)
        body = {
            "record": record.id,
            "sequence": self.sequence,
            "digest": digest,
            "outcome": "cell" if decision is None else decision.outcome.value,
        }
        if decision is not None and decision.withheld_fields:
            body["withheld_fields"] = list(decision.withheld_fields)
        self._log(EntryKind.EVENT_SEALED, item.event_id, body)
        self.sequence += 1
        return True

    def _end(self, item: Any, state: RowState, reason: str) -> None:
        self._change(item, state, last_error=reason)

    def _change(
        self,
        item: Any,
        state: RowState,
        *,
        due_at: dt.datetime | None = None,
        sequence: int | None = None,
        payload: bytes | None = None,
        digest: str | None = None,
        last_error: str | None = None,
    ) -> None:
        self.updates.append(
            {
                "row": item.outbox_id,
                "new_state": state.value,
                "new_due_at": due_at or item.due_at,
                "new_sequence": sequence,
                "new_payload": payload if payload is not None else item.payload,
                "new_digest": digest,
                "new_error": last_error,
            }
        )

    def _note(self, event_id: str, record: Record, decision: Decision) -> None:
        self.decisions.append(
            {
                "stream_id": self.stream.id,
                "event_id": event_id,
                "peer": self.stream.peer,
                "dataset": record.dataset,
                "record_id": record.id,
                "agreement_id": decision.agreement_id,
                "agreement_version": decision.agreement_version,
                "clause_id": decision.clause_id,
                "purpose": self.stream.purpose,
                "granularity": self.stream.granularity,
                "outcome": decision.outcome.value,
                "reason": decision.reason.value,
                "withheld_fields": list(decision.withheld_fields),
                "decided_at": self.now,
            }
        )

    def _log(self, kind: EntryKind, event_id: str, body: Mapping[str, Any]) -> None:
        place = {
            "stream": self.stream.id,
            "agreement": self.terms.agreement_id,
            "version": self.terms.version,
            "clause": self.terms.clause.id,
        }
        self.entries.append(Entry(kind, self.stream.peer, event_id, {**place, **body}))

    def write(self, connection: sa.Connection) -> None:
        if self.updates:
            connection.execute(_CHANGE.values(changed_at=self.now), self.updates)
        if self.decisions:
            connection.execute(decision_table.insert(), self.decisions)
        append(connection, self.entries, self.now)


_CHANGE = (
    outbox_table.update()
    .where(outbox_table.c.id == sa.bindparam("row"))
    .values(
        state=sa.bindparam("new_state"),
        due_at=sa.bindparam("new_due_at"),
        sequence=sa.bindparam("new_sequence"),
        payload=sa.bindparam("new_payload"),
        digest=sa.bindparam("new_digest"),
        last_error=sa.bindparam("new_error"),
    )
)


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


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def release_claim(connection: sa.Connection, stream_id: str, worker: str) -> None:
    """Give a claimed stream free without a result."""
    connection.execute(
        stream_table.update()
        .where(stream_table.c.id == stream_id, stream_table.c.claimed_by == worker)
        .values(claimed_by=None, claimed_at=None)
    )
