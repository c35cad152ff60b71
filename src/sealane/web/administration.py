"""Administration: people and their roles, tokens of the port's systems, sessions, the audit, the table of access."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from sealane.errors import InputError, Phrase, RequestRefusedError
from sealane.node.api_tokens import ROLES, create_token, list_tokens, revoke_token
from sealane.node.context import Node
from sealane.spreadsheet_text import inert
from sealane.web.accounts import audit, sessions, users
from sealane.web.accounts.account import SessionId, SessionShown, no_such_session, shown_session
from sealane.web.accounts.gate import Viewed, reading
from sealane.web.accounts.passwords import hash_password, temporary_password
from sealane.web.accounts.roles import COLUMNS, PEOPLE, Role, access_table
from sealane.web.rooms import Room

_CSV = "text/csv; charset=utf-8"
UserId = Annotated[str, Path(max_length=36, pattern="^[0-9a-f-]{36}$")]
Text = Annotated[str | None, Query(max_length=300)]


class UserShown(BaseModel):
    """A person's account as the administrator sees it."""

    id: str
    login: str
    name: str
    email: str | None
    role: Role
    provider: str | None
    created_at: dt.datetime
    disabled_at: dt.datetime | None
    last_login_at: dt.datetime | None


class UsersPage(BaseModel):
    """All accounts, by login."""

    users: list[UserShown]
    roles: list[Role]
    me: str | None


class NewUser(BaseModel):
    """A person who shall have an account."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field(max_length=100)
    name: str = Field(max_length=200)
    role: Role
    email: str | None = Field(None, max_length=254)
    language: str = Field("en", max_length=10)


class UserChange(BaseModel):
    """What an administrator changes of an account; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=254, description="Empty takes it away.")
    role: Role | None = None
    disabled: bool | None = None


class TemporaryPassword(BaseModel):
    """A password to hand over; it is shown this once and works until it is changed or `until` is past."""

    id: str
    login: str
    password: str
    until: dt.datetime


class TokenShown(BaseModel):
    """A token of one of the port's systems, without its text. ``state``: works, expired or revoked."""

    id: str
    name: str
    role: str
    state: str
    created_at: dt.datetime
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None


class TokensPage(BaseModel):
    """All tokens, oldest first."""

    tokens: list[TokenShown]
    roles: list[str]


class NewToken(BaseModel):
    """A system that shall have a token."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    role: str = Field(max_length=20)
    days: int | None = Field(None, ge=1, le=3650, description="How long it works; omitted: until it is revoked.")


class TokenMade(BaseModel):
    """A new token with its text, which is shown this once."""

    id: str
    name: str
    role: str
    token: str
    expires_at: dt.datetime | None


class SessionsPage(BaseModel):
    """Where people are logged in, the latest used first."""

    sessions: list[SessionShown]


class AuditShown(BaseModel):
    """One thing somebody did."""

    id: int
    at: dt.datetime
    actor: str
    role: str
    action: str
    object: str
    details: dict[str, Any]
    request_id: str | None


class AuditPage(BaseModel):
    """What people did, newest first; `after` leads to the next page."""

    entries: list[AuditShown]
    actions: list[str]
    actor: str | None
    action: str | None
    object: str | None
    begins: dt.date | None
    ends: dt.date | None
    after: int | None


class AccessShown(BaseModel):
    """Who may use one endpoint; ``guests``: they may only where the setting lets them in."""

    method: str
    path: str
    allowed: list[str]
    guests: bool
    why: str


class AccessPage(BaseModel):
    """The one declared table of access."""

    columns: list[str]
    rows: list[AccessShown]


def room(node: Node) -> Room:
    """Return the administration."""
    room = Room("administration", node)
    _people(room, node)
    _tokens(room, node)
    _sessions(room, node)
    _audit(room, node)

    @room.view("/administration/access", "administration/access.html.j2")
    def access(viewer: Viewed) -> AccessPage:
        """Who may use which endpoint."""
        rows = [
            AccessShown(
                method=row.method,
                path=row.path,
                allowed=[column for column in COLUMNS if column in row.allowed],
                guests=row.if_guests,
                why=row.why,
            )
            for row in access_table().values()
        ]
        return AccessPage(columns=list(COLUMNS), rows=rows)

    return room


def _people(room: Room, node: Node) -> None:
    @room.view("/administration", "administration/people.html.j2")
    def people(viewer: Viewed) -> UsersPage:
        """People and their roles."""
        with reading(node, viewer) as connection:
            found = users.list_users(connection)
        shown = [
            UserShown(
                id=user.id,
                login=user.login,
                name=user.name,
                email=user.email,
                role=user.role,
                provider=user.oidc_issuer,
                created_at=user.created_at,
                disabled_at=user.disabled_at,
                last_login_at=user.last_login_at,
            )
            for user in found
        ]
        return UsersPage(users=shown, roles=list(PEOPLE), me=viewer.user_id)

    @room.action("POST", "/administration/users", status=201, secret=True)
    def add(viewer: Viewed, body: NewUser, request: Request) -> TemporaryPassword:
        """Make an account with a temporary password."""
        now = node.clock()
        password = temporary_password()
        hashed = hash_password(password)
        with node.database.write() as connection:
            user = users.add_user(
                connection,
                login=body.login,
                name=body.name,
                role=body.role,
                now=now,
                email=(body.email or "").strip() or None,
                language=body.language,
            )
            until = users.give_temporary_password(connection, user.id, hashed, now)
            made = {"role": user.role}
            audit.note(connection, viewer, "user.add", user.login, made, request.state.request_id, now)
        return TemporaryPassword(id=user.id, login=user.login, password=password, until=until)

    @room.action("PATCH", "/administration/users/{user_id}", status=204)
    def change(viewer: Viewed, user_id: UserId, body: UserChange, request: Request) -> None:
        """Change a person's name, e-mail address or role, or let the person in no more."""
        now = node.clock()
        wanted = {name: value for name, value in body.model_dump().items() if value is not None}
        if "email" in wanted:
            wanted["email"] = wanted["email"].strip() or None
        with node.database.write() as connection:
            before = _known_user(connection, user_id)
            after = users.change_user(connection, user_id, now, **wanted)
            told = {**wanted, **({"role": {"from": before.role, "to": after.role}} if "role" in wanted else {})}
            audit.note(connection, viewer, "user.change", after.login, told, request.state.request_id, now)

    @room.action("POST", "/administration/users/{user_id}/password", secret=True)
    def password(viewer: Viewed, user_id: UserId, request: Request) -> TemporaryPassword:
        """Give a person a temporary password; the person's sessions end."""
        now = node.clock()
        text = temporary_password()
        hashed = hash_password(text)
        with node.database.write() as connection:
            user = _known_user(connection, user_id)
            until = users.give_temporary_password(connection, user_id, hashed, now)
            audit.note(connection, viewer, "user.password", user.login, {}, request.state.request_id, now)
        return TemporaryPassword(id=user.id, login=user.login, password=text, until=until)


def _tokens(room: Room, node: Node) -> None:
    @room.view("/administration/tokens", "administration/tokens.html.j2")
    def tokens(viewer: Viewed) -> TokensPage:
        """Tokens of the port's systems, without their text."""
        now = node.clock()
        with reading(node, viewer) as connection:
            found = list_tokens(connection)
        shown = [
            TokenShown(
                id=token.id,
                name=token.name,
                role=token.role,
                state="works" if token.works_at(now) else ("revoked" if token.revoked_at else "expired"),
                created_at=token.created_at,
                expires_at=token.expires_at,
                revoked_at=token.revoked_at,
            )
            for token in found
        ]
        return TokensPage(tokens=shown, roles=list(ROLES))

    @room.action("POST", "/administration/tokens", status=201, secret=True)
    def make(viewer: Viewed, body: NewToken, request: Request) -> TokenMade:
        """Make a token for one of the port's systems."""
        now = node.clock()
        until = None if body.days is None else now + dt.timedelta(days=body.days)
        with node.database.write() as connection:
            token, text = create_token(connection, body.name, body.role, now, until)
            made = {"id": token.id, "role": token.role}
            audit.note(connection, viewer, "token.create", token.name, made, request.state.request_id, now)
        return TokenMade(id=token.id, name=token.name, role=token.role, token=text, expires_at=until)

    @room.action("DELETE", "/administration/tokens/{token_id}", status=204)
    def revoke(viewer: Viewed, token_id: UserId, request: Request) -> None:
        """End a token at once."""
        now = node.clock()
        with node.database.write() as connection:
            try:
                revoke_token(connection, token_id, now)
            except InputError:
                raise RequestRefusedError(
                    404, "no-token", Phrase("There is no such token that works."), Phrase("Load again.")
                ) from None
            audit.note(connection, viewer, "token.revoke", token_id, {}, request.state.request_id, now)


def _sessions(room: Room, node: Node) -> None:
    @room.view("/administration/sessions", "administration/sessions.html.j2")
    def alive(viewer: Viewed) -> SessionsPage:
        """Who is logged in, and where."""
        with reading(node, viewer) as connection:
            found = sessions.list_sessions(connection, node.settings, node.clock())
        return SessionsPage(sessions=[shown_session(row, viewer.session_id_hash) for row in found])

    @room.action("DELETE", "/administration/sessions/{session_id}", status=204)
    def end(viewer: Viewed, session_id: SessionId, request: Request) -> None:
        """End somebody's session."""
        now = node.clock()
        with node.database.write() as connection:
            if not sessions.end_session(connection, session_id, "ended by an administrator", now):
                raise no_such_session()
            audit.note(connection, viewer, "session.end", session_id[:12], {}, request.state.request_id, now)


def _audit(room: Room, node: Node) -> None:
    @room.view("/administration/audit", "administration/audit.html.j2")
    def entries(
        viewer: Viewed,
        actor: Text = None,
        action: Text = None,
        object: Text = None,
        begins: dt.date | None = None,
        ends: dt.date | None = None,
        after: Annotated[int | None, Query(ge=1)] = None,
    ) -> AuditPage:
        """What people did, newest first; days are UTC, the last one included."""
        wanted = _filter(actor, action, object, begins, ends)
        with reading(node, viewer) as connection:
            found = audit.list_entries(connection, wanted, after, audit.PAGE + 1)
            actions = audit.known_actions(connection)
        shown = [_shown(entry) for entry in found[: audit.PAGE]]
        return AuditPage(
            entries=shown,
            actions=actions,
            actor=actor or None,
            action=action or None,
            object=object or None,
            begins=begins,
            ends=ends,
            after=shown[-1].id if len(found) > audit.PAGE else None,
        )

    @room.stream("/administration/audit.csv", _CSV)
    def export(
        viewer: Viewed,
        request: Request,
        actor: Text = None,
        action: Text = None,
        object: Text = None,
        begins: dt.date | None = None,
        ends: dt.date | None = None,
    ) -> StreamingResponse:
        """What people did, as CSV; no cell of it is a formula."""
        wanted = _filter(actor, action, object, begins, ends)
        now = node.clock()
        with node.database.write() as connection:
            asked = {name: value for name, value in request.query_params.items() if value}
            audit.note(connection, viewer, "audit.export", "audit", asked, request.state.request_id, now)

        def lines() -> Iterator[str]:
            yield "\ufeff" + _line(audit.COLUMNS)
            with reading(node, viewer) as connection:
                for entry in audit.all_entries(connection, wanted):
                    yield _line(_cells(entry))

        name = f'attachment; filename="audit-{now:%Y-%m-%d}.csv"'
        return StreamingResponse(lines(), media_type=_CSV, headers={"Content-Disposition": name})


def _filter(
    actor: str | None, action: str | None, object_: str | None, begins: dt.date | None, ends: dt.date | None
) -> audit.AuditFilter:
    day = dt.timedelta(days=1)
    try:
        begins_at = None if begins is None else dt.datetime.combine(begins, dt.time(), dt.UTC)
        ends_at = None if ends is None else dt.datetime.combine(ends, dt.time(), dt.UTC) + day
    except OverflowError:
        raise InputError(Phrase("ends: is no day that anything is known of.")) from None
    return audit.AuditFilter(actor or None, action or None, object_ or None, begins_at, ends_at)


def _shown(entry: audit.AuditEntry) -> AuditShown:
    return AuditShown(**{name: getattr(entry, name) for name in audit.COLUMNS})


def _cells(entry: audit.AuditEntry) -> list[str]:
    details = json.dumps(entry.details, ensure_ascii=False, sort_keys=True)
    at = entry.at.isoformat().replace("+00:00", "Z")
    cells = (str(entry.id), at, entry.actor, entry.role, entry.action, entry.object, details, entry.request_id or "")
    return [inert(cell) for cell in cells]


def _line(cells: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _known_user(connection: Any, user_id: str) -> users.User:
    try:
        return users.get_user(connection, user_id)
    except InputError:
        raise RequestRefusedError(
            404, "no-user", Phrase("There is no such account."), Phrase("Load the page again.")
        ) from None
