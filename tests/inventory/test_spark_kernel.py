"""What Spark's workers run, without Spark: vessels stay whole however batches are cut; and what must be installed."""

from __future__ import annotations

import pickle
import socket
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.emissions.vessels import resolve_vessels
from sealane.errors import EngineError
from sealane.inventory import spark_partitions
from sealane.inventory.batch import Batch, compute
from sealane.inventory.batch_context import Context
from sealane.inventory.context import build_context
from sealane.inventory.prepare import prepare
from sealane.inventory.settings import Settings
from sealane.inventory.shore_power import Connections
from sealane.inventory.spark import SparkEngine, check_java, check_master, check_pyspark, is_local
from sealane.inventory.spark_partitions import batch_from_row, compute_partition, prepare_partition, whole_vessels
from sealane.movement.positions import POSITION_SCHEMA, SORT_KEYS
from tests.inventory.world import PORT, track, zones

SETTINGS = Settings()


def sorted_positions(vessels: int = 3) -> pa.Table:
    """Reports of a few vessels as Spark hands them on: in `POSITION_SCHEMA`, sorted."""
    parts = []
    for n in range(vessels):
        frame = track(n, hours=24)
        part = pd.DataFrame(
            {
                "mmsi": 366_000_001 + n,
                "time": pd.to_datetime(frame["time_us"], unit="us", utc=True),
                "lat": frame["lat"],
                "lon": frame["lon"],
                "sog_kn": frame["sog_kn"],
                "nav_status": frame["status"].where(frame["status"] >= 0),
                "draught_m": frame["draught_m"],
                "ais_type": 70,
                "length_m": 260.0,
                "beam_m": 32.0,
            }
        )
        parts.append(part)
    table = pd.concat(parts).reindex(columns=POSITION_SCHEMA.names)
    arrow = pa.Table.from_pandas(table, schema=POSITION_SCHEMA, preserve_index=False)
    return arrow.sort_by([(name, "ascending") for name in SORT_KEYS]).combine_chunks()


def cut_into(table: pa.Table, rows: int) -> list[pa.RecordBatch]:
    return table.to_batches(max_chunksize=rows)


def without_carry(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """The fault that `whole_vessels` is there to prevent: each batch by itself."""
    return (pa.Table.from_batches([batch]) for batch in batches)


def context_of(static: pa.Table) -> Context:
    day = datetime(2019, 12, 30, tzinfo=UTC), datetime(2020, 1, 3, tzinfo=UTC)
    resolved = build_context(
        resolve_vessels(static),
        zones(),
        PORT,
        method="epa-2022",
        gwp="ar5",
        settings=SETTINGS,
        first=day[0],
        last=day[1],
        connections=Connections(),
    )
    return resolved.context


def through_workers(positions: pa.Table, context: Context, batch_rows: int, rows: int) -> list[Batch]:
    """Both passes as the workers run them, over batches of ``batch_rows`` reports."""
    first = pa.Table.from_batches(list(prepare_partition(cut_into(positions, batch_rows), SETTINGS, False, rows)))
    tracks = first.filter(first["mmsi"].is_valid()).combine_chunks()
    rows_out = compute_partition(cut_into(tracks, batch_rows), context, rows)
    return [batch_from_row(row) for batch in rows_out for row in batch.to_pylist()]


def rows_of(batches: list[Batch], name: str) -> list[dict[str, object]]:
    tables = [batch.tables[name] for batch in batches]
    return [row for table in tables for row in table.to_pylist()]


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    cuts=st.lists(st.integers(1, 30), min_size=1, max_size=60),
    rows=st.integers(1, 120),
)
def test_vessels_stay_whole_wherever_batches_are_cut(sizes: list[int], cuts: list[int], rows: int) -> None:
    mmsi = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    table = pa.table({"mmsi": mmsi, "row": np.arange(len(mmsi))}).combine_chunks()
    batches, at = [], 0
    while at < len(table):
        step = cuts[len(batches) % len(cuts)]
        batches.extend(table.slice(at, step).to_batches())
        batches.extend(table.slice(0, 0).to_batches())  # an empty batch changes nothing
        at += step
    chunks = list(whole_vessels(batches, rows))
    assert pa.concat_tables(chunks).combine_chunks().equals(table)
    seen = [set(chunk["mmsi"].to_pylist()) for chunk in chunks]
    assert sum(len(vessels) for vessels in seen) == len(sizes)  # no vessel in two chunks
    assert all(len(chunk) >= rows for chunk in chunks[:-1])


def test_no_batches_give_no_chunk() -> None:
    assert list(whole_vessels([], 10)) == []


@pytest.mark.parametrize(("batch_rows", "rows"), [(7, 1), (64, 100), (100_000, 100_000)])
def test_worker_rows_equal_the_kernel_on_the_whole(batch_rows: int, rows: int) -> None:
    positions = sorted_positions()
    whole = prepare(positions, SETTINGS, with_stops=False)
    context = context_of(whole.static)
    expected = compute(whole.tracks, context)
    batches = through_workers(positions, context, batch_rows, rows)
    assert len(batches) == (1 if rows == 100_000 else 3)
    for name, table in expected.tables.items():
        assert rows_of(batches, name) == table.to_pylist(), name
    grid: dict[int, np.ndarray] = {}
    for batch in batches:
        for cell, sums in zip(batch.grid_cell.tolist(), batch.grid, strict=True):
            grid[cell] = grid.get(cell, 0) + sums
    assert sorted(grid) == sorted(expected.grid_cell.tolist())
    for cell, sums in zip(expected.grid_cell.tolist(), expected.grid, strict=True):
        assert np.array_equal(grid[cell], sums)
    assert np.array_equal(np.concatenate([batch.seen_us for batch in batches]), expected.seen_us)


def test_without_the_carry_the_same_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    positions = sorted_positions()
    whole = prepare(positions, SETTINGS, with_stops=False)
    context = context_of(whole.static)
    expected = compute(whole.tracks, context)
    monkeypatch.setattr(spark_partitions, "whole_vessels", without_carry)
    batches = through_workers(positions, context, 64, 100)
    assert rows_of(batches, "calls") != expected.tables["calls"].to_pylist()
    assert rows_of(batches, "load_lines") != expected.tables["load_lines"].to_pylist()


def test_context_travels(tmp_path: Path) -> None:
    positions = sorted_positions(1)
    prepared = prepare(positions, SETTINGS, with_stops=False)
    context = context_of(prepared.static)
    arrived = pickle.loads(pickle.dumps(context))
    here, there = compute(prepared.tracks, context), compute(prepared.tracks, arrived)
    assert here.tables["inventory"].equals(there.tables["inventory"])
    assert len(here.tables["inventory"]) > 0


def java_that_says(folder: Path, text: str) -> Path:
    home = folder / "home"
    (home / "bin").mkdir(parents=True)
    launcher = home / "bin" / "java"
    launcher.write_text(f"#!/bin/sh\n{text}\n")
    launcher.chmod(0o755)
    return home


def test_java_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"no Java was found\. Install Java 17"):
        check_java(None)
    with pytest.raises(EngineError, match="could not be run"):
        check_java(str(tmp_path / "nowhere"))


def test_java_too_old(tmp_path: Path) -> None:
    home = java_that_says(tmp_path, "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2")
    with pytest.raises(EngineError, match="is version 11"):
        check_java(str(home))


def test_java_broken(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="could not be run"):
        check_java(str(java_that_says(tmp_path, "exit 1")))


def test_java_new_enough(tmp_path: Path) -> None:
    check_java(str(java_that_says(tmp_path, "echo 'openjdk version \"21.0.1\" 2023-10-17' >&2")))


def test_pyspark_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(EngineError, match=r"pyspark is not installed.*pip install 'sealane\[spark\]'") as caught:
        check_pyspark()
    assert caught.value.exit_code == 5


def test_master_that_does_not_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(EngineError, match=rf"spark://127\.0\.0\.1:{port} cannot be reached"):
        check_master(f"spark://127.0.0.1:{port}")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        check_master(f"spark://127.0.0.1:{port},127.0.0.1:{listening.getsockname()[1]}")


@pytest.mark.parametrize("master", ["spark://host", "spark://:7077", "spark://host:x"])
def test_master_that_is_no_address(master: str) -> None:
    with pytest.raises(EngineError, match="is not an address"):
        check_master(master)


def test_local_masters() -> None:
    assert all(map(is_local, ("local", "local[2]", "local[*]")))
    assert not any(map(is_local, ("local-cluster[2,1,1024]", "spark://host:7077", "yarn", "locals")))


def test_second_pass_needs_the_first() -> None:
    with pytest.raises(EngineError, match="needs its first pass"):
        SparkEngine().second_pass(None, None)  # type: ignore[arg-type]  # refused before either is looked at
