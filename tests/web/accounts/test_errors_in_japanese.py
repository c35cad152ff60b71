"""A Japanese reader reads refusals in Japanese, on pages and beside forms; a script with a token reads English."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.web.accounts.people import Browser, Place, make_token

from sealane.database.tables.accounts import user_account
from sealane.web.accounts.account import FREE_ATTEMPTS

# Words do not depend on the database.
pytestmark = pytest.mark.parametrize("served_place", ["sqlite"], indirect=True)
JA = {"accept-language": "ja"}
# Three words of ours in a row are a sentence; names, codes and units are shorter.
ENGLISH = re.compile(r"\b[A-Za-z][a-z']*(?:[,.;:]? +[A-Za-z][a-z']*){2,}")
IMPORT = {"kind": "vessels", "file_name": "v.csv", "size_bytes": 10}


class _Main(HTMLParser):
    """What a person reads in the middle of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inside, self.read, self.language = 0, "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.language = dict(attrs).get("lang") or "" if tag == "html" else self.language
        self.inside += tag == "main"

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag == "main"

    def handle_data(self, data: str) -> None:
        self.read += data if self.inside else ""


def assert_japanese(*texts: str) -> None:
    for text in texts:
        assert re.search("[\u3040-\u30ff]", text), text
        assert not ENGLISH.search(text), text


def assert_japanese_page(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    page = _Main(answer.text)
    assert page.language == "ja"
    assert_japanese(page.read)


def assert_japanese_problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == f"urn:sealane:problem:{kind}"
    assert answer.headers["content-language"] == "ja"
    assert "english" not in problem or problem["english"] == []
    assert_japanese(problem["detail"], problem["remedy"])
    for fault in problem.get("faults", []):
        assert_japanese(fault["found"], fault["remedy"])
    return problem


def japanese(place: Place, role: str = "analyst") -> Browser:
    """A person whose browser chose Japanese."""
    browser = place.entered(f"aya-{role}", role)
    browser.http.cookies.set("sealane_view", "ja.metric.system", domain="127.0.0.1")
    return browser


def test_the_reader_of_pages_reads_them_in_japanese(place: Place) -> None:
    guest = place.browser(**JA)
    assert_japanese_page(guest.log_in("ann", "not the password"), 200)
    assert_japanese_page(guest.http.get("/no/such/page"), 404)
    assert_japanese_page(guest.http.get("/no/such/page%00"), 422)
    assert_japanese_page(japanese(place).http.get("/administration"), 403)
    assert_japanese_page(japanese(place).http.get("/data/00000000-0000-0000-0000-000000000000"), 404)
    assert_japanese_page(japanese(place).http.get("/explain/import/x/y" + "z" * 5000), 404)


def test_the_walk_would_notice_an_english_sentence(place: Place) -> None:
    del place
    for text in ("ファイル The file has 10 bytes. です", "ここ：Give a whole number."):
        with pytest.raises(AssertionError):
            assert_japanese(text)


def test_a_persons_own_language_holds_where_nothing_was_looked_for(place: Place) -> None:
    browser = place.entered("emi")
    with place.node.database.write() as connection:
        connection.execute(sa.update(user_account).where(user_account.c.login == "emi").values(language="ja"))
    answer = browser.http.get("/no/such/page")
    assert_japanese_page(answer, 404)
    assert "emi Person" in answer.text  # the page knows who looks at it, too


def test_refused_uploads_say_why_in_japanese(place: Place) -> None:
    browser = japanese(place, "steward")
    post = {"options": {}, "kind": "product", "file_name": "x.csv", "size_bytes": 10}
    problem = assert_japanese_problem(browser.call("POST", "/api/v1/imports", post), 422, "invalid-request")
    assert "options.dataset" in problem["faults"][0]["found"]
    post["options"] = {"dataset": "no-such"}
    assert_japanese_problem(browser.call("POST", "/api/v1/imports", post), 422, "unknown-dataset")
    large = IMPORT | {"size_bytes": 1 << 45}
    problem = assert_japanese_problem(browser.call("POST", "/api/v1/imports", large), 413, "file-too-large")
    assert f"{1 << 45:,}" in problem["detail"]
    assert_japanese_problem(japanese(place).call("POST", "/api/v1/imports", IMPORT), 403, "role")


def test_validation_faults_are_told_in_japanese(place: Place) -> None:
    browser = japanese(place, "steward")
    wrong = {"kind": "nothing", "file_name": "", "size_bytes": "many", "more": 1}
    problem = assert_japanese_problem(browser.call("POST", "/api/v1/imports", wrong), 422, "invalid-request")
    assert {fault["where"] for fault in problem["faults"]} >= {"body kind", "body file_name", "body size_bytes"}
    assert_japanese_problem(browser.call("POST", "/api/v1/imports", {}), 422, "invalid-request")


def test_a_limit_on_attempts_is_told_in_japanese(place: Place) -> None:
    browser = japanese(place)
    body = {"present": "not mine at all", "new": "another one that is long enough"}
    for _ in range(FREE_ATTEMPTS):
        assert_japanese_problem(browser.call("POST", "/api/v1/account/password", body), 400, "invalid-input")
    answer = browser.call("POST", "/api/v1/account/password", body)
    assert_japanese_problem(answer, 429, "too-many-failures")
    assert int(answer.headers["retry-after"]) > 0


def test_a_token_and_a_request_without_a_language_are_answered_in_english(place: Place) -> None:
    token = {"authorization": f"Bearer {make_token(place.node, 'reader')}", "accept": "application/json"}
    for headers in (token | JA, {"accept": "application/json"}):
        answer = place.browser().http.get("/api/v1/no-such", headers=headers)
        assert (answer.status_code, answer.headers["content-language"]) == (404, "en")
        assert answer.json()["detail"] == "There is nothing at this address."
        assert "english" not in answer.json()
