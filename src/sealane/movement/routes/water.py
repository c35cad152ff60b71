"""Where there is water: two masks of the globe at one minute of arc, and whether a great circle stays on it.

A mask holds one cell per minute of arc (1 nm north to south). Cells of one degree that are all water or all land hold
one number; the others hold 60 rows of 60 bits. Two masks come with the package, made by
``scripts/make_route_network.py``:

*open* : land with a clearance and every strait and bay that is narrower than the clearance allows, unless a port lies
    behind it. A route keeps to the water of this mask.
*near* : land alone. Within :data:`NEAR_NM` of a port or of a channel the way may use all of its water.

A line is looked at every :data:`STEP_NM` where land is near. Further out it is looked at as rarely as the distance to
the nearest land allows (the marching of rays by a distance field: J. C. Hart, Sphere tracing, The Visual Computer 12
(1996) 527-545).
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.movement.geodesy import MEAN_RADIUS_NM

CELLS = 60
"""Cells per degree."""
STEP_NM = 0.4
NEAR_NM = 10.0
WATER = -1
LAND = -2
_COARSE = 4  # cells per degree of the distance field
_RADIANS = math.pi / 180.0
Unit: TypeAlias = tuple[float, float, float]
NOWHERE: Unit = (0.0, 0.0, 0.0)
"""No place: nothing lies within :data:`NEAR_NM` of it."""
_NEAR_COSINE = math.cos(NEAR_NM / MEAN_RADIUS_NM)


class Water(NamedTuple):
    """Both masks and the distance field, as compiled code takes them.

    Attributes
    ----------
    open_root, near_root : (180, 360) int32; -1 water, -2 land, else the number of a block.
    open_rows, near_rows : (blocks, 60) uint64; bit c of row r is set where the cell is land.
    clear_nm : (720, 1440) float32; from any point of the cell the nearest land of the open mask is further than this.
    """

    open_root: NDArray[np.int32]
    open_rows: NDArray[np.uint64]
    near_root: NDArray[np.int32]
    near_rows: NDArray[np.uint64]
    clear_nm: NDArray[np.float32]


@njit(cache=True)
def is_land(root: NDArray[np.int32], rows: NDArray[np.uint64], lat: float, lon: float) -> bool:
    """Whether a position lies on land of a mask; longitude in any turn."""
    y = int((lat + 90.0) * CELLS)
    if y < 0:
        y = 0
    elif y >= 180 * CELLS:
        y = 180 * CELLS - 1
    turned = (lon + 180.0) % 360.0
    x = int(turned * CELLS)
    if x >= 360 * CELLS:
        x = 0
    value = root[y // CELLS, x // CELLS]
    if value == WATER:
        return False
    if value == LAND:
        return True
    return (rows[value, y % CELLS] >> np.uint64(x % CELLS)) & np.uint64(1) == np.uint64(1)


@njit(cache=True)
def unit_vector(lat: float, lon: float) -> Unit:
    """Unit vector of a position in degrees."""
    y, x = lat * _RADIANS, lon * _RADIANS
    return math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y)


@njit(cache=True)
def first_land_nm(
    water: Water, lat1: float, lon1: float, lat2: float, lon2: float, near1_nm: float, near2_nm: float
) -> float:
    """Distance along a great circle to the first land, or -1 where it keeps to the water.

    Parameters
    ----------
    water : Water.
    lat1, lon1, lat2, lon2 : ends in degrees.
    near1_nm, near2_nm : within these distances of the ends the near mask decides, else the open one.
    """
    return first_land_off_ports_nm(water, lat1, lon1, lat2, lon2, near1_nm, near2_nm, NOWHERE, NOWHERE)


@njit(cache=True)
def first_land_off_ports_nm(
    water: Water,
    lat1: float,
    lon1: float,
    lat2: float,
    lon2: float,
    near1_nm: float,
    near2_nm: float,
    port1: Unit,
    port2: Unit,
) -> float:
    """As :func:`first_land_nm`; the near mask also decides within :data:`NEAR_NM` of two ports.

    Parameters
    ----------
    port1, port2 : unit vectors, or :data:`NOWHERE`.
    """
    ax, ay, az = unit_vector(lat1, lon1)
    bx, by, bz = unit_vector(lat2, lon2)
    cx, cy, cz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    sine = math.sqrt(cx * cx + cy * cy + cz * cz)
    angle = math.atan2(sine, ax * bx + ay * by + az * bz)
    length = angle * MEAN_RADIUS_NM
    if sine < 1e-12:
        return -1.0 if length < 1.0 else 0.0  # the same point; antipodes have no one great circle
    # Unit vector across the first end, towards the second.
    tx, ty, tz = (cy * az - cz * ay) / sine, (cz * ax - cx * az) / sine, (cx * ay - cy * ax) / sine
    along = 0.0
    while True:
        s = math.sin(along / MEAN_RADIUS_NM)
        c = math.cos(along / MEAN_RADIUS_NM)
        x, y, z = ax * c + tx * s, ay * c + ty * s, az * c + tz * s
        lat = math.asin(max(-1.0, min(1.0, z))) / _RADIANS
        lon = math.atan2(y, x) / _RADIANS
        near = along < near1_nm or length - along < near2_nm
        near = near or x * port1[0] + y * port1[1] + z * port1[2] > _NEAR_COSINE
        near = near or x * port2[0] + y * port2[1] + z * port2[2] > _NEAR_COSINE
        if near:
            if is_land(water.near_root, water.near_rows, lat, lon):
                return along
            step = STEP_NM
        else:
            row = min(int((lat + 90.0) * _COARSE), 180 * _COARSE - 1)
            column = min(int((lon + 180.0) * _COARSE), 360 * _COARSE - 1)
            clear = water.clear_nm[row, column]
            if clear > STEP_NM:
                step = clear
            else:
                if is_land(water.open_root, water.open_rows, lat, lon):
                    return along
                step = STEP_NM
        if along >= length:
            return -1.0
        along = min(along + step, length)


@njit(cache=True)
def _nearest_sources(
    blocked: NDArray[np.bool_], source_row: NDArray[np.int32], source_column: NDArray[np.int32]
) -> NDArray[np.float64]:
    """Nearest blocked cell of every cell, by sequential sweeps (P.-E. Danielsson, CGIP 14 (1980) 227-248)."""
    rows, columns = blocked.shape
    best = np.full((rows, columns), 1e9, np.float64)
    for r in range(rows):
        for c in range(columns):
            source_row[r, c] = source_column[r, c] = -1
            if blocked[r, c]:
                best[r, c] = 0.0
                source_row[r, c], source_column[r, c] = r, c
    for turn in range(8):
        down, right = turn % 2 == 0, turn // 2 % 2 == 0
        for i in range(rows):
            r = i if down else rows - 1 - i
            cosine = math.cos(((r + 0.5) / _COARSE - 90.0) * _RADIANS)
            for k in range(columns):
                c = k if right else columns - 1 - k
                for dr in (-1, 0, 1):
                    if not 0 <= r + dr < rows:
                        continue
                    for dc in (-1, 0, 1):
                        near_c = (c + dc) % columns
                        sr, sc = source_row[r + dr, near_c], source_column[r + dr, near_c]
                        if sr < 0:
                            continue
                        across = abs(sc - c)
                        across = min(across, columns - across)
                        # Haversine, squared half chord: it grows with the distance, and needs no square root.
                        half_lat = math.sin(0.5 * (sr - r) / _COARSE * _RADIANS)
                        half_lon = math.sin(0.5 * across / _COARSE * _RADIANS)
                        other = math.cos(((sr + 0.5) / _COARSE - 90.0) * _RADIANS)
                        h = half_lat * half_lat + cosine * other * half_lon * half_lon
                        if h < best[r, c]:
                            best[r, c] = h
                            source_row[r, c], source_column[r, c] = sr, sc
    return best


@njit(cache=True)
def _coarse_blocked(root: NDArray[np.int32], rows: NDArray[np.uint64], out: NDArray[np.bool_]) -> None:
    size = CELLS // _COARSE
    for r in range(180):
        for c in range(360):
            value = root[r, c]
            for i in range(_COARSE):
                for k in range(_COARSE):
                    hit = value == LAND
                    if value >= 0:
                        window = ((np.uint64(1) << np.uint64(size)) - np.uint64(1)) << np.uint64(k * size)
                        for y in range(i * size, (i + 1) * size):
                            hit |= rows[value, y] & window != 0
                    out[r * _COARSE + i, c * _COARSE + k] = hit


def clearance(root: NDArray[np.int32], rows: NDArray[np.uint64]) -> NDArray[np.float32]:
    """Distance field of a mask: from any point of a coarse cell, land is further than the cell's value in nm."""
    blocked = np.zeros((180 * _COARSE, 360 * _COARSE), np.bool_)
    _coarse_blocked(root, rows, blocked)
    shape = blocked.shape
    best = _nearest_sources(blocked, np.empty(shape, np.int32), np.empty(shape, np.int32))
    centre_nm = 2.0 * MEAN_RADIUS_NM * np.arcsin(np.sqrt(np.clip(best, 0.0, 1.0)))
    # From centre to centre; half a cell's diagonal lies on either side, and the sweeps may err by a small part of one.
    diagonal_nm = 60.0 / _COARSE * math.sqrt(2.0)
    return np.maximum(centre_nm - 1.1 * diagonal_nm, 0.0).astype(np.float32)


@njit(cache=True)
def _pack(mask: NDArray[np.uint8], root: NDArray[np.int32], rows: NDArray[np.uint64]) -> int:
    n = 0
    for r in range(180):
        for c in range(360):
            total = 0
            for y in range(CELLS):
                for x in range(CELLS):
                    total += mask[r * CELLS + y, c * CELLS + x]
            if total == 0:
                root[r, c] = WATER
            elif total == CELLS * CELLS:
                root[r, c] = LAND
            else:
                root[r, c] = n
                for y in range(CELLS):
                    bits = np.uint64(0)
                    for x in range(CELLS):
                        if mask[r * CELLS + y, c * CELLS + x]:
                            bits |= np.uint64(1) << np.uint64(x)
                    rows[n, y] = bits
                n += 1
    return n


def pack(mask: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Root and rows of a mask given cell by cell.

    Parameters
    ----------
    mask : (10800, 21600) uint8, 1 on land; row 0 is the southernmost, column 0 begins at longitude -180.
    """
    root = np.empty((180, 360), np.int32)
    rows = np.zeros((180 * 360, CELLS), np.uint64)
    n = _pack(mask, root, rows)
    return root, rows[:n].copy()
