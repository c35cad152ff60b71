"""Generated requests from the published DCSA specifications against a running node: no 5xx, no schema violation."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI, Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.node import Node
from sealane.node.api_tokens import create_token
from sealane.products.dcsa_schedules import split
from sealane.products.json_text import elements
from sealane.products.shapes import Faults
from sealane.products.store import put_records
from tests.ports import Clock, feed, make_node, serving
from tests.standards import standard_file

EXAMPLES = 15  # for an operation and a mode
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SPECIFICATIONS = {
    "port-call-v2.0.0-openapi.yaml": "/dcsa/port-call/v2",
    "TNT_v3.0.0.yaml": "/dcsa/track-and-trace/v3",
    "OVS_v3.0.2.yaml": "/dcsa/schedules",
}
MESSAGES = {
    "portcall-api-200-get-response.json": "port-calls",
    "tnt-300-response.json": "container-milestones",
    "tnt-300-response-nextpage.json": "container-milestones",
}


def filled_node(folder: Path) -> Node:
    """Make a node that holds the published messages and some port calls more, so that answers are not empty."""
    database = Database(sqlite_url(folder / "node.db"))
    database.create_tables()
    node = make_node(folder, "yokohama", database, Clock(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)))
    own, now = node.identity.participant, node.clock()
    feed(node, range(30))
    with database.write() as connection:
        for name, dataset in MESSAGES.items():
            found = elements(standard_file("dcsa", "messages", name).read_bytes(), "events", "$", [])
            assert found
            put_records(connection, own, dataset, [body for _, body in found], now)
        schedules = json.loads(standard_file("dcsa", "messages", "ovs-300-response.json").read_bytes())
        put_records(connection, own, "vessel-schedules", [body for _, body in split(schedules, "$", Faults())], now)
    return node


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Return origin and operator's token of a node that serves."""
    node = filled_node(tmp_path_factory.mktemp("dcsa"))
    with node.database.write() as connection:
        _, token = create_token(connection, "generated", "operator", node.clock())
    with serving(node):
        yield node.identity.origin, token
    node.close()


def failures_of(specification: str, base: str, token: str, mode: GenerationMode) -> tuple[int, int, list[str]]:
    """Return how many requests were sent, how many of them answered with 2xx, and what was wrong with answers."""
    schema = schemathesis.openapi.from_path(standard_file("dcsa", specification))
    tried = accepted = 0
    failures: list[str] = []
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case: Any) -> None:
            nonlocal tried, accepted
            response = case.call(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30)
            tried += 1
            accepted += response.status_code < 300
            assert "Traceback" not in response.text
            case.validate_response(response, checks=CHECKS)

        try:
            run()
        except (FailureGroup, Failure, AssertionError) as error:
            failures.append(f"{operation.label}: {error}")
        except Unsatisfiable:
            continue
    return tried, accepted, failures


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize("specification", SPECIFICATIONS)
def test_generated_requests(running: tuple[str, str], specification: str, mode: GenerationMode) -> None:
    origin, token = running
    tried, accepted, failures = failures_of(specification, origin + SPECIFICATIONS[specification], token, mode)
    assert not failures, "\n\n".join(failures)
    assert tried >= EXAMPLES // 2
    if mode is GenerationMode.POSITIVE:
        assert accepted > 0, "every generated request was refused; the answers of the standard were not tried"


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, b'{"feedbackElements": []}'),
        (200, b'{"events": [{"eventID": 7}]}'),
        (200, b'{"events": 7}'),
    ],
)
def test_what_is_broken_is_found(tmp_path: Path, status: int, content: bytes) -> None:
    """The control: a node that fails, and two that answer what the specification does not allow."""
    node = filled_node(tmp_path)
    app = FastAPI()

    @app.get("/dcsa/port-call/v2/events")
    @app.post("/dcsa/port-call/v2/events")
    def answer() -> Response:
        return Response(content, status, media_type="application/json")

    with serving(node, app):
        base = f"{node.identity.origin}/dcsa/port-call/v2"
        _, _, failures = failures_of("port-call-v2.0.0-openapi.yaml", base, "none", GenerationMode.POSITIVE)
    node.close()
    assert failures
