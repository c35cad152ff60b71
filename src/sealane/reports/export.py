"""A table of a result folder as a file: CSV, Excel, Parquet or GeoJSON, in bounded memory whatever its length."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sealane.errors import DataError, Fault, Phrase
from sealane.reports.export_csv import csv_chunks
from sealane.reports.export_geojson import geojson_chunks, geojson_names
from sealane.reports.export_tables import ExportFolder, ExportTable, export_folder
from sealane.reports.export_workbook import write_table_workbook
from sealane.reports.figures import printable

__all__ = ["Export", "ExportFolder", "ExportFormat", "ExportTable", "export", "export_folder", "names_for"]

_BLOCK = 1 << 18


class ExportFormat(StrEnum):
    """Form of an exported table."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    GEOJSON = "geojson"


MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
    ExportFormat.GEOJSON: "application/geo+json",
}


@dataclass(frozen=True)
class Export:
    """A file under way.

    Attributes
    ----------
    name : of the file, ASCII letters, digits and ``-_.`` only; begins with SIMULATED where the data are.
    media_type : for HTTP.
    label : ``SIMULATED DATA`` or another word the file carries, else ''.
    chunks : its bytes; read once.
    """

    name: str
    media_type: str
    label: str
    chunks: Iterator[bytes]


def names_for(found: ExportFolder, form: ExportFormat) -> tuple[str, ...]:
    """Names of the tables that can be had in a form."""
    return geojson_names(found.path) if form is ExportFormat.GEOJSON else found.names


def export(folder: Path | ExportFolder, table: str, form: ExportFormat, *, bom: bool = False) -> Export:
    """Export a table of a result folder.

    Parameters
    ----------
    folder : result of a finished run, or what `export_folder` read of it.
    table : name of a table, e.g. ``port-calls``; see `names_for`.
    form : of the file.
    bom : begin CSV with a byte order mark, by which spreadsheets know UTF-8.

    Raises
    ------
    DataError
        if the folder is none of a run, or has no such table in that form; those there are are listed.
    """
    found = folder if isinstance(folder, ExportFolder) else export_folder(Path(folder))
    known = names_for(found, form)
    if table not in known:
        where = f"{printable(str(found.path))}, table {printable(table)[:80]}"
        remedy = Phrase("Use %(names)s", names=", ".join(known)) if known else Phrase("Use another format")
        title = Phrase("The result has no such table as %(form)s.", form=form.value)
        raise DataError(title, [Fault(where, Phrase("is not there"), remedy)])
    if form is ExportFormat.GEOJSON:
        chunks = geojson_chunks(found, table)
    elif form is ExportFormat.CSV:
        chunks = csv_chunks(found.table(table), found.label, bom)
    elif form is ExportFormat.XLSX:
        chunks = _workbook_chunks(found, found.table(table))
    else:
        chunks = _parquet_chunks(found, found.table(table))
    return Export(file_name(found, table, form), MEDIA_TYPES[form], found.label, chunks)


def file_name(found: ExportFolder, table: str, form: ExportFormat | str) -> str:
    """Name of an exported file: nothing in it means anything to a shell, a file system or a header."""
    simulated = "SIMULATED " if found.label else ""
    text = f"{simulated}{found.kind.value} {found.subject} {table}"
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in text)
    while "--" in kept:
        kept = kept.replace("--", "-")
    return f"{kept.strip('-')[:120]}.{form.value if isinstance(form, ExportFormat) else form}"


def _workbook_chunks(found: ExportFolder, table: ExportTable) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="sealane-export-") as folder:
        path = Path(folder) / "table.xlsx"
        write_table_workbook(table, path, found.label, found.origin)
        yield from _blocks(path)


def _parquet_chunks(found: ExportFolder, table: ExportTable) -> Iterator[bytes]:
    """The table with its units and where it comes from in the file's metadata; names of columns carry the units."""
    with tempfile.TemporaryDirectory(prefix="sealane-export-") as folder:
        path = Path(folder) / "table.parquet"
        batches = table.batches()
        first = next(batches)
        with pq.ParquetWriter(path, _described(first.schema, found, table), compression="zstd") as writer:
            for batch in chain((first,), batches):
                writer.write_table(pa.Table.from_batches([batch]).cast(writer.schema))
        yield from _blocks(path)


def _described(schema: pa.Schema, found: ExportFolder, table: ExportTable) -> pa.Schema:
    fields = [
        field.with_metadata({"title": column.title, "unit": column.unit})
        for field, column in zip(schema, table.columns, strict=True)
    ]
    facts = {"sealane.result": f"{found.kind.value} {found.subject}", "sealane.table": table.name}
    facts |= {"sealane.label": found.label} if found.label else {}
    facts |= {f"sealane.origin.{name}": value for name, value in found.origin}
    return pa.schema(fields, metadata=facts)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block
