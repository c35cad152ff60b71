"""What partners were sent and what was withheld from them, as the stored decisions say; counted and by record."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.agreements.documents import parse_document
from sealane.database.tables.agreements import agreement
from sealane.database.tables.delivery import decision, outbox, stream
from sealane.database.tables.products import record


@dataclass(frozen=True)
class StoredDecision:
    """The last decision on one record for one partner.

    Attributes
    ----------
    delivered : whether the partner's signed receipt is here.
    """

    dataset: str
    record_id: str
    peer: str
    clause: str
    outcome: str
    reason: str
    withheld_fields: tuple[str, ...]
    decided_at: dt.datetime
    delivered: bool


@dataclass(frozen=True)
class StreamTotal:
    """How many records one clause let through to one partner, and why the others were not.

    Attributes
    ----------
    demonstration : the clause's terms are made up for a demonstration.
    not_looked_at : records of the data product that no decision was made on yet.
    withheld : number of records by reason.
    """

    peer: str
    clause: str
    demonstration: bool
    dataset: str
    state: str
    state_reason: str | None
    delivered: int
    waiting: int
    not_looked_at: int
    withheld: Mapping[str, int]
    trimmed_fields: tuple[str, ...]


def stored_decisions(
    connection: sa.Connection, peer: str, records: Collection[tuple[str, str]]
) -> dict[tuple[str, str], StoredDecision]:
    """Return the newest decision for each (dataset, record id) towards a partner; a record never decided is missing."""
    if not records:
        return {}
    query = (
        sa.select(decision, outbox.c.state)
        .outerjoin(
            outbox,
            sa.and_(outbox.c.stream_id == decision.c.stream_id, outbox.c.event_id == decision.c.event_id),
        )
        .where(decision.c.peer == peer, decision.c.record_id.in_({record_id for _, record_id in records}))
        .order_by(decision.c.decided_at)
    )
    found = {}
    for row in connection.execute(query):
        key = (row.dataset, row.record_id)
        if key in records:
            found[key] = StoredDecision(
                dataset=row.dataset,
                record_id=row.record_id,
                peer=row.peer,
                clause=f"{row.agreement_id}@{row.agreement_version}#{row.clause_id}",
                outcome=row.outcome,
                reason=row.reason,
                withheld_fields=tuple(row.withheld_fields),
                decided_at=row.decided_at,
                delivered=row.state == "acknowledged",
            )
    return found


def stream_totals(connection: sa.Connection, agreement_id: str | None = None) -> list[StreamTotal]:
    """Return what became of the records of every outgoing stream, or of one agreement's, by partner and clause."""
    found = []
    made_up = demonstrations(connection)
    query = sa.select(stream).where(stream.c.direction == "out").order_by(stream.c.peer, stream.c.dataset, stream.c.id)
    if agreement_id is not None:
        query = query.where(stream.c.agreement_id == agreement_id)
    streams = connection.execute(query).all()
    ids = [row.id for row in streams]
    states = _counted(connection, outbox.c.stream_id, outbox.c.state, outbox.c.stream_id.in_(ids))
    withheld = sa.and_(decision.c.stream_id.in_(ids), decision.c.outcome == "withhold")
    reasons = _counted(connection, decision.c.stream_id, decision.c.reason, withheld)
    trimmed: defaultdict[str, set[str]] = defaultdict(set)
    for row in connection.execute(
        sa.select(decision.c.stream_id, decision.c.withheld_fields)
        .where(decision.c.stream_id.in_(ids), decision.c.outcome == "trim")
        .distinct()
    ):
        trimmed[row.stream_id].update(row.withheld_fields)
    for row in streams:
        ahead = sa.select(sa.func.count()).where(
            record.c.dataset == row.dataset,
            record.c.position > row.scanned_position,
            record.c.agreement_id.is_(None),
        )
        found.append(
            StreamTotal(
                peer=row.peer,
                clause=f"{row.agreement_id}@{row.agreement_version}#{row.clause_id}",
                demonstration=(row.agreement_id, row.agreement_version) in made_up,
                dataset=row.dataset,
                state=row.state,
                state_reason=row.state_reason,
                delivered=states[row.id]["acknowledged"],
                waiting=states[row.id]["waiting"] + states[row.id]["sealed"],
                not_looked_at=connection.scalar(ahead) or 0 if row.granularity == "record" else 0,
                withheld=dict(reasons[row.id]),
                trimmed_fields=tuple(sorted(trimmed[row.id])),
            )
        )
    return found


def _counted(
    connection: sa.Connection, stream_id: sa.Column[Any], what: sa.Column[Any], where: sa.ColumnElement[bool]
) -> defaultdict[str, Counter[str]]:
    """Count rows by stream and by another column."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    query = sa.select(stream_id, what, sa.func.count()).where(where).group_by(stream_id, what)
    for of_stream, value, number in connection.execute(query):
        found[of_stream][value] = number
    return found


@dataclass(frozen=True)
class ReceivedTotal:
    """How many records one partner gave under one clause."""

    source: str
    clause: str
    demonstration: bool
    dataset: str
    records: int
    simulated: int


def received_totals(connection: sa.Connection, own: str, agreement_id: str | None = None) -> list[ReceivedTotal]:
    """Return what is held of partners' records, or of those that came under one agreement, by partner and clause."""
    columns = (record.c.source, record.c.agreement_id, record.c.agreement_version, record.c.clause_id, record.c.dataset)
    query = (
        sa.select(
            *columns,
            sa.func.count().label("records"),
            sa.func.sum(sa.case((record.c.simulated, 1), else_=0)).label("simulated"),
        )
        .where(record.c.source != own)
        .group_by(*columns)
        .order_by(*columns)
    )
    if agreement_id is not None:
        query = query.where(record.c.agreement_id == agreement_id)
    made_up = demonstrations(connection)
    return [
        ReceivedTotal(
            source=row.source,
            clause=f"{row.agreement_id}@{row.agreement_version}#{row.clause_id}",
            demonstration=(row.agreement_id, row.agreement_version) in made_up,
            dataset=row.dataset,
            records=row.records,
            simulated=int(row.simulated),
        )
        for row in connection.execute(query)
    ]


def demonstrations(connection: sa.Connection) -> frozenset[tuple[str, int]]:
    """Return the agreements, by id and version, whose terms are made up; every display says so."""
    rows = connection.execute(sa.select(agreement.c.id, agreement.c.version, agreement.c.document))
    return frozenset((row.id, row.version) for row in rows if parse_document(bytes(row.document)).demonstration)
