"""The whole report of a result folder of any kind, as HTML or as an Excel workbook, in a file of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sealane.reports import corridor_page, pages, report, workbook
from sealane.reports.commitments import Promise
from sealane.reports.kinds import ResultKind, result_kind
from sealane.reports.pdf import check_year, corridor_report
from sealane.reports.results import read_results
from sealane.reports.summary import summarise


def html_of(folder: Path, year: int | None = None, promised: Sequence[Promise] | None = None) -> str:
    """Return the HTML report of a result folder.

    Parameters
    ----------
    folder : result of a finished inventory, lane, arrival study, scenario, plan or comparison.
    year : of a lane, whose figures lead: the corridor's annual progress report.
    promised : commitments of agreements for that report; None where nobody gave them.

    Raises
    ------
    DataError
        if it holds no result with a report, or files of it are missing or damaged; all are listed.
    """
    kind = result_kind(folder)
    check_year(kind, year)
    if kind is ResultKind.INVENTORY:
        results = read_results(folder)
        return report.render_html(results, summarise(results))
    return corridor_page.render(corridor_report(folder, kind, year, promised))


def write_html(folder: Path, path: Path, year: int | None = None, promised: Sequence[Promise] | None = None) -> None:
    """Write the HTML report of a result folder; errors as `html_of`."""
    pages.write_text(path, html_of(folder, year, promised))


def write_xlsx(folder: Path, path: Path, year: int | None = None, promised: Sequence[Promise] | None = None) -> None:
    """Write the Excel workbook of a result folder; errors as `html_of`."""
    kind = result_kind(folder)
    check_year(kind, year)
    if kind is ResultKind.INVENTORY:
        results = read_results(folder)
        workbook.write_workbook(results, summarise(results), path)
    else:
        corridor_page.write_workbook(corridor_report(folder, kind, year, promised), path)
