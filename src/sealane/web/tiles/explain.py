"""Where a figure of the map comes from: the mass of a drawn cell as the sum of the grid's own cells."""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from sealane.errors import Phrase, RequestRefusedError
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.results import Result
from sealane.web.tiles import kept
from sealane.web.tiles.heat import CELLS_PER_DEG, GROUPS, area_km2
from sealane.web.words import N_

MOST_PARTS = 200


def cell_derivation(result: Result, pollutant: str, lat: float, lon: float, size: int) -> Derivation:
    """How the mass in a cell of the heat map was worked out.

    Parameters
    ----------
    lat, lon : a place inside the cell [deg].
    size : cells of the grid in a row of the drawn cell, one of `GROUPS`.

    Raises
    ------
    RequestRefusedError
        404 where the result has no such pollutant or the cell no mass.
    """
    if size not in GROUPS or pollutant not in kept.pollutants_of(result.folder):
        raise _nothing()
    grid = kept.grid_of(result.folder, pollutant)
    row = math.floor((lat + 90.0) * CELLS_PER_DEG) // size * size
    column = math.floor((lon + 180.0) % 360.0 * CELLS_PER_DEG) // size * size
    inside = np.flatnonzero((grid.row // size * size == row) & (grid.column // size * size == column))
    if not len(inside):
        raise _nothing()
    grams = grid.grams[inside]
    km2 = float(area_km2(np.array([row]), size)[0])
    total = math.fsum(grams.tolist())
    here = f"/explain/heat/{result.id}?pollutant={pollutant}&lat={lat}&lon={lon}&size={size}"
    own = size == 1
    order = inside[np.argsort(-grams, kind="stable")][:MOST_PARTS]
    parts = (
        []
        if own
        else [_part(result, pollutant, *_cell(grid.row[i], grid.column[i]), float(grid.grams[i])) for i in order]
    )
    rest = total - math.fsum(part.figure.value or 0.0 for part in parts)
    if not own and len(inside) > MOST_PARTS:
        label = f"{len(inside) - MOST_PARTS:,} further cells"
        parts.append(Part(label=label, figure=Figure(value=rest, quantity="mass_g", explain=here)))
    south, west = row / CELLS_PER_DEG - 90.0, column / CELLS_PER_DEG - 180.0
    wide = size / CELLS_PER_DEG
    return Derivation(
        title=N_("Emissions in a cell of the heat map"),
        figure=Figure(value=total, quantity="mass_g", explain=here, simulated=result.simulated),
        filters={
            N_("pollutant"): pollutant,
            N_("cell"): f"{south:.2f} to {south + wide:.2f}, {west:.2f} to {west + wide:.2f} deg",
            N_("ships"): N_("all in the inventory"),
            N_("basis"): N_("tank-to-wake"),
        },
        equation=N_("mass = sum over ships and times in the cell of power x emission factor x time"),
        inputs=[
            Input(name=N_("area of the cell on the sphere"), value=round(km2, 6), unit="km2", origin="computed"),
            Input(
                name=N_("density: mass / area of the cell"), value=total / 1e3 / km2, unit="kg/km2", origin="computed"
            ),
            Input(name=N_("cells of 0.01 degrees with mass"), value=len(inside), origin="computed"),
        ],
        parts=parts,
        notes=[N_("A cell holds what all ships emitted while they were in it, over the whole period of the result.")],
        source_files=[f"{result.id}/grid.parquet ({result.title}, {result.digest[:12]})"],
    )


def _cell(row: np.int64, column: np.int64) -> tuple[float, float]:
    """A cell's south-western corner [deg]."""
    return cast("int", row) / CELLS_PER_DEG - 90.0, cast("int", column) / CELLS_PER_DEG - 180.0


def _part(result: Result, pollutant: str, south: float, west: float, grams: float) -> Part:
    middle = 0.5 / CELLS_PER_DEG
    lat, lon = round(south + middle, 3), round(west + middle, 3)
    path = f"/explain/heat/{result.id}?pollutant={pollutant}&lat={lat}&lon={lon}&size=1"
    return Part(label=f"{south:.2f}, {west:.2f} deg", figure=Figure(value=grams, quantity="mass_g", explain=path))


def _nothing() -> RequestRefusedError:
    return RequestRefusedError(
        404, "no-such-cell", Phrase("No emission is known of this cell."), Phrase("Choose a cell on the map.")
    )
