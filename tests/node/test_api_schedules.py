"""Vessel schedules over HTTP: put together again, whole voyages or matched calls, pages by cursor."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from tests.node.dcsa_client import SCHEDULES, DcsaClient
from tests.ports import PURPOSE, Clock, clause, connect, make_node
from tests.standards import standard_file

from sealane.agreements.clauses import RowFilter
from sealane.database import Database
from sealane.exchange import pull
from sealane.node.api import schedules
from sealane.products.catalogue import DATASETS
from sealane.products.dcsa_schedules import split
from sealane.products.shapes import Faults
from sealane.products.store import put_records

V3 = {"API-Version": "3.0.2"}


def load(client: DcsaClient, schedules: Any) -> None:
    bodies = [body for _, body in split(schedules, "$", Faults())]
    with client.node.database.write() as connection:
        result = put_records(
            connection, client.node.identity.participant, "vessel-schedules", bodies, client.node.clock()
        )
    assert result.faults == ()


@pytest.fixture
def client(tmp_path: Path, database: Database) -> DcsaClient:
    return DcsaClient(make_node(tmp_path, "yokohama", database, Clock()))


def call(port: str, voyage: str, day: str | None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "transportCallReference": f"{voyage}-{port}",
        "carrierImportVoyageNumber": voyage,
        "location": {"locationType": "UNLO", "UNLocationCode": port},
        **more,
    }
    if day is not None:
        found["timestamps"] = [
            {"eventTypeCode": "ARRI", "eventClassifierCode": "PLN", "eventDateTime": f"{day}T10:00:00+09:00"}
        ]
    return found


def schedule(service: str, *calls: dict[str, Any], **vessel: Any) -> dict[str, Any]:
    ship = {"vesselOperatorSMDGLinerCode": "TBD", "isDummyVessel": False, "vesselIMONumber": "9321483", **vessel}
    return {
        "carrierServiceName": f"Service {service}",
        "carrierServiceCode": service,
        "vesselSchedules": [{**ship, "transportCalls": list(calls)}],
    }


PACIFIC = schedule(
    "PAC",
    call("JPYOK", "042E", "2026-03-10"),
    call("JPNGO", "042E", "2026-03-08"),
    call("USLAX", "042E", "2026-03-20"),
    call("JPYOK", "043E", "2026-04-10"),
)


def references(answer: Any) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["API-Version"] == "3.0.2"
    return [
        [call["transportCallReference"] for call in vessel["transportCalls"]]
        for service in answer.json()
        for vessel in service["vesselSchedules"]
    ]


def test_published_schedules_come_back_whole(client: DcsaClient) -> None:
    schedules = json.loads(standard_file("dcsa", "messages", "ovs-300-response.json").read_bytes())
    load(client, schedules)
    answer = client.get(SCHEDULES, {"startDate": "2024-01-01", "endDate": "2025-12-31"}, headers=V3)

    def key(s: dict[str, Any]) -> tuple[str, str]:
        return s["carrierServiceCode"], s["carrierServiceName"]

    assert answer.json() == sorted(schedules, key=key)
    one = client.get(SCHEDULES, {"startDate": "2024-01-01", "vesselIMONumber": "9321483"}, headers=V3)
    assert [service["carrierServiceCode"] for service in one.json()] == ["FE1"]


def test_a_match_gives_the_whole_voyage_or_the_call_alone(client: DcsaClient) -> None:
    load(client, [PACIFIC])
    assert references(client.get(SCHEDULES)) == [["042E-JPNGO", "042E-JPYOK", "042E-USLAX", "043E-JPYOK"]]
    assert references(client.get(SCHEDULES, {"UNLocationCode": "USLAX"})) == [
        ["042E-JPNGO", "042E-JPYOK", "042E-USLAX"]
    ]
    alone = {"UNLocationCode": "USLAX", "responseScope": "MATCHED_CALLS"}
    assert references(client.get(SCHEDULES, alone)) == [["042E-USLAX"]]
    assert references(client.get(SCHEDULES, {"carrierVoyageNumber": "043E"})) == [["043E-JPYOK"]]
    assert references(client.get(SCHEDULES, {"vesselIMONumber": "9074729"})) == []


def test_dates_are_whole_days_both_included(client: DcsaClient) -> None:
    load(
        client, [PACIFIC, schedule("OLD", call("JPYOK", "1", "2025-11-30")), schedule("NONE", call("JPYOK", "2", None))]
    )

    def services(**params: str) -> list[str]:
        return [service["carrierServiceCode"] for service in client.get(SCHEDULES, params).json()]

    # The clock stands at 1 March 2026: three months back is 1 December.
    assert services() == ["NONE", "PAC"]
    assert services(startDate="2025-11-30") == ["OLD", "PAC"]
    assert services(startDate="2025-12-01", endDate="2026-03-07") == []
    assert services(startDate="2025-12-01", endDate="2026-03-08") == ["PAC"]
    assert services(startDate="2026-04-10", endDate="2026-04-10") == ["PAC"]


def test_a_reader_of_the_first_edition_sees_vessels_with_an_imo_number_only(client: DcsaClient) -> None:
    mmsi = schedule("M", call("JPYOK", "1", "2026-03-10"), MMSINumber="278111222")
    del mmsi["vesselSchedules"][0]["vesselIMONumber"]
    load(client, [mmsi])
    assert references(client.get(SCHEDULES)) == []
    assert references(client.get(SCHEDULES, headers={"API-Version": "3.0.0"})) == []
    assert references(client.get(SCHEDULES, headers={"API-Version": "3.0.1"})) == [["1-JPYOK"]]


def test_pages_by_cursor_alone(client: DcsaClient) -> None:
    load(client, [schedule(f"S{number}", call("JPYOK", "1", "2026-03-10")) for number in range(5)])
    answer = client.get(SCHEDULES, {"limit": 2, "UNLocationCode": "JPYOK"})
    found = [service["carrierServiceCode"] for service in answer.json()]
    while "Next-Page-Cursor" in answer.headers:
        answer = client.get(SCHEDULES, {"cursor": answer.headers["Next-Page-Cursor"]})
        assert answer.status_code == 200
        assert len(answer.json()) <= 2
        found += [service["carrierServiceCode"] for service in answer.json()]
    assert found == [f"S{number}" for number in range(5)]
    assert client.get(SCHEDULES, {"limit": 0}).json() == []


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "params",
    [
        {"UNLocationCode": "XX123"},
        {"vesselIMONumber": "932148"},
        {"MMSINumber": "1"},
        {"startDate": "2026-02-30"},
        {"startDate": "yesterday"},
        {"responseScope": "ALL"},
        {"limit": "-1"},
        {"limit": "many"},
        {"cursor": "x"},
        {"cursor": "bnVsbA"},
        {"cursor": "W10"},
        {"colour": "red"},
        {"universalVoyageReference": "26E"},
    ],
)
def test_odd_queries_are_refused_in_the_form_of_the_standard(client: DcsaClient, params: dict[str, str]) -> None:
    answer = client.get(SCHEDULES, params)
    assert answer.status_code == 400
    error = answer.json()
    assert (error["httpMethod"], error["statusCode"], error["statusCodeText"]) == ("GET", 400, "Bad Request")
    assert next(iter(params)) in error["errors"][0]["property"]
    assert error["errors"][0]["erorCodeMessage"]
    assert client.get(SCHEDULES).status_code == 200


def test_a_partner_sees_the_calls_its_clause_lets_through(tmp_path: Path, databases: Any) -> None:
    clock = Clock()
    own = make_node(tmp_path, "yokohama", databases(), clock)
    other = make_node(tmp_path, "los-angeles", databases(), clock)
    terms = clause(
        dataset="vessel-schedules",
        fields=tuple(sorted(DATASETS["vessel-schedules"].required)),
        rows=RowFilter(ports=frozenset({"JPYOK"})),
        purposes=frozenset({PURPOSE}),
        delay=dt.timedelta(0),
    )
    stream = connect(own, other, [terms])
    client = DcsaClient(own)
    load(
        client,
        [
            schedule(
                "PAC", call("JPYOK", "1", "2026-03-10", portVisitReference="secret"), call("USLAX", "1", "2026-03-20")
            )
        ],
    )
    token = client.stream_token(other.identity.participant, stream)
    answer = client.get(SCHEDULES, token=token)
    assert references(answer) == [["1-JPYOK"]]
    assert "secret" not in answer.text
    assert "secret" in client.get(SCHEDULES).text  # the control: the port's own reader
    assert client.get(SCHEDULES, role=None).status_code == 401
    assert client.get(SCHEDULES, role="feed").status_code == 403


def test_a_clause_that_lets_nothing_through_does_not_lead_through_all_that_is_held(
    tmp_path: Path, databases: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull, "_CHUNK", 1)
    monkeypatch.setattr(pull, "MAX_LOOKED_AT", 1)
    monkeypatch.setattr(schedules, "_MAX_PAGES", 3)
    own, other = (make_node(tmp_path, name, databases(), Clock()) for name in ("yokohama", "los-angeles"))
    nothing = clause(
        dataset="vessel-schedules", fields=("carrierServiceCode",), rows=RowFilter(ports=frozenset({"JPNGO"}))
    )
    stream = connect(own, other, [nothing])
    client = DcsaClient(own)
    token = client.stream_token(other.identity.participant, stream)
    load(client, [schedule("PAC", call("JPYOK", "1", "2026-03-10"), call("USLAX", "1", "2026-03-20"))])
    assert client.get(SCHEDULES, token=token).json() == []  # the control
    load(client, [schedule("PAC", *(call("JPYOK", str(number), "2026-03-10") for number in range(2, 6)))])
    assert client.get(SCHEDULES, token=token).status_code == 400
