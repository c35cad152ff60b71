"""Yard equipment and drayage trucks of a scenario: turnover by the user's numbers, in rows of their own."""

from __future__ import annotations

import pyarrow as pa

from sealane.corridors.scenarios.model import STUDY_TABLES, Landside, ScenarioModel


def landside_rows(model: ScenarioModel, group: Landside) -> list[tuple[object, ...]]:
    """Rows of one group, one a model year.

    Machines are taken to be of all ages alike, so that one in `lifetime_years` is replaced each year; its price is
    spread evenly over its life, without interest. Replacement is by `zero_share`.
    """
    rows: list[tuple[object, ...]] = []
    for y, year in enumerate(model.years):
        units = float(group.units[y])
        zero = units * float(group.zero_share[y])
        burnt_gj, zero_gj = (units - zero) * group.energy_gj, zero * group.zero_energy_gj
        wtw_t = (burnt_gj * float(group.wtw_g_per_mj[y]) + zero_gj * float(group.zero_wtw_g_per_mj[y])) * 1e-3
        cost = (
            burnt_gj * float(group.energy_usd_per_gj[y])
            + zero_gj * float(group.zero_energy_usd_per_gj[y])
            + ((units - zero) * group.price_usd + zero * group.zero_price_usd) / group.lifetime_years
        )
        ttw_t = burnt_gj * group.ttw_g_per_mj * 1e-3
        rows.append((int(year), group.id, group.port, units, zero, (burnt_gj + zero_gj) / 1e3, wtw_t, ttw_t, cost))
    return rows


def landside_table(model: ScenarioModel) -> pa.Table:
    """Table ``landside`` of `STUDY_TABLES`."""
    rows = [row for group in model.landside for row in landside_rows(model, group)]
    schema = STUDY_TABLES["landside"]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in schema]
    return pa.Table.from_arrays(
        [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )
