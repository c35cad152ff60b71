"""SYNTHETIC positions for the benchmarks: seeded, vectorised, written by chunks with bounded memory.

No ship here is a real one: MMSI 772000001 and up (a country code assigned to no administration), names that say
SYNTHETIC. A ship sails out to sea and back, waits at anchor, goes alongside, and begins anew; one in four stays at
sea. Speeds come in steps of 0.1 kn, reports about once a minute, one in a thousand after a longer silence.

Two files come from the same rows: a Parquet file of clean tracks, sorted by (mmsi, time), whose row groups hold
whole vessels; and a CSV in MarineCadastre columns, in the order of time with the vessels mixed, as published.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sealane.movement.tracks import TRACK_SCHEMA

MMSI_FIRST = 772_000_001
ROWS_PER_SHIP = 20_000
ROWS_PER_GROUP = 1_000_000
ROWS_PER_SLICE = 2_000_000
START_S = 1_719_792_000  # 2024-07-01 00:00 UTC
SPAN_S = 16 * 86_400
_BERTH_HALF_DEG = 0.0015
_APPROACH = (33.62, -118.45)
_ANCHORAGES = ((33.700, -118.215), (33.680, -118.145), (33.731, -118.155), (33.728, -118.213), (33.660, -118.150))
_NM_DEG = 1.0 / 60.0
SEA, MANOEUVRE, ANCHOR, BERTH = range(4)

ROW = np.dtype(
    {
        "names": ["mmsi", "s", "lat", "lon", "sog", "cog", "hdg", "status", "draught"],
        "formats": ["i4", "i4", "f8", "f8", "i2", "i2", "i2", "i1", "i2"],
    }
)
Rows = NDArray[np.void]


def berths() -> list[tuple[float, float]]:
    """(lat, lon) of the SIMULATED berths of the shipped sample."""
    text = resources.files("sealane.samples").joinpath("data", "simulated_los_angeles_places.geojson").read_text()
    places = [f for f in json.loads(text)["features"] if f["properties"]["kind"] == "berth"]
    return [(f["geometry"]["coordinates"][1], f["geometry"]["coordinates"][0]) for f in places]


def write_zones(path: Path) -> Path:
    """Berth boxes round the simulated berths, as the job's ``--zones`` file."""
    features = []
    for number, (lat, lon) in enumerate(berths(), start=1):
        w, e, s, n = lon - _BERTH_HALF_DEG, lon + _BERTH_HALF_DEG, lat - _BERTH_HALF_DEG, lat + _BERTH_HALF_DEG
        ring = [[w, s], [e, s], [e, n], [w, n], [w, s]]
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "id": f"SYNTHETIC-berth-{number}",
                    "name": f"SYNTHETIC berth {number}",
                    "kind": "berth",
                    "port": "USLAX",
                    "source": "SYNTHETIC: made for the benchmark",
                },
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        )
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def ship_count(rows: int) -> int:
    """Ships that have `rows` reports in all."""
    return -(-rows // ROWS_PER_SHIP)


def _phases(rng: np.random.Generator, in_port: bool) -> list[tuple[int, float, float, tuple[float, ...], int]]:
    """(kind, seconds, knots, (lat, lon, lat, lon), draught) one after the other, until the span is filled."""
    quays = berths()
    found: list[tuple[int, float, float, tuple[float, ...], int]] = []
    total, draught = 0.0, int(rng.integers(60, 150))

    def add(kind: int, seconds: float, knots: float, path: tuple[float, ...]) -> None:
        nonlocal total
        found.append((kind, seconds, knots, path, draught))
        total += seconds

    def sail(a: tuple[float, float], b: tuple[float, float]) -> None:
        knots = rng.uniform(4, 10)
        nm = np.hypot((b[0] - a[0]) * 60, (b[1] - a[1]) * 60 * np.cos(np.radians(a[0])))
        add(MANOEUVRE, nm / knots * 3600, knots, (*a, *b))

    while total < SPAN_S:
        knots, hours, bearing = rng.uniform(11, 21), rng.uniform(20, 60), np.radians(rng.uniform(200, 290))
        reach = knots * hours / 2 * _NM_DEG
        end = (_APPROACH[0] + reach * np.cos(bearing), _APPROACH[1] + reach * np.sin(bearing) / 0.83)
        add(SEA, hours * 1800, knots, (*_APPROACH, *end))
        add(SEA, hours * 1800, knots, (*end, *_APPROACH))
        if not in_port:
            continue
        quay, roads = quays[rng.integers(len(quays))], _ANCHORAGES[rng.integers(len(_ANCHORAGES))]
        here = _APPROACH
        if rng.random() < 0.5:
            sail(here, roads)
            add(ANCHOR, rng.uniform(4, 48) * 3600, 0.0, (*roads, *roads))
            here = roads
        sail(here, quay)
        add(BERTH, rng.uniform(12, 60) * 3600, 0.0, (*quay, *quay))
        draught = int(rng.integers(60, 150))
        sail(quay, _APPROACH)
    return found


def ship_rows(number: int, rows: int, seed: int = 2) -> Rows:
    """The reports of one ship in the order of time."""
    rng = np.random.default_rng([seed, number])
    phases = _phases(rng, in_port=number % 4 != 0)
    step = rng.integers(50, 72, rows)
    silent = rng.random(rows) < 0.001
    step[silent] = rng.choice([700, 1500, 4000, 30_000], int(silent.sum()), p=[0.5, 0.3, 0.19, 0.01])
    out = np.zeros(rows, ROW)
    out["mmsi"] = MMSI_FIRST + number
    out["s"] = np.cumsum(step) + int(rng.integers(0, 3600))
    # A ship may start anywhere in its round.
    at = (out["s"] + rng.uniform(0, SPAN_S)) % sum(p[1] for p in phases)
    ends = np.cumsum([p[1] for p in phases])
    phase = np.minimum(np.searchsorted(ends, at, side="right"), len(phases) - 1)
    kind, seconds, knots, draught = (np.array([p[k] for p in phases])[phase] for k in (0, 1, 2, 4))
    lat1, lon1, lat2, lon2 = np.array([p[3] for p in phases])[phase].T
    share = 1.0 - (ends[phase] - at) / seconds
    noise = np.array([2e-5, 2e-5, 4e-4, 3e-5])[kind.astype(int)]
    out["lat"] = np.round(lat1 + (lat2 - lat1) * share + rng.normal(0, 1, rows) * noise, 5)
    out["lon"] = np.round(lon1 + (lon2 - lon1) * share + rng.normal(0, 1, rows) * noise, 5)
    moving = kind < ANCHOR
    sway = np.sin(at / 5000.0) + rng.normal(0, 0.15, rows)
    still = rng.choice([0, 0, 0, 1, 2], rows)
    out["sog"] = np.where(moving, np.clip(np.rint((knots + 0.5 * sway) * 10), 15, 400), still)
    course = np.degrees(np.arctan2(lon2 - lon1, lat2 - lat1)) % 360
    out["cog"] = np.where(moving, np.rint(course), rng.integers(0, 360, rows))
    out["hdg"] = np.rint(course) % 360
    said = np.array([0, 0, 1, 5])[kind.astype(int)]
    out["status"] = np.where(rng.random(rows) < 0.03, 15, said)
    out["draught"] = draught
    return out


def ship_groups(rows: int) -> Iterator[Rows]:
    """All rows, sorted by (mmsi, time), in groups of whole ships."""
    waiting: list[Rows] = []
    count = 0
    for number in range(ship_count(rows)):
        own = min(ROWS_PER_SHIP, rows - number * ROWS_PER_SHIP)
        waiting.append(ship_rows(number, own))
        count += own
        if count >= ROWS_PER_GROUP:
            yield np.concatenate(waiting)
            waiting, count = [], 0
    if waiting:
        yield np.concatenate(waiting)


def to_tracks(rows: Rows) -> pa.Table:
    """Rows as clean tracks."""
    n = len(rows)
    columns = {
        "mmsi": rows["mmsi"],
        "time_us": (rows["s"].astype(np.int64) + START_S) * 1_000_000,
        "lat": rows["lat"],
        "lon": rows["lon"],
        "speed_dkn": rows["sog"],
        "speed_derived": np.zeros(n, np.uint8),
        "heading_deg": rows["hdg"],
        "nav_status": rows["status"],
        "draught_dm": rows["draught"],
    }
    return pa.table([pa.array(np.ascontiguousarray(columns[f.name]), f.type) for f in TRACK_SCHEMA], TRACK_SCHEMA)


def write_parquet(rows: int, path: Path) -> Path:
    """Sorted clean tracks with pyarrow's own defaults (Snappy, dictionaries), a row group of whole ships each."""
    part = path.with_suffix(".part")
    with pq.ParquetWriter(part, TRACK_SCHEMA) as writer:
        for group in ship_groups(rows):
            writer.write_table(to_tracks(group), row_group_size=len(group))
    part.rename(path)
    return path


def write_csv(rows: int, path: Path) -> Path:
    """Unsorted MarineCadastre CSV: the order of time, vessels mixed; one time slice in memory."""
    slices = max(1, rows // ROWS_PER_SLICE)
    folder = path.with_suffix(".slices")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ranges = _slice_ends(rows, slices)
    for group in ship_groups(rows):
        where = np.searchsorted(ranges, group["s"], side="right")
        order = np.argsort(where, kind="stable")
        for number, part in enumerate(np.split(group[order], np.searchsorted(where[order], np.arange(1, slices)))):
            with (folder / f"{number:05d}").open("ab") as handle:
                part.tofile(handle)
    part_path = path.with_suffix(".part")
    options = pa.csv.WriteOptions(include_header=False, quoting_style="none")
    with part_path.open("wb") as sink:
        sink.write(
            b"MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,Draft,"
            b"Cargo,TransceiverClass\n"
        )
        rng = np.random.default_rng(1)
        for file in sorted(folder.iterdir()):
            part = np.fromfile(file, ROW)
            part = part[np.lexsort((rng.random(len(part)), part["s"]))]
            for at in range(0, len(part), 250_000):
                pa.csv.write_csv(_csv_table(part[at : at + 250_000]), sink, options)
            file.unlink()
    folder.rmdir()
    part_path.rename(path)
    return path


def _slice_ends(rows: int, slices: int) -> NDArray[np.int64]:
    """Times that cut the rows into about equal slices, told from a few ships."""
    step = max(1, ship_count(rows) // 8)
    some = [ship_rows(n, min(ROWS_PER_SHIP, rows - n * ROWS_PER_SHIP)) for n in range(0, ship_count(rows), step)]
    return np.quantile(np.concatenate(some)["s"], np.arange(1, slices) / slices).astype(np.int64)


def _csv_table(rows: Rows) -> pa.Table:
    number = rows["mmsi"] - MMSI_FIRST
    stamps = np.datetime_as_string((rows["s"].astype(np.int64) + START_S).astype("datetime64[s]"))

    def by_ship(text: str) -> pa.Array:
        ships, place = np.unique(number, return_inverse=True)
        return pa.array([text.format(n) for n in ships.tolist()]).take(pa.array(place))

    n = len(rows)
    length = 120 + (number * 37) % 280
    return pa.table(
        {
            "MMSI": rows["mmsi"],
            "BaseDateTime": pa.array(stamps),
            "LAT": rows["lat"],
            "LON": rows["lon"],
            "SOG": rows["sog"] / 10.0,
            "COG": rows["cog"] * 1.0,
            "Heading": rows["hdg"],
            "VesselName": by_ship("SYNTHETIC {}"),
            "IMO": pa.array([""] * n),
            "CallSign": by_ship("SYN{}"),
            "VesselType": 70 + 10 * (number % 2),
            "Status": rows["status"],
            "Length": length,
            "Width": length // 7,
            "Draft": rows["draught"] / 10.0,
            "Cargo": 70 + 10 * (number % 2),
            "TransceiverClass": pa.array(["A"] * n),
        }
    )
