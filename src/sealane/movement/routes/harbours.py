"""Out of a harbour by the shortest way: the corners of the land around a port, which the network is too coarse for.

The network's corners keep their clearance off the land, and from inside a harbour often none of them is seen on the
side the ship is bound for. So each port gets a visibility graph of its own: the corners of the cells of land within
:data:`LOCAL_NM`, taken on the near mask within :data:`~sealane.movement.routes.water.NEAR_NM` of the port and on the
open one beyond. Dijkstra over it (E. W. Dijkstra, A note on two problems in connexion with graphs, Numerische
Mathematik 1 (1959) 269-271) gives the shortest way to each local corner, and over it to the network corners it sees.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.movement.geodesy import MEAN_RADIUS_NM, great_circle_nm
from sealane.movement.routes.marks import Limits, marks
from sealane.movement.routes.search import CHANNEL, Network, bends_round
from sealane.movement.routes.water import (
    CELLS,
    NEAR_NM,
    NOWHERE,
    Water,
    first_land_off_ports_nm,
    is_land,
    unit_vector,
)

Floats = NDArray[np.float64]
Numbers = NDArray[np.int32]
Bits = NDArray[np.uint64]

LOCAL_NM = 30.0
OUTSIDE_NM = 300.0
"""Network corners further from the port than this are seen from the port itself or not at all."""
_JOINING_NM = 30.0
"""Network corners nearer to the port than this are joined to every local corner that sees them, though the way may not
bend there: what lies further out is then reached over them, and the taut drawing of the way leaves them out again."""
_OFF_CELLS = 0.3  # a corner stands so far off its cell of land, in cells to each side
_SLACK = 0.03  # sine of the angle a line may bend the wrong way: corners stand off the land by unequal distances


class Harbour(NamedTuple):
    """The corners of the land around a port, in the order of their distance over water.

    Attributes
    ----------
    lat, lon : (n,) degrees.
    far : (n,) shortest way from the port, nm.
    before : (n,) the corner before on that way, -1 for the port.
    bits : (n,) what that way runs through.
    side : (n, 2) where water lies from the corner's cell of land: +-1 to the east, +-1 to the north.
    """

    lat: Floats
    lon: Floats
    far: Floats
    before: Numbers
    bits: Bits
    side: NDArray[np.int8]


@njit(cache=True)
def _corners(water: Water, lat: float, lon: float) -> tuple[Floats, Floats, NDArray[np.int8]]:
    """Corners of the land within :data:`LOCAL_NM` that a line can bend round: positions and sides."""
    tall = int(LOCAL_NM * CELLS / 60.0) + 2
    wide = int(LOCAL_NM * CELLS / 60.0 / max(0.1, math.cos(math.radians(lat)))) + 2
    row, column = math.floor((lat + 90.0) * CELLS), math.floor((lon + 180.0) * CELLS)
    land = np.ones((2 * tall + 1, 2 * wide + 1), np.bool_)
    for r in range(2 * tall + 1):
        y = (row - tall + r + 0.5) / CELLS - 90.0
        if not -90.0 < y < 90.0:
            continue
        for c in range(2 * wide + 1):
            x = (column - wide + c + 0.5) / CELLS - 180.0
            if great_circle_nm(lat, lon, y, x) < NEAR_NM:
                land[r, c] = is_land(water.near_root, water.near_rows, y, x)
            else:
                land[r, c] = is_land(water.open_root, water.open_rows, y, x)
    size = land.size
    lats, lons, side = np.empty(size), np.empty(size), np.empty((size, 2), np.int8)
    n = 0
    for r in range(1, 2 * tall):
        for c in range(1, 2 * wide):
            if not land[r, c]:
                continue
            for north in (-1, 1):
                for east in (-1, 1):
                    if land[r + north, c] or land[r, c + east] or land[r + north, c + east]:
                        continue
                    y = (row - tall + r + 0.5 + north * (0.5 + _OFF_CELLS)) / CELLS - 90.0
                    x = (column - wide + c + 0.5 + east * (0.5 + _OFF_CELLS)) / CELLS - 180.0
                    if n < size and great_circle_nm(lat, lon, y, x) <= LOCAL_NM:
                        lats[n], lons[n] = y, (x + 180.0) % 360.0 - 180.0
                        side[n, 0], side[n, 1] = east, north
                        n += 1
    return lats[:n].copy(), lons[:n].copy(), side[:n].copy()


@njit(cache=True)
def _flat(lat1: float, lon1: float, lat2: float, lon2: float) -> tuple[float, float]:
    """Direction from one position to another as seen from the first: east, north, of length 1."""
    ax, ay, az = unit_vector(lat1, lon1)
    bx, by, bz = unit_vector(lat2, lon2)
    cosine = math.sqrt(max(1e-18, 1.0 - az * az))
    east = (ax * by - ay * bx) / cosine
    north = (bz - az * (ax * bx + ay * by + az * bz)) / cosine
    size = math.hypot(east, north)
    return (east / size, north / size) if size > 0.0 else (0.0, 0.0)


@njit(cache=True)
def _touches(side: NDArray[np.int8], k: int, east: float, north: float) -> bool:
    """Whether a line through a corner passes its land by, to a small angle."""
    across, up = east * side[k, 0], north * side[k, 1]
    return across * up <= 0.0 or abs(across) < _SLACK or abs(up) < _SLACK


@njit(cache=True)
def _turns(side: NDArray[np.int8], k: int, e1: float, n1: float, e2: float, n2: float) -> bool:
    """Whether a way that comes in one direction and leaves in another bends round the corner's land."""
    land = -(e1 * side[k, 1] - n1 * side[k, 0])
    bend = e1 * n2 - n1 * e2
    return bend * land >= 0.0 or abs(bend) < _SLACK or abs(land) < _SLACK


@njit(cache=True)
def look_out(water: Water, limits: Limits, lat: float, lon: float) -> Harbour:
    """The corners of the land around a position that are reached from it, and the shortest way to each."""
    lats, lons, side = _corners(water, lat, lon)
    n = lats.size
    port = unit_vector(lat, lon)
    far = np.full(n, np.inf)
    before = np.full(n, -1, np.int32)
    e_in, n_in = np.empty(n), np.empty(n)
    settled = np.zeros(n, np.bool_)
    order = np.empty(n, np.int32)
    place = np.full(n, -1, np.int32)
    bits = np.zeros(n, np.uint64)
    count = 0
    u = -1
    while True:
        y, x, here = (lat, lon, 0.0) if u < 0 else (lats[u], lons[u], far[u])
        for v in range(n):
            if settled[v]:
                continue
            there = here + great_circle_nm(y, x, lats[v], lons[v])
            if there >= far[v]:
                continue
            east, north = _flat(y, x, lats[v], lons[v])
            if not _touches(side, v, east, north):
                continue
            if u >= 0 and not (_touches(side, u, east, north) and _turns(side, u, e_in[u], n_in[u], east, north)):
                continue
            if first_land_off_ports_nm(water, y, x, lats[v], lons[v], 0.0, 0.0, port, NOWHERE) < 0.0:
                far[v], before[v], e_in[v], n_in[v] = there, u, east, north
        u = -1
        for v in range(n):
            if not settled[v] and far[v] < np.inf and (u < 0 or far[v] < far[u]):
                u = v
        if u < 0:
            break
        settled[u] = True
        w = before[u]
        bits[u] = marks(limits, lat if w < 0 else lats[w], lon if w < 0 else lons[w], lats[u], lons[u])
        if w >= 0:
            bits[u] |= bits[w]
        order[count], place[u] = u, count
        count += 1
    kept = order[:count]
    chain = np.empty(count, np.int32)
    for k in range(count):
        w = before[kept[k]]
        chain[k] = -1 if w < 0 else place[w]
    return Harbour(lats[kept], lons[kept], far[kept], chain, bits[kept], side[kept])


@njit(cache=True)
def seen_from_harbour(
    net: Network,
    water: Water,
    limits: Limits,
    lat: float,
    lon: float,
    harbour: Harbour,
    ids: Numbers,
    far: Floats,
    bits: Bits,
) -> tuple[Numbers, Floats, Bits, Numbers]:
    """Network corners that a port sees itself or over its local corners.

    Parameters
    ----------
    lat, lon, harbour : the port and what :func:`look_out` says of it.
    ids, far, bits : network corners the port sees itself, see :func:`sealane.movement.routes.search.seen_corners`.

    Returns
    -------
    numbers, shortest distances in nm, what those ways run through, and the local corner each leaves from, -1 for the
    port.
    """
    best = np.full(net.lat.size, np.inf)
    for k in range(ids.size):
        best[ids[k]] = -far[k]  # no way is shorter than the straight one
    port = unit_vector(lat, lon)
    cosine = math.cos(OUTSIDE_NM / MEAN_RADIUS_NM)
    around = np.flatnonzero(net.unit[:, 0] * port[0] + net.unit[:, 1] * port[1] + net.unit[:, 2] * port[2] > cosine)
    leaves = np.full(net.lat.size, -1, np.int32)
    for u in range(harbour.lat.size):
        w = harbour.before[u]
        y, x, here = harbour.lat[u], harbour.lon[u], harbour.far[u]
        if w < 0:
            e_in, n_in = _flat(lat, lon, y, x)
        else:
            e_in, n_in = _flat(harbour.lat[w], harbour.lon[w], y, x)
        for k in range(around.size):
            v = around[k]
            if here >= best[v]:
                continue
            there = here + great_circle_nm(y, x, net.lat[v], net.lon[v])
            if there >= best[v]:
                continue
            channel = net.kind[v] == CHANNEL
            if great_circle_nm(lat, lon, net.lat[v], net.lon[v]) > _JOINING_NM:
                east, north = _flat(y, x, net.lat[v], net.lon[v])
                if not (_touches(harbour.side, u, east, north) and _turns(harbour.side, u, e_in, n_in, east, north)):
                    continue
                if not channel and not bends_round(net, v, y, x):
                    continue
            near = NEAR_NM if channel else 0.0
            if first_land_off_ports_nm(water, y, x, net.lat[v], net.lon[v], 0.0, near, port, NOWHERE) < 0.0:
                best[v], leaves[v] = there, u
    found = np.flatnonzero(np.abs(best) < np.inf).astype(np.int32)
    through = leaves[found]
    all_bits = np.empty(found.size, np.uint64)
    mine = np.zeros(net.lat.size, np.uint64)
    for k in range(ids.size):
        mine[ids[k]] = bits[k]
    for k in range(found.size):
        v, u = found[k], through[k]
        if u < 0:
            all_bits[k] = mine[v]
        else:
            last = marks(limits, harbour.lat[u], harbour.lon[u], net.lat[v], net.lon[v])
            all_bits[k] = harbour.bits[u] | last
    return found, np.abs(best[found]), all_bits, through
