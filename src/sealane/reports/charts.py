"""Geometry of the report's charts. Positions are per cent of the width, so that text keeps its size on any screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sealane.reports.figures import clock, number
from sealane.reports.results import Results
from sealane.reports.summary import MODES

MAX_TIMELINE_SHIPS = 60
STAYS = {"berth": "At berth", "anchorage": "At anchor", "gap": "No reports"}
COLUMN_HEIGHT = 160.0
# Bottom of the stack first: what lies still is the ground on which movements stand.
STACK = ("berth", "anchorage", "drift", "manoeuvring", "transit")


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: position (per cent along x, or px along y) and text."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    """A rectangle: class for its colour, left edge and width [% of the chart], top and height [px], words."""

    kind: str
    x: float
    width: float
    y: float
    height: float
    text: str


@dataclass(frozen=True)
class Stay:
    """A stay of a ship in one place."""

    mmsi: int
    call_id: str
    kind: str
    zone: str
    start: datetime
    end: datetime
    start_seen: bool
    end_seen: bool


@dataclass(frozen=True)
class TimelineRow:
    """One ship."""

    label: str
    note: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Timeline:
    """Stays of ships through time."""

    rows: tuple[TimelineRow, ...]
    ticks: tuple[Tick, ...]
    ships: int


@dataclass(frozen=True)
class Columns:
    """Stacked columns through time: mean number of ships by mode."""

    bars: tuple[Bar, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    height: float
    step_h: int
    peak: float
    peak_at: str
    modes: tuple[str, ...]


def nice_step(span: float, steps: int) -> float:
    """Largest of 1, 2, 5 times a power of ten that divides a span into at least about that many steps."""
    rough = span / steps
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (5, 2, 1) if factor * power <= rough * 1.0000001)


def axis_step(span: float, most: int) -> float:
    """Smallest of 1, 2, 5 times a power of ten that divides a span into at most that many steps."""
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.9999999)


def time_ticks(begin: datetime, end: datetime, most: int = 8) -> tuple[Tick, ...]:
    """Ticks at round UTC times; days and months where the period is long."""
    span = end - begin
    if span <= timedelta(0):
        return (Tick(0.0, clock(begin)),)
    # The first report comes seconds after midnight; the tick of that midnight still stands at the edge.
    slack = span / 100
    if span > timedelta(days=75):
        months = max(1, math.ceil(span.days / 30.4 / most))
        times, year, month = [], begin.year, begin.month
        while (time := datetime(year, month, 1, tzinfo=UTC)) <= end:
            if time >= begin - slack and (month - 1) % months == 0:
                times.append(time)
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        form = "{0:%b} {0.year}"
    else:
        minutes = span / timedelta(minutes=1)
        step = next(
            (m for m in (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080) if minutes / m <= most), 10080
        )
        first = math.ceil((begin - slack).timestamp() / 60 / step) * step
        times = [datetime.fromtimestamp(m * 60, UTC) for m in range(first, math.floor(end.timestamp() / 60) + 1, step)]
        form = "{0:%H:%M}" if step < 720 and span <= timedelta(days=1) else "{0.day} {0:%b}"
        if step in {180, 360, 720} and span > timedelta(days=1):
            form = "{0.day} {0:%b %H:%M}"
    return tuple(Tick(round(max(0.0, 100 * ((time - begin) / span)), 3), form.format(time)) for time in times)


def stays_of(results: Results) -> list[Stay]:
    """Stays at berth, at anchor and without reports, from the events; open ones end with what was seen of the call."""
    calls = {row["call_id"]: row for row in results.calls.to_pylist()}
    open_stays: dict[tuple[str, str], tuple[datetime, str]] = {}
    stays = []
    names = {zone["properties"]["id"]: zone["properties"]["name"] for zone in results.zones}
    for event in results.events.to_pylist():
        kind, _, edge = event["event"].rpartition("_")
        if kind not in STAYS:
            continue
        key = (event["call_id"], kind)
        zone = names.get(event["zone"], event["zone"] or "")
        if edge == "start":
            open_stays[key] = (event["time"], zone)
            continue
        seen = key in open_stays
        start, place = open_stays.pop(key, (calls[event["call_id"]]["first_seen"], zone))
        stays.append(Stay(event["mmsi"], event["call_id"], kind, place, start, event["time"], seen, True))
    for (call_id, kind), (start, zone) in open_stays.items():
        call = calls[call_id]
        stays.append(Stay(call["mmsi"], call_id, kind, zone, start, call["last_seen"], True, False))
    return sorted(stays, key=lambda stay: (stay.mmsi, stay.start, stay.kind))


def timeline(results: Results, stays: Sequence[Stay]) -> Timeline:
    """Draw the calls and stays of the ships with most CO2e in port, in the order of their arrival.

    Parameters
    ----------
    results : of a finished run.
    stays : from `stays_of`.
    """
    begin, span = results.begin, max(results.end - results.begin, timedelta(seconds=1))
    calls = results.calls.to_pylist()
    co2e: dict[int, float] = {}
    for row in results.by_call:
        if row["call_id"] is not None:
            co2e[row["mmsi"]] = co2e.get(row["mmsi"], 0.0) + (row["co2e_g"] or 0.0)
    ships = sorted({call["mmsi"] for call in calls}, key=lambda mmsi: (-co2e.get(mmsi, 0.0), mmsi))
    shown = set(ships[:MAX_TIMELINE_SHIPS])
    bars: dict[int, list[Bar]] = {}
    first: dict[int, dict[str, object]] = {}

    def bar(kind: str, start: datetime, end: datetime, text: str) -> Bar:
        x = max(0.0, 100 * ((start - begin) / span))
        return Bar(kind, round(x, 3), round(max(0.15, 100 * ((end - begin) / span) - x), 3), 0, 0, text)

    for call in sorted(calls, key=lambda call: (call["first_seen"], call["mmsi"])):
        if call["mmsi"] in shown:
            first.setdefault(call["mmsi"], call)
            text = f"In port from {clock(call['arrival'])} to {clock(call['departure'])}"
            bars.setdefault(call["mmsi"], []).append(bar("call", call["first_seen"], call["last_seen"], text))
    for stay in stays:
        if stay.mmsi in shown:
            text = (
                f"{STAYS[stay.kind]}{': ' + stay.zone if stay.zone else ''}, {clock(stay.start)} to {clock(stay.end)}"
            )
            bars[stay.mmsi].append(bar(stay.kind, stay.start, stay.end, text))
    rows = tuple(
        TimelineRow(
            str(call["vessel_name"] or f"MMSI {mmsi:09d}"),
            str(call["ship_class"] or "class not known"),
            tuple(bars[mmsi]),
        )
        for mmsi, call in first.items()
    )
    return Timeline(rows, time_ticks(results.begin, results.end), len(ships))


def ships_through_time(results: Results) -> Columns | None:
    """Mean number of ships in port by mode, step by step; None where no ship was in port."""
    if not results.through_time:
        return None
    base = int(results.begin.timestamp() // 3600) // results.step_h
    last = int(results.end.timestamp() // 3600) // results.step_h
    steps: dict[int, dict[str, float]] = {}
    for row in results.through_time:
        steps.setdefault(int(row["step"]) - base, {})[row["mode"]] = row["hours"] / results.step_h
    count = last - base + 1
    peak_step = max(sorted(steps), key=lambda step: sum(steps[step].values()))
    peak = sum(steps[peak_step].values())
    unit = axis_step(peak, 5) if peak > 0 else 1.0
    top = math.ceil(peak / unit - 1e-9) * unit
    bars = []
    for step, modes in sorted(steps.items()):
        below = 0.0
        for mode in STACK:
            ships = modes.get(mode, 0.0)
            if ships:
                height = COLUMN_HEIGHT * ships / top
                y = COLUMN_HEIGHT * (1 - below / top) - height
                text = f"{clock(_step_start(base + step, results.step_h))}: {number(ships, 2)} {MODES[mode].lower()}"
                bars.append(
                    Bar(
                        mode,
                        round(100 * step / count, 3),
                        round((86 if count > 40 else 96) / count, 3),
                        round(y, 2),
                        round(height, 2),
                        text,
                    )
                )
                below += ships
    start = _step_start(base, results.step_h)
    end = _step_start(last + 1, results.step_h)
    return Columns(
        bars=tuple(bars),
        x_ticks=time_ticks(start, end),
        y_ticks=tuple(
            Tick(
                round(COLUMN_HEIGHT * (1 - k * unit / top), 2), number(k * unit, 2) if unit < 1 else f"{k * unit:,.0f}"
            )
            for k in range(round(top / unit) + 1)
        ),
        height=COLUMN_HEIGHT,
        step_h=results.step_h,
        peak=peak,
        peak_at=clock(_step_start(base + peak_step, results.step_h)),
        modes=tuple(mode for mode in STACK if any(mode in modes for modes in steps.values())),
    )


def _step_start(step: int, step_h: int) -> datetime:
    return datetime.fromtimestamp(step * step_h * 3600, UTC)
