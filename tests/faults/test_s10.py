"""Row S10 at a size for every run; `make faults FAULTS=full` runs it whole."""

from __future__ import annotations

from tests.faults import s10_formulas


def test_no_export_holds_a_live_formula() -> None:
    found = s10_formulas.run(1)
    assert found["verdict"] == "passed", found
    assert found["tried"] > 10_000
