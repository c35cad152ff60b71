"""Brings a node's database to the tables this version needs, and back, with the rows it holds.

The steps stand in ``versions``, in Alembic's form. Each call is one transaction on both databases: it is done whole or
not at all.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from sealane.database.engine import Database, is_outage
from sealane.errors import InputError, StoreError

SCRIPTS = "sealane.database:migrations"
_LOCK = 0x5EA1A6E  # PostgreSQL: two migrations at once wait for each other


def migrate(database: Database, target: str = "head") -> None:
    """Bring the tables to a revision, forwards or backwards.

    Parameters
    ----------
    target : a revision, ``head`` for the newest or ``base`` for no tables at all.

    Raises
    ------
    InputError
        When the revision, or the one the database is at, is not known.
    StoreError
        When the database cannot be changed now; it is as before then.
    """
    with migrating(database) as connection:
        migrate_connection(connection, target)


def migrate_connection(connection: sa.Connection, target: str = "head") -> None:
    """Bring the tables to a revision within a transaction that `migrating` gave."""
    order = _order()
    current = _revision_of(connection)
    _check_known(current)
    wanted = order[-1] if target == "head" else None if target == "base" else target
    if wanted is not None and wanted not in order:
        raise InputError(f"There is no revision {target}. Known are: base, {', '.join(order)}.")
    config = _config()
    config.attributes["connection"] = connection
    if _rank(wanted) >= _rank(current):
        command.upgrade(config, wanted or "base")
    else:
        command.downgrade(config, wanted or "base")


@contextmanager
def migrating(database: Database) -> Iterator[sa.Connection]:
    """Give a connection in a transaction that may change tables; nobody else migrates meanwhile.

    Raises
    ------
    StoreError
        When the database cannot be changed now, or rows would point to others that are not there.
    """
    try:
        with database.engine.connect() as connection:
            if database.is_sqlite:
                # SQLite changes a table by copying it; with this on, rows that point to the old one would go with it.
                # It can only be changed outside a transaction.
                _pragma(connection, "foreign_keys=OFF")
            connection.info["writing"] = True
            try:
                with connection.begin():
                    if not database.is_sqlite:
                        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
                    yield connection
                    if database.is_sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
                        raise StoreError(f"Rows of {broken[0][0]} point to rows that are missing; nothing was changed.")
            finally:
                connection.info["writing"] = False
                if database.is_sqlite:
                    _pragma(connection, "foreign_keys=ON")
    except sa.exc.SQLAlchemyError as error:
        if not is_outage(error):
            raise
        raise StoreError(f"The tables of {database.safe_url} cannot be changed now: {error}") from error


def revision(database: Database) -> str | None:
    """Return the revision a database is at, None for one without tables.

    Raises
    ------
    StoreError
        When it cannot be asked.
    """
    with database.read() as connection:
        return _revision_of(connection)


def head() -> str:
    """Return the revision this version needs."""
    return _order()[-1]


def check_current(database: Database) -> None:
    """Refuse a database that is not at the revision this version needs.

    Raises
    ------
    InputError
        With what to do.
    StoreError
        When it cannot be asked.
    """
    current = revision(database)
    if current == head():
        return
    _check_known(current)
    raise InputError(
        f"The database {database.safe_url} is at revision {current or 'none'}, this version needs {head()}."
        " Take a backup, then run `sealane node migrate`."
    )


def _check_known(current: str | None) -> None:
    if current is not None and current not in _order():
        raise InputError(
            f"The database is at revision {current}, which this version of Sealane does not know. Install the newer"
            " version that made it, or go back with that one (`sealane node migrate --to`)."
        )


def _revision_of(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


@functools.cache
def _order() -> tuple[str, ...]:
    """Return all revisions, oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    return tuple(reversed([script.revision for script in scripts.walk_revisions()]))


def _rank(wanted: str | None) -> int:
    return -1 if wanted is None else _order().index(wanted)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    return config


def _pragma(connection: sa.Connection, text: str) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(f"PRAGMA {text}")
