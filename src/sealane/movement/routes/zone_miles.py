"""Miles of a line inside zones: emission control areas, speed zones, or any other."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.movement.geodesy import great_circle_nm, interpolate
from sealane.movement.zone_index import ZoneIndex, locate
from sealane.movement.zone_shapes import KINDS, Zone, ZoneSet
from sealane.movement.zones import GEO, eca_zones, read_zones

Floats = NDArray[np.float64]
STEP_NM = 2.0
"""A line is looked at this often; a zone narrower than this along the line may be missed."""
_HALVINGS = 12  # places the boundary to STEP_NM / 4096


@cache
def route_zones() -> ZoneSet:
    """The shipped zones a route is measured in: emission control areas and speed zones."""
    zones = eca_zones()
    speed = GEO / "speed_zones.geojson"
    if speed.exists():
        zones = zones.plus(ZoneSet(read_zones(speed).of_kind("speed_zone")))
    return zones


@lru_cache(maxsize=512)
def _index(zone: Zone) -> ZoneIndex:
    return ZoneIndex.build(ZoneSet((zone,)))


@njit(cache=True)
def _inside(ix, kind: int, lat: float, lon: float) -> bool:  # type: ignore[no-untyped-def]  # numba infers the index
    return locate(ix, lat, lon)[kind] >= 0


@njit(cache=True)
def _miles(ix, kind: int, lat: Floats, lon: Floats, step_nm: float) -> float:  # type: ignore[no-untyped-def]  # as above
    total = 0.0
    for i in range(lat.size - 1):
        length = great_circle_nm(lat[i], lon[i], lat[i + 1], lon[i + 1])
        if length == 0.0:
            continue
        parts = max(1, int(np.ceil(length / step_nm)))
        y, x = interpolate(lat[i], lon[i], lat[i + 1], lon[i + 1], 0.0)
        before = _inside(ix, kind, y, x)
        for k in range(parts):
            y, x = interpolate(lat[i], lon[i], lat[i + 1], lon[i + 1], (k + 1) / parts)
            now = _inside(ix, kind, y, x)
            if now and before:
                total += length / parts
            elif now != before:
                low, high = k / parts, (k + 1) / parts
                for _ in range(_HALVINGS):
                    middle = 0.5 * (low + high)
                    y, x = interpolate(lat[i], lon[i], lat[i + 1], lon[i + 1], middle)
                    if _inside(ix, kind, y, x) == before:
                        low = middle
                    else:
                        high = middle
                middle = 0.5 * (low + high)
                total += length * ((middle - k / parts) if before else ((k + 1) / parts - middle))
            before = now
    return total


def miles_by_zone(lat: Floats, lon: Floats, zones: ZoneSet) -> Mapping[str, float]:
    """Miles inside each zone.

    Parameters
    ----------
    lat, lon : (n,) corners in degrees, great circles between them.
    zones : the zones; those that overlap each count in full.

    Returns
    -------
    nm by zone id, in the order of the zones; zones that are not touched are left out. Boundaries are placed to
    0.001 nm; a zone that a line crosses for less than :data:`STEP_NM` between two looks may be missed.
    """
    found: dict[str, float] = {}
    for zone in zones:
        miles = float(_miles(_index(zone).arrays, KINDS.index(zone.kind), lat, lon, STEP_NM))
        if miles > 0.0:
            found[zone.id] = miles
    return found
