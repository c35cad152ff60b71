"""What a partner may try with what it rightly has: a token, an agreement, a transfer of its own."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.node.dcsa_client import PORT_CALLS, SCHEDULES, DcsaClient
from tests.ports import Clock, clause, connect, feed, make_node

from sealane.agreements.clauses import RowFilter
from sealane.errors import RequestRefusedError
from sealane.exchange.dataspace import DSP_PATH
from sealane.exchange.pull import read_for_partner, stream_for_reading
from sealane.exchange.streams import close_streams
from sealane.node.context import Node
from sealane.products.store import NO_FILTERS

Asked = tuple[DcsaClient, str]


@pytest.fixture
def reader(tmp_path: Path, databases: Any) -> Asked:
    """Return a node and the token of a stream that a partner, who need not sign, reads from it."""
    clock = Clock()
    own, other = (make_node(tmp_path, name, databases(), clock) for name in ("yokohama", "los-angeles"))
    stream = connect(own, other, [clause()])
    client = DcsaClient(own)
    return client, client.stream_token(other.identity.participant, stream)


PUBLIC = {
    "/health",
    "/ready",
    "/.well-known/sealane",
    "/.well-known/sealane/keys",
    "/.well-known/dspace-version",
    "/open/catalog",
    "/open/datasets/{dataset}/records",
    "/open/datasets/{dataset}/records.parquet",
    "/open/documents/{document_id}/{version}",
}
VALUES = {"agreement_id": "a", "version": "1", "stream_id": "0" * 64, "document_id": "a", "pid": "urn:x"}
VALUES |= {"dataset_id": "port-calls", "dataset": "port-calls"}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_every_endpoint_but_the_declared_ones_asks_who_it_is(reader: Asked) -> None:
    """An endpoint that is added has to be declared here, or has to be guarded."""
    client, _ = reader
    found = {}
    for path, methods in client.app.openapi()["paths"].items():
        for method in methods:
            for token in (None, "eyJhbGciOiJub25lIn0.e30.", "sealane_" + "x" * 43):
                answer = client.ask(method.upper(), path.format_map(VALUES), role=None, token=token)
                found[path, method, token] = answer.status_code
    guarded = {key: status for key, status in found.items() if key[0] not in PUBLIC}
    assert len(guarded) > 60
    assert set(guarded.values()) <= {401, 429}, {key: status for key, status in guarded.items() if status != 401}
    assert {path for path, _, _ in found} >= PUBLIC
    assert {status for key, status in found.items() if key[0] in PUBLIC}.isdisjoint({401, 403})  # the control


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_a_streams_token_reads_its_product_and_does_nothing_else(reader: Asked) -> None:
    """It lives for a year and is for many requests: it must not be as good as the partner's own identity."""
    client, token = reader
    feed(client.node, range(2))
    assert client.get(PORT_CALLS, token=token).status_code == 200  # the control
    described = client.app.openapi()["paths"]
    partners = [
        (method.upper(), path)
        for path, methods in described.items()
        for method, operation in methods.items()
        if operation.get("security") == [{"partner": []}]
    ]
    assert len(partners) > 20
    for method, template in partners:
        path = template.format_map(VALUES)
        answer = client.ask(method, path, token=token)
        assert answer.status_code == 403, (method, path, answer.text)
        assert "stream" in answer.text
    assert any(path.startswith(DSP_PATH) for _, path in partners)
    assert client.get(SCHEDULES, token=token).status_code == 403  # another product than the stream's


def read_page(node: Node, connection: Any, stream_id: str, participant: str) -> int:
    now, own = node.clock(), node.identity.participant
    stream, terms = stream_for_reading(connection, participant, stream_id, "port-calls", now)
    return len(read_for_partner(connection, stream, terms, own, NO_FILTERS, bool, 0, 100, now, "request").bodies)


@pytest.fixture
def pulled(tmp_path: Path, databases: Any) -> tuple[Node, str, str]:
    """Return a node with some records, a partner, and the id of the stream it pulls."""
    clock = Clock()
    own, other = (make_node(tmp_path, name, databases(), clock) for name in ("yokohama", "los-angeles"))
    stream = connect(own, other, [clause(rows=RowFilter(ports=frozenset({"USLAX"})))])
    feed(own, range(20))  # all of them withheld, so that every page notes the same decisions
    return own, other.identity.participant, stream


def test_two_pages_of_one_stream_at_once_do_not_fail(pulled: tuple[Node, str, str]) -> None:
    node, participant, stream = pulled
    found: list[object] = []

    def second() -> None:
        try:
            with node.database.write() as connection:
                found.append(read_page(node, connection, stream, participant))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=second)
    with node.database.write() as connection:
        assert read_page(node, connection, stream, participant) == 0
        thread.start()
        time.sleep(0.3)  # it waits; where it does not, it fails
    thread.join(20)
    assert found == [0]


def test_no_page_is_read_beside_the_end_of_its_stream(pulled: tuple[Node, str, str]) -> None:
    """Whoever ends an agreement waits for pages that have begun; a page that waited for the end finds it."""
    node, participant, stream = pulled
    found: list[object] = []

    def page() -> None:
        try:
            with node.database.write() as connection:
                found.append(read_page(node, connection, stream, participant))
        except RequestRefusedError as error:
            found.append(error.status)

    thread = threading.Thread(target=page)
    with node.database.write() as connection:
        close_streams(connection, key=stream, reason="test", now=node.clock())
        thread.start()
        time.sleep(0.3)
    thread.join(20)
    assert found == [403]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["/open/catalog", "/open/datasets/port-calls/records"])
def test_who_asks_without_a_login_does_not_lead_through_all_that_is_held(reader: Asked, path: str) -> None:
    client, _ = reader
    asked: list[tuple[str, Any]] = []
    engine = client.node.database.engine
    sa.event.listen(engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
    assert client.get(path, role=None).status_code == 200
    plans = []
    with engine.connect() as connection:
        for statement, values in [one for one in asked if "record.public" in one[0]]:
            plans.append([row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)])
    assert plans
    assert all("ix_record_public" in plan[0] for plan in plans), plans
