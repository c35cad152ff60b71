"""Where a place meets the network: the water next to it, and the corners seen from there.

The point of a port in the World Port Index stands in the town or on the quay, to a minute of arc. A place on land is
tied by a straight access leg to the nearest water a ship can reach, or to the nearest river, canal or lock of the
searoute network if that is nearer. What a place sees is kept, so that a second route from it costs only the search.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sealane.errors import DataError, Fault
from sealane.movement.compiled import njit
from sealane.movement.geodesy import great_circle_nm, interpolate
from sealane.movement.routes.harbours import look_out, seen_from_harbour
from sealane.movement.routes.marks import Limits, marks
from sealane.movement.routes.network import sea
from sealane.movement.routes.search import CHANNEL, Haven, Network, seen_corners
from sealane.movement.routes.water import CELLS, Water, is_land

FURTHEST_NM = 120.0
"""A place further from any water that ships reach is refused."""
_KEPT = 16384


class Mooring(NamedTuple):
    """A place and what it sees.

    Attributes
    ----------
    haven : the point on the water and what it sees.
    access_nm : length of the straight leg from the place to it.
    """

    haven: Haven
    access_nm: float

    @property
    def lat(self) -> float:
        """Latitude of the point on the water, degrees."""
        return self.haven.lat

    @property
    def lon(self) -> float:
        """Longitude of the point on the water, degrees."""
        return self.haven.lon


@njit(cache=True)
def _nearest_water(water: Water, lat: float, lon: float, radius_nm: float) -> tuple[float, float, float]:
    """Centre of the nearest water cell of the near mask within a radius, and its distance; infinity if none."""
    best_lat, best_lon, best = lat, lon, np.inf
    tall = int(radius_nm * CELLS / 60.0) + 1
    row = int((lat + 90.0) * CELLS)
    column = int((lon + 180.0) * CELLS)
    for dr in range(-tall, tall + 1):
        centre_lat = (row + dr + 0.5) / CELLS - 90.0
        if not -90.0 < centre_lat < 90.0:
            continue
        wide = int(radius_nm * CELLS / 60.0 / max(0.02, math.cos(math.radians(centre_lat)))) + 1
        for dc in range(-min(wide, 180 * CELLS - 1), min(wide, 180 * CELLS - 1) + 1):
            centre_lon = (column + dc + 0.5) / CELLS - 180.0
            if is_land(water.near_root, water.near_rows, centre_lat, centre_lon):
                continue
            d = great_circle_nm(lat, lon, centre_lat, centre_lon)
            if d < best:
                best_lat, best_lon, best = centre_lat, centre_lon, d
    return best_lat, best_lon, best


@njit(cache=True)
def _nearest_channel(
    net: Network, joined: NDArray[np.bool_], lat: float, lon: float, radius_nm: float
) -> tuple[int, int, float, float, float]:
    """The nearest point of a line between two channel corners: both corners, the point and its distance."""
    best_i, best_j, best_lat, best_lon, best = -1, -1, lat, lon, radius_nm
    k = math.cos(math.radians(lat))
    for i in range(net.lat.size):
        if net.kind[i] != CHANNEL or not joined[i]:
            continue
        for e in range(net.first[i], net.first[i + 1]):
            j = net.to[e]
            if j < i or net.kind[j] != CHANNEL:
                continue
            if min(abs(net.lat[i] - lat), abs(net.lat[j] - lat)) > 3.0:
                continue
            ax = ((net.lon[i] - lon + 180.0) % 360.0 - 180.0) * k
            bx = ((net.lon[j] - lon + 180.0) % 360.0 - 180.0) * k
            ay, by = net.lat[i] - lat, net.lat[j] - lat
            size = (bx - ax) ** 2 + (by - ay) ** 2
            share = 0.0 if size == 0.0 else -(ax * (bx - ax) + ay * (by - ay)) / size
            at_lat, at_lon = interpolate(net.lat[i], net.lon[i], net.lat[j], net.lon[j], max(0.0, min(1.0, share)))
            d = great_circle_nm(lat, lon, at_lat, at_lon)
            if d < best:
                best_i, best_j, best_lat, best_lon, best = i, j, at_lat, at_lon, d
    return best_i, best_j, best_lat, best_lon, best


@njit(cache=True)
def _reached(net: Network, start: int) -> NDArray[np.bool_]:
    """Corners that lines join to one."""
    out = np.zeros(net.lat.size, np.bool_)
    out[start] = True
    waiting = [start]
    while waiting:
        i = waiting.pop()
        for e in range(net.first[i], net.first[i + 1]):
            j = net.to[e]
            if not out[j]:
                out[j] = True
                waiting.append(j)
    return out


@cache
def _world() -> NDArray[np.bool_]:
    """Corners of the largest part of the network that hangs together: all oceans."""
    net = sea().network
    return _reached(net, int(np.argmax(np.diff(net.first))))


def _seen(lat: float, lon: float, access_nm: float) -> Mooring | None:
    known = sea()
    harbour = look_out(known.water, known.limits, lat, lon)
    ids, far, bits = seen_corners(*known, lat, lon)
    ids, far, bits, leaves = seen_from_harbour(*known, lat, lon, harbour, ids, far, bits)
    joined = _world()[ids]
    if not joined.any():
        return None
    seen = (ids[joined], far[joined], bits[joined], leaves[joined])
    local = (harbour.lat, harbour.lon, harbour.far, harbour.before, harbour.bits)
    return Mooring(Haven(lat, lon, *seen, *local), access_nm)


def _tied(
    lat: float, lon: float, access_nm: float, ids: NDArray[np.int32], far: NDArray[np.float64], limits: Limits
) -> Mooring:
    """A place tied to corners by straight lines."""
    net = sea().network
    bits = np.array([marks(limits, lat, lon, net.lat[n], net.lon[n]) for n in ids], np.uint64)
    none, leaves = np.empty(0), np.full(len(ids), -1, np.int32)
    haven = Haven(lat, lon, ids, far, bits, leaves, none, none, none, np.empty(0, np.int32), np.empty(0, np.uint64))
    return Mooring(haven, access_nm)


@lru_cache(maxsize=_KEPT)
def mooring(lat: float, lon: float) -> Mooring:
    """What the place at a position sees.

    Parameters
    ----------
    lat, lon : degrees, longitude in [-180, 180).

    Raises
    ------
    DataError : no water that ships reach lies within :data:`FURTHEST_NM`.
    """
    net, water, limits = sea()
    if not is_land(water.near_root, water.near_rows, lat, lon) and (found := _seen(lat, lon, 0.0)) is not None:
        return found
    water_lat, water_lon, away = lat, lon, math.inf
    for radius_nm in (3.0, 12.0, 40.0, FURTHEST_NM):
        water_lat, water_lon, away = _nearest_water(water, lat, lon, radius_nm)
        if away <= radius_nm:
            break
    from_water = _seen(water_lat, water_lon, away) if away <= FURTHEST_NM else None
    reach_nm = away if from_water is not None else FURTHEST_NM
    i, j, river_lat, river_lon, to_river = _nearest_channel(net, _world(), lat, lon, reach_nm)
    if i >= 0:
        ids = np.array([i, j], np.int32)
        far = np.array([great_circle_nm(river_lat, river_lon, net.lat[n], net.lon[n]) for n in ids])
        return _tied(river_lat, river_lon, to_river, ids, far, limits)
    if from_water is None and away <= FURTHEST_NM:
        # A basin the outline does not join to the sea: a straight line to the nearest corner that is.
        to = np.array([great_circle_nm(water_lat, water_lon, *at) for at in zip(net.lat, net.lon, strict=True)])
        nearest = int(np.argmin(np.where(_world(), to, np.inf)))
        if to[nearest] <= FURTHEST_NM:
            return _tied(water_lat, water_lon, away, np.array([nearest], np.int32), to[nearest : nearest + 1], limits)
    if from_water is None:
        remedy = "Give a port, or a position on the water."
        found_there = f"no water that the network joins to the sea lies within {FURTHEST_NM:g} nm"
        raise DataError("This route cannot be found.", [Fault(f"position {lat:g}, {lon:g}", found_there, remedy)])
    return from_water
