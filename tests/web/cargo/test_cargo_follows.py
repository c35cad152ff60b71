"""Following cargo: each person's own list, and being told exactly of what came since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from tests.web.accounts.people import Browser
from tests.web.agreements.two_ports import TwoPorts
from tests.web.cargo.sample_world import CONTAINER

from sealane.database.tables.alerts import cargo_follow
from sealane.database.tables.products import record, record_counter
from sealane.web.cargo import new_milestones
from sealane.web.cargo.follows import MAX_FOLLOWS, all_follows, mark_seen

BODY = {"kind": "container", "reference": CONTAINER}
PATH = "/api/v1/cargo-follows"


@pytest.fixture
def ports(cargo_ports: TwoPorts) -> Iterator[TwoPorts]:
    yield cargo_ports
    with cargo_ports.here.node.database.write() as connection:
        connection.execute(cargo_follow.delete())


@pytest.fixture
def ann(ports: TwoPorts) -> Browser:
    return ports.here.entered("ann", "analyst")


def told(ports: TwoPorts) -> list[Any]:
    with ports.here.node.database.read() as connection:
        return [new_milestones(connection, row) for row in all_follows(connection)]


def touch(ports: TwoPorts, container: str = CONTAINER) -> str:
    """Let the newest record of a container come anew, as a revision does."""
    with ports.here.node.database.write() as connection:
        newest = sa.select(record.c.id).where(record.c.equipment == container).order_by(record.c.position.desc())
        (record_id, *_) = connection.scalars(newest).all()
        connection.execute(record_counter.update().values(position=record_counter.c.position + 1))
        position = connection.scalar(sa.select(record_counter.c.position))
        connection.execute(record.update().where(record.c.id == record_id).values(position=position))
    return str(record_id)


def test_follow_be_told_once_let_go(ports: TwoPorts, ann: Browser) -> None:
    answer = ann.call("POST", PATH, {"kind": "container", "reference": "simu 1000028"})
    assert answer.status_code == 201 and answer.json()["reference"] == CONTAINER
    again = ann.call("POST", PATH, BODY)
    assert again.json()["id"] == answer.json()["id"]  # twice is once, in whatever spelling
    (first,) = told(ports)
    assert first.reference == CONTAINER and first.entries == ()  # what was there before is not news
    record_id = touch(ports)
    (second,) = told(ports)
    assert {entry.provenance.record_id for entry in second.entries} == {record_id}
    assert ann.http.get("/api/v1/cargo").json()["follows"][0]["new"] == 1
    with ports.here.node.database.write() as connection:
        mark_seen(connection, second.follow_id, second.position)
        mark_seen(connection, second.follow_id, 0)  # never goes back
    assert told(ports)[0].entries == ()
    assert ann.call("DELETE", f"{PATH}/{second.follow_id}").status_code == 204
    assert told(ports) == []
    actions = [(actor, action) for actor, action, _ in ports.here.audit() if action.startswith("cargo.")]
    assert actions[-2:] == [("ann", "cargo.follow"), ("ann", "cargo.unfollow")]


def test_other_cargo_is_no_news(ports: TwoPorts, ann: Browser) -> None:
    assert ann.call("POST", PATH, BODY).status_code == 201
    touch(ports, "SIMU1000012")
    assert told(ports)[0].entries == ()


def test_a_call_of_its_vessel_is_news(ports: TwoPorts, ann: Browser) -> None:
    """It belongs to the journey, though it names no container."""
    for kind, reference in (("container", CONTAINER), ("voyage", "9999993"), ("voyage", "9999993:SIM042E")):
        assert ann.call("POST", PATH, {"kind": kind, "reference": reference}).status_code == 201
    with ports.here.node.database.write() as connection:
        mine = (record.c.dataset == "port-calls") & (record.c.vessel_imo == "9999993")
        (record_id, *_) = connection.scalars(sa.select(record.c.id).where(mine).order_by(record.c.position)).all()
        connection.execute(record_counter.update().values(position=record_counter.c.position + 1))
        position = connection.scalar(sa.select(record_counter.c.position))
        connection.execute(record.update().where(mine, record.c.id == record_id).values(position=position))
    for new in told(ports):
        assert record_id in {entry.provenance.record_id for entry in new.entries}, new.reference


def test_nobody_sees_or_ends_anothers_follow(ports: TwoPorts, ann: Browser) -> None:
    mine = ann.call("POST", PATH, BODY).json()["id"]
    other = ports.here.entered("bob", "officer")
    assert other.http.get("/api/v1/cargo").json()["follows"] == []
    assert other.call("DELETE", f"{PATH}/{mine}").status_code == 404
    assert other.http.get(f"/api/v1/cargo/container/{CONTAINER}").json()["followed"] is None
    assert ann.http.get(f"/api/v1/cargo/container/{CONTAINER}").json()["followed"] == mine


def test_what_cannot_be_followed(ports: TwoPorts, ann: Browser) -> None:
    assert ann.call("POST", PATH, {"kind": "container", "reference": "SIMU1000027"}).status_code == 400
    assert ann.call("POST", PATH, BODY | {"user_id": "another"}).status_code in {400, 422}
    assert ports.here.browser().call("POST", PATH, BODY).status_code == 401
    for number in range(MAX_FOLLOWS):
        with ports.here.node.database.write() as connection:
            user = connection.exec_driver_sql("SELECT id FROM user_account WHERE login = 'ann'").scalar()
            values = {"id": str(number), "user_id": user, "kind": "booking", "reference": f"B{number}"}
            values |= {"seen_position": 0, "created_at": ports.clock()}
            connection.execute(cargo_follow.insert().values(**values))
    assert ann.call("POST", PATH, BODY).status_code == 409
