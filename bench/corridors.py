"""The benchmarks of corridors, one after the other: routes, lanes, ensemble of draws, plan.

    python bench/corridors.py [--quick] [--only routes lanes ensemble plan]

Each runs in a process of its own, prints its table and writes bench/results/NAME.json. Figures of one run only can be
compared with each other; medians of at least three.
"""

from __future__ import annotations

import sys

from several import main

NAMES = ("routes", "lanes", "ensemble", "plan")

if __name__ == "__main__":
    sys.exit(main((__doc__ or "").splitlines()[0], NAMES))
