"""A passage costs here what it costs in an inventory; arrays say what single answers say."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inventory.test_kernel_against_reference import MMSI, context_of, register_of, tracks_of
from tests.inventory.world import track

from sealane.corridors import fleet_energy
from sealane.corridors.leg_pricing import price_items
from sealane.corridors.ship_energy import (
    DEFAULT_POLLUTANTS,
    FUEL_NAMES,
    fleet_of,
    sail,
    sail_many,
    ship_of_class,
    ship_of_particulars,
    stay,
    stay_many,
    total,
)
from sealane.emissions.layout import MODE_NAMES, PRICED, SOURCE_NAMES
from sealane.emissions.pricing import price
from sealane.errors import DataError, MissingFactorError
from sealane.inventory.batch import compute
from sealane.movement import compiled
from sealane.reference import load_table

DAY = date(2025, 3, 1)
BOX = ship_of_class("container ship", teu=8000)
TIER3 = ship_of_class("Container Ship", "14,500 TEU", keel_year=2018)
WHEN = {"HFO": datetime(2019, 12, 31, tzinfo=UTC), "VLSFO": datetime(2020, 1, 5, tzinfo=UTC)}


@pytest.mark.parametrize("method", ["epa-2022", "imo4-2020"])
@pytest.mark.parametrize("seed", [3, 8])
def test_load_lines_of_an_inventory_cost_here_what_they_cost_there(method: str, seed: int) -> None:
    """Real kernel, made-up track: every line priced again as a passage or stay gives the inventory's grams."""
    register = register_of([MMSI])
    batch = compute(tracks_of({MMSI: track(seed)}), context_of(register, method))
    ship = ship_of_particulars(register.ships[0], method=method)
    fleet = fleet_of([ship], datetime(2019, 12, 30, tzinfo=UTC), datetime(2020, 1, 10, tzinfo=UTC))
    ours: dict[tuple[str, str, str, str], float] = {}
    modes = set()
    for line in batch.tables["load_lines"].to_pylist():
        inside = line["regime"].startswith("north_american")
        when = WHEN["HFO" if "HFO" in line["regime"] else "VLSFO"] if not inside else WHEN["VLSFO"]
        if line["mode"] in ("transit", "manoeuvring"):
            length = line["speed_kn"] * line["hours"]
            priced = sail_many(
                fleet, 0, length, line["speed_kn"], time=when, eca_nm=length if inside else 0.0, mode="by_load",
                draught_m=line["draught_m"] or np.nan, coastal=line["sea_margin"] == 0.1, pollutants=PRICED,
                by_source=True,
            )  # fmt: skip
            assert priced.load[0] == pytest.approx(line["load"], rel=1e-12)
            sources = SOURCE_NAMES
        else:  # the main engine may turn over slowly in an anchorage; hotel loads are what a stay is
            area = 1 if inside else 0
            priced = stay_many(
                fleet, 0, line["hours"], line["mode"], time=when, area=area, pollutants=PRICED, by_source=True
            )
            sources = SOURCE_NAMES[1:]
        modes.add(line["mode"])
        for source in sources:
            grams = dict(zip(PRICED, priced.grams[0, SOURCE_NAMES.index(source)].tolist(), strict=True))
            for name in PRICED[:-1]:
                key = (line["mode"], source, name, "ttw")
                ours[key] = ours.get(key, 0.0) + grams[name]
            key = (line["mode"], source, "co2e", "wtw")
            ours[key] = ours.get(key, 0.0) + grams["co2e"] + grams["wtt_co2e"]
    theirs: dict[tuple[str, str, str, str], float] = {}
    for row in batch.tables["inventory"].to_pylist():
        key = (row["mode"], row["source"], row["pollutant"], row["basis"])
        theirs[key] = theirs.get(key, 0.0) + row["grams"]
    compared = [key for key in theirs if key in ours]
    assert len(compared) > 60
    assert {"transit", "manoeuvring", "berth"} <= modes
    for key in compared:
        assert ours[key] == pytest.approx(theirs[key], rel=1e-10), key


def test_the_comparison_with_the_inventory_would_show_a_wrong_sea_margin() -> None:
    """Control for the test above: the coastal margin instead of that at sea moves the main engine's grams."""
    there = sail(BOX, 100.0, 20.0, day=DAY)
    here = sail(BOX, 100.0, 20.0, day=DAY, coastal=True)
    assert here.main_kwh == pytest.approx(there.main_kwh * 1.10 / 1.15)
    assert here.of("co2") != pytest.approx(there.of("co2"), rel=1e-3)


def test_a_passage_worked_by_hand() -> None:
    """40 MW, 24 kn, 18 kn: (18/24)^3 x 1.15 = 0.48515625; 432 nm take 24 h; 195 g/kWh of VLSFO."""
    ship = ship_of_class(
        "Container Ship", "5,000 TEU", installed_kw=40_000, max_speed_kn=24, aux_kw={"transit": 1000},
        boiler_kw={"transit": 0},
    )  # fmt: skip
    passage = sail(ship, 432.0, 18.0, day=DAY)
    assert passage.hours == pytest.approx(24.0)
    assert passage.main_kwh == pytest.approx(40_000 * 0.48515625 * 24)
    assert passage.aux_kwh == pytest.approx(24_000)
    assert passage.boiler_kwh == 0.0
    main = load_table("ogv_bsfc").row("propulsion", "SSD", "RM/HFO").value
    aux = load_table("ogv_bsfc").row("auxiliary", "MSD", "RM/HFO").value
    expected = (passage.main_kwh * main + 24_000 * aux) / 1e6
    assert passage.fuel_t == {"VLSFO": pytest.approx(expected, rel=1e-12)}
    assert passage.of("co2") == pytest.approx(expected * 1e6 * 3.114, rel=1e-12)
    assert passage.wtw_co2e_g == pytest.approx(passage.ttw_co2e_g + passage.of("wtt_co2e"))


def test_miles_inside_a_control_area_burn_its_fuel() -> None:
    passage = sail(BOX, 500.0, 16.0, day=DAY, eca_nm=200.0)
    assert set(passage.fuel_t) == {"VLSFO", "MGO"}
    apart = total((sail(BOX, 300.0, 16.0, day=DAY), sail(BOX, 200.0, 16.0, day=DAY, eca_nm=200.0)))
    for pollutant in passage.grams:
        assert passage.of(pollutant) == pytest.approx(apart.of(pollutant), rel=1e-12)
    assert passage.fuel_t["MGO"] == pytest.approx(apart.fuel_t["MGO"], rel=1e-12)


def test_tier_three_binds_inside_its_area_only() -> None:
    outside = sail(TIER3, 100.0, 18.0, day=DAY)
    inside = sail(TIER3, 100.0, 18.0, day=DAY, eca_nm=100.0)
    assert inside.grams["nox"]["main"] / outside.grams["nox"]["main"] < 0.3
    slow = sail(TIER3, 100.0, 10.0, day=DAY, eca_nm=100.0)  # below 25 % load it emits at Tier II
    assert slow.grams["nox"]["main"] / slow.main_kwh > 2.0 * inside.grams["nox"]["main"] / inside.main_kwh


def test_shore_power_takes_the_auxiliary_engines_and_leaves_the_boiler() -> None:
    aux, boiler = BOX.hotel_kw("berth")
    call = stay(BOX, 30.0, "berth", day=DAY, inside_eca=True, shore_power_h=20.0, grid_g_per_kwh=200.0)
    assert call.shore_kwh == pytest.approx(20.0 * aux)
    assert call.aux_kwh == pytest.approx(10.0 * aux)
    assert call.boiler_kwh == pytest.approx(30.0 * boiler)
    assert call.main_kwh == 0.0
    assert call.shore_co2e_g == pytest.approx(20.0 * aux * 200.0)
    assert call.wtw_co2e_g == pytest.approx(call.of("co2e") + call.of("wtt_co2e") + call.shore_co2e_g)
    with pytest.raises(MissingFactorError, match="carbon intensity of the grid"):
        stay(BOX, 30.0, "berth", day=DAY, inside_eca=True, shore_power_h=20.0)


@given(
    legs=st.lists(
        st.tuples(st.integers(0, 1), st.floats(0.0, 8000.0), st.floats(3.0, 24.0), st.floats(0.0, 1.0)),
        min_size=1,
        max_size=12,
    )
)
@settings(max_examples=40, deadline=None)
def test_arrays_say_what_single_passages_say(legs: list[tuple[int, float, float, float]]) -> None:
    ships = (BOX, TIER3)
    fleet = fleet_of(ships, DAY, DAY)
    index, miles, speed, share = (np.array(column) for column in zip(*legs, strict=True))
    many = sail_many(fleet, index.astype(np.int64), miles, speed, time=DAY, eca_nm=miles * share)
    for at, (ship, length, knots, part) in enumerate(legs):
        one = sail(ships[ship], length, knots, day=DAY, eca_nm=length * part)
        assert many.hours[at] == pytest.approx(one.hours, rel=1e-12)
        assert many.kwh[at].sum() == pytest.approx(one.kwh, rel=1e-12)
        assert many.fuel_t[at].sum() == pytest.approx(math.fsum(one.fuel_t.values()), rel=1e-12)
        for name in DEFAULT_POLLUTANTS:
            assert many.of(name)[at] == pytest.approx(one.of(name), rel=1e-12)
        assert many.of("wtw_co2e")[at] == pytest.approx(one.wtw_co2e_g, rel=1e-12)


def test_the_order_of_passages_moves_no_digit() -> None:
    fleet = fleet_of((BOX, TIER3), date(2019, 6, 1), date(2025, 6, 1))
    rng = np.random.default_rng(5)
    n = 500
    index, miles, speed = rng.integers(0, 2, n), rng.uniform(1, 6000, n), rng.uniform(4, 22, n)
    time = np.datetime64("2019-06-01", "us") + rng.integers(0, 2000, n).astype("timedelta64[D]")
    straight = sail_many(fleet, index, miles, speed, time=time, eca_nm=miles / 3)
    order = rng.permutation(n)
    mixed = sail_many(fleet, index[order], miles[order], speed[order], time=time[order], eca_nm=miles[order] / 3)
    assert mixed.grams.tobytes() == straight.grams[order].tobytes()
    assert mixed.fuel_t.tobytes() == straight.fuel_t[order].tobytes()
    burnt = dict(zip(FUEL_NAMES, straight.fuel_t.sum(axis=0).tolist(), strict=True))
    assert burnt["HFO"] > 0 and burnt["VLSFO"] > 0 and burnt["MGO"] > 0 and burnt["LNG"] == 0.0


def test_what_is_known_goes_before_the_class_and_says_so() -> None:
    ship = ship_of_class("container", teu=8000, installed_kw=51_000, service_speed_kn=23.5, aux_kw={"berth": 900})
    assert ship.installed_kw == 51_000
    assert ship.max_speed_kn == pytest.approx(23.5 / 0.94)
    assert ship.hotel_kw("berth")[0] == 900
    assert ship.hotel_kw("transit") == BOX.hotel_kw("transit")
    assert ship.origins["installed_kw"].kind.value == "user file"
    assert ship.origins["max_draught_m"].kind.value == "class default"
    assert ship.by_method("imo4-2020").hotel_kw("berth")[0] == 900
    assert BOX.by_method("imo4-2020").hotel_kw("berth") != BOX.hotel_kw("berth")
    assert len(BOX.aux_kw) == len(MODE_NAMES)


def test_all_faults_at_once() -> None:
    fleet = fleet_of((BOX,), DAY, DAY)
    with pytest.raises(DataError) as refused:
        sail_many(fleet, [0, 3, 0], [10.0, -1.0, 10.0], [0.0, 12.0, 12.0], time=DAY, eca_nm=[0.0, 0.0, 11.0], mode="no")
    said = [fault.where for fault in refused.value.faults]
    assert said == [
        "ship_index, item 1",
        "distance_nm, item 1",
        "speed_kn, item 0",
        "eca_nm, item 1",
        "eca_nm, item 2",
        "mode",
    ]
    with pytest.raises(DataError, match="hours, item 0"):
        stay_many(fleet, 0, -1.0, "berth", time=DAY)
    with pytest.raises(DataError, match="shore_power_h, item 0"):
        stay_many(fleet, 0, 1.0, "berth", time=DAY, shore_power_h=2.0)
    with pytest.raises(DataError, match="methods"):
        fleet_of((BOX, BOX.by_method("imo4-2020")), DAY, DAY)
    with pytest.raises(DataError, match="mode"):
        ship_of_class("container", teu=8000, aux_kw={"asleep": 1.0})


def test_what_is_not_published_is_not_guessed() -> None:
    with pytest.raises(MissingFactorError, match="No ship class"):
        ship_of_class("submarine", "Large")
    with pytest.raises(DataError, match="Give teu, or the subtype"):
        ship_of_class("container ship")
    with pytest.raises(MissingFactorError, match="No fuel rule"):
        sail(BOX, 10.0, 10.0, day=date(1999, 1, 1))
    with pytest.raises(MissingFactorError, match="bc"):
        sail(BOX, 10.0, 10.0, day=DAY).of("bc")


def test_how_the_items_are_divided_over_threads_moves_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = fleet_of((BOX, TIER3), DAY, DAY)
    rng = np.random.default_rng(6)
    index, miles, speed = rng.integers(0, 2, 1000), rng.uniform(1, 6000, 1000), rng.uniform(4, 22, 1000)
    whole = sail_many(fleet, index, miles, speed, time=DAY, eca_nm=miles / 4, by_source=True)
    monkeypatch.setattr(fleet_energy, "ITEMS_PER_PART", 37)
    divided = sail_many(fleet, index, miles, speed, time=DAY, eca_nm=miles / 4, by_source=True)
    for name in ("load", "kwh", "source_fuel_t", "grams"):
        assert getattr(divided, name).tobytes() == getattr(whole, name).tobytes()


def test_kept_machine_code_of_corridors_is_thrown_away_when_corridors_change() -> None:
    inner, outer = compiled._stamp_of(price.py_func), compiled._stamp_of(price_items.py_func)
    assert inner == compiled.code_stamp()
    assert outer.startswith(inner) and outer != inner
