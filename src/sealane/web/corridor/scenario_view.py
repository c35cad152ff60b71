"""A scenario or plan as its page shows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sealane.web.corridor.documents import reference
from sealane.web.corridor.explain_facts import (
    assumption_figure,
    check_figure,
    draws_figure,
    driver_figure,
    inputs_figure,
    mass_figure,
)
from sealane.web.corridor.explain_scenario import scenario_figure
from sealane.web.corridor.explain_study import dual_figure
from sealane.web.corridor.models import About
from sealane.web.corridor.scenario_files import Row, ScenarioFiles
from sealane.web.corridor.scenario_models import (
    Assumption,
    Bunkering,
    Check,
    Driver,
    ScenarioPage,
    ShadowPrice,
    Spread,
    Stack,
    YearOfScenario,
)
from sealane.web.corridor.scenario_query import OUTPUTS, Output, ScenarioFact, ScenarioQuery, output_figure
from sealane.web.corridor.scenario_terms import cost_term, energy_term
from sealane.web.derivation import Figure
from sealane.web.results import Result

RUN = (Output.WTW, Output.AVOIDED, Output.GAP, Output.GAP_PER_TEU, Output.ABATEMENT)
STUDIED = (Output.GAP, Output.COST, Output.GAP_PER_TEU, Output.WTW, Output.AVOIDED, Output.ABATEMENT)
MOST_ASSUMPTIONS = 400
UNSURE = ("placeholder", "missing")


def scenario_page(
    about: About, name: str, result: Result | None, files: ScenarioFiles, output: Output, origin: str, year: int | None
) -> ScenarioPage:
    """Return the page.

    Parameters
    ----------
    name : of the result or shipped scenario, in addresses.
    output : whose drivers are shown.
    origin : of the assumptions listed; ``unsure``: placeholders and what is missing.
    year : whose bunkering is shown; None, or one the result lacks: the last.
    """
    shown = year if year in files.years else files.years[-1]
    inputs = files.rows("inputs")
    return ScenarioPage(
        about=about,
        name=name,
        result=reference(result) if result else None,
        title=str(files.summary["title"]),
        label=str(files.summary.get("label") or ""),
        planned=files.planned,
        known=files.model is not None,
        headline={one.value: scenario_figure(files, name, one, None) for one in RUN},
        years=[_year(files, name, one) for one in files.years],
        cost=_cost(files, name),
        fuel=_fuel(files, name),
        fleet=_fleet(files, name),
        bunkering=_bunkering(files, name, shown),
        bunkering_year=shown,
        spreads=spreads(files, name),
        output=output.value,
        drivers=_drivers(files, name, output),
        duals=[
            ShadowPrice(
                year=row["year"],
                constraint=row["constraint"],
                subject=row["subject"],
                figure=dual_figure(row, name),
            )
            for row in files.rows("dual")
            if row["value"]
        ],
        checks=[_check(row, name) for row in files.rows("published_checks")],
        inputs={one: inputs_figure(files, name, one) for one in ORIGINS},
        assumptions=[
            assumption(row, name)
            for row in inputs
            if row["origin"] == origin or (origin == "unsure" and row["origin"] in UNSURE)
        ][:MOST_ASSUMPTIONS],
        origin=origin,
        rules={rule: str(item["status"]) for rule, item in dict(files.summary.get("rules") or {}).items()},
        notes=[str(note) for note in files.summary["notes"]],
        downloads=[] if result is None else [*DOWNLOADS, *(["dual", "service"] if files.planned else [])],
    )


ORIGINS = ("sourced", "user", "placeholder", "missing")
DOWNLOADS = ("year", "fleet", "fuel", "cost", "inputs")


def assumption(row: Row, name: str) -> Assumption:
    """Return an assumption as used."""
    told = {k: row[k] for k in ("path", "unit", "origin", "source", "grade")}
    return Assumption(value=assumption_figure(name, row), **told)


def _check(row: Row, name: str) -> Check:
    told = {k: row[k] for k in ("words", "conditions", "unit", "lies", "explanation", "source")}
    low, high, ours = (check_figure(name, row, fact) for fact in _CHECKED)
    return Check(low=low, high=high, ours=ours, **told)


_CHECKED: tuple[ScenarioFact, ...] = ("check_low", "check_high", "check_ours")


def _year(files: ScenarioFiles, name: str, year: int) -> YearOfScenario:
    def of(output: Output) -> Figure:
        return scenario_figure(files, name, output, year)

    cap = of(Output.CAP)
    return YearOfScenario(
        year=year,
        wtw=of(Output.WTW),
        fossil_wtw=of(Output.FOSSIL_WTW),
        cap=None if cap.value is None else cap,
        intensity=of(Output.INTENSITY),
        cost=of(Output.COST),
        gap=of(Output.GAP),
        gap_per_teu=of(Output.GAP_PER_TEU),
        abatement=of(Output.ABATEMENT),
    )


def _stack(names: Sequence[str], years: Sequence[int], figure: Callable[[int, str], Figure | None]) -> Stack:
    return Stack(names=list(names), years=list(years), rows=[[figure(y, n) for n in names] for y in years])


def _cost(files: ScenarioFiles, name: str) -> Stack:
    found: dict[tuple[int, str], Figure] = {}
    for year in files.years:
        for part in cost_term(files, year).parts:
            query = ScenarioQuery(output=Output.COST, year=year, at=part.key)
            found[year, part.key] = output_figure(files, name, query, part.value)
    return _stack(list(dict.fromkeys(item for _, item in found)), files.years, lambda y, n: found.get((y, n)))


def _fuel(files: ScenarioFiles, name: str) -> Stack:
    found: dict[tuple[int, str], Figure] = {}
    for year in files.years:
        for part in energy_term(files, year).parts:
            query = ScenarioQuery(output=Output.ENERGY, year=year, at=part.key)
            found[year, part.key] = output_figure(files, name, query, part.value)
    return _stack(list(dict.fromkeys(fuel for _, fuel in found)), files.years, lambda y, n: found.get((y, n)))


def _fleet(files: ScenarioFiles, name: str) -> Stack:
    """Ships by family; of several classes, each class by itself."""
    rows = files.rows("fleet")
    several = len({row["ship_class"] for row in rows}) > 1
    found: dict[tuple[int, str], Figure] = {}
    for row in rows:
        key = f"{row['ship_class']}, {row['family']}" if several else str(row["family"])
        query = ScenarioQuery(ships=row["ship_class"], family=row["family"], year=row["year"])
        found[row["year"], key] = Figure(value=row["ships"], quantity="ratio", explain=query.address(name))
    return _stack(list(dict.fromkeys(key for _, key in found)), files.years, lambda y, n: found.get((y, n)))


def _bunkering(files: ScenarioFiles, name: str, year: int) -> list[Bunkering]:
    rows = []
    for row in files.rows("fuel"):
        if row["year"] == year:
            at = f"{row['fuel']}/{row['port']}"
            energy = ScenarioQuery(output=Output.ENERGY, year=year, at=at)
            cost = ScenarioQuery(output=Output.COST, year=year, at=f"fuel/{at}")
            rows.append(
                Bunkering(
                    year=year,
                    port=row["port"],
                    fuel=row["fuel"],
                    energy=output_figure(files, name, energy, row["energy_tj"]),
                    mass=mass_figure(name, row),
                    cost=output_figure(files, name, cost, row["cost_usd"] / 1e6),
                )
            )
    return rows


def spreads(files: ScenarioFiles, name: str) -> list[Spread]:
    """Quantiles of the whole run; none without an ensemble."""
    rows = {row["output"]: row for row in files.rows("ensemble") if row["year"] == 0}
    return [
        spread(files, name, output, rows[OUTPUTS[output].run])
        for output in STUDIED
        if rows.get(OUTPUTS[output].run, {}).get("p50") is not None
    ]


def spread(files: ScenarioFiles, name: str, output: Output, row: Any) -> Spread:
    """Quantiles of one output."""
    shown = OUTPUTS[output]

    def of(quantile: Any) -> Figure:
        query = ScenarioQuery(output=output, quantile=quantile)
        return output_figure(files, name, query, row[quantile] / shown.divisor)

    return Spread(
        output=output.value,
        draws=draws_figure(name, output, row["draws"]),
        base=None if row["base"] is None else row["base"] / shown.divisor,
        p05=of("p05"),
        p25=of("p25"),
        p50=of("p50"),
        p75=of("p75"),
        p95=of("p95"),
    )


def _drivers(files: ScenarioFiles, name: str, output: Output) -> list[Driver]:
    shown = OUTPUTS[output]
    explained = {row["driver"]: row for row in files.rows("drivers") if row["output"] == shown.run}
    found = []
    for row in sorted(files.rows("tornado"), key=lambda row: row["rank"]):
        if row["output"] != shown.run or row["value_low"] is None or row["value_high"] is None:
            continue
        low, high = row["value_low"] / shown.divisor, row["value_high"] / shown.divisor
        query = ScenarioQuery(output=output, driver=row["driver"])
        share = explained.get(row["driver"], {})
        found.append(
            Driver(
                driver=row["driver"],
                low=driver_figure(name, "range_low", output, row["driver"], row["low"], row["unit"]),
                high=driver_figure(name, "range_high", output, row["driver"], row["high"], row["unit"]),
                value_low=low,
                value_high=high,
                base=None if row["base"] is None else row["base"] / shown.divisor,
                swing=output_figure(files, name, query, high - low),
                total_order=driver_figure(name, "variance", output, row["driver"], share.get("total_order")),
                sign=share.get("srrc"),
            )
        )
    return found
