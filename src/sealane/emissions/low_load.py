"""Low-load adjustment factor (LLAF): main engines emit more per kWh below 20 % load.

Source: EPA-420-B-22-011 Table 3.10, closed form of the EPA 2009 Category 3 Regulatory Impact Analysis. Main engines
only, not diesel-electric or turbine-electric drive, which switches engines off instead. The constants below are
repeated from table ``method_constants``, because compiled functions cannot read tables; a test keeps both equal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from sealane.emissions.propulsion import LOAD_FLOOR
from sealane.errors import MissingFactorError
from sealane.movement.compiled import njit
from sealane.reference import FactorRow, load_table

LOW_LOAD_LIMIT = 0.2
SO2_PER_LOAD = 14.1205
SO2_CONSTANT = 205.7169
SO2_MIN_SULPHUR_FRACTION = 0.001

LLAF_ROW: Mapping[str, str] = MappingProxyType(
    {
        "co2": "co2",
        "nox": "nox",
        "n2o": "nox",
        "hc": "hc",
        "ch4": "hc",
        "co": "co",
        "so2": "so2",
        "pm10": "pm10",
        "pm25": "pm25",
        "dpm": "pm10",
        "bc": "pm10",
    }
)
"""Whose coefficients a pollutant takes: N2O those of NOx, CH4 those of HC, DPM and BC those of PM10."""

ELECTRIC_DRIVES = frozenset({"MSD-ED", "GT-ED"})
"""Main engines whose emission factors are not adjusted at low load."""


@njit(nogil=True, cache=True)
def _rate(load: float, a: float, x: float, b: float) -> float:
    return a * load**-x + b


@njit(nogil=True, cache=True)
def _so2_rate(load: float, sulphur_fraction: float, a: float, b: float) -> float:
    return a * (SO2_PER_LOAD / load + SO2_CONSTANT) * sulphur_fraction + b


@njit(nogil=True, cache=True)
def low_load_factor_at(so2: bool, load: float, sulphur_fraction: float, a: float, x: float, b: float) -> float:
    """Factor on a main engine's emission factor at a load [-]; 1 from 20 % load on, never below 1.

    ``(a LF^-x + b) / (a 0.2^-x + b)``; for SO2 the rate is ``a (14.1205 / LF + 205.7169) S + b``. The load is held at
    0.02 or above. Below S = 0.1 % the SO2 form turns negative; there the value of 0.1 % is used.

    Parameters
    ----------
    so2 : take the SO2 form.
    load : fraction of installed power.
    sulphur_fraction : mass of sulphur by mass of fuel (0.001 is 0.1 %); used by the SO2 form only.
    a, x, b : coefficients of table ``ogv_llaf``; `x` is not used by the SO2 form.

    Source: EPA-420-B-22-011 Table 3.10; EPA 2009 Category 3 Regulatory Impact Analysis.
    """
    if math.isnan(load):
        return math.nan
    if load >= LOW_LOAD_LIMIT:
        return 1.0
    held = max(load, LOAD_FLOOR)
    if so2:
        sulphur = max(sulphur_fraction, SO2_MIN_SULPHUR_FRACTION)
        return _so2_rate(held, sulphur, a, b) / _so2_rate(LOW_LOAD_LIMIT, sulphur, a, b)
    return _rate(held, a, x, b) / _rate(LOW_LOAD_LIMIT, a, x, b)


def low_load_rows(pollutant: str) -> tuple[FactorRow, ...]:
    """Rows of table ``ogv_llaf`` that a pollutant takes.

    Raises
    ------
    MissingFactorError
        for a pollutant without an adjustment of its own (CO2e is the sum of its adjusted gases).
    """
    if pollutant not in LLAF_ROW:
        raise MissingFactorError(
            f"No low-load adjustment is published for '{pollutant}'. Known: {', '.join(LLAF_ROW)}. "
            "CO2e is the sum of its gases, each with its own factor."
        )
    return load_table("ogv_llaf").find(pollutant=LLAF_ROW[pollutant])


def low_load_coefficients(pollutant: str) -> tuple[float, float, float]:
    """Coefficients ``(a, x, b)`` of a pollutant; `x` is NaN for SO2, whose form has none.

    Raises
    ------
    MissingFactorError
        as `low_load_rows`.
    """
    by_symbol = {row.text("symbol"): row.value for row in low_load_rows(pollutant)}
    return by_symbol["a"], by_symbol.get("x", math.nan), by_symbol["b"]


def low_load_factor(pollutant: str, load: float, sulphur_pct: float = 0.1) -> float:
    """Low-load adjustment factor of a pollutant [-], see `low_load_factor_at`.

    Parameters
    ----------
    pollutant : one of `LLAF_ROW`.
    load : fraction of installed power.
    sulphur_pct : sulphur of the fuel [% by mass]; matters for SO2 only.

    Raises
    ------
    MissingFactorError
        for an unknown pollutant.
    """
    a, x, b = low_load_coefficients(pollutant)
    factor: float = low_load_factor_at(pollutant == "so2", load, sulphur_pct / 100.0, a, x, b)
    return factor
