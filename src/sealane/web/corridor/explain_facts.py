"""Where a scenario's figures come from that are no outputs: fuel bunkered, ranges, checks, counts, assumptions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.explain_study import RANGE_ORIGINS, ranges_of
from sealane.web.corridor.scenario_files import Row, ScenarioFiles
from sealane.web.corridor.scenario_query import OUTPUTS, Output, ScenarioFact, ScenarioQuery
from sealane.web.derivation import Derivation, Figure, Input, Origin, Quantity
from sealane.web.words import N_

MOST_LISTED = 400
_ORIGINS: Mapping[str, Origin] = {**RANGE_ORIGINS, "missing": "missing"}
_ORIGIN_WORDS: Mapping[str, str] = {
    "sourced": N_("from a source"),
    "user": N_("of the user"),
    "placeholder": N_("placeholder, grade D"),
    "missing": N_("missing"),
}
_QUANTITIES: Mapping[ScenarioFact, Quantity] = {
    "mass": "mass_t", "variance": "share", "draws": "count", "inputs": "count",
}  # fmt: skip


def _refused() -> RequestRefusedError:
    return RequestRefusedError(
        404, "unknown-figure", Phrase("The result holds no such figure."), Phrase("See the scenario's page.")
    )


def fact_figure(result_id: str, query: ScenarioQuery, value: float | None, unit: str = "", **more: Any) -> Figure:
    """Return a fact as a figure, `value` in the unit of the result's table."""
    quantity = _QUANTITIES.get(query.fact or "draws", "other")
    own = unit if quantity == "other" and unit not in ("", "1") else None
    return Figure(value=value, quantity=quantity, unit=own, explain=query.address(result_id), **more)


def mass_figure(result_id: str, row: Row) -> Figure:
    """Mass of one fuel bunkered at one port in one year."""
    query = ScenarioQuery(fact="mass", output=Output.ENERGY, year=row["year"], at=f"{row['fuel']}/{row['port']}")
    return fact_figure(result_id, query, row["mass_t"])


def check_figure(result_id: str, row: Row, fact: ScenarioFact) -> Figure:
    """A bound that was published, or our own answer."""
    column = fact.removeprefix("check_")
    return fact_figure(result_id, ScenarioQuery(fact=fact, subject=row["check"]), row[column], row["unit"])


def assumption_figure(result_id: str, row: Row) -> Figure:
    """An assumption as used."""
    return fact_figure(result_id, ScenarioQuery(fact="assumption", subject=row["path"]), row["value"], row["unit"])


def inputs_figure(files: ScenarioFiles, result_id: str, origin: str) -> Figure:
    """How many inputs are of an origin."""
    number = sum(1 for row in files.rows("inputs") if row["origin"] == origin)
    return fact_figure(result_id, ScenarioQuery(fact="inputs", subject=origin), number)


def draws_figure(result_id: str, output: Output, draws: int) -> Figure:
    """How many draws an ensemble has."""
    return fact_figure(result_id, ScenarioQuery(fact="draws", output=output), draws)


def driver_figure(
    result_id: str, fact: ScenarioFact, output: Output, driver: str, value: float | None, unit: str = ""
) -> Figure:
    """An end of a driver's range, or its share of the variance."""
    return fact_figure(result_id, ScenarioQuery(fact=fact, output=output, driver=driver), value, unit)


def explain_fact(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    """Return the derivation of a figure that is no output.

    Raises
    ------
    RequestRefusedError
        404 where the result holds no such figure.
    """
    makers: Mapping[str, Callable[[ScenarioFiles, str, ScenarioQuery], Derivation]] = {
        "mass": _mass,
        "variance": _variance,
        "range_low": _range,
        "range_high": _range,
        "draws": _draws,
        "inputs": _inputs,
        "assumption": _assumption,
    }
    return makers.get(str(query.fact), _check)(files, result_id, query)


def _one(rows: list[Row]) -> Row:
    if not rows:
        raise _refused()
    return rows[0]


def _mass(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    found = [r for r in files.rows("fuel") if (r["year"], f"{r['fuel']}/{r['port']}") == (query.year, query.at)]
    row = _one(found)
    energy = ScenarioQuery(output=Output.ENERGY, year=query.year, at=query.at).address(result_id)
    heat = row["energy_tj"] / row["mass_t"] * 1e3 if row["mass_t"] else None
    return Derivation(
        title=N_("Fuel bunkered"),
        figure=mass_figure(result_id, row),
        equation=N_("fuel energy [TJ] x 10^3 / lower heating value [GJ/t]"),
        filters={N_("Fuel"): row["fuel"], N_("Port"): row["port"]},
        inputs=[
            Input(name=N_("fuel energy"), value=row["energy_tj"], unit="TJ", origin="computed", link=energy),
            Input(name=N_("lower heating value"), value=heat, unit="GJ/t", origin="published"),
        ],
        source_files=["fuel.parquet"],
    )


def _variance(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    name = OUTPUTS[query.output].run
    found = [r for r in files.rows("drivers") if (r["output"], r["driver"]) == (name, query.driver)]
    row = _one(found)
    spread = [r for r in files.rows("ensemble") if (r["output"], r["year"]) == (name, 0)]
    inputs = [
        Input(name=N_("share it explains alone (first order)"), value=row["first_order"], origin="computed"),
        Input(name=N_("standardised rank regression coefficient"), value=row["srrc"], origin="computed"),
        Input(name=N_("place among the drivers"), value=row["rank"], origin="computed"),
    ]
    if spread:
        draws = draws_figure(result_id, query.output, spread[0]["draws"]).explain
        inputs.append(Input(name=N_("draws"), value=spread[0]["draws"], origin="computed", link=draws))
    return Derivation(
        title=N_("Share of the variance that a driver explains alone and with others"),
        figure=driver_figure(result_id, "variance", query.output, str(query.driver), row["total_order"]),
        equation=N_("total-order index over the draws, docs/method/scenarios.md"),
        filters={N_("Driver"): str(query.driver), N_("Figure"): OUTPUTS[query.output].words},
        inputs=[*inputs, *ranges_of(files, query.driver)],
        notes=[N_("Shares of all drivers add up to more than 1 where drivers act together.")],
        source_files=["drivers.parquet", "ensemble.parquet"],
    )


def _range(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    name = OUTPUTS[query.output].run
    row = _one([r for r in files.rows("tornado") if (r["output"], r["driver"]) == (name, query.driver)])
    column = str(query.fact).removeprefix("range_")
    fact: ScenarioFact = "range_low" if column == "low" else "range_high"
    return Derivation(
        title=N_("Low end of the range of a driver") if column == "low" else N_("High end of the range of a driver"),
        figure=driver_figure(result_id, fact, query.output, str(query.driver), row[column], row["unit"]),
        filters={N_("Driver"): str(query.driver)},
        inputs=ranges_of(files, query.driver),
        notes=[
            N_("A factor on the scenario's own value, or a shift of it where a unit is given."),
            N_("Each range: low, the scenario's own value, high."),
        ],
        source_files=["tornado.parquet"],
    )


def _check(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    row = _one([r for r in files.rows("published_checks") if r["check"] == query.subject])
    fact = query.fact
    if fact not in ("check_low", "check_high", "check_ours"):
        raise _refused()
    ours = fact == "check_ours"
    bounds = [
        Input(name=words, value=row[column], unit=row["unit"], origin="published", source=row["source"])
        for column, words in (("low", N_("published, from")), ("high", N_("published, to")))
    ]
    own = Input(
        name=N_("ours"),
        value=row["ours"],
        unit=row["unit"],
        origin="missing" if row["ours"] is None else "computed",
        source=row["explanation"],
    )
    return Derivation(
        title=N_("Ours, beside what was published") if ours else N_("What was published"),
        figure=check_figure(result_id, row, fact),
        filters={N_("Published"): row["words"], N_("Under"): row["conditions"]},
        inputs=[own, *bounds] if ours else bounds,
        notes=[N_("Worked out from the scenario's own inputs as the publication puts the question.")] if ours else [],
        source_files=["published_checks.parquet"],
    )


def _draws(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    name = OUTPUTS[query.output].run
    row = _one([r for r in files.rows("ensemble") if (r["output"], r["year"]) == (name, 0)])
    return Derivation(
        title=N_("Draws over the ranges of the scenario"),
        figure=draws_figure(result_id, query.output, row["draws"]),
        filters={N_("Counted"): N_("draws whose output is known"), N_("Figure"): OUTPUTS[query.output].words},
        inputs=ranges_of(files),
        notes=[N_("Each range: low, the scenario's own value, high.")],
        source_files=["ensemble.parquet"],
    )


def _inputs(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    origin = str(query.subject)
    if origin not in _ORIGIN_WORDS:
        raise _refused()
    rows = [row for row in files.rows("inputs") if row["origin"] == origin]
    left = len(rows) - MOST_LISTED
    return Derivation(
        title=N_("Inputs of the scenario"),
        figure=inputs_figure(files, result_id, origin),
        filters={N_("Origin"): _ORIGIN_WORDS[origin], N_("Counted"): N_("rows of the table of inputs")},
        inputs=[
            _input(row, ScenarioQuery(fact="assumption", subject=row["path"]).address(result_id))
            for row in rows[:MOST_LISTED]
        ],
        notes=[N_("The first inputs are listed; the file holds all.")] if left > 0 else [],
        source_files=["inputs.parquet"],
    )


def _input(row: Row, link: str | None = None) -> Input:
    return Input(
        name=row["path"],
        value=row["value"],
        unit="" if row["unit"] == "1" else row["unit"],
        origin=_ORIGINS[row["origin"]],
        source=row["source"],
        grade=row["grade"],
        link=link,
    )


def _assumption(files: ScenarioFiles, result_id: str, query: ScenarioQuery) -> Derivation:
    row = _one([row for row in files.rows("inputs") if row["path"] == query.subject])
    return Derivation(
        title=N_("Assumption of the scenario"),
        figure=assumption_figure(result_id, row),
        filters={N_("Assumption"): row["path"], N_("Origin"): _ORIGIN_WORDS[row["origin"]]},
        inputs=[_input(row)],
        source_files=["inputs.parquet"],
    )
