"""The open part of a port's data: a DCAT-AP catalogue and its distributions, without a login.

Only records and documents that the port itself marked public stand here; nothing received from a partner ever does.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from fastapi import APIRouter, Query, Response

from sealane.database.tables.products import record
from sealane.errors import RequestRefusedError
from sealane.products.catalogue import DATASETS
from sealane.products.dataset import Dataset
from sealane.products.documents import DATASET as DOCUMENTS
from sealane.products.documents import DocumentVersion, public_documents, read_content

if TYPE_CHECKING:
    from sealane.node.context import Node

PAGE = 1000
_CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "spdx": "http://spdx.org/rdf/terms#",
}
_LD = "application/ld+json"


def router(node: Node) -> APIRouter:
    """Return the endpoints under ``/open``."""
    api = APIRouter(prefix="/open", tags=["open data"])
    own = node.identity.participant
    base = f"{node.settings.origin}/open"

    @api.get("/catalog", response_class=Response, responses={200: {"content": {_LD: {}}}})
    def catalogue() -> Response:
        """Return the catalogue of open data as DCAT-AP in JSON-LD."""
        with node.database.read() as connection:
            counts = _public_counts(connection, own)
            documents = public_documents(connection, own)
        content = {
            "@context": _CONTEXT,
            "@id": f"{base}/catalog",
            "@type": "dcat:Catalog",
            "dct:title": f"Open data of {node.settings.name}",
            "dct:description": f"Records and documents that {node.settings.name} has made public.",
            "dct:publisher": {"@type": "foaf:Agent", "@id": own, "foaf:name": node.settings.name},
            "dcat:dataset": [
                *(_dataset(base, node, DATASETS[name], size) for name, size in sorted(counts.items())),
                *(_document(base, node, item) for item in documents),
            ],
        }
        return Response(json.dumps(content, ensure_ascii=False, indent=1), media_type=_LD)

    @api.get("/datasets/{dataset}/records", response_class=Response)
    def records(
        dataset: str,
        after: Annotated[int, Query(ge=0, le=2**62, description="Position of the last record already read.")] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
    ) -> Response:
        """Return public records as JSON Lines; ``Link: rel="next"`` names the next page."""
        with node.database.read() as connection:
            rows = _public_rows(connection, own, _known(dataset), after, limit)
        headers = {"X-Simulated": "true"} if any(row.simulated for row in rows) else {}
        if len(rows) == limit:
            headers["Link"] = f'<{base}/datasets/{dataset}/records?after={rows[-1].position}&limit={limit}>; rel="next"'
        return Response(b"".join(_line(row) for row in rows), media_type="application/x-ndjson", headers=headers)

    @api.get("/datasets/{dataset}/records.parquet", response_class=Response)
    def parquet(
        dataset: str,
        after: Annotated[int, Query(ge=0, le=2**62)] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
    ) -> Response:
        """Return the same page as Parquet: one column a leaf, lists as JSON text."""
        with node.database.read() as connection:
            rows = _public_rows(connection, own, _known(dataset), after, limit)
        table = _table([_flat(json.loads(row.body)) | {"simulated": row.simulated} for row in rows])
        out = io.BytesIO()
        pq.write_table(table, out)
        return Response(out.getvalue(), media_type="application/vnd.apache.parquet")

    @api.get("/documents/{document_id}/{version}", response_class=Response)
    def document(document_id: str, version: int) -> Response:
        """Return a public document as a download."""
        with node.database.read() as connection:
            found = [d for d in public_documents(connection, own) if d.id == document_id and d.version == version]
            if not found:
                raise RequestRefusedError(
                    404, "unknown-document", "There is no such public document.", "See /open/catalog."
                )
            content = read_content(connection, own, document_id, version)
        # Never shown inside the page of this origin, whatever the file claims to be.
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=found[0].media_type, headers=headers)

    return api


def _known(dataset: str) -> str:
    if dataset not in DATASETS:
        raise RequestRefusedError(404, "unknown-dataset", "There is no such dataset.", "See /open/catalog.")
    return dataset


def _public_counts(connection: sa.Connection, own: str) -> dict[str, int]:
    query = (
        sa.select(record.c.dataset, sa.func.count())
        .where(record.c.source == own, record.c.public, record.c.dataset != DOCUMENTS)
        .group_by(record.c.dataset)
    )
    return {name: count for name, count in connection.execute(query) if name in DATASETS}


def _public_rows(connection: sa.Connection, own: str, dataset: str, after: int, limit: int) -> list[Any]:
    query = (
        sa.select(record.c.position, record.c.body, record.c.simulated)
        .where(record.c.source == own, record.c.public, record.c.dataset == dataset, record.c.position > after)
        .order_by(record.c.position)
        .limit(limit)
    )
    return list(connection.execute(query))


def _line(row: Any) -> bytes:
    # A body may hold line breaks between its members, never inside its texts: one record, one line.
    return bytes(row.body).replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def _dataset(base: str, node: Node, dataset: Dataset, size: int) -> dict[str, Any]:
    address = f"{base}/datasets/{dataset.id}"
    return {
        "@id": address,
        "@type": "dcat:Dataset",
        "dct:identifier": dataset.id,
        "dct:title": dataset.title,
        "dct:description": f"{dataset.description} {size} public records.",
        "dct:publisher": {"@id": node.identity.participant},
        "dct:conformsTo": {"@type": "dct:Standard", "dct:title": dataset.standard},
        "dcat:distribution": [
            _distribution(f"{address}/records", "application/x-ndjson", "JSON Lines, in pages"),
            _distribution(f"{address}/records.parquet", "application/vnd.apache.parquet", "Parquet, in pages"),
        ],
    }


def _document(base: str, node: Node, item: DocumentVersion) -> dict[str, Any]:
    address = f"{base}/documents/{item.id}/{item.version}"
    content = {
        "@id": f"{address}#dataset",
        "@type": "dcat:Dataset",
        "dct:identifier": f"{item.id}/{item.version}",
        "dct:title": item.title,
        "dct:description": f"{item.title} ({item.topic.replace('_', ' ')}), version {item.version}.",
        "dct:publisher": {"@id": node.identity.participant},
        "dct:issued": {"@type": "xsd:dateTime", "@value": item.added_at.isoformat()},
        "dcat:distribution": [
            _distribution(address, item.media_type, item.file_name)
            | {
                "dcat:byteSize": {"@type": "xsd:nonNegativeInteger", "@value": str(item.size_bytes)},
                "spdx:checksum": {
                    "@type": "spdx:Checksum",
                    "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
                    "spdx:checksumValue": item.digest,
                },
            }
        ],
    }
    if item.language:
        content["dct:language"] = item.language
    return content


def _distribution(address: str, media_type: str, title: str) -> dict[str, Any]:
    return {
        "@type": "dcat:Distribution",
        "@id": f"{address}#distribution",
        "dct:title": title,
        "dcat:accessURL": {"@id": address},
        "dcat:downloadURL": {"@id": address},
        "dcat:mediaType": {"@id": f"http://www.iana.org/assignments/media-types/{media_type}"},
    }


def _flat(body: dict[str, Any]) -> dict[str, Any]:
    return dict(_leaves(body, ""))


def _leaves(body: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in body.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            yield f"{prefix}{key}", json.dumps(value, ensure_ascii=False)
        else:
            yield f"{prefix}{key}", value


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Build columns from rows that need not have the same leaves; a column of mixed kinds becomes text."""
    names = sorted({name for row in rows for name in row})
    columns = []
    for name in names:
        values = [row.get(name) for row in rows]
        kinds = {type(value) for value in values if value is not None}
        if len(kinds) > 1 and kinds != {int, float}:
            values = [None if value is None else str(value) for value in values]
        columns.append(pa.array([float(v) if kinds == {int, float} and v is not None else v for v in values]))
    return pa.table(columns, names=names)
