"""Simulated data stay labelled, whatever their file is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.movement.zones import write_zones
from tests.inventory.world import PORT, marinecadastre, track, zones


@pytest.mark.parametrize(
    ("file", "name", "labelled"),
    [
        ("week.csv", "SIMULATED BULK 22", True),
        ("week.csv", "simulated bulk 22", True),
        ("SIMULATED_week.csv", "BULK 22", True),
        ("week.csv", "BULK 22", False),
    ],
)
def test_simulated_ships_are_told_by_file_or_by_name(file: str, name: str, labelled: bool, tmp_path: Path) -> None:
    positions = tmp_path / file
    marinecadastre({366_000_001: track(1, hours=6)}, {"VesselName": name}).to_csv(positions, index=False)
    write_zones(zones(), tmp_path / "zones.geojson")
    request = InventoryRequest((positions,), PORT, tmp_path / "out", zones=tmp_path / "zones.geojson", calls_only=True)
    notes = run_inventory(request).quality["notes"]
    assert any(note.startswith("SIMULATED DATA") for note in notes) is labelled
