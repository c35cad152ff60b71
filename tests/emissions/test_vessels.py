"""Particulars and their origins: the order of trust, the vote on static data, and what is left out."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.emissions.fuel_rules import regime_for
from sealane.emissions.profiles import Place, factor_sheet
from sealane.emissions.ship_classes import AUX_ENGINE_TYPES, ENGINE_TYPES
from sealane.emissions.static_data import STATIC_SUMMARY_SCHEMA, clean_name, summarise_static
from sealane.emissions.user_vessels import UserVessel, UserVessels, imo_check_digit_ok
from sealane.emissions.vessels import OriginKind, VesselRegister, resolve_vessels
from sealane.inventory.context import profile_of
from sealane.movement.positions import POSITION_SCHEMA
from sealane.reference import load_table

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def static(**values: object) -> dict[str, object]:
    row: dict[str, object] = {
        "mmsi": 799000001,
        "transceiver_class": "A",
        "imo": 9295268,
        "vessel_name": "ALFA",
        "call_sign": None,
        "ais_type": 71,
        "length_m": 334.0,
        "beam_m": 42.0,
        "draught_max_m": 12.0,
        "rows": 10,
        "first_time": T0,
        "last_time": T0,
    }
    return row | values


def resolve(*rows: dict[str, object], user: tuple[UserVessel, ...] = ()) -> VesselRegister:
    table = pa.Table.from_pylist(list(rows), schema=STATIC_SUMMARY_SCHEMA)
    return resolve_vessels(table, UserVessels("vessels.csv", user) if user else None)


def c3(ship_class: str, subtype: str, quantity: str) -> float:
    return load_table("ogv_class_defaults").row(ship_class, subtype, quantity).value


def test_a_ship_known_by_ais_only_takes_class_defaults_and_says_so() -> None:
    (ship,) = resolve(static()).ships
    assert (ship.ship_class, ship.subtype) == ("Container Ship", "12,000 TEU")
    assert ship.installed_kw == c3("Container Ship", "12,000 TEU", "installed_kw") == 61000
    assert ship.max_speed_kn == 25.9
    assert ship.engine_type == "SSD"
    assert ship.aux_engine_type == "AUX-MSD"
    assert ship.nox_tier == 1
    assert ship.origins["installed_kw"].kind is OriginKind.CLASS_DEFAULT
    assert ship.origins["ship_class"].kind is OriginKind.ASSUMPTION
    assert ship.origins["nox_tier"].kind is OriginKind.ASSUMPTION
    assert ship.origins["length_m"].kind is OriginKind.AIS
    assert (ship.main_grade, ship.hotel_grade) == ("D", "D")
    assert "line" in ship.origins["ship_class"].source


def test_the_users_file_goes_before_all_else() -> None:
    user = UserVessel(
        row=2,
        mmsi=799000001,
        imo=9295268,
        ship_class="Vehicle Carrier",
        subtype="Largest",
        installed_kw=14000,
        service_speed_kn=18.8,
        max_draught_m=10.0,
        engine_type="SSD",
        aux_engine_type="AUX-HSD",
        keel_year=2012,
        fuel="MGO",
    )
    (ship,) = resolve(static(), user=(user,)).ships
    assert (ship.ship_class, ship.subtype, ship.installed_kw) == ("Vehicle Carrier", "Largest", 14000)
    assert ship.max_speed_kn == pytest.approx(18.8 / 0.94, rel=1e-12)
    assert (ship.nox_tier, ship.main_fuel, ship.aux_engine_type) == (2, "MGO", "AUX-HSD")
    assert {ship.origins[n].kind for n in ("installed_kw", "max_speed_kn", "nox_tier")} == {OriginKind.USER}
    assert (ship.main_grade, ship.hotel_grade) == ("B", "B")
    assert "vessels.csv row 2" in ship.origins["max_speed_kn"].source


def test_a_user_row_without_mmsi_is_found_by_imo() -> None:
    user = UserVessel(row=5, imo=9295268, installed_kw=50_000)
    register = resolve(static(), static(mmsi=799000002, imo=9074729), user=(user,))
    assert [s.installed_kw for s in register.ships] == [50_000, 61_000]
    assert register.unused_user_rows == ()


def test_user_rows_that_met_no_ship_are_listed() -> None:
    register = resolve(static(), user=(UserVessel(row=7, mmsi=799000099),))
    assert register.unused_user_rows == (7,)


def test_class_without_defaults_takes_the_nearest_and_says_so() -> None:
    user = UserVessel(row=2, mmsi=799000001, ship_class="Oil Tanker", subtype="VLCC")
    (ship,) = resolve(static(), user=(user,)).ships
    assert ship.installed_kw == c3("Oil Tanker", "Suezmax", "installed_kw")
    assert "nearest listed" in ship.origins["installed_kw"].source
    assert ship.origins["installed_kw"].grade == "D"


def test_static_data_by_majority_of_reports() -> None:
    register = resolve(
        static(rows=3, vessel_name="OLD NAME", length_m=100.0),
        static(rows=50, vessel_name="ALFA@@@@", length_m=334.0),
        static(rows=60, vessel_name=None, length_m=0.0, imo=None, ais_type=0, beam_m=None),
    )
    (ship,) = register.ships
    assert (ship.name, ship.length_m, ship.imo) == ("ALFA", 334.0, 9295268)
    assert ship.static_changes == 2
    assert any("name changed" in note for note in ship.notes)


def test_ties_take_the_smallest() -> None:
    (ship,) = resolve(static(vessel_name="BRAVO"), static(vessel_name="ALFA")).ships
    assert ship.name == "ALFA"


def test_imo_with_a_wrong_check_digit_is_flagged_and_not_used() -> None:
    (ship,) = resolve(static(imo=9295269, rows=100), static(imo=9295268, rows=1)).ships
    assert ship.imo == 9295268
    assert any("9295269" in note for note in ship.notes)


@pytest.mark.parametrize(
    ("imo", "good"), [(9295268, True), (9074729, True), (9295269, False), (0, False), (None, False)]
)
def test_imo_check_digit(imo: int | None, good: bool) -> None:
    assert imo_check_digit_ok(imo) is good


@given(st.integers(100_000, 999_999))
def test_exactly_one_check_digit_is_right(stem: int) -> None:
    assert sum(imo_check_digit_ok(stem * 10 + d) for d in range(10)) == 1


@pytest.mark.parametrize(
    ("name", "expected"), [("ALFA@@@", "ALFA"), ("@@@@", None), ("", None), (None, None), (" A  B ", "A B")]
)
def test_name_padding(name: str | None, expected: str | None) -> None:
    assert clean_name(name) == expected


def test_class_b_with_type_and_imo_stays_a_ship_and_without_imo_does_not() -> None:
    register = resolve(
        static(transceiver_class="B"), static(mmsi=799000002, transceiver_class="B", imo=None, length_m=120.0)
    )
    assert [s.mmsi for s in register.ships] == [799000001]
    assert register.left_out["mmsi"].to_pylist() == [799000002]
    assert "class B" in register.left_out["reason"].to_pylist()[0]


def test_left_out_vessels_carry_reason_rule_and_rows() -> None:
    register = resolve(static(ais_type=52, length_m=30.0), static(mmsi=799000003, length_m=0.0))
    assert register.ships == ()
    assert [word in text for word, text in zip(["tug", "length"], register.left_out["reason"].to_pylist(), strict=True)]
    assert register.left_out["rows"].to_pylist() == [10, 10]
    assert register.columns.mmsi.shape == (0,)


def test_a_left_out_vessel_comes_in_when_the_user_says_what_it_is() -> None:
    user = UserVessel(row=2, mmsi=799000001, ship_class="General Cargo", subtype="5,000 DWT")
    register = resolve(static(length_m=0.0, beam_m=0.0), user=(user,))
    assert register.ships[0].ship_class == "General Cargo"
    assert register.ships[0].length_m is None


def test_reported_draught_deeper_than_the_class_default_bounds_it_from_below() -> None:
    default = c3("Container Ship", "12,000 TEU", "max_draught_m")
    (deep,) = resolve(static(draught_max_m=default + 1)).ships
    assert deep.max_draught_m == default + 1
    assert deep.origins["max_draught_m"] == (OriginKind.AIS, "D", "largest draught reported by AIS")
    (light,) = resolve(static(draught_max_m=default - 1)).ships
    assert light.max_draught_m == default


@pytest.mark.parametrize("engine", ["ST", "GT", "LNG"])
def test_tier_of_a_steamer_binds_her_auxiliary_diesels(engine: str) -> None:
    """The main engine has no tier (its factor is the Tier 0 row at any), the diesels beside it have."""
    user = UserVessel(row=2, mmsi=799000001, engine_type=engine, keel_year=2018)
    (ship,) = resolve(static(), user=(user,)).ships
    assert (ship.nox_tier, ship.keel_year) == (3, 2018)
    place = Place("north_american", "north_american", regime_for(date(2024, 1, 1), True))
    sheet = factor_sheet(profile_of(ship), place, "epa-2022", "ar5")
    rows = {(row.text("engine_group"), row.text("tier")) for part in sheet.factors for row in part["nox"].rows}
    assert rows == {("propulsion", "0"), ("auxiliary", "3"), ("boiler", "0")}


def test_unknown_tier_does_not_grade_what_it_does_not_touch() -> None:
    known = UserVessel(
        row=2,
        mmsi=799000001,
        ship_class="Container Ship",
        subtype="5,000 TEU",
        installed_kw=40_000,
        max_speed_kn=25,
        max_draught_m=14,
        engine_type="ST",
        aux_engine_type="AUX-MSD",
    )
    (steamer,) = resolve(static(), user=(known,)).ships
    assert (steamer.main_grade, steamer.hotel_grade) == ("B", "D")
    (diesel,) = resolve(static(), user=(replace(known, engine_type="SSD"),)).ships
    assert diesel.main_grade == "D"


def test_electric_drive_of_cruise_ships_comes_with_the_class() -> None:
    (ship,) = resolve(static(ais_type=60, length_m=300.0)).ships
    assert (ship.engine_type, ship.electric_drive) == ("MSD-ED", True)


def test_columns_and_table_are_in_order_of_mmsi_and_agree_with_the_ships() -> None:
    rows = [static(mmsi=m, length_m=float(length)) for m, length in [(799000009, 199), (799000002, 334)]]
    register = resolve(*rows)
    columns = register.columns
    assert columns.mmsi.tolist() == [799000002, 799000009] == register.vessels["mmsi"].to_pylist()
    for at, ship in enumerate(register.ships):
        assert columns.installed_kw[at] == ship.installed_kw == register.vessels["installed_kw"][at].as_py()
        assert ENGINE_TYPES[columns.engine[at]] == ship.engine_type
        assert AUX_ENGINE_TYPES[columns.aux_engine[at]] == ship.aux_engine_type
        assert register.hotel_classes[columns.hotel_class[at]] == (ship.ship_class, ship.subtype)
    assert columns.fuel.tolist() == [-1, -1]
    assert columns.hotel_class.dtype == np.int32


def test_every_value_of_the_table_has_origin_grade_and_source() -> None:
    table = resolve(static(), static(mmsi=799000002, imo=None, vessel_name=None)).vessels
    names = [name.removesuffix("_origin") for name in table.column_names if name.endswith("_origin")]
    assert {"installed_kw", "max_speed_kn", "nox_tier", "ship_class"} <= set(names)
    for name in names:
        for value, origin, grade, source in zip(
            *(table[c].to_pylist() for c in (name, f"{name}_origin", f"{name}_grade", f"{name}_source")), strict=True
        ):
            assert (value is None) == (origin is None) == (grade is None) == (source is None), name
            assert grade in (None, "A", "B", "C", "D")


@given(st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(rng: random.Random) -> None:
    rows = [
        static(rows=3, vessel_name="X"),
        static(rows=3, vessel_name="Y", length_m=120.0),
        static(mmsi=799000005, ais_type=80, draught_max_m=None),
        static(mmsi=799000006, ais_type=52),
    ]
    shuffled = rows[:]
    rng.shuffle(shuffled)
    assert resolve(*rows).vessels.equals(resolve(*shuffled).vessels)


def test_summarise_static_counts_distinct_messages() -> None:
    def position(minute: int, **values: object) -> dict[str, object]:
        row: dict[str, object] = dict.fromkeys(POSITION_SCHEMA.names)
        row |= {"mmsi": 799000001, "time": T0 + timedelta(minutes=minute), "lat": 33.7, "lon": -118.2}
        return row | {"vessel_name": "ALFA", "ais_type": 70, "length_m": 200.0, "draught_m": 9.0} | values

    positions = pa.Table.from_pylist(
        [position(0, vessel_name=None), position(1), position(2, draught_m=0.0), position(3, draught_m=10.5)],
        schema=POSITION_SCHEMA,
    )
    summary = summarise_static(positions)
    assert summary.schema.equals(STATIC_SUMMARY_SCHEMA)
    by_name = {row["vessel_name"]: row for row in summary.to_pylist()}
    assert (by_name["ALFA"]["rows"], by_name["ALFA"]["draught_max_m"]) == (3, 10.5)
    assert by_name["ALFA"]["first_time"] == T0 + timedelta(minutes=1)
    assert by_name[None]["rows"] == 1
    assert resolve_vessels(summary).ships[0].name == "ALFA"
