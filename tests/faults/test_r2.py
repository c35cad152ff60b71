"""Row R2 runs by command, it needs root and a loop device; here only that a machine without them says so."""

from __future__ import annotations

import pytest
from tests.faults import r2_power_loss


def test_a_machine_that_cannot_show_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r2_power_loss.os, "geteuid", lambda: 1000)
    found = r2_power_loss.run()
    assert (found["verdict"], found["reason"]) == ("not proven", "mounting a file system needs root")
    monkeypatch.undo()
    monkeypatch.setattr(r2_power_loss.os, "geteuid", lambda: 0)
    monkeypatch.setattr(r2_power_loss.shutil, "which", lambda name: None)
    assert r2_power_loss.run()["verdict"] == "not proven"


def test_missing_entries_are_counted() -> None:
    """The count behind the row, on a database that lost nothing and one that is not there."""
    from sealane.database import Database
    from sealane.database.engine import sqlite_url

    database = Database(sqlite_url(r2_power_loss.Path("/nonexistent/node.db")))
    assert r2_power_loss.lost_entries(database, 5)[0] == 5
