"""Requests a second with 50 people on the demo's pages at once: locust against a served node.

    python bench/users.py [--quick] [--demo FOLDER]

locust stands in the bench's own environment (.venv-bench); without it the row is *not proven*. Server and locust share
the machine, so what is measured is a lower bound.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from pages import OUT, served  # noqa: E402  # after the path is set

LOCUST = ROOT / ".venv-bench" / "bin" / "locust"
USERS, P99_MS = 50, 200
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
    with served(options.demo) as world, tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder) / "run"
        command = [
            str(LOCUST),
            "--headless",
            "--only-summary",
            "-f",
            str(HERE / "users_locust.py"),
            "--csv",
            str(prefix),
        ]
        command += ["-u", str(USERS), "-r", "10", "-t", "15s" if options.quick else "60s", "-H", world.address]
        environ = {"SEALANE_BENCH_PASSWORD": world.password, "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        path = Path(f"{prefix}_stats.csv")
        if not path.is_file():
            sys.stdout.write(done.stderr[-2000:])
            return 1
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    total = next(row for row in rows if row["Name"] == "Aggregated")
    rate, p99 = float(total["Requests/s"]), float(total["99%"])
    failures = int(total["Failure Count"])
    for row in rows:
        sys.stdout.write(
            f"{row['Name']:<44}{row['Request Count']:>8}{float(row['Requests/s']):>9.1f}/s  median {row['50%']:>5} ms"
            f"  p99 {row['99%']:>5} ms  failed {row['Failure Count']}\n"
        )
    reached = p99 < P99_MS and failures == 0
    sys.stdout.write(
        f"{rate:.1f} requests/s, p99 {p99:.0f} ms (bound {P99_MS}): {'reached' if reached else 'MISSED'}\n"
    )
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"requests_per_s": rate, "p99_ms": p99, "failures": failures, "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
