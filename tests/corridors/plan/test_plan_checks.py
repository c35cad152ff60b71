"""Numbers that contradict one another are refused before anything is solved, all at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.corridors.plan.plan_models import K, hand_case, payments

from sealane.corridors.plan.checks import check
from sealane.errors import DataError


def test_a_good_scenario_passes() -> None:
    check(hand_case())


def test_all_faults_at_once() -> None:
    model = hand_case()
    ship, oil = model.classes[0], model.fuels[0]
    growing = ship.existing.copy()
    growing[0] = [1.0, 2.0]
    opex = ship.opex_usd_per_year.copy()
    opex[1] = np.nan
    bad = replace(
        model,
        demand_teu=np.array([2000.0, -1.0]),
        classes=(
            replace(
                ship,
                existing=growing,
                opex_usd_per_year=opex,
                efficiency_propulsion=np.array([50.0, 0.5, np.nan, np.nan]),
            ),
        ),
        fuels=(
            replace(oil, price_usd_per_gj=np.array([[-1.0, 10.0]]), wtt_g_per_mj=np.array([[14.0, np.nan]])),
            model.fuels[1],
        ),
        payments=payments(
            2, nzf_base_g_per_mj=80.0, nzf_direct_g_per_mj=85.0, nzf_tier1_usd_per_t=400.0, nzf_tier2_usd_per_t=100.0
        ),
    )
    with pytest.raises(DataError) as caught:
        check(bad)
    where = [fault.where for fault in caught.value.faults]
    for expected in (
        "small: demand_teu, 2031",
        "small: ships.feeder.existing",
        "small: ships.feeder.opex_usd_per_year.methanol",
        "small: ships.feeder.efficiency_propulsion.oil",
        "small: fuels.oil.price_usd_per_gj",
        "small: fuels.oil.wtt_g_per_mj",
    ):
        assert expected in where
    assert sum(place.startswith("small: rules.nzf") for place in where) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"year_weight": np.array([1.0])}, "has the shape"),
        ({"years": np.array([2031, 2030])}, "do not grow"),
        ({"year_weight": np.array([1.0, 0.0])}, "above 0 in every year"),
        ({"discount_rate": -1.5}, "discount_rate"),
        ({"cap_wtw_t": np.array([np.inf, 1.0])}, "is infinite"),
        ({"class_share": np.array([[0.5, 1.0]])}, "do not sum to 1"),
        ({"most_newbuilds": np.array([np.nan, 1.0])}, "missing or negative"),
    ],
)
def test_faults_of_the_scenario(change: dict[str, object], words: str) -> None:
    with pytest.raises(DataError, match=words):
        check(replace(hand_case(), **change))


def test_shore_power_without_a_price() -> None:
    model = hand_case(shore_usd_per_gj=np.full((1, 2), np.nan))
    ship = replace(model.classes[0], electric_port_gj=np.array([100.0]), shore_share=np.full((1, 2), 0.5))
    with pytest.raises(DataError, match=r"shore_usd_per_gj\.XXAAA: is missing where class feeder takes shore power"):
        check(replace(model, classes=(ship,)))
    check(replace(model, classes=(replace(ship, shore_share=np.zeros((1, 2))),)))


def test_names_given_twice_and_unknown_families() -> None:
    model = hand_case()
    with pytest.raises(DataError) as caught:
        check(replace(model, classes=model.classes * 2, fuels=(replace(model.fuels[0], family="coal"),)))
    assert {f.where for f in caught.value.faults} == {"small: ships.feeder", "small: fuels.oil.family"}
    assert K == 4
