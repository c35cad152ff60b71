"""The outermost layer of the HTTP edge: request id, body limit, security headers, access log and counters.

It is written against ASGI, not as a framework's middleware: the limit must count bytes as they arrive, and a fault
in any layer inside must still get an answer.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sealane.errors import Phrase
from sealane.node.problems import Problem, ProblemForms, formed, problem_of

HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}
HSTS = (b"strict-transport-security", b"max-age=31536000")
# Observed as (method, route, status, seconds).
Observer = Callable[[str, str, int, float], None]
_LOG = logging.getLogger("sealane.access")


class Edge:
    """Wraps the application.

    Parameters
    ----------
    body_limit_bytes : a body is refused with 413 as soon as it is longer, whatever its Content-Length says.
    forms : error forms of partners' standards by path prefix.
    observe : is told of every request that ended.
    is_https : partners reach the node by https; adds Strict-Transport-Security.
    """

    def __init__(
        self, app: ASGIApp, *, body_limit_bytes: int, forms: ProblemForms, observe: Observer, is_https: bool
    ) -> None:
        self.app = app
        self.body_limit_bytes = body_limit_bytes
        self.forms = forms
        self.observe = observe
        self.extra = [*HEADERS.items(), HSTS] if is_https else [*HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of connection go through."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Exchange(self, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, edge: Edge, scope: Scope, receive: Receive, send: Send) -> None:
        self.edge, self.scope, self.inner_receive, self.inner_send = edge, scope, receive, send
        self.request_id = str(uuid.uuid4())
        self.begun = time.perf_counter()
        self.status = 0
        self.received_bytes = 0
        self.is_too_large = False
        self.is_replaced = False
        scope.setdefault("state", {})["request_id"] = self.request_id

    async def run(self) -> None:
        try:
            if self._declared_bytes() > self.edge.body_limit_bytes:
                self.is_too_large = True
                await self._send_too_large()
            elif self._holds_nul():
                detail = Phrase("The address holds the character NUL.")
                remedy = Phrase("Take %00 out of it.")
                await self._answer(Problem(422, "invalid-request", detail, remedy, self.request_id))
            else:
                await self.edge.app(self.scope, self.receive, self.send)
        except Exception as error:
            if not self.is_too_large:
                _LOG.exception("unhandled fault", extra={"request_id": self.request_id})
            if self.status == 0:
                await self._answer(problem_of(error, self.request_id))
        finally:
            self._log()

    def _declared_bytes(self) -> int:
        for name, value in self.scope["headers"]:
            if name == b"content-length":
                return int(value) if value.isdigit() else 0
        return 0

    async def receive(self) -> Message:
        message = await self.inner_receive()
        if message["type"] == "http.request":
            self.received_bytes += len(message.get("body", b""))
            if self.received_bytes > self.edge.body_limit_bytes:
                self.is_too_large = True
                if self.status == 0:
                    await self._send_too_large()
                # To the application the sender is gone; what it answers is dropped.
                return {"type": "http.disconnect"}
        return message

    async def _send_too_large(self) -> None:
        limit = self.edge.body_limit_bytes
        await self._answer(
            Problem(
                413,
                "body-too-large",
                Phrase("The body is larger than the %(limit)s bytes this node takes.", limit=f"{limit:,}"),
                Phrase("Send it in smaller parts."),
                self.request_id,
                headers={"Connection": "close"},
            )
        )
        self.is_replaced = True

    def _holds_nul(self) -> bool:
        # PostgreSQL has no text with this character: a query would fail where SQLite finds nothing. The interfaces of
        # a partners' standard refuse it themselves, with the parameter's name and the status that standard knows.
        path = self.scope["path"]
        if "\0" in path:
            return True
        return b"%00" in self.scope.get("query_string", b"") and not path.startswith(tuple(self.edge.forms))

    async def _answer(self, problem: Problem) -> None:
        response = formed(problem, self.scope["path"], self.edge.forms)
        await response(self.scope, self.inner_receive, self.send)  # through our own send, which adds the headers

    async def send(self, message: Message) -> None:
        if self.is_replaced:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            present = {name.lower() for name, _ in message.get("headers", ())}
            headers = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]
            headers += [(name, value) for name, value in self.edge.extra if name not in present]
            message = {**message, "headers": headers}
        await self.inner_send(message)

    def _log(self) -> None:
        seconds = time.perf_counter() - self.begun
        route = self.scope.get("route")
        # The path as declared: ids in a path would make a series of each, and a query could hold a secret.
        path = getattr(route, "path", None) or "(none)"
        method = self.scope["method"] if self.scope["method"] in _METHODS else "(other)"
        self.edge.observe(method, path, self.status, seconds)
        level = logging.DEBUG if path in _QUIET else logging.INFO
        details = {
            "request_id": self.request_id,
            "method": method,
            "route": path,
            "status": self.status,
            "duration_ms": round(seconds * 1000, 2),
            "body_bytes": self.received_bytes,
            "peer": self.scope["state"].get("participant"),
        }
        _LOG.log(level, "request", extra=details)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/health", "/ready", "/metrics"})
