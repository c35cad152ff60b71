"""The executable agreement document: YAML or JSON in, one canonical form out, whose bytes the parties sign.

`read_document` takes what people write and reports every fault with its path. `document_bytes` gives RFC 8785 JSON of
the normal form (sets sorted, times in UTC, durations in their one spelling), so that two files that mean the same have
the same bytes; `parse_document` is its exact inverse and takes nothing else.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any

import rfc8785

from sealane.agreements.clauses import Clause, Prohibition
from sealane.agreements.content_reader import read_content
from sealane.agreements.document_model import (
    Activity,
    ActivityKind,
    AgreementDocument,
    Aim,
    AreaNamed,
    Commitment,
    DatasetFields,
    DocumentParty,
    KnownDatasets,
    Participant,
    SourceNamed,
)
from sealane.agreements.documents_reader import MAX_DOCUMENT_BYTES, read_json, read_text
from sealane.agreements.terms_reader import ALL_ROWS
from sealane.agreements.values import duration_text, time_text
from sealane.errors import DataError, Fault

__all__ = [
    "MAX_DOCUMENT_BYTES",
    "Activity",
    "ActivityKind",
    "AgreementDocument",
    "Aim",
    "AreaNamed",
    "Commitment",
    "DatasetFields",
    "DocumentParty",
    "KnownDatasets",
    "Participant",
    "SourceNamed",
    "document_bytes",
    "document_digest",
    "normal_form",
    "parse_document",
    "read_document",
]


def read_document(data: bytes, name: str, known: KnownDatasets) -> AgreementDocument:
    """Read an agreement document as people write it.

    Parameters
    ----------
    data : the file, UTF-8; JSON where the name ends in ``.json`` or the text begins with ``{``, else YAML.
    name : the file's name, for messages.
    known : the datasets a clause may name, with their fields.

    Raises
    ------
    DataError
        Lists every fault of the document with its path.
    """
    faults: list[Fault] = []
    content = read_text(data, name, faults)
    document = None if faults else read_content(content, name, known, faults)
    if document is None or faults:
        raise DataError(f"The agreement {name} cannot be used.", faults)
    return document


@functools.lru_cache(maxsize=256)
def parse_document(data: bytes) -> AgreementDocument:
    """Read back what `document_bytes` wrote; the exact inverse.

    Datasets, fields and purposes are not looked up: what was agreed stays readable when this program knows fewer or
    more of them. Kept by content, because every decision asks for its document.

    Raises
    ------
    DataError
        If the bytes are not the canonical form of a document; lists every fault.
    """
    faults: list[Fault] = []
    content = read_json(data, "document", faults)
    document = None if faults else read_content(content, "document", None, faults)
    if document is not None and not faults and document_bytes(document) != data:
        faults.append(Fault("document", "not in canonical form", "Send the bytes that document_bytes gives (RFC 8785)"))
    if document is None or faults:
        raise DataError("The agreement document cannot be used.", faults)
    return document


def document_bytes(document: AgreementDocument) -> bytes:
    """Return the bytes the parties sign: RFC 8785 JSON of the normal form, UTF-8."""
    return rfc8785.dumps(normal_form(document))


def document_digest(data: bytes) -> str:
    """Return the SHA-256 of a document's bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def normal_form(document: AgreementDocument) -> dict[str, Any]:
    """Return the document as plain JSON values; what is not there is left out or null."""
    return {
        "id": document.id,
        "version": document.version,
        "supersedes": document.supersedes,
        "title": document.title,
        "kind": document.kind.value,
        "status": document.status.value,
        "year": document.year,
        "date": document.date.isoformat() if document.date else None,
        "valid_from": time_text(document.valid_from),
        "valid_until": time_text(document.valid_until) if document.valid_until else None,
        "demonstration": document.demonstration,
        "parties": [_party(party) for party in document.parties],
        "facilitators": [_party(party) for party in document.facilitators],
        "participants": [
            {"party": p.party, "participant": p.participant, "origin": p.origin, "root_key": p.root_key}
            for p in document.participants
        ],
        "areas": [{"area": area.id, "name": area.name} for area in document.areas],
        "antecedents": list(document.antecedents),
        "sources": [{"document": s.document, "lines": list(s.lines)} for s in document.sources],
        "clauses": [_clause(clause) for clause in document.clauses],
        "prohibitions": [_prohibition(prohibition) for prohibition in document.prohibitions],
        "activities": [_activity(activity) for activity in document.activities],
        "commitments": [_commitment(commitment) for commitment in document.commitments],
        "notes": list(document.notes),
    }


def _party(party: DocumentParty) -> dict[str, Any]:
    return {
        "party": party.id,
        "name": party.name,
        "kind": party.kind.value,
        "countries": list(party.countries),
        "ports": [{"name": port.name, "locode": port.locode} for port in party.ports],
    }


def _clause(clause: Clause) -> dict[str, Any]:
    content: dict[str, Any] = {
        "id": clause.id,
        "provider": clause.provider,
        "recipients": list(clause.recipients),
        "dataset": clause.dataset,
        "fields": list(clause.fields),
        "purposes": sorted(clause.purposes),
        "granularity": clause.granularity.value,
        "rows": _rows(clause),
        "delay": duration_text(clause.delay),
        "valid_from": time_text(clause.valid_from),
        "valid_until": time_text(clause.valid_until) if clause.valid_until else None,
        "onward": clause.onward.value,
        "demonstration": clause.demonstration,
    }
    if clause.grouping is not None:
        content["grouping"] = {
            "by": list(clause.grouping.by),
            **({"measures": list(clause.grouping.measures)} if clause.grouping.measures else {}),
            "period": clause.grouping.period.value,
            "contributor": clause.grouping.contributor,
            "minimum_group": clause.grouping.minimum_group,
        }
    if clause.delete_after is not None:
        content["delete_after"] = duration_text(clause.delete_after)
    if clause.note is not None:
        content["note"] = clause.note
    return content


def _rows(clause: Clause) -> str | dict[str, Any]:
    rows = clause.rows
    sets = {"ports": rows.ports, "terminals": rows.terminals, "vessels": rows.vessels}
    times = {"occurred_from": rows.occurred_from, "occurred_until": rows.occurred_until}
    content: dict[str, Any] = {key: sorted(values) for key, values in sets.items() if values}
    content |= {key: time_text(value) for key, value in times.items() if value is not None}
    return content or ALL_ROWS


def _prohibition(prohibition: Prohibition) -> dict[str, Any]:
    sets = {
        "datasets": sorted(prohibition.datasets),
        "fields": list(prohibition.fields),
        "purposes": sorted(prohibition.purposes),
    }
    note = {"note": prohibition.note} if prohibition.note is not None else {}
    return {"id": prohibition.id, "source": prohibition.source} | {k: v for k, v in sets.items() if v} | note


def _activity(activity: Activity) -> dict[str, Any]:
    content = {"id": activity.id, "kind": activity.kind.value, "title": activity.title}
    if activity.day is not None:
        content["day"] = activity.day.isoformat()
    if activity.note is not None:
        content["note"] = activity.note
    return content


def _commitment(commitment: Commitment) -> dict[str, Any]:
    content: dict[str, Any] = {
        "id": commitment.id,
        "by": list(commitment.by),
        "what": commitment.what,
        "due": commitment.due.isoformat(),
        "indicator": commitment.indicator,
    }
    if commitment.unit is not None:
        content["unit"] = commitment.unit
    if commitment.target is not None:
        content["target"] = commitment.target
    if commitment.aim is not None:
        content["aim"] = commitment.aim.value
    return content
