"""Fixtures that give each test its own empty database, on SQLite and on a real PostgreSQL.

``database``       a `Database` with all tables; the test runs once on each engine
``databases``      a function that makes as many of them as a test wants, all on the same engine
``database_url``   the address (password included) of a database without tables, for tests that start processes
``database_kind``  ``sqlite`` or ``postgresql``; mark a test to run on one of them only with
                   ``@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)``
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sealane.database import Database
from sealane.database.engine import sqlite_url
from tests import postgresql

KINDS = ("sqlite", "postgresql")
TEMPLATE = "sealane_template"


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[postgresql.Cluster]:
    """One server for the session (of each xdist worker)."""
    lacking = postgresql.missing()
    if lacking is not None:
        pytest.skip(f"not proven: {lacking}")
    cluster = postgresql.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables; copying it is faster than making them for every test."""
    path = tmp_path_factory.mktemp("template") / "node.db"
    database = Database(sqlite_url(path))
    database.create_tables()
    database.close()
    return path


@pytest.fixture(params=KINDS)
def database_kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if database_kind == "sqlite":
        yield sqlite_url(tmp_path / "empty.db")
        return
    cluster: postgresql.Cluster = request.getfixturevalue("postgresql_cluster")
    name = cluster.create()
    yield cluster.url(name)
    cluster.drop(name)


@pytest.fixture
def databases(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Database]]:
    made: list[Database] = []
    names: list[str] = []

    def make_sqlite() -> Database:
        path = tmp_path / f"node-{len(made)}.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        made.append(Database(sqlite_url(path)))
        return made[-1]

    def make_postgresql() -> Database:
        cluster: postgresql.Cluster = request.getfixturevalue("postgresql_cluster")
        if TEMPLATE not in cluster.templates:
            cluster.run(f'CREATE DATABASE "{TEMPLATE}" TEMPLATE template0')
            template = Database(cluster.url(TEMPLATE))
            template.create_tables()
            template.close()
            cluster.templates.add(TEMPLATE)
        names.append(cluster.create(TEMPLATE))
        made.append(Database(cluster.url(names[-1])))
        return made[-1]

    yield make_sqlite if database_kind == "sqlite" else make_postgresql
    for database in made:
        database.close()
    for name in names:
        request.getfixturevalue("postgresql_cluster").drop(name)


@pytest.fixture
def database(databases: Callable[[], Database]) -> Database:
    return databases()
