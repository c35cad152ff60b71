"""Compiled loops that put prices by fuel together and add them up; one pass over millions of items."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

FUEL_T, ENERGY_MJ, TTW, WTW, OTHERS = 0, 1, 2, 3, 4
"""Place of each measure on the last axis of prices by fuel; the other pollutants follow."""


@njit(nogil=True, cache=True)
def spread_by_fuel(
    at: Whole,
    profile: Whole,
    regime: Whole,
    fuel_of: Whole,
    heat_mj_per_t: Floats,
    kwh: Floats,
    fuel_t: Floats,
    grams: Floats,
    by_fuel: Floats,
) -> None:
    """Add priced items to the rows they are part of, each source to the fuel it burns.

    Parameters
    ----------
    at : row of each item, ``(n,)``.
    profile, regime : engine profile and fuel regime of each item.
    fuel_of : number of the fuel, ``(profiles, regimes, 3)``.
    heat_mj_per_t : lower heating value by fuel [MJ/t].
    kwh : work by source, the first three engines, ``(n, 4)``.
    fuel_t : ``(n, fuels)``.
    grams : tank-to-wake CO2e, upstream CO2e, then other pollutants, by source, ``(n, 3, pollutants)``.
    by_fuel : ``(rows, fuels + 1, measures)``; added to.
    """
    for i in range(len(at)):
        row = at[i]
        for fuel in range(fuel_t.shape[1]):
            if fuel_t[i, fuel] > 0.0:
                by_fuel[row, fuel, FUEL_T] += fuel_t[i, fuel]
                by_fuel[row, fuel, ENERGY_MJ] += fuel_t[i, fuel] * heat_mj_per_t[fuel]
        for source in range(3):
            if kwh[i, source] > 0.0:
                fuel = fuel_of[profile[i], regime[i], source]
                by_fuel[row, fuel, TTW] += grams[i, source, 0]
                by_fuel[row, fuel, WTW] += grams[i, source, 0] + grams[i, source, 1]
                for k in range(2, grams.shape[2]):
                    by_fuel[row, fuel, OTHERS + k - 2] += grams[i, source, k]


@njit(nogil=True, cache=True)
def over_fuels(by_fuel: Floats) -> Floats:
    """Sum over fuels, ``(n, measures)``; of the last one, electricity, what is not known adds nothing."""
    n, fuels, measures = by_fuel.shape
    total = np.zeros((n, measures))
    for i in range(n):
        for fuel in range(fuels):
            for m in range(measures):
                value = by_fuel[i, fuel, m]
                if fuel < fuels - 1 or not np.isnan(value):
                    total[i, m] += value
    return total


@njit(nogil=True, cache=True)
def add_weighted(
    weights: Floats, cell: Whole, quarter: Whole, by_fuel: Floats, observed: Floats, sums: Floats, observed_mj: Floats
) -> None:
    """Add items to the sums of every rule that counts them.

    Parameters
    ----------
    weights : ``(n, rules)``; 0 counts nothing.
    cell, quarter : place of each item in `sums` and `observed_mj`.
    by_fuel : ``(n, fuels, measures)``.
    observed : part of the activity that was observed, ``(n,)``.
    sums : ``(rules, cells, fuels, measures)``; added to.
    observed_mj : ``(rules, quarters)``; added to.
    """
    n, fuels, measures = by_fuel.shape
    for i in range(n):
        for rule in range(weights.shape[1]):
            weight = weights[i, rule]
            if not weight > 0.0:
                continue
            for fuel in range(fuels):
                for m in range(measures):
                    value = by_fuel[i, fuel, m]
                    if value != 0.0:
                        sums[rule, cell[i], fuel, m] += value * weight
                energy = by_fuel[i, fuel, ENERGY_MJ]
                if energy > 0.0:
                    observed_mj[rule, quarter[i]] += energy * weight * observed[i]
