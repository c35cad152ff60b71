"""`sealane calls`: the port calls alone."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from sealane.cli import options
from sealane.cli.output import print_json, print_table
from sealane.cli.progress import progress_bar
from sealane.cli.times import parse_utc

_SHOWN = (
    "call_id",
    "mmsi",
    "vessel_name",
    "ship_class",
    "arrival",
    "departure",
    "berth_h",
    "anchorage_h",
    "confidence",
)


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("calls")(calls)


def calls(
    positions: options.Positions,
    port: options.Port,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for calls.parquet and quality.json; omitted: print only."),
    ] = None,
    vessels: options.Vessels = None,
    zones: options.Zones = None,
    time_from: options.TimeFrom = None,
    time_to: options.TimeTo = None,
    engine: options.EngineChoice = options.Engine.LOCAL,
    spark_master: options.SparkMaster = None,
    input_format: options.Format = "auto",
    column: options.Columns = None,
    threads: options.Threads = None,
    memory_limit: options.MemoryLimit = "700MB",
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Find the port calls: arrival, anchorage, berth, shifts, departure, with a confidence from 1 to 4."""
    from sealane.inventory.request import InventoryRequest

    with tempfile.TemporaryDirectory(prefix="sealane-") as scratch:
        request = InventoryRequest(
            positions=tuple(positions),
            port=port,
            out=out or Path(scratch) / "calls",
            vessels=vessels,
            zones=zones,
            time_from=parse_utc(time_from, "--from"),
            time_to=parse_utc(time_to, "--to"),
            engine=engine.value,
            spark_master=spark_master,
            format=input_format,
            columns=options.column_mapping(column),
            threads=threads,
            memory_limit=memory_limit,
            calls_only=True,
        )
        from sealane.jobs import run_inventory

        with progress_bar(wanted=not quiet) as report:
            run_inventory(request, progress=report)
        import pyarrow.parquet as pq

        rows = pq.read_table(request.out / "calls.parquet").to_pylist()
    if as_json:
        print_json(rows)
        return
    print_table(_SHOWN, ([_cell(row[name]) for name in _SHOWN] for row in rows))


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "-" if value is None else value
