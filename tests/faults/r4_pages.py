"""The pages' part of row R4: what people and scripts are told while the store is away, and how soon the cause shows.

``store``    disk full (SQLite) or database away (PostgreSQL): pages and the interface answer 503 with Retry-After in
             words, nothing is half done, and the page is back within ten seconds of the database's return
``partner``  slow or talking garbage: the exchange page shows the cause and the next try within ten seconds of the
             sender's giving up

The control takes the words away: an application that treats an absent store as any other fault.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import sqlalchemy as sa
from tests import ports
from tests.faults.world import Machine, wait_until
from tests.web.accounts.people import Browser, make_person

from sealane.database.tables.accounts import audit_entry
from sealane.database.tables.alerts import alert_limit
from sealane.database.tables.identity import replay
from sealane.errors import StoreError
from sealane.exchange.delivery import deliver_once
from sealane.node import problems
from sealane.node.context import Node
from sealane.web.app import create_web_app

SHOWN_S = 10.0
PAGES = ("/", "/exchange", "/alerts", "/agreements", "/data", "/administration")
LIMIT = {"kind": "data-gap", "measure": "port-calls", "place": "urn:sealane:test:provider", "value": 4}
# Rows still fit into pages that are there; each write leaves one more in the audit, until one needs a page.
WRITES, REFUSALS = 120, 3
# (machine, database) -> the database takes nothing within the block
Away = Callable[[Machine, Any], Any]
# (port, kind, chance) -> somebody listens there who is slow or talks garbage
BadPartner = Callable[[int, str, Any], Any]


def store_trial(place: Machine, away: Away) -> dict[str, Any]:
    """Ask pages and send writes while the store is away, and again when it is back."""
    with _pages(place) as (node, browser):
        wrong: list[str] = []
        tried = refused = failed = taken = 0
        with away(place, node.database):
            _fill_up(node)
            for path in PAGES:
                answer = browser.http.get(path)
                tried += 1
                # A full disk can still be read from.
                if answer.status_code != 200 or place.kind == "postgresql":
                    wrong += _not_told(path, answer, "text/html")
            for number in range(WRITES):
                if failed >= REFUSALS:
                    break
                answer = browser.call(
                    "POST", "/api/v1/alerts/limits", LIMIT | {"value": number + 1}, csrf=node_csrf(browser)
                )
                tried += 1
                refused += answer.status_code == 503
                failed += answer.status_code >= 500
                taken += answer.status_code == 201
                if answer.status_code == 503:
                    wrong += _not_told("POST /api/v1/alerts/limits", answer, "application/problem+json")
                elif answer.status_code != 201:
                    wrong.append(f"POST /api/v1/alerts/limits: {answer.status_code}")
        back_s = wait_until(lambda: browser.http.get("/exchange").status_code == 200, SHOWN_S)
        done = browser.call("POST", "/api/v1/alerts/limits", LIMIT).status_code
        with node.database.read() as connection:
            limits = connection.scalar(sa.select(sa.func.count()).select_from(alert_limit))
            notes = sa.select(sa.func.count()).where(audit_entry.c.action == "limit.set")
            audited = connection.scalar(notes)
    # What was refused left no trace; what was taken stands with its entry in the audit.
    taken += done == 201
    half = limits != (1 if taken else 0) or audited != taken
    return {
        "tried": tried,
        "lost": int(done != 201),
        "doubled": int(half),
        "disordered": 0,
        "refused": refused,
        "shown_s": round(back_s if back_s is not None else SHOWN_S * 2, 1),
        "cause": "told in every answer" if not wrong and refused else "",
        "wrong": wrong[:10],
    }


def partner_trial(
    place: Machine, kind: str, bad_partner: Callable[[int, str, Any], Any], chance: Any
) -> dict[str, Any]:
    """Let a partner be slow or talk garbage, and look at the page until it says so."""
    clock = ports.Clock()
    with _pages(place, clock) as (node, browser):
        recipient = ports.make_node(place.folder, f"page-{kind}", place.database(), clock)
        stream_id = ports.connect(node, recipient)
        ports.feed(node, range(20))
        port = int(recipient.identity.origin.rpartition(":")[2])
        path = f"/api/v1/exchange/streams/{stream_id}"

        def told() -> dict[str, Any]:
            found: dict[str, Any] = browser.http.get(path, headers={"accept": "application/json"}).json()["stream"]
            return found

        with bad_partner(port, kind, chance):
            deliver_once(node, stream_id, worker="r4")
            # How long the sender waits before it gives up is judged in the row's own trials, to the same limit.
            begun = time.monotonic()
            wait_until(lambda: bool(told()["cause"]), SHOWN_S)
            shown_s = time.monotonic() - begun
        stream = told()
        page = browser.http.get("/exchange").text
        recipient.outbound.close()
    is_shown = bool(stream["cause"]) and stream["next_attempt_at"] is not None and "/exchange/streams/" in page
    return {
        "tried": 1,
        "lost": 0,
        "doubled": 0,
        "disordered": 0,
        "shown_s": round(shown_s, 1),
        "cause": stream["cause"] if is_shown else "",
        "due": stream["due"]["value"],
    }


def control(place: Machine, away: Away) -> bool:
    """Return whether an application that says nothing of its store is found out."""
    real = problems.problem_of

    def mute(error: Exception, request_id: str) -> Any:
        return real(RuntimeError() if isinstance(error, StoreError) else error, request_id)

    with mock.patch.object(problems, "problem_of", mute), mock.patch("sealane.node.edge.problem_of", mute):
        found = store_trial(place, away)
    return not found["cause"]


def _fill_up(node: Node) -> None:
    """Write what the disk still takes; a database that is away takes nothing from the first."""
    try:
        for number in range(2_000):
            with node.database.write() as connection:
                nonces = [
                    {"participant": "filler", "nonce": f"{number}-{one}", "expires_at": node.clock()}
                    for one in range(50)
                ]
                connection.execute(replay.insert(), nonces)
    except StoreError:
        return


def _not_told(path: str, answer: Any, media_type: str) -> list[str]:
    """Return what is wrong with an answer that should say that the store is away."""
    wrong = []
    if answer.status_code != 503:
        return [f"{path}: {answer.status_code}"]
    if not answer.headers.get("retry-after", "").isdigit():
        wrong.append(f"{path}: no Retry-After")
    if media_type not in answer.headers.get("content-type", ""):
        wrong.append(f"{path}: {answer.headers.get('content-type')}")
    if "database cannot be used now" not in answer.text or "Traceback" in answer.text:
        wrong.append(f"{path}: not in words")
    return wrong


def node_csrf(browser: Browser) -> str:
    """Return the token of the session as it was read while the store was there."""
    return str(getattr(browser, "known_csrf", ""))


@contextmanager
def _pages(place: Machine, clock: Any = None) -> Iterator[tuple[Node, Browser]]:
    """Serve a node with pages to an administrator who has logged in."""
    clock = clock or ports.Clock()
    node = ports.make_node(place.folder, f"pages-{place.made}", place.database(), clock)
    (node.folder / "keys").mkdir(mode=0o700, exist_ok=True)
    make_person(node, "boss", "administrator")
    with ports.serving(node, create_web_app(node)):
        browser = Browser(node.settings.origin)
        assert browser.log_in("boss").status_code == 303
        browser.known_csrf = browser.csrf  # type: ignore[attr-defined]  # kept for when no page can be read
        yield node, browser
        browser.http.close()
    node.close()
