"""Tokens: for one recipient, for a short time, of one kind."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from sealane.errors import RequestRefusedError
from sealane.exchange.evidence import Typ
from sealane.exchange.jws import new_key, read_public_jwk
from sealane.exchange.keys import Identity
from sealane.exchange.tokens import (
    IDENTITY_TYP,
    MAX_LIFETIME_S,
    SKEW_S,
    STREAM_TYP,
    ClockError,
    claimed_issuer,
    issue_stream_token,
    issue_token,
    verify_own_stream_token,
    verify_token,
)

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ISSUED = int(NOW.timestamp())
GOOD: dict[str, Any] = {
    "iss": "port-a",
    "sub": "port-a",
    "aud": "port-b",
    "iat": ISSUED,
    "nbf": ISSUED,
    "exp": ISSUED + 120,
    "jti": "abcdefghijklmnopqrstuv",
}


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return Identity.create(tmp_path_factory.mktemp("a") / "keys", "port-a", "https://a.example", NOW)


def verify(identity: Identity, token: str, now: dt.datetime = NOW, audience: str = "port-b") -> Any:
    key = read_public_jwk(identity.signing_key(NOW).certificate.jwk)
    return verify_token(token, key, typ=IDENTITY_TYP, issuer="port-a", audience=audience, now=now)


def of_claims(identity: Identity, claims: dict[str, Any], typ: str = IDENTITY_TYP) -> str:
    return identity.sign(json.dumps(claims).encode(), typ, NOW)


def test_a_token_says_who_sends(identity: Identity) -> None:
    token = issue_token(identity, "port-b", NOW)
    assert claimed_issuer(token) == (IDENTITY_TYP, identity.signing_key(NOW).kid, "port-a")
    found = verify(identity, token)
    assert (found.issuer, found.subject, found.stream) == ("port-a", "port-a", None)
    assert found.issued_at == NOW
    assert 0 < (found.expires_at - NOW).total_seconds() <= MAX_LIFETIME_S
    assert found.token_id != verify(identity, issue_token(identity, "port-b", NOW)).token_id


def test_claims_made_by_hand_are_taken_when_they_are_right(identity: Identity) -> None:
    """Control for the next test."""
    assert verify(identity, of_claims(identity, GOOD)).subject == "port-a"


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"aud": "port-c"}, "wrong-audience"),
        ({"aud": ["port-b"]}, "malformed-token"),
        ({"iss": "port-c"}, "wrong-issuer"),
        ({"sub": "port-c"}, "wrong-issuer"),
        ({"exp": ISSUED + MAX_LIFETIME_S + 1}, "malformed-token"),
        ({"exp": ISSUED}, "malformed-token"),
        ({"exp": float(ISSUED + 10)}, "malformed-token"),
        ({"exp": True}, "malformed-token"),
        ({"iat": ISSUED - 1}, "malformed-token"),  # other than in the header
        ({"nbf": ISSUED + SKEW_S + 1}, "token-time"),
        ({"jti": "short"}, "malformed-token"),
        ({"jti": 7}, "malformed-token"),
        ({"admin": True}, "malformed-token"),
        ({"stream": "s"}, "malformed-token"),
    ],
)
def test_a_claim_that_is_not_right_is_refused(identity: Identity, changed: dict[str, Any], kind: str) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        verify(identity, of_claims(identity, GOOD | changed))
    assert (refused.value.status, refused.value.kind) == (401, kind)


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_every_claim_is_needed(identity: Identity, missing: str) -> None:
    claims = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(RequestRefusedError):
        verify(identity, of_claims(identity, claims))


@pytest.mark.parametrize(
    ("moved_s", "passes"), [(-6, False), (-5, True), (0, True), (125, True), (126, False), (300, False)]
)
def test_five_seconds_of_skew_are_tolerated_and_no_more(identity: Identity, moved_s: int, passes: bool) -> None:
    token, now = issue_token(identity, "port-b", NOW), NOW + dt.timedelta(seconds=moved_s)
    if passes:
        assert verify(identity, token, now).subject == "port-a"
    else:
        with pytest.raises(ClockError):
            verify(identity, token, now)


def test_a_statement_of_another_kind_is_no_token(identity: Identity) -> None:
    for typ in (*Typ, STREAM_TYP):
        with pytest.raises(RequestRefusedError):
            verify(identity, of_claims(identity, GOOD, typ))
    with pytest.raises(RequestRefusedError):
        claimed_issuer(of_claims(identity, GOOD, Typ.RECEIPT))


def test_another_key_is_refused(identity: Identity) -> None:
    with pytest.raises(RequestRefusedError):
        verify_token(
            issue_token(identity, "port-b", NOW),
            new_key(),
            typ=IDENTITY_TYP,
            issuer="port-a",
            audience="port-b",
            now=NOW,
        )


def test_a_streams_token_is_bound_to_stream_and_reader(identity: Identity) -> None:
    token = issue_stream_token(identity, "port-b", "stream-1", NOW)
    found = verify_own_stream_token(identity, token, NOW + dt.timedelta(days=300))
    assert (found.subject, found.stream) == ("port-b", "stream-1")
    short = issue_stream_token(identity, "port-b", "stream-1", NOW, lifetime_s=3600)
    with pytest.raises(ClockError):
        verify_own_stream_token(identity, short, NOW + dt.timedelta(hours=2))
    with pytest.raises(RequestRefusedError):  # a token of identity opens no stream
        verify_own_stream_token(identity, issue_token(identity, "port-a", NOW), NOW)


def test_a_streams_token_outlives_a_rotation_and_not_a_revocation(tmp_path: Path) -> None:
    identity = Identity.create(tmp_path / "keys", "port-a", "https://a.example", NOW)
    token, old = issue_stream_token(identity, "port-b", "stream-1", NOW), identity.signing_key(NOW)
    identity.rotate(NOW)
    assert verify_own_stream_token(identity, token, NOW).stream == "stream-1"
    identity.revoke(old.kid, NOW, reason="stolen")
    with pytest.raises(RequestRefusedError) as refused:
        verify_own_stream_token(identity, token, NOW)
    assert refused.value.kind == "unknown-key"


def test_no_message_shows_the_token(identity: Identity) -> None:
    token = issue_token(identity, "port-b", NOW)
    for audience, now in (("port-c", NOW), ("port-b", NOW + dt.timedelta(hours=1))):
        with pytest.raises(RequestRefusedError) as refused:
            verify(identity, token, now, audience)
        assert token[:20] not in str(refused.value)
        assert token.split(".")[2] not in str(refused.value)
