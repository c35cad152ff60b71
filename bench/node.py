"""The node's own benchmarks, one after the other: exchange, decisions, interface, ledger, second wall.

    python bench/node.py [--quick] [--only exchange decisions api ledger wall]

Each runs in a process of its own, prints its table and writes bench/results/NAME.json. Figures of one run only can be
compared with each other; medians of at least three.
"""

from __future__ import annotations

import sys

from several import main

NAMES = ("decisions", "ledger", "api", "exchange", "wall")

if __name__ == "__main__":
    sys.exit(main((__doc__ or "").splitlines()[0], NAMES))
