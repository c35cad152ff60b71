"""Drawings of corridors: places of the marks, room for the labels, nothing told by colour alone, no text that acts."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from corridor_folders import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from sealane.reports import chart_canvas as canvas
from sealane.reports import pages
from sealane.reports.chart_bars import Part, Range, Swing, against_published, ranked, tornado
from sealane.reports.chart_canvas import Chart, Drawing
from sealane.reports.chart_map import Place, Way, along, great_circle, lane_map
from sealane.reports.chart_picture import picture
from sealane.reports.chart_spread import cumulative, histogram, quantile
from sealane.reports.chart_years import Band, Series, by_year

SVG = "{http://www.w3.org/2000/svg}"


def root(drawing: Drawing) -> ET.Element:
    """The drawing, parsed strictly."""
    return ET.fromstring(f'<svg xmlns="{SVG[1:-1]}">{drawing.body}</svg>')


def rects(drawing: Drawing, name: str) -> list[dict[str, float]]:
    found = [e for e in root(drawing).iter(f"{SVG}rect") if e.get("class") == name]
    return [{k: float(e.get(k, "0")) for k in ("x", "y", "width", "height")} for e in found]


def texts(drawing: Drawing) -> list[str]:
    return ["".join(e.itertext()) for e in root(drawing).iter(f"{SVG}text")]


def outside(drawing: Drawing) -> list[str]:
    """Texts that would be cut at the left or right edge, by the estimate of their width."""
    found = []
    for e in root(drawing).iter(f"{SVG}text"):
        wide = canvas.text_width("".join(e.itertext()))
        x = float(e.get("x", "0"))
        left = {"middle": x - wide / 2, "end": x - wide}.get(e.get("text-anchor", ""), x)
        if left < -2 or left + wide > drawing.width + 8:
            found.append("".join(e.itertext()))
    return found


YEARS = (2026, 2030, 2050)
STACK = by_year(
    "Fuel",
    "TJ",
    YEARS,
    stacks=[Series("oil", (6.0, 4.0, 1.0)), Series("methanol", (0.0, 2.0, 5.0)), Series("credit", (0.0, -1.0, -2.0))],
    lines=[Series("fossil", (6.0, None, 6.5))],
)
EVERY: list[Chart] = [
    STACK,
    by_year("Alone", "t", ["2026-Q1", "2026-Q2"], stacks=[Series("x", (1.0, None))]),
    by_year(
        "Fan",
        "g/MJ",
        YEARS,
        lines=[Series("median", (1.0, 2.0, 3.0))],
        bands=[Band("9 in 10", (0.0, 1.0, 1.0), (2.0, 3.0, 9.0))],
    ),
    ranked(
        "Ranked",
        "t",
        ("a", "b"),
        [Part("first of them all with a name that is rather long", (3.0, 1.0)), Part("second", (-1.0, None))],
    ),
    tornado("Tornado", "MUSD", 10.0, [Swing("price", 4.0, 30.0, "low", "high"), Swing("demand", 11.0, 9.0)]),
    against_published(
        "Published", [Range("x", 1.0, 2.0, 1.5, "t"), Range("y", 1.0, None, 3.0, "t"), Range("z", None, None, None, "")]
    ),
    histogram("Waits", "h", [0.5, 1.0, 7.0, 40.0], of="calls"),
    cumulative("Delay", "h", [("fcfs", [1.0, 2.0, 9.0]), ("slot", [0.0, 2.0, 3.0])], of="calls"),
    lane_map(
        "Map",
        [Place("Los Angeles", 33.75, -118.25, True), Place("Yokohama", 35.45, 139.65, True)],
        [Way(great_circle(33.75, -118.25, 35.45, 139.65), 5.0, "LA to Yokohama", False)],
        unit="t",
    ),
]


@pytest.mark.parametrize("chart", EVERY, ids=lambda chart: chart.title)
def test_every_chart_has_two_sizes_a_table_and_words(chart: Chart) -> None:
    assert chart.wide.width == canvas.WIDE
    assert chart.narrow.width == canvas.NARROW
    assert chart.table.rows
    assert all(len(row) == len(chart.table.columns) for row in chart.table.rows)
    assert chart.summary
    for drawing in (chart.wide, chart.narrow):
        assert not outside(drawing)
        assert "nan" not in drawing.body.lower()
        assert not re.search(r"<(script|image|use|foreignObject|a)\b", drawing.body)


def test_a_text_outside_the_drawing_would_be_seen() -> None:
    sheet = canvas.Sheet(100.0)
    sheet.text(90, 10, "far too long for this")
    assert outside(sheet.drawing(20))


def test_columns_stand_on_each_other_and_negative_ones_hang() -> None:
    oil, methanol, credit = (rects(STACK.wide, f"s{k}") for k in (1, 2, 3))
    # The last three rectangles of each are columns or their keys; columns are wider than a key.
    oil, methanol, credit = ([r for r in group if r["width"] > 20] for group in (oil, methanol, credit))
    assert len(oil) == 3
    assert len(methanol) == len(credit) == 2
    scale = oil[0]["height"] / 6.0
    zero = oil[0]["y"] + oil[0]["height"]
    assert oil[2]["height"] == pytest.approx(scale, abs=0.2)
    assert methanol[1]["y"] + methanol[1]["height"] == pytest.approx(oil[2]["y"], abs=0.2)
    assert credit[1]["y"] == pytest.approx(zero, abs=0.2)
    assert credit[1]["height"] == pytest.approx(2 * scale, abs=0.2)


def test_years_are_placed_by_their_distance() -> None:
    x = [r["x"] for r in rects(STACK.wide, "s1") if r["width"] > 20]
    assert (x[2] - x[1]) / (x[1] - x[0]) == pytest.approx(20 / 4, rel=0.01)


def test_series_differ_in_pattern_or_dashes_not_only_in_colour() -> None:
    patterned = re.findall(r'fill="url\(#hatch(\d)\)"', STACK.wide.body)
    assert set(patterned) == {"1", "2"}
    assert len(set(canvas.DASHES)) == canvas.SERIES
    defined = set(re.findall(r'id="hatch(\d)"', canvas.patterns()))
    assert set(patterned) <= defined
    assert {"oil", "methanol", "credit", "fossil"} <= set(texts(STACK.wide))
    assert {"oil", "methanol", "credit", "fossil"} <= set(texts(STACK.narrow))


def test_a_step_without_a_value_interrupts_the_line() -> None:
    chart = by_year("L", "", (1, 2, 3, 4, 5), lines=[Series("x", (1.0, 2.0, None, 2.0, 1.0))])
    assert len(re.findall(r'<path class="l1"', chart.wide.body)) == 2


def test_tornado_puts_the_widest_swing_first_and_ends_where_it_says() -> None:
    chart = tornado("T", "USD", 10.0, [Swing("narrow", 9.0, 11.0), Swing("wide", 4.0, 30.0)])
    assert [row[0] for row in chart.table.rows] == ["wide", "narrow"]
    low, high = (
        max((r for r in rects(chart.wide, name) if r["width"] != 16), key=lambda r: r["width"]) for name in ("s1", "s2")
    )
    assert high["width"] / low["width"] == pytest.approx(20 / 6, rel=0.01)
    assert low["x"] + low["width"] == pytest.approx(high["x"], abs=0.2)


@pytest.mark.parametrize(
    ("low", "high", "ours", "place"),
    [
        (1.0, 2.0, 1.5, "inside"),
        (1.0, 2.0, 3.0, "50 % above"),
        (2.0, None, 1.0, "50 % below"),
        (None, None, 1.0, "no range published"),
        (1.0, 2.0, None, "not computed"),
    ],
)
def test_a_figure_is_placed_against_what_was_published(
    low: float | None, high: float | None, ours: float | None, place: str
) -> None:
    chart = against_published("P", [Range("x", low, high, ours, "t")])
    assert chart.table.rows[0][5] == place


def test_histogram_counts_every_value_once() -> None:
    values = [0.0, 0.999, 1.0, 1.0, 5.5, 23.9]
    chart = histogram("H", "h", values)
    assert sum(row[2] for row in chart.table.rows) == len(values)
    for low, high, count in chart.table.rows:
        assert count == sum(1 for v in values if low <= v < high)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_histogram_bins_tile_and_hold_everything(values: list[float]) -> None:
    rows = histogram("H", "h", values).table.rows
    assert sum(row[2] for row in rows) == len(values)
    assert all(a[1] == b[0] for a, b in pairwise(rows))
    slack = 1e-8 * max(1.0, *values)  # a value a hair below an edge stands with it: binary 0.3 is not 3 x 0.1
    assert rows[0][0] <= min(values) + slack
    assert rows[-1][1] >= max(values) - slack


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0, 1))
def test_quantiles_lie_between_the_ends(values: list[float], part: float) -> None:
    ordered = sorted(values)
    assert ordered[0] <= quantile(ordered, part) <= ordered[-1]


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20), st.booleans())
def test_a_scale_holds_its_values_between_round_ends(values: list[float], zero: bool) -> None:
    scale = canvas.scale(values, 0.0, 100.0, zero=zero)
    slack = 1e-6 * (scale.high - scale.low)
    assert scale.low - slack <= min(values)
    assert scale.high + slack >= max(values)
    assert 2 <= len(scale.ticks) <= 9
    assert all(math.isfinite(scale.at(v)) for v in values)


@given(st.lists(st.floats(0, 200), min_size=1, max_size=12))
def test_labels_keep_their_order_and_distance(wanted: list[float]) -> None:
    places = canvas.spread(wanted, 0.0, 200.0, 15.0)
    ordered = sorted(places)
    assert all(b - a >= 15.0 - 1e-9 for a, b in pairwise(ordered))
    pairs = sorted(zip(wanted, places, strict=True))
    assert [p for _, p in pairs] == sorted(p for _, p in pairs) or len(set(wanted)) < len(wanted)


def test_hostile_names_are_text() -> None:
    chart = ranked("R", "t", (HOSTILE,), [Part(HOSTILE, (1.0,), HOSTILE)])
    for drawing in (chart.wide, chart.narrow):
        assert "<script" not in drawing.body
        assert any(HOSTILE in text for text in texts(drawing))


def test_the_map_is_centred_on_the_pacific_and_not_cut_at_the_antimeridian() -> None:
    chart = EVERY[-1]
    path, *_keys = re.findall(r'<path class="way [^"]*" d="([^"]*)"', chart.wide.body)
    corners = [tuple(float(v) for v in pair.split()) for pair in path.removeprefix("M").split("L")]
    steps = [b[0] - a[0] for a, b in pairwise(corners)]
    assert all(step < 0 for step in steps)  # westward all the way
    assert max(abs(step) for step in steps) < 40
    assert {"Los Angeles", "Yokohama"} <= set(texts(chart.wide))
    assert "unseen" in chart.wide.body


def test_long_edges_are_drawn_as_great_circles() -> None:
    ends = ((33.75, -118.25), (35.45, 139.65))
    dense = along(ends)
    assert dense[0] == pytest.approx(ends[0])
    assert dense[-1] == ends[-1]
    assert max(lat for lat, _ in dense) > 45.0  # the straight line on the map would stay below 36
    assert along(ends[:1]) == ends[:1]
    assert along(()) == ()


def test_a_way_round_the_edge_of_the_map_is_cut_there() -> None:
    ways = [Way(tuple((0.0, float(lon)) for lon in range(-180, 180, 10)), 1.0, "round")]
    chart = lane_map("M", [], ways)
    for d in re.findall(r'<path class="way [^"]*" d="([^"]*)"><title>', chart.wide.body):
        x = [float(pair.split()[0]) for pair in d.removeprefix("M").split("L")]
        assert max((abs(b - a) for a, b in pairwise(x)), default=0.0) < 60


def test_a_picture_stands_alone_and_needs_nothing() -> None:
    text = picture(STACK)
    tree = ET.fromstring(text)
    assert tree.get("role") == "img"
    assert tree.find(f"{SVG}title") is not None
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    assert text == picture(STACK)


def contrast(one: str, two: str) -> float:
    """Contrast of two colours (WCAG 2.2)."""

    def luminance(colour: str) -> float:
        parts = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def schemes(name: str) -> list[dict[str, str]]:
    """Colours a stylesheet names: for light, for dark and, where there is one, for paper."""
    css = pages.stylesheet(name)
    blocks = re.findall(r":root\s*\{(.*?)\}", css, re.DOTALL)
    return [dict(re.findall(r"--([\w-]+):\s*(#[0-9a-fA-F]{6})", block)) for block in blocks]


@pytest.mark.parametrize("dark", [False, True])
def test_every_series_stands_out_from_the_ground(dark: bool) -> None:
    ground = schemes("report")[dark]["ground"]
    colours = schemes("charts")[dark]
    for k in range(1, canvas.SERIES + 1):
        assert contrast(colours[f"s{k}"], ground) >= 3.0
    assert contrast(colours["way"], schemes("report")[dark]["sea"]) >= 3.0
    assert colours["hatch"] == ground


def test_paper_has_the_light_colours() -> None:
    paper = schemes("corridor")[-1]
    assert paper == {name: schemes("charts")[0][name] for name in paper}


def test_a_pale_colour_would_be_seen() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21.0)
    assert contrast("#ffe08a", "#ffffff") < 3.0
