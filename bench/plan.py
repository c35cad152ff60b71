"""How long a plan takes, against its size: `python bench/plan.py [--quick]`.

SYNTHETIC scenarios (synthetic_plans.py) up to 30 years, 20 classes, 12 fuels and 6 ports, and the
reference scenario Los Angeles-Shanghai. Writing the equations in linopy, solving in HiGHS (one thread) and making the
tables are timed apart; "cpu" is the processor's time for all of it, which other work on the machine moves less. Medians
of three runs, one process; peak memory of the process so far.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import time
from importlib.metadata import version
from pathlib import Path

from synthetic_plans import synthetic

from sealane.corridors.plan.coefficients import coefficients
from sealane.corridors.plan.model import build
from sealane.corridors.plan.results import result
from sealane.corridors.plan.solver import Problem
from sealane.corridors.scenarios.model import ScenarioModel
from sealane.corridors.scenarios.read import read_scenario

# years, classes, fuels, ports
FULL = ((6, 1, 8, 2), (30, 1, 12, 6), (30, 5, 12, 6), (30, 10, 12, 6), (30, 20, 12, 6))
QUICK = ((6, 1, 8, 2), (10, 2, 8, 2))
RUNS = 3
RESULTS = Path(__file__).resolve().parent / "results" / "plan.json"


def measure(model: ScenarioModel) -> dict[str, float]:
    """Seconds of each part, and the size of the programme; raises where the solver finds no plan."""
    parts: dict[str, list[float]] = {"equations_s": [], "solve_s": [], "tables_s": [], "all_s": [], "cpu_s": []}
    costs, rows, columns = set(), 0, 0
    for _ in range(RUNS):
        begin, cpu = time.perf_counter(), time.process_time()
        terms = coefficients(model)
        lp = build(model, terms)
        problem = Problem(lp)
        written = time.perf_counter()
        solution = problem.run()
        solved = time.perf_counter()
        if not solution.feasible:
            raise RuntimeError(f"{model.id}: no plan")
        costs.add(result(model, terms, solution, solution, whole_ships=False).summary["cost_discounted_usd"])
        end, busy = time.perf_counter(), time.process_time() - cpu
        for name, seconds in zip(
            parts, (written - begin, solved - written, end - solved, end - begin, busy), strict=True
        ):
            parts[name].append(seconds)
        columns, rows = problem.width, int(lp.ncons)
    if len(costs) != 1:
        raise RuntimeError(f"{model.id}: the same scenario gave {len(costs)} plans")
    found: dict[str, float] = {"columns": columns, "rows": rows}
    found |= {name: statistics.median(seconds) for name, seconds in parts.items()}
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes")
    sizes = QUICK if parser.parse_args().quick else FULL
    measure(synthetic(2, 1, 4, 1, cut=0.0))  # imports
    models = {"reference la-lb-shanghai": read_scenario("la-lb-shanghai")}
    models |= {"SYNTHETIC {} years, {} classes, {} fuels, {} ports".format(*size): synthetic(*size) for size in sizes}
    seconds = f"{'equations':>10} {'solve':>8} {'tables':>8} {'all':>8} {'cpu':>8}"
    print(f"{'':52} {'columns':>9} {'rows':>9} {seconds} {'MB':>6}")
    found: dict[str, object] = {}
    for name, model in models.items():
        row = measure(model)
        found[name] = row
        seconds = " ".join(
            f"{row[part]:>{width}.2f}"
            for part, width in (("equations_s", 10), ("solve_s", 8), ("tables_s", 8), ("all_s", 8), ("cpu_s", 8))
        )
        print(f"{name:52} {row['columns']:>9,.0f} {row['rows']:>9,.0f} {seconds} {row['peak_mb']:>6,.0f}", flush=True)
    machine = {"python": platform.python_version(), **{name: version(name) for name in ("highspy", "linopy")}}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(
        json.dumps({"machine": machine, "runs": RUNS, "plans": found}, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
