"""The node's tamper-evident log: entries go in, proofs come out; nothing is ever changed or taken away.

Every step that a partner could dispute is one entry (`EntryKind`), written in the transaction that does the step.
An entry's bytes are canonical JSON (RFC 8785) and hold its own position, kind, partner, subject, time, body and a
salt: a partner is shown the hashes of entries that concern others, and without the salt he could guess them.
Entries hold digests and decisions, never payloads.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sealane.database.engine import for_update
from sealane.database.tables.ledger import head as head_table
from sealane.database.tables.ledger import leaf as leaf_table
from sealane.database.tables.ledger import node as node_table
from sealane.errors import StoreError
from sealane.exchange.merkle import (
    Span,
    Subtree,
    added_subtrees,
    complete_subtrees,
    consistency_spans,
    inclusion_spans,
    leaf_hash,
    needed_subtrees,
    span_hash,
)

MAX_SAFE_INTEGER = 2**53 - 1  # beyond it JSON readers disagree (RFC 8785, section 3.2.2.3)
SALT_BYTES = 16


class EntryKind(StrEnum):
    """What an entry tells; ``docs/reference/ledger.md`` lists the body of each."""

    AGREEMENT_PROPOSED = "agreement_proposed"
    AGREEMENT_SIGNED = "agreement_signed"
    AGREEMENT_IN_FORCE = "agreement_in_force"
    AGREEMENT_DECLINED = "agreement_declined"
    AGREEMENT_SUPERSEDED = "agreement_superseded"
    AGREEMENT_RETIRED = "agreement_retired"
    NEGOTIATION_AGREED = "negotiation_agreed"
    NEGOTIATION_TERMINATED = "negotiation_terminated"
    TRANSFER_STARTED = "transfer_started"
    TRANSFER_ENDED = "transfer_ended"
    STREAM_OPENED = "stream_opened"
    STREAM_CLOSED = "stream_closed"
    EVENT_SEALED = "event_sealed"
    EVENT_WITHHELD = "event_withheld"
    EVENT_RECEIVED = "event_received"
    EVENT_REFUSED = "event_refused"
    EVENT_DROPPED = "event_dropped"
    CELLS_RELEASED = "cells_released"
    RECORD_PULLED = "record_pulled"
    DOCUMENT_FETCHED = "document_fetched"
    RECEIPT_GIVEN = "receipt_given"
    RECEIPT_GOT = "receipt_got"
    PEER_ADDED = "peer_added"
    PEER_REMOVED = "peer_removed"
    KEY_CERTIFIED = "key_certified"
    KEY_ROTATED = "key_rotated"
    KEY_REVOKED = "key_revoked"
    CHECKPOINT_RECEIVED = "checkpoint_received"
    ALARM = "alarm"
    ALARM_CLEARED = "alarm_cleared"
    NODE_RESTORED = "node_restored"


# Keys without which two logs cannot be compared; an entry that lacks one is refused. More keys are welcome.
REQUIRED_KEYS: Mapping[EntryKind, frozenset[str]] = {
    EntryKind.EVENT_SEALED: frozenset({"stream", "sequence", "digest", "agreement", "version", "clause"}),
    EntryKind.EVENT_WITHHELD: frozenset({"stream", "reason", "agreement", "version", "clause"}),
    EntryKind.EVENT_RECEIVED: frozenset({"stream", "sequence", "digest", "agreement", "version", "clause"}),
    EntryKind.EVENT_REFUSED: frozenset({"stream", "sequence", "digest", "reason"}),
    EntryKind.RECEIPT_GIVEN: frozenset({"stream", "first_sequence", "last_sequence", "digest"}),
    EntryKind.RECEIPT_GOT: frozenset({"stream", "first_sequence", "last_sequence", "digest"}),
    EntryKind.CHECKPOINT_RECEIVED: frozenset({"size", "root", "digest"}),
}


@dataclass(frozen=True)
class Entry:
    """What is to be logged.

    Attributes
    ----------
    kind : an `EntryKind` or its value.
    peer : participant id of the partner it concerns, who may read it; None where it concerns nobody else.
    subject : what a reader looks it up by: an event id, ``agreement-id/version``, a key id.
    body : JSON of texts, whole numbers, booleans, null, lists and mappings; no floating-point numbers. Digests are
        SHA-256 in lower-case hexadecimal.
    """

    kind: EntryKind | str
    peer: str | None
    subject: str | None
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LoggedEntry:
    """One entry as it stands in the log.

    Attributes
    ----------
    position : from 0.
    entry : the canonical bytes that are hashed.
    hash : leaf hash, 32 bytes.
    """

    position: int
    kind: str
    peer: str | None
    subject: str | None
    logged_at: dt.datetime
    entry: bytes
    hash: bytes

    @property
    def text(self) -> str:
        """The bytes as text. What somebody has made unreadable in the database is shown, its hash does not fit then."""
        return self.entry.decode("utf-8", "replace")

    @property
    def body(self) -> Mapping[str, Any]:
        """The body, parsed."""
        body: Mapping[str, Any] = json.loads(self.entry)["body"]
        return body


def append(connection: sa.Connection, entries: Sequence[Entry], now: dt.datetime) -> range:
    """Append entries in the caller's write transaction and return their positions.

    The log's one row is locked until that transaction ends, so append as late in it as you can.

    Raises
    ------
    ValueError
        If a kind is unknown, a required key is missing or a value cannot be written without ambiguity: a fault of
        the calling code, which must not go into a log that cannot be mended.
    """
    if not entries:
        size = log_size(connection)
        return range(size, size)
    size = _locked_size(connection)
    stamp, salts = utc_text(now), os.urandom(SALT_BYTES * len(entries)).hex()
    leaves: list[dict[str, Any]] = []
    for offset, entry in enumerate(entries):
        text = entry_bytes(entry, size + offset, stamp, salts[offset * 2 * SALT_BYTES : (offset + 1) * 2 * SALT_BYTES])
        leaves.append(
            {
                "position": size + offset,
                "kind": str(entry.kind),
                "peer": entry.peer,
                "subject": entry.subject,
                "entry": text,
                "hash": leaf_hash(text),
                "logged_at": now,
            }
        )
    frontier = subtree_hashes(connection, complete_subtrees((0, size)))
    nodes = [
        {"level": level, "position": index, "hash": value}
        for (level, index), value in added_subtrees(size, [row["hash"] for row in leaves], frontier).items()
    ]
    connection.execute(leaf_table.insert(), leaves)
    if nodes:
        connection.execute(node_table.insert(), nodes)
    connection.execute(head_table.update().where(head_table.c.id == 1).values(size=size + len(leaves)))
    return range(size, size + len(leaves))


def entry_bytes(entry: Entry, position: int, time: str, salt: str) -> bytes:
    """Return the canonical bytes of an entry (RFC 8785).

    Python's own encoder gives exactly these bytes for what is let through here (no floating-point numbers, keys in
    ASCII), about five times as fast as a general one; a test compares the two.

    Raises
    ------
    ValueError
        As `append`.
    """
    kind = EntryKind(entry.kind)
    missing = REQUIRED_KEYS.get(kind, frozenset()) - entry.body.keys()
    if missing:
        raise ValueError(f"ledger entry {kind.value}: the body lacks {', '.join(sorted(missing))}")
    if not _is_plain(entry.body):
        _refuse(entry.body, f"ledger entry {kind.value}: body")
    document = {
        "position": position,
        "kind": kind.value,
        "peer": entry.peer,
        "subject": entry.subject,
        "time": time,
        "salt": salt,
        "body": entry.body if type(entry.body) is dict else dict(entry.body),
    }
    return _ENCODER.encode(document).encode("utf-8")


def log_size(connection: sa.Connection) -> int:
    """Return the number of entries."""
    return connection.execute(sa.select(head_table.c.size).where(head_table.c.id == 1)).scalar() or 0


def root_at(connection: sa.Connection, size: int) -> bytes:
    """Return the root of the first ``size`` entries.

    Raises
    ------
    ValueError
        If the log is shorter.
    """
    _check_size(connection, size)
    return span_hash((0, size), subtree_hashes(connection, complete_subtrees((0, size))))


def inclusion_proof(connection: sa.Connection, position: int, size: int) -> list[bytes]:
    """Return the hashes that prove an entry to be among the first ``size``, as `merkle.verify_inclusion` wants them.

    Raises
    ------
    ValueError
        Unless 0 <= position < size <= log size.
    """
    _check_size(connection, size)
    return _proof(connection, inclusion_spans(position, size))


def inclusion_proofs(connection: sa.Connection, positions: Sequence[int], size: int) -> list[list[bytes]]:
    """Return `inclusion_proof` for many entries with two statements for all of them."""
    _check_size(connection, size)
    spans = [inclusion_spans(position, size) for position in positions]
    hashes = subtree_hashes(connection, sorted({tile for proof in spans for tile in needed_subtrees(proof)}))
    return [[span_hash(span, hashes) for span in proof] for proof in spans]


def consistency_proof(connection: sa.Connection, old: int, new: int) -> list[bytes]:
    """Return the hashes that prove the first ``old`` entries unchanged within the first ``new``.

    Raises
    ------
    ValueError
        Unless 0 <= old <= new <= log size.
    """
    _check_size(connection, new)
    return _proof(connection, consistency_spans(old, new))


def entries(
    connection: sa.Connection,
    *,
    peer: str | None = None,
    subject: str | None = None,
    kinds: Sequence[str] | None = None,
    after: int = -1,
    limit: int = 1000,
) -> list[LoggedEntry]:
    """Return entries behind position ``after`` in order; each argument given narrows the choice."""
    statement = sa.select(leaf_table).where(leaf_table.c.position > after)
    if peer is not None:
        statement = statement.where(leaf_table.c.peer == peer)
    if subject is not None:
        statement = statement.where(leaf_table.c.subject == subject)
    if kinds is not None:
        statement = statement.where(leaf_table.c.kind.in_([str(kind) for kind in kinds]))
    rows = connection.execute(statement.order_by(leaf_table.c.position).limit(limit))
    return [
        LoggedEntry(r.position, r.kind, r.peer, r.subject, r.logged_at, bytes(r.entry), bytes(r.hash)) for r in rows
    ]


def all_entries(
    connection: sa.Connection, *, peer: str | None = None, stop: int | None = None
) -> Iterator[LoggedEntry]:
    """Give every entry in order without holding them all in memory; ``stop`` is exclusive."""
    after = -1
    while page := entries(connection, peer=peer, after=after, limit=5000):
        for entry in page:
            if stop is not None and entry.position >= stop:
                return
            yield entry
        after = page[-1].position


def leaf_hashes(connection: sa.Connection, start: int, stop: int) -> list[bytes]:
    """Return the leaf hashes of positions ``[start, stop)``; fewer where the log ends before."""
    rows = connection.execute(
        sa.select(leaf_table.c.hash)
        .where(leaf_table.c.position >= start, leaf_table.c.position < stop)
        .order_by(leaf_table.c.position)
    ).scalars()
    return [bytes(value) for value in rows]


def digest_of(data: bytes | str) -> str:
    """Return SHA-256 in hexadecimal, as digests stand in entries."""
    return hashlib.sha256(data.encode("utf-8") if isinstance(data, str) else data).hexdigest()


def utc_text(moment: dt.datetime) -> str:
    """Return a time as it stands in entries: UTC, microseconds, ``Z``.

    Raises
    ------
    ValueError
        If it has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be logged: {moment.isoformat()}")
    return moment.astimezone(dt.UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def _is_plain(value: Any) -> bool:
    """Say whether every JSON writer would write the same; quick, because every entry passes here."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not key.isascii() or not _is_plain(item):
                return False
        return True
    return kind in {list, tuple} and all(map(_is_plain, value))


def _refuse(value: Any, path: str) -> None:
    """Raise for the first thing that two JSON writers could write differently; return for subclasses that are fine."""
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > MAX_SAFE_INTEGER:
            raise ValueError(f"{path}: {value} is too large for JSON; write it as text")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise ValueError(f"{path}: the key {key!r} is not ASCII text")
            _refuse(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _refuse(item, f"{path}[{index}]")
    else:
        raise ValueError(f"{path}: {type(value).__name__} cannot stand in a ledger entry; write it as text")  # noqa: TRY004 - one error for all that cannot be logged


def _locked_size(connection: sa.Connection) -> int:
    statement = for_update(sa.select(head_table.c.size).where(head_table.c.id == 1), connection)
    size = connection.execute(statement).scalar()
    if size is None:
        dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
        connection.execute(dialect.insert(head_table).values(id=1, size=0).on_conflict_do_nothing())
        size = connection.execute(statement).scalar_one()
    return int(size)


def _check_size(connection: sa.Connection, size: int) -> None:
    have = log_size(connection)
    if not 0 <= size <= have:
        raise ValueError(f"the log has {have} entries, not {size}")


def _proof(connection: sa.Connection, spans: list[Span]) -> list[bytes]:
    hashes = subtree_hashes(connection, needed_subtrees(spans))
    return [span_hash(span, hashes) for span in spans]


def subtree_hashes(connection: sa.Connection, wanted: Sequence[Subtree]) -> dict[Subtree, bytes]:
    """Read the hashes of complete subtrees: two statements however many there are.

    Raises
    ------
    StoreError
        If one is missing: the log was damaged.
    """
    found = stored_hashes(connection, wanted)
    if len(found) < len(set(wanted)):
        raise StoreError("The log's stored hashes are damaged: `sealane ledger verify` says where. Restore a backup.")
    return found


def stored_hashes(connection: sa.Connection, wanted: Sequence[Subtree]) -> dict[Subtree, bytes]:
    """Read those hashes of complete subtrees that are there."""
    found: dict[Subtree, bytes] = {}
    leaves = [index for level, index in wanted if level == 0]
    if leaves:
        rows = connection.execute(
            sa.select(leaf_table.c.position, leaf_table.c.hash).where(leaf_table.c.position.in_(leaves))
        )
        found.update(((0, row.position), bytes(row.hash)) for row in rows)
    rows_of: dict[int, list[int]] = {}
    for level, index in wanted:
        if level:
            rows_of.setdefault(level, []).append(index)
    if rows_of:
        chosen = [
            sa.and_(node_table.c.level == level, node_table.c.position.in_(indices))
            for level, indices in rows_of.items()
        ]
        rows = connection.execute(sa.select(node_table).where(sa.or_(*chosen)))
        found.update(((row.level, row.position), bytes(row.hash)) for row in rows)
    return found
