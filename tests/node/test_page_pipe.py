"""Short pages of PostgreSQL in one statement: as read the ordinary way, never older than the last commit."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import sqlalchemy as sa
from tests.node.dcsa_client import PORT_CALLS, DcsaClient
from tests.ports import Clock, feed, make_node

from sealane.database import Database
from sealane.database.tables.identity import api_token
from sealane.database.tables.products import record
from sealane.node.api import page_pipe
from sealane.node.api.dcsa import read_own_page
from sealane.node.api.dcsa_query import Query
from sealane.node.api.page_pipe import PagePipe, PipedPage
from sealane.node.api.port_calls import INTERFACE
from sealane.node.api_tokens import create_token, token_hash
from sealane.products.store import Filters

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE query LIKE '%%sealane_page%%' AND pid <> pg_backend_pid() AND datname = current_database()
"""
Get = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def client(tmp_path: Path, database: Database) -> DcsaClient:
    return DcsaClient(make_node(tmp_path, "yokohama", database, Clock()))


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> list[PipedPage | None]:
    """What the pipe gave, question by question."""
    found: list[PipedPage | None] = []
    original = PagePipe.read

    async def noted(*arguments: Any) -> PipedPage | None:
        found.append(await original(*arguments))
        return found[-1]

    monkeypatch.setattr(PagePipe, "read", noted)
    return found


def in_one_loop(client: DcsaClient, steps: Callable[[Get], Awaitable[None]]) -> None:
    """Run steps in one event loop: each loop has a connection of its own."""

    async def run() -> None:
        transport = httpx.ASGITransport(app=client.app)
        async with httpx.AsyncClient(transport=transport, base_url=client.node.identity.origin) as asking:

            async def get(token: str | None = None, **params: Any) -> httpx.Response:
                headers = {"Authorization": f"Bearer {token or client.tokens['reader']}"}
                return await asking.get(PORT_CALLS, headers=headers, params=params)

            await steps(get)

    asyncio.run(run())


def test_pages_are_those_read_the_ordinary_way(client: DcsaClient) -> None:
    feed(client.node, list(range(1, 8)))
    node, text = client.node, client.tokens["reader"]

    async def run() -> None:
        pipe = PagePipe(node.database)
        for after in (0, 3, 6, 7, 900):
            for limit in (1, 3, 4, 7, 8, 100):
                found = await pipe.read("port-calls", after, limit, token_hash(text))
                ordinary = read_own_page(node, INTERFACE, text, Query(Filters(), (), True, after, limit))
                assert found is not None
                assert ordinary is not None
                assert (found.page, found.expires_at) == ordinary
        none = await pipe.read("container-milestones", 0, 10, token_hash(text))
        assert none is not None
        assert none.page is not None
        assert none.page.bodies == ()

    asyncio.run(run())


def test_a_known_page_is_not_read_again_until_something_is_committed(
    client: DcsaClient, piped: list[PipedPage | None]
) -> None:
    feed(client.node, [1, 2])
    database = client.node.database

    async def steps(get: Get) -> None:
        answers = [await get() for _ in range(4)]
        assert len({answer.content for answer in answers}) == 1
        assert [one is not None and one.page is None for one in piped] == [False, False, True, True]
        with database.write() as connection:
            connection.execute(sa.delete(record).where(record.c.position == 1))  # leaves the counter as it is
            assert len((await get()).json()["events"]) == 2  # not before the commit
        assert len((await get()).json()["events"]) == 1
        assert piped[-1] is not None
        assert piped[-1].page is not None
        feed(client.node, [3])
        assert len((await get()).json()["events"]) == 2

    in_one_loop(client, steps)


def test_of_another_connection_nothing_is_concluded(database: Database) -> None:
    async def run() -> None:
        one, other = PagePipe(database), PagePipe(database)
        first = await one.read("port-calls", 0, 10, "")
        assert first is not None
        same = await one.read("port-calls", 0, 10, "", first.version)
        assert same is not None
        assert same.page is None  # the control
        found = await other.read("port-calls", 0, 10, "", first.version)
        assert found is not None
        assert found.page is not None

    asyncio.run(run())


def test_a_token_is_looked_at_with_each_question(client: DcsaClient, piped: list[PipedPage | None]) -> None:
    feed(client.node, [1])
    clock = client.node.clock
    assert isinstance(clock, Clock)
    with client.node.database.write() as connection:
        _, short = create_token(connection, "short", "reader", clock(), clock() + dt.timedelta(seconds=60))
        _, other = create_token(connection, "other", "reader", clock())

    async def steps(get: Get) -> None:
        for token in (short, other):
            assert [(await get(token)).status_code for _ in range(3)] == [200] * 3
            assert piped[-1] is not None
            assert piped[-1].page is None  # the control: it is the kept answer that is refused below
        clock.forward(61)
        assert (await get(short)).status_code == 401
        assert (await get(other)).status_code == 200
        with client.node.database.write() as connection:
            revoked = api_token.update().where(api_token.c.hash == token_hash(other))
            connection.execute(revoked.values(revoked_at=clock()))
        assert (await get(other)).status_code == 401
        assert (await get(client.tokens["feed"])).status_code == 403
        assert (await get("sealane_" + "x" * 43)).status_code == 401

    in_one_loop(client, steps)


def test_a_lost_connection_costs_no_answer(
    client: DcsaClient, piped: list[PipedPage | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_pipe, "RETRY_S", 0.0)
    feed(client.node, [1])

    async def steps(get: Get) -> None:
        for _ in range(3):
            assert (await get()).status_code == 200
        with client.node.database.write() as connection:
            ended = connection.exec_driver_sql(TERMINATE).all()
        assert ended == [(True,)]
        answers = await asyncio.gather(*(get(limit=number) for number in range(1, 6)))
        assert [answer.status_code for answer in answers] == [200] * 5
        assert (await get()).status_code == 200
        assert piped[-1] is not None
        assert piped[-1].page is not None  # of another connection nothing is concluded

    in_one_loop(client, steps)


def test_a_question_that_fails_spoils_no_other(database: Database) -> None:
    async def run() -> None:
        pipe = PagePipe(database)
        assert await pipe.read("port-calls", 0, 10, "") is not None
        link = pipe._link
        assert link is not None
        sound = [b"port-calls", b"0", b"10", b"", b""]
        found = await asyncio.gather(link.ask(sound), link.ask([b"port-calls", b"no", b"1", b"", b""]), link.ask(sound))
        assert [one is None for one in found] == [False, True, False]
        assert link.is_open

    asyncio.run(run())


def test_a_question_without_an_answer_is_given_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_pipe, "WAIT_S", 0.2)

    async def run() -> None:
        pipe = PagePipe(database)
        assert await pipe.read("port-calls", 0, 10, "") is not None
        link = pipe._link
        assert link is not None
        with database.write() as connection:  # nobody can read: the server ends the statement
            connection.exec_driver_sql("LOCK TABLE record IN ACCESS EXCLUSIVE MODE")
            assert await pipe.read("port-calls", 0, 10, "") is None
        assert await pipe.read("port-calls", 0, 10, "") is not None
        asyncio.get_running_loop().remove_reader(link._socket)  # as if the line were dead
        assert await asyncio.wait_for(pipe.read("port-calls", 0, 10, ""), 20) is None
        assert not link.is_open
        monkeypatch.setattr(page_pipe, "RETRY_S", 0.0)
        pipe._not_before = 0.0
        assert await pipe.read("port-calls", 0, 10, "") is not None

    asyncio.run(run())


def test_many_questions_at_once_get_each_its_own_answer(client: DcsaClient) -> None:
    feed(client.node, list(range(1, 41)))

    async def run() -> None:
        pipe = PagePipe(client.node.database)
        await pipe.read("port-calls", 0, 1, "")
        found = await asyncio.gather(*(pipe.read("port-calls", after, 1, "") for after in range(39)))
        following = [one.page.next_after for one in found if one is not None and one.page is not None]
        assert following == list(range(1, 40))

    asyncio.run(run())


def test_the_connection_can_only_read(database: Database) -> None:
    connection = page_pipe._connect(database.engine)
    try:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM record")
    finally:
        connection.close()
