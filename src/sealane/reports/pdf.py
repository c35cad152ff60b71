"""report.pdf: a result folder's report as a document made by Typst, with page numbers, outline and tags.

Nothing is worked out a second time: an inventory's figures come from the `Summary` its HTML page is rendered from,
those of a corridor from the same `Page`. Typst runs inside this process, reads no file and asks no server; what stands
in the document reaches it as JSON, so that no text of the input can be part of its program.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import sealane
from sealane.errors import DataError, Fault, Phrase
from sealane.reports import pages, pdf_drawings, pdf_inventory
from sealane.reports.arrival_report import arrival_page, read_arrival_folder
from sealane.reports.commitments import Promise
from sealane.reports.comparison_report import comparison_page, read_comparison_folder
from sealane.reports.corridor_page import Page
from sealane.reports.kinds import ResultKind, result_kind
from sealane.reports.lane_report import lane_page, read_lane_folder
from sealane.reports.pdf_document import Edition, ResultFile, document_of
from sealane.reports.results import read_results
from sealane.reports.scenario_report import read_scenario_folder, scenario_page
from sealane.reports.summary import summarise

TEXT_FAMILIES = (
    "Noto Sans",
    "Source Sans 3",
    "Liberation Sans",
    "Arial",
    "Helvetica Neue",
    "Helvetica",
    "DejaVu Sans",
    "Libertinus Serif",  # comes with Typst: there always is one
)
"""Families for text in the order they are looked for on the machine."""
EAST_ASIAN_FAMILIES = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Source Han Sans JP",
    "Source Han Sans",
    "Hiragino Sans",
    "Hiragino Kaku Gothic ProN",
    "Yu Gothic",
    "Meiryo",
    "IPAexGothic",
    "IPAGothic",
    "Takao Gothic",
    "WenQuanYi Zen Hei",
)
"""Families for Chinese, Japanese and Korean characters, in the order they are looked for."""
_OTHER_FAMILIES = (
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Thai",
    "Noto Sans Devanagari",
    "Noto Sans Symbols",
    "Noto Sans Symbols 2",
    "Noto Sans Math",
    "Noto Color Emoji",
    "Noto Emoji",
    "DejaVu Sans",
    "DejaVu Sans Mono",
)
_HASH_BLOCK = 1 << 20
_NOT_RESULTS = {"report.html", "report.xlsx", "report.pdf"}
STANDARD = "ua-1"
"""PDF/UA-1 (ISO 14289-1): Typst refuses to write a document that lacks title, language, tags or alternative texts."""


@dataclass(frozen=True)
class Prepared:
    """A report as it goes to Typst: its data, and the time that is written into the file; None for no time."""

    document: dict[str, Any]
    time: datetime | None


def write_pdf(
    folder: Path,
    out: Path | None = None,
    fonts: Sequence[Path] = (),
    year: int | None = None,
    promised: Sequence[Promise] | None = None,
) -> Path:
    """Write the report of a result folder as PDF.

    The file appears whole. Two files of the same folder made with the same fonts have the same bytes.

    Parameters
    ----------
    folder : result of a finished inventory, lane, arrival study, scenario, plan or comparison.
    out : file to write; omitted: ``report.pdf`` in the folder.
    fonts : folders with further fonts, searched before the machine's.
    year : of a lane, whose figures lead: the corridor's annual progress report.
    promised : commitments of agreements for that report; None where nobody gave them.

    Returns
    -------
    The file.

    Raises
    ------
    DataError
        if the folder holds no result with a report, or files of it are missing or damaged; all are listed.
    """
    target = Path(out) if out is not None else Path(folder) / "report.pdf"
    content = typeset(prepare(Path(folder), year, promised), fonts)

    def write(path: Path) -> None:
        path.write_bytes(content)

    pages.replace_file(target, write)
    return target


def prepare(folder: Path, year: int | None = None, promised: Sequence[Promise] | None = None) -> Prepared:
    """Read a result folder and return its report as data.

    Parameters
    ----------
    folder : result of a finished run.
    year, promised : as for `write_pdf`.

    Raises
    ------
    DataError
        as `write_pdf`.
    """
    kind = result_kind(folder)
    program = f"Sealane {sealane.__version__}"
    check_year(kind, year)
    if kind is ResultKind.INVENTORY:
        results = read_results(folder)
        summary = summarise(results)
        page = pdf_inventory.inventory_page(results, summary)
        method = str(results.provenance["method_edition"])
        period = pdf_inventory.period_of(summary)
        edition = Edition(f"Sealane {results.provenance['sealane']}", method, _files(folder))
        return Prepared(document_of(page, edition, period), results.end)
    page = corridor_report(folder, kind, year, promised)
    facts = dict(page.facts)
    period = next((facts[name] for name in ("Data", "Arrivals", "Model years") if name in facts), "")
    method = str(facts.get("Method", facts.get("Rule", "")))
    if year is not None:
        period = f"{year} · data {period}"
    return Prepared(document_of(page, Edition(program, method, _files(folder)), period), None)


def check_year(kind: ResultKind, year: int | None) -> None:
    """Refuse a year where the report is not one of years."""
    if year is not None and kind is not ResultKind.LANE:
        found = Phrase("a report of kind %(kind)s is of its whole period", kind=kind.value)
        title = Phrase("There is no annual progress report of this result.")
        raise DataError(title, [Fault(f"year {year}", found, Phrase("Leave it out"))])


def corridor_report(
    folder: Path, kind: ResultKind, year: int | None = None, promised: Sequence[Promise] | None = None
) -> Page:
    """The page of a corridor's result folder; `year` of a lane, whose figures lead, and `promised` told with it."""
    if kind is ResultKind.LANE:
        return lane_page(read_lane_folder(folder), year, promised)
    if kind is ResultKind.ARRIVAL:
        return arrival_page(read_arrival_folder(folder))
    if kind is ResultKind.COMPARISON:
        return comparison_page(read_comparison_folder(folder))
    return scenario_page(read_scenario_folder(folder))


def _files(folder: Path) -> tuple[ResultFile, ...]:
    """Files the run wrote, with their hashes; the reports made from them are not among them."""
    chosen = sorted(p for p in folder.iterdir() if p.is_file() and p.name[0] != "." and p.name not in _NOT_RESULTS)
    found = []
    for path in chosen:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(_HASH_BLOCK):
                digest.update(block)
        found.append(ResultFile(path.name, path.stat().st_size, digest.hexdigest()))
    return tuple(found)


def typeset(report: Prepared, fonts: Sequence[Path] = ()) -> bytes:
    """Return the PDF of a report.

    Parameters
    ----------
    report : from `prepare`.
    fonts : folders with further fonts.
    """
    compiler, document = _compiler(report, tuple(fonts))
    time = int(report.time.astimezone(UTC).timestamp()) if report.time else 0
    made, _ = compiler.compile_with_warnings(format="pdf", pdf_standards=STANDARD, timestamp=time)
    del document
    return bytes(made)


def pictures(report: Prepared, fonts: Sequence[Path] = (), ppi: float = 80.0) -> list[bytes]:
    """Return each page of a report as PNG, to look at."""
    compiler, _ = _compiler(report, tuple(fonts))
    made, _ = compiler.compile_with_warnings(format="png", ppi=ppi)
    return [bytes(page) for page in (made if isinstance(made, list) else [made])]


def _compiler(report: Prepared, fonts: tuple[Path, ...]) -> tuple[Any, dict[str, Any]]:
    import typst

    known = _fonts(fonts)
    families = set(known.families())
    text = [name for name in TEXT_FAMILIES if name in families]
    wide = [name for name in EAST_ASIAN_FAMILIES if name in families]
    order = [*text[:1], *wide[:1], *(name for name in (*_OTHER_FAMILIES, *text[1:], *wide[1:]) if name in families)]
    time = list(report.time.astimezone(UTC).timetuple()[:6]) if report.time else None
    content = json.dumps(report.document | {"families": order, "time": time}, ensure_ascii=False)
    if not wide and any(_is_east_asian(c) for c in content):
        raise DataError("No PDF can be made of this folder.", [_NO_EAST_ASIAN])
    # A drawing names its families itself; the first that has a character gives it.
    content = content.replace(pdf_drawings.TEXT_FAMILY, ", ".join(f"'{name}'" for name in order))
    template = resources.files("sealane.reports").joinpath("templates", "report.typ").read_bytes()
    return typst.Compiler(template, font_paths=known, sys_inputs={"report": content}), report.document


_NO_EAST_ASIAN = Fault(
    "fonts of this machine",
    "none has Chinese, Japanese or Korean characters, and the report holds some",
    "Install one, e.g. Debian's fonts-noto-cjk, or name a folder with one (--fonts)",
)


_EAST_ASIAN = (("\u2e80", "\u9fff"), ("\uac00", "\ud7af"), ("\uf900", "\ufaff"), ("\uff00", "\uffef"))


def _is_east_asian(c: str) -> bool:
    return c >= _EAST_ASIAN[0][0] and any(low <= c <= high for low, high in _EAST_ASIAN)


@cache
def _fonts(folders: tuple[Path, ...]) -> Any:
    """Fonts of the folders and of the machine; looking through them takes longer than a report."""
    import typst

    return typst.Fonts(font_paths=list(folders))
