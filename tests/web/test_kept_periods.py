"""The period of a kept inventory: from its first to its last report, and never past the period that was asked for."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from sealane.web.formats import day, last_day
from sealane.web.results import describe

REPORTS = {"first_report": "2024-03-04T00:00:59+00:00", "last_report": "2024-03-05T23:59:39+00:00"}


def described(folder: Path, asked: dict[str, str | None]) -> dict[str, Any]:
    folder.mkdir()
    origin = {"port": "USLAX", "method": "epa-2022", "gwp": "ar5", "inputs": [], "period": REPORTS | asked}
    (folder / "provenance.json").write_text(json.dumps(origin))
    (folder / "quality.json").write_text("{}")
    (folder / "inventory.parquet").write_bytes(b"")
    return describe(folder)


@pytest.mark.parametrize(
    "asked",
    [
        {"from": None, "to": None},
        {"from": "2024-03-04T00:00:00+00:00", "to": "2024-03-06T00:00:00+00:00"},
        # The files end before what was asked for: days of which nothing is known are not shown as quiet ones.
        {"from": "2024-03-01T00:00:00+00:00", "to": "2024-04-01T00:00:00+00:00"},
    ],
)
def test_an_inventory_speaks_of_the_days_of_its_reports(tmp_path: Path, asked: dict[str, str | None]) -> None:
    found = described(tmp_path / "run", asked)
    assert found["ends_at"] == dt.datetime(2024, 3, 5, 23, 59, 39, tzinfo=dt.UTC)
    assert (day(found["begins_at"]), last_day(found["ends_at"])) == ("4 Mar 2024", "5 Mar 2024")
