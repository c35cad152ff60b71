"""`sealane ledger`: show, verify, export and compare the tamper-evident log."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_json, print_table
from sealane.errors import InputError

group = typer.Typer(
    name="ledger",
    help="The node's log: what was agreed, sent, withheld, received and confirmed, so that a later change shows.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
MaybeNode = Annotated[
    Path | None,
    typer.Option("--node", metavar="FOLDER", envvar="SEALANE_NODE", help="Folder of the node.", show_envvar=True),
]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("show")
def show(
    folder: NodeFolder,
    peer: Annotated[str | None, typer.Option("--peer", help="Only what concerns this partner.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only this event, agreement/version, stream or key.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind of entry. Repeatable.")] = None,
    after: Annotated[int, typer.Option(help="Only entries behind this position.")] = -1,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Show entries of the log in order."""
    from sealane.exchange.ledger import EntryKind, entries
    from sealane.node.open import open_node

    known = [one.value for one in EntryKind]
    wrong = [one for one in kind or [] if one not in known]
    if wrong:
        raise InputError(f"--kind {wrong[0]!r} is no kind of entry. Known: {', '.join(known)}.")
    with open_node(folder) as node, node.database.read() as connection:
        found = entries(connection, peer=peer, subject=subject, kinds=kind, after=after, limit=limit)
    if as_json:
        print_json([json.loads(entry.entry) for entry in found])
        return
    rows = [
        (
            entry.position,
            entry.logged_at.isoformat(timespec="seconds"),
            entry.kind,
            entry.peer or "-",
            entry.subject or "-",
        )
        for entry in found
    ]
    print_table(("position>", "time", "kind", "partner", "subject"), rows)
    if len(found) == limit:
        message(f"note: there may be more; go on with --after {found[-1].position}.")


@group.command("export")
def export(
    folder: NodeFolder,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder, or a new file ending in .zip.")],
    peer: Annotated[
        str | None,
        typer.Option("--peer", help="For this partner: entries that concern others are given as hashes only."),
    ] = None,
) -> None:
    """Write a bundle that anybody can verify without this node (`sealane ledger verify`).

    A newest checkpoint is signed first. Without --peer the bundle holds everything, also what concerns other partners.
    """
    from sealane.exchange.checkpoints import checkpoint_if_news
    from sealane.exchange.ledger_export import export_bundle
    from sealane.node.open import open_node

    with open_node(folder) as node:
        now = node.clock()
        with node.database.write() as connection:
            checkpoint_if_news(connection, node.identity, now)
        with node.database.read() as connection:
            size = export_bundle(connection, node.identity, out, now, peer=peer)
    message(f"{out}: {size} entries.")


@group.command("verify")
def verify(
    bundle: Annotated[Path | None, typer.Argument(metavar="[BUNDLE]", help="A bundle; or give --node.")] = None,
    folder: MaybeNode = None,
    root_key: Annotated[
        list[str] | None,
        typer.Option("--root-key", metavar="PARTICIPANT=FILE", help="Public root key you trust, as JWK. Repeatable."),
    ] = None,
    witness: Annotated[
        list[Path] | None,
        typer.Option(metavar="BUNDLE", help="What a partner exported: it holds checkpoints of this log. Repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a log: its tree, its checkpoints, agreements with all signatures, receipts. Every fault is listed.

    Exit code 1 when there are faults. Without a partner's bundle as witness, an owner who rewrites or cuts his whole
    log and signs it anew is not found out.
    """
    from sealane.exchange import verifier

    roots = dict(_root_key(pair) for pair in root_key or [])
    extra: list[str] = []
    try:
        if bundle is not None:
            report = verifier.verify(bundle, roots, witness)
        elif folder is not None:
            report, extra = _verify_node(folder, roots, witness)
        else:
            raise InputError("Name a BUNDLE, or a node with --node FOLDER.")
    except verifier.UnsoundError as error:
        raise InputError(f"The bundle cannot be read: {error}.") from None
    report.faults += extra
    if as_json:
        counts = {name: report.counts[name] for name in verifier.COUNTED}
        print_json({"participant": report.participant, **counts, "faults": report.faults, "notes": report.notes})
    else:
        typer.echo(verifier.summary(report))
        if not witness:
            message("note: no --witness was given; only a partner's checkpoints show a log that its owner rewrote.")
    if report.faults:
        raise typer.Exit(1)


@group.command("reconcile")
def reconcile(
    peer: Annotated[str, typer.Argument(metavar="PARTICIPANT", help="Id of the partner.")],
    folder: NodeFolder,
    their_bundle: Annotated[
        Path | None,
        typer.Option(metavar="BUNDLE", help="Compare with this bundle of the partner, without the network."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare this node's log with a partner's about each other; name what is missing, altered or extra.

    Exit code 1 when something differs that the network does not explain.
    """
    from sealane.exchange import reconcile as work
    from sealane.exchange.ledger_export import export_bundle
    from sealane.node.open import open_node

    with open_node(folder) as node:
        if their_bundle is None:
            result = work.reconcile(node, peer)
        else:
            with tempfile.TemporaryDirectory() as temporary:
                ours = Path(temporary) / "bundle"
                with node.database.read() as connection:
                    export_bundle(connection, node.identity, ours, node.clock(), peer=peer)
                result = work.reconcile_bundles(ours, their_bundle, expected=peer)
    if as_json:
        print_json(
            {
                "peer": peer,
                "sent": result.sent,
                "received": result.received,
                "receipts": result.receipts,
                "faults": len(result.faults),
                "findings": [vars(finding) for finding in result.findings],
            }
        )
    else:
        typer.echo(f"{result.sent} events sent, {result.received} received, {result.receipts} receipts compared")
        for finding in result.findings:
            typer.echo(str(finding))
        typer.echo(f"{len(result.faults)} faults" if result.faults else "both logs agree")
    if result.faults:
        raise typer.Exit(1)


@group.command("accept")
def accept(
    peer: Annotated[str, typer.Argument(metavar="PARTICIPANT", help="Id of the partner.")],
    folder: NodeFolder,
) -> None:
    """Accept a partner's log anew after an alarm, for instance when it was restored from a backup.

    Both contradicting checkpoints stay as evidence. Ask the partner first what happened, and compare the logs after it.
    """
    from sealane.exchange.checkpoints import clear_alarm
    from sealane.exchange.peers import get_peer
    from sealane.node.open import open_node

    with open_node(folder) as node, node.database.write() as connection:
        found = get_peer(connection, peer)
        if found is None:
            raise InputError(f"{peer} is not registered. `sealane peer list` prints who is.")
        clear_alarm(connection, peer, node.clock())
    message(f"{peer}: its log is accepted from its next checkpoint on. The alarm was: {found.alarm or 'none'}")


def _verify_node(folder: Path, roots: dict[str, Any], witness: list[Path] | None) -> tuple[Any, list[str]]:
    from sealane.exchange.ledger_check import verify_own_log
    from sealane.node.open import open_node

    with open_node(folder) as node:
        return verify_own_log(node, roots=roots, witnesses=witness)


def _root_key(pair: str) -> tuple[str, dict[str, Any]]:
    participant, equals, name = pair.partition("=")
    try:
        key = json.loads(Path(name).read_bytes()) if equals and participant else None
    except ValueError:
        key = None
    if not isinstance(key, dict):
        raise InputError(f"--root-key {pair!r} must be PARTICIPANT=FILE, and the file a public key as JWK.")
    return participant, key
