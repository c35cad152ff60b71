"""The whole job with ``--engine spark``: same files as the local engine, nothing left behind, clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sealane.errors import EngineError
from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.inventory.schemas import TABLES
from sealane.inventory.spark import SparkEngine
from sealane.movement.zones import write_zones
from tests.inventory.world import PORT, track, write_positions, zones

pytestmark = pytest.mark.spark


def test_run_writes_the_same_bytes_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from pyspark import SparkContext

    csv = write_positions(tmp_path, {366_000_001: track(1), 366_000_002: track(2), 367_000_003: track(3, hours=20)})
    write_zones(zones(), tmp_path / "zones.geojson")
    here = tmp_path / "cwd"
    here.mkdir()
    monkeypatch.chdir(here)
    out = {}
    for engine in ("local", "spark"):
        request = InventoryRequest((csv,), PORT, tmp_path / engine, zones=tmp_path / "zones.geojson", engine=engine)
        out[engine] = run_inventory(request)
    for name in (*TABLES, "vessels"):
        local, spark = ((tmp_path / engine / f"{name}.parquet").read_bytes() for engine in out)
        assert local == spark, name
    assert out["spark"].quality == out["local"].quality
    assert json.loads((tmp_path / "spark" / "provenance.json").read_text("utf-8"))
    assert sorted(p.name for p in (tmp_path / "spark").iterdir()) == sorted(
        p.name for p in (tmp_path / "local").iterdir()
    )
    assert list(here.iterdir()) == []
    assert {p.name for p in tmp_path.iterdir()} == {"cwd", "local", "spark", "positions.csv", "zones.geojson"}
    assert SparkContext._active_spark_context is None
    assert SparkContext._gateway is None
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""


def test_a_master_that_spark_does_not_know(tmp_path: Path) -> None:
    with (
        pytest.raises(EngineError, match=r"could not start: .*aster must.*Give a master that Spark knows"),
        SparkEngine("nonsense", folder=tmp_path / "spark"),
    ):
        pytest.fail("started")
    assert not (tmp_path / "spark").exists()


def test_properties_that_java_refuses(tmp_path: Path) -> None:
    conf = {"spark.driver.memory": "plenty"}
    with pytest.raises(EngineError, match="plenty"), SparkEngine(folder=tmp_path / "spark", conf=conf):
        pytest.fail("started")
    assert not (tmp_path / "spark").exists()
