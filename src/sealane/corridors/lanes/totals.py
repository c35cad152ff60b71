"""Adds the priced legs and stays up, by rule, quarter, ship class, part, place and fuel."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.corridors.lanes.adding import add_weighted
from sealane.corridors.lanes.pricing import FUELS, MEASURES
from sealane.corridors.lanes.schemas import PARTS, PLACES, RULES, TOTALS

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

KNOWN_CARGO = "known_cargo"
"""Rule cargo, of passes whose cargo is known on every leg from end to end: what intensities per t km rest on."""

COUNTED = (*RULES, KNOWN_CARGO)


@dataclass
class Totals:
    """Sums over legs and stays.

    Attributes
    ----------
    quarters : years times 4 plus quarter less 1, of the sums' second axis, ascending.
    classes : ship classes of the third axis.
    sums : by `COUNTED`, quarter, class, part, place, fuel and measure.
    observed_mj : fuel energy that rests on observed or logged activity, by `COUNTED` and quarter.
    """

    quarters: Whole
    classes: tuple[str, ...]
    sums: Floats = field(init=False)
    observed_mj: Floats = field(init=False)

    def __post_init__(self) -> None:
        shape = (len(COUNTED), len(self.quarters), len(self.classes), len(PARTS), len(PLACES), len(FUELS))
        self.sums = np.zeros((*shape, len(MEASURES)))
        self.observed_mj = np.zeros(shape[:2])

    def add(
        self,
        weights: Floats,
        quarter: Whole,
        ship_class: Whole,
        part: Whole,
        place: Whole,
        by_fuel: Floats,
        observed: Floats,
    ) -> None:
        """Add items.

        Parameters
        ----------
        weights : share by `COUNTED`, NaN or 0 counts nothing, ``(n, counted)``.
        quarter, ship_class, part, place : numbers on their axes, ``(n,)``.
        by_fuel : ``(n, fuels, measures)``.
        observed : part of the activity that was observed, ``(n,)``.
        """
        shape = self.sums.shape[1:5]
        cell = np.ravel_multi_index((quarter, ship_class, part, place), shape)
        cells = int(np.prod(shape))
        add_weighted(
            np.ascontiguousarray(weights),
            cell.astype(np.int64),
            quarter,
            by_fuel,
            observed,
            self.sums.reshape(len(COUNTED), cells, len(FUELS), len(MEASURES)),
            self.observed_mj,
        )

    def of(self, rule: str) -> Floats:
        """Sums of one rule: quarter, class, part, place, fuel, measure."""
        found: Floats = self.sums[COUNTED.index(rule)]
        return found

    def table(self) -> pa.Table:
        """`totals.parquet`: the cells that hold anything, electricity without a known intensity as null."""
        held = (self.sums[: len(RULES)] != 0.0).any(axis=-1)
        rule, quarter, ship_class, part, place, fuel = np.nonzero(held)
        values = self.sums[rule, quarter, ship_class, part, place, fuel]
        number = self.quarters[quarter]
        columns = {
            "rule": pa.array(np.array(RULES)[rule]),
            "year": number // 4,
            "quarter": number % 4 + 1,
            "ship_class": pa.array(np.array(self.classes, dtype=object)[ship_class], pa.string()),
            "part": pa.array(np.array(PARTS)[part]),
            "place": pa.array(np.array(PLACES)[place]),
            "fuel": pa.array(np.array(FUELS)[fuel]),
            **{name: pa.array(values[:, at], from_pandas=True) for at, name in enumerate(MEASURES)},
        }
        order = [(name, "ascending") for name in TOTALS.key]
        return pa.table(columns).select(TOTALS.schema.names).cast(TOTALS.schema).sort_by(order)


def known(values: Floats) -> Floats:
    """Sums over fuels that leave out electricity of unknown intensity; fuels with an unknown figure stay NaN."""
    burnt, shore = values[..., :-1, :], values[..., -1, :]
    return burnt.sum(axis=-2) + np.nan_to_num(shore)
