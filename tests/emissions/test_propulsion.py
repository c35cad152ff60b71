"""Properties of the propulsion laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.emissions.propulsion import (
    draught_term,
    imo4_propulsion_load,
    load_based_sfc_factor,
    max_speed_from_service,
    propulsion_load,
    propulsion_power,
)

SPEEDS = st.floats(0.0, 102.2)
MAX_SPEEDS = st.floats(0.5, 60.0)
DRAUGHTS = st.one_of(st.floats(-5.0, 30.0), st.just(math.nan))
MARGINS = st.floats(0.0, 1.0)


@given(SPEEDS, MAX_SPEEDS, MARGINS, DRAUGHTS, DRAUGHTS)
def test_load_is_a_fraction_with_floor_and_cap(
    speed_kn: float, max_kn: float, margin: float, draught_m: float, max_draught_m: float
) -> None:
    load = propulsion_load(speed_kn, max_kn, margin, draught_m, max_draught_m)
    assert load == 0.0 if speed_kn == 0.0 else 0.02 <= load <= 1.0
    assert propulsion_power(1000.0, speed_kn, max_kn, margin, draught_m, max_draught_m) == 1000.0 * load


@given(SPEEDS, SPEEDS, MAX_SPEEDS, DRAUGHTS)
def test_load_never_falls_with_speed(a_kn: float, b_kn: float, max_kn: float, draught_m: float) -> None:
    slow, fast = sorted((a_kn, b_kn))
    assert propulsion_load(slow, max_kn, 0.1, draught_m, 12.0) <= propulsion_load(fast, max_kn, 0.1, draught_m, 12.0)


@given(SPEEDS, MAX_SPEEDS, DRAUGHTS, st.floats(0.5, 1.0), st.floats(0.5, 1.0))
def test_imo4_load_is_a_fraction(
    speed_kn: float, design_kn: float, draught_m: float, eta_w: float, eta_f: float
) -> None:
    assert 0.0 <= imo4_propulsion_load(speed_kn, design_kn, draught_m, 12.0, eta_w, eta_f, 0.75) <= 1.0


@pytest.mark.parametrize("unknown", [math.nan, 0.0, -1.0])
def test_unknown_draught_leaves_the_plain_propeller_law(unknown: float) -> None:
    plain = (12.0 / 20.0) ** 3 * 1.1
    assert propulsion_load(12.0, 20.0, 0.1, unknown, 12.0) == pytest.approx(plain, rel=1e-15)
    assert propulsion_load(12.0, 20.0, 0.1, 9.0, unknown) == pytest.approx(plain, rel=1e-15)
    assert draught_term(9.0, 12.0) == pytest.approx((9 / 12) ** (2 / 3), rel=1e-15)


@pytest.mark.parametrize("unknown", [math.nan, 0.0, -3.0])
def test_unknown_maximum_speed_gives_nan_not_a_number_out_of_thin_air(unknown: float) -> None:
    assert math.isnan(propulsion_load(12.0, unknown, 0.1, 9.0, 12.0))
    assert math.isnan(imo4_propulsion_load(12.0, unknown, 9.0, 12.0, 0.867, 0.917, 1.0))
    assert math.isnan(propulsion_load(math.nan, 20.0, 0.1, 9.0, 12.0))


def test_service_speed_and_consumption_curve() -> None:
    assert max_speed_from_service(18.8) == pytest.approx(20.0, rel=1e-15)
    assert load_based_sfc_factor(0.8) == pytest.approx(1.0032, rel=1e-12)
    lowest = min(range(101), key=lambda percent: load_based_sfc_factor(percent / 100))
    assert lowest == 78


def test_compiled_and_plain_python_agree() -> None:
    for speed_kn in (0.1, 3.0, 12.3, 25.0):
        plain = propulsion_load.py_func(speed_kn, 20.0, 0.15, 9.0, 12.0)
        assert propulsion_load(speed_kn, 20.0, 0.15, 9.0, 12.0) == pytest.approx(plain, rel=1e-15)
