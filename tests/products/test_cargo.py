"""The cargo view: what is joined, what conflicts, what is missing, and what a clause held back."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import pytest
import sqlalchemy as sa

from sealane.database import Database
from sealane.database.tables.products import record
from sealane.errors import InputError
from sealane.products.cargo import CargoKey, Timeline, timeline
from sealane.products.cargo_entries import Step

CONTAINER = "MSKU1234565"
VESSEL = "9321483"
LA, NAGOYA = "urn:x:uslax", "urn:x:jpngo"
T0 = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def at(day: float) -> dt.datetime:
    return T0 + dt.timedelta(days=day)


def put(database: Database, dataset: str, name: str, body: dict[str, Any], **columns: Any) -> None:
    content = json.dumps(body).encode()
    defaults = {
        "source": LA,
        "known_at": columns.get("occurred_at") or T0,
        "received_at": T0,
        "public": False,
        "simulated": True,
        "digest": hashlib.sha256(content).hexdigest(),
    }
    with database.write() as connection:
        position = connection.execute(sa.select(sa.func.coalesce(sa.func.max(record.c.position), 0))).scalar_one() + 1
        values = defaults | columns | {"dataset": dataset, "id": name, "body": content, "position": position}
        connection.execute(sa.insert(record).values(**values))


def move(
    database: Database, name: str, code: str, port: str, day: float, classifier: str = "ACT", **columns: Any
) -> None:
    body = {
        "eventClassification": {"eventClassifierCode": classifier, "equipmentEventTypeCode": code},
        "transportDetails": {
            "transportCall": {
                "modeOfTransport": "VESSEL" if code in {"LOAD", "DISC"} else "TRUCK",
                "exportVoyageNumberOrReference": {"carrierVoyageNumber": "012E"},
            }
        },
    }
    vessel = {"vessel_imo": VESSEL, "voyage": "012E"} if code in {"LOAD", "DISC"} else {}
    put(
        database,
        "container-milestones",
        name,
        body,
        port=port,
        occurred_at=at(day),
        equipment=CONTAINER,
        **vessel,
        **columns,
    )


def call(database: Database, name: str, event: str, port: str, day: float, classifier: str, **columns: Any) -> None:
    body = {
        "portCallService": {"portCallServiceTypeCode": "BERTH", "portCallServiceEventTypeCode": event},
        "timestamp": {"classifierCode": classifier},
    }
    put(database, "port-calls", name, body, port=port, occurred_at=at(day), vessel_imo=VESSEL, **columns)


def look(database: Database, key: CargoKey, held_back: tuple[str, ...] = ()) -> Timeline:
    with database.read() as connection:
        return timeline(connection, key, lambda *_: held_back)


def whole_journey(database: Database) -> None:
    move(database, "gate-in", "GTIN", "JPNGO", 0, source=NAGOYA, bill_of_lading="BL1")
    move(database, "load", "LOAD", "JPNGO", 1, source=NAGOYA)
    call(database, "dep", "DEPA", "JPNGO", 1.5, "ACT", source=NAGOYA)
    call(database, "arr", "ARRI", "USLAX", 14, "ACT")
    move(database, "disc", "DISC", "USLAX", 14.5)
    move(database, "gate-out", "GTOT", "USLAX", 16)


def test_the_whole_journey_in_order_without_gaps(database: Database) -> None:
    whole_journey(database)
    found = look(database, CargoKey(container=CONTAINER))
    assert [entry.step for entry in found.entries] == [
        Step.GATED_IN,
        Step.LOADED,
        Step.DEPARTED,
        Step.ARRIVED,
        Step.DISCHARGED,
        Step.GATED_OUT,
    ]
    assert found.gaps == ()
    assert found.conflicts == ()
    assert found.simulated


def test_a_bill_of_lading_brings_moves_that_do_not_name_it(database: Database) -> None:
    whole_journey(database)
    assert len(look(database, CargoKey(bill_of_lading="BL1")).entries) == 6
    assert look(database, CargoKey(bill_of_lading="BL2")).entries == ()


def test_vessel_and_voyage(database: Database) -> None:
    whole_journey(database)
    found = look(database, CargoKey(vessel_imo=VESSEL, voyage="012E"))
    assert {entry.provenance.record_id for entry in found.entries} == {"load", "disc"}
    assert len(look(database, CargoKey(vessel_imo=VESSEL)).entries) == 4


def test_another_voyage_of_the_same_vessel_stays_out(database: Database) -> None:
    whole_journey(database)
    call(database, "far", "ARRI", "USOAK", 90, "ACT")
    call(database, "near", "ARRI", "USOAK", 17, "ACT", voyage="013W")
    names = {entry.provenance.record_id for entry in look(database, CargoKey(container=CONTAINER)).entries}
    assert "far" not in names  # too far in time
    assert "near" not in names  # names another voyage


@pytest.mark.parametrize(
    ("left_out", "step", "port"),
    [
        ("gate-in", Step.GATED_IN, "JPNGO"),
        ("load", Step.LOADED, "JPNGO"),
        ("dep", Step.DEPARTED, "JPNGO"),
        ("arr", Step.ARRIVED, "USLAX"),
        ("disc", Step.DISCHARGED, "USLAX"),
    ],
)
def test_a_step_nobody_tells_is_a_gap(database: Database, left_out: str, step: Step, port: str) -> None:
    whole_journey(database)
    with database.write() as connection:
        connection.execute(sa.delete(record).where(record.c.id == left_out))
    assert [(gap.step, gap.port) for gap in look(database, CargoKey(container=CONTAINER)).gaps] == [(step, port)]


def test_an_expected_step_is_still_a_gap_and_says_so(database: Database) -> None:
    whole_journey(database)
    with database.write() as connection:
        connection.execute(sa.delete(record).where(record.c.id == "arr"))
    call(database, "eta", "ARRI", "USLAX", 14, "EST")
    (gap,) = look(database, CargoKey(container=CONTAINER)).gaps
    assert gap.note == "only expected, not told as done"


def test_only_a_discharge_is_known(database: Database) -> None:
    move(database, "disc", "DISC", "USLAX", 14.5)
    gaps = {(gap.step, gap.port) for gap in look(database, CargoKey(container=CONTAINER)).gaps}
    assert gaps == {(Step.LOADED, None), (Step.ARRIVED, "USLAX"), (Step.GATED_OUT, "USLAX")}


def test_estimates_that_differ_stand_side_by_side(database: Database) -> None:
    move(database, "load", "LOAD", "JPNGO", 1, source=NAGOYA)
    call(database, "eta-old", "ARRI", "USLAX", 13, "EST", source=NAGOYA, known_at=at(1))
    call(database, "eta-new", "ARRI", "USLAX", 14, "EST", source=NAGOYA, known_at=at(2))
    call(database, "eta-own", "ARRI", "USLAX", 14.25, "EST", known_at=at(2))
    call(database, "ata", "ARRI", "USLAX", 14.5, "ACT", known_at=at(15))
    (conflict,) = look(database, CargoKey(container=CONTAINER)).conflicts
    # The partner's newest statement counts; what has happened does not contradict what was expected.
    assert {entry.provenance.record_id for entry in conflict.entries} == {"eta-new", "eta-own"}
    assert conflict.spread == dt.timedelta(hours=6)


def test_sources_that_agree_are_no_conflict(database: Database) -> None:
    move(database, "load", "LOAD", "JPNGO", 1, source=NAGOYA)
    call(database, "eta-a", "ARRI", "USLAX", 14, "EST", source=NAGOYA)
    call(database, "eta-b", "ARRI", "USLAX", 14, "EST")
    assert look(database, CargoKey(container=CONTAINER)).conflicts == ()


def test_a_received_record_tells_its_clause_and_what_it_holds_back(database: Database) -> None:
    under = {"agreement_id": "lax-ngo", "agreement_version": 2, "clause_id": "milestones"}
    move(database, "load", "LOAD", "JPNGO", 1, source=NAGOYA, **under)
    found = look(database, CargoKey(container=CONTAINER), ("equipmentDetails.seals[].number",))
    assert found.entries[0].provenance.received_under == "lax-ngo@2#milestones"
    assert found.not_agreed == {f"{NAGOYA}: lax-ngo@2#milestones": ("equipmentDetails.seals[].number",)}


def test_a_trimmed_record_shows_what_is_missing_as_missing(database: Database) -> None:
    put(database, "container-milestones", "bare", {}, equipment=CONTAINER, occurred_at=at(1))
    (entry,) = look(database, CargoKey(container=CONTAINER)).entries
    assert (entry.classifier, entry.port, entry.vessel_imo, entry.step) == (None, None, None, Step.OTHER)


@pytest.mark.parametrize(
    "key", [CargoKey(), CargoKey(container=CONTAINER, booking="B1"), CargoKey(booking="B1", voyage="012E")]
)
def test_what_cannot_be_looked_for(database: Database, key: CargoKey) -> None:
    with pytest.raises(InputError, match="Give one of"):
        look(database, key)
