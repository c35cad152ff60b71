"""The conformance kit finds a fault: its negative control. The whole kit is run by `make tck`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as Xml

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_tck", ROOT / "scripts" / "run_tck.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["run_tck"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_the_kit_finds_a_provider_that_skips_states(script: ModuleType) -> None:
    try:
        results, _ = script.run(script.DEFAULT_VERSION, broken=True, only="CN:03-02")
    except script.NotProvenError as reason:
        pytest.skip(f"not proven: {reason}")
    assert [(result.name[:8], result.status, result.mandatory) for result in results] == [("CN:03-02", "failed", True)]


def test_the_kit_under_its_two_addresses(script: ModuleType) -> None:
    assert script.group_of("1.0.0-RC6")[:2] == ("org.eclipse.dataspacetck.dsp", None)
    for version in ("1.0.0-RC7", "1.0.0", "1.0.1"):
        assert script.group_of(version)[:2] == ("org.eclipse.dataspacetck.common", "1.0.0")


def test_without_the_tools_it_is_not_proven(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert script.main([]) == script.NOT_PROVEN != 0
    assert "not proven: the Dataspace Protocol's conformance kit" in capsys.readouterr().out


def test_a_version_nobody_serves_is_not_proven(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failed:
        returncode = 1
        stdout = "[INFO] x\n[ERROR] Could not find artifact\n"
        stderr = ""

    monkeypatch.setattr(script.subprocess, "run", lambda *_, **__: Failed())
    with pytest.raises(script.NotProvenError):
        script.build("9.9.9")


def test_the_list_and_the_exit_code_tell_the_same(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = script.Result("passed", 0.5, "a.B", True, "CN:01-01: one", "")
    off = script.Result("failed", 0.5, "a.B", True, "TP:02-04: switched off", "why")
    bad = script.Result("failed", 0.5, "a.B", True, "CN:01-02: two", "no \x00 good")
    for results, code, failures in (([good], 0, "0"), ([good, off], 0, "0"), ([good, bad], 1, "1"), ([off], 1, "0")):
        script.write(results, 1.0, "x", tmp_path)
        suite = Xml.parse(tmp_path / "junit.xml").getroot()
        assert (suite.get("tests"), suite.get("failures")) == (str(len(results)), failures)
        assert script.report(results, 1.0, "x") == code
        listed = (tmp_path / "tests.txt").read_text(encoding="utf-8").splitlines()
        assert sorted(listed) == sorted(f"{result.status}\t{result.name}" for result in results)
    assert script.report([], 1.0, "x") == 1
    assert "0 passed, 0 failed" in capsys.readouterr().out
