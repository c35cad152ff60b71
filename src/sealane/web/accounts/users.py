"""People's accounts: made, found, changed, disabled. An account is never removed; what its owner did stays told."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import uuid
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.accounts import known_browser, user_account, user_password, web_session
from sealane.errors import DataError, Fault, InputError, Phrase
from sealane.web.accounts.passwords import hash_password, needs_rehash, verify_password
from sealane.web.accounts.roles import PEOPLE, Role
from sealane.web.formats import UNIT_CHOICES
from sealane.web.preferences import THEMES
from sealane.web.words import LANGUAGES

TEMPORARY_FOR = dt.timedelta(hours=72)
KNOWN_FOR = dt.timedelta(days=90)
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,98}[a-z0-9])?")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9.-]{1,190}")


@dataclass(frozen=True)
class User:
    """A person's account.

    Attributes
    ----------
    login : what the person types, lower case.
    units, theme : choices of the pages.
    oidc_issuer, oidc_subject : the provider that proves who it is; both None where the node does, by a password.
    """

    id: str
    login: str
    name: str
    email: str | None
    role: Role
    language: str
    units: str
    theme: str
    oidc_issuer: str | None
    oidc_subject: str | None
    created_at: dt.datetime
    disabled_at: dt.datetime | None
    last_login_at: dt.datetime | None


@dataclass(frozen=True)
class Proof:
    """What came of a password.

    Attributes
    ----------
    must_change : it was a temporary one.
    """

    user: User
    must_change: bool


def read_login(text: str) -> str:
    """Return a login as it is stored: the same letters however they were typed."""
    return unicodedata.normalize("NFKC", text).strip().lower()


def is_login(text: str) -> bool:
    """Return whether a text can be a login."""
    return _LOGIN.fullmatch(text) is not None


def add_user(
    connection: sa.Connection,
    *,
    login: str,
    name: str,
    role: str,
    now: dt.datetime,
    email: str | None = None,
    language: str = "en",
    units: str = "metric",
    oidc: tuple[str, str] | None = None,
) -> User:
    """Make an account, without a password yet.

    Raises
    ------
    DataError
        With every fault, also when the login is taken.
    """
    login = read_login(login)
    values = {"name": name.strip(), "role": role, "email": email or None, "language": language, "units": units}
    faults = _faults(values)
    if not is_login(login):
        remedy = Phrase("Use 1 to 100 letters a to z, digits and . _ @ + - between them.")
        faults.insert(0, Fault("login", Phrase("%(login)s cannot be one", login=repr(login)), remedy))
    elif find_by_login(connection, login) is not None:
        faults.insert(
            0,
            Fault(
                "login",
                Phrase("%(login)s is taken", login=login),
                Phrase("Choose another, or enable that account again."),
            ),
        )
    if faults:
        raise DataError(Phrase("The account cannot be made."), faults)
    issuer, subject = oidc or (None, None)
    row = {"id": str(uuid.uuid4()), "login": login, "theme": "system", "created_at": now, **values}
    connection.execute(user_account.insert().values(**row, oidc_issuer=issuer, oidc_subject=subject))
    return get_user(connection, str(row["id"]))


def change_user(
    connection: sa.Connection, user_id: str, now: dt.datetime, *, must_keep_administrator: bool = True, **changes: Any
) -> User:
    """Change name, e-mail, role, language, units, theme, or ``disabled``; another role ends the person's sessions.

    Parameters
    ----------
    must_keep_administrator : refuse to take the role of the last one away.

    Raises
    ------
    DataError
        With every value that is not allowed; also when no administrator would be left.
    InputError
        When there is no such account.
    """
    before = get_user(connection, user_id)
    disabled = changes.pop("disabled", None)
    faults = _faults(changes)
    loses = (changes.get("role", before.role) != Role.ADMINISTRATOR or disabled) and before.role == Role.ADMINISTRATOR
    if must_keep_administrator and loses and before.disabled_at is None and _administrators(connection) == {user_id}:
        faults.append(
            Fault(
                "role",
                Phrase("%(login)s is the last administrator", login=before.login),
                Phrase("Make another one first."),
            )
        )
    if faults:
        raise DataError(Phrase("The account cannot be changed."), faults)
    if disabled is not None:
        changes["disabled_at"] = (before.disabled_at or now) if disabled else None
    if changes:
        connection.execute(user_account.update().where(user_account.c.id == user_id).values(**changes))
    if changes.get("role", before.role) != before.role:
        _end_sessions(connection, user_id, "role changed", now)
    if disabled:
        _end_sessions(connection, user_id, "account disabled", now)
    return get_user(connection, user_id)


def get_user(connection: sa.Connection, user_id: str) -> User:
    """Return an account.

    Raises
    ------
    InputError
        When there is none of that id.
    """
    row = connection.execute(sa.select(user_account).where(user_account.c.id == user_id)).mappings().one_or_none()
    if row is None:
        raise InputError(Phrase("There is no account %(user_id)s.", user_id=user_id))
    return _user(row)


def find_by_login(connection: sa.Connection, login: str) -> User | None:
    """Return the account of a login."""
    login = read_login(login)
    if not is_login(login):  # nobody has it, and PostgreSQL takes not every text to compare with
        return None
    found = connection.execute(sa.select(user_account).where(user_account.c.login == login))
    row = found.mappings().one_or_none()
    return None if row is None else _user(row)


def find_by_subject(connection: sa.Connection, issuer: str, subject: str) -> User | None:
    """Return the account that a provider vouches for."""
    fits = (user_account.c.oidc_issuer == issuer) & (user_account.c.oidc_subject == subject)
    row = connection.execute(sa.select(user_account).where(fits)).mappings().one_or_none()
    return None if row is None else _user(row)


def list_users(connection: sa.Connection) -> list[User]:
    """Return every account by login."""
    rows = connection.execute(sa.select(user_account).order_by(user_account.c.login)).mappings()
    return [_user(row) for row in rows]


def set_password(connection: sa.Connection, user_id: str, hashed: str, now: dt.datetime) -> None:
    """Store the hash of a password the person chose; it has been checked and hashed before the transaction."""
    _store_password(connection, user_id, hashed, now, None)


def give_temporary_password(connection: sa.Connection, user_id: str, hashed: str, now: dt.datetime) -> dt.datetime:
    """Store the hash of a password to be changed at the first login; sessions end. Returns until when it works.

    Raises
    ------
    InputError
        When a provider vouches for the account: it has no password here.
    """
    user = get_user(connection, user_id)
    if user.oidc_issuer is not None:
        raise InputError(
            Phrase(
                "%(login)s logs in at %(oidc_issuer)s and has no password here.",
                login=user.login,
                oidc_issuer=user.oidc_issuer,
            )
        )
    until = now + TEMPORARY_FOR
    _store_password(connection, user_id, hashed, now, until)
    _end_sessions(connection, user_id, "password set", now)
    return until


def prove(user: User | None, stored: sa.Row[Any] | None, password: str, now: dt.datetime) -> Proof | None:
    """Return who logged in, None where login and password do not belong together; needs no transaction.

    An unknown login, a disabled account and one without a password take as long as a wrong password does.
    """
    is_right = verify_password(password, None if stored is None else stored.hash)
    if not is_right or user is None or stored is None or user.disabled_at is not None:
        return None
    if stored.temporary_until is not None and now >= stored.temporary_until:
        return None
    return Proof(user, stored.temporary_until is not None)


def password_row(connection: sa.Connection, user: User | None) -> sa.Row[Any] | None:
    """Return what `prove` compares with."""
    if user is None:
        return None
    return connection.execute(sa.select(user_password).where(user_password.c.user_id == user.id)).one_or_none()


def note_login(connection: sa.Connection, user_id: str, now: dt.datetime) -> None:
    """Keep when the person last logged in."""
    connection.execute(user_account.update().where(user_account.c.id == user_id).values(last_login_at=now))


def renewed_hash(stored: sa.Row[Any], password: str) -> str | None:
    """Return a new hash of a password that was right, where the stored one is of older parameters."""
    return hash_password(password) if needs_rehash(stored.hash) else None


def replace_hash(connection: sa.Connection, user_id: str, old: str, new: str) -> None:
    """Put a hash of today's parameters in the place of an older one, unless the password changed meanwhile."""
    fits = (user_password.c.user_id == user_id) & (user_password.c.hash == old)
    connection.execute(user_password.update().where(fits).values(hash=new))


def is_known_browser(connection: sa.Connection, user_id: str, hashed: str, now: dt.datetime) -> bool:
    """Return whether a person has logged in with this browser before; guesses made elsewhere do not count for it."""
    fits = (known_browser.c.hash == hashed) & (known_browser.c.user_id == user_id)
    seen = connection.execute(sa.select(known_browser.c.seen_at).where(fits)).scalar()
    return seen is not None and now - seen < KNOWN_FOR


def know_browser(connection: sa.Connection, user_id: str, hashed: str, now: dt.datetime) -> None:
    """Keep that a person logged in with this browser."""
    connection.execute(
        known_browser.delete().where((known_browser.c.hash == hashed) | (known_browser.c.seen_at < now - KNOWN_FOR))
    )
    connection.execute(known_browser.insert().values(hash=hashed, user_id=user_id, seen_at=now))


def _store_password(
    connection: sa.Connection, user_id: str, hashed: str, now: dt.datetime, temporary_until: dt.datetime | None
) -> None:
    connection.execute(user_password.delete().where(user_password.c.user_id == user_id))
    connection.execute(known_browser.delete().where(known_browser.c.user_id == user_id))
    connection.execute(
        user_password.insert().values(user_id=user_id, hash=hashed, set_at=now, temporary_until=temporary_until)
    )


def _end_sessions(connection: sa.Connection, user_id: str, reason: str, now: dt.datetime) -> None:
    alive = (web_session.c.user_id == user_id) & web_session.c.ended_at.is_(None)
    connection.execute(web_session.update().where(alive).values(ended_at=now, end_reason=reason))


def _administrators(connection: sa.Connection) -> set[str]:
    # Locked, so that two administrators cannot take each other's role away at the same moment.
    fits = (user_account.c.role == Role.ADMINISTRATOR) & user_account.c.disabled_at.is_(None)
    query = sa.select(user_account.c.id).where(fits)
    if connection.dialect.name != "sqlite":
        query = query.with_for_update()
    return set(connection.execute(query).scalars())


def _faults(values: dict[str, Any]) -> list[Fault]:
    faults = []
    name = values.get("name", "x")
    if not 0 < len(name) <= 200 or not name.isprintable():
        faults.append(
            Fault(
                "name",
                Phrase("is empty, longer than 200 characters or not printable"),
                Phrase("Give the person's name."),
            )
        )
    email = values.get("email")
    if email is not None and not _EMAIL.fullmatch(email):
        faults.append(Fault("email", Phrase("is no address"), Phrase("Write it as name@example.org, or leave it out.")))
    choices = {"role": PEOPLE, "language": tuple(LANGUAGES), "units": tuple(UNIT_CHOICES), "theme": THEMES}
    for field, allowed in choices.items():
        if field in values and values[field] not in allowed:
            faults.append(
                Fault(
                    field,
                    Phrase("%(value)s is not known", value=repr(str(values[field])[:40])),
                    Phrase("Use one of %(names)s.", names=", ".join(allowed)),
                )
            )
    return faults


def _user(row: Any) -> User:
    return User(**{**row, "role": Role(row["role"])})
