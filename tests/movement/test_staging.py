"""Staging as a whole: buckets, order, rejects, window, resumption, killed runs."""

from __future__ import annotations

import csv
import importlib.util
import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sealane.errors import DataError, InputError
from sealane.movement import buckets, staging
from sealane.movement.positions import POSITION_SCHEMA
from sealane.movement.staging import load, read_bucket, stage

ROOT = Path(__file__).resolve().parents[2]
HEADER = "MMSI,BaseDateTime,LAT,LON,SOG,VesselName\n"


def broken_csv() -> ModuleType:
    spec = importlib.util.spec_from_file_location("broken_csv", ROOT / "bench" / "broken_csv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines(count: int, seed: int = 1, vessels: int = 40) -> list[str]:
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        ship = rng.randrange(vessels)
        second = rng.randrange(60)
        speed = rng.choice(["", "3.5", "0.0"])
        out.append(
            f"{300_000_000 + ship},2024-01-01T00:00:{second:02d},{rng.choice([1.5, 1.25])},2.5,{speed},S{ship}\n"
        )
    return out


def write(path: Path, rows: list[str]) -> Path:
    path.write_text(HEADER + "".join(rows))
    return path


def everything(staged: staging.Staged) -> pa.Table:
    return pa.concat_tables([read_bucket(staged, b) for b in staged.buckets])


def sort_key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (row["mmsi"], row["time"], row["lat"], row["lon"], row["sog_kn"] is None, row["sog_kn"] or 0)


def test_buckets_hold_whole_vessels_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "ROWS_PER_BUCKET", 500)
    monkeypatch.setattr(buckets, "_ROW_GROUP", (64, 64))
    staged = stage([write(tmp_path / "in.csv", lines(4000))], tmp_path / "out")
    assert len(staged.buckets) > 2
    seen: set[int] = set()
    total = 0
    for number in staged.buckets:
        table = read_bucket(staged, number)
        assert table.schema == POSITION_SCHEMA
        rows = table.to_pylist()
        assert rows == sorted(rows, key=sort_key)
        ships = set(table["mmsi"].to_pylist())
        assert not ships & seen
        seen |= ships
        total += len(rows)
    assert total == staged.rows == 4000
    assert len(seen) == 40


def test_split_shuffled_and_bucketed_otherwise_gives_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = lines(3000)
    whole = everything(stage([write(tmp_path / "in.csv", rows)], tmp_path / "a"))
    random.Random(2).shuffle(rows)
    parts = [write(tmp_path / f"{i}.csv", rows[i::3]) for i in range(3)]
    monkeypatch.setattr(staging, "ROWS_PER_BUCKET", 300)
    staged = stage(parts, tmp_path / "b")
    assert len(staged.buckets) > 2
    assert sorted(everything(staged).to_pylist(), key=repr) == sorted(whole.to_pylist(), key=repr)


def test_columns_of_a_bucket_can_be_chosen(tmp_path: Path) -> None:
    staged = stage([write(tmp_path / "in.csv", lines(100))], tmp_path / "out")
    full, part = read_bucket(staged, 0), read_bucket(staged, 0, columns=["vessel_name", "mmsi"])
    assert part.column_names == ["vessel_name", "mmsi"]
    assert part["vessel_name"].equals(full["vessel_name"])


def test_sort_order_equals_a_plain_sort_also_for_times_far_apart() -> None:
    rng = np.random.default_rng(3)
    n = 3000
    mmsi, lat, lon = rng.integers(1, 50, n).astype(np.int32), rng.integers(0, 3, n) / 2, rng.integers(0, 3, n) / 2
    sog = np.where(rng.random(n) < 0.3, np.inf, rng.integers(0, 3, n) / 10)
    near = rng.integers(0, 100, n)
    far = near * np.int64(2**55)
    for times in (near, far):
        order = buckets.sort_order(mmsi, times, lat, lon, sog)
        plain = np.lexsort((sog, lon, lat, times, mmsi))
        assert np.array_equal(order, plain)


def test_rejects_equal_the_generators_list_exactly(tmp_path: Path) -> None:
    module = broken_csv()
    source = tmp_path / "broken.csv"
    good, expected = module.write(source, 2.0, seed=7, broken_share=0.05)
    staged = stage([source], tmp_path / "out")
    found = module.found_rejects(staged.rejects)
    assert len(expected) > 500
    assert {column for _, _, column, _ in expected} == {c for c, _ in module.KINDS.values()}
    assert found == expected
    assert staged.rows == good
    assert staged.rejected + staged.files[0].fields_ignored == len(expected)
    # Control: one more broken row would be noticed.
    with source.open("a") as handle:
        handle.write("not a row\n")
    again = stage([source], tmp_path / "out")
    assert module.found_rejects(again.rejects) != expected


def test_reject_lines_and_values_can_be_found_in_the_file(tmp_path: Path) -> None:
    text = HEADER + (
        '300000001,2024-01-01T00:00:00,1,2,3,"A\nB"\n'
        "300000002,never,1,2,3,C\n"
        "\n"
        "300000003,2024-01-01T00:00:00,1,2,fast,D\n"
        "-5,,x,2,3,E\n"
    )
    (tmp_path / "in.csv").write_text(text)
    staged = stage([tmp_path / "in.csv"], tmp_path / "out")
    with staged.rejects.open(newline="") as handle:
        found = [tuple(row.values())[1:] for row in csv.DictReader(handle)]
    assert [row[:4] for row in found] == [
        ("2", "4", "BaseDateTime", "never"),
        ("3", "6", "SOG", "fast"),
        ("4", "7", "MMSI", "-5"),
        ("4", "7", "BaseDateTime", ""),
        ("4", "7", "LAT", "x"),
    ]
    assert found[1][4] == "field ignored: not a number"
    assert (staged.rows, staged.rejected, staged.files[0].fields_ignored) == (2, 2, 1)


def test_window_is_half_open(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", [f"300000001,2024-01-01T00:00:{s:02d},1,2,3,A\n" for s in range(10)])
    start, end = datetime(2024, 1, 1, 0, 0, 3, tzinfo=UTC), datetime(2024, 1, 1, 0, 0, 6, tzinfo=UTC)
    staged = stage([source], tmp_path / "out", time_from=start, time_to=end)
    assert staged.rows == 3
    assert staged.files[0].rows_outside_window == 7
    assert (staged.time_first, staged.time_last) == (start, end.replace(second=5))
    with pytest.raises(DataError, match="all 10 that could be read lie outside"):
        stage([source], tmp_path / "out", time_from=datetime(2025, 1, 1, tzinfo=UTC))
    assert load(tmp_path / "out") == staged, "the older staging still stands"


def test_a_file_of_rejects_only_is_an_error_that_shows_them(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", ["300000001,01/02/2024 00:00,1,2,3,A\n"] * 30)
    with pytest.raises(DataError, match="30 records were rejected") as caught:
        stage([source], tmp_path / "out")
    assert len(caught.value.faults) == 10
    assert "line 2, column BaseDateTime" in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv"]


def test_all_unreadable_files_are_named_at_once(tmp_path: Path) -> None:
    good = write(tmp_path / "good.csv", lines(10))
    (tmp_path / "a.csv").write_bytes(b"")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match="2 of 3 files") as caught:
        stage([tmp_path / "a.csv", good, tmp_path / "b.csv"], tmp_path / "out")
    assert "a.csv" in str(caught.value)
    assert "b.csv" in str(caught.value)


def test_resume_takes_the_same_input_and_only_that(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", lines(50))
    first = stage([source], tmp_path / "out")
    mark = first.folder / "bucket=0000" / "positions.parquet"
    before = mark.stat().st_ino
    assert stage([source], tmp_path / "out", resume=True) == first
    assert mark.stat().st_ino == before
    write(source, lines(51))
    assert stage([source], tmp_path / "out", resume=True).rows == 51
    limited = stage([source], tmp_path / "out", resume=True, time_to=datetime(2024, 1, 1, 0, 0, 30, tzinfo=UTC))
    assert limited.rows < 51


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="holds files"):
        stage([write(tmp_path / "in.csv", lines(5))], tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "precious"


def test_progress_ends_with_the_whole_file(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", lines(200))
    calls: list[tuple[str, int, int]] = []
    stage([source], tmp_path / "out", progress=lambda *call: calls.append(call))
    assert calls[-1] == (str(source), source.stat().st_size, source.stat().st_size)


def test_wrong_arguments(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", lines(5))
    with pytest.raises(InputError, match="no input files"):
        stage([], tmp_path / "out")
    with pytest.raises(InputError, match="memory_limit"):
        stage([source], tmp_path / "out", memory_limit="plenty")


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", lines(200))

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage([source], tmp_path / "out", progress=interrupt)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv"]


SLOW = """
import sys, time
from pathlib import Path
from sealane.movement.staging import stage
def progress(*_):
    print("under way", flush=True)
    time.sleep(60)
stage([Path(sys.argv[1])], Path(sys.argv[2]), progress=progress)
"""


def test_a_killed_run_leaves_nothing_that_is_taken_for_good_and_the_next_cleans_up(tmp_path: Path) -> None:
    source, out = write(tmp_path / "in.csv", lines(3000)), tmp_path / "out"
    command = [sys.executable, "-c", SLOW, str(source), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "under way\n"
        stale = [p for p in tmp_path.iterdir() if p.name.startswith(".out.partial-")]
        assert len(stale) == 1
        # While it lives, another run leaves its folder alone.
        stage([source], tmp_path / "out")
        assert stale[0].exists()
        os.kill(process.pid, signal.SIGKILL)
    assert stale[0].exists()
    staged = stage([source], out)
    assert staged.rows == 3000
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv", "out"]


def test_damage_after_many_rows_leaves_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", lines(100_000))
    with source.open("ab") as handle:
        handle.write(b"\0\0")
    with pytest.raises(InputError, match="NUL"):
        stage([source], tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv"]


def test_bucket_numbers_are_spread_and_depend_on_the_mmsi_only() -> None:
    mmsi = np.arange(200_000_000, 200_000_000 + 97 * 5000, 97, dtype=np.int32)
    counts = np.bincount(buckets.bucket_of(mmsi, 16), minlength=16)
    assert counts.min() > 0.8 * counts.mean()
    assert buckets.bucket_of(mmsi, 1).max() == 0
    for n in (1, 2, 4, 1024):
        assert buckets.bucket_of(mmsi, n).max() < n


def test_a_name_that_is_not_utf8_is_written_with_escapes(tmp_path: Path) -> None:
    source = write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv")), lines(5))
    staged = stage([source], tmp_path / "out")
    assert staged.files[0].path.endswith(r"\xff.csv")
    staged.files[0].path.encode("utf-8")


@pytest.mark.parametrize("size", ["lots", "\u00b2MB", "-1MB", "1e9MB", "MB", ""])
def test_a_memory_limit_that_is_no_size(tmp_path: Path, size: str) -> None:
    with pytest.raises(InputError, match="is not a size"):
        stage([write(tmp_path / "in.csv", lines(5))], tmp_path / "out", memory_limit=size)
    assert stage([tmp_path / "in.csv"], tmp_path / "out", memory_limit="9" * 400 + "GB").rows == 5
