"""The benchmark of decisions measures what it says: each clause its outcome, SQL every record."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


def test_every_clause_has_its_outcome_and_every_record_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    sys.modules.pop("decisions", None)
    import decisions

    monkeypatch.setattr(decisions, "QUICK", {"decisions": 200, "rows": 10_000})
    found = decisions.run(quick=True)
    assert [measured["outcome"] for measured in found["python"].values()] == ["allow", "trim", "trim", "withhold"]
    assert found["leaves"] == 50
    assert found["values"] == 62
    assert sum(found["sql"]["by_reason"].values()) == 10_000
    assert set(found["sql"]["by_reason"]) == {
        "all_agreed",
        "delay_running",
        "port_outside",
        "terminal_outside",
        "time_outside",
    }
    assert len(found["targets"]) == 1
