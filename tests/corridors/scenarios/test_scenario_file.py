"""The scenario file: what it reads, that all faults come at once with their line, and that unit mistakes are caught."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.corridors.scenarios.scenario_files import GOOD, changed, line_of

from sealane.corridors.scenarios.model import Origin, ScenarioModel
from sealane.corridors.scenarios.read import parse_scenario, read_scenario, reference_scenarios
from sealane.corridors.scenarios.simulate import simulate
from sealane.errors import DataError

LHV_METHANOL = 19.9


def refused(content: bytes) -> DataError:
    with pytest.raises(DataError) as error:
        parse_scenario(content)
    return error.value


@pytest.fixture(scope="module")
def good() -> ScenarioModel:
    return parse_scenario(GOOD.encode())


def test_reads_years_demand_and_units(good: ScenarioModel) -> None:
    assert good.years.tolist() == [2026, 2031, 2036]
    assert good.year_weight.tolist() == [5.0, 5.0, 5.0]
    assert good.demand_teu.tolist() == [300_000.0, 350_000.0, 400_000.0]
    assert good.discount_rate == 0.05
    methanol = next(fuel for fuel in good.fuels if fuel.id == "e-methanol")
    at = good.ports.index("USLAX")
    assert methanol.lhv_gj_per_t == LHV_METHANOL
    assert methanol.price_usd_per_gj[at] == pytest.approx(900 / LHV_METHANOL)
    assert methanol.available_gj[at] == pytest.approx(90_000 * LHV_METHANOL)
    assert methanol.available_gj[good.ports.index("CNSHA")] == pytest.approx(2e6)
    assert good.shore_usd_per_gj[at] == pytest.approx(180 / 3.6)
    assert good.shore_g_per_mj[at] == pytest.approx(179.1 / 3.6)
    assert good.classes[0].shore_share[at].tolist() == [0.5, 0.5, 0.5]
    assert np.isnan(good.cap_wtw_t[0])
    assert good.cap_wtw_t[1:].tolist() == [300_000.0, 150_000.0]
    assert good.most_newbuilds.tolist() == [4.0, 4.0, 4.0]
    assert np.isinf(good.most_retrofits).all()


def test_cost_paths_are_interpolated_and_delivery_is_added(good: ScenarioModel) -> None:
    oil = next(fuel for fuel in good.fuels if fuel.id == "lsfo")
    assert oil.price_usd_per_gj == pytest.approx(11.77 + 0.5)
    methanol = next(fuel for fuel in good.fuels if fuel.id == "e-methanol")
    asia = methanol.price_usd_per_gj[good.ports.index("CNSHA")]
    assert asia[0] == pytest.approx(105.39 + (73.45 - 105.39) / 5)  # 2026, between 2025 and 2030
    assert asia[1] == pytest.approx(73.45 + (62.80 - 73.45) / 5)


def test_a_ship_is_priced_by_its_parts_and_the_add_on_of_the_file(good: ScenarioModel) -> None:
    price = good.classes[0].newbuild_usd[:, 0]
    oil = 92.1e6 + 1.04e6 + 9_000 * 140 + 52.7 * 520e3 + 13 * 780e3
    assert price[0] == pytest.approx(oil)
    assert price[1] == pytest.approx(1.11 * oil)
    assert np.isnan(price[2:]).all()


def test_every_number_is_listed_with_its_origin(good: ScenarioModel) -> None:
    by_path = {item.path: item for item in good.inputs}
    assert by_path["demand.teu.2036"].origin is Origin.USER
    assert by_path["demand.teu.2036"].source == "our bookings"
    assert by_path["ships.panamax.newbuild_add_on.methanol"].origin is Origin.SOURCED
    assert by_path["ships.panamax.newbuild_add_on.methanol"].value == pytest.approx(0.11)
    assert by_path["fuels.e-methanol.price.CNSHA.2030"].source.startswith("fuel_cost_paths/e-methanol/asia/2030/price")
    assert by_path["ships.panamax.port_time.CNSHA"].origin is Origin.PLACEHOLDER
    assert by_path["fuels.lsfo.available"].origin is Origin.MISSING
    assert by_path["fuels.lsfo.available"].value is None
    assert len(by_path) == len(good.inputs)
    assert {item.grade for item in good.inputs if item.origin is Origin.PLACEHOLDER} == {"D"}


def test_a_draft_rule_is_named_draft_and_years_it_leaves_open_are_missing(good: ScenarioModel) -> None:
    assert good.payments.status["nzf"] == "draft"
    assert any("nzf is a DRAFT" in note for note in good.notes)
    missing = {item.path: item.source for item in good.inputs if item.origin is Origin.MISSING}
    assert "2036" in missing["rules.nzf.base"]
    assert "2031" in missing["rules.nzf.tier1"]
    paid = [r for r in simulate(good).tables["cost"].to_pylist() if r["item"] == "rule:nzf"]
    assert paid == []  # no model year has both a line and a price: nothing is invented


def test_the_file_simulates(good: ScenarioModel) -> None:
    result = simulate(good)
    assert result.tables["year"].num_rows == 3
    assert result.summary["inputs_user"] == sum(1 for item in good.inputs if item.origin is Origin.USER)


def test_a_port_without_a_path_of_its_own_takes_a_placeholder() -> None:
    content = changed(
        ("CNSHA: {fuel_region: asia}", "CNSHA: {fuel_region: asia, fuel_region_stand_in: no path of ours}")
    )
    inputs = {item.path: item for item in parse_scenario(content).inputs}
    item = inputs["fuels.e-methanol.price.CNSHA.2030"]
    assert item.origin is Origin.PLACEHOLDER
    assert item.source.startswith("no path of ours")
    assert item.grade == "D"
    assert inputs["fuels.lsfo.price.CNSHA.2030"].origin is Origin.SOURCED  # a price of the world is the world's


def test_a_region_without_a_published_path_does_not_offer_the_fuel() -> None:
    content = changed(
        (
            "  e-methanol:\n    family",
            "  fame: {family: oil, pathway: FAME, cost_path: fame}\n  e-methanol:\n    family",
        )
    )
    model = parse_scenario(content)
    fame = next(fuel for fuel in model.fuels if fuel.id == "fame")
    assert np.isnan(fame.price_usd_per_gj).all()
    assert any(item.path == "fuels.fame.price.USLAX" and item.origin is Origin.MISSING for item in model.inputs)


def test_shore_power_with_a_missing_price_is_left_out_and_said() -> None:
    content = changed(("{value: 180, unit: USD/MWh, user: our contract}", "{missing: price at the quay}"))
    model = parse_scenario(content)
    assert not model.classes[0].shore_share.any()
    assert any(item.path.endswith("shore_power.price") and item.value is None for item in model.inputs)


def test_a_mix_of_new_ships_holds_until_the_next_year_named_and_fuel_mixes_run_straight() -> None:
    content = changed(
        ("newbuild_mix: {methanol: 1}", "newbuild_mix: {2026: {oil: 1}, 2031: {methanol: 0.4, oil: 0.6}}"),
        ("methanol: {lsfo: 0.1, e-methanol: 0.9}", "methanol: {2026: {lsfo: 1}, 2036: {lsfo: 0.2, e-methanol: 0.8}}"),
    )
    model = parse_scenario(content)
    assert model.newbuild_mix[0].tolist() == [1.0, 0.6, 0.6]
    assert model.newbuild_mix[1].tolist() == [0.0, 0.4, 0.4]
    assert model.fuel_mix[1, 1].tolist() == pytest.approx([0.0, 0.4, 0.8])


def test_ten_faults_are_reported_at_once_with_their_lines() -> None:
    content = changed(
        ("label: user", "label: mine"),
        ("step: 5}", "step: 4}"),
        ("value: 0.05, user: our treasury", "value: 5, user: our treasury"),
        ("fuel_region: americas", "fuel_region: america"),
        ("user: our terminal", "usr: our terminal"),
        ("zone: US-CA", "zone: US-XX"),
        ("{value: 11500, unit: nm,", "{value: 11500,"),
        ("teu_class: 8000", "teu_class: 9000"),
        ("pathway: VLSFO", "pathway: VLSFOO"),
        ("newbuild_mix: {methanol: 1}", "newbuild_mix: {methanol: 0.8}"),
        ("lsfo: {CNSHA: 1}", "lsfo: {CNSHA: 1, USOAK: 0}"),
        ("year: 2031, from: oil", "year: 2033, from: oil"),
        ("distribution: triangular", "distribution: triangle"),
        ("most_newbuilds:", "most_newbuild:"),
    )
    error = refused(content)
    where = {fault.where.split(",")[0] for fault in error.faults}
    for text in (
        "label: mine",
        "step: 4",
        "value: 5,",
        "america\n",
        "usr:",
        "US-XX",
        "11500",
        "9000",
        "VLSFOO",
        "methanol: 0.8",
        "USOAK",
        "triangle",
        "most_newbuild:",
    ):
        line = line_of(text.rstrip("\n"), content)
        assert f"scenario.yaml line {line}" in where, text
    assert len(error.faults) >= 10
    lines = [int(fault.where.split("line ")[1].split(",")[0]) for fault in error.faults if "line " in fault.where]
    assert lines == sorted(lines)


MISTAKES = {
    "t for kt": (("{value: 90, unit: kt/year", "{value: 90000, unit: kt/year"), "Looks like t/year where kt/year"),
    "GJ for TJ": (("{value: 90, unit: kt/year", "{value: 1791000, unit: TJ/year"), "Looks like GJ/year where TJ/year"),
    "kt for t in a cap": (
        ("{2031: 300, 2036: 150}, unit: kt/year", "{2031: 300, 2036: 150}, unit: t/year"),
        "Looks like kt/year where t/year",
    ),
    "t for kt in a cap": (
        ("{2031: 300, 2036: 150}, unit: kt/year", "{2031: 300000, 2036: 150000}, unit: kt/year"),
        "Looks like t/year where kt/year",
    ),
    "kt for t of fuel": (("{value: 90, unit: kt/year", "{value: 9, unit: t/year"), "Looks like kt/year where t/year"),
    "TJ for GJ of fuel": (
        ("{value: 2, unit: PJ/year", "{value: 200, unit: GJ/year"),
        "Looks like TJ/year where GJ/year",
    ),
    "USD/t for USD/GJ": (("{value: 900, unit: USD/t,", "{value: 900, unit: USD/GJ,"), "Looks like USD/t where USD/GJ"),
    "per cent for a share": (("share: {value: 0.5,", "share: {value: 50,"), "Looks like % where 1"),
    "per cent for a rate": (("{value: 0.05, user: our t", "{value: 5, user: our t"), "Looks like %/year where 1/year"),
    "thousands of TEU": (
        ("{2026: 300000, 2036: 400000}", "{2026: 300, 2036: 400}"),
        "Looks like kTEU/year where TEU/year",
    ),
    "USD/kWh for USD/MWh": (
        ("{value: 180, unit: USD/MWh", "{value: 0.18, unit: USD/MWh"),
        "Looks like USD/kWh where USD/MWh",
    ),
    "km for nm": (("{value: 11500, unit: nm", "{value: 21300000, unit: nm"), "Looks like m where nm"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_unit_mistakes_are_caught_and_named(name: str) -> None:
    pair, words = MISTAKES[name]
    error = refused(changed(pair))
    assert words in str(error), str(error)
    assert len({fault.where for fault in error.faults}) <= 2


def test_the_numbers_the_mistakes_start_from_are_taken() -> None:
    parse_scenario(GOOD.encode())


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (("{value: 11500, unit: nm, user: our schedule}", "11500"), "without its origin"),
        (("user: our schedule", "user: our schedule, source: a book"), "several origins: source, user"),
        (("user: our schedule", "placeholder: none, grade: A"), "A placeholder is grade D"),
        (("value: 11500, unit: nm", "value: 11500, path: {2026: 1}, unit: nm"), "holds value, path"),
        (("unit: nm, user", "unit: furlong, user"), "unit 'furlong'"),
        (("{2026: 300000, 2036: 400000}", "{2036: 400000, 2026: 300000}"), "not in rising order"),
        (("value: 11500", "value: .nan"), "not a finite number"),
        (("value: 11500", "value: '11500'"), "the text '11500'"),
        (("round_trip: {value: 11500, unit: nm, user: our schedule}", "calls: [USLAX]"), "at least two"),
        (
            ("  teu: {path: {2026: 300000, 2036: 400000}, unit: TEU/year, user: our bookings}", "  {}"),
            "neither teu nor",
        ),
        (("id: small", "id: Small One"), "Use small letters"),
        (("families: [oil, methanol]", "families: [methanol]"), "family oil is not among them"),
        (("from: 2026, to: 2036, step: 5", "from: 2026, to: 2056, step: 5"), "from 2025 to 2050"),
        (("low: 0.7, high: 1.4", "low: 1.2, high: 1.4"), "does not hold the scenario itself"),
        (("draft: true", "draft: false"), "draft is not accepted"),
        (("{path: {2026: 2, 2036: 0}", "{path: {2026: 2, 2036: 3}"), "the number rises"),
        (("label: user", "label: user\nlabel: user"), "given twice"),
        (
            ("  panamax:", "  other: {teu_class: 8000, existing: {evenly_aged: oil, user: us}}\n  panamax:"),
            "several classes and no share",
        ),
        (("form: sealane-scenario/1", "form: sealane-scenario/2"), "form 'sealane-scenario/2'"),
        (("  USLAX:\n    fuel", "  uslax:\n    fuel"), "no UN/LOCODE"),
    ],
)
def test_single_faults(pair: tuple[str, str], words: str) -> None:
    assert words in str(refused(changed(pair)))


def test_yaml_that_cannot_be_read_is_refused() -> None:
    for content in (b"", b"- a\n", b"a: [1\n", b"\xff\xfe", b"a: &x 1\nb: *x\n", b"[" * 100, b"a: 1\n" * 600_000):
        assert refused(content).faults


def test_an_unknown_scenario_names_the_reference_scenarios(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="la-lb-shanghai"):
        read_scenario(tmp_path / "absent.yaml")
    assert len(reference_scenarios()) == 5


def test_reads_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert read_scenario(path).id == "small"
    path.write_text(GOOD.replace("id: small", "id: SMALL"), encoding="utf-8")
    with pytest.raises(DataError, match=r"mine\.yaml line 2, id"):
        read_scenario(str(path))


def test_rules_that_are_on_are_paid_by_whom_the_file_says() -> None:
    rules = """\
rules:
  eu_ets: {share: {value: 0.1, user: one call in five}, price: {value: 100, unit: USD/t, user: our desk}}
  fueleu: {share: {value: 0.1, user: one call in five}, usd_per_eur: {value: 1.1, unit: USD/EUR, user: our desk}}
  nzf: {draft: true, payer: cargo owner}
  carbon_price: {price: {value: 20, unit: USD/t, user: a fund}, payer: port}
"""
    text = GOOD.replace("{from: 2026, to: 2036, step: 5}", "{from: 2028, to: 2030}").replace("year: 2031", "year: 2029")
    text = text.replace("methanol: {lsfo: 0.1, e-methanol: 0.9}", "methanol: {lsfo: 1}")
    begin, end = text.index("rules:\n"), text.index("choices:\n")
    model = parse_scenario((text[:begin] + rules + text[end:]).encode())
    result = simulate(model)
    paid = {(r["year"], r["item"]): r for r in result.tables["cost"].to_pylist() if r["item"].startswith("rule:")}
    payers = {item: row["payer"] for (_, item), row in paid.items()}
    assert payers == {
        "rule:eu-ets": "carrier",
        "rule:fueleu": "carrier",
        "rule:nzf": "cargo owner",
        "rule:carbon-price": "port",
    }
    wtw = {row["year"]: row["wtw_t"] for row in result.tables["year"].to_pylist()}
    for year in (2028, 2029, 2030):
        assert paid[year, "rule:carbon-price"]["cost_usd"] == pytest.approx(20.0 * wtw[year])
    first = next(row for row in result.tables["year"].to_pylist() if row["year"] == 2028)
    energy_mj, intensity = first["energy_tj"] * 1e6, first["intensity_g_per_mj"]
    base, direct = 93.3 * 0.96, 93.3 * 0.83  # 4 and 17 % below 93.3 g/MJ, at 380 and 100 USD/t
    due = (max(0.0, min(intensity, base) - direct) * 100 + max(0.0, intensity - base) * 380) * energy_mj / 1e6
    assert paid[2028, "rule:nzf"]["cost_usd"] == pytest.approx(due, rel=1e-6)
    # Oil only, so all of tank-to-wake counts; from 2026 on it is surrendered in full.
    assert paid[2028, "rule:eu-ets"]["cost_usd"] == pytest.approx(0.1 * 100.0 * first["ttw_t"], rel=1e-9)
    limit = 91.16 * 0.98
    penalty = max(0.0, intensity - limit) * energy_mj * 0.1 / (intensity * 41_000) * 2_400 * 1.1
    assert paid[2028, "rule:fueleu"]["cost_usd"] == pytest.approx(penalty, rel=1e-6)
    assert result.summary["status_of_nzf"] == "draft"
    assert result.summary["status_of_fueleu"] == "in force"
    assert result.summary["status_of_carbon-price"] == "user"


def faults_of(*pairs: tuple[str, str]) -> list[str]:
    """Faults of the good file with texts replaced, each as one text."""
    with pytest.raises(DataError) as caught:
        parse_scenario(changed(*pairs), "s.yaml")
    return [f"{fault.where}: {fault.found}. {fault.remedy}" for fault in caught.value.faults]


def test_one_key_that_is_no_year_leaves_the_other_years_alone() -> None:
    told = faults_of(("newbuild_mix: {methanol: 1}", "newbuild_mix: {2026: {oil: 1}, 2031-06: {methanol: 1}}"))
    assert len(told) == 1
    assert "'2031-06' is no year" in told[0]


def test_a_faulty_pathway_makes_no_fault_of_units_by_mass() -> None:
    told = faults_of(("pathway: e-methanol", "pathway: e-metanol"))
    assert len(told) == 1
    assert "e-metanol" in told[0]


def test_a_price_alone_is_told_to_keep_its_cost_path() -> None:
    told = faults_of(("cost_path: lsfo, delivery:", "price: {value: 612, unit: USD/t, user: ours}, delivery:"))
    assert len(told) == 1
    assert "price may stand beside cost_path and goes before it" in told[0]
