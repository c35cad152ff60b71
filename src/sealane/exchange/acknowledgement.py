"""What a partner's receipt does to the outbox: it marks what was sent, and nothing else does.

Every function works under the lock of the stream's row, in the caller's write transaction.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.delivery import outbox as outbox_table
from sealane.database.tables.delivery import stream as stream_table
from sealane.errors import InputError
from sealane.exchange.alarms import raise_alarm
from sealane.exchange.dead_letters import refuse
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.receipts import Receipt, ReceiptOutcome, no_receipt, span, store_receipt
from sealane.exchange.sealing import RowState, SealedEvent
from sealane.exchange.streams import Stream, StreamState, lock_stream


@dataclass(frozen=True)
class Acknowledged:
    """What a receipt changed."""

    accepted: int
    refused: int
    dead: int
    alarm: str | None = None


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
    dead = sum(refuse(connection, stream, event, now) for event in refused)
    accepted = 0
    if receipt.events:
        row = outbox_table.c
        done = connection.execute(
            outbox_table.update()
            .where(
                row.stream_id == stream_id,
                # Cancelled while it was on its way: it has arrived all the same.
                row.state.in_([RowState.SEALED.value, RowState.CANCELLED.value]),
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


def _column(name: str) -> sa.ColumnElement[Any]:
    return stream_table.c[name]
