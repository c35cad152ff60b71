"""What a great circle runs through: named passages and polar waters, as bits of one number.

A passage is an arc across it, from shore to shore (table ``route_passages``); a line that crosses the arc runs through
the passage. Polar waters are those of MARPOL and of SOLAS chapter XIV (table ``polar_waters``): the ice limit of a
route, since a ship needs a Polar Ship Certificate beyond it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sealane.errors import ReferenceDataError
from sealane.movement.compiled import njit
from sealane.movement.geodesy import great_circle_nm, interpolate
from sealane.movement.routes.line import densify
from sealane.reference.loader import Table, load_spec
from sealane.reference.table_specs import routes as specs

Floats = NDArray[np.float64]
ARCTIC_BIT = 62
ANTARCTIC_BIT = 61
_LOOK_NM = 20.0  # polar waters are looked for this often: an arc that dips in for less goes a few cables beyond them
_CORNER_NM = 5.0  # lines of the definition are followed by chords of this length
_LIMIT_STEP_DEG = 0.02
_ARCTIC_NORTH_OF = 57.9  # no Arctic water lies south of this: the definition's southern corner is at 58 N
# A line may follow the limit of polar waters; chords of the limit bend this far over it.
_TOLERANCE_DEG = 0.05


@dataclass(frozen=True)
class Passage:
    """A named passage.

    Attributes
    ----------
    id : as given to ``--via`` and ``--avoid``.
    name : as shown to people.
    bit : its bit in the number :func:`marks` gives.
    lat1, lon1, lat2, lon2 : ends of the arc across it, on shore, degrees.
    """

    id: str
    name: str
    bit: int
    lat1: float
    lon1: float
    lat2: float
    lon2: float


class Limits(NamedTuple):
    """Passages and polar waters as compiled code takes them.

    Attributes
    ----------
    gates : (n, 6) unit vectors of both ends of each passage's arc, in the order of their bits.
    arctic : (m,) latitude north of which Arctic waters begin, at m longitudes evenly from -180 to 180, degrees.
    antarctic_lat : the Antarctic area lies south of it, degrees.
    """

    gates: Floats
    arctic: Floats
    antarctic_lat: float


def _spec(name: str) -> Table:
    return load_spec(next(spec for spec in specs.SPECS if spec.name == name))


@cache
def passages() -> Mapping[str, Passage]:
    """The named passages by id, in the order of the table."""
    corners: dict[str, dict[str, float]] = {}
    names: dict[str, str] = {}
    for row in _spec("route_passages").rows:
        corners.setdefault(row.text("passage"), {})[row.text("coordinate")] = row.value
        names[row.text("passage")] = row.text("name")
    if len(corners) > ANTARCTIC_BIT:
        raise ReferenceDataError(
            f"route_passages.csv names {len(corners)} passages; {ANTARCTIC_BIT} can be told apart."
        )
    wanted = ("lat1", "lon1", "lat2", "lon2")
    for name, given in corners.items():
        if given.keys() != set(wanted):
            raise ReferenceDataError(f"route_passages.csv: passage '{name}' needs one row each of {', '.join(wanted)}.")
    return {
        name: Passage(name, names[name], bit, *(corners[name][key] for key in wanted))
        for bit, name in enumerate(corners)
    }


def arctic_corners() -> list[tuple[float, float, str]]:
    """(lat, lon, line to the next corner) of Arctic waters, in order."""
    found: dict[str, dict[str, float]] = {}
    lines: dict[str, str] = {}
    for row in _spec("polar_waters").rows:
        if row.text("area") == "arctic":
            found.setdefault(row.text("corner"), {})[row.text("coordinate")] = row.value
            lines[row.text("corner")] = row.text("line")
    return [(found[n]["lat"], found[n]["lon"], lines[n]) for n in sorted(found)]


def arctic_limit() -> Floats:
    """Latitude north of which Arctic waters begin, degrees, at longitudes -180, -179.98, ... 180.

    The limit runs once round the pole and has one latitude at each longitude. Rhumb lines are followed as straight
    lines in longitude and isometric latitude, geodesics as great circles.
    """
    corners = arctic_corners()
    lats: list[float] = []
    lons: list[float] = []
    for (lat1, lon1, line), (lat2, lon2, _) in zip(corners, corners[1:] + corners[:1], strict=True):
        if line == "geodesic":
            lat, lon, _ = densify(np.array([lat1, lat2]), np.array([lon1, lon2]), _CORNER_NM)
        elif line == "rhumb":
            share = np.linspace(0.0, 1.0, max(2, math.ceil(great_circle_nm(lat1, lon1, lat2, lon2) / _CORNER_NM)))
            isometric = np.arctanh(np.sin(np.radians([lat1, lat2])))
            lat = np.degrees(np.arcsin(np.tanh(isometric[0] + share * (isometric[1] - isometric[0]))))
            lon = lon1 + share * (lon2 - lon1)
        else:
            lat, lon = np.array([lat1, lat2]), np.array([lon1, lon2])
        lats += lat[:-1].tolist()
        lons += lon[:-1].tolist()
    step = np.diff(np.array(lons))
    step -= 360.0 * np.round(step / 360.0)
    if not (step > 0.0).all():
        raise ReferenceDataError("polar_waters.csv: the corners of Arctic waters must follow one another eastward.")
    unwrapped = lons[0] + np.concatenate([[0.0], np.cumsum(step)])
    x, y = np.concatenate([unwrapped, unwrapped[:1] + 360.0]), np.array([*lats, lats[0]])
    at = np.linspace(-180.0, 180.0, round(360.0 / _LIMIT_STEP_DEG) + 1)
    return np.interp(np.where(at < x[0], at + 360.0, at), x, y)


def _unit(lat: float, lon: float) -> list[float]:
    y, x = math.radians(lat), math.radians(lon)
    return [math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)]


@cache
def limits() -> Limits:
    """The shipped passages and polar waters."""
    gates = np.array([_unit(p.lat1, p.lon1) + _unit(p.lat2, p.lon2) for p in passages().values()])
    south = next(row.value for row in _spec("polar_waters").rows if row.text("area") == "antarctic")
    return Limits(gates.reshape(-1, 6), arctic_limit(), south)


@njit(cache=True)
def _crosses(ax: float, ay: float, az: float, bx: float, by: float, bz: float, gate: Floats) -> bool:
    """Whether the arc a-b crosses the arc of a gate."""
    gx, gy, gz = gate[1] * gate[5] - gate[2] * gate[4], gate[2] * gate[3] - gate[0] * gate[5], 0.0
    gz = gate[0] * gate[4] - gate[1] * gate[3]
    sa = ax * gx + ay * gy + az * gz
    sb = bx * gx + by * gy + bz * gz
    if (sa > 0.0) == (sb > 0.0):
        return False
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    s1 = gate[0] * nx + gate[1] * ny + gate[2] * nz
    s2 = gate[3] * nx + gate[4] * ny + gate[5] * nz
    if (s1 > 0.0) == (s2 > 0.0):
        return False
    # Both great circles meet in two points; the arcs share the one on their own side of the globe.
    mx, my, mz = ax + bx, ay + by, az + bz
    px, py, pz = gate[0] + gate[3], gate[1] + gate[4], gate[2] + gate[5]
    qx, qy, qz = ny * gz - nz * gy, nz * gx - nx * gz, nx * gy - ny * gx
    return (mx * qx + my * qy + mz * qz > 0.0) == (px * qx + py * qy + pz * qz > 0.0)


@njit(cache=True)
def arctic_limit_at(limits: Limits, lon: float) -> float:
    """Latitude north of which Arctic waters begin at a longitude, degrees."""
    place = ((lon + 180.0) % 360.0) / _LIMIT_STEP_DEG
    low = min(int(place), limits.arctic.size - 2)
    share = place - low
    return (1.0 - share) * limits.arctic[low] + share * limits.arctic[low + 1]


@njit(cache=True)
def polar_bits(limits: Limits, lat: float, lon: float) -> np.uint64:
    """Bits of the polar waters a position lies in; a strip of 0.05 degrees inside their limit does not count."""
    if lat < limits.antarctic_lat - _TOLERANCE_DEG:
        return np.uint64(1) << np.uint64(ANTARCTIC_BIT)
    if lat > _ARCTIC_NORTH_OF and lat > arctic_limit_at(limits, lon) + _TOLERANCE_DEG:
        return np.uint64(1) << np.uint64(ARCTIC_BIT)
    return np.uint64(0)


@njit(cache=True)
def marks(limits: Limits, lat1: float, lon1: float, lat2: float, lon2: float) -> np.uint64:
    """Bits of the passages and polar waters a great circle runs through.

    Parameters
    ----------
    limits : Limits.
    lat1, lon1, lat2, lon2 : ends in degrees.

    Returns
    -------
    uint64; bit n is passage n, bits 61 and 62 the Antarctic area and Arctic waters.
    """
    y, x = math.radians(lat1), math.radians(lon1)
    ax, ay, az = math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)
    y, x = math.radians(lat2), math.radians(lon2)
    bx, by, bz = math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)
    bits = np.uint64(0)
    for k in range(limits.gates.shape[0]):
        if _crosses(ax, ay, az, bx, by, bz, limits.gates[k]):
            bits |= np.uint64(1) << np.uint64(k)
    # Where an arc climbs towards its middle from both ends, its vertex lies on it.
    dot = ax * bx + ay * by + az * bz
    climbs_a, climbs_b = bz - dot * az, az - dot * bz
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    size = math.sqrt(nx * nx + ny * ny + nz * nz)
    vertex = math.degrees(math.acos(min(1.0, abs(nz) / size))) if size > 0.0 else abs(lat1)
    north = vertex if climbs_a > 0.0 and climbs_b > 0.0 else max(lat1, lat2)
    south = -vertex if climbs_a < 0.0 and climbs_b < 0.0 else min(lat1, lat2)
    if north < _ARCTIC_NORTH_OF and south > limits.antarctic_lat:
        return bits
    sought = np.uint64(0)
    if north >= _ARCTIC_NORTH_OF:
        sought |= np.uint64(1) << np.uint64(ARCTIC_BIT)
    if south <= limits.antarctic_lat:
        sought |= np.uint64(1) << np.uint64(ANTARCTIC_BIT)
    length = great_circle_nm(lat1, lon1, lat2, lon2)
    along = 0.0
    while True:
        lat, lon = interpolate(lat1, lon1, lat2, lon2, along / length if length > 0.0 else 0.0)
        bits |= polar_bits(limits, lat, lon)
        if along >= length or bits & sought == sought:
            return bits
        # Nothing polar lies nearer than the difference in latitude; the Arctic limit itself is nowhere steeper than
        # one degree of latitude in one of longitude, so that it is further than 0.4 of that difference.
        arctic_nm = 60.0 * (_ARCTIC_NORTH_OF - lat)
        if arctic_nm <= 0.0:
            arctic_nm = 0.4 * 60.0 * (arctic_limit_at(limits, lon) - lat)
        ahead = min(arctic_nm, 60.0 * (lat - limits.antarctic_lat))
        along = min(along + max(_LOOK_NM, ahead), length)
