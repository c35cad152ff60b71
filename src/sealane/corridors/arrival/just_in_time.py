"""Just-in-time arrival: waiting at anchor becomes slower sailing from the point of notice.

A ship that will wait W hours is told N hours before it arrives. What is left of its passage, d miles at speed v, is
then sailed at ``v' = max(v_min, d / (d / v + W))``; the part of W that this does not absorb is still waited. Arrival
at the berth does not change, so no other ship is touched and no more ships are needed.

Net is the energy of sailing and anchoring before less after: main engine by the method's load law with its floor and
low-load factors, auxiliary engines and boilers over the longer passage instead of at anchor. Gross is what is usually
quoted: the cubic law, no least speed, and all of the anchorage's fuel saved while the longer passage costs none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.fleet_energy import Fleet, sail_many, stay_many
from sealane.emissions.propulsion import load_based_sfc_factor
from sealane.errors import DataError, Fault
from sealane.reference import load_table

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

POLLUTANTS = ("co2e", "wtt_co2e", "nox", "so2", "pm25")
BOUNDS = ("none", "no_wait", "minimum_speed", "below_minimum")
"""What ended the slowing down: nothing; there was no waiting; the least speed; the ship was slower already."""
_MAIN = 0


def least_load() -> float:
    """Least load of a main engine for long passages, fraction of installed power; table ``arrival_limits``."""
    return load_table("arrival_limits").row("least_main_engine_load").value


def minimum_speed_kn(fleet: Fleet, load: float | None = None) -> Floats:
    """Speed at which each ship's main engine runs at its least load [kn], shape ``(ships,)``.

    The method's load law solved for speed, without draught: ``v_max (LF / (1 + SM))^(1/3)`` in ``epa-2022``,
    ``v_d (LF eta_w eta_f / delta_w)^(1/3)`` in ``imo4-2020``.

    Parameters
    ----------
    fleet : the ships.
    load : fraction of installed power; None: the published least load, 0.10.

    Raises
    ------
    DataError
        for a load outside 0 to 1.
    """
    held = least_load() if load is None else load
    if not 0.0 <= held <= 1.0:
        fault = Fault("least load", f"{held:g}", "Give a fraction of installed power from 0 to 1")
        raise DataError("The least speed cannot be worked out.", [fault])
    vessels = fleet.vessels
    if fleet.factors.imo4:
        term = held * vessels.eta_w * vessels.eta_f / vessels.delta_w
    else:
        term = np.full(len(vessels.mmsi), held / (1.0 + fleet.limits.sea_margin_at_sea))
    speed: Floats = vessels.max_speed_kn * np.cbrt(term)
    return speed


@dataclass(frozen=True)
class EcaTail:
    """How much of the last miles of a passage lies in a control area.

    Attributes
    ----------
    to_go_nm : distance from arrival, ascending from 0, ``(k,)``.
    inside_nm : miles of it inside the area, ``(k,)``.
    """

    to_go_nm: Floats
    inside_nm: Floats


@dataclass(frozen=True)
class Approaches:
    """Passages to a port that ended in waiting or not; all arrays ``(n,)``.

    Attributes
    ----------
    fleet : the ships and their factors.
    ship : row of the ship in the fleet.
    speed_kn : speed of the passage.
    distance_nm : length of the passage; NaN where it is not known, then there is no whole-voyage notice.
    wait_h : hours at anchor.
    min_speed_kn : slowest speed asked of the ship.
    time_us : arrival, microseconds since 1970, UTC.
    tail : row of `tails`.
    tails : control-area miles by distance to go.
    sail_area, anchor_area : control area of those miles and of the anchorage, numbers of ``fleet.areas``; 0: none.
    """

    fleet: Fleet
    ship: Whole
    speed_kn: Floats
    distance_nm: Floats
    wait_h: Floats
    min_speed_kn: Floats
    time_us: Whole
    tail: Whole
    tails: tuple[EcaTail, ...]
    sail_area: Whole
    anchor_area: Whole

    def eca_nm(self, to_go_nm: Floats) -> Floats:
        """Miles inside a control area of the last miles of each passage, ``(n,)``."""
        inside = np.zeros(len(to_go_nm))
        for number, tail in enumerate(self.tails):
            own = self.tail == number
            inside[own] = np.interp(to_go_nm[own], tail.to_go_nm, tail.inside_nm)
        return np.minimum(np.where(self.sail_area > 0, inside, 0.0), to_go_nm)


@dataclass(frozen=True)
class Part:
    """Work, fuel and mass of the remaining passage and the waiting; ``(n,)`` each.

    Attributes
    ----------
    main_kwh, aux_kwh, boiler_kwh : work [kWh].
    fuel_t : fuel [t].
    grams : mass [g] by pollutant of `POLLUTANTS`; ``co2e`` is tank-to-wake.
    """

    main_kwh: Floats
    aux_kwh: Floats
    boiler_kwh: Floats
    fuel_t: Floats
    grams: dict[str, Floats]

    @property
    def kwh(self) -> Floats:
        """All work [kWh]."""
        total: Floats = self.main_kwh + self.aux_kwh + self.boiler_kwh
        return total

    def of(self, pollutant: str) -> Floats:
        """Mass of a pollutant [g]; ``wtw_co2e`` is tank-to-wake plus well-to-tank."""
        if pollutant == "wtw_co2e":
            return self.grams["co2e"] + self.grams["wtt_co2e"]
        return self.grams[pollutant]


@dataclass(frozen=True)
class Slowdown:
    """What notice would have changed, call by call; arrays ``(n,)``.

    Attributes
    ----------
    notice_h : hours of notice; None: the whole passage.
    applies : False where the whole passage is asked for and not known; figures are NaN there.
    remaining_nm, remaining_h : way and time to go at the point of notice.
    new_speed_kn : speed with notice.
    absorbed_h, left_wait_h : waiting that became sailing, and what is left.
    bound : number of `BOUNDS`.
    before, after : remaining passage and waiting without and with notice.
    gross : what is usually quoted as saved, never below ``before - after``.
    cubic_fuel_t : fuel saved by the cubic law alone, without least speed, hotel load and anchorage.
    """

    notice_h: float | None
    applies: NDArray[np.bool_]
    remaining_nm: Floats
    remaining_h: Floats
    new_speed_kn: Floats
    absorbed_h: Floats
    left_wait_h: Floats
    bound: Whole
    before: Part
    after: Part
    gross: Part
    cubic_fuel_t: Floats

    @property
    def notice(self) -> str:
        """Name of the notice: hours, or ``voyage``."""
        return "voyage" if self.notice_h is None else f"{self.notice_h:g}"


def _sailing(approaches: Approaches, distance_nm: Floats, speed_kn: Floats, mode: str) -> tuple[Part, Part]:
    """The passage, and the main engine's part of it."""
    columns = sail_many(
        approaches.fleet,
        approaches.ship,
        distance_nm,
        speed_kn,
        time=approaches.time_us,
        eca_nm=approaches.eca_nm(distance_nm),
        eca_area=approaches.sail_area,
        mode=mode,
        pollutants=POLLUTANTS,
        by_source=True,
    )
    none = np.zeros(len(distance_nm))
    whole = Part(
        columns.kwh[:, 0],
        columns.kwh[:, 1],
        columns.kwh[:, 2],
        columns.fuel_t.sum(axis=1),
        {name: columns.of(name) for name in POLLUTANTS},
    )
    main = Part(
        columns.kwh[:, 0],
        none,
        none,
        columns.source_fuel_t[:, _MAIN].sum(axis=1),
        {name: columns.grams[:, _MAIN, at] for at, name in enumerate(POLLUTANTS)},
    )
    return whole, main


def _waiting(approaches: Approaches, hours: Floats) -> Part:
    columns = stay_many(
        approaches.fleet,
        approaches.ship,
        hours,
        "anchorage",
        time=approaches.time_us,
        area=approaches.anchor_area,
        pollutants=POLLUTANTS,
    )
    return Part(
        columns.kwh[:, 0],
        columns.kwh[:, 1],
        columns.kwh[:, 2],
        columns.fuel_t.sum(axis=1),
        {name: columns.of(name) for name in POLLUTANTS},
    )


def _plus(a: Part, b: Part) -> Part:
    return Part(
        a.main_kwh + b.main_kwh,
        a.aux_kwh + b.aux_kwh,
        a.boiler_kwh + b.boiler_kwh,
        a.fuel_t + b.fuel_t,
        {name: a.grams[name] + b.grams[name] for name in POLLUTANTS},
    )


def _masked(part: Part, applies: NDArray[np.bool_]) -> Part:
    def only(values: Floats) -> Floats:
        return np.where(applies, values, np.nan)

    grams = {name: only(values) for name, values in part.grams.items()}
    return Part(only(part.main_kwh), only(part.aux_kwh), only(part.boiler_kwh), only(part.fuel_t), grams)


def best_consumption(fleet: Fleet, ship: Whole, speed_kn: Floats) -> Floats:
    """Lowest specific fuel consumption of a main engine by that at a speed [-]; 1 in ``epa-2022``, ``(n,)``.

    In ``imo4-2020`` consumption has its minimum near 78 % load; a ship that slows down from above it saves a little
    more than the cubic law says, and gross must not be less than that.
    """
    if not fleet.factors.imo4:
        return np.ones(len(ship))
    v = fleet.vessels
    load: Floats = v.delta_w[ship] * (speed_kn / v.max_speed_kn[ship]) ** 3 / (v.eta_w[ship] * v.eta_f[ship])
    load = np.minimum(1.0, load)
    at_speed = np.array([load_based_sfc_factor(x) for x in load.tolist()])
    lowest = min(load_based_sfc_factor(x) for x in np.linspace(0.7, 0.9, 2001).tolist())
    best: Floats = np.minimum(1.0, lowest / at_speed)
    return best


def just_in_time(approaches: Approaches, notice_h: float | None, *, mode: str = "transit") -> Slowdown:
    """What notice of the berth's time would have changed for each passage.

    Parameters
    ----------
    approaches : passages and their waiting.
    notice_h : hours before arrival at which the ship learns how long it would wait; None: at departure. Where it is
        longer than the passage, the passage counts.
    mode : hotel load under way: ``transit``, or ``by_load`` (that of manoeuvring up to 20 % load of the main engine).

    Returns
    -------
    Slowdown

    Raises
    ------
    DataError
        listing every value out of range.
    """
    speed, wait = approaches.speed_kn, approaches.wait_h
    faults = []
    if notice_h is not None and not (notice_h >= 0.0 and math.isfinite(notice_h)):
        faults.append(Fault("notice_h", f"{notice_h:g}", "Give hours, zero or more, or the whole voyage"))
    for name, values in (("speed_kn", speed), ("min_speed_kn", approaches.min_speed_kn)):
        bad = np.flatnonzero(~((values > 0.0) & np.isfinite(values)))
        faults += [Fault(f"{name}, item {at}", f"{values[at]:g}", "Give kn above zero") for at in bad.tolist()]
    bad = np.flatnonzero(~((wait >= 0.0) & np.isfinite(wait)))
    faults += [Fault(f"wait_h, item {at}", f"{wait[at]:g}", "Give hours, zero or more") for at in bad.tolist()]
    bad = np.flatnonzero(approaches.distance_nm < 0.0)
    faults += [Fault(f"distance_nm, item {at}", "below zero", "Give nm, zero or more") for at in bad.tolist()]
    if faults:
        raise DataError("Just-in-time arrival cannot be worked out.", faults)

    known = np.isfinite(approaches.distance_nm)
    applies = known if notice_h is None else np.ones(len(speed), np.bool_)
    whole = np.where(known, approaches.distance_nm, np.inf)
    reach = np.full(len(speed), np.inf) if notice_h is None else speed * notice_h
    to_go = np.where(applies, np.minimum(whole, reach), 0.0)
    hours = to_go / speed
    slows = (to_go > 0.0) & (wait > 0.0)
    wished = np.where(slows, to_go / np.where(slows, hours + wait, 1.0), speed)
    least = np.minimum(approaches.min_speed_kn, speed)
    new_speed = np.maximum(wished, least)
    longer = np.where(new_speed < speed, to_go / new_speed - hours, 0.0)
    absorbed = np.minimum(np.maximum(longer, 0.0), wait)
    bound = np.select(
        [wait <= 0.0, approaches.min_speed_kn >= speed, new_speed > wished],
        [BOUNDS.index("no_wait"), BOUNDS.index("below_minimum"), BOUNDS.index("minimum_speed")],
        BOUNDS.index("none"),
    )

    sea, main = _sailing(approaches, to_go, speed, mode)
    slower, _ = _sailing(approaches, to_go, new_speed, mode)
    anchored = _waiting(approaches, wait)
    could = _waiting(approaches, np.where(slows, wait, 0.0))
    left = _waiting(approaches, wait - absorbed)
    ratio = (wished / speed) ** 2
    saved = 1.0 - ratio
    best = 1.0 - ratio * best_consumption(approaches.fleet, approaches.ship, speed)
    best = np.where(slows, best, 0.0)
    gross = Part(
        main.main_kwh * saved,
        could.aux_kwh,
        could.boiler_kwh,
        main.fuel_t * best + could.fuel_t,
        {name: main.grams[name] * best + could.grams[name] for name in POLLUTANTS},
    )
    return Slowdown(
        notice_h=notice_h,
        applies=applies,
        remaining_nm=np.where(applies, to_go, np.nan),
        remaining_h=np.where(applies, hours, np.nan),
        new_speed_kn=np.where(applies, new_speed, np.nan),
        absorbed_h=np.where(applies, absorbed, np.nan),
        left_wait_h=np.where(applies, wait - absorbed, np.nan),
        bound=bound.astype(np.int64),
        before=_masked(_plus(sea, anchored), applies),
        after=_masked(_plus(slower, left), applies),
        gross=_masked(gross, applies),
        cubic_fuel_t=np.where(applies, main.fuel_t * saved, np.nan),
    )


def voyage_part(approaches: Approaches, *, mode: str = "transit") -> Part:
    """Whole passage and waiting as they were; NaN where the passage is not known."""
    known = np.isfinite(approaches.distance_nm)
    sea, _ = _sailing(approaches, np.where(known, approaches.distance_nm, 0.0), approaches.speed_kn, mode)
    return _masked(_plus(sea, _waiting(approaches, approaches.wait_h)), known)


def notices(texts: Sequence[str]) -> tuple[float | None, ...]:
    """Notices from texts: hours, or ``voyage`` for the whole passage.

    Raises
    ------
    DataError
        listing every text that is neither.
    """
    found: list[float | None] = []
    faults = []
    for text in texts:
        if text.strip().casefold() == "voyage":
            found.append(None)
            continue
        try:
            hours = float(text)
        except ValueError:
            hours = math.nan
        if not (0.0 <= hours <= 10_000.0):
            faults.append(Fault("notice", f"'{text}'", "Give hours from 0 to 10000, or voyage"))
        found.append(hours)
    if faults:
        raise DataError("The notice cannot be understood.", faults)
    return tuple(dict.fromkeys(found))
