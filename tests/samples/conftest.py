"""The simulated week, made once for all tests of this room."""

from __future__ import annotations

import pytest

from sealane.samples.los_angeles_week import SimulatedWeek, simulate_week


@pytest.fixture(scope="session")
def week() -> SimulatedWeek:
    return simulate_week()
