"""Row R6: an old backup is brought back on one of two nodes.

Passes when the partner of the restored node notices (an alarm in its log) and no record is missing silently: either
it arrives after all, or the stream stands still with a reason. In the control both sides go by their own counters only;
then a gap stays that nobody tells of.
"""

from __future__ import annotations

import dataclasses
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa
from tests import ports
from tests.faults.world import Machine, effects, machine, result

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.tables.delivery import stream as stream_table
from sealane.database.tables.ledger import leaf
from sealane.exchange import delivery, inbox, recovery
from sealane.exchange.delivery import DeliveryOutcome, deliver_once, recover_outgoing
from sealane.exchange.streams import get_stream, lock_stream
from sealane.node.context import Node

MESSAGES, SMALL = 2_000, 200


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run the row on one kind of database."""
    count = MESSAGES if full else SMALL
    trials = {}
    for who in ("recipient", "provider"):
        with machine(database) as place:
            trials[who] = _trial(place, who, count)
    with machine(database) as place, _trusting():
        silent = _trial(place, "recipient", SMALL)
    controls = {"own_counters_only": silent["lost"] > 0 and silent["silent"]}
    passed = all(t["lost"] == t["doubled"] == 0 and t["noticed"] and not t["silent"] for t in trials.values())
    return result(
        "R6",
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


def _trial(place: Machine, who: str, count: int) -> dict[str, Any]:
    """Deliver a part, keep a backup of one node, deliver more, bring the backup back, deliver the rest."""
    clock = ports.Clock()
    urls = {name: place.url() for name in ("provider", "recipient")}
    for url in urls.values():
        database = Database(url)
        database.create_tables()
        database.close()
    nodes = {n: ports.make_node(place.folder, n, Database(url), clock) for n, url in urls.items()}
    stream_id = ports.connect(nodes["provider"], nodes["recipient"])
    third = count // 3
    _deliver(nodes, stream_id, range(third))
    backup = _copy(place, nodes[who].database)
    _deliver(nodes, stream_id, range(third, 2 * third))
    nodes[who] = _restored(nodes[who], backup)
    # After a restored provider its feed begins again where the backup ends, and may tell other things than before.
    _deliver(nodes, stream_id, range(2 * third, count))
    partner = nodes["provider" if who == "recipient" else "recipient"]
    noticed, stopped = _alarms(partner), _state(nodes, stream_id)
    if "stopped" in stopped.values():
        with ExitStack() as stack:
            for node in nodes.values():
                stack.enter_context(ports.serving(node))
            if stopped["recipient"] == "stopped":
                with nodes["recipient"].database.write() as connection:
                    held = get_stream(connection, stream_id)
                    assert held is not None
                    recovery.recover(connection, stream_id, held.next_sequence, clock())
            recover_outgoing(nodes["provider"], stream_id)
        _deliver(nodes, stream_id, range(0))
    expected = {ports.event_id(number) for number in range(count)}
    if who == "provider":
        expected -= {ports.event_id(number) for number in range(third, 2 * third)}  # the provider itself lost these
    seen = effects(nodes["provider"], nodes["recipient"], expected)
    for node in nodes.values():
        node.close()
    return {
        "tried": count,
        "lost": seen.lost,
        "doubled": seen.doubled,
        "noticed": noticed,
        "silent": seen.lost > 0 and not noticed and "stopped" not in stopped.values(),
        "states": stopped,
    }


def _deliver(nodes: dict[str, Node], stream_id: str, numbers: range) -> None:
    provider = nodes["provider"]
    ports.feed(provider, numbers)
    with ports.serving(provider), ports.serving(nodes["recipient"]):
        for _ in range(50):
            done = deliver_once(provider, stream_id, worker="r6").outcome
            if done in {DeliveryOutcome.IDLE, DeliveryOutcome.STOPPED, DeliveryOutcome.FAILED}:
                return
            if done is DeliveryOutcome.WAITING:
                provider.clock.forward(40)  # type: ignore[attr-defined]  # the test's own clock
                return


def _copy(place: Machine, database: Database) -> str:
    """Return the address of a copy."""
    if place.cluster is None:
        path = place.folder / f"backup-{place.made}.db"
        place.made += 1
        database.close()
        shutil.copy(Path(str(database.engine.url.database)), path)
        return sqlite_url(path)
    database.close()
    return place.cluster.url(place.cluster.create(database.engine.url.database))


def _restored(node: Node, backup: str) -> Node:
    node.close()
    database = Database(backup)
    outbound = type(node.outbound)(node.identity, database, node.clock)
    return dataclasses.replace(node, database=database, outbound=outbound)


def _alarms(node: Node) -> bool:
    with node.database.read() as connection:
        statement = sa.select(sa.func.count()).select_from(leaf).where(leaf.c.kind == "alarm")
        return bool(connection.execute(statement).scalar_one())


def _state(nodes: dict[str, Node], stream_id: str) -> dict[str, str]:
    states = {}
    for name, node in nodes.items():
        with node.database.read() as connection:
            found = get_stream(connection, stream_id)
        assert found is not None
        states[name] = found.state
    return states


def _trusting() -> ExitStack:
    """Return the broken variant: a recipient takes any number as the next one, a provider any answer as seen."""
    real = inbox.receive_batch

    def receive(connection: Any, receiver: Any, peer: str, events: Any, now: Any) -> Any:
        stream = lock_stream(connection, events[0].received.event.stream_id)
        assert stream is not None
        connection.execute(
            stream_table.update()
            .where(stream_table.c.id == stream.id)
            .values(next_sequence=events[0].received.event.sequence)
        )
        return real(connection, receiver, peer, events, now)

    stack = ExitStack()
    stack.enter_context(mock.patch.object(inbox, "receive_batch", receive))
    stack.enter_context(mock.patch.object(inbox, "_contradiction", lambda *_: None))
    stack.enter_context(mock.patch.object(delivery, "settle_cursor", lambda *_: None))
    return stack
