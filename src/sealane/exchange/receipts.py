"""Signed receipts: what a recipient says about every event of a batch, and where its counter stands.

A receipt is a JWS over canonical JSON. It names the size and root of the recipient's log, so that each one is a
checkpoint as well. A receipt without events answers the question for the cursor.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.delivery import receipt as receipt_table
from sealane.errors import Fault, RequestRefusedError
from sealane.exchange import strict_json
from sealane.exchange.events import read_time, time_text

RECEIPT_TYPE = "sealane-receipt+jws"
RECEIPT_MEDIA_TYPE = "application/jose"
MAX_RECEIPT_BYTES = 1024 * 1024


class ReceiptOutcome(StrEnum):
    """What the recipient did with an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # had been seen before, byte for byte; no second effect
    REFUSED = "refused"


@dataclass(frozen=True)
class EventOutcome:
    """One event in a receipt; `reason` only where it was refused."""

    sequence: int
    id: str
    digest: str
    outcome: ReceiptOutcome
    reason: str | None = None


@dataclass(frozen=True)
class Receipt:
    """What a recipient signs.

    Attributes
    ----------
    provider, recipient : participant ids.
    next_sequence : the sequence the recipient expects next.
    in_force : the recipient holds this version of the agreement to be in force.
    state : of the stream at the recipient.
    ledger_size, ledger_root : of the recipient's log with this batch in it.
    """

    stream_id: str
    provider: str
    recipient: str
    agreement_id: str
    agreement_version: int
    clause_id: str
    events: tuple[EventOutcome, ...]
    next_sequence: int
    in_force: bool
    state: str
    ledger_size: int
    ledger_root: str
    issued_at: dt.datetime


def receipt_bytes(receipt: Receipt) -> bytes:
    """Return the bytes that are signed (JSON with sorted keys, as RFC 8785 has it for texts and whole numbers)."""
    events = []
    for event in receipt.events:
        row: dict[str, Any] = {
            "digest": event.digest,
            "id": event.id,
            "outcome": event.outcome.value,
            "sequence": event.sequence,
        }
        if event.reason is not None:
            row["reason"] = event.reason
        events.append(row)
    document = {
        "agreement": receipt.agreement_id,
        "clause": receipt.clause_id,
        "events": events,
        "in_force": receipt.in_force,
        "issued_at": time_text(receipt.issued_at),
        "ledger": {"root": receipt.ledger_root, "size": receipt.ledger_size},
        "next_sequence": receipt.next_sequence,
        "provider": receipt.provider,
        "recipient": receipt.recipient,
        "state": receipt.state,
        "stream": receipt.stream_id,
        "version": receipt.agreement_version,
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def parse_receipt(payload: bytes) -> Receipt:
    """Read the payload of a receipt whose signature has been verified.

    Raises
    ------
    RequestRefusedError
        502: the partner answered what is no receipt; nothing may be marked as acknowledged by it.
    """
    try:
        document = strict_json.parse(payload, max_bytes=MAX_RECEIPT_BYTES)
        return _read(document)
    except (RequestRefusedError, KeyError, TypeError, ValueError) as error:
        name = error.args[0] if isinstance(error, KeyError) else type(error).__name__
        raise no_receipt(f"its payload does not have the form of a receipt ({name})") from error


def no_receipt(found: str) -> RequestRefusedError:
    """Return the error for an answer that cannot be believed."""
    return RequestRefusedError(
        502,
        "bad-receipt",
        f"The partner's receipt cannot be used: {found}.",
        "The events stay unacknowledged and are sent again; ask the partner which software answers.",
        (Fault("receipt", found, "a signed receipt as docs/method/delivery.md has it"),),
    )


def store_receipt(
    connection: sa.Connection, *, stream_id: str, direction: str, receipt: Receipt, jws: str, now: dt.datetime
) -> str:
    """Keep the exact JWS, given (``out``) or got (``in``); return its id."""
    key = hashlib.sha256(jws.encode("ascii")).hexdigest()
    if connection.execute(sa.select(receipt_table.c.id).where(receipt_table.c.id == key)).first() is None:
        first, last = span(receipt.events, receipt.next_sequence)
        connection.execute(
            receipt_table.insert().values(
                id=key,
                stream_id=stream_id,
                direction=direction,
                first_sequence=first,
                last_sequence=last,
                jws=jws,
                created_at=now,
            )
        )
    return key


def span(events: Sequence[EventOutcome], next_sequence: int) -> tuple[int, int]:
    """Return the first and last sequence; an empty receipt stands before the next one."""
    if not events:
        return next_sequence, next_sequence - 1
    return events[0].sequence, events[-1].sequence


def _read(document: Mapping[str, Any]) -> Receipt:
    issued_at = read_time(_text(document["issued_at"]))
    if issued_at is None:
        raise ValueError("issued_at")
    rows = document["events"]
    if not isinstance(rows, list):
        raise TypeError("events")
    return Receipt(
        stream_id=_text(document["stream"]),
        provider=_text(document["provider"]),
        recipient=_text(document["recipient"]),
        agreement_id=_text(document["agreement"]),
        agreement_version=_whole(document["version"]),
        clause_id=_text(document["clause"]),
        events=tuple(
            EventOutcome(
                sequence=_whole(row["sequence"]),
                id=_text(row["id"]),
                digest=_text(row["digest"]),
                outcome=ReceiptOutcome(row["outcome"]),
                reason=None if row.get("reason") is None else _text(row["reason"]),
            )
            for row in rows
        ),
        next_sequence=_whole(document["next_sequence"]),
        in_force=_boolean(document["in_force"]),
        state=_text(document["state"]),
        ledger_size=_whole(document["ledger"]["size"]),
        ledger_root=_text(document["ledger"]["root"]),
        issued_at=issued_at,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("whole number")
    return value


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value
