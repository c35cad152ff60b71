"""The store: nothing twice, nothing half, revisions in order, positions without a gap even under contention."""

from __future__ import annotations

import datetime as dt
import json
import threading
import uuid
from typing import Any

import pytest
import sqlalchemy as sa
from tests.ports import port_call

from sealane.database import Database
from sealane.database.tables.products import record, record_counter
from sealane.errors import InputError
from sealane.products.store import (
    Filters,
    count_records,
    iterate_records,
    newest_records,
    put_records,
    read_records,
    record_of,
)

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
OWN, OTHER = "urn:sealane:test:own", "urn:sealane:test:other"


def put(database: Database, *bodies: bytes, source: str = OWN, dataset: str = "port-calls", **options: Any) -> Any:
    with database.write() as connection:
        return put_records(connection, source, dataset, bodies, NOW, **options)


def positions(database: Database) -> list[int]:
    with database.read() as connection:
        return list(connection.execute(sa.select(record.c.position).order_by(record.c.position)).scalars())


def revised(number: int, minutes: int, **changes: Any) -> bytes:
    updated = (NOW - dt.timedelta(hours=1) + dt.timedelta(minutes=minutes)).isoformat()
    return port_call(number, eventUpdatedDateTime=updated, **changes)


def test_the_same_again_changes_nothing(database: Database) -> None:
    bodies = [port_call(number) for number in range(3)]
    assert put(database, *bodies).accepted == (1, 2, 3)
    again = put(database, *bodies)
    assert (again.accepted, again.unchanged) == ((), 3)
    assert positions(database) == [1, 2, 3]


def test_what_is_public_can_be_taken_back_and_a_feed_changes_nothing_of_it(database: Database) -> None:
    def public() -> list[bool]:
        with database.read() as connection:
            return list(connection.scalars(sa.select(record.c.public).order_by(record.c.position)))

    bodies = [port_call(number) for number in range(3)]
    put(database, *bodies, public=True)
    assert public() == [True, True, True]
    assert put(database, *bodies).unchanged == 3  # a feed that sends it again
    assert public() == [True, True, True]
    assert put(database, *bodies[:2], public=False).unchanged == 2
    assert public() == [False, False, True]
    put(database, bodies[0], public=True)
    put(database, bodies[0], source=OTHER)  # of another source: its own row
    assert public() == [True, False, True, False]
    assert positions(database) == [1, 2, 3, 4]  # to partners nothing has changed


def test_a_revision_replaces_and_gets_a_new_position(database: Database) -> None:
    put(database, port_call(1), port_call(2))
    assert put(database, revised(1, 5, isFYI=True)).accepted == (3,)
    assert positions(database) == [2, 3]
    outdated = put(database, revised(1, 4, isFYI=False))
    assert (outdated.accepted, outdated.outdated) == ((), 1)
    assert put(database, revised(1, 5, isFYI=False)).accepted == (4,)  # as new as the one held: the later word counts
    with database.read() as connection:
        (row,) = read_records(connection, "port-calls", Filters(id=json.loads(port_call(1))["eventID"]))
    assert json.loads(row["body"])["isFYI"] is False


def test_revisions_within_one_batch(database: Database) -> None:
    result = put(database, port_call(1), revised(1, 2), revised(1, 1), port_call(2))
    assert (result.accepted, result.outdated) == ((1, 2), 1)
    with database.read() as connection:
        rows = read_records(connection, "port-calls")
    assert [row["digest"] for row in rows] != []
    assert rows[0]["known_at"] == NOW - dt.timedelta(minutes=58)


def test_one_id_from_two_sources_is_two_records(database: Database) -> None:
    put(database, port_call(1))
    assert put(database, port_call(1), source=OTHER).accepted == (2,)
    with database.read() as connection:
        assert count_records(connection) == {("port-calls", OWN): 1, ("port-calls", OTHER): 1}


def test_a_faulty_record_refuses_the_batch_whole(database: Database) -> None:
    broken = json.loads(port_call(2)) | {"eventID": "no uuid"}
    result = put(database, port_call(1), json.dumps(broken).encode(), b"no json", port_call(3))
    assert result.accepted == ()
    assert [fault.where for fault in result.faults] == ["$[1].eventID", "$[2]"]
    assert positions(database) == []
    assert put(database, port_call(1), port_call(3)).accepted == (1, 2)  # the control


def test_a_transaction_that_fails_gives_out_no_position(database: Database) -> None:
    put(database, port_call(1))
    with pytest.raises(RuntimeError), database.write() as connection:
        put_records(connection, OWN, "port-calls", [port_call(2)], NOW)
        raise RuntimeError
    assert put(database, port_call(3)).accepted == (2,)


def test_positions_have_no_gap_under_contention(database: Database) -> None:
    batches, size = 12, 7
    failed: list[BaseException] = []

    def write(worker: int) -> None:
        try:
            for batch in range(batches):
                first = 1000 * worker + size * batch
                put(database, *(port_call(number) for number in range(first, first + size)))
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert positions(database) == list(range(1, 4 * batches * size + 1))
    with database.read() as connection:
        assert connection.execute(sa.select(record_counter.c.position)).scalars().all() == [4 * batches * size]


def test_what_is_stored_comes_back(database: Database) -> None:
    body = b' {"eventID":"11111111-2222-4333-8444-555555555555", "portCall": {"UNLocationCode":"USLAX"},\n' + (
        b'"portCallService":{"portCallServiceTypeCode":"BERTH","serviceLocation":{"facility":{"facilityCode":"ADT"}}},'
        b'"vessel":{"vesselIMONumber":"9321483"},"terminalCall":{"exportVoyageNumberOrReference":'
        b'{"carrierVoyageNumber":"042E"}},'
        b'"timestamp":{"classifierCode":"ACT","serviceDateTime":"2026-03-01T21:00:00.5+09:00"}}'
    )
    put(database, body, received=("agreement", 2, "clause"), public=True)
    with database.read() as connection:
        (row,) = read_records(connection, "port-calls")
    assert bytes(row["body"]) == body
    assert (row["port"], row["terminal"], row["vessel_imo"], row["voyage"]) == ("USLAX", "ADT", "9321483", "042E")
    assert (row["agreement_id"], row["agreement_version"], row["clause_id"]) == ("agreement", 2, "clause")
    assert (row["public"], row["simulated"]) == (True, False)
    found = record_of(row)
    assert found.occurred_at == dt.datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=dt.UTC)
    assert (found.known_at, found.body) == (NOW, json.loads(body))


def test_what_calls_itself_simulated_is_marked(database: Database) -> None:
    put(database, port_call(1), port_call(2, vessel={"vesselName": "King of the Seas"}))
    with database.read() as connection:
        assert [row["simulated"] for row in read_records(connection, "port-calls")] == [True, False]


def test_filters_and_pages(database: Database) -> None:
    put(database, *(port_call(number) for number in range(25)))
    put(database, port_call(99, portCall={"UNLocationCode": "USLAX"}), source=OTHER)
    begin = NOW - dt.timedelta(hours=2)
    with database.read() as connection:
        inside = Filters(occurred_from=begin, occurred_until=begin + dt.timedelta(seconds=10))
        assert len(read_records(connection, "port-calls", inside)) == 10  # half-open
        assert len(read_records(connection, "port-calls", Filters(source=OTHER))) == 1
        assert len(read_records(connection, "port-calls", Filters(port="USLAX", vessel_imo="9074729"))) == 1
        assert [row["position"] for row in iterate_records(connection, "port-calls", page=4)] == list(range(1, 27))
        assert [row["position"] for row in newest_records(connection, "port-calls", limit=2)] == [26, 25]
        assert read_records(connection, "container-milestones") == []


def test_an_unknown_product_is_refused_by_name(database: Database) -> None:
    with pytest.raises(InputError, match="port-calls, container-milestones"):
        put(database, b"{}", dataset="port-call")


def emission(**changes: Any) -> dict[str, Any]:
    return {
        "result_id": str(uuid.uuid4()),
        "kind": "inventory",
        "port": "USLAX",
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-02-01T00:00:00Z",
        "pollutant": "co2",
        "mass_g": 1.5,
        "basis": "ttw",
        **changes,
    }


OWN_PRODUCTS = {
    "emission-results": emission(),
    "environment-observations": {
        "observation_id": "o-1",
        "station_id": "s-1",
        "port": "USLAX",
        "medium": "air",
        "parameter": "PM2.5",
        "unit": "ug/m3",
        "time": "2026-01-01T00:00:00Z",
        "period_end": "2026-01-01T01:00:00Z",
        "value": 7.5,
        "quality": "provisional",
    },
    "trial-results": {
        "result_id": "t-1",
        "trial_id": "t",
        "equipment_kind": "yard tractor",
        "energy_carrier": "battery_electric",
        "period_start": "2026-01-01T00:00:00Z",
        "period_end": "2026-01-02T00:00:00Z",
        "energy_kwh": 120,
        "scheduled_h": 16,
        "available_h": 15.5,
    },
    "documents": {
        "recordID": "plan@1|public",
        "documentID": "plan",
        "version": 1,
        "title": "Plan",
        "topic": "port_infrastructure",
        "mediaType": "application/pdf",
        "fileName": "plan.pdf",
        "sizeBytes": 10,
        "sha256": "0" * 64,
    },
}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("dataset", OWN_PRODUCTS)
def test_own_products_are_closed(database: Database, dataset: str) -> None:
    sound = OWN_PRODUCTS[dataset]
    assert put(database, json.dumps(sound).encode(), dataset=dataset).faults == ()
    assert put(database, json.dumps({**sound, "more": 1}).encode(), dataset=dataset).faults[0].where == "$[0].'more'"
    for name in [
        key for key in sound if key in ("result_id", "observation_id", "recordID", "unit", "pollutant", "trial_id")
    ]:
        without = {key: value for key, value in sound.items() if key != name}
        assert [f.where for f in put(database, json.dumps(without).encode(), dataset=dataset).faults] == [
            f"$[0].{name}"
        ]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("dataset", "changes", "place"),
    [
        ("emission-results", {"mass_g": -1}, "mass_g"),
        ("emission-results", {"period_end": "2026-01-01T00:00:00Z"}, "period_end"),
        ("emission-results", {"kind": "corridor"}, "corridor"),
        ("emission-results", {"vessel_imo": "9321484"}, "vessel_imo"),
        ("environment-observations", {"value": "7"}, "value"),
        ("environment-observations", {"latitude_deg": 91}, "latitude_deg"),
        ("trial-results", {"available_h": 17}, "available_h"),
        ("trial-results", {"moves": 1.5}, "moves"),
        ("documents", {"fileName": "../x"}, "fileName"),
        ("documents", {"topic": "labour"}, "topic"),
    ],
)
def test_own_products_are_checked(database: Database, dataset: str, changes: dict[str, Any], place: str) -> None:
    result = put(database, json.dumps({**OWN_PRODUCTS[dataset], **changes}).encode(), dataset=dataset)
    assert [fault.where for fault in result.faults] == [f"$[0].{place}"]
