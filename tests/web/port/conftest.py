"""A small simulated week as a kept inventory, made once; and a node that shows it."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.accounts.people import Place, served

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.inventory.request import InventoryRequest
from sealane.inventory.run import run_inventory
from sealane.samples.los_angeles_week import simulate_week, write_simulated
from sealane.web.explain.derive import Subject
from sealane.web.port.index import Index, open_index
from sealane.web.results import Result, keep_result

SHIPS = 14


@pytest.fixture(scope="session")
def week_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory of a simulated week in which one ship takes shore power."""
    folder = tmp_path_factory.mktemp("week")
    files = write_simulated(simulate_week(ships=SHIPS), folder / "samples", with_berth_zones=True)
    named = {path.name.rpartition("week_")[2]: path for path in files}
    shore = folder / "shore.csv"
    shore.write_text(
        "mmsi,from,to\n" + "".join(f"{772_000_001 + k},2024-03-04T00:00Z,2024-03-11T00:00Z\n" for k in range(SHIPS))
    )
    run_inventory(
        InventoryRequest(
            positions=(named["positions.csv"],),
            port="USLAX",
            out=folder / "week",
            vessels=named["vessels.csv"],
            shore_power=shore,
            threads=1,
        )
    )
    return folder / "week"


@pytest.fixture(scope="session")
def week_index(week_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Index:
    return open_index(week_folder, tmp_path_factory.mktemp("index") / "week")


@pytest.fixture(scope="session")
def subject(week_index: Index) -> Subject:
    return Subject("the-result", True, "0" * 64, week_index)


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory in which no ship was seen: one tug, an hour."""
    folder = tmp_path_factory.mktemp("empty")
    begin = dt.datetime(2024, 3, 4, tzinfo=dt.UTC)
    with (folder / "positions.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            [
                "MMSI",
                "BaseDateTime",
                "LAT",
                "LON",
                "SOG",
                "COG",
                "Heading",
                "VesselName",
                "IMO",
                "CallSign",
                "VesselType",
                "Status",
                "Length",
                "Width",
                "Draft",
                "Cargo",
                "TransceiverClass",
            ]
        )
        for minute in range(60):
            time = (begin + dt.timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S")
            writer.writerow(
                [772000900, time, 33.74, -118.27, 0, 0, 511, "SIMULATED TUG", "", "", 52, 5, 30, 10, 4, 52, "A"]
            )
    run_inventory(InventoryRequest(positions=(folder / "positions.csv",), port="USLAX", out=folder / "out", threads=1))
    return folder / "out"


@pytest.fixture(scope="session")
def port_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A node that lets guests in; nothing is kept on it yet."""
    folder = tmp_path_factory.mktemp("port")
    database = Database(sqlite_url(folder / "node.db"))
    database.create_tables()
    with served(folder / "node", database, guests=True) as place:
        yield place
    database.close()


@pytest.fixture(scope="session")
def kept_week(port_place: Place, week_folder: Path) -> Result:
    """The week, open to guests."""
    return keep_result(port_place.node, week_folder, public=True)


@pytest.fixture(scope="session")
def hidden_week(port_place: Place, week_folder: Path) -> Result:
    """The same once more, for people of the port only, as the result of another port."""
    import sqlalchemy as sa

    from sealane.database.tables.results import result

    kept = keep_result(port_place.node, week_folder, public=False)
    with port_place.node.database.write() as connection:
        connection.execute(sa.update(result).where(result.c.id == kept.id).values(port="USOAK"))
    return kept
