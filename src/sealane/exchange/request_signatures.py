"""Signatures of requests between nodes (RFC 9421 with Content-Digest, RFC 9530).

Every signature covers the method, the whole target URI, the digest of the body (also of an empty one) and the
Authorization field, in this order, with a time and a nonce. There is one signature, under one label, written in one
way: what differs in any byte is refused before any cryptography. The library verifies; the time is checked here
afterwards, so that only an authentic message can say anything about a partner's clock.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519
from joserfc.jwk import OKPKey

from sealane.errors import RequestRefusedError
from sealane.exchange.tokens import ClockError

LABEL = "sealane"
COVERED = ("@method", "@target-uri", "content-digest", "authorization")
MAX_AGE_S = 60
SKEW_S = 5
FIELDS = ("signature", "signature-input", "content-digest", "authorization")
_INPUT = re.compile(
    r'sealane=\("@method" "@target-uri" "content-digest" "authorization"\)'
    r';created=(?P<created>[1-9][0-9]{0,10});keyid="(?P<kid>[A-Za-z0-9_-]{43})";alg="ed25519"'
    r';nonce="(?P<nonce>[A-Za-z0-9_-]{22,64})";tag="sealane"'
)
_SIGNATURE = re.compile(r"sealane=:[A-Za-z0-9+/]{85}[AQgw]==:")
_DIGEST = re.compile(r"sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:")


@dataclass
class Message:
    """A request as the library reads and signs it.

    Attributes
    ----------
    url : absolute target URI; at the receiver built from its own public origin, never from Host.
    """

    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True)
class SignedRequest:
    """What a signature says of itself."""

    kid: str
    nonce: str
    created: dt.datetime

    @property
    def accepted_until(self) -> dt.datetime:
        """Last moment at which the same request would pass for fresh."""
        return self.created + dt.timedelta(seconds=MAX_AGE_S + SKEW_S)


def sign_request(
    method: str, url: str, authorization: str, body: bytes, *, key: OKPKey, kid: str, now: dt.datetime
) -> dict[str, str]:
    """Return the header fields that sign a request: Content-Digest, Signature-Input and Signature.

    Parameters
    ----------
    url : target URI exactly as it goes out.
    authorization : value of the Authorization field.
    """
    message = Message(method, url, {"authorization": authorization})
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={kid: _signing(key)}),
    )
    signer.sign(
        message,
        key_id=kid,
        created=now,
        nonce=secrets.token_urlsafe(24),
        label=LABEL,
        tag=LABEL,
        covered_component_ids=COVERED,
        body=body,
    )
    return {name: value for name, value in message.headers.items() if name.lower() != "authorization"}


def is_signed(fields: Iterable[tuple[str, str]]) -> bool:
    """Say whether a request carries any part of a signature."""
    return any(name.lower() in {"signature", "signature-input"} for name, _ in fields)


def read_signature(fields: Iterable[tuple[str, str]]) -> tuple[SignedRequest, dict[str, str]]:
    """Return what the one signature of a request claims, and the fields it needs; nothing is proven yet.

    Parameters
    ----------
    fields : every header field line in order, so that a repeated one is seen.

    Raises
    ------
    RequestRefusedError
        401 if a field is missing or repeated, or is not written in the one accepted way.
    """
    found: dict[str, str] = {}
    for written, value in fields:
        name = written.lower()
        if name not in FIELDS:
            continue
        if name in found:
            raise _refused("duplicate-field", f"the field {name} stands there twice")
        found[name] = value.strip(" \t")
    missing = [name for name in FIELDS if name not in found]
    if missing:
        raise _refused("incomplete-signature", f"it has no {', '.join(missing)}")
    claimed = _INPUT.fullmatch(found["signature-input"])
    if not claimed or not _SIGNATURE.fullmatch(found["signature"]) or not _DIGEST.fullmatch(found["content-digest"]):
        raise _refused(
            "other-signature",
            f"it must be one signature labelled {LABEL} over {', '.join(COVERED)} with created, keyid, alg, nonce, tag",
        )
    created = dt.datetime.fromtimestamp(int(claimed["created"]), dt.UTC)
    return SignedRequest(claimed["kid"], claimed["nonce"], created), found


def verify_request(
    method: str, url: str, fields: Iterable[tuple[str, str]], body: bytes, *, key: OKPKey, kid: str, now: dt.datetime
) -> SignedRequest:
    """Verify the signature of a request; the caller still has to remember the nonce.

    Parameters
    ----------
    url : target URI, built from this node's public origin.
    key, kid : public key that must have signed, and its thumbprint.

    Raises
    ------
    RequestRefusedError
        401 if the signature is missing, of another form, by another key, or does not fit the request.
    ClockError
        401 if it is authentic but older than 60 s or from the future, beyond 5 s of tolerance.
    """
    claimed, found = read_signature(fields)
    if claimed.kid != kid:
        raise _refused("other-key", "it is by another key than the token")
    verifier = _Verifier(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(public_keys={kid: _verifying(key)}, private_keys={}),
    )
    try:
        verifier.verify(
            Message(method, url, found), max_age=None, expect_tag=LABEL, require_components=COVERED, body=body
        )
    except HTTPMessageSignaturesException:
        raise _refused("bad-signature", "it does not fit the request as it arrived") from None
    age_s = now.timestamp() - claimed.created.timestamp()
    if not -SKEW_S <= age_s <= MAX_AGE_S + SKEW_S:
        raise ClockError(
            401,
            "signature-time",
            f"The request was signed {age_s:.0f} s ago by its sender's clock; -{SKEW_S} to {MAX_AGE_S + SKEW_S} s are"
            " accepted. The clocks differ, or an old request was sent again.",
            "Set both clocks by NTP and sign each request when it is sent.",
        )
    return claimed


class _Verifier(HTTPMessageVerifier):
    """The library reads the wall clock; here the time is an argument, and is checked after the signature."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Leave the time to `verify_request`."""


def _signing(key: OKPKey) -> Any:
    return key.private_key


def _verifying(key: OKPKey) -> Any:
    return key.public_key


def _refused(kind: str, why: str) -> RequestRefusedError:
    return RequestRefusedError(
        401,
        kind,
        f"The signature of the request is refused: {why}.",
        "Sign the request as the documentation describes.",
    )
