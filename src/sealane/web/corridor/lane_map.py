"""What the map shows of a lane: the legs that count, by pair of ports, along the shortest way over water."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pyarrow.compute as pc

from sealane.errors import SealaneError
from sealane.reference.ports import find_port
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.measures import Rule
from sealane.web.corridor.models import About
from sealane.web.results import Result
from sealane.web.tiles.labels import anchors
from sealane.web.tiles.models import MapLane, MapPort, MapView, Place
from sealane.web.tiles.view import CENTRE, LINE_STEP_NM, STEP_S, great_circle, legs_figure, unwrapped, way_figure

MOST_PAIRS = 40
"""Pairs of ports drawn, those with most legs first; the table of rotations has all."""
WEST_EDGE = 10.0


def pairs_of(files: LaneFiles, rule: Rule) -> list[tuple[str, str, int]]:
    """Pairs of ports, in alphabetical order, with the legs between them that a rule counts; most legs first."""
    legs = files.table("legs", ["from_port", "to_port"], pc.field(f"share_{rule}") > 0.0)
    counted = legs.group_by(["from_port", "to_port"], use_threads=False).aggregate([([], "count_all")])
    found: dict[tuple[str, str], int] = {}
    for row in counted.to_pylist():
        a, b = sorted((str(row["from_port"]), str(row["to_port"])))
        if a != b:
            found[a, b] = found.get((a, b), 0) + row["count_all"]
    return sorted(((a, b, n) for (a, b), n in found.items()), key=lambda item: (-item[2], item[0], item[1]))


@lru_cache(512)
def _way(a: str, b: str) -> tuple[tuple[Place, ...], float | None]:
    """The way over water and its length [nm]; the great circle without a length where no way is found."""
    from sealane.movement.routes.find import route
    from sealane.movement.routes.line import densify
    from sealane.movement.zone_shapes import ZoneSet

    try:
        found = route(a, b, zones=ZoneSet(()))
    except SealaneError:
        return tuple(great_circle(a, b)), None
    lat, lon, _ = densify(np.asarray(found.lat), np.asarray(found.lon), LINE_STEP_NM)
    return unwrapped(lat, lon), found.distance_nm


def lane_map(files: LaneFiles, result: Result, about: About, rule: Rule) -> MapView:
    """Return the map of a lane."""
    lanes, codes = [], dict.fromkeys([*about.end_a.ports, *about.end_b.ports])
    for a, b, number in pairs_of(files, rule)[:MOST_PAIRS]:
        if find_port(a) is None or find_port(b) is None:
            continue
        line, distance_nm = _way(a, b)
        codes |= dict.fromkeys((a, b))
        lanes.append(
            MapLane(
                result=result.id,
                title=f"{a} – {b} ({number:,})",
                ports=(a, b),
                line=list(line),
                distance_nm=distance_nm,
                distance=None if distance_nm is None else way_figure(result.id, a, b, distance_nm),
                legs=legs_figure(result.id, a, b, number, rule.value, simulated=files.simulated),
                simulated=files.simulated,
                page=f"/corridors/{about.id}/voyages?result={result.id}",
            )
        )
    return MapView(
        title=about.title,
        day=None,
        begins_at=None,
        ends_at=None,
        at=None,
        step_s=STEP_S,
        centre=CENTRE,
        bounds=None,
        simulated=files.simulated,
        land="/api/v1/map/land/{z}/{x}/{y}.mvt",
        reference_zones="/api/v1/map/zones/{z}/{x}/{y}.mvt",
        ports=_ports(list(codes)),
        links=[],
        lanes=lanes,
        results=[],
        stays=[],
        stays_in_all=0,
        preparing=False,
        table=f"/corridors/{about.id}/map?result={result.id}&rule={rule.value}",
    )


def _ports(codes: list[str]) -> list[MapPort]:
    known = [port for code in codes if (port := find_port(code)) is not None]
    return [
        MapPort(
            unlocode=port.locode,
            name=port.name,
            lon=(port.lon - WEST_EDGE) % 360.0 + WEST_EDGE,
            lat=port.lat,
            rank=1,
            anchor=anchor,
            page=None,
        )
        for port, anchor in zip(known, anchors([(port.lon, port.lat) for port in known]), strict=True)
    ]
