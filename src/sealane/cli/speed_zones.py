"""`sealane speed-zones`: compliance with speed-reduction programmes, ship by ship, and what it saves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sealane.cli import options
from sealane.cli.output import message, print_json, print_table
from sealane.cli.progress import progress_bar
from sealane.cli.times import parse_utc

if TYPE_CHECKING:
    from sealane.corridors.arrival.speed_zone_run import SpeedZoneResult

_SHOWN = (
    "programme",
    "season",
    "ship_name",
    "ship_class",
    "passages>",
    "compliant>",
    "mean kn>",
    "cap kn>",
    "saved net kWh>",
    "possible net kWh>",
)


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("speed-zones")(speed_zones)


def speed_zones(
    positions: options.Positions,
    port: Annotated[
        str | None,
        typer.Option("--port", metavar="UNLOCODE", help="Only programmes near this port, e.g. USLAX; omitted: all."),
    ] = None,
    programme: Annotated[
        str | None,
        typer.Option(
            "--programme", metavar="NAME", help="One programme, e.g. san-pedro-bay-40; omitted: all in force."
        ),
    ] = None,
    season: Annotated[
        str | None,
        typer.Option("--season", metavar="YEAR", help="Season of the programme; omitted: the last one held."),
    ] = None,
    zones: Annotated[
        Path | None,
        typer.Option("--zones", metavar="F", help="Outlines of kind speed_zone as GeoJSON, for a cap of one's own."),
    ] = None,
    cap_kn: Annotated[
        float | None, typer.Option("--cap-kn", metavar="KN", help="Highest speed asked for in the zones given.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for the tables; omitted: print only.")
    ] = None,
    vessels: options.Vessels = None,
    method: Annotated[options.Method, typer.Option(help="Published emission method.")] = options.Method.EPA_2022,
    gwp: Annotated[
        options.Gwp, typer.Option(help="IPCC assessment report for the 100-year warming potentials.")
    ] = options.Gwp.AR5,
    time_from: options.TimeFrom = None,
    time_to: options.TimeTo = None,
    input_format: options.Format = "auto",
    column: options.Columns = None,
    threads: options.Threads = None,
    memory_limit: options.MemoryLimit = "700MB",
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Tell from AIS positions who kept to 12 kn near the port or 10 kn in a whale zone, and what that saves, net.

    Writes speed_zone_passages.parquet, speed_zone_ships.parquet, speed_zones.json and rejects.csv. Times are UTC.
    """
    from sealane.corridors.arrival.speed_zone_run import SpeedZoneRequest, run_speed_zones

    request = SpeedZoneRequest(
        positions=tuple(positions),
        port=port,
        programme=programme,
        season=season,
        zones=zones,
        cap_kn=cap_kn,
        vessels=vessels,
        method=method.value,
        gwp=gwp.value,
        time_from=parse_utc(time_from, "--from"),
        time_to=parse_utc(time_to, "--to"),
        format=input_format,
        columns=options.column_mapping(column),
        threads=threads,
        memory_limit=memory_limit,
    )
    with progress_bar(wanted=not quiet) as report:
        result = run_speed_zones(request, out, report)
    if as_json:
        print_json({"programmes": list(result.summary), "notes": list(result.notes), "ships": result.ships.to_pylist()})
        return
    for note in result.notes:
        message(f"note: {note}")
    _show(result)


def _show(result: SpeedZoneResult) -> None:
    for one in result.summary:
        share = one["compliant_share"]
        told = "no passage" if share is None else f"{one['compliant_passages']} of {one['passages']} ({share:.0%})"
        message(f"{one['programme']} {one['season']}, {one['cap_kn']:g} kn: passages that complied: {told}")
        for reason, count in one["left_out"].items():
            message(f"  left out, {reason}: {count}")
    print_table(_SHOWN, ([*_cells(row)] for row in result.ships.to_pylist()))


def _cells(row: dict[str, Any]) -> list[object]:
    figures = [row["saved_net_kwh"], row["possible_net_kwh"]]
    return [
        row["programme"],
        row["season"],
        row["ship_name"] or f"MMSI {row['mmsi']:09d}",
        row["ship_class"],
        row["passages"],
        row["compliant_passages"],
        f"{row['mean_speed_kn']:.1f}",
        f"{row['cap_kn']:g}",
        *("-" if value is None else f"{value:,.0f}" for value in figures),
    ]
