"""A SIMULATED lane with its arrival study, a scenario and its plan, made once; and a node that shows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.accounts.people import Place, served
from tests.web.corridor.corridor_world import Kept, Made, make_results

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.web.results import keep_result


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_results(tmp_path_factory.mktemp("corridor"))


@pytest.fixture(scope="session")
def corridor_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A node that lets guests in."""
    folder = tmp_path_factory.mktemp("corridor-node")
    database = Database(sqlite_url(folder / "node.db"))
    database.create_tables()
    with served(folder / "node", database, guests=True) as place:
        yield place
    database.close()


@pytest.fixture(scope="session")
def kept(corridor_place: Place, made: Made) -> Kept:
    """The results on the node: open to guests but for the plan."""

    def keep(folder: Path, *, public: bool = True) -> str:
        return keep_result(corridor_place.node, folder, public=public).id

    return Kept(
        lane=keep(made.lane),
        arrival=keep(made.arrival),
        scenario=keep(made.scenario),
        plan=keep(made.plan, public=False),
    )
