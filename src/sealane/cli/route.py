"""`sealane route`: the shortest way over water between two places, or the lengths of many."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sealane.cli import options
from sealane.cli.output import message, print_fields, print_json, print_table

_PLACE = "UN/LOCODE, World Port Index number or name, or lat,lon"


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("route")(route)


def route(
    origin: Annotated[str | None, typer.Argument(metavar="FROM", help=f"Where it begins: {_PLACE}.")] = None,
    destination: Annotated[str | None, typer.Argument(metavar="TO", help="Where it ends, likewise.")] = None,
    speed_kn: Annotated[
        float | None, typer.Option("--speed-kn", metavar="KN", help="Speed in knots; gives the hours.")
    ] = None,
    via: Annotated[
        list[str] | None,
        typer.Option("--via", metavar="PLACE", help=f"Run through a place ({_PLACE}) or named passage. Repeatable."),
    ] = None,
    avoid: Annotated[
        list[str] | None,
        typer.Option("--avoid", metavar="PASSAGE", help="Close a named passage, e.g. suez. Repeatable."),
    ] = None,
    polar: Annotated[bool, typer.Option("--polar", help="Polar waters may be run through.")] = False,
    zones: options.Zones = None,
    geojson: Annotated[
        Path | None,
        typer.Option("--geojson", metavar="FILE", help="Write the route as GeoJSON, cut at the antimeridian."),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option("--pairs", metavar="FILE", help="CSV of columns origin, destination: lengths of many routes."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="With --pairs: CSV with distance_nm added (and hours).")
    ] = None,
    passages: Annotated[bool, typer.Option("--passages", help="List the named passages and stop.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Find the shortest way over water: distance, hours at a speed, miles in control areas and speed zones."""
    if passages:
        _passages(as_json=as_json)
    elif pairs is not None:
        if origin is not None or via or zones is not None or geojson is not None:
            raise typer.BadParameter("--pairs goes with --out, --speed-kn, --avoid and --polar only.")
        _batch(pairs, out, speed_kn, avoid or [], polar=polar, as_json=as_json)
    else:
        if origin is None or destination is None:
            raise typer.BadParameter("Give FROM and TO, e.g. sealane route USLAX JPYOK, or --pairs FILE.")
        if out is not None:
            raise typer.BadParameter("--out goes with --pairs; --geojson writes one route.")
        from sealane.movement.routes.find import raw_network_nm
        from sealane.movement.routes.find import route as find
        from sealane.movement.routes.zone_miles import route_zones
        from sealane.movement.zones import read_zones

        asked = route_zones()
        if zones is not None:
            asked = read_zones(zones).plus(asked)
        found = find(origin, destination, speed_kn, via or (), avoid or (), polar=polar, zones=asked)
        figures: dict[str, Any] = {**found.properties(), "raw_network_nm": raw_network_nm(found, avoid or ())}
        if geojson is not None:
            geojson.write_text(found.geojson_text(), encoding="utf-8")
        if as_json:
            print_json(figures)
        else:
            _show(figures, {zone.id: zone.name for zone in asked})
        if geojson is not None:
            message(f"Wrote {geojson}.")


def _show(figures: dict[str, Any], names: dict[str, str]) -> None:
    fields: list[tuple[str, object]] = [
        ("from", f"{figures['origin']} {figures['origin_name']}"),
        ("to", f"{figures['destination']} {figures['destination_name']}"),
    ]
    if figures["via"]:
        fields.append(("via", ", ".join(figures["via"])))
    fields.append(("distance", f"{figures['distance_nm']:,.1f} nm"))
    if figures["hours"] is not None:
        fields.append(("time", f"{figures['hours']:,.1f} h at {figures['speed_kn']:g} kn"))
    fields.append(("great circle", f"{figures['great_circle_nm']:,.1f} nm"))
    fields.append(("raw searoute network", f"{figures['raw_network_nm']:,.1f} nm"))
    if figures["access_nm"]:
        fields.append(("of it to and from the port's point", f"{figures['access_nm']:,.1f} nm, straight"))
    if figures["polar_nm"]:
        fields.append(("of it in polar waters", f"{figures['polar_nm']:,.1f} nm"))
    if figures["passages"]:
        fields.append(("passages", ", ".join(figures["passages"])))
    fields += [(f"in {names.get(zone, zone)}", f"{miles:,.1f} nm") for zone, miles in figures["zone_nm"].items()]
    print_fields(fields)


def _passages(*, as_json: bool) -> None:
    from sealane.movement.routes.find import SHUT
    from sealane.movement.routes.marks import passages

    rows = [{"passage": p.id, "name": p.name, "open": p.id not in SHUT} for p in passages().values()]
    if as_json:
        print_json(rows)
    else:
        print_table(
            ("passage", "name", "open"),
            ((r["passage"], r["name"], "yes" if r["open"] else "only if named by --via") for r in rows),
        )


def _batch(
    pairs: Path, out: Path | None, speed_kn: float | None, avoid: list[str], *, polar: bool, as_json: bool
) -> None:
    from sealane.movement.routes.batch import distances_of_file, write_distances

    rows = distances_of_file(pairs, speed_kn=speed_kn, avoid=avoid, polar=polar)
    if out is not None:
        write_distances(rows, out)
        message(f"Wrote {len(rows):,} distances to {out}.")
    elif as_json:
        print_json(rows)
    else:
        columns = tuple(rows[0]) if rows else ("origin", "destination", "distance_nm")
        right = {"distance_nm", "hours"}
        print_table(
            tuple(f"{c}>" if c in right else c for c in columns),
            (tuple(f"{row[c]:.1f}" if c in right else row[c] for c in columns) for row in rows),
        )
