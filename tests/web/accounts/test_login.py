"""Login, session and logout, as a browser sees them; on both databases."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from tests.web.accounts.people import PASSWORD, Browser, Place, make_person

from sealane.database.tables.accounts import rate_limit, user_password, web_session
from sealane.web.accounts import users
from sealane.web.accounts.passwords import hash_password
from sealane.web.accounts.sessions import session_hash


def is_in(browser: Browser) -> bool:
    return browser.http.get("/account").status_code == 200


def test_who_has_not_logged_in_is_led_to_the_login_and_back(place: Place) -> None:
    browser = place.browser()
    led = browser.http.get("/account?a=b")
    assert (led.status_code, led.headers["location"]) == (303, "/login?next=/account%3Fa%3Db")
    answer = browser.log_in("ann", next_path="/account?a=b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account?a=b")
    assert is_in(browser)
    assert browser.http.get("/login?next=/account").headers["location"] == "/account"


def test_a_login_is_found_however_it_is_typed(place: Place) -> None:
    assert place.browser().log_in("  ＡＮＮ ").status_code == 303


def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(place: Place) -> None:
    pages = []
    for login in ("ann", "nobody"):
        answer = place.browser().log_in(login, "not the password")
        assert answer.status_code == 200
        assert answer.headers.get("set-cookie") is None
        pages.append(re.sub(r'name="(form|login)" value="[^"]*"', "", answer.text).replace(" autofocus", ""))
        pages[-1] = re.sub(r"<code>.*?</code>", "", pages[-1])
    assert pages[0] == pages[1]
    assert place.audit() == [("ann", "login.failed", "ann"), ("unknown login", "login.failed", "unknown login")]


def test_an_unknown_login_costs_a_verification_too(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    verified = []
    real = users.verify_password
    monkeypatch.setattr(users, "verify_password", lambda *a: verified.append(a[1] is None) or real(*a))
    for login in ("ann", "nobody"):
        place.browser().log_in(login, "not the password")
    assert verified == [False, True]


def test_only_the_hash_of_a_session_is_stored(place: Place) -> None:
    browser = place.browser("ann")
    cookie = browser.cookie()
    assert cookie is not None
    with place.node.database.read() as connection:
        rows = connection.execute(sa.select(web_session)).all()
    assert [found.id_hash for found in rows] == [session_hash(cookie)]
    assert cookie not in repr(rows)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(place: Place) -> None:
    answer = place.browser().log_in("ann")
    given = next(text for text in answer.headers.get_list("set-cookie") if text.startswith("sealane="))
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(given.split("; "))


def test_logout_ends_the_session_in_the_database(place: Place) -> None:
    browser = place.browser("ann")
    cookie = browser.cookie()
    answer = browser.http.post("/logout", data={"csrf": browser.csrf})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert answer.headers["clear-site-data"] == '"cache"'
    thief = place.browser()
    thief.http.cookies.set("sealane", cookie or "", domain="127.0.0.1")
    assert not is_in(thief)
    assert place.audit()[-1] == ("ann", "logout", "ann")


def test_an_idle_session_ends_and_a_busy_one_ends_later(place: Place) -> None:
    idle, busy = place.browser("ann"), place.browser("ann")
    for _ in range(12 * 6 - 1):
        place.clock.advance(600)
        assert is_in(busy)
    assert not is_in(idle)
    place.clock.advance(600)
    assert not is_in(busy)


def test_the_session_brought_before_the_login_is_ended(place: Place) -> None:
    first = place.browser("ann")
    before = first.cookie()
    first.http.cookies.delete("sealane")
    page = first.http.get("/login")
    form = re.search(r'name="form" value="([^"]+)"', page.text)
    assert form
    fields = {"form": form[1], "login": "ann", "password": PASSWORD}
    first.http.cookies.set("sealane", before or "", domain="127.0.0.1")
    first.http.post("/login", data=fields)
    held = {cookie.value for cookie in first.http.cookies.jar if cookie.name == "sealane"}
    thief = place.browser()
    thief.http.cookies.set("sealane", before or "", domain="127.0.0.1")
    assert held != {before}
    assert not is_in(thief)


def test_a_cookie_somebody_made_up_is_no_session(place: Place) -> None:
    for made_up in ("x", "a" * 43, "é" * 20, "a" * 5000):
        browser = place.browser()
        assert browser.http.get("/account", headers={"cookie": f"sealane={made_up}".encode()}).status_code == 303


def test_a_temporary_password_opens_one_page_only_until_it_is_changed(place: Place) -> None:
    user = make_person(place.node, "new")
    with place.node.database.write() as connection:
        users.give_temporary_password(connection, user.id, hash_password("for-one-login"), place.clock())
    browser = place.browser()
    assert browser.log_in("new", "for-one-login", "/").headers["location"] == "/account"
    assert browser.http.get("/").headers["location"] == "/account"
    assert browser.call("GET", "/api/v1/overview").json()["type"].endswith("temporary-password")
    before = browser.cookie()
    body = {"present": "for-one-login", "new": "a better one of mine"}
    assert browser.call("POST", "/api/v1/account/password", body).status_code == 204
    assert browser.cookie() != before
    assert browser.http.get("/").status_code == 200
    assert place.browser().log_in("new", "for-one-login").status_code == 200


def test_a_temporary_password_ends(place: Place) -> None:
    user = make_person(place.node, "late")
    with place.node.database.write() as connection:
        users.give_temporary_password(connection, user.id, hash_password("for-one-login"), place.clock())
    place.clock.advance(72 * 3600)
    assert place.browser().log_in("late", "for-one-login").status_code == 200


def test_another_role_or_a_new_password_ends_every_session(place: Place) -> None:
    user = make_person(place.node, "kim")
    browser = place.browser("kim")
    with place.node.database.write() as connection:
        users.change_user(connection, user.id, place.clock(), role="steward")
    assert not is_in(browser)
    browser = place.browser("kim")
    with place.node.database.write() as connection:
        users.change_user(connection, user.id, place.clock(), disabled=True)
    assert not is_in(browser)
    assert place.browser().log_in("kim").status_code == 200


def test_a_hash_of_older_parameters_is_renewed_at_the_login(place: Place) -> None:
    from argon2 import PasswordHasher

    older = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with place.node.database.write() as connection:
        connection.execute(user_password.update().values(hash=older))
    place.browser("ann")
    with place.node.database.read() as connection:
        stored = connection.execute(sa.select(user_password.c.hash)).scalar_one()
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert place.browser().log_in("ann").status_code == 303


def test_the_wait_grows_and_ends_with_a_right_password(place: Place) -> None:
    waits = []
    for _ in range(9):
        answer = place.browser().log_in("ann", "wrong")
        while answer.status_code == 429:
            waits.append(int(answer.headers["retry-after"]))
            place.clock.advance(waits[-1])
            answer = place.browser().log_in("ann", "wrong")
    assert waits == [1, 2, 4, 8]
    answer = place.browser().log_in("ann")
    assert answer.status_code == 429, "the right password waits, too"
    place.clock.advance(int(answer.headers["retry-after"]))
    assert place.browser().log_in("ann").status_code == 303
    assert place.browser().log_in("ann", "wrong").status_code == 200


def test_guesses_from_elsewhere_do_not_lock_out_a_browser_used_before(place: Place) -> None:
    own = place.browser("ann")
    own.http.cookies.delete("sealane")
    for _ in range(6):
        place.browser(address="127.0.0.2").log_in("ann", "wrong")
    assert place.browser(address="127.0.0.3").log_in("ann").status_code == 429
    assert own.log_in("ann").status_code == 303
    # The cookie of one person's browser is nothing for another's account.
    make_person(place.node, "bob")
    for _ in range(6):
        place.browser(address="127.0.0.2").log_in("bob", "wrong")
    own.http.cookies.delete("sealane")
    assert own.log_in("bob").status_code == 429


def test_the_limit_table_names_nobody(place: Place) -> None:
    place.browser().log_in("ann", "wrong")
    with place.node.database.read() as connection:
        rows = connection.execute(sa.select(rate_limit)).all()
    assert rows
    assert "ann" not in repr(rows)
    assert "127.0.0.1" not in repr(rows)


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil", "\\\\e"]
)
def test_the_login_leads_to_no_other_place(place: Place, target: str) -> None:
    assert place.browser().log_in("ann", next_path=target).headers["location"] == "/"


def test_a_form_of_another_browser_or_site_is_refused(place: Place) -> None:
    browser = place.browser()
    assert browser.log_in("ann", **{"sec-fetch-site": "cross-site"}).status_code == 403
    assert browser.log_in("ann", **{"sec-fetch-site": "same-site"}).status_code == 403
    form = re.search(r'name="form" value="([^"]+)"', browser.http.get("/login").text)
    assert form
    other = place.browser()
    assert other.http.post("/login", data={"form": form[1], "login": "ann", "password": PASSWORD}).status_code == 403


def test_the_login_page_in_japanese_and_without_scripts(place: Place) -> None:
    page = place.browser(**{"accept-language": "ja,en;q=0.5"}).http.get("/login")
    assert '<html lang="ja"' in page.text
    assert page.headers["cache-control"] == "no-store"
    form = page.text.partition('<form class="card"')[2].partition("</form>")[0]
    assert "data-api" not in form


def test_a_login_that_none_can_be_is_wrong_and_no_fault(place: Place) -> None:
    for login in ("a\0b", "\0", "ann\0", "é" * 50):
        answer = place.browser().log_in(login)
        assert answer.status_code == 200 and 'name="password"' in answer.text, login


def test_an_address_with_a_nul_is_refused_whatever_the_database(place: Place) -> None:
    root = place.entered("root", "administrator")
    for path in ("/api/v1/administration/audit?actor=%00", "/explain/lane/%00", "/ports?x=a%00b", "/open/%00"):
        assert root.http.get(path, headers={"accept": "application/json"}).status_code == 422, path
    assert root.http.get("/api/v1/administration/audit?actor=%2500").status_code == 200
