"""Takes proposals, signatures, declines and retirements from partners, and tells them how an agreement stands here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from sealane.agreements.values import time_text
from sealane.errors import Fault, RequestRefusedError
from sealane.exchange import registry, strict_json
from sealane.exchange.agreement_messages import PATH
from sealane.exchange.agreement_states import AgreementState
from sealane.exchange.agreement_store import Registered
from sealane.node.api.security import peer_of
from sealane.node.context import Node

MAX_BODY_BYTES = 1_048_576
AgreementId = Annotated[str, Path(pattern="^[a-z0-9]+(?:[-_][a-z0-9]+)*$", max_length=100)]
Version = Annotated[int, Path(ge=1, lt=2**31)]


class AgreementStanding(BaseModel):
    """How one version of an agreement stands on this node."""

    agreement: str
    version: int
    digest: str = Field(description="SHA-256 of the bytes that are signed, in hexadecimal.")
    state: AgreementState
    demonstration: bool = Field(description="Its terms are made up for a demonstration.")
    valid_from: str
    valid_until: str | None
    signed_by: list[str] = Field(description="Participant ids whose signatures this node holds.")
    ended_by: str | None
    end_reason: str | None


class AgreementEvidence(AgreementStanding):
    """The same, with the evidence."""

    signatures: dict[str, str] = Field(description="Participant id to JWS over the document's bytes.")


class AgreementList(BaseModel):
    """Every agreement that names the asking partner."""

    agreements: list[AgreementStanding]


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {"jws": {"type": "string", "description": "Compact JWS of the sending participant."}},
                    "required": ["jws"],
                    "additionalProperties": False,
                }
            }
        },
    }
}


def router(node: Node) -> APIRouter:
    """Return the endpoints of the agreement registry."""
    api = APIRouter(prefix=PATH, tags=["agreements"])
    partner = peer_of(node)

    async def taken(request: Request, take: Callable[[Any, str], Registered]) -> AgreementStanding:
        jws = _jws(request)

        def work() -> AgreementStanding:
            with node.database.write() as connection:
                return AgreementStanding(**_standing(take(connection, jws)))

        return await run_in_threadpool(work)

    @api.post("", summary="Propose an agreement", openapi_extra=_BODY)
    async def propose(request: Request, peer: str = Depends(partner)) -> AgreementStanding:
        """Take a signed proposal; the payload of the JWS is the document's canonical bytes."""
        return await taken(request, lambda c, jws: registry.receive_proposal(c, node.identity, peer, jws, node.clock()))

    @api.post("/{agreement_id}/{version}/signatures", summary="Countersign an agreement", openapi_extra=_BODY)
    async def sign(
        request: Request, agreement_id: AgreementId, version: Version, peer: str = Depends(partner)
    ) -> AgreementStanding:
        """Take a participant's signature over the identical bytes."""
        return await taken(
            request,
            lambda c, jws: registry.receive_signature(c, node.identity, peer, agreement_id, version, jws, node.clock()),
        )

    @api.post("/{agreement_id}/{version}/decline", summary="Decline a proposal", openapi_extra=_BODY)
    async def decline(
        request: Request, agreement_id: AgreementId, version: Version, peer: str = Depends(partner)
    ) -> AgreementStanding:
        """Take a participant's no to a proposal it has not signed."""
        return await taken(
            request,
            lambda c, jws: registry.receive_decline(c, node.identity, peer, agreement_id, version, jws, node.clock()),
        )

    @api.post("/{agreement_id}/{version}/retirement", summary="Retire an agreement", openapi_extra=_BODY)
    async def retire(
        request: Request, agreement_id: AgreementId, version: Version, peer: str = Depends(partner)
    ) -> AgreementStanding:
        """Take a participant's word that it ends the agreement; it holds at once."""
        return await taken(
            request,
            lambda c, jws: registry.receive_retirement(
                c, node.identity, peer, agreement_id, version, jws, node.clock()
            ),
        )

    @api.get("", summary="List the agreements with the asking partner")
    def agreements(peer: str = Depends(partner)) -> AgreementList:
        """List every version that names the asking partner; drafts are nobody's business but this port's."""
        with node.database.read() as connection:
            found = [a for a in registry.list_agreements(connection) if _concerns(a, peer)]
        return AgreementList(agreements=[AgreementStanding(**_standing(a)) for a in found])

    @api.get("/{agreement_id}/{version}", summary="Show an agreement and its signatures")
    def show(agreement_id: AgreementId, version: Version, peer: str = Depends(partner)) -> AgreementEvidence:
        """Show how a version stands here, with the signatures."""
        found = _one(agreement_id, version, peer)
        return AgreementEvidence(**_standing(found), signatures=dict(found.signatures))

    @api.get(
        "/{agreement_id}/{version}/document",
        summary="The exact bytes that are signed",
        response_class=Response,
        responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
    )
    def document(agreement_id: AgreementId, version: Version, peer: str = Depends(partner)) -> Response:
        """Return the canonical bytes of the document."""
        return Response(_one(agreement_id, version, peer).data, media_type="application/json")

    def _one(agreement_id: str, version: int, peer: str) -> Registered:
        with node.database.read() as connection:
            found = registry.get_agreement(connection, agreement_id, version)
        if found is None or not _concerns(found, peer):
            raise RequestRefusedError(
                404, "unknown-agreement", f"No agreement {agreement_id}/{version} with you here.", "Propose it first."
            )
        return found

    return api


def _concerns(found: Registered, peer: str) -> bool:
    return found.state is not AgreementState.DRAFT and found.document.names(peer)


def _jws(request: Request) -> str:
    """Return the one member of a body."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestRefusedError(
            415, "media-type", f"The media type is {media_type[:80]!a}.", "Send application/json."
        )
    content = strict_json.parse_object(request.state.body, MAX_BODY_BYTES)
    faults = [Fault(key[:80], "an unknown key", "Send jws only") for key in content if key != "jws"]
    jws = content.get("jws")
    if not isinstance(jws, str):
        faults.append(Fault("jws", "no text", "Send the compact JWS"))
    if faults:
        raise RequestRefusedError(422, "bad-message", "The message cannot be used.", "Mend what is listed.", faults)
    return str(jws)


def _standing(found: Registered) -> dict[str, Any]:
    document = found.document
    return {
        "agreement": document.id,
        "version": document.version,
        "digest": found.digest,
        "state": found.state,
        "demonstration": document.demonstration,
        "valid_from": time_text(document.valid_from),
        "valid_until": time_text(document.valid_until) if document.valid_until else None,
        "signed_by": sorted(found.signatures),
        "ended_by": found.ended_by,
        "end_reason": found.end_reason,
    }
