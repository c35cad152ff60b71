"""The report's drawings as SVG documents that stand alone, in the colours of paper, for the PDF."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from markupsafe import Markup

from sealane.reports import chart_canvas, pages
from sealane.reports.chart_canvas import Drawing, Sheet, px
from sealane.reports.charts import STAYS, Columns, Tick, Timeline
from sealane.reports.figures import printable
from sealane.reports.map import HeatMap
from sealane.reports.summary import MODES

TEXT_FAMILY = "sealane-text"
"""Stands for the families of the document's text; the PDF's maker puts real ones in its place."""
_MARGIN = 6.0  # above and below, for texts that stand at the edge
_AXIS_W, _GAP = 40.0, 8.0
_LABEL_W, _ROW_H = 290.0, 19.0
_TICK_DIGIT = 6.6


@cache
def paper_style() -> str:
    """The reports' stylesheets as a drawing on paper needs them: light colours put in, no queries of the screen."""
    css = re.sub(r"/\*.*?\*/", "", pages.stylesheet("report", "charts"), flags=re.DOTALL)
    rules = list(_top_level(css))
    colours = {
        name: value.strip()
        for selector, body in rules
        if selector == ":root"
        for name, value in re.findall(r"(--[\w-]+):([^;]+)", body)
    }
    kept = []
    for selector, body in rules:
        if selector.startswith(("@", ":", "*")) or not re.search(r"\.|svg text", selector):
            continue
        value = re.sub(r"var\((--[\w-]+)\)", lambda found: colours[found[1]], body)
        value = re.sub(r"font-family:\s*inherit;?", "", value)
        kept.append(f"{selector.removeprefix('svg ') if selector == 'svg text' else selector}{{{value}}}")
    return " ".join(" ".join(kept).split())


def _top_level(css: str) -> list[tuple[str, str]]:
    """Selector and body of each rule that stands outside any other."""
    found, depth, start, head = [], 0, 0, ""
    for k, c in enumerate(css):
        if c == "{":
            if not depth:
                head, start = css[start:k].strip(), k + 1
            depth += 1
        elif c == "}":
            depth -= 1
            if not depth:
                found.append((head, css[start:k]))
                start = k + 1
    return found


def document(drawing: Drawing) -> str:
    """A drawing as an SVG document that needs nothing beside itself."""
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" class="chart" font-family="{family}" font-size="12" '
            'viewBox="0 {top} {w} {h}" width="{w}" height="{h}"><style>{style}</style><defs>{defs}</defs>{body}</svg>'
        ).format(
            family=TEXT_FAMILY,
            w=px(drawing.width),
            h=px(drawing.height + 2 * _MARGIN),
            top=px(-_MARGIN),
            style=Markup(paper_style()),
            defs=chart_canvas.patterns(),
            body=drawing.body,
        )
    )


def columns_drawing(columns: Columns) -> Drawing:
    """Stacked columns through time, with their key, from the geometry the HTML page draws."""
    width = chart_canvas.WIDE
    sheet = Sheet(width)
    top = _key(sheet, [(f"f-{mode}", MODES[mode]) for mode in columns.modes]) + 8
    left = _AXIS_W + _GAP
    span = width - left
    for tick in columns.y_ticks:
        sheet.line(left, top + tick.at, width, top + tick.at)
        sheet.text(_AXIS_W, top + tick.at + 4, tick.text, "end")
    for bar in columns.bars:
        x = left + bar.x / 100 * span
        sheet.rect(x, top + bar.y, bar.width / 100 * span, bar.height, f"f-{bar.kind}")
    _x_axis(sheet, columns.x_ticks, left, span, top + columns.height + 16)
    return sheet.drawing(top + columns.height + 22)


def timeline_drawing(timeline: Timeline) -> Drawing:
    """Berths and anchorages ship by ship, from the geometry the HTML page draws."""
    width = chart_canvas.WIDE
    sheet = Sheet(width)
    kinds = [("f-call", "in port, under way"), ("f-anchorage", STAYS["anchorage"].lower())]
    top = _key(sheet, [*kinds, ("f-berth", STAYS["berth"].lower()), ("f-gap", STAYS["gap"].lower())]) + 6
    left, span = _LABEL_W + _GAP, width - _LABEL_W - _GAP
    _x_axis(sheet, timeline.ticks, left, span, top + 12)
    top += 20
    for tick in timeline.ticks:
        x = left + tick.at / 100 * span
        sheet.line(x, top, x, top + _ROW_H * len(timeline.rows))
    for k, row in enumerate(timeline.rows):
        y = top + k * _ROW_H
        note = chart_canvas.shorten(row.note, _LABEL_W * 0.45)
        room = _LABEL_W - chart_canvas.text_width(note) - 8
        sheet.text(0, y + 13, chart_canvas.shorten(row.label, room))
        sheet.text(_LABEL_W, y + 13, note, "end", "soft")
        for bar in row.bars:
            thin = bar.kind == "call"
            x = left + bar.x / 100 * span
            sheet.rect(x, y + (7 if thin else 3), bar.width / 100 * span, 4 if thin else 12, f"f-{bar.kind}")
    return sheet.drawing(top + _ROW_H * len(timeline.rows) + 2)


def map_drawing(heat: HeatMap) -> Drawing:
    """A heat map with its key, from the geometry the HTML page draws."""
    sheet = Sheet(heat.width)
    w, h = px(heat.width), heat.height
    sheet.rect(0, 0, heat.width, h, "sea" if not heat.coast_boxes else "unmapped")
    for x, y, width, height in heat.coast_boxes:
        sheet.rect(x, y, width, height, "sea")
    if heat.land:
        sheet.raw_path(heat.land, "land")
    for tick in heat.x_ticks:
        sheet.line(tick.at, 0, tick.at, h, "graticule")
    for tick in heat.y_ticks:
        sheet.line(0, tick.at, heat.width, tick.at, "graticule")
    for shade in heat.shades:
        if shade.path:
            sheet.raw_path(shade.path, f"f-heat{shade.level}")
    if heat.land:
        sheet.raw_path(heat.land, "shore")
    for outline in heat.outlines:
        sheet.raw_path(outline.path, f"zone {outline.kind}")
    for label in heat.labels:
        sheet.text(label.x, label.y, label.text, "middle", "halo")
    for tick in heat.x_ticks:
        sheet.text(tick.at, h - 6, tick.text, "middle", "halo")
    for tick in heat.y_ticks:
        sheet.text(4, tick.at - 3, tick.text, kind="halo")
    sheet.raw_path(f"M{px(heat.width - 14 - heat.scale_px)} 24v6h{px(heat.scale_px)}v-6", "scalebar")
    sheet.text(heat.width - 14, 18, heat.scale_text, "end", "halo")
    sheet.rect(0, 0, heat.width, h, "frame")
    inner = Markup('<svg width="{}" height="{}">{}</svg>').format(w, px(h), Markup("\n").join(sheet.parts))
    whole = Sheet(heat.width, [inner])
    sheet_y = h + 10
    whole.text(0, sheet_y + 10, "NOx per cell:")
    shades = [(f"f-heat{shade.level}", shade.text) for shade in heat.shades]
    bottom = _key(whole, shades, sheet_y, chart_canvas.text_width("NOx per cell:") + 12)
    return whole.drawing(_zone_key(whole, heat, bottom + 4))


_ZONES = (
    ("port-limit", "port limit"),
    ("speed-zone", "speed zone"),
    ("anchorage", "anchorage"),
    ("berth", "berth"),
    ("anchorage learnt", "learnt anchorage"),
    ("berth learnt", "learnt berth"),
)


def _zone_key(sheet: Sheet, heat: HeatMap, y: float) -> float:
    kinds = {outline.kind for outline in heat.outlines}
    x = 0.0
    for kind, name in _ZONES:
        if kind not in kinds:
            continue
        if kind == "berth learnt":
            sheet.parts.append(
                Markup('<circle class="zone {}" cx="{}" cy="{}" r="5"/>').format(kind, px(x + 8), px(y + 6))
            )
        else:
            sheet.raw_path(f"M{px(x)} {px(y + 6)}h16", f"zone {kind}")
        sheet.text(x + 21, y + 10, name)
        x += 21 + chart_canvas.text_width(name) + 14
    return y + 16 if x else y


def _key(sheet: Sheet, labels: list[tuple[str, str]], y: float = 2.0, x: float = 0.0) -> float:
    """Write samples and names of classes of colour; return the y below."""
    at, line = x, y
    for kind, name in labels:
        need = 21 + chart_canvas.text_width(name) + 14
        if at > x and at + need > sheet.width:
            at, line = x, line + 18
        sheet.rect(at, line, 16, 12, kind)
        sheet.text(at + 21, line + 10, printable(name))
        at += need
    return line + 18


def _x_axis(sheet: Sheet, ticks: Sequence[Tick], left: float, span: float, y: float) -> None:
    """Texts of an axis, none over another."""
    taken = -1.0
    for tick in ticks:
        text, share = tick.text, tick.at / 100
        half = len(text) * _TICK_DIGIT / 2
        at = min(max(left + share * span, left + half), left + span - half)
        if at - half > taken:
            sheet.text(at, y, text, "middle", "soft")
            taken = at + half + 6
