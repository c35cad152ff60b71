"""Figures of scenarios and plans: terms add up, agree with the tables, and end in assumptions with a source."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.web.corridor.corridor_world import Made, adds_up, query_of, walk

from sealane.corridors.scenarios.read import scenario_text
from sealane.errors import RequestRefusedError
from sealane.web.corridor.explain_scenario import explain_scenario, scenario_figure
from sealane.web.corridor.explain_study import PlanQuery, explain_dual
from sealane.web.corridor.lane_sums import same
from sealane.web.corridor.scenario_files import SCENARIO_TEXT, ScenarioFiles, shipped_scenario
from sealane.web.corridor.scenario_query import OUTPUTS, Output, ScenarioQuery, held
from sealane.web.corridor.scenario_terms import UNKNOWN, cost_term, emission_term, energy_term
from sealane.web.derivation import Derivation

LAST = 2050


@pytest.fixture(scope="module", params=["scenario", "plan", "shipped"])
def files(made: Made, request: pytest.FixtureRequest) -> ScenarioFiles:
    if request.param == "shipped":
        found = shipped_scenario("la-lb-shanghai")
        assert found is not None
        return found
    return ScenarioFiles(getattr(made, request.param))


def explained(files: ScenarioFiles, address: str) -> Derivation:
    return explain_scenario(files, "R", ScenarioQuery.model_validate(query_of(address)))


def test_terms_of_every_year_agree_with_the_table(files: ScenarioFiles) -> None:
    assert files.model is not None
    for year in files.years:
        row = files.year(year)
        assert row is not None
        assert same(energy_term(files, year).value, row["energy_tj"])
        assert same(cost_term(files, year).value, row["cost_usd"] / 1e6)
        for fossil, tank, column in ((False, False, "wtw_t"), (False, True, "ttw_t"), (True, False, "fossil_wtw_t")):
            term = emission_term(files, year, fossil=fossil, tank_to_wake=tank)
            assert term is not None
            assert same(term.value, row[column])


@pytest.mark.parametrize("output", [Output.WTW, Output.COST, Output.GAP, Output.AVOIDED])
def test_every_part_of_a_year_is_the_figure_of_its_own_derivation(files: ScenarioFiles, output: Output) -> None:
    start = scenario_figure(files, "R", output, LAST).explain
    leaves = 0
    for address, found in walk(start, lambda at: explained(files, at), most=120):
        assert adds_up(found), address
        leaves += bool(found.equation and not found.parts and found.inputs)
    assert leaves


@pytest.mark.parametrize("output", [output for output in Output if OUTPUTS[output].run])
def test_the_whole_run_is_the_weighted_sum_of_its_years(files: ScenarioFiles, output: Output) -> None:
    figure = scenario_figure(files, "R", output, None)
    assert figure.value == pytest.approx(held(files, ScenarioQuery(output=output)), rel=1e-9)
    found = explained(files, figure.explain)
    assert found.figure.value == figure.value
    assert adds_up(found)
    if output in (Output.GAP_PER_TEU, Output.ABATEMENT):
        over, under = (float(item.value or 0.0) for item in found.inputs)
        assert over * 1e6 / under == pytest.approx(figure.value, rel=1e-9)
    else:
        assert len(found.parts) == len(files.years)


def test_a_leaf_names_the_source_of_its_factor(files: ScenarioFiles) -> None:
    start = scenario_figure(files, "R", Output.WTW, LAST).explain
    leaves = [found for _, found in walk(start, lambda at: explained(files, at)) if not found.parts]
    assert leaves
    for leaf in leaves:
        factor = leaf.inputs[1]
        assert factor.origin in ("published", "filled", "entered")
        assert "fuel_cost_paths" in factor.source or "pathway" in factor.source


def damaged(folder: Path, target: Path) -> ScenarioFiles:
    """The same result with an assumption changed, as by another edition of the tables."""
    shutil.copytree(folder, target)
    table = pq.read_table(target / "inputs.parquet")
    values = np.array(table["value"].to_pylist(), dtype=float)
    values[0] = (values[0] if np.isfinite(values[0]) else 0.0) + 1.0
    at = table.schema.get_field_index("value")
    pq.write_table(
        table.set_column(at, table.schema.field(at), pa.array(values, from_pandas=True)), target / "inputs.parquet"
    )
    return ScenarioFiles(target)


def test_a_scenario_that_gives_other_inputs_is_not_taken_for_its_origin(made: Made, tmp_path: Path) -> None:
    files = damaged(made.scenario, tmp_path / "scenario")
    assert files.model is None
    found = explained(files, scenario_figure(files, "R", Output.WTW, LAST).explain)
    assert found.parts == []
    assert UNKNOWN in found.notes
    assert found.figure.value == held(files, ScenarioQuery(output=Output.WTW, year=LAST))


def test_a_scenario_kept_beside_its_result_is_taken(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.scenario, tmp_path / "own")
    (tmp_path / "own" / SCENARIO_TEXT).write_bytes(scenario_text("la-lb-shanghai")[1])
    assert ScenarioFiles(tmp_path / "own").model is not None
    (tmp_path / "own" / SCENARIO_TEXT).write_bytes(b"form: nonsense")
    assert ScenarioFiles(tmp_path / "own").model is None


def test_a_table_that_the_terms_do_not_give_is_not_taken_apart(made: Made, tmp_path: Path) -> None:
    """The control of the terms: emissions a hundredth larger are not given parts that do not add up to them."""
    shutil.copytree(made.scenario, tmp_path / "wrong")
    path = tmp_path / "wrong" / "year.parquet"
    table = pq.read_table(path)
    at = table.schema.get_field_index("wtw_t")
    pq.write_table(table.set_column(at, "wtw_t", pc.multiply(table["wtw_t"], 1.01)), path)
    files = ScenarioFiles(tmp_path / "wrong")
    assert explained(files, scenario_figure(files, "R", Output.WTW, LAST).explain).parts == []


def test_spread_and_drivers_open(made: Made) -> None:
    files = ScenarioFiles(made.scenario)
    for output in (Output.GAP, Output.WTW):
        quantile = explained(files, ScenarioQuery(output=output, quantile="p50").address("R"))
        assert quantile.figure.low is not None
        assert quantile.figure.high is not None
        assert quantile.figure.low <= (quantile.figure.value or 0.0) <= quantile.figure.high
        row = next(r for r in files.rows("tornado") if r["output"] == OUTPUTS[output].run)
        driver = explained(files, ScenarioQuery(output=output, driver=row["driver"]).address("R"))
        assert adds_up(driver)
        assert abs(driver.figure.value or 0.0) * OUTPUTS[output].divisor == pytest.approx(row["swing"], rel=1e-9)


def test_ships_and_shadow_prices_open(made: Made) -> None:
    files = ScenarioFiles(made.plan)
    for row in files.rows("fleet")[5:8]:
        query = ScenarioQuery(ships=row["ship_class"], family=row["family"], year=row["year"])
        found = explained(files, query.address("R"))
        before, new, into, out, gone = (float(item.value or 0.0) for item in found.inputs)
        assert before + new + into - out - gone == pytest.approx(found.figure.value, abs=1e-9)
    for row in files.rows("dual")[:4]:
        query = PlanQuery(constraint=row["constraint"], subject=row["subject"], year=row["year"])
        assert explain_dual(files, "R", query).figure.value == row["value"]


@pytest.mark.parametrize(
    "asked",
    [{"year": "1999"}, {"year": "2050", "at": "nothing"}, {"quantile": "p50", "output": "demand_teu"},
     {"driver": "none"}, {"ships": "none", "year": "2050"}],
)  # fmt: skip
def test_what_the_result_does_not_hold_is_refused(made: Made, asked: dict[str, str]) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        explain_scenario(ScenarioFiles(made.scenario), "R", ScenarioQuery.model_validate(asked))
    assert refused.value.status == 404
