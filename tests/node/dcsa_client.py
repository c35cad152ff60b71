"""A node with the interfaces of DCSA, asked over ASGI with tokens of its own systems."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from sealane.database.tables.identity import peer
from sealane.exchange.tokens import issue_stream_token
from sealane.node.api_tokens import create_token
from sealane.node.app import create_app
from sealane.node.context import Node

PORT_CALLS = "/dcsa/port-call/v2/events"
MILESTONES = "/dcsa/track-and-trace/v3/events"
SCHEDULES = "/dcsa/schedules/v3/service-schedules"


@dataclass
class DcsaClient:
    """Asks a node; each role has a token."""

    node: Node
    app: FastAPI = field(init=False)
    tokens: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.app = create_app(self.node)
        with self.node.database.write() as connection:
            self.tokens = {
                role: create_token(connection, role, role, self.node.clock())[1]
                for role in ("feed", "reader", "operator", "monitor")
            }

    def stream_token(self, participant: str, stream_id: str) -> str:
        """Return a token with which a partner, who need not sign here, reads a stream."""
        with self.node.database.write() as connection:
            connection.execute(sa.update(peer).where(peer.c.participant == participant).values(must_sign=False))
        return issue_stream_token(self.node.identity, participant, stream_id, self.node.clock())

    def ask(
        self, method: str, path: str, *, role: str | None = "reader", token: str | None = None, **options: Any
    ) -> Any:
        """Send a request and return the answer."""
        bearer = token or (self.tokens[role] if role else None)
        headers = {**({"Authorization": f"Bearer {bearer}"} if bearer else {}), **options.pop("headers", {})}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url=self.node.identity.origin) as client:
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(send())

    def get(self, path: str, params: dict[str, Any] | None = None, **options: Any) -> Any:
        """Send a GET."""
        return self.ask("GET", path, params=params, **options)

    def post(self, path: str, events: Any, *, role: str | None = "feed", **options: Any) -> Any:
        """Send events, or bytes as they are."""
        content = events if isinstance(events, bytes) else json.dumps({"events": events}).encode()
        headers = {"Content-Type": "application/json", **options.pop("headers", {})}
        return self.ask("POST", path, role=role, content=content, headers=headers, **options)


def all_pages(client: DcsaClient, path: str, params: dict[str, Any], **options: Any) -> list[Any]:
    """Return the answers of every page, following the cursor."""
    pages, cursor = [], {}
    while True:
        answer = client.get(path, {**params, **cursor}, **options)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        following = answer.headers.get("Next-Page-Cursor")
        if following is None:
            return pages
        assert len(pages) < 100
        cursor = {"cursor": following}
