"""Comparison, result folders, machines on land, and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from tests.corridors.scenarios.scenario_files import GOOD, changed
from tests.corridors.scenarios.scenario_models import fuel, model
from typer.testing import CliRunner

from sealane.cli import scenario as command
from sealane.corridors.scenarios.compare import compare_scenarios
from sealane.corridors.scenarios.model import COMPARE_TABLES, Input, Landside, Origin
from sealane.corridors.scenarios.read import parse_scenario
from sealane.corridors.scenarios.simulate import simulate
from sealane.corridors.scenarios.write import write_comparison, write_result
from sealane.errors import DataError


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_folder_holds_every_table_and_its_json_and_is_the_same_twice(tmp_path: Path) -> None:
    scenario = model()
    result = simulate(scenario)
    write_result(result, scenario, tmp_path / "one")
    write_result(simulate(model()), model(), tmp_path / "two")
    assert content_of(tmp_path / "one") == content_of(tmp_path / "two")
    content = json.loads((tmp_path / "one" / "scenario.json").read_text())
    assert content["kind"] == "simulate"
    assert content["scenario"] == "hand"
    assert content["label"] == "user"
    assert content["summary"]["wtw_t"] == pytest.approx(5 * (46_800 + 30_825))
    assert content["tables_sha256"]["fuel_cost_paths"]
    for name, table in result.tables.items():
        assert pq.read_table(tmp_path / "one" / f"{name}.parquet").equals(table)


def test_an_older_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "ensemble.parquet").write_bytes(b"old")
    (folder / "scenario.json").write_bytes(b"old")
    write_result(simulate(model()), model(), folder)
    assert not (folder / "ensemble.parquet").exists()


def test_a_comparison_says_what_differs_and_by_which_inputs(tmp_path: Path) -> None:
    base = model()
    cheap = (base.fuels[0], fuel("methanol", "methanol", 20.0, -60.0, 70.0))
    own = (replace(base.inputs[0], value=1.0), Input("fuels.methanol.price", 20.0, "USD/GJ", Origin.USER, "own"))
    other = replace(base, id="cheap", fuels=cheap, inputs=own)
    comparison = compare_scenarios([simulate(base), simulate(other), simulate(base)])
    assert comparison.scenarios == ("hand", "cheap", "hand 2")
    for name, table in comparison.tables.items():
        assert table.schema.equals(COMPARE_TABLES[name])
    summary = {(r["scenario"], r["item"]): r for r in comparison.tables["compare_summary"].to_pylist()}
    assert summary["hand", "cost_gap_discounted_usd"]["difference"] == 0.0
    assert summary["cheap", "cost_gap_discounted_usd"]["difference"] == pytest.approx(-5 * 371_250 * 20)
    paths = {row["path"] for row in comparison.tables["compare_inputs"].to_pylist()}
    assert paths == {"demand.teu", "fuels.methanol.price"}
    assert compare_scenarios([simulate(base), simulate(base)]).tables["compare_inputs"].num_rows == 0
    write_comparison(comparison, tmp_path / "compared")
    told = json.loads((tmp_path / "compared" / "comparison.json").read_text("utf-8"))
    assert told["scenarios"] == ["hand", "cheap", "hand 2"]
    assert told["corridors"] == [base.corridor] * 3
    with pytest.raises(DataError, match="two or more"):
        compare_scenarios([simulate(base)])


def machines(**changes: object) -> Landside:
    made = Landside(
        id="yard-tractors",
        port="USLAX",
        units=np.array([100.0, 100.0]),
        zero_share=np.array([0.2, 0.5]),
        energy_gj=1000.0,
        zero_energy_gj=400.0,
        wtw_g_per_mj=np.array([90.0, 90.0]),
        zero_wtw_g_per_mj=np.array([50.0, 20.0]),
        ttw_g_per_mj=75.0,
        energy_usd_per_gj=np.array([25.0, 25.0]),
        zero_energy_usd_per_gj=np.array([50.0, 50.0]),
        price_usd=100_000.0,
        zero_price_usd=300_000.0,
        lifetime_years=10,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # named numbers of the class


def test_machines_on_land_are_counted_in_rows_of_their_own() -> None:
    result = simulate(model(landside=(machines(),)))
    rows = result.tables["landside"].to_pylist()
    assert rows[0]["zero_units"] == pytest.approx(20.0)
    assert rows[0]["energy_tj"] == pytest.approx((80 * 1000 + 20 * 400) / 1e3)
    assert rows[0]["wtw_t"] == pytest.approx((80_000 * 90 + 8_000 * 50) / 1e3)
    assert rows[0]["ttw_t"] == pytest.approx(80_000 * 75 / 1e3)
    assert rows[0]["cost_usd"] == pytest.approx(80_000 * 25 + 8_000 * 50 + (80 * 1e5 + 20 * 3e5) / 10)
    assert result.tables["year"].equals(simulate(model()).tables["year"])
    assert "landside" not in simulate(model()).tables


LANDSIDE = """\
landside:
  yard-tractors:
    port: USLAX
    units: {value: 100, unit: units, user: terminal}
    zero_share: {path: {2026: 0.2, 2036: 0.5}, user: terminal}
    energy: {value: 280, unit: MWh/unit/year, user: terminal}
    zero_energy: {value: 400, unit: GJ/unit/year, user: terminal}
    wtw: {value: 90, unit: g/MJ, user: terminal}
    zero_wtw: {value: 180, unit: g CO2e/kWh, user: terminal}
    ttw: {value: 75, unit: g/MJ, user: terminal}
    energy_price: {value: 25, unit: USD/GJ, user: terminal}
    zero_energy_price: {value: 180, unit: USD/MWh, user: terminal}
    price: {value: 100, unit: kUSD, user: terminal}
    zero_price: {value: 300, unit: kUSD, user: terminal}
    lifetime: {value: 10, unit: year, user: terminal}
"""


def test_machines_on_land_are_read_and_every_number_is_asked_for() -> None:
    found = parse_scenario((GOOD + LANDSIDE).encode())
    group = found.landside[0]
    assert group.energy_gj == pytest.approx(280 * 3.6)
    assert group.zero_wtw_g_per_mj[0] == pytest.approx(50.0)
    assert group.zero_share.tolist() == pytest.approx([0.2, 0.35, 0.5])
    lacking = LANDSIDE.replace("    ttw: {value: 75, unit: g/MJ, user: terminal}\n", "").replace(
        "value: 25,", "value: 25000,"
    )
    with pytest.raises(DataError) as refused:
        parse_scenario((GOOD + lacking).encode())
    assert "'ttw' is missing" in str(refused.value)
    assert "25000" in str(refused.value)
    unknown = LANDSIDE.replace("{value: 25, unit: USD/GJ, user: terminal}", "{missing: what diesel costs}")
    assert parse_scenario((GOOD + unknown).encode()).landside == ()


def application() -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)
    command.add_to(app)
    return app


def test_the_command_runs_compares_lists_and_checks(tmp_path: Path) -> None:
    runner = CliRunner()
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(GOOD, encoding="utf-8")
    two.write_bytes(changed(("id: small", "id: other"), ("high: 1.4", "high: 1.5")))
    arguments = ["scenario", "run", str(one), "--out", str(tmp_path / "out"), "--ensemble", "64", "--json"]
    ran = runner.invoke(application(), arguments)
    assert ran.exit_code == 0, ran.output
    content = json.loads(ran.stdout)
    assert content["summary"]["ensemble_draws"] == 64
    assert content["drivers"][0]["driver"] == "price: e-methanol"
    assert {"report.html", "report.xlsx", "scenario.json", "year.parquet"} <= set(content_of(tmp_path / "out"))
    plain = runner.invoke(application(), ["scenario", "run", str(one), "--out", str(tmp_path / "out")])
    assert "abatement cost" in plain.output
    compared = runner.invoke(
        application(), ["scenario", "compare", str(one), str(two), "--out", str(tmp_path / "both"), "--json"]
    )
    assert json.loads(compared.stdout)["scenarios"] == ["small", "other"]
    checked = runner.invoke(application(), ["scenario", "check", str(one), "--json"])
    assert json.loads(checked.stdout)["inputs"]["user"] > 10
    assert "small: Small" in runner.invoke(application(), ["scenario", "check", str(one)]).output
    shown = runner.invoke(application(), ["scenario", "show", "la-tokyo"])
    assert shown.output.startswith("# Reference scenario of Sealane")
    listed = runner.invoke(application(), ["scenario", "list", "--json"])
    assert json.loads(listed.stdout)[0]["id"] == "la-lb-shanghai"


def test_a_bad_file_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(changed(("label: user", "label: mine")))
    ran = CliRunner().invoke(application(), ["scenario", "run", str(path), "--out", str(tmp_path / "out")])
    assert isinstance(ran.exception, DataError)
    assert not (tmp_path / "out").exists()
