"""What an operator does to streams: pause, resume, recover, decide dead letters; as protocol and commands do."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from sealane.database.tables.delivery import outbox
from sealane.errors import Phrase, RequestRefusedError
from sealane.exchange import recovery, transfer
from sealane.exchange.dead_letters import DeadLetter, dead_letters, drop_dead_letter, retry_dead_letter
from sealane.exchange.delivery import recover_outgoing
from sealane.exchange.sealing import RowState
from sealane.exchange.streams import Direction, Stream, get_stream, resume_stream, suspend_stream
from sealane.exchange.transfer import TransferMessage
from sealane.node.context import Node
from sealane.node.dataspace import dataspace_of

MAX_LETTERS = 1_000


def find(connection: sa.Connection, stream_id: str) -> Stream:
    """Return a stream.

    Raises
    ------
    RequestRefusedError
        404 where there is none.
    """
    found = get_stream(connection, stream_id)
    if found is None:
        raise RequestRefusedError(
            404, "unknown-stream", Phrase("There is no such stream."), Phrase("See /exchange for all.")
        )
    return found


def pause(node: Node, connection: sa.Connection, stream_id: str, reason: str, now: dt.datetime) -> Stream:
    """Hold a stream; where a transfer stands behind it the partner is told by the protocol. What waits keeps waiting.

    Raises
    ------
    RequestRefusedError
        404 where there is none, 409 where it cannot be paused now.
    """
    stream = find(connection, stream_id)
    if stream.transfer_id is None:
        suspend_stream(connection, stream_id, reason, now)
    else:
        # Its hook holds the stream in this transaction, before the partner is told.
        transfer.act(dataspace_of(node), connection, stream.transfer_id, TransferMessage.SUSPENSION, now, reason)
    return find(connection, stream_id)


def resume(node: Node, connection: sa.Connection, stream_id: str, now: dt.datetime) -> Stream:
    """Let a paused stream go on; where a transfer stands behind it, once the partner has been told.

    Raises
    ------
    RequestRefusedError
        404 where there is none, 409 where the partner paused it or its clause has ended.
    """
    stream = find(connection, stream_id)
    if stream.transfer_id is None:
        resume_stream(connection, stream_id, now)
    else:
        transfer.act(dataspace_of(node), connection, stream.transfer_id, TransferMessage.START, now)
    return find(connection, stream_id)


def recover(node: Node, stream_id: str) -> int:
    """Let a stream that an alarm stopped go on; return the number it goes on with.

    An outgoing one goes on from where the partner's counter stands: the partner must answer.

    Raises
    ------
    RequestRefusedError
        404 where there is none, 409 where it is not stopped.
    UnreachableError
        When the partner does not answer.
    """
    with node.database.read() as connection:
        stream = find(connection, stream_id)
    if stream.direction == Direction.OUT:
        return recover_outgoing(node, stream_id)
    with node.database.write() as connection:
        recovery.recover(connection, stream_id, stream.next_sequence, node.clock())
    return stream.next_sequence


def retry(connection: sa.Connection, letter: int, now: dt.datetime) -> DeadLetter:
    """Decide a dead letter anew and send it once more.

    Raises
    ------
    RequestRefusedError
        404 where there is no such dead letter.
    """
    found = _letter(connection, letter)
    retry_dead_letter(connection, letter, now)
    return found


def drop(connection: sa.Connection, letter: int, now: dt.datetime) -> DeadLetter:
    """Give a dead letter up for good; the log keeps the fact.

    Raises
    ------
    RequestRefusedError
        404 where there is no such dead letter.
    """
    found = _letter(connection, letter)
    drop_dead_letter(connection, letter, now)
    return found


def retry_all(connection: sa.Connection, stream_id: str, now: dt.datetime) -> int:
    """Decide the dead letters of a stream anew, oldest first and at most `MAX_LETTERS`; return how many."""
    find(connection, stream_id)
    letters = dead_letters(connection, stream_id, MAX_LETTERS)
    for letter in letters:
        retry_dead_letter(connection, letter.id, now)
    return len(letters)


def _letter(connection: sa.Connection, letter: int) -> DeadLetter:
    columns = outbox.c
    query = sa.select(
        columns.id,
        columns.stream_id,
        columns.event_id,
        columns.record_position,
        columns.refusals,
        columns.last_error,
        columns.changed_at,
    ).where(columns.id == letter, columns.state == RowState.DEAD.value)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise RequestRefusedError(
            404, "unknown-letter", Phrase("There is no such dead letter."), Phrase("Load the stream's page again.")
        )
    return DeadLetter(*row)
