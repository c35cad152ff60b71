"""Emission factors: never negative, total (a value or a reason), consistent with their equations and rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.emissions.emission_factors import POLLUTANTS, emission_factor, explained_factors, factor_vector
from sealane.emissions.engines import ENGINES, FUELS
from sealane.emissions.factor_query import GWP_SETS, METHODS, TIERS
from sealane.emissions.propulsion import load_based_sfc_factor
from sealane.emissions.well_to_tank import WTT_SETS, well_to_tank
from sealane.errors import DataError, MissingFactorError
from sealane.reference import load_table

QUERIES = st.tuples(
    st.sampled_from(sorted(ENGINES)),
    st.one_of(st.none(), st.sampled_from(sorted(FUELS))),
    st.sampled_from(TIERS),
    st.floats(0.0, 1.0),
    st.one_of(st.none(), st.floats(0.0, 5.0)),
    st.sampled_from(METHODS),
    st.sampled_from(GWP_SETS),
)


@given(st.sampled_from(POLLUTANTS), QUERIES)
def test_a_factor_is_a_number_from_zero_or_a_reason(pollutant: str, query: tuple[object, ...]) -> None:
    try:
        factor = emission_factor(pollutant, *query)  # type: ignore[arg-type]  # drawn by hypothesis
    except MissingFactorError as reason:
        assert len(str(reason)) > 40
        return
    assert np.isfinite(factor.value)
    assert factor.value >= 0.0
    assert factor.rows or factor.value == 0.0
    assert factor.grade in "ABCD"


@given(QUERIES)
def test_vector_and_single_look_ups_agree(query: tuple[object, ...]) -> None:
    explained = explained_factors(*query)  # type: ignore[arg-type]  # drawn by hypothesis
    assert explained.values.shape == (12,)
    assert set(explained.factors) | set(explained.missing) == set(POLLUTANTS)
    for index, pollutant in enumerate(POLLUTANTS):
        if pollutant in explained.missing:
            assert np.isnan(explained.values[index])
            continue
        single = emission_factor(pollutant, *query)  # type: ignore[arg-type]  # drawn by hypothesis
        if query[5] == "epa-2022" or pollutant not in ("co2", "ch4", "n2o", "co2e", "so2"):
            assert explained.values[index] == single.value


@given(st.sampled_from(("SSD", "MSD", "HSD", "ST", "GT", "LNG")), st.floats(0.0, 1.0))
def test_imo4_main_engine_consumption_follows_load(engine: str, load: float) -> None:
    base = factor_vector(engine, None, 2, load, None, "imo4-2020")
    for pollutant in ("co2", "so2", "ch4", "n2o"):
        at_load = emission_factor(pollutant, engine, None, 2, load, None, "imo4-2020").value
        expected = base[POLLUTANTS.index(pollutant)] * load_based_sfc_factor(load)
        assert at_load == pytest.approx(expected, rel=1e-12)


def test_tier_iii_main_engine_below_a_quarter_load_emits_at_tier_ii() -> None:
    at = {load: emission_factor("nox", "SSD", "MGO", 3, load).value for load in (0.2499, 0.25)}
    assert at == {0.2499: 14.4, 0.25: 3.4}
    assert emission_factor("nox", "AUX-MSD", "MGO", 3, 0.1).value == 2.6


@pytest.mark.parametrize("engine", ["ST", "GT", "GT-ED", "LNG", "AUX-LNG", "BOILER"])
def test_engines_without_tiers_take_the_tier_0_row(engine: str) -> None:
    assert len({emission_factor("nox", engine, None, tier).value for tier in TIERS}) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_diesel_particulate_matter_comes_from_diesel_engines_only(engine: str) -> None:
    if engine == "HSD":  # no main engine rows in epa-2022
        return
    dpm, pm10 = (emission_factor(name, engine).value for name in ("dpm", "pm10"))
    assert dpm == (pm10 if ENGINES[engine].diesel else 0.0)
    assert emission_factor("pm25", engine).value == pytest.approx(0.92 * pm10, rel=1e-15)


def test_vlsfo_takes_the_residual_rows_at_half_a_per_cent() -> None:
    vlsfo = emission_factor("pm10", "SSD", "VLSFO").value
    assert vlsfo == emission_factor("pm10", "SSD", "HFO", sulphur_pct=0.5).value
    assert vlsfo == pytest.approx(0.5761 + 0.5 * 195 * 2.247 * 7e-4, rel=1e-12)
    assert emission_factor("so2", "SSD", "VLSFO").value == pytest.approx(195 * 2 * 0.97753 * 0.005, rel=1e-12)
    assert emission_factor("so2", "SSD", "HFO").value == pytest.approx(195 * 2 * 0.97753 * 0.027, rel=1e-12)


@pytest.mark.parametrize("gwp", GWP_SETS)
def test_co2e_is_the_weighted_sum_of_its_gases(gwp: str) -> None:
    for engine in ("SSD", "LNG", "AUX-HSD", "BOILER"):
        parts = [emission_factor(gas, engine).value for gas in ("co2", "ch4", "n2o")]
        weights = [load_table("gwp100").row(gwp, gas).value for gas in ("co2", "ch4", "n2o")]
        expected = sum(p * w for p, w in zip(parts, weights, strict=True))
        assert emission_factor("co2e", engine, gwp=gwp).value == pytest.approx(expected, rel=1e-12)


def test_methane_slip_of_gas_engines_is_an_assumption_and_says_so() -> None:
    factor = emission_factor("ch4", "LNG")
    assert factor.value == pytest.approx(166 * 0.031, rel=1e-12)
    assert factor.grade == "D"
    assert "Otto" in factor.assumptions[0]


def test_black_carbon_is_held_for_imo4_diesel_main_engines_only() -> None:
    assert emission_factor("bc", "SSD", "HFO", load=0.5, method="imo4-2020").value == pytest.approx(
        175 * load_based_sfc_factor(0.5) * 1.5e-4 * 0.5**-0.359, rel=1e-12
    )
    for engine, method in (("SSD", "epa-2022"), ("AUX-MSD", "imo4-2020"), ("BOILER", "imo4-2020")):
        with pytest.raises(MissingFactorError, match="give the factor yourself"):
            emission_factor("bc", engine, method=method)
    assert np.isnan(factor_vector("SSD", "HFO", 0, 0.5, None, "imo4-2020")[POLLUTANTS.index("bc")])


def test_all_wrong_inputs_are_named_at_once() -> None:
    with pytest.raises(DataError) as refused:
        emission_factor("nox", "V8", "coal", 5, 20.0, 35.0, "guess", "ar7")
    named = [fault.where for fault in refused.value.faults]
    assert named == ["engine", "fuel", "tier", "method", "gwp", "load", "sulphur_pct"]
    with pytest.raises(DataError, match="Give one of: co2"):
        emission_factor("radon", "SSD")


def test_a_missing_row_is_never_zero() -> None:
    with pytest.raises(MissingFactorError, match="engine=SSD, fuel=LNG"):
        emission_factor("co2", "SSD", "LNG")
    with pytest.raises(MissingFactorError, match="engine=HSD"):
        emission_factor("nox", "HSD")
    with pytest.raises(MissingFactorError, match="METHANOL"):
        emission_factor("co2", "SSD", "METHANOL")
    assert emission_factor("co2", "SSD", "METHANOL", method="imo4-2020", load=0.8).value == pytest.approx(
        350 * load_based_sfc_factor(0.8) * 1.375, rel=1e-12
    )


def test_well_to_tank_by_hand() -> None:
    """185 g/kWh x 42.7 MJ/kg x 17.7 g/MJ (IMO life-cycle guidelines) and 14.4 g/MJ (FuelEU)."""
    assert well_to_tank("SSD", "MGO").value == pytest.approx(185 * 0.0427 * 17.7, rel=1e-12)
    assert well_to_tank("SSD", "MGO", wtt_set="fueleu-2023").value == pytest.approx(185 * 0.0427 * 14.4, rel=1e-12)
    assert well_to_tank("SSD", "HFO").grade == "C"
    assert well_to_tank("LNG").value == pytest.approx(166 * 0.0491 * 18.5, rel=1e-12)
    assert well_to_tank("LNG").value == well_to_tank("LNG", wtt_set="fueleu-2023").value
    with pytest.raises(DataError, match=", ".join(WTT_SETS)):
        well_to_tank("SSD", wtt_set="own")


def test_black_carbon_is_held_at_the_load_floor() -> None:
    """Its power law grows without bound towards zero load; nothing below 2 % is published."""
    floor = emission_factor("bc", "SSD", "MGO", 1, 0.02, method="imo4-2020").value
    assert emission_factor("bc", "SSD", "MGO", 1, 5e-324, method="imo4-2020").value == pytest.approx(floor, rel=0.02)
