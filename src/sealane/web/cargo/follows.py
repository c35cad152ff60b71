"""What people follow: kept by person, and what came since a person was last told."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.alerts import cargo_follow as table
from sealane.database.tables.products import record
from sealane.errors import Phrase, RequestRefusedError
from sealane.exchange.held_back import held_back_by
from sealane.products.cargo import timeline
from sealane.products.cargo_entries import CargoEntry
from sealane.products.catalogue import DATASETS
from sealane.web.accounts.gate import Viewer
from sealane.web.cargo.models import CargoKind, FollowShown
from sealane.web.cargo.references import concerns_since, count_since, key_of, path_of

MAX_FOLLOWS = 200
_PIECE = 500


@dataclass(frozen=True)
class NewMilestones:
    """What came about a reference since the person was last told.

    Attributes
    ----------
    entries : milestones of records behind the position last seen, by time.
    position : newest record among them; what is seen once they are told.
    path : page of the reference.
    """

    follow_id: str
    user_id: str
    kind: CargoKind
    reference: str
    entries: tuple[CargoEntry, ...]
    position: int
    path: str


def new_milestones(connection: sa.Connection, follow: sa.Row[Any]) -> NewMilestones:
    """Return what came about a followed reference since its person was last told.

    Parameters
    ----------
    follow : a row of the table ``cargo_follow``.
    """
    kind = CargoKind(follow.kind)
    found: tuple[CargoEntry, ...] = ()
    position = int(follow.seen_position)
    if concerns_since(connection, kind, follow.reference, position):
        whole = timeline(connection, key_of(kind, follow.reference), held_back_by(connection, DATASETS))
        behind = _positions(connection, whole.entries, position)
        found = tuple(e for e in whole.entries if _identity(e) in behind)
        position = max(behind.values(), default=position)
    return NewMilestones(
        follow.id, follow.user_id, kind, follow.reference, found, position, path_of(kind, follow.reference)
    )


def mark_seen(connection: sa.Connection, follow_id: str, position: int) -> None:
    """Note that a person was told of everything up to a position; never takes it back."""
    connection.execute(
        table.update().where(table.c.id == follow_id, table.c.seen_position < position).values(seen_position=position)
    )


def all_follows(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Return every follow, oldest first; for the job that tells people."""
    return list(connection.execute(sa.select(table).order_by(table.c.created_at, table.c.id)).all())


def newest_position(connection: sa.Connection) -> int:
    """Return the position of the newest record."""
    return connection.scalar(sa.select(sa.func.max(record.c.position))) or 0


def _identity(entry: CargoEntry) -> tuple[str, str, str]:
    came = entry.provenance
    return came.source, came.dataset, came.record_id


def _positions(
    connection: sa.Connection, entries: tuple[CargoEntry, ...], after: int
) -> dict[tuple[str, str, str], int]:
    """Return the positions of the entries' records that lie behind a position."""
    wanted = {_identity(entry) for entry in entries}
    ids = sorted({identity[2] for identity in wanted})
    found: dict[tuple[str, str, str], int] = {}
    for begin in range(0, len(ids), _PIECE):
        rows = connection.execute(
            sa.select(record.c.source, record.c.dataset, record.c.id, record.c.position).where(
                record.c.id.in_(ids[begin : begin + _PIECE]), record.c.position > after
            )
        )
        found |= {(r.source, r.dataset, r.id): r.position for r in rows if (r.source, r.dataset, r.id) in wanted}
    return found


def follow(
    connection: sa.Connection, viewer: Viewer, kind: CargoKind, reference: str, now: dt.datetime
) -> tuple[str, bool]:
    """Follow a reference from now on; return the follow's id and whether it is new. Twice is once.

    Parameters
    ----------
    reference : in its one spelling, as `reference_of` gives it.

    Raises
    ------
    RequestRefusedError
        403 for who is no person; 409 beyond so many follows.
    """
    if viewer.user_id is None:
        raise RequestRefusedError(403, "no-person", Phrase("Only a person can follow cargo."), Phrase("Log in."))
    known = follow_of(connection, viewer, kind, reference)
    if known is not None:
        return known, False
    mine = sa.select(sa.func.count()).where(table.c.user_id == viewer.user_id)
    if (connection.scalar(mine) or 0) >= MAX_FOLLOWS:
        raise RequestRefusedError(
            409,
            "too-many-follows",
            Phrase("You follow %(max_follows)s references already.", max_follows=MAX_FOLLOWS),
            Phrase("Let some of them go first."),
        )
    row = {
        "id": str(uuid.uuid4()),
        "user_id": viewer.user_id,
        "kind": kind.value,
        "reference": reference,
        "seen_position": newest_position(connection),
        "created_at": now,
    }
    connection.execute(table.insert().values(**row))
    return str(row["id"]), True


def unfollow(connection: sa.Connection, viewer: Viewer, follow_id: str) -> tuple[str, str]:
    """Let a reference go; return its kind and text. Another person's follow is not there."""
    mine = (table.c.id == follow_id, table.c.user_id == viewer.user_id)
    row = connection.execute(sa.select(table.c.kind, table.c.reference).where(*mine)).one_or_none()
    if viewer.user_id is None or row is None:
        raise RequestRefusedError(
            404, "unknown-follow", Phrase("You do not follow this."), Phrase("The page Cargo lists what you follow.")
        )
    connection.execute(table.delete().where(*mine))
    return row.kind, row.reference


def follow_of(connection: sa.Connection, viewer: Viewer, kind: CargoKind, reference: str) -> str | None:
    """Return the id of the person's follow of a reference, or None."""
    if viewer.user_id is None:
        return None
    found: str | None = connection.scalar(
        sa.select(table.c.id).where(
            table.c.user_id == viewer.user_id, table.c.kind == kind.value, table.c.reference == reference
        )
    )
    return found


def follows_shown(connection: sa.Connection, viewer: Viewer) -> list[FollowShown]:
    """Return what a person follows, newest first, with how many records came since the person was last told."""
    if viewer.user_id is None:
        return []
    rows = connection.execute(
        sa.select(table).where(table.c.user_id == viewer.user_id).order_by(table.c.created_at.desc(), table.c.id)
    )
    return [
        FollowShown(
            id=row.id,
            kind=CargoKind(row.kind),
            reference=row.reference,
            path=path_of(CargoKind(row.kind), row.reference),
            new=count_since(connection, CargoKind(row.kind), row.reference, row.seen_position),
            since=row.created_at,
        )
        for row in rows.all()
    ]
