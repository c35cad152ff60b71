"""The benchmarks of corridors, one after the other: routes, lanes, ensemble of draws, plan.

    python bench/corridors.py [--quick] [--only routes lanes ensemble plan]

Each runs in a process of its own, prints its table and writes bench/results/NAME.json. Figures of one run only can be
compared with each other; medians of at least three.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = ("routes", "lanes", "ensemble", "plan")


def main() -> int:
    """Run the benchmarks asked for; the exit code is 1 when one of them could not run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, for a look")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
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


if __name__ == "__main__":
    sys.exit(main())
