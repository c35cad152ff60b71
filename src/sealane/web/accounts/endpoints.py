"""Every endpoint of an application, as its routes declare them: what the table of access must name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from starlette.routing import BaseRoute, Mount


def endpoints_of(app: FastAPI) -> list[tuple[str, str]]:
    """Return (method, declared path) of every endpoint; HEAD and OPTIONS go with GET.

    Raises
    ------
    TypeError
        When the application holds a kind of route this function does not know: none may escape it.
    """
    return sorted(set(_walk(app.routes, "")))


def _walk(routes: list[BaseRoute], prefix: str) -> Iterator[tuple[str, str]]:
    for route in routes:
        found: Any = route
        if isinstance(route, Mount):
            if route.routes:
                yield from _walk(list(route.routes), prefix + route.path)
            else:
                yield ("GET", prefix + route.path)  # an application of its own, for instance static files
        elif hasattr(found, "original_router"):  # how FastAPI keeps a router that was included
            yield from _walk(found.original_router.routes, prefix + found.include_context.prefix)
        elif hasattr(found, "methods") and hasattr(found, "path"):
            for method in found.methods or ():
                if method not in {"HEAD", "OPTIONS"}:
                    yield (method, prefix + found.path)
        else:
            raise TypeError(f"{type(route).__name__} is a route of a kind that is not known here")
