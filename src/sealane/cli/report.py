"""`sealane report`: the report of a finished result, or one of its tables, as a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sealane.cli import options
from sealane.cli.output import message, print_json, print_table
from sealane.errors import DataError, Fault, InputError


class ReportFormat(StrEnum):
    """Form of the file."""

    PDF = "pdf"
    HTML = "html"
    XLSX = "xlsx"
    CSV = "csv"
    PARQUET = "parquet"
    GEOJSON = "geojson"


_WHOLE = {ReportFormat.PDF, ReportFormat.HTML}
_TABLES_ONLY = {ReportFormat.CSV, ReportFormat.PARQUET, ReportFormat.GEOJSON}


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("report")(report)


def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Result folder of a finished run.")],
    form: Annotated[
        ReportFormat, typer.Option("--format", help="pdf, html and xlsx: the whole report; the others: one table.")
    ] = ReportFormat.PDF,
    table: Annotated[
        str | None, typer.Option("--table", metavar="NAME", help="Table to write; see --list for their names.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="File to write; an existing one is replaced.")
    ] = None,
    year: Annotated[
        int | None,
        typer.Option("--year", metavar="YEAR", help="Of a lane: the corridor's annual progress report of that year."),
    ] = None,
    commitments: Annotated[
        list[Path] | None,
        typer.Option(
            "--commitments",
            metavar="FILE",
            help="For the annual progress report: what `sealane agreement commitments ID --json` wrote. Repeatable.",
        ),
    ] = None,
    bom: Annotated[
        bool, typer.Option("--bom", help="Begin CSV with a byte order mark, by which spreadsheets know UTF-8.")
    ] = False,
    fonts: Annotated[
        list[Path] | None,
        typer.Option("--fonts", metavar="DIR", help="Folder with further fonts for the PDF. Repeatable."),
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the tables of the result and write nothing.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Write the report of a result as PDF, HTML or Excel, or one of its tables as CSV, Parquet or GeoJSON.

    FOLDER is the result of an inventory, lane, arrival study, scenario, plan or comparison. Nothing is worked out
    again: the files say what the result folder holds.
    """
    if listed:
        _list_tables(folder, as_json)
        return
    _check(form, table, out, bom, fonts, year, commitments)
    assert out is not None  # _check has refused it
    rows = _write(folder, form, table, out, bom, tuple(fonts or ()), year, commitments)
    if as_json:
        print_json({"out": str(out), "format": form.value, "table": table, "size_bytes": out.stat().st_size} | rows)
        return
    message(f"{out}: {out.stat().st_size:,} bytes")


def _check(
    form: ReportFormat,
    table: str | None,
    out: Path | None,
    bom: bool,
    fonts: list[Path] | None,
    year: int | None,
    commitments: list[Path] | None,
) -> None:
    """Refuse what does not go together, all of it at once."""
    faults = []
    if out is None:
        faults.append(Fault("--out", "is missing", "Name the file to write"))
    elif out.is_dir():
        faults.append(Fault(f"--out {out}", "is a folder", "Name a file in it"))
    elif not out.parent.is_dir():
        faults.append(Fault(f"--out {out}", f"its folder {out.parent} does not exist", "Make it first"))
    if form in _WHOLE and table is not None:
        faults.append(Fault(f"--table {table}", f"{form.value} holds the whole report", "Leave it out"))
    if form in _TABLES_ONLY and table is None:
        faults.append(Fault("--table", f"is missing; {form.value} holds one table", "--list shows their names"))
    if bom and form is not ReportFormat.CSV:
        faults.append(Fault("--bom", f"{form.value} has no byte order mark", "Leave it out"))
    if fonts and form is not ReportFormat.PDF:
        faults.append(Fault("--fonts", f"{form.value} holds no fonts", "Leave it out"))
    if year is not None and table is not None:
        faults.append(Fault(f"--year {year}", "a table is of the whole period", "Leave it out"))
    if commitments and year is None and table != "commitments":
        remedy = "Give --year, or --table commitments"
        faults.append(Fault("--commitments", "only an annual progress report tells them", remedy))
    if table == "commitments" and not commitments:
        faults.append(Fault("--table commitments", "a result holds none", "Give them with --commitments FILE"))
    faults += [Fault(f"--fonts {f}", "is no folder", "Name a folder with fonts") for f in fonts or () if not f.is_dir()]
    if faults:
        raise DataError("The report cannot be written.", faults)


def _write(
    folder: Path,
    form: ReportFormat,
    table: str | None,
    out: Path,
    bom: bool,
    fonts: tuple[Path, ...],
    year: int | None,
    commitments: list[Path] | None,
) -> dict[str, Any]:
    from sealane.reports import pages
    from sealane.reports.commitments import read_files

    promised = read_files(commitments) if commitments else None

    if form is ReportFormat.PDF:
        from sealane.reports.pdf import write_pdf

        write_pdf(folder, out, fonts, year, promised)
        return {}
    if table is None:
        from sealane.reports.whole import write_html, write_xlsx

        write = write_html if form is ReportFormat.HTML else write_xlsx
        pages.replace_file(out, lambda path: write(folder, path, year, promised))
        return {}
    from sealane.reports.export import ExportFormat, export, export_folder

    made = export(export_folder(folder, promised), table, ExportFormat(form.value), bom=bom)

    def stream(path: Path) -> None:
        with path.open("wb") as file:
            for chunk in made.chunks:
                file.write(chunk)

    pages.replace_file(out, stream)
    return {"label": made.label} if made.label else {}


def _list_tables(folder: Path, as_json: bool) -> None:
    from sealane.reports.export import ExportFormat, export_folder, names_for

    found = export_folder(folder)
    names = {form: names_for(found, form) for form in ExportFormat}
    every = list(dict.fromkeys(name for form in ExportFormat for name in names[form]))
    if not every:
        raise InputError(f"{folder}: the result holds no table.")
    rows: list[tuple[str, int | None, list[str]]] = []
    for name in every:
        table = found.table(name) if name in names[ExportFormat.CSV] else None
        forms = [form.value for form in ExportFormat if name in names[form]]
        rows.append((name, table.rows if table else None, forms))
    if as_json:
        tables = [{"table": name, "rows": count, "formats": forms} for name, count, forms in rows]
        print_json({"kind": found.kind.value, "subject": found.subject, "label": found.label, "tables": tables})
        return
    print_table(("table", "rows>", "formats"), [(name, count, ", ".join(forms)) for name, count, forms in rows])
