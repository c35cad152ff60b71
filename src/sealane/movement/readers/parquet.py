"""Read Parquet and GeoParquet: columns by name, a point geometry as WKB or as separate x and y.

WKB points are decoded here (OGC 06-103r4, 8.2.9): byte order, geometry type, then x (longitude) and y (latitude) as
doubles.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.errors import FileFormatError
from sealane.movement.readers import generic
from sealane.movement.readers.chunks import COLUMN_DTYPES, Chunk, Reject, TextPool, null_column, shorten
from sealane.movement.readers.fields import (
    ESSENTIAL,
    STRINGS,
    TIME_END_US,
    TIME_FIRST_US,
    TIME_OUTSIDE,
    FieldError,
    Value,
    parsers,
)
from sealane.movement.readers.layout import Header, Layout, match_columns, plain_name, require_essential

NAME = "parquet"
BATCH_ROWS = 65_536
_GEOMETRY = "geometry"
# Names of the coordinate reference system of WGS 84 longitude and latitude.
_WGS84 = ("OGC:CRS84", "EPSG:4326")


def read_layout(path: Path, columns: Mapping[str, str] | None = None) -> tuple[Layout, str | None]:
    """The layout of a Parquet file, and its geometry column where latitude and longitude come from one."""
    file = _open(path)
    names = tuple(file.schema_arrow.names)
    header = Header(names, "", 0, 0, ())
    geometry = _geometry_column(file, path)
    found = match_columns(header, generic.ALIASES)
    for column, name in (columns or {}).items():
        if column not in COLUMN_DTYPES or plain_name(name) not in header.plain:
            raise FileFormatError(
                f"{path}: the mapping {column}={name!r} does not fit. Columns of the file: {', '.join(names)}."
            )
        found[column] = names.index(name) if name in names else header.plain.index(plain_name(name))
    if geometry is not None and not ("lat" in found and "lon" in found):
        found["lat"] = found["lon"] = names.index(geometry)
    else:
        geometry = None
    checked = {c: i for c, i in found.items() if geometry is None or c not in ("lat", "lon")}
    if geometry is None:
        require_essential(found, header, generic.ALIASES, path, "Parquet")
    else:
        require_essential(
            {**checked, "lat": found["lat"], "lon": found["lon"]}, header, generic.ALIASES, path, "Parquet"
        )
    if file.metadata.num_rows == 0:
        raise FileFormatError(f"{path}: the Parquet file has no rows. Give a file with AIS positions.")
    return Layout(NAME, names, found, "iso", "", 0, 0), geometry


def rows_of(path: Path) -> int:
    """Rows by the file's own footer."""
    return int(_open(path).metadata.num_rows)


def read(path: Path, layout: Layout, geometry: str | None, texts: TextPool) -> Iterator[Chunk]:
    """Yield the rows in order, a row group's part at a time."""
    file = _open(path)
    size = path.stat().st_size
    wanted = sorted({layout.header[index] for index in layout.columns.values()})
    parse = parsers(layout.time_kind)
    record, total = 0, max(file.metadata.num_rows, 1)
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
            chunk = _chunk(batch, layout, geometry, texts, parse, record, size * (record + batch.num_rows) // total)
            record += batch.num_rows
            yield chunk
    except (pa.ArrowException, OSError) as error:
        raise FileFormatError(f"{path}: the Parquet data are damaged after row {record} ({error}).") from error


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise FileFormatError(f"{path}: expected Parquet, but its footer cannot be read ({error}).") from error


def _geometry_column(file: pq.ParquetFile, path: Path) -> str | None:
    """The WKB point column by the GeoParquet metadata, else a binary column named geometry."""
    names = file.schema_arrow.names
    raw = (file.schema_arrow.metadata or {}).get(b"geo")
    if raw is None:
        is_binary = _GEOMETRY in names and pa.types.is_binary(file.schema_arrow.field(_GEOMETRY).type)
        return _GEOMETRY if is_binary else None
    try:
        geo = json.loads(raw)
        name = geo["primary_column"]
        column = geo["columns"][name]
        encoding, crs = column["encoding"], column.get("crs")
        label = _crs_label(crs) if isinstance(crs, dict) else _WGS84[0]  # which the specification means without one
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FileFormatError(f"{path}: its GeoParquet metadata cannot be read ({error!r}).") from error
    if name not in names:
        raise FileFormatError(f"{path}: its GeoParquet metadata name {name!r}, which is not a column.")
    if encoding != "WKB":
        raise FileFormatError(f"{path}: geometry encoded as {encoding!r}; expected WKB. Write it with WKB points.")
    if label not in _WGS84:
        raise FileFormatError(f"{path}: coordinates in {label}; expected WGS 84 longitude and latitude.")
    return str(name)


def _crs_label(crs: Mapping[str, object]) -> str:
    code = crs.get("id")
    return f"{code.get('authority')}:{code.get('code')}" if isinstance(code, dict) else "a system without an id"


def decode_points(array: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, y, what is wrong) of WKB points; what is wrong is 0 for a point, 1 for null, 2 for anything else.

    Plain, Z/M and EWKB points of either byte order are read; a point of NaNs counts as null.
    """
    rows = len(array)
    x, y = np.full(rows, np.nan), np.full(rows, np.nan)
    wrong = np.full(rows, 2, np.int8)
    array = array.cast(pa.large_binary())
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + rows + 1]
    data = np.frombuffer(array.buffers()[2] or b"", np.uint8)
    sizes = np.diff(offsets)
    valid = array.is_valid().to_numpy(zero_copy_only=False)
    wrong[~valid] = 1
    for order, integer, double in ((1, "<u4", "<f8"), (0, ">u4", ">f8")):
        rest = np.flatnonzero(valid & (sizes >= 21))
        rest = rest[data[offsets[rest]] == order]
        if not rest.size:
            continue
        kinds = _take(data, offsets[rest] + 1, 4).view(integer).ravel().astype(np.int64)
        srid = (kinds & 0x20000000) != 0
        is_point = (kinds & 0x0FFFFFFF) % 1000 == 1
        at = offsets[rest] + 5 + np.where(srid, 4, 0)
        is_point &= at + 16 <= offsets[rest + 1]
        rest, at = rest[is_point], at[is_point]
        x[rest] = _take(data, at, 8).view(double).ravel()
        y[rest] = _take(data, at + 8, 8).view(double).ravel()
        wrong[rest] = np.where(np.isnan(x[rest]) | np.isnan(y[rest]), 1, 0)
    return x, y, wrong


def _take(data: np.ndarray, at: np.ndarray, size: int) -> np.ndarray:
    return np.ascontiguousarray(data[at[:, None] + np.arange(size)])


def _chunk(
    batch: pa.RecordBatch,
    layout: Layout,
    geometry: str | None,
    texts: TextPool,
    parse: Mapping[str, Callable[[str], Value]],
    first_record: int,
    bytes_done: int,
) -> Chunk:
    rows = batch.num_rows
    faults: list[tuple[int, Reject]] = []
    lost = np.zeros(rows, bool)
    columns: dict[str, np.ndarray] = {}

    def fault(row: int, column: str, value: str, reason: str) -> None:
        essential = column in ESSENTIAL
        lost[row] |= essential
        name = layout.header[layout.columns[column]]
        worded = reason if essential else f"field ignored: {reason}"
        record = first_record + row + 1
        faults.append((row, Reject(record, None, name, shorten(value), worded, row_lost=essential)))

    if geometry is not None:
        columns["lon"], columns["lat"], wrong = decode_points(batch.column(geometry))
        for row in np.flatnonzero(wrong).tolist():
            fault(row, "lat", "", "missing" if wrong[row] == 1 else "not a WKB point")
    for column, dtype in COLUMN_DTYPES.items():
        if column in columns:
            continue
        if column not in layout.columns:
            columns[column] = null_column(column, rows)
            continue
        values, bad = _column(batch.column(layout.header[layout.columns[column]]), column, dtype, texts, parse[column])
        columns[column] = values
        for row, value, reason in bad:
            fault(row, column, value, reason)
    if lost.any():
        columns = {name: values[~lost] for name, values in columns.items()}
    faults.sort(key=lambda item: item[0])
    count = int(lost.sum())
    return Chunk(columns, rows - count, tuple(reject for _, reject in faults), count, 0, bytes_done)


def _column(
    array: pa.Array, column: str, dtype: np.dtype, texts: TextPool, parse: Callable[[str], Value]
) -> tuple[np.ndarray, list[tuple[int, str, str]]]:
    """One column in the reader's form, and (row, value, reason) of what could not be read."""
    if column == "time" and pa.types.is_timestamp(array.type):
        return _timestamps(array)
    floating = dtype.kind == "f" and (pa.types.is_floating(array.type) or pa.types.is_integer(array.type))
    if floating:
        values = pc.fill_null(array.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)
        wrong = np.isinf(values) | (np.isnan(values) if column in ESSENTIAL else False)
        bad = [(row, str(values[row]), "missing" if np.isnan(values[row]) else "not a finite number")
               for row in np.flatnonzero(wrong).tolist()]  # fmt: skip
        return np.where(np.isinf(values), np.nan, values), bad
    # Everything else is judged once for each distinct value, as text, by the parsers that CSV uses.
    coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    indices = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    distinct = ["" if v is None else _as_text(v) for v in coded.dictionary.to_pylist()]
    values_of: list[Value] = []
    reasons: dict[int, str] = {}
    for code, text in enumerate([*distinct, ""]):
        try:
            values_of.append(parse(text))
        except FieldError as error:
            values_of.append(None)
            reasons[code if code < len(distinct) else -1] = str(error)
    bad = []
    for code, reason in reasons.items():
        shown = distinct[code] if code >= 0 else ""
        bad += [(row, shown, reason) for row in np.flatnonzero(indices == code).tolist()]
    if column in STRINGS:
        return texts.codes(v if isinstance(v, str) else None for v in values_of)[indices], bad
    null = np.nan if dtype.kind == "f" else -1
    return np.array([null if v is None else v for v in values_of], dtype)[indices], bad


def _timestamps(array: pa.Array) -> tuple[np.ndarray, list[tuple[int, str, str]]]:
    """Microseconds since 1970 of Arrow timestamps of any unit; without a zone they are UTC."""
    unit = array.type.unit
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    missing = array.is_null().to_numpy(zero_copy_only=False)
    ticks = pc.fill_null(array.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    # Compared in the file's own unit: a damaged clock would overflow when it is turned into microseconds.
    first, end = (bound // 10**6 * per_second for bound in (TIME_FIRST_US, TIME_END_US))
    wrong = ~missing & ((ticks < first) | (ticks >= end))
    bad = [(row, "", "missing") for row in np.flatnonzero(missing).tolist()]
    bad += [(row, f"{ticks[row]} {unit} since 1970", TIME_OUTSIDE) for row in np.flatnonzero(wrong).tolist()]
    micros = np.where(wrong | missing, 0, ticks)
    return micros // 1000 if unit == "ns" else micros * (10**6 // per_second), bad


def _as_text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
