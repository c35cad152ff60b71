"""Energy, fuel and emissions of a ship on a passage and in port, from its particulars and published formulas.

The one place where corridors turn a ship, a speed and a distance into work and grams. It resolves particulars,
factors and fuel rules with the functions of `sealane.emissions` and prices with the inventory's own two functions,
so that the same hours at the same speed cost the same in a lane and in an inventory.

`sail` and `stay` answer for one ship and give every source apart; `sail_many` and `stay_many` answer for millions of
passages in arrays. All figures are for fossil fuels by the rules of date and place; other fuels are a matter of
`sealane.corridors.fuels`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import numpy as np

from sealane.corridors.fleet_energy import (
    DEFAULT_POLLUTANTS,
    FUEL_NAMES,
    EnergyColumns,
    Fleet,
    fleet_of,
    sail_many,
    stay_many,
)
from sealane.corridors.ship_model import ShipEnergy, ship_of_class, ship_of_particulars
from sealane.emissions.layout import PRICED, SOURCE_NAMES
from sealane.emissions.profiles import GRADES
from sealane.errors import DataError, Fault, MissingFactorError

__all__ = [
    "DEFAULT_POLLUTANTS",
    "FUEL_NAMES",
    "Energy",
    "EnergyColumns",
    "Fleet",
    "ShipEnergy",
    "fleet_of",
    "sail",
    "sail_many",
    "ship_of_class",
    "ship_of_particulars",
    "stay",
    "stay_many",
    "total",
]

_KWH = ("main_kwh", "aux_kwh", "boiler_kwh", "shore_kwh")


@dataclass(frozen=True)
class Energy:
    """What a passage, a stay or several of them took.

    Attributes
    ----------
    hours, distance_nm : time [h] and way [nm].
    main_kwh, aux_kwh, boiler_kwh, shore_kwh : work of main engine, auxiliary engines and boiler, and electricity from
        shore [kWh].
    fuel_t : fuel burnt [t] by fuel; fuels not burnt are absent.
    grams : mass emitted [g] by pollutant, then source (main, auxiliary, boiler); ``co2e`` is tank-to-wake,
        ``wtt_co2e`` the upstream part. A pollutant for which a running source has no published factor is absent.
    shore_co2e_g : CO2e of the electricity from shore [g].
    grade : worst grade among the inputs and factors behind well-to-wake CO2e.
    """

    hours: float
    distance_nm: float
    main_kwh: float
    aux_kwh: float
    boiler_kwh: float
    shore_kwh: float
    fuel_t: Mapping[str, float]
    grams: Mapping[str, Mapping[str, float]]
    shore_co2e_g: float
    grade: str

    @property
    def kwh(self) -> float:
        """All work, electricity from shore included [kWh]."""
        return self.main_kwh + self.aux_kwh + self.boiler_kwh + self.shore_kwh

    def of(self, pollutant: str) -> float:
        """Mass of a pollutant emitted aboard [g], all sources.

        Raises
        ------
        MissingFactorError
            where a source that ran has no published factor for it.
        """
        if pollutant not in self.grams:
            raise MissingFactorError(
                f"No published factor of {pollutant} for every engine that ran. Known here: {', '.join(self.grams)}."
            )
        return math.fsum(self.grams[pollutant].values())

    @property
    def ttw_co2e_g(self) -> float:
        """Tank-to-wake CO2e [g]."""
        return self.of("co2e")

    @property
    def wtw_co2e_g(self) -> float:
        """Well-to-wake CO2e [g], electricity from shore included."""
        return self.of("co2e") + self.of("wtt_co2e") + self.shore_co2e_g

    def __add__(self, other: Energy) -> Energy:
        return total((self, other))


def total(parts: Iterable[Energy]) -> Energy:
    """The sum of several; a pollutant missing in one of them is missing in the sum."""
    items = tuple(parts)
    known = [name for name in PRICED if all(name in item.grams for item in items)]
    return Energy(
        hours=math.fsum(item.hours for item in items),
        distance_nm=math.fsum(item.distance_nm for item in items),
        main_kwh=math.fsum(item.main_kwh for item in items),
        aux_kwh=math.fsum(item.aux_kwh for item in items),
        boiler_kwh=math.fsum(item.boiler_kwh for item in items),
        shore_kwh=math.fsum(item.shore_kwh for item in items),
        fuel_t={
            name: math.fsum(item.fuel_t.get(name, 0.0) for item in items)
            for name in FUEL_NAMES
            if any(name in item.fuel_t for item in items)
        },
        grams={
            name: {source: math.fsum(item.grams[name][source] for item in items) for source in SOURCE_NAMES}
            for name in known
        },
        shore_co2e_g=math.fsum(item.shore_co2e_g for item in items),
        grade=max((item.grade for item in items), default="A"),
    )


@lru_cache(maxsize=1024)
def _fleet(ship: ShipEnergy, day: date, area: str, gwp: str, sea_margin: float | None) -> Fleet:
    return fleet_of([ship], day, day, areas=(area,) if area else (), gwp=gwp, sea_margin=sea_margin)


def _energy(fleet: Fleet, columns: EnergyColumns, distance_nm: float, shore_co2e_g: float) -> Energy:
    kwh = dict(zip(_KWH, columns.kwh[0].tolist(), strict=True))
    ran = [source for source in range(3) if columns.kwh[0, source] > 0.0]
    grade = max((int(fleet.grade[0, source]) for source in ran), default=0)
    return Energy(
        hours=float(columns.hours[0]),
        distance_nm=distance_nm,
        **kwh,
        fuel_t={name: t for name, t in zip(FUEL_NAMES, columns.fuel_t[0].tolist(), strict=True) if t > 0.0},
        grams={
            name: dict(zip(SOURCE_NAMES, columns.grams[0, :, at].tolist(), strict=True))
            for at, name in enumerate(columns.pollutants)
            if not np.isnan(columns.grams[0, :, at]).any()
        },
        shore_co2e_g=shore_co2e_g,
        grade=GRADES[grade],
    )


def _day(day: date | datetime) -> date:
    return day.date() if isinstance(day, datetime) else day


def sail(
    ship: ShipEnergy,
    distance_nm: float,
    speed_kn: float,
    *,
    day: date | datetime,
    eca_nm: float = 0.0,
    eca_area: str = "north_american",
    method: str | None = None,
    gwp: str = "ar5",
    sea_margin: float | None = None,
    draught_m: float | None = None,
    mode: str = "transit",
    coastal: bool = False,
) -> Energy:
    """Energy and emissions of one passage at steady speed.

    Parameters
    ----------
    ship : see `ship_of_class`.
    distance_nm : length [nm].
    speed_kn : speed through the passage [kn]; above the ship's maximum the load is capped at 100 %.
    day : UTC day that decides the fuel rules.
    eca_nm : miles of it inside control area `eca_area`.
    method : None: the ship's.
    gwp : ``ar4``, ``ar5`` or ``ar6``.
    sea_margin : fraction; None: the published one, 0.15 at sea, 0.10 with `coastal`. ``epa-2022`` only.
    draught_m : None: unknown, plain propeller law.
    mode : hotel load of ``transit``, ``manoeuvring``, or ``by_load``, see `sail_many`.

    Returns
    -------
    Energy

    Raises
    ------
    DataError
        listing every argument that is out of range.
    MissingFactorError
        where no value is published.
    """
    fleet = _fleet(ship.by_method(method or ship.method), _day(day), eca_area, gwp, sea_margin)
    columns = sail_many(
        fleet,
        0,
        distance_nm,
        speed_kn,
        time=day,
        eca_nm=eca_nm,
        mode=mode,
        draught_m=math.nan if draught_m is None else draught_m,
        coastal=coastal,
        pollutants=PRICED,
        by_source=True,
    )
    return _energy(fleet, columns, float(distance_nm), 0.0)


def stay(
    ship: ShipEnergy,
    hours: float,
    mode: str,
    *,
    day: date | datetime,
    inside_eca: bool,
    eca_area: str = "north_american",
    shore_power_h: float = 0.0,
    grid_g_per_kwh: float | None = None,
    method: str | None = None,
    gwp: str = "ar5",
) -> Energy:
    """Energy and emissions of a ship that lies still; the main engine is off.

    Parameters
    ----------
    ship, day, method, gwp : as `sail`.
    hours : length of the stay [h].
    mode : ``berth``, ``anchorage``, ``drift``, or another mode whose hotel load is meant.
    inside_eca : the place lies in control area `eca_area`.
    shore_power_h : hours of it connected to shore power [h]; auxiliary engines are off then, boilers are not.
    grid_g_per_kwh : carbon intensity of the grid [g CO2e/kWh]; needed with shore power.

    Raises
    ------
    DataError
        listing every argument that is out of range.
    MissingFactorError
        where no value is published, or shore power is taken and the grid's carbon intensity is not given.
    """
    if shore_power_h > 0.0 and grid_g_per_kwh is None:
        raise MissingFactorError(
            "The carbon intensity of the grid is not given. Give grid_g_per_kwh, e.g. of `sealane factors grid`."
        )
    if grid_g_per_kwh is not None and not 0.0 <= grid_g_per_kwh <= 2000.0:
        fault = Fault("grid_g_per_kwh", f"{grid_g_per_kwh:g}", "Give g CO2e/kWh from 0 to 2000")
        raise DataError("The stay cannot be priced.", [fault])
    fleet = _fleet(ship.by_method(method or ship.method), _day(day), eca_area, gwp, None)
    columns = stay_many(
        fleet,
        0,
        hours,
        mode,
        time=day,
        area=1 if inside_eca else 0,
        shore_power_h=shore_power_h,
        pollutants=PRICED,
        by_source=True,
    )
    shore_kwh = float(columns.kwh[0, 3])
    return _energy(fleet, columns, 0.0, shore_kwh * grid_g_per_kwh if grid_g_per_kwh and shore_kwh else 0.0)
