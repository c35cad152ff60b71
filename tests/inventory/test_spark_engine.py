"""The Spark engine against the local one, on a real Spark in this machine's Java: the same rows to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sealane.emissions.vessels import resolve_vessels
from sealane.errors import EngineError
from sealane.inventory.context import build_context
from sealane.inventory.local import FirstPass, first_pass, second_pass
from sealane.inventory.outputs import BatchStore, write_outputs
from sealane.inventory.schemas import TABLES
from sealane.inventory.settings import Settings
from sealane.inventory.shore_power import Connections
from sealane.inventory.spark import Progress, SparkEngine
from sealane.movement.staging import Staged, stage
from tests.inventory.world import PORT, marinecadastre, track, zones

pytestmark = pytest.mark.spark
SETTINGS = Settings()


def positions() -> pd.DataFrame:
    """Twelve ships, an aid to navigation and a yacht; ties, duplicates, missing speeds; rows in no order."""
    ships = {366_000_000 + 7 * n: track(n, hours=30) for n in range(12)}
    rows = marinecadastre({**ships, 993_660_001: track(40, hours=2)})
    yacht = marinecadastre({338_000_001: track(41, hours=5)}, {"VesselType": 36, "Length": 20, "Width": 6})
    draw = np.random.default_rng(5)
    same = rows.sample(frac=0.1, random_state=1)
    beside = rows.sample(frac=0.05, random_state=2).assign(LAT=lambda frame: frame["LAT"] + 1e-4)
    faster = rows.sample(frac=0.05, random_state=3).assign(SOG=lambda frame: frame["SOG"] + 0.1)
    # Reports that tie in (mmsi, time, lat, lon, sog) and differ in what the kernel reads beside them.
    status = rows.sample(frac=0.2, random_state=4).assign(Status="1")
    draught = rows.sample(frac=0.2, random_state=5).assign(Draft=lambda frame: frame["Draft"] + 1.5)
    every = pd.concat([rows, yacht, same, beside, faster, status, draught])
    every.loc[draw.random(len(every)) < 0.03, "SOG"] = np.nan
    return every.sample(frac=1, random_state=6)


@dataclass(frozen=True)
class World:
    """Staged positions and where they lie."""

    folder: Path
    staged: Staged


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    # Spark reads [ ], { }, * and ? in a path as a pattern; a folder may well be called so.
    folder = tmp_path_factory.mktemp("world") / "port [LA] {2020} 100% *"
    folder.mkdir()
    rows = positions()
    files = []
    for number, part in enumerate(np.array_split(np.arange(len(rows)), 3)):
        files.append(folder / f"part{number}.csv")
        rows.iloc[part].to_csv(files[-1], index=False)
    return World(folder, stage(files, folder / "staged", threads=2))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkEngine]:
    # Batches of 64 rows cut every vessel in pieces; chunks of 500 rows make many partitions of several vessels.
    conf = {"spark.sql.execution.arrow.maxRecordsPerBatch": "64"}
    with SparkEngine("local[2]", folder=tmp_path_factory.mktemp("spark"), conf=conf, rows_per_chunk=500) as started:
        yield started


def outputs(
    first: FirstPass, folder: Path, engine: SparkEngine | None, progress: Progress | None = None
) -> dict[str, pa.Table]:
    assert first.period_us is not None
    begin, end = (datetime.fromtimestamp(us / 1e6, UTC) for us in first.period_us)
    resolved = build_context(
        resolve_vessels(first.static),
        zones(),
        PORT,
        method="epa-2022",
        gwp="ar5",
        settings=SETTINGS,
        first=begin,
        last=end,
        connections=Connections(),
    )
    store = BatchStore(folder)
    if engine:
        engine.second_pass(resolved.context, store, progress=progress)
    else:
        second_pass(first.tracks, resolved.context, store, threads=2)
    write_outputs(store, folder)
    return {name: pq.read_table(folder / spec.file) for name, spec in TABLES.items()}


@dataclass(frozen=True)
class Both:
    """First pass and tables of the two engines."""

    local: FirstPass
    spark: FirstPass
    local_tables: dict[str, pa.Table]
    spark_tables: dict[str, pa.Table]
    steps: list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def both(world: World, engine: SparkEngine, tmp_path_factory: pytest.TempPathFactory) -> Both:
    folders = {name: tmp_path_factory.mktemp(name) for name in ("local", "spark")}
    steps: list[tuple[str, int, int]] = []

    def progress(stage: str, done: int, total: int) -> None:
        steps.append((stage, done, total))

    local = first_pass(world.staged, folders["local"], SETTINGS, with_stops=True, threads=2)
    spark = engine.first_pass(world.staged, SETTINGS, with_stops=True, progress=progress)
    return Both(
        local,
        spark,
        outputs(local, folders["local"], None),
        outputs(spark, folders["spark"], engine, progress),
        steps,
    )


def in_order(table: pa.Table) -> list[dict[str, object]]:
    return sorted(table.to_pylist(), key=repr)


def test_the_world_has_what_the_engines_could_differ_in(both: Both) -> None:
    counts = both.local.quality
    for rule in ("duplicate", "tie", "speed_not_available", "mmsi_not_a_ship"):
        assert sum(counts[rule].to_pylist()) > 0, rule
    assert sum(counts["unobserved_h"].to_pylist()) > 0
    assert sum(counts["interpolated_h"].to_pylist()) > 0
    assert len(both.local_tables["calls"]) >= 12
    assert len(both.local_tables["grid"]) > 100
    assert len(both.local.stops) > 10
    modes = set(both.local_tables["activity"]["mode"].to_pylist())
    assert {"transit", "manoeuvring", "anchorage", "berth"} <= modes


def test_first_pass_is_the_same(both: Both) -> None:
    assert both.spark.quality.equals(both.local.quality)
    assert in_order(both.spark.static) == in_order(both.local.static)
    assert sorted(both.spark.stops, key=repr) == sorted(both.local.stops, key=repr)
    assert both.spark.period_us == both.local.period_us


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_identical(both: Both, name: str) -> None:
    assert both.spark_tables[name].equals(both.local_tables[name])


def test_progress_counts_to_the_end(both: Both) -> None:
    for name in ("cleaning", "computing"):
        done, total = [(done, total) for stage, done, total in both.steps if stage == name][-1]
        assert done == total > 5


def test_a_second_session_is_refused(engine: SparkEngine) -> None:
    with pytest.raises(EngineError, match="already running"), SparkEngine("local[1]"):
        pytest.fail("two sessions at once")


def test_a_folder_that_workers_cannot_read(engine: SparkEngine, world: World, tmp_path: Path) -> None:
    lost = replace(world.staged, folder=tmp_path / "gone")
    with pytest.raises(EngineError, match=r"could not read.*PATH_NOT_FOUND") as caught:
        engine.first_pass(lost, SETTINGS, with_stops=False)
    assert "must read the folder" in str(caught.value)
