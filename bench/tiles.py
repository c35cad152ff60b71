"""Time of map tiles at 1 M and 10 M positions: `python bench/tiles.py [--quick]`.

Made-up ships wander about a bay and lie still between; nothing of them is real. The layer is made once, then tiles of
every zoom are drawn as the node draws them: those that the middle of the bay lies in and their neighbours, of a day
and of the whole period. Median and 95th percentile of at least three rounds, after one that is not counted; encoding
is included, transport is not.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from sealane.inventory.schemas import TRACKS  # noqa: E402  # path first
from sealane.web.tiles.layer import TrackLayer, build, open_layer  # noqa: E402  # path first
from sealane.web.tiles.mercator import WORLD, Tile, project  # noqa: E402  # path first
from sealane.web.tiles.tracks import ships_at, ships_tile, tracks_tile  # noqa: E402  # path first

PER_SHIP = 2000
DAY_S = 86_400
DAYS = 30
BEGIN_S = 1_780_272_000
MIDDLE = (33.7, -118.25)
ZOOMS = range(0, 15)


def make_table(positions: int, path: Path) -> None:
    """Write made-up tracks: a report a minute or so, ten ships at a time in memory."""
    rng = np.random.default_rng(0)
    ships = max(10, positions // PER_SHIP)
    step = np.arange(PER_SHIP)
    with pq.ParquetWriter(path, TRACKS.schema) as writer:
        for first in range(0, ships, 10):
            count = min(10, ships - first)
            begin = rng.integers(0, (DAYS - 2) * DAY_S, (count, 1))
            course = rng.uniform(0, 2 * np.pi, (count, 1)) + np.cumsum(rng.normal(0, 0.05, (count, PER_SHIP)), axis=1)
            moving = np.sin(step / 200 + rng.uniform(0, 6, (count, 1))) > 0
            step_deg = np.where(moving, 12 / 60 / 60, 0.0)
            lat = MIDDLE[0] + rng.normal(0, 0.4, (count, 1)) + np.cumsum(step_deg * np.cos(course), axis=1)
            lon = MIDDLE[1] + rng.normal(0, 0.5, (count, 1)) + np.cumsum(step_deg * np.sin(course) * 1.2, axis=1)
            rows = count * PER_SHIP
            times = (BEGIN_S + begin + step * 70).ravel() * 1_000_000
            arrays = [
                pa.array(np.repeat(200_000_000 + (first + np.arange(count)) * 7, PER_SHIP).astype(np.int32)),
                pa.array(times).cast(pa.timestamp("us", tz="UTC")),
                pa.array(lat.ravel()),
                pa.array(lon.ravel()),
                pa.array(np.where(moving, 12.0, 0.0).ravel()),
                pa.array(np.zeros(rows, np.bool_)),
                pa.array(np.full(rows, 90, np.int16)),
                pa.array(np.zeros(rows, np.int8)),
            ]
            writer.write_table(pa.table(arrays, schema=TRACKS.schema))


def around(zoom: int) -> list[Tile]:
    """The tile that the middle of the bay lies in, and its neighbours."""
    x, y = (int(v[0]) * (1 << zoom) // WORLD for v in project(np.array([MIDDLE[0]]), np.array([MIDDLE[1]])))
    side = 1 << zoom
    places = {((x + dx) % side, y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if 0 <= y + dy < side}
    return [Tile(zoom, *place) for place in sorted(places)]


def measure(layer: TrackLayer, period: tuple[int, int], rounds: int) -> dict[str, Any]:
    """Draw the tiles of all zooms; times in ms, sizes in bytes."""
    times: list[float] = []
    sizes: list[int] = []
    left_out = 0
    for turn in range(rounds + 1):
        for zoom in ZOOMS:
            for tile in around(zoom):
                begin = time.perf_counter()
                drawn = tracks_tile(layer, tile, *period, {})
                if turn:
                    times.append((time.perf_counter() - begin) * 1e3)
                    sizes.append(len(drawn.content))
                    left_out += drawn.shown < drawn.present
    quantiles = statistics.quantiles(times, n=20)
    return {
        "tiles": len(times),
        "median_ms": statistics.median(times),
        "p95_ms": quantiles[-1],
        "largest_ms": max(times),
        "largest_bytes": max(sizes),
        "tiles_thinned": left_out,
    }


def run(positions: int, rounds: int) -> dict[str, Any]:
    """Make a layer of so many positions and draw from it."""
    with tempfile.TemporaryDirectory(prefix="sealane-tiles-") as scratch:
        folder = Path(scratch)
        make_table(positions, folder / "tracks.parquet")
        begin = time.perf_counter()
        build(folder / "tracks.parquet", folder / "layer")
        built_s = time.perf_counter() - begin
        layer = open_layer(folder / "layer")
        size = sum(path.stat().st_size for path in (folder / "layer").iterdir())
        noon = BEGIN_S + DAYS // 2 * DAY_S
        found = {
            "positions": layer.positions,
            "ships": len(layer.mmsi),
            "build_s": built_s,
            "layer_bytes": size,
            "day": measure(layer, (noon, noon + DAY_S), rounds),
            "all": measure(layer, (layer.first_s, layer.last_s + 1), rounds),
        }
        begin = time.perf_counter()
        for turn in range(20):
            ships_at(layer, noon + turn * 600)
            ships_tile(layer, around(6)[0], noon + turn * 600, {})
        found["ships_ms"] = (time.perf_counter() - begin) / 40 * 1e3
        return found


def main() -> int:
    """Measure, print a table, keep the raw results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, for a look")
    options = parser.parse_args()
    sizes, rounds = ((100_000,), 3) if options.quick else ((1_000_000, 10_000_000), 5)
    make_and_forget()
    results = []
    sys.stdout.write(
        "positions   ships  built s  period   median ms  p95 ms  largest ms  largest kB  thinned  ships ms\n"
    )
    for size in sizes:
        found = run(size, rounds)
        results.append(found)
        for period in ("day", "all"):
            row = found[period]
            sys.stdout.write(
                f"{found['positions']:>10,} {found['ships']:>6,} {found['build_s']:>8.1f}  {period:<7} "
                f"{row['median_ms']:>10.2f} {row['p95_ms']:>7.2f} {row['largest_ms']:>11.2f} "
                f"{row['largest_bytes'] / 1e3:>11.0f} {row['tiles_thinned']:>8} {found['ships_ms']:>9.2f}\n"
            )
    out = HERE / "results"
    out.mkdir(exist_ok=True)
    record = {"machine": platform.platform(), "python": platform.python_version(), "results": results}
    (out / "tiles.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 0


def make_and_forget() -> None:
    """Compile everything on a few positions, so that no figure holds the compiler's time."""
    run(20_000, 1)


if __name__ == "__main__":
    sys.exit(main())
