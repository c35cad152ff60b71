"""`sealane explain`: the chain behind one call's figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sealane.cli import options
from sealane.cli.output import print_json, printable


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
    typer.echo(printable(explanation.as_text()))
