"""Cells: what is counted, what is held back, and which clauses cannot stand side by side."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults.a4_world import isolated

from sealane.agreements.aggregates import (
    Cell,
    Countable,
    form_cells,
    grouping_faults,
    overlapping_groupings,
    period_of,
    rows_disjoint,
    suppress,
)
from sealane.agreements.clauses import Clause, Granularity, Grouping, Period, Record, RowFilter

UTC = dt.UTC
START, END = dt.datetime(2026, 3, 1, tzinfo=UTC), dt.datetime(2026, 4, 1, tzinfo=UTC)
GROUPING = Grouping(("port", "vessel.type"), ("teu",), Period.MONTH, "carrier", 3)


def item(
    number: int, carrier: Any, port: Any = "JPNGO", occurred: dt.datetime | None = START, **more: Any
) -> Countable:
    body = {"carrier": carrier, "port": port, "vessel": {"type": "container"}, **more}
    shown = {key: value for key, value in body.items() if key != "carrier"}
    return Countable(Record("port-calls", f"r{number}", occurred, START, body=body), shown)


def test_records_of_one_period_are_counted_and_summed() -> None:
    items = [item(1, "A", teu=10), item(2, "B", teu=5), item(3, "A"), item(4, "C", port="USLAX", teu=2.5)]
    first, second = form_cells(items, GROUPING, START, END)
    assert (first.by, first.count, dict(first.sums)) == (("JPNGO", "container"), 3, {"teu": 15})
    assert first.contributors == {"a", "b"}
    assert first.measured["teu"] == {"a", "b"}
    assert first.records == ("r1", "r2", "r3")
    assert (second.by, second.count, dict(second.sums)) == (("USLAX", "container"), 1, {"teu": 2.5})


def test_the_period_is_half_open_and_what_has_no_time_is_in_none() -> None:
    tick = dt.timedelta(microseconds=1)
    times = [START - tick, START, END - tick, END, None]
    found = form_cells([item(n, "A", occurred=time) for n, time in enumerate(times)], GROUPING, START, END)
    assert [cell.records for cell in found] == [("r1", "r2")]


@pytest.mark.parametrize("carrier", [None, "", "  ", True, ["A"], {"code": "A"}, float("nan")])
def test_a_record_without_a_contributor_is_not_counted(carrier: Any) -> None:
    assert form_cells([item(1, carrier)], GROUPING, START, END) == []


def test_two_spellings_of_a_contributor_are_one() -> None:
    (cell,) = form_cells([item(1, "Maru"), item(2, " MARU "), item(3, "maru")], GROUPING, START, END)
    assert len(cell.contributors) == 1


def test_what_the_clause_takes_out_does_not_show_in_a_cell() -> None:
    hidden = replace(item(1, "A", teu=7), shown={"vessel": {"type": "container"}})
    (cell,) = form_cells([hidden], GROUPING, START, END)
    assert cell.by == (None, "container")
    assert dict(cell.sums) == {"teu": None}


def test_values_that_only_python_takes_for_equal_make_cells_of_their_own() -> None:
    found = form_cells([item(1, "A", port=1), item(2, "B", port=True), item(3, "C", port="1")], GROUPING, START, END)
    assert len(found) == 3
    assert form_cells([item(1, "A", port=["JPNGO"])], GROUPING, START, END) == []


@pytest.mark.parametrize("teu", [True, "7", None, float("inf"), float("nan"), [7]])
def test_only_finite_numbers_are_summed(teu: Any) -> None:
    (cell,) = form_cells([item(1, "A", teu=teu), item(2, "B", teu=3)], GROUPING, START, END)
    assert dict(cell.sums) == {"teu": 3}
    assert cell.measured["teu"] == {"b"}


def test_the_order_of_records_does_not_show_in_a_sum() -> None:
    numbers = [0.1, 1e16, -1e16, 0.2, 0.3]
    sums = {
        form_cells([item(n, "A", teu=v) for n, v in enumerate(order)], GROUPING, START, END)[0].sums["teu"]
        for order in itertools.permutations(numbers)
    }
    assert len(sums) == 1


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        (Period.DAY, "2028-02-29", "2028-03-01"),
        (Period.WEEK, "2028-02-28", "2028-03-06"),
        (Period.MONTH, "2028-02-01", "2028-03-01"),
        (Period.QUARTER, "2028-01-01", "2028-04-01"),
        (Period.YEAR, "2028-01-01", "2029-01-01"),
    ],
)
def test_periods_are_of_the_utc_calendar(period: Period, start: str, end: str) -> None:
    tokyo = dt.timezone(dt.timedelta(hours=9))
    time = dt.datetime(2028, 3, 1, 8, 59, tzinfo=tokyo)  # still the leap day in UTC
    assert [f"{edge:%Y-%m-%d}" for edge in period_of(time, period)] == [start, end]


def test_periods_hold_at_the_ends_of_the_calendar() -> None:
    for period in Period:
        for time in (dt.datetime.min, dt.datetime.max):
            start, end = period_of(time.replace(tzinfo=UTC), period)
            assert start <= time.replace(tzinfo=UTC) <= end


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(list(Period)))
def test_every_time_lies_in_its_period_and_periods_meet(time: dt.datetime, period: Period) -> None:
    start, end = period_of(time, period)
    assert start <= time
    assert time < end or end == dt.datetime.max.replace(tzinfo=UTC)
    assert period_of(start, period) == (start, end)
    if end < dt.datetime.max.replace(tzinfo=UTC):
        assert period_of(end, period)[0] == end


def cell(by: tuple[str, ...], contributors: str, measured: str | None = None) -> Cell:
    who = frozenset(contributors)
    of_measure = frozenset(contributors if measured is None else measured)
    records = tuple(f"{'/'.join(by)}:{name}" for name in sorted(who))
    sums = MappingProxyType({"teu": len(of_measure) or None})
    return Cell(by, len(who), sums, who, MappingProxyType({"teu": of_measure}), records)


def test_small_groups_are_held_back() -> None:
    kept, held_back = suppress([cell(("X",), "ABC"), cell(("Y",), "ABCD"), cell(("Z",), "ABCDE")], 3)
    assert (len(kept), held_back) == (3, 0)
    kept, held_back = suppress([cell(("X",), "AB")], 3)
    assert (kept, held_back) == ([], 1)


def test_a_complement_is_held_back_so_that_a_total_from_elsewhere_tells_nothing() -> None:
    cells = [cell(("W",), "A"), cell(("X",), "ABC"), cell(("Y",), "ABCD"), cell(("Z",), "ABCDE")]
    kept, held_back = suppress(cells, 3)
    assert [found.by for found in kept] == [("Y",), ("Z",)]
    assert held_back == 2


def test_two_small_groups_can_be_each_others_complement() -> None:
    cells = [cell(("V",), "AB"), cell(("W",), "CD"), cell(("X",), "ABC")]
    kept, _ = suppress(cells, 3)
    assert [found.by for found in kept] == [("X",)]


def test_complements_hold_for_every_margin() -> None:
    """By port and terminal: whoever knows the calls of one port must not learn of its one small terminal."""
    cells = [
        cell(("LA", "T1"), "A"),
        cell(("LA", "T2"), "ABCD"),
        cell(("NGO", "T1"), "ABCD"),
        cell(("NGO", "T2"), "ABCDE"),
    ]
    kept, _ = suppress(cells, 3)
    assert [found.by for found in kept] == [("NGO", "T2")]


def test_a_measure_that_few_have_is_held_back_inside_its_cell() -> None:
    cells = [cell(("X",), "ABC", "A"), cell(("Y",), "ABCD"), cell(("Z",), "ABCDE")]
    kept, held_back = suppress(cells, 3)
    assert held_back == 0
    assert [found.sums["teu"] for found in kept] == [None, None, 5]
    assert [found.count for found in kept] == [3, 4, 5]


def test_suppress_refuses_what_it_cannot_protect() -> None:
    with pytest.raises(ValueError, match="hides nobody"):
        suppress([cell(("X",), "ABC")], 1)
    with pytest.raises(ValueError, match="same values"):
        suppress([cell(("X",), "ABC"), cell(("X",), "ABC")], 3)
    assert suppress([], 3) == ([], 0)


@given(
    st.lists(
        st.tuples(st.sampled_from("PQR"), st.sampled_from("12"), st.sets(st.sampled_from("ABCDEFG"), min_size=1)),
        max_size=6,
        unique_by=lambda entry: entry[:2],
    ),
    st.integers(2, 4),
)
def test_no_total_over_the_cells_tells_of_a_small_group(table: list[tuple[str, str, set[str]]], least: int) -> None:
    cells = [cell((port, terminal), "".join(who)) for port, terminal, who in table]
    kept, held_back = suppress(cells, least)
    assert len(kept) + held_back == len(cells)
    assert all(len(found.contributors) >= least for found in kept)
    released = [dict.fromkeys(found.records, 1) for found in kept]
    for shared in ("", "P", "Q", "R", "1", "2"):
        behind = [found for found in cells if not shared or shared in found.by]
        if len(frozenset[str]().union(*(found.contributors for found in behind))) < least:
            continue  # the total itself is of a small group: whoever publishes it discloses it
        total = {name: 1 for found in behind for name in found.records}
        assert isolated([*released, total], lambda name: name.rsplit(":")[-1], least) is None


CLAUSE = Clause(
    id="cells",
    provider="us",
    recipients=("them",),
    dataset="port-calls",
    fields=("port",),
    purposes=frozenset({"emission-inventory"}),
    granularity=Granularity.AGGREGATE,
    rows=RowFilter(),
    delay=dt.timedelta(0),
    valid_from=START,
    valid_until=None,
    grouping=GROUPING,
)
LA, NAGOYA = RowFilter(ports=frozenset({"USLAX"})), RowFilter(ports=frozenset({"JPNGO"}))


@pytest.mark.parametrize(
    ("changes", "overlap"),
    [
        ({"grouping": replace(GROUPING, by=("operator",))}, True),
        ({"granularity": Granularity.RECORD, "grouping": None}, True),
        ({"valid_from": END}, True),
        ({"rows": RowFilter(terminals=frozenset({"T1"}))}, True),
        ({"dataset": "vessel-schedules"}, False),
        ({"recipients": ("others",)}, False),
        ({"provider": "others"}, False),
    ],
)
def test_cells_stand_beside_nothing_else_about_the_same_records(changes: dict[str, Any], overlap: bool) -> None:
    other = replace(CLAUSE, id="other", **changes)
    assert bool(overlapping_groupings([CLAUSE, other])) is overlap
    assert bool(overlapping_groupings([other, CLAUSE])) is overlap
    faults = grouping_faults([("clauses[0]", CLAUSE), ("clauses[1]", other)])
    assert [fault.where for fault in faults] == (["clauses[1]"] if overlap else [])


def test_filters_that_no_record_passes_both_may_stand_side_by_side() -> None:
    assert rows_disjoint(LA, NAGOYA)
    assert not rows_disjoint(LA, RowFilter())
    assert not rows_disjoint(LA, RowFilter(terminals=frozenset({"T1"})))
    before, after = RowFilter(occurred_until=START), RowFilter(occurred_from=START)
    assert rows_disjoint(before, after)
    assert rows_disjoint(after, before)
    assert not rows_disjoint(RowFilter(occurred_until=START + dt.timedelta(microseconds=1)), after)
    assert not overlapping_groupings([replace(CLAUSE, rows=LA), replace(CLAUSE, rows=NAGOYA)])
    records = [replace(CLAUSE, id=name, granularity=Granularity.RECORD, grouping=None) for name in "ab"]
    assert not overlapping_groupings(records)


def test_groupings_that_cannot_work_are_faults() -> None:
    by = ("a", "b", "c", "d", "moves[].x", "carrier")
    broken = replace(CLAUSE, grouping=replace(GROUPING, by=by, measures=("calls[].teu",)))
    faults = grouping_faults([("clauses[0]", broken)])
    assert [fault.where for fault in faults] == [
        "clauses[0].grouping.by",
        "clauses[0].grouping.measures",
        "clauses[0].grouping.by",
        "clauses[0].grouping.by",
    ]
