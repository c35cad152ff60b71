"""Commitments in the annual progress report of a lane: the same in HTML, PDF, Excel and CSV."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pdf_text import PdfFile
from voyage_folders import write_lane_folder

from sealane.errors import DataError
from sealane.reports import pdf, whole
from sealane.reports.commitments import Promise, promise_of, read_files, section, standing, table
from sealane.reports.export import ExportFormat, export, export_folder

LATE = {
    "as_of": "2026-11-22",
    "agreement": "ours",
    "agreement_title": "An agreement <b>",
    "version": 2,
    "demonstration": False,
    "id": "shore",
    "by_names": ["Port of Nagoya", "Port of Los Angeles"],
    "what": "=Shore power at every berth",
    "due": "2026-06-30",
    "indicator": "share of calls",
    "unit": "%",
    "target": 80,
    "aim": "at_least",
    "last_report": "2026-03-31",
    "last_value": 61.5,
    "recorded_by": "sue",
    "reached": False,
    "overdue": True,
}
NOT_KNOWN = ("unit", "target", "aim", "last_report", "last_value", "recorded_by", "reached")
OPEN = (
    LATE
    | {"id": "later", "what": "A plan", "due": "2027-12-31", "demonstration": True, "overdue": False}
    | dict.fromkeys(NOT_KNOWN)
)


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lane_folder(tmp_path_factory.mktemp("promised") / "lane", ships=3)


@pytest.fixture
def promised() -> list[Promise]:
    return [promise_of(OPEN), promise_of(LATE)]


def test_every_form_of_the_report_tells_them(lane: Path, promised: list[Promise], tmp_path: Path) -> None:
    told = ("Shore power at every berth", "2026-06-30", "LATE", "61.5", "2026-03-31", "sue", "A plan", "not due yet")
    page = whole.html_of(lane, 2026, promised)
    printed = PdfFile.read(pdf.write_pdf(lane, tmp_path / "r.pdf", year=2026, promised=promised).read_bytes()).text()
    whole.write_xlsx(lane, tmp_path / "r.xlsx", 2026, promised)
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx")["Commitments"]
    cells = " ".join(str(cell.value) for row in sheet.iter_rows() for cell in row)
    made = export(export_folder(lane, promised), "commitments", ExportFormat.CSV)
    rows = b"".join(made.chunks).decode()
    for text in told:
        for form in (page, " ".join(printed.split()), cells, rows):
            assert text in form, text
    assert "2 commitments, 1 late, 1 not reported" in page
    assert "DEMONSTRATION TERMS" in page and "demonstration terms" in cells
    assert "<b>" not in page.split("<body>")[1].split("What agreements promise")[-1].split("</section>")[0]
    assert "at least 80 %" in rows and "Port of Nagoya, Port of Los Angeles" in rows
    first = next(iter(csv.DictReader(io.StringIO(rows))))
    assert first["commitment"] == "'=Shore power at every berth"  # what would be a formula is none


def test_a_report_that_was_given_none_says_so(lane: Path, promised: list[Promise]) -> None:
    assert "were not given to this report" in whole.html_of(lane, 2026)
    assert "No agreement in force that covers the corridor holds a commitment" in whole.html_of(lane, 2026, [])
    # Only the report of a year tells them.
    assert "What agreements promise" not in whole.html_of(lane, None, promised)
    assert "commitments" not in export_folder(lane).names
    assert export_folder(lane, promised).names[0] == "commitments"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "LATE"),
        ({"overdue": False}, "not kept"),
        ({"overdue": False, "reached": True}, "kept"),
        ({"overdue": False, "due": "2026-11-22"}, "not kept yet"),
        ({"overdue": False, "reached": None}, "reported"),
        ({"overdue": False, "reached": None, "due": "2027-01-01"}, "not due yet"),
    ],
)
def test_how_each_stands(changes: dict[str, Any], words: str) -> None:
    assert standing(promise_of(LATE | changes)) == words


@pytest.mark.parametrize(
    ("target", "written"),
    [
        (80, "80"),
        (1_234_567, "1,234,567"),
        (1_234_567.25, "1,234,567.25"),
        (0.123456789, "0.123456789"),
        (1e-7, "0.0000001"),
        (3e16, "30,000,000,000,000,000"),
    ],
)
def test_a_target_is_written_in_full(target: float, written: str) -> None:
    (told,) = table([promise_of(LATE | {"target": target})]).rows
    assert f"share of calls: at least {written} %" in told


def test_who_recorded_it_is_said_or_that_nobody_noted_it() -> None:
    (told,) = section([promise_of(LATE | {"recorded_by": None})]).blocks
    assert "not noted" in told.rows[0]  # type: ignore[union-attr]  # a table, not a chart


def test_files_are_read_or_refused_with_every_fault(tmp_path: Path) -> None:
    good, bad, none = tmp_path / "good.json", tmp_path / "bad.json", tmp_path / "none.json"
    good.write_text(json.dumps([LATE, OPEN]))
    assert [one.id for one in read_files([good])] == ["shore", "later"]
    wrong = {"due": "tomorrow", "overdue": "no", "last_value": True, "aim": "above", "version": None, "by_names": "a"}
    bad.write_text(json.dumps([LATE | wrong, 7]))
    none.write_text("{")
    with pytest.raises(DataError) as told:
        read_files([bad, none, tmp_path / "missing.json"])
    faults = {fault.where.split(", ")[-1] for fault in told.value.faults}
    assert set(wrong) < faults
    assert len(told.value.faults) == len(wrong) + 3
