"""Sessions of browsers: a cookie with 256 random bits, of which the database holds only the SHA-256.

They live in the database, so that they hold over workers and restarts and end everywhere at once. Each login makes a
new one; what a browser brought before it is ended, so nobody can be led into a session that somebody else knows.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from starlette.responses import Response

from sealane.database.tables.accounts import user_account, user_password, web_session
from sealane.node.settings import NodeSettings

TOUCH_EVERY = dt.timedelta(minutes=1)
KEEP_ENDED = dt.timedelta(days=30)


@dataclass(frozen=True)
class Session:
    """A session that is alive, with what is known of its owner.

    Attributes
    ----------
    csrf : what requests that change something must bring besides the cookie; not stored, told by the cookie.
    must_change : the owner has a temporary password.
    """

    id_hash: str
    user_id: str
    seen_at: dt.datetime
    csrf: str
    login: str
    name: str
    role: str
    language: str
    units: str
    theme: str
    must_change: bool


@dataclass(frozen=True)
class SessionRow:
    """A session as lists show it."""

    id_hash: str
    user_id: str
    login: str
    created_at: dt.datetime
    seen_at: dt.datetime
    expires_at: dt.datetime
    address: str
    agent: str
    ended_at: dt.datetime | None
    end_reason: str | None


def start_session(
    connection: sa.Connection, user_id: str, settings: NodeSettings, now: dt.datetime, address: str, agent: str
) -> str:
    """Begin a session and return the cookie's value, which nobody else ever sees."""
    text = secrets.token_urlsafe(32)
    printable = "".join(c for c in agent if c.isprintable())
    connection.execute(
        web_session.insert().values(
            id_hash=session_hash(text),
            user_id=user_id,
            created_at=now,
            seen_at=now,
            expires_at=now + dt.timedelta(hours=settings.session_hours),
            address=address[:45],
            agent=printable[:200],
        )
    )
    return text


def find_session(connection: sa.Connection, text: str, settings: NodeSettings, now: dt.datetime) -> Session | None:
    """Return the session of a cookie if it is alive: not ended, not past its end, not idle for too long."""
    if not 0 < len(text) <= 100:
        return None
    query = (
        sa.select(
            web_session,
            *(user_account.c[name] for name in ("login", "name", "role", "language", "units", "theme", "disabled_at")),
            user_password.c.temporary_until,
        )
        .join(user_account, user_account.c.id == web_session.c.user_id)
        .outerjoin(user_password, user_password.c.user_id == web_session.c.user_id)
        .where(web_session.c.id_hash == session_hash(text))
    )
    row = connection.execute(query).one_or_none()
    idle = dt.timedelta(minutes=settings.session_idle_minutes)
    if row is None or row.ended_at is not None or row.disabled_at is not None:
        return None
    if now >= row.expires_at or now - row.seen_at >= idle:
        return None
    return Session(
        id_hash=row.id_hash,
        user_id=row.user_id,
        seen_at=row.seen_at,
        csrf=csrf_token(text),
        login=row.login,
        name=row.name,
        role=row.role,
        language=row.language,
        units=row.units,
        theme=row.theme,
        must_change=row.temporary_until is not None,
    )


def touch(connection: sa.Connection, session: Session, now: dt.datetime) -> None:
    """Note that the session was used; the caller does so once in `TOUCH_EVERY`, not at every request."""
    alive = (web_session.c.id_hash == session.id_hash) & (web_session.c.seen_at < now)
    connection.execute(web_session.update().where(alive).values(seen_at=now))


def end_session(connection: sa.Connection, id_hash: str, reason: str, now: dt.datetime) -> bool:
    """End a session; returns whether it was alive."""
    alive = (web_session.c.id_hash == id_hash) & web_session.c.ended_at.is_(None)
    return connection.execute(web_session.update().where(alive).values(ended_at=now, end_reason=reason)).rowcount == 1


def end_others(connection: sa.Connection, user_id: str, kept: str | None, reason: str, now: dt.datetime) -> int:
    """End a person's sessions but one; returns how many."""
    others = (web_session.c.user_id == user_id) & web_session.c.ended_at.is_(None)
    if kept is not None:
        others &= web_session.c.id_hash != kept
    return connection.execute(web_session.update().where(others).values(ended_at=now, end_reason=reason)).rowcount


def list_sessions(
    connection: sa.Connection, settings: NodeSettings, now: dt.datetime, user_id: str | None = None
) -> list[SessionRow]:
    """Return the sessions that are alive, the latest used first.

    Parameters
    ----------
    user_id : only this person's.
    """
    idle = dt.timedelta(minutes=settings.session_idle_minutes)
    alive = web_session.c.ended_at.is_(None) & (web_session.c.expires_at > now) & (web_session.c.seen_at > now - idle)
    query = (
        sa.select(web_session, user_account.c.login)
        .join(user_account, user_account.c.id == web_session.c.user_id)
        .where(alive)
        .order_by(web_session.c.seen_at.desc())
    )
    if user_id is not None:
        query = query.where(web_session.c.user_id == user_id)
    return [SessionRow(**row) for row in connection.execute(query).mappings()]


def prune(connection: sa.Connection, now: dt.datetime) -> int:
    """Remove sessions that ended long ago; returns how many."""
    return connection.execute(web_session.delete().where(web_session.c.expires_at < now - KEEP_ENDED)).rowcount


def session_hash(text: str) -> str:
    """Return under which hash a session is stored; 256 random bits need neither salt nor stretching."""
    return hashlib.sha256(text.encode()).hexdigest()


def csrf_token(text: str) -> str:
    """Return the token that belongs to a cookie: a page of another origin can send the cookie, but not know this."""
    digest = hmac.new(text.encode(), b"sealane csrf", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_csrf_right(given: str | None, expected: str) -> bool:
    """Compare in a time that does not tell how much of it is right."""
    return bool(expected) and given is not None and hmac.compare_digest(given.encode(), expected.encode())


def cookie_name(settings: NodeSettings) -> str:
    """Return the name of the session's cookie."""
    return _named(settings, "sealane")


def form_cookie_name(settings: NodeSettings) -> str:
    """Return the name of the cookie that binds the login's form to the browser it was shown in."""
    return _named(settings, "sealane-form")


def provider_cookie_name(settings: NodeSettings) -> str:
    """Return the name of the cookie that binds a login at a provider to the browser in which it began."""
    return _named(settings, "sealane-provider")


def known_cookie_name(settings: NodeSettings) -> str:
    """Return the name of the cookie by which a browser is known that somebody has logged in with."""
    return _named(settings, "sealane-known")


def _named(settings: NodeSettings, name: str) -> str:
    # The prefix makes browsers refuse one that another host or plain http has set.
    return f"__Host-{name}" if is_https(settings) else name


def set_cookie(
    response: Response, settings: NodeSettings, text: str, name: str | None = None, seconds: int = 0
) -> None:
    """Give the browser a cookie, by default that of its session."""
    response.set_cookie(
        name or cookie_name(settings),
        text,
        max_age=seconds or settings.session_hours * 3600,
        path="/",
        secure=is_https(settings),
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, settings: NodeSettings, name: str | None = None) -> None:
    """Take a cookie back."""
    response.delete_cookie(
        name or cookie_name(settings), path="/", secure=is_https(settings), httponly=True, samesite="lax"
    )


def is_https(settings: NodeSettings) -> bool:
    """Return whether browsers reach the node by https."""
    return settings.origin.startswith("https:")
