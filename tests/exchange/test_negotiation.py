"""Negotiations: every transition, what is agreed and what is refused, and what happens when messages get lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.exchange.dsp_pair import Pair, pair, row_of, until, wait
from tests.exchange.dsp_rows import OFFER, PEER, acted, get, lone_space, pids, put_row, received
from tests.ports import AGREEMENT, CLAUSE

from sealane.database import Database
from sealane.database.tables import dsp, ledger
from sealane.errors import RequestRefusedError
from sealane.exchange import negotiation
from sealane.exchange.dataspace import Dataspace, Hooks, Role, Row
from sealane.exchange.dsp_catalogue import offer_for
from sealane.exchange.dsp_messages import Message, MessageType
from sealane.exchange.dsp_sending import MAX_ATTEMPTS, work
from sealane.exchange.negotiation import ANSWER_WITHIN, MACHINE, TRANSITIONS
from sealane.exchange.negotiation import NegotiationMessage as M
from sealane.exchange.negotiation import NegotiationState as S
from sealane.node.dataspace import dataspace_of, step_negotiations

# The protocol's diagram, typed from it: state, message, who sends it, next state.
DIAGRAM = """
INITIAL    request       consumer  REQUESTED
REQUESTED  offer         provider  OFFERED
REQUESTED  agreement     provider  AGREED
OFFERED    request       consumer  REQUESTED
OFFERED    accept        consumer  ACCEPTED
ACCEPTED   agreement     provider  AGREED
AGREED     verification  consumer  VERIFIED
VERIFIED   finalize      provider  FINALIZED
"""
ENDS = [state for state in S if state not in {S.FINALIZED, S.TERMINATED}]


def diagram() -> dict[tuple[str, str, str], str]:
    drawn = {(a, b, c): d for a, b, c, d in (line.split() for line in DIAGRAM.strip().splitlines())}
    return drawn | {(state, "termination", role): "TERMINATED" for state in ENDS for role in ("consumer", "provider")}


CASES = [(state, message, role) for state in S for message in M for role in Role]


def message_for(kind: M, row: Row) -> Message:
    document = OFFER.document(with_target=True)
    return Message(
        MessageType.NEGOTIATION,
        **pids(row),
        offer=document if kind in {M.OFFER, M.REQUEST} else None,
        agreement=document | {"@type": "Agreement", "assigner": "a", "assignee": "b"} if kind is M.AGREEMENT else None,
        reason="said so",
    )


def test_the_table_is_the_protocols_diagram() -> None:
    assert {tuple(map(str, key)): value for key, value in TRANSITIONS.items()} == diagram()


@pytest.fixture
def alone(tmp_path: Path, database: Database) -> Dataspace:
    return lone_space(tmp_path, database)


def test_every_message_in_every_state_from_the_other_side(alone: Dataspace) -> None:
    for state, kind, role in CASES:
        pid = put_row(alone, MACHINE, role, state)
        before = get(alone, MACHINE, pid)
        expected = diagram().get((state, kind, role.other))
        if state == S.INITIAL and expected is None:  # the other side's message came before its own answer
            expected = diagram().get((S.REQUESTED, kind, role.other))
        if expected is None:
            with pytest.raises(RequestRefusedError) as refused:
                received(alone, negotiation, kind, message_for(kind, before), pid)
            assert refused.value.status == 409, (state, kind, role)
            assert get(alone, MACHINE, pid) == before, (state, kind, role)
        else:
            received(alone, negotiation, kind, message_for(kind, before), pid)
            after = get(alone, MACHINE, pid)
            assert (after.state, after.pending) == (expected, None), (state, kind, role)
            assert (after.deadline_at is None) == (expected in {S.FINALIZED, S.TERMINATED})


def test_every_step_of_our_own_in_every_state(alone: Dataspace) -> None:
    for state, kind, role in CASES:
        pid = put_row(alone, MACHINE, role, state)
        before = get(alone, MACHINE, pid)
        expected = diagram().get((state, kind, role))
        if expected is None:
            with pytest.raises(RequestRefusedError) as refused:
                acted(alone, negotiation, kind, pid)
            assert refused.value.status == 409
            assert get(alone, MACHINE, pid) == before
        else:
            acted(alone, negotiation, kind, pid, "because")
            after = get(alone, MACHINE, pid)
            # Who was never answered has nobody to tell.
            assert (after.state, after.pending) == (expected, None if state == S.INITIAL else kind)
            assert after.reason == "because"


def test_an_undelivered_message_is_not_overtaken_but_by_an_end(alone: Dataspace) -> None:
    pid = put_row(alone, MACHINE, Role.CONSUMER, S.OFFERED, pending="request")
    with pytest.raises(RequestRefusedError, match="has not reached"):
        acted(alone, negotiation, M.ACCEPT, pid)
    acted(alone, negotiation, M.TERMINATION, pid)
    assert get(alone, MACHINE, pid).pending == M.TERMINATION


@pytest.mark.parametrize("change", ["peer", "own pid", "other pid", "no pid"])
def test_a_message_about_anothers_process_changes_nothing(alone: Dataspace, change: str) -> None:
    pid = put_row(alone, MACHINE, Role.PROVIDER, S.AGREED)
    before = get(alone, MACHINE, pid)
    message = message_for(M.VERIFICATION, before)
    changes: dict[str, dict[str, Any]] = {
        "own pid": {"provider_pid": "urn:uuid:else"},
        "other pid": {"consumer_pid": "peer-else"},
        "no pid": {"consumer_pid": None},
    }
    message = replace(message, **changes.get(change, {}))
    peer = "urn:sealane:test:third" if change == "peer" else PEER
    with pytest.raises(RequestRefusedError) as refused:
        received(alone, negotiation, M.VERIFICATION, message, pid, peer)
    assert refused.value.status == (404 if change == "peer" else 400)
    assert get(alone, MACHINE, pid) == before


ELSEWHERE = (
    "http://127.0.0.1:2/dsp",
    "https://127.0.0.1:1/dsp",
    "http://127.0.0.1:1@evil.example/",
    "http://user@127.0.0.1:1/dsp",
    "http://127.0.0.1:1.evil.example/dsp",
    "http://127.0.0.1:1/dsp?x=1",
    "http://127.0.0.1:1/dsp#x",
    "http://[::1/dsp",
    "ftp://x",
    "/dsp",
    "",
)


def test_a_callback_elsewhere_is_refused(alone: Dataspace) -> None:
    for callback in ELSEWHERE:
        message = Message(
            MessageType.CONTRACT_REQUEST, consumer_pid="c", callback=callback, offer=OFFER.document(with_target=True)
        )
        with pytest.raises(RequestRefusedError) as refused, alone.node.database.write() as connection:
            negotiation.receive_request(alone, connection, peer=PEER, message=message, now=alone.node.clock())
        assert (refused.value.status, refused.value.kind) == (400, "callback-address"), callback


def test_a_pid_given_twice_is_refused(alone: Dataspace) -> None:
    first, second = (put_row(alone, MACHINE, Role.CONSUMER, S.INITIAL) for _ in range(2))
    received(alone, negotiation, M.AGREEMENT, message_for(M.AGREEMENT, get(alone, MACHINE, first)), first)
    message = replace(
        message_for(M.AGREEMENT, get(alone, MACHINE, second)), provider_pid=get(alone, MACHINE, first).peer_pid
    )
    with pytest.raises(RequestRefusedError) as refused:
        received(alone, negotiation, M.AGREEMENT, message, second)
    assert refused.value.status == 409
    assert get(alone, MACHINE, second).state == S.INITIAL


def test_an_error_in_a_hook_leaves_nothing_half_done(tmp_path: Path, database: Database) -> None:
    def fails(connection: sa.Connection, row: Row, now: dt.datetime) -> None:
        raise RequestRefusedError(409, "no", "No.", "Never.")

    space = lone_space(tmp_path, database, Hooks(on_agreed=fails))
    pid = put_row(space, MACHINE, Role.CONSUMER, S.VERIFIED)
    before = get(space, MACHINE, pid)
    with pytest.raises(RequestRefusedError):
        received(space, negotiation, M.FINALIZE, message_for(M.FINALIZE, before), pid)
    assert get(space, MACHINE, pid) == before


# Two nodes: on one kind of database; tests/node/test_api_dsp.py goes the whole way on both.
SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def nodes(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[Pair]:
    with pair(tmp_path, databases) as made:
        yield made


def request(nodes: Pair, **changes: Any) -> str:
    """Ask for the clause's offer with changes; return the consumer's pid."""
    space, now = dataspace_of(nodes.consumer), nodes.clock()
    with nodes.consumer.database.write() as connection:
        offer = offer_for(
            connection,
            agreement_id=AGREEMENT,
            clause_id=CLAUSE,
            provider=nodes.provider.identity.participant,
            consumer=nodes.consumer.identity.participant,
            now=now,
        )
        offer = replace(offer, **changes)
        peer = nodes.provider.identity.participant
        pid = negotiation.request_contract(space, connection, peer=peer, offer=offer, now=now)
    step_negotiations(nodes.consumer)
    return pid


def negotiations(nodes: Pair) -> int:
    with nodes.provider.database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(dsp.negotiation)) or 0


@SQLITE
def test_only_the_exact_offer_is_agreed(nodes: Pair) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"id": "urn:sealane:offer:made-up"}, "No offer"),
        ({"policy": OFFER.policy}, "differs from"),
        ({"target": "vessel-schedules"}, "target"),
        ({"assignee": "urn:sealane:test:third"}, "assignee"),
        ({"assigner": "urn:sealane:test:third"}, "assigner"),
    ]
    for changes, reason in cases:
        row = row_of(nodes.consumer, dsp.negotiation, request(nodes, **changes))
        assert (row.state, row.pending) == (S.TERMINATED, None), changes
        assert reason in row.reason
    assert negotiations(nodes) == 0  # nothing was kept of it


@SQLITE
def test_the_log_tells_how_it_went(nodes: Pair) -> None:
    pid = nodes.contract()
    wait(nodes.consumer, dsp.negotiation, pid, S.FINALIZED)
    with nodes.consumer.database.read() as connection:
        kinds = list(connection.scalars(sa.select(ledger.leaf.c.kind).where(ledger.leaf.c.subject == pid)))
    assert kinds == ["negotiation_agreed"]


@SQLITE
@pytest.mark.parametrize("fault", ["lose", "lose answer", 503])
def test_lost_messages_and_answers_do_not_matter(nodes: Pair, fault: str | int) -> None:
    nodes.at_provider.faults += [("POST /dsp/negotiations/request", fault), ("/agreement/verification", fault)]
    nodes.at_consumer.faults += [("/agreement", fault), ("/events", fault)]
    pid = nodes.contract()

    def done() -> bool:
        nodes.step(3)  # past the first pauses
        ours = row_of(nodes.consumer, dsp.negotiation, pid)
        if ours.state != S.FINALIZED:
            assert ours.state != S.TERMINATED, ours.reason
            return False
        theirs = nodes.other(dsp.negotiation, pid)
        return (theirs.state, theirs.pending, ours.pending) == (S.FINALIZED, None, None)

    until(done, "the negotiation did not end well")
    assert nodes.at_provider.faults == nodes.at_consumer.faults == []
    assert negotiations(nodes) == 1


@SQLITE
def test_a_provider_that_is_down_is_given_up_visibly(nodes: Pair) -> None:
    nodes.at_provider.faults += [("POST /dsp/negotiations/request", 503)] * (MAX_ATTEMPTS + 5)
    pid = nodes.contract()
    for _ in range(MAX_ATTEMPTS + 3):
        nodes.clock.forward(1)
        with nodes.consumer.database.write() as connection:  # not the deadline, the count of attempts
            connection.execute(sa.update(dsp.negotiation).values(next_at=nodes.clock()))
        step_negotiations(nodes.consumer)
    row = row_of(nodes.consumer, dsp.negotiation, pid)
    assert (row.state, row.pending, row.next_at) == (S.TERMINATED, None, None)
    assert f"Given up after {MAX_ATTEMPTS} attempts" in row.reason
    assert "503" in row.reason
    assert len([seen for seen in nodes.at_provider.seen if seen[1].endswith("/request")]) == MAX_ATTEMPTS


@SQLITE
def test_a_retry_waits_longer_each_time(nodes: Pair) -> None:
    nodes.at_provider.faults += [("POST /dsp/negotiations/request", 503)] * 6
    pid = nodes.contract()
    asked_at = row_of(nodes.consumer, dsp.negotiation, pid).changed_at
    pauses = []
    for _ in range(5):
        row = row_of(nodes.consumer, dsp.negotiation, pid)
        pauses.append((row.next_at - nodes.clock()).total_seconds())
        assert work(dataspace_of(nodes.consumer), MACHINE, pid) is False  # not before its time
        nodes.clock.now = row.next_at
        step_negotiations(nodes.consumer)
    assert all(0.5 * 2**n <= pause <= 2**n for n, pause in enumerate(pauses))
    # A try is no step: since when nothing has moved must stay to be told.
    assert row_of(nodes.consumer, dsp.negotiation, pid).changed_at == asked_at < nodes.clock()


@SQLITE
def test_a_waiting_state_ends_at_its_deadline_on_both_sides(nodes: Pair) -> None:
    nodes.at_consumer.faults += [("/agreement", 503)] * 50
    pid = nodes.contract()
    until(lambda: nodes.other(dsp.negotiation, pid).attempts, "the agreement was not tried")
    nodes.step(ANSWER_WITHIN.total_seconds() + 1)
    ended = wait(nodes.consumer, dsp.negotiation, pid, S.TERMINATED)
    assert "until its deadline" in ended.reason or "provider" in ended.reason
    wait(nodes.provider, dsp.negotiation, ended.peer_pid, S.TERMINATED)


@SQLITE
def test_an_end_that_was_never_heard_of_is_found_by_asking(nodes: Pair) -> None:
    nodes.at_consumer.faults += [("/termination", 503)] * 50
    space = dataspace_of(nodes.provider)
    pid = nodes.contract()
    consumer = wait(nodes.consumer, dsp.negotiation, pid, S.FINALIZED)
    with nodes.consumer.database.write() as connection:  # as if it still waited
        connection.execute(sa.update(dsp.negotiation).values(state=S.VERIFIED, next_at=nodes.clock(), deadline_at=None))
    step_negotiations(nodes.consumer)
    assert row_of(nodes.consumer, dsp.negotiation, pid).state == S.FINALIZED  # the provider said so
    with nodes.consumer.database.write() as connection:
        connection.execute(sa.update(dsp.negotiation).values(state=S.AGREED, next_at=nodes.clock()))
    with nodes.provider.database.write() as connection:
        connection.execute(sa.update(dsp.negotiation).values(state=S.AGREED))
        negotiation.act(space, connection, consumer.peer_pid, M.TERMINATION, nodes.clock(), "changed our mind")
    step_negotiations(nodes.consumer)
    assert row_of(nodes.consumer, dsp.negotiation, pid).state == S.TERMINATED


@SQLITE
def test_a_provider_that_forgot_ends_the_consumers_wait(nodes: Pair) -> None:
    nodes.at_consumer.faults += [("/agreement", 503)] * 50
    pid = nodes.contract()
    until(lambda: nodes.other(dsp.negotiation, pid).attempts, "the agreement was not tried")
    with nodes.provider.database.write() as connection:
        connection.execute(sa.delete(dsp.negotiation))
    nodes.clock.forward(60)
    step_negotiations(nodes.consumer)
    row = row_of(nodes.consumer, dsp.negotiation, pid)
    assert (row.state, row.pending) == (S.TERMINATED, None)
    assert "knows no such negotiation" in row.reason


@SQLITE
def test_nothing_is_agreed_once_the_agreement_is_retired(nodes: Pair) -> None:
    nodes.at_consumer.faults += [("/agreement", 503)] * 3
    pid = nodes.contract()
    until(lambda: nodes.other(dsp.negotiation, pid).attempts, "the agreement was not tried")
    nodes.retire()

    def done() -> bool:
        nodes.step(3)
        return row_of(nodes.consumer, dsp.negotiation, pid).state == S.TERMINATED

    until(done, "the negotiation went on")
    assert "No offer" in row_of(nodes.consumer, dsp.negotiation, pid).reason
    assert row_of(nodes.consumer, dsp.negotiation, request(nodes)).state == S.TERMINATED


@SQLITE
def test_a_provider_that_changes_the_terms_is_not_verified(nodes: Pair) -> None:
    """The provider's agreement is altered on its way: the consumer must notice and end it."""
    space = dataspace_of(nodes.consumer)
    pid = put_row_like(nodes)
    row = row_of(nodes.consumer, dsp.negotiation, pid)
    document = {key: value for key, value in row.offer.items() if key != "@type"} | {"@type": "Agreement"}
    document["permission"] = [{"action": "use"}]
    message = Message(MessageType.CONTRACT_AGREEMENT, **pids(row), agreement=document)
    received(space, negotiation, M.AGREEMENT, message, pid, nodes.provider.identity.participant)
    after = row_of(nodes.consumer, dsp.negotiation, pid)
    assert (after.state, after.pending) == (S.TERMINATED, M.TERMINATION)
    assert "rules" in after.reason


def put_row_like(nodes: Pair) -> str:
    """Return a consumer's negotiation that waits for its agreement."""
    nodes.at_provider.faults.append(("POST /dsp/negotiations/request", "lose"))
    pid = nodes.contract()
    with nodes.consumer.database.write() as connection:
        connection.execute(
            sa.update(dsp.negotiation).values(state=S.REQUESTED, peer_pid="urn:uuid:there", pending=None)
        )
    return pid


@SQLITE
def test_the_partner_never_waits_for_our_database(nodes: Pair) -> None:
    """While a message is on its way no write transaction is open: the database takes another one."""
    seen: list[str] = []
    consumer = nodes.consumer
    real = consumer.outbound.request

    def watching(*args: Any, **options: Any) -> Any:
        with consumer.database.write() as connection:  # would wait and fail if one were open
            seen.append(str(connection.scalar(sa.select(sa.func.count()).select_from(dsp.negotiation))))
        return real(*args, **options)

    consumer.outbound.request = watching  # type: ignore[method-assign]  # looks on, sends all the same
    wait(consumer, dsp.negotiation, nodes.contract(), S.FINALIZED)
    assert seen
