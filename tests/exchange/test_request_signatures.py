"""Signed requests: what is covered cannot change, and the signature has one form."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable

import pytest
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from sealane.errors import RequestRefusedError
from sealane.exchange.jws import new_key, public_jwk, thumbprint
from sealane.exchange.request_signatures import COVERED, LABEL, Message, sign_request, verify_request
from sealane.exchange.tokens import ClockError

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
KEY = new_key()
KID = thumbprint(public_jwk(KEY))
METHOD, URL, TOKEN, BODY = "POST", "https://b.example/inbox?n=1", "Bearer abc.def.ghi", b'{"a": 1}'
Fields = list[tuple[str, str]]


def signed(body: bytes = BODY, method: str = METHOD, url: str = URL, now: dt.datetime = NOW) -> Fields:
    headers = sign_request(method, url, TOKEN, body, key=KEY, kid=KID, now=now)
    return [("authorization", TOKEN), *headers.items()]


def verify(fields: Fields, *, body: bytes = BODY, method: str = METHOD, url: str = URL, now: dt.datetime = NOW) -> str:
    return verify_request(method, url, fields, body, key=KEY, kid=KID, now=now).nonce


def kind_of(call: Callable[[], object]) -> str:
    with pytest.raises(RequestRefusedError) as refused:
        call()
    assert refused.value.status == 401
    return refused.value.kind


def replaced(fields: Fields, name: str, value: str) -> Fields:
    return [(key, value if key.lower() == name else old) for key, old in fields]


def field(fields: Fields, name: str) -> str:
    return next(value for key, value in fields if key.lower() == name)


def test_a_signed_request_verifies_and_every_nonce_is_another() -> None:
    assert len({verify(signed()) for _ in range(50)}) == 50


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_empty_body_is_covered_as_well(method: str) -> None:
    fields = signed(b"", method)
    assert field(fields, "content-digest") == "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
    assert verify(fields, body=b"", method=method)
    assert kind_of(lambda: verify(fields, body=b"x", method=method)) == "bad-signature"


def test_whatever_is_covered_cannot_change() -> None:
    fields = signed()
    assert kind_of(lambda: verify(fields, method="PUT")) == "bad-signature"
    for url in (
        "https://b.example/inbox?n=2",
        "https://b.example/inbox",
        "https://b.example/other?n=1",
        "https://c.example/inbox?n=1",
        "http://b.example/inbox?n=1",
        "https://b.example:444/inbox?n=1",
    ):
        assert kind_of(lambda url=url: verify(fields, url=url)) == "bad-signature"  # type: ignore[misc]  # bound now
    assert kind_of(lambda: verify(fields, body=BODY + b" ")) == "bad-signature"
    assert kind_of(lambda: verify(replaced(fields, "authorization", "Bearer x"))) == "bad-signature"
    assert kind_of(lambda: verify_request(METHOD, URL, fields, BODY, key=new_key(), kid=KID, now=NOW)) == (
        "bad-signature"
    )
    assert kind_of(lambda: verify_request(METHOD, URL, fields, BODY, key=KEY, kid="x" * 43, now=NOW)) == "other-key"


def test_every_flipped_bit_is_found() -> None:
    fields, accepted = signed(), 0
    for name in ("signature", "signature-input", "content-digest", "authorization"):
        value = field(fields, name).encode()
        for position, bit in itertools.product(range(len(value)), range(7)):
            changed = bytearray(value)
            changed[position] ^= 1 << bit
            try:
                verify(replaced(fields, name, changed.decode()))
                accepted += 1
            except RequestRefusedError:
                continue
    assert accepted == 0


@pytest.mark.parametrize("name", ["signature", "signature-input", "content-digest", "authorization"])
def test_a_field_that_is_missing_or_doubled_is_refused(name: str) -> None:
    fields = signed()
    without = [(key, value) for key, value in fields if key.lower() != name]
    assert kind_of(lambda: verify(without)) == "incomplete-signature"
    for other in (field(fields, name), "x"):
        assert kind_of(lambda other=other: verify([*fields, (name, other)])) == "duplicate-field"  # type: ignore[misc]
        assert kind_of(lambda other=other: verify([(name, other), *fields])) == "duplicate-field"  # type: ignore[misc]


def test_further_or_reordered_signatures_are_refused() -> None:
    fields, second = signed(), signed()
    for one, other in ((fields, second), (second, fields)):
        pair = replaced(
            replaced(fields, "signature", f"{field(one, 'signature')}, {field(other, 'signature')}"),
            "signature-input",
            f"{field(one, 'signature-input')}, {field(other, 'signature-input')}",
        )
        assert kind_of(lambda pair=pair: verify(pair)) == "other-signature"  # type: ignore[misc]  # bound now
        relabelled = [(key, value.replace(f"{LABEL}=", "sig2=", 1)) for key, value in fields]
        assert kind_of(lambda relabelled=relabelled: verify(relabelled)) == "other-signature"  # type: ignore[misc]


@pytest.mark.parametrize(
    "covered",
    [
        ("@method", "@target-uri", "content-digest"),
        ("@method", "@target-uri", "authorization"),
        ("@target-uri", "content-digest", "authorization"),
        ("@method", "@path", "content-digest", "authorization"),
        ("@target-uri", "@method", "content-digest", "authorization"),
        (*COVERED, "date"),
        (),
    ],
)
def test_a_signature_over_less_more_or_another_order_is_refused(covered: tuple[str, ...]) -> None:
    """The signatures are genuine: only what they cover differs."""
    assert kind_of(lambda: verify(by_library(covered))) == "other-signature"


@pytest.mark.parametrize("without", ["nonce", "tag", "alg"])
def test_a_parameter_that_is_missing_is_refused(without: str) -> None:
    assert kind_of(lambda: verify(by_library(COVERED, without))) == "other-signature"


def test_the_librarys_own_signature_is_taken_when_it_has_our_form() -> None:
    """Control for the two tests before."""
    assert verify(by_library(COVERED))


def by_library(covered: tuple[str, ...], without: str = "") -> Fields:
    message = Message(METHOD, URL, {"authorization": TOKEN, "date": "x"})
    signer = HTTPMessageSigner(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={KID: KEY.private_key}),  # type: ignore[dict-item]
    )
    digested = "content-digest" in covered
    signer.sign(
        message,
        key_id=KID,
        created=NOW,
        label=LABEL,
        covered_component_ids=covered,
        nonce=None if without == "nonce" else "n" * 32,
        tag=None if without == "tag" else LABEL,
        include_alg=without != "alg",
        body=BODY if digested else None,
    )
    if not digested:
        message.headers["Content-Digest"] = field(signed(), "content-digest")
    return list(message.headers.items())


@pytest.mark.parametrize(
    ("age_s", "passes"), [(-300, False), (-6, False), (-5, True), (0, True), (65, True), (66, False), (300, False)]
)
def test_the_window_is_a_minute_and_five_seconds_of_skew(age_s: int, passes: bool) -> None:
    fields, now = signed(), NOW + dt.timedelta(seconds=age_s)
    if passes:
        assert verify(fields, now=now)
    else:
        with pytest.raises(ClockError):
            verify(fields, now=now)


def test_a_forged_request_says_nothing_about_the_clock() -> None:
    """Else anybody could raise an alarm about a partner."""
    fields = replaced(signed(), "signature", f"{LABEL}=:{'A' * 86}==:")
    assert kind_of(lambda: verify(fields, now=NOW + dt.timedelta(hours=1))) == "bad-signature"


def test_a_nonce_must_be_remembered_as_long_as_it_would_pass() -> None:
    request = verify_request(METHOD, URL, signed(), BODY, key=KEY, kid=KID, now=NOW)
    last = request.accepted_until
    fields = signed()
    assert verify(fields, now=last)
    with pytest.raises(ClockError):
        verify(fields, now=last + dt.timedelta(seconds=1))
