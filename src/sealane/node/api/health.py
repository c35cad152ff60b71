"""Whether the node lives and can work, and its metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from sealane.database.migrations import check_current
from sealane.errors import InputError, RequestRefusedError, StoreError
from sealane.node.api.security import token_role
from sealane.node.context import Node
from sealane.node.metrics import CONTENT_TYPE

STORE_RETRY_S = 5


def router(node: Node) -> APIRouter:
    """Return the endpoints for load balancers and monitoring."""
    api = APIRouter(tags=["operation"])

    @api.get("/health", summary="The process answers")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    @api.get("/ready", summary="The database can be reached and has the tables this version needs")
    def ready() -> dict[str, str]:
        try:
            check_current(node.database)
        except (StoreError, InputError):
            raise RequestRefusedError(
                503,
                "not-ready",
                "The node's database cannot be reached or has not the tables this version needs.",
                "Try again later; the operator finds the cause in the log and by `sealane node status`.",
                retry_after_s=STORE_RETRY_S,
            ) from None
        return {"status": "ready"}

    # Counts tell how much business a port does with whom: they are for the port's own systems only.
    @api.get(
        "/metrics",
        summary="Prometheus metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        dependencies=[Depends(token_role(node, "operator", "monitor"))],
    )
    def metrics(request: Request) -> Any:
        return Response(request.app.state.metrics.render(), media_type=CONTENT_TYPE)

    return api
