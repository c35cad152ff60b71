"""`sealane calc`: every formula of the registry, with options made from it."""

from __future__ import annotations

import json

import pytest

from sealane.cli.main import run
from sealane.emissions.formulas import FORMULAS, calc

EXAMPLES: dict[str, dict[str, str]] = {
    "propulsion-power": {"installed_kw": "40000", "service_speed_kn": "24", "speed_kn": "12", "sea_margin": "0.15"},
    "low-load-factor": {"pollutant": "nox", "load": "0.1"},
    "emission-factor": {"pollutant": "NOX", "engine": "ssd", "fuel": "MGO", "tier": "1"},
    "hotel-load": {"ship_class": "container ship 5000 TEU", "mode": "berth"},
    "imo4-load": {"speed_kn": "12", "design_speed_kn": "24", "ship_type": "container", "size": "5000"},
    "load-based-sfc": {"load": "0.5"},
    "well-to-tank": {"engine": "SSD", "fuel": "MGO"},
    "co2e": {"co2_g": "1000", "ch4_g": "1", "n2o_g": "1", "gwp": "ar4"},
}


def words(formula: str, inputs: dict[str, str]) -> list[str]:
    return ["calc", formula, *(w for name, value in inputs.items() for w in (f"--{name.replace('_', '-')}", value))]


def test_every_formula_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(FORMULAS)


@pytest.mark.parametrize("formula", EXAMPLES)
def test_json_equals_the_function(formula: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words(formula, EXAMPLES[formula]), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    expected = calc(formula, **EXAMPLES[formula])
    assert content["value"] == expected.value
    assert content["unit"] == expected.unit
    for key in ("equation", "source"):
        assert content[key]
    assert content["inputs"].keys() == {option.name for option in FORMULAS[formula].options}


@pytest.mark.parametrize("formula", EXAMPLES)
def test_for_people_the_same_value_is_printed(formula: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words(formula, EXAMPLES[formula])) == 0
    assert f"{calc(formula, **EXAMPLES[formula]).value:.10g}" in capsys.readouterr().out


@pytest.mark.parametrize("formula", EXAMPLES)
def test_help_names_every_option_and_its_choices(formula: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calc", formula, "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for option in FORMULAS[formula].options:
        assert option.flag in text
        assert all(choice in text for choice in option.choices)


def test_all_faults_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calc", "propulsion-power", "--installed-kw", "-5", "--speed-kn", "fast"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    for flag in ("--installed-kw", "--speed-kn", "--service-speed-kn"):
        assert flag in captured.err


@pytest.mark.parametrize("value", ["nan", "inf", "1e400", ""])
def test_numbers_that_are_none(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calc", "low-load-factor", "--pollutant", "nox", "--load", value]) == 2
    assert "--load" in capsys.readouterr().err


def test_a_factor_nobody_published_is_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calc", "emission-factor", "--pollutant", "nox", "--engine", "SSD", "--fuel", "METHANOL"]) == 3
    assert "published" in capsys.readouterr().err


def test_formulas_are_listed_and_an_unknown_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["calc", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in FORMULAS)
    assert run(["calc", "perpetual-motion"]) == 2
