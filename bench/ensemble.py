"""How many draws a second: `python bench/ensemble.py [--quick]`.

The reference scenario Los Angeles-Shanghai (26 years, one class, eight fuels, two ports, nine ranges) and the same with
more classes. A draw is the scenario and its fossil case worked out once. Beside it, the same draws one at a time, which
is what a loop over `simulate` would cost. Medians of three runs, one process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np

from sealane.corridors.scenarios.ensemble import ensemble, sample
from sealane.corridors.scenarios.evaluate import Draws
from sealane.corridors.scenarios.model import ScenarioModel
from sealane.corridors.scenarios.read import read_scenario
from sealane.corridors.scenarios.study import draws_of, quantile, run_outputs

# Draws worked out together, draws worked out one at a time, numbers of classes.
FULL = (16_384, 200, (1, 5, 20))
QUICK = (2_048, 20, (1, 5))
RUNS = 3
RESULTS = Path(__file__).resolve().parent / "results" / "ensemble.json"


def with_classes(model: ScenarioModel, number: int) -> ScenarioModel:
    """The scenario with its class standing several times, each with an even share of the transport."""
    ship = model.classes[0]
    classes = tuple(replace(ship, id=f"{ship.id}-{n}", existing=ship.existing / number) for n in range(number))
    return replace(model, classes=classes, class_share=np.full((number, model.years.size), 1.0 / number))


def median_s(work: Callable[[], object]) -> float:
    """Median wall time of the runs [s]."""
    seconds = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers")
    many, few, classes = QUICK if parser.parse_args().quick else FULL
    base = read_scenario("la-lb-shanghai")
    found: dict[str, dict[str, float]] = {}
    cube, _ = sample(len(base.ranges), many, 1)
    for number in classes:
        model = with_classes(base, number)
        draws = draws_of(model, np.column_stack([quantile(item, cube[:, r]) for r, item in enumerate(model.ranges)]))
        run_outputs(model, Draws.unchanged(model))
        seconds = median_s(partial(run_outputs, model, draws))
        found[f"classes: {number}, together"] = {"draws": many, "s": seconds, "per_s": many / seconds}
    draws = draws_of(base, np.column_stack([quantile(item, cube[:few, r]) for r, item in enumerate(base.ranges)]))

    def one_by_one() -> None:
        for n in range(few):
            run_outputs(base, Draws(**{f.name: getattr(draws, f.name)[n : n + 1] for f in fields(Draws)}))

    alone = median_s(one_by_one)
    found["classes: 1, one at a time"] = {"draws": few, "s": alone, "per_s": few / alone}
    whole = median_s(lambda: ensemble(base, 1024))
    runs = 1024 * (len(base.ranges) + 2)
    found["ensemble of 1,024 with drivers and tornado"] = {"draws": runs, "s": whole, "per_s": runs / whole}
    print(f"{'':44} {'draws':>8} {'s':>8} {'draws/s':>10}")
    for name, row in found.items():
        print(f"{name:44} {row['draws']:>8,.0f} {row['s']:>8.2f} {row['per_s']:>10,.0f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
