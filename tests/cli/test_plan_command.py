"""`sealane plan`: a folder of results, JSON for scripts, and words where there is no plan."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from tests.corridors.plan.plan_models import hand_case
from typer.testing import CliRunner, Result

from sealane.cli import plan as command
from sealane.corridors.scenarios.model import ScenarioModel
from sealane.errors import DataError


def run(monkeypatch: pytest.MonkeyPatch, model: ScenarioModel, *words: str) -> Result:
    # The reader has tests of its own; here only what follows it matters.
    monkeypatch.setattr("sealane.corridors.scenarios.read.read_scenario", lambda _: model)
    app = typer.Typer()
    app.callback()(lambda: None)
    command.add_to(app)
    return CliRunner().invoke(app, ["plan", "a-scenario", *words])


def test_results_in_a_folder_and_on_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "plan"
    done = run(monkeypatch, hand_case(), "--out", str(out), "--json")
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert content["kind"] == "plan"
    assert content["summary"]["status"] == "optimal"
    [price] = [row for row in content["shadow_prices"] if row["constraint"] == "cap_wtw"]
    assert price["value"] == pytest.approx(2.3e6 / 7200)
    assert json.loads((out / "scenario.json").read_text())["kind"] == "plan"
    assert pq.read_table(out / "dual.parquet").num_rows == 3
    assert (out / "report.html").exists()


def test_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(monkeypatch, hand_case(), "--out", str(tmp_path / "plan"))
    assert "17,045,455 USD" in done.output
    assert "HiGHS" not in done.output  # the solver keeps quiet
    assert "319.4" in done.output


def test_no_plan_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "plan"
    done = run(monkeypatch, hand_case(cap_wtw_t=np.array([np.nan, 10.0])), "--out", str(out))
    assert isinstance(done.exception, DataError)
    assert "cannot hold together" in str(done.exception)
    assert not out.exists()
