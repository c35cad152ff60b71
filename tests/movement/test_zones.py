"""Zones from GeoJSON: what is read, what is refused, and the sets that come with the package."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.errors import DataError, FileFormatError
from sealane.movement import zones as zones_module
from sealane.movement.learned_zones import StopSettings
from sealane.movement.zone_index import ZoneIndex
from sealane.movement.zone_shapes import first_crossing
from sealane.movement.zones import (
    GEO,
    KINDS,
    Zone,
    ZoneSet,
    circle_polygon,
    eca_zones,
    read_zones,
    shipped_zones,
    write_zones,
    zone_area_m2,
)
from sealane.reference.ports import limit_radius, port, verified_locodes

SQUARE = [[[-74.0, 40.6], [-73.9, 40.6], [-73.9, 40.7], [-74.0, 40.7], [-74.0, 40.6]]]


def feature(geometry: object = None, **properties: object) -> dict[str, Any]:
    base: dict[str, object] = {"id": "a", "name": "A", "kind": "berth", "port": "USNYC", "source": "test", "grade": "B"}
    merged = {key: value for key, value in (base | properties).items() if value != "drop"}
    shape = {"type": "Polygon", "coordinates": SQUARE} if geometry is None else geometry
    return {"type": "Feature", "properties": merged, "geometry": shape}


def write(path: Path, *features: object) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def faults_of(tmp_path: Path, *features: object) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_zones(write(tmp_path / "zones.geojson", *features))
    return [str(fault) for fault in caught.value.faults]


def polygon(*corners: tuple[float, float]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [[list(corner) for corner in corners]]}


def test_every_kind_and_geometry_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "z.geojson",
        feature(id="b"),
        feature({"type": "MultiPolygon", "coordinates": [SQUARE, SQUARE]}, id="p", kind="port_limit", eca=True),
        feature({"type": "Point", "coordinates": [-74.0, 40.6]}, id="c", kind="anchorage", radius_m=500),
        feature(id="e", kind="eca", port="drop", nox_area="north_american", valid_from="2012-08-01", grade="drop"),
        feature(id="s", kind="speed_zone", learnt=True, x_note="anything"),
    )
    zones = read_zones(path)
    assert [z.kind for z in zones] == ["berth", "port_limit", "anchorage", "eca", "speed_zone"]
    assert [z.eca for z in zones] == [False, True, False, True, False]
    assert zones[3].valid_from == dt.date(2012, 8, 1)
    assert zones[3].grade == "D"
    assert zones[4].learnt
    assert zone_area_m2(zones[2]) == pytest.approx(math.pi * 500**2, rel=0.002)
    assert zone_area_m2(zones[0]) == pytest.approx(0.1 * 0.1 * 111_195**2 * math.cos(math.radians(40.65)), rel=1e-3)


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        feature(kind="quay"),
        feature(source="drop", id="b"),
        feature(id="a"),
        feature(polygon((0, 0), (1, 0), (1, 1), (0, 1)), id="open", port="drop"),
        feature(polygon((0, 0), (1, 1), (1, 0), (0, 1), (0, 0)), id="bow tie", port="drop"),
        feature(polygon((40.6, -118.2), (40.7, -118.2), (40.7, -118.3), (40.6, -118.2)), id="swap", port="drop"),
        feature(polygon((200, 0), (201, 0), (201, 1), (200, 0)), id="range", port="drop"),
        feature({"type": "Point", "coordinates": [0, 0]}, id="point", port="drop"),
        feature({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, id="line"),
        feature(id="grade", grade="E", eca="yes", colour="red", valid_from="summer", port="New York"),
        feature(polygon((0, 0), (1, 0), (0, 0), (0, 0)), id="flat", port="drop"),
        "nonsense",
    )
    text = "\n".join(faults)
    for expected in (
        'feature 1 (id a), properties.kind: "quay". Give one of berth, anchorage, port_limit, eca, speed_zone',
        "feature 2 (id b), properties.source: nothing",
        "feature 3 (id a), properties.id: 'a' stands in feature 1 too",
        "the ring ends at (0.0, 1.0) but begins at (0.0, 0.0)",
        "(id bow tie), geometry.coordinates[0]: the ring crosses itself",
        "(id swap), geometry.coordinates[0][0]: latitude -118.2. Latitude and longitude look swapped",
        "(id range), geometry.coordinates[0][0]: [200, 0]",
        "(id point), properties.radius_m: nothing",
        '(id line), geometry.type: "LineString"',
        'properties.grade: "E"',
        'properties.eca: "yes"',
        'properties.colour: "red". Unknown property',
        'properties.valid_from: "summer"',
        "properties.port: 'New York'",
        "fewer than three different corners",
        'feature 12, properties: "nonsense"',
    ):
        assert expected in text
    assert all(fault.startswith("zones.geojson feature ") for fault in faults)


def test_swapped_coordinates_within_range_are_found_by_the_port(tmp_path: Path) -> None:
    swapped = polygon((40.6, -74.0), (40.6, -73.9), (40.7, -73.9), (40.6, -74.0))
    assert "look swapped" in faults_of(tmp_path, feature(swapped))[0]
    assert "correct the outline or the port" in faults_of(tmp_path, feature(port="JPTYO"))[0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "expected GeoJSON"),
        (b"[1, 2", "expected GeoJSON"),
        (b"\xff\xfe\x00", "expected GeoJSON"),
        (b"[]", "expected a GeoJSON FeatureCollection, found 'list'"),
        (b'{"type": "Feature"}', "found 'Feature'"),
        (b'{"type": "FeatureCollection"}', "no list of features"),
        (b"[" * 100_000, "expected GeoJSON"),
    ],
)
def test_a_file_that_is_no_zone_file_says_so(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "bad.geojson"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"bad\.geojson") as caught:
        read_zones(path)
    assert expected in str(caught.value)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_zones(tmp_path / "none.geojson")


def test_another_datum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "z.geojson"
    path.write_text('{"type": "FeatureCollection", "features": [], "crs": {"properties": {"name": "EPSG:3857"}}}')
    with pytest.raises(DataError, match="crs"):
        read_zones(path)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    over_the_pole = read_zones(
        write(tmp_path / "p.geojson", feature(polygon((0, 80), (90, 80), (180, 80), (-90, 80), (0, 80)), port="drop"))
    )[0]
    zones = ZoneSet(
        (
            *shipped_zones("USNYC"),
            Zone("fiji", "Fiji", "port_limit", None, (circle_polygon(179.99, -17.0, 20_000.0),), "test"),
            over_the_pole,
        )
    )
    write_zones(zones, tmp_path / "out.geojson")
    again = read_zones(tmp_path / "out.geojson")
    assert again.zones[:-2] == zones.zones[:-2]
    lats, lons = [-17.0, -17.0, -17.0, 85.0, 85.0, 79.0], [179.9, -179.9, 179.5, 0.0, 180.0, 50.0]
    before, after = (ZoneIndex.build(z).locate_many(lats, lons) for z in (zones, again))
    assert (before == after).all()
    assert before[0, 2] == before[1, 2] >= 0 > before[2, 2]
    assert before[3, 0] == before[4, 0] >= 0 > before[5, 0]
    write_zones(again, tmp_path / "twice.geojson")
    assert (tmp_path / "twice.geojson").read_bytes() == (tmp_path / "out.geojson").read_bytes()


def test_two_sets_with_the_same_id_do_not_join() -> None:
    zones = shipped_zones("USLAX")
    with pytest.raises(DataError, match="USLAX-limit"):
        zones.plus(zones)


@pytest.mark.parametrize("locode", verified_locodes())
def test_every_partner_port_has_a_limit_that_holds_its_own_zones(locode: str) -> None:
    zones = shipped_zones(locode)
    assert len(zones.of_kind("port_limit")) == 1
    limit = zones.of_kind("port_limit")[0]
    here = port(locode)
    own = ZoneIndex.build(ZoneSet((limit,)))
    assert own.locate_many([here.lat], [here.lon])[0, 2] == 0
    assert limit.grade == "D"
    assert limit.radius_m == pytest.approx(limit_radius(locode).radius_nm * 1852.0)
    assert limit.eca == (here.country == "United States") == ("eca:" in limit.source)
    for zone in zones.of_kind("anchorage"):
        corners = zone.polygons[0][0]
        assert (own.locate_many([lat for _, lat in corners], [lon for lon, _ in corners])[:, 2] == 0).all(), zone.id


def test_every_shipped_zone_names_source_and_grade() -> None:
    files = [path for path in sorted(GEO.glob("*.geojson")) if path.stem not in ("coast", "san_pedro_bay_lanes")]
    assert {path.stem for path in files} >= {"eca", "uslax", "uslgb", "usnyc", "usoak", "ussfo", "usorf"}
    for path in files:
        for zone in read_zones(path):
            assert len(zone.source) > 10
            assert zone.kind in KINDS
            assert not zone.eca or "MARPOL" in zone.source


@pytest.mark.parametrize(
    ("lat", "lon", "area"),
    [
        (33.70, -118.20, "north_american"),  # San Pedro Bay
        (40.49, -73.65, "north_american"),  # off Ambrose
        (36.98, -76.30, "north_american"),  # Hampton Roads
        (29.30, -94.70, "north_american"),  # Galveston
        (61.20, -150.00, "north_american"),  # Anchorage, Alaska
        (21.30, -157.90, "north_american"),  # Honolulu
        (45.00, -125.00, "north_american"),
        (18.45, -66.10, "us_caribbean"),  # San Juan
        (57.69, 11.90, "baltic"),  # Gothenburg lies south of the parallel of the Skaw
        (55.62, 12.99, "baltic"),  # Malmö
        (59.95, 30.20, "baltic"),  # Saint Petersburg
        (65.00, 25.30, "baltic"),  # Oulu
        (53.54, 9.95, "north_sea"),  # Hamburg
        (51.95, 4.10, "north_sea"),  # Rotterdam
        (59.90, 10.70, "north_sea"),  # Oslo
        (50.00, -3.00, "north_sea"),  # English Channel
        (30.00, -140.00, None),  # mid-Pacific
        (53.40, -3.20, None),  # Liverpool, Irish Sea
        (32.00, -65.00, None),  # Bermuda
        (25.10, -77.30, None),  # Nassau
        (19.40, -96.00, None),  # Veracruz
        (35.30, 139.70, None),  # Tokyo Bay
        (48.38, -4.50, None),  # Brest lies south of 48 30 N
        (59.00, -80.00, None),  # Hudson Bay
    ],
)
def test_emission_control_areas_hold_the_ports_they_should(lat: float, lon: float, area: str | None) -> None:
    zones = eca_zones()
    number = int(ZoneIndex.build(zones).locate_many([lat], [lon])[0, 3])
    assert (zones[number].nox_area if number >= 0 else None) == area


def test_published_corners_of_the_north_american_area_are_kept() -> None:
    """First and last points of the Atlantic line: 60 N 64 09 36 W and 25 57 24 N 97 08 47 W (appendix VII)."""
    atlantic = next(z for z in eca_zones() if z.id == "ECA-NA-atlantic").polygons[0][0]
    assert (-64.16, 60.0) in atlantic
    assert (-97.146389, 25.956667) in atlantic
    assert any(abs(lon + 76.8) < 1e-6 and abs(lat - 28.616389) < 1e-6 for lon, lat in atlantic)  # point 63


def test_coast_covers_the_four_boxes_and_stays_small() -> None:
    path = GEO / "coast.geojson"
    assert path.stat().st_size < 400_000
    coast = json.loads(path.read_text(encoding="utf-8"))
    assert {f["properties"]["name"] for f in coast["features"]} == {
        "San Pedro Bay",
        "New York",
        "San Francisco Bay",
        "Hampton Roads",
    }
    for f in coast["features"]:
        west, south, east, north = f["properties"]["bbox"]
        corners = [c for polygon in f["geometry"]["coordinates"] for ring in polygon for c in ring]
        assert corners
        assert all(west - 1e-4 <= x <= east + 1e-4 and south - 1e-4 <= y <= north + 1e-4 for x, y in corners)


def test_every_property_file_and_setting_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "zones.md").read_text(encoding="utf-8")
    names = [*zone_properties(), *KINDS, *(path.name for path in GEO.glob("*.geojson"))]
    names += [field.name for field in dataclasses.fields(StopSettings)]
    assert [name for name in names if f"`{name}`" not in page] == []
    for field in dataclasses.fields(StopSettings):
        row = next(line for line in page.splitlines() if line.startswith("|") and f"`{field.name}`" in line)
        assert f"{field.default:g}" in row, field.name


def zone_properties() -> frozenset[str]:
    return zones_module._PROPERTIES  # the list the reader itself refuses by


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"type": "Feature", "properties": null, "geometry": null}', "properties"),
        ('{"type": "Feature", "properties": [1], "geometry": null}', "properties"),
        ("null", "properties"),
        ('{"type": "Feature", "properties": {"id": "\\ud800"}, "geometry": null}', "surrogate"),
        (json.dumps(feature()).replace("-73.9", "9" * 400), "position"),
        (json.dumps(feature()).replace("-73.9", "NaN"), "position"),
        (json.dumps(feature()).replace("-73.9", "1e308"), "position"),
        (json.dumps(feature({"type": "Point", "coordinates": [-74, 40]}, radius_m=7)).replace("7}", "9" * 400 + "}"),
         "radius_m"),
    ],
    ids=["null", "list", "no object", "surrogate", "400 digits", "NaN", "1e308", "radius"],
)  # fmt: skip
def test_hostile_features_are_faults_not_crashes(tmp_path: Path, text: str, where: str) -> None:
    path = tmp_path / "zones.geojson"
    path.write_text('{"type": "FeatureCollection", "features": [' + text + "]}", encoding="utf-8")
    with pytest.raises(DataError, match=where):
        read_zones(path)


def test_the_message_of_many_faults_stays_short_and_the_error_holds_all(tmp_path: Path) -> None:
    corners = [(999.0, 999.0)] * 5000
    with pytest.raises(DataError, match="and 4,800 more") as caught:
        read_zones(write(tmp_path / "zones.geojson", feature(polygon(*corners))))
    assert len(caught.value.faults) == 5000


def slow_first_crossing(lon: list[float], lat: list[float]) -> tuple[int, int]:
    """Every pair of edges, by the definition."""

    def side(a: int, b: int, c: int) -> float:
        return (lon[b] - lon[a]) * (lat[c] - lat[a]) - (lat[b] - lat[a]) * (lon[c] - lon[a])

    n = len(lon) - 1
    for i in range(n):
        for j in range(i + 2, n):
            if i == 0 and j == n - 1:
                continue
            if side(i, i + 1, j) * side(i, i + 1, j + 1) < 0 and side(j, j + 1, i) * side(j, j + 1, i + 1) < 0:
                return i, j
    return -1, -1


@given(corners=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=12))
def test_the_first_crossing_is_the_one_of_all_pairs(corners: list[tuple[int, int]]) -> None:
    lon, lat = ([float(corner[k]) for corner in [*corners, corners[0]]] for k in (0, 1))
    assert first_crossing(np.array(lon), np.array(lat)) == slow_first_crossing(lon, lat)
