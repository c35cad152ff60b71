"""Rows S4 and S7 at a size for every run; `make faults FAULTS=full` runs them whole."""

from __future__ import annotations

from tests.faults import s4_keys, s7_ssrf


def test_keys_change_are_stolen_and_expire_without_loss() -> None:
    found = s4_keys.run(1)
    assert found["verdict"] == "passed", found
    assert found["longest_until_refused_s"] <= s4_keys.KNOWN_WITHIN_S
    assert found["old_statements"] > 0


def test_no_address_leads_inside() -> None:
    found = s7_ssrf.run(1)
    assert found["verdict"] == "passed", found
    assert found["outcomes"]["RequestRefusedError"] > 80
