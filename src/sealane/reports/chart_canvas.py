"""The sheet a chart is drawn on: escaped SVG at a fixed width, in two widths, with a table beside it.

A chart is drawn twice, wide for a desk and narrow for a telephone, so that its text keeps a readable size on both.
Every series has a colour, a pattern or dashes of its own, and its name beside it: nothing is told by colour alone.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from sealane.reports.charts import axis_step
from sealane.reports.figures import number, printable
from sealane.reports.tables import Table

WIDE, NARROW = 760.0, 360.0
FONT_PX = 12.0
LINE_PX = 15.0
_LEAST = 1e-12  # a spread below this is none
SERIES = 8
"""Colours there are; a ninth series begins again with the first colour, and another pattern."""
# Widths of characters of a wide sans serif face (DejaVu Sans), in units of its size: a narrower face leaves room.
_EM, _DIGIT, _CAPITAL, _MIDDLE, _THIN = 0.62, 0.64, 0.72, 0.41, 0.33
_HATCH = (
    "",
    "M-2 2l4-4M0 8l8-8M6 10l4-4",
    "M1.5 1.5h1.4v1.4h-1.4zM5.5 5.5h1.4v1.4h-1.4z",
    "M-2 6l4 4M0 0l8 8M6-2l4 4",
    "M0 4h8",
    "M4 0v8",
    "M0 4h8M4 0v8",
    "M0 8l8-8M0 0l8 8",
)
DASHES = ("", "7 4", "2 3", "10 3 2 3", "4 2", "1 4", "12 4", "6 2 2 2 2 2")


@dataclass(frozen=True)
class Drawing:
    """One size of a chart: width and height [px] and what stands inside the ``svg`` element."""

    width: float
    height: float
    body: Markup


@dataclass(frozen=True)
class Chart:
    """A chart as it stands on a page.

    Attributes
    ----------
    title : what is shown, with its unit.
    summary : what a reader who cannot see it must know.
    wide, narrow : the two drawings.
    table : the numbers that are drawn.
    finding : what a reader should take from it; stands above the drawing.
    note : small print below.
    """

    title: str
    summary: str
    wide: Drawing
    narrow: Drawing
    table: Table
    finding: str = ""
    note: str = ""


def draw_both(draw: Callable[[float], Drawing]) -> tuple[Drawing, Drawing]:
    """The wide and the narrow drawing."""
    return draw(WIDE), draw(NARROW)


def text_width(text: str, size: float = FONT_PX) -> float:
    """Estimate of the width of a text [px]; East Asian characters take a whole square."""
    return size * sum(map(_em, text))


def _em(c: str) -> float:
    if unicodedata.east_asian_width(c) in "WF":
        return 1.0
    if c.isdigit():
        return _DIGIT
    if c in "ilj.,:;'|! /":
        return _THIN
    if c in "tfr()[]-":
        return _MIDDLE
    return _CAPITAL if c.isupper() or c in "mw%<>=+" else _EM


def shorten(text: str, width: float) -> str:
    """The text, cut with an ellipsis where it is wider than that [px]."""
    text = printable(text)
    if text_width(text) <= width:
        return text
    while text and text_width(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, width: float, lines: int = 2) -> list[str]:
    """The text in at most so many lines of that width [px], broken at blanks; the last is shortened."""
    found: list[str] = []
    words = printable(text).split()
    while words and len(found) < lines - 1:
        line = words.pop(0)
        while words and text_width(f"{line} {words[0]}") <= width:
            line += " " + words.pop(0)
        found.append(shorten(line, width))
    if words:
        found.append(shorten(" ".join(words), width))
    return found or [""]


def px(value: float) -> str:
    """A coordinate to a tenth of a pixel."""
    text = f"{value:.1f}"
    return "0" if text in {"-0.0", "0.0"} else text.removesuffix(".0")


@dataclass
class Sheet:
    """Collects the elements of one drawing; all texts are escaped here and nowhere else."""

    width: float
    parts: list[Markup] = field(default_factory=list)

    def text(self, x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> None:
        """Write a text; `anchor` start, middle or end, `kind` further classes."""
        extra = Markup(' class="{}"').format(kind) if kind else Markup("")
        place = Markup(' text-anchor="{}"').format(anchor) if anchor != "start" else Markup("")
        shown = printable(text)
        self.parts.append(Markup('<text x="{}" y="{}"{}{}>{}</text>').format(px(x), px(y), place, extra, shown))

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str = "rule") -> None:
        """Draw a straight line."""
        self.parts.append(
            Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, px(x1), px(y1), px(x2), px(y2))
        )

    def rect(self, x: float, y: float, width: float, height: float, series: int | str, words: str = "") -> None:
        """Draw a rectangle in the colour and pattern of a series, or of a class; `words` show under the pointer."""
        size = px(max(width, 0)), px(max(height, 0))
        shape = Markup('x="{}" y="{}" width="{}" height="{}"').format(px(x), px(y), *size)
        title = Markup("<title>{}</title>").format(printable(words)) if words else Markup("")
        if isinstance(series, str):
            self.parts.append(Markup('<rect class="{}" {}>{}</rect>').format(series, shape, title))
            return
        self.parts.append(Markup('<rect class="s{}" {}>{}</rect>').format(series % SERIES + 1, shape, title))
        pattern = (series + series // SERIES) % len(_HATCH)
        if pattern and width >= 3 and height >= 3:
            self.parts.append(Markup('<rect fill="url(#hatch{})" {}/>').format(pattern, shape))

    def path(self, points: Iterable[tuple[float, float]], kind: str, closed: bool = False, words: str = "") -> None:
        """Draw a line or an area through points."""
        d = "M" + "L".join(f"{px(x)} {px(y)}" for x, y in points) + ("Z" if closed else "")
        title = Markup("<title>{}</title>").format(printable(words)) if words else Markup("")
        self.parts.append(Markup('<path class="{}" d="{}">{}</path>').format(kind, d, title))

    def raw_path(self, d: str, kind: str, words: str = "") -> None:
        """Draw a path given as SVG path data made by this program."""
        title = Markup("<title>{}</title>").format(printable(words)) if words else Markup("")
        self.parts.append(Markup('<path class="{}" d="{}">{}</path>').format(kind, d, title))

    def dot(self, x: float, y: float, series: int, words: str = "", radius: float = 3.0) -> None:
        """Draw a point of a series; its shape tells it from the others."""
        shape = series % 4
        r, d = radius, 1.4 * radius
        paths = (
            f"M{px(x - r)} {px(y)}a{px(r)} {px(r)} 0 1 0 {px(2 * r)} 0a{px(r)} {px(r)} 0 1 0 {px(-2 * r)} 0z",
            f"M{px(x - r)} {px(y - r)}h{px(2 * r)}v{px(2 * r)}h{px(-2 * r)}z",
            f"M{px(x)} {px(y - 1.3 * r)}L{px(x + 1.2 * r)} {px(y + r)}L{px(x - 1.2 * r)} {px(y + r)}z",
            f"M{px(x)} {px(y - d)}L{px(x + d)} {px(y)}L{px(x)} {px(y + d)}L{px(x - d)} {px(y)}z",
        )
        self.raw_path(paths[shape], f"s{series % SERIES + 1}", words)

    def window(self, inner: Sheet, height: float) -> None:
        """Place another sheet at the upper left; what lies outside its size is cut."""
        body = Markup("\n").join(inner.parts)
        self.parts.append(Markup('<svg width="{}" height="{}">{}</svg>').format(px(inner.width), px(height), body))

    def drawing(self, height: float) -> Drawing:
        """The finished drawing."""
        return Drawing(self.width, math.ceil(height), Markup("\n").join(self.parts))


def patterns() -> Markup:
    """Definitions of the patterns; they stand once in a page or a picture."""
    form = Markup(
        '<pattern id="hatch{}" width="8" height="8" patternUnits="userSpaceOnUse">'
        '<path class="hatch" d="{}"/></pattern>'
    )
    return Markup("").join(form.format(k, d) for k, d in enumerate(_HATCH) if d)


@dataclass(frozen=True)
class Scale:
    """A linear scale from values to pixels, with its ticks."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def label(self, value: float) -> str:
        """Text of a tick: as many decimals as the step needs."""
        step = self.ticks[1] - self.ticks[0] if len(self.ticks) > 1 else 1.0
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
        return f"{0.0 if abs(value) < step / 2 else value:,.{decimals}f}"


def tidy(value: float) -> float:
    """A multiple of a round step without the last digits of binary arithmetic."""
    return float(f"{value:.12g}")


def scale(values: Iterable[float | None], start: float, end: float, most: int = 6, zero: bool = True) -> Scale:
    """A scale that holds all values (and zero), from one round number to another.

    Parameters
    ----------
    values : what is drawn; None and non-finite values are passed over.
    start, end : pixels of the low and the high end.
    most : most steps.
    zero : take zero in.
    """
    known = [v for v in values if v is not None and math.isfinite(v)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < _LEAST * max(1.0, abs(low), abs(high)):  # one value only: it stands between zero and itself
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < _LEAST:
        high = low + 1.0
    step = axis_step(high - low, most)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(tidy(k * step) for k in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], start, end, ticks)


def key(sheet: Sheet, x: float, y: float, width: float, labels: Sequence[tuple[int, str, str]]) -> float:
    """Write a key of series and return the y below it.

    Parameters
    ----------
    sheet : to write on.
    x, y, width : where it begins [px] and how wide it may become.
    labels : for each the number of the series, its kind (area, line, band, dot) and its name.
    """
    at, line = x, y
    for series, kind, name in labels:
        text = shorten(name, width - 26)
        need = 22 + text_width(text) + 14
        if at > x and at + need - 14 > x + width:
            at, line = x, line + 18
        swatch(sheet, at, line, series, kind)
        sheet.text(at + 21, line + 10, text)
        at += need
    return line + 20 if labels else y


def swatch(sheet: Sheet, x: float, y: float, series: int, kind: str) -> None:
    """Draw the sample of a series, 16 px wide."""
    if kind == "over":
        sheet.parts.append(Markup('<path class="over" d="M{} {}h16"/>').format(px(x), px(y + 6)))
        return
    if kind == "line":
        sheet.parts.append(
            Markup('<path class="l{}" stroke-dasharray="{}" d="M{} {}h16"/>').format(
                series % SERIES + 1, escape(dashes(series)), px(x), px(y + 6)
            )
        )
        return
    if kind == "dot":
        sheet.dot(x + 8, y + 6, series)
        return
    if kind == "band":
        for _ in range(series + 1):  # a band inside another lies over it
            sheet.rect(x, y, 16, 12, "band")
        return
    sheet.rect(x, y, 16, 12, series)


def dashes(series: int) -> str:
    """Dashes of a line of a series; the first is whole."""
    return DASHES[series % len(DASHES)] or "none"


def spread(wanted: Sequence[float], low: float, high: float, gap: float = LINE_PX) -> list[float]:
    """Places near the wanted ones, in their order, at least `gap` apart, between `low` and `high` if there is room."""
    order = sorted(range(len(wanted)), key=lambda k: (wanted[k], k))
    places = list(wanted)
    floor = low
    for k in order:
        places[k] = max(places[k], floor)
        floor = places[k] + gap
    ceiling = high
    for k in reversed(order):
        places[k] = min(places[k], ceiling)
        ceiling = places[k] - gap
    return places


def unit_of(values: Iterable[float | None], ladder: Sequence[tuple[float, str]]) -> tuple[float, str]:
    """The largest unit of a ladder in which the largest value is at least 1; ladder from small to large."""
    top = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    fitting = [entry for entry in ladder if top >= entry[0]]
    return fitting[-1] if fitting else ladder[0]


MASS_T = ((1.0, "t"), (1e4, "kt"), (1e7, "Mt"))
ENERGY_TJ = ((1.0, "TJ"), (1e4, "PJ"))
MONEY_USD = ((1.0, "USD"), (1e4, "kUSD"), (1e6, "MUSD"), (1e10, "bn USD"))
_DIVISOR = {"t": 1.0, "kt": 1e3, "Mt": 1e6, "TJ": 1.0, "PJ": 1e3, "USD": 1.0, "kUSD": 1e3, "MUSD": 1e6, "bn USD": 1e9}


def fit_unit(values: Iterable[float | None], ladder: Sequence[tuple[float, str]]) -> tuple[float, str]:
    """Divisor and name of the unit in which values are best read."""
    _, name = unit_of(values, ladder)
    return _DIVISOR.get(name, 1.0), name


def words(value: float | None, unit: str) -> str:
    """A value and its unit."""
    return f"{number(value)} {unit}".strip()
