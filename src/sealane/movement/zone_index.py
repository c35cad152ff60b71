"""Which zones a position lies in: a raster that answers most points by one look-up, an exact ray cast for the rest.

The world is a grid of one-degree cells. A cell that a zone boundary touches is divided into 32 x 32 cells, and near
the boundaries of zones of a port's size once more into 32 x 32 (about 100 m). A cell without any boundary in
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

import numpy as np
import numpy.typing as npt
from numba import prange

from sealane.movement.compiled import borrowing, njit
from sealane.movement.zone_raster import (
    CELLS,
    ENTRY_INTS,
    SPLIT,
    Division,
    IndexArrays,
    Raster,
    crossing_parity,
    zone_edges,
)
from sealane.movement.zone_shapes import KINDS, Zone, ZoneSet, zone_area_m2

__all__ = ["IndexArrays", "ZoneIndex", "locate", "uniform_cell"]


@borrowing
def _decide(grid, edges, cell, lat, lon):
    """Zones of a position in a boundary cell: its entries, kind by kind, the smallest zone first."""
    r0 = r1 = r2 = r3 = r4 = np.int32(-1)
    if lat == 90.0:
        # The pole belongs to the polygon below it: the half-open rule would leave it to nobody.
        lat = 89.99999999999999
    done = -1
    for n in range(cell + 1, cell + 1 + ENTRY_INTS * grid[cell], ENTRY_INTS):
        kind = grid[n + 1]
        if kind == done:
            continue
        if crossing_parity(edges, grid, grid[n + 3], grid[n + 4], grid[n + 2], lat, lon):
            done = kind
            if kind == 0:
                r0 = grid[n]
            elif kind == 1:
                r1 = grid[n]
            elif kind == 2:
                r2 = grid[n]
            elif kind == 3:
                r3 = grid[n]
            else:
                r4 = grid[n]
    return r0, r1, r2, r3, r4


@borrowing
def locate(ix, lat, lon):
    """Zones of one position.

    Parameters
    ----------
    ix : IndexArrays of a :class:`ZoneIndex`.
    lat, lon : position in degrees, longitude -180 to 180.

    Returns
    -------
    (berth, anchorage, port_limit, eca, speed_zone), five int32 zone numbers, the place of the zone in
    ``ZoneIndex.zones``; -1 where the position lies in no zone of that kind, or is not a position at all (NaN, 91, 181).
    Within a kind the zone of the smallest area wins.
    """
    grid = ix.grid
    # 91 and 181 are AIS's "not available"; NaN fails every comparison.
    if not (-90.0 <= lat <= 90.0 and -180.0 <= lon <= 180.0):
        none = np.int32(-1)
        return none, none, none, none, none
    if lon == 180.0:
        lon = -180.0
    # The finest cell in 1/1024 degree; the coarser levels are its upper bits. Latitude 90 stays in the last row, and
    # so does a longitude that rounds up to the antimeridian.
    column = int(min((lon + 180.0) * CELLS, 360.0 * CELLS - 1.0))
    row = int(min((lat + 90.0) * CELLS, 180.0 * CELLS - 1.0))
    v = grid[(row >> 10) * 360 + (column >> 10)]
    if v < 0 and v & 1:
        v = grid[(-1 - v >> 1) + (row >> 5 & 31) * SPLIT + (column >> 5 & 31)]
        if v < 0 and v & 1:
            v = grid[(-1 - v >> 1) + (row & 31) * SPLIT + (column & 31)]
    if v >= 0:
        return grid[v], grid[v + 1], grid[v + 2], grid[v + 3], grid[v + 4]
    return _decide(grid, ix.edges, -1 - v >> 1, lat, lon)


@borrowing
def uniform_cell(ix, lat, lon):
    """Bounds of the cell of a position if no zone boundary runs through it.

    Returns
    -------
    (south, west, north, east) degrees, half-open: every position in them has the zones of this one. Bounds that
    nothing lies in where a boundary runs through the cell, or the position is none.
    """
    grid = ix.grid
    if not (-90.0 <= lat <= 90.0 and -180.0 <= lon < 180.0):
        return 1.0, 1.0, -1.0, -1.0
    column = int(min((lon + 180.0) * CELLS, 360.0 * CELLS - 1.0))
    row = int(min((lat + 90.0) * CELLS, 180.0 * CELLS - 1.0))
    size = CELLS
    v = grid[(row >> 10) * 360 + (column >> 10)]
    if v < 0 and v & 1:
        size = SPLIT
        v = grid[(-1 - v >> 1) + (row >> 5 & 31) * SPLIT + (column >> 5 & 31)]
        if v < 0 and v & 1:
            size = 1
            v = grid[(-1 - v >> 1) + (row & 31) * SPLIT + (column & 31)]
    if v < 0:
        return 1.0, 1.0, -1.0, -1.0
    south, west = row // size * size, column // size * size
    return south / CELLS - 90.0, west / CELLS - 180.0, (south + size) / CELLS - 90.0, (west + size) / CELLS - 180.0


@njit(cache=True)
def _locate_many(ix, lats, lons, out):
    for k in range(lats.size):
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4] = locate(ix, lats[k], lons[k])


@njit(cache=True, parallel=True)
def _locate_many_parallel(ix, lats, lons, out):
    for k in prange(lats.size):
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4] = locate(ix, lats[k], lons[k])


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
        by_zone = [zone_edges(zone) for zone in zones]
        edges = np.concatenate([*by_zone, np.empty((0, 4))])
        first_edge = np.concatenate([[0], np.cumsum([part.shape[0] for part in by_zone])]).astype(np.int64)
        box = np.array(
            [[e[:, (0, 2)].min(), e[:, 1].min(), e[:, (0, 2)].max(), e[:, 3].max()] for e in by_zone]
        ).reshape(-1, 4)
        areas = [zone_area_m2(zone) for zone in zones]
        # Within a kind the smallest zone comes first, so that the first hit is the answer.
        order = sorted(range(len(zones)), key=lambda n: (zone_kind[n], areas[n], n))
        root_ids = np.concatenate(
            [np.arange(first_edge[n], first_edge[n + 1]) for n in order] + [np.empty(0, np.int64)]
        ).astype(np.int32)
        world = Division(
            values=np.empty(0, np.int32),
            answers=np.empty((0, 5), np.int32),
            c_index=np.array([0]),
            c_entry=np.array([0, len(zones)]),
            e_zone=np.array(order, dtype=np.int32),
            e_parity=np.zeros(len(zones), np.int8),
            e_edge=np.concatenate([[0], np.cumsum([by_zone[n].shape[0] for n in order])]).astype(np.int64),
            ids=root_ids,
        )
        raster = Raster(edges, zone_kind, box)
        return cls(zones, raster.build(world))

    @property
    def nbytes(self) -> int:
        """Memory the arrays take, in bytes."""
        return int(sum(array.nbytes for array in self.arrays))

    def locate_many(self, lats: npt.ArrayLike, lons: npt.ArrayLike, *, parallel: bool = False) -> npt.NDArray[np.int32]:
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
