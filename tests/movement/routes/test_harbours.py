"""Out of the harbour by the shortest way, and the same way whatever leads the search."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sealane.movement.geodesy import great_circle_nm
from sealane.movement.routes import landmarks, network
from sealane.movement.routes.find import between, closed_by_default, route, route_distances_nm
from sealane.movement.routes.harbours import LOCAL_NM, look_out
from sealane.movement.routes.moorings import mooring
from sealane.movement.routes.network import sea
from sealane.movement.routes.search import way
from sealane.movement.routes.water import NEAR_NM, NOWHERE, first_land_off_ports_nm, unit_vector
from sealane.movement.zone_shapes import ZoneSet
from sealane.reference.ports import port

NONE = ZoneSet(())


def _haven(code):
    place = port(code)
    return mooring(place.lat, place.lon).haven


def _alone(haven):
    """The port without its local corners: only what it sees itself."""
    own = haven.leaves < 0
    none = np.empty(0)
    seen = (haven.ids[own], haven.far[own], haven.bits[own], haven.leaves[own])
    return haven._replace(**dict(zip(("ids", "far", "bits", "leaves"), seen, strict=True)))._replace(
        local_lat=none,
        local_lon=none,
        local_far=none,
        before=np.empty(0, np.int32),
        local_bits=np.empty(0, np.uint64),
    )


def _way(a, b, known=None):
    """Length of the way between two havens, as `route` looks for it."""
    a, b = (a, b) if (a.lat, a.lon) <= (b.lat, b.lon) else (b, a)
    lat, lon = way(*(known or sea()), np.uint64(closed_by_default()), a, b)
    return sum(great_circle_nm(lat[k], lon[k], lat[k + 1], lon[k + 1]) for k in range(len(lat) - 1)), lat, lon


def test_los_angeles_to_yokohama():
    r = route("USLAX", "JPYOK")
    assert r.distance_nm <= 4850.0
    assert r.distance_nm >= r.great_circle_nm


def test_los_angeles_leaves_round_point_fermin():
    """Point Fermin is the south-western corner of the harbour, 33.705 N 118.294 W."""
    r = route("USLAX", "JPYOK", zones=NONE)
    leaving = r.lon[:6]
    assert leaving[leaving < 0.0].max() < -118.2
    passing = np.argmin([great_circle_nm(y, x, 33.705, -118.294) for y, x in zip(r.lat[:6], r.lon[:6], strict=True)])
    assert great_circle_nm(r.lat[passing], r.lon[passing], 33.705, -118.294) < 1.5


def test_without_local_corners_los_angeles_leaves_the_long_way():
    """Negative control: what the two tests above hold fails where a port has no corners of its own."""
    length, _, lon = _way(_alone(_haven("USLAX")), _haven("JPYOK"))
    assert length > route("USLAX", "JPYOK", zones=NONE).distance_nm
    assert lon[(lon < 0.0) & (lon > -119.0)].max() > -118.2


def test_speed_zone_off_los_angeles():
    """The rings of 20 and 40 nm about Point Fermin are left by their radius, after some 7 nm inside the harbour."""
    zones = route("USLAX", "JPYOK").zone_nm
    assert 20.0 <= zones["VSR-SPB-20"] <= 28.5
    assert 40.0 <= zones["VSR-SPB-40"] <= 48.5


@pytest.mark.parametrize(
    ("a", "b", "at_most"), [("USLAX", "USLGB", 8.0), ("JPTYO", "JPYOK", 24.0), ("USOAK", "USSFO", 12.0)]
)
def test_ports_in_each_others_harbour(a, b, at_most):
    r = route(a, b, zones=NONE)
    assert r.great_circle_nm <= r.distance_nm <= at_most
    assert route(b, a, zones=NONE).distance_nm == pytest.approx(r.distance_nm, abs=1e-9)
    assert route_distances_nm([(a, b), (b, a)]) == pytest.approx([r.distance_nm] * 2, abs=1e-9)


@pytest.mark.parametrize("code", ["USLAX", "JPYOK", "JPTYO", "SEMMA", "SGSIN", "ILHFA", "KRINC"])
def test_every_local_way_keeps_to_the_water(code):
    haven, water = _haven(code), sea().water
    here = unit_vector(haven.lat, haven.lon)
    assert len(haven.local_lat) > 0
    for k, before in enumerate(haven.before):
        y, x = (haven.lat, haven.lon) if before < 0 else (haven.local_lat[before], haven.local_lon[before])
        line = (y, x, haven.local_lat[k], haven.local_lon[k])
        assert first_land_off_ports_nm(water, *line, 0.0, 0.0, here, NOWHERE) < 0.0
        far = 0.0 if before < 0 else haven.local_far[before]
        assert haven.local_far[k] == pytest.approx(far + great_circle_nm(*line), abs=1e-9)
        assert great_circle_nm(haven.lat, haven.lon, *line[2:]) <= LOCAL_NM
    assert (np.diff(haven.local_far) >= 0.0).all()
    assert (haven.before < np.arange(len(haven.before))).all()


def test_no_seen_corner_is_nearer_than_the_great_circle():
    haven, net = _haven("USLAX"), sea().network
    for i, far, leaves in zip(haven.ids, haven.far, haven.leaves, strict=True):
        straight = great_circle_nm(haven.lat, haven.lon, net.lat[i], net.lon[i])
        assert far >= straight - 1e-6
        if leaves < 0:
            assert far == pytest.approx(straight, abs=1e-6)


def test_local_corners_lie_in_the_water_of_their_mask():
    water, limits = sea().water, sea().limits
    harbour = look_out(water, limits, 33.7417, -118.2417)
    for y, x in zip(harbour.lat, harbour.lon, strict=True):
        near = NEAR_NM if great_circle_nm(33.7417, -118.2417, y, x) < NEAR_NM else 0.0
        here = unit_vector(33.7417, -118.2417) if near else NOWHERE
        assert first_land_off_ports_nm(water, y, x, y + 1e-4, x, 0.0, 0.0, here, NOWHERE) < 0.0


def test_a_mid_ocean_position_has_no_local_corners():
    assert len(mooring(40.0, -145.0).haven.local_lat) == 0
    assert between(40.0, -145.0, 40.0, -135.0, zones=NONE).distance_nm == pytest.approx(
        great_circle_nm(40.0, -145.0, 40.0, -135.0)
    )


def test_landmarks_belong_to_the_network():
    """Else they are left out, and a search takes longer: run scripts/make_route_landmarks.py."""
    assert landmarks.read(network.PATH) is not None


def test_landmarks_of_another_network_are_left_out(tmp_path):
    other = tmp_path / "network.npz"
    other.write_bytes(b"another")
    assert landmarks.read(other) is None


def test_landmarks_change_no_length():
    known = sea()
    bare = known._replace(network=known.network._replace(landmarks=known.network.landmarks[:, :0].copy()))
    codes = ("USLAX", "JPYOK", "SGSIN", "SEGOT", "USNYC", "CLVAP", "ILETH")
    for a, b in itertools.combinations(codes, 2):
        led, unled = (_way(_haven(a), _haven(b), at)[0] for at in (known, bare))
        assert led == pytest.approx(unled, abs=1e-6), (a, b)


def test_landmarks_are_bounds():
    """From any corner, no landmark says more of the way to another than the way is long."""
    net = sea().network
    some = np.random.default_rng(0).choice(len(net.lat), 200, replace=False)
    start = np.repeat(np.arange(len(net.lat)), np.diff(net.first))
    open_ = (net.bits & np.uint64(closed_by_default())) == 0
    for i in some:
        for e in range(net.first[i], net.first[i + 1]):
            assert start[e] == i
            if not open_[e]:
                continue
            a, b = net.landmarks[i].astype(float), net.landmarks[net.to[e]].astype(float)
            both = (a < 65535) & (b < 65535)
            assert (0.5 * np.abs(a - b)[both] <= net.length_nm[e] + 0.5).all()
