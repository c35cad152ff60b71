"""The quicker rows of delivery in the test suite; `make faults` runs all of them on both databases."""

from __future__ import annotations

from types import ModuleType

import pytest
from tests.faults import r5_poison, r6_rollback


@pytest.mark.parametrize("row", [r5_poison, r6_rollback])
def test_row_passes_and_its_broken_variant_does_not(row: ModuleType) -> None:
    found = row.run(seed=7)
    assert found["control_failed"]
    assert found["verdict"] == "passed", found
