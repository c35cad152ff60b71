"""Undoes an applied upload: whole, or as far as its user has agreed to, never silently half.

What a partner has received, a partner has (docs/method/promises.md). So an upload of which records were sent is not
undone unless its user chooses to keep exactly those; the others then go. All of it is one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.delivery import decision, released_record
from sealane.database.tables.products import record
from sealane.database.tables.results import import_record, result
from sealane.database.tables.results import task as task_table
from sealane.errors import Fault, Phrase, RequestRefusedError, StoreError
from sealane.node.context import Node
from sealane.products.store import prepare, put_prepared
from sealane.web.accounts import audit
from sealane.web.accounts.gate import Viewer, reading, writing
from sealane.web.imports import store
from sealane.web.imports.store import Import, State, Step
from sealane.web.results import remove_result

_BATCH = 500


@dataclass(frozen=True)
class Effects:
    """What undoing would do, or has done.

    Attributes
    ----------
    records : records that go; of them `restored` give place to what stood there before.
    superseded : records of which a newer revision has come since; it stays.
    sent : by partner, how many records were sent; they cannot be recalled.
    released : by partner, how many records were counted in grouped figures; those figures stay.
    public : records that everybody could read.
    results : kept results that go.
    used : other results that were computed from this upload; they stay.
    """

    records: int = 0
    restored: int = 0
    superseded: int = 0
    sent: Mapping[str, int] | None = None
    released: Mapping[str, int] | None = None
    public: int = 0
    results: tuple[str, ...] = ()
    used: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            **{name: getattr(self, name) for name in ("records", "restored", "superseded", "public", "used")},
            "sent": dict(self.sent or {}),
            "released": dict(self.released or {}),
            "results": list(self.results),
        }


def _mine(one: Import) -> sa.ColumnElement[bool]:
    return import_record.c.import_id == one.id


def _still_there() -> sa.ColumnElement[bool]:
    """Return the condition that the record is still the one this upload brought."""
    return sa.and_(
        record.c.source == import_record.c.source,
        record.c.dataset == import_record.c.dataset,
        record.c.id == import_record.c.record_id,
        record.c.position == import_record.c.position,
    )


def _was_sent() -> sa.ColumnElement[bool]:
    """Return the condition that a decision let this very revision through to a partner.

    Event ids name the position: ``<stream>.<epoch>.<position>.<digest>`` where the node delivers, ``pull:<position>``
    where the partner reads.
    """
    at = sa.cast(import_record.c.position, sa.String)
    text = sa.String
    return sa.and_(
        decision.c.dataset == import_record.c.dataset,
        decision.c.record_id == import_record.c.record_id,
        decision.c.outcome != "withhold",
        sa.or_(
            decision.c.event_id == sa.literal("pull:", text).concat(at),
            decision.c.event_id.like(sa.literal("%.", text).concat(at).concat(sa.literal(".%", text))),
        ),
    )


def effects_of(connection: sa.Connection, one: Import) -> Effects:
    """Return what undoing an upload would do."""
    results = connection.execute(
        sa.select(result.c.id).where(result.c.import_id == one.id, result.c.removed_at.is_(None))
    ).scalars()
    removed = tuple(results)
    if one.kind != "product":
        return Effects(results=removed, used=_used_elsewhere(connection, one, removed))
    count = sa.func.count()
    total = connection.execute(sa.select(count).select_from(import_record).where(_mine(one))).scalar_one()
    there = sa.select(count).select_from(import_record.join(record, _still_there())).where(_mine(one))
    still = connection.execute(there).scalar_one()
    restored = connection.execute(there.where(import_record.c.replaced.is_not(None))).scalar_one()
    public = connection.execute(there.where(record.c.public)).scalar_one()
    sent = (
        sa.select(decision.c.peer, sa.func.count(sa.distinct(import_record.c.record_id)))
        .select_from(import_record.join(decision, _was_sent()))
        .where(_mine(one))
        .group_by(decision.c.peer)
    )
    released = (
        sa.select(released_record.c.peer, count)
        .select_from(
            import_record.join(
                released_record,
                (released_record.c.dataset == import_record.c.dataset)
                & (released_record.c.record_id == import_record.c.record_id),
            )
        )
        .where(_mine(one))
        .group_by(released_record.c.peer)
    )
    return Effects(
        records=still,
        restored=restored,
        superseded=total - still,
        sent={row[0]: row[1] for row in connection.execute(sent)},
        released={row[0]: row[1] for row in connection.execute(released)},
        public=public,
    )


def _used_elsewhere(connection: sa.Connection, one: Import, removed: tuple[str, ...]) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(task_table.join(result, result.c.id == task_table.c.result_id))
        .where(
            sa.type_coerce(task_table.c.arguments, sa.Text).like(f"%{one.id}%"),  # as the text that is stored
            result.c.removed_at.is_(None),
            result.c.id.not_in(removed),
        )
    )
    return int(connection.execute(query).scalar_one())


def look(node: Node, viewer: Viewer, import_id: str) -> Effects:
    """Return what undoing an upload would do."""
    with reading(node, viewer) as connection:
        return effects_of(connection, store.import_of(connection, import_id))


def undo(node: Node, viewer: Viewer, import_id: str, *, keep_sent: bool, request_id: str) -> Import:
    """Undo an applied upload.

    Raises
    ------
    RequestRefusedError
        404; 409 where it is not applied, or where records were sent and the user has not agreed to keep those.
    """
    now = node.clock()
    with writing(node, viewer) as connection:
        one = store.import_of(connection, import_id, lock=True)
        if one.state is State.FAILED and one.applied_records == 0:
            raise RequestRefusedError(
                409, "wrong-state", Phrase("Nothing of the upload was applied."), Phrase("There is no need to.")
            )
        effects = effects_of(connection, one)
        if effects.sent and not keep_sent:
            faults = [
                Fault(peer, Phrase("%(n)s records were sent", n=f"{n:,}"), Phrase("They cannot be recalled"))
                for peer, n in effects.sent.items()
            ]
            raise RequestRefusedError(
                409,
                "records-sent",
                Phrase("Records of this upload were sent to partners already; nothing was undone."),
                Phrase("Choose to keep the records that were sent; the others are then removed."),
                faults,
            )
        kept = 0
        if one.kind == "product":
            kept = _remove_records(connection, one, now)
        for result_id in effects.results:
            remove_result(connection, node, result_id, one.created_by)
        outcome = {**(one.outcome or {}), "undone": {**effects.as_dict(), "kept": kept, "at": now.isoformat()}}
        one = store.step(connection, one, Step.UNDO, now, outcome=outcome)
        audit.note(connection, viewer, "import.undo", one.id, {**effects.as_dict(), "kept": kept}, request_id, now)
    return one


def _remove_records(connection: sa.Connection, one: Import, now: Any) -> int:
    """Remove the records that are still this upload's and were not sent; put back what they had replaced."""
    unsent = ~sa.exists(sa.select(decision.c.peer).where(_was_sent()))
    there = import_record.join(record, _still_there())
    total = sa.select(sa.func.count()).select_from(there).where(_mine(one))
    before = connection.execute(total).scalar_one()
    columns = (*import_record.c, record.c.body.label("body"))
    replaced = connection.execute(
        sa.select(*columns)
        .select_from(there)
        .where(_mine(one), unsent, import_record.c.replaced.is_not(None))
        .order_by(import_record.c.position)
    ).all()
    plain = sa.exists(
        sa.select(import_record.c.import_id).where(
            _mine(one), _still_there(), import_record.c.replaced.is_(None), unsent
        )
    ).correlate(record)
    removed = connection.execute(sa.delete(record).where(plain)).rowcount
    for at in range(0, len(replaced), _BATCH):
        _put_back(connection, replaced[at : at + _BATCH], now)
    return int(before - removed - len(replaced))


def _put_back(connection: sa.Connection, rows: Any, now: Any) -> None:
    for row in rows:
        where = sa.and_(record.c.source == row.source, record.c.dataset == row.dataset, record.c.id == row.record_id)
        if bytes(row.replaced) == bytes(row.body):  # only who may read it had changed
            connection.execute(sa.update(record).where(where).values(public=row.replaced_public))
            continue
        faults: list[Fault] = []
        ready = prepare(row.dataset, bytes(row.replaced), row.record_id, faults, row.replaced_known_at)
        if ready is None:
            raise StoreError(f"What record {row.record_id} had replaced cannot be read: {faults[0]}")
        connection.execute(sa.delete(record).where(where))
        put_prepared(
            connection,
            row.source,
            [ready],
            now,
            public=bool(row.replaced_public),
            simulated=bool(row.replaced_simulated),
        )
