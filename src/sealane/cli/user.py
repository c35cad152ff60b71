"""`sealane user`: people who use the pages, for who runs the machine; the first administrator is made here."""

from __future__ import annotations

import getpass
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import sqlalchemy as sa

    from sealane.web.accounts.users import User

group = typer.Typer(
    name="user",
    help="People who use the node's pages.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Login = Annotated[str, typer.Argument(metavar="LOGIN", help="What the person types to log in.")]
_ROLE = "analyst, steward, officer or administrator."


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("add")
def add(
    folder: NodeFolder,
    login: Login,
    role: Annotated[str, typer.Option(help=_ROLE)],
    name: Annotated[str | None, typer.Option(metavar="TEXT", help="The person's name; omitted: the login.")] = None,
    email: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Where alerts can be sent.")] = None,
    language: Annotated[str, typer.Option(metavar="CODE", help="en or ja.")] = "en",
) -> None:
    """Make an account and print its temporary password on standard output, this once."""
    from sealane.web.accounts.passwords import hash_password, temporary_password
    from sealane.web.accounts.users import add_user, give_temporary_password

    text = temporary_password()
    hashed = hash_password(text)
    with _changing(folder, "user.add", login) as (connection, now, details):
        user = add_user(connection, login=login, name=name or login, role=role, now=now, email=email, language=language)
        details |= {"login": user.login, "role": user.role}
        until = give_temporary_password(connection, user.id, hashed, now)
    sys.stdout.write(text + "\n")
    message(
        f"{user.login} may log in as {user.role} with it until {until:%Y-%m-%d %H:%M} UTC and chooses another then."
    )


@group.command("list")
def list_all(folder: NodeFolder, as_json: AsJson = False) -> None:
    """List all accounts."""
    from sealane.node.open import open_node
    from sealane.web.accounts.users import list_users

    with open_node(folder) as node, node.database.read() as connection:
        users = list_users(connection)
    rows: list[dict[str, Any]] = [
        {
            "login": user.login,
            "name": user.name,
            "role": user.role,
            "state": "disabled" if user.disabled_at else "works",
            "proven_by": user.oidc_issuer or "password",
            "email": user.email,
            "created_at": user.created_at,
            "last_login_at": user.last_login_at,
        }
        for user in users
    ]
    if as_json:
        print_json(rows)
        return
    if not rows:
        message("note: there are no accounts yet. `sealane user add LOGIN --role administrator` makes the first.")
        return
    columns = ("login", "name", "role", "state", "last_login_at")
    print_table(columns, [[row[column] or "-" for column in columns] for row in rows])


@group.command("role")
def change_role(
    folder: NodeFolder, login: Login, role: Annotated[str, typer.Argument(metavar="ROLE", help=_ROLE)]
) -> None:
    """Give a person another role; the person must log in again."""
    from sealane.web.accounts.users import change_user

    with _changing(folder, "user.change", login) as (connection, now, details):
        before = _named(connection, login)
        user = change_user(connection, before.id, now, role=role)
        details |= {"role": {"from": before.role, "to": user.role}}
    message(f"{user.login} is {user.role} now.")


@group.command("password")
def password(folder: NodeFolder, login: Login) -> None:
    """Give a person a new temporary password and print it on standard output, this once."""
    from sealane.web.accounts.passwords import hash_password, temporary_password
    from sealane.web.accounts.users import give_temporary_password

    text = temporary_password()
    hashed = hash_password(text)
    with _changing(folder, "user.password", login) as (connection, now, _):
        user = _named(connection, login)
        give_temporary_password(connection, user.id, hashed, now)
    sys.stdout.write(text + "\n")
    message(f"{user.login} must choose another with it; whoever was logged in as {user.login} is not any more.")


@group.command("disable")
def disable(
    folder: NodeFolder,
    login: Login,
    undo: Annotated[bool, typer.Option("--undo", help="Let the person in again.")] = False,
) -> None:
    """Let a person in no more; what the person did stays told."""
    from sealane.web.accounts.users import change_user

    with _changing(folder, "user.change", login) as (connection, now, details):
        user = change_user(connection, _named(connection, login).id, now, disabled=not undo)
        details |= {"disabled": not undo}
    message(f"{user.login} may log in again." if undo else f"{user.login} may not log in any more.")


@contextmanager
def _changing(folder: Any, action: str, login: str) -> Iterator[tuple[sa.Connection, datetime, dict[str, Any]]]:
    """Give a transaction whose audit entry is written at its end; it names the account of the machine."""
    from sealane.node.open import open_node
    from sealane.web.accounts.audit import note_for
    from sealane.web.accounts.users import read_login

    with open_node(folder) as node, node.database.write() as connection:
        now = node.clock()
        details: dict[str, Any] = {}
        yield connection, now, details
        actor = f"command line: {account()}"
        note_for(connection, None, actor, "administrator", action, read_login(login), details, None, now)


def account() -> str:
    """Return the name of the machine's account, else its number."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # an account without a name, as containers have it
        return str(os.geteuid())


def _named(connection: sa.Connection, login: str) -> User:
    from sealane.errors import InputError
    from sealane.web.accounts.users import find_by_login

    user = find_by_login(connection, login)
    if user is None:
        raise InputError(f"There is no account {login!r}. `sealane user list` shows all.")
    return user
