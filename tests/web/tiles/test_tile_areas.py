"""Tiles of the heat map, of areas and of land: sums kept, polygons turned the right way, nothing across the world."""

from __future__ import annotations

import gzip
import itertools
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.web.tiles.mvt_decoder import Feature, decode

from sealane.errors import ReferenceDataError
from sealane.movement.zone_shapes import Zone, ZoneSet
from sealane.web.tiles.areas import Places, areas_of, areas_tile, places_tile
from sealane.web.tiles.heat import CELLS_PER_DEG, area_km2, classes, group_for, heat_tile, pollutants, read_grid
from sealane.web.tiles.labels import anchors
from sealane.web.tiles.land import VENDOR, land
from sealane.web.tiles.mercator import BUFFER, EXTENT, WORLD, Tile, project


def area(ring: list[tuple[int, int]]) -> float:
    """Positive for clockwise on the screen."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring)) / 2


def zone(id_: str, rings: list[list[tuple[float, float]]], kind: str = "anchorage") -> Zone:
    return Zone(id_, f"Zone {id_}", kind, "USLAX", (tuple(tuple(ring) for ring in rings),), "a test", "A")


def square(west: float, south: float, size: float) -> list[tuple[float, float]]:
    east, north = west + size, south + size
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def cut(zones: list[Zone], tile: Tile) -> list[Feature]:
    return decode(areas_tile(areas_of(ZoneSet(tuple(zones))), tile)).get("zones", [])


def tile_of(lat: float, lon: float, z: int) -> Tile:
    x, y = project(np.array([lat]), np.array([lon]))
    return Tile(z, int(x[0]) * (1 << z) // WORLD % (1 << z), int(y[0]) * (1 << z) // WORLD)


def test_an_area_is_cut_at_the_tile_and_keeps_its_hole() -> None:
    hole = list(reversed(square(-118.0, 33.2, 0.2)))
    (feature,) = cut([zone("a", [square(-119, 33, 1.5), hole])], tile_of(33.3, -117.9, 8))
    assert feature.properties["kind"] == "anchorage"
    assert feature.properties["learnt"] is False
    outer, inner = feature.parts
    assert area(outer) > 0 > area(inner)
    corners = [c for part in feature.parts for corner in part for c in corner]
    assert min(corners) >= -BUFFER
    assert max(corners) <= EXTENT + BUFFER


def test_an_area_that_covers_a_tile_fills_it() -> None:
    (feature,) = cut([zone("a", [square(-130, 20, 30)])], tile_of(33.3, -117.9, 8))
    assert area(feature.parts[0]) == (EXTENT + 2 * BUFFER) ** 2


def test_an_area_over_the_antimeridian_shows_on_both_sides() -> None:
    wide = zone("a", [square(178, 30, 4)])
    west, east = tile_of(31, 179.5, 5), tile_of(31, -179.5, 5)
    assert (west.x, east.x) == (31, 0)
    for tile in (west, east):
        (feature,) = cut([wide], tile)
        assert max(x for x, _ in feature.parts[0]) - min(x for x, _ in feature.parts[0]) < EXTENT / 4
    assert cut([wide], tile_of(31, 0, 5)) == []


def test_a_large_area_lies_under_a_small_one() -> None:
    zones = [zone("small", [square(-118.2, 33.7, 0.1)]), zone("large", [square(-119, 33, 2)])]
    assert [feature.properties["id"] for feature in cut(zones, tile_of(33.75, -118.15, 9))] == ["large", "small"]


def test_an_area_too_small_to_see_is_left_out() -> None:
    assert cut([zone("a", [square(-118.2, 33.7, 0.0001)])], tile_of(33.7, -118.2, 3)) == []


def test_calls_are_points_in_their_tile_only() -> None:
    x, y = project(np.array([33.7, 33.7]), np.array([-118.2, 100.0]))
    places = Places(x, y, [{"call_id": "a"}, {"call_id": "b"}])
    (feature,) = decode(places_tile("calls", places, tile_of(33.7, -118.2, 10)))["calls"]
    assert feature.properties == {"call_id": "a"}
    assert places_tile("calls", places, tile_of(0, 0, 10)) == b""


def grid(folder: Path, cells: list[tuple[float, float, float]]) -> Path:
    lat, lon, grams = zip(*cells, strict=True)
    columns = {"lat": lat, "lon": lon, "hours": [1.0] * len(cells), "nox_g": grams, "bc_g": [None] * len(cells)}
    table = pa.table({name: pa.array(values, pa.float64()) for name, values in columns.items()})
    pq.write_table(table, folder / "grid.parquet")
    return folder / "grid.parquet"


cells = st.lists(
    st.tuples(st.integers(-7000, 7000), st.integers(-18000, 17999), st.floats(1.0, 1e9)), min_size=1, max_size=40,
    unique_by=lambda cell: cell[:2],
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells)
def test_the_map_of_the_world_shows_all_mass_once(tmp_path: Path, found: list[tuple[int, int, float]]) -> None:
    path = grid(tmp_path, [(a / CELLS_PER_DEG, b / CELLS_PER_DEG, g) for a, b, g in found])
    (tile,) = [decode(heat_tile(read_grid(path, "nox"), Tile(0, 0, 0)))["heat"]]
    assert sum(f.properties["kg"] for f in tile) == pytest.approx(sum(g for *_, g in found) / 1e3, rel=1e-5)


def test_a_cell_is_drawn_where_it_is_and_says_its_density(tmp_path: Path) -> None:
    path = grid(tmp_path, [(33.7, -118.2, 5_000.0), (33.71, -118.2, 1_000.0), (50.0, 10.0, 1.0)])
    tile = tile_of(33.7, -118.2, 12)
    found = decode(heat_tile(read_grid(path, "nox"), tile))["heat"]
    assert [feature.properties["kg"] for feature in found] == [5.0, 1.0]
    size_km = 0.01 * math.pi / 180 * 6371.0
    assert found[0].properties["kg_per_km2"] == pytest.approx(
        5 / (size_km**2 * math.cos(math.radians(33.705))), rel=1e-3
    )
    west = tile.box_deg(0)[0]
    left = min(x for x, _ in found[0].parts[0])
    assert west + left / EXTENT * 360 / (1 << 12) == pytest.approx(-118.2, abs=1e-4)
    assert area(found[0].parts[0]) > 0


def test_cells_beside_the_antimeridian_stand_in_the_tiles_on_both_sides(tmp_path: Path) -> None:
    heat = read_grid(grid(tmp_path, [(35.0, 179.99, 5.0), (35.0, -180.0, 7.0)]), "nox")
    west, east = tile_of(35.005, 179.995, 13), tile_of(35.005, -179.995, 13)
    for tile in (west, east):
        found = decode(heat_tile(heat, tile))["heat"]
        edges = sorted({x for feature in found for x, _ in feature.parts[0]})
        assert sorted(f.properties["kg"] for f in found) == [0.005, 0.007]
        assert max(edges) - min(edges) < EXTENT


def test_drawn_cells_are_large_enough_and_bounded() -> None:
    for z in range(17):
        px = group_for(z) * 512 * (1 << z) / 36000
        assert px >= 5 or group_for(z) == 1000
    assert group_for(14) == 1
    assert 512 / 5 * 512 / 5 < 12_000


def test_the_area_of_all_cells_is_that_of_the_globe() -> None:
    rows = np.arange(0, 18000)
    assert area_km2(rows, 1).sum() * 36000 == pytest.approx(4 * math.pi * 6371.0088**2, rel=1e-6)


def test_classes_end_with_the_heaviest_cell(tmp_path: Path) -> None:
    path = grid(tmp_path, [(33.7, -118.2 + i / 100, 10.0**i) for i in range(9)])
    heat = read_grid(path, "nox")
    bounds = classes(heat)
    density = heat.grams / 1e3 / area_km2(heat.row, 1)
    assert len(bounds) == 6
    assert bounds[-1] <= density.max() < bounds[-1] * 3.4
    assert pollutants(path) == ("nox",)


def decoded_land(z: int, x: int, y: int) -> list[Feature]:
    content = land().tile(Tile(z, x, y))
    return decode(gzip.decompress(content)).get("land", []) if content else []


def covers(z: int, lat: float, lon: float) -> bool:
    """Whether land is drawn at a place: inside any feature of its tile, by the even-odd rule over its rings."""
    tile = tile_of(lat, lon, z)
    x, y = (float(v[0]) for v in project(np.array([lat]), np.array([lon])))
    px, py = ((v - o) / (1 << tile.shift) for v, o in zip((x % WORLD, y), tile.origin, strict=True))
    for feature in decoded_land(tile.z, tile.x, tile.y):
        inside = False
        for ring in feature.parts:
            for (ax, ay), (bx, by) in itertools.pairwise(ring):
                if (ay > py) != (by > py) and px < (bx - ax) * (py - ay) / (by - ay) + ax:
                    inside = not inside
        if inside:
            return True
    return False


# At 71 N and 17 S rings that are not cut again make stripes.
SEA = [
    (71.0, -150.0), (71.3, 0.0), (71.0, -170.0), (-17.0, -150.0), (-17.0, 0.0), (-17.0, 90.0), (35.0, -150.0),
    (33.0, -120.0),
]  # fmt: skip
LAND = [
    (68.0, 178.5), (67.0, -178.0), (-17.8, 178.0), (-85.0, 179.9), (-80.0, 0.0), (40.0, -100.0), (36.0, 138.5),
    (52.0, 10.0),
]  # fmt: skip


@pytest.mark.parametrize("z", [1, 4, 7])
def test_land_is_land_and_the_sea_has_no_stripes(z: int) -> None:
    assert [place for place in SEA if covers(z, *place)] == []
    small = {(-17.8, 178.0)} if z == 1 else set()
    assert [place for place in LAND if place not in small and not covers(z, *place)] == []


def test_a_tile_that_is_all_sea_is_empty() -> None:
    assert land().tile(tile_of(30, -150, 7)) == b""
    assert "Natural Earth" in land().origin


def test_land_that_was_not_built_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReferenceDataError, match="build_assets"):
        land(tmp_path)
    assert VENDOR.is_dir()


def test_labels_of_neighbours_keep_apart() -> None:
    tokyo, yokohama, nagoya, los_angeles = (139.75, 35.67), (139.58, 35.45), (136.87, 35.07), (-118.25, 33.75)
    assert anchors([tokyo, yokohama, nagoya, los_angeles]) == ["bottom-left", "top-left", "top-right", "left"]
    assert len(set(anchors([tokyo, yokohama, nagoya, (135.2, 34.7)]))) == 4
    assert len(anchors([tokyo] * 9)) == 9
    assert anchors([(179.9, 10.0), (-179.9, 10.0)])[0].endswith("right")
