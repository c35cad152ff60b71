"""From a call table to passages that ended in waiting: who came from where, how fast, and waited how long.

A ship's call before, at another port, gives the passage: its time from departure to arrival, its length as sailed or
along the route. Where the calls do not show one, or it would have been faster than the ship can run, the ship is taken
to come at its class's usual transit speed, and notice of the whole voyage is not asked of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.corridors.arrival.just_in_time import Approaches, EcaTail, minimum_speed_kn
from sealane.corridors.call_ships import CallShips
from sealane.corridors.call_table import micros, numbers, ship_key
from sealane.corridors.fleet_energy import fleet_of
from sealane.errors import DataError, Fault, InputError
from sealane.movement.routes.find import route
from sealane.movement.zone_index import ZoneIndex
from sealane.movement.zones import eca_zones
from sealane.reference import load_table, ports

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

US_PER_H = 3_600_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TAIL_STEP_NM = 2.0
"""A route is looked at this often for the miles inside control areas."""
_NULL = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Waits:
    """Calls of one port that can be judged.

    Attributes
    ----------
    approaches : what `just_in_time` takes, arrays ``(n,)`` in the order of arrival, then call.
    calls : the rows of the call table, in the same order.
    ship : row of the resolved ships of each call.
    from_port, left_us : port before and departure from it; '' and a null moment where the passage is not known.
    sailing_h : time under way; NaN where not known.
    distance_source : ``sailed``, ``route`` or ``none``.
    left_out : call to the reason it could not be judged.
    notes : what the reader must know.
    """

    approaches: Approaches
    calls: pa.Table
    ship: Whole
    from_port: tuple[str, ...]
    left_us: Whole
    sailing_h: Floats
    distance_source: tuple[str, ...]
    left_out: Mapping[str, str]
    notes: tuple[str, ...]


@cache
def _eca_index() -> ZoneIndex:
    return ZoneIndex.build(eca_zones())


def usual_speed_kn(ship_class: str, max_speed_kn: float) -> float:
    """Usual transit speed of a ship [kn]: maximum speed times the class's ratio, EPA-420-B-22-011 Table 3.12."""
    return load_table("ogv_transit_speed_ratio").row(ship_class).value * max_speed_kn


def area_of(port: str) -> str:
    """Control area a port lies in, '' outside all of them; by its World Port Index point.

    Raises
    ------
    DataError
        if no port has this code.
    """
    known = ports.port(port)
    zones = eca_zones()
    number = int(_eca_index().locate_many([known.lat], [known.lon])[0, 3])
    return "" if number < 0 else zones[number].nox_area or ""


def eca_tail(origin: str, destination: str) -> tuple[float, EcaTail, str]:
    """Length of a route [nm], its control-area miles by distance to go, and the area most of them lie in.

    Raises
    ------
    DataError
        where a place is unknown or no way is found.
    """
    found = route(origin, destination)
    lat, lon, from_origin = found.points(TAIL_STEP_NM)
    zones = eca_zones()
    # The longitude's whole turn does not matter to a zone; half-way between two points decides for both.
    middle_lat, turn = (lat[1:] + lat[:-1]) / 2, (lon[1:] - lon[:-1] + 180.0) % 360.0 - 180.0
    middle_lon = (lon[:-1] + turn / 2 + 180.0) % 360.0 - 180.0
    number = _eca_index().locate_many(middle_lat, middle_lon)[:, 3]
    step = np.diff(from_origin)
    miles: Counter[str] = Counter()
    for zone, length in zip(number.tolist(), step.tolist(), strict=True):
        if zone >= 0 and zones[zone].nox_area:
            miles[str(zones[zone].nox_area)] += length
    area = max(sorted(miles), key=lambda name: miles[name]) if miles else ""
    inside = np.array([zone >= 0 and zones[zone].nox_area == area for zone in number.tolist()]) & bool(area)
    to_go = np.concatenate([[0.0], np.cumsum(step[::-1])])
    inside_nm = np.concatenate([[0.0], np.cumsum((step * inside)[::-1])])
    scale = found.distance_nm / to_go[-1] if to_go[-1] > 0.0 else 1.0
    return found.distance_nm, EcaTail(to_go * scale, inside_nm * scale), area


def find_waits(
    calls: pa.Table,
    port: str,
    ships: CallShips,
    *,
    gwp: str = "ar5",
    min_speed_kn: float | None = None,
) -> Waits:
    """Passages to a port and the waiting at their end.

    Parameters
    ----------
    calls : columns of `sealane.corridors.call_table.CALLS_SCHEMA`, sorted by ship and time; calls at other ports show
        where a ship came from.
    port : UN/LOCODE of the port judged.
    ships : the ships of `calls`.
    gwp : ``ar4``, ``ar5`` or ``ar6``.
    min_speed_kn : slowest speed asked of any ship; None: speed at the published least load of its main engine.

    Raises
    ------
    InputError
        if no call of the port can be judged.
    DataError
        for an unknown port or a least speed that is none.
    """
    if min_speed_kn is not None and not 0.0 < min_speed_kn <= 40.0:
        fault = Fault("min_speed_kn", f"{min_speed_kn:g}", "Give kn above 0, at most 40")
        raise DataError("The waiting cannot be worked out.", [fault])
    here = area_of(port)
    names = calls["port"].to_pylist()
    arrival, departure = micros(calls["arrival"], _NULL), micros(calls["departure"], _NULL)
    keys = ship_key(calls)
    before = np.arange(len(calls)) - 1
    same_ship = np.append(False, keys[1:] == keys[:-1]) if len(calls) else np.zeros(0, np.bool_)
    wait = _wait_h(calls, arrival)
    rows, left_out = [], {}
    for at in [at for at, name in enumerate(names) if name == port]:
        call = str(calls["call_id"][at].as_py())
        if ships.index[at] < 0:
            left_out[call] = ships.missing[int(keys[at])]
        elif arrival[at] == _NULL:
            left_out[call] = "its arrival is not known: give arrival"
        elif np.isnan(wait[at]):
            left_out[call] = "its waiting is not known: give anchorage_h, or anchorage_start and anchorage_end"
        else:
            rows.append(at)
    if not rows:
        told = "; ".join(f"{call}: {why}" for call, why in list(left_out.items())[:5])
        raise InputError(
            f"No call at {port} can be judged. {told or f'The calls name {len(set(names))} ports, {port} is none.'}"
        )
    # In the order of arrival, then call.
    ids = calls["call_id"].to_pylist()
    rows.sort(key=lambda at: (int(arrival[at]), str(ids[at])))
    picked = np.array(rows)

    used, ship = np.unique(ships.index[picked], return_inverse=True)
    own = [ships.ships[number] for number in used.tolist()]
    passages = [
        (names[before[at]], names[at])
        if at > 0 and same_ship[at] and names[before[at]] != names[at] and departure[before[at]] != _NULL
        else None
        for at in rows
    ]
    tails, unknown = route_tails([pair for pair in passages if pair is not None])
    areas = tuple(sorted({here, *(area for _, _, area in tails.values())} - {""}))
    moments = [EPOCH + timedelta(microseconds=int(arrival[at])) for at in (rows[0], rows[-1])]
    fleet = fleet_of(own, *moments, areas=areas, gwp=gwp)

    distance, sailing = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    sailed = numbers(calls["sailed_nm"])
    source = ["none"] * len(rows)
    too_fast = 0
    for n, (at, pair) in enumerate(zip(rows, passages, strict=True)):
        if pair is None:
            continue
        length = float(sailed[at]) if sailed[at] > 0.0 else tails[pair][0] if pair in tails else np.nan
        hours = (int(arrival[at]) - int(departure[before[at]])) / US_PER_H
        if not (length > 0.0 and hours > 0.0):
            continue
        if length / hours > own[ship[n]].max_speed_kn:
            too_fast += 1
            continue
        distance[n], sailing[n] = length, hours
        source[n] = "sailed" if sailed[at] > 0.0 else "route"
    known = np.isfinite(distance)
    usual = np.array([usual_speed_kn(s.ship_class, s.max_speed_kn) for s in own])[ship]
    speed = np.where(known, distance / sailing, usual)
    least = minimum_speed_kn(fleet)[ship] if min_speed_kn is None else np.full(len(rows), float(min_speed_kn))
    order = sorted(tails)
    often = Counter(pair for pair in passages if pair in tails)
    common = order.index(max(sorted(often), key=lambda pair: often[pair])) if often else 0
    tail = np.array([order.index(pair) if pair in tails else common for pair in passages], np.int64)
    number_of = {name: at for at, name in enumerate(areas, start=1)}
    tail_area = [number_of.get(tails[pair][2], 0) for pair in order] or [0]
    approaches = Approaches(
        fleet=fleet,
        ship=ship.astype(np.int64),
        speed_kn=speed,
        distance_nm=distance,
        wait_h=wait[picked],
        min_speed_kn=least,
        time_us=arrival[picked],
        tail=tail,
        tails=tuple(tails[pair][1] for pair in order) or (EcaTail(np.zeros(1), np.zeros(1)),),
        sail_area=np.array(tail_area, np.int64)[tail],
        anchor_area=np.full(len(rows), number_of.get(here, 0), np.int64),
    )
    return Waits(
        approaches=approaches,
        calls=calls.take(pa.array(picked)),
        ship=used[ship],
        from_port=tuple(pair[0] if pair and k else "" for pair, k in zip(passages, known.tolist(), strict=True)),
        left_us=np.where(known, departure[before[picked]], _NULL),
        sailing_h=sailing,
        distance_source=tuple(source),
        left_out=left_out,
        notes=_notes(known, too_fast, unknown, bool(often)),
    )


def _wait_h(calls: pa.Table, arrival: Whole) -> Floats:
    """Hours at anchor before the berth; NaN where nothing tells. A berthed call without an anchorage did not wait."""
    told = numbers(calls["anchorage_h"])
    start, end = micros(calls["anchorage_start"], _NULL), micros(calls["anchorage_end"], _NULL)
    spanned = np.where((start != _NULL) & (end != _NULL), (end - start) / US_PER_H, np.nan)
    wait = np.where(np.isfinite(told), told, spanned)
    berth = micros(calls["berth_start"], _NULL)
    berthed = berth != _NULL
    wait = np.where(np.isnan(wait) & berthed & (start == _NULL), 0.0, wait)
    # Hours at anchor after the first berth are no waiting for it.
    room = np.where(berthed & (arrival != _NULL), (berth - arrival) / US_PER_H, np.inf)
    return np.where(np.isnan(wait), np.nan, np.minimum(wait, np.maximum(room, 0.0)))


def route_tails(
    pairs: Sequence[tuple[str, str]],
) -> tuple[dict[tuple[str, str], tuple[float, EcaTail, str]], tuple[str, ...]]:
    """`eca_tail` of each pair of ports, and in words the pairs for which no route was found."""
    found, unknown = {}, []
    for pair in sorted(set(pairs)):
        try:
            found[pair] = eca_tail(*pair)
        except DataError as problem:
            unknown.append(f"{pair[0]}-{pair[1]}: {problem.faults[0]}" if problem.faults else "-".join(pair))
    return found, tuple(unknown)


def _notes(known: NDArray[np.bool_], too_fast: int, unknown: Sequence[str], often: bool) -> tuple[str, ...]:
    notes = []
    lacking = int((~known).sum())
    if lacking:
        notes.append(
            f"{lacking:,} of {len(known):,} calls have no known passage: they are taken to come at their class's usual "
            "speed, and are left out where the whole voyage counts."
        )
        where = "along the route most ships came by" if often else "to lie outside all control areas"
        notes.append(f"The last miles of a passage that is not known are taken {where}.")
    if too_fast:
        notes.append(
            f"{too_fast:,} passages were faster than the ship's maximum speed, so a call between is missing or a time "
            "is wrong: they count as not known."
        )
    notes += [f"No route was found for {text}." for text in unknown]
    return tuple(notes)
