"""FuelEU Maritime on a ship-year: scope, reward, wind, limit by year, penalty; total over years and fuels."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.corridors.fuels import pathway
from sealane.corridors.rules.fueleu import (
    allocate,
    assess,
    is_rewarded,
    limit_g_per_mj,
    limits_g_per_mj,
    penalty_eur,
    reward_row,
    wind_row,
)
from sealane.corridors.rules.ship_year import SCOPES, FuelUse, ShipYear, burnt
from sealane.errors import DataError, MissingFactorError
from sealane.reference import load_table

MASS = st.floats(0.1, 50_000)
FUELS = st.sampled_from(
    [
        FuelUse("HFO", 1.0),
        FuelUse("MDO", 1.0),
        FuelUse("LNG", 1.0, consumer="otto-medium"),
        FuelUse("LNG", 1.0, consumer="diesel-slow"),
        FuelUse("FAME", 1.0, e_g_per_mj=14.9),
        FuelUse("e-methanol", 1.0, e_g_per_mj=10.0),
    ]
)
USES = st.lists(
    st.builds(lambda use, mass, scope: replace(use, mass_t=mass, scope=scope), FUELS, MASS, st.sampled_from(SCOPES)),
    min_size=1,
    max_size=8,
).map(tuple)


def ship(*uses: FuelUse, year: int = 2025, **particulars: float) -> ShipYear:
    return ShipYear("Alpha", year, uses, **particulars)  # type: ignore[arg-type]  # tests give what fits


@pytest.mark.parametrize(("year", "limit"), [(2025, 2), (2030, 6), (2035, 14.5), (2040, 31), (2045, 62), (2050, 80)])
def test_limit_begins_with_its_year(year: int, limit: float) -> None:
    assert limit_g_per_mj(year) == pytest.approx(91.16 * (1 - limit / 100), rel=1e-15)
    assert limit_g_per_mj(year + 4) == limit_g_per_mj(year)
    if year > 2025:
        assert limit_g_per_mj(year - 1) > limit_g_per_mj(year)


def test_limits_are_total_from_2025_and_clear_before() -> None:
    assert all(0 < limit_g_per_mj(year) < 91.16 for year in range(2025, 2101))
    with pytest.raises(DataError, match="first reporting period is 2025"):
        limit_g_per_mj(2024)
    with pytest.raises(DataError, match="not in force"):
        assess(ship(FuelUse("HFO", 1.0), year=2024))
    array = limits_g_per_mj(range(2023, 2031))
    assert math.isnan(array[1])
    assert array[2] == limit_g_per_mj(2025)
    assert array[-1] == limit_g_per_mj(2030)


@pytest.mark.parametrize(
    ("ratio", "factor"),
    [(0, 1), (0.0499, 1), (0.05, 0.99), (0.0999, 0.99), (0.1, 0.97), (0.1499, 0.97), (0.15, 0.95), (1, 0.95)],
)
def test_wind_reward_by_band(ratio: float, factor: float) -> None:
    assert wind_row(ratio).value == factor
    result = assess(ship(FuelUse("HFO", 1000.0), wind_ratio=ratio))
    plain = assess(ship(FuelUse("HFO", 1000.0)))
    assert result.intensity_g_per_mj == pytest.approx(plain.intensity_g_per_mj * factor, rel=1e-14)


@pytest.mark.parametrize(
    ("scope", "share"), [("intra-eea", 1.0), ("at-berth", 1.0), ("extra-eea", 0.5), ("outside", 0.0)]
)
def test_scope(scope: str, share: float) -> None:
    result = assess(ship(FuelUse("HFO", 1000.0, scope)))
    assert result.energy_mj == pytest.approx(1000e6 * 0.0405 * share, rel=1e-15, abs=0.0)
    if not share:
        assert (result.balance_g, result.penalty_eur) == (0.0, 0.0)
        assert math.isnan(result.intensity_g_per_mj)
        assert any("No energy in scope" in note for note in result.notes)


def test_rfnbo_counts_twice_until_2033_and_not_in_the_balance_s_energy() -> None:
    uses = (FuelUse("HFO", 1000.0), FuelUse("e-methanol", 500.0, e_g_per_mj=10.0))
    hfo_mj, methanol_mj = 1000e6 * 0.0405, 500e6 * 0.0199
    for year, reward in ((2033, 2.0), (2034, 1.0)):
        result = assess(ship(*uses, year=year))
        assert reward_row(year).value == reward
        emitted = result.wtt_g + result.ttw_g
        assert result.intensity_g_per_mj == pytest.approx(emitted / (hfo_mj + reward * methanol_mj), rel=1e-14)
        by_hand = (result.limit_g_per_mj - result.intensity_g_per_mj) * (hfo_mj + methanol_mj)
        assert result.balance_g == pytest.approx(by_hand, rel=1e-13)
        assert result.rfnbo_share == pytest.approx(methanol_mj / (hfo_mj + methanol_mj), rel=1e-15)


def test_an_rfnbo_above_28_2_earns_no_reward_and_a_biofuel_never() -> None:
    assert is_rewarded(pathway("e-diesel", e_g_per_mj=28.2))
    assert not is_rewarded(pathway("e-diesel", e_g_per_mj=28.2001))
    assert not is_rewarded(pathway("HVO", e_g_per_mj=5.0))
    result = assess(ship(FuelUse("e-diesel", 10.0, e_g_per_mj=30.0)))
    assert result.rfnbo_share == 0.0
    assert any("no reward" in note for note in result.notes)


def test_shore_power_is_energy_without_emissions() -> None:
    plain = assess(ship(FuelUse("HFO", 1000.0)))
    shore = assess(ship(FuelUse("HFO", 1000.0), shore_power_mj=1e6))
    assert shore.energy_mj == plain.energy_mj + 1e6
    assert shore.intensity_g_per_mj == pytest.approx(
        plain.intensity_g_per_mj * plain.energy_mj / shore.energy_mj, rel=1e-14
    )


def test_penalty_by_hand_and_its_consecutive_periods() -> None:
    by_hand = 1e9 / (91.0 * 41_000) * 2_400
    assert penalty_eur(-1e9, 91.0) == pytest.approx(by_hand, rel=1e-15)
    assert penalty_eur(-1e9, 91.0, 2) == pytest.approx(1.1 * by_hand, rel=1e-15)
    assert penalty_eur(-1e9, 91.0, 4) == pytest.approx(1.3 * by_hand, rel=1e-15)
    assert penalty_eur(0.0, 91.0) == penalty_eur(1e9, 10.0, 5) == 0.0


def test_the_attained_intensity_divides_the_penalty_not_the_limit() -> None:
    """Negative control: dividing by the limit, as some public code does, is told apart."""
    result = assess(ship(FuelUse("HFO", 12_000.0), FuelUse("MDO", 1_400.0)))
    by_limit = -result.balance_g / (result.limit_g_per_mj * 41_000) * 2_400
    assert result.penalty_eur == pytest.approx(802_011, rel=5e-6)
    assert by_limit != pytest.approx(802_011, rel=1e-3)


def test_ships_not_above_5000_gt_are_out_of_scope() -> None:
    out = assess(ship(FuelUse("HFO", 1000.0), gt=5000.0))
    assert (out.applies, out.energy_mj, out.penalty_eur) == (False, 0.0, 0.0)
    assert assess(ship(FuelUse("HFO", 1000.0), gt=5000.1)).applies
    assert any("not given" in note for note in assess(ship(FuelUse("HFO", 1000.0))).notes)


def test_a_surplus_has_no_penalty() -> None:
    result = assess(ship(FuelUse("HVO", 1000.0, e_g_per_mj=16.0), deficit_years=3))
    assert result.balance_g > 0.0
    assert result.penalty_eur == 0.0


def test_lowest_first_fills_the_half_with_the_cleanest_fuel() -> None:
    uses = (FuelUse("HFO", 1000.0, "extra-eea"), FuelUse("HVO", 500.0, "extra-eea", e_g_per_mj=16.0))
    half_mj = (1000e6 * 0.0405 + 500e6 * 0.044) / 2
    proportional, lowest = (assess(ship(*uses), allocation=how) for how in ("proportional", "lowest-first"))
    assert proportional.energy_mj == pytest.approx(half_mj, rel=1e-14)
    assert lowest.energy_mj == pytest.approx(half_mj, rel=1e-14)
    assert lowest.intensity_g_per_mj < proportional.intensity_g_per_mj
    # By hand: all of the HVO, then HFO up to the half.
    hvo, hfo = pathway("HVO", e_g_per_mj=16.0).wtw_g_per_mj("ar4"), pathway("HFO").wtw_g_per_mj("ar4")
    hvo_mj = 500e6 * 0.044
    assert lowest.intensity_g_per_mj == pytest.approx((hvo * hvo_mj + hfo * (half_mj - hvo_mj)) / half_mj, rel=1e-13)
    with pytest.raises(DataError, match="proportional, lowest-first"):
        assess(ship(*uses), allocation="cheapest")


def test_lowest_first_moves_no_fuel_between_voyages_of_different_scope() -> None:
    uses = (FuelUse("HFO", 1000.0, "intra-eea"), FuelUse("HVO", 1000.0, "extra-eea", e_g_per_mj=16.0))
    proportional, lowest = (assess(ship(*uses), allocation=how) for how in ("proportional", "lowest-first"))
    assert lowest.intensity_g_per_mj == pytest.approx(proportional.intensity_g_per_mj, rel=1e-14)


@given(uses=USES, gwp=st.sampled_from(["ar4", "ar5", "ar6"]), year=st.integers(2025, 2060))
def test_allocation_changes_no_energy_and_lowest_first_is_never_worse(
    uses: tuple[FuelUse, ...], gwp: str, year: int
) -> None:
    plain, lowest = (assess(ship(*uses, year=year), gwp, how) for how in ("proportional", "lowest-first"))
    assert lowest.energy_mj == pytest.approx(plain.energy_mj, rel=1e-12)
    assert lowest.wtt_g + lowest.ttw_g <= (plain.wtt_g + plain.ttw_g) + 1e-9 * abs(plain.wtt_g) + 1e-6
    items = burnt(ship(*uses), "fueleu")
    assert all(item.mass_t <= sum(u.mass_t for u in uses) for item in allocate(items, "lowest-first", gwp))


@given(uses=USES, seed=st.randoms(use_true_random=False))
def test_shuffled_and_split_rows_give_the_same(uses: tuple[FuelUse, ...], seed: object) -> None:
    whole = assess(ship(*uses))
    shuffled = list(uses)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert replace(assess(ship(*shuffled))) == whole or math.isnan(whole.intensity_g_per_mj)
    halves = [replace(use, mass_t=use.mass_t / 2) for use in uses for _ in range(2)]
    split = assess(ship(*halves))
    assert split.energy_mj == pytest.approx(whole.energy_mj, rel=1e-13)
    assert split.balance_g == pytest.approx(whole.balance_g, rel=1e-9, abs=1e-3)


@given(uses=USES, factor=st.floats(0.1, 10))
def test_intensity_does_not_depend_on_how_much_is_burnt(uses: tuple[FuelUse, ...], factor: float) -> None:
    one, other = assess(ship(*uses)), assess(ship(*(replace(u, mass_t=u.mass_t * factor) for u in uses)))
    assert other.energy_mj == pytest.approx(one.energy_mj * factor, rel=1e-12)
    if one.energy_mj:
        assert other.intensity_g_per_mj == pytest.approx(one.intensity_g_per_mj, rel=1e-9, abs=1e-9)


@given(uses=USES)
def test_later_limits_never_improve_the_balance_where_no_reward_ends(uses: tuple[FuelUse, ...]) -> None:
    plain = tuple(use for use in uses if use.fuel != "e-methanol") or (FuelUse("HFO", 1.0),)
    balances = [assess(ship(*plain, year=year)).balance_g for year in (2025, 2030, 2035, 2040, 2045, 2050)]
    assert balances == sorted(balances, reverse=True)


def test_total_over_every_fuel_and_consumer_of_the_regulation() -> None:
    for row in load_table("fuel_pathways").find(factor_set="fueleu"):
        e = None if row.text("wtt") == "row" else 12.0
        use = FuelUse(row.text("fuel"), 10.0, consumer=row.text("consumer"), e_g_per_mj=e)
        result = assess(ship(use))
        assert result.energy_mj > 0.0
        assert math.isfinite(result.intensity_g_per_mj)
        assert (result.penalty_eur > 0.0) == (result.balance_g < 0.0)


def test_all_faults_of_a_ship_at_once_and_a_lone_missing_value_as_such() -> None:
    with pytest.raises(DataError) as caught:
        assess(
            ship(
                FuelUse("HFOO", 1.0, where="a.csv row 2"),
                FuelUse("LNG", -1.0, "inside", where="a.csv row 3"),
                FuelUse("e-methanol", 1.0, where="a.csv row 4"),
            )
        )
    text = str(caught.value)
    for part in ("row 2: fuel HFOO", "row 3, scope", "row 3, mass_t", "row 3, consumer", "row 4: fuel e-methanol"):
        assert part in text
    with pytest.raises(MissingFactorError, match="e-methanol"):
        assess(ship(FuelUse("e-methanol", 1.0)))
    with pytest.raises(DataError) as caught:
        assess(ship(FuelUse("HFO", 1.0), wind_ratio=12, shore_power_mj=-1.0, deficit_years=0, gt=math.nan))
    assert len(caught.value.faults) == 4


def test_every_figure_lists_the_rows_it_used() -> None:
    result = assess(ship(FuelUse("HFO", 1.0, "extra-eea")))
    labels = {row.label for row in result.rows}
    for label in (
        "rule_constants/fueleu/reference_intensity",
        "fueleu_limits/2025/2030",
        "fueleu_rfnbo_reward/2025/2034",
        "fueleu_wind_reward/0/0.05",
        "eea_scope/fueleu/extra-eea",
        "gwp100/ar4/ch4",
        "fueleu_annex2_fossil/HFO/ICE/wtt",
        "rule_constants/fueleu/penalty_per_vlsfo_t",
    ):
        assert label in labels
    content = result.as_dict()
    assert (content["edition"], content["status"]) == ("Regulation (EU) 2023/1805", "in force")
