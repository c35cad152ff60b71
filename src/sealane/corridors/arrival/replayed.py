"""The replay of a port's queue on observed calls: demand from the calls, both policies, and what each emits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sealane.corridors.arrival.berth_queue import POLICIES, Demand, Replay, peak_berths, replay
from sealane.corridors.arrival.just_in_time import Approaches, just_in_time
from sealane.corridors.arrival.waiting import US_PER_H, Waits
from sealane.corridors.call_table import micros, numbers
from sealane.errors import DataError, Fault

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
_NULL = np.iinfo(np.int64).min

WHOLE_PORT = "whole port"
"""Queue of all calls, where berths are given for the port."""


@dataclass(frozen=True)
class Outcome:
    """One policy on the observed calls; arrays ``(n,)`` over `QueueStudy.rows`.

    Attributes
    ----------
    replay : berthing.
    delay_h : from ready to all fast.
    slow_h, anchorage_h : parts of the delay spent sailing slower and at anchor.
    speed_kn : speed of the last stretch.
    fuel_t, grams : of the last stretch and the waiting; grams by ``wtw_co2e``, ``nox``, ``so2`` and ``pm25``.
    """

    replay: Replay
    delay_h: Floats
    slow_h: Floats
    anchorage_h: Floats
    speed_kn: Floats
    fuel_t: Floats
    grams: Mapping[str, Floats]


@dataclass(frozen=True)
class QueueStudy:
    """Both policies side by side.

    Attributes
    ----------
    rows : rows of the waits that were replayed, those whose stay at berth is known.
    demand : what they asked for.
    queues : name of each queue.
    berths : berths of each queue.
    observed_start_us, observed_end_us : stays at berth as they were, ``(n,)``.
    outcomes : by policy.
    notes : what the reader must know.
    """

    rows: Whole
    demand: Demand
    queues: tuple[str, ...]
    berths: Mapping[int, int]
    observed_start_us: Whole
    observed_end_us: Whole
    outcomes: Mapping[str, Outcome]
    notes: tuple[str, ...]


def _only(approaches: Approaches, rows: Whole, wait_h: Floats) -> Approaches:
    return replace(
        approaches,
        ship=approaches.ship[rows],
        speed_kn=approaches.speed_kn[rows],
        distance_nm=approaches.distance_nm[rows],
        wait_h=wait_h,
        min_speed_kn=approaches.min_speed_kn[rows],
        time_us=approaches.time_us[rows],
        tail=approaches.tail[rows],
        sail_area=approaches.sail_area[rows],
        anchor_area=approaches.anchor_area[rows],
    )


def replay_calls(
    waits: Waits,
    *,
    berths: int | Mapping[str, int] | None = None,
    notice_h: float | None = 24.0,
    mode: str = "transit",
) -> QueueStudy | None:
    """Replay the queue of observed calls under both policies.

    Parameters
    ----------
    waits : calls of one port.
    berths : for the whole port as one queue; or by terminal; None: the most ships seen at berth at once, by terminal.
        Ships whose terminal is not told queue with those of their class, under its name.
    notice_h : how long before being ready a ship may book its slot; None: at departure from the port before, where it
        is known. A ship whose passage is shorter books at its departure.
    mode : hotel load under way, see `just_in_time`.

    Returns
    -------
    QueueStudy or None
        None where no call tells its stay at berth.

    Raises
    ------
    DataError
        for berths that are none, or a terminal without berths.
    """
    calls = waits.calls
    start, end = micros(calls["berth_start"], _NULL), micros(calls["berth_end"], _NULL)
    told = numbers(calls["berth_h"])
    length = np.where((start != _NULL) & (end != _NULL), end - start, 0)
    length = np.where((length <= 0) & (told > 0.0), np.rint(np.nan_to_num(told) * US_PER_H), length).astype(np.int64)
    rows = np.flatnonzero((start != _NULL) & (length > 0))
    if not len(rows):
        return None
    start, length = start[rows], length[rows]
    wait_us = np.rint(waits.approaches.wait_h[rows] * US_PER_H).astype(np.int64)
    ready = np.maximum(start - wait_us, waits.approaches.time_us[rows])
    lead = np.full(len(rows), np.inf) if notice_h is None else np.full(len(rows), notice_h)
    sailing = waits.sailing_h[rows]
    # Without a known passage a ship books as late as it can: when it is ready, if the voyage is the notice.
    lead = np.where(np.isfinite(sailing), np.minimum(lead, sailing), np.where(np.isfinite(lead), lead, 0.0))
    own = [waits.approaches.fleet.ships[number] for number in waits.approaches.ship[rows].tolist()]
    told_by = calls["terminal"].take(rows).to_pylist()
    # A tanker does not wait for a container berth: without a terminal ships queue with those of their class.
    terminals = [text or ship.ship_class for text, ship in zip(told_by, own, strict=True)]
    nameless = sum(1 for text in told_by if not text)
    if isinstance(berths, int):
        terminals = [WHOLE_PORT] * len(rows)
    names = tuple(sorted(set(terminals)))
    queue = np.array([names.index(name) for name in terminals], np.int64)
    demand = Demand(
        call=tuple(str(call) for call in calls["call_id"].take(rows).to_pylist()),
        queue=queue,
        ready_us=ready,
        booked_us=ready - np.rint(lead * US_PER_H).astype(np.int64),
        berth_us=length,
    )
    peaks = peak_berths(queue, start, start + length)
    number = _berths(berths, names, peaks)
    lacking = len(calls) - len(rows)
    notes = [f"{lacking:,} calls do not tell their stay at berth and are not replayed."] if lacking else []
    if berths is None:
        notes.append("The number of berths is the most ships seen at berth at once; there may be more.")
    if nameless and not isinstance(berths, int):
        notes.append(f"{nameless:,} calls do not tell their terminal: they queue with the ships of their class.")
    outcomes = {
        policy: _outcome(waits.approaches, rows, demand, replay(demand, number, policy), lead, mode)
        for policy in POLICIES
    }
    return QueueStudy(rows, demand, names, number, start, start + length, outcomes, tuple(notes))


def _berths(given: int | Mapping[str, int] | None, names: tuple[str, ...], peaks: Mapping[int, int]) -> dict[int, int]:
    if given is None:
        return dict(peaks)
    by_name = {WHOLE_PORT: given} if isinstance(given, int) else given
    faults = [
        Fault(f"berths of {name}", "not given", f"Give the berths of each terminal; seen at once: {peaks[at]}")
        for at, name in enumerate(names)
        if name not in by_name
    ]
    faults += [
        Fault(f"berths of {name}", f"{count}", "Give at least one berth")
        for name, count in by_name.items()
        if count < 1
    ]
    faults += [
        Fault(f"berths of {name}", "no such terminal in the calls", f"Give: {', '.join(names)}")
        for name in by_name
        if name not in names
    ]
    if faults:
        raise DataError("The queue cannot be replayed.", faults)
    return {at: by_name[name] for at, name in enumerate(names)}


def _outcome(approaches: Approaches, rows: Whole, demand: Demand, done: Replay, lead_h: Floats, mode: str) -> Outcome:
    """Price one policy. Both policies are priced over the same last stretch, that of the notice."""
    delay = (done.start_us - demand.ready_us) / US_PER_H
    own = _only(approaches, rows, delay)
    # The stretch of each ship is its own lead: its speed for that long, whatever the notice of the others.
    stretch = replace(own, distance_nm=own.speed_kn * lead_h)
    found = just_in_time(stretch, None, mode=mode)
    part = found.after if done.policy == "slot" else found.before
    slow = found.absorbed_h if done.policy == "slot" else np.zeros(len(rows))
    return Outcome(
        replay=done,
        delay_h=delay,
        slow_h=slow,
        anchorage_h=delay - slow,
        speed_kn=found.new_speed_kn if done.policy == "slot" else own.speed_kn,
        fuel_t=part.fuel_t,
        grams={name: part.of(name) for name in ("wtw_co2e", "nox", "so2", "pm25")},
    )


def present(begin_us: Whole, end_us: Whole, hours_us: Whole) -> Whole:
    """How many of the half-open spans hold each moment, ``(hours,)``."""
    return np.searchsorted(np.sort(begin_us), hours_us, "right") - np.searchsorted(np.sort(end_us), hours_us, "right")
