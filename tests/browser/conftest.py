"""A real browser and the served demo; both once for the tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.demo_world import World, free_ports, served_demo
from tests.chromium import browser

__all__ = ["browser", "world"]  # a fixture is found by its name


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The served demo; DEMO_WORLD=FOLDER:PORT names one that is served already, for work on a page."""
    given = os.environ.get("DEMO_WORLD")
    if given:
        import json

        folder, _, port = given.rpartition(":")
        password = json.loads((Path(folder) / "demo.json").read_text("utf-8"))["password"]
        yield World(Path(folder), int(port), password)
        return
    with served_demo(tmp_path_factory.mktemp("demo") / "out", free_ports()) as served:
        yield served
