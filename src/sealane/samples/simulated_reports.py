"""From the noise-free track to AIS reports with all their faults, in the columns of MarineCadastre files."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sealane.samples.simulated_fleet import (
    ATON_MMSI_FIRST,
    BASE_STATION_MMSI,
    SMALL_CRAFT_MMSI_FIRST,
)
from sealane.samples.simulated_tracks import F64, MS_PER_KN, places, to_degrees, to_point
from sealane.samples.simulated_week import WEEK_S, Truth

I64 = NDArray[np.int64]

# MarineCadastre's layout of 2018-2024.
REPORT_COLUMNS: dict[str, pa.DataType] = {
    "MMSI": pa.int32(),
    "BaseDateTime": pa.timestamp("s"),
    "LAT": pa.float64(),
    "LON": pa.float64(),
    "SOG": pa.float64(),
    "COG": pa.float64(),
    "Heading": pa.float64(),
    "VesselName": pa.string(),
    "IMO": pa.string(),
    "CallSign": pa.string(),
    "VesselType": pa.int16(),
    "Status": pa.int8(),
    "Length": pa.float64(),
    "Width": pa.float64(),
    "Draft": pa.float64(),
    "Cargo": pa.int16(),
    "TransceiverClass": pa.string(),
}
FAULT_KINDS = (
    "rows removed by silences",
    "exact duplicates",
    "ties at one second",
    "speed 102.3",
    "heading 511",
    "latitude 91, longitude 181",
    "single positions that jump",
    "positions of another ship with the same MMSI",
    "rows without static data yet",
    "rows with a former name",
    "rows with a wrong IMO check digit",
    "rows with length 0",
    "rows with a late or stale status",
    "rows without a status",
)


@dataclass
class Reports:
    """Rows of one transmitter under construction, shape ``(n,)``; `t_s` is whole seconds of the week."""

    t_s: I64
    lat: F64
    lon: F64
    sog: F64
    cog: F64
    heading: F64
    status: I64  # -1: none
    draught: F64
    has_static: NDArray[np.bool_]
    name: NDArray[np.object_]
    imo: NDArray[np.object_]
    length: F64


def report_ship(truth: Truth, number: int, rng: np.random.Generator, faults: dict[str, int]) -> pa.Table:
    """AIS reports of one simulated ship: every 10 s under way, about every 3 min at rest, noisy and faulty.

    Parameters
    ----------
    truth : the ship's noise-free week.
    number : of the ship; decides which of the systematic faults she has.
    rng : the week's random numbers.
    faults : counts by kind, added to.
    """
    rows = _sample(truth, rng)
    _late_status(rows, truth, number, rng, faults)
    _static_faults(rows, truth, number, faults)
    rows = _silences(rows, truth, number, rng, faults)
    _sentinels(rows, number, rng, faults)
    _jumps(rows, number, rng, faults)
    return _doubles(_to_table(rows, truth), rng, faults)


def _sample(truth: Truth, rng: np.random.Generator) -> Reports:
    n = len(truth.t_s)
    moving = truth.stay < 0
    step = np.arange(n)
    phase = int(rng.integers(36))
    chosen = step[(moving & (step % 2 == 0)) | (~moving & (step % 36 == phase))]
    jitter = np.where(moving[chosen], rng.integers(0, 5, len(chosen)), rng.integers(0, 25, len(chosen)))
    t = np.minimum(truth.t_s[chosen].astype(np.int64) + jitter, int(WEEK_S) - 1)
    t = np.minimum(t, int(truth.t_s[-1]))
    t, first = np.unique(t, return_index=True)
    at = np.searchsorted(truth.t_s, t, side="right") - 1
    x, y = np.interp(t, truth.t_s, truth.x), np.interp(t, truth.t_s, truth.y)
    lat, lon = to_degrees(x + rng.normal(0, 4, len(t)), y + rng.normal(0, 4, len(t)))
    rest = ~moving[at]
    speed = np.interp(t, truth.t_s, truth.speed_kn)
    speed = np.where(rest, np.abs(rng.normal(0, 0.06, len(t))), speed + rng.normal(0, 0.04, len(t)))
    anchored = np.array([s.kind == "anchorage" for s in truth.stays] + [False])[truth.stay[at]]
    cog = np.where(rest, rng.uniform(0, 360, len(t)), truth.course_deg[at] + rng.normal(0, 0.8, len(t)))
    heading = truth.heading_deg[at] + rng.normal(0, np.where(rest & ~anchored, 0.3, 0.8), len(t))
    status = np.where(anchored, 1, np.where(rest, 5, 0))
    assert len(first) == len(t)
    return Reports(
        t_s=t,
        lat=lat,
        lon=lon,
        sog=np.clip(np.round(speed, 1), 0, None),
        cog=np.round(cog % 360, 1),
        heading=np.round(heading % 360) % 360,
        status=status.astype(np.int64),
        draught=truth.draught_m[at],
        has_static=np.ones(len(t), np.bool_),
        name=np.full(len(t), truth.ship.name, np.object_),
        imo=np.full(len(t), f"IMO{truth.ship.imo}", np.object_),
        length=np.full(len(t), float(truth.ship.length_m)),
    )


def _late_status(rows: Reports, truth: Truth, number: int, rng: np.random.Generator, faults: dict[str, int]) -> None:
    """Status set late at stops and left on after departure, as on real bridges; some ships send none."""
    if truth.ship.class_b:
        rows.status[:] = -1
        faults["rows without a status"] += len(rows.t_s)
        return
    if number % 13 == 5:
        rows.status[:] = 15
        faults["rows without a status"] += len(rows.t_s)
        return
    for stay in truth.stays:
        late = stay.begin_s + float(rng.uniform(0, 25)) * 60
        stale = stay.end_s + float(rng.uniform(0, 12)) * 60
        before = (rows.t_s >= stay.begin_s) & (rows.t_s < late)
        after = (rows.t_s >= stay.end_s) & (rows.t_s < stale)
        rows.status[before] = 0
        rows.status[after] = 1 if stay.kind == "anchorage" else 5
        faults["rows with a late or stale status"] += int(before.sum() + after.sum())


def _static_faults(rows: Reports, truth: Truth, number: int, faults: dict[str, int]) -> None:
    n = len(rows.t_s)
    if number % 8 == 1:  # static data arrive some minutes after the first position
        late = rows.t_s < rows.t_s[0] + 900
        rows.has_static[late] = False
        faults["rows without static data yet"] += int(late.sum())
    if number % 19 == 3:  # renamed before the week; the set is reprogrammed a quarter into the track
        rows.name[: n // 4] = f"SIMULATED EX {truth.ship.mmsi % 1000:02d}"
        faults["rows with a former name"] += n // 4
    if number % 17 == 4:  # a digit mistyped: the check digit is wrong
        wrong = slice(0, n) if number % 2 else slice(0, n // 3)
        rows.imo[wrong] = f"IMO{truth.ship.imo + 1}"
        faults["rows with a wrong IMO check digit"] += len(rows.imo[wrong])
    if number % 14 == 6:
        rows.length[n // 2 : n // 2 + n // 5] = 0.0
        faults["rows with length 0"] += n // 5


def _keep(rows: Reports, keep: NDArray[np.bool_]) -> Reports:
    return Reports(**{name: column[keep] for name, column in vars(rows).items()})


def _silences(rows: Reports, truth: Truth, number: int, rng: np.random.Generator, faults: dict[str, int]) -> Reports:
    """Short silences anywhere, and for some ships one of hours at rest; none reaches the 6 h gap limit."""
    keep = np.ones(len(rows.t_s), np.bool_)
    for _ in range(3):
        begin = float(rng.uniform(rows.t_s[0] + 3600, max(rows.t_s[-1] - 3600, rows.t_s[0] + 3601)))
        keep &= (rows.t_s < begin) | (rows.t_s >= begin + float(rng.uniform(2, 25)) * 60)
    if number % 7 == 2 and truth.stays and truth.stays[-1].end_s - truth.stays[-1].begin_s > 8 * 3600:
        begin = max(truth.stays[-1].begin_s, 0.0) + 2 * 3600
        keep &= (rows.t_s < begin) | (rows.t_s >= begin + float(rng.uniform(1, 4)) * 3600)
    keep[[0, -1]] = True
    faults["rows removed by silences"] += int((~keep).sum())
    return _keep(rows, keep)


def _sentinels(rows: Reports, number: int, rng: np.random.Generator, faults: dict[str, int]) -> None:
    n = len(rows.t_s)
    no_speed = rng.random(n) < 0.002
    no_heading = (rng.random(n) < 0.01) | (number % 11 == 7)
    no_place = rng.random(n) < 0.0004
    no_place[[0, -1]] = False
    rows.sog[no_speed] = 102.3
    rows.cog[no_speed] = 360.0
    rows.heading[no_heading] = 511.0
    rows.lat[no_place], rows.lon[no_place] = 91.0, 181.0
    faults["speed 102.3"] += int(no_speed.sum())
    faults["heading 511"] += int(no_heading.sum())
    faults["latitude 91, longitude 181"] += int(no_place.sum())


def _jumps(rows: Reports, number: int, rng: np.random.Generator, faults: dict[str, int]) -> None:
    n = len(rows.t_s)
    single = rng.random(n) < 0.0002
    single[[0, -1]] = False
    rows.lat[single] += rng.choice([-1, 1], int(single.sum())) * rng.uniform(0.3, 2.0, int(single.sum()))
    faults["single positions that jump"] += int(single.sum())
    if number % 16 == 9:  # a second transmitter with the same MMSI, an ocean away, heard now and then
        other = np.zeros(n, np.bool_)
        other[rng.choice(np.arange(n // 3, 2 * n // 3), 20, replace=False)] = True
        rows.lat[other] = 34.6 + rng.normal(0, 0.001, 20)
        rows.lon[other] = 135.2 + rng.normal(0, 0.001, 20)
        rows.sog[other], rows.status[other] = 0.0, 5
        faults["positions of another ship with the same MMSI"] += 20


def _to_table(rows: Reports, truth: Truth) -> pa.Table:
    ship, n = truth.ship, len(rows.t_s)
    none = ~rows.has_static
    no_status = rows.status < 0

    def number(value: float | int, kind: pa.DataType) -> pa.Array:
        return pa.array(np.full(n, value), mask=none).cast(kind)

    return pa.table(
        {
            "MMSI": pa.array(np.full(n, ship.mmsi), pa.int32()),
            "BaseDateTime": pa.array(rows.t_s, pa.int64()),
            "LAT": np.round(rows.lat, 5),
            "LON": np.round(rows.lon, 5),
            "SOG": rows.sog,
            "COG": rows.cog,
            "Heading": rows.heading,
            "VesselName": pa.array(rows.name, pa.string(), mask=none),
            "IMO": pa.array(rows.imo, pa.string(), mask=none),
            "CallSign": pa.array(np.full(n, ship.call_sign, np.object_), pa.string(), mask=none),
            "VesselType": number(ship.ais_type, pa.int16()),
            "Status": pa.array(rows.status, mask=no_status).cast(pa.int8()),
            "Length": pa.array(rows.length, mask=none),
            "Width": number(float(ship.beam_m), pa.float64()),
            "Draft": pa.array(rows.draught, mask=none),
            "Cargo": number(ship.ais_type, pa.int16()),
            "TransceiverClass": pa.array(np.full(n, "B" if ship.class_b else "A", np.object_), pa.string()),
        }
    )


def _doubles(table: pa.Table, rng: np.random.Generator, faults: dict[str, int]) -> pa.Table:
    """Rows heard by two receivers: exact duplicates, and ties that differ in the last digits of the position."""
    n = table.num_rows
    doubled = np.flatnonzero(rng.random(n) < 0.01)
    tied = np.flatnonzero(rng.random(n) < 0.003)
    ties = table.take(pa.array(tied))
    lat = np.round(ties["LAT"].to_numpy() + rng.choice([-2e-5, 2e-5], len(tied)), 5)
    ties = ties.set_column(2, "LAT", pa.array(np.where(ties["LAT"].to_numpy() > 90, 91.0, lat)))
    faults["exact duplicates"] += len(doubled)
    faults["ties at one second"] += len(tied)
    return pa.concat_tables([table, table.take(pa.array(doubled)), ties])


def report_others(rng: np.random.Generator) -> list[pa.Table]:
    """What is no ocean-going ship: tugs, a pilot boat, pleasure craft, aids to navigation, a base station."""
    tables = []
    for k, (kind, length, name, letter) in enumerate(
        [
            (52, 30.0, "TUG A", "A"),
            (52, 32.0, "TUG B", "A"),
            (31, 28.0, "TOW C", "A"),
            (50, 18.0, "PILOT", "A"),
            (30, 24.0, "FISH", "B"),
            (37, 14.0, "YACHT", "B"),
            (60, 40.0, "FERRY", "A"),
        ]
    ):
        route = np.array(places().berths[(k * 5) % len(places().berths)].path[-5:])
        there = np.vstack([route, route[::-1]])
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(there, axis=0).T))])
        begin = int(rng.integers(0, 100)) * 3600
        t = np.arange(begin, begin + 24 * 3600, 60)
        s = (t - begin) * 7.0 * MS_PER_KN % along[-1]
        lat, lon = to_degrees(np.interp(s, along, there[:, 0]), np.interp(s, along, there[:, 1]))
        tables.append(_plain(SMALL_CRAFT_MMSI_FIRST + k, t, lat, lon, 7.0, f"SIMULATED {name}", kind, length, letter))
    for k in range(2):
        t = np.arange(0, int(WEEK_S), 1800)
        buoy = to_point(-118.18 + 0.06 * k, 33.70)
        lat, lon = to_degrees(np.full(len(t), buoy.x), np.full(len(t), buoy.y))
        tables.append(_plain(ATON_MMSI_FIRST + k, t, lat, lon, 0.0, f"SIMULATED BUOY {k + 1}", 0, 0.0, "A"))
    t = np.arange(0, int(WEEK_S), 3600)
    lat, lon = np.full(len(t), 33.74), np.full(len(t), -118.30)
    tables.append(_plain(BASE_STATION_MMSI, t, lat, lon, 0.0, "SIMULATED BASE", 0, 0.0, "A"))
    return tables


def _plain(
    mmsi: int, t: I64, lat: F64, lon: F64, sog: float, name: str, kind: int, length: float, letter: str
) -> pa.Table:
    t = t[t < WEEK_S]
    n = len(t)
    constant: dict[str, object] = {
        "MMSI": mmsi,
        "SOG": sog,
        "COG": 0.0,
        "Heading": 511.0,
        "VesselName": name,
        "IMO": None,
        "CallSign": None,
        "VesselType": kind,
        "Status": 0 if letter == "A" and sog > 0 else None,
        "Length": length,
        "Width": math.ceil(length / 4),
        "Draft": None,
        "Cargo": None,
        "TransceiverClass": letter,
    }
    columns: dict[str, pa.Array] = {
        "BaseDateTime": pa.array(t, pa.int64()),
        "LAT": pa.array(np.round(lat[:n], 5)),
        "LON": pa.array(np.round(lon[:n], 5)),
    }
    for column, value in constant.items():
        columns[column] = pa.array([value] * n, REPORT_COLUMNS[column])
    return pa.table({column: columns[column] for column in REPORT_COLUMNS})
