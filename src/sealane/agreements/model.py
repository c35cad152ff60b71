"""What an agreement between ports is: its kind, its parties, its areas of cooperation and its source.

A document of the catalogue records facts of a public source and nothing else. None of the public documents holds a
clause on data, so an agreement here lets no data through; those that run are `sealane.agreements.documents`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of agreement a document describes."""

    SISTER = "sister"
    FRIENDSHIP = "friendship"
    MOU = "mou"
    CORRIDOR = "corridor"
    ANTECEDENT = "antecedent"
    GENERAL = "general"


class Status(StrEnum):
    """How far the agreement had come when the source was published."""

    LISTED = "listed"
    INTENDED = "intended"
    SIGNED = "signed"
    ESTABLISHED = "established"


class PartyKind(StrEnum):
    """What sort of body a party is."""

    PORT = "port"
    PORT_AUTHORITY = "port_authority"
    PORT_COMPANY = "port_company"
    CITY = "city"
    CITY_NETWORK = "city_network"


class AreaKind(StrEnum):
    """Whether the source names a field of cooperation, a system, or an aim."""

    AREA = "area"
    SYSTEM = "system"
    AIM = "aim"


@dataclass(frozen=True)
class PartyPort:
    """A port a party stands for: its name and its UN/LOCODE (five characters, no space)."""

    name: str
    locode: str


@dataclass(frozen=True)
class Party:
    """A body that enters agreements; ``countries`` are ISO 3166-1 alpha-2 codes."""

    id: str
    name: str
    kind: PartyKind
    countries: tuple[str, ...]
    ports: tuple[PartyPort, ...]


@dataclass(frozen=True)
class Participation:
    """A party in one agreement, with the name the source gives it there."""

    party: Party
    named: str


@dataclass(frozen=True)
class SourceDocument:
    """A public document the facts are read from."""

    id: str
    title: str
    publisher: str
    read_as_of: int


@dataclass(frozen=True)
class SourceLines:
    """Where in a source document a fact stands; line numbers count from 1."""

    document: SourceDocument
    lines: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.document.id} line{'s' if len(self.lines) > 1 else ''} {', '.join(map(str, self.lines))}"


@dataclass(frozen=True)
class Area:
    """An area of cooperation, a system or an aim that the sources name."""

    id: str
    name: str
    kind: AreaKind
    named_in: tuple[SourceLines, ...]


@dataclass(frozen=True)
class Agreement:
    """One agreement as its source describes it.

    Attributes
    ----------
    year : as printed; None where none is printed.
    date : day of signing; None where none is printed.
    separate_agreements : True where one document stands for one agreement with each partner.
    antecedents : ids of the agreements this one grew out of.
    notes : our readings, where the sources are silent or disagree.
    """

    id: str
    title: str
    kind: Kind
    status: Status
    year: int | None
    date: dt.date | None
    parties: tuple[Participation, ...]
    facilitators: tuple[Participation, ...]
    separate_agreements: bool
    antecedents: tuple[str, ...]
    areas: tuple[Area, ...]
    sources: tuple[SourceLines, ...]
    notes: tuple[str, ...]
