"""Passages of ships through a speed zone, cut from clean tracks: how far, how long, how fast.

A passage is a spell under way inside the zone, from its edge or a stop to its edge or a stop. How a programme works a
passage's speed out is published nowhere we found. Here a passage complies if its mean speed, distance over time, is at
most the cap (our assumption); the share of its miles within the cap and its highest speed stand beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sealane.movement.compiled import njit
from sealane.movement.geodesy import great_circle_nm, interpolate
from sealane.movement.tracks import Tracks
from sealane.movement.zone_index import ZoneIndex, locate
from sealane.movement.zone_shapes import KINDS, Zone, ZoneSet

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

_US_PER_H = 3.6e9
_US_PER_MIN = 6e7
_HALVINGS = 20
_SPEED_ZONE = KINDS.index("speed_zone")


@dataclass(frozen=True)
class PassageSettings:
    """Thresholds of a passage, all our assumptions.

    Attributes
    ----------
    under_way_kn : slower than this a ship is not under way; she anchors, drifts or berths.
    hold_min : up to this time between two reports the reported speeds hold, beyond it the distance between them.
    gap_h : a longer silence ends a passage.
    break_min : a stop longer than this ends a passage.
    least_nm : shorter passages are left out.
    """

    under_way_kn: float = 3.0
    hold_min: float = 10.0
    gap_h: float = 1.0
    break_min: float = 30.0
    least_nm: float = 2.0


DEFAULT_SETTINGS = PassageSettings()


@njit(cache=True)
def _shares(ix, lat, lon, inside, part):  # type: ignore[no-untyped-def]  # as above
    """Share of the way from report i to i + 1 that lies inside; the edge is crossed once or not at all."""
    for i in range(lat.size - 1):
        if inside[i] == inside[i + 1]:
            part[i] = 1.0 if inside[i] else 0.0
            continue
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            y, x = interpolate(lat[i], lon[i], lat[i + 1], lon[i + 1], middle)
            if (locate(ix, y, x)[_SPEED_ZONE] >= 0) == inside[i]:
                low = middle
            else:
                high = middle
        part[i] = low if inside[i] else 1.0 - low


@njit(cache=True)
def _lengths(lat, lon, out):  # type: ignore[no-untyped-def]  # as above
    for i in range(lat.size - 1):
        out[i] = great_circle_nm(lat[i], lon[i], lat[i + 1], lon[i + 1])


ENDS = ("edge", "stop", "data")
"""How a passage begins or ends: at the zone's edge, at a stop or the inner area, or because the data do."""


@dataclass(frozen=True)
class Passages:
    """Passages of a batch of ships, in the order of ship and time; shape ``(n,)`` each.

    Attributes
    ----------
    mmsi, start_us, end_us : ship, first and last moment inside and under way.
    hours, distance_nm : time under way inside, and speed times it.
    max_speed_kn : highest speed of a step.
    begins, ends : places in `ENDS`.
    lat, lon : where it began.
    line_passage, line_speed_kn, line_h : hours by speed in steps of 0.1 kn, ``(lines,)``; `line_passage` is the row.
    """

    mmsi: NDArray[np.int32]
    start_us: Whole
    end_us: Whole
    hours: Floats
    distance_nm: Floats
    max_speed_kn: Floats
    begins: NDArray[np.int8]
    ends: NDArray[np.int8]
    lat: Floats
    lon: Floats
    line_passage: Whole
    line_speed_kn: Floats
    line_h: Floats

    def __len__(self) -> int:
        return len(self.mmsi)

    @property
    def mean_speed_kn(self) -> Floats:
        """Distance over time [kn]."""
        return self.distance_nm / self.hours

    def share_within(self, cap_kn: float) -> Floats:
        """Share of each passage's miles sailed at the cap or slower."""
        miles = self.line_speed_kn * self.line_h
        within = np.bincount(
            self.line_passage, weights=np.where(self.line_speed_kn <= cap_kn + 1e-9, miles, 0.0), minlength=len(self)
        )
        return np.asarray(np.minimum(1.0, within / self.distance_nm), np.float64)

    def take(self, rows: NDArray[np.bool_]) -> Passages:
        """Those passages for which `rows` is true, with their lines."""
        new = np.cumsum(rows) - 1
        lines = rows[self.line_passage]
        columns = {
            name: getattr(self, name)[lines if name.startswith("line_") else rows] for name in self.__dataclass_fields__
        }
        return replace(Passages(**columns), line_passage=new[self.line_passage[lines]])


@lru_cache(maxsize=64)
def _index(zone: Zone) -> ZoneIndex:
    # The index tells kinds apart; whatever kind the outline was given as, it is looked for as a speed zone.
    return ZoneIndex.build(ZoneSet((replace(zone, kind="speed_zone"),)))


def passages(
    tracks: Tracks, zone: Zone, inner: Zone | None = None, settings: PassageSettings = DEFAULT_SETTINGS
) -> Passages:
    """Cut tracks into passages through a zone.

    Parameters
    ----------
    tracks : clean reports of whole vessels, see `sealane.movement.tracks`.
    zone : the zone.
    inner : part of it that does not count and ends a passage.
    settings : thresholds.

    Returns
    -------
    Passages
        those of at least ``least_nm``. A step between two reports counts by the share of it inside; the zone's edge is
        placed to a millionth of the step. An edge crossed twice between two reports is not seen.
    """
    n = len(tracks)
    lat, lon, time = tracks.lat, tracks.lon, tracks.time_us
    steps = max(n - 1, 0)
    part, length = np.zeros(steps), np.zeros(steps)
    index = _index(zone)
    inside = index.locate_many(lat, lon)[:, _SPEED_ZONE] >= 0
    _shares(index.arrays, lat, lon, inside, part)
    _lengths(lat, lon, length)
    near = np.zeros(n, np.bool_)
    if inner is not None:
        near = _index(inner).locate_many(lat, lon)[:, _SPEED_ZONE] >= 0
    same = tracks.mmsi[1:] == tracks.mmsi[:-1]
    step_us = np.where(same, np.diff(time), 0)
    joined = same & (step_us <= settings.gap_h * _US_PER_H)
    with np.errstate(divide="ignore", invalid="ignore"):
        derived = np.where(step_us > 0, length / (step_us / _US_PER_H), 0.0)
    reported = tracks.speed_dkn / 10.0
    both = (
        (reported[:-1] >= 0.0) & (reported[1:] >= 0.0) & (step_us <= settings.hold_min * _US_PER_MIN) if steps else same
    )
    speed = np.where(both, 0.5 * (reported[:-1] + reported[1:]), derived)
    counted_us = np.where(joined & ~(near[:-1] | near[1:]), part * step_us, 0.0)
    active = np.flatnonzero((counted_us > 0.0) & (speed >= settings.under_way_kn))
    if not len(active):
        return _empty()
    before, after = active[:-1], active[1:]
    left_us = time[after] - time[before + 1]
    # A ship that was outside between two active steps begins anew, as does one that was silent or stopped for long.
    silent = np.cumsum(np.append(0, ~joined))
    new = np.append(
        True,
        (tracks.mmsi[before] != tracks.mmsi[after])
        | (left_us > settings.break_min * _US_PER_MIN)
        | ~inside[before + 1]
        | ~inside[after]
        | (silent[after] != silent[before]),
    )
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(active)) - 1
    number = np.cumsum(new) - 1
    hours_step, speed_step = counted_us[active] / _US_PER_H, speed[active]
    hours = np.add.reduceat(hours_step, first)
    miles = np.add.reduceat(hours_step * speed_step, first)
    a, b = active[first], active[last]
    line_passage, line_speed, line_h = _lines(number, speed_step, hours_step)
    found = Passages(
        mmsi=tracks.mmsi[a],
        start_us=np.where(inside[a], time[a], time[a + 1] - np.rint(counted_us[a]).astype(np.int64)),
        end_us=np.where(inside[b + 1], time[b + 1], time[b] + np.rint(counted_us[b]).astype(np.int64)),
        hours=hours,
        distance_nm=miles,
        max_speed_kn=np.maximum.reduceat(speed_step, first),
        begins=_end_kind(a, a - 1, a - 1, inside, joined),
        ends=_end_kind(b + 1, b + 1, b + 2, inside, joined),
        lat=lat[a],
        lon=lon[a],
        line_passage=line_passage,
        line_speed_kn=line_speed,
        line_h=line_h,
    )
    return found.take(found.distance_nm >= settings.least_nm)


def _end_kind(
    report: Whole, next_step: Whole, next_report: Whole, inside: NDArray[np.bool_], joined: NDArray[np.bool_]
) -> NDArray[np.int8]:
    """How a passage ends at a report, seen along the next step: beginnings are looked at backwards.

    Edge where the report, or the next one, lies outside; stop where reports go on inside, but slow, or in the inner
    area; data where they do not go on. The next report is asked too because a ship may report on the very edge.
    """
    within = (next_step >= 0) & (next_step < len(joined))
    goes_on = within & joined[np.clip(next_step, 0, len(joined) - 1)]
    leaves = goes_on & ~inside[np.clip(next_report, 0, len(inside) - 1)]
    return np.where(~inside[report] | leaves, 0, np.where(goes_on, 1, 2)).astype(np.int8)


def _lines(number: Whole, speed_kn: Floats, hours: Floats) -> tuple[Whole, Floats, Floats]:
    """Hours of each passage by speed in steps of 0.1 kn; the bin's speed is the mean of what is in it."""
    key = number * 10_000 + np.clip(np.rint(speed_kn * 10.0), 0, 9_999).astype(np.int64)
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    total_h = np.add.reduceat(hours[order], first)
    miles = np.add.reduceat((hours * speed_kn)[order], first)
    return key[first] // 10_000, miles / total_h, total_h


def _empty() -> Passages:
    f, i = np.zeros(0), np.zeros(0, np.int64)
    small = np.zeros(0, np.int8)
    return Passages(np.zeros(0, np.int32), i, i, f, f, f, small, small, f, f, i, f, f)


def joined_passages(parts: Sequence[Passages]) -> Passages:
    """Passages of several batches, ordered by ship and time."""
    if not parts:
        return _empty()
    offsets = np.cumsum([0, *(len(part) for part in parts)])
    columns = {
        name: np.concatenate(
            [getattr(p, name) + (at if name == "line_passage" else 0) for p, at in zip(parts, offsets, strict=False)]
        )
        for name in Passages.__dataclass_fields__
        if name not in ("mmsi", "begins", "ends")
    }
    small = {name: np.concatenate([getattr(p, name) for p in parts]) for name in ("mmsi", "begins", "ends")}
    both = Passages(**columns, **small)
    order = np.lexsort((both.start_us, both.mmsi))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    line_order = np.argsort(place[both.line_passage], kind="stable")
    rows = {
        name: getattr(both, name)[line_order if name.startswith("line_") else order]
        for name in Passages.__dataclass_fields__
    }
    return replace(Passages(**rows), line_passage=place[both.line_passage][line_order])
