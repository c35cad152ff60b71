"""The agreement registry: propose, sign, renew, decline and retire, on the own side and as partners ask.

An agreement is in force on a node when that node holds the signatures of all participants over the identical bytes.
Every function takes the connection of the caller's write transaction: the change of state, the messages to partners,
the end of streams and the ledger entries commit together or not at all.
"""

from __future__ import annotations

import datetime as dt

import rfc8785
import sqlalchemy as sa

from sealane.agreements.documents import (
    AgreementDocument,
    document_bytes,
    document_digest,
    normal_form,
    read_document,
)
from sealane.agreements.values import time_text
from sealane.errors import DataError, InputError
from sealane.exchange.agreement_checks import known_datasets, party_faults
from sealane.exchange.agreement_incoming import (
    MAX_REASON,
    receive_decline,
    receive_proposal,
    receive_retirement,
    receive_signature,
)
from sealane.exchange.agreement_messages import Message, MessageKind, messages, queue, send_again, send_pending
from sealane.exchange.agreement_states import LIVE, AgreementEvent, AgreementState
from sealane.exchange.agreement_steps import add_and_complete, advance, end_version, known_version, proposal_faults
from sealane.exchange.agreement_store import (
    Registered,
    all_in_force,
    entries_for,
    get_agreement,
    in_force,
    insert_agreement,
    list_agreements,
    next_state,
    set_state,
    terms_in_force,
)
from sealane.exchange.evidence import Typ
from sealane.exchange.keys import Identity
from sealane.exchange.ledger import Entry, EntryKind

__all__ = [
    "Message",
    "Registered",
    "advance",
    "all_in_force",
    "decline",
    "draft",
    "get_agreement",
    "in_force",
    "known_datasets",
    "list_agreements",
    "live_versions",
    "messages",
    "newest_in_force",
    "next_version",
    "propose",
    "receive_decline",
    "receive_proposal",
    "receive_retirement",
    "receive_signature",
    "renew",
    "retire",
    "send_again",
    "send_pending",
    "sign",
    "terms_in_force",
]


def draft(connection: sa.Connection, identity: Identity, document: AgreementDocument, now: dt.datetime) -> Registered:
    """Store a document of the own side that nobody is told of yet; a later draft of the same version replaces it.

    Raises
    ------
    DataError
        Lists everything that would keep it from being proposed.
    """
    faults = proposal_faults(connection, identity, document, now)
    if faults:
        raise DataError(f"Agreement {document.ref} cannot be proposed.", faults)
    found = get_agreement(connection, document.id, document.version, lock=True)
    if found is None:
        insert_agreement(connection, document, AgreementState.DRAFT, None, now)
    elif found.state is AgreementState.DRAFT:
        data = document_bytes(document)
        times = {"valid_from": document.valid_from, "valid_until": document.valid_until}
        values = {"document": data, "digest": document_digest(data), **times}
        set_state(connection, document, AgreementState.DRAFT, now, values)
    elif found.data != document_bytes(document):
        raise InputError(f"Agreement {document.ref} exists with another text. Give it the next version.")
    return known_version(connection, document.id, document.version)


def propose(connection: sa.Connection, identity: Identity, document: AgreementDocument, now: dt.datetime) -> Registered:
    """Sign a document first and queue it to every other participant; the same call twice changes nothing.

    Raises
    ------
    DataError
        Lists everything that keeps it from being proposed.
    InputError
        If this version exists with another text or has ended.
    """
    found = get_agreement(connection, document.id, document.version, lock=True)
    if found is None or found.state is AgreementState.DRAFT:
        found = draft(connection, identity, document, now)
    elif found.data != document_bytes(document):
        raise InputError(f"Agreement {document.ref} exists with another text. Give it the next version.")
    next_state(found, AgreementEvent.PROPOSE, outside=False)
    if identity.participant in found.signatures:
        return found
    if found.state is not AgreementState.DRAFT:
        return sign(connection, identity, document.id, document.version, now)
    set_state(connection, document, AgreementState.PROPOSED, now, {"proposed_by": identity.participant})
    entries = entries_for(EntryKind.AGREEMENT_PROPOSED, found, identity.participant, digest=found.digest)
    return _add_own_signature(connection, identity, document, MessageKind.PROPOSAL, entries, now)


def renew(connection: sa.Connection, identity: Identity, document: AgreementDocument, now: dt.datetime) -> Registered:
    """Propose the next version of an agreement in force; it takes over at its ``valid_from`` once all have signed.

    Raises
    ------
    InputError
        If no version is in force.
    DataError
        As `propose`.
    """
    newest_in_force(connection, document.id)
    return propose(connection, identity, document, now)


def newest_in_force(connection: sa.Connection, agreement_id: str) -> Registered:
    """Return the newest version that all have signed, whether or not it is valid yet.

    Raises
    ------
    InputError
        If there is none.
    """
    versions = [v for v in list_agreements(connection, agreement_id) if v.state is AgreementState.IN_FORCE]
    if not versions:
        raise InputError(f"No version of {agreement_id} is in force. Propose one with `sealane agreement propose`.")
    return versions[-1]


def next_version(
    document: AgreementDocument, valid_from: dt.datetime, valid_until: dt.datetime | None
) -> AgreementDocument:
    """Return the same terms as the next version with another validity.

    A clause whose validity was the agreement's follows it; one with its own keeps it.

    Raises
    ------
    DataError
        If a clause then lies outside the agreement's validity, or another rule is broken.
    """
    content = normal_form(document)
    content |= {"version": document.version + 1, "supersedes": document.version}
    times = {"valid_from": time_text(valid_from), "valid_until": time_text(valid_until) if valid_until else None}
    for clause in content["clauses"]:
        for key, value in times.items():
            if clause[key] == content[key]:
                clause[key] = value
    return read_document(rfc8785.dumps(content | times), f"{document.id}.json", known_datasets())


def sign(
    connection: sa.Connection, identity: Identity, agreement_id: str, version: int, now: dt.datetime
) -> Registered:
    """Countersign a proposed version and queue the signature to every other participant; twice changes nothing.

    Raises
    ------
    InputError
        If it is unknown or has ended, or no key of this node is valid.
    DataError
        If a participant's id, origin or root key is no longer the one registered here.
    """
    found = known_version(connection, agreement_id, version)
    next_state(found, AgreementEvent.SIGN, outside=False)
    if identity.participant in found.signatures:
        return found
    faults = party_faults(connection, found.document, identity)
    if faults:
        raise DataError(f"Agreement {found.document.ref} cannot be signed.", faults)
    return _add_own_signature(connection, identity, found.document, MessageKind.SIGNATURE, [], now)


def retire(
    connection: sa.Connection, identity: Identity, agreement_id: str, version: int, reason: str, now: dt.datetime
) -> Registered:
    """End a version alone and at once; from this transaction's commit on nothing flows under it. Twice is once.

    Raises
    ------
    InputError
        If it is unknown, superseded or declined, or no key of this node is valid.
    """
    found = known_version(connection, agreement_id, version)
    if found.state is AgreementState.RETIRED:
        return found
    state = next_state(found, AgreementEvent.RETIRE, outside=False)
    if state is found.state:
        raise InputError(f"Agreement {found.document.ref} is {state.value}; there is nothing left to end.")
    reason = _reason(reason)
    if found.state is AgreementState.DRAFT:  # nobody else knows of it
        by = {"retired_at": now, "retired_by": identity.participant, "retire_reason": reason}
        set_state(connection, found.document, state, now, by)
        return known_version(connection, agreement_id, version)
    jws = _statement(identity, found, Typ.RETIREMENT, reason, now)
    end_version(connection, identity, found, state, identity.participant, jws, reason, now)
    queue(connection, found, identity.participant, MessageKind.RETIREMENT, jws, now)
    return known_version(connection, agreement_id, version)


def decline(
    connection: sa.Connection, identity: Identity, agreement_id: str, version: int, reason: str, now: dt.datetime
) -> Registered:
    """Say no to a proposal that this node has not signed, and tell the other participants. Twice is once.

    Raises
    ------
    InputError
        If it is unknown, is not a proposal, or is signed already.
    """
    found = known_version(connection, agreement_id, version)
    if found.state is AgreementState.DECLINED:
        return found
    state = next_state(found, AgreementEvent.DECLINE, outside=False)
    if identity.participant in found.signatures:
        raise InputError(
            f"Agreement {found.document.ref} is signed by this node. End it with `sealane agreement retire`."
        )
    jws = _statement(identity, found, Typ.DECLINE, _reason(reason), now)
    end_version(connection, identity, found, state, identity.participant, jws, _reason(reason), now)
    queue(connection, found, identity.participant, MessageKind.DECLINE, jws, now)
    return known_version(connection, agreement_id, version)


def _statement(identity: Identity, found: Registered, typ: str, reason: str, now: dt.datetime) -> str:
    content: dict[str, str | int] = {
        "agreement": found.document.id,
        "version": found.document.version,
        "digest": found.digest,
        "participant": identity.participant,
        "reason": reason,
        "at": time_text(now),
    }
    return identity.sign(rfc8785.dumps(content), typ, now)


def _reason(reason: str) -> str:
    text = " ".join(reason.split())
    if not text or len(text) > MAX_REASON:
        raise InputError(f"Give a reason of up to {MAX_REASON} characters; the partners read it.")
    return text


def _add_own_signature(
    connection: sa.Connection,
    identity: Identity,
    document: AgreementDocument,
    kind: MessageKind,
    entries: list[Entry],
    now: dt.datetime,
) -> Registered:
    found = known_version(connection, document.id, document.version)
    jws = identity.sign(found.data, Typ.AGREEMENT, now)
    queue(connection, found, identity.participant, kind, jws, now)
    return add_and_complete(connection, identity, found, identity.participant, jws, entries, now)


def live_versions(connection: sa.Connection, agreement_id: str) -> list[Registered]:
    """Return the versions of an agreement that still bind or may come to bind."""
    return [found for found in list_agreements(connection, agreement_id) if found.state in LIVE]
