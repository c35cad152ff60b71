"""Routes per second against searoute and raw scgraph on the same pairs: `python bench/routes.py [--quick]`.

    python bench/routes.py --oracle [--write]   # hold 30 and more pairs against the oracle of the tests

Pairs are drawn from the registry's ports with a fixed seed. Every way is asked for once before the clock runs; medians
of at least three rounds, one after the other in turn, so that a busy machine is busy for all. Figures of one run only
can be compared with each other.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import math
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from sealane.errors import DataError  # noqa: E402  # path first
from sealane.movement.routes.find import between, route, route_distances_nm  # noqa: E402  # path first
from sealane.movement.routes.moorings import mooring  # noqa: E402  # path first
from sealane.movement.routes.raw_network import raw_way  # noqa: E402  # path first
from sealane.movement.zone_shapes import ZoneSet  # noqa: E402  # path first
from sealane.reference.ports import all_ports, port, verified_locodes  # noqa: E402  # path first

GOLDEN = HERE.parent / "tests" / "golden" / "route_oracle.csv"
NONE = ZoneSet(())
ENDS_NM = (10.0, 15.0, 20.0)
# Pairs without a canal between them: the oracle knows none.
ORACLE_PAIRS = (
    *(("USLAX", code) for code in ("USOAK", "MXLZC", "JPYOK", "USSFO")),
    *(("ITNAP", code) for code in ("ILHFA", "ILASH", "SEGOT", "USNYC", "USORF")),
    *(("SGSIN", code) for code in ("VNSGN", "IDJKT", "CNSHA", "KRPUS", "JPYOK", "ILETH")),
    *(("USNYC", code) for code in ("USORF", "SEGOT", "ITCAS")),
    *(("CNSHA", "JPNGO"), ("KRPUS", "CNDLC"), ("TWKEL", "JPTYO"), ("TWKHH", "KRINC"), ("CNSHA", "JPYOK")),
    *(("KRPUS", "CNSHA"), ("KRINC", "CNDLC"), ("JPNGO", "KRPUS"), ("TWKHH", "CNGGZ"), ("ILHFA", "ITSAL")),
    *(("USLAX", code) for code in ("JPTYO", "JPNGO", "CNSHA", "KRPUS", "AUSYD", "CLVAP")),
)


def pairs(count: int, codes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Pairs of ports, drawn with a fixed seed."""
    every = list(itertools.permutations(codes, 2))
    return random.Random(0).choices(every, k=count)


def in_rounds(repeats: int, works: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Seconds of every work, `repeats` times in turn, after one round that is not counted."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeats + 1):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            if turn:
                found[name].append(time.perf_counter() - begin)
    return found


def run(quick: bool) -> list[dict[str, Any]]:
    """Measure; one result a contestant.

    Parameters
    ----------
    quick : few pairs, for a look.

    Returns
    -------
    name, routes, median_s, routes_per_s, ms_a_route of each.
    """
    import searoute

    codes = tuple(code for code in verified_locodes() if code not in {"CNSGH", "CNDAL"})
    asked = pairs(20 if quick else 200, codes)
    places = {code: port(code) for code in codes}
    numbers = tuple(sorted({p.wpi_number for p in all_ports() if "." not in p.wpi_number}))
    many = pairs(1_000 if quick else 10_000, codes)
    drawn = numbers[:: max(1, len(numbers) // (50 if quick else 500))]
    reached = tuple(number for number in drawn if _has_way(number))
    wide = pairs(500 if quick else 10_000, reached)

    def ends(pair: tuple[str, str]) -> tuple[float, float, float, float]:
        a, b = places[pair[0]], places[pair[1]]
        return a.lat, a.lon, b.lat, b.lon

    def their_way(pair: tuple[str, str]) -> None:
        a, b = places[pair[0]], places[pair[1]]
        searoute.searoute((a.lon, a.lat), (b.lon, b.lat), units="naut")

    works: dict[str, tuple[int, Callable[[], Any]]] = {
        "sealane route, with zones": (len(asked), lambda: [route(*pair) for pair in asked]),
        "sealane route, no zones": (len(asked), lambda: [between(*ends(pair), zones=NONE) for pair in asked]),
        "raw scgraph, same network": (len(asked), lambda: [raw_way(*ends(pair)) for pair in asked]),
        "searoute": (len(asked), lambda: [their_way(pair) for pair in asked]),
        "sealane batch, registry ports": (len(many), lambda: route_distances_nm(many)),
        "sealane batch, World Port Index": (len(wide), lambda: route_distances_nm(wide)),
    }
    seconds = in_rounds(3, {name: work for name, (_, work) in works.items()})
    cold = sorted(_cold(code) for code in codes)
    results: list[dict[str, Any]] = []
    for name, (count, _) in works.items():
        median = statistics.median(seconds[name])
        results.append(
            {
                "name": name,
                "routes": count,
                "runs": len(seconds[name]),
                "median_s": round(median, 4),
                "routes_per_s": round(count / median, 1),
                "ms_a_route": round(1e3 * median / count, 4),
            }
        )
    results.append(
        {"name": "first look round a port", "routes": len(cold), "ms_a_route": round(cold[len(cold) // 2] * 1e3, 3)}
    )
    results.append({"name": "ports drawn that have no way", "routes": len(drawn) - len(reached), "ms_a_route": 0.0})
    return results


def _has_way(number: str) -> bool:
    try:
        route_distances_nm([(number, "USLAX")])
    except DataError:
        return False
    return True


def _cold(code: str) -> float:
    here = port(code)
    begin = time.perf_counter()
    mooring.__wrapped__(here.lat, here.lon)
    return time.perf_counter() - begin


def _judged(pair: tuple[str, str]) -> tuple[str, str, float, float, float]:
    """A pair with our length but for some miles at both ends, the oracle's between the same points, and those miles."""
    from tests.movement.routes.oracle import oracle_nm

    lat, lon, along = route(*pair, zones=NONE).points(0.5)
    ours = theirs = math.nan
    for ends_nm in ENDS_NM:
        # The last miles aside: harbours that the oracle's coastline does not show, more where it shuts their mouths.
        out = np.flatnonzero((along >= ends_nm) & (along <= along[-1] - ends_nm))
        first, last = out[0], out[-1]
        ours = float(along[last] - along[first])
        try:
            theirs = oracle_nm(lat[first], lon[first], lat[last], lon[last])
        except ValueError:  # its coastline shuts a canal or a strait that is open
            continue
        break
    return *pair, ours, theirs, ends_nm


def oracle(write: bool) -> int:
    """Print each pair beside the oracle; 1 if one is more than 0.5 % longer."""
    rows, worst = [], 0.0
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for a, b, ours, theirs, ends_nm in pool.map(_judged, ORACLE_PAIRS):
            if math.isnan(theirs):
                sys.stdout.write(f"{a} {b}  no way on the oracle's coastline\n")
                continue
            worst = max(worst, ours / theirs - 1.0)
            rows.append((a, b, f"{ours:.2f}", f"{theirs:.2f}", f"{ends_nm:g}"))
            sys.stdout.write(
                f"{a} {b}  ours {ours:9.2f}  oracle {theirs:9.2f}  {100.0 * (ours / theirs - 1.0):+.2f} %\n"
            )
            sys.stdout.flush()
    sys.stdout.write(f"{len(rows)} pairs; the longest against the oracle: {100.0 * worst:+.2f} %\n")
    if write:
        with GOLDEN.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow(("origin", "destination", "ours_nm", "oracle_nm", "ends_nm"))
            out.writerows(rows)
    return int(worst > 0.005)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few pairs, for a look")
    parser.add_argument("--oracle", action="store_true", help="hold the routes against the oracle instead")
    parser.add_argument("--write", action="store_true", help="with --oracle: write tests/golden/route_oracle.csv")
    options = parser.parse_args()
    if options.oracle:
        return oracle(options.write)
    results = run(options.quick)
    sys.stdout.write(f"{'what':<34}{'routes':>8}{'routes/s':>12}{'ms a route':>12}\n")
    for one in results:
        speed = f"{one['routes_per_s']:,.0f}" if "routes_per_s" in one else ""
        sys.stdout.write(f"{one['name']:<34}{one['routes']:>8}{speed:>12}{one['ms_a_route']:>12.3f}\n")
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    facts = {"python": platform.python_version(), "searoute": version("searoute"), "scgraph": version("scgraph")}
    (folder / "routes.json").write_text(
        json.dumps({"machine": facts, "results": results}, indent=1) + "\n", encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
