"""JSON Web Signatures with Ed25519 and nothing else: one algorithm, one serialisation, one meaning.

The algorithm is named ``Ed25519`` (RFC 9864), which fixes the curve; ``EdDSA`` does not and is deprecated. A JWS from
outside must be exactly what this module writes: three canonical base64url parts, and a protected header with ``alg``,
``kid``, ``typ`` and ``iat`` and no other member, so no ``crit``, no ``jwk`` and no ``b64``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws as jose
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.registry import HeaderParameter

from sealane.errors import RequestRefusedError
from sealane.exchange import strict_json

ALGORITHM = "Ed25519"
MAX_PAYLOAD_BYTES = 4 * 1_048_576
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+")
_KID = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url
_HEADER = frozenset({"alg", "kid", "typ", "iat"})
_MAX_HEADER_BYTES = 1024


@dataclass(frozen=True)
class Header:
    """What a JWS says of itself; nothing in it is proven before the signature is.

    Attributes
    ----------
    signed_at : the signer's clock at signing, whole seconds.
    """

    typ: str
    kid: str
    signed_at: dt.datetime


def new_key() -> OKPKey:
    """Return a new private Ed25519 key."""
    return OKPKey.generate_key("Ed25519", private=True)


def public_jwk(key: OKPKey) -> dict[str, str]:
    """Return the public half as a JWK with the required members only (RFC 8037)."""
    found = key.as_dict(private=False)
    return {"crv": str(found["crv"]), "kty": "OKP", "x": str(found["x"])}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the key's SHA-256 thumbprint in base64url (RFC 7638), used as its ``kid``."""
    members = json.dumps({"crv": jwk["crv"], "kty": jwk["kty"], "x": jwk["x"]}, separators=(",", ":"), sort_keys=True)
    return urlsafe_b64encode(hashlib.sha256(members.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def read_public_jwk(jwk: object) -> OKPKey:
    """Return the key of a public JWK.

    Raises
    ------
    ValueError
        If it is not an Ed25519 key, or holds a private part.
    """
    if not isinstance(jwk, Mapping) or jwk.get("kty") != "OKP" or jwk.get("crv") != "Ed25519":
        raise ValueError('a key must be a JWK with "kty": "OKP" and "crv": "Ed25519"')
    if "d" in jwk:
        raise ValueError('the key holds a private part, "d"; never hand that out. Give the public key')
    x = jwk.get("x")
    if not isinstance(x, str) or not _KID.fullmatch(x):
        raise ValueError('"x" must be 32 bytes in base64url')
    try:
        return OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": x})
    except (JoseError, ValueError, TypeError):
        raise ValueError('"x" is not an Ed25519 public key') from None


def seal(payload: bytes, *, typ: str, kid: str, key: OKPKey, now: dt.datetime) -> str:
    """Sign bytes and return the compact JWS.

    Parameters
    ----------
    payload : the exact bytes that are signed.
    typ : what kind of statement it is; another kind cannot be read from it.
    now : time of signing, UTC.
    """
    header = {"alg": ALGORITHM, "iat": int(now.timestamp()), "kid": kid, "typ": typ}
    return jose.serialize_compact(header, payload, key, registry=_registry())


def read_header(jws: str) -> Header:
    """Return the protected header of a JWS, whose signature is not verified yet.

    Raises
    ------
    RequestRefusedError
        400 if it is not a JWS of the one accepted form.
    """
    if len(jws) > _MAX_HEADER_BYTES + MAX_PAYLOAD_BYTES * 4 // 3 + 200 or not _SHAPE.fullmatch(jws):
        raise _refused("it is not a compact JWS")
    encoded = jws.partition(".")[0].encode("ascii")
    if len(encoded) > _MAX_HEADER_BYTES:
        raise _refused("its header is too long")
    try:
        header = strict_json.parse(_decoded(encoded))
    except RequestRefusedError as error:
        raise _refused(f"its header cannot be read ({error.kind})") from None
    if not isinstance(header, dict) or set(header) != _HEADER:
        raise _refused("its header must have alg, iat, kid and typ and nothing else")
    if header["alg"] != ALGORITHM:
        raise _refused(f"its algorithm must be {ALGORITHM}")
    kid, typ, iat = header["kid"], header["typ"], header["iat"]
    if not isinstance(kid, str) or not _KID.fullmatch(kid) or not isinstance(typ, str):
        raise _refused("its kid must be a key's thumbprint and its typ a text")
    if type(iat) is not int or not 0 <= iat < 2**33:
        raise _refused("its iat must be whole seconds since 1970")
    return Header(typ, kid, dt.datetime.fromtimestamp(iat, dt.UTC))


def open_sealed(jws: str, *, typ: str, key: OKPKey) -> tuple[bytes, Header]:
    """Verify a JWS and return its payload and header.

    Parameters
    ----------
    typ : the kind it must be.
    key : public key of the one who must have signed; its thumbprint must be the header's ``kid``.

    Raises
    ------
    RequestRefusedError
        400 if it has another form, 401 if it is of another kind, by another key, or was changed.
    """
    header = read_header(jws)
    if header.typ != typ:
        raise RequestRefusedError(
            401,
            "wrong-kind",
            f"The signature is of kind {header.typ[:60]!a}; {typ!r} is needed.",
            "Sign the right kind.",
        )
    if header.kid != thumbprint(public_jwk(key)):
        raise RequestRefusedError(
            401, "unknown-key", "The signature names another key than the one it must be by.", "Sign with that key."
        )
    try:
        opened = jose.deserialize_compact(jws.encode("ascii"), key, registry=_registry())
    except (JoseError, ValueError, TypeError):
        raise RequestRefusedError(
            401,
            "bad-signature",
            "The signature does not fit what was signed.",
            "Send exactly the bytes that were signed.",
        ) from None
    return bytes(opened.payload or b""), header


class _Registry(jose.JWSRegistry):
    """joserfc's rules for the one algorithm, with room for whole agreements as payload."""

    max_header_length = _MAX_HEADER_BYTES
    max_payload_length = MAX_PAYLOAD_BYTES * 4 // 3 + 4


def _registry() -> jose.JWSRegistry:
    return _Registry({"iat": HeaderParameter("Issued At", "int")}, [ALGORITHM])


def _decoded(encoded: bytes) -> bytes:
    try:
        raw = urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    except ValueError:
        raise _refused("its header is not base64url") from None
    if urlsafe_b64encode(raw).rstrip(b"=") != encoded:
        raise _refused("its header is not canonical base64url")
    return raw


def _refused(why: str) -> RequestRefusedError:
    return RequestRefusedError(
        400,
        "malformed-jws",
        f"The signed statement cannot be read: {why}.",
        f"Send a compact JWS with {ALGORITHM}, kid, typ and iat.",
    )
