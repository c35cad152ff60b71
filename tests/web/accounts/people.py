"""A node with pages on a real socket, people with roles, and browsers that log in as people do."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import APIRouter, Depends, FastAPI
from tests.live_nodes import Clock, free_socket, make_node, serving

from sealane.database import Database
from sealane.database.tables.accounts import audit_entry
from sealane.node.api_tokens import create_token
from sealane.node.context import Node
from sealane.web.accounts import users
from sealane.web.accounts.audit import AuditFilter, list_entries
from sealane.web.accounts.gate import gate
from sealane.web.accounts.passwords import hash_password
from sealane.web.accounts.roles import Access, Role
from sealane.web.accounts.sessions import cookie_name, start_session
from sealane.web.app import create_web_app

PASSWORD = "a sentence that is long"
ROLES = ("analyst", "steward", "officer", "administrator")
TOKENS = ("feed", "reader", "operator", "monitor")


@cache
def _hashed(password: str) -> str:
    return hash_password(password)


def make_person(node: Node, login: str, role: str = "analyst", password: str = PASSWORD) -> users.User:
    """Make an account with a password of its own, not a temporary one."""
    now = node.clock()
    with node.database.write() as connection:
        user = users.add_user(connection, login=login, name=f"{login} Person", role=role, now=now)
        users.set_password(connection, user.id, _hashed(password), now)
    return user


def make_token(node: Node, role: str) -> str:
    with node.database.write() as connection:
        return create_token(connection, f"{role} system", role, node.clock())[1]


class Browser:
    """Cookies, the form of the login and the token against foreign requests, as a browser has them."""

    def __init__(self, origin: str, address: str = "127.0.0.1", site: str = "same-origin", **headers: str) -> None:
        transport = httpx.HTTPTransport(local_address=address)
        fields = {"accept": "text/html", "sec-fetch-site": site, "user-agent": "Test/1.0", **headers}
        self.http = httpx.Client(base_url=origin, headers=fields, transport=transport, timeout=30, trust_env=False)

    def log_in(self, login: str, password: str = PASSWORD, next_path: str = "/", **headers: str) -> httpx.Response:
        page = self.http.get("/login", params={"next": next_path})
        found = re.search(r'name="form" value="([^"]+)"', page.text)
        assert found is not None, page.text
        form = {"form": found[1], "next": next_path, "login": login, "password": password}
        return self.http.post("/login", data=form, headers=headers)

    @property
    def csrf(self) -> str:
        found = re.search(r'name="csrf" content="([^"]*)"', self.http.get("/account").text)
        return found[1] if found else ""

    def call(self, method: str, path: str, json: Any = None, csrf: str | None = None, **headers: str) -> httpx.Response:
        """Call the interface as the module of forms does."""
        fields = {"accept": "application/json", "x-csrf-token": self.csrf if csrf is None else csrf, **headers}
        return self.http.request(method, path, json=json, headers=fields)

    def cookie(self, name: str = "sealane") -> str | None:
        return next((cookie.value for cookie in self.http.cookies.jar if cookie.name == name), None)


@dataclasses.dataclass
class Place:
    """A node that serves its pages, and the clock it goes by."""

    node: Node
    clock: Clock
    app: FastAPI
    browsers: list[Browser] = dataclasses.field(default_factory=list)
    entries_before: int = 0

    def begin(self, now: dt.datetime) -> None:
        """Begin a test: set the clock; entries of the audit before do not count, for they cannot be removed."""
        self.clock.now = now
        with self.node.database.read() as connection:
            count = sa.select(sa.func.count()).select_from(audit_entry)
            self.entries_before = connection.execute(count).scalar_one()

    def close_browsers(self) -> None:
        for browser in self.browsers:
            browser.http.close()
        self.browsers.clear()

    @property
    def origin(self) -> str:
        return self.node.settings.origin

    def browser(self, login: str | None = None, **options: Any) -> Browser:
        found = Browser(self.origin, **options)
        self.browsers.append(found)
        if login is not None:
            answer = found.log_in(login)
            assert answer.status_code == 303, answer.text
        return found

    def entered(self, login: str, role: str = "analyst", **options: Any) -> Browser:
        """Return the browser of a new person with a session, without the time a login takes."""
        with self.node.database.read() as connection:
            user = users.find_by_login(connection, login)
        now = self.node.clock()
        with self.node.database.write() as connection:
            if user is None:
                user = users.add_user(connection, login=login, name=f"{login} Person", role=role, now=now)
            cookie = start_session(connection, user.id, self.node.settings, now, "127.0.0.1", "Test/1.0")
        found = self.browser(**options)
        found.http.cookies.set(cookie_name(self.node.settings), cookie, domain="127.0.0.1")
        return found

    def audit(self) -> list[tuple[str, str, str]]:
        """Return (actor, action, object) of every entry, oldest first."""
        with self.node.database.read() as connection:
            entries = list_entries(connection, AuditFilter(), limit=100_000)
        found = [(entry.actor, entry.action, entry.object) for entry in reversed(entries)]
        return found[self.entries_before :]


@contextmanager
def served(folder: Path, database: Database, participant: str = "urn:test:here", **settings: Any) -> Iterator[Place]:
    """Serve a node's whole application on a free port of loopback."""
    clock = Clock()
    listening = free_socket()
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    node = make_node(folder, database, participant, origin, clock)
    checked = type(node.settings).model_validate(node.settings.model_dump() | settings)
    node = dataclasses.replace(node, settings=checked)
    app = create_web_app(node)
    place = Place(node, clock, app)
    with serving(app, listening):
        yield place
        place.close_browsers()
    node.outbound.close()


def add_probe(place: Place, router: APIRouter) -> None:
    """Put endpoints of a test behind the gate of a place."""
    place.app.include_router(router, dependencies=[Depends(gate(place.node))])


def row(method: str, path: str, *allowed: str, guests: bool = False) -> Access:
    return Access(method, path, frozenset(allowed), guests, "a test's")


__all__ = [
    "PASSWORD",
    "ROLES",
    "TOKENS",
    "Browser",
    "Place",
    "Role",
    "add_probe",
    "make_person",
    "make_token",
    "served",
]
