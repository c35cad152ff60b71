"""The page of one's own account: name, password, language, units, colours, and where one is logged in."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from sealane.errors import InputError, Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.web.accounts import audit, sessions, users
from sealane.web.accounts.gate import Viewed, address_of, reading
from sealane.web.accounts.passwords import MIN_LENGTH, check_password, hash_password
from sealane.web.accounts.rate_limits import attempt, forgive
from sealane.web.accounts.roles import Role
from sealane.web.preferences import COOKIE as PREFERENCES
from sealane.web.rooms import Room

FREE_ATTEMPTS = 5
_YEAR_S = 365 * 86_400
SessionId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


class SessionShown(BaseModel):
    """A browser in which somebody is logged in; `mine` is the one that asks."""

    id: str
    login: str
    created_at: dt.datetime
    seen_at: dt.datetime
    expires_at: dt.datetime
    address: str
    agent: str
    mine: bool


class AccountPage(BaseModel):
    """One's own account. `provider` proves who it is; None where a password of this node does."""

    login: str
    name: str
    email: str | None
    role: Role
    language: str
    units: str
    theme: str
    provider: str | None
    must_change_password: bool
    min_length: int
    sessions: list[SessionShown]


class AccountChange(BaseModel):
    """What one may change of one's own account: never the role, nor the login."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=254, description="Empty takes it away.")
    language: str | None = Field(None, max_length=10)
    units: str | None = Field(None, max_length=10)
    theme: str | None = Field(None, max_length=10)


class PasswordChange(BaseModel):
    """A new password and the one it takes the place of."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    present: str = Field(max_length=1000)
    new: str = Field(max_length=1000)


def room(node: Node) -> Room:
    """Return one's own account."""
    room = Room("account", node)
    settings = node.settings

    @room.view("/account", "login/account.html.j2")
    def account(viewer: Viewed) -> AccountPage:
        """One's own account, and where one is logged in."""
        user_id = _person(viewer.user_id)
        with reading(node, viewer) as connection:
            user = users.get_user(connection, user_id)
            alive = sessions.list_sessions(connection, settings, node.clock(), user_id)
        return AccountPage(
            login=user.login,
            name=user.name,
            email=user.email,
            role=user.role,
            language=user.language,
            units=user.units,
            theme=user.theme,
            provider=user.oidc_issuer,
            must_change_password=viewer.must_change_password,
            min_length=MIN_LENGTH,
            sessions=[shown_session(row, viewer.session_id_hash) for row in alive],
        )

    @room.action("PATCH", "/account", status=204)
    def change(viewer: Viewed, body: AccountChange, request: Request, response: Response) -> None:
        """Change one's own name, e-mail address and choices."""
        now, user_id = node.clock(), _person(viewer.user_id)
        wanted = {name: value for name, value in body.model_dump().items() if value is not None}
        if "email" in wanted:
            wanted["email"] = wanted["email"].strip() or None
        with node.database.write() as connection:
            user = users.change_user(connection, user_id, now, **wanted)
            audit.note(connection, viewer, "account.change", viewer.login, wanted, request.state.request_id, now)
        # This browser shows it at once, whatever was chosen in it before.
        choices = f"{user.language}.{user.units}.{user.theme}"
        sessions.set_cookie(response, settings, choices, PREFERENCES, _YEAR_S)

    @room.action("POST", "/account/password", status=204, secret=True)
    def password(viewer: Viewed, body: PasswordChange, request: Request, response: Response) -> None:
        """Choose another password; every other browser must log in again."""
        now, user_id = node.clock(), _person(viewer.user_id)
        bucket = f"password:{user_id}"
        with node.database.write() as connection:
            allowed = attempt(connection, bucket, FREE_ATTEMPTS, now)
        if not allowed:
            raise RequestRefusedError(
                429,
                "too-many-failures",
                Phrase("Too many attempts failed."),
                Phrase("Wait."),
                retry_after_s=allowed.retry_after_s,
            )
        with node.database.read() as connection:
            user = users.get_user(connection, user_id)
            stored = users.password_row(connection, user)
        if users.prove(user, stored, body.present, now) is None:
            raise InputError(Phrase("The present password is not right."))
        with node.database.write() as connection:
            forgive(connection, bucket)  # a new password that is refused below is no failed attempt
        if body.new == body.present:
            raise InputError(Phrase("The new password is the present one. Choose another."))
        check_password(body.new, user.login, user.name, settings.name)
        hashed = hash_password(body.new)
        with node.database.write() as connection:
            users.set_password(connection, user_id, hashed, now)
            sessions.end_others(connection, user_id, None, "password changed", now)
            text = sessions.start_session(
                connection, user_id, settings, now, address_of(request, settings), request.headers.get("user-agent", "")
            )
            audit.note(connection, viewer, "account.password", viewer.login, {}, request.state.request_id, now)
        sessions.set_cookie(response, settings, text)

    @room.action("DELETE", "/account/sessions/{session_id}", status=204)
    def end(viewer: Viewed, session_id: SessionId, request: Request) -> None:
        """End one's own session in another browser."""
        now, user_id = node.clock(), _person(viewer.user_id)
        with reading(node, viewer) as connection:
            mine = {row.id_hash for row in sessions.list_sessions(connection, settings, now, user_id)}
        if session_id not in mine:
            raise no_such_session()
        with node.database.write() as connection:
            sessions.end_session(connection, session_id, "ended by its owner", now)
            audit.note(connection, viewer, "session.end", session_id[:12], {}, request.state.request_id, now)

    return room


def shown_session(row: sessions.SessionRow, mine: str | None) -> SessionShown:
    """Return a session as pages show it. Its id is a hash from which the cookie cannot be told."""
    return SessionShown(
        id=row.id_hash,
        login=row.login,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        address=row.address,
        agent=row.agent,
        mine=row.id_hash == mine,
    )


def no_such_session() -> RequestRefusedError:
    """The same answer for a session that has ended and for another person's."""
    return RequestRefusedError(404, "no-session", Phrase("There is no such session."), Phrase("Load the page again."))


def _person(user_id: str | None) -> str:
    if user_id is None:  # the table of access lets only people in
        raise RequestRefusedError(403, "role", Phrase("Only a person has an account."), Phrase("Log in."))
    return user_id
