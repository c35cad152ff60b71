"""What legs and stays take in energy and fuel, and what they emit: by fuel, so that every total adds up.

All arithmetic on ships stands in `sealane.corridors.ship_energy`; this module cuts legs at control areas, calls it, and
puts the pieces back together by leg and by stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.lanes.adding import ENERGY_MJ, WTW, over_fuels, spread_by_fuel
from sealane.corridors.lanes.schemas import POLLUTANTS
from sealane.corridors.ship_energy import FUEL_NAMES, EnergyColumns, Fleet, sail_many, stay_many
from sealane.emissions.layout import Mode
from sealane.emissions.well_to_tank import well_to_tank
from sealane.errors import MissingFactorError
from sealane.reference import load_table

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

ELECTRICITY = "electricity"
ELECTRICITY_UNKNOWN = "electricity of unknown intensity"
FUELS = (*FUEL_NAMES, ELECTRICITY, ELECTRICITY_UNKNOWN)
"""The two kinds of electricity are kept apart, so that what is known of one port is not lost in a sum with another."""
MEASURES = ("fuel_t", "energy_mj", *POLLUTANTS)
MJ_PER_KWH = 3.6
KG_PER_T = 1000.0

# In the order in which `sealane.corridors.lanes.adding` takes them.
_WANTED = ("co2e", "wtt_co2e", "nox", "so2", "pm10", "pm25")
_MJ, _WTW = ENERGY_MJ, WTW
STAY_MODES = ("anchorage", "berth", "manoeuvring", "drift")


@cache
def heating_values() -> Mapping[str, float]:
    """Lower heating value of each fuel [MJ/kg], from the rows that price its well-to-tank part."""
    found = {}
    for fuel in FUEL_NAMES:
        engine = "LNG" if fuel == "LNG" else "SSD"
        try:
            found[fuel] = next(
                row for row in well_to_tank(engine, fuel, baseline=True).rows if row.unit == "MJ/kg"
            ).value
        except (MissingFactorError, StopIteration):
            found[fuel] = float("nan")
    return found


@dataclass(frozen=True)
class Priced:
    """Energy and emissions of items (legs, or stays in one mode).

    Attributes
    ----------
    kwh : work of main engine, auxiliary engines, boilers, and shore power, ``(n, 4)``.
    by_fuel : `MEASURES` by `FUELS`, ``(n, fuels, measures)``; NaN where a running engine has no published factor.
    grade : 0 for A to 3 for D, worst behind well-to-wake CO2e; -1 where nothing was priced; ``(n,)``.
    """

    kwh: Floats
    by_fuel: Floats
    grade: NDArray[np.int8]

    @cached_property
    def totals(self) -> Floats:
        """`MEASURES` over all fuels, ``(n, measures)``; electricity without a known intensity adds no CO2e."""
        found: Floats = over_fuels(self.by_fuel)
        return found


def _empty(n: int) -> Priced:
    return Priced(np.zeros((n, 4)), np.zeros((n, len(FUELS), len(MEASURES))), np.full(n, -1, np.int8))


def _add(
    priced: Priced, at: Whole, fleet: Fleet, ship: Whole, area: Whole, time_us: Whole, found: EnergyColumns
) -> None:
    """Add what was found for rows `at`, each of them once, fuel by fuel."""
    if not len(at):
        return
    priced.kwh[at] += found.kwh
    spread_by_fuel(
        at,
        fleet.vessels.profile[ship].astype(np.int64),
        fleet.regimes(area, time_us),
        fleet.fuel_of,
        np.array([heating_values()[name] * KG_PER_T for name in FUEL_NAMES]),
        found.kwh,
        found.fuel_t,
        found.grams,
        priced.by_fuel,
    )
    grade = np.where(found.kwh[:, :3] > 0.0, fleet.grade[ship], -1).max(axis=1).astype(np.int8)
    priced.grade[at] = np.maximum(priced.grade[at], grade)


def price_legs(
    fleet: Fleet,
    ship: Whole,
    distance_nm: Floats,
    hours: Floats,
    area_nm: Floats,
    departure_us: Whole,
    port_area: Whole,
) -> Priced:
    """Price legs.

    Parameters
    ----------
    fleet : energy models; areas as in `sealane.corridors.lanes.distances.AREAS`.
    ship : row of the model, -1 where there is none, ``(n,)``.
    distance_nm, hours : ``(n,)``; NaN where unknown. A leg without distance or time is not priced; one of zero miles
        is priced as drifting.
    area_nm : miles inside each control area, ``(n, areas)``.
    departure_us : moment that decides the fuel rules, ``(n,)``.
    port_area : control area of the port left, for legs of zero miles, ``(n,)``.
    """
    priced = _empty(len(ship))
    ready = (ship >= 0) & (hours > 0.0)
    sailing = np.flatnonzero(ready & (distance_nm > 0.0))
    speed = np.divide(distance_nm, hours, out=np.ones_like(hours), where=ready & (distance_nm > 0.0))
    outside = np.maximum(distance_nm - area_nm.sum(axis=1), 0.0)
    for area in range(area_nm.shape[1] + 1):
        miles = outside if area == 0 else area_nm[:, area - 1]
        at = sailing[miles[sailing] > 0.0]
        if not len(at):
            continue
        inside = miles[at] if area else np.zeros(len(at))
        found = sail_many(
            fleet,
            ship[at],
            miles[at],
            speed[at],
            time=departure_us[at],
            eca_nm=inside,
            eca_area=np.full(len(at), max(area, 1)),
            pollutants=_WANTED,
            by_source=True,
        )
        _add(priced, at, fleet, ship[at], np.full(len(at), area, np.int64), departure_us[at], found)
    adrift = np.flatnonzero(ready & (distance_nm == 0.0))
    if len(adrift):
        found = stay_many(
            fleet,
            ship[adrift],
            hours[adrift],
            "drift",
            time=departure_us[adrift],
            area=port_area[adrift],
            pollutants=_WANTED,
            by_source=True,
        )
        _add(priced, adrift, fleet, ship[adrift], port_area[adrift], departure_us[adrift], found)
    return priced


def price_stays(
    fleet: Fleet,
    ship: Whole,
    mode: Whole,
    hours: Floats,
    shore_h: Floats,
    area: Whole,
    time_us: Whole,
    grid: Floats,
    grid_grade: Whole,
) -> Priced:
    """Price stays in one mode each.

    Parameters
    ----------
    ship : row of the model, -1 where there is none, ``(n,)``.
    mode : number in `STAY_MODES`, ``(n,)``. Manoeuvring is priced under way at the speed of table ``lane_limits``,
        about the 2 % floor of the main engine's load, because no speed is told.
    hours, shore_h : length, and part of it on shore power [h], ``(n,)``.
    area : control area of the port, 0 for none, ``(n,)``.
    grid : carbon intensity of the electricity [g CO2e/kWh], NaN where not known, ``(n,)``.
    grid_grade : its grade, 0 for A to 3 for D, -1 for none, ``(n,)``.
    """
    priced = _empty(len(ship))
    ready = (ship >= 0) & (hours > 0.0)
    moving = mode == STAY_MODES.index("manoeuvring")
    still = np.flatnonzero(ready & ~moving)
    modes = np.array([int(Mode[name.upper()]) for name in STAY_MODES], np.int64)
    if len(still):
        found = stay_many(
            fleet,
            ship[still],
            hours[still],
            modes[mode[still]],
            time=time_us[still],
            area=area[still],
            shore_power_h=shore_h[still],
            pollutants=_WANTED,
            by_source=True,
        )
        _add(priced, still, fleet, ship[still], area[still], time_us[still], found)
        on = found.kwh[:, 3] > 0.0
        at, kwh = still[on], found.kwh[on, 3]
        slot = np.where(np.isnan(grid[at]), FUELS.index(ELECTRICITY_UNKNOWN), FUELS.index(ELECTRICITY))
        priced.by_fuel[at, slot, _MJ] += kwh * MJ_PER_KWH
        priced.by_fuel[at, slot, _WTW] += kwh * grid[at]
        # What is taken from shore is the auxiliary engines' load, as well known as that is.
        worst = np.maximum(fleet.grade[ship[at], 1], grid_grade[at]).astype(np.int8)
        priced.grade[at] = np.maximum(priced.grade[at], worst)
    at = np.flatnonzero(ready & moving)
    if len(at):
        ratio = load_table("lane_limits").row("manoeuvring_speed").value
        speed = ratio * np.array([model.max_speed_kn for model in fleet.ships])[ship[at]]
        miles = speed * hours[at]
        found = sail_many(
            fleet,
            ship[at],
            miles,
            speed,
            time=time_us[at],
            eca_nm=np.where(area[at] > 0, miles, 0.0),
            eca_area=np.maximum(area[at], 1),
            mode="manoeuvring",
            coastal=True,
            pollutants=_WANTED,
            by_source=True,
        )
        _add(priced, at, fleet, ship[at], area[at], time_us[at], found)
    return priced
