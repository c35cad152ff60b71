"""What the rows of the fault table share: databases of one kind, node processes, counts of effects."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from tests import ports, postgresql

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.tables.delivery import inbox, outbox, stream
from sealane.database.tables.ledger import leaf
from sealane.database.tables.products import record
from sealane.node.context import Node
from sealane.node.open import init_node, open_node

ROOT = Path(__file__).parents[2]
KINDS = ("sqlite", "postgresql")


class NotProvenError(Exception):
    """This machine cannot show the row."""


@dataclass
class Machine:
    """A temporary folder and, for PostgreSQL, a cluster."""

    kind: str
    folder: Path
    cluster: postgresql.Cluster | None = None
    made: int = 0

    def url(self) -> str:
        """Return the address of a new database without tables."""
        self.made += 1
        if self.cluster is None:
            return sqlite_url(self.folder / f"database-{self.made}.db")
        return self.cluster.url(self.cluster.create())

    def database(self) -> Database:
        """Return a new database with its tables."""
        database = Database(self.url())
        database.create_tables()
        return database

    def kill_database(self) -> bool:
        """Kill a server process of PostgreSQL: the server then throws everybody out and recovers from its log."""
        if self.cluster is None:
            return False
        master = int((self.cluster.folder / "data" / "postmaster.pid").read_text().split()[0])
        for child in _children(master):
            with contextlib.suppress(OSError):
                if b"sealane" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(child, signal.SIGKILL)
                    return True
        return False


@contextmanager
def machine(kind: str) -> Iterator[Machine]:
    """Give a machine with databases of one kind; all is gone afterwards.

    Raises
    ------
    NotProvenError
        When the kind cannot be had here.
    """
    folder = Path(tempfile.mkdtemp(prefix="sealane-faults-"))
    cluster = None
    try:
        if kind == "postgresql":
            if (lacking := postgresql.missing()) is not None:
                raise NotProvenError(lacking)
            cluster = postgresql.start()
        yield Machine(kind, folder, cluster)
    finally:
        if cluster is not None:
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class NodeProcess:
    """A node that runs as a process of its own and can be killed and started again."""

    folder: Path
    environ: Mapping[str, str]
    broken: str = ""
    process: subprocess.Popen[bytes] | None = None
    kills: int = 0
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder.with_suffix(".log")

    def start(self) -> None:
        """Begin; returns at once."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.node_process", str(self.folder), self.broken],
                cwd=ROOT,
                env={**os.environ, **self.environ},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Kill without warning."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            self.process.wait()
            self.kills += 1

    def ensure(self) -> None:
        """Start again what is gone."""
        if self.process is None or self.process.poll() is not None:
            self.start()

    def stop(self) -> None:
        """End it in the proper way, at last by force."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def two_processes(
    place: Machine,
    *,
    broken_recipient: str = "",
    recipient_port: int | None = None,
    environ: Mapping[str, str] = MappingProxyType({"SEALANE_DELIVERY_PERIOD_S": "0.2"}),
) -> Iterator[tuple[NodeProcess, NodeProcess, Callable[[], tuple[Node, Node]], str, int]]:
    """Make a provider and a recipient as processes, not started yet, with a stream between them.

    Gives both, a function that opens them from this process (as the command line does), the stream's id, and the port
    on which the recipient listens; its public origin is ``recipient_port``, where a proxy may stand.
    """
    inner_port = ports.free_port()
    public_port = recipient_port or inner_port
    folders = (place.folder / "provider", place.folder / "recipient")
    environs = [{"SEALANE_DATABASE_URL": place.url(), "SEALANE_LOG_LEVEL": "warning", **environ} for _ in folders]
    own_port = ports.free_port()
    values = [
        {"participant": "urn:sealane:test:provider", "name": "provider", "port": own_port},
        {"participant": "urn:sealane:test:recipient", "name": "recipient", "port": inner_port},
    ]
    values[0]["origin"] = f"http://127.0.0.1:{own_port}"
    values[1]["origin"] = f"http://127.0.0.1:{public_port}"
    opened = [init_node(f, v, environ=e) for f, v, e in zip(folders, values, environs, strict=True)]
    stream_id = ports.connect(opened[0], opened[1])
    for node in opened:
        close_node(node)

    def open_both() -> tuple[Node, Node]:
        one, two = (open_node(f, environ=e) for f, e in zip(folders, environs, strict=True))
        return one, two

    processes = (NodeProcess(folders[0], environs[0]), NodeProcess(folders[1], environs[1], broken_recipient))
    try:
        yield processes[0], processes[1], open_both, stream_id, inner_port
    finally:
        for process in processes:
            process.stop()


def close_node(node: Node) -> None:
    """Give up what an opened node holds."""
    node.outbound.close()
    node.database.close()


@dataclass(frozen=True)
class Effects:
    """What a recipient shows of a provider's records.

    Attributes
    ----------
    lost : sent records that are not there.
    doubled : second effects: entries in the log, or rows of the inbox, beyond one an event.
    disordered : neighbours in the order of acceptance that the provider had sent the other way round.
    """

    stored: int
    lost: int
    doubled: int
    disordered: int


def effects(provider: Node, recipient: Node, expected: set[str]) -> Effects:
    """Compare what a recipient holds with what it should."""
    source = provider.identity.participant
    with recipient.database.read() as connection:
        held = list(
            connection.execute(
                sa.select(record.c.id).where(record.c.source == source).order_by(record.c.position)
            ).scalars()
        )
        logged = list(
            connection.execute(
                sa.select(leaf.c.subject).where(leaf.c.kind == "event_received", leaf.c.peer == source)
            ).scalars()
        )
        taken = connection.execute(
            sa.select(sa.func.count()).select_from(inbox).where(inbox.c.outcome == "accepted")
        ).scalar_one()
    with provider.database.read() as connection:
        statement = (
            sa.select(record.c.id, outbox.c.sequence)
            .join(outbox, outbox.c.record_position == record.c.position)
            .join(stream, stream.c.id == outbox.c.stream_id)
            # Each partner has a counter of its own.
            .where(stream.c.peer == recipient.identity.participant)
            .where(record.c.source == source, outbox.c.sequence.is_not(None))
        )
        sequence = {row[0]: row[1] for row in connection.execute(statement)}
    numbers = [sequence.get(record_id, 0) for record_id in held]
    disordered = sum(later < earlier for earlier, later in pairwise(numbers))
    doubled = len(logged) - len(set(logged)) + max(0, taken - len(set(held)))
    return Effects(len(held), len(expected - set(held)), doubled, disordered)


def wait_until(condition: Callable[[], bool], timeout_s: float, pause_s: float = 0.1) -> float | None:
    """Return the seconds until a condition held, None if it did not in time."""
    begun = time.monotonic()
    while time.monotonic() - begun < timeout_s:
        if condition():
            return time.monotonic() - begun
        time.sleep(pause_s)
    return None


def result(row: str, seed: int, database: str, *, passed: bool, control_failed: bool, **counts: Any) -> dict[str, Any]:
    """Return a row of the table: passed, and its negative controls failed as they must."""
    common = {"tried": 0, "lost": 0, "doubled": 0, "outside": 0}
    verdict = "passed" if passed and control_failed else "failed"
    return {
        "row": row,
        "seed": seed,
        "database": database,
        **(common | counts),
        "control_failed": control_failed,
        "verdict": verdict,
    }


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.append(int(entry.name))
    return found
