"""The second wall takes nothing from a page that its viewer may see, and no page leans on it.

Everything the pages link to is read as every role twice on a real PostgreSQL: with the wall, and with the first wall
alone. Both answers must be the same.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from tests.web.accounts.people import ROLES, make_token
from tests.web.agreements.two_ports import TwoPorts
from tests.web.cargo.sample_world import AGREEMENT, CONTAINER, sample_world

from sealane.agreements.document_model import ActivityKind
from sealane.database import Database
from sealane.database.tables import metadata
from sealane.database.tables.delivery import outbox, stream
from sealane.database.tables.products import record
from sealane.database.tables.results import data_import, import_record
from sealane.database.wall import WALLS
from sealane.exchange.activities import record_activity
from sealane.web.accounts import gate
from sealane.web.accounts.roles import access_table
from sealane.web.alerts.job import look
from sealane.web.exchange.checks import ask_for

API = "/api/v1"
AS_EVERYBODY = ("guest", *ROLES, "operator")
UPLOAD = "00000000-0000-4000-8000-000000000001"
# What no view reads: the node's own work does, some of it in actions.
NOT_READ = {"replay", "rate_limit", "user_password", "known_browser", "oidc_login", "answered_request"}
NOT_READ |= {"document", "receipt", "ledger_node", "record_counter"}
NOT_READ |= {"alert_event", "alert_delivery"}  # there are none here; alerts have tests of their own

pytestmark = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@pytest.fixture
def ports(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[TwoPorts]:
    """Two ports that have exchanged what is shipped, an upload, a report, a dead letter and people of every role."""
    with sample_world(tmp_path, databases) as found:
        node, now = found.here.node, found.here.clock.now
        vars(node.settings)["guests"] = True  # they are made without
        with node.database.write() as connection:
            record_activity(connection, AGREEMENT, ActivityKind.MEETING, "Steering group", now.date(), now)
            connection.execute(
                outbox.update()
                .where(outbox.c.id == connection.scalar(sa.select(sa.func.min(outbox.c.id))))
                .values(state="dead", refusals=3, last_error="refused")
            )
            _upload(connection, node.identity.participant, now)
            ask_for(connection, "verify", None, "officer", now)
        look(node)
        yield found


def _upload(connection: sa.Connection, own: str, now: dt.datetime) -> None:
    """Note an upload as what brought every own record."""
    connection.execute(
        data_import.insert().values(
            id=UPLOAD,
            kind="product",
            file_name="calls.json",
            options={},
            state="applied",
            size_bytes=1,
            received_bytes=1,
            created_at=now,
            created_by="steward",
            changed_at=now,
            changes=1,
            applied_records=1,
        )
    )
    for row in connection.execute(sa.select(record).where(record.c.source == own)).all():
        key = {"source": row.source, "dataset": row.dataset, "record_id": row.id, "position": row.position}
        connection.execute(import_record.insert().values(import_id=UPLOAD, **key))


@contextmanager
def first_wall_alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate, "stand_for", lambda *_: None)
        yield


def clients_of(ports: TwoPorts) -> dict[str, httpx.Client]:
    """Return somebody of every role."""
    found = {}
    for role in AS_EVERYBODY:
        if role == "operator":
            browser = ports.here.browser()
            browser.http.headers["authorization"] = f"Bearer {make_token(ports.here.node, role)}"
        else:
            browser = ports.here.browser() if role == "guest" else ports.here.entered(role, role)
        browser.http.headers["accept"] = "application/json"
        found[role] = browser.http
    return found


def _patterns() -> dict[str, re.Pattern[str]]:
    found = {}
    for method, path in access_table():
        if method == "GET" and path.startswith(API) and "events" not in path and not path.endswith(".csv"):
            form = re.sub(r"\\\{[a-z_]+:path\\\}", ".+", re.escape(path))
            found[path] = re.compile(re.sub(r"\\\{[a-z_]+\\\}", "[^/]+", form))
    return dict(sorted(found.items(), key=lambda item: ("{" in item[0], item[0])))


PATTERNS = _patterns()


def endpoint_of(address: str) -> str | None:
    path = address.partition("?")[0]
    return next((name for name, form in PATTERNS.items() if form.fullmatch(path)), None)


def links_in(document: Any) -> Iterator[str]:
    """Yield addresses that an answer names, as the interface has them."""
    if isinstance(document, dict):
        for value in document.values():
            yield from links_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from links_in(value)
    elif isinstance(document, str) and document.startswith("/") and "\n" not in document:
        address = document.partition("#")[0]
        yield address if address.startswith(API) else API + address


def walk(http: httpx.Client, more: list[str]) -> dict[str, tuple[int, Any]]:
    """Read what can be reached by links, one address of each endpoint; return status and answer by address."""
    waiting = deque([*more, *(path for path in PATTERNS if "{" not in path)])
    asked: set[str] = set()
    found: dict[str, tuple[int, Any]] = {}
    while waiting:
        address = waiting.popleft()
        endpoint = endpoint_of(address)
        if endpoint is None or address in found or (endpoint in asked and address not in more):
            continue
        asked.add(endpoint)
        found[address] = read(http, address)
        waiting.extend(links_in(found[address][1]))
    return found


def read(http: httpx.Client, address: str) -> tuple[int, Any]:
    answer = http.get(address)
    if "json" not in answer.headers.get("content-type", ""):
        return answer.status_code, answer.content
    document = answer.json()
    if isinstance(document, dict):
        document.pop("instance", None)  # of a problem: the request's id
    return answer.status_code, document


def beginnings(ports: TwoPorts) -> list[str]:
    """Return addresses of things there are, which not every page links to."""
    node = ports.here.node
    with node.database.read() as connection:
        rows = connection.execute(sa.select(record.c.source, record.c.dataset, record.c.id).limit(400)).all()
        streams = connection.scalars(sa.select(stream.c.id).order_by(stream.c.direction)).all()
    own = [row for row in rows if row.source == node.identity.participant][:1]
    theirs = [row for row in rows if row.source != node.identity.participant][:1]
    (partner,) = (one.identity.participant for one in ports.nodes if one is not node)
    found = [
        str(httpx.URL(f"{API}/explain/milestone", params={"source": r.source, "dataset": r.dataset, "record": r.id}))
        for r in (*own, *theirs)
    ]
    asked = {"dataset": own[0].dataset, "record": own[0].id, "partner": partner}
    found += [str(httpx.URL(f"{API}/explain/sharing", params=asked))]
    version = f"{API}/agreements/{AGREEMENT}/1"
    found += [f"{API}/agreements/{AGREEMENT}", version, f"{version}/confirm/retire", f"{API}/data/{UPLOAD}"]
    found += [f"{API}/exchange/streams/{key}" for key in streams]
    found += [f"{API}/cargo/container/{CONTAINER}", f"{API}/cargo-export/container/{CONTAINER}"]
    return found


@contextmanager
def tables_read(ports: TwoPorts) -> Iterator[set[str]]:
    """Collect the tables that statements name."""
    names, found = re.compile(r"(?:FROM|JOIN|,) (" + "|".join(metadata.tables) + r")\b(?!\.)"), set[str]()
    engine = ports.here.node.database.engine

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.update(names.findall(" ".join(statement.split())))

    sa.event.listen(engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(engine, "before_cursor_execute", note)


def test_pages_are_the_same_with_the_first_wall_alone(ports: TwoPorts) -> None:
    clients, more = clients_of(ports), beginnings(ports)
    answers = {}
    with first_wall_alone(), tables_read(ports) as tables:
        for role, http in clients.items():
            answers[role] = walk(http, more)
    for role, http in clients.items():
        for address, answer in answers[role].items():
            assert answer[0] < 500, (role, address, answer)
            assert read(http, address) == answer, (role, address)
    shown = {role: sum(status == 200 for status, _ in found.values()) for role, found in answers.items()}
    assert shown.pop("guest") >= 10
    assert min(shown.values()) >= 30, shown
    assert set(WALLS) - tables <= NOT_READ, "nothing was asked of these"
    # Control: a wall that is too narrow is noticed.
    with ports.here.node.database.write() as connection:
        connection.execute(sa.text("DROP POLICY wall_read ON decision"))
    assert any(read(clients["analyst"], address) != answer for address, answer in answers["analyst"].items())
