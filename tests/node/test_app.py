"""The HTTP edge: every refusal and every fault is problem+json, bodies are bounded as they arrive, nothing leaks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi import FastAPI, Request
from starlette.types import Message
from tests.nodes import make_node

from sealane.errors import DataError, Fault, RequestRefusedError, StoreError
from sealane.exchange.events import MAX_BATCH_BYTES
from sealane.node import Node
from sealane.node.api_tokens import create_token
from sealane.node.app import create_app

LIMIT = MAX_BATCH_BYTES


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    with make_node(tmp_path / "node", body_limit_bytes=LIMIT, origin="https://here.example") as node:
        yield node


@pytest.fixture
def app(node: Node) -> FastAPI:
    app = create_app(node)

    @app.get("/test/{what}")
    def fail(what: str) -> None:
        if what == "store":
            raise StoreError("The disk of postgresql://u:hunter2hunter2@h/n is full.")
        if what == "data":
            raise DataError("Two things are wrong.", [Fault("a", "b", "c"), Fault("d", "e", "f")])
        if what == "refused":
            raise RequestRefusedError(429, "slow-down", "Too many.", "Wait.", retry_after_s=7)
        raise ZeroDivisionError("the secret of the house is hunter2hunter2")

    @app.post("/test/body")
    async def body(request: Request) -> int:
        return len(await request.body())

    return app


def ask(app: FastAPI, method: str, path: str, **more: Any) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="https://here.example") as client:
            return await client.request(method, path, **more)

    return asyncio.run(go())


def check_problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["type"].endswith(f":{kind}")
    assert document["title"]
    assert document["detail"]
    assert document["remedy"]
    assert document["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    return document


def test_health_and_readiness(app: FastAPI, node: Node) -> None:
    assert ask(app, "GET", "/health").json() == {"status": "alive"}
    assert ask(app, "GET", "/ready").json() == {"status": "ready"}
    with node.database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'other'"))
    answer = ask(app, "GET", "/ready")
    check_problem(answer, 503, "not-ready")
    assert answer.headers["retry-after"] == "5"
    assert ask(app, "GET", "/health").status_code == 200


def test_unknown_address_and_method(app: FastAPI) -> None:
    check_problem(ask(app, "GET", "/nothing/here"), 404, "not-found")
    answer = ask(app, "DELETE", "/health")
    check_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


def test_errors_raised_on_purpose_say_what_they_say(app: FastAPI) -> None:
    answer = ask(app, "GET", "/test/refused")
    assert check_problem(answer, 429, "slow-down")["detail"] == "Too many."
    assert answer.headers["retry-after"] == "7"
    faults = check_problem(ask(app, "GET", "/test/data"), 400, "invalid-data")["faults"]
    assert faults == [
        {"where": "a", "found": "b", "remedy": "c"},
        {"where": "d", "found": "e", "remedy": "f"},
    ]
    answer = ask(app, "GET", "/test/store")
    check_problem(answer, 503, "store-unavailable")
    assert answer.headers["retry-after"] == "5"
    assert "hunter2" not in answer.text


def test_a_fault_of_the_program_shows_nothing_and_is_logged(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    answer = ask(app, "GET", "/test/fault")
    document = check_problem(answer, 500, "internal")
    assert "hunter2" not in answer.text
    assert "ZeroDivision" not in answer.text
    records = [record for record in caplog.records if record.message == "unhandled fault"]
    assert len(records) == 1
    assert document["instance"].endswith(vars(records[0])["request_id"])
    assert records[0].exc_info is not None


def test_every_answer_has_the_security_headers(app: FastAPI, tmp_path: Path) -> None:
    for path in ("/health", "/nothing", "/test/fault"):
        headers = ask(app, "GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "max-age" in headers["strict-transport-security"]
        assert "server" not in headers
    with make_node(tmp_path / "plain") as plain:
        assert "strict-transport-security" not in ask(create_app(plain), "GET", "/health").headers


def test_a_body_at_the_limit_passes_and_one_byte_more_does_not(app: FastAPI) -> None:
    assert ask(app, "POST", "/test/body", content=b"x" * LIMIT).json() == LIMIT
    check_problem(ask(app, "POST", "/test/body", content=b"x" * (LIMIT + 1)), 413, "body-too-large")


def test_a_body_without_a_length_is_counted_as_it_arrives(app: FastAPI) -> None:
    seen = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal seen
        while True:
            seen += 50_000
            yield b"x" * 50_000

    async def go() -> list[Message]:
        chunks, sent = endless(), []

        async def receive() -> Message:
            return {"type": "http.request", "body": await anext(chunks), "more_body": True}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/test/body",
            "raw_path": b"/test/body",
            "query_string": b"",
            "headers": [],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("h", 1),
            "client": ("c", 1),
            "root_path": "",
            "asgi": {"version": "3.0"},
        }
        await app(scope, receive, send)
        return sent

    sent = asyncio.run(go())
    assert sent[0]["status"] == 413
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert json.loads(sent[1]["body"])["type"].endswith(":body-too-large")
    assert seen <= LIMIT + 100_000


def test_metrics_are_for_tokens_with_the_role(app: FastAPI, node: Node) -> None:
    check_problem(ask(app, "GET", "/metrics"), 401, "unknown-token")
    with node.database.write() as connection:
        _, monitor = create_token(connection, "prometheus", "monitor", node.clock())
        _, feed = create_token(connection, "feed", "feed", node.clock())
    assert ask(app, "GET", "/metrics", headers={"Authorization": f"Bearer {feed}"}).status_code == 403
    ask(app, "GET", "/test/fault")
    answer = ask(app, "GET", "/metrics", headers={"Authorization": f"Bearer {monitor}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'sealane_http_requests_total{method="GET",route="/test/{what}",status="500"} 1.0' in answer.text
    assert "sealane_ledger_leaves " in answer.text
    assert "sealane_outbox_lag_seconds 0.0" in answer.text


def test_the_access_log_has_neither_query_nor_credentials(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask(app, "GET", "/test/data?token=hunter2hunter2", headers={"Authorization": "Bearer hunter2hunter2"})
    records = [record for record in caplog.records if record.name == "sealane.access"]
    assert [vars(record)["route"] for record in records] == ["/test/{what}"]
    assert "hunter2" not in str([vars(record) for record in records])


def test_an_unknown_method_makes_no_metric_of_its_own(app: FastAPI) -> None:
    ask(app, "BREW", "/health")
    assert "BREW" not in app.state.metrics.render().decode()


def test_the_description_is_complete(app: FastAPI) -> None:
    document = ask(app, "GET", "/openapi.json").json()
    text = json.dumps(document)
    assert "HTTPValidationError" not in text
    assert document["components"]["schemas"]["ProblemDocument"]["required"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert {"400", "401", "404", "413", "500", "503"} <= operation["responses"].keys(), where
            assert operation.get("summary"), where
            for parameter in operation.get("parameters", []):
                # A dependency FastAPI could not resolve would show up as a query parameter.
                assert parameter["name"] not in {"peer", "node", "token", "sender"}, where
