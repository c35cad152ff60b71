"""What the interfaces of DCSA have in common: who may read, pages, feedback elements.

The port's own systems read with a token of the role reader or operator and see what the node holds. A partner reads
with the token of one of its streams and sees what the clause of that stream lets through, record by record.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials

from sealane.errors import Fault, RequestRefusedError
from sealane.exchange.pull import Page, read_for_partner, stream_for_reading
from sealane.node.api.dcsa_query import (
    DEFAULT_PAGE,
    MAX_PAGE,
    Interface,
    Query,
    check_version,
    read_query,
    write_cursor,
)
from sealane.node.api.fresh import Answer, FreshAnswers
from sealane.node.api.page_pipe import PagePipe
from sealane.node.api.security import peer_of, token_role
from sealane.node.api_tokens import PREFIX, find_token, token_hash
from sealane.node.context import Node
from sealane.node.problems import Problem
from sealane.products.json_text import elements
from sealane.products.shapes import Faults
from sealane.products.store import Prepared, prepare, put_prepared, read_bodies

MAX_EVENTS = 1_000
_SHOWN_FAULTS = 200
_CHUNK = 500  # rows looked at a time where payloads must be asked
# A token of one of the port's systems, or of a partner's stream; the schemes are those of `security`.
READERS: list[dict[str, list[str]]] = [{"own": []}, {"partner": []}]
_PARTY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?")


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
    own, partner = token_role(node, *ROLES), peer_of(node, streams=True)

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


def read_partners_page(node: Node, interface: Interface, reader: Reader, query: Query, request_id: str) -> Page:
    """Return the page of records that a partner asks for and may see."""
    now = node.clock()
    with node.database.write() as connection:
        stream, terms = stream_for_reading(connection, str(reader.participant), reader.stream, interface.dataset, now)
        own = node.identity.participant
        return read_for_partner(
            connection, stream, terms, own, query.filters, query.shows, query.after, query.limit, now, request_id
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
    if query.narrowed:  # the database has asked everything: every row is wanted
        rows = read_bodies(connection, interface.dataset, query.filters, query.after, query.limit + 1)
        return _page(rows, query.limit)
    bodies: list[bytes] = []
    simulated = False
    after, more = query.after, True
    while more and len(bodies) < query.limit:
        rows = read_bodies(connection, interface.dataset, query.filters, after, _CHUNK)
        more = len(rows) == _CHUNK
        for number, (position, body, marked) in enumerate(rows, 1):
            after = position
            if query.matches(json.loads(body)):
                bodies.append(bytes(body))
                simulated = simulated or marked
            if len(bodies) == query.limit:
                more = more or number < len(rows)
                break
    return Page(tuple(bodies), after if more else None, simulated)


def _page(rows: Sequence[Any], limit: int) -> Page:
    """Return the page of rows of which one more than it takes was asked for."""
    page = rows[:limit]
    following = page[-1][0] if len(rows) > len(page) else None
    return Page(tuple([row[1] for row in page]), following, any(row[2] for row in page))


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


class DirectRoute(APIRoute):
    """A route that is described like every other, but whose endpoint takes the request itself and nothing else.

    Working out what an endpoint depends on costs as much as a short answer; such an endpoint depends on nothing.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint itself."""
        if self.dependant.dependencies:
            raise TypeError(f"{self.path}: a direct route works out no dependencies")
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


def events_endpoint(node: Node, interface: Interface) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Return the endpoint that answers a GET with one page of events, their bytes as they are stored."""
    reader_for, fresh, pipe = reader_of(node), FreshAnswers(node.database), PagePipe(node.database)

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
            return _given(known)
        held = fresh.held(key)
        query_or_fault = held[1].query if held is not None and held[1].query else _query_or_fault(interface, request)
        version = fresh.seen_version if node.database.is_sqlite else None
        asked = query_or_fault if isinstance(query_or_fault, Query) else None
        found = None
        if asked is not None and is_short(asked):
            # Handing so little work to a thread costs more than the work.
            found = _read_here(node, interface, fresh, text, asked)
            piped = await pipe.read(
                interface.dataset, asked.after, asked.limit, token_hash(text), held[0] if held is not None else ""
            )
            if piped is not None and piped.lets_read(ROLES, node.clock()):
                if piped.page is None and held is not None:
                    return _given(held[1])
                if piped.page is not None:
                    found, version = (piped.page, piped.expires_at), piped.version
        if found is None:
            found = await run_in_threadpool(read_own_page, node, interface, text, asked)
        if found is None:
            await reader_for(request)  # refuses, and counts the failure
            raise RequestRefusedError(401, "unknown-token", "The token just changed.", "Send the request again.")
        if isinstance(query_or_fault, RequestRefusedError):
            raise query_or_fault
        page_found, expires_at = found
        headers = page_headers(interface, request, page_found)
        answer = _events(page_found, headers)
        fresh.put(key, version, Answer(bytes(answer.body), headers, expires_at, asked))
        if node.database.is_sqlite:
            fresh.put(text, version, Answer(b"", {}, expires_at))  # the token may read, as long as nothing changes
        return answer

    return events


def _given(answer: Answer) -> Response:
    return Response(answer.content, headers=answer.headers, media_type="application/json")


def is_short(query: Query) -> bool:
    """Whether a page is read by one look into one index, whatever is held: nothing is filtered, few rows are asked."""
    return (
        query.narrowed and query.limit <= DEFAULT_PAGE and all(value is None for value in vars(query.filters).values())
    )


def _read_here(
    node: Node, interface: Interface, fresh: FreshAnswers, text: str, query: Query
) -> tuple[Page, dt.datetime | None] | None:
    """Read a short page without a thread; None where that cannot be done or the token may not read."""
    token = fresh.seen(text, node.clock())
    rows = None if token is None else fresh.read(interface.dataset, query.after, query.limit + 1)
    return None if token is None or rows is None else (_page(rows, query.limit), token.expires_at)


_KEY_HEADERS = ("api-version", "request-sending-party", "request-receiving-party")


def _events(page: Page, headers: Mapping[str, str]) -> Response:
    bodies = list(page.bodies) or [b""]
    bodies[0] = b'{"events":[' + bodies[0]  # joined at once: a page is long enough for copying it to count
    bodies[-1] += b"]}"
    content = b",".join(bodies)
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
    check_version(interface.version, request, faults)
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


def events_router(node: Node, interface: Interface, tag: str, title: str) -> APIRouter:
    """Return both ends of an events interface: `GET` to read, `POST` for the port's own feeds.

    Parameters
    ----------
    title : what the events are, as the description of the interface says it.
    """
    api = APIRouter(tags=[tag])
    api.add_api_route(
        interface.path,
        events_endpoint(node, interface),
        methods=["GET"],
        summary=title,
        response_class=Response,
        responses=EVENTS_ANSWER,
        openapi_extra=described(interface),
        route_class_override=DirectRoute,
    )

    @api.post(
        interface.path,
        summary=f"Take {title[0].lower()}{title[1:]}, all or none",
        response_class=Response,
        responses=FEEDBACK_ANSWER,
        openapi_extra=described(interface, post=True),
        dependencies=[Depends(token_role(node, "feed", "operator"))],
    )
    async def take(request: Request) -> Response:
        return await take_events(node, interface, request)

    return api
