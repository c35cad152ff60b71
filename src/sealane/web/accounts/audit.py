"""What people did, for those who must answer for it. Entries are never changed or removed; the database refuses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sealane.database.tables.accounts import audit_entry

if TYPE_CHECKING:
    from sealane.web.accounts.gate import Viewer

PAGE = 100
COLUMNS = ("id", "at", "actor", "role", "action", "object", "details", "request_id")
BATCH_ROWS = 1000


@dataclass(frozen=True)
class AuditEntry:
    """One thing somebody did.

    Attributes
    ----------
    actor : login, name of a token, or ``command line: ACCOUNT``.
    object : what it was done to, for instance a login or the id of an import.
    """

    id: int
    at: dt.datetime
    user_id: str | None
    actor: str
    role: str
    action: str
    object: str
    details: Mapping[str, Any]
    request_id: str | None


@dataclass(frozen=True)
class AuditFilter:
    """Which entries to show; None is any."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    begins_at: dt.datetime | None = None
    ends_at: dt.datetime | None = None  # exclusive

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """Yield the conditions of a query."""
        columns = audit_entry.c
        if self.actor:
            yield columns.actor == self.actor
        if self.action:
            yield columns.action == self.action
        if self.object:
            yield columns.object.contains(self.object, autoescape=True)
        if self.begins_at:
            yield columns.at >= self.begins_at
        if self.ends_at:
            yield columns.at < self.ends_at


def note(
    connection: sa.Connection,
    viewer: Viewer,
    action: str,
    object: str,  # the column's and the page's name
    details: Mapping[str, Any] | None,
    request_id: str | None,
    now: dt.datetime,
) -> None:
    """Write an entry in the transaction of what it speaks of, so that neither stands without the other.

    Parameters
    ----------
    action : verb and noun in lower case with a dot, for instance ``import.apply``.
    details : JSON values; never a password, a token or a partner's data.
    """
    note_for(connection, viewer.user_id, viewer.login, viewer.token_role or viewer.role, action, object, details,
             request_id, now)  # fmt: skip


def note_for(
    connection: sa.Connection,
    user_id: str | None,
    actor: str,
    role: str,
    action: str,
    object: str,
    details: Mapping[str, Any] | None,
    request_id: str | None,
    now: dt.datetime,
) -> None:
    """Write an entry for who is no viewer: a failed login, the command line."""
    connection.execute(
        audit_entry.insert().values(
            at=now,
            user_id=user_id,
            actor=actor[:300],
            role=role,
            action=action,
            object=object[:300],
            details=dict(details or {}),
            request_id=request_id,
        )
    )


def list_entries(
    connection: sa.Connection, wanted: AuditFilter, before: int | None = None, limit: int = PAGE
) -> list[AuditEntry]:
    """Return entries, newest first.

    Parameters
    ----------
    before : id of the last entry of the page before.
    """
    query = sa.select(audit_entry).where(*wanted.conditions()).order_by(audit_entry.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(audit_entry.c.id < before)
    return [AuditEntry(**row) for row in connection.execute(query).mappings()]


def all_entries(connection: sa.Connection, wanted: AuditFilter) -> Iterator[AuditEntry]:
    """Yield every entry that fits, newest first, in pieces."""
    before = None
    while found := list_entries(connection, wanted, before, BATCH_ROWS):
        yield from found
        before = found[-1].id


def known_actions(connection: sa.Connection) -> list[str]:
    """Return the actions that occur."""
    return list(connection.execute(sa.select(audit_entry.c.action).distinct().order_by(audit_entry.c.action)).scalars())
