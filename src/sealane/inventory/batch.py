"""One batch of whole vessels: clean tracks in, finished rows of every output table out.

A batch knows nothing of engines, threads or files. The local engine hands it buckets, Spark hands it partitions;
as vessels are whole, the rows are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
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
    Mode,
    unpack,
)
from sealane.emissions.pricing import main_load, price
from sealane.inventory.batch_context import F64, I64, Context, hours_of, names_column, time_column
from sealane.inventory.call_tables import call_names, calls_table, events_table, voyages_table
from sealane.inventory.schemas import ACTIVITY, INVENTORY, LINES
from sealane.movement.compiled import njit
from sealane.movement.tracks import Tracks

GRADES = ("A", "B", "C", "D")
_WTT = PRICED.index("wtt_co2e")
_CO2E = PRICED.index("co2e")


@dataclass(frozen=True)
class Batch:
    """Finished rows of whole vessels, each table sorted by its key; the grid as integers still to be added up."""

    tables: dict[str, pa.Table]
    grid_cell: I64
    grid: I64
    vessel_mmsi: NDArray[np.int32]
    seen_us: I64  # (vessels, 3) observed, interpolated, unobserved


@njit(nogil=True, cache=True)
def _price_lines(vessel, parts, speed_dkn, time_us, vessels, factors, limits, group, grams, load, kw):
    """Energy and mass of every line, summed by group in the order of the lines."""
    rates = np.empty((3, N_PRICED))
    for i in range(len(vessel)):
        v = vessel[i]
        mode, regime, shore = parts.mode[i], parts.regime[i], parts.shore[i]
        load[i] = main_load(v, speed_dkn[i], mode, parts.coastal[i], parts.draught_dm[i], vessels, factors, limits)
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
    names = call_names(calls, tracks, context)
    line_call = _call_rows(lines[0], lines[1], vessel_of, base)
    priced, load, kw = _price(lines, context)
    tables = {
        "calls": calls_table(calls, call_gap, stops, lines, line_call, names, tracks, context),
        "events": events_table(calls, stops, names, tracks, context),
        "activity": _activity_table(activity, vessel_of, base, names, context),
        "load_lines": _lines_table(lines, line_call, names, load, kw, context),
        "inventory": _inventory_table(lines, line_call, names, priced, kw, context),
    }
    tables["voyages"] = voyages_table(tables["calls"], tables["activity"], calls, tracks, context)
    return Batch(tables, cells, grid, context.vessels.mmsi[vessel_of], seen)


def _call_rows(vessel: NDArray[np.int32], key: I64, vessel_of: NDArray[np.int32], base: I64) -> I64:
    call = unpack(key).call
    start = base[np.searchsorted(vessel_of, vessel)]
    return np.where(call < 0, -1, call + start)


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
        unpack(key),
        speed,
        time_us,
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
            "call_id": names_column(names, call),
            "mode": names_column(list(MODE_NAMES), parts.mode),
            "zone": names_column(context.zone_ids, parts.zone),
            "evidence": names_column(list(EVIDENCE_NAMES), parts.evidence),
            "regime": names_column(context.regime_names, parts.regime),
            "sea_margin": margin,
            "shore_power": parts.shore == 1,
            "draught_m": pa.array(parts.draught_dm / 10.0, mask=parts.draught_dm == 0),
            "speed_kn": speed / 10.0,
            "hours": hours_of(time_us),
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
    hours = hours_of(time_us)
    plugged = hours_of(shore_us)
    aux_kw = context.vessels.aux_kw[vessel, parts.mode]
    return pa.table(
        {
            "mmsi": context.vessels.mmsi[vessel],
            "call_id": names_column(names, _call_rows(vessel, key, vessel_of, base)),
            "hour": time_column(hour * US_PER_HOUR),
            "mode": names_column(list(MODE_NAMES), parts.mode),
            "zone": names_column(context.zone_ids, parts.zone),
            "evidence": names_column(list(EVIDENCE_NAMES), parts.evidence),
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
    # No hotel load is published for a drifting ship; taking that of a ship at anchor is an assumption.
    grade[parts.mode == Mode.DRIFT, SOURCE_NAMES.index("auxiliary") :] = GRADES.index("D")
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
        hotel = context.labels.input_grade[shore[0], SOURCE_NAMES.index("auxiliary")]
        grade = np.append(grade, np.maximum(hotel, context.shore_grade))
    pollutant = np.where(basis == 1, _CO2E, pollutant)
    table = pa.table(
        {
            "call_id": names_column(names, call),
            "mmsi": context.vessels.mmsi[vessel],
            "mode": names_column(list(MODE_NAMES), mode),
            "source": names_column([*SOURCE_NAMES, "shore_power"], source),
            "zone": names_column(context.zone_ids, zone),
            "pollutant": names_column(pollutants, pollutant),
            "grams": mass,
            "basis": names_column(["ttw", "wtw"], basis),
            "grade": names_column(list(GRADES), grade),
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
    np.add.at(mass, where.ravel(), kw[on, 3] * hours_of(time_us[on]) * context.shore_g_per_kwh)
    return groups[0].astype(np.int32), groups[1], groups[2], groups[3], mass
