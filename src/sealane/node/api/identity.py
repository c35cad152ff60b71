"""What a node says of itself to anybody: its participant id, its endpoints and its keys."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from sealane.node.api.security import peer_of
from sealane.node.context import Node


class KeySet(BaseModel):
    """Keys of a participant, with what its root key says of them."""

    participant: str
    root: str = Field(description="Thumbprint (RFC 7638) of the root key.")
    keys: list[dict[str, str]] = Field(description="JSON Web Keys (RFC 7517) that are valid now.")
    certificates: list[str] = Field(description="JWS by the root key, one for each key there ever was.")
    revocations: list[str] = Field(description="JWS by the root key, one for each key that is revoked.")


class Endpoints(BaseModel):
    """Where a participant is reached."""

    participant: str
    name: str
    origin: str
    endpoints: dict[str, str]


class Caller(BaseModel):
    """Who sent a request."""

    participant: str


def router(node: Node) -> APIRouter:
    """Return the endpoints; nobody need log in for the public ones."""
    api = APIRouter(tags=["identity"])

    @api.get("/.well-known/sealane/keys", response_model=KeySet, summary="Keys and their certificates")
    async def keys() -> dict[str, Any]:
        return node.identity.key_set(node.clock())

    @api.get("/.well-known/sealane", response_model=Endpoints, summary="Who this node is")
    async def about() -> dict[str, Any]:
        origin = node.identity.origin
        return {
            "participant": node.identity.participant,
            "name": node.settings.name,
            "origin": origin,
            "endpoints": {
                "keys": f"{origin}/.well-known/sealane/keys",
                "dataspace-version": f"{origin}/.well-known/dspace-version",
                "agreements": f"{origin}/sealane/v1/agreements",
                "events": f"{origin}/sealane/v1/events",
                "ledger": f"{origin}/sealane/v1/ledger/checkpoint",
            },
        }

    partner = Depends(peer_of(node))

    @api.get("/sealane/v1/whoami", response_model=Caller, summary="Under which name this node knows who asks")
    async def whoami(peer: str = partner) -> dict[str, str]:
        return {"participant": peer}

    return api
