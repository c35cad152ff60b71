"""The main job on files: same result however the rows come, nothing half-done, every figure explained."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from sealane.errors import DataError, FileFormatError, InputError, MissingFactorError
from sealane.inventory.explain import explain
from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import InventoryResult, neighbours, run_inventory, total_grams
from sealane.inventory.schemas import TABLES
from sealane.movement.zones import shipped_zones, write_zones
from tests.inventory.world import PORT, START, marinecadastre, track, write_positions, zones

TRACKS = {366_000_001: track(1), 366_000_002: track(2), 367_000_003: track(3, hours=20)}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_positions(folder, TRACKS)
    write_zones(zones(), folder / "zones.geojson")
    return folder


def request_of(world: Path, out: Path, *files: Path, **more: object) -> InventoryRequest:
    chosen = files or (world / "positions.csv",)
    return InventoryRequest(chosen, PORT, out, zones=world / "zones.geojson", **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def result(world: Path, tmp_path_factory: pytest.TempPathFactory) -> InventoryResult:
    return run_inventory(request_of(world, tmp_path_factory.mktemp("base") / "out"))


def parquet_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def test_tables_have_their_schema_and_are_sorted(result: InventoryResult) -> None:
    for name, spec in TABLES.items():
        table = pq.read_table(result.out / spec.file)
        assert table.schema.equals(spec.schema)
        assert len(table) == result.rows[name]
        keys = table.select(spec.key).to_pandas()
        assert not keys.duplicated().any(), name
        if "mmsi" in spec.key:
            assert keys["mmsi"].is_monotonic_increasing
    assert result.rows["calls"] >= 3


def test_running_twice_gives_identical_bytes(world: Path, result: InventoryResult, tmp_path: Path) -> None:
    again = run_inventory(request_of(world, tmp_path / "out"))
    assert parquet_bytes(again.out) == parquet_bytes(result.out)
    assert again.provenance == result.provenance


def test_shuffled_doubled_and_split_files_give_the_same(world: Path, result: InventoryResult, tmp_path: Path) -> None:
    rows = marinecadastre(TRACKS)
    mixed = pd.concat([rows, rows.sample(frac=0.3, random_state=1)]).sample(frac=1, random_state=2)
    for cut in (0.13, 0.5):
        at = int(len(mixed) * cut)
        files = (tmp_path / "b.csv", tmp_path / "a.csv")
        mixed[:at].to_csv(files[0], index=False)
        mixed[at:].to_csv(files[1], index=False)
        other = run_inventory(request_of(world, tmp_path / f"out{cut}", *files))
        for name in TABLES:
            assert other.table(name).equals(result.table(name)), name
    assert other.quality["totals"]["duplicate"] == len(mixed) - len(rows)


def test_number_of_threads_does_not_matter(world: Path, result: InventoryResult, tmp_path: Path) -> None:
    assert parquet_bytes(run_inventory(request_of(world, tmp_path / "out", threads=1)).out) == parquet_bytes(result.out)


def test_every_figure_is_explained_to_the_last_bit(result: InventoryResult) -> None:
    inventory = result.table("inventory").to_pandas()
    for call_id in result.table("calls")["call_id"].to_pylist():
        explanation = explain(result.out, call_id)
        assert len(explanation.figures) == (inventory.call_id == call_id).sum()
        assert explanation.adds_up
        assert {i.origin for i in explanation.inputs} >= {"class default"}
        for figure in explanation.figures:
            assert figure.lines
            assert all(row.source and row.grade for row in figure.factor_rows)
            by_hand = sum(line.hours * line.power_kw * line.factor_g_per_kwh * line.adjustment for line in figure.lines)
            assert by_hand == pytest.approx(figure.in_inventory, rel=1e-12)
    only = explain(result.out, call_id, "nox")
    assert {figure.pollutant for figure in only.figures} == {"nox"}
    json.dumps(only.as_dict(), default=str)


def test_explanation_notices_a_figure_that_was_changed(result: InventoryResult, tmp_path: Path) -> None:
    """Negative control: an inventory changed by a ten-millionth no longer adds up."""
    for path in result.out.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    table = pd.read_parquet(tmp_path / "inventory.parquet")
    table["grams"] *= 1 + 1e-7
    pq.write_table(
        __import__("pyarrow").Table.from_pandas(table, schema=TABLES["inventory"].schema, preserve_index=False),
        tmp_path / "inventory.parquet",
    )
    assert not explain(tmp_path, table.call_id.dropna().iloc[0]).adds_up


def test_explain_names_what_is_wrong(result: InventoryResult, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        explain(result.out, "no such call", "soot")
    assert len(caught.value.faults) == 2
    with pytest.raises(FileFormatError, match="no folder of a finished inventory"):
        explain(tmp_path, "x")


def test_period_is_half_open(world: Path, result: InventoryResult, tmp_path: Path) -> None:
    cut = START + timedelta(hours=20)
    early = run_inventory(request_of(world, tmp_path / "early", time_to=cut))
    late = run_inventory(request_of(world, tmp_path / "late", time_from=cut))
    assert early.quality["rows_read"] + late.quality["rows_read"] == result.quality["rows_read"]
    assert early.provenance["period"]["last_report"] < cut <= late.provenance["period"]["first_report"]


def test_fuel_rule_changes_with_place_and_year(world: Path, tmp_path: Path) -> None:
    """Far out at sea, over the turn of 2020: 2.7 % sulphur before, 0.5 % after; inside the control area 0.1 %."""
    minutes = range(0, 120, 5)
    turn = int(datetime(2019, 12, 31, 23, tzinfo=UTC).timestamp() * 1e6)
    frame = pd.DataFrame({"time_us": [turn + m * 60_000_000 for m in minutes], "lat": 33.0, "lon": -135.0})
    frame = frame.assign(sog_kn=12.0, status=0, draught_m=9.0)
    path = write_positions(tmp_path, {366_000_001: frame, 366_000_002: frame.assign(lon=-119.0)}, "far.csv")
    lines = run_inventory(request_of(world, tmp_path / "out", path)).table("load_lines").to_pandas()
    far = lines[lines.mmsi == 366_000_001].groupby("regime").hours.sum()
    assert far["outside control areas: HFO 2.7 % S"] == pytest.approx(1.0)
    assert far["outside control areas: VLSFO 0.5 % S"] == pytest.approx(55 / 60)
    assert set(lines[lines.mmsi == 366_000_002].regime) == {"north_american: MGO 0.1 % S"}


def test_data_before_the_first_rule_are_refused(world: Path, tmp_path: Path) -> None:
    old = track(4, hours=5, start=datetime(1999, 5, 1, tzinfo=UTC))
    path = write_positions(tmp_path, {366_000_001: old}, "old.csv")
    with pytest.raises(MissingFactorError, match="1999"):
        run_inventory(request_of(world, tmp_path / "out", path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["old.csv"]


def test_shore_power_moves_the_auxiliary_load_to_the_grid(world: Path, result: InventoryResult, tmp_path: Path) -> None:
    calls = result.table("calls").to_pandas()
    mmsi = int(calls.mmsi.iloc[0])
    plugged = tmp_path / "shore.csv"
    begin = calls.first_seen.iloc[0]
    plugged.write_text(f"mmsi,from,to\n{mmsi},{begin.isoformat()},{(begin + timedelta(hours=48)).isoformat()}\n")
    other = run_inventory(request_of(world, tmp_path / "out", shore_power=plugged))
    before, after = (r.table("activity").to_pandas().loc[lambda a: a.mmsi == mmsi] for r in (result, other))
    at_berth = after[after["mode"] == "berth"]
    assert at_berth.shore_kwh.sum() > 0
    assert (before[before["mode"] == "berth"].aux_kwh.sum()) == pytest.approx(
        at_berth.aux_kwh.sum() + at_berth.shore_kwh.sum(), rel=1e-12
    )
    assert after[after["mode"] != "berth"].shore_kwh.sum() == 0
    inventory = other.table("inventory").to_pandas()
    grid = inventory[inventory.source == "shore_power"]
    assert set(grid.pollutant) == {"co2e"}
    assert grid.grams.sum() == pytest.approx(at_berth.shore_kwh.sum() * 179.1, rel=1e-12)
    assert total_grams(other.table("inventory"), "nox") < total_grams(result.table("inventory"), "nox")
    for call_id in other.table("calls")["call_id"].to_pylist():
        assert explain(other.out, call_id).adds_up


def test_a_ship_named_in_a_file_and_not_seen_is_told(world: Path, tmp_path: Path) -> None:
    seen, unseen = 366_000_001, 366_000_009
    for name, head, row in (("shore", "from,to", "2020-01-01,2020-01-02"), ("vessels", "name", "MADE UP")):
        (tmp_path / f"{name}.csv").write_text(f"mmsi,{head}\n{seen},{row}\n{unseen},{row}\n")
    told = request_of(world, tmp_path / "out", shore_power=tmp_path / "shore.csv", vessels=tmp_path / "vessels.csv")
    notes = run_inventory(told).quality["notes"]
    (shore,) = [note for note in notes if note.startswith("Shore power was given")]
    assert f"MMSI {unseen}" in shore
    assert str(seen) not in shore
    (rows,) = [note for note in notes if note.startswith("Rows of the vessels file")]
    assert rows.endswith(": 3.")


def test_calls_only(world: Path, result: InventoryResult, tmp_path: Path) -> None:
    calls = run_inventory(request_of(world, tmp_path / "out", calls_only=True))
    assert calls.table("calls").equals(result.table("calls"))
    assert not (calls.out / "inventory.parquet").exists()


def test_request_names_all_faults_at_once(world: Path, tmp_path: Path) -> None:
    kept = tmp_path / "mine"
    kept.mkdir()
    (kept / "thesis.txt").write_text("not yours")
    with pytest.raises(DataError) as caught:
        run_inventory(
            InventoryRequest((tmp_path / "none.csv",), PORT, kept, method="epa-1999", gwp="ar9", engine="steam")
        )
    assert len(caught.value.faults) == 5
    assert (kept / "thesis.txt").read_text() == "not yours"


def test_port_without_a_limit_is_refused(world: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        run_inventory(InventoryRequest((world / "positions.csv",), "XXXXX", tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []


def test_second_run_replaces_the_first(world: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_inventory(request_of(world, out))
    run_inventory(request_of(world, out, gwp="ar6"))
    assert json.loads((out / "provenance.json").read_text())["gwp"] == "ar6"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_killed_run_leaves_no_result_and_the_next_one_clears_up(world: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from sealane.inventory import run;"
        "from sealane.inventory.request import InventoryRequest;"
        "run.write_outputs = lambda *a: (print('here', flush=True), time.sleep(60));"
        "run.run_inventory(InventoryRequest((Path(sys.argv[1]),), 'USLAX', Path(sys.argv[2])))"
    )
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(world / "positions.csv"), str(out)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not out.exists()
    assert any(p.name.startswith(".out.partial-") for p in tmp_path.iterdir())
    run_inventory(request_of(world, out))
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_failed_run_leaves_the_old_result(world: Path, result: InventoryResult, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_inventory(request_of(world, out))
    before = parquet_bytes(out)
    broken = tmp_path / "broken.csv"
    broken.write_text("this,is,no\nAIS,file,at all\n")
    with pytest.raises(InputError, match=r"broken\.csv"):
        run_inventory(request_of(world, out, broken))
    assert parquet_bytes(out) == before


def test_ports_that_share_a_limit_are_named() -> None:
    """Without a sourced boundary a call at Long Beach counts for Los Angeles; the run says so."""
    assert neighbours(shipped_zones("USLAX"), "USLAX") == ["USLGB"]
    assert neighbours(shipped_zones("USNYC"), "USNYC") == []


def test_a_pollutant_without_a_factor_is_null_in_the_heat_map(result: InventoryResult) -> None:
    grid = result.table("grid")
    assert grid["bc_g"].null_count == len(grid)
    assert all(grid[name].null_count == 0 for name in grid.column_names if name != "bc_g")
