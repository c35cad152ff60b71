"""The two databases the tests run on are what they say, and the engine's promises hold on both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from tests import postgresql

from sealane.database import Database
from sealane.database.tables import ledger, metadata

ROOT = Path(__file__).parents[2]


def test_every_table_is_there_and_empty(database: Database) -> None:
    with database.read() as connection:
        for table in metadata.sorted_tables:
            assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0


def test_databases_do_not_share_rows(databases: Callable[[], Database]) -> None:
    first, second = databases(), databases()
    with first.write() as connection:
        connection.execute(sa.insert(ledger.head).values(id=1, size=7))
    with second.read() as connection:
        assert connection.execute(sa.select(ledger.head.c.size)).all() == []
    with first.read() as connection:
        assert connection.execute(sa.select(ledger.head.c.size)).scalar_one() == 7


def test_the_engine_is_the_one_named(database: Database, database_kind: str) -> None:
    assert database.is_sqlite == (database_kind == "sqlite")
    with database.read() as connection:
        assert connection.dialect.name == database_kind


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_the_role_is_no_superuser_and_the_server_is_not_root(
    database: Database, postgresql_cluster: postgresql.Cluster
) -> None:
    with database.read() as connection:
        assert (
            connection.execute(sa.text("select rolsuper from pg_roles where rolname = current_user")).scalar() is False
        )
    assert (postgresql_cluster.folder / "data" / "postmaster.pid").stat().st_uid != 0


OWNER = """
import sys, time
from tests import postgresql
cluster = postgresql.start()
print(cluster.folder, (cluster.folder / "data" / "postmaster.pid").read_text().split()[0], flush=True)
time.sleep(600)
"""


def test_a_server_does_not_outlive_its_killed_owner() -> None:
    lacking = postgresql.missing()
    if lacking is not None:
        pytest.skip(f"not proven: {lacking}")
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        folder, pid = owner.stdout.readline().split()
        os.kill(int(pid), 0)  # control: it runs
        owner.send_signal(signal.SIGKILL)
    until = time.monotonic() + 60
    while time.monotonic() < until and (Path(folder).exists() or Path(f"/proc/{pid}").exists()):
        time.sleep(0.1)
    assert not Path(folder).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_wrong_password_is_refused(database: Database, postgresql_cluster: postgresql.Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgresql_cluster.url("postgres").replace(postgresql_cluster.password, "wrong"))
