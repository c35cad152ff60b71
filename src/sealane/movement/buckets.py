"""Write positions as Parquet, one folder per bucket of vessels, with bounded memory.

A bucket is told by the MMSI alone (multiplicative hashing, Knuth, TAOCP 3, 6.4), so that all rows of a vessel stand
in one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sealane.movement.compiled import njit
from sealane.movement.positions import POSITION_SCHEMA, SORT_KEYS
from sealane.movement.readers.chunks import COLUMN_DTYPES, Columns, TextPool, to_arrow
from sealane.movement.readers.fields import STRINGS

MAX_BUCKETS = 1024
_FILE = "positions.parquet"
_ROW_GROUP = (4096, 131_072)
_HASH = np.uint32(2_654_435_769)
# Few distinct values, so a dictionary makes them small; positions and times are stored as they are. Compression on top
# saves an eighth of the bytes and takes a third more time to write (measured on 600,000 rows).
_REPEATING = [name for name in COLUMN_DTYPES if name not in ("mmsi", "time", "lat", "lon")]


def bucket_count(rows: int, rows_per_bucket: int) -> int:
    """The power of two that makes buckets of at most about `rows_per_bucket` rows."""
    wanted = max(1, -(-rows // rows_per_bucket))
    return min(MAX_BUCKETS, 1 << (wanted - 1).bit_length())


def bucket_folder(folder: Path, bucket: int) -> Path:
    """Where the rows of a bucket stand."""
    return folder / f"bucket={bucket:04d}"


def bucket_of(mmsi: np.ndarray, buckets: int) -> np.ndarray:
    """The bucket of each MMSI, for a power of two `buckets`."""
    bits = buckets.bit_length() - 1
    if bits == 0:
        return np.zeros(mmsi.size, np.int64)
    return ((mmsi.astype(np.uint32) * _HASH) >> np.uint32(32 - bits)).astype(np.int64)


@njit(nogil=True, cache=True)
def _places(bucket: np.ndarray, filled: np.ndarray, out: np.ndarray) -> None:
    """Where each row goes in its bucket's buffer; `filled` is counted on."""
    for i in range(bucket.size):
        b = bucket[i]
        out[i] = filled[b]
        filled[b] += 1


@njit(nogil=True, cache=True)
def _scatter(values: np.ndarray, bucket: np.ndarray, place: np.ndarray, out: np.ndarray) -> None:
    for i in range(values.size):
        out[bucket[i], place[i]] = values[i]


class BucketWriter:
    """Holds rows back by bucket and writes a row group when a bucket's buffer is full."""

    def __init__(self, folder: Path, buckets: int, texts: TextPool, buffered_rows: int = 1 << 20) -> None:
        self._folder, self._buckets, self._texts = folder, buckets, texts
        low, high = _ROW_GROUP
        self._rows = max(low, min(high, buffered_rows // buckets))
        self._buffers = {name: np.empty((buckets, self._rows), dtype) for name, dtype in COLUMN_DTYPES.items()}
        self._filled = np.zeros(buckets, np.int64)
        self._writers: dict[int, pq.ParquetWriter] = {}

    def append(self, columns: Columns) -> None:
        """Take rows, in any order of vessels."""
        bucket = bucket_of(columns["mmsi"], self._buckets)
        for start in range(0, bucket.size, self._rows):
            self._append_part(columns, bucket, start, min(start + self._rows, bucket.size))

    def _append_part(self, columns: Columns, bucket: np.ndarray, start: int, end: int) -> None:
        part = bucket[start:end]
        counts = np.bincount(part, minlength=self._buckets)
        for full in np.flatnonzero(self._filled + counts > self._rows).tolist():
            self._write(full)
        place = np.empty(part.size, np.int64)
        _places(part, self._filled, place)
        for name, buffer in self._buffers.items():
            _scatter(columns[name][start:end], part, place, buffer)

    def _write(self, bucket: int) -> None:
        rows = int(self._filled[bucket])
        if rows == 0:
            return
        arrays = to_arrow({name: buffer[bucket, :rows] for name, buffer in self._buffers.items()}, self._texts)
        writer = self._writers.get(bucket)
        if writer is None:
            path = bucket_folder(self._folder, bucket) / _FILE
            path.parent.mkdir(parents=True)
            schema = pa.schema(
                [(f.name, pa.dictionary(pa.int32(), f.type) if f.name in STRINGS else f.type) for f in POSITION_SCHEMA]
            )
            writer = self._writers[bucket] = pq.ParquetWriter(
                path, schema, compression="none", use_dictionary=_REPEATING, write_statistics=False, store_schema=False
            )
        writer.write_table(pa.Table.from_arrays(arrays, schema=writer.schema), row_group_size=rows)
        self._filled[bucket] = 0

    def flush(self) -> None:
        """Write all that is held back."""
        for bucket in range(self._buckets):
            self._write(bucket)

    def close(self) -> tuple[int, ...]:
        """Write the rest and return the buckets that have rows."""
        self.flush()
        for writer in self._writers.values():
            writer.close()
        return tuple(sorted(self._writers))

    def abandon(self) -> None:
        """Close the files without writing further; for the case that staging failed."""
        for writer in self._writers.values():
            writer.close()


def read_sorted(folder: Path, bucket: int, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a bucket sorted by `SORT_KEYS`, nulls last.

    (mmsi, time) is packed into one integer and sorted; only rows that tie in it are compared further. Measured on 1
    M rows this takes a fifth of a sort by (mmsi, time, lat, lon, sog_kn).
    """
    wanted = list(columns) if columns is not None else POSITION_SCHEMA.names
    needed = [name for name in POSITION_SCHEMA.names if name in wanted or name in SORT_KEYS]
    # Texts stay dictionary codes until they are in order: a third of the reading and sorting time is saved.
    texts = [name for name in needed if name in STRINGS]
    path = bucket_folder(folder, bucket) / _FILE
    table = pq.read_table(path, columns=needed, partitioning=None, read_dictionary=texts)
    table = table.unify_dictionaries().combine_chunks()
    order = sort_order(*(_plain(table, name) for name in SORT_KEYS))
    schema = pa.schema([POSITION_SCHEMA.field(name) for name in wanted])
    return table.select(wanted).take(pa.array(order)).cast(schema).combine_chunks()


def _plain(table: pa.Table, name: str) -> np.ndarray:
    column = table.column(name)
    if name == "time":
        column = column.cast(pa.int64())
    if name == "nav_status":
        column = pc.fill_null(column, np.iinfo(np.int8).max)
    return column.to_numpy()


def sort_order(mmsi: np.ndarray, time: np.ndarray, *ties: np.ndarray) -> np.ndarray:
    """Indices that sort by MMSI, time and then each of the further keys; NaN last."""
    vessels, rank = np.unique(mmsi, return_inverse=True)
    first = time.min() if time.size else 0
    span = int(time.max() - first) + 1 if time.size else 1
    if vessels.size * span < np.iinfo(np.int64).max:
        packed = rank * span + (time - first)
        order = np.argsort(packed)  # ties are put in order below
        packed = packed[order]
        tied = np.flatnonzero(packed[1:] == packed[:-1])
    else:  # times that lie too far apart to pack, e.g. one damaged clock
        order = np.lexsort((time, mmsi))
        tied = np.flatnonzero((mmsi[order][1:] == mmsi[order][:-1]) & (time[order][1:] == time[order][:-1]))
    if tied.size:
        member = np.zeros(order.size, bool)
        member[tied] = member[tied + 1] = True
        places = np.flatnonzero(member)
        rows = np.sort(order[places])
        order[places] = rows[np.lexsort((*(key[rows] for key in reversed(ties)), time[rows], mmsi[rows]))]
    return order
