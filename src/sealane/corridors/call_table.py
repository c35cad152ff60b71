"""The table of port calls that lanes, arrival in time and rules on a call stand on.

One row a call of one ship at one port, whoever told it: one's own AIS (a folder of ``sealane inventory``), a file, a
partner's port call events. `read_calls` reads them, refuses what cannot be true with all faults at once, and puts
together what two sources tell of the same call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.errors import DataError, Fault, FileFormatError
from sealane.inventory.schemas import Column

_TIME = pa.timestamp("us", tz="UTC")
_F = pa.float64()
_S = pa.string()

SOURCES = ("own_ais", "own_file", "partner")
"""Kinds of source in the order of trust; a partner's rows carry ``partner:<id>``."""

CALL_COLUMNS: Mapping[str, Column] = {
    "call_id": Column(_S, "", "name of the call; made from port, ship and arrival where none is given"),
    "imo": Column(pa.int32(), "IMO number", "with a valid check digit; this or mmsi is required"),
    "mmsi": Column(pa.int32(), "MMSI", "Maritime Mobile Service Identity"),
    "ship_name": Column(_S, "", "name of the ship; SIMULATED ships begin so"),
    "carrier": Column(_S, "", "who operates the ship or the service"),
    "ship_class": Column(_S, "", "class as in EPA Table E.1, e.g. Container Ship"),
    "subtype": Column(_S, "", "size class as in EPA Table E.1, e.g. 8,000 TEU; else told from teu, dwt or gt"),
    "teu": Column(_F, "TEU", "container capacity"),
    "dwt": Column(_F, "t", "deadweight"),
    "gt": Column(_F, "GT", "gross tonnage"),
    "port": Column(_S, "UN/LOCODE", "port of call"),
    "terminal": Column(_S, "", "terminal of the call"),
    "arrival": Column(_TIME, "UTC", "arrival at the port limit; this or departure is required"),
    "departure": Column(_TIME, "UTC", "departure over the port limit"),
    "anchorage_start": Column(_TIME, "UTC", "begin of the first stay at anchor"),
    "anchorage_end": Column(_TIME, "UTC", "end of the last stay at anchor"),
    "berth_start": Column(_TIME, "UTC", "first all fast"),
    "berth_end": Column(_TIME, "UTC", "last line let go"),
    "anchorage_h": Column(_F, "h", "hours at anchor"),
    "berth_h": Column(_F, "h", "hours at berth"),
    "manoeuvring_h": Column(_F, "h", "hours manoeuvring inside the call"),
    "transit_h": Column(_F, "h", "hours in transit inside the call"),
    "drift_h": Column(_F, "h", "hours idle outside any berth or anchorage"),
    "shore_power_start": Column(_TIME, "UTC", "connected to shore power; null where unknown"),
    "shore_power_end": Column(_TIME, "UTC", "disconnected from shore power; null where unknown"),
    "cargo_teu_loaded": Column(_F, "TEU", "loaded in the call"),
    "cargo_teu_discharged": Column(_F, "TEU", "discharged in the call"),
    "cargo_t_loaded": Column(_F, "t", "loaded in the call"),
    "cargo_t_discharged": Column(_F, "t", "discharged in the call"),
    "onboard_teu_departure": Column(_F, "TEU", "on board at departure"),
    "onboard_t_departure": Column(_F, "t", "on board at departure"),
    "lane_teu_departure": Column(
        _F, "TEU", "of what is on board at departure: loaded at one end of the corridor in question for the other"
    ),
    "lane_t_departure": Column(
        _F, "t", "of what is on board at departure: loaded at one end of the corridor in question for the other"
    ),
    "sailed_nm": Column(_F, "nm", "distance sailed since the previous call, as logged or observed"),
    "sailed_from": Column(
        _S, "UN/LOCODE", "port that sailed_nm counts from; null: the previous call, whatever its port"
    ),
    "sailed_eca_nm": Column(_F, "nm", "part of it inside emission control areas"),
    "sailed_unobserved_h": Column(_F, "h", "hours since the previous call without reports; null: as logged, none"),
    "source": Column(_S, "", "own_ais, own_file or partner:<id>"),
    "observed": Column(pa.bool_(), "", "the times are actual ones, not planned or estimated"),
    "simulated": Column(pa.bool_(), "", "the row is SIMULATED"),
}

READING_RULES = (
    "`sealane lane`, `arrival` and the rules on a call read CSV (UTF-8, comma), Excel (.xlsx, first sheet) or Parquet "
    "with these columns, in any order, and folders of `sealane inventory` or `calls`. Needed are `port`, `imo` or "
    "`mmsi`, and `arrival` or `departure`; what is not known is left empty. Times are ISO 8601 with their zone, "
    "e.g. `2026-07-01T08:15:00Z`; a date cell of Excel has none and is read as UTC. A row that begins with `#` is a "
    "comment; one that holds SIMULATED in front of the header marks the whole file. A column whose name begins with "
    "`note` is ignored, any other unknown one is a fault."
)

CALLS_SCHEMA = pa.schema([(name, column.type) for name, column in CALL_COLUMNS.items()])
"""Columns of the call table. Rows are in the order of ship (IMO number, else MMSI) and time."""

TIME_COLUMNS = tuple(name for name, column in CALL_COLUMNS.items() if column.type == _TIME)
NUMBER_COLUMNS = tuple(name for name, column in CALL_COLUMNS.items() if column.type == _F)
HOUR_COLUMNS = ("anchorage_h", "berth_h", "manoeuvring_h", "transit_h", "drift_h")


@dataclass(frozen=True)
class CallInput:
    """A file or folder that calls came from: its name, SHA-256, rows, and kind of source."""

    name: str
    sha256: str
    rows: int
    source: str


@dataclass(frozen=True)
class CallTable:
    """Calls read, checked and put together.

    Attributes
    ----------
    table : columns of `CALLS_SCHEMA`, sorted by ship and time.
    inputs : where they came from.
    told_twice : rows left out because a source of more trust, or the same one, tells the same call.
    notes : what the reader must know.
    particulars : ``vessels.parquet`` of the inventories.
    agreements : under which agreements partners' calls came, and how these stand: plain values for the result.
    """

    table: pa.Table
    inputs: tuple[CallInput, ...]
    told_twice: int = 0
    notes: tuple[str, ...] = ()
    particulars: pa.Table | None = field(default=None, repr=False)
    agreements: tuple[Mapping[str, Any], ...] = ()


def ship_key(calls: pa.Table) -> NDArray[np.int64]:
    """Number that names the ship of each row: IMO number, else MMSI; shape ``(rows,)``."""
    imo = calls["imo"].fill_null(0).to_numpy().astype(np.int64)
    mmsi = calls["mmsi"].fill_null(0).to_numpy().astype(np.int64)
    return np.where(imo > 0, imo, mmsi)


def micros(column: pa.ChunkedArray, missing: int = np.iinfo(np.int64).min) -> NDArray[np.int64]:
    """A time column as microseconds since 1970; `missing` where null."""
    return column.cast(pa.int64()).fill_null(missing).to_numpy()


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A number column as float64; NaN where null."""
    return column.cast(_F).fill_null(float("nan")).to_numpy()


def null_columns(length: int) -> Callable[[pa.DataType], pa.Array]:
    """Gives columns of nulls, one and the same for each type: most columns of most tables are null throughout."""
    return cache(lambda kind: pa.nulls(length, kind))


def take_calls(calls: pa.Table, rows: NDArray[np.int64], names: Sequence[str] | None = None) -> pa.Table:
    """Rows of a call table in a given order; columns that are null throughout take no room.

    Parameters
    ----------
    calls : the table.
    rows : numbers of the rows wanted.
    names : columns wanted; None: all.
    """
    wanted = pa.array(rows)
    nulls = null_columns(len(rows))
    names = calls.column_names if names is None else names
    columns = [
        nulls(column.type) if column.null_count == len(column) else column.take(wanted)
        for column in (calls[name] for name in names)
    ]
    return pa.table(columns, schema=pa.schema([calls.schema.field(name) for name in names]))


def read_calls(paths: Iterable[Path | str]) -> pa.Table:
    """Read port calls; the table of `read_call_table`."""
    return read_call_table(paths).table


def read_call_table(paths: Iterable[Path | str], more: Sequence[pa.Table] = ()) -> CallTable:
    """Read port calls from files and folders, check them and put them together.

    Parameters
    ----------
    paths : CSV (UTF-8, comma), Excel (.xlsx, first sheet) or Parquet with columns of `CALL_COLUMNS`, or a folder of
        ``sealane inventory`` or ``sealane calls``. Times are ISO 8601 with zone; a row that begins with ``#`` is a
        comment, and one that holds SIMULATED marks the file. A column whose name begins with ``note`` is ignored.
    more : further tables of `CALLS_SCHEMA`, such as partners' calls out of a node; columns may be missing.

    Returns
    -------
    CallTable
        the same for any order and division of the input. Where two sources tell the same call (same ship and port,
        times overlapping or at most the hours of row ``same_call`` of table ``lane_limits`` apart) the row of the
        more trusted one stands, and what it lacks is filled from the other.

    Raises
    ------
    FileFormatError
        if a file is missing or no such table.
    DataError
        listing every fault with file, row and column: no ship, port or time, wrong check digit, end before begin,
        more hours than the call has, a ship in two ports at once, one source telling one call twice.
    """
    from sealane.corridors.call_files import read_call_file
    from sealane.corridors.call_folder import is_inventory_folder, read_inventory_folder
    from sealane.corridors.call_merge import Part, merge_parts

    parts: list[Part] = []
    faults: list[Fault] = []
    particulars: list[pa.Table] = []
    for path in map(Path, paths):
        if is_inventory_folder(path):
            part, vessels = read_inventory_folder(path)
            if vessels is not None:
                particulars.append(vessels)
        elif path.is_dir():
            raise FileFormatError(
                f"{path} holds no calls.parquet. Give a folder of 'sealane inventory' or 'sealane calls', or a file."
            )
        else:
            part = read_call_file(path, faults)
        parts.append(part)
    for number, table in enumerate(more):
        source = table["source"][0].as_py() if len(table) else "partner"
        digest = hashlib.sha256(repr(table.to_pydict()).encode()).hexdigest()
        parts.append(Part.of(table, f"{source} calls {number + 1}", digest, "partner"))
    if not parts:
        raise DataError("No port calls.", [Fault("calls", "no file and no folder", "Give at least one")])
    return merge_parts(parts, faults, particulars)
