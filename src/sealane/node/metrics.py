"""What a node tells a monitoring system, in the Prometheus text format.

Requests and jobs are counted in the process; with several workers the client library's multi-process mode adds them
up. What the database knows (streams, backlog, alarms, log) is asked of it when the metrics are read, so that every
worker says the same. No label holds an id from outside except participants and streams that an operator registered.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from sealane.database.tables import agreements, delivery, dsp, identity, ledger, products

if TYPE_CHECKING:
    from sealane.node.context import Node

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MULTIPROCESS = "PROMETHEUS_MULTIPROC_DIR"  # the client library reads it when it is imported
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counters of one application and what its node's database says."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "sealane_http_requests_total", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "sealane_http_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, registry=self.registry
        )
        self.job_runs = Counter("sealane_job_runs_total", "Runs of a job.", ["job", "outcome"], registry=self.registry)
        self.job_seconds = Counter("sealane_job_seconds_total", "Time spent in a job.", ["job"], registry=self.registry)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self.requests.labels(method, route, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def observe_job(self, job: str, outcome: str, seconds: float) -> None:
        """Count one run of a job; the outcome is ``ok`` or ``failed``."""
        self.job_runs.labels(job, outcome).inc()
        self.job_seconds.labels(job).inc(seconds)

    def render(self) -> bytes:
        """Return all metrics as text.

        Raises
        ------
        StoreError
            When the database cannot be asked.
        """
        stated = CollectorRegistry()
        if os.environ.get(MULTIPROCESS):
            MultiProcessCollector(stated)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        counted = b"" if os.environ.get(MULTIPROCESS) else generate_latest(self.registry)
        stated.register(_Known(lambda: database_gauges(self.node)))
        return counted + generate_latest(stated)


class _Known:
    def __init__(self, collect: Callable[[], Iterator[Metric]]) -> None:
        self._collect = collect

    def collect(self) -> Iterator[Metric]:
        return self._collect()

    def describe(self) -> list[Metric]:
        """Nothing: the registry would otherwise ask the database when the collector is registered."""
        return []


def database_gauges(node: Node) -> Iterator[Metric]:
    """Yield what the database knows, read in one transaction."""
    now = node.clock()
    with node.database.read() as connection:
        yield from _streams(connection, now)
        yield _counted(connection, "sealane_dsp_negotiations", "Negotiations.", dsp.negotiation.c.state)
        yield _counted(connection, "sealane_dsp_transfers", "Transfers.", dsp.transfer.c.state)
        yield _counted(connection, "sealane_agreements", "Agreement versions.", agreements.agreement.c.state)
        size = connection.execute(sa.select(ledger.head.c.size)).scalar() or 0
        yield GaugeMetricFamily("sealane_ledger_leaves", "Leaves of the ledger.", size)
        position = connection.execute(sa.select(products.record_counter.c.position)).scalar() or 0
        yield GaugeMetricFamily("sealane_records_position", "Last position given to a record.", position)
        alarm = GaugeMetricFamily("sealane_peer_alarm", "1 where a partner is not trusted now.", labels=["peer"])
        heard = GaugeMetricFamily(
            "sealane_peer_silence_seconds", "Time since a partner was last heard.", labels=["peer"]
        )
        table = identity.peer.c
        for row in connection.execute(sa.select(table.participant, table.alarm, table.last_heard_at)):
            alarm.add_metric([row.participant], float(row.alarm is not None))
            if row.last_heard_at is not None:
                heard.add_metric([row.participant], (now - row.last_heard_at).total_seconds())
        yield alarm
        yield heard


def _streams(connection: sa.Connection, now: dt.datetime) -> Iterator[Metric]:
    stream, outbox = delivery.stream.c, delivery.outbox.c
    states = GaugeMetricFamily("sealane_streams", "Streams.", labels=["direction", "state"])
    query = sa.select(stream.direction, stream.state, sa.func.count()).group_by(stream.direction, stream.state)
    for direction, state, count in connection.execute(query):
        states.add_metric([direction, state], count)
    yield states
    attempts = GaugeMetricFamily(
        "sealane_stream_failed_attempts", "Attempts that failed since the last success.", labels=["stream", "peer"]
    )
    for row in connection.execute(sa.select(stream.id, stream.peer, stream.attempts).where(stream.direction == "out")):
        attempts.add_metric([row.id, row.peer], row.attempts)
    yield attempts
    messages = GaugeMetricFamily("sealane_outbox_messages", "Messages to partners.", labels=["state"])
    for state, count in connection.execute(sa.select(outbox.state, sa.func.count()).group_by(outbox.state)):
        messages.add_metric([state], count)
    yield messages
    oldest = connection.execute(
        sa.select(sa.func.min(outbox.due_at)).where(outbox.state.in_(("waiting", "sealed")), outbox.due_at <= now)
    ).scalar()
    yield GaugeMetricFamily(
        "sealane_outbox_lag_seconds",
        "Time the longest waiting message has been due.",
        0.0 if oldest is None else (now - oldest).total_seconds(),
    )


def _counted(connection: sa.Connection, name: str, text: str, state: sa.Column[str]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["state"])
    for value, count in connection.execute(sa.select(state, sa.func.count()).group_by(state)):
        family.add_metric([value], count)
    return family
