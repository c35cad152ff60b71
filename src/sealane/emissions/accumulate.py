"""The hot loop: one vessel's reports into load lines, hourly activity and the heat map.

Most reports repeat a situation (same zones, status, draught, call, fuel rule) at a speed met before. What line such a
report belongs to is remembered, so the rules for mode and zone run once for each situation and speed, not once for
each report. Time is summed by line over a *run*, the reports of one clock hour and one cell of the heat map; energy,
distance and grams are multiplied out when the run is closed.

The loop never grows an array: in compiled code an array that may be replaced inside a loop is reference-counted at
every pass, which made it six times slower. It stops where its tables might not hold the next report, says where, and
goes on when it is called again with larger ones.
"""

from __future__ import annotations

import numpy as np

from sealane.emissions.layout import (
    CELLS_PER_DEG,
    EVIDENCE_SHIFT,
    GRID_FIELDS,
    N_PRICED,
    SHORE_SHIFT,
    US_PER_HOUR,
    Evidence,
    Mode,
    pack,
)
from sealane.emissions.pricing import fast_limit, main_load, price
from sealane.movement.compiled import borrowing
from sealane.movement.geodesy import great_circle_nm

_TRANSIT, _MANOEUVRING, _ANCHORAGE = int(Mode.TRANSIT), int(Mode.MANOEUVRING), int(Mode.ANCHORAGE)
_BERTH, _DRIFT = int(Mode.BERTH), int(Mode.DRIFT)
_BY_ZONE, _BY_LEARNT, _BY_STATUS = int(Evidence.ZONE), int(Evidence.LEARNT_ZONE), int(Evidence.STATUS)
_BY_MOTION, _INTERPOLATED = int(Evidence.MOTION), int(Evidence.INTERPOLATED)

# What the loop remembers between two calls for the same vessel.
STATE_FIELDS = (
    "lines",
    "slots",
    "activity",
    "cells",
    "hour",
    "hour_start",
    "cell",
    "cell_row",
    "run",
    "situations",
    "shore",
    "fast_key",
    "fast",
)
(LINES, SLOTS, ACTIVITY, CELLS, HOUR, HOUR_START, CELL, CELL_ROW, RUN, SITUATIONS, SHORE, FAST_KEY, FAST) = range(
    len(STATE_FIELDS)
)
_ROW_MASK = ~((1 << EVIDENCE_SHIFT) - 1)
SITUATIONS_KEPT = 256

# A situation, from the highest bits: call + 1, number of the zones, period, connected to shore, status, draught.
_CALL_BIT, _ZONES_BIT, _PERIOD_BIT, _CONNECTED_BIT, _STATUS_BIT = 41, 24, 18, 17, 9


@borrowing
def decide_mode(v_dkn, fast, berth, anchorage, status, learnt, limits):
    """Operating mode and what decided it: polygon first, then the reported status, then motion.

    Parameters
    ----------
    v_dkn : speed over ground, 0.1 kn.
    fast : the main engine's load is above that of manoeuvring.
    berth, anchorage : zone numbers, -1 none.
    status : reported navigational status, -1 none.
    learnt : which zones were learnt.
    limits : `KernelLimits`.

    Returns
    -------
    (mode, evidence)
    """
    if anchorage >= 0 and v_dkn <= limits.anchorage_mode_dkn:
        return _ANCHORAGE, (_BY_LEARNT if learnt[anchorage] else _BY_ZONE)
    if berth >= 0 and v_dkn <= limits.berth_mode_dkn:
        return _BERTH, (_BY_LEARNT if learnt[berth] else _BY_ZONE)
    if anchorage < 0 and berth < 0:
        if status == 1 and v_dkn <= limits.anchorage_mode_dkn:
            return _ANCHORAGE, _BY_STATUS
        if status == 5 and v_dkn <= limits.berth_mode_dkn:
            return _BERTH, _BY_STATUS
    if fast:
        return _TRANSIT, _BY_MOTION
    if v_dkn > limits.slow_dkn:
        return _MANOEUVRING, _BY_MOTION
    return _DRIFT, _BY_MOTION


@borrowing
def find(values, rows, key):
    """Place of ``key`` in the hash table ``rows`` (a power of two long), or the free place where it belongs.

    ``values`` is the key of each row; ``rows`` holds row numbers, -1 where free.
    """
    mask = len(rows) - 1
    h = ((key * 0x2545F4914F6CDD1D) >> 20) & mask
    while rows[h] >= 0 and values[rows[h]] != key:
        h = (h + 1) & mask
    return h


@borrowing
def _grid_unit(q):
    """Integer units an hour of one: µs of time, µWh of a kilowatt, µg of a gram an hour."""
    if q == 0:
        return float(US_PER_HOUR)
    if q <= 2:
        return 1e9
    return 1e6


@borrowing
def enter_cell(state, cell, grid):
    """Make a cell of the heat map the present one."""
    cell_rows, cells, sums = grid
    h = find(cells, cell_rows, cell)
    row = cell_rows[h]
    if row < 0:
        row = np.int32(state[CELLS])
        cell_rows[h] = row
        cells[row] = cell
        for q in range(GRID_FIELDS):
            sums[row, q] = 0.0
        state[CELLS] += 1
    state[CELL] = cell
    state[CELL_ROW] = row


@borrowing
def add_cells(count, cells, sums, all_rows, all_cells, all_sums, used):
    """Add one vessel's cells to those of all, in whole units, so that no order of vessels can move a digit.

    Returns
    -------
    Number of cells of all vessels; there must be room for ``count`` more.
    """
    for k in range(count):
        h = find(all_cells, all_rows, cells[k])
        row = all_rows[h]
        if row < 0:
            row = np.int32(used)
            all_rows[h] = row
            all_cells[row] = cells[k]
            used += 1
        for q in range(GRID_FIELDS):
            all_sums[row, q] += np.int64(np.rint(sums[k, q]))
    return used


@borrowing
def close_run(state, v, lines, activity, cell_sums):
    """Multiply out the time of the open run, line by line."""
    line_key, line_bin, line_us, _, line_main_kw, run_us, run_lines, line_grid = lines
    act_vessel, act_hour, act_key, act_us, act_shore_us, act_nm, act_kwh = activity
    with_grid = len(line_grid) > 0
    cell_row = state[CELL_ROW]
    for k in range(state[RUN]):
        line = run_lines[k]
        us = run_us[line]
        run_us[line] = 0
        line_us[line] += us
        # Rows of the present hour stand from HOUR_START on; there are few, and mostly it is the last one again.
        row_key = line_key[line] & _ROW_MASK
        row = state[ACTIVITY] - 1
        while row >= state[HOUR_START] and act_key[row] != row_key:
            row -= 1
        if row < state[HOUR_START]:
            row = state[ACTIVITY]
            state[ACTIVITY] += 1
            act_vessel[row] = v
            act_hour[row] = state[HOUR]
            act_key[row] = row_key
            act_us[row] = 0
            act_shore_us[row] = 0
            act_nm[row] = 0.0
            act_kwh[row] = 0.0
        hours = us / US_PER_HOUR
        act_us[row] += us
        if (line_key[line] >> SHORE_SHIFT) & 1:
            act_shore_us[row] += us
        act_nm[row] += line_bin[line] * 0.1 * hours
        act_kwh[row] += line_main_kw[line] * hours
        if with_grid:
            for q in range(GRID_FIELDS):
                cell_sums[cell_row, q] += line_grid[line, q] * us
    state[RUN] = 0


@borrowing
def _open_line(line, v, key, v_dkn, mode, regime, coastal, plugged, draught, vessels, factors, limits, rates, lines):
    """Fill a new line: its load and, once for all its hours, its rates for the heat map in whole units a µs."""
    line_key, line_bin, line_us, _, line_main_kw, run_us, _, line_grid = lines
    line_key[line] = key
    line_bin[line] = v_dkn
    line_us[line] = 0
    run_us[line] = 0
    load = main_load(v, v_dkn, mode, coastal, draught, vessels, factors, limits)
    main_kw = load * vessels.installed_kw[v]
    line_main_kw[line] = main_kw
    if len(line_grid) == 0:
        return
    price(v, mode, regime, plugged, load, vessels, factors, limits, rates)
    line_grid[line, 0] = 1.0
    line_grid[line, 1] = main_kw
    engines_kw = 0.0 if plugged else vessels.aux_kw[v, mode]
    line_grid[line, 2] = engines_kw + vessels.boiler_kw[v, mode]
    for q in range(N_PRICED - 1):
        total = 0.0
        for source in range(3):
            if not np.isnan(rates[source, q]):
                total += rates[source, q]
        line_grid[line, 3 + q] = total
    for q in range(GRID_FIELDS):
        line_grid[line, q] *= _grid_unit(q) / US_PER_HOUR


@borrowing
def _line_of(
    v,
    v_dkn,
    bridged,
    where,
    said,
    call,
    period,
    connected,
    draught,
    places,
    vessels,
    factors,
    limits,
    state,
    slots,
    lines,
    rates,
):
    """The line of a report, opened if need be: mode, zone and regime by the rules of the method."""
    b, a, p, e, s = where
    line_of, slot_keys, slot_rows = slots
    coastal = 1 if p >= 0 else 0
    if draught * 2 + coastal != state[FAST_KEY]:
        state[FAST_KEY] = draught * 2 + coastal
        state[FAST] = fast_limit(v, coastal, draught, vessels, factors, limits)
    mode, evidence = decide_mode(v_dkn, v_dkn > state[FAST], b, a, said, places.learnt, limits)
    if bridged:
        evidence = _INTERPOLATED
    zone = np.int64(-1)
    if mode == _ANCHORAGE and a >= 0:
        zone = np.int64(a)
    elif b >= 0:
        zone = np.int64(b)
    elif a >= 0:
        zone = np.int64(a)
    elif s >= 0:
        zone = np.int64(s)
    elif p >= 0:
        zone = np.int64(p)
    elif e >= 0:
        zone = np.int64(e)
    area = np.int32(0)
    if e >= 0:
        area = places.area_of_zone[e]
    if area == 0 and p >= 0:
        area = places.area_of_zone[p]
    regime = np.int64(places.regime[area, period])
    plugged = 1 if connected and mode == _BERTH else 0
    key = pack(np.int64(call), mode, zone, evidence, regime, coastal, plugged, draught)
    h = find(slot_keys, slot_rows, key)
    slot = slot_rows[h]
    if slot < 0:
        slot = np.int32(state[SLOTS])
        slot_keys[slot] = key
        slot_rows[h] = slot
        state[SLOTS] += 1
    line = line_of[slot, v_dkn]
    if line < 0:
        line = np.int32(state[LINES])
        state[LINES] += 1
        line_of[slot, v_dkn] = line
        lines[3][line] = slot
        _open_line(line, v, key, v_dkn, mode, regime, coastal, plugged, draught, vessels, factors, limits, rates, lines)
    return line


@borrowing
def accumulate(
    start,
    v,
    columns,
    zones_of,
    zone_rows,
    call_of,
    places,
    vessels,
    factors,
    shore,
    limits,
    headroom,
    state,
    slots,
    memory,
    lines,
    activity,
    grid,
    rates,
    seen,
    call_gap,
):
    """Sum one vessel's reports from ``start`` on.

    Parameters
    ----------
    start : first report to take.
    v : row of ``vessels``.
    columns : (time_us, lat, lon, speed_dkn, status, draught_dm) of the vessel.
    zones_of : row of ``zone_rows`` for each report; these are (berth, anchorage, port limit, eca, speed zone) numbers.
    call_of : call of each report, -1 none.
    headroom : rows that one report may add at most.
    state : what the loop remembers, see `STATE_FIELDS`.
    slots : (line_of, slot_keys, slot_rows): line of each (slot, speed step), and the slots' keys and hash table.
    memory : (line of each (situation, speed step), situations, their hash table); a cache, emptied when it is full.
    lines : (key, speed step, time, slot, main_kw, time in the run, lines of the run, grid rates).
    activity : (vessel, hour, key, time, shore time, distance, main kWh).
    grid : (hash table, cells, sums) of the vessel; ``cells`` of length 0 switches the heat map off.
    rates : scratch ``(3, PRICED)``.
    seen : time observed, interpolated, unobserved; call_gap : the last two by call.

    Returns
    -------
    The report at which the loop stopped: the last one, or the first for which a table was too small.
    """
    time_us, lat, lon, speed_dkn, status, draught_dm = columns
    known_lines, situation_words, situation_rows = memory
    run_us, run_lines = lines[5], lines[6]
    with_grid = len(grid[1]) > 0
    n = len(time_us)
    max_slots, max_lines, max_cells = len(slots[0]) - headroom, len(run_us) - headroom, len(grid[1]) - 2
    hour_begin = state[HOUR] * US_PER_HOUR
    hour_end = hour_begin + US_PER_HOUR
    shore_at, shore_end = state[SHORE], shore.offsets[v + 1]
    periods = len(places.period_start_us)
    period = 0
    last_word = np.int64(-1)
    situation = np.int64(0)
    for i in range(start, n - 1):
        if state[SLOTS] > max_slots or state[LINES] > max_lines or (with_grid and state[CELLS] > max_cells):
            state[SHORE] = shore_at
            return i
        now = time_us[i]
        until = time_us[i + 1]
        dt = until - now
        call = call_of[i]
        if dt > limits.gap_us:
            seen[2] += dt
            if call >= 0 and call_of[i + 1] == call:
                call_gap[call, 1] += dt
            continue
        said = np.int64(status[i])
        v_dkn = np.int64(speed_dkn[i])
        zones = zones_of[i]
        bridged = dt > limits.hold_us or v_dkn < 0
        if bridged:
            nm = great_circle_nm(lat[i], lon[i], lat[i + 1], lon[i + 1])
            v_dkn = np.int64(np.rint(10.0 * nm / (dt / US_PER_HOUR)))
            if v_dkn > limits.max_speed_dkn:  # no ship sails that: what lies between is not known
                seen[2] += dt
                if call >= 0 and call_of[i + 1] == call:
                    call_gap[call, 1] += dt
                continue
            if said != status[i + 1]:
                said = np.int64(-1)
            seen[1] += dt
            if call >= 0:
                call_gap[call, 0] += dt
        else:
            seen[0] += dt
        while period + 1 < periods and now >= places.period_start_us[period + 1]:
            period += 1
        draught = np.int64(draught_dm[i])
        if with_grid:
            column = min(np.int64((lon[i] + 180.0) * CELLS_PER_DEG), np.int64(360 * CELLS_PER_DEG - 1))
            cell = np.int64((lat[i] + 90.0) * CELLS_PER_DEG) * (360 * CELLS_PER_DEG) + column
            if cell != state[CELL]:
                close_run(state, v, lines, activity, grid[2])
                enter_cell(state, cell, grid)
        while now < until:
            if now >= hour_end or now < hour_begin:
                close_run(state, v, lines, activity, grid[2])
                state[HOUR] = now // US_PER_HOUR
                state[HOUR_START] = state[ACTIVITY]
                hour_begin = state[HOUR] * US_PER_HOUR
                hour_end = hour_begin + US_PER_HOUR
            piece_end = min(until, hour_end)
            connected = np.int64(0)
            while shore_at < shore_end and shore.end_us[shore_at] <= now:
                shore_at += 1
            if shore_at < shore_end:
                if shore.start_us[shore_at] <= now:
                    piece_end = min(piece_end, shore.end_us[shore_at])
                    connected = np.int64(1)
                else:
                    piece_end = min(piece_end, shore.start_us[shore_at])
            line = np.int32(-1)
            if not bridged:
                word = (
                    ((np.int64(call) + 1) << _CALL_BIT)
                    | (np.int64(zones) << _ZONES_BIT)
                    | (np.int64(period) << _PERIOD_BIT)
                    | (connected << _CONNECTED_BIT)
                    | ((said + 128) << _STATUS_BIT)
                    | draught
                )
                if word != last_word:
                    h = find(situation_words, situation_rows, word)
                    if situation_rows[h] < 0:
                        if state[SITUATIONS] == SITUATIONS_KEPT:
                            forget(state, memory)
                            h = find(situation_words, situation_rows, word)
                        situation_rows[h] = state[SITUATIONS]
                        situation_words[state[SITUATIONS]] = word
                        state[SITUATIONS] += 1
                    situation = np.int64(situation_rows[h])
                    last_word = word
                line = known_lines[situation, v_dkn]
            if line < 0:
                where = zone_rows[zones]
                b, a, p, e, s = where[0], where[1], where[2], where[3], where[4]
                if bridged:  # what does not hold at both ends is not known between them
                    then = zone_rows[zones_of[i + 1]]
                    if b != then[0]:
                        b = np.int32(-1)
                    if a != then[1]:
                        a = np.int32(-1)
                    if s != then[4]:
                        s = np.int32(-1)
                line = _line_of(
                    v,
                    v_dkn,
                    bridged,
                    (b, a, p, e, s),
                    said,
                    call,
                    period,
                    connected,
                    draught,
                    places,
                    vessels,
                    factors,
                    limits,
                    state,
                    slots,
                    lines,
                    rates,
                )
                if not bridged:
                    known_lines[situation, v_dkn] = line
            if run_us[line] == 0:
                run_lines[state[RUN]] = line
                state[RUN] += 1
            run_us[line] += piece_end - now
            now = piece_end
    state[SHORE] = shore_at
    return n - 1


@borrowing
def forget(state, memory):
    """Empty the memory of situations: it is full, or the next vessel begins."""
    known_lines, _, situation_rows = memory
    known_lines[: state[SITUATIONS]] = -1
    situation_rows[:] = -1
    state[SITUATIONS] = 0
