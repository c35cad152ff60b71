"""The child process: what it may use, what it is told, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sealane.web.tasks.limits import Limits, clean_environment
from sealane.web.tasks.process import End, Outcome, run_child

LIMITS = Limits(memory_bytes=4 << 30, cpu_s=60, wall_s=60, file_bytes=1 << 30, open_files=256)


def work(tmp_path: Path, name: str, data: bytes = b"", size: int | None = None) -> dict[str, Any]:
    """Put a file into a working folder; return the arguments of its check."""
    (tmp_path / "in").mkdir(exist_ok=True)
    path = tmp_path / "in" / name
    path.write_bytes(data)
    if size is not None:
        os.truncate(path, size)  # without taking room on the disk
    return {
        "kind": "vessels",
        "file": f"in/{name}",
        "name": name,
        "size_bytes": size or len(data),
        "sha256": None,
        "options": {},
        "now": "2026-07-01T00:00:00+00:00",
        "current": None,
    }


def check(tmp_path: Path, arguments: dict[str, Any], limits: Limits = LIMITS, **more: Any) -> Outcome:
    return run_child("check", arguments, tmp_path, limits, **more)


def test_a_sound_file_comes_back_with_what_it_holds(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    data = b"mmsi,name,ship_class,teu\n367000140,ONE,Container Ship,5000\n"
    found = check(tmp_path, work(tmp_path, "v.csv", data), progress=lambda *at: told.append(at))
    assert (found.end, found.done and found.done["accepted"]) == (End.DONE, 1)
    assert ("digest", len(data), len(data)) in told


def test_a_faulty_file_comes_back_with_every_fault(tmp_path: Path) -> None:
    found = check(tmp_path, work(tmp_path, "v.csv", b"mmsi,colour\nabc,red\n"))
    assert found.end is End.ERROR
    assert found.error is not None
    assert {fault["where"] for fault in found.error["faults"]} >= {"v.csv row 1, column colour"}
    assert (tmp_path / "rejects.csv").is_file()


def test_memory_is_limited_and_the_end_is_in_words(tmp_path: Path) -> None:
    row = b"mmsi,name,ship_class,teu\n" + b"367000140," + b"N" * 40_000_000 + b",Container Ship,5000\n"
    small = Limits(memory_bytes=128 << 20, cpu_s=60, wall_s=60, file_bytes=1 << 30, open_files=256)
    found = check(tmp_path, work(tmp_path, "v.csv", row), small)
    assert (found.end, (found.error or {}).get("kind")) == (End.ERROR, "memory")
    # The same with room enough is refused for what it is: the limit was what ended it.
    assert (check(tmp_path, work(tmp_path, "v.csv", row)).error or {}).get("kind") == "input"


@pytest.mark.parametrize("how", ["timeout", "stopped", "processor"])
def test_long_work_is_ended(tmp_path: Path, how: str) -> None:
    arguments = work(tmp_path, "v.csv", size=200 << 30)
    limits = {
        "timeout": Limits(4 << 30, 600, 1.0, 1 << 30, 256),
        "stopped": Limits(4 << 30, 600, 600, 1 << 30, 256),
        "processor": Limits(4 << 30, 1, 600, 1 << 30, 256),
    }[how]
    begun = time.monotonic()
    found = check(tmp_path, arguments, limits, should_stop=lambda: how == "stopped" and time.monotonic() > begun + 1)
    assert found.end is {"timeout": End.TIMEOUT, "stopped": End.STOPPED, "processor": End.KILLED}[how]
    assert processes_in(tmp_path) == []


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    arguments = work(tmp_path, "v.csv", size=200 << 30)
    code = (
        "import json, sys\nfrom pathlib import Path\nfrom sealane.web.tasks.limits import Limits\n"
        "from sealane.web.tasks.process import run_child\n"
        "run_child('check', json.loads(sys.argv[2]), Path(sys.argv[1]), Limits(4 << 30, 600, 600, 1 << 30, 256))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), json.dumps(arguments)])
    wait_for(lambda: processes_in(tmp_path) != [])
    parent.kill()
    parent.wait()
    wait_for(lambda: processes_in(tmp_path) == [])


def processes_in(folder: Path) -> list[int]:
    """Return the child processes that work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                here = (entry / "cwd").readlink() == folder
                if here and b"tasks.child" in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def wait_for(is_so: Any) -> None:
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_its_environment_holds_nothing_of_the_nodes() -> None:
    given = {"PATH": "/bin", "SEALANE_DATABASE_URL": "postgresql://u:secret@h/d", "PGPASSFILE": "/x", "HOME": "/root"}
    found = clean_environment(given, "/work", 2)
    assert not any(name.startswith(("SEALANE", "PG")) for name in found)
    assert "secret" not in str(found)
    assert (found["HOME"], found["TMPDIR"], found["PATH"]) == ("/work", "/work", "/bin")


def test_modules_in_its_folder_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('taken')")
    (tmp_path / "sealane.py").write_text("raise SystemExit('taken')")
    data = b"mmsi,name,ship_class,teu\n367000140,ONE,Container Ship,5000\n"
    assert check(tmp_path, work(tmp_path, "v.csv", data)).end is End.DONE
