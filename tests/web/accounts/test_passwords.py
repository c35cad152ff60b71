"""Hashes, what a password must be, and how much of the machine a login may take; cookies by https."""

from __future__ import annotations

import threading
from http.cookies import SimpleCookie

import pytest
from starlette.responses import Response

from sealane.errors import DataError, RequestRefusedError
from sealane.node.settings import make_settings
from sealane.web.accounts import passwords, sessions
from sealane.web.accounts.passwords import check_password, hash_password, temporary_password, verify_password


def test_the_hash_has_the_parameters_of_rfc_9106_and_a_salt() -> None:
    one, other = hash_password("the same password"), hash_password("the same password")
    assert one.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert one != other
    assert verify_password("the same password", one)
    assert not verify_password("another password", one)
    assert not verify_password("the same password", None)
    assert not verify_password("the same password", "no hash at all")
    assert not verify_password("x" * 201, one)


def test_a_password_is_the_same_from_every_keyboard() -> None:
    stored = hash_password("pa\u0301s\uff53word de longue")
    assert verify_password("pássword de longue", stored)


def test_all_faults_of_a_password_are_told_and_it_is_not() -> None:
    with pytest.raises(DataError) as caught:
        check_password("annannann", "ann.lee", "Ann", "annann")
    assert len(caught.value.faults) == 3
    assert "annannann" not in str(caught.value)
    check_password("correct horse battery", "ann", "Ann Lee", "Port of X")
    check_password("安全な合言葉をここに置く", "ann", "Ann Lee", "Port of X")


def test_a_temporary_password_can_be_typed_and_is_never_the_same() -> None:
    found = {temporary_password() for _ in range(200)}
    assert len(found) == 200
    assert all(len(text) == 19 and text.count("-") == 3 for text in found)
    assert not set("".join(found)) & set("01oilO")
    for text in found:
        check_password(text)


def test_logins_wait_in_a_short_line_and_the_rest_is_told_to_come_again() -> None:
    hash_password("so that the library is loaded")
    held = [passwords._turns.acquire() for _ in range(passwords.AT_ONCE)]
    answers: list[str] = []

    def log_in() -> None:
        try:
            answers.append(str(verify_password("x", None)))
        except RequestRefusedError as error:
            answers.append(f"{error.status} {error.retry_after_s}")

    threads = [threading.Thread(target=log_in) for _ in range(passwords.IN_LINE + passwords.AT_ONCE + 20)]
    for thread in threads:
        thread.start()
    while len(answers) < 20:
        threading.Event().wait(0.01)
    assert answers == ["503 5"] * 20, "whoever finds the line full does not wait"
    for _ in held:
        passwords._turns.release()
    for thread in threads:
        thread.join()
    assert not verify_password("x", None), "the line is free again"


@pytest.mark.parametrize(
    ("origin", "name"), [("https://x.example", "__Host-sealane"), ("http://127.0.0.1:1", "sealane")]
)
def test_by_https_the_cookie_is_bound_to_the_host(origin: str, name: str) -> None:
    settings = make_settings({"participant": "urn:x:y", "name": "X", "origin": origin}, {}, "test")
    answer = Response()
    sessions.set_cookie(answer, settings, "text")
    cookie = SimpleCookie(answer.headers["set-cookie"])[name]
    assert bool(cookie["secure"]) is origin.startswith("https")
    assert (cookie["path"], cookie["domain"], cookie["samesite"], cookie["httponly"]) == ("/", "", "lax", True)
    sessions.clear_cookie(answer, settings)
    assert sessions.csrf_token("a") != sessions.csrf_token("b")
    assert not sessions.is_csrf_right("", "")
