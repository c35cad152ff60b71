"""Exchanges checkpoints with partners over the network, so that each witnesses the others' logs.

Own checkpoints are sent, partners' are fetched, each with the proof that the log only grew since the last one held.
What partners signed about their logs in receipts is held against them, too.
"""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import sqlalchemy as sa

from sealane.database.tables.delivery import receipt as receipt_table
from sealane.database.tables.delivery import stream as stream_table
from sealane.errors import RequestRefusedError, SealaneError
from sealane.exchange import ledger
from sealane.exchange.checkpoints import (
    Checkpoint,
    Outcome,
    Witnessed,
    accepted_anew_at,
    checkpoint_if_news,
    latest,
    note_checkpoint,
    parse_proof,
    prove_noted,
    read_checkpoint,
    receive_checkpoint,
    unproven,
)
from sealane.exchange.peers import Peer, list_peers
from sealane.exchange.receipts import parse_receipt
from sealane.exchange.strict_json import parse_object

if TYPE_CHECKING:
    from sealane.node.context import Node

PATH = "/sealane/v1/ledger"
RECEIPTS_A_RUN = 20  # the newest; the offline verifier looks at all of them
TIMEOUT_S = 15.0
_LOG = logging.getLogger("sealane.ledger")


@dataclass(frozen=True)
class Exchanged:
    """What an exchange with one partner gave; ``error`` is None where all went well."""

    participant: str
    sent: Witnessed | None = None
    fetched: Witnessed | None = None
    error: str | None = None


def exchange_checkpoints(node: Node) -> list[Exchanged]:
    """Send and fetch checkpoints with every partner; one that fails does not keep the others waiting."""
    with node.database.read() as connection:
        peers = list_peers(connection)
    results = []
    for peer in peers:
        try:
            results.append(Exchanged(peer.participant, send_checkpoint(node, peer), fetch_checkpoint(node, peer)))
        except SealaneError as error:
            results.append(Exchanged(peer.participant, error=str(error)))
            _LOG.warning("no checkpoints exchanged with %s: %s", peer.participant, error)
    return results


def send_checkpoint(node: Node, peer: Peer) -> Witnessed:
    """Send the newest own checkpoint with the proof the partner asks for.

    Raises
    ------
    SealaneError
        If the partner cannot be reached or answers what cannot be read.
    """
    with node.database.write() as connection:
        own = checkpoint_if_news(connection, node.identity, node.clock())
    start = own.size
    answer = Witnessed(Outcome.PROOF_NEEDED, start)
    for _ in range(2):  # the first answer says what the partner holds
        with node.database.read() as connection:
            proof = ledger.consistency_proof(connection, start, own.size)
        body = {"checkpoint": own.jws, "from": start, "proof": [value.hex() for value in proof]}
        told = ask(node, peer, "POST", "/checkpoints", body=body)
        answer = Witnessed(_outcome(told.get("outcome")), _size(told.get("held")), told.get("reason"))
        if answer.outcome is not Outcome.PROOF_NEEDED or answer.held > own.size:
            break
        start = answer.held
    if answer.outcome is Outcome.CONTRADICTION:
        _LOG.error(
            "%s says that this node's log contradicts what it signed before: %s", peer.participant, answer.reason
        )
    return answer


def fetch_checkpoint(node: Node, peer: Peer) -> Witnessed:
    """Fetch the partner's newest checkpoint, verify that its log only grew, and prove what it signed in receipts.

    Raises
    ------
    SealaneError
        If the partner cannot be reached or answers what cannot be read.
    """
    jws = str(ask(node, peer, "GET", "/checkpoint").get("checkpoint"))
    now = node.clock()
    with node.database.write() as connection:
        note_receipts(connection, peer.participant, node)
        new = read_checkpoint(connection, peer.participant, jws, now)
        held = latest(connection, peer.participant)
    start = held.size if held is not None else 0
    proof = _proof(node, peer, start, new.size) if start < new.size else []
    with node.database.write() as connection:
        found = receive_checkpoint(connection, peer.participant, jws, proof, now, proof_from=start)
        noted = unproven(connection, peer.participant, new.size, RECEIPTS_A_RUN)
    if found.outcome is Outcome.CONTRADICTION:
        _LOG.error("the log of %s contradicts what it signed before: %s", peer.participant, found.reason)
        return found
    for one in noted:
        proof = _proof(node, peer, one.size, new.size)
        with node.database.write() as connection:
            if not prove_noted(connection, one, new, proof, now):
                _LOG.error("the log of %s does not contain the one it signed in a receipt", peer.participant)
    return found


def note_receipts(connection: sa.Connection, participant: str, node: Node) -> None:
    """Note what the newest receipts of a partner say about its log; their signatures were verified on arrival."""
    held = latest(connection, participant)
    statement = (
        sa.select(receipt_table.c.jws)
        .join(stream_table, stream_table.c.id == receipt_table.c.stream_id)
        .where(stream_table.c.peer == participant, receipt_table.c.direction == "in")
        .order_by(receipt_table.c.created_at.desc(), receipt_table.c.id)
        .limit(RECEIPTS_A_RUN)
    )
    if held is not None:
        statement = statement.where(receipt_table.c.created_at >= held.time)
    since = accepted_anew_at(connection, participant)
    if since is not None:
        statement = statement.where(receipt_table.c.created_at > since)
    for jws in connection.execute(statement).scalars().all():
        said = parse_receipt(_payload(jws))
        one = Checkpoint(participant, said.ledger_size, bytes.fromhex(said.ledger_root), said.issued_at, jws)
        note_checkpoint(connection, one, node.clock())


def _payload(jws: str) -> bytes:
    """Return what a stored JWS signs; its signature was verified when it came."""
    middle = jws.split(".")[1]
    return base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))


def _proof(node: Node, peer: Peer, old: int, new: int) -> list[bytes]:
    return parse_proof(ask(node, peer, "GET", "/consistency", {"from": old, "to": new}).get("proof"))


def ask(
    node: Node,
    peer: Peer,
    method: str,
    path: str,
    query: dict[str, Any] | None = None,
    *,
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Send one request and return the JSON object of the answer."""
    url = f"{peer.origin}{PATH}{path}" + (f"?{urlencode(query)}" if query else "")
    answer = node.outbound.request(
        method,
        url,
        participant=peer.participant,
        content=b"" if body is None else json.dumps(body).encode("utf-8"),
        headers={} if body is None else {"content-type": "application/json"},
        timeout_s=TIMEOUT_S,
    )
    if answer.status != 200:
        raise RequestRefusedError(
            502,
            "ledger-answer",
            f"{peer.participant} answered {answer.status} to {method} {PATH}{path}.",
            "Look at that node's log; `sealane peer check` says more.",
        )
    return parse_object(answer.content, max_bytes=16 * 1_048_576)


def _outcome(value: Any) -> Outcome:
    try:
        return Outcome(value)
    except ValueError:
        raise _unreadable("outcome") from None


def _size(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise _unreadable("held")
    return value


def _unreadable(key: str) -> RequestRefusedError:
    return RequestRefusedError(
        502, "ledger-answer", f"The partner's answer has no usable {key!r}.", "Ask which software answers there."
    )
