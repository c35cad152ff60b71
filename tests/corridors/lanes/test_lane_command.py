"""The commands `sealane lane` and `sealane corridor`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
import typer
from tests.corridors.lanes.lane_world import ServiceLane, write_calls
from tests.nodes import make_node
from typer.testing import CliRunner

from sealane.cli import lane as commands
from sealane.errors import InputError, SealaneError
from sealane.node.open import open_node
from sealane.products.store import put_records

NOW = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)
SHANGHAI_EVENTS = [
    {
        "eventID": f"00000000-0000-4000-8000-00000000000{number}",
        "portCall": {"UNLocationCode": "CNSHA", "portVisitReference": "visit 1"},
        "portCallService": {"portCallServiceTypeCode": "BERTH", "portCallServiceEventTypeCode": kind},
        "vessel": {"vesselIMONumber": "9321483", "vesselTypeCode": "CONT"},
        "timestamp": {"classifierCode": "ACT", "serviceDateTime": time},
    }
    for number, (kind, time) in enumerate((("ARRI", "2026-07-19T00:00:00Z"), ("DEPA", "2026-07-20T12:00:00Z")))
]
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


def test_partners_calls_come_out_of_a_node(tmp_path: Path) -> None:
    """Own calls at Los Angeles from a file, the partner's at Shanghai as it sent them: together they are a lane."""
    make_node(tmp_path / "node").close()
    bodies = [json.dumps(body).encode() for body in SHANGHAI_EVENTS]
    with open_node(tmp_path / "node") as node, node.database.write() as connection:
        found = put_records(connection, "urn:sealane:test:sh", "port-calls", bodies, NOW, simulated=True)
        assert not found.faults
    own = write_calls(
        tmp_path / "own.csv",
        '9321483,A SHIP,Container Ship,"8,000 TEU",USLAX,2026-07-01T00:00:00Z,2026-07-03T00:00:00Z',
        '9321483,A SHIP,Container Ship,"8,000 TEU",USLAX,2026-08-06T00:00:00Z,2026-08-08T00:00:00Z',
    )
    with pytest.raises(SealaneError, match="No leg of these port calls"):
        invoke("lane", "la-lb-shanghai", "--calls", str(own), "--out", str(tmp_path / "out"))
    words = ("--calls", str(own), "--node", str(tmp_path / "node"), "--json")
    content = json.loads(invoke("lane", "la-lb-shanghai", *words, "--out", str(tmp_path / "out")))
    assert content["counts"]["direct_passes"] == 2
    assert content["label"] == "SIMULATED DATA", "one simulated record marks the whole"
    assert {item["source"] for item in content["inputs"]} == {"own_file", "partner"}
