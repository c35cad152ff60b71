"""A node without partners on the network, and rows of its negotiations and transfers in any state."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from tests import ports

from sealane.database import Database
from sealane.exchange.dataspace import Dataspace, Hooks, Role, Row
from sealane.exchange.dsp_catalogue import ClauseOffers
from sealane.exchange.dsp_messages import Message
from sealane.exchange.dsp_process import INITIAL, Machine, load
from sealane.exchange.odrl import Action, Policy, Rule
from sealane.exchange.peers import add_peer
from sealane.exchange.policies import Offer

PEER = "urn:sealane:test:other"
ORIGIN = "http://127.0.0.1:1"
USE = Policy(frozenset({Rule(Action.USE, frozenset())}))
OFFER = Offer("urn:offer", "port-calls", USE)


class Waits:
    """A conduct that never takes a step of its own."""

    def negotiation(self, space: Any, connection: Any, row: Any, now: Any) -> None:
        return None

    def transfer(self, space: Any, connection: Any, row: Any, now: Any) -> None:
        return None


class Always(ClauseOffers):
    """Offers for which every agreement holds."""

    def objection(self, connection: Any, negotiation: Row, now: dt.datetime) -> str | None:
        return None


def lone_space(folder: Path, database: Database, hooks: Hooks | None = None) -> Dataspace:
    """Return a node with one registered partner that does not exist, and whose conduct is to wait."""
    node = ports.make_node(folder, "own", database, ports.Clock())
    with database.write() as connection:
        add_peer(
            connection,
            participant=PEER,
            name="Other",
            origin=ORIGIN,
            root_key=node.identity.root_jwk,
            allow_private=True,
            now=node.clock(),
        )
    return Dataspace(node, Always(node.identity.participant), hooks or Hooks(), Waits())


def put_row(space: Dataspace, machine: Machine, role: Role, state: str, **values: Any) -> str:
    """Insert a row; one that is not INITIAL knows the partner's pid."""
    now = space.node.clock()
    with space.node.database.write() as connection:
        count = len(connection.execute(machine.table.select()).all())
        pid = f"urn:uuid:{machine.name}-{count}"
        given: dict[str, Any] = {
            "id": pid,
            "role": role,
            "peer": PEER,
            "peer_pid": None if state == INITIAL else f"peer-{count}",
            "callback": f"{ORIGIN}/dsp",
            "state": state,
            "dataset": "port-calls",
            "attempts": 0,
            "revision": 0,
            "created_at": now,
            "changed_at": now,
        }
        if machine.name == "negotiation":
            given["offer"] = OFFER.document(with_target=True)
        else:
            given |= {"agreement_ref": "urn:agreement", "format": "Sealane-PUSH"}
        connection.execute(machine.table.insert().values(given | values))
    return pid


def get(space: Dataspace, machine: Machine, pid: str) -> Row:
    """Return a row."""
    with space.node.database.read() as connection:
        row = load(connection, machine, pid, lock=False)
    assert row is not None
    return row


def pids(row: Row) -> dict[str, Any]:
    """Return the pids a message about a row carries."""
    theirs = row.peer_pid or f"peer-of {row.id}"
    if row.role == Role.PROVIDER:
        return {"provider_pid": row.id, "consumer_pid": theirs}
    return {"provider_pid": theirs, "consumer_pid": row.id}


def received(space: Dataspace, module: Any, kind: Any, message: Message, pid: str, peer: str = PEER) -> None:
    """Hand a message to the state machine as the HTTP edge does."""
    with space.node.database.write() as connection:
        module.receive_message(
            space,
            connection,
            peer=peer,
            process_id=pid,
            kind=kind,
            message=message,
            now=space.node.clock(),
        )


def acted(space: Dataspace, module: Any, kind: Any, pid: str, reason: str | None = None) -> None:
    """Take a step of our own."""
    with space.node.database.write() as connection:
        module.act(space, connection, pid, kind, space.node.clock(), reason)
