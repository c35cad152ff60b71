"""What partners are still to be told about agreements: rows that are sent until the partner has answered.

A proposal, signature, decline or retirement is queued in the transaction that makes it and sent afterwards, in order
per partner and agreement version. Each is safe to send twice. A partner's no and a partner that never answers stay
in the table with the reason, and are shown.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import sqlalchemy as sa

from sealane.database.engine import for_update
from sealane.database.tables.agreements import agreement_message as table
from sealane.errors import SealaneError
from sealane.exchange.agreement_steps import advance
from sealane.exchange.agreement_store import Registered
from sealane.exchange.outbound import Response
from sealane.exchange.peers import get_peer

if TYPE_CHECKING:
    from sealane.node.context import Node

PATH = "/sealane/v1/agreements"
GIVE_UP_AFTER = dt.timedelta(days=30)
CLAIM = dt.timedelta(seconds=60)
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 600.0
LONGEST_RETIREMENT_WAIT_S = 15.0  # whoever does not know yet that it is over goes on sending
TIMEOUT_S = 10.0
# The partner's own fault or ours in passing: clock, keys, order of messages, load.
_AGAIN = frozenset({401, 403, 404, 408, 425, 429})
_LOG = logging.getLogger(__name__)


class MessageKind(StrEnum):
    """What a partner is told."""

    PROPOSAL = "proposal"
    SIGNATURE = "signature"
    DECLINE = "decline"
    RETIREMENT = "retirement"


class MessageState(StrEnum):
    """What became of it."""

    PENDING = "pending"
    DELIVERED = "delivered"
    REFUSED = "refused"  # the partner said no for good
    FAILED = "failed"  # given up after `GIVE_UP_AFTER`


@dataclass(frozen=True)
class Message:
    """One message to one partner."""

    id: int
    agreement_id: str
    version: int
    peer: str
    kind: MessageKind
    state: MessageState
    attempts: int
    next_attempt_at: dt.datetime
    last_error: str | None
    created_at: dt.datetime
    changed_at: dt.datetime


_COLUMNS = tuple(table.c[name] for name in Message.__dataclass_fields__)


def queue(
    connection: sa.Connection, found: Registered, own: str, kind: MessageKind, jws: str, now: dt.datetime
) -> None:
    """Queue a statement to every other participant; a partner is told each kind once per version."""
    key = (table.c.agreement_id == found.document.id, table.c.version == found.document.version, table.c.kind == kind)
    told = set(connection.scalars(sa.select(table.c.peer).where(*key)))
    rows = [
        {
            "agreement_id": found.document.id,
            "version": found.document.version,
            "peer": peer,
            "kind": kind.value,
            "jws": jws,
            "state": MessageState.PENDING.value,
            "attempts": 0,
            "next_attempt_at": now,
            "created_at": now,
            "changed_at": now,
        }
        for peer in found.others(own)
        if peer not in told
    ]
    if rows:
        connection.execute(table.insert(), rows)


def messages(connection: sa.Connection, agreement_id: str | None = None, *, open_only: bool = False) -> list[Message]:
    """Return messages in order; `open_only` leaves out those that arrived."""
    statement = sa.select(*_COLUMNS).order_by(table.c.id)
    if agreement_id is not None:
        statement = statement.where(table.c.agreement_id == agreement_id)
    if open_only:
        statement = statement.where(table.c.state != MessageState.DELIVERED.value)
    return [_message(row) for row in connection.execute(statement)]


def send_again(connection: sa.Connection, agreement_id: str, now: dt.datetime) -> int:
    """Take up at once what waits, was refused or given up; return how many messages."""
    return connection.execute(
        table.update()
        .where(table.c.agreement_id == agreement_id, table.c.state != MessageState.DELIVERED.value)
        .values(state=MessageState.PENDING.value, next_attempt_at=now, created_at=now, changed_at=now)
    ).rowcount


def send_pending(node: Node) -> list[Message]:
    """Do what time brought, send what is due and store each outcome; return the messages tried, as they stand then.

    Never raises for a partner's sake: one that is down must not keep the others from hearing.
    """
    moved: str | None = ""
    while moved is not None:
        with node.database.write() as connection:
            moved = advance(connection, node.identity, node.clock())
    tried = []
    while (claimed := _claim(node)) is not None:
        message, jws = claimed
        tried.append(_settle(node, message, *_send(node, message, jws)))
    return tried


def _claim(node: Node) -> tuple[Message, str] | None:
    """Take the next due message; nobody else takes it for `CLAIM`. Earlier messages to the same partner go first."""
    now = node.clock()
    earlier = table.alias("earlier")
    blocked = sa.exists().where(
        earlier.c.agreement_id == table.c.agreement_id,
        earlier.c.version == table.c.version,
        earlier.c.peer == table.c.peer,
        earlier.c.id < table.c.id,
        earlier.c.state == MessageState.PENDING.value,
    )
    due = (
        sa.select(*_COLUMNS, table.c.jws)
        .where(table.c.state == MessageState.PENDING.value, table.c.next_attempt_at <= now, ~blocked)
        # Retirements first: they must not wait behind partners that take their time to fail.
        .order_by(table.c.kind != MessageKind.RETIREMENT.value, table.c.next_attempt_at, table.c.id)
        .limit(1)
    )
    with node.database.read() as connection:
        if connection.execute(due).first() is None:
            return None
    with node.database.write() as connection:
        row = connection.execute(for_update(due, connection, skip_locked=True)).first()
        if row is None:
            return None
        connection.execute(table.update().where(table.c.id == row.id).values(next_attempt_at=now + CLAIM))
        return _message(row), row.jws


def _send(node: Node, message: Message, jws: str) -> tuple[MessageState, str | None, float | None]:
    """Return the new state, what went wrong, and the wait the partner asked for in seconds."""
    with node.database.read() as connection:
        peer = get_peer(connection, message.peer)
    if peer is None:
        return MessageState.PENDING, f"{message.peer} is not registered here any more", None
    # No blank can be in an id; quoted all the same, because the id stands in an address.
    address = f"{quote(message.agreement_id, safe='')}/{message.version}"
    path = {
        MessageKind.PROPOSAL: PATH,
        MessageKind.SIGNATURE: f"{PATH}/{address}/signatures",
        MessageKind.DECLINE: f"{PATH}/{address}/decline",
        MessageKind.RETIREMENT: f"{PATH}/{address}/retirement",
    }[message.kind]
    try:
        answer = node.outbound.request(
            "POST",
            peer.origin + path,
            participant=message.peer,
            content=json.dumps({"jws": jws}).encode("ascii"),
            headers={"content-type": "application/json"},
            timeout_s=TIMEOUT_S,
        )
    except SealaneError as error:
        return MessageState.PENDING, str(error).splitlines()[0], None
    if 200 <= answer.status < 300:
        return MessageState.DELIVERED, None, None
    again = answer.status in _AGAIN or answer.status >= 500
    return (MessageState.PENDING if again else MessageState.REFUSED), _problem(answer), _retry_after(answer)


def _settle(
    node: Node, message: Message, state: MessageState, problem: str | None, asked_wait_s: float | None
) -> Message:
    now = node.clock()
    attempts = message.attempts + 1
    if state is MessageState.PENDING and now - message.created_at >= GIVE_UP_AFTER:
        state = MessageState.FAILED
    longest = LONGEST_RETIREMENT_WAIT_S if message.kind is MessageKind.RETIREMENT else LONGEST_WAIT_S
    # Full jitter: partners that were down together are not asked together again.
    wait_s = random.uniform(0.5, 1.0) * min(longest, FIRST_WAIT_S * 2 ** min(attempts - 1, 20))
    wait_s = max(wait_s, min(asked_wait_s or 0.0, longest))
    values: dict[str, Any] = {
        "state": state.value,
        "attempts": attempts,
        "next_attempt_at": now + dt.timedelta(seconds=wait_s),
        "last_error": problem,
        "changed_at": now,
    }
    with node.database.write() as connection:
        connection.execute(table.update().where(table.c.id == message.id).values(**values))
        row = connection.execute(sa.select(*_COLUMNS).where(table.c.id == message.id)).one()
    if state is not MessageState.DELIVERED:
        told = (message.kind.value, f"{message.agreement_id}/{message.version}", message.peer, state.value, problem)
        _LOG.warning("agreement message %s of %s to %s: %s (%s)", *told)
    return _message(row)


def _message(row: Any) -> Message:
    values = {name: getattr(row, name) for name in Message.__dataclass_fields__}
    return Message(**values | {"kind": MessageKind(row.kind), "state": MessageState(row.state)})


def _problem(answer: Response) -> str:
    """Return what a partner says is wrong, shortened: it is text from outside."""
    try:
        body = json.loads(answer.content)
        told = [str(body.get("detail") or body.get("title") or ""), *(str(f) for f in (body.get("faults") or [])[:5])]
    except (ValueError, AttributeError, TypeError):
        told = []
    text = "; ".join(part for part in told if part)
    return f"answered {answer.status}" + (f": {text[:800]}" if text else "")


def _retry_after(answer: Response) -> float | None:
    text = answer.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
