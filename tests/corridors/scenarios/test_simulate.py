"""Simulation: the case solved by hand, what must be conserved, and what must move which way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corridors.scenarios.scenario_models import NAN, YEARS, fuel, model, over_years, payments, ship

from sealane.corridors.rules import fueleu, net_zero
from sealane.corridors.scenarios.evaluate import Draws, evaluate, fossil_case
from sealane.corridors.scenarios.fleet import annuity
from sealane.corridors.scenarios.model import RESULT_TABLES, Conversion, Payments, ScenarioModel, ScenarioResult
from sealane.corridors.scenarios.payments import fueleu_usd, net_zero_usd
from sealane.corridors.scenarios.rule_notes import consecutive_factor
from sealane.corridors.scenarios.simulate import simulate
from sealane.errors import DataError

ANNUITY_5_PERCENT_25_YEARS = 0.0709524573  # 0.05 / (1 - 1.05 ** -25), any table of annuities


def column(result: ScenarioResult, table: str, name: str) -> list[float | None]:
    return list(result.tables[table][name].to_pylist())


def test_the_case_solved_by_hand_in_the_docs() -> None:
    result = simulate(model())
    fleet = {(r["year"], r["family"]): r for r in result.tables["fleet"].to_pylist()}
    assert fleet[2030, "oil"]["ships"] == pytest.approx(2.0)
    assert fleet[2035, "oil"]["ships"] == pytest.approx(1.0)
    assert fleet[2035, "oil"]["retired"] == pytest.approx(1.0)
    assert fleet[2035, "methanol"]["newbuilds"] == pytest.approx(1.5)
    assert (2030, "methanol") not in fleet
    fuels = {(r["year"], r["fuel"]): r for r in result.tables["fuel"].to_pylist()}
    assert fuels[2030, "oil"]["energy_tj"] == pytest.approx(520.0)
    assert fuels[2035, "oil"]["energy_tj"] == pytest.approx(301.25)
    assert fuels[2035, "methanol"]["energy_tj"] == pytest.approx(371.25)
    assert fuels[2035, "methanol"]["mass_t"] == pytest.approx(371_250 / 20)
    cost = {(r["year"], r["item"]): r["cost_usd"] for r in result.tables["cost"].to_pylist()}
    assert cost[2035, "fuel"] == pytest.approx(17_862_500)
    assert cost[2035, "capital"] == pytest.approx(1.5 * 110e6 * ANNUITY_5_PERCENT_25_YEARS, rel=1e-8)
    assert cost[2035, "operation"] == pytest.approx(2_800_000)
    assert column(result, "year", "wtw_t") == pytest.approx([46_800.0, 30_825.0])
    assert column(result, "year", "fossil_wtw_t") == pytest.approx([46_800.0, 58_500.0])
    assert column(result, "year", "cost_usd") == pytest.approx([7_200_000, 32_369_655.46], rel=1e-8)
    assert column(result, "year", "fossil_cost_usd") == pytest.approx([7_200_000, 19_642_868.60], rel=1e-8)
    assert column(result, "year", "cost_gap_usd_per_teu") == pytest.approx([0.0, 50.907147], rel=1e-6)
    abatement = column(result, "year", "abatement_usd_per_t")
    assert abatement[0] is None
    assert abatement[1] == pytest.approx(459.8658, rel=1e-6)


def test_annuity_pays_back_what_was_borrowed() -> None:
    assert annuity(0.05, 25.0) == pytest.approx(ANNUITY_5_PERCENT_25_YEARS, rel=1e-8)
    assert annuity(0.0, 25.0) == pytest.approx(0.04)
    years = np.arange(1, 26)
    assert float((annuity(0.05, 25.0) * 1.05**-years).sum()) == pytest.approx(1.0)


def test_tables_have_the_columns_of_the_contract() -> None:
    result = simulate(model())
    for name, schema in RESULT_TABLES.items():
        assert result.tables[name].schema.equals(schema)


def test_items_of_cost_sum_to_the_year_and_fuel_to_its_item() -> None:
    result = simulate(model(payments=payments(wtw_usd_per_t=np.array([50.0, 60.0]))))
    for year, total in zip(YEARS, column(result, "year", "cost_usd"), strict=True):
        items = [r["cost_usd"] for r in result.tables["cost"].to_pylist() if r["year"] == year]
        assert sum(items) == pytest.approx(total)
        fuels = [r["cost_usd"] for r in result.tables["fuel"].to_pylist() if r["year"] == year]
        item = [r["cost_usd"] for r in result.tables["cost"].to_pylist() if (r["year"], r["item"]) == (year, "fuel")]
        assert sum(fuels) == pytest.approx(item[0])


choices = st.fixed_dictionaries(
    {
        "methanol": st.floats(0.0, 1.0),
        "green": st.floats(0.0, 0.9),
        "demand": st.floats(50_000.0, 2e6),
        "shore": st.floats(0.0, 1.0),
        "converted": st.floats(0.0, 3.0),
    }
)


def chosen(values: dict[str, float]) -> ScenarioModel:
    newbuild_mix, fuel_mix = np.zeros((4, 2)), np.zeros((4, 2, 2))
    newbuild_mix[0], newbuild_mix[1] = 1.0 - values["methanol"], values["methanol"]
    fuel_mix[0, 0] = 1.0
    fuel_mix[1, 0], fuel_mix[1, 1] = 1.0 - values["green"], values["green"]
    return model(
        classes=(ship(shore_share=np.full((1, 2), values["shore"])),),
        demand_teu=np.array([values["demand"], values["demand"] * 1.1]),
        newbuild_mix=newbuild_mix,
        fuel_mix=fuel_mix,
        conversions=(Conversion("feeder", 2035, "oil", "methanol", values["converted"]),),
    )


@settings(deadline=None, max_examples=60)
@given(choices)
def test_ships_energy_and_emissions_are_conserved(values: dict[str, float]) -> None:
    scenario = chosen(values)
    outcome = evaluate(scenario)
    fleet = outcome.fleet
    ships, built, gone = fleet.ships[0, 0], fleet.newbuilds[0, 0], fleet.retired[0, 0]
    change = built + fleet.converted_in[0, 0] - fleet.converted_out[0, 0] - gone
    assert ships[:, 0] == pytest.approx(scenario.classes[0].existing[:, 0] + built[:, 0])
    assert ships[:, 1] == pytest.approx(ships[:, 0] + change[:, 1])
    carried = (ships * 100_000.0).sum(axis=0) * fleet.used[0, 0]
    assert carried == pytest.approx(scenario.demand_teu)
    assert (fleet.used <= 1.0 + 1e-12).all()
    needed = sum(
        ships[k] * fleet.used[0, 0] * (100_000.0 / 0.5 + (20_000.0 + 10_000.0 * (1.0 - values["shore"])) / eff)
        for k, eff in ((0, 0.5), (1, 0.4))
    )
    assert outcome.energy_gj[0] == pytest.approx(needed)
    assert outcome.shore_gj[0, 0] == pytest.approx(ships.sum(axis=0) * fleet.used[0, 0] * 10_000.0 * values["shore"])
    by_fuel = outcome.bunkered_gj[0].sum(axis=1)
    assert outcome.ttw_t[0] == pytest.approx((by_fuel[0] * 75.0 + by_fuel[1] * 70.0) / 1e3)
    assert outcome.wtw_t[0] == pytest.approx(
        (by_fuel[0] * 90.0 + by_fuel[1] * 10.0 + outcome.shore_gj[0, 0] * 50.0) / 1e3
    )


@settings(deadline=None, max_examples=30)
@given(choices, st.floats(0.0, 0.09))
def test_more_of_the_cleaner_and_dearer_fuel_emits_less_and_costs_more(values: dict[str, float], more: float) -> None:
    less, greater = evaluate(chosen(values)), evaluate(chosen({**values, "green": values["green"] + more}))
    assert (greater.wtw_t <= less.wtw_t + 1e-9).all()
    assert (greater.cost_usd >= less.cost_usd - 1e-6).all()


def test_the_fossil_case_of_an_oil_scenario_is_that_scenario() -> None:
    newbuild_mix = np.zeros((4, 2))
    newbuild_mix[0] = 1.0
    scenario = model(newbuild_mix=newbuild_mix)
    assert column(simulate(scenario), "year", "cost_gap_usd") == pytest.approx([0.0, 0.0])
    assert column(simulate(scenario), "year", "abatement_usd_per_t") == [None, None]


def test_the_fossil_case_sails_all_of_todays_ships_on_oil() -> None:
    mixed = np.zeros((4, 2))
    mixed[0], mixed[1] = (1.5, 0.5), (0.5, 0.5)
    fossil = evaluate(fossil_case(model(classes=(ship(existing=mixed),))))
    assert fossil.fleet.ships[0, 0, 0] == pytest.approx([2.0, 2.5])
    assert fossil.fleet.newbuilds[0, 0, 0] == pytest.approx([0.0, 1.5])
    assert not fossil.fleet.ships[0, 0, 1:].any()


def test_slots_lost_to_tanks_are_carried_by_more_ships() -> None:
    outcome = evaluate(model(classes=(ship(capacity_loss=np.array([0.0, 0.25, 0.0, 0.0])),)))
    assert outcome.fleet.newbuilds[0, 0, 1, 1] == pytest.approx(1.5 / 0.75)
    assert outcome.fleet.used[0, 0, 1] == pytest.approx(1.0)


def test_slip_of_auxiliary_engines_counts_for_what_they_burn() -> None:
    oil, methanol = model().fuels
    outcome = evaluate(model(fuels=(replace(oil, ttw_electric_g_per_mj=80.0), methanol)))
    # In 2030 two ships burn 2 x 30,000 / 0.5 GJ in auxiliary engines and 2 x 100,000 / 0.5 GJ in main engines.
    assert outcome.electric_gj[0, 0, 0] == pytest.approx(120_000.0)
    assert outcome.ttw_t[0, 0] == pytest.approx((400_000 * 75.0 + 120_000 * 80.0) / 1e3)


def test_the_fossil_case_takes_the_cheapest_fossil_oil_fuel_not_a_cheaper_bio_one() -> None:
    bio = fuel("bio-oil", "oil", 5.0, -50.0, 75.0, zero_at_combustion=True)
    dear = fuel("dear-oil", "oil", 14.0, 15.0, 75.0)
    scenario = model()
    mix = np.zeros((4, 4, 2))
    mix[:, :2] = scenario.fuel_mix
    scenario = replace(scenario, fuels=(*scenario.fuels, bio, dear), fuel_mix=mix, port_mix=np.ones((4, 1, 2)))
    fossil = evaluate(fossil_case(scenario))
    used = fossil.bunkered_gj[0].sum(axis=(1, 2))
    assert used[0] > 0.0
    assert used[1:].tolist() == [0.0, 0.0, 0.0]


def test_fuel_that_runs_out_is_replaced_by_fossil_oil_and_said() -> None:
    scenario = model()
    short = replace(scenario.fuels[1], available_gj=np.full((1, 2), 100_000.0))
    limited = replace(scenario, fuels=(scenario.fuels[0], short))
    result = simulate(limited)
    fuels = {(r["year"], r["fuel"]): r["energy_tj"] for r in result.tables["fuel"].to_pylist()}
    assert fuels[2035, "methanol"] == pytest.approx(100.0)
    assert fuels[2035, "oil"] == pytest.approx(301.25 + 271.25)
    assert any("methanol at USLAX" in note and "271.2 TJ" in note for note in result.notes)
    assert not any("USLAX" in note for note in simulate(scenario).notes)


def test_where_nothing_can_replace_a_fuel_its_limit_is_overrun_and_said() -> None:
    """The ships sail all the same, and no energy gets lost: also where the oil itself is limited."""
    scenario = model()
    oil, methanol = scenario.fuels
    limited = replace(scenario, fuels=(replace(oil, available_gj=np.full((1, 2), 1000.0)), methanol))
    assert evaluate(limited).energy_gj == pytest.approx(evaluate(scenario).energy_gj)
    assert any("oil: more is burnt than the limit allows in 2 of 2 years" in note for note in simulate(limited).notes)
    no_oil = replace(oil, zero_at_combustion=True)
    short = replace(methanol, available_gj=np.full((1, 2), 1000.0))
    without = evaluate(replace(scenario, fuels=(no_oil, short)))
    assert without.energy_gj == pytest.approx(evaluate(scenario).energy_gj)


def test_conversion_moves_ships_and_costs_an_annuity_over_what_is_left_of_their_life() -> None:
    plain_model = model(demand_teu=np.array([200_000.0, 100_000.0]))
    converted = replace(plain_model, conversions=(Conversion("feeder", 2030, "oil", "methanol", 1.0),))
    outcome = evaluate(converted)
    assert outcome.fleet.ships[0, 0, :2, 0].tolist() == pytest.approx([1.0, 1.0])
    # Half of today's two ships leave in 2035, half at the end in 2040: so do half of the one converted.
    assert outcome.fleet.ships[0, 0, :2, 1].tolist() == pytest.approx([0.5, 0.5])
    price = 20e6
    first = 0.5 * price * (float(annuity(0.05, 5.0)) + float(annuity(0.05, 10.0)))
    assert outcome.fleet.conversion_usd[0] == pytest.approx([first, 0.5 * price * float(annuity(0.05, 10.0))])


def test_no_more_ships_are_converted_than_there_are() -> None:
    outcome = evaluate(model(conversions=(Conversion("feeder", 2030, "oil", "methanol", 50.0),)))
    assert outcome.fleet.converted_out[0, 0, 0, 0] == pytest.approx(2.0)
    assert outcome.fleet.ships[0, 0, 0, 0] == pytest.approx(0.0)


def test_new_ships_leave_after_their_life() -> None:
    years = np.array([2030, 2035, 2040], dtype=np.int64)
    short_lived = ship(
        lifetime_years=5,
        existing=np.zeros((4, 3)),
        shore_share=np.zeros((1, 3)),
        newbuild_usd=over_years(np.array([100e6, 110e6, NAN, NAN]), 3),
        cost_of_capital=over_years(np.array([0.05, 0.05, NAN, NAN]), 3),
    )
    stretched = {
        name: np.repeat(np.asarray(getattr(model(), name))[..., :1], 3, axis=-1)
        for name in (
            "year_weight",
            "demand_teu",
            "cap_wtw_t",
            "cap_intensity_g_per_mj",
            "shore_g_per_mj",
            "shore_usd_per_gj",
            "most_newbuilds",
            "most_retrofits",
            "newbuild_mix",
            "fuel_mix",
            "port_mix",
            "class_share",
        )
    }
    fuels = tuple(
        replace(
            item,
            price_usd_per_gj=np.repeat(item.price_usd_per_gj[:, :1], 3, axis=1),
            available_gj=np.full((1, 3), np.inf),
            wtt_g_per_mj=np.repeat(item.wtt_g_per_mj[:, :1], 3, axis=1),
        )
        for item in model().fuels
    )
    nothing, off = np.zeros(3), np.full(3, NAN)
    longer = Payments(nothing, nothing, off, off, nothing, nothing, off, 0.0, {}, {})
    outcome = evaluate(model(years=years, classes=(short_lived,), fuels=fuels, payments=longer, **stretched))
    assert outcome.fleet.newbuilds[0, 0, 1] == pytest.approx([2.0, 2.0, 2.0])
    assert outcome.fleet.retired[0, 0, 1] == pytest.approx([0.0, 2.0, 2.0])
    yearly = 2.0 * 110e6 * float(annuity(0.05, 5.0))
    assert outcome.fleet.capital_usd[0] == pytest.approx([yearly] * 3)


def test_draws_change_what_they_name_and_nothing_else() -> None:
    scenario = model()
    base = evaluate(scenario)
    draws = replace(Draws.unchanged(scenario, 2), price=np.array([[1.0, 1.0], [1.0, 1.5]]))
    outcome = evaluate(scenario, draws)
    assert outcome.cost_usd[0] == pytest.approx(base.cost_usd[0])
    assert outcome.fuel_usd[1, 1] - base.fuel_usd[0, 1] == pytest.approx(0.5 * 371_250 * 40)
    assert outcome.wtw_t[1] == pytest.approx(base.wtw_t[0])
    shifted = evaluate(scenario, replace(Draws.unchanged(scenario), wtt_shift=np.array([[0.0, 5.0]])))
    assert shifted.wtw_t[0, 1] - base.wtw_t[0, 1] == pytest.approx(371_250 * 5.0 / 1e3)
    dearer = evaluate(scenario, replace(Draws.unchanged(scenario), add_on=np.array([[1.0, 2.0, 1.0, 1.0]])))
    added = 1.5 * 10e6 * ANNUITY_5_PERCENT_25_YEARS
    assert dearer.cost_usd[0, 1] - base.cost_usd[0, 1] == pytest.approx(added, rel=1e-8)
    half = evaluate(scenario, replace(Draws.unchanged(scenario), availability=np.array([[1.0, 0.5]])))
    assert half.bunkered_gj[0, 1, 0, 1] == pytest.approx(371_250 / 2)
    assert half.bunkered_gj[0].sum(axis=(0, 1)) == pytest.approx(base.bunkered_gj[0].sum(axis=(0, 1)))


@pytest.mark.parametrize("intensity", [20.0, 70.0, 80.0, 93.0])
@pytest.mark.parametrize("year", [2028, 2029, 2030])
def test_net_zero_payments_are_those_of_the_rule(intensity: float, year: int) -> None:
    base, direct = (net_zero.target_g_per_mj(year, line, drafts=True) for line in ("base", "direct"))
    one, two = (net_zero.prices_usd_per_t([year], tier, drafts=True)[0] for tier in (1, 2))
    pay = payments(
        nzf_base_g_per_mj=np.full(2, base),
        nzf_direct_g_per_mj=np.full(2, direct),
        nzf_tier1_usd_per_t=np.full(2, one),
        nzf_tier2_usd_per_t=np.full(2, two),
    )
    energy_mj = 5e8
    first, second, _ = net_zero.deficits_g_per_mj(intensity, base, direct)
    expected = (first * one + second * two) * energy_mj / 1e6
    found = net_zero_usd(pay, np.full((1, 2), intensity), np.full((1, 2), energy_mj))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("intensity", [60.0, 89.0, 91.63722, 95.0])
def test_fueleu_payments_are_those_of_the_rule(intensity: float) -> None:
    limit, energy_mj = fueleu.limit_g_per_mj(2025), 545_780_000.0
    pay = payments(fueleu_limit_g_per_mj=np.full(2, limit), fueleu_scope=0.5, usd_per_eur=1.1)
    expected = 1.1 * fueleu.penalty_eur((limit - intensity) * energy_mj * 0.5, intensity)
    found = fueleu_usd(pay, np.full((1, 2), intensity), np.full((1, 2), energy_mj))
    assert found == pytest.approx(expected)


def test_payments_stand_in_the_result_with_their_payer() -> None:
    pay = payments(ttw_usd_per_t=np.array([0.0, 80.0]), payer={"eu-ets": "cargo owner"}, status={"eu-ets": "in force"})
    result = simulate(model(payments=pay))
    rows = [r for r in result.tables["cost"].to_pylist() if r["item"] == "rule:eu-ets"]
    assert [r["payer"] for r in rows] == ["cargo owner"] * 2
    # The rule counts carbon of the methanol as zero: 1 g/MJ is left of its 70.
    assert rows[1]["cost_usd"] == pytest.approx(80.0 * (301_250 * 75.0 + 371_250 * 1.0) / 1e3)
    assert result.summary["status_of_eu-ets"] == "in force"


def test_several_classes_need_their_share_and_then_carry_it() -> None:
    one, two = ship(), ship(id="larger", teu_per_year=200_000.0, existing=np.zeros((4, 2)))
    with pytest.raises(DataError, match="2 ship classes and no share"):
        simulate(model(classes=(one, two), class_share=None))
    shares = np.array([[0.25, 0.25], [0.75, 0.75]])
    outcome = evaluate(model(classes=(one, two), class_share=shares))
    carried = [outcome.fleet.ships[0, c].sum(axis=0) * outcome.fleet.used[0, c] * q for c, q in ((0, 1e5), (1, 2e5))]
    assert carried[0] == pytest.approx([50_000.0, 62_500.0])
    assert carried[1] == pytest.approx([150_000.0, 187_500.0])
    # The two oil ships of the first class sail a quarter full in 2030: they cost in full, and burn a quarter.
    assert outcome.fleet.used[0, 0, 0] == pytest.approx(0.25)
    assert outcome.fleet.operation_usd[0, 0] == pytest.approx(2 * 1.0e6 + 0.75 * 1.2e6)


def test_choices_that_do_not_fit_what_is_on_offer_are_refused_all_at_once() -> None:
    newbuild_mix, fuel_mix = np.zeros((4, 2)), np.zeros((4, 2, 2))
    newbuild_mix[3] = 1.0
    fuel_mix[0, 0], fuel_mix[1, 1] = 0.9, 1.0
    unpriced = replace(model().fuels[1], price_usd_per_gj=np.full((1, 2), NAN))
    scenario = model(
        newbuild_mix=newbuild_mix,
        fuel_mix=fuel_mix,
        fuels=(model().fuels[0], unpriced),
        conversions=(Conversion("feeder", 2030, "oil", "methanol", 1.0),),
    )
    with pytest.raises(DataError) as refused:
        simulate(scenario)
    text = str(refused.value)
    for words in (
        "newbuild_mix.ammonia, 2030 to 2035 (2 years): class feeder is not offered",
        "fuel_mix.oil, 2030 to 2035 (2 years): the shares do not sum to 1",
        "fuel_mix.methanol, 2030 to 2035 (2 years): less oil than the pilot share of 0.1",
        "port_mix.methanol.USLAX, 2030 to 2035 (2 years): the fuel has no price",
    ):
        assert words in text
    assert len(refused.value.faults) >= 5


@settings(deadline=None, max_examples=30)
@given(choices, st.floats(1.0, 2.0), st.floats(0.0, 1.0))
def test_more_transport_needs_more_and_less_fuel_at_hand_emits_more(
    values: dict[str, float], more: float, at_hand: float
) -> None:
    scenario = chosen(values)
    base = evaluate(scenario)
    grown = evaluate(scenario, replace(Draws.unchanged(scenario), demand=np.array([more])))
    for name in ("energy_gj", "wtw_t", "cost_usd"):
        assert (getattr(grown, name) >= getattr(base, name) * (1.0 - 1e-12)).all(), name
    scarce = evaluate(scenario, replace(Draws.unchanged(scenario), availability=np.array([[1.0, at_hand]])))
    assert (scarce.wtw_t >= base.wtw_t * (1.0 - 1e-12)).all()
    assert scarce.energy_gj == pytest.approx(base.energy_gj)
    assert scarce.short_gj.sum(axis=(1, 2)) == pytest.approx((1.0 - at_hand) * base.bunkered_gj[:, 1].sum(axis=1))


def test_the_gap_by_container_of_the_summary_is_levelised_as_the_abatement_cost_is() -> None:
    """Docs' case with 10 % interest: years of 5 each, 2035 counts 1.1^-5; demand 200,000 and 250,000 TEU."""
    summary = simulate(replace(model(), discount_rate=0.10)).summary
    later = 5.0 * 1.1**-5
    gap = 12_726_786.86 * later
    assert summary["cost_gap_discounted_usd"] == pytest.approx(gap, rel=1e-7)
    assert summary["cost_gap_usd_per_teu"] == pytest.approx(gap / (5.0 * 200_000 + later * 250_000), rel=1e-7)
    assert summary["abatement_usd_per_t"] == pytest.approx(gap / (later * 27_675.0), rel=1e-7)


def test_consecutive_factor_counts_years_in_a_row_and_starts_again() -> None:
    years = np.array([2025, 2026, 2027, 2030, 2035, 2040])
    found = consecutive_factor(years, np.array([True, True, False, True, True, True]))
    assert found == pytest.approx([1.0, 1.1, 1.0, 1.0, 1.5, 2.0])


def test_notes_say_what_a_row_of_deficits_would_cost_and_what_the_ets_counts() -> None:
    """2030 and 2035 in deficit: 2035 is the sixth year, 1.5 times the penalty; model years stand for five."""
    pay = payments(fueleu_limit_g_per_mj=np.full(2, 20.0), fueleu_scope=1.0, usd_per_eur=1.0)
    result = simulate(model(payments=pay))
    first, second = (r["cost_usd"] for r in result.tables["cost"].to_pylist() if r["item"] == "rule:fueleu")
    told = next(note for note in result.notes if "Article 23" in note)
    once, escalated = 5.0 * (first + second) / 1e6, 5.0 * (first + 1.5 * second) / 1e6
    assert f"1.5 times in 2035, {escalated:,.1f} instead of {once:,.1f} MUSD" in told
    assert any("Annex II" in note for note in result.notes)
    early = replace(model(payments=payments(ttw_usd_per_t=np.array([50.0, 60.0]))), years=np.array([2025, 2030]))
    assert any(note.startswith("EU ETS in 2025:") for note in simulate(early).notes)
    later = simulate(model(payments=payments(ttw_usd_per_t=np.array([50.0, 60.0]))))
    assert not any("EU ETS" in note or "FuelEU" in note for note in later.notes)
