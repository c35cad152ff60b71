"""Row R3: a partner out of reach for an hour while records pile up.

Passes when all arrive in order afterwards, the sender's memory stays bounded and its attempts during the hour are few.
The control sends without backing off and must fail. The hour is one of a fake clock.
"""

from __future__ import annotations

import datetime as dt
import random
import resource
from pathlib import Path
from typing import Any

from tests import ports
from tests.faults.world import Machine, effects, machine, result

from sealane.exchange.delivery import DeliveryOutcome, Jitter, deliver_once
from sealane.exchange.streams import get_stream
from sealane.node.context import Node

BACKLOG, SMALL = 100_000, 3_000
HOUR_S = 3600.0
MOST_ATTEMPTS = 600  # one in six seconds; the mean wait at the cap is fifteen
MOST_GROWTH_MB = 150.0


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run the row on one kind of database."""
    with machine(database) as place:
        found = _trial(place, seed, BACKLOG if full else SMALL)
    with machine(database) as place:
        storm = _attempts_in_an_hour(*_two_nodes(place), 0, lambda _: 0.0)
    passed = (
        found["lost"] == found["doubled"] == found["disordered"] == 0
        and found["attempts"] <= MOST_ATTEMPTS
        and found["growth_mb"] <= MOST_GROWTH_MB
    )
    controls = {"no_backoff": storm > MOST_ATTEMPTS}
    return result(
        "R3", seed, database, passed=passed, control_failed=all(controls.values()), **found, controls=controls
    )


def _two_nodes(place: Machine) -> tuple[Node, Node, str]:
    clock = ports.Clock()
    provider = ports.make_node(place.folder, "provider", place.database(), clock)
    recipient = ports.make_node(place.folder, "recipient", place.database(), clock)
    return provider, recipient, ports.connect(provider, recipient)


def _trial(place: Machine, seed: int, count: int) -> dict[str, Any]:
    provider, recipient, stream_id = _two_nodes(place)
    chance = random.Random(seed)
    with provider, recipient:
        attempts = _attempts_in_an_hour(provider, recipient, stream_id, count, lambda upper: chance.uniform(0, upper))
        waiting_mb = _rss_mb()
        with ports.serving(provider), ports.serving(recipient):
            provider.clock.forward(60)  # type: ignore[attr-defined]  # the test's own clock
            peak_mb = waiting_mb
            while True:
                outcome = deliver_once(provider, stream_id, worker="r3").outcome
                peak_mb = max(peak_mb, _rss_mb())
                if outcome is DeliveryOutcome.FAILED:
                    provider.clock.forward(60)  # type: ignore[attr-defined]  # as above
                elif outcome not in {DeliveryOutcome.SENT, DeliveryOutcome.CAUGHT_UP, DeliveryOutcome.PROGRESS}:
                    break
        seen = effects(provider, recipient, _all_ids(count))
    return {
        "tried": count,
        "lost": seen.lost,
        "doubled": seen.doubled,
        "disordered": seen.disordered,
        "attempts": attempts,
        "growth_mb": round(peak_mb - waiting_mb, 1),
        "peak_mb": round(peak_mb, 1),
    }


def _attempts_in_an_hour(provider: Node, recipient: Node, stream_id: str, count: int, jitter: Jitter) -> int:
    """Feed records over an hour in which nobody listens; return how often the sender tried."""
    clock = provider.clock
    assert isinstance(clock, ports.Clock)
    end = clock.now + dt.timedelta(seconds=HOUR_S)
    fed = attempts = 0
    ports.feed(provider, range(count, count + 1))  # there is something to send from the beginning
    while clock.now < end and attempts <= 2 * MOST_ATTEMPTS:
        share = 1 - (end - clock.now).total_seconds() / HOUR_S
        due = int(count * share) + 1
        if fed < min(due, count):
            ports.feed(provider, range(fed, min(due, count)))
            fed = min(due, count)
        if deliver_once(provider, stream_id, worker="r3", jitter=jitter).outcome is DeliveryOutcome.FAILED:
            attempts += 1
        with provider.database.read() as connection:
            stream = get_stream(connection, stream_id)
        assert stream is not None
        clock.now = max(stream.next_attempt_at or clock.now, clock.now + dt.timedelta(milliseconds=50))
    if fed < count:
        ports.feed(provider, range(fed, count))
    return attempts


def _all_ids(count: int) -> set[str]:
    return {ports.event_id(number) for number in range(count + 1)}


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
