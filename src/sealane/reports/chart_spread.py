"""Charts of a distribution: histogram with its cumulative share, and several cumulative curves on one axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from sealane.reports import chart_canvas as canvas
from sealane.reports.chart_canvas import Chart, Drawing, Sheet
from sealane.reports.charts import axis_step
from sealane.reports.figures import number, share
from sealane.reports.tables import Column, Table

_HEIGHT = 220.0
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def quantile(ordered: Sequence[float], part: float) -> float:
    """Quantile of ordered values by linear interpolation (type 7 of Hyndman and Fan, 1996)."""
    at = part * (len(ordered) - 1)
    low = math.floor(at)
    return ordered[low] + (at - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def histogram(
    title: str,
    unit: str,
    values: Sequence[float],
    *,
    of: str = "values",
    finding: str = "",
    note: str = "",
    bins: int = 24,
) -> Chart:
    """How often values of each size occur, in bins of one round width.

    Parameters
    ----------
    title, unit : what the values are.
    values : at least one; those that are not finite are passed over.
    of : what is counted, e.g. ``calls``.
    bins : most bins.
    """
    known = sorted(v for v in values if math.isfinite(v))
    low, high = (known[0], known[-1]) if known else (0.0, 1.0)
    step = axis_step(high - low, bins) if high - low > 1e-12 * max(1.0, abs(low), abs(high)) else 1.0
    first = math.floor(low / step + 1e-9)
    count = max(1, math.floor(high / step + 1e-9) - first + 1)
    counts = [0] * count
    for value in known:
        counts[min(count - 1, math.floor(value / step + 1e-9) - first)] += 1
    edges = [canvas.tidy((first + k) * step) for k in range(count + 1)]

    def draw(width: float) -> Drawing:
        sheet = Sheet(width)
        sheet.text(0, 12, f"number of {of}", kind="soft")
        top = 24.0
        y = canvas.scale([float(c) for c in counts], top + _HEIGHT, top, 5)
        left = 10 + max(canvas.text_width(y.label(t)) for t in y.ticks)
        right = width - 12
        for tick in y.ticks:
            if tick == round(tick):
                sheet.line(left, y.at(tick), right, y.at(tick), "zero" if tick == 0 else "rule")
                sheet.text(left - 6, y.at(tick) + 4, f"{tick:,.0f}", "end")
        x = canvas.Scale(edges[0], edges[-1], left, right, tuple(edges))
        for k, n in enumerate(counts):
            if n:
                words = f"{number(edges[k])} to {number(edges[k + 1])} {unit}: {n:,} {of}"
                a, b = x.at(edges[k]), x.at(edges[k + 1])
                sheet.rect(a + 0.5, y.at(n), b - a - 1, y.at(0) - y.at(n), 0, words)
        taken = -20.0
        for edge in edges:
            text = x.label(edge)
            half = canvas.text_width(text) / 2
            at = min(max(x.at(edge), half), width - half)
            if at - half > taken + 8:
                sheet.text(at, top + _HEIGHT + 16, text, "middle")
                taken = at + half
        sheet.text((left + right) / 2, top + _HEIGHT + 34, unit, "middle", "soft")
        if known:
            at = x.at(quantile(known, 0.5))
            sheet.line(at, top - 4, at, top + _HEIGHT, "base")
            text = f"half are below {number(quantile(known, 0.5))}"
            half = canvas.text_width(text) / 2
            label = 14 + canvas.text_width(f"number of {of}")
            sheet.text(min(max(at, label + half), width - half), 12, text, "middle")
        return sheet.drawing(top + _HEIGHT + 40)

    wide, narrow = canvas.draw_both(draw)
    columns = (Column("from", unit, "number"), Column("to", unit, "number"), Column(f"number of {of}", "", "integer"))
    rows = [(edges[k], edges[k + 1], n) for k, n in enumerate(counts)]
    told = f"{len(known):,} {of}"
    if known:
        told += f", median {number(quantile(known, 0.5))} {unit}, from {number(low)} to {number(high)} {unit}"
    heading = f"{title} [{unit}]" if unit else title
    return Chart(heading, f"{title}: {told}.", wide, narrow, Table(title, columns, rows), finding, note)


def cumulative(
    title: str,
    unit: str,
    groups: Sequence[tuple[str, Sequence[float]]],
    *,
    of: str = "values",
    finding: str = "",
    note: str = "",
) -> Chart:
    """Share of values at or below each size, one curve a group.

    Parameters
    ----------
    title, unit : what the values are.
    groups : name and values of each.
    of : what is counted.
    """
    ordered = [(name, sorted(v for v in values if math.isfinite(v))) for name, values in groups]
    every = [v for _, values in ordered for v in values]

    def draw(width: float) -> Drawing:
        sheet = Sheet(width)
        top = canvas.key(sheet, 0, 2, width, [(k, "line", name) for k, (name, _) in enumerate(ordered)]) + 6
        sheet.text(0, top + 4, f"share of {of} at or below", kind="soft")
        top += 18
        left, right = 46.0, width - 14
        y = canvas.Scale(0.0, 1.0, top + _HEIGHT, top, (0.0, 0.25, 0.5, 0.75, 1.0))
        x = canvas.scale(every, left, right, 6 if width == canvas.WIDE else 4)
        for tick in y.ticks:
            sheet.line(left, y.at(tick), right, y.at(tick), "zero" if tick == 0 else "rule")
            sheet.text(left - 6, y.at(tick) + 4, f"{100 * tick:.0f} %", "end")
        for tick in x.ticks:
            at = min(x.at(tick), width - canvas.text_width(x.label(tick)) / 2)
            sheet.text(at, top + _HEIGHT + 16, x.label(tick), "middle")
        sheet.text((left + right) / 2, top + _HEIGHT + 34, unit, "middle", "soft")
        for k, (_, values) in enumerate(ordered):
            if values:
                d = _steps(values, x, y)
                sheet.parts.append(
                    Markup('<path class="l{}" stroke-dasharray="{}" d="{}"/>').format(
                        k % canvas.SERIES + 1, canvas.dashes(k), d
                    )
                )
        return sheet.drawing(top + _HEIGHT + 40)

    wide, narrow = canvas.draw_both(draw)
    columns = (Column("share at or below", width=18), *(Column(name, unit, "number", 18) for name, _ in ordered))
    rows = [
        (share(part), *(quantile(values, part) if values else None for _, values in ordered))
        for part in (*_QUANTILES, 1.0)
    ]
    told = "; ".join(f"{name}: median {number(quantile(v, 0.5))} {unit}" for name, v in ordered if v)
    heading = f"{title} [{unit}]" if unit else title
    return Chart(heading, f"{title}. {told}.", wide, narrow, Table(title, columns, rows), finding, note)


def _steps(values: Sequence[float], x: canvas.Scale, y: canvas.Scale) -> str:
    """Step curve, one corner for each tenth of a pixel at most."""
    d = f"M{canvas.px(x.at(values[0]))} {canvas.px(y.at(0.0))}"
    last = ""
    for k, value in enumerate(values, start=1):
        if k < len(values) and canvas.px(x.at(values[k])) == canvas.px(x.at(value)):
            continue
        corner = f"H{canvas.px(x.at(value))}V{canvas.px(y.at(k / len(values)))}"
        if corner != last:
            d += corner
            last = corner
    return d + f"H{canvas.px(x.end)}"
