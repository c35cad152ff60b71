"""Distances, bearings and points on the great circle.

The Earth is taken as a sphere of the mean radius R1 = (2a + b) / 3 of the WGS 84 ellipsoid. Against the ellipsoid a
distance is off by at most about 0.5 % (flattening 1/298 acts in both directions), which the tests hold it to; over
the metres and miles of a port that is far below the scatter of the positions themselves.

All functions take degrees and are compiled by numba; they work from plain Python too. Longitudes may be given in any
turn (181 is -179): every formula is periodic, so the antimeridian needs no special case, and the haversine form keeps
its digits both for metres and near the poles.

Sources
-------
Axes: NIMA TR8350.2, third edition (2000), table 3.1 (WGS 84). Mean radius R1: H. Moritz, Geodetic Reference System
1980, Journal of Geodesy 74 (2000) 128-133. The nautical mile is 1852 m exactly: International Hydrographic Conference,
Monaco 1929; BIPM, The International System of Units, 8th edition (2006), table 8.
"""

from __future__ import annotations

import math

from sealane.movement.compiled import njit

# Defining constants of the coordinate system and of the unit, not adjustable factors: they stand here because every
# distance in the package means them.
WGS84_SEMI_MAJOR_M = 6378137.0
WGS84_FLATTENING = 1.0 / 298.257223563
NAUTICAL_MILE_M = 1852.0
MEAN_RADIUS_M = WGS84_SEMI_MAJOR_M * (1.0 - WGS84_FLATTENING / 3.0)
MEAN_RADIUS_NM = MEAN_RADIUS_M / NAUTICAL_MILE_M


@njit(cache=True)
def normalise_lon(lon: float) -> float:
    """Longitude in [-180, 180).

    Parameters
    ----------
    lon : longitude in degrees, any turn.

    Returns
    -------
    Longitude in degrees; +180 becomes -180.
    """
    if -180.0 <= lon < 180.0:
        return lon
    turned = (lon + 180.0) % 360.0 - 180.0
    # A tiny negative remainder can round up to the excluded end.
    return -180.0 if turned >= 180.0 else turned


@njit(cache=True)
def great_circle_nm(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance by the haversine formula.

    Parameters
    ----------
    lat1, lon1, lat2, lon2 : positions in degrees, WGS 84.

    Returns
    -------
    Distance in nautical miles, >= 0.
    """
    phi1 = math.radians(lat1)
    phi2 = math.radians(lat2)
    half_dphi = 0.5 * (phi2 - phi1)
    half_dlambda = 0.5 * math.radians(lon2 - lon1)
    h = math.sin(half_dphi) ** 2 + math.cos(phi1) * math.cos(phi2) * math.sin(half_dlambda) ** 2
    return 2.0 * MEAN_RADIUS_NM * math.asin(math.sqrt(min(1.0, h)))


@njit(cache=True)
def great_circle_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance in metres; see :func:`great_circle_nm`."""
    return great_circle_nm(lat1, lon1, lat2, lon2) * NAUTICAL_MILE_M


@njit(cache=True)
def initial_bearing_deg(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """True bearing at the first position of the great circle to the second.

    Parameters
    ----------
    lat1, lon1, lat2, lon2 : positions in degrees.

    Returns
    -------
    Bearing in degrees, [0, 360); 0 where the positions coincide.
    """
    phi1 = math.radians(lat1)
    phi2 = math.radians(lat2)
    dlambda = math.radians(lon2 - lon1)
    east = math.sin(dlambda) * math.cos(phi2)
    north = math.cos(phi1) * math.sin(phi2) - math.sin(phi1) * math.cos(phi2) * math.cos(dlambda)
    bearing = math.degrees(math.atan2(east, north)) % 360.0
    return 0.0 if bearing >= 360.0 else bearing


@njit(cache=True)
def interpolate(lat1: float, lon1: float, lat2: float, lon2: float, fraction: float) -> tuple[float, float]:
    """Point on the great circle between two positions.

    Parameters
    ----------
    lat1, lon1, lat2, lon2 : positions in degrees.
    fraction : share of the way from the first to the second, 0 to 1.

    Returns
    -------
    (lat, lon) in degrees, longitude in [-180, 180). Between antipodes, where every great circle serves, the
    way over the north pole is taken.
    """
    angle = great_circle_nm(lat1, lon1, lat2, lon2) / MEAN_RADIUS_NM
    if fraction <= 0.0 or angle == 0.0:
        return lat1, normalise_lon(lon1)
    if fraction >= 1.0:
        return lat2, normalise_lon(lon2)
    phi1 = math.radians(lat1)
    phi2 = math.radians(lat2)
    lambda1 = math.radians(lon1)
    lambda2 = math.radians(lon2)
    sin_angle = math.sin(angle)
    if math.pi - angle < 1e-9:
        # Antipodes: north from the first position, over the pole, down the opposite meridian.
        along = phi1 + fraction * math.pi
        if along <= 0.5 * math.pi:
            return math.degrees(along), normalise_lon(lon1)
        return math.degrees(math.pi - along), normalise_lon(lon1 + 180.0)
    weight1 = math.sin((1.0 - fraction) * angle) / sin_angle
    weight2 = math.sin(fraction * angle) / sin_angle
    x = weight1 * math.cos(phi1) * math.cos(lambda1) + weight2 * math.cos(phi2) * math.cos(lambda2)
    y = weight1 * math.cos(phi1) * math.sin(lambda1) + weight2 * math.cos(phi2) * math.sin(lambda2)
    z = weight1 * math.sin(phi1) + weight2 * math.sin(phi2)
    return math.degrees(math.atan2(z, math.hypot(x, y))), normalise_lon(math.degrees(math.atan2(y, x)))


@njit(cache=True)
def midpoint(lat1: float, lon1: float, lat2: float, lon2: float) -> tuple[float, float]:
    """Point halfway along the great circle; (lat, lon) in degrees. See :func:`interpolate`."""
    return interpolate(lat1, lon1, lat2, lon2, 0.5)


@njit(cache=True)
def destination(lat: float, lon: float, bearing_deg: float, distance_m: float) -> tuple[float, float]:
    """Point reached from a position along a great circle.

    Parameters
    ----------
    lat, lon : start in degrees.
    bearing_deg : initial true bearing in degrees.
    distance_m : distance in metres.

    Returns
    -------
    (lat, lon) in degrees, longitude in [-180, 180).
    """
    angle = distance_m / MEAN_RADIUS_M
    phi = math.radians(lat)
    theta = math.radians(bearing_deg)
    sin_phi2 = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(theta)
    phi2 = math.asin(max(-1.0, min(1.0, sin_phi2)))
    dlambda = math.atan2(
        math.sin(theta) * math.sin(angle) * math.cos(phi),
        math.cos(angle) - math.sin(phi) * math.sin(phi2),
    )
    return math.degrees(phi2), normalise_lon(lon + math.degrees(dlambda))
