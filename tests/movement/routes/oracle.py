"""An independent oracle of sea routes, which shares nothing with the code it judges but the Earth's radius.

Dijkstra over a grid of cells (16 neighbours, great-circle steps) on the GLOBE coastline, then any-angle smoothing: the
shortest chain over the cells of that way that see each other, twice. It is an upper bound of the shortest land-free
path, usually a few tenths of a per cent above it.
"""

from __future__ import annotations

import heapq
import math
from functools import cache
from pathlib import Path

import numpy as np
from numba import njit

LAND_FILE = Path(__file__).parents[2] / "golden" / "globe_land.npz"
CELLS = 60
RADIUS_NM = 6371.0088 / 1.852
LOOK_DEG = 0.05
FREE_NM = 1.5  # so near to an end land does not count: it may stand beside a mole


@cache
def globe_land():
    """(10800, 21600) uint8, 1 on land; row 0 is the southernmost, column 0 begins at longitude -180."""
    with np.load(LAND_FILE) as file:
        return np.unpackbits(file["land"], axis=1)


@njit(cache=True)
def distance_nm(lat1, lon1, lat2, lon2):
    """Great circle, by the spherical law of haversines."""
    a = math.sin(math.radians(lat2 - lat1) / 2.0) ** 2
    b = math.sin(math.radians(lon2 - lon1) / 2.0) ** 2
    h = a + math.cos(math.radians(lat1)) * math.cos(math.radians(lat2)) * b
    return 2.0 * RADIUS_NM * math.asin(math.sqrt(min(1.0, h)))


@njit(cache=True)
def point_between(lat1, lon1, lat2, lon2, share):
    """Point on the great circle."""
    angle = distance_nm(lat1, lon1, lat2, lon2) / RADIUS_NM
    if angle < 1e-12:
        return lat1, lon1
    p, q = math.sin((1.0 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    y1, x1, y2, x2 = math.radians(lat1), math.radians(lon1), math.radians(lat2), math.radians(lon2)
    x = p * math.cos(y1) * math.cos(x1) + q * math.cos(y2) * math.cos(x2)
    y = p * math.cos(y1) * math.sin(x1) + q * math.cos(y2) * math.sin(x2)
    z = p * math.sin(y1) + q * math.sin(y2)
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


@njit(cache=True)
def land_at(land, lat, lon):
    """Whether a position lies on land."""
    row = min(max(int((lat + 90.0) * CELLS), 0), land.shape[0] - 1)
    column = int((lon + 180.0) % 360.0 * CELLS) % land.shape[1]
    return land[row, column] != 0


@njit(cache=True)
def looks(lat1, lon1, lat2, lon2):
    """Number of steps of at most 0.05 degrees of arc on a great circle."""
    return max(1, math.ceil(distance_nm(lat1, lon1, lat2, lon2) / (60.0 * LOOK_DEG)))


@njit(cache=True)
def clear(land, lat1, lon1, lat2, lon2):
    """Whether no look on the great circle falls on land."""
    n = looks(lat1, lon1, lat2, lon2)
    for k in range(n + 1):
        lat, lon = point_between(lat1, lon1, lat2, lon2, k / n)
        if land_at(land, lat, lon):
            return False
    return True


@njit(cache=True)
def _grid_way(land, per_degree, lat1, lon1, lat2, lon2):
    rows, columns = 180 * per_degree, 360 * per_degree
    cost = np.full(rows * columns, np.float32(np.inf))
    came = np.full(rows * columns, -1, np.int32)
    r1, c1 = int((lat1 + 90.0) * per_degree), int((lon1 + 180.0) * per_degree) % columns
    r2, c2 = int((lat2 + 90.0) * per_degree), int((lon2 + 180.0) * per_degree) % columns
    goal = r2 * columns + c2
    start = r1 * columns + c1
    cost[start] = 0.0
    heap = [(0.0, np.int32(start))]  # the least bound: it is taken first, and never thought outdated
    while heap:
        bound, at = heapq.heappop(heap)
        if at == goal:
            break
        r, c = at // columns, at % columns
        lat, lon = (r + 0.5) / per_degree - 90.0, (c + 0.5) / per_degree - 180.0
        here = cost[at]
        if bound > here + distance_nm(lat, lon, lat2, lon2) + 0.01:
            continue
        for dr in range(-2, 3):
            for dc in range(-2, 3):
                if max(abs(dr), abs(dc)) == 0 or (abs(dr) + abs(dc)) not in (1, 2, 3) or (abs(dr) == 2 and dc == 0):
                    continue
                if (abs(dc) == 2 and dr == 0) or not 0 <= r + dr < rows:
                    continue
                near = (r + dr) * columns + (c + dc) % columns
                lat_n, lon_n = (r + dr + 0.5) / per_degree - 90.0, (c + dc + 0.5) / per_degree - 180.0
                there = np.float32(here + distance_nm(lat, lon, lat_n, lon_n))
                if there >= cost[near]:
                    continue
                # An end may stand closer to the shore than the coastline's cells tell.
                away = min(distance_nm(lat_n, lon_n, lat1, lon1), distance_nm(lat_n, lon_n, lat2, lon2))
                if away >= FREE_NM and not clear(land, lat, lon, lat_n, lon_n):
                    continue
                cost[near] = there
                came[near] = at
                heapq.heappush(heap, (there + distance_nm(lat_n, lon_n, lat2, lon2), np.int32(near)))
    path = [goal]
    while came[path[-1]] >= 0:
        path.append(int(came[path[-1]]))
    return np.array(path[::-1])


@njit(cache=True)
def _smooth(land, lat, lon):
    """Shortest chain over points that see each other, in their order."""
    n = lat.size
    best = np.full(n, np.inf)
    came = np.full(n, -1, np.int64)
    best[0] = 0.0
    for i in range(n):
        for j in range(i + 1, n):
            d = distance_nm(lat[i], lon[i], lat[j], lon[j])
            if best[i] + d >= best[j]:
                continue
            ends = distance_nm(lat[j], lon[j], lat[0], lon[0]) < FREE_NM
            ends = ends or distance_nm(lat[i], lon[i], lat[n - 1], lon[n - 1]) < FREE_NM
            if j == i + 1 or ends or clear_but_ends(land, lat, lon, i, j):
                best[j] = best[i] + d
                came[j] = i
    path = [n - 1]
    while came[path[-1]] >= 0:
        path.append(int(came[path[-1]]))
    return np.array(path[::-1])


@njit(cache=True)
def clear_but_ends(land, lat, lon, i, j):
    """Whether a chord is clear of land but for the last miles at both ends of the whole way."""
    n = looks(lat[i], lon[i], lat[j], lon[j])
    for k in range(n + 1):
        y, x = point_between(lat[i], lon[i], lat[j], lon[j], k / n)
        if not land_at(land, y, x):
            continue
        if distance_nm(y, x, lat[0], lon[0]) >= FREE_NM and distance_nm(y, x, lat[-1], lon[-1]) >= FREE_NM:
            return False
    return True


def oracle_nm(lat1, lon1, lat2, lon2, per_degree=20):
    """Length of the oracle's way between two positions on the water, nm.

    Parameters
    ----------
    lat1, lon1, lat2, lon2 : degrees.
    per_degree : cells of the grid per degree.
    """
    land = globe_land()
    path = _grid_way(land, per_degree, lat1, lon1, lat2, lon2)
    columns = 360 * per_degree
    if len(path) == 1:
        raise ValueError(f"no way over the grid from {lat1:.3f}, {lon1:.3f} to {lat2:.3f}, {lon2:.3f}")
    lat = np.concatenate([[lat1], (path // columns + 0.5) / per_degree - 90.0, [lat2]])
    lon = np.concatenate([[lon1], (path % columns + 0.5) / per_degree - 180.0, [lon2]])
    for _ in range(2):
        kept = _smooth(land, lat, lon)
        lat, lon = lat[kept], lon[kept]
        total = sum(distance_nm(lat[k], lon[k], lat[k + 1], lon[k + 1]) for k in range(len(lat) - 1))
        # Points put between the corners let the next round cut them closer.
        more = [
            point_between(lat[k], lon[k], lat[k + 1], lon[k + 1], s)
            for k in range(len(lat) - 1)
            for s in np.arange(0.0, 1.0, 0.05)
        ]
        lat = np.array([y for y, _ in more] + [lat2])
        lon = np.array([x for _, x in more] + [lon2])
    return float(total)
