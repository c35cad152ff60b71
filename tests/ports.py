"""Two or three ports for tests: nodes with keys, registered with each other, an agreement in force, port calls.

Everything here is simulated. The agreement is put into the register as if both had signed it; tests of the registry
itself go the whole way.
"""

from __future__ import annotations

import datetime as dt
import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from sealane.agreements.clauses import Clause, Granularity, Grouping, RowFilter
from sealane.agreements.documents import AgreementDocument, DocumentParty, Participant
from sealane.agreements.model import Kind, PartyKind, PartyPort, Status
from sealane.database import Database
from sealane.database.tables.agreements import agreement as agreement_table
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.agreement_store import insert_agreement
from sealane.exchange.keys import Identity, record_own_keys
from sealane.exchange.outbound import Outbound
from sealane.exchange.peers import add_peer, refresh_keys
from sealane.exchange.streams import Direction, open_stream
from sealane.node.app import create_app
from sealane.node.context import Node
from sealane.node.settings import make_settings
from sealane.products.catalogue import DATASETS
from sealane.products.store import put_records

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PURPOSE = "port-call-optimisation"
AGREEMENT = "yokohama-demonstration"
CLAUSE = "port-calls"
NAMESPACE = uuid.UUID("5ea1a4e0-0000-4000-8000-000000000000")


class Clock:
    """A clock that stands until it is set forward; several nodes may share it."""

    def __init__(self, now: dt.datetime = START) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_node(folder: Path, name: str, database: Database, clock: Clock, port: int | None = None) -> Node:
    """Make a node with keys on an empty database that has its tables."""
    origin = f"http://127.0.0.1:{port or free_port()}"
    participant = f"urn:sealane:test:{name}"
    settings = make_settings({"participant": participant, "name": name, "origin": origin}, {}, "test")
    identity = Identity.create(folder / name, participant, origin, clock())
    with database.write() as connection:
        record_own_keys(connection, identity)
    return Node(folder / name, settings, database, identity, Outbound(identity, database, clock), clock)


def introduce(node: Node, other: Node) -> None:
    """Register a partner."""
    with node.database.write() as connection:
        add_peer(
            connection,
            participant=other.identity.participant,
            name=other.settings.name,
            origin=other.identity.origin,
            root_key=other.identity.root_jwk,
            allow_private=True,
            now=node.clock(),
        )


@contextmanager
def serving(node: Node, app: Any = None, port: int | None = None) -> Iterator[None]:
    """Serve a node in a thread, without its jobs: on its origin, or on another port behind a proxy."""
    port = port or int(node.identity.origin.rpartition(":")[2])
    config = uvicorn.Config(app or create_app(node), host="127.0.0.1", port=port, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("the node did not begin to serve")
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(30)


def clause(**changes: Any) -> Clause:
    """Return a demonstration clause: port calls, all fields, no delay; `changes` replace."""
    values: dict[str, Any] = {
        "id": CLAUSE,
        "provider": "provider",
        "recipients": ("recipient",),
        "dataset": "port-calls",
        "fields": tuple(sorted(DATASETS["port-calls"].fields)),
        "purposes": frozenset({PURPOSE}),
        "granularity": Granularity.RECORD,
        "rows": RowFilter(),
        "delay": dt.timedelta(0),
        "valid_from": START - dt.timedelta(days=30),
        "valid_until": START + dt.timedelta(days=365),
        "demonstration": True,
    }
    grouping: Grouping | None = changes.get("grouping")
    return Clause(**(values | changes | {"grouping": grouping}))


def agreement(provider: Node, recipient: Node, clauses: Sequence[Clause], version: int = 1) -> AgreementDocument:
    """Return a demonstration agreement between two nodes."""
    parties = tuple(
        DocumentParty(
            id, node.settings.name, PartyKind.PORT_AUTHORITY, (country,), (PartyPort(node.settings.name, code),)
        )
        for id, node, country, code in (("provider", provider, "JP", "JPYOK"), ("recipient", recipient, "US", "USLAX"))
    )
    participants = tuple(
        Participant(id, node.identity.participant, node.identity.origin, node.identity.root_jwk["x"])
        for id, node in (("provider", provider), ("recipient", recipient))
    )
    return AgreementDocument(
        id=AGREEMENT,
        version=version,
        title="Demonstration of port call exchange",
        kind=Kind.MOU,
        status=Status.SIGNED,
        year=2026,
        date=None,
        valid_from=START - dt.timedelta(days=30),
        valid_until=START + dt.timedelta(days=365),
        demonstration=True,
        parties=parties,
        participants=participants,
        clauses=tuple(clauses),
    )


def put_in_force(node: Node, document: AgreementDocument) -> None:
    """Put an agreement into a node's register as signed by all."""
    with node.database.write() as connection:
        insert_agreement(connection, document, AgreementState.IN_FORCE, None, node.clock())
        mine = (agreement_table.c.id == document.id) & (agreement_table.c.version == document.version)
        connection.execute(agreement_table.update().where(mine).values(in_force_at=node.clock()))


def connect(provider: Node, recipient: Node, clauses: Sequence[Clause] | None = None) -> str:
    """Introduce two nodes, put an agreement in force on both and open its first clause's stream; return its id."""
    introduce(provider, recipient)
    introduce(recipient, provider)
    document = agreement(provider, recipient, [clause()] if clauses is None else clauses)
    for node in (provider, recipient):
        put_in_force(node, document)
    return open_both(provider, recipient, document)


def open_both(provider: Node, recipient: Node, document: AgreementDocument) -> str:
    """Open the stream of an agreement's first clause on both sides."""
    terms = document.terms(document.clauses[0].id)
    assert terms is not None
    ids = set()
    for node, peer, direction, endpoint in (
        (provider, recipient, Direction.OUT, f"{recipient.identity.origin}/sealane/v1/events"),
        (recipient, provider, Direction.IN, None),
    ):
        with node.database.write() as connection:
            ids.add(
                open_stream(
                    connection,
                    own=node.identity.participant,
                    peer=peer.identity.participant,
                    direction=direction,
                    terms=terms,
                    purpose=PURPOSE,
                    endpoint=endpoint,
                    now=node.clock(),
                )
            )
    (stream_id,) = ids
    return stream_id


def exchange_keys(*nodes: Node) -> None:
    """Let every node read the keys of its partners; they must be serving."""
    for node in nodes:
        for other in nodes:
            if other is not node:
                assert refresh_keys(node, other.identity.participant)


def event_id(number: int) -> str:
    """Return the id of a simulated port call event."""
    return str(uuid.uuid5(NAMESPACE, f"event {number}"))


def port_call(number: int, **changes: Any) -> bytes:
    """Return a simulated port call event as JSON."""
    moment = START - dt.timedelta(hours=2) + dt.timedelta(seconds=number)
    event: dict[str, Any] = {
        "eventID": event_id(number),
        "eventUpdatedDateTime": (START - dt.timedelta(hours=1)).isoformat().replace("+00:00", "Z"),
        "portCall": {"portCallID": str(uuid.uuid5(NAMESPACE, f"call {number // 4}")), "UNLocationCode": "JPYOK"},
        "portCallService": {"portCallServiceTypeCode": "BERTH", "portCallServiceEventTypeCode": "ARRI"},
        "vessel": {"vesselIMONumber": "9074729", "vesselName": "SIMULATED"},
        "timestamp": {"classifierCode": "EST", "serviceDateTime": moment.isoformat().replace("+00:00", "Z")},
    }
    return json.dumps(event | changes).encode()


def feed(node: Node, numbers: Sequence[int], *, public: bool = False, **changes: Any) -> None:
    """Store simulated port calls as the node's own records."""
    for begin in range(0, len(numbers), 1000):
        bodies = [port_call(number, **changes) for number in numbers[begin : begin + 1000]]
        with node.database.write() as connection:
            result = put_records(
                connection, node.identity.participant, "port-calls", bodies, node.clock(), simulated=True, public=public
            )
        assert not result.faults, result.faults[:3]
