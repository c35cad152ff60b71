"""What a load line costs: load of the main engine, grams per hour of every source and pollutant.

The published formulas stand in `propulsion`, `low_load` and `emission_factors`; this module only puts them together.
The kernel, `explain` and the tests call it alike.
"""

from __future__ import annotations

import numpy as np

from sealane.emissions.layout import N_PRICED, PRICED, SPEED_BINS, Mode
from sealane.emissions.low_load import low_load_factor_at
from sealane.emissions.propulsion import LOAD_FLOOR, imo4_propulsion_load, load_based_sfc_factor, propulsion_load
from sealane.movement.compiled import njit

_CO2, _CH4, _N2O, _CO2E = (PRICED.index(name) for name in ("co2", "ch4", "n2o", "co2e"))
_SO2, _BC, _WTT = PRICED.index("so2"), PRICED.index("bc"), PRICED.index("wtt_co2e")
_TRANSIT, _ANCHORAGE, _BERTH = int(Mode.TRANSIT), int(Mode.ANCHORAGE), int(Mode.BERTH)


@njit(nogil=True, cache=True)
def main_load(v, speed_dkn, mode, coastal, draught_dm, vessels, factors, limits):
    """Load of the main engine as a fraction of installed power.

    The main engine is off at berth and at anchor while the ship does not move (at most ``rest_dkn``): position
    noise of 0.1 kn is no propulsion, and the 2 % floor of the formula would make it one.
    """
    if mode == _BERTH or (mode == _ANCHORAGE and speed_dkn <= limits.rest_dkn):
        return 0.0
    draught_m = draught_dm / 10.0 if draught_dm > 0 else np.nan
    if factors.imo4:
        return imo4_propulsion_load(
            speed_dkn / 10.0,
            vessels.max_speed_kn[v],
            draught_m,
            vessels.max_draught_m[v],
            vessels.eta_w[v],
            vessels.eta_f[v],
            vessels.delta_w[v],
        )
    margin = limits.sea_margin_coastal if coastal else limits.sea_margin_at_sea
    return propulsion_load(speed_dkn / 10.0, vessels.max_speed_kn[v], margin, draught_m, vessels.max_draught_m[v])


@njit(nogil=True, cache=True)
def adjustment(p, load, sulphur_fraction, bc_exponent, low_load, factors, limits):
    """Factor on the main engine's emission factor at this load."""
    if factors.imo4 and p == _BC:
        return load_based_sfc_factor(load) * max(load, LOAD_FLOOR) ** bc_exponent
    if factors.imo4 and (p == _CO2 or p == _SO2 or p == _CH4 or p == _N2O or p == _WTT):
        return load_based_sfc_factor(load)
    if not low_load or load >= limits.low_load_limit:
        return 1.0
    row = _CO2 if p == _WTT else p
    if np.isnan(factors.llaf[row, 0]):
        return 1.0
    return low_load_factor_at(
        row == _SO2, load, sulphur_fraction, factors.llaf[row, 0], factors.llaf[row, 1], factors.llaf[row, 2]
    )


@njit(nogil=True, cache=True)
def price(v, mode, regime, shore, load, vessels, factors, limits, rates):
    """Fill ``rates`` ``(3, PRICED)`` with grams per hour of main engine, auxiliary engines and boiler."""
    profile = vessels.profile[v]
    main_kw = load * vessels.installed_kw[v]
    aux_kw = 0.0 if shore else vessels.aux_kw[v, mode]
    boiler_kw = vessels.boiler_kw[v, mode]
    sulphur = factors.sulphur_fraction[profile, regime]
    exponent = factors.bc_exponent[profile, regime]
    low = load < limits.tier_fallback_load
    for p in range(N_PRICED):
        if main_kw > 0.0:
            factor = factors.main_low[profile, regime, p] if low else factors.main[profile, regime, p]
            rates[0, p] = (
                main_kw * factor * adjustment(p, load, sulphur, exponent, vessels.low_load[v], factors, limits)
            )
        else:
            rates[0, p] = 0.0
        rates[1, p] = aux_kw * factors.auxiliary[profile, regime, p] if aux_kw > 0.0 else 0.0
        rates[2, p] = boiler_kw * factors.boiler[profile, regime, p] if boiler_kw > 0.0 else 0.0
    for s in range(3):
        rates[s, _CO2E] = rates[s, _CO2] + factors.gwp[0] * rates[s, _CH4] + factors.gwp[1] * rates[s, _N2O]


@njit(nogil=True, cache=True)
def fast_limit(v, coastal, draught_dm, vessels, factors, limits):
    """Highest speed step at which the load is still that of manoeuvring."""
    low, high = 0, SPEED_BINS - 1
    while low < high:
        middle = (low + high + 1) // 2
        if main_load(v, middle, _TRANSIT, coastal, draught_dm, vessels, factors, limits) <= limits.manoeuvring_load:
            low = middle
        else:
            high = middle - 1
    return low
