"""The carbon intensity indicator: total over types, sizes and years, caps, ratings, every fault at once."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.corridors.rules import cii
from sealane.corridors.rules.cii_formula import by_hand
from sealane.corridors.rules.cii_ship_year import assess
from sealane.corridors.rules.ship_year import FuelUse, ShipYear
from sealane.emissions.ship_classes import listed_classes
from sealane.errors import DataError, MissingFactorError, ReferenceDataError
from sealane.reference import load_table, read_table
from sealane.reference.loader import TABLES_DIR

YEARS = range(2019, 2031)
SIZES = st.floats(min_value=1.0, max_value=600_000.0)


def sized(ship_type: str, size: float) -> dict[str, float]:
    return {cii.SHIP_TYPES[ship_type].lower(): size}


@given(st.sampled_from(sorted(cii.SHIP_TYPES)), SIZES, st.sampled_from(list(YEARS)))
def test_boundaries_answer_for_every_type_size_and_year(ship_type: str, size: float, year: int) -> None:
    limits = cii.boundaries(ship_type, year, **sized(ship_type, size))
    values = list(limits.as_dict().values())
    assert all(math.isfinite(value) and value > 0.0 for value in values)
    assert values == sorted(values)
    assert limits.superior < limits.required.value < limits.inferior


@pytest.mark.parametrize("ship_type", sorted(cii.SHIP_TYPES))
def test_borders_of_every_size_class_answer_once(ship_type: str) -> None:
    borders = {
        float(row.text(name))
        for table in ("cii_reference_lines", "cii_rating_boundaries")
        for row in load_table(table).find(ship_type=ship_type)
        for name in ("size_min", "size_max")
    }
    for border in borders:
        for size in (border - 0.5, border, border + 0.5):
            if 0.0 < size < math.inf:
                assert cii.boundaries(ship_type, 2026, **sized(ship_type, size)).superior > 0.0


def test_reduction_factors_run_without_a_gap_and_only_tighten() -> None:
    assert cii.years() == tuple(YEARS)
    needed = [cii.required("tanker", year, dwt=100_000.0).value for year in YEARS]
    assert needed == sorted(needed, reverse=True)
    assert cii.required("tanker", 2030, dwt=100_000.0).reduction_pct == 21.5


@pytest.mark.parametrize(
    ("ship_type", "size", "held"),
    [
        ("bulk-carrier", 400_000.0, 279_000.0),
        ("bulk-carrier", 279_000.0, 279_000.0),
        ("bulk-carrier", 278_999.0, 278_999.0),
        ("lng-carrier", 30_000.0, 65_000.0),
        ("lng-carrier", 65_000.0, 65_000.0),
        ("lng-carrier", 90_000.0, 90_000.0),
        ("ro-ro-vehicle", 75_000.0, 57_700.0),
        ("ro-ro-vehicle", 57_699.0, 57_699.0),
        ("tanker", 400_000.0, 400_000.0),
    ],
)
def test_reference_line_is_held_at_the_capacity_of_the_guideline(ship_type: str, size: float, held: float) -> None:
    line = cii.reference_line(ship_type, **sized(ship_type, size))
    assert line.capacity == held
    assert line.value == pytest.approx(line.a * held**-line.c, rel=1e-12)
    assert bool(cii.line_notes(line)) == (held != size or (ship_type == "lng-carrier" and size < 65_000.0))


def test_attained_uses_the_ships_own_capacity_where_the_line_is_held() -> None:
    """A 50,000 t LNG carrier is rated at her own deadweight although her line is read at 65,000 t."""
    result = cii.assess("lng-carrier", 2026, co2_g=5e10, distance_nm=100_000.0, dwt=50_000.0)
    assert result.attained == pytest.approx(5e10 / (50_000.0 * 100_000.0), rel=1e-15)
    assert result.boundaries.required.reference.capacity == 65_000.0


def test_lng_line_below_65000_is_the_printed_one_and_says_that_a_copy_differs() -> None:
    line = cii.reference_line("lng-carrier", dwt=50_000.0)
    assert line.a == 1.4779e14
    assert any("14479E10" in note for note in cii.line_notes(line))
    assert line.rows[0].grade == "B"
    assert cii.reference_line("lng-carrier", dwt=65_000.0).a == 1.4479e14
    # The two readings lie as far apart as the note says.
    assert 1.0 - 1.4479e14 / line.a == pytest.approx(0.020, abs=5e-4)


def test_hand_solved_case_of_the_method_page() -> None:
    """Tanker of 100,000 t in 2026: a = 5247, c = 0.610, Z = 11 %."""
    limits = cii.boundaries("tanker", 2026, dwt=100_000.0)
    reference = 5247.0 * 100_000.0**-0.610
    assert reference == pytest.approx(4.6764, abs=5e-5)
    assert limits.required.value == pytest.approx(reference * 0.89, rel=1e-12)
    assert limits.superior == pytest.approx(3.4128, abs=5e-5)
    co2, rows = cii.co2_from_fuel({"HFO": 8_000.0, "MDO/MGO": 500.0})
    assert co2 == pytest.approx((8_000 * 3.114 + 500 * 3.206) * 1e6, rel=1e-15)
    assert len(rows) == 2
    result = cii.assess("tanker", 2026, co2, 60_000.0, dwt=100_000.0)
    assert result.attained == pytest.approx(4.419167, abs=5e-7)
    assert result.rating == "C"
    assert result.margin_pct == pytest.approx(100.0 * (4.4191667 / (reference * 0.89) - 1.0), abs=1e-4)


@given(
    st.sampled_from(sorted(cii.SHIP_TYPES)),
    SIZES,
    st.sampled_from(list(YEARS)),
    st.floats(0.0, 3.0),
    st.floats(0.0, 3.0),
)
def test_a_lower_attained_cii_never_rates_worse(
    ship_type: str, size: float, year: int, one: float, other: float
) -> None:
    limits = cii.boundaries(ship_type, year, **sized(ship_type, size))
    low, high = sorted((one, other))
    needed = limits.required.value
    assert cii.rate(low * needed, limits) <= cii.rate(high * needed, limits)


def test_ratings_at_and_beside_the_boundaries() -> None:
    limits = cii.boundaries("container", 2026, dwt=100_000.0)
    at = {name: cii.rate(value, limits) for name, value in limits.as_dict().items()}
    assert at == {"superior": "B", "lower": "C", "upper": "C", "inferior": "D"}
    just = {name: cii.rate(value * (1 + 1e-12), limits) for name, value in limits.as_dict().items()}
    assert just == {"superior": "B", "lower": "C", "upper": "D", "inferior": "E"}
    assert cii.rate(limits.superior * (1 - 1e-12), limits) == "A"


def test_actions_ask_for_a_plan_after_three_years_of_d_or_one_of_e() -> None:
    assert cii.actions({2024: "D", 2025: "D"}) is None
    assert cii.actions({2023: "D", 2025: "D", 2026: "D"}) is None
    assert "2024 to 2026" in (cii.actions({2024: "D", 2025: "D", 2026: "D"}) or "")
    assert "Rated E in 2026" in (cii.actions({2026: "E"}) or "")
    assert cii.actions({2025: "E", 2026: "C"}) is None
    assert cii.actions({}) is None


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(DataError) as told:
        cii.required("contaner", 2031, dwt=-5.0, gt=math.nan)
    where = [fault.where for fault in told.value.faults]
    assert where == ["ship_type", "dwt", "gt", "year"]
    assert "Near: container" in told.value.faults[0].remedy
    assert "no reduction factor is adopted for later years" in told.value.faults[-1].remedy


def test_the_size_the_type_asks_for_is_named() -> None:
    with pytest.raises(DataError, match="gross tonnage: give gt"):
        cii.reference_line("cruise", dwt=10_000.0)
    with pytest.raises(DataError, match="deadweight in tonnes: give dwt"):
        cii.reference_line("tanker", gt=10_000.0)


@pytest.mark.parametrize(
    ("co2_g", "capacity", "distance_nm", "faults"),
    [(-1.0, 0.0, 0.0, 3), (math.nan, math.inf, -2.0, 3), (0.0, 1.0, 1.0, 0)],
)
def test_attained_refuses_what_is_no_transport_work(
    co2_g: float, capacity: float, distance_nm: float, faults: int
) -> None:
    if not faults:
        assert cii.attained(co2_g, capacity, distance_nm) == 0.0
        return
    with pytest.raises(DataError) as told:
        cii.attained(co2_g, capacity, distance_nm)
    assert len(told.value.faults) == faults


def test_ship_types_of_classes_are_types_of_the_rule_and_classes_of_epa() -> None:
    told = {name: cii.ship_type_of_class(name) for name in listed_classes()}
    assert set(told.values()) - {None} <= set(cii.SHIP_TYPES)
    assert told["Container Ship"] == "container"
    assert told["Liquified Gas Tanker"] is None  # an LNG carrier or a gas carrier: the user must say


def ship_year(**more: object) -> ShipYear:
    given = {
        "ship": "SIMULATED A",
        "year": 2026,
        "fuels": (FuelUse("HFO", 8_000.0, "outside"), FuelUse("MGO", 500.0, "intra-eea")),
        "ship_type": "tanker",
        "dwt_t": 100_000.0,
        "distance_nm": 60_000.0,
    }
    return ShipYear(**(given | more))  # type: ignore[arg-type]  # keywords of a test


def test_a_ship_year_counts_fuel_of_every_scope_whatever_its_order() -> None:
    one = assess(ship_year())
    other = assess(ship_year(fuels=tuple(reversed(ship_year().fuels))))
    assert one.attained == other.attained == pytest.approx(4.419167, abs=5e-7)
    assert one.rating == "C"
    content = one.as_dict()
    assert content["rule"] == "cii"
    assert {"attained", "required", "superior", "lower", "upper", "inferior", "rating"} <= content.keys()


def test_a_ship_year_tells_all_it_lacks() -> None:
    with pytest.raises(DataError) as told:
        assess(ship_year(ship_type=None, distance_nm=None, fuels=()))
    assert len(told.value.faults) == 3


@pytest.mark.parametrize(("fuel", "says"), [("VLSFO", "RME to RMK"), ("FAME", "MEPC.1/Circ.905"), ("nectar", "nectar")])
def test_a_fuel_without_a_cii_factor_is_asked_for(fuel: str, says: str) -> None:
    with pytest.raises(MissingFactorError, match=says.replace(".", r"\.")):
        assess(ship_year(fuels=(FuelUse(fuel, 1.0),)))


def test_by_hand_gives_a_rating_only_with_both_inputs() -> None:
    bare = by_hand("container", 2026, dwt=150_000.0)
    assert bare.attained is None and bare.rating is None
    assert list(bare.boundaries) == ["superior", "lower", "upper", "inferior"]
    half = by_hand("container", 2026, dwt=150_000.0, co2_t=10_000.0)
    assert half.rating is None and "both" in half.notes[-1]
    full = by_hand("container", 2026, dwt=150_000.0, co2_t=40_000.0, distance_nm=60_000.0)
    assert full.attained == pytest.approx(4e10 / (150_000.0 * 60_000.0))
    assert full.rating == "B"


@pytest.mark.parametrize("name", ["cii_reference_lines", "cii_rating_boundaries"])
def test_a_size_class_taken_out_is_refused(name: str, tmp_path: Path) -> None:
    """Negative control for the totality of the shipped tables."""
    table = load_table(name)
    text = (TABLES_DIR / f"{name}.csv").read_text(encoding="utf-8")
    lines = text.splitlines()
    gapped = [line for line in lines if ",gas-carrier,DWT,0,65000," not in line]
    assert len(gapped) < len(lines)
    (tmp_path / "gapped.csv").write_text("\n".join(gapped), encoding="utf-8")
    with pytest.raises(ReferenceDataError, match="gap"):
        read_table(table.spec, tmp_path / "gapped.csv")
