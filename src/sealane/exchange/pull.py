"""A partner reads records itself: each is decided and trimmed by the clause of its stream when it is read.

What a partner asks for is matched against what it may see, not against what is held: a filter on a field that the
clause withholds would tell the field's value.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.agreements.clauses import Decision, Granularity, Outcome, Record, Terms
from sealane.agreements.decisions import decide
from sealane.database.tables.delivery import decision as decision_table
from sealane.errors import RequestRefusedError
from sealane.exchange.agreement_store import terms_in_force
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.streams import Direction, Stream, StreamState, lock_stream
from sealane.products.store import Filters, read_records, record_of

# Records looked at for one page; a partner whose clause lets little through gets a cursor and goes on from there.
MAX_LOOKED_AT = 2_000
_CHUNK = 500


@dataclass(frozen=True)
class Page:
    """One page of records.

    Attributes
    ----------
    bodies : JSON in UTF-8, one a record.
    next_after : position to go on from; None on the last page.
    simulated : whether any of them is simulated.
    """

    bodies: tuple[bytes, ...]
    next_after: int | None
    simulated: bool


def stream_for_reading(
    connection: sa.Connection, participant: str, stream_id: str | None, dataset: str, now: dt.datetime
) -> tuple[Stream, Terms]:
    """Return the stream that a partner's token names, locked, with the terms in force now.

    Who ends the agreement waits for the page; two pages of one stream do not note their decisions at once.

    Raises
    ------
    RequestRefusedError
        403 if the token names no stream, or one that is not open to this partner for this product.
    """
    stream = lock_stream(connection, stream_id) if stream_id else None
    if stream is None or stream.peer != participant or stream.direction != Direction.OUT:
        raise _refused(
            "The token is for no stream of yours.", "Start a transfer, and use the token that comes with it."
        )
    if stream.dataset != dataset:
        raise _refused(f"The stream lets {stream.dataset} through, not {dataset}.", "Ask for what the clause covers.")
    if stream.state != StreamState.OPEN:
        raise _refused(f"The stream is {stream.state}.", "Ask the provider why; nothing is let through until then.")
    if stream.granularity != Granularity.RECORD:
        raise _refused("The clause lets only grouped figures through.", "They are delivered, period by period.")
    terms = terms_in_force(connection, stream.agreement_id, stream.agreement_version, stream.clause_id, now)
    if terms is None:
        raise _refused("The agreement behind the stream is not in force.", "Renew it, and start a new transfer.")
    return stream, terms


def read_for_partner(
    connection: sa.Connection,
    stream: Stream,
    terms: Terms,
    own: str,
    filters: Filters,
    matches: Callable[[Mapping[str, Any]], bool],
    after: int,
    limit: int,
    now: dt.datetime,
    request_id: str,
) -> Page:
    """Return the next records that a partner may see; writes down each decision and one entry of the log.

    Parameters
    ----------
    connection : inside a write transaction.
    own : participant id of this node; only its own records are given, never those of other partners.
    filters : narrows what is looked at; must let everything through that ``matches`` does.
    matches : whether the trimmed payload is what was asked for.
    after : position behind which to begin.
    """
    bodies: list[bytes] = []
    notes: list[dict[str, Any]] = []
    simulated = False
    looked_at = 0
    position, more = after, True
    filters = Filters(**{**filters.__dict__, "source": own})
    while more and len(bodies) < limit and looked_at < MAX_LOOKED_AT:
        rows = read_records(connection, stream.dataset, filters, position, _CHUNK)
        more = len(rows) == _CHUNK
        for number, row in enumerate(rows, 1):
            record = record_of(row)
            decision = decide(record, terms, now, stream.purpose, Granularity.RECORD)
            position, looked_at = row["position"], looked_at + 1
            shown = decision.body is not None and matches(decision.body)
            if decision.outcome is Outcome.WITHHOLD or shown:
                notes.append(_note(stream, record, decision, position, now))
            if shown:
                bodies.append(bytes(row["body"]) if decision.outcome is Outcome.ALLOW else _written(decision.body))
                simulated = simulated or row["simulated"]
            if len(bodies) == limit:
                more = more or number < len(rows)
                break
    _write(connection, notes, stream.id)
    body = {
        "agreement": terms.agreement_id,
        "version": terms.version,
        "clause": terms.clause.id,
        "count": len(bodies),
        "digest": hashlib.sha256(b"\n".join(bodies)).hexdigest(),
    }
    append(connection, [Entry(EntryKind.RECORD_PULLED, stream.peer, request_id, body)], now)
    return Page(tuple(bodies), position if more else None, simulated)


def _written(body: Mapping[str, Any] | None) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _note(stream: Stream, record: Record, decision: Decision, position: int, now: dt.datetime) -> dict[str, Any]:
    return {
        "stream_id": stream.id,
        "event_id": f"pull:{position}",
        "peer": stream.peer,
        "dataset": record.dataset,
        "record_id": record.id,
        "agreement_id": decision.agreement_id,
        "agreement_version": decision.agreement_version,
        "clause_id": decision.clause_id,
        "purpose": stream.purpose,
        "granularity": stream.granularity,
        "outcome": decision.outcome.value,
        "reason": decision.reason.value,
        "withheld_fields": list(decision.withheld_fields),
        "decided_at": now,
    }


def _write(connection: sa.Connection, notes: list[dict[str, Any]], stream_id: str) -> None:
    for begin in range(0, len(notes), _CHUNK):
        part = notes[begin : begin + _CHUNK]
        events = [note["event_id"] for note in part]
        connection.execute(
            sa.delete(decision_table).where(
                decision_table.c.stream_id == stream_id, decision_table.c.event_id.in_(events)
            )
        )
        connection.execute(sa.insert(decision_table), part)


def _refused(detail: str, remedy: str) -> RequestRefusedError:
    return RequestRefusedError(403, "not-let-through", detail, remedy)
