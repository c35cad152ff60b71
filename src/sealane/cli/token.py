"""`sealane node token`: tokens for the port's own systems."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_json, print_table

group = typer.Typer(
    name="token",
    help="Tokens with which the port's own systems use the node's interface.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("create")
def create(
    folder: NodeFolder,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which system it is for.")],
    role: Annotated[str, typer.Option(help="feed, reader, operator or monitor.")],
    days: Annotated[int | None, typer.Option(min=1, help="How long it works; omitted: until it is revoked.")] = None,
) -> None:
    """Make a token and print it on standard output, this once; the node keeps only its hash."""
    from sealane.node.api_tokens import ROLES, create_token
    from sealane.node.open import open_node

    with open_node(folder) as node:
        now = node.clock()
        until = None if days is None else now + dt.timedelta(days=days)
        with node.database.write() as connection:
            token, text = create_token(connection, name, role, now, until)
    sys.stdout.write(text + "\n")
    message(f"The token {token.id} {ROLES[role]}. It is not shown again.")


@group.command("list")
def list_all(folder: NodeFolder, as_json: AsJson = False) -> None:
    """List all tokens, without their text."""
    from sealane.node.api_tokens import list_tokens
    from sealane.node.open import open_node

    with open_node(folder) as node:
        now = node.clock()
        with node.database.read() as connection:
            tokens = list_tokens(connection)
    rows = [
        {
            "id": token.id,
            "name": token.name,
            "role": token.role,
            "state": "works" if token.works_at(now) else ("revoked" if token.revoked_at else "expired"),
            "created_at": _utc(token.created_at),
            "expires_at": _utc(token.expires_at),
            "revoked_at": _utc(token.revoked_at),
        }
        for token in tokens
    ]
    if as_json:
        print_json(rows)
        return
    columns: tuple[str, ...] = ("id", "name", "role", "state", "expires_at")
    print_table(columns, [[row[column] or "-" for column in columns] for row in rows])


@group.command("revoke")
def revoke(
    folder: NodeFolder,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `sealane node token list` prints it.")],
) -> None:
    """End a token at once."""
    from sealane.node.api_tokens import revoke_token
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.write() as connection:
        revoke_token(connection, token_id, node.clock())
    message(f"The token {token_id} works no more.")


def _utc(time: dt.datetime | None) -> Any:
    return None if time is None else time.isoformat().replace("+00:00", "Z")
