"""Parquet and GeoParquet: columns of many types, WKB points, faults named."""

from __future__ import annotations

import csv
import json
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sealane.errors import DataError, FileFormatError
from sealane.movement.readers.parquet import decode_points
from sealane.movement.staging import read_bucket, stage

TIME = datetime(2020, 6, 30, 1, 2, 3, tzinfo=UTC)


def point(x: float, y: float, order: str = "<", kind: int = 1, srid: int | None = None, extra: int = 0) -> bytes:
    body = struct.pack(order + "I", kind | (0x20000000 if srid is not None else 0))
    if srid is not None:
        body += struct.pack(order + "I", srid)
    return bytes([order == "<"]) + body + struct.pack(order + "dd", x, y) + bytes(8 * extra)


def rows_of(table: pa.Table, folder: Path, **options: Any) -> list[dict[str, Any]]:
    pq.write_table(table, folder / "in.parquet")
    staged = stage([folder / "in.parquet"], folder / "out", **options)
    return [row for bucket in staged.buckets for row in read_bucket(staged, bucket).to_pylist()]


def geo(encoding: str = "WKB", crs: object = None) -> dict[bytes, bytes]:
    column = {"encoding": encoding, "geometry_types": ["Point"], **({"crs": crs} if crs else {})}
    return {b"geo": json.dumps({"version": "1.0.0", "primary_column": "geom", "columns": {"geom": column}}).encode()}


def test_points_of_every_form() -> None:
    forms = [
        point(-74.25, 40.5),
        point(-74.25, 40.5, ">"),
        point(-74.25, 40.5, srid=4326),
        point(-74.25, 40.5, kind=1001, extra=1),
        point(-74.25, 40.5, kind=0x80000001, extra=1),
        point(-74.25, 40.5, ">", kind=3001, extra=2),
    ]
    x, y, wrong = decode_points(pa.array([None, *forms], pa.binary()).slice(1))
    assert wrong.tolist() == [0] * len(forms)
    assert set(x.tolist()) == {-74.25}
    assert set(y.tolist()) == {40.5}


def test_what_is_no_point_is_told() -> None:
    line = bytes([1]) + struct.pack("<II", 2, 1) + struct.pack("<dd", 1, 2)
    values = [None, b"", b"\x01", line, point(float("nan"), float("nan")), point(1, 2)[:-1], b"\x07" + point(1, 2)[1:]]
    assert decode_points(pa.array(values, pa.binary()))[2].tolist() == [1, 2, 2, 2, 1, 2, 2]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
def test_geoparquet_with_snake_case_columns(kind: pa.DataType, tmp_path: Path) -> None:
    table = pa.table(
        {
            "mmsi": pa.array([367000140], pa.int64()),
            "base_date_time": pa.array([TIME], pa.timestamp("ns")),
            "sog": pa.array([3.5], pa.float32()),
            "vessel_type": pa.array([70], pa.int16()),
            "status": pa.array([5], pa.int64()),
            "vessel_name": pa.array(["TEST"]).dictionary_encode(),
            "imo": pa.array(["IMO9295268"]),
            "geom": pa.array([point(-74.25, 40.5)], kind),
        }
    ).replace_schema_metadata(geo())
    (row,) = rows_of(table, tmp_path)
    wanted = {"mmsi": 367000140, "time": TIME, "lat": 40.5, "lon": -74.25, "sog_kn": 3.5, "ais_type": 70}
    assert {name: row[name] for name in wanted} == wanted
    assert (row["imo"], row["vessel_name"], row["nav_status"], row["call_sign"]) == (9295268, "TEST", 5, None)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (geo("point"), "expected WKB"),
        (geo(crs={"id": {"authority": "EPSG", "code": 3857}}), "EPSG:3857"),
        (geo(crs={"name": "unknown"}), "without an id"),
        (geo(crs={"id": []}), "without an id"),
        ({b"geo": b"{"}, "metadata cannot be read"),
        ({b"geo": b"[" * 100_000}, "metadata cannot be read"),
        ({b"geo": b"[]"}, "metadata cannot be read"),
        ({b"geo": b'{"primary_column": ["a"], "columns": {}}'}, "metadata cannot be read"),
    ],
)
def test_other_geometries_are_refused(metadata: dict[bytes, bytes], message: str, tmp_path: Path) -> None:
    table = pa.table({"mmsi": [1], "time": [TIME], "geom": [point(1, 2)]}).replace_schema_metadata(metadata)
    with pytest.raises(FileFormatError, match=message):
        rows_of(table, tmp_path)


def test_texts_in_parquet_are_judged_as_in_csv(tmp_path: Path) -> None:
    table = pa.table(
        {
            "MMSI": ["367000140", "x", "367000140", "367000140", None],
            "BaseDateTime": [
                "2020-06-30T01:02:03",
                "2020-06-30T01:02:03",
                "soon",
                "2020-06-30T01:02:04",
                "2020-06-30T01:02:03",
            ],
            "LAT": [40.5, 40.5, 40.5, None, 40.5],
            "LON": [-74.25, -74.25, -74.25, -74.25, -74.25],
            "Status": ["at anchor", "5", "5", "5", "parked"],
        }
    )
    rows = rows_of(table, tmp_path)
    assert [row["nav_status"] for row in rows] == [1]
    with (tmp_path / "out" / "rejects.csv").open(newline="") as handle:
        found = [(r["record"], r["line"], r["column"], r["value"], r["reason"]) for r in csv.DictReader(handle)]
    assert [(record, column, value) for record, _, column, value, _ in found] == [
        ("2", "MMSI", "x"),
        ("3", "BaseDateTime", "soon"),
        ("4", "LAT", "nan"),
        ("5", "MMSI", ""),
        ("5", "Status", "parked"),
    ]
    assert found[-1][4].startswith("field ignored")


def test_parquet_equals_csv_of_the_same_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    n = 5000
    seconds = rng.integers(0, 86_400, n)
    table = pa.table(
        {
            "mmsi": 200_000_000 + rng.integers(0, 50, n),
            "time": pa.array(
                [datetime.fromtimestamp(1_600_000_000 + int(s), UTC) for s in seconds], pa.timestamp("us", "UTC")
            ),
            "lat": rng.normal(40, 1, n).round(5),
            "lon": rng.normal(-74, 1, n).round(5),
            "sog_kn": rng.integers(0, 200, n) / 10,
        }
    )
    parquet_rows = rows_of(table, tmp_path)
    with (tmp_path / "in.csv").open("w") as handle:
        handle.write("mmsi,time,lat,lon,sog_kn\n")
        for row in table.to_pylist():
            handle.write(f"{row['mmsi']},{row['time'].isoformat()},{row['lat']},{row['lon']},{row['sog_kn']}\n")
    staged = stage([tmp_path / "in.csv"], tmp_path / "out2")
    assert [row for b in staged.buckets for row in read_bucket(staged, b).to_pylist()] == parquet_rows


def test_missing_columns_and_no_rows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="column time"):
        rows_of(pa.table({"mmsi": [1], "lat": [1.0], "lon": [1.0]}), tmp_path)
    with pytest.raises(FileFormatError, match="no rows"):
        rows_of(pa.table({"mmsi": [1], "time": [TIME], "lat": [1.0], "lon": [1.0]}).slice(0, 0), tmp_path)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_damaged_clocks_in_timestamps_are_rejected_in_every_unit(unit: str, tmp_path: Path) -> None:
    """Turned into microseconds before they are compared, the largest would wrap round into a plausible time."""
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    largest = 2**63 - 1 if unit != "s" else (2**63 - 1) // 1000  # Parquet holds seconds as milliseconds
    ticks = [1_593_478_923 * per_second, largest, -largest, 0, None]
    times = pa.array(ticks, pa.timestamp(unit))
    table = pa.table({"mmsi": [367000140] * 5, "time": times, "lat": [40.5] * 5, "lon": [-74.25] * 5})
    (row,) = rows_of(table, tmp_path)
    assert row["time"] == datetime(2020, 6, 30, 1, 2, 3, tzinfo=UTC)
    with (tmp_path / "out" / "rejects.csv").open(newline="") as handle:
        assert [(r["record"], "clock" in r["reason"]) for r in csv.DictReader(handle)] == [
            ("2", True), ("3", True), ("4", True), ("5", False)
        ]  # fmt: skip
