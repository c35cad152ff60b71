"""The shortest way over water between two places.

>>> from sealane.movement.routes.find import route
>>> route("USLAX", "JPYOK", speed_kn=16.0).distance_nm  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sealane.errors import DataError, Fault
from sealane.movement.geodesy import great_circle_nm
from sealane.movement.routes.places import checked_position, place
from sealane.movement.routes.raw_network import raw_way
from sealane.movement.routes.route import Leg, Place, Route
from sealane.movement.routes.zone_miles import miles_by_zone, route_zones
from sealane.movement.zone_shapes import ZoneSet

Floats = NDArray[np.float64]


def route(
    origin: str,
    destination: str,
    speed_kn: float | None = None,
    via: Sequence[str] = (),
    avoid: Sequence[str] = (),
) -> Route:
    """Shortest way over water between two places.

    Parameters
    ----------
    origin, destination : UN/LOCODE, World Port Index number or name, or ``lat,lon`` in degrees.
    speed_kn : speed through the whole route; gives the hours.
    via : places or named passages to run through, in order.
    avoid : named passages that are closed.

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
            places.append(place(text, where))
        except DataError as problem:
            faults += problem.faults
    if faults:
        raise DataError("This route cannot be found.", faults)
    return _through(places, speed_kn, tuple(avoid), route_zones())


def between(
    lat1: float,
    lon1: float,
    lat2: float,
    lon2: float,
    speed_kn: float | None = None,
    avoid: Sequence[str] = (),
    zones: ZoneSet | None = None,
) -> Route:
    """Shortest way over water between two positions.

    Parameters
    ----------
    lat1, lon1, lat2, lon2 : degrees, WGS 84.
    speed_kn, avoid : as in :func:`route`.
    zones : zones whose miles are wanted; by default the shipped emission control areas and speed zones.
    """
    ends = []
    for where, given in (("origin", (lat1, lon1)), ("destination", (lat2, lon2))):
        lat, lon = checked_position(*given, where)
        ends.append(Place(f"{lat:g},{lon:g}", f"{lat:g}, {lon:g}", lat, lon))
    return _through(ends, speed_kn, tuple(avoid), route_zones() if zones is None else zones)


def route_distances_nm(pairs: Iterable[tuple[str, str]], avoid: Sequence[str] = ()) -> Floats:
    """Lengths of many routes.

    Parameters
    ----------
    pairs : (origin, destination), as :func:`route` takes them.
    avoid : named passages that are closed.

    Returns
    -------
    (n,) float64, nm, in the order of the pairs.
    """
    known: dict[tuple[str, str], float] = {}
    out = []
    for pair in pairs:
        if pair not in known:
            known[pair] = _through([place(pair[0]), place(pair[1])], None, tuple(avoid), ZoneSet(())).distance_nm
        out.append(known[pair])
    return np.array(out, dtype=np.float64)


def zone_miles(found: Route, zones: ZoneSet) -> Mapping[str, float]:
    """Miles of a route inside each zone, by zone id; only zones that are touched.

    Parameters
    ----------
    found : a route.
    zones : any zones; zones that overlap each count.
    """
    return miles_by_zone(found.lat, found.lon, zones)


def _through(places: Sequence[Place], speed_kn: float | None, avoid: tuple[str, ...], zones: ZoneSet) -> Route:
    if speed_kn is not None and not 0.0 < speed_kn <= 100.0:
        raise DataError(
            "This route cannot be found.", [Fault("speed_kn", f"{speed_kn:g}", "Give knots above 0, at most 100.")]
        )
    legs = []
    lat = np.array([places[0].lat])
    lon = np.array([places[0].lon])
    direct = 0.0
    for start, end in pairwise(places):
        length, lats, lons = raw_way(start.lat, start.lon, end.lat, end.lon)
        legs.append(Leg("sea", start.code, end.code, length, lats, lons))
        lat, lon = np.concatenate([lat, lats[1:]]), np.concatenate([lon, lons[1:]])
        direct += great_circle_nm(start.lat, start.lon, end.lat, end.lon)
    distance_nm = float(sum(leg.distance_nm for leg in legs))
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
        great_circle_nm=direct,
    )
