"""What Spark's workers run: whole vessels out of record batches, then the same kernel as the local engine.

Nothing here knows of Spark: Arrow record batches come in and go out. Tables travel to the driver as Arrow streams in
binary columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from sealane.emissions.layout import GRID_FIELDS
from sealane.inventory.batch import Batch, compute
from sealane.inventory.batch_context import Context
from sealane.inventory.prepare import prepare
from sealane.inventory.settings import Settings
from sealane.movement.positions import POSITION_SCHEMA
from sealane.movement.tracks import TRACK_SCHEMA, Tracks

_TABLES = ("calls", "events", "activity", "load_lines", "inventory", "voyages")
_STOP_SCHEMA = pa.schema(
    [
        ("mmsi", pa.int32()),
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("spread_m", pa.float64()),
        ("heading_range_deg", pa.float64()),
        ("length_m", pa.float64()),
        ("hours", pa.float64()),
        ("status", pa.int64()),
        ("begin_s", pa.float64()),
        ("positions", pa.int64()),
    ]
)
_GRID_SCHEMA = pa.schema([("cell", pa.int64()), ("sums", pa.list_(pa.int64(), GRID_FIELDS))])
_SEEN_SCHEMA = pa.schema([("mmsi", pa.int32()), ("us", pa.list_(pa.int64(), 3))])

# Spark knows no unsigned integers: the one such column of a track travels as a signed byte.
_SPARK_TRACKS = pa.schema([f.with_type(pa.int8()) if f.type == pa.uint8() else f for f in TRACK_SCHEMA])
# A row of the first pass is either a report of a clean track or, once a chunk, what was learnt of it.
LEARNT_SCHEMA = pa.schema(
    [
        ("first_us", pa.int64()),
        ("last_us", pa.int64()),
        ("static", pa.binary()),
        ("stops", pa.binary()),
        ("quality", pa.binary()),
    ]
)
FIRST_SCHEMA = pa.schema([*_SPARK_TRACKS, *LEARNT_SCHEMA])
SECOND_SCHEMA = pa.schema([(name, pa.binary()) for name in (*_TABLES, "grid", "seen")])
_DDL = {
    pa.int8(): "tinyint",
    pa.int16(): "smallint",
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.string(): "string",
    pa.binary(): "binary",
    pa.timestamp("us", tz="UTC"): "timestamp",
}


def ddl(schema: pa.Schema) -> str:
    """A schema in the words of Spark SQL."""
    return ", ".join(f"{field.name} {_DDL[field.type]}" for field in schema)


def whole_vessels(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Join batches into tables of whole vessels; a vessel that goes on in the next batch is carried over.

    Parameters
    ----------
    batches : record batches of one schema with a column ``mmsi``, all rows of a vessel one after another.
    rows : a table is handed on as soon as so many rows are held; the last one may have fewer, and one has more where
        a single vessel does.
    """
    held: list[pa.RecordBatch] = []
    count = 0
    last_mmsi = None
    for batch in batches:
        if batch.num_rows == 0:
            continue
        mmsi = batch.column("mmsi").to_numpy()
        changes = np.flatnonzero(mmsi[1:] != mmsi[:-1])
        cut = int(changes[-1]) + 1 if changes.size else 0  # where the vessel begins that may go on
        ends_here = cut > 0 or (last_mmsi is not None and mmsi[0] != last_mmsi)
        if ends_here and count + cut >= rows:
            yield pa.Table.from_batches([*held, batch.slice(0, cut)] if cut else held)
            held, count = [batch.slice(cut)], batch.num_rows - cut
        else:
            held.append(batch)
            count += batch.num_rows
        last_mmsi = mmsi[-1]
    if held:
        yield pa.Table.from_batches(held)


def to_bytes(table: pa.Table) -> bytes:
    """A table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def from_bytes(data: bytes | bytearray) -> pa.Table:
    """The table that `to_bytes` wrote."""
    return pa.ipc.open_stream(pa.py_buffer(bytes(data))).read_all()


def _with_nulls(columns: Mapping[str, Any], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    """A record batch of ``schema``; columns that are not given are null."""
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def prepare_partition(
    batches: Iterable[pa.RecordBatch], settings: Settings, with_stops: bool, rows: int
) -> Iterator[pa.RecordBatch]:
    """First pass over one sorted partition: the clean reports, and after each chunk what was learnt of it."""
    for table in whole_vessels(batches, rows):
        prepared = prepare(table.select(POSITION_SCHEMA.names).cast(POSITION_SCHEMA), settings, with_stops=with_stops)
        tracks = prepared.tracks
        if len(tracks):
            columns = {name: getattr(tracks, name) for name in TRACK_SCHEMA.names}
            columns["speed_derived"] = tracks.speed_derived.view(np.int8)
            yield _with_nulls(columns, FIRST_SCHEMA, len(tracks))
        first_us, last_us = tracks.period_us() or (None, None)
        stops = pa.Table.from_pylist([asdict(stop) for stop in prepared.stops], schema=_STOP_SCHEMA)
        learnt = {
            "first_us": [first_us],
            "last_us": [last_us],
            "static": [to_bytes(prepared.static)],
            "stops": [to_bytes(stops)],
            "quality": [to_bytes(prepared.quality)],
        }
        yield _with_nulls(learnt, FIRST_SCHEMA, 1)


def compute_partition(batches: Iterable[pa.RecordBatch], context: Context, rows: int) -> Iterator[pa.RecordBatch]:
    """Second pass over one partition of clean tracks: every output table of each chunk, as Arrow stream bytes."""
    for table in whole_vessels(batches, rows):
        tracks = table.select(TRACK_SCHEMA.names).cast(TRACK_SCHEMA).combine_chunks()
        yield batch_to_row(compute(Tracks.from_arrow(tracks), context))


def batch_to_row(batch: Batch) -> pa.RecordBatch:
    """One row that holds a whole batch, in `SECOND_SCHEMA`."""

    def listed(values: np.ndarray, schema: pa.Schema) -> pa.Array:
        return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), schema.field(1).type.list_size)

    grid = pa.table([pa.array(batch.grid_cell), listed(batch.grid, _GRID_SCHEMA)], schema=_GRID_SCHEMA)
    seen = pa.table([pa.array(batch.vessel_mmsi), listed(batch.seen_us, _SEEN_SCHEMA)], schema=_SEEN_SCHEMA)
    row = {name: [to_bytes(batch.tables[name])] for name in _TABLES}
    return _with_nulls({**row, "grid": [to_bytes(grid)], "seen": [to_bytes(seen)]}, SECOND_SCHEMA, 1)


def batch_from_row(row: Mapping[str, Any]) -> Batch:
    """The batch that `batch_to_row` wrote."""

    def matrix(table: pa.Table) -> np.ndarray:
        column = table.column(1).combine_chunks()
        return column.flatten().to_numpy().reshape(len(column), column.type.list_size)

    grid, seen = from_bytes(row["grid"]), from_bytes(row["seen"])
    return Batch(
        tables={name: from_bytes(row[name]) for name in _TABLES},
        grid_cell=grid.column("cell").to_numpy(),
        grid=matrix(grid),
        vessel_mmsi=seen.column("mmsi").to_numpy(),
        seen_us=matrix(seen),
    )
