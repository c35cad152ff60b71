"""A result folder appears whole or not at all: failure, kill, two runs at once, places that cannot be replaced."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sealane.errors import DataError, InputError
from sealane.folders import check_ours, whole_folder

HOLDS = """
import sys, time
from pathlib import Path
from sealane.folders import check_ours, whole_folder
with whole_folder(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print(folder, flush=True)
    time.sleep(60)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fill(target: Path, text: str) -> None:
    with whole_folder(target) as folder:
        (folder / "data").write_text(text)


def test_it_replaces_an_older_folder_and_leaves_nothing_else(tmp_path: Path) -> None:
    fill(tmp_path / "out", "old")
    (tmp_path / "out" / "only old").touch()
    fill(tmp_path / "out", "new")
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["data"]
    assert (tmp_path / "out" / "data").read_text() == "new"


def test_a_failure_leaves_the_old_folder_and_no_parents(tmp_path: Path) -> None:
    fill(tmp_path / "out", "old")
    for target in (tmp_path / "out", tmp_path / "a" / "b" / "c"):
        with pytest.raises(KeyboardInterrupt), whole_folder(target) as folder:
            (folder / "half").touch()
            raise KeyboardInterrupt
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "data").read_text() == "old"


def test_a_failing_last_step_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "out", "old")
    rename = Path.rename

    def fail_in_place(self: Path, target: Path) -> Path:
        if target == tmp_path / "out" and self.name != "old":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_in_place)
    with pytest.raises(OSError, match="No space"):
        fill(tmp_path / "out", "new")
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "data").read_text() == "old"


@pytest.mark.parametrize("name", ["out", "a[b]*?", "x" * 250, "-rf", "new\nline", "ü 船"])
def test_killed_runs_are_cleared_up_and_living_ones_are_not(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(target)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (stale,) = list(tmp_path.iterdir())
        fill(target, "beside it")
        assert (stale / "half").exists()
        os.kill(process.pid, signal.SIGKILL)
    fill(target, "after it")
    assert names(tmp_path) == [name]


def test_a_folder_without_lock_is_left_until_it_is_surely_dead(tmp_path: Path) -> None:
    beginning = tmp_path / ".out.partial-x"
    beginning.mkdir()
    fill(tmp_path / "out", "a")
    assert beginning.exists()
    an_hour_ago = time.time() - 3600
    os.utime(beginning, (an_hour_ago, an_hour_ago))
    fill(tmp_path / "out", "b")
    assert names(tmp_path) == ["out"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    fill(tmp_path / "disk" / "real", "old")
    (tmp_path / "out").symlink_to(tmp_path / "disk" / "real")
    fill(tmp_path / "out", "new")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "disk" / "real" / "data").read_text() == "new"


@pytest.mark.parametrize("target", [".", "..", "/"])
def test_places_that_cannot_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="Name a folder inside it"):
        fill(Path(target), "x")
    assert names(tmp_path) == []


def test_a_folder_with_other_things_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "documents"
    target.mkdir()
    (target / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"thesis\.txt"), whole_folder(target, ("table.parquet",)) as folder:
        (folder / "table.parquet").write_bytes(b"")
    assert (target / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_of_the_same_kind_is_replaced(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with whole_folder(tmp_path / "out", ("table.csv",)) as folder:
            (folder / "table.csv").write_text(text, encoding="utf-8")
    assert (tmp_path / "out" / "table.csv").read_text(encoding="utf-8") == "new"


def test_a_report_of_the_users_own_is_not_taken_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "report.xlsx").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"report\.xlsx"):
        check_ours(tmp_path, ("lane.json", "report.xlsx"))
    (tmp_path / "lane.json").write_text("{}", encoding="utf-8")
    check_ours(tmp_path, ("lane.json", "report.xlsx"))
