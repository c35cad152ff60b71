"""Vector tiles decode to what was put in, whatever it was."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.tiles.mvt_decoder import decode

from sealane.web.tiles import mvt
from sealane.web.tiles.mercator import EXTENT, MAX_ZOOM, WORLD, Tile, degrees, project

values = st.one_of(
    st.text(max_size=20),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.none(),
)
coordinates = st.integers(-5000, 9000)


@given(st.lists(st.tuples(coordinates, coordinates, st.dictionaries(st.text(min_size=1, max_size=8), values))))
def test_points_with_any_properties_come_back(rows: list[tuple[int, int, dict[str, mvt.Value | None]]]) -> None:
    points = [mvt.point(x, y) for x, y, _ in rows]
    made = mvt.with_properties("points", mvt.POINT, points, [row for *_, row in rows], list(range(len(rows))))
    found = decode(made.encode()).get("points", [])
    assert [feature.parts for feature in found] == [[[(x, y)]] for x, y, _ in rows]
    assert [feature.id for feature in found] == list(range(len(rows)))
    for feature, (*_, row) in zip(found, rows, strict=True):
        assert feature.properties == {key: value for key, value in row.items() if value is not None}
        for key, value in feature.properties.items():
            assert type(value) is type(row[key])


def test_a_large_number_and_a_long_text_take_more_than_one_byte() -> None:
    row = {"n": 2**40, "minus": -1, "text": "横" * 200}
    made = mvt.with_properties("x", mvt.POINT, [mvt.point(0, 0)], [row])
    (feature,) = decode(made.encode())["x"]
    assert feature.properties == row
    assert feature.id is None


def test_a_value_stands_once_in_the_table() -> None:
    rows = [{"class": "Container Ship", "n": 1}, {"class": "Container Ship", "n": True}]
    made = mvt.with_properties("x", mvt.POINT, [mvt.point(0, 0)] * 2, rows)
    assert len(made.values) == 3  # 1 and true are not the same value


def test_rings_are_closed_and_rings_without_area_are_left_out() -> None:
    square = np.array([[0, 0], [10, 0], [10, 10], [0, 10]])
    made = mvt.with_properties("x", mvt.POLYGON, [mvt.rings([square, square[:2]])], [{}])
    (feature,) = decode(made.encode())["x"]
    assert feature.parts == [[(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)]]


def test_nothing_is_encoded_as_nothing() -> None:
    assert mvt.with_properties("x", mvt.POINT, [], []).encode() == b""


@given(st.floats(-85, 85), st.floats(-540, 540))
def test_projecting_there_and_back_keeps_the_place(lat: float, lon: float) -> None:
    x, y = project(np.array([lat]), np.array([lon]))
    back = degrees(int(x[0]), int(y[0]))
    assert back == pytest.approx((lat, lon), abs=2e-6)


def test_known_places_of_the_usual_tiles() -> None:
    x, y = project(np.array([0.0, 85.0511287798, -89.0]), np.array([0.0, -180.0, 180.0]))
    assert x.tolist() == [WORLD // 2, 0, WORLD]
    assert y.tolist() == [WORLD // 2, 0, WORLD - 1]
    west, south, east, north = Tile(1, 1, 0).box_deg(0)
    assert (west, east) == (0.0, 180.0)
    assert (south, north) == (pytest.approx(0.0), pytest.approx(85.0511287798))
    assert Tile(2, 0, 3).window(0) == (0, WORLD // 4 * 3, WORLD // 4, WORLD)
    assert (1 << Tile(MAX_ZOOM, 0, 0).shift) * EXTENT == Tile(MAX_ZOOM, 0, 0).size
    assert math.isclose(Tile(3, 0, 0).box_deg()[0], -180 - 45 * 64 / 4096)


@pytest.mark.parametrize("place", [(0, 1, 0), (3, 0, 8), (-1, 0, 0), (MAX_ZOOM + 1, 0, 0), (2, -1, 0)])
def test_what_is_no_tile_is_refused(place: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="is no tile"):
        Tile(*place)
