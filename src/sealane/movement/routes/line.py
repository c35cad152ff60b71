"""Lines of great circles: points along them, and how they are cut where the map ends."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.movement.geodesy import great_circle_nm, interpolate, normalise_lon

Floats = NDArray[np.float64]


@njit(cache=True)
def _count(lat: Floats, lon: Floats, step_nm: float) -> int:
    n = 1
    for i in range(lat.size - 1):
        n += max(1, math.ceil(great_circle_nm(lat[i], lon[i], lat[i + 1], lon[i + 1]) / step_nm))
    return n


@njit(cache=True)
def _fill(lat: Floats, lon: Floats, step_nm: float, out: Floats) -> None:
    along = 0.0
    n = 0
    for i in range(lat.size - 1):
        length = great_circle_nm(lat[i], lon[i], lat[i + 1], lon[i + 1])
        parts = max(1, math.ceil(length / step_nm))
        for k in range(parts):
            out[0, n], out[1, n] = interpolate(lat[i], lon[i], lat[i + 1], lon[i + 1], k / parts)
            out[2, n] = along + length * k / parts
            n += 1
        along += length
    out[0, n], out[1, n], out[2, n] = lat[-1], normalise_lon(lon[-1]), along


def densify(lat: Floats, lon: Floats, step_nm: float) -> tuple[Floats, Floats, Floats]:
    """Points along great circles, corners included.

    Parameters
    ----------
    lat, lon : (n,) corners in degrees.
    step_nm : largest distance between neighbours.

    Returns
    -------
    lat, lon (degrees, longitude in [-180, 180)) and distance from the first corner (nm), (m,) each.
    """
    out = np.empty((3, _count(lat, lon, step_nm)))
    _fill(lat, lon, step_nm, out)
    return out[0], out[1], out[2]


def cut_at_antimeridian(lat: Floats, lon: Floats) -> list[list[tuple[float, float]]]:
    """Lines of (lon, lat) that never cross the antimeridian, as RFC 7946, section 3.1.9 asks.

    Parameters
    ----------
    lat, lon : (n,) corners in degrees, longitudes in [-180, 180); neighbours less than half a turn apart.

    Returns
    -------
    One line, or several that meet at longitude 180 and -180 at the same latitude.
    """
    parts: list[list[tuple[float, float]]] = [[(float(lon[0]), float(lat[0]))]]
    for i in range(1, len(lat)):
        x0, y0, x1, y1 = float(lon[i - 1]), float(lat[i - 1]), float(lon[i]), float(lat[i])
        if abs(x1 - x0) > 180.0:
            side = math.copysign(180.0, x0)
            unwrapped = x1 + 2.0 * side
            share = (side - x0) / (unwrapped - x0) if unwrapped != x0 else 0.0
            crossing = y0 + share * (y1 - y0)
            parts[-1].append((side, crossing))
            parts.append([(-side, crossing)])
        parts[-1].append((x1, y1))
    cleaned = ([p for n, p in enumerate(part) if n == 0 or p != part[n - 1]] for part in parts)
    return [part if len(part) > 1 else part * 2 for part in cleaned if len(part) > 1 or len(parts) == 1]
