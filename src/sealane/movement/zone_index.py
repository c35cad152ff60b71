"""Which zones a position lies in: a raster that answers most points by one look-up, an exact ray cast for the rest.

The world is a grid of one-degree cells. A cell that a zone boundary touches is divided into 32 x 32 cells, and near
berths, anchorages, port limits and speed zones once more into 32 x 32 (about 100 m). A cell without any boundary in
it holds its answer; a cell with one holds the few edges that matter there, and the even-odd rule decides exactly.
The raster is only a short cut: it never changes an answer, since cells are padded by more than rounding can move
a point, and the edges kept for a cell give the same parity there as the whole polygon does.

Edges are straight in longitude and latitude, as GeoJSON defines them. The ray-cast rule is half-open (a boundary
belongs to the polygon north and east of it), and each edge is evaluated from its southern end whichever way a
polygon runs through it: polygons that share an edge never both claim a point on it, nor both leave it out. Rings
given over the antimeridian are shifted copies of themselves; rings round a pole are closed there by
:mod:`sealane.movement.zones`.

The even-odd crossing rule is that of Shimrat, Algorithm 112, Communications of the ACM 5 (1962) 434, with the
half-open correction of Hacker (ibid. 606).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from sealane.movement.zones import KINDS, Zone, ZoneSet, polygon_area_m2

SPLIT = 32
CELLS = SPLIT * SPLIT
# Wider than any rounding of lon + 180 and its fractions, narrower than a millimetre.
PAD_DEG = 1e-9
# 32 x 32 cells of four bytes a block: at most 32 MB of finest raster whatever a user's zone file holds.
MAX_FINE_BLOCKS = 8192
ECA_KIND = KINDS.index("eca")


class IndexArrays(NamedTuple):
    """The index as arrays, made to be handed to compiled code.

    A cell value v >= 0 is a row of `answers`. A negative one stands for k = -v - 1: even k is the block k / 2 of the
    next level, odd k the boundary cell (k - 1) / 2. `cell_entry[c]` to `cell_entry[c + 1]` are the entries
    of boundary cell c, sorted by kind and area; an entry is a zone, a starting parity and its edges.
    """

    root: npt.NDArray[np.int32]  # (64800,) one-degree cells, row by row from 90 S 180 W
    blocks: npt.NDArray[np.int32]  # (n, 1024) cells of both finer levels
    answers: npt.NDArray[np.int32]  # (n, 5) zone number by kind, -1 for none
    cell_entry: npt.NDArray[np.int32]  # (n + 1,)
    entry_zone: npt.NDArray[np.int32]
    entry_parity: npt.NDArray[np.int8]
    entry_edge: npt.NDArray[np.int32]  # (n + 1,)
    edge_ids: npt.NDArray[np.int32]
    edges: npt.NDArray[np.float64]  # (n, 4) lon, lat of the southern end, lon, lat of the northern end
    zone_kind: npt.NDArray[np.int8]


@njit(cache=True)
def _parity(edges, edge_ids, start, stop, parity, lat, lon):
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
def locate(ix, lat, lon):
    """Zones of one position.

    Parameters
    ----------
    ix : IndexArrays of a :class:`ZoneIndex`.
    lat, lon : position in degrees; longitudes of one turn either side are taken.

    Returns
    -------
    (berth, anchorage, port_limit, eca, speed_zone), five int32 zone numbers, the place of the zone in
    ``ZoneIndex.zones``; -1 where the position lies in no zone of that kind, or is not a position at all (NaN, 91, 181).
    Within a kind the zone of the smallest area wins.
    """
    none = np.int32(-1)
    # 181 (not available) is a sentinel in AIS; longitudes past 180 come with latitude 91 or are wrong.
    if not (-90.0 <= lat <= 90.0 and -180.0 <= lon <= 180.0):
        return none, none, none, none, none
    if lon == 180.0:
        lon = -180.0
    x = lon + 180.0
    y = lat + 90.0
    i = int(x)
    j = int(y)
    if i > 359:
        i = 359
    if j > 179:
        j = 179
    v = ix.root[j * 360 + i]
    if v < 0 and (-v - 1) & 1 == 0:
        x = (x - i) * SPLIT
        y = (y - j) * SPLIT
        i = min(int(x), SPLIT - 1)
        j = min(int(y), SPLIT - 1)
        v = ix.blocks[(-v - 1) >> 1, j * SPLIT + i]
        if v < 0 and (-v - 1) & 1 == 0:
            i2 = min(int((x - i) * SPLIT), SPLIT - 1)
            j2 = min(int((y - j) * SPLIT), SPLIT - 1)
            v = ix.blocks[(-v - 1) >> 1, j2 * SPLIT + i2]
    if v >= 0:
        return ix.answers[v, 0], ix.answers[v, 1], ix.answers[v, 2], ix.answers[v, 3], ix.answers[v, 4]
    if lat == 90.0:
        # The pole belongs to the polygon below it: the half-open rule would leave it to nobody.
        lat = 89.99999999999999
    r0 = r1 = r2 = r3 = r4 = none
    done = -1
    c = (-v - 1) >> 1
    for n in range(ix.cell_entry[c], ix.cell_entry[c + 1]):
        z = ix.entry_zone[n]
        kind = ix.zone_kind[z]
        if kind == done:
            continue
        if _parity(ix.edges, ix.edge_ids, ix.entry_edge[n], ix.entry_edge[n + 1], ix.entry_parity[n], lat, lon):
            done = kind
            if kind == 0:
                r0 = z
            elif kind == 1:
                r1 = z
            elif kind == 2:
                r2 = z
            elif kind == 3:
                r3 = z
            else:
                r4 = z
    return r0, r1, r2, r3, r4


@njit(cache=True)
def _locate_many(ix, lats, lons, out):
    for k in range(lats.size):
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4] = locate(ix, lats[k], lons[k])


@njit(cache=True, parallel=True)
def _locate_many_parallel(ix, lats, lons, out):
    for k in prange(lats.size):
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4] = locate(ix, lats[k], lons[k])


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
        if y2 > y1 and low < west or high > east:
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
def _divide(
    west0, south0, size, rows, columns, parent_entries, p_zone, p_parity, p_edge, p_ids, edges, zone_kind, box
):
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
                    inside = _parity(edges, kept, before, n_kept, parity, mid_lat, mid_lon)
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


class _Cells:
    """Boundary cells gathered from many divisions, to become one set of arrays."""

    def __init__(self) -> None:
        self.entry_counts: list[npt.NDArray[np.int64]] = []
        self.zones: list[npt.NDArray[np.int32]] = []
        self.parities: list[npt.NDArray[np.int8]] = []
        self.edge_counts: list[npt.NDArray[np.int64]] = []
        self.ids: list[npt.NDArray[np.int32]] = []
        self.n = 0

    def add(self, part: _Division, cell: int) -> int:
        """Keep boundary cell `cell` of a division; returns its value in the raster."""
        start, stop = int(part.c_entry[cell]), int(part.c_entry[cell + 1])
        self.entry_counts.append(np.array([stop - start]))
        self.zones.append(part.e_zone[start:stop])
        self.parities.append(part.e_parity[start:stop])
        self.edge_counts.append(np.diff(part.e_edge[start : stop + 1]))
        self.ids.append(part.ids[part.e_edge[start] : part.e_edge[stop]])
        return self._next(1)

    def add_all(self, part: _Division) -> int:
        """Keep every boundary cell of a division; returns the number of the first."""
        self.entry_counts.append(np.diff(part.c_entry))
        self.zones.append(part.e_zone)
        self.parities.append(part.e_parity)
        self.edge_counts.append(np.diff(part.e_edge))
        self.ids.append(part.ids)
        return self._next(part.c_index.size)

    def _next(self, count: int) -> int:
        self.n += count
        return self.n - count


class _Division(NamedTuple):
    """What :func:`_divide` returns."""

    values: npt.NDArray[np.int32]
    answers: npt.NDArray[np.int32]
    c_index: npt.NDArray[np.int64]
    c_entry: npt.NDArray[np.int64]
    e_zone: npt.NDArray[np.int32]
    e_parity: npt.NDArray[np.int8]
    e_edge: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int32]


def _zone_edges(zone: Zone) -> npt.NDArray[np.float64]:
    """(n, 4) edges of a zone, southern end first, with copies shifted by a turn where it leaves [-180, 180]."""
    edges: list[tuple[float, float, float, float]] = []
    for polygon in zone.polygons:
        for ring in polygon:
            lons = [lon for lon, _ in ring]
            for turn in (-720.0, -360.0, 0.0, 360.0, 720.0):
                if min(lons) + turn > 180.0 or max(lons) + turn < -180.0:
                    continue
                for (lon1, lat1), (lon2, lat2) in zip(ring, ring[1:], strict=False):
                    a, b = (lon1 + turn, lat1), (lon2 + turn, lat2)
                    if a != b:
                        edges.append((*a, *b) if (lat1, lon1) <= (lat2, lon2) else (*b, *a))
    return np.array(edges, dtype=np.float64).reshape(-1, 4)


@dataclass(frozen=True)
class ZoneIndex:
    """Zones and the arrays that find them.

    Attributes
    ----------
    zones : the zones; their place here is the number :func:`locate` gives.
    arrays : the arrays compiled code takes.
    """

    zones: tuple[Zone, ...]
    arrays: IndexArrays

    @classmethod
    def build(cls, zoneset: ZoneSet) -> ZoneIndex:
        """Index a set of zones. Takes well under a second for the shipped sets."""
        zones = zoneset.zones
        zone_kind = np.array([KINDS.index(zone.kind) for zone in zones], dtype=np.int8)
        by_zone = [_zone_edges(zone) for zone in zones]
        edges = np.concatenate([*by_zone, np.empty((0, 4))])
        first_edge = np.concatenate([[0], np.cumsum([part.shape[0] for part in by_zone])]).astype(np.int64)
        box = np.array(
            [[e[:, (0, 2)].min(), e[:, 1].min(), e[:, (0, 2)].max(), e[:, 3].max()] for e in by_zone]
        ).reshape(-1, 4)
        areas = [sum(polygon_area_m2(polygon) for polygon in zone.polygons) for zone in zones]
        # Within a kind the smallest zone comes first, so that the first hit is the answer.
        order = sorted(range(len(zones)), key=lambda n: (zone_kind[n], areas[n], n))
        root_ids = np.concatenate(
            [np.arange(first_edge[n], first_edge[n + 1]) for n in order] + [np.empty(0, np.int64)]
        ).astype(np.int32)
        world = _Division(
            values=np.empty(0, np.int32),
            answers=np.empty((0, 5), np.int32),
            c_index=np.array([0]),
            c_entry=np.array([0, len(zones)]),
            e_zone=np.array(order, dtype=np.int32),
            e_parity=np.zeros(len(zones), np.int8),
            e_edge=np.concatenate([[0], np.cumsum([by_zone[n].shape[0] for n in order])]).astype(np.int64),
            ids=root_ids,
        )
        raster = _Raster(edges, zone_kind, box)
        return cls(zones, raster.build(world))

    @property
    def nbytes(self) -> int:
        """Memory the arrays take, in bytes."""
        return int(sum(array.nbytes for array in self.arrays))

    def locate_many(
        self, lats: npt.ArrayLike, lons: npt.ArrayLike, *, parallel: bool = False
    ) -> npt.NDArray[np.int32]:
        """Zones of many positions.

        Parameters
        ----------
        lats, lons : (n,) degrees.
        parallel : use all threads numba has.

        Returns
        -------
        (n, 5) int32 zone numbers by kind (berth, anchorage, port limit, ECA, speed zone), -1 for none.
        """
        lat = np.ascontiguousarray(lats, dtype=np.float64)
        lon = np.ascontiguousarray(lons, dtype=np.float64)
        out = np.empty((lat.size, len(KINDS)), np.int32)
        (_locate_many_parallel if parallel else _locate_many)(self.arrays, lat, lon, out)
        return out


class _Raster:
    """Builds the three levels of the raster from the world down."""

    def __init__(
        self, edges: npt.NDArray[np.float64], zone_kind: npt.NDArray[np.int8], box: npt.NDArray[np.float64]
    ) -> None:
        self.edges = edges
        self.zone_kind = zone_kind
        self.box = box
        self.cells = _Cells()
        self.blocks: list[npt.NDArray[np.int32]] = []
        self.answers: dict[tuple[int, ...], int] = {}

    def divide(
        self, parent: _Division, cell: int, west: float, south: float, size: float, rows: int, columns: int
    ) -> _Division:
        entries = parent.c_entry[cell : cell + 2]
        part = _Division(
            *_divide(
                west,
                south,
                size,
                rows,
                columns,
                entries,
                parent.e_zone,
                parent.e_parity,
                parent.e_edge,
                parent.ids,
                self.edges,
                self.zone_kind,
                self.box,
            )
        )
        # Rows of this division's answers become rows of the common table.
        common = np.array(
            [self.answers.setdefault(tuple(row), len(self.answers)) for row in part.answers.tolist()],
            dtype=np.int32,
        )
        sure = part.values >= 0
        values = part.values.copy()
        values[sure] = common[part.values[sure]]
        return part._replace(values=values)

    def build(self, world: _Division) -> IndexArrays:
        root = self.divide(world, 0, -180.0, -90.0, 1.0, 180, 360)
        root_values = root.values
        waiting: list[tuple[int, int, _Division, int, float, float, int]] = []
        for cell, place in enumerate(root.c_index.tolist()):
            west, south = place % 360 - 180.0, place // 360 - 90.0
            part = self.divide(root, cell, west, south, 1.0 / SPLIT, SPLIT, SPLIT)
            block = len(self.blocks)
            self.blocks.append(part.values)
            root_values[place] = -1 - 2 * block
            for child, child_place in enumerate(part.c_index.tolist()):
                child_west = west + (child_place % SPLIT) / SPLIT
                child_south = south + (child_place // SPLIT) / SPLIT
                rank = self._finest_kind(part, child)
                waiting.append((rank, len(waiting), part, child, child_west, child_south, block))
        # Berths and anchorages first, in case a user's zones ask for more blocks than memory should hold.
        waiting.sort(key=lambda item: item[:2])
        budget = MAX_FINE_BLOCKS
        for rank, _, part, child, west, south, parent_block in waiting:
            place = int(part.c_index[child])
            if rank == ECA_KIND or budget == 0:
                self.blocks[parent_block][place] = -2 - 2 * self.cells.add(part, child)
                continue
            budget -= 1
            fine = self.divide(part, child, west, south, 1.0 / CELLS, SPLIT, SPLIT)
            first = self.cells.add_all(fine)
            fine.values[fine.c_index] = -2 - 2 * (first + np.arange(fine.c_index.size))
            self.blocks[parent_block][place] = -1 - 2 * len(self.blocks)
            self.blocks.append(fine.values)
        return IndexArrays(
            root=root_values,
            blocks=np.array(self.blocks, dtype=np.int32).reshape(-1, CELLS),
            answers=np.array(list(self.answers), dtype=np.int32).reshape(-1, len(KINDS)),
            cell_entry=_offsets(self.cells.entry_counts),
            entry_zone=_joined(self.cells.zones, np.int32),
            entry_parity=_joined(self.cells.parities, np.int8),
            entry_edge=_offsets(self.cells.edge_counts),
            edge_ids=_joined(self.cells.ids, np.int32),
            edges=self.edges,
            zone_kind=self.zone_kind,
        )

    def _finest_kind(self, part: _Division, cell: int) -> int:
        """Lowest kind number whose boundary runs through a cell; the ECA last, it needs no fine raster."""
        start, stop = part.c_entry[cell], part.c_entry[cell + 1]
        crossed = np.diff(part.e_edge[start : stop + 1]) > 0
        kinds = self.zone_kind[part.e_zone[start:stop][crossed]]
        near = kinds[kinds != ECA_KIND]
        return int(near.min()) if near.size else ECA_KIND


def _offsets(counts: list[npt.NDArray[np.int64]]) -> npt.NDArray[np.int32]:
    joined = np.concatenate([np.zeros(1, np.int64), *counts])
    return np.cumsum(joined).astype(np.int32)


def _joined(parts: list[npt.NDArray], dtype: type) -> npt.NDArray:
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype)
