"""`solve_plan`: which ships, fuels, conversions and bunkering meet a corridor's target at least cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from sealane.corridors.plan.checks import check
from sealane.corridors.plan.coefficients import coefficients
from sealane.corridors.plan.infeasible import explain
from sealane.corridors.plan.model import SHIP_COUNTS, build
from sealane.corridors.plan.results import result
from sealane.corridors.plan.solver import Problem
from sealane.corridors.scenarios.model import Floats, ScenarioModel, ScenarioResult
from sealane.corridors.scenarios.simulate import discount_factors
from sealane.errors import DataError, Fault

GAP = 1e-3
CURVE = pa.schema(
    [("cut", pa.float64()), ("feasible", pa.bool_())]
    + [(n, pa.float64()) for n in ("cost_discounted_usd", "wtw_t", "average_usd_per_t", "marginal_usd_per_t")]
)
Progress = Callable[[str, int, int], None]


def solve_plan(
    model: ScenarioModel, whole_ships: bool = False, progress: Progress | None = None, gap: float = GAP
) -> ScenarioResult:
    """Find the least-cost plan of a scenario.

    Parameters
    ----------
    model : the scenario; what it says for `simulate` alone (mixes, conversions) is not read.
    whole_ships : ships are counted in whole numbers. Slower; today's fleet is rounded down.
    progress : called with (step, done, total).
    gap : with whole ships, how far from the least cost the plan may be, relative.

    Returns
    -------
    Tables as `RESULT_TABLES` and `PLAN_TABLES`. The same model gives the same plan, byte for byte, with the same
    versions of solver and libraries.

    Raises
    ------
    DataError
        where the scenario's numbers contradict one another; or where no plan exists: the message names the limits that
        conflict, by how much, and what would help.
    SealaneError
        where the solver gives up.
    """
    steps = 3 if whole_ships else 2

    def say(words: str, done: int) -> None:
        if progress is not None:
            progress(words, done, steps)

    check(model)
    say("writing the equations", 0)
    terms = coefficients(model, whole_ships=whole_ships)
    lp = build(model, terms, whole_ships=whole_ships)
    say("solving", 1)
    solution = Problem(lp, gap if whole_ships else 0.0).run()
    if not solution.feasible:
        say("looking for what conflicts", 1)
        raise explain(model, whole_ships=whole_ships)
    duals = solution
    if whole_ships:
        say("shadow prices", 2)
        fixed = {name: np.round(solution.values[name]) for name in SHIP_COUNTS if name in solution.values}
        exact = Problem(build(model, terms, fixed=fixed)).run()
        if exact.feasible:
            # Rounding away the solver's tolerance on whole numbers makes the plan exact.
            duals = exact
            solution = replace(exact, gap=solution.gap)
    say("solved", steps)
    return result(model, terms, solution, duals, whole_ships=whole_ships)


def cost_curve(model: ScenarioModel, cuts: Sequence[float]) -> pa.Table:
    """The least cost of ever lower caps: the corridor's abatement cost curve.

    Parameters
    ----------
    model : the scenario; its own cap on emissions is put aside, all other limits hold.
    cuts : reductions of every model year against the least-cost plan without a cap, fractions 0 to 1, in any order.

    Returns
    -------
    One row per cut, from the smallest: ``cut``, ``feasible``, ``cost_discounted_usd``, ``wtw_t`` (sum over the years),
    ``average_usd_per_t`` (extra discounted cost per discounted tonne against no cap) and ``marginal_usd_per_t`` (of the
    last model year). A cut that cannot be met has nulls.
    """
    wanted = sorted(set(map(float, cuts)))
    if not all(0.0 <= cut <= 1.0 for cut in wanted):
        raise DataError(
            "A cost curve needs cuts of 0 to 1.", [Fault("cuts", f"{wanted}", "Give fractions, such as 0.3")]
        )
    free = solve_plan(replace(model, cap_wtw_t=np.full(len(model.years), np.nan)))
    emitted, first_cost = _column(free, "wtw_t"), float(free.summary["cost_discounted_usd"])
    discount = discount_factors(model)
    rows: list[tuple[object, ...]] = []
    for cut in wanted:
        try:
            # A hair above, so that a cut of nothing is met whatever the rounding.
            found = solve_plan(replace(model, cap_wtw_t=emitted * (1.0 - cut) + 1e-9 * emitted))
        except DataError:
            rows.append((cut, False, None, None, None, None))
            continue
        cost, left = float(found.summary["cost_discounted_usd"]), _column(found, "wtw_t")
        avoided = float(discount @ (emitted - left))
        average = (cost - first_cost) / avoided if avoided > 1e-6 * float(discount @ emitted) else None
        duals = found.tables["dual"].to_pylist()
        marginal = [row["value"] for row in duals if row["constraint"] == "cap_wtw"][-1]
        rows.append((cut, True, cost, float(model.year_weight @ left), average, marginal))
    return pa.Table.from_pylist([dict(zip(CURVE.names, row, strict=True)) for row in rows], schema=CURVE)


def _column(result: ScenarioResult, name: str) -> Floats:
    return np.asarray(result.tables["year"][name].to_numpy(zero_copy_only=False), dtype=np.float64)
