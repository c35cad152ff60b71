"""Renders pages: templates with the reader's language, units and theme, under a policy that lets nothing else in."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from pydantic import BaseModel

from sealane.reference.time_zones import time_zone
from sealane.web.formats import add_filters
from sealane.web.words import LANGUAGES, Words

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
# Workers and pictures of the map are made from our own modules; nothing comes from another host, nothing is inline.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "private, no-cache",
    "Vary": "Cookie, Accept-Language",
    # With no-referrer browsers do not tell us that a form came from our own page (Origin: null).
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# (path, words, what a role needs to see it is in access.csv)
NAVIGATION = (
    ("/", "Overview"),
    ("/ports", "Ports"),
    ("/corridors", "Corridors"),
    ("/cargo", "Cargo"),
    ("/agreements", "Agreements"),
    ("/exchange", "Exchange"),
    ("/alerts", "Alerts"),
    ("/reports", "Reports"),
    ("/data", "Data"),
    ("/administration", "Administration"),
)


@cache
def environment() -> Environment:
    """Return the templates' environment: everything is escaped, and a name that is not given is an error."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,  # else each page looks up the time of each of its files
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    add_filters(made.filters)
    return made


@cache
def static_digest() -> str:
    """Return a digest of all static files, which stands in their addresses so that browsers may keep them for good."""
    found = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            found.update(path.relative_to(STATIC).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def static(path: str) -> str:
    """Return the address of a static file."""
    return f"/static/{static_digest()}/{path}"


def render_page(request: Request, template: str, view: BaseModel | None, status: int = 200, **more: Any) -> Response:
    """Return a page.

    Parameters
    ----------
    template : path under ``templates``.
    view : the model it shows.
    more : further names of the template.
    """
    text = render(request, template, view=view, **more)
    return Response(text, status, HEADERS, "text/html; charset=utf-8")


def render(request: Request, template: str, **values: Any) -> str:
    """Return the text of a template for who asks."""
    from sealane.web.accounts.gate import allowed_paths, viewer_now
    from sealane.web.preferences import chosen

    node = request.app.state.node
    viewer = viewer_now(request)
    language, units, theme = chosen(request, viewer.language, viewer.units, viewer.theme)
    words = Words(language)
    query = [(key, value) for key, value in request.query_params.multi_items()]

    def with_query(**changed: Any) -> str:
        """Return this page's address with some query parameters changed, or taken out where None."""
        kept = [(key, value) for key, value in query if key not in changed]
        kept += [(key, str(value)) for key, value in changed.items() if value is not None]
        return request.url.path + (f"?{urlencode(kept)}" if kept else "")

    shown_paths = allowed_paths(viewer.standing, node.settings.guests)
    context: dict[str, Any] = {
        "_": lambda text, **named: _translated(words, text, named),
        "gettext": words,
        "told": lambda text: _told(words, text),
        "ngettext": words.plural,
        "language": words.language,
        "languages": LANGUAGES,
        "units": units,
        "theme": theme,
        "viewer": viewer,
        "zone": time_zone(node.settings.unlocode),  # the port's own clocks, beside UTC
        "zone_of": time_zone,
        "now": node.clock(),
        "node_name": node.settings.name,
        "navigation": [(path, name) for path, name in NAVIGATION if path in shown_paths],
        "navigation_paths": shown_paths,
        "static": static,
        "path": request.url.path,
        "with_query": with_query,
        "layout": "layout.html.j2",
        "request_id": request.state.request_id,
    }
    return environment().get_template(template).render(context | values)


def _told(words: Words, text: str) -> Markup:
    """Return what an error says, in the reader's language; what no catalogue holds is marked as English."""
    said = escape(str.__str__(words.phrase(text)))
    is_other = words.language != "en" and bool(text) and not words.has_phrase(text)
    return Markup('<span lang="en">{}</span>').format(said) if is_other else said


def _translated(words: Words, text: str, named: dict[str, Any]) -> str | Markup:
    """Return a text in the reader's language; values are escaped, the text itself is ours."""
    found = words(text)
    if not named:
        return found
    return Markup(found.replace("<", "&lt;")) % named  # the text is the catalogue's, the values get escaped
