"""Row R1: killed senders, receivers and databases, connections reset, answers lost.

Passes when nothing is lost, nothing takes effect twice, the order is kept and all is there within a minute after the
faults stop. Two broken variants must fail it: a receiver that answers before it commits, and one that does not ask
what it has seen.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from tests import ports
from tests.faults.chaos_proxy import Faults, Proxy, chaos_proxy
from tests.faults.world import NodeProcess, close_node, effects, machine, result, two_processes, wait_until

from sealane.database.tables.products import record
from sealane.errors import StoreError
from sealane.node.context import Node

MESSAGES, SMALL = 10_000, 1_000
DRAIN_S = 60.0
KILLS, SMALL_KILLS = 12, 3  # of each
_CHUNK, _PAUSE_S = 25, 1.0  # small batches, so that there are many requests to disturb


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run the row on one kind of database; see ``docs/reference/guarantees.md``."""
    count, kills = (MESSAGES, KILLS) if full else (SMALL, SMALL_KILLS)
    with machine(database) as place:
        found = _trial(place, seed, count, kills, "", DRAIN_S)
    with machine(database) as place:
        lossy = _trial(place, seed + 1, 200, 0, "answer_before_commit", 20.0)
    with machine(database) as place:
        doubling = _trial(place, seed + 2, 200, 0, "no_dedupe", 10.0)
    controls = {"answer_before_commit": lossy["lost"] > 0, "no_dedupe": doubling["doubled"] > 0}
    passed = (
        found["lost"] == found["doubled"] == found["disordered"] == 0
        and found["drained_s"] is not None
        and min(found["kills"].values()) >= kills
    )
    return result(
        "R1", seed, database, passed=passed, control_failed=all(controls.values()), **found, controls=controls
    )


def _trial(place: Any, seed: int, count: int, kills: int, broken: str, drain_s: float) -> dict[str, Any]:
    chance = random.Random(seed)
    public = ports.free_port()
    faults = Faults(reset=0.2, lose_answer=0.1, half_close=0.03, duplicate=0.05, delay=0.1)
    if broken:  # one certain fault shows the variant; more would only hide it
        faults = Faults(lose_events=3 if broken == "no_dedupe" else 0)
    with (
        two_processes(place, broken_recipient=broken, recipient_port=public) as (sender, receiver, open_both, _, inner),
        chaos_proxy(public, inner, seed, faults) as proxy,
    ):
        sender.start()
        receiver.start()
        nodes = open_both()
        database_kills = _disturb(place, sender, receiver, nodes[0], chance, count, kills)
        if broken:
            _wait_for_faults(broken, proxy, sender, receiver)
        faults.stop()
        sender.ensure()
        receiver.ensure()
        expected = _own_ids(nodes[0])
        drained_s = wait_until(lambda: _seems_done(nodes, len(expected), (sender, receiver)), drain_s)
        time.sleep(0.5)  # whatever would still take effect twice
        seen = effects(*nodes, expected)
        for node in nodes:
            close_node(node)
        counts = {"sender": sender.kills, "receiver": receiver.kills}
        if place.cluster is not None:
            counts["database"] = database_kills
        return {
            "tried": len(expected),
            "lost": seen.lost,
            "doubled": seen.doubled,
            "disordered": seen.disordered,
            "drained_s": None if drained_s is None else round(drained_s, 1),
            "kills": counts,
            "faults": dict(proxy.done),
        }


def _disturb(
    place: Any,
    sender: NodeProcess,
    receiver: NodeProcess,
    provider: Node,
    chance: random.Random,
    count: int,
    kills: int,
) -> int:
    """Feed records while processes are killed; returns how often the database was."""
    fed = threading.Event()
    errors: list[BaseException] = []

    def feed() -> None:
        try:
            for begin in range(0, count, _CHUNK):
                numbers = range(begin, min(count, begin + _CHUNK))
                _insist(lambda numbers=numbers: ports.feed(provider, numbers))  # type: ignore[misc]  # bound at once
                time.sleep(chance.uniform(0, _PAUSE_S))
        except BaseException as error:
            errors.append(error)
        finally:
            fed.set()

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    database_kills = 0
    targets: list[Callable[[], None]] = [sender.kill, receiver.kill]
    while (
        not fed.is_set()
        or min(sender.kills, receiver.kills) < kills
        or (place.cluster is not None and database_kills < kills)
    ):
        if kills == 0:
            fed.wait(60)
            break
        # A process needs some seconds to begin to serve; killing it before would show little.
        time.sleep(chance.uniform(3.0, 8.0))
        if place.cluster is not None and chance.random() < 0.4:
            database_kills += place.kill_database()
        else:
            chance.choice(targets)()
        sender.ensure()
        receiver.ensure()
        if database_kills > 20 * (kills + 1):
            break
    thread.join(60)
    if errors:
        raise errors[0]
    return database_kills


def _wait_for_faults(broken: str, proxy: Proxy, sender: NodeProcess, receiver: NodeProcess) -> None:
    """Let happen what the broken variant does not survive."""

    def happened() -> bool:
        for process in (sender, receiver):
            process.ensure()
        if broken == "no_dedupe":
            return proxy.done["lose_answer"] >= 2
        return (receiver.folder / "deaths").exists()

    wait_until(happened, 90)


def _insist(action: Callable[[], None]) -> None:
    """Repeat while the database is away: what a feed that got no answer does."""
    until = time.monotonic() + 120
    while True:
        try:
            action()
        except (StoreError, sa.exc.DBAPIError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return


def _own_ids(node: Node) -> set[str]:
    found: list[set[str]] = []

    def read() -> None:
        with node.database.read() as connection:
            statement = sa.select(record.c.id).where(record.c.source == node.identity.participant)
            found.append(set(connection.execute(statement).scalars()))

    _insist(read)
    return found[0]


def _seems_done(nodes: tuple[Node, Node], count: int, processes: tuple[NodeProcess, NodeProcess]) -> bool:
    for process in processes:
        process.ensure()
    source = nodes[0].identity.participant
    try:
        with nodes[1].database.read() as connection:
            statement = sa.select(sa.func.count()).select_from(record).where(record.c.source == source)
            if connection.execute(statement).scalar_one() < count:
                return False
        with nodes[0].database.read() as connection:
            from sealane.exchange.stream_status import stream_status

            return all(status.due == 0 for status in stream_status(connection, nodes[0].clock()))
    except (StoreError, sa.exc.DBAPIError):
        return False
