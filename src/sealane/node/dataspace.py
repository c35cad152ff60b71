"""A node's part in the dataspace: composes offers, hooks and conduct, and drives negotiations and transfers."""

from __future__ import annotations

import json
from typing import Any

from sealane.errors import InputError
from sealane.exchange import dsp_sending, negotiation, strict_json, transfer
from sealane.exchange.dataspace import DSP_PATH, Dataspace
from sealane.exchange.dsp_catalogue import ClauseOffers, offer_for
from sealane.exchange.dsp_messages import CONTEXT, MessageType
from sealane.exchange.peers import get_peer
from sealane.node import flows
from sealane.node.context import Node


def dataspace_of(node: Node) -> Dataspace:
    """Return a node as it takes part in the dataspace; its test profile also behaves as the conformance kit needs."""
    if node.settings.test_profile:
        from sealane.node.api.dsp_triggers import KitConduct, KitOffers

        participant = node.identity.participant
        return Dataspace(node, KitOffers(ClauseOffers(participant), participant), flows.hooks(node), KitConduct())
    return Dataspace(node, ClauseOffers(node.identity.participant), flows.hooks(node))


def step_negotiations(node: Node) -> int:
    """Job: send what is due in negotiations, and ask where an answer is overdue; return how many were worked on."""
    return dsp_sending.work_due(dataspace_of(node), negotiation.MACHINE)


def step_transfers(node: Node) -> int:
    """Job: as `step_negotiations`, for transfers; ends those whose clause is not in force any more."""
    space = dataspace_of(node)
    transfer.end_lapsed(space)
    return dsp_sending.work_due(space, transfer.MACHINE)


def request_contract(node: Node, *, peer: str, agreement_id: str, clause_id: str, address: str | None = None) -> str:
    """Ask a partner for the contract that a clause of the common agreement offers; return the negotiation's pid.

    Parameters
    ----------
    peer : participant id of the provider.
    address : base address of its Dataspace Protocol endpoints; None is that of a Sealane node.

    Raises
    ------
    RequestRefusedError
        When the clause does not let this node have data of that partner now, or the partner is not registered.
    """
    space, now = dataspace_of(node), node.clock()
    with node.database.write() as connection:
        offer = offer_for(
            connection,
            agreement_id=agreement_id,
            clause_id=clause_id,
            provider=peer,
            consumer=node.identity.participant,
            now=now,
        )
        return negotiation.request_contract(space, connection, peer=peer, offer=offer, now=now, address=address)


def request_transfer(node: Node, *, peer: str, agreement_ref: str, transfer_format: str) -> str:
    """Ask a partner for a transfer under an agreed contract; return the transfer's pid.

    Raises
    ------
    RequestRefusedError
        When there is no such contract or its clause is not in force.
    """
    space, now = dataspace_of(node), node.clock()
    with node.database.write() as connection:
        return transfer.request_transfer(
            space, connection, peer=peer, agreement_ref=agreement_ref, transfer_format=transfer_format, now=now
        )


def partner_catalogue(node: Node, participant: str) -> dict[str, Any]:
    """Return the catalogue a partner shows this node: its data products with the offers made to us, and its open ones.

    Raises
    ------
    InputError
        When the partner is not registered, or answers with anything but a catalogue.
    UnreachableError
        When it does not answer.
    """
    with node.database.read() as connection:
        peer = get_peer(connection, participant)
    if peer is None:
        raise InputError(f"{participant}: no such partner. `sealane peer list` prints all of them.")
    body = json.dumps({"@context": [CONTEXT], "@type": MessageType.CATALOG_REQUEST.value}).encode()
    answer = node.outbound.request(
        "POST",
        f"{peer.origin}{DSP_PATH}/catalog/request",
        participant=participant,
        content=body,
        headers={"content-type": "application/json"},
    )
    found = strict_json.parse(answer.content) if answer.status == 200 else None
    if not isinstance(found, dict) or found.get("@type") != "Catalog":
        raise InputError(f"{participant} gave no catalogue (HTTP {answer.status}). Try `sealane peer check`.")
    return found
