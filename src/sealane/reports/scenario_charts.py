"""Charts of a simulated or planned scenario, each from one table of its folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sealane.reports import chart_canvas as canvas
from sealane.reports.chart_bars import Part, Range, Swing, against_published, ranked, tornado
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_years import Band, Series, by_year
from sealane.reports.figures import number, share

Rows = Sequence[dict[str, Any]]
OUTPUTS = {
    "wtw_t": "well-to-wake emissions",
    "ttw_t": "tank-to-wake emissions",
    "cost_usd": "cost",
    "cost_gap_usd": "cost gap against the fossil case",
    "cost_gap_usd_per_teu": "cost gap per TEU",
    "abatement_usd_per_t": "abatement cost",
    "intensity_g_per_mj": "well-to-wake intensity",
    "energy_tj": "fuel energy",
    "demand_teu": "demand",
    "cost_discounted_usd": "discounted cost of the whole run",
    "cost_gap_discounted_usd": "discounted cost gap of the whole run",
    "avoided_wtw_t": "avoided emissions",
    "fossil_wtw_t": "emissions of the fossil case",
    "fossil_cost_usd": "cost of the fossil case",
    "shore_tj": "electricity from shore",
}
LEADING = ("cost_gap_discounted_usd", "cost_gap_usd", "cost_gap_usd_per_teu", "wtw_t", "abatement_usd_per_t")
"""Outputs a reader asks for first; the others follow in their own order."""
ITEMS = {
    "capital": "capital",
    "operation": "operation",
    "fuel": "fuel",
    "shore_power": "shore power",
    "retrofit": "conversions",
}


def named(output: str) -> str:
    """Name of an output or a cost item in words."""
    if output.startswith("rule:"):
        return f"rule {output.removeprefix('rule:')}"
    return ITEMS.get(output) or OUTPUTS.get(output) or output.replace("_", " ")


def opened(text: str) -> str:
    """The text with a capital first letter and the rest as it is."""
    return text[:1].upper() + text[1:]


def outputs_of(rows: Rows) -> list[str]:
    """Outputs of a table, the leading ones first."""
    found = list(dict.fromkeys(str(row["output"]) for row in rows))
    return sorted(found, key=lambda output: LEADING.index(output) if output in LEADING else len(LEADING))


def years_of(rows: Rows) -> list[int]:
    """Years of a table, rising."""
    return sorted({int(row["year"]) for row in rows})


def column(rows: Rows, years: Sequence[int], name: str, divisor: float = 1.0) -> tuple[float | None, ...]:
    """A column of table ``year`` by year; None where there is no value."""
    found = {int(row["year"]): row[name] for row in rows}
    return tuple(None if found.get(y) is None else found[y] / divisor for y in years)


def summed(rows: Rows, years: Sequence[int], by: str, name: str) -> dict[str, list[float]]:
    """Sums of a column by year for each value of another column; groups that are zero throughout are left out."""
    groups: dict[str, list[float]] = {}
    at = {year: k for k, year in enumerate(years)}
    for row in rows:
        groups.setdefault(str(row[by]), [0.0] * len(years))[at[int(row["year"])]] += row[name] or 0.0
    return {key: values for key, values in groups.items() if any(values)}


def stacked(
    title: str,
    rows: Rows,
    years: Sequence[int],
    by: str,
    name: str,
    ladder: Sequence[tuple[float, str]],
    *,
    lines: Iterable[tuple[str, tuple[float | None, ...]]] = (),
    finding: str = "",
    note: str = "",
    order: Sequence[str] = (),
    rename: bool = True,
    palette: Sequence[str] = (),
) -> Chart | None:
    """Columns by year, stacked by a column of the table; the largest groups keep a place of their own, the rest is one.

    Parameters
    ----------
    rows, years, by, name : the table, its years, the column that names the pieces and the one that is summed.
    ladder : units to choose from.
    lines : name and values, drawn over the columns.
    order : pieces that come first, in this order.
    rename : write names of items in words.
    palette : names that keep one colour and pattern in every chart of a page, by their place here.
    """
    groups = summed(rows, years, by, name)
    lines = list(lines)
    if not groups and not any(v is not None for _, values in lines for v in values):
        return None
    tops = [sum(v for v in (values[k] for values in groups.values()) if v > 0) for k in range(len(years))]
    divisor, unit = canvas.fit_unit([*tops, *(v for _, values in lines for v in values)], ladder)
    place = {key: k for k, key in enumerate(order or palette)}
    styles = {key: k for k, key in enumerate(palette)}
    keys = sorted(groups, key=lambda k: (place.get(k, len(place)), -sum(abs(v) for v in groups[k]), k))
    kept, rest = (keys, []) if len(keys) <= canvas.SERIES else (keys[: canvas.SERIES - 1], keys[canvas.SERIES - 1 :])
    stacks = [
        Series(named(key) if rename else key, tuple(v / divisor for v in groups[key]), styles.get(key)) for key in kept
    ]
    if rest:
        values = tuple(sum(groups[key][k] for key in rest) / divisor for k in range(len(years)))
        stacks.append(Series(f"{len(rest)} others", values, canvas.SERIES - 1))
    drawn = [Series(label, tuple(None if v is None else v / divisor for v in values)) for label, values in lines]
    return by_year(title, unit, years, stacks=stacks, lines=drawn, finding=finding, note=note)


def emissions(year_rows: Rows, years: Sequence[int], finding: str) -> Chart:
    """Well-to-wake emissions beside the fossil case and the cap."""
    names = (
        ("this scenario", "wtw_t"),
        ("cap", "cap_wtw_t"),
        ("same transport, fossil", "fossil_wtw_t"),
        ("tank-to-wake only", "ttw_t"),
    )
    values = {label: column(year_rows, years, name) for label, name in names}
    divisor, unit = canvas.fit_unit((v for vs in values.values() for v in vs), canvas.MASS_T)
    lines = [
        Series(label, tuple(None if v is None else v / divisor for v in vs))
        for label, vs in values.items()
        if any(v is not None for v in vs)
    ]
    return by_year("CO2e per year, well-to-wake", unit, years, lines=lines, finding=finding)


def money_line(title: str, year_rows: Rows, years: Sequence[int], name: str, unit: str, finding: str) -> Chart | None:
    """One column of table ``year`` as columns, negative ones hanging."""
    values = column(year_rows, years, name)
    if not any(v is not None for v in values):
        return None
    ladder = canvas.MONEY_USD if unit == "USD" else ((1.0, unit),)
    divisor, shown = canvas.fit_unit(values, ladder) if unit == "USD" else (1.0, unit)
    series = Series(named(name), tuple(None if v is None else v / divisor for v in values))
    return by_year(title, shown, years, stacks=[series], finding=finding)


def wall(year_rows: Rows, years: Sequence[int], finding: str) -> Chart | None:
    """The feasibility wall: what the transport costs more than with fossil fuel, year by year."""
    return money_line(
        "Cost gap against the fossil case (feasibility wall)", year_rows, years, "cost_gap_usd", "USD", finding
    )


def fan(rows: Rows, output: str) -> Chart | None:
    """Quantiles of an output over the years of an ensemble."""
    chosen = [row for row in rows if row["output"] == output and row["year"]]
    if not chosen:
        return None
    years = years_of(chosen)
    found = {int(row["year"]): row for row in chosen}
    raw_unit = str(chosen[0]["unit"])
    every = [found[y][q] for y in years for q in ("p05", "p95", "base")]
    ladder = {"t": canvas.MASS_T, "TJ": canvas.ENERGY_TJ, "USD": canvas.MONEY_USD}.get(raw_unit)
    divisor, unit = canvas.fit_unit(every, ladder) if ladder else (1.0, raw_unit)

    def values(name: str) -> tuple[float | None, ...]:
        return tuple(None if found[y][name] is None else found[y][name] / divisor for y in years)

    last = found[years[-1]]
    finding = ""
    if last["p05"] is not None and last["p95"] is not None:
        low, high = number(last["p05"] / divisor), number(last["p95"] / divisor)
        finding = f"{years[-1]}: nine draws in ten lie between {low} and {high} {unit}."
        if last["base"] is not None and not last["p05"] <= last["base"] <= last["p95"]:
            side = "below" if last["base"] < last["p05"] else "above"
            finding += f" The scenario as it is lies {side}: the ranges of its inputs reach further to one side."
    return by_year(
        f"{opened(named(output))} over the ensemble",
        unit,
        years,
        lines=[Series("median", values("p50")), Series("scenario as it is", values("base"))],
        bands=[Band("5 % to 95 %", values("p05"), values("p95")), Band("25 % to 75 %", values("p25"), values("p75"))],
        finding=finding,
        note=f"{int(chosen[0]['draws']):,} draws.",
        zero=all(v is None or v >= 0 for v in every),
    )


def tornadoes(rows: Rows) -> list[Chart]:
    """One tornado for each output."""
    charts = []
    for output in outputs_of(rows):
        chosen = [
            row
            for row in rows
            if row["output"] == output and row["value_low"] is not None and row["value_high"] is not None
        ]
        if not chosen:
            continue
        raw_unit = str(chosen[0].get("result_unit") or _unit_of(output))
        ladder = {"t": canvas.MASS_T, "TJ": canvas.ENERGY_TJ, "USD": canvas.MONEY_USD}.get(raw_unit)
        every = [v for row in chosen for v in (row["value_low"], row["value_high"], row["base"])]
        divisor, unit = canvas.fit_unit(every, ladder) if ladder else (1.0, raw_unit)
        swings = [
            Swing(
                str(row["driver"]),
                row["value_low"] / divisor,
                row["value_high"] / divisor,
                f"at {number(row['low'])}",
                f"at {number(row['high'])}",
            )
            for row in chosen
        ]
        first = max(chosen, key=lambda r: (abs(r["value_high"] - r["value_low"]), r["driver"]))
        finding = f"Widest: {first['driver']}, from {number(first['value_low'] / divisor)} to "
        finding += f"{number(first['value_high'] / divisor)} {unit}."
        note = "One driver at a time at the ends of its range, all others at their own value."
        title = f"{opened(named(output))}: one driver at a time"
        charts.append(tornado(title, unit, chosen[0]["base"] / divisor, swings, finding=finding, note=note))
    return charts


_UNITS = {
    "usd_per_teu": "USD/TEU",
    "usd_per_t": "USD/t",
    "g_per_mj": "g/MJ",
    "usd": "USD",
    "tj": "TJ",
    "teu": "TEU",
    "t": "t",
}


def _unit_of(output: str) -> str:
    """Unit an output carries in its name."""
    return next((unit for suffix, unit in _UNITS.items() if output.endswith(f"_{suffix}")), "")


def drivers(rows: Rows) -> list[Chart]:
    """Ranked drivers of each output: shares of its variance."""
    charts = []
    for output in outputs_of(rows):
        chosen = sorted((row for row in rows if row["output"] == output), key=lambda r: (r["rank"], r["driver"]))
        known = [r for r in chosen if r["total_order"] is not None and r["total_order"] > 0]
        if known:
            parts = []
            for r in known:
                alone = max(r["first_order"] or 0.0, 0.0)
                sign = "" if r["srrc"] is None else f"rank regression {number(r['srrc'], 2)}"
                parts.append(Part(str(r["driver"]), (alone, max((r["total_order"] or 0.0) - alone, 0.0)), sign))
            first = known[0]
            finding = f"{first['driver']} explains {share(min(1.0, max(0.0, first['total_order'])))} of the variance."
            series = ("alone", "together with others")
            title = f"What {named(output)} depends on most, share of variance"
            charts.append(ranked(title, "", series, parts, of="driver", finding=finding, note=_SOBOL))
        elif any(r["srrc"] is not None for r in chosen):
            parts = [Part(str(r["driver"]), (r["srrc"],)) for r in chosen if r["srrc"] is not None]
            finding = f"Strongest: {chosen[0]['driver']}."
            title = f"What {named(output)} depends on most, rank regression coefficient"
            charts.append(ranked(title, "", ("coefficient",), parts, of="driver", finding=finding))
    return charts


_SOBOL = (
    "Sobol indices: what a driver explains alone (first order), and what only together with others (total less first)."
)


def checks(rows: Rows) -> Chart | None:
    """Our figures beside published ones; a figure nobody could compute stays, and says so."""
    if not rows:
        return None
    ranges = []
    for r in rows:
        values = [r[name] for name in ("low", "high", "ours")]
        unit = str(r["unit"] or "").removeprefix("1")
        if unit.startswith("USD/") and max((abs(v) for v in values if v is not None), default=0.0) >= 1e6:
            values, unit = [None if v is None else v / 1e6 for v in values], f"M{unit}"
        _, _, case = str(r["check"]).partition(": ")
        words = f"{case}: {r['words']}" if case and r["words"] else str(r["words"] or r["check"])
        low, high, ours = values
        ranges.append(Range(opened(words), low, high, ours, unit, str(r["explanation"] or "")))
    inside = sum(1 for r in rows if r["lies"] == "within")
    finding = f"{inside} of {len(rows)} lie within what was published; the table explains the others."
    return against_published("Beside published results", ranges, finding=finding)
