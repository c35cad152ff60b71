"""The timeline: its windows, its lanes and its clock."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.web.port.index import Index
from sealane.web.port.timeline import LEAST_WINDOW, MAX_TICKS, natural, step_of, ticks, timeline, window_of

UTC = dt.UTC
DAY = dt.datetime(2024, 3, 6, tzinfo=UTC)


def test_bars_of_a_row_never_overlap(week_index: Index) -> None:
    found = timeline(week_index, "r", *window_of(week_index, None, None))
    assert {lane.kind for lane in found.lanes} >= {"berth", "anchorage"}
    for lane in found.lanes:
        assert lane.rows == 1 + max(bar.row for bar in lane.bars)
        for row in range(lane.rows):
            bars = sorted((bar for bar in lane.bars if bar.row == row), key=lambda bar: bar.start)
            assert all(a.stop <= b.start for a, b in itertools.pairwise(bars))
    assert sum(len(lane.bars) for lane in found.lanes) == found.stays.value
    assert not found.cut


def test_a_window_shows_what_touches_it(week_index: Index) -> None:
    end = DAY + dt.timedelta(days=1)
    found = timeline(week_index, "r", DAY, end)
    whole = timeline(week_index, "r", *window_of(week_index, None, None))
    bars = {(bar.call_id, bar.start) for lane in found.lanes for bar in lane.bars}
    assert bars == {
        (bar.call_id, bar.start) for lane in whole.lanes for bar in lane.bars if bar.start < end and bar.stop > DAY
    }
    assert 0 < len(bars) < whole.stays.value


@pytest.mark.parametrize("way", ["earlier", "later", "closer", "wider"])
def test_ways_lead_to_windows_inside_the_result(week_index: Index, way: str) -> None:
    found = timeline(week_index, "r", DAY, DAY + dt.timedelta(days=1))
    pair = getattr(found, way)
    assert found.first <= pair[0] < pair[1] <= found.last
    assert window_of(week_index, *pair) == pair


MOMENTS = st.datetimes(dt.datetime(2023, 1, 1), dt.datetime(2025, 1, 1)).map(lambda time: time.replace(tzinfo=UTC))


@given(st.none() | MOMENTS, st.none() | MOMENTS)
def test_any_window_asked_for_is_kept_inside(
    week_index: Index, begin: dt.datetime | None, end: dt.datetime | None
) -> None:
    first, last = window_of(week_index, begin, end)
    assert week_index.begin - dt.timedelta(hours=1) < first < last <= week_index.end + dt.timedelta(hours=1)
    assert last - first >= min(LEAST_WINDOW, week_index.end - week_index.begin)


def test_nobody_lies_in_a_window_without_stays(week_index: Index) -> None:
    before = week_index.begin - dt.timedelta(days=9)
    assert timeline(week_index, "r", before, before + dt.timedelta(days=1)).lanes == []


def test_ticks_are_round_and_tell_the_ports_clock_across_the_change_of_summer_time() -> None:
    found = ticks(dt.datetime(2024, 3, 9, tzinfo=UTC), dt.datetime(2024, 3, 12, tzinfo=UTC), 24, "America/Los_Angeles")
    assert [tick.at.hour for tick in found] == [0, 0, 0]
    assert [tick.local.strftime("%H:%M %Z") if tick.local else "" for tick in found] == [
        "16:00 PST", "16:00 PST", "17:00 PDT",
    ]  # fmt: skip
    assert ticks(DAY, DAY + dt.timedelta(days=1), 6, None)[0].local is None


@given(st.integers(1, 400))
def test_an_axis_has_few_ticks(days: int) -> None:
    span = dt.timedelta(days=days)
    assert len(ticks(DAY, DAY + span, step_of(span), None)) <= MAX_TICKS + 1


def test_berth_2_comes_before_berth_10() -> None:
    assert sorted(["Berth 10", "Berth 2", "anchorage", "Berth 1 b"], key=natural) == [
        "anchorage", "Berth 1 b", "Berth 2", "Berth 10",
    ]  # fmt: skip
