"""What a slower lane would save, net: slow steaming of the passages that port calls show.

A passage runs from a ship's departure from one port to its arrival at the next one. Its length is as sailed or along
the route, its speed the mean. Hours in port are those of the calls between; they do not change.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.corridors.arrival.slow_steaming import SlowSteaming, slow_steaming
from sealane.corridors.arrival.waiting import EPOCH, US_PER_H, route_tails
from sealane.corridors.call_ships import ships_of_calls
from sealane.corridors.call_table import CallTable, micros, numbers, ship_key
from sealane.corridors.fleet_energy import fleet_of
from sealane.corridors.ship_model import ShipEnergy
from sealane.emissions.user_vessels import UserVessels
from sealane.errors import InputError

_NULL = np.iinfo(np.int64).min


@dataclass(frozen=True)
class SlowerLane:
    """Slow steaming of the passages of a lane.

    Attributes
    ----------
    slower : the balance.
    passages : passages counted.
    left_out : passages left out, by reason.
    notes : what the reader must know.
    """

    slower: SlowSteaming
    passages: int
    left_out: dict[str, int]
    notes: tuple[str, ...]


def slower_lane(
    calls: CallTable,
    slower_share: float,
    *,
    ends: tuple[Collection[str], Collection[str]] | None = None,
    ships: int | None = None,
    min_speed_kn: float | None = None,
    method: str = "epa-2022",
    gwp: str = "ar5",
    mode: str = "transit",
    vessels: UserVessels | None = None,
) -> SlowerLane:
    """What the passages of port calls would take at a lower speed, net.

    Parameters
    ----------
    calls : port calls of the ships.
    slower_share : 0.1 for 10 %.
    ends : two groups of ports, UN/LOCODE; only direct passages from one to the other count. None: all passages.
    ships : whole ships in service today; None: shares of a ship.
    min_speed_kn : slowest speed asked of any ship; None: speed at the published least load of its main engine.
    method, gwp, mode, vessels : as `sealane.corridors.arrival.run.run_arrival`.

    Returns
    -------
    SlowerLane

    Raises
    ------
    InputError
        if no passage can be counted; says why.
    DataError
        listing every value out of range.
    """
    table = calls.table
    known = ships_of_calls(table, method=method, particulars=calls.particulars, vessels=vessels)
    keys, names = ship_key(table), table["port"].to_pylist()
    arrival, departure = micros(table["arrival"], _NULL), micros(table["departure"], _NULL)
    left_out: dict[str, int] = {}
    found: list[tuple[int, tuple[str, str]]] = []
    for at in range(1, len(table)):
        pair = (names[at - 1], names[at])
        if keys[at] != keys[at - 1] or pair[0] == pair[1] or not _counts(pair, ends):
            continue
        reason = ""
        if known.index[at] < 0:
            reason = "the ship's class is not known"
        elif arrival[at] == _NULL or departure[at - 1] == _NULL:
            reason = "a departure or arrival is not known"
        elif arrival[at] <= departure[at - 1]:
            reason = "no time lies between departure and arrival"
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            found.append((at, pair))
    tails, unknown = route_tails([pair for _, pair in found])
    sailed = numbers(table["sailed_nm"])
    rows: list[tuple[int, float, float, float, str]] = []
    for at, pair in found:
        reason = ""
        route = tails.get(pair)
        length = float(sailed[at]) if sailed[at] > 0.0 else route[0] if route else np.nan
        hours = (int(arrival[at]) - int(departure[at - 1])) / US_PER_H
        if not length > 0.0:
            reason = "no route was found"
        elif length / hours > known.ships[known.index[at]].max_speed_kn:
            reason = "faster than the ship's maximum speed: a call between is missing or a time is wrong"
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        inside = min(float(route[1].inside_nm[-1]), length) if route else 0.0
        rows.append((at, length, length / hours, inside, route[2] if route else ""))
    if not rows:
        told = "; ".join(f"{count:,}: {why}" for why, count in sorted(left_out.items()))
        raise InputError(f"No passage between the ports can be counted. {told or 'The calls show none.'}")
    return SlowerLane(
        slower=_slower(table, known.ships, known.index, rows, slower_share, ships, min_speed_kn, gwp, mode),
        passages=len(rows),
        left_out=dict(sorted(left_out.items())),
        notes=(*calls.notes, *(f"No route was found for {text}." for text in unknown)),
    )


def _counts(pair: tuple[str, str], ends: tuple[Collection[str], Collection[str]] | None) -> bool:
    if ends is None:
        return True
    return (pair[0] in ends[0] and pair[1] in ends[1]) or (pair[0] in ends[1] and pair[1] in ends[0])


def _slower(
    table: pa.Table,
    all_ships: tuple[ShipEnergy, ...],
    index: NDArray[np.int64],
    rows: list[tuple[int, float, float, float, str]],
    slower_share: float,
    ships: int | None,
    min_speed_kn: float | None,
    gwp: str,
    mode: str,
) -> SlowSteaming:
    at = np.array([row[0] for row in rows])
    moment = micros(table["arrival"], _NULL)[at]
    areas = tuple(sorted({row[4] for row in rows} - {""}))
    number = {name: n for n, name in enumerate(areas, start=1)}
    used, ship = np.unique(index[at], return_inverse=True)
    span = [EPOCH + timedelta(microseconds=int(us)) for us in (moment.min(), moment.max())]
    fleet = fleet_of([all_ships[n] for n in used.tolist()], span[0], span[1], areas=areas, gwp=gwp)
    return slow_steaming(
        fleet,
        ship,
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]),
        slower_share,
        time=moment,
        eca_nm=np.array([row[3] if row[4] else 0.0 for row in rows]),
        eca_area=np.array([number.get(row[4], 0) for row in rows]),
        port_h=_port_hours(table, at),
        ships=ships,
        min_speed_kn=min_speed_kn,
        mode=mode,
    )


def _port_hours(table: pa.Table, at: NDArray[np.int64]) -> float:
    """Hours of the calls the passages end in, where both ends are known."""
    arrival, departure = micros(table["arrival"], _NULL)[at], micros(table["departure"], _NULL)[at]
    both = (arrival != _NULL) & (departure != _NULL)
    return float(((departure - arrival)[both] / US_PER_H).sum())
