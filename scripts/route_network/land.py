"""Land as cells of one minute of arc, from Natural Earth as packed in npm world-atlas (TopoJSON)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

CELLS = 60
ROWS, COLUMNS = 180 * CELLS, 360 * CELLS
Mask = NDArray[np.uint8]
ISLAND_CELLS = 20  # islands no larger than this take every cell they touch


def rings(path: Path) -> list[list[NDArray[np.float64]]]:
    """Polygons of a world-atlas file as rings of (lon, lat), longitudes continuous along a ring."""
    topology = json.loads(path.read_text(encoding="utf-8"))
    scale, shift = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = [np.cumsum(np.array(arc, dtype=np.int64), axis=0) * scale + shift for arc in topology["arcs"]]
    polygons: list[list[NDArray[np.float64]]] = []

    def ring(numbers: list[int]) -> NDArray[np.float64]:
        parts = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers]
        return _unwrapped(np.concatenate([part if i == 0 else part[1:] for i, part in enumerate(parts)]))

    def take(geometry: dict[str, Any]) -> None:
        if geometry["type"] == "GeometryCollection":
            for part in geometry["geometries"]:
                take(part)
        elif geometry["type"] == "Polygon":
            polygons.append([ring(numbers) for numbers in geometry["arcs"]])
        elif geometry["type"] == "MultiPolygon":
            polygons.extend([ring(numbers) for numbers in polygon] for polygon in geometry["arcs"])

    take(topology["objects"]["land"])
    return polygons


def islets(path: Path) -> list[list[NDArray[np.float64]]]:
    """Polygons of a GeoJSON file of small islands, as :func:`rings` gives them."""
    polygons: list[list[NDArray[np.float64]]] = []
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        geometry = feature["geometry"]
        parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        polygons += [[_unwrapped(np.array(ring, dtype=np.float64)[:, :2]) for ring in part] for part in parts]
    return polygons


def _unwrapped(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    step = np.diff(ring[:, 0])
    step -= 360.0 * np.round(step / 360.0)
    lon = np.concatenate([ring[:1, 0], ring[0, 0] + np.cumsum(step)])
    lat = ring[:, 1]
    if abs(lon[-1] - lon[0]) > 180.0:  # once round the pole: closed over it
        pole = -90.0 if lat.mean() < 0.0 else 90.0
        lon = np.concatenate([lon, [lon[-1], lon[0], lon[0]]])
        lat = np.concatenate([lat, [pole, pole, lat[0]]])
    return np.stack([lon, lat], axis=1)


@njit(cache=True)
def _toggle(mask, lon, lat):  # type: ignore[no-untyped-def]  # compiled
    rows, columns = mask.shape
    for i in range(lon.size - 1):
        x0, y0, x1, y1 = lon[i], lat[i], lon[i + 1], lat[i + 1]
        if y0 == y1:
            continue
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        first = int(np.ceil((y0 + 90.0) * CELLS - 0.5))
        last = int(np.ceil((y1 + 90.0) * CELLS - 0.5))
        for row in range(max(first, 0), min(last, rows)):
            centre = (row + 0.5) / CELLS - 90.0
            x = x0 + (centre - y0) / (y1 - y0) * (x1 - x0)
            column = max(int(np.ceil((x + 180.0) * CELLS - 0.5)), 0)
            if column < columns:
                mask[row, column] ^= 1


@njit(cache=True)
def _parity(mask):  # type: ignore[no-untyped-def]  # compiled
    for row in range(mask.shape[0]):
        inside = np.uint8(0)
        for column in range(mask.shape[1]):
            inside ^= mask[row, column]
            mask[row, column] = inside


def raster(polygons: list[list[NDArray[np.float64]]]) -> Mask:
    """Cells whose centre lies on land (even-odd rule), and all cells that the shore of a small island runs through."""
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    for polygon in polygons:
        for ring in polygon:
            for turn in (-360.0, 0.0, 360.0):
                if ring[:, 0].max() + turn >= -180.0 and ring[:, 0].min() + turn <= 180.0:
                    _toggle(mask, ring[:, 0] + turn, ring[:, 1].copy())
    _parity(mask)
    for polygon in polygons:
        if np.ptp(polygon[0], axis=0).max() <= ISLAND_CELLS / CELLS:
            for ring in polygon:
                parts = np.linspace(0.0, 1.0, 4 * ISLAND_CELLS, endpoint=False)[:, None, None]
                shore = (ring[:-1] + parts * np.diff(ring, axis=0)).reshape(-1, 2)
                row = np.clip(((shore[:, 1] + 90.0) * CELLS).astype(int), 0, ROWS - 1)
                mask[row, ((shore[:, 0] + 180.0) * CELLS).astype(int) % COLUMNS] = 1
    return mask
