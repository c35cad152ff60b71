"""Ships over time: lives, conversions and what is left of a life, steps of several years, the end of the horizon."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.corridors.plan.plan_models import NAN, K, fuel, hand_case, scenario, ship_class

from sealane.corridors.plan.cohorts import cohorts
from sealane.corridors.plan.solve import solve_plan
from sealane.corridors.scenarios.model import ScenarioModel, ScenarioResult


def dear_oil(years: list[int], step: float, **changed: Any) -> ScenarioModel:
    """One ship's work; oil costs 130 USD/GJ and methanol 1, so that conversion pays."""
    n = len(years)
    existing = np.zeros((K, n))
    existing[0] = 1.0
    return scenario(
        years,
        [ship_class(n, **{"existing": existing, **changed})],
        [fuel("oil", "oil", 130.0, 14.0, 76.0, n), fuel("methanol", "methanol", 1.0, 0.0, 70.0, n)],
        1000.0,
        year_weight=np.full(n, step),
    )


def item(plan: ScenarioResult, name: str) -> list[float]:
    return [r["cost_usd"] for r in plan.tables["cost"].to_pylist() if r["item"] == name]


def test_a_conversion_is_paid_over_what_is_left_of_the_ships_life() -> None:
    # A ship of today is known to serve to the end: 3 periods of 5 years. 10 MUSD over 15 years at no interest.
    plan = solve_plan(dear_oil([2030, 2035, 2040], 5.0))
    assert item(plan, "retrofit") == [pytest.approx(10e6 / 15)] * 3
    [row] = [r for r in plan.tables["fleet"].to_pylist() if r["retrofits_in"]]
    assert (row["year"], row["family"], row["retrofits_in"], row["ships"]) == (2030, "methanol", 1.0, 1.0)


def test_a_converted_ship_leaves_when_it_would_have_left() -> None:
    existing = np.zeros((K, 3))
    existing[0, :2] = 1.0
    plan = solve_plan(dear_oil([2030, 2035, 2040], 5.0, existing=existing))
    assert item(plan, "retrofit") == [pytest.approx(10e6 / 10), pytest.approx(10e6 / 10), 0.0]
    last = [r for r in plan.tables["fleet"].to_pylist() if r["year"] == 2040]
    assert [(r["family"], r["newbuilds"], r["retired"]) for r in last] == [("methanol", 1.0, 1.0)]


def test_a_new_ship_serves_its_life_and_no_longer() -> None:
    plan = solve_plan(dear_oil([2030, 2035, 2040], 5.0, existing=np.zeros((K, 3)), lifetime_years=10))
    built = {r["year"]: (r["newbuilds"], r["retired"]) for r in plan.tables["fleet"].to_pylist()}
    assert built == {2030: (1.0, 0.0), 2035: (0.0, 0.0), 2040: (1.0, 1.0)}
    assert item(plan, "capital") == [pytest.approx(110e6 / 10)] * 3


def test_the_end_of_the_horizon_gives_nothing_away() -> None:
    """A ship built in the last year costs that year what it costs every other year."""
    one, three = (
        solve_plan(dear_oil(years, 1.0, existing=np.zeros((K, len(years))))) for years in ([2030], [2030, 2031, 2032])
    )
    assert item(three, "capital") == [pytest.approx(item(one, "capital")[0])] * 3


def test_five_single_years_cost_as_much_as_one_step_of_five() -> None:
    yearly = solve_plan(dear_oil([2030, 2031, 2032, 2033, 2034], 1.0))
    step = solve_plan(dear_oil([2030], 5.0))
    assert step.summary["cost_discounted_usd"] == pytest.approx(yearly.summary["cost_discounted_usd"], rel=1e-12)


def test_surplus_ships_are_given_up_but_new_ones_still_paid_for() -> None:
    existing = np.zeros((K, 2))
    existing[0] = 3.0
    model = scenario(
        [2030, 2031], [ship_class(2, existing=existing)], [fuel("oil", "oil", 10.0, 14.0, 76.0, 2)], 1000.0
    )
    fleet = solve_plan(model).tables["fleet"].to_pylist()
    assert [(r["ships"], r["retired"]) for r in fleet] == [(1.0, 2.0), (1.0, 0.0)]


def test_ships_left_sum_up() -> None:
    model = hand_case()
    found = cohorts(model)
    assert found.initial.sum(axis=2)[0, 0] == 2.0
    assert found.years_left[0, 0, 0] == 1.0  # leaves with 2031
    assert found.years_left[0, 1].tolist() == [2.0, 1.0]
    assert found.years_left[0, 2].tolist() == [20.0, 19.0]
    assert not found.convertible[0, 2, 0]


def test_whole_ships_round_todays_fleet_down() -> None:
    existing = np.zeros((K, 2))
    existing[0] = [2.7, 1.2]
    model = replace(hand_case(cap_wtw_t=np.full(2, NAN)), classes=(ship_class(2, existing=existing),))
    assert cohorts(model, whole_ships=True).initial.sum(axis=2)[0, 0] == 2.0
    plan = solve_plan(model, whole_ships=True)
    assert any("rounded down" in note for note in plan.notes)
    assert all(float(r["ships"]).is_integer() for r in plan.tables["fleet"].to_pylist())


def test_a_yard_limit_binds_from_the_second_year() -> None:
    model = hand_case(most_newbuilds=np.array([0.0, 0.5]), demand_teu=np.array([3000.0, 2000.0]))
    fleet = solve_plan(model).tables["fleet"].to_pylist()
    built = {year: sum(r["newbuilds"] for r in fleet if r["year"] == year) for year in (2030, 2031)}
    assert built[2030] >= 1.0
    assert built[2031] <= 0.5 + 1e-9


def build_and_convert(conversion_usd: float) -> ScenarioModel:
    """Two ships of work: oil is cheaper in 2030, methanol from 2031; a new methanol ship costs 10 MUSD more."""
    years = [2030, 2031, 2032]
    retrofit = np.full((K, K), NAN)
    retrofit[0, 1] = conversion_usd
    return scenario(
        years,
        [ship_class(3, retrofit_usd=retrofit)],
        [
            fuel("oil", "oil", np.array([[1.0, 130.0, 130.0]]), 14.0, 76.0, 3),
            fuel("methanol", "methanol", np.array([[130.0, 1.0, 1.0]]), 0.0, 70.0, 3),
        ],
        2000.0,
    )


def test_ships_that_are_built_and_converted_because_that_is_cheaper_are_told() -> None:
    told = [note for note in solve_plan(build_and_convert(8e6)).notes if "are converted" in note]
    assert len(told) == 1
    assert "2.00 of 2.00 new oil ships of class feeder are converted to methanol" in told[0]
    assert "(8.0 MUSD)" in told[0]
    assert "(10.0 MUSD)" in told[0]


def test_a_dearer_conversion_of_new_ships_is_not_put_down_to_the_prices_of_ships() -> None:
    """Negative control: nothing is said where a new ship is the cheaper way."""
    assert not [note for note in solve_plan(build_and_convert(80e6)).notes if "are converted" in note]
