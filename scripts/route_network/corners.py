"""Corners that a taut line can bend round, and which of them see each other."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from route_network.land import CELLS
from sealane.movement.geodesy import MEAN_RADIUS_NM
from sealane.movement.routes.water import first_land_nm


@njit(cache=True)
def _flat(cells, a, b, i):
    """Distance (nm) of cell i from the line a-b, in a plane true at i."""
    half = 180 * CELLS
    scale = 60.0 / CELLS
    k = math.cos(math.radians((cells[i, 0] + 0.5) / CELLS - 90.0)) * scale

    def across(p, q):
        d = q - p
        if d > half:
            d -= 2 * half
        elif d < -half:
            d += 2 * half
        return d * k

    bx, by = across(cells[a, 1], cells[b, 1]), (cells[b, 0] - cells[a, 0]) * scale
    px, py = across(cells[a, 1], cells[i, 1]), (cells[i, 0] - cells[a, 0]) * scale
    length = bx * bx + by * by
    share = 0.0 if length == 0.0 else max(0.0, min(1.0, (px * bx + py * by) / length))
    return math.hypot(px - share * bx, py - share * by)


@njit(cache=True)
def _centre(cells, i):
    return (cells[i, 0] + 0.5) / CELLS - 90.0, (cells[i, 1] + 0.5) / CELLS - 180.0


@njit(cache=True)
def simplify(cells, begin, water, tolerance_nm):
    """Which cells of each closed chain stay (Douglas-Peucker), so that the line between two that stay is clear."""
    keep = np.zeros(cells.shape[0], np.bool_)
    stack = np.empty((100_000, 2), np.int64)
    for chain in range(begin.size - 1):
        first, last = begin[chain], begin[chain + 1] - 1
        keep[first] = True
        if last <= first:
            continue
        keep[last] = True
        stack[0] = first, last
        n = 1
        while n:
            n -= 1
            a, b = stack[n]
            if b <= a + 1:
                continue
            worst, at = -1.0, -1
            for i in range(a + 1, b):
                d = _flat(cells, a, b, i)
                if d > worst:
                    worst, at = d, i
            good = worst <= tolerance_nm
            if good:
                lat1, lon1 = _centre(cells, a)
                lat2, lon2 = _centre(cells, b)
                good = first_land_nm(water, lat1, lon1, lat2, lon2, 0.0, 0.0) < 0.0
                if not good:
                    at = (a + b) // 2 if worst < 0.5 else at
            if not good:
                keep[at] = True
                stack[n] = a, at
                stack[n + 1] = at, b
                n += 2
    return keep


@njit(cache=True)
def _unit(lat, lon):
    y, x = math.radians(lat), math.radians(lon)
    return math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)


@njit(cache=True)
def _toward(lat, lon, lat2, lon2):
    """East and north parts of the direction to a second point, as a unit vector."""
    dy, dx = math.radians(lat2 - lat), math.radians(lon2 - lon)
    y1, y2 = math.radians(lat), math.radians(lat2)
    east = math.cos(y2) * math.sin(dx)
    north = math.sin(dy) + 2.0 * math.sin(y1) * math.cos(y2) * math.sin(0.5 * dx) ** 2
    size = math.hypot(east, north)
    return (east / size, north / size) if size > 0.0 else (0.0, 0.0)


@njit(cache=True)
def convex(cells, begin, keep):
    """Corners where the chain turns right, round land: lat, lon and the directions of both neighbours."""
    total = 0
    for i in range(keep.size):
        total += keep[i]
    out = np.empty((total, 6))
    n = 0
    for chain in range(begin.size - 1):
        ids = np.nonzero(keep[begin[chain] : begin[chain + 1]])[0] + begin[chain]
        # A chain's first and last cell touch; where they are the same the corner stands once.
        if ids.size > 1 and cells[ids[0], 0] == cells[ids[-1], 0] and cells[ids[0], 1] == cells[ids[-1], 1]:
            ids = ids[:-1]
        m = ids.size
        for k in range(m):
            lat, lon = _centre(cells, ids[k])
            before = _centre(cells, ids[k - 1])
            after = _centre(cells, ids[(k + 1) % m])
            bx, by = _toward(lat, lon, before[0], before[1])
            ax, ay = _toward(lat, lon, after[0], after[1])
            # Coming from `before`, heading (-b); a right turn has cross((-b), a) < 0. A lone cell bends both ways.
            if m < 3 or -bx * ay + by * ax < 1e-9:
                out[n] = lat, lon, bx, by, ax, ay
                n += 1
    return out[:n].copy()


BEARINGS = 720
"""Directions in which each corner looks out; two corners see each other if either direction reaches the other."""


@njit(cache=True, parallel=True)
def horizons(nodes, slack, water, far_nm):
    """How far a line runs clear of each corner, by direction: (n, BEARINGS) nm; 0 where it would cut the corner.

    Parameters
    ----------
    nodes : (n, 6) of :func:`convex`; directions 0, 0 let any line through.
    slack : (n,) sine of the angle by which a line may miss a touch.
    """
    n = nodes.shape[0]
    out = np.zeros((n, BEARINGS), np.float32)
    for i in prange(n):
        lat, lon = nodes[i, 0], nodes[i, 1]
        y = math.radians(lat)
        for k in range(BEARINGS):
            theta = 2.0 * math.pi * k / BEARINGS
            east, north = math.sin(theta), math.cos(theta)
            before = east * nodes[i, 3] - north * nodes[i, 2]
            after = east * nodes[i, 5] - north * nodes[i, 4]
            if before * after < 0.0 and abs(before) > slack[i] and abs(after) > slack[i]:
                continue
            angle = far_nm / MEAN_RADIUS_NM
            sine = math.sin(y) * math.cos(angle) + math.cos(y) * math.sin(angle) * north
            lat2 = math.asin(max(-1.0, min(1.0, sine)))
            turn = math.atan2(east * math.sin(angle) * math.cos(y), math.cos(angle) - math.sin(y) * math.sin(lat2))
            reach = first_land_nm(water, lat, lon, math.degrees(lat2), lon + math.degrees(turn), 0.0, 0.0)
            out[i, k] = far_nm if reach < 0.0 else max(reach, 0.01)
    return out


@njit(cache=True)
def _sees(frame, horizon, i, j, distance_nm):
    """Whether a line from i reaches j in the directions beside the true one."""
    x = frame[i, 3] * frame[j, 0] + frame[i, 4] * frame[j, 1]
    y = frame[i, 5] * frame[j, 0] + frame[i, 6] * frame[j, 1] + frame[i, 7] * frame[j, 2]
    place = math.atan2(x, y) / (2.0 * math.pi) * BEARINGS
    low = math.floor(place)
    # A little further: the line meant is not quite the one that was looked along.
    enough = 0.98 * distance_nm - 3.0
    return horizon[i, low % BEARINGS] > max(enough, 0.0) or horizon[i, (low + 1) % BEARINGS] > max(enough, 0.0)


@njit(cache=True, parallel=True)
def visible_pairs(nodes, horizon, water, lists, counts):
    """Pairs whose line is clear and touches both corners: numbers j > i of each i, in `lists` and `counts`."""
    n = nodes.shape[0]
    frame = np.empty((n, 8))
    for i in range(n):
        lat, lon = math.radians(nodes[i, 0]), math.radians(nodes[i, 1])
        frame[i, 0], frame[i, 1], frame[i, 2] = _unit(nodes[i, 0], nodes[i, 1])
        frame[i, 3], frame[i, 4] = -math.sin(lon), math.cos(lon)
        frame[i, 5], frame[i, 6] = -math.sin(lat) * math.cos(lon), -math.sin(lat) * math.sin(lon)
        frame[i, 7] = math.cos(lat)
    furthest = np.empty(n)
    for i in range(n):
        furthest[i] = horizon[i].max()
    for i in prange(n):
        k = 0
        for j in range(i + 1, n):
            cosine = frame[i, 0] * frame[j, 0] + frame[i, 1] * frame[j, 1] + frame[i, 2] * frame[j, 2]
            distance_nm = math.acos(max(-1.0, min(1.0, cosine))) * MEAN_RADIUS_NM
            if distance_nm > 1.02 * min(furthest[i], furthest[j]) + 4.0:
                continue
            if not (_sees(frame, horizon, i, j, distance_nm) and _sees(frame, horizon, j, i, distance_nm)):
                continue
            if first_land_nm(water, nodes[i, 0], nodes[i, 1], nodes[j, 0], nodes[j, 1], 0.0, 0.0) >= 0.0:
                continue
            if k < lists.shape[1]:
                lists[i, k] = j
            k += 1
        counts[i] = k
