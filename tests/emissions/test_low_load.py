"""Properties of the low-load adjustment factor."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.emissions.low_load import LLAF_ROW, low_load_coefficients, low_load_factor, low_load_factor_at
from sealane.errors import MissingFactorError

POLLUTANTS = st.sampled_from(sorted(LLAF_ROW))
LOADS = st.floats(0.0, 1.0)
SULPHURS = st.floats(0.0, 5.0)


@given(POLLUTANTS, LOADS, SULPHURS)
def test_at_least_one_and_one_from_20_per_cent_on(pollutant: str, load: float, sulphur_pct: float) -> None:
    factor = low_load_factor(pollutant, load, sulphur_pct)
    assert factor >= 1.0
    if load >= 0.2:
        assert factor == 1.0


@given(POLLUTANTS, LOADS, LOADS, SULPHURS)
def test_falls_with_load(pollutant: str, a: float, b: float, sulphur_pct: float) -> None:
    low, high = sorted((a, b))
    at_low, at_high = (low_load_factor(pollutant, load, sulphur_pct) for load in (low, high))
    assert at_low >= at_high
    if 0.02 < low < high - 1e-6 and low < 0.19:
        assert at_low > at_high


def test_load_is_held_at_two_per_cent() -> None:
    for pollutant in LLAF_ROW:
        assert low_load_factor(pollutant, 0.0) == low_load_factor(pollutant, 0.02)


def test_so2_below_a_tenth_of_a_per_cent_takes_that_value() -> None:
    at_limit = low_load_factor("so2", 0.05, 0.1)
    assert low_load_factor("so2", 0.05, 0.0) == at_limit
    assert low_load_factor("so2", 0.05, 0.05) == at_limit
    assert low_load_factor("so2", 0.05, 0.5) < at_limit


def test_the_closed_form_would_turn_negative_without_that_rule() -> None:
    """Negative control: the rate at 0.05 % sulphur and 20 % load is below zero."""
    a, x, b = low_load_coefficients("so2")
    assert math.isnan(x)
    assert a * (14.1205 / 0.2 + 205.7169) * 0.0005 + b < 0


def test_whose_factor_a_pollutant_takes() -> None:
    assert low_load_factor("n2o", 0.1) == low_load_factor("nox", 0.1)
    assert low_load_factor("ch4", 0.1) == low_load_factor("hc", 0.1)
    assert low_load_factor("dpm", 0.1) == low_load_factor("bc", 0.1) == low_load_factor("pm25", 0.1)
    with pytest.raises(MissingFactorError, match="CO2e is the sum"):
        low_load_factor("co2e", 0.1)


def test_an_unknown_load_stays_unknown() -> None:
    assert math.isnan(low_load_factor_at(False, math.nan, 0.001, 1.0, 1.0, 1.0))
