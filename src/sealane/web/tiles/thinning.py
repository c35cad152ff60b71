"""Compiled passes that make a track layer: which positions a level keeps, and how they are cut into chunks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.web.tiles.mercator import WORLD

CHUNK_POINTS = 64
# Fields of a chunk: ship, first point, points, 1 over a silence, west, north, east, south, first and last second.
SHIP, START, COUNT, SILENT, WEST, NORTH, EAST, SOUTH, FIRST_S, LAST_S = range(10)
CHUNK_FIELDS = 10

Ints = NDArray[np.int64]


@njit(nogil=True, cache=True)
def unwrap(offsets: Ints, x: Ints) -> None:
    """Make x continuous within each ship: a step of more than half the world went the other way round."""
    for v in range(len(offsets) - 1):
        turns = 0
        for i in range(offsets[v] + 1, offsets[v + 1]):
            here = x[i] + turns
            step = here - x[i - 1]
            if step > WORLD // 2:
                turns -= WORLD
                here -= WORLD
            elif step < -(WORLD // 2):
                turns += WORLD
                here += WORLD
            x[i] = here


@njit(nogil=True, cache=True)
def kept(offsets: Ints, x: Ints, y: Ints, time_s: Ints, gap_s: int, tolerance: int) -> NDArray[np.bool_]:
    """Which positions a level keeps: both ends of a track and of a silence, and whatever lies far enough from the last.

    Parameters
    ----------
    offsets : shape ``(v + 1,)``, where each ship begins.
    gap_s : a longer time between two reports is a silence.
    tolerance : world units in x or y; 0 keeps all.
    """
    keep = np.zeros(len(x), np.bool_)
    for v in range(len(offsets) - 1):
        begin, end = offsets[v], offsets[v + 1]
        last = begin
        for i in range(begin, end):
            silent_before = i > begin and time_s[i] - time_s[i - 1] > gap_s
            if (
                i in (begin, end - 1)
                or silent_before
                or time_s[i + 1] - time_s[i] > gap_s
                or abs(x[i] - x[last]) >= tolerance
                or abs(y[i] - y[last]) >= tolerance
            ):
                keep[i] = True
                last = i
    return keep


@njit(nogil=True, cache=True)
def chunks(offsets: Ints, ship: Ints, x: Ints, y: Ints, time_s: Ints, gap_s: int, begin_at: int) -> Ints:
    """Cut the kept positions of whole ships into chunks; neighbours share a point, so that lines meet.

    Parameters
    ----------
    offsets : shape ``(v + 1,)``, where each ship begins among the kept positions.
    ship : shape ``(v,)``, number of each.
    begin_at : where the first of these positions stands in the level's file.

    Returns
    -------
    Shape ``(n, CHUNK_FIELDS)``; west lies inside the world, east perhaps beyond it.
    """
    out = np.empty((2 * len(x) + 1, CHUNK_FIELDS), np.int64)
    n = 0
    for v in range(len(offsets) - 1):
        begin, end = offsets[v], offsets[v + 1]
        start = begin
        for i in range(begin + 1, end):
            if time_s[i] - time_s[i - 1] > gap_s:
                if i - start > 1:
                    n = _add(out, n, ship[v], start, i - start, 0, x, y, time_s, begin_at)
                n = _add(out, n, ship[v], i - 1, 2, 1, x, y, time_s, begin_at)
                start = i
            elif i - start + 1 == CHUNK_POINTS:
                n = _add(out, n, ship[v], start, CHUNK_POINTS, 0, x, y, time_s, begin_at)
                start = i
        if end - start > 1:
            n = _add(out, n, ship[v], start, end - start, 0, x, y, time_s, begin_at)
    return out[:n].copy()


@njit(nogil=True, cache=True)
def _add(
    out: Ints, n: int, ship: int, start: int, count: int, silent: int, x: Ints, y: Ints, time_s: Ints, begin_at: int
) -> int:
    part_x, part_y = x[start : start + count], y[start : start + count]
    west = part_x.min()
    home = west - west % WORLD
    out[n, SHIP] = ship
    out[n, START] = begin_at + start
    out[n, COUNT] = count
    out[n, SILENT] = silent
    out[n, WEST] = west - home
    out[n, NORTH] = part_y.min()
    out[n, EAST] = part_x.max() - home
    out[n, SOUTH] = part_y.max()
    out[n, FIRST_S] = time_s[start]
    out[n, LAST_S] = time_s[start + count - 1]
    return n + 1


@njit(nogil=True, cache=True)
def morton(x: Ints, y: Ints) -> Ints:
    """Order of places along a Z curve: neighbours on it lie near each other (15 bits of either coordinate)."""
    out = np.empty(len(x), np.int64)
    for i in range(len(x)):
        a, b = (x[i] % WORLD) >> 13, y[i] >> 13
        code = 0
        for bit in range(15):
            code |= ((a >> bit) & 1) << (2 * bit) | ((b >> bit) & 1) << (2 * bit + 1)
        out[i] = code
    return out


@njit(nogil=True, cache=True)
def blocks(index: Ints, size: int) -> Ints:
    """Box and period of every `size` chunks in turn, shape ``(blocks, CHUNK_FIELDS)``."""
    count = (len(index) + size - 1) // size
    out = np.empty((count, CHUNK_FIELDS), np.int64)
    for b in range(count):
        part = index[b * size : (b + 1) * size]
        for field in range(CHUNK_FIELDS):
            column = part[:, field]
            out[b, field] = column.min() if field in (WEST, NORTH, FIRST_S) else column.max()
    return out
