"""The case solved by hand in docs/method/plan.md, and a plan of whole ships of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tests.corridors.plan.plan_models import hand_case

from sealane.corridors.plan.solve import solve_plan
from sealane.corridors.scenarios.model import RESULT_TABLES, ScenarioResult


@pytest.fixture(scope="module")
def plan() -> ScenarioResult:
    return solve_plan(hand_case())


def rows(result: ScenarioResult, table: str, **where: object) -> list[dict[str, float]]:
    return [r for r in result.tables[table].to_pylist() if all(r[key] == value for key, value in where.items())]


def test_cost_is_that_of_the_hand(plan: ScenarioResult) -> None:
    assert plan.summary["cost_discounted_usd"] == pytest.approx(6e6 + 12.15e6 / 1.1, rel=1e-12)
    assert plan.summary["objective_usd"] == pytest.approx(plan.summary["cost_discounted_usd"], rel=1e-12)
    by_item = {r["item"]: r["cost_usd"] for r in rows(plan, "cost", year=2031)}
    assert by_item["capital"] == pytest.approx(5.25e6)
    assert by_item["operation"] == pytest.approx(4e6)
    assert by_item["fuel"] == pytest.approx(2.9e6)


def test_half_a_ship_is_built_for_methanol(plan: ScenarioResult) -> None:
    built = {r["family"]: r["newbuilds"] for r in rows(plan, "fleet", year=2031)}
    assert built == {"oil": pytest.approx(0.5), "methanol": pytest.approx(0.5)}
    assert [r["retired"] for r in rows(plan, "fleet", year=2031, family="oil")] == [pytest.approx(1.0)]


def test_fuel_and_emissions(plan: ScenarioResult) -> None:
    green = rows(plan, "fuel", year=2031, fuel="green-methanol")
    assert [r["energy_tj"] for r in green] == [pytest.approx(45.0)]
    assert [r["mass_t"] for r in green] == [pytest.approx(2250.0)]
    assert [r["wtw_t"] for r in rows(plan, "year")] == [pytest.approx(18_000.0), pytest.approx(14_400.0)]
    pilot = rows(plan, "burnt", year=2031, ship_family="methanol", fuel="oil")
    assert [r["energy_tj"] for r in pilot] == [pytest.approx(5.0)]


def test_shadow_prices_are_those_of_the_hand(plan: ScenarioResult) -> None:
    [price] = rows(plan, "dual", constraint="cap_wtw", year=2031)
    assert price["unit"] == "USD/t"
    assert price["value"] == pytest.approx(2.3e6 / 7200.0)
    first, second = rows(plan, "dual", constraint="demand")
    # Less saves operation and fuel of a ship of today, more takes a new one as well; both are right.
    assert 3000.0 * (1 - 1e-9) <= first["value"] <= 8000.0 * (1 + 1e-9)
    assert second["value"] == pytest.approx(10_875.0)
    # A tonne more on the cap, and the plan really is cheaper by that much.
    looser = solve_plan(hand_case(cap_wtw_t=np.array([np.nan, 14_401.0])))
    saved = float(plan.summary["objective_usd"]) - float(looser.summary["objective_usd"])
    assert saved * 1.1 == pytest.approx(price["value"], rel=1e-5)


def test_cost_gap_is_against_oil_ships(plan: ScenarioResult) -> None:
    last = rows(plan, "year", year=2031)[0]
    assert last["fossil_cost_usd"] == pytest.approx(11e6)
    assert last["fossil_wtw_t"] == pytest.approx(18_000.0)
    assert last["abatement_usd_per_t"] == pytest.approx(1.15e6 / 3600.0)


def test_whole_ships_cost_more() -> None:
    whole = solve_plan(hand_case(), whole_ships=True)
    assert whole.summary["cost_discounted_usd"] == pytest.approx(6e6 + 12.4e6 / 1.1, rel=1e-9)
    built = {r["family"]: r["newbuilds"] for r in rows(whole, "fleet", year=2031) if r["newbuilds"]}
    assert built == {"methanol": 1.0}
    # With the ship there, the next tonne costs fuel only: 20 USD/GJ for 80 g/MJ.
    assert rows(whole, "dual", constraint="cap_wtw")[0]["value"] == pytest.approx(250.0)


def test_tables_have_the_columns_that_are_promised(plan: ScenarioResult) -> None:
    for name, schema in RESULT_TABLES.items():
        assert plan.tables[name].schema == schema
    assert plan.kind == "plan"


def test_same_model_same_bytes() -> None:
    def written(result: ScenarioResult) -> bytes:
        sink = pa.BufferOutputStream()
        for name in sorted(result.tables):
            with pa.ipc.new_stream(sink, result.tables[name].schema) as stream:
                stream.write_table(result.tables[name])
        return bytes(sink.getvalue()) + repr(sorted(result.summary.items())).encode()

    assert written(solve_plan(hand_case())) == written(solve_plan(hand_case()))
