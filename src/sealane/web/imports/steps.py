"""What long work does to uploads: the check's findings become the preview; applying brings records or a result."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.products import record
from sealane.database.tables.results import data_import, import_record
from sealane.errors import InputError, Phrase
from sealane.node.context import Node
from sealane.products.store import Prepared, prepare, put_prepared
from sealane.web.imports import files, preview, records, store
from sealane.web.imports.store import Import, Step
from sealane.web.results import result_of
from sealane.web.tasks import begin
from sealane.web.tasks.limits import Limits
from sealane.web.tasks.store import State as TaskState
from sealane.web.tasks.store import Task, enqueue_as
from sealane.web.tasks.work_form import Work

# One transaction holds this many records; others write between them.
BATCH = 2_000
_GIB = 1 << 30
# Address space a reader of a hand-kept table may use: libraries reserve far more than they touch.
_TABLE_BYTES = 4 * _GIB
_COMPARED = ("vessels",)


def begin_check(node: Node, task: Task, folder: Path) -> Work:
    """Give the uploaded file, and for kinds that are compared the one applied last."""
    with node.database.read() as connection:
        one = store.import_of(connection, str(task.import_id))
        current = _applied_last(connection, one.kind) if one.kind in _COMPARED else None
    content = files.content_of(node, one.id)
    if content.stat().st_size > one.size_bytes:
        os.truncate(content, one.size_bytes)  # the rest is from a part that never ended
    simulated = bool(one.options.get("simulated"))
    arguments = {
        "kind": one.kind,
        "name": one.file_name,
        "file": files.give(content, folder, files.working_name(one.file_name, simulated=simulated)),
        "size_bytes": one.size_bytes,
        "sha256": one.digest,
        "options": dict(one.options),
        "now": task.created_at.isoformat(),
        "current": None
        if current is None
        else files.give(files.content_of(node, current.id), folder, f"current_{files.working_name(current.file_name)}"),
    }
    threads = begin.threads_here() if one.kind == "positions" else 1
    return Work("check", arguments, _check_limits(node, one, threads), threads)


def _check_limits(node: Node, one: Import, threads: int) -> Limits:
    if one.kind == "positions":
        return begin.work_limits(node, threads)
    settings = node.settings
    wall_s = min(settings.task_timeout_s, 1_800)
    memory = settings.task_memory_bytes if one.kind == "product" else min(settings.task_memory_bytes, _TABLE_BYTES)
    return Limits(memory, wall_s, wall_s, _GIB, 256)


def _applied_last(connection: sa.Connection, kind: str) -> Import | None:
    found = store.imports(connection, kind=kind, states=(store.State.APPLIED,), limit=200)
    kept = [one for one in found if one.emptied_at is None and one.applied_at is not None]
    return max(kept, key=lambda one: one.applied_at or dt.datetime.min.replace(tzinfo=dt.UTC), default=None)


def finish_check(
    node: Node, connection: sa.Connection, task: Task, done: Mapping[str, Any], folder: Path
) -> str | None:
    """Keep rejects and records beside the upload, and show what was found."""
    one = store.import_of(connection, str(task.import_id), lock=True)
    if one.state is not store.State.CHECKING:
        return None
    kept = files.folder_of(node, one.id)
    for name in (preview.REJECTS, records.RECORDS):
        if (folder / name).is_file():
            (folder / name).replace(kept / name.name)
    found = {key: value for key, value in done.items() if key != "digest"}
    if (folder / records.INDEX).is_file():
        own = node.identity.participant
        found["changes"] = records.compare(
            folder / records.INDEX, lambda ids: _held(connection, own, str(one.options["dataset"]), ids)
        )
    if one.kind == "positions":
        found["changes"] = {"results": _overlapping(connection, one, found)}
    store.step(
        connection,
        one,
        Step.CHECKED,
        node.clock(),
        digest=str(done["digest"]),
        accepted_rows=int(done.get("accepted", 0)),
        rejected_rows=int(done.get("rejected", 0)),
        preview=found,
    )
    return None


def _overlapping(connection: sa.Connection, one: Import, found: Mapping[str, Any]) -> int:
    """Return how many inventories of the port are kept whose period these positions overlap."""
    from sealane.database.tables.results import result

    begins_at, ends_at = (dt.datetime.fromisoformat(found[name]) for name in ("begins_at", "ends_at"))
    query = sa.select(sa.func.count()).where(
        result.c.kind == "inventory",
        result.c.port == one.options.get("port"),
        result.c.removed_at.is_(None),
        result.c.begins_at < ends_at,
        result.c.ends_at > begins_at,
    )
    return int(connection.execute(query).scalar_one())


def _held(connection: sa.Connection, source: str, dataset: str, ids: list[str]) -> dict[str, tuple[str, dt.datetime]]:
    query = sa.select(record.c.id, record.c.digest, record.c.known_at).where(
        record.c.source == source, record.c.dataset == dataset, record.c.id.in_(ids)
    )
    return {row.id: (row.digest, row.known_at) for row in connection.execute(query)}


def give_up(
    node: Node, connection: sa.Connection, task: Task, state: TaskState, error: Mapping[str, Any] | None
) -> None:
    """Say why a check ended without a preview; rows with a place stay downloadable."""
    one = store.import_of(connection, str(task.import_id), lock=True)
    if one.state is not store.State.CHECKING:
        return
    now = node.clock()
    if state is TaskState.CANCELLED:
        store.step(connection, one, Step.CANCEL, now)
        return
    faults = list((error or {}).get("faults", []))
    if faults:
        rejects = files.folder_of(node, one.id) / files.REJECTS
        left = node.folder / "tasks" / task.id / files.REJECTS
        if left.is_file():
            shutil.copyfile(left, rejects)
    store.step(connection, one, Step.FAIL, now, outcome={"error": dict(error or {})}, rejected_rows=len(faults) or None)


def begin_applying(connection: sa.Connection, node: Node, one: Import, now: dt.datetime) -> Import:
    """Let a checked upload be applied: by long work where it takes long, else at once."""
    if one.kind == "positions":
        from sealane.web.tasks.kinds import enqueue_checked

        names = ("port", "method", "gwp", "vessels", "zones")
        asked = {name: one.options[name] for name in names if one.options.get(name) is not None}
        asked |= {"imports": [one.id], "public": bool(one.options.get("public"))}
        task_id = enqueue_checked(connection, one.created_by, "inventory", asked, now, import_id=one.id)
        return store.step(connection, one, Step.APPLY, now, task_id=task_id, outcome=None)
    if one.kind == "product":
        task_id = enqueue_as(connection, one.created_by, "import-apply", {}, now, import_id=one.id)
        return store.step(connection, one, Step.APPLY, now, task_id=task_id, outcome=None)
    one = store.step(connection, one, Step.APPLY, now, outcome=None)
    return store.step(connection, one, Step.DONE, now, applied_at=now, outcome={"rows": one.accepted_rows})


def apply_records(node: Node, task: Task, tell: Any) -> Mapping[str, Any]:
    """Store the checked records, a batch a transaction; goes on where an interrupted attempt ended.

    Each body is read anew here: what a child process wrote is not believed.
    """
    with node.database.read() as connection:
        one = store.import_of(connection, str(task.import_id))
    path = files.folder_of(node, one.id) / records.RECORDS.name
    total, applied = one.accepted_rows or 0, one.applied_records
    batch: list[tuple[bytes, bool]] = []
    for body, simulated in records.read_bodies(path, applied):
        batch.append((body, simulated))
        if len(batch) == BATCH:
            applied = _apply_batch(node, one, batch, applied, task)
            batch = []
            if not tell("applying", applied, total):
                return {}
    if batch:
        applied = _apply_batch(node, one, batch, applied, task)
        tell("applying", applied, total)
    return {"records": applied}


def _apply_batch(node: Node, one: Import, batch: Sequence[tuple[bytes, bool]], applied: int, task: Task) -> int:
    dataset, source = str(one.options["dataset"]), node.identity.participant
    faults: list[Any] = []
    prepared: list[tuple[Prepared, bool]] = []
    for number, (body, simulated) in enumerate(batch, applied + 1):
        ready = prepare(dataset, body, f"record {number}", faults, task.created_at)
        if ready is not None:
            prepared.append((ready, simulated))
    if faults:
        raise InputError(
            Phrase("A record that was sound is so no more: %(fault)s Upload the file again.", fault=faults[0])
        )
    now = node.clock()
    with node.database.write() as connection:
        for marked in (False, True):
            some = [ready for ready, simulated in prepared if simulated is marked]
            if some:
                _put(connection, one, source, dataset, some, now, simulated=marked)
        after = applied + len(batch)
        done = connection.execute(
            data_import.update()
            .where(data_import.c.id == one.id, data_import.c.applied_records == applied)
            .values(applied_records=after)
        )
        if done.rowcount != 1:
            raise InputError(
                Phrase("The records were applied by somebody else at the same time. Look at the upload again.")
            )
    return after


def _put(
    connection: sa.Connection,
    one: Import,
    source: str,
    dataset: str,
    some: Sequence[Prepared],
    now: dt.datetime,
    *,
    simulated: bool,
) -> None:
    """Store records, and note which came by this upload and what they took the place of."""
    ids = list(dict.fromkeys(ready.record.id for ready in some))
    before = {row.id: row for row in _rows(connection, source, dataset, ids)}
    # Who loads a file without opening it takes nothing back that another file opened.
    public = True if one.options.get("public") else None
    put_prepared(connection, source, some, now, public=public, simulated=simulated)
    noted = {
        row.record_id
        for at in range(0, len(ids), 500)
        for row in connection.execute(
            sa.select(import_record.c.record_id).where(
                import_record.c.import_id == one.id,
                import_record.c.source == source,
                import_record.c.dataset == dataset,
                import_record.c.record_id.in_(ids[at : at + 500]),
            )
        )
    }
    fresh, again = [], []
    for row in _rows(connection, source, dataset, ids):
        old = before.get(row.id)
        if old is not None and old.position == row.position and old.public == row.public:
            continue  # unchanged or outdated
        if row.id in noted:
            again.append(row)  # a later revision within the same file
            continue
        fresh.append(
            {
                "import_id": one.id,
                "source": source,
                "dataset": dataset,
                "record_id": row.id,
                "position": row.position,
                "replaced": None if old is None else old.body,
                "replaced_known_at": None if old is None else old.known_at,
                "replaced_public": None if old is None else old.public,
                "replaced_simulated": None if old is None else old.simulated,
            }
        )
    if fresh:
        connection.execute(import_record.insert(), fresh)
    for row in again:
        connection.execute(
            import_record.update()
            .where(
                import_record.c.import_id == one.id,
                import_record.c.source == source,
                import_record.c.dataset == dataset,
                import_record.c.record_id == row.id,
            )
            .values(position=row.position)
        )


def _rows(connection: sa.Connection, source: str, dataset: str, ids: Sequence[str]) -> list[Any]:
    found: list[Any] = []
    columns = (record.c.id, record.c.position, record.c.body, record.c.known_at, record.c.public, record.c.simulated)
    for at in range(0, len(ids), 500):
        query = sa.select(*columns).where(
            record.c.source == source, record.c.dataset == dataset, record.c.id.in_(ids[at : at + 500])
        )
        found += connection.execute(query).all()
    return found


def finish_records(
    node: Node, connection: sa.Connection, task: Task, done: Mapping[str, Any], folder: Path
) -> str | None:
    """Say that all records are in."""
    del folder
    one = store.import_of(connection, str(task.import_id), lock=True)
    mine = import_record.c.import_id == one.id
    brought = connection.execute(sa.select(sa.func.count()).where(mine)).scalar_one()
    revised = connection.execute(
        sa.select(sa.func.count()).where(mine, import_record.c.replaced.is_not(None))
    ).scalar_one()
    outcome = {"records": done.get("records", 0), "new": brought - revised, "revised": revised}
    store.step(connection, one, Step.DONE, node.clock(), applied_at=node.clock(), outcome=outcome)
    return None


def finish_inventory(
    node: Node, connection: sa.Connection, task: Task, done: Mapping[str, Any], folder: Path
) -> str | None:
    """Keep the inventory; where it is what applying an upload means, the upload is applied."""
    result_id = begin.keep(node, connection, task, done, folder)
    if task.import_id is not None:
        one = store.import_of(connection, task.import_id, lock=True)
        if one.state is store.State.APPLYING:
            kept = result_of(connection, node, result_id)
            outcome = {**done, "result_id": result_id, "port": kept.port}
            store.step(connection, one, Step.DONE, node.clock(), applied_at=node.clock(), outcome=outcome)
    return result_id


def give_up_applying(
    node: Node, connection: sa.Connection, task: Task, state: TaskState, error: Mapping[str, Any] | None
) -> None:
    """Take an upload back to where it can be applied again, or say why it cannot."""
    if task.import_id is None:
        return
    one = store.import_of(connection, task.import_id, lock=True)
    if one.state is not store.State.APPLYING:
        return
    if state is TaskState.CANCELLED and one.applied_records == 0:
        store.step(connection, one, Step.BACK, node.clock())
    else:
        store.step(connection, one, Step.FAIL, node.clock(), outcome={"error": dict(error or {})})
