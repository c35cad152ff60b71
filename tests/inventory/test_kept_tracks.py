"""Tracks are kept on request: the clean positions of the ships in the inventory, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sealane.errors import DataError
from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import InventoryResult, run_inventory
from sealane.inventory.schemas import TABLES, TRACKS
from sealane.samples import __file__ as samples

HOUR = Path(samples).parent / "data" / "ny_harbor_2020_06_30_first_hour.csv.gz"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> InventoryResult:
    out = tmp_path_factory.mktemp("kept") / "out"
    return run_inventory(InventoryRequest((HOUR,), "USNYC", out, threads=1, keep_tracks=True))


def test_tracks_are_those_of_the_ships_in_the_inventory_in_order(kept: InventoryResult) -> None:
    table = kept.table("tracks")
    assert table.schema.equals(TRACKS.schema)
    assert len(table) == kept.rows["tracks"] > 400
    assert set(table["mmsi"].to_pylist()) == set(kept.table("vessels")["mmsi"].to_pylist())
    mmsi, time = table["mmsi"].to_numpy(), table["time"].cast("int64").to_numpy()
    assert np.all((np.diff(mmsi) > 0) | ((np.diff(mmsi) == 0) & (np.diff(time) > 0)))


def test_what_is_not_known_is_null(kept: InventoryResult) -> None:
    table = kept.table("tracks")
    headings = table["heading_deg"].drop_null().to_pylist()
    assert headings
    assert all(0 <= heading < 360 for heading in headings)
    assert all(speed >= 0 for speed in table["speed_kn"].drop_null().to_pylist())
    assert table["lat"].null_count == table["lon"].null_count == 0


def test_nothing_else_changes_and_without_the_wish_none_are_kept(kept: InventoryResult, tmp_path: Path) -> None:
    without = run_inventory(InventoryRequest((HOUR,), "USNYC", tmp_path / "out", threads=1))
    assert not (tmp_path / "out" / TRACKS.file).exists()
    for spec in TABLES.values():
        assert pq.read_table(without.out / spec.file).equals(pq.read_table(kept.out / spec.file)), spec.file


def test_a_folder_with_tracks_can_be_replaced_by_a_run_without(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_inventory(InventoryRequest((HOUR,), "USNYC", out, threads=1, keep_tracks=True, calls_only=True))
    assert (out / TRACKS.file).is_file()
    run_inventory(InventoryRequest((HOUR,), "USNYC", out, threads=1, calls_only=True))
    assert not (out / TRACKS.file).exists()


def test_spark_says_at_once_that_it_keeps_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Use the local engine"):
        InventoryRequest((HOUR,), "USNYC", tmp_path / "out", engine="spark", keep_tracks=True).check()
