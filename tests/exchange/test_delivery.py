"""Two real nodes over HTTP: what is sent, received, withheld, repeated, refused and mended."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sealane.database import Database
from sealane.database.tables.delivery import decision, inbox, outbox, receipt, stream
from sealane.database.tables.ledger import leaf
from sealane.database.tables.products import record
from sealane.exchange.delivery import DeliveryOutcome, DeliveryResult, deliver_all, deliver_once
from sealane.exchange.streams import Stream, get_stream
from sealane.node.context import Node
from tests import ports


@dataclass
class Pair:
    """A provider and a recipient that serve, with one open stream."""

    provider: Node
    recipient: Node
    clock: ports.Clock
    stream_id: str

    def step(self) -> DeliveryResult:
        return deliver_once(self.provider, self.stream_id, worker="test", jitter=lambda upper_s: upper_s)

    def drain(self) -> list[DeliveryResult]:
        results = []
        while True:
            results.append(self.step())
            if results[-1].outcome in {DeliveryOutcome.IDLE, DeliveryOutcome.WAITING, DeliveryOutcome.FAILED}:
                return results
            assert len(results) < 100

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
def make_pair(databases: Callable[[], Database], tmp_path: Path) -> Iterator[Callable[..., Pair]]:
    open_servers: list[Any] = []

    def make(**changes: Any) -> Pair:
        clock = ports.Clock()
        provider = ports.make_node(tmp_path, "yokohama", databases(), clock)
        recipient = ports.make_node(tmp_path, "los-angeles", databases(), clock)
        stream_id = ports.connect(provider, recipient, [ports.clause(**changes)])
        for node in (provider, recipient):
            server = ports.serving(node)
            server.__enter__()
            open_servers.append(server)
        return Pair(provider, recipient, clock, stream_id)

    yield make
    for server in open_servers:
        server.__exit__(None, None, None)


def test_records_arrive_once_in_order_with_receipts_and_logs(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(700))
    results = pair.drain()
    assert [result.accepted for result in results if result.outcome is DeliveryOutcome.SENT] == [500, 200]
    assert pair.received() == ids_of(pair.provider, pair.provider.identity.participant)
    sent = rows(pair.provider, outbox)
    assert {row.state for row in sent} == {"acknowledged"}
    assert sorted(row.sequence for row in sent) == list(range(1, 701))
    taken = rows(pair.recipient, inbox)
    assert {(row.sequence, row.digest) for row in taken} == {(row.sequence, row.digest) for row in sent}
    given, got = rows(pair.recipient, receipt), rows(pair.provider, receipt)
    assert {row.jws for row in given} == {row.jws for row in got}
    assert len(given) == 2
    assert count(pair.provider, leaf, leaf.c.kind == "event_sealed") == 700
    assert count(pair.recipient, leaf, leaf.c.kind == "event_received") == 700
    assert count(pair.provider, decision, decision.c.outcome == "allow") == 700
    stored = rows(pair.recipient, record)[0]
    assert (stored.simulated, stored.agreement_id, stored.clause_id) == (True, ports.AGREEMENT, ports.CLAUSE)
