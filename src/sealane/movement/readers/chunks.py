"""What every reader yields: columns of positions, and beside them what could not be read.

Between reader and Parquet a position column is a plain NumPy array with a sentinel for null, and strings are codes of
one :class:`TextPool`, so that sorting rows into buckets copies fixed-width numbers only.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sealane.movement.positions import POSITION_COLUMNS, POSITION_SCHEMA
from sealane.movement.readers.fields import STRINGS

VALUE_CHARACTERS = 200
NULL_CODE = -1

Columns = Mapping[str, np.ndarray]


def _dtype(name: str) -> np.dtype:
    if name in STRINGS:
        return np.dtype(np.int32)
    if name == "time":
        return np.dtype(np.int64)
    return np.dtype(POSITION_COLUMNS[name][0].to_pandas_dtype())


# Floats have nan for null, all others -1, which no code of theirs takes; mmsi, time, lat and lon are never null.
COLUMN_DTYPES: dict[str, np.dtype] = {name: _dtype(name) for name in POSITION_COLUMNS}


@dataclass(frozen=True)
class Reject:
    """A row that could not be read, or a field of a row that was set to null.

    Attributes
    ----------
    record : number of the data record, the first after the header is 1.
    line : number of its first physical line in the file, from 1; None where the format has no lines.
    column : the file's column, empty where the record as a whole is at fault.
    value : what stands there, cut to 200 characters.
    reason : why; begins with ``field ignored`` where the row was kept.
    row_lost : False where the row was kept without the field.
    """

    record: int
    line: int | None
    column: str
    value: str
    reason: str
    row_lost: bool


@dataclass(frozen=True)
class Chunk:
    """Some rows of one file, in the file's order.

    Attributes
    ----------
    columns : every position column, of COLUMN_DTYPES.
    rows : their length.
    rejects : in the order of records.
    rows_lost : records that gave no row.
    latin1_fields : text fields that were not UTF-8 and were read as Latin-1.
    bytes_done : bytes of the input file read so far.
    """

    columns: Columns
    rows: int
    rejects: tuple[Reject, ...]
    rows_lost: int
    latin1_fields: int
    bytes_done: int


class TextPool:
    """Numbers the distinct strings of one staging run; safe to use from several threads."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: list[str] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._texts)

    def codes(self, texts: Iterable[str | None]) -> np.ndarray:
        """int32 codes of `texts`, NULL_CODE for None."""
        with self._lock:
            out = []
            for text in texts:
                if text is None:
                    out.append(NULL_CODE)
                    continue
                code = self._codes.get(text)
                if code is None:
                    code = self._codes[text] = len(self._texts)
                    self._texts.append(text)
                out.append(code)
        return np.array(out, np.int32)

    def to_arrow(self, codes: np.ndarray) -> pa.DictionaryArray:
        """The strings of `codes`, with a dictionary of only those that occur."""
        if len(self._texts) > 4 * codes.size:
            used = np.unique(codes)
        else:  # marking is cheaper than sorting
            seen = np.zeros(len(self._texts) + 1, bool)
            seen[codes] = True
            seen[NULL_CODE] = False
            used = np.flatnonzero(seen)
        used = used[used != NULL_CODE]
        place = np.full(len(self._texts) + 1, NULL_CODE, np.int32)
        place[used] = np.arange(used.size, dtype=np.int32)
        indices = place[codes]
        texts = [self._texts[code] for code in used.tolist()]
        return pa.DictionaryArray.from_arrays(pa.array(indices, mask=indices < 0), pa.array(texts, pa.string()))


def shorten(value: str) -> str:
    """A value as it is shown in rejects.csv."""
    return value if len(value) <= VALUE_CHARACTERS else value[:VALUE_CHARACTERS] + "…"


def null_column(name: str, rows: int) -> np.ndarray:
    """A column of nulls."""
    dtype = COLUMN_DTYPES[name]
    return np.full(rows, np.nan if dtype.kind == "f" else -1, dtype)


def from_batch(batch: pa.RecordBatch, pool: TextPool) -> dict[str, np.ndarray]:
    """The columns of a batch in POSITION_SCHEMA."""
    columns = {}
    for name, dtype in COLUMN_DTYPES.items():
        array = batch.column(name)
        if name in STRINGS:
            coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
            place = np.append(pool.codes(coded.dictionary.to_pylist()), np.int32(NULL_CODE))
            columns[name] = place[pc.fill_null(coded.indices, len(place) - 1).to_numpy(zero_copy_only=False)]
        else:
            plain = array.cast(pa.int64()) if name == "time" else array
            null = np.nan if dtype.kind == "f" else -1
            columns[name] = pc.fill_null(plain, null).to_numpy(zero_copy_only=False).astype(dtype, copy=False)
    return columns


def to_arrow(columns: Columns, pool: TextPool) -> list[pa.Array]:
    """The columns as Arrow arrays in the order of POSITION_SCHEMA, strings dictionary-encoded."""
    arrays = []
    for field in POSITION_SCHEMA:
        values = columns[field.name]
        if field.name in STRINGS:
            arrays.append(pool.to_arrow(values))
        elif field.name == "time":
            arrays.append(pa.array(values).view(field.type))
        else:
            null = np.isnan(values) if values.dtype.kind == "f" else values == -1
            arrays.append(pa.array(values, field.type, mask=null if null.any() else None))
    return arrays
