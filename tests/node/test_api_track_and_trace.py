"""Container milestones over HTTP: taken, found by container, booking and document, retracted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.node.dcsa_client import MILESTONES, DcsaClient, all_pages
from tests.ports import Clock, make_node
from tests.standards import standard_file

from sealane.database import Database

MESSAGES = ("equipment", "iot", "reefer", "shipment", "transport")


@pytest.fixture
def client(tmp_path: Path, database: Database) -> DcsaClient:
    return DcsaClient(make_node(tmp_path, "nagoya", database, Clock()))


def milestone(number: int, container: str = "CSQU3054383", **changes: Any) -> dict[str, Any]:
    return {
        "eventID": f"event-{number}",
        "eventDateTime": f"2026-02-{number % 28 + 1:02d}T00:00:00Z",
        "eventUpdatedDateTime": f"2026-02-{number % 28 + 1:02d}T01:00:00Z",
        "eventClassification": {
            "eventTypeCode": "EQUIPMENT",
            "eventClassifierCode": "ACT",
            "equipmentEventTypeCode": "LOAD",
        },
        "equipmentDetails": {"equipmentReference": container},
        **changes,
    }


def numbers(client: DcsaClient, **params: Any) -> list[str]:
    answer = client.get(MILESTONES, params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["API-Version"] == "3.0.0"
    return [event["eventID"] for event in answer.json()["events"]]


def test_published_requests_are_taken_and_given_back(client: DcsaClient) -> None:
    sent = []
    for name in MESSAGES:
        data = standard_file("dcsa", "messages", f"tnt-300-request-{name}.json").read_bytes()
        answer = client.post(MILESTONES, data)
        assert (answer.status_code, answer.json()) == (200, {"feedbackElements": []})
        sent += json.loads(data)["events"]
    assert client.get(MILESTONES).json()["events"] == sent
    assert len(numbers(client, eventTypes="IOT,REEFER")) == 2
    assert len(numbers(client, carrierBookingReference="ABC709951")) == 2
    assert len(numbers(client, transportDocumentReference="HHL71800000", eventTypes="TRANSPORT")) == 1
    assert len(numbers(client, equipmentReference="APZU4812090", eventTypes="EQUIPMENT")) == 1


def test_filters(client: DcsaClient) -> None:
    # SMDG lets boxes without an ISO number have one of their own; it is in no index and must still be found.
    events = [milestone(1), milestone(2, "APZU4812090"), milestone(3, "OWN-BOX-1")]
    assert client.post(MILESTONES, events).status_code == 200
    assert numbers(client, equipmentReference="CSQU3054383") == ["event-1"]
    assert numbers(client, equipmentReference="OWN-BOX-1") == ["event-3"]
    inside = {"eventUpdatedDateTimeMin": "2026-02-02T01:00:00Z", "eventUpdatedDateTimeMax": "2026-02-03T01:00:00Z"}
    assert numbers(client, **inside) == ["event-1", "event-2"]
    assert client.get(MILESTONES, {"vesselName": "x"}).status_code == 400


def test_a_wrong_check_digit_is_refused(client: DcsaClient) -> None:
    answer = client.post(MILESTONES, [milestone(1), milestone(2, "CSQU3054384")])
    assert answer.status_code == 400
    (element,) = answer.json()["feedbackElements"]
    assert element["propertyPath"] == "$.events[1].equipmentDetails.equipmentReference"
    assert "would be 3" in element["message"]
    assert numbers(client) == []


def test_an_event_is_overridden_and_retracted(client: DcsaClient) -> None:
    client.post(MILESTONES, [milestone(1)])
    client.post(MILESTONES, [milestone(1, eventUpdatedDateTime="2026-02-20T00:00:00Z", isRetracted=True)])
    client.post(MILESTONES, [milestone(1)])
    (event,) = client.get(MILESTONES).json()["events"]
    assert event["isRetracted"] is True


def test_pages(client: DcsaClient) -> None:
    client.post(MILESTONES, [milestone(number) for number in range(12)])
    pages = all_pages(client, MILESTONES, {"limit": 5, "eventTypes": "EQUIPMENT"})
    assert [len(page["events"]) for page in pages] == [5, 5, 2]
    assert len({event["eventID"] for page in pages for event in page["events"]}) == 12
