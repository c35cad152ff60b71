"""A small inventory made by the real run: three ships, one of them with a hostile name, and a tug."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.reports import write_report

HOSTILE = '<script>alert("x")</script>'
FORMULA = '=HYPERLINK("http://example.org";"click")'
HEADER = (
    "MMSI,BaseDateTime,LAT,LON,SOG,COG,Heading,VesselName,IMO,CallSign,VesselType,Status,Length,Width,Draft,Cargo,"
    "TransceiverClass"
)
TURNED = "-2+3\u202eX"
BEGIN = datetime(2024, 3, 4, tzinfo=UTC)
BERTH = (33.7360, -118.2640)
ANCHORAGE = (33.7000, -118.2120)  # inside anchorage G of San Pedro Bay
SEA = (33.3000, -118.2640)
Leg = tuple[float, tuple[float, float], tuple[float, float], int]  # hours, from, to, status


def _reports(mmsi: int, name: str, ais_type: int, length: int, legs: list[Leg]) -> Iterator[list[object]]:
    time, step = BEGIN, timedelta(minutes=2)
    for hours, (lat1, lon1), (lat2, lon2), status in legs:
        count = int(timedelta(hours=hours) / step)
        speed = 60 * abs(lat2 - lat1) / hours
        for k in range(count):
            lat, lon = lat1 + (lat2 - lat1) * k / count, lon1 + (lon2 - lon1) * k / count
            yield [mmsi, f"{time:%Y-%m-%dT%H:%M:%S}", round(lat, 5), round(lon, 5), round(speed, 1), 0, 511, name, "",
                   "", ais_type, status, length, 40, 11.0, "", "A"]  # fmt: skip
            time += step


def write_positions(path: Path, *, ships: bool = True) -> None:
    """Write the reports; without ships only the tug's."""
    visit = [(2.0, SEA, BERTH, 0), (10.0, BERTH, BERTH, 5), (2.0, BERTH, SEA, 0)]
    rows = list(_reports(366000009, "+TUG", 52, 30, [(4.0, BERTH, BERTH, 0)]))
    if ships:
        rows += _reports(366000001, HOSTILE, 70, 300, visit)
        rows += _reports(366000002, FORMULA, 80, 180, [(6.0, ANCHORAGE, ANCHORAGE, 1)])
        rows += _reports(366000003, TURNED, 70, 200, [(1.0, BERTH, BERTH, 5), (2.0, BERTH, SEA, 0)])
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER + "\n")
        csv.writer(file, lineterminator="\n").writerows(rows)
        if ships:
            file.write("366000001,2024-03-04T00:00:01,not a latitude,-118.2,0,0,511,,,,70,0,300,40,11,,A\n")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run with calls, written once; do not change it."""
    folder = tmp_path_factory.mktemp("made")
    write_positions(folder / "positions.csv")
    run_inventory(InventoryRequest((folder / "positions.csv",), "USLAX", folder / "out"))
    write_report(folder / "out")
    return folder / "out"


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run without any ocean-going ship."""
    folder = tmp_path_factory.mktemp("empty")
    write_positions(folder / "positions.csv", ships=False)
    run_inventory(InventoryRequest((folder / "positions.csv",), "USLAX", folder / "out"))
    write_report(folder / "out")
    return folder / "out"


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may change."""
    return Path(shutil.copytree(made, tmp_path / "copy"))
