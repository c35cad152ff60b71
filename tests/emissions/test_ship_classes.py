"""Rules from AIS type and size to a class: total, without gap, and refused when they are not."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.emissions import ship_classes
from sealane.emissions.fuel_rules import tier_for_keel_year
from sealane.emissions.ship_classes import (
    AIS_TYPE_MAX,
    classify,
    find_ship_class,
    find_subtype,
    listed_classes,
    nearest_listed,
    read_ais_type_rules,
    size_units,
    subtype_from_size,
)
from sealane.errors import MissingFactorError, ReferenceDataError
from sealane.reference import load_table
from sealane.reference.loader import TABLES_DIR

TABLE = TABLES_DIR / "ais_type_to_class.csv"


@given(
    ais_type=st.none() | st.integers(-5, AIS_TYPE_MAX + 5),
    length_m=st.none() | st.floats(allow_nan=True, allow_infinity=True),
    beam_m=st.none() | st.floats(allow_nan=True, allow_infinity=True),
)
def test_every_input_is_either_a_listed_class_or_left_out_with_a_reason(
    ais_type: int | None, length_m: float | None, beam_m: float | None
) -> None:
    found = classify(ais_type, length_m, beam_m)
    assert found.grade == "D"
    if found.ship_class is None:
        assert found.subtype is None
        assert found.left_out_reason
    else:
        assert found.left_out_reason is None
        assert found.subtype in listed_classes()[found.ship_class]


@pytest.mark.parametrize(
    ("ais_type", "length_m", "beam_m", "expected"),
    [
        (70, 199, 32, ("Bulk Carrier", "Handymax")),
        (79, 289, 32, ("Container Ship", "5,000 TEU")),
        (79, 289, 45, ("Bulk Carrier", "Capesize")),
        (71, 334, 43, ("Container Ship", "12,000 TEU")),
        (70, 399, 59, ("Container Ship", "Largest")),
        (80, 274, 48, ("Oil Tanker", "Suezmax")),
        (89, 333, 60, ("Oil Tanker", "VLCC")),
        (60, 300, 38, ("Cruise", "Largest")),
        (1004, 199, 32, ("Bulk Carrier", "Handymax")),
        (1024, 274, 48, ("Oil Tanker", "Suezmax")),
    ],
)
def test_ocean_going_ships(ais_type: int, length_m: float, beam_m: float, expected: tuple[str, str]) -> None:
    found = classify(ais_type, length_m, beam_m)
    assert (found.ship_class, found.subtype) == expected


@pytest.mark.parametrize(
    ("ais_type", "length_m", "word"),
    [
        (52, 30, "tug"),
        (31, 200, "towing"),
        (30, 90, "fishing"),
        (37, 120, "pleasure"),
        (60, 94, "passenger vessel under 100 m"),
        (70, 0, "length not available"),
        (70, 40, "under 50 m"),
        (0, 300, "type not available"),
        (None, 300, "type not available"),
        (90, 200, "other"),
        (1003, 90, "barge"),
    ],
)
def test_left_out_with_the_reason(ais_type: int | None, length_m: float, word: str) -> None:
    found = classify(ais_type, length_m, 20)
    assert found.ship_class is None
    assert found.left_out_reason is not None
    assert word in found.left_out_reason


def test_bounds_are_half_open() -> None:
    assert classify(60, 99.999, 20).ship_class is None
    assert classify(60, 100.0, 20).ship_class == "Cruise"


def _edited(tmp_path: Path, edit: Callable[[list[dict[str, str]]], None]) -> Path:
    with TABLE.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        rows, names = list(reader), reader.fieldnames
    assert names is not None
    edit(rows)
    path = tmp_path / "ais_type_to_class.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_shipped_rules_tile_without_gap_or_overlap() -> None:
    assert len(read_ais_type_rules()) > 100


@pytest.mark.parametrize(
    ("what", "edit"),
    [
        ("AIS types do not run", lambda rows: rows.pop(0)),
        ("lengths do not run", lambda rows: rows.remove(next(r for r in rows if r["length_from_m"] == "200"))),
        (
            "lengths do not run",
            lambda rows: next(r for r in rows if r["length_from_m"] == "200").update(length_to_m="240"),
        ),
        ("beams do not run", lambda rows: rows.remove(next(r for r in rows if r["beam_from_m"] == "38"))),
        ("give either class", lambda rows: rows[0].update(left_out_reason="")),
    ],
)
def test_a_table_with_a_gap_is_refused(tmp_path: Path, what: str, edit: Callable[[list[dict[str, str]]], None]) -> None:
    with pytest.raises(ReferenceDataError, match=what):
        read_ais_type_rules(_edited(tmp_path, edit))


def test_every_class_finds_a_row_in_every_table() -> None:
    for ship_class, subtypes in listed_classes().items():
        for subtype in subtypes:
            taken = nearest_listed("C.3", ship_class, subtype)
            row = load_table("ogv_class_defaults").row(taken.ship_class, taken.subtype, "installed_kw")
            assert row.value > 0


def test_no_stand_in_is_named_for_a_class_that_is_listed() -> None:
    for row in load_table_of_stand_ins():
        assert not load_table("ogv_class_defaults").has(row[0], row[1], "installed_kw"), row


def load_table_of_stand_ins() -> list[tuple[str, str]]:
    table = ship_classes.read_table(ship_classes.NEAREST_SPEC)
    return [(row.text("ship_class"), row.text("subtype")) for row in table.rows]


@given(size=st.floats(0, 1e6), ship_class=st.sampled_from(["Container Ship", "Oil Tanker", "Bulk Carrier", "Cruise"]))
def test_subtype_by_size_is_total_and_grows(size: float, ship_class: str) -> None:
    (unit,) = size_units(ship_class)
    subtypes = listed_classes()[ship_class]
    here, _, _ = subtype_from_size(ship_class, unit, size)
    above, _, _ = subtype_from_size(ship_class, unit, size * 2)
    assert subtypes.index(here) <= subtypes.index(above)


def test_size_bins_are_half_open() -> None:
    assert subtype_from_size("Container Ship", "teu", 7999.9)[0] == "8,000 TEU"
    assert subtype_from_size("Container Ship", "teu", 8000)[0] == "12,000 TEU"


def test_gas_carrier_shows_which_bins_were_chosen() -> None:
    subtype, grade, source = subtype_from_size("Liquified Gas Tanker", "dwt", 18_000)
    assert (subtype, grade) == ("200,000 DWT", "D")
    assert "tool's bins are taken" in source


def test_class_without_size_bins_asks_for_the_subtype() -> None:
    with pytest.raises(MissingFactorError, match="Give the subtype"):
        subtype_from_size("Vehicle Carrier", "dwt", 20_000)


@pytest.mark.parametrize("text", ["container ship", "CONTAINER-SHIP", "Container  Ship"])
def test_class_names_are_forgiving(text: str) -> None:
    assert find_ship_class(text) == "Container Ship"
    assert find_subtype("Container Ship", "5000 teu") == "5,000 TEU"


def test_unknown_class_names_near_matches() -> None:
    with pytest.raises(MissingFactorError, match="Near: Container Ship"):
        find_ship_class("containership vessel")


@pytest.mark.parametrize(
    ("year", "tier"), [(1999, 0), (2000, 1), (2010, 1), (2011, 2), (2015, 2), (2016, 3), (2024, 3)]
)
def test_tier_by_keel_year(year: int, tier: int) -> None:
    assert tier_for_keel_year(year)[0] == tier
