"""A report's page as the data a Typst template sets: texts, drawings, and tables cut to the width of paper.

The template only sets; what stands in a cell is decided here, from the same `Page` the HTML is made of. Everything is
data: no text of the input is ever part of a program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sealane.reports import chart_canvas, pages, pdf_drawings
from sealane.reports.banners import Banner
from sealane.reports.chart_canvas import Chart
from sealane.reports.corridor_page import MAX_PAGE_ROWS, Page, Section
from sealane.reports.figures import printable
from sealane.reports.quality_tables import flat
from sealane.reports.tables import Column, Table

PORTRAIT_PT, LANDSCAPE_PT = 495.0, 742.0
"""Width of the text on A4 upright and lying, in points."""
FONT_PT = 7.0
_PAD = 10.0  # room between two columns [pt]
_LONGEST, _LONGEST_WORDS = 130.0, 290.0  # a column of names, a column of sentences
_PROVENANCE_ROWS = 2000
_SHRINK, _STRETCH = 0.87, 1.3  # how far columns are drawn in to spare a part, or let out to fill the width
_BREAK = "\u200b"  # where a word may be broken without a sign
_DETAILS, _FIRST = 6, 3  # lines of a banner on the first pages; so many of a list that is longer
_SHORT_ROWS = 60  # a longer table stands in the annex


@dataclass(frozen=True)
class ResultFile:
    """A file of the result folder: name, size and SHA-256."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Edition:
    """What stands at the foot of every page and on the last: program, method, files."""

    program: str
    method: str
    files: tuple[ResultFile, ...]


def document_of(page: Page, edition: Edition, period: str, max_rows: int = MAX_PAGE_ROWS) -> dict[str, Any]:
    """Return what the template sets.

    Parameters
    ----------
    page : the report.
    edition : program, method and files it was made from.
    period : of the data, for the head of each page; '' where there is none.
    max_rows : rows of a table, the same as on the HTML page; the workbook holds more.
    """
    annex = _Annex(max_rows)
    banners = [_banner(banner, annex) for banner in page.banners]
    sections = [_section(section, annex) for section in page.sections if section.words or section.blocks]
    subject = f"{page.title} ({page.code})" if page.code else page.title
    return {
        "brand": printable(page.brand),
        "title": printable(page.title),
        "code": printable(page.code),
        "subject": printable(subject),
        "label": printable(page.label),
        "period": printable(period),
        "program": printable(edition.program),
        "method": printable(edition.method),
        "facts": _texts(page.facts),
        "banners": banners,
        "answers": _list(page.answers),
        "tiles": [
            {"what": printable(t.what), "big": printable(t.big), "unit": printable(t.unit), "sub": _list(t.sub)}
            for t in page.tiles
        ],
        "sections": sections,
        "annex": annex.tables,
        "files": laid_out(_files_table(edition.files), len(edition.files), LANDSCAPE_PT),
        "provenance": laid_out(_provenance_table(page), _PROVENANCE_ROWS, LANDSCAPE_PT),
    }


def _texts(pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    return [[printable(name), printable(text)] for name, text in pairs]


def _list(texts: Iterable[str]) -> list[str]:
    return [printable(text) for text in texts]


class _Annex:
    """Tables too wide or too long for the text, numbered in their order."""

    def __init__(self, max_rows: int) -> None:
        self.max_rows = max_rows
        self.tables: list[dict[str, Any]] = []

    def add(self, table: Table, caption: str) -> int:
        self.tables.append(
            {
                "number": len(self.tables) + 1,
                "caption": printable(caption),
                "note": printable(table.note),
                "cut": _cut(table, self.max_rows),
                "parts": laid_out(table, self.max_rows, LANDSCAPE_PT),
            }
        )
        return len(self.tables)


def _cut(table: Table, max_rows: int) -> str:
    if len(table.rows) <= max_rows:
        return ""
    return f"The first {max_rows:,} of {len(table.rows):,} rows; all stand in report.xlsx."


def _banner(banner: Banner, annex: _Annex) -> dict[str, Any]:
    """A banner; of a long list the first lines, the whole of it in the annex."""
    details = banner.details if len(banner.details) <= _DETAILS else banner.details[:_FIRST]
    number = 0
    if len(details) < len(banner.details):
        number = annex.add(
            Table(banner.title, (Column("item", width=90),), [(d,) for d in banner.details]), banner.title
        )
    return {
        "level": banner.level,
        "title": printable(banner.title),
        "text": printable(banner.text),
        "details": _list(details),
        "more": len(banner.details) - len(details),
        "annex": number,
    }


def _section(section: Section, annex: _Annex) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = []
    for block in section.blocks:
        if isinstance(block, Chart):
            number = annex.add(block.table, block.title) if block.table.columns and block.table.rows else 0
            blocks.append(
                {
                    "kind": "chart",
                    "title": printable(block.title),
                    "finding": printable(block.finding),
                    "note": printable(block.note),
                    "alt": printable(block.summary),
                    "svg": pdf_drawings.document(block.wide),
                    "annex": number,
                }
            )
            continue
        parts = laid_out(block, annex.max_rows, PORTRAIT_PT)
        if len(parts) > 1 or len(block.rows) > _SHORT_ROWS:
            blocks.append(
                {"kind": "elsewhere", "caption": printable(block.name), "annex": annex.add(block, block.name)}
            )
            continue
        blocks.append(
            {
                "kind": "table",
                "caption": printable(block.name),
                "note": printable(block.note),
                "cut": _cut(block, annex.max_rows),
                "parts": parts,
            }
        )
    return {"title": printable(section.title), "words": _list(section.words), "blocks": blocks}


def _files_table(files: Sequence[ResultFile]) -> Table:
    columns = (Column("file of the result"), Column("size", "bytes", "integer"), Column("SHA-256", width=70))
    return Table("Files", columns, [(file.name, file.size_bytes, file.sha256) for file in files])


def _provenance_table(page: Page) -> Table:
    rows = [(name, value or "–") for name, value in flat(page.provenance)]
    return Table("Provenance", (Column("item", width=60), Column("value", width=100)), rows)


def laid_out(table: Table, max_rows: int, width: float) -> list[dict[str, Any]]:
    """Cells of a table as text, its columns in as many parts as the width needs; the first column leads each part.

    Parameters
    ----------
    table : with its raw values.
    max_rows : rows that are set.
    width : of the paper [pt].

    Returns
    -------
    For each part: ``columns`` (title, numeric, width [pt]) and ``rows`` of texts.
    """
    texts = [
        [pages.cell(value, column) for value, column in zip(row, table.columns, strict=True)]
        for row in table.rows[:max_rows]
    ]
    widths = [_width(column, [row[k] for row in texts]) for k, column in enumerate(table.columns)]
    if len(widths) == 1:
        widths = [width]
    parts = []
    for chosen in _parts(widths, width):
        room = sum(widths[k] for k in chosen)
        scale = min(_STRETCH, width / room) if room else 1.0
        parts.append(
            {
                "columns": [
                    {
                        "title": printable(table.columns[k].title),
                        "numeric": table.columns[k].numeric,
                        "width": round(widths[k] * scale, 1),
                    }
                    for k in chosen
                ],
                "rows": [[_breakable(row[k], widths[k] * scale) for k in chosen] for row in texts],
            }
        )
    return parts


def _width(column: Column, texts: Sequence[str]) -> float:
    """Width of a column [pt] in which its longest text fits, or in which its sentences can be read."""
    longest = max((chart_canvas.text_width(text, FONT_PT) for text in texts), default=0.0)
    most = _LONGEST_WORDS if column.wraps else _LONGEST
    word = max((chart_canvas.text_width(word, FONT_PT * 1.06) for word in column.title.split()), default=0.0)
    return max(min(longest, most), min(word, _LONGEST)) + _PAD


def _parts(widths: Sequence[float], width: float) -> list[list[int]]:
    """Columns of each part: as many as fit, the first in all of them."""
    if not widths:
        return []
    parts, used = [[0]], widths[0]
    for k in range(1, len(widths)):
        if used + widths[k] > width / _SHRINK and len(parts[-1]) > 1:
            parts.append([0])
            used = widths[0]
        parts[-1].append(k)
        used += widths[k]
    return parts


def _breakable(text: str, width: float) -> str:
    """Let a word that is wider than its column be broken; no other text is touched."""
    room = (width - _PAD) / _SHRINK  # the estimate is of a wide face
    if chart_canvas.text_width(text, FONT_PT) <= room:
        return text
    words = []
    for word in text.split(" "):
        if chart_canvas.text_width(word, FONT_PT) <= room:
            words.append(word)
            continue
        step = max(4, int(len(word) * room / chart_canvas.text_width(word, FONT_PT) / 2))
        words.append(_BREAK.join(word[k : k + step] for k in range(0, len(word), step)))
    return " ".join(words)
