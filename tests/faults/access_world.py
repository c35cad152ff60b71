"""Three ports with their whole applications, and everybody who may ask them; without sockets, for there is much."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from tests import ports as port_nodes
from tests.faults.world import Machine

from sealane.database import Database
from sealane.database.migrations import migrate
from sealane.database.tables.accounts import user_account, web_session
from sealane.database.tables.alerts import cargo_follow
from sealane.database.tables.identity import peer, peer_key
from sealane.exchange.keys import key_row
from sealane.exchange.request_signatures import sign_request
from sealane.exchange.streams import Direction, open_stream
from sealane.exchange.tokens import issue_stream_token, issue_token
from sealane.node.api_tokens import create_token, list_tokens
from sealane.node.context import Node
from sealane.products.catalogue import DATASETS
from sealane.web.accounts import sessions, users
from sealane.web.accounts.roles import PEOPLE as ROLES
from sealane.web.accounts.roles import access_table
from sealane.web.app import create_web_app

PEOPLE = tuple(role.value for role in ROLES)
TOKENS = ("feed", "reader", "operator", "monitor")
STANDINGS = ("guest", *PEOPLE, "partner", *TOKENS)
TIMEOUT_S = 30.0
# Records are read with the token of a stream of their data product.
READ_BY_STREAM = {
    "/dcsa/port-call/v2/events": "port-calls",
    "/dcsa/schedules/v3/service-schedules": "vessel-schedules",
    "/dcsa/track-and-trace/v3/events": "container-milestones",
}
# What stands in the place of a path's parameters: of the right form, and of nothing that is there.
_FILL = {
    "unlocode": "USLAX",
    "dataset": "port-calls",
    "version": "1",
    "session_id": "0" * 64,
    "digest": "0" * 16,
    "x": "0",
    "y": "0",
    "z": "1",
    "path": "nothing",
}


@dataclass
class Port:
    """A node with its application, a person of every role, a token of every role and a partner.

    Attributes
    ----------
    partner : the node that signs as the partner.
    """

    name: str
    node: Node
    app: FastAPI
    partner: Node | None = None
    user_ids: dict[str, str] = field(default_factory=dict)
    token_ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    streams: dict[str, str] = field(default_factory=dict)

    def open_streams(self) -> None:
        """Put an agreement with the partner in force that lets it read what `READ_BY_STREAM` names."""
        assert self.partner is not None
        clauses = [
            port_nodes.clause(id=dataset, dataset=dataset, fields=tuple(sorted(DATASETS[dataset].fields)))
            for dataset in READ_BY_STREAM.values()
        ]
        document = port_nodes.agreement(self.node, self.partner, clauses)
        port_nodes.put_in_force(self.node, document)
        with self.node.database.write() as connection:
            for path, dataset in READ_BY_STREAM.items():
                terms = document.terms(dataset)
                assert terms is not None
                self.streams[path] = open_stream(
                    connection,
                    own=self.node.identity.participant,
                    peer=self.partner.identity.participant,
                    direction=Direction.OUT,
                    terms=terms,
                    purpose=port_nodes.PURPOSE,
                    endpoint=f"{self.partner.identity.origin}/sealane/v1/events",
                    now=self.node.clock(),
                )

    def populate(self) -> None:
        """Make the people and the tokens."""
        now = self.node.clock()
        with self.node.database.write() as connection:
            for role in PEOPLE:
                user = users.add_user(connection, login=f"{role}.{self.name}", name=role, role=role, now=now)
                self.user_ids[role] = user.id
            for role in TOKENS:
                token, self.tokens[role] = create_token(connection, role, role, now)
                self.token_ids[role] = token.id

    def ask(self, standing: str, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Send one request as somebody; returns status and kind of problem, ``login`` for the way to the login."""
        target = filled(path)
        content = b"" if method in {"GET", "DELETE"} and body is None else json.dumps(body or {}).encode()
        return self.send(method, target, self.headers(standing, method, target, content), content)

    def headers(self, standing: str, method: str, target: str, content: bytes = b"") -> dict[str, str]:
        """Return what somebody sends to prove who it is."""
        is_page = standing == "guest" and not target.startswith("/api/")
        fields = {"accept": "text/html" if is_page else "application/json"}
        if content:
            fields["content-type"] = "application/json"
        if standing in PEOPLE:
            cookie = self._cookie(standing)
            name = sessions.cookie_name(self.node.settings)
            fields |= {"cookie": f"{name}={cookie}", "x-csrf-token": sessions.csrf_token(cookie)}
            fields["sec-fetch-site"] = "same-origin"
        elif standing in TOKENS:
            fields["authorization"] = f"Bearer {self.tokens[standing]}"
        elif standing == "partner":
            fields |= self._signed(method, target, content)
        else:
            fields["sec-fetch-site"] = "same-origin"
        return fields

    def _cookie(self, standing: str) -> str:
        """Return a session that is alive; a test may have ended the one before."""
        now = self.node.clock()
        held = self.cookies.get(standing, "")
        with self.node.database.read() as connection:
            alive = sessions.find_session(connection, held, self.node.settings, now) if held else None
        if alive is None:
            with self.node.database.write() as connection:
                self.cookies[standing] = sessions.start_session(
                    connection, self.user_ids[standing], self.node.settings, now, "127.0.0.1", "test"
                )
        return self.cookies[standing]

    def _signed(self, method: str, target: str, content: bytes) -> dict[str, str]:
        assert self.partner is not None
        now = self.node.clock()
        identity = self.partner.identity
        key = identity.signing_key(now)
        assert key.private is not None
        token = issue_token(identity, self.node.identity.participant, now)
        if target in self.streams and method == "GET":
            token = issue_stream_token(self.node.identity, identity.participant, self.streams[target], now)
        fields = {"authorization": f"Bearer {token}"}
        url = self.node.identity.origin + target
        return fields | sign_request(
            method, url, fields["authorization"], content, key=key.private, kid=key.kid, now=now
        )

    def session_of(self, standing: str) -> str:
        """Return the id of a person's session."""
        return sessions.session_hash(self._cookie(standing))

    def is_alive(self, id_hash: str) -> bool:
        with self.node.database.read() as connection:
            query = sa.select(web_session.c.ended_at).where(web_session.c.id_hash == id_hash)
            return connection.execute(query).scalar_one() is None

    def follow_of(self, standing: str) -> str:
        """Return the id of something a person follows."""
        follow = str(uuid.uuid4())
        with self.node.database.write() as connection:
            connection.execute(
                cargo_follow.insert().values(
                    id=follow,
                    user_id=self.user_ids[standing],
                    kind="equipment",
                    reference=follow[:11],
                    seen_position=0,
                    created_at=self.node.clock(),
                )
            )
        return follow

    def still_follows(self, follow: str) -> bool:
        with self.node.database.read() as connection:
            query = sa.select(sa.func.count()).select_from(cargo_follow).where(cargo_follow.c.id == follow)
            return connection.execute(query).scalar_one() == 1

    def who_is_who(self) -> list[tuple[Any, ...]]:
        """Return what must not change: logins, roles, and the tokens."""
        columns = user_account.c
        with self.node.database.read() as connection:
            people = connection.execute(sa.select(columns.id, columns.login, columns.role).order_by(columns.id)).all()
            return [tuple(row) for row in people] + [(token.id, token.role) for token in list_tokens(connection)]

    def send(self, method: str, target: str, headers: Mapping[str, str], content: bytes = b"") -> tuple[int, str]:
        """Send one request to the application and return status and kind of problem."""
        # Failures are counted for an address, and here all ask from one.
        if hasattr(self.app.state, "token_failures"):
            del self.app.state.token_failures
        return asyncio.run(_send(self.app, self.node.identity.origin, method, target, headers, content))


def filled(path: str) -> str:
    """Return a declared path with something in the place of its parameters."""

    def value(match: re.Match[str]) -> str:
        name = match[1].partition(":")[0]
        return _FILL.get(name, str(uuid.UUID(int=7)))

    return re.sub(r"\{([^}]+)\}", value, path)


def bodies_of(port: Port) -> Iterator[tuple[str, str, list[str]]]:
    """Yield method, path and who is let in of everything that takes a JSON object, as the description says."""
    for path, operations in port.app.openapi()["paths"].items():
        for method, operation in operations.items():
            access = access_table().get((method.upper(), path))
            takes_json = "application/json" in operation.get("requestBody", {}).get("content", {})
            if takes_json and access is not None and path.startswith("/api/v1/"):
                yield method.upper(), path, sorted(access.allowed & set(PEOPLE))


async def _send(
    app: FastAPI, origin: str, method: str, target: str, headers: Mapping[str, str], content: bytes
) -> tuple[int, str]:
    """Ask until the answer's head is there; of streams nothing more is read."""
    path, _, query = target.partition("?")
    host = origin.partition("//")[2]
    lines = [(b"host", host.encode()), (b"content-length", str(len(content)).encode())]
    lines += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": lines,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
        "state": {},
    }
    head: dict[str, Any] = {}
    body = b""
    over = asyncio.Event()
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": content, "more_body": False}
        await over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal body
        if message["type"] == "http.response.start":
            head.update(message)
            if b"problem" not in dict(message["headers"]).get(b"content-type", b"") and message["status"] < 300:
                over.set()
        else:
            body += message.get("body", b"")
            if not message.get("more_body"):
                over.set()

    running = asyncio.ensure_future(app(scope, receive, send))
    watching = asyncio.ensure_future(over.wait())
    await asyncio.wait({running, watching}, timeout=TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
    over.set()
    if not running.done():
        await asyncio.wait({running}, timeout=1.0)
    for task in (running, watching):
        if not task.done():
            task.cancel()
    await asyncio.gather(running, watching, return_exceptions=True)
    if not head:
        return 0, "no answer"
    return int(head["status"]), _kind(head, body)


def _kind(head: Mapping[str, Any], body: bytes) -> str:
    fields = {name.lower(): value for name, value in head["headers"]}
    if fields.get(b"location", b"").startswith(b"/login?"):
        return "login"
    if head["status"] == 403 and fields.get(b"content-type", b"").startswith(b"text/html"):
        return "form"  # the login's page, which says that its form is too old
    if b"problem+json" in fields.get(b"content-type", b""):
        return str(json.loads(body)["type"]).rpartition(":")[2]
    return ""


@contextmanager
def three_ports(place: Machine) -> Iterator[list[Port]]:
    """Give three ports, each with its own database; each knows the next one as its partner."""
    made = []
    for name in ("los-angeles", "yokohama", "nagoya"):
        database = Database(place.url())
        migrate(database)
        node = port_nodes.make_node(place.folder, name, database, port_nodes.Clock())
        made.append(Port(name, node, create_web_app(node)))
    for number, port in enumerate(made):
        port.partner = made[(number + 1) % 3].node
        _introduce(port.node, port.partner)
        port.populate()
        port.open_streams()
    try:
        yield made
    finally:
        for port in made:
            port.node.close()


def _introduce(node: Node, other: Node) -> None:
    """Register a partner with its keys as if its list had just been read."""
    port_nodes.introduce(node, other)
    with node.database.write() as connection:
        for key in other.identity.operational_keys():
            values = key_row(key.certificate)
            connection.execute(peer_key.insert().values(**values))
        connection.execute(peer.update().values(keys_checked_at=node.clock(), keys_tried_at=node.clock()))
