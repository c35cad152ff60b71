"""What the pages of a port answer."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from sealane.web.derivation import Figure, Origin

StayKind = Literal["berth", "anchorage", "gap"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class PortResult(_Model):
    """An inventory that can be chosen."""

    id: str
    title: str
    begins_at: dt.datetime | None
    ends_at: dt.datetime | None
    simulated: bool
    method_edition: str
    created_at: dt.datetime


class PortRow(_Model):
    """A port with results, and figures of the newest."""

    unlocode: str
    name: str
    country: str
    zone: str | None
    results: Figure
    newest: PortResult
    calls: Figure
    co2e: Figure
    path: str


class PortList(_Model):
    """Ports that have results here."""

    ports: list[PortRow]


class Notice(_Model):
    """Something to know before a figure is trusted.

    Attributes
    ----------
    kind : empty, truncated, port_limit, learnt_zones, unobserved, filled, rejected, left_out, status, factors_missing
        or notes; the page has words for each.
    level : caution or note.
    figures : what it counts, in the order of the words.
    texts : sentences of the run itself.
    """

    kind: str
    level: Literal["caution", "note"]
    figures: list[Figure] = Field(default=[])
    texts: list[str] = Field(default=[])


class Bar(_Model):
    """A stay in a lane of the timeline.

    Attributes
    ----------
    row : place below each other where stays of a lane overlap, from 0.
    start, stop : UTC; of the stay itself, which the window may cut.
    start_seen, stop_seen : False where the data begin or end inside the stay.
    """

    call_id: str
    ship: str
    imo: int | None
    mmsi: int
    ship_class: str
    start: dt.datetime
    stop: dt.datetime
    start_seen: bool
    stop_seen: bool
    row: int
    path: str


class Lane(_Model):
    """A berth, an anchorage, or the lane of ships without reports."""

    kind: Literal["berth", "anchorage", "gap"]
    zone: str | None
    name: str
    grade: str | None
    rows: int
    bars: list[Bar]


class Tick(_Model):
    """A mark of the axis: a round time in UTC, and the port's own clock then where its zone is known."""

    at: dt.datetime
    local: dt.datetime | None


class Timeline(_Model):
    """Stays at berth and at anchor through a window of time.

    Attributes
    ----------
    begin, end : the window, UTC, half-open.
    stays : how many lie in it; more than are drawn where `cut`.
    first, last : of the whole result.
    ticks : marks of the axis.
    earlier, later, wider, closer : windows beside it, begin and end; None where there is none.
    """

    begin: dt.datetime
    end: dt.datetime
    first: dt.datetime
    last: dt.datetime
    lanes: list[Lane]
    stays: Figure
    cut: bool
    ticks: list[Tick]
    step_h: int
    earlier: tuple[dt.datetime, dt.datetime] | None
    later: tuple[dt.datetime, dt.datetime] | None
    closer: tuple[dt.datetime, dt.datetime] | None
    wider: tuple[dt.datetime, dt.datetime] | None


class CallRow(_Model):
    """A row of the calls table."""

    call_id: str
    ship: str | None
    imo: int | None
    mmsi: int
    ship_class: str | None
    subtype: str | None
    arrival: dt.datetime | None
    departure: dt.datetime | None
    first_seen: dt.datetime
    last_seen: dt.datetime
    berth: Figure
    anchorage: Figure
    mass: Figure
    unobserved: Figure
    gaps: Figure
    truncated: str
    confidence: Figure
    path: str


class CallList(_Model):
    """A page of the calls table.

    Attributes
    ----------
    found : calls that fit the filter.
    after : cursor of the next page; None on the last.
    """

    rows: list[CallRow]
    found: Figure
    found_all: Figure
    after: str | None
    classes: list[str]


class BreakdownRow(_Model):
    """A member of a dimension with its share of the emissions."""

    code: str
    hours: Figure | None
    energy: Figure
    mass: Figure
    share: Figure | None
    calls: Figure | None = None
    ships: Figure | None = None


class Breakdown(_Model):
    """Where emissions come from, by one dimension; `total` is what the rows add up to."""

    dimension: Literal["source", "mode", "ship_class"]
    rows: list[BreakdownRow]
    total: BreakdownRow


class PollutantRow(_Model):
    """One pollutant on one basis."""

    pollutant: str
    basis: str
    everywhere: Figure | None
    in_calls: Figure | None
    filled: Figure | None


class TrendRow(_Model):
    """A result of another period."""

    result: PortResult
    calls: Figure
    mass: Figure
    filled: Figure | None
    path: str


class Wanted(_Model):
    """What was asked for, as the page's forms show it."""

    ship: str = ""
    ship_class: str = ""
    confidence: str = ""
    truncated: str = ""
    sort: str = "arrival"
    order: str = "rising"
    after: str = ""
    begin: str = ""
    to: str = ""
    stays: Literal["chart", "table"] = "chart"


class PortPage(_Model):
    """A port: its newest or a chosen result; `map` is the address of what its map shows."""

    unlocode: str
    name: str
    country: str
    zone: str | None
    results: list[PortResult]
    chosen: PortResult | None
    pollutant: str
    basis: str
    scope: Literal["all", "calls"]
    wanted: Wanted
    measures: list[str] = Field(default=[])
    days: float = 0.0
    calls_count: Figure | None = None
    complete: Figure | None = None
    ships: Figure | None = None
    mass: Figure | None = None
    mass_everywhere: Figure | None = None
    berth: Figure | None = None
    anchorage: Figure | None = None
    notices: list[Notice] = Field(default=[])
    timeline: Timeline | None = None
    calls: CallList | None = None
    breakdowns: list[Breakdown] = Field(default=[])
    pollutants: list[PollutantRow] = Field(default=[])
    trend: list[TrendRow] = Field(default=[])
    trend_left_out: int = 0
    map: str | None = None


class Event(_Model):
    """An event of a call."""

    time: dt.datetime
    event: str
    zone: str | None
    zone_name: str | None


class ModeRow(_Model):
    """What a call did in one mode."""

    mode: str
    hours: Figure
    energy: Figure
    mass: Figure


class Particular(_Model):
    """A particular of a ship with where it comes from."""

    name: str
    value: str | float | None
    unit: str
    origin: Origin
    origin_words: str
    grade: str | None
    source: str


class Disagreement(_Model):
    """Something in a ship's reports that contradicts something else."""

    rule: str
    count: Figure
    meaning: str
    does: str


class StatementRow(_Model):
    """Hours a ship reported to be in a mode, and hours it was found in it."""

    mode: str
    reported: Figure
    decided: Figure


class Statement(_Model):
    """What a ship reported most of the time, against what was found most of the time."""

    reported: str
    decided: str
    rows: list[StatementRow]


class OtherCall(_Model):
    """Another call of the same ship in the same result."""

    call_id: str
    first_seen: dt.datetime
    last_seen: dt.datetime
    path: str


class CallPage(_Model):
    """One port call."""

    unlocode: str
    name: str
    zone: str | None
    result: PortResult
    call: CallRow
    port_path: str
    interpolated: Figure
    shifts: int
    events: list[Event]
    lanes: list[Lane]
    ticks: list[Tick]
    step_h: int
    modes: list[ModeRow]
    sources: list[BreakdownRow]
    total: ModeRow
    pollutant: str
    basis: str
    measures: list[str]
    pollutants: list[PollutantRow]
    particulars: list[Particular]
    vessel_notes: str
    statement: Statement | None
    disagreements: list[Disagreement]
    other_calls: list[OtherCall]
