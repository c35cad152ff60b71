"""What an executable agreement document holds: the parties that sign, what flows, what is forbidden, what is promised.

A value of these classes is in normal form: sets are sorted, times are UTC, so that equal meaning compares equal.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from sealane.agreements.clauses import Clause, Prohibition, Terms
from sealane.agreements.fields import covers_name
from sealane.agreements.model import Kind, PartyKind, PartyPort, Status

# What two ports can sign; the other kinds of the catalogue describe and are not agreements themselves.
SIGNABLE = (Kind.SISTER, Kind.FRIENDSHIP, Kind.MOU, Kind.CORRIDOR)


class ActivityKind(StrEnum):
    """What sort of joint activity it is; a report tells how a commitment stands."""

    VISIT = "visit"
    MEETING = "meeting"
    WORKSHOP = "workshop"
    STUDY = "study"
    TRIAL = "trial"
    REPORT = "report"


class Aim(StrEnum):
    """On which side of its target an indicator is to end."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


PLANNABLE = tuple(kind for kind in ActivityKind if kind is not ActivityKind.REPORT)


@dataclass(frozen=True)
class DatasetFields:
    """Leaf names of a dataset: all of them, and those without which its standard is broken."""

    fields: tuple[str, ...]
    required: tuple[str, ...] = ()

    def knows(self, name: str) -> bool:
        """Say whether a name is a leaf or stands above one."""
        return any(covers_name((name,), leaf) for leaf in self.fields)


KnownDatasets = Mapping[str, DatasetFields]


@dataclass(frozen=True)
class DocumentParty:
    """A party, written out so that the document needs no other file; ``countries`` are ISO 3166-1 alpha-2."""

    id: str
    name: str
    kind: PartyKind
    countries: tuple[str, ...]
    ports: tuple[PartyPort, ...]


@dataclass(frozen=True)
class Participant:
    """A party that executes the agreement with a node of its own.

    Attributes
    ----------
    party : its party id.
    participant : its id towards other nodes, a URN or https address.
    origin : scheme, host and port of its node.
    root_key_x : its public Ed25519 root key, 32 bytes in base64url.
    """

    party: str
    participant: str
    origin: str
    root_key_x: str

    @property
    def root_key(self) -> dict[str, str]:
        """The root key as a public JWK (RFC 8037)."""
        return {"kty": "OKP", "crv": "Ed25519", "x": self.root_key_x}


@dataclass(frozen=True)
class AreaNamed:
    """An area of cooperation, with its name written out."""

    id: str
    name: str


@dataclass(frozen=True)
class SourceNamed:
    """Where the agreement is written; line numbers from 1, empty where there are none."""

    document: str
    lines: tuple[int, ...] = ()


@dataclass(frozen=True)
class Activity:
    """A joint activity the parties agree on; ``day`` is None where none is fixed."""

    id: str
    kind: ActivityKind
    title: str
    day: dt.date | None = None
    note: str | None = None


@dataclass(frozen=True)
class Commitment:
    """Who promises what by when, and the indicator that measures it.

    Attributes
    ----------
    by : party ids.
    due : the last day.
    indicator, unit : what is measured, and in which unit.
    target, aim : the value promised, and whether the indicator is to be at least or at most that; None where none is
        agreed.
    """

    id: str
    by: tuple[str, ...]
    what: str
    due: dt.date
    indicator: str
    unit: str | None = None
    target: float | None = None
    aim: Aim | None = None

    @property
    def measure(self) -> str:
        """The indicator, with its target and unit where there are any."""
        aim = f": {self.aim.value.replace('_', ' ')} {self.target:g}" if self.aim and self.target is not None else ""
        return f"{self.indicator}{aim}{f' {self.unit}' if self.unit else ''}"

    def reached_by(self, value: float | None) -> bool | None:
        """Say whether a value keeps the promise; None where no target is agreed or no value is known."""
        if value is None or self.target is None:
            return None
        return value >= self.target if self.aim is Aim.AT_LEAST else value <= self.target


@dataclass(frozen=True)
class AgreementDocument:
    """One version of an agreement that nodes execute.

    Attributes
    ----------
    supersedes : the version it takes the place of at ``valid_from``; None where there is none.
    valid_from, valid_until : half-open interval in UTC; None is open.
    demonstration : its terms are made up for a demonstration and stand in no real agreement.
    """

    id: str
    version: int
    title: str
    kind: Kind
    status: Status
    year: int | None
    date: dt.date | None
    valid_from: dt.datetime
    valid_until: dt.datetime | None
    demonstration: bool
    parties: tuple[DocumentParty, ...]
    participants: tuple[Participant, ...]
    supersedes: int | None = None
    facilitators: tuple[DocumentParty, ...] = ()
    areas: tuple[AreaNamed, ...] = ()
    antecedents: tuple[str, ...] = ()
    sources: tuple[SourceNamed, ...] = ()
    clauses: tuple[Clause, ...] = ()
    prohibitions: tuple[Prohibition, ...] = ()
    activities: tuple[Activity, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ref(self) -> str:
        """Id and version as ledger and messages name it."""
        return f"{self.id}/{self.version}"

    @property
    def label(self) -> str:
        """What every display says of its terms."""
        return "demonstration terms" if self.demonstration else "agreed terms"

    def participant_of(self, party: str) -> Participant | None:
        """Return who executes the agreement for a party."""
        return next((p for p in self.participants if p.party == party), None)

    def party_of(self, participant: str) -> str | None:
        """Return the party id of a participant id."""
        return next((p.party for p in self.participants if p.participant == participant), None)

    def names(self, participant: str) -> bool:
        """Say whether a participant id executes this agreement."""
        return self.party_of(participant) is not None

    def concerns(self, partner: str) -> bool:
        """Say whether a UN/LOCODE, country code, participant id or part of a name fits a party or facilitator."""
        code, text = partner.replace(" ", "").upper(), partner.casefold().strip()
        return any(
            code in party.countries
            or any(code == port.locode for port in party.ports)
            or (len(text) > 2 and any(text in name.casefold() for name in (party.id, party.name)))
            for party in self.parties + self.facilitators
        ) or self.names(partner)

    def terms(self, clause_id: str) -> Terms | None:
        """Return a clause with every prohibition, or None; it does not ask whether the agreement is in force."""
        return self._terms.get(clause_id)

    @functools.cached_property
    def _terms(self) -> dict[str, Terms]:
        # The same objects each time: what a decision works out about terms is kept with them.
        return {c.id: Terms(self.id, self.version, c, self.prohibitions) for c in self.clauses}

    def valid_at(self, now: dt.datetime) -> bool:
        """Say whether a time lies in the half-open interval of validity."""
        return self.valid_from <= now and (self.valid_until is None or now < self.valid_until)
