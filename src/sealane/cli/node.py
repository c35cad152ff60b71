"""`sealane node`: the node a port runs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_fields, print_json
from sealane.errors import InputError

WEB = "sealane.web.app:create_web_app"

group = typer.Typer(
    name="node",
    help="The node a port runs: make it, serve it, look after it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("init")
def init(
    folder: NodeFolder,
    participant: Annotated[str, typer.Option(metavar="ID", help="Id of the port, e.g. urn:example:port-of-x.")],
    name: Annotated[str, typer.Option(help="Name of the port as partners see it.")],
    origin: Annotated[str, typer.Option(metavar="URL", help="Public address, scheme://host or scheme://host:port.")],
    unlocode: Annotated[str | None, typer.Option(metavar="CODE", help="UN/LOCODE of the port.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; omitted: 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port to listen on; omitted: 8400.")] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="The origin may be plain http on another host; closed networks.")
    ] = False,
    root_key: Annotated[
        Path | None,
        typer.Option("--root-key", metavar="F", help="Where the private root key goes; omitted: the folder of keys."),
    ] = None,
) -> None:
    """Make a node in a new folder: settings, root key and first key, database with its tables.

    The database is SQLite in the folder, or what SEALANE_DATABASE_URL names.
    """
    from sealane.node.open import init_node

    values: dict[str, Any] = {"participant": participant, "name": name, "unlocode": unlocode, "origin": origin}
    values |= {"host": host, "port": port, "allow_private": allow_private or None}
    given = {key: value for key, value in values.items() if value is not None}
    with init_node(folder, given, root_file=root_key) as node:
        kept = root_key or folder / "keys"
        message(f"The node {node.settings.participant} is in {folder}; its settings in {folder / 'node.toml'}.")
        message(
            f"The private root key is in {kept}. Take it off this machine: it is needed only to certify and revoke."
        )
        print_fields([("participant", node.settings.participant), ("root key", node.identity.root_kid)])


@group.command("serve")
def serve_node(folder: NodeFolder) -> None:
    """Serve the node until it is stopped (SIGTERM or Ctrl-C); logs go to standard error as JSON lines."""
    from sealane.node.serve import serve

    serve(folder, application=WEB)


@group.command("status")
def status(folder: NodeFolder, as_json: AsJson = False) -> None:
    """Show the node's state and what is wrong with it; exit code 1 where something is."""
    from sealane.node.open import open_node
    from sealane.node.status import node_status

    with open_node(folder, check_schema=False) as node:
        found = node_status(node)
    if as_json:
        print_json(
            {
                **{key.replace(" ", "_"): _plain(value) for key, value in found.facts.items()},
                "troubles": list(found.troubles),
            }
        )
    else:
        print_fields([(key, _shown(value)) for key, value in found.facts.items()])
        for trouble in found.troubles:
            message(f"trouble: {trouble}")
    if found.troubles:
        raise typer.Exit(1)


@group.command("migrate")
def migrate_node(
    folder: NodeFolder,
    revision: Annotated[str, typer.Option("--to", metavar="REVISION", help="Revision to go to, also back.")] = "head",
) -> None:
    """Bring the database to the tables this version needs. Take a backup first, and stop the node."""
    from sealane.database.migrations import migrate
    from sealane.database.migrations import revision as current
    from sealane.node.open import open_node

    if revision == "base":
        raise InputError("Going back to base would remove all data. Remove the database yourself if that is meant.")
    with open_node(folder, check_schema=False) as node:
        before = current(node.database)
        migrate(node.database, revision)
        message(f"The tables were at {before or 'none'} and are at {current(node.database) or 'none'}.")


@group.command("backup")
def backup(
    folder: NodeFolder,
    out: Annotated[Path, typer.Argument(metavar="FOLDER_OUT", help="A new folder; it appears whole or not at all.")],
    with_root_key: Annotated[
        bool, typer.Option("--with-root-key", help="Also the private root key, should it be in the folder of keys.")
    ] = False,
) -> None:
    """Write a consistent copy of database, keys and settings; the node may go on serving."""
    from sealane.node.backup import back_up
    from sealane.node.open import open_node

    with open_node(folder) as node:
        manifest = back_up(node, out, with_root_key=with_root_key)
    message(f"{out}: {manifest['rows']:,} rows in {len(manifest['files'])} files. It holds private keys: keep it safe.")


@group.command("restore")
def restore(
    backup_folder: Annotated[Path, typer.Argument(metavar="BACKUP", help="What `sealane node backup` wrote.")],
    folder: NodeFolder,
) -> None:
    """Make a node of a backup, in a new folder and an empty database; every checksum is verified first."""
    from sealane.node.backup import restore as restore_backup

    with restore_backup(backup_folder, folder) as node:
        message(f"The node {node.settings.participant} is in {folder} as it was when the backup was taken.")
        message("Partners may hold messages that this node no longer knows of: see the operating guide on restoring.")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items()) or "none"
    return "-" if value is None else str(_plain(value))
