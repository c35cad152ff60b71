"""The compiled loop behind `sealane.corridors.ship_energy`: passages and stays to energy, fuel and grams.

It calls the same two functions as the inventory's kernel, `main_load` and `price`, so that a passage costs here what it
costs there. One item is one ship for some hours outside and some hours inside a control area, at one speed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sealane.emissions.layout import N_PRICED, PRICED, Mode
from sealane.emissions.pricing import main_load, price
from sealane.movement.compiled import njit

BY_LOAD = -1
"""Mode of an item whose hotel load follows the main engine's load: transit above 20 %, manoeuvring up to it."""

_CO2 = PRICED.index("co2")
_TRANSIT, _MANOEUVRING = int(Mode.TRANSIT), int(Mode.MANOEUVRING)


@njit(nogil=True, cache=True)
def price_items(
    ship: Any,
    mode: Any,
    speed_kn: Any,
    draught_m: Any,
    hours: Any,
    regime: Any,
    shore_h: Any,
    coastal: Any,
    vessels: Any,
    factors: Any,
    limits: Any,
    co2_per_fuel: Any,
    fuel_of: Any,
    wanted: Any,
    by_source: Any,
    load: Any,
    kwh: Any,
    fuel_g: Any,
    grams: Any,
) -> None:
    """Price every item into the arrays given.

    Parameters
    ----------
    ship : row of ``vessels``, ``(n,)``.
    mode : `Mode` or `BY_LOAD`, ``(n,)``.
    speed_kn, draught_m : ``(n,)``; NaN draught: unknown.
    hours, regime : outside and inside a control area, ``(n, 2)``; ``regime`` is a row of ``factors``.
    shore_h : hours of it on shore power, ``(n,)``; taken from the hours outside first.
    coastal : 1 for the coastal sea margin, ``(n,)``.
    co2_per_fuel, fuel_of : CO2 per mass of fuel [g/g] and number of the fuel, ``(profiles, regimes, 3)``.
    wanted : numbers of the pollutants, in the order of `PRICED`.
    by_source : 1: ``grams`` is ``(n, 3, wanted)``; 0: sources summed in ``(n, 1, wanted)``; ``fuel_g`` alike.
    load, kwh, fuel_g, grams : results; kwh of main engine, auxiliary engines, boiler and shore ``(n, 4)``.
    """
    rates = np.empty((3, N_PRICED))
    for i in range(len(ship)):
        v = ship[i]
        how = _TRANSIT if mode[i] == BY_LOAD else mode[i]
        main = main_load(v, speed_kn[i] * 10.0, how, coastal[i], draught_m[i] * 10.0, vessels, factors, limits)
        if mode[i] == BY_LOAD and main <= limits.manoeuvring_load:
            how = _MANOEUVRING
        load[i] = main
        profile = vessels.profile[v]
        shore_left = shore_h[i]
        for part in range(2):
            for plugged in range(2):
                connected = min(shore_left, hours[i, part])
                h = connected if plugged else hours[i, part] - connected
                if plugged:
                    shore_left -= connected
                if h <= 0.0:
                    continue
                r = regime[i, part]
                price(v, how, r, plugged, main, vessels, factors, limits, rates)
                kwh[i, 0] += main * vessels.installed_kw[v] * h
                kwh[i, 3 if plugged else 1] += vessels.aux_kw[v, how] * h
                kwh[i, 2] += vessels.boiler_kw[v, how] * h
                for s in range(3):
                    row = s if by_source else 0
                    fuel_g[i, row, fuel_of[profile, r, s]] += rates[s, _CO2] / co2_per_fuel[profile, r, s] * h
                    for k in range(len(wanted)):
                        grams[i, row, k] += rates[s, wanted[k]] * h
