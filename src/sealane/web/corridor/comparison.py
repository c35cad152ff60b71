"""Scenarios side by side: years on the same axes, single figures with their difference, assumptions that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from sealane.corridors.scenarios.compare import Comparison, compare_scenarios
from sealane.corridors.scenarios.model import RESULT_TABLES, ScenarioResult
from sealane.web.corridor.explain_scenario import difference_figure, scenario_figure
from sealane.web.corridor.models import About
from sealane.web.corridor.scenario_files import ScenarioFiles
from sealane.web.corridor.scenario_models import (
    Assumption,
    Compared,
    ComparedFuel,
    ComparedInput,
    ComparedItem,
    ComparedYear,
    ComparisonPage,
    Spread,
)
from sealane.web.corridor.scenario_query import OUTPUTS, Output, ScenarioQuery, output_figure
from sealane.web.corridor.scenario_terms import energy_term
from sealane.web.corridor.scenario_view import RUN, assumption, spread
from sealane.web.derivation import Figure

MOST = 4
MOST_INPUTS = 400


@dataclass(frozen=True)
class Chosen:
    """A scenario to compare: its name in addresses, and its tables."""

    name: str
    files: ScenarioFiles


def described(one: Chosen) -> Compared:
    """Return what a choice says of itself."""
    return Compared(
        name=one.name,
        corridor=str(one.files.summary["corridor"]),
        title=str(one.files.summary["title"]),
        kind=str(one.files.summary["kind"]),
        simulated="SIMULATED" in str(one.files.summary.get("label") or "").upper(),
        ensemble=bool(one.files.rows("ensemble")),
    )


def comparison_page(
    about: About, choices: Sequence[Compared], chosen: Sequence[Chosen], output: Output
) -> ComparisonPage:
    """Return the page; with fewer than two chosen it only lets one choose."""
    if len(chosen) < 2:
        return ComparisonPage(
            about=about,
            choices=list(choices),
            compared=[described(one) for one in chosen],
            output=output.value,
            years=[],
            summary=[],
            fuel=[],
            spreads=[],
            inputs=[],
            placeholders=0,
            notes=[],
        )
    found = compare_scenarios([_result(one.files) for one in chosen])
    inputs = _inputs(found, chosen)
    unsure = sum(1 for row in inputs if any(v and v.origin in ("placeholder", "missing") for v in row.values))
    return ComparisonPage(
        about=about,
        choices=list(choices),
        compared=[described(one) for one in chosen],
        output=output.value,
        years=_years(chosen, output),
        summary=[_item(chosen, one) for one in RUN],
        fuel=_fuel(chosen),
        spreads=[_spread(one, output) for one in chosen],
        inputs=inputs[:MOST_INPUTS],
        placeholders=unsure,
        notes=list(found.notes),
    )


def _result(files: ScenarioFiles) -> ScenarioResult:
    tables = {
        name: pa.Table.from_pylist([dict(row) for row in files.rows(name)], schema=schema)
        for name, schema in RESULT_TABLES.items()
    }
    summary = files.summary
    return ScenarioResult(
        str(summary["kind"]),
        str(summary["scenario"]),
        tables,
        summary["summary"],
        tuple(summary["notes"]),
        str(summary["corridor"]),
    )


def _years(chosen: Sequence[Chosen], output: Output) -> list[ComparedYear]:
    years = sorted({year for one in chosen for year in one.files.years})
    return [
        ComparedYear(
            year=year,
            figures=[
                scenario_figure(one.files, one.name, output, year) if year in one.files.years else None
                for one in chosen
            ],
        )
        for year in years
    ]


def _item(chosen: Sequence[Chosen], output: Output) -> ComparedItem:
    figures = [scenario_figure(one.files, one.name, output, None) for one in chosen]
    return ComparedItem(
        item=output.value,
        figures=list(figures),
        differences=[
            difference_figure(figure, figures[0], one.name, chosen[0].name, output)
            for one, figure in zip(chosen, figures, strict=True)
        ],
    )


def _fuel(chosen: Sequence[Chosen]) -> list[ComparedFuel]:
    """Fuel energy of the last year of each scenario."""
    tables: list[dict[str, Figure]] = []
    for one in chosen:
        last = one.files.years[-1]
        parts = energy_term(one.files, last).parts
        queries = [ScenarioQuery(output=Output.ENERGY, year=last, at=part.key) for part in parts]
        tables.append({
            part.key: output_figure(one.files, one.name, query, part.value)
            for part, query in zip(parts, queries, strict=True)
        })  # fmt: skip
    names = list(dict.fromkeys(name for table in tables for name in table))
    return [ComparedFuel(fuel=name, energy=[table.get(name) for table in tables]) for name in names]


def _spread(one: Chosen, output: Output) -> Spread | None:
    run = OUTPUTS[output].run
    row = next((r for r in one.files.rows("ensemble") if (r["output"], r["year"]) == (run, 0)), None)
    return None if row is None or row["p50"] is None else spread(one.files, one.name, output, row)


def _inputs(found: Comparison, chosen: Sequence[Chosen]) -> list[ComparedInput]:
    named = {label: one.name for label, one in zip(found.scenarios, chosen, strict=True)}
    by_path: dict[str, dict[str, Assumption]] = {}
    units: dict[str, str] = {}
    for row in found.tables["compare_inputs"].to_pylist():
        item = assumption(row, named[row["scenario"]])
        by_path.setdefault(row["path"], {})[row["scenario"]] = item
        units.setdefault(row["path"], row["unit"])
    rows = [
        ComparedInput(path=path, unit=units[path], values=[values.get(name) for name in found.scenarios])
        for path, values in by_path.items()
    ]
    # What rests on placeholders comes first: it is what a reader must know.
    return sorted(rows, key=lambda row: not any(v and v.origin == "placeholder" for v in row.values))
