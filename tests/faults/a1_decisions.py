"""Row A1: generated records, clauses, times, purposes and granularities against an independent oracle.

Every case is answered by the oracle, by ``decide`` in Python and, where a database is given, by the same rules in SQL.
``outside`` counts rows and fields let through that the oracle withholds, ``lost`` those withheld that it lets through,
``differ`` answers that agree on the data and not on the reason, the fields named or the time due.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from tests.agreements.oracle import END, Answer, answer, leaves, length, microseconds
from tests.faults.a1_world import PORTS, TICK, Maker, Request, World
from tests.faults.world import machine, result

from sealane.agreements.clauses import Decision, Granularity, Prohibition, Record, RowFilter, Terms
from sealane.agreements.decisions import decide
from sealane.database.tables.products import record as record_table
from sealane.exchange.decisions_sql import due_at, may_pass_later, passes, reason_case

FULL, SMALL = 1_000_000, 40_000
RECORDS, REQUESTS = 50, 60
PASSING = {"no_field_left", "fields_trimmed", "all_agreed"}
OF_TIME = {"clause_not_yet_valid", "clause_expired", "granularity_too_fine", "delay_running"}
Decide = Callable[[Record, Terms, dt.datetime, str, Granularity], Decision]


@dataclass
class Tally:
    """What was tried and what went wrong."""

    tried: int = 0
    lost: int = 0
    outside: int = 0
    differ: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    first: str = ""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.outside or self.differ)

    def note(self, kind: str, what: object) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.first = self.first or f"{kind}: {what}"


def compare(tally: Tally, expected: Answer, got: Decision, what: object) -> None:
    """Count one case of Python's decision."""
    tally.tried += 1
    tally.reasons[expected.reason] = tally.reasons.get(expected.reason, 0) + 1
    may, does = expected.outcome != "withhold", got.outcome != "withhold"
    if may != does:
        tally.note("outside" if does else "lost", what)
        return
    if expected.body != got.body:
        wanted = {repr(leaf) for leaf in leaves(expected.body)} if expected.body is not None else set()
        given = {repr(leaf) for leaf in leaves(got.body)} if got.body is not None else set()
        if given - wanted or (got.body is not None and expected.body is None):
            tally.note("outside", (what, expected.body, got.body))
        else:
            tally.note("lost", (what, expected.body, got.body))
        return
    due = None if got.due_at is None else microseconds(got.due_at)
    if (expected.outcome, expected.reason, expected.withheld, expected.due_us) != (
        got.outcome.value,
        got.reason.value,
        got.withheld_fields,
        due,
    ):
        tally.note("differ", (what, expected, got))


def python_cases(world: World, tally: Tally, chosen: Decide) -> None:
    for terms, now, purpose, granularity in world.requests:
        for record in world.records:
            expected = answer(record, terms, now, purpose, granularity.value)
            got = chosen(record, terms, now, purpose, granularity)
            compare(tally, expected, got, (record, terms, now, purpose, granularity))


def sql_cases(
    world: World,
    tally: Tally,
    connection: sa.Connection,
    asked: Callable[[Request], Request] = lambda request: request,
    table: sa.FromClause = record_table,
) -> None:
    """Put each request to all records at once; reason, filter, due time and lasting rules must agree."""
    connection.execute(sa.delete(record_table))
    connection.execute(sa.insert(record_table), [row(number, r) for number, r in enumerate(world.records)])
    for request in world.requests:
        terms, now, purpose, granularity = asked(request)
        statement = sa.select(
            table.c.id,
            reason_case(terms, now, purpose, granularity, table),
            passes(terms, now, purpose, granularity, table),
            due_at(terms, table),
            may_pass_later(terms, purpose, table),
        )
        found = {line[0]: line[1:] for line in connection.execute(statement)}
        for record in world.records:
            expected = answer(record, request[0], request[1], request[2], request[3].value)
            reason, passing, due, later = found[record.id]
            tally.tried += 1
            may = expected.reason in PASSING
            if may != (reason == "all_agreed") or may != bool(passing):
                tally.note("lost" if may else "outside", (record, request, reason, passing))
                continue
            known, start = microseconds(record.known_at), microseconds(request[0].clause.valid_from)
            wanted = max(start, min(known + length(request[0].clause.delay), END))
            at_any_time = may or (expected.reason in OF_TIME and lasting(record, request))
            if (not may and reason != expected.reason) or microseconds(due) != wanted or bool(later) != at_any_time:
                tally.note("differ", (record, request, expected, reason, due, later))


def lasting(record: Record, request: Request) -> bool:
    """Say whether the record would pass at some time, by asking the oracle for a clause without times."""
    terms, now, purpose, _ = request
    clause = replace(terms.clause, delay=dt.timedelta(0), valid_from=now, valid_until=None)
    later = max(now, record.known_at, key=microseconds)
    return answer(record, replace(terms, clause=clause), later, purpose, "aggregate").reason in PASSING


def row(number: int, record: Record) -> dict[str, Any]:
    return {
        "source": "us",
        "dataset": record.dataset,
        "id": record.id,
        "position": number + 1,
        "occurred_at": record.occurred_at,
        "known_at": record.known_at,
        "received_at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "port": record.port,
        "terminal": record.terminal,
        "vessel_imo": record.vessel_imo,
        "public": False,
        "simulated": True,
        "body": b"{}",
        "digest": "0" * 64,
    }


def with_clause(terms: Terms, **changes: Any) -> Terms:
    return replace(terms, clause=replace(terms.clause, **changes))


def _later_end(terms: Terms) -> Terms:
    until = terms.clause.valid_until
    return terms if until is None else with_clause(terms, valid_until=_shift(until, TICK))


def _shift(time: dt.datetime, by: dt.timedelta) -> dt.datetime:
    try:
        return time.astimezone(dt.UTC) + by
    except OverflowError:
        return time


def _time_filter_closed(terms: Terms) -> Terms:
    rows = terms.clause.rows
    if rows.occurred_until is None:
        return terms
    return with_clause(terms, rows=replace(rows, occurred_until=_shift(rows.occurred_until, TICK)))


def _fields_by_first_letters(terms: Terms) -> Terms:
    return with_clause(terms, fields=tuple(name.split(".")[0].split("[")[0] for name in terms.clause.fields))


def _no_prohibited_fields(terms: Terms) -> Terms:
    return replace(terms, prohibitions=tuple(replace(p, fields=()) for p in terms.prohibitions))


# Broken terms: what a decision would be that forgot one rule. Each must be found out.
BROKEN_TERMS: dict[str, Callable[[Terms], Terms]] = {
    "validity closed at its end": _later_end,
    "validity open at its start": lambda t: with_clause(t, valid_from=_shift(t.clause.valid_from, TICK)),
    "no validity end": lambda t: with_clause(t, valid_until=None),
    "prohibitions ignored": lambda t: replace(t, prohibitions=()),
    "delay ignored": lambda t: with_clause(t, delay=dt.timedelta(0)),
    "delay a microsecond long": lambda t: with_clause(t, delay=min(t.clause.delay, dt.timedelta.max - TICK) + TICK),
    "time filter closed at its end": _time_filter_closed,
    "ports ignored": lambda t: with_clause(t, rows=replace(t.clause.rows, ports=frozenset())),
    "terminals ignored": lambda t: with_clause(t, rows=replace(t.clause.rows, terminals=frozenset())),
    "vessels ignored": lambda t: with_clause(t, rows=replace(t.clause.rows, vessels=frozenset())),
    "granularity ignored": lambda t: with_clause(t, granularity=Granularity.RECORD),
}
BROKEN_FIELDS: dict[str, Callable[[Terms], Terms]] = {
    "fields by their first key": _fields_by_first_letters,
    "list marks dropped": lambda t: with_clause(t, fields=tuple(n.replace("[]", "") for n in t.clause.fields)),
    "prohibited fields ignored": _no_prohibited_fields,
}


def _missing_passes(record: Record, terms: Terms, now: dt.datetime, purpose: str, wanted: Granularity) -> Decision:
    rows = terms.clause.rows
    if record.port is None:
        rows = replace(rows, ports=frozenset())
    if record.occurred_at is None:
        rows = replace(rows, occurred_from=None, occurred_until=None)
    return decide(record, with_clause(terms, rows=rows), now, purpose, wanted)


def _clock_on_the_wall(record: Record, terms: Terms, now: dt.datetime, purpose: str, wanted: Granularity) -> Decision:
    def wall(time: Any) -> Any:
        return None if time is None else time.replace(tzinfo=dt.UTC)

    rows: RowFilter = terms.clause.rows
    rows = replace(rows, occurred_from=wall(rows.occurred_from), occurred_until=wall(rows.occurred_until))
    clause = {"valid_from": wall(terms.clause.valid_from), "valid_until": wall(terms.clause.valid_until)}
    seen = replace(record, known_at=wall(record.known_at), occurred_at=wall(record.occurred_at))
    return decide(seen, with_clause(terms, rows=rows, **clause), wall(now), purpose, wanted)


def _whole_body(record: Record, terms: Terms, now: dt.datetime, purpose: str, wanted: Granularity) -> Decision:
    found = decide(record, terms, now, purpose, wanted)
    return found if found.body is None else replace(found, body=record.body)


def _purpose_prohibition_ignored(terms: Terms) -> Terms:
    prohibitions: tuple[Prohibition, ...] = terms.prohibitions
    return replace(terms, prohibitions=tuple(replace(p, purposes=frozenset()) for p in prohibitions))


BROKEN_DECIDE: dict[str, Decide] = {
    "missing values pass": _missing_passes,
    "clock on the wall": _clock_on_the_wall,
    "body not trimmed": _whole_body,
}


def check(
    seed: int, cases: int, chosen: Decide = decide, connection: sa.Connection | None = None
) -> tuple[Tally, Tally]:
    """Run cases through Python and, with a connection, through SQL; return both tallies."""
    of_python, of_sql = Tally(), Tally()
    for world in Maker(seed).worlds(RECORDS, REQUESTS):
        python_cases(world, of_python, chosen)
        if connection is not None:
            sql_cases(world, of_sql, connection)
        if of_python.tried >= cases:
            return of_python, of_sql
    raise AssertionError("worlds never end")


def controls(
    seed: int, connection: sa.Connection | None = None, worlds: int = 12, of_python: bool = True
) -> dict[str, bool]:
    """Return for each broken variant whether it was found out."""
    made = [world for _, world in zip(range(worlds), Maker(seed).worlds(RECORDS, REQUESTS), strict=False)]
    broken = {**BROKEN_TERMS, **BROKEN_FIELDS, "purpose prohibition ignored": _purpose_prohibition_ignored}
    variants = {**BROKEN_DECIDE, **{name: _with_terms(change) for name, change in broken.items()}}
    found = {}
    if of_python:
        found = {f"python: {name}": _is_caught(made, _python_with(variant)) for name, variant in variants.items()}
    if connection is not None:
        sql = {name: _is_caught(made, _sql_with(change, connection)) for name, change in BROKEN_TERMS.items()}
        found |= {f"sql: {name}": caught for name, caught in sql.items()}
        blind = sa.select(
            *(sa.func.coalesce(c, PORTS[0]).label("port") if c.name == "port" else c for c in record_table.c)
        ).subquery()
        found["sql: missing values pass"] = _is_caught(made, lambda w, t: sql_cases(w, t, connection, table=blind))
    return found


def _with_terms(change: Callable[[Terms], Terms]) -> Decide:
    # Changed once per terms, as compiled terms are kept with their object; terms are held so that no id comes twice.
    known: dict[int, tuple[Terms, Terms]] = {}

    def broken(record: Record, terms: Terms, now: dt.datetime, purpose: str, wanted: Granularity) -> Decision:
        if id(terms) not in known:
            known[id(terms)] = (terms, change(terms))
        return decide(record, known[id(terms)][1], now, purpose, wanted)

    return broken


def _python_with(variant: Decide) -> Callable[[World, Tally], None]:
    return lambda world, tally: python_cases(world, tally, variant)


def _sql_with(change: Callable[[Terms], Terms], connection: sa.Connection) -> Callable[[World, Tally], None]:
    def asked(request: Request) -> Request:
        return (change(request[0]), *request[1:])

    return lambda world, tally: sql_cases(world, tally, connection, asked)


def _is_caught(worlds: list[World], put: Callable[[World, Tally], None]) -> bool:
    for world in worlds:
        tally = Tally()
        put(world, tally)
        if tally.lost or tally.outside:
            return True
    return False


def run(seed: int = 1, full: bool = False, database: str = "sqlite", cases: int | None = None) -> dict[str, Any]:
    """Run row A1 on one database.

    Returns
    -------
    dict
        Keys of every row (row, seed, tried, lost, doubled, outside, control_failed, verdict) and `database`,
        `differ`, `reasons` (cases by the reason that decided) and `controls`.
    """
    count = cases if cases is not None else FULL if full else SMALL
    with machine(database) as place:
        store = place.database()
        with store.write() as connection:
            of_python, of_sql = check(seed, count, connection=connection)
            caught = controls(seed + 1, connection)
        store.close()
    both = (of_python, of_sql)
    return result(
        "A1",
        seed,
        database,
        passed=all(tally.clean for tally in both),
        control_failed=all(caught.values()),
        tried=sum(tally.tried for tally in both),
        tried_python=of_python.tried,
        tried_sql=of_sql.tried,
        lost=sum(tally.lost for tally in both),
        outside=sum(tally.outside for tally in both),
        differ=sum(tally.differ for tally in both),
        first=next((tally.first[:2000] for tally in both if tally.first), ""),
        reasons=of_python.reasons,
        controls=caught,
    )
