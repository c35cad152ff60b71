"""The SIMULATED service and the lane worked out from it, once for all tests of the room."""

from __future__ import annotations

import pytest
from tests.corridors.lanes.lane_world import ServiceLane

from sealane.corridors.call_table import read_call_table
from sealane.corridors.lanes.document import read_corridor
from sealane.corridors.lanes.run import run_lane
from sealane.emissions.user_vessels import read_user_vessels
from sealane.samples.simulated_service import CORRIDOR, write_simulated_service


@pytest.fixture(scope="session")
def service_lane(tmp_path_factory: pytest.TempPathFactory) -> ServiceLane:
    folder = tmp_path_factory.mktemp("service_lane")
    write_simulated_service(folder / "service", ships=6, rounds=3)
    calls = read_call_table([folder / "service" / "calls.csv"])
    vessels = read_user_vessels(folder / "service" / "vessels.csv")
    corridor = read_corridor(CORRIDOR)
    result = run_lane(corridor, calls, folder / "lane", vessels=vessels)
    return ServiceLane(folder / "service", corridor, calls, vessels, result)
