"""One batch of whole vessels: clean tracks in, finished rows of every output table out.

A batch knows nothing of engines, threads or files. The local engine hands it buckets, Spark hands it partitions;
as vessels are whole, the rows are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from sealane.emissions.kernel import run_kernel
from sealane.emissions.layout import (
    EVIDENCE_NAMES,
    GROUP_SHIFT,
    MODE_NAMES,
    N_PRICED,
    PRICED,
    SOURCE_NAMES,
    US_PER_HOUR,
    FactorArrays,
    KernelLimits,
    PlaceArrays,
    ShoreArrays,
    VesselArrays,
    unpack,
)
from sealane.emissions.pricing import main_load, price
from sealane.inventory.schemas import ACTIVITY, CALLS, EVENTS, INVENTORY, LINES, VOYAGES
from sealane.movement.port_calls import CALL_FIELDS, STOP_BERTH, STOP_FIELDS
from sealane.movement.tracks import Tracks
from sealane.movement.zone_index import IndexArrays

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
GRADES = ("A", "B", "C", "D")
_UTC = pa.timestamp("us", tz="UTC")
_WTT = PRICED.index("wtt_co2e")
_CO2E = PRICED.index("co2e")


@dataclass(frozen=True)
class VesselLabels:
    """What the tables say of a vessel beside numbers; lists in the order of `VesselArrays`."""

    imo: list[int | None]
    name: list[str | None]
    ship_class: list[str | None]
    subtype: list[str | None]
    # Worst grade of a vessel's inputs by source (main, auxiliary, boiler), 0 for A to 3 for D; (v, 3).
    input_grade: NDArray[np.int8]
    # Worst grade of the factors by source and pollutant; (profiles, 3, PRICED).
    factor_grade: NDArray[np.int8]


@dataclass(frozen=True)
class Context:
    """All that the computation of any batch needs; picklable, so that it travels to Spark workers as it is."""

    index: IndexArrays
    places: PlaceArrays
    vessels: VesselArrays
    labels: VesselLabels
    factors: FactorArrays
    shore: ShoreArrays
    limits: KernelLimits
    zone_ids: list[str]
    port_codes: list[str]
    regime_names: list[str]
    learnt_zone: NDArray[np.uint8]
    shore_g_per_kwh: float  # grid's carbon intensity at the port; NaN where nobody is connected


@dataclass(frozen=True)
class Batch:
    """Finished rows of whole vessels, each table sorted by its key; the grid as integers still to be added up."""

    tables: dict[str, pa.Table]
    grid_cell: I64
    grid: I64
    vessel_mmsi: NDArray[np.int32]
    seen_us: I64  # (vessels, 3) observed, interpolated, unobserved


def _names(values: list[str], codes: NDArray[Any]) -> pa.Array:
    """Dictionary column from codes; negative codes are null."""
    mask = codes < 0
    indices = pa.array(np.where(mask, 0, codes).astype(np.int32), mask=mask)
    return pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.string()))


def _times(us: I64, missing: NDArray[np.bool_] | None = None) -> pa.Array:
    return pa.array(us, pa.int64(), mask=missing).cast(_UTC)


def _hours(us: I64) -> F64:
    return us / US_PER_HOUR


def call_ids(port: list[str], mmsi: NDArray[np.int32], arrival_us: I64, open_start: NDArray[np.bool_]) -> list[str]:
    """Names of calls from port, MMSI and arrival: ``USLAX-366999999-20260701T081500Z``.

    A call whose arrival was not seen has no arrival to be named by; there is at most one at the start of a vessel's
    data, ``…-open``. One that begins after a silence takes its first report, ``…-open-20260701T081500Z``.
    """
    stamps = np.datetime_as_string(arrival_us.astype("datetime64[us]").astype("datetime64[s]"))
    seen_open: set[tuple[str, int]] = set()
    names = []
    for p, m, stamp, is_open in zip(port, mmsi.tolist(), stamps.tolist(), open_start.tolist(), strict=True):
        time = stamp.replace("-", "").replace(":", "") + "Z"
        if not is_open:
            names.append(f"{p}-{m:09d}-{time}")
        elif (p, m) not in seen_open:
            seen_open.add((p, m))
            names.append(f"{p}-{m:09d}-open")
        else:
            names.append(f"{p}-{m:09d}-open-{time}")
    return names


@njit(nogil=True, cache=True)
def _price_lines(vessel, key, speed_dkn, time_us, draught, vessels, factors, limits, group, grams, load, kw):
    """Energy and mass of every line, summed by group in the order of the lines."""
    rates = np.empty((3, N_PRICED))
    for i in range(len(vessel)):
        v = vessel[i]
        mode = (key[i] >> 40) & 0x7
        regime = (key[i] >> 11) & 0x1FF
        coastal = (key[i] >> 10) & 1
        shore = (key[i] >> 9) & 1
        load[i] = main_load(v, speed_dkn[i], mode, coastal, draught[i], vessels, factors, limits)
        price(v, mode, regime, shore, load[i], vessels, factors, limits, rates)
        kw[i, 0] = load[i] * vessels.installed_kw[v]
        kw[i, 1] = 0.0 if shore else vessels.aux_kw[v, mode]
        kw[i, 2] = vessels.boiler_kw[v, mode]
        kw[i, 3] = vessels.aux_kw[v, mode] if shore else 0.0
        hours = time_us[i] / US_PER_HOUR
        g = group[i]
        for s in range(3):
            for p in range(N_PRICED):
                grams[g, s, p] += rates[s, p] * hours


def compute(tracks: Tracks, context: Context, *, with_grid: bool = True) -> Batch:
    """Compute every output row of the vessels in ``tracks`` that the context knows; others are passed over."""
    mmsi, offsets = tracks.vessels()
    place = np.searchsorted(context.vessels.mmsi, mmsi)
    place = np.minimum(place, max(len(context.vessels.mmsi) - 1, 0))
    known = context.vessels.mmsi[place] == mmsi if len(context.vessels.mmsi) else np.zeros(len(mmsi), np.bool_)
    if not known.all():
        rows = np.repeat(known, np.diff(offsets))
        tracks = Tracks(**{name: getattr(tracks, name)[rows] for name in tracks.__dataclass_fields__})
        offsets = np.append(0, np.cumsum(np.diff(offsets)[known]))
        mmsi, place = mmsi[known], place[known]
    vessel_of = place.astype(np.int32)
    lines, activity, calls, stops, cells, grid, seen, call_gap = run_kernel(
        offsets,
        vessel_of,
        tracks.time_us,
        tracks.lat,
        tracks.lon,
        tracks.speed_dkn,
        tracks.nav_status,
        tracks.draught_dm,
        context.index,
        context.places,
        context.vessels,
        context.factors,
        context.shore,
        context.limits,
        with_grid,
    )
    # Calls count from 0 within a vessel; `base` turns that into a row of `calls`.
    base = np.searchsorted(calls[:, 0], vessel_of)
    order = np.lexsort((lines[2], lines[1], lines[0]))
    lines = tuple(column[order] for column in lines)
    names = _call_table_names(calls, tracks, context)
    line_call = _call_rows(lines[0], lines[1], vessel_of, base)
    priced, load, kw = _price(lines, context)
    tables = {
        "calls": _calls_table(calls, call_gap, stops, lines, line_call, names, tracks, context),
        "events": _events_table(calls, stops, names, tracks, context),
        "activity": _activity_table(activity, vessel_of, base, names, context),
        "load_lines": _lines_table(lines, line_call, names, load, kw, context),
        "inventory": _inventory_table(lines, line_call, names, priced, kw, context),
    }
    tables["voyages"] = _voyages_table(tables["calls"], tables["activity"], calls, tracks, context)
    return Batch(tables, cells, grid, context.vessels.mmsi[vessel_of], seen)


def _call_rows(vessel: NDArray[np.int32], key: I64, vessel_of: NDArray[np.int32], base: I64) -> I64:
    call = unpack(key).call
    start = base[np.searchsorted(vessel_of, vessel)]
    return np.where(call < 0, -1, call + start)


def _call_column(calls: I64, name: str) -> I64:
    return calls[:, 1 + CALL_FIELDS.index(name)]


def _call_table_names(calls: I64, tracks: Tracks, context: Context) -> list[str]:
    ports = [context.port_codes[p] for p in _call_column(calls, "port")]
    arrival = tracks.time_us[_call_column(calls, "first")]
    return call_ids(ports, context.vessels.mmsi[calls[:, 0]], arrival, _call_column(calls, "open_start") == 1)


def _price(lines: tuple[Any, ...], context: Context) -> tuple[tuple[I64, F64], F64, F64]:
    """Return ((first line of each group, grams), load, kW); a group shares vessel, call, mode and zone."""
    vessel, key, speed, time_us = lines
    n = len(vessel)
    head = key >> GROUP_SHIFT
    new = np.ones(n, np.bool_)
    new[1:] = (head[1:] != head[:-1]) | (vessel[1:] != vessel[:-1])
    first = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    grams = np.zeros((len(first), 3, N_PRICED))
    load = np.empty(n)
    kw = np.empty((n, 4))
    _price_lines(
        vessel,
        key,
        speed,
        time_us,
        unpack(key).draught_dm,
        context.vessels,
        context.factors,
        context.limits,
        group,
        grams,
        load,
        kw,
    )
    return (first, grams), load, kw


def _lines_table(lines: tuple[Any, ...], call: I64, names: list[str], load: F64, kw: F64, context: Context) -> pa.Table:
    vessel, key, speed, time_us = lines
    parts = unpack(key)
    limits = context.limits
    margin = np.where(parts.coastal == 1, limits.sea_margin_coastal, limits.sea_margin_at_sea)
    if context.factors.imo4:
        margin = np.zeros(len(margin))
    return pa.table(
        {
            "mmsi": context.vessels.mmsi[vessel],
            "call_id": _names(names, call),
            "mode": _names(list(MODE_NAMES), parts.mode),
            "zone": _names(context.zone_ids, parts.zone),
            "evidence": _names(list(EVIDENCE_NAMES), parts.evidence),
            "regime": _names(context.regime_names, parts.regime),
            "sea_margin": margin,
            "shore_power": parts.shore == 1,
            "draught_m": pa.array(parts.draught_dm / 10.0, mask=parts.draught_dm == 0),
            "speed_kn": speed / 10.0,
            "hours": _hours(time_us),
            "load": load,
            "main_kw": kw[:, 0],
            "aux_kw": kw[:, 1],
            "boiler_kw": kw[:, 2],
            "shore_kw": kw[:, 3],
        }
    ).select(LINES.schema.names)


def _activity_table(
    activity: tuple[Any, ...], vessel_of: NDArray[np.int32], base: I64, names: list[str], context: Context
) -> pa.Table:
    vessel, hour, key, time_us, shore_us, distance_nm, main_kwh = activity
    order = np.lexsort((key, hour, vessel))
    vessel, hour, key, time_us, shore_us, distance_nm, main_kwh = (column[order] for column in activity)
    parts = unpack(key)
    hours = _hours(time_us)
    plugged = _hours(shore_us)
    aux_kw = context.vessels.aux_kw[vessel, parts.mode]
    return pa.table(
        {
            "mmsi": context.vessels.mmsi[vessel],
            "call_id": _names(names, _call_rows(vessel, key, vessel_of, base)),
            "hour": _times(hour * US_PER_HOUR),
            "mode": _names(list(MODE_NAMES), parts.mode),
            "zone": _names(context.zone_ids, parts.zone),
            "evidence": _names(list(EVIDENCE_NAMES), parts.evidence),
            "hours": hours,
            "distance_nm": distance_nm,
            "main_kwh": main_kwh,
            "aux_kwh": aux_kw * (hours - plugged),
            "boiler_kwh": context.vessels.boiler_kw[vessel, parts.mode] * hours,
            "shore_kwh": aux_kw * plugged,
        }
    ).select(ACTIVITY.schema.names)


def _inventory_table(
    lines: tuple[Any, ...], line_call: I64, names: list[str], priced: tuple[I64, F64], kw: F64, context: Context
) -> pa.Table:
    first, grams = priced
    vessel, key = lines[0][first], lines[1][first]
    parts = unpack(key)
    call = line_call[first]
    pollutants = list(PRICED[:-1])
    # Well-to-wake is CO2e only: tank-to-wake plus the upstream part of the fuel burnt.
    masses = np.concatenate([grams[:, :, :_WTT], grams[:, :, _CO2E : _CO2E + 1] + grams[:, :, _WTT:]], axis=2)
    n, sources, count = masses.shape
    profile = context.vessels.profile[vessel]
    factor_grade = context.labels.factor_grade[profile]
    factor_grade = np.concatenate(
        [factor_grade[:, :, :_WTT], np.maximum(factor_grade[:, :, _CO2E : _CO2E + 1], factor_grade[:, :, _WTT:])],
        axis=2,
    )
    grade = np.maximum(context.labels.input_grade[vessel][:, :, None], factor_grade)
    row, source, pollutant = np.meshgrid(np.arange(n), np.arange(sources), np.arange(count), indexing="ij")
    keep = masses > 0.0  # a source that does not run has no row; NaN (no factor exists) has none either
    row, source, pollutant = row[keep], source[keep], pollutant[keep]
    mass = masses[keep]
    grade = grade[keep]
    vessel, call, mode, zone = vessel[row], call[row], parts.mode[row], parts.zone[row]
    basis = np.where(pollutant == count - 1, 1, 0)
    if np.any(kw[:, 3] > 0):
        shore = _shore_rows(lines, line_call, kw, context)
        vessel = np.concatenate([vessel, shore[0]])
        call, mode, zone = np.append(call, shore[1]), np.append(mode, shore[2]), np.append(zone, shore[3])
        mass = np.append(mass, shore[4])
        source = np.append(source, np.full(len(shore[0]), 3))
        pollutant = np.append(pollutant, np.full(len(shore[0]), count - 1))
        basis = np.append(basis, np.ones(len(shore[0]), np.int64))
        grade = np.append(grade, np.full(len(shore[0]), GRADES.index("C")))
    pollutant = np.where(basis == 1, _CO2E, pollutant)
    table = pa.table(
        {
            "call_id": _names(names, call),
            "mmsi": context.vessels.mmsi[vessel],
            "mode": _names(list(MODE_NAMES), mode),
            "source": _names([*SOURCE_NAMES, "shore_power"], source),
            "zone": _names(context.zone_ids, zone),
            "pollutant": _names(pollutants, pollutant),
            "grams": mass,
            "basis": _names(["ttw", "wtw"], basis),
            "grade": _names(list(GRADES), grade),
        }
    ).select(INVENTORY.schema.names)
    return table.take(pa.array(np.lexsort((pollutant, basis, zone, source, mode, call, vessel))))


def _shore_rows(lines: tuple[Any, ...], line_call: I64, kw: F64, context: Context) -> tuple[Any, ...]:
    """CO2e of the electricity taken from shore, by vessel, call, mode and zone."""
    vessel, key, _, time_us = lines
    parts = unpack(key)
    on = kw[:, 3] > 0
    head = np.stack([vessel[on], line_call[on], parts.mode[on], parts.zone[on]])
    groups, where = np.unique(head, axis=1, return_inverse=True)
    mass = np.zeros(groups.shape[1])
    np.add.at(mass, where.ravel(), kw[on, 3] * _hours(time_us[on]) * context.shore_g_per_kwh)
    return groups[0].astype(np.int32), groups[1], groups[2], groups[3], mass


def _calls_table(
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
                "arrival": _times(tracks.time_us[first], open_start),
                "departure": _times(departure, open_end),
                "first_seen": _times(tracks.time_us[first]),
                "last_seen": _times(tracks.time_us[end - 1]),
                **{f"{mode}_h": _hours(mode_us[:, k]) for k, mode in enumerate(MODE_NAMES)},
                "interpolated_h": _hours(call_gap[:, 0]),
                "unobserved_h": _hours(call_gap[:, 1]),
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


def _events_table(calls: I64, stops: I64, names: list[str], tracks: Tracks, context: Context) -> pa.Table:
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
            "call_id": _names(names, call),
            "mmsi": context.vessels.mmsi[calls[call, 0]] if rows else np.empty(0, np.int32),
            "time": _times(time),
            "event": event,
            "zone": _names(context.zone_ids, np.array([r[3] for r in rows], np.int64)),
        }
    )
    return table.select(EVENTS.schema.names)


def _voyages_table(calls: pa.Table, activity: pa.Table, raw: I64, tracks: Tracks, context: Context) -> pa.Table:
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
        empty["distance_nm"].append(float((knots[seen] * _hours(steps[seen])).sum()))
    return pa.table(
        [pa.array(empty[name], VOYAGES.schema.field(name).type) for name in VOYAGES.columns], schema=VOYAGES.schema
    )
