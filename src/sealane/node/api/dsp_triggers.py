"""What the protocol's conformance kit needs of a node under test; only in the test profile, only on loopback.

The kit asks by POST that this node begins a negotiation or transfer with it, and it expects a certain behaviour of the
node in each of its tests, for instance a provider that terminates. Those behaviours stand in `PLANS`, by the dataset or
agreement the test uses; what no plan names behaves as any node. The state machines know nothing of this.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, BackgroundTasks
from pydantic import BaseModel, ConfigDict, Field

from sealane.database.tables.ledger import leaf
from sealane.errors import InputError, SealaneError
from sealane.exchange import negotiation, transfer
from sealane.exchange.dataspace import Dataspace, Offers, Row, Step
from sealane.exchange.dsp_sending import work
from sealane.exchange.ledger import EntryKind
from sealane.exchange.negotiation import NegotiationMessage as N
from sealane.exchange.odrl import Action, Policy, Rule
from sealane.exchange.peers import list_peers
from sealane.exchange.policies import Offer
from sealane.exchange.transfer import TransferMessage as T
from sealane.node.context import Node
from sealane.node.dataspace import dataspace_of

PATH = "/test/dsp"
# The kit registers what it expects next only after it has seen the last message; it pauses as long itself.
PAUSE_S = 0.25
USE = Policy(frozenset({Rule(Action.USE, frozenset())}))
WAIT = "wait"
_LOG = logging.getLogger(__name__)

# id of the test's dataset or agreement -> state, with the number of the request or start -> message to send then.
PLANS: Mapping[str, Mapping[str, str]] = {
    # provider
    "ACN0101": {"REQUESTED": N.OFFER},
    "ACN0102": {"REQUESTED 1": N.OFFER, "REQUESTED 2": N.TERMINATION},
    "ACN0103": {"REQUESTED": N.OFFER},
    "ACN0201": {"REQUESTED": N.TERMINATION},
    "ACN0202": {"REQUESTED": WAIT},
    "ACN0203": {"REQUESTED": N.AGREEMENT},
    "ACN0204": {"REQUESTED": N.OFFER},
    "ACN0205": {"REQUESTED": N.OFFER, "OFFERED": N.TERMINATION},
    "ACN0206": {"REQUESTED": N.OFFER, "ACCEPTED": N.TERMINATION},
    "ACN0207": {"REQUESTED": N.AGREEMENT, "VERIFIED": N.TERMINATION},
    "ACN0302": {"REQUESTED": N.OFFER},
    "ACN0303": {"REQUESTED": N.OFFER, "ACCEPTED": WAIT},
    "ACN0304": {"REQUESTED 1": N.OFFER, "REQUESTED 2": WAIT},
    # consumer
    "ACNC0102": {"OFFERED": N.REQUEST},
    "ACNC0103": {"OFFERED": N.TERMINATION},
    "ACNC0202": {"REQUESTED": N.TERMINATION},
    "ACNC0203": {"AGREED": N.TERMINATION},
    "ACNC0204": {"OFFERED": WAIT},
    "ACNC0302": {"OFFERED": WAIT},
    "ACNC0303": {"OFFERED": WAIT},
    "ACNC0306": {"AGREED": WAIT},
    # provider of a transfer
    "ATP0101": {"STARTED 1": T.TERMINATION},
    "ATP0102": {"STARTED 1": T.COMPLETION},
    "ATP0103": {"STARTED 1": T.SUSPENSION, "SUSPENDED": T.TERMINATION},
    "ATP0104": {"STARTED 1": T.SUSPENSION, "SUSPENDED": T.START, "STARTED 2": T.COMPLETION},
    "ATP0105": {"REQUESTED": T.TERMINATION},
    "ATP0205": {"REQUESTED": WAIT},
    "ATP0301": {"REQUESTED": WAIT},
    "ATP0302": {"REQUESTED": WAIT},
    # consumer of a transfer
    "ATPC0201": {"STARTED 1": T.TERMINATION},
    "ATPC0202": {"STARTED 1": T.COMPLETION},
    "ATPC0203": {"STARTED 1": T.SUSPENSION, "SUSPENDED": T.TERMINATION},
    "ATPC0204": {"STARTED 1": T.SUSPENSION, "SUSPENDED": T.START, "STARTED 2": T.COMPLETION},
    "ATPC0205": {"REQUESTED": T.TERMINATION},
}


@dataclass(frozen=True)
class KitOffers:
    """Offers of the clauses in force, and for the kit those of its negotiation tests: use of data that do not exist."""

    clauses: Offers
    participant: str

    def made_to(self, connection: sa.Connection, asking: str, now: dt.datetime) -> list[Offer]:
        """Return what is offered to a participant; only who need not sign is the kit."""
        names = [name for name in PLANS if name.startswith("ACN0")] + ["ACN0104", "ACN0301"]
        kit = any(peer.participant == asking and not peer.must_sign for peer in list_peers(connection))
        seeded = [Offer(f"CD123:{name}:456", name, USE, self.participant, asking) for name in names if kit]
        return [*self.clauses.made_to(connection, asking, now), *seeded]

    def public(self, connection: sa.Connection, now: dt.datetime) -> list[Offer]:
        """Return the open data products."""
        return self.clauses.public(connection, now)

    def objection(self, connection: sa.Connection, row: Row, now: dt.datetime) -> str | None:
        """Let seeded agreements, behind which no clause stands, hold; judge all others as always."""
        return None if row.agreement_id is None else self.clauses.objection(connection, row, now)


class KitConduct:
    """Behaves as the plans say, each step a pause after the state was reached."""

    def negotiation(self, space: Dataspace, connection: sa.Connection, row: Row, now: dt.datetime) -> Step | None:
        """Plan the next message of a negotiation."""
        # The first request finds a row to which nothing has happened; a later one is the kit's counter-offer.
        step = self._planned(row.dataset, row.state, 1 if row.revision == 0 else 2)
        if step is None:
            step = negotiation.MACHINE.standard(space, connection, row, now)
        return self._later(space, negotiation, row, step)

    def transfer(self, space: Dataspace, connection: sa.Connection, row: Row, now: dt.datetime) -> Step | None:
        """Plan the next message of a transfer."""
        step = self._planned(row.agreement_ref, row.state, _starts(connection, row))
        if step is None:
            step = transfer.MACHINE.standard(space, connection, row, now)
        return self._later(space, transfer, row, step)

    @staticmethod
    def _planned(name: str, state: str, count: int) -> Step | None:
        plan = PLANS.get(name, {})
        message = plan.get(f"{state} {count}") or plan.get(state)
        return None if message is None else Step(message, "As the conformance test wants it.")

    @staticmethod
    def _later(space: Dataspace, module: Any, row: Row, step: Step | None) -> None:
        if step is None or step.message == WAIT:
            return
        reason = step.reason if step.message == N.TERMINATION else None

        def run() -> None:
            try:
                with space.node.database.write() as connection:
                    module.act(space, connection, row.id, step.message, space.node.clock(), reason)
                work(space, module.MACHINE, row.id)
            except SealaneError as error:
                _LOG.warning("conformance plan of %s: %s", row.id, error)

        timer = threading.Timer(PAUSE_S, run)
        timer.daemon = True
        timer.start()


def _starts(connection: sa.Connection, row: Row) -> int:
    counted = sa.select(sa.func.count()).where(leaf.c.subject == row.id, leaf.c.kind == EntryKind.TRANSFER_STARTED)
    return connection.scalar(counted) or 0


class ContractTrigger(BaseModel):
    """What the kit says when this node shall ask it for a contract."""

    model_config = ConfigDict(extra="ignore")

    provider: Annotated[str, Field(alias="providerId", min_length=1, max_length=200)]
    address: Annotated[str, Field(alias="connectorAddress", min_length=1, max_length=2_000)]
    offer: Annotated[str, Field(alias="offerId", min_length=1, max_length=200)]
    dataset: Annotated[str, Field(alias="datasetId", min_length=1, max_length=200)]


class TransferTrigger(BaseModel):
    """What the kit says when this node shall ask it for a transfer."""

    model_config = ConfigDict(extra="ignore")

    provider: Annotated[str, Field(alias="providerId", min_length=1, max_length=200)]
    address: Annotated[str, Field(alias="connectorAddress", min_length=1, max_length=2_000)]
    agreement: Annotated[str, Field(alias="agreementId", min_length=1, max_length=200)]
    format: Annotated[str, Field(min_length=1, max_length=200)]


def router(node: Node) -> APIRouter:
    """Return the kit's two endpoints.

    Raises
    ------
    InputError
        When the node is not in the test profile; they know no authentication.
    """
    if not node.settings.test_profile:
        raise InputError("The conformance kit's endpoints exist only in the test profile (test_profile = true).")
    api = APIRouter(prefix=PATH, tags=["conformance kit"])
    space = dataspace_of(node)

    @api.post("/negotiations", summary="Ask the kit for a contract")
    def negotiate(trigger: ContractTrigger, background: BackgroundTasks) -> dict[str, str]:
        offer = Offer(trigger.offer, trigger.dataset, USE, trigger.provider, space.participant)
        with node.database.write() as connection:
            pid = negotiation.request_contract(
                space, connection, peer=trigger.provider, offer=offer, now=node.clock(), address=trigger.address
            )
        background.add_task(work, space, negotiation.MACHINE, pid)
        return {"pid": pid}

    @api.post("/transfers", summary="Ask the kit for a transfer")
    def move(trigger: TransferTrigger, background: BackgroundTasks) -> dict[str, str]:
        with node.database.write() as connection:
            pid = transfer.request_transfer(
                space,
                connection,
                peer=trigger.provider,
                agreement_ref=trigger.agreement,
                transfer_format=trigger.format,
                now=node.clock(),
                address=trigger.address,
            )
        background.add_task(work, space, transfer.MACHINE, pid)
        return {"pid": pid}

    return api
