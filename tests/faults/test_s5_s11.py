"""Rows S5 and S11 at a size for every run; `make faults` runs them whole."""

from __future__ import annotations

from tests.faults import s5_access


def test_a_part_of_the_endpoints_answers_everybody_as_the_table_says() -> None:
    found = s5_access.run(1, rows=6)
    assert found["verdict"] == "passed", found
    assert found["let_in"] > 20
