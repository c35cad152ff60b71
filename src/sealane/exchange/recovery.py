"""After a backup was restored on one side: how the counters find together again, or why they cannot.

Every function works under the lock of the stream's row, in the caller's write transaction.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.delivery import outbox as outbox_table
from sealane.database.tables.delivery import stream as stream_table
from sealane.errors import InputError
from sealane.exchange.acknowledgement import check_receipt
from sealane.exchange.alarms import log_alarm, raise_alarm
from sealane.exchange.events import event_data
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.receipts import Receipt
from sealane.exchange.sealing import RowState
from sealane.exchange.streams import Direction, Stream, StreamState, lock_stream, recover_stream


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
    log_alarm(connection, stream, "peer_rollback", alarm, now)
    return alarm


def recover(connection: sa.Connection, stream_id: str, peer_cursor: int, now: dt.datetime) -> None:
    """Let a stopped stream go on from the partner's cursor, as an operator decided knowingly.

    What was acknowledged below the cursor counts as delivered. Everything else that is still kept is decided and
    numbered anew; a record that the partner has after all changes nothing there. Ids change, so that none means two
    things.
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
            data = event_data(bytes(cell.payload))
            connection.execute(outbox_table.update().where(row.id == cell.id).values(payload=data))
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
