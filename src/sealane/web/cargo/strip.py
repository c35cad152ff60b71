"""The journey at a glance: a row per port, a mark per milestone, placed by time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sealane.web.cargo.models import JourneyStrip, Mark, Milestone

_MOST_TICKS = 8
_STEPS_D = (1, 2, 5, 7, 14, 28, 56, 91, 182, 364)
_DAY = dt.timedelta(days=1)


def strip_of(milestones: Sequence[Milestone], now: dt.datetime) -> JourneyStrip | None:
    """Return where each milestone with a time and a port is drawn; None where there are fewer than two."""
    placed = [(m, m.at, m.port) for m in milestones if m.at is not None and m.port is not None]
    if len(placed) < 2:
        return None
    first, last = min(at for _, at, _ in placed), max(at for _, at, _ in placed)
    margin = max((last - first) * 0.03, dt.timedelta(hours=1))
    begin, end = first - margin, last + margin

    def place(time: dt.datetime) -> float:
        return round(100.0 * ((time - begin) / (end - begin)), 3)

    ports = list(dict.fromkeys(port for _, _, port in placed))
    marks = [
        Mark(
            x=place(at),
            row=ports.index(port),
            classifier=m.classifier,
            own=m.own,
            label=m.what,
            step=m.step,
            mode=m.mode,
            what=m.what,
            at=at,
            milestone=m.id,
        )
        for m, at, port in placed
    ]
    return JourneyStrip(
        ports=ports,
        ticks=[(day.date(), place(day)) for day in _days(begin, end)],
        marks=marks,
        now_x=place(now) if begin <= now <= end else None,
    )


def _days(begin: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    """Return midnights (UTC) so far apart that not too many fall between two times."""
    span_d = (end - begin) / _DAY
    step = next((s for s in _STEPS_D if span_d / s <= _MOST_TICKS), int(span_d / _MOST_TICKS) + 1)
    day = begin.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
    found = []
    while day < end:
        found.append(day)
        day += step * _DAY
    return found
