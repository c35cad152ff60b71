"""Transfers: every transition, who may resume, when data may flow, and what happens when messages get lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.exchange.dsp_pair import Pair, pair, row_of, until, wait
from tests.exchange.dsp_rows import ORIGIN, PEER, acted, get, lone_space, pids, put_row, received

from sealane.database import Database
from sealane.database.tables import delivery, dsp
from sealane.errors import RequestRefusedError
from sealane.exchange import dsp_process, transfer
from sealane.exchange.dataspace import Dataspace, Hooks, Role, Row
from sealane.exchange.dsp_catalogue import ClauseOffers
from sealane.exchange.dsp_messages import DataAddress, Message, MessageType
from sealane.exchange.dsp_sending import work
from sealane.exchange.transfer import MACHINE, SUSPENDED_AT_MOST, TRANSITIONS
from sealane.exchange.transfer import TransferMessage as M
from sealane.exchange.transfer import TransferState as S
from sealane.node.context import Node
from sealane.node.dataspace import dataspace_of, step_transfers

# The protocol's diagram, typed from it: state, message, who sends it, next state.
DIAGRAM = """
INITIAL    request     consumer  REQUESTED
REQUESTED  start       provider  STARTED
STARTED    suspension  provider  SUSPENDED
STARTED    suspension  consumer  SUSPENDED
STARTED    completion  provider  COMPLETED
STARTED    completion  consumer  COMPLETED
SUSPENDED  start       provider  STARTED
SUSPENDED  start       consumer  STARTED
"""
ENDED = {S.COMPLETED, S.TERMINATED}
CASES = [(state, message, role) for state in S for message in M for role in Role]
CONTRACT = {
    "state": "FINALIZED",
    "agreement_ref": "urn:agreement",
    "agreement_id": "agreement",
    "agreement_version": 1,
    "clause_id": "clause",
}


def diagram() -> dict[tuple[str, str, str], str]:
    drawn = {(a, b, c): d for a, b, c, d in (line.split() for line in DIAGRAM.strip().splitlines())}
    living = [state for state in S if state not in ENDED]
    return drawn | {(state, "termination", role): "TERMINATED" for state in living for role in ("consumer", "provider")}


def message_for(row: Row) -> Message:
    return Message(MessageType.TRANSFER, **pids(row), reason="said so")


def test_the_table_is_the_protocols_diagram() -> None:
    assert {tuple(map(str, key)): value for key, value in TRANSITIONS.items()} == diagram()


@pytest.fixture
def calls() -> list[str]:
    return []


@pytest.fixture
def alone(tmp_path: Path, database: Database, calls: list[str]) -> Dataspace:
    def hook(name: str) -> Callable[[sa.Connection, Row, dt.datetime], None]:
        return lambda connection, row, now: calls.append(f"{name} {row.state}")

    hooks = Hooks(hook("agreed"), hook("started"), hook("suspended"), hook("ended"))
    space = lone_space(tmp_path, database, hooks)
    for role in Role:  # a contract that holds, so that what was suspended may be resumed
        contract = {key: value for key, value in CONTRACT.items() if key != "state"}
        put_row(space, transfer.negotiation.MACHINE, role, "FINALIZED", **contract)
    return space


def test_every_message_in_every_state_from_the_other_side(alone: Dataspace) -> None:
    for state, kind, role in CASES:
        suspender = {"suspended_by": role.other} if state == S.SUSPENDED else {}
        pid = put_row(alone, MACHINE, role, state, **suspender)
        before = get(alone, MACHINE, pid)
        expected = diagram().get((state, kind, role.other))
        if state == S.INITIAL and expected is None:
            expected = diagram().get((S.REQUESTED, kind, role.other))
        if expected is None:
            with pytest.raises(RequestRefusedError) as refused:
                received(alone, transfer, kind, message_for(before), pid)
            assert refused.value.status == 409, (state, kind, role)
            assert get(alone, MACHINE, pid) == before, (state, kind, role)
        else:
            received(alone, transfer, kind, message_for(before), pid)
            after = get(alone, MACHINE, pid)
            assert (after.state, after.pending) == (expected, None), (state, kind, role)
            assert (after.deadline_at is None) == (expected in {S.STARTED, *ENDED})


def test_every_step_of_our_own_in_every_state(alone: Dataspace) -> None:
    for state, kind, role in CASES:
        suspender = {"suspended_by": role} if state == S.SUSPENDED else {}
        pid = put_row(alone, MACHINE, role, state, **suspender)
        before = get(alone, MACHINE, pid)
        expected = diagram().get((state, kind, role))
        if expected is None:
            with pytest.raises(RequestRefusedError) as refused:
                acted(alone, transfer, kind, pid)
            assert refused.value.status == 409
            assert get(alone, MACHINE, pid) == before
        else:
            acted(alone, transfer, kind, pid, "because")
            after = get(alone, MACHINE, pid)
            assert (after.state, after.pending) == (expected, None if state == S.INITIAL else kind)


@pytest.mark.parametrize("role", Role)
def test_only_who_suspended_it_resumes(alone: Dataspace, role: Role) -> None:
    pid = put_row(alone, MACHINE, role, S.STARTED)
    acted(alone, transfer, M.SUSPENSION, pid)
    with alone.node.database.write() as connection:
        connection.execute(sa.update(dsp.transfer).values(pending=None))  # it has arrived
    with pytest.raises(RequestRefusedError, match="suspended it"):
        received(alone, transfer, M.START, message_for(get(alone, MACHINE, pid)), pid)
    assert get(alone, MACHINE, pid).state == S.SUSPENDED
    acted(alone, transfer, M.START, pid)
    received(alone, transfer, M.SUSPENSION, message_for(get(alone, MACHINE, pid)), pid)
    assert get(alone, MACHINE, pid).suspended_by == role.other
    with pytest.raises(RequestRefusedError, match="suspended it"):
        acted(alone, transfer, M.START, pid)
    received(alone, transfer, M.START, message_for(get(alone, MACHINE, pid)), pid)
    assert (get(alone, MACHINE, pid).state, get(alone, MACHINE, pid).suspended_by) == (S.STARTED, None)


def test_nothing_is_resumed_under_an_agreement_that_ended(alone: Dataspace) -> None:
    ended = replace(alone, offers=ClauseOffers(alone.participant))  # there is no agreement in the register
    pid = put_row(alone, MACHINE, Role.PROVIDER, S.SUSPENDED, suspended_by=Role.CONSUMER)
    with pytest.raises(RequestRefusedError) as refused:
        received(ended, transfer, M.START, message_for(get(alone, MACHINE, pid)), pid)
    assert refused.value.kind == "agreement-not-in-force"
    assert get(alone, MACHINE, pid).state == S.SUSPENDED


def test_data_flow_only_once_the_other_side_knows_and_stop_before_it_is_told(
    alone: Dataspace, calls: list[str]
) -> None:
    pid = put_row(alone, MACHINE, Role.PROVIDER, S.REQUESTED)
    acted(alone, transfer, M.START, pid)
    assert calls == []  # the message is not out yet
    received(alone, transfer, M.SUSPENSION, message_for(get(alone, MACHINE, pid)), pid)
    assert calls == ["started STARTED", "suspended SUSPENDED"]  # who suspends it has heard of the start
    received(alone, transfer, M.START, message_for(get(alone, MACHINE, pid)), pid)
    acted(alone, transfer, M.TERMINATION, pid)
    assert calls[2:] == ["started STARTED", "ended TERMINATED"]
    assert get(alone, MACHINE, pid).pending == M.TERMINATION  # ended here, still to be told


def request(space: Dataspace, **changes: object) -> Row:
    given: dict[str, object] = {
        "consumer_pid": "urn:uuid:c",
        "callback": f"{ORIGIN}/dsp",
        "agreement_ref": "urn:agreement",
        "format": "Sealane-PUSH",
        "data_address": DataAddress(f"{ORIGIN}/sealane/v1/events"),
    }
    message = Message(MessageType.TRANSFER_REQUEST, **(given | changes))  # type: ignore[arg-type]  # any member
    with space.node.database.write() as connection:
        return transfer.receive_request(space, connection, peer=PEER, message=message, now=space.node.clock())


@pytest.mark.parametrize(
    ("changes", "status", "kind"),
    [
        ({"agreement_ref": "urn:other"}, 404, "unknown-agreement"),
        ({"format": "HttpData-PUSH"}, 400, "format"),
        ({"data_address": None}, 400, "data-address"),
        ({"data_address": DataAddress(None)}, 400, "data-address"),
        ({"data_address": DataAddress("http://127.0.0.1:2/events")}, 400, "callback-address"),
        ({"callback": "http://127.0.0.1:2/dsp"}, 400, "callback-address"),
    ],
)
def test_what_cannot_be_transferred_is_refused(
    alone: Dataspace, changes: dict[str, object], status: int, kind: str
) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        request(alone, **changes)
    assert (refused.value.status, refused.value.kind) == (status, kind)
    with alone.node.database.read() as connection:
        assert connection.execute(sa.select(dsp.transfer)).all() == []


def test_the_same_request_again_begins_nothing_anew(alone: Dataspace) -> None:
    assert request(alone).id == request(alone).id
    assert request(alone, consumer_pid="urn:uuid:d").id != request(alone).id


def test_a_participant_begins_only_so_many_at_once(alone: Dataspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsp_process, "MAX_LIVING", 2)
    first = request(alone, consumer_pid="urn:uuid:1")
    request(alone, consumer_pid="urn:uuid:2")
    with pytest.raises(RequestRefusedError) as refused:
        request(alone, consumer_pid="urn:uuid:3")
    assert (refused.value.status, refused.value.kind) == (429, "too-many-processes")
    assert request(alone, consumer_pid="urn:uuid:1").id == first.id  # what began is answered as before
    with alone.node.database.write() as connection:
        transfer.act(alone, connection, first.id, M.TERMINATION, alone.node.clock(), "test")
    request(alone, consumer_pid="urn:uuid:3")


# Two nodes: on one kind of database; tests/node/test_api_dsp.py goes the whole way on both.
SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def nodes(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[Pair]:
    with pair(tmp_path, databases) as made:
        yield made


def stream_states(nodes: Pair) -> list[str]:
    found = []
    for node in (nodes.provider, nodes.consumer):
        with node.database.read() as connection:
            found += list(connection.scalars(sa.select(delivery.stream.c.state)))
    return found


@SQLITE
def test_a_transfer_pauses_resumes_and_ends_from_both_sides(nodes: Pair) -> None:
    reference = nodes.agreed()
    ends = ((nodes.provider, nodes.consumer, M.COMPLETION), (nodes.consumer, nodes.provider, M.TERMINATION))
    for acting, other, end in ends:
        pid = nodes.transfer(reference)
        ours = wait(nodes.consumer, dsp.transfer, pid, S.STARTED)
        names = {nodes.consumer.identity.participant: pid, nodes.provider.identity.participant: ours.peer_pid}
        mine, theirs = names[acting.identity.participant], names[other.identity.participant]
        wait(nodes.provider, dsp.transfer, ours.peer_pid, S.STARTED)
        for message, state, stream in (
            (M.SUSPENSION, S.SUSPENDED, "suspended"),
            (M.START, S.STARTED, "open"),
            (end, S.COMPLETED if end is M.COMPLETION else S.TERMINATED, "closed"),
        ):
            acted(dataspace_of(acting), transfer, message, mine, "as agreed")
            step_transfers(acting)
            wait(acting, dsp.transfer, mine, state)
            wait(other, dsp.transfer, theirs, state)
            assert stream_states(nodes) == [stream, stream]


@SQLITE
@pytest.mark.parametrize("fault", ["lose", "lose answer", 503])
def test_lost_messages_and_answers_do_not_matter(nodes: Pair, fault: str | int) -> None:
    reference = nodes.agreed()
    nodes.at_provider.faults += [("POST /dsp/transfers/request", fault), ("/suspension", fault)]
    nodes.at_consumer.faults += [("/start", fault), ("/completion", fault)]
    pid = nodes.transfer(reference)

    def reached(state: S) -> bool:
        nodes.step(3)
        ours = row_of(nodes.consumer, dsp.transfer, pid)
        assert ours.state == state or state not in {S.TERMINATED, S.COMPLETED}, ours.reason
        if ours.state != state or ours.pending is not None:
            return False
        theirs = nodes.other(dsp.transfer, pid)
        return (theirs.state, theirs.pending) == (state, None)

    until(lambda: reached(S.STARTED), "it did not start")
    acted(dataspace_of(nodes.consumer), transfer, M.SUSPENSION, pid)
    until(lambda: reached(S.SUSPENDED), "it was not suspended")
    acted(dataspace_of(nodes.consumer), transfer, M.START, pid)
    until(lambda: reached(S.STARTED), "it was not resumed")
    assert nodes.at_provider.faults == []
    with nodes.provider.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(dsp.transfer)) == 1


@SQLITE
def test_both_ends_stop_when_the_agreement_does(nodes: Pair) -> None:
    pid = nodes.transfer(nodes.agreed())
    ours = wait(nodes.consumer, dsp.transfer, pid, S.STARTED)
    wait(nodes.provider, dsp.transfer, ours.peer_pid, S.STARTED)
    nodes.retire()
    step_transfers(nodes.provider)
    ended = wait(nodes.provider, dsp.transfer, ours.peer_pid, S.TERMINATED)
    assert "not in force any more" in ended.reason
    assert "not in force any more" in wait(nodes.consumer, dsp.transfer, pid, S.TERMINATED).reason
    assert stream_states(nodes) == ["closed", "closed"]
    with pytest.raises(RequestRefusedError) as refused:
        acted(dataspace_of(nodes.provider), transfer, M.START, ours.peer_pid)
    assert refused.value.status == 409


@SQLITE
def test_an_end_that_was_never_heard_of_is_found_by_asking(nodes: Pair) -> None:
    pid = nodes.transfer(nodes.agreed())
    ours = wait(nodes.consumer, dsp.transfer, pid, S.STARTED)
    wait(nodes.provider, dsp.transfer, ours.peer_pid, S.STARTED)
    with nodes.provider.database.write() as connection:  # ended there, and the message is lost for good
        connection.execute(sa.update(dsp.transfer).values(state=S.COMPLETED, next_at=None))
    nodes.clock.forward(3_600)
    assert work(dataspace_of(nodes.consumer), MACHINE, pid)
    assert row_of(nodes.consumer, dsp.transfer, pid).state == S.COMPLETED
    assert stream_states(nodes)[1] == "closed"


@SQLITE
def test_a_suspension_does_not_last_for_ever(nodes: Pair) -> None:
    pid = nodes.transfer(nodes.agreed())
    ours = wait(nodes.consumer, dsp.transfer, pid, S.STARTED)
    wait(nodes.provider, dsp.transfer, ours.peer_pid, S.STARTED)
    acted(dataspace_of(nodes.consumer), transfer, M.SUSPENSION, pid)
    step_transfers(nodes.consumer)
    wait(nodes.provider, dsp.transfer, ours.peer_pid, S.SUSPENDED)
    row = row_of(nodes.consumer, dsp.transfer, pid)
    assert row.deadline_at - nodes.clock() == SUSPENDED_AT_MOST
    with nodes.consumer.database.write() as connection:
        connection.execute(sa.update(dsp.transfer).values(deadline_at=nodes.clock()))
    step_transfers(nodes.consumer)
    assert "until its deadline" in wait(nodes.consumer, dsp.transfer, pid, S.TERMINATED).reason
    wait(nodes.provider, dsp.transfer, ours.peer_pid, S.TERMINATED)


@SQLITE
def test_a_start_that_this_side_cannot_follow_ends_with_the_reason(nodes: Pair) -> None:
    def refuses(connection: sa.Connection, row: Row, now: dt.datetime) -> None:
        raise RequestRefusedError(409, "full", "There is no room.", "Make some.")

    nodes.at_consumer.faults.append(("/start", 503))
    pid = nodes.transfer(nodes.agreed())
    until(lambda: nodes.other(dsp.transfer, pid).attempts, "the start was not tried")
    until(lambda: nodes.other(dsp.transfer, pid).last_error, "the start did not fail")
    nodes.clock.forward(5)
    space = replace(dataspace_of(nodes.provider), hooks=Hooks(on_transfer_started=refuses))
    theirs = nodes.other(dsp.transfer, pid)
    assert work(space, MACHINE, theirs.id)
    row = row_of(nodes.provider, dsp.transfer, theirs.id)
    assert (row.state, row.pending) == (S.TERMINATED, M.TERMINATION)
    assert "There is no room." in row.reason
    step_transfers(nodes.provider)
    assert "There is no room." in wait(nodes.consumer, dsp.transfer, pid, S.TERMINATED).reason


def ends_while_sending(node: Node) -> None:
    """Let the operator end the node's transfer while its next message is on its way."""
    real = node.outbound.request

    def ending(method: str, url: str, **options: Any) -> Any:
        node.outbound.request = real  # type: ignore[method-assign]  # only once
        answer = real(method, url, **options)
        with node.database.read() as connection:
            process_id = connection.scalar(sa.select(dsp.transfer.c.id))
        acted(dataspace_of(node), transfer, M.TERMINATION, process_id, "the operator says so")
        return answer

    node.outbound.request = ending  # type: ignore[method-assign]  # sends all the same


@SQLITE
@pytest.mark.parametrize("message", ["start", "request"])
def test_an_end_while_a_message_is_on_its_way_is_told_afterwards(nodes: Pair, message: str) -> None:
    reference = nodes.agreed()
    if message == "request":
        acting = nodes.consumer
        ends_while_sending(acting)
        pid = nodes.transfer(reference)
        row = row_of(acting, dsp.transfer, pid)
    else:
        acting = nodes.provider
        nodes.at_consumer.faults.append(("/start", 503))
        pid = nodes.transfer(reference)
        until(lambda: nodes.other(dsp.transfer, pid).last_error, "the start did not fail")
        nodes.clock.forward(5)
        ends_while_sending(acting)
        assert work(dataspace_of(acting), MACHINE, nodes.other(dsp.transfer, pid).id)
        row = nodes.other(dsp.transfer, pid)
    assert (row.state, row.pending) == (S.TERMINATED, M.TERMINATION)
    assert row.peer_pid is not None
    step_transfers(acting)
    wait(nodes.consumer, dsp.transfer, pid, S.TERMINATED)
    wait(nodes.provider, dsp.transfer, nodes.other(dsp.transfer, pid).id, S.TERMINATED)


@SQLITE
def test_a_pull_names_an_address_and_keeps_its_token_out_of_sight(nodes: Pair) -> None:
    pid = nodes.transfer(nodes.agreed(), "HttpData-PULL")
    row = wait(nodes.consumer, dsp.transfer, pid, S.STARTED)
    assert row.data_address["endpoint"].startswith(nodes.provider.identity.origin)
    assert {item["name"] for item in row.data_address["endpointProperties"]} == {"authorization", "authType"}
