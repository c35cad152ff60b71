"""Sums of a lane over its dimensions, so that every figure is exactly the sum of the parts it is shown as.

Adding floating-point numbers in another order gives another last digit. So the order is fixed: a sum over some
dimensions is the correctly rounded sum over the values of the first dimension that is not fixed, each again a sum of
the same kind. A figure, its parts and the parts' own derivations then agree to the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sealane.corridors.lanes.pricing import ELECTRICITY_UNKNOWN
from sealane.corridors.lanes.schemas import PARTS, PLACES
from sealane.web.corridor.measures import MEASURES, Measure

DIMENSIONS = ("year", "part", "place", "ship_class", "fuel", "quarter")
"""In the order in which a figure is taken apart."""
CLOSE = 1e-9
"""Relative difference below which two sums of the same numbers differ by the order of addition only."""

Row = Mapping[str, Any]
Cell = Mapping[str, object]
_ORDER = {"part": PARTS, "place": PLACES}


def rows_of(rows: Iterable[Row], cell: Cell) -> list[Row]:
    """Rows of a cell; a dimension that the cell does not name is free."""
    return [row for row in rows if all(row[name] == value for name, value in cell.items())]


def next_dimension(rows: Sequence[Row], cell: Cell) -> str | None:
    """First dimension that the cell leaves free; those with one value only are passed over while others have more."""
    free = [name for name in DIMENSIONS if name not in cell]
    return next((name for name in free if len({row[name] for row in rows}) > 1), free[0] if free else None)


def values_of(rows: Sequence[Row], dimension: str) -> list[Any]:
    """Values of a dimension in the order pages show them."""
    found = {row[dimension] for row in rows}
    order = _ORDER.get(dimension)
    return [v for v in order if v in found] if order else sorted(found)


def lane_sum(rows: Sequence[Row], cell: Cell, measure: Measure) -> float | None:
    """Sum of a measure over a cell, in the unit of its figure.

    Parameters
    ----------
    rows : rows of ``totals.parquet``.
    cell : fixed dimensions, rule included.

    Returns
    -------
    None where nothing is there, or where a running engine has no published factor. Electricity of unknown carbon
    intensity adds nothing, which the lane's notes say.
    """
    chosen = rows_of(rows, cell)
    return _sum(chosen, cell, measure) if chosen else None


def _sum(rows: Sequence[Row], cell: Cell, measure: Measure) -> float | None:
    dimension = next_dimension(rows, cell)
    if dimension is None:
        return _leaf(rows, measure)
    found = []
    for value in values_of(rows, dimension):
        part = _sum([row for row in rows if row[dimension] == value], {**cell, dimension: value}, measure)
        if part is None:
            return None
        found.append(part)
    return math.fsum(found)


def _leaf(rows: Sequence[Row], measure: Measure) -> float | None:
    shown = MEASURES[measure]
    found = []
    for row in rows:
        value = row[shown.column]
        if value is not None:
            found.append(value / shown.divisor)
        elif row["fuel"] != ELECTRICITY_UNKNOWN:
            return None
    return math.fsum(found)


def parts_of(rows: Sequence[Row], cell: Cell, measure: Measure) -> tuple[str, list[tuple[Any, float | None]]]:
    """The dimension a cell is taken apart by, and its values with their sums; ``""`` where nothing is left to part."""
    chosen = rows_of(rows, cell)
    dimension = next_dimension(chosen, cell) if chosen else None
    if dimension is None:
        return "", []
    return dimension, [
        (value, lane_sum(chosen, {**cell, dimension: value}, measure)) for value in values_of(chosen, dimension)
    ]


def same(a: float | None, b: float | None) -> bool:
    """True where two figures differ by the order of addition at most."""
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-9)
