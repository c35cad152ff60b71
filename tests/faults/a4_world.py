"""A partner who compares everything he was ever given: records, clauses and streams for row A4, and his algebra."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from sealane.agreements.aggregates import Cell
from sealane.agreements.clauses import Clause, Granularity, Grouping, Period, RowFilter, Terms
from sealane.database.tables.delivery import outbox, release, released_record
from sealane.database.tables.products import record as record_table
from sealane.exchange import releases
from sealane.exchange.release_rules import scope_of
from sealane.exchange.streams import Direction, get_stream, open_stream

OWN, PEER, OTHER_PEER = "urn:port:us", "urn:port:them", "urn:port:others"
DATASET, PURPOSE = "port-calls", "emission-inventory"
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DELAY = dt.timedelta(hours=6)
PORTS, TERMINALS = ("USLAX", "JPNGO", "JPYOK"), ("T1", "T2")
Vector = Mapping[str, int]


def terms(clause_id: str, by: tuple[str, ...], period: Period, least: int, version: int = 1, **rows: Any) -> Terms:
    return Terms(
        "an-agreement",
        version,
        Clause(
            id=clause_id,
            provider="us",
            recipients=("them",),
            dataset=DATASET,
            fields=("port", "terminal", "teu"),
            purposes=frozenset({PURPOSE}),
            granularity=Granularity.AGGREGATE,
            rows=RowFilter(**rows),
            delay=DELAY,
            valid_from=START - dt.timedelta(days=30),
            valid_until=None,
            grouping=Grouping(by, ("teu",), period, "carrier", least),
            demonstration=True,
        ),
    )


@dataclass
class Knowledge:
    """What a partner can compute with: each released number as the set of records it speaks of."""

    counts: list[Vector] = field(default_factory=list)
    sums: list[Vector] = field(default_factory=list)
    wrong_totals: int = 0


class World:
    """One provider's records and the releases made from them."""

    def __init__(self, connection: sa.Connection, seed: int, carriers: int, least: int) -> None:
        self.connection, self.least = connection, least
        self.draw = random.Random(seed)
        self.carriers = [f"C{number}" for number in range(carriers)]
        self.known: dict[str, dict[str, Any]] = {}
        self.position = 0
        self.in_force: dict[tuple[str, int, str], Terms] = {}
        self.membership: dict[tuple[str, str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {}

    def terms_in_force(
        self, connection: sa.Connection, agreement_id: str, version: int, clause_id: str, now: dt.datetime
    ) -> Terms | None:
        return self.in_force.get((agreement_id, version, clause_id))

    def put(self, count: int, day: int, days: int, known: dt.datetime) -> list[str]:
        """Store new records that happened within some days, known at one time."""
        made = []
        for _ in range(count):
            name = f"r{len(self.known)}"
            occurred = START + dt.timedelta(days=day + self.draw.randrange(days), minutes=self.draw.randrange(1440))
            body: dict[str, Any] = {
                "carrier": self.draw.choice(self.carriers),
                "port": self.draw.choice(PORTS),
                "terminal": self.draw.choice(TERMINALS),
            }
            if self.draw.random() < 0.8:
                body["teu"] = self.draw.randrange(1, 5000)
            self.known[name] = body
            self._insert(name, occurred, max(known, occurred), body)
            made.append(name)
        return made

    def move(self, name: str, occurred: dt.datetime, known: dt.datetime) -> None:
        """Store a newer revision that happened at another time and in another port, as a feed that corrects itself."""
        table = record_table.c
        self.connection.execute(sa.delete(record_table).where(table.source == OWN, table.id == name))
        self.known[name] = {**self.known[name], "port": self.draw.choice(PORTS)}
        self._insert(name, occurred, known, self.known[name])

    def _insert(self, name: str, occurred: dt.datetime, known: dt.datetime, body: Mapping[str, Any]) -> None:
        self.position += 1
        row = {
            "source": OWN,
            "dataset": DATASET,
            "id": name,
            "position": self.position,
            "occurred_at": occurred,
            "known_at": known,
            "received_at": known,
            "port": body["port"],
            "terminal": body["terminal"],
            "public": False,
            "simulated": True,
            "body": json.dumps(body).encode(),
            "digest": "0" * 64,
        }
        self.connection.execute(sa.insert(record_table).values(**row))

    def open(self, chosen: Terms, peer: str = PEER) -> str:
        self.in_force[chosen.agreement_id, chosen.version, chosen.clause.id] = chosen
        return open_stream(
            self.connection, own=OWN, peer=peer, direction=Direction.OUT, terms=chosen, purpose=PURPOSE, now=START
        )

    def release(self, key: str, chosen: Terms, now: dt.datetime) -> releases.Release:
        stream = get_stream(self.connection, key)
        assert stream is not None
        return releases.release_due(self.connection, stream, chosen, OWN, self.terms_in_force, now, limit=400)

    def remember(self, cell: Cell, chosen: Terms, start: dt.datetime) -> None:
        """Note which records a cell speaks of: what the attacker tries to find out."""
        grouping = chosen.clause.grouping
        assert grouping is not None
        by = json.dumps(dict(zip(grouping.by, cell.by, strict=True)), sort_keys=True)
        with_measure = tuple(name for name in cell.records if "teu" in self.known[name])
        self.membership[scope_of(chosen), f"{start:%Y-%m-%dT%H:%M:%SZ}", by] = (cell.records, with_measure)

    def forget(self) -> None:
        """Take away the node's memory of releases: the broken variant."""
        self.connection.execute(sa.delete(release))
        self.connection.execute(sa.delete(released_record))

    def seen(self, knowledge: Knowledge) -> None:
        """Add what stands in the outbox to a partner's knowledge, and empty the outbox as if it were sent."""
        for stream_id, payload in self.connection.execute(sa.select(outbox.c.stream_id, outbox.c.payload)).all():
            stream = get_stream(self.connection, stream_id)
            assert stream is not None
            cell = json.loads(bytes(payload))
            chosen = self.in_force[stream.agreement_id, stream.agreement_version, stream.clause_id]
            by = json.dumps(cell["by"], sort_keys=True)
            members, measured = self.membership[scope_of(chosen), cell["period"]["start"], by]
            knowledge.counts.append(dict.fromkeys(members, 1))
            if cell["sums"]["teu"] is not None:
                knowledge.sums.append(dict.fromkeys(measured, 1))
                knowledge.wrong_totals += cell["sums"]["teu"] != sum(self.known[name]["teu"] for name in measured)
            knowledge.wrong_totals += cell["count"] != len(members)
        self.connection.execute(sa.delete(outbox))

    def totals(self, names: Iterable[str]) -> list[Vector]:
        """Return what may be known from elsewhere: totals by period, and by period and port or terminal."""
        groups: dict[tuple[str, ...], dict[str, int]] = {}
        for name in names:
            row = self.connection.execute(
                sa.select(record_table.c.occurred_at).where(record_table.c.source == OWN, record_table.c.id == name)
            ).one()
            day, body = f"{row.occurred_at:%Y-%m-%d}", self.known[name]
            for key in ((day,), (day, "port", body["port"]), (day, "terminal", body["terminal"])):
                groups.setdefault(key, {})[name] = 1
        return list(groups.values())

    def isolated(self, vectors: list[Vector]) -> tuple[str, ...] | None:
        """Return fewer than the least group of carriers that sums and differences of the vectors speak of alone."""
        return isolated(vectors, lambda name: str(self.known[name]["carrier"]), self.least)


def isolated(vectors: list[Vector], contributor: Callable[[str], str], least: int) -> tuple[str, ...] | None:
    """Search every group of fewer than `least` contributors for a combination that vanishes outside it.

    Such a combination exists exactly where the vectors have a smaller rank once the group's columns are taken out.
    """
    columns: dict[tuple[tuple[int, int], ...], set[str]] = {}
    places: dict[str, list[tuple[int, int]]] = {}
    for index, vector in enumerate(vectors):
        for name, value in vector.items():
            places.setdefault(name, []).append((index, value))
    by_column: dict[tuple[tuple[tuple[int, int], ...], str], None] = {}
    for name, entries in places.items():
        by_column[tuple(entries), contributor(name)] = None
        columns.setdefault(tuple(entries), set()).add(contributor(name))
    whole = rank(list(columns), len(vectors))
    people = sorted({who for _, who in by_column})
    for size in range(1, least):
        for group in itertools.combinations(people, size):
            inside = set(group)
            outside = [entries for entries, who in columns.items() if who - inside]
            if len(outside) < len(columns) and rank(outside, len(vectors)) < whole:
                return group
    return None


def rank(columns: list[tuple[tuple[int, int], ...]], height: int) -> int:
    """Return the exact rank of sparse integer columns (fraction-free elimination)."""
    matrix = []
    for entries in columns:
        row = [0] * height
        for index, value in entries:
            row[index] = value
        matrix.append(row)
    found, last = 0, 1
    for column in range(height):
        pivot = next((r for r in range(found, len(matrix)) if matrix[r][column]), None)
        if pivot is None:
            continue
        matrix[found], matrix[pivot] = matrix[pivot], matrix[found]
        top = matrix[found]
        for r in range(found + 1, len(matrix)):
            factor = matrix[r][column]
            matrix[r] = [(top[column] * b - factor * a) // last for a, b in zip(top, matrix[r], strict=True)]
        last, found = top[column], found + 1
        if found == len(matrix):
            break
    return found
