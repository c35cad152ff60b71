"""The page and the workbook that reports of lanes, arrivals, scenarios and comparisons share.

A report is a `Page`: the answer in words, then figures, then everything they rest on. It is written as ``report.html``,
which needs nothing beside itself, and as ``report.xlsx``, which begins with a sheet that says what the others are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from markupsafe import Markup

import sealane
from sealane.reports import chart_canvas, pages
from sealane.reports.banners import Banner
from sealane.reports.chart_canvas import Chart
from sealane.reports.corridor_folder import MAX_SHEET_ROWS, ResultFolder
from sealane.reports.figures import number, printable
from sealane.reports.quality_tables import flat
from sealane.reports.tables import Column, Table
from sealane.reports.workbook import MAX_ROWS, Sheets, open_book

MAX_PAGE_ROWS = 200
"""Rows of a table on the page; the workbook holds all that fit a sheet, the Parquet files all."""
_CREATED = datetime(2000, 1, 1)
_SHEET_NAME = 31
_NOT_IN_A_NAME = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


@dataclass(frozen=True)
class Tile:
    """One leading figure: what it is, the figure, its unit, and small print below."""

    what: str
    big: str
    unit: str = ""
    sub: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A part of the page: sentences, then charts and tables in their order; `sheets` only go into the workbook."""

    id: str
    title: str
    words: tuple[str, ...] = ()
    blocks: tuple[Chart | Table, ...] = ()
    sheets: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Page:
    """A report.

    Attributes
    ----------
    brand, title, code : small line, heading and what stands grey beside it.
    facts : name and text of what the report is about.
    label : a word that stands over page and sheets, e.g. ``SIMULATED DATA``; '' for none.
    banners : what a reader must know before trusting a figure.
    answers : the first sentences; they answer the reader's question.
    tiles : leading figures.
    sections : the rest.
    provenance : JSON of where it comes from.
    files : Parquet files the sheets come from, for the workbook's first sheet.
    """

    brand: str
    title: str
    code: str
    facts: tuple[tuple[str, str], ...]
    label: str
    banners: tuple[Banner, ...]
    answers: tuple[str, ...]
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    provenance: Any
    files: tuple[str, ...] = ()


def write_page(page: Page, folder: Path, max_rows: int = MAX_ROWS) -> None:
    """Write report.html and report.xlsx; each appears whole, and the same page gives the same bytes."""
    pages.replace_file(folder / "report.html", lambda path: pages.write_text(path, render(page)))
    pages.replace_file(folder / "report.xlsx", lambda path: write_workbook(page, path, max_rows))


def render(page: Page) -> str:
    """The HTML page."""
    css = pages.stylesheet("report", "charts", "corridor")
    environment = pages.environment()
    environment.tests |= {"chart": lambda block: isinstance(block, Chart)}
    environment.filters |= {"id": id}
    return environment.get_template("corridor.html.j2").render(
        css=Markup(css),
        policy=pages.policy(css),
        patterns=chart_canvas.patterns(),
        page=page,
        numbers=_chart_numbers(page),
        provenance_rows=[(name, value) for name, value in flat(page.provenance)],
        max_rows=MAX_PAGE_ROWS,
        version=sealane.__version__,
    )


def _chart_numbers(page: Page) -> dict[int, int]:
    """A number for each chart, by identity, so that no two ids on the page are the same."""
    charts = [block for section in page.sections for block in section.blocks if isinstance(block, Chart)]
    return {id(chart): k for k, chart in enumerate(charts, start=1)}


def tables_of(page: Page) -> list[Table]:
    """Every table of the page in its order, those of the charts among them, each once."""
    found: list[Table] = []
    for section in page.sections:
        for block in section.blocks:
            table = block.table if isinstance(block, Chart) else block
            if all(table is not other for other in found):
                found.append(table)
        found += [table for table in section.sheets if all(table is not other for other in found)]
    return found


def write_workbook(page: Page, path: Path, max_rows: int = MAX_ROWS) -> None:
    """Write the workbook: a sheet with the answers and what the sheets are, then the tables, then the provenance."""
    book = open_book(path)
    title = f"{page.label}: {page.title}" if page.label else page.title
    # A fixed time: two reports of one folder have the same bytes.
    book.set_properties({"title": printable(title)[:255], "author": "Sealane", "created": _CREATED})
    sheets = Sheets(book, max_rows, page.label)
    named = list(zip(sheet_names([t.name for t in tables_of(page)]), tables_of(page), strict=True))
    sheets.add(_readme(page, [(name, table) for name, table in named], max_rows))
    for name, table in named:
        sheets.add(Table(name, table.columns or (Column("nothing"),), table.rows, table.note))
    rows = [(name, value) for name, value in flat(page.provenance)]
    sheets.add(Table("Provenance", (Column("item", width=50), Column("value", width=100)), rows))
    book.close()


def sheet_names(wanted: Iterable[str]) -> list[str]:
    """Names Excel takes for sheets: at most 31 characters, none twice whatever their case."""
    taken = {"readme", "provenance", "history"}
    names = []
    for text in wanted:
        base = " ".join(printable(text).translate(_NOT_IN_A_NAME).split())[:_SHEET_NAME].strip() or "Table"
        name, k = base, 2
        while name.casefold() in taken:
            name, k = f"{base[: _SHEET_NAME - len(str(k)) - 1]} {k}", k + 1
        taken.add(name.casefold())
        names.append(name)
    return names


def _readme(page: Page, named: Sequence[tuple[str, Table]], max_rows: int) -> Table:
    rows: list[tuple[str, str]] = [(page.brand, f"{page.title} {page.code}".strip())]
    rows += [("answer", text) for text in page.answers]
    rows += [(tile.what, " ".join((tile.big, tile.unit, *tile.sub)).strip()) for tile in page.tiles]
    rows += list(page.facts)
    for banner in page.banners:
        rows.append((banner.title, banner.text))
        rows += [("", detail) for detail in banner.details]
    rows += [(f"sheet {name}", _about(table, max_rows)) for name, table in named]
    rows.append(("sheet Provenance", "what the report was made from"))
    if page.files:
        rows.append(("Parquet files", ", ".join(page.files)))
    rows.append(("units", "stand in square brackets in the headers; times are UTC; no cell is a formula"))
    rows.append(("made by", f"Sealane {sealane.__version__}"))
    return Table("README", (Column("item", width=40), Column("text", width=120)), rows)


def _about(table: Table, max_rows: int) -> str:
    room = max_rows - 4
    text = f"{len(table.rows):,} rows"
    if len(table.rows) > room:
        text += f", of which the first {room:,} fit the sheet"
    return f"{text}. {table.note}" if table.note else text


def raw_tables(found: ResultFolder, without: Sequence[str] = ()) -> Iterable[Table]:
    """The Parquet tables as they stand, for the workbook, under their own column names, which carry the units."""
    for name in found.schemas:
        if name in without or not found.count(name):
            continue
        rows = found.rows(name, MAX_SHEET_ROWS)
        columns = tuple(Column(field.name, "", _kind(field.type), 18) for field in found.schemas[name])
        note = f"{name}.parquet; units stand in the names of the columns."
        if found.count(name) > len(rows):
            note = f"Only the first {len(rows):,} of {found.count(name):,} rows; {name}.parquet holds all of them."
        yield Table(f"{name}.parquet", columns, [tuple(row[c.header] for c in columns) for row in rows], note)


def _kind(type_: pa.DataType) -> str:
    if pa.types.is_timestamp(type_):
        return "time"
    if pa.types.is_floating(type_):
        return "number"
    return "id" if pa.types.is_integer(type_) else "text"


def inputs_section(
    rows: Sequence[dict[str, Any]], origin_of: Callable[[dict[str, Any]], str] = lambda row: str(row["origin"])
) -> Section:
    """Every input with its origin: counts first, then what is missing and what is a placeholder, then the rest.

    Parameters
    ----------
    rows : path, value, unit, origin, source, grade and, where they vary, low and high.
    """
    order = {"missing": 0, "placeholder": 1, "user": 2, "sourced": 3}
    counts = dict.fromkeys(("sourced", "user", "placeholder", "missing"), 0)
    for row in rows:
        counts[origin_of(row)] = counts.get(origin_of(row), 0) + 1
    listed = sorted(rows, key=lambda row: (order.get(origin_of(row), 9), row["path"]))
    table = Table(
        "Inputs",
        (
            Column("input", width=46),
            Column("value", "", "number"),
            Column("unit", width=16),
            Column("origin", "", "mark", 14),
            Column("grade", width=8),
            Column("low", "", "number"),
            Column("high", "", "number"),
            Column("source, or what to give", width=90),
        ),
        [
            (r["path"], r["value"], _unit(r), origin_of(r), r["grade"], r.get("low"), r.get("high"), r["source"])
            for r in listed
        ],
    )
    total = sum(counts.values())
    words = f"{total:,} inputs: " + ", ".join(f"{n:,} {name}" for name, n in counts.items()) + "."
    meaning = (
        "Sourced: from a publication, which the row names. User: given by the author of the file. Placeholder: a "
        "number that nobody published, put there so that the model runs; grade D. Missing: not known and not guessed; "
        "what needs it is left out."
    )
    return Section("inputs", "What went in", (words, meaning), (table,))


def _unit(row: dict[str, Any]) -> str:
    """Unit of an input; a plain number has none."""
    return "" if row["unit"] == "1" else str(row["unit"] or "")


def origin_banners(rows: Sequence[dict[str, Any]]) -> Iterable[Banner]:
    """Banners for placeholders and for what is missing."""
    placeholders = [r for r in rows if r["origin"] == "placeholder"]
    missing = [r for r in rows if r["origin"] == "missing"]
    if placeholders:
        yield Banner(
            "caution",
            f"{len(placeholders)} placeholder{'s' if len(placeholders) > 1 else ''}",
            "Numbers that no source gives stand in the model; the results are theirs as much as the sources':",
            tuple(f"{r['path']} = {number(r['value'])} {_unit(r)}".strip() + f": {r['source']}" for r in placeholders),
        )
    if missing:
        yield Banner(
            "missing",
            f"{len(missing)} missing input{'s' if len(missing) > 1 else ''}",
            "Not known and not guessed; what needs them is left out:",
            tuple(f"{r['path']} [{_unit(r)}]: {r['source']}".replace(" []", "") for r in missing),
        )
