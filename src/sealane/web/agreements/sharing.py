"""One record and one partner: what would be sent now, what not, which clause decides, and what was decided."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from sealane.database.tables.products import record
from sealane.errors import InputError, Phrase, RequestRefusedError
from sealane.exchange.explain import ClauseAnswer, Explanation, StoredAnswer, explain
from sealane.exchange.peers import Peer, list_peers
from sealane.exchange.registry import get_agreement
from sealane.node.context import Node
from sealane.products.catalogue import DATASETS
from sealane.web.accounts.gate import Viewer, reading
from sealane.web.agreements.models import Shown
from sealane.web.agreements.version_models import Rows

AT_MOST = 200


class PartnerChoice(Shown):
    """A registered partner one can ask about."""

    participant: str
    name: str


class RecordFacts(Shown):
    """What a clause can ask about a record."""

    port: str | None
    terminal: str | None
    vessel_imo: str | None
    occurred_at: dt.datetime | None
    known_at: dt.datetime
    position: int
    digest: str


class FieldShown(Shown):
    """A leaf that is kept back, and why in English as the command line says it."""

    field: str
    why: str


class ClauseSays(Shown):
    """What one clause in force says about the record now; `rows` is what it compares the record with."""

    agreement: str
    version: int
    clause: str
    terms_made_up: bool
    purpose: str
    granularity: str
    outcome: str
    reason: str
    detail: str
    sent_fields: list[str]
    kept_back: list[FieldShown]
    due_at: dt.datetime | None
    stream_state: str | None
    waits: str | None
    rows: Rows | None
    delay_s: float | None


class WasDecided(Shown):
    """What was decided when the record was last looked at for this partner."""

    agreement: str
    version: int
    clause: str
    outcome: str
    reason: str
    kept_back: list[str]
    decided_at: dt.datetime
    event: str
    sequence: int | None
    event_state: str | None
    same_now: bool | None


class WasCounted(Shown):
    """A closed period in whose cells the record was counted."""

    agreement: str
    version: int
    clause: str
    period_start: dt.datetime
    period_end: dt.datetime
    released_at: dt.datetime


class SharingPage(Shown):
    """Everything this node can say about one own record and one partner; `asked` is False for the empty form.

    Attributes
    ----------
    verdict : sent, counted, waits, later, withheld, no_clause, or gone where the record is no longer stored.
    """

    datasets: list[str]
    partners: list[PartnerChoice]
    dataset: str | None
    record: str | None
    partner: str | None
    at: dt.datetime
    asked: bool
    verdict: str | None = None
    summary: str = ""
    public: bool = False
    simulated: bool = False
    facts: RecordFacts | None = None
    clauses: tuple[ClauseSays, ...] = ()
    decided: tuple[WasDecided, ...] = ()
    counted: tuple[WasCounted, ...] = ()


def sharing_page(
    node: Node,
    viewer: Viewer,
    dataset: str | None,
    record_id: str | None,
    partner: str | None,
    at: dt.datetime | None,
) -> SharingPage:
    """Answer for one record and one partner, or the empty form where nothing is asked yet.

    Raises
    ------
    RequestRefusedError
        404 if there is no such record or partner here; 422 for a time without zone.
    """
    if at is not None and at.tzinfo is None:
        raise RequestRefusedError(
            422,
            "time-without-zone",
            Phrase("The time has no zone."),
            Phrase("Give it with zone, e.g. 2026-01-01T00:00:00Z."),
        )
    moment = at or node.clock()
    with reading(node, viewer) as connection:
        peers = list_peers(connection)
        page = SharingPage(
            datasets=list(DATASETS),
            partners=[PartnerChoice(participant=p.participant, name=p.name) for p in peers],
            dataset=dataset,
            record=record_id,
            partner=partner,
            at=moment,
            asked=bool(dataset and record_id and partner),
        )
        if not (dataset and record_id and partner):
            return page
        _check_partner(peers, partner)
        own = node.identity.participant
        try:
            found = explain(connection, own, dataset, record_id, partner, moment)
        except InputError as error:
            raise RequestRefusedError(404, "unknown-record", str(error), Phrase("Check product and id.")) from None
        facts = connection.execute(
            sa.select(record).where(record.c.source == own, record.c.dataset == dataset, record.c.id == record_id)
        ).one_or_none()
        clauses = [_says(connection, answer) for answer in found.clauses]
    shown = None
    if facts is not None:
        shown = RecordFacts(
            port=facts.port,
            terminal=facts.terminal,
            vessel_imo=facts.vessel_imo,
            occurred_at=facts.occurred_at,
            known_at=facts.known_at,
            position=facts.position,
            digest=facts.digest,
        )
    return page.model_copy(
        update={
            "verdict": verdict_of(found),
            "summary": found.summary,
            "public": found.public,
            "simulated": found.simulated,
            "facts": shown,
            "clauses": tuple(clauses),
            "decided": tuple(_decided(item) for item in found.decisions),
            "counted": tuple(
                WasCounted(
                    agreement=c.agreement_id,
                    version=c.agreement_version,
                    clause=c.clause_id,
                    period_start=c.period_start,
                    period_end=c.period_end,
                    released_at=c.released_at,
                )
                for c in found.counted
            ),
        }
    )


def verdict_of(found: Explanation) -> str:
    """Return in a word what becomes of the record."""
    if not found.stored:
        return "gone"
    if not found.clauses:
        return "no_clause"
    going = [c for c in found.clauses if c.outcome != "withhold"]
    if going:
        return "waits" if going[0].waits else "sent" if going[0].sent_fields else "counted"
    return "later" if any(c.due_at is not None and c.due_at > found.asked_at for c in found.clauses) else "withheld"


def _check_partner(peers: list[Peer], partner: str) -> None:
    if all(partner != peer.participant for peer in peers):
        raise RequestRefusedError(
            404,
            "unknown-partner",
            Phrase("No partner %(partner)s is registered here.", partner=repr(partner[:AT_MOST])),
            Phrase("Choose one of the registered partners."),
        )


def _says(connection: sa.Connection, answer: ClauseAnswer) -> ClauseSays:
    version = get_agreement(connection, answer.agreement_id, answer.agreement_version)
    terms = version.document.terms(answer.clause_id) if version else None
    rows = terms.clause.rows if terms else None
    return ClauseSays(
        agreement=answer.agreement_id,
        version=answer.agreement_version,
        clause=answer.clause_id,
        terms_made_up=bool(version and version.document.demonstration),
        purpose=answer.purpose,
        granularity=answer.granularity,
        outcome=answer.outcome,
        reason=answer.reason,
        detail=answer.sentence,
        sent_fields=list(answer.sent_fields),
        kept_back=[FieldShown(field=kept.field, why=kept.why) for kept in answer.withheld_fields],
        due_at=answer.due_at,
        stream_state=answer.stream_state,
        waits=answer.waits,
        rows=None
        if rows is None
        else Rows(
            ports=sorted(rows.ports),
            terminals=sorted(rows.terminals),
            vessels=sorted(rows.vessels),
            occurred_from=rows.occurred_from,
            occurred_until=rows.occurred_until,
        ),
        delay_s=terms.clause.delay.total_seconds() if terms else None,
    )


def _decided(item: StoredAnswer) -> WasDecided:
    return WasDecided(
        agreement=item.agreement_id,
        version=item.agreement_version,
        clause=item.clause_id,
        outcome=item.outcome,
        reason=item.reason,
        kept_back=list(item.withheld_fields),
        decided_at=item.decided_at,
        event=item.event_id,
        sequence=item.sequence,
        event_state=item.event_state,
        same_now=item.same_now,
    )
