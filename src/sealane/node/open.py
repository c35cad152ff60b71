"""Makes a node's folder, and opens it: the one place where settings, database, keys and the way out come together."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sealane.database import Database
from sealane.database.engine import sqlite_url
from sealane.database.migrations import check_current, migrate
from sealane.errors import DataError, Fault, InputError
from sealane.node.context import Clock, Node, utc_now
from sealane.node.settings import FILE_NAME, NodeSettings, make_settings, read_settings, settings_text

DATABASE_FILE = "node.db"


def init_node(
    folder: Path, values: Mapping[str, Any], *, environ: Mapping[str, str] | None = None, clock: Clock = utc_now
) -> Node:
    """Make a node in a new or empty folder: settings, keys, database; and open it.

    Parameters
    ----------
    folder : is made with mode 0700; may exist when empty.
    values : settings to write into the file, at least ``participant``, ``name`` and ``origin``.
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
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        remedy = "Open it as it is, or name a new folder." if (folder / FILE_NAME).exists() else "Name a new folder."
        raise InputError(f"{folder}: is not empty. {remedy}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    warn_about_root()
    database = open_database(folder, settings)
    try:
        migrate(database)
        create_identity(folder, settings, clock)
    finally:
        database.close()
    # Last, so that a folder with settings is a complete node.
    descriptor = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return open_node(folder, environ=environ, clock=clock)


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
    check_folder(folder)
    settings = read_settings(folder, environ)
    warn_about_root()
    database = open_database(folder, settings)
    try:
        if check_schema:
            check_current(database)
        identity, outbound = open_identity(folder, settings, database, clock)
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
    """Say on standard error that a node should not run as root."""
    if os.geteuid() == 0:
        sys.stderr.write("sealane: warning: running as root; a node needs no such rights. Use an account of its own.\n")


def open_database(folder: Path, settings: NodeSettings) -> Database:
    """Open the database the settings name, by default ``node.db`` in the folder."""
    url = settings.database_url.get_secret_value() or sqlite_url(folder / DATABASE_FILE)
    return Database(url, pool_size=settings.database_pool_size)


def create_identity(folder: Path, settings: NodeSettings, clock: Clock) -> None:
    """Make root key and first operational key."""
    from sealane.exchange.keys import Identity

    Identity.create(folder, settings.participant, settings.origin, clock())


def open_identity(folder: Path, settings: NodeSettings, database: Database, clock: Clock) -> tuple[Any, Any]:
    """Open the keys and make the way out."""
    from sealane.exchange.keys import Identity
    from sealane.exchange.outbound import Outbound

    identity = Identity.open(folder, settings.participant, settings.origin, clock())
    return identity, Outbound(identity, database, clock)
