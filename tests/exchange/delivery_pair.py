"""Two nodes that serve over HTTP with one open stream between them, and what a test asks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests import ports

from sealane.database import Database
from sealane.database.tables.products import record
from sealane.exchange import delivery
from sealane.exchange.delivery import (
    DeliveryOutcome,
    DeliveryResult,
    deliver_once,
)
from sealane.exchange.streams import Stream, get_stream
from sealane.node.app import create_app
from sealane.node.context import Node


class Wrapped:
    """An application whose answers, or requests, can be lost: what a network does."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.lose_answers = 0
        self.seen: list[str] = []
        self.answer_instead: tuple[int, dict[str, str], bytes] | None = None
        self.answer_at = "/sealane/v1/events"  # what the path ends with

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.seen.append(scope["path"])
        if self.answer_instead is not None and scope["path"].endswith(self.answer_at):
            status, headers, body = self.answer_instead
            await _answer(send, status, headers, body)
            return
        if self.lose_answers and scope["path"] == "/sealane/v1/events":
            self.lose_answers -= 1

            async def nowhere(_: Any) -> None:
                pass

            await self.app(scope, receive, nowhere)
            await _answer(send, 502, {}, b"")
            return
        await self.app(scope, receive, send)


async def _answer(send: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Pair:
    """A provider and a recipient that serve, with one open stream."""

    provider: Node
    recipient: Node
    clock: ports.Clock
    stream_id: str
    wire: Wrapped

    def step(self) -> DeliveryResult:
        return deliver_once(self.provider, self.stream_id, worker="test", jitter=lambda upper_s: upper_s)

    def drain(self) -> list[DeliveryResult]:
        results = []
        while True:
            results.append(self.step())
            if results[-1].outcome in {DeliveryOutcome.IDLE, DeliveryOutcome.WAITING, DeliveryOutcome.FAILED}:
                return results
            assert len(results) < 100

    def drain_to_stop(self) -> list[DeliveryResult]:
        results = [self.step()]
        while results[-1].outcome is not DeliveryOutcome.STOPPED:
            results.append(self.step())
            assert len(results) < 20
        return results

    def received(self) -> list[str]:
        return ids_of(self.recipient, self.provider.identity.participant)


def rows(node: Node, table: sa.Table, *conditions: Any) -> list[Any]:
    with node.database.read() as connection:
        return list(connection.execute(sa.select(table).where(*conditions)))


def ids_of(node: Node, source: str) -> list[str]:
    with node.database.read() as connection:
        statement = sa.select(record.c.id).where(record.c.source == source).order_by(record.c.position)
        return list(connection.execute(statement).scalars())


def count(node: Node, table: sa.Table, *conditions: Any) -> int:
    with node.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table).where(*conditions)).scalar_one()


def stream_of(node: Node, stream_id: str) -> Stream:
    with node.database.read() as connection:
        found = get_stream(connection, stream_id)
    assert found is not None
    return found


@pytest.fixture
def make_pair(
    databases: Callable[[], Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Pair]]:
    open_servers: list[Any] = []
    # A busy machine may take longer than a second; the tests of that limit set it themselves.
    monkeypatch.setattr(delivery, "BEGIN_WITHIN_S", 60.0)

    def make(**changes: Any) -> Pair:
        clock = ports.Clock()
        provider = ports.make_node(tmp_path, "yokohama", databases(), clock)
        recipient = ports.make_node(tmp_path, "los-angeles", databases(), clock)
        stream_id = ports.connect(provider, recipient, [ports.clause(**changes)])
        wire = Wrapped(create_app(recipient))
        for server in (ports.serving(provider), ports.serving(recipient, wire)):
            server.__enter__()
            open_servers.append(server)
        return Pair(provider, recipient, clock, stream_id, wire)

    yield make
    for server in open_servers:
        server.__exit__(None, None, None)
