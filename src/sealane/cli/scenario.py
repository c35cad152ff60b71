"""`sealane scenario`: what follows from a corridor's choices, how sure it is, and how scenarios differ."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli.options import AsJson
from sealane.cli.output import counted, message, print_fields, print_json, print_table

if TYPE_CHECKING:
    from sealane.corridors.scenarios.model import ScenarioModel, ScenarioResult

group = typer.Typer(
    name="scenario",
    help="Simulate scenarios of a corridor: fleet, fuel, cost gap, payments and emissions by year.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ScenarioFile = Annotated[
    str, typer.Argument(metavar="FILE|ID", help="A scenario file, or the id of a reference scenario.")
]
OutFolder = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results; made if missing.")]


def add_to(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(group)


@group.command("list")
def list_scenarios(as_json: AsJson = False) -> None:
    """List the reference scenarios that come with Sealane."""
    from sealane.corridors.scenarios.read import read_scenario, reference_scenarios

    rows = [_entry(read_scenario(name)) for name in reference_scenarios()]
    if as_json:
        print_json(rows)
        return
    columns = ("scenario", "years", "ports", "sourced>", "user>", "placeholder>", "missing>", "title")
    print_table(
        columns,
        [
            (
                row["id"],
                f"{row['years'][0]} to {row['years'][1]}",
                ", ".join(row["ports"]),
                *(row["inputs"][origin] for origin in ("sourced", "user", "placeholder", "missing")),
                row["title"],
            )
            for row in rows
        ],
    )


@group.command("show")
def show(scenario: ScenarioFile) -> None:
    """Print a scenario file as it stands, to start one of your own from."""
    from sealane.corridors.scenarios.read import scenario_text

    typer.echo(scenario_text(scenario)[1].decode("utf-8"), nl=False)


@group.command("check")
def check(scenario: ScenarioFile, as_json: AsJson = False) -> None:
    """Read a scenario, list all its faults at once, or else its inputs by origin."""
    from sealane.corridors.scenarios.read import read_scenario
    from sealane.corridors.scenarios.simulate import check_choices

    model = read_scenario(scenario)
    check_choices(model)
    if as_json:
        inputs = [
            {
                "path": i.path,
                "value": i.value,
                "unit": i.unit,
                "origin": str(i.origin),
                "grade": i.grade,
                "source": i.source,
            }
            for i in model.inputs
        ]
        print_json({**_entry(model), "all_inputs": inputs, "notes": list(model.notes)})
        return
    entry = _entry(model)
    print_fields(
        [
            ("scenario", f"{model.id}: {model.title}"),
            ("inputs", ", ".join(f"{number} {origin}" for origin, number in entry["inputs"].items())),
            *_unsure(model),
        ]
    )


@group.command("run")
def run(
    scenario: ScenarioFile,
    out: OutFolder,
    ensemble: Annotated[
        int, typer.Option("--ensemble", metavar="N", help="Draws over the scenario's ranges, 16 or more; 0: none.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the draws.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Simulate a scenario; with --ensemble also quantiles, ranked drivers and a tornado.

    Writes scenario.json, one Parquet file a table, report.html and report.xlsx.
    """
    from sealane.corridors.scenarios.ensemble import ensemble as draw
    from sealane.corridors.scenarios.read import read_scenario
    from sealane.corridors.scenarios.simulate import simulate
    from sealane.corridors.scenarios.write import RESULT_FILES, write_result
    from sealane.folders import check_ours
    from sealane.reports.scenario_report import write_scenario_report

    check_ours(out, RESULT_FILES)  # before the work, not after it
    model = read_scenario(scenario)
    result = draw(model, ensemble, seed) if ensemble else simulate(model)
    write_result(result, model, out)
    write_scenario_report(out)
    if as_json:
        print_json({"out": str(out), **_content(result)})
        return
    for note in result.notes:
        message(f"note: {note}")
    print_fields(_fields(result))
    if "drivers" in result.tables:
        rows = [row for row in result.tables["drivers"].to_pylist() if row["output"] == "cost_gap_discounted_usd"]
        message("\nWhat the discounted cost gap depends on:")
        print_table(
            ("rank>", "driver", "share of variance>", "rank regression>"),
            [(row["rank"], row["driver"], f"{row['total_order']:.3f}", f"{row['srrc']:+.3f}") for row in rows],
        )
    message(f"\nResults in {out}")


@group.command("compare")
def compare_scenarios(
    scenarios: Annotated[
        list[str], typer.Argument(metavar="FILE|ID...", help="Two or more scenarios; differences are to the first.")
    ],
    out: OutFolder,
    as_json: AsJson = False,
) -> None:
    """Simulate scenarios and set them beside each other, with the inputs that differ.

    Writes comparison.json, one Parquet file a table, report.html and report.xlsx.
    """
    from sealane.corridors.scenarios.compare import compare_scenarios
    from sealane.corridors.scenarios.read import read_scenario
    from sealane.corridors.scenarios.simulate import simulate
    from sealane.corridors.scenarios.write import RESULT_FILES, write_comparison
    from sealane.folders import check_ours
    from sealane.reports.comparison_report import write_comparison_report

    check_ours(out, RESULT_FILES)  # before the work, not after it
    comparison = compare_scenarios([simulate(read_scenario(scenario)) for scenario in scenarios])
    write_comparison(comparison, out)
    write_comparison_report(out)
    rows = comparison.tables["compare_summary"].to_pylist()
    if as_json:
        print_json({"out": str(out), "scenarios": list(comparison.scenarios), "summary": rows})
        return
    items = list(dict.fromkeys(row["item"] for row in rows))
    values = {(row["item"], row["scenario"]): row for row in rows}
    units = {row["item"]: row["unit"] for row in rows}
    table = []
    for item in items:
        cells = [values.get((item, name)) for name in comparison.scenarios]
        table.append((item, units[item], *("" if cell is None else _figure(cell["value"]) for cell in cells)))
    print_table(("figure", "unit", *(f"{name}>" for name in comparison.scenarios)), table)
    message(f"\nResults in {out}")


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:,.4g}"


def _entry(model: ScenarioModel) -> dict[str, Any]:
    from sealane.corridors.scenarios.model import Origin

    return {
        "id": model.id,
        "title": model.title,
        "corridor": model.corridor,
        "label": model.label,
        "ports": list(model.ports),
        "years": [int(model.years[0]), int(model.years[-1])],
        "inputs": {str(origin): sum(1 for i in model.inputs if i.origin is origin) for origin in Origin},
    }


def _unsure(model: ScenarioModel) -> list[tuple[str, str]]:
    found = []
    for origin in ("placeholder", "missing"):
        listed = [f"{item.path}: {item.source}" for item in model.inputs if item.origin == origin]
        if listed:
            found.append((origin, "\n".join(listed)))
    return found


def _content(result: ScenarioResult) -> dict[str, Any]:
    content: dict[str, Any] = {
        "scenario": result.scenario,
        "kind": result.kind,
        "summary": dict(result.summary),
        "notes": list(result.notes),
        "rows": {name: table.num_rows for name, table in result.tables.items()},
    }
    if "drivers" in result.tables:
        content["drivers"] = result.tables["drivers"].to_pylist()
        content["quantiles"] = [row for row in result.tables["ensemble"].to_pylist() if row["year"] == 0]
    return content


def _fields(result: ScenarioResult) -> list[tuple[str, object]]:
    figures = result.summary
    fields: list[tuple[str, object]] = [
        ("scenario", result.scenario),
        ("years", f"{figures['first_year']} to {figures['last_year']}"),
    ]
    for name, words, unit in (
        ("wtw_t", "emissions, well-to-wake", "t CO2e"),
        ("fossil_wtw_t", "of the fossil case", "t CO2e"),
        ("energy_tj", "fuel energy", "TJ"),
        ("cost_discounted_usd", "cost, discounted", "USD"),
        ("cost_gap_discounted_usd", "more than the fossil case, discounted", "USD"),
        ("cost_gap_usd_per_teu", "the same by container, levelised", "USD/TEU"),
        ("abatement_usd_per_t", "abatement cost, levelised", "USD/t CO2e"),
    ):
        value = figures.get(name)
        if isinstance(value, int | float):
            fields.append((words, f"{value:,.0f} {unit}" if abs(value) >= 1000 else f"{value:,.1f} {unit}"))
    origins = ((origin, figures[f"inputs_{origin}"]) for origin in ("sourced", "user", "placeholder", "missing"))
    fields.append(("inputs", ", ".join(f"{number} {origin}" for origin, number in origins)))
    fields.append(("tables", counted(len(result.tables), "table")))
    return fields
