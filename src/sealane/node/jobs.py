"""What a node does on its own: periodic jobs, each in its thread, in one process only.

On SQLite there is one process. On PostgreSQL the process that holds an advisory lock does the jobs; the server gives
the lock up when the process or its connection dies, and another takes over.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from sealane.errors import SealaneError
from sealane.exchange.agreement_messages import send_pending
from sealane.exchange.checkpoint_exchange import exchange_checkpoints
from sealane.exchange.delivery import deliver_all
from sealane.exchange.peers import refresh_due
from sealane.exchange.registry import terms_in_force
from sealane.exchange.releases import release_all
from sealane.node.context import Node
from sealane.node.dataspace import step_negotiations, step_transfers
from sealane.node.flows import follow
from sealane.node.housekeeping import clean

if TYPE_CHECKING:
    from sealane.node.metrics import Metrics

LEADER_LOCK = 0x5EA1A7E  # any number that nobody else uses in the node's own database
LEADER_CHECK_S = 2.0
_HERE = threading.local()
_LOG = logging.getLogger(__name__)


def stopping() -> threading.Event:
    """Return the event that tells the job of this thread to end early: the process stops or no longer leads.

    Outside a job it is one that nobody sets.
    """
    found = getattr(_HERE, "stopping", None)
    return found if found is not None else threading.Event()


@dataclass(frozen=True)
class Job:
    """One periodic task.

    Attributes
    ----------
    period_s : from the end of one run to the begin of the next; a tenth of it is left to chance, so that nodes started
        together do not call each other at the same moment for ever.
    """

    name: str
    period_s: float
    run: Callable[[Node], object]


class Jobs:
    """The jobs of a process.

    Parameters
    ----------
    jobs : what to run while this process leads.
    metrics : counts runs and failures.
    """

    def __init__(self, node: Node, jobs: Sequence[Job], metrics: Metrics) -> None:
        self.node, self.jobs, self.metrics = node, jobs, metrics
        self._stop = threading.Event()
        self._lost = threading.Event()  # no longer the leader
        self._end_early = threading.Event()  # either of the two
        self._leader = threading.Thread(target=self._lead, name="sealane-leader", daemon=True)
        self._workers: list[threading.Thread] = []

    def start(self) -> None:
        """Begin; returns at once."""
        self._leader.start()

    def stop(self, timeout_s: float) -> bool:
        """Let running jobs finish, at most so long; return whether all did."""
        self._stop.set()
        self._end_early.set()
        until = time.monotonic() + timeout_s
        for thread in (*self._workers, self._leader):
            if thread.ident is not None:
                thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in (*self._workers, self._leader))

    def _lead(self) -> None:
        while not self._stop.is_set():
            try:
                if self.node.database.is_sqlite:
                    self._work(lambda: True)
                else:
                    self._lead_on_postgresql()
            except (SealaneError, sa.exc.SQLAlchemyError) as error:
                _LOG.warning("the jobs wait for the database: %s", error)
            self._stop.wait(LEADER_CHECK_S)

    def _lead_on_postgresql(self) -> None:
        # A connection outside the pool: its session holds the lock for as long as this process leads.
        engine = sa.create_engine(self.node.database.engine.url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            lock = sa.select(sa.func.pg_try_advisory_lock(LEADER_LOCK))
            while not self._stop.is_set() and not connection.execute(lock).scalar():
                self._stop.wait(LEADER_CHECK_S)

            def still_leads() -> bool:
                try:
                    return connection.execute(sa.select(1)).scalar() == 1
                except sa.exc.SQLAlchemyError:
                    return False

            self._work(still_leads)

    def _work(self, still_leads: Callable[[], bool]) -> None:
        if self._stop.is_set():
            return
        _LOG.info("this process does the jobs", extra={"jobs": ", ".join(job.name for job in self.jobs)})
        self._lost.clear()
        self._end_early = threading.Event()
        if self._stop.is_set():
            self._end_early.set()
        self._workers = [
            threading.Thread(target=self._repeat, args=(job,), name=f"sealane-{job.name}", daemon=True)
            for job in self.jobs
        ]
        for thread in self._workers:
            thread.start()
        while not self._stop.wait(LEADER_CHECK_S):
            if not still_leads():
                _LOG.warning("this process no longer leads; its jobs end after their present run")
                break
        self._lost.set()
        self._end_early.set()
        for thread in self._workers:
            thread.join()

    def _repeat(self, job: Job) -> None:
        _HERE.stopping = self._end_early
        while not (self._stop.is_set() or self._lost.is_set()):
            self.run_once(job)
            self._pause(job.period_s * random.uniform(0.9, 1.0))

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._lost.is_set() and (left := until - time.monotonic()) > 0:
            if self._stop.wait(min(left, 1.0)):
                return

    def run_once(self, job: Job) -> bool:
        """Run a job now; a failure is logged and counted and goes no further. Returns whether it went well."""
        begun = time.perf_counter()
        try:
            job.run(self.node)
        except SealaneError as error:
            _LOG.error("job failed: %s", error, extra={"job": job.name})
        except Exception:
            _LOG.exception("job failed", extra={"job": job.name})
        else:
            self.metrics.observe_job(job.name, "ok", time.perf_counter() - begun)
            return True
        self.metrics.observe_job(job.name, "failed", time.perf_counter() - begun)
        return False


def _release(node: Node) -> object:
    return release_all(node.database, node.identity.participant, terms_in_force, node.clock)


# name, setting that holds the period, what is run
TABLE: tuple[tuple[str, str, Callable[[Node], object]], ...] = (
    ("agreements", "agreement_period_s", send_pending),
    ("flows", "agreement_period_s", follow),
    ("negotiations", "negotiation_period_s", step_negotiations),
    ("transfers", "negotiation_period_s", step_transfers),
    ("releases", "release_period_s", _release),
    ("delivery", "delivery_period_s", deliver_all),
    ("keys", "key_period_s", refresh_due),
    ("checkpoints", "checkpoint_period_s", exchange_checkpoints),
    ("housekeeping", "housekeeping_period_s", clean),
)


def jobs_of(node: Node) -> tuple[Job, ...]:
    """Return every job with its period from the settings."""
    return tuple(Job(name, getattr(node.settings, setting), run) for name, setting, run in TABLE)
