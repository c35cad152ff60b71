"""Emissions of a port-year from its number of calls, where no positions are at hand.

A typical call is cut into legs (hours at a speed in a place), each leg becomes a load line, and the lines are priced by
the kernel's own functions with EPA's class defaults. What a typical call is, is an assumption of whoever asks: this is
for checking orders of magnitude, not a substitute for positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sealane.emissions.accumulate import decide_mode
from sealane.emissions.fuel_rules import Regime, tier_for_keel_year
from sealane.emissions.hotel_loads import hotel_load
from sealane.emissions.layout import (
    MODE_NAMES,
    N_PRICED,
    PRICED,
    SOURCE_NAMES,
    FactorArrays,
    KernelLimits,
    Mode,
    VesselArrays,
)
from sealane.emissions.low_load import ELECTRIC_DRIVES
from sealane.emissions.pricing import fast_limit, main_load, price
from sealane.emissions.profiles import Place, Profile, resolve_factors
from sealane.errors import DataError, Fault
from sealane.inventory.settings import Settings, published_limits
from sealane.reference import load_table

_AUX_ENGINE = "AUX-MSD"
_SHARE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Leg:
    """One part of a typical call.

    Attributes
    ----------
    name : e.g. ``cruise``.
    speed_kn : speed [kn]; 0 at berth and at anchor; None: the transit speed of the ship's class (EPA-420-B-22-011
        Table 3.12).
    distance_nm : distance in all, both ways [nm]; used where the ship moves.
    hours : duration [h]; used where the ship lies still.
    coastal : the sea margin is that of coastal waters.
    stop : ``berth`` or ``anchorage`` where the ship lies still, else None: speed and load decide the mode.
    """

    name: str
    speed_kn: float | None
    coastal: bool
    distance_nm: float = 0.0
    hours: float = 0.0
    stop: str | None = None


@dataclass(frozen=True)
class PortYearActivity:
    """A year of calls.

    Attributes
    ----------
    calls : number of calls.
    class_share : share of the calls by ``(ship class, subtype)``; sums to 1.
    keel_year : year the keels were laid; decides the NOx tier.
    legs : what one call consists of.
    regime : fuel and sulphur of the diesel engines and boilers.
    shore_power_share : share of the calls that connect to shore power.
    own_engine_h : hours at berth on own engines of a call that connects.
    """

    calls: float
    class_share: Mapping[tuple[str, str], float]
    keel_year: int
    legs: tuple[Leg, ...]
    regime: Regime
    shore_power_share: float = 0.0
    own_engine_h: float = 0.0


@dataclass(frozen=True)
class PortYear:
    """Result of `port_year`.

    Attributes
    ----------
    grams : mass [g] by ``(leg, source, pollutant)``; sources are main, auxiliary and boiler, tank-to-wake.
    hours : ship-hours by ``(leg, mode)``.
    main_kwh, aux_kwh, boiler_kwh, shore_kwh : energy by leg [kWh].
    """

    grams: Mapping[tuple[str, str, str], float]
    hours: Mapping[tuple[str, str], float]
    main_kwh: Mapping[str, float]
    aux_kwh: Mapping[str, float]
    boiler_kwh: Mapping[str, float]
    shore_kwh: Mapping[str, float]

    def total_g(self, pollutant: str, *, leg: str | None = None, source: str | None = None) -> float:
        """Mass of a pollutant [g], of one leg or source or of all."""
        return sum(
            mass
            for (at, by, name), mass in self.grams.items()
            if name == pollutant and leg in (None, at) and source in (None, by)
        )


def _check(activity: PortYearActivity) -> None:
    faults = []
    total = sum(activity.class_share.values())
    if abs(total - 1.0) > _SHARE_TOLERANCE or min(activity.class_share.values(), default=-1.0) < 0.0:
        faults.append(Fault("class_share", f"the shares sum to {total:g}", "Give shares from 0 that sum to 1"))
    if not activity.calls >= 0.0:
        faults.append(Fault("calls", f"{activity.calls}", "Give a number from 0"))
    if not 0.0 <= activity.shore_power_share <= 1.0:
        faults.append(Fault("shore_power_share", f"{activity.shore_power_share}", "Give a fraction from 0 to 1"))
    for leg in activity.legs:
        if leg.stop not in (None, "berth", "anchorage"):
            faults.append(Fault(f"leg {leg.name}, stop", f"'{leg.stop}'", "Give berth, anchorage or None"))
        elif leg.stop is None and leg.speed_kn is not None and not leg.speed_kn > 0.0:
            faults.append(Fault(f"leg {leg.name}, speed_kn", f"{leg.speed_kn}", "Give a speed above 0"))
        if not (leg.hours >= 0.0 and leg.distance_nm >= 0.0):
            faults.append(Fault(f"leg {leg.name}", "hours or distance below 0", "Give numbers from 0"))
    if faults:
        raise DataError("The port-year cannot be worked out.", faults)


def _vessels(classes: list[tuple[str, str]], hotel_table: str, tier: int) -> tuple[VesselArrays, list[Profile]]:
    """Kernel arrays of one typical ship of each class, from EPA's class defaults."""
    defaults = load_table("ogv_class_defaults")
    rows = [
        {name: defaults.row(*pair, name) for name in ("installed_kw", "max_speed_kn", "max_draught_m")}
        for pair in classes
    ]
    engines = [row["installed_kw"].text("engine") for row in rows]
    profiles = list(dict.fromkeys(Profile(engine, _AUX_ENGINE, tier, None, None) for engine in engines))
    n = len(classes)
    hotel = [[hotel_load(*pair, mode, table=hotel_table) for mode in MODE_NAMES] for pair in classes]
    arrays = VesselArrays(
        mmsi=np.arange(n, dtype=np.int32),
        installed_kw=np.array([row["installed_kw"].value for row in rows]),
        max_speed_kn=np.array([row["max_speed_kn"].value for row in rows]),
        max_draught_m=np.array([row["max_draught_m"].value for row in rows]),
        eta_w=np.ones(n),
        eta_f=np.ones(n),
        delta_w=np.ones(n),
        low_load=np.array([engine not in ELECTRIC_DRIVES for engine in engines], np.uint8),
        aux_kw=np.array([[load.aux_kw for load in ship] for ship in hotel]),
        boiler_kw=np.array([[load.boiler_kw for load in ship] for ship in hotel]),
        profile=np.array(
            [profiles.index(Profile(engine, _AUX_ENGINE, tier, None, None)) for engine in engines], np.int32
        ),
    )
    return arrays, profiles


def _mode(v: int, leg: Leg, speed_dkn: int, vessels: VesselArrays, factors: FactorArrays, limits: KernelLimits) -> int:
    """Mode of a leg by the kernel's own rule; a stop is taken for what it is said to be."""
    if leg.stop is not None:
        return int(Mode.BERTH if leg.stop == "berth" else Mode.ANCHORAGE)
    fast = fast_limit(v, int(leg.coastal), 0, vessels, factors, limits)
    mode, _ = decide_mode(speed_dkn, speed_dkn > fast, -1, -1, -1, np.zeros(1, np.uint8), limits)
    return int(mode)


def _parts(leg: Leg, speed_kn: float, activity: PortYearActivity) -> list[tuple[int, float]]:
    """``(connected to shore power, hours)`` of a leg, averaged over the calls."""
    if leg.stop is None:
        return [(0, leg.distance_nm / speed_kn)]
    if leg.stop != "berth":
        return [(0, leg.hours)]
    connected = max(leg.hours - activity.own_engine_h, 0.0) * activity.shore_power_share
    return [(0, leg.hours - connected), (1, connected)]


def port_year(activity: PortYearActivity, *, gwp: str = "ar5", hotel_table: str = "epa-2022") -> PortYear:
    """Emissions of a year of calls by method ``epa-2022``.

    Parameters
    ----------
    activity : the year.
    gwp : ``ar4``, ``ar5`` or ``ar6``.
    hotel_table : auxiliary and boiler loads, a name of `sealane.emissions.hotel_loads.HOTEL_TABLES`.

    Raises
    ------
    DataError
        listing everything in the activity that cannot be.
    MissingFactorError
        if a class, fuel or engine has no published value.

    Source: EPA-420-B-22-011 for every formula and class default; the draught is not known, so the propeller law is
    used without its displacement term.
    """
    _check(activity)
    classes = list(activity.class_share)
    tier, _ = tier_for_keel_year(activity.keel_year)
    vessels, profiles = _vessels(classes, hotel_table, tier)
    place = Place("", None, activity.regime)
    factors, _, _ = resolve_factors(profiles, [place], "epa-2022", gwp)
    limits = published_limits(Settings())
    ratio = load_table("ogv_transit_speed_ratio")
    rates = np.empty((len(SOURCE_NAMES), N_PRICED))
    grams: dict[tuple[str, str, str], float] = {}
    hours: dict[tuple[str, str], float] = {}
    energy: tuple[dict[str, float], ...] = ({}, {}, {}, {})
    for leg in activity.legs:
        for v, (pair, share) in enumerate(activity.class_share.items()):
            speed_kn = 0.0 if leg.stop else leg.speed_kn
            if speed_kn is None:
                speed_kn = ratio.row(pair[0]).value * float(vessels.max_speed_kn[v])
            speed_dkn = round(speed_kn * 10)
            mode = _mode(v, leg, speed_dkn, vessels, factors, limits)
            load = main_load(v, speed_dkn, mode, int(leg.coastal), 0, vessels, factors, limits)
            for shore, per_call_h in _parts(leg, speed_dkn / 10.0, activity):
                ship_h = activity.calls * share * per_call_h
                price(v, mode, 0, shore, load, vessels, factors, limits, rates)
                for s, source in enumerate(SOURCE_NAMES):
                    for p, pollutant in enumerate(PRICED[:-1]):
                        if not np.isnan(rates[s, p]):
                            key = (leg.name, source, pollutant)
                            grams[key] = grams.get(key, 0.0) + float(rates[s, p]) * ship_h
                at = (leg.name, MODE_NAMES[mode])
                hours[at] = hours.get(at, 0.0) + ship_h
                aux_kw = float(vessels.aux_kw[v, mode])
                powers = (
                    load * float(vessels.installed_kw[v]),
                    0.0 if shore else aux_kw,
                    float(vessels.boiler_kw[v, mode]),
                    aux_kw if shore else 0.0,
                )
                for sums, kw in zip(energy, powers, strict=True):
                    sums[leg.name] = sums.get(leg.name, 0.0) + kw * ship_h
    return PortYear(grams, hours, *energy)
