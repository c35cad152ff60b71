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
    set_state(connection, found.document, state, now)
    if state is AgreementState.IN_FORCE:
        entries += entries_for(EntryKind.AGREEMENT_IN_FORCE, found, own, digest=found.digest)
    append(connection, entries, now)
    advance(connection, identity, now)
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
    """Retire or decline: state, evidence, streams and log in the caller's transaction.

    The caller has called `advance` before it looked at the state: when a newer version is retired, the older one it had
    taken the place of must be marked superseded, or it would come back to life.
    """
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


def advance(connection: sa.Connection, identity: Identity, now: dt.datetime) -> list[str]:
    """Do what time alone brings: mark superseded versions, close the streams of those and of expired ones.

    Nothing depends on when this runs: `in_force` judges by the times themselves.

    Returns
    -------
    ``id/version`` of each version that is superseded now.
    """
    held = connection.execute(
        sa.select(agreement.c.id, agreement.c.version, agreement.c.valid_from, agreement.c.valid_until)
        .where(agreement.c.state == AgreementState.IN_FORCE.value, agreement.c.valid_from <= now)
        .order_by(agreement.c.id, agreement.c.version)
    ).all()
    newest = {row.id: row.version for row in held}
    moved = []
    for row in held:
        if row.version < newest[row.id]:
            found = get_agreement(connection, row.id, row.version, lock=True)
            if found is not None and found.state is AgreementState.IN_FORCE:
                set_state(connection, found.document, AgreementState.SUPERSEDED, now)
                reason = f"superseded by version {newest[row.id]}"
                close_streams(connection, agreement_id=row.id, version=row.version, reason=reason, now=now)
                by = newest[row.id]
                append(connection, entries_for(EntryKind.AGREEMENT_SUPERSEDED, found, identity.participant, by=by), now)
                moved.append(found.document.ref)
        elif row.valid_until is not None and row.valid_until <= now:
            close_streams(connection, agreement_id=row.id, version=row.version, reason="the agreement expired", now=now)
    return moved
