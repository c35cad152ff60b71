"""Row S6: generated requests, right and wrong ones, against every endpoint of the whole application as everybody.

The description the node gives of itself is what schemathesis makes requests from; pages stand beside the interface with
the parameters of their JSON face. Where a path names something, half of the requests name something that is there. No
answer may be 5xx or show a stack trace (``outside`` counts those); the application hears them all, its edge included.
The control is an application with an endpoint that raises and one that shows a traceback.
"""

from __future__ import annotations

import asyncio
import random
import re
import warnings
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
import schemathesis
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import PlainTextResponse
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import FailedHealthCheck, Unsatisfiable
from schemathesis import GenerationMode
from tests import ports as port_nodes
from tests.faults.access_world import STANDINGS, Port, three_ports
from tests.faults.sent_by_hand import quiet
from tests.faults.world import NotProvenError, machine, result

from sealane.web.accounts.endpoints import endpoints_of
from sealane.web.accounts.gate import gate
from sealane.web.accounts.roles import Access, access_table

FULL, FOR_EVERY_RUN, SMALL = 100_000, 5_000, 600
ANSWER_WITHIN_S = 60.0
MAX_BODY = 2_000_000
_TRACE = re.compile(r"Traceback \(most recent|File \"/[^\"]+\.py\", line \d+|sqlalchemy\.exc\.|psycopg\.errors\.")
_PARAMETER = re.compile(r"\{([^}:]+)(?::[^}]+)?\}")


@dataclass
class Fuzzed:
    """What was sent; `wrong` says which answers must not be."""

    tried: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    paths: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    @property
    def outside(self) -> int:
        return len(self.wrong)


def description(app: FastAPI) -> dict[str, Any]:
    """Return the interface's description with the pages beside it."""
    document = {**app.openapi()}
    described = document["paths"] = dict(document["paths"])
    for method, path in endpoints_of(app):
        plain = _plain(path)
        if method != "GET" or plain in described:
            continue
        face = described.get(f"/api/v1{plain}", {}).get("get", {})
        named = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in _PARAMETER.findall(path)
        ]
        parameters = face.get("parameters") or named
        described[plain] = {"get": {"parameters": parameters, "responses": {"200": {"description": "A page."}}}}
    return document


def known_things(port: Port) -> dict[str, list[Any]]:
    """Return ids that are there, by the name of the parameter that takes them."""
    streams = list(port.streams.values())
    return {
        "stream_id": streams,
        "user_id": list(port.user_ids.values()),
        "unlocode": ["USLAX", "JPYOK"],
        "agreement_id": [port_nodes.AGREEMENT],
        "version": [1],
        "dataset": ["port-calls", "vessel-schedules"],
        "what": ["messages", "due", "lag", "seen", "entries", "streams", "check"],
        "kind": ["equipment", "voyage"],
    }


def fuzz(port: Port, wanted: int, chance: random.Random, only: str = "") -> Fuzzed:
    """Send about so many requests, the same share to every endpoint, role and kind of request."""
    found = Fuzzed()
    schema = schemathesis.openapi.from_dict(description(port.app))
    found_operations: Any = schema.get_all_operations()  # each well made or not, by a type of the library's own
    operations = [made.ok() for made in found_operations]
    operations = [one for one in operations if only in one.path]
    known = known_things(port)
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    examples = max(1, round(wanted / (len(operations) * len(modes))))
    for operation in operations:
        for mode in modes:
            _fuzz_one(port, operation, mode, examples, known, chance, found)
    return found


def _fuzz_one(
    port: Port,
    operation: Any,
    mode: GenerationMode,
    examples: int,
    known: dict[str, list[Any]],
    chance: random.Random,
    found: Fuzzed,
) -> None:
    @seed(chance.randrange(2**32))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        _send(port, case, known, chance, found)

    try:
        run()
    except (Unsatisfiable, FailedHealthCheck):
        return  # there is nothing to get wrong, or only one right way


def _standing(operation: Any, chance: random.Random) -> str:
    """Choose who asks: mostly somebody who is let in, else one refusal would be like the next."""
    plain = {
        _plain(path): access for (method, path), access in access_table().items() if method == operation.method.upper()
    }
    access = plain.get(operation.path)
    let_in = [one for one in STANDINGS if access is not None and access.lets_in(one, False)]
    return chance.choice(let_in if let_in and chance.random() < 0.8 else STANDINGS)


def _plain(path: str) -> str:
    return _PARAMETER.sub(lambda match: "{" + match[1] + "}", path)


def _send(port: Port, case: Any, known: dict[str, list[Any]], chance: random.Random, found: Fuzzed) -> None:
    standing = _standing(case.operation, chance)
    if case.path_parameters and chance.random() < 0.5:
        for name in case.path_parameters:
            if name in known:
                case.path_parameters[name] = chance.choice(known[name])
    try:
        arguments = case.as_transport_kwargs(base_url=port.node.identity.origin)
        prepared = requests.Request(
            **{
                key: value
                for key, value in arguments.items()
                if key in {"method", "url", "headers", "params", "data", "json", "files", "cookies"}
            }
        ).prepare()
    except (ValueError, requests.RequestException):
        return  # no client could send it
    parts = urlsplit(str(prepared.url))
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    content = prepared.body or b""
    if not isinstance(content, bytes):
        content = content.encode() if isinstance(content, str) else b""
    proof = port.headers(standing, str(prepared.method), target, content)
    if chance.random() < 0.5:
        proof["accept"] = chance.choice(("text/html", "*/*", "application/json", "text/html;q=0.9, */*"))
    fields = {name.lower(): str(value) for name, value in prepared.headers.items()} | proof
    if hasattr(port.app.state, "token_failures"):
        del port.app.state.token_failures  # failures are counted for an address, and here all ask from one
    status, body = asyncio.run(ask(port.app, str(prepared.method), target, fields, content))
    found.tried += 1
    found.statuses[status] += 1
    found.paths.add(case.operation.path)
    trace = _TRACE.search(body)
    if status >= 500 or status == 0 or trace:
        what = trace[0] if trace else body[:160].replace("\n", " ")
        found.wrong.append(f"{standing} {prepared.method} {target[:200]}: {status} {what}")


async def ask(app: FastAPI, method: str, target: str, fields: dict[str, str], content: bytes) -> tuple[int, str]:
    """Send one request to the application and return status and text; of a stream of events only its beginning."""
    path, _, query = target.partition("?")
    lines = [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in fields.items()]
    lines = [(name, value) for name, value in lines if name not in {b"content-length", b"host"}]
    lines += [(b"host", b"node"), (b"content-length", str(len(content)).encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("latin-1", "replace"),
        "query_string": query.encode("latin-1", "replace"),
        "root_path": "",
        "headers": lines,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
        "state": {},
    }
    head: dict[str, Any] = {}
    parts: list[bytes] = []
    over = asyncio.Event()
    given_body = False

    async def receive() -> dict[str, Any]:
        nonlocal given_body
        if not given_body:
            given_body = True
            return {"type": "http.request", "body": content, "more_body": False}
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            head.update(message)
            return
        parts.append(message.get("body", b""))
        is_events = b"event-stream" in dict(head.get("headers", ())).get(b"content-type", b"")
        if not message.get("more_body") or is_events or sum(map(len, parts)) > MAX_BODY:
            over.set()

    running = asyncio.ensure_future(app(scope, receive, send))
    watching = asyncio.ensure_future(over.wait())
    await asyncio.wait({running, watching}, timeout=ANSWER_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
    over.set()
    if not running.done():
        await asyncio.wait({running}, timeout=2.0)
    for task in (running, watching):
        if not task.done():
            task.cancel()
    failures = await asyncio.gather(running, watching, return_exceptions=True)
    if not head:
        return 0, f"no answer: {failures[0]!r}"
    return int(head["status"]), b"".join(parts).decode("utf-8", "replace")


def control(port: Port, chance: random.Random) -> dict[str, bool]:
    """Return for each broken endpoint whether fuzzing finds it."""
    router = APIRouter()

    def divide(number: int) -> float:
        return 1 / (number - number)

    def show(number: int) -> PlainTextResponse:
        return PlainTextResponse(f'Traceback (most recent call last):\n  File "/app/x.py", line {number}')

    router.add_api_route("/api/v1/broken/divide", divide, methods=["GET"])
    router.add_api_route("/api/v1/broken/show", show, methods=["GET"])
    rows = {
        ("GET", path): Access("GET", path, frozenset(STANDINGS), True, "a control's")
        for path in ("/api/v1/broken/divide", "/api/v1/broken/show")
    }
    table: Any = access_table()  # a dict inside
    table.update(rows)
    port.app.include_router(router, dependencies=[Depends(gate(port.node))])
    port.app.openapi_schema = None
    try:
        return {name: fuzz(port, 60, chance, f"/broken/{name}").outside > 0 for name in ("divide", "show")}
    finally:
        for key in rows:
            table.pop(key)


def run(seed: int = 1, full: bool = False, database: str = "sqlite", wanted: int | None = None) -> dict[str, Any]:
    """Run row S6 on one kind of database, with so many requests."""
    wanted = wanted or (FULL if full else FOR_EVERY_RUN)
    chance = random.Random(seed)
    try:
        with machine(database) as place, quiet(), three_ports(place) as ports, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # schemathesis tells of what it cannot generate
            port = ports[0]
            assert port.partner is not None
            with ExitStack() as stack:
                # The partner is there: what asks it gets an answer.
                stack.enter_context(port_nodes.serving(port.partner))
                found = fuzz(port, wanted, chance)
            caught = control(port, chance)
    except NotProvenError as lacking:
        return result("S6", seed, database, passed=False, control_failed=False) | {
            "verdict": "not proven",
            "reason": str(lacking),
        }
    described = set(description(ports[0].app)["paths"])
    return result(
        "S6",
        seed,
        database,
        passed=found.outside == 0 and found.tried >= wanted * 0.6 and len(found.paths) > len(described) * 0.8,
        control_failed=all(caught.values()),
        tried=found.tried,
        outside=found.outside,
        endpoints=len(found.paths),
        statuses={str(status): number for status, number in sorted(found.statuses.items())},
        wrong=found.wrong[:60],
        controls=caught,
    )
