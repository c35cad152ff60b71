"""Rules by hand: the registry works, explains itself, and refuses bad input as a whole."""

from __future__ import annotations

import json

import pytest

from sealane.corridors.rules.formulas import ALL_FORMULAS, FORMULAS, calc, parse_fuel
from sealane.corridors.rules.ship_year import FuelUse
from sealane.emissions.formulas import FORMULAS as EMISSION_FORMULAS
from sealane.errors import DataError, Fault, MissingFactorError

EXAMPLES: dict[str, dict[str, object]] = {
    "fueleu": {"fuel": ["HFO=12000", "MDO=1400"], "year": 2025},
    "ets": {"fuel": "HFO=1000,scope=extra-eea", "year": "2026", "price_eur_per_t": "70"},
    "nzf": {"fuel": ["VLSFO=1000"], "year": 2028, "draft": True},
    "cii": {"ship_type": "container", "dwt": 150000, "year": 2026},
}


def test_every_rule_has_an_example_here_and_no_name_is_taken_twice() -> None:
    assert set(EXAMPLES) == set(FORMULAS)
    assert not set(FORMULAS) & set(EMISSION_FORMULAS)
    assert list(ALL_FORMULAS) == [*EMISSION_FORMULAS, *FORMULAS]


@pytest.mark.parametrize("name", FORMULAS)
def test_every_rule_explains_itself(name: str) -> None:
    content = calc(name, **EXAMPLES[name]).as_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    for key in ("value", "unit", "equation", "source", "inputs", "grade", "rows"):
        assert content[key] not in (None, "", [])


@pytest.mark.parametrize("name", FORMULAS)
def test_every_option_is_described(name: str) -> None:
    for option in FORMULAS[name].options:
        assert option.help.endswith(".")
        assert option.flag == "--" + option.name.replace("_", "-")
    assert FORMULAS[name].help
    assert FORMULAS[name].source


def test_emission_formulas_are_still_reached() -> None:
    assert calc("co2e", co2_g=1000).value == 1000.0


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("HFO=12000", FuelUse("HFO", 12000.0)),
        ("LNG@otto-slow=8.5,scope=extra-eea", FuelUse("LNG", 8.5, "extra-eea", "otto-slow")),
        ("FAME = 100 , e = 14.9", FuelUse("FAME", 100.0, e_g_per_mj=14.9)),
        ("e-methanol=1,wtt=-58,scope=At-Berth", FuelUse("e-methanol", 1.0, "at-berth", wtt_g_per_mj=-58.0)),
    ],
)
def test_fuel_as_written_by_hand(text: str, use: FuelUse) -> None:
    faults: list[Fault] = []
    found = parse_fuel(text, faults)
    assert not faults
    assert found is not None
    assert FuelUse(*(getattr(found, n) for n in FuelUse.__dataclass_fields__ if n != "where")) == use


@pytest.mark.parametrize(
    "text",
    ["HFO", "=12", "HFO=", "HFO=x", "HFO=-1", "HFO=1e9", "HFO=1,scope=x", "HFO=1,e=a", "HFO=1,lcv=1", "HFO=1,e=1,e=2"],
)
def test_fuel_that_cannot_be_read(text: str) -> None:
    faults: list[Fault] = []
    assert parse_fuel(text, faults) is None
    assert faults
    assert all(text in fault.where for fault in faults)


def test_all_faults_at_once() -> None:
    with pytest.raises(DataError) as caught:
        calc("fueleu", year=2025.5, gwp="ar9", wind_ratio=3, colour="red")
    found = {fault.where for fault in caught.value.faults}
    assert found == {"--colour", "--fuel", "--year", "--gwp", "--wind-ratio"}


def test_a_draft_is_asked_for() -> None:
    with pytest.raises(DataError, match="--draft"):
        calc("nzf", fuel=["VLSFO=1"], year=2028)
    assert "DRAFT" in str(calc("nzf", **EXAMPLES["nzf"]).as_dict()["status"])


def test_cii_gives_reference_required_and_the_four_boundaries() -> None:
    content = calc("cii", **EXAMPLES["cii"]).as_dict()
    assert content["reference"] == pytest.approx(5.84, abs=0.005)
    assert content["required"] == content["value"] == pytest.approx(5.198, abs=0.0005)
    assert content["superior"] < content["lower"] < content["required"] < content["upper"] < content["inferior"]  # type: ignore[operator]  # numbers all


def test_ets_without_a_price_has_no_cost() -> None:
    content = calc("ets", fuel=["HFO=1000,scope=extra-eea"], year=2024).as_dict()
    assert content["co2_t"] == content["covered_co2e_t"] == 1557.0
    assert content["allowances_t"] == pytest.approx(0.4 * 1557.0)
    assert content["cost"] is None


def test_certificate_is_asked_for_with_the_words_to_type() -> None:
    with pytest.raises(MissingFactorError, match="--fuel HVO=TONNES,e=E"):
        calc("fueleu", fuel=["HVO=100"], year=2025)
    assert calc("fueleu", fuel=["HVO=100,e=16"], year=2025).value < 20.0


def test_unknown_formula_names_all() -> None:
    with pytest.raises(DataError, match=r"propulsion-power.*fueleu"):
        calc("fuel-eu")
