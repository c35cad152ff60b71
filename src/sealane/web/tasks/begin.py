"""Puts what a child process needs into its working folder: files by links, partners' calls as tables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.results import data_import
from sealane.database.tables.results import task as task_table
from sealane.errors import InputError, Phrase
from sealane.node.context import Node
from sealane.web.imports import files
from sealane.web.results import ResultKind, keep_result, result_of
from sealane.web.tasks.limits import Limits
from sealane.web.tasks.store import Task
from sealane.web.tasks.work_form import Work

_KEPT = ("applied", "ready", "applying")
FILE_BYTES = 64 << 30


def work_limits(node: Node, threads: int) -> Limits:
    """Return the limits of long work."""
    settings = node.settings
    cpu_s = settings.task_timeout_s * max(1, threads)
    return Limits(settings.task_memory_bytes, cpu_s, settings.task_timeout_s, FILE_BYTES, 4096)


def threads_here() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _work(node: Node, job: str, arguments: Mapping[str, Any]) -> Work:
    threads = threads_here()
    return Work(job, arguments, work_limits(node, threads), threads)


def begin_inventory(node: Node, task: Task, folder: Path) -> Work:
    """Give kept positions, vessel particulars and zones."""
    with node.database.read() as connection:
        asked = resolved(connection, task.arguments)
        rows = {row.id: row for row in connection.execute(_kept(asked["imports"], "positions"))}
        lacking = [one for one in asked["imports"] if one not in rows]
        if lacking:
            raise InputError(
                Phrase(
                    "The positions of import %(names)s are no longer kept here. Upload them again.",
                    names=", ".join(lacking),
                )
            )
        simulated = any(_is_simulated(row) for row in rows.values())
        vessels = _chosen(connection, "vessels", asked["vessels"], None, simulated=simulated)
        zones = _chosen(connection, "zones", asked["zones"], asked["port"], simulated=simulated)
    positions = [_give(node, folder, rows[one]) for one in asked["imports"]]
    first = rows[asked["imports"][0]].options
    arguments = {
        "positions": positions,
        "vessels": None if vessels is None else _give(node, folder, vessels),
        "zones": None if zones is None else _give(node, folder, zones),
        "format": first.get("format") or "auto",
        "columns": first.get("columns") or None,
        **{name: asked[name] for name in ("port", "method", "gwp", "begins_at", "ends_at", "tracks")},
    }
    return _work(node, "inventory", arguments)


def resolved(connection: sa.Connection, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an inventory with those of the result it is to be made like.

    Raises
    ------
    InputError
        where that result was not made here from positions that are kept.
    """
    asked = dict(arguments)
    if asked.get("result_id") is None:
        return asked
    query = sa.select(task_table.c.arguments).where(
        task_table.c.result_id == asked["result_id"], task_table.c.kind == "inventory"
    )
    found = connection.execute(query).scalar()
    if found is None:
        raise InputError(Phrase("The positions of this result are not kept here. Import them on the page Data first."))
    before = resolved(connection, found)
    changed = {name: asked[name] for name in ("begins_at", "ends_at", "title", "public")}
    return {**before, **changed, "result_id": None}


def _kept(ids: Sequence[str], kind: str) -> sa.Select[Any]:
    return sa.select(data_import).where(
        data_import.c.id.in_(ids),
        data_import.c.kind == kind,
        data_import.c.state.in_(_KEPT),
        data_import.c.emptied_at.is_(None),
    )


def _is_simulated(row: Any) -> bool:
    return bool(row.options.get("simulated")) or "simulated" in row.file_name.lower()


def _chosen(
    connection: sa.Connection, kind: str, asked: str | None, port: str | None, *, simulated: bool | None = None
) -> Any:
    """Return the import that was named, else the one of its kind applied last, for the port where it is for one.

    Simulated particulars never come to real positions by themselves, nor real ones to simulated ships.
    """
    query = sa.select(data_import).where(
        data_import.c.kind == kind, data_import.c.state == "applied", data_import.c.emptied_at.is_(None)
    )
    if asked is not None:
        row = connection.execute(query.where(data_import.c.id == asked)).one_or_none()
        if row is None:
            raise InputError(
                Phrase("Import %(asked)s of %(kind)s is no longer applied. Choose another.", asked=asked, kind=kind)
            )
        return row
    for row in connection.execute(query.order_by(data_import.c.applied_at.desc())):
        is_ours = port is None or row.options.get("port") in {None, port}
        if is_ours and simulated in {None, _is_simulated(row)}:
            return row
    return None


def _give(node: Node, folder: Path, row: Any) -> str:
    name = files.working_name(row.file_name, simulated=bool(row.options.get("simulated")))
    return files.give(files.content_of(node, row.id), folder, name)


def _calls(node: Node, task: Task, folder: Path) -> dict[str, Any]:
    asked = task.arguments
    paths = []
    with node.database.read() as connection:
        inventories = [result_of(connection, node, one, (ResultKind.INVENTORY,)) for one in asked["inventories"]]
        calls = [row for one in asked["calls"] for row in connection.execute(_kept([one], "calls"))]
        vessels = _chosen(connection, "vessels", asked["vessels"], None)
    for number, one in enumerate(inventories, 1):
        # A name that people know again stands in the result: its port and day.
        begin = one.begins_at.date().isoformat() if one.begins_at else one.id[:8]
        label = "_SIMULATED" if one.simulated else ""
        paths.append(_give_folder(one.folder, folder, f"{one.port}_{begin}{label}_{number}"))
    paths += [_give(node, folder, row) for row in calls]
    return {
        "calls": paths,
        "vessels": None if vessels is None else _give(node, folder, vessels),
        **{name: asked[name] for name in ("method", "gwp")},
    }


def _give_folder(source: Path, folder: Path, name: str) -> str:
    target = folder / "in" / name
    target.mkdir(mode=0o700)
    for path in source.iterdir():
        if path.is_file() and not path.is_symlink() and path.suffix in {".parquet", ".json"}:
            os.link(path, target / path.name, follow_symlinks=False)
    return f"in/{name}"


def begin_lane(node: Node, task: Task, folder: Path) -> Work:
    """Give port calls of inventories, files and partners."""
    from sealane.web.tasks.partners import partners_calls

    asked = task.arguments
    arguments = _calls(node, task, folder)
    if asked["partners"]:
        arguments |= partners_calls(node, folder)
    if not (arguments["calls"] or arguments.get("partners")):
        raise InputError(Phrase("No port calls. Choose inventories, imports of port calls, or partners' calls."))
    names = ("corridor", "year", "attribution", "grid_g_per_kwh", "beside")
    return _work(node, "lane", arguments | {name: asked[name] for name in names})


def begin_arrival(node: Node, task: Task, folder: Path) -> Work:
    """Give port calls of inventories and files."""
    asked = task.arguments
    arguments = _calls(node, task, folder)
    if not arguments["calls"]:
        raise InputError(Phrase("No port calls. Choose inventories or imports of port calls."))
    names = ("port", "notices", "slot_notice", "berths", "min_speed_kn")
    return _work(node, "arrival", arguments | {name: asked[name] for name in names})


def begin_scenario(node: Node, task: Task, folder: Path) -> Work:
    """Give the scenario's text, or its id."""
    return _work(node, "scenario", {**_scenario(task.arguments, folder)})


def begin_plan(node: Node, task: Task, folder: Path) -> Work:
    """Give the scenario's text, or its id."""
    return _work(node, "plan", {**_scenario(task.arguments, folder)})


def _scenario(asked: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    arguments = {key: value for key, value in asked.items() if key not in {"title", "public", "text"}}
    if asked.get("text") is not None:
        (folder / "in" / "scenario.yaml").write_text(asked["text"], encoding="utf-8")
        arguments["scenario"] = "in/scenario.yaml"
    return arguments


def keep(node: Node, connection: sa.Connection, task: Task, done: Mapping[str, Any], folder: Path) -> str:
    """Keep the folder that the child wrote as a result."""
    del done
    kept = keep_result(
        node,
        folder / "out",
        title=task.arguments.get("title"),
        public=bool(task.arguments.get("public")),
        created_by=task.created_by,
        import_id=task.import_id,
        connection=connection,
        move=True,
    )
    return kept.id
