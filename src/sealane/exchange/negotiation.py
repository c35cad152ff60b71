"""Contract negotiations of the Dataspace Protocol, as provider and as consumer.

The provider agrees to exactly the offers it makes: those of clauses in force that name the asking participant. It makes
no counter-offers and takes none; what was agreed between two ports stands in the signed document. The consumer takes
exactly what it asked for.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.dsp import negotiation as table
from sealane.errors import DataError, RequestRefusedError
from sealane.exchange import dsp_messages as messages
from sealane.exchange.dataspace import DSP_PATH, Dataspace, Role, Row, Step
from sealane.exchange.dsp_messages import Message, MessageType
from sealane.exchange.dsp_process import (
    INITIAL,
    REQUEST,
    REQUESTED,
    TERMINATED,
    TERMINATION,
    Machine,
    check_callback,
    check_room,
    enter,
    follow,
    insert_once,
    known_peer,
    known_request,
    load,
    pid_path,
    receive,
    transition_table,
)
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.odrl import time_text, write_policy
from sealane.exchange.policies import Offer, read_offer, same_rules


class NegotiationState(StrEnum):
    """States of the protocol, and the one before the provider has answered."""

    INITIAL = INITIAL
    REQUESTED = REQUESTED
    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    AGREED = "AGREED"
    VERIFIED = "VERIFIED"
    FINALIZED = "FINALIZED"
    TERMINATED = TERMINATED


class NegotiationMessage(StrEnum):
    """What moves a negotiation."""

    REQUEST = REQUEST
    OFFER = "offer"
    ACCEPT = "accept"
    AGREEMENT = "agreement"
    VERIFICATION = "verification"
    FINALIZE = "finalize"
    TERMINATION = TERMINATION


_S, _M = NegotiationState, NegotiationMessage
TERMINAL: frozenset[str] = frozenset({_S.FINALIZED, _S.TERMINATED})
TRANSITIONS = transition_table(
    [
        (_S.INITIAL, _M.REQUEST, Role.CONSUMER, _S.REQUESTED),
        (_S.REQUESTED, _M.OFFER, Role.PROVIDER, _S.OFFERED),
        (_S.REQUESTED, _M.AGREEMENT, Role.PROVIDER, _S.AGREED),
        (_S.OFFERED, _M.REQUEST, Role.CONSUMER, _S.REQUESTED),
        (_S.OFFERED, _M.ACCEPT, Role.CONSUMER, _S.ACCEPTED),
        (_S.ACCEPTED, _M.AGREEMENT, Role.PROVIDER, _S.AGREED),
        (_S.AGREED, _M.VERIFICATION, Role.CONSUMER, _S.VERIFIED),
        (_S.VERIFIED, _M.FINALIZE, Role.PROVIDER, _S.FINALIZED),
    ],
    NegotiationState,
    TERMINAL,
)
ANSWER_WITHIN = dt.timedelta(hours=1)


def request_contract(
    space: Dataspace,
    connection: sa.Connection,
    *,
    peer: str,
    offer: Offer,
    now: dt.datetime,
    address: str | None = None,
) -> str:
    """Ask a provider for a contract; return the pid of the new negotiation. `step_negotiations` sends it.

    Parameters
    ----------
    offer : as the provider makes it; for a clause of a common agreement `offer_of` computes the same on both sides.
    address : base address of the provider's endpoints; None is that of a Sealane node.

    Raises
    ------
    RequestRefusedError
        When the provider is not registered, or the address is not at its origin.
    """
    provider = known_peer(connection, peer)
    callback = check_callback(provider, address or provider.origin + DSP_PATH)
    pid = f"urn:uuid:{uuid.uuid4()}"
    document = {"@type": "Offer", "@id": offer.id, "target": offer.target, **write_policy(offer.policy)}
    parties = {"assigner": offer.assigner, "assignee": offer.assignee}
    document |= {key: value for key, value in parties.items() if value is not None}
    insert_once(
        connection,
        MACHINE,
        now,
        id=pid,
        role=Role.CONSUMER,
        peer=peer,
        callback=callback,
        state=INITIAL,
        pending=REQUEST,
        next_at=now,
        offer=document,
        deadline_at=now + ANSWER_WITHIN,
        **_clause_columns(offer),
    )
    return pid


def receive_request(
    space: Dataspace, connection: sa.Connection, *, peer: str, message: Message, now: dt.datetime
) -> Row:
    """Take a consumer's first ContractRequestMessage; the same one again gives the same negotiation.

    Raises
    ------
    RequestRefusedError
        400 with every difference when the offer is not exactly one made to this participant, or is malformed.
    """
    consumer = known_peer(connection, peer)
    known = known_request(connection, MACHINE, peer, message.consumer_pid)
    if known is not None:
        return known
    check_room(connection, MACHINE, peer)
    callback = check_callback(consumer, message.callback or "")
    offer = _offer_made(space, connection, peer, message.offer, now)
    pid = f"urn:uuid:{uuid.uuid4()}"
    inserted = insert_once(
        connection,
        MACHINE,
        now,
        id=pid,
        role=Role.PROVIDER,
        peer=peer,
        peer_pid=message.consumer_pid,
        callback=callback,
        state=REQUESTED,
        offer=dict(message.offer or {}),
        deadline_at=now + ANSWER_WITHIN,
        **_clause_columns(offer),
    )
    row = load(connection, MACHINE, pid) if inserted else known_request(connection, MACHINE, peer, message.consumer_pid)
    assert row is not None
    return follow(space, connection, MACHINE, row, now)


def receive_message(
    space: Dataspace,
    connection: sa.Connection,
    *,
    peer: str,
    process_id: str,
    kind: NegotiationMessage,
    message: Message,
    now: dt.datetime,
) -> Row:
    """Take any later message of a negotiation.

    Raises
    ------
    RequestRefusedError
        As `sealane.exchange.dsp_process.receive`; 400 also for a malformed offer or agreement.
    """

    def values(row: Row) -> Mapping[str, Any]:
        if kind is _M.OFFER or kind is _M.REQUEST:
            _read(message.offer, "offer")
            return {"offer": dict(message.offer or {})} if row.role == Role.PROVIDER else {"agreement": message.offer}
        if kind is _M.AGREEMENT:
            _read(message.agreement, "agreement")
            agreement = dict(message.agreement or {})
            if len(agreement["@id"]) > messages.MAX_ID:
                raise RequestRefusedError(
                    400,
                    "agreement-id",
                    "The agreement's @id is too long.",
                    f"Use at most {messages.MAX_ID} characters.",
                )
            return {"agreement": agreement, "agreement_ref": str(agreement["@id"])}
        return {"reason": message.reason or f"Terminated by {peer}."} if kind is _M.TERMINATION else {}

    return receive(
        space,
        connection,
        MACHINE,
        peer=peer,
        process_id=process_id,
        pids=(message.provider_pid, message.consumer_pid),
        message=kind,
        now=now,
        values=values,
    )


def act(
    space: Dataspace,
    connection: sa.Connection,
    process_id: str,
    message: NegotiationMessage,
    now: dt.datetime,
    reason: str | None = None,
) -> Row:
    """Take a step of our own: an operator's termination, or what a test profile needs.

    Raises
    ------
    RequestRefusedError
        404 when there is no such negotiation, 409 when the step is illegal now.
    """
    row = load(connection, MACHINE, process_id)
    if row is None:
        raise RequestRefusedError(404, "unknown-process", f"There is no negotiation {process_id}.", "Check the pid.")
    values = {} if reason is None else {"reason": reason}
    return enter(space, connection, MACHINE, row, message, Role(row.role), now, **values)


def find(connection: sa.Connection, process_id: str, peer: str) -> Row:
    """Return a negotiation for the participant it is with.

    Raises
    ------
    RequestRefusedError
        404, also for the negotiations of others.
    """
    row = load(connection, MACHINE, process_id, lock=False)
    if row is None or row.peer != peer or row.peer_pid is None:  # not answered yet, or ended before it was
        raise RequestRefusedError(404, "unknown-process", f"There is no negotiation {process_id}.", "Check the pid.")
    return row


def agreed(connection: sa.Connection, agreement_ref: str, peer: str, role: Role) -> Row | None:
    """Return the finalised negotiation of an agreement with a participant."""
    return connection.execute(
        sa.select(table).where(
            table.c.agreement_ref == agreement_ref,
            table.c.peer == peer,
            table.c.role == role,
            table.c.state == _S.FINALIZED,
        )
    ).one_or_none()


def state_document(row: Row) -> dict[str, Any]:
    """Return the ContractNegotiation of a row."""
    return messages.process_state(MessageType.NEGOTIATION, *_pids(row), row.state)


def _clause_columns(offer: Offer) -> dict[str, Any]:
    terms = offer.terms
    return {
        "dataset": offer.target,
        "agreement_id": terms.agreement_id if terms else None,
        "agreement_version": terms.version if terms else None,
        "clause_id": terms.clause.id if terms else None,
    }


def _read(document: Mapping[str, Any] | None, path: str) -> Offer:
    try:
        return read_offer(document, path)
    except DataError as error:
        raise RequestRefusedError(
            400, "policy", error.title, "Send a policy of the profile this node names in its catalogue.", error.faults
        ) from None


def _offer_made(
    space: Dataspace, connection: sa.Connection, peer: str, document: Mapping[str, Any] | None, now: dt.datetime
) -> Offer:
    asked = _read(document, "offer")
    made = {offer.id: offer for offer in space.offers.made_to(connection, peer, now)}
    offer = made.get(asked.id)
    if offer is None:
        raise RequestRefusedError(
            400,
            "offer-unknown",
            f"No offer {asked.id} is made to {peer} now.",
            "Ask for the catalogue again and use an offer that stands there.",
        )
    if differing := same_rules(asked, offer):
        raise RequestRefusedError(
            400,
            "offer-differs",
            f"The offer differs from {offer.id} in its {' and '.join(differing)}.",
            "Send the offer exactly as it stands in the catalogue; other terms need a new version of the agreement.",
        )
    return offer


def _pids(row: Row) -> tuple[str, str]:
    """Return provider's and consumer's pid."""
    other = row.peer_pid or ""
    return (row.id, other) if row.role == Role.PROVIDER else (other, row.id)


def _outgoing(space: Dataspace, row: Row) -> tuple[str, dict[str, Any]]:
    pids = _pids(row)
    there = pid_path(row)
    match row.pending:
        case _M.REQUEST if row.peer_pid is None:
            return "request", messages.contract_request(row.id, row.offer, callback=space.address)
        case _M.REQUEST:
            return f"{there}/request", messages.contract_request(row.id, row.offer, provider_pid=row.peer_pid)
        case _M.OFFER:
            return f"{there}/offers", messages.contract_offer(*pids, row.offer)
        case _M.ACCEPT:
            return f"{there}/events", messages.contract_event(*pids, "ACCEPTED")
        case _M.AGREEMENT:
            return f"{there}/agreement", messages.contract_agreement(*pids, row.agreement)
        case _M.VERIFICATION:
            return f"{there}/agreement/verification", messages.contract_verification(*pids)
        case _M.FINALIZE:
            return f"{there}/events", messages.contract_event(*pids, "FINALIZED")
        case _:
            kind = MessageType.CONTRACT_TERMINATION
            return f"{there}/termination", messages.ending(kind, *pids, "terminated", row.reason)


def _on_change(
    space: Dataspace, connection: sa.Connection, before: Row, row: Row, sender: Role, now: dt.datetime
) -> None:
    if row.state == _S.AGREED and row.role == Role.PROVIDER:
        agreement = _agreement(space, row, now)
        connection.execute(
            sa.update(table).where(table.c.id == row.id).values(agreement=agreement, agreement_ref=agreement["@id"])
        )
    elif row.state == _S.FINALIZED:
        _log(connection, EntryKind.NEGOTIATION_AGREED, row, now)
        space.hooks.on_agreed(connection, row, now)
    elif row.state == _S.TERMINATED:
        _log(connection, EntryKind.NEGOTIATION_TERMINATED, row, now)


def _on_delivered(space: Dataspace, connection: sa.Connection, before: Row, row: Row, now: dt.datetime) -> None:
    """Nothing hangs on the arrival of a message of a negotiation."""


def _log(connection: sa.Connection, kind: EntryKind, row: Row, now: dt.datetime) -> None:
    body = {
        "role": row.role,
        "dataset": row.dataset,
        "agreement": row.agreement_id,
        "version": row.agreement_version,
        "clause": row.clause_id,
        "agreement_ref": row.agreement_ref,
        "reason": row.reason,
    }
    said = {key: value for key, value in body.items() if value is not None}
    append(connection, [Entry(kind, row.peer, row.id, said)], now)


def _agreement(space: Dataspace, row: Row, now: dt.datetime) -> dict[str, Any]:
    offer = _read(row.offer, "offer")
    return {
        "@type": "Agreement",
        "@id": f"urn:uuid:{uuid.uuid4()}",
        "target": offer.target,
        "assigner": space.participant,
        "assignee": row.peer,
        "timestamp": time_text(now),
        **write_policy(offer.policy),
    }


def _standard(space: Dataspace, connection: sa.Connection, row: Row, now: dt.datetime) -> Step | None:
    if row.role == Role.PROVIDER:
        return _provider_step(space, connection, row, now)
    if row.state not in {_S.OFFERED, _S.AGREED}:
        return None
    differing = _differs(space, row)
    if differing:
        what = "offer" if row.state == _S.OFFERED else "agreement"
        return Step(_M.TERMINATION, f"The {what} differs from what was asked for in its {' and '.join(differing)}.")
    return Step(_M.ACCEPT if row.state == _S.OFFERED else _M.VERIFICATION)


def _provider_step(space: Dataspace, connection: sa.Connection, row: Row, now: dt.datetime) -> Step | None:
    if row.state not in {_S.REQUESTED, _S.ACCEPTED, _S.VERIFIED}:
        return None
    try:
        _offer_made(space, connection, row.peer, row.offer, now)
    except RequestRefusedError as error:  # a counter-offer, or the clause ended meanwhile
        return Step(_M.TERMINATION, error.detail)
    return Step(_M.FINALIZE if row.state == _S.VERIFIED else _M.AGREEMENT)


def _differs(space: Dataspace, row: Row) -> list[str]:
    """Return what the provider's offer or agreement has otherwise than this consumer asked for."""
    asked, got = _read(row.offer, "offer"), _read(row.agreement, "agreement")
    differing = same_rules(asked, got)
    if row.state == _S.OFFERED and asked.id != got.id:
        differing.append("@id")
    if got.assigner not in (None, row.peer):
        differing.append("assigner")
    if got.assignee not in (None, space.participant):
        differing.append("assignee")
    return sorted(set(differing))


MACHINE = Machine(
    name="negotiation",
    segment="negotiations",
    table=table,
    transitions=TRANSITIONS,
    terminal=TERMINAL,
    waits={state: ANSWER_WITHIN for state in _S if state not in TERMINAL},
    state_type=MessageType.NEGOTIATION,
    error_type=MessageType.NEGOTIATION_ERROR,
    outgoing=_outgoing,
    on_change=_on_change,
    on_delivered=_on_delivered,
    standard=_standard,
    adoptable={(_S.VERIFIED, _S.FINALIZED): _M.FINALIZE},
)
