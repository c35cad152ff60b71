"""Puts together what a map shows: of the overview, and of one result."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import sqlalchemy as sa

from sealane.node.context import Node
from sealane.reference.ports import find_port
from sealane.web.derivation import Figure
from sealane.web.results import Result, ResultKind
from sealane.web.tiles import kept
from sealane.web.tiles.labels import anchors
from sealane.web.tiles.models import HeatLegend, MapLane, MapLink, MapPort, MapResult, MapView, Place, Stay

if TYPE_CHECKING:
    from sealane.web.overview.models import Link

CENTRE: Place = (190.0, 28.0)
STEP_S = 600
LINE_STEP_NM = 120.0
MAX_STAYS = 500
MAX_RESULTS = 12
_WEST_EDGE = 10.0  # the map is centred on 190 E: lines are unwrapped into [10, 370)


def overview_map(
    node: Node, connection: sa.Connection, kept_results: Sequence[Result], *, day: dt.date | None, partner: str | None,
    corridor: str | None, signed: bool,
) -> MapView:  # fmt: skip
    """The map of the first page: agreements, lanes, and the ships and stays of a day.

    Parameters
    ----------
    kept_results : what the viewer may see, the newest period first.
    day : None takes the last day that an inventory speaks of.
    partner, corridor : only agreements with this partner, only this corridor's lane.
    signed : also the agreements signed on this node, which guests do not see.
    """
    from sealane.web.overview.links import links as agreement_links  # pages of other rooms draw maps with this module

    inventories = [one for one in kept_results if one.kind is ResultKind.INVENTORY]
    ends = [one.ends_at for one in inventories if one.ends_at]
    chosen = day or (max(ends).date() if ends else None)
    shown = _of_day(inventories, chosen) if chosen else []
    lanes = [one for one in kept_results if one.kind is ResultKind.LANE and corridor in (None, "", one.corridor)]
    drawn_lanes = lane_lines(lanes)
    drawn_links = [
        line for link in agreement_links(connection, partner or None, signed=signed) for line in _lines(link)
    ]
    own = {one.port for one in inventories if one.port} | {code for lane in drawn_lanes for code in lane.ports}
    own |= {code for link in drawn_links if link.signed for code in link.ports}
    others = {code for link in drawn_links for code in link.ports} - own
    query = "&".join(
        f"{name}={quote(str(value), safe='')}"
        for name, value in (("day", chosen), ("partner", partner), ("corridor", corridor))
        if value
    )
    begin = dt.datetime.combine(chosen, dt.time(), dt.UTC) if chosen else None
    end = begin + dt.timedelta(days=1) if begin else None
    return _view(
        node, None, chosen, begin, end, shown, _ports(own, others), drawn_links, drawn_lanes,
        "/overview/map" + (f"?{query}" if query else ""), None,
    )  # fmt: skip


def result_map(node: Node, result: Result, day: dt.date | None) -> MapView:
    """The map of one inventory; of a day, or of its last one."""
    end = result.ends_at
    chosen = day or (end.date() if end else None)
    begin = dt.datetime.combine(chosen, dt.time(), dt.UTC) if chosen else None
    own = {result.port} if result.port else set()
    following = begin + dt.timedelta(days=1) if begin else None
    table = f"/results/{result.id}/map" + (f"?day={chosen}" if chosen else "")
    ports, bounds = _ports(own, set()), _bounds(result)
    return _view(node, result.title, chosen, begin, following, [result], ports, [], [], table, bounds)


def _view(
    node: Node,
    title: str | None,
    day: dt.date | None,
    begin: dt.datetime | None,
    end: dt.datetime | None,
    shown: Sequence[Result],
    ports: list[MapPort],
    links: list[MapLink],
    lanes: list[MapLane],
    table: str,
    bounds: tuple[float, float, float, float] | None,
) -> MapView:
    stays = _stays(shown, begin, end) if begin and end else []
    ready = {one.id: kept.is_ready(node, one) for one in shown if kept.has_tracks(one)}
    return MapView(
        title=title,
        day=day,
        begins_at=begin,
        ends_at=end,
        at=_first_moment(shown, begin, end) if begin and end else None,
        step_s=STEP_S,
        centre=CENTRE,
        bounds=bounds,
        simulated=any(one.simulated for one in shown) or any(lane.simulated for lane in lanes),
        land="/api/v1/map/land/{z}/{x}/{y}.mvt",
        reference_zones="/api/v1/map/zones/{z}/{x}/{y}.mvt",
        ports=ports,
        links=links,
        lanes=lanes,
        results=[_result(one, ready.get(one.id) is True) for one in shown],
        stays=stays[:MAX_STAYS],
        stays_in_all=len(stays),
        preparing=any(state is False for state in ready.values()),
        table=table,
    )


def _first_moment(shown: Sequence[Result], begin: dt.datetime, end: dt.datetime) -> dt.datetime:
    """The last step of the day that some data reach, else its end."""
    ends = [one.ends_at for one in shown if one.ends_at and begin <= one.ends_at < end]
    last = max(ends) if ends else end - dt.timedelta(seconds=STEP_S)
    return begin + dt.timedelta(seconds=(last - begin).total_seconds() // STEP_S * STEP_S)


def _of_day(inventories: Iterable[Result], day: dt.date) -> list[Result]:
    """The newest inventory of each port that speaks of a day."""
    begin = dt.datetime.combine(day, dt.time(), dt.UTC)
    end = begin + dt.timedelta(days=1)
    found: dict[str | None, Result] = {}
    for one in sorted(inventories, key=lambda result: result.created_at, reverse=True):
        if one.begins_at and one.ends_at and one.begins_at < end and one.ends_at >= begin:
            found.setdefault(one.port, one)
    return list(found.values())[:MAX_RESULTS]


def _result(result: Result, has_tracks: bool) -> MapResult:
    base = f"/api/v1/results/{result.id}"
    return MapResult(
        id=result.id,
        title=result.title,
        port=result.port,
        begins_at=result.begins_at,
        ends_at=result.ends_at,
        simulated=result.simulated,
        page=f"/ports/{result.port}" if result.port else "/reports",
        tracks=f"{base}/tiles/tracks/{{z}}/{{x}}/{{y}}.mvt" if has_tracks else None,
        ships=f"{base}/ships" if has_tracks else None,
        calls=f"{base}/tiles/calls/{{z}}/{{x}}/{{y}}.mvt",
        zones=f"{base}/tiles/zones/{{z}}/{{x}}/{{y}}.mvt",
        heat=f"{base}/tiles/heat/{{z}}/{{x}}/{{y}}.mvt",
        legends=[
            HeatLegend(pollutant=name, bounds=list(kept.classes_of(result.folder, name)))
            for name in kept.pollutants_of(result.folder)
        ],
    )


def _stays(shown: Sequence[Result], begin: dt.datetime, end: dt.datetime) -> list[Stay]:
    found = [
        Stay(
            result=result.id,
            call_id=str(row["call_id"]),
            mmsi=int(row["mmsi"] or 0),
            name=str(row["name"]) if row["name"] else None,
            ship_class=str(row["class"]) if row["class"] else None,
            kind=str(row["kind"]),
            zone=str(row["zone"]),
            begin=dt.datetime.fromisoformat(str(row["begin"])),
            end=dt.datetime.fromisoformat(str(row["end"])) if row["end"] else None,
            simulated=result.simulated,
            page=f"/ports/{result.port}/calls/{result.id}/{row['call_id']}",
        )
        for result in shown
        for row in kept.calls_between(result.folder, begin, end).rows
    ]
    return sorted(found, key=lambda stay: (stay.begin, stay.call_id))


def _bounds(result: Result) -> tuple[float, float, float, float] | None:
    """Box of the port's limit, berths and anchorages."""
    corners = [
        corner
        for zone in kept.zones_of(result.folder)
        if zone.port == result.port and zone.kind in ("port_limit", "berth", "anchorage")
        for polygon in zone.polygons
        for corner in polygon[0]
    ]
    if not corners:
        return None
    first = corners[0][0]
    lons = [first + (lon - first + 180.0) % 360.0 - 180.0 for lon, _ in corners]
    turn = 360.0 if min(lons) < _WEST_EDGE else 0.0
    lats = [lat for _, lat in corners]
    return min(lons) + turn, min(lats), max(lons) + turn, max(lats)


def _ports(own: set[str], others: set[str]) -> list[MapPort]:
    known = [
        (rank, port)
        for rank, codes in ((1, own), (2, others))
        for code in sorted(codes)
        if (port := find_port(code)) is not None
    ]
    corners = anchors([(port.lon, port.lat) for _, port in known])
    return [
        MapPort(
            unlocode=port.locode,
            name=port.name.partition(",")[0].partition(" (")[0],
            lon=_east(port.lon),
            lat=port.lat,
            rank=rank,
            anchor=anchor,
            page=f"/ports/{port.locode}" if rank == 1 else None,
        )
        for (rank, port), anchor in zip(known, corners, strict=True)
    ]


def _east(lon: float) -> float:
    return (lon - _WEST_EDGE) % 360.0 + _WEST_EDGE


def _lines(link: Link) -> list[MapLink]:
    """An agreement as lines from its first port to each other one; none where fewer than two ports are known."""
    codes = [code for code in dict.fromkeys(link.ports) if find_port(code) is not None]
    return [
        MapLink(
            id=link.id,
            title=link.title,
            kind=link.kind,
            year=link.year,
            ports=(codes[0], other),
            line=great_circle(codes[0], other),
            signed=link.signed,
            demonstration=link.demonstration,
            page=link.page,
        )
        for other in codes[1:]
    ]


@lru_cache(512)
def _great_circle(a: str, b: str) -> tuple[Place, ...]:
    from sealane.movement.routes.line import densify

    ends = (find_port(a), find_port(b))
    lat = np.array([port.lat for port in ends if port], np.float64)
    lon = np.array([port.lon for port in ends if port], np.float64)
    return unwrapped(*densify(lat, lon, LINE_STEP_NM)[:2])


def great_circle(a: str, b: str) -> list[Place]:
    """Points along the great circle between two ports, without a break at the antimeridian."""
    return list(_great_circle(a, b))


def unwrapped(lat: np.ndarray, lon: np.ndarray) -> tuple[Place, ...]:
    """Points of a line, continuous in longitude and around the middle of the map."""
    steps = (np.diff(lon, prepend=lon[0]) + 180.0) % 360.0 - 180.0
    east = lon[0] + np.cumsum(steps)
    middle = (east.min() + east.max()) / 2
    east += _east(float(middle)) - middle
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y in zip(east, lat, strict=True))


@lru_cache(128)
def sea_way(a: str, b: str) -> tuple[tuple[Place, ...], float]:
    """The shortest way over water between two ports, and its length [nm]."""
    from sealane.movement.routes.find import route
    from sealane.movement.routes.line import densify
    from sealane.movement.zone_shapes import ZoneSet

    found = route(a, b, zones=ZoneSet(()))
    lat, lon, _ = densify(np.asarray(found.lat), np.asarray(found.lon), LINE_STEP_NM)
    return unwrapped(lat, lon), found.distance_nm


def way_figure(result_id: str, a: str, b: str, distance_nm: float) -> Figure:
    """The length of the shortest way between two ports of a lane as a figure."""
    return Figure(value=distance_nm, quantity="distance_nm", explain=f"/explain/way/{result_id}?a={a}&b={b}")


def legs_figure(result_id: str, a: str, b: str, number: int, rule: str, *, simulated: bool) -> Figure:
    """The legs that a rule counts between two ports as a figure."""
    at = f"/explain/way/{result_id}?a={a}&b={b}&legs=true&rule={rule}"
    return Figure(value=number, quantity="count", explain=at, simulated=simulated)


def lane_lines(lanes: Iterable[Result]) -> list[MapLane]:
    """Lanes of results, the newest of each corridor: the way between the first ports of both ends."""
    import json

    newest: dict[str | None, Result] = {}
    for result in sorted(lanes, key=lambda one: one.created_at, reverse=True):
        newest.setdefault(result.corridor, result)
    found = []
    for result in newest.values():
        corridor = json.loads((result.folder / "lane.json").read_text("utf-8"))["corridor"]
        ends = [corridor[name]["ports"][0] for name in ("end_a", "end_b")]
        line, distance_nm = sea_way(ends[0], ends[1])
        found.append(
            MapLane(
                result=result.id,
                title=result.title,
                ports=(ends[0], ends[1]),
                line=list(line),
                distance_nm=distance_nm,
                distance=way_figure(result.id, ends[0], ends[1], distance_nm),
                simulated=result.simulated,
                page=f"/corridors/{result.corridor}",
            )
        )
    return found
