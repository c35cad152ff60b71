"""The reviewed snapshot of every resolved factor: an edit of a row shows here what it moves."""

from __future__ import annotations

import csv
import dataclasses
import difflib
from pathlib import Path

import pytest

from sealane.emissions import emission_factors
from sealane.emissions.snapshot import HEADER, main, snapshot_rows
from sealane.reference import FactorRow, Table, load_table

SNAPSHOT = Path(__file__).parents[1] / "golden" / "factors_snapshot.csv"
REGENERATE = "python -m sealane.emissions.snapshot tests/golden/factors_snapshot.csv"


def differences() -> list[str]:
    with SNAPSHOT.open(encoding="utf-8", newline="") as file:
        reviewed = [",".join(cells) for cells in csv.reader(file)][1:]
    current = [",".join(cells) for cells in snapshot_rows()]
    lines = difflib.unified_diff(reviewed, current, "reviewed", "now", n=0, lineterm="")
    return [line for line in lines if line[:2] not in ("--", "++", "@@")]


def test_no_factor_moved_without_review() -> None:
    moved = differences()
    assert not moved, "\n".join(["Factors moved. Review them, then run:", REGENERATE, *moved])


def test_a_moved_row_shows_what_it_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: two grams more fuel per kWh in one row move fuel-based factors and nothing else."""

    def edited(row: FactorRow) -> FactorRow:
        hit = row.label == "ogv_bsfc/propulsion/SSD/MGO/MDO"
        return dataclasses.replace(row, value=row.value + 2) if hit else row

    def with_edit(name: str) -> Table:
        table = load_table(name)
        return dataclasses.replace(table, rows=tuple(map(edited, table.rows)))

    monkeypatch.setattr("sealane.emissions.factor_query.load_table", with_edit)
    assert emission_factors.emission_factor("co2", "SSD").value == pytest.approx(187 * 3.206, rel=1e-12)
    moved = [line for line in differences() if line.startswith("+")]
    assert any(line.startswith("+epa-2022/co2/SSD/MGO/tier 0,599.522") for line in moved)
    # Fuel-based pollutants of one engine with two fuel codes, MGO and MDO, and their well-to-tank part in two sets.
    assert len(moved) == 2 * len(("co2", "co2e", "so2", "pm10", "pm25", "dpm")) + 2 * 2
    assert all("/SSD/M" in line for line in moved)


def test_it_is_written_by_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "snapshot.csv"
    assert main([str(target)]) == 0
    assert target.read_text().splitlines()[0] == ",".join(HEADER)
    assert target.read_bytes() == SNAPSHOT.read_bytes()
    assert "factors written" in capsys.readouterr().out
    assert main([]) == 2
