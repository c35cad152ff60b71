"""The web application's benchmarks, one after the other: pages, tiles, people at once.

    python bench/web.py [--quick] [--only pages tiles users]

Each runs in a process of its own, prints its table and writes bench/results/NAME.json.
"""

from __future__ import annotations

import sys

from several import main

NAMES = ("pages", "tiles", "users")

if __name__ == "__main__":
    sys.exit(main((__doc__ or "").splitlines()[0], NAMES))
