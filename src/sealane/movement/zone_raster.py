"""Builds the raster of a zone index; :mod:`sealane.movement.zone_index` says what it is and how it is read."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sealane.movement.compiled import borrowing, njit
from sealane.movement.zone_shapes import KINDS, Zone

SPLIT = 32
CELLS = SPLIT * SPLIT
# Wider than any rounding of lon + 180 and its fractions, narrower than a millimetre.
PAD_DEG = 1e-9
# 32 x 32 cells of four bytes a block: at most 32 MB of finest raster whatever a user's zone file holds.
MAX_FINE_BLOCKS = 8192
ENTRY_INTS = 5
# Zones wider than this have so few points near their border that the second level (about 3 km) serves them.
FINE_ZONE_DEG = 2.5
COARSE = len(KINDS)


class IndexArrays(NamedTuple):
    """The index as two arrays, made to be handed to compiled code (each array handed over costs time).

    `grid` begins with the 64,800 one-degree cells, row by row from 90 S 180 W. A cell value v >= 0 is the place in
    `grid` of its answer, five zone numbers by kind. A negative one stands for k = -v - 1: even k, the 32 x 32 cells
    of the next level begin at k / 2; odd k, the entries of a boundary cell begin at (k - 1) / 2. There stands
    their number, then for each, sorted by kind and area: zone, kind, starting parity, and where its edges begin and
    end in `grid`. Those are rows of `edges`: lon and lat of the southern end, lon and lat of the northern end.
    """

    grid: npt.NDArray[np.int32]
    edges: npt.NDArray[np.float64]


@borrowing
def crossing_parity(edges, edge_ids, start, stop, parity, lat, lon):
    """Parity of the crossings of the ray that runs east from a point, begun at `parity`."""
    for k in range(start, stop):
        e = edge_ids[k]
        y1 = edges[e, 1]
        y2 = edges[e, 3]
        if y1 <= lat < y2:
            x1 = edges[e, 0]
            if (edges[e, 2] - x1) * (lat - y1) - (lon - x1) * (y2 - y1) > 0.0:
                parity ^= 1
    return parity


@njit(cache=True)
def _grow(array, size):
    bigger = np.empty(max(2 * array.size, size), array.dtype)
    bigger[: array.size] = array
    return bigger


@njit(cache=True)
def _refine(edges, edge_ids, start, stop, west, south, east, north, kept, n_kept):
    """Edges of one zone that matter in a cell.

    Appends to `kept` the edges the ray from a point of the cell can meet and whose crossing is not certain.
    Returns (parity of the certain crossings, does the boundary touch the cell, kept, n_kept).
    """
    parity = 0
    touched = False
    if n_kept + (stop - start) > kept.size:
        kept = _grow(kept, n_kept + (stop - start))
    for k in range(start, stop):
        e = edge_ids[k]
        x1, y1, x2, y2 = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        if y2 < south or y1 > north:
            continue
        low, high = min(x1, x2), max(x1, x2)
        if high < west:
            continue
        if (y2 > y1 and low < west) or high > east:
            # The part of a slanting edge that stands in the cell's band of latitude.
            if y2 > y1:
                xa = x1 + (x2 - x1) * ((max(y1, south) - y1) / (y2 - y1))
                xb = x1 + (x2 - x1) * ((min(y2, north) - y1) / (y2 - y1))
                low, high = min(xa, xb), max(xa, xb)
            if high < west - PAD_DEG:
                continue
        if low > east + PAD_DEG:
            if y1 == y2:
                continue
            if y1 <= south and y2 > north:
                parity ^= 1
                continue
        else:
            touched = True
        kept[n_kept] = e
        n_kept += 1
    return parity, touched, kept, n_kept


@njit(cache=True)
def _answer_row(found, answers, n_answers):
    """Row of `answers` equal to `found`, added if it is new. The latest rows are the likeliest."""
    for row in range(n_answers - 1, -1, -1):
        same = True
        for kind in range(5):
            if answers[row, kind] != found[kind]:
                same = False
                break
        if same:
            return row, answers, n_answers
    if n_answers == answers.shape[0]:
        bigger = np.empty((2 * n_answers, 5), np.int32)
        bigger[:n_answers] = answers
        answers = bigger
    answers[n_answers] = found
    return n_answers, answers, n_answers + 1


@njit(cache=True)
def _divide(west0, south0, size, rows, columns, parent_entries, p_zone, p_parity, p_edge, p_ids, edges, zone_kind, box):
    """Divide one parent cell (or the world) into rows x columns cells.

    `parent_entries` is the (start, stop) of the parent's entries, `box` the bounding box of each zone.
    Returns the cell values (-1 for a boundary cell, else the row of answers), the answers, and for
    each boundary cell its entries in the same form as the parent's.
    """
    values = np.empty(rows * columns, np.int32)
    answers = np.empty((64, 5), np.int32)
    n_answers = 0
    c_entry = np.zeros(64, np.int64)
    c_index = np.empty(64, np.int64)
    n_cells = 0
    e_zone = np.empty(256, np.int32)
    e_parity = np.empty(256, np.int8)
    e_edge = np.zeros(256, np.int64)
    n_entries = 0
    kept = np.empty(1024, np.int32)
    n_kept = 0
    found = np.empty(5, np.int32)
    for j in range(rows):
        for i in range(columns):
            west = west0 + i * size - PAD_DEG
            east = west0 + (i + 1) * size + PAD_DEG
            south = south0 + j * size - PAD_DEG
            north = south0 + (j + 1) * size + PAD_DEG
            mid_lon = west0 + (i + 0.5) * size
            mid_lat = south0 + (j + 0.5) * size
            found[:] = -1
            first_entry = n_entries
            boundary = False
            for p in range(parent_entries[0], parent_entries[1]):
                z = p_zone[p]
                if box[z, 0] > east or box[z, 1] > north or box[z, 2] < west or box[z, 3] < south:
                    continue
                before = n_kept
                parity, touched, kept, n_kept = _refine(
                    edges, p_ids, p_edge[p], p_edge[p + 1], west, south, east, north, kept, n_kept
                )
                parity ^= p_parity[p]
                if not touched:
                    inside = crossing_parity(edges, kept, before, n_kept, parity, mid_lat, mid_lon)
                    n_kept = before
                    if inside == 0:
                        continue
                    parity = 1
                    if found[zone_kind[z]] == -1:
                        found[zone_kind[z]] = z
                else:
                    boundary = True
                if n_entries + 2 > e_zone.size:
                    e_zone = _grow(e_zone, n_entries + 2)
                    e_parity = _grow(e_parity, n_entries + 2)
                    e_edge = _grow(e_edge, n_entries + 3)
                e_zone[n_entries] = z
                e_parity[n_entries] = parity
                n_entries += 1
                if n_entries + 1 > e_edge.size:
                    e_edge = _grow(e_edge, n_entries + 2)
                e_edge[n_entries] = n_kept
            if boundary:
                values[j * columns + i] = -1
                if n_cells + 2 > c_entry.size:
                    c_entry = _grow(c_entry, n_cells + 2)
                    c_index = _grow(c_index, n_cells + 2)
                c_index[n_cells] = j * columns + i
                n_cells += 1
                c_entry[n_cells] = n_entries
            else:
                n_entries = first_entry
                n_kept = e_edge[n_entries]
                row, answers, n_answers = _answer_row(found, answers, n_answers)
                values[j * columns + i] = row
    return (
        values,
        answers[:n_answers],
        c_index[:n_cells],
        c_entry[: n_cells + 1],
        e_zone[:n_entries],
        e_parity[:n_entries],
        e_edge[: n_entries + 1],
        kept[:n_kept],
    )


@njit(cache=True)
def _pack(c_entry, e_zone, e_parity, e_edge, ids, zone_kind, base):
    """Boundary cells in the form ``_decide`` reads, to stand at `base` in the grid; and where each begins."""
    n_cells = c_entry.size - 1
    record = np.empty(n_cells + ENTRY_INTS * e_zone.size + ids.size, np.int32)
    places = np.empty(n_cells, np.int64)
    at = 0
    for cell in range(n_cells):
        start, stop = c_entry[cell], c_entry[cell + 1]
        places[cell] = base + at
        record[at] = stop - start
        at += 1
        to_grid = base + at + ENTRY_INTS * (stop - start) - e_edge[start]
        for n in range(start, stop):
            record[at] = e_zone[n]
            record[at + 1] = zone_kind[e_zone[n]]
            record[at + 2] = e_parity[n]
            record[at + 3] = e_edge[n] + to_grid
            record[at + 4] = e_edge[n + 1] + to_grid
            at += ENTRY_INTS
        for k in range(e_edge[start], e_edge[stop]):
            record[at] = ids[k]
            at += 1
    return record, places


class Division(NamedTuple):
    """What :func:`_divide` returns."""

    values: npt.NDArray[np.int32]
    answers: npt.NDArray[np.int32]
    c_index: npt.NDArray[np.int64]
    c_entry: npt.NDArray[np.int64]
    e_zone: npt.NDArray[np.int32]
    e_parity: npt.NDArray[np.int8]
    e_edge: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int32]


def zone_edges(zone: Zone) -> npt.NDArray[np.float64]:
    """(n, 4) edges of a zone, southern end first, with copies shifted by a turn where it leaves [-180, 180]."""
    edges: list[tuple[float, float, float, float]] = []
    for polygon in zone.polygons:
        for ring in polygon:
            lons = [lon for lon, _ in ring]
            for turn in (-720.0, -360.0, 0.0, 360.0, 720.0):
                if min(lons) + turn > 180.0 or max(lons) + turn < -180.0:
                    continue
                for (lon1, lat1), (lon2, lat2) in pairwise(ring):
                    a, b = (lon1 + turn, lat1), (lon2 + turn, lat2)
                    if a != b:
                        edges.append((*a, *b) if (lat1, lon1) <= (lat2, lon2) else (*b, *a))
    return np.array(edges, dtype=np.float64).reshape(-1, 4)


class Raster:
    """Builds the three levels of the raster from the world down, appending to one list of integers."""

    def __init__(
        self, edges: npt.NDArray[np.float64], zone_kind: npt.NDArray[np.int8], box: npt.NDArray[np.float64]
    ) -> None:
        self.edges = edges
        self.zone_kind = zone_kind
        self.box = box
        self.fine = np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) <= FINE_ZONE_DEG
        self.parts: list[npt.NDArray[np.int32]] = []
        self.length = 0
        self.answers: dict[tuple[int, ...], int] = {}

    def append(self, part: npt.NDArray[np.int32]) -> int:
        """Append integers to the grid; returns where they begin."""
        self.parts.append(part)
        self.length += part.size
        return self.length - part.size

    def divide(
        self, parent: Division, cell: int, west: float, south: float, size: float, rows: int, columns: int
    ) -> Division:
        """Divide a cell; the values of its uniform cells become places of answers in the grid."""
        part = Division(
            *_divide(
                west,
                south,
                size,
                rows,
                columns,
                parent.c_entry[cell : cell + 2],
                parent.e_zone,
                parent.e_parity,
                parent.e_edge,
                parent.ids,
                self.edges,
                self.zone_kind,
                self.box,
            )
        )
        places = []
        for row in part.answers.tolist():
            answer = tuple(row)
            if answer not in self.answers:
                self.answers[answer] = self.append(np.array(answer, dtype=np.int32))
            places.append(self.answers[answer])
        sure = part.values >= 0
        part.values[sure] = np.array(places, dtype=np.int32)[part.values[sure]]
        return part

    def keep_cells(self, part: Division) -> npt.NDArray[np.int64]:
        """Append the entries and edges of all boundary cells; returns their values in the raster."""
        record, places = _pack(
            part.c_entry, part.e_zone, part.e_parity, part.e_edge, part.ids, self.zone_kind, self.length
        )
        self.append(record)
        return -2 - 2 * places

    def build(self, world: Division) -> IndexArrays:
        """The whole raster, from the division that stands for the world."""
        # The root must stand first; its values are filled in while the finer levels are appended behind it.
        root_values = np.empty(180 * 360, np.int32)
        self.append(root_values)
        root = self.divide(world, 0, -180.0, -90.0, 1.0, 180, 360)
        root_values[:] = root.values
        waiting: list[tuple[int, int, Division, int, float, float, npt.NDArray[np.int32]]] = []
        for cell, place in enumerate(root.c_index.tolist()):
            west, south = place % 360 - 180.0, place // 360 - 90.0
            part = self.divide(root, cell, west, south, 1.0 / SPLIT, SPLIT, SPLIT)
            part.values[part.c_index] = self.keep_cells(part)
            root_values[place] = -1 - 2 * self.append(part.values)
            for child, child_place in enumerate(part.c_index.tolist()):
                child_west = west + (child_place % SPLIT) / SPLIT
                child_south = south + (child_place // SPLIT) / SPLIT
                rank = self.first_kind(part, child)
                waiting.append((rank, len(waiting), part, child, child_west, child_south, part.values))
        # Berths and anchorages first, in case a user's zones ask for more blocks than memory should hold.
        waiting.sort(key=lambda item: item[:2])
        budget = MAX_FINE_BLOCKS
        for rank, _, part, child, west, south, coarse in waiting:
            place = int(part.c_index[child])
            if rank == COARSE or budget == 0:
                continue
            budget -= 1
            fine = self.divide(part, child, west, south, 1.0 / CELLS, SPLIT, SPLIT)
            coarse[place] = -1 - 2 * self.append(fine.values)
            fine.values[fine.c_index] = self.keep_cells(fine)
        return IndexArrays(grid=np.concatenate(self.parts), edges=self.edges)

    def first_kind(self, part: Division, cell: int) -> int:
        """Lowest kind number among the small zones whose boundary runs through a cell; COARSE if there is none."""
        start, stop = part.c_entry[cell], part.c_entry[cell + 1]
        crossed = np.diff(part.e_edge[start : stop + 1]) > 0
        near = part.e_zone[start:stop][crossed]
        near = near[self.fine[near]]
        return int(self.zone_kind[near].min()) if near.size else COARSE
