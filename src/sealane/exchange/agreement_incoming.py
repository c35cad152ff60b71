"""What partners ask of the agreement registry: each message is proven, complete and safe to take twice, or refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from sealane.agreements.documents import AgreementDocument, document_bytes, read_document
from sealane.database.tables.agreements import agreement
from sealane.errors import DataError, Fault, RequestRefusedError
from sealane.exchange import strict_json
from sealane.exchange.agreement_checks import MAX_SIGNED_BYTES, known_datasets
from sealane.exchange.agreement_states import AgreementEvent, AgreementState
from sealane.exchange.agreement_steps import add_and_complete, end_version, known_version, proposal_faults
from sealane.exchange.agreement_store import Registered, entries_for, get_agreement, insert_agreement, next_state
from sealane.exchange.evidence import Typ, verify_evidence
from sealane.exchange.keys import Identity
from sealane.exchange.ledger import EntryKind

# A partner that proposes without end would fill the operator's list.
MAX_OPEN_PROPOSALS = 50
MAX_REASON = 500


def receive_proposal(
    connection: sa.Connection, identity: Identity, peer: str, jws: str, now: dt.datetime
) -> Registered:
    """Take a partner's proposal: its signature over a document this node is named in. Twice is once.

    Raises
    ------
    RequestRefusedError
        401 for the signature; 422 with every fault of the document, its participants or its version; 403 if this
        node or the partner is not a participant; 409 if this version exists with another text or has ended.
    """
    data = verify_evidence(connection, jws, Typ.AGREEMENT, peer, now)
    document = _read_proposal(data)
    for who in (peer, identity.participant):
        if not document.names(who):
            raise RequestRefusedError(
                403, "not-a-participant", f"{who} is no participant of {document.ref}.", "Send it to its participants."
            )
    found = get_agreement(connection, document.id, document.version, lock=True)
    if found is None:
        faults = proposal_faults(connection, identity, document, now)
        if faults:
            raise _unusable(faults)
        _check_open_proposals(connection, peer)
        if insert_agreement(connection, document, AgreementState.PROPOSED, peer, now):
            stored = known_version(connection, document.id, document.version)
            entries = entries_for(EntryKind.AGREEMENT_PROPOSED, stored, identity.participant, digest=stored.digest)
            return add_and_complete(connection, identity, stored, peer, jws, entries, now)
        found = get_agreement(connection, document.id, document.version, lock=True)
        assert found is not None  # another process has just stored it
    return _take_signature(connection, identity, found, peer, jws, data, now)


def receive_signature(
    connection: sa.Connection,
    identity: Identity,
    peer: str,
    agreement_id: str,
    version: int,
    jws: str,
    now: dt.datetime,
) -> Registered:
    """Take a partner's signature of a version known here. Twice is once.

    Raises
    ------
    RequestRefusedError
        404 if the version is unknown or the partner not in it; 401 for the signature; 409 if it is over other bytes
        or the version has ended.
    """
    found = _known_to(connection, peer, agreement_id, version)
    data = verify_evidence(connection, jws, Typ.AGREEMENT, peer, now)
    return _take_signature(connection, identity, found, peer, jws, data, now)


def receive_retirement(
    connection: sa.Connection,
    identity: Identity,
    peer: str,
    agreement_id: str,
    version: int,
    jws: str,
    now: dt.datetime,
) -> Registered:
    """Take a partner's word that it ends a version; it holds from this transaction's commit on. Twice is once.

    Raises
    ------
    RequestRefusedError
        404 if the version is unknown or the partner not in it; 401 for the signature; 400 if it speaks of another.
    """
    found = _known_to(connection, peer, agreement_id, version)
    reason = _read_statement(connection, found, Typ.RETIREMENT, peer, jws, now)
    state = next_state(found, AgreementEvent.RETIRE, outside=True)
    if state is not found.state:
        end_version(connection, identity, found, state, peer, jws, reason, now)
    return known_version(connection, agreement_id, version)


def receive_decline(
    connection: sa.Connection,
    identity: Identity,
    peer: str,
    agreement_id: str,
    version: int,
    jws: str,
    now: dt.datetime,
) -> Registered:
    """Take a partner's no to a proposal it has not signed. Twice is once.

    Raises
    ------
    RequestRefusedError
        As `receive_retirement`; 409 if the partner has signed or the version is no proposal.
    """
    found = _known_to(connection, peer, agreement_id, version)
    reason = _read_statement(connection, found, Typ.DECLINE, peer, jws, now)
    state = next_state(found, AgreementEvent.DECLINE, outside=True)
    if peer in found.signatures:
        raise RequestRefusedError(
            409, "already-signed", f"{peer} has signed {found.document.ref}.", "End it by a retirement."
        )
    if state is not found.state:
        end_version(connection, identity, found, state, peer, jws, reason, now)
    return known_version(connection, agreement_id, version)


def _read_proposal(data: bytes) -> AgreementDocument:
    # Before anything is read: a text in YAML takes a hundred times as long, and this runs in a write transaction.
    if not data.startswith(b"{") or len(data) > MAX_SIGNED_BYTES:
        found = f"{len(data):,} bytes, beginning with {data[:1]!r}"
        remedy = f"Sign the RFC 8785 form of the document, at most {MAX_SIGNED_BYTES:,} bytes"
        raise _unusable([Fault("document", found, remedy)])
    try:
        document = read_document(data, "document", known_datasets())
    except DataError as error:
        raise _unusable(error.faults) from None
    if document_bytes(document) != data:
        raise _unusable([Fault("document", "not in canonical form", "Sign the RFC 8785 form of the document")])
    return document


def _unusable(faults: Sequence[Fault]) -> RequestRefusedError:
    detail = f"The proposal cannot be used ({len(faults)} faults)."
    return RequestRefusedError(422, "agreement-unusable", detail, "Mend what is listed and propose it again.", faults)


def _check_open_proposals(connection: sa.Connection, peer: str) -> None:
    statement = sa.select(sa.func.count()).where(
        agreement.c.state == AgreementState.PROPOSED.value, agreement.c.proposed_by == peer
    )
    if (connection.scalar(statement) or 0) >= MAX_OPEN_PROPOSALS:
        raise RequestRefusedError(
            429,
            "too-many-proposals",
            f"{MAX_OPEN_PROPOSALS} proposals of {peer} wait for an answer.",
            "Retire some of them first.",
            retry_after_s=3600,
        )


def _known_to(connection: sa.Connection, peer: str, agreement_id: str, version: int) -> Registered:
    found = get_agreement(connection, agreement_id, version, lock=True)
    # One answer for both, so that nobody learns of agreements between others.
    if found is None or found.state is AgreementState.DRAFT or not found.document.names(peer):
        raise RequestRefusedError(
            404, "unknown-agreement", f"No agreement {agreement_id}/{version} with you here.", "Propose it first."
        )
    return found


def _read_statement(
    connection: sa.Connection, found: Registered, typ: str, peer: str, jws: str, now: dt.datetime
) -> str:
    """Verify a retirement or decline and return its reason."""
    content: dict[str, Any] = strict_json.parse_object(verify_evidence(connection, jws, typ, peer, now))
    expected = {
        "agreement": found.document.id,
        "version": found.document.version,
        "digest": found.digest,
        "participant": peer,
    }
    faults = [
        Fault(key, f"{str(content.get(key))[:100]!r}", f"must be {value!r}")
        for key, value in expected.items()
        if content.get(key) != value or type(content.get(key)) is not type(value)  # True equals 1
    ]
    faults += [
        Fault(key, "an unknown key", "Leave it out") for key in sorted(set(content) - {*expected, "reason", "at"})
    ]
    reason = content.get("reason")
    if not isinstance(reason, str) or not reason.strip() or len(reason) > MAX_REASON:
        faults.append(Fault("reason", "no text", f"Give a text of up to {MAX_REASON} characters"))
    if faults:
        raise RequestRefusedError(
            400, "other-agreement", "The statement does not fit this agreement.", "Sign one that does.", faults
        )
    return " ".join(str(reason).split())


def _take_signature(
    connection: sa.Connection, identity: Identity, found: Registered, peer: str, jws: str, data: bytes, now: dt.datetime
) -> Registered:
    if data != found.data or found.state is AgreementState.DRAFT:
        raise RequestRefusedError(
            409,
            "other-text",
            f"Agreement {found.document.ref} exists here with another text.",
            f"The text here has the digest {found.digest}; propose yours as the next version.",
        )
    if peer in found.signatures:
        return found
    next_state(found, AgreementEvent.SIGN, outside=True)
    return add_and_complete(connection, identity, found, peer, jws, [], now)
