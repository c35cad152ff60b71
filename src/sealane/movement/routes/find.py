"""The shortest way over water between two places.

    route("USLAX", "JPYOK", speed_kn=16.0)

Ships keep out of polar waters (MARPOL, SOLAS chapter XIV) unless the route begins or ends there, is led through a
passage of the Arctic by `via`, or `polar` is set. docs/method/routes.md says how a way is found and what it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sealane.errors import DataError, Fault
from sealane.movement.geodesy import great_circle_nm
from sealane.movement.routes.marks import ANTARCTIC_BIT, ARCTIC_BIT, Passage, limits, marks, passages, polar_bits
from sealane.movement.routes.moorings import Mooring, mooring
from sealane.movement.routes.network import sea
from sealane.movement.routes.places import checked_position, place
from sealane.movement.routes.raw_network import CLOSED, raw_way
from sealane.movement.routes.route import Leg, Place, Route
from sealane.movement.routes.search import line_nm, many, way
from sealane.movement.routes.zone_miles import miles_by_zone, route_zones
from sealane.movement.zone_shapes import ZoneSet

Floats = NDArray[np.float64]
POLAR_BITS = 1 << ARCTIC_BIT | 1 << ANTARCTIC_BIT
SHUT = ("northwest", "northeast")
"""Passages that are closed unless `via` names them."""
_ARCTIC = ("northwest", "northeast", "bering")
_RAW_NAMES = {
    "suez": "suez",
    "panama": "panama",
    "gibraltar": "gibraltar",
    "malacca": "malacca",
    "sunda": "sunda",
    "bab-el-mandeb": "babalmandab",
    "hormuz": "ormuz",
    "bosporus": "bosporus",
    "dardanelles": "dardanelles",
    "magellan": "chili",
    "good-hope": "south_africa",
}
_TITLE = "This route cannot be found."


def route(
    origin: str,
    destination: str,
    speed_kn: float | None = None,
    via: Sequence[str] = (),
    avoid: Sequence[str] = (),
    *,
    polar: bool = False,
    zones: ZoneSet | None = None,
) -> Route:
    """Shortest way over water between two places.

    Parameters
    ----------
    origin, destination : UN/LOCODE, World Port Index number or name, or ``lat,lon`` in degrees.
    speed_kn : speed through the whole route; gives the hours.
    via : places or named passages to run through, in order.
    avoid : named passages that are closed, see :func:`passages`.
    polar : polar waters may be run through.
    zones : zones whose miles are wanted; by default the shipped emission control areas and speed zones.

    Returns
    -------
    Route

    Raises
    ------
    DataError : an unknown place or passage, a speed that is none, or no way is left; all faults at once.
    """
    faults: list[Fault] = []
    places: list[Place] = []
    named = [("origin", origin), *((f"via {n + 1}", text) for n, text in enumerate(via)), ("destination", destination)]
    for where, text in named:
        try:
            known = passages().get(text.strip().lower()) if where.startswith("via") else None
            places.append(_in_passage(known) if known else place(text, where))
        except DataError as problem:
            faults += problem.faults
    faults += _avoid_faults(avoid, via) + _speed_faults(speed_kn)
    if faults:
        raise DataError(_TITLE, faults)
    closed = _closed(places, avoid, via, polar)
    return _through(places, speed_kn, closed, route_zones() if zones is None else zones)


def between(
    lat1: float,
    lon1: float,
    lat2: float,
    lon2: float,
    speed_kn: float | None = None,
    avoid: Sequence[str] = (),
    zones: ZoneSet | None = None,
    *,
    polar: bool = False,
) -> Route:
    """Shortest way over water between two positions.

    Parameters
    ----------
    lat1, lon1, lat2, lon2 : degrees, WGS 84.
    speed_kn, avoid, zones, polar : as in :func:`route`.

    Raises
    ------
    DataError : as in :func:`route`.
    """
    ends = []
    faults = _avoid_faults(avoid, ()) + _speed_faults(speed_kn)
    for where, given in (("origin", (lat1, lon1)), ("destination", (lat2, lon2))):
        try:
            lat, lon = checked_position(*given, where)
            ends.append(Place(f"{lat:g},{lon:g}", f"{lat:g}, {lon:g}", lat, lon))
        except DataError as problem:
            faults += problem.faults
    if faults:
        raise DataError(_TITLE, faults)
    return _through(ends, speed_kn, _closed(ends, avoid, (), polar), route_zones() if zones is None else zones)


def route_distances_nm(pairs: Iterable[tuple[str, str]], avoid: Sequence[str] = (), *, polar: bool = False) -> Floats:
    """Lengths of many routes, on all threads numba has.

    Parameters
    ----------
    pairs : (origin, destination), as :func:`route` takes them.
    avoid, polar : as in :func:`route`.

    Returns
    -------
    (n,) float64, nm, in the order of the pairs: the lengths :func:`route` gives.

    Raises
    ------
    DataError : unknown places or passages, or no way between two places; all faults at once.
    """
    wanted = list(pairs)
    faults = _avoid_faults(avoid, ())
    known: dict[str, Place] = {}
    for n, pair in enumerate(wanted):
        for where, text in zip(("origin", "destination"), pair, strict=True):
            if text not in known:
                try:
                    known[text] = place(text, f"pair {n + 1}, {where}")
                except DataError as problem:
                    faults += problem.faults
    if faults:
        raise DataError("These distances cannot be found.", faults)
    spots = sorted({(p.lat, p.lon) for p in known.values()})
    number = {spot: n for n, spot in enumerate(spots)}
    moored = [mooring(*spot) for spot in spots]
    packed = _packed(moored)
    by_closed: dict[int, list[int]] = {}
    ends = np.zeros((len(wanted), 2), np.int64)
    out = np.zeros(len(wanted))
    for n, pair in enumerate(wanted):
        a, b = (known[text] for text in pair)
        i, j = number[a.lat, a.lon], number[b.lat, b.lon]
        ends[n] = (i, j) if _forward(moored[i], moored[j]) else (j, i)
        if i != j:
            out[n] = moored[i].access_nm + moored[j].access_nm
            by_closed.setdefault(_closed([a, b], avoid, (), polar), []).append(n)
    known_sea = sea()
    for closed, rows in by_closed.items():
        asked = ends[rows]
        once, back = np.unique(asked, axis=0, return_inverse=True)
        found = many(*known_sea, np.uint64(closed), *packed, once)
        out[rows] += found[back]
    lost = np.flatnonzero(~np.isfinite(out))
    if len(lost):
        remedy = "Leave out what is avoided, or set polar."
        raise DataError(
            "These distances cannot be found.",
            [Fault(f"pair {n + 1}", f"no way from {wanted[n][0]} to {wanted[n][1]}", remedy) for n in lost],
        )
    return out


def zone_miles(found: Route, zones: ZoneSet) -> Mapping[str, float]:
    """Miles of a route inside each zone, by zone id; only zones that are touched.

    Parameters
    ----------
    found : a route.
    zones : any zones; zones that overlap each count.
    """
    return miles_by_zone(found.lat, found.lon, zones)


def raw_network_nm(found: Route, avoid: Sequence[str] = ()) -> float:
    """Length of the same journey along the raw searoute network, nm: a yardstick, not a route.

    Parameters
    ----------
    found : a route; its places are tied to their nearest nodes by straight lines.
    avoid : as for the route; passages the raw network has no name for stay open in it.
    """
    closed = tuple(sorted({*CLOSED, *(_RAW_NAMES[name] for name in avoid if name in _RAW_NAMES)}))
    places = (found.origin, *found.via, found.destination)
    return float(sum(raw_way(a.lat, a.lon, b.lat, b.lon, closed)[0] for a, b in pairwise(places)))


def _in_passage(passage: Passage) -> Place:
    """The place a route led through a passage touches: the water or channel next to the middle of its arc."""
    from sealane.movement.geodesy import midpoint

    lat, lon = midpoint(passage.lat1, passage.lon1, passage.lat2, passage.lon2)
    there = mooring(lat, lon)
    return Place(passage.id, passage.name, there.lat, there.lon)


def _avoid_faults(avoid: Sequence[str], via: Sequence[str]) -> list[Fault]:
    known = passages()
    faults = [
        Fault(f"avoid {n + 1}", f"'{name}' is no passage", f"Give one of {', '.join(known)}.")
        for n, name in enumerate(avoid)
        if name not in known
    ]
    both = [name for name in avoid if name in known and name in {text.strip().lower() for text in via}]
    return faults + [Fault("avoid", f"'{name}' is avoided and stands in via", "Leave out one.") for name in both]


def _speed_faults(speed_kn: float | None) -> list[Fault]:
    if speed_kn is None or 0.0 < speed_kn <= 100.0:
        return []
    return [Fault("speed_kn", f"{speed_kn:g}", "Give knots above 0, at most 100.")]


def _closed(places: Sequence[Place], avoid: Sequence[str], via: Sequence[str], polar: bool) -> int:
    """Bits that may not be run through."""
    known = passages()
    through = {text.strip().lower() for text in via}
    closed = 0
    for name in (*SHUT, *avoid):
        if name not in through:
            closed |= 1 << known[name].bit
    if polar:
        return closed
    opened = 1 << ARCTIC_BIT if through & set(_ARCTIC) else 0
    for end in places:
        opened |= int(polar_bits(limits(), end.lat, end.lon))
    return closed | (POLAR_BITS & ~opened)


def closed_by_default() -> int:
    """Bits that are closed where nothing is asked for: polar waters and the passages through them."""
    return _closed((), (), (), polar=False)


def _forward(a: Mooring, b: Mooring) -> bool:
    # A way is looked for in one direction only, so that it has the same length and shape in both.
    return (a.lat, a.lon) <= (b.lat, b.lon)


def _way(a: Mooring, b: Mooring, closed: int) -> tuple[Floats, Floats]:
    if not _forward(a, b):
        lat, lon = _way(b, a, closed)
        return lat[::-1].copy(), lon[::-1].copy()
    if (a.lat, a.lon) == (b.lat, b.lon):
        return np.array([a.lat]), np.array([a.lon])
    lat, lon = way(*sea(), np.uint64(closed), a.haven, b.haven)
    return lat, lon


def _packed(moored: Sequence[Mooring]) -> tuple[Any, ...]:
    """What :func:`sealane.movement.routes.search.many` takes of its ports, one after the other."""
    havens = [m.haven for m in moored]
    spots = np.array([(h.lat, h.lon) for h in havens], np.float64).reshape(-1, 2)
    if not havens:
        return ()
    first, first_local = (
        np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        for parts in ([h.ids for h in havens], [h.local_lat for h in havens])
    )
    fields = [np.concatenate(parts) for parts in zip(*(h[2:] for h in havens), strict=True)]
    return spots, first, tuple(fields[:4]), first_local, tuple(fields[4:])


def _through(places: Sequence[Place], speed_kn: float | None, closed: int, zones: ZoneSet) -> Route:
    legs: list[Leg] = []
    for start, end in pairwise(places):
        if (start.lat, start.lon) == (end.lat, end.lon):
            # Nobody leaves the berth to come back to it.
            legs.append(_leg("sea", start.code, end.code, [start.lat], [start.lon]))
            continue
        a, b = mooring(start.lat, start.lon), mooring(end.lat, end.lon)
        lat, lon = _way(a, b, closed)
        if not len(lat):
            raise DataError(_TITLE, [_no_way(start, end, closed)])
        if a.access_nm > 0.0:
            legs.append(_leg("access", start.code, "fairway", [start.lat, a.lat], [start.lon, a.lon]))
        legs.append(
            _leg("sea", "fairway" if a.access_nm else start.code, "fairway" if b.access_nm else end.code, lat, lon)
        )
        if b.access_nm > 0.0:
            legs.append(_leg("access", "fairway", end.code, [b.lat, end.lat], [b.lon, end.lon]))
    lat = np.concatenate([legs[0].lat, *(leg.lat[1:] for leg in legs[1:])])
    lon = np.concatenate([legs[0].lon, *(leg.lon[1:] for leg in legs[1:])])
    distance_nm = float(sum(leg.distance_nm for leg in legs))
    crossed: dict[str, None] = {}
    polar_nm = 0.0
    for n in range(len(lat) - 1):
        line = (lat[n], lon[n], lat[n + 1], lon[n + 1])
        bits = int(marks(limits(), *line))
        crossed.update((p.id, None) for p in passages().values() if bits >> p.bit & 1)
        polar_nm += _polar_nm(line) if bits & POLAR_BITS else 0.0
    return Route(
        origin=places[0],
        destination=places[-1],
        via=tuple(places[1:-1]),
        distance_nm=distance_nm,
        hours=None if speed_kn is None else distance_nm / speed_kn,
        speed_kn=speed_kn,
        legs=tuple(legs),
        lat=lat,
        lon=lon,
        zone_nm=miles_by_zone(lat, lon, zones),
        passages=tuple(crossed),
        great_circle_nm=float(sum(great_circle_nm(a.lat, a.lon, b.lat, b.lon) for a, b in pairwise(places))),
        polar_nm=polar_nm,
    )


def _leg(kind: str, start: str, end: str, lat: Sequence[float] | Floats, lon: Sequence[float] | Floats) -> Leg:
    lats, lons = np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)
    return Leg(kind, start, end, float(line_nm(lats, lons)), lats, lons)


def _polar_nm(line: tuple[float, float, float, float]) -> float:
    """Miles of a great circle in polar waters, to half a mile at each limit."""
    from sealane.movement.routes.line import densify

    lat, lon, along = densify(np.array(line[::2]), np.array(line[1::2]), 1.0)
    inside = np.array([polar_bits(limits(), y, x) > 0 for y, x in zip(lat, lon, strict=True)])
    return float((np.diff(along) * (0.5 * inside[1:] + 0.5 * inside[:-1])).sum())


def _no_way(start: Place, end: Place, closed: int) -> Fault:
    names = [name for name, known in passages().items() if closed >> known.bit & 1]
    shut = ", ".join(names) + (" and polar waters" if closed & POLAR_BITS else "")
    return Fault(
        f"{start.code} to {end.code}",
        f"no way is left with {shut} closed",
        "Open one of them (via for a passage of the Arctic, polar for polar waters), or give other places.",
    )
