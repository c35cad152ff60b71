"""EU ETS maritime on a ship-year: phase-in, scope, gases, zero-rated carbon, price."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.corridors.fuels import pathway
from sealane.corridors.rules.eu_ets import assess, gas_rows, phase_in, phase_in_row, price_path, price_path_names
from sealane.corridors.rules.ship_year import SCOPES, FuelUse, ShipYear
from sealane.errors import DataError, MissingFactorError
from sealane.reference import load_table


def ship(*uses: FuelUse, year: int = 2026, gt: float | None = None) -> ShipYear:
    return ShipYear("Alpha", year, uses, gt=gt)


@pytest.mark.parametrize(("year", "share"), [(2024, 0.4), (2025, 0.7), (2026, 1.0), (2027, 1.0), (2060, 1.0)])
def test_phase_in(year: int, share: float) -> None:
    assert phase_in_row(year).value == share
    result = assess(ship(FuelUse("HFO", 1000.0), year=year))
    assert result.allowances_t == pytest.approx(share * result.covered_co2e_t, rel=1e-15)


def test_before_2024_it_is_clear_that_shipping_is_not_covered() -> None:
    with pytest.raises(DataError, match="first year is 2024"):
        assess(ship(FuelUse("HFO", 1.0), year=2023))
    assert phase_in([2022, 2023, 2024]).tolist() == [0.0, 0.0, 0.4]


def test_ch4_and_n2o_count_from_2026_with_potentials_28_and_265() -> None:
    before, after = (assess(ship(FuelUse("HFO", 1000.0), year=year)) for year in (2025, 2026))
    assert before.covered_co2e_t == pytest.approx(3114.0, rel=1e-15)
    assert after.covered_co2e_t == pytest.approx(3114.0 + 28 * 0.05 + 265 * 0.18, rel=1e-14)
    assert [row.value for row in gas_rows(2025)] == [1.0, 0.0, 0.0]
    assert [row.value for row in gas_rows(2026)] == [1.0, 1.0, 1.0]
    assert any("CH4 and N2O" in note for note in before.notes)
    assert not any("CH4 and N2O" in note for note in after.notes)


@pytest.mark.parametrize(("scope", "share"), [("intra-eea", 1), ("at-berth", 1), ("extra-eea", 0.5), ("outside", 0)])
def test_scope(scope: str, share: float) -> None:
    assert assess(ship(FuelUse("HFO", 1000.0, scope))).co2_t == pytest.approx(3114.0 * share, rel=1e-15, abs=0.0)


def test_slip_leaves_as_methane_and_does_not_burn() -> None:
    result = assess(ship(FuelUse("LNG", 1000.0, consumer="otto-medium")))
    assert result.co2_t == pytest.approx(1000 * (1 - 0.031) * 2.75, rel=1e-14)
    assert result.ch4_t == pytest.approx(31.0, rel=1e-14)
    assert result.covered_co2e_t == pytest.approx(result.co2_t + 28 * 31 + 265 * 1000 * 0.969 * 0.00011, rel=1e-13)


def test_certified_biofuel_counts_no_co2_and_the_other_gases_still_do() -> None:
    certified = assess(ship(FuelUse("HVO", 1000.0, e_g_per_mj=16.0)))
    assert (certified.co2_t, certified.zero_rated_co2_t) == (0.0, pytest.approx(3115.0))
    assert certified.covered_co2e_t == pytest.approx(28 * 0.05 + 265 * 0.18, rel=1e-13)
    bare = assess(ship(FuelUse("HVO", 1000.0)))
    assert (bare.co2_t, bare.zero_rated_co2_t) == (pytest.approx(3115.0), 0.0)
    assert any("Without a certificate the CO2 of HVO counts in full" in note for note in bare.notes)


def test_only_biogenic_or_captured_carbon_is_zero_rated() -> None:
    """A certificate of a low-carbon or fossil fuel takes no combustion carbon away."""
    certified = pathway("HVO", e_g_per_mj=16.0)
    for pathway_class, zero in (("bio", True), ("rfnbo", True), ("low-carbon", False), ("fossil", False)):
        own = (replace(certified, fuel="own", pathway_class=pathway_class),)
        assert (assess(ship(FuelUse("own", 1000.0)), own=own).co2_t == 0.0) is zero


def test_a_fossil_fuel_s_given_well_to_tank_zero_rates_nothing() -> None:
    assert assess(ship(FuelUse("HFO", 1000.0, wtt_g_per_mj=-70.0))).zero_rated_co2_t == 0.0


def test_well_to_tank_is_not_needed() -> None:
    assert assess(ship(FuelUse("e-ammonia", 1000.0))).co2_t == 0.0


@pytest.mark.parametrize(("gt", "applies"), [(4999.9, False), (5000.0, True), (None, True)])
def test_size(gt: float | None, applies: bool) -> None:
    result = assess(ship(FuelUse("HFO", 1000.0), gt=gt))
    assert result.applies is applies
    assert (result.allowances_t > 0.0) is applies


def test_price_by_the_user_or_by_a_named_path() -> None:
    assert math.isnan(assess(ship(FuelUse("HFO", 1.0))).cost)
    priced = assess(ship(FuelUse("HFO", 1000.0)), price_per_t=70.0)
    assert (priced.cost, priced.currency) == (pytest.approx(70.0 * priced.allowances_t), "EUR")
    by_path = assess(ship(FuelUse("HFO", 1000.0)), path="eu-ets-path")
    assert (by_path.price_per_t, by_path.currency) == (pytest.approx(119 + (155 - 119) / 5), "USD")
    for wrong in (math.nan, -1.0):
        with pytest.raises(DataError, match="price by tonne"):
            assess(ship(FuelUse("HFO", 1.0)), price_per_t=wrong)
    with pytest.raises(DataError, match="given twice"):
        assess(ship(FuelUse("HFO", 1.0)), price_per_t=1.0, path="eu-ets-path")


def test_price_path_is_linear_between_its_years_and_ends_with_them() -> None:
    assert price_path("eu-ets-path", 2024)[0] == 100.0
    assert price_path("eu-ets-path", 2050)[0] == 417.0
    assert price_path("eu-ets-path", 2033)[0] == pytest.approx(155 + 3 / 5 * (198 - 155))
    prices = [price_path("eu-ets-path", year)[0] for year in range(2024, 2051)]
    assert prices == sorted(prices)
    for year in (2023, 2051):
        with pytest.raises(MissingFactorError, match="runs from 2024 to 2050"):
            price_path("eu-ets-path", year)
    with pytest.raises(DataError, match="eu-ets-path"):
        price_path("guess", 2030)
    assert price_path_names() == ("eu-ets-path",)


@given(
    mass=st.floats(0, 1e5),
    more=st.floats(0, 1e5),
    scope=st.sampled_from(SCOPES),
    year=st.integers(2024, 2050),
    gwp=st.sampled_from(["ar4", "ar5", "ar6"]),
)
def test_more_fuel_never_needs_fewer_allowances_and_rows_add_up(
    mass: float, more: float, scope: str, year: int, gwp: str
) -> None:
    one, other = FuelUse("HFO", mass, scope), FuelUse("LNG", more, scope, "lbsi")
    both = assess(ship(one, other, year=year), gwp)
    parts = [assess(ship(use, year=year), gwp).allowances_t for use in (one, other)]
    assert both.allowances_t == pytest.approx(math.fsum(parts), rel=1e-12, abs=1e-12)
    assert both.allowances_t >= max(parts) * (1 - 1e-12)
    assert assess(ship(other, one, year=year), gwp) == replace(both) or math.isnan(both.cost)


def test_total_over_every_fuel_and_consumer_of_the_regulation() -> None:
    for row in load_table("fuel_pathways").find(factor_set="fueleu"):
        result = assess(ship(FuelUse(row.text("fuel"), 10.0, consumer=row.text("consumer"))))
        assert math.isfinite(result.allowances_t)
        assert result.rows
