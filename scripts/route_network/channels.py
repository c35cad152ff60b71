"""Canals, rivers and narrows, from the lines of the searoute network that run where our water does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from route_network.cells import grown
from route_network.land import CELLS, COLUMNS, ROWS, Mask

# Boxes (south, north, west, east) of inland stretches with several mouths that ships run through; any other stretch
# that joins two waters over land is a flaw of the network and is left out.
THROUGH = {
    "Suez Canal": (29.9, 31.4, 32.2, 32.7),
    "Panama Canal": (8.7, 9.8, -80.1, -79.4),
    "Mississippi": (28.8, 30.4, -90.5, -89.1),
    "Cape Cod Canal": (41.6, 41.9, -70.7, -70.4),
    "Strait of Canso": (45.3, 46.0, -61.8, -60.9),
    "Sabine Pass": (29.7, 30.0, -94.0, -93.8),
    "Wadden Sea and IJsselmeer": (52.3, 53.1, 5.0, 5.7),
    "Bristol Channel": (51.3, 51.6, -3.3, -2.8),
}
Edges = list[tuple[int, int]]


def cell_of(points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of (n, 2) lat, lon."""
    row = np.clip(((points[:, 0] + 90.0) * CELLS).astype(np.int64), 0, ROWS - 1)
    return row, ((points[:, 1] + 180.0) * CELLS).astype(np.int64) % COLUMNS


def inland(points: NDArray[np.float64], edges: Edges, water: Mask) -> Edges:
    """Lines with an end on land: rivers, lakes and the canals of :data:`THROUGH`."""
    row, column = cell_of(points)
    on_land = grown(water, 1.0)[row, column] == 0
    near: dict[int, set[int]] = {}
    for a, b in edges:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    chosen: set[tuple[int, int]] = set()
    seen: set[int] = set()
    for begin in np.flatnonzero(on_land).tolist():
        if begin in seen or begin not in near:
            continue
        stretch, waiting = [], [begin]
        seen.add(begin)
        while waiting:
            a = waiting.pop()
            stretch.append(a)
            for b in sorted(near[a]):
                if on_land[b] and b not in seen:
                    seen.add(b)
                    waiting.append(b)
        mouths = {b for a in stretch for b in near[a] if not on_land[b]}
        if len(mouths) > 1 and not any(_within(points[a], box) for a in stretch for box in THROUGH.values()):
            continue
        chosen |= {(min(a, b), max(a, b)) for a in stretch for b in near[a]}
    return sorted(chosen)


def _within(point: NDArray[np.float64], box: tuple[float, float, float, float]) -> bool:
    return box[0] <= point[0] <= box[1] and box[2] <= point[1] <= box[3]
