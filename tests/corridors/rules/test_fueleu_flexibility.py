"""Banking, borrowing and pooling: what they conserve, and what the regulation does not allow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sealane.corridors.rules.fueleu import FuelEuResult, assess, penalty_eur
from sealane.corridors.rules.fueleu_flexibility import (
    Measure,
    borrowing_cap_g,
    pool,
    pool_faults,
    repayment_g,
    settle,
)
from sealane.corridors.rules.ship_year import FuelUse, ShipYear
from sealane.errors import DataError

BASE = assess(ShipYear("Alpha", 2025, (FuelUse("HFO", 1000.0),)))
AMOUNT = st.floats(-1e12, 1e12).map(lambda value: round(value, 3))


def result(balance_g: float, ship: str = "Alpha", year: int = 2025, deficit_years: int = 1) -> FuelEuResult:
    return replace(BASE, ship=ship, year=year, balance_g=balance_g, deficit_years=deficit_years, energy_mj=1e8)


def test_pool_of_the_public_extract_s_example() -> None:
    """Five ships, sum +30: the allocation given there is valid, and ours leaves no deficit at all."""
    before = {"A": 200.0, "B": -30.0, "C": -50.0, "D": 10.0, "E": -100.0}
    after = pool(before)
    assert math.fsum(after.values()) == pytest.approx(30.0, rel=1e-12)
    assert after["B"] == after["C"] == after["E"] == 0.0
    assert after["A"] == pytest.approx(30 * 200 / 210, rel=1e-12)
    assert pool_faults(before, {"A": 30.0, "B": 0.0, "C": 0.0, "D": 0.0, "E": 0.0}) == []


@given(balances=st.dictionaries(st.sampled_from("ABCDEFGH"), AMOUNT, min_size=1))
def test_pooling_conserves_the_balance_and_no_ship_leaves_worse_off_than_allowed(balances: dict[str, float]) -> None:
    total, scale = math.fsum(balances.values()), math.fsum(map(abs, balances.values()))
    if total < -1e-9 * scale:
        with pytest.raises(DataError, match="Add surplus"):
            pool(balances)
        return
    after = pool(balances)
    assert math.fsum(after.values()) == pytest.approx(total, abs=2e-9 * scale)
    for ship, was in balances.items():
        assert after[ship] >= min(was, 0.0)
        assert after[ship] >= 0.0


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"A": 40.0, "B": -10.0}, None),
        ({"A": 80.0, "B": -60.0}, "sum"),
        ({"A": 90.0, "B": -60.0}, "larger one"),
        ({"A": -5.0, "B": 35.0}, "must not leave with a deficit"),
        ({"A": 10.0, "B": 0.0}, "no more and no less"),
    ],
)
def test_conditions_of_a_pool(after: Mapping[str, float], said: str | None) -> None:
    found = " ".join(map(str, pool_faults({"A": 80.0, "B": -50.0}, after)))
    assert (said in found) if said else found == ""


def test_banking_by_hand() -> None:
    found = settle([result(100e6), result(-60e6, year=2026)], [Measure("Alpha", 2025, "bank", 70.0)])
    first, second = found.years
    assert (first.banked_g, first.verified_g, first.penalty_eur) == (70e6, 30e6, 0.0)
    assert (second.banked_before_g, second.adjusted_g, second.verified_g) == (70e6, 10e6, 10e6)
    assert found.banked_g == {"Alpha": 0.0}


def test_banked_surplus_does_not_expire() -> None:
    measures = [Measure("Alpha", 2025, "bank"), Measure("Alpha", 2026, "bank")]
    found = settle([result(100.0), result(10.0, year=2026), result(-105.0, year=2027)], measures)
    assert [entry.verified_g for entry in found.years] == [0.0, 0.0, 5.0]


def test_borrowing_by_hand() -> None:
    cap = borrowing_cap_g(2025, 1e8)
    assert cap == pytest.approx(0.02 * 89.3368 * 1e8, rel=1e-15)
    found = settle([result(-1e8), result(3e8, year=2026)], [Measure("Alpha", 2025, "borrow")])
    first, second = found.years
    assert (first.borrowed_g, first.verified_g, first.penalty_eur, first.deficit_years) == (1e8, 0.0, 0.0, 0)
    assert second.repaid_g == repayment_g(1e8) == pytest.approx(1.1e8, rel=1e-15)
    assert second.verified_g == pytest.approx(1.9e8, rel=1e-15)


def test_what_is_borrowed_at_the_end_stays_owed() -> None:
    found = settle([result(-1e8)], [Measure("Alpha", 2025, "borrow")])
    assert found.to_repay_g["Alpha"] == pytest.approx(1.1e8, rel=1e-15)


def test_borrowing_at_the_cap_and_just_above() -> None:
    cap = borrowing_cap_g(2025, 1e8)
    assert settle([result(-cap)], [Measure("Alpha", 2025, "borrow")]).years[0].verified_g == 0.0
    with pytest.raises(DataError, match="At most 2 %"):
        settle([result(-cap * 1.000001)], [Measure("Alpha", 2025, "borrow")])


def test_borrowing_not_in_two_consecutive_periods() -> None:
    years = [result(-1e6, year=2025), result(-1e6, year=2026), result(-1e6, year=2027)]
    with pytest.raises(DataError, match="two consecutive periods"):
        settle(years, [Measure("Alpha", 2025, "borrow"), Measure("Alpha", 2026, "borrow")])
    found = settle(years, [Measure("Alpha", 2025, "borrow"), Measure("Alpha", 2027, "borrow")])
    assert [entry.borrowed_g > 0 for entry in found.years] == [True, False, True]


@pytest.mark.parametrize(
    ("measures", "said"),
    [
        ([Measure("Alpha", 2025, "borrow")], "Only a deficit"),
        ([Measure("Alpha", 2025, "bank", 2.0)], "at most the surplus"),
        ([Measure("Alpha", 2025, "sell")], "bank, borrow, pool"),
        ([Measure("Beta", 2025, "bank")], "Give a ship and year assessed"),
        ([Measure("Alpha", 2025, "bank"), Measure("Alpha", 2025, "pool", pool="p")], "a second measure"),
        ([Measure("Alpha", 2025, "pool")], "Name the pool"),
        ([Measure("Alpha", 2025, "bank", 0.0)], "above 0"),
        ([Measure("Alpha", 2025, "borrow", 1.0)], "the deficit itself is borrowed"),
    ],
)
def test_what_is_not_allowed(measures: list[Measure], said: str) -> None:
    with pytest.raises(DataError, match=said):
        settle([result(1e6)], measures)


def test_a_deficit_cannot_be_banked_and_all_faults_come_at_once() -> None:
    years = [result(-1e6), result(1e6, "Beta"), result(-9e6, "Gamma"), result(1e6, "Delta")]
    measures = [
        Measure("Alpha", 2025, "bank"),
        Measure("Beta", 2025, "borrow"),
        Measure("Gamma", 2025, "pool", pool="p"),
        Measure("Delta", 2025, "pool", pool="p"),
    ]
    with pytest.raises(DataError) as caught:
        settle(years, measures)
    assert len(caught.value.faults) == 3


def test_amounts_for_some_ships_of_a_pool_only() -> None:
    years = [result(9e6), result(-1e6, "Beta")]
    measures = [Measure("Alpha", 2025, "pool", 8.0, "p"), Measure("Beta", 2025, "pool", None, "p")]
    with pytest.raises(DataError, match="for every ship of the pool, or for none"):
        settle(years, measures)
    given = [Measure("Alpha", 2025, "pool", 8.5, "p"), Measure("Beta", 2025, "pool", -0.5, "p")]
    assert [entry.verified_g for entry in settle(years, given).years] == [8.5e6, -0.5e6]


def test_the_same_ship_and_year_twice_is_refused() -> None:
    with pytest.raises(DataError, match="assessed twice"):
        settle([result(1.0), result(2.0)])


def test_consecutive_deficits_raise_the_penalty_and_a_gap_or_a_surplus_ends_them() -> None:
    balances = {2025: -1e9, 2026: -1e9, 2027: 1.0, 2028: -1e9, 2030: -1e9}
    found = settle([result(balance, year=year) for year, balance in balances.items()]).years
    assert [entry.deficit_years for entry in found] == [1, 2, 0, 1, 1]
    alone = penalty_eur(-1e9, BASE.intensity_g_per_mj)
    assert [entry.penalty_eur for entry in found] == pytest.approx([alone, alone * 1.1, 0.0, alone, alone])


def test_a_first_year_goes_on_from_what_its_result_carries() -> None:
    found = settle([result(-1e9, deficit_years=3), result(-1e9, year=2026)]).years
    assert [entry.deficit_years for entry in found] == [3, 4]


CHOICE = st.sampled_from(["", "", "bank", "borrow", "pool"])


@given(
    balances=st.dictionaries(
        st.tuples(st.sampled_from("ABC"), st.integers(2025, 2030)), st.floats(-1.5e8, 4e8), min_size=1
    ),
    data=st.data(),
)
def test_the_ledger_closes(balances: dict[tuple[str, int], float], data: st.DataObject) -> None:
    """Over all ships and years: verified + in the bank = initial, less ten per cent of what was borrowed and repaid,
    plus what is borrowed and still owed. Banking and pooling alone change nothing in the sum."""
    measures = []
    for ship, year in sorted(balances):
        action = data.draw(CHOICE)
        if action:
            measures.append(Measure(ship, year, action, pool="p" if action == "pool" else ""))
    results = [result(balance, ship, year) for (ship, year), balance in balances.items()]
    try:
        found = settle(results, measures)
    except DataError:
        assume(False)  # such measures are not allowed; what is allowed must close
        return
    initial = math.fsum(balances.values())
    verified = math.fsum(entry.verified_g for entry in found.years)
    borrowed = math.fsum(entry.borrowed_g for entry in found.years)
    repaid = math.fsum(entry.repaid_g for entry in found.years)
    banked = math.fsum(found.banked_g.values())
    scale = math.fsum(map(abs, balances.values())) + 1.0
    assert verified + banked == pytest.approx(initial + borrowed - repaid, abs=1e-6 * scale)
    assert math.fsum(found.to_repay_g.values()) == pytest.approx(1.1 * borrowed - repaid, abs=1e-6 * scale)
    if not borrowed:
        assert verified + banked == pytest.approx(initial, abs=1e-6 * scale)
    assert all(entry.penalty_eur >= 0.0 for entry in found.years)


@given(balances=st.lists(st.floats(-1e8, 1e8), min_size=2, max_size=6))
def test_the_order_of_ships_and_years_does_not_matter(balances: list[float]) -> None:
    results = [result(balance, "AB"[n % 2], 2025 + n // 2) for n, balance in enumerate(balances)]
    assert settle(results) == settle(results[::-1])


def test_surplus_that_is_left_unused_is_told_with_its_amount() -> None:
    """Pool of +100 and -40: Alpha leaves with 60 that nobody may use; banked in full or all given, nothing is told."""
    ships = [result(100e6), result(-40e6, ship="Beta")]
    pooled = settle(ships, [Measure(ship, 2025, "pool", pool="one") for ship in ("Alpha", "Beta")])
    assert pooled.notes == (
        "Alpha leaves the pool with 60 t CO2e of surplus in 2025 that are neither banked nor given to another ship, "
        "and so are lost here.",
    )
    assert settle([result(100e6)], [Measure("Alpha", 2025, "bank")]).notes == ()
    assert "leaves the period with 70 t" in settle([result(100e6)], [Measure("Alpha", 2025, "bank", 30.0)]).notes[0]
    even = [result(40e6), result(-40e6, ship="Beta")]
    assert settle(even, [Measure(ship, 2025, "pool", pool="one") for ship in ("Alpha", "Beta")]).notes == ()
