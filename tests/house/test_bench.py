"""The benchmarks compare like with like: the files hold the same rows, and the references give the kernel's sums."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sealane.inventory.batch import Batch, Context, compute

BENCH = Path(__file__).resolve().parents[2] / "bench"
ROWS = 24_000


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The bench's modules and its files, small."""
    sys.path.insert(0, str(BENCH))
    try:
        import duckdb_sql
        import kernel
        import pandas_reference
        import synthetic
    finally:
        sys.path.remove(str(BENCH))
    folder = tmp_path_factory.mktemp("bench")
    zone_file = synthetic.write_zones(folder / "zones.geojson")
    yield SimpleNamespace(
        kernel=kernel,
        duckdb_sql=duckdb_sql,
        pandas_reference=pandas_reference,
        tracks=synthetic.write_parquet(ROWS, folder / "tracks.parquet"),
        csv=synthetic.write_csv(ROWS, folder / "positions.csv"),
        known=kernel.context(ROWS, zone_file),
        zones=kernel.zones(zone_file),
    )


def ours(bench: SimpleNamespace, known: Context | None = None) -> list[Batch]:
    batches: list[Batch] = bench.kernel.run(bench.tracks, 1, known or bench.known)
    return batches


def test_the_unsorted_csv_holds_the_rows_of_the_sorted_file(bench: SimpleNamespace) -> None:
    text = pd.read_csv(bench.csv, parse_dates=["BaseDateTime"])
    assert len(text) == ROWS
    assert text["VesselName"].str.startswith("SYNTHETIC").all()
    assert not text["MMSI"].is_monotonic_increasing
    text = text.sort_values(["MMSI", "BaseDateTime"])
    tracks = pq.read_table(bench.tracks).to_pandas()
    np.testing.assert_array_equal(text["MMSI"], tracks["mmsi"])
    np.testing.assert_array_equal(text["LAT"], tracks["lat"])
    np.testing.assert_array_equal(np.rint(text["SOG"] * 10), tracks["speed_dkn"])
    microseconds = text["BaseDateTime"].to_numpy().astype("datetime64[us]").astype(np.int64)
    np.testing.assert_array_equal(microseconds, tracks["time_us"])


def test_pandas_reference_gives_the_kernels_sums(bench: SimpleNamespace) -> None:
    frame = pq.read_table(bench.tracks).to_pandas()
    inventory, activity, heat = bench.pandas_reference.run(frame, bench.known, bench.zones)
    batches = ours(bench)
    for pollutant in ("co2", "nox", "so2", "pm10", "co"):
        theirs = sum(inventory[f"{source}_{pollutant}"].sum() for source in ("main", "auxiliary", "boiler"))
        assert theirs == pytest.approx(bench.kernel.total_grams(batches, pollutant), rel=1e-10)
    table = batches[0].tables["activity"]
    for name in ("hours", "distance_nm"):
        assert activity[name].sum() == pytest.approx(pc.sum(table[name]).as_py(), rel=1e-10)
    assert len(heat) == len(batches[0].grid_cell)
    assert heat["co2"].sum() * 1e6 == pytest.approx(batches[0].grid[:, 3].sum(), rel=1e-9)


def test_duckdb_gives_the_sums_of_what_it_looks_at(bench: SimpleNamespace) -> None:
    """It leaves gaps out and takes boxes for polygons, so it is near, below, and never above by more than the boxes."""
    table = bench.duckdb_sql.run(bench.tracks, bench.known, bench.zones, 1)
    batches = ours(bench)
    for pollutant in ("co2", "nox"):
        theirs = pc.sum(table[f"{pollutant}_g"]).as_py()
        assert theirs == pytest.approx(bench.kernel.total_grams(batches, pollutant), rel=0.15)


def test_the_comparison_would_notice_a_wrong_factor(bench: SimpleNamespace) -> None:
    factors = bench.known.factors
    wrong = replace(bench.known, factors=factors._replace(main=factors.main * 1.001, main_low=factors.main_low * 1.001))
    right = bench.kernel.total_grams(ours(bench), "co2")
    assert bench.kernel.total_grams(ours(bench, wrong), "co2") != pytest.approx(right, rel=1e-6)


def test_the_heat_map_can_be_left_out_without_changing_another_table(bench: SimpleNamespace) -> None:
    tracks = bench.kernel.to_tracks(bench.kernel.read_group(bench.tracks, 0))
    full, plain = compute(tracks, bench.known), compute(tracks, bench.known, with_grid=False)
    assert len(full.grid_cell) > 0
    assert len(plain.grid_cell) == 0
    for name, table in full.tables.items():
        # Sums of an hour are taken cell by cell where there is a heat map: equal but for the last digit.
        pd.testing.assert_frame_equal(table.to_pandas(), plain.tables[name].to_pandas(), rtol=1e-12, obj=name)
