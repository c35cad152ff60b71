"""Lets data flow once an agreement is in force: contract, transfer and stream for each clause, without anybody's hand.

The recipient of a clause asks: for a contract, then for a transfer that pushes to its own node. What started becomes a
stream on both sides; what ends closes it, in the transaction that ends it.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import sqlalchemy as sa

from sealane.agreements.clauses import Clause, Terms
from sealane.agreements.documents import AgreementDocument
from sealane.database.tables.dsp import negotiation, transfer
from sealane.database.tables.identity import peer as peer_table
from sealane.errors import RequestRefusedError, SealaneError
from sealane.exchange.dataspace import Hooks, Row, TransferFormat
from sealane.exchange.dsp_messages import DataAddress
from sealane.exchange.negotiation import NegotiationState
from sealane.exchange.registry import all_in_force, terms_in_force
from sealane.exchange.streams import Direction, close_streams, open_stream, stream_id, suspend_stream
from sealane.exchange.tokens import issue_stream_token
from sealane.exchange.transfer import TransferState, is_held
from sealane.node.context import Node

_LOG = logging.getLogger(__name__)
# A negotiation or transfer that failed is begun anew after this; the failure stays visible until then.
ASK_AGAIN_AFTER = dt.timedelta(minutes=1)
_PULL_PATHS = {
    "port-calls": "/dcsa/port-call/v2/events",
    "container-milestones": "/dcsa/track-and-trace/v3/events",
    "vessel-schedules": "/dcsa/schedules/v3/service-schedules",
}
_DEAD = {NegotiationState.TERMINATED.value, TransferState.TERMINATED.value, TransferState.COMPLETED.value}


def purpose_of(clause: Clause) -> str:
    """Return the purpose a stream is opened for: the first of the clause's, in alphabetical order.

    The recipient may use the data for every purpose the clause agrees; a stream records one of them.
    """
    return min(clause.purposes)


def hooks(node: Node) -> Hooks:
    """Return what opens, holds and closes streams as transfers start, pause and end."""
    own = node.identity.participant
    lease = dt.timedelta(seconds=node.settings.lease_s)

    def started(connection: sa.Connection, row: Row, now: dt.datetime) -> None:
        terms = _terms(connection, row, now)
        if terms is None:
            return  # open data and what the conformance kit seeds have no clause, hence no stream
        provides = row.role == "provider"
        if provides and is_held(connection, row):
            return  # the stream stays suspended until the transfer that holds it goes on
        address = row.data_address or {}
        pushes = row.format == TransferFormat.PUSH
        key = open_stream(
            connection,
            own=own,
            peer=row.peer,
            direction=Direction.OUT if provides else Direction.IN,
            terms=terms,
            purpose=purpose_of(terms.clause),
            now=now,
            endpoint=address.get("endpoint") if provides and pushes else None,
            token=_property(address, "authorization") if provides and pushes else None,
            transfer_id=row.id,
            lease=lease,
        )
        connection.execute(sa.update(transfer).where(transfer.c.id == row.id).values(stream_id=key))

    def suspended(connection: sa.Connection, row: Row, now: dt.datetime) -> None:
        if row.stream_id is not None:
            suspend_stream(connection, row.stream_id, "the transfer is suspended", now)

    def ended(connection: sa.Connection, row: Row, now: dt.datetime) -> None:
        close_streams(
            connection, transfer_id=row.id, reason=row.reason or f"the transfer is {row.state.lower()}", now=now
        )

    def pull_address(connection: sa.Connection, row: Row, now: dt.datetime) -> DataAddress | None:
        terms = _terms(connection, row, now)
        path = _PULL_PATHS.get(terms.clause.dataset) if terms else None
        if terms is None or path is None:
            return None
        key = stream_id(terms.agreement_id, terms.version, terms.clause.id, own, row.peer)
        token = issue_stream_token(node.identity, row.peer, key, now)
        properties = (("authorization", f"Bearer {token}"), ("authType", "bearer"))
        return DataAddress(node.settings.origin + path, properties=properties)

    return Hooks(
        on_transfer_started=started,
        on_transfer_suspended=suspended,
        on_transfer_ended=ended,
        pull_address=pull_address,
    )


def _terms(connection: sa.Connection, row: Row, now: dt.datetime) -> Terms | None:
    if row.agreement_id is None:
        return None
    terms = terms_in_force(connection, row.agreement_id, row.agreement_version, row.clause_id, now)
    if terms is None:
        raise RequestRefusedError(
            409,
            "not-in-force",
            f"Agreement {row.agreement_id} version {row.agreement_version} is not in force.",
            "Negotiate again once it is.",
        )
    return terms


def _property(address: dict[str, Any], name: str) -> str | None:
    for entry in address.get("endpointProperties", []):
        if entry.get("name") == name:
            return str(entry.get("value"))
    return None


def follow(node: Node) -> int:
    """Job: ask for every clause in force that gives this port data and does not flow yet; return how many it asked."""
    asked = 0
    now = node.clock()
    with node.database.read() as connection:
        wanted = [
            (document, clause, provider)
            for document in all_in_force(connection, now)
            for clause, provider in _owed(document, node.identity.participant, now)
        ]
    for document, clause, provider in wanted:
        try:
            asked += _ask(node, document, clause, provider, now)
        except SealaneError as error:
            # The other clauses must not wait for this one.
            _LOG.warning("clause %s of %s: %s", clause.id, document.ref, error)
    return asked


def _owed(document: AgreementDocument, own: str, now: dt.datetime) -> list[tuple[Clause, str]]:
    """Return the clauses that give this participant data now, each with its provider."""
    party = document.party_of(own)
    found = []
    for clause in document.clauses:
        provider = document.participant_of(clause.provider)
        valid = clause.valid_from <= now and (clause.valid_until is None or now < clause.valid_until)
        if party is not None and party in clause.recipients and provider is not None and valid:
            found.append((clause, provider.participant))
    return found


def _ask(node: Node, document: AgreementDocument, clause: Clause, provider: str, now: dt.datetime) -> bool:
    """Take the next step towards a stream for one clause; return whether anything was asked."""
    from sealane.node.dataspace import request_contract, request_transfer

    same = {"agreement_id": document.id, "agreement_version": document.version, "clause_id": clause.id}
    with node.database.read() as connection:
        if connection.scalar(sa.select(sa.literal(1)).where(peer_table.c.participant == provider)) is None:
            return False
        moving = _newest(connection, transfer, provider, same)
        if moving is not None and not _may_ask_again(moving, now):
            return False
        agreed = _newest(connection, negotiation, provider, same)
    if agreed is not None and agreed.state == NegotiationState.FINALIZED.value and agreed.agreement_ref:
        request_transfer(
            node, peer=provider, agreement_ref=agreed.agreement_ref, transfer_format=TransferFormat.PUSH.value
        )
        return True
    if agreed is not None and not _may_ask_again(agreed, now):
        return False
    request_contract(node, peer=provider, agreement_id=document.id, clause_id=clause.id)
    return True


def _newest(connection: sa.Connection, table: sa.Table, provider: str, same: dict[str, Any]) -> Row | None:
    query = (
        sa.select(table)
        .where(table.c.peer == provider, table.c.role == "consumer")
        .where(*(table.c[name] == value for name, value in same.items()))
        .order_by(table.c.created_at.desc())
        .limit(1)
    )
    return connection.execute(query).first()


def _may_ask_again(row: Row, now: dt.datetime) -> bool:
    return row.state in _DEAD and row.changed_at + ASK_AGAIN_AFTER <= now
