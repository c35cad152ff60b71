"""Language, units and colours: kept in the browser, without a login; they are nobody's secret."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse

from sealane.node.context import Node
from sealane.web.formats import UNIT_CHOICES
from sealane.web.words import LANGUAGES, best_language

COOKIE = "sealane_view"
THEMES = ("auto", "light", "dark")
_YEAR_S = 365 * 86_400


def router(node: Node) -> APIRouter:
    """Return the endpoint that keeps a reader's choices."""
    api = APIRouter(include_in_schema=False)

    @api.get("/preferences")
    def preferences(
        request: Request,
        language: str = "",
        units: str = "",
        theme: str = "",
        back: Annotated[str, Query(max_length=2000)] = "/",
    ) -> RedirectResponse:
        now = preferences_of(request)
        chosen = (
            language if language in LANGUAGES else now[0],
            units if units in UNIT_CHOICES else now[1],
            theme if theme in THEMES else now[2],
        )
        answer = RedirectResponse(safe_path(back), 303, {"Cache-Control": "no-store"})
        secure = node.settings.origin.startswith("https:")
        answer.set_cookie(COOKIE, ".".join(chosen), _YEAR_S, path="/", secure=secure, httponly=True, samesite="lax")
        return answer

    return api


def preferences_of(request: Request) -> tuple[str, str, str]:
    """Return language, units and theme a browser has chosen, else what it asks for and the defaults."""
    parts = request.cookies.get(COOKIE, "").split(".")
    language, units, theme = [*parts, "", "", ""][:3]
    return (
        language if language in LANGUAGES else best_language(request.headers.get("accept-language", "")),
        units if units in UNIT_CHOICES else "metric",
        theme if theme in THEMES else "auto",
    )


def safe_path(text: str) -> str:
    """Return a path on this node; anything that a browser could read as another place becomes the overview."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if is_ours else "/"
