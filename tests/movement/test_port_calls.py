"""The port-call machine: its table is total, and the stories a port knows come out as they should."""

from __future__ import annotations

import numpy as np
import pytest

from sealane.emissions.accumulate import decide_mode
from sealane.emissions.layout import Mode
from sealane.inventory.settings import Settings, kernel_limits
from sealane.movement.port_calls import (
    CALL_FIELDS,
    STOP_ANCHORAGE,
    STOP_BERTH,
    STOP_FIELDS,
    TRANSITIONS,
    Action,
    Observation,
    State,
    find_calls,
    observe,
    transition,
)

MINUTE = 60_000_000
LIMITS = (10, 30, 15)
TIMES = (10 * MINUTE, 30 * MINUTE, 6 * 60 * MINUTE)
OUT, SEA, ANCHOR, BERTH, NEXT, OTHER = "out", "sea", "anchor", "berth", "next berth", "other"


def run(story: list[tuple[str, int, float]], status: int = -1, step_min: int = 3) -> tuple[list[dict], list[dict]]:
    """Run the machine over a story of (place, minutes, speed in knots); a place 'gap' is a silence."""
    rows = []
    now = 0
    for place, minutes, knots in story:
        if place == "gap":
            now += minutes
            continue
        for _ in range(0, minutes, step_min):
            rows.append((now, place, knots))
            now += step_min
    n = len(rows)
    time = np.array([r[0] * MINUTE for r in rows], np.int64)
    speed = np.array([round(r[2] * 10) for r in rows], np.int16)
    port = np.array([{OUT: -1, OTHER: 1}.get(r[1], 0) for r in rows], np.int32)
    berth = np.array([{BERTH: 7, NEXT: 8}.get(r[1], -1) for r in rows], np.int32)
    anchorage = np.array([3 if r[1] == ANCHOR else -1 for r in rows], np.int32)
    said = np.full(n, status, np.int8)
    calls = np.zeros((n + 2, len(CALL_FIELDS)), np.int64)
    stops = np.zeros((n + 2, len(STOP_FIELDS)), np.int64)
    call_of = np.zeros(n, np.int32)
    found, halts = find_calls(time, speed, port, berth, anchorage, said, LIMITS, TIMES, calls, stops, call_of)
    named = [dict(zip(CALL_FIELDS, row.tolist(), strict=True)) for row in calls[:found]]
    for number, call in enumerate(named):
        assert (np.flatnonzero(call_of == number) == np.arange(call["first"], call["end"])).all()
        call["minutes"] = (time[call["end"] - 1] - time[call["first"]]) // MINUTE
    return named, [dict(zip(STOP_FIELDS, row.tolist(), strict=True)) for row in stops[:halts]]


def test_every_pair_stands_in_the_table() -> None:
    assert set(TRANSITIONS) == {(state, observation) for state in State for observation in Observation}
    for (state, observation), answer in TRANSITIONS.items():
        assert transition(state, observation) == answer


def test_no_transition_leaves_a_stop_open_unseen() -> None:
    """Out of a stop leads only what ends it or closes the call; into a stop only what begins one."""
    ends = {Action.END, Action.END_BEGIN, Action.END_STEP_OUT, Action.DEPART, Action.DEPART_ARRIVE}
    for (state, _), (following, action) in TRANSITIONS.items():
        if state in {State.ANCHORED, State.MOORED} and following != state:
            assert action in ends
        if following in {State.ANCHORED, State.MOORED} and following != state:
            assert action in {Action.ANCHOR, Action.BERTH}


def test_full_call_with_shift() -> None:
    calls, stops = run(
        [(OUT, 60, 14), (SEA, 30, 10), (ANCHOR, 300, 0.1), (SEA, 60, 6), (BERTH, 600, 0), (SEA, 30, 9), (OUT, 90, 15)]
    )
    assert len(calls) == 1
    call = calls[0]
    assert (call["open_start"], call["open_end"]) == (0, 0)
    assert (call["berth_stops"], call["anchorage_stops"]) == (1, 1)
    assert [s["kind"] for s in stops] == [STOP_ANCHORAGE, STOP_BERTH]
    assert call["minutes"] == pytest.approx(30 + 300 + 60 + 600 + 30, abs=3)


def test_passage_without_stop_is_no_call() -> None:
    assert run([(OUT, 60, 14), (SEA, 120, 12), (OUT, 60, 14)])[0] == []


def test_short_stop_is_none() -> None:
    assert run([(OUT, 60, 14), (SEA, 30, 8), (BERTH, 6, 0.2), (SEA, 30, 8), (OUT, 60, 14)])[0] == []


@pytest.mark.parametrize(("minutes", "calls"), [(9, 0), (10, 1)])
def test_stop_of_exactly_the_least_time_is_one(minutes: int, calls: int) -> None:
    story = [(OUT, 60, 14), (SEA, 30, 8), (BERTH, minutes, 0.2), (SEA, 30, 8), (OUT, 60, 14)]
    assert len(run(story, step_min=1)[0]) == calls


def test_default_thresholds() -> None:
    """The literals of the method page; a change moves hours and calls, so it must be meant."""
    limits = kernel_limits(
        Settings(), sea_margin_coastal=0.1, sea_margin_at_sea=0.15, low_load_limit=0.2, tier_fallback_load=0.25
    )
    assert (limits.stop_dkn, limits.anchorage_exit_dkn, limits.berth_exit_dkn) == LIMITS
    assert (limits.min_stop_us, limits.exit_confirm_us, limits.gap_us) == TIMES
    assert (limits.anchorage_mode_dkn, limits.berth_mode_dkn, limits.slow_dkn, limits.rest_dkn) == (30, 10, 10, 10)
    assert (limits.hold_us, limits.max_speed_dkn, limits.manoeuvring_load) == (10 * MINUTE, 500, 0.2)


def test_anchored_ship_that_swings_stays_anchored() -> None:
    """Hysteresis: above the entry speed, below the exit speed; without it there would be many stops."""
    swing = [(ANCHOR, 30, 0.2), (ANCHOR, 6, 2.0)] * 10
    calls, stops = run([(OUT, 60, 14), (SEA, 30, 8), *swing, (SEA, 30, 8), (OUT, 60, 14)])
    assert len(calls) == 1
    assert len(stops) == 1


def test_moored_ship_has_its_own_exit_speed() -> None:
    surge = [(BERTH, 30, 0.1), (BERTH, 3, 1.3)] * 5
    _, stops = run([(OUT, 60, 14), (SEA, 30, 8), *surge, (SEA, 30, 8), (OUT, 60, 14)])
    assert len(stops) == 1
    _, stops = run([(OUT, 60, 14), (SEA, 30, 8), *[(BERTH, 30, 0.1), (BERTH, 15, 2.0)] * 2, (OUT, 60, 14)])
    assert len(stops) == 2


@pytest.mark.parametrize("place", [BERTH, ANCHOR])
def test_stray_speed_is_no_shift(place: str) -> None:
    """One report of 4 kn in ten hours at one place, as a wake or a faulty log sends it: the ship never left."""
    story = [(OUT, 60, 14), (SEA, 30, 8), (place, 300, 0.1), (place, 3, 4.0), (place, 300, 0.1)]
    calls, stops = run([*story, (SEA, 30, 8), (OUT, 60, 14)])
    assert [c["berth_stops"] + c["anchorage_stops"] for c in calls] == [1]
    assert len(stops) == 1
    assert stops[0]["end"] - stops[0]["first"] == 603 // 3
    # Negative control: a movement of a quarter of an hour is one.
    away = [(OUT, 60, 14), (SEA, 30, 8), (place, 300, 0.1), (SEA, 15, 4.0), (place, 300, 0.1)]
    assert len(run([*away, (SEA, 30, 8), (OUT, 60, 14)])[1]) == 2


def test_stray_speed_in_status_stops_is_no_shift() -> None:
    story = [(OUT, 60, 14), (SEA, 30, 8), (SEA, 300, 0.1), (SEA, 3, 4.0), (SEA, 300, 0.1), (SEA, 30, 8), (OUT, 60, 14)]
    assert len(run(story, status=5)[1]) == 1


def test_slow_warp_to_the_next_berth_is_a_shift() -> None:
    """Tugs move her at 0.9 kn, below every exit speed: two berth stops, the second where she lies."""
    story = [(OUT, 60, 14), (SEA, 30, 8), (BERTH, 300, 0.1), (BERTH, 15, 0.9), (NEXT, 15, 0.9), (NEXT, 300, 0.1)]
    calls, stops = run([*story, (SEA, 30, 8), (OUT, 60, 14)])
    assert [c["berth_stops"] for c in calls] == [2]
    assert [s["zone"] for s in stops] == [7, 8]
    assert stops[0]["end"] == stops[1]["first"]


def test_ship_that_creeps_past_a_berth_is_moored_at_the_next() -> None:
    story = [(OUT, 60, 14), (SEA, 30, 8), (BERTH, 6, 0.9), (NEXT, 600, 0.1), (SEA, 30, 8), (OUT, 60, 14)]
    calls, stops = run(story)
    assert [c["berth_stops"] for c in calls] == [1]
    assert [s["zone"] for s in stops] == [8]


def test_flicker_between_two_berths_is_no_shift() -> None:
    """A ship that lies across the border of two berths, now reported in one, now in the other."""
    flicker = [(BERTH, 6, 0.0), (NEXT, 9, 0.0)] * 40
    _, stops = run([(OUT, 60, 14), (SEA, 30, 8), *flicker, (SEA, 30, 8), (OUT, 60, 14)])
    assert len(stops) == 1


def test_silence_outside_longer_than_the_confirmation_is_a_departure() -> None:
    """Last heard outside, heard again inside three hours later: two calls, not one with a voyage in it."""
    visit = [(SEA, 30, 8), (BERTH, 120, 0), (SEA, 30, 8)]
    calls, _ = run([(OUT, 60, 14), *visit, (OUT, 9, 14), ("gap", 180, 0), *visit, (OUT, 60, 14)])
    assert [(c["open_start"], c["open_end"]) for c in calls] == [(0, 0), (0, 0)]
    assert len(run([(OUT, 60, 14), *visit, (OUT, 9, 14), ("gap", 12, 0), *visit, (OUT, 60, 14)])[0]) == 1


def test_flicker_at_the_limit_does_not_split_a_call() -> None:
    flicker = [(OUT, 6, 3), (SEA, 6, 3)] * 4
    calls, _ = run([(OUT, 60, 14), *flicker, (BERTH, 120, 0), *flicker, (OUT, 90, 14)])
    assert len(calls) == 1
    assert calls[0]["open_end"] == 0


def test_return_after_departure_is_a_second_call() -> None:
    visit = [(SEA, 30, 8), (BERTH, 120, 0), (SEA, 30, 8)]
    assert len(run([(OUT, 60, 14), *visit, (OUT, 60, 14), *visit, (OUT, 60, 14)])[0]) == 2


def test_open_ends() -> None:
    calls, _ = run([(BERTH, 120, 0)])
    assert [(c["open_start"], c["open_end"]) for c in calls] == [(1, 1)]
    calls, _ = run([(BERTH, 120, 0), (SEA, 30, 8), (OUT, 60, 14)])
    assert [(c["open_start"], c["open_end"]) for c in calls] == [(1, 0)]
    calls, _ = run([(OUT, 60, 14), (SEA, 30, 8), (BERTH, 120, 0)])
    assert [(c["open_start"], c["open_end"]) for c in calls] == [(0, 1)]


def test_silence_at_the_same_berth_is_a_gap_event_not_a_departure() -> None:
    calls, stops = run(
        [(OUT, 60, 14), (SEA, 30, 8), (BERTH, 60, 0), ("gap", 600, 0), (BERTH, 60, 0), (SEA, 30, 8), (OUT, 60, 14)]
    )
    assert len(calls) == 1
    assert calls[0]["gaps"] == 1
    assert len(stops) == 1


def test_silence_with_a_change_of_place_closes_the_call() -> None:
    calls, _ = run(
        [(OUT, 60, 14), (SEA, 30, 8), (BERTH, 60, 0), ("gap", 600, 0), (ANCHOR, 60, 0), (SEA, 30, 8), (OUT, 60, 14)]
    )
    assert [(c["open_start"], c["open_end"]) for c in calls] == [(0, 1), (1, 0)]


def test_next_port_closes_the_call() -> None:
    calls, _ = run([(OUT, 60, 14), (BERTH, 60, 0), (SEA, 9, 8), (OTHER, 30, 8), (OUT, 60, 14)])
    assert [c["port"] for c in calls] == [0]
    assert calls[0]["open_end"] == 0


@pytest.mark.parametrize(("status", "kind"), [(5, "berth_stops"), (1, "anchorage_stops")])
def test_reported_status_makes_a_stop_where_no_zone_does(status: int, kind: str) -> None:
    calls, _ = run([(OUT, 60, 14), (SEA, 30, 8), (SEA, 120, 0), (OUT, 90, 14)], status=status)
    assert len(calls) == 1
    assert calls[0][kind] == 1
    assert run([(OUT, 60, 14), (SEA, 30, 8), (SEA, 120, 0), (OUT, 90, 14)], status=-1)[0] == []


def test_where_outlines_overlap_the_anchorage_goes_first() -> None:
    """The call machine and the mode rule must not disagree about one report."""
    speeds = (10, 30, 15)
    mode_limits = kernel_limits(
        Settings(), sea_margin_coastal=0.1, sea_margin_at_sea=0.15, low_load_limit=0.2, tier_fallback_load=0.25
    )
    assert observe(0, 0, 7, 3, -1, State.IN_PORT, 0, speeds) == Observation.AT_ANCHORAGE
    assert decide_mode(0, False, 7, 3, -1, np.zeros(9, np.uint8), mode_limits)[0] == Mode.ANCHORAGE
