"""Who promised what to whom: the agreements between partner ports as public documents describe them."""

from sealane.agreements.catalogue import Catalogue, load_agreements, read_agreements
from sealane.agreements.model import (
    Agreement,
    Area,
    AreaKind,
    Kind,
    Participation,
    Party,
    PartyKind,
    PartyPort,
    SourceDocument,
    SourceLines,
    Status,
)

__all__ = [
    "Agreement",
    "Area",
    "AreaKind",
    "Catalogue",
    "Kind",
    "Participation",
    "Party",
    "PartyKind",
    "PartyPort",
    "SourceDocument",
    "SourceLines",
    "Status",
    "load_agreements",
    "read_agreements",
]
