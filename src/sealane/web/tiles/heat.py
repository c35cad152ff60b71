"""Tiles of the emission heat map: cells of ``grid.parquet``, put together where they would be too small to see.

What a cell says is mass over the area of the cell, so that its colour means the same at every zoom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sealane.movement.geodesy import MEAN_RADIUS_M
from sealane.web.tiles import mvt
from sealane.web.tiles.mercator import WORLD, Tile, project

CELLS_PER_DEG = 100
# Cells of the grid in a row of a drawn cell; each divides a degree or is one.
GROUPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
LEAST_PX = 5.0
_PX_PER_TILE = 512
_LAT_CELLS, _LON_CELLS = 180 * CELLS_PER_DEG, 360 * CELLS_PER_DEG


@dataclass(frozen=True)
class HeatGrid:
    """One pollutant's cells, all ships together, shape ``(n,)`` each.

    Attributes
    ----------
    row, column : of the cell, counted in cells from 90 S and 180 W.
    grams : mass emitted in it over the whole period of the result.
    """

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    grams: NDArray[np.float64]


def pollutants(path: Path) -> tuple[str, ...]:
    """Pollutants that the grid of a result has masses of."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    named = [name[:-2] for name in file.schema_arrow.names if name.endswith("_g")]
    table = file.read([f"{name}_g" for name in named])
    return tuple(name for name in named if table.column(f"{name}_g").null_count < len(table))


def read_grid(path: Path, pollutant: str) -> HeatGrid:
    """Read one pollutant's cells; those without any mass are left out."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["lat", "lon", f"{pollutant}_g"])
    grams = table.column(2).fill_null(0.0).to_numpy()
    row = np.rint((table.column(0).to_numpy() + 90.0) * CELLS_PER_DEG).astype(np.int64)
    column = np.rint((table.column(1).to_numpy() + 180.0) * CELLS_PER_DEG).astype(np.int64) % _LON_CELLS
    some = grams > 0
    return HeatGrid(row[some], column[some], grams[some])


def area_km2(row: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """Area of cells on the sphere whose southern edge stands at a row, `size` grid cells wide and high."""
    south, north = (np.radians(edge / CELLS_PER_DEG - 90.0) for edge in (row, np.minimum(row + size, _LAT_CELLS)))
    width = math.radians(size / CELLS_PER_DEG)
    return (MEAN_RADIUS_M / 1e3) ** 2 * width * (np.sin(north) - np.sin(south))


def group_for(zoom: int) -> int:
    """How many grid cells in a row make a drawn cell of at least `LEAST_PX` pixels."""
    px_per_cell = _PX_PER_TILE * (1 << zoom) / _LON_CELLS
    return next((size for size in GROUPS if size * px_per_cell >= LEAST_PX), GROUPS[-1])


def classes(grid: HeatGrid, count: int = 6) -> list[float]:
    """Lower bounds [kg/km2] of at most `count` classes, in the ratio of 1, 3, 10, the heaviest cell in the last."""
    if not len(grid.grams):
        return []
    density = grid.grams / 1e3 / area_km2(grid.row, 1)
    top, low = float(density.max()), float(density.min())
    power = math.floor(2 * math.log10(top)) + 1
    bounds = [10.0 ** (k // 2) * (3.0 if k % 2 else 1.0) for k in range(power - 2 * count, power + 1)]
    under = [bound for bound in bounds if bound <= top][-count:]
    return [b for b, following in zip(under, [*under[1:], math.inf], strict=True) if following > low]


def heat_tile(grid: HeatGrid, tile: Tile) -> bytes:
    """Cells in a tile as squares with mass [kg], density [kg/km2] and width [cells]; empty where there are none."""
    size = group_for(tile.z)
    west, south, east, north = tile.box_deg()
    row, column = grid.row // size * size, grid.column // size * size
    inside = (row >= (south + 90.0) * CELLS_PER_DEG - size) & (row <= (north + 90.0) * CELLS_PER_DEG)
    wide = east - west >= 360.0
    first = math.floor((west + 180.0) * CELLS_PER_DEG) - size
    if not wide:
        inside &= first + (column - first) % _LON_CELLS <= (east + 180.0) * CELLS_PER_DEG
    if not inside.any():
        return b""
    cells, place = np.unique(row[inside] * _LON_CELLS + column[inside], return_inverse=True)
    kg = np.bincount(place, weights=grid.grams[inside]) / 1e3
    row, column = cells // _LON_CELLS, cells % _LON_CELLS
    density = kg / area_km2(row, size)
    if not wide:  # on the side of the antimeridian where the tile is
        column = first + (column - first) % _LON_CELLS
    commands = _squares(row, column, size, tile)
    values = [mvt.encode_value(float(f"{v:.6g}")) for v in np.concatenate([kg, density]).tolist()]
    count = len(cells)
    values.append(mvt.encode_value(size))
    tags = np.empty((count, 6), np.int32)
    tags[:, 0], tags[:, 2], tags[:, 4], tags[:, 5] = 0, 1, 2, 2 * count
    tags[:, 1], tags[:, 3] = np.arange(count), count + np.arange(count)
    bounds = np.arange(count + 1) * commands.shape[1]
    ids = np.full(count, -1, np.int64)
    keys = ["kg", "kg_per_km2", "size"]
    return mvt.Layer("heat", mvt.POLYGON, ids, tags, commands.ravel(), bounds, keys, values).encode()


def _squares(row: NDArray[np.int64], column: NDArray[np.int64], size: int, tile: Tile) -> mvt.Commands:
    """Commands of one square a cell, shape ``(n, 11)``: north-west, north-east, south-east, south-west."""
    west = (column / _LON_CELLS * WORLD).astype(np.int64)
    east = ((column + size) / _LON_CELLS * WORLD).astype(np.int64)
    top = np.minimum(row + size, _LAT_CELLS) / CELLS_PER_DEG - 90.0
    _, north = project(top, np.zeros(len(row)))
    _, south = project(row / CELLS_PER_DEG - 90.0, np.zeros(len(row)))
    x0, y0 = tile.origin
    left, right = (west - x0) >> tile.shift, (east - x0) >> tile.shift
    upper, lower = (north - y0) >> tile.shift, (south - y0) >> tile.shift
    nothing = np.zeros(len(row), np.int64)
    out = np.empty((len(row), 11), np.uint32)
    out[:, 0] = mvt.command(mvt.MOVE_TO, 1)
    out[:, 3] = mvt.command(mvt.LINE_TO, 3)
    out[:, 10] = mvt.command(mvt.CLOSE_PATH, 1)
    steps = (left, upper, right - left, nothing, nothing, lower - upper, left - right, nothing)
    for place, step in zip((1, 2, 4, 5, 6, 7, 8, 9), steps, strict=True):
        out[:, place] = mvt.zigzag(step)
    # The cursor stays at the last corner, not at the first; but every feature begins from the tile's own corner.
    return out
