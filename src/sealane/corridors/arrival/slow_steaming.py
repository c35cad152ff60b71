"""Slow steaming: what the same passages would take at a lower speed, net, with the ships that keep the frequency.

All passages are sailed slower by one share, none below the least speed of its ship. Main engines follow the method's
load law; auxiliary engines and boilers run over the longer passage. A service of n ships that keeps its frequency
needs ``n' = n (T' + B) / (T + B)``, T and T' being time at sea before and after and B time in port. Fractions of a
ship are shares of a ship in service; whole ships leave time over, which is spent at anchor and counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.arrival.just_in_time import best_consumption, minimum_speed_kn
from sealane.corridors.fleet_energy import EnergyColumns, Fleet, fleet_of, sail_many, stay_many
from sealane.corridors.ship_model import ShipEnergy
from sealane.errors import DataError, Fault

Floats = NDArray[np.float64]

POLLUTANTS = ("co2e", "wtt_co2e", "nox", "so2", "pm25")
QUANTITIES: Mapping[str, str] = {
    "energy": "kWh",
    "fuel": "t",
    "wtw_co2e": "t",
    "ttw_co2e": "t",
    "nox": "t",
    "so2": "t",
    "pm25": "t",
}
"""Quantities of a result and their units."""
_G_PER_T = 1e6


@dataclass(frozen=True)
class Balance:
    """One quantity before and after.

    Attributes
    ----------
    before, after : the passages at the old and the new speed, in the unit of `QUANTITIES`.
    idle : taken at anchor by whole ships that have time over; 0 where no number of ships was given.
    gross : saving by the cubic law alone.
    """

    before: float
    after: float
    idle: float
    gross: float

    @property
    def net(self) -> float:
        """Saving: before less after less idle."""
        return self.before - self.after - self.idle

    @property
    def net_share(self) -> float:
        """Net saving by what was taken before [-]; 0 where nothing was."""
        return self.net / self.before if self.before else 0.0

    @property
    def gross_share(self) -> float:
        """Gross saving by what was taken before [-]; 0 where nothing was."""
        return self.gross / self.before if self.before else 0.0


@dataclass(frozen=True)
class SlowSteaming:
    """What slower passages would take.

    Attributes
    ----------
    slower_share : share by which speed was lowered [-].
    balances : by quantity, see `QUANTITIES`.
    new_speed_kn : speed of each passage, ``(n,)``.
    held_share : share of the miles on which the least speed held the ship back.
    sea_h, new_sea_h, port_h : ship hours at sea before and after, and in port.
    more_ships_share : ships needed beyond today's, as a share of them.
    ships, new_ships : ships in service before and after, whole; None where not given.
    idle_h : ship hours that whole ships have over.
    """

    slower_share: float
    balances: Mapping[str, Balance]
    new_speed_kn: Floats
    held_share: float
    sea_h: float
    new_sea_h: float
    port_h: float
    more_ships_share: float
    ships: int | None
    new_ships: int | None
    idle_h: float

    @property
    def net_saving_share(self) -> float:
        """Share of well-to-wake CO2e saved, net [-]."""
        return self.balances["wtw_co2e"].net_share


def _sums(columns: EnergyColumns) -> dict[str, float]:
    masses = {name: math.fsum(columns.of(name).tolist()) / _G_PER_T for name in POLLUTANTS}
    return {
        "energy": math.fsum(columns.kwh.sum(axis=1).tolist()),
        "fuel": math.fsum(columns.fuel_t.sum(axis=1).tolist()),
        "wtw_co2e": masses["co2e"] + masses["wtt_co2e"],
        "ttw_co2e": masses["co2e"],
        "nox": masses["nox"],
        "so2": masses["so2"],
        "pm25": masses["pm25"],
    }


def _gross(columns: EnergyColumns, work_saved: Floats, fuel_saved: Floats) -> dict[str, float]:
    """Savings by the cubic law: shares of the main engine's work, and of its fuel and grams."""
    masses = {
        name: math.fsum((columns.grams[:, 0, at] * fuel_saved).tolist()) / _G_PER_T
        for at, name in enumerate(POLLUTANTS)
    }
    return {
        "energy": math.fsum((columns.kwh[:, 0] * work_saved).tolist()),
        "fuel": math.fsum((columns.source_fuel_t[:, 0].sum(axis=1) * fuel_saved).tolist()),
        "wtw_co2e": masses["co2e"] + masses["wtt_co2e"],
        "ttw_co2e": masses["co2e"],
        "nox": masses["nox"],
        "so2": masses["so2"],
        "pm25": masses["pm25"],
    }


def slow_steaming(
    fleet: Fleet,
    ship_index: object,
    distance_nm: object,
    speed_kn: object,
    slower_share: float,
    *,
    time: object,
    eca_nm: object = 0.0,
    eca_area: object = 1,
    port_h: float = 0.0,
    ships: int | None = None,
    min_speed_kn: object = None,
    idle_area: int = 0,
    mode: str = "transit",
) -> SlowSteaming:
    """What passages would take if all were sailed slower by a share, net.

    Parameters
    ----------
    fleet, ship_index, distance_nm, speed_kn, time, eca_nm, eca_area, mode : the passages, as `sail_many`.
    slower_share : share by which speed is lowered, 0.1 for 10 %.
    port_h : hours all ships together spend in port between these passages; they do not change.
    ships : whole ships in service today; None: shares of a ship, no idle time.
    min_speed_kn : least speed of each ship of the fleet [kn], ``(ships,)`` or one value; None: speed at the published
        least load of the main engine. A passage that is slower already stays as it is.
    idle_area : control area of the place where whole ships spend the time that is over; 0: none.

    Returns
    -------
    SlowSteaming

    Raises
    ------
    DataError
        listing every value out of range.
    """
    faults = []
    if not 0.0 <= slower_share < 1.0:
        remedy = "Give a share from 0 to below 1, 0.1 for 10 %"
        if slower_share >= 1.0:
            remedy += "; this looks like per cent"
        faults.append(Fault("slower_share", f"{slower_share:g}", remedy))
    if not (port_h >= 0.0 and math.isfinite(port_h)):
        faults.append(Fault("port_h", f"{port_h:g}", "Give hours, zero or more"))
    if ships is not None and ships < 1:
        faults.append(Fault("ships", f"{ships}", "Give at least one ship"))
    least = minimum_speed_kn(fleet) if min_speed_kn is None else np.asarray(min_speed_kn, np.float64)
    least = np.broadcast_to(least, (len(fleet.ships),)) if least.ndim == 0 else least
    if least.shape != (len(fleet.ships),) or not ((least > 0.0) & np.isfinite(least)).all():
        faults.append(Fault("min_speed_kn", f"shape {least.shape}", "Give kn above zero, one or one for each ship"))
    if faults:
        raise DataError("Slow steaming cannot be worked out.", faults)

    before = sail_many(
        fleet, ship_index, distance_nm, speed_kn, time=time, eca_nm=eca_nm, eca_area=eca_area, mode=mode,
        pollutants=POLLUTANTS, by_source=True,
    )  # fmt: skip
    rows = np.atleast_1d(np.asarray(ship_index, np.int64))
    speed = np.broadcast_to(np.asarray(speed_kn, np.float64), rows.shape)
    distance = np.broadcast_to(np.asarray(distance_nm, np.float64), rows.shape)
    wished = speed * (1.0 - slower_share)
    new_speed = np.maximum(wished, np.minimum(least[rows], speed))
    after = sail_many(
        fleet, ship_index, distance_nm, new_speed, time=time, eca_nm=eca_nm, eca_area=eca_area, mode=mode,
        pollutants=POLLUTANTS, by_source=True,
    )  # fmt: skip

    sea, new_sea = math.fsum(before.hours.tolist()), math.fsum(after.hours.tolist())
    total_h = sea + port_h
    more = (new_sea - sea) / total_h if total_h > 0.0 else 0.0
    new_ships: int | None = None
    idle_h = 0.0
    idle = dict.fromkeys(QUANTITIES, 0.0)
    if ships is not None and total_h > 0.0:
        needed = ships * (1.0 + more)
        new_ships = math.ceil(needed - 1e-9)
        # Each ship is in service for as long as the passages and port stays of today take one of today's ships.
        idle_h = max(0.0, (new_ships - needed) * total_h / ships)
        idle = _idle(fleet, rows, after.hours, idle_h, time, idle_area)
    ratio = (1.0 - slower_share) ** 2
    gross = _gross(
        before, np.full(len(rows), 1.0 - ratio), 1.0 - ratio * best_consumption(fleet, rows, np.asarray(speed))
    )
    first, then = _sums(before), _sums(after)
    held = distance[new_speed > wished * (1.0 + 1e-12)].sum()
    return SlowSteaming(
        slower_share=slower_share,
        balances={name: Balance(first[name], then[name], idle[name], gross[name]) for name in QUANTITIES},
        new_speed_kn=new_speed,
        held_share=float(held / distance.sum()) if distance.sum() > 0.0 else 0.0,
        sea_h=sea,
        new_sea_h=new_sea,
        port_h=port_h,
        more_ships_share=more,
        ships=ships,
        new_ships=new_ships,
        idle_h=idle_h,
    )


def _idle(
    fleet: Fleet, rows: NDArray[np.int64], hours: Floats, idle_h: float, time: object, area: int
) -> dict[str, float]:
    """What the time that is over takes at anchor, spread over the ships as their hours at sea are."""
    spread = hours / hours.sum() * idle_h if hours.sum() > 0.0 else np.zeros(len(rows))
    stays = stay_many(fleet, rows, spread, "anchorage", time=time, area=area, pollutants=POLLUTANTS, by_source=True)
    return _sums(stays)


def slow_steaming_of(
    ship: ShipEnergy,
    distance_nm: float,
    speed_kn: float,
    slower_share: float,
    *,
    day: date | datetime,
    eca_nm: float = 0.0,
    eca_area: str = "north_american",
    gwp: str = "ar5",
    port_h: float = 0.0,
    ships: int | None = None,
    min_speed_kn: float | None = None,
) -> SlowSteaming:
    """What a service of one class of ship would take if it sailed slower; see `slow_steaming`.

    Parameters
    ----------
    ship : a ship of the service.
    distance_nm : length of a round voyage [nm], `eca_nm` of it inside control area `eca_area`.
    speed_kn : speed today [kn].
    slower_share : 0.1 for 10 %.
    day : UTC day that decides the fuel rules.
    port_h : hours in port of a round voyage.
    ships : whole ships of the service today; None: shares of a ship. With a number, figures are still those of one
        round voyage: idle time is that of one ship on it.
    min_speed_kn : None: speed at the published least load of the main engine.
    """
    day = day.date() if isinstance(day, datetime) else day
    fleet = fleet_of([ship], day, day, areas=(eca_area,) if eca_area else (), gwp=gwp)
    return slow_steaming(
        fleet,
        0,
        distance_nm,
        speed_kn,
        slower_share,
        time=day,
        eca_nm=eca_nm,
        port_h=port_h,
        ships=ships,
        min_speed_kn=min_speed_kn,
    )
