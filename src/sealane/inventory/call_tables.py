"""Port calls, their events and the voyages between them as tables, from what the port-call machine found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.emissions.layout import MODE_NAMES, US_PER_HOUR, unpack
from sealane.inventory.batch_context import I64, Context, hours_of, names_column, time_column
from sealane.inventory.schemas import CALLS, EVENTS, VOYAGES
from sealane.movement.port_calls import CALL_FIELDS, STOP_BERTH, STOP_FIELDS
from sealane.movement.tracks import Tracks


def call_ids(
    port: list[str],
    mmsi: NDArray[np.int32],
    arrival_us: I64,
    open_start: NDArray[np.bool_],
    data_start: NDArray[np.bool_],
) -> list[str]:
    """Names of calls from port, MMSI and arrival: ``USLAX-366999999-20260701T081500Z``.

    A call whose arrival was not seen has no arrival to be named by. The one that runs when a vessel's data begin
    (``data_start``) is ``…-open``; one that begins after a silence takes its first report,
    ``…-open-20260701T081500Z``, whether or not another was open before it: more data in front must not rename it.
    """
    stamps = np.datetime_as_string(arrival_us.astype("datetime64[us]").astype("datetime64[s]"))
    names = []
    columns = (mmsi.tolist(), stamps.tolist(), open_start.tolist(), data_start.tolist())
    for p, m, stamp, is_open, at_start in zip(port, *columns, strict=True):
        time = stamp.replace("-", "").replace(":", "") + "Z"
        if not is_open:
            names.append(f"{p}-{m:09d}-{time}")
        elif at_start:
            names.append(f"{p}-{m:09d}-open")
        else:
            names.append(f"{p}-{m:09d}-open-{time}")
    return names


def _call_column(calls: I64, name: str) -> I64:
    return calls[:, 1 + CALL_FIELDS.index(name)]


def call_names(calls: I64, tracks: Tracks, context: Context) -> list[str]:
    ports = [context.port_codes[p] for p in _call_column(calls, "port")]
    first = _call_column(calls, "first")
    data_start = np.isin(first, tracks.vessels()[1])
    return call_ids(
        ports,
        context.vessels.mmsi[calls[:, 0]],
        tracks.time_us[first],
        _call_column(calls, "open_start") == 1,
        data_start,
    )


def calls_table(
    calls: I64,
    call_gap: I64,
    stops: I64,
    lines: tuple[Any, ...],
    line_call: I64,
    names: list[str],
    tracks: Tracks,
    context: Context,
) -> pa.Table:
    n = len(calls)
    mode_us = np.zeros((n, len(MODE_NAMES)), np.int64)
    inside = line_call >= 0
    np.add.at(mode_us, (line_call[inside], unpack(lines[1][inside]).mode), lines[3][inside])
    vessel = calls[:, 0]
    first, end = _call_column(calls, "first"), _call_column(calls, "end")
    open_start, open_end = _call_column(calls, "open_start") == 1, _call_column(calls, "open_end") == 1
    berths, anchorages = _call_column(calls, "berth_stops"), _call_column(calls, "anchorage_stops")
    gaps = _call_column(calls, "gaps")
    departure = tracks.time_us[np.minimum(end, len(tracks) - 1)] if n else np.empty(0, np.int64)
    confidence = 4 - open_start - open_end - (gaps > 0) - _weak_stops(calls, stops, context)
    labels = context.labels
    return (
        pa.table(
            {
                "call_id": pa.array(names, pa.string()),
                "mmsi": context.vessels.mmsi[vessel],
                "imo": pa.array([labels.imo[v] for v in vessel], pa.int32()),
                "vessel_name": pa.array([labels.name[v] for v in vessel], pa.string()),
                "ship_class": pa.array([labels.ship_class[v] for v in vessel], pa.string()),
                "subtype": pa.array([labels.subtype[v] for v in vessel], pa.string()),
                "port": pa.array([context.port_codes[p] for p in _call_column(calls, "port")], pa.string()),
                "arrival": time_column(tracks.time_us[first], open_start),
                "departure": time_column(departure, open_end),
                "first_seen": time_column(tracks.time_us[first]),
                "last_seen": time_column(tracks.time_us[end - 1]),
                **{f"{mode}_h": hours_of(mode_us[:, k]) for k, mode in enumerate(MODE_NAMES)},
                "interpolated_h": hours_of(call_gap[:, 0]),
                "unobserved_h": hours_of(call_gap[:, 1]),
                "berth_stops": berths.astype(np.int32),
                "anchorage_stops": anchorages.astype(np.int32),
                "shifts": np.maximum(berths + anchorages - 1, 0).astype(np.int32),
                "gap_events": gaps.astype(np.int32),
                "truncated": np.select([open_start & open_end, open_start, open_end], ["both", "start", "end"], ""),
                "confidence": np.maximum(confidence, 1).astype(np.int8),
            },
        )
        .select(CALLS.schema.names)
        .cast(CALLS.schema)
    )


def _weak_stops(calls: I64, stops: I64, context: Context) -> NDArray[np.int64]:
    """1 for each call all of whose stops rest on learnt zones, else 0."""
    zone = stops[:, 1 + STOP_FIELDS.index("zone")]
    weak = np.where(zone >= 0, context.learnt_zone[zone], 0)
    base = np.searchsorted(calls[:, 0], stops[:, 0])
    strong = np.zeros(len(calls), np.int64)
    np.add.at(strong, base + stops[:, 1], 1 - weak)
    return (strong == 0).astype(np.int64)


def events_table(calls: I64, stops: I64, names: list[str], tracks: Tracks, context: Context) -> pa.Table:
    rows: list[tuple[int, int, str, int]] = []  # call row, time, event, zone
    base = np.searchsorted(calls[:, 0], stops[:, 0])
    by_call: dict[int, list[int]] = {}
    for k in range(len(stops)):
        by_call.setdefault(int(base[k] + stops[k, 1]), []).append(k)
    gap_us = context.limits.gap_us
    for c in range(len(calls)):
        first, end = int(_call_column(calls, "first")[c]), int(_call_column(calls, "end")[c])
        if not _call_column(calls, "open_start")[c]:
            rows.append((c, int(tracks.time_us[first]), "arrival", -1))
        for number, k in enumerate(by_call.get(c, ())):
            kind = "berth" if stops[k, 1 + STOP_FIELDS.index("kind")] == STOP_BERTH else "anchorage"
            begin, stop_end = int(stops[k, 2]), int(stops[k, 3])
            zone = int(stops[k, 5])
            if number:
                rows.append((c, int(tracks.time_us[begin]), "shift", zone))
            rows.append((c, int(tracks.time_us[begin]), f"{kind}_start", zone))
            if stop_end < end or not _call_column(calls, "open_end")[c]:
                rows.append((c, int(tracks.time_us[min(stop_end, len(tracks) - 1)]), f"{kind}_end", zone))
        if _call_column(calls, "gaps")[c]:
            times = tracks.time_us[first:end]
            for i in np.flatnonzero(np.diff(times) > gap_us):
                rows.append((c, int(times[i]), "gap_start", -1))
                rows.append((c, int(times[i + 1]), "gap_end", -1))
        if not _call_column(calls, "open_end")[c]:
            rows.append((c, int(tracks.time_us[end]), "departure", -1))
    call = np.array([r[0] for r in rows], np.int64)
    time = np.array([r[1] for r in rows], np.int64)
    event = pa.array([r[2] for r in rows], pa.string())
    table = pa.table(
        {
            "call_id": names_column(names, call),
            "mmsi": context.vessels.mmsi[calls[call, 0]] if rows else np.empty(0, np.int32),
            "time": time_column(time),
            "event": event,
            "zone": names_column(context.zone_ids, np.array([r[3] for r in rows], np.int64)),
        }
    )
    return table.select(EVENTS.schema.names)


def voyages_table(calls: pa.Table, activity: pa.Table, raw: I64, tracks: Tracks, context: Context) -> pa.Table:
    """Voyages between consecutive calls of a vessel whose departure and arrival were both seen."""
    empty: dict[str, list[Any]] = {name: [] for name in VOYAGES.columns}
    first, end = _call_column(raw, "first"), _call_column(raw, "end")
    ids = calls.column("call_id").to_pylist()
    ports = calls.column("port").to_pylist()
    gap_us = context.limits.gap_us
    for c in range(len(raw) - 1):
        if raw[c, 0] != raw[c + 1, 0]:
            continue
        if _call_column(raw, "open_end")[c] or _call_column(raw, "open_start")[c + 1]:
            continue
        a, b = int(end[c]), int(first[c + 1])
        times = tracks.time_us[a : b + 1]
        steps = np.diff(times)
        seen = steps <= gap_us
        knots = np.maximum(tracks.speed_dkn[a:b], 0) / 10.0
        empty["mmsi"].append(int(context.vessels.mmsi[raw[c, 0]]))
        empty["from_call_id"].append(ids[c])
        empty["to_call_id"].append(ids[c + 1])
        empty["from_port"].append(ports[c])
        empty["to_port"].append(ports[c + 1])
        empty["departure"].append(int(times[0]))
        empty["arrival"].append(int(times[-1]))
        empty["hours"].append(float(times[-1] - times[0]) / US_PER_HOUR)
        empty["unobserved_h"].append(float(steps[~seen].sum()) / US_PER_HOUR)
        empty["distance_nm"].append(float((knots[seen] * hours_of(steps[seen])).sum()))
    return pa.table(
        [pa.array(empty[name], VOYAGES.schema.field(name).type) for name in VOYAGES.columns], schema=VOYAGES.schema
    )
