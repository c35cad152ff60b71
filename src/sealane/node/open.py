"""Makes a node's folder, and opens it: the one place where settings, database, keys and the way out come together."""

from __future__ import annotations

import datetime as dt
import logging
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.migrations import check_current, migrate
from sealane.database.tables.node import node_info
from sealane.errors import DataError, Fault, InputError
from sealane.exchange.keys import Identity, record_own_keys
from sealane.exchange.outbound import Outbound
from sealane.node.context import Clock, Node, utc_now
from sealane.node.settings import FILE_NAME, NodeSettings, make_settings, read_settings, settings_text

DATABASE_FILE = "node.db"
KEYS_FOLDER = "keys"
_LOG = logging.getLogger(__name__)


def init_node(
    folder: Path,
    values: Mapping[str, Any],
    *,
    root_file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    clock: Clock = utc_now,
) -> Node:
    """Make a node in a new or empty folder: settings, keys, database; and open it.

    Parameters
    ----------
    folder : is made with mode 0700; may exist when empty.
    values : settings to write into the file, at least ``participant``, ``name`` and ``origin``.
    root_file : where the private root key goes; in the folder of keys when not given, to be taken away from there.
    environ : the environment, which overrides the file; ``os.environ`` when not given.
    clock : gives the time in UTC.

    Raises
    ------
    DataError
        With every setting that cannot be used; nothing is written then.
    InputError
        When the folder holds something already.
    """
    environ = os.environ if environ is None else environ
    settings = make_settings(values, environ, "given to init:")
    text = settings_text(values)
    if folder.exists() and not is_empty(folder):
        remedy = "Open it as it is, or name a new folder." if (folder / FILE_NAME).exists() else "Name a new folder."
        raise InputError(f"{folder}: is not empty. {remedy}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    try:
        _fill(folder, settings, text, root_file, clock())
    except BaseException:
        for path in (folder / KEYS_FOLDER, *folder.glob(f"{DATABASE_FILE}*"), folder / FILE_NAME):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        raise
    warn_about_root()
    return open_node(folder, environ=environ, clock=clock)


def is_empty(folder: Path) -> bool:
    """Return whether a folder holds nothing but what a file system of its own puts into its root."""
    return folder.is_dir() and all(path.name == "lost+found" for path in folder.iterdir())


def _fill(folder: Path, settings: NodeSettings, text: str, root_file: Path | None, now: dt.datetime) -> None:
    if not settings.database_url.get_secret_value():
        (folder / DATABASE_FILE).touch(mode=0o600)  # its companions take their mode from it
    database = open_database(folder, settings)
    try:
        if sa.inspect(database.engine).get_table_names():
            raise InputError(
                f"The database {database.safe_url} holds tables already. Give the node a database of its own, or bring"
                " back a backup with `sealane node restore`."
            )
        migrate(database)
        identity = Identity.create(
            folder / KEYS_FOLDER, settings.participant, settings.origin, now, root_file=root_file
        )
        with database.write() as connection:
            connection.execute(node_info.insert().values(id=1, participant=settings.participant, created_at=now))
            record_own_keys(connection, identity)
    finally:
        database.close()
    # Last, so that a folder with settings is a complete node.
    descriptor = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def open_node(
    folder: Path, *, environ: Mapping[str, str] | None = None, clock: Clock = utc_now, check_schema: bool = True
) -> Node:
    """Open a node's folder; nothing is changed in it.

    Parameters
    ----------
    folder : made by `init_node`.
    environ : the environment, which overrides the settings file; ``os.environ`` when not given.
    clock : gives the time in UTC.
    check_schema : refuse a database that is not at the revision this version needs.

    Raises
    ------
    DataError
        With every setting that cannot be used, and with all that is wrong with the folder's access.
    InputError
        When the folder is none, or the database needs ``sealane node migrate``.
    StoreError
        When the database cannot be reached.
    """
    environ = os.environ if environ is None else environ
    if folder.is_dir() and os.access(folder, os.X_OK) and not (folder / FILE_NAME).exists():
        # Before the folder's mode: nobody should be told to change that of a folder named by mistake.
        raise InputError(
            f"{folder}: is no node's folder, it holds no {FILE_NAME}. Name the one that `sealane node init` made."
        )
    check_folder(folder)
    settings = read_settings(folder, environ)
    database = open_database(folder, settings)
    try:
        if check_schema:
            check_current(database)
            check_owner(database, settings.participant)
        identity = Identity.open(folder / KEYS_FOLDER, settings.participant, settings.origin)
        outbound = open_outbound(settings, identity, database, clock)
    except BaseException:
        database.close()
        raise
    return Node(folder, settings, database, identity, outbound, clock)


def check_folder(folder: Path) -> None:
    """Refuse a folder that others may enter or that belongs to somebody else.

    Raises
    ------
    DataError
        With all that is wrong.
    """
    try:
        status = folder.stat()
    except FileNotFoundError:
        raise InputError(f"{folder}: there is no such folder. `sealane node init` makes a node's folder.") from None
    if not stat.S_ISDIR(status.st_mode):
        raise InputError(f"{folder}: is not a folder. Name the one that `sealane node init` made.")
    faults = []
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        faults.append(Fault(str(folder), f"has mode {mode:04o}, others may enter", f"Run: chmod 700 {folder}"))
    if status.st_uid != os.geteuid():
        remedy = f"Run as user {status.st_uid}, or give the folder to user {os.geteuid()} with chown -R."
        faults.append(Fault(str(folder), f"belongs to user {status.st_uid}, not to {os.geteuid()}", remedy))
    if faults:
        raise DataError("The node's folder is not safe.", faults)


def warn_about_root() -> None:
    """Say that a node should not run as root."""
    if os.geteuid() == 0:
        _LOG.warning("running as root; a node needs no such rights, give it an account of its own")


def open_database(folder: Path, settings: NodeSettings) -> Database:
    """Open the database the settings name, by default ``node.db`` in the folder."""
    url = settings.database_url.get_secret_value() or sqlite_url(folder / DATABASE_FILE)
    return Database(url, pool_size=settings.database_pool_size)


def check_owner(database: Database, participant: str) -> None:
    """Refuse a database that belongs to another participant, whose data would be mixed with this one's."""
    with database.read() as connection:
        owner = connection.execute(sa.select(node_info.c.participant)).scalar()
    if owner != participant:
        raise InputError(
            f"The database {database.safe_url} belongs to {owner or 'no node'}, the settings say {participant}."
            " Correct database_url or participant."
        )


def open_outbound(settings: NodeSettings, identity: Identity, database: Database, clock: Clock) -> Outbound:
    """Make the way out."""
    authorities = settings.tls_authorities
    return Outbound(
        database=database, identity=identity, clock=clock, ca_file=None if authorities is None else str(authorities)
    )
