"""Two served ports for each kind of database, and a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.chromium import browser
from tests.web.agreements.two_ports import TwoPorts, two_ports

from sealane.database import Database

__all__ = ["browser", "ports"]  # a fixture is found by its name


@pytest.fixture
def ports(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[TwoPorts]:
    """Two ports that have agreed nothing yet."""
    with two_ports(tmp_path, databases) as found:
        yield found
