"""The gate: who asks, and whether the declared table lets them; and the wall that stands behind it.

Who asks is told by a token of the port's systems (``Authorization: Bearer``), else by a session's cookie, else it is a
guest. What the table of access does not name is refused.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Annotated
from urllib.parse import quote, urlsplit

import sqlalchemy as sa
from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool

from sealane.database.wall import stand_for
from sealane.errors import Phrase, RequestRefusedError, StoreError
from sealane.node.api_tokens import find_token
from sealane.node.context import Node
from sealane.node.settings import NodeSettings
from sealane.web.accounts import sessions
from sealane.web.accounts.roles import Role, access_table
from sealane.web.preferences import chosen, safe_path
from sealane.web.words import best_language

CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
LOGIN = "/login"
ACCOUNT = "/account"
# With a temporary password a person may do nothing but choose one.
_WITH_TEMPORARY = frozenset({ACCOUNT, "/logout", "/api/v1/account", "/api/v1/account/password"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = "application/x-www-form-urlencoded"
_MAX_NEXT = 1000


@dataclass(frozen=True)
class Viewer:
    """Who asks.

    Attributes
    ----------
    user_id : None for guests and tokens.
    login : what the person types; name of the token; ``guest``.
    role : a person's role; `Role.GUEST` for tokens, whose role is `token_role`.
    language, units, theme : what this browser chose, else the person's own choice, else what the browser asks for.
    csrf : token that this session's requests must bring when they change something; empty without a session.
    must_change_password : the person came with a temporary password.
    """

    user_id: str | None
    login: str
    name: str
    role: Role
    token_role: str | None
    language: str
    units: str
    theme: str
    csrf: str
    session_id_hash: str | None
    must_change_password: bool = False

    @property
    def standing(self) -> str:
        """The column of the table of access."""
        return self.token_role or self.role.value

    @property
    def is_guest(self) -> bool:
        """Whether nobody has logged in, neither a person nor a system."""
        return self.standing == Role.GUEST


async def viewer_of(request: Request) -> Viewer:
    """Return who asks; a dependency, and the same for the whole request.

    Raises
    ------
    RequestRefusedError
        401 when a token is given that does not work: it is never taken for a guest, nor for who the cookie names.
    """
    found: Viewer | None = getattr(request.state, "viewer", None)
    if found is None:
        found = await run_in_threadpool(_find_viewer, request)
        request.state.viewer = found
        request.state.participant = found.login if not found.is_guest else None  # for the access log
    return found


Viewed = Annotated[Viewer, Depends(viewer_of)]


def viewer_now(request: Request) -> Viewer:
    """Return who was found to ask, for what runs after the gate; a guest where nobody was looked for."""
    found: Viewer | None = getattr(request.state, "viewer", None)
    return found or _guest(request)


def gate(node: Node) -> Callable[[Request, Viewer], Awaitable[None]]:
    """Return the dependency that lets requests in or not; it stands on every router of the pages."""

    async def check(request: Request, viewer: Viewed) -> None:
        method = "GET" if request.method == "HEAD" else request.method
        access = access_table().get((method, declared_path(request)))
        if access is None or not access.lets_in(viewer.standing, node.settings.guests):
            raise _not_let_in(request, viewer)
        if viewer.must_change_password and access.path not in _WITH_TEMPORARY:
            raise _password_first(request)
        # The login's form has a token of its own: whoever fills it in need not be who is logged in.
        if viewer.session_id_hash is not None and request.method not in _SAFE and access.path != LOGIN:
            await _check_own_page(request, viewer, node.settings)

    return check


def declared_path(request: Request) -> str:
    """Return the path of the endpoint as it was declared, parameters in braces."""
    return str(getattr(request.scope.get("route"), "path", ""))


@cache
def allowed_paths(role: str, guests: bool = False) -> frozenset[str]:
    """Return the addresses without parameters that a role may GET; for navigation.

    Parameters
    ----------
    guests : the node's setting.
    """
    return frozenset(
        path
        for (method, path), access in access_table().items()
        if method == "GET" and "{" not in path and access.lets_in(role, guests)
    )


@contextmanager
def reading(node: Node, viewer: Viewer) -> Iterator[sa.Connection]:
    """Give a connection that sees one state of what the viewer may see (in PostgreSQL by its policies)."""
    with node.database.read() as connection:
        stand_for(connection, viewer.standing, viewer.user_id)
        yield connection


@contextmanager
def writing(node: Node, viewer: Viewer) -> Iterator[sa.Connection]:
    """Give a connection in a write transaction that reaches what the viewer may change."""
    with node.database.write() as connection:
        stand_for(connection, viewer.standing, viewer.user_id)
        yield connection


def address_of(request: Request, settings: NodeSettings) -> str:
    """Return the address a request came from.

    X-Forwarded-For is believed only as far as the setting `trusted_proxies` names who wrote it: from the right, up to
    the first address that is no trusted proxy.
    """
    peer = request.client.host if request.client else ""
    trusted = settings.proxy_networks
    chain = ",".join(request.headers.getlist("x-forwarded-for")).split(",") if trusted else []
    found = peer
    while chain and _is_within(found, trusted):
        text = chain.pop().strip()
        try:
            found = str(ipaddress.ip_address(text))
        except ValueError:
            break
    return found or "unknown"


def address_group(address: str) -> str:
    """Return what counts as one sender: an IPv4 address, or the /64 that one IPv6 customer has to himself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def safe_next(text: str | None) -> str:
    """Return where to go after the login: a path of this node, ``/`` for anything else."""
    if not text or len(text) > _MAX_NEXT or not text.isascii():
        return "/"
    path = safe_path(text)
    return "/" if urlsplit(path).path in {LOGIN, "/logout"} else path


def is_own_page(request: Request, settings: NodeSettings) -> bool:
    """Return whether the browser says that one of this node's own pages sent the request.

    ``Sec-Fetch-Site`` is set by the browser and cannot be set by a page; where it is missing (plain http on another
    host than this machine, old browsers) ``Origin`` decides. Neither is a refusal.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin", "")
    host = request.headers.get("host", "")
    return origin == settings.origin or (bool(host) and origin in {f"http://{host}", f"https://{host}"})


def wants_page(request: Request) -> bool:
    """Return whether a person's browser asks for a whole page, and not a script for data."""
    asked = "text/html" in request.headers.get("accept", "")
    return asked and request.method in {"GET", "HEAD"} and "hx-request" not in request.headers


def _find_viewer(request: Request) -> Viewer:
    node: Node = request.app.state.node
    now = node.clock()
    if "authorization" in request.headers:
        return _by_token(node, request.headers.getlist("authorization"), request, now)
    cookie = request.cookies.get(sessions.cookie_name(node.settings))
    if not cookie:
        return _guest(request)
    with node.database.read() as connection:
        session = sessions.find_session(connection, cookie, node.settings, now)
    if session is None:
        return _guest(request)
    if now - session.seen_at >= sessions.TOUCH_EVERY:
        # A full disk must not keep people from reading; the session then only seems idle.
        with suppress(StoreError), node.database.write() as connection:
            sessions.touch(connection, session, now)
    language, units, theme = chosen(request, session.language, session.units, session.theme)
    return Viewer(
        user_id=session.user_id,
        login=session.login,
        name=session.name,
        role=Role(session.role),
        token_role=None,
        language=language,
        units=units,
        theme=theme,
        csrf=session.csrf,
        session_id_hash=session.id_hash,
        must_change_password=session.must_change,
    )


def _by_token(node: Node, given: list[str], request: Request, now: dt.datetime) -> Viewer:
    scheme, _, text = given[0].partition(" ")
    token = None
    if len(given) == 1 and scheme.lower() == "bearer" and 0 < len(text.strip()) <= 200:
        with node.database.read() as connection:
            token = find_token(connection, text.strip(), now)
    if token is None:
        raise RequestRefusedError(
            401,
            "unknown-token",
            Phrase("The request carries no token this node accepts."),
            Phrase("Send Authorization: Bearer and a token of `sealane node token create`."),
        )
    return Viewer(None, token.name, token.name, Role.GUEST, token.role, *_choices(request), "", None)


def _guest(request: Request) -> Viewer:
    return Viewer(None, "guest", "", Role.GUEST, None, *_choices(request), "", None)


def _choices(request: Request) -> tuple[str, str, str]:
    return chosen(request, best_language(request.headers.get("accept-language", "")), "metric", "system")


def _not_let_in(request: Request, viewer: Viewer) -> Exception:
    if not viewer.is_guest:
        return RequestRefusedError(
            403,
            "role",
            Phrase("The role %(standing)s may not use this.", standing=viewer.token_role or viewer.role),
            Phrase("Ask the node's administrator for another role."),
        )
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    login = f"{LOGIN}?next={quote(safe_next(path), safe='/')}"
    if wants_page(request):
        return HTTPException(303, "Log in first.", {"Location": login, "Cache-Control": "no-store"})
    detail, remedy = Phrase("Nobody has logged in, or the login has ended."), Phrase("Log in, or send a token.")
    if "hx-request" in request.headers:  # htmx follows this; a plain redirect it would put into the page
        current = urlsplit(request.headers.get("hx-current-url", "/"))
        login = f"{LOGIN}?next={quote(safe_next(current.path), safe='/')}"
        return HTTPException(401, detail, {"HX-Redirect": login, "WWW-Authenticate": "Bearer"})
    return RequestRefusedError(401, "login", detail, remedy)


def _password_first(request: Request) -> Exception:
    if wants_page(request):
        return HTTPException(303, "Choose a password first.", {"Location": ACCOUNT, "Cache-Control": "no-store"})
    return RequestRefusedError(
        403,
        "temporary-password",
        Phrase("The password is a temporary one."),
        Phrase("Choose one of your own first, at /account."),
    )


async def _check_own_page(request: Request, viewer: Viewer, settings: NodeSettings) -> None:
    """Refuse what another site made a browser send with our cookie."""
    given = request.headers.get(CSRF_HEADER)
    if given is None and request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
        field = (await request.form(max_files=0, max_fields=50)).get(CSRF_FIELD)
        given = field if isinstance(field, str) else None
    if not (is_own_page(request, settings) and sessions.is_csrf_right(given, viewer.csrf)):
        raise RequestRefusedError(
            403,
            "foreign-request",
            Phrase("The request does not show that a page of this node sent it."),
            Phrase("Load the page again and repeat; scripts use a token instead of a cookie."),
        )


def _is_within(address: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
