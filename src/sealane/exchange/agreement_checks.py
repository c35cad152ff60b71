"""What must hold between an agreement document, this node, its partners and earlier versions before anybody signs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from types import MappingProxyType

import sqlalchemy as sa

from sealane.agreements.documents import AgreementDocument, DatasetFields, KnownDatasets
from sealane.errors import Fault
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.agreement_store import Registered
from sealane.exchange.keys import Identity
from sealane.exchange.peers import get_peer
from sealane.products.catalogue import DATASETS

# A document travels inside a JWS in JSON; with both it stays under the least body limit of a node.
MAX_SIGNED_BYTES = 500_000


@functools.cache
def known_datasets() -> KnownDatasets:
    """Return the datasets a clause can name, with their fields, as this program knows them."""
    return MappingProxyType({key: DatasetFields(d.fields, d.required) for key, d in DATASETS.items()})


def party_faults(connection: sa.Connection, document: AgreementDocument, identity: Identity) -> list[Fault]:
    """Return what differs between the document's participants and the ids, origins and root keys registered here.

    The operators exchanged these outside the network; a document that says otherwise is not signed.
    """
    faults = []
    if not document.names(identity.participant):
        faults.append(
            Fault("participants", f"{identity.participant} is not among them", "Name this node, or sign elsewhere")
        )
    for entry in document.participants:
        where = f"participants: {entry.party}"
        if entry.participant == identity.participant:
            origin, root_x = identity.origin, str(identity.root_jwk["x"])
        else:
            peer = get_peer(connection, entry.participant)
            if peer is None:
                found = f"{entry.participant} is not registered here"
                faults.append(Fault(f"{where}.participant", found, "Register it with `sealane peer add`"))
                continue
            origin, root_x = peer.origin, str(peer.root_key["x"])
        if entry.root_key_x != root_x:
            faults.append(
                Fault(
                    f"{where}.root_key",
                    f"not the root key registered for {entry.participant}",
                    "Compare the key with its operator outside the network, then correct whichever is wrong",
                )
            )
        if entry.origin != origin:
            faults.append(Fault(f"{where}.origin", f"{entry.origin}, registered is {origin}", "Correct either"))
    return faults


def version_faults(document: AgreementDocument, others: Sequence[Registered]) -> list[Fault]:
    """Return what is wrong with the version number, given the other versions of this agreement known here."""
    agreed = [other for other in others if other.state is not AgreementState.DRAFT]
    if not agreed:
        return []  # a party that joins later does not know what it supersedes
    faults = []
    waiting = [o.document.version for o in agreed if o.state is AgreementState.PROPOSED]
    if waiting:
        faults.append(
            Fault("version", f"version {waiting[0]} is still proposed", "Wait for its signatures, decline or retire it")
        )
    last = max(other.document.version for other in agreed)
    if document.version <= last:
        faults.append(Fault("version", f"{document.version}, while {last} exists", f"Give version {last + 1}"))
    live = [other for other in agreed if other.state is AgreementState.IN_FORCE]
    if not live:
        if document.supersedes is not None:
            faults.append(Fault("supersedes", f"{document.supersedes} is not in force", "Give null"))
        return faults
    current = live[-1].document
    if document.supersedes != current.version:
        faults.append(Fault("supersedes", f"{document.supersedes}", f"Give {current.version}, the version in force"))
    left_out = {p.participant for p in current.participants} - {p.participant for p in document.participants}
    if left_out:
        faults.append(
            Fault(
                "participants",
                f"{', '.join(sorted(left_out))} of version {current.version} left out",
                "A renewal keeps every participant; a party leaves by retiring the agreement",
            )
        )
    return faults
