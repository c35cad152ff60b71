"""The page Data: uploads from the first byte to undoing, each step seen before it is taken."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Header, Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict
from starlette.responses import StreamingResponse

from sealane.errors import Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.products.catalogue import DATASETS
from sealane.web.accounts import audit
from sealane.web.accounts.gate import Viewed, Viewer, reading, writing
from sealane.web.derivation import Derivation, Figure
from sealane.web.imports import files, rejects, steps, store, undo
from sealane.web.imports import receive as receiving
from sealane.web.imports.asked import Completion, Kind, NewImport, Undoing
from sealane.web.imports.clean import clean, empty_now
from sealane.web.imports.explain import derivation_of, effect_derivation, effect_figures, figure_of
from sealane.web.imports.reasons import reason_of
from sealane.web.imports.store import Import, State, Step
from sealane.web.rooms import Room
from sealane.web.tasks import store as task_store
from sealane.web.tasks.events import Seen, event_stream
from sealane.web.tasks.requests import Gwp, Id, Method, Unlocode
from sealane.web.tasks.room import STEWARDS, ErrorShown, TaskShown, shown_task
from sealane.web.tasks.runner import run_checks, run_work

# What the leading process does on its own: name, setting that holds the period, function.
JOBS = (
    ("checks", "task_period_s", run_checks),
    ("work", "task_period_s", run_work),
    ("imports", "housekeeping_period_s", clean),
)
PAGE = 30
ImportId = Annotated[str, Path(max_length=36, pattern="^[0-9a-f-]{36}$")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=100)]
What = Annotated[str, Path(max_length=40, pattern="^[a-z0-9_-]+$")]
Offset = Annotated[int, Query(ge=0, le=1 << 50)]
Place = Annotated[int, Query(ge=0, le=1 << 50)]
Reason = Annotated[str, AfterValidator(reason_of)]


class ImportShown(BaseModel):
    """An upload as people see it.

    Attributes
    ----------
    task : the long work it waits for.
    """

    id: str
    kind: Kind
    file_name: str
    options: dict[str, Any]
    state: State
    size_bytes: int
    received_bytes: int
    sha256: str | None
    accepted: Figure | None
    rejected: Figure | None
    simulated: bool
    created_at: dt.datetime
    created_by: str
    changed_at: dt.datetime
    applied_at: dt.datetime | None
    result_id: str | None
    error: ErrorShown | None
    task: TaskShown | None
    can_apply: bool
    can_undo: bool
    files_kept: bool


class DatasetShown(BaseModel):
    """A data product that files can be loaded into."""

    id: str
    title: str
    can_be_public: bool


class Choice(BaseModel):
    """An applied upload that an inventory can use."""

    id: str
    file_name: str
    applied_at: dt.datetime | None


class DataPage(BaseModel):
    """Uploads, the newest first, and what can be uploaded."""

    imports: list[ImportShown]
    after: str | None
    datasets: list[DatasetShown]
    port: str | None
    limit_bytes: int
    part_bytes: int
    vessels: list[Choice]
    zones: list[Choice]
    may_upload: bool


class EffectsShown(BaseModel):
    """What undoing would do; `sent` and `released` by partner."""

    records: Figure
    restored: Figure
    superseded: Figure
    public: Figure
    used: Figure
    results: Figure
    sent: dict[str, Figure]
    released: dict[str, Figure]


class RejectShown(BaseModel):
    """A rejected row, or an ignored field of a row that was taken."""

    record: str
    line: str
    column: str
    value: str
    reason: Reason


class ReasonShown(BaseModel):
    """For how many rows one reason holds."""

    column: str
    reason: Reason
    rows: Figure


class ImportPage(BaseModel):
    """One upload with its preview, its rejected rows and what undoing it would do.

    Attributes
    ----------
    preview : what the check found; its form depends on the kind, see docs/method/imports.md.
    changes : what applying would change, by name.
    outcome : what applying and undoing changed; `counts` and `undone` are the
        numbers in it.
    """

    upload: ImportShown
    preview: dict[str, Any] | None
    outcome: dict[str, Any] | None
    accepted: Figure | None
    rejected: Figure | None
    ships: Figure | None
    begins_at: dt.datetime | None
    ends_at: dt.datetime | None
    reasons: list[ReasonShown]
    changes: dict[str, Figure]
    counts: dict[str, Figure]
    undone: dict[str, Figure]
    rejects: list[RejectShown]
    after: int | None
    effects: EffectsShown | None
    part_bytes: int
    may_change: bool


class Applying(BaseModel):
    """Apply an upload; what is given here goes before what it was uploaded with. For positions only."""

    model_config = ConfigDict(extra="forbid")

    port: Unlocode | None = None
    method: Method | None = None
    gwp: Gwp | None = None
    vessels: Id | None = None
    zones: Id | None = None


def shown(one: Import, task: task_store.Task | None) -> ImportShown:
    """Return an upload as people see it."""
    outcome = one.outcome or {}
    names = ("id", "kind", "file_name", "state", "size_bytes", "received_bytes")
    more = ("created_at", "created_by", "changed_at", "applied_at")
    kept = one.emptied_at is None
    was_checked = one.preview is not None
    return ImportShown(
        **{name: getattr(one, name) for name in (*names, *more)},
        options={key: value for key, value in one.options.items() if value not in (None, {}, False)},
        sha256=one.digest,
        accepted=figure_of(one, "accepted"),
        rejected=figure_of(one, "rejected"),
        simulated=bool(one.options.get("simulated") or (one.preview or {}).get("simulated_rows"))
        or "simulated" in one.file_name.lower(),
        result_id=outcome.get("result_id"),
        error=ErrorShown(**outcome["error"]) if outcome.get("error") else None,
        task=shown_task(task) if task is not None and task.state not in task_store.ENDED else None,
        can_apply=kept and was_checked and one.state in {State.READY, State.FAILED},
        can_undo=one.state is State.APPLIED or (one.state is State.FAILED and one.applied_records > 0),
        files_kept=kept and one.state is not State.RECEIVING,
    )


def seen(one: Import, task: task_store.Task | None) -> Seen:
    """Return an upload as events tell it."""
    content: dict[str, Any] = {"state": one.state.value}
    content |= {name: getattr(one, name) for name in ("size_bytes", "received_bytes", "accepted_rows", "rejected_rows")}
    if task is not None:
        content |= {"stage": task.stage, "done": task.done, "total": task.total, "waits": task.state.value == "waiting"}
    changes = 0 if task is None else task.changes
    return Seen(f"{one.changes}.{changes}", content, one.state in store.RESTING)


def room(node: Node) -> Room:
    """Return the endpoints."""
    made = Room("data", node)

    @made.view("/data", "data/page.html.j2")
    def listed(
        viewer: Viewed, after: Annotated[str | None, Query(max_length=80)] = None, kind: Kind | None = None
    ) -> DataPage:
        """Uploads, the newest first."""
        with reading(node, viewer) as connection:
            found = store.imports(connection, before=_cursor(after), limit=PAGE + 1, kind=kind)
            tasks = {one.id: _task(connection, one) for one in found}
            applied = {
                name: store.imports(connection, kind=name, states=(State.APPLIED,), limit=50)
                for name in ("vessels", "zones")
            }
        last = found[PAGE - 1] if len(found) > PAGE else None
        return DataPage(
            imports=[shown(one, tasks[one.id]) for one in found[:PAGE]],
            after=None if last is None else f"{last.created_at.isoformat()}_{last.id}",
            datasets=[
                DatasetShown(id=one.id, title=one.title, can_be_public=one.can_be_public) for one in DATASETS.values()
            ],
            port=node.settings.unlocode,
            limit_bytes=node.settings.import_limit_bytes,
            part_bytes=min(receiving.PART_BYTES, node.settings.body_limit_bytes),
            **{name: [_choice(one) for one in some] for name, some in applied.items()},
            may_upload=viewer.role in STEWARDS,
        )

    @made.view("/data/{import_id}", "data/import.html.j2")
    def one_import(viewer: Viewed, import_id: ImportId, after: Place = 0) -> ImportPage:
        """One upload: its state, preview, rejected rows, and what undoing it would do."""
        with reading(node, viewer) as connection:
            one = store.import_of(connection, import_id)
            task = _task(connection, one)
            can_undo = shown(one, None).can_undo and viewer.role in STEWARDS
            effects = undo.effects_of(connection, one) if can_undo else None
        page = rejects.page(files.folder_of(node, one.id) / files.REJECTS, one.file_name, after)
        return ImportPage(
            upload=shown(one, task),
            preview=dict(one.preview) if one.preview is not None else None,
            outcome=dict(one.outcome) if one.outcome is not None else None,
            **_found(one),
            rejects=[RejectShown(**dict(zip(RejectShown.model_fields, row[1:], strict=True))) for row in page.rows],
            after=page.after,
            effects=None if effects is None else EffectsShown(**effect_figures(one, effects)),
            part_bytes=min(receiving.PART_BYTES, node.settings.body_limit_bytes),
            may_change=viewer.role in STEWARDS,
        )

    @made.view("/explain/imports/{import_id}/{what}", "explain/derivation.html.j2")
    def explained(
        viewer: Viewed, import_id: ImportId, what: What, peer: Annotated[str | None, Query(max_length=200)] = None
    ) -> Derivation:
        """Where a count of an upload comes from."""
        with reading(node, viewer) as connection:
            one = store.import_of(connection, import_id)
            if what.startswith("undo-") and viewer.role in STEWARDS:
                return effect_derivation(one, undo.effects_of(connection, one), what, peer)
            return derivation_of(one, what)

    _add_actions(made, node)
    _add_streams(made, node)
    return made


def _found(one: Import) -> dict[str, Any]:
    """Return what the check and applying counted, each with its derivation."""
    preview = one.preview or {}
    reasons = enumerate(preview.get("reasons", []))

    def figures(kind: str, names: Iterable[str]) -> dict[str, Figure]:
        return {name: found for name in names if (found := figure_of(one, f"{kind}-{name}")) is not None}

    return {
        **{name: figure_of(one, name) for name in ("accepted", "rejected", "ships")},
        **{name: preview.get(name) for name in ("begins_at", "ends_at")},
        "reasons": [
            ReasonShown(column=row["column"], reason=row["reason"], rows=rows)
            for n, row in reasons
            if (rows := figure_of(one, f"reason-{n}")) is not None
        ],
        "changes": figures("change", preview.get("changes") or {}),
        "counts": figures("outcome", one.outcome or {}),
        "undone": figures("undone", ("removed", "restored", "kept", "superseded", "results")),
    }


def _add_actions(made: Room, node: Node) -> None:
    @made.action("POST", "/imports", status=201)
    def begin(viewer: Viewed, request: Request, body: NewImport, key: Key = None) -> ImportShown:
        """Begin an upload; its bytes follow in parts."""
        return shown(receiving.begin(node, viewer, body, key, request.state.request_id), None)

    @made.action("PUT", "/imports/{import_id}/content")
    async def receive(viewer: Viewed, request: Request, import_id: ImportId, offset: Offset) -> ImportShown:
        """Take bytes from an offset on, which must be what was received so far."""
        declared = request.headers.get("content-length", "")
        length = int(declared) if declared.isdigit() else None
        return shown(await receiving.receive(node, viewer, import_id, offset, length, request.stream()), None)

    @made.action("POST", "/imports/{import_id}/completion", status=202)
    def complete(viewer: Viewed, request: Request, import_id: ImportId, body: Completion) -> ImportShown:
        """Say that all bytes were sent; the file is then checked."""
        return shown(receiving.complete(node, viewer, import_id, body.sha256, request.state.request_id), None)

    @made.action("POST", "/imports/{import_id}/application", status=202)
    def apply(viewer: Viewed, request: Request, import_id: ImportId, body: Applying) -> ImportShown:
        """Apply a checked upload."""
        now = node.clock()
        with writing(node, viewer) as connection:
            one = store.import_of(connection, import_id, lock=True)
            if not shown(one, None).can_apply:
                raise RequestRefusedError(
                    409,
                    "wrong-state",
                    Phrase("The upload is %(state)s.", state=one.state),
                    Phrase("Only what was checked can be applied."),
                )
            changed = body.model_dump(exclude_none=True)
            if changed:
                store.note(connection, one.id, now, options={**one.options, **changed})
                one = store.import_of(connection, one.id)
            audit.note(
                connection, viewer, "import.apply", one.id, {"kind": one.kind, **changed}, request.state.request_id, now
            )
            return shown(steps.begin_applying(connection, node, one, now), None)

    @made.action("POST", "/imports/{import_id}/cancellation", status=202)
    def cancel(viewer: Viewed, request: Request, import_id: ImportId) -> ImportShown:
        """Cancel an upload, or the work that checks or applies it."""
        now = node.clock()
        with writing(node, viewer) as connection:
            one = store.import_of(connection, import_id, lock=True)
            if one.kind == Kind.PRODUCT and one.state is State.APPLYING:
                raise RequestRefusedError(
                    409,
                    "wrong-state",
                    Phrase("Its records are being applied."),
                    Phrase("Wait for the end, then undo it."),
                )
            one = _cancelled(connection, node, one, now)
            audit.note(connection, viewer, "import.cancel", one.id, {"kind": one.kind}, request.state.request_id, now)
            return shown(one, _task(connection, one))

    @made.action("POST", "/imports/{import_id}/undoing")
    def undo_it(viewer: Viewed, request: Request, import_id: ImportId, body: Undoing) -> ImportShown:
        """Undo an applied upload."""
        one = undo.undo(node, viewer, import_id, keep_sent=body.keep_sent, request_id=request.state.request_id)
        return shown(one, None)


def _cancelled(connection: Any, node: Node, one: Import, now: dt.datetime) -> Import:
    if one.state in {State.CHECKING, State.APPLYING} and one.task_id is not None:
        task = task_store.task_of(connection, one.task_id)
        if task.state not in task_store.ENDED:
            task = task_store.ask_to_cancel(connection, one.task_id, now)
        if task.state not in task_store.ENDED:
            return store.import_of(connection, one.id)  # its runner ends it, and then the upload
        what = Step.CANCEL if one.state is State.CHECKING else Step.BACK
    else:
        what = Step.CANCEL
    one = store.step(connection, one, what, now)
    if one.state is State.CANCELLED:
        empty_now(node, connection, one.id)
    return store.import_of(connection, one.id)


def _add_streams(made: Room, node: Node) -> None:
    @made.stream("/imports/{import_id}", "application/json")
    def state(viewer: Viewed, import_id: ImportId) -> Response:
        """The state of an upload: how many bytes were received, how far the check is."""
        with reading(node, viewer) as connection:
            one = store.import_of(connection, import_id)
            content = shown(one, _task(connection, one)).model_dump_json()
        return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"})

    @made.stream("/imports/{import_id}/events", "text/event-stream")
    async def listen(viewer: Viewed, request: Request, import_id: ImportId) -> Response:
        """Listen to an upload: server-sent events until nothing changes any more by itself."""
        return await event_stream(request, lambda: _look(node, viewer, import_id))

    @made.stream("/imports/{import_id}/rejects.csv", "text/csv")
    def rejected(viewer: Viewed, import_id: ImportId) -> Response:
        """The rejected rows as CSV: file, record, line, column, value, reason."""
        with reading(node, viewer) as connection:
            one = store.import_of(connection, import_id)
        path = files.folder_of(node, one.id) / files.REJECTS
        if not path.is_file():
            raise RequestRefusedError(
                404, "no-rejects", Phrase("No row of this upload was rejected."), Phrase("There is nothing.")
            )
        headers = {
            "Content-Disposition": f'attachment; filename="rejects-{one.id[:8]}.csv"',
            "Cache-Control": "private, no-store",
        }
        return StreamingResponse(
            rejects.as_csv(path, one.file_name), media_type="text/csv; charset=utf-8", headers=headers
        )


def _look(node: Node, viewer: Viewer, import_id: str) -> Seen:
    with reading(node, viewer) as connection:
        one = store.import_of(connection, import_id)
        return seen(one, _task(connection, one))


def _task(connection: Any, one: Import) -> task_store.Task | None:
    if one.task_id is None or one.state not in {State.CHECKING, State.APPLYING}:
        return None
    return task_store.task_of(connection, one.task_id)


def _choice(one: Import) -> Choice:
    return Choice(id=one.id, file_name=one.file_name, applied_at=one.applied_at)


def _cursor(text: str | None) -> tuple[dt.datetime, str] | None:
    if text is None:
        return None
    at, _, import_id = text.partition("_")
    try:
        moment = dt.datetime.fromisoformat(at.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not import_id:
        raise RequestRefusedError(
            400, "wrong-cursor", Phrase("The cursor is none of ours."), Phrase("Begin with the first page.")
        )
    return moment, import_id
