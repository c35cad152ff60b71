"""Takes events from partners, and tells them where a stream's counter stands."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from sealane.errors import RequestRefusedError
from sealane.exchange.events import BATCH_TYPE, MAX_BATCH_BYTES
from sealane.exchange.inbox import Answer, Receiver, cursor, receive
from sealane.exchange.receipts import RECEIPT_MEDIA_TYPE
from sealane.exchange.registry import terms_in_force
from sealane.node.api.security import peer_of
from sealane.node.context import Node

# Batches worked on at once; more would only wait for the database, each with its body in memory.
BATCHES_AT_ONCE = 4
_RETRY_AFTER_S = 1
_RECEIPT: dict[str, Any] = {RECEIPT_MEDIA_TYPE: {"schema": {"type": "string", "description": "Compact JWS."}}}


def router(node: Node) -> APIRouter:
    """Return the endpoints of delivery."""
    api = APIRouter(tags=["delivery"])
    partner = peer_of(node)
    receiver = Receiver(node.identity, terms_in_force)
    places = threading.BoundedSemaphore(BATCHES_AT_ONCE)

    @api.post(
        "/sealane/v1/events",
        summary="Deliver a batch of events",
        response_class=Response,
        responses={
            200: {"description": "A signed receipt for every event.", "content": _RECEIPT},
            403: {"description": "The stream or its agreement lets nothing through; signed.", "content": _RECEIPT},
            409: {
                "description": "The batch does not begin at the counter, or contradicts; signed.",
                "content": _RECEIPT,
            },
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {BATCH_TYPE: {"schema": {"type": "array", "items": {"type": "object"}}}},
            }
        },
    )
    async def deliver(request: Request, peer: str = Depends(partner)) -> Response:
        body: bytes = request.state.body
        _check_body(request, body)

        def work() -> Answer:
            if not places.acquire(blocking=False):
                raise RequestRefusedError(
                    503,
                    "busy",
                    f"{BATCHES_AT_ONCE} batches are being taken already.",
                    "Send the same batch again a little later.",
                    retry_after_s=_RETRY_AFTER_S,
                )
            try:
                return receive(node.database, receiver, peer, body, node.clock())
            finally:
                places.release()

        return _response(await run_in_threadpool(work))

    @api.get(
        "/sealane/v1/streams/{stream_id}/cursor",
        summary="Where a stream's counter stands",
        response_class=Response,
        responses={200: {"description": "A signed receipt without events.", "content": _RECEIPT}},
    )
    async def where(
        stream_id: Annotated[str, Path(pattern="^[0-9a-f]{64}$")],
        sender_next: Annotated[
            int | None,
            Query(alias="next", ge=1, lt=2**63, description="The number the sender will give next."),
        ] = None,
        peer: str = Depends(partner),  # a name of this function: it could not be found in a text annotation
    ) -> Response:
        def work() -> Answer:
            with node.database.write() as connection:
                return cursor(connection, receiver, peer, stream_id, sender_next, node.clock())

        return _response(await run_in_threadpool(work))

    return api


def _check_body(request: Request, body: bytes) -> None:
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found != BATCH_TYPE:
        raise RequestRefusedError(
            415, "media-type", f"The media type is {found[:80]!a}.", f"Send a batch of events as {BATCH_TYPE}."
        )
    if len(body) > MAX_BATCH_BYTES:
        raise RequestRefusedError(
            413,
            "batch-too-large",
            f"The batch has {len(body):,} bytes; {MAX_BATCH_BYTES:,} are taken.",
            "Send fewer events at once.",
        )


def _response(answer: Answer) -> Response:
    return Response(answer.jws, answer.status, media_type=RECEIPT_MEDIA_TYPE)
