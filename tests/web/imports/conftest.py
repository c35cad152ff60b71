"""One served node for each kind of database; each test finds it without uploads, work and records."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.databases import KINDS
from tests.live_nodes import START
from tests.web.accounts.people import Browser, Place, make_person, served

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.tables import delivery, products, results

EMPTIED = (
    results.data_import,
    results.import_record,
    results.task,
    results.result,
    products.record,
    delivery.decision,
)


@pytest.fixture(scope="session", params=KINDS)
def data_place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("data")
    if request.param == "sqlite":
        database = Database(sqlite_url(folder / "node.db"))
    else:
        cluster = request.getfixturevalue("postgresql_cluster")
        database = Database(cluster.url(cluster.create()))
    database.create_tables()
    with served(folder / "node", database, unlocode="USNYC") as found:
        make_person(found.node, "steward", "steward")
        make_person(found.node, "analyst", "analyst")
        yield found
    database.close()


@pytest.fixture
def place(data_place: Place) -> Iterator[Place]:
    with data_place.node.database.write() as connection:
        for table in EMPTIED:
            connection.execute(table.delete())
    data_place.begin(START)
    yield data_place
    data_place.close_browsers()


@pytest.fixture
def steward(place: Place) -> Browser:
    return place.browser("steward")
