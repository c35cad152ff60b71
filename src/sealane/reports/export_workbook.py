"""A table as an Excel workbook: typed cells, units in a frozen header, and a sheet of method and provenance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sealane
from sealane.reports.corridor_page import sheet_names
from sealane.reports.export_tables import ExportTable
from sealane.reports.tables import Column, Table
from sealane.reports.workbook import MAX_ROWS, Sheets, open_book

_CREATED = datetime(2000, 1, 1)


def write_table_workbook(
    table: ExportTable, path: Path, label: str, origin: Sequence[tuple[str, str]], max_rows: int = MAX_ROWS
) -> None:
    """Write one table as a workbook.

    Rows are written as they are read; what exceeds a sheet is told in its last row. Texts are stored as texts: none
    becomes a formula, a link or a number.

    Parameters
    ----------
    table : what is written.
    path : file to write.
    label : stands over every sheet; '' for none.
    origin : method and provenance, name and value.
    max_rows : rows of a sheet.
    """
    book = open_book(path)
    title = f"{label}: {table.title}" if label else table.title
    book.set_properties({"title": title[:255], "author": "Sealane", "created": _CREATED})
    sheets = Sheets(book, max_rows, label)
    name, about = sheet_names([table.title, "Method and provenance"])
    room = max_rows - 4
    sheets.add_rows(Table(name, table.columns, ()), _rows(table, room), table.rows)
    facts = [("made by", f"Sealane {sealane.__version__}"), ("rows", f"{table.rows:,}"), *origin]
    units = ("units", "stand in square brackets in the headers; times are UTC; no cell is a formula")
    sheets.add(Table(about, (Column("item", width=50), Column("value", width=100)), [*facts, units]))
    book.close()


def _rows(table: ExportTable, most: int) -> Iterator[tuple[Any, ...]]:
    taken = 0
    for batch in table.batches():
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if taken == most:
                return
            taken += 1
            yield tuple(_cell(value) for value in row)


def _cell(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, bool | list | dict) else value
