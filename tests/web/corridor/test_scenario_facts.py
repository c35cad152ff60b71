"""Facts of scenarios and plans that are no outputs: each follows from the result's own rows."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.web.accounts.people import Place
from tests.web.corridor.corridor_world import Kept, Made, adds_up, query_of

from sealane.errors import RequestRefusedError
from sealane.web.corridor.explain_scenario import explain_difference, explain_scenario, scenario_figure
from sealane.web.corridor.scenario_files import ScenarioFiles, shipped_scenario
from sealane.web.corridor.scenario_query import OUTPUTS, Output, ScenarioQuery
from sealane.web.derivation import Derivation

LAST = 2050


@pytest.fixture(scope="module")
def files(made: Made) -> ScenarioFiles:
    return ScenarioFiles(made.scenario)


def explained(files: ScenarioFiles, **asked: Any) -> Derivation:
    return explain_scenario(files, "R", ScenarioQuery.model_validate(asked))


def test_mass_is_energy_by_heating_value(files: ScenarioFiles) -> None:
    rows = [row for row in files.rows("fuel") if row["year"] == LAST]
    assert rows
    for row in rows:
        found = explained(files, fact="mass", output="energy_tj", year=LAST, at=f"{row['fuel']}/{row['port']}")
        assert found.figure.value == row["mass_t"]
        energy, heat = (float(one.value or 0) for one in found.inputs)
        assert energy * 1e3 / heat == pytest.approx(row["mass_t"], rel=1e-12)
        own = explain_scenario(files, "R", ScenarioQuery.model_validate(query_of(found.inputs[0].link or "")))
        assert own.figure.value == energy


def test_ranges_and_shares_are_those_of_the_study(files: ScenarioFiles) -> None:
    rows = [row for row in files.rows("tornado") if row["output"] == OUTPUTS[Output.GAP].run]
    assert rows
    for row in rows:
        for fact, column in (("range_low", "low"), ("range_high", "high")):
            found = explained(files, fact=fact, output=Output.GAP, driver=row["driver"])
            assert found.figure.value == row[column]
            low, _, high = str(found.inputs[0].value).split(" … ")
            assert float({"low": low, "high": high}[column]) == pytest.approx(row[column], rel=1e-4)
            assert found.inputs[0].source
    for row in files.rows("drivers"):
        if row["output"] == OUTPUTS[Output.GAP].run:
            found = explained(files, fact="variance", output=Output.GAP, driver=row["driver"])
            assert found.figure.value == row["total_order"]
            assert found.inputs[0].value == row["first_order"]


def test_checks_name_what_was_published_and_by_whom(files: ScenarioFiles) -> None:
    rows = files.rows("published_checks")
    assert rows
    for row in rows:
        low, high, ours = (
            explained(files, fact=f"check_{end}", subject=row["check"]) for end in ("low", "high", "ours")
        )
        assert (low.figure.value, high.figure.value, ours.figure.value) == (row["low"], row["high"], row["ours"])
        assert [one.value for one in low.inputs] == [row["low"], row["high"]]
        assert all(one.source == row["source"] for one in low.inputs)
        assert ours.inputs[0].value == row["ours"]


def test_counts_are_of_the_rows_listed(files: ScenarioFiles) -> None:
    inputs = files.rows("inputs")
    for origin in ("sourced", "user", "placeholder", "missing"):
        found = explained(files, fact="inputs", subject=origin)
        assert found.figure.value == len(found.inputs) == sum(1 for row in inputs if row["origin"] == origin)
        for one in found.inputs[:5]:
            own = explain_scenario(files, "R", ScenarioQuery.model_validate(query_of(one.link or "")))
            assert (own.figure.value, own.inputs[0].source) == (one.value, one.source)
    draws = explained(files, fact="draws", output=Output.GAP)
    assert draws.figure.value == next(row["draws"] for row in files.rows("ensemble") if row["year"] == 0)


def test_differences_are_of_two_figures(files: ScenarioFiles) -> None:
    first = shipped_scenario("singapore-la-lb")
    assert first is not None
    for output in (Output.WTW, Output.GAP, Output.ABATEMENT):
        found = explain_difference(files, "R", first, "shipped:singapore-la-lb", output)
        assert adds_up(found)
        ours, theirs = (
            scenario_figure(one, name, output, None).value
            for one, name in ((files, "R"), (first, "shipped:singapore-la-lb"))
        )
        assert ours is not None
        assert theirs is not None
        assert found.figure.value == ours - theirs


@pytest.mark.parametrize(
    "asked",
    [
        {"fact": "mass", "year": 2050, "at": "none/none"},
        {"fact": "check_ours", "subject": "none"},
        {"fact": "assumption", "subject": "none"},
        {"fact": "inputs", "subject": "none"},
        {"fact": "range_low", "driver": "none"},
        {"fact": "variance", "driver": "none"},
        {"fact": "draws", "output": "shore_tj"},
    ],
)
def test_what_the_result_does_not_hold_is_refused(files: ScenarioFiles, asked: dict[str, Any]) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        explained(files, **asked)
    assert refused.value.status == 404


def test_a_difference_to_what_is_not_open_is_refused(corridor_place: Place, kept: Kept) -> None:
    base = f"/api/v1/explain/scenario/{kept.scenario}?output=wtw_t&fact=difference&subject="
    with httpx.Client(base_url=corridor_place.origin, timeout=60, trust_env=False) as guest:
        assert guest.get(base + "shipped:la-lb-shanghai").status_code == 200
        for name in (kept.plan, "..%2Fetc", "shipped:none"):
            assert guest.get(base + name).status_code == 404, name
    analyst = corridor_place.entered("facts.analyst").http
    assert analyst.get(base + kept.plan).status_code == 200
