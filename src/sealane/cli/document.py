"""`sealane document`: documents that ports share under a clause or with everybody."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sealane.cli.options import AsJson, NodeFolder
from sealane.cli.output import message, print_json, print_table
from sealane.errors import InputError
from sealane.products.own_schemas import DOCUMENT_TOPICS

group = typer.Typer(
    name="document",
    help="Documents on infrastructure, operation, trade, workforce, cybersecurity and best practice, in versions.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
DocumentId = Annotated[str, typer.Argument(metavar="ID", help="Lower-case letters, digits, - _ or .")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("add")
def add(
    folder: NodeFolder,
    document_id: DocumentId,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The file, at most 25 MiB.")
    ],
    title: Annotated[str, typer.Option(help="Title for people.")],
    topic: Annotated[str, typer.Option(help=f"One of: {', '.join(DOCUMENT_TOPICS)}.")],
    language: Annotated[str | None, typer.Option(help="Language tag, e.g. en or ja.")] = None,
    media_type: Annotated[str | None, typer.Option(help="Media type; else from the file's name.")] = None,
) -> None:
    """Take a file in as a new document, or as the next version of one. Nobody else sees it yet."""
    from sealane.node.open import open_node
    from sealane.products.documents import add_document

    with open_node(folder) as node, node.database.write() as connection:
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
        f"{added.id} version {added.version}, {added.size_bytes:,} bytes. It is shared with nobody; to share it:"
        f" `sealane document share {added.id} --agreement ID --clause ID`, or --public."
    )


@group.command("list")
def list_all(
    folder: NodeFolder,
    topic: Annotated[str | None, typer.Option(help="Only this topic.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the documents held here, own and partners', the newest version first."""
    from sealane.node.open import open_node
    from sealane.products.documents import list_documents

    with open_node(folder) as node, node.database.read() as connection:
        own = node.identity.participant
        found = list_documents(connection, topic=topic)
    if as_json:
        print_json([asdict(item) for item in found])
        return
    if not found:
        message("note: no document is held here. `sealane document add` takes one in.")
        return
    rows = [
        (
            item.id,
            item.version,
            item.title,
            item.topic,
            item.language or "-",
            f"{item.size_bytes:,}",
            "own" if item.source == own else item.source,
            ", ".join([*(["public"] if item.public else []), *item.shared_under]) or "with nobody",
        )
        for item in found
    ]
    print_table(("id", "version>", "title", "topic", "language", "bytes>", "source", "shared"), rows)


@group.command("share")
def share(
    folder: NodeFolder,
    document_id: DocumentId,
    agreement: Annotated[str | None, typer.Option(help="Agreement that lets it through; with --clause.")] = None,
    clause: Annotated[str | None, typer.Option(help="Clause on the data product `documents`.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Offer it to everybody, without a login.")] = False,
    version: Annotated[int | None, typer.Option(help="Version; the newest where none is given.")] = None,
) -> None:
    """Offer a document to the partners of one clause, or to everybody."""
    from sealane.exchange.registry import in_force
    from sealane.node.open import open_node
    from sealane.products.documents import DATASET, get_document, share_document

    if public == (agreement is not None) or (agreement is None) != (clause is None):
        raise InputError("Give either --public, or --agreement and --clause.")
    with open_node(folder) as node, node.database.write() as connection:
        now = node.clock()
        document = get_document(connection, node.identity.participant, document_id, version)
        under = None
        if agreement is not None and clause is not None:
            agreed = in_force(connection, agreement, now)
            if agreed is None:
                raise InputError(f"Agreement {agreement!r} is not in force here. See `sealane agreement list --node`.")
            ours = agreed.party_of(node.identity.participant)
            names = [c.id for c in agreed.clauses if c.dataset == DATASET and c.provider == ours]
            if clause not in names:
                offered = ", ".join(names) or "none; the agreement has no clause by which this port gives documents"
                raise InputError(f"Clause {clause!r} gives no documents of this port. Clauses that do: {offered}.")
            under = (agreement, agreed.version, clause)
        share_document(connection, document, now=now, clause=under)
    audience = "with everybody" if public else f"under {clause}"
    message(f"{document.id} version {document.version} is shared {audience}.")


@group.command("save")
def save(
    folder: NodeFolder,
    document_id: DocumentId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; must not exist.")],
    source: Annotated[str | None, typer.Option(help="Participant id of the port it came from; else our own.")] = None,
    version: Annotated[int | None, typer.Option(help="Version; the newest where none is given.")] = None,
) -> None:
    """Write a document held here to a file; a partner's is fetched first where only its metadata are here."""
    from sealane.exchange.document_fetch import fetch_document
    from sealane.node.open import open_node
    from sealane.products.documents import get_document, read_content

    with open_node(folder) as node:
        holder = source or node.identity.participant
        if holder != node.identity.participant:
            fetch_document(node, holder, document_id, version)
        with node.database.read() as connection:
            document = get_document(connection, holder, document_id, version)
            content = read_content(connection, holder, document_id, document.version)
    try:
        with file.open("xb") as out:
            out.write(content)
    except FileExistsError:
        raise InputError(f"{file} exists. Name another file.") from None
    message(f"{file}: {len(content):,} bytes")
