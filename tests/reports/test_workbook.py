"""report.xlsx: real numbers, no formulas, nothing cut without a word."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from conftest import FORMULA, HOSTILE, TURNED
from sealane.inventory.run import total_grams
from sealane.reports import quality_tables, tables
from sealane.reports.results import read_results
from sealane.reports.summary import summarise
from sealane.reports.workbook import MAX_TEXT, Sheets, write_workbook

SHEETS = ["Summary", "By pollutant", "By source", "By mode", "By class", "Calls", "Stays", "Vessels", "Hours",
          "Quality", "Left out", "Rejected rows", "Provenance"]  # fmt: skip


def formulas(path: Path) -> int:
    """Formula elements in the sheets of a workbook."""
    with zipfile.ZipFile(path) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
        return sum(book.read(name).count(b"<f>") + book.read(name).count(b"<f ") for name in sheets)


def test_all_sheets_have_header_filter_and_frozen_panes(made: Path) -> None:
    book = openpyxl.load_workbook(made / "report.xlsx")
    assert book.sheetnames == SHEETS
    for sheet in book:
        assert sheet.freeze_panes == "B2", sheet.title
        assert sheet.auto_filter.ref, sheet.title
        assert all(isinstance(cell.value, str) for cell in sheet[1]), sheet.title


def test_numbers_are_numbers_and_equal_the_parquet_files(made: Path) -> None:
    book = openpyxl.load_workbook(made / "report.xlsx")
    sheet = book["By source"]
    header = [cell.value for cell in sheet[1]]
    inventory = pq.read_table(made / "inventory.parquet")
    column = header.index("CO2e [t]")
    rows = {row[0]: row[column] for row in sheet.iter_rows(min_row=2, values_only=True) if row[0] is not None}
    for label, source in (("Main engines", "main"), ("Auxiliary engines", "auxiliary"), ("Boilers", "boiler")):
        chosen = inventory.filter(pc.equal(inventory["source"], source))
        assert rows[label] == pytest.approx(total_grams(chosen, "co2e") / 1e6, rel=1e-12)
    sheet = book["Calls"]
    header = [cell.value for cell in sheet[1]]
    calls = {call["call_id"]: call for call in pq.read_table(made / "calls.parquet").to_pylist()}
    seen = 0
    for row in sheet.iter_rows(min_row=2, values_only=True):
        call = calls[row[header.index("call")]]
        assert row[header.index("at berth [h]")] == pytest.approx(call["berth_h"], rel=1e-12)
        arrival = row[header.index("arrival [UTC]")]
        if call["arrival"] is None:
            assert arrival == "not seen"
        else:
            assert abs((arrival - call["arrival"].replace(tzinfo=None)).total_seconds()) < 1e-3
        seen += 1
    assert seen == len(calls)


def test_particulars_carry_their_origin(made: Path) -> None:
    sheet = openpyxl.load_workbook(made / "report.xlsx")["Vessels"]
    header = [cell.value for cell in sheet[1]]
    power, origin = header.index("main engine power [kW]"), header.index("main engine power: origin")
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert len(rows) == 3
    for row in rows:
        assert row[power] > 0
        assert row[origin] == "class default"
        assert "EPA-420-B-22-011" in row[origin + 2]


def test_names_that_begin_like_formulas_stay_text(made: Path) -> None:
    book = openpyxl.load_workbook(made / "report.xlsx")
    names = {cell.value: cell.data_type for cell in book["Calls"]["A"]}
    assert names[FORMULA] == "s"
    assert names[HOSTILE] == "s"
    assert names[TURNED.replace("\u202e", "�")] == "s"
    assert {cell.value: cell.data_type for cell in book["Left out"]["A"]}["+TUG"] == "s"
    assert formulas(made / "report.xlsx") == 0


def test_the_search_for_formulas_can_find_one(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "careless.xlsx"))
    book.add_worksheet().write(0, 0, FORMULA)
    book.close()
    assert formulas(tmp_path / "careless.xlsx") == 1


def test_rows_beyond_the_limit_are_told(made: Path, tmp_path: Path) -> None:
    results = read_results(made)
    write_workbook(results, summarise(results), tmp_path / "small.xlsx", max_rows=5)
    sheet = openpyxl.load_workbook(tmp_path / "small.xlsx")["Provenance"]
    total = len(quality_tables.provenance_table(results).rows)
    assert sheet.max_row <= 5
    last = [cell.value for cell in sheet["A"]][-1]
    assert last.startswith(f"Only the first 2 of {total} rows")


def test_a_cell_that_is_too_long_says_that_it_was_cut(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "long.xlsx"), {"constant_memory": True})
    Sheets(book, 10, "").add(tables.Table("T", (tables.Column("text"),), [("x" * 40_000,)]))
    book.close()
    value = openpyxl.load_workbook(tmp_path / "long.xlsx")["T"]["A2"].value
    assert len(value) == MAX_TEXT
    assert "cut" in value[-60:]


def test_small_masses_are_not_shown_as_zero(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "small.xlsx"), {"constant_memory": True})
    rows = [(1e-9,), (2.5,), (0.0,)]
    Sheets(book, 10, "").add(tables.Table("T", (tables.Column("mass", "t", "number"),), rows))
    book.close()
    sheet = openpyxl.load_workbook(tmp_path / "small.xlsx")["T"]
    assert [cell.value for cell in sheet["A"][1:]] == [1e-9, 2.5, 0]
    assert sheet["A2"].number_format == "0.00E+00"


def test_simulated_data_are_labelled_on_every_sheet(made: Path, copy: Path, tmp_path: Path) -> None:
    origin = (copy / "provenance.json").read_text("utf-8").replace("positions.csv", "simulated_positions.csv")
    (copy / "provenance.json").write_text(origin, "utf-8")
    results = read_results(copy)
    write_workbook(results, summarise(results), tmp_path / "s.xlsx")
    for sheet in openpyxl.load_workbook(tmp_path / "s.xlsx"):
        assert sheet["A1"].value == "SIMULATED DATA", sheet.title
    for sheet in openpyxl.load_workbook(made / "report.xlsx"):
        assert sheet["A1"].value != "SIMULATED DATA"


def test_an_empty_inventory_has_all_sheets(empty: Path) -> None:
    book = openpyxl.load_workbook(empty / "report.xlsx")
    assert book.sheetnames == SHEETS
    assert any("empty" in str(cell.value) for cell in book["Summary"]["A"])
