"""Numbers of a port's page that are no sums: stays, gaps, confidence and results follow from the rows they name."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.web.accounts.people import Place

from sealane.errors import DataError
from sealane.web.explain.derive import Subject, derive
from sealane.web.explain.quality import MOST_CONFIDENCE
from sealane.web.explain.selection import Selection
from sealane.web.port import explain_counts
from sealane.web.port.explain_counts import StaysQuery, explain_results, explain_stays
from sealane.web.port.index import Index, open_index
from sealane.web.port.timeline import stays_address, timeline, window_of
from sealane.web.results import Result


def calls_of(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(folder / "calls.parquet").to_pylist()
    return found


def test_confidence_is_four_less_what_is_said(subject: Subject, week_folder: Path) -> None:
    seen = set()
    for row in calls_of(week_folder):
        found = derive(subject, Selection(quantity="quality", item="confidence", call_id=row["call_id"]))
        less = sum(int(float(one.value or 0)) for one in found.inputs)
        assert found.figure.value == row["confidence"] == max(1, MOST_CONFIDENCE + less)
        assert [bool(one.value) for one in found.inputs[:3]] == [
            row["arrival"] is None, row["departure"] is None, row["gap_events"] > 0
        ]  # fmt: skip
        seen.add(row["confidence"])
    assert len(seen) > 1
    with pytest.raises(DataError):
        derive(subject, Selection(quantity="quality", item="confidence", call_id="none"))


def with_gaps(folder: Path, target: Path) -> Subject:
    """The week in which every other call has gaps."""
    shutil.copytree(folder, target / "week")
    table = pq.read_table(target / "week" / "calls.parquet")
    at = table.schema.get_field_index("gap_events")
    gaps = pa.array([row % 2 * row for row in range(len(table))], table.schema.field(at).type)
    pq.write_table(table.set_column(at, table.schema.field(at), gaps), target / "week" / "calls.parquet")
    return Subject("the-result", True, "0" * 64, open_index(target / "week", target / "index"))


def test_gaps_are_those_of_the_calls(week_folder: Path, tmp_path: Path) -> None:
    subject = with_gaps(week_folder, tmp_path)
    rows = calls_of(tmp_path / "week")
    found = derive(subject, Selection(quantity="gaps"))
    assert found.figure.value == sum(row["gap_events"] for row in rows) > 0
    assert sum(part.figure.value or 0 for part in found.parts) == found.figure.value
    for row in rows:
        own = derive(subject, Selection(quantity="gaps", call_id=row["call_id"]))
        assert own.figure.value == row["gap_events"]
        assert own.inputs[0].link == own.call_path


def window(index: Index) -> tuple[dt.datetime, dt.datetime]:
    begin, end = window_of(index, None, None)
    return begin + (end - begin) / 4, begin + (end - begin) / 2


def test_stays_of_a_window_are_named(week_index: Index, kept_week: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    begin, end = window(week_index)
    shown = timeline(week_index, kept_week.id, begin, end)
    found = explain_stays(week_index, kept_week, StaysQuery(begin=begin, end=end))
    assert found.figure.value == shown.stays.value == sum(part.figure.value or 0 for part in found.parts) > 0
    monkeypatch.setattr(explain_counts, "MOST_LISTED", 3)
    for part in found.parts:
        kind = next(kind for kind, words in explain_counts.KIND_WORDS.items() if words == part.label)
        names: list[str] = []
        after = 0
        while True:
            page = explain_stays(week_index, kept_week, StaysQuery(begin=begin, end=end, kind=kind, after=after))
            assert page.figure == part.figure
            listed = [one for one in page.inputs if one.link and "/calls/" in one.link]
            names += [one.name for one in listed]
            if len(listed) == len(page.inputs):
                break
            after += 3
        bars = [bar for lane in shown.lanes if lane.kind == kind for bar in lane.bars]
        assert len(names) == len(bars) == part.figure.value
        hours = {f"{bar.ship}, {bar.start:%Y-%m-%d %H:%M} – {bar.stop:%Y-%m-%d %H:%M} UTC" for bar in bars}
        assert set(names) == hours


@pytest.mark.parametrize(
    ("begin", "end", "refused"),
    [
        ("0001-01-01T00:00:00%2B14:00", "2026-01-01T00:00:00Z", True),
        ("2024-03-04T00:00:00Z", "9999-12-31T23:59:59-14:00", True),
        ("1900-01-01T00:00:00%2B14:00", "2026-01-01T00:00:00Z", True),  # in UTC a year before
        ("1900-01-01T00:00:00Z", "2199-12-31T23:59:59Z", False),
        ("2024-03-06T00:00:00Z", "2024-03-05T23:59:59Z", True),
        ("2024-03-06T00:00:00%2B14:00", "2024-03-05T10:00:00Z", False),  # the same moment
        ("2024-03-04T00:00:00", "2024-03-06T00:00:00", True),
    ],
)
def test_a_window_is_of_years_that_can_be_counted_with(
    port_place: Place, kept_week: Result, begin: str, end: str, refused: bool
) -> None:
    analyst = port_place.entered("edges.analyst").http
    for root in ("", "/api/v1"):
        answer = analyst.get(f"{root}/explain/stays/{kept_week.id}?begin={begin}&end={end}")
        assert answer.status_code == (422 if refused else 200), answer.text


def test_a_window_in_another_zone_is_the_same_window(week_index: Index, kept_week: Result) -> None:
    begin, end = window(week_index)
    tokyo = dt.timezone(dt.timedelta(hours=9))
    there = StaysQuery(begin=begin.astimezone(tokyo), end=end.astimezone(tokyo))
    here = explain_stays(week_index, kept_week, StaysQuery(begin=begin, end=end))
    assert explain_stays(week_index, kept_week, there) == here
    early = stays_address("R", dt.datetime(33, 4, 3, tzinfo=dt.UTC), end)
    assert "begin=0033-04-03T00%3A00%3A00Z" in early


def test_results_of_a_port_are_named(kept_week: Result) -> None:
    found = explain_results("USLAX", [kept_week])
    assert found.figure.value == 1 == len(found.inputs)
    assert kept_week.id in (found.inputs[0].link or "")


def test_a_guest_counts_only_what_is_public(port_place: Place, kept_week: Result, hidden_week: Result) -> None:
    begin = "2024-03-04T00:00:00Z"
    analyst = port_place.entered("counts.analyst").http
    from httpx import Client

    with Client(base_url=port_place.origin, timeout=30, trust_env=False) as guest:
        for path, status in (
            (f"/explain/stays/{kept_week.id}?begin={begin}&end=2024-03-06T00:00:00Z", 200),
            (f"/explain/stays/{hidden_week.id}?begin={begin}&end=2024-03-06T00:00:00Z", 404),
        ):
            assert guest.get(f"/api/v1{path}").status_code == status
            assert analyst.get(f"/api/v1{path}").status_code == 200
        assert guest.get("/api/v1/explain/port-results/USOAK").json()["figure"]["value"] == 0
        assert analyst.get("/api/v1/explain/port-results/USOAK").json()["figure"]["value"] == 1
