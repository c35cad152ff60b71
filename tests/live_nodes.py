"""Complete little nodes on loopback: real keys, real database, real uvicorn; only the clock is set by the test."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import Depends, FastAPI, Request
from starlette.types import ASGIApp

from sealane.database import Database
from sealane.exchange.keys import Identity, record_own_keys
from sealane.exchange.outbound import Outbound
from sealane.exchange.peers import add_peer
from sealane.node.api import identity as identity_api
from sealane.node.api.security import peer_of
from sealane.node.context import Node
from sealane.node.edge import Edge
from sealane.node.problems import add_problem_handlers
from sealane.node.settings import make_settings

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@dataclass
class Clock:
    """A clock that stands until it is set."""

    now: dt.datetime = START

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@dataclass
class LiveNode:
    """A node and what arrived at it."""

    node: Node
    clock: Clock
    received: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def participant(self) -> str:
        return self.node.identity.participant

    @property
    def origin(self) -> str:
        return self.node.identity.origin

    def send(self, other: LiveNode, body: bytes = b"{}", path: str = "/inbox?n=1", **options: Any) -> int:
        """Send a signed request to the other node's inbox and return the status."""
        return self.node.outbound.request(
            "POST", other.origin + path, participant=other.participant, content=body, **options
        ).status


def free_socket() -> socket.socket:
    """Return a socket bound to a free port of loopback."""
    listening = socket.socket()
    # As on a socket the server makes itself; else each answer waits 40 ms for an acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.bind(("127.0.0.1", 0))
    return listening


def make_node(folder: Path, database: Database, participant: str, origin: str, clock: Clock) -> Node:
    """Make a node's keys and put its parts together."""
    folder.mkdir(mode=0o700, parents=True)
    identity = Identity.create(folder / "keys", participant, origin, clock())
    with database.write() as connection:
        record_own_keys(connection, identity)
    settings = make_settings({"participant": participant, "name": participant, "origin": origin}, {}, "test")
    return Node(folder, settings, database, identity, Outbound(identity, database, clock), clock)


def make_app(live: LiveNode) -> ASGIApp:
    """Return an application with the node's identity and one guarded inbox."""
    app = FastAPI()
    app.state.node = live.node
    add_problem_handlers(app, {})
    app.include_router(identity_api.router(live.node))
    peer = Depends(peer_of(live.node, streams=True))

    @app.post("/inbox")
    async def inbox(request: Request, sender: str = peer) -> dict[str, str]:
        live.received.append((sender, request.state.body))
        return {"from": sender}

    return Edge(app, body_limit_bytes=1_000_000, forms={}, observe=lambda *_: None, is_https=False)


@contextmanager
def serving(app: ASGIApp, listening: socket.socket) -> Iterator[None]:
    """Serve an application on a bound socket while the block runs."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
        assert thread.is_alive(), "the server did not start"
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def live_node(
    folder: Path, database: Database, participant: str, clock: Clock, app: Callable[[LiveNode], ASGIApp] = make_app
) -> Iterator[LiveNode]:
    """Run a node on a free port of loopback."""
    listening = free_socket()
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    live = LiveNode(make_node(folder, database, participant, origin, clock), clock)
    with serving(app(live), listening):
        yield live
    live.node.outbound.close()


def introduce(one: LiveNode, other: LiveNode, *, must_sign: bool = True) -> None:
    """Let the first node know the second."""
    with one.node.database.write() as connection:
        add_peer(
            connection,
            participant=other.participant,
            name=other.participant,
            origin=other.origin,
            root_key=other.node.identity.root_jwk,
            must_sign=must_sign,
            allow_private=True,
            now=one.clock(),
        )


def ask(app: ASGIApp, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """GET a path of an application without a socket."""

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://node", trust_env=False) as client:
            return await client.get(path, headers=headers)

    return asyncio.run(get())
