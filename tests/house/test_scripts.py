"""The scripts behind the Makefile: what they refuse, what they say, what they ask for."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import namedtuple
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
Version = namedtuple("Version", "major minor micro releaselevel serial")


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_old_python_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["make_venv.py", str(tmp_path / "venv")])
    monkeypatch.setattr(sys, "version_info", Version(3, 10, 4, "final", 0))
    assert load("make_venv").main() == 2
    assert "make PYTHON=" in capsys.readouterr().err
    assert not (tmp_path / "venv").exists()


def test_a_working_environment_is_kept_and_a_broken_one_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load("make_venv")
    folder = tmp_path / "venv"
    monkeypatch.setattr(sys, "argv", ["make_venv.py", str(folder)])
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (folder / "bin" / "python").chmod(0o755)
    assert module.main() == 0
    python = folder / "bin" / "python"
    assert subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    (folder / "mark").touch()
    assert module.main() == 0
    assert (folder / "mark").exists()


def test_java_is_recognised_by_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load("need_java")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert module.java_version() is None
    java = tmp_path / "java"
    for line, version in (('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_391"', 1)):
        java.write_text(f"#!{shutil.which('sh', path=os.defpath)}\necho '{line}' >&2\n", encoding="utf-8")
        java.chmod(0o755)
        assert module.java_version() == version


def test_dev_requirements_are_those_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    module = load("dev_requirements")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert module.main() == 0
    printed = capsys.readouterr().out.splitlines()
    assert set(project["dependency-groups"]["dev"]) <= set(printed)
    assert any(line.startswith("pyspark") for line in printed)


def test_the_makefile_needs_no_address_and_no_newer_make() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert not re.search(r"https?://(?!127\.0\.0\.1)", text)
    for target in ("install", "demo", "test", "lint", "bench", "docs"):
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_demo_is_made_again_for_another_version_or_port_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    demo = load("demo")
    assert not demo.is_made(tmp_path, 8000)
    (tmp_path / demo.READY).write_text("damaged")
    assert not demo.is_made(tmp_path, 8000)
    (tmp_path / demo.READY).write_text(json.dumps({"made_from": demo.made_from(8000)}))
    assert demo.is_made(tmp_path, 8000)
    assert not demo.is_made(tmp_path, 8100)
    monkeypatch.setattr(demo.sealane, "__version__", "another")
    assert not demo.is_made(tmp_path, 8000)


def test_the_demo_says_what_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    demo = load("demo")
    simulated = [job[1] for job in demo.JOBS if demo.LABEL in job[2]]
    simulated += [title for _, title, command in demo.CORRIDOR_JOBS if any(demo.SERVICE in word for word in command)]
    assert len(simulated) == 3
    assert all("SIMULATED" in title for title in simulated)


def test_what_a_machine_cannot_check_is_reported_as_not_proven(tmp_path: Path) -> None:
    shutil.copyfile(ROOT / "tests" / "conftest.py", tmp_path / "conftest.py")
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n@pytest.mark.spark\ndef test_spark() -> None:\n    raise AssertionError\n", encoding="utf-8"
    )
    words = ["-q", "-p", "no:cacheprovider", "-o", "markers=spark: needs Java", str(tmp_path)]
    environment = {key: value for key, value in os.environ.items() if key not in ("JAVA_HOME", "PATH")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=tmp_path,
        env=environment | {"PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},  # the copy imports its fixtures
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT PROVEN" in done.stdout
    assert "1 skipped" in done.stdout
    assert "passed" not in done.stdout
