"""Numbers, charts and maps of the report: what they show is what the tables hold."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.movement.geodesy import great_circle_nm
from sealane.reports import charts, figures
from sealane.reports.map import heat_maps, levels
from sealane.reports.projection import CELL_DEG, WIDTH, Frame, window
from sealane.reports.results import MAX_STEPS, read_results, step_hours


@given(st.floats(min_value=1e-300, max_value=1e15))
def test_a_number_is_never_written_as_zero_and_within_half_a_per_cent(value: float) -> None:
    text = figures.number(value)
    mantissa, _, power = text.replace(",", "").partition(" × 10")
    exponent = int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))) if power else 0
    assert float(f"{mantissa}e{exponent}") == pytest.approx(value, rel=0.00501)


@given(st.floats(min_value=0, max_value=1))
def test_only_nothing_is_no_per_cent_and_only_all_is_a_hundred(part: float) -> None:
    text = figures.share(part)
    assert (text in {"0 %", "0.0 %"}) == (part == 0)
    assert (text in {"100 %", "100.0 %"}) == (part == 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0"), (12, "12"), (12_345, "12,345"), (1234.5, "1,234"), (9.996, "10.0"), (0.5, "0.500"),
     (0.00012, "1.20 × 10⁻⁴"), (-3.2, "-3.20"), (float("nan"), "not a number")],
)  # fmt: skip
def test_numbers_as_written(value: float | None, text: str) -> None:
    assert figures.number(value) == text


def test_printable_shows_what_would_act() -> None:
    assert figures.printable("a\x00b\u202ec\u2066d\ufffee\nf") == "a�b�c�d�e�f"
    assert figures.printable("Ærø 船 ½") == "Ærø 船 ½"


@pytest.mark.parametrize("hours", [0.2, 1, 30, 24 * 7, 24 * 40, 24 * 365, 24 * 3650])
def test_time_ticks_are_few_in_order_and_inside(hours: float) -> None:
    begin = datetime(2024, 3, 4, 0, 0, 30, tzinfo=UTC)
    ticks = charts.time_ticks(begin, begin + timedelta(hours=hours))
    assert 1 <= len(ticks) <= 11
    at = [tick.at for tick in ticks]
    assert at == sorted(at)
    assert 0 <= at[0] <= at[-1] <= 100
    assert len({tick.text for tick in ticks}) == len(ticks)
    assert timedelta(hours=hours) / timedelta(hours=step_hours(timedelta(hours=hours))) <= MAX_STEPS


def test_the_columns_hold_the_hours_of_the_calls(made: Path) -> None:
    results = read_results(made)
    columns = charts.ships_through_time(results)
    assert columns is not None
    activity = pq.read_table(made / "activity.parquet")
    hours = pc.sum(activity.filter(pc.is_valid(activity["call_id"]))["hours"]).as_py()
    top = max(float(tick.text) for tick in columns.y_ticks)
    drawn = sum(bar.height for bar in columns.bars) / columns.height * top * results.step_h
    assert drawn == pytest.approx(hours, rel=2e-3)
    assert all(bar.x >= 0 and bar.x + bar.width <= 100.001 and bar.y >= -0.01 for bar in columns.bars)


def test_stays_are_those_of_the_events_and_open_ones_end_with_the_call(made: Path) -> None:
    results = read_results(made)
    stays = charts.stays_of(results)
    events = results.events["event"].to_pylist()
    assert sum(s.kind == "berth" for s in stays) == max(events.count("berth_start"), events.count("berth_end"))
    calls = {call["call_id"]: call for call in results.calls.to_pylist()}
    at_anchor = [stay for stay in stays if stay.kind == "anchorage"]
    assert len(at_anchor) == 1
    assert not at_anchor[0].end_seen
    assert at_anchor[0].end == calls[at_anchor[0].call_id]["last_seen"]
    drawn = charts.timeline(results, stays)
    assert len(drawn.rows) == drawn.ships == 3
    for row in drawn.rows:
        assert all(0 <= bar.x <= 100 and bar.x + bar.width <= 100.2 for bar in row.bars)


def test_the_map_draws_every_cell_once_with_its_true_shape(made: Path) -> None:
    results = read_results(made)
    region = heat_maps(results)[0]
    grid = pq.read_table(made / "grid.parquet")
    drawn = sum(shade.path.count("M") for shade in region.shades)
    assert drawn == region.cells
    assert region.outside_share == 0
    assert drawn == pc.sum(pc.greater(grid["nox_g"], 0)).as_py()
    width, height = map(float, re.findall(r"h([\d.]+)v([\d.]+)", next(s.path for s in region.shades if s.path))[0])
    assert width / height == pytest.approx(math.cos(math.radians(33.6)), rel=0.05)
    assert {"port-limit", "anchorage", "berth learnt"} <= {outline.kind for outline in region.outlines}
    assert region.land
    assert "nm" in region.scale_text


def test_the_scale_bar_is_as_long_as_it_says(made: Path) -> None:
    region = heat_maps(read_results(made))[0]
    (north, south) = (tick for tick in (region.y_ticks[-1], region.y_ticks[0]))
    degrees = float(north.text.split("°")[0]) - float(south.text.split("°")[0])
    px_per_nm = (south.at - north.at) / great_circle_nm(33.0, -118.0, 33.0 + degrees, -118.0)
    assert region.scale_px / px_per_nm == pytest.approx(float(region.scale_text.split()[0]), rel=0.01)


def test_a_map_across_the_antimeridian_is_one_piece() -> None:
    frame = window(179.9, -0.2, -18.2, 0.3, -18.0)
    assert 0 < frame.x(179.8) < frame.x(-179.9) < WIDTH
    assert frame.x(-179.9) - frame.x(179.9) == pytest.approx(0.2 * frame.px_per_lon)
    assert isinstance(frame, Frame)


@given(st.lists(st.floats(min_value=1e-9, max_value=1e9), min_size=1, max_size=50))
def test_classes_of_the_map_are_ordered_and_none_at_an_end_is_empty(kg: list[float]) -> None:
    bounds = levels(np.array(kg))
    assert 1 <= len(bounds) <= 6
    assert bounds == sorted(bounds)
    assert bounds[-1] <= max(kg)
    if len(bounds) > 1:
        assert min(kg) < bounds[1]


def test_far_cells_are_told_in_words(copy: Path) -> None:
    grid = pq.read_table(copy / "grid.parquet")
    far = grid.slice(0, 1)
    far = far.set_column(0, "lat", pa.array([10.0])).set_column(
        far.column_names.index("nox_g"), "nox_g", pa.array([1e6])
    )
    pq.write_table(pa.concat_tables([far.cast(grid.schema), grid]), copy / "grid.parquet")
    region = heat_maps(read_results(copy))[0]
    assert region.outside_share > 0
    assert region.cells == len(grid.filter(pc.greater(grid["nox_g"], 0)))


def test_a_port_without_coast_or_cells_still_has_its_maps(copy: Path, empty: Path) -> None:
    assert heat_maps(read_results(empty)) == ()
    origin = json.loads((copy / "provenance.json").read_text("utf-8"))
    origin["port"] = "SEGOT"
    (copy / "provenance.json").write_text(json.dumps(origin), "utf-8")
    zones = json.loads((copy / "zones.geojson").read_text("utf-8"))
    zones["features"] = []
    (copy / "zones.geojson").write_text(json.dumps(zones), "utf-8")
    assert len(heat_maps(read_results(copy))) == 1
    assert CELL_DEG == 0.01


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _schemes() -> list[dict[str, str]]:
    css = resources.files("sealane.reports").joinpath("templates/report.css").read_text("utf-8")
    return [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.S)
    ]


@pytest.mark.parametrize("scheme", _schemes(), ids=["light", "dark", "print"])
def test_colours_have_the_contrast_of_wcag_aa(scheme: dict[str, str]) -> None:
    for text in ("text", "muted", "link"):
        for ground in ("ground", "panel", "caution-ground", "note-ground", "track"):
            assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)
    assert contrast(scheme["sim-text"], scheme["sim-ground"]) >= 4.5
    for label in ("filled", "pm25"):
        assert contrast(scheme[label], scheme["ground"]) >= 4.5
    marks = ("berth", "anchorage", "manoeuvring", "transit", "drift", "gap", "co2e", "nox", "pm25", "filled", "e-zone",
             "e-learnt_zone", "e-status", "e-motion", "e-interpolated", "limit", "anchor-line", "berth-line",
             "caution-rule", "note-rule")  # fmt: skip
    for mark in marks:
        assert contrast(scheme[mark], scheme["ground"]) >= 3, mark
    heat = [_luminance(scheme[f"heat{k}"]) for k in range(1, 7)]
    assert heat in (sorted(heat), sorted(heat, reverse=True))  # readable without colour


def test_the_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") < 4.5
