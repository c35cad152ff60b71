"""Uploads a file as a script does: begins, sends parts, says that it is complete; the jobs are run by hand."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
from tests.web.accounts.people import Browser, Place

from sealane.web.tasks.runner import run_checks, run_work


def token(browser: Browser) -> str:
    """Return the session's token against foreign requests, asked for once."""
    known: dict[str, str] = browser.__dict__.setdefault("tokens", {})
    return known.get("csrf") or _ask(browser, known)


def _ask(browser: Browser, known: dict[str, str]) -> str:
    known["csrf"] = browser.csrf
    return known["csrf"]


def call(browser: Browser, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
    return browser.call(method, path, json, csrf=token(browser), **headers)


def begin(browser: Browser, kind: str, name: str, size: int, **options: Any) -> dict[str, Any]:
    body = {"kind": kind, "file_name": name, "size_bytes": size, "options": options}
    answer = call(browser, "POST", "/api/v1/imports", body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def put(browser: Browser, import_id: str, data: bytes, offset: int = 0) -> httpx.Response:
    headers = {"accept": "application/json", "x-csrf-token": token(browser), "content-type": "application/octet-stream"}
    path = f"/api/v1/imports/{import_id}/content"
    return browser.http.put(path, params={"offset": offset}, content=data, headers=headers)


def complete(browser: Browser, import_id: str, data: bytes) -> httpx.Response:
    body = {"sha256": hashlib.sha256(data).hexdigest()}
    return call(browser, "POST", f"/api/v1/imports/{import_id}/completion", body)


def send(browser: Browser, kind: str, name: str, data: bytes, part: int = 1 << 20, **options: Any) -> str:
    """Send a whole file; return the upload's id."""
    import_id = str(begin(browser, kind, name, len(data), **options)["id"])
    for at in range(0, len(data), part):
        answer = put(browser, import_id, data[at : at + part], at)
        assert answer.status_code == 200, answer.text
    answer = complete(browser, import_id, data)
    assert answer.status_code == 202, answer.text
    return import_id


def state(browser: Browser, import_id: str) -> dict[str, Any]:
    answer = call(browser, "GET", f"/api/v1/imports/{import_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def page(browser: Browser, import_id: str, **query: Any) -> dict[str, Any]:
    answer = browser.http.get(f"/api/v1/data/{import_id}", params=query, headers={"accept": "application/json"})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def checked(place: Place, browser: Browser, kind: str, name: str, data: bytes, **options: Any) -> dict[str, Any]:
    """Send a file and let it be checked; return its page."""
    import_id = send(browser, kind, name, data, **options)
    run_checks(place.node)
    return page(browser, import_id)


def apply(place: Place, browser: Browser, import_id: str, **changed: Any) -> dict[str, Any]:
    """Apply a checked upload and let the work be done; return its page."""
    answer = call(browser, "POST", f"/api/v1/imports/{import_id}/application", changed)
    assert answer.status_code == 202, answer.text
    run_checks(place.node)
    run_work(place.node)
    return page(browser, import_id)


def undo(browser: Browser, import_id: str, **body: Any) -> httpx.Response:
    return call(browser, "POST", f"/api/v1/imports/{import_id}/undoing", body)
