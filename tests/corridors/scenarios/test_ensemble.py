"""Ensemble, drivers and tornado: distributions, indices against a known answer, stability between seeds."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.corridors.scenarios.scenario_models import RANGES, model

from sealane.corridors.scenarios.ensemble import ensemble, rank_regression, sample, sobol_indices
from sealane.corridors.scenarios.model import STUDY_TABLES, Origin, Range, ScenarioResult
from sealane.corridors.scenarios.read import read_scenario
from sealane.corridors.scenarios.simulate import simulate
from sealane.corridors.scenarios.study import OUTPUTS, draws_of, quantile, run_outputs
from sealane.errors import DataError


@cache
def of_reference(seed: int) -> ScenarioResult:
    return ensemble(read_scenario("la-lb-shanghai"), 1024, seed)


@cache
def hand(seed: int = 1) -> ScenarioResult:
    return ensemble(model(ranges=RANGES), draws=1024, seed=seed)


@pytest.mark.parametrize("seeds", [(1, 2), (3, 4), (5, 6)])
def test_quantiles_of_the_whole_run_differ_by_less_than_two_per_cent_between_seeds(seeds: tuple[int, int]) -> None:
    first, second = (
        [row for row in of_reference(seed).tables["ensemble"].to_pylist() if row["year"] == 0] for seed in seeds
    )
    assert {row["output"] for row in first} == set(OUTPUTS)
    for one, other in zip(first, second, strict=True):
        for name in ("mean", "p05", "p25", "p50", "p75", "p95"):
            assert one[name] == pytest.approx(other[name], rel=0.02), (one["output"], name)


def test_far_fewer_draws_are_not_as_stable() -> None:
    """Negative control of the one above: with 16 draws the same comparison fails."""
    scenario = read_scenario("la-lb-shanghai")
    few = [ensemble(scenario, 16, seed).tables["ensemble"].slice(0, 6).to_pylist() for seed in (1, 2)]
    gaps = [abs(a[q] / b[q] - 1.0) for a, b in zip(*few, strict=True) for q in ("p05", "p50", "p95")]
    assert max(gaps) > 0.02


def test_drivers_are_the_same_for_two_seeds_and_named() -> None:
    first, second = (
        {
            (row["output"], row["driver"]): row
            for row in of_reference(seed).tables["drivers"].to_pylist()
            if row["total_order"] > 0.02
        }
        for seed in (1, 2)
    )
    assert first.keys() == second.keys()
    for key, row in first.items():
        assert row["rank"] == second[key]["rank"]
        assert row["total_order"] == pytest.approx(second[key]["total_order"], abs=0.02)
    gap = {row["rank"]: row for (output, _), row in first.items() if output == "cost_gap_discounted_usd"}
    price = "price: e-methanol, bio-methanol, e-methane"
    assert {gap[1]["driver"], gap[2]["driver"]} == {price, "availability: e-methanol"}
    assert min(gap[1]["srrc"], gap[2]["srrc"]) > 0.3


def test_the_same_seed_gives_the_same_bytes() -> None:
    again = ensemble(model(ranges=RANGES), draws=1024, seed=1)
    for name, table in hand().tables.items():
        assert again.tables[name].equals(table)
    other = hand(2).tables["ensemble_draws"]
    assert not other.equals(hand().tables["ensemble_draws"])


def test_tables_have_their_columns_and_draws_are_rounded_up() -> None:
    result = ensemble(model(ranges=RANGES), draws=1000)
    assert result.summary["ensemble_draws"] == 1024
    for name in ("ensemble", "ensemble_draws", "drivers", "tornado"):
        assert result.tables[name].schema.equals(STUDY_TABLES[name])
    assert result.tables["ensemble_draws"].num_rows == 1024 * len(OUTPUTS)


def test_the_scenario_itself_stands_in_column_base() -> None:
    base = {row["output"]: row["base"] for row in hand().tables["ensemble"].to_pylist() if row["year"] == 0}
    summary = simulate(model(ranges=RANGES)).summary
    for output in OUTPUTS:
        assert base[output] == pytest.approx(summary[output])


def test_quantiles_lie_in_order_and_hold_the_draws() -> None:
    table = hand().tables
    for row in table["ensemble"].to_pylist():
        numbers = [row[name] for name in ("p05", "p25", "p50", "p75", "p95")]
        assert numbers == sorted(numbers)
    draws = np.array([row["value"] for row in table["ensemble_draws"].to_pylist() if row["output"] == "wtw_t"])
    row = next(r for r in table["ensemble"].to_pylist() if (r["year"], r["output"]) == (0, "wtw_t"))
    # The draws listed are the first of the samples that the quantiles are over.
    assert row["draws"] == 1024 * (len(RANGES) + 2)
    assert (draws < row["p05"]).mean() == pytest.approx(0.05, abs=0.01)
    assert draws.mean() == pytest.approx(row["mean"], rel=2e-3)


def spread(shape: str, low: float, mode: float, high: float) -> Range:
    return Range("price", (), low, mode, high, shape, "1", Origin.USER, "test")


def test_distributions_have_the_moments_of_their_definition() -> None:
    u = (np.arange(200_000) + 0.5) / 200_000
    triangular = quantile(spread("triangular", 0.6, 1.0, 2.0), u)
    assert triangular.mean() == pytest.approx((0.6 + 1.0 + 2.0) / 3.0, rel=1e-6)
    variance = (0.6**2 + 1.0 + 4.0 - 0.6 - 1.2 - 2.0) / 18.0
    assert triangular.var() == pytest.approx(variance, rel=1e-5)
    uniform = quantile(spread("uniform", 0.5, 1.0, 1.5), u)
    assert (uniform.mean(), uniform.var()) == pytest.approx((1.0, 1.0 / 12.0), rel=1e-6)
    lognormal = quantile(spread("lognormal", 0.5, 1.0, 2.0), u)
    assert np.quantile(lognormal, [0.05, 0.5, 0.95]) == pytest.approx([0.5, 1.0, 2.0], rel=1e-4)
    for end in (0.0, 1.0):
        edge = quantile(spread("triangular", 1.0, 1.0, 1.5), np.array([end]))
        assert edge == pytest.approx(1.0 + 0.5 * end)


def test_sobol_indices_of_a_sum_are_the_shares_of_its_variance() -> None:
    """y = 3 a + 2 b + c + 0 d of uniform inputs: first and total index are 9, 4, 1 and 0 fourteenths."""
    weights = np.array([3.0, 2.0, 1.0, 0.0])
    a, b = sample(4, 4096, 7)
    mixed = []
    for n in range(4):
        exchanged = a.copy()
        exchanged[:, n] = b[:, n]
        mixed.append(exchanged @ weights)
    first, total = sobol_indices(a @ weights, b @ weights, np.column_stack(mixed))
    assert first == pytest.approx(weights**2 / 14.0, abs=0.01)
    assert total == pytest.approx(weights**2 / 14.0, abs=0.01)
    assert rank_regression(a, a @ weights)[3] == pytest.approx(0.0, abs=0.02)
    assert (np.diff(rank_regression(a, a @ weights)) < 0.0).all()


def test_sobol_indices_see_what_acts_only_together() -> None:
    """y = (a - 1/2)(b - 1/2): no first-order effect, all of it in the total index."""
    a, b = sample(2, 4096, 7)

    def product(x: np.ndarray) -> np.ndarray:
        return np.asarray((x[:, 0] - 0.5) * (x[:, 1] - 0.5))

    mixed = [product(np.column_stack([b[:, 0], a[:, 1]])), product(np.column_stack([a[:, 0], b[:, 1]]))]
    first, total = sobol_indices(product(a), product(b), np.column_stack(mixed))
    assert first == pytest.approx([0.0, 0.0], abs=0.03)
    assert total == pytest.approx([1.0, 1.0], abs=0.03)


def test_tornado_ends_are_runs_of_the_scenario_with_that_input() -> None:
    scenario = model(ranges=RANGES)
    rows = {(row["output"], row["driver"]): row for row in hand().tables["tornado"].to_pylist()}
    row = rows["cost_gap_discounted_usd", "price: methanol"]
    assert (row["low"], row["high"]) == (0.6, 1.3)
    # 371,250 GJ at 40 USD/GJ in the second model year, which stands for five; no discount.
    assert row["value_high"] - row["base"] == pytest.approx(5 * 371_250 * 40 * 0.3)
    assert row["base"] - row["value_low"] == pytest.approx(5 * 371_250 * 40 * 0.4)
    swings = [row["swing"] for (output, _), row in rows.items() if output == "wtw_t"]
    assert swings == sorted(swings, reverse=True)
    modes = np.array([[item.mode for item in scenario.ranges]])
    assert run_outputs(scenario, draws_of(scenario, modes))[0]["wtw_t"][0] == pytest.approx(
        rows["wtw_t", "demand"]["base"]
    )


def test_refuses_what_it_cannot_draw() -> None:
    with pytest.raises(DataError) as refused:
        ensemble(model(), draws=3, seed=-1)
    text = str(refused.value)
    assert "draws" in text
    assert "seed" in text
    assert "no ranges" in text


def test_an_ensemble_in_which_nothing_is_avoided_has_no_abatement_cost() -> None:
    newbuild_mix = np.zeros((4, 2))
    newbuild_mix[0] = 1.0
    result = ensemble(model(newbuild_mix=newbuild_mix, ranges=RANGES[:2]), draws=64)
    row = next(r for r in result.tables["ensemble"].to_pylist() if r["output"] == "abatement_usd_per_t")
    assert row["draws"] == 0
    assert row["mean"] is None
    assert any("have no abatement cost" in note for note in result.notes)


def test_a_fleet_counted_from_the_transport_follows_its_draws_so_that_results_scale_with_it() -> None:
    scenario = read_scenario("la-lb-shanghai")
    assert [ship.existing_follows_demand for ship in scenario.classes] == [True]
    at = [item.driver for item in scenario.ranges].index("demand")
    values = np.tile([item.mode for item in scenario.ranges], (3, 1))
    values[:, at] = (0.8, 1.0, 1.2)
    single, _ = run_outputs(scenario, draws_of(scenario, values))
    for output in ("cost_discounted_usd", "cost_gap_discounted_usd", "wtw_t", "avoided_wtw_t"):
        assert single[output] == pytest.approx(single[output][1] * values[:, at], rel=1e-9)
    # Negative control: with a fleet given by number the same draws need other new ships, and nothing is in proportion.
    given = replace(scenario, classes=tuple(replace(ship, existing_follows_demand=False) for ship in scenario.classes))
    single, _ = run_outputs(given, draws_of(given, values))
    assert single["cost_gap_discounted_usd"][2] < 1.05 * single["cost_gap_discounted_usd"][1]
