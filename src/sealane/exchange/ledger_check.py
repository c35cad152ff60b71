"""Whether the log's index columns and stored subtree hashes agree with its entries' bytes."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from sealane.errors import Fault
from sealane.exchange.ledger import all_entries, log_size, stored_hashes, utc_text
from sealane.exchange.merkle import Subtree, leaf_hash, node_hash


def faults_of_stored(connection: sa.Connection) -> list[Fault]:
    """Recompute everything that is stored beside the entries' bytes and return what differs.

    The columns are an index and the subtree hashes a cache: the bytes and the signed checkpoints are what counts. A
    wrong one would make the node give proofs that nobody can verify.
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
