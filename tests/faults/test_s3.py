"""Row S3 at a small size; the full one runs by command."""

from __future__ import annotations

import pytest
from tests.faults import s3_ledger


def test_every_change_to_a_log_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_ledger, "SMALL", 2)
    found = s3_ledger.run(seed=7)
    assert found["verdict"] == "passed", found
    assert found["tried"] == 22
    assert found["control_failed"] is True


def test_the_row_fails_when_the_verifier_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_ledger, "SMALL", 1)
    monkeypatch.setattr(s3_ledger.verifier._Log, "compare", s3_ledger.compare_nothing)
    found = s3_ledger.run(seed=7)
    assert found["verdict"] == "failed"
    assert found["lost"] >= 6
