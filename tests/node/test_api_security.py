"""Two nodes over real HTTP: a partner is known by its token and its signature, and by nothing else."""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import Depends, FastAPI
from starlette.types import ASGIApp
from tests.live_nodes import Clock, LiveNode, ask, introduce, live_node

from sealane.database import Database
from sealane.database.tables.ledger import leaf
from sealane.errors import InputError
from sealane.exchange.evidence import Typ
from sealane.exchange.peers import get_peer, remove_peer
from sealane.exchange.request_signatures import sign_request
from sealane.exchange.tokens import issue_stream_token, issue_token
from sealane.node.api.security import FAILURES_PER_MINUTE, token_role
from sealane.node.api_tokens import ApiToken, create_token, list_tokens, revoke_token
from sealane.node.edge import Edge
from sealane.node.problems import add_problem_handlers

Pair = tuple[LiveNode, LiveNode]
# What differs between the databases is in the tests without this mark.
SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


@pytest.fixture
def pair(databases: Callable[[], Database], tmp_path: Path) -> Iterator[Pair]:
    clock = Clock()
    with (
        live_node(tmp_path / "a", databases(), "port-a", clock) as one,
        live_node(tmp_path / "b", databases(), "port-b", clock) as other,
    ):
        introduce(one, other)
        introduce(other, one)
        clock.advance(86_400)
        yield one, other


def headers_of(
    one: LiveNode, other: LiveNode, body: bytes = b"{}", path: str = "/inbox", *, sign: bool = True, **changed: Any
) -> dict[str, str]:
    """Return the header fields with which the first node would send to the second."""
    now = changed.get("now", one.clock())
    key = one.node.identity.signing_key(one.clock())
    assert key.private is not None
    token = changed.get("token") or issue_token(one.node.identity, changed.get("audience", other.participant), now)
    fields = {"authorization": f"Bearer {token}"}
    if sign:
        fields |= sign_request(
            "POST", other.origin + path, fields["authorization"], body, key=key.private, kid=key.kid, now=now
        )
    return fields


def post(other: LiveNode, headers: dict[str, str], body: bytes = b"{}", path: str = "/inbox") -> tuple[int, str]:
    """Send raw bytes and return the status and the kind of refusal."""
    with httpx.Client(trust_env=False) as client:
        answer = client.post(other.origin + path, content=body, headers=headers)
    kind = "" if answer.status_code == 200 else str(answer.json()["type"]).rpartition(":")[2]
    return answer.status_code, kind


def test_a_signed_request_arrives_under_the_name_of_its_sender(pair: Pair) -> None:
    one, other = pair
    assert one.send(other, b'{"a": 1}') == 200
    assert other.received == [("port-a", b'{"a": 1}')]
    with other.node.database.read() as connection:
        peer = get_peer(connection, "port-a")
    assert peer is not None
    assert (peer.last_heard_at, peer.alarm) == (one.clock(), None)


@SQLITE
def test_headers_made_by_hand_are_taken_when_they_are_right(pair: Pair) -> None:
    """Control for the tests below: the helper's request passes."""
    one, other = pair
    assert post(other, headers_of(one, other)) == (200, "")


def test_the_very_same_request_is_taken_once(pair: Pair) -> None:
    one, other = pair
    headers = headers_of(one, other)
    assert [post(other, headers) for _ in range(3)] == [(200, ""), (401, "replayed"), (401, "replayed")]
    assert len(other.received) == 1


@SQLITE
def test_an_unsigned_request_of_one_who_must_sign_is_no_downgrade(pair: Pair) -> None:
    one, other = pair
    assert post(other, headers_of(one, other, sign=False)) == (401, "unsigned")
    for left_out in ("signature", "signature-input"):
        headers = {name: value for name, value in headers_of(one, other).items() if name.lower() != left_out}
        assert post(other, headers) == (401, "incomplete-signature")
    assert other.received == []


def test_one_who_need_not_sign_is_taken_once_a_token(pair: Pair) -> None:
    one, other = pair
    introduce(other, one, must_sign=False)
    headers = headers_of(one, other, sign=False)
    assert [post(other, headers) for _ in range(2)] == [(200, ""), (401, "replayed")]
    # Who signs although it need not is held to its signature.
    assert post(other, headers_of(one, other), b'{"changed": 1}') == (401, "bad-signature")
    assert post(other, headers_of(one, other)) == (200, "")
    # A token that came with a signature does not pass for another request once the signature is taken off.
    signed = headers_of(one, other)
    assert post(other, signed) == (200, "")
    assert post(other, {"authorization": signed["authorization"]}, b'{"changed": 1}') == (401, "replayed")


@SQLITE
def test_a_request_for_another_recipient_or_path_is_refused(
    pair: Pair, databases: Callable[[], Database], tmp_path: Path
) -> None:
    one, other = pair
    with live_node(tmp_path / "c", databases(), "port-c", one.clock) as third:
        introduce(third, one)
        assert post(third, headers_of(one, other)) == (401, "wrong-audience")
        token = issue_token(one.node.identity, "port-c", one.clock())
        assert post(third, headers_of(one, other, token=token)) == (401, "bad-signature")
        assert post(third, headers_of(one, third)) == (200, "")
    assert post(other, headers_of(one, other), path="/inbox?x=1") == (401, "bad-signature")
    assert other.received == []


@SQLITE
def test_host_and_forwarding_fields_change_nothing(pair: Pair) -> None:
    """The signed address is compared with the node's own, not with what a request says of itself."""
    one, other = pair
    for name, value in (
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "host=evil.example"),
    ):
        assert post(other, {**headers_of(one, other), name: value}) == (200, "")
    # And who signs for the address in such a field is refused.
    now, key = one.clock(), one.node.identity.signing_key(one.clock())
    fields = {"authorization": f"Bearer {issue_token(one.node.identity, 'port-b', now)}"}
    assert key.private is not None
    fields |= sign_request(
        "POST", "https://evil.example/inbox", fields["authorization"], b"{}", key=key.private, kid=key.kid, now=now
    )
    fields |= {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}
    assert post(other, fields) == (401, "bad-signature")


@SQLITE
def test_two_tokens_or_none_are_refused(pair: Pair) -> None:
    one, other = pair
    token = headers_of(one, other)["authorization"]
    with httpx.Client(trust_env=False) as client:
        for fields in ([], [("authorization", token)] * 2, [("authorization", "Basic eDp5")]):
            answer = client.post(f"{other.origin}/inbox", content=b"{}", headers=fields)
            assert (answer.status_code, answer.json()["type"]) == (401, "urn:sealane:problem:no-token")
            assert answer.headers["www-authenticate"] == "Bearer"


@SQLITE
def test_what_is_no_token_is_refused(pair: Pair) -> None:
    one, other = pair
    receipt = one.node.identity.sign(b'{"iss": "port-a"}', Typ.RECEIPT, one.clock())
    for token in ("x", "a.b.c", receipt, "é"):
        status, kind = post(other, {"authorization": f"Bearer {token}".encode()})  # type: ignore[dict-item]
        assert (status, kind) == (401, "malformed-token")


@SQLITE
def test_a_participant_nobody_registered_is_refused(pair: Pair) -> None:
    one, other = pair
    with other.node.database.write() as connection:
        remove_peer(connection, "port-a")
    assert post(other, headers_of(one, other)) == (401, "unknown-participant")


@SQLITE
@pytest.mark.parametrize("off_s", [-300, -70, 6, 300])
def test_a_clock_that_is_off_is_refused_and_raises_an_alarm(
    pair: Pair, off_s: int, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = pair
    assert one.send(other) == 200
    one_now = one.clock() + dt.timedelta(seconds=off_s)
    with caplog.at_level(logging.ERROR, "sealane.identity"):
        status, kind = post(other, headers_of(one, other, now=one_now))
    assert (status, kind in {"token-time", "signature-time"}) == (401, True)
    assert "alarm" in caplog.text
    with other.node.database.read() as connection:
        peer = get_peer(connection, "port-a")
        kinds = connection.scalars(sa.select(leaf.c.kind)).all()
    assert peer is not None
    assert peer.alarm is not None
    assert "clock" in peer.alarm
    assert kinds == ["alarm"]
    post(other, headers_of(one, other, now=one_now))  # a second time adds no second entry
    with other.node.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(leaf)) == 1
    assert post(other, headers_of(one, other)) == (200, "")  # the alarm alone shuts nobody out


@SQLITE
@pytest.mark.parametrize("off_s", [-60, -5, 0, 5])
def test_a_clock_that_is_a_little_off_is_tolerated(pair: Pair, off_s: int) -> None:
    one, other = pair
    assert post(other, headers_of(one, other, now=one.clock() + dt.timedelta(seconds=off_s))) == (200, "")
    with other.node.database.read() as connection:
        peer = get_peer(connection, "port-a")
    assert peer is not None
    assert peer.alarm is None


@SQLITE
def test_a_forged_old_request_raises_no_alarm(pair: Pair) -> None:
    one, other = pair
    headers = headers_of(one, other, now=one.clock() - dt.timedelta(hours=1))
    head, payload, signature = headers["authorization"].split(".")
    headers["authorization"] = f"{head}.{payload}.{'A' * len(signature)}"
    assert post(other, headers)[0] == 401
    with other.node.database.read() as connection:
        peer = get_peer(connection, "port-a")
    assert peer is not None
    assert peer.alarm is None


def test_a_streams_token_speaks_for_its_reader_who_still_signs(pair: Pair) -> None:
    one, other = pair
    token = issue_stream_token(other.node.identity, "port-a", "stream-1", one.clock())
    for _ in range(2):  # it is for many requests, each with a nonce of its own
        assert post(other, headers_of(one, other, token=token)) == (200, "")
    assert other.received[0][0] == "port-a"
    assert post(other, headers_of(one, other, token=token, sign=False)) == (401, "unsigned")
    foreign = issue_stream_token(one.node.identity, "port-a", "stream-1", one.clock())
    assert post(other, headers_of(one, other, token=foreign)) == (401, "unknown-key")


@SQLITE
def test_requests_go_on_while_the_key_changes(pair: Pair) -> None:
    one, other = pair
    statuses = []
    for _ in range(5):
        statuses.append(one.send(other))
        one.clock.advance(2)
        one.node.identity.rotate(one.clock())
        statuses.append(one.send(other))
    assert statuses == [200] * 10


@SQLITE
def test_no_refusal_shows_a_token(pair: Pair) -> None:
    one, other = pair
    headers = headers_of(one, other, sign=False)
    with httpx.Client(trust_env=False) as client:
        answer = client.post(f"{other.origin}/inbox", content=b"{}", headers=headers)
    assert answer.status_code == 401
    token = headers["authorization"].split()[1]
    assert all(part not in answer.text for part in token.split("."))


# The port's own systems.


def own_app(live: LiveNode) -> ASGIApp:
    app = FastAPI()
    add_problem_handlers(app, {})
    reading = Depends(token_role(live.node, "reader", "operator"))

    @app.get("/read")
    def read(token: ApiToken = reading) -> dict[str, str]:
        return {"name": token.name}

    return Edge(app, body_limit_bytes=1000, forms={}, observe=lambda *_: None, is_https=False)


def make_token(live: LiveNode, role: str, expires_at: dt.datetime | None = None) -> tuple[ApiToken, dict[str, str]]:
    with live.node.database.write() as connection:
        token, text = create_token(connection, f"a {role}", role, live.clock(), expires_at)
    return token, {"authorization": f"Bearer {text}"}


@SQLITE
def test_own_systems_are_let_in_by_their_role(pair: Pair) -> None:
    one, _ = pair
    client = own_app(one)
    statuses = {
        role: ask(client, "/read", headers=make_token(one, role)[1]).status_code
        for role in ("reader", "operator", "feed", "monitor")
    }
    assert statuses == {"reader": 200, "operator": 200, "feed": 403, "monitor": 403}
    for headers in ({}, {"authorization": "Bearer sealane_wrong"}, {"authorization": "Basic eDp5"}):
        answer = ask(client, "/read", headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


@SQLITE
def test_a_partners_token_is_none_of_ours(pair: Pair) -> None:
    one, other = pair
    assert ask(own_app(other), "/read", headers=headers_of(one, other)).status_code == 401


def test_a_token_ends_by_its_time_or_by_revocation(pair: Pair) -> None:
    one, _ = pair
    client = own_app(one)
    short, headers = make_token(one, "reader", one.clock() + dt.timedelta(minutes=1))
    assert ask(client, "/read", headers=headers).status_code == 200
    one.clock.advance(60)
    assert ask(client, "/read", headers=headers).status_code == 401
    token, headers = make_token(one, "reader")
    with one.node.database.write() as connection:
        revoke_token(connection, token.id, one.clock())
        with pytest.raises(InputError, match="no such token"):
            revoke_token(connection, token.id, one.clock())
    assert ask(client, "/read", headers=headers).status_code == 401
    with one.node.database.read() as connection:
        assert [each.id for each in list_tokens(connection)] == [short.id, token.id]


def test_only_the_hash_is_stored(pair: Pair) -> None:
    one, _ = pair
    _, headers = make_token(one, "reader")
    text = headers["authorization"].split()[1]
    with one.node.database.read() as connection:
        rows = connection.execute(sa.text("SELECT * FROM api_token")).all()
    assert text not in json.dumps([list(map(str, row)) for row in rows])


@SQLITE
def test_many_failures_are_slowed_down_and_a_right_token_still_works(pair: Pair) -> None:
    one, _ = pair
    client = own_app(one)
    statuses = [ask(client, "/read").status_code for _ in range(FAILURES_PER_MINUTE + 5)]
    assert statuses == [401] * FAILURES_PER_MINUTE + [429] * 5
    assert ask(client, "/read").headers["retry-after"] == "60"
    assert ask(client, "/read", headers=make_token(one, "reader")[1]).status_code == 200
    one.clock.advance(60)
    assert ask(client, "/read").status_code == 401


@SQLITE
def test_a_role_that_does_not_exist_is_a_fault_of_the_program(pair: Pair) -> None:
    with pytest.raises(ValueError, match="roles"):
        token_role(pair[0].node, "admin")


@SQLITE
def test_a_token_needs_a_role_a_name_and_a_future(database: Database) -> None:
    now = Clock()()
    with database.write() as connection:
        for name, role, until in (("x", "admin", None), (" ", "reader", None), ("x", "reader", now)):
            with pytest.raises(InputError):
                create_token(connection, name, role, now, until)
