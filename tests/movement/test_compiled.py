"""Kept machine code: used again, thrown away when any source changed, done without where no folder can be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MODULE = """
from sealane.movement.compiled import njit

@njit(nogil=True, cache=True)
def twice(x):
    return 2 * x
"""
RUN = """
import sys
from sealane.movement import compiled
if len(sys.argv) > 1:
    compiled.code_stamp = lambda: sys.argv[1]
import loops
assert loops.twice(21) == 42
print(sum(loops.twice.stats.cache_hits.values()), sum(loops.twice.stats.cache_misses.values()))
"""


def run(folder: Path, *words: str, **environment: str) -> str:
    (folder / "loops.py").write_text(MODULE)
    os.utime(folder / "loops.py", (1e9, 1e9))  # numba looks at the file's own time of change
    surroundings = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")} | environment
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, *words],
        capture_output=True, text=True, check=False, cwd=folder, env=surroundings,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_kept_code_is_used_until_any_source_changes(tmp_path: Path) -> None:
    assert run(tmp_path) == "0 1"
    assert run(tmp_path) == "1 0"
    assert run(tmp_path, "another version of the package") == "0 1"
    assert run(tmp_path, "another version of the package") == "1 0"


def surroundings_without_cache(folder: Path) -> dict[str, str]:
    """No folder for compiled code: neither beside the module nor in a home."""
    (folder / "__pycache__").write_text("in the way")
    return {"HOME": str(folder / "loops.py"), "XDG_CACHE_HOME": str(folder / "loops.py")}


def test_where_no_folder_can_be_written_it_still_runs(tmp_path: Path) -> None:
    nowhere = surroundings_without_cache(tmp_path)
    for _ in range(2):
        assert run(tmp_path, **nowhere) == "0 1"
    chosen = nowhere | {"NUMBA_CACHE_DIR": str(tmp_path / "chosen")}
    assert run(tmp_path, **chosen) == "0 1"
    assert run(tmp_path, **chosen) == "1 0"


def test_numba_alone_refuses_there(tmp_path: Path) -> None:
    """The control: what the guard is for."""
    nowhere = surroundings_without_cache(tmp_path)
    (tmp_path / "loops.py").write_text(MODULE.replace("sealane.movement.compiled", "numba"))
    env = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")} | nowhere
    done = subprocess.run(
        [sys.executable, "-c", "import loops"], capture_output=True, text=True, check=False, cwd=tmp_path, env=env
    )
    assert "no locator available" in done.stderr
