"""The inbox: every event is decided again, takes effect once, and is answered by a signed receipt.

Effect, dedupe key, counter, log entries and receipt commit in one transaction; only then is anything answered. What
may be worked out before (parsing, checking against the payload's standard) is worked out before it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sealane.agreements.clauses import Granularity, Record, Terms
from sealane.database import Database
from sealane.database.tables.delivery import inbox as inbox_table
from sealane.database.tables.delivery import stream as stream_table
from sealane.errors import Fault, RequestRefusedError
from sealane.exchange import strict_json
from sealane.exchange.alarms import raise_alarm
from sealane.exchange.events import MAX_EVENT_BYTES, ReceivedEvent, parse_batch
from sealane.exchange.judgement import LONGEST_REASON, outside
from sealane.exchange.ledger import Entry, EntryKind, append, log_size, root_at
from sealane.exchange.receipts import (
    RECEIPT_TYPE,
    EventOutcome,
    Receipt,
    ReceiptOutcome,
    receipt_bytes,
    span,
    store_receipt,
)
from sealane.exchange.streams import Direction, Stream, StreamState, get_stream, lock_stream
from sealane.products.catalogue import DATASETS
from sealane.products.dataset import JoinKeys
from sealane.products.store import Prepared, prepare, put_prepared

if TYPE_CHECKING:
    from sealane.exchange.keys import Identity

_SHOWN_FAULTS = 5

TermsInForce = Callable[[sa.Connection, str, int, str, dt.datetime], Terms | None]


@dataclass(frozen=True)
class ReadEvent:
    """An event with its payload read; `fault` says why it cannot be."""

    received: ReceivedEvent
    prepared: Prepared | None
    fault: str | None


@dataclass(frozen=True)
class Answer:
    """What the partner is answered, after the commit: a status and a signed receipt."""

    status: int
    jws: str
    receipt: Receipt


@dataclass(frozen=True)
class Receiver:
    """What receiving needs beside the events.

    Attributes
    ----------
    identity : signs the receipts.
    terms_in_force : ``sealane.exchange.registry.terms_in_force``.
    """

    identity: Identity
    terms_in_force: TermsInForce


def receive(database: Database, receiver: Receiver, peer: str, body: bytes, now: dt.datetime) -> Answer:
    """Take a batch from an authenticated partner.

    Returns
    -------
    200 with a receipt for every event; 409 when the batch does not begin where the counter stands, or contradicts
    what was received before; 403 when the stream or its agreement lets nothing through. The receipt names the cursor.

    Raises
    ------
    RequestRefusedError
        400, 404 or 413; nothing was stored.
    StoreError
        When the database cannot take it now; nothing was stored.
    """
    events = parse_batch(body)
    with database.read() as connection:
        stream = _own_stream(get_stream(connection, events[0].event.stream_id), peer)
    read = read_payloads(events, Granularity(stream.granularity), now)
    with database.write() as connection:
        return receive_batch(connection, receiver, peer, read, now)


def read_payloads(events: Sequence[ReceivedEvent], granularity: Granularity, now: dt.datetime) -> tuple[ReadEvent, ...]:
    """Read the payload of every event; needs no database."""
    return tuple(_read_payload(received, granularity, now) for received in events)


def receive_batch(
    connection: sa.Connection, receiver: Receiver, peer: str, events: Sequence[ReadEvent], now: dt.datetime
) -> Answer:
    """As `receive`, inside the caller's write transaction."""
    stream = _own_stream(lock_stream(connection, events[0].received.event.stream_id), peer)
    terms = receiver.terms_in_force(connection, stream.agreement_id, stream.agreement_version, stream.clause_id, now)
    if stream.state != StreamState.OPEN or terms is None:
        return _answer(connection, receiver, stream, 403, (), terms, now)
    first = events[0].received.event.sequence
    if first > stream.next_sequence:
        return _answer(connection, receiver, stream, 409, (), terms, now)
    contradiction = _contradiction(connection, stream, peer, events)
    if contradiction is not None:
        raise_alarm(connection, stream, "equivocation", contradiction, now)
        stopped = replace(stream, state=StreamState.STOPPED.value)
        return _answer(connection, receiver, stopped, 409, (), terms, now)
    outcomes = [_judge(item, stream, terms, now) for item in events]
    fresh = [
        (item, outcome)
        for item, outcome in zip(events, outcomes, strict=True)
        if outcome.outcome is not ReceiptOutcome.DUPLICATE
    ]
    _store(connection, peer, stream, fresh, now)
    moved = replace(stream, next_sequence=stream.next_sequence + len(fresh))
    if fresh:
        connection.execute(
            stream_table.update().where(stream_table.c.id == stream.id).values(next_sequence=moved.next_sequence)
        )
    return _answer(connection, receiver, moved, 200, tuple(outcomes), terms, now)


def cursor(
    connection: sa.Connection, receiver: Receiver, peer: str, stream_id: str, sender_next: int | None, now: dt.datetime
) -> Answer:
    """Answer where the counter of a stream stands.

    A sender numbers and commits before it sends; one that has given fewer numbers than were received from it was
    restored from a backup. That is an alarm here as well as there.

    Parameters
    ----------
    sender_next : the number the sender will give next, as it says.

    Raises
    ------
    RequestRefusedError
        404 if the partner has no such stream.
    """
    stream = _own_stream(lock_stream(connection, stream_id), peer)
    terms = receiver.terms_in_force(connection, stream.agreement_id, stream.agreement_version, stream.clause_id, now)
    if sender_next is not None and sender_next < stream.next_sequence and stream.state == StreamState.OPEN:
        alarm = (
            f"{peer} will give number {sender_next} next, and {stream.next_sequence - 1} was received from it already: "
            f"it was restored from an older backup. Agree with the partner what was lost, then run `sealane stream "
            f"recover {stream_id[:12]}`."
        )
        raise_alarm(connection, stream, "peer_rollback", alarm, now)
        stream = replace(stream, state=StreamState.STOPPED.value)
    return _answer(connection, receiver, stream, 200, (), terms, now)


def _own_stream(stream: Stream | None, peer: str) -> Stream:
    if stream is None or stream.peer != peer or stream.direction != Direction.IN:
        raise RequestRefusedError(
            404,
            "unknown-stream",
            "There is no such stream from you to this node.",
            "Start a transfer under an agreement that is in force; it opens the stream.",
        )
    return stream


def _read_payload(received: ReceivedEvent, granularity: Granularity, now: dt.datetime) -> ReadEvent:
    event = received.event
    if event.dataset not in DATASETS:
        return ReadEvent(received, None, f"invalid: unknown dataset {event.dataset}")
    if granularity is Granularity.AGGREGATE:
        return _read_cell(received)
    faults: list[Fault] = []
    prepared = prepare(event.dataset, event.data, "$", faults, now)
    if prepared is None or faults:
        shown = "; ".join(f"{fault.where}: {fault.found}" for fault in faults[:_SHOWN_FAULTS]) or "no record"
        more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        return ReadEvent(received, None, f"invalid: {shown}{more}"[:LONGEST_REASON])
    # The provider's word for when it learnt the record: a delay counts from there.
    record = replace(prepared.record, known_at=event.known_at)
    return ReadEvent(received, replace(prepared, record=record), None)


def _read_cell(received: ReceivedEvent) -> ReadEvent:
    event = received.event
    try:
        payload = strict_json.parse_object(event.data, max_bytes=MAX_EVENT_BYTES)
    except RequestRefusedError as error:
        return ReadEvent(received, None, f"invalid: {error.detail}"[:LONGEST_REASON])
    # Cells are no records of the dataset: whoever reads its records must not find sums among them.
    record = Record(f"{event.dataset}/cells", event.id, event.time, event.known_at, body=payload)
    return ReadEvent(received, Prepared(record, JoinKeys(), event.data, hashlib.sha256(event.data).hexdigest()), None)


def _contradiction(connection: sa.Connection, stream: Stream, peer: str, events: Sequence[ReadEvent]) -> str | None:
    """Say what in the batch contradicts what was received before, byte for byte."""
    table = inbox_table.c
    last = events[-1].received.event.sequence
    first = events[0].received.event.sequence
    known: dict[int, tuple[str, str]] = {}
    if first < stream.next_sequence:
        rows = connection.execute(
            sa.select(table.sequence, table.event_id, table.digest).where(
                table.stream_id == stream.id, table.sequence >= first, table.sequence <= last
            )
        )
        known = {sequence: (event_id, digest) for sequence, event_id, digest in rows}
    fresh = []
    for item in events:
        event, digest = item.received.event, item.received.digest
        if event.sequence < stream.next_sequence:
            if known.get(event.sequence) != (event.id, digest):
                return _contradicts(peer, stream, event.sequence, event.id)
        else:
            fresh.append(event)
    ids = [event.id for event in fresh]
    if len(set(ids)) != len(ids):
        return _contradicts(peer, stream, first, "given twice in one batch")
    if ids:
        seen = connection.execute(
            sa.select(table.event_id, table.sequence).where(table.source == peer, table.event_id.in_(ids)).limit(1)
        ).first()
        if seen is not None:
            return _contradicts(peer, stream, seen.sequence, seen.event_id)
    return None


def _contradicts(peer: str, stream: Stream, sequence: int, event_id: str) -> str:
    return (
        f"{peer} sent number {sequence} (event {event_id[:80]}) a second time with another content. Either it was "
        "restored from an older backup or it tells two stories; both versions' digests are in the logs. Compare them "
        f"with `sealane ledger reconcile`, then run `sealane stream recover {stream.id[:12]}`."
    )


def _judge(item: ReadEvent, stream: Stream, terms: Terms, now: dt.datetime) -> EventOutcome:
    event, digest = item.received.event, item.received.digest
    if event.sequence < stream.next_sequence:
        return EventOutcome(event.sequence, event.id, digest, ReceiptOutcome.DUPLICATE)
    reason = item.fault or outside(event, None if item.prepared is None else item.prepared.record, stream, terms, now)
    outcome = ReceiptOutcome.ACCEPTED if reason is None else ReceiptOutcome.REFUSED
    return EventOutcome(event.sequence, event.id, digest, outcome, reason)


def _store(
    connection: sa.Connection,
    peer: str,
    stream: Stream,
    fresh: Sequence[tuple[ReadEvent, EventOutcome]],
    now: dt.datetime,
) -> None:
    """Let accepted events take effect, and note every new one in inbox and log."""
    terms = (stream.agreement_id, stream.agreement_version, stream.clause_id)
    accepted = [item for item, outcome in fresh if outcome.outcome is ReceiptOutcome.ACCEPTED]
    for simulated, group in groupby(accepted, lambda item: item.received.event.simulated):
        records = [item.prepared for item in group if item.prepared is not None]
        put_prepared(connection, peer, records, now, simulated=simulated, received=terms)
    if not fresh:
        return
    connection.execute(
        inbox_table.insert(),
        [
            {
                "source": peer,
                "event_id": outcome.id,
                "stream_id": stream.id,
                "sequence": outcome.sequence,
                "digest": outcome.digest,
                "outcome": outcome.outcome.value,
                "reason": outcome.reason,
                "received_at": now,
            }
            for _, outcome in fresh
        ],
    )
    append(connection, [_entry(peer, stream, outcome) for _, outcome in fresh], now)


def _entry(peer: str, stream: Stream, outcome: EventOutcome) -> Entry:
    body: dict[str, Any] = {
        "stream": stream.id,
        "sequence": outcome.sequence,
        "digest": outcome.digest,
        "agreement": stream.agreement_id,
        "version": stream.agreement_version,
        "clause": stream.clause_id,
    }
    if outcome.outcome is ReceiptOutcome.ACCEPTED:
        return Entry(EntryKind.EVENT_RECEIVED, peer, outcome.id, body)
    return Entry(EntryKind.EVENT_REFUSED, peer, outcome.id, {**body, "reason": outcome.reason or ""})


def _answer(
    connection: sa.Connection,
    receiver: Receiver,
    stream: Stream,
    status: int,
    events: tuple[EventOutcome, ...],
    terms: Terms | None,
    now: dt.datetime,
) -> Answer:
    size = log_size(connection)
    receipt = Receipt(
        stream_id=stream.id,
        provider=stream.peer,
        recipient=receiver.identity.participant,
        agreement_id=stream.agreement_id,
        agreement_version=stream.agreement_version,
        clause_id=stream.clause_id,
        events=events,
        next_sequence=stream.next_sequence,
        in_force=terms is not None,
        state=stream.state,
        ledger_size=size,
        ledger_root=root_at(connection, size).hex(),
        issued_at=now,
    )
    jws = receiver.identity.sign(receipt_bytes(receipt), RECEIPT_TYPE, now)
    if events:
        key = store_receipt(connection, stream_id=stream.id, direction="out", receipt=receipt, jws=jws, now=now)
        first, last = span(events, stream.next_sequence)
        body = {"stream": stream.id, "first_sequence": first, "last_sequence": last, "digest": key}
        append(connection, [Entry(EntryKind.RECEIPT_GIVEN, stream.peer, stream.id, body)], now)
    return Answer(status, jws, receipt)
