"""Rotations: the chain of a ship's port calls, its legs, and the passes from one end of a corridor to the other.

A **leg** runs between two consecutive calls of a ship. A **pass** runs from the last call at one end to the first call
after it at the other end, with no call at either end between; other ports may lie between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sealane.corridors.call_merge import US_PER_H, first_time
from sealane.corridors.call_table import micros, ship_key
from sealane.movement.compiled import njit
from sealane.reference import load_table

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

UNKNOWN = np.iinfo(np.int64).min
US_PER_DAY = 24 * US_PER_H


@dataclass(frozen=True)
class Rotations:
    """Legs and passes of a call table; calls are rows of the table, sorted by ship and time.

    Attributes
    ----------
    ship : ship of each call, ``(calls,)``; see `sealane.corridors.call_table.ship_key`.
    end : end of each call, 0 none, 1 a, 2 b, ``(calls,)``.
    arrival_us, departure_us : times of each call, ``(calls,)``; `UNKNOWN` where not known.
    from_call, to_call : calls of each leg, ``(legs,)``.
    leg_after, leg_before : leg that leaves and leg that reaches each call, -1 for none, ``(calls,)``.
    pass_of : pass each leg counts to, -1 for none, ``(legs,)``. A leg between two calls at the same end counts to the
        pass it leads to, else to the pass it follows, unless it takes longer than row ``same_end_leg`` of table
        ``lane_limits``.
    inside : the leg lies between the two ends of its pass, ``(legs,)``; False: it joins two calls at the same end.
    pass_from, pass_to : last call at the end left, first call at the end reached, ``(passes,)``.
    too_long : the pass takes longer than allowed, ``(passes,)``; its legs count to no pass.
    """

    ship: Whole
    end: NDArray[np.int8]
    arrival_us: Whole
    departure_us: Whole
    from_call: Whole
    to_call: Whole
    leg_after: Whole
    leg_before: Whole
    pass_of: Whole
    inside: NDArray[np.bool_]
    pass_from: Whole
    pass_to: Whole
    too_long: NDArray[np.bool_]

    @property
    def direct_pass(self) -> NDArray[np.bool_]:
        """The pass is one leg, ``(passes,)``."""
        return self.pass_to == self.pass_from + 1

    def leg_hours(self, rows: Whole) -> Floats:
        """Hours of some legs; NaN where departure or arrival is unknown or they leave no time between them."""
        departure, arrival = self.departure_us[self.from_call[rows]], self.arrival_us[self.to_call[rows]]
        known = (departure != UNKNOWN) & (arrival != UNKNOWN)
        hours = np.where(known, arrival - departure, 0) / US_PER_H
        return np.where(hours > 0.0, hours, np.nan)

    def leg_end_us(self) -> Whole:
        """Moment that decides the year of a leg: its arrival, else the first moment known of the call reached."""
        return self.begin_us[self.to_call]

    @property
    def begin_us(self) -> Whole:
        """First moment known of each call."""
        return np.where(self.arrival_us != UNKNOWN, self.arrival_us, self.departure_us)


@njit(nogil=True, cache=True)
def _find_passes(
    ship: Whole,
    end: NDArray[np.int8],
    begin_us: Whole,
    departure_us: Whole,
    longest_us: int,
    longest_joined_us: int,
    pass_of: Whole,
    inside: NDArray[np.bool_],
    pass_from: Whole,
    pass_to: Whole,
    too_long: NDArray[np.bool_],
) -> int:
    """Fill the passes in and return how many there are. ``pass_of`` is by the call a leg leaves."""
    count = 0
    calls = len(ship)
    last = -1
    for i in range(calls):
        if i > 0 and ship[i] != ship[i - 1]:
            last = -1
        if end[i] == 0:
            continue
        if last >= 0 and end[last] != end[i]:
            since = departure_us[last] if departure_us[last] > begin_us[last] else begin_us[last]
            over = longest_us > 0 and begin_us[i] - since > longest_us
            pass_from[count] = last
            pass_to[count] = i
            too_long[count] = over
            if not over:
                for k in range(last, i):
                    pass_of[k] = count
                    inside[k] = True
            count += 1
        last = i
    # Legs between two calls at the same end: to the pass they lead to, else to the one they follow. One that takes
    # long is no shift between terminals: the ship has been somewhere nobody told of.
    joins = np.zeros(calls, np.bool_)
    for i in range(calls - 1):
        since = departure_us[i] if departure_us[i] > begin_us[i] else begin_us[i]
        same = ship[i] == ship[i + 1] and end[i] != 0 and end[i] == end[i + 1]
        joins[i] = same and begin_us[i + 1] - since <= longest_joined_us
    for i in range(calls - 2, -1, -1):
        if joins[i] and i + 2 < calls and ship[i + 2] == ship[i] and pass_of[i + 1] >= 0:
            leads = pass_from[pass_of[i + 1]] >= i + 1
            if leads:
                pass_of[i] = pass_of[i + 1]
    for i in range(1, calls - 1):
        if joins[i] and pass_of[i] < 0 and ship[i - 1] == ship[i] and pass_of[i - 1] >= 0:
            pass_of[i] = pass_of[i - 1]
    return count


def find_rotations(calls: pa.Table, end_of: Mapping[str, int], longest_pass_days: float | None = None) -> Rotations:
    """Legs and passes of calls.

    Parameters
    ----------
    calls : of `sealane.corridors.call_table`, sorted by ship and time.
    end_of : UN/LOCODE to end, 1 for a, 2 for b.
    longest_pass_days : passes that take longer count to nothing; None: no limit.
    """
    ship = ship_key(calls)
    coded = calls["port"].combine_chunks().dictionary_encode()
    ends = np.array([end_of.get(code, 0) for code in coded.dictionary.to_pylist()], np.int8)
    end = ends[coded.indices.to_numpy()] if len(ends) else np.empty(0, np.int8)
    arrival = micros(_arrival(calls))
    departure = micros(_departure(calls))
    begin = first_time(calls)
    n = len(calls)
    pass_of, inside = np.full(n, -1, np.int64), np.zeros(n, np.bool_)
    pass_from, pass_to, too_long = np.empty(n, np.int64), np.empty(n, np.int64), np.zeros(n, np.bool_)
    longest_us = int(longest_pass_days * US_PER_DAY) if longest_pass_days else 0
    joined_us = int(load_table("lane_limits").row("same_end_leg").value * US_PER_H)
    count = _find_passes(
        ship, end, begin, departure, longest_us, joined_us, pass_of, inside, pass_from, pass_to, too_long
    )
    leg = np.flatnonzero(ship[1:] == ship[:-1]) if n else np.empty(0, np.int64)
    leg_after, leg_before = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    leg_after[leg] = np.arange(len(leg))
    leg_before[leg + 1] = np.arange(len(leg))
    return Rotations(
        ship=ship,
        end=end,
        arrival_us=arrival,
        departure_us=departure,
        from_call=leg,
        to_call=leg + 1,
        leg_after=leg_after,
        leg_before=leg_before,
        pass_of=pass_of[leg],
        inside=inside[leg],
        pass_from=pass_from[:count].copy(),
        pass_to=pass_to[:count].copy(),
        too_long=too_long[:count].copy(),
    )


def _arrival(calls: pa.Table) -> pa.ChunkedArray:
    """Arrival, else the first moment at anchor or at berth."""
    return pc.coalesce(calls["arrival"], calls["anchorage_start"], calls["berth_start"])


def _departure(calls: pa.Table) -> pa.ChunkedArray:
    """Departure, else the last moment at berth or at anchor."""
    return pc.coalesce(calls["departure"], calls["berth_end"], calls["anchorage_end"])
