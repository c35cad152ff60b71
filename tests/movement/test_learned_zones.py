"""Stops, their classification, and zones learnt from them, on simulated ships whose state is known."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.errors import DataError
from sealane.movement.geodesy import destination, great_circle_m
from sealane.movement.learned_zones import (
    ANCHORED,
    MOORED,
    Stop,
    StopSettings,
    classify,
    heading_range_deg,
    learn,
    stationary_stops,
)
from sealane.movement.zone_index import ZoneIndex
from sealane.movement.zones import read_zones, write_zones

NAN = math.nan


def simulated_anchored(
    lat: float, lon: float, swing_deg: float = 60.0, hours: float = 3.0, seed: int = 0
) -> dict[str, np.ndarray]:
    """A simulated ship 150 m down-wind of her anchor, swinging to and fro."""
    rng = np.random.default_rng(seed)
    n = int(hours * 20)
    heading = 300.0 + 0.5 * swing_deg * np.sin(np.linspace(0.0, 2.0 * math.pi, n))
    places = [destination(lat, lon, h + 180.0, 150.0 + rng.normal() * 5.0) for h in heading]
    return {
        "time_s": np.arange(n) * 180.0,
        "lats": np.array([p[0] for p in places]),
        "lons": np.array([p[1] for p in places]),
        "sog_kn": np.abs(rng.normal(0.1, 0.1, n)),
        "heading_deg": heading % 360.0,
        "nav_status": np.full(n, NAN),
    }


def simulated_moored(lat: float, lon: float, hours: float = 3.0, seed: int = 0) -> dict[str, np.ndarray]:
    """A simulated ship alongside: a few metres of position noise, one degree of heading noise."""
    rng = np.random.default_rng(seed)
    n = int(hours * 20)
    return {
        "time_s": np.arange(n) * 180.0,
        "lats": lat + rng.normal(0.0, 2e-5, n),
        "lons": lon + rng.normal(0.0, 2e-5, n),
        "sog_kn": np.zeros(n),
        "heading_deg": (28.0 + rng.integers(-1, 2, n)) % 360.0,
        "nav_status": np.full(n, NAN),
    }


def stop(**changes: object) -> Stop:
    base = Stop(1, 40.6, -74.0, 5.0, 1.0, 250.0, 2.0, None, 0.0, 40)
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]  # names and types are the test's own


def test_motion_alone_tells_moored_from_anchored() -> None:
    (alongside,) = stationary_stops(1, **simulated_moored(40.68, -74.15), length_m=300.0)
    (swinging,) = stationary_stops(2, **simulated_anchored(40.49, -73.65), length_m=230.0)
    assert classify(alongside) == (MOORED, "heading")
    assert classify(swinging) == (ANCHORED, "heading")
    assert alongside.spread_m < 10.0
    assert swinging.heading_range_deg == pytest.approx(60.0, abs=5.0)
    assert alongside.hours == pytest.approx(59 * 180 / 3600)
    assert alongside.status is None


def test_without_headings_the_spread_decides() -> None:
    for sentinel in (511.0, NAN):
        data = simulated_moored(40.68, -74.15) | {"heading_deg": np.full(60, sentinel)}
        assert classify(stationary_stops(1, **data)[0]) == (MOORED, "spread")
        data = simulated_anchored(40.49, -73.65) | {"heading_deg": np.full(60, sentinel)}
        assert classify(stationary_stops(1, **data)[0]) == (ANCHORED, "spread")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": 5, "heading_range_deg": 30.0}, (MOORED, "status")),
        ({"status": 5, "heading_range_deg": 90.0, "spread_m": 120.0}, (ANCHORED, "heading")),
        ({"status": 1}, (ANCHORED, "status")),
        ({"status": 1, "hours": 20.0}, (MOORED, "heading")),
        ({"status": 0}, (MOORED, "heading")),
        ({"status": 0, "heading_range_deg": 40.0}, (ANCHORED, "heading")),
        ({"heading_range_deg": 5.0}, (MOORED, "heading")),
        ({"heading_range_deg": 5.1}, (ANCHORED, "heading")),
        ({"heading_range_deg": NAN, "spread_m": 20.1}, (ANCHORED, "spread")),
        ({"spread_m": 151.0}, (ANCHORED, "spread")),
    ],
)
def test_status_decides_unless_motion_contradicts_it(changes: dict[str, object], expected: tuple[str, str]) -> None:
    assert classify(stop(**changes)) == expected


def test_a_ship_under_way_has_no_stop() -> None:
    n = 60
    time = np.arange(n) * 60.0
    lats = 40.4 + time / 3600.0 * 8.0 / 60.0
    for speed in (8.0, NAN):  # with and without a speed column
        assert (
            stationary_stops(1, time, lats, np.full(n, -73.8), np.full(n, speed), np.full(n, 0.0), np.full(n, 0.0))
            == ()
        )


def test_a_gap_a_departure_and_a_shift_end_a_stop() -> None:
    first, second = simulated_moored(40.68, -74.15, seed=1), simulated_moored(40.70, -74.12, seed=2)
    both = {k: np.concatenate([first[k], second[k] + (4 * 3600.0 if k == "time_s" else 0.0)]) for k in first}
    assert len(stationary_stops(1, **both)) == 2
    silent = {k: np.concatenate([first[k], first[k] + (30 * 3600.0 if k == "time_s" else 0.0)]) for k in first}
    assert len(stationary_stops(1, **silent)) == 2
    assert len(stationary_stops(1, **silent, settings=StopSettings(gap_h=48.0))) == 1
    brief = {k: v[:4] for k, v in first.items()}
    assert stationary_stops(1, **brief) == ()


def test_a_stop_on_the_antimeridian_is_one_stop() -> None:
    data = simulated_anchored(-17.0, 180.0)
    (found,) = stationary_stops(1, **data)
    assert great_circle_m(found.lat, found.lon, -17.0, 180.0) < 200.0
    assert -180.0 <= found.lon < 180.0
    (zone,) = learn([dataclasses.replace(found, length_m=200.0)], port=None, data="simulated")
    built = ZoneIndex.build(learn([dataclasses.replace(found, length_m=200.0)], port=None, data="simulated"))
    assert (built.locate_many(data["lats"], data["lons"])[:, 1] == 0).all()
    assert zone.kind == "anchorage"


def test_wrong_input_is_refused() -> None:
    data = simulated_moored(40.68, -74.15)
    with pytest.raises(DataError, match="falling times"):
        stationary_stops(1, **(data | {"time_s": data["time_s"][::-1]}))
    with pytest.raises(DataError, match="different length"):
        stationary_stops(1, **(data | {"lats": data["lats"][:-1]}))


@given(st.floats(0.0, 359.9), st.floats(0.0, 170.0), st.integers(3, 50))
def test_heading_range_is_the_smallest_arc(start: float, arc: float, n: int) -> None:
    headings = (start + np.linspace(0.0, arc, n)) % 360.0
    found = heading_range_deg(headings)
    assert found <= arc + 1e-6
    assert found >= arc * (math.ceil(0.95 * n) - 1) / (n - 1) - 1e-6


def test_heading_range_over_north_and_with_sentinels() -> None:
    assert heading_range_deg(np.array([359.0, 1.0, 0.0, 511.0, NAN])) == pytest.approx(2.0)
    assert math.isnan(heading_range_deg(np.array([511.0, 10.0])))
    assert heading_range_deg(np.array([10.0] * 99 + [200.0])) == 0.0


def harbour() -> list[Stop]:
    stops: list[Stop] = []
    for n, (lat, lon) in enumerate([(40.660, -74.150), (40.670, -74.140), (40.6701, -74.1401)]):
        stops += stationary_stops(100 + n, **simulated_moored(lat, lon, seed=n), length_m=300.0)
    for n, (lat, lon) in enumerate([(40.487, -73.65), (40.492, -73.655), (40.61, -74.05)]):
        stops += stationary_stops(200 + n, **simulated_anchored(lat, lon, seed=n), length_m=200.0)
    stops += stationary_stops(300, **simulated_moored(40.69, -74.0), length_m=20.0)
    stops += stationary_stops(301, **simulated_moored(40.69, -74.0), length_m=NAN)
    return stops


def test_neighbouring_stops_make_one_zone_and_small_craft_none(tmp_path: Path) -> None:
    zones = learn(harbour(), port="USNYC", data="simulated harbour")
    assert [z.id for z in zones] == [
        "USNYC-learnt-berth-1",
        "USNYC-learnt-berth-2",
        "USNYC-learnt-anchorage-1",
        "USNYC-learnt-anchorage-2",
    ]
    assert all(z.learnt and z.grade == "D" and z.source.startswith("learnt from simulated harbour: ") for z in zones)
    assert "2 stops of 2 ships" in zones[1].source
    built = ZoneIndex.build(zones)
    for place in harbour()[:3]:
        assert built.locate_many([place.lat], [place.lon])[0, 0] >= 0
    data = simulated_anchored(40.487, -73.65)
    assert (built.locate_many(data["lats"], data["lons"])[:, 1] == 2).all()
    write_zones(zones, tmp_path / "learnt.geojson")
    assert read_zones(tmp_path / "learnt.geojson") == zones


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(8)))
def test_the_order_of_stops_does_not_matter(order: list[int]) -> None:
    stops = harbour()
    assert learn([stops[n] for n in order], port="USNYC", data="s") == learn(stops, port="USNYC", data="s")


def test_thresholds_matter() -> None:
    """Negative control: other thresholds give other answers, so the tests above can fail."""
    (swinging,) = stationary_stops(2, **simulated_anchored(40.49, -73.65), length_m=230.0)
    assert classify(swinging, StopSettings(moored_heading_range_deg=90.0)) == (MOORED, "heading")
    assert len(learn(harbour(), port=None, data="s", settings=StopSettings(berth_link_m=5000.0)).of_kind("berth")) == 1
    assert len(learn(harbour(), port=None, data="s", settings=StopSettings(least_stops=2))) == 2
    assert learn([], port=None, data="s").zones == ()
