"""Slow steaming: published answers, a case by hand, and net never above gross."""

from __future__ import annotations

import csv
import math
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.corridors.arrival.slow_steaming import QUANTITIES, Balance, slow_steaming, slow_steaming_of
from sealane.corridors.arrival.speed_power import (
    cubic_energy_saving,
    cubic_power_saving,
    curve_classes,
    curve_load_kw,
    curve_range_kn,
    electrical_load_kw,
    slower_by_curve,
    speed_distribution,
)
from sealane.corridors.ship_energy import fleet_of, ship_of_class
from sealane.errors import DataError, MissingFactorError
from sealane.reference import load_table

GOLDEN = Path(__file__).parents[2] / "golden" / "itf_and_navigate_zcs_slow_steaming.csv"
DAY = date(2025, 3, 1)
HAND = ship_of_class(
    "Container Ship", "5,000 TEU", installed_kw=40_000, max_speed_kn=24, aux_kw={"transit": 1000, "anchorage": 1000},
    boiler_kw={"transit": 0, "anchorage": 500},
)  # fmt: skip
SHIPS = (
    HAND,
    ship_of_class("Container Ship", "14,500 TEU", keel_year=2018),
    ship_of_class("Bulk Carrier", "Panamax"),
    ship_of_class("Oil Tanker", dwt=300_000),
)


def ours() -> dict[tuple[str, str], float]:
    fast, slow = slower_by_curve(15000, 5738, 16.5, 16.5), slower_by_curve(15000, 5738, 16.5, 14.5)
    return {
        ("SPD1", "power saved [%]"): 100 * cubic_power_saving(20.0, 18.0),
        ("SPD1", "energy per nm saved [%]"): 100 * cubic_energy_saving(20.0, 18.0),
        ("16.5 kn", "energy with hotel load [MWh]"): (fast.main_kwh + fast.hotel_kwh) / 1000,
        ("14.5 kn", "energy with hotel load [MWh]"): (slow.new_main_kwh + slow.new_hotel_kwh) / 1000,
        ("NAV1", "saving with hotel load [%]"): 100 * slow.saving_share,
        ("NAV1", "saving by the cubic law alone [%]"): 100 * slow.cubic_saving_share,
    }


def test_itf_and_navigate_zcs_published_answers() -> None:
    with GOLDEN.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    found = ours()
    assert len(rows) == len(found)
    for row in rows:
        key = row["id"] if (row["id"], row["quantity"]) in found else row["inputs"].rsplit(", ", 1)[-1]
        assert found[key, row["quantity"]] == pytest.approx(float(row["published"]), abs=float(row["tolerance"]))


def test_the_curve_answers_inside_and_nowhere_else() -> None:
    assert curve_classes() == (4500, 8000, 15000)
    assert curve_load_kw(15000, 16.5) == pytest.approx(19_330)
    assert curve_load_kw(15000, 16.0) == pytest.approx((16_340 + 19_330) / 2)
    low, high = curve_range_kn(8000)
    for speed in (math.nextafter(low, 0), math.nextafter(high, 99), math.nan):
        with pytest.raises(DataError, match=r"Give kn from 5\.5 to 22\.5"):
            curve_load_kw(8000, speed)
    with pytest.raises(MissingFactorError, match="4500, 8000, 15000"):
        curve_load_kw(10_000, 16.0)
    assert electrical_load_kw(15000, "sea") == 2300
    with pytest.raises(MissingFactorError):
        electrical_load_kw(4500, "sea")
    for teu in (8000, 15000):
        speed, share = speed_distribution(teu)
        assert share.sum() == pytest.approx(1.0)
        assert (np.diff(speed) > 0).all()
    with pytest.raises(MissingFactorError, match="8000, 15000"):
        speed_distribution(4500)


def test_the_curve_rises_with_speed_and_size() -> None:
    for teu in curve_classes():
        speeds = np.linspace(*curve_range_kn(teu), 50)
        assert (np.diff([curve_load_kw(teu, v) for v in speeds]) > 0).all()
    assert curve_load_kw(4500, 16.0) < curve_load_kw(8000, 16.0) < curve_load_kw(15000, 16.0)


def test_ten_per_cent_slower_worked_by_hand() -> None:
    """docs/method/arrival.md: 4,800 nm at 16 and 14.4 kn; 13,629.63 and 9,936 kW; 100 h in port."""
    found = slow_steaming_of(HAND, 4800.0, 16.0, 0.1, day=DAY, port_h=100.0)
    energy = found.balances["energy"]
    main, slower = 40_000 * (16 / 24) ** 3 * 1.15 * 300, 9_936 * 4800 / 14.4
    assert energy.before == pytest.approx(main + 300_000)
    assert energy.after == pytest.approx(slower + 1000 * 4800 / 14.4)
    assert energy.net_share == pytest.approx(0.16942, abs=1e-5)
    assert energy.gross == pytest.approx(0.19 * main)
    assert energy.gross_share == pytest.approx(0.17701, abs=1e-5)
    assert found.more_ships_share == pytest.approx((4800 / 14.4 - 300) / 400)
    bsfc = load_table("ogv_bsfc")
    oil = [
        bsfc.row(group, engine, "RM/HFO").value / 1e6 for group, engine in (("propulsion", "SSD"), ("auxiliary", "MSD"))
    ]
    assert found.balances["fuel"].after == pytest.approx(slower * oil[0] + 1000 * 4800 / 14.4 * oil[1])
    assert found.idle_h == 0.0 and found.held_share == 0.0


def test_whole_ships_have_time_over_and_it_is_counted() -> None:
    """Six ships, 8.33 % more needed: seven, of which half a ship's time is spent at anchor."""
    found = slow_steaming_of(HAND, 4800.0, 16.0, 0.1, day=DAY, port_h=100.0, ships=6)
    assert found.new_ships == 7
    assert found.idle_h == pytest.approx((7 - 6 * (1 + 1 / 12)) * 400 / 6)
    assert found.balances["energy"].idle == pytest.approx(found.idle_h * 1500)
    shares = slow_steaming_of(HAND, 4800.0, 16.0, 0.1, day=DAY, port_h=100.0)
    assert found.balances["energy"].net == pytest.approx(shares.balances["energy"].net - found.idle_h * 1500)
    same = slow_steaming_of(HAND, 4800.0, 16.0, 0.0, day=DAY, port_h=100.0, ships=6)
    assert (same.new_ships, same.idle_h, same.balances["energy"].net) == (6, 0.0, 0.0)


def test_any_form_of_the_moment_gives_the_same() -> None:
    fleet = fleet_of([HAND], DAY, DAY)
    forms = (DAY, datetime(2025, 3, 1, 12, tzinfo=UTC), np.datetime64("2025-03-01"), np.array(["2025-03-01"], "M8[us]"))
    found = [slow_steaming(fleet, [0], 4800.0, 16.0, 0.1, time=form, port_h=100.0, ships=6) for form in forms]
    assert {one.balances["fuel"].net for one in found} == {found[0].balances["fuel"].net}


def test_nobody_is_asked_to_sail_below_the_least_speed() -> None:
    least = 24 * (0.1 / 1.15) ** (1 / 3)
    found = slow_steaming_of(HAND, 1000.0, 11.0, 0.2, day=DAY)
    assert found.new_speed_kn[0] == pytest.approx(least)
    assert found.held_share == 1.0
    slower_already = slow_steaming_of(HAND, 1000.0, 9.0, 0.2, day=DAY)
    assert slower_already.new_speed_kn[0] == 9.0
    assert slower_already.balances["energy"].net == 0.0
    asked = slow_steaming_of(HAND, 1000.0, 11.0, 0.2, day=DAY, min_speed_kn=5.0)
    assert asked.new_speed_kn[0] == pytest.approx(8.8)


def above_gross(balances: dict[str, Balance]) -> list[str]:
    """Quantities whose net saving is above gross."""
    return [name for name, b in balances.items() if b.net > b.gross + 1e-9 * max(b.before, 1.0)]


@given(
    method=st.sampled_from(["epa-2022", "imo4-2020"]),
    legs=st.lists(
        st.tuples(st.integers(0, 3), st.floats(10, 9000), st.floats(6, 26), st.floats(0, 1)), min_size=1, max_size=8
    ),
    slower=st.floats(0.0, 0.6),
    port_h=st.floats(0.0, 500.0),
    ships=st.one_of(st.none(), st.integers(1, 12)),
)
@settings(max_examples=60, deadline=None)
def test_net_is_never_above_gross(
    method: str, legs: list[tuple[int, float, float, float]], slower: float, port_h: float, ships: int | None
) -> None:
    fleet = FLEETS[method]
    index, miles, speed, share = (np.array(column) for column in zip(*legs, strict=True))
    found = slow_steaming(
        fleet, index.astype(np.int64), miles, speed, slower, time=DAY, eca_nm=miles * share, port_h=port_h, ships=ships
    )
    assert above_gross(dict(found.balances)) == []
    assert found.new_sea_h >= found.sea_h * (1 - 1e-12)
    assert found.more_ships_share >= -1e-12
    assert set(found.balances) == set(QUANTITIES)


FLEETS = {
    method: fleet_of([ship.by_method(method) for ship in SHIPS], DAY, DAY) for method in ("epa-2022", "imo4-2020")
}


def test_the_guard_of_net_against_gross_sees_a_breach() -> None:
    """Control: hotel load forgotten and consumption taken at one load, a passage at full load would break it."""
    good = slow_steaming_of(HAND, 4800.0, 16.0, 0.1, day=DAY).balances
    broken = {name: Balance(b.before, b.before - 1.01 * b.gross, 0.0, b.gross) for name, b in good.items()}
    assert above_gross(dict(good)) == []
    assert above_gross(broken) == list(QUANTITIES)


def test_imo4_saves_more_than_the_cubic_law_where_the_engine_comes_to_its_best_load() -> None:
    """Why gross takes the engine's best consumption: from 95 % load down a little is gained for each kilowatt-hour."""
    no_hotel = {"transit": 0.0}
    ship = ship_of_class("Container Ship", "5,000 TEU", method="imo4-2020", aux_kw=no_hotel, boiler_kw=no_hotel)
    fleet = fleet_of([ship], DAY, DAY)
    v = fleet.vessels
    fast = float(v.max_speed_kn[0] * (0.95 * v.eta_w[0] * v.eta_f[0] / v.delta_w[0]) ** (1 / 3))
    fuel = slow_steaming(fleet, 0, 1000.0, fast, 0.06, time=DAY).balances["fuel"]
    cubic = cubic_energy_saving(1.0, 0.94)
    assert fuel.net_share > cubic + 1e-4
    assert fuel.net <= fuel.gross


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"slower_share": 10.0}, "looks like per cent"),
        ({"port_h": -1.0}, "port_h"),
        ({"ships": 0}, "ships"),
        ({"min_speed_kn": 0.0}, "min_speed_kn"),
    ],
)
def test_values_out_of_range_are_refused(change: dict[str, float], said: str) -> None:
    arguments: dict[str, object] = {"distance_nm": 100.0, "speed_kn": 15.0, "slower_share": 0.1} | change
    with pytest.raises(DataError, match=said):
        slow_steaming_of(HAND, day=DAY, **arguments)  # type: ignore[arg-type]  # wrong on purpose
