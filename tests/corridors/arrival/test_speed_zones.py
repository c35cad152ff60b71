"""Speed-reduction programmes: what is held, when it holds, and what to say where an outline is missing."""

from __future__ import annotations

from datetime import date

import pytest

from sealane.corridors.arrival.speed_zones import (
    NO_OUTLINE,
    own_programme,
    programme,
    programme_names,
    programmes_in_force,
    seasons,
    shipped_speed_zones,
)
from sealane.errors import DataError, MissingFactorError
from sealane.movement.geodesy import NAUTICAL_MILE_M, great_circle_nm
from sealane.movement.zone_index import ZoneIndex, locate
from sealane.movement.zones import Zone, ZoneSet
from sealane.reference import load_table


def inside(zone: Zone, lat: float, lon: float) -> bool:
    return int(locate(ZoneIndex.build(ZoneSet((zone,))).arrays, lat, lon)[4]) >= 0


def test_every_row_with_an_outline_names_a_shipped_zone_and_every_zone_is_used() -> None:
    named = {row.text("zone") for row in load_table("speed_programmes").rows} - {NO_OUTLINE}
    assert named == {zone.id for zone in shipped_speed_zones()}


def test_rings_of_san_pedro_bay_have_the_published_radius_about_point_fermin() -> None:
    for name in ("san-pedro-bay-20", "san-pedro-bay-40"):
        one = programme(name)
        radius = next(row.value for row in one.rows if row.text("quantity") == "radius")
        assert one.zone.radius_m == radius * NAUTICAL_MILE_M
        assert one.cap_kn == 12.0
        assert one.inner is not None
        lon, lat = one.zone.centre or (0.0, 0.0)
        # 33 degrees 42' 19.08" N, 118 degrees 17' 34.8" W.
        assert great_circle_nm(lat, lon, 33 + 42 / 60 + 19.08 / 3600, -(118 + 17 / 60 + 34.8 / 3600)) < 0.001
        assert inside(one.zone, 33.60, -118.30)


@pytest.mark.parametrize(
    ("day", "names"),
    [
        ("2000-06-01", []),
        ("2005-06-01", ["san-pedro-bay-20"]),
        ("2020-05-14", ["san-pedro-bay-20", "san-pedro-bay-40"]),
        ("2020-05-15", ["san-pedro-bay-20", "san-pedro-bay-40", "whale-southern-california 2020"]),
        ("2020-11-15", ["san-pedro-bay-20", "san-pedro-bay-40", "whale-southern-california 2020"]),
        ("2020-11-16", ["san-pedro-bay-20", "san-pedro-bay-40"]),
        ("2024-06-01", ["san-pedro-bay-20", "san-pedro-bay-40"]),
        ("2026-04-22", ["san-pedro-bay-20", "san-pedro-bay-40", "whale-california 2026"]),
        ("2027-01-01", ["san-pedro-bay-20", "san-pedro-bay-40"]),
    ],
)
def test_programmes_in_force_by_day(day: str, names: list[str]) -> None:
    when = date.fromisoformat(day)
    found = programmes_in_force(when, when)
    assert [one.label for one in found] == names
    assert all(one.in_force(when) for one in found)


def test_a_port_keeps_only_programmes_near_it() -> None:
    when = date(2026, 6, 1)
    assert [one.name for one in programmes_in_force(when, when, "USOAK")] == ["whale-california"]
    assert len(programmes_in_force(when, when, "USLGB")) == 3
    assert programmes_in_force(when, when, "JPYOK") == ()
    with pytest.raises(DataError, match="Unknown port"):
        programmes_in_force(when, when, "XXXXX")


@pytest.mark.parametrize(
    ("name", "lat", "lon", "is_inside"),
    [
        ("whale-southern-california", 34.20, -119.70, True),  # Santa Barbara Channel
        ("whale-southern-california", 33.60, -118.30, True),  # San Pedro Channel
        ("whale-southern-california", 32.65, -117.30, False),  # off San Diego
        ("whale-southern-california", 34.60, -120.90, False),  # north of Point Arguello
        ("whale-california", 34.20, -119.70, True),
        ("whale-california", 32.65, -117.30, True),
        ("whale-california", 41.00, -124.50, True),  # off Eureka
        ("whale-california", 37.75, -122.60, True),  # bar of San Francisco
        ("whale-california", 37.85, -122.38, False),  # San Francisco Bay
        ("whale-california", 32.50, -121.00, False),  # far off the Bight
        ("whale-california", 42.20, -124.70, False),  # Oregon
    ],
)
def test_places_inside_and_outside_the_whale_zones(name: str, lat: float, lon: float, is_inside: bool) -> None:
    assert inside(programme(name).zone, lat, lon) is is_inside


def test_a_season_without_an_outline_asks_for_one_and_takes_it() -> None:
    with pytest.raises(MissingFactorError, match=r"No outline of whale-southern-california in 2025 .*2020, 2021, 2022"):
        programme("whale-southern-california", "2025")
    own = shipped_speed_zones()[2]
    one = programme("whale-southern-california", "2025", own)
    assert (one.cap_kn, one.least_gt, one.zone) == (10.0, 300.0, own)
    assert (one.first, one.last) == (date(2025, 5, 1), date(2025, 12, 31))


def test_unknown_names_and_seasons_list_what_is_held() -> None:
    assert programme_names() == (
        "san-pedro-bay-20",
        "san-pedro-bay-40",
        "whale-southern-california",
        "whale-california",
    )
    assert seasons("whale-southern-california") == ("2020", "2021", "2022", "2023", "2025")
    with pytest.raises(DataError, match="san-pedro-bay-20, san-pedro-bay-40"):
        programme("san-pedro-bay")
    with pytest.raises(DataError, match="2020, 2021, 2022, 2023, 2025"):
        programme("whale-southern-california", "1999")


def test_a_programme_of_ones_own_needs_a_speed_zone_and_a_speed() -> None:
    zone = shipped_speed_zones()[0]
    assert own_programme(zone, 8.0).cap_kn == 8.0
    with pytest.raises(DataError) as told:
        own_programme(Zone("b", "b", "berth", None, zone.polygons, "made up"), 0.0)
    assert len(told.value.faults) == 2
