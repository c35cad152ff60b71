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
from sealane.movement.routes.water import NEAR_NM, Unit, Water, first_land_nm, first_land_off_ports_nm, unit_vector

Floats = NDArray[np.float64]
Numbers = NDArray[np.int32]
Bits = NDArray[np.uint64]

COAST, LIMIT, CHANNEL = 0, 1, 2
RAYS = 360
LANDMARK_UNIT_NM = 0.5
"""Distances from landmarks are held in steps of this."""
NO_LANDMARK = 65535
_FAR_NM = 10200.0
_LOCAL_PAIR_NM = 100.0  # ports nearer than this may reach each other over their local corners alone


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
    landmarks : (n, k) distances from k landmarks, see :mod:`sealane.movement.routes.landmarks`; k may be 0.
    landmarks_closed : bits that were closed for them.
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
    landmarks: NDArray[np.uint16]
    landmarks_closed: np.uint64


class Haven(NamedTuple):
    """A port on the water and what it sees, as compiled code takes it.

    Attributes
    ----------
    lat, lon : degrees.
    ids, far, bits : (k,) network corners it sees itself or over local corners, the shortest distance to each in nm,
        and what that way runs through.
    leaves : (k,) the local corner that way leaves from, -1 for the port.
    local_lat, local_lon, local_far, before, local_bits : (n,) its local corners, see
        :class:`sealane.movement.routes.harbours.Harbour`.
    """

    lat: float
    lon: float
    ids: Numbers
    far: Floats
    bits: Bits
    leaves: Numbers
    local_lat: Floats
    local_lon: Floats
    local_far: Floats
    before: Numbers
    local_bits: Bits


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
def bends_round(net: Network, i: int, lat: float, lon: float) -> bool:
    """Whether a line from a position to a corner passes the corner's land by, so that a way may bend there."""
    x, y, z = unit_vector(lat, lon)
    cos_i = math.sqrt(max(0.0, 1.0 - net.unit[i, 2] ** 2))
    # Direction from the corner to the point, east and north.
    ex, ey = (-net.unit[i, 1] / cos_i, net.unit[i, 0] / cos_i) if cos_i > 1e-9 else (0.0, 1.0)
    east = ex * x + ey * y
    north = -net.unit[i, 2] * (ey * x - ex * y) + cos_i * z
    before = east * net.touch[i, 1] - north * net.touch[i, 0]
    after = east * net.touch[i, 3] - north * net.touch[i, 2]
    loose = 0.027 * math.hypot(east, north)
    return before * after >= 0.0 or abs(before) <= loose or abs(after) <= loose


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
        if not channel:
            if not bends_round(net, i, lat, lon):
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
def _landmark_bounds(net: Network, closed: np.uint64, a: Haven, b: Haven) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Landmarks that say something of the way from one port to another, and between what distances from them it ends.

    A corner that lies at distance d from landmark k is no nearer to the destination than ``d - high[k]`` and than
    ``low[k] - d``.
    """
    count = net.landmarks.shape[1]
    low, high, gain = np.full(count, -np.inf), np.full(count, np.inf), np.zeros(count)
    if net.landmarks_closed & ~closed == 0:
        for k in range(count):
            least, most, known = np.inf, -np.inf, True
            for n in range(b.ids.size):
                if b.bits[n] & closed != 0:
                    continue
                known = known and net.landmarks[b.ids[n], k] != NO_LANDMARK
                d = net.landmarks[b.ids[n], k] * LANDMARK_UNIT_NM
                least, most = min(least, d + b.far[n]), max(most, d + LANDMARK_UNIT_NM - b.far[n])
            if not known:
                continue
            # Distances are rounded down: a corner's lies up to a unit higher.
            low[k], high[k] = least - LANDMARK_UNIT_NM, most
            bound = np.inf
            for n in range(a.ids.size):
                d = net.landmarks[a.ids[n], k]
                if d != NO_LANDMARK:
                    far = d * LANDMARK_UNIT_NM
                    bound = min(bound, a.far[n] + max(far - high[k], low[k] - far))
            gain[k] = bound if bound < np.inf else 0.0
    used = np.flatnonzero(gain > 0.0)
    return used, low[used], high[used]


@njit(cache=True)
def _rest(
    net: Network, i: int, x: float, y: float, z: float, used: NDArray[np.int64], low: Floats, high: Floats
) -> float:
    """What is left from a corner to the destination at the least, nm."""
    rest = _distance(net, i, x, y, z)
    for k in range(used.size):
        d = net.landmarks[i, used[k]]
        if d != NO_LANDMARK:
            far = d * LANDMARK_UNIT_NM
            rest = max(rest, far - high[k], low[k] - far)
    return rest


@njit(cache=True)
def _through_network(net: Network, closed: np.uint64, a: Haven, b: Haven) -> tuple[Numbers, float, int, int]:
    """Corners of the shortest way from one port to another, in order; its length; the local corners it leaves the
    ports from, -1 for a port itself. No corners and infinity where there is no way.
    """
    n = net.lat.size
    x, y, z = unit_vector(b.lat, b.lon)
    used, low, high = _landmark_bounds(net, closed, a, b)
    rests = np.full(n, -1.0)
    best = np.full(n, np.inf)
    came = np.full(n, -1, np.int32)
    last = np.full(n, np.inf)
    for k in range(b.ids.size):
        if b.bits[k] & closed == 0:
            last[b.ids[k]] = b.far[k]
    heap = [(0.0, np.int32(-1))]
    heap.pop()
    for k in range(a.ids.size):
        if a.bits[k] & closed == 0 and a.far[k] < best[a.ids[k]]:
            best[a.ids[k]] = a.far[k]
            rests[a.ids[k]] = _rest(net, a.ids[k], x, y, z, used, low, high)
            heapq.heappush(heap, (a.far[k] + rests[a.ids[k]], a.ids[k]))
    goal = np.inf
    end = -1
    while heap:
        bound, i = heapq.heappop(heap)
        if bound >= goal:
            break
        here = best[i]
        if bound > here + rests[i] + 1e-9:
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
                if rests[j] < 0.0:
                    rests[j] = _rest(net, j, x, y, z, used, low, high)
                if there + rests[j] < goal:
                    best[j] = there
                    came[j] = i
                    heapq.heappush(heap, (there + rests[j], j))
    path = [np.int32(-1)]
    path.pop()
    at = end
    while at >= 0:
        path.append(np.int32(at))
        at = int(came[at])
    if not path:
        return np.empty(0, np.int32), np.inf, -1, -1
    u, w = -1, -1
    for k in range(a.ids.size):
        if a.ids[k] == path[-1]:
            u = int(a.leaves[k])
    for k in range(b.ids.size):
        if b.ids[k] == end:
            w = int(b.leaves[k])
    return np.array(path[::-1], dtype=np.int32), goal, u, w


@njit(cache=True)
def _clear(
    water: Water,
    limits: Limits,
    closed: np.uint64,
    line: Floats,
    near1: float,
    near2: float,
    port1: Unit,
    port2: Unit,
) -> bool:
    if first_land_off_ports_nm(water, line[0], line[1], line[2], line[3], near1, near2, port1, port2) >= 0.0:
        return False
    return marks(limits, line[0], line[1], line[2], line[3]) & closed == 0


@njit(cache=True)
def _outward(haven: Haven, local: int) -> list[int]:
    """Local corners from the one given back to the port."""
    path = [local]
    path.pop()
    while local >= 0:
        path.append(local)
        local = int(haven.before[local])
    return path


@njit(cache=True)
def _over_local_corners(
    water: Water, limits: Limits, closed: np.uint64, a: Haven, b: Haven, limit_nm: float
) -> tuple[int, int, bool]:
    """Local corners, -1 for the port, of the shortest way below a limit that needs no corner of the network."""
    port1, port2 = unit_vector(a.lat, a.lon), unit_vector(b.lat, b.lon)
    best, best_u, best_w, found = limit_nm, -1, -1, False
    line = np.empty(4)
    for u in range(-1, a.local_lat.size):
        far_u = 0.0 if u < 0 else a.local_far[u]
        if far_u >= best:
            break
        if u >= 0 and a.local_bits[u] & closed != 0:
            continue
        line[0], line[1] = (a.lat, a.lon) if u < 0 else (a.local_lat[u], a.local_lon[u])
        for w in range(-1, b.local_lat.size):
            far_w = 0.0 if w < 0 else b.local_far[w]
            if far_u + far_w >= best:
                break
            if w >= 0 and b.local_bits[w] & closed != 0:
                continue
            line[2], line[3] = (b.lat, b.lon) if w < 0 else (b.local_lat[w], b.local_lon[w])
            whole = far_u + far_w + great_circle_nm(line[0], line[1], line[2], line[3])
            if whole < best and _clear(water, limits, closed, line, 0.0, 0.0, port1, port2):
                best, best_u, best_w, found = whole, u, w, True
    return best_u, best_w, found


@njit(cache=True)
def way(net: Network, water: Water, limits: Limits, closed: np.uint64, a: Haven, b: Haven) -> tuple[Floats, Floats]:
    """Corners of the shortest way between two ports, both included: lat, lon; empty where there is none.

    Parameters
    ----------
    net, water, limits : as made by :mod:`sealane.movement.routes.network`.
    closed : bits that may not be run through.
    a, b : the ports and what they see.
    """
    port1, port2 = unit_vector(a.lat, a.lon), unit_vector(b.lat, b.lon)
    line = np.array([a.lat, a.lon, b.lat, b.lon])
    if _clear(water, limits, closed, line, 0.0, 0.0, port1, port2):
        return np.array([a.lat, b.lat]), np.array([a.lon, b.lon])
    path, whole, u, w = _through_network(net, closed, a, b)
    if great_circle_nm(a.lat, a.lon, b.lat, b.lon) < _LOCAL_PAIR_NM:
        local_u, local_w, shorter = _over_local_corners(water, limits, closed, a, b, whole)
        if shorter:
            path, u, w = np.empty(0, np.int32), local_u, local_w
        elif path.size == 0:
            return np.empty(0), np.empty(0)
    elif path.size == 0:
        return np.empty(0), np.empty(0)
    out, back = _outward(a, u), _outward(b, w)
    m = path.size + len(out) + len(back) + 2
    lat, lon, near = np.empty(m), np.empty(m), np.zeros(m)
    fixed = np.zeros(m, np.bool_)
    lat[0], lon[0], lat[-1], lon[-1] = a.lat, a.lon, b.lat, b.lon
    n = 1
    for k in out[::-1]:
        lat[n], lon[n] = a.local_lat[k], a.local_lon[k]
        n += 1
    for i in path:
        lat[n], lon[n] = net.lat[i], net.lon[i]
        fixed[n] = net.kind[i] == CHANNEL
        near[n] = NEAR_NM if fixed[n] else 0.0
        n += 1
    for k in back:
        lat[n], lon[n] = b.local_lat[k], b.local_lon[k]
        n += 1
    # A corner goes where its neighbours see each other: the network leaves out lines that hardly save anything. One
    # that had to stay may go after its neighbours have.
    while True:
        keep = np.ones(lat.size, np.bool_)
        before = 0
        for k in range(1, lat.size - 1):
            line[0], line[1], line[2], line[3] = lat[before], lon[before], lat[k + 1], lon[k + 1]
            if not fixed[k] and _clear(water, limits, closed, line, near[before], near[k + 1], port1, port2):
                keep[k] = False
            else:
                before = k
        if keep.all():
            return lat, lon
        lat, lon, near, fixed = lat[keep], lon[keep], near[keep], fixed[keep]


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
    """As :func:`way`, between points without local corners.

    Parameters
    ----------
    lat1, lon1, ids1, far1, bits1 : the first point and what :func:`seen_corners` says of it; the second likewise.
    """
    no_lat, no_before, no_bits = np.empty(0), np.empty(0, np.int32), np.empty(0, np.uint64)
    straight1, straight2 = np.full(ids1.size, -1, np.int32), np.full(ids2.size, -1, np.int32)
    a = Haven(lat1, lon1, ids1, far1, bits1, straight1, no_lat, no_lat, no_lat, no_before, no_bits)
    b = Haven(lat2, lon2, ids2, far2, bits2, straight2, no_lat, no_lat, no_lat, no_before, no_bits)
    return way(net, water, limits, closed, a, b)


@njit(cache=True)
def line_nm(lat: Floats, lon: Floats) -> float:
    """Length of great circles between corners, nm."""
    total = 0.0
    for i in range(lat.size - 1):
        total += great_circle_nm(lat[i], lon[i], lat[i + 1], lon[i + 1])
    return total


@njit(cache=True)
def _haven(
    spots: Floats,
    first: NDArray[np.int64],
    seen: tuple[Numbers, Floats, Bits, Numbers],
    first_local: NDArray[np.int64],
    local: tuple[Floats, Floats, Floats, Numbers, Bits],
    n: int,
) -> Haven:
    s, t = slice(first[n], first[n + 1]), slice(first_local[n], first_local[n + 1])
    ids, far, bits, leaves = seen
    lat, lon, local_far, before, local_bits = local
    return Haven(
        spots[n, 0],
        spots[n, 1],
        ids[s],
        far[s],
        bits[s],
        leaves[s],
        lat[t],
        lon[t],
        local_far[t],
        before[t],
        local_bits[t],
    )


@njit(cache=True, parallel=True, nogil=True)
def many(
    net: Network,
    water: Water,
    limits: Limits,
    closed: np.uint64,
    spots: Floats,
    first: NDArray[np.int64],
    seen: tuple[Numbers, Floats, Bits, Numbers],
    first_local: NDArray[np.int64],
    local: tuple[Floats, Floats, Floats, Numbers, Bits],
    pairs: NDArray[np.int64],
) -> Floats:
    """Lengths between pairs of ports, nm; infinity where there is no way.

    Parameters
    ----------
    spots : (p, 2) lat, lon of the ports.
    first, seen : ids, far, bits and leaves of their :class:`Haven`, one port after the other; port n's begin at
        ``first[n]``.
    first_local, local : the same of their local corners.
    pairs : (q, 2) numbers of ports.
    """
    out = np.empty(pairs.shape[0])
    for k in prange(pairs.shape[0]):
        a = _haven(spots, first, seen, first_local, local, pairs[k, 0])
        b = _haven(spots, first, seen, first_local, local, pairs[k, 1])
        lats, lons = way(net, water, limits, closed, a, b)
        out[k] = line_nm(lats, lons) if lats.size else np.inf
    return out
