"""The file of the network, as its makers read and write it: each line once, from the lower corner to the higher."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sealane.movement.routes.marks import passages
from sealane.movement.routes.water import Water, clearance

Graph = tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.int8],
    NDArray[np.uint8],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.uint64],
]
"""lat, lon, touch (in 127ths) and kind of the corners; i, j and bits of the lines."""


def read(path: Path) -> tuple[Graph, Water]:
    """The network of a file."""
    with np.load(path, allow_pickle=False) as file:
        cells = np.cumsum(file["corner_cells"].astype(np.int64), axis=0)
        i = np.cumsum(file["line_from"].astype(np.int64)).astype(np.int32)
        j = (file["line_to"].astype(np.int64) + i).astype(np.int32)
        bits = np.zeros(len(i), np.uint64)
        bits[file["marked"]] = file["marks"]
        graph = (cells[:, 0] / 1e4, cells[:, 1] / 1e4, file["touch"], file["kind"], i, j, bits)
        root, rows = file["open_root"], file["open_rows"]
        return graph, Water(root, rows, file["near_root"], file["near_rows"], clearance(root, rows))


def write(path: Path, graph: Graph, water: Water) -> None:
    """Write the network; the same network gives the same bytes."""
    lat, lon, touch, kind, i, j, bits = graph
    low, high = np.minimum(i, j).astype(np.int64), np.maximum(i, j).astype(np.int64)
    order = np.lexsort((high, low))
    low, high, bits = low[order], high[order], bits[order]
    cells = np.round(np.stack([lat, lon], axis=1) * 1e4).astype(np.int64)
    marked = np.flatnonzero(bits).astype(np.int32)
    np.savez_compressed(
        path,
        passages=np.array(list(passages())),
        corner_cells=np.diff(cells, axis=0, prepend=0).astype(np.int32),
        touch=touch,
        kind=kind,
        line_from=np.diff(low, prepend=0).astype(np.int32),
        line_to=(high - low).astype(np.int32),
        marked=marked,
        marks=bits[marked],
        open_root=water.open_root,
        open_rows=water.open_rows,
        near_root=water.near_root,
        near_rows=water.near_rows,
    )
