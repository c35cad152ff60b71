"""IMO Net-Zero Framework: off by default, says DRAFT, years left open stay open, tiers and surplus by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.corridors.fuels import pathway
from sealane.corridors.rules.net_zero import (
    assess,
    check_allowed,
    deficits_g_per_mj,
    price_rows,
    prices_usd_per_t,
    target_g_per_mj,
    target_rows,
    targets_g_per_mj,
)
from sealane.corridors.rules.ship_year import FuelUse, ShipYear
from sealane.errors import DataError, MissingFactorError

INTENSITY = st.floats(-50, 150)


def ship(*uses: FuelUse, year: int = 2028, **particulars: float) -> ShipYear:
    return ShipYear("Alpha", year, uses, **particulars)  # type: ignore[arg-type]  # tests give what fits


def test_nothing_answers_unless_drafts_are_asked_for() -> None:
    for call in (
        lambda: assess(ship(FuelUse("VLSFO", 1.0))),
        lambda: target_g_per_mj(2028, "base"),
        lambda: target_rows(2028, "base"),
        lambda: targets_g_per_mj([2028], "base"),
        lambda: price_rows(2028),
        lambda: prices_usd_per_t([2028], 1),
        lambda: check_allowed(drafts=False),
    ):
        with pytest.raises(DataError, match="draft and off by default"):
            call()
    check_allowed(drafts=True)


def test_the_result_says_draft() -> None:
    result = assess(ship(FuelUse("VLSFO", 1.0)), drafts=True)
    assert "DRAFT" in result.status
    assert "not adopted" in result.edition
    assert "DRAFT" in result.notes[0]
    assert "DRAFT" in str(result.as_dict()["status"])


def test_tiers_by_hand() -> None:
    result = assess(ship(FuelUse("VLSFO", 1000.0, "outside")), drafts=True)
    energy = 1000e6 * 0.0402
    gfi = 16.8 + (3.114 + 28 * 5e-5 + 265 * 1.8e-4) / 0.0402
    base, direct = 93.3 * 0.96, 93.3 * 0.83
    assert result.gfi_g_per_mj == pytest.approx(gfi, rel=1e-13)
    assert result.tier1_t == pytest.approx((base - direct) * energy / 1e6, rel=1e-12)
    assert result.tier2_t == pytest.approx((gfi - base) * energy / 1e6, rel=1e-12)
    assert result.cost_usd == pytest.approx(100 * result.tier1_t + 380 * result.tier2_t, rel=1e-14)
    assert result.surplus_t == 0.0


@pytest.mark.parametrize(
    ("gfi", "tiers"),
    [
        (95.0, (10.0, 5.0, 0.0)),
        (90.0, (10.0, 0.0, 0.0)),
        (85.0, (5.0, 0.0, 0.0)),
        (80.0, (0.0, 0.0, 0.0)),
        (70.0, (0.0, 0.0, 10.0)),
    ],
)
def test_deficits_at_and_between_the_lines(gfi: float, tiers: tuple[float, float, float]) -> None:
    assert deficits_g_per_mj(gfi, 90.0, 80.0) == tiers


@given(gfi=INTENSITY, base=st.floats(30, 93), gap=st.floats(0, 30))
def test_deficits_and_surplus_add_up_to_the_distance_from_the_direct_line(gfi: float, base: float, gap: float) -> None:
    tier1, tier2, surplus = deficits_g_per_mj(gfi, base, base - gap)
    assert min(tier1, tier2, surplus) >= 0.0
    assert tier1 + tier2 - surplus == pytest.approx(gfi - (base - gap), abs=1e-9)
    assert surplus == 0.0 or tier1 == tier2 == 0.0
    assert tier2 == 0.0 or tier1 == pytest.approx(gap, abs=1e-9)


@pytest.mark.parametrize("year", [2027, 2036, 2037, 2038, 2039, 2041])
def test_years_left_open_are_an_error_and_nothing_is_interpolated(year: int) -> None:
    for line in ("base", "direct"):
        with pytest.raises(MissingFactorError, match=f"no {line} target for {year}"):
            target_g_per_mj(year, line, drafts=True)
    with pytest.raises(MissingFactorError):
        assess(ship(FuelUse("VLSFO", 1.0), year=year), drafts=True)


def test_2040_has_a_base_line_and_no_direct_one() -> None:
    assert target_g_per_mj(2040, "base", drafts=True) == pytest.approx(32.655, rel=1e-12)
    with pytest.raises(MissingFactorError, match="no direct target for 2040"):
        assess(ship(FuelUse("VLSFO", 1.0), year=2040), drafts=True)
    with pytest.raises(DataError, match="base, direct"):
        target_g_per_mj(2030, "upper", drafts=True)


def test_lines_fall_every_year_and_the_direct_one_is_the_stricter() -> None:
    years = range(2028, 2036)
    base, direct = (targets_g_per_mj(years, line, drafts=True) for line in ("base", "direct"))
    assert (base[1:] < base[:-1]).all()
    assert (direct[1:] < direct[:-1]).all()
    assert (direct < base).all()
    assert math.isnan(targets_g_per_mj([2027], "base", drafts=True)[0])


def test_prices_end_with_2030_and_may_be_given() -> None:
    assert prices_usd_per_t([2028, 2030], 1, drafts=True).tolist() == [100.0, 100.0]
    assert prices_usd_per_t([2029], 2, drafts=True).tolist() == [380.0]
    assert math.isnan(prices_usd_per_t([2031], 2, drafts=True)[0])
    later = ship(FuelUse("VLSFO", 1000.0), year=2031)
    without = assess(later, drafts=True)
    assert math.isnan(without.cost_usd)
    assert any("no price of remedial units for 2031" in note for note in without.notes)
    given_ = assess(later, drafts=True, tier1_usd_per_t=120.0, tier2_usd_per_t=400.0)
    assert given_.cost_usd == pytest.approx(120 * without.tier1_t + 400 * without.tier2_t, rel=1e-14)


def test_prices_that_are_none_are_refused_together() -> None:
    with pytest.raises(DataError) as caught:
        assess(ship(FuelUse("VLSFO", 1.0), gt=0.0), drafts=True, tier1_usd_per_t=-1.0, tier2_usd_per_t=math.inf)
    assert [fault.where.split(", ")[-1] for fault in caught.value.faults] == [
        "gt",
        "tier1_usd_per_t",
        "tier2_usd_per_t",
    ]


def test_a_ship_without_a_deficit_owes_nothing_even_where_no_price_is_set() -> None:
    result = assess(ship(FuelUse("e-ammonia", 1000.0, wtt_g_per_mj=2.0), year=2033), drafts=True)
    assert (result.tier1_t, result.tier2_t, result.cost_usd) == (0.0, 0.0, 0.0)
    assert result.surplus_t > 0.0


def test_lng_has_no_imo_default_and_is_asked_for() -> None:
    with pytest.raises(MissingFactorError, match="no default was adopted"):
        assess(ship(FuelUse("LNG", 1.0, consumer="lbsi")), drafts=True)
    given_ = assess(ship(FuelUse("LNG", 1.0, consumer="lbsi", wtt_g_per_mj=20.0)), drafts=True)
    expected = pathway("LNG", "imo-lca", "lbsi", wtt_g_per_mj=20.0).wtw_g_per_mj("ar5")
    assert given_.gfi_g_per_mj == pytest.approx(expected, rel=1e-13)


def test_shore_power_is_energy_and_small_ships_are_out() -> None:
    plain, shore = (assess(ship(FuelUse("VLSFO", 1.0), shore_power_mj=mj), drafts=True) for mj in (0.0, 1e4))
    assert shore.energy_mj == plain.energy_mj + 1e4
    assert shore.gfi_g_per_mj < plain.gfi_g_per_mj
    small = assess(ship(FuelUse("VLSFO", 1.0), gt=4999.0), drafts=True)
    assert (small.applies, small.energy_mj, small.cost_usd) == (False, 0.0, 0.0)
    assert assess(ship(FuelUse("VLSFO", 1.0), gt=5000.0), drafts=True).applies


@given(mass=st.floats(1, 1e5), year=st.integers(2028, 2035))
def test_every_scope_counts_alike(mass: float, year: int) -> None:
    found = [assess(ship(FuelUse("VLSFO", mass, scope), year=year), drafts=True) for scope in ("outside", "intra-eea")]
    assert found[0].tier1_t == found[1].tier1_t > 0.0
    assert found[0].tier2_t == found[1].tier2_t > 0.0
