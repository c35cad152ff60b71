"""Rooms of the web application: a view is declared once and has two faces, JSON for scripts and a page for people.

Both come from the same function, so that a page cannot show what the interface does not answer.
"""

from __future__ import annotations

import hashlib
import inspect
import typing
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.routing import Match
from starlette.types import Scope

from sealane.node.context import Node
from sealane.web.idempotency import SECRET, IdempotentRoute
from sealane.web.render import render_page

API = "/api/v1"
_JSON = "application/json"


class _RoomRouter(APIRouter):
    """A router that looks at the beginning of a path before it tries each of its routes.

    Trying some hundred patterns one after the other for each request took as long as making a small page.
    """

    _number_known = -1
    _begins: frozenset[str] | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Say whether one of the routes fits; none where no route begins like the path."""
        if self._number_known != len(self.routes):
            own = frozenset(_begin_of(getattr(route, "path", "/{")) for route in self.routes)
            self._begins = None if any("{" in begin for begin in own) else own
            self._number_known = len(self.routes)
        begins = None if scope.get("root_path") else self._begins
        if begins is not None and _begin_of(scope["path"]) not in begins:
            return Match.NONE, {}
        return super().matches(scope)


def _begin_of(path: str) -> str:
    """Return the first part of a path that tells rooms apart."""
    return path.removeprefix(API).split("/", 2)[1] if "/" in path.removeprefix(API) else path


class Room:
    """The endpoints of one subject.

    Parameters
    ----------
    name : tag of the endpoints in the interface description.

    Attributes
    ----------
    api, pages : the routers of both faces.
    """

    def __init__(self, name: str, node: Node) -> None:
        self.name, self.node = name, node
        self.api = _RoomRouter(prefix=API, tags=[name])
        self.pages = _RoomRouter(include_in_schema=False)

    def view(
        self, path: str, template: str, api: str | None = None
    ) -> Callable[[Callable[..., BaseModel]], Callable[..., BaseModel]]:
        """Declare a view: ``GET /api/v1<path>`` answers the model, ``GET <path>`` the page made of it.

        Parameters
        ----------
        path : as FastAPI takes it; its parameters are those of the function, whose annotations stand at module level.
        template : renders the model, which it finds as ``view``.
        api : path of the JSON face where it is another.
        """

        def register(read: Callable[..., BaseModel]) -> Callable[..., BaseModel]:
            signature = _resolved(read)
            summary = (inspect.getdoc(read) or read.__name__.replace("_", " ")).splitlines()[0].rstrip(".")
            json_face = _with_request(read, signature, _answer_json)
            page_face = _with_request(read, signature, lambda request, view: render_page(request, template, view))
            self.api.get(
                api or path,
                summary=summary,
                name=f"{self.name}.{read.__name__}",
                response_model=signature.return_annotation,
            )(json_face)
            self.pages.get(path, name=f"{self.name}.{read.__name__}.page")(page_face)
            return read

        return register

    def action(
        self, method: str, path: str, status: int = 200, *, secret: bool = False
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare what changes something: JSON only, under ``/api/v1``; forms on pages call it as scripts do.

        Parameters
        ----------
        secret : the answer holds a secret, which is shown once; a repetition with the same key does not get it again.
        """

        def register(act: Callable[..., Any]) -> Callable[..., Any]:
            summary = (inspect.getdoc(act) or act.__name__.replace("_", " ")).splitlines()[0].rstrip(".")
            self.api.add_api_route(
                path,
                act,
                methods=[method],
                route_class_override=IdempotentRoute,
                tags=[SECRET] if secret else None,
                status_code=status,
                summary=summary,
                name=f"{self.name}.{act.__name__}",
                response_model=None if status == 204 else typing.get_type_hints(act).get("return"),
            )
            return act

        return register

    def stream(self, path: str, media_type: str = "application/octet-stream") -> Callable[[Callable[..., Any]], Any]:
        """Declare a download or a stream of events under ``/api/v1``; the function returns a response."""

        def register(read: Callable[..., Any]) -> Callable[..., Any]:
            self.api.get(
                path,
                name=f"{self.name}.{read.__name__}",
                response_class=Response,
                response_model=None,
                responses={200: {"content": {media_type: {}}}},
            )(read)
            return read

        return register


def _resolved(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature with annotations as objects: a face is made elsewhere, where their names mean nothing."""
    hints = typing.get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    parameters = [p.replace(annotation=hints.get(p.name, p.annotation)) for p in signature.parameters.values()]
    return signature.replace(parameters=parameters, return_annotation=hints.get("return"))


def _with_request(
    read: Callable[..., BaseModel], signature: inspect.Signature, answer: Callable[[Request, BaseModel], Response]
) -> Callable[..., Any]:
    """Return an endpoint with the parameters of `read`, whose model it hands on with the request."""
    own = next((p.name for p in signature.parameters.values() if p.annotation is Request), None)

    async def face(request_: Request, **values: Any) -> Response:
        if own is not None:
            values[own] = request_

        def work() -> Response:
            return answer(request_, read(**values))

        return await run_in_threadpool(work)

    request = inspect.Parameter("request_", inspect.Parameter.KEYWORD_ONLY, annotation=Request)
    others = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in signature.parameters.values() if p.name != own]
    face.__signature__ = inspect.Signature([request, *others])  # type: ignore[attr-defined]  # what FastAPI reads
    face.__annotations__ = {p.name: p.annotation for p in (request, *others)}
    face.__doc__ = read.__doc__
    return face


def _answer_json(request: Request, view: BaseModel) -> Response:
    """Answer a model as JSON with an ETag; 304 where the sender holds it already."""
    content = view.model_dump_json().encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization, Cookie"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_JSON, headers=headers)
