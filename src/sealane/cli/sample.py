"""`sealane sample`: the shipped samples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sealane.cli.output import print_json


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("sample")(sample)


def sample(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write to; made if missing.")],
    simulated_week: Annotated[
        bool, typer.Option("--simulated-week", help="Also write a simulated week of Los Angeles, labelled SIMULATED.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the written paths as JSON.")] = False,
) -> None:
    """Write the shipped samples of real AIS positions and a template for vessel particulars."""
    from sealane.samples import write_samples

    written = list(write_samples(directory))
    if simulated_week:
        from sealane.samples.los_angeles_week import write_week

        written += write_week(directory)
    if as_json:
        print_json([str(path) for path in written])
        return
    for path in written:
        typer.echo(str(path))
