"""Hours of calls by mode: as told, from the times of berth and anchor, or filled, and marked so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.corridors.call_merge import US_PER_H
from sealane.corridors.call_table import HOUR_COLUMNS, micros, numbers, take_calls
from sealane.corridors.lanes.pricing import STAY_MODES
from sealane.corridors.lanes.rotations import UNKNOWN, Rotations

Floats = NDArray[np.float64]

HOURS_SOURCES = ("told", "from_times", "part_filled", "filled")
_READ = (
    *HOUR_COLUMNS,
    *(f"{what}_{side}" for what in ("anchorage", "berth", "shore_power") for side in ("start", "end")),
)
_TOLD, _TIMES, _PART, _FILLED = range(4)
_ANCHORAGE, _BERTH, _MANOEUVRING, _DRIFT = range(4)


@dataclass(frozen=True)
class StayHours:
    """Hours of some calls by mode, in the order of `STAY_MODES`.

    Attributes
    ----------
    hours : ``(calls, modes)``.
    source : number in `HOURS_SOURCES`, ``(calls, modes)``.
    filled_h : part of the hours that nobody told, ``(calls, modes)``.
    shore_h : hours at berth connected to shore power, ``(calls,)``.
    """

    hours: Floats
    source: NDArray[np.int8]
    filled_h: Floats
    shore_h: Floats


def stay_hours(calls: pa.Table, rotations: Rotations, rows: NDArray[np.int64]) -> StayHours:
    """Hours of calls by mode.

    Parameters
    ----------
    calls, rotations : the call table and its rotations.
    rows : calls wanted.

    Notes
    -----
    Hours that are told stand; hours in transit inside the call are manoeuvring. Hours at berth or at anchor that are
    not told are those between its first begin and its last end. What then remains between arrival and departure is at
    berth where nothing tells the hours at berth, else manoeuvring where nothing tells that, else at berth; it is marked
    as filled.
    """
    some = take_calls(calls, rows, _READ)
    told = {name: numbers(some[f"{name}_h"]) for name in ("anchorage", "berth", "manoeuvring", "transit", "drift")}
    hours = np.full((len(rows), len(STAY_MODES)), np.nan)
    source = np.zeros((len(rows), len(STAY_MODES)), np.int8)
    for at, name in ((_ANCHORAGE, "anchorage"), (_BERTH, "berth")):
        begin, end = micros(some[f"{name}_start"]), micros(some[f"{name}_end"])
        between = np.where((begin != UNKNOWN) & (end != UNKNOWN), end - begin, 0) / US_PER_H
        by_times = np.isnan(told[name]) & (begin != UNKNOWN) & (end != UNKNOWN)
        hours[:, at] = np.where(by_times, between, told[name])
        source[:, at] = np.where(by_times, _TIMES, _TOLD)
    moving = np.isnan(told["manoeuvring"]) & np.isnan(told["transit"])
    hours[:, _MANOEUVRING] = np.where(
        moving, np.nan, np.nan_to_num(told["manoeuvring"]) + np.nan_to_num(told["transit"])
    )
    hours[:, _DRIFT] = told["drift"]
    arrival, departure = rotations.arrival_us[rows], rotations.departure_us[rows]
    whole = (arrival != UNKNOWN) & (departure != UNKNOWN)
    length = np.where(whole, departure - arrival, 0) / US_PER_H
    rest = np.maximum(length - np.nansum(hours, axis=1), 0.0)
    # Times are whole microseconds; less than that is rounding.
    rest = np.where(rest * US_PER_H < 1.0, 0.0, rest)
    to_berth = np.isnan(hours[:, _BERTH]) | ~np.isnan(hours[:, _MANOEUVRING])
    filled_h = np.zeros_like(hours)
    for at, takes in ((_BERTH, to_berth), (_MANOEUVRING, ~to_berth)):
        filled = takes & (rest > 0.0)
        some_told = np.nan_to_num(hours[:, at]) > 0.0
        source[:, at] = np.where(filled, np.where(some_told, _PART, _FILLED), source[:, at])
        hours[:, at] = np.where(filled, np.nan_to_num(hours[:, at]) + rest, hours[:, at])
        filled_h[:, at] = np.where(filled, rest, 0.0)
    hours = np.nan_to_num(hours)
    on, off = micros(some["shore_power_start"]), micros(some["shore_power_end"])
    shore = np.where((on != UNKNOWN) & (off != UNKNOWN), off - on, 0) / US_PER_H
    return StayHours(hours, source, filled_h, np.minimum(shore, hours[:, _BERTH]))
