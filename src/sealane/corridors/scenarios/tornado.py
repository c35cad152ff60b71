"""Tornado: each range alone at its low and its high end, all others as in the scenario."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sealane.corridors.scenarios.evaluate import Draws
from sealane.corridors.scenarios.model import STUDY_TABLES, ScenarioModel
from sealane.corridors.scenarios.study import OUTPUTS, draws_of, run_outputs


def tornado(model: ScenarioModel) -> pa.Table:
    """Table ``tornado`` of `STUDY_TABLES`; within each output the widest swing has rank 1.

    `low` and `high` are the ends of the range (factor, or shift in g/MJ); `value_low` and `value_high` the output
    there; `unit` is the output's.
    """
    schema = STUDY_TABLES["tornado"]
    ranges = model.ranges
    if not ranges:
        return schema.empty_table()
    base_values = np.array([item.mode for item in ranges])
    values = np.tile(base_values, (2 * len(ranges), 1))
    for r, item in enumerate(ranges):
        values[2 * r, r], values[2 * r + 1, r] = item.low, item.high
    single, _ = run_outputs(model, draws_of(model, values))
    base, _ = run_outputs(model, Draws.unchanged(model))
    rows: list[dict[str, object]] = []
    for name, unit in OUTPUTS.items():
        ends = single[name].reshape(-1, 2)
        swing = np.abs(ends[:, 1] - ends[:, 0])
        order = sorted(range(len(ranges)), key=lambda r: (-np.nan_to_num(swing[r], nan=-1.0), ranges[r].name))
        for rank, r in enumerate(order):
            numbers = (ends[r, 0], ends[r, 1], base[name][0], swing[r])
            low, high, middle, wide = (None if np.isnan(number) else float(number) for number in numbers)
            rows.append(
                {
                    "rank": rank + 1,
                    "output": name,
                    "driver": ranges[r].name,
                    "unit": unit,
                    "low": ranges[r].low,
                    "high": ranges[r].high,
                    "value_low": low,
                    "value_high": high,
                    "base": middle,
                    "swing": wide,
                }
            )
    return pa.Table.from_pylist(rows, schema=schema)
