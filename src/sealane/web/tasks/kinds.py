"""Kinds of long work: what they are asked with, what their child process is given, what becomes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydantic import ValidationError

from sealane.errors import Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.node.validation_words import validation_faults
from sealane.web.tasks import begin, requests
from sealane.web.tasks.requests import Request
from sealane.web.tasks.store import State, Task, enqueue_as
from sealane.web.tasks.work_form import Work

if TYPE_CHECKING:
    from sealane.web.accounts.gate import Viewer

# (how far, what) -> whether to go on
Tell = Callable[[str, int, int], bool]


@dataclass(frozen=True)
class Kind:
    """One kind of task.

    Attributes
    ----------
    lane : tasks of one lane wait for each other: ``checks`` are short, ``work`` is long.
    begin : puts what the child needs into the working folder.
    direct : done in the node itself where a child is of no use; it can be interrupted at any moment and done again.
    finish : called in the transaction that ends the task, with what the child returned; returns the result's id.
    give_up : called in the transaction that ends a task without success.
    request : what it is asked with, where people can ask for it.
    """

    lane: str
    begin: Callable[[Node, Task, Path], Work] | None = None
    direct: Callable[[Node, Task, Tell], Mapping[str, Any]] | None = None
    finish: Callable[[Node, sa.Connection, Task, Mapping[str, Any], Path], str | None] = field(default=lambda *_: None)
    give_up: Callable[[Node, sa.Connection, Task, State, Mapping[str, Any] | None], None] = field(
        default=lambda *_: None
    )
    request: type[Request] | None = None


def kinds() -> Mapping[str, Kind]:
    """Return every kind by name."""
    from sealane.web.imports import steps

    made: dict[str, Kind] = {
        name: Kind("work", begin=getattr(begin, f"begin_{name}"), finish=begin.keep, request=asked)
        for name, asked in requests.REQUESTS.items()
    }
    made["inventory"] = Kind(
        "work",
        begin=begin.begin_inventory,
        finish=steps.finish_inventory,
        give_up=steps.give_up_applying,
        request=requests.InventoryTask,
    )
    made["import-check"] = Kind("checks", begin=steps.begin_check, finish=steps.finish_check, give_up=steps.give_up)
    made["import-apply"] = Kind(
        "checks", direct=steps.apply_records, finish=steps.finish_records, give_up=steps.give_up_applying
    )
    return made


def enqueue(
    connection: sa.Connection,
    viewer: Viewer,
    kind: str,
    arguments: Mapping[str, Any],
    now: dt.datetime,
    *,
    import_id: str | None = None,
    key: str | None = None,
) -> str:
    """Put long work in and return the task's id.

    Parameters
    ----------
    connection : a write transaction.
    viewer : who asks; what they may ask is the gate's affair.
    kind : inventory, lane, arrival, scenario, or plan.
    arguments : fields of the kind's request, see `sealane.web.tasks.requests`.

    Raises
    ------
    RequestRefusedError
        404 for a kind that nobody can ask for, 422 with every fault of the arguments, 429 if too many wait.
    """
    return enqueue_checked(connection, signed(viewer), kind, arguments, now, import_id=import_id, key=key)


def signed(viewer: Viewer) -> str:
    """Return how what a viewer does is signed: a person's login, or the name of a token."""
    return viewer.login if viewer.user_id is not None else f"token {viewer.login}"


def enqueue_checked(
    connection: sa.Connection,
    created_by: str,
    kind: str,
    arguments: Mapping[str, Any],
    now: dt.datetime,
    *,
    import_id: str | None = None,
    key: str | None = None,
) -> str:
    """Put long work in, see `enqueue`; `created_by` signs it."""
    found = kinds().get(kind)
    if found is None or found.request is None:
        known = ", ".join(sorted(requests.REQUESTS))
        raise RequestRefusedError(
            404,
            "unknown-task-kind",
            Phrase("There is no task %(kind)s.", kind=repr(kind)),
            Phrase("There are: %(known)s.", known=known),
        )
    try:
        asked = found.request.model_validate(dict(arguments))
    except ValidationError as error:
        faults = validation_faults(error.errors(), ".")
        raise RequestRefusedError(
            422, "invalid-task", Phrase("It cannot be worked out."), Phrase("Correct what is listed."), faults
        ) from None
    asked.check(connection)
    full = asked.model_dump(mode="json")
    if kind == "inventory":
        full = begin.resolved(connection, full)  # what it is made of is written down, not only what it is made like
    return enqueue_as(connection, created_by, kind, full, now, import_id=import_id, key=key)
