"""Charts over years: stacked columns, lines with their limit, bands of quantiles."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sealane.reports import chart_canvas as canvas
from sealane.reports.chart_canvas import Chart, Drawing, Scale, Sheet
from sealane.reports.figures import number
from sealane.reports.tables import Column, Table

_HEIGHT = {canvas.WIDE: 260.0, canvas.NARROW: 220.0}
Values = Sequence[float | None]


@dataclass(frozen=True)
class Series:
    """One series: its name and a value for each step of the axis; None where there is none.

    `style` is the number of its colour and pattern; by default its place in the chart.
    """

    label: str
    values: tuple[float | None, ...]
    style: int | None = None


@dataclass(frozen=True)
class Band:
    """A range for each step, e.g. between two quantiles."""

    label: str
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


def by_year(
    title: str,
    unit: str,
    steps: Sequence[int | str],
    *,
    stacks: Sequence[Series] = (),
    lines: Sequence[Series] = (),
    bands: Sequence[Band] = (),
    points: Sequence[Series] = (),
    finding: str = "",
    summary: str = "",
    note: str = "",
    zero: bool = True,
    step_name: str = "year",
) -> Chart:
    """Columns stacked on each other, bands and lines over years or other steps.

    Parameters
    ----------
    title, unit : what is shown; the unit of all values.
    steps : years (placed by their distance) or names (placed evenly).
    stacks : positive values stand on zero, negative ones hang from it.
    lines : drawn over the columns; a step without a value interrupts the line.
    bands : filled between low and high, widest first.
    points : drawn as points only, e.g. what was measured or printed, in the styles of the lines in their order.
    finding, summary, note : words above the chart, for who cannot see it, and below.
    zero : let the axis begin at zero.
    step_name : header of the first column of the table.
    """
    positions = _positions(steps)

    def draw(width: float) -> Drawing:
        return _draw(width, unit, steps, positions, stacks, lines, bands, points, zero)

    wide, narrow = canvas.draw_both(draw)
    return Chart(
        f"{title} [{unit}]" if unit else title,
        summary or _summary(title, steps, stacks, lines, bands),
        wide,
        narrow,
        _table(title, unit, steps, stacks, (*lines, *points), bands, step_name),
        finding,
        note,
    )


def _positions(steps: Sequence[int | str]) -> list[float]:
    """Places of the steps, the least distance between two being 1."""
    if any(isinstance(step, str) for step in steps) or len(steps) < 2:
        return [float(k) for k in range(len(steps))]
    years = [float(step) for step in steps]
    least = min(b - a for a, b in itertools.pairwise(years))
    return [(year - years[0]) / least for year in years]


def _summary(
    title: str, steps: Sequence[int | str], stacks: Sequence[Series], lines: Sequence[Series], bands: Sequence[Band]
) -> str:
    names = [*(s.label for s in (*stacks, *lines)), *(b.label for b in bands)]
    span = f"{steps[0]} to {steps[-1]}" if steps else "no steps"
    return f"{title}, {span}: {', '.join(names)}. The numbers stand in the table below."


def _table(
    title: str,
    unit: str,
    steps: Sequence[int | str],
    stacks: Sequence[Series],
    lines: Sequence[Series],
    bands: Sequence[Band],
    step_name: str,
) -> Table:
    columns: list[Column] = [Column(step_name, width=10)]
    cells: list[tuple[float | None, ...]] = []
    for series in (*stacks, *lines):
        columns.append(Column(series.label, unit, "number", 16))
        cells.append(series.values)
    for band in bands:
        columns += [Column(f"{band.label}, low", unit, "number"), Column(f"{band.label}, high", unit, "number")]
        cells += [band.low, band.high]
    rows = [(str(step), *(values[k] for values in cells)) for k, step in enumerate(steps)]
    return Table(title, tuple(columns), rows)


def _stack_ends(stacks: Sequence[Series], k: int) -> tuple[float, float]:
    values = [s.values[k] or 0.0 for s in stacks]
    return sum(v for v in values if v < 0), sum(v for v in values if v > 0)


def _draw(
    width: float,
    unit: str,
    steps: Sequence[int | str],
    positions: Sequence[float],
    stacks: Sequence[Series],
    lines: Sequence[Series],
    bands: Sequence[Band],
    points: Sequence[Series],
    zero: bool,
) -> Drawing:
    sheet = Sheet(width)
    wide = width == canvas.WIDE
    alone = len(stacks) + len(lines) + len(bands) == 1
    marks = [(_style(s, k), "area", s.label) for k, s in enumerate(stacks)]
    # Over columns a line keeps away from their colours.
    marks += [(_style(s, k), "over" if stacks and k == 0 else "line", s.label) for k, s in enumerate(lines)]
    named = [] if alone else [*marks, *((k, "band", s.label) for k, s in enumerate(bands))]
    # On a desk the names stand at the end of what they name, and the key is needed for what has no end there.
    widest = max((canvas.text_width(s.label) for s in (*lines, *stacks)), default=0.0)
    direct = wide and not alone and len(stacks) + len(lines) <= 9
    labels_px = min(210.0, 36 + widest)
    top = canvas.key(sheet, 0, 2, width, named if not direct else [n for n in named if n[1] == "band"]) + 6
    top += 8
    height = _HEIGHT[width]
    ends = [_stack_ends(stacks, k) for k in range(len(steps))] if stacks else []
    values = [v for pair in ends for v in pair]
    values += [v for s in (*lines, *points) for v in s.values if v is not None]
    values += [v for b in bands for v in (*b.low, *b.high) if v is not None]
    y = canvas.scale(values, top + height, top, zero=zero or bool(stacks))
    left = 8 + max(canvas.text_width(y.label(t), 11.5) for t in y.ticks)
    right = width - (labels_px if direct else 8)
    for tick in y.ticks:
        sheet.line(left, y.at(tick), right, y.at(tick), "zero" if tick == 0 else "rule")
        sheet.text(left - 6, y.at(tick) + 4, y.label(tick), "end")
    span = positions[-1] - positions[0] + 1 if positions else 1.0
    step_px = (right - left) / span
    xs = [left + (p - (positions[0] if positions else 0.0) + 0.5) * step_px for p in positions]
    for band in bands:
        _band(sheet, xs, y, band)
    _columns(sheet, xs, y, steps, stacks, min(0.74 * step_px, 64.0), unit)
    if alone and stacks:
        _tops(sheet, xs, y, stacks[0], step_px)
    for series, (style, kind, _) in zip(lines, marks[len(stacks) :], strict=True):
        _line(sheet, xs, y, steps, series, style, unit, kind, dots=len(xs) <= 16 and not points)
    for k, series in enumerate(points):
        _dots(sheet, xs, y, steps, series, _style(series, k), unit)
    _x_labels(sheet, xs, steps, top + height + 16, left, right)
    if direct:
        _direct_labels(sheet, xs, y, stacks, lines, marks, right + 8, labels_px - 8, (top, top + height))
    return sheet.drawing(top + height + 24)


def _style(series: Series, place: int) -> int:
    return place if series.style is None else series.style


def _tops(sheet: Sheet, xs: Sequence[float], y: Scale, series: Series, step_px: float) -> None:
    """Write each value at the end of its column where all have room."""
    texts = [number(v) for v in series.values]
    if max((canvas.text_width(t) for t in texts), default=0.0) > step_px - 6:
        return
    for x, value, text in zip(xs, series.values, texts, strict=True):
        if value is not None:
            sheet.text(x, y.at(value) + (-4 if value >= 0 else 13), text, "middle", "soft")


def _band(sheet: Sheet, xs: Sequence[float], y: Scale, band: Band) -> None:
    known = [k for k in range(len(xs)) if band.low[k] is not None and band.high[k] is not None]
    if not known:
        return
    forth = [(xs[k], y.at(band.high[k] or 0.0)) for k in known]
    back = [(xs[k], y.at(band.low[k] or 0.0)) for k in reversed(known)]
    if len(known) == 1:
        k = known[0]
        forth = [(xs[k] - 6, y.at(band.high[k] or 0.0)), (xs[k] + 6, y.at(band.high[k] or 0.0))]
        back = [(xs[k] + 6, y.at(band.low[k] or 0.0)), (xs[k] - 6, y.at(band.low[k] or 0.0))]
    sheet.path([*forth, *back], "band", closed=True, words=band.label)


def _columns(
    sheet: Sheet,
    xs: Sequence[float],
    y: Scale,
    steps: Sequence[int | str],
    stacks: Sequence[Series],
    wide: float,
    unit: str,
) -> None:
    for k, x in enumerate(xs):
        above = below = 0.0
        for number_, series in enumerate(stacks):
            value = series.values[k]
            if not value:
                continue
            base = above if value > 0 else below
            y1, y2 = y.at(base), y.at(base + value)
            words = f"{steps[k]}, {series.label}: {number(value)} {unit}"
            sheet.rect(x - wide / 2, min(y1, y2), wide, abs(y2 - y1), _style(series, number_), words)
            if value > 0:
                above += value
            else:
                below += value


def _line(
    sheet: Sheet,
    xs: Sequence[float],
    y: Scale,
    steps: Sequence[int | str],
    series: Series,
    style: int,
    unit: str,
    kind: str,
    *,
    dots: bool,
) -> None:
    run: list[tuple[float, float]] = []
    for k in range(len(xs) + 1):
        value = series.values[k] if k < len(xs) else None
        if value is not None:
            run.append((xs[k], y.at(value)))
            continue
        if len(run) > 1:
            d = "M" + "L".join(f"{canvas.px(a)} {canvas.px(b)}" for a, b in run)
            look = "over" if kind == "over" else f"l{style % canvas.SERIES + 1}"
            dash = "7 4" if kind == "over" else canvas.dashes(style)
            if kind == "over":  # it crosses patterns
                sheet.raw_path(d, "halo-line")
            sheet.parts.append(Markup('<path class="{}" stroke-dasharray="{}" d="{}"/>').format(look, dash, d))
        run = []
    if dots and kind != "over":
        _dots(sheet, xs, y, steps, series, style, unit)


def _dots(
    sheet: Sheet, xs: Sequence[float], y: Scale, steps: Sequence[int | str], series: Series, style: int, unit: str
) -> None:
    for k, x in enumerate(xs):
        if (value := series.values[k]) is not None:
            sheet.dot(x, y.at(value), style, f"{steps[k]}, {series.label}: {number(value)} {unit}")


def _x_labels(
    sheet: Sheet, xs: Sequence[float], steps: Sequence[int | str], at: float, left: float, right: float
) -> None:
    """Names of the steps, as many as have room; the last always stands."""
    taken = right + 40.0
    for k in reversed(range(len(steps))):
        text = canvas.shorten(str(steps[k]), 110)
        half = canvas.text_width(text) / 2
        x = min(max(xs[k], left + half - 8), right - half + 8)
        if x + half + 8 < taken:
            sheet.text(x, at, text, "middle")
            taken = x - half


def _direct_labels(
    sheet: Sheet,
    xs: Sequence[float],
    y: Scale,
    stacks: Sequence[Series],
    lines: Sequence[Series],
    marks: Sequence[tuple[int, str, str]],
    x: float,
    room: float,
    bounds: tuple[float, float],
) -> None:
    """Name each series at its last value; names that would meet move apart, a thin line shows where they belong."""
    wanted: list[float] = []
    named: list[tuple[int, str, str]] = []
    if xs:
        above = below = 0.0
        for series, mark in zip(stacks, marks, strict=False):
            value = series.values[-1] or 0.0
            base = above if value >= 0 else below
            wanted.append(y.at(base + value / 2))
            named.append(mark)
            above, below = (above + value, below) if value >= 0 else (above, below + value)
        for series, mark in zip(lines, marks[len(stacks) :], strict=True):
            last = next((i for i in reversed(range(len(xs))) if series.values[i] is not None), None)
            if last is not None:
                wanted.append(y.at(series.values[last] or 0.0))
                named.append(mark)
    places = canvas.spread(wanted, bounds[0] + 4, bounds[1] - 4, 17.0)
    for (style, kind, label), place in zip(named, places, strict=True):
        canvas.swatch(sheet, x, place - 6, style, kind)
        sheet.text(x + 20, place + 4, canvas.shorten(label, room - 20))
