"""`make faults`: what the node must survive, row by row, with the broken variants that must not survive it.

    python scripts/run_faults.py [--full] [--row R1 ...] [--database sqlite|postgresql] [--seed N]

Each row runs on SQLite and on PostgreSQL, in a process of its own. Raw results go to build/faults/ROW-DATABASE.json;
a table is printed. The exit code is 1 when a row fails or is missing. What this machine cannot show is *not proven*:
it fails nothing and stands in the last line. FAULTS=full means --full.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "build" / "faults"
ROWS = (
    "R1",
    "R2",
    "R3",
    "R4",
    "R5",
    "R6",
    "A1",
    "A2",
    "A3",
    "A4",
    "S1",
    "S2",
    "S3",
    "S4",
    "S5",
    "S6",
    "S7",
    "S9",
    "S10",
    "S11",
    "S12",
)
DATABASES = ("sqlite", "postgresql")
TIMEOUT_S = {False: 900, True: 7200}
COLUMNS = ("row", "database", "tried", "lost", "doubled", "outside", "control failed", "verdict", "seconds")
KEYS = ("row", "seed", "tried", "lost", "doubled", "outside", "control_failed", "verdict")


def main(arguments: list[str] | None = None) -> int:
    """Run the rows asked for and return the exit code."""
    options = _parser().parse_args(arguments)
    if options.one:
        return _run_here(options.one, options.database or "sqlite", options.seed, options.full)
    rows = [row.upper() for row in options.row or ROWS]
    if unknown := sorted(set(rows) - set(ROWS)):
        sys.stderr.write(f"There is no row {', '.join(unknown)}. Known are {', '.join(ROWS)}.\n")
        return 2
    OUT.mkdir(parents=True, exist_ok=True)
    found = []
    _print_line(COLUMNS)
    for row in rows:
        for database in [options.database] if options.database else DATABASES:
            result = _run_apart(row, database, options.seed, options.full)
            (OUT / f"{row}-{database}.json").write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
            _print_line([str(result.get(name.replace(" ", "_"), "")) for name in COLUMNS])
            found.append(result)
    return _sum_up(found)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--full", action="store_true", default=os.environ.get("FAULTS") == "full", help="full sizes")
    parser.add_argument("--row", action="append", metavar="ROW", help="only this row; may be given several times")
    parser.add_argument("--database", choices=DATABASES, help="only on this one")
    parser.add_argument("--seed", type=int, default=1, help="seed of everything that is left to chance")
    parser.add_argument("--one", metavar="MODULE", help=argparse.SUPPRESS)
    return parser


def _module(row: str) -> str | None:
    """Return the module of a row: the file in tests/faults that begins with its name."""
    files = sorted((ROOT / "tests" / "faults").glob(f"{row.lower()}_*.py"))
    modules = [file.stem for file in files if "\ndef run(" in file.read_text(encoding="utf-8")]
    return modules[0] if modules else None


def _run_apart(row: str, database: str, seed: int, full: bool) -> dict[str, Any]:
    """Run a row in a process of its own; what goes wrong there is a failed row, not the end of the run."""
    blank: dict[str, Any] = dict.fromkeys(KEYS, 0) | {"row": row, "seed": seed, "database": database}
    blank["control_failed"] = False
    module = _module(row)
    if module is None:
        return blank | {"verdict": "failed", "reason": f"tests/faults has no {row.lower()}_*.py with run()"}
    command = [sys.executable, str(Path(__file__)), "--one", module, "--database", database, "--seed", str(seed)]
    begun = time.monotonic()
    with (OUT / f"{row}-{database}.log").open("w") as log:
        try:
            environ = {**os.environ, "FAULTS": "full" if full else ""}
            done = subprocess.run(
                command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=log, timeout=TIMEOUT_S[full], check=False
            )
        except subprocess.TimeoutExpired:
            return blank | {"verdict": "failed", "reason": f"took longer than {TIMEOUT_S[full]} s"}
    seconds = round(time.monotonic() - begun, 1)
    try:
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        reason = f"ended with {done.returncode} and no result; see build/faults/{row}-{database}.log"
        return blank | {"verdict": "failed", "reason": reason, "seconds": seconds}
    lacking = [key for key in KEYS if key not in result]
    if lacking:
        result = blank | result | {"verdict": "failed", "reason": f"the result lacks {', '.join(lacking)}"}
    verdict = {"pass": "passed", "fail": "failed"}.get(result["verdict"], result["verdict"])
    return result | {"verdict": verdict, "database": database, "full": full, "seconds": seconds}


def _run_here(module: str, database: str, seed: int, full: bool) -> int:
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]
    world = importlib.import_module("tests.faults.world")
    row = module.partition("_")[0].upper()
    try:
        result = importlib.import_module(f"tests.faults.{module}").run(seed, full, database)
    except world.NotProvenError as error:
        result = dict.fromkeys(KEYS, 0) | {"row": row, "seed": seed, "control_failed": False}
        result |= {"verdict": "not proven", "reason": str(error)}
    sys.stdout.write(json.dumps(result, default=str) + "\n")
    return 0


def _print_line(cells: Any) -> None:
    widths = (4, 11, 9, 6, 8, 8, 15, 11, 8)
    sys.stdout.write("  ".join(f"{cell!s:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip() + "\n")
    sys.stdout.flush()


def _sum_up(found: list[dict[str, Any]]) -> int:
    failed = [f"{r['row']} on {r['database']}" for r in found if r["verdict"] not in {"passed", "not proven"}]
    for result in found:
        if result["verdict"] != "passed" and result.get("reason"):
            sys.stdout.write(f"{result['row']} on {result['database']}: {result['reason']}\n")
    sys.stdout.write(f"Raw results: {OUT.relative_to(ROOT)}/\n")
    sys.stdout.write(f"failed: {', '.join(failed) or 'none'}\n")
    unproven = [f"{r['row']} on {r['database']}" for r in found if r["verdict"] == "not proven"]
    sys.stdout.write(f"not proven: {', '.join(unproven) or 'none'}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
