"""Where a figure of a scenario or plan comes from: terms down to energy x factor, with the assumptions behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.explain_facts import explain_fact
from sealane.web.corridor.explain_study import explain_driver, explain_quantile
from sealane.web.corridor.lane_sums import same
from sealane.web.corridor.scenario_files import ScenarioFiles
from sealane.web.corridor.scenario_query import MUSD, OUTPUTS, Output, ScenarioQuery, held, output_figure
from sealane.web.corridor.scenario_terms import UNKNOWN, cost_term, emission_term, energy_term
from sealane.web.corridor.terms import Term, total
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.words import N_

YEARS = N_("model year")
SAME = N_("The result's table holds the same figure, but for the order of addition.")
FOSSIL = N_("The fossil case: the same transport by oil ships on the cheapest fossil oil fuel.")
_RATIOS = (Output.GAP_PER_TEU, Output.ABATEMENT, Output.INTENSITY)


def scenario_figure(files: ScenarioFiles, result_id: str, output: Output, year: int | None) -> Figure:
    """Return an output as pages show it: the sum of its terms where they are known, else what the table holds."""
    query = ScenarioQuery(output=output, year=year)
    return output_figure(files, result_id, query, _value(files, query))


@lru_cache(maxsize=8192)
def _value(files: ScenarioFiles, query: ScenarioQuery) -> float | None:
    term, value = term_of(files, query), held(files, query)
    return term.value if term is not None and same(term.value, value) else value


def explain_scenario(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    """Return the derivation of a figure of a scenario or plan.

    Raises
    ------
    RequestRefusedError
        404 where the result holds no such figure.
    """
    if query.year is not None and query.year not in files.years:
        raise refused()
    if query.fact:
        found = explain_fact(files, result_id, query)
    elif query.quantile:
        found = explain_quantile(files, result_id, query)
    elif query.driver:
        found = explain_driver(files, result_id, query)
    elif query.ships:
        found = _ships(files, result_id, query)
    elif query.output in _RATIOS:
        found = _ratio(files, result_id, query)
    else:
        found = _terms(files, result_id, query)
    when = str(query.year) if query.year else f"{files.years[0]} – {files.years[-1]}"
    filters = {N_("Scenario"): str(files.summary["title"]), N_("Year"): when} | found.filters
    kind = N_("least-cost plan, docs/method/plan.md") if files.planned else N_("simulation, docs/method/scenarios.md")
    return found.model_copy(update={"filters": filters, "method": kind})


def explain_difference(
    one: ScenarioFiles, one_id: str, first: ScenarioFiles, first_id: str, output: Output
) -> Derivation:
    """Return the derivation of the difference between an output of the whole run and that of another scenario."""
    ours, theirs = (scenario_figure(files, ident, output, None) for files, ident in ((one, one_id), (first, first_id)))
    own = difference_figure(ours, theirs, one_id, first_id, output)
    parts = []
    if own.value is not None:
        less = theirs.model_copy(update={"value": -(theirs.value or 0.0)})
        parts = [
            Part(label=str(one.summary["title"]), figure=ours),
            Part(label=N_("less the first scenario"), figure=less),
        ]
    return Derivation(
        title=OUTPUTS[output].words,
        figure=own,
        equation=N_("figure of the scenario - figure of the first scenario"),
        filters={N_("Scenario"): str(one.summary["title"]), N_("First scenario"): str(first.summary["title"])},
        parts=parts,
        part_dimension=N_("difference") if parts else "",
        method=N_("comparison, docs/method/scenarios.md"),
        source_files=["scenario.json"],
    )


def difference_figure(ours: Figure, theirs: Figure, one_id: str, first_id: str, output: Output) -> Figure:
    """Return the difference of two scenarios' figures as a figure."""
    query = ScenarioQuery(output=output, fact="difference", subject=first_id)
    value = None if ours.value is None or theirs.value is None else ours.value - theirs.value
    return ours.model_copy(update={"value": value, "explain": query.address(one_id)})


def refused() -> RequestRefusedError:
    """The refusal of a figure that the result does not hold."""
    return RequestRefusedError(
        404, "unknown-figure", Phrase("The result holds no such figure."), Phrase("See the scenario's page.")
    )


def term_of(files: ScenarioFiles, query: ScenarioQuery) -> Term | None:
    """The tree of terms of an output; None where the scenario is not known or the output is no sum."""
    if query.year is None:
        return _run(files, query)
    return _year_term(files, query.output, query.year)


def _year_term(files: ScenarioFiles, output: Output, year: int) -> Term | None:
    if output is Output.ENERGY:
        return energy_term(files, year)
    if output is Output.COST:
        return cost_term(files, year)
    if output in (Output.WTW, Output.TTW):
        return emission_term(files, year, tank_to_wake=output is Output.TTW)
    if output is Output.FOSSIL_WTW:
        return emission_term(files, year, fossil=True)
    row = files.year(year)
    if row is None:
        return None
    if output is Output.GAP:
        cost, fossil = (
            cost_term(files, year),
            _plain("fossil", OUTPUTS[Output.FOSSIL_COST].words, row, "fossil_cost_usd"),
        )
        return total("gap", "gap", N_("difference"), [cost, fossil.negated("fossil", N_("less the fossil case"))])
    if output is Output.AVOIDED:
        ours = emission_term(files, year) or _plain("wtw", OUTPUTS[Output.WTW].words, row, "wtw_t")
        other = emission_term(files, year, fossil=True) or _plain("fossil", "", row, "fossil_wtw_t")
        parts = [
            Term("fossil", N_("the fossil case"), other.value, other.parts, other.dimension),
            ours.negated("scenario", N_("less the scenario")),
        ]
        return total("avoided", "avoided", N_("difference"), parts)
    return None


def _plain(key: str, label: str, row: Mapping[str, Any], column: str) -> Term:
    divisor = 1e6 if column.endswith("_usd") else 1.0
    return Term(key, label, row[column] / divisor)


def _run(files: ScenarioFiles, query: ScenarioQuery) -> Term | None:
    """The whole run: model years, each for the years it stands for; money discounted to the first."""
    if not OUTPUTS[query.output].run or files.weights is None or query.output in _RATIOS:
        return None
    money = OUTPUTS[query.output].unit == MUSD
    weight = files.weights[1 if money else 0]
    parts = []
    for year in files.years:
        of_year = scenario_year_value(files, query.output, year)
        if of_year is None:
            return None
        link = f"output={query.output.value}&year={year}"
        words = N_("discount factor and years it stands for") if money else N_("years it stands for")
        inputs = (
            Input(
                name=N_("figure of the year"), value=of_year, unit=OUTPUTS[query.output].unit or "t", origin="computed"
            ),
            Input(name=words, value=weight[year], origin="computed", source=link),
        )
        parts.append(
            Term(
                str(year), str(year), of_year * weight[year], equation=N_("figure of the year x weight"), inputs=inputs
            )
        )
    return total("run", "run", YEARS, parts)


def scenario_year_value(files: ScenarioFiles, output: Output, year: int) -> float | None:
    """Value of an output in a year, in the unit of its figure."""
    return _value(files, ScenarioQuery(output=output, year=year))


def _terms(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    root, value = term_of(files, query), held(files, query)
    notes = []
    if root is not None and not same(root.value, value):
        root = None  # the scenario that is known is not quite the one this came from
    if value is None and root is None:
        raise refused()
    if root is None:
        if query.at:
            raise refused()
        term = Term("", "", value or 0.0, notes=(UNKNOWN,), inputs=_entered(files, query))
    else:
        found = root.find(query.keys)
        if found is None:
            raise refused()
        term = found
        notes.append(SAME)
    notes += term.notes
    if query.output in (Output.GAP, Output.AVOIDED, Output.FOSSIL_COST, Output.FOSSIL_WTW):
        notes.append(FOSSIL)
    parts = [
        Part(
            label=part.label,
            figure=output_figure(files, result_id, query.but(at="/".join([*query.keys, part.key])), part.value),
        )
        for part in term.parts
    ]
    inputs = list(term.inputs)
    if query.year is None and len(query.keys) == 1:
        of_year = ScenarioQuery(output=query.output, year=int(query.keys[0])).address(result_id)
        inputs = [
            i.model_copy(update={"link": of_year, "source": ""}) if not n else i.model_copy(update={"source": ""})
            for n, i in enumerate(inputs)
        ]
    where = {N_("Part"): " / ".join(query.keys)} if query.at else {}
    return Derivation(
        title=OUTPUTS[query.output].words,
        figure=output_figure(files, result_id, query, term.value),
        equation=term.equation,
        filters=where,
        inputs=inputs,
        parts=parts,
        part_dimension=term.dimension,
        notes=notes,
        source_files=["scenario.json", "year.parquet", "fuel.parquet", "cost.parquet", "inputs.parquet"],
    )


def _entered(files: ScenarioFiles, query: ScenarioQuery) -> tuple[Input, ...]:
    """Assumptions behind an output that is no sum: transport demand and target."""
    stem = {Output.DEMAND: "demand", Output.CAP: "targets"}.get(query.output)
    if stem is None:
        return ()
    origins = {"sourced": "published", "user": "entered", "placeholder": "filled", "missing": "missing"}
    return tuple(
        Input(
            name=row["path"],
            value=row["value"],
            unit=row["unit"],
            origin=origins[row["origin"]],  # type: ignore[arg-type]  # one of the four
            source=row["source"],
            grade=row["grade"],
        )
        for row in files.rows("inputs")
        if row["path"].startswith(stem)
    )[:50]


def _ratio(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    """Gap by TEU, abatement cost, intensity: one figure over another."""
    value = held(files, query)
    over, under, equation = _over_under(files, query)
    inputs = [
        Input(
            name=OUTPUTS[output].words,
            value=number,
            unit=unit,
            origin="computed",
            link=None if link is None else link.address(result_id),
        )
        for output, number, unit, link in (over, under)
    ]
    notes = [] if value is not None else [N_("Nothing is avoided, so there is no cost of it.")]
    if query.year is None:
        notes.append(N_("Levelised: discounted money over equally discounted containers or tonnes."))
    return Derivation(
        title=OUTPUTS[query.output].words,
        figure=output_figure(files, result_id, query, value),
        equation=equation,
        inputs=inputs,
        notes=notes,
        source_files=["scenario.json", "year.parquet"],
    )


_Side = tuple[Output, float | None, str, ScenarioQuery | None]


def _over_under(files: ScenarioFiles, query: ScenarioQuery) -> tuple[_Side, _Side, str]:
    year = query.year

    def side(output: Output) -> _Side:
        unit = OUTPUTS[output].unit or {"teu": "TEU"}.get(OUTPUTS[output].quantity, "t")
        if year is None and output in (Output.DEMAND, Output.AVOIDED):
            return output, _discounted(files, output), f"{unit}, discounted", None
        asked = ScenarioQuery(output=output, year=year)
        return output, held(files, asked), unit, asked

    if query.output is Output.GAP_PER_TEU:
        return side(Output.GAP), side(Output.DEMAND), N_("cost gap x 10^6 / transport demand")
    if query.output is Output.ABATEMENT:
        return side(Output.GAP), side(Output.AVOIDED), N_("cost gap x 10^6 / CO2e avoided")
    row = files.year(year) if year is not None else None
    if row is None:
        raise refused()
    fuel_t = row["intensity_g_per_mj"] * row["energy_tj"] if row["intensity_g_per_mj"] is not None else None
    over: _Side = (
        Output.WTW,
        fuel_t,
        N_("t, without electricity from shore"),
        ScenarioQuery(output=Output.WTW, year=year),
    )
    return over, side(Output.ENERGY), N_("CO2e of the fuel / fuel energy")


def _discounted(files: ScenarioFiles, output: Output) -> float | None:
    if files.weights is None:
        return None
    values = [(held(files, ScenarioQuery(output=output, year=y)), files.weights[1][y]) for y in files.years]
    return math.fsum(value * weight for value, weight in values if value is not None)


def _ships(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    """Ships of one class and family: those of the year before, and what came and went."""
    rows = {
        int(row["year"]): row
        for row in files.rows("fleet")
        if (row["ship_class"], row["family"]) == (query.ships, query.family)
    }
    row = rows.get(query.year or 0)
    if row is None:
        raise refused()
    at = files.years.index(int(query.year or 0))
    before = rows.get(files.years[at - 1], {"ships": 0.0}) if at else None
    inputs = (
        [Input(name=N_("ships of the model year before"), value=before["ships"], origin="computed")] if before else []
    )
    inputs += [
        Input(name=words, value=row[column], origin="computed")
        for column, words in (
            ("newbuilds", N_("new ships")),
            ("retrofits_in", N_("converted to this family")),
            ("retrofits_out", N_("converted from this family")),
            ("retired", N_("out of service")),
        )
    ]
    return Derivation(
        title=N_("Ships in service"),
        figure=Figure(value=row["ships"], quantity="ratio", explain=query.address(result_id)),
        equation=N_("ships before + new + converted to - converted from - out of service"),
        filters={N_("Ship class"): str(query.ships), N_("Family"): str(query.family)},
        inputs=inputs,
        notes=[N_("A fraction is a share of a ship-year.")],
        source_files=["fleet.parquet"],
    )
