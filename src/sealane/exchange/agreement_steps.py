"""The steps both sides share: a signature is added, a version ends, time brings the next version."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from sealane.agreements.documents import AgreementDocument, document_bytes
from sealane.agreements.values import time_text
from sealane.database.tables.agreements import agreement
from sealane.errors import Fault, InputError
from sealane.exchange.agreement_checks import MAX_SIGNED_BYTES, party_faults, version_faults
from sealane.exchange.agreement_states import AgreementEvent, AgreementState
from sealane.exchange.agreement_store import (
    DECLINE,
    RETIRE,
    SIGN,
    Registered,
    add_signature,
    entries_for,
    get_agreement,
    list_agreements,
    next_state,
    set_state,
    signature_of,
    taken_over,
)
from sealane.exchange.keys import Identity
from sealane.exchange.ledger import Entry, EntryKind, append, digest_of
from sealane.exchange.streams import close_streams


def known_version(connection: sa.Connection, agreement_id: str, version: int) -> Registered:
    """Return one version with its row locked; an unknown one is an `InputError`."""
    found = get_agreement(connection, agreement_id, version, lock=True)
    if found is None:
        raise InputError(
            f"This node has no agreement {agreement_id}/{version}. `sealane agreement list --node FOLDER` prints all."
        )
    return found


def proposal_faults(
    connection: sa.Connection, identity: Identity, document: AgreementDocument, now: dt.datetime
) -> list[Fault]:
    """Return everything that keeps a document from being proposed by or to this node."""
    versions = list_agreements(connection, document.id)
    faults = party_faults(connection, document, identity)
    faults += version_faults(document, [v for v in versions if v.document.version != document.version])
    if document.valid_until is not None and document.valid_until <= now:
        faults.append(
            Fault("valid_until", f"{time_text(document.valid_until)} is over", "Give a time to come, or null")
        )
    size = len(document_bytes(document))
    if size > MAX_SIGNED_BYTES:
        faults.append(Fault("document", f"{size:,} bytes", f"Keep the signed form under {MAX_SIGNED_BYTES:,} bytes"))
    return faults


def add_and_complete(
    connection: sa.Connection,
    identity: Identity,
    found: Registered,
    participant: str,
    jws: str,
    entries: list[Entry],
    now: dt.datetime,
) -> Registered:
    """Store a signature; when it is the last one missing, the version comes into force."""
    own = identity.participant
    add_signature(connection, found.document, participant, SIGN, jws, now)
    signed = {"digest": found.digest, "participant": participant, "signature": digest_of(jws)}
    entries = entries + entries_for(EntryKind.AGREEMENT_SIGNED, found, own, **signed)
    found = known_version(connection, found.document.id, found.document.version)
    event = AgreementEvent.SIGN if found.missing else AgreementEvent.COMPLETE
    state = next_state(found, event, outside=participant != own)
    begins = state is AgreementState.IN_FORCE and found.state is not AgreementState.IN_FORCE
    set_state(connection, found.document, state, now, {"in_force_at": now} if begins else {})
    if begins:
        entries += entries_for(EntryKind.AGREEMENT_IN_FORCE, found, own, digest=found.digest)
    append(connection, entries, now)
    return known_version(connection, found.document.id, found.document.version)


def end_version(
    connection: sa.Connection,
    identity: Identity,
    found: Registered,
    state: AgreementState,
    participant: str,
    jws: str,
    reason: str,
    now: dt.datetime,
) -> None:
    """Retire or decline: state, evidence, streams and log in the caller's transaction."""
    declined = state is AgreementState.DECLINED
    if signature_of(connection, found.document, participant, DECLINE if declined else RETIRE) is None:
        add_signature(connection, found.document, participant, DECLINE if declined else RETIRE, jws, now)
    by = {"retired_at": now, "retired_by": participant, "retire_reason": reason}
    set_state(connection, found.document, state, now, by)
    close_streams(
        connection,
        agreement_id=found.document.id,
        version=found.document.version,
        reason=f"agreement {state.value} by {participant}: {reason}",
        now=now,
    )
    kind = EntryKind.AGREEMENT_DECLINED if declined else EntryKind.AGREEMENT_RETIRED
    body = {"digest": found.digest, "participant": participant, "reason": reason, "statement": digest_of(jws)}
    append(connection, entries_for(kind, found, identity.participant, **body), now)


def advance(connection: sa.Connection, identity: Identity, now: dt.datetime) -> str | None:
    """Do what time alone brings to one version: mark it superseded, or close the streams of an expired one.

    Nothing depends on when this runs: `in_force` judges by the times themselves. One version a transaction, so that
    every transaction locks in the order agreement, streams, log.

    Returns
    -------
    ``id/version`` of the version that was dealt with, None when there is nothing to do.
    """
    columns = (agreement.c.id, agreement.c.version, agreement.c.state, agreement.c.valid_until)
    begun = sa.select(*columns).where(taken_over(now)).order_by(agreement.c.id, agreement.c.version)
    rows = connection.execute(begun).all()
    newest = {row.id: row.version for row in rows}
    for row in rows:
        if row.state != AgreementState.IN_FORCE.value:
            continue
        if row.version < newest[row.id]:
            found = known_version(connection, row.id, row.version)
            if found.state is AgreementState.IN_FORCE:
                _supersede(connection, identity, found, newest[row.id], now)
                return found.document.ref
        elif row.valid_until is not None and row.valid_until <= now:
            reason = "the agreement expired"
            if close_streams(connection, agreement_id=row.id, version=row.version, reason=reason, now=now):
                return f"{row.id}/{row.version}"
    return None


def _supersede(connection: sa.Connection, identity: Identity, found: Registered, by: int, now: dt.datetime) -> None:
    document = found.document
    set_state(connection, document, next_state(found, AgreementEvent.SUPERSEDE, outside=False), now)
    reason = f"superseded by version {by}"
    close_streams(connection, agreement_id=document.id, version=document.version, reason=reason, now=now)
    append(connection, entries_for(EntryKind.AGREEMENT_SUPERSEDED, found, identity.participant, by=by), now)
