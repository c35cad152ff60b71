"""Two real nodes over HTTP: what is sent, received, withheld, repeated, refused and mended."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests import ports

from sealane.agreements.clauses import Granularity, Grouping, Period, RowFilter
from sealane.database import Database
from sealane.database.tables.agreements import agreement
from sealane.database.tables.delivery import decision, inbox, outbox, receipt, stream
from sealane.database.tables.ledger import leaf
from sealane.database.tables.products import record, record_counter
from sealane.exchange.acknowledgement import MAX_REFUSALS, dead_letters, recover, retry_dead_letter, trim_outbox
from sealane.exchange.delivery import (
    DeliveryOutcome,
    DeliveryResult,
    backoff,
    deliver_all,
    deliver_once,
    recover_outgoing,
)
from sealane.exchange.registry import retire, terms_in_force
from sealane.exchange.releases import release_all
from sealane.exchange.stream_status import stream_status
from sealane.exchange.streams import Stream, close_streams, get_stream, suspend_stream
from sealane.node.app import create_app
from sealane.node.context import Node
from sealane.products.codes import imo_check_digit


@dataclass
class Pair:
    """A provider and a recipient that serve, with one open stream."""

    provider: Node
    recipient: Node
    clock: ports.Clock
    stream_id: str
    wire: Wrapped

    def step(self) -> DeliveryResult:
        return deliver_once(self.provider, self.stream_id, worker="test", jitter=lambda upper_s: upper_s)

    def drain(self) -> list[DeliveryResult]:
        results = []
        while True:
            results.append(self.step())
            if results[-1].outcome in {DeliveryOutcome.IDLE, DeliveryOutcome.WAITING, DeliveryOutcome.FAILED}:
                return results
            assert len(results) < 100

    def drain_to_stop(self) -> list[DeliveryResult]:
        results = [self.step()]
        while results[-1].outcome is not DeliveryOutcome.STOPPED:
            results.append(self.step())
            assert len(results) < 20
        return results

    def received(self) -> list[str]:
        return ids_of(self.recipient, self.provider.identity.participant)


def rows(node: Node, table: sa.Table, *conditions: Any) -> list[Any]:
    with node.database.read() as connection:
        return list(connection.execute(sa.select(table).where(*conditions)))


def ids_of(node: Node, source: str) -> list[str]:
    with node.database.read() as connection:
        statement = sa.select(record.c.id).where(record.c.source == source).order_by(record.c.position)
        return list(connection.execute(statement).scalars())


def count(node: Node, table: sa.Table, *conditions: Any) -> int:
    with node.database.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table).where(*conditions)).scalar_one()


def stream_of(node: Node, stream_id: str) -> Stream:
    with node.database.read() as connection:
        found = get_stream(connection, stream_id)
    assert found is not None
    return found


@pytest.fixture
def make_pair(databases: Callable[[], Database], tmp_path: Path) -> Iterator[Callable[..., Pair]]:
    open_servers: list[Any] = []

    def make(**changes: Any) -> Pair:
        clock = ports.Clock()
        provider = ports.make_node(tmp_path, "yokohama", databases(), clock)
        recipient = ports.make_node(tmp_path, "los-angeles", databases(), clock)
        stream_id = ports.connect(provider, recipient, [ports.clause(**changes)])
        wire = Wrapped(create_app(recipient))
        for server in (ports.serving(provider), ports.serving(recipient, wire)):
            server.__enter__()
            open_servers.append(server)
        return Pair(provider, recipient, clock, stream_id, wire)

    yield make
    for server in open_servers:
        server.__exit__(None, None, None)


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


class Wrapped:
    """An application whose answers, or requests, can be lost: what a network does."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.lose_answers = 0
        self.seen: list[str] = []
        self.answer_instead: tuple[int, dict[str, str], bytes] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.seen.append(scope["path"])
        if self.answer_instead is not None and scope["path"] == "/sealane/v1/events":
            status, headers, body = self.answer_instead
            await _answer(send, status, headers, body)
            return
        if self.lose_answers and scope["path"] == "/sealane/v1/events":
            self.lose_answers -= 1

            async def nowhere(_: Any) -> None:
                pass

            await self.app(scope, receive, nowhere)
            await _answer(send, 502, {}, b"")
            return
        await self.app(scope, receive, send)


async def _answer(send: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


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


def test_a_partner_that_holds_the_agreement_to_be_over_gets_nothing(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    with pair.recipient.database.write() as connection:
        connection.execute(agreement.update().values(state="retired"))
    ports.feed(pair.provider, range(3))
    result = pair.step()
    assert (result.outcome, len(pair.received())) == (DeliveryOutcome.FAILED, 0)
    assert "not to be in force" in str(result.error)


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


GROUPING = Grouping(
    by=("portCall.UNLocationCode",),
    measures=(),
    period=Period.DAY,
    contributor="vessel.vesselIMONumber",
    minimum_group=3,
)


def feed_vessels(pair: Pair, vessels: int) -> None:
    for number in range(vessels):
        first_six = str(900_000 + number)
        imo = f"{first_six}{imo_check_digit(first_six)}"
        ports.feed(pair.provider, [number], vessel={"vesselIMONumber": imo, "vesselName": "SIMULATED"})
    pair.clock.forward(2 * 86_400)
    with pair.provider.database.write() as connection:
        connection.execute(stream.update().values(lease_until=pair.clock() + dt.timedelta(hours=1)))
    own = pair.provider.identity.participant
    release_all(pair.provider.database, own, terms_in_force, pair.clock)


def test_cells_go_out_and_stand_beside_the_records_not_among_them(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair(granularity=Granularity.AGGREGATE, grouping=GROUPING)
    feed_vessels(pair, 4)
    pair.drain()
    (stored,) = rows(pair.recipient, record)
    assert stored.dataset == "port-calls/cells"
    assert json.loads(stored.body)["count"] == 4
    assert json.loads(stored.body)["by"] == {"portCall.UNLocationCode": "JPYOK"}
    assert {row.state for row in rows(pair.provider, outbox)} == {"acknowledged"}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"minimum_group": 5}, "count, minimum_group"),
        ({"by": ("terminalCall.terminalCallID",)}, "by"),
        ({"period": Period.MONTH}, "period"),
    ],
)
def test_cells_outside_the_recipients_text_are_refused(
    make_pair: Callable[..., Pair], change: dict[str, Any], shown: str
) -> None:
    pair = make_pair(granularity=Granularity.AGGREGATE, grouping=GROUPING)
    other = dataclasses.replace(GROUPING, **change)
    narrow = ports.clause(granularity=Granularity.AGGREGATE, grouping=other)
    with pair.recipient.database.write() as connection:
        connection.execute(agreement.delete())
    ports.put_in_force(pair.recipient, ports.agreement(pair.provider, pair.recipient, [narrow]))
    feed_vessels(pair, 4)
    assert pair.step().refused == 1
    assert rows(pair.recipient, record) == []
    assert f"the cell's {shown}" in rows(pair.recipient, inbox)[0].reason


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
