"""Noise-free motion of a simulated ship: paths, speed along them, and stays.

Plane geometry in a local projection (metres east and north of a reference point in San Pedro Bay) is enough here: over
the 90 km of the simulated approach it differs from the sphere by less than 0.2 %, and speed and place come from the
same projection, so they agree with each other exactly.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

LAT0, LON0 = 33.72, -118.24
METRES_PER_DEG = math.pi / 180 * 6_371_008.8
MS_PER_KN = 1852 / 3600
STEP_S = 5.0
"""Time step of the noise-free track and of the truth made from it."""

_PATH_STEP_M = 20.0
_CREEP_MS = 0.05


class Point(NamedTuple):
    """Metres east and north of the reference point."""

    x: float
    y: float


def to_point(lon: float, lat: float) -> Point:
    """Degrees to local metres."""
    return Point((lon - LON0) * METRES_PER_DEG * math.cos(math.radians(LAT0)), (lat - LAT0) * METRES_PER_DEG)


def to_degrees(x: F64, y: F64) -> tuple[F64, F64]:
    """Local metres to (lat, lon)."""
    return LAT0 + y / METRES_PER_DEG, LON0 + x / (METRES_PER_DEG * math.cos(math.radians(LAT0)))


@dataclass(frozen=True)
class Berth:
    """A simulated berth: place, heading of a ship alongside, kind of ships, path from where the lanes meet."""

    name: str
    point: Point
    heading_deg: float
    ships: str
    path: tuple[Point, ...]


@dataclass(frozen=True)
class Places:
    """Everything the simulated ships sail by; paths of fairways begin where the lanes meet."""

    inbound: tuple[Point, ...]  # from the sea to where the lanes meet
    outbound: tuple[Point, ...]
    transit: tuple[Point, ...]  # past the bay, without a stop
    junction: Point
    gates: dict[str, tuple[Point, ...]]
    berths: tuple[Berth, ...]


def read_places_file() -> dict[str, Any]:
    """The GeoJSON of simulated places, with the source of each."""
    text = resources.files("sealane.samples").joinpath("data/simulated_los_angeles_places.geojson").read_text("utf-8")
    return json.loads(text)


@cache
def places() -> Places:
    """Lanes (midway between their published limits), simulated fairways and simulated berths."""
    features = read_places_file()["features"]
    points = {
        f["properties"]["kind"]: to_point(*f["geometry"]["coordinates"])
        for f in features
        if f["geometry"]["type"] == "Point" and f["properties"]["kind"] != "berth"
    }
    limits: dict[str, list[list[Point]]] = {"inbound": [], "outbound": []}
    fairways: dict[str, tuple[Point, ...]] = {}
    starts: dict[str, str] = {}
    for feature in features:
        properties = feature["properties"]
        if properties["kind"] == "lane_limit":
            limits[properties["lane"]].append([to_point(*c) for c in feature["geometry"]["coordinates"]])
        elif properties["kind"] == "fairway":
            fairways[properties["name"]] = tuple(to_point(*c) for c in feature["geometry"]["coordinates"])
            starts[properties["name"]] = properties["start"]
    lanes = {
        lane: [Point((a.x + b.x) / 2, (a.y + b.y) / 2) for a, b in zip(*pair, strict=True)]
        for lane, pair in limits.items()
    }
    junction, sea = points["junction"], points["sea_end"]

    def from_junction(name: str, until: Point) -> tuple[Point, ...]:
        """Path to the corner of the fairway that is nearest to `until`."""
        own = fairways[name]
        at = min(range(len(own)), key=lambda k: math.dist(own[k], until))
        before = () if starts[name] == "junction" else from_junction(starts[name], own[0])[:-1]
        return (*before, *own[: at + 1])

    berths = []
    for feature in features:
        properties = feature["properties"]
        if properties["kind"] == "berth":
            point = to_point(*feature["geometry"]["coordinates"])
            berths.append(
                Berth(
                    properties["name"],
                    point,
                    float(properties["heading_deg"]),
                    properties["ships"],
                    (*from_junction(properties["fairway"], point), point),
                )
            )
    return Places(
        inbound=(sea, *reversed(lanes["inbound"]), junction),
        outbound=(junction, *lanes["outbound"], sea),
        transit=(sea, *reversed(lanes["inbound"]), points["transit_end"]),
        junction=junction,
        gates={name: fairways[name] for name in ("Angels Gate", "Queens Gate")},
        berths=tuple(berths),
    )


def join_paths(start: tuple[Point, ...], end: tuple[Point, ...]) -> tuple[Point, ...]:
    """Path from the end of `start` to the end of `end`; both begin where the lanes meet."""
    common = 0
    while common < min(len(start), len(end)) and start[common] == end[common]:
        common += 1
    return (*reversed(start[max(common - 1, 0) :]), *end[common:])


class Motion(NamedTuple):
    """A passage on its own clock: seconds from its start, place and speed."""

    t_s: F64
    x: F64
    y: F64
    speed_ms: F64


def sail(
    path: tuple[Point, ...],
    limits_kn: tuple[tuple[float, float], ...],
    *,
    from_rest: bool,
    to_rest: bool,
    accel_ms2: float,
) -> Motion:
    """Sail a path as fast as the limits allow, with bounded acceleration.

    Parameters
    ----------
    path : corners, at least two.
    limits_kn : (distance from the end of the path in m, limit in kn), from far to near: the limit holds from that
        distance on towards the end.
    from_rest, to_rest : whether the ship starts or ends at rest.
    accel_ms2 : bound of acceleration and deceleration.
    """
    corners = np.array(path)
    legs = np.hypot(*np.diff(corners, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(legs)])
    total = along[-1]
    s = np.linspace(0.0, total, max(int(total / _PATH_STEP_M), 20) + 1)
    speed = np.full(len(s), limits_kn[0][1] * MS_PER_KN)
    for distance_m, limit_kn in limits_kn:
        speed[total - s <= distance_m] = limit_kn * MS_PER_KN
    ds = s[1] - s[0]
    if from_rest:
        speed[0] = _CREEP_MS
    if to_rest:
        speed[-1] = _CREEP_MS
    for k in range(1, len(s)):
        speed[k] = min(speed[k], math.sqrt(speed[k - 1] ** 2 + 2 * accel_ms2 * ds))
    for k in range(len(s) - 2, -1, -1):
        speed[k] = min(speed[k], math.sqrt(speed[k + 1] ** 2 + 2 * accel_ms2 * ds))
    # Constant acceleration within a step: time is distance over the mean speed.
    t_s = np.concatenate([[0.0], np.cumsum(2 * ds / (speed[1:] + speed[:-1]))])
    return Motion(t_s, np.interp(s, along, corners[:, 0]), np.interp(s, along, corners[:, 1]), speed)


def course_deg(x: F64, y: F64) -> F64:
    """Course over ground along a track [deg], 0 <= course < 360; the last value repeats the one before."""
    dx, dy = np.diff(x), np.diff(y)
    course = np.degrees(np.arctan2(dx, dy)) % 360
    return np.concatenate([course, course[-1:]])


def inside(x: F64, y: F64, polygons: tuple[tuple[F64, ...], ...]) -> NDArray[np.bool_]:
    """Points in any of the polygons, by the even-odd rule; plain NumPy, apart from the program's own index.

    Parameters
    ----------
    x, y : local metres, shape ``(n,)``.
    polygons : each a tuple of rings of shape ``(m, 2)``, first corner repeated as last; polygons may overlap.
    """
    found = np.zeros(len(x), np.bool_)
    for rings in polygons:
        within = np.zeros(len(x), np.bool_)
        for ring in rings:
            for (x1, y1), (x2, y2) in pairwise(ring.tolist()):
                if y1 == y2:
                    continue
                crosses = (y1 > y) != (y2 > y)
                within ^= crosses & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
        found |= within
    return found
