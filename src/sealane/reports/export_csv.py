"""Tables as CSV: UTF-8, units in the header, no cell a spreadsheet would work out; any length in bounded memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from sealane.reports.export_tables import LABEL, ExportTable
from sealane.spreadsheet_text import inert, inert_column

BOM = b"\xef\xbb\xbf"
"""Mark by which spreadsheets know UTF-8; other programs may take it for text, so it is only written when asked for."""


def csv_chunks(table: ExportTable, label: str = "", bom: bool = False) -> Iterator[bytes]:
    """Yield a table as CSV (RFC 4180 with ``\\n``), a batch at a time.

    Texts stand in quotes and are inert (see `sealane.spreadsheet_text`), numbers are written with every digit, times as
    ISO 8601 in UTC, what is not known as nothing.

    Parameters
    ----------
    table : what is written.
    label : word of the column that leads every row; '' for no such column.
    bom : begin with a byte order mark, for spreadsheets.
    """
    head = [LABEL] if label else []
    head += [inert(column.title) for column in table.columns]
    first = ",".join('"{}"'.format(name.replace('"', '""')) for name in head) + "\n"
    yield (BOM if bom else b"") + first.encode("utf-8")
    options = pa_csv.WriteOptions(include_header=False)
    for batch in table.batches():
        if not batch.num_rows:
            continue
        columns = [pa.array([label] * batch.num_rows, pa.string())] if label else []
        columns += [_written(column) for column in batch.columns]
        sink = io.BytesIO()
        pa_csv.write_csv(pa.table(columns, names=[str(k) for k in range(len(columns))]), sink, options)
        yield sink.getvalue()


def _written(column: pa.Array) -> pa.Array:
    """A column as it stands in CSV."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _written(column.dictionary_decode())
    if pa.types.is_timestamp(kind):
        # Seconds have six decimals by the type's unit; nothing is told by zeros.
        text = pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
        return pc.replace_substring_regex(text, pattern=r"\.0+Z$", replacement="Z")
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return inert_column(column)
    if pa.types.is_nested(kind):
        texts = [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in column.to_pylist()]
        return inert_column(pa.array(texts, pa.string()))
    return column
