"""The page on identity says what the code does: its numbers and names are those of the modules."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealane.exchange import evidence, keys, outbound, peers, replay, request_signatures, strict_json, tokens
from sealane.exchange.certificates import CERTIFICATE_TYP, REVOCATION_TYP
from sealane.exchange.jws import ALGORITHM
from sealane.node.api import security
from sealane.node.api_tokens import ROLES

PAGE = Path(__file__).parents[2] / "docs" / "method" / "identity.md"
SAID = {
    "algorithm": f"`alg` = `{ALGORITHM}`",
    "lifetime of a key": f"{keys.KEY_LIFETIME.days} days",
    "period of the list": f"every {peers.REFRESH_EVERY.seconds} s",
    "lifetime of a token": f"it lives {tokens.IDENTITY_LIFETIME_S} s",
    "longest lifetime": f"more than {tokens.MAX_LIFETIME_S} s",
    "window": f"| age of a signature | {request_signatures.MAX_AGE_S} s |",
    "skew": f"| tolerance for clocks, both ways | {request_signatures.SKEW_S} s |",
    "nonces": f"and {replay.MARGIN.seconds} s more",
    "restored": f"in the {request_signatures.MAX_AGE_S + request_signatures.SKEW_S} s after",
    "depth": f"more than {strict_json.MAX_DEPTH} levels",
    "answer": f"answers end at {outbound.MAX_ANSWER_BYTES // 2**20} MiB",
    "failures": f"After {security.FAILURES_PER_MINUTE} requests a minute",
    "cover": ", ".join(f"`{name}`" for name in request_signatures.COVERED[:2]),
}
KINDS = [*evidence.Typ, CERTIFICATE_TYP, REVOCATION_TYP, tokens.IDENTITY_TYP, tokens.STREAM_TYP]


@pytest.mark.parametrize("what", SAID)
def test_the_page_says_the_number_the_code_has(what: str) -> None:
    assert SAID[what] in PAGE.read_text(encoding="utf-8")


def test_the_page_names_every_kind_and_role() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in text] == []
    assert [role for role in ROLES if f"`{role}`" not in text] == []


def test_the_skew_is_one_and_the_hour_is_one() -> None:
    assert request_signatures.SKEW_S == tokens.SKEW_S == evidence.CLOCK_SKEW.total_seconds()
    assert peers.MAX_LIST_AGE.total_seconds() == 3600
    assert evidence.ARRIVAL_GRACE.days == 1
    assert strict_json.MAX_INTEGER == 2**53 - 1
