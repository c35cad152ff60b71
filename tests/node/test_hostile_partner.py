"""What a partner may try with what it rightly has: a token, an agreement, a transfer of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.node.dcsa_client import PORT_CALLS, SCHEDULES, DcsaClient
from tests.ports import Clock, clause, connect, feed, make_node

from sealane.exchange.dataspace import DSP_PATH

Asked = tuple[DcsaClient, str]


@pytest.fixture
def reader(tmp_path: Path, databases: Any) -> Asked:
    """Return a node and the token of a stream that a partner, who need not sign, reads from it."""
    clock = Clock()
    own, other = (make_node(tmp_path, name, databases(), clock) for name in ("yokohama", "los-angeles"))
    stream = connect(own, other, [clause()])
    client = DcsaClient(own)
    return client, client.stream_token(other.identity.participant, stream)


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
    values = {"agreement_id": "a", "version": "1", "stream_id": "0" * 64, "document_id": "a"}
    values |= {"pid": "urn:x", "dataset_id": "port-calls"}
    for method, template in partners:
        path = template.format_map(values)
        answer = client.ask(method, path, token=token)
        assert answer.status_code == 403, (method, path, answer.text)
        assert "stream" in answer.text
    assert any(path.startswith(DSP_PATH) for _, path in partners)
    assert client.get(SCHEDULES, token=token).status_code == 403  # another product than the stream's
