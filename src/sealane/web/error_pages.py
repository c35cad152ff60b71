"""Says a problem in its reader's language, and shows it as a page to a browser that asked for one.

The node itself speaks English and leaves the problem in the request's state (`ProblemResponse`). Who asks with a token
is a program and gets the document as it is. Everybody else gets its words in the language of the pages: the one chosen
in this browser, else the account's, else the one the browser asks for. Type, title and status stay what they are.
"""

from __future__ import annotations

from contextlib import suppress

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sealane.errors import DataError, Fault
from sealane.node.problems import MEDIA_TYPE, Problem, problem_content
from sealane.web.render import HEADERS, render
from sealane.web.words import Words

# Forms of errors that standards prescribe, and files: nobody reads them as pages.
_NO_PAGES = ("/dcsa/", "/dsp/", "/static/")


class ErrorPages:
    """Wraps the application; only answers in ``application/problem+json`` are changed."""

    def __init__(self, inner: ASGIApp, app: FastAPI) -> None:
        self.inner, self.app = inner, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].startswith(_NO_PAGES):
            await self.inner(scope, receive, send)
            return
        await self.inner(scope, receive, _Sender(self.app, scope, send).send)


class _Sender:
    def __init__(self, app: FastAPI, scope: Scope, send: Send) -> None:
        self.app, self.scope, self.inner = app, scope, send
        self.start: Message | None = None
        self.problem: Problem | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.problem = self.scope.get("state", {}).get("problem") if message["status"] >= 400 else None
            if self.problem is not None and _is_problem(message):
                self.start = message
                return
        elif self.start is not None and message["type"] == "http.response.body":
            if not message.get("more_body"):
                await self._answer(message.get("body", b""))
            return
        await self.inner(message)

    async def _answer(self, written: bytes) -> None:
        assert self.start is not None and self.problem is not None
        start, self.start = self.start, None
        self.scope["app"] = self.app
        text, replaced = written, {b"content-type": MEDIA_TYPE.encode()}
        try:
            request = Request(self.scope)
            is_page = _wants_page(self.scope)
            language = await _language(request, self.problem, is_page=is_page)
            words = Words(language)
            if is_page:
                text = render(request, "problem.html.j2", problem=self.problem, view=None).encode()
                replaced = {name.lower().encode(): value.encode() for name, value in HEADERS.items()}
                replaced |= {b"content-type": b"text/html; charset=utf-8"}
            elif language != "en":
                text = translated(self.problem, words)
            replaced |= {b"content-language": language.encode()}
        except Exception:  # what tells of a fault must not be the next fault: the document says it all
            text, replaced = written, {b"content-type": MEDIA_TYPE.encode()}
        replaced[b"content-length"] = str(len(text)).encode()
        kept = [(name, value) for name, value in start.get("headers", ()) if name.lower() not in replaced]
        await self.inner({**start, "headers": [*kept, *replaced.items()]})
        await self.inner({"type": "http.response.body", "body": text})


async def _language(request: Request, problem: Problem, *, is_page: bool) -> str:
    from sealane.web.accounts.gate import viewer_now, viewer_of

    if "authorization" in request.headers:
        return viewer_now(request).language if is_page else "en"
    if problem.status < 500:  # else the database may be what failed, and is not asked again
        with suppress(Exception):  # nobody may have looked yet for who asks
            await viewer_of(request)
    return viewer_now(request).language


def translated(problem: Problem, words: Words) -> bytes:
    """Return the document of a problem in a language; ``english`` names the texts that no catalogue holds."""
    faults = problem.faults[: DataError.SHOWN_FAULTS]
    texts = {"detail": problem.detail, "remedy": problem.remedy}
    for number, fault in enumerate(faults):
        texts |= {f"faults.{number}.found": fault.found, f"faults.{number}.remedy": fault.remedy}
    return problem_content(
        Problem(
            problem.status,
            problem.kind,
            words.phrase(problem.detail),
            words.phrase(problem.remedy),
            problem.request_id,
            tuple(Fault(fault.where, words.phrase(fault.found), words.phrase(fault.remedy)) for fault in faults),
        ),
        english=[name for name, text in texts.items() if text and not words.has_phrase(text)],
    )


def _is_problem(start: Message) -> bool:
    kind = next((value for name, value in start.get("headers", ()) if name.lower() == b"content-type"), b"")
    return bool(kind.startswith(MEDIA_TYPE.encode()))


def _wants_page(scope: Scope) -> bool:
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accept and not scope["path"].startswith("/api/")
