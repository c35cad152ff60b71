"""Charts of bars that lie: ranked values, tornado, our figure beside a published band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sealane.reports import chart_canvas as canvas
from sealane.reports.chart_canvas import Chart, Drawing, Scale, Sheet
from sealane.reports.figures import number
from sealane.reports.tables import Column, Table

_BAR, _STEP = 14.0, 26.0


@dataclass(frozen=True)
class Part:
    """A bar: its name and one value for each series of the chart."""

    label: str
    values: tuple[float | None, ...]
    note: str = ""


@dataclass(frozen=True)
class Swing:
    """What a result becomes when one input takes its low and its high value; the texts say which values those are."""

    label: str
    low: float
    high: float
    low_text: str = ""
    high_text: str = ""


@dataclass(frozen=True)
class Range:
    """A published range (or a single figure: both ends equal, one end None if open) and our figure."""

    label: str
    low: float | None
    high: float | None
    ours: float | None
    unit: str
    note: str = ""


def ranked(
    title: str,
    unit: str,
    series: Sequence[str],
    parts: Sequence[Part],
    *,
    of: str = "item",
    finding: str = "",
    note: str = "",
    most: int = 15,
) -> Chart:
    """Bars in the order given, each cut into the series; the sum stands at its end.

    Parameters
    ----------
    title, unit : what is shown and in which unit.
    series : names of the pieces of a bar; a single one needs no key.
    parts : the bars; beyond `most` the chart stops and the table goes on.
    of : header of the first column of the table.
    """
    shown = list(parts[:most])

    def draw(width: float) -> Drawing:
        sheet = Sheet(width)
        named = [(k, "area", s) for k, s in enumerate(series)] if len(series) > 1 else []
        top = canvas.key(sheet, 0, 2, width, named) + 4
        above = width == canvas.NARROW
        gutter = 0.0 if above else min(320.0, 16 + max((canvas.text_width(p.label) for p in shown), default=0.0))
        ends = [_ends(p.values) for p in shown]
        texts = [number(sum(v for v in p.values if v is not None)) for p in shown]
        tail = 8 + max((canvas.text_width(t) for t in texts), default=0.0)
        under = any(low < 0 for low, _ in ends)
        x = canvas.scale([v for e in ends for v in e], gutter + (tail if under else 0), width - tail, 5)
        step = _STEP + (16 if above else 0)
        _grid(sheet, x, top, top + step * len(shown), unit, width)
        for k, part in enumerate(shown):
            y = top + k * step + (16 if above else 6)
            if above:
                sheet.text(0, y - 4, canvas.shorten(part.label, width), kind="halo")
            else:
                sheet.text(gutter - 8, y + 11, canvas.shorten(part.label, gutter - 8), "end")
            up = down = 0.0
            for s, value in enumerate(part.values):
                if not value:
                    continue
                base = up if value > 0 else down
                a, b = x.at(base), x.at(base + value)
                sheet.rect(min(a, b), y, abs(b - a), _BAR, s, f"{part.label}, {series[s]}: {number(value)} {unit}")
                up, down = (up + value, down) if value > 0 else (up, down + value)
            total = sum(v for v in part.values if v is not None)
            if total < 0 and not up:
                sheet.text(x.at(down) - 5, y + 11, texts[k], "end")
            else:
                sheet.text(x.at(up) + 5, y + 11, texts[k])
        return sheet.drawing(top + step * len(shown) + 22)

    columns = (Column(of, width=34), *(Column(s, unit, "number", 16) for s in series), Column("remark", width=50))
    rows = [(p.label, *p.values, p.note) for p in parts]
    if not any(p.note for p in parts):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    told = "; ".join(f"{p.label} {number(sum(v for v in p.values if v is not None))} {unit}" for p in shown[:5])
    wide, narrow = canvas.draw_both(draw)
    if len(parts) > most:
        note = f"{note} The chart shows the first {most} of {len(parts)}; the table has all.".strip()
    heading = f"{title} [{unit}]" if unit else title
    return Chart(heading, f"{title}: {told}.", wide, narrow, Table(title, tuple(columns), rows), finding, note)


def _ends(values: Sequence[float | None]) -> tuple[float, float]:
    known = [v for v in values if v is not None]
    return sum(v for v in known if v < 0), sum(v for v in known if v > 0)


def _grid(sheet: Sheet, x: Scale, top: float, bottom: float, unit: str, width: float) -> None:
    for tick in x.ticks:
        sheet.line(x.at(tick), top, x.at(tick), bottom, "zero" if tick == 0 else "rule")
    taken = -1.0
    for tick in x.ticks:
        text = x.label(tick)
        half = canvas.text_width(text) / 2
        at = min(max(x.at(tick), half), width - half)
        if at - half > taken + 6:
            sheet.text(at, bottom + 14, text, "middle", "soft")
            taken = at + half


def tornado(
    title: str, unit: str, base: float, swings: Sequence[Swing], *, finding: str = "", note: str = "", most: int = 12
) -> Chart:
    """Swings of a result about its base, the widest first.

    Parameters
    ----------
    title, unit : the result.
    base : its value with all inputs at their own.
    swings : one for each input; sorted here.
    """
    order = sorted(swings, key=lambda s: (-abs(s.high - s.low), s.label))
    widest = abs(order[0].high - order[0].low) if order else 0.0
    shown = [s for s in order if abs(s.high - s.low) > 1e-6 * widest][:most] or order[:most]
    if len(shown) < len(order):
        note = f"{note} The table has all {len(order)} inputs, those without effect too.".strip()

    def draw(width: float) -> Drawing:
        sheet = Sheet(width)
        named = [(0, "area", "input at its low end"), (1, "area", "input at its high end")]
        top = canvas.key(sheet, 0, 2, width, named) + 4
        above = width == canvas.NARROW
        gutter = 0.0 if above else min(320.0, 16 + max((canvas.text_width(s.label) for s in shown), default=0.0))
        inset = 62.0 if not above else 50.0
        results = [base, *(v for s in shown for v in (s.low, s.high))]
        x = canvas.scale(results, gutter + inset, width - inset, 5, zero=False)
        step = _STEP + (16 if above else 0)
        bottom = top + step * len(shown)
        _grid(sheet, x, top, bottom, unit, width)
        sheet.line(x.at(base), top - 2, x.at(base), bottom, "base")
        for k, swing in enumerate(shown):
            y = top + k * step + (16 if above else 6)
            if above:
                sheet.text(0, y - 4, canvas.shorten(swing.label, width), kind="halo")
            else:
                sheet.text(gutter - 8, y + 11, canvas.shorten(swing.label, gutter - 8), "end")
            ends = ((0, swing.low, swing.low_text), (1, swing.high, swing.high_text))
            for series, value, text in ends:
                a, b = x.at(base), x.at(value)
                words = f"{swing.label} {text}: {number(value)} {unit}"
                sheet.rect(min(a, b), y, max(abs(b - a), 1.0), _BAR, series, words)
            left, right = sorted(ends, key=lambda e: (e[1], e[0]))
            if left[1] < base:
                sheet.text(x.at(left[1]) - 5, y + 11, number(left[1]), "end", "soft")
            if right[1] > base:
                sheet.text(x.at(right[1]) + 5, y + 11, number(right[1]), "start", "soft")
        return sheet.drawing(bottom + 22)

    rows = [(s.label, s.low_text, s.low, s.high_text, s.high, abs(s.high - s.low)) for s in order]
    columns = (
        Column("input", width=40),
        Column("low end", width=18),
        Column("result at the low end", unit, "number", 18),
        Column("high end", width=18),
        Column("result at the high end", unit, "number", 18),
        Column("swing", unit, "number"),
    )
    wide, narrow = canvas.draw_both(draw)
    told = "; ".join(f"{s.label} from {number(s.low)} to {number(s.high)} {unit}" for s in shown[:3])
    summary = f"{title}: {number(base)} {unit} with all inputs at their own value. Widest swings: {told}."
    return Chart(f"{title} [{unit}]", summary, wide, narrow, Table(title, columns, rows), finding, note)


def against_published(title: str, ranges: Sequence[Range], *, finding: str = "", note: str = "") -> Chart:
    """Our figures beside published ranges, each on a scale of its own, because units differ."""

    def draw(width: float) -> Drawing:
        sheet = Sheet(width)
        top = canvas.key(sheet, 0, 2, width, [(0, "area", "published"), (1, "dot", "this result")]) + 6
        above = width == canvas.NARROW
        gutter = 0.0 if above else 240.0
        step = 52.0 if not above else 82.0
        for k, item in enumerate(ranges):
            y = top + k * step + (34 if above else 4)
            lines = canvas.wrapped(item.label, width if above else gutter - 14, 2)
            for j, line in enumerate(lines):
                if above:
                    sheet.text(0, y - 5 + 15 * (j - len(lines) + 1), line)
                else:
                    sheet.text(gutter - 10, y + 12 + 15 * j, line, "end")
            known = [v for v in (item.low, item.high, item.ours) if v is not None]
            if not known:
                sheet.text(gutter + 8, y + 12, _place(item), kind="soft")
                continue
            x = canvas.scale(known, gutter + 8, width - 12, 4)
            sheet.line(x.start, y + 20, x.end, y + 20, "zero")
            _band_mark(sheet, x, item, y)
            for tick in (x.low, x.high):
                sheet.text(x.at(tick), y + 34, x.label(tick), "start" if tick == x.low else "end", "soft")
            sheet.text((x.start + x.end) / 2, y + 34, item.unit, "middle", "soft")
        return sheet.drawing(top + step * len(ranges) + 4)

    rows = [(r.label, r.low, r.high, r.ours, r.unit, _place(r), r.note) for r in ranges]
    columns = (
        Column("figure", width=40),
        Column("published, low", "", "number"),
        Column("published, high", "", "number"),
        Column("this result", "", "number"),
        Column("unit", width=14),
        Column("place", width=18),
        Column("what explains the difference", width=70),
    )
    wide, narrow = canvas.draw_both(draw)
    told = "; ".join(f"{r.label}: {_place(r)}" for r in ranges)
    return Chart(title, f"{title}. {told}.", wide, narrow, Table(title, columns, rows), finding, note)


def _band_mark(sheet: Sheet, x: Scale, item: Range, y: float) -> None:
    low = item.low if item.low is not None else x.low
    high = item.high if item.high is not None else x.high
    if item.low is not None or item.high is not None:
        words = f"published: {number(item.low)} to {number(item.high)} {item.unit}"
        sheet.rect(x.at(low) - (1.5 if high == low else 0), y + 6, max(x.at(high) - x.at(low), 3.0), _BAR, 0, words)
    if item.ours is not None:
        sheet.line(x.at(item.ours), y + 2, x.at(item.ours), y + 22, "mark")
        sheet.dot(x.at(item.ours), y + 13, 1, f"this result: {number(item.ours)} {item.unit}", 5.0)


def _place(item: Range) -> str:
    """Where our figure lies against the published range."""
    if item.ours is None:
        return "not computed"
    if item.low is None and item.high is None:
        return "no range published"
    if item.low is not None and item.ours < item.low:
        return f"{number(100 * (1 - item.ours / item.low), 2)} % below" if item.low else "below"
    if item.high is not None and item.ours > item.high:
        return f"{number(100 * (item.ours / item.high - 1), 2)} % above" if item.high else "above"
    return "inside"
