"""How many decisions a second: `python bench/decisions.py [--quick] [--url URL]`.

Python: ``decide`` with trimming, one core, on payloads of about sixty leaves, under a clause that lets all through, one
that takes a few leaves out, one with a prohibition, and one whose filter withholds every record. SQL: the reason of
every record of the table, counted by reason in one statement. The records are made up. Medians of three runs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sealane.agreements.clauses import Clause, Granularity, Outcome, Prohibition, Record, RowFilter, Terms
from sealane.agreements.decisions import decide
from sealane.agreements.fields import leaves_of
from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.tables.products import record as record_table
from sealane.exchange.decisions_sql import reason_case

FULL = {"decisions": 100_000, "rows": 1_000_000}
QUICK = {"decisions": 5_000, "rows": 20_000}
RUNS = 3
TARGET_PER_CPU_S = 50_000
CHUNK = 5_000
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
PURPOSE = "port-call-optimisation"
PORTS = ("USLAX", "JPNGO", "JPYOK", "USLGB")


def body(number: int) -> dict[str, Any]:
    """Return a made-up port call event with the shape of one that forecasts moves for two carriers."""
    return {
        "eventID": f"5ea1a4e0-0000-4000-8000-{number:012d}",
        "eventUpdatedDateTime": "2026-05-01T00:00:00Z",
        "portCall": {f"call{n}": f"text {n}" for n in range(6)},
        "terminalCall": {f"terminal{n}": f"text {n}" for n in range(10)},
        "portCallService": {"type": "BERTH", "event": "ARRI", "phase": "INBD", "facility": "PBPL"},
        "timestamp": {"classifier": "EST", "service": "2026-05-02T00:00:00Z", "delay": None, "remark": ""},
        "vessel": {f"vessel{n}": n * 1.5 if n % 3 else f"text {n}" for n in range(12)},
        "movesForecasts": [
            {
                "carrierCode": carrier,
                "restowUnits": {"totalUnits": number % 7, "ladenUnits": 3, "emptyUnits": 4},
                "loadUnits": {"totalUnits": 12, "ladenUnits": 8, "emptyUnits": 4, "reeferUnits": 1},
                "dischargeUnits": {"totalUnits": 9, "ladenUnits": 9, "emptyUnits": 0, "reeferUnits": 2},
            }
            for carrier in ("AAAA", "BBBB")
        ],
    }


def record(number: int) -> Record:
    known = NOW - dt.timedelta(minutes=number % 10_000)
    return Record(
        "port-calls", f"r{number}", known, known, PORTS[number % 4], f"T{number % 7}", "9074729", body(number)
    )


def terms() -> dict[str, Terms]:
    """Return the clauses measured, by name."""
    leaves = leaves_of(body(1))
    clause = Clause(
        id="bench",
        provider="provider",
        recipients=("recipient",),
        dataset="port-calls",
        fields=leaves,
        purposes=frozenset({PURPOSE}),
        granularity=Granularity.RECORD,
        rows=RowFilter(),
        delay=dt.timedelta(0),
        valid_from=NOW - dt.timedelta(days=365),
        valid_until=None,
    )
    trimmed = tuple(name for name in leaves if not name.startswith("movesForecasts[].restowUnits"))
    prohibition = Prohibition("p", frozenset(), ("vessel.vessel1",), frozenset({"other"}), "made up")
    whole = replace(clause, fields=("eventID", "portCall", "terminalCall", "vessel", "movesForecasts"))
    return {
        "all let through": Terms("bench", 1, clause),
        "three leaves taken out": Terms("bench", 1, replace(clause, fields=trimmed)),
        "whole branches, one prohibition": Terms("bench", 1, whole, (prohibition,)),
        "withheld by its port": Terms("bench", 1, replace(clause, rows=RowFilter(ports=frozenset({"XXXXX"})))),
    }


def median_rate(count: int, work: Callable[[], None]) -> dict[str, Any]:
    """Return decisions a second of wall and of processor time, medians of `RUNS` after one that warms up."""
    work()
    wall, busy = [], []
    for _ in range(RUNS):
        begin, begin_busy = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - begin)
        busy.append(time.process_time() - begin_busy)
    return {
        "per_s": round(count / statistics.median(wall)),
        "per_cpu_s": round(count / max(statistics.median(busy), 1e-9)),
        "all_s": [round(seconds, 3) for seconds in wall],
    }


def in_python(count: int) -> dict[str, Any]:
    """Measure ``decide``."""
    records = [record(number) for number in range(min(count, 1_000))]
    found = {}
    for name, chosen in terms().items():
        outcomes: set[Outcome] = set()

        def work(chosen: Terms = chosen, outcomes: set[Outcome] = outcomes) -> None:
            done = 0
            while done < count:
                for item in records:
                    decision = decide(item, chosen, NOW, PURPOSE, Granularity.RECORD)
                done += len(records)
                outcomes.add(decision.outcome)

        measured = median_rate(-(-count // len(records)) * len(records), work)
        found[name] = {"outcome": outcomes.pop().value, **measured}
    return found


def fill(database: Database, rows: int) -> None:
    """Store made-up records; SQL asks about their columns and never about their payload."""
    for first in range(0, rows, CHUNK):
        values = []
        for number in range(first, min(first + CHUNK, rows)):
            known = NOW - dt.timedelta(minutes=number % 10_000)
            values.append(
                {
                    "source": "provider",
                    "dataset": "port-calls",
                    "id": f"r{number}",
                    "position": number + 1,
                    "occurred_at": known,
                    "known_at": known,
                    "received_at": known,
                    "port": PORTS[number % 4],
                    "terminal": f"T{number % 7}",
                    "vessel_imo": "9074729",
                    "public": False,
                    "simulated": True,
                    "body": b"{}",
                    "digest": "0" * 64,
                }
            )
        with database.write() as connection:
            connection.execute(sa.insert(record_table), values)


def in_sql(database: Database, rows: int) -> dict[str, Any]:
    """Measure the reason of every record, counted by reason."""
    fill(database, rows)
    clause = terms()["all let through"].clause
    filters = RowFilter(frozenset(PORTS[:3]), frozenset({"T1", "T2", "T3"}), frozenset(), NOW - dt.timedelta(days=5))
    chosen = Terms("bench", 1, replace(clause, rows=filters, delay=dt.timedelta(hours=6)))
    reason = reason_case(chosen, NOW, PURPOSE, Granularity.RECORD).label("reason")
    counted: dict[str, int] = {}

    def work() -> None:
        with database.read() as connection:
            found = connection.execute(sa.select(reason, sa.func.count()).group_by(reason))
            counted.update({row[0]: row[1] for row in found})

    measured = median_rate(rows, work)
    assert sum(counted.values()) == rows
    return {"rows": rows, "by_reason": counted, **measured}


def run(quick: bool = False, url: str | None = None) -> dict[str, Any]:
    """Measure Python, and SQL on a new SQLite file or on the empty database at an address.

    Returns
    -------
    dict
        ``python`` by clause and ``sql`` with decisions a second of wall (``per_s``) and of processor time, ``targets``.
    """
    size = QUICK if quick else FULL
    results: dict[str, Any] = {
        "leaves": len(leaves_of(body(1))),
        "values": values_in(body(1)),
        "python": in_python(size["decisions"]),
        "database": "sqlite" if url is None else "postgresql",
    }
    with tempfile.TemporaryDirectory(prefix="sealane-bench-") as folder:
        store = Database(url or sqlite_url(Path(folder) / "bench.db"))
        try:
            store.create_tables()
            results["sql"] = in_sql(store, size["rows"])
        finally:
            store.close()
    reached = results["python"]["three leaves taken out"]["per_cpu_s"] >= TARGET_PER_CPU_S
    results["targets"] = {
        f"{TARGET_PER_CPU_S:,} trimming decisions a processor second in Python": "reached" if reached else "MISSED"
    }
    return results


def values_in(value: Any) -> int:
    """Return how many single values a payload holds."""
    if isinstance(value, dict):
        return sum(values_in(item) for item in value.values())
    if isinstance(value, list):
        return sum(values_in(item) for item in value)
    return 1


def main() -> None:
    """Print one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--url", help="address of an empty PostgreSQL database; default: a new SQLite file")
    args = parser.parse_args()
    print(json.dumps(run(args.quick, args.url), indent=1))


if __name__ == "__main__":
    main()
