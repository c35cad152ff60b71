"""Signed statements that outlive the connection: agreements, receipts, checkpoints; and how they are verified later.

A statement is an Ed25519 JWS over exact bytes. Each kind has its own ``typ``, so that a receipt cannot be passed off as
an agreement. Its own time (``iat``) is the signer's word only: whoever has a stolen key writes any time he likes. So
the verifier also says *at* which time it knows the statement existed, by its own clock or log, and a key counts only if
it was not revoked by then.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from sealane.database.tables.identity import peer, peer_key
from sealane.errors import RequestRefusedError
from sealane.exchange.jws import Header, open_sealed, read_header, read_public_jwk, thumbprint

CLOCK_SKEW = dt.timedelta(seconds=5)
# A statement signed just before its key expires may be long on its way; a revoked key has no such grace.
ARRIVAL_GRACE = dt.timedelta(days=1)


class Typ(StrEnum):
    """Kinds of statements an operational key signs."""

    AGREEMENT = "sealane-agreement+jws"
    DECLINE = "sealane-decline+jws"
    RETIREMENT = "sealane-retirement+jws"
    RECEIPT = "sealane-receipt+jws"
    CHECKPOINT = "sealane-checkpoint+jws"


@dataclass(frozen=True)
class KnownKey:
    """A key of a participant as its root key vouches for it.

    Attributes
    ----------
    valid_from, valid_until : half-open interval, UTC.
    revoked_at : None while it is trusted.
    """

    kid: str
    jwk: dict[str, str]
    valid_from: dt.datetime
    valid_until: dt.datetime
    revoked_at: dt.datetime | None
    root_kid: str | None = None


def known_keys(connection: sa.Connection, participant: str) -> list[KnownKey]:
    """Return every key the database holds of a participant, its own included, whether valid now or not."""
    found = connection.execute(sa.select(peer_key).where(peer_key.c.participant == participant))
    return [KnownKey(row.kid, row.jwk, row.valid_from, row.valid_until, row.revoked_at, row.root_kid) for row in found]


def verify_evidence(connection: sa.Connection, jws: str, typ: str, participant: str, at: dt.datetime) -> bytes:
    """Verify a statement of a participant and return the exact bytes it signed.

    Parameters
    ----------
    jws : compact JWS.
    typ : the kind it must be.
    participant : who must have signed; a partner, or this node itself.
    at : when the verifier knows it existed: now for what just arrived, the time in the own log for what is older.

    Raises
    ------
    RequestRefusedError
        400 for another form; 401 for another kind, a key that is unknown, not valid or revoked, or changed bytes.
    """
    keys = known_keys(connection, participant)
    root = registered_root(connection, participant)
    if root is not None:
        keys = [key for key in keys if key.root_kid == thumbprint(root)]
    return verify_with(keys, jws, typ, at)[0]


def verify_with(keys: Iterable[KnownKey], jws: str, typ: str, at: dt.datetime) -> tuple[bytes, Header]:
    """Verify a statement against the keys given; see `verify_evidence`. Pure."""
    header = read_header(jws)
    key = next((key for key in keys if key.kid == header.kid), None)
    if key is None:
        raise _refused("unknown-key", "is by a key its participant is not known to have")
    payload, header = open_sealed(jws, typ=typ, key=read_public_jwk(key.jwk))
    if header.signed_at > at + CLOCK_SKEW:
        raise _refused("signed-in-future", f"says it was signed at {_shown(header.signed_at)}, which is later than now")
    if not key.valid_from - CLOCK_SKEW <= header.signed_at < key.valid_until or at >= key.valid_until + ARRIVAL_GRACE:
        raise _refused(
            "key-not-valid",
            f"is by a key valid from {_shown(key.valid_from)} until {_shown(key.valid_until)}, not at its time",
        )
    if key.revoked_at is not None and (at >= key.revoked_at or header.signed_at >= key.revoked_at):
        raise _refused("key-revoked", f"is by a key that was revoked as of {_shown(key.revoked_at)}")
    return payload, header


def registered_root(connection: sa.Connection, participant: str) -> dict[str, str] | None:
    """Return the public root key registered for a partner, None if it is not one."""
    root: dict[str, str] | None = connection.scalar(sa.select(peer.c.root_key).where(peer.c.participant == participant))
    return root


def _shown(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _refused(kind: str, why: str) -> RequestRefusedError:
    return RequestRefusedError(
        401, kind, f"The signed statement {why}.", "Sign it anew with a key that is valid now and not revoked."
    )
