"""Streams: one clause of one agreement version between two participants, in one direction.

The same id is computed on both sides. Every change of state goes through one table (`TRANSITIONS`), under the lock
of the stream's row.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sealane.agreements.clauses import Terms
from sealane.database.engine import for_update
from sealane.database.tables.delivery import outbox as outbox_table
from sealane.database.tables.delivery import stream as stream_table
from sealane.errors import Fault, InputError, RequestRefusedError
from sealane.exchange.ledger import Entry, EntryKind, append

DEFAULT_LEASE = dt.timedelta(minutes=1)


class Direction(StrEnum):
    """Seen from this node."""

    OUT = "out"
    IN = "in"


class StreamState(StrEnum):
    """Only an open stream moves anything."""

    OPEN = "open"
    SUSPENDED = "suspended"  # by one of the parties, for a while
    STOPPED = "stopped"  # by the node, after an alarm; an operator decides
    CLOSED = "closed"


class StreamEvent(StrEnum):
    """What can happen to a stream."""

    OPEN = "open"
    SUSPEND = "suspend"
    RESUME = "resume"
    STOP = "stop"
    RECOVER = "recover"
    CLOSE = "close"


_O, _S, _X, _C = StreamState.OPEN, StreamState.SUSPENDED, StreamState.STOPPED, StreamState.CLOSED

# None: refused. A stream that was stopped opens again only by `recover`: a partner cannot undo an alarm.
TRANSITIONS: Mapping[tuple[StreamState, StreamEvent], StreamState | None] = {
    (_O, StreamEvent.OPEN): _O,
    (_S, StreamEvent.OPEN): _O,
    (_X, StreamEvent.OPEN): _X,
    (_C, StreamEvent.OPEN): _O,
    (_O, StreamEvent.SUSPEND): _S,
    (_S, StreamEvent.SUSPEND): _S,
    (_X, StreamEvent.SUSPEND): _X,
    (_C, StreamEvent.SUSPEND): None,
    (_O, StreamEvent.RESUME): _O,
    (_S, StreamEvent.RESUME): _O,
    (_X, StreamEvent.RESUME): None,
    (_C, StreamEvent.RESUME): None,
    (_O, StreamEvent.STOP): _X,
    (_S, StreamEvent.STOP): _X,
    (_X, StreamEvent.STOP): _X,
    (_C, StreamEvent.STOP): _C,
    (_O, StreamEvent.RECOVER): None,
    (_S, StreamEvent.RECOVER): None,
    (_X, StreamEvent.RECOVER): _O,
    (_C, StreamEvent.RECOVER): None,
    (_O, StreamEvent.CLOSE): _C,
    (_S, StreamEvent.CLOSE): _C,
    (_X, StreamEvent.CLOSE): _C,
    (_C, StreamEvent.CLOSE): _C,
}


@dataclass(frozen=True)
class Stream:
    """One row of the table ``stream``; see there."""

    id: str
    direction: str
    peer: str
    agreement_id: str
    agreement_version: int
    clause_id: str
    dataset: str
    purpose: str
    granularity: str
    transfer_id: str | None
    endpoint: str | None
    token: str | None
    state: str
    state_reason: str | None
    scanned_position: int
    next_sequence: int
    acked_sequence: int
    lease_until: dt.datetime | None
    attempts: int
    next_attempt_at: dt.datetime | None
    last_error: str | None
    claimed_by: str | None
    claimed_at: dt.datetime | None
    opened_at: dt.datetime
    epoch: int

    def __repr__(self) -> str:  # the token must not reach a log through a traceback
        return f"Stream({self.id[:12]}, {self.direction}, {self.peer}, {self.state})"


_COLUMNS = [stream_table.c[field.name] for field in fields(Stream)]


def stream_id(agreement_id: str, version: int, clause_id: str, provider: str, recipient: str) -> str:
    """Return the id of a stream, the same on both sides: SHA-256 over its five parts, 64 hexadecimal digits.

    Parameters
    ----------
    provider, recipient : participant ids.
    """
    parts = json.dumps([agreement_id, version, clause_id, provider, recipient], separators=(",", ":"))
    return hashlib.sha256(parts.encode("utf-8")).hexdigest()


def open_stream(
    connection: sa.Connection,
    *,
    own: str,
    peer: str,
    direction: Direction | str,
    terms: Terms,
    purpose: str,
    now: dt.datetime,
    endpoint: str | None = None,
    token: str | None = None,
    transfer_id: str | None = None,
    lease: dt.timedelta = DEFAULT_LEASE,
) -> str:
    """Open a stream, or open it again; return its id. The same call twice changes nothing.

    A stream that was closed goes on where it stood: what was cancelled then waits again, with the number and bytes it
    had if it had any, so that the counter keeps no gap. Nothing is sent merely because a stream is open: every claim
    asks anew whether the agreement is in force.

    Parameters
    ----------
    own, peer : participant ids of this node and of the partner.
    terms : the clause, with its agreement and version.
    purpose : the one that was negotiated; must be among the clause's.
    endpoint, token : where an outgoing stream delivers to.
    lease : for how long after the partner's last answer events may be sent without asking again.

    Raises
    ------
    RequestRefusedError
        If the clause does not name the purpose.
    """
    clause = terms.clause
    if purpose not in clause.purposes:
        raise RequestRefusedError(
            403,
            "purpose-not-agreed",
            f"Clause {clause.id} of {terms.agreement_id} version {terms.version} does not name purpose {purpose!r}.",
            f"Ask for one of: {', '.join(sorted(clause.purposes))}.",
        )
    direction = Direction(direction)
    provider, recipient = (own, peer) if direction is Direction.OUT else (peer, own)
    key = stream_id(terms.agreement_id, terms.version, clause.id, provider, recipient)
    address = {"endpoint": endpoint, "token": token, "transfer_id": transfer_id}
    found = lock_stream(connection, key)
    if found is None:
        connection.execute(
            stream_table.insert().values(
                id=key,
                direction=direction.value,
                peer=peer,
                agreement_id=terms.agreement_id,
                agreement_version=terms.version,
                clause_id=clause.id,
                dataset=clause.dataset,
                purpose=purpose,
                granularity=clause.granularity.value,
                state=StreamState.OPEN.value,
                scanned_position=0,
                next_sequence=1,
                acked_sequence=0,
                lease_until=now + lease if direction is Direction.OUT else None,
                attempts=0,
                opened_at=now,
                epoch=0,
                **address,
            )
        )
    else:
        _move(connection, found, StreamEvent.OPEN, None, now)
        values: dict[str, Any] = {name: value for name, value in address.items() if value is not None}
        if direction is Direction.OUT:
            values |= {"lease_until": now + lease, "attempts": 0, "next_attempt_at": None}
        if found.state != StreamState.STOPPED:
            connection.execute(stream_table.update().where(stream_table.c.id == key).values(purpose=purpose, **values))
        if found.state == StreamState.CLOSED:
            _uncancel(connection, key, now)
    if found is None or found.state == StreamState.CLOSED:
        body = {
            "stream": key,
            "direction": direction.value,
            "agreement": terms.agreement_id,
            "version": terms.version,
            "clause": clause.id,
            "purpose": purpose,
        }
        append(connection, [Entry(EntryKind.STREAM_OPENED, peer, key, body)], now)
    return key


def get_stream(connection: sa.Connection, key: str) -> Stream | None:
    """Return a stream as it stands, without a lock."""
    row = connection.execute(sa.select(*_COLUMNS).where(stream_table.c.id == key)).one_or_none()
    return None if row is None else Stream(*row)


def lock_stream(connection: sa.Connection, key: str) -> Stream | None:
    """Return a stream with its row locked until the transaction ends."""
    statement = for_update(sa.select(*_COLUMNS).where(stream_table.c.id == key), connection)
    row = connection.execute(statement).one_or_none()
    return None if row is None else Stream(*row)


def find_stream(connection: sa.Connection, prefix: str) -> Stream:
    """Return the one stream whose id begins with the prefix given at the command line.

    Raises
    ------
    InputError
        If none or several do.
    """
    pattern = stream_table.c.id.startswith(prefix, autoescape=True)
    rows = connection.execute(sa.select(*_COLUMNS).where(pattern).limit(2)).all()
    if len(rows) == 1:
        return Stream(*rows[0])
    found = "no stream" if not rows else "more than one stream"
    raise InputError(f"{found.capitalize()} has an id that begins with {prefix!r}. See `sealane stream list`.")


def all_streams(
    connection: sa.Connection, *, direction: Direction | None = None, state: StreamState | None = None
) -> list[Stream]:
    """Return streams, oldest first."""
    statement = sa.select(*_COLUMNS).order_by(stream_table.c.opened_at, stream_table.c.id)
    if direction is not None:
        statement = statement.where(stream_table.c.direction == direction.value)
    if state is not None:
        statement = statement.where(stream_table.c.state == state.value)
    return [Stream(*row) for row in connection.execute(statement)]


def suspend_stream(connection: sa.Connection, key: str, reason: str, now: dt.datetime) -> None:
    """Hold a stream at the wish of a party; what waits keeps waiting."""
    _move(connection, _existing(connection, key), StreamEvent.SUSPEND, reason, now)


def resume_stream(connection: sa.Connection, key: str, now: dt.datetime) -> None:
    """Let a suspended stream go on."""
    _move(connection, _existing(connection, key), StreamEvent.RESUME, None, now)


def stop_stream(connection: sa.Connection, key: str, reason: str, now: dt.datetime) -> None:
    """Stop a stream after an alarm; the reason says what an operator should do."""
    _move(connection, _existing(connection, key), StreamEvent.STOP, reason, now)


def recover_stream(connection: sa.Connection, key: str, now: dt.datetime) -> None:
    """Open a stopped stream again, as an operator decided."""
    _move(connection, _existing(connection, key), StreamEvent.RECOVER, None, now)


def close_streams(
    connection: sa.Connection,
    *,
    reason: str,
    now: dt.datetime,
    agreement_id: str | None = None,
    version: int | None = None,
    peer: str | None = None,
    transfer_id: str | None = None,
    key: str | None = None,
) -> list[str]:
    """Close streams and cancel what had not been acknowledged on them, in the caller's transaction.

    Called in the transaction that retires or supersedes an agreement: from its commit on, no claim finds anything.
    Each argument given narrows the choice; at least one must be given.

    Returns
    -------
    Ids of the streams that were not closed before.
    """
    conditions = [
        column == value
        for column, value in (
            (stream_table.c.agreement_id, agreement_id),
            (stream_table.c.agreement_version, version),
            (stream_table.c.peer, peer),
            (stream_table.c.transfer_id, transfer_id),
            (stream_table.c.id, key),
        )
        if value is not None
    ]
    if not conditions:
        raise ValueError("close_streams wants at least one of agreement_id, version, peer, transfer_id, key")
    statement = sa.select(*_COLUMNS).where(stream_table.c.state != StreamState.CLOSED.value, *conditions)
    # One order of locking for everybody who locks several streams.
    rows = connection.execute(for_update(statement.order_by(stream_table.c.id), connection)).all()
    closed = [Stream(*row) for row in rows]
    for stream in closed:
        _move(connection, stream, StreamEvent.CLOSE, reason, now)
        connection.execute(
            outbox_table.update()
            .where(outbox_table.c.stream_id == stream.id, outbox_table.c.state.in_(["waiting", "sealed"]))
            .values(state="cancelled", last_error=reason, changed_at=now)
        )
    return [stream.id for stream in closed]


def renew_lease(connection: sa.Connection, key: str, until: dt.datetime) -> None:
    """Note that the partner has answered: events may be sent without asking again until then."""
    connection.execute(stream_table.update().where(stream_table.c.id == key).values(lease_until=until))


def _existing(connection: sa.Connection, key: str) -> Stream:
    found = lock_stream(connection, key)
    if found is None:
        raise RequestRefusedError(
            404, "unknown-stream", f"There is no stream {key[:12]}.", "See `sealane stream list`."
        )
    return found


def _move(connection: sa.Connection, stream: Stream, event: StreamEvent, reason: str | None, now: dt.datetime) -> None:
    old = StreamState(stream.state)
    new = TRANSITIONS[old, event]
    if new is None:
        raise RequestRefusedError(
            409,
            "stream-state",
            f"Stream {stream.id[:12]} is {old.value}; {event.value} is not possible.",
            "Open it again by a new transfer." if old is StreamState.CLOSED else "See `sealane stream show`.",
            (Fault("stream.state", f"{old.value}: {stream.state_reason or 'no reason noted'}", "open or suspended"),),
        )
    if new is old and event is not StreamEvent.STOP:
        return
    connection.execute(
        stream_table.update().where(stream_table.c.id == stream.id).values(state=new.value, state_reason=reason)
    )
    if new is StreamState.CLOSED:
        body = {"stream": stream.id, "reason": reason, "next_sequence": stream.next_sequence}
        append(connection, [Entry(EntryKind.STREAM_CLOSED, stream.peer, stream.id, body)], now)


def _uncancel(connection: sa.Connection, key: str, now: dt.datetime) -> None:
    cancelled = (outbox_table.c.stream_id == key, outbox_table.c.state == "cancelled")
    numbered = outbox_table.c.sequence.is_not(None)
    for state, condition in (("sealed", numbered), ("waiting", ~numbered)):
        connection.execute(
            outbox_table.update().where(*cancelled, condition).values(state=state, last_error=None, changed_at=now)
        )
