"""Reports of lanes, arrivals, scenarios and comparisons: what they say, that nothing in them acts."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from corridor_folders import (
    FORMULA,
    HOSTILE,
    write_comparison_folder,
    write_scenario_folder,
)
from page_audit import PageAudit
from voyage_folders import write_arrival_folder, write_lane_folder

from sealane.errors import DataError
from sealane.reports import (
    corridor_page,
    pages,
    scenario_report,
    write_arrival_report,
    write_comparison_report,
    write_lane_report,
    write_scenario_report,
)
from sealane.reports.corridor_page import MAX_PAGE_ROWS
from sealane.reports.tables import Column, Table

KINDS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], None], str]] = {
    "lane": (write_lane_folder, write_lane_report, "lane.json"),
    "arrival": (write_arrival_folder, write_arrival_report, "arrival.json"),
    "scenario": (write_scenario_folder, write_scenario_report, "scenario.json"),
    "comparison": (write_comparison_folder, write_comparison_report, "comparison.json"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A reported folder of each kind; do not change them."""
    made = {}
    for kind, (make, report, _) in KINDS.items():
        made[kind] = make(tmp_path_factory.mktemp(kind) / "out")
        report(made[kind])
    return made


def text_of(folder: Path) -> str:
    return PageAudit((folder / "report.html").read_text("utf-8")).text


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_is_sound_and_loads_nothing(folders: dict[str, Path], kind: str) -> None:
    page = (folders[kind] / "report.html").read_text("utf-8")
    audit = PageAudit(page)
    assert not audit.faults
    digest = base64.b64encode(hashlib.sha256(audit.style.encode()).digest()).decode()
    assert audit.meta["Content-Security-Policy"].startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "://" not in page.replace("http://example.org", "")  # what is left is the hostile name's own text
    assert "<script" not in page
    assert HOSTILE in audit.text


@pytest.mark.parametrize("kind", KINDS)
def test_without_escaping_the_hostile_name_would_act(
    folders: dict[str, Path], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = pages.environment

    def careless() -> object:
        environment = original()
        environment.autoescape = False
        return environment

    monkeypatch.setattr(pages, "environment", careless)
    copy = Path(shutil.copytree(folders[kind], tmp_path / "copy"))
    KINDS[kind][1](copy)
    assert "element script" in PageAudit((copy / "report.html").read_text("utf-8")).faults


@pytest.mark.parametrize("kind", KINDS)
def test_two_reports_of_one_folder_have_the_same_bytes(folders: dict[str, Path], kind: str, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folders[kind], tmp_path / "copy"))
    for name in ("report.html", "report.xlsx"):
        (copy / name).unlink()
    KINDS[kind][1](copy)
    for name in ("report.html", "report.xlsx"):
        assert (copy / name).read_bytes() == (folders[kind] / name).read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_the_workbook_begins_with_what_it_holds_and_has_no_formula(folders: dict[str, Path], kind: str) -> None:
    path = folders[kind] / "report.xlsx"
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[0] == "README"
    assert book.sheetnames[-1] == "Provenance"
    assert len({name.casefold() for name in book.sheetnames}) == len(book.sheetnames)
    named = {str(row[0]).removeprefix("sheet ") for row in book["README"].iter_rows(values_only=True)}
    assert set(book.sheetnames) - {"README"} <= named
    with zipfile.ZipFile(path) as parts:
        sheets = [name for name in parts.namelist() if name.startswith("xl/worksheets/")]
        assert not any(b"<f>" in parts.read(name) or b"<f " in parts.read(name) for name in sheets)
    cells = {
        str(c.value): c.data_type for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None
    }
    assert cells.get(FORMULA, "s") == "s"
    assert any(HOSTILE in value for value in cells)


@pytest.mark.parametrize("kind", KINDS)
def test_every_parquet_table_stands_in_the_workbook_as_numbers(folders: dict[str, Path], kind: str) -> None:
    book = openpyxl.load_workbook(folders[kind] / "report.xlsx")
    for path in sorted(folders[kind].glob("*.parquet")):
        table = pq.read_table(path)
        if not table.num_rows or path.stem == "inputs":
            continue
        sheet = book[path.name[:31]]
        header = [c.value for c in sheet[1]]
        assert header == table.column_names
        for name in table.column_names:
            if str(table.schema.field(name).type) == "double":
                at = header.index(name)
                cells = [row[at] for row in sheet.iter_rows(min_row=2, max_row=1 + table.num_rows, values_only=True)]
                for value, cell in zip(table.column(name).to_pylist(), cells, strict=True):
                    if value is None or math.isnan(value):
                        assert cell is None
                    else:
                        assert cell == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_every_missing_file_and_column_is_told_at_once(folders: dict[str, Path], kind: str, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folders[kind], tmp_path / "copy"))
    needed = [p for p in sorted(copy.glob("*.parquet")) if p.stem not in scenario_report.STUDY_TABLES]
    (copy / KINDS[kind][2]).write_text("[1, 2", "utf-8")
    needed[0].unlink()
    cut = pq.read_table(needed[1])
    pq.write_table(cut.drop_columns([cut.column_names[0]]), needed[1])
    needed[2].write_bytes(b"PAR1 no")
    with pytest.raises(DataError) as caught:
        KINDS[kind][1](copy)
    told = str(caught.value)
    assert len(caught.value.faults) == 4
    for name in (KINDS[kind][2], needed[0].name, cut.column_names[0], needed[2].name):
        assert name in told


def test_a_report_that_fails_half_way_leaves_the_old_one(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copytree(folders["scenario"], tmp_path / "copy"))
    before = (copy / "report.html").read_bytes()

    def fails(path: Path, text: str) -> None:
        path.write_text(text[:100], "utf-8")
        raise OSError("disk full")

    monkeypatch.setattr(pages, "write_text", fails)
    with pytest.raises(OSError, match="disk full"):
        write_scenario_report(copy)
    assert (copy / "report.html").read_bytes() == before
    assert not list(copy.glob(".*"))


# ---- scenario


def test_the_first_screen_of_a_scenario_answers_in_words(folders: dict[str, Path]) -> None:
    text = text_of(folders["scenario"])
    assert "In 2050 the corridor emits 150 kt CO2e well-to-wake a year, 82 % less than the same transport" in text
    assert "The cap is kept in every model year that has one (2030 to 2050)." in text
    assert "278 USD per TEU" in text
    assert "depends most on: price of e-methanol" in text
    assert "of 4 inputs 1 come from a source, 1 from the user, 1 are placeholders, 1 are missing" in text


def test_placeholders_missing_inputs_and_draft_rules_stand_above_the_figures(folders: dict[str, Path]) -> None:
    text = text_of(folders["scenario"])
    figures = text.index("What it emits What") if "What it emits What" in text else text.index("CO2e per year")
    for banner in ("1 placeholder.", "1 missing input.", "DRAFT rule: nzf.", "A reference scenario."):
        assert -1 < text.index(banner) < figures
    assert "give TEU by port pair" in text


def test_a_missed_cap_is_told_with_its_year_and_amount(tmp_path: Path) -> None:
    folder = write_scenario_folder(tmp_path / "out")
    year = pq.read_table(folder / "year.parquet").to_pydict()
    year["cap_wtw_t"][3] = year["wtw_t"][3] - 5000.0
    pq.write_table(type(pq.read_table(folder / "year.parquet")).from_pydict(year), folder / "year.parquet")
    write_scenario_report(folder)
    assert "The cap is missed in 1 of 5 model years, first in 2040; by most in 2040: 5,000 t." in text_of(folder)


def test_what_was_not_asked_for_is_not_on_the_page(tmp_path: Path) -> None:
    folder = write_scenario_folder(tmp_path / "out", study=False)
    write_scenario_report(folder)
    text = text_of(folder)
    assert "What the result depends on most" not in text
    assert "Beside published results" not in text
    assert "What it costs, and who pays" in text


def test_a_plan_shows_its_dual_values_with_their_units(tmp_path: Path) -> None:
    folder = write_scenario_folder(tmp_path / "out", kind="plan")
    write_scenario_report(folder)
    audit = PageAudit((folder / "report.html").read_text("utf-8"))
    assert audit.row("cap on well-to-wake emissions") == [
        "cap on well-to-wake emissions",
        "corridor",
        "2030",
        "312",
        "USD/t",
    ]
    assert "The least-cost plan costs" in audit.text


def test_a_demonstration_is_labelled_on_the_page_and_every_sheet(tmp_path: Path) -> None:
    folder = write_scenario_folder(tmp_path / "out", label="demonstration")
    write_scenario_report(folder)
    assert text_of(folder).count("DEMONSTRATION") >= 2
    for sheet in openpyxl.load_workbook(folder / "report.xlsx"):
        assert sheet["A1"].value == "DEMONSTRATION", sheet.title


def test_inputs_are_counted_and_what_is_missing_comes_first(folders: dict[str, Path]) -> None:
    audit = PageAudit((folders["scenario"] / "report.html").read_text("utf-8"))
    assert "4 inputs: 1 sourced, 1 user, 1 placeholder, 1 missing." in audit.text
    at = [
        row[3].strip()
        for row in audit.rows
        if len(row) == 8 and row[0].strip() in {"demand.pairs", "demand_teu", "fuels.VLSFO.price_usd_per_gj"}
    ]
    assert at == ["missing", "placeholder", "sourced"]


# ---- lane


def test_the_share_observed_leads_a_lane(folders: dict[str, Path]) -> None:
    text = text_of(folders["lane"])
    lead = text.index("62 % of the lane's energy rests on observed or logged activity")
    assert lead < text.index("In 2026 the lane emitted 18.8 kt CO2e well-to-wake")
    assert "The other rules give 9,420 t by rule direct and 8,478 t by rule cargo." in text
    assert "812 kg CO2e per TEU" in text
    assert "Target clean-2030 for 2030: 12,000 t; 2026 still to be cut: 6,840 t." in text


def test_legs_without_price_are_told_above_the_figures(folders: dict[str, Path]) -> None:
    text = text_of(folders["lane"])
    assert "3 legs of 1 ship could not be priced" in text
    assert text.index("could not be priced") < text.index("Three ways to attribute Ships")


def test_a_lane_without_target_says_so(tmp_path: Path) -> None:
    folder = write_lane_folder(tmp_path / "out", targets=False)
    write_lane_report(folder)
    assert "No partner has published a measured target, so there is no distance to it." in text_of(folder)


def test_simulated_ships_label_page_and_sheets(tmp_path: Path) -> None:
    folder = write_lane_folder(tmp_path / "out", simulated=True)
    write_lane_report(folder)
    assert text_of(folder).count("SIMULATED DATA") >= 2
    for sheet in openpyxl.load_workbook(folder / "report.xlsx"):
        assert sheet["A1"].value == "SIMULATED DATA", sheet.title


def test_an_empty_lane_and_an_empty_study_are_pages_too(tmp_path: Path) -> None:
    lane = write_lane_folder(tmp_path / "lane", ships=0, targets=False)
    write_lane_report(lane)
    assert "No ship passed from one end to the other" in text_of(lane)
    study = write_arrival_folder(tmp_path / "study", calls=0)
    write_arrival_report(study)
    assert "No call could be judged" in text_of(study)
    for folder in (lane, study):
        assert not PageAudit((folder / "report.html").read_text("utf-8")).faults


# ---- arrival, comparison


def test_an_arrival_study_tells_net_before_gross(folders: dict[str, Path]) -> None:
    text = text_of(folders["arrival"])
    assert "26 of 40 ship calls waited at anchor" in text
    assert "whole voyage saves 400 t of fuel (10 %) and 400 t CO2e" in text
    assert "Quoted gross it would be 720 t at whole voyage: 56 % of that is left net." in text
    assert "3 calls would be overtaken" in text
    assert "With booked berths the hours at anchor fall from" in text
    assert "1 of 41 calls could not be judged" in text


def test_a_comparison_names_the_least_and_where_they_differ(folders: dict[str, Path]) -> None:
    audit = PageAudit((folders["comparison"] / "report.html").read_text("utf-8"))
    assert "costs least" in audit.text
    assert "They differ in 1 input." in audit.text
    assert audit.row("demand_teu")[2:] == ["1,000,000", "placeholder", "800,000", "placeholder"]


# ---- workbook


def test_names_of_sheets_are_taken_by_excel_and_never_twice() -> None:
    names = corridor_page.sheet_names(["A/B [t]", "a b t", "x" * 40, "x" * 40, "", "History", "README"])
    assert len({n.casefold() for n in names}) == len(names)
    assert all(0 < len(n) <= 31 and not set(n) & set("[]:*?/\\'") for n in names)
    assert "History" not in names
    assert "README" not in names


def test_rows_beyond_the_page_and_the_sheet_are_told(folders: dict[str, Path], tmp_path: Path) -> None:
    found = scenario_report.read_scenario_folder(folders["scenario"])
    page = scenario_report.scenario_page(found)
    rows = [(str(k),) for k in range(MAX_PAGE_ROWS + 7)]
    many = corridor_page.Section("many", "Many", (), (Table("Many", (Column("n"),), rows),))
    wide = corridor_page.Page(**{**page.__dict__, "sections": (many,)})
    assert f"The first {MAX_PAGE_ROWS} of {len(rows)} rows" in PageAudit(corridor_page.render(wide)).text
    corridor_page.write_workbook(wide, tmp_path / "small.xlsx", max_rows=20)
    last = [c.value for c in openpyxl.load_workbook(tmp_path / "small.xlsx")["Many"]["A"]][-1]
    assert str(last).startswith(f"Only the first 17 of {len(rows)} rows")


def test_a_damaged_json_value_is_no_crash(tmp_path: Path) -> None:
    folder = write_lane_folder(tmp_path / "out")
    about = json.loads((folder / "lane.json").read_text("utf-8"))
    (folder / "lane.json").write_text(json.dumps(about | {"corridor": None, "notes": None}), "utf-8")
    write_lane_report(folder)
    assert (folder / "report.html").exists()
