"""Long work over the interface: ask for it, see how far it is, listen, cancel."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import Header, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sealane.errors import Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.web.accounts import audit
from sealane.web.accounts.gate import Viewed, Viewer, reading, writing
from sealane.web.accounts.roles import Role
from sealane.web.rooms import Room
from sealane.web.tasks import store
from sealane.web.tasks.events import Seen, event_stream
from sealane.web.tasks.kinds import enqueue, signed
from sealane.web.tasks.store import ENDED, Task
from sealane.web.words import Told

STEWARDS = frozenset({Role.STEWARD, Role.ADMINISTRATOR})
TaskId = Annotated[str, Path(max_length=36, pattern="^[0-9a-f-]{36}$")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=100)]


class FaultShown(BaseModel):
    """One thing that is wrong, and where."""

    where: str
    found: Told
    remedy: Told


class ErrorShown(BaseModel):
    """Why something failed."""

    kind: str = ""
    title: Told = ""
    faults: list[FaultShown] = []
    more: int = 0


class TaskShown(BaseModel):
    """Long work as people see it."""

    id: str
    kind: str
    state: store.State
    stage: str | None
    done: int | None
    total: int | None
    error: ErrorShown | None
    result_id: str | None
    import_id: str | None
    attempts: int
    created_at: dt.datetime
    created_by: str
    changed_at: dt.datetime
    ended_at: dt.datetime | None
    cancelling: bool

    @property
    def share(self) -> float | None:
        """How much of its stage is done, 0 to 1."""
        return None if not self.total or self.done is None else min(1.0, self.done / self.total)


class NewTask(BaseModel):
    """Long work that is asked for; `arguments` as its kind takes them."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["inventory", "lane", "arrival", "scenario", "plan"]
    arguments: dict[str, Any] = Field(default_factory=dict)


class TasksPage(BaseModel):
    """Long work, what is under way first."""

    tasks: list[TaskShown]


def shown_task(task: Task) -> TaskShown:
    """Return a task as people see it."""
    values = {name: getattr(task, name) for name in TaskShown.model_fields if hasattr(task, name)}
    return TaskShown(
        **(values | {"error": ErrorShown(**task.error) if task.error else None}),
        cancelling=task.cancel_asked_at is not None and task.state not in ENDED,
    )


def seen_task(task: Task) -> Seen:
    """Return a task as events tell it."""
    content = {name: getattr(task, name) for name in ("stage", "done", "total", "result_id", "import_id")}
    return Seen(str(task.changes), content | {"state": task.state.value}, task.state in ENDED)


def room(node: Node) -> Room:
    """Return the endpoints of long work."""
    made = Room("tasks", node)

    @made.view("/tasks", "data/tasks.html.j2")
    def listed(viewer: Viewed) -> TasksPage:
        """Long work: what is under way, what was done."""
        with reading(node, viewer) as connection:
            return TasksPage(tasks=[shown_task(one) for one in store.tasks(connection)])

    @made.view("/tasks/{task_id}", "data/task.html.j2")
    def one_task(viewer: Viewed, task_id: TaskId) -> TaskShown:
        """One piece of long work."""
        with reading(node, viewer) as connection:
            return shown_task(store.task_of(connection, task_id))

    @made.action("POST", "/tasks", status=202)
    def ask(viewer: Viewed, request: Request, body: NewTask, key: Key = None) -> TaskShown:
        """Ask for long work: an inventory, a lane, an arrival study, a scenario or a plan."""
        now = node.clock()
        if body.arguments.get("public") and viewer.role not in STEWARDS:
            raise RequestRefusedError(
                403,
                "role",
                Phrase("Only a data steward may open a result to guests."),
                Phrase("Leave public out, or ask one."),
            )
        with writing(node, viewer) as connection:
            task_id = enqueue(connection, viewer, body.kind, body.arguments, now, key=key)
            audit.note(connection, viewer, "task.ask", task_id, {"kind": body.kind}, request.state.request_id, now)
            return shown_task(store.task_of(connection, task_id))

    @made.action("POST", "/tasks/{task_id}/cancellation", status=202)
    def cancel(viewer: Viewed, request: Request, task_id: TaskId) -> TaskShown:
        """Cancel long work; what it had done is discarded."""
        now = node.clock()
        with writing(node, viewer) as connection:
            owner = store.task_of(connection, task_id).created_by
            if owner != signed(viewer) and viewer.role not in STEWARDS:
                raise RequestRefusedError(
                    403,
                    "role",
                    Phrase("%(owner)s asked for it.", owner=owner),
                    Phrase("Ask them, or a data steward, to cancel it."),
                )
            task = store.ask_to_cancel(connection, task_id, now)
            audit.note(connection, viewer, "task.cancel", task_id, {"kind": task.kind}, request.state.request_id, now)
            return shown_task(task)

    @made.stream("/tasks/{task_id}/events", "text/event-stream")
    async def listen(viewer: Viewed, request: Request, task_id: TaskId) -> Response:
        """Listen to long work: server-sent events until it has ended."""
        return await event_stream(request, lambda: _look(node, viewer, task_id))

    return made


def _look(node: Node, viewer: Viewer, task_id: str) -> Seen:
    with reading(node, viewer) as connection:
        return seen_task(store.task_of(connection, task_id))
