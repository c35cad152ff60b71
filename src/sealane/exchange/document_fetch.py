"""The files behind shared documents: who may fetch one, and fetching one from a partner."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sealane.agreements.clauses import Granularity
from sealane.agreements.decisions import decide
from sealane.database import tables
from sealane.database.engine import for_update
from sealane.database.tables.delivery import stream
from sealane.database.tables.products import record
from sealane.errors import InputError, RequestRefusedError
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.registry import terms_in_force
from sealane.products.documents import DATASET, MAX_DOCUMENT_BYTES, read_content
from sealane.products.store import record_of

if TYPE_CHECKING:
    from sealane.node.context import Node


def content_for_peer(
    connection: sa.Connection, own: str, peer: str, document_id: str, version: int, now: dt.datetime
) -> tuple[bytes, str]:
    """Return a document's bytes and media type if a clause in force lets this partner have its leaf ``content``.

    That it went out stands in the ledger, in the transaction of the connection given.

    Raises
    ------
    RequestRefusedError
        404 whether there is no such document or the partner may not have it: it cannot tell which.
    """
    for row in _offers(connection, own, document_id, version):
        streams = (
            sa.select(stream)
            .where(
                stream.c.peer == peer,
                stream.c.direction == "out",
                stream.c.state == "open",
                stream.c.dataset == DATASET,
                stream.c.agreement_id == row.agreement_id,
                stream.c.clause_id == row.clause_id,
            )
            .order_by(stream.c.id)
        )
        for open_stream in connection.execute(for_update(streams, connection)).all():
            terms = terms_in_force(
                connection, open_stream.agreement_id, open_stream.agreement_version, open_stream.clause_id, now
            )
            if terms is None:
                continue
            decided = decide(record_of(row), terms, now, open_stream.purpose, Granularity.RECORD)
            if decided.body is None or "content" not in decided.body:
                continue
            content = read_content(connection, own, document_id, version)
            body = {
                "document": document_id,
                "document_version": version,
                "stream": open_stream.id,
                "agreement": terms.agreement_id,
                "version": terms.version,
                "clause": terms.clause.id,
                "digest": hashlib.sha256(content).hexdigest(),
            }
            append(connection, [Entry(EntryKind.DOCUMENT_FETCHED, peer, f"{document_id}@{version}", body)], now)
            return content, str(decided.body.get("mediaType"))
    raise RequestRefusedError(
        404,
        "unknown-document",
        "There is no such document for this partner.",
        "Ask the port to share it under a clause that names the field `content`.",
    )


def _offers(connection: sa.Connection, source: str, document_id: str, version: int) -> list[Any]:
    query = sa.select(record).where(
        record.c.source == source,
        record.c.dataset == DATASET,
        record.c.id.startswith(f"{document_id}@{version}|", autoescape=True),
    )
    return list(connection.execute(query))


def fetch_document(node: Node, source: str, document_id: str, version: int | None = None) -> None:
    """Bring the file of a partner's document here, checked against the digest of its metadata; once.

    Raises
    ------
    InputError
        If no metadata of it was received, or the partner does not give the file, or gives another one.
    """
    with node.database.read() as connection:
        offers = connection.execute(
            sa.select(record.c.body).where(
                record.c.source == source,
                record.c.dataset == DATASET,
                record.c.id.startswith(f"{document_id}@", autoescape=True),
            )
        ).scalars()
        described = [json.loads(body) for body in offers]
    found = [item for item in described if version in (None, item.get("version"))]
    if not found:
        raise InputError(f"{source} has told of no document {document_id}. `sealane document list` prints all.")
    wanted = max(found, key=lambda item: int(item["version"]))
    if _is_here(node, source, document_id, wanted["version"]):
        return
    origin = _origin(node, source)
    url = f"{origin}/sealane/v1/documents/{document_id}/{wanted['version']}"
    answer = node.outbound.request("GET", url, participant=source, max_bytes=MAX_DOCUMENT_BYTES)
    if answer.status != 200:
        raise InputError(f"{source} does not give document {document_id} (HTTP {answer.status}).")
    if hashlib.sha256(answer.content).hexdigest() != wanted.get("sha256"):
        raise InputError(f"{source} gave another file than its metadata describe; it was not kept.")
    with node.database.write() as connection:
        connection.execute(
            sa.insert(tables.products.document).values(
                source=source,
                id=document_id,
                version=wanted["version"],
                title=wanted["title"],
                topic=wanted["topic"],
                media_type=wanted["mediaType"],
                language=wanted.get("language"),
                file_name=wanted["fileName"],
                public=False,
                size_bytes=len(answer.content),
                digest=wanted["sha256"],
                content=answer.content,
                added_at=node.clock(),
            )
        )


def _is_here(node: Node, source: str, document_id: str, version: int) -> bool:
    table = tables.products.document.c
    with node.database.read() as connection:
        query = sa.select(sa.literal(1)).where(
            table.source == source, table.id == document_id, table.version == version
        )
        return connection.execute(query).first() is not None


def _origin(node: Node, participant: str) -> str:
    with node.database.read() as connection:
        origin = connection.execute(
            sa.select(tables.identity.peer.c.origin).where(tables.identity.peer.c.participant == participant)
        ).scalar_one_or_none()
    if origin is None:
        raise InputError(f"{participant} is no partner of this node. See `sealane peer list`.")
    return str(origin)
