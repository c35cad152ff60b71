"""Shows a problem document as a page to a browser that asked for one; scripts and partners get it as it is."""

from __future__ import annotations

import json
from types import SimpleNamespace

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sealane.node.problems import MEDIA_TYPE
from sealane.web.render import HEADERS, render

_LIMIT_BYTES = 1_048_576


class ErrorPages:
    """Wraps the application; only answers in ``application/problem+json`` to a reader of HTML are changed."""

    def __init__(self, inner: ASGIApp, app: FastAPI) -> None:
        self.inner, self.app = inner, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not _wants_page(scope):
            await self.inner(scope, receive, send)
            return
        await self.inner(scope, receive, _Sender(self.app, scope, send).send)


class _Sender:
    def __init__(self, app: FastAPI, scope: Scope, send: Send) -> None:
        self.app, self.scope, self.inner = app, scope, send
        self.start: Message | None = None
        self.body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message.get("headers", ()))
            if headers.get(b"content-type", b"").startswith(MEDIA_TYPE.encode()):
                self.start = message
                return
        elif self.start is not None and message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if message.get("more_body") and len(self.body) < _LIMIT_BYTES:
                return
            await self._page()
            return
        await self.inner(message)

    async def _page(self) -> None:
        assert self.start is not None
        start, self.start = self.start, None
        self.scope["app"] = self.app
        self.scope.setdefault("state", {}).setdefault("request_id", "")
        try:
            problem = SimpleNamespace(**({"faults": []} | json.loads(self.body)))
            text = render(Request(self.scope), "problem.html.j2", problem=problem, view=None).encode()
            kind = b"text/html; charset=utf-8"
        except Exception:  # the page about a fault must not be the next fault: the document says it all
            text, kind = self.body, MEDIA_TYPE.encode()
        replaced = {b"content-type": kind, b"content-length": str(len(text)).encode()}
        replaced |= {name.lower().encode(): value.encode() for name, value in HEADERS.items()}
        kept = [(name, value) for name, value in start.get("headers", ()) if name.lower() not in replaced]
        await self.inner({**start, "headers": [*kept, *replaced.items()]})
        await self.inner({"type": "http.response.body", "body": text})


def _wants_page(scope: Scope) -> bool:
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accept and not scope["path"].startswith(("/api/", "/dcsa/", "/dsp/", "/static/"))
