"""`sealane rule` and the rules of `sealane calc` on the command line: tables, JSON, folder, errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from sealane.cli import calc, rule
from sealane.corridors.rules.run import assess_all, run_fueleu
from sealane.corridors.rules.schemas import FUELEU, FUELEU_SETTLEMENT, RULE_TABLES
from sealane.corridors.rules.ship_year import FuelUse, ShipYear
from sealane.errors import DataError, MissingFactorError, SealaneError

HEADER = "ship,imo,year,ship_type,dwt,gt,distance_nm,fuel,consumer,mass_t,scope,e_g_per_mj"
ROWS = (
    "Alpha,9074729,{year},container,150000,140000,90000,{oil},,12000,intra-eea,",
    "Alpha,,{year},,,,,MDO,,1400,intra-eea,",
    "Beta,,{year},container,80000,75000,80000,{gas},{engine},5000,extra-eea,{e}",
)

app = typer.Typer()
rule.add_to(app)
calc.add_to(app)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


Write = Callable[..., Path]


@pytest.fixture
def ship_years(tmp_path: Path) -> Write:
    def to_file(year: int = 2025, oil: str = "HFO", gas: str = "LNG", engine: str = "diesel-slow", e: str = "") -> Path:
        path = tmp_path / f"{year}.csv"
        rows = [row.format(year=year, oil=oil, gas=gas, engine=engine, e=e) for row in ROWS]
        path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
        return path

    return to_file


def test_fueleu_of_essf_example_1_from_a_file(ship_years: Write) -> None:
    content = json.loads(run("rule", "fueleu", ship_years(), "--json").stdout)
    alpha, beta = content["results"]
    assert alpha["energy_mj"] == 545_780_000.0
    assert alpha["penalty_eur"] == pytest.approx(802_011, rel=5e-6)
    assert (alpha["edition"], alpha["status"]) == ("Regulation (EU) 2023/1805", "in force")
    assert beta["penalty_eur"] == 0.0
    assert content["summary"]["ship_years"] == 2
    labels = {row["row"] for row in content["rows"]}
    assert set(alpha["rows_used"]) | set(beta["rows_used"]) == labels
    assert all(row["source"] and row["edition"] and row["grade"] for row in content["rows"])


def test_for_people_units_edition_and_notes(ship_years: Write) -> None:
    result = run("rule", "fueleu", ship_years())
    assert result.exit_code == 0
    for part in ("energy_tj", "545.78", "91.63721", "-1,255.519", "802,008.4", "Regulation (EU) 2023/1805 (in force)"):
        assert part in result.stdout
    assert "proportional" in result.stderr


def test_measures_are_settled_and_written(ship_years: Write, tmp_path: Path) -> None:
    measures = tmp_path / "m.csv"
    measures.write_text("ship,year,action,pool,amount_t\nAlpha,2025,pool,one,\nBeta,2025,pool,one,\n", encoding="utf-8")
    out = tmp_path / "out"
    result = run("rule", "fueleu", ship_years(), "--measures", measures, "--out", out)
    assert result.exit_code == 0
    assert "after banking, borrowing and pooling" in result.stdout
    assert sorted(path.name for path in out.iterdir()) == [
        "fueleu.csv",
        "fueleu.json",
        "fueleu.parquet",
        "fueleu_settlement.csv",
        "fueleu_settlement.parquet",
    ]
    assert pq.read_schema(out / FUELEU.file).equals(FUELEU.schema)
    settled = pq.read_table(out / FUELEU_SETTLEMENT.file)
    assert settled.schema.equals(FUELEU_SETTLEMENT.schema)
    assert sum(settled["pooled_g"].to_pylist()) == pytest.approx(0.0, abs=1.0)
    assert settled["penalty_eur"].to_pylist() == [0.0, 0.0]
    content = json.loads((out / "fueleu.json").read_text(encoding="utf-8"))
    assert content["settlement"]["years"][0]["pool"] == "one"


def test_the_same_input_gives_the_same_bytes(ship_years: Write, tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert run("rule", "ets", ship_years(), "--out", tmp_path / name, "--json").exit_code == 0
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_ets_with_a_price(ship_years: Write) -> None:
    (alpha, _) = json.loads(run("rule", "ets", ship_years(), "--price-eur-per-t", "70", "--json").stdout)["results"]
    assert alpha["cost"] == pytest.approx(70 * 0.7 * (12000 * 3.114 + 1400 * 3.206))
    (priced, _) = json.loads(run("rule", "ets", ship_years(), "--price-path", "eu-ets-path", "--json").stdout)[
        "results"
    ]
    assert (priced["price_per_t"], priced["currency"]) == (119.0, "USD")


def test_nzf_needs_its_flag_and_says_draft(ship_years: Write) -> None:
    file = ship_years(2028, oil="VLSFO", gas="e-methanol", engine="", e="12")
    assert "draft and off by default" in str(run("rule", "nzf", file).exception)
    result = run("rule", "nzf", file, "--draft")
    assert result.exit_code == 0
    assert "DRAFT" in result.stdout
    assert "DRAFT" in result.stderr


def test_cii_and_the_year_option(ship_years: Write) -> None:
    content = json.loads(run("rule", "cii", ship_years(), "--json").stdout)
    assert [entry["rating"] for entry in content["results"]] == ["A", "A"]
    wrong = run("rule", "cii", ship_years(), "--year", "2030").exception
    assert isinstance(wrong, DataError)
    assert "holds: 2025" in str(wrong)


def test_at_berth_is_reached() -> None:
    assert "CALLS" in run("rule", "at-berth", "--help").stdout


def test_a_failed_run_leaves_no_folder(ship_years: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    error = run("rule", "fueleu", ship_years(gas="e-methanol", engine=""), "--out", out).exception
    assert isinstance(error, MissingFactorError)
    assert "Beta 2025" in str(error)
    assert not out.exists()


@pytest.mark.parametrize("name", ["fueleu", "ets", "nzf", "cii"])
def test_calc_offers_the_rules(name: str) -> None:
    shown = run("calc", name, "--help")
    assert shown.exit_code == 0
    assert "--json" in shown.stdout
    assert name in run("calc", "--help").stdout


def test_calc_fueleu_as_the_issue_writes_it() -> None:
    words = ("calc", "fueleu", "--fuel", "HFO=12000", "--fuel", "MDO=1400", "--year", "2025", "--gwp", "ar4", "--json")
    content = json.loads(run(*words).stdout)
    assert content["energy_mj"] == 545_780_000.0
    assert {"intensity", "balance_g", "penalty_eur"} <= content.keys()
    assert isinstance(run("calc", "fueleu", "--year", "2025").exception, DataError)
    assert (
        json.loads(run("calc", "nzf", "--fuel", "VLSFO=1", "--year", "2028", "--draft", "--json").stdout)["formula"]
        == "nzf"
    )


def test_faults_of_all_ships_at_once_and_missing_values_once_each() -> None:
    def assess(entry: ShipYear) -> object:
        return run_fueleu([entry]).results[0]

    bad = [ShipYear("A", 2024, (FuelUse("HFO", 1.0),)), ShipYear("B", 2025, (FuelUse("HFOO", 1.0),) * 2)]
    with pytest.raises(DataError) as caught:
        assess_all([*bad, ShipYear("C", 2025, (FuelUse("HVO", 1.0),))], assess)  # type: ignore[arg-type]  # as the rules
    assert len(caught.value.faults) == 4
    missing = [ShipYear(name, 2025, (FuelUse("HVO", 1.0),)) for name in "AB"]
    with pytest.raises(MissingFactorError) as asked:
        run_fueleu(missing)
    assert str(asked.value).count("Give E of the proof") == 1
    assert issubclass(MissingFactorError, SealaneError)


def test_every_table_describes_the_fields_of_its_results() -> None:
    for spec in RULE_TABLES.values():
        assert all(column.meaning for column in spec.columns.values())
        assert spec.key == ("ship", "year")
