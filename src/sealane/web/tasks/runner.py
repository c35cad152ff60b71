"""Runs tasks: claims one, gives it to a child process, tells how far it is, ends it. A job of the leading process."""

from __future__ import annotations

import logging
import shutil
import threading
import time
import uuid
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sealane.errors import Phrase, SealaneError, StoreError
from sealane.node.context import Node
from sealane.node.jobs import stopping
from sealane.web.tasks import store
from sealane.web.tasks.child import FAULT, error_of, said
from sealane.web.tasks.kinds import Kind, kinds
from sealane.web.tasks.process import End, Outcome, run_child
from sealane.web.tasks.store import State, Task

FOLDER = "tasks"
# Names this process among those that may have been killed; a runner's name begins with it.
_PROCESS = uuid.uuid4().hex[:16]
_LOG = logging.getLogger(__name__)


def run_checks(node: Node) -> None:
    """Do what waits in the short lane: uploads are checked and records applied."""
    _run_lane(node, "checks", 1)


def run_work(node: Node) -> None:
    """Do what waits in the long lane: results are computed."""
    _run_lane(node, "work", node.settings.task_workers)


def _run_lane(node: Node, lane: str, workers: int) -> None:
    names = [name for name, kind in kinds().items() if kind.lane == lane]
    take_up_abandoned(node, names)
    stops = stopping()  # of this thread; the workers below are others
    if workers == 1:
        _until_none_waits(node, names, f"{_PROCESS}:{lane}", stops)
        return
    with ThreadPoolExecutor(workers, f"sealane-{lane}") as pool:
        waiting = [pool.submit(_until_none_waits, node, names, f"{_PROCESS}:{lane}{n}", stops) for n in range(workers)]
    for one in waiting:
        one.result()


def take_up_abandoned(node: Node, names: Collection[str]) -> None:
    """Let tasks wait again whose runner was killed."""
    now = node.clock()
    alone = node.database.is_sqlite
    with node.database.read() as connection:
        if not store.abandoned(connection, names, now, process=_PROCESS, alone=alone, lock=False):
            return
    with node.database.write() as connection:
        for task in store.abandoned(connection, names, now, process=_PROCESS, alone=alone):
            state = store.again_or_failed(connection, task, now)
            if state is not State.WAITING:
                kinds()[task.kind].give_up(node, connection, task, state, _interrupted(connection, task))
            _LOG.warning("task was interrupted", extra={"task": task.id, "kind": task.kind, "now": state.value})


def _interrupted(connection: Any, task: Task) -> Any:
    return store.task_of(connection, task.id).error


def _until_none_waits(node: Node, names: Collection[str], runner: str, stops: threading.Event) -> None:
    while not stops.is_set():
        with node.database.read() as connection:
            if not store.any_waits(connection, names):
                return
        with node.database.write() as connection:
            task = store.claim(connection, names, runner, node.clock())
        if task is None:
            return
        Run(node, task, kinds()[task.kind], runner, stops).run()


class Run:
    """One attempt at a task."""

    def __init__(self, node: Node, task: Task, kind: Kind, runner: str, stops: threading.Event) -> None:
        self.node, self.task, self.kind, self.runner, self.stops = node, task, kind, runner, stops
        self.folder = node.folder / FOLDER / task.id
        self._at: tuple[str, int, int] | None = None
        self._told = 0.0
        self._goes_on: bool | None = True

    def run(self) -> None:
        """Do the task and end it, however it goes; only an outage of the database leaves it for the next time."""
        begun = time.perf_counter()
        try:
            outcome = self._outcome()
            state = self._end(outcome)
        except StoreError:
            raise  # nothing can be written down now; the lane takes the task up again
        except SealaneError as error:
            state = self._fail(said(error))
        except Exception:
            _LOG.exception("task failed by a fault of the program", extra={"task": self.task.id})
            state = self._fail(error_of(FAULT, kind="fault"))
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        details = {"task": self.task.id, "kind": self.task.kind, "state": state}
        _LOG.info("task ended", extra={**details, "duration_s": round(time.perf_counter() - begun, 1)})

    def _outcome(self) -> Outcome:
        if self.kind.direct is not None:
            done = self.kind.direct(self.node, self.task, self._tell_and_look)
            return Outcome(End.STOPPED) if self._must_stop() else Outcome(End.DONE, done=done)
        assert self.kind.begin is not None
        make_folder(self.folder)
        work = self.kind.begin(self.node, self.task, self.folder)
        return run_child(
            work.job,
            work.arguments,
            self.folder,
            work.limits,
            threads=work.threads,
            progress=self._note,
            should_stop=self._must_stop,
        )

    def _note(self, stage: str, done: int, total: int) -> None:
        self._at = (stage, done, total)

    def _tell_and_look(self, stage: str, done: int, total: int) -> bool:
        self._note(stage, done, total)
        return not self._must_stop()

    def _must_stop(self) -> bool:
        """Tell of this runner every so often, and see whether the task is to go on."""
        if self.stops.is_set():
            return True
        if self._goes_on and time.monotonic() - self._told > store.HEARTBEAT.total_seconds() / 4:
            self._told = time.monotonic()
            with self.node.database.write() as connection:
                self._goes_on = store.tell(connection, self.task.id, self.runner, self.node.clock(), self._at)
        return not self._goes_on

    def _end(self, outcome: Outcome) -> str:
        match outcome.end:
            case End.DONE:
                return self._finish(outcome.done or {})
            case End.ERROR:
                if outcome.log and (outcome.error or {}).get("kind") == "fault":
                    _LOG.error("a task's process failed: %s", outcome.log, extra={"task": self.task.id})
                return self._fail(dict(outcome.error or {}))
            case End.TIMEOUT:
                hours = self.node.settings.task_timeout_s / 3600
                return self._fail(
                    error_of(
                        Phrase("It was ended because it took longer than its limit (%(hours)s h).", hours=f"{hours:g}"),
                        kind="timeout",
                    )
                )
            case End.KILLED:
                _LOG.error("a task's process was killed: %s", outcome.log, extra={"task": self.task.id})
                words = Phrase(
                    "Its process was ended by the system, most likely at a limit of memory or processor time."
                )
                return self._fail(error_of(words, kind="killed"))
            case End.STOPPED:
                return self._stopped()

    def _finish(self, done: Any) -> str:
        with self.node.database.write() as connection:
            now = self.node.clock()
            if not store.end(connection, self.task.id, self.runner, State.DONE, now):
                return "no longer ours"
            result_id = self.kind.finish(self.node, connection, self.task, done, self.folder)
            if result_id is not None:
                store.set_result(connection, self.task.id, result_id)
        return State.DONE

    def _fail(self, error: dict[str, Any], state: State = State.FAILED) -> str:
        with self.node.database.write() as connection:
            kept = error if state is State.FAILED else None
            if not store.end(connection, self.task.id, self.runner, state, self.node.clock(), error=kept):
                return "no longer ours"
            self.kind.give_up(self.node, connection, self.task, state, error)
        return state

    def _stopped(self) -> str:
        if self._goes_on:  # the node stops; the next one begins it anew
            with self.node.database.write() as connection:
                store.put_back(connection, self.task.id, self.runner, self.node.clock())
            return State.WAITING
        return self._fail({}, State.CANCELLED)


def make_folder(folder: Path) -> None:
    """Make a working folder that only the node may enter; what an earlier attempt left is removed."""
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    (folder / "in").mkdir(mode=0o700)


def remove_leftovers(node: Node) -> None:
    """Remove working folders of tasks that no longer run, which a kill left behind."""
    root = node.folder / FOLDER
    for folder in root.iterdir() if root.is_dir() else ():
        with node.database.read() as connection:
            if not store.is_running(connection, folder.name):
                shutil.rmtree(folder, ignore_errors=True)
