"""What a study watches: single figures of a run and yearly ones, over draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from sealane.corridors.scenarios.evaluate import Draws, Outcome, evaluate, fossil_case
from sealane.corridors.scenarios.model import FAMILIES, Floats, Range, ScenarioModel
from sealane.corridors.scenarios.simulate import discount_factors

# Draws are worked out in parts of this size, so that memory does not grow with their number.
CHUNK = 1024

OUTPUTS: Mapping[str, str] = {
    "cost_discounted_usd": "USD",
    "cost_gap_discounted_usd": "USD",
    "cost_gap_usd_per_teu": "USD/TEU",
    "wtw_t": "t",
    "avoided_wtw_t": "t",
    "abatement_usd_per_t": "USD/t",
}
"""Single figures of a run with their units; as in the summary of a simulation."""

YEARLY: Mapping[str, str] = {
    "wtw_t": "t",
    "cost_usd": "USD",
    "cost_gap_usd": "USD",
    "cost_gap_usd_per_teu": "USD/TEU",
    "fossil_cost_usd": "USD",
}
"""Columns of table ``year`` whose quantiles the ensemble gives."""


def run_outputs(model: ScenarioModel, draws: Draws) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Outputs of every draw: single figures ``(D,)`` and yearly ones ``(D, Y)``."""
    fossil = fossil_case(model)
    parts = []
    for begin in range(0, draws.demand.size, CHUNK):
        part = Draws(**{f.name: getattr(draws, f.name)[begin : begin + CHUNK] for f in fields(Draws)})
        parts.append(_outputs(model, evaluate(model, part), evaluate(fossil, part)))
    single = {name: np.concatenate([part[0][name] for part in parts]) for name in OUTPUTS}
    yearly = {name: np.concatenate([part[1][name] for part in parts]) for name in YEARLY}
    return single, yearly


def _outputs(model: ScenarioModel, outcome: Outcome, fossil: Outcome) -> tuple[dict[str, Floats], dict[str, Floats]]:
    weight, discount = model.year_weight, discount_factors(model)
    cost, gap = outcome.cost_usd, outcome.cost_usd - fossil.cost_usd
    avoided = fossil.wtw_t - outcome.wtw_t
    discounted = avoided @ discount
    # As in the summary: below a millionth of the fossil case nothing was avoided that a cost could be divided by.
    enough = discounted > 1e-6 * (fossil.wtw_t @ discount)
    single = {
        "cost_discounted_usd": cost @ discount,
        "cost_gap_discounted_usd": gap @ discount,
        "cost_gap_usd_per_teu": (gap @ discount) / (outcome.demand_teu @ discount),
        "wtw_t": outcome.wtw_t @ weight,
        "avoided_wtw_t": avoided @ weight,
        "abatement_usd_per_t": np.where(enough, (gap @ discount) / np.where(enough, discounted, 1.0), np.nan),
    }
    yearly = {
        "wtw_t": outcome.wtw_t,
        "cost_usd": cost,
        "cost_gap_usd": gap,
        "cost_gap_usd_per_teu": gap / outcome.demand_teu,
        "fossil_cost_usd": fossil.cost_usd,
    }
    return single, yearly


def quantile(item: Range, u: Floats) -> Floats:
    """Value of a range at probability `u`, 0 to 1.

    Triangular between low and high with its peak at the scenario's own value; uniform between low and high; lognormal
    with low and high as its 5th and 95th percentile.
    """
    low, mode, high = item.low, item.mode, item.high
    if item.distribution == "uniform":
        return np.asarray(low + u * (high - low))
    if item.distribution == "lognormal":
        from scipy.special import ndtri

        middle = (np.log(low) + np.log(high)) / 2.0
        spread = (np.log(high) - np.log(low)) / (2.0 * float(ndtri(0.95)))
        return np.asarray(np.exp(middle + spread * ndtri(np.clip(u, 1e-12, 1.0 - 1e-12))))
    peak = (mode - low) / (high - low)
    rising = low + np.sqrt(u * (high - low) * (mode - low))
    falling = high - np.sqrt((1.0 - u) * (high - low) * (high - mode))
    return np.asarray(np.where(u < peak, rising, falling))


def draws_of(model: ScenarioModel, values: Floats) -> Draws:
    """Draws from the values of the model's ranges, ``(D, ranges)``; factors on the same input multiply, shifts add."""
    number = values.shape[0]
    draws = Draws.unchanged(model, number)
    by_fuel = {"price": draws.price, "availability": draws.availability, "wtt": draws.wtt_shift}
    by_family = {"newbuild_add_on": draws.add_on, "efficiency": draws.efficiency}
    for r, item in enumerate(model.ranges):
        value = values[:, r]
        if item.driver == "demand":
            draws.demand[:] *= value
            continue
        if item.driver in by_fuel:
            target, names = by_fuel[item.driver], [fuel.id for fuel in model.fuels]
        else:
            target, names = by_family[item.driver], list(FAMILIES)
        for n, name in enumerate(names):
            if not item.subjects or name in item.subjects:
                if item.driver == "wtt":
                    target[:, n] += value
                else:
                    target[:, n] *= value
    return draws
