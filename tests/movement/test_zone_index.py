"""The zone index against a slow, obvious ray cast, and at the places where indexes go wrong."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.movement import zone_raster
from sealane.movement.zone_index import ZoneIndex, locate
from sealane.movement.zone_shapes import unwrap
from sealane.movement.zones import KINDS, Zone, ZoneSet, circle_polygon, shipped_zones, zone_area_m2

NONE = [-1, -1, -1, -1, -1]


def zone(name: str, kind: str, *rings: list[tuple[float, float]]) -> Zone:
    return Zone(name, name, kind, None, (tuple(unwrap(ring) for ring in rings),), "made for a test")


def box(west: float, south: float, east: float, north: float) -> list[tuple[float, float]]:
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def index(*zones: Zone) -> ZoneIndex:
    return ZoneIndex.build(ZoneSet(zones))


def slow(zones: tuple[Zone, ...], lat: float, lon: float) -> list[int]:
    """Every zone, every edge, every turn of the globe; the smallest zone of a kind wins."""
    best = list(NONE)
    lon = -180.0 if lon == 180.0 else lon
    for number, candidate in enumerate(zones):
        inside = False
        for polygon in candidate.polygons:
            for ring in polygon:
                for turn in (-360.0, 0.0, 360.0):
                    for (x1, y1), (x2, y2) in pairwise(ring):
                        if (y1 <= lat) != (y2 <= lat):
                            inside ^= x1 + turn + (lat - y1) * (x2 - x1) / (y2 - y1) > lon
        kind = KINDS.index(candidate.kind)
        if inside and (best[kind] < 0 or zone_area_m2(candidate) < zone_area_m2(zones[best[kind]])):
            best[kind] = number
    return best


def star(rng: np.random.Generator, lon: float, lat: float, radius: float, corners: int) -> list[tuple[float, float]]:
    angles = np.linspace(0.0, 2.0 * math.pi, corners, endpoint=False)
    radii = radius * rng.uniform(0.3, 1.0, corners)
    ring = [
        (float(lon + r * math.cos(a)), float(max(-89.0, min(89.0, lat + r * math.sin(a)))))
        for r, a in zip(radii, angles, strict=True)
    ]
    return [*ring, ring[0]]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6))
def test_index_equals_the_slow_ray_cast(seed: int) -> None:
    rng = np.random.default_rng(seed)
    middle_lon, middle_lat = rng.uniform(-179.0, 179.0), rng.uniform(-80.0, 80.0)
    zones = tuple(
        zone(
            f"z{n}",
            KINDS[n % 5],
            star(
                rng, middle_lon + rng.normal() * 0.5, middle_lat + rng.normal() * 0.5, 10.0 ** rng.uniform(-3, 0.5), 11
            ),
        )
        for n in range(10)
    )
    built = ZoneIndex.build(ZoneSet(zones))
    lats = np.clip(middle_lat + rng.normal(size=150) * 10.0 ** rng.uniform(-2, 0.5), -90.0, 90.0)
    lons = (middle_lon + rng.normal(size=150) * 10.0 ** rng.uniform(-2, 0.5) + 180.0) % 360.0 - 180.0
    # Corners are where edges meet and cells are cut; they must agree too.
    corners = [corner for z in zones for corner in z.polygons[0][0][:3]]
    lats = np.concatenate([lats, [lat for _, lat in corners]])
    lons = np.concatenate([lons, [(lon + 180.0) % 360.0 - 180.0 for lon, _ in corners]])
    found = built.locate_many(lats, lons)
    inside_once = 0
    for row, lat, lon in zip(found.tolist(), lats.tolist(), lons.tolist(), strict=True):
        expected = slow(zones, lat, lon)
        if row != expected:
            # A corner that was shifted by a turn may differ from itself by one rounding; nothing else may.
            assert any(abs(lat - y) < 1e-12 and abs((lon - x + 180) % 360 - 180) < 1e-11 for x, y in corners)
        inside_once += expected != NONE
    assert inside_once > 0


def test_tiles_never_both_claim_nor_both_leave_a_point() -> None:
    """A fan of triangles round a point: each position is in exactly one, also on shared edges and corners."""
    rng = np.random.default_rng(7)
    rim = star(rng, -118.2, 33.7, 0.05, 17)
    centre = (-118.2001, 33.7001)
    fan = [zone(f"t{n}", "berth", [centre, a, b, centre]) for n, (a, b) in enumerate(pairwise(rim))]
    # Every second one the other way round: the shared edge is then traversed in the same direction by both.
    fan = [zone(z.name, z.kind, list(reversed(z.polygons[0][0]))) if n % 2 else z for n, z in enumerate(fan)]
    alone = [index(tile) for tile in fan]
    whole = index(zone("whole", "berth", rim))
    points = [centre, *rim]
    for a in rim:
        points += [(centre[0] + t * (a[0] - centre[0]), centre[1] + t * (a[1] - centre[1])) for t in (0.25, 0.5, 0.9)]
    points += [
        (float(x), float(y)) for x, y in zip(rng.normal(-118.2, 0.02, 500), rng.normal(33.7, 0.02, 500), strict=True)
    ]
    for lon, lat in points:
        claims = sum(ix.locate_many([lat], [lon])[0, 0] == 0 for ix in alone)
        assert claims == (whole.locate_many([lat], [lon])[0, 0] == 0)
    assert sum(whole.locate_many([lat], [lon])[0, 0] == 0 for lon, lat in points) > 300


def test_neighbouring_boxes_share_their_border_half_open() -> None:
    built = index(zone("west", "berth", box(0, 0, 1, 1)), zone("east", "berth", box(1, 0, 2, 1)))
    assert built.locate_many([0.5, 0.5, 0.5, 0.0, 1.0], [0.0, 1.0, 2.0, 0.5, 0.5])[:, 0].tolist() == [0, 1, -1, 0, -1]


def test_the_smallest_zone_of_a_kind_wins_and_kinds_do_not_hide_each_other() -> None:
    built = index(
        zone("large", "anchorage", box(-1, -1, 1, 1)),
        zone("small", "anchorage", box(-0.1, -0.1, 0.1, 0.1)),
        zone("limit", "port_limit", box(-2, -2, 2, 2)),
        zone("area", "eca", box(-20, -20, 20, 20)),
        zone("slow", "speed_zone", box(-0.2, -0.2, 5, 5)),
        zone("quay", "berth", box(-0.01, -0.01, 0.01, 0.01)),
    )
    assert built.locate_many([0.0, 0.05, 0.5, 1.5, 10.0, 30.0], [0.0, 0.05, 0.5, 1.5, 10.0, 30.0]).tolist() == [
        [5, 1, 2, 3, 4],
        [-1, 1, 2, 3, 4],
        [-1, 0, 2, 3, 4],
        [-1, -1, 2, 3, 4],
        [-1, -1, -1, 3, -1],
        NONE,
    ]


def test_holes_are_outside() -> None:
    built = index(zone("ring", "port_limit", box(-1, -1, 1, 1), box(-0.5, -0.5, 0.5, 0.5)))
    assert built.locate_many([0.0, 0.75], [0.0, 0.75])[:, 2].tolist() == [-1, 0]


def test_over_the_antimeridian() -> None:
    built = index(zone("date line", "port_limit", box(179.0, -1.0, -179.0, 1.0)))
    assert built.locate_many([0] * 6, [179.5, 180.0, -180.0, -179.5, 178.9, 0.0])[:, 2].tolist() == [0, 0, 0, 0, -1, -1]


def test_over_the_poles() -> None:
    north = zone("north", "eca", [(0, 80), (90, 80), (180, 80), (-90, 80), (0, 80)])
    south = Zone("south", "south", "speed_zone", None, (circle_polygon(25.0, -89.0, 300_000.0),), "made for a test")
    built = index(north, south)
    lats = [90.0, 85.0, 85.0, 79.0, -90.0, -89.5, -85.0]
    lons = [12.0, 180.0, -91.0, 0.0, 0.0, -155.0, 0.0]
    found = built.locate_many(lats, lons)
    assert found[:, 3].tolist() == [0, 0, 0, -1, -1, -1, -1]
    assert found[:, 4].tolist() == [-1, -1, -1, -1, 1, 1, -1]


def test_a_ring_that_spans_the_globe_from_seam_to_seam_is_taken_literally() -> None:
    built = index(zone("belt", "eca", box(-180.0, -10.0, 180.0, 10.0)))
    assert built.locate_many([0, 0, 0, 11], [0, 180, -180, 0])[:, 3].tolist() == [0, 0, 0, -1]


@pytest.mark.parametrize(
    ("lat", "lon"), [(91.0, 0.0), (0.0, 181.0), (91.0, 181.0), (math.nan, 0.0), (0.0, math.nan), (math.inf, 0.0)]
)
def test_what_is_no_position_lies_nowhere(lat: float, lon: float) -> None:
    built = index(zone("world", "eca", box(-180.0, -90.0, 180.0, 90.0)))
    assert list(locate(built.arrays, lat, lon)) == NONE
    assert list(locate(built.arrays, 0.0, 0.0)) == [-1, -1, -1, 0, -1]


def test_an_empty_set_answers_none_everywhere() -> None:
    assert index().locate_many([0.0, 90.0], [0.0, 180.0]).tolist() == [NONE, NONE]


def test_a_coarse_raster_gives_the_same_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The raster is only a short cut: without its finest level nothing changes."""
    rng = np.random.default_rng(3)
    zones = tuple(zone(f"z{n}", KINDS[n % 3], star(rng, -74.0, 40.6, 0.3, 40)) for n in range(6))
    lats, lons = rng.normal(40.6, 0.2, 4000), rng.normal(-74.0, 0.2, 4000)
    fine = index(*zones).locate_many(lats, lons)
    monkeypatch.setattr(zone_raster, "MAX_FINE_BLOCKS", 0)
    coarse = index(*zones)
    assert (coarse.locate_many(lats, lons) == fine).all()
    assert (coarse.locate_many(lats, lons, parallel=True) == fine).all()
    assert (fine >= 0).any()


def test_moving_an_edge_is_noticed() -> None:
    """Negative control: the comparison with the slow ray cast does fail when one corner is moved."""
    rng = np.random.default_rng(5)
    ring = star(rng, 10.0, 54.0, 0.5, 12)
    moved = [ring[0], (ring[1][0] + 0.1, ring[1][1]), *ring[2:]]
    lats, lons = rng.normal(54.0, 0.3, 500), rng.normal(10.0, 0.3, 500)
    found = index(zone("a", "berth", ring)).locate_many(lats, lons).tolist()
    other = (zone("a", "berth", moved),)
    assert any(row != slow(other, lat, lon) for row, lat, lon in zip(found, lats, lons, strict=True))


def test_shipped_zones_of_a_port_stay_within_the_memory_promised() -> None:
    built = ZoneIndex.build(shipped_zones("USNYC"))
    assert built.nbytes < 64 * 1024 * 1024
    number = int(built.locate_many([40.6101], [-74.0520])[0, 1])
    assert built.zones[number].name == "Anchorage No. 24, Port of New York"
