"""Generated requests against every endpoint of a real node, as nobody, as an operator and as a partner.

No answer is a 5xx, shows a stack trace, or differs from what the node's own description promises.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi.responses import JSONResponse
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
from tests.ports import Clock, make_node, serving

from sealane.database import Database
from sealane.database.migrations import migrate
from sealane.exchange.peers import add_peer
from sealane.exchange.tokens import issue_token
from sealane.node import Node
from sealane.node.api_tokens import create_token
from sealane.node.app import create_app
from sealane.node.context import utc_now

EXAMPLES = 4  # for an endpoint, a role and a mode
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROLES = ("nobody", "operator", "partner")


class RealClock(Clock):
    def __call__(self) -> dt.datetime:
        return utc_now()


@dataclass
class World:
    origin: str
    schema: Any
    headers: dict[str, Callable[[], dict[str, str]]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("schemathesis")
    nodes: list[Node] = []
    for name in ("here", "there"):
        database = Database(f"sqlite:///{folder / name}.db")
        migrate(database)
        nodes.append(make_node(folder, name, database, RealClock()))
    here, there = nodes
    with here.database.write() as connection:
        _, operator = create_token(connection, "fuzzer", "operator", utc_now())
        add_peer(
            connection,
            participant=there.identity.participant,
            name="There",
            origin=there.identity.origin,
            root_key=there.identity.root_jwk,
            must_sign=False,
            allow_private=True,
            now=utc_now(),
        )

    def partner() -> dict[str, str]:
        token = issue_token(there.identity, here.identity.participant, utc_now())
        return {"Authorization": f"Bearer {token}"}

    app = create_app(here)
    with serving(there), serving(here, app):
        yield World(
            here.identity.origin,
            schemathesis.openapi.from_dict(app.openapi()),
            {"nobody": dict, "operator": lambda: {"Authorization": f"Bearer {operator}"}, "partner": partner},
        )
    for node in nodes:
        node.close()


def operations(schema: Any) -> list[Any]:
    return [result.ok() for result in schema.get_all_operations()]


def test_the_description_has_every_room(world: World) -> None:
    paths = {operation.path for operation in operations(world.schema)}
    for part in ("/health", "/dsp/", "/sealane/v1/events", "/sealane/v1/ledger", "/dcsa/port-call", "/open/"):
        assert any(path.startswith(part) for path in paths), part


def test_the_roles_are_what_they_say(world: World) -> None:
    """Without this the fuzzing could be of refusals only."""

    def status(path: str, role: str) -> int:
        url = world.origin + path
        return httpx.get(url, headers=world.headers[role](), trust_env=False, timeout=30).status_code

    assert {role: status("/metrics", role) for role in ROLES} == {"nobody": 401, "operator": 200, "partner": 401}
    assert {role: status("/sealane/v1/whoami", role) for role in ROLES} == {
        "nobody": 401,
        "operator": 401,
        "partner": 200,
    }


def fuzz(world: World, role: str, mode: GenerationMode, wanted: list[Any]) -> tuple[int, list[str]]:
    """Return how many requests were sent, and what was wrong with the answers."""
    tried, failures = 0, []
    for operation in wanted:

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
            nonlocal tried
            tried += 1
            response = case.call(base_url=world.origin, headers=world.headers[role](), timeout=30)
            assert "Traceback" not in response.text
            case.validate_response(response, checks=CHECKS)

        try:
            run()
        except (FailureGroup, Failure, AssertionError) as error:
            failures.append(f"{operation.label}: {error}")
        except Unsatisfiable:
            continue  # there is nothing to get wrong, or only one right way
    return tried, failures


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
def test_generated_requests(world: World, role: str, mode: GenerationMode) -> None:
    wanted = operations(world.schema)
    if role == "nobody":  # where a token is needed, one refusal is like the next
        wanted = [operation for operation in wanted if not operation.definition.raw.get("security")]
    tried, failures = fuzz(world, role, mode, wanted)
    assert not failures, f"{len(failures)} endpoints\n\n" + "\n\n".join(failures)
    assert tried >= (10 if role == "nobody" else 100)


def test_what_is_broken_is_found(tmp_path: Path) -> None:
    """The control: an endpoint that fails, and one that answers what it does not promise."""
    database = Database(f"sqlite:///{tmp_path / 'node.db'}")
    migrate(database)
    node = make_node(tmp_path, "broken", database, RealClock())
    app = create_app(node)

    @app.get("/broken/divide", summary="Fails at 0")
    def divide(number: int) -> float:
        return 1 / (number * 0)

    @app.get("/broken/promise", summary="Promises a number")
    def promise() -> int:
        return JSONResponse("no number")  # type: ignore[return-value]  # that is the fault

    with serving(node, app):
        world = World(node.identity.origin, schemathesis.openapi.from_dict(app.openapi()), {"nobody": dict})
        wanted = [operation for operation in operations(world.schema) if operation.path.startswith("/broken/")]
        _, failures = fuzz(world, "nobody", GenerationMode.POSITIVE, wanted)
    node.close()
    assert len(failures) == 2
    assert "Server error" in failures[0]
    assert "promise" in failures[1]
