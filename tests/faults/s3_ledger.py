"""S3: the owner of a node changes its log in the database; the verifier and the partner's checkpoints show it.

Flip, delete, swap, insert: once in the plain way, and once by an owner who also mends every hash that is stored.
Truncate and rewrite: by an owner who signs the new log with his own key and forgets what he signed before; only what a
partner holds shows these. Each attack is made inside a transaction that is rolled back after it was verified.

Controls: the verifier without the signed statements must miss the mended changes; without a witness it must miss the
truncated and the rewritten log.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa
from tests.exchange.logs import Port, deliver, open_stream, show, sign_agreement, two_ports
from tests.faults.world import NotProvenError, machine, result

from sealane.database.tables.delivery import receipt
from sealane.database.tables.ledger import checkpoint, head, leaf, node
from sealane.exchange import checkpoints, ledger, verifier
from sealane.exchange.ledger import Entry, append
from sealane.exchange.ledger_check import faults_of_stored
from sealane.exchange.ledger_export import export_bundle
from sealane.exchange.merkle import added_subtrees, leaf_hash

EVENTS, BATCH = 60, 6
SMALL, FULL = 5, 200  # trials of each attack
PLAIN = ("flip", "delete", "swap", "insert")
BY_OWNER = ("truncate", "rewrite")

Bodies = list[bytes]


@dataclass
class World:
    """The owner under test, the partner who witnesses, and what the partner holds."""

    owner: Port
    partner: Port
    witness: Path
    folder: Path
    made: int = 0

    def roots(self) -> dict[str, Any]:
        return {port.id: port.identity.root_jwk for port in (self.owner, self.partner)}

    def export(self, connection: sa.Connection) -> Path:
        self.made += 1
        target = self.folder / f"bundle-{self.made}"
        export_bundle(connection, self.owner.identity, target, self.owner.now)
        return target


def flip(entries: Bodies, chance: random.Random) -> Bodies:
    """One bit of one entry."""
    at = chance.randrange(len(entries))
    text = bytearray(entries[at])
    text[chance.randrange(len(text))] ^= 1 << chance.randrange(8)
    return [*entries[:at], bytes(text), *entries[at + 1 :]]


def alter(entries: Bodies, chance: random.Random) -> Bodies:
    """Another digit in the salt or digest of an event: what a careful owner changes leaves a sound entry."""
    at = chance.choice([place for place, text in enumerate(entries) if b'"kind":"event_' in text])
    digits = [found.span() for found in re.finditer(rb"[0-9a-f]{32,64}", entries[at])]
    start, stop = chance.choice(digits)
    place = chance.randrange(start, stop)
    digit = chance.choice([d for d in b"0123456789abcdef" if d != entries[at][place]])
    return [*entries[:at], entries[at][:place] + bytes([digit]) + entries[at][place + 1 :], *entries[at + 1 :]]


def delete(entries: Bodies, chance: random.Random) -> Bodies:
    at = chance.randrange(len(entries))
    return [*entries[:at], *entries[at + 1 :]]


def swap(entries: Bodies, chance: random.Random) -> Bodies:
    one, other = chance.sample(range(len(entries)), 2)
    entries = list(entries)
    entries[one], entries[other] = entries[other], entries[one]
    return entries


def insert(entries: Bodies, chance: random.Random) -> Bodies:
    at = chance.randrange(len(entries))
    return [*entries[:at], entries[chance.randrange(len(entries))], *entries[at:]]


CHANGES: dict[str, Callable[[Bodies, random.Random], Bodies]] = {
    "flip": flip,
    "delete": delete,
    "swap": swap,
    "insert": insert,
}


def renumbered(entries: Bodies) -> Bodies:
    """What a careful owner writes: each entry says its new place. A text that is no JSON any more stays as it is."""
    made = []
    for position, text in enumerate(entries):
        try:
            document = json.loads(text)
            document["position"] = position
            made.append(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
        except (ValueError, TypeError):
            made.append(text)
    return made


def stored_bodies(connection: sa.Connection) -> Bodies:
    return [bytes(row.entry) for row in connection.execute(sa.select(leaf.c.entry).order_by(leaf.c.position))]


def store(connection: sa.Connection, entries: Bodies, *, mend: bool) -> None:
    """Put other entries in place; with ``mend`` every stored hash is made to fit."""
    rows = {row.position: row for row in connection.execute(sa.select(leaf))}
    connection.execute(leaf.delete())
    hashes = [leaf_hash(text) for text in entries]
    made = []
    for position, text in enumerate(entries):
        old = rows[min(position, len(rows) - 1)]
        try:
            said = json.loads(text)
            index = {"kind": said["kind"], "peer": said["peer"], "subject": said["subject"]}
        except (ValueError, TypeError, KeyError):
            index = {"kind": old.kind, "peer": old.peer, "subject": old.subject}
        kept = hashes[position] if mend else old.hash
        made.append({"position": position, "entry": text, "hash": kept, "logged_at": old.logged_at, **index})
    connection.execute(leaf.insert(), made)
    if mend:
        connection.execute(node.delete())
        nodes = [
            {"level": level, "position": index, "hash": value}
            for (level, index), value in added_subtrees(0, hashes, {}).items()
        ]
        connection.execute(node.insert(), nodes)
        connection.execute(head.update().values(size=len(entries)))


def start_anew(world: World, connection: sa.Connection, kept: list[ledger.LoggedEntry]) -> None:
    """Write the log again from some of its entries, forget every signature under the old one and sign the new one."""
    for table in (leaf, node, head):
        connection.execute(table.delete())
    connection.execute(checkpoint.delete().where(checkpoint.c.participant == world.owner.id))
    connection.execute(receipt.delete())
    append(connection, [Entry(one.kind, one.peer, one.subject, one.body) for one in kept], world.owner.now)
    checkpoints.checkpoint(connection, world.owner.identity, world.owner.now)


def attack(world: World, connection: sa.Connection, kind: str, mended: bool, chance: random.Random) -> None:
    """Change the owner's log."""
    if kind in CHANGES:
        change = alter if mended and kind == "flip" else CHANGES[kind]
        entries = change(stored_bodies(connection), chance)
        store(connection, renumbered(entries) if mended else entries, mend=mended)
        if mended:  # his own store of receipts is no obstacle either
            connection.execute(receipt.delete())
        return
    logged = list(ledger.all_entries(connection))
    events = [one.position for one in logged if one.kind.startswith("event_")]
    if kind == "truncate":
        start_anew(world, connection, logged[: chance.randrange(events[0] + 1, len(logged))])
    else:
        gone = chance.choice(events)
        start_anew(world, connection, [one for one in logged if one.position != gone])


@contextmanager
def changed(world: World, kind: str, mended: bool, chance: random.Random) -> Iterator[sa.Connection]:
    """Give a connection to the attacked log; all of it is taken back at the end."""
    with world.owner.database.write() as connection:
        savepoint = connection.begin_nested()
        try:
            attack(world, connection, kind, mended, chance)
            yield connection
        finally:
            savepoint.rollback()


def compare_nothing(self: Any, own: list[Any]) -> None:
    """The broken verifier of the control: it computes the tree and holds it against nothing."""


def trial(world: World, kind: str, mended: bool, chance: random.Random) -> tuple[bool, bool | None]:
    """Return whether the change is detected, and whether the control missed it (None: no control)."""
    with changed(world, kind, mended, chance) as connection:
        stored = faults_of_stored(connection) if kind in PLAIN and not mended else []
        bundle = world.export(connection)
    found = bool(verifier.verify(bundle, world.roots(), [world.witness]).faults)
    if kind in PLAIN and not mended:
        # Plain changes leave the stored hashes as they were: found in the database as well as in what it exports.
        return found and bool(stored), None
    if kind in PLAIN:
        with mock.patch.object(verifier._Log, "compare", compare_nothing):
            return found, not verifier.verify(bundle, world.roots()).faults
    return found, not verifier.verify(bundle, world.roots()).faults


def live_alarm(world: World, chance: random.Random) -> bool:
    """Say whether the partner's next fetch shows a log rewritten by its owner."""
    with changed(world, "rewrite", False, chance) as connection:
        signed = checkpoints.latest(connection, world.owner.id)
        assert signed is not None
        with world.partner.database.write() as theirs:
            held = checkpoints.latest(theirs, world.owner.id)
            assert held is not None
            small = min(held.size, signed.size)
            proof = ledger.consistency_proof(connection, small, signed.size)
            savepoint = theirs.begin_nested()
            found = checkpoints.receive_checkpoint(theirs, world.owner.id, signed.jws, proof, world.owner.now)
            savepoint.rollback()
    return found.outcome is checkpoints.Outcome.CONTRADICTION


def prepare(databases: Callable[[], Any], folder: Path) -> World:
    """Two ports, an agreement, deliveries, checkpoints exchanged."""
    owner, partner = two_ports(databases, folder)
    sign_agreement(owner, partner)
    open_stream(owner, partner)
    for first in range(1, EVENTS + 1, BATCH):
        deliver(owner, partner, first, first + BATCH - 1)
    show(owner, partner)
    show(partner, owner)
    show(owner, partner)
    witness = partner.export(folder / "witness")
    return World(owner, partner, witness, folder)


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run row S3 on one database.

    Returns
    -------
    dict
        Keys of every row; ``lost`` counts changes that were not detected. ``kinds``: (tried, detected) by attack.
    """
    chance = random.Random(seed)
    count = FULL if full else SMALL
    attacks = [(kind, mended) for kind in PLAIN for mended in (False, True)] + [(kind, False) for kind in BY_OWNER]
    kinds: dict[str, list[int]] = {}
    missed_by_control: dict[str, int] = {}
    try:
        with machine(database) as made:
            world = prepare(made.database, made.folder)
            with world.owner.database.read() as connection:
                sound = verifier.verify(world.export(connection), world.roots(), [world.witness]).faults
            for kind, mended in attacks:
                name = f"{kind}, hashes mended" if mended else kind
                tally = kinds.setdefault(name, [0, 0])
                for _ in range(count):
                    found, missed = trial(world, kind, mended, chance)
                    tally[0] += 1
                    tally[1] += found
                    if missed is not None:
                        missed_by_control[name] = missed_by_control.get(name, 0) + missed
            alarms = sum(live_alarm(world, chance) for _ in range(count))
    except NotProvenError as reason:
        return result("S3", seed, database, passed=False, control_failed=False) | {
            "verdict": "not proven",
            "reason": str(reason),
        }
    tried = sum(tally[0] for tally in kinds.values())
    lost = sum(tally[0] - tally[1] for tally in kinds.values()) + count - alarms
    controls = {name: missed == count for name, missed in missed_by_control.items()}
    return result(
        "S3",
        seed,
        database,
        passed=lost == 0 and not sound,
        control_failed=bool(controls) and all(controls.values()),
        tried=tried + count,
        lost=lost,
        doubled=0,
        outside=0,
        kinds={name: tuple(tally) for name, tally in kinds.items()},
        alarms=alarms,
        false_alarms=sound,
        controls=controls,
    )


if __name__ == "__main__":
    for engine in ("sqlite", "postgresql"):
        print(json.dumps(run(full="--full" in sys.argv, database=engine), indent=1))
