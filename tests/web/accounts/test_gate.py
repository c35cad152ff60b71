"""The gate: who is let in, who is led to the login, and what another site cannot make a browser do."""

from __future__ import annotations

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from fastapi import APIRouter
from tests.web.accounts.people import ROLES, TOKENS, Place, add_probe, make_token, row

from sealane.node.settings import NodeSettings
from sealane.web.accounts import gate as gate_module
from sealane.web.accounts.gate import Viewed
from sealane.web.accounts.roles import access_table

# The gate asks the database for a session or a token only; the login's tests do so on both.
pytestmark = pytest.mark.parametrize("served_place", ["sqlite"], indirect=True)
ROWS = {
    ("GET", "/probe"): row("GET", "/probe", "steward", "reader", guests=True),
    ("POST", "/probe"): row("POST", "/probe", "steward", "feed"),
    ("GET", "/probe/{thing}"): row("GET", "/probe/{thing}", "steward"),
}


@pytest.fixture
def probed(place: Place) -> Iterator[Place]:
    if not hasattr(place.app.state, "probed"):
        router = APIRouter()

        @router.get("/probe")
        @router.post("/probe")
        @router.get("/probe/{thing}")
        @router.get("/forgotten")
        async def probe(viewer: Viewed) -> dict[str, str | None]:
            return {"standing": viewer.standing, "user": viewer.user_id}

        add_probe(place, router)
        place.app.state.probed = True
    with patch.object(gate_module, "access_table", lambda: access_table() | ROWS):
        yield place


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_let_in_where_its_column_says_so(probed: Place, role: str) -> None:
    browser = probed.entered("kim", role)
    allowed = 200 if role == "steward" else 403
    assert browser.call("GET", "/probe").status_code == allowed
    assert browser.call("GET", "/probe/1").status_code == allowed
    assert browser.call("POST", "/probe").status_code == allowed
    refused = browser.call("GET", "/forgotten")
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:sealane:problem:role")


@pytest.mark.parametrize("role", TOKENS)
def test_a_token_is_let_in_where_its_column_says_so_and_needs_no_csrf(probed: Place, role: str) -> None:
    headers = {"authorization": f"Bearer {make_token(probed.node, role)}"}
    http = probed.browser(site="cross-site").http
    assert http.get("/probe", headers=headers).status_code == (200 if role == "reader" else 403)
    assert http.post("/probe", headers=headers).status_code == (200 if role == "feed" else 403)
    assert http.get("/forgotten", headers=headers).status_code == 403


def test_a_wrong_token_is_neither_a_guest_nor_who_the_cookie_names(probed: Place) -> None:
    browser = probed.entered("kim", "steward")
    for given in ("Bearer sealane_wrong", "Basic a2ltOmtpbQ==", "Bearer", "", "Bearer " + "x" * 500):
        assert browser.call("GET", "/probe", authorization=given).status_code == 401, given
    twice = [("authorization", f"Bearer {make_token(probed.node, 'reader')}")] * 2
    assert browser.http.get("/probe", headers=twice).status_code == 401


def test_who_has_not_logged_in_gets_the_login_a_hint_for_htmx_or_a_problem(probed: Place) -> None:
    http = probed.browser().http
    assert http.get("/probe?x=1").headers["location"] == "/login?next=/probe%3Fx%3D1"
    hinted = http.get("/probe", headers={"hx-request": "true", "hx-current-url": f"{probed.origin}/probe/3?a=1"})
    assert (hinted.status_code, hinted.headers["hx-redirect"]) == (401, "/login?next=/probe/3")
    plain = http.get("/probe", headers={"accept": "application/json"})
    assert (plain.status_code, plain.json()["type"]) == (401, "urn:sealane:problem:login")
    assert http.post("/probe").status_code == 401


def test_guests_are_let_in_only_where_the_setting_and_the_row_say_so(probed: Place) -> None:
    http = probed.browser().http
    assert http.get("/probe").status_code == 303
    with patch.object(NodeSettings, "model_config", {**NodeSettings.model_config, "frozen": False}):
        object.__setattr__(probed.node.settings, "guests", True)
    try:
        assert http.get("/probe").json() == {"standing": "guest", "user": None}
        assert http.get("/probe/1").status_code == 303
        assert http.get("/administration").status_code == 303
    finally:
        object.__setattr__(probed.node.settings, "guests", False)


def test_a_foreign_page_cannot_use_the_cookie(probed: Place) -> None:
    browser = probed.entered("kim", "steward")
    other = probed.entered("lee", "steward")
    mine, theirs = browser.csrf, other.csrf
    assert mine != theirs
    assert browser.call("POST", "/probe", csrf=mine).status_code == 200
    for given in ("", "x", theirs, mine[:-1], mine + "x", "é"):
        fields = {"x-csrf-token": given.encode()}
        refused = browser.http.post("/probe", headers={"accept": "application/json", **fields})
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:sealane:problem:foreign-request"), given
    assert browser.http.post("/probe").status_code == 403
    for site in ("cross-site", "same-site", "none"):
        assert browser.call("POST", "/probe", csrf=mine, **{"sec-fetch-site": site}).status_code == 403, site


def test_a_plain_form_brings_the_token_as_a_field(probed: Place) -> None:
    browser = probed.entered("kim", "steward")
    assert browser.http.post("/probe", data={"csrf": browser.csrf}).status_code == 200
    assert browser.http.post("/probe", data={"csrf": "x"}).status_code == 403
    assert browser.http.post("/probe", files={"csrf": (None, browser.csrf.encode())}).status_code == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [("own", 200), ("https://evil.example", 403), ("null", 403), ("", 403), ("http://127.0.0.1", 403), (None, 403)],
)
def test_without_fetch_metadata_the_origin_decides(probed: Place, origin: str | None, status: int) -> None:
    browser = probed.entered("kim", "steward")
    csrf = browser.csrf
    del browser.http.headers["sec-fetch-site"]
    fields = {} if origin is None else {"origin": probed.origin if origin == "own" else origin}
    assert browser.call("POST", "/probe", csrf=csrf, **fields).status_code == status
