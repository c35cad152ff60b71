"""Row R4: a full disk, a database that is away, a partner that is slow or talks garbage.

Passes when nothing is lost, the partner is answered 503 with Retry-After where this node is at fault, and the cause
stands in the sender's stream within ten seconds; the same is asked of the pages (`r4_pages`). In the control the sender
waits for a slow partner for as long as it likes; then the cause does not show in time.

The full disk is SQLite's own limit of pages, which fails as a full file system does; PostgreSQL is made to refuse
connections.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from unittest import mock

import httpx
import sqlalchemy as sa
from tests import ports
from tests.faults import r4_pages
from tests.faults.sent_by_hand import quiet
from tests.faults.world import Machine, effects, machine, result

from sealane.database import Database
from sealane.errors import StoreError
from sealane.exchange import delivery
from sealane.exchange.delivery import DeliveryOutcome, DeliveryResult, deliver_once
from sealane.exchange.streams import get_stream
from sealane.node.app import create_app
from sealane.node.context import Node

MESSAGES, SMALL = 5_000, 400
SHOWN_S = 10.0
DRIP_S = 12.0
_FEW_PAGES = 4


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run the row on one kind of database."""
    count = MESSAGES if full else SMALL
    trials: dict[str, dict[str, Any]] = {}
    for name in ("store_of_recipient", "store_of_provider", "slow", "garbage"):
        with machine(database) as place:
            trials[name] = _trial(place, name, seed, count)
    with machine(database) as place, mock.patch.object(delivery, "SEND_TIMEOUT_S", 60.0):
        patient = _trial(place, "slow", seed, 10)
    for name in ("page_store", "page_slow", "page_garbage"):
        with machine(database) as place, quiet():
            if name == "page_store":
                trials[name] = r4_pages.store_trial(place, no_store)
            else:
                kind = name.removeprefix("page_")
                trials[name] = r4_pages.partner_trial(place, kind, _bad_partner, random.Random(seed))
    with machine(database) as place, quiet():
        mute = r4_pages.control(place, no_store)
    controls = {"no_time_limit": patient["shown_s"] > SHOWN_S, "mute_pages": mute}
    passed = all(
        t["lost"] == t["doubled"] == t["disordered"] == 0 and t["shown_s"] <= SHOWN_S and t["cause"]
        for t in trials.values()
    )
    passed = passed and trials["store_of_recipient"]["status"] == 503 and trials["store_of_recipient"]["retry_after"]
    return result(
        "R4",
        seed,
        database,
        passed=passed,
        control_failed=all(controls.values()),
        tried=sum(trial["tried"] for trial in trials.values()),
        lost=sum(trial["lost"] for trial in trials.values()),
        doubled=sum(trial["doubled"] for trial in trials.values()),
        trials=trials,
        controls=controls,
    )


def _trial(place: Machine, name: str, seed: int, count: int) -> dict[str, Any]:
    clock = ports.Clock()
    provider = ports.make_node(place.folder, "provider", place.database(), clock)
    recipient = ports.make_node(place.folder, "recipient", place.database(), clock)
    port = int(recipient.identity.origin.rpartition(":")[2])
    found: dict[str, Any] = {}
    with provider, recipient, ports.serving(provider):
        stream_id = ports.connect(provider, recipient)
        ports.feed(provider, range(count))
        begun = time.monotonic()
        if name == "store_of_recipient":
            wire = _Statuses(create_app(recipient))
            with ports.serving(recipient, wire):
                ports.exchange_keys(provider, recipient)
                begun = time.monotonic()
                with no_store(place, recipient.database):
                    outcome = _step(provider, stream_id)
            found |= {"status": wire.status, "retry_after": wire.retry_after}
            cause = _cause(provider, stream_id)
        elif name == "store_of_provider":
            with ports.serving(recipient), no_store(place, provider.database):
                try:
                    outcome, cause = _step(provider, stream_id), ""
                except StoreError as error:
                    outcome, cause = None, str(error)
        else:
            with _bad_partner(port, name, random.Random(seed)):
                outcome = _step(provider, stream_id)
            cause = _cause(provider, stream_id)
        shown_s = time.monotonic() - begun
        with ports.serving(recipient):
            for _ in range(200):
                step = _step(provider, stream_id)
                if step.outcome is DeliveryOutcome.IDLE:
                    break
                clock.forward(40 if step.outcome in {DeliveryOutcome.WAITING, DeliveryOutcome.FAILED} else 0)
        seen = effects(provider, recipient, {ports.event_id(number) for number in range(count)})
    return found | {
        "tried": count,
        "lost": seen.lost,
        "doubled": seen.doubled,
        "disordered": seen.disordered,
        "shown_s": round(shown_s, 1),
        "cause": cause if outcome is None or outcome.outcome is DeliveryOutcome.FAILED else "",
    }


def _step(provider: Node, stream_id: str) -> DeliveryResult:
    return deliver_once(provider, stream_id, worker="r4")


def _cause(provider: Node, stream_id: str) -> str:
    with provider.database.read() as connection:
        stream = get_stream(connection, stream_id)
    assert stream is not None
    return stream.last_error or ""


class _Statuses:
    """Notes how the application answered batches."""

    def __init__(self, app: Any) -> None:
        self.app, self.status, self.retry_after = app, 0, ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start" and scope["path"] == "/sealane/v1/events":
                self.status = message["status"]
                headers = httpx.Headers(message["headers"])
                self.retry_after = headers.get("retry-after", "")
            await send(message)

        await self.app(scope, receive, noting)


@contextmanager
def no_store(place: Machine, database: Database) -> Iterator[None]:
    """Let a database take nothing: its disk is full, or it lets nobody in."""
    database.close()
    if place.cluster is None:
        with ExitStack() as stack:
            stack.callback(database.close)
            stack.enter_context(_page_limit(database))
            yield
        return
    name = database.engine.url.database
    place.cluster.run(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
    place.cluster.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    try:
        yield
    finally:
        place.cluster.run(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')


@contextmanager
def _page_limit(database: Database) -> Iterator[None]:
    with database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    database.close()

    def limit(dbapi_connection: Any, _: Any) -> None:
        dbapi_connection.execute(f"PRAGMA max_page_count={pages + _FEW_PAGES}")

    sa.event.listen(database.engine, "connect", limit)
    try:
        yield
    finally:
        sa.event.remove(database.engine, "connect", limit)


@contextmanager
def _bad_partner(port: int, kind: str, chance: random.Random) -> Iterator[None]:
    """Listen where the partner should, and drip or talk garbage."""
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        until = time.monotonic() + DRIP_S
        while not stop.wait(0.5) and time.monotonic() < until:
            connection.sendall(b"x")

    def garbage(connection: socket.socket) -> None:
        connection.sendall(chance.randbytes(4096))

    answer: Callable[[socket.socket], None] = drip if kind == "slow" else garbage
    with socket.create_server(("127.0.0.1", port)) as server:
        server.settimeout(0.2)

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    continue
                with connection:
                    connection.settimeout(0.5)
                    try:
                        while connection.recv(65_536):
                            pass
                    except OSError:
                        pass
                    with suppress(OSError):
                        answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)
