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
    simulated_service: Annotated[
        bool,
        typer.Option(
            "--simulated-service",
            help="Also write port calls of SIMULATED services across the Pacific, for `sealane lane`.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the written paths as JSON.")] = False,
) -> None:
    """Write the shipped samples of real AIS positions and a template for vessel particulars."""
    from sealane.samples import write_samples

    written = list(write_samples(directory))
    if simulated_week:
        from sealane.samples.los_angeles_week import write_week

        written += write_week(directory)
    if simulated_service:
        from sealane.samples.simulated_service import LABEL, write_simulated_service

        folder = directory / f"{LABEL}_transpacific_service"
        write_simulated_service(folder)
        written += sorted(folder.iterdir())
    if as_json:
        print_json([str(path) for path in written])
        return
    for path in written:
        typer.echo(str(path))
