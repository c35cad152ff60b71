"""The hot loop: one vessel's reports into load lines, hourly activity and the heat map.

The loop never grows an array: in compiled code an array that may be replaced inside a loop is reference-counted at
every pass, which made it six times slower. It stops where its tables might not hold the next report, says where, and
goes on when it is called again with larger ones.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sealane.emissions.layout import (
    CELLS_PER_DEG,
    EVIDENCE_SHIFT,
    GRID_FIELDS,
    N_PRICED,
    US_PER_HOUR,
    Evidence,
    Mode,
    pack,
)
from sealane.emissions.pricing import fast_limit, main_load, price
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
    "last_key",
    "last_slot",
    "hour",
    "hour_start",
    "activity_last",
    "cell",
    "shore",
    "fast_key",
    "fast",
)
(
    LINES,
    SLOTS,
    ACTIVITY,
    CELLS,
    LAST_KEY,
    LAST_SLOT,
    HOUR,
    HOUR_START,
    ACTIVITY_LAST,
    CELL,
    SHORE,
    FAST_KEY,
    FAST,
) = range(len(STATE_FIELDS))
_ROW_MASK = ~((1 << EVIDENCE_SHIFT) - 1)


@njit(nogil=True, cache=True)
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


@njit(nogil=True, cache=True)
def find(keys, rows, key):
    """Place of ``key`` in an open-addressed table (a power of two long), or the free place where it belongs."""
    mask = len(keys) - 1
    h = ((key * 0x2545F4914F6CDD1D) >> 20) & mask
    while rows[h] >= 0 and keys[h] != key:
        h = (h + 1) & mask
    return h


@njit(nogil=True, cache=True)
def _grid_unit(q):
    """Integer units an hour of one: µs of time, µWh of a kilowatt, µg of a gram an hour."""
    if q == 0:
        return float(US_PER_HOUR)
    if q <= 2:
        return 1e9
    return 1e6


@njit(nogil=True, cache=True)
def close_cell(state, cell_sum, grid_keys, grid_rows, grid_cells, grid_sums):
    """Add the run in the present cell, in whole units, so that no order of adding can move a digit."""
    cell = state[CELL]
    if cell < 0:
        return
    h = find(grid_keys, grid_rows, cell)
    if grid_rows[h] < 0:
        grid_keys[h] = cell
        grid_rows[h] = state[CELLS]
        grid_cells[state[CELLS]] = cell
        state[CELLS] += 1
    row = grid_rows[h]
    for q in range(GRID_FIELDS):
        grid_sums[row, q] += np.int64(np.rint(cell_sum[q] / US_PER_HOUR * _grid_unit(q)))
        cell_sum[q] = 0.0
    state[CELL] = -1


@njit(nogil=True, cache=True)
def _open_line(line, v, key, v_dkn, mode, regime, coastal, plugged, draught, vessels, factors, limits, rates, lines):
    """Fill a new line: its load and, once for all its hours, its rates for the heat map."""
    line_key, line_bin, line_us, line_main_kw, line_grid = lines
    line_key[line] = key
    line_bin[line] = v_dkn
    line_us[line] = 0
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


@njit(nogil=True, cache=True)
def accumulate(
    start,
    v,
    columns,
    zones_of,
    call_of,
    places,
    vessels,
    factors,
    shore,
    limits,
    headroom,
    state,
    tables,
    lines,
    activity,
    grid,
    seen,
    call_gap,
):
    """Sum one vessel's reports from ``start`` on.

    Parameters
    ----------
    start : first report to take.
    v : row of ``vessels``.
    columns : (time_us, lat, lon, speed_dkn, status, draught_dm) of the vessel.
    zones_of : (berth, anchorage, port limit, eca, speed zone) numbers of each report.
    call_of : call of each report, -1 none.
    headroom : rows that one report may add at most.
    state : what the loop remembers, see `STATE_FIELDS`.
    tables : (line_of, slot_keys, slot_rows): line of each (slot, speed step), and the slots' hash table.
    lines : (key, speed step, time, slot, main_kw, grid rates).
    activity : (vessel, hour, key, time, shore time, distance, main kWh).
    grid : (keys, rows, cells, sums, present sum); ``cells`` of length 0 switches the heat map off.
    seen : time observed, interpolated, unobserved; call_gap : the last two by call.

    Returns
    -------
    The report at which the loop stopped: the last one, or the first for which a table was too small.
    """
    time_us, lat, lon, speed_dkn, status, draught_dm = columns
    berth, anchorage, limit_zone, eca, speed_zone = zones_of
    line_of, slot_keys, slot_rows = tables
    line_key, line_bin, line_us, line_slot, line_main_kw, line_grid = lines
    act_vessel, act_hour, act_key, act_us, act_shore_us, act_nm, act_kwh = activity
    grid_keys, grid_rows, grid_cells, grid_sums, cell_sum, rates = grid
    with_grid = len(grid_cells) > 0
    n = len(time_us)
    max_slots, max_lines, max_cells = len(line_of) - headroom, len(line_key) - headroom, len(grid_cells) - 2
    for i in range(start, n - 1):
        if state[SLOTS] > max_slots or state[LINES] > max_lines or (with_grid and state[CELLS] > max_cells):
            return i
        dt = time_us[i + 1] - time_us[i]
        call = call_of[i]
        inside = call >= 0 and call_of[i + 1] == call
        if dt > limits.gap_us:
            seen[2] += dt
            if inside:
                call_gap[call, 1] += dt
            continue
        b, a, p, e, s = berth[i], anchorage[i], limit_zone[i], eca[i], speed_zone[i]
        said = status[i]
        v_dkn = np.int64(speed_dkn[i])
        bridged = dt > limits.hold_us or v_dkn < 0
        if bridged:
            nm = great_circle_nm(lat[i], lon[i], lat[i + 1], lon[i + 1])
            v_dkn = np.int64(np.rint(10.0 * nm / (dt / US_PER_HOUR)))
            if v_dkn > limits.max_speed_dkn:  # no ship sails that: what lies between is not known
                seen[2] += dt
                if inside:
                    call_gap[call, 1] += dt
                continue
            if b != berth[i + 1]:
                b = np.int32(-1)
            if a != anchorage[i + 1]:
                a = np.int32(-1)
            if s != speed_zone[i + 1]:
                s = np.int32(-1)
            if said != status[i + 1]:
                said = np.int8(-1)
            seen[1] += dt
            if call >= 0:
                call_gap[call, 0] += dt
        else:
            seen[0] += dt
        coastal = 1 if p >= 0 else 0
        draught = np.int64(draught_dm[i])
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
        period = len(places.period_start_us) - 1
        while period > 0 and time_us[i] < places.period_start_us[period]:
            period -= 1
        regime = np.int64(places.regime[area, period])
        if with_grid:
            column = min(np.int64((lon[i] + 180.0) * CELLS_PER_DEG), np.int64(360 * CELLS_PER_DEG - 1))
            cell = np.int64((lat[i] + 90.0) * CELLS_PER_DEG) * (360 * CELLS_PER_DEG) + column
            if cell != state[CELL]:
                close_cell(state, cell_sum, grid_keys, grid_rows, grid_cells, grid_sums)
                state[CELL] = cell
        now = time_us[i]
        until = time_us[i + 1]
        while now < until:
            hour = state[HOUR]
            if now < hour * US_PER_HOUR or now >= (hour + 1) * US_PER_HOUR:
                hour = now // US_PER_HOUR
                state[HOUR] = hour
                state[HOUR_START] = state[ACTIVITY]
                state[ACTIVITY_LAST] = -1
            piece_end = min(until, (hour + 1) * US_PER_HOUR)
            plugged = 0
            while state[SHORE] < shore.offsets[v + 1] and shore.end_us[state[SHORE]] <= now:
                state[SHORE] += 1
            if state[SHORE] < shore.offsets[v + 1]:
                if shore.start_us[state[SHORE]] <= now:
                    piece_end = min(piece_end, shore.end_us[state[SHORE]])
                    plugged = 1 if mode == _BERTH else 0
                else:
                    piece_end = min(piece_end, shore.start_us[state[SHORE]])
            span = piece_end - now
            key = pack(np.int64(call), mode, zone, evidence, regime, coastal, plugged, draught)
            if key != state[LAST_KEY]:
                h = find(slot_keys, slot_rows, key)
                if slot_rows[h] < 0:
                    slot_keys[h] = key
                    slot_rows[h] = state[SLOTS]
                    state[SLOTS] += 1
                state[LAST_KEY] = key
                state[LAST_SLOT] = slot_rows[h]
            slot = state[LAST_SLOT]
            line = line_of[slot, v_dkn]
            if line < 0:
                line = np.int32(state[LINES])
                state[LINES] += 1
                line_of[slot, v_dkn] = line
                line_slot[line] = slot
                _open_line(
                    line,
                    v,
                    key,
                    v_dkn,
                    mode,
                    regime,
                    coastal,
                    plugged,
                    draught,
                    vessels,
                    factors,
                    limits,
                    rates,
                    (line_key, line_bin, line_us, line_main_kw, line_grid),
                )
            line_us[line] += span
            # Rows of the present hour stand from HOUR_START on; there are few, and mostly it is the last one again.
            row_key = key & _ROW_MASK
            row = state[ACTIVITY_LAST]
            if row < 0 or act_key[row] != row_key:
                row = -1
                for j in range(state[ACTIVITY] - 1, state[HOUR_START] - 1, -1):
                    if act_key[j] == row_key:
                        row = j
                        break
                if row < 0:
                    row = state[ACTIVITY]
                    state[ACTIVITY] += 1
                    act_vessel[row] = v
                    act_hour[row] = hour
                    act_key[row] = row_key
                    act_us[row] = 0
                    act_shore_us[row] = 0
                    act_nm[row] = 0.0
                    act_kwh[row] = 0.0
                state[ACTIVITY_LAST] = row
            span_h = span / US_PER_HOUR
            act_us[row] += span
            if plugged:
                act_shore_us[row] += span
            act_nm[row] += v_dkn * 0.1 * span_h
            act_kwh[row] += line_main_kw[line] * span_h
            if with_grid:
                for q in range(GRID_FIELDS):
                    cell_sum[q] += line_grid[line, q] * span
            now = piece_end
    return n - 1
