"""report.xlsx: the report's tables as real numbers, one sheet a table. No cell of it is a formula."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import xlsxwriter

from sealane.reports import charts, quality_tables, tables
from sealane.reports.figures import GRAMS, NONE, NOT_SEEN, printable, share
from sealane.reports.results import Results
from sealane.reports.summary import LEADING, POLLUTANTS, Summary

MAX_ROWS = 1_048_576
"""Rows of an Excel sheet, header included (limit of the format)."""
MAX_TEXT = 32_767
"""Characters in an Excel cell (limit of the format)."""
_CUT = " … (cut: an Excel cell holds no more)"


def write_workbook(results: Results, summary: Summary, path: Path, max_rows: int = MAX_ROWS) -> None:
    """Write the workbook.

    Parameters
    ----------
    results, summary : of a finished run.
    path : file to write.
    max_rows : rows of a sheet, header and notes included; what does not fit is told in the sheet's last row.
    """
    book = open_book(path)
    # The time of the data, not of the clock: two reports of one folder have the same bytes.
    created = results.begin.replace(tzinfo=None)
    title = f"{summary.port_name} ({summary.port}): emissions of ocean-going vessels"
    book.set_properties(
        {"title": f"SIMULATED: {title}" if summary.simulated else title, "author": "Sealane", "created": created}
    )
    sheets = Sheets(book, max_rows, "SIMULATED DATA" if summary.simulated else "")
    sheets.add(_summary_table(results, summary))
    sheets.add(tables.pollutant_table(summary))
    sheets.add(tables.breakdown_table("By source", summary.by_source, "source"))
    sheets.add(tables.breakdown_table("By mode", summary.by_mode, "mode"))
    sheets.add(tables.breakdown_table("By class", summary.by_class, "ship class"))
    sheets.add(tables.calls_table(results))
    sheets.add(tables.stays_table(results, charts.stays_of(results)))
    sheets.add(tables.vessels_table(results))
    sheets.add(tables.hours_table(results))
    sheets.add(_quality_table(results))
    sheets.add(quality_tables.left_out_table(results))
    sheets.add(quality_tables.rejects_table(results))
    sheets.add(quality_tables.provenance_table(results))
    book.close()


def open_book(path: Path) -> Any:
    """An empty workbook in which no text becomes a formula, a link or a number."""
    return xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": True,
            # What begins with = + - or @ is a ship's name, a link or a number written as text: it stays text.
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "remove_timezone": True,
        },
    )


class Sheets:
    """Writes tables as sheets of one workbook."""

    def __init__(self, book: Any, max_rows: int, label: str) -> None:
        self.book, self.max_rows, self.label = book, max_rows, label
        self.header = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"})
        self.warning = book.add_format({"bold": True, "bg_color": "#FFE08A", "font_color": "#3B2700"})
        self.note = book.add_format({"italic": True})
        self.formats = {
            "number": book.add_format({"num_format": "#,##0.000"}),
            "small": book.add_format({"num_format": "0.00E+00"}),
            "integer": book.add_format({"num_format": "#,##0"}),
            "share": book.add_format({"num_format": "0.0%"}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "id": book.add_format({"num_format": "0"}),
            "text": None,
        }

    def add(self, table: tables.Table) -> None:
        """Add a sheet: a label if the data are simulated, the header, the rows, then notes."""
        self.add_rows(table, table.rows, len(table.rows))

    def add_rows(self, table: tables.Table, rows: Iterable[tuple[Any, ...]], count: int) -> None:
        """Add a sheet whose rows are written as they come.

        Parameters
        ----------
        table : name, columns and note; its own rows are not read.
        rows : values, each row as long as there are columns.
        count : how many rows there are in all.
        """
        sheet = self.book.add_worksheet(table.name)
        for k, column in enumerate(table.columns):
            sheet.set_column(k, k, max(column.width, min(len(column.title) + 2, 30)))
        top = 0
        if self.label:
            sheet.write_string(0, 0, self.label, self.warning)
            top = 1
        for k, column in enumerate(table.columns):
            sheet.write_string(top, k, printable(column.title), self.header)
        sheet.freeze_panes(top + 1, 1)
        shown = min(count, self.max_rows - top - 3)
        sheet.autofilter(top, 0, top + max(1, shown), len(table.columns) - 1)
        line = top
        for line, row in enumerate(islice(rows, shown), start=top + 1):
            for k, (value, column) in enumerate(zip(row, table.columns, strict=True)):
                self._cell(sheet, line, k, value, column)
        if count > shown:
            text = f"Only the first {shown:,} of {count:,} rows: an Excel sheet holds no more."
            sheet.write_string(line + 1, 0, f"{text} The Parquet files hold all of them.", self.warning)
        elif table.note:
            sheet.write_string(line + 2, 0, table.note, self.note)

    def _cell(self, sheet: Any, line: int, k: int, value: Any, column: tables.Column) -> None:
        if column.kind == "time":
            if value is None:
                sheet.write_string(line, k, NOT_SEEN)
            else:
                sheet.write_datetime(line, k, value, self.formats["time"])
        elif value is None or value == "":
            return
        elif column.kind in {"number", "integer", "share", "id"} and isinstance(value, int | float):
            small = column.kind == "number" and 0 < abs(value) < 0.001
            sheet.write_number(line, k, value, self.formats["small" if small else column.kind])
        else:
            text = printable(str(value))
            sheet.write_string(line, k, text if len(text) <= MAX_TEXT else text[: MAX_TEXT - len(_CUT)] + _CUT)


def _summary_table(results: Results, summary: Summary) -> tables.Table:
    origin = results.provenance
    rows: list[tuple[Any, ...]] = [
        ("Port", None, "", f"{summary.port_name} ({summary.port})"),
        ("First report", None, "", f"{results.begin:%Y-%m-%d %H:%M:%S} UTC"),
        ("Last report", None, "", f"{results.end:%Y-%m-%d %H:%M:%S} UTC"),
        ("Method", None, "", f"{origin['method']}: {origin['method_edition']}"),
        ("Warming potentials", None, "", f"IPCC {origin['gwp'].upper()}, 100 years"),
    ]
    for name, unit in LEADING:
        total, inside = summary.totals.get(name, 0.0), summary.in_call.get(name, 0.0)
        rows.append((f"{POLLUTANTS[name]}, tank-to-wake, all positions", total / GRAMS[unit], unit, ""))
        rows.append((f"{POLLUTANTS[name]}, tank-to-wake, in port calls", inside / GRAMS[unit], unit, ""))
    rows.append(("CO2e, well-to-wake, all positions", summary.wtw_g / GRAMS["t"], "t", ""))
    rows.append(("Diesel PM, all positions", summary.totals.get("dpm", 0.0) / GRAMS["kg"], "kg", ""))
    rows += [
        ("Port calls", summary.calls, "", ""),
        ("Complete calls", summary.complete, "", ""),
        ("Truncated calls", summary.truncated, "", "the data begin or end inside the call"),
        ("Ships in the inventory", summary.ships, "", ""),
    ]
    rows += [
        (f"{POLLUTANTS[name]} on filled inputs (grade D)", 100 * part, "%", share(part))
        for name, part in summary.filled.items()
    ]
    for banner in summary.banners:
        rows.append((banner.title, None, "", banner.text or NONE))
        rows += [("", None, "", detail) for detail in banner.details]
    return tables.Table(
        "Summary",
        (
            tables.Column("item", width=48),
            tables.Column("value", "", "number", 16),
            tables.Column("unit", width=10),
            tables.Column("remark", width=110),
        ),
        rows,
    )


def _quality_table(results: Results) -> tables.Table:
    rules = quality_tables.rules_table(results)
    rows = list(rules.rows)
    plain = {
        name: value
        for name, value in results.quality.items()
        if name not in {"rules", "totals", "by_vessel", "vessels_left_out"}
    }
    rows += [(name, None, None, None, value) for name, value in quality_tables.flat(plain)]
    rows += [
        (f"{rule}, MMSI {mmsi}", None, count if isinstance(count, int) else None, None, str(count))
        for mmsi, counts in results.quality["by_vessel"].items()
        for rule, count in counts.items()
    ]
    return tables.Table("Quality", rules.columns, rows)
