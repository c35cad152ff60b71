"""What the cargo pages answer: codes, ids and times; the words stand in the templates."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from sealane.web.derivation import Figure


class Shown(BaseModel):
    """Base of what a view answers."""

    model_config = ConfigDict(frozen=True)


class CargoKind(StrEnum):
    """What one can look for."""

    CONTAINER = "container"
    BILL_OF_LADING = "bill-of-lading"
    BOOKING = "booking"
    VOYAGE = "voyage"  # of a vessel: its IMO number, or IMO number, colon, voyage number


class Hit(Shown):
    """One thing the records held here name.

    Attributes
    ----------
    records : how many records name it.
    ports : UN/LOCODEs in them.
    newest_at : when the newest of them came to this node.
    """

    kind: CargoKind
    reference: str
    path: str
    records: Figure
    ports: list[str]
    newest_at: dt.datetime
    simulated: bool


class FollowShown(Shown):
    """A reference a person follows; `new` records name it that came since the person was last told."""

    id: str
    kind: CargoKind
    reference: str
    path: str
    new: int
    since: dt.datetime


class SearchPage(Shown):
    """What was looked for and found, and what the person follows.

    Attributes
    ----------
    wrong : what is wrong with a number that looks like a container's or an IMO number, for people; empty is well.
    more : more was found than is shown.
    """

    q: str
    hits: list[Hit]
    wrong: str
    more: bool
    follows: list[FollowShown]
    may_follow: bool


class SentTo(Shown):
    """What one partner was sent of an own record.

    Attributes
    ----------
    state : ``sent``, ``on_its_way``, ``withheld``, or ``no_clause`` where nothing was ever decided for the partner.
    path : explains record and partner.
    """

    partner: str
    partner_name: str
    state: str
    reason: str | None
    clause: str | None
    kept_back: int
    path: str


class Milestone(Shown):
    """One thing that happened or is expected, as one source tells it.

    Attributes
    ----------
    id : anchor on the page.
    step : place in the journey; ``other`` for what has none.
    what : in English, as the command line says it; pages word the codes.
    zone : time zone of the port, for local time.
    own : this port's own record; else `source_name` gave it under `clause`.
    kept_back : leaves of the data product that the clause does not let through.
    path : shows the message, the clause and the place in the log.
    """

    id: str
    at: dt.datetime | None
    classifier: str | None
    step: str
    what: str
    scheduled: bool
    mode: str | None
    port: str | None
    zone: str | None
    facility: str | None
    vessel_imo: str | None
    vessel_name: str | None
    voyages: list[str]
    equipment: str | None
    own: bool
    source: str
    source_name: str
    dataset: str
    record: str
    known_at: dt.datetime
    age_s: float
    simulated: bool
    agreement: str | None
    version: int | None
    clause: str | None
    terms_made_up: bool
    kept_back: list[str]
    sent_to: list[SentTo]
    in_conflict: bool
    path: str


class ConflictShown(Shown):
    """Sources that do not agree on the time of one step; `spread` is between the earliest and the latest."""

    step: str
    port: str | None
    zone: str | None
    vessel_imo: str | None
    spread: Figure
    milestones: list[Milestone]


class GapShown(Shown):
    """A step of the journey that no source tells as having happened; `why` is expected, untold or origin."""

    step: str
    port: str | None
    equipment: str | None
    why: str


class Mark(Shown):
    """One milestone on the strip: `x` and `row` are where it is drawn, 0 to 100 and lines from 0.

    `step`, `mode` and `what` say what happened, as in `Milestone`; `label` says the same in English.
    """

    x: float
    row: int
    classifier: str | None
    own: bool
    label: str
    step: str
    mode: str | None
    what: str
    at: dt.datetime
    milestone: str


class JourneyStrip(Shown):
    """The journey at a glance, a row per port; `ticks` are (day, x), `now_x` is None outside the span."""

    ports: list[str]
    ticks: list[tuple[dt.date, float]]
    marks: list[Mark]
    now_x: float | None


class NotAgreed(Shown):
    """Leaves that a clause of a partner does not let through."""

    source: str
    clause: str
    fields: list[str]


class JourneyPage(Shown):
    """The journey of one reference across the ports.

    Attributes
    ----------
    partners : participants whose share of the own records is shown.
    followed : id of the person's follow, None where it is not followed.
    """

    kind: CargoKind
    reference: str
    title: str
    milestones: list[Milestone]
    told: Figure
    sources: Figure
    conflicts: list[ConflictShown]
    gaps: list[GapShown]
    not_agreed: list[NotAgreed]
    strip: JourneyStrip | None
    simulated: bool
    made_up: list[str]
    followed: str | None
    may_follow: bool
    exports: dict[str, str]


class LogPlace(Shown):
    """An entry of this node's log about the message."""

    position: int
    kind: str
    logged_at: dt.datetime
    hash: str


class MilestonePage(Shown):
    """One record: the message as it came, the clause that let it through, and its place in store and log.

    Attributes
    ----------
    message : the very bytes as text; `digest` is their SHA-256.
    event, stream, sequence : of the exchange it came in; None for own records.
    came_as : ``own``, ``received`` or ``pulled``.
    """

    source: str
    source_name: str
    own: bool
    dataset: str
    record: str
    simulated: bool
    public: bool
    port: str | None
    zone: str | None
    occurred_at: dt.datetime | None
    known_at: dt.datetime
    received_at: dt.datetime
    position: int
    digest: str
    message: str
    import_id: str | None
    file_name: str | None
    came_as: str
    agreement: str | None
    version: int | None
    clause: str | None
    terms_made_up: bool
    kept_back: list[str]
    event: str | None
    stream: str | None
    sequence: int | None
    event_digest: str | None
    log: list[LogPlace]
    sent_to: list[SentTo]
