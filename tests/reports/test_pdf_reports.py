"""The PDF says what the HTML page says, is a tagged document, and takes every text of the input for text."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typst
from corridor_folders import write_comparison_folder, write_scenario_folder
from pdf_text import PdfFile
from voyage_folders import write_arrival_folder, write_lane_folder

from sealane.errors import DataError
from sealane.reports import (
    pdf,
    write_arrival_report,
    write_comparison_report,
    write_lane_report,
    write_scenario_report,
)
from sealane.reports.chart_canvas import Chart, Drawing, Sheet
from sealane.reports.corridor_page import Page, Section, Tile
from sealane.reports.pdf_document import Edition, document_of
from sealane.reports.tables import Column, Table

KINDS = ("inventory", "empty", "lane", "arrival", "scenario", "plan", "comparison")
HOSTILE = (
    '#eval("1+1")',
    "] #panic()",
    '#import "@preview/x:1.0.0"',
    'back\\slash "quotes"',
    "*bold* _it_ `raw` $x$ <label> @ref",
    "</text></svg><script>alert(1)</script>",
    '=HYPERLINK("http://example.org")',
    "{{ 7 * 7 }}",
)


@pytest.fixture(scope="module")
def folders(made: Path, empty: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each kind with its HTML report and its PDF."""
    base = tmp_path_factory.mktemp("pdf")
    found = {name: Path(shutil.copytree(path, base / name)) for name, path in (("inventory", made), ("empty", empty))}
    found["lane"] = write_lane_folder(base / "lane", ships=4)
    found["arrival"] = write_arrival_folder(base / "arrival")
    found["scenario"] = write_scenario_folder(base / "scenario")
    found["plan"] = write_scenario_folder(base / "plan", kind="plan")
    found["comparison"] = write_comparison_folder(base / "comparison")
    write_lane_report(found["lane"])
    write_arrival_report(found["arrival"])
    write_scenario_report(found["scenario"])
    write_scenario_report(found["plan"])
    write_comparison_report(found["comparison"])
    for folder in found.values():
        assert pdf.write_pdf(folder) == folder / "report.pdf"
    return found


class Shown(HTMLParser):
    """What a reader of the page sees outside drawings: the rows of its tables, and all other text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self.drawings = self.hidden = 0
        self.in_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a row, a cell or a drawing."""
        self.drawings += tag == "svg"
        self.hidden += tag in {"style", "title", "pre", "nav"}
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        """End them."""
        self.drawings -= tag == "svg"
        self.hidden -= tag in {"style", "title", "pre", "nav"}
        if tag in {"td", "th"}:
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if self.drawings or self.hidden or not data.strip():
            return
        if self.in_cell:
            self.rows[-1][-1] += f"{data} "
        else:
            self.words.append(data)


def squashed(text: str) -> str:
    """A text without blanks: where lines and long words are broken differs."""
    return re.sub(r"[\s\u200b]+", "", text)


NUMBER = re.compile(r"\d[\d,.]*(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?(?: %)?")
# How many rows a table shows, the hint at the workbook and what merely counts items behind a fold differ by design.
BY_DESIGN = re.compile(
    r"^(?:[\d,]+ (?:items?|findings?|zones?)$|The stays as a table|Vessel by vessel|Versions|Everything the run)"
)
DRAWN = "share by evidence"  # a column that holds a drawing of the figures beside it


def missing(html: str, made: str) -> list[str]:
    """Figures and cells of a page that do not stand in the text of a PDF."""
    page, text = Shown(html), squashed(made)
    figures = {found[0].rstrip(".,") for found in NUMBER.finditer(made.replace("\n", " "))}
    absent = []
    for row in page.rows:
        shown = [cell for cell in row if cell.strip() != DRAWN]
        cells = [squashed(cell) for cell in shown]
        whole = "".join(cells)
        if whole not in text:  # a wide table is cut in parts, and an origin stands in brackets
            absent += [cell for cell in shown if squashed(cell) not in text and not _with_origin(cell, text)]
    for words in page.words:
        if BY_DESIGN.search(words.strip()):
            continue
        absent += [
            n[0] for n in NUMBER.finditer(words) if n[0].rstrip(".,") not in figures and squashed(n[0]) not in text
        ]
    return absent


def _with_origin(cell: str, text: str) -> bool:
    """A particular: value, then its origin; or a path, which is broken where lines end, other columns in between."""
    if "/" in cell and all(squashed(part) in text for part in re.split(r"[/-]", cell)):
        return True
    value, _, origin = cell.strip().partition(" ")
    return any(
        squashed(f"{cell.strip()[:k]}({cell.strip()[k:]})") in text for k in range(len(value), len(cell.strip()))
    ) and bool(origin)


@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_of_the_page_stands_in_the_pdf(folders: dict[str, Path], kind: str) -> None:
    folder = folders[kind]
    html = (folder / "report.html").read_text("utf-8")
    page = Shown(html)
    assert kind == "empty" or sum(len(row) for row in page.rows) > 30
    made = PdfFile.read((folder / "report.pdf").read_bytes()).text()
    assert missing(html, made) == []


def test_a_figure_that_is_missing_or_wrong_would_be_seen(folders: dict[str, Path]) -> None:
    folder = folders["inventory"]
    html = (folder / "report.html").read_text("utf-8")
    made = PdfFile.read((folder / "report.pdf").read_bytes()).text()
    pollutants = next(row for row in Shown(html).rows if squashed(row[0]) == "NOx" and len(row) > 6)
    assert missing(html.replace(f">{pollutants[2].strip()}<", ">123,456.789<"), made)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_tagged_document_with_title_language_outline_and_numbered_pages(
    folders: dict[str, Path], kind: str
) -> None:
    content = (folders[kind] / "report.pdf").read_bytes()
    file = PdfFile.read(content)
    root = file.catalogue()
    for key in (b"/Lang", b"/StructTreeRoot", b"/Outlines", b"/DisplayDocTitle true", b"/Marked true"):
        assert key in root, key
    pages = sum(bool(re.search(rb"/Type\s*/Page\b", body)) for body in file.objects.values())
    text = file.text()
    for number in range(1, pages + 1):
        assert f"{number} / {pages}" in text
    drawn = [body for body in file.objects.values() if re.search(rb"/S\s*/Figure\b", body)]
    assert all(b"/Alt" in body for body in drawn)
    assert bool(drawn) == (kind != "empty")
    for risky in (b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/URI"):
        assert risky not in content, risky


def test_a_document_without_alternative_texts_is_refused() -> None:
    """The standard asked for is a guard, not a label: Typst writes no PDF that breaks it."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><rect width="9" height="9"/></svg>'
    source = '#set document(title: "t")\n#image(bytes(sys.inputs.svg), format: "svg")'
    with pytest.raises(typst.TypstError, match=r"alternative|alt"):
        typst.compile(source.encode(), sys_inputs={"svg": svg}, format="pdf", pdf_standards=pdf.STANDARD)


@pytest.mark.parametrize("kind", KINDS)
def test_two_pdfs_of_one_folder_have_the_same_bytes(folders: dict[str, Path], kind: str, tmp_path: Path) -> None:
    again = pdf.write_pdf(folders[kind], tmp_path / "again.pdf")
    assert again.read_bytes() == (folders[kind] / "report.pdf").read_bytes()


def test_the_label_stands_on_every_page_and_in_the_title(tmp_path: Path, folders: dict[str, Path]) -> None:
    write_lane_folder(tmp_path / "lane", simulated=True)
    file = PdfFile.read(pdf.write_pdf(tmp_path / "lane").read_bytes())
    pages = sum(bool(re.search(rb"/Type\s*/Page\b", body)) for body in file.objects.values())
    assert file.text().count("SIMULATED DATA") >= 2 * pages > 4  # in the head and across the page
    real = PdfFile.read((folders["lane"] / "report.pdf").read_bytes())
    assert "SIMULATED" not in real.text()


def page_with(texts: tuple[str, ...], label: str = "") -> Page:
    """A page that shows texts wherever it can."""
    first = texts[0]
    sheet = Sheet(760)
    for k, text in enumerate(texts):
        sheet.text(10, 20 + 20 * k, text)
        sheet.rect(10, 20, 5, 5, 0, text)
    drawing: Drawing = sheet.drawing(200)
    table = Table(first, tuple(Column(text) for text in texts), [texts, texts], first)
    chart = Chart(first, first, drawing, drawing, table, first, first)
    section = Section(
        "s", first, texts, (chart, table, Table("wide", tuple(Column(t) for t in texts * 4), [texts * 4]))
    )
    tiles = tuple(Tile(text, text, text, (text,)) for text in texts)
    facts = tuple((text, text) for text in texts)
    return Page("brand", first, first, facts, label, (), texts, tiles, (section,), {text: text for text in texts})


def made_of(page: Page) -> str:
    """Text of a page's PDF."""
    document = document_of(page, Edition("Sealane", page.title, ()), page.title)
    return PdfFile.read(pdf.typeset(pdf.Prepared(document, None))).text()


def test_hostile_texts_come_out_as_text() -> None:
    text = squashed(made_of(page_with(HOSTILE, HOSTILE[0])))
    for hostile in HOSTILE:
        # heading, facts, answer, tile, table, annex, provenance and drawing
        assert text.count(squashed(hostile)) >= 12, hostile


def test_put_into_a_program_the_same_texts_would_act() -> None:
    """What the guard is worth: as source, the first of them is worked out, the second stops the work."""
    shown = typst.compile(f"#set document(title: [x])\n{HOSTILE[0]}".encode(), format="pdf")
    assert '#eval("1+1")' not in PdfFile.read(bytes(shown)).text()
    with pytest.raises(typst.TypstError):
        typst.compile(HOSTILE[1].encode(), format="pdf")


def test_marks_of_direction_and_control_show_as_a_sign() -> None:
    text = made_of(page_with(("SHIP \u202eFDP\x00\x07",)))
    assert "SHIP \N{REPLACEMENT CHARACTER}FDP" in text
    assert "\u202e" not in text


def test_the_template_loads_nothing() -> None:
    source = Path(pdf.__file__).with_name("templates").joinpath("report.typ").read_text("utf-8")
    assert not re.search(r"@preview|#import|#include|\bread\(|\beval\(|csv\(|yaml\(|https?:", source)
    assert re.findall(r"image\((\w+)", source) == ["bytes"]


def test_without_a_font_for_them_east_asian_characters_are_no_empty_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    page = page_with(("横浜港 Yokohama",))
    with monkeypatch.context() as patch:
        patch.setattr(pdf, "_fonts", lambda _: typst.Fonts(include_system_fonts=False))
        with pytest.raises(DataError, match="fonts-noto-cjk"):
            made_of(page)
        assert "Yokohama" in made_of(page_with(("Yokohama",)))  # Typst's own font is enough for the rest
    if set(pdf.EAST_ASIAN_FAMILIES) & set(typst.Fonts().families()):
        assert "横浜港Yokohama" in squashed(made_of(page))


def test_a_folder_without_a_result_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds none of"):
        pdf.write_pdf(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        pdf.write_pdf(tmp_path / "nothing")


def test_a_damaged_folder_leaves_the_old_file(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["lane"], tmp_path / "lane"))
    before = (folder / "report.pdf").read_bytes()
    (folder / "legs.parquet").write_bytes(b"no")
    (folder / "ships.parquet").unlink()
    with pytest.raises(DataError) as caught:
        pdf.write_pdf(folder)
    assert {Path(fault.where).name for fault in caught.value.faults} == {"legs.parquet", "ships.parquet"}
    assert (folder / "report.pdf").read_bytes() == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_the_last_pages_say_method_versions_and_hashes(folders: dict[str, Path]) -> None:
    folder = folders["inventory"]
    text = squashed(PdfFile.read((folder / "report.pdf").read_bytes()).text())
    origin: dict[str, Any] = json.loads((folder / "provenance.json").read_text("utf-8"))
    for value in (origin["method_edition"], origin["inputs"][0]["sha256"], origin["sealane"]):
        assert squashed(str(value)) in text
    import hashlib

    assert hashlib.sha256((folder / "inventory.parquet").read_bytes()).hexdigest() in text


def test_the_annual_progress_report_is_led_by_its_year(folders: dict[str, Path], tmp_path: Path) -> None:
    text = PdfFile.read(pdf.write_pdf(folders["lane"], tmp_path / "year.pdf", year=2026).read_bytes()).text()
    assert "annual progress report 2026" in text
    with pytest.raises(DataError, match="Use 2026"):
        pdf.write_pdf(folders["lane"], tmp_path / "no.pdf", year=2019)
    with pytest.raises(DataError, match="whole period"):
        pdf.write_pdf(folders["scenario"], tmp_path / "no.pdf", year=2030)
    assert not (tmp_path / "no.pdf").exists()
