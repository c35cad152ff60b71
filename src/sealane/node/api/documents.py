"""The files behind shared documents, for the partners a clause lets have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Response

from sealane.exchange.document_fetch import content_for_peer
from sealane.node.api.security import peer_of

if TYPE_CHECKING:
    from sealane.node.context import Node


def router(node: Node) -> APIRouter:
    """Return the endpoint partners fetch documents from."""
    api = APIRouter(prefix="/sealane/v1/documents", tags=["documents"])

    @api.get("/{document_id}/{version}", response_class=Response)
    def document(
        document_id: Annotated[str, Path(max_length=120)],
        version: Annotated[int, Path(ge=1, le=1_000_000)],
        peer: str = Depends(peer_of(node)),
    ) -> Response:
        """Return a document's file when a clause in force lets the asking partner have it."""
        with node.database.write() as connection:
            content, media_type = content_for_peer(
                connection, node.identity.participant, peer, document_id, version, node.clock()
            )
        headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
        return Response(content, media_type=media_type, headers=headers)

    return api
