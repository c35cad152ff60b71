"""Limits are counted in the database: over connections, at once, and without a name in it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable

import sqlalchemy as sa

from sealane.database import Database
from sealane.database.tables.accounts import rate_limit
from sealane.web.accounts.rate_limits import MAX_WAIT, allow, attempt, forgive, prune, take_back

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def at_once(database: Database, ask: Callable[[sa.Connection], object], threads: int = 12) -> int:
    """Return how many of many threads were allowed, each in a transaction of its own."""
    allowed = []

    def work() -> None:
        with database.write() as connection:
            if ask(connection):
                allowed.append(1)

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return len(allowed)


def test_a_window_lets_so_many_through_and_begins_anew(database: Database) -> None:
    with database.write() as connection:
        found = [allow(connection, "b", 3, MINUTE, NOW + dt.timedelta(seconds=s)) for s in (0, 10, 59, 59.5)]
        assert [bool(one) for one in found] == [True, True, True, False]
        assert found[-1].retry_after_s == 1
        assert allow(connection, "other", 3, MINUTE, NOW)
        assert allow(connection, "b", 3, MINUTE, NOW + MINUTE)


def test_many_at_once_are_no_more_than_the_limit(database: Database) -> None:
    assert at_once(database, lambda connection: allow(connection, "b", 5, MINUTE, NOW)) == 5
    assert at_once(database, lambda connection: attempt(connection, "c", 5, NOW)) == 5


def test_the_wait_doubles_up_to_its_longest_and_is_forgotten(database: Database) -> None:
    now, waits = NOW, []
    with database.write() as connection:
        for _ in range(40):
            found = attempt(connection, "b", 3, now)
            if not found:
                waits.append(found.retry_after_s)
                now += dt.timedelta(seconds=found.retry_after_s)
        assert waits[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
        assert set(waits[10:]) == {MAX_WAIT.total_seconds()}
        assert attempt(connection, "b", 3, now + dt.timedelta(days=2))
        assert attempt(connection, "b", 3, now + dt.timedelta(days=2))


def test_success_forgives_the_account_but_not_the_address(database: Database) -> None:
    with database.write() as connection:
        for _ in range(3):
            attempt(connection, "account", 3, NOW)
            attempt(connection, "address", 9, NOW)
        forgive(connection, "account")
        take_back(connection, "address", NOW)
        assert attempt(connection, "account", 3, NOW)
        tries = sorted(connection.execute(sa.select(rate_limit.c.tries)).scalars())
        assert tries == [1, 2]


def test_what_no_longer_counts_is_removed(database: Database) -> None:
    with database.write() as connection:
        allow(connection, "b", 3, MINUTE, NOW)
        assert prune(connection, NOW) == 0
        assert prune(connection, NOW + MINUTE) == 1
