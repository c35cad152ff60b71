"""The rows of uploads and how their state may change.

receiving -> checking -> ready -> applying -> applied -> undone; from most of them also failed or cancelled. Every
change counts the row on, which is what listeners wait for.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from sealane.database.engine import for_update
from sealane.database.tables.results import data_import as table
from sealane.errors import Phrase, RequestRefusedError


class State(StrEnum):
    """How far an upload is."""

    RECEIVING = "receiving"
    CHECKING = "checking"
    READY = "ready"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDONE = "undone"


class Step(StrEnum):
    """What happens to an upload."""

    COMPLETE = "complete"  # all bytes are here
    CHECKED = "checked"
    APPLY = "apply"
    DONE = "done"  # applied
    FAIL = "fail"
    BACK = "back"  # applying was cancelled
    CANCEL = "cancel"
    UNDO = "undo"


# (state, step) -> state; whatever is missing is refused
NEXT: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        (State.RECEIVING, Step.COMPLETE): State.CHECKING,
        (State.RECEIVING, Step.CANCEL): State.CANCELLED,
        (State.CHECKING, Step.CHECKED): State.READY,
        (State.CHECKING, Step.FAIL): State.FAILED,
        (State.CHECKING, Step.CANCEL): State.CANCELLED,
        (State.READY, Step.APPLY): State.APPLYING,
        (State.READY, Step.CANCEL): State.CANCELLED,
        (State.FAILED, Step.APPLY): State.APPLYING,  # where the check had passed, with other options
        (State.APPLYING, Step.DONE): State.APPLIED,
        (State.APPLYING, Step.BACK): State.READY,
        (State.APPLYING, Step.FAIL): State.FAILED,
        (State.APPLIED, Step.UNDO): State.UNDONE,
        (State.FAILED, Step.UNDO): State.UNDONE,  # where records were applied before it failed
    }
)
# Nothing happens any more without somebody's doing.
RESTING = frozenset({State.READY, State.APPLIED, State.FAILED, State.CANCELLED, State.UNDONE})
LAST = frozenset({State.FAILED, State.CANCELLED, State.UNDONE})


@dataclass(frozen=True)
class Import:
    """One upload.

    Attributes
    ----------
    file_name : as its sender calls it, without any path.
    digest : SHA-256 that the sender declared, then the one found.
    preview : what the check found; None before it.
    outcome : what applying changed, or what failed.
    changes : counts on with each change.
    """

    id: str
    kind: str
    file_name: str
    options: Mapping[str, Any]
    state: State
    size_bytes: int
    received_bytes: int
    digest: str | None
    accepted_rows: int | None
    rejected_rows: int | None
    preview: Mapping[str, Any] | None
    outcome: Mapping[str, Any] | None
    task_id: str | None
    created_at: dt.datetime
    created_by: str
    changed_at: dt.datetime
    changes: int
    applied_at: dt.datetime | None
    applied_records: int
    emptied_at: dt.datetime | None


def insert(
    connection: sa.Connection,
    *,
    kind: str,
    file_name: str,
    options: Mapping[str, Any],
    size_bytes: int,
    created_by: str,
    key: str | None,
    now: dt.datetime,
) -> tuple[Import, bool]:
    """Put an upload in; return it and whether it is new. The same key of the same sender gives the same upload.

    Raises
    ------
    RequestRefusedError
        422 where the key was used for another upload.
    """
    if key is not None:
        held = connection.execute(
            sa.select(table).where(table.c.created_by == created_by, table.c.idempotency_key == key)
        ).one_or_none()
        if held is not None:
            found = _import(held)
            if (found.kind, found.file_name, found.size_bytes, dict(found.options)) != (
                kind,
                file_name,
                size_bytes,
                dict(options),
            ):
                raise RequestRefusedError(
                    422,
                    "key-reused",
                    Phrase("The Idempotency-Key was used for another upload."),
                    Phrase("Use a key once."),
                )
            return found, False
    import_id = str(uuid.uuid4())
    connection.execute(
        table.insert().values(
            id=import_id,
            kind=kind,
            file_name=file_name,
            options=dict(options),
            state=State.RECEIVING,
            size_bytes=size_bytes,
            received_bytes=0,
            created_at=now,
            created_by=created_by,
            changed_at=now,
            changes=1,
            idempotency_key=key,
            applied_records=0,
        )
    )
    return import_of(connection, import_id), True


def import_of(connection: sa.Connection, import_id: str, *, lock: bool = False) -> Import:
    """Return an upload.

    Raises
    ------
    RequestRefusedError
        404 where there is none.
    """
    row = None
    if len(import_id) <= 36:
        query = sa.select(table).where(table.c.id == import_id)
        row = connection.execute(for_update(query, connection) if lock else query).one_or_none()
    if row is None:
        raise RequestRefusedError(
            404, "unknown-import", Phrase("There is no such upload here."), Phrase("See /data for all.")
        )
    return _import(row)


def imports(
    connection: sa.Connection,
    *,
    before: tuple[dt.datetime, str] | None = None,
    limit: int = 50,
    kind: str | None = None,
    states: Collection[State] = (),
) -> list[Import]:
    """Return uploads, the newest first.

    Parameters
    ----------
    before : time of creation and id of the last one seen.
    """
    query = sa.select(table).order_by(table.c.created_at.desc(), table.c.id.desc()).limit(limit)
    if before is not None:
        at, import_id = before
        query = query.where((table.c.created_at < at) | ((table.c.created_at == at) & (table.c.id < import_id)))
    if kind is not None:
        query = query.where(table.c.kind == kind)
    if states:
        query = query.where(table.c.state.in_(states))
    return [_import(row) for row in connection.execute(query)]


def outstanding_bytes(connection: sa.Connection) -> int:
    """Return how many bytes the uploads under way still are to bring."""
    left = sa.func.sum(table.c.size_bytes - table.c.received_bytes)
    return int(connection.execute(sa.select(left).where(table.c.state == State.RECEIVING)).scalar() or 0)


def count_receiving(connection: sa.Connection, created_by: str) -> int:
    """Return how many uploads of one sender are under way."""
    query = sa.select(sa.func.count()).where(table.c.state == State.RECEIVING, table.c.created_by == created_by)
    return int(connection.execute(query).scalar_one())


def note_received(connection: sa.Connection, import_id: str, offset: int, count: int, now: dt.datetime) -> bool:
    """Note bytes that are safe on the disk; false where somebody else has brought some meanwhile."""
    mine = (table.c.id == import_id, table.c.state == State.RECEIVING, table.c.received_bytes == offset)
    return _change(connection, now, sa.and_(*mine), received_bytes=offset + count) == 1


def step(connection: sa.Connection, one: Import, what: Step, now: dt.datetime, **values: Any) -> Import:
    """Take an upload one step on.

    Raises
    ------
    RequestRefusedError
        409 where the state does not allow it, or has changed meanwhile.
    """
    after = NEXT.get((one.state, what))
    mine = sa.and_(table.c.id == one.id, table.c.state == one.state)
    if after is None or _change(connection, now, mine, state=after, **values) != 1:
        raise RequestRefusedError(
            409,
            "wrong-state",
            Phrase("The upload is %(state)s.", state=one.state),
            Phrase("Load the page again to see what can be done."),
        )
    return import_of(connection, one.id)


def note(connection: sa.Connection, import_id: str, now: dt.datetime, **values: Any) -> None:
    """Change what is known of an upload, not its state."""
    _change(connection, now, table.c.id == import_id, **values)


def _change(connection: sa.Connection, now: dt.datetime, where: sa.ColumnElement[bool], **values: Any) -> int:
    done = connection.execute(table.update().where(where).values(changed_at=now, changes=table.c.changes + 1, **values))
    return int(done.rowcount)


def _import(row: Any) -> Import:
    values = {name: getattr(row, name) for name in Import.__dataclass_fields__}
    return Import(**(values | {"state": State(row.state)}))
