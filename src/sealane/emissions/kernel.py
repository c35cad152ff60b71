"""The kernel: from clean tracks to hours, energy and emissions, one vessel at a time.

A report's state (speed, draught, zones, status) holds until the next report. The kernel sums that time, in whole
microseconds, into *load lines*: one line for each call, mode, zone, evidence, regime, draught and 0.1 kn step of
speed. Energy and grams are worked out on lines by the published scalar formulas of this room, so a figure can be
taken apart into the same lines again. The hourly activity and the heat map are filled in the same pass.

`run_kernel` locates the reports, runs the port-call machine and keeps the tables; the sums are in `accumulate`.
"""

from __future__ import annotations

import numpy as np

from sealane.emissions.accumulate import (
    ACTIVITY,
    CELL,
    CELLS,
    FAST_KEY,
    HOUR,
    HOUR_START,
    LINES,
    RUN,
    SHORE,
    SITUATIONS_KEPT,
    SLOTS,
    STATE_FIELDS,
    accumulate,
    add_cells,
    close_run,
    find,
    forget,
)
from sealane.emissions.layout import GRID_FIELDS, N_PRICED, SPEED_BINS, US_PER_HOUR
from sealane.movement.compiled import borrowing, njit
from sealane.movement.port_calls import CALL_FIELDS, STOP_FIELDS, find_calls
from sealane.movement.zone_index import locate, uniform_cell

_FIRST, _END, _FIRST_STOP = (1 + CALL_FIELDS.index(name) for name in ("first", "end", "first_stop"))
_STOP_FIRST, _STOP_END = (1 + STOP_FIELDS.index(name) for name in ("first", "end"))


@njit(nogil=True, cache=True)
def _pieces(time_us, gap_us):
    """Upper bound for the hourly pieces of a track."""
    total = len(time_us)
    hour_end = 0
    for i in range(1, len(time_us)):
        if time_us[i] > hour_end:
            if time_us[i] - time_us[i - 1] <= gap_us:
                total += time_us[i] // US_PER_HOUR - time_us[i - 1] // US_PER_HOUR
            hour_end = (time_us[i] // US_PER_HOUR + 1) * US_PER_HOUR
    return total


@borrowing
def _locate_track(index, lat, lon, places, zone_rows, zones_of, berth, anchorage, port):
    """Zones of every report, as a row of ``zone_rows``, and the port whose limit it lies in.

    A cell of the index without a boundary is remembered: most reports lie in the same one as the report before.

    Returns
    -------
    The first report that found no room in ``zone_rows``, or the number of reports.
    """
    south = west = 1.0
    north = east = -1.0
    rows = 0
    row = -1
    number = np.int32(-1)
    for i in range(len(lat)):
        y, x = lat[i], lon[i]
        if not (south <= y < north and west <= x < east):
            found = locate(index, y, x)
            south, west, north, east = uniform_cell(index, y, x)
            row = rows - 1
            while row >= 0 and not (
                zone_rows[row, 0] == found[0]
                and zone_rows[row, 1] == found[1]
                and zone_rows[row, 2] == found[2]
                and zone_rows[row, 3] == found[3]
                and zone_rows[row, 4] == found[4]
            ):
                row -= 1
            if row < 0:
                if rows == len(zone_rows):
                    return i
                row = rows
                rows += 1
                for kind in range(5):
                    zone_rows[row, kind] = found[kind]
            number = places.port_of_zone[found[2]] if found[2] >= 0 else np.int32(-1)
            if places.call_port >= 0 and number != places.call_port:
                number = np.int32(-1)
        zones_of[i] = row
        berth[i] = zone_rows[row, 0]
        anchorage[i] = zone_rows[row, 1]
        port[i] = number
    return len(lat)


@njit(nogil=True, cache=True)
def _rehash(values, capacity):
    """A larger hash table of the rows whose keys are ``values``."""
    rows = np.full(capacity, -1, np.int32)
    for row in range(len(values)):
        rows[find(values, rows, values[row])] = row
    return rows


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

    zone_rows = np.empty((256, 5), np.int32)
    zones_of = np.empty(longest, np.int32)
    berth = np.empty(longest, np.int32)
    anchorage = np.empty(longest, np.int32)
    port = np.empty(longest, np.int32)
    call_of = np.empty(longest, np.int32)
    track_calls = np.empty((longest + 2, len(CALL_FIELDS)), np.int64)
    track_stops = np.empty((longest + 2, len(STOP_FIELDS)), np.int64)

    slots = headroom + 64
    line_of = np.full((slots, SPEED_BINS), -1, np.int32)
    slot_keys = np.empty(slots, np.int64)
    slot_rows = np.full(1024, -1, np.int32)
    memory = (
        np.full((SITUATIONS_KEPT, SPEED_BINS), -1, np.int32),
        np.empty(SITUATIONS_KEPT, np.int64),
        np.full(4 * SITUATIONS_KEPT, -1, np.int32),
    )
    capacity = headroom + 1024
    line_key = np.empty(capacity, np.int64)
    line_bin = np.empty(capacity, np.int16)
    line_us = np.empty(capacity, np.int64)
    line_slot = np.empty(capacity, np.int32)
    line_main_kw = np.empty(capacity, np.float64)
    run_us = np.zeros(capacity, np.int64)
    run_lines = np.empty(capacity, np.int32)
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

    # The heat map of the vessel at hand, small enough for the processor's own memory, and that of all vessels.
    cells = 2048 if with_grid else 0
    cell_rows = np.full(2 * 2048, -1, np.int32)
    cell_numbers = np.empty(cells, np.int64)
    cell_sums = np.empty((cells, GRID_FIELDS), np.float64)
    grid_size = 4096
    grid_rows = np.full(2 * grid_size, -1, np.int32)
    grid_cells = np.empty(grid_size, np.int64)
    grid_sums = np.zeros((grid_size, GRID_FIELDS), np.int64)
    n_cells = 0
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
        while (
            _locate_track(
                index, columns[1], columns[2], places, zone_rows, zones_of[:n], berth[:n], anchorage[:n], port[:n]
            )
            < n
        ):
            zone_rows = np.empty((2 * len(zone_rows), 5), np.int32)
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
        state[RUN] = 0
        state[HOUR] = -2  # no hour of any report
        state[HOUR_START] = state[ACTIVITY]
        state[FAST_KEY] = -1
        state[SHORE] = shore.offsets[v]
        slot_rows[:] = -1
        forget(state, memory)
        at = 0
        while at < n - 1:
            at = accumulate(
                at,
                v,
                columns,
                zones_of[:n],
                zone_rows,
                call_of[:n],
                places,
                vessels,
                factors,
                shore,
                limits,
                headroom,
                state,
                (line_of, slot_keys, slot_rows),
                memory,
                (line_key, line_bin, line_us, line_slot, line_main_kw, run_us, run_lines, line_grid),
                activity,
                (cell_rows, cell_numbers, cell_sums),
                rates,
                seen[t],
                call_gap[n_calls : n_calls + max(found, 1)],
            )
            if at >= n - 1:
                break
            if state[SLOTS] > slots - headroom:
                grown = np.full((2 * slots, SPEED_BINS), -1, np.int32)
                grown[:slots] = line_of
                line_of = grown
                slot_keys = _longer(slot_keys, state[SLOTS], 2 * slots)
                slots *= 2
                size = len(slot_rows)
                while size < 4 * slots:
                    size *= 2
                slot_rows = _rehash(slot_keys[: state[SLOTS]], size)
            if state[LINES] > capacity - headroom:
                used = state[LINES]
                capacity *= 2
                line_key = _longer(line_key, used, capacity)
                line_bin = _longer(line_bin, used, capacity)
                line_us = _longer(line_us, used, capacity)
                line_slot = _longer(line_slot, used, capacity)
                line_main_kw = _longer(line_main_kw, used, capacity)
                run_us = _longer(run_us, used, capacity)
                run_lines = _longer(run_lines, used, capacity)
                if with_grid:
                    line_grid = _taller(line_grid, used, capacity)
            if with_grid and state[CELLS] > cells - 2:
                cells *= 2
                cell_numbers = _longer(cell_numbers, state[CELLS], cells)
                cell_sums = _taller(cell_sums, state[CELLS], cells)
                cell_rows = _rehash(cell_numbers[: state[CELLS]], 2 * cells)
        lines = (line_key, line_bin, line_us, line_slot, line_main_kw, run_us, run_lines, line_grid)
        close_run(state, v, lines, activity, cell_sums)
        if with_grid:
            if n_cells + state[CELLS] > grid_size:
                while n_cells + state[CELLS] > grid_size:
                    grid_size *= 2
                grid_cells = _longer(grid_cells, n_cells, grid_size)
                grid_sums = _taller(grid_sums, n_cells, grid_size)
                grid_rows = _rehash(grid_cells[:n_cells], 2 * grid_size)
            n_cells = add_cells(state[CELLS], cell_numbers, cell_sums, grid_rows, grid_cells, grid_sums, n_cells)
            cell_rows[:] = -1
            state[CELLS] = 0
            state[CELL] = -1
        # Hand the vessel's lines over and clear its table.
        opened = state[LINES]
        if n_out + opened > len(out_key):
            size = 2 * (n_out + opened)
            out_vessel = _longer(out_vessel, n_out, size)
            out_key = _longer(out_key, n_out, size)
            out_bin = _longer(out_bin, n_out, size)
            out_us = _longer(out_us, n_out, size)
        for j in range(opened):
            out_vessel[n_out + j] = v
            out_key[n_out + j] = line_key[j]
            out_bin[n_out + j] = line_bin[j]
            out_us[n_out + j] = line_us[j]
            line_of[line_slot[j], line_bin[j]] = -1
        n_out += opened
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
        grid_cells[:n_cells],
        grid_sums[:n_cells],
        seen,
        call_gap[:n_calls],
    )
