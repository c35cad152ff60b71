"""Rows of long work: one runner each, taken up again after a death, given up after three, ended by nobody else."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.live_nodes import START

from sealane.database import Database
from sealane.errors import RequestRefusedError, unpacked
from sealane.web.tasks import store
from sealane.web.tasks.kinds import enqueue_checked, kinds
from sealane.web.tasks.store import State

KINDS = ["inventory"]


def put(database: Database, key: str | None = None) -> str:
    with database.write() as connection:
        return store.enqueue_as(connection, "ann", "inventory", {}, START, key=key)


def claim(database: Database, runner: str = "p1:work", now: dt.datetime = START) -> store.Task | None:
    with database.write() as connection:
        return store.claim(connection, KINDS, runner, now)


def look(database: Database, task_id: str) -> store.Task:
    with database.read() as connection:
        return store.task_of(connection, task_id)


def test_each_task_is_claimed_once_in_order(database: Database) -> None:
    first = put(database)
    second = put(database)
    found = {task.id for task in (claim(database), claim(database)) if task}
    assert found == {first, second}
    assert claim(database) is None


def test_only_its_runner_tells_of_a_task_and_ends_it(database: Database) -> None:
    task_id = put(database)
    claim(database)
    with database.write() as connection:
        assert store.tell(connection, task_id, "p2:work", START, ("reading", 1, 2)) is None
        assert not store.end(connection, task_id, "p2:work", State.DONE, START)
        assert store.tell(connection, task_id, "p1:work", START, ("reading", 1, 2)) is True
    before = look(database, task_id)
    assert (before.stage, before.done, before.total) == ("reading", 1, 2)
    with database.write() as connection:
        assert store.end(connection, task_id, "p1:work", State.DONE, START)
        assert not store.end(connection, task_id, "p1:work", State.FAILED, START)
    after = look(database, task_id)
    assert (after.state, after.changes > before.changes) == (State.DONE, True)


@pytest.mark.parametrize("alone", [True, False])
def test_a_dead_runners_task_waits_again_and_is_given_up_at_last(database: Database, alone: bool) -> None:
    task_id = put(database)
    now = START
    for attempt in range(1, store.MAX_ATTEMPTS + 1):
        assert claim(database, f"dead{attempt}:work", now) is not None
        with database.write() as connection:
            if not alone:  # it may still live elsewhere
                assert store.abandoned(connection, KINDS, now, process="new", alone=False) == []
            now += store.DEAD_AFTER * 2
            (found,) = store.abandoned(connection, KINDS, now, process="new", alone=alone)
            store.again_or_failed(connection, found, now)
    ended = look(database, task_id)
    assert ended.state is State.FAILED
    assert ended.error is not None
    assert "3 times" in unpacked(ended.error["title"])


def test_a_stop_of_the_node_is_no_attempt(database: Database) -> None:
    task_id = put(database)
    for _ in range(5):
        claim(database)
        with database.write() as connection:
            store.put_back(connection, task_id, "p1:work", START)
    assert (look(database, task_id).state, look(database, task_id).attempts) == (State.WAITING, 0)


def test_cancelling(database: Database) -> None:
    waiting, running = put(database), put(database)
    with database.write() as connection:
        assert store.ask_to_cancel(connection, waiting, START).state is State.CANCELLED
    claim(database)
    with database.write() as connection:
        assert store.ask_to_cancel(connection, running, START).state is State.RUNNING
        assert store.tell(connection, running, "p1:work", START, None) is False
        with pytest.raises(RequestRefusedError):
            store.ask_to_cancel(connection, waiting, START)


def test_the_same_key_gives_the_same_task(database: Database) -> None:
    assert put(database, "key") == put(database, "key") != put(database, "other")


def test_too_many_are_refused(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_WAITING", 2)
    put(database)
    put(database)
    with pytest.raises(RequestRefusedError) as refused:
        put(database)
    assert refused.value.status == 429


@pytest.mark.parametrize(
    ("kind", "arguments", "found"),
    [
        ("inventory", {}, "give imports and port, or result_id"),
        ("inventory", {"imports": ["../../etc"], "port": "USLAX"}, "imports.0"),
        ("inventory", {"imports": ["0" * 36], "port": "USLAX"}, "is no applied import of positions"),
        ("inventory", {"result_id": "0" * 36}, "there is no result"),
        ("lane", {"corridor": "../secret"}, "corridor"),
        ("arrival", {"port": "USLAX", "calls": ["1" * 36]}, "is no applied import of calls"),
        ("scenario", {}, "give scenario, or text"),
        ("plan", {"scenario": "la-lb-shanghai", "out": "/tmp/x"}, "out"),
        ("import-apply", {}, "There is no task"),
    ],
)
def test_arguments_are_checked_before_anything_waits(
    database: Database, kind: str, arguments: dict[str, object], found: str
) -> None:
    with database.write() as connection, pytest.raises(RequestRefusedError) as refused:
        enqueue_checked(connection, "ann", kind, arguments, START)
    assert found in str(refused.value)


def test_every_kind_has_a_lane_and_one_way_to_be_done() -> None:
    for name, kind in kinds().items():
        assert kind.lane in {"checks", "work"}, name
        assert (kind.begin is None) != (kind.direct is None), name
