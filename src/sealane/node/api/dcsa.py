"""What the interfaces of DCSA have in common: who may read, query parameters, pages, feedback elements.

The port's own systems read with a token of the role reader or operator and see what the node holds. A partner reads
with the token of one of its streams and sees what the clause of that stream lets through, record by record.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials

from sealane.errors import Fault, RequestRefusedError
from sealane.exchange.pull import Page, read_for_partner, stream_for_reading
from sealane.node.api.fresh import Answer, FreshAnswers
from sealane.node.api.security import peer_of, token_role
from sealane.node.api_tokens import PREFIX, find_token
from sealane.node.context import Node
from sealane.node.problems import Problem
from sealane.products.json_text import elements
from sealane.products.shapes import Faults, read_time
from sealane.products.store import Filters, Prepared, prepare, put_prepared, read_bodies

DEFAULT_PAGE = 100
MAX_PAGE = 1_000
MAX_EVENTS = 1_000
_SHOWN_FAULTS = 200
# A token of one of the port's systems, or of a partner's stream; the schemes are those of `security`.
READERS: list[dict[str, list[str]]] = [{"own": []}, {"partner": []}]
_PARTY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?")


@dataclass(frozen=True)
class Parameter:
    """One query parameter.

    Attributes
    ----------
    paths : properties of a payload, each as a tuple of names; the record fits if one of them has the value.
    column : field of ``Filters`` that narrows the same in the database, if there is one.
    narrows : whether the column holds such a value; other values are looked for in the payloads.
    is_list : several values, separated by commas; one of them must fit.
    """

    name: str
    paths: tuple[tuple[str, ...], ...]
    column: str | None = None
    is_list: bool = False
    narrows: Callable[[str], bool] = bool


@dataclass(frozen=True)
class Query:
    """What a request asks for, read and checked.

    Attributes
    ----------
    filters : what the database can narrow.
    texts : parameters with the values that fit.
    narrowed : the database asks all of them, no payload need be looked at.
    """

    filters: Filters
    texts: tuple[tuple[Parameter, frozenset[str]], ...]
    narrowed: bool
    after: int
    limit: int

    def matches(self, body: Mapping[str, Any]) -> bool:
        """Say whether a payload has the values asked for; what it does not have does not fit."""
        return all(any(_values(body, path) & wanted for path in parameter.paths) for parameter, wanted in self.texts)


@dataclass(frozen=True)
class Interface:
    """One interface of DCSA.

    Attributes
    ----------
    dataset : product behind it.
    version : of the standard, for the header API-Version.
    parameters : query parameters with a value that a property must have.
    time_min, time_max : names of the parameters for an interval of time, both ends included.
    time_column : ``occurred`` or ``known``.
    """

    dataset: str
    version: str
    path: str
    parameters: tuple[Parameter, ...]
    time_min: str
    time_max: str
    time_column: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reader:
    """Who reads: a partner by a stream, or a system of the port where ``participant`` is None."""

    participant: str | None = None
    stream: str | None = None


ROLES = ("reader", "operator")


def reader_of(node: Node) -> Callable[[Request], Awaitable[Reader]]:
    """Return a function that lets in readers of the port and partners with the token of a stream.

    It is called by the endpoints themselves, so that they can answer before it where they know the answer.
    """
    own, partner = token_role(node, *ROLES), peer_of(node)

    async def reader(request: Request) -> Reader:
        text = bearer(request)
        if text is None or text.startswith(PREFIX):
            found = None if text is None else HTTPAuthorizationCredentials(scheme="Bearer", credentials=text)
            await own(request, found)
            return Reader()
        participant = await partner(request)
        return Reader(participant, request.state.sender.stream)

    return reader


def bearer(request: Request) -> str | None:
    """Return the text of the request's bearer token."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" and text.strip() else None


def read_query(interface: Interface, request: Request) -> Query:
    """Read the query of a request.

    Raises
    ------
    RequestRefusedError
        400 with every fault: unknown or doubled parameters, values of the wrong form.
    """
    faults: list[Fault] = []
    given = _given(interface, request, faults)
    texts = []
    narrowed = True
    columns: dict[str, Any] = {}
    for parameter in interface.parameters:
        value = given.get(parameter.name)
        if value is None:
            continue
        wanted = frozenset(value.split(",")) if parameter.is_list else frozenset([value])
        texts.append((parameter, wanted))
        if parameter.column is not None and parameter.narrows(value):
            columns[parameter.column] = value
        else:
            narrowed = False
    begin = _time(given, interface.time_min, faults)
    end = _time(given, interface.time_max, faults)
    columns[f"{interface.time_column}_from"] = begin
    # Both ends belong to the interval; the store's intervals are half-open.
    columns[f"{interface.time_column}_until"] = None if end is None else end + dt.timedelta(microseconds=1)
    limit = _limit(given.get("limit"), faults)
    after = read_cursor(given["cursor"], faults) if "cursor" in given else 0
    _check_version(interface.version, request, faults)
    if faults:
        raise _refused(faults)
    return Query(Filters(**columns), tuple(texts), narrowed, after, limit)


def _given(interface: Interface, request: Request, faults: list[Fault]) -> dict[str, str]:
    known = {p.name for p in interface.parameters} | {interface.time_min, interface.time_max, "limit", "cursor"}
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            faults.append(Fault(name[:100], "is no query parameter here", f"Use {', '.join(sorted(known))}."))
        elif name in given:
            faults.append(Fault(name, "is given twice", "Give it once."))
        elif "\x00" in value or len(value) > 1000:
            faults.append(Fault(name, "is no text that a record can hold", "Correct it."))
        else:
            given[name] = value
    return given


def _time(given: Mapping[str, str], name: str, faults: list[Fault]) -> dt.datetime | None:
    if name not in given:
        return None
    found = read_time(given[name])
    if found is None or found.year >= 9999:
        faults.append(Fault(name, repr(given[name][:60]), "Give date, time and zone as in 2026-11-22T05:58:00Z."))
        return None
    return found


def _limit(value: str | None, faults: list[Fault]) -> int:
    if value is None:
        return DEFAULT_PAGE
    if not (value.isascii() and value.isdigit() and int(value[:12]) >= 1):
        faults.append(Fault("limit", repr(value[:60]), f"Give a whole number from 1; a page has {MAX_PAGE} at most."))
        return DEFAULT_PAGE
    return min(int(value[:12]), MAX_PAGE)


def _check_version(version: str, request: Request, faults: list[Fault]) -> None:
    asked = request.headers.get("api-version")
    if asked and asked.split(".")[0].strip() != version.split(".", maxsplit=1)[0]:
        faults.append(Fault("API-Version", repr(asked[:40]), f"This interface implements {version}."))


def _refused(faults: list[Fault]) -> RequestRefusedError:
    return RequestRefusedError(400, "invalid-query", "The request is not valid.", "Correct what is listed.", faults)


def write_cursor(after: int) -> str:
    """Return the cursor that goes on behind a position."""
    return base64.urlsafe_b64encode(f"p{after}".encode()).decode().rstrip("=")


def read_cursor(text: str, faults: list[Fault]) -> int:
    """Return the position of a cursor; 0 after a fault."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        decoded = ""
    if re.fullmatch(r"p[0-9]{1,18}", decoded):
        return int(decoded[1:])
    faults.append(Fault("cursor", repr(text[:60]), "Give the value of the header Next-Page-Cursor."))
    return 0


def _values(body: Any, path: tuple[str, ...]) -> frozenset[str]:
    """Return the texts at the end of a path; lists on the way are looked through."""
    if isinstance(body, list):
        return frozenset().union(*(_values(item, path) for item in body))
    if not path:
        return frozenset([body]) if isinstance(body, str) else frozenset()
    return _values(body.get(path[0]), path[1:]) if isinstance(body, dict) else frozenset()


def read_partners_page(node: Node, interface: Interface, reader: Reader, query: Query, request_id: str) -> Page:
    """Return the page of records that a partner asks for and may see."""
    now = node.clock()
    with node.database.write() as connection:
        stream, terms = stream_for_reading(connection, str(reader.participant), reader.stream, interface.dataset, now)
        own = node.identity.participant
        return read_for_partner(
            connection, stream, terms, own, query.filters, query.matches, query.after, query.limit, now, request_id
        )


def read_own_page(
    node: Node, interface: Interface, text: str, query: Query | None
) -> tuple[Page, dt.datetime | None] | None:
    """Return the page that a system of the port asks for and when its token ends; None if the token may not read.

    Token and records are read in one transaction. Without a query only the token is looked at, and the page is empty.
    """
    with node.database.read() as connection:
        token = find_token(connection, text, node.clock())
        if token is None or token.role not in ROLES:
            return None
        page = Page((), None, False) if query is None else _read_page(connection, interface, query)
        return page, token.expires_at


def _read_page(connection: sa.Connection, interface: Interface, query: Query) -> Page:
    bodies: list[bytes] = []
    simulated = False
    after, more = query.after, True
    while more and len(bodies) < query.limit:
        wanted = query.limit + 1 if query.narrowed else 500
        rows = read_bodies(connection, interface.dataset, query.filters, after, wanted)
        more = len(rows) == wanted
        for number, (position, body, marked) in enumerate(rows, 1):
            after = position
            if query.narrowed or query.matches(json.loads(body)):
                bodies.append(bytes(body))
                simulated = simulated or marked
            if len(bodies) == query.limit:
                more = more or number < len(rows)
                break
    return Page(tuple(bodies), after if more else None, simulated)


def page_headers(interface: Interface, request: Request, page: Page | None = None) -> dict[str, str]:
    """Return the headers of an answer: version, cursor, and the parties of a proxy, mirrored."""
    headers = {"API-Version": interface.version}
    if page is not None and page.next_after is not None:
        headers["Next-Page-Cursor"] = write_cursor(page.next_after)
    if page is not None and page.simulated:
        headers["X-Simulated"] = "true"
    for asked, answered in interface.headers.items():
        value = request.headers.get(asked)
        if value and _PARTY.fullmatch(value):
            headers[answered] = value
    return headers


def events_endpoint(node: Node, interface: Interface) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that answers a GET with one page of events, their bytes as they are stored."""
    reader_for, fresh = reader_of(node), FreshAnswers(node.database)

    async def events(request: Request) -> Response:
        text = bearer(request)
        if text is None or not text.startswith(PREFIX):
            who = await reader_for(request)
            query = read_query(interface, request)
            page = await run_in_threadpool(read_partners_page, node, interface, who, query, request.state.request_id)
            return _events(page, page_headers(interface, request, page))
        key = (text, request.scope["query_string"], *(request.headers.get(name) for name in _KEY_HEADERS))
        known = fresh.get(key, node.clock())
        if known is not None:
            return Response(known.content, headers=known.headers, media_type="application/json")
        query_or_fault = _query_or_fault(interface, request)
        version = fresh.version()
        asked = query_or_fault if isinstance(query_or_fault, Query) else None
        found = await run_in_threadpool(read_own_page, node, interface, text, asked)
        if found is None:
            await reader_for(request)  # refuses, and counts the failure
            raise RequestRefusedError(401, "unknown-token", "The token just changed.", "Send the request again.")
        if isinstance(query_or_fault, RequestRefusedError):
            raise query_or_fault
        page_found, expires_at = found
        headers = page_headers(interface, request, page_found)
        answer = _events(page_found, headers)
        fresh.put(key, version, Answer(bytes(answer.body), headers, expires_at))
        return answer

    return events


_KEY_HEADERS = ("api-version", "request-sending-party", "request-receiving-party")


def _events(page: Page, headers: Mapping[str, str]) -> Response:
    content = b'{"events":[' + b",".join(page.bodies) + b"]}"
    return Response(content, headers=headers, media_type="application/json")


def _query_or_fault(interface: Interface, request: Request) -> Query | RequestRefusedError:
    """Read the query; who asks is looked at first, so a fault has to wait."""
    try:
        return read_query(interface, request)
    except RequestRefusedError as fault:
        return fault


async def take_events(node: Node, interface: Interface, request: Request) -> Response:
    """Take the events of a POST, all or none of them."""
    body = await request.body()
    faults = Faults()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestRefusedError(
            415, "media-type", f"The media type is {media_type[:80]!a}.", "Send application/json."
        )
    _check_version(interface.version, request, faults)
    simulated = request.headers.get("x-simulated", "false").strip().lower() == "true"
    cautions = await run_in_threadpool(_take, node, interface, body, simulated, faults)
    feedback = [_element("WARN", fault) for fault in cautions[:_SHOWN_FAULTS]]
    content = json.dumps({"feedbackElements": feedback}).encode()
    return Response(content, headers=page_headers(interface, request), media_type="application/json")


def _take(node: Node, interface: Interface, body: bytes, simulated: bool, faults: Faults) -> tuple[Fault, ...]:
    now = node.clock()
    found = elements(body, "events", "$", faults) or []
    if len(found) > MAX_EVENTS:
        faults.append(Fault("$.events", f"{len(found):,} events", f"Send {MAX_EVENTS:,} at most in one request."))
        found = []
    prepared: list[Prepared] = []
    for number, (value, data) in enumerate(found):
        one = prepare(interface.dataset, data, f"$.events[{number}]", faults, now, value)
        if one is not None:
            prepared.append(one)
    if faults:
        detail = "The events cannot be taken; none of them was."
        raise RequestRefusedError(400, "invalid-events", detail, "Correct what is listed.", faults)
    with node.database.write() as connection:
        put_prepared(connection, node.identity.participant, prepared, now, simulated=simulated)
    return tuple(faults.cautions)


def feedback_form(interface: Interface) -> Callable[[Problem], Response]:
    """Return the form of an error in the standard's words: feedback elements."""

    def form(problem: Problem) -> Response:
        elements_ = [_element("ERROR", fault) for fault in problem.faults[:_SHOWN_FAULTS]]
        if not elements_:
            elements_ = [{"severity": "ERROR", "message": f"{problem.detail} {problem.remedy}"[:5000]}]
        headers = {**problem.headers, "API-Version": interface.version}
        content = json.dumps({"feedbackElements": elements_}).encode()
        return Response(content, problem.status, headers, "application/json")

    return form


def _element(severity: str, fault: Fault) -> dict[str, str]:
    element = {"severity": severity, "message": f"{fault.found}. {fault.remedy}"[:5000]}
    path = fault.where
    element["propertyPath"] = path[:1000]
    if not path.startswith("$"):
        element["message"] = f"{path}: {element['message']}"[:5000]
        del element["propertyPath"]
    return element


_FEEDBACK = {
    "type": "object",
    "required": ["feedbackElements"],
    "properties": {
        "feedbackElements": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["severity", "message"],
                "properties": {name: {"type": "string"} for name in ("severity", "message", "propertyPath")},
            },
        }
    },
}


def answers(content: Mapping[str, Any], error: Mapping[str, Any] = _FEEDBACK) -> dict[int | str, dict[str, Any]]:
    """Return what the interface description says of the answers: the content, and the standard's form of error."""
    texts = {
        400: "The request is malformed.",
        401: "Who asks is not proven.",
        403: "Who asks may not.",
        404: "There is no such thing.",
        405: "Not this method.",
        409: "It contradicts what is there.",
        413: "The body is too large.",
        415: "Not this media type.",
        422: "The request is not valid.",
        429: "Too many requests; see Retry-After.",
        500: "The node failed.",
        503: "Not now; see Retry-After.",
    }
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": text, "content": {"application/json": {"schema": dict(error)}}}
        for status, text in texts.items()
    }
    found[200] = {"description": "OK", "content": {"application/json": {"schema": dict(content)}}}
    return found


EVENTS_ANSWER = answers(
    {
        "type": "object",
        "required": ["events"],
        "properties": {"events": {"type": "array", "items": {"type": "object"}}},
    }
)
FEEDBACK_ANSWER = answers(_FEEDBACK)


def described(interface: Interface, *, post: bool = False) -> dict[str, Any]:
    """Return what the interface description says beside the code: parameters and body."""
    text = {"type": "string"}
    moment = {"type": "string", "format": "date-time"}
    if post:
        events = {"type": "object", "properties": {"events": {"type": "array", "items": {"type": "object"}}}}
        body = {"required": True, "content": {"application/json": {"schema": {**events, "required": ["events"]}}}}
        return {"requestBody": body, "parameters": [_described("API-Version", text, "header")]}
    return {
        "security": READERS,
        "parameters": [
            *(_described(parameter.name, text) for parameter in interface.parameters),
            *(_described(name, moment) for name in (interface.time_min, interface.time_max)),
            _described("limit", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE}),
            _described("cursor", text),
            _described("API-Version", text, "header"),
        ],
    }


def _described(name: str, schema: Mapping[str, Any], place: str = "query") -> dict[str, Any]:
    return {"name": name, "in": place, "required": False, "schema": dict(schema)}
