"""Versions of executable agreements as pages show them: standing, parties, clauses, signatures and their proof."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal
from urllib.parse import quote

import sqlalchemy as sa

from sealane.agreements import load_agreements
from sealane.agreements.clauses import Clause, Prohibition
from sealane.agreements.document_model import AgreementDocument, DocumentParty
from sealane.agreements.fields import covers_name
from sealane.database.tables.agreements import agreement_signature
from sealane.errors import RequestRefusedError
from sealane.exchange.agreement_messages import MessageKind, MessageState
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.agreement_store import SIGN
from sealane.exchange.evidence import Typ, verify_evidence
from sealane.exchange.jws import read_header
from sealane.exchange.registry import Message, Registered
from sealane.products.catalogue import DATASETS
from sealane.web.agreements.models import (
    AreaShown,
    PartyShown,
    PortShown,
    SourceShown,
    Standing,
    VersionShown,
)
from sealane.web.agreements.version_models import (
    Cells,
    ClauseShown,
    MessageShown,
    ProhibitionShown,
    Rows,
    SignatureShown,
)
from sealane.web.derivation import Derivation, Figure, Input
from sealane.web.words import N_


def standing_of(found: Registered, now: dt.datetime) -> Standing:
    """Return how a version stands: a version in force may not have begun, or may be over."""
    if found.state is not AgreementState.IN_FORCE:
        return Standing(found.state.value)
    if now < found.document.valid_from:
        return Standing.NOT_YET_VALID
    return Standing.IN_FORCE if found.document.valid_at(now) else Standing.EXPIRED


PartsCounted = Literal["clauses", "signatures", "participants"]
_TITLES: Mapping[PartsCounted, str] = {
    "clauses": N_("Clauses on data"),
    "signatures": N_("Signatures held"),
    "participants": N_("Parties that sign with their node"),
}


def _count(document: AgreementDocument, what: PartsCounted, number: int) -> Figure:
    path = f"/explain/agreement-parts/{quote(document.id, safe='')}/{document.version}/{what}"
    return Figure(value=number, quantity="count", explain=path)


def explain_parts(found: Registered, own: str, now: dt.datetime, what: PartsCounted) -> Derivation:
    """Return which clauses, signatures or parties of a version are counted."""
    shown = version_shown(found, own, now)
    page = f"/agreements/{shown.id}/{shown.version}"
    if what == "clauses":
        names = {clause.id: f"{page}#clause-{clause.id}" for clause in found.document.clauses}
    elif what == "signatures":
        names = dict.fromkeys(sorted(found.signatures), page)
    else:
        names = {entry.participant: page for entry in found.document.participants}
    return Derivation(
        title=_TITLES[what],
        figure={"clauses": shown.clauses, "signatures": shown.signed, "participants": shown.participants}[what],
        filters={N_("Agreement"): f"{shown.id}/{shown.version}"},
        inputs=[
            Input(name=name, value=1, origin="computed" if what == "signatures" else "entered", link=link)
            for name, link in names.items()
        ],
        method=f"SHA-256 {found.digest}",
    )


def version_shown(found: Registered, own: str, now: dt.datetime, messages: Iterable[Message] = ()) -> VersionShown:
    """Return how a version stands.

    Parameters
    ----------
    own : participant id of this node.
    messages : about this or other versions; those that a partner has not taken are counted.
    """
    document = found.document
    return VersionShown(
        id=document.id,
        version=document.version,
        title=document.title,
        kind=document.kind.value,
        standing=standing_of(found, now),
        terms_made_up=document.demonstration,
        valid_from=document.valid_from,
        valid_until=document.valid_until,
        parties=[party_shown(document, party, own) for party in document.parties],
        antecedents=list(document.antecedents),
        clauses=_count(document, "clauses", len(document.clauses)),
        digest=found.digest,
        proposed_by=found.proposed_by,
        signed=_count(document, "signatures", len(found.signatures)),
        participants=_count(document, "participants", len(document.participants)),
        missing=list(found.missing),
        waits_for_us=found.state is AgreementState.PROPOSED and own in found.missing,
        undelivered=sum(
            m.agreement_id == document.id and m.version == document.version and m.state is not MessageState.DELIVERED
            for m in messages
        ),
        changed_at=found.changed_at,
        ended_at=found.ended_at,
        ended_by=found.ended_by,
        end_reason=found.end_reason,
    )


def party_shown(document: AgreementDocument, party: DocumentParty, own: str) -> PartyShown:
    """Return a party of a document, and who executes the agreement for it."""
    executes = document.participant_of(party.id)
    return PartyShown(
        id=party.id,
        name=party.name,
        named=party.name,
        kind=party.kind.value,
        countries=list(party.countries),
        ports=[PortShown(name=port.name, locode=port.locode) for port in party.ports],
        participant=executes.participant if executes else None,
        own=executes is not None and executes.participant == own,
    )


def _party_named(document: AgreementDocument, party_id: str, own: str) -> PartyShown:
    found = next((p for p in document.parties + document.facilitators if p.id == party_id), None)
    if found is not None:
        return party_shown(document, found, own)
    return PartyShown(id=party_id, name=party_id, named=party_id, kind="port", countries=[], ports=[])


def parties_named(document: AgreementDocument, ids: Iterable[str], own: str) -> list[PartyShown]:
    """Return parties of a document by their ids."""
    return [_party_named(document, one, own) for one in ids]


def areas_shown(document: AgreementDocument) -> list[AreaShown]:
    """Return the areas a document names; those of the catalogue with their kind."""
    known = load_agreements().areas
    return [
        AreaShown(id=a.id, name=a.name, kind=known[a.id].kind.value if a.id in known else None) for a in document.areas
    ]


def sources_shown(document: AgreementDocument) -> list[SourceShown]:
    """Return where a document says it is written."""
    known = load_agreements().sources
    return [
        SourceShown(
            document=s.document,
            title=known[s.document].title if s.document in known else s.document,
            publisher=known[s.document].publisher if s.document in known else "",
            lines=list(s.lines),
        )
        for s in document.sources
    ]


def clauses_shown(document: AgreementDocument, own: str, now: dt.datetime) -> list[ClauseShown]:
    """Return every clause with what it lets through of its data product, and what it keeps back."""
    return [clause_shown(document, clause, own, now) for clause in document.clauses]


def clause_shown(document: AgreementDocument, clause: Clause, own: str, now: dt.datetime) -> ClauseShown:
    """Return one clause."""
    us = document.party_of(own)
    direction = "out" if clause.provider == us else "in" if us in clause.recipients else "other"
    dataset = DATASETS.get(clause.dataset)
    let_through, kept_back = split_fields(dataset.fields if dataset else (), clause, document.prohibitions)
    rows, grouping = clause.rows, clause.grouping
    return ClauseShown(
        id=clause.id,
        provider=_party_named(document, clause.provider, own),
        recipients=parties_named(document, clause.recipients, own),
        direction=direction,
        dataset=clause.dataset,
        fields=list(clause.fields),
        field_count=len(let_through) if dataset else None,
        dataset_fields=len(dataset.fields) if dataset else None,
        kept_back=list(kept_back),
        purposes=sorted(clause.purposes),
        granularity=clause.granularity.value,
        cells=None
        if grouping is None
        else Cells(
            by=list(grouping.by),
            measures=list(grouping.measures),
            period=grouping.period.value,
            contributor=grouping.contributor,
            minimum_group=grouping.minimum_group,
        ),
        rows=Rows(
            ports=sorted(rows.ports),
            terminals=sorted(rows.terminals),
            vessels=sorted(rows.vessels),
            occurred_from=rows.occurred_from,
            occurred_until=rows.occurred_until,
        ),
        delay_s=clause.delay.total_seconds(),
        valid_from=clause.valid_from,
        valid_until=clause.valid_until,
        begun=clause.valid_from <= now,
        over=clause.valid_until is not None and clause.valid_until <= now,
        onward=clause.onward.value,
        delete_after_s=clause.delete_after.total_seconds() if clause.delete_after is not None else None,
        terms_made_up=clause.demonstration,
        note=clause.note,
    )


def split_fields(
    leaves: Collection[str], clause: Clause, prohibitions: Sequence[Prohibition]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the leaves of a data product that a clause lets through, and those it does not.

    A prohibition takes leaves out whatever the clause says.
    """
    forbidden = tuple(name for prohibition in prohibitions for name in prohibition.fields)
    goes = tuple(leaf for leaf in leaves if covers_name(clause.fields, leaf) and not covers_name(forbidden, leaf))
    return goes, tuple(leaf for leaf in leaves if leaf not in set(goes))


def prohibition_shown(prohibition: Prohibition) -> ProhibitionShown:
    """Return one prohibition."""
    return ProhibitionShown(
        id=prohibition.id,
        datasets=sorted(prohibition.datasets),
        fields=list(prohibition.fields),
        purposes=sorted(prohibition.purposes),
        source=prohibition.source,
        note=prohibition.note,
    )


def signatures_shown(connection: sa.Connection, found: Registered, own: str) -> list[SignatureShown]:
    """Return each participant's signature, verified now over the very bytes this node holds."""
    document = found.document
    stored = connection.execute(
        sa.select(agreement_signature.c.participant, agreement_signature.c.signed_at).where(
            agreement_signature.c.agreement_id == document.id,
            agreement_signature.c.version == document.version,
            agreement_signature.c.purpose == SIGN,
        )
    )
    held: Mapping[str, dt.datetime] = {row.participant: row.signed_at for row in stored}
    shown = []
    for entry in document.participants:
        jws = found.signatures.get(entry.participant)
        since = held.get(entry.participant)
        key, signed_at, fault = None, None, None
        if jws is not None and since is not None:
            key, signed_at, fault = _proof(connection, jws, entry.participant, since, found.data)
        shown.append(
            SignatureShown(
                party=_party_named(document, entry.party, own),
                participant=entry.participant,
                origin=entry.origin,
                own=entry.participant == own,
                signed_at=signed_at,
                held_since=since,
                key=key,
                verified=None if jws is None else fault is None,
                fault=fault,
            )
        )
    return shown


def _proof(
    connection: sa.Connection, jws: str, participant: str, since: dt.datetime, data: bytes
) -> tuple[str | None, dt.datetime | None, str | None]:
    """Return the key and time a signature names, and what is wrong with it."""
    try:
        header = read_header(jws)
    except RequestRefusedError as error:
        return None, None, error.kind
    try:
        signed = verify_evidence(connection, jws, Typ.AGREEMENT, participant, since)
    except RequestRefusedError as error:
        return header.kid, header.signed_at, error.kind
    return header.kid, header.signed_at, None if signed == data else "other-bytes"


def messages_shown(messages: Iterable[Message], version: int) -> list[MessageShown]:
    """Return the messages to partners about one version."""
    return [
        MessageShown(
            partner=m.peer,
            kind=MessageKind(m.kind).value,
            state=m.state.value,
            attempts=m.attempts,
            next_attempt_at=m.next_attempt_at if m.state is MessageState.PENDING else None,
            last_error=m.last_error,
        )
        for m in messages
        if m.version == version
    ]
