"""What the corridor's pages answer."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel

from sealane.web.corridor.measures import Measure, Rule
from sealane.web.derivation import Figure


class End(BaseModel):
    """A port group at one end of a corridor."""

    name: str
    ports: list[str]


class Partner(BaseModel):
    """Who takes part, as what, and who says so."""

    name: str
    role: str
    source: str


class Statement(BaseModel):
    """What was published about a corridor: a goal of a year, or a fact."""

    item: str
    text: str
    year: int | None
    source: str
    grade: str | None = None


class StatedTarget(BaseModel):
    """A dated, measured promise of the document."""

    id: str
    year: int
    metric: str
    value: float | None
    reduction_pct: float | None
    source: str


class About(BaseModel):
    """A corridor's document.

    Attributes
    ----------
    shipped : the document comes with the product; else a result brought it.
    """

    id: str
    title: str
    status: str
    shipped: bool
    end_a: End
    end_b: End
    ship_classes: list[str]
    attribution: Rule
    baseline_year: int | None
    partners: list[Partner]
    targets: list[StatedTarget]
    goals: list[Statement]
    facts: list[Statement]
    notes: list[str]


class ResultRef(BaseModel):
    """A kept result, as a page names it."""

    id: str
    kind: str
    title: str
    begins_at: dt.datetime | None
    ends_at: dt.datetime | None
    simulated: bool
    method_edition: str
    created_at: dt.datetime
    created_by: str | None


class CorridorRow(BaseModel):
    """A corridor in the list.

    Attributes
    ----------
    results : number of kept results by kind.
    lane : what the newest lane emitted in its leading year, CO2e well-to-wake by the document's rule.
    """

    about: About
    results: dict[str, int]
    lane: Figure | None
    lane_year: int | None


class CorridorList(BaseModel):
    """All corridors the node knows."""

    corridors: list[CorridorRow]


class RuleRow(BaseModel):
    """The lane in one year by one attribution rule.

    Attributes
    ----------
    counts : the rule the corridor's document names.
    amount : of the chosen measure.
    """

    rule: Rule
    counts: bool
    voyages: Figure
    legs: Figure
    ships: Figure
    distance: Figure
    energy: Figure
    amount: Figure
    per_mj: Figure
    observed: Figure


class YearRow(BaseModel):
    """One year of the lane.

    Attributes
    ----------
    quarters : of which the data hold legs; fewer than 4: the year is not whole.
    target : what the document promises for the year in this measure; None where it promises nothing.
    """

    year: int
    quarters: Figure
    amount: Figure
    per_t_km: Figure
    target: Figure | None
    target_source: str = ""


class TargetRow(BaseModel):
    """A target beside what the lane did."""

    id: str
    year: int
    metric: str
    unit: str
    value: Figure
    baseline_year: int | None
    baseline: float | None
    latest_year: int
    actual: Figure
    gap: Figure
    state: str
    source: str


class CellRow(BaseModel):
    """The lane's amount in one place, by what the ships do."""

    place: str
    parts: dict[str, Figure]
    amount: Figure


class Missing(BaseModel):
    """What is missing or doubtful, and of how many."""

    what: str
    figure: Figure
    of: Figure


class Flag(BaseModel):
    """A doubt that legs carry, in words, and how many carry it."""

    name: str
    meaning: str
    legs: Figure


class LaneView(BaseModel):
    """A lane by the chosen rule.

    Attributes
    ----------
    result, others : the result shown, and the others of this corridor.
    year : the leading year: the last with at least half as many legs as the fullest, or the one asked for.
    """

    result: ResultRef
    others: list[ResultRef]
    rule: Rule
    document_rule: Rule
    measure: Measure
    year: int
    headline: dict[str, Figure]
    rules: list[RuleRow]
    years: list[YearRow]
    targets: list[TargetRow]
    places: list[CellRow]
    missing: list[Missing]
    flags: list[Flag]
    notes: list[str]
    simulated: bool


class Rotation(BaseModel):
    """Voyages that called at the same ports in the same order.

    Attributes
    ----------
    median, mean : median time in days and mean distance of the voyages of which they are known.
    """

    ports: str
    direction: str
    voyages: Figure
    direct: bool
    median: Figure
    mean: Figure
    amount: Figure


class Voyage(BaseModel):
    """One voyage of a ship from one end of the corridor to the other.

    Attributes
    ----------
    time, distance : from end to end, time in days.
    cargo : carried from end to end, in TEU where told, else in tonnes; None where not known.
    adds : what its legs add to the lane by the chosen rule.
    """

    voyage: str
    ship_name: str | None
    imo: int | None
    mmsi: int | None
    ship_class: str | None
    direction: str
    ports: str
    begin: dt.datetime | None
    end: dt.datetime | None
    year: int
    legs: int
    direct: bool
    too_long: bool
    time: Figure
    distance: Figure
    cargo: Figure | None
    adds: Figure


class Wanted(BaseModel):
    """What a list of voyages was narrowed down to."""

    year: int | None = None
    direction: str | None = None
    ports: str | None = None
    ship: str | None = None
    direct: bool | None = None


class VoyagesPage(BaseModel):
    """Rotations and voyages of a lane."""

    about: About
    result: ResultRef | None
    others: list[ResultRef] = []
    rule: Rule
    measure: Measure
    wanted: Wanted = Wanted()
    years: list[int] = []
    rotations: list[Rotation] = []
    rotations_in_all: Figure | None = None
    voyages: list[Voyage] = []
    found: Figure | None = None
    next: str | None = None
    simulated: bool = False


class CorridorPage(BaseModel):
    """A corridor: its document, its lane, and what else is kept of it.

    Attributes
    ----------
    arrivals : just-in-time potential at the corridor's ports, the newest study of each.
    map : address of what the map shows; None where no lane is kept.
    """

    about: About
    lane: LaneView | None
    rotations: list[Rotation]
    rotations_in_all: Figure | None
    arrivals: list[ArrivalBrief]
    scenarios: list[ResultRef]
    map: str | None


class NoticeRow(BaseModel):
    """What one notice of the berth's time would have saved at a port.

    Attributes
    ----------
    calls : to which the notice applies.
    fuel, co2e : net of hotel load and least speed; `gross_fuel` is what is usually quoted.
    before_fuel_t : fuel of the last stretch and the waiting, without notice.
    main, aux, boiler : net energy by source; hotel load is below 0 where it lasts longer.
    """

    notice: str
    calls: Figure
    fuel: Figure
    gross_fuel: Figure
    co2e: Figure
    gross_co2e: Figure
    nox: Figure
    energy: Figure
    main: Figure
    aux: Figure
    boiler: Figure
    waiting: Figure
    before_fuel_t: float


class ArrivalBrief(BaseModel):
    """What just-in-time arrival would have saved at a port of the corridor."""

    result: ResultRef
    port: str
    judged: Figure
    waited: Figure
    left_out: Figure
    notices: list[NoticeRow]


class Published(BaseModel):
    """The mean saving of a published study of container ships beside ours, % of a voyage's fuel."""

    notice: str
    published: Figure
    all_voyages: Figure
    waiting: Figure
    cubic: Figure
    voyages: Figure
    explanation: str


class Policy(BaseModel):
    """The queue replayed under one policy: who waits how long, where."""

    policy: str
    delay: Figure
    at_anchor: Figure
    sailed_slower: Figure
    fuel: Figure
    longest: Figure
    gini: Figure
    overtaken: Figure


class ArrivalCall(BaseModel):
    """One call and what notice would have saved it."""

    call_id: str
    ship_name: str | None
    imo: int | None
    arrival: dt.datetime | None
    wait: Figure
    speed: Figure
    new_speed: Figure
    bound: str
    grade: str | None
    fuel: Figure


class ArrivalPage(BaseModel):
    """Just-in-time arrival at the corridor's ports."""

    about: About
    ports: list[ArrivalBrief]
    chosen: ArrivalBrief | None
    notice: str | None = None
    published: list[Published] = []
    policies: list[Policy] = []
    calls: list[ArrivalCall] = []
    calls_in_all: Figure | None = None
    notes: list[str] = []
    minimum_speed: str = ""
    simulated: bool = False


CorridorPage.model_rebuild()
