"""What a partner's answer does to the outbox: acknowledged, refused, dead; forward, back, or stop.

Every function works under the lock of the stream's row, in the caller's write transaction.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.delivery import outbox as outbox_table
from sealane.database.tables.delivery import stream as stream_table
from sealane.errors import InputError
from sealane.exchange.events import event_data
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.outbox import RowState, SealedEvent
from sealane.exchange.receipts import EventOutcome, Receipt, ReceiptOutcome, no_receipt, span, store_receipt
from sealane.exchange.streams import Direction, Stream, StreamState, lock_stream, recover_stream, stop_stream

# A message that the partner has refused this often is dead; each try is sealed anew and has its own number.
MAX_REFUSALS = 3
_RETRY_BASE = dt.timedelta(seconds=30)


@dataclass(frozen=True)
class Acknowledged:
    """What a receipt changed."""

    accepted: int
    refused: int
    dead: int
    alarm: str | None = None


@dataclass(frozen=True)
class DeadLetter:
    """A message that a partner refused for good, or that is too large for any.

    Attributes
    ----------
    id : to retry or drop it by.
    record_position : of the record, None for a cell.
    """

    id: int
    stream_id: str
    event_id: str
    record_position: int | None
    refusals: int
    reason: str | None
    since: dt.datetime


def check_receipt(receipt: Receipt, stream: Stream, own: str, sent: Sequence[SealedEvent]) -> None:
    """Hold a receipt against what was sent.

    Raises
    ------
    RequestRefusedError
        If it speaks of another stream, other participants, other events or other bytes.
    """
    expected = (stream.id, own, stream.peer, stream.agreement_id, stream.agreement_version, stream.clause_id)
    found = (
        receipt.stream_id,
        receipt.provider,
        receipt.recipient,
        receipt.agreement_id,
        receipt.agreement_version,
        receipt.clause_id,
    )
    if found != expected:
        raise no_receipt("it speaks of another stream or other participants")
    got = [(event.sequence, event.id, event.digest) for event in receipt.events]
    if got != [(event.sequence, event.id, event.digest) for event in sent]:
        raise no_receipt("its events or digests are not those that were sent")
    if sent and receipt.next_sequence <= sent[-1].sequence:
        raise no_receipt(f"it expects {receipt.next_sequence} next and lists {sent[-1].sequence} as seen")


def acknowledge(
    connection: sa.Connection,
    stream_id: str,
    own: str,
    receipt: Receipt,
    jws: str,
    sent: Sequence[SealedEvent],
    lease: dt.timedelta,
    now: dt.datetime,
) -> Acknowledged:
    """Mark a sent batch by its receipt, whose signature has been verified; keep the receipt.

    A receipt that comes twice, or after another one, changes nothing more. A partner who is further than this node
    has ever numbered has seen what this node does not remember: it was restored from a backup, and the stream stops.

    Raises
    ------
    RequestRefusedError
        As `check_receipt`.
    """
    stream = lock_stream(connection, stream_id)
    if stream is None:
        raise InputError(f"There is no stream {stream_id[:12]}.")
    check_receipt(receipt, stream, own, sent)
    key = store_receipt(connection, stream_id=stream_id, direction="in", receipt=receipt, jws=jws, now=now)
    first, last = span(receipt.events, receipt.next_sequence)
    if receipt.events:
        body = {"stream": stream_id, "first_sequence": first, "last_sequence": last, "digest": key}
        append(connection, [Entry(EntryKind.RECEIPT_GOT, stream.peer, stream_id, body)], now)
    if receipt.next_sequence > stream.next_sequence:
        alarm = (
            f"{stream.peer} has already seen number {receipt.next_sequence - 1} of this stream; this node has given "
            f"only {stream.next_sequence - 1}. This node was restored from an older backup. Find out what was lost, "
            f"then run `sealane stream recover {stream_id[:12]}`."
        )
        raise_alarm(connection, stream, "own_rollback", alarm, now)
        return Acknowledged(0, 0, 0, alarm)
    refused = [event for event in receipt.events if event.outcome is ReceiptOutcome.REFUSED]
    dead = sum(_refuse(connection, stream, event, now) for event in refused)
    accepted = 0
    if receipt.events:
        row = outbox_table.c
        done = connection.execute(
            outbox_table.update()
            .where(
                row.stream_id == stream_id,
                row.state == RowState.SEALED.value,
                row.sequence >= first,
                row.sequence <= last,
            )
            .values(state=RowState.ACKNOWLEDGED.value, changed_at=now, last_error=None)
        )
        accepted = done.rowcount
    values: dict[str, Any] = {
        "acked_sequence": max(stream.acked_sequence, last),
        "attempts": 0,
        "next_attempt_at": None,
        "last_error": None,
        "claimed_by": None,
        "claimed_at": None,
    }
    if receipt.in_force and receipt.state == StreamState.OPEN:
        values["lease_until"] = now + lease
    connection.execute(stream_table.update().where(stream_table.c.id == stream_id).values(**values))
    return Acknowledged(accepted, len(refused), dead)


def fail(connection: sa.Connection, stream_id: str, worker: str, error: str, next_attempt_at: dt.datetime) -> None:
    """Note a failed attempt: nothing is lost, the same bytes go out again."""
    connection.execute(
        stream_table.update()
        .where(stream_table.c.id == stream_id, sa.or_(_column("claimed_by") == worker, _column("claimed_by").is_(None)))
        .values(
            attempts=stream_table.c.attempts + 1,
            next_attempt_at=next_attempt_at,
            last_error=error[:1000],
            claimed_by=None,
            claimed_at=None,
        )
    )


def settle_cursor(
    connection: sa.Connection, stream_id: str, own: str, receipt: Receipt, lease: dt.timedelta, now: dt.datetime
) -> str | None:
    """Bring the stream to the partner's cursor, given by a verified receipt without events.

    The same: the lease is renewed. Behind: the partner was restored from a backup; what it lost goes out again with
    the same bytes, if it is still kept. Ahead of all numbers: this node was restored. What cannot be mended without a
    gap stops the stream.

    Returns
    -------
    The alarm, or None where nothing is amiss.
    """
    stream = lock_stream(connection, stream_id)
    if stream is None:
        raise InputError(f"There is no stream {stream_id[:12]}.")
    check_receipt(receipt, stream, own, ())
    expected, alarm = receipt.next_sequence, None
    if expected > stream.next_sequence:
        alarm = (
            f"{stream.peer} expects number {expected} next; this node has given only {stream.next_sequence - 1}. This "
            "node was restored from an older backup. Find out what was lost, then run `sealane stream recover "
            f"{stream_id[:12]}`."
        )
        raise_alarm(connection, stream, "own_rollback", alarm, now)
        return alarm
    if receipt.state == StreamState.STOPPED:
        alarm = (
            f"{stream.peer} has stopped this stream after an alarm; it expects number {expected} next. One of the two "
            "nodes was restored from an older backup, or the logs contradict each other: ask its operator. Then run "
            f"`sealane stream recover {stream_id[:12]}` there and here."
        )
        raise_alarm(connection, stream, "stopped_by_peer", alarm, now)
        return alarm
    values: dict[str, Any] = {}
    if expected > stream.acked_sequence + 1:
        # Seen there, answer lost on the way: the events are sent again all the same, so that a receipt is got.
        pass
    elif expected < stream.acked_sequence + 1:
        alarm = _rewind(connection, stream, expected, now)
        if alarm.startswith(_GAP):
            return alarm
        values["acked_sequence"] = expected - 1
    if receipt.in_force and receipt.state == StreamState.OPEN:
        values["lease_until"] = now + lease
    if values:
        connection.execute(stream_table.update().where(stream_table.c.id == stream_id).values(**values))
    return alarm


_GAP = "Silent gap refused: "


def _rewind(connection: sa.Connection, stream: Stream, expected: int, now: dt.datetime) -> str:
    row = outbox_table.c
    wanted = (row.stream_id == stream.id, row.sequence >= expected, row.sequence <= stream.acked_sequence)
    kept = connection.execute(
        sa.select(sa.func.count()).select_from(outbox_table).where(*wanted, row.payload.is_not(None))
    ).scalar_one()
    lost = stream.acked_sequence - expected + 1
    if kept < lost:
        alarm = (
            f"{_GAP}{stream.peer} was restored from a backup and expects number {expected}; {lost - kept} of the "
            f"{lost} messages since then are past this node's retention. Agree with the partner to go on without "
            f"them, then run `sealane stream recover {stream.id[:12]}`."
        )
        raise_alarm(connection, stream, "peer_rollback_beyond_retention", alarm, now)
        return alarm
    connection.execute(outbox_table.update().where(*wanted).values(state=RowState.SEALED.value, changed_at=now))
    alarm = (
        f"{stream.peer} has gone back from number {stream.acked_sequence + 1} to {expected}: it was restored from an "
        f"older backup. The {lost} messages in between are sent again."
    )
    _log_alarm(connection, stream, "peer_rollback", alarm, now)
    return alarm


def raise_alarm(connection: sa.Connection, stream: Stream, kind: str, text: str, now: dt.datetime) -> None:
    """Stop a stream with a reason an operator can act on, and log it."""
    stop_stream(connection, stream.id, text, now)
    connection.execute(
        stream_table.update().where(stream_table.c.id == stream.id).values(claimed_by=None, claimed_at=None)
    )
    _log_alarm(connection, stream, kind, text, now)


def recover(connection: sa.Connection, stream_id: str, peer_cursor: int, now: dt.datetime) -> None:
    """Let a stopped stream go on from the partner's cursor, as an operator decided knowingly.

    What was acknowledged below the cursor counts as delivered. Everything else that is still kept is decided and numbered
    anew; a record that the partner has after all changes nothing there. Ids change, so that none means two things.
    """
    recover_stream(connection, stream_id, now)
    stream = lock_stream(connection, stream_id)
    if stream is None:
        raise InputError(f"There is no stream {stream_id[:12]}.")
    row, mine = outbox_table.c, outbox_table.c.stream_id == stream_id
    if stream.direction == Direction.OUT:
        acknowledged = (row.state == RowState.ACKNOWLEDGED.value) & (row.sequence >= peer_cursor)
        again = (mine, acknowledged | (row.state == RowState.SEALED.value))
        cells = connection.execute(sa.select(row.id, row.payload).where(*again, row.record_position.is_(None))).all()
        connection.execute(
            outbox_table.update()
            .where(*again)
            .values(state=RowState.WAITING.value, sequence=None, digest=None, payload=None, changed_at=now)
        )
        for cell in cells:
            _set(connection, cell.id, {"payload": event_data(bytes(cell.payload))})
        connection.execute(
            outbox_table.update()
            .where(mine, row.state == RowState.WAITING.value)
            .values(event_id=row.event_id.concat(f"-{stream.epoch + 1}"))
        )
        connection.execute(
            stream_table.update()
            .where(stream_table.c.id == stream_id)
            .values(
                next_sequence=peer_cursor,
                acked_sequence=peer_cursor - 1,
                attempts=0,
                next_attempt_at=None,
                epoch=stream.epoch + 1,
            )
        )
    body = {"stream": stream_id, "alarm": "stream_recovered", "next_sequence": peer_cursor}
    append(connection, [Entry(EntryKind.ALARM_CLEARED, stream.peer, stream_id, body)], now)


def dead_letters(connection: sa.Connection, stream_id: str | None = None, limit: int = 1000) -> list[DeadLetter]:
    """Return what partners refused for good, oldest first."""
    row = outbox_table.c
    statement = sa.select(
        row.id, row.stream_id, row.event_id, row.record_position, row.refusals, row.last_error, row.changed_at
    ).where(row.state == RowState.DEAD.value)
    if stream_id is not None:
        statement = statement.where(row.stream_id == stream_id)
    found = connection.execute(statement.order_by(row.changed_at, row.id).limit(limit))
    return [DeadLetter(*values) for values in found]


def retry_dead_letter(connection: sa.Connection, outbox_id: int, now: dt.datetime) -> None:
    """Decide and send a dead letter once more, as a new message.

    Raises
    ------
    InputError
        If there is no such dead letter.
    """
    row = _dead(connection, outbox_id)
    _again(connection, row, row.refusals, now, now)
    _set(connection, outbox_id, {"state": RowState.REFUSED.value, "changed_at": now})


def drop_dead_letter(connection: sa.Connection, outbox_id: int, now: dt.datetime) -> None:
    """Give a dead letter up for good; the log keeps the fact.

    Raises
    ------
    InputError
        If there is no such dead letter.
    """
    row = _dead(connection, outbox_id)
    stream = lock_stream(connection, row.stream_id)
    peer = None if stream is None else stream.peer
    body = {"stream": row.stream_id, "reason": "dropped by an operator", "error": row.last_error}
    append(connection, [Entry(EntryKind.EVENT_DROPPED, peer, row.event_id, body)], now)
    _set(connection, outbox_id, {"state": RowState.REFUSED.value, "changed_at": now})


def trim_outbox(connection: sa.Connection, before: dt.datetime, limit: int = 10_000) -> int:
    """Delete finished rows older than the retention; decisions, receipts and log stay. Return how many."""
    row = outbox_table.c
    finished = [RowState.ACKNOWLEDGED, RowState.WITHHELD, RowState.REFUSED, RowState.CANCELLED]
    # A stream that is closed may be opened again: what it had numbered and not sent would be missing then.
    old = (
        sa.select(row.id)
        .where(row.state.in_([state.value for state in finished]), row.changed_at < before)
        .where(~((row.state == RowState.CANCELLED.value) & row.sequence.is_not(None)))
        .order_by(row.id)
        .limit(limit)
    )
    return connection.execute(outbox_table.delete().where(row.id.in_(old))).rowcount


def _refuse(connection: sa.Connection, stream: Stream, event: EventOutcome, now: dt.datetime) -> int:
    """Note a refusal; try again as a new message up to `MAX_REFUSALS`. Return 1 when it is dead."""
    row = outbox_table.c
    found = connection.execute(
        sa.select(outbox_table).where(
            row.stream_id == stream.id, row.sequence == event.sequence, row.state == RowState.SEALED.value
        )
    ).one_or_none()
    if found is None:
        return 0
    refusals = found.refusals + 1
    reason = (event.reason or "no reason given")[:1000]
    dead = refusals >= MAX_REFUSALS
    state = RowState.DEAD if dead else RowState.REFUSED
    _set(connection, found.id, {"state": state.value, "refusals": refusals, "last_error": reason, "changed_at": now})
    if not dead:
        _again(connection, found, refusals, now + _RETRY_BASE * 2 ** (refusals - 1), now)
    return int(dead)


def _again(connection: sa.Connection, row: sa.Row[Any], refusals: int, due_at: dt.datetime, now: dt.datetime) -> None:
    base, _, tries = row.event_id.partition("~")
    values: Mapping[str, Any] = {
        "stream_id": row.stream_id,
        "record_position": row.record_position,
        # The refused one keeps its id in the partner's inbox.
        "event_id": f"{base}~{int(tries or 1) + 1}",
        "state": RowState.WAITING.value,
        "due_at": due_at,
        "payload": event_data(bytes(row.payload)) if row.record_position is None else None,
        "refusals": refusals,
        "changed_at": now,
    }
    connection.execute(outbox_table.insert().values(values))


def _dead(connection: sa.Connection, outbox_id: int) -> sa.Row[Any]:
    row = connection.execute(
        sa.select(outbox_table).where(outbox_table.c.id == outbox_id, outbox_table.c.state == RowState.DEAD.value)
    ).one_or_none()
    if row is None:
        raise InputError(f"There is no dead letter {outbox_id}. See `sealane stream show`.")
    return row


def _set(connection: sa.Connection, outbox_id: int, values: Mapping[str, Any]) -> None:
    connection.execute(outbox_table.update().where(outbox_table.c.id == outbox_id).values(**values))


def _log_alarm(connection: sa.Connection, stream: Stream, kind: str, text: str, now: dt.datetime) -> None:
    body = {"stream": stream.id, "alarm": kind, "text": text, "digest": hashlib.sha256(text.encode()).hexdigest()}
    append(connection, [Entry(EntryKind.ALARM, stream.peer, stream.id, body)], now)


def _column(name: str) -> sa.ColumnElement[Any]:
    return stream_table.c[name]
