"""Sends what streams hold: claim, send, believe only a signed receipt; back off when that fails.

One request is in flight per stream. The claim and the sending are two steps, with a second at most between them; no
transaction stays open across the network.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sealane.errors import RequestRefusedError
from sealane.exchange import strict_json
from sealane.exchange.acknowledgement import acknowledge, check_receipt, fail
from sealane.exchange.events import BATCH_TYPE, batch_bytes
from sealane.exchange.evidence import verify_evidence
from sealane.exchange.outbound import NotBegunError, Response, UnreachableError
from sealane.exchange.outbox import Batch, ClaimOutcome, claim, has_work, release_claim
from sealane.exchange.peers import know_signer
from sealane.exchange.receipts import RECEIPT_MEDIA_TYPE, RECEIPT_TYPE, Receipt, no_receipt, parse_receipt
from sealane.exchange.recovery import recover, settle_cursor
from sealane.exchange.registry import terms_in_force
from sealane.exchange.streams import Direction, Stream, StreamState, all_streams, get_stream

if TYPE_CHECKING:
    from sealane.node.context import Node

BEGIN_WITHIN_S = 1.0
SEND_TIMEOUT_S = 8.0
RECEIPT_FRESH_S = 65.0  # as long as a signed request counts as fresh
BACKOFF_BASE_S = 0.5
BACKOFF_CAP_S = 30.0
LONGEST_RETRY_AFTER_S = 3600.0
THREADS = 8
# A pass takes up no new work after this; a node that is told to stop then waits for one request at most.
PASS_BUDGET_S = 10.0
_RECEIPT_STATUS = frozenset({200, 403, 409})

Jitter = Callable[[float], float]


class DeliveryOutcome(StrEnum):
    """What one step of delivery did."""

    SENT = "sent"
    CAUGHT_UP = "caught_up"  # the cursor was asked for and settled; send next
    PROGRESS = "progress"  # records were decided and all withheld or delayed
    IDLE = "idle"
    WAITING = "waiting"  # not open, not due yet, or another worker has it
    FAILED = "failed"
    STOPPED = "stopped"  # an alarm


_GO_ON = frozenset({DeliveryOutcome.SENT, DeliveryOutcome.CAUGHT_UP, DeliveryOutcome.PROGRESS})


@dataclass(frozen=True)
class DeliveryResult:
    """What one step of delivery did with one stream.

    Attributes
    ----------
    accepted, refused, dead : events, as the receipt says; refused ones are tried again unless dead.
    error : for `FAILED` and `STOPPED`, what an operator should know.
    """

    stream_id: str
    outcome: DeliveryOutcome
    accepted: int = 0
    refused: int = 0
    dead: int = 0
    error: str | None = None


def full_jitter(upper_s: float) -> float:
    """Return a time between nothing and the upper bound, so that many senders do not come back at once."""
    return random.uniform(0.0, upper_s)


def backoff(attempts: int, retry_after_s: float | None, jitter: Jitter = full_jitter) -> dt.timedelta:
    """Return how long to wait after a failure.

    Parameters
    ----------
    attempts : failed attempts before this one.
    retry_after_s : what the partner asked for; honoured up to an hour.
    """
    upper = min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2.0 ** min(attempts, 30))
    wait_s = max(0.05, jitter(upper))
    if retry_after_s is not None:
        wait_s = max(wait_s, min(retry_after_s, LONGEST_RETRY_AFTER_S))
    return dt.timedelta(seconds=wait_s)


def deliver_once(
    node: Node, stream_id: str, *, worker: str | None = None, jitter: Jitter = full_jitter
) -> DeliveryResult:
    """Do one step for an outgoing stream: decide and send one batch, or ask the partner for its cursor.

    Parameters
    ----------
    worker : names the sender for the claim; by default the process and thread.

    Raises
    ------
    StoreError
        If the own database cannot be used; what was sent is sent again, and taken once.
    """
    worker = worker or f"{os.getpid()}-{threading.get_ident()}"
    own = node.identity.participant
    with node.database.write() as connection:
        batch = claim(connection, stream_id, own, terms_in_force, worker, node.clock())
        # Taken before the commit: whatever ends the agreement commits after it.
        begin_before = time.monotonic() + BEGIN_WITHIN_S
    stream = batch.stream
    if stream is None or batch.outcome in {ClaimOutcome.NOT_OPEN, ClaimOutcome.NOT_DUE, ClaimOutcome.BUSY}:
        return DeliveryResult(stream_id, DeliveryOutcome.WAITING)
    if batch.outcome is ClaimOutcome.NOT_IN_FORCE:
        error = f"agreement {stream.agreement_id} version {stream.agreement_version} is not in force here"
        return _failed(node, stream, worker, error, None, jitter)
    if batch.outcome is ClaimOutcome.NOTHING:
        return DeliveryResult(stream_id, DeliveryOutcome.IDLE)
    if batch.outcome is ClaimOutcome.PROGRESS:
        return DeliveryResult(stream_id, DeliveryOutcome.PROGRESS)
    try:
        if batch.outcome is ClaimOutcome.LEASE_ENDED:
            return _catch_up(node, stream, worker, jitter)
        return _send(node, stream, batch, worker, begin_before, jitter)
    except NotBegunError as error:
        return _failed(node, stream, worker, str(error), None, jitter)
    except RequestRefusedError as error:
        return _failed(node, stream, worker, str(error), error.retry_after_s, jitter)


def deliver_all(node: Node, *, threads: int = THREADS, budget_s: float = PASS_BUDGET_S) -> list[DeliveryResult]:
    """Do everything that is due on every outgoing stream; a slow partner does not hold up the others.

    Returns
    -------
    The last result of every stream that had work.

    Raises
    ------
    StoreError
        If the own database cannot be used.
    """
    results: dict[str, DeliveryResult] = {}
    until = time.monotonic() + budget_s
    running: dict[Future[DeliveryResult], str] = {}
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="sealane-delivery") as pool:
        while True:
            in_flight = set(running.values())
            if time.monotonic() < until:
                for stream in _with_work(node):
                    if stream.id not in in_flight and len(running) < threads:
                        running[pool.submit(_drain, node, stream.id, until)] = stream.id
            if not running:
                return list(results.values())
            # Looks for new work while a slow partner keeps one thread.
            done, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in done:
                results[running.pop(future)] = future.result()


def recover_outgoing(node: Node, stream_id: str) -> int:
    """Let a stopped outgoing stream go on from where the partner's counter stands; return that number.

    Raises
    ------
    RequestRefusedError
        If the partner does not answer with a receipt that can be believed.
    UnreachableError
        If it does not answer.
    """
    with node.database.read() as connection:
        stream = get_stream(connection, stream_id)
    if stream is None or stream.direction != Direction.OUT:
        raise RequestRefusedError(
            404, "unknown-stream", f"There is no outgoing stream {stream_id[:12]}.", "See `sealane stream list`."
        )
    answer = _ask_cursor(node, stream, say_next=False)
    _, receipt = _believe(node, stream, answer)
    check_receipt(receipt, stream, node.identity.participant, ())
    with node.database.write() as connection:
        recover(connection, stream_id, receipt.next_sequence, node.clock())
    return receipt.next_sequence


def _with_work(node: Node) -> list[Stream]:
    own, now = node.identity.participant, node.clock()
    with node.database.read() as connection:
        streams = all_streams(connection, direction=Direction.OUT, state=StreamState.OPEN)
        # A stream without an address is pulled by the partner, and decided when it is.
        return [s for s in streams if s.endpoint is not None and has_work(connection, s, own, now)]


def _drain(node: Node, stream_id: str, until: float) -> DeliveryResult:
    while True:
        result = deliver_once(node, stream_id)
        if result.outcome not in _GO_ON or time.monotonic() >= until:
            return result


def _send(node: Node, stream: Stream, batch: Batch, worker: str, begin_before: float, jitter: Jitter) -> DeliveryResult:
    try:
        answer = node.outbound.request(
            "POST",
            _endpoint(stream),
            participant=stream.peer,
            content=batch_bytes([event.data for event in batch.events]),
            headers={"content-type": BATCH_TYPE},
            timeout_s=SEND_TIMEOUT_S,
            begin_before=begin_before,
        )
    except UnreachableError as error:
        return _failed(node, stream, worker, str(error), None, jitter)
    if answer.status not in _RECEIPT_STATUS or not _is_receipt(answer):
        return _refused(node, stream, worker, answer, jitter)
    jws, receipt = _believe(node, stream, answer)
    if answer.status != 200:
        return _settle(node, stream, worker, receipt, jitter)
    now = node.clock()
    with node.database.write() as connection:
        done = acknowledge(
            connection, stream.id, node.identity.participant, receipt, jws, batch.events, _lease(node), now
        )
    if done.alarm is not None:
        return DeliveryResult(stream.id, DeliveryOutcome.STOPPED, error=done.alarm)
    return DeliveryResult(stream.id, DeliveryOutcome.SENT, done.accepted, done.refused, done.dead)


def _catch_up(node: Node, stream: Stream, worker: str, jitter: Jitter) -> DeliveryResult:
    """Ask the partner where its counter stands; its answer renews the lease."""
    try:
        answer = _ask_cursor(node, stream, say_next=True)
    except UnreachableError as error:
        return _failed(node, stream, worker, str(error), None, jitter)
    if answer.status != 200 or not _is_receipt(answer):
        return _refused(node, stream, worker, answer, jitter)
    _, receipt = _believe(node, stream, answer)
    return _settle(node, stream, worker, receipt, jitter)


def _settle(node: Node, stream: Stream, worker: str, receipt: Receipt, jitter: Jitter) -> DeliveryResult:
    now = node.clock()
    with node.database.write() as connection:
        alarm = settle_cursor(connection, stream.id, node.identity.participant, receipt, _lease(node), now)
        stopped = get_stream(connection, stream.id)
        release_claim(connection, stream.id, worker)
    if stopped is not None and stopped.state != StreamState.OPEN:
        return DeliveryResult(stream.id, DeliveryOutcome.STOPPED, error=alarm or stopped.state_reason)
    if receipt.state != StreamState.OPEN or not receipt.in_force:
        found = f"its stream is {receipt.state}" if receipt.in_force else "it holds the agreement not to be in force"
        return _failed(node, stream, worker, f"{stream.peer} takes nothing: {found}", None, jitter)
    return DeliveryResult(stream.id, DeliveryOutcome.CAUGHT_UP, error=alarm)


def _refused(node: Node, stream: Stream, worker: str, answer: Response, jitter: Jitter) -> DeliveryResult:
    error = f"{stream.peer} answered {answer.status} {_detail(answer)}"
    return _failed(node, stream, worker, error, _retry_after(answer), jitter)


def _failed(
    node: Node, stream: Stream, worker: str, error: str, retry_after_s: float | None, jitter: Jitter
) -> DeliveryResult:
    next_attempt_at = node.clock() + backoff(stream.attempts, retry_after_s, jitter)
    with node.database.write() as connection:
        fail(connection, stream.id, worker, error, next_attempt_at)
    return DeliveryResult(stream.id, DeliveryOutcome.FAILED, error=error)


def _ask_cursor(node: Node, stream: Stream, *, say_next: bool) -> Response:
    parts = urlsplit(_endpoint(stream))
    query = f"?next={stream.next_sequence}" if say_next else ""
    url = f"{parts.scheme}://{parts.netloc}/sealane/v1/streams/{stream.id}/cursor{query}"
    return node.outbound.request("GET", url, participant=stream.peer, timeout_s=SEND_TIMEOUT_S)


def _believe(node: Node, stream: Stream, answer: Response) -> tuple[str, Receipt]:
    """Return a receipt whose signature is the partner's, made for this answer and not for an earlier one.

    An old one would renew the lease of a partner who is cut off.
    """
    try:
        jws = answer.content.decode("ascii")
    except UnicodeDecodeError:
        raise no_receipt("it is not a JWS") from None
    know_signer(node, stream.peer, jws)
    with node.database.read() as connection:
        payload = verify_evidence(connection, jws, RECEIPT_TYPE, stream.peer, node.clock())
    receipt = parse_receipt(payload)
    age_s = (node.clock() - receipt.issued_at).total_seconds()
    if abs(age_s) > RECEIPT_FRESH_S:
        raise no_receipt(f"it was given {age_s:.0f} s ago; the clocks differ, or an old one was sent again")
    return jws, receipt


def _lease(node: Node) -> dt.timedelta:
    return dt.timedelta(seconds=node.settings.lease_s)


def _endpoint(stream: Stream) -> str:
    if stream.endpoint is None:
        raise no_receipt("the stream has no address to deliver to")
    return stream.endpoint


def _is_receipt(answer: Response) -> bool:
    return answer.headers.get("content-type", "").partition(";")[0].strip() == RECEIPT_MEDIA_TYPE


def _detail(answer: Response) -> str:
    """Return what a partner says about a failure, bounded; it is shown to the operator and never acted upon."""
    try:
        document = strict_json.parse(answer.content, max_bytes=65_536)
    except RequestRefusedError:
        return "without a problem that can be read"
    detail = document.get("detail") if isinstance(document, dict) else None
    return ascii(detail[:300]) if isinstance(detail, str) else "without a detail"


def _retry_after(answer: Response) -> float | None:
    text = answer.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 8 else None
