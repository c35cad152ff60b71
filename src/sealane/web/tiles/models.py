"""What the map is told: the same for scripts, for the map's own module, and for the table that shows it in words."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel

from sealane.web.derivation import Figure

Place = tuple[float, float]
"""Longitude and latitude [deg]; the longitude may lie beyond 180, so that a line over the Pacific has no break."""


class MapPort(BaseModel):
    """A port.

    Attributes
    ----------
    rank : 1 for ports with results, signed agreements or lanes of this node, 2 for others.
    anchor : corner of its label that stands at the port, so that labels of neighbours keep apart.
    """

    unlocode: str
    name: str
    lon: float
    lat: float
    rank: int
    anchor: str
    page: str | None


class MapLink(BaseModel):
    """An agreement between two ports, drawn along the great circle between them."""

    id: str
    title: str
    kind: str
    year: int | None
    ports: tuple[str, str]
    line: list[Place]
    signed: bool
    demonstration: bool
    page: str


class MapLane(BaseModel):
    """A lane of a corridor, drawn along the shortest way over water; ships' own tracks may differ.

    Attributes
    ----------
    distance_nm, distance : length of that way; None where none was found and the great circle is drawn.
    legs : that count along it; None where the line stands for the whole lane.
    """

    result: str
    title: str
    ports: tuple[str, str]
    line: list[Place]
    distance_nm: float | None
    distance: Figure | None
    legs: Figure | None = None
    simulated: bool
    page: str


class HeatLegend(BaseModel):
    """Lower bounds of a pollutant's classes [kg/km2 over the result's period]."""

    pollutant: str
    bounds: list[float]


class MapResult(BaseModel):
    """An inventory on the map; addresses of tiles hold {z}, {x} and {y}.

    Attributes
    ----------
    tracks, ships : None where the run kept no tracks. `ships` answers rows, asked with ``at``.
    """

    id: str
    title: str
    port: str | None
    begins_at: dt.datetime | None
    ends_at: dt.datetime | None
    simulated: bool
    page: str
    tracks: str | None
    ships: str | None
    calls: str
    zones: str
    heat: str
    legends: list[HeatLegend]


class MapView(BaseModel):
    """A map.

    Attributes
    ----------
    begins_at, ends_at : half-open period of the time slider; None where nothing on the map has a time.
    at : the moment it begins with.
    step_s : of the slider.
    bounds : west, south, east, north that it begins with [deg]; None for the whole Pacific.
    preparing : tracks of some result are being made ready for the map; ask again.
    table : page that says the same in words.
    """

    title: str | None
    day: dt.date | None
    begins_at: dt.datetime | None
    ends_at: dt.datetime | None
    at: dt.datetime | None
    step_s: int
    centre: Place
    bounds: tuple[float, float, float, float] | None
    simulated: bool
    land: str
    reference_zones: str
    ports: list[MapPort]
    links: list[MapLink]
    lanes: list[MapLane]
    results: list[MapResult]
    stays: list[Stay]
    stays_in_all: int
    preparing: bool = False
    table: str


class Stay(BaseModel):
    """A stay of a ship at berth or anchor; `end` is None where it was not seen."""

    result: str
    call_id: str
    mmsi: int
    name: str | None
    ship_class: str | None
    kind: str
    zone: str
    begin: dt.datetime
    end: dt.datetime | None
    simulated: bool
    page: str


class Ship(BaseModel):
    """A ship at a moment: its last report before it.

    Attributes
    ----------
    age_s : of the report.
    silent : nobody heard it for longer than the gap limit, but later again.
    """

    mmsi: int
    name: str | None
    ship_class: str | None
    lon: float
    lat: float
    speed_kn: float | None
    heading_deg: int | None
    reported_at: dt.datetime
    age_s: int
    silent: bool


class Ships(BaseModel):
    """Ships at a moment; at most `MAX_SHIPS`, `present` says how many there are."""

    result: str
    at: dt.datetime
    simulated: bool
    present: int
    ships: list[Ship]


MapView.model_rebuild()
