"""Language, units and colours: kept in the browser, without a login; they are nobody's secret."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse

from sealane.node.context import Node
from sealane.web.formats import UNIT_CHOICES
from sealane.web.words import LANGUAGES

COOKIE = "sealane_view"
THEMES = ("system", "light", "dark")
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
    """Return language, units and theme a browser has chosen; empty where it has not."""
    language, units, theme = [*request.cookies.get(COOKIE, "").split("."), "", "", ""][:3]
    return (
        language if language in LANGUAGES else "",
        units if units in UNIT_CHOICES else "",
        theme if theme in THEMES else "",
    )


def chosen(request: Request, language: str, units: str, theme: str) -> tuple[str, str, str]:
    """Return what a page is shown in: this browser's choice goes before the account's."""
    mine = preferences_of(request)
    return (mine[0] or language, mine[1] or units, mine[2] or theme)


def safe_path(text: str) -> str:
    """Return a path on this node; anything that a browser could read as another place becomes the overview."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() and "\\" not in text
    return text if is_ours else "/"
