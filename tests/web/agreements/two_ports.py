"""Two ports that serve their pages, know each other and have agreed nothing yet; their jobs are run by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agreement_world import LOS_ANGELES, NAGOYA, content_of
from tests.live_nodes import Clock
from tests.ports import exchange_keys, introduce
from tests.web.accounts.people import Browser, Place, served

from sealane.database import Database
from sealane.exchange.delivery import deliver_all
from sealane.exchange.registry import messages, send_pending
from sealane.node.context import Node
from sealane.node.dataspace import step_negotiations, step_transfers
from sealane.node.flows import follow


@dataclass
class TwoPorts:
    """Los Angeles and Nagoya; everything is simulated."""

    here: Place
    there: Place

    @property
    def nodes(self) -> tuple[Node, Node]:
        return self.here.node, self.there.node

    @property
    def clock(self) -> Clock:
        return self.here.clock

    def content(self, **changes: Any) -> dict[str, Any]:
        """Return a document between the two, as people write it; records go at once."""
        identities = [(LOS_ANGELES, self.here.node.identity), (NAGOYA, self.there.node.identity)]
        content = content_of(identities)
        for clause in content["clauses"]:
            clause["delay"] = "PT0M"
        return content | changes

    def text(self, **changes: Any) -> str:
        return json.dumps(self.content(**changes))

    def told(self) -> None:
        """Wait until no node has anything left to tell; the page's own sending runs in the background, too."""
        until = time.monotonic() + 30
        while any(self._waiting(node) for node in self.nodes):
            assert time.monotonic() < until, "a message about an agreement was not taken"
            for node in self.nodes:
                send_pending(node)
            time.sleep(0.02)

    @staticmethod
    def _waiting(node: Node) -> bool:
        with node.database.read() as connection:
            return bool(messages(connection, open_only=True))

    def settle(self, rounds: int = 8) -> None:
        """Run every job of both nodes a few times, in turn; what they began in the background comes to its end."""
        for _ in range(rounds):
            time.sleep(0.05)
            for node in self.nodes:
                send_pending(node)
                follow(node)
                step_negotiations(node)
                step_transfers(node)
                deliver_all(node)


@contextmanager
def two_ports(folder: Path, databases: Callable[[], Database]) -> Iterator[TwoPorts]:
    """Serve both ports while the block runs."""
    with ExitStack() as stack:
        here = stack.enter_context(served(folder / "here", databases(), "urn:example:port-of-los-angeles"))
        there = stack.enter_context(served(folder / "there", databases(), "urn:example:port-of-nagoya"))
        there.node.clock.now = here.clock.now  # type: ignore[attr-defined]  # a test's clock
        made = TwoPorts(here, there)
        introduce(here.node, there.node)
        introduce(there.node, here.node)
        exchange_keys(*made.nodes)
        yield made


def draft(browser: Browser, text: str) -> dict[str, Any]:
    """Keep a document as a draft, as the page does."""
    answer = browser.call("POST", "/api/v1/agreements", {"text": text})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def take(browser: Browser, done: dict[str, Any], step: str, **more: Any) -> Any:
    """Take a step on a version whose digest was read."""
    path = f"/api/v1/agreements/{done['id']}/{done['version']}/{step}"
    return browser.call("POST", path, {"digest": done["digest"]} | more)
