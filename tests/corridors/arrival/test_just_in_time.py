"""Just-in-time arrival: the case of the docs, and what must hold for any ship, passage and wait."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.corridors.arrival.just_in_time import (
    BOUNDS,
    POLLUTANTS,
    Approaches,
    EcaTail,
    Slowdown,
    just_in_time,
    least_load,
    minimum_speed_kn,
    notices,
    voyage_part,
)
from sealane.corridors.ship_energy import Fleet, fleet_of, sail, ship_of_class, stay
from sealane.emissions.propulsion import propulsion_load
from sealane.errors import DataError
from sealane.reference import load_table

DAY = date(2025, 3, 1)
MOMENT = int(datetime(2025, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000
HAND = ship_of_class(
    "Container Ship", "5,000 TEU", installed_kw=40_000, max_speed_kn=24, aux_kw={"transit": 1000, "anchorage": 1000},
    boiler_kw={"transit": 0, "anchorage": 500},
)  # fmt: skip
BOXES = [ship_of_class("Container Ship", teu=teu) for teu in (1500, 5000, 8000, 14000, 18000)]
OTHERS = [
    ship_of_class("Container Ship", "14,500 TEU", keel_year=2018),
    ship_of_class("Bulk Carrier", "Panamax"),
    ship_of_class("Oil Tanker", dwt=300_000),
    ship_of_class("Vehicle Carrier", "4,000 Vehicles"),
]
FLEETS = {
    method: fleet_of([ship.by_method(method) for ship in (*BOXES, *OTHERS)], DAY, DAY)
    for method in ("epa-2022", "imo4-2020")
}
LADDER = (0.0, 6.0, 12.0, 24.0, 48.0, 120.0, None)


def approach(
    fleet: Fleet, ship: int, speed_kn: float, distance_nm: float, wait_h: float, min_speed_kn: float, eca: float = 0.0
) -> Approaches:
    """One passage; the last `eca` miles lie in the control area."""
    tail = EcaTail(np.array([0.0, max(eca, 1e-9), 1e9]), np.array([0.0, eca, eca]))
    one = np.ones(1, np.int64)
    return Approaches(
        fleet=fleet,
        ship=one * ship,
        speed_kn=np.array([speed_kn]),
        distance_nm=np.array([distance_nm]),
        wait_h=np.array([wait_h]),
        min_speed_kn=np.array([min_speed_kn]),
        time_us=one * MOMENT,
        tail=one * 0,
        tails=(tail,),
        sail_area=one,
        anchor_area=one * 0,
    )


def net_kwh(s: Slowdown) -> float:
    return float((s.before.kwh - s.after.kwh)[0])


def test_the_case_worked_by_hand_in_the_docs() -> None:
    """docs/method/arrival.md: 18 kn, told 24 h before arrival of 6 h at anchor, so 14.4 kn for 30 h."""
    found = just_in_time(approach(fleet_of([HAND], DAY, DAY), 0, 18.0, 5000.0, 6.0, 10.0), 24.0)
    assert found.remaining_nm[0] == pytest.approx(432.0)
    assert found.new_speed_kn[0] == pytest.approx(14.4)
    assert (found.absorbed_h[0], found.left_wait_h[0]) == (pytest.approx(6.0), pytest.approx(0.0, abs=1e-12))
    assert found.before.main_kwh[0] == pytest.approx(465_750)
    assert found.after.main_kwh[0] == pytest.approx(298_080)
    assert found.before.aux_kwh[0] == pytest.approx(30_000)
    assert found.after.aux_kwh[0] == pytest.approx(30_000)
    assert found.before.boiler_kwh[0] == pytest.approx(3_000)
    assert found.after.boiler_kwh[0] == pytest.approx(0.0, abs=1e-9)
    assert net_kwh(found) == pytest.approx(170_670)
    assert found.gross.kwh[0] == pytest.approx(176_670)
    bsfc = load_table("ogv_bsfc")
    main, boiler = bsfc.row("propulsion", "SSD", "RM/HFO").value, bsfc.row("boiler", "BOILER", "RM/HFO").value
    assert (main, boiler) == (195, 305)
    saved = (found.before.fuel_t - found.after.fuel_t)[0]
    assert saved == pytest.approx((167_670 * 195 + 3_000 * 305) / 1e6)
    assert BOUNDS[found.bound[0]] == "none"


def test_the_least_speed_leaves_waiting_by_hand() -> None:
    """docs/method/arrival.md: 20 h of waiting would ask for 9.82 kn; at 10 % load the ship runs 10.633 kn."""
    fleet = fleet_of([HAND], DAY, DAY)
    least = float(minimum_speed_kn(fleet)[0])
    assert least == pytest.approx(10.633, abs=5e-4)
    assert propulsion_load(least, 24.0, 0.15, np.nan, np.nan) == pytest.approx(least_load())
    found = just_in_time(approach(fleet, 0, 18.0, 5000.0, 20.0, least), 24.0)
    assert found.new_speed_kn[0] == pytest.approx(least)
    assert found.absorbed_h[0] == pytest.approx(432 / least - 24)
    assert found.left_wait_h[0] == pytest.approx(3.37, abs=5e-3)
    assert BOUNDS[found.bound[0]] == "minimum_speed"


def test_before_and_after_are_passages_and_stays_of_ship_energy() -> None:
    fleet = FLEETS["epa-2022"]
    found = just_in_time(approach(fleet, 2, 17.0, 3000.0, 9.0, 8.0, eca=200.0), 24.0)
    ship = fleet.ships[2]
    before = sail(ship, 408.0, 17.0, day=DAY, eca_nm=200.0) + stay(ship, 9.0, "anchorage", day=DAY, inside_eca=False)
    after = sail(ship, 408.0, 408 / 33, day=DAY, eca_nm=200.0)
    assert found.before.kwh[0] == pytest.approx(before.kwh)
    assert found.after.kwh[0] == pytest.approx(after.kwh)
    for name in POLLUTANTS:
        assert found.before.grams[name][0] == pytest.approx(before.of(name))
        assert found.after.grams[name][0] == pytest.approx(after.of(name))


passages = st.tuples(
    st.integers(0, len(BOXES) + len(OTHERS) - 1),
    st.floats(6.0, 26.0),
    st.floats(20.0, 9000.0),
    st.floats(0.0, 300.0),
    st.floats(3.0, 14.0),
    st.floats(0.0, 400.0),
)


def breaches(s: Slowdown, *, gross_share: float = 1.0) -> list[str]:
    """Quantities whose net saving is above gross, of one call."""
    pairs = [("kwh", s.before.kwh - s.after.kwh, s.gross.kwh, s.before.kwh)]
    pairs.append(("fuel", s.before.fuel_t - s.after.fuel_t, s.gross.fuel_t, s.before.fuel_t))
    pairs += [
        (name, s.before.of(name) - s.after.of(name), s.gross.of(name), s.before.of(name))
        for name in (*POLLUTANTS, "wtw_co2e")
    ]
    return [name for name, net, gross, scale in pairs if net[0] > gross_share * gross[0] + 1e-9 * scale[0]]


@given(method=st.sampled_from(["epa-2022", "imo4-2020"]), passage=passages, notice=st.sampled_from(LADDER))
@settings(max_examples=150, deadline=None)
def test_net_is_never_above_gross_and_time_is_kept(
    method: str, passage: tuple[int, float, float, float, float, float], notice: float | None
) -> None:
    ship, speed, distance, wait, least, eca = passage
    found = just_in_time(approach(FLEETS[method], ship, speed, distance, wait, least, eca), notice)
    assert breaches(found) == []
    new_speed = found.new_speed_kn[0]
    assert min(least, speed) - 1e-12 <= new_speed <= speed + 1e-12
    assert -1e-9 <= found.absorbed_h[0] <= wait + 1e-9
    assert found.remaining_h[0] + wait == pytest.approx(
        found.remaining_nm[0] / new_speed + found.left_wait_h[0], rel=1e-9, abs=1e-9
    )
    assert found.remaining_nm[0] <= distance + 1e-9


def test_the_guard_of_net_against_gross_sees_a_breach() -> None:
    """Control: with a gross saving one part in ten too small the same check does not pass."""
    found = just_in_time(approach(FLEETS["epa-2022"], 3, 18.0, 5000.0, 10.0, 8.0), None)
    assert breaches(found) == []
    assert "kwh" in breaches(found, gross_share=0.9)


@given(passage=passages)
@settings(max_examples=80, deadline=None)
def test_more_notice_never_saves_less_energy(passage: tuple[int, float, float, float, float, float]) -> None:
    """Below full load, with the published least load, and for CO2e within one fuel regime."""
    ship, speed, distance, wait, _, _ = passage
    fleet = FLEETS["epa-2022"]
    speed = min(speed, float(minimum_speed_kn(fleet, 1.0)[ship]))
    least = float(minimum_speed_kn(fleet)[ship])
    ladder = [just_in_time(approach(fleet, ship, speed, distance, wait, least), notice) for notice in LADDER]
    energy = [net_kwh(s) for s in ladder]
    carbon = [float((s.before.of("wtw_co2e") - s.after.of("wtw_co2e"))[0]) for s in ladder]
    whole = ladder[-1].before
    hours = [float(s.absorbed_h[0]) for s in ladder]
    for values, size in ((energy, whole.kwh[0]), (carbon, whole.of("wtw_co2e")[0]), (hours, 1.0)):
        assert all(later >= sooner - 1e-9 * size for sooner, later in pairwise(values))
    assert energy[0] == pytest.approx(0.0, abs=1e-6)
    assert min(energy) >= -1e-9 * whole.kwh[0]


@given(passage=passages, more=st.floats(0.1, 100.0))
@settings(max_examples=40, deadline=None)
def test_a_longer_wait_is_never_absorbed_less(
    passage: tuple[int, float, float, float, float, float], more: float
) -> None:
    ship, speed, distance, wait, least, eca = passage
    first = just_in_time(approach(FLEETS["epa-2022"], ship, speed, distance, wait, least, eca), 24.0)
    then = just_in_time(approach(FLEETS["epa-2022"], ship, speed, distance, wait + more, least, eca), 24.0)
    assert then.absorbed_h[0] >= first.absorbed_h[0] - 1e-9
    assert then.new_speed_kn[0] <= first.new_speed_kn[0] + 1e-12


def test_where_the_passage_is_not_known_the_whole_voyage_is_not_asked() -> None:
    unknown = approach(FLEETS["epa-2022"], 1, 16.0, np.nan, 10.0, 8.0)
    assert not just_in_time(unknown, None).applies[0]
    assert np.isnan(just_in_time(unknown, None).before.fuel_t[0])
    assert np.isnan(voyage_part(unknown).fuel_t[0])
    assert net_kwh(just_in_time(unknown, 12.0)) > 0.0


def test_without_waiting_nothing_changes_and_nothing_is_claimed() -> None:
    found = just_in_time(approach(FLEETS["epa-2022"], 1, 16.0, 4000.0, 0.0, 8.0), None)
    assert net_kwh(found) == 0.0
    assert found.gross.kwh[0] == 0.0
    assert BOUNDS[found.bound[0]] == "no_wait"
    slow = just_in_time(approach(FLEETS["epa-2022"], 1, 7.0, 4000.0, 30.0, 8.0), None)
    assert (net_kwh(slow), BOUNDS[slow.bound[0]]) == (0.0, "below_minimum")


def test_hotel_load_by_load_costs_more_than_that_of_transit() -> None:
    case = approach(FLEETS["epa-2022"], 3, 18.0, 5000.0, 40.0, 11.0)
    assert net_kwh(just_in_time(case, 24.0, mode="by_load")) < net_kwh(just_in_time(case, 24.0))


def test_notices_and_values_out_of_range() -> None:
    assert notices(["12", " Voyage", "12"]) == (12.0, None)
    with pytest.raises(DataError) as refused:
        notices(["soon", "-1", "nan", "24"])
    assert len(refused.value.faults) == 3
    bad = approach(FLEETS["epa-2022"], 0, -1.0, -5.0, -2.0, 0.0)
    with pytest.raises(DataError) as refused:
        just_in_time(bad, -3.0)
    assert {fault.where.split(",")[0] for fault in refused.value.faults} == {
        "notice_h", "speed_kn", "min_speed_kn", "wait_h", "distance_nm",
    }  # fmt: skip
    with pytest.raises(DataError, match="least load"):
        minimum_speed_kn(FLEETS["epa-2022"], 2.0)
