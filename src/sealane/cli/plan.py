"""`sealane plan`: which ships, fuels, conversions and bunkering meet a corridor's target at least cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli.options import AsJson, Quiet
from sealane.cli.output import counted, message, print_fields, print_json, print_table
from sealane.cli.progress import progress_bar

if TYPE_CHECKING:
    from sealane.corridors.scenarios.model import ScenarioResult


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("plan")(plan)


def plan(
    scenario: Annotated[
        str, typer.Argument(metavar="FILE|ID", help="A scenario file, or the id of a reference scenario.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results; made if missing.")],
    whole_ships: Annotated[
        bool, typer.Option("--whole-ships", help="Count ships in whole numbers; slower. Default: shares of a ship.")
    ] = False,
    gap: Annotated[
        float,
        typer.Option(
            "--gap",
            metavar="X",
            min=0.0,
            max=1.0,
            help="With --whole-ships, how far from the least cost the plan may be, relative.",
        ),
    ] = 1e-3,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Plan a corridor at least cost: fleet, fuel, conversions and bunkering by year, with shadow prices.

    Writes scenario.json, one Parquet file a table, report.html and report.xlsx. Where no plan exists, says which limits
    conflict and by how much.
    """
    from sealane.corridors.plan.solve import solve_plan
    from sealane.corridors.scenarios.read import read_scenario
    from sealane.corridors.scenarios.write import RESULT_FILES, write_result
    from sealane.folders import check_ours
    from sealane.reports.scenario_report import write_scenario_report

    check_ours(out, RESULT_FILES)  # before the work, not after it
    model = read_scenario(scenario)

    with progress_bar(wanted=not quiet) as report:
        result = solve_plan(model, whole_ships=whole_ships, progress=report, gap=gap)
    write_result(result, model, out)
    write_scenario_report(out)
    prices = _prices(result)
    if as_json:
        content = {
            "out": str(out),
            "scenario": result.scenario,
            "kind": result.kind,
            "summary": dict(result.summary),
            "notes": list(result.notes),
            "rows": {name: table.num_rows for name, table in result.tables.items()},
            "shadow_prices": prices,
        }
        print_json(content)
        return
    for note in result.notes:
        message(f"note: {note}")
    print_fields(_fields(result))
    if prices:
        message("\nWhat one unit more would save, or of transport would cost:")
        rows = [(p["year"], p["constraint"], p["subject"], f"{p['value']:,.4g}", p["unit"]) for p in prices]
        print_table(("year", "constraint", "subject", "value>", "unit"), rows)
    message(f"\nResults in {out}")


def _prices(result: ScenarioResult) -> list[dict[str, Any]]:
    """Shadow prices that are not zero."""
    return [row for row in result.tables["dual"].to_pylist() if row["value"]]


def _fields(result: ScenarioResult) -> list[tuple[str, object]]:
    figures = result.summary
    fields: list[tuple[str, object]] = [
        ("plan of", result.scenario),
        ("years", f"{figures['first_year']} to {figures['last_year']}"),
        ("ships", figures["ships"]),
    ]
    for name, words, unit in (
        ("cost_discounted_usd", "cost, discounted", "USD"),
        ("cost_gap_discounted_usd", "more than the fossil case, discounted", "USD"),
        ("cost_gap_usd_per_teu", "the same by container, levelised", "USD/TEU"),
        ("wtw_t", "emissions, well-to-wake", "t CO2e"),
        ("fossil_wtw_t", "of the fossil case", "t CO2e"),
        ("abatement_usd_per_t", "abatement cost, levelised", "USD/t CO2e"),
        ("energy_tj", "fuel energy", "TJ"),
    ):
        value = figures.get(name)
        if isinstance(value, int | float):
            fields.append((words, f"{value:,.0f} {unit}" if abs(value) >= 1000 else f"{value:,.1f} {unit}"))
    origins = ((origin, figures[f"inputs_{origin}"]) for origin in ("sourced", "user", "placeholder", "missing"))
    fields.append(("inputs", ", ".join(f"{number} {origin}" for origin, number in origins)))
    fields.append(("tables", counted(len(result.tables), "table")))
    return fields
