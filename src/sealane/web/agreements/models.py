"""What the pages on agreements answer: codes, ids and times; the words stand in the templates."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from sealane.web.derivation import Figure

# PostgreSQL stores no NUL, in no text.
NO_NUL = r"^[^\x00]*$"


class Shown(BaseModel):
    """Base of what a view answers."""

    model_config = ConfigDict(frozen=True)


class PortShown(Shown):
    """A port a party stands for; `locode` is its UN/LOCODE."""

    name: str
    locode: str


class PartyShown(Shown):
    """A party as one agreement names it; `named` is the name its source prints, `own` says that it is this node's."""

    id: str
    name: str
    named: str
    kind: str
    countries: list[str]
    ports: list[PortShown]
    participant: str | None = None
    own: bool = False


class AreaShown(Shown):
    """An area of cooperation, a system or an aim; `kind` is None where only a party's document names it."""

    id: str
    name: str
    kind: str | None


class SourceShown(Shown):
    """Where an agreement is written; line numbers count from 1."""

    document: str
    title: str
    publisher: str
    lines: list[int]


class PublicAgreement(Shown):
    """An agreement of the public catalogue: facts of its source, and what the source does not tell.

    Attributes
    ----------
    silent : what no public document prints, as codes: year, day, areas, ports, clauses.
    executed : versions on this node that name it as where they come from.
    """

    id: str
    title: str
    kind: str
    status: str
    year: int | None
    date: dt.date | None
    parties: list[PartyShown]
    facilitators: list[PartyShown]
    separate_agreements: bool
    antecedents: list[str]
    areas: list[AreaShown]
    sources: list[SourceShown]
    notes: list[str]
    silent: list[str]
    executed: list[VersionLink]


class VersionLink(Shown):
    """A version of an executable agreement."""

    id: str
    version: int
    title: str
    standing: Standing


class Standing(StrEnum):
    """How a version stands now: its state, and for one in force whether it is valid at this time."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    RETIRED = "retired"
    DECLINED = "declined"


class VersionShown(Shown):
    """One version of an agreement that nodes execute, as it stands on this one.

    Attributes
    ----------
    terms_made_up : its terms are made up for a demonstration; every display says so.
    clauses : how many clauses on data it has.
    missing : participant ids that have not signed; `waits_for_us` says that this node's signature is one of them.
    undelivered : messages about it that a partner has not taken.
    """

    id: str
    version: int
    title: str
    kind: str
    standing: Standing
    terms_made_up: bool
    valid_from: dt.datetime
    valid_until: dt.datetime | None
    parties: list[PartyShown]
    antecedents: list[str]
    clauses: Figure
    digest: str
    proposed_by: str | None
    signed: Figure
    participants: Figure
    missing: list[str]
    waits_for_us: bool
    undelivered: int
    changed_at: dt.datetime
    ended_at: dt.datetime | None
    ended_by: str | None
    end_reason: str | None


class Year(Shown):
    """One year of the timeline."""

    year: int
    public: list[PublicAgreement]
    executed: list[VersionShown]


class Dot(Shown):
    """One agreement on the strip of years; `x` and `row` are where it is drawn: 0 to 100, and lines from 0."""

    x: float
    row: int
    kind: str
    title: str
    year: int
    link: str
    executed: bool


class Strip(Shown):
    """The years at a glance, a row per kind; `ticks` are (year, x)."""

    kinds: list[str]
    ticks: list[tuple[int, float]]
    dots: list[Dot]


class AgreementsPage(Shown):
    """The timeline of agreements: those of public documents, and those this node executes.

    Attributes
    ----------
    in_force, to_sign : None for guests, who see the public catalogue only.
    undated : without a printed year.
    general : what such agreements are about, as the source tells it; no agreement itself.
    """

    kind: str | None
    partner: str | None
    area: str | None
    kinds: list[str]
    public: Figure
    in_force: Figure | None
    to_sign: Figure | None
    waiting: list[VersionShown]
    executed: list[VersionShown]
    years: list[Year]
    undated: list[PublicAgreement]
    general: list[PublicAgreement]
    strip: Strip
    may_propose: bool


class AreaRow(Shown):
    """An area and who names it; `state` says how far this program serves it, `page` where that is described."""

    area: AreaShown
    named_in: list[SourceShown]
    agreements: list[str]
    count: Figure
    state: str
    command: str
    page: str
    note: str


class AreasPage(Shown):
    """Every area of cooperation, system and aim that the public documents name, and what serves it."""

    rows: list[AreaRow]
    built: Figure
    partly_built: Figure
    not_built: Figure


class PartyRow(Shown):
    """A party and its agreements, as (id, kind, year)."""

    party: PartyShown
    agreements: list[tuple[str, str, int | None]]


class PartiesPage(Shown):
    """Every party of the public catalogue."""

    rows: list[PartyRow]


class PublicPage(Shown):
    """One agreement as public documents tell of it, and what was done under it; activities are not for guests."""

    agreement: PublicAgreement
    grew_from: list[tuple[str, str]]
    grew_into: list[tuple[str, str]]
    activities: list[ActivityShown]
    may_record: bool


class AgreementPage(Shown):
    """One executable agreement: its versions on this node, newest first, and what was done under it."""

    id: str
    title: str
    versions: list[VersionShown]
    activities: list[ActivityShown]


class ActivitiesPage(Shown):
    """What was done under agreements, and what the parties promised; commitments of versions that bind."""

    kind: str | None
    done: list[ActivityShown]
    titles: dict[str, str]
    public_ids: list[str]


class ActivityShown(Shown):
    """What was done under an agreement; for a report also the commitment, and the value in its unit."""

    id: str
    agreement: str
    kind: str
    title: str
    day: dt.date
    note: str | None
    commitment: str | None
    value: float | None
    unit: str | None
    recorded_at: dt.datetime
