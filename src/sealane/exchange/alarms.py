"""Alarms about a stream: they stop it or not, stand in the log, and say what an operator should do."""

from __future__ import annotations

import datetime as dt
import hashlib

import sqlalchemy as sa

from sealane.database.tables.delivery import stream as stream_table
from sealane.exchange import peers
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.streams import Stream, stop_stream

_OWN_FAULT = frozenset({"own_rollback"})


def raise_alarm(connection: sa.Connection, stream: Stream, kind: str, text: str, now: dt.datetime) -> None:
    """Stop a stream with a reason an operator can act on, and log it."""
    stop_stream(connection, stream.id, text, now)
    connection.execute(
        stream_table.update().where(stream_table.c.id == stream.id).values(claimed_by=None, claimed_at=None)
    )
    log_alarm(connection, stream, kind, text, now)


def log_alarm(connection: sa.Connection, stream: Stream, kind: str, text: str, now: dt.datetime) -> None:
    """Note an alarm in the log and, where it is about the partner, with the partner; the stream goes on."""
    if kind not in _OWN_FAULT:
        peers.raise_alarm(connection, stream.peer, text)
    body = {"stream": stream.id, "alarm": kind, "text": text, "digest": hashlib.sha256(text.encode()).hexdigest()}
    append(connection, [Entry(EntryKind.ALARM, stream.peer, stream.id, body)], now)


def take_back_alarm(connection: sa.Connection, participant: str, now: dt.datetime) -> str | None:
    """Take the alarm about a partner back, as an operator decided; return what it was, None where none stood."""
    peer = peers.get_peer(connection, participant)
    if peer is None or peer.alarm is None:
        return None
    peers.clear_alarm(connection, participant)
    append(connection, [Entry(EntryKind.ALARM_CLEARED, participant, participant, {"reason": peer.alarm})], now)
    return peer.alarm
