"""Third-party messages of DCSA are read; each broken variant of them is refused by its path."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import Any

import pytest
from tests.products.variants import broken_variants
from tests.standards import standard_file

from sealane.agreements.fields import covers_name, leaves_of, trim
from sealane.products import dcsa_port_call, dcsa_schedules, dcsa_track_and_trace
from sealane.products.catalogue import DATASETS
from sealane.products.dcsa_schedules import assemble, split
from sealane.products.json_text import elements
from sealane.products.shapes import Faults, Shape
from sealane.products.store import prepare

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
EVENT_FILES = {
    "portcall-api-200-post-request.json": "port-calls",
    "portcall-api-200-get-response.json": "port-calls",
    "tnt-300-request-equipment.json": "container-milestones",
    "tnt-300-request-iot.json": "container-milestones",
    "tnt-300-request-reefer.json": "container-milestones",
    "tnt-300-request-shipment.json": "container-milestones",
    "tnt-300-request-transport.json": "container-milestones",
    "tnt-300-response.json": "container-milestones",
    "tnt-300-response-nextpage.json": "container-milestones",
}
SCHEDULES = "ovs-300-response.json"
SHAPES: dict[str, Shape] = {
    "port-calls": dcsa_port_call.EVENT,
    "container-milestones": dcsa_track_and_trace.EVENT,
    "vessel-schedules": dcsa_schedules.SCHEDULE,
}


def published(name: str) -> list[dict[str, Any]]:
    data = standard_file("dcsa", "messages", name).read_bytes()
    if name == SCHEDULES:
        return [json.loads(body) for _, body in split(json.loads(data), "$", Faults())]
    found = elements(data, "events", "$", [])
    assert found
    return [value for value, _ in found]


def read(dataset: str, payload: Any) -> tuple[Any, Faults]:
    faults = Faults()
    return DATASETS[dataset].read(payload, "$", faults, NOW), faults


@pytest.mark.parametrize(("name", "dataset"), [*EVENT_FILES.items(), (SCHEDULES, "vessel-schedules")])
def test_published_messages_are_read(name: str, dataset: str) -> None:
    for payload in published(name):
        found, faults = read(dataset, payload)
        assert list(faults) == []
        assert found is not None
        record, _ = found
        assert record.dataset == dataset
        assert record.id
        assert record.occurred_at is not None


@pytest.mark.parametrize(("name", "dataset"), [*EVENT_FILES.items(), (SCHEDULES, "vessel-schedules")])
def test_broken_variants_are_refused_by_their_path(name: str, dataset: str) -> None:
    tried = 0
    for payload in published(name):
        for what, path, broken in broken_variants(SHAPES[dataset], payload):
            if "check digit" in what and "vesselTransport" in path:
                continue  # a caution there: the published examples themselves have such numbers
            if "check digit" in what and dataset == "vessel-schedules":
                continue
            if what == "empty" and path.endswith(("emark", "reason")):
                continue  # free text may be empty
            found, faults = read(dataset, broken)
            assert found is None, (what, path)
            assert any(fault.where == path for fault in faults), (what, path, [str(fault) for fault in faults])
            assert all(fault.remedy for fault in faults)
            tried += 1
    assert tried > 30


def test_facts_of_a_port_call() -> None:
    found, faults = read("port-calls", published("portcall-api-200-post-request.json")[0])
    record, keys = found
    assert record.id == "3910eb91-8791-4699-8029-8bba8cedb6f5"
    assert (record.port, record.terminal, record.vessel_imo) == ("NLAMS", "ADT", "9321483")
    assert record.occurred_at == dt.datetime(2025, 1, 23, 1, 23, 45, tzinfo=dt.UTC)
    assert record.known_at == dt.datetime(2025, 1, 23, 1, 23, 45, tzinfo=dt.UTC)
    assert keys.voyage == "2103S"
    # The published example itself goes against the text of its standard in two places.
    assert {caution.where for caution in faults.cautions} == {
        "$.portCallService.portCallServiceEventTypeCode",
        "$.movesForecasts",
    }


def test_facts_of_milestones() -> None:
    record, keys = read("container-milestones", published("tnt-300-request-transport.json")[0])[0]
    assert record.id == "SMDG:LCL:EXCO:evt-trans-001-2026-01-20T12:30:00Z"
    assert (record.port, record.vessel_imo) == ("DEHAM", "1234567")
    assert (keys.booking, keys.bill_of_lading, keys.voyage) == ("ABC709951", "HHL71800000", "V001E")
    record, keys = read("container-milestones", published("tnt-300-request-equipment.json")[0])[0]
    assert keys.equipment == "APZU4812090"


def test_a_wrong_imo_number_beside_a_milestone_is_told_and_joins_nothing() -> None:
    payload = published("tnt-300-response.json")[1]
    found, faults = read("container-milestones", payload)
    assert found[0].vessel_imo is None
    assert [fault.where for fault in faults.cautions] == [
        "$.transportDetails.transportCall.vesselTransport.vesselIMONumber"
    ]


def sound_port_call() -> dict[str, Any]:
    return {
        "eventID": "11111111-2222-4333-8444-555555555555",
        "portCall": {"UNLocationCode": "USLAX"},
        "portCallService": {"portCallServiceTypeCode": "BERTH"},
        "timestamp": {"classifierCode": "ACT", "serviceDateTime": "2026-03-01T12:00:00+09:00"},
    }


def test_what_one_part_of_a_port_call_demands_of_another() -> None:
    assert read("port-calls", sound_port_call())[0] is not None
    without_time = {k: v for k, v in sound_port_call().items() if k != "timestamp"}
    assert [f.where for f in read("port-calls", without_time)[1]] == ["$.timestamp"]
    cancelled = {**without_time, "portCallService": {"portCallServiceTypeCode": "BERTH", "isCanceled": True}}
    assert read("port-calls", cancelled)[0] is not None
    moves = {**without_time, "portCallService": {"portCallServiceTypeCode": "MOVES"}}
    assert read("port-calls", moves)[0] is not None
    without_service = {k: v for k, v in without_time.items() if k != "portCallService"}
    assert [f.where for f in read("port-calls", without_service)[1]] == ["$.portCallService"]
    omitted = {**without_service, "portCall": {"UNLocationCode": "USLAX", "isOmitted": True}}
    assert read("port-calls", omitted)[0] is not None


def test_a_record_without_a_time_of_its_own_is_known_now() -> None:
    record, _ = read("port-calls", sound_port_call())[0]
    assert record.known_at == NOW
    assert record.occurred_at == dt.datetime(2026, 3, 1, 3, tzinfo=dt.UTC)


def test_an_unknown_property_is_told_and_kept() -> None:
    payload = sound_port_call()
    payload["vessel"] = {"vesselIMONumer": "9321483"}
    found, faults = read("port-calls", payload)
    assert found is not None
    assert [str(caution).split(":")[0] for caution in faults.cautions] == ["$.vessel.'vesselIMONumer'"]


def test_all_faults_are_told_at_once() -> None:
    payload = sound_port_call()
    payload["eventID"] = "x"
    payload["portCall"]["UNLocationCode"] = "LA"
    payload["timestamp"]["classifierCode"] = "MAYBE"
    payload["vessel"] = {"vesselIMONumber": "9321484", "lengthOverall": -1, "vesselName": ""}
    assert sorted(fault.where for fault in read("port-calls", payload)[1]) == [
        "$.eventID",
        "$.portCall.UNLocationCode",
        "$.timestamp.classifierCode",
        "$.vessel.lengthOverall",
        "$.vessel.vesselIMONumber",
        "$.vessel.vesselName",
    ]


def test_the_subtype_of_a_milestone_must_be_there() -> None:
    payload = {
        "eventID": "e",
        "eventDateTime": "2026-03-01T12:00:00Z",
        "eventClassification": {
            "eventTypeCode": "EQUIPMENT",
            "eventClassifierCode": "ACT",
            "transportEventTypeCode": "ARRI",
        },
    }
    assert [f.where for f in read("container-milestones", payload)[1]] == [
        "$.eventClassification.equipmentEventTypeCode"
    ]
    payload["isRetracted"] = True
    assert read("container-milestones", payload)[0] is not None


def test_events_of_two_parties_with_one_id_are_two_records() -> None:
    event = {
        "eventID": "1",
        "eventDateTime": "2026-03-01T12:00:00Z",
        "eventClassification": {
            "eventTypeCode": "EQUIPMENT",
            "eventClassifierCode": "ACT",
            "equipmentEventTypeCode": "LOAD",
        },
    }
    ids = set()
    for party in ({}, {"partyCode": "A"}, {"partyCode": "B"}, {"partyCode": "A:", "codeListName": ":"}):
        routed = {**event, "eventRouting": {"originatingParty": party}} if party else event
        ids.add(read("container-milestones", routed)[0][0].id)
    assert len(ids) == 4
    long = {**event, "eventID": "x" * 500}
    assert read("container-milestones", long)[0][0].id.startswith("sha256:")


@pytest.mark.parametrize(("name", "dataset"), [*EVENT_FILES.items(), (SCHEDULES, "vessel-schedules")])
def test_every_leaf_of_the_published_messages_can_be_named_in_a_clause(name: str, dataset: str) -> None:
    for payload in published(name):
        assert [leaf for leaf in leaves_of(payload) if not covers_name(DATASETS[dataset].fields, leaf)] == []


@pytest.mark.parametrize(("name", "dataset"), [*EVENT_FILES.items(), (SCHEDULES, "vessel-schedules")])
def test_a_record_trimmed_to_what_is_required_is_a_record_of_its_standard(name: str, dataset: str) -> None:
    for payload in published(name):
        whole = read(dataset, payload)[0][0]
        trimmed, _ = trim(payload, DATASETS[dataset].required)
        found, faults = read(dataset, trimmed)
        assert list(faults) == []
        assert found is not None
        assert (found[0].id, found[0].occurred_at) == (whole.id, whole.occurred_at)


def test_required_leaves_exist() -> None:
    for dataset in DATASETS.values():
        assert set(dataset.required) <= set(dataset.fields)
        assert len(set(dataset.fields)) == len(dataset.fields)


def test_a_schedule_taken_apart_and_put_together_is_the_same() -> None:
    schedules = json.loads(standard_file("dcsa", "messages", SCHEDULES).read_bytes())
    parts = [json.loads(body) for _, body in split(schedules, "$", Faults())]
    assert assemble(parts) == schedules


def schedule(*calls: dict[str, Any], **vessel: Any) -> dict[str, Any]:
    return {
        "carrierServiceCode": "S1",
        "carrierServiceName": "Service",
        "vesselSchedules": [
            {"isDummyVessel": False, "vesselOperatorSMDGLinerCode": "TBD", "vesselIMONumber": "9321483", **vessel}
            | {"transportCalls": list(calls)}
        ],
    }


def port_call(reference: str, when: str | None = None, **more: Any) -> dict[str, Any]:
    call: dict[str, Any] = {"transportCallReference": reference, "carrierImportVoyageNumber": "1", **more}
    if when is not None:
        call["timestamps"] = [{"eventTypeCode": "ARRI", "eventClassifierCode": "PLN", "eventDateTime": when}]
    return call


def test_calls_are_put_together_in_the_order_of_their_times() -> None:
    calls = [
        port_call("c", "2026-03-05T00:00:00+09:00"),
        port_call("none"),
        port_call("a", "2026-03-01T00:00:00Z"),
        port_call("b", "2026-03-04T16:00:00Z"),
    ]
    found = assemble(json.loads(body) for _, body in split(schedule(*calls), "$", Faults()))
    references = [call["transportCallReference"] for call in found[0]["vesselSchedules"][0]["transportCalls"]]
    assert references == ["a", "c", "b", "none"]


def test_conditions_of_a_schedule() -> None:
    def places(payload: dict[str, Any]) -> list[str]:
        return [fault.where.rpartition(".")[2] for fault in read("vessel-schedules", payload)[1]]

    sound = schedule(port_call("a"))
    assert places(sound) == []
    unnamed = copy.deepcopy(sound)
    del unnamed["vesselSchedules"][0]["vesselIMONumber"]
    assert places(unnamed) == ["vesselIMONumber"]
    unnamed["vesselSchedules"][0]["MMSINumber"] = "278111222"
    assert places(unnamed) == []
    dummy = schedule(port_call("a"), isDummyVessel=True)
    assert places(dummy) == ["vesselName"]
    for kind, missing in (
        ("UNLO", ["UNLocationCode"]),
        ("FACS", ["UNLocationCode", "facilitySMDGCode"]),
        ("ADDR", ["address"]),
    ):
        assert places(schedule(port_call("a", location={"locationType": kind}))) == missing
    two = schedule(port_call("a"))
    two["vesselSchedules"][0]["transportCalls"].append(port_call("b"))
    assert places(two) == ["transportCalls"]


def test_a_record_over_the_limit_is_refused() -> None:
    payload = sound_port_call()
    payload["note"] = "x" * 300_000
    faults = Faults()
    assert prepare("port-calls", json.dumps(payload).encode(), "$", faults, NOW) is None
    assert "bytes" in faults[0].found
