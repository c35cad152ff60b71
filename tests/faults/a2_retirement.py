"""Row A2: an agreement is retired while its records are on their way.

Passes when no request to the partner begins later than a second after the commit of the retirement, as seen on the
wire, and nothing more is taken. Also the other way round: the recipient retires it and the provider cannot be told; the
recipient takes nothing from its commit on, and the provider stops to send when its lease ends, at the latest. The
control decides once and goes on sending what it has decided; it must fail.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import ExitStack
from typing import Any
from unittest import mock

import sqlalchemy as sa
from tests import ports
from tests.faults.chaos_proxy import chaos_proxy
from tests.faults.world import Machine, machine, result

from sealane.database.tables.delivery import inbox as inbox_table
from sealane.exchange import agreement_steps, delivery, outbox, registry, streams
from sealane.exchange.delivery import DeliveryOutcome, deliver_once
from sealane.node.context import Node

TRIALS, SMALL = 20, 2
RECORDS = 4_000
STOP_S = 1.0
WATCH_S = 3.0


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run the row on one kind of database."""
    chance = random.Random(seed)
    tried = outside = 0
    latest_s = 0.0
    trials = TRIALS if full else SMALL
    for _ in range(trials):
        with machine(database) as place:
            found = _by_provider(place, chance)
        tried += found["taken"]
        outside += found["late"]
        latest_s = max(latest_s, found["latest_s"])
    with machine(database) as place:
        unheard = _by_recipient(place)
    with machine(database) as place, _not_fenced():
        unfenced = _by_provider(place, chance)
    controls = {"decided_once": unfenced["late"] > 0}
    passed = outside == 0 and unheard["taken_after"] == 0 and unheard["sent_after_lease"] == 0
    return result(
        "A2",
        seed,
        database,
        passed=passed,
        control_failed=all(controls.values()),
        tried=tried,
        outside=outside + unheard["taken_after"] + unheard["sent_after_lease"],
        trials=trials,
        latest_request_s=round(latest_s, 3),
        unheard=unheard,
        controls=controls,
    )


def _nodes(place: Machine, clock: Any) -> tuple[Node, Node, int, int]:
    provider = ports.make_node(place.folder, "provider", place.database(), clock)
    public, inner = ports.free_port(), ports.free_port()
    recipient = ports.make_node(place.folder, "recipient", place.database(), clock, public)
    return provider, recipient, public, inner


def _by_provider(place: Machine, chance: random.Random) -> dict[str, Any]:
    clock = ports.Clock()
    provider, recipient, public, inner = _nodes(place, clock)
    stop = threading.Event()
    with ExitStack() as stack:
        for part in (provider, recipient, ports.serving(provider), ports.serving(recipient, port=inner)):
            stack.enter_context(part)
        proxy = stack.enter_context(chaos_proxy(public, inner, 1))
        stream_id = ports.connect(provider, recipient)
        ports.feed(provider, range(RECORDS))
        errors: list[BaseException] = []

        def send() -> None:
            while not stop.is_set():
                try:
                    if deliver_once(provider, stream_id, worker="a2").outcome is not DeliveryOutcome.SENT:
                        time.sleep(0.02)
                except BaseException as error:
                    errors.append(error)
                    return

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        time.sleep(chance.uniform(0.2, 1.0))
        with provider.database.write() as connection:
            registry.retire(connection, provider.identity, ports.AGREEMENT, 1, "end of the trial", clock())
        committed = time.monotonic()
        time.sleep(WATCH_S)
        stop.set()
        sender.join(20)
        if errors:
            raise errors[0]
        after = [begun - committed for begun in proxy.begun_at if begun > committed]
        return {
            "taken": _taken(recipient),
            "late": sum(begun > STOP_S for begun in after),
            "latest_s": max(after, default=0.0),
        }


def _by_recipient(place: Machine) -> dict[str, Any]:
    """The recipient retires; the provider does not hear of it and is cut off after a while."""
    clock = ports.Clock()
    provider, recipient, public, inner = _nodes(place, clock)
    with ExitStack() as stack:
        for part in (provider, recipient, ports.serving(provider), ports.serving(recipient, port=inner)):
            stack.enter_context(part)
        proxy = stack.enter_context(chaos_proxy(public, inner, 1))
        stream_id = ports.connect(provider, recipient)
        ports.feed(provider, range(10))
        deliver_once(provider, stream_id, worker="a2")
        before = _taken(recipient)
        with recipient.database.write() as connection:
            registry.retire(connection, recipient.identity, ports.AGREEMENT, 1, "end of the trial", clock())
        ports.feed(provider, range(10, 20))
        deliver_once(provider, stream_id, worker="a2")  # within the lease: sent, refused there
        taken_after = _taken(recipient) - before
        clock.forward(streams.DEFAULT_LEASE.total_seconds() + 1)
        begun = len(proxy.begun_at)
        for _ in range(5):
            deliver_once(provider, stream_id, worker="a2")
            clock.forward(40)
        return {
            "taken_before": before,
            "taken_after": taken_after,
            "sent_after_lease": len(proxy.begun_at) - begun,
        }


def _taken(node: Node) -> int:
    with node.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(inbox_table)).scalar_one()


def _not_fenced() -> ExitStack:
    """Return the broken variant: whether the agreement is in force is asked once; the end closes no stream."""
    known: dict[tuple[Any, ...], Any] = {}
    real = registry.terms_in_force

    def remembered(connection: Any, agreement_id: str, version: int, clause_id: str, now: Any) -> Any:
        key = (agreement_id, version, clause_id)
        if key not in known:
            known[key] = real(connection, agreement_id, version, clause_id, now)
        return known[key]

    stack = ExitStack()
    stack.enter_context(mock.patch.object(delivery, "terms_in_force", remembered))
    stack.enter_context(mock.patch.object(agreement_steps, "close_streams", lambda *_, **__: []))
    stack.enter_context(mock.patch.object(outbox, "_valid", lambda *_: True))
    # A slow partner, so that there is something left to send when the watch ends.
    stack.enter_context(mock.patch.object(outbox, "MAX_EVENTS", 20))
    return stack
