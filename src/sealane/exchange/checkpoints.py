"""Signed checkpoints of the log, and what partners' checkpoints prove about theirs.

A checkpoint is a JWS (typ `TYP`) over ``{participant, size, root, time}``. A node keeps every checkpoint it was shown:
the owner of a log can rewrite its database, but not what partners hold under its own signature. What contradicts an
earlier checkpoint is kept with it as evidence, logged and raised as an alarm on the partner.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import rfc8785
import sqlalchemy as sa

from sealane.database.engine import for_update
from sealane.database.tables.identity import peer as peer_table
from sealane.database.tables.ledger import checkpoint as checkpoint_table
from sealane.database.tables.ledger import leaf as leaf_table
from sealane.errors import RequestRefusedError
from sealane.exchange import ledger
from sealane.exchange.evidence import verify_evidence
from sealane.exchange.ledger import Entry, EntryKind, append, digest_of, utc_text
from sealane.exchange.merkle import HASH_BYTES, verify_consistency
from sealane.exchange.strict_json import parse

if TYPE_CHECKING:
    from sealane.exchange.keys import Identity

TYP = "sealane-checkpoint+jws"
MAX_PROOF_HASHES = 128  # a tree of 2**63 leaves needs fewer
CLOCK_TOLERANCE = dt.timedelta(seconds=5)
_KEYS = {"participant", "size", "root", "time"}


@dataclass(frozen=True)
class Checkpoint:
    """What a participant signed about its log.

    Attributes
    ----------
    root : 32 bytes.
    time : when it was signed, as the signer says.
    jws : the exact signed text.
    """

    participant: str
    size: int
    root: bytes
    time: dt.datetime
    jws: str


class Outcome(StrEnum):
    """What became of a checkpoint that was received."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    OLDER = "older"
    PROOF_NEEDED = "proof_needed"
    CONTRADICTION = "contradiction"


@dataclass(frozen=True)
class Witnessed:
    """Outcome of `receive_checkpoint`; ``held`` is the size of the newest checkpoint accepted from the participant."""

    outcome: Outcome
    held: int
    reason: str | None = None


def checkpoint(connection: sa.Connection, identity: Identity, now: dt.datetime) -> Checkpoint:
    """Sign the log as it stands in this transaction and keep the checkpoint; the same size gives the same one."""
    size = ledger.log_size(connection)
    own = latest(connection, identity.participant)
    if own is not None and own.size == size:
        return own
    root = ledger.root_at(connection, size)
    payload: dict[str, Any] = {
        "participant": identity.participant,
        "size": size,
        "root": root.hex(),
        "time": utc_text(now),
    }
    jws = identity.sign(rfc8785.dumps(payload), TYP, now)
    made = Checkpoint(identity.participant, size, root, now, jws)
    _keep(connection, made, verified=True)
    return made


def checkpoint_if_news(connection: sa.Connection, identity: Identity, now: dt.datetime) -> Checkpoint:
    """Return the newest own checkpoint; sign a new one only if more was logged since than partners' checkpoints.

    Two nodes that log each other's checkpoints would otherwise answer each other without end.
    """
    own = latest(connection, identity.participant)
    if own is not None:
        news = sa.select(leaf_table.c.position).where(
            leaf_table.c.position >= own.size, leaf_table.c.kind != EntryKind.CHECKPOINT_RECEIVED.value
        )
        if connection.execute(news.limit(1)).first() is None:
            return own
    return checkpoint(connection, identity, now)


def latest(connection: sa.Connection, participant: str) -> Checkpoint | None:
    """Return the largest checkpoint of a participant that is proven consistent, None where there is none."""
    row = connection.execute(
        _current(participant)
        .where(checkpoint_table.c.verified, checkpoint_table.c.contradiction.is_(None))
        .order_by(checkpoint_table.c.size.desc())
        .limit(1)
    ).first()
    return None if row is None else _of_row(row)


def unproven(connection: sa.Connection, participant: str, below: int, limit: int) -> list[Checkpoint]:
    """Return noted checkpoints that are not yet proven to lie in the log of size ``below``, the largest first."""
    rows = connection.execute(
        _current(participant)
        .where(
            sa.not_(checkpoint_table.c.verified),
            checkpoint_table.c.contradiction.is_(None),
            checkpoint_table.c.size <= below,
        )
        .order_by(checkpoint_table.c.size.desc())
        .limit(limit)
    )
    return [_of_row(row) for row in rows]


def read_checkpoint(connection: sa.Connection, participant: str, jws: str, now: dt.datetime) -> Checkpoint:
    """Verify a partner's signature and read the checkpoint.

    Raises
    ------
    RequestRefusedError
        If the signature, the form or the participant is wrong, or its time lies in the future.
    """
    document = parse(verify_evidence(connection, jws, TYP, participant, now))
    if not isinstance(document, dict) or document.keys() != _KEYS:
        raise _refused(f"the checkpoint does not have exactly the keys {', '.join(sorted(_KEYS))}")
    size, root, time = document["size"], document["root"], _time(document["time"])
    if document["participant"] != participant:
        raise _refused("the checkpoint is of another participant than its signer")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _refused("the checkpoint's size is not a whole number from 0")
    if time > now + CLOCK_TOLERANCE:
        raise _refused("the checkpoint's time lies in the future")
    return Checkpoint(participant, size, _hash(root), time, jws)


def note_checkpoint(connection: sa.Connection, noted: Checkpoint, now: dt.datetime) -> Witnessed:
    """Keep what a partner signed about its log elsewhere than in a checkpoint: in a receipt, already verified.

    It comes without a proof; the next exchange of checkpoints asks for it. What its size and root already contradict is
    found at once.

    Parameters
    ----------
    noted : ``jws`` is the receipt.
    """
    return _receive(connection, noted, None, None, now)


def receive_checkpoint(
    connection: sa.Connection,
    participant: str,
    jws: str,
    proof: Sequence[bytes],
    now: dt.datetime,
    *,
    proof_from: int | None = None,
) -> Witnessed:
    """Verify a partner's checkpoint against the last one held and keep it.

    Parameters
    ----------
    proof : consistency proof from the size last held (empty for the first checkpoint).
    proof_from : the size the sender proved from; another than the one held gives ``PROOF_NEEDED``.

    A contradiction is returned, not raised: the evidence and the alarm must be committed.

    Raises
    ------
    RequestRefusedError
        If it is not a checkpoint signed by this participant.
    """
    return _receive(connection, read_checkpoint(connection, participant, jws, now), proof, proof_from, now)


def prove_noted(
    connection: sa.Connection, noted: Checkpoint, newest: Checkpoint, proof: Sequence[bytes], now: dt.datetime
) -> bool:
    """Prove a noted checkpoint by a consistency proof to the newest one, or raise the alarm.

    A proven one is dropped: the newest covers it, and the receipt it came from is kept where receipts are.
    """
    if verify_consistency(noted.size, noted.root, newest.size, newest.root, proof):
        row = (checkpoint_table.c.participant == noted.participant, checkpoint_table.c.root == noted.root.hex())
        connection.execute(checkpoint_table.delete().where(*row, sa.not_(checkpoint_table.c.verified)))
        return True
    _contradicts(connection, noted, newest, "the log does not contain the one it signed in a receipt (rewritten)", now)
    return False


def clear_alarm(connection: sa.Connection, participant: str, now: dt.datetime) -> None:
    """Accept a partner's log anew after the operator has looked into an alarm; the evidence is kept, set aside."""
    held = latest(connection, participant)
    connection.execute(
        checkpoint_table.update()
        .where(checkpoint_table.c.participant == participant, checkpoint_table.c.set_aside_at.is_(None))
        .values(set_aside_at=now)
    )
    connection.execute(peer_table.update().where(peer_table.c.participant == participant).values(alarm=None))
    body = {"reason": "accepted by the operator", **({"size": held.size, "root": held.root.hex()} if held else {})}
    append(connection, [Entry(EntryKind.ALARM_CLEARED, participant, participant, body)], now)


def accepted_anew_at(connection: sa.Connection, participant: str) -> dt.datetime | None:
    """Return when the operator last accepted the partner's log anew; what it signed before is evidence only."""
    found: dt.datetime | None = connection.scalar(
        sa.select(sa.func.max(checkpoint_table.c.set_aside_at)).where(checkpoint_table.c.participant == participant)
    )
    return found


def parse_proof(value: Any) -> list[bytes]:
    """Read a proof from JSON: a list of hashes in hexadecimal.

    Raises
    ------
    RequestRefusedError
        If it is anything else.
    """
    if not isinstance(value, list) or len(value) > MAX_PROOF_HASHES:
        raise _refused(f"the proof is not a list of at most {MAX_PROOF_HASHES} hashes")
    return [_hash(item) for item in value]


def _receive(
    connection: sa.Connection,
    new: Checkpoint,
    proof: Sequence[bytes] | None,
    proof_from: int | None,
    now: dt.datetime,
) -> Witnessed:
    participant = new.participant
    # The partner's row is the lock: two checkpoints that arrive together are compared one after the other.
    connection.execute(
        for_update(sa.select(peer_table.c.alarm).where(peer_table.c.participant == participant), connection)
    )
    held = latest(connection, participant)
    held_size = 0 if held is None else held.size
    rows = list(connection.execute(_current(participant).where(checkpoint_table.c.size >= new.size)))
    same = next((row for row in rows if row.size == new.size and row.root == new.root.hex()), None)
    if same is not None and (same.verified or same.contradiction or proof is None):
        if same.contradiction:
            return Witnessed(Outcome.CONTRADICTION, held_size, same.contradiction)
        return Witnessed(Outcome.KNOWN, held_size)
    for row in rows:
        if row.size == new.size and row.root != new.root.hex():
            reason = f"two roots are signed for the log of {new.size} entries (rewritten)"
            return _contradicts(connection, new, _of_row(row), reason, now)
        if row.size > new.size and row.created_at < new.time and row.contradiction is None:
            reason = f"a log of {row.size} entries was signed before and one of {new.size} after it (rolled back)"
            return _contradicts(connection, new, _of_row(row), reason, now)
    if held is not None and new.size < held.size:
        return Witnessed(Outcome.OLDER, held_size)
    if proof is None:
        _keep(connection, new, verified=False)
        return Witnessed(Outcome.ACCEPTED, held_size)
    if held is not None:
        if proof_from is not None and proof_from != held.size:
            return Witnessed(Outcome.PROOF_NEEDED, held_size)
        if not verify_consistency(held.size, held.root, new.size, new.root, proof):
            reason = f"the log of {new.size} entries is not shown to contain the one of {held.size} (rewritten)"
            return _contradicts(connection, new, held, reason, now)
    _keep(connection, new, verified=True)
    body = {"size": new.size, "root": new.root.hex(), "digest": digest_of(new.jws)}
    append(connection, [Entry(EntryKind.CHECKPOINT_RECEIVED, participant, str(new.size), body)], now)
    return Witnessed(Outcome.ACCEPTED, new.size)


def _contradicts(
    connection: sa.Connection, new: Checkpoint, held: Checkpoint, reason: str, now: dt.datetime
) -> Witnessed:
    """Keep both signed checkpoints, log and raise the alarm."""
    _keep(connection, new, verified=False)
    connection.execute(_row(new).values(contradiction=reason))
    connection.execute(
        peer_table.update()
        .where(peer_table.c.participant == new.participant)
        .values(alarm=f"its log contradicts what it signed before: {reason}. Both checkpoints are kept as evidence.")
    )
    body = {
        "reason": reason,
        "held_size": held.size,
        "held_root": held.root.hex(),
        "held_digest": digest_of(held.jws),
        "found_size": new.size,
        "found_root": new.root.hex(),
        "found_digest": digest_of(new.jws),
    }
    append(connection, [Entry(EntryKind.ALARM, new.participant, new.participant, body)], now)
    kept = latest(connection, new.participant)
    return Witnessed(Outcome.CONTRADICTION, 0 if kept is None else kept.size, reason)


def _keep(connection: sa.Connection, one: Checkpoint, *, verified: bool) -> None:
    # It may stand there from before an alarm that the operator has cleared since.
    anew = _row(one).values(verified=verified, contradiction=None, set_aside_at=None)
    if connection.execute(anew).rowcount:
        return
    connection.execute(
        checkpoint_table.insert().values(
            participant=one.participant,
            size=one.size,
            root=one.root.hex(),
            jws=one.jws,
            created_at=one.time,
            verified=verified,
        )
    )


def _row(one: Checkpoint) -> sa.Update:
    return checkpoint_table.update().where(
        checkpoint_table.c.participant == one.participant,
        checkpoint_table.c.size == one.size,
        checkpoint_table.c.root == one.root.hex(),
    )


def _current(participant: str) -> sa.Select[Any]:
    return sa.select(checkpoint_table).where(
        checkpoint_table.c.participant == participant, checkpoint_table.c.set_aside_at.is_(None)
    )


def _of_row(row: Any) -> Checkpoint:
    return Checkpoint(row.participant, row.size, bytes.fromhex(row.root), row.created_at, row.jws)


def _hash(value: Any) -> bytes:
    try:
        found = bytes.fromhex(value)
    except (TypeError, ValueError):
        found = b""
    if len(found) != HASH_BYTES or found.hex() != value:
        raise _refused("a hash is not 64 lower-case hexadecimal digits")
    return found


def _time(value: Any) -> dt.datetime:
    try:
        time = dt.datetime.fromisoformat(value)
        if time.tzinfo is None:
            raise _refused("the checkpoint's time has no zone")
        # Stored in UTC: what lies outside the calendar there could be written and never be read again.
        return time.astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        raise _refused("the checkpoint's time is not ISO 8601") from None


def _refused(detail: str) -> RequestRefusedError:
    return RequestRefusedError(
        400, "checkpoint-invalid", detail[0].upper() + detail[1:] + ".", "Send the checkpoint as it was signed."
    )
