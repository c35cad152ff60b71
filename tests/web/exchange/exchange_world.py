"""Two nodes with a stream between them, the first of which serves its pages to people with roles."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from tests import ports
from tests.web.accounts.people import Browser, make_person

from sealane.database import Database
from sealane.database.tables.delivery import outbox
from sealane.database.tables.node import node_info
from sealane.exchange.delivery import DeliveryOutcome, deliver_once
from sealane.node.context import Node
from sealane.web.app import create_web_app

PEOPLE = ("analyst", "steward", "officer", "administrator")


@dataclasses.dataclass
class Exchange:
    """Provider (with pages) and recipient."""

    provider: Node
    recipient: Node
    clock: ports.Clock
    stream_id: str
    browsers: dict[str, Browser]

    def __getitem__(self, role: str) -> Browser:
        """A browser in which a person of this role has logged in; names are those of the roles."""
        if role not in self.browsers:
            self.browsers[role] = Browser(self.provider.settings.origin)
            assert self.browsers[role].log_in(role).status_code == 303
        return self.browsers[role]

    def view(self, path: str, role: str = "analyst") -> Any:
        """Return the JSON face of a page, after a look at the page itself."""
        page = self[role].http.get(path)
        assert page.status_code == 200, page.text
        answer = self[role].http.get("/api/v1" + path, headers={"accept": "application/json"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def deliver(self, steps: int = 20) -> DeliveryOutcome:
        outcome = DeliveryOutcome.WAITING
        for _ in range(steps):
            outcome = deliver_once(self.provider, self.stream_id, worker="test").outcome
            if outcome in {DeliveryOutcome.IDLE, DeliveryOutcome.FAILED, DeliveryOutcome.WAITING}:
                break
        return outcome

    def bury(self, *ids: int) -> None:
        """Make dead letters of messages, as three refusals of the partner do."""
        with self.provider.database.write() as connection:
            connection.execute(
                outbox.update()
                .where(outbox.c.id.in_(ids))
                .values(state="dead", refusals=3, last_error="outside the agreement: fields vessel.vesselName")
            )

    def states(self) -> dict[str, int]:
        with self.provider.database.read() as connection:
            query = sa.select(outbox.c.state, sa.func.count()).group_by(outbox.c.state)
            return {row[0]: row[1] for row in connection.execute(query)}


@contextmanager
def exchange_world(folder: Path, databases: Callable[[], Database], records: int = 12) -> Iterator[Exchange]:
    """Serve both nodes with some simulated port calls of the provider, none sent yet."""
    clock = ports.Clock()
    provider, recipient = (ports.make_node(folder, name, databases(), clock) for name in ("provider", "recipient"))
    for node in (provider, recipient):
        (node.folder / "keys").mkdir(mode=0o700, exist_ok=True)
        with node.database.write() as connection:  # as `sealane node init` writes it
            own = {"id": 1, "participant": node.identity.participant, "created_at": clock()}
            connection.execute(node_info.insert().values(own))
    stream_id = ports.connect(provider, recipient)
    for role in PEOPLE:
        make_person(provider, role, role)
    ports.feed(provider, range(records))
    world = Exchange(provider, recipient, clock, stream_id, {})
    with ports.serving(provider, create_web_app(provider)), ports.serving(recipient):
        ports.exchange_keys(provider, recipient)
        yield world
        for browser in world.browsers.values():
            browser.http.close()
    provider.outbound.close()
    recipient.outbound.close()
