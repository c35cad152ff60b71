"""Puts the routers of the HTTP interface together into one application."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

import sealane
from sealane.node.context import Node
from sealane.node.edge import Edge
from sealane.node.metrics import Metrics
from sealane.node.problems import (
    MEDIA_TYPE,
    Problem,
    ProblemDocument,
    ProblemForm,
    ProblemForms,
    add_problem_handlers,
)

# Every module offers `router(node) -> APIRouter`; it may offer PROBLEM_FORMS, the error form of its standard by path.
# Routes are looked through in this order: what is asked most often comes first.
API_MODULES = (
    "events",
    "port_calls",
    "track_and_trace",
    "schedules",
    "health",
    "identity",
    "dsp",
    "ledger",
    "agreements",
    "documents",
    "open_data",
)
TEST_MODULES = ("dsp_triggers",)  # only in the test profile

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_PROBLEM: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}}
    for status, text in (
        (400, "The request is malformed."),
        (401, "Who asks is not proven."),
        (403, "Who asks may not."),
        (404, "There is no such thing."),
        (405, "Not this method."),
        (409, "It contradicts what is there."),
        (413, "The body is too large."),
        (415, "Not this media type."),
        (422, "The request is not valid."),
        (429, "Too many requests; see Retry-After."),
        (500, "The node failed."),
        (503, "Not now; see Retry-After."),
    )
}


def create_app(node: Node, *, lifespan: Lifespan | None = None) -> FastAPI:
    """Return the application of a node.

    Parameters
    ----------
    node : what every endpoint works with.
    lifespan : runs around serving, for instance the background jobs; none by default.

    Notes
    -----
    The result carries ``app.state.node`` and ``app.state.metrics``.
    """
    names = API_MODULES + (TEST_MODULES if node.settings.test_profile else ())
    modules = [importlib.import_module(f"sealane.node.api.{name}") for name in names]
    forms: dict[str, Any] = {}
    for module in modules:
        forms |= getattr(module, "PROBLEM_FORMS", {})
    app = FastAPI(
        title="Sealane node",
        version=sealane.__version__,
        summary=f"Interface of the node of {node.settings.name}",
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        responses=_PROBLEM,
        lifespan=lifespan or _nothing,
        redirect_slashes=False,
    )
    app.state.node = node
    app.state.metrics = metrics = Metrics(node)
    add_problem_handlers(app, forms)
    for module in modules:
        router: APIRouter = module.router(node)
        app.include_router(router)
    _describe_problems(app, forms)
    _put_edge_around(app, node, forms, metrics)
    return app


@asynccontextmanager
async def _nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


def _put_edge_around(app: FastAPI, node: Node, forms: ProblemForms, metrics: Metrics) -> None:
    """Make the edge the outermost layer, outside the framework's own answer to unhandled faults."""
    build = app.build_middleware_stack

    def with_edge() -> Any:
        return Edge(
            build(),
            body_limit_bytes=node.settings.body_limit_bytes,
            forms=forms,
            observe=metrics.observe,
            is_https=node.settings.origin.startswith("https:"),
        )

    app.build_middleware_stack = with_edge  # type: ignore[method-assign]  # the documented hook puts layers further in


def _describe_problems(app: FastAPI, forms: ProblemForms) -> None:
    """Let the interface description say which form errors have, where the framework would describe its own."""
    original = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        document = original()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= problem.pop("$defs", {})
        schemas["ProblemDocument"] = problem
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for path, operations in document.get("paths", {}).items():
            form = next((form for prefix, form in forms.items() if path.startswith(prefix)), None)
            for operation in operations.values():
                _use_problems(operation.get("responses", {}), form)
        return document

    app.openapi = described  # type: ignore[method-assign]  # the hook FastAPI documents for this


def _use_problems(responses: dict[str, Any], form: ProblemForm | None) -> None:
    for status, response in responses.items():
        content = response.get("content", {})
        is_frameworks = "HTTPValidationError" in str(content.get("application/json", {}).get("schema", {}))
        if form is not None and (is_frameworks or MEDIA_TYPE in content):
            media_type = form(Problem(int(status), "any", "", "", "")).media_type or "application/json"
            responses[status] = {"description": _PROBLEM[int(status)]["description"], "content": {media_type: {}}}
        elif is_frameworks:
            responses[status] = _PROBLEM[int(status)]
