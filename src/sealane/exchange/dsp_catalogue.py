"""The catalogue as one participant sees it: the data products a clause in force lets it have, and the open ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.agreements.documents import AgreementDocument, document_bytes, document_digest
from sealane.database.tables.products import record
from sealane.errors import DataError, Fault, RequestRefusedError
from sealane.exchange.agreement_store import all_in_force, in_force
from sealane.exchange.dataspace import Dataspace, Row, TransferFormat
from sealane.exchange.dsp_messages import CONTEXT
from sealane.exchange.policies import Offer, canonical, offer_of, public_offer, read_offer, terms_of
from sealane.products.catalogue import DATASETS

OPEN_DATA_PATH = "/open"
MAX_FILTERS = 20
_FILTERS = ("dataset", "format")


@dataclass(frozen=True)
class ClauseOffers:
    """Offers of the clauses in force, asked for anew each time; nothing is remembered.

    Attributes
    ----------
    participant : id of this node, the provider.
    """

    participant: str

    def made_to(self, connection: sa.Connection, asking: str, now: dt.datetime) -> list[Offer]:
        """Return an offer for each clause that names the asking participant and is valid now."""
        found = []
        for document in all_in_force(connection, now):
            found += _offers(document, self.participant, asking, now)
        return sorted(found, key=lambda offer: offer.id)

    def public(self, connection: sa.Connection, now: dt.datetime) -> list[Offer]:
        """Return the data products of which this port has made records public."""
        own = sa.select(record.c.dataset).where(record.c.source == self.participant, record.c.public).distinct()
        return [public_offer(name, self.participant) for name in sorted(connection.scalars(own)) if name in DATASETS]

    def objection(self, connection: sa.Connection, negotiation: Row, now: dt.datetime) -> str | None:
        """Say why an agreement reached earlier lets nothing through now.

        The stored agreement is read again in full; whatever cannot be read, or is not the clause in force now, ends it.
        """
        try:
            agreed = read_offer(negotiation.agreement, "agreement")
            terms, digest = terms_of(agreed.policy, agreed.target)
        except DataError as error:
            return f"The stored agreement cannot be read: {error}"
        document = in_force(connection, terms.agreement_id, now)
        if document is None or document.version != terms.version:
            return f"Agreement {terms.agreement_id} version {terms.version} is not in force."
        current = document.terms(terms.clause.id)
        if current is None or canonical(current) != terms or document_digest(document_bytes(document)) != digest:
            return f"Clause {terms.clause.id} of {document.ref} is not what was agreed."
        if not _valid(current.clause.valid_from, current.clause.valid_until, now):
            return f"Clause {terms.clause.id} of {document.ref} is not valid now."
        return None


def offer_for(
    connection: sa.Connection, *, agreement_id: str, clause_id: str, provider: str, consumer: str, now: dt.datetime
) -> Offer:
    """Return the offer a clause of a common agreement makes; provider and consumer compute the same.

    Raises
    ------
    RequestRefusedError
        404 when the agreement is not in force, has no such clause, or the clause is not between these two.
    """
    document = in_force(connection, agreement_id, now)
    offers = [] if document is None else _offers(document, provider, consumer, now)
    for offer in offers:
        if offer.terms is not None and offer.terms.clause.id == clause_id:
            return offer
    raise RequestRefusedError(
        404,
        "no-such-clause",
        f"No clause {clause_id} of {agreement_id} lets {consumer} have data of {provider} now.",
        "See `sealane agreement show`.",
    )


def _offers(document: AgreementDocument, provider: str, asking: str, now: dt.datetime) -> list[Offer]:
    digest = document_digest(document_bytes(document))
    own, other = document.party_of(provider), document.party_of(asking)
    offers = []
    for clause in document.clauses:
        if own is None or other is None or clause.provider != own or other not in clause.recipients:
            continue
        terms = document.terms(clause.id)
        if terms is not None and _valid(clause.valid_from, clause.valid_until, now) and clause.dataset in DATASETS:
            offers.append(offer_of(terms, digest, provider, asking))
    return offers


def _valid(start: dt.datetime, end: dt.datetime | None, now: dt.datetime) -> bool:
    return start <= now and (end is None or now < end)


def catalogue(
    space: Dataspace, connection: sa.Connection, asking: str, now: dt.datetime, filters: Sequence[Any] = ()
) -> dict[str, Any]:
    """Return the Catalog for one participant.

    Parameters
    ----------
    filters : objects with ``dataset`` or ``format``; all must hold.

    Raises
    ------
    RequestRefusedError
        400 for a filter this node does not know.
    """
    wanted = _read_filters(filters)
    offers, public = space.offers.made_to(connection, asking, now), space.offers.public(connection, now)
    named = sorted({offer.target for offer in (*offers, *public)})
    datasets = [_dataset(space, name, offers, public) for name in named]
    kept = [dataset for dataset in datasets if _matches(dataset, wanted)]
    document: dict[str, Any] = {
        "@context": [CONTEXT],
        "@id": f"{space.address}/catalog",
        "@type": "Catalog",
        "participantId": space.participant,
        "service": [_service(space)],
    }
    return document | ({"dataset": kept} if kept else {})


def dataset(
    space: Dataspace, connection: sa.Connection, asking: str, dataset_id: str, now: dt.datetime
) -> dict[str, Any]:
    """Return one Dataset for one participant.

    Raises
    ------
    RequestRefusedError
        404 when there is none for it; the same whether or not others may have it.
    """
    offers, public = space.offers.made_to(connection, asking, now), space.offers.public(connection, now)
    if dataset_id not in {offer.target for offer in (*offers, *public)}:
        raise RequestRefusedError(
            404, "unknown-dataset", f"There is no dataset {dataset_id} for you.", "Ask for the catalogue."
        )
    return {"@context": [CONTEXT], **_dataset(space, dataset_id, offers, public)}


def _dataset(space: Dataspace, name: str, offers: Sequence[Offer], public: Sequence[Offer]) -> dict[str, Any]:
    made = [offer for offer in offers if offer.target == name]
    opened = [offer for offer in public if offer.target == name]
    service = f"{space.address}/service"
    distributions = [
        {"@type": "Distribution", "format": str(kind), "accessService": service} for kind in TransferFormat
    ]
    open_data = {
        "@type": "Distribution",
        "format": "Sealane-OPEN",
        "accessService": {
            "@id": f"{space.node.identity.origin}{OPEN_DATA_PATH}",
            "@type": "DataService",
            "endpointURL": f"{space.node.identity.origin}{OPEN_DATA_PATH}",
        },
    }
    known = DATASETS.get(name)
    described = {} if known is None else {"dct:title": known.title, "dct:conformsTo": known.standard}
    return {
        "@id": name,
        "@type": "Dataset",
        **described,
        "hasPolicy": [offer.document(with_target=False) for offer in (*made, *opened)],
        "distribution": [*(distributions if made else []), *([open_data] if opened else [])],
    }


def _service(space: Dataspace) -> dict[str, Any]:
    return {"@id": f"{space.address}/service", "@type": "DataService", "endpointURL": space.address}


def _read_filters(filters: Sequence[Any]) -> list[Mapping[str, str]]:
    faults = []
    if len(filters) > MAX_FILTERS:
        faults.append(Fault("filter", f"{len(filters)} filters", f"Send at most {MAX_FILTERS}."))
    for number, item in enumerate(filters[:MAX_FILTERS]):
        good = isinstance(item, dict) and set(item) <= set(_FILTERS) and all(isinstance(v, str) for v in item.values())
        if not good or not item:
            faults.append(Fault(f"filter[{number}]", "not known", f"Send an object with {' or '.join(_FILTERS)}."))
    if faults:
        detail = "The catalogue cannot be filtered so."
        raise RequestRefusedError(400, "filter", detail, "Leave the filter out, or correct it.", faults)
    return list(filters)


def _matches(dataset: Mapping[str, Any], wanted: Sequence[Mapping[str, str]]) -> bool:
    formats = {distribution["format"] for distribution in dataset["distribution"]}
    return all(
        item.get("dataset") in (None, dataset["@id"]) and (item.get("format") is None or item["format"] in formats)
        for item in wanted
    )
