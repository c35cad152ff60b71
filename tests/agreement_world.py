"""Ports with real keys and databases that know each other, and agreement documents between them."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealane.agreements.documents import AgreementDocument, read_document
from sealane.database import Database
from sealane.database.tables.identity import peer_key
from sealane.exchange.keys import Identity, key_row, record_own_keys
from sealane.exchange.peers import add_peer
from sealane.exchange.registry import known_datasets

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LOS_ANGELES, NAGOYA, YOKOHAMA = "port-of-los-angeles", "port-of-nagoya", "port-of-yokohama"
FIELDS = ["eventID", "eventUpdatedDateTime", "portCall", "terminalCall", "portCallService", "timestamp", "vessel"]


@dataclass(frozen=True)
class Port:
    """One side of an agreement."""

    party: str
    identity: Identity
    database: Database

    @property
    def participant(self) -> str:
        return self.identity.participant


def make_ports(
    make_database: Callable[[], Database], folder: Path, parties: Sequence[str] = (LOS_ANGELES, NAGOYA)
) -> list[Port]:
    """Make ports that have registered each other and hold each other's keys."""
    ports = []
    for number, party in enumerate(parties):
        identity = Identity.create(folder / party, f"urn:example:{party}", f"https://node{number}.example.org", NOW)
        ports.append(Port(party, identity, make_database()))
    for port in ports:
        with port.database.write() as connection:
            record_own_keys(connection, port.identity)
            for other in ports:
                if other is port:
                    continue
                add_peer(
                    connection,
                    participant=other.participant,
                    name=other.party,
                    origin=other.identity.origin,
                    root_key=other.identity.root_jwk,
                    now=NOW,
                )
                for key in other.identity.operational_keys():
                    connection.execute(peer_key.insert().values(**key_row(key.certificate)))
    return ports


def content_of(identities: Sequence[tuple[str, Identity]], **changes: Any) -> dict[str, Any]:
    """Return a document between parties, as people write it; every party lets all others have its port calls."""
    parties = [party for party, _ in identities]
    content: dict[str, Any] = {
        "id": "test-agreement",
        "version": 1,
        "title": "An agreement for tests",
        "kind": "mou",
        "status": "signed",
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_until": None,
        "demonstration": True,
        "parties": [{"party": party} for party in parties],
        "participants": [
            {
                "party": party,
                "participant": identity.participant,
                "origin": identity.origin,
                "root_key": dict(identity.root_jwk),
            }
            for party, identity in identities
        ],
        "areas": ["port_community_systems"],
        "clauses": [
            {
                "id": f"{party}-calls",
                "provider": party,
                "recipients": [other for other in parties if other != party],
                "dataset": "port-calls",
                "fields": list(FIELDS),
                "purposes": ["supply-chain-visibility"],
                "granularity": "record",
                "rows": "all",
                "delay": "PT6H",
                "onward": "none",
            }
            for party in parties
        ],
    }
    return copy.deepcopy(content) | changes


def document_of(ports: Sequence[Port], **changes: Any) -> AgreementDocument:
    """Return a document between ports, read and checked."""
    content = content_of([(port.party, port.identity) for port in ports], **changes)
    return read_document(json.dumps(content).encode(), "test.json", known_datasets())
