"""Port calls over HTTP: what is posted comes back byte by byte; a partner sees what its clause lets through."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.node.dcsa_client import PORT_CALLS, DcsaClient, all_pages
from tests.ports import START, Clock, clause, connect, feed, make_node, port_call
from tests.standards import standard_file

from sealane.agreements.clauses import RowFilter
from sealane.database import Database
from sealane.database.tables.delivery import decision
from sealane.database.tables.ledger import leaf
from sealane.exchange.streams import suspend_stream
from sealane.products.dcsa_port_call import DATASET
from sealane.products.store import count_records, put_records

# What never reaches the database needs not be tried on both.
SQLITE_ALONE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def client(tmp_path: Path, database: Database) -> DcsaClient:
    return DcsaClient(make_node(tmp_path, "yokohama", database, Clock()))


def events(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["events"]
    return found


def test_published_events_are_taken_and_given_back_byte_by_byte(client: DcsaClient) -> None:
    data = standard_file("dcsa", "messages", "portcall-api-200-post-request.json").read_bytes()
    answer = client.post(PORT_CALLS, data)
    assert answer.status_code == 200
    assert answer.headers["API-Version"] == "2.0.0"
    assert {element["severity"] for element in answer.json()["feedbackElements"]} == {"WARN"}
    given = client.get(PORT_CALLS)
    assert given.json()["events"] == json.loads(data)["events"]
    body = data[data.index(b"[") + 1 : data.rindex(b"]")].strip()
    assert given.content == b'{"events":[' + body + b"]}"


def test_a_faulty_event_refuses_the_request_whole(client: DcsaClient) -> None:
    sound, broken = json.loads(port_call(1)), json.loads(port_call(2))
    broken["vessel"]["vesselIMONumber"] = "9074720"
    broken["timestamp"]["classifierCode"] = "MAYBE"
    answer = client.post(PORT_CALLS, [sound, broken])
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    paths = {element["propertyPath"] for element in answer.json()["feedbackElements"]}
    assert paths == {"$.events[1].vessel.vesselIMONumber", "$.events[1].timestamp.classifierCode"}
    with client.node.database.read() as connection:
        assert count_records(connection) == {}
    assert client.post(PORT_CALLS, [sound]).status_code == 200  # the control: alone it is taken


@SQLITE_ALONE
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"events": [], "events": []}', 400),
        (b'{"events": [{"eventID": "a", "eventID": "b"}]}', 400),
        (b'{"events": [NaN]}', 400),
        (b"\xff", 400),
        (b'{"events": [' + b"[" * 50_000, 400),
        (b'{"events": []}', 200),
    ],
)
def test_odd_bodies(client: DcsaClient, body: bytes, status: int) -> None:
    answer = client.post(PORT_CALLS, body)
    assert answer.status_code == status
    assert isinstance(answer.json()["feedbackElements"], list)


@SQLITE_ALONE
def test_other_media_types_and_versions_are_refused(client: DcsaClient) -> None:
    assert client.post(PORT_CALLS, b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post(PORT_CALLS, [], headers={"API-Version": "1.0.0"}).status_code == 400
    assert client.post(PORT_CALLS, [], headers={"API-Version": "2"}).status_code == 200
    assert client.get(PORT_CALLS, headers={"API-Version": "3.0.0"}).status_code == 400


@SQLITE_ALONE
def test_who_may_do_what(client: DcsaClient) -> None:
    wanted = {
        ("GET", None): 401,
        ("GET", "feed"): 403,
        ("GET", "monitor"): 403,
        ("GET", "reader"): 200,
        ("GET", "operator"): 200,
        ("POST", None): 401,
        ("POST", "reader"): 403,
        ("POST", "monitor"): 403,
        ("POST", "feed"): 200,
        ("POST", "operator"): 200,
    }
    for (method, role), status in wanted.items():
        send = client.get if method == "GET" else lambda path, **o: client.post(path, [], **o)
        answer = send(PORT_CALLS, role=role)
        assert answer.status_code == status, (method, role)
        if status != 200:
            assert answer.json()["feedbackElements"][0]["severity"] == "ERROR"
    assert client.get(PORT_CALLS, role=None, token="sealane_made-up").status_code == 401


def test_filters(client: DcsaClient) -> None:
    feed(client.node, range(4))
    feed(
        client.node,
        [9],
        portCall={"UNLocationCode": "JPNGO"},
        vessel={"vesselIMONumber": "9321483", "vesselName": "Other"},
    )

    def numbers(**params: Any) -> int:
        return len(events(client.get(PORT_CALLS, params)))

    assert numbers() == 5
    assert numbers(UNLocationCode="JPNGO") == 1
    assert numbers(vesselIMONumber="9321483") == 1
    assert numbers(vesselName="Other") == 1
    assert numbers(vesselName="Other", UNLocationCode="JPYOK") == 0
    assert numbers(classifierCode="EST") == 5
    assert numbers(classifierCode="ACT") == 0
    assert numbers(portCallServiceTypeCode="BERTH") == 5
    first = START - dt.timedelta(hours=2)
    inside = {
        "eventTimestampMin": (first + dt.timedelta(seconds=1)).isoformat(),
        "eventTimestampMax": (first + dt.timedelta(seconds=2)).isoformat(),
    }
    assert numbers(**inside) == 2  # both ends belong to the interval
    assert numbers(timestampID=json.loads(port_call(3))["eventID"]) == 1


@SQLITE_ALONE
@pytest.mark.parametrize(
    "params",
    [
        {"vesselIMO": "9321483"},
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "ten"},
        {"limit": "٣"},
        {"cursor": "nonsense"},
        {"cursor": "cA"},
        {"eventTimestampMin": "2026-01-01"},
        {"eventTimestampMin": "2026-01-01T00:00:00"},
        {"eventTimestampMax": "9999-12-31T23:59:59Z"},
        {"vesselName": "a\x00b"},
        {"vesselName": ["a", "b"]},
    ],
)
def test_odd_queries_are_refused_by_name(client: DcsaClient, params: dict[str, Any]) -> None:
    answer = client.get(PORT_CALLS, params)
    assert answer.status_code == 400
    (element,) = answer.json()["feedbackElements"]
    assert element["severity"] == "ERROR"
    assert next(iter(params)) in element["message"]


@pytest.mark.parametrize("params", [{}, {"vesselName": "SIMULATED"}])
def test_pages_give_every_event_once(client: DcsaClient, params: dict[str, str]) -> None:
    feed(client.node, range(25))
    feed(client.node, [100], vessel={"vesselName": "Other"})
    pages = all_pages(client, PORT_CALLS, {**params, "limit": 10})
    ids = [event["eventID"] for page in pages for event in page["events"]]
    assert len(ids) == len(set(ids)) == (25 if params else 26)
    assert len(pages) == 3
    assert all_pages(client, PORT_CALLS, {"limit": 26})[0]["events"]


def test_a_new_revision_takes_the_place_of_the_old_one(client: DcsaClient) -> None:
    old = json.loads(port_call(1))
    new = {**old, "eventUpdatedDateTime": "2026-03-01T11:30:00Z", "isFYI": True}
    assert client.post(PORT_CALLS, [old]).status_code == 200
    assert client.post(PORT_CALLS, [new]).status_code == 200
    assert client.post(PORT_CALLS, [old]).status_code == 200  # late and outdated: it changes nothing
    assert events(client.get(PORT_CALLS)) == [new]


def test_simulated_data_are_marked(client: DcsaClient) -> None:
    event = json.loads(port_call(1, vessel={"vesselIMONumber": "9074729"}))
    client.post(PORT_CALLS, [event])
    assert "X-Simulated" not in client.get(PORT_CALLS).headers
    client.post(PORT_CALLS, [{**event, "isFYI": False}], headers={"X-Simulated": "true"})
    assert client.get(PORT_CALLS).headers["X-Simulated"] == "true"


@SQLITE_ALONE
def test_the_parties_of_a_proxy_are_mirrored(client: DcsaClient) -> None:
    answer = client.get(
        PORT_CALLS, headers={"Request-Sending-Party": "Carrier-123", "Request-Receiving-Party": "Terminal-456"}
    )
    assert answer.headers["Response-Receiving-Party"] == "Carrier-123"
    assert answer.headers["Response-Sending-Party"] == "Terminal-456"


@pytest.fixture
def partners(tmp_path: Path, databases: Any) -> tuple[DcsaClient, str, str]:
    """Return Yokohama's node, Los Angeles' id and the stream of a clause without vessels' names, for Yokohama alone."""
    clock = Clock()
    own = make_node(tmp_path, "yokohama", databases(), clock)
    other = make_node(tmp_path, "los-angeles", databases(), clock)
    fields = tuple(sorted(name for name in DATASET.fields if not name.startswith("vessel.")))
    stream = connect(own, other, [clause(fields=fields, rows=RowFilter(ports=frozenset({"JPYOK"})))])
    return DcsaClient(own), other.identity.participant, stream


def test_a_partner_sees_what_its_clause_lets_through(partners: tuple[DcsaClient, str, str]) -> None:
    client, participant, stream = partners
    token = client.stream_token(participant, stream)
    feed(client.node, range(3))
    feed(client.node, [7], portCall={"UNLocationCode": "JPNGO"})
    found = events(client.get(PORT_CALLS, token=token))
    assert len(found) == 3
    assert all("vessel" not in event for event in found)
    assert {event["portCall"]["UNLocationCode"] for event in found} == {"JPYOK"}
    with client.node.database.read() as connection:
        notes = {(row.outcome, row.reason) for row in connection.execute(sa.select(decision))}
        kinds = [row.kind for row in connection.execute(sa.select(leaf))]
    assert notes == {("trim", "fields_trimmed"), ("withhold", "port_outside")}
    assert kinds.count("record_pulled") == 1


def test_a_filter_does_not_tell_a_field_that_is_withheld(partners: tuple[DcsaClient, str, str]) -> None:
    client, participant, stream = partners
    token = client.stream_token(participant, stream)
    feed(client.node, range(3))
    assert events(client.get(PORT_CALLS, {"vesselIMONumber": "9074729"}, token=token)) == []
    assert events(client.get(PORT_CALLS, {"vesselName": "SIMULATED"}, token=token)) == []
    assert len(events(client.get(PORT_CALLS, {"vesselName": "SIMULATED"}))) == 3  # the control: the port's own reader
    assert len(events(client.get(PORT_CALLS, {"UNLocationCode": "JPYOK"}, token=token))) == 3


def test_an_interval_does_not_tell_a_time_that_is_withheld(tmp_path: Path, databases: Any) -> None:
    clock = Clock()
    own, other = (make_node(tmp_path, name, databases(), clock) for name in ("yokohama", "los-angeles"))
    fields = tuple(sorted(name for name in DATASET.fields if not name.startswith("timestamp.")))
    stream = connect(own, other, [clause(fields=fields)])
    client = DcsaClient(own)
    token = client.stream_token(other.identity.participant, stream)
    feed(own, range(3))
    assert len(events(client.get(PORT_CALLS, token=token))) == 3
    for interval in ({"eventTimestampMin": "2020-01-01T00:00:00Z"}, {"eventTimestampMax": "2030-01-01T00:00:00Z"}):
        assert events(client.get(PORT_CALLS, interval, token=token)) == []
        assert len(events(client.get(PORT_CALLS, interval))) == 3  # the control: the port's own reader


def test_a_partner_asks_for_an_interval_of_times_it_sees(partners: tuple[DcsaClient, str, str]) -> None:
    client, participant, stream = partners
    token = client.stream_token(participant, stream)
    feed(client.node, range(3))  # a second between them
    assert len(events(client.get(PORT_CALLS, {"eventTimestampMin": "2026-03-01T10:00:01Z"}, token=token))) == 2


def test_a_partner_does_not_see_records_of_another_partner(partners: tuple[DcsaClient, str, str]) -> None:
    client, participant, stream = partners
    token = client.stream_token(participant, stream)
    with client.node.database.write() as connection:
        put_records(connection, "urn:sealane:test:third", "port-calls", [port_call(1)], START)
    assert events(client.get(PORT_CALLS, token=token)) == []
    assert len(events(client.get(PORT_CALLS))) == 1


def test_a_partner_pages_through(partners: tuple[DcsaClient, str, str]) -> None:
    client, participant, stream = partners
    token = client.stream_token(participant, stream)
    for number in range(0, 30, 3):
        feed(client.node, [number, number + 1])
        feed(client.node, [number + 2], portCall={"UNLocationCode": "JPNGO"})
    pages = all_pages(client, PORT_CALLS, {"limit": 7}, token=token)
    ids = [event["eventID"] for page in pages for event in page["events"]]
    assert len(ids) == len(set(ids)) == 20


def test_a_stream_that_is_not_open_lets_nothing_through(partners: tuple[DcsaClient, str, str]) -> None:
    client, participant, stream = partners
    token = client.stream_token(participant, stream)
    feed(client.node, range(2))
    assert client.get(PORT_CALLS, token=token).status_code == 200
    with client.node.database.write() as connection:
        suspend_stream(connection, stream, "test", client.node.clock())
    assert client.get(PORT_CALLS, token=token).status_code == 403
    foreign = client.stream_token(participant, "0" * 64)
    assert client.get(PORT_CALLS, token=foreign).status_code == 403
    other_product = client.get("/dcsa/track-and-trace/v3/events", token=token)
    assert other_product.status_code == 403
