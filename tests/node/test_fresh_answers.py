"""Answers kept in memory are given again only while nothing at all was committed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import APIRouter, Depends
from tests.node.dcsa_client import PORT_CALLS, DcsaClient
from tests.ports import Clock, feed, make_node, port_call

from sealane.database import Database
from sealane.database.tables.identity import api_token
from sealane.node.api import dcsa
from sealane.node.api.dcsa import DirectRoute
from sealane.node.api.fresh import Answer, FreshAnswers
from sealane.node.api_tokens import create_token
from sealane.products.store import put_records


@pytest.fixture
def client(tmp_path: Path, database: Database) -> DcsaClient:
    return DcsaClient(make_node(tmp_path, "yokohama", database, Clock()))


def count(client: DcsaClient, **options: Any) -> int:
    answer = client.get(PORT_CALLS, **options)
    assert answer.status_code == 200, answer.text
    return len(answer.json()["events"])


def test_a_new_record_is_seen_at_once(client: DcsaClient) -> None:
    assert count(client) == count(client) == 0
    feed(client.node, [1])
    assert count(client) == count(client) == 1
    other = Database(client.node.database.engine.url.render_as_string(hide_password=False))  # as another process has it
    with other.write() as connection:
        put_records(connection, "urn:sealane:test:third", "port-calls", [port_call(2)], client.node.clock())
    other.close()
    assert count(client) == 2


def test_a_revoked_or_ended_token_is_refused_at_once(client: DcsaClient) -> None:
    feed(client.node, [1])
    clock = client.node.clock
    assert isinstance(clock, Clock)
    with client.node.database.write() as connection:
        until = clock() + dt.timedelta(seconds=60)
        _, text = create_token(connection, "short", "reader", clock(), until)
    assert count(client, token=text) == count(client, token=text) == 1
    clock.forward(61)
    assert client.get(PORT_CALLS, token=text).status_code == 401
    assert count(client) == 1
    with client.node.database.write() as connection:
        connection.execute(sa.update(api_token).where(api_token.c.role == "reader").values(revoked_at=clock()))
    assert client.get(PORT_CALLS).status_code == 401
    assert count(client, role="operator") == 1


def test_answers_of_one_token_are_not_those_of_another(client: DcsaClient) -> None:
    feed(client.node, [1])
    assert count(client) == 1
    assert client.get(PORT_CALLS, role="feed").status_code == 403
    assert client.get(PORT_CALLS, role=None).status_code == 401
    assert client.get(PORT_CALLS, {"limit": 0}).status_code == 400
    assert count(client, params={"UNLocationCode": "USLAX"}) == 0


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_question_that_comes_again_costs_no_query(client: DcsaClient, monkeypatch: pytest.MonkeyPatch) -> None:
    feed(client.node, [1])
    asked = []

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments: asked.append(1) or original(*arguments)  # type: ignore[func-returns-value]

    monkeypatch.setattr(dcsa, "_read_page", counted(dcsa._read_page))
    monkeypatch.setattr(FreshAnswers, "read", counted(FreshAnswers.read))
    for _ in range(6):
        assert count(client) == 1
    assert len(asked) == 2  # what is asked once is not kept
    for _ in range(3):
        assert count(client, params={"limit": 7}) == 1
    assert len(asked) == 4
    feed(client.node, [2])
    assert count(client) == 2
    assert len(asked) == 5


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_answer_made_while_something_was_committed_is_not_kept(database: Database) -> None:
    now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    fresh, answer = FreshAnswers(database), Answer(b"x", {}, None)
    assert fresh.get("key", now) is None
    version = fresh.version()
    with database.write() as connection:
        put_records(connection, "a", "port-calls", [port_call(1)], now)
    for _ in range(2):
        fresh.put("key", version, answer)
    assert fresh.get("key", now) is None
    for _ in range(2):
        fresh.put("key", fresh.version(), answer)
    assert fresh.get("key", now) is answer  # the control
    for number in range(1000):
        fresh.put(number, fresh.version(), Answer(b"x" * 100_000, {}, None))
    assert fresh.get("key", now) is answer  # what is asked once pushes nothing out
    for number in range(1000):
        for _ in range(2):
            fresh.put(number, fresh.version(), Answer(b"x" * 100_000, {}, None))
    assert fresh._size_bytes <= 16 * 1024 * 1024
    assert fresh.get("key", now) is None
    assert fresh.get(999, now) is not None


def test_a_direct_route_works_out_no_dependencies() -> None:
    def guard() -> None: ...

    async def endpoint() -> None: ...

    APIRouter().add_api_route("/a", endpoint, route_class_override=DirectRoute)
    with pytest.raises(TypeError, match="dependencies"):
        APIRouter().add_api_route("/a", endpoint, dependencies=[Depends(guard)], route_class_override=DirectRoute)
