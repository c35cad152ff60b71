"""Two real nodes over HTTP: what is sent, received, withheld, repeated, refused and mended."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests import ports
from tests.exchange.delivery_pair import Pair, count, ids_of, rows, stream_of

from sealane.agreements.clauses import RowFilter
from sealane.database import Database
from sealane.database.tables.agreements import agreement
from sealane.database.tables.delivery import decision, inbox, outbox, receipt, stream
from sealane.database.tables.ledger import leaf
from sealane.database.tables.products import record
from sealane.exchange.acknowledgement import acknowledge
from sealane.exchange.dead_letters import MAX_REFUSALS, dead_letters, retry_dead_letter
from sealane.exchange.delivery import (
    DeliveryOutcome,
    backoff,
    deliver_all,
)
from sealane.exchange.events import batch_bytes
from sealane.exchange.inbox import Receiver, cursor, receive
from sealane.exchange.outbox import claim
from sealane.exchange.receipts import RECEIPT_MEDIA_TYPE
from sealane.exchange.registry import retire, terms_in_force
from sealane.exchange.stream_status import stream_status
from sealane.exchange.streams import close_streams, suspend_stream


def test_records_arrive_once_in_order_with_receipts_and_logs(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(700))
    results = pair.drain()
    assert [result.accepted for result in results if result.outcome is DeliveryOutcome.SENT] == [500, 200]
    assert pair.received() == ids_of(pair.provider, pair.provider.identity.participant)
    sent = rows(pair.provider, outbox)
    assert {row.state for row in sent} == {"acknowledged"}
    assert sorted(row.sequence for row in sent) == list(range(1, 701))
    taken = rows(pair.recipient, inbox)
    assert {(row.sequence, row.digest) for row in taken} == {(row.sequence, row.digest) for row in sent}
    given, got = rows(pair.recipient, receipt), rows(pair.provider, receipt)
    assert {row.jws for row in given} == {row.jws for row in got}
    assert len(given) == 2
    assert count(pair.provider, leaf, leaf.c.kind == "event_sealed") == 700
    assert count(pair.recipient, leaf, leaf.c.kind == "event_received") == 700
    assert count(pair.provider, decision, decision.c.outcome == "allow") == 700
    stored = rows(pair.recipient, record)[0]
    assert (stored.simulated, stored.agreement_id, stored.clause_id) == (True, ports.AGREEMENT, ports.CLAUSE)


def test_a_lost_acknowledgement_has_no_second_effect(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    pair.wire.lose_answers = 1
    ports.feed(pair.provider, range(10))
    assert pair.step().outcome is DeliveryOutcome.FAILED
    assert len(pair.received()) == 10  # they are there, the provider does not know
    assert pair.step().outcome is DeliveryOutcome.WAITING  # backs off
    pair.clock.forward(60)
    assert [r.outcome for r in pair.drain()] == [DeliveryOutcome.CAUGHT_UP, DeliveryOutcome.SENT, DeliveryOutcome.IDLE]
    assert pair.received() == ids_of(pair.provider, pair.provider.identity.participant)
    assert count(pair.recipient, inbox) == 10
    assert count(pair.recipient, leaf, leaf.c.kind == "event_received") == 10
    assert {row.state for row in rows(pair.provider, outbox)} == {"acknowledged"}


def test_without_the_inbox_a_repeated_batch_would_have_a_second_effect(
    make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: where the counter and the inbox are not asked, the same batch is logged twice."""
    from sealane.exchange import inbox as module

    pair = make_pair()
    pair.wire.lose_answers = 1
    ports.feed(pair.provider, range(10))
    real_judge, real_store = module._judge, module._store

    def judge(item: Any, stream: Any, *rest: Any) -> Any:
        return real_judge(item, dataclasses.replace(stream, next_sequence=1), *rest)

    def store(connection: Any, peer: str, stream: Any, fresh: Any, now: Any) -> None:
        connection.execute(inbox.delete())
        real_store(connection, peer, stream, fresh, now)

    monkeypatch.setattr(module, "_judge", judge)
    monkeypatch.setattr(module, "_store", store)
    pair.step()
    pair.clock.forward(60)
    pair.drain()
    assert count(pair.recipient, leaf, leaf.c.kind == "event_received") == 20


def test_what_a_clause_does_not_cover_is_withheld_with_its_reason_and_leaves_no_gap(
    make_pair: Callable[..., Pair],
) -> None:
    fields = tuple(name for name in ports.clause().fields if not name.startswith("vessel."))
    pair = make_pair(rows=RowFilter(ports=frozenset({"JPYOK"})), fields=fields)
    ports.feed(pair.provider, range(5))
    ports.feed(pair.provider, range(5, 10), portCall={"UNLocationCode": "JPNGO"})
    ports.feed(pair.provider, range(10, 15))
    pair.drain()
    assert len(pair.received()) == 10
    states = [row.state for row in rows(pair.provider, outbox)]
    assert (states.count("acknowledged"), states.count("withheld")) == (10, 5)
    assert sorted(row.sequence for row in rows(pair.recipient, inbox)) == list(range(1, 11))
    decisions = rows(pair.provider, decision)
    assert {(row.outcome, row.reason) for row in decisions} == {
        ("trim", "fields_trimmed"),
        ("withhold", "port_outside"),
    }
    trimmed = next(row for row in decisions if row.outcome == "trim")
    assert trimmed.withheld_fields == ["vessel.vesselIMONumber", "vessel.vesselName"]
    for row in rows(pair.recipient, record):
        assert "vessel" not in json.loads(row.body)
    assert count(pair.provider, leaf, leaf.c.kind == "event_withheld") == 5


def test_a_delay_holds_a_record_until_its_time(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(delay=dt.timedelta(hours=6))  # known an hour before the clock's start
    ports.feed(pair.provider, range(3))
    pair.drain()
    pair.clock.forward(5 * 3600 - 1)
    pair.drain()
    assert pair.received() == []
    assert {row.state for row in rows(pair.provider, outbox)} == {"waiting"}
    pair.clock.forward(1)
    pair.drain()
    assert len(pair.received()) == 3


def test_nothing_is_sent_once_the_agreement_is_retired(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(1200))
    assert pair.step().accepted == 500
    with pair.provider.database.write() as connection:
        retire(connection, pair.provider.identity, ports.AGREEMENT, 1, "test", pair.clock())
        closed = close_streams(connection, agreement_id=ports.AGREEMENT, version=1, reason="retired", now=pair.clock())
    assert closed in ([pair.stream_id], [])  # the register may have closed it itself
    before = pair.wire.seen.count("/sealane/v1/events")
    assert pair.step().outcome is DeliveryOutcome.WAITING
    assert deliver_all(pair.provider) == []
    assert pair.wire.seen.count("/sealane/v1/events") == before
    assert len(pair.received()) == 500
    assert count(pair.provider, outbox, outbox.c.state == "cancelled") == 700


def test_what_was_on_its_way_when_the_stream_closed_counts_as_delivered(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(3))
    own, database = pair.provider.identity.participant, pair.provider.database
    with database.write() as connection:
        batch = claim(connection, pair.stream_id, own, terms_in_force, "test", pair.clock())
    with database.write() as connection:
        close_streams(connection, key=pair.stream_id, reason="the transfer ended", now=pair.clock())
    body = batch_bytes([event.data for event in batch.events])
    answer = receive(
        pair.recipient.database, Receiver(pair.recipient.identity, terms_in_force), own, body, pair.clock()
    )
    minute = dt.timedelta(minutes=1)
    with database.write() as connection:
        acknowledge(connection, pair.stream_id, own, answer.receipt, answer.jws, batch.events, minute, pair.clock())
    assert {row.state for row in rows(pair.provider, outbox)} == {"acknowledged"}
    terms = ports.agreement(pair.provider, pair.recipient, [ports.clause()])
    ports.open_both(pair.provider, pair.recipient, terms)
    assert [result.outcome for result in pair.drain()] == [DeliveryOutcome.IDLE]
    assert len(pair.received()) == 3


def test_a_claim_asks_the_register_even_when_nobody_closed_the_stream(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(10))
    with pair.provider.database.write() as connection:
        connection.execute(agreement.update().values(state="retired"))
    result = pair.step()
    assert (result.outcome, len(pair.received())) == (DeliveryOutcome.FAILED, 0)
    assert "not in force" in str(result.error)


def test_a_batch_not_begun_within_a_second_of_its_decision_is_not_sent(
    make_pair: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sealane.exchange import delivery

    pair = make_pair()
    ports.feed(pair.provider, range(10))
    monkeypatch.setattr(delivery, "BEGIN_WITHIN_S", -1.0)
    assert pair.step().outcome is DeliveryOutcome.FAILED
    assert "/sealane/v1/events" not in pair.wire.seen
    monkeypatch.setattr(delivery, "BEGIN_WITHIN_S", 30.0)
    pair.clock.forward(60)
    pair.drain()
    assert len(pair.received()) == 10


def test_the_recipient_refuses_what_its_own_text_of_the_agreement_does_not_let_through(
    make_pair: Callable[..., Pair],
) -> None:
    pair = make_pair()
    narrow = tuple(name for name in ports.clause().fields if not name.startswith("vessel."))
    document = ports.agreement(pair.provider, pair.recipient, [ports.clause(fields=narrow)])
    with pair.recipient.database.write() as connection:
        connection.execute(agreement.delete())
    ports.put_in_force(pair.recipient, document)
    ports.feed(pair.provider, range(4))
    result = pair.step()
    assert (result.outcome, result.accepted, result.refused) == (DeliveryOutcome.SENT, 0, 4)
    assert pair.received() == []
    refusals = rows(pair.recipient, inbox)
    assert {row.outcome for row in refusals} == {"refused"}
    assert "outside the agreement: fields vessel.vesselIMONumber" in refusals[0].reason
    assert count(pair.recipient, leaf, leaf.c.kind == "event_refused") == 4
    assert stream_of(pair.recipient, pair.stream_id).next_sequence == 5


def test_a_poison_message_is_dead_after_three_refusals_and_the_others_flow(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(5))
    poison = b'{"eventID":"00000000-0000-4000-8000-000000000bad","portCall":{"UNLocationCode":"JPYOK"}}'
    with pair.provider.database.write() as connection:
        connection.execute(record.update().where(record.c.position == 3).values(body=poison))
    ports.feed(pair.provider, range(5, 8))
    for _ in range(3):
        pair.drain()
        pair.clock.forward(300)
    assert len(pair.received()) == 7
    with pair.provider.database.read() as connection:
        (letter,) = dead_letters(connection)
    assert letter.refusals == MAX_REFUSALS
    assert "portCallService" in str(letter.reason)
    before = count(pair.recipient, inbox)
    pair.drain()
    assert count(pair.recipient, inbox) == before  # no more tries
    with pair.provider.database.write() as connection:
        connection.execute(record.update().where(record.c.position == 3).values(body=ports.port_call(2)))
        retry_dead_letter(connection, letter.id, pair.clock())
    pair.drain()
    assert len(pair.received()) == 8
    with pair.provider.database.read() as connection:
        assert dead_letters(connection) == []


def test_after_the_lease_the_partner_is_asked_before_anything_is_sent(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    pair.clock.forward(3600)
    ports.feed(pair.provider, range(3))
    assert [r.outcome for r in pair.drain()] == [DeliveryOutcome.CAUGHT_UP, DeliveryOutcome.SENT, DeliveryOutcome.IDLE]
    assert pair.wire.seen[-1] == "/sealane/v1/events"
    assert any("/cursor" in path for path in pair.wire.seen)
    with pair.recipient.database.write() as connection:
        suspend_stream(connection, pair.stream_id, "on a visit", pair.clock())
    pair.clock.forward(3600)
    ports.feed(pair.provider, range(3, 6))
    result = pair.step()
    assert result.outcome is DeliveryOutcome.FAILED
    assert "its stream is suspended" in str(result.error)
    assert len(pair.received()) == 3


def test_an_old_receipt_renews_no_lease(make_pair: Callable[..., Pair]) -> None:
    """Who sits on the line must not keep a partner who is cut off alive with an answer it once gave."""
    pair = make_pair()
    receiver = Receiver(pair.recipient.identity, terms_in_force)
    own = pair.provider.identity.participant
    with pair.recipient.database.write() as connection:
        jws = cursor(connection, receiver, own, pair.stream_id, None, pair.clock()).jws
    pair.wire.answer_at = "/cursor"
    pair.wire.answer_instead = (200, {"content-type": RECEIPT_MEDIA_TYPE}, jws.encode())
    pair.clock.forward(3600)
    ports.feed(pair.provider, range(3))
    result = pair.step()
    assert result.outcome is DeliveryOutcome.FAILED
    assert "an old one was sent again" in str(result.error)
    assert stream_of(pair.provider, pair.stream_id).lease_until < pair.clock()  # type: ignore[operator]  # an open one has it
    pair.wire.answer_instead = None
    pair.clock.forward(60)
    pair.drain()
    assert len(pair.received()) == 3  # the control


def test_a_partner_that_holds_the_agreement_to_be_over_gets_nothing(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    with pair.recipient.database.write() as connection:
        connection.execute(agreement.update().values(state="retired"))
    ports.feed(pair.provider, range(3))
    result = pair.step()
    assert (result.outcome, len(pair.received())) == (DeliveryOutcome.FAILED, 0)
    assert "not to be in force" in str(result.error)


def test_a_stream_the_partner_fetches_from_is_left_alone(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    ports.feed(pair.provider, range(3))
    with pair.provider.database.write() as connection:
        connection.execute(stream.update().values(endpoint=None))
    assert pair.step().outcome is DeliveryOutcome.WAITING
    assert deliver_all(pair.provider) == []
    assert rows(pair.provider, outbox) == []


def test_backoff_is_jittered_capped_and_honours_retry_after() -> None:
    assert backoff(0, None, lambda upper_s: upper_s) == dt.timedelta(seconds=0.5)
    assert backoff(4, None, lambda upper_s: upper_s) == dt.timedelta(seconds=8)
    assert backoff(10**6, None, lambda upper_s: upper_s) == dt.timedelta(seconds=30)
    assert backoff(3, 7, lambda _: 0.0) == dt.timedelta(seconds=7)
    assert backoff(3, 10**9, lambda _: 0.0) == dt.timedelta(hours=1)
    waits = {backoff(5, None) for _ in range(100)}
    assert len(waits) > 90
    assert all(dt.timedelta(0) < wait <= dt.timedelta(seconds=16) for wait in waits)


def test_one_slow_partner_does_not_hold_up_another(databases: Callable[[], Database], tmp_path: Path) -> None:
    clock = ports.Clock()
    provider = ports.make_node(tmp_path, "yokohama", databases(), clock)
    dead = ports.make_node(tmp_path, "dead", databases(), clock)
    alive = ports.make_node(tmp_path, "alive", databases(), clock)
    ports.introduce(dead, provider)
    ports.introduce(alive, provider)
    streams = {}
    for version, recipient in ((1, dead), (2, alive)):
        ports.introduce(provider, recipient)
        base = ports.agreement(provider, recipient, [ports.clause()])
        document = dataclasses.replace(base, id=f"agreement-{version}")
        for node in (provider, recipient):
            ports.put_in_force(node, document)
        streams[recipient.identity.participant] = ports.open_both(provider, recipient, document)
    ports.feed(provider, range(600))
    with provider, dead, alive, ports.serving(provider), ports.serving(alive):
        results = {result.stream_id: result for result in deliver_all(provider)}
    assert len(ids_of(alive, provider.identity.participant)) == 600
    assert results[streams[dead.identity.participant]].outcome in {DeliveryOutcome.FAILED, DeliveryOutcome.WAITING}
    with provider.database.read() as connection:
        status = {s.stream.peer: s for s in stream_status(connection, clock())}
    assert status[dead.identity.participant].trouble
    assert status[alive.identity.participant].trouble is None
    assert status[dead.identity.participant].due == 600
