"""A tighter target never costs less and never lets more be emitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.corridors.plan.plan_models import hand_case, payments, random_model

from sealane.corridors.plan.coefficients import coefficients
from sealane.corridors.plan.model import build
from sealane.corridors.plan.solve import cost_curve
from sealane.corridors.plan.solver import Problem
from sealane.corridors.scenarios.model import ScenarioModel
from sealane.errors import DataError


def outcome(model: ScenarioModel) -> tuple[float, np.ndarray] | None:
    """Discounted cost [USD] and well-to-wake by year [t]."""
    terms = coefficients(model)
    found = Problem(build(model, terms)).run()
    if not found.feasible:
        return None
    shore = (found.values["in_service"].sum(axis=1) * terms.shore_kt).sum(axis=0)
    return found.objective * 1e6, (found.values["wtw"] + shore) * 1e3


@pytest.mark.parametrize("seed", [3000, 3001])
def test_cost_and_emissions_over_a_sweep_of_caps(seed: int) -> None:
    model = random_model(seed)
    n = len(model.years)
    model = replace(
        model,
        cap_wtw_t=np.full(n, np.nan),
        cap_intensity_g_per_mj=np.full(n, np.nan),
        most_newbuilds=np.full(n, np.inf),
    )
    free = outcome(model)
    assert free is not None
    last_cost, last_sum = free[0], float(free[1].sum())
    reached = 0
    for cut in (0.15, 0.4, 0.7):
        found = outcome(replace(model, cap_wtw_t=free[1] * (1 - cut)))
        if found is None:
            break
        reached += 1
        cost, emitted = found
        assert cost >= last_cost * (1 - 1e-9)
        assert (emitted <= free[1] * (1 - cut) * (1 + 1e-6)).all()
        assert emitted.sum() <= last_sum * (1 + 1e-6)
        last_cost, last_sum = cost, float(emitted.sum())
    assert reached


def test_emissions_never_rise_with_the_price_of_carbon() -> None:
    model = hand_case(cap_wtw_t=np.full(2, np.nan), discount_rate=0.0)
    emitted = []
    for price in (0.0, 300.0, 330.0):
        found = outcome(replace(model, payments=payments(2, wtw_usd_per_t=price)))
        assert found is not None
        emitted.append(float(found[1].sum()))
    assert emitted == sorted(emitted, reverse=True)
    # 319.44 USD/t is what a tonne costs to avoid by a new ship in 2031: nothing happens below, everything above.
    assert emitted[0] == emitted[1] == pytest.approx(36_000.0)
    assert emitted[2] < 36_000.0


def test_cost_curve() -> None:
    rows = cost_curve(hand_case(cap_wtw_t=np.full(2, np.nan)), [0.9, 0.0, 0.2]).to_pylist()
    assert [row["cut"] for row in rows] == [0.0, 0.2, 0.9]
    assert [row["feasible"] for row in rows] == [True, True, False]
    costs = [row["cost_discounted_usd"] for row in rows[:2]]
    assert costs == sorted(costs)
    assert rows[2]["cost_discounted_usd"] is None
    # A fifth less in both years takes a ship or more in 2030; with it there, the last tonne of 2031 costs fuel only.
    assert rows[1]["marginal_usd_per_t"] == pytest.approx(250.0)
    assert rows[1]["average_usd_per_t"] > rows[1]["marginal_usd_per_t"]


def test_a_cut_above_one_is_refused() -> None:
    with pytest.raises(DataError, match="cuts of 0 to 1"):
        cost_curve(hand_case(), [30.0])
