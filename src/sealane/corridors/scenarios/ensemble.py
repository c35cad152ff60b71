"""Ensemble: many draws of the ranges a scenario names, their quantiles, and which range matters most.

Draws are a scrambled Sobol sequence, which fills the unit cube evenly. The indices need two samples and one more for
each range with that range exchanged; every one of these runs is a draw of the same ranges, so quantiles are taken over
all of them. Drivers are ranked by Sobol's total index (the share of the variance that would be left if all other
ranges were known), by the estimators of Saltelli et al. 2010 and Jansen 1999: the model has thresholds (fuel that runs
out, ships that are built or not), which a regression does not see. The rank regression coefficient stands beside it for
its sign.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from sealane.corridors.scenarios.evaluate import Draws
from sealane.corridors.scenarios.model import STUDY_TABLES, Floats, ScenarioModel, ScenarioResult
from sealane.corridors.scenarios.simulate import simulate
from sealane.corridors.scenarios.study import OUTPUTS, YEARLY, draws_of, quantile, run_outputs
from sealane.corridors.scenarios.tornado import tornado
from sealane.errors import DataError, Fault

LEAST_DRAWS, MOST_DRAWS = 16, 1 << 20
DEFAULT_DRAWS = 2048
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# Below this share of the mean a figure is taken not to vary.
STILL = 1e-9


def ensemble(model: ScenarioModel, draws: int = DEFAULT_DRAWS, seed: int = 1) -> ScenarioResult:
    """Simulate a scenario over draws of its ranges.

    Parameters
    ----------
    draws : rounded up to a power of two, as the sequence asks; the indices take as many again for each range and twice.
    seed : of the scrambling; the same seed gives the same draws.

    Returns
    -------
    The result of `simulate`, with the tables ``ensemble``, ``ensemble_draws``, ``drivers`` and ``tornado``.

    Raises
    ------
    DataError
        for a number of draws out of bounds, or a scenario without ranges.
    """
    faults = []
    if not LEAST_DRAWS <= draws <= MOST_DRAWS:
        faults.append(Fault("draws", f"{draws:,}", f"Give {LEAST_DRAWS} to {MOST_DRAWS:,}"))
    if seed < 0:
        faults.append(Fault("seed", f"{seed}", "Give 0 or more"))
    if not model.ranges:
        faults.append(Fault(model.id, "no ranges", "Name in section 'ranges' what is uncertain, and by how much"))
    if faults:
        raise DataError(f"No ensemble of {model.id} can be drawn.", faults)
    result = simulate(model)
    number = 1 << (draws - 1).bit_length()
    first, second = sample(len(model.ranges), number, seed)
    base, base_yearly = run_outputs(model, Draws.unchanged(model))
    single, yearly = run_outputs(model, _draws(model, first))
    other, other_yearly = run_outputs(model, _draws(model, second))
    mixed = []
    for r in range(len(model.ranges)):
        exchanged = first.copy()
        exchanged[:, r] = second[:, r]
        mixed.append(run_outputs(model, _draws(model, exchanged))[0])
    # Of yearly figures two samples, so that memory stays bounded.
    every = {name: np.concatenate([run[name] for run in (single, other, *mixed)]) for name in OUTPUTS}
    both = {name: np.concatenate([yearly[name], other_yearly[name]]) for name in YEARLY}
    tables = {
        **result.tables,
        "ensemble": _quantile_table(model, (base, base_yearly), (every, both)),
        "ensemble_draws": _draw_table(single),
        "drivers": _driver_table(model, first, (single, other, mixed)),
        "tornado": tornado(model),
    }
    runs = number * (len(model.ranges) + 2)
    notes = [
        *result.notes,
        f"Ensemble of {number:,} draws, seed {seed}, over {len(model.ranges)} ranges: {runs:,} runs with those that "
        f"tell the drivers apart. Quantiles of the whole run are over all {runs:,}, of single years over "
        f"{2 * number:,}.",
    ]
    left_out = int(np.isnan(single["abatement_usd_per_t"]).sum())
    if left_out:
        notes.append(f"{left_out:,} of {number:,} draws avoid nothing and have no abatement cost.")
    summary = {**result.summary, "ensemble_draws": number, "ensemble_seed": seed}
    return replace(result, tables=tables, notes=tuple(notes), summary=summary)


def sample(ranges: int, number: int, seed: int) -> tuple[Floats, Floats]:
    """Two independent samples of the unit cube, each ``(number, ranges)``; `number` is a power of two."""
    from scipy.stats import qmc

    sequence = qmc.Sobol(2 * ranges, scramble=True, rng=np.random.default_rng(seed))
    both = sequence.random(number)
    return both[:, :ranges], both[:, ranges:]


def _draws(model: ScenarioModel, unit_cube: Floats) -> Draws:
    columns = [quantile(item, unit_cube[:, r]) for r, item in enumerate(model.ranges)]
    return draws_of(model, np.column_stack(columns))


def _quantile_table(
    model: ScenarioModel,
    base: tuple[dict[str, Floats], dict[str, Floats]],
    drawn: tuple[dict[str, Floats], dict[str, Floats]],
) -> pa.Table:
    rows = [_spread(0, name, unit, float(base[0][name][0]), drawn[0][name]) for name, unit in OUTPUTS.items()]
    for name, unit in YEARLY.items():
        for y, year in enumerate(model.years):
            rows.append(_spread(int(year), name, unit, float(base[1][name][0, y]), drawn[1][name][:, y]))
    return _table("ensemble", rows)


def _spread(year: int, name: str, unit: str, base: float, values: Floats) -> tuple[object, ...]:
    known = values[~np.isnan(values)]
    if not known.size:
        return (year, 0, name, unit, None, *([None] * (1 + len(QUANTILES))))
    spread = np.quantile(known, QUANTILES)
    return (
        year,
        int(known.size),
        name,
        unit,
        None if np.isnan(base) else base,
        float(known.mean()),
        *map(float, spread),
    )


def _draw_table(single: dict[str, Floats]) -> pa.Table:
    rows: list[tuple[object, ...]] = [
        (draw, name, unit, None if np.isnan(value) else float(value))
        for name, unit in OUTPUTS.items()
        for draw, value in enumerate(single[name])
    ]
    return _table("ensemble_draws", rows)


def _driver_table(
    model: ScenarioModel, drawn: Floats, runs: tuple[dict[str, Floats], dict[str, Floats], list[dict[str, Floats]]]
) -> pa.Table:
    single, other, mixed = runs
    rows: list[tuple[object, ...]] = []
    for name in OUTPUTS:
        columns = np.column_stack([single[name], other[name], *(part[name] for part in mixed)])
        columns = columns[~np.isnan(columns).any(axis=1)]
        inputs = drawn[~np.isnan(single[name])]
        known = single[name][~np.isnan(single[name])]
        if columns.shape[0] < LEAST_DRAWS or np.std(known) <= STILL * max(abs(float(np.mean(known))), 1e-300):
            continue
        a, b, exchanged = columns[:, 0], columns[:, 1], columns[:, 2:]
        first, total = sobol_indices(a, b, exchanged)
        sign = rank_regression(inputs, known)
        order = sorted(range(len(model.ranges)), key=lambda r: (-total[r], model.ranges[r].name))
        rows += [
            (rank + 1, name, model.ranges[r].name, float(sign[r]), float(first[r]), float(total[r]))
            for rank, r in enumerate(order)
        ]
    return _table("drivers", rows)


def sobol_indices(a: Floats, b: Floats, exchanged: Floats) -> tuple[Floats, Floats]:
    """First-order and total Sobol indices.

    Parameters
    ----------
    a, b : outputs of two independent samples, ``(N,)``.
    exchanged : outputs of the first sample with one column taken from the second, ``(N, inputs)``.

    Source: Saltelli et al. 2010, doi 10.1016/j.cpc.2009.09.018, table 2 (b) and (f); Jansen 1999.
    """
    variance = float(np.var(np.concatenate([a, b])))
    first = np.mean(b[:, None] * (exchanged - a[:, None]), axis=0) / variance
    total = np.mean((a[:, None] - exchanged) ** 2, axis=0) / (2.0 * variance)
    # Estimates of nothing scatter around 0; an index is never negative.
    return np.maximum(first, 0.0), total


def rank_regression(inputs: Floats, output: Floats) -> Floats:
    """Standardised rank regression coefficients of an output on inputs ``(N, inputs)``; 0 where all is still."""
    from scipy.stats import rankdata

    ranks = np.column_stack([rankdata(column) for column in (*inputs.T, output)])
    spread = ranks.std(axis=0)
    standard = (ranks - ranks.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    return np.asarray(np.linalg.lstsq(standard[:, :-1], standard[:, -1], rcond=None)[0])


def _table(name: str, rows: list[tuple[object, ...]]) -> pa.Table:
    schema = STUDY_TABLES[name]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in schema]
    return pa.Table.from_arrays(
        [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
