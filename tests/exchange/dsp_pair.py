"""Two served nodes with an agreement in force, for tests of negotiations and transfers; what passes between them can be
lost or answered otherwise."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from starlette.types import Message, Receive, Scope, Send
from tests import ports
from tests.ports import AGREEMENT, CLAUSE, Clock

from sealane.agreements.clauses import Clause
from sealane.database import Database
from sealane.database.tables import dsp
from sealane.exchange.dataspace import Row
from sealane.exchange.registry import retire
from sealane.node.app import create_app
from sealane.node.context import Node
from sealane.node.dataspace import request_contract, request_transfer, step_negotiations, step_transfers


@dataclass
class Wire:
    """What happens to requests at a node's door.

    Attributes
    ----------
    faults : (part of the path, what happens) used up in order: ``lose`` the request, ``lose answer`` after it was
        taken, or a status to answer with instead.
    seen : method and path of every request.
    """

    app: Any
    faults: list[tuple[str, str | int]] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = str(scope["path"])
        self.seen.append((scope["method"], path))
        fault = next((item for item in self.faults if item[0] in f"{scope['method']} {path}"), None)
        if fault is None:
            await self.app(scope, receive, send)
            return
        self.faults.remove(fault)
        if fault[1] == "lose answer":

            async def nowhere(message: Message) -> None:
                """Let the answer vanish."""

            await self.app(scope, receive, nowhere)
        status = fault[1] if isinstance(fault[1], int) else 502
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@dataclass
class Pair:
    """Provider and consumer; their clock stands until it is set forward."""

    provider: Node
    consumer: Node
    clock: Clock
    at_provider: Wire
    at_consumer: Wire

    def contract(self) -> str:
        """Ask for the clause's contract and send the request; return the consumer's pid."""
        peer = self.provider.identity.participant
        pid = request_contract(self.consumer, peer=peer, agreement_id=AGREEMENT, clause_id=CLAUSE)
        step_negotiations(self.consumer)
        return pid

    def agreed(self) -> str:
        """Negotiate to the end; return the agreement's reference."""
        pid = self.contract()
        row = wait(self.consumer, dsp.negotiation, pid, "FINALIZED")
        return str(row.agreement_ref)

    def transfer(self, agreement_ref: str, transfer_format: str = "Sealane-PUSH") -> str:
        """Ask for a transfer and send the request; return the consumer's pid."""
        peer = self.provider.identity.participant
        pid = request_transfer(self.consumer, peer=peer, agreement_ref=agreement_ref, transfer_format=transfer_format)
        step_transfers(self.consumer)
        return pid

    def retire(self) -> None:
        """Let the provider retire the agreement; the consumer is not told."""
        with self.provider.database.write() as connection:
            retire(connection, self.provider.identity, AGREEMENT, 1, "for the test", self.clock())

    def step(self, seconds: float = 0) -> None:
        """Set the clock forward and let both nodes do what is due."""
        self.clock.forward(seconds)
        for node in (self.provider, self.consumer):
            step_negotiations(node)
            step_transfers(node)

    def other(self, table: sa.Table, pid: str) -> Row:
        """Return the provider's row of a consumer's process."""
        with self.provider.database.read() as connection:
            return connection.execute(sa.select(table).where(table.c.peer_pid == pid)).one()


def row_of(node: Node, table: sa.Table, pid: str) -> Row:
    """Return a row of negotiations or transfers."""
    with node.database.read() as connection:
        return connection.execute(sa.select(table).where(table.c.id == pid)).one()


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for what happens in another thread; the answers of the nodes are quick, the bound is for a busy machine."""
    end = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.01)
    return found


def wait(node: Node, table: sa.Table, pid: str, *states: str) -> Row:
    """Wait until a process is in a state and has nothing left to send."""

    def there() -> Row | None:
        row = row_of(node, table, pid)
        return row if row.state in states and row.pending is None else None

    return until(there, f"{table.name} {pid} is {row_of(node, table, pid)}, not {states}")  # type: ignore[no-any-return]


@contextmanager
def pair(folder: Path, databases: Callable[[], Database], clauses: Sequence[Clause] | None = None) -> Iterator[Pair]:
    """Serve two nodes that know each other and have an agreement in force."""
    clock = Clock()
    provider, consumer = (ports.make_node(folder, name, databases(), clock) for name in ("provider", "consumer"))
    ports.introduce(provider, consumer)
    ports.introduce(consumer, provider)
    document = ports.agreement(provider, consumer, [ports.clause()] if clauses is None else clauses)
    for node in (provider, consumer):
        ports.put_in_force(node, document)
    doors = [Wire(create_app(node)) for node in (provider, consumer)]
    with ports.serving(provider, doors[0]), ports.serving(consumer, doors[1]):  # type: ignore[arg-type]
        ports.exchange_keys(provider, consumer)
        yield Pair(provider, consumer, clock, *doors)
    for node in (provider, consumer):
        node.outbound.close()
