"""Mouths: where a line of the searoute network leaves the open water, and what can be seen from there.

    cd scripts; python -m route_network.mouths     # on the network.npz there is; then scripts/make_route_landmarks.py

The sea end of such a line often lies far out (the Golden Gate's at the Farallon Islands), and a ship would have to sail
out to it. So the line is cut at its mouth, the last point on open water, and the mouth becomes a corner: joined to the
corners it sees, and over the corners of the land around it, as a port's are, to those within 300 nm. A line that cuts
a spit of land, where the network has a far longer way or none, is replaced by the shortest way over the cells.

Lines that were cut are no lines of searoute any more: a second run changes nothing.
"""

from __future__ import annotations

import heapq
import math
import sys
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from route_network import lines
from route_network.file import Graph, read, write
from sealane.movement.geodesy import great_circle_nm, interpolate
from sealane.movement.routes.harbours import look_out, seen_from_harbour
from sealane.movement.routes.marks import limits
from sealane.movement.routes.network import PATH, joined
from sealane.movement.routes.raw_network import nodes_and_edges
from sealane.movement.routes.search import CHANNEL, COAST, Network, line_nm, seen_corners, shortest
from sealane.movement.routes.water import CELLS, NEAR_NM, Water, first_land_nm, is_land

STEP_NM = 0.1
OPEN_NM = 3.0  # a line that runs over open water for less keeps its end
APART_NM = 1.0  # mouths nearer to each other than this are one
STRETCH = 1.0001  # a line is left out where others are at most this much longer
SPIT_NM, SPARES = 60.0, 1.5  # a line that cuts land: at most this long, and the way round longer by this factor
Point = tuple[float, float]


def _mouths(water: Water, a: Point, b: Point) -> list[Point]:
    """Points on a great circle where it leaves open water it has run over for long."""
    length = great_circle_nm(*a, *b)
    steps = max(1, math.ceil(length / STEP_NM))
    at = [interpolate(*a, *b, n / steps) for n in range(steps + 1)]
    wet = [not is_land(water.open_root, water.open_rows, *p) for p in at]
    out: list[Point] = []
    begin = 0
    for n in range(1, steps + 2):
        if n <= steps and wet[n] == wet[begin]:
            continue
        if wet[begin] and (n - begin) * length / steps >= OPEN_NM:
            out += [at[k] for k in ([begin] if begin else []) + ([n - 1] if n <= steps else [])]
        begin = n
    return [(round(lat, 4), round((lon + 180.0) % 360.0 - 180.0, 4)) for lat, lon in out]


def _taut(water: Water, way: list[Point]) -> list[Point]:
    """A way over cells with the points left out that its others see past."""
    out, here = [way[0]], 0
    while here < len(way) - 1:
        n = len(way) - 1
        while n > here + 1 and first_land_nm(water, *way[here], *way[n], 0.0, 0.0) >= 0.0:
            n -= 1
        out.append(way[n])
        here = n
    return out


def _over_cells(water: Water, a: Point, b: Point, most_nm: float) -> list[Point]:
    """Shortest way over open cells next to each other, drawn taut; empty where none is short enough."""

    def cell(p: Point) -> tuple[int, int]:
        return math.floor((p[0] + 90.0) * CELLS), math.floor((p[1] + 180.0) * CELLS)

    def centre(c: tuple[int, int]) -> Point:
        return (c[0] + 0.5) / CELLS - 90.0, (c[1] + 0.5) / CELLS - 180.0

    start, goal = cell(a), cell(b)
    best, came, heap = {start: 0.0}, {start: start}, [(0.0, start)]
    while heap:
        bound, here = heapq.heappop(heap)
        if here == goal:
            way = [here]
            while way[-1] != start:
                way.append(came[way[-1]])
            return _taut(water, [a, *(centre(c) for c in way[-2:0:-1]), b])
        if bound > best[here] + great_circle_nm(*centre(here), *b) + 1e-9:
            continue
        for north, east in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            there = (here[0] + north, here[1] + east)
            if is_land(water.open_root, water.open_rows, *centre(there)):
                continue
            if (
                north
                and east
                and any(
                    is_land(water.open_root, water.open_rows, *centre(c))
                    for c in ((here[0] + north, here[1]), (here[0], here[1] + east))
                )
            ):
                continue
            far = best[here] + great_circle_nm(*centre(here), *centre(there))
            rest = far + great_circle_nm(*centre(there), *b)
            if rest <= most_nm and far < best.get(there, math.inf):
                best[there], came[there] = far, here
                heapq.heappush(heap, (rest, there))
    return []


def _spits(net: Network, water: Water, points: NDArray[np.float64], edges: list[tuple[int, int]]) -> list[list[Point]]:
    """Ways over cells for lines of searoute that cut land, where the network has none as short."""
    out = []
    for a, b in edges:
        p, q = tuple(points[a].tolist()), tuple(points[b].tolist())
        straight = great_circle_nm(*p, *q)
        if not 1.0 < straight <= SPIT_NM or any(is_land(water.open_root, water.open_rows, *end) for end in (p, q)):
            continue
        if first_land_nm(water, *p, *q, 1e5, 1e5) < 0.0:
            continue
        way = _over_cells(water, p, q, SPARES * straight)
        if not way:
            continue
        seen = [seen_corners(net, water, limits(), *end) for end in (p, q)]
        lats, lons = shortest(net, water, limits(), np.uint64(0), *p, *seen[0], *q, *seen[1])
        taut_nm = sum(great_circle_nm(*u, *v) for u, v in pairwise(way))
        if not lats.size or line_nm(lats, lons) > SPARES * taut_nm:
            out.append([(round(lat, 4), round(lon, 4)) for lat, lon in way])
    return out


def _worth(
    net: Network, ids: NDArray[np.int32], far: NDArray[np.float64], bits: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """Which of the lines from a mouth no way over shorter ones replaces."""
    reach = np.full(net.lat.size, np.inf)
    through = np.zeros(net.lat.size, np.uint64)
    keep = np.zeros(len(ids), np.bool_)
    for k in np.lexsort((ids, far)):
        v, allowed = ids[k], bits[k]
        lines_of = slice(net.first[v], net.first[v + 1])
        via = reach[net.to[lines_of]] + net.length_nm[lines_of]
        via[((through[net.to[lines_of]] | net.bits[lines_of]) & ~allowed) != 0] = np.inf
        n = int(np.argmin(via)) if via.size else -1
        if n >= 0 and via[n] <= STRETCH * far[k]:
            reach[v], through[v] = via[n], through[net.to[lines_of][n]] | net.bits[lines_of][n]
        else:
            keep[k], reach[v], through[v] = True, far[k], allowed
    return keep


def with_mouths(graph: Graph, water: Water) -> tuple[Graph, int, int]:
    """The network with its mouths.

    Returns
    -------
    the network, how many mouths it was given, and how many ways round spits.
    """
    lat, lon, touch, kind, i, j, bits = graph
    net = joined(lat, lon, touch.astype(np.float32) / np.float32(127.0), kind, i, j, bits)
    points, raw = nodes_and_edges()
    once = sorted({(min(a, b), max(a, b)) for a, b, _ in raw if a != b})

    def key(p: NDArray[np.float64] | Point) -> tuple[int, int]:
        return round(float(p[0]) * 1e4), round(float(p[1]) * 1e4)

    drawn = {frozenset((key(points[a]), key(points[b]))) for a, b in once}
    new: list[Point] = []  # positions of new corners
    kinds: list[int] = []
    more: set[tuple[int, int]] = set()
    keep = np.ones(len(i), np.bool_)
    mouths: list[int] = []

    def corner(p: Point, what: int) -> int:
        new.append(p)
        kinds.append(what)
        return len(lat) + len(new) - 1

    def mouth(p: Point) -> int:
        for m in mouths:
            at = new[m - len(lat)]
            if (
                abs(at[0] - p[0]) < 0.1
                and great_circle_nm(*at, *p) < APART_NM
                and first_land_nm(water, *at, *p, 1e5, 1e5) < 0.0
            ):
                return m
        mouths.append(corner(p, CHANNEL))
        return mouths[-1]

    for e in np.flatnonzero((kind[i] == CHANNEL) & (kind[j] == CHANNEL)):
        a, b = (lat[i[e]], lon[i[e]]), (lat[j[e]], lon[j[e]])
        if frozenset((key(a), key(b))) not in drawn:
            continue
        if found := _mouths(water, a, b):
            keep[e] = False
            chain = [int(i[e]), *(mouth(p) for p in found), int(j[e])]
            more |= {(min(p), max(p)) for p in pairwise(chain) if p[0] != p[1]}
    cut = len(mouths)
    there = {key((y, x)): n for n, (y, x) in enumerate(zip(lat, lon, strict=True)) if kind[n] == CHANNEL}
    have = {
        frozenset((key((lat[p], lon[p])), key((lat[q], lon[q]))))
        for p, q in zip(i, j, strict=True)
        if kind[p] == CHANNEL and kind[q] == CHANNEL
    }
    rest = [(a, b) for a, b in once if frozenset((key(points[a]), key(points[b]))) not in have]
    spits = _spits(net, water, points, rest)
    for way in spits:
        chain = [there[key(p)] if key(p) in there else mouth(p) for p in way]
        more |= {(min(p), max(p)) for p in pairwise(chain) if p[0] != p[1]}
    for n, m in enumerate(mouths):
        at = new[m - len(lat)]
        harbour = look_out(water, limits(), *at)
        ids, far, marked = seen_corners(net, water, limits(), *at)
        ids, far, marked, leaves = seen_from_harbour(net, water, limits(), *at, harbour, ids, far, marked)
        worth = _worth(net, ids, far, marked)
        local: dict[int, int] = {-1: m}
        for v, leaf in zip(ids[worth].tolist(), leaves[worth].tolist(), strict=True):
            chain, u = [], leaf
            while u not in local:
                chain.append(u)
                u = int(harbour.before[u])
            for u in chain[::-1]:
                local[u] = corner((round(harbour.lat[u], 4), round(harbour.lon[u], 4)), COAST)
                more.add((local[int(harbour.before[u])], local[u]))
            more.add((v, local[leaf]))
        for o in mouths[n + 1 :]:
            to = new[o - len(lat)]
            near = abs(at[0] - to[0]) < 5.0 and abs((at[1] - to[1] + 180.0) % 360.0 - 180.0) < 5.0
            if near and first_land_nm(water, *at, *to, NEAR_NM, NEAR_NM) < 0.0:
                more.add((m, o))
    added = np.array(new, np.float64).reshape(-1, 2)
    lat, lon = np.concatenate([lat, added[:, 0]]), np.concatenate([lon, added[:, 1]])
    ends = np.array(sorted(more), np.int32).reshape(-1, 2)
    new_i, new_j, new_bits = ends[:, 0].copy(), ends[:, 1].copy(), np.empty(len(ends), np.uint64)
    lines.all_marks(limits(), lat, lon, new_i, new_j, new_bits)
    whole = (
        lat,
        lon,
        np.concatenate([touch, np.zeros((len(new), 4), np.int8)]),
        np.concatenate([kind, np.array(kinds, np.uint8)]),
        np.concatenate([i[keep], new_i]),
        np.concatenate([j[keep], new_j]),
        np.concatenate([bits[keep], new_bits]),
    )
    return whole, cut, len(spits)


def main() -> None:
    """Give the network there is its mouths."""
    graph, water = read(PATH)
    whole, cut, spits = with_mouths(graph, water)
    write(PATH, whole, water)
    added, more = len(whole[0]) - len(graph[0]), len(whole[4]) - len(graph[4])
    sys.stdout.write(f"{PATH.name}: {cut} mouths, {spits} ways round spits, {added} corners and {more} lines more\n")


if __name__ == "__main__":
    main()
