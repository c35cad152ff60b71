"""The small tables of a lane: passes, ships and their particulars, trend, targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sealane.corridors.lanes.distances import way
from sealane.corridors.lanes.document import METRICS, Corridor, Target
from sealane.corridors.lanes.pricing import MEASURES
from sealane.corridors.lanes.schemas import PARTICULARS, PASSES, POLLUTANTS, RULES, SHIPS, TARGETS, TREND
from sealane.corridors.lanes.totals import KNOWN_CARGO, Totals, known
from sealane.corridors.lanes.work import (
    LaneWork,
    Sums,
    directions,
    pass_names,
    ship_columns,
    time_column,
)
from sealane.emissions.vessels import VESSEL_TABLE_FIELDS

Floats = NDArray[np.float64]

KM_PER_NM = 1.852
_G_PER_T = 1e6
_MJ = MEASURES.index("energy_mj")
_WTW = MEASURES.index("wtw_co2e_g")


def counted_passes(work: LaneWork) -> NDArray[np.int64]:
    """Numbers of the passes that count."""
    return np.flatnonzero(work.claims.pass_counts)


def pass_route_nm(work: LaneWork, passes: NDArray[np.int64]) -> Floats:
    """Shortest feasible distance between the two ports of each pass [nm]; NaN where a port is not known."""
    rotations = work.claims.rotations
    ports = work.calls["port"].combine_chunks().dictionary_encode()
    names = ports.dictionary.to_pylist()
    code = ports.indices.to_numpy().astype(np.int64)
    pair = code[rotations.pass_from[passes]] * len(names) + code[rotations.pass_to[passes]]
    unique, inverse = np.unique(pair, return_inverse=True)
    return np.array([way(names[p // len(names)], names[p % len(names)])[0] for p in unique.tolist()] or [0.0])[inverse]


def pass_cargo(work: LaneWork, passes: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Tonnes and TEU carried from end to end by each pass: on board on its last leg; NaN where not known."""
    last = work.claims.rotations.leg_before[work.claims.rotations.pass_to[passes]]
    return work.claims.tonnes.lane[last], work.claims.teu.lane[last]


def _ports_of(work: LaneWork, passes: NDArray[np.int64]) -> pa.Array:
    """Ports of each pass in their order, joined by >."""
    rotations = work.claims.rotations
    first, last = rotations.pass_from[passes], rotations.pass_to[passes]
    lengths = last - first + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    if offsets[-1] == 0:
        return pa.array([], pa.string())
    calls = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths) + np.repeat(first, lengths)
    ports = work.calls["port"].combine_chunks().take(pa.array(calls))
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), ports), ">")


def passes_table(work: LaneWork, sums: Sums) -> pa.Table:
    """`passes.parquet`: passes that end inside the period, those too long too."""
    claims, rotations = work.claims, work.claims.rotations
    long = np.zeros(len(rotations.pass_from), np.bool_)
    long[:] = rotations.too_long
    rows = np.flatnonzero(claims.pass_counts | long)
    first, last = rotations.pass_from[rows], rotations.pass_to[rows]
    begin, end = rotations.departure_us[first], rotations.arrival_us[last]
    legs = last - first
    whole = np.where(sums.pass_legs[rows] == legs, 1.0, np.nan)
    tonnes, teu = pass_cargo(work, rows)
    no_time = np.iinfo(np.int64).min
    hours = np.where((begin != no_time) & (end != no_time), end - begin, -1) / 3.6e9
    quarter = claims.quarter[rotations.leg_before[last]]

    def number(values: Floats) -> pa.Array:
        return pa.array(values, from_pandas=True)

    columns: dict[str, Any] = {
        "pass_id": pass_names(work, rows),
        **ship_columns(work, work.ship_row[first]),
        "direction": directions(work, rows),
        "from_port": work.calls["port"].take(pa.array(first)),
        "to_port": work.calls["port"].take(pa.array(last)),
        "ports": _ports_of(work, rows),
        "begin": time_column(begin),
        "end": time_column(end),
        "year": quarter // 4,
        "legs": legs,
        "direct": legs == 1,
        "too_long": long[rows],
        "hours": pa.array(hours, mask=hours < 0.0),
        "distance_nm": number(sums.pass_nm[rows] * whole),
        "route_nm": number(pass_route_nm(work, rows)),
        "lane_teu": number(teu),
        "lane_t": number(tonnes),
        "energy_mj": number(sums.pass_mj[rows] * whole),
        "wtw_co2e_g": number(sums.pass_wtw[rows] * whole),
    }
    return pa.table(columns).select(PASSES.schema.names).cast(PASSES.schema)


def ships_table(work: LaneWork, sums: Sums) -> pa.Table:
    """`ships.parquet`: ships with a leg on the lane."""
    rows = np.flatnonzero(sums.ship_legs)
    passes = counted_passes(work)
    of_ship = work.ship_row[work.claims.rotations.pass_from[passes]]
    direct = work.claims.rotations.direct_pass[passes]
    n = len(work.ships.ship)
    models = work.ships.models
    grades = [models[m].grade if m >= 0 else None for m in work.ships.model_of.tolist()]
    nm = sums.ship_nm[rows]
    columns: dict[str, Any] = {
        **ship_columns(work, rows),
        "carrier": pa.array([work.ships.told[r]["carrier"] for r in rows.tolist()], pa.string()),
        "particulars": pa.array([work.ships.origin[r] for r in rows.tolist()]),
        "grade": pa.array([grades[r] for r in rows.tolist()], pa.string()),
        "legs": sums.ship_legs[rows],
        "passes": np.bincount(of_ship, minlength=n)[rows],
        "direct_passes": np.bincount(of_ship[direct], minlength=n)[rows],
        "distance_nm": nm,
        "observed_share": np.divide(sums.ship_observed_nm[rows], nm, out=np.zeros_like(nm), where=nm > 0.0),
        **{
            f"{rule}_{name}": sums.ships[at, rows, k]
            for at, rule in enumerate(RULES)
            for k, name in enumerate(("energy_mj", "ttw_co2e_g", "wtw_co2e_g"))
        },
    }
    return pa.table(columns).select(SHIPS.schema.names).cast(SHIPS.schema)


def particulars_table(work: LaneWork) -> pa.Table:
    """`particulars.parquet`: every value of every ship that has an energy model, with its origin."""
    rows: dict[str, list[Any]] = {name: [] for name in PARTICULARS.columns}
    on_lane = np.unique(work.ship_row[work.claims.rotations.from_call[work.claims.on_lane]])
    for ship in on_lane.tolist():
        model = work.ships.model_of[ship]
        if model < 0:
            continue
        particulars = work.ships.models[model].particulars
        for name in sorted({*VESSEL_TABLE_FIELDS, "electric_drive"} - {"imo", "name"}):
            value = getattr(particulars, name, None)
            if value is None:
                continue
            origin = particulars.origins.get(name)
            rows["ship"].append(int(work.ships.ship[ship]))
            rows["field"].append(name)
            rows["value"].append(repr(value) if isinstance(value, float) else str(value))
            rows["origin"].append(origin.kind.value if origin else None)
            rows["grade"].append(origin.grade if origin else None)
            rows["source"].append(origin.source if origin else None)
    return pa.table(rows, schema=PARTICULARS.schema)


def trend_table(work: LaneWork, totals: Totals, sums: Sums) -> pa.Table:
    """`trend.parquet`: every quarter and every year by every rule."""
    quarters = work.quarters
    passes = counted_passes(work)
    rotations = work.claims.rotations
    pass_quarter = np.searchsorted(quarters, work.claims.quarter[rotations.leg_before[rotations.pass_to[passes]]])
    direct = rotations.direct_pass[passes]
    tonnes, teu = pass_cargo(work, passes)
    km = pass_route_nm(work, passes) * KM_PER_NM
    complete = work.claims.pass_known[passes]
    codes = np.unique(np.concatenate([np.empty(0, np.int64), *sums.ship_quarters]))
    ships = len(work.ships.ship)
    without = work.claims.on_lane & np.isnan(work.claims.shares["cargo"])
    unknown_cargo = np.bincount(np.searchsorted(quarters, work.claims.quarter[without]), minlength=len(quarters))
    rows: list[dict[str, Any]] = []
    for at, rule in enumerate(RULES):
        figures = known(totals.of(rule)).sum(axis=(1, 2, 3))
        whole = known(totals.of(KNOWN_CARGO)).sum(axis=(1, 2, 3))
        of_rule = codes[(codes >= at * len(quarters) * ships) & (codes < (at + 1) * len(quarters) * ships)]
        code_quarter, code_ship = of_rule // ships - at * len(quarters), of_rule % ships
        for year, quarter in _periods(quarters):
            inside = (quarters // 4 == year) & ((quarter == 0) | (quarters % 4 + 1 == quarter))
            in_pass = inside[pass_quarter]
            values = figures[inside].sum(axis=0)
            nothing_known = rule == "cargo" and not sums.legs[at][inside].any() and bool(unknown_cargo[inside].any())
            row: dict[str, Any] = {
                "rule": rule,
                "period": f"{year}-Q{quarter}" if quarter else str(year),
                "year": year,
                "quarter": quarter,
                "passes": int(in_pass.sum()),
                "direct_passes": int((in_pass & direct).sum()),
                "legs": int(sums.legs[at][inside].sum()),
                "ships": len(np.unique(code_ship[inside[code_quarter]])),
                "distance_nm": float(sums.nm[at][inside].sum()),
                **{
                    name: None if nothing_known else _none(values[MEASURES.index(name)])
                    for name in ("energy_mj", *POLLUTANTS)
                },
                "cargo_teu": _sum(teu[in_pass]),
                "cargo_t": _sum(tonnes[in_pass]),
            }
            chosen = in_pass & complete
            row |= {
                "transport_t_km": _sum((tonnes * km)[chosen]),
                "transport_teu_km": _sum((teu * km)[chosen]),
                "wtw_g_per_mj": _ratio(row["wtw_co2e_g"], row["energy_mj"]),
            }
            wtw = float(whole[inside].sum(axis=0)[_WTW]) if rule == "cargo" else None
            row |= {
                "wtw_g_per_t_km": _ratio(wtw, row["transport_t_km"]),
                "wtw_g_per_teu_km": _ratio(wtw, row["transport_teu_km"]),
                "wtw_kg_per_teu": _ratio(wtw, _sum(teu[chosen]), 1e-3),
                "observed_share": _ratio(float(totals.observed_mj[at][inside].sum()), row["energy_mj"]),
            }
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=TREND.schema)


def _periods(quarters: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Years with quarter 0, and quarters, in their order."""
    found = []
    for year in np.unique(quarters // 4).tolist():
        found.append((year, 0))
        found += [(year, int(q % 4 + 1)) for q in quarters.tolist() if q // 4 == year]
    return found


def _none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _sum(values: Floats) -> float | None:
    """Sum of what is known; None where nothing is."""
    return None if not len(values) or np.isnan(values).all() else float(np.nansum(values))


def _ratio(over: float | None, under: float | None, factor: float = 1.0) -> float | None:
    return None if over is None or not under else over / under * factor


def figure(trend: pa.Table, rule: str, metric: str, year: int) -> float | None:
    """Figure of a metric of `METRICS` in a year by a rule; None where the data do not hold it.

    Intensities per t km and TEU km stand with rule cargo, whatever rule counts.
    """
    by = "cargo" if metric.endswith("_km") else rule
    rows = [row for row in trend.to_pylist() if (row["rule"], row["year"], row["quarter"]) == (by, year, 0)]
    if not rows:
        return None
    if metric in ("wtw_t", "ttw_t"):
        grams = rows[0][f"{metric.removesuffix('_t')}_co2e_g"]
        return None if grams is None else grams / _G_PER_T
    found: float | None = rows[0][metric]
    return found


def targets_table(
    corridor: Corridor, trend: pa.Table, rule: str, cargo_unknown: Mapping[int, int] | None = None
) -> pa.Table:
    """`targets.parquet`: every target of the document beside the last year of the data.

    `cargo_unknown` counts legs whose cargo nobody knows by year: a mass by rule cargo is a lower bound then, and as
    little as one of a part of a year does it show that a target is met.
    """
    years = sorted({row["year"] for row in trend.to_pylist()})
    doubt = _doubt(trend, rule, years[-1], cargo_unknown or {})
    rows = [_target_row(target, corridor, trend, rule, years[-1], doubt) for target in corridor.targets]
    return pa.Table.from_pylist(rows, schema=TARGETS.schema)


def cargo_unknown_by_year(work: LaneWork) -> dict[int, int]:
    """Legs on the lane whose cargo nobody knows, by year; years without one are left out."""
    unknown = work.claims.on_lane & np.isnan(work.claims.shares["cargo"])
    years, legs = np.unique(work.claims.quarter[unknown] // 4, return_counts=True)
    return dict(zip(years.tolist(), legs.tolist(), strict=True))


def _doubt(trend: pa.Table, rule: str, year: int, cargo_unknown: Mapping[int, int]) -> str:
    """Why the mass of a year is no more than a lower bound; empty where it is whole."""
    if rule == "cargo" and cargo_unknown.get(year):
        return f"the cargo of {cargo_unknown[year]:,} legs of {year} is not known"
    quarters = {row["quarter"] for row in trend.to_pylist() if row["year"] == year} - {0}
    if len(quarters) < 4:
        return f"the data hold legs of {len(quarters)} of the 4 quarters of {year} only"
    return ""


def _target_row(
    target: Target, corridor: Corridor, trend: pa.Table, rule: str, latest: int, doubt: str
) -> Mapping[str, Any]:
    relative = target.reduction_pct is not None
    baseline_year = corridor.baseline_year if relative else None
    baseline = figure(trend, rule, target.metric, baseline_year) if baseline_year is not None else None
    value = target.value
    if target.reduction_pct is not None:
        value = None if baseline is None else baseline * (1.0 - target.reduction_pct / 100.0)
    actual = figure(trend, rule, target.metric, latest)
    if value is None:
        state = f"unknown: the data hold no figure of the baseline year {baseline_year}"
    elif actual is None:
        state = "unknown: the data hold no figure of this metric"
    elif actual <= value:
        state = f"unknown: {doubt}" if doubt and METRICS[target.metric][0] == "t" else "met"
    else:
        state = "missed" if latest >= target.year else "not yet"
    return {
        "target": target.id,
        "year": target.year,
        "metric": target.metric,
        "unit": METRICS[target.metric][0],
        "value": value,
        "baseline_year": baseline_year,
        "baseline": baseline,
        "latest_year": latest,
        "actual": actual,
        "gap": actual - value if actual is not None and value is not None else None,
        "state": state,
        "source": corridor.sources[target.source].title,
    }
