"""Whether a route runs over land, by a coastline its network was not made from (GLOBE, see oracle.py)."""

from __future__ import annotations

import numpy as np
from numba import njit
from tests.movement.routes.oracle import distance_nm, globe_land, land_at, looks, point_between

ENDS_NM = 10.0


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


def over_land(route, east_deg=0.0):
    """Looks of a route that fall on land: lat, lon. The last 10 nm, canals and narrows are left out."""
    from sealane.movement.routes.network import sea
    from sealane.movement.routes.search import CHANNEL

    net = sea().network
    channel = net.kind == CHANNEL
    lines = [(i, j) for i in np.flatnonzero(channel) for j in net.to[net.first[i] : net.first[i + 1]] if channel[j]]
    points = [
        point_between(net.lat[i], net.lon[i], net.lat[j], net.lon[j], s)
        for i, j in lines
        if distance_nm(net.lat[i], net.lon[i], net.lat[j], net.lon[j]) < 120.0
        for s in np.linspace(0.0, 1.0, 13)
    ]
    lat_c, lon_c = np.array([y for y, _ in points]), np.array([x for _, x in points])
    ends = [(leg.lat[i], leg.lon[i]) for leg in route.legs for i in (0, -1)]
    found = []
    for y, x in _dry(globe_land(), route.lat, route.lon + east_deg):
        if any(distance_nm(y, x, *end) <= ENDS_NM for end in ends):
            continue
        near = np.abs(lat_c - y) < 0.5
        aside = any(distance_nm(y, x, a, b) <= ENDS_NM for a, b in zip(lat_c[near], lon_c[near], strict=True))
        if not aside:
            found.append((round(float(y), 3), round(float(x), 3)))
    return found
