"""Runs several benchmarks one after the other, each in a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main(description: str, names: Sequence[str]) -> int:
    """Run the benchmarks asked for; the exit code is 1 when one of them could not run."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="small sizes, for a look")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    options = parser.parse_args()
    failed = []
    for name in options.only:
        sys.stdout.write(f"\n=== {name}\n")
        sys.stdout.flush()
        command = [sys.executable, str(HERE / f"{name}.py"), *(["--quick"] if options.quick else [])]
        if subprocess.run(command, cwd=HERE.parent, check=False).returncode:
            failed.append(name)
    if failed:
        sys.stdout.write(f"\nCould not run: {', '.join(failed)}\n")
    return 1 if failed else 0
