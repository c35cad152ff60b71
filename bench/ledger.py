"""How long appends, proofs and roots take as the log grows: `python bench/ledger.py [--quick] [--url URL]`.

The entries are made up, of the size and kind of a sent event. Appends are batches of 500, as deliveries make them, and
single entries; a proof is timed at random places, warm. The claim is that a proof costs time logarithmic in the size:
the fit says how much each tenfold growth adds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.exchange import ledger
from sealane.exchange.ledger import Entry, EntryKind
from sealane.exchange.ledger_check import faults_of_stored

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK = (1_000, 10_000, 50_000)
BATCH = 500
PROOFS = 300
MICROSECOND = 1e-6


def entries(first: int, count: int) -> list[Entry]:
    """Return made-up entries of sent events."""
    return [
        Entry(
            EntryKind.EVENT_SEALED,
            "urn:sealane:bench:partner",
            f"5ea1a4e0-0000-4000-8000-{number:012d}",
            {
                "stream": "5" * 64,
                "sequence": number,
                "digest": f"{number:064x}",
                "agreement": "bench-agreement",
                "version": 1,
                "clause": "port-calls",
                "outcome": "trim",
                "reason": "fields_trimmed",
                "withheld": ["vessel.vesselName"],
            },
        )
        for number in range(first, first + count)
    ]


def grow(database: Database, start: int, stop: int, now: dt.datetime) -> list[tuple[float, float]]:
    """Append in batches until the log has ``stop`` entries; return (seconds, processor seconds) of each commit."""
    seconds = []
    for first in range(start, stop, BATCH):
        made = entries(first, min(BATCH, stop - first))
        begin, used = time.perf_counter(), time.thread_time()
        with database.write() as connection:
            ledger.append(connection, made, now)
        seconds.append((time.perf_counter() - begin, time.thread_time() - used))
    return seconds


def timed(count: int, work: Callable[[], Any]) -> dict[str, float]:
    """Return median and 99th percentile by the clock, and the median of processor time, in microseconds.

    The latter says what the work costs on a machine that is busy with other things.
    """
    work()
    wall, processor = [], []
    for _ in range(count):
        begin, used = time.perf_counter(), time.thread_time()
        work()
        processor.append(time.thread_time() - used)
        wall.append(time.perf_counter() - begin)
    wall.sort()
    return {
        "p50_us": round(statistics.median(wall) / MICROSECOND, 1),
        "p99_us": round(wall[int(len(wall) * 0.99)] / MICROSECOND, 1),
        "processor_p50_us": round(statistics.median(processor) / MICROSECOND, 1),
    }


def proofs(connection: sa.Connection, size: int, chance: random.Random) -> dict[str, Any]:
    """Time proofs for random places, and the root."""
    return {
        "inclusion": timed(PROOFS, lambda: ledger.inclusion_proof(connection, chance.randrange(size), size)),
        "consistency": timed(PROOFS, lambda: ledger.consistency_proof(connection, chance.randrange(1, size), size)),
        "root": timed(PROOFS, lambda: ledger.root_at(connection, size)),
    }


def growth(sizes: list[int], values: list[float]) -> dict[str, float]:
    """Fit value = a + b log10(size) and value = c size**d; an exponent near 0 is logarithmic, 1 is linear."""
    logs = [math.log10(size) for size in sizes]
    slope, intercept = statistics.linear_regression(logs, values)
    exponent, _ = statistics.linear_regression(logs, [math.log10(value) for value in values])
    return {"at_1": round(intercept, 1), "each_tenfold_adds": round(slope, 1), "exponent": round(exponent, 3)}


def measure(database: Database, sizes: tuple[int, ...], seed: int = 1) -> dict[str, Any]:
    """Measure one database, which has its tables and an empty log."""
    chance, now, have = random.Random(seed), dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 0
    rows = []
    for size in sizes:
        batches = grow(database, have, size, now)
        have = size
        recent = batches[-max(20, len(batches) // 10) :]
        row: dict[str, Any] = {
            "size": size,
            "append_batch": {
                "p50_us": round(statistics.median(wall for wall, _ in recent) / MICROSECOND, 1),
                "processor_p50_us": round(statistics.median(used for _, used in recent) / MICROSECOND, 1),
            },
        }
        with database.read() as connection:
            row |= proofs(connection, size, chance)
        single = []
        for number in range(50):
            begin = time.perf_counter()
            with database.write() as connection:
                ledger.append(connection, entries(have + number, 1), now)
            single.append(time.perf_counter() - begin)
        have += 50
        row["append_single_commit_us"] = round(statistics.median(single) / MICROSECOND, 1)
        rows.append(row)
        print(f"  {size:>9} entries: {json.dumps(row)}", file=sys.stderr, flush=True)
    names = [row["size"] for row in rows]
    begin = time.perf_counter()
    with database.read() as connection:
        faults = faults_of_stored(connection)
    assert not faults, faults[:3]
    per_s = round(have / (time.perf_counter() - begin))
    return {
        "rows": rows,
        "growth": {
            f"{name}, {unit.removesuffix('_us')}": growth(names, [row[name][unit] for row in rows])
            for name in ("append_batch", "inclusion", "consistency")
            for unit in ("p50_us", "processor_p50_us")
        },
        "check_all_entries_per_s": per_s,
    }


def run(quick: bool = False, url: str | None = None) -> dict[str, Any]:
    """Measure on a new SQLite file, or on the empty database at an address.

    Returns
    -------
    dict
        ``rows`` by size in microseconds, fits of their growth, and ``targets``.
    """
    with tempfile.TemporaryDirectory(prefix="sealane-bench-") as folder:
        database = Database(url or sqlite_url(Path(folder) / "node.db"))
        try:
            database.create_tables()
            found = measure(database, QUICK if quick else SIZES)
        finally:
            database.close()
    found["database"] = "sqlite" if url is None else "postgresql"
    # A proof reads a number of rows that grows with the logarithm; over three decades a power below 0.2 shows it.
    found["targets"] = {
        f"{name}: logarithmic in the size (exponent < 0.2)": "reached" if fit["exponent"] < 0.2 else "MISSED"
        for name, fit in found["growth"].items()
    }
    found["load_average"] = os.getloadavg()
    return found


def main() -> None:
    """Print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="up to 50,000 entries")
    parser.add_argument("--url", help="address of an empty PostgreSQL database; default: a new SQLite file")
    args = parser.parse_args()
    print(json.dumps(run(args.quick, args.url), indent=1))


if __name__ == "__main__":
    main()
