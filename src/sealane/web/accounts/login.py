"""The login and its end: plain HTML forms that work without scripts.

A login is limited by account and by address, each with a wait that grows; in a browser the person has used before,
only by that browser, so that guesses made elsewhere lock nobody out.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from sealane.errors import Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.web.accounts import audit, oidc, sessions, users
from sealane.web.accounts.gate import ACCOUNT, LOGIN, Viewed, address_group, address_of, is_own_page, safe_next
from sealane.web.accounts.rate_limits import Allowance, allow, attempt, forgive, take_back
from sealane.web.accounts.roles import Role
from sealane.web.render import render_page

# Attempts before the wait begins to grow.
FREE_OF_ACCOUNT = 5
FREE_OF_BROWSER = 10
FREE_OF_ADDRESS = 20
PROVIDER_A_MINUTE = 60  # logins at the provider that one address may begin
MAX_FIELDS = 10
_FORM_S = 3600
_KNOWN_S = 90 * 86_400
_LOG = logging.getLogger("sealane.login")


class LoginPage(BaseModel):
    """What the page of the login shows.

    ``trouble``: wrong, wait, stale (the form is too old), or None. ``provider``: host of the OpenID provider.
    """

    next: str
    form: str
    login: str = ""
    trouble: str | None = None
    wait_s: int = 0
    provider: str | None = None


@dataclass(frozen=True)
class Attempt:
    """What somebody typed, and where from.

    Attributes
    ----------
    session, browser : values of the cookies that came along; empty for none.
    """

    login: str
    password: str
    address: str
    agent: str
    session: str
    browser: str
    request_id: str


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt; `user` is None where it failed.

    Attributes
    ----------
    session, browser : new values for the cookies.
    """

    user: users.User | None
    retry_after_s: int = 0
    must_change: bool = False
    session: str = ""
    browser: str = ""


def router(node: Node) -> APIRouter:
    """Return the endpoints of login and logout."""
    api = APIRouter(include_in_schema=False)
    settings = node.settings
    providers = oidc.Providers(node)

    def page(request: Request, status: int = 200, **shown: Any) -> Response:
        cookie = request.cookies.get(sessions.form_cookie_name(settings), "")
        fresh = "" if 20 <= len(cookie) <= 100 else secrets.token_urlsafe(32)
        host = urlsplit(settings.oidc_issuer).hostname if settings.oidc_issuer else None
        view = LoginPage(form=_form_token(fresh or cookie), provider=host, **shown)
        answer = render_page(request, "login/page.html.j2", view, status)
        answer.headers["Cache-Control"] = "no-store"
        # With no-referrer browsers hide from us that the form came from our own page.
        answer.headers["Referrer-Policy"] = "same-origin"
        if view.wait_s:
            answer.headers["Retry-After"] = str(view.wait_s)
        if fresh:
            sessions.set_cookie(answer, settings, fresh, sessions.form_cookie_name(settings), _FORM_S)
        return answer

    def let_in(session: str, target: str) -> Response:
        answer = RedirectResponse(target, 303, {"Cache-Control": "no-store"})
        sessions.set_cookie(answer, settings, session)
        return answer

    @api.get(LOGIN)
    def form(request: Request, viewer: Viewed, next: str = "/") -> Response:
        if viewer.user_id is not None:
            return RedirectResponse(safe_next(next), 303, {"Cache-Control": "no-store"})
        return page(request, next=safe_next(next))

    @api.post(LOGIN)
    async def log_in(request: Request) -> Response:
        fields = await request.form(max_files=0, max_fields=MAX_FIELDS)
        typed = {name: value for name, value in fields.items() if isinstance(value, str)}
        target = safe_next(typed.get("next"))
        login = users.read_login(typed.get("login", ""))[:100]
        cookie = request.cookies.get(sessions.form_cookie_name(settings), "")
        is_right = cookie and hmac.compare_digest(typed.get("form", "").encode(), _form_token(cookie).encode())
        if not (is_right and is_own_page(request, settings)):
            return page(request, 403, next=target, login=login, trouble="stale")
        tried = _attempt(request, node, login, typed.get("password", ""))
        outcome = await run_in_threadpool(try_login, node, tried)
        if outcome.retry_after_s:
            return page(request, 429, next=target, login=login, trouble="wait", wait_s=outcome.retry_after_s)
        if outcome.user is None:
            # Not 4xx: browsers would call a mistyped password a fault of the page.
            return page(request, next=target, login=login, trouble="wrong")
        answer = let_in(outcome.session, ACCOUNT if outcome.must_change else target)
        if outcome.browser:
            sessions.set_cookie(answer, settings, outcome.browser, sessions.known_cookie_name(settings), _KNOWN_S)
        sessions.clear_cookie(answer, settings, sessions.form_cookie_name(settings))
        return answer

    @api.post("/logout")
    def log_out(request: Request, viewer: Viewed) -> Response:
        if viewer.session_id_hash is not None:
            now = node.clock()
            with node.database.write() as connection:
                sessions.end_session(connection, viewer.session_id_hash, "logged out", now)
                audit.note(connection, viewer, "logout", viewer.login, {}, request.state.request_id, now)
        # Nothing of what was seen stays behind for whoever uses the browser next.
        answer = RedirectResponse(LOGIN, 303, {"Cache-Control": "no-store", "Clear-Site-Data": '"cache"'})
        sessions.clear_cookie(answer, settings)
        return answer

    @api.get("/login/provider")
    def to_provider(request: Request, next: str = "/") -> Response:
        if not settings.oidc_issuer:
            return RedirectResponse(LOGIN, 303)
        group = address_group(address_of(request, settings))
        with node.database.write() as connection:
            allowed = allow(connection, f"provider:{group}", PROVIDER_A_MINUTE, dt.timedelta(minutes=1), node.clock())
        if not allowed:
            raise RequestRefusedError(
                429,
                "too-many",
                Phrase("Too many logins were begun."),
                Phrase("Wait a little."),
                retry_after_s=allowed.retry_after_s,
            )
        begun = oidc.begin(node, providers, safe_next(next))
        answer = RedirectResponse(begun.url, 303, {"Cache-Control": "no-store"})
        seconds = int(oidc.LOGIN_FOR.total_seconds())
        sessions.set_cookie(answer, settings, begun.cookie, sessions.provider_cookie_name(settings), seconds)
        return answer

    @api.get(oidc.CALLBACK)
    def from_provider(request: Request) -> Response:
        if not settings.oidc_issuer:
            return RedirectResponse(LOGIN, 303)
        cookie = request.cookies.get(sessions.provider_cookie_name(settings), "")
        user, target = oidc.finish(node, providers, dict(request.query_params), cookie)
        tried = _attempt(request, node, user.login, "")
        now = node.clock()
        with node.database.write() as connection:
            session = _begin(node, connection, user, tried, "openid", now)
        answer = let_in(session, target)
        sessions.clear_cookie(answer, settings, sessions.provider_cookie_name(settings))
        return answer

    return api


def try_login(node: Node, tried: Attempt) -> Outcome:
    """Judge a login with a password; counted before it is judged, however it ends."""
    now = node.clock()
    with node.database.read() as connection:
        user = users.find_by_login(connection, tried.login)
        is_known = (
            user is not None
            and bool(tried.browser)
            and users.is_known_browser(connection, user.id, sessions.session_hash(tried.browser), now)
        )
        stored = users.password_row(connection, user)
    of_account = f"login:browser:{sessions.session_hash(tried.browser)}" if is_known else f"login:account:{tried.login}"
    of_address = f"login:address:{address_group(tried.address)}"
    with node.database.write() as connection:
        allowed = Allowance(True) if is_known else attempt(connection, of_address, FREE_OF_ADDRESS, now)
        if allowed:
            allowed = attempt(connection, of_account, FREE_OF_BROWSER if is_known else FREE_OF_ACCOUNT, now)
    if not allowed:
        _LOG.warning("too many logins failed", extra={"address": tried.address})
        return Outcome(None, allowed.retry_after_s)
    try:
        proof = users.prove(user, stored, tried.password, now)
    except RequestRefusedError:  # it was not judged, so it does not count
        with node.database.write() as connection:
            if not is_known:
                take_back(connection, of_address, now)
            take_back(connection, of_account, now)
        raise
    if proof is None or stored is None:
        with node.database.write() as connection:
            # What is no login may be a password typed into the wrong field.
            shown = user.login if user is not None else "unknown login"
            known = {"address": tried.address}
            audit.note_for(connection, None, shown, Role.GUEST, "login.failed", shown, known, tried.request_id, now)
        return Outcome(None)
    renewed = users.renewed_hash(stored, tried.password)
    browser = "" if proof.must_change else secrets.token_urlsafe(32)
    with node.database.write() as connection:
        # Locked in the same order as above, so that two logins never wait for each other.
        if not is_known:
            take_back(connection, of_address, now)
        forgive(connection, of_account)
        if renewed is not None:
            users.replace_hash(connection, proof.user.id, stored.hash, renewed)
        if browser:
            users.know_browser(connection, proof.user.id, sessions.session_hash(browser), now)
        session = _begin(node, connection, proof.user, tried, "password", now)
    return Outcome(proof.user, must_change=proof.must_change, session=session, browser=browser)


def _begin(node: Node, connection: sa.Connection, user: users.User, tried: Attempt, how: str, now: dt.datetime) -> str:
    """Begin a session, always a new one: what the browser brought may be known to somebody else."""
    if tried.session:
        sessions.end_session(connection, sessions.session_hash(tried.session), "logged in anew", now)
    users.note_login(connection, user.id, now)
    details = {"address": tried.address, "by": how}
    audit.note_for(connection, user.id, user.login, user.role, "login", user.login, details, tried.request_id, now)
    return sessions.start_session(connection, user.id, node.settings, now, tried.address, tried.agent)


def _attempt(request: Request, node: Node, login: str, password: str) -> Attempt:
    settings = node.settings
    return Attempt(
        login=login,
        password=password,
        address=address_of(request, settings),
        agent=request.headers.get("user-agent", ""),
        session=request.cookies.get(sessions.cookie_name(settings), ""),
        browser=request.cookies.get(sessions.known_cookie_name(settings), "")[:100],
        request_id=request.state.request_id,
    )


def _form_token(cookie: str) -> str:
    digest = hmac.new(cookie.encode(), b"sealane login form", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
