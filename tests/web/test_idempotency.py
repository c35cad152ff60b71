"""An action sent twice is done once, whoever sends it and whatever comes between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from sealane.errors import RequestRefusedError
from sealane.node.api_tokens import create_token
from sealane.node.app import create_app
from sealane.node.context import Node
from sealane.node.open import init_node
from sealane.web.accounts import gate
from sealane.web.accounts.gate import Viewed
from sealane.web.accounts.roles import Access
from sealane.web.rooms import Room

KEY = "8f0b9b1c-0001"


class Counted(BaseModel):
    """What the little action says."""

    number: int


class Body(BaseModel):
    """What it takes."""

    by: int = 1


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    values = {"participant": "urn:example:uslax", "name": "Los Angeles", "origin": "http://127.0.0.1:8400"}
    made = init_node(tmp_path / "node", values, environ={})
    yield made
    made.close()


def _app(node: Node, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    room = Room("counter", node)
    done = {"number": 0}

    @room.action("POST", "/count")
    def count(viewer: Viewed, body: Body) -> Counted:
        done["number"] += body.by
        if body.by == 13:
            raise RequestRefusedError(409, "unlucky", "Not by 13.", "Take another.")
        return Counted(number=done["number"])

    @room.action("POST", "/secret", secret=True)
    def secret(viewer: Viewed) -> Counted:
        done["number"] += 1
        return Counted(number=done["number"])

    paths = ("/api/v1/count", "/api/v1/secret")
    table = {("POST", path): Access("POST", path, frozenset({"operator"}), False, "test") for path in paths}
    monkeypatch.setattr(gate, "access_table", lambda: table)
    app = create_app(node)
    app.include_router(room.api)
    return app


@pytest.fixture
def ask(node: Node, monkeypatch: pytest.MonkeyPatch) -> Any:
    with node.database.write() as connection:
        tokens = [create_token(connection, name, "operator", node.clock())[1] for name in ("one", "two")]
    app = _app(node, monkeypatch)

    def send(path: str = "/api/v1/count", by: int = 1, key: str | None = KEY, who: int = 0, **headers: str) -> Any:
        named = {"Authorization": f"Bearer {tokens[who]}"} | ({"Idempotency-Key": key} if key else {}) | headers

        async def post() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url=node.settings.origin) as client:
                return await client.post(path, json={"by": by}, headers=named)

        return asyncio.run(post())

    return send


def test_the_same_request_is_done_once(ask: Any) -> None:
    first, second = ask(), ask()
    assert (first.status_code, first.json()) == (200, {"number": 1})
    assert (second.status_code, second.json()) == (200, {"number": 1})
    assert second.headers["Idempotent-Replayed"] == "true" and "Idempotent-Replayed" not in first.headers
    assert ask(key="another-key").json() == {"number": 2}


def test_without_a_key_it_is_done_twice(ask: Any) -> None:
    assert [ask(key=None).json()["number"] for _ in range(2)] == [1, 2]


def test_a_key_is_for_one_request_of_one_sender(ask: Any) -> None:
    assert ask().status_code == 200
    reused = ask(by=2)
    assert reused.status_code == 422 and "key-reused" in reused.json()["type"]
    assert ask(who=1).json() == {"number": 2}  # the same key of somebody else is another key


def test_what_was_refused_may_be_tried_again(ask: Any) -> None:
    assert ask(by=13).status_code == 409
    again = ask(by=13)
    assert again.status_code == 409 and "unlucky" in again.json()["type"]


def test_a_secret_is_not_given_twice(ask: Any, node: Node) -> None:
    assert ask("/api/v1/secret").json() == {"number": 1}
    again = ask("/api/v1/secret")
    assert again.status_code == 409 and "done-before" in again.json()["type"]
    with node.database.read() as connection:
        assert connection.exec_driver_sql("SELECT body FROM answered_request").scalars().all() == [None]


def test_who_may_not_learns_nothing(ask: Any) -> None:
    assert ask().status_code == 200
    assert ask(Authorization="Bearer nobody").status_code == 401


@pytest.mark.parametrize("key", ["short", "x" * 101, "with blank in it"])
def test_bad_keys_are_refused(ask: Any, key: str) -> None:
    assert ask(key=key).status_code == 422


def test_a_text_with_a_nul_is_refused_in_words(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    with node.database.write() as connection:
        token = create_token(connection, "one", "operator", node.clock())[1]
    app = _app(node, monkeypatch)

    async def post(text: bytes) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=node.settings.origin) as client:
            return await client.post("/api/v1/count", content=b'{"by": 1, "x": "a%b"}' % text, headers=headers)

    for text in (rb"\u0000", rb"\\\u0000b"):
        answer = asyncio.run(post(text))
        assert answer.status_code == 422 and "bad-text" in answer.json()["type"], text
    for text in (rb"\\u0000", rb"u0000", rb"\u00001"[:5] + b"1"):
        assert "bad-text" not in asyncio.run(post(text)).text, text


DEEP = b'{"by": 2, "x": [{"a": 1, "a": 1}, {"b": 0}]}'
TWICE = [
    (b'{"by": 1, "by": 2}', "'by'"),
    (b'{"b\\u0079": 1, "by": 2}', "'by'"),  # the same key, written otherwise
    (DEEP, "'a'"),
    ('{"by": 1, "by": 2}'.encode("utf-16"), "'by'"),
    (b'{"x": 1, "y": 2, "y": 3, "x": 4, "by": 1}', "'x', 'y'"),
]
ONCE = (b'{"by": 1, "x": [{"a": 1}, {"a": 1}]}', b'{"by": 1, "By": 2}', b'{"by": 1, "x": "{\\"a\\": 1, \\"a\\": 2}"}')


@pytest.mark.parametrize("form", ["application/json", "Application/JSON; charset=utf-8", "application/x+json"])
def test_an_object_that_names_a_key_twice_is_refused_with_the_key(
    node: Node, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    with node.database.write() as connection:
        token = create_token(connection, "one", "operator", node.clock())[1]
    app = _app(node, monkeypatch)

    async def post(body: bytes) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": form}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=node.settings.origin) as client:
            return await client.post("/api/v1/count", content=body, headers=headers)

    for body, keys in TWICE:
        answer = asyncio.run(post(body))
        assert answer.status_code == 422, body
        assert answer.json()["type"].endswith("duplicate-key")
        assert keys in answer.json()["detail"]
    # Control: nothing was counted, and what names each key once is done.
    assert [asyncio.run(post(body)).json() for body in ONCE] == [{"number": 1}, {"number": 2}, {"number": 3}]
    monkeypatch.setattr("sealane.web.idempotency._check_json", lambda body: None)
    assert asyncio.run(post(TWICE[0][0])).json() == {"number": 5}  # control: what would be done without the check


def test_what_is_no_json_is_told_as_before(ask: Any, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    with node.database.write() as connection:
        token = create_token(connection, "three", "operator", node.clock())[1]
    app = _app(node, monkeypatch)

    async def post(body: bytes) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=node.settings.origin) as client:
            return await client.post("/api/v1/count", content=body, headers=headers)

    for body in (b"{", b"[" * 5000, b"\xff\xfe\xff", b"", b'{"by": ' + b"9" * 5000 + b"}"):
        assert asyncio.run(post(body)).status_code in {400, 422}, body[:20]
