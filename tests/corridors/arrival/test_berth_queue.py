"""Replay of a queue: calls and berth hours are kept, berths are never shared, and an independent queue agrees."""

from __future__ import annotations

import heapq
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.corridors.arrival.berth_queue import POLICIES, Demand, Replay, peak_berths, replay
from sealane.corridors.arrival.fairness import gini, inversions, overtaken, spread
from sealane.errors import DataError

H = 3_600_000_000


def demand(rows: list[tuple[int, float, float, float]]) -> Demand:
    """Calls from (queue, ready h, booked h before, berth h)."""
    queue, ready, lead, berth = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    ready_us = np.rint(ready * H).astype(np.int64)
    return Demand(
        call=tuple(f"call {n:03d}" for n in range(len(rows))),
        queue=queue.astype(np.int64),
        ready_us=ready_us,
        booked_us=ready_us - np.rint(lead * H).astype(np.int64),
        berth_us=np.rint(berth * H).astype(np.int64),
    )


def shuffled(asked: Demand, order: np.ndarray) -> Demand:
    return Demand(
        tuple(asked.call[n] for n in order), asked.queue[order], asked.ready_us[order], asked.booked_us[order],
        asked.berth_us[order],
    )  # fmt: skip


def broken_rules(asked: Demand, done: Replay, berths: dict[int, int]) -> list[str]:
    """Rules of any port that a replay breaks."""
    said = []
    if len(done.start_us) != len(asked.call):
        said.append("calls")
    if not np.array_equal(done.end_us - done.start_us, asked.berth_us):
        said.append("berth hours")
    if (done.start_us < asked.ready_us).any():
        said.append("berthed before it was ready")
    if any(most > berths[number] for number, most in peak_berths(asked.queue, done.start_us, done.end_us).items()):
        said.append("more ships than berths")
    for number in set(asked.queue.tolist()):
        for berth in set(done.berth[asked.queue == number].tolist()):
            own = np.flatnonzero((asked.queue == number) & (done.berth == berth))
            own = own[np.argsort(done.start_us[own])]
            if (done.start_us[own][1:] < done.end_us[own][:-1]).any() or berth >= berths[number]:
                said.append("two ships at one berth")
    return said


queues = st.lists(
    st.tuples(st.integers(0, 2), st.floats(0, 300), st.floats(0, 200), st.floats(0.5, 90)), min_size=1, max_size=40
)


@given(rows=queues, berths=st.tuples(*[st.integers(1, 3)] * 3), seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_both_policies_keep_calls_hours_and_berths_and_any_order_of_rows_gives_the_same(
    rows: list[tuple[int, float, float, float]], berths: tuple[int, int, int], seed: int
) -> None:
    asked, number = demand(rows), dict(enumerate(berths))
    order = np.random.default_rng(seed).permutation(len(rows))
    for policy in POLICIES:
        done = replay(asked, number, policy)
        assert broken_rules(asked, done, number) == []
        again = replay(shuffled(asked, order), number, policy)
        for column in ("start_us", "end_us", "berth", "order"):
            assert np.array_equal(getattr(again, column), getattr(done, column)[order])


def test_the_rules_see_what_breaks_them() -> None:
    """Control: a berth booked twice, a ship before its time, an hour lost."""
    asked = demand([(0, 0.0, 5.0, 10.0), (0, 1.0, 5.0, 10.0)])
    done = replay(asked, {0: 1}, "fcfs")
    assert broken_rules(asked, done, {0: 1}) == []
    early = done.start_us - H
    assert "berthed before it was ready" in broken_rules(
        asked, replace(done, start_us=early, end_us=done.end_us - H), {0: 1}
    )
    assert "berth hours" in broken_rules(asked, replace(done, end_us=done.end_us - 1), {0: 1})
    twice = replace(done, start_us=asked.ready_us, end_us=asked.ready_us + asked.berth_us)
    assert {"more ships than berths", "two ships at one berth"} <= set(broken_rules(asked, twice, {0: 1}))


def first_come_by_heap(asked: Demand, berths: int) -> list[int]:
    """Start of each call by an independent queue: the next free berth to the next ship that is ready."""
    free = [0] * berths
    start = [0] * len(asked.call)
    order = sorted(range(len(asked.call)), key=lambda n: (int(asked.ready_us[n]), asked.call[n]))
    heapq.heapify(free)
    for n in order:
        start[n] = max(heapq.heappop(free), int(asked.ready_us[n]))
        heapq.heappush(free, start[n] + int(asked.berth_us[n]))
    return start


@given(rows=queues, berths=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_first_come_agrees_with_an_independent_queue(rows: list[tuple[int, float, float, float]], berths: int) -> None:
    asked = demand([(0, *row[1:]) for row in rows])
    assert replay(asked, {0: berths}, "fcfs").start_us.tolist() == first_come_by_heap(asked, berths)


@given(rows=queues, berths=st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_with_equal_notice_and_equal_stays_slots_are_first_come(
    rows: list[tuple[int, float, float, float]], berths: int
) -> None:
    asked = demand([(0, ready, 48.0, 24.0) for _, ready, _, _ in rows])
    fcfs, slot = (replay(asked, {0: berths}, policy) for policy in POLICIES)
    assert np.array_equal(fcfs.start_us, slot.start_us)
    assert inversions(asked.queue, asked.ready_us, slot.start_us, asked.call)[0] == 0


def test_a_case_worked_by_hand() -> None:
    """docs/method/arrival.md: one berth; C booked first and is ready last, so it overtakes both."""
    asked = demand([(0, 0.0, 10.0, 10.0), (0, 2.0, 1.0, 10.0), (0, 6.0, 30.0, 10.0)])
    fcfs, slot = (replay(asked, {0: 1}, policy) for policy in POLICIES)
    assert (fcfs.start_us / H).tolist() == [0.0, 10.0, 20.0]
    # C books 6-16 at -24 h; A, booking at -10 h for 10 h from 0 on, does not fit before 6 and gets 16; B gets 26.
    assert (slot.start_us / H).tolist() == [16.0, 26.0, 6.0]
    assert slot.order.tolist() == [2, 3, 1]
    assert inversions(asked.queue, asked.ready_us, slot.start_us, asked.call) == (2, 3)
    assert overtaken(asked.queue, asked.ready_us, slot.start_us, asked.call).tolist() == [True, True, False]
    assert inversions(asked.queue, asked.ready_us, fcfs.start_us, asked.call) == (0, 3)


def test_a_short_stay_fits_into_a_gap_that_a_booking_leaves() -> None:
    asked = demand([(0, 10.0, 50.0, 10.0), (0, 0.0, 5.0, 8.0), (0, 1.0, 2.0, 2.0)])
    slot = replay(asked, {0: 1}, "slot")
    assert (slot.start_us / H).tolist() == [10.0, 0.0, 8.0]


def test_berths_of_a_queue_are_the_most_seen_at_once() -> None:
    queue = np.zeros(3, np.int64)
    start, end = np.array([0, 5, 10]) * H, np.array([10, 12, 20]) * H
    assert peak_berths(queue, start, end) == {0: 2}  # the first leaves as the third comes
    assert peak_berths(queue, start, end + 1) == {0: 3}


def test_what_cannot_be_replayed_is_refused_with_all_faults() -> None:
    asked = demand([(0, 0.0, -1.0, 10.0), (1, 0.0, 1.0, 0.0)])
    with pytest.raises(DataError) as refused:
        replay(replace(asked, call=("same", "same")), {0: 0}, "lottery")
    said = [fault.where for fault in refused.value.faults]
    assert said == [
        "policy", "berths of queue 0", "berths of queue 1", "berth_us, call same", "booked_us, call same", "call",
    ]  # fmt: skip


def test_gini_of_known_cases() -> None:
    assert gini(np.array([5.0, 5.0, 5.0])) == pytest.approx(0.0)
    assert gini(np.array([0.0, 0.0, 0.0, 8.0])) == pytest.approx(0.75)
    assert gini(np.array([1.0, 3.0])) == pytest.approx(0.25)
    assert np.isnan(gini(np.zeros(4)))
    assert np.isnan(gini(np.array([])))


@given(values=st.lists(st.floats(0.0, 1e4), min_size=2, max_size=30))
@settings(max_examples=50, deadline=None)
def test_gini_is_the_mean_difference_of_all_pairs(values: list[float]) -> None:
    array = np.array(values)
    if array.sum() > 1e-6:
        pairs = np.abs(array[:, None] - array[None, :]).sum() / (2 * len(array) ** 2 * array.mean())
        assert gini(array) == pytest.approx(pairs, abs=1e-9)


@given(rows=queues, seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_inversions_are_counted_pair_by_pair(rows: list[tuple[int, float, float, float]], seed: int) -> None:
    asked = demand(rows)
    start = np.random.default_rng(seed).integers(0, 50, len(rows))
    pairs = [
        (a, b)
        for a in range(len(rows))
        for b in range(len(rows))
        if asked.queue[a] == asked.queue[b]
        and (int(asked.ready_us[a]), asked.call[a]) < (int(asked.ready_us[b]), asked.call[b])
    ]
    against = sum(start[a] > start[b] for a, b in pairs)
    assert inversions(asked.queue, asked.ready_us, start, asked.call) == (against, len(pairs))
    late = overtaken(asked.queue, asked.ready_us, start, asked.call)
    assert late.tolist() == [any(x == a and start[a] > start[b] for x, b in pairs) for a in range(len(rows))]


def test_spread_of_the_delay() -> None:
    found = spread(np.array([0.0, 1.0, 2.0, 3.0, 10.0]), np.array([False, True, False, False, True]))
    assert (found.calls, found.mean_h, found.median_h, found.max_h, found.overtaken) == (5, 3.2, 2.0, 10.0, 2)
    assert found.p90_h == pytest.approx(7.2)
