"""Rows A3 and A4 at a size for every run; `make faults FAULTS=full` runs them whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.faults import a3_time, a4_differencing
from tests.faults.world import NotProvenError

# A1 and what A4 does on PostgreSQL are tried by the tests of decisions, of decisions in SQL and of releases.
ROWS: list[Callable[[], dict[str, Any]]] = [
    lambda: a3_time.run(1, database="sqlite"),
    lambda: a4_differencing.run(1, trials=8),
]


@pytest.mark.parametrize("row", ROWS, ids=["A3", "A4"])
def test_the_row_passes_and_its_controls_fail(row: Callable[[], dict[str, Any]]) -> None:
    try:
        found = row()
    except NotProvenError as error:
        pytest.skip(f"not proven: {error}")
    assert found["verdict"] == "passed", found
    assert found["tried"] > 0
    assert all(found["controls"].values())
