"""Great-circle geometry against published distances on the ellipsoid and against its own laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.movement import geodesy

LAT = st.floats(-90.0, 90.0)
LON = st.floats(-180.0, 180.0)


def dms(degrees: int, minutes: int, seconds: float) -> float:
    sign = -1.0 if degrees < 0 else 1.0
    return sign * (abs(degrees) + minutes / 60.0 + seconds / 3600.0)


def test_vincenty_1975_flinders_peak_to_buninyong() -> None:
    """The worked line of the Geocentric Datum of Australia technical manual: 54,972.271 m on the GRS 80 ellipsoid."""
    flinders = (dms(-37, 57, 3.72030), dms(144, 25, 29.52440))
    buninyong = (dms(-37, 39, 10.15610), dms(143, 55, 35.38390))
    assert geodesy.great_circle_m(*flinders, *buninyong) == pytest.approx(54_972.271, rel=0.005)
    # Azimuth 306 52 05.37 there; the sphere turns it by less than a quarter of a degree.
    assert geodesy.initial_bearing_deg(*flinders, *buninyong) == pytest.approx(dms(306, 52, 5.37), abs=0.25)


def test_meridian_quadrant_of_wgs84() -> None:
    """Equator to pole is 10,001,965.729 m on WGS 84."""
    assert geodesy.great_circle_m(0.0, 20.0, 90.0, 20.0) == pytest.approx(10_001_965.729, rel=0.005)


def test_one_degree_of_the_equator() -> None:
    """One degree of the equator is 111,319.491 m (2 pi a / 360, a = 6,378,137 m)."""
    assert geodesy.great_circle_m(0.0, 179.5, 0.0, -179.5) == pytest.approx(111_319.491, rel=0.005)


def test_a_flat_earth_would_fail_these_tolerances() -> None:
    """Negative control: a plane without the cosine of the latitude is far outside 0.5 %."""
    flat = math.hypot(60.0 * (40.7 - 33.75), 60.0 * (118.25 - 74.0))
    assert flat != pytest.approx(geodesy.great_circle_nm(33.75, -118.25, 40.7, -74.0), rel=0.005)


@given(LAT, LON, LAT, LON, st.integers(-2, 2))
def test_distance_is_symmetric_bounded_and_periodic(
    lat1: float, lon1: float, lat2: float, lon2: float, turns: int
) -> None:
    d = geodesy.great_circle_nm(lat1, lon1, lat2, lon2)
    assert 0.0 <= d <= math.pi * geodesy.MEAN_RADIUS_NM * (1.0 + 1e-12)
    assert geodesy.great_circle_nm(lat2, lon2, lat1, lon1) == pytest.approx(d, abs=1e-6)
    assert geodesy.great_circle_nm(lat1, lon1 + 360.0 * turns, lat2, lon2) == pytest.approx(d, abs=1e-6)


@given(LAT, LON, LAT, LON, st.floats(0.0, 1.0))
def test_interpolation_divides_the_way(lat1: float, lon1: float, lat2: float, lon2: float, part: float) -> None:
    whole = geodesy.great_circle_nm(lat1, lon1, lat2, lon2)
    lat, lon = geodesy.interpolate(lat1, lon1, lat2, lon2, part)
    assert -90.0 <= lat <= 90.0
    assert -180.0 <= lon < 180.0
    if whole < 10_700.0:  # near antipodes the direction itself is ill-conditioned
        assert geodesy.great_circle_nm(lat1, lon1, lat, lon) == pytest.approx(part * whole, abs=1e-3)
        assert geodesy.great_circle_nm(lat, lon, lat2, lon2) == pytest.approx((1 - part) * whole, abs=1e-3)


def test_midpoint_over_the_antimeridian_and_over_the_pole() -> None:
    assert geodesy.midpoint(10.0, 179.0, 10.0, -179.0)[1] == -180.0
    lat, _ = geodesy.midpoint(80.0, 0.0, 80.0, 180.0)
    assert lat == pytest.approx(90.0)
    lat, lon = geodesy.midpoint(0.0, 0.0, 0.0, 180.0)
    assert (lat, abs(lon)) == pytest.approx((90.0, 0.0), abs=1e-9) or lat == pytest.approx(90.0)


@given(st.floats(-89.0, 89.0), LON, st.floats(0.0, 359.0), st.floats(1.0, 5e6))
def test_destination_is_at_its_distance(lat: float, lon: float, bearing: float, distance_m: float) -> None:
    lat2, lon2 = geodesy.destination(lat, lon, bearing, distance_m)
    assert geodesy.great_circle_m(lat, lon, lat2, lon2) == pytest.approx(distance_m, rel=1e-6, abs=0.01)


@given(st.floats(-1e6, 1e6))
def test_normalised_longitude_stays_in_its_half_open_range(lon: float) -> None:
    turned = geodesy.normalise_lon(lon)
    assert -180.0 <= turned < 180.0
    assert math.cos(math.radians(turned)) == pytest.approx(math.cos(math.radians(lon)), abs=1e-6)


def test_bearings_of_the_compass() -> None:
    for expected, lat, lon in ((0.0, 1.0, 0.0), (90.0, 0.0, 1.0), (180.0, -1.0, 0.0), (270.0, 0.0, -1.0)):
        assert geodesy.initial_bearing_deg(0.0, 0.0, lat, lon) == pytest.approx(expected)
