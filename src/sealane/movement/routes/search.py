"""The shortest way through the network of corners, in compiled code.

The network holds the corners of the coast that a taut line can bend round, the corners of polar waters, and the
channels (canals, rivers, locks) of the searoute network. Between corners a ship follows the great circle. A way from
one point to another goes straight where the water is clear, else over corners that both points see: A* with the great
circle as the bound (P. E. Hart, N. J. Nilsson, B. Raphael, A formal basis for the heuristic determination of minimum
cost paths, IEEE Trans. SSC 4 (1968) 100-107). What it finds is drawn taut once more.
"""

from __future__ import annotations

import heapq
import math
from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.movement.geodesy import MEAN_RADIUS_NM, great_circle_nm
from sealane.movement.routes.marks import Limits, marks
from sealane.movement.routes.water import NEAR_NM, Water, first_land_nm

Floats = NDArray[np.float64]
Numbers = NDArray[np.int32]
Bits = NDArray[np.uint64]

COAST, LIMIT, CHANNEL = 0, 1, 2
RAYS = 360
_FAR_NM = 10200.0


class Network(NamedTuple):
    """Corners and lines between them, as compiled code takes them.

    Attributes
    ----------
    lat, lon : (n,) degrees.
    unit : (n, 3) the same as unit vectors.
    touch : (n, 4) east and north parts of the directions to the neighbours along the shore, land between them; zeros
        let any line through.
    kind : (n,) coast, limit of polar waters, or channel.
    first : (n + 1,) where each corner's lines begin in the arrays below.
    to : (m,) the corner at the other end.
    length_nm : (m,) nm.
    bits : (m,) passages and polar waters, see :mod:`sealane.movement.routes.marks`.
    """

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    unit: NDArray[np.float64]
    touch: NDArray[np.float32]
    kind: NDArray[np.uint8]
    first: NDArray[np.int64]
    to: NDArray[np.int32]
    length_nm: NDArray[np.float64]
    bits: NDArray[np.uint64]


@njit(cache=True)
def _distance(net: Network, i: int, x: float, y: float, z: float) -> float:
    dx, dy, dz = net.unit[i, 0] - x, net.unit[i, 1] - y, net.unit[i, 2] - z
    return 2.0 * MEAN_RADIUS_NM * math.asin(min(1.0, 0.5 * math.sqrt(dx * dx + dy * dy + dz * dz)))


@njit(cache=True)
def look_round(water: Water, lat: float, lon: float) -> Floats:
    """How far the water is clear in each of :data:`RAYS` directions, nm."""
    out = np.empty(RAYS)
    y = math.radians(lat)
    angle = _FAR_NM / MEAN_RADIUS_NM
    for k in range(RAYS):
        theta = 2.0 * math.pi * k / RAYS
        sine = math.sin(y) * math.cos(angle) + math.cos(y) * math.sin(angle) * math.cos(theta)
        lat2 = math.asin(max(-1.0, min(1.0, sine)))
        turn = math.atan2(math.sin(theta) * math.sin(angle) * math.cos(y), math.cos(angle) - math.sin(y) * sine)
        reach = first_land_nm(water, lat, lon, math.degrees(lat2), lon + math.degrees(turn), NEAR_NM, 0.0)
        out[k] = _FAR_NM if reach < 0.0 else reach
    return out


@njit(cache=True)
def seen_corners(net: Network, water: Water, limits: Limits, lat: float, lon: float) -> tuple[Numbers, Floats, Bits]:
    """Corners a point sees and may bend round.

    Returns
    -------
    numbers, distances in nm, and bits of the lines to them.
    """
    rays = look_round(water, lat, lon)
    furthest = rays.max()
    la, lo = math.radians(lat), math.radians(lon)
    x, y, z = math.cos(la) * math.cos(lo), math.cos(la) * math.sin(lo), math.sin(la)
    ids = np.empty(net.lat.size, np.int32)
    far = np.empty(net.lat.size)
    bits = np.empty(net.lat.size, np.uint64)
    n = 0
    for i in range(net.lat.size):
        d = _distance(net, i, x, y, z)
        channel = net.kind[i] == CHANNEL
        if d > 1.02 * furthest + 6.0 + (NEAR_NM if channel else 0.0):
            continue
        cos_i = math.sqrt(max(0.0, 1.0 - net.unit[i, 2] ** 2))
        if not channel:
            # Direction from the corner to the point, east and north.
            if cos_i > 1e-9:
                ex, ey = -net.unit[i, 1] / cos_i, net.unit[i, 0] / cos_i
            else:
                ex, ey = 0.0, 1.0
            east = ex * x + ey * y
            north = -net.unit[i, 2] * (ey * x - ex * y) + cos_i * z
            before = east * net.touch[i, 1] - north * net.touch[i, 0]
            after = east * net.touch[i, 3] - north * net.touch[i, 2]
            loose = 0.027 * math.hypot(east, north)
            if before * after < 0.0 and abs(before) > loose and abs(after) > loose:
                continue
            east = math.cos(lo) * net.unit[i, 1] - math.sin(lo) * net.unit[i, 0]
            north = math.cos(la) * net.unit[i, 2] - math.sin(la) * (
                math.cos(lo) * net.unit[i, 0] + math.sin(lo) * net.unit[i, 1]
            )
            place = math.atan2(east, north) / (2.0 * math.pi) * RAYS
            low = math.floor(place)
            enough = 0.98 * d - 5.0
            if rays[low % RAYS] < enough and rays[(low + 1) % RAYS] < enough:
                continue
        near = NEAR_NM if channel else 0.0
        if first_land_nm(water, lat, lon, net.lat[i], net.lon[i], NEAR_NM, near) >= 0.0:
            continue
        ids[n] = i
        far[n] = d
        bits[n] = marks(limits, lat, lon, net.lat[i], net.lon[i])
        n += 1
    return ids[:n].copy(), far[:n].copy(), bits[:n].copy()


@njit(cache=True)
def _through_network(
    net: Network,
    closed: np.uint64,
    ids1: Numbers,
    far1: Floats,
    bits1: Bits,
    ids2: Numbers,
    far2: Floats,
    bits2: Bits,
    lat2: float,
    lon2: float,
) -> Numbers:
    """Corners of the shortest way from the first point to the second, in order; empty where there is none."""
    n = net.lat.size
    la, lo = math.radians(lat2), math.radians(lon2)
    x, y, z = math.cos(la) * math.cos(lo), math.cos(la) * math.sin(lo), math.sin(la)
    best = np.full(n, np.inf)
    came = np.full(n, -1, np.int32)
    last = np.full(n, np.inf)
    for k in range(ids2.size):
        if bits2[k] & closed == 0:
            last[ids2[k]] = far2[k]
    heap = [(0.0, np.int32(-1))]
    heap.pop()
    for k in range(ids1.size):
        if bits1[k] & closed == 0 and far1[k] < best[ids1[k]]:
            best[ids1[k]] = far1[k]
            heapq.heappush(heap, (far1[k] + _distance(net, ids1[k], x, y, z), ids1[k]))
    goal = np.inf
    end = -1
    while heap:
        bound, i = heapq.heappop(heap)
        if bound >= goal:
            break
        here = best[i]
        if bound > here + _distance(net, i, x, y, z) + 1e-9:
            continue
        if here + last[i] < goal:
            goal = here + last[i]
            end = int(i)
        for e in range(net.first[i], net.first[i + 1]):
            j = net.to[e]
            if net.bits[e] & closed != 0:
                continue
            there = here + net.length_nm[e]
            if there < best[j]:
                rest = _distance(net, j, x, y, z)
                if there + rest < goal:
                    best[j] = there
                    came[j] = i
                    heapq.heappush(heap, (there + rest, j))
    path = [np.int32(-1)]
    path.pop()
    while end >= 0:
        path.append(np.int32(end))
        end = int(came[end])
    return np.array(path[::-1], dtype=np.int32) if path else np.empty(0, np.int32)


@njit(cache=True)
def _clear(
    water: Water, limits: Limits, closed: np.uint64, lat: Floats, lon: Floats, near: Floats, a: int, b: int
) -> bool:
    if first_land_nm(water, lat[a], lon[a], lat[b], lon[b], near[a], near[b]) >= 0.0:
        return False
    return marks(limits, lat[a], lon[a], lat[b], lon[b]) & closed == 0


@njit(cache=True)
def shortest(
    net: Network,
    water: Water,
    limits: Limits,
    closed: np.uint64,
    lat1: float,
    lon1: float,
    ids1: Numbers,
    far1: Floats,
    bits1: Bits,
    lat2: float,
    lon2: float,
    ids2: Numbers,
    far2: Floats,
    bits2: Bits,
) -> tuple[Floats, Floats]:
    """Corners of the shortest way between two points, both points included: lat, lon; empty where there is none.

    Parameters
    ----------
    net, water, limits : as made by :mod:`sealane.movement.routes.network`.
    closed : bits that may not be run through.
    lat1, lon1, ids1, far1, bits1 : the first point and what :func:`seen_corners` says of it; the second likewise.
    """
    lat = np.array([lat1, lat2])
    lon = np.array([lon1, lon2])
    near = np.array([NEAR_NM, NEAR_NM])
    if _clear(water, limits, closed, lat, lon, near, 0, 1):
        return lat, lon
    path = _through_network(net, closed, ids1, far1, bits1, ids2, far2, bits2, lat2, lon2)
    if path.size == 0:
        return np.empty(0), np.empty(0)
    m = path.size + 2
    lat, lon, near = np.empty(m), np.empty(m), np.zeros(m)
    lat[0], lon[0], lat[-1], lon[-1] = lat1, lon1, lat2, lon2
    near[0] = near[-1] = NEAR_NM
    fixed = np.zeros(m, np.bool_)
    for k in range(path.size):
        lat[k + 1], lon[k + 1] = net.lat[path[k]], net.lon[path[k]]
        fixed[k + 1] = net.kind[path[k]] == CHANNEL
        near[k + 1] = NEAR_NM if fixed[k + 1] else 0.0
    # A corner goes where its neighbours see each other: the network leaves out lines that hardly save anything.
    keep = np.ones(m, np.bool_)
    before = 0
    for k in range(1, m - 1):
        if not fixed[k] and _clear(water, limits, closed, lat, lon, near, before, k + 1):
            keep[k] = False
        else:
            before = k
    return lat[keep], lon[keep]


@njit(cache=True)
def line_nm(lat: Floats, lon: Floats) -> float:
    """Length of great circles between corners, nm."""
    total = 0.0
    for i in range(lat.size - 1):
        total += great_circle_nm(lat[i], lon[i], lat[i + 1], lon[i + 1])
    return total


@njit(cache=True, parallel=True, nogil=True)
def many(
    net: Network,
    water: Water,
    limits: Limits,
    closed: np.uint64,
    lat: Floats,
    lon: Floats,
    first: NDArray[np.int64],
    ids: Numbers,
    far: Floats,
    bits: Bits,
    pairs: NDArray[np.int64],
) -> Floats:
    """Lengths between pairs of points, nm; infinity where there is no way.

    Parameters
    ----------
    lat, lon : (p,) the points.
    first, ids, far, bits : what each point sees, one after the other; point n's from ``first[n]``.
    pairs : (q, 2) numbers of points.
    """
    out = np.empty(pairs.shape[0])
    for k in prange(pairs.shape[0]):
        a, b = pairs[k, 0], pairs[k, 1]
        s, t = slice(first[a], first[a + 1]), slice(first[b], first[b + 1])
        lats, lons = shortest(
            net, water, limits, closed, lat[a], lon[a], ids[s], far[s], bits[s], lat[b], lon[b], ids[t], far[t], bits[t]
        )
        out[k] = line_nm(lats, lons) if lats.size else np.inf
    return out
