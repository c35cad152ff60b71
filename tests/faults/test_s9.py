"""Row S9 at a size for every run; `make faults FAULTS=full` runs it whole."""

from __future__ import annotations

from tests.faults import s9_uploads


def test_hostile_files_are_refused_quickly_and_harmlessly() -> None:
    found = s9_uploads.run(1)
    assert found["verdict"] == "passed", found
    assert found["tried"] >= 20
