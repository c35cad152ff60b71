"""DCSA port call events become rows of the call table."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
from typing import Any

import pyarrow as pa
import pytest

from sealane.corridors.call_merge import Part, merge_parts
from sealane.corridors.call_table import CALLS_SCHEMA
from sealane.database.engine import Database
from sealane.products.call_table import SHIP_CLASSES, TIMES, StoredEvent, call_rows, partner_calls
from sealane.products.dcsa_port_call import SERVICE_EVENTS
from sealane.products.store import put_records

NOW = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)
_ids = itertools.count(1)


def event(
    service: str,
    kind: str,
    time: str,
    *,
    call: str | None = "c1",
    port: str = "CNSHA",
    imo: str = "9321483",
    classifier: str = "ACT",
    service_id: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    number = f"{next(_ids):012d}"
    port_call: dict[str, Any] = {"UNLocationCode": port}
    if call:
        port_call["portVisitReference"] = call
    body: dict[str, Any] = {
        "eventID": f"00000000-0000-4000-8000-{number}",
        "portCall": port_call,
        "portCallService": {"portCallServiceTypeCode": service, "portCallServiceEventTypeCode": kind},
        "vessel": {"vesselIMONumber": imo, "vesselName": "A SHIP", "vesselTypeCode": "CONT"},
        "timestamp": {"classifierCode": classifier, "serviceDateTime": time},
    }
    if service_id:
        body["portCallService"]["portCallServiceID"] = f"00000000-0000-4000-9000-{service_id:0>12}"
    for name, value in more.items():
        body["portCallService"][name] = value
    return body


def stored(body: dict[str, Any], known: dt.datetime = NOW, source: str = "partner:sh") -> StoredEvent:
    return StoredEvent(source, body, known, simulated=True)


CALL = (
    event("ANCHORAGE", "STRT", "2026-07-19T02:00:00Z"),
    event("ANCHORAGE", "CMPL", "2026-07-19T12:00:00Z"),
    event("BERTH", "ARRI", "2026-07-19T14:00:00Z", service_id="1"),
    event("BERTH", "DEPA", "2026-07-20T02:00:00Z", service_id="1"),
    event("BERTH", "ARRI", "2026-07-20T03:00:00Z", service_id="2"),
    event("BERTH", "DEPA", "2026-07-20T20:00:00Z", service_id="2"),
    event("SHORE_POWER", "STRT", "2026-07-20T04:00:00Z"),
    event("SHORE_POWER", "CMPL", "2026-07-20T18:00:00Z"),
)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_one_call_from_its_events_in_any_order() -> None:
    for seed in range(4):
        some = [stored(body) for body in CALL]
        random.Random(seed).shuffle(some)
        (row,) = call_rows(some)
        assert row["call_id"] == "CNSHA-9321483-c1"
        assert (row["arrival"], row["departure"]) == (at("2026-07-19T02:00:00Z"), at("2026-07-20T20:00:00Z"))
        assert (row["berth_start"], row["berth_end"]) == (at("2026-07-19T14:00:00Z"), at("2026-07-20T20:00:00Z"))
        assert row["shore_power_end"] == at("2026-07-20T18:00:00Z")
        assert (row["source"], row["observed"], row["simulated"]) == ("partner:sh", True, True)
        assert row["ship_class"] == "Container Ship"


def test_an_actual_time_goes_before_a_plan_and_the_last_plan_before_the_first() -> None:
    plans = [
        stored(event("BERTH", "ARRI", "2026-07-19T10:00:00Z", classifier="EST"), NOW - dt.timedelta(days=2)),
        stored(event("BERTH", "ARRI", "2026-07-19T11:00:00Z", classifier="EST"), NOW - dt.timedelta(days=1)),
    ]
    (row,) = call_rows(plans)
    assert (row["berth_start"], row["observed"]) == (at("2026-07-19T11:00:00Z"), False)
    (row,) = call_rows([*plans, stored(event("BERTH", "ARRI", "2026-07-19T09:00:00Z"), NOW - dt.timedelta(days=3))])
    assert (row["berth_start"], row["observed"]) == (at("2026-07-19T09:00:00Z"), True)


def test_of_a_call_that_has_begun_nothing_planned_is_told() -> None:
    some = [
        event("BERTH", "ARRI", "2026-07-19T09:00:00Z"),
        event("BERTH", "DEPA", "2026-07-29T09:00:00Z", classifier="EST"),
    ]
    (row,) = call_rows([stored(body) for body in some])
    assert (row["departure"], row["berth_end"], row["observed"]) == (None, None, True)


def test_cancelled_omitted_and_timeless_events_give_no_call() -> None:
    cancelled = event("BERTH", "ARRI", "2026-07-19T09:00:00Z", isCanceled=True)
    omitted = event("BERTH", "ARRI", "2026-07-19T09:00:00Z", call="c2")
    omitted["portCall"]["isOmitted"] = True
    moves = event("MOVES", "ARRI", "2026-07-19T09:00:00Z", call="c3")
    assert call_rows([stored(cancelled), stored(omitted), stored(moves)]) == []


def test_without_a_call_id_events_far_apart_are_two_calls() -> None:
    some = [
        event("BERTH", "ARRI", "2026-07-01T00:00:00Z", call=None),
        event("BERTH", "DEPA", "2026-07-02T00:00:00Z", call=None),
        event("BERTH", "ARRI", "2026-07-30T00:00:00Z", call=None),
        event("BERTH", "ARRI", "2026-07-01T00:00:00Z", call=None, imo="9074729"),
    ]
    rows = call_rows([stored(body) for body in some])
    assert [(row["imo"], row["arrival"].day) for row in rows] == [(9074729, 1), (9321483, 1), (9321483, 30)]


def test_rows_fit_the_call_table() -> None:
    rows = call_rows([stored(body) for body in CALL])
    assert set(rows[0]) <= set(CALLS_SCHEMA.names)
    schema = pa.schema([CALLS_SCHEMA.field(name) for name in rows[0]])
    part = Part.of(pa.Table.from_pylist(rows, schema=schema), "node", "0", "partner")
    table = merge_parts([part], []).table
    assert table["source"].to_pylist() == ["partner:sh"]
    assert table["simulated"].to_pylist() == [True]


def test_every_service_named_here_is_one_of_the_standard() -> None:
    assert all(kind in SERVICE_EVENTS[service] for service, kind in TIMES)
    from sealane.emissions.ship_classes import listed_classes

    assert set(SHIP_CLASSES.values()) <= set(listed_classes())


@pytest.mark.parametrize("with_own", [False, True])
def test_what_a_node_holds(database: Database, with_own: bool) -> None:
    own = event("BERTH", "ARRI", "2026-07-05T00:00:00Z", port="USLAX", call="mine")
    with database.write() as connection:
        result = put_records(
            connection, "urn:sh", "port-calls", [json.dumps(body).encode() for body in CALL], NOW, simulated=True
        )
        assert not result.faults
        put_records(connection, "urn:la", "port-calls", [json.dumps(own).encode()], NOW)
    with database.read() as connection:
        rows = partner_calls(connection, "urn:la", with_own=with_own)
    assert [row["source"] for row in rows] == (["own_file"] if with_own else []) + ["partner:urn:sh"]
