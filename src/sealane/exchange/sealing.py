"""One decision after the other under a stream's lock: what goes out gets number and bytes, what does not its reason."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sealane.agreements.clauses import Decision, Granularity, Outcome, Record, Terms
from sealane.agreements.decisions import decide
from sealane.database.tables.delivery import decision as decision_table
from sealane.database.tables.delivery import outbox as outbox_table
from sealane.exchange.events import MAX_EVENT_BYTES, Event, event_bytes
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.streams import Stream
from sealane.products.store import record_of


class RowState(StrEnum):
    """States of a row in the outbox."""

    WAITING = "waiting"  # not decided, or not before due_at
    SEALED = "sealed"  # decided, numbered, bytes fixed; not acknowledged
    ACKNOWLEDGED = "acknowledged"
    WITHHELD = "withheld"
    REFUSED = "refused"  # by the partner; tried again as another row
    DEAD = "dead"  # by the partner, for good
    CANCELLED = "cancelled"  # the stream closed, or a newer revision came, before it went out


@dataclass(frozen=True)
class SealedEvent:
    """One event to send.

    Attributes
    ----------
    data : the event's exact bytes; empty where only its digest is compared.
    """

    sequence: int
    id: str
    digest: str
    data: bytes


class Sealing:
    """Collects what one claim changes, so that it is written in a handful of statements."""

    def __init__(self, stream: Stream, own: str, terms: Terms, now: dt.datetime) -> None:
        self.stream, self.own, self.terms, self.now = stream, own, terms, now
        self.sequence = stream.next_sequence
        self.updates: list[dict[str, Any]] = []
        self.decisions: list[dict[str, Any]] = []
        self.entries: list[Entry] = []

    def take(self, item: Any) -> None:
        if item.record_position is None:
            self._seal_cell(item)
        elif item.position is None:
            self._end(item, RowState.CANCELLED, "a newer revision of the record took its place before it was due")
        else:
            self._decide(item)

    def _decide(self, item: Any) -> None:
        record = record_of(item)
        decision = decide(record, self.terms, self.now, self.stream.purpose, Granularity.RECORD)
        if decision.outcome is Outcome.WITHHOLD:
            if decision.due_at is not None and decision.due_at > self.now:
                self._change(item, RowState.WAITING, due_at=decision.due_at)
                return
            self._end(item, RowState.WITHHELD, decision.reason.value)
            self._note(item.event_id, record, decision)
            self._log(EntryKind.EVENT_WITHHELD, item.event_id, {"record": record.id, "reason": decision.reason.value})
            return
        # Untrimmed bytes go out as they came in.
        data = bytes(item.body) if decision.outcome is Outcome.ALLOW else _json(decision.body or {})
        if self._seal(item, record, data, simulated=bool(item.simulated), decision=decision):
            self._note(item.event_id, record, decision)

    def _seal_cell(self, item: Any) -> None:
        data = bytes(item.payload)
        record = Record(self.stream.dataset, item.event_id, None, item.due_at)
        self._seal(item, record, data, simulated=b'"simulated":true' in data, decision=None)

    def _seal(self, item: Any, record: Record, data: bytes, *, simulated: bool, decision: Decision | None) -> bool:
        event = Event(
            id=item.event_id,
            source=self.own,
            dataset=self.stream.dataset,
            subject=record.id,
            time=record.occurred_at or record.known_at,
            known_at=record.known_at,
            agreement_id=self.terms.agreement_id,
            agreement_version=self.terms.version,
            clause_id=self.terms.clause.id,
            stream_id=self.stream.id,
            sequence=self.sequence,
            simulated=simulated,
            demonstration=self.terms.clause.demonstration,
            data=data,
        )
        payload = event_bytes(event)
        if len(payload) > MAX_EVENT_BYTES:
            reason = f"the event has {len(payload):,} bytes; {MAX_EVENT_BYTES:,} can be sent"
            self._end(item, RowState.DEAD, reason)
            self._log(EntryKind.EVENT_DROPPED, item.event_id, {"record": record.id, "reason": reason})
            return False
        digest = hashlib.sha256(payload).hexdigest()
        self._change(item, RowState.SEALED, sequence=self.sequence, payload=payload, digest=digest)
        body = {
            "record": record.id,
            "sequence": self.sequence,
            "digest": digest,
            "outcome": "cell" if decision is None else decision.outcome.value,
        }
        if decision is not None and decision.withheld_fields:
            body["withheld_fields"] = list(decision.withheld_fields)
        self._log(EntryKind.EVENT_SEALED, item.event_id, body)
        self.sequence += 1
        return True

    def _end(self, item: Any, state: RowState, reason: str) -> None:
        self._change(item, state, last_error=reason)

    def _change(
        self,
        item: Any,
        state: RowState,
        *,
        due_at: dt.datetime | None = None,
        sequence: int | None = None,
        payload: bytes | None = None,
        digest: str | None = None,
        last_error: str | None = None,
    ) -> None:
        self.updates.append(
            {
                "row": item.outbox_id,
                "new_state": state.value,
                "new_due_at": due_at or item.due_at,
                "new_sequence": sequence,
                "new_payload": payload if payload is not None else item.payload,
                "new_digest": digest,
                "new_error": last_error,
            }
        )

    def _note(self, event_id: str, record: Record, decision: Decision) -> None:
        self.decisions.append(
            {
                "stream_id": self.stream.id,
                "event_id": event_id,
                "peer": self.stream.peer,
                "dataset": record.dataset,
                "record_id": record.id,
                "agreement_id": decision.agreement_id,
                "agreement_version": decision.agreement_version,
                "clause_id": decision.clause_id,
                "purpose": self.stream.purpose,
                "granularity": self.stream.granularity,
                "outcome": decision.outcome.value,
                "reason": decision.reason.value,
                "withheld_fields": list(decision.withheld_fields),
                "decided_at": self.now,
            }
        )

    def _log(self, kind: EntryKind, event_id: str, body: Mapping[str, Any]) -> None:
        place = {
            "stream": self.stream.id,
            "agreement": self.terms.agreement_id,
            "version": self.terms.version,
            "clause": self.terms.clause.id,
        }
        self.entries.append(Entry(kind, self.stream.peer, event_id, {**place, **body}))

    def write(self, connection: sa.Connection) -> None:
        if self.updates:
            connection.execute(_CHANGE.values(changed_at=self.now), self.updates)
        if self.decisions:
            connection.execute(decision_table.insert(), self.decisions)
        append(connection, self.entries, self.now)


_CHANGE = (
    outbox_table.update()
    .where(outbox_table.c.id == sa.bindparam("row"))
    .values(
        state=sa.bindparam("new_state"),
        due_at=sa.bindparam("new_due_at"),
        sequence=sa.bindparam("new_sequence"),
        payload=sa.bindparam("new_payload"),
        digest=sa.bindparam("new_digest"),
        last_error=sa.bindparam("new_error"),
    )
)


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
