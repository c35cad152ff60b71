"""Compiled passes that answer a tile: which chunks it shows, and their lines clipped to window and period."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.web.tiles.mercator import WORLD
from sealane.web.tiles.mvt import LINE_TO, MOVE_TO, Commands
from sealane.web.tiles.thinning import COUNT, EAST, FIRST_S, LAST_S, NORTH, SOUTH, START, WEST

Ints = NDArray[np.int64]
_PER_SEGMENT = 6  # numbers: a move with its place, a line with its place


@njit(nogil=True, cache=True)
def _meets(part: Ints, turn: int, window: Ints, from_s: int, to_s: int) -> bool:
    return (
        part[WEST] + turn <= window[2]
        and part[EAST] + turn >= window[0]
        and part[NORTH] <= window[3]
        and part[SOUTH] >= window[1]
        and part[FIRST_S] < to_s
        and part[LAST_S] >= from_s
    )


@njit(nogil=True, cache=True)
def find(index: Ints, blocks: Ints, block_size: int, window: Ints, from_s: int, to_s: int) -> tuple[Ints, Ints]:
    """Chunks that a window and a half-open period touch, and by how many worlds each must be moved to be in it.

    Parameters
    ----------
    index, blocks : of a level.
    window : west, north, east and south in world units.
    """
    found = np.empty(1024, np.int64)
    turns = np.empty(1024, np.int64)
    n = 0
    for b in range(len(blocks)):
        # A ship that has gone round the world is some worlds away from where it began.
        first = -((blocks[b, EAST] - window[0]) // WORLD)
        last = (window[2] - blocks[b, WEST]) // WORLD
        for k in range(first, last + 1):
            turn = k * WORLD
            if not _meets(blocks[b], turn, window, from_s, to_s):
                continue
            for c in range(b * block_size, min((b + 1) * block_size, len(index))):
                if _meets(index[c], turn, window, from_s, to_s):
                    if n == len(found):
                        found = np.append(found, np.empty(n, np.int64))
                        turns = np.append(turns, np.empty(n, np.int64))
                    found[n], turns[n] = c, turn
                    n += 1
    return found[:n], turns[:n]


@njit(nogil=True, cache=True)
def _clip(ax: float, ay: float, bx: float, by: float, window: Ints) -> tuple[float, float]:
    """Part of a line inside a window as fractions of it (Liang and Barsky 1984); begin > end where none is."""
    begin, end = 0.0, 1.0
    dx, dy = bx - ax, by - ay
    for direction, room in (
        (-dx, ax - window[0]),
        (dx, window[2] - ax),
        (-dy, ay - window[1]),
        (dy, window[3] - ay),
    ):
        if direction == 0.0:
            if room < 0.0:
                return 1.0, 0.0
        elif direction < 0.0:
            begin = max(begin, room / direction)
        else:
            end = min(end, room / direction)
    return begin, end


@njit(nogil=True, cache=True)
def _put(out: Commands, place: int, value: int) -> int:
    out[place] = np.uint32((value << 1) ^ (value >> 63))
    return place + 1


@njit(nogil=True, cache=True)
def draw(
    chunks: Ints,
    turns: Ints,
    feature: Ints,
    x: NDArray[np.int32],
    y: NDArray[np.int32],
    t: NDArray[np.uint32],
    window: Ints,
    origin: Ints,
    shift: int,
    from_s: int,
    to_s: int,
) -> tuple[Commands, Ints]:
    """Lines of every feature in tile units, as commands, and where each feature's begin.

    Parameters
    ----------
    chunks : rows of the index, in the order of features, then of time.
    turns : world units to add to each.
    feature : number of the feature of each chunk, ascending from 0 without holes.
    x, y, t : positions of the level.
    window : what is drawn; lines are cut at its edges.
    origin, shift : of the tile.
    from_s, to_s : half-open period; a line is cut where the time is, linear between two reports.
    """
    scale = 1.0 / (1 << shift)
    total = 0
    for i in range(len(chunks)):
        total += chunks[i, COUNT]
    out = np.empty(total * _PER_SEGMENT + 16, np.uint32)
    features = feature[-1] + 1 if len(feature) else 0
    bounds = np.zeros(features + 1, np.int64)
    place = 0
    cursor_x = cursor_y = 0
    header, points = -1, 0  # of the line that is being drawn
    last = -1
    for i in range(len(chunks)):
        if feature[i] != last:
            last = feature[i]
            bounds[last] = place
            cursor_x = cursor_y = 0
            header = -1
        start, count = chunks[i, START], chunks[i, COUNT]
        west = np.int64(x[start])
        for k in range(start + 1, start + count):
            west = min(west, np.int64(x[k]))
        move = turns[i] - (west - west % WORLD)
        for k in range(start, start + count - 1):
            t0, t1 = np.int64(t[k]), np.int64(t[k + 1])
            if t1 < from_s or t0 >= to_s:
                continue
            ax, ay = float(x[k] + move), float(y[k])
            bx, by = float(x[k + 1] + move), float(y[k + 1])
            begin, end = _clip(ax, ay, bx, by, window)
            if t1 > t0:
                begin = max(begin, (from_s - t0) / (t1 - t0))
                end = min(end, (to_s - t0) / (t1 - t0))
            if begin > end:
                continue
            px = round((ax + begin * (bx - ax) - origin[0]) * scale)
            py = round((ay + begin * (by - ay) - origin[1]) * scale)
            qx = round((ax + end * (bx - ax) - origin[0]) * scale)
            qy = round((ay + end * (by - ay) - origin[1]) * scale)
            if px == qx and py == qy:
                continue
            if header < 0 or px != cursor_x or py != cursor_y:
                out[place] = MOVE_TO | 1 << 3
                place = _put(out, place + 1, px - cursor_x)
                place = _put(out, place, py - cursor_y)
                header, points = place, 0
                place += 1
                cursor_x, cursor_y = px, py
            place = _put(out, place, qx - cursor_x)
            place = _put(out, place, qy - cursor_y)
            cursor_x, cursor_y = qx, qy
            points += 1
            out[header] = LINE_TO | points << 3
    bounds[features] = place
    # A feature none of whose lines is longer than a tile unit keeps nothing between its bounds.
    return out[:place], bounds


@njit(nogil=True, cache=True)
def latest(offsets: Ints, t: NDArray[np.uint32], at_s: int) -> Ints:
    """Place of each ship's last position at or before a moment; -1 before its first."""
    out = np.empty(len(offsets) - 1, np.int64)
    for v in range(len(offsets) - 1):
        low, high = offsets[v], offsets[v + 1]
        while low < high:
            middle = (low + high) // 2
            if t[middle] <= at_s:
                low = middle + 1
            else:
                high = middle
        out[v] = low - 1 if low > offsets[v] else -1
    return out
