"""Lines between corners: what they run through, and which of them are worth keeping."""

from __future__ import annotations

import heapq
import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from sealane.movement.geodesy import MEAN_RADIUS_NM, great_circle_nm
from sealane.movement.routes.marks import arctic_corners, limits, marks

PARALLEL_STEP_DEG = 4.0  # a chord of 4 degrees along latitude 60 runs 0.9 nm beyond it


def limit_corners() -> NDArray[np.float64]:
    """Corners along the limits of polar waters, with the directions to their neighbours: (n, 6)."""
    chains: list[list[tuple[float, float]]] = []
    south = limits().antarctic_lat
    chains.append([(south, -180.0 + PARALLEL_STEP_DEG * k) for k in range(round(360.0 / PARALLEL_STEP_DEG))])
    arctic: list[tuple[float, float]] = []
    corners = arctic_corners()
    for (lat, lon, line), (_, lon2, _) in zip(corners, corners[1:] + corners[:1], strict=True):
        arctic.append((lat, lon))
        if line == "parallel":
            width = (lon2 - lon) % 360.0
            parts = math.ceil(width / PARALLEL_STEP_DEG)
            arctic += [(lat, (lon + width * k / parts + 180.0) % 360.0 - 180.0) for k in range(1, parts)]
    chains.append(arctic)
    out = []
    for chain in chains:
        for k, (lat, lon) in enumerate(chain):
            row = [lat, lon]
            for lat2, lon2 in (chain[k - 1], chain[(k + 1) % len(chain)]):
                y1, y2, dx = math.radians(lat), math.radians(lat2), math.radians(lon2 - lon)
                east = math.cos(y2) * math.sin(dx)
                north = math.cos(y1) * math.sin(y2) - math.sin(y1) * math.cos(y2) * math.cos(dx)
                row += [east / math.hypot(east, north), north / math.hypot(east, north)]
            out.append(row)
    return np.array(out)


@njit(cache=True, parallel=True)
def all_marks(found, lat, lon, i, j, out):
    """Bits of every line."""
    for k in prange(i.size):
        out[k] = marks(found, lat[i[k]], lon[i[k]], lat[j[k]], lon[j[k]])


@njit(cache=True)
def _straight(unit, i, j):
    dx, dy, dz = unit[i, 0] - unit[j, 0], unit[i, 1] - unit[j, 1], unit[i, 2] - unit[j, 2]
    return 2.0 * MEAN_RADIUS_NM * math.asin(min(1.0, 0.5 * math.sqrt(dx * dx + dy * dy + dz * dz)))


@njit(cache=True)
def worth_keeping(unit, i, j, length, bits, order, stretch):
    """Lines that no way over kept lines replaces at `stretch` times their length (a greedy spanner).

    A way replaces a line only if it runs through nothing the line does not run through. I. Althöfer et al., On sparse
    spanners of weighted graphs, Discrete and Computational Geometry 9 (1993) 81-100.
    """
    n = unit.shape[0]
    m = order.size
    head = np.full(n, -1, np.int64)
    after = np.empty(2 * m, np.int64)
    to = np.empty(2 * m, np.int32)
    cost = np.empty(2 * m)
    through = np.empty(2 * m, np.uint64)
    used = 0
    keep = np.zeros(m, np.bool_)
    best = np.empty(n)
    stamp = np.full(n, -1, np.int64)
    heap = [(0.0, np.int32(0))]
    for k in range(m):
        e = order[k]
        a, b, allowed = i[e], j[e], bits[e]
        limit = length[e] * stretch
        heap.clear()
        heap.append((_straight(unit, a, b), np.int32(a)))
        best[a] = 0.0
        stamp[a] = k
        found = False
        while heap:
            bound, p = heapq.heappop(heap)
            if bound > limit:
                break
            if p == b:
                found = True
                break
            f = head[p]
            while f >= 0:
                q = to[f]
                if through[f] & ~allowed == 0:
                    there = best[p] + cost[f]
                    if (stamp[q] != k or there < best[q]) and there <= limit:
                        rest = there + _straight(unit, q, b)
                        if rest <= limit:
                            best[q] = there
                            stamp[q] = k
                            heapq.heappush(heap, (rest, np.int32(q)))
                f = after[f]
        if found:
            continue
        keep[e] = True
        for u, v in ((a, b), (b, a)):
            to[used], cost[used], through[used], after[used] = v, length[e], allowed, head[u]
            head[u] = used
            used += 1
    return keep


@njit(cache=True)
def lengths(lat, lon, i, j):
    """Great-circle length of every line, nm."""
    out = np.empty(i.size)
    for k in range(i.size):
        out[k] = great_circle_nm(lat[i[k]], lon[i[k]], lat[j[k]], lon[j[k]])
    return out
