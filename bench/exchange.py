"""Events a second from one node to another, with signatures, receipts and ledger on; catching up; lag.

    python bench/exchange.py [--quick] [--database sqlite|postgresql]

Two nodes run as processes on loopback, each with its own database, everything as in production (PostgreSQL with
``fsync`` on, SQLite with ``synchronous=FULL``); only the machine is shared. Port calls are simulated. Three questions:

``sustained``  events a second while a backlog is taken, between the first and the last transaction of the recipient
``drained``    the same for the backlog of an outage, with the memory of both processes before and at its peak
``lag``        from a record's acceptance at the provider to that at the recipient, at a moderate rate
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests import ports, postgresql  # noqa: E402  # as above
from tests.faults import world  # noqa: E402  # as above

from sealane.database.tables.delivery import inbox  # noqa: E402  # after the path to the tests' ports
from sealane.database.tables.products import record  # noqa: E402  # as above
from sealane.node.context import Node  # noqa: E402  # as above

TARGET_PER_S = 1_000
BACKLOG, QUICK_BACKLOG = 100_000, 5_000
LAG_S, QUICK_LAG_S = 60, 10
RATE_PER_S = 200
SETTINGS = {"SEALANE_CHECKPOINT_PERIOD_S": "300"}  # everything else as it comes


def run(quick: bool = False, databases: tuple[str, ...] = world.KINDS) -> dict[str, Any]:
    """Return the figures by database; a database that cannot be had here says *not proven*."""
    found: dict[str, Any] = {}
    for kind in databases:
        try:
            found[kind] = _measure(kind, quick)
        except world.NotProvenError as error:
            found[kind] = {"not proven": str(error)}
    return found


def _measure(kind: str, quick: bool) -> dict[str, Any]:
    count = QUICK_BACKLOG if quick else BACKLOG
    with (
        mock.patch.dict(postgresql.SETTINGS, {"fsync": "on"}),
        world.machine(kind) as place,
        world.two_processes(place, environ=SETTINGS) as (sender, receiver, open_both, _, _),
    ):
        provider, recipient = open_both()
        with provider, recipient:
            ports.feed(provider, range(count))
            receiver.start()
            sender.start()
            with _memory(sender, receiver) as memory:
                _wait_for(recipient, count)
            taken = _times(recipient)
            rate = _rate(taken)
            lags = _lag(provider, recipient, count, QUICK_LAG_S if quick else LAG_S)
    return {
        "events": count,
        "events_per_s": round(rate),
        "target_met": rate >= TARGET_PER_S,
        "memory_mb": memory,
        "lag_s": {
            "rate_per_s": RATE_PER_S,
            "p50": round(statistics.median(lags), 2),
            "p99": round(statistics.quantiles(lags, n=100)[98], 2),
        },
    }


def _wait_for(recipient: Node, count: int) -> None:
    until = time.monotonic() + 60 + count / 50
    while time.monotonic() < until:
        with recipient.database.read() as connection:
            if connection.execute(sa.select(sa.func.max(inbox.c.sequence))).scalar() == count:
                return
        time.sleep(0.5)
    raise RuntimeError(f"{count:,} events were not taken in time")


def _times(recipient: Node) -> list[float]:
    """Return when each event was taken, in order."""
    with recipient.database.read() as connection:
        found = connection.execute(sa.select(inbox.c.received_at).order_by(inbox.c.sequence)).scalars()
        return [moment.timestamp() for moment in found]


def _rate(taken: list[float]) -> float:
    # The first batch's work lies before its own time.
    counted = sum(moment > taken[0] for moment in taken)
    return counted / max(taken[-1] - taken[0], 1e-6)


def _lag(provider: Node, recipient: Node, begin: int, seconds: int) -> list[float]:
    """Feed at a steady rate and return the seconds from acceptance here to acceptance there."""
    step = RATE_PER_S // 10
    numbers = range(begin, begin + seconds * RATE_PER_S, step)
    begun = time.monotonic()
    for index, number in enumerate(numbers):
        ports.feed(provider, range(number, number + step))
        time.sleep(max(0.0, begun + (index + 1) / 10 - time.monotonic()))
    _wait_for(recipient, begin + seconds * RATE_PER_S)
    moments = []
    for node in (provider, recipient):
        with node.database.read() as connection:
            statement = sa.select(record.c.id, record.c.received_at).where(
                record.c.source == provider.identity.participant, record.c.position > begin
            )
            moments.append({row[0]: row[1] for row in connection.execute(statement)})
    return [(moments[1][key] - moments[0][key]).total_seconds() for key in moments[0].keys() & moments[1].keys()]


@contextmanager
def _memory(sender: world.NodeProcess, receiver: world.NodeProcess) -> Iterator[dict[str, Any]]:
    """Watch the resident memory of both processes, in MB."""
    found: dict[str, Any] = {}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.5):
            for name, process in (("sender", sender), ("receiver", receiver)):
                now = _rss_mb(process)
                begun = found.setdefault(name, {"samples": [], "peak": 0.0})
                begun["samples"].append(now)
                begun["peak"] = max(begun["peak"], now)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join(5)
        for entry in found.values():
            samples = entry.pop("samples")
            quarter = max(1, len(samples) // 4)
            entry["first_quarter"] = round(max(samples[:quarter]), 1)
            entry["last_quarter"] = round(max(samples[-quarter:]), 1)
            entry["peak"] = round(entry["peak"], 1)


def _rss_mb(process: world.NodeProcess) -> float:
    if process.process is None:
        return 0.0
    try:
        text = Path(f"/proc/{process.process.pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1e3 for line in text.splitlines() if line.startswith("VmRSS")), 0.0)


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, for a look")
    parser.add_argument("--database", choices=world.KINDS, help="only on this one")
    options = parser.parse_args()
    found = run(options.quick, (options.database,) if options.database else world.KINDS)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
