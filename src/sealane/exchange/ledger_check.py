"""Whether a node's log holds: its entries, signatures and checkpoints, and what is stored beside the entries' bytes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sealane.errors import Fault
from sealane.exchange.ledger import all_entries, log_size, stored_hashes, utc_text
from sealane.exchange.merkle import Subtree, leaf_hash, node_hash

if TYPE_CHECKING:
    from sealane.exchange.verifier import Report
    from sealane.node.context import Node

# (stage, entries done); stages: stored, export, verify
Progress = Callable[[str, int], None]
TOLD_EVERY = 5_000


def _silent(stage: str, done: int) -> None:
    """Tell nobody."""


def verify_own_log(
    node: Node,
    *,
    roots: Mapping[str, dict[str, Any]] | None = None,
    witnesses: list[Path] | None = None,
    progress: Progress = _silent,
) -> tuple[Report, list[str]]:
    """Export a node's log to a temporary place and verify that; hold what is stored beside the entries against them.

    Parameters
    ----------
    roots : public root keys known from elsewhere, by participant; those of registered partners are known anyway.
    witnesses : bundles of partners, which hold checkpoints of this log.

    Returns
    -------
    The verifier's report, and the faults of what is stored beside the entries.
    """
    from sealane.exchange.ledger_export import export_bundle
    from sealane.exchange.peers import list_peers
    from sealane.exchange.verifier import verify

    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "bundle"
        with node.database.read() as connection:
            stored = [str(fault) for fault in faults_of_stored(connection, lambda done: progress("stored", done))]
            registered = {peer.participant: peer.root_key for peer in list_peers(connection)}
            progress("export", 0)
            export_bundle(connection, node.identity, out, node.clock())
        progress("verify", 0)
        known = {node.identity.participant: node.identity.root_jwk, **registered, **(roots or {})}
        return verify(out, known, witnesses), stored


def faults_of_stored(connection: sa.Connection, told: Callable[[int], None] | None = None) -> list[Fault]:
    """Recompute everything that is stored beside the entries' bytes and return what differs.

    The columns are an index and the subtree hashes a cache: the bytes and the signed checkpoints are what counts. A
    wrong one would make the node give proofs that nobody can verify.

    Parameters
    ----------
    told : is told now and then how many entries have been looked at.
    """
    faults: list[Fault] = []
    peaks: list[tuple[int, bytes]] = []  # (level, hash), the right edge
    nodes: dict[Subtree, bytes] = {}
    count = 0
    for row in all_entries(connection):
        where = f"entry {row.position}"
        if row.position != count:
            faults.append(Fault(where, f"stands where entry {count} should", "Restore a backup; entries are missing."))
            count = row.position
        document = _parsed(row.entry)
        stored = {"position": row.position, "kind": row.kind, "peer": row.peer, "subject": row.subject}
        for name, value in {**stored, "time": utc_text(row.logged_at)}.items():
            if document.get(name) != value:
                found = f"holds {value!r}, the entry's bytes {document.get(name)!r}"
                faults.append(Fault(f"{where}, column {name}", found, "The bytes count."))
        carried = leaf_hash(row.entry)
        if carried != row.hash:
            faults.append(Fault(f"{where}, column hash", "is not the hash of the entry's bytes", "One was altered."))
        level, index = 0, count
        while index % 2 and peaks:
            carried = node_hash(peaks.pop()[1], carried)
            level, index = level + 1, index >> 1
            nodes[level, index] = carried
        peaks.append((level, carried))
        count += 1
        if told is not None and count % TOLD_EVERY == 0:
            told(count)
        if len(nodes) >= 10_000:
            faults += _node_faults(connection, nodes)
    faults += _node_faults(connection, nodes)
    if (head := log_size(connection)) != count:
        faults.append(Fault("ledger_head", f"says {head}, there are {count} entries", "One was altered."))
    return faults


def _parsed(entry: bytes) -> dict[str, Any]:
    """Return the entry's keys; none where the bytes were made unreadable, so that every column differs."""
    try:
        document = json.loads(entry)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _node_faults(connection: sa.Connection, nodes: dict[Subtree, bytes]) -> list[Fault]:
    stored = stored_hashes(connection, list(nodes))
    faults = [
        Fault(f"subtree {level}/{index}", "its stored hash is not that of its entries", "One was altered.")
        for (level, index), value in nodes.items()
        if stored.get((level, index)) != value
    ]
    nodes.clear()
    return faults
