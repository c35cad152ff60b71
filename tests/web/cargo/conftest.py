"""Two ports with shared simulated records, once for each kind of database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.chromium import browser
from tests.databases import KINDS
from tests.web.agreements.two_ports import TwoPorts
from tests.web.cargo.sample_world import sample_world

from sealane.database import Database
from sealane.database.engine import sqlite_url

__all__ = ["browser"]  # a fixture is found by its name


@pytest.fixture(scope="package", params=KINDS)
def cargo_ports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoPorts]:
    folder = tmp_path_factory.mktemp("cargo")
    made: list[Database] = []

    def database() -> Database:
        if request.param == "sqlite":
            url = sqlite_url(folder / f"node-{len(made)}.db")
        else:
            cluster = request.getfixturevalue("postgresql_cluster")
            url = cluster.url(cluster.create())
        made.append(Database(url))
        made[-1].create_tables()
        return made[-1]

    with sample_world(folder, database) as ports:
        yield ports
    for one in made:
        one.close()
