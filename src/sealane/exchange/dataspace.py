"""What both state machines of the Dataspace Protocol work with: the node, its offers, its conduct and its hooks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from sealane.exchange.dsp_messages import DataAddress
from sealane.exchange.policies import Offer

if TYPE_CHECKING:
    from sealane.node.context import Node

DSP_PATH = "/dsp"
Row = sa.Row[Any]


class Role(StrEnum):
    """Who a participant is in one negotiation or transfer."""

    PROVIDER = "provider"
    CONSUMER = "consumer"

    @property
    def other(self) -> Role:
        """The counterparty's role."""
        return Role.CONSUMER if self is Role.PROVIDER else Role.PROVIDER


class TransferFormat(StrEnum):
    """How data move; the names stand in the catalogue's distributions."""

    PUSH = "Sealane-PUSH"  # CloudEvents batches to the consumer's endpoint
    PULL = "HttpData-PULL"  # the consumer asks the provider's endpoint


@dataclass(frozen=True)
class Step:
    """What this side does next: a message to send, and why."""

    message: str
    reason: str | None = None


class Offers(Protocol):
    """What may be offered to whom, asked anew each time."""

    def made_to(self, connection: sa.Connection, asking: str, now: dt.datetime) -> list[Offer]:
        """Return every offer that may be agreed with one participant now."""
        ...

    def public(self, connection: sa.Connection, now: dt.datetime) -> list[Offer]:
        """Return the open data products; they stand in the catalogue and need no contract."""
        ...

    def objection(self, connection: sa.Connection, negotiation: Row, now: dt.datetime) -> str | None:
        """Say why an agreement reached earlier lets nothing through now, or None when it still holds."""
        ...


class Conduct(Protocol):
    """What this side does next after a change of state; for test profiles, the standard is in each machine."""

    def negotiation(self, space: Dataspace, connection: sa.Connection, row: Row, now: dt.datetime) -> Step | None:
        """Return the next message of a negotiation, or None to wait."""
        ...

    def transfer(self, space: Dataspace, connection: sa.Connection, row: Row, now: dt.datetime) -> Step | None:
        """Return the next message of a transfer, or None to wait."""
        ...


def _nothing(connection: sa.Connection, row: Row, now: dt.datetime) -> None:
    """Do nothing."""


def _no_address(connection: sa.Connection, row: Row, now: dt.datetime) -> DataAddress | None:
    return None


ProcessHook = Callable[[sa.Connection, Row, dt.datetime], None]
AddressHook = Callable[[sa.Connection, Row, dt.datetime], DataAddress | None]


@dataclass(frozen=True)
class Hooks:
    """Called inside the transaction that changes the state; an error in one rolls the change back.

    Attributes
    ----------
    on_agreed : (connection, negotiation row, now), once it is finalised, on both sides.
    on_transfer_started : the transfer started or was resumed and the other side knows; data may flow.
    on_transfer_suspended, on_transfer_ended : from now on nothing flows; before the other side is told.
    push_address : consumer, before asking for a push: where the data shall go.
    pull_address : provider, before starting a pull: where the data can be fetched, with a token.
    """

    on_agreed: ProcessHook = _nothing
    on_transfer_started: ProcessHook = _nothing
    on_transfer_suspended: ProcessHook = _nothing
    on_transfer_ended: ProcessHook = _nothing
    push_address: AddressHook | None = None
    pull_address: AddressHook = _no_address


@dataclass(frozen=True)
class Dataspace:
    """A node as it takes part in the dataspace.

    Attributes
    ----------
    conduct : None is the standard conduct.
    """

    node: Node
    offers: Offers
    hooks: Hooks = field(default_factory=Hooks)
    conduct: Conduct | None = None

    @property
    def participant(self) -> str:
        """This node's participant id."""
        return self.node.identity.participant

    @property
    def address(self) -> str:
        """Base address of this node's endpoints, given to others as callback."""
        return self.node.identity.origin + DSP_PATH
