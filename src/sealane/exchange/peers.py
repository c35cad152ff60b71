"""Partners: who they are, which keys they hold now, and whether they can be trusted.

A partner's keys come from its ``/.well-known/sealane/keys`` and count only with a certificate by its root key, which
the operator registered. While a partner is in use the list is read again every 30 s, so that a revocation is known
within a minute. A list that cannot be read is used on for `MAX_LIST_AGE` and no longer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from sealane.database.engine import for_update
from sealane.database.tables.identity import peer as peers
from sealane.database.tables.identity import peer_key
from sealane.errors import InputError, RequestRefusedError, SealaneError
from sealane.exchange import strict_json
from sealane.exchange.addresses import read_origin
from sealane.exchange.certificates import Certificate, Revocation, read_certificate, read_revocation
from sealane.exchange.evidence import CLOCK_SKEW, KnownKey, known_keys
from sealane.exchange.jws import public_jwk, read_header, read_public_jwk, thumbprint
from sealane.exchange.keys import check_participant, key_row, record_own_keys

if TYPE_CHECKING:
    from sealane.node.context import Node

KEYS_PATH = "/.well-known/sealane/keys"
REFRESH_EVERY = dt.timedelta(seconds=30)
# A partner whose list cannot be read keeps working for so long; a thief who keeps the list from us gains no more.
MAX_LIST_AGE = dt.timedelta(hours=1)
_JOB_AGE = dt.timedelta(seconds=20)  # read a little early by the job, so that requests need not wait for it
_RETRY_AFTER = dt.timedelta(seconds=10)
_UNKNOWN_KEY_RETRY = dt.timedelta(seconds=1)
_FETCH_TIMEOUT_S = 5.0
_ASKED = "asked, no answer yet"
_MAX_STATEMENTS = 200


@dataclass(frozen=True)
class Peer:
    """A partner as the operator registered it.

    Attributes
    ----------
    origin : ``scheme://host[:port]`` of its node.
    root_key : public JWK of its offline root key.
    must_sign : every request of it must carry an RFC 9421 signature.
    allow_private : its origin may resolve to a loopback or private address, and may be plain http.
    keys_checked_at : when its list of keys was last read and found in order.
    alarm : why the operator should look at it; None is well.
    """

    participant: str
    name: str
    origin: str
    root_key: dict[str, str]
    must_sign: bool
    allow_private: bool
    also_origins: tuple[str, ...]
    keys_checked_at: dt.datetime | None
    keys_tried_at: dt.datetime | None
    keys_error: str | None
    last_heard_at: dt.datetime | None
    alarm: str | None

    @property
    def root_kid(self) -> str:
        """Thumbprint of the root key."""
        return thumbprint(self.root_key)


def add_peer(
    connection: sa.Connection,
    *,
    participant: str,
    name: str,
    origin: str,
    root_key: object,
    must_sign: bool = True,
    allow_private: bool = False,
    also_origins: tuple[str, ...] = (),
    now: dt.datetime,
) -> Peer:
    """Register a partner, or change how a registered one is reached.

    Raises
    ------
    InputError
        If the id, an origin or the key is malformed, or the partner is registered with another root key.
    """
    check_participant(participant)
    try:
        root = public_jwk(read_public_jwk(root_key))
    except ValueError as error:
        raise InputError(f"The root key of {participant} cannot be used: {error}.") from None
    values = {
        "name": name,
        "origin": str(read_origin(origin, allow_private)),
        "root_key": root,
        "must_sign": must_sign,
        "allow_private": allow_private,
        "also_origins": [str(read_origin(other, allow_private)) for other in also_origins],
    }
    known = get_peer(connection, participant)
    if known is None:
        connection.execute(peers.insert().values(participant=participant, added_at=now, **values))
    elif known.root_key != root:
        raise InputError(
            f"{participant} is registered with the root key {known.root_kid}, not {thumbprint(root)}. Ask its operator"
            " in person which is right; to change it, remove the partner first."
        )
    else:
        connection.execute(peers.update().where(peers.c.participant == participant).values(**values))
    added = get_peer(connection, participant)
    assert added is not None
    return added


def get_peer(connection: sa.Connection, participant: str) -> Peer | None:
    """Return a partner, None if it is not registered."""
    row = connection.execute(sa.select(peers).where(peers.c.participant == participant)).one_or_none()
    return None if row is None else _peer(row)


def list_peers(connection: sa.Connection) -> list[Peer]:
    """Return all partners by id."""
    return [_peer(row) for row in connection.execute(sa.select(peers).order_by(peers.c.participant))]


def remove_peer(connection: sa.Connection, participant: str) -> bool:
    """Forget a partner; its keys stay, so that what it signed can be verified. Say whether it was there."""
    return connection.execute(peers.delete().where(peers.c.participant == participant)).rowcount == 1


def raise_alarm(connection: sa.Connection, participant: str, text: str) -> bool:
    """Note why the operator should look at a partner; say whether it is new: an alarm that stands already is kept."""
    still = (peers.c.participant == participant) & peers.c.alarm.is_(None)
    return connection.execute(peers.update().where(still).values(alarm=text)).rowcount == 1


def clear_alarm(connection: sa.Connection, participant: str) -> None:
    """Take an alarm back; the operator has looked."""
    connection.execute(peers.update().where(peers.c.participant == participant).values(alarm=None))


def usable_key(node: Node, participant: str, kid: str) -> KnownKey:
    """Return a partner's key with which it may sign a request now; reads its list again when that is due.

    Raises
    ------
    RequestRefusedError
        401 if the key is unknown, not valid now or revoked; 503 if the list of keys is too old and cannot be read.
    """
    now = node.clock()
    peer, key = _look_up(node, participant, kid)
    has_read = False
    if key is None or not _within(peer.keys_checked_at, now, REFRESH_EVERY):
        has_read = refresh_keys(node, participant, urgent=key is None)
        peer, key = _look_up(node, participant, kid)
        # The list was read after `now` was taken; against the old time it would seem to come from the future.
        now = node.clock()
    if not _within(peer.keys_checked_at, now, MAX_LIST_AGE) or (key is None and not has_read):
        # Nobody waits here for another's answer: else strangers with made-up keys could hold every thread.
        raise RequestRefusedError(
            503,
            "keys-unavailable",
            f"The list of keys at {peer.origin}{KEYS_PATH} is not known now: {peer.keys_error or 'it was just read'}.",
            "Make it reachable for this node, and send again.",
            retry_after_s=int(_UNKNOWN_KEY_RETRY.total_seconds()),
        )
    if key is None or key.root_kid != peer.root_kid:
        raise _unauthorised("unknown-key", "its participant's root key has not certified that key")
    if key.revoked_at is not None:
        raise _unauthorised("key-revoked", "that key is revoked")
    if not key.valid_from - CLOCK_SKEW <= now < key.valid_until:
        raise _unauthorised("key-not-valid", "that key is not valid now")
    return key


def refresh_keys(node: Node, participant: str, *, urgent: bool = False) -> bool:
    """Read a partner's list of keys and store what its root key vouches for; say whether the list was read.

    One caller at a time asks, over all workers, and seldom for a known key (not `urgent`); others get False at once.
    """
    now = node.clock()
    with node.database.write() as connection:
        row = connection.execute(
            for_update(sa.select(peers).where(peers.c.participant == participant), connection)
        ).one_or_none()
        if row is None:
            return False
        peer = _peer(row)
        wait = _UNKNOWN_KEY_RETRY if urgent and peer.keys_error != _ASKED else _RETRY_AFTER
        mine = not _within(peer.keys_tried_at, now, wait)
        if mine:
            claim = peers.update().where(peers.c.participant == participant)
            connection.execute(claim.values(keys_tried_at=now, keys_error=_ASKED))
    if not mine:
        return False
    try:
        certificates, revocations = _fetch(node, peer)
        error = None
    except SealaneError as failure:
        certificates, revocations, error = [], [], str(failure)[:500]
    with node.database.write() as connection:
        if error is None:
            _store(connection, participant, certificates, revocations)
        done: dict[str, Any] = {"keys_error": error} if error else {"keys_error": None, "keys_checked_at": now}
        connection.execute(peers.update().where(peers.c.participant == participant).values(**done))
    return error is None


def refresh_due(node: Node) -> int:
    """Read the lists of keys of all partners that are due; a job calls it. Returns how many were read.

    Also makes sure that the node's own keys stand beside theirs, should a rotation have been cut short.
    """
    now = node.clock()
    with node.database.read() as connection:
        own = known_keys(connection, node.identity.participant)
        due = [peer.participant for peer in list_peers(connection) if not _within(peer.keys_checked_at, now, _JOB_AGE)]
    held = {(key.kid, key.revoked_at is not None) for key in own}
    if held != {(key.kid, key.revocation is not None) for key in node.identity.operational_keys()}:
        with node.database.write() as connection:
            record_own_keys(connection, node.identity)
    return sum(refresh_keys(node, participant) for participant in due)


def know_signer(node: Node, participant: str, jws: str) -> None:
    """Read a partner's list of keys where the key a statement names is not known, or the list is due.

    For statements that come in an answer: call it before the transaction in which `verify_evidence` is called. It never
    refuses; whether the key counts is for `verify_evidence` to say.
    """
    kid = read_header(jws).kid
    peer, key = _look_up(node, participant, kid)
    if key is None or not _within(peer.keys_checked_at, node.clock(), REFRESH_EVERY):
        refresh_keys(node, participant, urgent=key is None)


def _within(then: dt.datetime | None, now: dt.datetime, span: dt.timedelta) -> bool:
    # A time in the future is none to go by: the clock has been set back. A little is another thread's later look.
    return then is not None and -CLOCK_SKEW <= now - then < span


def _look_up(node: Node, participant: str, kid: str) -> tuple[Peer, KnownKey | None]:
    with node.database.read() as connection:
        peer = get_peer(connection, participant)
        keys = known_keys(connection, participant)
    if peer is None:
        raise _unauthorised("unknown-participant", "its participant is not registered here")
    return peer, next((key for key in keys if key.kid == kid), None)


def _fetch(node: Node, peer: Peer) -> tuple[list[Certificate], list[Revocation]]:
    answer = node.outbound.request(
        "GET", peer.origin + KEYS_PATH, participant=peer.participant, sign=False, timeout_s=_FETCH_TIMEOUT_S
    )
    if answer.status != 200:
        raise RequestRefusedError(502, "bad-key-list", f"It answered {answer.status}.", "Ask the partner's operator.")
    return read_key_set(answer.content, peer.participant, peer.root_key)


def read_key_set(
    content: bytes, participant: str, root_key: dict[str, str]
) -> tuple[list[Certificate], list[Revocation]]:
    """Verify a partner's list of keys; the JWKS part is for other software and is not used.

    Raises
    ------
    RequestRefusedError
        If it is malformed, for another participant, or holds one statement its root key did not sign.
    """
    found = strict_json.parse_object(content)
    certificates, revocations = found.get("certificates"), found.get("revocations")
    if (
        found.get("participant") != participant
        or not isinstance(certificates, list)
        or not isinstance(revocations, list)
    ):
        raise RequestRefusedError(
            502, "bad-key-list", f"The list of keys is not one of {participant}.", "Check the partner's origin and id."
        )
    texts = [*certificates, *revocations]
    if len(texts) > _MAX_STATEMENTS or not all(isinstance(text, str) for text in texts):
        raise RequestRefusedError(502, "bad-key-list", "The list of keys is malformed.", "Ask the partner's operator.")
    return (
        [read_certificate(text, root_key, participant) for text in certificates],
        [read_revocation(text, root_key, participant) for text in revocations],
    )


def _store(
    connection: sa.Connection, participant: str, certificates: list[Certificate], revocations: list[Revocation]
) -> None:
    """Add what is new. Nothing is ever taken back: a revocation missing from a later list still counts."""
    known = {
        row.kid: row
        for row in connection.execute(
            for_update(sa.select(peer_key).where(peer_key.c.participant == participant), connection)
        )
    }
    for certificate in certificates:
        if certificate.kid not in known:
            connection.execute(peer_key.insert().values(**key_row(certificate)))
        elif known[certificate.kid].certificate != certificate.text:
            changed = key_row(certificate)
            connection.execute(peer_key.update().where(_key(participant, certificate.kid)).values(**changed))
    for revocation in revocations:
        before = known[revocation.kid].revoked_at if revocation.kid in known else None
        if before is None or revocation.revoked_at < before:
            values = {"revoked_at": revocation.revoked_at, "revocation": revocation.text}
            connection.execute(peer_key.update().where(_key(participant, revocation.kid)).values(**values))


def _key(participant: str, kid: str) -> sa.ColumnElement[bool]:
    return (peer_key.c.participant == participant) & (peer_key.c.kid == kid)


def _peer(row: Any) -> Peer:
    return Peer(
        participant=row.participant,
        name=row.name,
        origin=row.origin,
        root_key=row.root_key,
        must_sign=row.must_sign,
        allow_private=row.allow_private,
        also_origins=tuple(row.also_origins or ()),
        keys_checked_at=row.keys_checked_at,
        keys_tried_at=row.keys_tried_at,
        keys_error=row.keys_error,
        last_heard_at=row.last_heard_at,
        alarm=row.alarm,
    )


def _unauthorised(kind: str, why: str) -> RequestRefusedError:
    return RequestRefusedError(
        401, kind, f"The request cannot be attributed: {why}.", "Use a key that is registered, certified and valid."
    )
