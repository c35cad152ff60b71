"""The plain Parquet scan and the kernel on the same file, the same columns, the same threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import synthetic

from sealane.emissions.static_data import STATIC_SUMMARY_SCHEMA
from sealane.emissions.vessels import resolve_vessels
from sealane.inventory.batch import Batch, Context, compute
from sealane.inventory.context import build_context
from sealane.inventory.settings import Settings
from sealane.inventory.shore_power import Connections
from sealane.movement.tracks import TRACK_SCHEMA, Tracks
from sealane.movement.zones import ZoneSet, read_zones, shipped_zones

PORT = "USLAX"
_Result = TypeVar("_Result")
# What the kernel reads of a clean track.
COLUMNS = ("mmsi", "time_us", "lat", "lon", "speed_dkn", "nav_status", "draught_dm")


def zones(file: Path) -> ZoneSet:
    """The shipped zones of the port and the synthetic berths."""
    return ZoneSet((*read_zones(file).zones, *shipped_zones(PORT).zones))


def context(rows: int, zone_file: Path) -> Context:
    """Vessels, factors and zones of the synthetic ships."""
    numbers = np.arange(synthetic.ship_count(rows))
    length = 120.0 + (numbers * 37) % 280
    begin = datetime.fromtimestamp(synthetic.START_S, UTC)
    end = datetime.fromtimestamp(synthetic.START_S + synthetic.SPAN_S, UTC)
    n = len(numbers)
    static = {
        "mmsi": synthetic.MMSI_FIRST + numbers,
        "transceiver_class": ["A"] * n,
        "vessel_name": [f"SYNTHETIC {k}" for k in numbers],
        "ais_type": 70 + 10 * (numbers % 2),
        "length_m": length,
        "beam_m": np.floor(length / 7),
        "rows": np.ones(n, np.int64),
        "first_time": [begin] * n,
        "last_time": [end] * n,
    }
    arrays = [
        pa.array(static[f.name], f.type) if f.name in static else pa.nulls(n, f.type) for f in STATIC_SUMMARY_SCHEMA
    ]
    register = resolve_vessels(pa.Table.from_arrays(arrays, schema=STATIC_SUMMARY_SCHEMA))
    return build_context(
        register,
        zones(zone_file),
        PORT,
        method="epa-2022",
        gwp="ar5",
        settings=Settings(),
        first=begin,
        last=end,
        connections=Connections(),
    ).context


def read_group(path: Path, group: int) -> dict[str, np.ndarray]:
    """The kernel's columns of one row group, decoded to arrays."""
    with pq.ParquetFile(path) as file:
        table = file.read_row_group(group, columns=list(COLUMNS), use_threads=False)
    return {name: table.column(name).to_numpy() for name in COLUMNS}


def to_tracks(columns: dict[str, np.ndarray]) -> Tracks:
    """Arrays as tracks; the columns the kernel does not look at are empty views."""
    n = len(columns["mmsi"])
    rest = {
        f.name: np.broadcast_to(np.zeros(1, f.type.to_pandas_dtype()), n) for f in TRACK_SCHEMA if f.name not in columns
    }
    return Tracks(**columns, **rest)


def _over_groups(path: Path, threads: int, work: Callable[[int], _Result]) -> list[_Result]:
    groups = pq.ParquetFile(path).num_row_groups
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(groups)))


def scan(path: Path, threads: int) -> int:
    """Read and decode everything the kernel needs; return the rows."""
    return sum(_over_groups(path, threads, lambda group: len(read_group(path, group)["mmsi"])))


def run(path: Path, threads: int, known: Context, *, with_grid: bool = True) -> list[Batch]:
    """Read, join, locate, find calls, sum and build every output table, the heat map too unless switched off."""
    return _over_groups(
        path, threads, lambda group: compute(to_tracks(read_group(path, group)), known, with_grid=with_grid)
    )


def total_grams(batches: Sequence[Batch], pollutant: str) -> float:
    """Tank-to-wake mass of one pollutant [g]."""
    import pyarrow.compute as pc

    total = 0.0
    for batch in batches:
        table = batch.tables["inventory"]
        names = table["pollutant"].cast(pa.string())
        chosen = pc.and_(pc.equal(names, pollutant), pc.equal(table["basis"].cast(pa.string()), "ttw"))
        total += pc.sum(table["grams"].filter(chosen)).as_py() or 0.0
    return total
