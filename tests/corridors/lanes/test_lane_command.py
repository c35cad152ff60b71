"""The commands `sealane lane` and `sealane corridor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from tests.corridors.lanes.lane_world import ServiceLane
from typer.testing import CliRunner

from sealane.cli import lane as commands
from sealane.errors import InputError, SealaneError

app = typer.Typer()
commands.add_to(app)


def invoke(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_lane_by_command(service_lane: ServiceLane, tmp_path: Path) -> None:
    folder = service_lane.service
    files = ("--calls", str(folder / "calls.csv"), "--vessels", str(folder / "vessels.csv"))
    output = invoke("lane", "la-lb-shanghai", *files, "--out", str(tmp_path / "out"), "--grid", "USLAX=200")
    assert "SIMULATED DATA" in output
    assert "no target published" in output
    for rule in ("direct", "rotation", "cargo"):
        assert rule in output
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"lane.json", "legs.parquet", "report.html"}
    leg = json.loads((tmp_path / "out" / "lane.json").read_text())["counts"]["legs_on_lane"]
    assert leg == service_lane.result.summary["counts"]["legs_on_lane"]


def test_json_holds_what_the_folder_holds(service_lane: ServiceLane, tmp_path: Path) -> None:
    files = ("--calls", str(service_lane.service / "calls.csv"), "--year", "2025", "--attribution", "cargo", "--json")
    content = json.loads(invoke("lane", "la-lb-shanghai", *files, "--out", str(tmp_path / "out")))
    assert content == json.loads((tmp_path / "out" / "lane.json").read_text())
    assert content["attribution"]["rule"] == "cargo"
    assert content["quality"]["ships_by_particulars"] == {"class default": 5}


def test_corridors_are_listed_and_shown(tmp_path: Path) -> None:
    assert "singapore-la-lb" in invoke("corridor", "list")
    assert len(json.loads(invoke("corridor", "list", "--json"))) == 5
    shown = invoke("corridor", "show", "la-lb-shanghai")
    assert "COSCO" in shown
    assert "no target published" in shown
    assert json.loads(invoke("corridor", "show", "la-tokyo", "--json"))["end_b"]["ports"] == ["JPTYO"]


def test_a_leg_is_explained_by_command(service_lane: ServiceLane) -> None:
    from tests.corridors.lanes.test_lane_explain import leg_ids

    leg = leg_ids(service_lane.result.folder)[0]
    assert "equals the table" in invoke("corridor", "explain", str(service_lane.result.folder), leg)
    assert json.loads(invoke("corridor", "explain", str(service_lane.result.folder), leg, "--json"))["adds_up"]


def test_wrong_options_say_what_would_be_right(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Give --calls FILE, --inventory DIR or --node FOLDER"):
        invoke("lane", "la-tokyo", "--out", str(tmp_path / "o"))
    with pytest.raises(SealaneError, match="There is no such corridor"):
        invoke("lane", "la-moon", "--calls", "x.csv", "--out", str(tmp_path / "o"))
    with pytest.raises(InputError, match="PORT=G"):
        calls = tmp_path / "c.csv"
        calls.write_text("imo,port,arrival\n9321483,USLAX,2026-07-01T00:00:00Z\n")
        invoke("lane", "la-tokyo", "--calls", str(calls), "--grid", "USLAX", "--out", str(tmp_path / "o"))
