"""What uploads leave behind is removed in time, and nothing else is."""

from __future__ import annotations

import datetime as dt
import os

import sqlalchemy as sa
from tests.web.accounts.people import Browser, Place
from tests.web.imports import uploading as up

from sealane.database.tables.results import data_import
from sealane.web.imports import files
from sealane.web.imports.clean import clean


def states(place: Place) -> dict[str, tuple[str, bool]]:
    with place.node.database.read() as connection:
        rows = connection.execute(sa.select(data_import.c.id, data_import.c.state, data_import.c.emptied_at))
        return {row.id: (row.state, row.emptied_at is not None) for row in rows}


def test_only_what_is_past_its_time_goes(place: Place, steward: Browser) -> None:
    abandoned = up.begin(steward, "calls", "a.csv", 5)["id"]
    days = place.node.settings.import_retention_days
    place.clock.now += dt.timedelta(days=days - 1)
    steward = place.browser("steward")  # the login before has ended long ago
    fresh = up.begin(steward, "calls", "b.csv", 5)["id"]
    clean(place.node)
    assert states(place) == {abandoned: ("receiving", False), fresh: ("receiving", False)}
    place.clock.now += dt.timedelta(days=2)
    clean(place.node)
    assert states(place) == {abandoned: ("cancelled", True), fresh: ("receiving", False)}
    assert not files.folder_of(place.node, abandoned).exists()
    assert files.content_of(place.node, fresh).exists()


def test_folders_that_nobody_knows_go_but_not_while_an_upload_begins(place: Place, steward: Browser) -> None:
    up.begin(steward, "calls", "a.csv", 5)
    root = place.node.folder / files.FOLDER
    young, old = root / "young", root / "old"
    for folder in (young, old):
        folder.mkdir()
    os.utime(old, (1, 1))
    leftover = place.node.folder / "tasks" / "a-task-that-was-killed"
    leftover.mkdir(parents=True)
    clean(place.node)
    assert (young.exists(), old.exists(), leftover.exists()) == (True, False, False)
    young.rmdir()
