"""Documents that ports share: infrastructure plans, best practice, training material, each in versions.

A document added is seen by nobody else. Shared under a clause it goes out by that clause alone; made public it stands
in the open catalogue. What is shared is a record of the data product ``documents`` (its metadata); the file itself is
fetched by whoever the metadata was let through to with the leaf ``content``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import mimetypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sealane.database import tables
from sealane.database.engine import for_update
from sealane.errors import DataError, Fault, InputError
from sealane.products.own_schemas import DOCUMENT_TOPICS
from sealane.products.store import put_records

DATASET = "documents"
MAX_DOCUMENT_BYTES = 25 * 1024 * 1024
_ID = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")
_document = tables.products.document


@dataclass(frozen=True)
class DocumentVersion:
    """One version of a document, without its content.

    Attributes
    ----------
    shared_under : ``agreement#clause`` of every clause it goes out by.
    """

    source: str
    id: str
    version: int
    title: str
    topic: str
    media_type: str
    language: str | None
    file_name: str
    public: bool
    size_bytes: int
    digest: str
    added_at: dt.datetime
    shared_under: tuple[str, ...] = ()


def add_document(
    connection: sa.Connection,
    source: str,
    document_id: str,
    path: Path,
    *,
    title: str,
    topic: str,
    language: str | None,
    now: dt.datetime,
    media_type: str | None = None,
) -> DocumentVersion:
    """Take a file in as a new document or as the next version of one.

    Parameters
    ----------
    source : participant id of the port that holds the document.
    path : a readable file of at most 25 MiB.
    topic : one of ``DOCUMENT_TOPICS``.
    language : BCP 47 tag, e.g. ``en`` or ``ja``.
    media_type : None to derive it from the file's name.

    Returns
    -------
    DocumentVersion
        The version that holds this content; the same bytes again make no new version.

    Raises
    ------
    DataError
        Lists every fault of the description.
    """
    guessed = media_type or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    faults = _faults(document_id, title, topic, language, guessed)
    size = path.stat().st_size
    if not path.is_file() or size == 0 or size > MAX_DOCUMENT_BYTES:
        faults.append(
            Fault(str(path), f"{size} bytes", f"Give a file of 1 to {MAX_DOCUMENT_BYTES:,} bytes; split a larger one")
        )
    if faults:
        raise DataError("The document cannot be added.", faults)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    newest = connection.execute(
        for_update(
            sa.select(_document.c.version, _document.c.digest)
            .where(_document.c.source == source, _document.c.id == document_id)
            .order_by(_document.c.version.desc())
            .limit(1),
            connection,
        )
    ).first()
    if newest is not None and newest.digest == digest:
        return get_document(connection, source, document_id, newest.version)
    version = newest.version + 1 if newest is not None else 1
    connection.execute(
        sa.insert(_document).values(
            source=source,
            id=document_id,
            version=version,
            title=title.strip(),
            topic=topic,
            media_type=guessed,
            language=language,
            file_name=path.name[-200:],
            public=False,
            size_bytes=len(content),
            digest=digest,
            content=content,
            added_at=now,
        )
    )
    return get_document(connection, source, document_id, version)


def _faults(document_id: str, title: str, topic: str, language: str | None, media_type: str) -> list[Fault]:
    faults = []
    if not _ID.fullmatch(document_id) or len(document_id) > 100:
        faults.append(Fault("ID", repr(document_id), "Use lower-case letters, digits, - _ or . (at most 100)"))
    if not title.strip() or len(title) > 300:
        faults.append(Fault("--title", repr(title[:60]), "Give a title of 1 to 300 characters"))
    if topic not in DOCUMENT_TOPICS:
        faults.append(Fault("--topic", repr(topic), f"Choose one of: {', '.join(DOCUMENT_TOPICS)}"))
    if language is not None and not _LANGUAGE.fullmatch(language):
        faults.append(Fault("--language", repr(language), "Give a language tag such as en, ja or zh-Hant"))
    if not _MEDIA_TYPE.fullmatch(media_type):
        faults.append(Fault("--media-type", repr(media_type), "Give a media type such as application/pdf"))
    return faults


def get_document(
    connection: sa.Connection, source: str, document_id: str, version: int | None = None
) -> DocumentVersion:
    """Return one version, the newest where none is asked for.

    Raises
    ------
    InputError
        If there is no such document or version.
    """
    found = list_documents(connection, source=source, document_id=document_id)
    for item in found:
        if version is None or item.version == version:
            return item
    wanted = document_id if version is None else f"{document_id} version {version}"
    raise InputError(f"No document {wanted} is held here. `sealane document list` prints all.")


def list_documents(
    connection: sa.Connection, *, source: str | None = None, document_id: str | None = None, topic: str | None = None
) -> list[DocumentVersion]:
    """Return documents by id, the newest version first."""
    columns = [column for column in _document.c if column.name != "content"]
    query = sa.select(*columns).order_by(_document.c.source, _document.c.id, _document.c.version.desc())
    for column, value in ((_document.c.source, source), (_document.c.id, document_id), (_document.c.topic, topic)):
        if value is not None:
            query = query.where(column == value)
    shares = _shares(connection)
    return [
        DocumentVersion(**row._mapping, shared_under=tuple(sorted(shares.get((row.source, row.id, row.version), ()))))
        for row in connection.execute(query)
    ]


def _shares(connection: sa.Connection) -> dict[tuple[str, str, int], set[str]]:
    record = tables.products.record
    query = sa.select(record.c.source, record.c.id, record.c.agreement_id, record.c.clause_id).where(
        record.c.dataset == DATASET, record.c.clause_id.is_not(None)
    )
    found: dict[tuple[str, str, int], set[str]] = {}
    for source, record_id, agreement_id, clause_id in connection.execute(query):
        document_id, _, rest = record_id.partition("@")
        version = rest.partition("|")[0]
        if version.isdigit():
            found.setdefault((source, document_id, int(version)), set()).add(f"{agreement_id}#{clause_id}")
    return found


def share_document(
    connection: sa.Connection,
    document: DocumentVersion,
    *,
    now: dt.datetime,
    clause: tuple[str, int, str] | None,
) -> str:
    """Offer a version under one clause, or to everybody.

    Parameters
    ----------
    clause : (agreement id, version, clause id) the document may go out by; None makes it public.

    Returns
    -------
    str
        Id of the record that now stands in the data product ``documents``.
    """
    suffix = f"|{clause[0]}|{clause[2]}" if clause else "|public"
    record_id = f"{document.id}@{document.version}{suffix}"
    body: dict[str, Any] = {
        "documentID": document.id,
        "version": document.version,
        "title": document.title,
        "topic": document.topic,
        "mediaType": document.media_type,
        "fileName": document.file_name,
        "sizeBytes": document.size_bytes,
        "sha256": document.digest,
        "addedDateTime": document.added_at.isoformat().replace("+00:00", "Z"),
        "recordID": record_id,
        "content": f"/sealane/v1/documents/{document.id}/{document.version}",
    }
    if document.language:
        body["language"] = document.language
    put = put_records(
        connection,
        document.source,
        DATASET,
        [json.dumps(body, ensure_ascii=False, sort_keys=True).encode()],
        now,
        public=clause is None,
        received=clause,
    )
    if put.faults:
        raise DataError(f"Document {document.id} cannot be shared.", put.faults)
    if clause is None:
        connection.execute(
            sa.update(_document)
            .where(
                _document.c.source == document.source,
                _document.c.id == document.id,
                _document.c.version == document.version,
            )
            .values(public=True)
        )
    return record_id


def read_content(connection: sa.Connection, source: str, document_id: str, version: int) -> bytes:
    """Return the bytes of one version.

    Raises
    ------
    InputError
        If it is not held here.
    """
    content = connection.execute(
        sa.select(_document.c.content).where(
            _document.c.source == source, _document.c.id == document_id, _document.c.version == version
        )
    ).scalar_one_or_none()
    if content is None:
        raise InputError(f"No document {document_id} version {version} is held here.")
    return bytes(content)


def public_documents(connection: sa.Connection, source: str) -> Sequence[DocumentVersion]:
    """Return the versions that stand in the open catalogue."""
    return [item for item in list_documents(connection, source=source) if item.public]
