"""Who asks: a partner's node (token and signature), or a system of the port itself (token with a role)."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sealane.database.tables.identity import peer as peers
from sealane.errors import RequestRefusedError
from sealane.exchange.evidence import KnownKey
from sealane.exchange.jws import read_public_jwk
from sealane.exchange.ledger import Entry, EntryKind, append
from sealane.exchange.peers import Peer, get_peer, list_peers, raise_alarm, usable_key
from sealane.exchange.replay import remember
from sealane.exchange.request_signatures import SignedRequest, is_signed, read_signature, verify_request
from sealane.exchange.tokens import (
    IDENTITY_TYP,
    STREAM_TYP,
    ClockError,
    Token,
    claimed_issuer,
    verify_own_stream_token,
    verify_token,
)
from sealane.node.api_tokens import ROLES, ApiToken, find_token, shown_roles
from sealane.node.context import Node

FAILURES_PER_MINUTE = 30
_ADDRESSES = 10_000
_LOG = logging.getLogger("sealane.identity")
_PARTNER = HTTPBearer(
    scheme_name="partner",
    bearerFormat="JWT",
    description="Token of a partner's node; the request is signed as well (RFC 9421).",
    auto_error=False,
)
_OWN = HTTPBearer(
    scheme_name="own", description="Token of one of the port's own systems (`sealane node token`).", auto_error=False
)


@dataclass(frozen=True)
class Incoming:
    """A request as far as it says who sent it.

    Attributes
    ----------
    target : path and query as they stand in the request line.
    fields : every header field line, in order.
    """

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Sender:
    """Who sent a request.

    Attributes
    ----------
    stream : stream its token lets it read; None for a token of identity.
    """

    participant: str
    stream: str | None
    signed: bool


def peer_of(node: Node, *, streams: bool = False) -> Callable[..., Awaitable[str]]:
    """Return a dependency that gives the participant id of the partner who sent the request, or refuses it.

    A stream's token, which lives long and is for many requests, is let in only where streams are read (``streams``): it
    must not be as good as the partner's own. The body is read once and kept as ``request.state.body``;
    ``request.state.sender`` is the `Sender`.
    """

    async def peer(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_PARTNER)] = None
    ) -> str:
        request.state.body = body = await request.body()
        incoming = read_incoming(request, body)
        request.state.sender = sender = await run_in_threadpool(authenticate, node, incoming)
        if sender.stream is not None and not streams:
            raise RequestRefusedError(
                403,
                "stream-token",
                "The token lets a stream be read and is for nothing else.",
                "Send a token of the participant's identity.",
            )
        return sender.participant

    return peer


def token_role(node: Node, *roles: str) -> Callable[..., Awaitable[ApiToken]]:
    """Return a dependency that lets in the port's own systems whose token has one of the roles."""
    unknown = set(roles) - set(ROLES)
    if unknown or not roles:
        raise ValueError(f"roles must be of {sorted(ROLES)}")

    async def role(
        request: Request, found: Annotated[HTTPAuthorizationCredentials | None, Security(_OWN)] = None
    ) -> ApiToken:
        token = await run_in_threadpool(_look_up, node, found.credentials) if found else None
        if token is None:
            _count_failure(request, node.clock())
            raise RequestRefusedError(
                401,
                "unknown-token",
                "The request carries no token this node accepts.",
                "Send Authorization: Bearer and a token of `sealane node token create`.",
            )
        if token.role not in roles:
            raise RequestRefusedError(
                403,
                "wrong-role",
                f"The token {token.name!r} has the role {token.role}; {shown_roles(roles)} is needed.",
                "Use another token.",
            )
        request.state.token = token
        return token

    return role


def read_incoming(request: Request, body: bytes) -> Incoming:
    """Return what of a request is judged; the raw target, since decoding and encoding again may change it."""
    scope = request.scope
    raw = scope.get("raw_path") or scope["path"].encode()
    query = scope.get("query_string", b"")
    target = raw.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
    fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
    return Incoming(request.method, target, fields, body)


def authenticate(node: Node, incoming: Incoming) -> Sender:
    """Find out which partner sent a request.

    Raises
    ------
    RequestRefusedError
        401 if that is not proven or the request was sent before; 503 if the partner's keys cannot be known now.
    """
    authorizations = [value for name, value in incoming.fields if name.lower() == "authorization"]
    if not authorizations and node.settings.test_profile:
        return _conformance_kit(node)
    if len(authorizations) != 1 or authorizations[0][:7].lower() != "bearer ":
        raise _refused("no-token", "it must carry one Authorization field with a bearer token")
    text = authorizations[0][7:].strip()
    now = node.clock()
    typ, kid, issuer = claimed_issuer(text)
    participant = issuer
    try:
        if typ == STREAM_TYP:
            token = verify_own_stream_token(node.identity, text, now)
            participant = token.subject
            signed = _verify_signature(node, participant, incoming, None, now)
        else:
            key = usable_key(node, issuer, kid)
            token = verify_token(
                text,
                read_public_jwk(key.jwk),
                typ=IDENTITY_TYP,
                issuer=issuer,
                audience=node.identity.participant,
                now=now,
            )
            signed = _verify_signature(node, participant, incoming, key, now)
    except ClockError as error:
        if participant != node.identity.participant:  # a stream's token of our own has simply ended
            _alarm(node, participant, f"{error.kind}: {error.detail}", now)
        raise
    _accept_once(node, participant, token, signed, now)
    return Sender(participant, token.stream, signed is not None)


def _verify_signature(
    node: Node, participant: str, incoming: Incoming, key: KnownKey | None, now: dt.datetime
) -> SignedRequest | None:
    with node.database.read() as connection:
        peer = get_peer(connection, participant)
    if peer is None:
        raise _refused("unknown-participant", "its participant is not registered here")
    # A partner that need not sign but does is held to its signature as well.
    if not is_signed(incoming.fields):
        if peer.must_sign:
            raise _refused("unsigned", "this partner must sign its requests (RFC 9421)")
        return None
    if key is None:
        key = usable_key(node, participant, read_signature(incoming.fields)[0].kid)
    return verify_request(
        incoming.method,
        node.identity.origin + incoming.target,
        incoming.fields,
        incoming.body,
        key=read_public_jwk(key.jwk),
        kid=key.kid,
        now=now,
    )


def _accept_once(node: Node, participant: str, token: Token, signed: SignedRequest | None, now: dt.datetime) -> None:
    with node.database.write() as connection:
        unused = True  # a stream's token is for many requests
        if token.stream is None:
            # Also where a signature stands beside it: without the signature it must not pass for another request.
            unused = remember(connection, participant, f"token:{token.token_id}", token.accepted_until)
        if signed is not None:
            new = remember(connection, participant, f"nonce:{signed.nonce}", signed.accepted_until)
        else:
            new = unused
        if new:
            heard = peers.update().where(peers.c.participant == participant)
            connection.execute(heard.values(last_heard_at=now))
    if not new:
        _LOG.warning("a request was sent again and refused", extra={"peer": participant})
        raise _refused("replayed", "the very same request was accepted before")


def _alarm(node: Node, participant: str, text: str, now: dt.datetime) -> None:
    """Tell the operator; only an authentic message of the partner leads here."""
    with node.database.write() as connection:
        new = raise_alarm(connection, participant, text)
        if new:
            append(connection, [Entry(EntryKind.ALARM, participant, participant, {"reason": text})], now)
    # Whoever sends an old request again and again shall not fill the log with alarms.
    _LOG.log(logging.ERROR if new else logging.INFO, "alarm: %s", text, extra={"peer": participant})


def _conformance_kit(node: Node) -> Sender:
    """The conformance kit does not authenticate; it stands for the one partner that need not sign."""
    with node.database.read() as connection:
        found: list[Peer] = [peer for peer in list_peers(connection) if not peer.must_sign]
    if len(found) != 1:
        raise _refused("no-token", "it carries no token, and the test profile has not exactly one partner for it")
    return Sender(found[0].participant, None, False)


class _Failures:
    """Counts failed attempts of each address in the running minute, so that they cost little.

    A token that is right is never refused for another's failures: behind one proxy all addresses are the same, and
    guessing 32 random bytes needs no limit to be hopeless.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._counts: dict[str, int] = {}

    def add(self, address: str, now: dt.datetime) -> int:
        """Count one failure and return how many there were in this minute."""
        minute = int(now.timestamp()) // 60
        with self._lock:
            if minute != self._minute or len(self._counts) > _ADDRESSES:
                self._minute, self._counts = minute, {}
            self._counts[address] = self._counts.get(address, 0) + 1
            return self._counts[address]


def _count_failure(request: Request, now: dt.datetime) -> None:
    state = request.app.state
    if not hasattr(state, "token_failures"):
        state.token_failures = _Failures()
    address = request.client.host if request.client else "unknown"
    count = state.token_failures.add(address, now)
    if count == FAILURES_PER_MINUTE:
        _LOG.warning("many requests without a right token", extra={"address": address})
    if count > FAILURES_PER_MINUTE:
        raise RequestRefusedError(
            429,
            "too-many-failures",
            "Too many requests without a right token came from this address.",
            "Mend the token, then try again in a minute.",
            retry_after_s=60,
        )


def _look_up(node: Node, text: str) -> ApiToken | None:
    if len(text) > 200:
        return None
    with node.database.read() as connection:
        return find_token(connection, text, node.clock())


def _refused(kind: str, why: str) -> RequestRefusedError:
    return RequestRefusedError(
        401,
        kind,
        f"The request cannot be attributed: {why}.",
        "Sign it as the documentation describes, and send it once.",
    )
