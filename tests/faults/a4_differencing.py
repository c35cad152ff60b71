"""Row A4: a partner compares every release he ever got and must not single out a group below the least size.

Each scenario is one way by which the same record could be counted twice: late records, records that move, another
grouping, another period, a renewal, a second partner. The partner's algebra is exact (`isolated`). A second attack adds
one total that he knows from elsewhere. The controls are the same attacks on a node without memory of its releases, on
one that holds back no complement, and on one that counts records for contributors: all of them must succeed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import sqlalchemy as sa
from tests.faults.a4_world import DELAY, OTHER_PEER, START, Knowledge, Vector, World, terms
from tests.faults.world import machine, result

from sealane.agreements.aggregates import Cell
from sealane.agreements.cell_payloads import cell_payload
from sealane.agreements.clauses import Period, Terms
from sealane.exchange import releases

FULL, SMALL = 60, 12
LEAST = 3
DAY = dt.timedelta(days=1)
Suppress = Callable[[Sequence[Cell], int], tuple[list[Cell], int]]


def _day(number: float) -> dt.datetime:
    return START + number * DAY


def late(world: World, after: Callable[[], None]) -> Knowledge:
    """A few records come after their days were released."""
    knowledge, chosen = Knowledge(), terms("by-port", ("port",), Period.DAY, LEAST)
    key = world.open(chosen)
    world.put(60, 0, 3, START)
    world.release(key, chosen, _day(3) + DELAY)
    world.seen(knowledge)
    world.put(4, 0, 3, _day(4))
    after()
    world.release(key, chosen, _day(6))
    world.seen(knowledge)
    return knowledge


def moved(world: World, after: Callable[[], None]) -> Knowledge:
    """Records are corrected to a later day once they were counted."""
    knowledge, chosen = Knowledge(), terms("by-port", ("port",), Period.DAY, LEAST)
    key = world.open(chosen)
    names = world.put(45, 0, 1, START)
    world.release(key, chosen, _day(1) + DELAY)
    world.seen(knowledge)
    for name in world.draw.sample(names, 43):
        world.move(name, _day(1.5), _day(1.6))
    after()
    world.release(key, chosen, _day(2) + DELAY)
    world.seen(knowledge)
    return knowledge


def other_grouping(world: World, after: Callable[[], None]) -> Knowledge:
    """A second clause cuts the same records by terminal, a third by both."""
    knowledge = Knowledge()
    world.put(60, 0, 2, START)
    for name, by in (("by-port", ("port",)), ("by-terminal", ("terminal",)), ("by-both", ("port", "terminal"))):
        chosen = terms(name, by, Period.DAY, LEAST)
        world.release(world.open(chosen), chosen, _day(2) + DELAY)
        world.seen(knowledge)
        after()
    return knowledge


def other_period(world: World, after: Callable[[], None]) -> Knowledge:
    """Days under one clause, the week around them under another."""
    knowledge = Knowledge()
    world.put(48, 1, 5, START)
    for name, period in (("daily", Period.DAY), ("weekly", Period.WEEK)):
        chosen = terms(name, ("port",), period, LEAST)
        world.release(world.open(chosen), chosen, _day(9))
        world.seen(knowledge)
        after()
    return knowledge


def renewal(world: World, after: Callable[[], None]) -> Knowledge:
    """The agreement is renewed with equal terms, and again with another filter, after late records came."""
    knowledge = Knowledge()
    world.put(60, 0, 3, START)
    for version, rows in ((1, {}), (2, {}), (3, {"terminals": frozenset({"T1"})})):
        chosen = terms("by-port", ("port",), Period.DAY, LEAST, version, **rows)
        world.release(world.open(chosen), chosen, _day(4 + version))
        world.seen(knowledge)
        world.put(3, 0, 3, _day(4))
        after()
    return knowledge


def second_partner(world: World, after: Callable[[], None]) -> Knowledge:
    """Two partners under equal terms put their cells together; the second began later."""
    knowledge, chosen = Knowledge(), terms("by-port", ("port",), Period.DAY, LEAST)
    world.put(60, 0, 3, START)
    world.release(world.open(chosen), chosen, _day(4))
    world.seen(knowledge)
    world.put(4, 0, 3, _day(4))
    after()
    world.release(world.open(chosen, OTHER_PEER), chosen, _day(6))
    world.seen(knowledge)
    return knowledge


SCENARIOS = (late, moved, other_grouping, other_period, renewal, second_partner)


def outside_total(world: World, _: Callable[[], None]) -> Knowledge:
    """Cells by port and terminal; totals by day, port or terminal may be known from elsewhere."""
    knowledge, chosen = Knowledge(), terms("by-both", ("port", "terminal"), Period.DAY, LEAST)
    world.put(22, 0, 2, START)
    world.release(world.open(chosen), chosen, _day(3))
    world.seen(knowledge)
    return knowledge


@contextmanager
def attacked(connection: sa.Connection, seed: int, suppress: Suppress | None = None) -> Iterator[World]:
    """Give a world in a transaction of its own that is undone afterwards, with its cells watched."""
    world = World(connection, seed, carriers=9, least=LEAST)

    def watched(cell: Cell, chosen: Terms, start: dt.datetime, end: dt.datetime) -> dict[str, Any]:
        world.remember(cell, chosen, start)
        return cell_payload(cell, chosen, start, end)

    with ExitStack() as stack:
        nested = connection.begin_nested()
        stack.callback(nested.rollback)
        stack.enter_context(mock.patch.object(releases, "cell_payload", watched))
        if suppress is not None:
            stack.enter_context(mock.patch.object(releases, "suppress", suppress))
        yield world


def primary_only(cells: Sequence[Cell], least: int) -> tuple[list[Cell], int]:
    """Broken: holds back small cells and nothing else."""
    kept = [cell for cell in cells if len(cell.contributors) >= least]
    return kept, len(cells) - len(kept)


def by_records(cells: Sequence[Cell], least: int) -> tuple[list[Cell], int]:
    """Broken: counts records where contributors are to be counted."""
    kept = [cell for cell in cells if cell.count >= least]
    return kept, len(cells) - len(kept)


def nothing() -> None:
    """The node keeps its memory."""


def found_in(world: World, knowledge: Knowledge) -> bool:
    return any(world.isolated(vectors) is not None for vectors in (knowledge.counts, knowledge.sums))


def found_with_totals(world: World, knowledge: Knowledge) -> bool:
    with_measure = {name for name, body in world.known.items() if "teu" in body}
    for vectors, names in ((knowledge.counts, set(world.known)), (knowledge.sums, with_measure)):
        for total in world.totals(names):
            if tells_of_few(world, vectors, total):
                return True
    return False


def tells_of_few(world: World, vectors: list[Vector], total: Vector) -> bool:
    # A total that itself speaks of a small group is the publisher's disclosure, not this node's.
    if len({world.known[name]["carrier"] for name in total}) < LEAST:
        return False
    near = [vector for vector in vectors if set(vector) & set(total)]
    return world.isolated([*near, total]) is not None


@dataclass
class Found:
    """What the attacks found.

    Attributes
    ----------
    outside : attacks that singled a small group out.
    wrong : sums and counts that are not those of their records.
    cells : cells released, to be attacked at all.
    controls : how often each broken node was seen through.
    """

    tried: int = 0
    outside: int = 0
    wrong: int = 0
    cells: int = 0
    controls: dict[str, int] = field(default_factory=dict)

    def attack(self, knowledge: Knowledge, singled_out: bool) -> None:
        self.tried += 1
        self.outside += singled_out
        self.wrong += knowledge.wrong_totals
        self.cells += len(knowledge.counts)


def attacks(connection: sa.Connection, seed: int, count: int) -> Found:
    """Make every attack so many times, on the node and on its broken variants."""
    found = Found()
    for trial in range(count):
        for number, scenario in enumerate(SCENARIOS):
            own_seed = seed * 1_000_003 + trial * 101 + number
            with attacked(connection, own_seed) as world:
                knowledge = scenario(world, nothing)
                found.attack(knowledge, found_in(world, knowledge))
            with attacked(connection, own_seed) as world:
                name = f"{scenario.__name__} without memory"
                found.controls[name] = found.controls.get(name, 0) + found_in(world, scenario(world, world.forget))
        with attacked(connection, seed + trial) as world:
            knowledge = outside_total(world, nothing)
            found.attack(knowledge, found_with_totals(world, knowledge))
        with attacked(connection, seed + trial, primary_only) as world:
            name = "no complement held back"
            found.controls[name] = found.controls.get(name, 0) + found_with_totals(world, outside_total(world, nothing))
        with attacked(connection, seed + trial, by_records) as world:
            name = "records counted as contributors"
            found.controls[name] = found.controls.get(name, 0) + found_in(world, outside_total(world, nothing))
    return found


def run(seed: int = 1, full: bool = False, database: str = "sqlite", trials: int | None = None) -> dict[str, Any]:
    """Run row A4; `tried` counts attacks, `outside` those that singled a small group out.

    `lost` counts sums and counts that are wrong, `cells` what was released to be attacked at all.
    """
    count = trials if trials is not None else FULL if full else SMALL
    with machine(database) as place:
        store = place.database()
        with store.write() as connection:
            found = attacks(connection, seed, count)
        store.close()
    return result(
        "A4",
        seed,
        database,
        passed=not found.outside and not found.wrong and found.cells > 0,
        control_failed=all(found.controls.values()),
        tried=found.tried,
        lost=found.wrong,
        outside=found.outside,
        cells=found.cells,
        controls=found.controls,
    )
