"""The plan against the same programme written a second time (plan_oracle.py) and solved by scipy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.corridors.plan.plan_models import hand_case, random_model
from tests.corridors.plan.plan_oracle import least_cost_usd

from sealane.corridors.plan.coefficients import coefficients
from sealane.corridors.plan.model import build
from sealane.corridors.plan.solve import solve_plan
from sealane.corridors.plan.solver import Problem
from sealane.corridors.scenarios.model import ScenarioModel

SEEDS = range(1000, 1008)


def planned(model: ScenarioModel) -> float | None:
    """Least cost, without asking why where there is none."""
    solution = Problem(build(model, coefficients(model))).run()
    return solution.objective * 1e6 if solution.feasible else None


@pytest.fixture(scope="module")
def expected() -> dict[int, float | None]:
    return {seed: least_cost_usd(random_model(seed)) for seed in SEEDS}


@pytest.mark.parametrize("seed", SEEDS)
def test_least_cost_is_that_of_the_oracle(seed: int, expected: dict[int, float | None]) -> None:
    found = planned(random_model(seed))
    assert (found is None) == (expected[seed] is None)
    if expected[seed] is not None:
        assert found == pytest.approx(expected[seed], rel=1e-7)


def test_the_sample_has_plans_and_none(expected: dict[int, float | None]) -> None:
    none = [seed for seed, cost in expected.items() if cost is None]
    assert 1 <= len(none) <= len(SEEDS) // 2


def test_an_oracle_that_is_told_another_price_disagrees() -> None:
    model = hand_case()
    dearer = replace(model.fuels[0], price_usd_per_gj=model.fuels[0].price_usd_per_gj * 1.001)
    other = least_cost_usd(replace(model, fuels=(dearer, model.fuels[1])))
    assert other is not None
    assert solve_plan(model).summary["objective_usd"] != pytest.approx(other, rel=1e-7)


def test_order_of_classes_and_fuels_does_not_move_the_cost(expected: dict[int, float | None]) -> None:
    seed = next(s for s in SEEDS if len(random_model(s).classes) == 2 and expected[s] is not None)
    model = random_model(seed)
    share = None if model.class_share is None else model.class_share[::-1]
    turned = replace(model, classes=model.classes[::-1], fuels=model.fuels[::-1], class_share=share)
    assert planned(turned) == pytest.approx(expected[seed], rel=1e-9)


def test_a_class_cut_in_two_costs_the_same() -> None:
    model = hand_case()
    half = replace(model.classes[0], existing=model.classes[0].existing / 2)
    assert planned(replace(model, classes=(half, replace(half, id="twin")))) == pytest.approx(planned(model), rel=1e-9)


def test_interior_point_and_simplex_agree(monkeypatch: pytest.MonkeyPatch, expected: dict[int, float | None]) -> None:
    seed = next(s for s in SEEDS if expected[s] is not None)
    monkeypatch.setattr("sealane.corridors.plan.solver.INTERIOR_POINT_FROM", 0)
    assert planned(random_model(seed)) == pytest.approx(expected[seed], rel=1e-9)
