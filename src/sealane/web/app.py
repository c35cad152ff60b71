"""Puts the node's interface, the rooms of the web application and its files together into one application."""

from __future__ import annotations

import importlib
from typing import Any

from fastapi import Depends, FastAPI

from sealane.node.app import Lifespan, create_app
from sealane.node.context import Node
from sealane.web.error_pages import ErrorPages
from sealane.web.static_files import static_router

# Every module offers room(node) -> Room, or router(node) -> APIRouter where its answers are neither pages nor JSON.
ROOMS = (
    "accounts.login",
    "accounts.account",
    "administration",
    "overview",
    "tiles.router",
    "agreements",
    "cargo",
    "corridor",
    "reports",
    "port.room",
    "explain.room",
    "data",
    "tasks.room",
    "alerts.room",
    "exchange.room",
)
# Not behind the gate of access.csv: what a browser needs before anybody has logged in.
OPEN_ROUTERS = ("preferences",)
# Periodic work beside the node's own: modules with JOBS, rows of (name, setting that holds the period, function).
WORK: tuple[str, ...] = (
    "accounts.cleaning",
    "idempotency",
    "data",
    "alerts.job",
    "exchange.checks",
    "port.prepare",
    "tiles.prepare",
)


def create_web_app(node: Node, *, lifespan: Lifespan | None = None) -> FastAPI:
    """Return the whole application of a node: its interface to partners and systems, and its pages.

    Parameters
    ----------
    node : what every endpoint works with.
    lifespan : runs around serving, for instance the background jobs; none by default.
    """
    from sealane.web.accounts.gate import gate

    app = create_app(node, lifespan=lifespan)
    behind_gate: list[Any] = [Depends(gate(node))]
    app.include_router(static_router())
    for name in OPEN_ROUTERS:
        app.include_router(importlib.import_module(f"sealane.web.{name}").router(node))
    for name in ROOMS:
        module = importlib.import_module(f"sealane.web.{name}")
        if hasattr(module, "router"):
            app.include_router(module.router(node), dependencies=behind_gate)
        else:
            room = module.room(node)
            app.include_router(room.api, dependencies=behind_gate)
            app.include_router(room.pages, dependencies=behind_gate)
    app.state.work = tuple(row for name in WORK for row in importlib.import_module(f"sealane.web.{name}").JOBS)
    _show_problems_as_pages(app)
    return app


def _show_problems_as_pages(app: FastAPI) -> None:
    """Put the error pages around everything, the edge included: what it refuses must be readable, too."""
    build = app.build_middleware_stack

    def with_pages() -> Any:
        return ErrorPages(build(), app)

    app.build_middleware_stack = with_pages  # type: ignore[method-assign]  # as the edge does it
