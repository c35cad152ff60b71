"""The five reference corridors: they run end to end, list where each number comes from, and meet published answers."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sealane.corridors.scenarios.evaluate import evaluate, fossil_case
from sealane.corridors.scenarios.model import STUDY_TABLES, Origin, ScenarioModel
from sealane.corridors.scenarios.published import extra_cost_per_ship, fuel_energy_gj, methanol_t_per_ship
from sealane.corridors.scenarios.read import parse_scenario, read_scenario, reference_scenarios, scenario_text
from sealane.corridors.scenarios.simulate import simulate
from sealane.reference import load_table

IDS = ("la-lb-shanghai", "la-nagoya", "la-tokyo", "la-yokohama", "singapore-la-lb")
GOLDEN = Path(__file__).parents[2] / "golden" / "scenario_published_ours.csv"
read = cache(read_scenario)


def golden() -> dict[str, tuple[float, float]]:
    with GOLDEN.open(encoding="utf-8") as lines:
        return {row["quantity"]: (float(row["value"]), float(row["tolerance"])) for row in csv.DictReader(lines)}


def test_all_five_are_there() -> None:
    assert reference_scenarios() == IDS


@pytest.mark.parametrize("name", IDS)
def test_runs_end_to_end_and_lists_its_inputs(name: str) -> None:
    model = read(name)
    result = simulate(model)
    assert model.label == "reference"
    assert result.tables["year"].num_rows == 26
    assert result.summary["cost_gap_discounted_usd"] > 0  # type: ignore[operator] # a number here
    assert 0.0 < float(result.summary["wtw_t"]) < float(result.summary["fossil_wtw_t"])
    by_origin = {origin: [item for item in model.inputs if item.origin is origin] for origin in Origin}
    assert len(by_origin[Origin.SOURCED]) > 100
    assert by_origin[Origin.USER] == []
    assert all(item.value is None for item in by_origin[Origin.MISSING])
    assert all(item.value is not None for item in model.inputs if item.origin is not Origin.MISSING)
    assert all(item.source for item in model.inputs)
    missing = {item.path for item in by_origin[Origin.MISSING]}
    assert "demand.teu" in missing
    assert any(item.path == "demand.weekly_services" for item in by_origin[Origin.PLACEHOLDER])
    assert any("placeholder" in note for note in result.notes)
    assert any("missing" in note for note in result.notes)


@pytest.mark.parametrize("name", IDS)
def test_paths_of_another_region_are_placeholders(name: str) -> None:
    """No path of Japan or Singapore is published: Asia's stands in, and every such number says so."""
    model = read(name)
    far = next(port for port in model.ports if port != "USLAX")
    prices = [item for item in model.inputs if item.path.startswith(f"fuels.e-methanol.price.{far}.")]
    assert prices
    expected = Origin.SOURCED if far == "CNSHA" else Origin.PLACEHOLDER
    assert {item.origin for item in prices} == {expected}
    if expected is Origin.PLACEHOLDER:
        assert all("that of Asia is used" in item.source for item in prices)


@pytest.mark.parametrize("name", IDS)
def test_no_rule_is_on_between_ports_outside_europe(name: str) -> None:
    assert dict(read(name).payments.status) == {}


@pytest.mark.parametrize("name", IDS)
def test_the_weekly_service_sails_every_week(name: str) -> None:
    model = read(name)
    ship = model.classes[0]
    ships = evaluate(model).fleet.ships[0, 0, :, 0].sum()
    sailings = ships * ship.teu_per_year / (2.0 * ship.capacity_teu * 0.7)
    assert sailings == pytest.approx(8760.0 / 168.0)


@pytest.mark.parametrize("name", IDS)
def test_a_broken_reference_file_is_refused(name: str) -> None:
    content = scenario_text(name)[1].replace(b"form: sealane-scenario/1", b"form: sealane-scenario/9")
    with pytest.raises(Exception, match="sealane-scenario/9"):
        parse_scenario(content)


def shanghai() -> ScenarioModel:
    return read("la-lb-shanghai")


def without_add_on() -> ScenarioModel:
    text = scenario_text("la-lb-shanghai")[1].decode("utf-8")
    add_on = "    newbuild_add_on:\n      methanol: {table: scenario_ship_market, item: add-on-methanol}\n"
    assert add_on in text
    return parse_scenario(text.replace(add_on, "").encode("utf-8"))


def test_prices_of_ships_by_their_parts_are_those_published() -> None:
    expected = golden()
    price = without_add_on().classes[0].newbuild_usd[:, 0] / 1e6
    for quantity, found in (
        ("oil newbuild 15000 TEU", price[0]),
        ("methanol add-on 15000 TEU by parts", price[1] - price[0]),
        ("methane add-on 15000 TEU by parts", price[2] - price[0]),
        ("ammonia add-on 15000 TEU by parts", price[3] - price[0]),
    ):
        value, tolerance = expected[quantity]
        assert found == pytest.approx(value, abs=tolerance), quantity
    assert shanghai().classes[0].newbuild_usd[1, 0] == pytest.approx(1.11e6 * price[0])


def test_energy_methanol_and_extra_cost_of_a_ship_year_are_those_published() -> None:
    expected, model = golden(), shanghai()
    ship = model.classes[0]
    y = int(np.flatnonzero(model.years == 2030)[0])
    asia, americas = model.ports.index("CNSHA"), model.ports.index("USLAX")
    found = {
        "mean propulsion at sea 15000 TEU": ship.propulsion_gj / (0.63 * 8760 * 3.6),
        "energy of a methanol ship-year": fuel_energy_gj(ship, "methanol") / 1e3,
        "methanol of a ship-year": methanol_t_per_ship(model, ship),
    }
    for family in ("methanol", "ammonia"):
        gap = extra_cost_per_ship(model, ship, family, f"e-{family}", y)[0] / 1e6
        found[f"e-{family} extra fuel cost asia 2030"] = float(gap[asia])
        found[f"e-{family} extra fuel cost americas 2030"] = float(gap[americas])
    for a, b in ((0, 1), (0, 3), (2, 3)):
        words = ("oil", "methanol", "methane", "ammonia")
        found[f"conversion {words[a]} to {words[b]} over 150 MUSD"] = float(ship.retrofit_usd[a, b] / 150e6)
    for quantity, number in found.items():
        value, tolerance = expected[quantity]
        assert number == pytest.approx(value, abs=tolerance), quantity


def test_los_angeles_shanghai_stands_beside_the_published_checks() -> None:
    table = simulate(shanghai()).tables["published_checks"]
    assert table.schema.equals(STUDY_TABLES["published_checks"])
    rows = {row["check"]: row for row in table.to_pylist()}
    assert rows["methanol-per-ship"]["lies"] == "within"
    assert rows["fuel-cost-per-ship: e-methanol"]["lies"] == "above"
    assert rows["fuel-cost-per-ship: e-ammonia"]["lies"] == "above"
    assert rows["cost-per-teu-methanol: e-methanol"]["lies"] == "within"
    assert rows["conversion-share: oil to ammonia"]["lies"] == "within"
    assert all(row["explanation"] and row["source"] for row in rows.values())
    assert rows.pop("hydrogen-voyages")["ours"] is None
    for row in rows.values():
        low, high, ours = row["low"], row["high"], row["ours"]
        assert row["lies"] == ("below" if ours < low else "above" if ours > high else "within")


def test_other_corridors_have_no_published_answer() -> None:
    assert "published_checks" not in simulate(read("la-tokyo")).tables


def test_the_low_end_of_the_methanol_price_is_the_published_one() -> None:
    """The file says of its low factor that a ship then pays 18 MUSD more for fuel, UMAS's lower figure."""
    model = shanghai()
    ship, k = model.classes[0], 1
    item = next(item for item in model.ranges if "e-methanol" in item.subjects and item.driver == "price")
    oil, green = 11.77, 60.18 * item.low
    energy = fuel_energy_gj(ship, "methanol")
    pilot = float(ship.pilot_share[k])
    extra = energy * ((1.0 - pilot) * green + pilot * oil) - fuel_energy_gj(ship, "oil") * oil
    assert extra / 1e6 == pytest.approx(18.0, abs=0.2)


def test_the_reduction_of_the_target_is_against_the_fossil_case() -> None:
    model = shanghai()
    fossil = evaluate(fossil_case(model)).wtw_t[0]
    year = {int(y): n for n, y in enumerate(model.years)}
    assert np.isnan(model.cap_wtw_t[year[2029]])
    assert model.cap_wtw_t[year[2030]] == pytest.approx(0.8 * fossil[year[2030]])
    assert model.cap_wtw_t[year[2035]] == pytest.approx(0.55 * fossil[year[2035]])
    assert model.cap_wtw_t[year[2050]] == pytest.approx(0.3 * fossil[year[2050]])


def test_every_check_has_both_ends_of_its_band() -> None:
    rows = load_table("scenario_published_checks").rows
    for check in {row.text("check") for row in rows}:
        low, high = (load_table("scenario_published_checks").row(check, end) for end in ("low", "high"))
        assert low.value < high.value
        assert low.unit == high.unit
