"""Row S5: every endpoint, asked by everybody, at three ports; and what people may not reach though they are let in.

For each endpoint, role and port the answer must be what `access.csv` says (``outside`` counts the others). Beyond that:
cookies, tokens and ids of one port at another; a person's things asked for by another person; bodies with fields that
nobody may set. The controls are an application whose gate lets everybody in, one with an endpoint that the table does
not name, one that takes a role from a body, and one that does not ask whose session it ends.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from tests.faults.access_world import PEOPLE, STANDINGS, Port, bodies_of, three_ports
from tests.faults.sent_by_hand import quiet
from tests.faults.world import NotProvenError, machine, result

from sealane.web.accounts import account as account_module
from sealane.web.accounts import sessions
from sealane.web.accounts.endpoints import endpoints_of
from sealane.web.accounts.gate import gate
from sealane.web.accounts.roles import Access, access_table

EXTRA = {
    "role": "administrator",
    "is_admin": True,
    "user_id": "x",
    "created_by": "x",
    "disabled_at": None,
    "public": True,
}
_LET_IN_BUT_REFUSED = {"form", "provider-login", "foreign-request"}  # 403 for another reason than the role


@dataclass
class Found:
    """What was tried; `wrong` says in words what differed."""

    tried: int = 0
    let_in: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def outside(self) -> int:
        return len(self.wrong)

    def note(self, is_right: bool, words: str) -> None:
        self.tried += 1
        if not is_right:
            self.wrong.append(words)


def missing_rows(port: Port) -> set[tuple[str, str]]:
    """Endpoints that the table does not name."""
    return set(endpoints_of(port.app)) - set(access_table())


def matrix(port: Port, found: Found, rng: random.Random, rows: int | None = None) -> None:
    """Ask every endpoint (or so many, chosen) as everybody and compare with the table."""
    endpoints = endpoints_of(port.app)
    chosen = endpoints if rows is None else rng.sample(endpoints, rows)
    for method, path in chosen:
        access = access_table().get((method, path))
        for standing in STANDINGS:
            status, kind = port.ask(standing, method, path)
            is_in = not _is_refused(status, kind)
            expected = access is not None and access.lets_in(standing, port.node.settings.guests)
            found.let_in += is_in
            found.note(is_in == expected, f"{port.name}: {standing} {method} {path}: {status} {kind}")
            if status >= 500 and kind not in {"keys-unavailable", "provider-login"}:
                found.note(False, f"{port.name}: {standing} {method} {path}: {status} {kind}")


def _is_refused(status: int, kind: str) -> bool:
    if status == 303:
        return kind == "login"
    return status in {401, 403} and kind not in _LET_IN_BUT_REFUSED


def across_ports(ports: list[Port], found: Found) -> None:
    """A login or a token of one port is nothing at another, and neither is an id."""
    for port in ports:
        for other in ports:
            if port is other:
                continue
            for standing in (*PEOPLE, "reader", "operator"):
                headers = other.headers(standing, "GET", "/")
                status, kind = port.send("GET", "/api/v1/account", headers)
                is_out = status == 401 or kind == "login"
                found.note(is_out, f"{standing} of {other.name} at {port.name}: {status} {kind}")
            for method, path in (
                ("PATCH", f"/api/v1/administration/users/{other.user_ids['analyst']}"),
                ("POST", f"/api/v1/administration/users/{other.user_ids['analyst']}/password"),
                ("DELETE", f"/api/v1/administration/tokens/{other.token_ids['reader']}"),
                ("DELETE", f"/api/v1/administration/sessions/{other.session_of('analyst')}"),
            ):
                body = b'{"name":"taken"}'
                status, kind = port.send(method, path, port.headers("administrator", method, path, body), body)
                found.note(status == 404, f"{port.name}: id of {other.name}: {method} {path}: {status} {kind}")


def across_people(port: Port, found: Found) -> None:
    """What is one person's own is not another's, whatever the role below administrator."""
    for owner in PEOPLE:
        for other in PEOPLE:
            if owner == other:
                continue
            theirs = port.session_of(owner)
            path = f"/api/v1/account/sessions/{theirs}"
            status, kind = port.send("DELETE", path, port.headers(other, "DELETE", path))
            found.note(status == 404 and port.is_alive(theirs), f"{other} ends a session of {owner}: {status} {kind}")
            follow = port.follow_of(owner)
            path = f"/api/v1/cargo-follows/{follow}"
            status, kind = port.send("DELETE", path, port.headers(other, "DELETE", path))
            found.note(port.still_follows(follow), f"{other} ends what {owner} follows: {status} {kind}")


def mass_assignment(port: Port, found: Found) -> None:
    """Send fields that nobody may set to everything that takes JSON; nobody becomes more than he was."""
    before = port.who_is_who()
    for method, path, allowed in bodies_of(port):
        for standing in allowed:
            status, kind = port.ask(standing, method, path, EXTRA)
            found.note(400 <= status < 500, f"{port.name}: {standing} {method} {path} took more: {status} {kind}")
    for standing in PEOPLE:
        taken = {"name": "Me", "role": "administrator"}
        status, kind = port.ask(standing, "PATCH", "/api/v1/account", taken)
        found.note(status == 422, f"{standing} gave himself a role: {status} {kind}")
    found.note(port.who_is_who() == before, "roles or logins have changed")


def campaign(ports: list[Port], rng: random.Random, rows: int | None) -> Found:
    """Try all of it; `rows` asks only so many endpoints, chosen anew at each port."""
    found = Found()
    for port in ports:
        found.note(not missing_rows(port), f"{port.name}: {sorted(missing_rows(port))} stand in no row")
        matrix(port, found, rng, rows)
        across_people(port, found)
        mass_assignment(port, found)
    across_ports(ports, found)
    return found


class _Taking(BaseModel):
    role: str = "analyst"


def controls(ports: list[Port]) -> dict[str, bool]:
    """Return for each broken variant whether the row finds it."""
    port = ports[0]

    def with_endpoint(act: Callable[..., Any], method: str, path: str) -> None:
        router = APIRouter()
        router.add_api_route(path, act, methods=[method])
        port.app.include_router(router, dependencies=[Depends(gate(port.node))])

    caught = {}
    found = Found()
    with patch.object(Access, "lets_in", lambda *_: True):
        is_in = {key: port.ask("guest", *key)[0] for key in (("GET", "/administration"), ("GET", "/account"))}
    expected = {key: access_table()[key].lets_in("guest", False) for key in is_in}
    caught["a gate that lets everybody in"] = any(
        (not _is_refused(status, "")) != expected[key] for key, status in is_in.items()
    )

    def take(body: _Taking) -> str:
        return body.role

    take.__annotations__["body"] = _Taking
    with_endpoint(take, "POST", "/api/v1/taking")
    caught["an endpoint the table does not name"] = missing_rows(port) == {("POST", "/api/v1/taking")}
    row = Access("POST", "/api/v1/taking", frozenset(PEOPLE), False, "a control's")
    port.app.openapi_schema = None
    with patch.dict(access_table(), {("POST", "/api/v1/taking"): row}):  # type: ignore[arg-type]  # it is a dict inside
        mass_assignment(port, found)
    caught["an action that takes a role from its body"] = any("/api/v1/taking" in words for words in found.wrong)
    port.app.router.routes.pop()
    port.app.openapi_schema = None

    found = Found()
    real = sessions.list_sessions
    with (
        patch.object(account_module.sessions, "list_sessions", lambda c, s, n, user_id=None: real(c, s, n)),
        # The wall of PostgreSQL stands behind the page's own question; this control is about the latter.
        patch.object(account_module, "reading", lambda node, _: node.database.read()),
    ):
        across_people(port, found)
    caught["a page that does not ask whose session it ends"] = any("ends a session" in words for words in found.wrong)
    return caught


def run(seed: int = 1, full: bool = False, database: str = "sqlite", rows: int | None = None) -> dict[str, Any]:
    """Run row S5 on one kind of database, whole unless `rows` says how many endpoints."""
    del full
    try:
        with machine(database) as place, quiet(), three_ports(place) as ports:
            found = campaign(ports, random.Random(seed), rows)
            caught = controls(ports)
    except NotProvenError as lacking:
        return result("S5", seed, database, passed=False, control_failed=False) | {
            "verdict": "not proven",
            "reason": str(lacking),
        }
    return result(
        "S5",
        seed,
        database,
        passed=found.outside == 0,
        control_failed=all(caught.values()),
        tried=found.tried,
        outside=found.outside,
        let_in=found.let_in,
        endpoints=len(access_table()),
        wrong=found.wrong[:40],
        controls=caught,
    )
