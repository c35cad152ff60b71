"""Shows partners this node's log as far as it concerns them, and takes their checkpoints."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from sealane.errors import Fault, RequestRefusedError
from sealane.exchange import ledger, strict_json
from sealane.exchange.checkpoint_exchange import PATH
from sealane.exchange.checkpoints import checkpoint_if_news, parse_proof, receive_checkpoint
from sealane.node.api.security import peer_of
from sealane.node.context import Node

MAX_BODY_BYTES = 65_536
Number = Annotated[int, Query(ge=0, lt=2**53)]


class OwnCheckpoint(BaseModel):
    """This node's newest checkpoint."""

    checkpoint: str = Field(description="Compact JWS.")


class Proof(BaseModel):
    """Hashes in hexadecimal, in the order of RFC 9162."""

    proof: list[str]


class InclusionProof(Proof):
    """The same, with the leaf hash that it proves."""

    hash: str


class EntryShown(BaseModel):
    """One entry of the log: its canonical text where it concerns the asking partner, else only its hash."""

    position: int
    entry: str | None = None
    hash: str | None = None
    proof: list[str] | None = None


class EntryPage(BaseModel):
    """A page of the log."""

    size: int = Field(description="Number of entries, or the size that the proofs are for.")
    entries: list[EntryShown]
    next: int | None = Field(description="Give it as `after` for the next page; null at the end.")


class CheckpointTaken(BaseModel):
    """What became of a checkpoint, and the size of the newest one this node has accepted from the partner."""

    outcome: str
    held: int
    reason: str | None = None


_CHECKPOINT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "checkpoint": {"type": "string", "description": "Compact JWS of the sender."},
                        "from": {"type": "integer", "minimum": 0, "description": "The size the proof begins at."},
                        "proof": {"type": "array", "items": {"type": "string"}},
                    },
                    "required": ["checkpoint", "from", "proof"],
                    "additionalProperties": False,
                }
            }
        },
    }
}


def router(node: Node) -> APIRouter:
    """Return the endpoints of the log."""
    api = APIRouter(prefix=PATH, tags=["ledger"])
    partner = peer_of(node)

    @api.get("/checkpoint", summary="The newest signed checkpoint", dependencies=[Depends(partner)])
    def checkpoint() -> OwnCheckpoint:
        """Return the newest checkpoint; a new one is signed when more than partners' checkpoints was logged since."""
        with node.database.write() as connection:
            return OwnCheckpoint(checkpoint=checkpoint_if_news(connection, node.identity, node.clock()).jws)

    @api.get("/consistency", summary="Proof that the log only grew", dependencies=[Depends(partner)])
    def consistency(
        old: Annotated[int, Query(alias="from", ge=0, lt=2**53)], new: Annotated[int, Query(alias="to", ge=0, lt=2**53)]
    ) -> Proof:
        """Prove the first ``from`` entries to be unchanged within the first ``to``."""
        with node.database.read() as connection:
            _check_range(ledger.log_size(connection), new, "to")
            _check_range(new, old, "from")
            return Proof(proof=_hex(ledger.consistency_proof(connection, old, new)))

    @api.get("/inclusion", summary="Proof that an entry is in the log", dependencies=[Depends(partner)])
    def inclusion(position: Number, size: Number) -> InclusionProof:
        """Prove the entry at ``position`` to be among the first ``size``."""
        with node.database.read() as connection:
            _check_range(ledger.log_size(connection), size, "size")
            _check_range(size - 1, position, "position")
            (leaf,) = ledger.leaf_hashes(connection, position, position + 1)
            return InclusionProof(hash=leaf.hex(), proof=_hex(ledger.inclusion_proof(connection, position, size)))

    @api.get("/entries", summary="Entries that concern the asking partner", response_model_exclude_unset=True)
    def entries(
        peer: str = Depends(partner),
        after: Annotated[int, Query(ge=-1, lt=2**53, description="Position of the last entry seen.")] = -1,
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
        size: Annotated[
            int | None,
            Query(ge=1, lt=2**53, description="Give only the partner's own entries, with proofs for this size."),
        ] = None,
    ) -> EntryPage:
        """Show a page of the log. Entries that concern others are given as bare hashes, or left out with ``size``."""
        with node.database.read() as connection:
            have = ledger.log_size(connection)
            if size is None:
                found = ledger.entries(connection, after=after, limit=limit)
                shown = [
                    EntryShown(position=e.position, entry=e.text)
                    if e.peer == peer
                    else EntryShown(position=e.position, hash=e.hash.hex())
                    for e in found
                ]
            else:
                _check_range(have, size, "size")
                have = size
                found = ledger.entries(connection, peer=peer, after=after, limit=limit)
                found = [entry for entry in found if entry.position < size]
                proofs = ledger.inclusion_proofs(connection, [entry.position for entry in found], size)
                shown = [
                    EntryShown(position=e.position, entry=e.text, proof=_hex(proof))
                    for e, proof in zip(found, proofs, strict=True)
                ]
        return EntryPage(size=have, entries=shown, next=found[-1].position if len(found) == limit else None)

    @api.post("/checkpoints", summary="Give a checkpoint of the partner's log", openapi_extra=_CHECKPOINT_BODY)
    async def take(request: Request, peer: str = Depends(partner)) -> CheckpointTaken:
        """Witness the partner's log: keep its checkpoint, or answer from where a proof is needed.

        A checkpoint that contradicts an earlier one is kept as evidence and answered with ``contradiction``.
        """
        jws, start, proof = _read(request)

        def work() -> CheckpointTaken:
            with node.database.write() as connection:
                found = receive_checkpoint(connection, peer, jws, proof, node.clock(), proof_from=start)
            return CheckpointTaken(outcome=found.outcome.value, held=found.held, reason=found.reason)

        return await run_in_threadpool(work)

    return api


def _hex(hashes: list[bytes]) -> list[str]:
    return [value.hex() for value in hashes]


def _check_range(have: int, asked: int, name: str) -> None:
    if asked > have:
        raise RequestRefusedError(
            422,
            "beyond-the-log",
            f"{name} is {asked}; the largest possible here is {have}.",
            "Ask within the log; GET checkpoint tells its size.",
            [Fault(name, str(asked), f"at most {have}")],
        )


def _read(request: Request) -> tuple[str, int, list[bytes]]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RequestRefusedError(
            415, "media-type", f"The media type is {media_type[:80]!a}.", "Send application/json."
        )
    content = strict_json.parse_object(request.state.body, MAX_BODY_BYTES)
    faults = [
        Fault(key[:80], "an unknown key", "Leave it out") for key in content.keys() - {"checkpoint", "from", "proof"}
    ]
    jws, start = content.get("checkpoint"), content.get("from")
    if not isinstance(jws, str):
        faults.append(Fault("checkpoint", "no text", "Send the compact JWS"))
    if type(start) is not int or start < 0:
        faults.append(Fault("from", "no whole number from 0", "Send the size the proof begins at"))
    if faults:
        raise RequestRefusedError(422, "bad-message", "The message cannot be used.", "Mend what is listed.", faults)
    return str(jws), int(start or 0), parse_proof(content.get("proof"))
