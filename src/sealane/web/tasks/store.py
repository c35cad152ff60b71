"""The rows of long work: put in, claimed by one runner, kept alive, ended; every step counts the row's changes on.

state: waiting -> running -> done | failed | cancelled. A runner that dies leaves its row running; whoever leads next
sees that its heartbeat has stopped and lets the task begin anew, a few times.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sealane.database.engine import for_update
from sealane.database.tables.results import task as table
from sealane.errors import Phrase, RequestRefusedError, packed

# A runner tells of itself this often, and is taken for dead after so long.
HEARTBEAT = dt.timedelta(seconds=2)
DEAD_AFTER = dt.timedelta(seconds=15)
MAX_ATTEMPTS = 3
MAX_WAITING = 200
_KEYS = uuid.UUID("6f1b6a0e-6c55-4c3a-9a43-9e4c5d6b7a10")  # any fixed one


class State(StrEnum):
    """How far a task is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})


@dataclass(frozen=True)
class Task:
    """One piece of long work.

    Attributes
    ----------
    stage, done, total : what it is at, in what the stage counts.
    error : kind, title, faults (where, found, remedy) and how many more there are.
    changes : counts on with each change.
    """

    id: str
    kind: str
    arguments: Mapping[str, Any]
    state: State
    stage: str | None
    done: int | None
    total: int | None
    error: Mapping[str, Any] | None
    result_id: str | None
    import_id: str | None
    attempts: int
    created_at: dt.datetime
    created_by: str
    changed_at: dt.datetime
    ended_at: dt.datetime | None
    changes: int
    cancel_asked_at: dt.datetime | None


def enqueue_as(
    connection: sa.Connection,
    created_by: str,
    kind: str,
    arguments: Mapping[str, Any],
    now: dt.datetime,
    *,
    import_id: str | None = None,
    key: str | None = None,
) -> str:
    """Put a task in and return its id; see `sealane.web.tasks.kinds.enqueue`, which checks the arguments.

    Parameters
    ----------
    key : makes the id, so that the same key of the same sender gives the same task.

    Raises
    ------
    RequestRefusedError
        429 if too many wait already.
    """
    task_id = str(uuid.uuid4()) if key is None else str(uuid.uuid5(_KEYS, f"{created_by}\0{key}"))
    if key is not None and connection.execute(sa.select(table.c.id).where(table.c.id == task_id)).first() is not None:
        return task_id
    waiting = sa.select(sa.func.count()).where(table.c.state == State.WAITING)
    if connection.execute(waiting).scalar_one() >= MAX_WAITING:
        raise RequestRefusedError(
            429,
            "too-many-tasks",
            Phrase("%(max_waiting)s tasks wait already.", max_waiting=MAX_WAITING),
            Phrase("Try again when some are done."),
            (),
            60,
        )
    connection.execute(
        table.insert().values(
            id=task_id,
            kind=kind,
            arguments=dict(arguments),
            state=State.WAITING,
            attempts=0,
            created_at=now,
            created_by=created_by,
            changed_at=now,
            changes=1,
            import_id=import_id,
        )
    )
    return task_id


def task_of(connection: sa.Connection, task_id: str) -> Task:
    """Return a task.

    Raises
    ------
    RequestRefusedError
        404 where there is none.
    """
    row = None
    if len(task_id) <= 36:
        row = connection.execute(sa.select(table).where(table.c.id == task_id)).one_or_none()
    if row is None:
        raise RequestRefusedError(
            404, "unknown-task", Phrase("There is no such task here."), Phrase("See /data for all.")
        )
    return _task(row)


def tasks(connection: sa.Connection, kinds: Collection[str] = (), limit: int = 50) -> list[Task]:
    """Return tasks, those not ended first, then the newest."""
    query = sa.select(table).order_by(
        sa.case((table.c.state.in_(ENDED), 1), else_=0), table.c.created_at.desc(), table.c.id
    )
    if kinds:
        query = query.where(table.c.kind.in_(kinds))
    return [_task(row) for row in connection.execute(query.limit(limit))]


def ask_to_cancel(connection: sa.Connection, task_id: str, now: dt.datetime) -> Task:
    """End a task that waits, or ask its runner to end it.

    Raises
    ------
    RequestRefusedError
        404 where there is none; 409 where it has ended.
    """
    connection.execute(for_update(sa.select(table.c.id).where(table.c.id == task_id), connection))
    found = task_of(connection, task_id)
    if found.state in ENDED:
        raise RequestRefusedError(
            409,
            "task-ended",
            Phrase("The task is %(state)s already.", state=found.state),
            Phrase("Nothing needs to be done."),
        )
    if found.state == State.WAITING:
        _change(connection, now, table.c.id == task_id, state=State.CANCELLED, ended_at=now, cancel_asked_at=now)
    elif found.cancel_asked_at is None:
        _change(connection, now, table.c.id == task_id, cancel_asked_at=now)
    return task_of(connection, task_id)


def any_waits(connection: sa.Connection, kinds: Collection[str]) -> bool:
    """Say whether any task waits, without a lock."""
    query = sa.select(table.c.id).where(table.c.state == State.WAITING, table.c.kind.in_(kinds)).limit(1)
    return connection.execute(query).first() is not None


def is_running(connection: sa.Connection, task_id: str) -> bool:
    """Say whether a task of this id runs."""
    query = sa.select(table.c.id).where(table.c.id == task_id, table.c.state == State.RUNNING)
    return connection.execute(query).first() is not None


def claim(connection: sa.Connection, kinds: Collection[str], runner: str, now: dt.datetime) -> Task | None:
    """Take the task that has waited longest; None where none waits.

    Parameters
    ----------
    runner : only who gives the same name may tell of it and end it.
    """
    oldest = sa.select(table.c.id).where(table.c.state == State.WAITING, table.c.kind.in_(kinds))
    oldest = oldest.order_by(table.c.created_at, table.c.id).limit(1)
    task_id = connection.execute(for_update(oldest, connection, skip_locked=True)).scalar()
    if task_id is None:
        return None
    _change(
        connection,
        now,
        table.c.id == task_id,
        state=State.RUNNING,
        runner=runner,
        heartbeat_at=now,
        attempts=table.c.attempts + 1,
        stage=None,
        done=None,
        total=None,
    )
    return task_of(connection, task_id)


def tell(
    connection: sa.Connection, task_id: str, runner: str, now: dt.datetime, at: tuple[str, int, int] | None
) -> bool | None:
    """Note a sign of life and how far the task is.

    Returns
    -------
    Whether it is to go on; None where it is no longer this runner's.
    """
    mine = sa.and_(table.c.id == task_id, table.c.runner == runner, table.c.state == State.RUNNING)
    row = connection.execute(sa.select(table.c.cancel_asked_at, table.c.stage, table.c.done).where(mine)).one_or_none()
    if row is None:
        return None
    if at is not None and (row.stage, row.done) != at[:2]:
        _change(connection, now, mine, heartbeat_at=now, stage=at[0], done=at[1], total=at[2])
    else:
        connection.execute(table.update().where(mine).values(heartbeat_at=now))
    return row.cancel_asked_at is None


def end(
    connection: sa.Connection,
    task_id: str,
    runner: str,
    state: State,
    now: dt.datetime,
    *,
    error: Mapping[str, Any] | None = None,
    result_id: str | None = None,
) -> bool:
    """End a task, or let it wait again; false where it is no longer this runner's, and then nothing is to be changed.

    Called first in the transaction that holds what the task changes: the row stays locked to its end.
    """
    mine = sa.and_(table.c.id == task_id, table.c.runner == runner, table.c.state == State.RUNNING)
    values: dict[str, Any] = {"state": state, "error": error, "runner": None, "result_id": result_id}
    values["ended_at"] = now if state in ENDED else None
    return _change(connection, now, mine, **values) == 1


def put_back(connection: sa.Connection, task_id: str, runner: str, now: dt.datetime) -> None:
    """Let a task wait again that its runner gives up because the node stops; that is no attempt of its own."""
    mine = sa.and_(table.c.id == task_id, table.c.runner == runner, table.c.state == State.RUNNING)
    _change(connection, now, mine, state=State.WAITING, runner=None, attempts=table.c.attempts - 1)


def set_result(connection: sa.Connection, task_id: str, result_id: str) -> None:
    """Note which result a task made."""
    connection.execute(table.update().where(table.c.id == task_id).values(result_id=result_id))


def abandoned(
    connection: sa.Connection, kinds: Collection[str], now: dt.datetime, *, process: str, alone: bool, lock: bool = True
) -> list[Task]:
    """Return running tasks whose runner is gone; asked by a lane that runs none at the moment.

    Parameters
    ----------
    process : names of this process's runners begin so; what they run cannot be of this lane.
    alone : no other process can run any; else the heartbeat tells whether another one lives.
    """
    query = sa.select(table).where(table.c.state == State.RUNNING, table.c.kind.in_(kinds))
    if not alone:
        silent = table.c.heartbeat_at < now - DEAD_AFTER
        query = query.where(silent | table.c.runner.startswith(process, autoescape=True))
    return [_task(row) for row in connection.execute(for_update(query, connection) if lock else query)]


def again_or_failed(connection: sa.Connection, task: Task, now: dt.datetime) -> State:
    """Let an abandoned task wait again, or give it up after `MAX_ATTEMPTS`; return its new state."""
    error: dict[str, Any] | None = None
    if task.cancel_asked_at is not None:
        state = State.CANCELLED
    elif task.attempts < MAX_ATTEMPTS:
        state = State.WAITING
    else:
        words = Phrase(
            "The node was stopped or killed while it worked on this, %(times)s times. Start it again.",
            times=MAX_ATTEMPTS,
        )
        state, error = State.FAILED, {"kind": "interrupted", "title": packed(words), "faults": [], "more": 0}
    ended_at = now if state in ENDED else None
    _change(connection, now, table.c.id == task.id, state=state, runner=None, error=error, ended_at=ended_at)
    return state


def _change(connection: sa.Connection, now: dt.datetime, where: sa.ColumnElement[bool], **values: Any) -> int:
    done = connection.execute(table.update().where(where).values(changed_at=now, changes=table.c.changes + 1, **values))
    return int(done.rowcount)


def _task(row: Any) -> Task:
    values = {name: getattr(row, name) for name in Task.__dataclass_fields__}
    return Task(**(values | {"state": State(row.state)}))
