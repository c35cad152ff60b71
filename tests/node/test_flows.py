"""The whole way between two nodes over real HTTP: sign, negotiate, transfer, deliver; then retire."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.ports import START, Clock, agreement, clause, exchange_keys, feed, introduce, make_node, serving

from sealane.agreements.clauses import RowFilter
from sealane.agreements.document_model import AgreementDocument
from sealane.database import Database
from sealane.database.tables.dsp import negotiation, transfer
from sealane.database.tables.products import record
from sealane.errors import InputError
from sealane.exchange.dataspace import TransferFormat
from sealane.exchange.delivery import deliver_all
from sealane.exchange.registry import in_force, propose, renew, retire, send_pending, sign
from sealane.exchange.sent_and_withheld import stream_totals
from sealane.exchange.streams import all_streams
from sealane.exchange.transfer import TransferMessage, act
from sealane.node.context import Node
from sealane.node.dataspace import dataspace_of, partner_catalogue, request_transfer, step_negotiations, step_transfers
from sealane.node.flows import ASK_AGAIN_AFTER, follow


@dataclass
class Pair:
    """Two nodes that serve, know each other and have agreed nothing yet."""

    provider: Node
    recipient: Node
    clock: Clock

    @property
    def both(self) -> tuple[Node, Node]:
        return self.provider, self.recipient

    def sign(self, document: AgreementDocument, how: Callable[..., object] = propose) -> None:
        with self.provider.database.write() as connection:
            how(connection, self.provider.identity, document, self.clock())
        send_pending(self.provider)
        with self.recipient.database.write() as connection:
            sign(connection, self.recipient.identity, document.id, document.version, self.clock())
        send_pending(self.recipient)

    def settle(self, rounds: int = 8) -> None:
        """Run every job of both nodes a few times, in turn; what they began in the background comes to its end."""
        for _ in range(rounds):
            time.sleep(0.05)
            for node in self.both:
                send_pending(node)
                follow(node)
                step_negotiations(node)
                step_transfers(node)
                deliver_all(node)

    def received(self) -> int:
        with self.recipient.database.read() as connection:
            query = sa.select(sa.func.count()).where(record.c.source == self.provider.identity.participant)
            return connection.execute(query.select_from(record)).scalar_one()


@pytest.fixture
def pair(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[Pair]:
    clock = Clock()
    nodes = [make_node(tmp_path, name, databases(), clock) for name in ("provider", "recipient")]
    introduce(nodes[0], nodes[1])
    introduce(nodes[1], nodes[0])
    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(node)
            stack.enter_context(serving(node))
        exchange_keys(*nodes)
        yield Pair(nodes[0], nodes[1], clock)


def document(pair: Pair, version: int = 1) -> AgreementDocument:
    return agreement(pair.provider, pair.recipient, [clause()], version)


def test_data_flow_once_both_have_signed_and_not_before(pair: Pair) -> None:
    feed(pair.provider, range(20))
    with pair.provider.database.write() as connection:
        propose(connection, pair.provider.identity, document(pair), pair.clock())
    pair.settle(3)
    assert pair.received() == 0  # one signature is not enough
    pair.sign(document(pair))
    pair.settle()
    assert pair.received() == 20
    with pair.provider.database.read() as connection:
        (total,) = stream_totals(connection)
    assert (total.delivered, total.waiting, dict(total.withheld)) == (20, 0, {})


def test_a_partner_sees_in_the_catalogue_what_it_may_have_and_nobody_else_does(pair: Pair) -> None:
    assert partner_catalogue(pair.recipient, pair.provider.identity.participant).get("dataset", []) == []
    pair.sign(document(pair))
    (product,) = partner_catalogue(pair.recipient, pair.provider.identity.participant)["dataset"]
    assert product["@id"] == "port-calls"
    assert len(product["hasPolicy"]) == 1
    # The clause runs one way only.
    assert partner_catalogue(pair.provider, pair.recipient.identity.participant).get("dataset", []) == []
    with pytest.raises(InputError, match="no such partner"):
        partner_catalogue(pair.recipient, "urn:sealane:test:nobody")


def test_following_again_asks_nothing_new(pair: Pair) -> None:
    pair.sign(document(pair))
    pair.settle()
    assert follow(pair.recipient) == 0
    with pair.recipient.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(negotiation)) == 1
        assert connection.scalar(sa.select(sa.func.count()).select_from(transfer)) == 1


@pytest.mark.parametrize("who", ["provider", "recipient"])
def test_either_party_alone_ends_the_flow(pair: Pair, who: str) -> None:
    pair.sign(document(pair))
    feed(pair.provider, range(5))
    pair.settle()
    assert pair.received() == 5
    node: Node = getattr(pair, who)
    with node.database.write() as connection:
        retire(connection, node.identity, document(pair).id, 1, "demonstration is over", pair.clock())
    feed(pair.provider, range(100, 110))
    pair.clock.forward(ASK_AGAIN_AFTER.total_seconds() + 1)
    pair.settle()
    assert pair.received() == 5
    for one in pair.both:
        with one.database.read() as connection:
            assert in_force(connection, document(pair).id, pair.clock()) is None
            assert [stream.state for stream in all_streams(connection)] == ["closed"]


def test_a_renewed_agreement_flows_by_its_new_terms(pair: Pair) -> None:
    pair.sign(document(pair))
    feed(pair.provider, range(3))
    pair.settle()
    narrower = clause(rows=RowFilter(ports=frozenset({"USLAX"})))
    second = replace(agreement(pair.provider, pair.recipient, [narrower], 2), supersedes=1)
    pair.sign(second, renew)
    pair.clock.forward(1)
    feed(pair.provider, range(200, 205))
    pair.clock.forward(ASK_AGAIN_AFTER.total_seconds() + 1)
    pair.settle()
    assert pair.received() == 3
    with pair.provider.database.read() as connection:
        totals = {total.clause: dict(total.withheld) for total in stream_totals(connection)}
        agreed = in_force(connection, second.id, pair.clock())
    assert agreed is not None
    assert agreed.version == 2
    # The new version decides anew over everything held: nothing here is about Los Angeles.
    assert totals[f"{second.id}@2#port-calls"] == {"port_outside": 8}


def test_a_suspension_by_the_provider_is_not_undone_by_another_transfer(pair: Pair) -> None:
    """All transfers of a clause feed one stream; the recipient asks for a second one while the first is held."""
    pair.sign(document(pair))
    pair.settle()
    with pair.recipient.database.read() as connection:
        mine = connection.execute(sa.select(transfer)).one()
    second = {"peer": pair.provider.identity.participant, "agreement_ref": mine.agreement_ref}
    request_transfer(pair.recipient, **second, transfer_format=TransferFormat.PUSH)
    pair.settle(3)
    with pair.provider.database.read() as connection:
        theirs = list(connection.scalars(sa.select(transfer.c.id).order_by(transfer.c.created_at)))
    assert len(theirs) == 2

    def provider_says(message: TransferMessage) -> None:
        with pair.provider.database.write() as connection:
            act(dataspace_of(pair.provider), connection, theirs[1], message, pair.clock())
        pair.settle(3)

    provider_says(TransferMessage.SUSPENSION)
    feed(pair.provider, range(4))
    request_transfer(pair.recipient, **second, transfer_format=TransferFormat.PUSH)  # a third one
    with pair.recipient.database.write() as connection:  # and the first one paused and taken up again
        act(dataspace_of(pair.recipient), connection, mine.id, TransferMessage.SUSPENSION, pair.clock())
    pair.settle(3)
    with pair.recipient.database.write() as connection:
        act(dataspace_of(pair.recipient), connection, mine.id, TransferMessage.START, pair.clock())
    pair.settle()
    assert pair.received() == 0
    provider_says(TransferMessage.START)
    pair.settle()
    assert pair.received() == 4  # the control


def test_a_delayed_record_comes_when_its_time_has_come(pair: Pair) -> None:
    pair.sign(agreement(pair.provider, pair.recipient, [clause(delay=dt.timedelta(hours=6))]))
    pair.settle()
    feed(pair.provider, range(4))  # known an hour before START
    pair.settle(2)
    assert pair.received() == 0
    pair.clock.now = START + dt.timedelta(hours=5, seconds=1)
    exchange_keys(*pair.both)
    pair.settle()
    assert pair.received() == 4
