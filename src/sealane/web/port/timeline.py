"""Berths and anchorages through time: lanes of stays, from the index of an inventory."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any, Literal, cast
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sealane.reference.time_zones import time_zone
from sealane.web.derivation import Figure
from sealane.web.port.index import Index
from sealane.web.port.models import Bar, Lane, StayKind, Tick, Timeline

MAX_BARS = 400
MAX_TICKS = 8
STEPS_H = (1, 2, 3, 6, 12, 24, 48, 168, 336, 720, 2160)
WHOLE_UP_TO = dt.timedelta(days=10)
FIRST_WINDOW = dt.timedelta(days=7)
LEAST_WINDOW = dt.timedelta(hours=6)
_KINDS = ("berth", "anchorage", "gap")
Window = tuple[dt.datetime, dt.datetime]


def window_of(index: Index, begin: dt.datetime | None, end: dt.datetime | None) -> Window:
    """The window asked for, kept inside the result; without one, all of a short result and the last days of a long."""
    first, last = hours_around(index.begin, index.end)
    if begin is None and end is None:
        begin = first if last - first <= WHOLE_UP_TO else last - FIRST_WINDOW
    begin = min(max(begin or first, first), last - LEAST_WINDOW) if last - first > LEAST_WINDOW else first
    end = min(end or last, last)
    return begin, max(end, min(begin + LEAST_WINDOW, last))


def hours_around(begin: dt.datetime, end: dt.datetime) -> Window:
    """The whole hours around a period."""
    first = begin.replace(minute=0, second=0, microsecond=0)
    last = end.replace(minute=0, second=0, microsecond=0) + dt.timedelta(hours=1)
    return first, last


def stays_address(
    result_id: str, begin: dt.datetime, end: dt.datetime, kind: StayKind | None = None, after: int = 0
) -> str:
    """Address of the derivation of a number of stays."""
    asked = {"begin": _utc_text(begin), "end": _utc_text(end)}
    asked |= ({"kind": kind} if kind else {}) | ({"after": str(after)} if after else {})
    return f"/explain/stays/{result_id}?{urlencode(asked)}"


def _utc_text(time: dt.datetime) -> str:
    """A moment as addresses write it: in UTC, the year with four digits."""
    return time.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"


def stays_inside(index: Index, begin: dt.datetime, end: dt.datetime) -> NDArray[np.int64]:
    """Numbers of the stays that touch a window, half-open."""
    start, stop = index.column("stays", "start"), index.column("stays", "stop")
    return np.flatnonzero((start < _np(end)) & (stop > _np(begin)))


def timeline(
    index: Index, result_id: str, begin: dt.datetime, end: dt.datetime, *, simulated: bool = False
) -> Timeline:
    """Return the stays in a window.

    Parameters
    ----------
    begin, end : UTC, half-open.
    """
    inside = stays_inside(index, begin, end)
    first, last = hours_around(index.begin, index.end)
    drawn = inside[:MAX_BARS] if len(inside) > MAX_BARS else inside
    span = end - begin
    around = (begin - span / 2, end + span / 2)
    middle = begin + span / 2
    step_h = step_of(span)
    return Timeline(
        begin=begin,
        end=end,
        first=first,
        last=last,
        lanes=lanes(index, result_id, drawn),
        stays=Figure(
            value=len(inside),
            quantity="count",
            explain=stays_address(result_id, begin, end),
            simulated=simulated,
        ),
        cut=len(drawn) < len(inside),
        ticks=ticks(begin, end, step_h, time_zone(index.port)),
        step_h=step_h,
        earlier=(max(begin - span, first), max(begin, first + LEAST_WINDOW)) if begin > first else None,
        later=(min(end, last - LEAST_WINDOW), min(end + span, last)) if end < last else None,
        closer=(middle - span / 4, middle + span / 4) if span / 2 >= LEAST_WINDOW else None,
        wider=(max(around[0], first), min(around[1], last)) if (begin, end) != (first, last) else None,
    )


def step_of(span: dt.timedelta) -> int:
    """Hours between two ticks, so that a span has at most about `MAX_TICKS`."""
    return next((step for step in STEPS_H if span / dt.timedelta(hours=step) <= MAX_TICKS), STEPS_H[-1])


def ticks(begin: dt.datetime, end: dt.datetime, step_h: int, zone: str | None) -> list[Tick]:
    """Round UTC times inside a window, at most about `MAX_TICKS`."""
    step_s = step_h * 3600
    first = -(-int(begin.timestamp()) // step_s) * step_s
    times = [dt.datetime.fromtimestamp(at, dt.UTC) for at in range(first, int(end.timestamp()), step_s)]
    clock = ZoneInfo(zone) if zone else None
    return [Tick(at=time, local=time.astimezone(clock) if clock else None) for time in times]


def lanes(index: Index, result_id: str, numbers: NDArray[np.int64]) -> list[Lane]:
    """Lanes of the stays with these numbers: berths, then anchorages, by name; last the gaps."""
    rows = index.table("stays").take(numbers).to_pylist()
    by_place: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in rows:
        place = -1 if row["kind"] == "gap" else row["zone"]
        by_place.setdefault((row["kind"], place), []).append(row)
    calls = _calls(index, {row["call"] for row in rows})
    found = []
    for (kind, place), stays in by_place.items():
        zone = index.zones[place] if place >= 0 else None
        bars = list(_bars(index, result_id, stays, calls))
        found.append(
            Lane(
                kind=cast("Literal['berth', 'anchorage', 'gap']", kind),
                zone=zone["id"] if zone else None,
                name=str(zone["name"] or zone["id"]) if zone else "",
                grade=zone["grade"] if zone else None,
                rows=1 + max(bar.row for bar in bars),
                bars=bars,
            )
        )
    return sorted(found, key=lambda lane: (_KINDS.index(lane.kind), lane.zone is None, natural(lane.name)))


def natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key that puts berth 2 before berth 10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.casefold()) for part in re.split(r"(\d+)", name)]


def _calls(index: Index, numbers: set[int]) -> dict[int, dict[str, Any]]:
    order = np.array(sorted(numbers), np.int64)
    columns = ["call_id", "vessel_name", "imo", "mmsi", "ship_class"]
    rows = index.table("calls").select(columns).take(order).to_pylist()
    return dict(zip(order.tolist(), rows, strict=True))


def _bars(index: Index, result_id: str, stays: list[dict[str, Any]], calls: dict[int, dict[str, Any]]) -> Iterable[Bar]:
    """Bars in the order of time, each in the first row that is free."""
    free: list[dt.datetime] = []
    for stay in sorted(stays, key=lambda stay: (stay["start"], stay["call"])):
        row = next((k for k, until in enumerate(free) if until <= stay["start"]), len(free))
        if row == len(free):
            free.append(stay["stop"])
        free[row] = stay["stop"]
        call = calls[stay["call"]]
        yield Bar(
            call_id=call["call_id"],
            ship=call["vessel_name"] or "",
            imo=call["imo"],
            mmsi=call["mmsi"],
            ship_class=call["ship_class"] or "",
            start=stay["start"].astimezone(dt.UTC),
            stop=stay["stop"].astimezone(dt.UTC),
            start_seen=stay["start_seen"],
            stop_seen=stay["stop_seen"],
            row=row,
            path=call_path(index.port, result_id, call["call_id"]),
        )


def call_path(port: str, result_id: str, call_id: str) -> str:
    """The page of a port call."""
    return f"/ports/{port}/calls/{quote(result_id, safe='')}/{quote(call_id, safe='')}"


def _np(time: dt.datetime) -> np.datetime64:
    return np.datetime64(time.astimezone(dt.UTC).replace(tzinfo=None), "us")
