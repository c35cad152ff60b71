"""The code of README and pages runs: ```console blocks as command lines, ```python blocks as Python.

Blocks of one page run in order, in one empty folder. Shell recipes with placeholders stand in ```sh blocks.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sealane.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text: str) -> list[tuple[str, str]]:
    return BLOCK.findall(text)


def run_block(kind: str, code: str) -> None:
    """Run one block; raises where it does not do what it says."""
    if kind == "python":
        exec(compile(code, "<example>", "exec"), {"__name__": "__example__"})
        return
    for line in code.splitlines():
        words = shlex.split(line)
        if words[:2] == ["$", "sealane"]:
            assert run(words[2:]) == 0, line
        else:
            assert not line.startswith("$"), f"a console block runs sealane only: {line}"


PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if blocks(page.read_text(encoding="utf-8"))
]


def test_there_are_examples() -> None:
    assert {"README.md", "tutorial.md", "formulas.md", "agreements.md", "python.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind, code in blocks(page.read_text(encoding="utf-8")):
        run_block(kind, code)


SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_example_scripts_answer_their_question(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = script.read_text(encoding="utf-8")
    assert re.match(r'"""[^"]+\?"""', code), "an example opens with the question it answers"
    exec(compile(code, script.name, "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.strip()


def test_there_are_example_scripts() -> None:
    assert len(SCRIPTS) >= 3


def test_a_broken_example_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError):
        run_block("console", "$ sealane agreement show no-such-agreement\n")
    with pytest.raises(AttributeError):
        run_block("python", "import sealane\nsealane.no_such_function()\n")
