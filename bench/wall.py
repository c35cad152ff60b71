"""What the second wall costs the node's own work in PostgreSQL: `python bench/wall.py [--quick]`.

Two pairs of nodes on one server, with the shipped wall and with row-level security switched off, do the same by turns:
append port calls (simulated), choose, decide, seal, deliver and acknowledge them, take them at the partner, append to
the log, read a page of records. Figures are medians of a block's seconds and the median ratio of neighbouring blocks,
on the server's side of the wall in the worst case: the server does not wait for its disk (``fsync=off``). Then every
statement that was seen is planned on both sides: one that the wall led to another plan is listed.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests import ports, postgresql  # noqa: E402  # as above
from tests.postgresql import Cluster  # noqa: E402  # as above

from sealane.database import Database  # noqa: E402  # after the path to the tests' ports
from sealane.database.tables import metadata  # noqa: E402  # as above
from sealane.database.tables.products import record  # noqa: E402  # as above
from sealane.database.wall import WALLS  # noqa: E402  # as above
from sealane.exchange import ledger  # noqa: E402  # as above
from sealane.exchange.delivery import deliver_once  # noqa: E402  # as above
from sealane.exchange.ledger import Entry, EntryKind  # noqa: E402  # as above
from sealane.node.context import Node  # noqa: E402  # as above

ROWS, QUICK_ROWS = 100_000, 10_000
BLOCK = 1_000
ROUNDS, QUICK_ROUNDS = 40, 8


@dataclass
class Side:
    """Two nodes with a stream, and the statements their first one sent."""

    provider: Node
    recipient: Node
    stream: str
    seen: dict[str, Any] = field(default_factory=dict)


def _take_down(database: Database) -> None:
    with database.write() as connection:
        for table in WALLS:
            connection.execute(sa.text(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"))


def _side(folder: Path, cluster: Cluster, *, wall: bool) -> Side:
    clock = ports.Clock()

    def node(name: str) -> Node:
        database = Database(cluster.url(cluster.create()))
        database.create_tables()
        if not wall:
            _take_down(database)
        return ports.make_node(folder / str(wall), name, database, clock)

    provider, recipient = node("provider"), node("recipient")
    return Side(provider, recipient, ports.connect(provider, recipient))


@contextmanager
def _sides(folder: Path) -> Iterator[tuple[Side, Side]]:
    cluster = postgresql.start()
    try:
        with_wall, without = (_side(folder, cluster, wall=wall) for wall in (True, False))
        with ports.serving(with_wall.recipient), ports.serving(without.recipient):
            for side in (with_wall, without):
                with ports.serving(side.provider):
                    ports.exchange_keys(side.provider, side.recipient)
            yield with_wall, without
        for side in (with_wall, without):
            for node in (side.provider, side.recipient):
                node.outbound.close()
                node.database.close()
    finally:
        cluster.stop()


def _entries(first: int, count: int) -> list[Entry]:
    body: dict[str, Any] = {
        "stream": "5" * 64,
        "digest": "0" * 64,
        "agreement": "bench",
        "version": 1,
        "clause": "port-calls",
    }
    more = {"outcome": "trim", "reason": "fields_trimmed", "withheld": ["vessel.vesselName"]}
    return [
        Entry(
            EntryKind.EVENT_SEALED, "urn:sealane:bench:partner", f"bench.{number}", body | more | {"sequence": number}
        )
        for number in range(first, first + count)
    ]


def _append(side: Side, number: int) -> None:
    with side.provider.database.write() as connection:
        ledger.append(connection, _entries(number * BLOCK, BLOCK), side.provider.clock())


def _append_single(side: Side, number: int) -> None:
    for offset in range(20):
        with side.provider.database.write() as connection:
            ledger.append(connection, _entries(number * 20 + offset, 1), side.provider.clock())


def _deliver(side: Side, _: int) -> None:
    deliver_once(side.provider, side.stream, worker="bench")


def _read(side: Side, number: int) -> None:
    columns = record.c
    page = sa.select(columns.position, columns.body).where(
        columns.source == side.provider.identity.participant,
        columns.dataset == "port-calls",
        columns.position > number * BLOCK,
    )
    for _ in range(20):
        with side.provider.database.read() as connection:
            connection.execute(page.order_by(columns.position).limit(100)).all()


Work = Callable[[Side, int], None]


def _compare(
    sides: tuple[Side, Side], rounds: int, work: Callable[[Side, int], None], first: int = 0
) -> dict[str, Any]:
    """Let both sides do the same by turns; who begins changes with each round."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(first, first + rounds):
        for index in (0, 1) if number % 2 else (1, 0):
            begin = time.perf_counter()
            work(sides[index], number)
            seconds[index == 0].append(time.perf_counter() - begin)
    ratios = [one / other for one, other in zip(seconds[True], seconds[False], strict=True)]
    return {
        "with_ms": round(statistics.median(seconds[True]) * 1e3, 2),
        "without_ms": round(statistics.median(seconds[False]) * 1e3, 2),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_quartiles": [round(value, 3) for value in statistics.quantiles(ratios, n=4)[::2]],
    }


@contextmanager
def _listening(side: Side) -> Iterator[None]:
    """Note each different statement with the values it was sent with first."""

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.split(None, 1)[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}:
            side.seen.setdefault(statement, parameters[0] if many else parameters)

    for node in (side.provider, side.recipient):
        sa.event.listen(node.database.engine, "before_cursor_execute", note)
    yield
    for node in (side.provider, side.recipient):
        sa.event.remove(node.database.engine, "before_cursor_execute", note)


def _shape(connection: sa.Connection, statement: str, parameters: Any) -> list[str]:
    """Return the steps of a plan with their indexes, without what the wall itself asks once a statement."""
    found = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    steps: list[str] = []

    def walk(node: dict[str, Any]) -> None:
        if node.get("Parent Relationship") == "InitPlan" and node["Node Type"] == "Result":
            return
        if not (node["Node Type"] == "Result" and "One-Time Filter" in node):
            steps.append(" ".join(filter(None, (node["Node Type"], node.get("Relation Name"), node.get("Index Name")))))
        for child in node.get("Plans", []):
            walk(child)

    walk(found[0]["Plan"])
    return steps


def _analyze(sides: tuple[Side, Side]) -> None:
    """Gather what the planner goes by, as the server does by itself in the long run."""
    for side in sides:
        for node in (side.provider, side.recipient):
            with node.database.write() as connection:
                connection.execute(sa.text("ANALYZE"))


def _other_plans(with_wall: Side, without: Side) -> tuple[int, list[dict[str, Any]]]:
    """Plan every statement on both sides; return how many, and those whose plans differ."""
    names = re.compile("|".join(metadata.tables))
    statements = {text: values for text, values in with_wall.seen.items() if names.search(text)}
    differ = []
    _analyze((with_wall, without))
    for text, values in statements.items():
        plans = []
        for side in (with_wall, without):
            # The same rows on both sides: where the statement finds nothing, its plan is what counts.
            with side.provider.database.engine.connect() as connection, connection.begin() as transaction:
                plans.append(_shape(connection, text, values))
                transaction.rollback()
        if plans[0] != plans[1]:
            differ.append({"statement": " ".join(text.split())[:400], "with": plans[0], "without": plans[1]})
    return len(statements), differ


def run(quick: bool = False) -> dict[str, Any]:
    """Return the figures."""
    rows, rounds = (QUICK_ROWS, QUICK_ROUNDS) if quick else (ROWS, ROUNDS)
    found: dict[str, Any] = {"rows": rows}
    with tempfile.TemporaryDirectory() as folder, _sides(Path(folder)) as sides:
        begun = rows // BLOCK

        def feed(side: Side, number: int) -> None:
            ports.feed(side.provider, range(number * BLOCK, (number + 1) * BLOCK))

        for number in range(begun):
            for side in sides:
                feed(side, number)
                _append(side, number)
            if number % 10 == 0:
                _analyze(sides)
        _analyze(sides)
        with _listening(sides[0]):
            found[f"append {BLOCK:,} records"] = _compare(sides, rounds, feed, begun)
            found[f"append {BLOCK:,} entries to the log"] = _compare(sides, rounds, _append, begun)
            found["append 20 times one entry to the log"] = _compare(sides, rounds, _append_single)
            found["choose, seal, deliver, take and acknowledge one batch"] = _compare(sides, rounds, _deliver)
            found["read 20 pages of 100 records"] = _compare(sides, rounds, _read)
        found["statements planned"], found["other plans"] = _other_plans(*sides)
    return found


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, for a look")
    sys.stdout.write(json.dumps(run(parser.parse_args().quick), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
