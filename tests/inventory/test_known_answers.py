"""Stories with answers worked out by hand from EPA-420-B-22-011; every expected figure is literal, none looked up."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from sealane.inventory.batch import GRADES
from sealane.inventory.explain import explain
from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import InventoryResult, run_inventory
from sealane.movement.zones import write_zones
from tests.inventory.world import PORT, write_positions, zones

BEGIN = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp() * 1e6)
MINUTE = 60_000_000
# Near enough to one another that no cleaning rule takes the step between them for a jump, the sea apart.
SEA, AT_BERTH, IN_PORT, NEXT_BERTH = (33.30, -119.20), (33.745, -118.205), (33.745, -118.213), (33.745, -118.185)
SHIP = 366_000_001
HEADER = "mmsi,ship_class,subtype,installed_kw,max_speed_kn,max_draught_m,engine_type,aux_engine_type,keel_year\n"
FULL = '{},Container Ship,"5,000 TEU",40000,25,14,{},{},{}\n'


def story(*parts: tuple[tuple[float, float], int, float, int]) -> pd.DataFrame:
    """Reports every minute: (place, minutes, knots, status)."""
    rows, now = [], BEGIN
    for (lat, lon), minutes, knots, status in parts:
        for _ in range(0, minutes):
            rows.append((now, lat, lon, knots, status, 10.0))
            now += MINUTE
    rows.append((now, *parts[-1][0], parts[-1][2], parts[-1][3], 10.0))
    return pd.DataFrame(rows, columns=["time_us", "lat", "lon", "sog_kn", "status", "draught_m"])


def run(folder: Path, frame: pd.DataFrame, ship: str = "", **more: object) -> InventoryResult:
    path = write_positions(folder, {SHIP: frame})
    write_zones(zones(), folder / "zones.geojson")
    (folder / "vessels.csv").write_text(HEADER + (ship or FULL.format(SHIP, "SSD", "AUX-HSD", 2018)))
    return run_inventory(
        InventoryRequest(
            (path,),
            PORT,
            folder / "out",
            zones=folder / "zones.geojson",
            vessels=folder / "vessels.csv",
            **more,  # type: ignore[arg-type]
        )
    )


def sums(result: InventoryResult, *keys: str) -> pd.Series:
    return result.table("inventory").to_pandas().groupby(list(keys), observed=True).grams.sum()


def test_ten_hours_at_berth(tmp_path: Path) -> None:
    """5,000 TEU at berth: 940 kW auxiliary, 450 kW boiler (Tables E.1, E.2), MGO of 0.1 % sulphur, Tier III."""
    result = run(tmp_path, story((AT_BERTH, 600, 0.0, 5)))
    grams = sums(result, "source", "pollutant", "basis")
    aux, boiler = 9400.0, 4500.0
    pm = [0.1545 + 0.1 * bsfc * 2.247 * 7e-4 for bsfc in (217, 300)]
    expected = {
        ("auxiliary", "co2"): aux * 217 * 3.206,
        ("boiler", "co2"): boiler * 300 * 3.206,
        ("auxiliary", "nox"): aux * 2.0,
        ("boiler", "nox"): boiler * 2.0,
        ("auxiliary", "so2"): aux * 217 * 2 * 0.97753 * 0.001,
        ("boiler", "so2"): boiler * 300 * 2 * 0.97753 * 0.001,
        ("auxiliary", "pm10"): aux * pm[0],
        ("boiler", "pm10"): boiler * pm[1],
        ("auxiliary", "pm25"): aux * pm[0] * 0.92,
        ("boiler", "pm25"): boiler * pm[1] * 0.92,
        ("auxiliary", "dpm"): aux * pm[0],
        ("auxiliary", "hc"): aux * 0.4,
        ("boiler", "hc"): boiler * 0.1,
        ("auxiliary", "co"): aux * 0.9,
        ("boiler", "co"): boiler * 0.2,
        ("auxiliary", "ch4"): aux * 0.008,
        ("boiler", "ch4"): boiler * 0.002,
        ("auxiliary", "n2o"): aux * 0.029,
        ("boiler", "n2o"): boiler * 0.075,
        ("auxiliary", "co2e"): aux * (217 * 3.206 + 28 * 0.008 + 265 * 0.029),
        ("boiler", "co2e"): boiler * (300 * 3.206 + 28 * 0.002 + 265 * 0.075),
    }
    found = {(source, p): g for (source, p, basis), g in grams.items() if basis == "ttw"}
    assert found == pytest.approx(expected, rel=1e-12)


def test_main_engine_on_either_side_of_the_rules_of_load(tmp_path: Path) -> None:
    """A Tier III slow-speed engine of 40,000 kW at 10 kn (5.6 %, Tier II and low-load factor) and at 22 kn (60 %)."""
    result = run(tmp_path, story((IN_PORT, 60, 10.0, 0), (IN_PORT, 60, 22.0, 0)))
    grams = sums(result, "source", "pollutant", "basis")["main"]
    term = 1.10 * (10 / 14) ** (2 / 3)
    slow, fast = (10 / 25) ** 3 * term, (22 / 25) ** 3 * term
    assert (slow, fast) == pytest.approx((0.0562541, 0.598997), rel=1e-5)

    def llaf(a: float, x: float, b: float) -> float:
        return (a * slow**-x + b) / (a * 0.2**-x + b)

    kwh = (40_000 * slow, 40_000 * fast)
    assert grams["nox", "ttw"] == pytest.approx(kwh[0] * 14.4 * llaf(0.1255, 1.5, 10.4496) + kwh[1] * 3.4, rel=1e-12)
    assert grams["co2", "ttw"] == pytest.approx(185 * 3.206 * (kwh[0] * llaf(44.1, 1, 648.6) + kwh[1]), rel=1e-12)
    assert grams["hc", "ttw"] == pytest.approx(0.6 * (kwh[0] * llaf(0.0667, 1.5, 0.3859) + kwh[1]), rel=1e-12)
    assert grams["co", "ttw"] == pytest.approx(1.4 * (kwh[0] * llaf(0.8378, 1, 0.1548) + kwh[1]), rel=1e-12)
    so2 = [2.3735 * (14.1205 / load + 205.7169) * 0.001 - 0.4792 for load in (slow, 0.2)]
    assert grams["so2", "ttw"] == pytest.approx(
        185 * 2 * 0.97753 * 0.001 * (kwh[0] * so2[0] / so2[1] + kwh[1]), rel=1e-12
    )


def test_explanation_shows_the_tier_of_every_line(tmp_path: Path) -> None:
    """In transit below 25 % load (15.6 kn: 21 %) the row of Tier II stands behind the figure, above it Tier III's."""
    stay = (AT_BERTH, 60, 0.0, 5)
    for name, knots, tiers in (("slow", [15.6], {"2"}), ("both", [15.6, 22.0], {"2", "3"})):
        folder = tmp_path / name
        folder.mkdir()
        result = run(folder, story(stay, *[(IN_PORT, 60, v, 0) for v in knots], stay))
        call = result.table("calls")["call_id"][0].as_py()
        figure = next(f for f in explain(result.out, call, "nox").figures if f.source == "main")
        shown = {row.value for row in figure.factor_rows if row.label.startswith("ogv_nox")}
        assert shown == {{"2": 14.4, "3": 3.4}[tier] for tier in tiers}
        # The very factors that the lines multiply with, no other.
        assert shown == {line.factor_g_per_kwh for line in figure.lines}
        assert figure.adds_up


@pytest.mark.parametrize(("engine", "main_nox"), [("ST", 2.0), ("GT", 5.7)])
def test_auxiliary_diesels_of_a_steamer_keep_their_tier(tmp_path: Path, engine: str, main_nox: float) -> None:
    ship = FULL.format(SHIP, engine, "AUX-MSD", 2018)
    result = run(tmp_path, story((AT_BERTH, 60, 0.0, 5), (IN_PORT, 60, 22.0, 0)), ship)
    activity = result.table("activity").to_pandas()
    grams = sums(result, "source", "pollutant", "basis")
    assert grams["auxiliary", "nox", "ttw"] == pytest.approx(activity.aux_kwh.sum() * 2.6, rel=1e-12)
    assert grams["main", "nox", "ttw"] == pytest.approx(activity.main_kwh.sum() * main_nox, rel=1e-12)
    # Negative control: laid before 2000 she takes the Tier 0 row.
    folder = tmp_path / "old"
    folder.mkdir()
    old = run(folder, story((AT_BERTH, 60, 0.0, 5)), FULL.format(SHIP, engine, "AUX-MSD", 1999))
    assert sums(old, "pollutant", "source")["nox", "auxiliary"] == pytest.approx(940 * 13.8, rel=1e-12)


def test_drifting_hours_rest_on_an_assumption(tmp_path: Path) -> None:
    result = run(tmp_path, story((IN_PORT, 60, 0.4, 0), (AT_BERTH, 60, 0.0, 5)))
    rows = result.table("inventory").to_pandas()
    hotel = rows[rows.source.isin(["auxiliary", "boiler"]) & (rows.pollutant == "co2")]
    assert set(hotel[hotel["mode"] == "drift"].grade) == {"D"}
    assert "D" not in set(hotel[hotel["mode"] == "berth"].grade)


@pytest.mark.parametrize(("ship", "grade"), [("", "C"), (f"{SHIP},,,,,,,,\n", "D")])
def test_shore_power_is_no_better_than_the_load_it_replaces(tmp_path: Path, ship: str, grade: str) -> None:
    """Connected for the second of three hours: 940 kWh at California's 179.1 g/kWh; the worse grade."""
    (tmp_path / "shore.csv").write_text(f"mmsi,from,to\n{SHIP},2024-03-01T01:00:00Z,2024-03-01T02:00:00Z\n")
    result = run(tmp_path, story((AT_BERTH, 180, 0.0, 5)), ship, shore_power=tmp_path / "shore.csv")
    rows = result.table("inventory").to_pandas()
    shore = rows[rows.source == "shore_power"]
    assert set(shore.grade) == {grade} <= set(GRADES)
    if not ship:
        assert shore.grams.sum() == pytest.approx(940 * 179.1, rel=1e-12)
        aux = rows[(rows.source == "auxiliary") & (rows.pollutant == "nox")]
        assert aux.grams.sum() == pytest.approx(2 * 940 * 2.0, rel=1e-12)


def test_open_call_keeps_its_name_when_data_are_added_in_front(tmp_path: Path) -> None:
    """A call that begins after a silence has the same name whether or not another open call stands before it."""
    silence = 10 * 60 * MINUTE
    late = story((AT_BERTH, 120, 0.0, 5))
    late["time_us"] += 5 * 60 * MINUTE + silence
    names = []
    for k, before in enumerate([story((SEA, 60, 12.0, 0)), story((NEXT_BERTH, 120, 0.0, 5))]):
        folder = tmp_path / str(k)
        folder.mkdir()
        names.append(run(folder, pd.concat([before, late])).table("calls")["call_id"].to_pylist())
    after = f"{PORT}-{SHIP}-open-20240301T150000Z"
    assert names == [[after], [f"{PORT}-{SHIP}-open", after]]
