"""`sealane peer`: the partners of a node."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_fields, print_json, print_table
from sealane.errors import InputError

group = typer.Typer(
    name="peer",
    help="The partners of the node: who they are, where they are reached, and whether their keys are in order.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Participant = Annotated[str, typer.Argument(metavar="PARTICIPANT", help="Id of the partner.")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("add")
def add(
    folder: NodeFolder,
    participant: Participant,
    name: Annotated[str, typer.Option(help="Name of the port.")],
    origin: Annotated[str, typer.Option(metavar="URL", help="Its node, https://host or https://host:port.")],
    root_key: Annotated[
        str,
        typer.Option(
            "--root-key", metavar="FILE|JSON", help="Its public root key, as `sealane node key root` prints it there."
        ),
    ],
    must_sign: Annotated[
        bool, typer.Option("--must-sign/--need-not-sign", help="Refuse its requests when they are not signed.")
    ] = True,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="It may be at a private address, also without TLS.")
    ] = False,
    also_origin: Annotated[
        list[str] | None, typer.Option("--also-origin", metavar="URL", help="A further origin of it. Repeatable.")
    ] = None,
) -> None:
    """Register a partner, or change how a registered one is reached.

    Get the root key from its operator by a way you trust, and compare the thumbprint by voice.
    """
    from sealane.exchange.ledger import Entry, EntryKind, append
    from sealane.exchange.peers import add_peer
    from sealane.node.open import open_node

    key = read_root_key(root_key)
    with open_node(folder) as node:
        now = node.clock()
        if participant == node.identity.participant:
            raise InputError(f"{participant} is this node itself.")
        with node.database.write() as connection:
            peer = add_peer(
                connection,
                participant=participant,
                name=name,
                origin=origin,
                root_key=key,
                must_sign=must_sign,
                allow_private=allow_private,
                also_origins=tuple(also_origin or ()),
                now=now,
            )
            body = {"participant": participant, "root_key": peer.root_kid}
            append(connection, [Entry(EntryKind.PEER_ADDED, participant, participant, body)], now)
    message(f"{participant} is registered. Thumbprint of its root key: {peer.root_kid}")
    if not must_sign:
        message("Its requests need no signature: whoever has one of its tokens can send in its name.")


@group.command("list")
def list_all(folder: NodeFolder, as_json: AsJson = False) -> None:
    """List the partners."""
    from sealane.exchange.peers import list_peers
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.read() as connection:
        peers = list_peers(connection)
    rows = [_as_dict(peer) for peer in peers]
    if as_json:
        print_json(rows)
        return
    if not rows:
        message("note: no partner is registered. `sealane peer add` registers one.")
        return
    columns = ("participant", "name", "origin", "must_sign", "keys_checked_at", "last_heard_at", "alarm")
    print_table(columns, [["-" if row[column] is None else row[column] for column in columns] for row in rows])


@group.command("catalogue")
def catalogue(folder: NodeFolder, participant: Participant, as_json: AsJson = False) -> None:
    """Show what a partner offers this node now: data products, the clauses behind them, and open data."""
    from sealane.node.dataspace import partner_catalogue
    from sealane.node.open import open_node

    with open_node(folder) as node:
        found = partner_catalogue(node, participant)
    if as_json:
        print_json(found)
        return
    products = found.get("dataset") or []
    if not products:
        message(f"note: {participant} offers nothing now. Offers come from the clauses of agreements in force.")
        return
    rows = [
        (
            product.get("@id", "-"),
            len(product.get("hasPolicy") or []),
            ", ".join(sorted({str(one.get("format", "-")) for one in product.get("distribution") or []})),
        )
        for product in products
    ]
    print_table(("data product", "offers>", "ways to get it"), rows)


@group.command("remove")
def remove(folder: NodeFolder, participant: Participant) -> None:
    """Forget a partner: nothing is sent to it or taken from it any more.

    Its keys stay, so that what it signed can be verified. Retire the agreements with it first.
    """
    from sealane.exchange.ledger import Entry, EntryKind, append
    from sealane.exchange.peers import get_peer, remove_peer
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.write() as connection:
        peer = get_peer(connection, participant)
        if peer is None:
            raise InputError(f"{participant}: no such partner. `sealane peer list` prints all of them.")
        remove_peer(connection, participant)
        body = {"participant": participant, "root_key": peer.root_kid}
        append(connection, [Entry(EntryKind.PEER_REMOVED, participant, participant, body)], node.clock())
    message(f"{participant} is removed.")


@group.command("check")
def check(
    folder: NodeFolder,
    participant: Participant,
    clear_alarm: Annotated[
        bool, typer.Option("--clear-alarm", help="Take the alarm back: you have looked into its cause.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask a partner for its keys and whether it knows this node; exit code 1 where something is wrong."""
    from sealane.exchange.alarms import take_back_alarm
    from sealane.node.open import open_node
    from sealane.node.peer_check import check_peer

    with open_node(folder) as node:
        if clear_alarm:
            with node.database.write() as connection:
                take_back_alarm(connection, participant, node.clock())
        found = check_peer(node, participant)
    if as_json:
        print_json({**_as_dict(found.peer), "keys": found.keys, "troubles": list(found.troubles)})
    else:
        fields = [(key, "-" if value is None else value) for key, value in _as_dict(found.peer).items()]
        print_fields([*fields, ("valid keys", "\n".join(found.keys) or "none")])
        for trouble in found.troubles:
            message(f"trouble: {trouble}")
    if found.troubles:
        raise typer.Exit(1)


def read_root_key(given: str) -> object:
    """Return the JSON of a key given as text or as the name of a file that holds it.

    Raises
    ------
    InputError
        If there is no such file, or it is not JSON.
    """
    text, source = (given, "--root-key") if given.lstrip().startswith("{") else (_file_text(Path(given)), given)
    try:
        return json.loads(text)
    except ValueError:
        raise InputError(f"{source}: is not JSON. Give what `sealane node key root` printed at the partner.") from None


def _file_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not a text file. Give the JSON of the partner's public root key.") from None


def _as_dict(peer: Any) -> dict[str, Any]:
    return {
        "participant": peer.participant,
        "name": peer.name,
        "origin": peer.origin,
        "also_origins": ", ".join(peer.also_origins) or None,
        "root_key": peer.root_kid,
        "must_sign": "yes" if peer.must_sign else "no",
        "allow_private": "yes" if peer.allow_private else "no",
        "keys_checked_at": _utc(peer.keys_checked_at),
        "keys_error": peer.keys_error,
        "last_heard_at": _utc(peer.last_heard_at),
        "alarm": peer.alarm,
    }


def _utc(time: dt.datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="seconds").replace("+00:00", "Z")
