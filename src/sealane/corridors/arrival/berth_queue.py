"""Replay of a port's queue by discrete events: first come, first served, against berths booked on notice.

Each queue (a terminal, or the whole port) has its berths; each ship keeps it for as long as it was observed to. Two
policies:

* ``fcfs``: a ship takes its place when it is ready at the anchorage, and waits there.
* ``slot``: a ship books at the point of notice, in the order of booking, and gets the earliest time at which a berth is
  free for as long as it needs and it can be there. It can then sail slower instead of waiting.

With equal notice both serve in the same order unless a later booking fits into a gap; with unequal notice (short
passages book late) ships overtake each other, which `sealane.corridors.arrival.fairness` measures.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sealane.errors import DataError, Fault

Whole = NDArray[np.int64]
POLICIES = ("fcfs", "slot")


@dataclass(frozen=True)
class Demand:
    """Calls that want a berth; all arrays ``(n,)``, moments in microseconds since 1970, UTC.

    Attributes
    ----------
    call : name of the call; breaks ties, so that the order of rows does not matter.
    queue : number of the queue.
    ready_us : when the ship could be at its berth at its own speed.
    booked_us : when it learns and books, not after `ready_us`.
    berth_us : length of its stay at berth, above zero.
    """

    call: Sequence[str]
    queue: Whole
    ready_us: Whole
    booked_us: Whole
    berth_us: Whole


@dataclass(frozen=True)
class Replay:
    """Berthing of every call under one policy.

    Attributes
    ----------
    policy : one of `POLICIES`.
    start_us, end_us : at berth, ``(n,)``, in the order of the demand.
    berth : number of the berth in its queue, from 0, ``(n,)``.
    order : place in the order of berthing of its queue, from 1, ``(n,)``.
    """

    policy: str
    start_us: Whole
    end_us: Whole
    berth: Whole
    order: Whole


def peak_berths(queue: Whole, start_us: Whole, end_us: Whole) -> Mapping[int, int]:
    """Most ships that were at berth at once, by queue: the least number of berths that explains what was seen.

    Parameters
    ----------
    queue, start_us, end_us : observed stays at berth, half-open, ``(n,)``.
    """
    peaks = {}
    for number in np.unique(queue).tolist():
        own = queue == number
        moments = np.concatenate([start_us[own], end_us[own]])
        change = np.concatenate([np.ones(own.sum(), np.int64), -np.ones(own.sum(), np.int64)])
        order = np.lexsort((change, moments))  # a ship that leaves makes room before the next comes
        peaks[int(number)] = int(np.cumsum(change[order]).max())
    return peaks


def replay(demand: Demand, berths: Mapping[int, int], policy: str) -> Replay:
    """Replay every queue under one policy.

    Parameters
    ----------
    demand : the calls.
    berths : number of berths by queue.
    policy : ``fcfs`` or ``slot``.

    Returns
    -------
    Replay
        every call once, at berth for exactly as long as it asked; the same for any order of the calls.

    Raises
    ------
    DataError
        listing every fault of the demand.
    """
    _check(demand, berths, policy)
    n = len(demand.call)
    start, berth, order = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for number in np.unique(demand.queue).tolist():
        rows = np.flatnonzero(demand.queue == number).tolist()
        served = (_first_come if policy == "fcfs" else _booked)(demand, rows, berths[number])
        for row, (moment, place) in served.items():
            start[row], berth[row] = moment, place
        ranked = sorted(rows, key=lambda row: (int(start[row]), int(demand.ready_us[row]), demand.call[row]))
        for rank, row in enumerate(ranked, start=1):
            order[row] = rank
    return Replay(policy, start, start + demand.berth_us, berth, order)


def _check(demand: Demand, berths: Mapping[int, int], policy: str) -> None:
    faults = []
    if policy not in POLICIES:
        faults.append(Fault("policy", f"'{policy}'", f"Give one of: {', '.join(POLICIES)}"))
    for number in np.unique(demand.queue).tolist():
        if berths.get(number, 0) < 1:
            faults.append(Fault(f"berths of queue {number}", f"{berths.get(number)}", "Give at least one berth"))
    for name, bad, remedy in (
        ("berth_us", demand.berth_us <= 0, "Give a stay longer than nothing"),
        ("booked_us", demand.booked_us > demand.ready_us, "Book before the ship is ready, not after"),
    ):
        faults += [
            Fault(f"{name}, call {demand.call[at]}", "out of range", remedy) for at in np.flatnonzero(bad).tolist()
        ]
    if len(set(demand.call)) != len(demand.call):
        faults.append(Fault("call", "a name twice", "Give each call once"))
    if faults:
        raise DataError("The queue cannot be replayed.", faults)


def _first_come(demand: Demand, rows: Sequence[int], berths: int) -> dict[int, tuple[int, int]]:
    """Ships queue at the anchorage in the order of being ready; the free berth of the lowest number is taken."""
    import simpy

    by_ready = sorted(rows, key=lambda row: (int(demand.ready_us[row]), demand.call[row]))
    begin = int(demand.ready_us[by_ready[0]])
    world = simpy.Environment(initial_time=begin)
    quay = simpy.Resource(world, capacity=berths)
    free = list(range(berths))
    served: dict[int, tuple[int, int]] = {}

    def ship(row: int):  # type: ignore[no-untyped-def]  # a generator of simpy's events, which carry no types
        yield world.timeout(int(demand.ready_us[row]) - begin)
        with quay.request() as place:
            yield place
            berth = heapq.heappop(free)
            served[row] = int(world.now), berth
            yield world.timeout(int(demand.berth_us[row]))
            heapq.heappush(free, berth)

    for row in by_ready:
        world.process(ship(row))
    world.run()
    return served


class _Calendar:
    """Booked times of one berth, half-open, ascending."""

    def __init__(self) -> None:
        self.booked: list[tuple[int, int]] = []

    def earliest(self, ready: int, length: int) -> int:
        """First moment from `ready` on at which the berth is free for `length`."""
        at = bisect_right(self.booked, (ready, ready)) - 1
        moment = max(ready, self.booked[at][1]) if at >= 0 else ready
        for begin, end in self.booked[at + 1 :]:
            if begin - moment >= length:
                break
            moment = max(moment, end)
        return moment

    def book(self, begin: int, length: int) -> None:
        insort(self.booked, (begin, begin + length))


def _booked(demand: Demand, rows: Sequence[int], berths: int) -> dict[int, tuple[int, int]]:
    """Ships book at the point of notice and come for their slot; a berth booked twice would show as a later start."""
    import simpy

    by_booking = sorted(rows, key=lambda row: (int(demand.booked_us[row]), int(demand.ready_us[row]), demand.call[row]))
    begin = int(demand.booked_us[by_booking[0]])
    world = simpy.Environment(initial_time=begin)
    quay = [simpy.Resource(world, capacity=1) for _ in range(berths)]
    calendars = [_Calendar() for _ in range(berths)]
    served: dict[int, tuple[int, int]] = {}

    def ship(row: int):  # type: ignore[no-untyped-def]  # a generator of simpy's events, which carry no types
        yield world.timeout(int(demand.booked_us[row]) - begin)
        ready, length = int(demand.ready_us[row]), int(demand.berth_us[row])
        moment, berth = min((calendar.earliest(ready, length), at) for at, calendar in enumerate(calendars))
        calendars[berth].book(moment, length)
        yield world.timeout(moment - int(world.now))
        with quay[berth].request() as place:
            yield place
            served[row] = int(world.now), berth
            yield world.timeout(length)

    for row in by_booking:
        world.process(ship(row))
    world.run()
    return served
