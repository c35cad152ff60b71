"""Row A3: edges of intervals at leap days, changes of daylight saving and the ends of the calendar; clocks that differ.

Decisions: every kind of interval is asked at its edges and one microsecond beside them, written in every zone, in
Python and in SQL; what is right is counted in whole microseconds. ``outside`` counts what passed and must not, ``lost``
what was withheld and must not.

Clocks: requests signed by a clock that is off are sent to a real node. Within 5 s they are taken; 5 minutes or a day
off they are refused and the operator is alarmed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa
from tests.agreements.oracle import length, microseconds
from tests.faults.a1_decisions import row
from tests.faults.a1_world import FIRST, LANDMARKS, LAST, TICK, moved, zones
from tests.faults.sent_by_hand import quiet, send, signed_request
from tests.faults.world import Machine, machine, result
from tests.live_nodes import Clock, introduce, live_node

from sealane.agreements.clauses import Clause, Decision, Granularity, Outcome, Record, RowFilter, Terms
from sealane.agreements.decisions import decide
from sealane.database.tables.identity import peer
from sealane.database.tables.products import record as record_table
from sealane.exchange import request_signatures, tokens
from sealane.exchange.decisions_sql import passes

PURPOSE = "berth-planning"
EDGES = (*LANDMARKS, dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 2, 28, tzinfo=dt.UTC))
BESIDE = (-TICK, dt.timedelta(0), TICK)
DELAY = dt.timedelta(hours=1)
SKEWS_S = {"taken": (0, 5, -5), "refused": (300, -300, 86_400, -86_400)}
Decide = Callable[[Record, Terms, dt.datetime, str, Granularity], Decision]


@dataclass
class Case:
    """One request about one record at one edge, and what is right."""

    record: Record
    terms: Terms
    now: dt.datetime
    right: bool


@dataclass
class Counts:
    tried: int = 0
    lost: int = 0
    outside: int = 0
    first: list[Any] = field(default_factory=list)

    def add(self, right: bool, got: bool, what: object) -> None:
        self.tried += 1
        if right != got:
            self.lost += right
            self.outside += got
            self.first = self.first or [what]


def clause(rows: RowFilter | None = None, delay: dt.timedelta = dt.timedelta(0), **validity: Any) -> Terms:
    span = {"valid_from": FIRST, "valid_until": None} | validity
    return Terms(
        "an-agreement",
        1,
        Clause(
            id="c",
            provider="us",
            recipients=("them",),
            dataset="port-calls",
            fields=("a",),
            purposes=frozenset({PURPOSE}),
            granularity=Granularity.RECORD,
            rows=rows or RowFilter(),
            delay=delay,
            **span,
        ),
    )


def cases() -> Iterator[Case]:
    """Give every edge in every zone, at the edge and beside it."""
    written = zones()
    for edge in EDGES:
        for beside in BESIDE:
            at = edge + beside
            late = max(at, edge) + dt.timedelta(days=800)
            for zone in written:
                for other in (written[0], written[-1]):
                    limit, time = edge.astimezone(other), at.astimezone(zone)
                    reached = microseconds(time) >= microseconds(limit)
                    old = Record("port-calls", "r", None, FIRST, body={"a": 1})
                    yield Case(old, clause(valid_from=limit), time, reached)
                    yield Case(old, clause(valid_until=limit), time, not reached)
                    about = replace(old, occurred_at=time)
                    yield Case(about, clause(RowFilter(occurred_from=limit)), late, reached)
                    yield Case(about, clause(RowFilter(occurred_until=limit)), late, not reached)
                    known = replace(old, known_at=limit)
                    later = moved(at, DELAY).astimezone(zone)
                    ripe = microseconds(later) >= microseconds(limit) + length(DELAY)
                    yield Case(known, clause(delay=DELAY), later, ripe)
    # The ends of the calendar, where adding a delay would leave it.
    for delay in (dt.timedelta(0), TICK, dt.timedelta.max):
        right = delay == dt.timedelta(0)
        yield Case(Record("port-calls", "r", None, LAST, body={"a": 1}), clause(delay=delay), LAST, right)


def in_python(counts: Counts, chosen: Decide = decide) -> None:
    for case in cases():
        found = chosen(case.record, case.terms, case.now, PURPOSE, Granularity.RECORD)
        counts.add(case.right, found.outcome is not Outcome.WITHHOLD, case)


def in_sql(counts: Counts, connection: sa.Connection, step: int) -> None:
    for case in islice(cases(), 0, None, step):
        connection.execute(sa.delete(record_table))
        connection.execute(sa.insert(record_table).values(**row(0, case.record)))
        condition = passes(case.terms, case.now, PURPOSE, Granularity.RECORD)
        got = connection.execute(sa.select(record_table.c.id).where(condition)).first() is not None
        counts.add(case.right, got, case)


def wall_clock(record: Record, terms: Terms, now: dt.datetime, purpose: str, wanted: Granularity) -> Decision:
    """Broken: compares what the clocks on the wall show."""

    def wall(time: dt.datetime | None) -> Any:
        return None if time is None else time.replace(tzinfo=dt.UTC)

    one, rows = terms.clause, terms.clause.rows
    rows = RowFilter(occurred_from=wall(rows.occurred_from), occurred_until=wall(rows.occurred_until))
    one = replace(one, rows=rows, valid_from=wall(one.valid_from), valid_until=wall(one.valid_until))
    seen = replace(record, known_at=wall(record.known_at), occurred_at=wall(record.occurred_at))
    return decide(seen, replace(terms, clause=one), wall(now), purpose, wanted)


def closed_end(record: Record, terms: Terms, now: dt.datetime, purpose: str, wanted: Granularity) -> Decision:
    """Broken: counts the end of an interval into it."""
    one, rows = terms.clause, terms.clause.rows
    if one.valid_until is not None:
        one = replace(one, valid_until=one.valid_until.astimezone(dt.UTC) + TICK)
    if rows.occurred_until is not None:
        one = replace(one, rows=replace(rows, occurred_until=rows.occurred_until.astimezone(dt.UTC) + TICK))
    return decide(record, replace(terms, clause=one), now, purpose, wanted)


@dataclass
class Clocks:
    """What a node did with requests of clocks that are off."""

    tried: int = 0
    lost: int = 0
    outside: int = 0
    alarmed: int = 0
    refused: int = 0


def clocks(place: Machine) -> Clocks:
    """Send requests whose sender's clock is off; each from a partner of its own, so that an alarm is about one."""
    found = Clocks()
    with ExitStack() as stack, quiet():
        start = Clock()
        receiver = stack.enter_context(live_node(place.folder / "receiver", place.database(), "urn:t:receiver", start))
        now = start.now
        for kind, skews in SKEWS_S.items():
            for number, skew_s in enumerate(skews):
                clock = Clock(now - dt.timedelta(days=5))
                name = f"{kind}-{number}"
                sender = stack.enter_context(live_node(place.folder / name, place.database(), f"urn:t:{name}", clock))
                introduce(receiver, sender)
                clock.now = now + dt.timedelta(seconds=skew_s)
                raw = signed_request(sender, receiver, b"{}")
                clock.now = now  # what its machine serves meanwhile is not what is tried here
                taken = send(raw, receiver) == 200
                found.tried += 1
                if kind == "taken":
                    found.lost += not taken
                    continue
                found.outside += taken
                found.refused += not taken
                with receiver.node.database.read() as connection:
                    alarm = connection.execute(sa.select(peer.c.alarm).where(peer.c.participant == sender.participant))
                    found.alarmed += bool(alarm.scalar_one())
    return found


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run row A3; there is no chance in it. In small, SQL is asked about every seventh case."""
    with machine(database) as place:
        python, sql = Counts(), Counts()
        in_python(python)
        store = place.database()
        with store.write() as connection:
            in_sql(sql, connection, 1 if full else 7)
        store.close()
        real = clocks(place)
        caught = {}
        for variant in (wall_clock, closed_end):
            broken = Counts()
            in_python(broken, variant)
            caught[variant.__name__] = bool(broken.outside or broken.lost)
    with (
        machine(database) as place,
        patch.object(request_signatures, "SKEW_S", 10**6),
        patch.object(tokens, "SKEW_S", 10**6),
    ):
        caught["no_limit_on_clocks"] = clocks(place).outside > 0
    lost = python.lost + sql.lost + real.lost
    outside = python.outside + sql.outside + real.outside
    return result(
        "A3",
        seed,
        database,
        passed=not lost and not outside and real.refused == real.alarmed == len(SKEWS_S["refused"]),
        control_failed=all(caught.values()),
        tried=python.tried + sql.tried + real.tried,
        lost=lost,
        outside=outside,
        controls=caught,
        refused_clocks=real.refused,
        alarms=real.alarmed,
        first=str((python.first or sql.first or [""])[0])[:2000],
    )
