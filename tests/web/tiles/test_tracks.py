"""Tracks and ships in tiles: clipped, cut in time, over the antimeridian, bounded, and told when they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.web.tiles.mvt_decoder import Feature, decode
from tests.web.tiles.tracks_world import BEGIN_S, Row, make_layer, write_table

from sealane.errors import FileFormatError
from sealane.web.tiles import layer as layers
from sealane.web.tiles import tracks
from sealane.web.tiles.layer import TrackLayer, build, open_layer
from sealane.web.tiles.mercator import BUFFER, EXTENT, WORLD, Tile, project
from sealane.web.tiles.tracks import ships_at, ships_tile, tracks_tile

ALL = (BEGIN_S - 1, BEGIN_S + 10**7)
NAMES = {111: ("FIRST", "Container Ship"), 222: ("", "")}


def line(
    mmsi: int, lats: tuple[float, float], lons: tuple[float, float], count: int = 50, every_min: float = 5
) -> list[Row]:
    steps = np.linspace(0, 1, count)
    return [
        (mmsi, i * every_min, lats[0] + s * (lats[1] - lats[0]), lons[0] + s * (lons[1] - lons[0]))
        for i, s in enumerate(steps.tolist())
    ]


def drawn(layer: TrackLayer, tile: Tile, period: tuple[int, int] = ALL) -> list[Feature]:
    return decode(tracks_tile(layer, tile, *period, NAMES).content).get("tracks", [])


def tile_of(lat: float, lon: float, z: int) -> Tile:
    x, y = project(np.array([lat]), np.array([lon]))
    return Tile(z, int(x[0]) * (1 << z) // WORLD % (1 << z), int(y[0]) * (1 << z) // WORLD)


def test_a_track_goes_on_from_tile_to_tile(tmp_path: Path) -> None:
    layer = make_layer(tmp_path, line(111, (33.5, 33.5), (-119.0, -117.0), 400, 1))
    tile = tile_of(33.5, -118.0, 8)
    (left,), (right,) = drawn(layer, Tile(8, tile.x - 1, tile.y)), drawn(layer, tile)
    assert left.properties == {"mmsi": 111, "name": "FIRST", "class": "Container Ship", "silent": False}
    assert left.id == 111
    assert len(left.parts) == len(right.parts) == 1
    assert max(x for x, _ in left.parts[0]) == EXTENT + BUFFER
    assert min(x for x, _ in right.parts[0]) == -BUFFER
    heights = {y for x, y in left.parts[0]} | {y for x, y in right.parts[0]}
    assert max(heights) - min(heights) <= 1


def test_a_track_over_the_antimeridian_is_one_line_on_both_sides(tmp_path: Path) -> None:
    rows = line(111, (35.0, 35.0), (170.0, 190.0), 200)
    layer = make_layer(tmp_path, [(m, t, lat, (lon + 180) % 360 - 180) for m, t, lat, lon in rows])
    west, east = tile_of(35, 179.9, 3), tile_of(35, -179.9, 3)
    assert (west.x, east.x) == (7, 0)
    for tile in (west, east):
        (feature,) = drawn(layer, tile)
        assert len(feature.parts) == 1
        (part,) = feature.parts
        assert max(x for x, _ in part) - min(x for x, _ in part) < EXTENT / 2
    assert max(x for x, _ in drawn(layer, west)[0].parts[0]) == EXTENT + BUFFER
    assert min(x for x, _ in drawn(layer, east)[0].parts[0]) == -BUFFER
    # In the tile of the whole world it is drawn at either edge, and no line runs across.
    (whole,) = drawn(layer, Tile(0, 0, 0))
    for part in whole.parts:
        assert max(x for x, _ in part) - min(x for x, _ in part) < 300


def test_a_stripe_across_the_world_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers.thinning, "unwrap", lambda offsets, x: None)
    rows = line(111, (35.0, 35.0), (170.0, 190.0), 200)
    layer = make_layer(tmp_path, [(m, t, lat, (lon + 180) % 360 - 180) for m, t, lat, lon in rows])
    (whole,) = drawn(layer, Tile(0, 0, 0))
    assert any(max(x for x, _ in part) - min(x for x, _ in part) > 3000 for part in whole.parts)


def test_a_period_cuts_a_line_where_the_time_is(tmp_path: Path) -> None:
    layer = make_layer(tmp_path, [(111, 0, 30.0, -130.0), (111, 60, 30.0, -128.0)])
    tile = tile_of(30.0, -129.0, 5)
    (feature,) = drawn(layer, tile, (BEGIN_S + 900, BEGIN_S + 1800))
    (part,) = feature.parts
    lons = [(tile.origin[0] + (x << tile.shift)) / WORLD * 360 - 180 for x, _ in part]
    assert lons == pytest.approx([-129.5, -129.0], abs=0.01)
    assert drawn(layer, tile, (BEGIN_S + 3601, BEGIN_S + 9000)) == []
    assert drawn(layer, tile, (BEGIN_S - 9000, BEGIN_S)) == []


def test_a_silence_is_a_feature_of_its_own(tmp_path: Path) -> None:
    rows = [
        *line(111, (33, 33), (-120, -119.5), 30),
        *((m, t + 3000, lat, lon + 1.5) for m, t, lat, lon in line(111, (33, 33), (-120, -119.5), 30)),
    ]
    layer = make_layer(tmp_path, rows, gap_h=6)
    found = drawn(layer, tile_of(33, -119, 6))
    assert [feature.properties["silent"] for feature in found] == [False, True]
    sailed, silent = found
    assert len(sailed.parts) == 2
    assert len(silent.parts) == 1
    assert silent.parts[0] == [sailed.parts[0][-1], sailed.parts[1][0]]


def test_what_a_level_leaves_out_is_not_seen(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    lat, lon = 33 + np.cumsum(rng.normal(0, 0.004, 3000)), -119 + np.cumsum(rng.normal(0, 0.004, 3000))
    rows = [(111, float(i), float(lat[i]), float(lon[i])) for i in range(3000)]
    layer = make_layer(tmp_path, rows)
    x, y = project(lat, lon)
    truth = shapely.LineString(np.column_stack([x, y]))
    for z in (2, 5, 7):
        level = layer.levels[layer.level_for(z)]
        made = shapely.LineString(np.column_stack([level.x, level.y]))
        px = (WORLD >> z) / 512
        assert shapely.hausdorff_distance(truth, made) <= 2 * px
    sizes = [len(level.x) for level in layer.levels]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 3000
    assert sizes[0] < 100


places = st.lists(st.tuples(st.floats(-60, 60), st.floats(-180, 180)), min_size=2, max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places, st.integers(0, 6), st.data())
@example([(0.0, 97.0), (0.0, -84.0), (0.0, 0.0), (0.0, 178.0)], 0, None)  # round the world and on
def test_any_track_is_drawn_as_a_clip_of_it(
    tmp_path: Path, where: list[tuple[float, float]], z: int, data: st.DataObject | None
) -> None:
    layer = make_layer(tmp_path, [(111, float(i), lat, lon) for i, (lat, lon) in enumerate(where)])
    x = data.draw(st.integers(0, (1 << z) - 1)) if data else 0
    y = data.draw(st.integers(0, (1 << z) - 1)) if data else 0
    tile = Tile(z, x, y)
    level = layer.levels[layer.level_for(z)]
    window = tile.window()
    wanted = 0.0
    for turn in range(-6, 7):
        moved = shapely.LineString(np.column_stack([level.x.astype(np.int64) + turn * WORLD, level.y]))
        wanted += shapely.clip_by_rect(moved, *window).length
    unit = 1 << tile.shift
    found = sum(shapely.LineString(part).length for feature in drawn(layer, tile) for part in feature.parts) * unit
    corners = sum(len(part) for feature in drawn(layer, tile) for part in feature.parts)
    # Each end of each piece may be rounded by less than a unit in x and y; what is shorter than a unit is not drawn.
    assert abs(found - wanted) <= 2 * unit * (corners + 3 * len(where))
    for feature in drawn(layer, tile):
        for part in feature.parts:
            assert len(part) >= 2
            assert all(-BUFFER - 1 <= c <= EXTENT + BUFFER + 1 for corner in part for c in corner)


def crowd(ships: int, points: int) -> list[Row]:
    rng = np.random.default_rng(0)
    rows = []
    for ship in range(ships):
        lat = 33 + np.cumsum(rng.normal(0, 0.02, points))
        lon = -119 + np.cumsum(rng.normal(0, 0.02, points))
        rows += [(1000 + ship, float(i), float(lat[i]), float(lon[i])) for i in range(points)]
    return rows


def test_a_crowded_tile_is_bounded_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = make_layer(tmp_path, crowd(60, 300))
    tile = Tile(
        4, *(v * 16 // WORLD for v in (int(project(np.array([33.0]), np.array([-119.0]))[k][0]) for k in (0, 1)))
    )
    everything = tracks_tile(layer, tile, *ALL, {})
    assert (everything.shown, everything.present) == (60, 60)
    assert "about" not in decode(everything.content)
    monkeypatch.setattr(tracks, "MAX_VERTICES", 60)
    thinned = tracks_tile(layer, tile, *ALL, {})
    assert thinned.present == 60
    assert 0 < thinned.shown < 60
    told = decode(thinned.content)
    assert told["about"][0].properties == {"shown": thinned.shown, "present": 60}
    assert len(told["tracks"]) <= thinned.shown
    monkeypatch.setattr(tracks, "MAX_VERTICES", 10**9)
    monkeypatch.setattr(tracks, "MAX_SHIPS", 10)
    assert tracks_tile(layer, tile, *ALL, {}).shown < 30


def test_the_more_crowded_tile_keeps_some_of_the_ships_of_the_less_crowded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracks, "MAX_VERTICES", 100)
    mmsi = np.arange(200_000_000, 200_020_000, 7, np.int32)
    before = np.ones(len(mmsi), np.bool_)
    for vertices in (50, 101, 150, 200, 400, 1000):
        kept = tracks._chosen(mmsi, vertices)
        assert not np.any(kept & ~before)
        assert kept.mean() == pytest.approx(min(1, 100 / vertices), abs=0.03)
        before = kept


def test_ships_are_at_their_last_report(tmp_path: Path) -> None:
    rows = [
        *line(111, (33, 33), (-119, -118), 13),
        (222, 30, 34.0, 179.9999),
        (222, 2000, 34.0, -179.0),
        (333, 500, 10.0, 10.0),
    ]
    layer = make_layer(tmp_path, rows, gap_h=6)
    found = ships_at(layer, BEGIN_S + 31 * 60)
    assert found.mmsi.tolist() == [111, 222]
    assert (found.time_s - BEGIN_S).tolist() == [30 * 60, 30 * 60]
    assert found.positions()[0] == pytest.approx((33.0, -118.5), abs=1e-5)
    assert found.positions()[1] == pytest.approx((34.0, 179.9999), abs=1e-5)
    assert not found.silent.any()
    later = ships_at(layer, BEGIN_S + 1500 * 60)
    # 111 was never heard again and is gone; 222 was, and is silent meanwhile; 333 is gone as well.
    assert later.mmsi.tolist() == [222]
    assert later.silent.tolist() == [True]
    assert ships_at(layer, BEGIN_S - 1).mmsi.tolist() == []


def test_ships_in_a_tile_are_points_with_what_is_known(tmp_path: Path) -> None:
    layer = make_layer(tmp_path, [(111, 0, 35.0, 179.99), (111, 1, 35.0, 179.995)])
    for tile in (tile_of(35, 179.99, 6), Tile(6, 0, tile_of(35, 179.99, 6).y)):
        made = ships_tile(layer, tile, BEGIN_S + 60, NAMES)
        (ship,) = decode(made.content)["ships"]
        known = {"mmsi": 111, "name": "FIRST", "class": "Container Ship", "silent": False}
        assert ship.properties == known | {"heading_deg": 90, "speed_dkn": 100}
        assert abs(ship.parts[0][0][0] - (EXTENT if tile.x else 0)) < 5
    assert ships_tile(layer, tile_of(0, 0, 6), BEGIN_S + 60, NAMES).content == b""


def test_unknown_speed_and_heading_are_left_out(tmp_path: Path) -> None:
    build(write_table(tmp_path / "t.parquet", [(222, 0, 35.0, 10.0)], None, None), tmp_path / "layer")
    (ship,) = decode(ships_tile(open_layer(tmp_path / "layer"), Tile(0, 0, 0), BEGIN_S, NAMES).content)["ships"]
    assert ship.properties == {"mmsi": 222, "silent": False}


def test_ships_of_a_crowded_tile_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = make_layer(tmp_path, [(1000 + i, 0, 33.0, -119.0 + i / 1000) for i in range(300)])
    monkeypatch.setattr(tracks, "MAX_SHIPS", 50)
    made = ships_tile(layer, Tile(0, 0, 0), BEGIN_S, {})
    assert made.present == 300
    assert 20 < made.shown < 100
    assert decode(made.content)["about"][0].properties == {"shown": made.shown, "present": 300}


def test_vessels_are_whole_whatever_the_batches_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = crowd(7, 333)
    whole = make_layer(tmp_path, rows)
    expected = [(level.x.tolist(), sorted(map(tuple, level.index.tolist()))) for level in whole.levels]
    for size in (1, 100, 333, 500, 2331):
        monkeypatch.setattr(layers, "ROWS_AT_ONCE", size)
        made = make_layer(tmp_path, rows)
        assert [(level.x.tolist(), sorted(map(tuple, level.index.tolist()))) for level in made.levels] == expected
        assert made.offsets.tolist() == list(range(0, 333 * 7 + 1, 333))


def test_an_empty_table_makes_an_empty_layer(tmp_path: Path) -> None:
    layer = make_layer(tmp_path, [])
    assert layer.positions == 0
    assert tracks_tile(layer, Tile(0, 0, 0), *ALL, {}).content == b""
    assert len(ships_at(layer, BEGIN_S).mmsi) == 0


def test_what_is_no_track_table_or_layer_is_refused(tmp_path: Path) -> None:
    rows: list[Row] = [(5, 0, 1.0, 1.0), (5, 1, 1.0, 1.0), (4, 0, 1.0, 1.0)]
    with pytest.raises(FileFormatError, match="not sorted by mmsi"):
        build(write_table(tmp_path / "t.parquet", rows), tmp_path / "layer")
    with pytest.raises(FileFormatError, match="is no track layer"):
        open_layer(tmp_path / "layer")
    make_layer(tmp_path, crowd(2, 10))
    (tmp_path / "layer" / "all.x").write_bytes(b"\0" * 7)
    with pytest.raises(FileFormatError, match=r"all\.x has not the length"):
        open_layer(tmp_path / "layer")
