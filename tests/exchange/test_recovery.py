"""Restored backups on either side, and answers that are no receipts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from tests import ports
from tests.exchange.delivery_pair import Pair, count, ids_of, rows, stream_of

from sealane.database.tables.delivery import decision, inbox, outbox, receipt, stream
from sealane.database.tables.ledger import leaf
from sealane.database.tables.products import record, record_counter
from sealane.exchange.acknowledgement import trim_outbox
from sealane.exchange.delivery import (
    DeliveryOutcome,
    recover_outgoing,
)
from sealane.exchange.peers import get_peer
from sealane.exchange.recovery import recover
from sealane.node.context import Node


def roll_back(node: Node, stream_id: str, sequence: int) -> None:
    """Take a recipient back to what it was before it received a number, as an old backup would."""
    with node.database.write() as connection:
        lost = sa.select(inbox.c.event_id).where(inbox.c.sequence >= sequence)
        positions = [int(event_id.split(".")[2]) for event_id in connection.execute(lost).scalars()]
        assert positions
        connection.execute(inbox.delete().where(inbox.c.sequence >= sequence))
        connection.execute(record.delete().where(record.c.position >= sequence))
        connection.execute(stream.update().where(stream.c.id == stream_id).values(next_sequence=sequence))


def test_a_recipient_restored_from_a_backup_is_caught_up(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(50))
    pair.drain()
    roll_back(pair.recipient, pair.stream_id, 31)
    ports.feed(pair.provider, range(50, 60))
    outcomes = [result.outcome for result in pair.drain()]
    assert outcomes == [DeliveryOutcome.CAUGHT_UP, DeliveryOutcome.SENT, DeliveryOutcome.IDLE]
    assert pair.received() == ids_of(pair.provider, pair.provider.identity.participant)
    alarms = rows(pair.provider, leaf, leaf.c.kind == "alarm")
    assert len(alarms) == 1
    assert b"peer_rollback" in alarms[0].entry
    with pair.provider.database.read() as connection:
        partner = get_peer(connection, pair.recipient.identity.participant)
    assert partner is not None
    assert "restored from an older backup" in str(partner.alarm)


def test_a_gap_that_cannot_be_filled_stops_the_stream_with_what_to_do(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(50))
    pair.drain()
    pair.clock.forward(40 * 86_400)
    with pair.provider.database.write() as connection:
        assert trim_outbox(connection, pair.clock() - dt.timedelta(days=30)) == 50
    roll_back(pair.recipient, pair.stream_id, 31)
    ports.feed(pair.provider, range(50, 60))
    assert [result.outcome for result in pair.drain_to_stop()][-1] is DeliveryOutcome.STOPPED
    stopped = stream_of(pair.provider, pair.stream_id)
    assert stopped.state == "stopped"
    assert "20 of the 20 messages" in str(stopped.state_reason)
    assert "sealane stream recover" in str(stopped.state_reason)
    assert len(pair.received()) == 30
    assert recover_outgoing(pair.provider, pair.stream_id) == 31
    pair.drain()
    assert len(pair.received()) == 40  # the operator accepted the loss of twenty


def test_a_provider_restored_from_a_backup_stops_on_both_sides_and_can_go_on(
    make_pair: Callable[..., Pair],
) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(20))
    pair.drain()
    forget(pair.provider, pair.stream_id, 11)
    ports.feed(pair.provider, range(20, 30), vessel={"vesselIMONumber": "9074729", "vesselName": "OTHER"})
    assert pair.drain_to_stop()[-1].outcome is DeliveryOutcome.STOPPED
    assert len(pair.received()) == 20
    for node in (pair.provider, pair.recipient):
        stopped = stream_of(node, pair.stream_id)
        assert stopped.state == "stopped"
        assert "backup" in str(stopped.state_reason)
        assert count(node, leaf, leaf.c.kind == "alarm") == 1
    with pair.recipient.database.write() as connection:
        recover(connection, pair.stream_id, 21, pair.clock())
    assert recover_outgoing(pair.provider, pair.stream_id) == 21
    pair.drain()
    assert len(pair.received()) == 30


def forget(node: Node, stream_id: str, sequence: int) -> None:
    """Take a provider back to what it was before it gave a number, records included."""
    with node.database.write() as connection:
        connection.execute(outbox.delete().where(outbox.c.sequence >= sequence))
        connection.execute(record.delete().where(record.c.position >= sequence))
        connection.execute(sa.update(record_counter).values(position=sequence - 1))
        connection.execute(decision.delete())
        values = {"next_sequence": sequence, "acked_sequence": sequence - 1, "scanned_position": sequence - 1}
        connection.execute(stream.update().where(stream.c.id == stream_id).values(**values))


def test_a_provider_that_comes_with_an_old_lease_is_found_out_before_it_sends(
    make_pair: Callable[..., Pair],
) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(20))
    pair.drain()
    forget(pair.provider, pair.stream_id, 11)
    ports.feed(pair.provider, range(20, 30))
    pair.clock.forward(3600)
    before = pair.wire.seen.count("/sealane/v1/events")
    assert pair.step().outcome is DeliveryOutcome.STOPPED
    assert pair.wire.seen.count("/sealane/v1/events") == before
    assert stream_of(pair.recipient, pair.stream_id).state == "stopped"


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ((503, {"retry-after": "120"}, b""), "answered 503"),
        ((429, {"retry-after": "120"}, b'{"detail":"slower"}'), "answered 429 'slower'"),
        ((200, {"content-type": "text/html"}, b"<html>garbage"), "answered 200"),
        ((200, {"content-type": "application/jose"}, b"\xff\x00"), "receipt cannot be used"),
        ((200, {"content-type": "application/jose"}, b"e30.e30.e30"), ""),
    ],
)
def test_no_answer_but_a_signed_receipt_is_believed(
    make_pair: Callable[..., Pair], answer: tuple[int, dict[str, str], bytes], shown: str
) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(3))
    pair.wire.answer_instead = answer
    result = pair.step()
    assert result.outcome is DeliveryOutcome.FAILED
    assert shown in str(result.error)
    held = stream_of(pair.provider, pair.stream_id)
    assert (held.acked_sequence, held.attempts, held.last_error) == (0, 1, result.error)
    assert held.next_attempt_at is not None
    if answer[1].get("retry-after"):
        assert held.next_attempt_at >= pair.clock() + dt.timedelta(seconds=120)
    pair.wire.answer_instead = None
    pair.clock.forward(300)
    pair.drain()
    assert len(pair.received()) == 3


def test_a_true_receipt_for_other_events_acknowledges_nothing(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(3))
    pair.drain()
    old = rows(pair.recipient, receipt)[0].jws
    ports.feed(pair.provider, range(3, 6))
    pair.wire.answer_instead = (200, {"content-type": "application/jose"}, old.encode())
    result = pair.step()
    assert result.outcome is DeliveryOutcome.FAILED
    assert "not those that were sent" in str(result.error)
    assert stream_of(pair.provider, pair.stream_id).acked_sequence == 3
