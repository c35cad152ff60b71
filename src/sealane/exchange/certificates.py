"""Statements by a participant's offline root key: this operational key is mine until then; this one no longer is.

Everything a partner knows of a participant's keys hangs on the root key, which the operators exchange in person and
which agreements pin. A certificate and a revocation are JWS by the root key, of kinds of their own.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import rfc8785
from joserfc.jwk import OKPKey

from sealane.errors import RequestRefusedError
from sealane.exchange import strict_json
from sealane.exchange.jws import open_sealed, public_jwk, read_public_jwk, seal, thumbprint

CERTIFICATE_TYP = "sealane-key-certificate+jws"
REVOCATION_TYP = "sealane-key-revocation+jws"
PARTICIPANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/%-]{0,199}")
_UTC_SECONDS = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Certificate:
    """A root key's word that an operational key belongs to a participant for a time.

    Attributes
    ----------
    kid : RFC 7638 thumbprint of `jwk`.
    valid_from, valid_until : half-open interval, UTC.
    root_kid : thumbprint of the root key that signed.
    text : the JWS itself.
    """

    participant: str
    kid: str
    jwk: dict[str, str]
    valid_from: dt.datetime
    valid_until: dt.datetime
    root_kid: str
    text: str


@dataclass(frozen=True)
class Revocation:
    """A root key's word that a key is not to be trusted from `revoked_at` on."""

    participant: str
    kid: str
    revoked_at: dt.datetime
    reason: str
    text: str


def certify(
    root: OKPKey,
    participant: str,
    jwk: dict[str, str],
    valid_from: dt.datetime,
    valid_until: dt.datetime,
    now: dt.datetime,
) -> Certificate:
    """Sign that the key is the participant's from `valid_from` until `valid_until`, both kept in whole seconds."""
    body = {
        "jwk": jwk,
        "kid": thumbprint(jwk),
        "participant": participant,
        "valid_from": _written(valid_from),
        "valid_until": _written(valid_until),
    }
    text = _sealed(root, body, CERTIFICATE_TYP, now)
    return read_certificate(text, public_jwk(root), participant)


def revoke(
    root: OKPKey, participant: str, kid: str, revoked_at: dt.datetime, reason: str, now: dt.datetime
) -> Revocation:
    """Sign that the key is not to be trusted from `revoked_at` on."""
    body = {"kid": kid, "participant": participant, "reason": reason, "revoked_at": _written(revoked_at)}
    return read_revocation(_sealed(root, body, REVOCATION_TYP, now), public_jwk(root), participant)


def read_certificate(text: str, root_jwk: dict[str, str], participant: str) -> Certificate:
    """Verify a certificate against the root key and return it.

    Raises
    ------
    RequestRefusedError
        If the root key did not sign it, or it is not a certificate for this participant.
    """
    body = _opened(
        text, root_jwk, CERTIFICATE_TYP, {"jwk", "kid", "participant", "valid_from", "valid_until"}, participant
    )
    try:
        jwk = public_jwk(read_public_jwk(body["jwk"]))
        valid_from, valid_until = _read(body["valid_from"]), _read(body["valid_until"])
    except ValueError:
        raise _refused("certificate", "its key or its validity cannot be read") from None
    if thumbprint(jwk) != body["kid"] or valid_from >= valid_until:
        raise _refused("certificate", "its key or its validity does not hold together")
    return Certificate(participant, body["kid"], jwk, valid_from, valid_until, thumbprint(root_jwk), text)


def read_revocation(text: str, root_jwk: dict[str, str], participant: str) -> Revocation:
    """Verify a revocation against the root key and return it; refuses like `read_certificate`."""
    body = _opened(text, root_jwk, REVOCATION_TYP, {"kid", "participant", "reason", "revoked_at"}, participant)
    try:
        revoked_at = _read(body["revoked_at"])
    except ValueError:
        raise _refused("revocation", "its time cannot be read") from None
    if not isinstance(body["kid"], str) or not isinstance(body["reason"], str):
        raise _refused("revocation", "its kid and reason must be texts")
    return Revocation(participant, body["kid"], revoked_at, body["reason"], text)


def _sealed(root: OKPKey, body: dict[str, Any], typ: str, now: dt.datetime) -> str:
    return seal(rfc8785.dumps(body), typ=typ, kid=thumbprint(public_jwk(root)), key=root, now=now)


def _opened(text: str, root_jwk: dict[str, str], typ: str, members: set[str], participant: str) -> dict[str, Any]:
    what = "certificate" if typ == CERTIFICATE_TYP else "revocation"
    payload, _ = open_sealed(text, typ=typ, key=read_public_jwk(root_jwk))
    body = strict_json.parse_object(payload)
    if set(body) != members:
        raise _refused(what, f"it must have {', '.join(sorted(members))} and nothing else")
    if body["participant"] != participant:
        raise _refused(what, "it is for another participant")
    return body


def _written(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).strftime(_UTC_SECONDS)


def _read(text: object) -> dt.datetime:
    # Anything but a text of this form is a ValueError.
    return dt.datetime.strptime(str(text), _UTC_SECONDS).replace(tzinfo=dt.UTC)


def _refused(what: str, why: str) -> RequestRefusedError:
    return RequestRefusedError(
        401, f"bad-{what}", f"The key {what} cannot be used: {why}.", "Ask the partner's operator to issue it anew."
    )
