"""`make bench`: Sealane's speed and memory beside its peers, on the same SYNTHETIC file, in one run.

    python bench/run.py [--rows N] [--memory-rows N N] [--repeats N] [--quick] [--only NAME ...] [--keep]

Prints a table (medians) and writes bench/results/*.json. A peer that is not installed is printed as "not proven".
Times are measured one after the other in rounds, so that a machine that is busy for a while is busy for all.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb_sql
import kernel
import numpy as np
import pandas_reference
import pyarrow.compute as pc
import pyarrow.parquet as pq
import synthetic

from sealane.emissions.layout import PRICED
from sealane.emissions.low_load import low_load_factor
from sealane.inventory.batch import Context, compute
from sealane.inventory.local import default_threads
from sealane.movement.buckets import sort_order

HERE = Path(__file__).resolve().parent
OUTSIDE = HERE.parent / ".venv-bench" / "bin" / "python"
NAMES = ("scan", "kernel", "sort", "pandas", "duckdb", "movingpandas", "poeminv", "job", "spark", "memory")
GIB = 1 << 30


class Bench:
    """What is measured, and on what."""

    def __init__(self, args: argparse.Namespace, folder: Path) -> None:
        self.args, self.folder = args, folder
        self.threads = default_threads()
        self.zone_file = synthetic.write_zones(folder / "zones.geojson")
        self.zones = kernel.zones(self.zone_file)
        self.results: dict[str, dict[str, Any]] = {}
        self.known: Context = kernel.context(args.rows, self.zone_file)

    @property
    def tracks(self) -> Path:
        """The sorted Parquet file."""
        path = self.folder / f"tracks-{self.args.rows}.parquet"
        return path if path.exists() else synthetic.write_parquet(self.args.rows, path)

    def positions(self, rows: int) -> Path:
        """The unsorted CSV file."""
        path = self.folder / f"positions-synthetic-{rows}.csv"
        return path if path.exists() else synthetic.write_csv(rows, path)

    def record(self, name: str, rows: int, wall: list[float], cpu: list[float], **more: Any) -> None:
        """Keep medians."""
        seconds, busy = statistics.median(wall), statistics.median(cpu) if cpu else 0.0
        self.results[name] = {
            "rows": rows,
            "runs": len(wall),
            "median_s": round(seconds, 4),
            "rows_per_s": round(rows / seconds),
            "rows_per_cpu_s": round(rows / busy) if busy else None,
            "all_s": [round(value, 4) for value in wall],
            **more,
        }
        say(f"{name}: {rows / seconds / 1e6:.3g} M rows/s")

    def not_proven(self, name: str, why: str) -> None:
        """Say why there is no figure."""
        self.results[name] = {"not_proven": why}
        say(f"{name}: not proven, {why}")


def say(text: str) -> None:
    """Progress, aside from the table."""
    print(f"  {text}", file=sys.stderr, flush=True)


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """(seconds, processor seconds, result)."""
    begin, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - begin, time.process_time() - cpu, result


def in_rounds(repeats: int, works: dict[str, Callable[[], Any]]) -> dict[str, tuple[list[float], list[float], Any]]:
    """Every work `repeats` times, in turn, after one unmeasured round (compilation, file cache)."""
    found: dict[str, tuple[list[float], list[float], Any]] = {}
    for turn in range(repeats + 1):
        for name, work in works.items():
            wall, cpu, result = timed(work)
            walls, cpus, _ = found.setdefault(name, ([], [], None))
            if turn:
                walls.append(wall)
                cpus.append(cpu)
            found[name] = (walls, cpus, result)
    return found


def sorted_input(bench: Bench, wanted: set[str]) -> None:
    """Scan, kernel and DuckDB on the whole sorted file, in the same rounds."""
    path, threads, rows = bench.tracks, bench.threads, bench.args.rows
    works: dict[str, Callable[[], Any]] = {
        "scan": lambda: kernel.scan(path, threads),
        "kernel": lambda: kernel.run(path, threads, bench.known),
        "kernel, no map": lambda: kernel.run(path, threads, bench.known, with_grid=False),
        "duckdb": lambda: duckdb_sql.run(path, bench.known, bench.zones, threads),
    }
    found = in_rounds(bench.args.repeats, {n: work for n, work in works.items() if n.split(",")[0] in wanted})
    for name, (wall, cpu, result) in found.items():
        more: dict[str, Any] = {}
        if name == "kernel":
            more = {"co2_g": kernel.total_grams(result, "co2"), "nox_g": kernel.total_grams(result, "nox")}
            more["calls"] = sum(len(batch.tables["calls"]) for batch in result)
        elif name == "duckdb":
            more = {f"{p}_g": pc.sum(result[f"{p}_g"]).as_py() for p in duckdb_sql.POLLUTANTS}
        bench.record(name, rows, wall, cpu, **more)


def first_rows(bench: Bench, rows: int) -> dict[str, np.ndarray]:
    """The first rows of the sorted file, as arrays."""
    columns = kernel.read_group(bench.tracks, 0)
    return {name: values[:rows] for name, values in columns.items()}


def sort_once(bench: Bench) -> None:
    """Sort a shuffled bucket by (mmsi, time) and bring the kernel's columns into that order."""
    columns = first_rows(bench, synthetic.ROWS_PER_GROUP)
    n = len(columns["mmsi"])
    mixed = np.random.default_rng(0).permutation(n)
    columns = {name: values[mixed] for name, values in columns.items()}
    ties = [columns[name] for name in ("lat", "lon", "speed_dkn")]

    def work() -> dict[str, np.ndarray]:
        order = sort_order(columns["mmsi"], columns["time_us"], *ties)
        return {name: values[order] for name, values in columns.items()}

    wall, cpu, result = in_rounds(bench.args.repeats, {"sort": work})["sort"]
    assert (np.diff(result["mmsi"]) >= 0).all()
    bench.record("sort", n, wall, cpu, threads=1)


def pandas_peer(bench: Bench) -> None:
    """The slow reference on a subset; how far its sums are from the kernel's on the same subset."""
    columns = first_rows(bench, min(bench.args.peer_rows, bench.args.rows))
    n = len(columns["mmsi"])
    frame = pq.ParquetFile(bench.tracks).read_row_group(0).slice(0, n).to_pandas()
    work = {"pandas": lambda: pandas_reference.run(frame, bench.known, bench.zones)}
    wall, cpu, (inventory, activity, _) = in_rounds(bench.args.repeats, work)["pandas"]
    ours = [compute(kernel.to_tracks(columns), bench.known)]
    apart = {}
    for name in ("co2", "nox", "so2", "pm10"):
        theirs = float(np.nansum([inventory[f"{source}_{name}"].sum() for source in ("main", "auxiliary", "boiler")]))
        apart[name] = abs(theirs / kernel.total_grams(ours, name) - 1)
    hours = pc.sum(ours[0].tables["activity"]["hours"]).as_py()
    apart["hours"] = abs(activity["hours"].sum() / hours - 1)
    bench.record("pandas", n, wall, cpu, threads=1, relative_difference_to_kernel=apart)


def outside_peer(bench: Bench, name: str) -> None:
    """movingpandas or poeminv in their own environment."""
    if not OUTSIDE.exists():
        return bench.not_proven(name, "the bench's own environment .venv-bench is not there (make bench makes it)")
    columns = first_rows(bench, min(bench.args.outside_rows, bench.args.rows))
    columns["sog_kn"] = columns["speed_dkn"] / 10.0
    columns["known"] = np.array(json.dumps(_one_ship(bench.known)))
    path = bench.folder / f"{name}.npz"
    np.savez(path, **columns)
    command = [str(OUTSIDE), str(HERE / "outside.py"), name, str(path), str(bench.args.repeats)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return bench.not_proven(name, (done.stderr.strip().splitlines() or ["no output"])[-1])
    said = json.loads(done.stdout)
    seconds = [run.pop("seconds") for run in said["runs"]]
    bench.record(name, said["rows"], seconds, [], threads=1, version=said["version"], found=said["runs"][-1])
    return None


def _one_ship(known: Context) -> dict[str, Any]:
    """Factors of the first ship inside a control area, at sea, for poeminv's configuration."""
    ships, factors = known.vessels, known.factors
    profile, regime = int(ships.profile[0]), int(known.places.regime[-1, -1])
    facts: dict[str, Any] = {
        "margin": 1 + known.limits.sea_margin_at_sea,
        "aux_kw": ships.aux_kw[0, 0],
        "boiler_kw": ships.boiler_kw[0, 0],
        "vessel": {  # poeminv asks for all of these; with a configuration without criteria only the first two count
            "max_speed": ships.max_speed_kn[0],
            "engine_kw": ships.installed_kw[0],
            "engine_rpm": 100,
            "engine_category": "c3",
            "engine_nox_tier": 2,
            "ship_type": "container_ship",
            "size": 4000,
            "size_unit": "teu",
        },
        "low_load": [
            {
                "range": {"ge": step / 100, "lt": (step + 1) / 100},
                "factors": {name: low_load_factor(name, step / 100) for name in ("co2", "nox")},
            }
            for step in range(2, 20)
        ],
    }
    for name in ("co2", "nox"):
        p = PRICED.index(name)
        for engine, table in (("main", factors.main), ("aux", factors.auxiliary), ("boiler", factors.boiler)):
            facts[f"{engine}_{name}"] = float(table[profile, regime, p])
    return facts


def whole_job(bench: Bench, name: str, rows: int, engine: str = "local") -> dict[str, Any] | None:
    """`sealane inventory` from an unsorted CSV in a process of its own: seconds and peak memory."""
    out = bench.folder / f"out-{engine}"
    command = [sys.executable, str(HERE / "job.py"), str(bench.positions(rows)), str(bench.zone_file), str(out), engine]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    shutil.rmtree(out, ignore_errors=True)
    if done.returncode:
        bench.not_proven(name, (done.stderr.strip().splitlines() or ["no output"])[-1])
        return None
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def job(bench: Bench) -> None:
    """The whole job, local engine."""
    rows = bench.args.job_rows
    runs = [whole_job(bench, "job", rows) for _ in range(bench.args.repeats)]
    good = [run for run in runs if run]
    if len(good) == len(runs):
        peak = max(run["peak_bytes"] for run in good)
        stages = {kind: good[len(good) // 2][kind] for kind in ("stages", "stages_cpu")}
        wall, cpu = [run["seconds"] for run in good], [run["cpu_seconds"] for run in good]
        bench.record("job", rows, wall, cpu, peak_bytes=peak, **stages)


def spark(bench: Bench) -> None:
    """The whole job, Spark on this machine."""
    rows = bench.args.spark_rows
    runs = [whole_job(bench, "spark", rows, "spark") for _ in range(bench.args.repeats)]
    good = [run for run in runs if run]
    if len(good) == len(runs):
        wall, cpu = [run["seconds"] for run in good], [run["cpu_seconds"] for run in good]
        bench.record("spark", rows, wall, cpu, master="local[2]", stages=good[-1]["stages"])


def memory(bench: Bench) -> None:
    """Peak memory of the whole job at two sizes."""
    for rows in bench.args.memory_rows:
        name = f"memory {rows / 1e6:g} M"
        path = bench.positions(rows)
        found = whole_job(bench, name, rows)
        if found:
            cpu = [found["cpu_seconds"]]
            bench.record(
                name,
                rows,
                [found["seconds"]],
                cpu,
                peak_bytes=found["peak_bytes"],
                anonymous_bytes=found["anonymous_bytes"],
                stages=found["stages"],
                stage_peaks=found["stage_peaks"],
                csv_bytes=path.stat().st_size,
            )
        if not bench.args.keep and rows != bench.args.job_rows:
            path.unlink(missing_ok=True)


def report(bench: Bench) -> str:
    """The table and how the targets stand."""
    r = bench.results
    lines = [f"{'what':<18}{'rows':>12}{'runs':>6}{'M rows/s':>10}{'M rows/cpu s':>14}{'peak MiB':>10}"]
    for name, one in r.items():
        if "not_proven" in one:
            lines.append(f"{name:<18}not proven: {one['not_proven']}")
            continue
        peak = f"{one['peak_bytes'] / (1 << 20):.0f}" if "peak_bytes" in one else ""
        cpu = f"{one['rows_per_cpu_s'] / 1e6:.3g}" if one["rows_per_cpu_s"] else ""
        lines.append(f"{name:<18}{one['rows']:>12}{one['runs']:>6}{one['rows_per_s'] / 1e6:>10.3g}{cpu:>14}{peak:>10}")
    lines.append("")
    lines += [f"{goal:<62}{state}" for goal, state in targets(bench).items()]
    return "\n".join(lines)


def targets(bench: Bench) -> dict[str, str]:
    """Each target with what was reached."""

    def speed(name: str) -> float | None:
        return bench.results.get(name, {}).get("rows_per_s")

    def against(name: str, least: float) -> str:
        ours, theirs = speed("kernel"), speed(name)
        if ours is None or theirs is None:
            return "not proven"
        return f"{ours / theirs:.2f}  {'reached' if ours / theirs >= least else 'MISSED'}"

    found = {
        "kernel, heat map and all / plain Parquet scan, at least 0.50": against("scan", 0.5),
        "kernel / pandas reference, at least 40": against("pandas", 40),
        "kernel / DuckDB SQL, at least 5": against("duckdb", 5),
    }
    whole = speed("job")
    found["whole job from an unsorted CSV, at least 1 M rows/s"] = (
        f"{whole / 1e6:.2f} M  {'reached' if whole >= 1e6 else 'MISSED'}" if whole else "not proven"
    )
    small, large = (bench.results.get(f"memory {rows / 1e6:g} M", {}) for rows in bench.args.memory_rows)
    if "peak_bytes" in small and "peak_bytes" in large:
        peak, ratio = large["peak_bytes"] / GIB, large["peak_bytes"] / small["peak_bytes"]
        sizes = [f"{rows / 1e6:g} M" for rows in bench.args.memory_rows]
        found[f"peak memory at {sizes[1]} rows, at most 2 GiB"] = (
            f"{peak:.2f} GiB  {'reached' if peak <= 2 else 'MISSED'}"
        )
        found[f"peak memory at {sizes[1]} / at {sizes[0]}, at most 1.2"] = (
            f"{ratio:.2f}  {'reached' if ratio <= 1.2 else 'MISSED'}"
        )
    else:
        found["peak memory"] = "not proven"
    return found


def arguments() -> argparse.Namespace:
    """What to run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000_000, help="rows of the sorted file")
    parser.add_argument("--job-rows", type=int, default=20_000_000, help="rows of the whole job's CSV")
    parser.add_argument("--spark-rows", type=int, default=2_000_000, help="rows of the Spark job's CSV")
    parser.add_argument("--peer-rows", type=int, default=500_000, help="rows for pandas")
    parser.add_argument("--outside-rows", type=int, default=60_000, help="rows for movingpandas and poeminv")
    parser.add_argument("--memory-rows", type=int, nargs=2, default=[20_000_000, 100_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="2 M rows, memory at 2 M and 10 M: a look, no proof")
    parser.add_argument("--only", nargs="+", choices=NAMES, help="a part of it")
    parser.add_argument("--data", type=Path, help="folder for the synthetic files; default: one of the system's")
    parser.add_argument("--keep", action="store_true", help="leave the synthetic files where they are")
    args = parser.parse_args()
    if args.quick:
        args.rows = args.job_rows = 2_000_000
        args.memory_rows = [2_000_000, 10_000_000]
        args.spark_rows, args.peer_rows, args.outside_rows = 500_000, 200_000, 20_000
    return args


def main() -> None:
    """Measure, print, keep."""
    args = arguments()
    wanted = set(args.only or NAMES)
    folder = args.data or Path(tempfile.gettempdir()) / "sealane-bench"
    folder.mkdir(parents=True, exist_ok=True)
    need = 130 * max([args.job_rows, *(args.memory_rows if "memory" in wanted else [])])
    if shutil.disk_usage(folder).free < 2 * need:
        sys.exit(f"{folder}: about {2 * need / 1e9:.0f} GB of disk are needed. Name another folder with --data.")
    bench = Bench(args, folder)
    if wanted & {"scan", "kernel", "duckdb"}:
        sorted_input(bench, wanted)
    parts: dict[str, Callable[[], None]] = {
        "sort": lambda: sort_once(bench),
        "pandas": lambda: pandas_peer(bench),
        "movingpandas": lambda: outside_peer(bench, "movingpandas"),
        "poeminv": lambda: outside_peer(bench, "poeminv"),
        "job": lambda: job(bench),
        "spark": lambda: spark(bench),
        "memory": lambda: memory(bench),
    }
    for name, part in parts.items():
        if name in wanted:
            part()
    print(f"SYNTHETIC data, {bench.threads} threads, medians of {args.repeats} (memory: one run)\n")
    print(report(bench))
    document = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"processor": platform.processor() or platform.machine(), "threads": bench.threads},
        "load_average": os.getloadavg(),
        "versions": {name: version(name) for name in ("numpy", "pyarrow", "numba", "duckdb", "pandas")},
        "results": bench.results,
        "targets": targets(bench),
    }
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    (results / f"{stamp}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"\nbench/results/{stamp}.json")
    if not args.keep and args.data is None:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
