"""quality.json: what ships say against what was decided, and the faults of their static data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from sealane.inventory.quality import static_quality
from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.movement.zones import write_zones
from tests.inventory.world import PORT, marinecadastre, track, zones


def run(folder: Path, rows: pd.DataFrame) -> dict[str, object]:
    rows.to_csv(folder / "positions.csv", index=False)
    write_zones(zones(), folder / "zones.geojson")
    request = InventoryRequest((folder / "positions.csv",), PORT, folder / "out", zones=folder / "zones.geojson")
    return run_inventory(request).quality


def moored(mmsi: int, status: int) -> pd.DataFrame:
    """Ten hours at berth 1, with one status throughout."""
    frame = track(1, hours=1)[:1]
    start = int(frame["time_us"].iloc[0])
    steps = pd.DataFrame({"time_us": [start + k * 180_000_000 for k in range(200)]})
    return marinecadastre({mmsi: steps.assign(lat=33.745, lon=-118.205, sog_kn=0.0, status=status, draught_m=9.0)})


def test_a_status_left_on_is_listed(tmp_path: Path) -> None:
    """A ship that lies at berth and says 'under way' is a disagreement; one that says 'moored' is none."""
    quality = run(tmp_path, pd.concat([moored(366_000_001, 5), moored(366_000_002, 0)]))
    found = quality["reported_status_and_mode"]
    assert (found["compared"], found["agree"]) == (2, 1)
    (entry,) = found["disagreements"]
    assert (entry["mmsi"], entry["reported"], entry["decided"]) == (366_000_002, "under_way", "berth")
    assert entry["reported_h"]["under_way"] == pytest.approx(199 * 3 / 60)


def test_a_ship_that_reports_nothing_is_not_compared(tmp_path: Path) -> None:
    assert run(tmp_path, moored(366_000_001, 15))["reported_status_and_mode"]["compared"] == 0


def test_static_faults_are_counted() -> None:
    base = {"call_sign": None, "length_m": 200.0, "beam_m": 30.0, "draught_max_m": None}
    rows = [
        {"mmsi": 1, "transceiver_class": "A", "imo": None, "vessel_name": None, "ais_type": None, "rows": 4, **base},
        {"mmsi": 1, "transceiver_class": "A", "imo": 9295268, "vessel_name": "A", "ais_type": 70, "rows": 9, **base},
        {"mmsi": 1, "transceiver_class": "A", "imo": 9295267, "vessel_name": "B", "ais_type": 70, "rows": 2, **base},
        {"mmsi": 2, "transceiver_class": "B", "imo": None, "vessel_name": "C", "ais_type": 37, "rows": 5, **base},
        {"mmsi": 3, "transceiver_class": "B", "imo": None, "vessel_name": None, "ais_type": None, "rows": 5, **base},
    ]
    counts = static_quality(pa.Table.from_pylist(rows))
    assert counts[1] == {"class_b": 0, "imo_check_digit_wrong": 2, "static_late": 4, "static_changed": 2}
    assert counts[2] == {"class_b": 5, "imo_check_digit_wrong": 0, "static_late": 0, "static_changed": 0}
    assert counts[3]["static_late"] == 0
