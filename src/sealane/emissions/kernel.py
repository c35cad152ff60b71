"""The kernel: from clean tracks to hours, energy and emissions, one vessel at a time.

A report's state (speed, draught, zones, status) holds until the next report. The kernel sums that time, in whole
microseconds, into *load lines*: one line for each call, mode, zone, evidence, regime, draught and 0.1 kn step of
speed. Energy and grams are worked out on lines by the published scalar formulas of this room, so a figure can be
taken apart into the same lines again. The hourly activity and the heat map are filled in the same pass.

`run_kernel` locates the reports, runs the port-call machine and keeps the tables; the sums are in `accumulate`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sealane.emissions.accumulate import (
    ACTIVITY,
    ACTIVITY_LAST,
    CELL,
    CELLS,
    FAST_KEY,
    HOUR,
    LAST_KEY,
    LINES,
    SHORE,
    SLOTS,
    STATE_FIELDS,
    accumulate,
    close_cell,
    find,
)
from sealane.emissions.layout import GRID_FIELDS, N_PRICED, SPEED_BINS, US_PER_HOUR
from sealane.movement.port_calls import CALL_FIELDS, STOP_FIELDS, find_calls
from sealane.movement.zone_index import locate

_FIRST, _END, _FIRST_STOP = (1 + CALL_FIELDS.index(name) for name in ("first", "end", "first_stop"))
_STOP_FIRST, _STOP_END = (1 + STOP_FIELDS.index(name) for name in ("first", "end"))


@njit(nogil=True, cache=True)
def _pieces(time_us, gap_us):
    """Upper bound for the hourly pieces of a track."""
    total = 0
    for i in range(len(time_us) - 1):
        if time_us[i + 1] - time_us[i] <= gap_us:
            total += (time_us[i + 1] - 1) // US_PER_HOUR - time_us[i] // US_PER_HOUR + 1
    return total


@njit(nogil=True, cache=True)
def _locate_track(index, lat, lon, places, berth, anchorage, limit_zone, eca, speed_zone, port):
    """Zones of every report, and the port whose limit it lies in."""
    for i in range(len(lat)):
        b, a, p, e, s = locate(index, lat[i], lon[i])
        berth[i], anchorage[i], limit_zone[i], eca[i], speed_zone[i] = b, a, p, e, s
        number = places.port_of_zone[p] if p >= 0 else -1
        port[i] = number if places.call_port < 0 or number == places.call_port else -1


@njit(nogil=True, cache=True)
def _rehash(keys, values, capacity):
    """A larger hash table for the first ``len(values)`` rows, whose keys are ``values``."""
    new_keys = np.zeros(capacity, np.int64)
    new_rows = np.full(capacity, -1, np.int32)
    for row in range(len(values)):
        h = find(new_keys, new_rows, values[row])
        new_keys[h] = values[row]
        new_rows[h] = row
    return new_keys, new_rows


@njit(nogil=True, cache=True)
def _taller(rows, used, capacity):
    """A copy of a two-dimensional table with room for ``capacity`` rows."""
    grown = np.zeros((capacity, rows.shape[1]), rows.dtype)
    grown[:used] = rows[:used]
    return grown


@njit(nogil=True, cache=True)
def _longer(values, used, capacity):
    """A copy of a column with room for ``capacity`` rows."""
    grown = np.zeros(capacity, values.dtype)
    grown[:used] = values[:used]
    return grown


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
    index, places, vessels, factors, shore, limits : see `sealane.emissions.layout`.
    with_grid : fill the heat map too.

    Returns
    -------
    lines : (vessel, key, speed step, time) columns.
    activity : (vessel, hour, key, time, shore time, distance, main kWh) columns.
    calls : vessel and `CALL_FIELDS`; report numbers count in the columns given.
    stops : vessel and `STOP_FIELDS`; ``call`` counts within the vessel.
    grid_cells, grid_sums : heat map.
    seen : time observed, interpolated and unobserved of each track.
    call_gap : time interpolated and unobserved inside each call.
    """
    tracks = len(offsets) - 1
    longest = 0
    pieces = 2 * len(shore.start_us)
    most_connections = 0
    for t in range(tracks):
        longest = max(longest, offsets[t + 1] - offsets[t])
        pieces += _pieces(time_us[offsets[t] : offsets[t + 1]], limits.gap_us)
        v = vessel_of[t]
        most_connections = max(most_connections, shore.offsets[v + 1] - shore.offsets[v])
    headroom = limits.gap_us // US_PER_HOUR + 2 + 2 * most_connections

    berth = np.empty(longest, np.int32)
    anchorage = np.empty(longest, np.int32)
    limit_zone = np.empty(longest, np.int32)
    eca = np.empty(longest, np.int32)
    speed_zone = np.empty(longest, np.int32)
    port = np.empty(longest, np.int32)
    call_of = np.empty(longest, np.int32)
    track_calls = np.empty((longest + 2, len(CALL_FIELDS)), np.int64)
    track_stops = np.empty((longest + 2, len(STOP_FIELDS)), np.int64)

    slots = headroom + 64
    line_of = np.full((slots, SPEED_BINS), -1, np.int32)
    slot_keys = np.zeros(1024, np.int64)
    slot_rows = np.full(1024, -1, np.int32)
    capacity = headroom + 1024
    line_key = np.empty(capacity, np.int64)
    line_bin = np.empty(capacity, np.int16)
    line_us = np.empty(capacity, np.int64)
    line_slot = np.empty(capacity, np.int32)
    line_main_kw = np.empty(capacity, np.float64)
    line_grid = np.empty((capacity if with_grid else 0, GRID_FIELDS), np.float64)

    out_vessel = np.empty(4096, np.int32)
    out_key = np.empty(4096, np.int64)
    out_bin = np.empty(4096, np.int16)
    out_us = np.empty(4096, np.int64)
    n_out = 0

    activity = (
        np.empty(pieces, np.int32),
        np.empty(pieces, np.int64),
        np.empty(pieces, np.int64),
        np.empty(pieces, np.int64),
        np.empty(pieces, np.int64),
        np.empty(pieces, np.float64),
        np.empty(pieces, np.float64),
    )
    calls = np.empty((256, len(CALL_FIELDS) + 1), np.int64)
    call_gap = np.zeros((256, 2), np.int64)
    n_calls = 0
    stops = np.empty((256, len(STOP_FIELDS) + 1), np.int64)
    n_stops = 0

    cells = 2048 if with_grid else 0
    grid_keys = np.zeros(2 * 2048, np.int64)
    grid_rows = np.full(2 * 2048, -1, np.int32)
    grid_cells = np.empty(cells, np.int64)
    grid_sums = np.zeros((cells, GRID_FIELDS), np.int64)
    cell_sum = np.zeros(GRID_FIELDS, np.float64)
    rates = np.empty((3, N_PRICED), np.float64)

    seen = np.zeros((tracks, 3), np.int64)
    state = np.zeros(len(STATE_FIELDS), np.int64)
    state[CELL] = -1
    speeds = (limits.stop_dkn, limits.anchorage_exit_dkn, limits.berth_exit_dkn)
    times = (limits.min_stop_us, limits.exit_confirm_us, limits.gap_us)

    for t in range(tracks):
        begin, end = offsets[t], offsets[t + 1]
        n = end - begin
        v = vessel_of[t]
        columns = (
            time_us[begin:end],
            lat[begin:end],
            lon[begin:end],
            speed_dkn[begin:end],
            status[begin:end],
            draught_dm[begin:end],
        )
        zones_of = (berth[:n], anchorage[:n], limit_zone[:n], eca[:n], speed_zone[:n])
        _locate_track(
            index,
            columns[1],
            columns[2],
            places,
            berth[:n],
            anchorage[:n],
            limit_zone[:n],
            eca[:n],
            speed_zone[:n],
            port[:n],
        )
        found, halts = find_calls(
            columns[0],
            columns[3],
            port[:n],
            berth[:n],
            anchorage[:n],
            columns[4],
            speeds,
            times,
            track_calls,
            track_stops,
            call_of[:n],
        )
        if n_calls + found > len(calls):
            calls = _taller(calls, n_calls, 2 * (n_calls + found))
            call_gap = _taller(call_gap, n_calls, 2 * (n_calls + found))
        for c in range(found):
            row = calls[n_calls + c]
            row[0] = v
            row[1:] = track_calls[c]
            row[_FIRST] += begin
            row[_END] += begin
            row[_FIRST_STOP] += begin
        if n_stops + halts > len(stops):
            stops = _taller(stops, n_stops, 2 * (n_stops + halts))
        for c in range(halts):
            row = stops[n_stops + c]
            row[0] = v
            row[1:] = track_stops[c]
            row[_STOP_FIRST] += begin
            row[_STOP_END] += begin
        n_stops += halts

        state[LINES] = 0
        state[SLOTS] = 0
        state[LAST_KEY] = -1
        state[HOUR] = -1
        state[ACTIVITY_LAST] = -1
        state[FAST_KEY] = -1
        state[SHORE] = shore.offsets[v]
        slot_rows[:] = -1
        at = 0
        while at < n - 1:
            at = accumulate(
                at,
                v,
                columns,
                zones_of,
                call_of[:n],
                places,
                vessels,
                factors,
                shore,
                limits,
                headroom,
                state,
                (line_of, slot_keys, slot_rows),
                (line_key, line_bin, line_us, line_slot, line_main_kw, line_grid),
                activity,
                (grid_keys, grid_rows, grid_cells, grid_sums, cell_sum, rates),
                seen[t],
                call_gap[n_calls : n_calls + max(found, 1)],
            )
            if at >= n - 1:
                break
            if state[SLOTS] > slots - headroom:
                grown = np.full((2 * slots, SPEED_BINS), -1, np.int32)
                grown[:slots] = line_of
                line_of = grown
                slots *= 2
                by_row = np.empty(state[SLOTS], np.int64)
                for h in range(len(slot_rows)):
                    if slot_rows[h] >= 0:
                        by_row[slot_rows[h]] = slot_keys[h]
                size = len(slot_keys)
                while size < 4 * slots:
                    size *= 2
                slot_keys, slot_rows = _rehash(slot_keys, by_row, size)
            if state[LINES] > capacity - headroom:
                used = state[LINES]
                capacity *= 2
                line_key = _longer(line_key, used, capacity)
                line_bin = _longer(line_bin, used, capacity)
                line_us = _longer(line_us, used, capacity)
                line_slot = _longer(line_slot, used, capacity)
                line_main_kw = _longer(line_main_kw, used, capacity)
                if with_grid:
                    line_grid = _taller(line_grid, used, capacity)
            if with_grid and state[CELLS] > cells - 2:
                cells *= 2
                grid_cells = _longer(grid_cells, state[CELLS], cells)
                grid_sums = _taller(grid_sums, state[CELLS], cells)
                grid_keys, grid_rows = _rehash(grid_keys, grid_cells[: state[CELLS]], 2 * cells)
        if with_grid:
            close_cell(state, cell_sum, grid_keys, grid_rows, grid_cells, grid_sums)
        # Hand the vessel's lines over and clear its table.
        lines = state[LINES]
        if n_out + lines > len(out_key):
            size = 2 * (n_out + lines)
            out_vessel = _longer(out_vessel, n_out, size)
            out_key = _longer(out_key, n_out, size)
            out_bin = _longer(out_bin, n_out, size)
            out_us = _longer(out_us, n_out, size)
        for j in range(lines):
            out_vessel[n_out + j] = v
            out_key[n_out + j] = line_key[j]
            out_bin[n_out + j] = line_bin[j]
            out_us[n_out + j] = line_us[j]
            line_of[line_slot[j], line_bin[j]] = -1
        n_out += lines
        n_calls += found
    rows = state[ACTIVITY]
    return (
        (out_vessel[:n_out], out_key[:n_out], out_bin[:n_out], out_us[:n_out]),
        (
            activity[0][:rows],
            activity[1][:rows],
            activity[2][:rows],
            activity[3][:rows],
            activity[4][:rows],
            activity[5][:rows],
            activity[6][:rows],
        ),
        calls[:n_calls],
        stops[:n_stops],
        grid_cells[: state[CELLS]],
        grid_sums[: state[CELLS]],
        seen,
        call_gap[:n_calls],
    )
