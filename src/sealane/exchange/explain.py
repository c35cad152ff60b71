"""For one record and one partner: what would be sent now, what not, which clause decides, and what was decided.

It asks the same `decide` with the same terms as the outbox does, and shows beside it the decisions stored when the
record went out or was withheld.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from sealane.agreements.aggregates import period_of
from sealane.agreements.clauses import Decision, Granularity, Outcome, Reason, Record, Terms
from sealane.agreements.decisions import decide, later
from sealane.agreements.documents import AgreementDocument
from sealane.agreements.fields import leaves_of
from sealane.database.tables.delivery import decision as decision_table
from sealane.database.tables.delivery import outbox, release, released_record
from sealane.database.tables.delivery import stream as stream_table
from sealane.database.tables.products import record as record_table
from sealane.errors import InputError
from sealane.exchange.reasons import sentence, shown, why_withheld
from sealane.exchange.registry import all_in_force
from sealane.products.catalogue import dataset_named
from sealane.products.store import record_of

SHARED_ELSEWHERE = "shared_under_another_clause"


@dataclass(frozen=True)
class FieldKept:
    """One leaf that is not let through, and why."""

    field: str
    why: str


@dataclass(frozen=True)
class ClauseAnswer:
    """What one clause in force says about the record now.

    Attributes
    ----------
    terms : ``agreed terms`` or ``demonstration terms``.
    outcome, reason : as `Decision` has them.
    sent_fields : leaves that would be sent; empty under a clause for cells.
    due_at : when it can be let through at the earliest.
    stream_state : of the stream that carries this clause; None where none was opened yet.
    waits : what has to happen before it is sent although the clause allows it; None where nothing.
    """

    agreement_id: str
    agreement_version: int
    clause_id: str
    terms: str
    purpose: str
    granularity: str
    outcome: str
    reason: str
    sentence: str
    sent_fields: tuple[str, ...]
    withheld_fields: tuple[FieldKept, ...]
    due_at: dt.datetime | None
    stream_state: str | None
    waits: str | None


@dataclass(frozen=True)
class StoredAnswer:
    """What was decided when the record was last looked at for this partner.

    Attributes
    ----------
    event_state : of the outbox row: waiting, sealed, acknowledged, withheld, refused, dead or cancelled.
    same_now : whether the clause would decide alike now; None where it is no longer in force or the record changed.
    """

    agreement_id: str
    agreement_version: int
    clause_id: str
    outcome: str
    reason: str
    sentence: str
    withheld_fields: tuple[str, ...]
    decided_at: dt.datetime
    event_id: str
    sequence: int | None
    event_state: str | None
    same_now: bool | None


@dataclass(frozen=True)
class Counted:
    """A closed period for which the record was counted, in a cell that was released or held back."""

    agreement_id: str
    agreement_version: int
    clause_id: str
    period_start: dt.datetime
    period_end: dt.datetime
    released_at: dt.datetime


@dataclass(frozen=True)
class Explanation:
    """Everything this node can say about one record and one partner.

    Attributes
    ----------
    stored : whether the record stands in this node's database as its own.
    public : anybody may read it as open data.
    """

    dataset: str
    record_id: str
    peer: str
    asked_at: dt.datetime
    stored: bool
    public: bool
    simulated: bool
    summary: str
    clauses: tuple[ClauseAnswer, ...]
    decisions: tuple[StoredAnswer, ...]
    counted: tuple[Counted, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def explain(
    connection: sa.Connection, own: str, dataset: str, record_id: str, peer: str, now: dt.datetime
) -> Explanation:
    """Explain what a partner gets of a record, and what he got.

    Parameters
    ----------
    own, peer : participant ids of this node and of the partner.

    Raises
    ------
    InputError
        If the record is not stored here and nothing was ever decided about it for this partner.
    """
    table = record_table.c
    row = connection.execute(
        sa.select(record_table).where(table.source == own, table.dataset == dataset, table.id == record_id)
    ).one_or_none()
    stored = _stored(connection, dataset, record_id, peer)
    if row is None and not stored:
        dataset_named(dataset)
        sources = sa.select(table.source).where(table.dataset == dataset, table.id == record_id)
        givers = sorted(connection.execute(sources).scalars())
        if givers:
            raise InputError(
                f"The record {record_id!r} of {dataset} is not this node's own, it came from {', '.join(givers)}. Ask"
                " that port why it was sent."
            )
        raise InputError(
            f"This node has no record {record_id!r} of its own in {dataset!r}, and never decided about one. "
            f"`sealane product show {dataset}` lists what it has."
        )
    answers: list[ClauseAnswer] = []
    known: dict[tuple[str, int, str], Decision] = {}
    if row is not None:
        record = record_of(row)
        for document in all_in_force(connection, now):
            for terms in _clauses(document, own, peer, dataset):
                stream = _stream(connection, terms, peer)
                found, purpose = _ask(record, terms, stream, now)
                known[terms.agreement_id, terms.version, terms.clause.id] = found
                answers.append(_answer(connection, document, terms, record, row, found, purpose, stream, now))
    return Explanation(
        dataset=dataset,
        record_id=record_id,
        peer=peer,
        asked_at=now,
        stored=row is not None,
        public=bool(row is not None and row.public),
        simulated=bool(row is not None and row.simulated),
        summary=_summary(answers, row, dataset, now),
        clauses=tuple(answers),
        decisions=tuple(_as_stored(item, known, row) for item in stored),
        counted=_counted(connection, dataset, record_id, peer),
    )


def _clauses(document: AgreementDocument, own: str, peer: str, dataset: str) -> list[Terms]:
    """Return the clauses by which this participant lets that one have records of the data product."""
    provider, recipient = document.party_of(own), document.party_of(peer)
    found = []
    for clause in document.clauses:
        if clause.provider == provider and recipient in clause.recipients and clause.dataset == dataset:
            terms = document.terms(clause.id)
            assert terms is not None
            found.append(terms)
    return found


def _stream(connection: sa.Connection, terms: Terms, peer: str) -> Any:
    column = stream_table.c
    return connection.execute(
        sa.select(stream_table).where(
            column.agreement_id == terms.agreement_id,
            column.agreement_version == terms.version,
            column.clause_id == terms.clause.id,
            column.peer == peer,
            column.direction == "out",
        )
    ).one_or_none()


def _ask(record: Record, terms: Terms, stream: Any, now: dt.datetime) -> tuple[Decision, str]:
    """Decide as the stream does: for its purpose, or for the first one where no stream is open yet."""
    purpose = stream.purpose if stream is not None else min(terms.clause.purposes, default="")
    granularity = Granularity(terms.clause.granularity)
    return decide(record, terms, now, purpose, granularity), purpose


def _answer(
    connection: sa.Connection,
    document: AgreementDocument,
    terms: Terms,
    record: Record,
    row: Any,
    found: Decision,
    purpose: str,
    stream: Any,
    now: dt.datetime,
) -> ClauseAnswer:
    outcome, reason = found.outcome.value, found.reason.value
    text = sentence(found.reason, terms, record, purpose)
    sent = leaves_of(found.body) if found.body is not None else ()
    due_at, withheld = found.due_at, found.withheld_fields
    waits = None
    here = (row.agreement_id, row.clause_id)
    if row.agreement_id is not None and here != (terms.agreement_id, terms.clause.id):
        outcome, reason, sent, due_at, withheld = Outcome.WITHHOLD.value, SHARED_ELSEWHERE, (), None, ()
        text = f"The record was shared under clause {row.clause_id} of {row.agreement_id} only."
    elif found.outcome is not Outcome.WITHHOLD:
        if terms.clause.grouping is not None and found.body is None:
            text = _cell_text(terms, record)
        waits = _waits(stream, now)
    return ClauseAnswer(
        agreement_id=terms.agreement_id,
        agreement_version=terms.version,
        clause_id=terms.clause.id,
        terms=document.label,
        purpose=purpose,
        granularity=terms.clause.granularity.value,
        outcome=outcome,
        reason=reason,
        sentence=text,
        sent_fields=sent,
        withheld_fields=tuple(FieldKept(name, why_withheld(name, terms)) for name in withheld),
        due_at=due_at,
        stream_state=None if stream is None else stream.state,
        waits=waits,
    )


def _cell_text(terms: Terms, record: Record) -> str:
    grouping = terms.clause.grouping
    assert grouping is not None
    text = f"The record itself is never sent; it counts in a cell by {', '.join(grouping.by)}"
    if record.occurred_at is None:
        return f"{text}, but it has no time and so falls in no period."
    start, end = period_of(record.occurred_at, grouping.period)
    closes = later(end, terms.clause.delay)
    return (
        f"{text} of the {grouping.period.value} from {shown(start)}. It is closed at {shown(closes)} and released if "
        f"{grouping.minimum_group} or more different values of {grouping.contributor} stand behind it."
    )


def _waits(stream: Any, now: dt.datetime) -> str | None:
    if stream is None:
        return "no stream is open for this clause yet: the partner has not asked for a contract and a transfer"
    if stream.state != "open":
        return f"the stream is {stream.state}{f': {stream.state_reason}' if stream.state_reason else ''}"
    if stream.lease_until is not None and stream.lease_until <= now:
        return "the partner has not answered since the lease ended; nothing is sent until he does"
    return None


def _stored(connection: sa.Connection, dataset: str, record_id: str, peer: str) -> list[Any]:
    joined = decision_table.outerjoin(
        outbox,
        (outbox.c.stream_id == decision_table.c.stream_id) & (outbox.c.event_id == decision_table.c.event_id),
    )
    statement = (
        sa.select(decision_table, outbox.c.sequence, outbox.c.state.label("event_state"))
        .select_from(joined)
        .where(
            decision_table.c.dataset == dataset,
            decision_table.c.record_id == record_id,
            decision_table.c.peer == peer,
        )
        .order_by(decision_table.c.decided_at, decision_table.c.event_id)
    )
    return list(connection.execute(statement).all())


def _as_stored(row: Any, known: Mapping[tuple[str, int, str], Decision], record_row: Any) -> StoredAnswer:
    now = known.get((row.agreement_id, row.agreement_version, row.clause_id))
    same = None
    # A newer revision may be decided otherwise, rightly. An event's id ends with its record's digest; what was pulled
    # is named by its position.
    if (
        now is not None
        and record_row is not None
        and (row.event_id.endswith(record_row.digest[:16]) or row.event_id == f"pull:{record_row.position}")
    ):
        same = (now.outcome.value, now.reason.value, list(now.withheld_fields)) == (
            row.outcome,
            row.reason,
            list(row.withheld_fields),
        )
    return StoredAnswer(
        agreement_id=row.agreement_id,
        agreement_version=row.agreement_version,
        clause_id=row.clause_id,
        outcome=row.outcome,
        reason=row.reason,
        sentence=sentence(Reason(row.reason)),
        withheld_fields=tuple(row.withheld_fields),
        decided_at=row.decided_at,
        event_id=row.event_id,
        sequence=row.sequence,
        event_state=row.event_state,
        same_now=same,
    )


def _counted(connection: sa.Connection, dataset: str, record_id: str, peer: str) -> tuple[Counted, ...]:
    member, stream = released_record.c, stream_table.c
    statement = (
        sa.select(
            stream.agreement_id,
            stream.agreement_version,
            stream.clause_id,
            release.c.period_start,
            release.c.period_end,
            release.c.released_at,
        )
        .join_from(
            released_record,
            release,
            (release.c.stream_id == member.stream_id) & (release.c.period_start == member.period_start),
        )
        .join(stream_table, stream.id == member.stream_id)
        .where(member.dataset == dataset, member.record_id == record_id, member.peer == peer)
    )
    return tuple(Counted(*row) for row in connection.execute(statement))


def _summary(answers: list[ClauseAnswer], row: Any, dataset: str, now: dt.datetime) -> str:
    """Say the outcome in one sentence."""
    if row is None:
        return "The record is no longer stored here; what was decided about it is."
    public = " It is public: anybody may read it as open data." if row.public else ""
    if not answers:
        return f"Nothing is sent: no clause in force gives this partner {dataset} of this port.{public}"
    going = [a for a in answers if a.outcome != Outcome.WITHHOLD.value]
    if going:
        clause = going[0]
        how = "counted in a cell" if not clause.sent_fields else "sent"
        name = f"{clause.clause_id} of {clause.agreement_id} version {clause.agreement_version} ({clause.terms})"
        count = len(clause.withheld_fields) if clause.sent_fields else 0
        held = f", without {count} field{'' if count == 1 else 's'}" if count else ""
        wait = f"; not yet, because {clause.waits}" if clause.waits else ""
        return f"It is {how} under clause {name}{held}{wait}.{public}"
    due = min((a.due_at for a in answers if a.due_at is not None), default=None)
    when = f" It can go at {shown(due)} at the earliest." if due is not None and due > now else ""
    return f"Nothing is sent now: {answers[0].sentence}{when}{public}"
