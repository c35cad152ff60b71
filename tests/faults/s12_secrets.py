"""Row S12: secrets that are planted in a node turn up nowhere but where they are shown once on purpose.

Passwords (right, wrong, typed into the wrong field), session cookies and their tokens, tokens of systems, the secret of
the OpenID client, the password of the mail server (whose answer repeats it), webhook secrets and addresses that hold
one, the database's password. They go through logins, pages, the interface, messages that fail, a database that is away
and an endpoint that fails. Looked through: every answer (but the one that gives the secret), headers, the log at its
most talkative, metrics, the audit, and every column of the database. ``outside`` counts what was found. The controls
are a mail error told as the server wrote it, a log without its net, and channels kept in the clear.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, quote_plus

import httpx
import sqlalchemy as sa
from fastapi import APIRouter
from tests.faults.r4_outage import no_store
from tests.faults.world import Machine, machine, result
from tests.web.accounts.people import Place, make_person, served
from tests.web.alerts.receivers import hook_receiver, mail_server

from sealane.database import Database
from sealane.database.migrations import migrate
from sealane.database.tables import metadata
from sealane.errors import SealaneError
from sealane.node import logs
from sealane.node.api_tokens import create_token
from sealane.node.logs import JsonLines
from sealane.web.accounts.endpoints import endpoints_of
from sealane.web.alerts import mail, vault
from sealane.web.alerts.book import settle
from sealane.web.alerts.kinds import AlertKind, Finding, Severity
from sealane.web.alerts.telling import collect, send_due


@dataclass
class Plants:
    """Every secret by what it is; and every place that was looked through."""

    secrets: dict[str, str] = field(default_factory=dict)
    places: int = 0
    found: list[str] = field(default_factory=list)

    def plant(self, name: str, value: str = "") -> str:
        self.secrets[name] = value or f"{name.replace(' ', '-')}-{secrets.token_urlsafe(18)}"
        return self.secrets[name]

    def look(self, where: str, text: str, *, but: tuple[str, ...] = ()) -> None:
        """Look for every secret in a text, also as addresses, JSON and base64 write it."""
        self.places += 1
        for name, value in self.secrets.items():
            if name not in but and any(form in text for form in _forms(value)):
                self.found.append(f"{name} in {where}")


def _forms(value: str) -> set[str]:
    raw = value.encode()
    forms = {value, quote(value), quote_plus(value), json.dumps(value)[1:-1], raw.hex()}
    forms |= {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    return {form for form in forms if len(form) >= 12}


class _Asking:
    """Sends requests as one person and looks through every answer."""

    def __init__(self, plants: Plants, place: Place, login: str | None = None, password: str = "") -> None:
        self.plants = plants
        self.browser = place.browser()
        self.csrf = ""
        if login is not None:
            answer = self.browser.log_in(login, password)
            assert answer.status_code == 303, answer.text
            cookie = self.browser.cookie()
            assert cookie is not None
            plants.plant(f"cookie of {login}", cookie)
            self.csrf = self.browser.csrf
            plants.plant(f"csrf of {login}", self.csrf)
        self.login = login

    def get(self, path: str, **headers: str) -> httpx.Response:
        answer = self.browser.http.get(path, headers=headers)
        # Who asks for an address gets it back in the page's own links.
        asked = [name for name, value in self.plants.secrets.items() if value in path]
        self._look(f"GET {path.partition('?')[0]}", answer, *asked)
        return answer

    def send(self, method: str, path: str, body: Any, *, gives: str = "") -> httpx.Response:
        answer = self.browser.call(method, path, body, csrf=self.csrf)
        if gives and answer.status_code < 300:
            document = answer.json()
            value = next(document[key] for key in ("secret", "token", "password") if document.get(key))
            self.plants.plant(gives, value)
        self._look(f"{method} {path.partition('?')[0]}", answer, gives)
        return answer

    def _look(self, where: str, answer: httpx.Response, *but: str) -> None:
        # Its own page holds the token that its forms send; that is its purpose.
        own = (f"csrf of {self.login}", *but)
        self.plants.look(f"{where} ({answer.status_code})", answer.text, but=own)
        kept = [f"{key}: {value}" for key, value in answer.headers.multi_items() if key.lower() != "set-cookie"]
        self.plants.look(f"head of {where}", "\n".join(kept), but=own)


@contextmanager
def _everything_logged(plants: Plants) -> Iterator[None]:
    """Keep what is logged, as the node writes it and at the most talkative level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    # As `configure_logs("debug")` does; httpx is the test's own browser, which is no part of the node.
    levels = {"": logging.INFO, "sealane": logging.DEBUG, "uvicorn": logging.DEBUG, "httpx": logging.WARNING}
    before = {name: logging.getLogger(name).level for name in levels}
    disabled = root.manager.disable
    root.addHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.disable(logging.NOTSET)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
        logging.disable(disabled)
        plants.look("the log", stream.getvalue())


def drive(machine_: Machine, plants: Plants) -> None:
    """Plant everything in a node and send it through every path."""
    database = Database(machine_.url())
    migrate(database)
    password = database.engine.url.password
    if password and len(password) >= 12:
        plants.plant("database password", password)
    smtp = plants.plant("mail password")
    with ExitStack() as stack:
        box = stack.enter_context(mail_server(None))
        hooks = stack.enter_context(hook_receiver())
        box.accept_login = False  # and its answer repeats the password
        hooks.answers[:] = [500]
        place = stack.enter_context(
            served(
                machine_.folder / "node",
                database,
                smtp_url=f"smtp://user:{smtp}@127.0.0.1:{box.port}",
                alert_from="sealane@port.example",
                alert_private=True,
                oidc_issuer="http://127.0.0.1:9/realm",
                oidc_client_id="node",
                oidc_client_secret=plants.plant("client secret"),
                oidc_roles="staff=analyst",
            )
        )
        stack.enter_context(_everything_logged(plants))
        _people(plants, place)
        _messages(plants, place, hooks.url)
        _failing(machine_, plants, place)
        _stored(plants, place)
    database.close()


def _people(plants: Plants, place: Place) -> None:
    for role in ("analyst", "administrator"):
        make_person(place.node, role, role, plants.plant(f"password of {role}"))
    with place.node.database.write() as connection:
        token = create_token(connection, "monitor", "monitor", place.node.clock())[1]
        operator = create_token(connection, "operator", "operator", place.node.clock())[1]
    plants.plant("token of monitor", token)
    plants.plant("token of operator", operator)
    nobody = _Asking(plants, place)
    wrong = plants.plant("wrong password")
    for login, typed in (
        ("analyst", wrong),
        (wrong, wrong),  # the password typed into the field of the login
        (f"analyst {plants.secrets['password of analyst']}", "x" * 12),
    ):
        nobody._look("POST /login", nobody.browser.log_in(login, typed))
    nobody.get(f"/login?next=/&password={wrong}&token={token}")
    nobody.get(f"/nothing/{token}?authorization={wrong}")
    nobody.get("/login/provider")
    nobody.get("/metrics", authorization=f"Bearer {token}", accept="text/plain")
    nobody.get("/api/v1/exchange", authorization=f"Bearer {operator}")
    nobody.get("/api/v1/exchange", authorization=f"Bearer sealane_{wrong}{wrong}")


def _messages(plants: Plants, place: Place, url: str) -> None:
    boss = _Asking(plants, place, "administrator", plants.secrets["password of administrator"])
    target = f"{url}&token={plants.plant('secret in the address')}"
    body = {"kind": "webhook", "name": "hook", "target": target, "digest_minutes": 0}
    made = boss.send("POST", "/api/v1/alerts/channels", body, gives="webhook secret")
    assert made.status_code == 201, made.text
    bad = {**body, "target": f"ftp://user:{plants.secrets['secret in the address']}@x", "kinds": ["nonsense"]}
    boss.send("POST", "/api/v1/alerts/channels", bad)
    office = {"kind": "email", "name": "office", "target": "duty@port.example", "digest_minutes": 0}
    mailed = boss.send("POST", "/api/v1/alerts/channels", office)
    assert mailed.status_code == 201, mailed.text
    for channel in (made, mailed):
        tested = boss.send("POST", f"/api/v1/alerts/channels/{channel.json()['id']}/test", None)
        assert tested.json()["error"]  # both fail, and say so
    with place.node.database.write() as connection:
        finding = Finding(
            AlertKind.STREAM_STOPPED, "s", Severity.SEVERE, {"peer": "p", "clause": "c", "direction": "in"}
        )
        settle(connection, [finding], place.node.clock())
        collect(connection, place.node.clock())
    assert send_due(place.node).failed == 2
    boss.send("POST", "/api/v1/administration/tokens", {"name": "x", "role": "reader"}, gives="new token")
    new = {"login": "new", "name": "New", "role": "analyst"}
    boss.send("POST", "/api/v1/administration/users", new, gives="temporary password")
    own = {"present": plants.plant("wrong present password"), "password": plants.plant("wished password")}
    boss.send("POST", "/api/v1/account/password", own)
    for method, path in endpoints_of(place.app):
        if method == "GET" and "{" not in path and path not in {"/login/provider", "/logout"}:
            boss.get(path)
    analyst = _Asking(plants, place, "analyst", plants.secrets["password of analyst"])
    for path in ("/alerts/channels", "/account", "/exchange", "/alerts"):
        analyst.get(path)


def _failing(machine_: Machine, plants: Plants, place: Place) -> None:
    """Let the application fail with secrets in its hands, and the database go away."""
    boss = _Asking(plants, place, "administrator", plants.secrets["password of administrator"])
    smtp = plants.secrets["mail password"]
    router = APIRouter()

    def fail() -> None:
        url = f"smtp://user:{smtp}@mail.example"
        raise ConnectionError(f"cannot reach {url} with Authorization: Bearer {plants.secrets['token of operator']}")

    router.add_api_route("/failing", fail, methods=["GET"])
    place.app.include_router(router)
    assert boss.get("/failing").status_code == 500
    with no_store(machine_, place.node.database):
        boss.get("/alerts/channels")
        boss.send("POST", "/api/v1/alerts/channels", {"kind": "webhook", "name": plants.secrets["mail password"]})
        boss._look("POST /login", boss.browser.http.post("/login", data={"login": "analyst", "password": "x"}))
        try:
            send_due(place.node)
        except SealaneError as error:
            plants.look("an error of the store", str(error))


def _stored(plants: Plants, place: Place) -> None:
    """Look through every column of every table, and every file but those of keys."""
    # What the tables keep is a hash where it proves who somebody is, and encrypted where it is sent on.
    with place.node.database.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)).mappings():
                for name, value in row.items():
                    plants.look(f"{table.name}.{name}", str(value))
    for path in Path(place.node.folder).rglob("*"):
        if path.is_file() and "keys" not in path.parts and path.suffix not in {".db", ".db-wal", ".db-shm"}:
            plants.look(path.name, path.read_text("utf-8", "replace"))


def attempt(kind: str, **broken: Any) -> Plants:
    """Drive one node, whole or broken, and return what was found."""
    plants = Plants()
    with ExitStack() as stack:
        for (module, name), variant in broken.values():
            stack.enter_context(patch.object(module, str(name), variant))
        drive(stack.enter_context(machine(kind)), plants)
    return plants


def _in_the_clear(_folder: Path, text: str, _purpose: str) -> str:
    return text


def run(seed: int = 1, full: bool = False, database: str = "sqlite") -> dict[str, Any]:
    """Run row S12 on one kind of database."""
    del full
    whole = attempt(database)
    controls = {
        "a mail error told as the server wrote it": attempt(database, told=((mail, "_told"), str)).found,
        "a log without its net": attempt(database, net=((logs, "redact"), lambda text: text)).found,
        "channels kept in the clear": attempt(
            database, seal=((vault, "seal"), lambda _folder, text, _purpose: text)
        ).found,
    }
    return result(
        "S12",
        seed,
        database,
        passed=not whole.found and whole.places > 200,
        control_failed=all(controls.values()),
        tried=whole.places,
        outside=len(whole.found),
        planted=sorted(whole.secrets),
        found=whole.found[:40],
        controls={name: found[:3] for name, found in controls.items()},
    )
