"""`sealane document`: documents that ports share under a clause or with everybody."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sealane.cli.output import message, print_json, print_table
from sealane.errors import InputError
from sealane.exchange.registry import in_force
from sealane.node import Node, open_node
from sealane.products.documents import (
    DATASET,
    TOPICS,
    DocumentVersion,
    add_document,
    get_document,
    list_documents,
    read_content,
    share_document,
)

group = typer.Typer(
    name="document",
    help="Documents on infrastructure, operation, trade, workforce, cybersecurity and best practice, in versions.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
NodeFolder = Annotated[
    Path, typer.Option("--node", envvar="SEALANE_NODE", help="The node's folder.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DocumentId = Annotated[str, typer.Argument(metavar="ID", help="Lower-case letters, digits, - _ or .")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("add")
def add(
    document_id: DocumentId,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file, at most 25 MiB.")],
    title: Annotated[str, typer.Option(help="Title for people.")],
    topic: Annotated[str, typer.Option(help=f"One of: {', '.join(TOPICS)}.")],
    language: Annotated[str | None, typer.Option(help="Language tag, e.g. en or ja.")] = None,
    media_type: Annotated[str | None, typer.Option(help="Media type; else from the file's name.")] = None,
    node_folder: NodeFolder = Path("node"),
) -> None:
    """Take a file in as a new document, or as the next version of one. Nobody else sees it yet."""
    node = open_node(node_folder)
    with node.database.write() as connection:
        added = add_document(
            connection,
            node.identity.participant,
            document_id,
            file,
            title=title,
            topic=topic,
            language=language,
            media_type=media_type,
            now=node.clock(),
        )
    message(
        f"{added.id} version {added.version}, {added.size_bytes:,} bytes. Share it: sealane document share {added.id}"
    )


@group.command("list")
def list_all(
    topic: Annotated[str | None, typer.Option(help="Only this topic.")] = None,
    node_folder: NodeFolder = Path("node"),
    as_json: AsJson = False,
) -> None:
    """List the documents held here, own and partners', the newest version first."""
    node = open_node(node_folder)
    with node.database.read() as connection:
        found = list_documents(connection, topic=topic)
    if as_json:
        print_json([asdict(item) for item in found])
        return
    if not found:
        message("note: no document is held here. `sealane document add` takes one in.")
        return
    own = node.identity.participant
    rows = [
        (
            item.id,
            item.version,
            item.title,
            item.topic,
            item.language or "-",
            f"{item.size_bytes:,}",
            "own" if item.source == own else item.source,
            _audience(item),
        )
        for item in found
    ]
    print_table(("id", "version>", "title", "topic", "language", "bytes>", "source", "shared"), rows)


def _audience(item: DocumentVersion) -> str:
    shared = [*(["public"] if item.public else []), *item.shared_under]
    return ", ".join(shared) or "with nobody"


@group.command("share")
def share(
    document_id: DocumentId,
    agreement: Annotated[str | None, typer.Option(help="Agreement that lets it through; with --clause.")] = None,
    clause: Annotated[str | None, typer.Option(help="Clause on the data product `documents`.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Offer it to everybody, without a login.")] = False,
    version: Annotated[int | None, typer.Option(help="Version; the newest where none is given.")] = None,
    node_folder: NodeFolder = Path("node"),
) -> None:
    """Offer a document to the partners of one clause, or to everybody."""
    if public == (agreement is not None) or (agreement is None) != (clause is None):
        raise InputError("Give either --public, or --agreement and --clause.")
    node = open_node(node_folder)
    now = node.clock()
    with node.database.write() as connection:
        document = get_document(connection, node.identity.participant, document_id, version)
        under = None
        if agreement is not None and clause is not None:
            in_force_now = in_force(connection, agreement, now)
            if in_force_now is None:
                raise InputError(f"Agreement {agreement!r} is not in force here. See `sealane agreement list --node`.")
            terms = in_force_now.terms(clause)
            ours = in_force_now.party_of(node.identity.participant)
            names = [c.id for c in in_force_now.clauses if c.dataset == DATASET and c.provider == ours]
            if terms is None or clause not in names:
                offered = ", ".join(names) or "none; the agreement has no clause by which this port gives documents"
                raise InputError(f"Clause {clause!r} gives no documents of this port. Clauses that do: {offered}.")
            under = (agreement, in_force_now.version, clause)
        share_document(connection, document, now=now, clause=under)
    audience = "with everybody" if public else f"under {clause}"
    message(f"{document.id} version {document.version} is shared {audience}.")


@group.command("save")
def save(
    document_id: DocumentId,
    file: Annotated[Path, typer.Argument(help="Where to write it; must not exist.")],
    source: Annotated[str | None, typer.Option(help="Participant id of the port it came from; else our own.")] = None,
    version: Annotated[int | None, typer.Option(help="Version; the newest where none is given.")] = None,
    node_folder: NodeFolder = Path("node"),
) -> None:
    """Write a document held here to a file; a partner's document is fetched first where only its metadata is here."""
    node = open_node(node_folder)
    content = _content(node, source or node.identity.participant, document_id, version)
    try:
        with file.open("xb") as out:
            out.write(content)
    except FileExistsError:
        raise InputError(f"{file} exists. Name another file.") from None
    message(f"{file}: {len(content):,} bytes")


def _content(node: Node, source: str, document_id: str, version: int | None) -> bytes:
    from sealane.exchange.document_fetch import fetch_document

    if source != node.identity.participant:
        fetch_document(node, source, document_id, version)
    with node.database.read() as connection:
        document = get_document(connection, source, document_id, version)
        return read_content(connection, source, document_id, document.version)
