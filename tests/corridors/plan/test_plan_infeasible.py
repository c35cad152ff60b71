"""Where no plan exists, the message names the limits that conflict, by how much, and what would help."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.corridors.plan.plan_models import NAN, K, hand_case, random_model
from tests.corridors.plan.plan_oracle import least_cost_usd

from sealane.corridors.plan.solve import solve_plan
from sealane.corridors.scenarios.model import ScenarioModel
from sealane.errors import DataError


def refused(model: ScenarioModel, *, whole_ships: bool = False) -> DataError:
    with pytest.raises(DataError) as caught:
        solve_plan(model, whole_ships=whole_ships)
    return caught.value


def not_built_in_2030(model: ScenarioModel) -> ScenarioModel:
    """The same, with new ships offered from 2031 on only."""
    price = model.classes[0].newbuild_usd.copy()
    price[:, 0] = NAN
    return replace(model, classes=(replace(model.classes[0], newbuild_usd=price),))


def test_a_cap_below_what_the_best_fuel_emits() -> None:
    # One oil ship of today must be kept or converted; all on methanol with a tenth of oil: 2 ships x 1,800 t.
    error = refused(hand_case(cap_wtw_t=np.array([NAN, 3000.0])))
    assert "The cap on well-to-wake emissions of 2031 and the transport demanded of 2031 cannot hold together" in str(
        error
    )
    cap, demand = error.faults
    assert cap.where == "small: cap_wtw_t, 2031"
    assert "in 2031 at least 3,600 t are emitted, 3,000 t allowed" in cap.found
    assert "Raise the cap by 600 t in 2031" in cap.remedy
    assert "at most 1,667 of 2,000 TEU" in demand.found


def test_the_amount_named_is_enough_and_no_more() -> None:
    assert solve_plan(hand_case(cap_wtw_t=np.array([NAN, 3600.0]))).kind == "plan"
    refused(hand_case(cap_wtw_t=np.array([NAN, 3599.0])))


def test_yards_fuel_and_cap_together() -> None:
    """No conversion, half a new ship, little green fuel: each alone would do, together they do not."""
    model = hand_case(
        cap_wtw_t=np.array([NAN, 12_000.0]), most_newbuilds=np.array([np.inf, 1.0]), most_retrofits=np.zeros(2)
    )
    scarce = replace(model.fuels[1], available_gj=np.full((1, 2), 40_000.0))
    error = refused(replace(model, fuels=(model.fuels[0], scarce)))
    named = {fault.where.split(": ")[1].split(",")[0] for fault in error.faults}
    assert {"cap_wtw_t", "fuels.available_gj"} <= named
    assert "green-methanol at XXAAA" in str(error)
    # 18,000 t less 8,000 t for each 100 TJ of methanol: 75 TJ are needed, 40 are there.
    assert "35 TJ more in 2031" in str(error)


def test_each_limit_named_is_needed() -> None:
    """What is named is smallest: lifted one at a time, every conflict is gone."""
    tight = hand_case(
        cap_wtw_t=np.array([NAN, 9000.0]), most_newbuilds=np.array([np.inf, 1.0]), most_retrofits=np.zeros(2)
    )
    model = not_built_in_2030(tight)
    error = refused(model)
    named = {fault.where.split(": ")[1].split(",")[0] for fault in error.faults}
    assert named == {"cap_wtw_t", "demand_teu", "most_newbuilds", "most_retrofits"}
    lifted = {
        "cap_wtw_t": {"cap_wtw_t": np.full(2, NAN)},
        "demand_teu": {"demand_teu": np.array([2000.0, 500.0])},
        "most_newbuilds": {"most_newbuilds": np.full(2, np.inf)},
        "most_retrofits": {"most_retrofits": np.full(2, np.inf)},
    }
    for name in named:
        assert least_cost_usd(replace(model, **lifted[name])) is not None, name


def test_transport_that_no_ship_can_carry() -> None:
    model = hand_case(cap_wtw_t=np.full(2, NAN))
    nobody = replace(model.classes[0], newbuild_usd=np.full((K, 2), NAN))
    error = refused(replace(model, classes=(nobody,)))
    assert "The transport demanded of 2031 cannot be met" in str(error)
    assert "at most 1,000 of 2,000 TEU" in error.faults[0].found


def test_two_conflicts_that_have_nothing_to_do_with_one_another() -> None:
    error = refused(hand_case(cap_wtw_t=np.array([100.0, 3000.0])))
    assert "of 2030 and the transport demanded of 2030 cannot hold together" in str(error)
    assert "of 2031 and the transport demanded of 2031 cannot hold together" in str(error)


def test_a_cap_on_intensity() -> None:
    error = refused(hand_case(cap_wtw_t=np.full(2, NAN), cap_intensity_g_per_mj=np.array([NAN, 15.0])))
    assert "cap_intensity_g_per_mj, 2031" in error.faults[0].where
    assert "at least 18 g/MJ, 15 allowed" in error.faults[0].found


def test_only_whole_ships_have_no_plan() -> None:
    model = hand_case(
        cap_wtw_t=np.full(2, NAN), most_newbuilds=np.array([np.inf, 0.5]), demand_teu=np.array([2000.0, 1500.0])
    )
    model = not_built_in_2030(model)
    assert solve_plan(model).kind == "plan"
    assert "none with whole ships" in str(refused(model, whole_ships=True))


def test_a_random_scenario_without_a_plan_is_explained() -> None:
    seed = next(s for s in range(4000, 4100) if least_cost_usd(random_model(s)) is None)
    error = refused(random_model(seed))
    assert error.faults
    assert all(fault.found and fault.remedy for fault in error.faults)
