"""The simulated week: labelled, repeatable, with the faults it promises, and a truth that adds up."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from sealane.emissions.ship_classes import classify
from sealane.emissions.user_vessels import imo_check_digit_ok, read_user_vessels
from sealane.errors import InputError
from sealane.movement.zones import shipped_zones
from sealane.reference import load_table
from sealane.samples.los_angeles_week import MODES, PORT, SimulatedWeek, simulate_week, write_week
from sealane.samples.simulated_fleet import Plan
from sealane.samples.simulated_reports import FAULT_KINDS, REPORT_COLUMNS
from sealane.samples.simulated_tracks import inside, join_paths, places, sail, to_degrees, to_point
from sealane.samples.simulated_week import zone_polygons

SHIP_MMSI = range(772_000_001, 772_000_041)


def test_columns_and_size(week: SimulatedWeek) -> None:
    assert week.positions.column_names == list(REPORT_COLUMNS)
    assert 150_000 < week.positions.num_rows < 400_000
    assert set(SHIP_MMSI) <= set(week.positions["MMSI"].unique().to_pylist())


def test_everything_is_labelled_simulated(week: SimulatedWeek) -> None:
    names = [name for name in week.positions["VesselName"].unique().to_pylist() if name is not None]
    assert all(name.startswith("SIMULATED ") for name in names)
    assert all(len(name) <= 20 for name in names), "AIS carries 20 characters"
    assert all(row["name"].startswith("SIMULATED ") for row in week.vessels_csv)
    assert all("SIMULATED" in f["properties"]["source"] for f in week.zones["features"])


def test_mmsi_are_of_the_documented_range(week: SimulatedWeek) -> None:
    mmsi = week.positions["MMSI"].unique().to_pylist()
    ships = [m for m in mmsi if 200_000_000 <= m < 800_000_000]
    assert all(str(m).startswith("772") for m in ships)
    assert any(m >= 990_000_000 for m in mmsi), "aids to navigation"
    assert any(m < 10_000_000 for m in mmsi), "a base station"


def test_same_seed_same_week_other_seed_other_week(week: SimulatedWeek) -> None:
    small = simulate_week(seed=7, ships=6)
    again = simulate_week(seed=7, ships=6)
    assert small.positions.equals(again.positions)
    assert small.truth_energy.equals(again.truth_energy)
    assert not small.positions.equals(simulate_week(seed=8, ships=6).positions)


@pytest.mark.parametrize("ships", [0, 51])
def test_number_of_ships_is_bounded(ships: int) -> None:
    with pytest.raises(InputError, match="from 1 to 50"):
        simulate_week(ships=ships)


def test_forty_ships_with_the_promised_plans(week: SimulatedWeek) -> None:
    assert len(week.fleet) == 40
    plans = [ship.plan for ship in week.fleet]
    waits = sum("anchor" in plan for plan in plans)
    assert waits >= 13
    assert plans.count(Plan.ANCHOR) + plans.count(Plan.OPEN_END_ANCHOR) >= 2
    assert plans.count(Plan.TRANSIT) == 2
    assert week.truth_calls.num_rows == 38, "all but the two that pass without a stop"
    assert pc.sum(week.truth_calls["shifts"]).as_py() >= 6
    berth_to_berth = pc.greater_equal(week.truth_calls["berth_stops"], 2)
    assert pc.sum(berth_to_berth).as_py() >= 6
    assert week.truth_calls["arrival"].null_count >= 3
    assert week.truth_calls["departure"].null_count >= 3
    assert len({ship.ship_class for ship in week.fleet}) >= 8


def test_calls_agree_with_the_hours(week: SimulatedWeek) -> None:
    hours: dict[tuple[int, str], float] = {}
    for row in week.truth_hours.to_pylist():
        if row["call"] is not None:
            hours[row["call"], row["mode"]] = row["hours"]
    for call in week.truth_calls.to_pylist():
        for mode in MODES:
            assert call[f"{mode}_h"] == pytest.approx(hours.get((call["call"], mode), 0.0), abs=1e-9)
        if call["arrival"] and call["departure"]:
            span_h = (call["departure"] - call["arrival"]).total_seconds() / 3600
            assert sum(call[f"{mode}_h"] for mode in MODES) == pytest.approx(span_h, abs=0.01)


def test_ships_spend_their_whole_track_in_the_truth(week: SimulatedWeek) -> None:
    total = pc.sum(week.truth_hours["hours"]).as_py()
    spans = week.positions.filter(pc.is_in(week.positions["MMSI"], value_set=pc.cast(list(SHIP_MMSI), "int32")))
    by_ship = spans.group_by("MMSI").aggregate([("BaseDateTime", "min"), ("BaseDateTime", "max")])
    seen = pc.subtract(by_ship["BaseDateTime_max"], by_ship["BaseDateTime_min"]).to_numpy()
    assert total == pytest.approx(float(seen.astype("timedelta64[s]").astype(float).sum()) / 3600, rel=0.002)


def test_hotel_energy_is_load_times_hours(week: SimulatedWeek) -> None:
    ship = week.fleet[1]
    for row in week.truth_energy.to_pylist():
        if row["mmsi"] != ship.mmsi or row["source"] == "main":
            continue
        mode = "anchorage" if row["mode"] == "drift" else row["mode"]
        kw = load_table("hotel_load_epa").row(row["source"], ship.ship_class, ship.subtype, mode).value
        (hours,) = (
            h["hours"]
            for h in week.truth_hours.to_pylist()
            if (h["mmsi"], h["call"], h["mode"]) == (row["mmsi"], row["call"], row["mode"])
        )
        assert row["kwh"] == pytest.approx(kw * hours, rel=1e-12)


def test_main_engine_rests_at_berth_and_works_at_sea(week: SimulatedWeek) -> None:
    by_mode: dict[str, float] = {}
    for row in week.truth_energy.to_pylist():
        if row["source"] == "main":
            by_mode[row["mode"]] = by_mode.get(row["mode"], 0) + row["kwh"]
    moving = by_mode["transit"] + by_mode["manoeuvring"]
    assert moving > 100 * (by_mode["berth"] + by_mode["anchorage"]) > 0


def test_ships_known_by_ais_only_have_the_particulars_of_their_class(week: SimulatedWeek) -> None:
    defaults = load_table("ogv_class_defaults")
    for ship in week.fleet:
        if ship.in_file:
            continue
        told = classify(ship.ais_type, ship.length_m, ship.beam_m)
        assert (told.ship_class, told.subtype) == (ship.ship_class, ship.subtype)
        assert ship.installed_kw == defaults.row(ship.ship_class, ship.subtype, "installed_kw").value
        assert ship.draught_in_m <= ship.max_draught_m
        assert ship.draught_out_m <= ship.max_draught_m


def test_every_kind_of_fault_occurs(week: SimulatedWeek) -> None:
    assert tuple(week.faults) == FAULT_KINDS
    assert all(count > 0 for count in week.faults.values()), week.faults
    table = week.positions
    assert pc.sum(pc.equal(table["SOG"], 102.3)).as_py() >= week.faults["speed 102.3"]
    assert pc.sum(pc.equal(table["LAT"], 91.0)).as_py() >= week.faults["latitude 91, longitude 181"]
    keys = table.group_by(["MMSI", "BaseDateTime"]).aggregate([]).num_rows
    doubles = week.faults["exact duplicates"] + week.faults["ties at one second"]
    assert table.num_rows - keys == doubles
    bad = {i for i in table["IMO"].unique().to_pylist() if i and not imo_check_digit_ok(int(i[3:]))}
    assert bad


def test_reports_follow_the_truth(week: SimulatedWeek) -> None:
    """Median distance between reports and lanes or berths is that of the noise, not of the faults."""
    rows = week.positions.filter(pc.equal(week.positions["MMSI"], week.fleet[19].mmsi))
    assert week.fleet[19].plan is Plan.OPEN_BOTH
    lat, lon = rows["LAT"].to_numpy(), rows["LON"].to_numpy()
    xy = np.array([to_point(b, a) for a, b in zip(lat, lon, strict=True)])
    nearest = min(np.median(np.hypot(*(xy - b.point).T)) for b in places().berths)
    assert nearest < 10


def test_no_two_ships_share_a_berth_at_one_time(week: SimulatedWeek) -> None:
    still = week.positions.filter(pc.and_(pc.equal(week.positions["Status"], 5), pc.less(week.positions["SOG"], 0.5)))
    taken: dict[tuple[int, int], set[int]] = {}
    lat, lon = still["LAT"].to_numpy(), still["LON"].to_numpy()
    mmsi, hour = still["MMSI"].to_numpy(), still["BaseDateTime"].to_numpy().astype("datetime64[h]").astype(int)
    for number, berth in enumerate(places().berths):
        blat, blon = to_degrees(np.array([berth.point.x]), np.array([berth.point.y]))
        near = (np.abs(lat - blat) < 2e-4) & (np.abs(lon - blon) < 2e-4)
        for m, h in zip(mmsi[near].tolist(), hour[near].tolist(), strict=True):
            taken.setdefault((number, h), set()).add(m)
    assert len(taken) > 500
    assert all(len(ships) == 1 for ships in taken.values())


def test_written_files_say_simulated_and_are_read_by_the_program(tmp_path: Path) -> None:
    paths = write_week(tmp_path / "week", ships=8, with_berth_zones=True)
    assert all(path.name.startswith("SIMULATED_") for path in paths)
    vessels = read_user_vessels(paths[1])
    assert len(vessels.rows) == 1
    with paths[0].open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        first = next(reader)
    assert list(first) == list(REPORT_COLUMNS)
    assert first["BaseDateTime"][:11] == "2024-03-04T"
    readme = paths[-1].read_text(encoding="utf-8")
    assert "SIMULATED" in readme
    for path in paths[:-1]:
        assert path.name in readme
    geojson = json.loads(paths[-2].read_text(encoding="utf-8"))
    assert len(geojson["features"]) == len(places().berths)


def test_even_odd_test_of_the_truth() -> None:
    def square(low: float, high: float) -> np.ndarray:
        return np.array([[low, low], [high, low], [high, high], [low, high], [low, low]])

    x, y = np.array([5.0, 15.0, -1.0, 1.0]), np.array([5.0, 5.0, 5.0, 1.0])
    assert inside(x, y, ((square(0, 10),),)).tolist() == [True, False, False, True]
    assert inside(x, y, ((square(0, 10), square(4, 6)),)).tolist() == [False, False, False, True], "a hole"
    assert inside(x, y, ((square(0, 10),), (square(4, 6),))).tolist() == [True, False, False, True], "an overlap"


def test_anchored_ships_lie_in_the_regulatory_anchorages(week: SimulatedWeek) -> None:
    rings = zone_polygons(shipped_zones(PORT).of_kind("anchorage"))
    rows = week.positions.filter(pc.and_(pc.equal(week.positions["Status"], 1), pc.less(week.positions["SOG"], 0.3)))
    near = rows.filter(pc.and_(pc.less(rows["LAT"], 33.8), pc.greater(rows["LAT"], 33.6)))
    xy = np.array(
        [to_point(lon, lat) for lat, lon in zip(near["LAT"].to_pylist(), near["LON"].to_pylist(), strict=True)]
    )
    assert len(xy) > 1000
    assert inside(xy[:, 0], xy[:, 1], rings).mean() > 0.999


def test_paths_join_where_they_part() -> None:
    first, second = places().berths[4].path, places().berths[5].path
    joined = join_paths(first, second)
    assert joined[0] == first[-1]
    assert joined[-1] == second[-1]
    assert places().junction not in joined


def test_sailing_time_of_a_straight_passage() -> None:
    path = (to_point(-118.30, 33.60), to_point(-118.20, 33.60))
    motion = sail(path, ((1e9, 12.0),), from_rest=False, to_rest=False, accel_ms2=0.01)
    distance_m = path[1].x - path[0].x
    assert motion.t_s[-1] == pytest.approx(distance_m / (12 * 1852 / 3600), rel=1e-9)
    slow = sail(path, ((1e9, 12.0),), from_rest=True, to_rest=True, accel_ms2=0.01)
    assert slow.t_s[-1] > motion.t_s[-1]
    assert np.diff(slow.speed_ms).max() <= 0.01 * np.diff(slow.t_s).max() * 1.01
