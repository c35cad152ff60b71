"""Row S1: requests sent again: the same, at once, later, after a restart, to another recipient, to another path.

Every request carries its own number; an effect is a number that arrived at a handler. ``doubled`` counts second
effects.
"""

from __future__ import annotations

import contextlib
import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from fastapi import Depends, FastAPI, Request
from starlette.types import ASGIApp
from tests.faults.sent_by_hand import Raw, quiet, send, signed_request
from tests.faults.world import Machine, NotProvenError, machine, result
from tests.live_nodes import Clock, LiveNode, introduce, live_node, make_node, serving

from sealane.exchange import replay
from sealane.node.api import identity as identity_api
from sealane.node.api import security
from sealane.node.api.security import peer_of
from sealane.node.edge import Edge
from sealane.node.problems import add_problem_handlers

FULL, SMALL = 1_000, 12
COPIES = 6


@dataclass
class Found:
    """What happened."""

    tried: int = 0
    again: int = 0
    lost: int = 0
    effects: Counter[bytes] = field(default_factory=Counter)

    @property
    def doubled(self) -> int:
        return sum(count - 1 for count in self.effects.values())


@dataclass
class Restartable:
    """A receiver that can be stopped and started again on its port and its database."""

    live: LiveNode
    effects: Counter[bytes]
    stack: ExitStack
    on_restart: Callable[[], None]

    def start(self) -> None:
        port = int(self.live.origin.rpartition(":")[2])
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        self.stack.enter_context(serving(counting_app(self.live, self.effects), listening))

    def restart(self) -> None:
        self.stack.close()
        self.on_restart()
        self.start()


def counting_app(live: LiveNode, effects: Counter[bytes]) -> ASGIApp:
    """Return an application whose two paths count what arrives."""
    app = FastAPI()
    add_problem_handlers(app, {})
    app.include_router(identity_api.router(live.node))
    peer = Depends(peer_of(live.node))

    @app.api_route("/inbox", methods=["POST", "PUT"])
    @app.api_route("/other", methods=["POST"])
    async def inbox(request: Request, _: str = peer) -> dict[str, str]:
        effects[request.state.body] += 1
        return {}

    return Edge(app, body_limit_bytes=100_000, forms={}, observe=lambda *_: None, is_https=False)


def trial(number: int, rng: random.Random, world: World, found: Found) -> None:
    """Send one request and then again in every way."""
    sender, receiver, other = world.sender, world.receiver.live, world.other.live
    body = str(number).encode()
    unsigned = number % 4 == 3  # a token alone, from one who need not sign
    introduce(receiver, sender, must_sign=not unsigned)
    introduce(other, sender, must_sign=not unsigned)
    raw = signed_request(sender, receiver, body, sign=not unsigned)
    found.tried += 1
    if number % 2:
        statuses = [send(raw, receiver)]
    else:
        with ThreadPoolExecutor(COPIES) as pool:
            statuses = list(pool.map(lambda _: send(raw, receiver), range(COPIES)))
        found.again += COPIES - 1
    found.lost += statuses.count(200) == 0
    again: list[tuple[Raw, LiveNode]] = [(raw, receiver), (raw, other), (raw, receiver)]
    again += [(Raw(raw.method, target, raw.fields, body), receiver) for target in (b"/other", b"/inbox?x=1")]
    again += [(Raw(b"PUT", raw.target, raw.fields, body), receiver)]
    # As a proxy in between could put it.
    forwarded = (*raw.fields, (b"x-forwarded-host", receiver.origin.rpartition("/")[2].encode()))
    again += [(Raw(raw.method, raw.target, forwarded, body), other)]
    rng.shuffle(again)
    for copy, to in again:
        send(copy, to)
        found.again += 1
    if number % 5 == 0:
        world.receiver.restart()
        send(raw, receiver)
        found.again += 1
    for wait_s in (rng.uniform(50, 64), 5.0, rng.uniform(1, 300)):
        world.clock.advance(wait_s)
        with receiver.node.database.write() as connection:
            replay.prune(connection, world.clock())
        send(raw, receiver)
        found.again += 1


@dataclass
class World:
    """One sender and two receivers that know it."""

    clock: Clock
    sender: LiveNode
    receiver: Restartable
    other: Restartable


@contextmanager
def world(place: Machine, found: Found, on_restart: Callable[[], None] = lambda: None) -> Iterator[World]:
    clock = Clock()
    folder = place.folder / f"world-{place.made}"
    with live_node(folder / "sender", place.database(), "port-a", clock) as sender, ExitStack() as stack:
        receivers = []
        for name in ("port-b", "port-c"):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                origin = f"http://127.0.0.1:{free.getsockname()[1]}"
            live = LiveNode(make_node(folder / name, place.database(), name, origin, clock), clock)
            receivers.append(Restartable(live, found.effects, stack.enter_context(ExitStack()), on_restart))
            receivers[-1].start()
            introduce(live, sender)
        yield World(clock, sender, *receivers)


def campaign(place: Machine, seed: int, count: int, on_restart: Callable[[], None] = lambda: None) -> Found:
    """Run trials and return what happened."""
    found = Found()
    rng = random.Random(seed)
    with world(place, found, on_restart) as made:
        for number in range(count):
            trial(number, rng, made, found)
    return found


def controls(place: Machine, seed: int, count: int) -> dict[str, bool]:
    """Return for each broken receiver whether it let a second effect through, as it must."""
    caught: dict[str, bool] = {}

    def let_through(name: str, on_restart: Callable[[], None], **broken: Any) -> None:
        with contextlib.ExitStack() as stack:
            for attribute, replacement in broken.items():
                stack.enter_context(patch.object(security, attribute, replacement))
            caught[name] = campaign(place, seed, count, on_restart).doubled > 0

    let_through("nothing remembered", lambda: None, remember=lambda *_: True)

    seen: set[tuple[str, str]] = set()

    def in_memory(_: Any, participant: str, nonce: str, __: Any) -> bool:
        new = (participant, nonce) not in seen
        seen.add((participant, nonce))
        return new

    let_through("remembered in memory only", seen.clear, remember=in_memory)

    original_request, original_token = security.verify_request, security.verify_token

    def any_target(method: str, url: str, fields: Any, *rest: Any, **options: Any) -> Any:
        forwarded = dict(fields).get("x-forwarded-host")
        return original_request(method, f"http://{forwarded}/inbox" if forwarded else url, fields, *rest, **options)

    def any_audience(token: str, *rest: Any, **options: Any) -> Any:
        for audience in ("port-b", "port-c"):
            with contextlib.suppress(Exception):
                return original_token(token, *rest, **(options | {"audience": audience}))
        return original_token(token, *rest, **options)

    let_through(
        "recipient not checked, forwarding field believed",
        lambda: None,
        verify_request=any_target,
        verify_token=any_audience,
    )
    return caught


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run row S1 on one kind of database."""
    try:
        with machine(database) as place, quiet():
            found = campaign(place, seed, FULL if full else SMALL)
            caught = controls(place, seed, 6)
    except NotProvenError as lacking:
        return result("S1", seed, database, passed=False, control_failed=False) | {
            "verdict": "not proven",
            "reason": str(lacking),
        }
    return result(
        "S1",
        seed,
        database,
        passed=found.doubled == 0 and found.lost == 0,
        control_failed=all(caught.values()),
        tried=found.tried,
        sent_again=found.again,
        lost=found.lost,
        doubled=found.doubled,
        controls=caught,
    )
