"""The script that sees to PostgreSQL never fails, says nothing where it is there, and what to do where it is not."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest
from tests import postgresql


@pytest.fixture
def script() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "scripts" / "need_postgresql.py"
    spec = importlib.util.spec_from_file_location("need_postgresql", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_says_nothing_where_the_server_is(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    if postgresql.binaries() is None:
        pytest.skip("not proven: PostgreSQL's server is not installed")
    assert script.has_server()
    assert script.main() == 0
    assert capsys.readouterr().out == ""


def test_it_says_what_to_do_where_it_cannot_install(
    script: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "has_server", lambda: False)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert script.main() == 0
    said = capsys.readouterr().out
    assert "not proven" in said
    assert "apt-get install postgresql" in said
