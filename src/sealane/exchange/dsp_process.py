"""How a negotiation or transfer moves: one table of transitions, applied to a row under its lock.

A step of our own changes the state first and leaves the message as ``pending`` in the same transaction; `dsp_sending`
delivers it afterwards. Every state but a running transfer has a deadline.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import sqlalchemy as sa

from sealane.database.engine import for_update
from sealane.errors import RequestRefusedError
from sealane.exchange.dataspace import Dataspace, Role, Row, Step
from sealane.exchange.dsp_messages import MessageType
from sealane.exchange.peers import Peer, get_peer

FIRST_RETRY = dt.timedelta(seconds=1)
LONGEST_RETRY = dt.timedelta(minutes=5)
FIRST_CHECK = dt.timedelta(seconds=30)
LONGEST_CHECK = dt.timedelta(minutes=15)
# Each is looked after by a job: a participant that begins them without end would keep the others' waiting.
MAX_LIVING = 1_000


@dataclass(frozen=True)
class Machine:
    """One kind of process.

    Attributes
    ----------
    transitions : (state, message, role of who sends it) -> next state; what is missing is illegal.
    waits : how long each state may last; a state that is missing may last.
    outgoing : (space, row) -> (path below the other side's base address, body) of the pending message.
    on_change : (space, connection, row before, row after, sender, now), in the transaction of a transition.
    on_delivered : (space, connection, row before, row, now), once the other side has our message.
    standard : this side's next step, unless a test profile's conduct says otherwise.
    """

    name: str
    segment: str
    table: sa.Table
    transitions: Mapping[tuple[str, str, Role], str]
    terminal: frozenset[str]
    waits: Mapping[str, dt.timedelta]
    state_type: MessageType
    error_type: MessageType
    outgoing: Callable[[Dataspace, Row], tuple[str, dict[str, Any]]]
    on_change: Callable[[Dataspace, sa.Connection, Row, Row, Role, dt.datetime], None]
    on_delivered: Callable[[Dataspace, sa.Connection, Row, Row, dt.datetime], None]
    standard: Callable[[Dataspace, sa.Connection, Row, dt.datetime], Step | None]
    # Messages whose loss shows in the other side's state, so that the state can be taken over without them.
    adoptable: Mapping[tuple[str, str], str]


INITIAL = "INITIAL"  # asked for, but the other side's answer is not here yet; never shown on the wire
REQUESTED = "REQUESTED"
TERMINATED = "TERMINATED"
REQUEST = "request"
TERMINATION = "termination"


def transition_table(
    moves: Iterable[tuple[str, str, Role, str]], states: Iterable[str], terminal: frozenset[str]
) -> Mapping[tuple[str, str, Role], str]:
    """Return a table of moves (state, message, sender, next state); both sides can end what is not at its end."""
    table = {(state, message, sender): target for state, message, sender, target in moves}
    ends = {(state, TERMINATION, role): TERMINATED for state in states if state not in terminal for role in Role}
    return table | ends


def load(connection: sa.Connection, machine: Machine, process_id: str, *, lock: bool = True) -> Row | None:
    """Return the row of a process, locked for change by default."""
    query = sa.select(machine.table).where(machine.table.c.id == process_id)
    return connection.execute(for_update(query, connection) if lock else query).one_or_none()


def insert_once(connection: sa.Connection, machine: Machine, now: dt.datetime, **values: Any) -> bool:
    """Insert a row; False when the other side's pid is there already, as two equal requests at once may find."""
    given = {"attempts": 0, "revision": 0, "created_at": now, "changed_at": now, **values}
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(machine.table).values(given))
    except sa.exc.IntegrityError:
        return False
    return True


def known_request(connection: sa.Connection, machine: Machine, peer: str, peer_pid: str | None) -> Row | None:
    """Return what a consumer's first request began before, if it is the same again."""
    table = machine.table.c
    query = sa.select(machine.table).where(table.role == Role.PROVIDER, table.peer == peer, table.peer_pid == peer_pid)
    return connection.execute(query).one_or_none()


def check_room(connection: sa.Connection, machine: Machine, peer: str) -> None:
    """Refuse a participant's further request while too many of its processes have not ended.

    Raises
    ------
    RequestRefusedError
        429.
    """
    table = machine.table.c
    living = sa.select(table.id).where(
        table.role == Role.PROVIDER, table.peer == peer, table.state.not_in(machine.terminal)
    )
    found = connection.scalar(sa.select(sa.func.count()).select_from(living.limit(MAX_LIVING).subquery()))
    if (found or 0) >= MAX_LIVING:
        raise RequestRefusedError(
            429,
            "too-many-processes",
            f"{MAX_LIVING} processes of {peer} have not ended.",
            f"Terminate some; another {machine.name} can begin then.",
            retry_after_s=60,
        )


def change(connection: sa.Connection, machine: Machine, row: Row, now: dt.datetime, **values: Any) -> Row:
    """Write values to a row and return it; whatever was on its way when it was read no longer counts.

    Raises
    ------
    RequestRefusedError
        409 when the other side gives a pid it has given before.
    """
    # A try that failed is no step: by this time people are told since when nothing has moved.
    moved = {"changed_at": now} if values.get("state", row.state) != row.state else {}
    statement = (
        sa.update(machine.table)
        .where(machine.table.c.id == row.id)
        .values(revision=row.revision + 1, **moved, **values)
    )
    try:
        with connection.begin_nested():
            connection.execute(statement)
    except sa.exc.IntegrityError:
        detail = f"{row.peer} gave the pid of another {machine.name}."
        raise RequestRefusedError(409, "pid-taken", detail, "Give each process its own pid.") from None
    changed = load(connection, machine, row.id, lock=False)
    assert changed is not None
    return changed


def enter(
    space: Dataspace,
    connection: sa.Connection,
    machine: Machine,
    row: Row,
    message: str,
    sender: Role,
    now: dt.datetime,
    **values: Any,
) -> Row:
    """Take one transition, ours or the other side's.

    Raises
    ------
    RequestRefusedError
        409 when the table has no such transition, or an earlier message of ours has not arrived yet.
    """
    state = machine.transitions.get((row.state, message, sender))
    if state is None:
        raise RequestRefusedError(
            409,
            "illegal-transition",
            f"A {machine.name} that is {row.state} takes no {message} from the {sender}.",
            f"Ask for its state with GET; this side's is {row.state}.",
        )
    ours = sender == row.role
    if ours and row.pending is not None and message != TERMINATION:
        raise RequestRefusedError(
            409, "not-delivered", f"The message {row.pending} has not reached {row.peer} yet.", "Try again later."
        )
    if not ours and row.pending is not None:
        row = delivered(space, connection, machine, row, now)
    tell = ours and row.peer_pid is not None
    wait = None if state in machine.terminal else machine.waits.get(state)
    new = change(
        connection,
        machine,
        row,
        now,
        state=state,
        pending=message if tell else None,
        next_at=now if tell else next_check(machine, row.id, state, 0, now),
        deadline_at=None if wait is None else now + wait,
        attempts=0,
        last_error=None,
        **values,
    )
    machine.on_change(space, connection, row, new, sender, now)
    return load(connection, machine, row.id) or new


def follow(space: Dataspace, connection: sa.Connection, machine: Machine, row: Row, now: dt.datetime) -> Row:
    """Take this side's own next step, if there is one."""
    if row.pending is not None or row.state in machine.terminal:
        return row
    step = _next_step(space, connection, machine, row, now)
    if step is None:
        return row
    values = {"reason": step.reason} if step.reason is not None else {}
    return enter(space, connection, machine, row, step.message, Role(row.role), now, **values)


def _next_step(
    space: Dataspace, connection: sa.Connection, machine: Machine, row: Row, now: dt.datetime
) -> Step | None:
    if space.conduct is None:
        return machine.standard(space, connection, row, now)
    decide = space.conduct.negotiation if machine.name == "negotiation" else space.conduct.transfer
    return decide(space, connection, row, now)


def delivered(
    space: Dataspace, connection: sa.Connection, machine: Machine, row: Row, now: dt.datetime, **values: Any
) -> Row:
    """Note that the pending message has arrived; then call the hook for it."""
    state = REQUESTED if row.state == INITIAL else row.state
    wait = None if state in machine.terminal else machine.waits.get(state)
    new = change(
        connection,
        machine,
        row,
        now,
        state=state,
        pending=None,
        next_at=next_check(machine, row.id, state, 0, now),
        deadline_at=row.deadline_at if state == row.state else (None if wait is None else now + wait),
        attempts=0,
        last_error=None,
        **values,
    )
    machine.on_delivered(space, connection, row, new, now)
    return load(connection, machine, row.id) or new


def receive(
    space: Dataspace,
    connection: sa.Connection,
    machine: Machine,
    *,
    peer: str,
    process_id: str,
    pids: tuple[str | None, str | None],
    message: str,
    now: dt.datetime,
    values: Callable[[Row], Mapping[str, Any]] = lambda row: {},
) -> Row:
    """Take a message of the other side; then take our own next step.

    Parameters
    ----------
    pids : provider's and consumer's pid as the message says them.
    values : what to write besides, from the row; may refuse.

    Raises
    ------
    RequestRefusedError
        404 when there is no such process with that participant, 400 when the pids contradict, 409 when it is illegal.
    """
    row = load(connection, machine, process_id)
    if row is None or row.peer != peer:
        raise RequestRefusedError(404, "unknown-process", f"There is no {machine.name} {process_id}.", "Check the pid.")
    theirs, ours = pids if row.role == Role.CONSUMER else (pids[1], pids[0])
    if ours != row.id or not theirs or (row.peer_pid is not None and row.peer_pid != theirs):
        raise RequestRefusedError(
            400, "pid-mismatch", f"The pids are not those of {machine.name} {process_id}.", "Send both pids as agreed."
        )
    other = Role(row.role).other
    if row.state == INITIAL and (REQUESTED, message, other) in machine.transitions:
        # The other side was faster than its own answer to our request.
        row = delivered(space, connection, machine, row, now, peer_pid=theirs)
    extra = values(row) if (row.state, message, other) in machine.transitions else {}
    row = enter(space, connection, machine, row, message, other, now, **extra)
    return follow(space, connection, machine, row, now)


def check_callback(peer: Peer, callback: str) -> str:
    """Return the base address to answer to, without a closing slash.

    Raises
    ------
    RequestRefusedError
        400 when it is not below the origin the participant is registered with.
    """
    try:
        parts = urlsplit(callback)
        origin = f"{parts.scheme}://{parts.netloc}".lower()
    except ValueError:
        origin = ""
    if origin != peer.origin.lower() or parts.query or parts.fragment:
        raise RequestRefusedError(
            400,
            "callback-address",
            "The callbackAddress is not at the origin this participant is registered with.",
            f"Use an address below {peer.origin}, or have the operator register the new origin.",
        )
    return callback.rstrip("/")


def known_peer(connection: sa.Connection, participant: str) -> Peer:
    """Return a registered participant.

    Raises
    ------
    RequestRefusedError
        403 when it is not registered.
    """
    peer = get_peer(connection, participant)
    if peer is None:
        remedy = "Have the operator register it (sealane peer add)."
        raise RequestRefusedError(403, "unknown-participant", f"{participant} is not registered here.", remedy)
    return peer


def retry_delay(process_id: str, attempts: int) -> dt.timedelta:
    """Return the pause after a failed attempt: doubling, capped, spread by the process' id so that not all knock at
    the same moment."""
    pause = min(FIRST_RETRY * 2 ** max(0, min(attempts, 30) - 1), LONGEST_RETRY)
    return pause * (0.5 + 0.5 * _spread(process_id, attempts))


def next_check(machine: Machine, process_id: str, state: str, checks: int, now: dt.datetime) -> dt.datetime | None:
    if state in machine.terminal:
        return None
    pause = min(FIRST_CHECK * 2 ** min(checks, 30), LONGEST_CHECK)
    return now + pause * (0.5 + 0.5 * _spread(process_id, checks))


def _spread(process_id: str, attempts: int) -> float:
    return hashlib.sha256(f"{process_id} {attempts}".encode()).digest()[0] / 255


def pid_path(row: Row) -> str:
    """Return the other side's pid as a part of a path."""
    return quote(row.peer_pid or "", safe=":")
