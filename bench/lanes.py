"""Lanes from millions of port calls: SYNTHETIC calls of liner services, read, put together, worked out, written.

    python bench/lanes.py [--calls N] [--quick]

Prints one line of JSON: calls, seconds of reading and of the lane, calls a second, peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sealane.corridors.call_table import CALLS_SCHEMA, read_call_table
from sealane.corridors.lanes.document import read_corridor
from sealane.corridors.lanes.run import run_lane

CALLS = 5_000_000
QUICK_CALLS = 200_000
CALLS_A_SHIP = 60
ROTATIONS = (
    ("USLGB", "USLAX", "USOAK", "JPTYO", "CNSHA", "KRPUS"),
    ("USLAX", "JPYOK", "CNSHA", "SGSIN", "KRPUS", "USOAK"),
    ("USLAX", "CNSHA", "KRPUS", "JPNGO", "SGSIN", "TWKHH"),
    ("USOAK", "USLAX", "KRPUS", "JPTYO", "CNDLC", "TWKEL"),
)
SUBTYPES = ("3,000 TEU", "5,000 TEU", "8,000 TEU", "12,000 TEU", "14,500 TEU")
HOUR_US = 3_600_000_000
START_US = 1_735_689_600_000_000  # 2025-01-01


def synthetic_calls(rows: int, seed: int = 1) -> pa.Table:
    """SYNTHETIC calls: `CALLS_A_SHIP` a ship, cargo told, half of the distances logged."""
    rng = np.random.default_rng(seed)
    ships = -(-rows // CALLS_A_SHIP)
    stems = 100_000 + np.arange(ships)
    weights = np.arange(7, 1, -1)
    imo = stems * 10 + (stems[:, None] // 10 ** np.arange(5, -1, -1) % 10) @ weights % 10
    ship = np.repeat(np.arange(ships), CALLS_A_SHIP)[:rows]
    turn = np.tile(np.arange(CALLS_A_SHIP), ships)[:rows]
    names = sorted({port for rotation in ROTATIONS for port in rotation})
    table = np.array([[names.index(port) for port in rotation] for rotation in ROTATIONS], np.int32)
    port = table[ship % len(ROTATIONS), turn % table.shape[1]]
    stay_h, sea_h = rng.uniform(20, 60, rows), rng.uniform(60, 420, rows)
    step = (stay_h + sea_h) * HOUR_US
    ends = np.cumsum(step)
    first = np.searchsorted(ship, np.arange(ships))
    begin = START_US + (ends - step - (ends - step)[first][ship]).astype(np.int64)
    onboard = rng.uniform(2_000, 9_000, rows)
    sailed = np.where(rng.random(rows) < 0.5, sea_h * 15.0, np.nan)
    kinds = pa.DictionaryArray.from_arrays
    columns: dict[str, Any] = {
        "imo": pa.array(imo[ship], pa.int32()),
        "ship_class": kinds(pa.array(np.zeros(rows, np.int32)), pa.array(["Container Ship"])).cast(pa.string()),
        "subtype": kinds(pa.array((ship % len(SUBTYPES)).astype(np.int32)), pa.array(SUBTYPES)).cast(pa.string()),
        "port": kinds(pa.array(port), pa.array(names)).cast(pa.string()),
        "arrival": pa.array(begin, CALLS_SCHEMA.field("arrival").type),
        "departure": pa.array(begin + (stay_h * HOUR_US).astype(np.int64), CALLS_SCHEMA.field("departure").type),
        "berth_h": pa.array(stay_h * 0.8),
        "onboard_teu_departure": pa.array(onboard),
        "cargo_teu_loaded": pa.array(onboard * 0.2),
        "cargo_teu_discharged": pa.array(onboard * 0.2),
        "sailed_nm": pa.array(sailed, from_pandas=True),
    }
    return pa.table(columns).replace_schema_metadata({"sealane": "SIMULATED"})


def measure(rows: int) -> dict[str, Any]:
    """Seconds and memory of a lane from so many calls; compiled and with the routes known."""
    corridor = read_corridor("la-lb-shanghai")
    with tempfile.TemporaryDirectory(prefix="sealane-bench-") as scratch:
        folder = Path(scratch)
        pq.write_table(synthetic_calls(10_000), folder / "small.parquet")
        run_lane(corridor, read_call_table([folder / "small.parquet"]), folder / "small")
        pq.write_table(synthetic_calls(rows), folder / "calls.parquet", compression="zstd")
        begin, cpu = time.perf_counter(), time.process_time()
        calls = read_call_table([folder / "calls.parquet"])
        middle = time.perf_counter()
        result = run_lane(corridor, calls, folder / "lane")
        end, cpu = time.perf_counter(), time.process_time() - cpu
        size = sum(path.stat().st_size for path in (folder / "lane").iterdir())
    return {
        "calls": rows,
        "read_s": round(middle - begin, 2),
        "lane_s": round(end - middle, 2),
        "cpu_s": round(cpu, 2),  # on a machine that others use too, the fairer figure
        "calls_per_s": round(rows / (end - begin)),
        "legs_on_lane": result.summary["counts"]["legs_on_lane"],
        "output_mb": round(size / 1e6, 1),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Lanes from SYNTHETIC port calls.")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    print(json.dumps(measure(QUICK_CALLS if args.quick else args.calls)))


if __name__ == "__main__":
    main()
