"""From land to the two masks and the outline that routes bend round."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from route_network.cells import grown, outlines, waters, ways_back
from route_network.land import CELLS, COLUMNS, ROWS, Mask

CLEARANCE_NM = 1.2  # 1.2 nm off the land of both scales, straits narrower than 2 x 2.2 nm closed
HALF_STRAIT_NM = 1.0
HARBOUR_NM = 1.2  # half width of what is opened again towards a port
PORT_TO_WATER_NM = 6.0
LEAST_SEA_CELLS = 1000  # a water without a way to the ocean counts from this size, if the searoute network is on it
SOUTH, NORTH = -66.0, 80.0  # no corners beyond; ice


class Masks(NamedTuple):
    """near: land and waters no ship reaches; open: the same with clearance; outer: the outline corners stand on."""

    near: Mask
    open: Mask
    outer: Mask
    water: Mask


def nearest(mask: Mask, lat: float, lon: float, radius_nm: float) -> tuple[int, int] | None:
    """The nearest set cell within a radius."""
    cosine = max(np.cos(np.radians(lat)), 0.05)
    tall, wide = int(radius_nm) + 1, int(radius_nm / cosine) + 1
    row, column = int((lat + 90.0) * CELLS), int((lon + 180.0) * CELLS)
    rows = np.arange(max(row - tall, 0), min(row + tall + 1, ROWS))
    columns = np.arange(column - wide, column + wide + 1)
    y, x = np.nonzero(mask[rows][:, columns % COLUMNS])
    if not len(y):
        return None
    north = (rows[y] + 0.5) / CELLS - 90.0 - lat
    east = ((columns[x] + 0.5) / CELLS - 180.0 - lon) * cosine
    best = int(np.argmin(north**2 + east**2))
    return int(rows[y[best]]), int(columns[x[best]] % COLUMNS)


def make(
    fine: Mask, coarse: Mask, network: tuple[NDArray[np.int64], NDArray[np.int64]], ports: Iterable[tuple[float, float]]
) -> Masks:
    """Masks from land at two scales.

    Parameters
    ----------
    fine, coarse : land at 1:10 million and 1:50 million.
    network : rows and columns of the nodes of the searoute network.
    ports : lat, lon of ports that must be reached.
    """
    closed = (1 - grown(1 - grown(fine | coarse, CLEARANCE_NM + HALF_STRAIT_NM), HALF_STRAIT_NM)).astype(np.uint8)
    label, size = waters(fine)
    used = np.unique(label[network])
    seas = [int(k) for k in used if k > 0 and size[k] > LEAST_SEA_CELLS]
    water = np.isin(label, seas).astype(np.uint8)
    off_shore, off_size = waters(closed)
    source = np.zeros_like(water)
    for sea in seas:
        inside = np.bincount(off_shore[label == sea], minlength=len(off_size))
        inside[0] = 0
        source |= (off_shore == int(inside.argmax())).astype(np.uint8)
    del label, off_shore
    cells = {cell for lat, lon in ports if (cell := nearest(water, lat, lon, PORT_TO_WATER_NM)) is not None}
    goals = np.array(sorted(cells), dtype=np.int64)
    ways = ways_back(water, source, goals[:, 0].copy(), goals[:, 1].copy())
    harbours = grown((ways & (1 - source)).astype(np.uint8), HARBOUR_NM) & water
    closed[harbours == 1] = 0
    label, _ = waters(closed)
    kept = np.unique(label[source == 1])
    free = np.isin(label, kept[kept > 0]).astype(np.uint8)
    shut = (1 - free).astype(np.uint8)
    outer = grown(shut, 1.01)
    # Where the outline would close a strait, it stays at the mask itself.
    core = (outer & free & (1 - grown((1 - outer).astype(np.uint8), 1.6))).astype(np.uint8)
    outer &= (1 - (grown(core, 2.0) & free)).astype(np.uint8)
    return Masks((1 - water).astype(np.uint8), shut, outer, water)


def chains(outer: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Closed chains of water cells along the outline; see :func:`cells.outlines`."""
    low, high = int((SOUTH + 90.0) * CELLS), int((NORTH + 90.0) * CELLS)
    return outlines(outer, (1 - outer).astype(np.uint8), low, high)
