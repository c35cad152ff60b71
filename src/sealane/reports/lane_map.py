"""The legs of a lane: a map along the routes, and the pairs of ports with most emissions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sealane.errors import SealaneError
from sealane.reference.ports import find_port
from sealane.reports import chart_canvas as canvas
from sealane.reports.chart_canvas import Chart
from sealane.reports.chart_map import Place, Way, great_circle, lane_map
from sealane.reports.corridor_folder import ResultFolder
from sealane.reports.figures import number
from sealane.reports.tables import Column, Table

MAX_PAIRS = 60
"""Pairs of ports drawn, the heaviest first; the table has all of them."""
_PAIRS = """
    SELECT least(from_port, to_port) AS a, greatest(from_port, to_port) AS b,
           max(CASE WHEN from_port = least(from_port, to_port) THEN from_end ELSE to_end END) AS a_end,
           max(CASE WHEN from_port = least(from_port, to_port) THEN to_end ELSE from_end END) AS b_end,
           count(*) AS legs, sum(distance_nm) AS nm, sum(distance_nm * observed_share) AS seen_nm,
           sum(wtw_co2e_g * share) / 1e6 AS t, avg(speed_kn) AS speed_kn
    FROM legs WHERE coalesce(share, 0) > 0 GROUP BY a, b ORDER BY t DESC NULLS LAST, a, b"""


def legs(found: ResultFolder) -> Iterable[Chart]:
    """The map of the legs that count to the lane; nothing where none does."""
    pairs = found.sql(_PAIRS)
    if not pairs:
        return
    divisor, unit = canvas.fit_unit([p["t"] for p in pairs], canvas.MASS_T)
    ways: list[Way] = []
    places: dict[str, Place] = {}
    undrawn = 0
    for pair in pairs[:MAX_PAIRS]:
        points = _points(str(pair["a"]), str(pair["b"]))
        if points is None:
            undrawn += 1
            continue
        for code, end in ((pair["a"], pair["a_end"]), (pair["b"], pair["b_end"])):
            port = find_port(str(code))
            if port is not None:
                old = places.get(str(code))
                places[str(code)] = Place(port.name, port.lat, port.lon, bool(end) or (old is not None and old.strong))
        weight = (pair["t"] or 0.0) / divisor
        seen = bool(pair["nm"]) and (pair["seen_nm"] or 0.0) >= 0.5 * pair["nm"]
        words = f"{pair['a']}–{pair['b']}: {number(weight)} {unit}, {pair['legs']:,} legs"
        ways.append(Way(points, weight, words, seen))
    note = "Lines follow the shortest way over water; both directions together. Dashed: less than half of it observed."
    if undrawn:
        note += f" {undrawn} pairs have no known position and are only in the table."
    if len(pairs) > MAX_PAIRS:
        note += f" The {MAX_PAIRS} heaviest of {len(pairs)} pairs are drawn."
    first = pairs[0]
    heaviest = f"{number((first['t'] or 0.0) / divisor)} {unit} CO2e well-to-wake"
    finding = f"Heaviest: {_name(first['a'])}–{_name(first['b'])}, {heaviest}."
    yield lane_map(
        "Legs between ports, by CO2e that counts to the lane",
        list(places.values()),
        ways,
        unit=f"{unit} CO2e",
        finding=finding,
        note=note,
        table=_table(pairs),
    )


def _name(code: Any) -> str:
    port = find_port(str(code))
    return port.name if port is not None else str(code)


def _points(a: str, b: str) -> tuple[tuple[float, float], ...] | None:
    """The way over water between two ports; the great circle where no way is found, None without positions."""
    from sealane.movement.routes.find import route  # it loads the network

    try:
        found = route(a, b)
    except SealaneError:
        start, end = find_port(a), find_port(b)
        if start is None or end is None:
            return None
        return great_circle(start.lat, start.lon, end.lat, end.lon)
    return tuple(zip(found.lat.tolist(), found.lon.tolist(), strict=True))


def _table(pairs: list[dict[str, Any]]) -> Table:
    return Table(
        "Pairs of ports",
        (
            Column("from or to", width=22),
            Column("to or from", width=22),
            Column("legs", "", "integer"),
            Column("distance", "nm", "number"),
            Column("observed", "", "share"),
            Column("mean speed", "kn", "number"),
            Column("CO2e well-to-wake, lane's share", "t", "number", 24),
        ),
        [
            (
                f"{_name(p['a'])} {p['a']}",
                f"{_name(p['b'])} {p['b']}",
                p["legs"],
                p["nm"],
                None if not p["nm"] else (p["seen_nm"] or 0.0) / p["nm"],
                p["speed_kn"],
                p["t"],
            )
            for p in pairs
        ],
    )
