"""Turns every refusal and every fault into one answer: ``application/problem+json`` (RFC 9457).

A partner's standard may prescribe its own form of error on its own paths; `ProblemForms` holds those.
"""

from __future__ import annotations

import http
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from sealane.errors import (
    DataError,
    Fault,
    InputError,
    Phrase,
    RequestRefusedError,
    SealaneError,
    StoreError,
    UnreachableError,
)
from sealane.node.validation_words import validation_faults

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:sealane:problem:"
STORE_RETRY_S = 5
PARTNER_RETRY_S = 30
_LOG = logging.getLogger(__name__)
_CORRECT = Phrase("Correct what is listed.")


@dataclass(frozen=True)
class Problem:
    """One refusal, before it has a form.

    Attributes
    ----------
    kind : short slug that stays the same over versions.
    request_id : what the log calls the request.
    headers : further response headers, for instance ``Retry-After`` or ``Allow``.
    """

    status: int
    kind: str
    detail: str
    remedy: str
    request_id: str
    faults: tuple[Fault, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The standard phrase of the status."""
        try:
            return http.HTTPStatus(self.status).phrase
        except ValueError:
            return "Error"


class FaultDocument(BaseModel):
    """One fault, as the interface description shows it."""

    where: str
    found: str
    remedy: str


_LANGUAGE = (
    "What was found. A request with a token gets English. One without it is answered as the pages are shown: in the"
    " language chosen in this browser, else that of the account, else that of Accept-Language, where this node has it;"
    " Content-Language then names it."
)


class ProblemDocument(BaseModel):
    """RFC 9457 problem details, as the interface description shows them."""

    type: str = Field(description="What kind of problem it is; stays the same over versions and in every language.")
    title: str = Field(description="The standard phrase of the status, in English.")
    status: int
    detail: str = Field(description=_LANGUAGE)
    remedy: str
    instance: str
    faults: list[FaultDocument] = []
    english: list[str] = Field([], description="Where Content-Language is not English: what is English all the same.")


# The form of an error that a standard prescribes; by path prefix.
ProblemForm = Callable[[Problem], Response]
ProblemForms = Mapping[str, ProblemForm]


class ProblemResponse(Response):
    """The answer in the common form; leaves the problem itself in the request's state, for who words it otherwise."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem_content(problem), problem.status, dict(problem.headers), MEDIA_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        scope.setdefault("state", {})["problem"] = self.problem
        await super().__call__(scope, receive, send)


def problem_content(problem: Problem, **more: object) -> bytes:
    """Return the document of a problem, with further members."""
    document: dict[str, object] = {
        "type": TYPE_PREFIX + problem.kind,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "remedy": problem.remedy,
        "instance": f"urn:uuid:{problem.request_id}",
    }
    if problem.faults:
        shown = problem.faults[: DataError.SHOWN_FAULTS]
        document["faults"] = [{"where": f.where, "found": f.found, "remedy": f.remedy} for f in shown]
    return json.dumps(document | more, ensure_ascii=True).encode()


def formed(problem: Problem, path: str, forms: ProblemForms) -> Response:
    """Return the answer in the form that a path's standard prescribes, else in the common one."""
    for prefix, form in forms.items():
        if path.startswith(prefix):
            return form(problem)
    return ProblemResponse(problem)


def problem_of(error: Exception, request_id: str) -> Problem:
    """Say what an exception means to who sent the request; never with more than the error says on purpose."""
    if isinstance(error, RequestRefusedError):
        headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
        if error.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return Problem(error.status, error.kind, error.detail, error.remedy, request_id, error.faults, headers)
    if isinstance(error, StoreError):
        return Problem(
            503,
            "store-unavailable",
            Phrase("The node's database cannot be used now; nothing was changed."),
            Phrase("Send the same request again later."),
            request_id,
            headers={"Retry-After": str(STORE_RETRY_S)},
        )
    if isinstance(error, UnreachableError):
        return Problem(
            503,
            "partner-unreachable",
            str(error),
            Phrase("Try again later, or ask the partner's operator."),
            request_id,
            headers={"Retry-After": str(PARTNER_RETRY_S)},
        )
    if isinstance(error, RequestValidationError):
        faults = validation_faults(error.errors())
        detail = Phrase("The request is not valid.")
        return Problem(422, "invalid-request", detail, _CORRECT, request_id, faults)
    if isinstance(error, HTTPException):
        return _of_http(error, request_id)
    if isinstance(error, DataError):
        return Problem(400, "invalid-data", error.title, _CORRECT, request_id, error.faults)
    if isinstance(error, InputError):
        return Problem(400, "invalid-input", str(error), Phrase("Correct what is named."), request_id)
    return Problem(
        500,
        "internal",
        Phrase("The node failed on this request; nothing was changed."),
        Phrase("Tell the node's operator the instance; it stands in the log."),
        request_id,
    )


def _of_http(error: HTTPException, request_id: str) -> Problem:
    kinds = {
        400: (  # only the frameworks say it, of a body in a form of Content-Type that it does not have
            "bad-request",
            Phrase("The body of the request cannot be read."),
            Phrase("Send it in the form that Content-Type names."),
        ),
        404: (
            "not-found",
            Phrase("There is nothing at this address."),
            Phrase("See /openapi.json for the addresses of this node."),
        ),
        405: (
            "method-not-allowed",
            Phrase("This address does not take this method."),
            Phrase("Use a method that Allow names."),
        ),
    }
    slug = http.HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    kind, detail, remedy = kinds.get(error.status_code, (slug, str(error.detail), Phrase("Correct the request.")))
    return Problem(error.status_code, kind, detail, remedy, request_id, headers=dict(error.headers or {}))


def add_problem_handlers(app: FastAPI, forms: ProblemForms) -> None:
    """Answer every exception of an endpoint with a problem."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = problem_of(error, request.state.request_id)
        if problem.status >= 500 and isinstance(error, SealaneError):  # others are logged by the edge, with traceback
            _LOG.error("request failed: %s", error, extra={"request_id": problem.request_id})
        return formed(problem, request.url.path, forms)

    for kind in (SealaneError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)
