"""Agreements as links between ports: the public ones of the catalogue and the signed ones of this node."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from sealane.agreements.catalogue import load_agreements
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.registry import list_agreements
from sealane.web.overview.models import Link


def links(connection: sa.Connection, partner: str | None = None, *, signed: bool) -> list[Link]:
    """Return agreements, oldest first.

    Parameters
    ----------
    partner : part of a name or a UN/LOCODE; only agreements with it.
    signed : also those signed on this node, which are the business of its parties and not of guests.
    """
    catalogue = load_agreements()
    found = []
    for agreement in catalogue.find(partner=partner) if partner else catalogue.agreements:
        parties = [one.party for one in agreement.parties]
        found.append(
            Link(
                id=agreement.id,
                title=agreement.title,
                kind=agreement.kind.value,
                year=agreement.year,
                parties=[party.name for party in parties],
                ports=[port.locode for party in parties for port in party.ports],
                signed=False,
                demonstration=False,
                page=f"/agreements/public/{agreement.id}",
            )
        )
    for held in list_agreements(connection) if signed else ():
        document = held.document
        if held.state is not AgreementState.IN_FORCE:
            continue
        names = [party.name for party in document.parties]
        ports = [port.locode for party in document.parties for port in party.ports]
        if partner and not any(partner.lower() in text.lower() for text in (*names, *ports)):
            continue
        found.append(
            Link(
                id=document.id,
                title=document.title,
                kind=document.kind.value,
                year=document.year,
                parties=names,
                ports=ports,
                signed=True,
                demonstration=document.demonstration,
                page=f"/agreements/{document.id}/{document.version}",
            )
        )
    return sorted(found, key=lambda link: (link.year or 9999, link.id))


def partner_names(found: Iterable[Link]) -> list[str]:
    """Return the names of all parties, once each."""
    return sorted({name for link in found for name in link.parties})
