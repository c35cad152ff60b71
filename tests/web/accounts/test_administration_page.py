"""Administration and one's own account, as pages and as interface; everything done stands in the audit."""

from __future__ import annotations

import csv
import io
import uuid

import pytest
import sqlalchemy as sa
from tests.web.accounts.people import PASSWORD, Place, make_person

from sealane.database.tables.accounts import user_password
from sealane.database.tables.results import answered_request
from sealane.web.accounts import users
from sealane.web.accounts.audit import note_for

# Where the second wall stands as well; what the pages ask of the database is the same on both.
pytestmark = pytest.mark.parametrize("served_place", ["postgresql"], indirect=True)
USERS = "/api/v1/administration/users"


def user_id(place: Place, login: str) -> str:
    with place.node.database.read() as connection:
        user = users.find_by_login(connection, login)
    assert user is not None
    return user.id


def test_a_person_is_added_changed_and_disabled(place: Place) -> None:
    root = place.entered("root", "administrator")
    made = root.call("POST", USERS, {"login": "Kenji", "name": "田中 健二", "role": "steward", "language": "ja"})
    assert made.status_code == 201, made.text
    password, found = made.json()["password"], made.json()["id"]
    kenji = place.browser()
    assert kenji.log_in("kenji", password).headers["location"] == "/account"
    assert '<html lang="ja"' in kenji.http.get("/account").text
    assert root.call("PATCH", f"{USERS}/{found}", {"role": "officer", "email": "k@example.org"}).status_code == 204
    assert kenji.http.get("/account").status_code == 303, "another role ends the session"
    assert root.call("PATCH", f"{USERS}/{found}", {"disabled": True}).status_code == 204
    assert kenji.log_in("kenji", password).status_code == 200
    assert root.call("PATCH", f"{USERS}/{found}", {"disabled": False, "email": ""}).status_code == 204
    shown = {user["login"]: user for user in root.call("GET", "/api/v1/administration").json()["users"]}
    assert (shown["kenji"]["role"], shown["kenji"]["email"], shown["kenji"]["disabled_at"]) == ("officer", None, None)
    assert "hash" not in str(shown)
    actions = [action for actor, action, _ in place.audit() if actor == "root"]
    assert actions == ["user.add", "user.change", "user.change", "user.change"]


def test_faults_of_a_new_person_are_all_told(place: Place) -> None:
    root = place.entered("root", "administrator")
    answer = root.call("POST", USERS, {"login": "no spaces", "name": "\x07", "role": "analyst", "email": "x"})
    assert [fault["where"] for fault in answer.json()["faults"]] == ["login", "name", "email"]
    taken = root.call("POST", USERS, {"login": "ANN", "name": "Another", "role": "analyst"})
    assert taken.json()["faults"][0]["found"] == "ann is taken"
    for body in (
        {"login": "x", "name": "x", "role": "guest"},
        {"login": "x", "name": "x", "role": "root"},
        {"login": "x", "name": "x", "role": "analyst", "password": "mine"},
        {"login": "x", "name": "x", "role": "analyst", "id": "1"},
    ):
        assert root.call("POST", USERS, body).status_code in {400, 422}, body


def test_the_last_administrator_cannot_be_taken_away(place: Place) -> None:
    root = place.entered("root", "administrator")
    for change in ({"role": "analyst"}, {"disabled": True}):
        refused = root.call("PATCH", f"{USERS}/{user_id(place, 'root')}", change)
        assert "is the last administrator" in refused.text
    make_person(place.node, "second", "administrator")
    assert root.call("PATCH", f"{USERS}/{user_id(place, 'second')}", {"role": "analyst"}).status_code == 204
    assert root.call("PATCH", f"{USERS}/{user_id(place, 'root')}", {"disabled": True}).status_code == 400


def test_a_temporary_password_is_shown_once_and_kept_nowhere(place: Place) -> None:
    root = place.entered("root", "administrator")
    path, key = f"{USERS}/{user_id(place, 'ann')}/password", {"idempotency-key": str(uuid.uuid4())}
    first = root.call("POST", path, {}, **key)
    again = root.call("POST", path, {}, **key)
    assert first.status_code == 200
    assert again.json()["type"].endswith("done-before")
    text = first.json()["password"]
    with place.node.database.read() as connection:
        rows = repr(connection.execute(sa.select(answered_request)).all())
        assert text not in rows + repr(connection.execute(sa.select(user_password)).all())
    assert text not in str(place.audit())
    assert place.browser().log_in("ann", text).status_code == 303


def test_what_is_sent_with_a_password_leaves_no_digest(place: Place) -> None:
    make_person(place.node, "bob")
    browser = place.entered("bob")
    key = {"idempotency-key": str(uuid.uuid4())}
    body = {"present": PASSWORD, "new": "another long sentence"}
    assert browser.call("POST", "/api/v1/account/password", body, **key).status_code == 204
    import hashlib
    import json

    digests = {
        hashlib.sha256(f"POST /api/v1/account/password?\0{text}".encode()).hexdigest()
        for text in (json.dumps(body), json.dumps(body, separators=(",", ":")))
    }
    with place.node.database.read() as connection:
        stored = set(connection.execute(sa.select(answered_request.c.digest)).scalars())
    assert stored
    assert not stored & digests


def test_a_token_is_made_used_and_revoked(place: Place) -> None:
    root = place.entered("root", "administrator")
    made = root.call("POST", "/api/v1/administration/tokens", {"name": "Grafana", "role": "monitor", "days": 30})
    token = made.json()
    http = place.browser().http
    assert http.get("/metrics", headers={"authorization": f"Bearer {token['token']}"}).status_code == 200
    page = root.http.get("/administration/tokens").text
    assert "Grafana" in page
    assert token["token"] not in page
    assert root.call("DELETE", f"/api/v1/administration/tokens/{token['id']}").status_code == 204
    assert http.get("/metrics", headers={"authorization": f"Bearer {token['token']}"}).status_code == 401
    assert root.call("DELETE", f"/api/v1/administration/tokens/{token['id']}").status_code == 404
    bad = root.call("POST", "/api/v1/administration/tokens", {"name": "x", "role": "administrator"})
    assert bad.status_code == 400
    assert [row[1:] for row in place.audit()] == [("token.create", "Grafana"), ("token.revoke", token["id"])]


def test_a_session_is_shown_and_ended(place: Place) -> None:
    root, ann = place.entered("root", "administrator"), place.entered("ann")
    shown = root.call("GET", "/api/v1/administration/sessions").json()["sessions"]
    mine = {one["login"]: one["mine"] for one in shown}
    assert mine == {"root": True, "ann": False}
    theirs = next(one["id"] for one in shown if one["login"] == "ann")
    assert root.call("DELETE", f"/api/v1/administration/sessions/{theirs}").status_code == 204
    assert ann.http.get("/account").status_code == 303
    assert root.call("DELETE", f"/api/v1/administration/sessions/{theirs}").status_code == 404


def test_one_ends_ones_own_sessions_and_nobody_elses(place: Place) -> None:
    here, there, other = place.entered("ann"), place.entered("ann"), place.entered("bob")
    shown = here.call("GET", "/api/v1/account").json()["sessions"]
    assert [one["login"] for one in shown] == ["ann", "ann"]
    theirs = other.call("GET", "/api/v1/account").json()["sessions"][0]["id"]
    assert here.call("DELETE", f"/api/v1/account/sessions/{theirs}").status_code == 404
    assert other.http.get("/account").status_code == 200
    second = next(one["id"] for one in shown if not one["mine"])
    assert here.call("DELETE", f"/api/v1/account/sessions/{second}").status_code == 204
    assert there.http.get("/account").status_code == 303


def test_ones_own_choices_show_at_once_and_hold_in_the_next_browser(place: Place) -> None:
    browser = place.entered("ann")
    browser.http.get("/preferences?language=en&theme=light")
    body = {"name": "Ann Ito", "language": "ja", "units": "us", "theme": "dark", "email": "ann@example.org"}
    assert browser.call("PATCH", "/api/v1/account", body).status_code == 204
    for page in (browser.http.get("/account").text, place.entered("ann").http.get("/account").text):
        assert '<html lang="ja" data-theme="dark">' in page
        assert "Ann Ito" in page
    assert browser.call("PATCH", "/api/v1/account", {"email": ""}).status_code == 204
    assert browser.call("GET", "/api/v1/account").json()["email"] is None
    for bad in ({"role": "administrator"}, {"login": "root"}, {"theme": "pink"}, {"language": "tlh"}, {"units": "x"}):
        assert browser.call("PATCH", "/api/v1/account", bad).status_code in {400, 422}, bad
    assert browser.call("GET", "/api/v1/account").json()["role"] == "analyst"


@pytest.mark.parametrize(
    ("present", "new", "words"),
    [
        ("wrong", "a new one that is long", "The present password is not right"),
        (PASSWORD, PASSWORD, "is the present one"),
        (PASSWORD, "short", "has 5 characters"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "fewer than 5 different"),
        (PASSWORD, "i am carol and long", "holds the login"),
        (PASSWORD, "x" * 201, "more than 200 characters"),
    ],
)
def test_a_password_that_will_not_do_is_refused_in_words(place: Place, present: str, new: str, words: str) -> None:
    make_person(place.node, "carol")
    browser = place.entered("carol")
    answer = browser.call("POST", "/api/v1/account/password", {"present": present, "new": new})
    assert answer.status_code == 400
    assert words in answer.text
    assert new not in answer.text
    assert browser.http.get("/account").status_code == 200


def test_guessing_the_present_password_is_limited(place: Place) -> None:
    browser = place.entered("ann")
    body = {"present": "wrong", "new": "a new one that is long"}
    found = [browser.call("POST", "/api/v1/account/password", body).status_code for _ in range(6)]
    assert found == [400] * 5 + [429]


def test_a_new_password_that_will_not_do_is_no_guess_at_the_present_one(place: Place) -> None:
    make_person(place.node, "carol")
    browser = place.entered("carol")
    body = {"present": PASSWORD, "new": "short"}
    found = [browser.call("POST", "/api/v1/account/password", body).status_code for _ in range(7)]
    assert found == [400] * 7
    assert browser.call("POST", "/api/v1/account/password", body | {"new": "one more sentence"}).status_code == 204


def test_the_audit_is_filtered_paged_and_exported_without_formulas(place: Place) -> None:
    root = place.entered("root", "administrator")
    with place.node.database.write() as connection:
        for number in range(130):
            actor, what = ("=cmd|'/c calc'!A1", "x") if number % 2 else ("eve", "@SUM(1)")
            note_for(connection, None, actor, "analyst", "test.do", what, {"n": number}, None, place.clock())
    page = root.call("GET", "/api/v1/administration/audit?action=test.do&actor=eve").json()
    assert len(page["entries"]) == 65
    assert {entry["actor"] for entry in page["entries"]} == {"eve"}
    page = root.call("GET", "/api/v1/administration/audit?action=test.do").json()
    rest = root.call("GET", f"/api/v1/administration/audit?action=test.do&after={page['after']}").json()
    assert (len(page["entries"]), len(rest["entries"]), rest["after"]) == (100, 30, None)
    day = place.clock().date()
    for query, many in ((f"begins={day}", True), (f"ends={day}", True), ("begins=2030-01-01", False)):
        assert bool(root.call("GET", f"/api/v1/administration/audit?{query}").json()["entries"]) is many
    assert root.call("GET", "/api/v1/administration/audit?ends=9999-12-31").status_code == 400
    text = root.http.get("/api/v1/administration/audit.csv?action=test.do").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 130
    assert {row["actor"] for row in rows} == {"eve", "'=cmd|'/c calc'!A1"}
    assert {row["object"] for row in rows} == {"x", "'@SUM(1)"}
    assert place.audit()[-1] == ("root", "audit.export", "audit")


def test_names_of_people_are_shown_as_text(place: Place) -> None:
    root = place.entered("root", "administrator")
    name = "<img src=x onerror=alert(1)>\"'{{7*7}}"
    root.call("POST", USERS, {"login": "odd", "name": name, "role": "analyst"})
    root.call("POST", "/api/v1/administration/tokens", {"name": name, "role": "monitor"})
    for path in ("", "/tokens", "/audit"):
        page = root.http.get(f"/administration{path}").text
        assert "<img src=x" not in page
        assert "49" not in page or "{{7*7}}" in page
    page = place.entered("odd").http.get("/account").text
    assert "&lt;img src=x" in page


@pytest.mark.parametrize("path", ["", "/tokens", "/sessions", "/audit", "/access"])
def test_every_page_of_the_administration_opens_in_both_languages(place: Place, path: str) -> None:
    root = place.entered("root", "administrator")
    for language in ("en", "ja"):
        root.http.get(f"/preferences?language={language}")
        page = root.http.get(f"/administration{path}")
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.text
        assert " style=" not in page.text
        assert "onclick" not in page.text
