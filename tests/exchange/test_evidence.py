"""Signed statements: one form, one kind each, and a key that was its participant's at that time."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sealane.database import Database
from sealane.errors import RequestRefusedError
from sealane.exchange.certificates import CERTIFICATE_TYP, REVOCATION_TYP
from sealane.exchange.evidence import ARRIVAL_GRACE, KnownKey, Typ, known_keys, verify_evidence, verify_with
from sealane.exchange.jws import new_key, open_sealed, public_jwk, read_header, read_public_jwk, seal, thumbprint
from sealane.exchange.keys import Identity, record_own_keys

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
KEY = new_key()
KID = thumbprint(public_jwk(KEY))
ALL_TYPES = [*Typ, CERTIFICATE_TYP, REVOCATION_TYP]


def known(**changed: object) -> KnownKey:
    values: dict[str, object] = {"valid_from": NOW, "valid_until": NOW + 10 * DAY, "revoked_at": None}
    return KnownKey(kid=KID, jwk=public_jwk(KEY), **(values | changed))  # type: ignore[arg-type]  # mixed values


def kind_of(call: Callable[[], object]) -> str:
    with pytest.raises(RequestRefusedError) as refused:
        call()
    assert refused.value.status in {400, 401}
    return refused.value.kind


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_header(header: dict[str, object], payload: bytes = b"x") -> str:
    signed = f"{encoded(json.dumps(header).encode())}.{encoded(payload)}"
    return f"{signed}.{encoded(KEY.private_key.sign(signed.encode()))}"  # type: ignore[union-attr]  # it is private


def test_what_was_signed_comes_back_byte_for_byte() -> None:
    payload = bytes(range(256))
    text = seal(payload, typ=Typ.RECEIPT, kid=KID, key=KEY, now=NOW)
    opened, header = verify_with([known()], text, Typ.RECEIPT, NOW)
    assert opened == payload
    assert (header.kid, header.typ, header.signed_at) == (KID, Typ.RECEIPT, NOW)
    assert public_jwk(KEY) == {"kty": "OKP", "crv": "Ed25519", "x": public_jwk(KEY)["x"]}


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    """RFC 8037, appendix A.3."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(("written", "read"), list(itertools.permutations(ALL_TYPES, 2)))
def test_no_kind_passes_for_another(written: str, read: str) -> None:
    text = seal(b"{}", typ=written, kid=KID, key=KEY, now=NOW)
    assert open_sealed(text, typ=written, key=KEY)[0] == b"{}"
    assert kind_of(lambda: open_sealed(text, typ=read, key=KEY)) == "wrong-kind"


def test_every_flipped_bit_is_found() -> None:
    text = seal(b'{"size": 7}', typ=Typ.CHECKPOINT, kid=KID, key=KEY, now=NOW).encode()
    accepted = 0
    for position, bit in itertools.product(range(len(text)), range(7)):
        changed = bytearray(text)
        changed[position] ^= 1 << bit
        try:
            verify_with([known()], changed.decode(), Typ.CHECKPOINT, NOW)
            accepted += 1
        except RequestRefusedError:
            continue
    assert accepted == 0


GOOD: dict[str, object] = {"alg": "Ed25519", "kid": KID, "typ": "sealane-receipt+jws", "iat": int(NOW.timestamp())}


def test_a_header_written_by_hand_is_taken_when_it_is_right() -> None:
    """Control for the next test: its helper makes statements that verify."""
    assert verify_with([known()], with_header(GOOD), Typ.RECEIPT, NOW)[0] == b"x"


@pytest.mark.parametrize(
    "header",
    [
        GOOD | {"alg": "none"},
        GOOD | {"alg": "EdDSA"},
        GOOD | {"alg": "HS256"},
        GOOD | {"crit": ["b64"], "b64": False},
        GOOD | {"crit": ["exp"], "exp": 1},
        GOOD | {"jwk": public_jwk(KEY)},
        GOOD | {"jku": "https://attacker.example/keys"},
        GOOD | {"iat": "1"},
        GOOD | {"iat": 1.5},
        GOOD | {"iat": True},
        GOOD | {"kid": "short"},
        {name: value for name, value in GOOD.items() if name != "iat"},
        {name: value for name, value in GOOD.items() if name != "typ"},
        {name: value for name, value in GOOD.items() if name != "kid"},
    ],
)
def test_a_header_of_another_form_is_refused_although_signed(header: dict[str, object]) -> None:
    assert kind_of(lambda: verify_with([known()], with_header(header), Typ.RECEIPT, NOW)) == "malformed-jws"


def test_the_same_statement_has_one_spelling_only() -> None:
    """Else one could pass the same signature off as a new statement, with another digest."""
    text = seal(b"ab", typ=Typ.RECEIPT, kid=KID, key=KEY, now=NOW)
    head, payload, signature = text.split(".")
    twice = encoded(b'{"alg":"Ed25519","alg":"Ed25519"' + base64.urlsafe_b64decode(head + "==")[16:])
    for other in (
        f"{head}=.{payload}.{signature}",
        f"{head}.{payload}=.{signature}",
        f"{head}.{payload}.{signature}==",
        f"{head}.{payload[:-1] + chr(ord(payload[-1]) + 1)}.{signature}",  # unused bits of the last character
        f"{head}.{payload}.{signature[:-1] + ('B' if signature[-1] == 'A' else chr(ord(signature[-1]) + 1))}",
        f" {text}",
        f"{text}\n",
        f"{text}.{signature}",
        f"{head}..{signature}",
        f"{twice}.{payload}.{signature}",
        "",
    ):
        kind_of(lambda other=other: verify_with([known()], other, Typ.RECEIPT, NOW))  # type: ignore[misc]  # bound now


def test_the_key_counts_only_in_its_time() -> None:
    def check(signed: dt.datetime, at: dt.datetime, **key: object) -> str:
        text = seal(b"{}", typ=Typ.RECEIPT, kid=KID, key=KEY, now=signed)
        return kind_of(lambda: verify_with([known(**key)], text, Typ.RECEIPT, at))

    def passes(signed: dt.datetime, at: dt.datetime, **key: object) -> bool:
        text = seal(b"{}", typ=Typ.RECEIPT, kid=KID, key=KEY, now=signed)
        return verify_with([known(**key)], text, Typ.RECEIPT, at)[0] == b"{}"

    second = dt.timedelta(seconds=1)
    assert passes(NOW, NOW)
    assert passes(NOW + 10 * DAY - second, NOW + 10 * DAY + 3600 * second)  # long on its way
    assert check(NOW - 6 * second, NOW) == "key-not-valid"
    assert check(NOW + 10 * DAY, NOW + 10 * DAY) == "key-not-valid"
    assert check(NOW + DAY, NOW + 10 * DAY + ARRIVAL_GRACE) == "key-not-valid"  # written back after the key's time
    assert check(NOW + 6 * second, NOW) == "signed-in-future"
    assert passes(NOW, NOW + DAY, revoked_at=NOW + 2 * DAY)  # seen before it was revoked
    assert check(NOW, NOW + 2 * DAY, revoked_at=NOW + 2 * DAY) == "key-revoked"
    # A thief writes an early time, but it was seen only after the revocation.
    assert check(NOW + second, NOW + 3 * DAY, revoked_at=NOW + 2 * DAY) == "key-revoked"


def test_another_key_or_an_unknown_one_is_refused() -> None:
    other = new_key()
    text = seal(b"{}", typ=Typ.RECEIPT, kid=KID, key=other, now=NOW)
    assert kind_of(lambda: verify_with([known()], text, Typ.RECEIPT, NOW)) == "bad-signature"
    text = seal(b"{}", typ=Typ.RECEIPT, kid=thumbprint(public_jwk(other)), key=other, now=NOW)
    assert kind_of(lambda: verify_with([known()], text, Typ.RECEIPT, NOW)) == "unknown-key"


def test_a_public_key_must_be_public_and_ed25519() -> None:
    good = public_jwk(KEY)
    assert read_public_jwk({**good, "kid": "anything", "use": "sig"}).is_private is False
    for bad in (
        {**good, "d": "x"},
        {**good, "crv": "Ed448"},
        {**good, "kty": "EC"},
        {**good, "x": "AAAA"},
        [],
        "x",
        None,
    ):
        with pytest.raises(ValueError, match=r"key|x"):
            read_public_jwk(bad)


def test_own_statements_are_verified_like_those_of_partners(database: Database, tmp_path: Path) -> None:
    identity = Identity.create(tmp_path / "keys", "port-a", "https://a.example", NOW)
    with database.write() as connection:
        record_own_keys(connection, identity)
        record_own_keys(connection, identity)  # again changes nothing
    text = identity.sign(b"old", Typ.CHECKPOINT, NOW)
    old = identity.signing_key(NOW)
    identity.rotate(NOW + DAY)
    identity.revoke(old.kid, NOW + 3 * DAY, reason="lost", revoked_at=NOW + 2 * DAY)
    newer = identity.sign(b"new", Typ.CHECKPOINT, NOW + 2 * DAY)
    with database.write() as connection:
        record_own_keys(connection, identity)
        assert len(known_keys(connection, "port-a")) == 2
        assert verify_evidence(connection, text, Typ.CHECKPOINT, "port-a", NOW) == b"old"
        assert verify_evidence(connection, newer, Typ.CHECKPOINT, "port-a", NOW + 2 * DAY) == b"new"
        later = NOW + 2 * DAY
        assert kind_of(lambda: verify_evidence(connection, text, Typ.CHECKPOINT, "port-a", later)) == "key-revoked"
        assert kind_of(lambda: verify_evidence(connection, text, Typ.CHECKPOINT, "port-b", NOW)) == "unknown-key"


def test_a_long_agreement_can_be_signed() -> None:
    payload = b"x" * 2_000_000
    text = seal(payload, typ=Typ.AGREEMENT, kid=KID, key=KEY, now=NOW)
    assert verify_with([known()], text, Typ.AGREEMENT, NOW)[0] == payload


def test_reading_a_header_proves_nothing() -> None:
    forged = with_header(GOOD)[:-4] + "AAAA"
    assert read_header(forged).kid == KID
    assert kind_of(lambda: verify_with([known()], forged, Typ.RECEIPT, NOW)) == "bad-signature"
