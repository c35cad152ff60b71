"""Port calls: an explicit transition table with hysteresis, run over one vessel's reports at a time.

A port call is a stay inside a port limit with at least one stop, at anchor or at berth. A passage through the limit
without a stop is no call. The machine reads one observation per report and has its own thresholds, apart from the
mode rule, so that a ship drifting about a threshold does not open and close a call with every report.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from sealane.movement.compiled import njit


class State(IntEnum):
    """Where the machine believes the ship to be."""

    AWAY = 0  # outside every port limit
    IN_PORT = 1  # inside a limit, under way or idle away from any berth or anchorage
    ANCHORING = 2  # slow in an anchorage, not yet long enough to be a stop
    ANCHORED = 3
    BERTHING = 4  # slow at a berth, not yet long enough to be a stop
    MOORED = 5
    LEAVING = 6  # outside the limit, not yet long enough to be a departure


class Observation(IntEnum):
    """What one report shows, in the light of the state's own thresholds."""

    OUTSIDE = 0  # outside the limit
    MOVING = 1  # inside, faster than the threshold of the state
    AT_ANCHORAGE = 2  # inside, slow, and a zone or the reported status says anchorage
    AT_BERTH = 3  # inside, slow, and a zone or the reported status says berth
    IDLE = 4  # inside, slow, nothing says where
    DWELLED = 5  # the time for a stop, or for a departure, has passed without contradiction
    OTHER_PORT = 6  # inside the limit of another port
    LOST = 7  # no report for longer than the gap limit; the next one is outside, or elsewhere
    OTHER_BERTH = 8  # moored, yet for the time of a departure at another berth: warped along the quay, slow throughout


class Action(IntEnum):
    """What the transition does to the call under construction."""

    NONE = 0
    ARRIVE = 1  # note a possible arrival
    BEGIN = 2  # note where a possible stop begins
    ANCHOR = 3  # the stop is an anchorage stop
    BERTH = 4  # the stop is a berth stop
    END = 5  # the stop is over
    STEP_OUT = 6  # note a possible departure
    STEP_IN = 7  # back inside: the departure was none
    DEPART = 8  # close the call
    END_BEGIN = 9  # the stop is over and another may begin
    END_STEP_OUT = 10  # the stop is over and the ship is outside
    DEPART_ARRIVE = 11  # close the call at the old port, arrive at the new one
    SHIFT = 12  # the stop is over, and the one at the other berth runs already


_S, _O, _A = State, Observation, Action

# (state, observation) -> (next state, action). Every pair stands here; a test counts them.
TRANSITIONS: dict[tuple[State, Observation], tuple[State, Action]] = {
    (_S.AWAY, _O.OUTSIDE): (_S.AWAY, _A.NONE),
    (_S.AWAY, _O.MOVING): (_S.IN_PORT, _A.ARRIVE),
    (_S.AWAY, _O.AT_ANCHORAGE): (_S.IN_PORT, _A.ARRIVE),
    (_S.AWAY, _O.AT_BERTH): (_S.IN_PORT, _A.ARRIVE),
    (_S.AWAY, _O.IDLE): (_S.IN_PORT, _A.ARRIVE),
    (_S.AWAY, _O.DWELLED): (_S.AWAY, _A.NONE),
    (_S.AWAY, _O.OTHER_PORT): (_S.IN_PORT, _A.ARRIVE),
    (_S.AWAY, _O.LOST): (_S.AWAY, _A.NONE),
    (_S.AWAY, _O.OTHER_BERTH): (_S.AWAY, _A.NONE),
    (_S.IN_PORT, _O.OUTSIDE): (_S.LEAVING, _A.STEP_OUT),
    (_S.IN_PORT, _O.MOVING): (_S.IN_PORT, _A.NONE),
    (_S.IN_PORT, _O.AT_ANCHORAGE): (_S.ANCHORING, _A.BEGIN),
    (_S.IN_PORT, _O.AT_BERTH): (_S.BERTHING, _A.BEGIN),
    (_S.IN_PORT, _O.IDLE): (_S.IN_PORT, _A.NONE),
    (_S.IN_PORT, _O.DWELLED): (_S.IN_PORT, _A.NONE),
    (_S.IN_PORT, _O.OTHER_PORT): (_S.IN_PORT, _A.DEPART_ARRIVE),
    (_S.IN_PORT, _O.LOST): (_S.AWAY, _A.DEPART),
    (_S.IN_PORT, _O.OTHER_BERTH): (_S.IN_PORT, _A.NONE),
    (_S.ANCHORING, _O.OUTSIDE): (_S.LEAVING, _A.STEP_OUT),
    (_S.ANCHORING, _O.MOVING): (_S.IN_PORT, _A.NONE),
    (_S.ANCHORING, _O.AT_ANCHORAGE): (_S.ANCHORING, _A.NONE),
    (_S.ANCHORING, _O.AT_BERTH): (_S.BERTHING, _A.BEGIN),
    (_S.ANCHORING, _O.IDLE): (_S.ANCHORING, _A.NONE),
    (_S.ANCHORING, _O.DWELLED): (_S.ANCHORED, _A.ANCHOR),
    (_S.ANCHORING, _O.OTHER_PORT): (_S.IN_PORT, _A.DEPART_ARRIVE),
    (_S.ANCHORING, _O.LOST): (_S.AWAY, _A.DEPART),
    (_S.ANCHORING, _O.OTHER_BERTH): (_S.ANCHORING, _A.NONE),
    (_S.ANCHORED, _O.OUTSIDE): (_S.LEAVING, _A.END_STEP_OUT),
    (_S.ANCHORED, _O.MOVING): (_S.IN_PORT, _A.END),
    (_S.ANCHORED, _O.AT_ANCHORAGE): (_S.ANCHORED, _A.NONE),
    (_S.ANCHORED, _O.AT_BERTH): (_S.BERTHING, _A.END_BEGIN),
    (_S.ANCHORED, _O.IDLE): (_S.ANCHORED, _A.NONE),
    (_S.ANCHORED, _O.DWELLED): (_S.ANCHORED, _A.NONE),
    (_S.ANCHORED, _O.OTHER_PORT): (_S.IN_PORT, _A.DEPART_ARRIVE),
    (_S.ANCHORED, _O.LOST): (_S.AWAY, _A.DEPART),
    (_S.ANCHORED, _O.OTHER_BERTH): (_S.ANCHORED, _A.NONE),
    (_S.BERTHING, _O.OUTSIDE): (_S.LEAVING, _A.STEP_OUT),
    (_S.BERTHING, _O.MOVING): (_S.IN_PORT, _A.NONE),
    (_S.BERTHING, _O.AT_ANCHORAGE): (_S.ANCHORING, _A.BEGIN),
    (_S.BERTHING, _O.AT_BERTH): (_S.BERTHING, _A.NONE),
    (_S.BERTHING, _O.IDLE): (_S.BERTHING, _A.NONE),
    (_S.BERTHING, _O.DWELLED): (_S.MOORED, _A.BERTH),
    (_S.BERTHING, _O.OTHER_PORT): (_S.IN_PORT, _A.DEPART_ARRIVE),
    (_S.BERTHING, _O.LOST): (_S.AWAY, _A.DEPART),
    (_S.BERTHING, _O.OTHER_BERTH): (_S.BERTHING, _A.NONE),
    (_S.MOORED, _O.OUTSIDE): (_S.LEAVING, _A.END_STEP_OUT),
    (_S.MOORED, _O.MOVING): (_S.IN_PORT, _A.END),
    (_S.MOORED, _O.AT_ANCHORAGE): (_S.ANCHORING, _A.END_BEGIN),
    (_S.MOORED, _O.AT_BERTH): (_S.MOORED, _A.NONE),
    (_S.MOORED, _O.IDLE): (_S.MOORED, _A.NONE),
    (_S.MOORED, _O.DWELLED): (_S.MOORED, _A.NONE),
    (_S.MOORED, _O.OTHER_PORT): (_S.IN_PORT, _A.DEPART_ARRIVE),
    (_S.MOORED, _O.LOST): (_S.AWAY, _A.DEPART),
    (_S.MOORED, _O.OTHER_BERTH): (_S.MOORED, _A.SHIFT),
    (_S.LEAVING, _O.OUTSIDE): (_S.LEAVING, _A.NONE),
    (_S.LEAVING, _O.MOVING): (_S.IN_PORT, _A.STEP_IN),
    (_S.LEAVING, _O.AT_ANCHORAGE): (_S.IN_PORT, _A.STEP_IN),
    (_S.LEAVING, _O.AT_BERTH): (_S.IN_PORT, _A.STEP_IN),
    (_S.LEAVING, _O.IDLE): (_S.IN_PORT, _A.STEP_IN),
    (_S.LEAVING, _O.DWELLED): (_S.AWAY, _A.DEPART),
    (_S.LEAVING, _O.OTHER_PORT): (_S.IN_PORT, _A.DEPART_ARRIVE),
    (_S.LEAVING, _O.LOST): (_S.AWAY, _A.DEPART),
    (_S.LEAVING, _O.OTHER_BERTH): (_S.LEAVING, _A.NONE),
}

_NEXT = np.zeros((len(State), len(Observation)), np.int8)
_ACTION = np.zeros((len(State), len(Observation)), np.int8)
for (_state, _observation), (_next, _action) in TRANSITIONS.items():
    _NEXT[_state, _observation] = _next
    _ACTION[_state, _observation] = _action


@dataclass(frozen=True)
class PortCallSettings:
    """Thresholds of the port-call machine.

    Attributes
    ----------
    stop_speed_kn : at most this fast for a stop, at anchor or at berth, to begin.
    anchorage_exit_kn : an anchored ship is under way above this speed.
    berth_exit_kn : a moored ship is under way above this speed.
    min_stop_min : a stop shorter than this is none; nor is a movement shorter than this that ends where it began.
    exit_confirm_min : a ship outside the limit for this long has departed; shorter absences belong to the call. A
        moored ship that lies at another berth for this long has shifted, however slowly it was moved.
    gap_limit_h : a silence longer than this is a gap event; hours beyond are unobserved.
    """

    stop_speed_kn: float = 1.0
    anchorage_exit_kn: float = 3.0
    berth_exit_kn: float = 1.5
    min_stop_min: float = 10.0
    exit_confirm_min: float = 30.0
    gap_limit_h: float = 6.0


# Columns of the machine's call rows and stop rows.
CALL_FIELDS = (
    "first",
    "end",
    "port",
    "open_start",
    "open_end",
    "berth_stops",
    "anchorage_stops",
    "gaps",
    "first_stop",
)
STOP_FIELDS = ("call", "first", "end", "kind", "zone")
STOP_ANCHORAGE = 0
STOP_BERTH = 1

_AWAY, _IN_PORT, _ANCHORING, _ANCHORED = int(_S.AWAY), int(_S.IN_PORT), int(_S.ANCHORING), int(_S.ANCHORED)
_BERTHING, _MOORED, _LEAVING = int(_S.BERTHING), int(_S.MOORED), int(_S.LEAVING)
_OUTSIDE, _MOVING, _AT_ANCHORAGE, _AT_BERTH = (
    int(_O.OUTSIDE),
    int(_O.MOVING),
    int(_O.AT_ANCHORAGE),
    int(_O.AT_BERTH),
)
_IDLE, _DWELLED, _OTHER_PORT, _LOST = int(_O.IDLE), int(_O.DWELLED), int(_O.OTHER_PORT), int(_O.LOST)
_OTHER_BERTH, _SHIFT = int(_O.OTHER_BERTH), int(_A.SHIFT)
_ARRIVE, _BEGIN, _ANCHOR, _BERTH, _END = (
    int(_A.ARRIVE),
    int(_A.BEGIN),
    int(_A.ANCHOR),
    int(_A.BERTH),
    int(_A.END),
)
_STEP_OUT, _STEP_IN, _DEPART = int(_A.STEP_OUT), int(_A.STEP_IN), int(_A.DEPART)
_END_BEGIN, _END_STEP_OUT, _DEPART_ARRIVE = int(_A.END_BEGIN), int(_A.END_STEP_OUT), int(_A.DEPART_ARRIVE)


@njit(nogil=True, cache=True)
def observe(speed_dkn, port, berth, anchorage, status, state, here, limits_dkn):
    """Turn one report into an observation.

    Parameters
    ----------
    speed_dkn : speed over ground in 0.1 kn, -1 unknown.
    port : number of the port limit the report lies in, -1 none.
    berth, anchorage : numbers of the zones it lies in, -1 none.
    status : reported navigational status, -1 none.
    state : the machine's present state.
    here : port of the call under construction, -1 none.
    limits_dkn : (stop, anchorage exit, berth exit) speeds in 0.1 kn.
    """
    if port < 0:
        return _OUTSIDE
    if here >= 0 and port != here:
        return _OTHER_PORT
    stop_dkn, anchorage_exit_dkn, berth_exit_dkn = limits_dkn
    limit = stop_dkn
    if state == _ANCHORED:
        limit = anchorage_exit_dkn
    elif state == _MOORED:
        limit = berth_exit_dkn
    if speed_dkn < 0:
        return _IDLE
    if speed_dkn > limit:
        return _MOVING
    if anchorage >= 0:  # as in the mode rule: where outlines overlap, the anchorage goes first
        return _AT_ANCHORAGE
    if berth >= 0:
        return _AT_BERTH
    if status == 5:
        return _AT_BERTH
    if status == 1:
        return _AT_ANCHORAGE
    return _IDLE


@njit(nogil=True, cache=True)
def find_calls(time_us, speed_dkn, port, berth, anchorage, status, limits_dkn, times_us, calls, stops, call_of):
    """Run the machine over one vessel's reports.

    Parameters
    ----------
    time_us, speed_dkn, port, berth, anchorage, status : columns of shape ``(n,)``, in time order.
    limits_dkn : as in `observe`.
    times_us : (minimum stop, exit confirmation, gap limit) in microseconds.
    calls : int64 ``(>= n + 1, len(CALL_FIELDS))``, written from row 0. ``end`` is the first report after the call.
    stops : int64 ``(>= n + 1, len(STOP_FIELDS))``, written from row 0; ``zone`` is the berth or anchorage number.
    call_of : int32 ``(n,)``, set to the call's row for every report that belongs to one, else -1.

    Returns
    -------
    (number of calls, number of stops)
    """
    min_stop_us, exit_confirm_us, gap_us = times_us
    n = len(time_us)
    n_calls = 0
    n_stops = 0
    state = _AWAY
    here = -1
    first = -1  # first report inside
    out = -1  # first report outside, while LEAVING
    begin = -1  # first report of a possible stop
    begin_zone = -1
    stop_open = -1
    run = -1  # first of the latest reports in one other berth, while MOORED
    open_start = 0
    berths = 0
    anchorages = 0
    gaps = 0
    first_stop = 0
    for i in range(n):
        call_of[i] = -1
    for i in range(n + 1):
        end_of_track = i == n
        if not end_of_track:
            gap = i > 0 and time_us[i] - time_us[i - 1] > gap_us
            obs = observe(speed_dkn[i], port[i], berth[i], anchorage[i], status[i], state, here, limits_dkn)
            rounds = 1
            if (state == _BERTHING or state == _MOORED) and berth[i] >= 0 and begin_zone >= 0:
                if berth[i] == begin_zone:
                    run = -1
                elif run < 0 or berth[run] != berth[i]:
                    run = i
            if gap and state != _AWAY:
                gaps += 1
                run = -1
                same_place = (state == _MOORED and obs == _AT_BERTH and berth[i] == begin_zone) or (
                    state == _ANCHORED and obs == _AT_ANCHORAGE and anchorage[i] == begin_zone
                )
                if not same_place:  # nothing is known of what happened between
                    obs = _LOST
                    rounds = 2
            elif (state == _ANCHORING or state == _BERTHING) and time_us[i] - time_us[begin] >= min_stop_us:
                obs = _DWELLED  # slow until this report; what the report itself shows comes in the next round
                rounds = 2
            elif state == _LEAVING and time_us[i] - time_us[out] >= exit_confirm_us:
                # Even where this report is inside again: no report was, for as long as a departure takes.
                rounds = 1 if obs == _OUTSIDE else 2
                obs = _DWELLED
            elif state == _MOORED and obs == _AT_BERTH and run >= 0 and time_us[i] - time_us[run] >= exit_confirm_us:
                obs = _OTHER_BERTH
        else:
            rounds = 1
            obs = _LOST
            if (state == _ANCHORING or state == _BERTHING) and n > 0 and time_us[n - 1] - time_us[begin] >= min_stop_us:
                obs = _DWELLED
                rounds = 2
        turn = 0
        while turn < rounds:
            if turn > 0:
                if end_of_track:
                    obs = _LOST
                else:
                    obs = observe(speed_dkn[i], port[i], berth[i], anchorage[i], status[i], state, here, limits_dkn)
            action = _ACTION[state, obs]
            previous = state
            state = _NEXT[state, obs]
            closes = action == _DEPART or action == _DEPART_ARRIVE
            ends = action == _END or action == _END_BEGIN or action == _END_STEP_OUT
            if stop_open >= 0 and (ends or (closes and (previous == _ANCHORED or previous == _MOORED))):
                stops[stop_open, 2] = i
                stop_open = -1
            if action == _BEGIN or action == _END_BEGIN:
                begin = i
                begin_zone = berth[i] if state == _BERTHING else anchorage[i]
                run = -1
            elif action == _SHIFT:
                begin_zone = berth[run]
                if time_us[run] - time_us[begin] < min_stop_us:  # it only crept past the first berth
                    stops[stop_open, 4] = begin_zone
                else:
                    stops[stop_open, 2] = run
                    stops[n_stops] = stops[stop_open]
                    stops[n_stops, 1] = run
                    stops[n_stops, 4] = begin_zone
                    stop_open = n_stops
                    n_stops += 1
                    berths += 1
                begin = run
                run = -1
            elif (
                (action == _ANCHOR or action == _BERTH)
                and berths + anchorages > 0
                and stops[n_stops - 1, 3] == (STOP_BERTH if action == _BERTH else STOP_ANCHORAGE)
                and stops[n_stops - 1, 4] == begin_zone
                and time_us[begin] - time_us[stops[n_stops - 1, 2]] < min_stop_us
            ):
                # A surge, or a stray speed: the ship lies where it lay, the stop goes on.
                stop_open = n_stops - 1
                begin = stops[stop_open, 1]
                stops[stop_open, 2] = i
            elif action == _ANCHOR or action == _BERTH:
                stops[n_stops, 0] = n_calls
                stops[n_stops, 1] = begin
                stops[n_stops, 2] = i
                stops[n_stops, 3] = STOP_BERTH if action == _BERTH else STOP_ANCHORAGE
                stops[n_stops, 4] = begin_zone
                stop_open = n_stops
                n_stops += 1
                if berths + anchorages == 0:
                    first_stop = begin
                if action == _BERTH:
                    berths += 1
                else:
                    anchorages += 1
            elif action == _STEP_IN:
                out = -1
            if action == _STEP_OUT or action == _END_STEP_OUT:
                out = i
            if closes:
                end = out if previous == _LEAVING else i
                if berths + anchorages > 0:
                    # Open at the end where the track ends, or falls silent, while the ship is inside.
                    calls[n_calls, 0] = first
                    calls[n_calls, 1] = end
                    calls[n_calls, 2] = here
                    calls[n_calls, 3] = open_start
                    calls[n_calls, 4] = 1 if (obs == _LOST and previous != _LEAVING) else 0
                    calls[n_calls, 5] = berths
                    calls[n_calls, 6] = anchorages
                    calls[n_calls, 7] = gaps
                    calls[n_calls, 8] = first_stop
                    for k in range(first, end):
                        call_of[k] = n_calls
                    n_calls += 1
                here = -1
                out = -1
                berths = anchorages = gaps = 0
                stop_open = -1
            if action == _ARRIVE or action == _DEPART_ARRIVE:
                here = port[i]
                first = i
                # A track that begins, or comes back after a silence, inside the limit: its arrival was not seen.
                open_start = 1 if (i == 0 or (time_us[i] - time_us[i - 1] > gap_us)) else 0
            if action == _ARRIVE or action == _DEPART_ARRIVE or action == _STEP_IN:
                rounds = turn + 2  # the report that brings the ship inside may also begin a stop
            turn += 1
    return n_calls, n_stops


def transition(state: State, observation: Observation) -> tuple[State, Action]:
    """Return the table's answer for one pair; every pair has one."""
    return State(int(_NEXT[state, observation])), Action(int(_ACTION[state, observation]))
