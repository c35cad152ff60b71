"""Jobs run on, whatever one of them does; on PostgreSQL in one process only, and another takes over."""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.nodes import make_node

from sealane.errors import StoreError
from sealane.node import Node, open_node
from sealane.node import jobs as jobs_module
from sealane.node.jobs import LEADER_LOCK, TABLE, Job, Jobs, jobs_of, stopping
from sealane.node.metrics import Metrics
from sealane.node.settings import NodeSettings
from sealane.web.app import WORK


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "LEADER_CHECK_S", 0.05)


@pytest.fixture
def node(tmp_path: Path, database_url: str, database_kind: str) -> Iterator[Node]:
    with make_node(tmp_path / "node", "" if database_kind == "sqlite" else database_url) as node:
        yield node


def test_every_job_runs_and_has_its_period(node: Node) -> None:
    jobs = jobs_of(node)
    assert [job.name for job in jobs] == [name for name, _, _ in TABLE]
    assert len({job.name for job in jobs}) == len(jobs)
    metrics = Metrics(node)
    runner = Jobs(node, jobs, metrics)
    for job in jobs:
        assert job.period_s == getattr(node.settings, next(setting for name, setting, _ in TABLE if name == job.name))
        assert runner.run_once(job), job.name  # on a node that has nothing to do


def test_every_period_in_the_settings_belongs_to_a_job() -> None:
    of_pages = [importlib.import_module(f"sealane.web.{name}").JOBS for name in WORK]
    used = {setting for _, setting, _ in (*TABLE, *(row for rows in of_pages for row in rows))}
    assert used == {name for name in NodeSettings.model_fields if "period" in name}


def test_a_failing_job_is_counted_and_runs_again_and_others_go_on(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    counts = {"good": 0, "bad": 0, "worse": 0}

    def good(_: Node) -> None:
        counts["good"] += 1

    def bad(_: Node) -> None:
        counts["bad"] += 1
        raise StoreError("the disk is full")

    def worse(_: Node) -> None:
        counts["worse"] += 1
        raise ZeroDivisionError

    metrics = Metrics(node)
    jobs = Jobs(node, [Job("good", 0.01, good), Job("bad", 0.01, bad), Job("worse", 0.01, worse)], metrics)
    jobs.start()
    wait_for(lambda: min(counts.values()) >= 3)
    assert jobs.stop(10)
    text = metrics.render().decode()
    assert 'sealane_job_runs_total{job="good",outcome="ok"}' in text
    assert 'sealane_job_runs_total{job="bad",outcome="failed"}' in text
    assert 'job="good",outcome="failed"' not in text
    by_job = {vars(record).get("job"): record for record in caplog.records if record.message.startswith("job failed")}
    assert by_job["bad"].exc_info is None  # said in a sentence
    assert by_job["worse"].exc_info is not None  # a fault of the program: with its traceback
    stopped = dict(counts)
    time.sleep(0.1)
    assert counts == stopped


def test_a_stop_waits_for_what_has_begun_but_not_for_ever(node: Node) -> None:
    begun, release, done = threading.Event(), threading.Event(), threading.Event()

    def slow(_: Node) -> None:
        begun.set()
        release.wait(30)
        done.set()

    jobs = Jobs(node, [Job("slow", 1, slow)], Metrics(node))
    jobs.start()
    assert begun.wait(30)
    assert not jobs.stop(0.1)
    release.set()
    assert jobs.stop(30)
    assert done.is_set()


def test_a_long_job_sees_that_the_process_stops(node: Node) -> None:
    begun = threading.Event()
    seen: list[bool] = []

    def long(_: Node) -> None:
        begun.set()
        seen.append(stopping().wait(30))

    jobs = Jobs(node, [Job("long", 1, long)], Metrics(node))
    jobs.start()
    assert begun.wait(30)
    assert jobs.stop(20)
    assert seen == [True]
    assert not stopping().is_set()  # outside a job nobody ever sets it


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_one_process_leads_and_another_takes_over(node: Node, database_url: str) -> None:
    ran: list[str] = []
    nodes = {name: open_node(node.folder, environ={"SEALANE_DATABASE_URL": database_url}) for name in ("a", "b")}
    try:
        jobs = {}
        for name, one in nodes.items():
            jobs[name] = Jobs(one, [Job("note", 0.01, lambda _, name=name: ran.append(name))], Metrics(one))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        jobs["a"].start()
        wait_for(lambda: "a" in ran)
        jobs["b"].start()
        time.sleep(0.3)
        assert set(ran) == {"a"}
        assert jobs["a"].stop(10)
        wait_for(lambda: "b" in ran)
        assert jobs["b"].stop(10)
    finally:
        for one in nodes.values():
            one.close()


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_who_loses_its_connection_stops_and_comes_back(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ran: list[int] = []
    jobs = Jobs(node, [Job("note", 0.01, lambda _: ran.append(1))], Metrics(node))
    jobs.start()
    wait_for(lambda: ran)
    with node.database.engine.connect() as connection:
        cut = connection.execute(
            sa.text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = :lock"),
            {"lock": LEADER_LOCK},
        ).scalar()
    assert cut is True
    wait_for(lambda: "no longer leads" in caplog.text)
    wait_for(lambda: caplog.text.count("this process does the jobs") == 2)
    before = len(ran)
    wait_for(lambda: len(ran) > before)
    assert jobs.stop(10)
