"""How the saving of one call comes about, step by step: what was taken, by which equation, from which published row.

The fuel of the steps adds up to the figures of ``savings.parquet``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sealane.corridors.arrival.just_in_time import BOUNDS, Approaches, just_in_time, least_load
from sealane.corridors.arrival.waiting import Waits
from sealane.corridors.fleet_energy import FUEL_NAMES, Fleet
from sealane.emissions.layout import MODE_NAMES, PRICED, SOURCE_NAMES
from sealane.emissions.pricing import adjustment, main_load
from sealane.emissions.profiles import factor_sheet
from sealane.errors import DataError, Fault
from sealane.inventory.context import profile_of

_CO2 = PRICED.index("co2")
_TRANSIT, _ANCHORAGE = MODE_NAMES.index("transit"), MODE_NAMES.index("anchorage")


@dataclass(frozen=True)
class Step:
    """One figure.

    Attributes
    ----------
    name, equation : what it is and how it came about.
    value, unit : the figure.
    source : published rows, or where the input came from.
    """

    name: str
    equation: str
    value: float
    unit: str
    source: str


@dataclass(frozen=True)
class CallExplanation:
    """One call under one notice.

    Attributes
    ----------
    call_id, ship, notice : of what.
    steps : in order.
    fuel_before_t, fuel_after_t : sums of the steps [t].
    grade : worst grade among the ship's inputs and factors.
    """

    call_id: str
    ship: str
    notice: str
    steps: tuple[Step, ...]
    fuel_before_t: float
    fuel_after_t: float
    grade: str


def explain_call(waits: Waits, call_id: str, notice_h: float | None, *, mode: str = "transit") -> CallExplanation:
    """Take the saving of one call apart.

    Parameters
    ----------
    waits : of `sealane.corridors.arrival.waiting.find_waits`.
    call_id : the call.
    notice_h, mode : as `just_in_time`.

    Raises
    ------
    DataError
        where the call is not among those judged, or the notice does not apply to it.
    """
    names = waits.calls["call_id"].to_pylist()
    if call_id not in names:
        why = waits.left_out.get(call_id, f"the calls judged are {', '.join(map(str, names[:10]))} ...")
        raise DataError("The call cannot be explained.", [Fault(f"call {call_id}", "not judged", why)])
    at = names.index(call_id)
    a = waits.approaches
    found = just_in_time(a, notice_h, mode=mode)
    if not found.applies[at]:
        fault = Fault(f"call {call_id}", "its passage is not known", "Ask for a notice in hours")
        raise DataError("The call cannot be explained.", [fault])
    ship = a.fleet.ships[a.ship[at]]
    steps = list(_plan(waits, at, found.notice))
    to_go, speed, new_speed = (float(x[at]) for x in (found.remaining_nm, a.speed_kn, found.new_speed_kn))
    steps += [
        Step("way to go", "min(D, v N)", to_go, "nm", ""),
        Step("time to go", "d / v", float(found.remaining_h[at]), "h", ""),
        Step("speed with notice", "max(min(v_min, v), d / (t + W))", new_speed, "kn", BOUNDS[found.bound[at]]),
        Step("waiting absorbed", "d / v' - t", float(found.absorbed_h[at]), "h", ""),
        Step("waiting left", "W - A", float(found.left_wait_h[at]), "h", ""),
    ]
    before = [
        *_passage(a, at, to_go, speed, mode, "without notice"),
        *_anchorage(a, at, float(a.wait_h[at]), "without notice"),
    ]
    after = [
        *_passage(a, at, to_go, new_speed, mode, "with notice"),
        *_anchorage(a, at, float(found.left_wait_h[at]), "with notice"),
    ]
    grade = "ABCD"[int(a.fleet.grade[a.ship[at]].max())]
    return CallExplanation(
        call_id=call_id,
        ship=f"{ship.ship_class}, {ship.subtype}",
        notice=found.notice,
        steps=(*steps, *before, *after),
        fuel_before_t=_fuel(before),
        fuel_after_t=_fuel(after),
        grade="D" if waits.distance_source[at] == "none" else grade,
    )


def _fuel(steps: Sequence[Step]) -> float:
    return math.fsum(step.value for step in steps if step.unit == "t")


def _plan(waits: Waits, at: int, notice: str) -> Iterator[Step]:
    a = waits.approaches
    yield Step("waiting W", "hours at anchor before the berth", float(a.wait_h[at]), "h", "port call")
    if waits.distance_source[at] == "none":
        yield Step(
            "speed v", "class ratio x maximum speed", float(a.speed_kn[at]), "kn", "ogv_transit_speed_ratio, grade D"
        )
    else:
        origin = f"{waits.distance_source[at]} from {waits.from_port[at]}"
        yield Step("passage D", "from the port before", float(a.distance_nm[at]), "nm", origin)
        yield Step("passage T", "departure to arrival", float(waits.sailing_h[at]), "h", "port calls")
        yield Step("speed v", "D / T", float(a.speed_kn[at]), "kn", "")
    law = f"speed at {least_load():.0%} load, or the user's"
    yield Step("least speed v_min", law, float(a.min_speed_kn[at]), "kn", "arrival_limits/least_main_engine_load")
    yield Step("notice N", notice, math.nan if notice == "voyage" else float(notice), "h", "asked for")


def _passage(a: Approaches, at: int, distance_nm: float, speed_kn: float, mode: str, when: str) -> Iterator[Step]:
    """Steps of the passage: load, then work and fuel of each source in each place."""
    fleet, v = a.fleet, int(a.ship[at])
    load = float(main_load(v, speed_kn * 10.0, _TRANSIT, 0, np.nan, fleet.vessels, fleet.factors, fleet.limits))
    how = _TRANSIT
    if mode == "by_load" and load <= fleet.limits.manoeuvring_load:
        how = MODE_NAMES.index("manoeuvring")
    equation = "load law of the method at sea, without draught"
    yield Step(f"{when}: load of the main engine", equation, load, "fraction of installed power", fleet.method)
    inside = float(a.eca_nm(_only(at, len(a.ship), distance_nm))[at])
    for area, miles in ((0, distance_nm - inside), (int(a.sail_area[at]), inside)):
        if miles > 0.0:
            yield from _burn(fleet, v, area, int(a.time_us[at]), miles / speed_kn, load, how, f"{when}, sea")


def _only(at: int, count: int, value: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    column = np.zeros(count)
    column[at] = value
    return column


def _anchorage(a: Approaches, at: int, hours: float, when: str) -> Iterator[Step]:
    if hours > 0.0:
        area, moment = int(a.anchor_area[at]), int(a.time_us[at])
        yield from _burn(a.fleet, int(a.ship[at]), area, moment, hours, 0.0, _ANCHORAGE, f"{when}, anchorage")


def _burn(
    fleet: Fleet, v: int, area: int, time_us: int, hours: float, load: float, mode: int, when: str
) -> Iterator[Step]:
    """Work [kWh] and fuel [t] of each source that runs, with the rows of its consumption."""
    regime = int(fleet.regimes(np.array([area]), np.array([time_us]))[0])
    place = fleet.places.places[regime]
    profile = int(fleet.vessels.profile[v])
    low = load < fleet.limits.tier_fallback_load
    sheet = factor_sheet(profile_of(fleet.ships[v].particulars), place, fleet.method, fleet.gwp, low=low)
    kw = (load * fleet.vessels.installed_kw[v], fleet.vessels.aux_kw[v, mode], fleet.vessels.boiler_kw[v, mode])
    factors = (fleet.factors.main_low if low else fleet.factors.main, fleet.factors.auxiliary, fleet.factors.boiler)
    for source, name in enumerate(SOURCE_NAMES):
        if kw[source] <= 0.0:
            continue
        work = float(kw[source]) * hours
        burnt = float(factors[source][profile, regime, _CO2] / fleet.co2_per_fuel[profile, regime, source])
        scale = 1.0
        if source == 0:
            sulphur = fleet.factors.sulphur_fraction[profile, regime]
            exponent = fleet.factors.bc_exponent[profile, regime]
            low_load = fleet.vessels.low_load[v]
            scale = float(adjustment(_CO2, load, sulphur, exponent, low_load, fleet.factors, fleet.limits))
        fuel = FUEL_NAMES[fleet.fuel_of[profile, regime, source]]
        rows = "; ".join(row.label for row in sheet.factors[source]["co2"].rows)
        yield Step(f"{when}: {name}", f"{float(kw[source]):,.2f} kW x {hours:,.4f} h", work, "kWh", MODE_NAMES[mode])
        yield Step(
            f"{when}: {fuel} of {name}",
            f"work x {burnt:g} g/kWh x {scale:.6g} (load) / 10^6",
            work * burnt * scale / 1e6,
            "t",
            f"{place.name}: {rows}",
        )
