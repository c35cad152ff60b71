"""A map of a lane: legs between ports over the world's coast, centred on the lane, so that the Pacific is whole.

A plate carrée stretched to the latitude of its middle. Land is drawn from Natural Earth at 1:110 million:
an overview, not a chart for navigation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from itertools import pairwise

from sealane.movement.geodesy import normalise_lon
from sealane.reports import chart_canvas as canvas
from sealane.reports.chart_canvas import Chart, Drawing, Sheet
from sealane.reports.figures import number
from sealane.reports.tables import Column, Table

_MAX_WIDTH_PX = 7.0
_EDGE_DEG = 2.0  # longest straight piece of a line on the map
Points = Sequence[tuple[float, float]]
"""Latitudes and longitudes [deg]."""


@dataclass(frozen=True)
class Place:
    """A port: what stands beside its point, and where it lies [deg]."""

    name: str
    lat: float
    lon: float
    strong: bool = False


@dataclass(frozen=True)
class Way:
    """A leg as drawn: its points, its weight (the width of the line), words, and whether it was observed."""

    points: tuple[tuple[float, float], ...]
    weight: float
    words: str
    observed: bool = True


def great_circle(
    lat1: float, lon1: float, lat2: float, lon2: float, steps: int = 48
) -> tuple[tuple[float, float], ...]:
    """Points of the great circle between two places, ends included [deg]."""
    a, b = (_vector(lat1, lon1), _vector(lat2, lon2))
    angle = math.acos(max(-1.0, min(1.0, sum(p * q for p, q in zip(a, b, strict=True)))))
    if angle < 1e-9 or math.pi - angle < 1e-9:
        return ((lat1, lon1), (lat2, lon2))
    points = []
    for k in range(steps + 1):
        f, g = math.sin((1 - k / steps) * angle) / math.sin(angle), math.sin(k / steps * angle) / math.sin(angle)
        x, y, z = (f * p + g * q for p, q in zip(a, b, strict=True))
        points.append((math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))))
    return tuple(points)


def along(points: Points) -> tuple[tuple[float, float], ...]:
    """The points with more between them, so that long edges are drawn as the great circles they are."""
    dense: list[tuple[float, float]] = []
    for (lat1, lon1), (lat2, lon2) in pairwise(points):
        span = max(abs(lat2 - lat1), abs(normalise_lon(lon2 - lon1)))
        dense += great_circle(lat1, lon1, lat2, lon2, max(1, math.ceil(span / _EDGE_DEG)))[:-1]
    return (*dense, *points[-1:])


def _vector(lat: float, lon: float) -> tuple[float, float, float]:
    phi, lam = math.radians(lat), math.radians(lon)
    return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)


@cache
def _land() -> tuple[tuple[tuple[tuple[float, float], ...], ...], ...]:
    """Polygons of the world's land: rings of (longitude, latitude)."""
    text = resources.files("sealane.reports").joinpath("geo/world_land_110m.geojson").read_text("utf-8")
    coordinates = json.loads(text)["features"][0]["geometry"]["coordinates"]
    return tuple(tuple(tuple((float(x), float(y)) for x, y in ring) for ring in polygon) for polygon in coordinates)


@dataclass(frozen=True)
class _Window:
    lon0: float
    west: float
    east: float
    south: float
    north: float
    width: float

    @property
    def per_lon(self) -> float:
        return self.width / (self.east - self.west)

    @property
    def per_lat(self) -> float:
        return self.per_lon / math.cos(math.radians((self.south + self.north) / 2))

    @property
    def height(self) -> float:
        return (self.north - self.south) * self.per_lat

    def east_of(self, lon: float) -> float:
        return normalise_lon(lon - self.lon0)

    def xy(self, lat: float, east: float) -> tuple[float, float]:
        return (east - self.west) * self.per_lon, (self.north - lat) * self.per_lat


def _window(places: Sequence[Place], ways: Sequence[Way], width: float) -> _Window:
    """Window round everything drawn, turned so that the widest empty stretch of the globe is at its edge."""
    lats = [p.lat for p in places] + [lat for w in ways for lat, _ in w.points]
    every = [p.lon for p in places] + [lon for w in ways for _, lon in w.points]
    lons = sorted({round(normalise_lon(lon), 3) for lon in every})
    if not lons:
        return _Window(180.0, -100.0, 100.0, -60.0, 75.0, width)
    gaps = [(lons[(k + 1) % len(lons)] - lon) % 360.0 or 360.0 for k, lon in enumerate(lons)]
    k = max(range(len(lons)), key=lambda i: gaps[i])
    start = lons[(k + 1) % len(lons)]
    span = 360.0 - gaps[k]
    lon0 = normalise_lon(start + span / 2)
    pad = max(6.0, 0.07 * span)
    half = min(180.0, span / 2 + pad)
    south, north = max(-70.0, min(lats) - pad), min(80.0, max(lats) + pad)
    stretch = 1.0 / math.cos(math.radians((south + north) / 2))
    least = (0.42 if width == canvas.WIDE else 0.7) * 2 * half / stretch
    if north - south < least:
        more = (least - (north - south)) / 2
        south, north = max(-70.0, south - more), min(80.0, north + more)
    return _Window(lon0, -half, half, south, north, width)


def _unwrapped(ring: Sequence[tuple[float, float]], window: _Window) -> list[tuple[float, float]]:
    """Ring as (degrees east of the middle, latitude), never jumping by more than half the globe."""
    points: list[tuple[float, float]] = []
    for lon, lat in ring:
        east = window.east_of(lon)
        if points:
            while east - points[-1][0] > 180.0:
                east -= 360.0
            while east - points[-1][0] < -180.0:
                east += 360.0
        points.append((east, lat))
    return points


def _land_path(window: _Window) -> str:
    parts = []
    for polygon in _land():
        rings = [_unwrapped(ring, window) for ring in polygon]
        for turn in (-360.0, 0.0, 360.0):
            low, high = min(x for x, _ in rings[0]) + turn, max(x for x, _ in rings[0]) + turn
            if high < window.west or low > window.east:
                continue
            for ring in rings:
                parts.append(_ring_path(window, ring, turn))
    return "".join(parts)


def _ring_path(window: _Window, ring: Sequence[tuple[float, float]], turn: float) -> str:
    """Path of a ring; what lies far outside the window is drawn in to its edge, which changes nothing inside."""
    corners: list[tuple[str, str]] = []
    for east, lat in ring:
        x, y = window.xy(lat, east + turn)
        corner = (
            canvas.px(min(max(x, -20.0), window.width + 20.0)),
            canvas.px(min(max(y, -20.0), window.height + 20.0)),
        )
        if not corners or corners[-1] != corner:
            corners.append(corner)
    return "M" + "L".join(f"{x} {y}" for x, y in corners) + "Z" if len(corners) > 2 else ""


def _runs(window: _Window, points: Points) -> Iterator[list[tuple[float, float]]]:
    """Pieces of a way in pixels, cut where it leaves the map at one side and comes in at the other."""
    run: list[tuple[float, float]] = []
    last = None
    for lat, lon in points:
        east = window.east_of(lon)
        if last is not None and abs(east - last) > 180.0 and run:
            yield run
            run = []
        run.append(window.xy(lat, east))
        last = east
    if run:
        yield run


def lane_map(
    title: str,
    places: Sequence[Place],
    ways: Sequence[Way],
    *,
    unit: str = "",
    finding: str = "",
    note: str = "",
    table: Table | None = None,
) -> Chart:
    """Ports and the legs between them, heavier legs wider, legs not observed dashed.

    Parameters
    ----------
    places, ways : what is drawn; nothing drawn gives the Pacific.
    unit : of the ways' weights; '' for ways that are all drawn alike.
    table : beside the map; made from the ways where none is given.
    """
    top = max((w.weight for w in ways), default=0.0)
    ways = [replace(way, points=along(way.points)) for way in ways]

    def draw(width: float) -> Drawing:
        window = _window(places, ways, width)
        sheet = Sheet(width)
        height = window.height
        inner = Sheet(width)
        inner.rect(0, 0, width, height, "sea")
        inner.raw_path(_land_path(window), "land")
        for way in sorted(ways, key=lambda w: (-w.weight, w.words)):
            size = 1.2 + (_MAX_WIDTH_PX - 1.2) * way.weight / top if top and unit else 2.4
            for run in _runs(window, way.points):
                if len(run) > 1:
                    kind = f"way w{max(1, min(7, round(size)))}" + ("" if way.observed else " unseen")
                    inner.path(run, kind, words=way.words)
        sheet.window(inner, height)
        _names(sheet, window, places, height)
        sheet.rect(0, 0, width, height, "frame")
        below = height + 6
        if ways and (unit or not all(w.observed for w in ways)):
            _weights(sheet, below, width, top if unit else 0.0, unit, any(not w.observed for w in ways))
            below += 20
        return sheet.drawing(below)

    wide, narrow = canvas.draw_both(draw)
    if table is None:
        rows = [(w.words, w.weight, "observed" if w.observed else "filled") for w in ways]
        columns = (Column("leg", width=50), Column("weight", unit, "number"), Column("seen", width=12))
        table = Table(title, columns, rows)
    summary = f"{title}: map of {len(places)} ports and {len(ways)} legs. The legs stand in the table below."
    return Chart(title, summary, wide, narrow, table, finding, note)


def _names(sheet: Sheet, window: _Window, places: Sequence[Place], height: float) -> None:
    """Points of the ports, and their names where they find room: the strong ones first."""
    taken: list[tuple[float, float, float, float]] = []
    points = [(place, *window.xy(place.lat, window.east_of(place.lon))) for place in places]
    taken += [(x - 3, y - 3, x + 3, y + 3) for _, x, y in points]
    for place, x, y in sorted(points, key=lambda p: (not p[0].strong, p[0].name)):
        sheet.rect(x - 3, y - 3, 6, 6, "port strong" if place.strong else "port", place.name)
        wide = canvas.text_width(place.name) * (1.1 if place.strong else 1.0)
        spots = (
            *((x + 7, y + 4, "start"), (x - 7, y + 4, "end"), (x, y - 8, "middle"), (x, y + 17, "middle")),
            *((x + 6, y - 6, "start"), (x - 6, y - 6, "end"), (x + 6, y + 15, "start"), (x - 6, y + 15, "end")),
        )
        for tx, ty, anchor in spots:
            left = {"start": tx, "end": tx - wide, "middle": tx - wide / 2}[anchor]
            box = (left, ty - 10, left + wide, ty + 3)
            clear = all(box[2] < t[0] or t[2] < box[0] or box[3] < t[1] or t[3] < box[1] for t in taken)
            if clear and box[0] > 2 and box[2] < sheet.width - 2 and box[1] > 2 and box[3] < height - 2:
                taken.append(box)
                sheet.text(tx, ty, place.name, anchor, "halo" + (" bold" if place.strong else ""))
                break


def _weights(sheet: Sheet, y: float, width: float, top: float, unit: str, unseen: bool) -> None:
    """Key of the line widths."""
    x = 0.0
    if top:
        sheet.path([(x, y + 8), (x + 22, y + 8)], "way w7")
        text = f"{number(top)} {unit}, the heaviest leg"
        sheet.text(x + 28, y + 12, text)
        x += 28 + canvas.text_width(text) + 16
    if unseen and x + 30 + canvas.text_width("filled along the route") < width:
        sheet.path([(x, y + 8), (x + 22, y + 8)], "way w2 unseen")
        sheet.text(x + 28, y + 12, "filled along the route")
