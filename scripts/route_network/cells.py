"""Growing, joining and tracing cells of the globe."""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit

from route_network.land import CELLS, Mask


@njit(cache=True)
def grown(source, radius_nm):
    """Cells within `radius_nm` of the centre of a cell that is set."""
    rows, columns = source.shape
    out = source.copy()
    reach = int(radius_nm * CELLS / 60.0)
    for r in range(rows):
        for c in range(columns):
            if not source[r, c]:
                continue
            left, right = c - 1 if c > 0 else columns - 1, c + 1 if c < columns - 1 else 0
            inner = source[r, left] and source[r, right]
            if inner and (r == 0 or source[r - 1, c]) and (r == rows - 1 or source[r + 1, c]):
                continue
            for dr in range(-reach, reach + 1):
                if not 0 <= r + dr < rows:
                    continue
                rest = radius_nm**2 - (dr * 60.0 / CELLS) ** 2
                if rest < 0.0:
                    continue
                cosine = max(np.cos(np.radians((r + dr + 0.5) / CELLS - 90.0)), 0.02)
                width = int(np.sqrt(rest) * CELLS / 60.0 / cosine)
                for dc in range(-width, width + 1):
                    out[r + dr, (c + dc) % columns] = 1
    return out


@njit(cache=True)
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True)
def _runs(land):
    rows, columns = land.shape
    n = 0
    for r in range(rows):
        before = 1
        for c in range(columns):
            n += land[r, c] == 0 and before == 1
            before = land[r, c]
    row, start, end = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32)
    first = np.zeros(rows + 1, np.int64)
    parent = np.arange(n).astype(np.int32)
    k = 0
    for r in range(rows):
        first[r] = k
        before = 1
        for c in range(columns):
            if land[r, c] == 0:
                if before == 1:
                    row[k], start[k] = r, c
                    k += 1
                end[k - 1] = c
            before = land[r, c]
        if k > first[r] + 1 and start[first[r]] == 0 and end[k - 1] == columns - 1:
            parent[_root(parent, k - 1)] = _root(parent, first[r])
    first[rows] = k
    for r in range(1, rows):
        i, j = first[r - 1], first[r]
        while i < first[r] and j < first[r + 1]:
            if start[i] <= end[j] and start[j] <= end[i]:
                a, b = _root(parent, i), _root(parent, j)
                parent[max(a, b)] = min(a, b)
            if end[i] < end[j]:
                i += 1
            else:
                j += 1
    for i in range(n):
        parent[i] = _root(parent, i)
    return row, start, end, parent


@njit(cache=True)
def _paint(rows, columns, row, start, end, label):
    out = np.zeros((rows, columns), np.int32)
    for i in range(row.size):
        out[row[i], start[i] : end[i] + 1] = label[i]
    return out


def waters(land: Mask):
    """Label of each water cell (0 on land; neighbours by their sides, round the globe) and cells by label."""
    row, start, end, parent = _runs(land)
    _, label = np.unique(parent, return_inverse=True)
    number = label.astype(np.int32) + 1
    sizes = np.bincount(number, weights=end - start + 1)
    return _paint(*land.shape, row, start, end, number), sizes


@njit(cache=True)
def ways_back(water, source, goals_row, goals_col):
    """Cells of the shortest ways over `water` from `source` cells to each goal.

    Steps go to the four neighbours and count their length; a cell beside land counts twice, so that a way keeps
    to the middle of a narrow water.
    """
    rows, columns = water.shape
    came = np.full((rows, columns), np.int8(-1))
    cost = np.full((rows, columns), np.float32(np.inf))
    heap = [(np.float32(0.0), np.int32(0), np.int32(0))]
    heap.pop()
    dr = np.array([1, -1, 0, 0])
    dc = np.array([0, 0, 1, -1])
    for r in range(rows):
        for c in range(columns):
            if source[r, c]:
                cost[r, c] = 0.0
                for k in range(4):
                    rr = r + dr[k]
                    cc = (c + dc[k]) % columns
                    if 0 <= rr < rows and water[rr, cc] and not source[rr, cc]:
                        heap.append((np.float32(0.0), np.int32(r), np.int32(c)))
                        break
    # All begin at zero: any order is a heap.
    while heap:
        d, at_row, at_column = heapq.heappop(heap)
        if d > cost[at_row, at_column]:
            continue
        for k in range(4):
            rr, cc = at_row + dr[k], (at_column + dc[k]) % columns
            if not 0 <= rr < rows or not water[rr, cc]:
                continue
            step = 1.0 if k < 2 else max(np.cos(np.radians((rr + 0.5) / CELLS - 90.0)), 0.02)
            beside = False
            for j in range(4):
                r3, c3 = rr + dr[j], (cc + dc[j]) % columns
                beside |= 0 <= r3 < rows and not water[r3, c3]
            new = np.float32(d + step * (2.0 if beside else 1.0))
            if new < cost[rr, cc]:
                cost[rr, cc] = new
                came[rr, cc] = k
                heapq.heappush(heap, (new, np.int32(rr), np.int32(cc)))
    out = np.zeros((rows, columns), np.uint8)
    for g in range(goals_row.size):
        r, c = goals_row[g], goals_col[g]
        while True:
            if out[r, c]:
                break
            out[r, c] = 1
            k = came[r, c]
            if k < 0:
                break
            r, c = r - dr[k], (c - dc[k]) % columns
    return out


@njit(cache=True)
def _follow(land, seen, r, c, side, out):
    """Walk along the boundary of land from one crack; water cells passed go to `out`. Returns their number.

    The crack is the side `side` (0 north, 1 east, 2 south, 3 west) of land cell (r, c); the walk keeps land on its
    right hand. Land cells that touch by a corner count as joined, so water passes by sides only.
    """
    rows, columns = land.shape
    dr = np.array([1, 0, -1, 0])
    dc = np.array([0, 1, 0, -1])
    n = 0
    r0, c0, side0 = r, c, side
    while True:
        seen[r, c] |= np.uint8(1 << side)
        wr, wc = r + dr[side], (c + dc[side]) % columns
        if n == 0 or out[n - 1, 0] != wr or out[n - 1, 1] != wc:
            out[n, 0], out[n, 1] = wr, wc
            n += 1
        # Forward along the crack is clockwise round the land cell.
        ahead = (side + 1) % 4
        ar, ac = wr + dr[ahead], (wc + dc[ahead]) % columns
        if 0 <= ar < rows and land[ar, ac]:
            r, c, side = ar, ac, (side + 3) % 4  # land across the corner: turn left, inwards
        else:
            nr, nc = r + dr[ahead], (c + dc[ahead]) % columns
            if 0 <= nr < rows and land[nr, nc]:
                r, c = nr, nc  # straight on
            else:
                if 0 <= ar < rows and (out[n - 1, 0] != ar or out[n - 1, 1] != ac):
                    out[n, 0], out[n, 1] = ar, ac  # round a corner: over the water cell across it
                    n += 1
                side = ahead
        if (r == r0 and c == c0 and side == side0) or n >= out.shape[0] - 2:
            break
    return n


@njit(cache=True)
def outlines(land, wanted, low_row, high_row):
    """Closed chains of water cells along the boundary of land, land on the right hand.

    Returns
    -------
    cells (n, 2) int32 rows and columns, and where each chain begins in them.
    """
    rows, columns = land.shape
    seen = np.zeros((rows, columns), np.uint8)
    scratch = np.empty((8_000_000, 2), np.int32)
    cells = np.empty((16_000_000, 2), np.int32)
    begin = [0]
    n = 0
    dr = np.array([1, 0, -1, 0])
    dc = np.array([0, 1, 0, -1])
    for r in range(max(low_row, 1), min(high_row, rows - 1)):
        for c in range(columns):
            if not land[r, c]:
                continue
            for side in range(4):
                if seen[r, c] >> side & 1:
                    continue
                if not wanted[r + dr[side], (c + dc[side]) % columns]:
                    continue
                m = _follow(land, seen, r, c, side, scratch)
                if n + m > cells.shape[0]:
                    raise ValueError("more outline cells than foreseen")
                cells[n : n + m] = scratch[:m]
                n += m
                begin.append(n)
    return cells[:n].copy(), np.array(begin)
