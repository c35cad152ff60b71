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
    as_json: Annotated[bool, typer.Option("--json", help="Print the written paths as JSON.")] = False,
) -> None:
    """Write the shipped samples: real AIS positions, a simulated week labelled so, a vessels template."""
    from sealane.samples import write_samples

    written = write_samples(directory)
    if as_json:
        print_json([str(path) for path in written])
        return
    for path in written:
        typer.echo(str(path))
