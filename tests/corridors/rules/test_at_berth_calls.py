"""At-Berth over a table of calls: emissions by hand, sums, order of the input, the file of controls, the folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sealane.corridors.call_table import read_calls
from sealane.corridors.rules import at_berth
from sealane.corridors.rules.at_berth_calls import AT_BERTH_CALLS, assess_calls, run_at_berth
from sealane.corridors.rules.at_berth_file import KINDS, read_visits
from sealane.corridors.ship_energy import ship_of_class
from sealane.emissions.emission_factors import emission_factor
from sealane.emissions.hotel_loads import hotel_load
from sealane.emissions.vessels import ASSUMED_NOX_TIER, register_of
from sealane.errors import DataError

HEAD = "ship_name,imo,ship_class,subtype,port,arrival,departure,berth_start,berth_end,shore_power_start,shore_power_end"
STAY = "2026-03-01T00:00Z,2026-03-03T12:00Z,2026-03-01T06:00Z,2026-03-03T06:00Z"
CALLS = f"""{HEAD}
SIMULATED A,9321483,Container Ship,"8,000 TEU",USLAX,{STAY},2026-03-01T07:30Z,2026-03-03T05:30Z
SIMULATED B,9074729,Bulk Carrier,Panamax,USOAK,{STAY},,
SIMULATED C,9241061,Oil Tanker,Aframax,USLGB,{STAY},,
SIMULATED D,9176187,Oil Tanker,Aframax,USOAK,{STAY},,
SIMULATED E,9632064,Container Ship,"8,000 TEU",JPYOK,{STAY},,
SIMULATED F,9811000,Container Ship,"8,000 TEU",USOAK,2026-03-01T00:00Z,2026-03-03T12:00Z,,,,
"""


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    path = tmp_path / "calls.csv"
    path.write_text(CALLS, encoding="utf-8")
    return path


def rows_by_ship(table: pa.Table) -> dict[str, dict[str, object]]:
    return {row["ship_name"][-1]: row for row in table.to_pylist()}


def test_hand_solved_case_of_the_method_page(calls: Path) -> None:
    """Container ship of 8,000 TEU: 970 kW at berth, 12.2 g NOx/kWh, 48 h at berth, 46 h on shore power."""
    row = rows_by_ship(run_at_berth([calls]).table)["A"]
    aux_kw = hotel_load("Container Ship", "8,000 TEU", "berth").aux_kw
    factor = emission_factor("nox", "AUX-MSD", "MGO", tier=ASSUMED_NOX_TIER).value
    assert (aux_kw, factor) == (970.0, 12.2)
    per_h = row["without_control_nox_g"] / 48.0  # type: ignore[operator]  # a number of the table
    assert row["aux_kw"] == 970.0
    assert per_h == pytest.approx(970.0 * 12.2, rel=1e-12)
    assert row["uncontrolled_nox_g"] == pytest.approx(2.0 * per_h, rel=1e-12)
    assert row["emitted_nox_g"] == row["uncontrolled_nox_g"]
    assert (row["required_h"], row["compliant_h"], row["shore_power_h"]) == (45.0, 45.0, 46.0)
    assert row["compliant"] is True
    assert row["boiler_nox_g"] > 0.0  # type: ignore[operator]  # likewise


def test_what_is_in_scope_reported_out_of_scope_and_not_assessed(calls: Path) -> None:
    run = run_at_berth([calls])
    found = {ship: row["requirement"] for ship, row in rows_by_ship(run.table).items()}
    assert found == {"A": "control", "B": "report", "C": "control", "D": "none", "E": "none", "F": "not assessed"}
    assert rows_by_ship(run.table)["F"]["reason"] == "not told: berth_start, berth_end"
    summary = run.summary
    assert summary["by_requirement"] == {"control": 2, "none": 2, "not assessed": 1, "report": 1}
    assert (summary["in_scope"], summary["compliant"], summary["not_compliant"]) == (2, 1, 1)
    assert (summary["required_h"], summary["compliant_h"], summary["uncontrolled_h"]) == (90.0, 45.0, 50.0)
    assert run.notes[0].startswith("SIMULATED DATA")


def test_emissions_of_a_port_under_other_fuel_rules_are_left_out(calls: Path) -> None:
    row = rows_by_ship(run_at_berth([calls]).table)["E"]
    assert row["without_control_nox_g"] is None and row["aux_kw"] is None
    assert "Californian ports only" in str(row["note"])


def test_any_order_of_the_calls_gives_the_same_table(calls: Path) -> None:
    table = read_calls([calls])
    shuffled = table.take([3, 0, 5, 1, 4, 2])
    assert assess_calls(shuffled).table.equals(assess_calls(table).table)
    assert assess_calls(shuffled).summary == assess_calls(table).summary


def test_other_control_emits_up_to_its_performance_standard(calls: Path, tmp_path: Path) -> None:
    visits = tmp_path / "visits.csv"
    visits.write_text("imo,from,to,kind\n9241061,2026-03-01T08:00Z,2026-03-03T05:00Z,other_control\n", encoding="utf-8")
    row = rows_by_ship(run_at_berth([calls], visits).table)["C"]
    assert row["compliant"] is True
    assert (row["other_control_h"], row["uncontrolled_h"]) == (45.0, 3.0)
    for name in at_berth.POLLUTANTS:
        per_h = row[f"without_control_{name}_g"] / 48.0  # type: ignore[operator]  # a number of the table
        standard = row["aux_kw"] * at_berth.emission_limit(name).value  # type: ignore[operator]  # likewise
        assert row[f"emitted_{name}_g"] == pytest.approx(3.0 * per_h + 45.0 * min(per_h, standard), rel=1e-12)
    assert row["emitted_nox_g"] < row["without_control_nox_g"]  # type: ignore[operator]  # likewise


@pytest.mark.parametrize("kind", ["vessel_incident", "low_activity"])
def test_what_only_the_user_knows_comes_from_the_file(calls: Path, tmp_path: Path, kind: str) -> None:
    visits = tmp_path / "visits.csv"
    visits.write_text(f"imo,mmsi,from,to,kind\n9241061,,2026-03-01T00:00Z,2026-03-04T00:00Z,{kind}\n", encoding="utf-8")
    row = rows_by_ship(run_at_berth([calls], visits).table)["C"]
    wanted = {"vessel_incident": ("control", True), "low_activity": ("report", None)}[kind]
    assert (row["requirement"], row["compliant"]) == wanted


def test_a_period_of_another_ship_or_time_changes_nothing(calls: Path, tmp_path: Path) -> None:
    """Negative control of the matching of periods to calls."""
    visits = tmp_path / "visits.csv"
    visits.write_text(
        "imo,from,to,kind\n9074729,2026-03-01T00:00Z,2026-03-04T00:00Z,other_control\n"
        "9241061,2026-03-03T06:00Z,2026-03-04T00:00Z,other_control\n",
        encoding="utf-8",
    )
    assert rows_by_ship(run_at_berth([calls], visits).table)["C"] == rows_by_ship(run_at_berth([calls]).table)["C"]


def test_every_fault_of_the_file_is_told_with_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(
        "imo,mmsi,from,to,kind\n"
        "12345,,2026-03-01T00:00Z,2026-03-02T00:00Z,shore_power\n"
        ",,2026-03-01T00:00Z,2026-03-02T00:00Z,shore_power\n"
        "9241061,,yesterday,2026-03-02T00:00Z,solar\n"
        "9241061,,2026-03-03T00:00Z,2026-03-02T00:00Z,shore_power\n",
        encoding="utf-8",
    )
    with pytest.raises(DataError) as told:
        read_visits(path)
    where = [fault.where.removeprefix(f"{path} ") for fault in told.value.faults]
    assert where == ["row 2, column imo", "row 3", "row 4, column from", "row 4, column kind", "row 5"]
    assert all(kind in told.value.faults[3].remedy for kind in KINDS)
    path.write_text("ship,from\n", encoding="utf-8")
    with pytest.raises(DataError, match="header"):
        read_visits(path)


def test_the_folder_holds_the_table_and_the_summary(calls: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = run_at_berth([calls], out=out)
    assert sorted(path.name for path in out.iterdir()) == ["at_berth.json", "at_berth_calls.parquet"]
    assert pq.read_table(out / AT_BERTH_CALLS.file).equals(run.table)
    content = json.loads((out / "at_berth.json").read_text(encoding="utf-8"))
    assert content["summary"] == run.summary
    assert content["inputs"][0]["name"].endswith("calls.csv")
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    run_at_berth([calls], out=out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_hours_at_berth_less_than_from_first_to_last_line_are_a_shift_between_berths(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text(
        f'{HEAD},berth_h\nSIMULATED A,9321483,Container Ship,"8,000 TEU",USLAX,{STAY},,,40\n', encoding="utf-8"
    )
    row = run_at_berth([path]).table.to_pylist()[0]
    assert (row["berth_h"], row["uncontrolled_h"], row["required_h"]) == (40.0, 40.0, 45.0)


def test_without_any_word_of_shore_power_a_call_is_not_called_non_compliant(calls: Path, tmp_path: Path) -> None:
    """AIS shows no connection: silence is not proof. A file of controls, even of other ships, makes it a judgement."""
    silent = tmp_path / "silent.csv"
    silent.write_text(CALLS.replace("2026-03-01T07:30Z,2026-03-03T05:30Z", ","), encoding="utf-8")
    run = run_at_berth([silent])
    row = rows_by_ship(run.table)["A"]
    assert row["compliant"] is None
    assert row["verdict"] == "not told: no control is known; 45.00 hours are required"
    assert (run.summary["not_told"], run.summary["not_compliant"]) == (2, 0)
    assert row["uncontrolled_h"] == 48.0
    told = tmp_path / "shore-power.csv"
    told.write_text("mmsi,imo,from,to\n,9241061,2026-03-01T08:00Z,2026-03-03T05:00Z\n", encoding="utf-8")
    judged = run_at_berth([silent], told)
    assert rows_by_ship(judged.table)["A"]["compliant"] is False
    # A shore-power file of an inventory has no column kind: every row is shore power.
    assert rows_by_ship(judged.table)["C"]["compliant"] is True


def test_particulars_of_an_inventory_go_before_class_defaults(calls: Path) -> None:
    ship = ship_of_class("Container Ship", "8,000 TEU", nox_tier=3).particulars
    ship = replace(ship, imo=9321483, mmsi=636_000_001)
    plain, told = (
        rows_by_ship(assess_calls(read_calls([calls]), particulars=particulars).table)["A"]
        for particulars in (None, register_of([ship]).vessels)
    )
    assert told["without_control_nox_g"] == pytest.approx(970.0 * 48.0 * 2.6, rel=1e-12)  # Tier III auxiliary
    assert plain["without_control_nox_g"] == pytest.approx(970.0 * 48.0 * 12.2, rel=1e-12)


def test_a_folder_with_other_things_in_it_is_never_replaced(calls: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"holds what no such run wrote: calls\.csv, mine\.txt"):
        run_at_berth([calls], out=tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        run_at_berth([calls], out=calls)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.csv", "mine.txt"]
