"""Whether a route runs over land, by a coastline its network was not made from (GLOBE, see oracle.py)."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import numpy as np
from numba import njit
from tests.movement.routes.oracle import distance_nm, globe_land, land_at, looks, point_between

ENDS_NM = 10.0
EXCEPTIONS = Path(__file__).parents[2] / "golden" / "route_land_exceptions.csv"


@njit(cache=True)
def _dry(land, lat, lon):
    found = []
    for k in range(len(lat) - 1):
        n = looks(lat[k], lon[k], lat[k + 1], lon[k + 1])
        for s in range(n + 1):
            y, x = point_between(lat[k], lon[k], lat[k + 1], lon[k + 1], s / n)
            if land_at(land, y, x):
                found.append((y, x))
    return found


def miles_over_land(lat, lon):
    """Miles of great circles over land, nm, to one look."""
    return 3.0 * len(_dry(globe_land(), lat, lon))


@cache
def _channel_points():
    """Points along canals, rivers and narrows of the network where they are closed to others, a twelfth of each line
    apart; by latitude."""
    from sealane.movement.routes.network import sea
    from sealane.movement.routes.search import CHANNEL
    from sealane.movement.routes.water import is_land

    net, water, _ = sea()
    channel = net.kind == CHANNEL
    points = [
        point_between(net.lat[i], net.lon[i], net.lat[j], net.lon[j], s)
        for i in np.flatnonzero(channel)
        for j in net.to[net.first[i] : net.first[i + 1]]
        if channel[j] and i < j and distance_nm(net.lat[i], net.lon[i], net.lat[j], net.lon[j]) < 120.0
        for s in np.linspace(0.0, 1.0, 13)
    ]
    points = sorted(point for point in points if is_land(water.open_root, water.open_rows, *point))
    return np.array(points)


@cache
def exceptions():
    """Places left out by name, with the reason: (name, lat, lon, radius_nm)."""
    with EXCEPTIONS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["reason"] for row in rows)
    return [(row["name"], float(row["lat"]), float(row["lon"]), float(row["radius_nm"])) for row in rows]


def named_exceptions(route):
    """Names of the exceptions whose land a route touches."""
    spots = over_land(route, named=False)
    return {name for y, x in spots for name, lat, lon, nm in exceptions() if distance_nm(y, x, lat, lon) <= nm}


def over_land(route, east_deg=0.0, named=True):
    """Looks of a route that fall on land: lat, lon.

    The last 10 nm, canals and narrows are left out, and with `named` the places of route_land_exceptions.csv.
    """
    channel = _channel_points()
    ends = [(leg.lat[i], leg.lon[i]) for leg in route.legs for i in (0, -1)]
    found = []
    for y, x in _dry(globe_land(), route.lat, route.lon + east_deg):
        if any(distance_nm(y, x, *end) <= ENDS_NM for end in ends):
            continue
        near = channel[slice(*np.searchsorted(channel[:, 0], [y - 0.17, y + 0.17]))]
        known = named and any(distance_nm(y, x, lat, lon) <= nm for _, lat, lon, nm in exceptions())
        if not known and not any(distance_nm(y, x, a, b) <= ENDS_NM for a, b in near):
            found.append((round(float(y), 3), round(float(x), 3)))
    return found
