"""Releases of aggregate cells: once, in order, and never against what the partner has already."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from tests.faults.a4_differencing import SCENARIOS, attacked, found_in, nothing
from tests.faults.a4_world import DELAY, OTHER_PEER, OWN, PEER, PURPOSE, START, World, terms

from sealane.agreements.clauses import Granularity, Period, Prohibition, Terms
from sealane.database import Database
from sealane.database.tables.delivery import decision, outbox, release, released_record
from sealane.exchange.ledger import EntryKind, all_entries
from sealane.exchange.release_rules import scope_of
from sealane.exchange.releases import release_all
from sealane.exchange.streams import close_streams

DAY = dt.timedelta(days=1)
BY_PORT = terms("by-port", ("port",), Period.DAY, 3)


@pytest.fixture
def connection(database: Database) -> Iterator[sa.Connection]:
    with database.write() as connection:
        yield connection


@pytest.fixture
def world(connection: sa.Connection) -> World:
    return World(connection, seed=5, carriers=12, least=3)


def cells(connection: sa.Connection) -> list[dict[str, Any]]:
    rows = connection.execute(sa.select(outbox.c.payload).order_by(outbox.c.id))
    return [json.loads(bytes(row.payload)) for row in rows]


def releases_of(connection: sa.Connection) -> list[Any]:
    return list(connection.execute(sa.select(release).order_by(release.c.period_start)).all())


def test_a_finished_period_is_released_once(world: World, connection: sa.Connection) -> None:
    world.put(40, 0, 1, START)
    key = world.open(BY_PORT)
    ripe = START + DAY + DELAY
    assert world.release(key, BY_PORT, ripe - dt.timedelta(microseconds=1)).periods == 0
    done = world.release(key, BY_PORT, ripe)
    assert (done.rows, done.periods, done.late, done.refused) == (3, 1, 0, ())
    first = cells(connection)
    assert sum(cell["count"] for cell in first) == 40
    assert first[0] == {
        "by": {"port": "JPNGO"},
        "count": first[0]["count"],
        "dataset": "port-calls",
        "demonstration": True,
        "minimum_group": 3,
        "period": {"start": "2026-03-01T00:00:00Z", "end": "2026-03-02T00:00:00Z", "unit": "day"},
        "simulated": True,
        "sums": {"teu": first[0]["sums"]["teu"]},
    }
    assert world.release(key, BY_PORT, ripe + DAY / 2).periods == 0
    assert cells(connection) == first
    rows = connection.execute(sa.select(outbox.c.record_position, outbox.c.state, outbox.c.due_at)).all()
    assert {tuple(row) for row in rows} == {(None, "waiting", ripe)}


def test_nothing_in_a_payload_names_a_contributor_or_a_total(world: World, connection: sa.Connection) -> None:
    world.put(60, 0, 2, START)
    world.release(world.open(BY_PORT), BY_PORT, START + 3 * DAY)
    for cell in cells(connection):
        text = json.dumps(cell)
        assert not any(f'"{carrier}"' in text or f'"{carrier.lower()}"' in text for carrier in world.carriers)
        assert set(cell) == {
            "by", "count", "dataset", "demonstration", "minimum_group", "period", "simulated", "sums",
        }  # fmt: skip
        assert set(cell["by"]) == {"port"}


def test_late_records_change_nothing_and_are_counted_as_late(world: World, connection: sa.Connection) -> None:
    world.put(40, 0, 1, START)
    key = world.open(BY_PORT)
    world.release(key, BY_PORT, START + DAY + DELAY)
    before = cells(connection)
    world.put(7, 0, 1, START + 1.5 * DAY)
    world.put(30, 1, 1, START)
    done = world.release(key, BY_PORT, START + 2 * DAY + DELAY)
    assert (done.periods, done.late) == (1, 7)
    assert cells(connection)[: len(before)] == before
    assert sum(cell["count"] for cell in cells(connection)[len(before) :]) == 30


def test_a_record_whose_delay_still_runs_is_not_counted(world: World, connection: sa.Connection) -> None:
    world.put(30, 0, 1, START)
    world.put(5, 0, 1, START + DAY + dt.timedelta(minutes=1))
    done = world.release(world.open(BY_PORT), BY_PORT, START + DAY + DELAY)
    assert sum(cell["count"] for cell in cells(connection)) == 30
    assert done.late == 5


def test_a_record_that_moves_is_not_counted_again(world: World, connection: sa.Connection) -> None:
    names = world.put(40, 0, 1, START)
    key = world.open(BY_PORT)
    world.release(key, BY_PORT, START + DAY + DELAY)
    world.put(30, 1, 1, START)
    for name in names[:9]:
        world.move(name, START + 1.25 * DAY, START + 1.3 * DAY)
    world.release(key, BY_PORT, START + 2 * DAY + DELAY)
    found = [sum(c["count"] for c in cells(connection) if c["period"]["start"] == day) for day in
             ("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")]  # fmt: skip
    assert found == [40, 30]


def test_a_quiet_period_is_closed_and_what_comes_late_for_it_stays_out(world: World, connection: sa.Connection) -> None:
    world.put(30, 0, 1, START)
    key = world.open(BY_PORT)
    world.release(key, BY_PORT, START + DAY + DELAY)
    assert world.release(key, BY_PORT, START + 5 * DAY).periods == 1
    assert releases_of(connection)[-1].period_end == START + 4 * DAY
    world.put(30, 2, 1, START + 4 * DAY)
    assert world.release(key, BY_PORT, START + 5 * DAY + DELAY / 2).periods == 0
    assert sum(cell["count"] for cell in cells(connection)) == 30


def test_a_period_released_under_other_terms_is_closed_without_a_release(
    world: World, connection: sa.Connection
) -> None:
    world.put(60, 0, 2, START)
    world.release(world.open(BY_PORT), BY_PORT, START + 3 * DAY)
    before = cells(connection)
    other = terms("by-terminal", ("terminal",), Period.DAY, 3)
    done = world.release(world.open(other), other, START + 3 * DAY)
    assert (done.rows, done.periods) == (0, 2)
    assert all("under other terms" in reason for reason in done.refused)
    assert cells(connection) == before
    refused = [row for row in releases_of(connection) if row.refused]
    assert len(refused) == 2


def test_filters_that_part_the_records_are_released_side_by_side(world: World, connection: sa.Connection) -> None:
    world.put(80, 0, 1, START)
    for place, terminal in enumerate(("T1", "T2")):
        chosen = terms(f"of-{place}", ("port",), Period.DAY, 3, terminals=frozenset({terminal}))
        assert world.release(world.open(chosen), chosen, START + DAY + DELAY).refused == ()
    assert sum(cell["count"] for cell in cells(connection)) == 80


def test_a_renewal_with_equal_terms_goes_on_where_the_last_version_stood(
    world: World, connection: sa.Connection
) -> None:
    world.put(60, 0, 3, START)
    world.release(world.open(BY_PORT), BY_PORT, START + 2 * DAY)
    renewed = replace(BY_PORT, version=2)
    done = world.release(world.open(renewed), renewed, START + 4 * DAY)
    assert (done.periods, done.refused) == (2, ())
    starts = [row.period_start for row in releases_of(connection)]
    assert starts == [START, START + DAY, START + 2 * DAY]


def test_partners_under_equal_terms_get_the_same_cells(world: World, connection: sa.Connection) -> None:
    world.put(60, 0, 2, START)
    world.release(world.open(BY_PORT), BY_PORT, START + 3 * DAY)
    first = cells(connection)
    world.put(9, 0, 2, START + 3 * DAY)
    done = world.release(world.open(BY_PORT, OTHER_PEER), BY_PORT, START + 5 * DAY)
    assert done.refused == ()
    assert cells(connection)[len(first) :] == first
    counted = sa.select(released_record.c.peer, sa.func.count()).group_by(released_record.c.peer)
    assert {row[0]: row[1] for row in connection.execute(counted)} == {PEER: 60, OTHER_PEER: 60}


@pytest.mark.parametrize(
    "closed",
    [
        replace(BY_PORT, prohibitions=(Prohibition("p", frozenset(), (), frozenset({PURPOSE}), "a source"),)),
        replace(BY_PORT, prohibitions=(Prohibition("p", frozenset({"port-calls"}), (), frozenset(), "a source"),)),
        replace(BY_PORT, clause=replace(BY_PORT.clause, valid_until=START + 3 * DAY)),
        replace(BY_PORT, clause=replace(BY_PORT.clause, valid_from=START + 9 * DAY)),
    ],
    ids=["purpose prohibited", "dataset prohibited", "expired", "not yet valid"],
)
def test_a_clause_that_lets_nothing_through_gives_not_even_what_others_got(
    world: World, connection: sa.Connection, closed: Terms
) -> None:
    world.put(60, 0, 2, START)
    world.release(world.open(BY_PORT), BY_PORT, START + 3 * DAY)
    before = cells(connection)
    renamed = replace(closed, agreement_id="another-agreement")
    assert scope_of(renamed) == scope_of(BY_PORT)
    assert world.release(world.open(renamed, OTHER_PEER), renamed, START + 5 * DAY).periods == 0
    assert cells(connection) == before


def record_terms() -> Terms:
    clause = replace(BY_PORT.clause, id="records", granularity=Granularity.RECORD, grouping=None)
    return replace(BY_PORT, clause=clause)


def test_no_cells_beside_a_stream_of_single_records(world: World, connection: sa.Connection) -> None:
    world.put(60, 0, 1, START)
    world.open(record_terms())
    key = world.open(BY_PORT)
    done = world.release(key, BY_PORT, START + DAY + DELAY)
    assert done.rows == 0
    assert "single records" in done.refused[0]


def test_records_that_went_singly_are_in_no_cell(world: World, connection: sa.Connection) -> None:
    names = world.put(60, 0, 1, START)
    singly = world.open(record_terms())
    sent: list[dict[str, Any]] = [
        {
            "stream_id": singly,
            "event_id": name,
            "peer": PEER,
            "dataset": "port-calls",
            "record_id": name,
            "agreement_id": "an-agreement",
            "agreement_version": 1,
            "clause_id": "records",
            "purpose": PURPOSE,
            "granularity": "record",
            "outcome": "withhold" if name == names[0] else "trim",
            "reason": "fields_trimmed",
            "withheld_fields": [],
            "decided_at": START,
        }
        for name in names[:20]
    ]
    connection.execute(sa.insert(decision), sent)
    close_streams(connection, key=singly, reason="over", now=START)
    world.release(world.open(BY_PORT), BY_PORT, START + DAY + DELAY)
    assert sum(cell["count"] for cell in cells(connection)) == 41


def test_the_log_says_what_was_released(world: World, connection: sa.Connection) -> None:
    world.put(40, 0, 1, START)
    key = world.open(BY_PORT)
    world.release(key, BY_PORT, START + DAY + DELAY)
    logged = [entry for entry in all_entries(connection) if entry.kind == EntryKind.CELLS_RELEASED]
    assert [(entry.peer, entry.body["cells_released"]) for entry in logged] == [(PEER, 3)]


def test_the_job_releases_every_open_stream_and_stops_with_the_agreement(database: Database) -> None:
    with database.write() as connection:
        world = World(connection, seed=5, carriers=12, least=3)
        world.put(90, 0, 3, START)
        key = world.open(BY_PORT)
    done = release_all(database, OWN, world.terms_in_force, lambda: START + 3 * DAY + DELAY)
    assert {stream: (found.periods, found.rows) for stream, found in done.items()} == {key: (3, 9)}
    assert release_all(database, OWN, world.terms_in_force, lambda: START + 3 * DAY + DELAY) == {}
    world.in_force.clear()
    assert release_all(database, OWN, world.terms_in_force, lambda: START + 9 * DAY) == {}


def test_a_stream_that_fails_keeps_no_other_from_its_turn(database: Database) -> None:
    with database.write() as connection:
        world = World(connection, seed=5, carriers=12, least=3)
        world.put(40, 0, 1, START)
        broken = terms("broken", ("port",), Period.DAY, 3)
        world.open(broken)
        world.open(BY_PORT, OTHER_PEER)
        negative = replace(broken, clause=replace(broken.clause, delay=-DAY))
        world.in_force["an-agreement", 1, "broken"] = negative
    with pytest.raises(ValueError, match="negative delay"):
        release_all(database, OWN, world.terms_in_force, lambda: START + DAY + DELAY)
    with database.read() as connection:
        assert sum(cell["count"] for cell in cells(connection)) == 40


def test_everything_that_shapes_a_cell_is_in_its_scope() -> None:
    grouping = BY_PORT.clause.grouping
    assert grouping is not None
    others = [
        replace(BY_PORT.clause, provider="x"),
        replace(BY_PORT.clause, fields=("port",)),
        replace(BY_PORT.clause, delay=DAY),
        replace(BY_PORT.clause, rows=replace(BY_PORT.clause.rows, ports=frozenset({"USLAX"}))),
        *(
            replace(BY_PORT.clause, grouping=replace(grouping, **change))
            for change in (
                {"by": ("terminal",)},
                {"measures": ()},
                {"period": Period.WEEK},
                {"contributor": "terminal"},
                {"minimum_group": 4},
            )
        ),
    ]
    scopes = [scope_of(replace(BY_PORT, clause=clause)) for clause in others]
    assert len({scope_of(BY_PORT), *scopes}) == len(others) + 1
    assert scope_of(replace(BY_PORT, version=2, clause=replace(BY_PORT.clause, id="y"))) == scope_of(BY_PORT)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_attacker_singles_nobody_out(connection: sa.Connection, scenario: Any) -> None:
    for seed in (3, 4):
        with attacked(connection, seed) as world:
            assert not found_in(world, scenario(world, nothing))
