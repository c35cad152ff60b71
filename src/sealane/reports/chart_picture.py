"""A chart as a picture of its own: one SVG file with its colours for light and dark, for documents and slides."""

from __future__ import annotations

import re
from pathlib import Path

from markupsafe import Markup

from sealane.reports import chart_canvas, pages
from sealane.reports.chart_canvas import Chart

_HEAD, _LINE, _SOURCE = 17.0, 17.0, 14.0
_PAD = 14.0
_STANDING = """
:root { color-scheme: light dark; --ground: #ffffff; --text: #17202a; --muted: #51606e; --rule: #d3dae1; --sea: #e9f1f6;
--land: #d5d9d2; --shore: #98a19a; }
@media (prefers-color-scheme: dark) { :root { --ground: #12171c; --text: #e8edf2; --muted: #a9b6c2; --rule: #37424d;
--sea: #0d1d28; --land: #2b3235; --shore: #5a656b; } }
svg { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.ground { fill: var(--ground); } text { fill: var(--text); font-size: 12px; } .title { font-size: 15px;
font-weight: 650; } .soft { fill: var(--muted); } .rule { stroke: var(--rule); } .sea { fill: var(--sea); }
.frame { fill: none; stroke: var(--muted); }
.land { fill: var(--land); stroke: var(--shore); stroke-width: 0.8; }
.halo { paint-order: stroke; stroke: var(--ground); stroke-width: 3px; stroke-linejoin: round; }
"""


def picture(chart: Chart, source: str = "") -> str:
    """The wide drawing with its title, finding and note as an SVG document.

    Parameters
    ----------
    chart : what is drawn.
    source : a line below: where the numbers come from.

    Returns
    -------
    Text of the file; the same chart gives the same text.
    """
    width = chart.wide.width
    lines = _paragraph(chart.title, width, "title", _HEAD + 2) + _paragraph(chart.finding, width, "soft", _LINE)
    below = _paragraph(chart.note, width, "soft", _SOURCE) + _paragraph(source, width, "soft", _SOURCE)
    parts, y = [], _PAD
    for text, kind, step in lines:
        y += step
        parts.append(Markup('<text class="{}" x="0" y="{}">{}</text>').format(kind, chart_canvas.px(y - 4), text))
    y += 8
    parts.append(Markup('<svg class="chart" y="{}" width="{}" height="{}">{}</svg>').format(
        chart_canvas.px(y), chart_canvas.px(width), chart_canvas.px(chart.wide.height), chart.wide.body))  # fmt: skip
    y += chart.wide.height
    for text, kind, step in below:
        y += step
        parts.append(Markup('<text class="{}" x="0" y="{}">{}</text>').format(kind, chart_canvas.px(y), text))
    full = width + 2 * _PAD
    height = y + _PAD
    style = re.sub(r"/\*.*?\*/", "", _STANDING + pages.stylesheet("charts"), flags=re.DOTALL)
    style = " ".join(style.replace("display: block; width: 100%; height: auto;", "").split())
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t d" viewBox="0 0 {w} {h}" '
            'width="{w}" height="{h}"><title id="t">{title}</title><desc id="d">{desc}</desc><style>{style}</style>'
            "<defs>{defs}</defs>"
            '<rect class="ground" width="{w}" height="{h}"/><g transform="translate({pad} 0)">\n{body}\n</g></svg>\n'
        ).format(
            w=chart_canvas.px(full),
            h=chart_canvas.px(height),
            title=chart.title,
            desc=chart.summary,
            style=Markup(style),
            defs=chart_canvas.patterns(),
            pad=chart_canvas.px(_PAD),
            body=Markup("\n").join(parts),
        )
    )


def write_picture(chart: Chart, path: Path, source: str = "") -> None:
    """Write the picture as a file that appears whole."""
    pages.replace_file(Path(path), lambda partial: pages.write_text(partial, picture(chart, source)))


def _paragraph(text: str, width: float, kind: str, step: float) -> list[tuple[str, str, float]]:
    if not text:
        return []
    factor = 1.12 * 15 / 12 if kind == "title" else 1.0  # larger and bold
    return [(line, kind, step) for line in chart_canvas.wrapped(text, width / factor, 4)]
