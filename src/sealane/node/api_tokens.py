"""Tokens for the port's own systems: feeds, readers, operators, monitoring. Only their hashes are stored.

A token is 32 random bytes, so that its SHA-256 needs neither salt nor stretching.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sealane.database.tables.identity import api_token
from sealane.errors import InputError

PREFIX = "sealane_"
ROLES = {
    "feed": "may write records of the port's own data products",
    "reader": "may read what the node holds, own and received",
    "operator": "may do both, and see partners, streams and metrics",
    "monitor": "may read metrics",
}


@dataclass(frozen=True)
class ApiToken:
    """A token as the node knows it.

    Attributes
    ----------
    expires_at, revoked_at : None where it has not.
    """

    id: str
    name: str
    role: str
    created_at: dt.datetime
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None

    def works_at(self, now: dt.datetime) -> bool:
        """Say whether the token is accepted now."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def create_token(
    connection: sa.Connection, name: str, role: str, now: dt.datetime, expires_at: dt.datetime | None = None
) -> tuple[ApiToken, str]:
    """Make a token and return it with its text, which is shown this once and never again.

    Raises
    ------
    InputError
        If the role is unknown, the name empty, or the end not in the future.
    """
    if role not in ROLES:
        raise InputError(f"The role {role!r} is not known. Use one of {', '.join(ROLES)}.")
    if not name.strip() or len(name) > 200:
        raise InputError("A token needs a name of 1 to 200 characters: which system is it for?")
    if expires_at is not None and expires_at <= now:
        raise InputError(f"The token would end at {expires_at.isoformat()}, which is past. Give a time to come.")
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(str(uuid.uuid4()), name.strip(), role, now, expires_at, None)
    connection.execute(
        api_token.insert().values(
            id=token.id, name=token.name, role=role, hash=token_hash(text), created_at=now, expires_at=expires_at
        )
    )
    return token, text


def find_token(connection: sa.Connection, text: str, now: dt.datetime) -> ApiToken | None:
    """Return the token of this text if it is accepted now."""
    row = connection.execute(sa.select(api_token).where(api_token.c.hash == token_hash(text))).one_or_none()
    token = None if row is None else _token(row)
    return token if token is not None and token.works_at(now) else None


def list_tokens(connection: sa.Connection) -> list[ApiToken]:
    """Return every token that was ever made, oldest first."""
    return [_token(row) for row in connection.execute(sa.select(api_token).order_by(api_token.c.created_at))]


def revoke_token(connection: sa.Connection, token_id: str, now: dt.datetime) -> None:
    """End a token.

    Raises
    ------
    InputError
        If there is none of that id, or it was revoked before.
    """
    active = (api_token.c.id == token_id) & api_token.c.revoked_at.is_(None)
    if connection.execute(api_token.update().where(active).values(revoked_at=now)).rowcount != 1:
        raise InputError(f"{token_id}: no such token that works. `sealane node token list` prints all of them.")


def shown_roles(roles: Sequence[str]) -> str:
    """Return roles as a message names them."""
    return " or ".join(roles)


def _token(row: sa.Row[tuple[object, ...]]) -> ApiToken:
    return ApiToken(row.id, row.name, row.role, row.created_at, row.expires_at, row.revoked_at)


def token_hash(text: str) -> str:
    """Return the hash under which a token is stored."""
    return hashlib.sha256(text.encode()).hexdigest()
