"""Two served ports for each kind of database, and a real browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.browser.conftest import chromium
from tests.web.agreements.two_ports import TwoPorts, two_ports

from sealane.database import Database


@pytest.fixture
def ports(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[TwoPorts]:
    """Two ports that have agreed nothing yet."""
    with two_ports(tmp_path, databases) as found:
        yield found


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """Chromium without a screen."""
    options = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses its sandbox to root
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium(), args=options)
        yield made
        made.close()
