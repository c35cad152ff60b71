"""Two ports whose logs tell of each other: keys, partners, an agreement, events and receipts (all made up)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import rfc8785
import sqlalchemy as sa

from sealane.database import Database
from sealane.database.tables.agreements import agreement, agreement_signature
from sealane.database.tables.delivery import receipt as receipt_table
from sealane.database.tables.delivery import stream as stream_table
from sealane.database.tables.identity import peer, peer_key
from sealane.exchange import checkpoints, ledger
from sealane.exchange.keys import Identity, key_row, record_own_keys
from sealane.exchange.ledger import Entry, EntryKind, append, digest_of, utc_text
from sealane.exchange.ledger_export import export_bundle

NOW = dt.datetime(2026, 11, 22, 6, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
ANGELES, YOKOHAMA = "urn:sealane:test:los-angeles", "urn:sealane:test:yokohama"
AGREEMENT, STREAM = "test-agreement", "5" * 64


@dataclass
class Port:
    """One side."""

    database: Database
    identity: Identity
    now: dt.datetime = NOW

    @property
    def id(self) -> str:
        return self.identity.participant

    def log(self, *entries: Entry) -> range:
        self.now += MINUTE
        with self.database.write() as connection:
            return append(connection, entries, self.now)

    def checkpoint(self) -> checkpoints.Checkpoint:
        self.now += MINUTE
        with self.database.write() as connection:
            return checkpoints.checkpoint(connection, self.identity, self.now)

    def export(self, target: Path, peer: str | None = None) -> Path:
        with self.database.read() as connection:
            export_bundle(connection, self.identity, target, self.now, peer=peer)
        return target


def two_ports(databases: Callable[[], Database], folder: Path) -> tuple[Port, Port]:
    """Los Angeles and Yokohama, each knowing the other's keys."""
    ports = []
    for participant in (ANGELES, YOKOHAMA):
        keys = folder / participant.rpartition(":")[2]
        identity = Identity.create(keys, participant, f"https://{keys.name}.example", NOW)
        ports.append(Port(databases(), identity))
    for mine, theirs in (ports, ports[::-1]):
        with mine.database.write() as connection:
            record_own_keys(connection, mine.identity)
            register(connection, theirs.identity)
    return ports[0], ports[1]


def register(connection: sa.Connection, identity: Identity) -> None:
    """Make a partner known, as the operator and its list of keys would."""
    connection.execute(
        peer.insert().values(
            participant=identity.participant,
            name=identity.participant,
            origin=identity.origin,
            root_key=identity.root_jwk,
            must_sign=True,
            allow_private=False,
            added_at=NOW,
        )
    )
    for key in identity.operational_keys():
        connection.execute(peer_key.insert().values(**key_row(key.certificate)))


def sign_agreement(one: Port, other: Port, version: int = 1) -> bytes:
    """Both sign the same bytes; both logs say so."""
    text = rfc8785.dumps(
        {
            "id": AGREEMENT,
            "version": version,
            "demonstration": True,
            "participants": [
                {
                    "party": port.id,
                    "participant": port.id,
                    "origin": port.identity.origin,
                    "root_key": port.identity.root_jwk,
                }
                for port in (one, other)
            ],
        }
    )
    signatures = {port.id: port.identity.sign(text, "sealane-agreement+jws", NOW) for port in (one, other)}
    body = {"agreement": AGREEMENT, "version": version, "digest": digest_of(text)}
    for mine, theirs in ((one, other), (other, one)):
        with mine.database.write() as connection:
            connection.execute(
                agreement.insert().values(
                    id=AGREEMENT,
                    version=version,
                    state="in_force",
                    document=text,
                    digest=digest_of(text),
                    valid_from=NOW,
                    created_at=NOW,
                    changed_at=NOW,
                )
            )
            for participant, jws in signatures.items():
                row = {"participant": participant, "purpose": "sign", "jws": jws, "signed_at": NOW}
                connection.execute(agreement_signature.insert().values(agreement_id=AGREEMENT, version=version, **row))
        subject = f"{AGREEMENT}/{version}"
        mine.log(
            *(Entry(EntryKind.AGREEMENT_SIGNED, theirs.id, subject, {**body, "participant": p}) for p in signatures)
        )
    return text


def open_stream(sender: Port, recipient: Port) -> None:
    """The stream from one to the other on both sides."""
    for port, direction, partner in ((sender, "out", recipient), (recipient, "in", sender)):
        with port.database.write() as connection:
            connection.execute(
                stream_table.insert().values(
                    id=STREAM,
                    direction=direction,
                    peer=partner.id,
                    agreement_id=AGREEMENT,
                    agreement_version=1,
                    clause_id="calls",
                    dataset="port-calls",
                    purpose="test",
                    granularity="record",
                    state="open",
                    scanned_position=0,
                    next_sequence=1,
                    acked_sequence=0,
                    attempts=0,
                    opened_at=NOW,
                )
            )


def events(kind: EntryKind, partner: str, first: int, last: int) -> list[Entry]:
    terms = {"stream": STREAM, "agreement": AGREEMENT, "version": 1, "clause": "calls"}
    return [
        Entry(kind, partner, f"event-{n}", {**terms, "sequence": n, "digest": digest_of(f"payload {n}")})
        for n in range(first, last + 1)
    ]


def deliver(sender: Port, recipient: Port, first: int, last: int) -> str:
    """Events sealed here, received there, with a receipt in both logs; return the receipt."""
    sender.log(*events(EntryKind.EVENT_SEALED, recipient.id, first, last))
    recipient.log(*events(EntryKind.EVENT_RECEIVED, sender.id, first, last))
    with recipient.database.read() as connection:
        size = ledger.log_size(connection)
        root = ledger.root_at(connection, size).hex()
    outcome = [
        {"digest": digest_of(f"payload {n}"), "id": f"event-{n}", "outcome": "accepted", "sequence": n}
        for n in range(first, last + 1)
    ]
    document = {
        "stream": STREAM,
        "provider": sender.id,
        "recipient": recipient.id,
        "agreement": AGREEMENT,
        "version": 1,
    }
    document |= {"clause": "calls", "events": outcome, "next_sequence": last + 1, "in_force": True, "state": "open"}
    document |= {"issued_at": utc_text(recipient.now), "ledger": {"root": root, "size": size}}
    text = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    jws = recipient.identity.sign(text, "sealane-receipt+jws", recipient.now)
    body = {"stream": STREAM, "first_sequence": first, "last_sequence": last, "digest": digest_of(jws)}
    for port, kind, direction, partner in (
        (recipient, EntryKind.RECEIPT_GIVEN, "out", sender),
        (sender, EntryKind.RECEIPT_GOT, "in", recipient),
    ):
        port.log(Entry(kind, partner.id, STREAM, body))
        with port.database.write() as connection:
            connection.execute(
                receipt_table.insert().values(
                    id=digest_of(jws),
                    stream_id=STREAM,
                    direction=direction,
                    first_sequence=first,
                    last_sequence=last,
                    jws=jws,
                    created_at=port.now,
                )
            )
    return jws


def show(owner: Port, witness: Port) -> checkpoints.Witnessed:
    """The owner signs its log; the partner asks for the proof it needs and keeps the checkpoint."""
    signed = owner.checkpoint()
    witness.now = max(witness.now, owner.now)
    with witness.database.read() as connection:
        held = checkpoints.latest(connection, owner.id)
    start = held.size if held else 0
    with owner.database.read() as connection:
        proof = ledger.consistency_proof(connection, start, signed.size) if start <= signed.size else []
    with witness.database.write() as connection:
        return checkpoints.receive_checkpoint(connection, owner.id, signed.jws, proof, witness.now, proof_from=start)


def story(databases: Callable[[], Database], folder: Path) -> tuple[Port, Port]:
    """An agreement, three deliveries, checkpoints exchanged after the second."""
    one, other = two_ports(databases, folder)
    sign_agreement(one, other)
    open_stream(one, other)
    deliver(one, other, 1, 5)
    deliver(one, other, 6, 8)
    show(one, other)
    show(other, one)
    deliver(one, other, 9, 12)
    one.checkpoint()
    other.checkpoint()
    return one, other
