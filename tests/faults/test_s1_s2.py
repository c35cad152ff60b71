"""Rows S1 and S2 at a size for every run; `make faults FAULTS=full` runs them whole."""

from __future__ import annotations

import pytest
from tests.faults import s1_replay, s2_tampering


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_sent_again_has_a_second_effect(database: str) -> None:
    found = s1_replay.run(1, False, database)
    if found["verdict"] == "not proven":
        pytest.skip(f"not proven: {found['reason']}")
    assert found["verdict"] == "passed", found
    assert found["sent_again"] > 10 * found["tried"] > 0


def test_nothing_changed_is_taken() -> None:
    found = s2_tampering.run(1)
    assert found["verdict"] == "passed", found
    assert len(found["by_kind"]) >= 11
