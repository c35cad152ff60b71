"""Delivers the pending messages of negotiations and transfers, and asks where an answer is overdue.

Nothing is sent inside a transaction. A message the other side refuses is never repeated blindly: its state is asked
for (GET) and either shows that the message had arrived, or the process ends with the reason. Where nothing is pending
the other side is asked for its state now and then, so that an end that was never heard of is found. Attempts are
counted and capped; what is given up says why in its row.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote

import sqlalchemy as sa

from sealane.errors import RequestRefusedError, SealaneError
from sealane.exchange import strict_json
from sealane.exchange.dataspace import Dataspace, Role, Row
from sealane.exchange.dsp_messages import read_message
from sealane.exchange.dsp_process import (
    TERMINATED,
    TERMINATION,
    Machine,
    change,
    delivered,
    enter,
    follow,
    load,
    next_check,
    retry_delay,
)
from sealane.exchange.peers import get_peer

MAX_ATTEMPTS = 12
CLAIM = dt.timedelta(seconds=60)  # longer than a request can take; a worker that died leaves its claim so long
REQUEST_TIMEOUT_S = 10.0
AT_ONCE = 200
WORKERS = 4
GONE = "GONE"  # the other side answered that it knows no such process

_TRY_LATER = frozenset({408, 425, 429})
_LOG = logging.getLogger(__name__)


def work_due(space: Dataspace, machine: Machine) -> int:
    """Send what is due and ask where an answer is overdue; return how many processes were worked on."""
    now = space.node.clock()
    table = machine.table.c
    with space.node.database.read() as connection:
        due = sa.or_(table.next_at <= now, table.deadline_at <= now)
        ids = list(connection.scalars(sa.select(table.id).where(due).order_by(table.next_at).limit(AT_ONCE)))
    if len(ids) < 2:
        return sum(work(space, machine, process_id) for process_id in ids)
    with ThreadPoolExecutor(min(WORKERS, len(ids)), thread_name_prefix=machine.name) as pool:
        return sum(pool.map(lambda process_id: work(space, machine, process_id), ids))


def work(space: Dataspace, machine: Machine, process_id: str) -> bool:
    """Do what one process needs now, if anything; safe to call at any time from any number of workers."""
    with space.node.database.write() as connection:
        row = _claim(space, connection, machine, process_id, space.node.clock())
    if row is None:
        return False
    if row.pending is None:
        state, error = _ask(space, machine, row)
        _take(space, machine, row, lambda connection, now: _checked(space, connection, machine, row, state, error, now))
        return True
    answer = _send(space, machine, row)
    seen = _ask(space, machine, row)[0] if answer.refused and row.peer_pid is not None else None
    _take(space, machine, row, lambda connection, now: _settle(space, connection, machine, row, answer, seen, now))
    return True


def _take(space: Dataspace, machine: Machine, asked: Row, settle: Callable[[sa.Connection, dt.datetime], None]) -> None:
    """Write down what came of a request; where this side cannot take that (a hook refuses), the process ends."""
    now = space.node.clock()
    try:
        with space.node.database.write() as connection:
            settle(connection, now)
    except RequestRefusedError as error:
        with space.node.database.write() as connection:
            row = load(connection, machine, asked.id)
            if row is not None and row.revision == asked.revision and row.state not in machine.terminal:
                reason = f"This side cannot go on: {error.detail}"
                enter(space, connection, machine, row, TERMINATION, Role(row.role), now, reason=reason)


def _claim(
    space: Dataspace, connection: sa.Connection, machine: Machine, process_id: str, now: dt.datetime
) -> Row | None:
    row = load(connection, machine, process_id)
    if row is None:
        return None
    if row.deadline_at is not None and row.deadline_at <= now and row.state not in machine.terminal:
        waited = f"The {machine.name} stayed {row.state} until its deadline" + (
            f"; last: {row.last_error}" if row.last_error else "."
        )
        row = enter(space, connection, machine, row, TERMINATION, Role(row.role), now, reason=waited)
    if row.next_at is None or row.next_at > now:
        return None
    return change(connection, machine, row, now, next_at=now + CLAIM, attempts=row.attempts + 1)


@dataclass(frozen=True)
class _Answer:
    """How sending one message ended: arrived, refused for good, or to be tried again."""

    arrived: bool = False
    refused: bool = False
    text: str = ""
    peer_pid: str | None = None


def _send(space: Dataspace, machine: Machine, row: Row) -> _Answer:
    path, body = machine.outgoing(space, row)
    status, content, error = _request(space, row, "POST", f"/{machine.segment}/{path}", json.dumps(body).encode())
    if error is not None:
        return _Answer(text=error)
    if 200 <= status < 300:
        if row.peer_pid is not None:
            return _Answer(arrived=True)
        try:
            answer = read_message(strict_json.parse(content), machine.state_type)
        except RequestRefusedError as fault:
            return _Answer(refused=True, text=f"{row.peer} answered with no {machine.state_type}: {fault}")
        if answer.consumer_pid != row.id or not answer.provider_pid:
            return _Answer(refused=True, text=f"{row.peer} answered for another {machine.name}.")
        return _Answer(arrived=True, peer_pid=answer.provider_pid)
    text = f"{row.peer} answered {status} to {row.pending}{_said(content)}"
    return _Answer(refused=400 <= status < 500 and status not in _TRY_LATER, text=text)


def _ask(space: Dataspace, machine: Machine, row: Row) -> tuple[str | None, str | None]:
    """Return the other side's state, or None and why it could not be had."""
    path = f"/{machine.segment}/{quote(row.peer_pid or '', safe=':')}"
    status, content, error = _request(space, row, "GET", path, b"")
    if error is not None:
        return None, error
    if status == 404:
        return GONE, None
    if status != 200:
        return None, f"{row.peer} answered {status} when asked for its state{_said(content)}"
    try:
        answer = read_message(strict_json.parse(content), machine.state_type)
    except RequestRefusedError as fault:
        return None, f"{row.peer} answered with no {machine.state_type}: {fault}"
    if {answer.consumer_pid, answer.provider_pid} != {row.id, row.peer_pid}:
        return None, f"{row.peer} answered for another {machine.name}."
    return answer.event, None


def _request(space: Dataspace, row: Row, method: str, path: str, content: bytes) -> tuple[int, bytes, str | None]:
    with space.node.database.read() as connection:
        peer = get_peer(connection, row.peer)
    if peer is None:
        return 0, b"", f"{row.peer} is not registered here any more."
    try:
        response = space.node.outbound.request(
            method,
            row.callback + path,
            participant=row.peer,
            content=content,
            headers={"Content-Type": "application/json"} if content else {},
            timeout_s=REQUEST_TIMEOUT_S,
            sign=peer.must_sign,
        )
    except SealaneError as error:
        return 0, b"", f"{row.peer} was not reached: {error}"
    return response.status, response.content, None


def _said(content: bytes) -> str:
    """Return what an error body gives as its reason, shortened."""
    try:
        body = strict_json.parse(content)
    except RequestRefusedError:
        return "."
    reasons = body.get("reason") or body.get("detail") if isinstance(body, dict) else None
    return f": {json.dumps(reasons, ensure_ascii=False)[:500]}" if reasons else "."


def _settle(
    space: Dataspace,
    connection: sa.Connection,
    machine: Machine,
    sent: Row,
    answer: _Answer,
    state: str | None,
    now: dt.datetime,
) -> None:
    row = load(connection, machine, sent.id)
    if row is None or row.revision != sent.revision:
        # Something else happened meanwhile; what is pending then is sent for itself.
        if row is not None and row.peer_pid is None and answer.peer_pid is not None:
            _tell_end(connection, machine, row, answer.peer_pid, now)
        return
    if answer.arrived or (state is not None and state == row.state):
        values = {"peer_pid": answer.peer_pid} if answer.peer_pid is not None else {}
        row = delivered(space, connection, machine, row, now, **values)
        follow(space, connection, machine, row, now)
    elif (adopted := _adopted(space, connection, machine, row, state, now)) is not None:
        follow(space, connection, machine, adopted, now)
    elif row.state in machine.terminal:
        given_up = answer.refused or row.attempts >= MAX_ATTEMPTS
        next_at = None if given_up else now + retry_delay(row.id, row.attempts)
        pending = None if given_up else row.pending
        change(connection, machine, row, now, pending=pending, next_at=next_at, last_error=answer.text)
    elif answer.refused and state is None and sent.peer_pid is not None:
        _retry(space, connection, machine, row, answer.text, now)  # refused, but its state could not be had
    elif answer.refused:
        enter(space, connection, machine, row, TERMINATION, Role(row.role), now, reason=answer.text)
    else:
        _retry(space, connection, machine, row, answer.text, now)


def _tell_end(connection: sa.Connection, machine: Machine, row: Row, peer_pid: str, now: dt.datetime) -> None:
    """Tell the end of a process that was ended before the other side's answer to its begin was here."""
    if row.state == TERMINATED:
        change(connection, machine, row, now, peer_pid=peer_pid, pending=TERMINATION, next_at=now, attempts=0)


def _retry(
    space: Dataspace, connection: sa.Connection, machine: Machine, row: Row, text: str, now: dt.datetime
) -> None:
    if row.attempts >= MAX_ATTEMPTS:
        reason = f"Given up after {row.attempts} attempts; last: {text}"
        enter(space, connection, machine, row, TERMINATION, Role(row.role), now, reason=reason)
        return
    _LOG.warning("%s %s: %s", machine.name, row.id, text)
    change(connection, machine, row, now, next_at=now + retry_delay(row.id, row.attempts), last_error=text)


def _checked(
    space: Dataspace,
    connection: sa.Connection,
    machine: Machine,
    asked: Row,
    state: str | None,
    error: str | None,
    now: dt.datetime,
) -> None:
    row = load(connection, machine, asked.id)
    if row is None or row.revision != asked.revision:
        return
    adopted = _adopted(space, connection, machine, row, state, now)
    if adopted is not None:
        follow(space, connection, machine, adopted, now)
        return
    next_at = next_check(machine, row.id, row.state, row.attempts, now)
    change(connection, machine, row, now, next_at=next_at, last_error=error)


def _adopted(
    space: Dataspace, connection: sa.Connection, machine: Machine, row: Row, state: str | None, now: dt.datetime
) -> Row | None:
    """Take over the other side's state where that is safe without its message; None where it is not."""
    if state is None or state == row.state or row.state in machine.terminal:
        return None
    if state == GONE:
        reason = f"{row.peer} knows no such {machine.name} (any more)."
        row = enter(space, connection, machine, row, TERMINATION, Role(row.role), now, reason=reason)
        return change(connection, machine, row, now, pending=None, next_at=None)
    message = TERMINATION if state == TERMINATED else machine.adoptable.get((row.state, state))
    other = Role(row.role).other
    if message is None or (row.state, message, other) not in machine.transitions:
        return None
    row = change(connection, machine, row, now, pending=None)
    reason = row.reason or f"{row.peer} says that it is {state}."
    return enter(space, connection, machine, row, message, other, now, reason=reason)
