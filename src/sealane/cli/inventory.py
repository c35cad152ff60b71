"""`sealane inventory`: the main job, from AIS positions to an emissions inventory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sealane.cli import options
from sealane.cli.output import message, print_fields, print_json
from sealane.cli.progress import progress_bar
from sealane.cli.times import parse_utc


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("inventory")(inventory)


def inventory(
    positions: options.Positions,
    port: options.Port,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results; made if missing.")],
    vessels: options.Vessels = None,
    zones: options.Zones = None,
    shore_power: Annotated[
        Path | None,
        typer.Option(
            "--shore-power", metavar="F", help="Connections to shore power, CSV with the columns mmsi or imo, from, to."
        ),
    ] = None,
    method: Annotated[options.Method, typer.Option(help="Published emission method.")] = options.Method.EPA_2022,
    gwp: Annotated[
        options.Gwp, typer.Option(help="IPCC assessment report for the 100-year warming potentials.")
    ] = options.Gwp.AR5,
    time_from: options.TimeFrom = None,
    time_to: options.TimeTo = None,
    engine: options.EngineChoice = options.Engine.LOCAL,
    spark_master: options.SparkMaster = None,
    input_format: options.Format = "auto",
    column: options.Columns = None,
    keep_tracks: Annotated[
        bool, typer.Option("--tracks", help="Keep the ships' clean tracks as tracks.parquet, for the maps of a node.")
    ] = False,
    threads: options.Threads = None,
    memory_limit: options.MemoryLimit = "700MB",
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Work out port calls, activity, energy and emissions of every ship, with a report.

    Writes calls.parquet, activity.parquet, inventory.parquet, grid.parquet, quality.json, provenance.json,
    report.html and report.xlsx; with --tracks also tracks.parquet. Times are UTC.
    """
    from sealane.inventory.request import InventoryRequest

    request = InventoryRequest(
        positions=tuple(positions),
        port=port,
        out=out,
        vessels=vessels,
        zones=zones,
        shore_power=shore_power,
        method=method.value,
        gwp=gwp.value,
        time_from=parse_utc(time_from, "--from"),
        time_to=parse_utc(time_to, "--to"),
        engine=engine.value,
        spark_master=spark_master,
        format=input_format,
        columns=options.column_mapping(column),
        threads=threads,
        memory_limit=memory_limit,
        keep_tracks=keep_tracks,
    )
    from sealane.jobs import run_inventory

    with progress_bar(wanted=not quiet) as report:
        result = run_inventory(request, progress=report)
    if as_json:
        print_json({"out": str(result.out), "rows": result.rows, "quality": result.quality})
        return
    quality = result.quality
    for note in quality["notes"]:
        message(f"note: {note}")
    shares = quality.get("grade_d_share", {})
    left_out = quality["vessels_left_out"]
    fields: list[tuple[str, object]] = [
        ("port", request.port),
        ("method", f"{request.method}, {request.gwp}"),
        ("on filled (grade D) inputs", ", ".join(f"{name} {share:.0%}" for name, share in shares.items()) or "-"),
        ("rows read", f"{quality['rows_read']} ({quality['rows_rejected']} rejected, see rejects.csv)"),
        ("ships in the inventory", quality["vessels_in_inventory"]),
        ("vessels left out", f"{left_out['count']} (see quality.json)"),
        ("port calls", f"{quality['calls']['count']} ({quality['calls']['complete']} complete)"),
        ("results", "\n".join(str(path) for path in sorted(result.out.iterdir()) if path.is_file())),
    ]
    print_fields(fields)
