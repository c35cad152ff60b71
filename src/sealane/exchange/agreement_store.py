"""Agreements as they stand in the node's database: reading them, and moving a version from state to state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from sealane.agreements.clauses import Terms
from sealane.agreements.documents import AgreementDocument, document_bytes, document_digest, parse_document
from sealane.database.engine import for_update
from sealane.database.tables.agreements import agreement, agreement_signature
from sealane.errors import InputError, RequestRefusedError
from sealane.exchange.agreement_states import TRANSITIONS, AgreementEvent, AgreementState
from sealane.exchange.ledger import Entry, EntryKind

SIGN, RETIRE, DECLINE = "sign", "retire", "decline"


@dataclass(frozen=True)
class Registered:
    """One version of an agreement on this node.

    Attributes
    ----------
    data, digest : the exact bytes that are signed, and their SHA-256.
    signatures : participant id to JWS over the bytes.
    ended_at, ended_by, end_reason : for the states retired and declined.
    """

    document: AgreementDocument
    data: bytes
    digest: str
    state: AgreementState
    proposed_by: str | None
    created_at: dt.datetime
    changed_at: dt.datetime
    signatures: Mapping[str, str]
    ended_at: dt.datetime | None = None
    ended_by: str | None = None
    end_reason: str | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """Participants who have not signed."""
        return tuple(p.participant for p in self.document.participants if p.participant not in self.signatures)

    def others(self, own: str) -> tuple[str, ...]:
        """Participants other than one."""
        return tuple(p.participant for p in self.document.participants if p.participant != own)

    def standing(self, now: dt.datetime) -> str:
        """Say in words how it stands: a version in force may not have begun, or may be over."""
        if self.state is not AgreementState.IN_FORCE:
            return self.state.value
        if now < self.document.valid_from:
            return "in force, not yet valid"
        return "in force" if self.document.valid_at(now) else "in force, expired"


def get_agreement(
    connection: sa.Connection, agreement_id: str, version: int, *, lock: bool = False
) -> Registered | None:
    """Return one version, or None; `lock` keeps others from changing it until the transaction ends."""
    statement = sa.select(agreement).where(agreement.c.id == agreement_id, agreement.c.version == version)
    row = connection.execute(for_update(statement, connection) if lock else statement).one_or_none()
    return None if row is None else _registered(connection, [row])[0]


def list_agreements(connection: sa.Connection, agreement_id: str | None = None) -> list[Registered]:
    """Return every version, or every version of one agreement, by id and version."""
    statement = sa.select(agreement).order_by(agreement.c.id, agreement.c.version)
    if agreement_id is not None:
        statement = statement.where(agreement.c.id == agreement_id)
    return _registered(connection, connection.execute(statement).all())


def in_force(connection: sa.Connection, agreement_id: str, now: dt.datetime) -> AgreementDocument | None:
    """Return the version of an agreement that is signed by all and valid now, or None.

    A newer version takes over exactly at its ``valid_from``, whether or not the older one is marked superseded yet.
    """
    return next(iter(_in_force(connection, now, agreement.c.id == agreement_id)), None)


def all_in_force(connection: sa.Connection, now: dt.datetime) -> list[AgreementDocument]:
    """Return every agreement that is in force now, by id."""
    return _in_force(connection, now)


def terms_in_force(
    connection: sa.Connection, agreement_id: str, version: int, clause_id: str, now: dt.datetime
) -> Terms | None:
    """Return a clause with the agreement's prohibitions while exactly this version is in force, else None.

    It does not ask whether the clause's own validity has begun or ended; the decision on each record does.
    """
    document = in_force(connection, agreement_id, now)
    return document.terms(clause_id) if document is not None and document.version == version else None


def taken_over(now: dt.datetime) -> sa.ColumnElement[bool]:
    """Return the condition that a version has been in force at some time up to now, whatever became of it.

    The newest of these decides. So a version that was superseded by time alone does not come back when its successor
    is retired, whether or not anybody has marked it yet. One retired before its beginning never took over.
    """
    begun = sa.and_(agreement.c.in_force_at.is_not(None), agreement.c.valid_from <= now)
    return sa.and_(begun, sa.or_(agreement.c.retired_at.is_(None), agreement.c.retired_at > agreement.c.valid_from))


def _in_force(
    connection: sa.Connection, now: dt.datetime, *conditions: sa.ColumnElement[bool]
) -> list[AgreementDocument]:
    statement = (
        sa.select(agreement.c.id, agreement.c.state, agreement.c.document)
        .where(taken_over(now), *conditions)
        .order_by(agreement.c.id, agreement.c.version.desc())
    )
    newest: dict[str, tuple[str, bytes]] = {}
    for agreement_id, state, data in connection.execute(statement):
        newest.setdefault(agreement_id, (state, data))
    current = [data for state, data in newest.values() if state == AgreementState.IN_FORCE.value]
    documents = [parse_document(bytes(data)) for data in current]
    return [document for document in documents if document.valid_at(now)]


def _registered(connection: sa.Connection, rows: Iterable[Any]) -> list[Registered]:
    found = []
    for row in rows:
        signed = sa.select(agreement_signature.c.participant, agreement_signature.c.jws).where(
            agreement_signature.c.agreement_id == row.id,
            agreement_signature.c.version == row.version,
            agreement_signature.c.purpose == SIGN,
        )
        signatures = {row.participant: row.jws for row in connection.execute(signed)}
        data = bytes(row.document)
        found.append(
            Registered(
                document=parse_document(data),
                data=data,
                digest=row.digest,
                state=AgreementState(row.state),
                proposed_by=row.proposed_by,
                created_at=row.created_at,
                changed_at=row.changed_at,
                signatures=MappingProxyType(signatures),
                ended_at=row.retired_at,
                ended_by=row.retired_by,
                end_reason=row.retire_reason,
            )
        )
    return found


def insert_agreement(
    connection: sa.Connection,
    document: AgreementDocument,
    state: AgreementState,
    proposed_by: str | None,
    now: dt.datetime,
) -> bool:
    """Store a new version; say whether it was not there yet (another process may have been quicker)."""
    data = document_bytes(document)
    row = {
        "id": document.id,
        "version": document.version,
        "state": state.value,
        "document": data,
        "digest": document_digest(data),
        "valid_from": document.valid_from,
        "valid_until": document.valid_until,
        "proposed_by": proposed_by,
        "created_at": now,
        "changed_at": now,
    }
    # In a savepoint: PostgreSQL would otherwise end the whole transaction.
    try:
        with connection.begin_nested():
            connection.execute(agreement.insert().values(**row))
    except sa.exc.IntegrityError:
        return False
    return True


def add_signature(
    connection: sa.Connection, document: AgreementDocument, participant: str, purpose: str, jws: str, now: dt.datetime
) -> None:
    """Store a signature; one participant has one of each purpose."""
    connection.execute(
        agreement_signature.insert().values(
            agreement_id=document.id,
            version=document.version,
            participant=participant,
            purpose=purpose,
            jws=jws,
            signed_at=now,
        )
    )


def signature_of(connection: sa.Connection, document: AgreementDocument, participant: str, purpose: str) -> str | None:
    """Return a stored JWS, or None."""
    found: str | None = connection.scalar(
        sa.select(agreement_signature.c.jws).where(
            agreement_signature.c.agreement_id == document.id,
            agreement_signature.c.version == document.version,
            agreement_signature.c.participant == participant,
            agreement_signature.c.purpose == purpose,
        )
    )
    return found


def next_state(found: Registered, event: AgreementEvent, *, outside: bool) -> AgreementState:
    """Return the state an event leads to.

    Raises
    ------
    RequestRefusedError
        409 when `outside` (a partner asks) and the table does not allow it.
    InputError
        The same for the node's own operator.
    """
    new = TRANSITIONS[found.state, event]
    if new is not None:
        return new
    what = f"Agreement {found.document.ref} is {found.state.value}; {event.value} is not possible."
    remedy = _REMEDIES.get(found.state, "See `sealane agreement show`.")
    if outside:
        raise RequestRefusedError(409, "agreement-state", what, remedy)
    raise InputError(f"{what} {remedy}")


_REMEDIES = {
    AgreementState.DRAFT: "Propose it first.",
    AgreementState.IN_FORCE: "End an agreement in force by `sealane agreement retire`.",
    AgreementState.SUPERSEDED: "Act on the version that took its place.",
    AgreementState.RETIRED: "What was retired stays so; agree on a new version.",
    AgreementState.DECLINED: "What was declined stays so; propose a new version.",
}


def set_state(
    connection: sa.Connection,
    document: AgreementDocument,
    state: AgreementState,
    now: dt.datetime,
    values: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Store the new state of a version whose row the caller has locked."""
    connection.execute(
        agreement.update()
        .where(agreement.c.id == document.id, agreement.c.version == document.version)
        .values({**values, "state": state.value, "changed_at": now})
    )


def entries_for(kind: EntryKind, found: Registered, own: str, **body: object) -> list[Entry]:
    """Return one ledger entry for each partner in the agreement, so that each may ask for what concerns it."""
    content = {"agreement": found.document.id, "version": found.document.version, **body}
    return [Entry(kind, participant, found.document.ref, content) for participant in found.others(own)]
