"""Los Angeles and Nagoya with the shipped demonstration agreement in force and the shipped simulated records."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from tests.agreement_world import LOS_ANGELES, NAGOYA
from tests.web.agreements.two_ports import TwoPorts, two_ports

from sealane.agreements.documents import read_document
from sealane.database import Database
from sealane.exchange import registry
from sealane.exchange.sent_and_withheld import stream_totals
from sealane.node.context import Node
from sealane.products.loading import load_files
from sealane.products.store import put_prepared

SAMPLES = Path(str(files("sealane.samples"))) / "exchange"
CONTAINER = "SIMU1000028"
AGREEMENT = "los-angeles-nagoya-demonstration"
LATER = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)  # the samples tell of October
RECORDS = {
    "los_angeles": (
        ("port-calls", "port_calls.json"),
        ("container-milestones", "coarri_discharged.edi"),
        ("container-milestones", "codeco_gate_out.edi"),
        ("container-milestones", "milestones.csv"),
    ),
    "nagoya": (
        ("vessel-schedules", "schedule.json"),
        ("container-milestones", "codeco_gate_in.edi"),
        ("container-milestones", "coarri_loaded.edi"),
        ("port-calls", "port_calls.json"),
    ),
}


def load(node: Node, dataset: str, path: Path) -> None:
    """Load one file of simulated records as a node's own."""
    loaded = load_files(dataset, [path], node.clock(), simulated=True)
    assert not loaded.faults
    with node.database.write() as connection:
        put_prepared(connection, node.identity.participant, loaded.prepared, node.clock(), simulated=True)


def put_in_force(ports: TwoPorts) -> None:
    """Propose the shipped agreement here and sign it there."""
    participants = [
        {
            "party": party,
            "participant": node.identity.participant,
            "origin": node.identity.origin,
            "root_key": dict(node.identity.root_jwk),
        }
        for party, node in zip((LOS_ANGELES, NAGOYA), ports.nodes, strict=True)
    ]
    text = (SAMPLES / "los-angeles-nagoya.yaml").read_text(encoding="utf-8")
    text = text.replace("participants: []", f"participants: {json.dumps(participants)}")
    document = read_document(text.encode(), "sample.yaml", registry.known_datasets())
    here, there = ports.nodes
    with here.database.write() as connection:
        registry.propose(connection, here.identity, document, here.clock())
    ports.told()
    with there.database.write() as connection:
        registry.sign(connection, there.identity, document.id, document.version, there.clock())
    ports.told()


def all_sent(ports: TwoPorts) -> bool:
    """Say whether every stream is there and nothing waits."""
    totals = []
    for node in ports.nodes:
        with node.database.read() as connection:
            totals += stream_totals(connection)
    return len(totals) == 5 and not any(total.waiting or total.not_looked_at for total in totals)


@contextmanager
def sample_world(folder: Path, databases: Callable[[], Database]) -> Iterator[TwoPorts]:
    """Serve both ports with everything told and delivered."""
    with two_ports(folder, databases) as ports:
        for place in (ports.here, ports.there):
            place.clock.now = LATER
        put_in_force(ports)
        for node, name in zip(ports.nodes, RECORDS, strict=True):
            for dataset, file in RECORDS[name]:
                load(node, dataset, SAMPLES / name / file)
        for _ in range(12):
            if all_sent(ports):
                break
            ports.settle(3)
        assert all_sent(ports)
        yield ports
