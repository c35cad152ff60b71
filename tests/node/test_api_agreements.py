"""Agreements between real nodes over real HTTP: told, taken, refused, and told again until the partner has answered."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agreement_world import LOS_ANGELES, NAGOYA, content_of
from tests.live_nodes import Clock, LiveNode, introduce, live_node

from sealane.agreements.documents import AgreementDocument, document_bytes, read_document
from sealane.database import Database
from sealane.exchange import registry
from sealane.exchange.agreement_messages import GIVE_UP_AFTER, PATH, MessageState
from sealane.exchange.agreement_states import AgreementState
from sealane.node.app import create_app

PARTICIPANTS = {LOS_ANGELES: "urn:example:los-angeles", NAGOYA: "urn:example:nagoya"}


@pytest.fixture
def pair(databases: Callable[[], Database], tmp_path: Path) -> Iterator[tuple[LiveNode, LiveNode]]:
    clock = Clock()
    with (
        live_node(tmp_path / "a", databases(), PARTICIPANTS[LOS_ANGELES], clock, lambda n: create_app(n.node)) as one,
        live_node(tmp_path / "b", databases(), PARTICIPANTS[NAGOYA], clock, lambda n: create_app(n.node)) as other,
    ):
        introduce(one, other)
        introduce(other, one)
        yield one, other


def document(pair: tuple[LiveNode, LiveNode], **changes: Any) -> AgreementDocument:
    one, other = pair
    identities = [(LOS_ANGELES, one.node.identity), (NAGOYA, other.node.identity)]
    return read_document(json.dumps(content_of(identities, **changes)).encode(), "t.json", registry.known_datasets())


def step(live: LiveNode, function: Callable[..., Any], *arguments: Any) -> registry.Registered:
    with live.node.database.write() as connection:
        found: registry.Registered = function(connection, live.node.identity, *arguments, live.clock())
        return found


def state(live: LiveNode, version: int = 1) -> AgreementState | None:
    with live.node.database.read() as connection:
        found = registry.get_agreement(connection, "test-agreement", version)
    return found.state if found else None


def call(live: LiveNode, other: LiveNode, path: str, content: bytes = b"", method: str = "POST", **options: Any) -> Any:
    options.setdefault("headers", {"content-type": "application/json"} if content else {})
    answer = live.node.outbound.request(
        method, other.origin + path, participant=other.participant, content=content, **options
    )
    return answer.status, json.loads(answer.content)


def agree(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    step(one, registry.propose, document(pair))
    registry.send_pending(one.node)
    step(other, registry.sign, "test-agreement", 1)
    registry.send_pending(other.node)


def test_an_agreement_comes_into_force_and_is_retired_over_http(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    proposed = step(one, registry.propose, document(pair))
    (told,) = registry.send_pending(one.node)
    assert (told.kind, told.state, told.last_error) == ("proposal", MessageState.DELIVERED, None)
    assert state(other) is AgreementState.PROPOSED
    step(other, registry.sign, "test-agreement", 1)
    (told,) = registry.send_pending(other.node)
    assert (told.kind, told.state) == ("signature", MessageState.DELIVERED)
    assert [state(live) for live in pair] == [AgreementState.IN_FORCE] * 2
    assert registry.send_pending(one.node) == registry.send_pending(other.node) == []

    status, shown = call(other, one, f"{PATH}/test-agreement/1", method="GET")
    assert status == 200
    assert shown["state"] == "in_force"
    assert shown["demonstration"] is True
    assert shown["digest"] == proposed.digest
    assert sorted(shown["signatures"]) == sorted(PARTICIPANTS.values()) == shown["signed_by"]
    status, shown = call(other, one, PATH, method="GET")
    assert (status, [a["agreement"] for a in shown["agreements"]]) == (200, ["test-agreement"])
    answer = other.node.outbound.request(
        "GET", f"{one.origin}{PATH}/test-agreement/1/document", participant=one.participant
    )
    assert answer.content == document_bytes(document(pair))

    step(other, registry.retire, "test-agreement", 1, "over")
    (told,) = registry.send_pending(other.node)
    assert (told.kind, told.state) == ("retirement", MessageState.DELIVERED)
    assert [state(live) for live in pair] == [AgreementState.RETIRED] * 2
    with one.node.database.read() as connection:
        found = registry.get_agreement(connection, "test-agreement", 1)
    assert found is not None
    assert (found.ended_by, found.end_reason) == (other.participant, "over")


def test_a_partner_that_is_down_is_told_when_it_is_back(databases: Callable[[], Database], tmp_path: Path) -> None:
    clock = Clock()
    up = False

    def sometimes(live: LiveNode) -> Any:
        app = create_app(live.node)

        async def served(scope: Any, receive: Any, send: Any) -> None:
            # A path nobody knows stands for a node that answers nothing of use, e.g. behind a broken proxy.
            await app(scope if up else {**scope, "path": "/nothing", "raw_path": b"/nothing"}, receive, send)

        return served

    with (
        live_node(tmp_path / "a", databases(), PARTICIPANTS[LOS_ANGELES], clock, lambda n: create_app(n.node)) as one,
        live_node(tmp_path / "b", databases(), PARTICIPANTS[NAGOYA], clock, sometimes) as other,
    ):
        introduce(one, other)
        introduce(other, one)
        step(one, registry.propose, document((one, other)))
        (told,) = registry.send_pending(one.node)
        assert (told.state, told.attempts) == (MessageState.PENDING, 1)
        assert told.last_error is not None
        assert told.last_error.startswith("answered 404")
        assert registry.send_pending(one.node) == []  # not before its time
        step(one, registry.retire, "test-agreement", 1, "taken back")
        assert registry.send_pending(one.node) == []  # the retirement waits behind the proposal
        up = True
        clock.advance(10)
        delivered = registry.send_pending(one.node)
        assert [(m.kind, m.state) for m in delivered] == [
            ("proposal", MessageState.DELIVERED),
            ("retirement", MessageState.DELIVERED),
        ]
        assert state(other) is AgreementState.RETIRED


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_nothing_is_tried_for_ever_and_an_operator_can_try_again(
    databases: Callable[[], Database], tmp_path: Path
) -> None:
    clock = Clock()
    with live_node(tmp_path / "a", databases(), PARTICIPANTS[LOS_ANGELES], clock) as one:
        with live_node(tmp_path / "b", databases(), PARTICIPANTS[NAGOYA], clock) as other:
            introduce(one, other)
            step(one, registry.propose, document((one, other)))
        # The other is gone now.
        (told,) = registry.send_pending(one.node)
        assert told.state is MessageState.PENDING
        waits = []
        for _ in range(12):
            waits.append((told.next_attempt_at - clock()).total_seconds())
            clock.now = told.next_attempt_at
            (told,) = registry.send_pending(one.node)
        assert waits[0] <= 2.0
        assert 300.0 <= max(waits) <= 600.0
        clock.advance(GIVE_UP_AFTER.total_seconds())
        with one.node.database.read() as connection:
            (waiting,) = registry.messages(connection, open_only=True)
        assert waiting.state is MessageState.PENDING
        # Its own key has not expired: the reason is the partner.
        (told,) = registry.send_pending(one.node)
        assert told.state is MessageState.FAILED
        assert told.last_error
        assert registry.send_pending(one.node) == []
        with one.node.database.write() as connection:
            assert registry.send_again(connection, "test-agreement", clock()) == 1
        (told,) = registry.send_pending(one.node)
        assert told.state is MessageState.PENDING


def test_a_no_is_final_and_shown(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    step(other, registry.draft, document(pair, title="Another text"))
    step(one, registry.propose, document(pair))
    (told,) = registry.send_pending(one.node)
    assert told.state is MessageState.REFUSED
    assert told.last_error is not None
    assert "answered 409" in told.last_error
    assert "exists here with another text" in told.last_error
    one.clock.advance(86_400)
    assert registry.send_pending(one.node) == []
    with one.node.database.read() as connection:
        assert [m.state for m in registry.messages(connection, open_only=True)] == [MessageState.REFUSED]


BAD_BODIES = [
    (b'{"jws": "a", "jws": "b"}', 400, "duplicate-key"),
    (b'{"jws": "a.b.c", "more": 1}', 422, "bad-message"),
    (b'{"jws": 1}', 422, "bad-message"),
    (b"{}", 422, "bad-message"),
    (b"[]", 400, ""),
    (b"", 415, "media-type"),
    (b"{", 400, ""),
    (b'{"jws": NaN}', 400, ""),
    (b'{"jws": "a.b.c"}', 400, ""),
    (b'{"jws": "' + b"a" * 1_048_577 + b'"}', 413, ""),
]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_bad_message_is_refused_and_changes_nothing(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    agree(pair)
    for path in ("", "/test-agreement/1/signatures", "/test-agreement/1/decline", "/test-agreement/1/retirement"):
        for body, status, kind in BAD_BODIES:
            found, problem = call(one, other, PATH + path, body)
            assert found == status, (path, body[:40], problem)
            assert problem["type"].endswith(kind)
            assert problem["remedy"]
    assert state(other) is AgreementState.IN_FORCE


def test_only_the_partners_of_an_agreement_learn_of_it(
    pair: tuple[LiveNode, LiveNode], databases: Callable[[], Database], tmp_path: Path
) -> None:
    one, other = pair
    agree(pair)
    with live_node(tmp_path / "c", databases(), "urn:example:third", one.clock) as third:
        introduce(third, one)
        introduce(one, third)
        assert call(third, one, PATH, method="GET") == (200, {"agreements": []})
        for path in ("test-agreement/1", "test-agreement/1/document", "no-agreement/1"):
            status, problem = call(third, one, f"{PATH}/{path}", method="GET")
            assert (status, problem["type"]) == (404, "urn:sealane:problem:unknown-agreement")
        for path in ("signatures", "retirement", "decline"):
            status, problem = call(third, one, f"{PATH}/test-agreement/1/{path}", b'{"jws": "a.b.c"}')
            assert (status, problem["type"]) == (404, "urn:sealane:problem:unknown-agreement")
    # Negative control: a partner of it is answered.
    assert call(other, one, f"{PATH}/test-agreement/1", method="GET")[0] == 200


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_without_a_signature_nothing_is_told_or_taken(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    agree(pair)
    for method, path in (
        ("GET", ""),
        ("GET", "/test-agreement/1"),
        ("POST", ""),
        ("POST", "/test-agreement/1/retirement"),
    ):
        status, _ = call(one, other, PATH + path, b"{}" if method == "POST" else b"", method, sign=False)
        assert status == 401
    assert state(other) is AgreementState.IN_FORCE


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_an_id_or_version_of_another_form_is_a_problem_not_a_fault(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    for path in ("/A/1", "/a/0", "/a/-1", "/a/99999999999999999999", "/a%2Fb/1", "/a/x"):
        status, problem = call(one, other, PATH + path, method="GET")
        assert status in (404, 422), (path, problem)


def test_a_renewal_takes_over_by_the_job_alone(pair: tuple[LiveNode, LiveNode]) -> None:
    one, other = pair
    agree(pair)
    start = one.clock() + dt.timedelta(days=1)
    step(one, registry.renew, registry.next_version(document(pair), start, None))
    registry.send_pending(one.node)
    step(other, registry.sign, "test-agreement", 2)
    registry.send_pending(other.node)
    one.clock.now = start
    for live in pair:
        registry.send_pending(live.node)
        assert (state(live, 1), state(live, 2)) == (AgreementState.SUPERSEDED, AgreementState.IN_FORCE)
