"""What a zone is: polygons on the globe with a kind, a source and a grade.

Edges are straight in longitude and latitude (RFC 7946, section 3.1.1). An edge that spans more than half the globe
is taken to cross the antimeridian, unless it runs exactly from -180 to 180; a ring that goes once round the globe is
closed over the pole of its hemisphere.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sealane.errors import DataError, Fault
from sealane.movement.compiled import njit
from sealane.movement.geodesy import MEAN_RADIUS_M, destination

KINDS = ("berth", "anchorage", "port_limit", "eca", "speed_zone")
GRADES = ("A", "B", "C", "D")
# A circle becomes a polygon of this many corners on it: its radius is short by 0.1 % between corners.
CIRCLE_CORNERS = 72

Ring = tuple[tuple[float, float], ...]  # (lon, lat) corners, first repeated as last, longitudes unwrapped
Polygon = tuple[Ring, ...]  # outer ring, then holes


@dataclass(frozen=True)
class Zone:
    """One zone.

    Attributes
    ----------
    id : unique within its set.
    name : as shown to people.
    kind : one of :data:`KINDS`.
    port : UN/LOCODE the zone belongs to, or None.
    polygons : outer ring and holes of each part; (lon, lat) in degrees, WGS 84. Longitudes are continuous along a
        ring and may leave [-180, 180] where it crosses the antimeridian.
    source : publication or data the outline comes from.
    grade : A (the authority's own text) to D (our assumption, or learnt).
    eca : emissions here fall under an emission control area.
    nox_area : name of the NOx control area, or None.
    learnt : outline learnt from positions, not published.
    centre, radius_m : (lon, lat) and radius where the zone was given as a circle, else None.
    valid_from : first day the zone is in force, None if always.
    """

    id: str
    name: str
    kind: str
    port: str | None
    polygons: tuple[Polygon, ...]
    source: str
    grade: str = "D"
    eca: bool = False
    nox_area: str | None = None
    learnt: bool = False
    centre: tuple[float, float] | None = None
    radius_m: float | None = None
    valid_from: dt.date | None = None


@dataclass(frozen=True)
class ZoneSet:
    """Zones in a fixed order; the position of a zone in `zones` is its number in a zone index."""

    zones: tuple[Zone, ...]

    def __len__(self) -> int:
        return len(self.zones)

    def __iter__(self) -> Iterator[Zone]:
        return iter(self.zones)

    def __getitem__(self, number: int) -> Zone:
        return self.zones[number]

    def of_kind(self, kind: str) -> tuple[Zone, ...]:
        """Zones of one kind, in order."""
        return tuple(zone for zone in self.zones if zone.kind == kind)

    def plus(self, other: ZoneSet) -> ZoneSet:
        """Both sets, `other` after this one.

        Raises
        ------
        DataError : an id stands in both sets; all such ids are listed.
        """
        own = {zone.id for zone in self.zones}
        doubled = [zone for zone in other.zones if zone.id in own]
        if doubled:
            raise DataError(
                "Two zone sets cannot be used together.",
                [Fault(f"zone {z.id}", "this id stands in both sets", "Rename one of them.") for z in doubled],
            )
        return ZoneSet(self.zones + other.zones)


def circle_polygon(lon: float, lat: float, radius_m: float) -> Polygon:
    """Circle on the sphere as a polygon of :data:`CIRCLE_CORNERS` corners.

    Parameters
    ----------
    lon, lat : centre in degrees.
    radius_m : radius in metres.
    """
    corners = []
    for k in range(CIRCLE_CORNERS):
        corner_lat, corner_lon = destination(lat, lon, -360.0 * k / CIRCLE_CORNERS, radius_m)
        corners.append((corner_lon, corner_lat))
    return (unwrap((*corners, corners[0])),)


def polygon_area_m2(polygon: Polygon) -> float:
    """Area of a polygon on the sphere of mean radius, holes taken off, in square metres."""
    rings = [abs(_ring_area_m2(ring)) for ring in polygon]
    return rings[0] - sum(rings[1:])


def zone_area_m2(zone: Zone) -> float:
    """Area of all parts of a zone in square metres."""
    return sum(polygon_area_m2(polygon) for polygon in zone.polygons)


def _ring_area_m2(ring: Ring) -> float:
    total = 0.0
    for (lon1, lat1), (lon2, lat2) in pairwise(ring):
        total += math.radians(lon2 - lon1) * (math.sin(math.radians(lat1)) + math.sin(math.radians(lat2)))
    return 0.5 * total * MEAN_RADIUS_M**2


def unwrap(ring: Sequence[tuple[float, float]]) -> Ring:
    """Longitudes made continuous along the ring; a ring round a pole is closed over it."""
    out = [(float(ring[0][0]), float(ring[0][1]))]
    for (before, _), (lon, lat) in pairwise(ring):
        step = lon - before
        if abs(step) != 360.0:
            step -= 360.0 * round(step / 360.0)
        out.append((out[-1][0] + step, float(lat)))
    first, last = out[0][0], out[-1][0]
    if abs(last - first) > 180.0:
        pole = math.copysign(90.0, sum(lat for _, lat in out))
        out += [(last, pole), (first, pole), out[0]]
    return tuple(out)


@njit(cache=True)
def first_crossing(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> tuple[int, int]:
    """First pair of edges of a closed ring that properly cross, or (-1, -1).

    Edges are met by rising latitude, so that each is held against those beside it only; a coastline has many.
    """
    n = lon.size - 1
    low = np.minimum(lat[:-1], lat[1:])
    order = np.argsort(low)
    first_i, first_j = n, n
    for a in range(n):
        high = max(lat[order[a]], lat[order[a] + 1])
        for b in range(a + 1, n):
            if low[order[b]] > high:
                break
            i, j = min(order[a], order[b]), max(order[a], order[b])
            if j - i < 2 or (i == 0 and j == n - 1) or i > first_i or (i == first_i and j > first_j):
                continue
            ax, ay = lon[i + 1] - lon[i], lat[i + 1] - lat[i]
            bx, by = lon[j + 1] - lon[j], lat[j + 1] - lat[j]
            c1 = ax * (lat[j] - lat[i]) - ay * (lon[j] - lon[i])
            c2 = ax * (lat[j + 1] - lat[i]) - ay * (lon[j + 1] - lon[i])
            d1 = bx * (lat[i] - lat[j]) - by * (lon[i] - lon[j])
            d2 = bx * (lat[i + 1] - lat[j]) - by * (lon[i + 1] - lon[j])
            if c1 * c2 < 0.0 and d1 * d2 < 0.0:
                first_i, first_j = i, j
    return (first_i, first_j) if first_i < n else (-1, -1)
