"""Says a problem in its reader's language, and shows it as a page to a browser that asked for one.

The node itself speaks English and leaves the problem in the request's state (`ProblemResponse`). Who asks with a token
is a program and gets the document as it is. Everybody else gets its words in the language of the pages: the one chosen
in this browser, else the account's, else the one the browser asks for. Type, title and status stay what they are.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sealane.errors import DataError, Fault, Phrase
from sealane.node.problems import MEDIA_TYPE, Problem, problem_content
from sealane.web.render import HEADERS, render
from sealane.web.words import Words

# Forms of errors that standards prescribe, and files: nobody reads them as pages.
_NO_PAGES = ("/dcsa/", "/dsp/", "/static/")


@dataclass(frozen=True)
class Said:
    """A text of a problem in its reader's language; ``lang`` where it is another one than the page's."""

    text: str
    lang: str | None


@dataclass(frozen=True)
class SaidFault:
    """A fault in its reader's language."""

    where: str
    found: Said
    remedy: Said


@dataclass(frozen=True)
class SaidProblem:
    """What the page about a problem shows."""

    status: int
    instance: str
    detail: Said
    remedy: Said
    faults: tuple[SaidFault, ...]


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
            language = await language_of(request, is_page=is_page)
            words = Words(language)
            if is_page:
                text = render(request, "problem.html.j2", problem=said(self.problem, words), view=None).encode()
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


async def language_of(request: Request, *, is_page: bool = False) -> str:
    """Return the language a problem is told in: that of the pages for who reads pages, English for a token."""
    from sealane.web.accounts.gate import viewer_now, viewer_of

    if "authorization" not in request.headers:
        with suppress(Exception):  # who asks may not have been looked for yet; the database may be what failed
            await viewer_of(request)
    elif not is_page:
        return "en"
    return viewer_now(request).language


def said(problem: Problem, words: Words) -> SaidProblem:
    """Return a problem in a language, each text with the language it is in where that is another one."""

    def one(text: str) -> Said:
        return Said(words.phrase(text), None if is_said(text, words) else "en")

    faults = tuple(SaidFault(f.where, one(f.found), one(f.remedy)) for f in problem.faults[: DataError.SHOWN_FAULTS])
    return SaidProblem(
        problem.status, f"urn:uuid:{problem.request_id}", one(problem.detail), one(problem.remedy), faults
    )


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
        english=[name for name, text in texts.items() if not is_said(text, words)],
    )


def is_said(text: str, words: Words) -> bool:
    """Whether a text of an error is in the reader's language."""
    return words.language == "en" or not text.strip() or (isinstance(text, Phrase) and words.knows(text))


def _is_problem(start: Message) -> bool:
    kind = next((value for name, value in start.get("headers", ()) if name.lower() == b"content-type"), b"")
    return bool(kind.startswith(MEDIA_TYPE.encode()))


def _wants_page(scope: Scope) -> bool:
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accept and not scope["path"].startswith("/api/")
