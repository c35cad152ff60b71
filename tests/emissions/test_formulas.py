"""The registry behind `sealane calc`: each formula works, explains itself, and refuses bad input as a whole."""

from __future__ import annotations

import json

import pytest

from sealane.emissions.formulas import FORMULAS, calc
from sealane.errors import DataError, MissingFactorError

EXAMPLES: dict[str, dict[str, object]] = {
    "propulsion-power": {"installed_kw": 37000, "service_speed_kn": 24, "speed_kn": 12},
    "low-load-factor": {"pollutant": "nox", "load": 0.1},
    "emission-factor": {"pollutant": "co2", "engine": "SSD"},
    "hotel-load": {"ship_class": "Container Ship/5,000 TEU", "mode": "berth"},
    "imo4-load": {"speed_kn": 14, "design_speed_kn": 22, "ship_type": "container", "size": 5000},
    "load-based-sfc": {"load": 0.8},
    "well-to-tank": {"engine": "SSD"},
    "co2e": {"co2_g": 1000, "ch4_g": 1, "n2o_g": 1},
}


def test_every_formula_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_explains_itself(name: str) -> None:
    content = calc(name, **EXAMPLES[name]).as_dict()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    for key in ("value", "unit", "equation", "source", "inputs", "grade", "rows"):
        assert content[key] not in (None, "", [])
    for row in calc(name, **EXAMPLES[name]).rows:
        assert row.source in str(content["source"])


@pytest.mark.parametrize("name", FORMULAS)
def test_every_option_is_described(name: str) -> None:
    for option in FORMULAS[name].options:
        assert option.kind in ("number", "integer", "text")
        assert option.help.endswith(".")
        assert option.unit
        assert option.flag == "--" + option.name.replace("_", "-")


def test_propulsion_power_without_draught_is_the_plain_propeller_law_with_coastal_margin() -> None:
    result = calc("propulsion-power", **EXAMPLES["propulsion-power"])
    load = (12 / (24 / 0.94)) ** 3 * 1.1
    assert result.value == pytest.approx(37000 * load, rel=1e-12)
    assert result.extra["load_factor"] == pytest.approx(load, rel=1e-12)
    assert result.inputs["sea_margin"] == 0.1
    assert result.defaults == ("draught_m", "max_draught_m", "sea_margin")
    assert "plain propeller law" in result.notes[0]


def test_emission_factor_shows_the_fuel_it_filled_in() -> None:
    result = calc("emission-factor", pollutant="so2", engine="SSD", tier="3", load="0.5")
    assert (result.inputs["fuel"], result.inputs["sulphur_pct"], result.inputs["tier"]) == ("MGO", 0.1, 3)
    assert "sulphur_pct" in result.defaults
    assert calc("emission-factor", pollutant="SO2", engine="ssd", fuel="mgo").value == result.value


def test_hotel_load_shows_auxiliary_and_boiler() -> None:
    result = calc("hotel-load", ship_class="container ship 5000 teu", mode="drift")
    assert (result.value, result.unit) == (1390.0, "kW")
    assert result.extra == {"aux_kw": 1390.0, "boiler_kw": 450.0}
    assert result.grade == "D"
    assert any("drifting" in note for note in result.notes)


def test_loads_are_fractions_and_sulphur_per_cent() -> None:
    with pytest.raises(DataError, match=r"--load: 10. Give a number from 0 to 1"):
        calc("low-load-factor", pollutant="nox", load=10)
    at_tenth = calc("low-load-factor", pollutant="so2", load=0.02, sulphur_pct=0.1)
    assert at_tenth.value == pytest.approx(9.54, abs=0.005)
    assert calc("low-load-factor", pollutant="so2", load=0.02).value == at_tenth.value


def test_all_faults_at_once() -> None:
    with pytest.raises(DataError) as refused:
        calc("propulsion-power", installed_kw=-1, speed_kn="fast", draft_m=9)
    named = [fault.where for fault in refused.value.faults]
    assert named == ["--draft-m", "--installed-kw", "--service-speed-kn", "--speed-kn"]
    assert refused.value.exit_code == 2
    with pytest.raises(DataError, match="propulsion-power, low-load-factor"):
        calc("magic")


@pytest.mark.parametrize("value", ["nan", "inf", "-1", ""])
def test_numbers_that_are_none_are_refused(value: str) -> None:
    with pytest.raises(DataError, match="--speed-kn"):
        calc("propulsion-power", installed_kw=1000, service_speed_kn=20, speed_kn=value)


@pytest.mark.parametrize("tier", ["4", "1.5", "-1", "x"])
def test_tiers_are_0_to_3(tier: str) -> None:
    with pytest.raises(DataError, match="--tier"):
        calc("emission-factor", pollutant="nox", engine="SSD", tier=tier)


def test_a_missing_factor_asks_the_user() -> None:
    with pytest.raises(MissingFactorError) as missing:
        calc("emission-factor", pollutant="bc", engine="BOILER")
    assert missing.value.exit_code == 3
