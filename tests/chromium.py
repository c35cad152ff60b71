"""A real browser for tests; a folder of them imports `browser` into its conftest."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """Return the path of a Chromium."""
    found = os.environ.get("CHROMIUM") or next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("not proven: no Chromium is installed (apt-get install chromium)")
    return found


# Of a module, not of the session: while it lives, Playwright keeps an event loop running in this thread, and tests of
# other files in the same process could start none.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a screen and drawing in software."""
    path = chromium()
    with sync_playwright() as playwright:
        options = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")  # Chromium refuses its sandbox to root
        made = playwright.chromium.launch(executable_path=path, args=options)
        yield made
        made.close()
