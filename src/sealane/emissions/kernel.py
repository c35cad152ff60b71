"""The kernel: from clean tracks to hours, energy and emissions, one vessel at a time.

A report's state (speed, draught, zones, status) holds until the next report. The kernel sums that time, in whole
microseconds, into *load lines*: one line for each call, mode, zone, evidence, regime, draught and 0.1 kn step of
speed. Energy and grams are worked out on lines by the published scalar formulas of this room, so a figure can be
taken apart into the same lines again. The hourly activity and the heat map are filled in the same pass.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sealane.emissions.layout import (
    CELLS_PER_DEG,
    EVIDENCE_SHIFT,
    GRID_FIELDS,
    N_PRICED,
    SPEED_BINS,
    US_PER_HOUR,
    Evidence,
    Mode,
    pack,
)
from sealane.emissions.pricing import fast_limit, main_load, price
from sealane.movement.geodesy import great_circle_nm
from sealane.movement.port_calls import CALL_FIELDS, STOP_FIELDS, find_calls
from sealane.movement.zone_index import locate

_TRANSIT, _MANOEUVRING, _ANCHORAGE = int(Mode.TRANSIT), int(Mode.MANOEUVRING), int(Mode.ANCHORAGE)
_BERTH, _DRIFT = int(Mode.BERTH), int(Mode.DRIFT)
_BY_ZONE, _BY_LEARNT, _BY_STATUS = int(Evidence.ZONE), int(Evidence.LEARNT_ZONE), int(Evidence.STATUS)
_BY_MOTION, _INTERPOLATED = int(Evidence.MOTION), int(Evidence.INTERPOLATED)


@njit(nogil=True, cache=True)
def decide_mode(v_dkn, load, berth, anchorage, status, learnt, limits):
    """Operating mode and what decided it: polygon first, then the reported status, then motion.

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
    if load > limits.manoeuvring_load:
        return _TRANSIT, _BY_MOTION
    if v_dkn > limits.slow_dkn:
        return _MANOEUVRING, _BY_MOTION
    return _DRIFT, _BY_MOTION


@njit(nogil=True, cache=True)
def _grid_unit(q):
    """Integer units per hour-rate: µs for time, µWh (from kW·h) for energy, µg for mass."""
    if q == 0:
        return float(US_PER_HOUR)
    if q <= 2:
        return 1e9
    return 1e6


@njit(nogil=True, cache=True)
def _find(keys, slots, key, mask):
    """Place of ``key`` in an open-addressed table, or of the free place where it belongs."""
    h = ((key * 0x2545F4914F6CDD1D) >> 20) & mask
    while slots[h] >= 0 and keys[h] != key:
        h = (h + 1) & mask
    return h


@njit(nogil=True, cache=True)
def _grid_grow(keys, slots, cells, sums):
    """Double the heat map's table."""
    capacity = len(keys) * 2
    new_keys = np.zeros(capacity, np.int64)
    new_slots = np.full(capacity, -1, np.int32)
    new_cells = np.empty(capacity // 2, np.int64)
    new_sums = np.zeros((capacity // 2, sums.shape[1]), np.int64)
    n = len(cells)
    new_cells[:n] = cells
    new_sums[:n] = sums
    for i in range(n):
        h = _find(new_keys, new_slots, cells[i], capacity - 1)
        new_keys[h] = cells[i]
        new_slots[h] = i
    return new_keys, new_slots, new_cells, new_sums


@njit(nogil=True, cache=True)
def _grid_add(keys, slots, cells, sums, n_cells, cell, cell_sum):
    """Add one run of a vessel in one cell, in whole units, so that no order of adding can move a digit."""
    h = _find(keys, slots, cell, len(keys) - 1)
    if slots[h] < 0:
        if n_cells == len(cells):
            keys, slots, cells, sums = _grid_grow(keys, slots, cells, sums)
            h = _find(keys, slots, cell, len(keys) - 1)
        keys[h] = cell
        slots[h] = n_cells
        cells[n_cells] = cell
        n_cells += 1
    row = slots[h]
    for q in range(GRID_FIELDS):
        sums[row, q] += np.int64(np.rint(cell_sum[q] / US_PER_HOUR * _grid_unit(q)))
        cell_sum[q] = 0.0
    return keys, slots, cells, sums, n_cells


@njit(nogil=True, cache=True)
def _pieces(time_us, gap_us):
    """Upper bound for the hourly pieces of a track."""
    total = 0
    for i in range(len(time_us) - 1):
        if time_us[i + 1] - time_us[i] <= gap_us:
            total += (time_us[i + 1] - 1) // US_PER_HOUR - time_us[i] // US_PER_HOUR + 1
    return total


@njit(nogil=True, cache=True)
def run_kernel(
    offsets,
    vessel_of,
    time_us,
    lat,
    lon,
    speed_dkn,
    status,
    draught_dm,
    index,
    places,
    vessels,
    factors,
    shore,
    limits,
    with_grid,
):
    """Run whole vessels through zones, port calls, modes, hours and emissions.

    Parameters
    ----------
    offsets : int64 ``(t + 1,)``, where each track begins and ends in the columns.
    vessel_of : int32 ``(t,)``, row of ``vessels`` for each track.
    time_us, lat, lon, speed_dkn, status, draught_dm : columns of `sealane.movement.tracks.Tracks`.
    index, places, vessels, factors, shore, limits : see the classes of this module.
    with_grid : fill the heat map too.

    Returns
    -------
    KernelOutput
    """
    longest = 0
    pieces_bound = 0
    for t in range(len(offsets) - 1):
        longest = max(longest, offsets[t + 1] - offsets[t])
        pieces_bound += _pieces(time_us[offsets[t] : offsets[t + 1]], limits.gap_us)
    pieces_bound += 2 * len(shore.start_us)
    n_all = len(time_us)

    port = np.empty(longest, np.int32)
    berth = np.empty(longest, np.int32)
    anchorage = np.empty(longest, np.int32)
    eca = np.empty(longest, np.int32)
    speed_zone = np.empty(longest, np.int32)
    limit_zone = np.empty(longest, np.int32)
    call_of = np.empty(longest, np.int32)
    track_calls = np.empty((longest + 2, len(CALL_FIELDS)), np.int64)
    track_stops = np.empty((longest + 2, len(STOP_FIELDS)), np.int64)
    modes = np.full(n_all, -1, np.int8)

    # Lines of the present vessel; a line is found by (slot of its key, speed step).
    slot_capacity = 64
    line_of = np.full((slot_capacity, SPEED_BINS), -1, np.int32)
    slot_keys = np.zeros(4 * slot_capacity, np.int64)
    slot_at = np.full(4 * slot_capacity, -1, np.int32)
    line_capacity = 1024
    line_key = np.empty(line_capacity, np.int64)
    line_bin = np.empty(line_capacity, np.int16)
    line_slot = np.empty(line_capacity, np.int32)
    line_us = np.empty(line_capacity, np.int64)
    line_main_kw = np.empty(line_capacity, np.float64)
    line_grid = np.empty((line_capacity, GRID_FIELDS), np.float64)
    rates = np.empty((3, N_PRICED), np.float64)

    out_capacity = 4096
    out_vessel = np.empty(out_capacity, np.int32)
    out_key = np.empty(out_capacity, np.int64)
    out_bin = np.empty(out_capacity, np.int16)
    out_us = np.empty(out_capacity, np.int64)
    n_out = 0

    act_vessel = np.empty(pieces_bound, np.int32)
    act_hour = np.empty(pieces_bound, np.int64)
    act_key = np.empty(pieces_bound, np.int64)
    act_us = np.empty(pieces_bound, np.int64)
    act_shore_us = np.empty(pieces_bound, np.int64)
    act_nm = np.empty(pieces_bound, np.float64)
    act_kwh = np.empty(pieces_bound, np.float64)
    n_act = 0

    calls_capacity = 256
    calls = np.empty((calls_capacity, len(CALL_FIELDS) + 1), np.int64)
    call_gap = np.zeros((calls_capacity, 2), np.int64)
    n_calls = 0
    stops_capacity = 256
    stops = np.empty((stops_capacity, len(STOP_FIELDS) + 1), np.int64)
    n_stops = 0

    grid_keys = np.zeros(4096, np.int64)
    grid_slots = np.full(4096, -1, np.int32)
    grid_cells = np.empty(2048, np.int64)
    grid_sums = np.zeros((2048, GRID_FIELDS), np.int64)
    n_cells = 0
    cell_sum = np.zeros(GRID_FIELDS, np.float64)

    seen = np.zeros((len(offsets) - 1, 3), np.int64)
    speeds = (limits.stop_dkn, limits.anchorage_exit_dkn, limits.berth_exit_dkn)
    times = (limits.min_stop_us, limits.exit_confirm_us, limits.gap_us)

    for t in range(len(offsets) - 1):
        begin, end = offsets[t], offsets[t + 1]
        n = end - begin
        v = vessel_of[t]
        for i in range(n):
            b, a, p, e, s = locate(index, lat[begin + i], lon[begin + i])
            berth[i], anchorage[i], limit_zone[i], eca[i], speed_zone[i] = b, a, p, e, s
            number = places.port_of_zone[p] if p >= 0 else -1
            port[i] = number if places.call_port < 0 or number == places.call_port else -1
        found, halts = find_calls(
            time_us[begin:end],
            speed_dkn[begin:end],
            port[:n],
            berth[:n],
            anchorage[:n],
            status[begin:end],
            speeds,
            times,
            track_calls,
            track_stops,
            call_of[:n],
        )
        if n_calls + found > calls_capacity:
            calls_capacity = 2 * (n_calls + found)
            grown = np.empty((calls_capacity, calls.shape[1]), np.int64)
            grown[:n_calls] = calls[:n_calls]
            calls = grown
            grown_gap = np.zeros((calls_capacity, 2), np.int64)
            grown_gap[:n_calls] = call_gap[:n_calls]
            call_gap = grown_gap
        for c in range(found):
            calls[n_calls + c, 0] = v
            for f in range(len(CALL_FIELDS)):
                calls[n_calls + c, f + 1] = track_calls[c, f]
            calls[n_calls + c, 1] += begin
            calls[n_calls + c, 2] += begin
            calls[n_calls + c, 9] += begin
        if n_stops + halts > stops_capacity:
            stops_capacity = 2 * (n_stops + halts)
            grown = np.empty((stops_capacity, stops.shape[1]), np.int64)
            grown[:n_stops] = stops[:n_stops]
            stops = grown
        kept = 0
        for c in range(halts):
            if track_stops[c, 0] < found:
                row = n_stops + kept
                stops[row, 0] = v
                for f in range(len(STOP_FIELDS)):
                    stops[row, f + 1] = track_stops[c, f]
                stops[row, 2] += begin
                stops[row, 3] += begin
                kept += 1
        n_stops += kept

        n_lines = 0
        n_slots = 0
        fast_key = -1
        fast = 0
        last_key = np.int64(-1)
        last_slot = -1
        act_start = n_act
        act_hour_now = np.int64(-1)
        act_last = -1
        cell_now = np.int64(-1)
        shore_next = shore.offsets[v]
        for i in range(n - 1):
            k = begin + i
            dt = time_us[k + 1] - time_us[k]
            call = call_of[i]
            if dt > limits.gap_us:
                seen[t, 2] += dt
                if call >= 0 and call_of[i + 1] == call:
                    call_gap[n_calls + call, 1] += dt
                continue
            b, a, p, e, s = berth[i], anchorage[i], limit_zone[i], eca[i], speed_zone[i]
            state = status[k]
            v_dkn = np.int64(speed_dkn[k])
            bridged = dt > limits.hold_us or v_dkn < 0
            if bridged:
                nm = great_circle_nm(lat[k], lon[k], lat[k + 1], lon[k + 1])
                v_dkn = np.int64(np.rint(10.0 * nm / (dt / US_PER_HOUR)))
                if v_dkn > limits.max_speed_dkn:  # no ship sails that: what lies between is not known
                    seen[t, 2] += dt
                    if call >= 0 and call_of[i + 1] == call:
                        call_gap[n_calls + call, 1] += dt
                    continue
                if b != berth[i + 1]:
                    b = np.int32(-1)
                if a != anchorage[i + 1]:
                    a = np.int32(-1)
                if s != speed_zone[i + 1]:
                    s = np.int32(-1)
                if state != status[k + 1]:
                    state = np.int8(-1)
                seen[t, 1] += dt
                if call >= 0:
                    call_gap[n_calls + call, 0] += dt
            else:
                seen[t, 0] += dt
            coastal = 1 if p >= 0 else 0
            draught = np.int64(draught_dm[k])
            if draught * 2 + coastal != fast_key:
                fast_key = draught * 2 + coastal
                fast = fast_limit(v, coastal, draught, vessels, factors, limits)
            mode, evidence = decide_mode(
                v_dkn, 1.0 if v_dkn > fast else 0.0, b, a, state, places.learnt, limits
            )
            modes[k] = mode
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
            while period > 0 and time_us[k] < places.period_start_us[period]:
                period -= 1
            regime = np.int64(places.regime[area, period])
            cell = np.int64(np.floor((lat[k] + 90.0) * CELLS_PER_DEG)) * 36000 + min(
                np.int64(np.floor((lon[k] + 180.0) * CELLS_PER_DEG)), np.int64(35999)
            )
            now = time_us[k]
            until = time_us[k + 1]
            while now < until:
                hour = now // US_PER_HOUR
                piece_end = min(until, (hour + 1) * US_PER_HOUR)
                plugged = 0
                while shore_next < shore.offsets[v + 1] and shore.end_us[shore_next] <= now:
                    shore_next += 1
                if shore_next < shore.offsets[v + 1]:
                    if shore.start_us[shore_next] <= now:
                        piece_end = min(piece_end, shore.end_us[shore_next])
                        plugged = 1 if mode == _BERTH else 0
                    else:
                        piece_end = min(piece_end, shore.start_us[shore_next])
                span = piece_end - now
                key = pack(np.int64(call), mode, zone, evidence, regime, coastal, plugged, draught)
                if key != last_key:
                    h = _find(slot_keys, slot_at, key, len(slot_keys) - 1)
                    if slot_at[h] < 0:
                        if n_slots == slot_capacity:
                            slot_capacity *= 2
                            wider = np.full((slot_capacity, SPEED_BINS), -1, np.int32)
                            wider[:n_slots] = line_of[:n_slots]
                            line_of = wider
                            old_keys, old_at = slot_keys, slot_at
                            slot_keys = np.zeros(4 * slot_capacity, np.int64)
                            slot_at = np.full(4 * slot_capacity, -1, np.int32)
                            for j in range(len(old_at)):
                                if old_at[j] >= 0:
                                    g = _find(slot_keys, slot_at, old_keys[j], len(slot_keys) - 1)
                                    slot_keys[g] = old_keys[j]
                                    slot_at[g] = old_at[j]
                            h = _find(slot_keys, slot_at, key, len(slot_keys) - 1)
                        slot_keys[h] = key
                        slot_at[h] = n_slots
                        n_slots += 1
                    last_key = key
                    last_slot = slot_at[h]
                line = line_of[last_slot, v_dkn]
                if line < 0:
                    if n_lines == line_capacity:
                        line_capacity *= 2
                        line_key = np.append(line_key, np.empty(n_lines, np.int64))
                        line_bin = np.append(line_bin, np.empty(n_lines, np.int16))
                        line_slot = np.append(line_slot, np.empty(n_lines, np.int32))
                        line_us = np.append(line_us, np.empty(n_lines, np.int64))
                        line_main_kw = np.append(line_main_kw, np.empty(n_lines, np.float64))
                        taller = np.empty((line_capacity, GRID_FIELDS), np.float64)
                        taller[:n_lines] = line_grid
                        line_grid = taller
                    line = np.int32(n_lines)
                    n_lines += 1
                    line_of[last_slot, v_dkn] = line
                    line_key[line] = key
                    line_bin[line] = v_dkn
                    line_slot[line] = last_slot
                    line_us[line] = 0
                    load = main_load(v, v_dkn, mode, coastal, draught, vessels, factors, limits)
                    line_main_kw[line] = load * vessels.installed_kw[v]
                    if with_grid:
                        price(v, mode, regime, plugged, load, vessels, factors, limits, rates)
                        line_grid[line, 0] = 1.0
                        line_grid[line, 1] = line_main_kw[line]
                        engines_kw = 0.0 if plugged else vessels.aux_kw[v, mode]
                        line_grid[line, 2] = engines_kw + vessels.boiler_kw[v, mode]
                        for q in range(N_PRICED - 1):
                            total = 0.0
                            for source in range(3):
                                if not np.isnan(rates[source, q]):
                                    total += rates[source, q]
                            line_grid[line, 3 + q] = total
                line_us[line] += span
                # Hourly activity: rows of the present hour stand from act_start on.
                if hour != act_hour_now:
                    act_hour_now = hour
                    act_start = n_act
                    act_last = -1
                row_key = key & ~((np.int64(1) << EVIDENCE_SHIFT) - 1)
                if act_last < 0 or act_key[act_last] != row_key:
                    act_last = -1
                    for j in range(n_act - 1, act_start - 1, -1):
                        if act_key[j] == row_key:
                            act_last = j
                            break
                    if act_last < 0:
                        act_last = n_act
                        n_act += 1
                        act_vessel[act_last] = v
                        act_hour[act_last] = hour
                        act_key[act_last] = row_key
                        act_us[act_last] = 0
                        act_shore_us[act_last] = 0
                        act_nm[act_last] = 0.0
                        act_kwh[act_last] = 0.0
                span_h = span / US_PER_HOUR
                act_us[act_last] += span
                act_shore_us[act_last] += span if plugged else 0
                act_nm[act_last] += v_dkn * 0.1 * span_h
                act_kwh[act_last] += line_main_kw[line] * span_h
                if with_grid:
                    if cell != cell_now:
                        if cell_now >= 0:
                            grid_keys, grid_slots, grid_cells, grid_sums, n_cells = _grid_add(
                                grid_keys, grid_slots, grid_cells, grid_sums, n_cells, cell_now, cell_sum
                            )
                        cell_now = cell
                    for q in range(GRID_FIELDS):
                        cell_sum[q] += line_grid[line, q] * span
                now = piece_end
        if with_grid and cell_now >= 0:
            grid_keys, grid_slots, grid_cells, grid_sums, n_cells = _grid_add(
                grid_keys, grid_slots, grid_cells, grid_sums, n_cells, cell_now, cell_sum
            )
        # Hand the vessel's lines over and clear its tables.
        while n_out + n_lines > out_capacity:
            out_capacity *= 2
            out_vessel = np.append(out_vessel, np.empty(len(out_vessel), np.int32))
            out_key = np.append(out_key, np.empty(len(out_key), np.int64))
            out_bin = np.append(out_bin, np.empty(len(out_bin), np.int16))
            out_us = np.append(out_us, np.empty(len(out_us), np.int64))
        for j in range(n_lines):
            out_vessel[n_out + j] = v
            out_key[n_out + j] = line_key[j]
            out_bin[n_out + j] = line_bin[j]
            out_us[n_out + j] = line_us[j]
            line_of[line_slot[j], line_bin[j]] = -1
        n_out += n_lines
        slot_at[:] = -1
        n_calls += found
    return (
        (out_vessel[:n_out], out_key[:n_out], out_bin[:n_out], out_us[:n_out]),
        (
            act_vessel[:n_act],
            act_hour[:n_act],
            act_key[:n_act],
            act_us[:n_act],
            act_shore_us[:n_act],
            act_nm[:n_act],
            act_kwh[:n_act],
        ),
        calls[:n_calls],
        stops[:n_stops],
        grid_cells[:n_cells],
        grid_sums[:n_cells],
        seen,
        call_gap[:n_calls],
        modes,
    )
