"""Routes: what they promise of length, land, direction and passages."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.movement.routes.land_check import exceptions, miles_over_land, named_exceptions, over_land
from tests.movement.routes.oracle import oracle_nm

from sealane.errors import DataError
from sealane.movement.geodesy import great_circle_nm
from sealane.movement.routes.find import between, raw_network_nm, route, route_distances_nm, zone_miles
from sealane.movement.routes.marks import passages
from sealane.movement.zone_shapes import Zone, ZoneSet, circle_polygon

GOLDEN = Path(__file__).parents[2] / "golden"
# Ports of the registry of agreements, by UN/LOCODE; codes that name a second entry of the same port are left out.
PORTS = (
    *("USLAX", "USLGB", "USOAK", "USNTD", "USSAN", "USNYC", "USSFO", "USORF", "JPTYO", "JPYOK", "JPNGO", "CNSHA"),
    *("SGSIN", "KRPUS", "KRINC", "TWKEL", "TWKHH", "MXLZC", "VNSGN", "AUSYD", "AUBTB", "CLVAP", "ILHFA", "ILASH"),
    *("ILETH", "CNGGZ", "CNDLC", "ITNAP", "ITSAL", "ITCAS", "SEGOT", "SEMMA", "DKCPH", "IDJKT"),
)
PAIRS = tuple(itertools.combinations(PORTS, 2))
OCEAN = st.tuples(st.floats(-55.0, 60.0), st.floats(-180.0, 179.99))


@pytest.fixture(scope="module")
def routes():
    """All registry pairs, found once."""
    return {pair: route(*pair, zones=ZoneSet(())) for pair in PAIRS}


def test_registry_ports_are_all_here():
    from sealane.reference.ports import port, verified_locodes

    places = {(port(code).lat, port(code).lon) for code in PORTS}
    assert {(port(code).lat, port(code).lon) for code in verified_locodes()} == places


def test_never_shorter_than_the_great_circle(routes):
    assert all(r.distance_nm >= r.great_circle_nm - 1e-6 for r in routes.values())


# The raw network ties a port to its nearest node by a straight line. Here this line, or an edge beside it, runs over
# land that the way over water goes round: Point Loma, Amager, Yerba Buena Island, the land between the bays of Sydney.
RAW_TIES_OVER_LAND = {
    ("USLAX", "USSAN"),
    ("USLGB", "USSAN"),
    ("SEMMA", "DKCPH"),
    ("USOAK", "USSFO"),
    ("AUSYD", "AUBTB"),
}


def test_never_longer_than_the_raw_network(routes):
    longer = {
        pair: (r.distance_nm, raw_network_nm(r)) for pair, r in routes.items() if r.distance_nm > raw_network_nm(r)
    }
    assert {pair: found for pair, found in longer.items() if pair not in RAW_TIES_OVER_LAND} == {}
    assert all(ours - raw < 6.0 for ours, raw in longer.values())


def test_the_raw_lines_left_out_run_over_land():
    from sealane.movement.routes.network import sea
    from sealane.movement.routes.raw_network import raw_way
    from sealane.movement.routes.water import first_land_nm

    for pair in RAW_TIES_OVER_LAND:
        r = route(*pair, zones=ZoneSet(()))
        _, lat, lon = raw_way(r.origin.lat, r.origin.lon, r.destination.lat, r.destination.lon)
        lines = zip(lat, lon, lat[1:], lon[1:], strict=False)
        assert any(first_land_nm(sea().water, *line, 1e5, 1e5) >= 0.0 for line in lines), pair


def test_no_route_over_land(routes):
    """GLOBE coastline, looks every 0.05 degrees; canals, narrows, named exceptions and the last 10 nm aside."""
    found = {pair: spots for pair, r in routes.items() if (spots := over_land(r))}
    assert found == {}


def test_every_named_exception_is_needed(routes):
    used = set().union(*(named_exceptions(r) for r in routes.values()))
    assert used == {name for name, *_ in exceptions()}


def test_land_check_finds_a_line_over_land():
    assert miles_over_land(np.array([33.7, 40.7]), np.array([-118.2, -74.0])) > 1800.0


def test_land_check_finds_a_route_moved_by_a_degree(routes):
    r = routes["USLAX", "USOAK"]
    assert len(over_land(r, east_deg=1.0)) > 10 * max(1, len(over_land(r)))


def test_design_values_of_the_raw_network():
    """The yardstick reproduces the lengths given for the raw searoute network, which leave out the ends' ties."""
    known = {"JPYOK": 4920, "JPTYO": 4931, "JPNGO": 5067, "CNSHA": 5746, "SGSIN": 7791, "KRPUS": 5295, "USOAK": 400}
    for code, nm in known.items():
        assert raw_network_nm(route("USLAX", code)) == pytest.approx(nm, abs=20.0)


def test_design_values_of_the_great_circle():
    for code, nm in {"JPYOK": 4780, "JPTYO": 4770, "JPNGO": 4906, "CNSHA": 5640, "SGSIN": 7640}.items():
        assert route("USLAX", code).great_circle_nm == pytest.approx(nm, abs=12.0)


def test_same_both_ways(routes):
    for (a, b), r in list(routes.items())[::7]:
        back = route(b, a, zones=ZoneSet(()))
        assert back.distance_nm == pytest.approx(r.distance_nm, abs=1e-9)
        np.testing.assert_allclose(back.lat[::-1], r.lat, atol=1e-12)


def test_batch_gives_the_same_lengths_in_any_order(routes):
    wanted = PAIRS[::5]
    lengths = route_distances_nm(wanted)
    np.testing.assert_allclose(lengths, [routes[pair].distance_nm for pair in wanted], rtol=0, atol=1e-9)
    assert (route_distances_nm(wanted[::-1])[::-1] == lengths).all()
    assert (route_distances_nm([(b, a) for a, b in wanted]) == lengths).all()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(PORTS), st.sampled_from(PORTS), st.sampled_from(PORTS))
def test_via_is_never_shorter(routes, a, b, via):
    if len({a, b, via}) < 3:
        return
    led = route(a, b, via=[via], zones=ZoneSet(()))
    parts = route_distances_nm([(a, via), (via, b)]).sum()
    assert led.distance_nm == pytest.approx(parts, abs=1e-9)
    assert led.distance_nm >= routes[min((a, b), (b, a), key=PAIRS_INDEX.__getitem__)].distance_nm - 0.002 * parts


PAIRS_INDEX = {**{pair: n for n, pair in enumerate(PAIRS)}, **{(b, a): 10**6 for a, b in PAIRS}}


@settings(max_examples=30, deadline=None)
@given(OCEAN, OCEAN)
def test_between_any_positions(one, other):
    """Any two positions: found or refused in words, and never shorter than the great circle."""
    try:
        r = between(*one, *other, zones=ZoneSet(()))
    except DataError as refused:
        assert "nm" in str(refused) or "no way" in str(refused)
        return
    assert r.distance_nm >= great_circle_nm(*one, *other) - 1e-6
    assert r.lat[0] == pytest.approx(one[0])
    assert r.lat[-1] == pytest.approx(other[0])


@pytest.mark.parametrize(
    ("a", "b", "closed", "through"),
    [
        ("ITNAP", "SGSIN", "suez", "suez"),
        ("USNYC", "USLAX", "panama", "panama"),
        ("ITNAP", "SEGOT", "gibraltar", None),
        ("USLAX", "KRINC", "tsugaru", "tsugaru"),
        ("SEGOT", "SEMMA", "oresund", "oresund"),
        ("SGSIN", "ILHFA", "malacca", "malacca"),
    ],
)
def test_closing_a_passage(a, b, closed, through):
    free = route(a, b, zones=ZoneSet(()))
    if through:
        assert through in free.passages
    try:
        round_ = route(a, b, avoid=[closed], zones=ZoneSet(()))
    except DataError as refused:
        assert "no way" in str(refused)
        return
    assert closed not in round_.passages
    assert round_.distance_nm > free.distance_nm


def test_via_a_passage_runs_through_it():
    led = route("SGSIN", "IDJKT", via=["sunda"], zones=ZoneSet(()))
    assert "sunda" in led.passages or led.distance_nm > route("SGSIN", "IDJKT").distance_nm
    assert route("JPYOK", "ITNAP", via=["good-hope"]).distance_nm > route("JPYOK", "ITNAP").distance_nm


def test_polar_waters_are_closed_but_for_their_ports():
    free = route("JPYOK", "SEGOT", polar=True, via=["northeast"])
    usual = route("JPYOK", "SEGOT")
    assert usual.polar_nm == 0.0
    assert "suez" in usual.passages
    assert free.polar_nm > 1000.0
    assert free.distance_nm < usual.distance_nm
    south = between(-33.0, -71.8, -43.0, 147.6)
    assert south.lat.min() > -60.1
    assert between(78.2, 14.0, 60.0, 4.0).polar_nm > 0.0


def test_antimeridian_is_cut():
    geometry = route("USLAX", "JPYOK").geojson()["geometry"]
    assert geometry["type"] == "MultiLineString"
    west, east = geometry["coordinates"]
    assert west[-1][0] == -180.0
    assert east[0][0] == 180.0
    assert west[-1][1] == pytest.approx(east[0][1])
    for line in geometry["coordinates"]:
        assert all(abs(a[0] - b[0]) < 90.0 for a, b in itertools.pairwise(line))
    assert route("USLAX", "USOAK").geojson()["geometry"]["type"] == "LineString"


def test_zone_miles_of_a_circle_across_the_way():
    circle = Zone("c", "c", "speed_zone", None, (circle_polygon(-140.0, 40.0, 185200.0),), "test")
    r = between(40.0, -145.0, 40.0, -135.0, zones=ZoneSet((circle,)))
    # The great circle bulges north of the centre by 0.12 degrees of latitude; the chord is hardly shorter than 200 nm.
    assert r.zone_nm["c"] == pytest.approx(200.0, rel=0.004)
    assert zone_miles(r, ZoneSet((circle,))) == r.zone_nm


def test_hours():
    r = route("USLAX", "USOAK", speed_kn=16.0)
    assert r.hours == pytest.approx(r.distance_nm / 16.0)
    assert route("USLAX", "USOAK").hours is None


def test_all_faults_at_once():
    with pytest.raises(DataError) as refused:
        route("USLAZ", "nowhere at all", speed_kn=0.0, avoid=["sues"])
    assert [fault.where for fault in refused.value.faults] == ["origin", "destination", "avoid 1", "speed_kn"]
    assert "USLAX" in str(refused.value)


def test_every_passage_cuts_the_water():
    """With its passage closed no line between the shores' two sides remains: every arc ends on land at both ends."""
    from sealane.movement.routes.network import sea
    from sealane.movement.routes.water import is_land

    water = sea().water
    for passage in passages().values():
        for lat, lon in ((passage.lat1, passage.lon1), (passage.lat2, passage.lon2)):
            assert lat >= 89.9 or is_land(water.near_root, water.near_rows, lat, lon), passage.id


def test_a_port_is_no_way_from_itself():
    """No access is sailed out and back; one and many agree, and via the port one is in changes nothing."""
    stay = route("USLAX", "USLAX", speed_kn=10.0, zones=ZoneSet(()))
    assert (stay.distance_nm, stay.hours, stay.access_nm) == (0.0, 0.0, 0.0)
    assert route_distances_nm([("USLAX", "USLAX")]).tolist() == [0.0]
    away = route("USLAX", "JPYOK", zones=ZoneSet(())).distance_nm
    assert route("USLAX", "JPYOK", via=("USLAX",), zones=ZoneSet(())).distance_nm == away


# Longer than the oracle by more, ceilings in per cent, as seen. Straits narrower than 4.4 nm are shut and the clearance
# of 1.2 nm counts most among islands and along a shore: islands of south-west Korea (Busan, Incheon to Dalian and
# Shanghai), Riau and Bangka, Zhejiang, the shores off New Jersey and California.
LONGER_THAN_THE_ORACLE = {
    ("USLAX", "USOAK"): 0.9,
    ("USLAX", "USSFO"): 1.0,
    ("KRPUS", "CNDLC"): 4.5,
    ("USNYC", "USORF"): 2.2,
    ("SGSIN", "IDJKT"): 1.1,
    ("KRPUS", "CNSHA"): 1.5,
    ("KRINC", "CNDLC"): 1.3,
    ("SGSIN", "CNSHA"): 0.7,
}


def test_within_half_a_per_cent_of_the_oracle():
    """The table of `python bench/routes.py --oracle --write`: Dijkstra on a fine grid, GLOBE coastline."""
    with (GOLDEN / "route_oracle.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 30
    for row in rows:
        pair = (row["origin"], row["destination"])
        _, _, along = route(*pair, zones=ZoneSet(())).points(0.5)
        ends_nm = float(row["ends_nm"])
        inside = along[(along >= ends_nm) & (along <= along[-1] - ends_nm)]
        most = 1.0 + LONGER_THAN_THE_ORACLE.get(pair, 0.5) / 100.0
        assert inside[-1] - inside[0] <= most * float(row["oracle_nm"]), pair


def test_mouths_are_met_from_where_a_ship_comes():
    """A port up a river is no further off than over its neighbour, and the Golden Gate not by way of the Farallones."""
    for origin in ("SGSIN", "KRPUS", "USLAX"):
        far, near, last = route_distances_nm([(origin, "CNNJI"), (origin, "CNSHA"), ("CNSHA", "CNNJI")])
        assert near < far <= 1.01 * (near + last), origin
    for code in ("USSFO", "USOAK"):
        r = route("USLAX", code, zones=ZoneSet(()))
        assert r.distance_nm < 370.0
        assert r.lon.min() > -122.7  # the islands lie at 123 W


def test_oracle_runs_and_judges():
    """One pair of the table found anew: the table is the oracle's, and a way a tenth longer would fail."""
    lat, lon, along = route("KRINC", "CNDLC", zones=ZoneSet(())).points(0.5)
    inside = (along >= 10.0) & (along <= along[-1] - 10.0)
    ours = along[inside][-1] - along[inside][0]
    found = oracle_nm(lat[inside][0], lon[inside][0], lat[inside][-1], lon[inside][-1])
    assert ours <= 1.013 * found
    assert 1.1 * ours > 1.005 * found
