"""Opens the node's database and hands out read and write transactions.

SQLite runs with WAL, ``synchronous=FULL`` and every write transaction as ``BEGIN IMMEDIATE``: with the driver's
default, transactions that read before they write overwrite each other. PostgreSQL runs READ COMMITTED; rows that
are read to be changed are locked with ``for_update``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sealane.database.tables import metadata
from sealane.database.wall import NODE
from sealane.errors import InputError, StoreError

BUSY_TIMEOUT_MS = 10_000


class Database:
    """A database with its connection pool.

    Parameters
    ----------
    url : ``sqlite:///path`` or ``postgresql://user@host/name``; ``postgres://`` and ``postgresql+psycopg://`` mean
        the same.
    synchronous : SQLite's setting; anything but FULL can lose acknowledged data at power loss.
    pool_size : connections kept open to PostgreSQL.
    """

    def __init__(self, url: str, *, synchronous: str = "FULL", pool_size: int = 10) -> None:
        parsed = _read_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        # A statement's values can be tokens and partners' data; they belong into no message and no log.
        options: dict[str, Any] = {"hide_parameters": True}
        if not self.is_sqlite:
            options |= {"pool_size": pool_size, "pool_pre_ping": True}
        if self.is_sqlite:
            options["connect_args"] = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
            # One queue pool for files: sqlite3 connections are cheap, threads come and go.
            options["poolclass"] = sa.pool.QueuePool
            options["pool_size"] = pool_size
        self.engine = sa.create_engine(parsed, **options)
        if self.is_sqlite:
            _prepare_sqlite(self.engine, synchronous)
        else:
            _stand_for_the_node(self.engine)

    @property
    def safe_url(self) -> str:
        """The address without its password, for messages and logs."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Give a connection in a write transaction; commits at the end, rolls back on any error.

        Raises
        ------
        StoreError
            When the database is down, locked for too long or its disk is full.
        """
        try:
            with self.engine.connect() as connection:
                connection.info["writing"] = True
                try:
                    with connection.begin():
                        yield connection
                finally:
                    connection.info["writing"] = False
        except sa.exc.SQLAlchemyError as error:
            if not is_outage(error):
                raise
            raise StoreError(f"The database {self.safe_url} cannot take data now: {_reason(error)}") from error

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one consistent state and changes nothing."""
        try:
            with self.engine.connect() as connection:
                if not self.is_sqlite:
                    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with connection.begin():
                    yield connection
        except sa.exc.SQLAlchemyError as error:
            if not is_outage(error):
                raise
            raise StoreError(f"The database {self.safe_url} cannot give data now: {_reason(error)}") from error

    def create_tables(self) -> None:
        """Create every table at once; for tests and tools. A node's database is made by its migrations."""
        metadata.create_all(self.engine)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def for_update(statement: sa.Select[Any], connection: sa.Connection, *, skip_locked: bool = False) -> sa.Select[Any]:
    """Lock the rows a statement reads; on SQLite the write transaction holds the whole database already."""
    if connection.dialect.name == "sqlite":
        return statement
    return statement.with_for_update(skip_locked=skip_locked)


def is_outage(error: sa.exc.SQLAlchemyError) -> bool:
    """Return whether the database, and not the statement, is at fault: down, locked, full, damaged."""
    # SQLite says DatabaseError itself for a damaged file; its subclasses say that a statement is wrong.
    outages = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
    return isinstance(error, outages) or type(error) is sa.exc.DatabaseError


def _reason(error: sa.exc.SQLAlchemyError) -> str:
    original = getattr(error, "orig", None) or error
    return (str(original).splitlines() or [""])[0] or type(error).__name__


def _read_url(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise InputError(
            "The database address cannot be read. Write sqlite:///path/node.db or postgresql://user@host:5432/name."
        ) from None
    if parsed.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise InputError("A node's database must be a file: write sqlite:///path/node.db.")
        return parsed
    raise InputError(f"The database {parsed.drivername!r} is not known. Use sqlite or postgresql.")


def _prepare_sqlite(engine: sa.Engine, synchronous: str) -> None:
    @sa.event.listens_for(engine, "connect")
    def _settings(dbapi_connection: Any, _: Any) -> None:
        dbapi_connection.isolation_level = None  # BEGIN is written by the listener below
        cursor = dbapi_connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("writing") else "BEGIN")


def _stand_for_the_node(engine: sa.Engine) -> None:
    """Say at connect that the node itself asks; a connection that says nothing sees no row (sealane.database.wall)."""

    @sa.event.listens_for(engine, "connect")
    def _say(dbapi_connection: Any, _: Any) -> None:
        with dbapi_connection.cursor() as cursor:
            cursor.execute(f"SET sealane.wall = '{NODE}'")
        dbapi_connection.commit()


def sqlite_url(path: Path) -> str:
    """Return the address of an SQLite file."""
    return f"sqlite:///{path.resolve()}"
