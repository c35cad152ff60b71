"""Requests a second with 50 people on the demo's pages at once: locust against a served node.

    python bench/users.py [--quick] [--demo FOLDER]

locust stands in the bench's own environment (.venv-bench); without it the row is *not proven*. Server and locust share
the machine, so what is measured is a lower bound.
The node has served for some while before, as it does on any day but its first.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from pages import OUT, World, served  # noqa: E402  # after the path is set

LOCUST = ROOT / ".venv-bench" / "bin" / "locust"
USERS, P99_MS = 50, 200
PAUSES_S = (4.0, 2.0, 1.0)
RESULT = HERE / "results" / "users.json"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="15 s instead of 60 s")
    parser.add_argument("--demo", type=Path, default=OUT)
    options = parser.parse_args()
    if not LOCUST.exists():
        sys.stdout.write("not proven: locust is not in .venv-bench\n")
        return 0
    with served(options.demo) as world:
        _rung(world, PAUSES_S[-1], 15)  # thrown away: a node that has just begun still compiles what it needs
        rungs = [_rung(world, pause_s, 15 if options.quick else 40) for pause_s in PAUSES_S]
    for rung in rungs:
        _print(rung)
    fast = [rung["requests_per_s"] for rung in rungs if rung["p99_ms"] < P99_MS and not rung["failures"]]
    sys.stdout.write(
        f"highest rate seen with p99 < {P99_MS} ms and no failure: {max(fast, default=0):.1f} requests/s\n"
    )
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(rungs, indent=1) + "\n")
    return 0


def _rung(world: World, pause_s: float, seconds: int) -> dict[str, Any]:
    """Let the people look for a while, each as long at a page as is said on the mean."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder) / "run"
        command = [str(LOCUST), "--headless", "--only-summary", "--reset-stats", "-f", str(HERE / "users_locust.py")]
        command += ["--csv", str(prefix), "-u", str(USERS), "-r", "10", "-t", f"{seconds}s", "-H", world.address]
        environ = {"BENCH_PASSWORD": world.password, "PAUSE_S": str(pause_s), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        path = Path(f"{prefix}_stats.csv")
        if not path.is_file():
            raise SystemExit(f"locust ended without figures:\n{done.stderr[-2000:]}")
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    total = next(row for row in rows if row["Name"] == "Aggregated")
    return {
        "pause_s": pause_s,
        "requests_per_s": float(total["Requests/s"]),
        "p99_ms": float(total["99%"]),
        "failures": int(total["Failure Count"]),
        "rows": rows,
    }


def _print(rung: dict[str, Any]) -> None:
    out = sys.stdout
    out.write(f"{USERS} people, each {rung['pause_s']:g} s at a page:\n")
    for row in rung["rows"]:
        out.write(
            f"  {row['Name']:<44}{row['Request Count']:>8}{float(row['Requests/s']):>9.1f}/s  median {row['50%']:>5} ms"
            f"  p99 {row['99%']:>5} ms  failed {row['Failure Count']}\n"
        )
    verdict = "reached" if rung["p99_ms"] < P99_MS and not rung["failures"] else "MISSED"
    out.write(f"  {rung['requests_per_s']:.1f} requests/s, p99 {rung['p99_ms']:.0f} ms (bound {P99_MS}): {verdict}\n")


if __name__ == "__main__":
    sys.exit(main())
