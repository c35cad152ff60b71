"""A plan's tables keep every limit of the scenario, and give its cost and emissions again when added up elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.corridors.plan.plan_evaluator import breaches, cost_usd, emissions
from tests.corridors.plan.plan_models import hand_case, payments, random_model

from sealane.corridors.plan.solve import solve_plan
from sealane.corridors.scenarios.model import ScenarioModel, ScenarioResult
from sealane.corridors.scenarios.simulate import simulate
from sealane.errors import DataError

SEEDS = range(2000, 2004)


@pytest.fixture(scope="module")
def plans() -> list[tuple[ScenarioModel, ScenarioResult]]:
    found = []
    for seed in SEEDS:
        model = random_model(seed)
        try:
            found.append((model, solve_plan(model)))
        except DataError:
            continue
    return found


def test_every_limit_is_kept(plans: list[tuple[ScenarioModel, ScenarioResult]]) -> None:
    assert len(plans) >= 2
    for model, plan in plans:
        assert breaches(model, plan.tables) == []


def test_cost_and_emissions_add_up_elsewhere(plans: list[tuple[ScenarioModel, ScenarioResult]]) -> None:
    for model, plan in plans:
        for y, row in enumerate(plan.tables["year"].to_pylist()):
            wtw, ttw, gj = emissions(model, plan.tables, y)
            assert row["wtw_t"] == pytest.approx(wtw, rel=1e-6, abs=1e-3)
            assert row["ttw_t"] == pytest.approx(ttw, rel=1e-6, abs=1e-3)
            assert row["energy_tj"] == pytest.approx(gj / 1000, rel=1e-6)
            items = [r for r in plan.tables["cost"].to_pylist() if r["year"] == row["year"]]
            assert row["cost_usd"] == pytest.approx(sum(r["cost_usd"] for r in items), rel=1e-9)
            conversions = sum(r["cost_usd"] for r in items if r["item"] == "retrofit")
            assert row["cost_usd"] - conversions == pytest.approx(cost_usd(model, plan.tables, y), rel=1e-6)


def test_objective_is_the_discounted_cost_but_for_fueleu(plans: list[tuple[ScenarioModel, ScenarioResult]]) -> None:
    for model, plan in plans:
        paid, planned = float(plan.summary["cost_discounted_usd"]), float(plan.summary["objective_usd"])
        if model.payments.fueleu_scope > 0:
            assert planned <= paid * (1 + 1e-9)  # the linear penalty is never too high
        else:
            assert planned == pytest.approx(paid, rel=1e-7)


@pytest.mark.parametrize(
    ("table", "column", "factor"),
    [
        ("fuel", "energy_tj", 1.01),
        ("service", "transport_teu", 0.99),
        ("fleet", "ships", 0.9),
        ("burnt", "energy_tj", 1.01),
    ],
)
def test_a_table_that_was_tampered_with_is_noticed(table: str, column: str, factor: float) -> None:
    model = hand_case()
    tables = dict(solve_plan(model).tables)
    assert breaches(model, tables) == []
    at = tables[table].schema.get_field_index(column)
    tables[table] = tables[table].set_column(at, column, pc.multiply(tables[table][column], pa.scalar(factor)))
    assert breaches(model, tables)


def test_simulate_on_the_plans_choices_gives_the_plan() -> None:
    model = hand_case()
    plan = solve_plan(model)
    mix = np.zeros_like(model.newbuild_mix)
    mix[:2] = 0.5
    fuel_mix = np.zeros_like(model.fuel_mix)
    fuel_mix[0, 0] = 1.0
    fuel_mix[1] = np.array([[0.1], [0.9]])
    ship = model.classes[0]
    whole = replace(
        ship,
        capacity_loss=np.nan_to_num(ship.capacity_loss),
        opex_usd_per_year=np.nan_to_num(ship.opex_usd_per_year),
    )
    told = replace(model, classes=(whole,), newbuild_mix=mix, fuel_mix=fuel_mix, port_mix=np.ones_like(model.port_mix))
    simulated = simulate(told).tables["year"].to_pylist()
    for found, expected in zip(plan.tables["year"].to_pylist(), simulated, strict=True):
        for name, value in expected.items():
            assert found[name] == (None if value is None else pytest.approx(value, rel=1e-9)), name


def test_net_zero_units_are_paid_by_tier() -> None:
    rules = payments(
        2,
        nzf_base_g_per_mj=85.0,
        nzf_direct_g_per_mj=75.0,
        nzf_tier1_usd_per_t=100.0,
        nzf_tier2_usd_per_t=380.0,
        payer={"nzf": "IMO fund"},
        status={"nzf": "draft"},
    )
    # Two oil ships a year, 200 TJ at 90 g/MJ: 10 g/MJ at the first price and 5 g/MJ at the second.
    dear = hand_case(payments=rules, cap_wtw_t=np.full(2, np.nan))
    dear = replace(dear, fuels=(dear.fuels[0], replace(dear.fuels[1], price_usd_per_gj=np.full((1, 2), 300.0))))
    paid = [r for r in solve_plan(dear).tables["cost"].to_pylist() if r["item"] == "rule:nzf"]
    assert [r["cost_usd"] for r in paid] == [pytest.approx(2000 * 100.0 + 1000 * 380.0)] * 2
    assert {r["payer"] for r in paid} == {"IMO fund"}


def test_fueleu_is_exact_for_a_fleet_on_the_dirtiest_fuel() -> None:
    rules = payments(2, fueleu_limit_g_per_mj=80.0, fueleu_scope=0.5, usd_per_eur=1.25)
    model = hand_case(payments=rules, cap_wtw_t=np.full(2, np.nan))
    model = replace(model, fuels=(model.fuels[0], replace(model.fuels[1], price_usd_per_gj=np.full((1, 2), 300.0))))
    plan = solve_plan(model)
    assert plan.summary["objective_usd"] == pytest.approx(plan.summary["cost_discounted_usd"], rel=1e-12)
    [first, _] = [r["cost_usd"] for r in plan.tables["cost"].to_pylist() if r["item"] == "rule:fueleu"]
    assert first == pytest.approx(10.0 * 200e6 * 0.5 / (90.0 * 41_000) * 2_400 * 1.25)
