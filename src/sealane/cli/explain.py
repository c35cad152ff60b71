"""`sealane explain`: the chain behind one call's figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sealane.cli import options
from sealane.cli.output import print_json, printable

if TYPE_CHECKING:
    from sealane.inventory.explain import Explanation


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("explain")(explain)


def explain(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder `sealane inventory` wrote.")],
    call_id: Annotated[str, typer.Argument(metavar="CALL_ID", help="A port call, as calls.parquet names it.")],
    pollutant: Annotated[str | None, typer.Option(help="Only this pollutant, e.g. nox; omitted: all of them.")] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show equation, inputs (observed or filled), factor rows and sources; adds up exactly to the inventory."""
    from sealane.inventory.explain import explain as explain_call

    explanation = explain_call(directory, call_id, pollutant=pollutant)
    if as_json:
        print_json(explanation.as_dict())
        return
    typer.echo(printable(as_text(explanation)))


def as_text(explanation: Explanation) -> str:
    """Return an explanation for people to read, one block per figure."""
    call = explanation.call
    lines = [
        f"{call['call_id']}  {call['vessel_name'] or 'name unknown'}, MMSI {call['mmsi']:09d}, port {call['port']}",
        f"arrival {call['arrival'] or 'not seen'}, departure {call['departure'] or 'not seen'}",
        f"method {explanation.method} ({explanation.method_edition}), warming potentials {explanation.gwp}",
        "",
        "Inputs",
    ]
    for item in explanation.inputs:
        unit = f" {item.unit}" if item.unit else ""
        grade = f", grade {item.grade}" if item.grade else ""
        source = f": {item.source}" if item.source else ""
        lines.append(f"  {item.name} = {_number(item.value)}{unit}   [{item.origin}{grade}{source}]")
    for figure in explanation.figures:
        lines += [
            "",
            f"{figure.pollutant} ({figure.basis}), {figure.mode}, {figure.source}, {figure.zone or 'no zone'}",
        ]
        lines.append(f"  {figure.equation}")
        for row in figure.factor_rows:
            lines.append(
                f"  {row.label} = {_number(row.value)} {row.unit}   [grade {row.grade}; {row.source}; {row.edition}]"
            )
        if figure.lines:
            lines.append("  speed_kn  draught_m     hours      load  power_kw  g_per_kwh  adjustment           grams")
        for line in figure.lines:
            draught = "-" if line.draught_m is None else f"{line.draught_m:.1f}"
            lines.append(
                f"  {line.speed_kn:8.1f}  {draught:>9}  {line.hours:8.4f}  {line.load:8.4f}  {line.power_kw:8.1f}"
                f"  {line.factor_g_per_kwh:9.4f}  {line.adjustment:10.4f}  {line.grams:14.3f}"
                f"  {line.regime}, {line.evidence}"
            )
        verdict = "equals the inventory" if figure.adds_up else f"the inventory says {figure.in_inventory!r}"
        lines.append(f"  sum {figure.grams!r} g: {verdict}")
    return "\n".join(lines)


def _number(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
