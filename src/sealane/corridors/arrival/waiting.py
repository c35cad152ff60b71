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
from sealane.errors import DataError, Fault, InputError, MissingFactorError
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
    arrival = micros(calls["arrival"], _NULL)
    wait = _wait_h(calls, arrival)
    keys = ship_key(calls)
    ids = [str(call) for call in calls["call_id"].to_pylist()]
    rows, left_out = [], {}
    for at in [at for at, name in enumerate(names) if name == port]:
        if ships.index[at] < 0:
            left_out[ids[at]] = ships.missing[int(keys[at])]
        elif arrival[at] == _NULL:
            left_out[ids[at]] = "its arrival is not known: give arrival"
        elif np.isnan(wait[at]):
            left_out[ids[at]] = "its waiting is not known: give anchorage_h, or anchorage_start and anchorage_end"
        else:
            rows.append(at)
    before = _calls_before(calls, rows, keys, names)
    pairs = {at: (names[at - 1], names[at]) for at in before}
    tails, unknown = route_tails(list(pairs.values()))
    passages, too_fast = _passages(calls, rows, pairs, tails, ships)
    for at in [at for at in rows if not passages[at].speed_kn > 0.0]:
        left_out[ids[at]] = (
            f"no usual speed of class {ships.ships[ships.index[at]].ship_class} is published and its passage is not "
            "known: give its call before"
        )
        rows.remove(at)
    if not rows:
        told = "; ".join(f"{call}: {why}" for call, why in list(left_out.items())[:5])
        raise InputError(
            f"No call at {port} can be judged. {told or f'The calls name {len(set(names))} ports, {port} is none.'}"
        )
    # In the order of arrival, then call.
    rows.sort(key=lambda at: (int(arrival[at]), ids[at]))
    picked = np.array(rows)
    ways = [passages[at] for at in rows]
    used, ship = np.unique(ships.index[picked], return_inverse=True)
    areas = tuple(sorted({here, *(area for _, _, area in tails.values())} - {""}))
    moments = [EPOCH + timedelta(microseconds=int(arrival[at])) for at in (rows[0], rows[-1])]
    fleet = fleet_of([ships.ships[number] for number in used.tolist()], *moments, areas=areas, gwp=gwp)
    least = minimum_speed_kn(fleet)[ship] if min_speed_kn is None else np.full(len(rows), float(min_speed_kn))
    order = sorted(tails)
    often = Counter(pairs[at] for at in rows if pairs.get(at) in tails)
    common = order.index(max(sorted(often), key=lambda pair: often[pair])) if often else 0
    tail = np.array([order.index(pairs[at]) if pairs.get(at) in tails else common for at in rows], np.int64)
    number_of = {name: at for at, name in enumerate(areas, start=1)}
    tail_area = [number_of.get(tails[pair][2], 0) for pair in order]
    order_tails = tuple(tails[pair][1] for pair in order)
    if not order:  # no passage is known: the last hours lie where the port does
        far = np.array([0.0, 1e6])
        order_tails, tail_area = (EcaTail(far, far if here else 0.0 * far),), [number_of.get(here, 0)]
    approaches = Approaches(
        fleet=fleet,
        ship=ship.astype(np.int64),
        speed_kn=np.array([way.speed_kn for way in ways]),
        distance_nm=np.array([way.distance_nm for way in ways]),
        wait_h=wait[picked],
        min_speed_kn=least,
        time_us=arrival[picked],
        tail=tail,
        tails=order_tails,
        sail_area=np.array(tail_area, np.int64)[tail],
        anchor_area=np.full(len(rows), number_of.get(here, 0), np.int64),
    )
    known = approaches.distance_nm > 0.0
    left = micros(calls["departure"], _NULL)[np.maximum(picked - 1, 0)]
    return Waits(
        approaches=approaches,
        calls=calls.take(pa.array(picked)),
        ship=used[ship],
        from_port=tuple(pairs[at][0] if k else "" for at, k in zip(rows, known.tolist(), strict=True)),
        left_us=np.where(known, left, _NULL),
        sailing_h=np.array([way.hours for way in ways]),
        distance_source=tuple(way.source for way in ways),
        left_out=left_out,
        notes=_notes(known, too_fast, unknown, bool(often), here),
    )


@dataclass(frozen=True)
class _Passage:
    """How a ship came: NaN where its passage is not known; speed NaN where its class's usual speed is neither."""

    distance_nm: float
    hours: float
    speed_kn: float
    source: str


def _calls_before(calls: pa.Table, rows: Sequence[int], keys: Whole, names: Sequence[str]) -> list[int]:
    """Rows whose row before is a call of the same ship at another port, with a known departure."""
    departure = micros(calls["departure"], _NULL)
    return [
        at
        for at in rows
        if at > 0 and keys[at] == keys[at - 1] and names[at] != names[at - 1] and departure[at - 1] != _NULL
    ]


def _passages(
    calls: pa.Table,
    rows: Sequence[int],
    pairs: Mapping[int, tuple[str, str]],
    tails: Mapping[tuple[str, str], tuple[float, EcaTail, str]],
    ships: CallShips,
) -> tuple[dict[int, _Passage], int]:
    """The passage of each row, and how many were faster than their ship can run."""
    arrival, departure = micros(calls["arrival"], _NULL), micros(calls["departure"], _NULL)
    sailed = numbers(calls["sailed_nm"])
    found = {}
    too_fast = 0
    for at in rows:
        ship = ships.ships[ships.index[at]]
        pair = pairs.get(at)
        if pair is not None:
            route_nm = tails[pair][0] if pair in tails else np.nan
            length = float(sailed[at]) if sailed[at] > 0.0 else route_nm
            hours = (int(arrival[at]) - int(departure[at - 1])) / US_PER_H
            if length > 0.0 and hours > 0.0 and length / hours <= ship.max_speed_kn:
                found[at] = _Passage(length, hours, length / hours, "sailed" if sailed[at] > 0.0 else "route")
                continue
            too_fast += int(length > 0.0 and hours > 0.0)
        try:
            usual = usual_speed_kn(ship.ship_class, ship.max_speed_kn)
        except MissingFactorError:
            usual = np.nan
        found[at] = _Passage(np.nan, np.nan, usual, "none")
    return found, too_fast


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


def _notes(known: NDArray[np.bool_], too_fast: int, unknown: Sequence[str], often: bool, here: str) -> tuple[str, ...]:
    notes = []
    lacking = int((~known).sum())
    if lacking:
        notes.append(
            f"{lacking:,} of {len(known):,} calls have no known passage: they are taken to come at their class's usual "
            "speed, and are left out where the whole voyage counts."
        )
        there = "in the control area of the port" if here else "outside all control areas"
        where = "along the route most ships came by" if often else f"to lie {there}"
        notes.append(f"The last miles of a passage that is not known are taken {where}.")
    if too_fast:
        notes.append(
            f"{too_fast:,} passages were faster than the ship's maximum speed, so a call between is missing or a time "
            "is wrong: they count as not known."
        )
    notes += [f"No route was found for {text}." for text in unknown]
    return tuple(notes)
