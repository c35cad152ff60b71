"""Which leaves of a data product a clause holds back; shown beside a partner's record."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from sealane.agreements.documents import parse_document
from sealane.agreements.fields import covers_name
from sealane.database.tables.agreements import agreement
from sealane.products.dataset import Dataset


def held_back_by(
    connection: sa.Connection, datasets: Mapping[str, Dataset]
) -> Callable[[str, int, str], tuple[str, ...]]:
    """Return a function (agreement id, version, clause id) -> leaves of its dataset that the clause does not name.

    A prohibition's leaves count as held back. For a clause this node does not know, every leaf is.
    """
    known: dict[tuple[str, int, str], tuple[str, ...]] = {}

    def held_back(agreement_id: str, version: int, clause_id: str) -> tuple[str, ...]:
        key = (agreement_id, version, clause_id)
        if key not in known:
            known[key] = _held_back(connection, datasets, *key)
        return known[key]

    return held_back


def _held_back(
    connection: sa.Connection, datasets: Mapping[str, Dataset], agreement_id: str, version: int, clause_id: str
) -> tuple[str, ...]:
    content = connection.execute(
        sa.select(agreement.c.document).where(agreement.c.id == agreement_id, agreement.c.version == version)
    ).scalar_one_or_none()
    terms = parse_document(bytes(content)).terms(clause_id) if content is not None else None
    if terms is None:
        return ("every field: this node does not know the clause",)
    dataset = datasets.get(terms.clause.dataset)
    leaves = dataset.fields if dataset is not None else ()
    forbidden = tuple(name for prohibition in terms.prohibitions for name in prohibition.fields)
    return tuple(leaf for leaf in leaves if not covers_name(terms.clause.fields, leaf) or covers_name(forbidden, leaf))
