"""Records written to files: JSON Lines byte by byte, Parquet a column a leaf, EPCIS for what happened."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.nodes import make_node

from sealane.cli.main import run
from sealane.products.epcis import epcis_document
from sealane.samples.exchange import JOURNEY

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    with make_node(tmp_path / "node"):
        pass
    for dataset, path in [*JOURNEY["JPNGO"], *JOURNEY["USLAX"]]:
        assert run(["product", "load", dataset, str(path), "--node", str(tmp_path / "node")]) == 0
    capsys.readouterr()
    return tmp_path / "node"


def export(folder: Path, dataset: str, form: str, out: Path) -> int:
    return run(["product", "export", dataset, "--format", form, "--out", str(out), "--node", str(folder)])


def test_files_hold_every_record(folder: Path, tmp_path: Path) -> None:
    lines = tmp_path / "calls.jsonl"
    assert export(folder, "port-calls", "jsonl", lines) == 0
    events = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    wanted = [path for files in JOURNEY.values() for dataset, path in files if dataset == "port-calls"]
    assert events == [event for path in wanted for event in json.loads(path.read_bytes())["events"]]
    table = tmp_path / "calls.parquet"
    assert export(folder, "port-calls", "parquet", table) == 0
    rows = pq.read_table(table).to_pylist()
    assert [row["eventID"] for row in rows] == [event["eventID"] for event in events]
    assert rows[0]["vessel.vesselIMONumber"] == "9999993"
    assert all(row["_simulated"] for row in rows)
    assert export(folder, "port-calls", "parquet", table) == 2  # it exists
    assert export(folder, "port-calls", "epcis", tmp_path / "x") == 2


def test_milestones_become_epcis_events(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "events.json"
    assert export(folder, "container-milestones", "epcis", out) == 0
    document = json.loads(out.read_text(encoding="utf-8"))
    assert (document["type"], document["schemaVersion"]) == ("EPCISDocument", "2.0")
    events = document["epcisBody"]["eventList"]
    assert len(events) == 15
    loaded = [event for event in events if event.get("bizStep") == "loading" and "destinationList" in event]
    assert len(loaded) == 3
    assert loaded[0] == {
        "type": "ObjectEvent",
        "eventID": loaded[0]["eventID"],
        "eventTime": "2026-10-07T04:30:00.000Z",
        "eventTimeZoneOffset": "+00:00",
        "epcList": ["urn:epc:id:bic:SIMU1000012"],
        "action": "OBSERVE",
        "bizStep": "loading",
        "disposition": "in_transit",
        "readPoint": {"id": "urn:sealane:unlocode:JPNGO"},
        "bizTransactionList": [{"type": "bol", "bizTransaction": "urn:sealane:transport-document:SIMBL0001"}],
        "destinationList": [{"type": "location", "destination": "urn:epc:id:imovn:9999993"}],
    }


def milestone(**changes: Any) -> dict[str, Any]:
    return {
        "eventID": "1",
        "eventDateTime": "2026-03-01T21:00:00+09:00",
        "eventClassification": {
            "eventTypeCode": "EQUIPMENT",
            "eventClassifierCode": "ACT",
            "equipmentEventTypeCode": "GTIN",
        },
        "equipmentDetails": {"equipmentReference": "CSQU3054383"},
        **changes,
    }


def test_what_is_no_epcis_event_is_left_out_and_counted() -> None:
    planned = {"eventTypeCode": "EQUIPMENT", "eventClassifierCode": "PLN", "equipmentEventTypeCode": "GTIN"}
    payloads = [
        milestone(),
        milestone(eventClassification=planned),
        milestone(equipmentDetails={}),
        milestone(equipmentDetails={"equipmentReference": "OWN-BOX-1"}),
        {"eventID": "2", "isRetracted": True},
    ]
    document, left_out = epcis_document(payloads, NOW)
    (event,) = document["epcisBody"]["eventList"]
    assert (left_out, event["eventTime"], event["bizStep"]) == (4, "2026-03-01T12:00:00.000Z", "arriving")
    retracted, _ = epcis_document([milestone(isRetracted=True)], NOW)
    assert retracted["epcisBody"]["eventList"][0]["errorDeclaration"]["reason"] == "did_not_occur"
    assert retracted["epcisBody"]["eventList"][0]["eventID"] == event["eventID"]
