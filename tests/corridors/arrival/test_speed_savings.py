"""Savings of a slower passage: a case solved by hand, net never above gross, nothing counted twice."""

from __future__ import annotations

import csv
import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.corridors.arrival.speed_passages import Passages
from sealane.corridors.arrival.speed_savings import POLLUTANTS, Savings, savings, usual_speed
from sealane.corridors.ship_energy import Fleet, fleet_of, sail, ship_of_class
from sealane.reference import load_table

DAY = date(2026, 6, 1)
DAY_US = 1_780_272_000_000_000
SHIPS = [
    ship_of_class("Container Ship", "8,000 TEU"),
    ship_of_class("Oil Tanker", "Aframax"),
    ship_of_class("Cruise", gt=90_000.0),
]
FLEET = fleet_of(SHIPS, DAY, DAY)


def passages_of(items: list[tuple[int, list[tuple[float, float]]]]) -> tuple[Passages, np.ndarray]:
    """Passages of (ship, [(speed, miles), ...]), and the ship of each."""
    n = len(items)
    lines = [(at, speed, miles / speed) for at, (_, legs) in enumerate(items) for speed, miles in legs]
    hours = np.array([math.fsum(miles / speed for speed, miles in legs) for _, legs in items])
    return (
        Passages(
            mmsi=np.arange(n, dtype=np.int32),
            start_us=np.full(n, DAY_US, np.int64),
            end_us=np.full(n, DAY_US, np.int64),
            hours=hours,
            distance_nm=np.array([math.fsum(miles for _, miles in legs) for _, legs in items]),
            max_speed_kn=np.array([max(speed for speed, _ in legs) for _, legs in items]),
            begins=np.zeros(n, np.int8),
            ends=np.zeros(n, np.int8),
            lat=np.zeros(n),
            lon=np.zeros(n),
            line_passage=np.array([at for at, _, _ in lines], np.int64),
            line_speed_kn=np.array([speed for _, speed, _ in lines]),
            line_h=np.array([h for _, _, h in lines]),
        ),
        np.array([ship for ship, _ in items], np.int64),
    )


def priced(
    items: list[tuple[int, list[tuple[float, float]]]],
    cap_kn: float = 12.0,
    usual: list[float] | None = None,
    fleet: Fleet = FLEET,
) -> Savings:
    found, ship = passages_of(items)
    known = [usual_speed(one)[0] for one in fleet.ships] if usual is None else usual
    return savings(found, fleet, ship, np.ones(len(found), np.int64), cap_kn, known)


def test_hand_solved_case_of_the_method_page() -> None:
    """24 nm at 18 kn instead of 12 kn: 55,800 kW, 26.5 kn, coastal margin 10 %, hotel load 1,420 kW."""

    def main_kwh(speed_kn: float) -> float:
        return 55_800.0 * (speed_kn / 26.5) ** 3 * 1.10 * 24.0 / speed_kn

    gross = main_kwh(18.0) - main_kwh(12.0)
    assert gross == pytest.approx(14_248.6, abs=0.05)
    net = gross - 1_420.0 * (24.0 / 12.0 - 24.0 / 18.0)
    assert net == pytest.approx(13_302.0, abs=0.05)
    found = priced([(0, [(18.0, 24.0)])])
    assert found.main_kwh[0] == pytest.approx(main_kwh(18.0), rel=1e-12)
    assert found.hotel_kwh[0] == pytest.approx(1_420.0 * 24.0 / 18.0, rel=1e-12)
    assert found.possible_gross_kwh[0] == pytest.approx(gross, rel=1e-12)
    assert found.possible_net_kwh[0] == pytest.approx(net, rel=1e-12)
    assert found.possible_h[0] == pytest.approx(2.0 / 3.0, rel=1e-12)


def test_emissions_are_those_of_two_passages_priced_one_by_one() -> None:
    found = priced([(0, [(18.0, 24.0)])])
    fast, slow = (sail(SHIPS[0], 24.0, speed, day=DAY, eca_nm=24.0, coastal=True) for speed in (18.0, 12.0))
    for at, name in enumerate(POLLUTANTS):
        mass = [one.wtw_co2e_g if name == "wtw_co2e" else one.of(name) for one in (fast, slow)]
        assert found.grams[0, at] == pytest.approx(mass[0], rel=1e-12)
        assert found.possible_net_g[0, at] == pytest.approx(mass[0] - mass[1], rel=1e-9)


def test_usual_speed_is_the_published_share_of_the_maximum() -> None:
    share = load_table("ogv_transit_speed_ratio").row("Container Ship").value
    assert usual_speed(SHIPS[0])[0] == share * 26.5
    speed, rows = usual_speed(ship_of_class("Vehicle Carrier", "4,000 Vehicles"))
    assert math.isnan(speed) and rows == ()


def test_saved_is_against_the_usual_speed_mile_by_mile() -> None:
    usual = usual_speed(SHIPS[0])[0]
    found = priced([(0, [(12.0, 20.0), (22.0, 20.0)])])
    before = sail(SHIPS[0], 20.0, usual, day=DAY, eca_nm=20.0, coastal=True)
    after = sail(SHIPS[0], 20.0, 12.0, day=DAY, eca_nm=20.0, coastal=True)
    # The miles at 22 kn, faster than usual, count neither way.
    assert found.saved_gross_kwh[0] == pytest.approx(before.main_kwh - after.main_kwh, rel=1e-9)
    assert found.saved_net_kwh[0] == pytest.approx(before.kwh - after.kwh, rel=1e-9)


def test_a_passage_within_the_cap_could_save_nothing_more() -> None:
    found = priced([(0, [(12.0, 20.0), (6.0, 3.0)]), (1, [(11.9, 30.0)])])
    for name in ("possible_h", "possible_gross_kwh", "possible_net_kwh", "possible_gross_g", "possible_net_g"):
        assert not getattr(found, name).any(), name
    # Negative control: a tenth of a knot above it does.
    assert priced([(0, [(12.1, 20.0)])]).possible_net_kwh[0] > 0.0


def test_a_slow_ship_with_a_large_hotel_load_can_lose_by_slowing_down() -> None:
    """Net may be negative: it is told, not hidden."""
    found = priced([(2, [(6.0, 20.0)])])
    assert found.saved_gross_kwh[0] > 0.0
    assert found.saved_net_kwh[0] < 0.0


def test_without_a_usual_speed_nothing_counts_as_saved() -> None:
    found = priced([(0, [(8.0, 20.0)])], usual=[math.nan, math.nan, math.nan])
    assert math.isnan(found.usual_kn[0])
    assert found.saved_gross_kwh[0] == found.saved_net_kwh[0] == 0.0


def test_no_passage_gives_empty_figures() -> None:
    found, ship = passages_of([])
    empty = savings(found, FLEET, ship, np.zeros(0, np.int64), 12.0, [1.0, 1.0, 1.0])
    assert empty.main_kwh.shape == (0,) and empty.grams.shape == (0, len(POLLUTANTS))


legs = st.lists(st.tuples(st.floats(3.0, 30.0), st.floats(0.1, 60.0)), min_size=1, max_size=5)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2), legs), min_size=1, max_size=4), st.floats(6.0, 20.0))
def test_net_savings_never_exceed_gross_ones(items: list[tuple[int, list[tuple[float, float]]]], cap_kn: float) -> None:
    found = priced(items, cap_kn)
    for what in ("possible", "saved"):
        assert (getattr(found, f"{what}_net_kwh") <= getattr(found, f"{what}_gross_kwh")).all()
        assert (getattr(found, f"{what}_net_g") <= getattr(found, f"{what}_gross_g")).all()
        assert (getattr(found, f"{what}_h") >= 0.0).all()
        assert (getattr(found, f"{what}_gross_kwh") >= 0.0).all()


def test_a_mile_beyond_full_load_claims_no_saving() -> None:
    """A tanker reported at 16 kn, whose engine is at full load below that, is not said to lose by slowing to 15 kn."""
    assert SHIPS[1].max_speed_kn * (1.0 / 1.10) ** (1.0 / 3.0) < 15.3
    assert priced([(1, [(16.0, 1.0)])], 15.5).possible_gross_kwh[0] == 0.0
    assert priced([(1, [(16.0, 1.0)])], 12.0).possible_gross_kwh[0] > 0.0


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 2), legs), min_size=2, max_size=4))
def test_passages_priced_together_or_apart_cost_the_same(items: list[tuple[int, list[tuple[float, float]]]]) -> None:
    together = priced(items)
    for at, item in enumerate(items):
        alone = priced([item])
        for name in Savings.__dataclass_fields__:
            assert getattr(together, name)[at] == pytest.approx(getattr(alone, name)[0], rel=1e-12, nan_ok=True), name


def ucr_2012() -> list[dict[str, str]]:
    lines = (Path(__file__).parents[2] / "golden" / "speed_reduction_ucr_2012.csv").read_text("utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


@pytest.mark.parametrize("row", ucr_2012(), ids=lambda row: row["pollutant"])
@pytest.mark.parametrize("subtype", ["5,000 TEU", "8,000 TEU"])
def test_ucr_2012_measured_reductions_lie_within_ours_over_the_cruising_speeds(
    row: dict[str, str], subtype: str
) -> None:
    """The ships measured are not named: their figure must lie between ours for the slow and the fast end."""
    ship = ship_of_class("Container Ship", subtype)
    slow = sail(ship, 100.0, float(row["cap_kn"]), day=date(2012, 6, 1), coastal=True).of(row["pollutant"])
    low, high = (
        100.0
        * (1.0 - slow / sail(ship, 100.0, float(row[end]), day=date(2012, 6, 1), coastal=True).of(row["pollutant"]))
        for end in ("cruising_from_kn", "cruising_to_kn")
    )
    assert low < float(row["reduction_pct"]) < high
