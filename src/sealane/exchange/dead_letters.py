"""Messages a partner refuses: tried again a few times as new messages, then dead until an operator decides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.delivery import outbox as outbox_table
from sealane.errors import InputError
from sealane.exchange.events import event_data
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.receipts import EventOutcome
from sealane.exchange.sealing import RowState
from sealane.exchange.streams import Stream, lock_stream

# A message that the partner has refused this often is dead; each try is sealed anew and has its own number.
MAX_REFUSALS = 3
_RETRY_BASE = dt.timedelta(seconds=30)


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


def refuse(connection: sa.Connection, stream: Stream, event: EventOutcome, now: dt.datetime) -> int:
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
