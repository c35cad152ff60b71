"""One served node for each kind of database; each test finds it empty of people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.databases import KINDS
from tests.live_nodes import START
from tests.web.accounts.people import Place, make_person, served

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.tables import accounts, identity


@pytest.fixture(scope="session", params=KINDS)
def served_place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    if request.param == "sqlite":
        database = Database(sqlite_url(folder / "node.db"))
    else:
        cluster = request.getfixturevalue("postgresql_cluster")
        database = Database(cluster.url(cluster.create()))
    database.create_tables()
    with served(folder / "node", database) as found:
        yield found
    database.close()


@pytest.fixture
def place(served_place: Place) -> Iterator[Place]:
    """The node with one person, ann, who is an analyst."""
    with served_place.node.database.write() as connection:
        for table in (
            accounts.rate_limit,
            accounts.known_browser,
            accounts.web_session,
            accounts.user_password,
            accounts.user_account,
            identity.api_token,
        ):
            connection.execute(table.delete())
    served_place.begin(START)
    make_person(served_place.node, "ann")
    yield served_place
    served_place.close_browsers()
