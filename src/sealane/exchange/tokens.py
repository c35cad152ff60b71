"""Short-lived tokens (RFC 7519): who sends a request, and which stream a reader may pull.

A token is a JWS of a kind of its own, signed with Ed25519. It names its one recipient (``aud``), lives at most five
minutes, and carries an id (``jti``) that is accepted once where no request signature guards against repetition.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import secrets
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import OKPKey

from sealane.errors import RequestRefusedError
from sealane.exchange import strict_json
from sealane.exchange.jws import open_sealed, read_header, read_public_jwk
from sealane.exchange.keys import Identity, OperationalKey

IDENTITY_TYP = "sealane-identity+jwt"
STREAM_TYP = "sealane-stream+jwt"
MAX_LIFETIME_S = 300
IDENTITY_LIFETIME_S = 120
# A stream's token only names a stream and its reader; whether the stream is open is looked up at every request. It ends
# with the key that signed it in any case.
STREAM_LIFETIME_S = 365 * 24 * 3600
SKEW_S = 5
_JTI = re.compile(r"[A-Za-z0-9_-]{16,64}")
_CLAIMS = frozenset({"iss", "sub", "aud", "iat", "nbf", "exp", "jti"})


@dataclass(frozen=True)
class Token:
    """A verified token.

    Attributes
    ----------
    subject : participant the token speaks for.
    stream : id of the stream it lets read; None for a token of identity.
    """

    issuer: str
    subject: str
    token_id: str
    issued_at: dt.datetime
    expires_at: dt.datetime
    stream: str | None = None

    @property
    def accepted_until(self) -> dt.datetime:
        """Last moment at which the token would still pass."""
        return self.expires_at + dt.timedelta(seconds=SKEW_S)


class ClockError(RequestRefusedError):
    """A message that is authentic but was made at another time than now; the operator should know."""


def issue_token(identity: Identity, audience: str, now: dt.datetime, key: OperationalKey | None = None) -> str:
    """Return a token that says to `audience` who sends a request; by the current key where none is given."""
    claims = _claims(identity.participant, identity.participant, audience, now, IDENTITY_LIFETIME_S)
    return identity.sign(_written(claims), IDENTITY_TYP, now, key)


def issue_stream_token(
    identity: Identity, subject: str, stream: str, now: dt.datetime, lifetime_s: int = STREAM_LIFETIME_S
) -> str:
    """Return a token with which `subject` may read one stream from this node."""
    claims = _claims(identity.participant, subject, identity.participant, now, lifetime_s) | {"stream": stream}
    return identity.sign(_written(claims), STREAM_TYP, now)


def claimed_issuer(token: str) -> tuple[str, str, str]:
    """Return (typ, kid, issuer) that a token claims; nothing of it is proven yet.

    Raises
    ------
    RequestRefusedError
        401 if it is no token of this kind.
    """
    try:
        header = read_header(token)
        payload = token.split(".")[1]
        claims = strict_json.parse_object(_decoded(payload), max_bytes=4096, max_depth=2)
    except (RequestRefusedError, ValueError):
        raise _refused("malformed-token", "it is not a signed token in the accepted form") from None
    issuer = claims.get("iss")
    if header.typ not in {IDENTITY_TYP, STREAM_TYP} or not isinstance(issuer, str):
        raise _refused("malformed-token", "its typ or its issuer is not one this node takes")
    return header.typ, header.kid, issuer


def verify_token(token: str, key: OKPKey, *, typ: str, issuer: str, audience: str, now: dt.datetime) -> Token:
    """Verify a token and return what it says.

    Parameters
    ----------
    key : public key that must have signed it.
    audience : this node's participant id; a token for another recipient is refused.

    Raises
    ------
    RequestRefusedError
        401 for a bad signature, kind, recipient, claim or lifetime.
    ClockError
        401 if it is authentic, but expired or from the future by more than 5 s.
    """
    payload, header = open_sealed(token, typ=typ, key=key)
    claims = strict_json.parse_object(payload, max_bytes=4096, max_depth=2)
    wanted = _CLAIMS if typ == IDENTITY_TYP else _CLAIMS | {"stream"}
    if set(claims) != wanted:
        raise _refused("malformed-token", f"its claims must be {', '.join(sorted(wanted))}")
    texts = wanted - {"iat", "nbf", "exp"}
    if not all(isinstance(claims[name], str) for name in texts) or not _JTI.fullmatch(claims["jti"]):
        raise _refused("malformed-token", "a claim has the wrong type")
    if claims["iss"] != issuer or (typ == IDENTITY_TYP and claims["sub"] != issuer):
        raise _refused("wrong-issuer", "it was issued by another participant than the one whose key signed it")
    if claims["aud"] != audience:
        raise _refused("wrong-audience", "it is for another recipient")
    times = [claims[name] for name in ("iat", "nbf", "exp")]
    if any(type(time) is not int or not 0 <= time < 2**33 for time in times):
        raise _refused("malformed-token", "its times must be whole seconds since 1970")
    issued, start, end = times
    longest = MAX_LIFETIME_S if typ == IDENTITY_TYP else STREAM_LIFETIME_S
    if not 0 < end - issued <= longest or int(header.signed_at.timestamp()) != issued:
        raise _refused("malformed-token", f"it must live at most {longest} s from when it was signed")
    clock = now.timestamp()
    if max(issued, start) > clock + SKEW_S or end < clock - SKEW_S:
        raise ClockError(
            401,
            "token-time",
            _misfit(clock - issued, end - issued),
            f"Make a new token for each request and keep the clocks within {SKEW_S} s.",
        )
    return Token(
        issuer, claims["sub"], claims["jti"], _time(issued), _time(end), claims["stream"] if typ == STREAM_TYP else None
    )


def verify_own_stream_token(identity: Identity, token: str, now: dt.datetime) -> Token:
    """Verify a stream's token that this node issued itself, also by an operational key that rotated since."""
    _, kid, issuer = claimed_issuer(token)
    for key in identity.operational_keys():
        certificate = key.certificate
        if key.kid == kid and key.revocation is None and certificate.valid_from <= now < certificate.valid_until:
            own = identity.participant
            jwk = read_public_jwk(certificate.jwk)
            return verify_token(token, jwk, typ=STREAM_TYP, issuer=own, audience=own, now=now)
    raise _refused("unknown-key", f"no valid key of {issuer[:60]!a} here signed it")


def _claims(issuer: str, subject: str, audience: str, now: dt.datetime, lifetime_s: int) -> dict[str, Any]:
    issued = int(now.timestamp())
    return {
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "iat": issued,
        "nbf": issued,
        "exp": issued + lifetime_s,
        "jti": secrets.token_urlsafe(16),
    }


def _written(claims: dict[str, Any]) -> bytes:
    return json.dumps(claims, sort_keys=True, separators=(",", ":")).encode()


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _time(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _misfit(age_s: float, lifetime_s: int) -> str:
    """Say how a token's time and this node's clock differ, for whoever has to find the wrong clock."""
    if age_s < 0:
        return f"The token was issued {-age_s:.0f} s in the future: the clocks of the two nodes differ."
    return f"The token was issued {age_s:.0f} s ago and held for {lifetime_s} s: it is stale, or the clocks differ."


def _refused(kind: str, why: str) -> RequestRefusedError:
    return RequestRefusedError(
        401, kind, f"The token cannot be taken: {why}.", "Send a token this node's documentation describes."
    )
