"""`sealane product`: fill a node from files, see what it holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.nodes import make_node

from sealane.cli.main import run
from sealane.samples.exchange import CONTAINERS, FAULTY, JOURNEY


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with make_node(tmp_path / "node"):
        return tmp_path / "node"


def run_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_journey_is_loaded_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for files in JOURNEY.values():
        for dataset, path in files:
            total = run_json(capsys, "product", "load", dataset, str(path), "--node", str(folder))
            assert total["new"] == total["read"] > 0
            again = run_json(capsys, "product", "load", dataset, str(path), "--node", str(folder))
            assert (again["new"], again["unchanged"]) == (0, total["read"])
    counts = {row["dataset"]: row["records"] for row in run_json(capsys, "product", "count", "--node", str(folder))}
    assert counts == {"container-milestones": 15, "port-calls": 6, "vessel-schedules": 2}
    rows = run_json(capsys, "product", "show", "container-milestones", "--node", str(folder), "--limit", "100")
    assert {row["equipment"] for row in rows} == set(CONTAINERS)
    assert all(row["simulated"] for row in rows)
    one = run_json(capsys, "product", "show", "container-milestones", rows[0]["id"], "--node", str(folder))
    assert one == [rows[0]]


def test_faulty_edifact_is_refused_and_the_sound_messages_kept(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["product", "load", "container-milestones", *map(str, FAULTY), "--node", str(folder)]) == 2
    told = capsys.readouterr()
    assert "segment 8 EQD, element 2.1: 'SIMU1000010', whose check digit would be 2" in told.err
    assert "coarri_cut_off.edi" in told.err
    assert run_json(capsys, "product", "count", "--node", str(folder)) == [
        {"dataset": "container-milestones", "source": "urn:sealane:test:here", "records": 1}
    ]


def test_a_faulty_file_among_others_loads_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sound,) = [path for dataset, path in JOURNEY["JPNGO"] if dataset == "port-calls"]
    broken = tmp_path / "broken.json"
    broken.write_text(sound.read_text(encoding="utf-8").replace('"BERTH"', '"BERHT"', 1), encoding="utf-8")
    assert run(["product", "load", "port-calls", str(sound), str(broken), "--node", str(folder)]) == 2
    assert "broken.json $.events[0].portCallService.portCallServiceTypeCode" in capsys.readouterr().err
    assert run_json(capsys, "product", "count", "--node", str(folder)) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["product", "load", "port-call", "x.json"], "There are: port-calls"),
        (["product", "load", "port-calls", "missing.json"], "missing.json: No such file"),
        (["product", "load", "container-milestones", "x.edi", "--time-zone", "Mars/Olympus"], "is no time zone here"),
        (["product", "show", "port-calls", "nothing"], "No record 'nothing'"),
    ],
)
def test_mistakes_are_told(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    assert run([*words, "--node", str(folder)]) == 2
    assert told in capsys.readouterr().err


def test_products_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = {row["id"]: row for row in run_json(capsys, "product", "list")}
    assert set(listed) >= {"port-calls", "container-milestones", "vessel-schedules", "emission-results", "documents"}
    assert "eventID" in listed["port-calls"]["required"]
    assert run(["product", "show", "port-calls", "--node", str(folder)]) == 0
