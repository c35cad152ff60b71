"""Results of runs that the node keeps: their files in the node's folder, a row each in the database."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.results import result as table
from sealane.errors import DataError, Fault, Phrase, RequestRefusedError
from sealane.folders import whole_folder
from sealane.node.context import Node
from sealane.reports.banners import says_simulated
from sealane.reports.kinds import MARKS, ResultKind, result_kind

__all__ = [
    "FOLDER",
    "Result",
    "ResultKind",
    "corridors_compared",
    "describe",
    "keep_result",
    "remove_result",
    "result_of",
    "results",
]
FOLDER = "results"
MAX_TITLE = 300
_ID = re.compile(r"[0-9a-f-]{36}")  # PostgreSQL takes not every text to compare with


@dataclass(frozen=True)
class Result:
    """A kept result.

    Attributes
    ----------
    folder : its files.
    begins_at, ends_at : the period it speaks of; None where it has none. Of an inventory or lane the first and the last
        moment of its data, both included, whatever longer period was asked for: no page may call a day without data a
        quiet day. Of a scenario or plan its years, half-open.
    created_by : login; None where the command line added it, and for guests.
    """

    id: str
    kind: ResultKind
    title: str
    port: str | None
    corridor: str | None
    begins_at: dt.datetime | None
    ends_at: dt.datetime | None
    simulated: bool
    public: bool
    method_edition: str
    digest: str
    size_bytes: int
    created_at: dt.datetime
    created_by: str | None
    import_id: str | None
    folder: Path


def results(
    connection: sa.Connection,
    node: Node,
    *,
    kind: ResultKind | None = None,
    port: str | None = None,
    corridor: str | None = None,
    only_public: bool = False,
) -> list[Result]:
    """Return kept results, the newest period first."""
    query = sa.select(table).where(table.c.removed_at.is_(None))
    for column, value in ((table.c.kind, kind and kind.value), (table.c.port, port), (table.c.corridor, corridor)):
        if value is not None:
            query = query.where(column == value)
    if only_public:
        query = query.where(table.c.public)
    query = query.order_by(table.c.begins_at.desc(), table.c.created_at.desc(), table.c.id)
    return [_result(node, row, only_public) for row in connection.execute(query)]


def result_of(
    connection: sa.Connection,
    node: Node,
    result_id: str,
    kinds: Collection[ResultKind] = (),
    *,
    only_public: bool = False,
) -> Result:
    """Return one kept result.

    Raises
    ------
    RequestRefusedError
        404 where there is none, it is of another kind, or it is not for who asks.
    """
    row = None
    if _ID.fullmatch(result_id):
        query = sa.select(table).where(table.c.id == result_id, table.c.removed_at.is_(None))
        row = connection.execute(query.where(table.c.public) if only_public else query).one_or_none()
    if row is None or (kinds and ResultKind(row.kind) not in kinds):
        raise RequestRefusedError(
            404, "unknown-result", Phrase("There is no such result here."), Phrase("See /reports for all.")
        )
    return _result(node, row, only_public)


def keep_result(
    node: Node,
    folder: Path,
    *,
    title: str | None = None,
    public: bool = False,
    created_by: str | None = None,
    import_id: str | None = None,
    connection: sa.Connection | None = None,
    move: bool = False,
) -> Result:
    """Take a finished result folder into the node.

    Parameters
    ----------
    folder : as `sealane inventory`, `lane`, `arrival`, `scenario` or `plan` wrote it.
    connection : a write transaction to join; a new one where None.
    move : take the folder itself, not a copy of it.

    Raises
    ------
    DataError
        where the folder is no finished result.
    """
    facts = describe(folder)
    result_id = str(uuid.uuid4())
    target = node.folder / FOLDER / result_id
    target.parent.mkdir(mode=0o700, exist_ok=True)
    digest, size = _digest(folder)
    values = facts | {
        "id": result_id,
        "title": title or facts["title"],
        "public": public,
        "digest": digest,
        "size_bytes": size,
        "created_at": node.clock(),
        "created_by": created_by,
        "import_id": import_id,
    }
    if move:
        shutil.move(folder, target)
    else:
        with whole_folder(target) as made:
            shutil.copytree(folder, made, dirs_exist_ok=True)
    try:
        if connection is not None:
            connection.execute(table.insert().values(values))
            return result_of(connection, node, result_id)
        with node.database.write() as own:
            own.execute(table.insert().values(values))
            return result_of(own, node, result_id)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def remove_result(connection: sa.Connection, node: Node, result_id: str, removed_by: str | None) -> None:
    """Take a result off the pages; its files go when housekeeping comes by.

    Raises
    ------
    RequestRefusedError
        404 where there is none.
    """
    result_of(connection, node, result_id)
    connection.execute(
        table.update().where(table.c.id == result_id).values(removed_at=node.clock(), removed_by=removed_by)
    )


def describe(folder: Path) -> dict[str, Any]:
    """Return what a finished result folder says of itself, as values of its row.

    Raises
    ------
    DataError
        where the folder is no finished result of a kind the node keeps.
    """
    made_by = result_kind(folder)
    if made_by is ResultKind.INVENTORY:
        return _inventory(folder)
    name = next(name for name, kind in MARKS.items() if kind is made_by)
    facts = _json(folder, name)
    try:
        return _DESCRIBED[made_by](facts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        found = (
            Phrase("lacks %(error)s", error=error)
            if isinstance(error, KeyError)
            else Phrase("is not as a run writes it")
        )
        raise DataError(
            Phrase("The result cannot be kept."), [Fault(str(folder / name), found, Phrase("Run the command again"))]
        ) from None


def _inventory(folder: Path) -> dict[str, Any]:
    provenance, quality = _json(folder, "provenance.json"), _json(folder, "quality.json")
    period = provenance["period"]
    begin, end = (_moment(period[name]) for name in ("first_report", "last_report"))
    return {
        "kind": ResultKind.INVENTORY.value,
        "title": str(provenance["port"]),
        "port": provenance["port"],
        "corridor": None,
        "begins_at": begin,
        "ends_at": end,
        "simulated": says_simulated(provenance, quality),
        "method_edition": f"{provenance['method']}, {provenance['gwp']}",
    }


def _lane(facts: Mapping[str, Any]) -> dict[str, Any]:
    request = facts["request"]
    return {
        "kind": ResultKind.LANE.value,
        "title": facts["corridor"]["title"],
        "port": None,
        "corridor": facts["corridor"]["id"],
        "begins_at": _moment(facts["data"]["first"]),
        "ends_at": _moment(facts["data"]["last"]),
        "simulated": _SIMULATED in str(facts.get("label", "")).upper(),
        "method_edition": f"{request['method']}, {request['gwp']}, {request['attribution']}",
    }


def _arrival(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": ResultKind.ARRIVAL.value,
        "title": str(facts["port"]),
        "port": facts["port"],
        "corridor": None,
        "begins_at": None,
        "ends_at": None,
        "simulated": bool(facts["simulated"]),
        "method_edition": f"{facts['method']}, {facts['gwp']}",
    }


def _scenario(facts: Mapping[str, Any]) -> dict[str, Any]:
    years = facts["years"]
    return {
        "kind": (ResultKind.PLAN if facts["kind"] == "plan" else ResultKind.SCENARIO).value,
        "title": facts["title"],
        "port": None,
        "corridor": facts["corridor"],
        "begins_at": dt.datetime(min(years), 1, 1, tzinfo=dt.UTC),
        "ends_at": dt.datetime(max(years) + 1, 1, 1, tzinfo=dt.UTC),
        "simulated": _SIMULATED in str(facts.get("label", "")).upper(),
        "method_edition": f"sealane {facts['sealane']}",
    }


def corridors_compared(facts: Mapping[str, Any]) -> frozenset[str]:
    """Return the corridors that a comparison's file names; none in files of older editions."""
    return frozenset(str(name) for name in facts.get("corridors") or ())


def _comparison(facts: Mapping[str, Any]) -> dict[str, Any]:
    corridors = corridors_compared(facts)
    return {
        "kind": ResultKind.COMPARISON.value,
        "title": ", ".join(str(name) for name in facts["scenarios"])[:MAX_TITLE],
        "port": None,
        # Of several corridors none is the one; `corridors_compared` tells them where the file is read.
        "corridor": next(iter(corridors)) if len(corridors) == 1 else None,
        "begins_at": None,
        "ends_at": None,
        "simulated": _SIMULATED in json.dumps(facts).upper(),
        "method_edition": f"sealane {facts['sealane']}",
    }


_SIMULATED = "SIMULATED"
_DESCRIBED = {
    ResultKind.LANE: _lane,
    ResultKind.ARRIVAL: _arrival,
    ResultKind.SCENARIO: _scenario,
    ResultKind.COMPARISON: _comparison,
}


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads((folder / name).read_text("utf-8"))
    except ValueError as error:
        found = Phrase("is no JSON (%(error)s)", error=error)
        raise DataError(
            Phrase("The result cannot be kept."), [Fault(str(folder / name), found, Phrase("Run the command again"))]
        ) from None
    return dict(content)


def _moment(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    time = dt.datetime.fromisoformat(text)
    return time.astimezone(dt.UTC) if time.tzinfo else time.replace(tzinfo=dt.UTC)


def _digest(folder: Path) -> tuple[str, int]:
    """Return the SHA-256 over names and contents of all files, and their size in bytes."""
    found, size = hashlib.sha256(), 0
    for path in _files(folder):
        data = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                data.update(block)
                size += len(block)
        found.update(f"{path.relative_to(folder).as_posix()}\0{data.hexdigest()}\n".encode())
    return found.hexdigest(), size


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise DataError(
                Phrase("The result cannot be kept."),
                [Fault(str(path), Phrase("is a link"), Phrase("Put the file itself in its place"))],
            )
        if path.is_file():
            yield path


def _result(node: Node, row: Any, only_public: bool) -> Result:
    values = {name: getattr(row, name) for name in Result.__dataclass_fields__ if name not in {"folder", "kind"}}
    if only_public:  # who works at the port, and by which login, is none of a guest's business
        values["created_by"] = None
    return Result(
        **values,
        kind=ResultKind(row.kind),
        folder=node.folder / FOLDER / row.id,
    )
