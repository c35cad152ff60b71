"""How the streams stand, for an operator: what waits, what failed and why, what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from sealane.database.tables.delivery import inbox as inbox_table
from sealane.database.tables.delivery import outbox as outbox_table
from sealane.exchange.sealing import RowState
from sealane.exchange.streams import Direction, Stream, all_streams


@dataclass(frozen=True)
class StreamStatus:
    """One stream as it stands.

    Attributes
    ----------
    counts : number of messages by state; of an outgoing stream those of the outbox, of an incoming one ``accepted``
        and ``refused``.
    due : messages that could go out now, sealed ones included.
    oldest_due_at : since when the oldest of them could have gone.
    """

    stream: Stream
    counts: Mapping[str, int]
    due: int = 0
    oldest_due_at: dt.datetime | None = None

    @property
    def dead(self) -> int:
        """Messages the partner refused for good."""
        return self.counts.get(RowState.DEAD.value, 0)

    @property
    def trouble(self) -> str | None:
        """Say what an operator should look at; None where nothing is amiss."""
        if self.stream.state == "stopped":
            return self.stream.state_reason
        if self.stream.state == "open" and self.stream.last_error is not None:
            return self.stream.last_error
        return f"{self.dead} dead letters" if self.dead else None


def stream_status(connection: sa.Connection, now: dt.datetime, stream_id: str | None = None) -> list[StreamStatus]:
    """Return how every stream stands, or one, oldest first."""
    streams = [s for s in all_streams(connection) if stream_id in {None, s.id}]
    sent = _counts(connection, outbox_table.c.stream_id, outbox_table.c.state, stream_id)
    taken = _counts(connection, inbox_table.c.stream_id, inbox_table.c.outcome, stream_id)
    due = _due(connection, now, stream_id)
    found = []
    for stream in streams:
        counts = sent if stream.direction == Direction.OUT else taken
        number, oldest = due.get(stream.id, (0, None))
        found.append(StreamStatus(stream, counts.get(stream.id, {}), number, oldest))
    return found


def _counts(
    connection: sa.Connection, key: sa.ColumnElement[str], state: sa.ColumnElement[str], stream_id: str | None
) -> dict[str, dict[str, int]]:
    statement = sa.select(key, state, sa.func.count()).group_by(key, state)
    if stream_id is not None:
        statement = statement.where(key == stream_id)
    counts: dict[str, dict[str, int]] = {}
    for stream, name, number in connection.execute(statement):
        counts.setdefault(stream, {})[name] = number
    return counts


def _due(
    connection: sa.Connection, now: dt.datetime, stream_id: str | None
) -> dict[str, tuple[int, dt.datetime | None]]:
    row = outbox_table.c
    waiting = sa.and_(row.state == RowState.WAITING.value, row.due_at <= now)
    statement = (
        sa.select(row.stream_id, sa.func.count(), sa.func.min(row.due_at))
        .where(waiting | (row.state == RowState.SEALED.value))
        .group_by(row.stream_id)
    )
    if stream_id is not None:
        statement = statement.where(row.stream_id == stream_id)
    return {key: (number, oldest) for key, number, oldest in connection.execute(statement)}
