"""Transfer processes of the Dataspace Protocol, as provider and as consumer.

A transfer runs under an agreement that was negotiated, and only while the clause behind it is in force. Stopping takes
effect on this side before the other side is told; data may flow only once the other side knows of the start. Who
suspended a transfer is the one to resume it.
"""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.dsp import transfer as table
from sealane.errors import RequestRefusedError
from sealane.exchange import dsp_messages as messages
from sealane.exchange import negotiation
from sealane.exchange.agreement_store import all_in_force
from sealane.exchange.dataspace import Dataspace, Role, Row, Step, TransferFormat
from sealane.exchange.dsp_messages import DataAddress, Message, MessageType
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

EVENTS_PATH = "/sealane/v1/events"


class TransferState(StrEnum):
    """States of the protocol, and the one before the provider has answered."""

    INITIAL = INITIAL
    REQUESTED = REQUESTED
    STARTED = "STARTED"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    TERMINATED = TERMINATED


class TransferMessage(StrEnum):
    """What moves a transfer."""

    REQUEST = REQUEST
    START = "start"
    SUSPENSION = "suspension"
    COMPLETION = "completion"
    TERMINATION = TERMINATION


_S, _M = TransferState, TransferMessage
TERMINAL: frozenset[str] = frozenset({_S.COMPLETED, _S.TERMINATED})
TRANSITIONS = transition_table(
    [
        (_S.INITIAL, _M.REQUEST, Role.CONSUMER, _S.REQUESTED),
        (_S.REQUESTED, _M.START, Role.PROVIDER, _S.STARTED),
        *((_S.STARTED, _M.SUSPENSION, role, _S.SUSPENDED) for role in Role),
        *((_S.STARTED, _M.COMPLETION, role, _S.COMPLETED) for role in Role),
        *((_S.SUSPENDED, _M.START, role, _S.STARTED) for role in Role),
    ],
    TransferState,
    TERMINAL,
)
ANSWER_WITHIN = dt.timedelta(hours=1)
SUSPENDED_AT_MOST = dt.timedelta(days=30)


def request_transfer(
    space: Dataspace,
    connection: sa.Connection,
    *,
    peer: str,
    agreement_ref: str,
    transfer_format: str,
    now: dt.datetime,
    address: str | None = None,
) -> str:
    """Ask the provider for a transfer under an agreement; return its pid. `step_transfers` sends it.

    Parameters
    ----------
    agreement_ref : ``@id`` of the negotiated agreement.
    address : base address of the provider's endpoints; None is where it was negotiated.

    Raises
    ------
    RequestRefusedError
        404 when there is no such agreement, 409 when its clause lets nothing through now.
    """
    provider = known_peer(connection, peer)
    contract = _contract(space, connection, agreement_ref, peer, Role.CONSUMER, now)
    _check_format(transfer_format)
    pid = f"urn:uuid:{uuid.uuid4()}"
    insert_once(
        connection,
        MACHINE,
        now,
        id=pid,
        role=Role.CONSUMER,
        peer=peer,
        callback=check_callback(provider, address or contract.callback),
        state=INITIAL,
        pending=REQUEST,
        next_at=now,
        agreement_ref=agreement_ref,
        format=transfer_format,
        deadline_at=now + ANSWER_WITHIN,
        **_clause_columns(contract),
    )
    if transfer_format == TransferFormat.PUSH:
        row = load(connection, MACHINE, pid)
        assert row is not None
        given = space.hooks.push_address(connection, row, now) if space.hooks.push_address else None
        where = (given or _push_address(space)).document()
        connection.execute(sa.update(table).where(table.c.id == pid).values(data_address=where))
    return pid


def _push_address(space: Dataspace) -> DataAddress:
    token = secrets.token_urlsafe(32)
    properties = (("authorization", token), ("authType", "bearer"))
    return DataAddress(space.node.identity.origin + EVENTS_PATH, properties=properties)


def receive_request(
    space: Dataspace, connection: sa.Connection, *, peer: str, message: Message, now: dt.datetime
) -> Row:
    """Take a consumer's TransferRequestMessage; the same one again gives the same transfer.

    Raises
    ------
    RequestRefusedError
        400 for a format that is not offered or a push without an address of the consumer, 404 for an unknown
        agreement, 409 when its clause lets nothing through now or this side suspended a transfer of it.
    """
    consumer = known_peer(connection, peer)
    known = known_request(connection, MACHINE, peer, message.consumer_pid)
    if known is not None:
        return known
    check_room(connection, MACHINE, peer)
    callback = check_callback(consumer, message.callback or "")
    contract = _contract(space, connection, message.agreement_ref or "", peer, Role.PROVIDER, now)
    _check_not_held(connection, contract)
    _check_format(message.format or "")
    where = message.data_address
    if message.format == TransferFormat.PUSH:
        if where is None or where.endpoint is None:
            raise RequestRefusedError(
                400, "data-address", "A push needs a dataAddress with an endpoint.", "Say where the data shall go."
            )
        check_callback(consumer, where.endpoint)
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
        agreement_ref=message.agreement_ref,
        format=message.format,
        data_address=None if where is None else where.document(),
        deadline_at=now + ANSWER_WITHIN,
        **_clause_columns(contract),
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
    kind: TransferMessage,
    message: Message,
    now: dt.datetime,
) -> Row:
    """Take any later message of a transfer.

    Raises
    ------
    RequestRefusedError
        As `sealane.exchange.dsp_process.receive`; 409 also when who did not suspend it resumes, or the clause ended.
    """

    def values(row: Row) -> Mapping[str, Any]:
        if kind is _M.START:
            if row.state == _S.SUSPENDED:
                _check_resume(space, connection, row, Role(row.role).other, now)
            if row.role == Role.CONSUMER and message.data_address is not None:
                return {"suspended_by": None, "data_address": message.data_address.document()}
            return {"suspended_by": None}
        if kind is _M.SUSPENSION:
            return {"suspended_by": Role(row.role).other, "reason": message.reason}
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
    message: TransferMessage,
    now: dt.datetime,
    reason: str | None = None,
) -> Row:
    """Start, suspend, resume, complete or terminate a transfer from this side.

    Raises
    ------
    RequestRefusedError
        404 when there is no such transfer, 409 when the step is illegal now.
    """
    row = load(connection, MACHINE, process_id)
    if row is None:
        raise RequestRefusedError(404, "unknown-process", f"There is no transfer {process_id}.", "Check the pid.")
    role = Role(row.role)
    values: dict[str, Any] = {} if reason is None else {"reason": reason}
    if message is _M.START:
        if row.state == _S.SUSPENDED:
            _check_resume(space, connection, row, role, now)
        values |= {"suspended_by": None}
    elif message is _M.SUSPENSION:
        values |= {"suspended_by": role}
    return enter(space, connection, MACHINE, row, message, role, now, **values)


def end_transfers(
    space: Dataspace,
    connection: sa.Connection,
    *,
    agreement_id: str,
    version: int | None = None,
    reason: str,
    now: dt.datetime,
) -> int:
    """Terminate every transfer under an agreement, in the caller's transaction; return how many there were."""
    query = sa.select(table.c.id).where(table.c.agreement_id == agreement_id, table.c.state.not_in(TERMINAL))
    if version is not None:
        query = query.where(table.c.agreement_version == version)
    ids = list(connection.scalars(query.order_by(table.c.id)))
    for process_id in ids:
        act(space, connection, process_id, _M.TERMINATION, now, reason)
    return len(ids)


def lapsed(connection: sa.Connection, now: dt.datetime) -> dict[str, str]:
    """Return the living transfers whose clause is not in force any more, each with the reason to end it."""
    living = sa.select(table.c.id, table.c.agreement_id, table.c.agreement_version, table.c.clause_id).where(
        table.c.state.not_in(TERMINAL), table.c.agreement_id.is_not(None)
    )
    rows = connection.execute(living.order_by(table.c.id)).all()
    documents = {document.id: document for document in all_in_force(connection, now)} if rows else {}
    found = {}
    for row in rows:
        document = documents.get(row.agreement_id)
        terms = document.terms(row.clause_id) if document and document.version == row.agreement_version else None
        until = terms.clause.valid_until if terms else None
        if terms is None or (until is not None and until <= now):
            clause = f"Clause {row.clause_id} of {row.agreement_id}/{row.agreement_version}"
            found[row.id] = f"{clause} is not in force any more."
    return found


def end_lapsed(space: Dataspace) -> int:
    """Terminate every transfer whose clause is not in force any more; return how many there were."""
    node = space.node
    with node.database.read() as connection:
        if not lapsed(connection, node.clock()):
            return 0
    with node.database.write() as connection:
        found = lapsed(connection, node.clock())
        for process_id, reason in found.items():
            act(space, connection, process_id, _M.TERMINATION, node.clock(), reason)
    return len(found)


def find(connection: sa.Connection, process_id: str, peer: str) -> Row:
    """Return a transfer for the participant it is with.

    Raises
    ------
    RequestRefusedError
        404, also for the transfers of others.
    """
    row = load(connection, MACHINE, process_id, lock=False)
    if row is None or row.peer != peer or row.peer_pid is None:  # not answered yet, or ended before it was
        raise RequestRefusedError(404, "unknown-process", f"There is no transfer {process_id}.", "Check the pid.")
    return row


def state_document(row: Row) -> dict[str, Any]:
    """Return the TransferProcess of a row."""
    return messages.process_state(MessageType.TRANSFER, *_pids(row), row.state)


def _clause_columns(contract: Row) -> dict[str, Any]:
    names = ("dataset", "agreement_id", "agreement_version", "clause_id")
    return {name: getattr(contract, name) for name in names}


def _contract(
    space: Dataspace, connection: sa.Connection, agreement_ref: str, peer: str, role: Role, now: dt.datetime
) -> Row:
    row = negotiation.agreed(connection, agreement_ref, peer, role)
    if row is None:
        raise RequestRefusedError(
            404, "unknown-agreement", f"There is no agreement {agreement_ref} with {peer}.", "Negotiate one first."
        )
    objection = space.offers.objection(connection, row, now)
    if objection is not None:
        raise RequestRefusedError(409, "agreement-not-in-force", objection, "Agree on terms that are in force.")
    return row


def _check_format(name: str) -> None:
    if name not in set(TransferFormat):
        remedy = "Use " + " or ".join(TransferFormat) + "."
        raise RequestRefusedError(400, "format", f"The format {name!r} is not offered.", remedy)


def _check_resume(space: Dataspace, connection: sa.Connection, row: Row, sender: Role, now: dt.datetime) -> None:
    if row.suspended_by != sender:
        raise RequestRefusedError(
            409, "suspended-by-other", f"The {row.suspended_by} suspended it.", f"Wait for the {row.suspended_by}."
        )
    _contract(space, connection, row.agreement_ref, row.peer, Role(row.role), now)
    if row.role == Role.PROVIDER:
        _check_not_held(connection, row)


def is_held(connection: sa.Connection, row: Row) -> bool:
    """Say whether the provider suspended another transfer of the same clause to the same consumer.

    All of them feed one stream: a consumer could else undo the suspension by a further transfer of its own.
    """
    names = ("peer", "agreement_id", "agreement_version", "clause_id")
    if row.agreement_id is None:  # no clause behind it, hence no stream
        return False
    held = sa.select(table.c.id).where(
        table.c.role == Role.PROVIDER,
        table.c.state == _S.SUSPENDED,
        table.c.suspended_by == Role.PROVIDER,
        table.c.id != row.id,
        *(table.c[name] == getattr(row, name) for name in names),
    )
    return connection.execute(held.limit(1)).first() is not None


def _check_not_held(connection: sa.Connection, row: Row) -> None:
    if is_held(connection, row):
        raise RequestRefusedError(
            409,
            "suspended-by-provider",
            "The provider suspended another transfer of this clause.",
            "Wait until the provider resumes that one.",
        )


def _pids(row: Row) -> tuple[str, str]:
    other = row.peer_pid or ""
    return (row.id, other) if row.role == Role.PROVIDER else (other, row.id)


def _outgoing(space: Dataspace, row: Row) -> tuple[str, dict[str, Any]]:
    pids, there = _pids(row), pid_path(row)
    match row.pending:
        case _M.REQUEST:
            return "request", messages.transfer_request(
                row.id, row.agreement_ref, row.format, space.address, row.data_address
            )
        case _M.START:
            pull = row.role == Role.PROVIDER and row.format == TransferFormat.PULL
            return f"{there}/start", messages.transfer_start(*pids, row.data_address if pull else None)
        case _M.SUSPENSION:
            kind = MessageType.TRANSFER_SUSPENSION
            return f"{there}/suspension", messages.ending(kind, *pids, "suspended", row.reason)
        case _M.COMPLETION:
            return f"{there}/completion", messages.transfer_completion(*pids)
        case _:
            kind = MessageType.TRANSFER_TERMINATION
            return f"{there}/termination", messages.ending(kind, *pids, "terminated", row.reason)


def _on_change(
    space: Dataspace, connection: sa.Connection, before: Row, row: Row, sender: Role, now: dt.datetime
) -> None:
    if row.state == _S.STARTED:
        if row.role == Role.PROVIDER and row.format == TransferFormat.PULL:
            address = space.hooks.pull_address(connection, row, now)
            document = None if address is None else address.document()
            connection.execute(sa.update(table).where(table.c.id == row.id).values(data_address=document))
        if row.pending is None:  # the other side said it, so it knows
            _started(space, connection, row, now)
    elif row.state == _S.SUSPENDED:
        space.hooks.on_transfer_suspended(connection, row, now)
    elif row.state in TERMINAL:
        _log(connection, EntryKind.TRANSFER_ENDED, row, now)
        space.hooks.on_transfer_ended(connection, row, now)


def _on_delivered(space: Dataspace, connection: sa.Connection, before: Row, row: Row, now: dt.datetime) -> None:
    if before.pending == _M.START and row.state == _S.STARTED:
        _started(space, connection, row, now)


def _started(space: Dataspace, connection: sa.Connection, row: Row, now: dt.datetime) -> None:
    _log(connection, EntryKind.TRANSFER_STARTED, row, now)
    space.hooks.on_transfer_started(connection, load(connection, MACHINE, row.id) or row, now)


def _log(connection: sa.Connection, kind: EntryKind, row: Row, now: dt.datetime) -> None:
    body = {
        "role": row.role,
        "state": row.state,
        "format": row.format,
        "agreement_ref": row.agreement_ref,
        "agreement": row.agreement_id,
        "version": row.agreement_version,
        "clause": row.clause_id,
        "reason": row.reason,
    }
    said = {key: value for key, value in body.items() if value is not None}
    append(connection, [Entry(kind, row.peer, row.id, said)], now)


def _standard(space: Dataspace, connection: sa.Connection, row: Row, now: dt.datetime) -> Step | None:
    if row.role == Role.PROVIDER and row.state == _S.REQUESTED:
        return Step(_M.START)
    return None


MACHINE = Machine(
    name="transfer",
    segment="transfers",
    table=table,
    transitions=TRANSITIONS,
    terminal=TERMINAL,
    waits={
        _S.INITIAL: ANSWER_WITHIN,
        _S.REQUESTED: ANSWER_WITHIN,
        _S.SUSPENDED: SUSPENDED_AT_MOST,
    },
    state_type=MessageType.TRANSFER,
    error_type=MessageType.TRANSFER_ERROR,
    outgoing=_outgoing,
    on_change=_on_change,
    on_delivered=_on_delivered,
    standard=_standard,
    adoptable={(_S.STARTED, _S.COMPLETED): _M.COMPLETION},
)
