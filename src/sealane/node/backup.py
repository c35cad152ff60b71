"""Backup and restore of a whole node: every table, the keys and the settings, with checksums.

The form is the same for SQLite and PostgreSQL, so that a node can move from one to the other: a table is a gzip file
of JSON lines, one row each, read in one transaction that sees one state of the database while others go on writing. It
needs no rights beyond the node's own and no tool of a certain version.
"""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import sealane
from sealane.database import Database
from sealane.database.migrations import head, migrate_connection, migrating, revision
from sealane.database.tables import metadata
from sealane.database.tables.node import node_info
from sealane.errors import DataError, Fault, FileFormatError, InputError
from sealane.exchange.keys import ROOT_PRIVATE
from sealane.folders import whole_folder
from sealane.node.context import Clock, Node, utc_now
from sealane.node.open import DATABASE_FILE, KEYS_FOLDER, is_empty, open_database, open_node
from sealane.node.settings import FILE_NAME, read_settings

MANIFEST = "manifest.json"
RESULTS_FOLDER = "results"  # what pages show; uploads are left out, what they made is here
TAKEN_NOTE = "backup-taken"
FORMAT = 1
BATCH_ROWS = 1000


def back_up(node: Node, out: Path, *, with_root_key: bool = False) -> dict[str, Any]:
    """Write a backup of a node that may be serving; the folder appears whole or not at all.

    Parameters
    ----------
    out : a new folder, made with mode 0700.
    with_root_key : also the private root key, where it lies in the folder of keys.

    Returns
    -------
    dict
        The manifest: format, version, revision of the tables, participant, time, rows, and SHA-256 of every file.

    Raises
    ------
    InputError
        When the folder is there already, or the database is not at the revision this version needs.
    StoreError
        When the database cannot be read.
    """
    if out.exists():
        raise InputError(f"{out}: is there already. Name a new folder; a backup is never overwritten.")
    current = revision(node.database)
    if current != head():
        raise InputError(f"The database is at revision {current}, not {head()}. Run `sealane node migrate` first.")
    with whole_folder(out) as folder:
        folder.chmod(0o700)
        taken_at = node.clock()
        rows = _write_tables(node.database, folder / "tables")
        _copy(node.folder / FILE_NAME, folder / FILE_NAME)
        for path in sorted((node.folder / KEYS_FOLDER).iterdir()):
            if path.is_file() and (with_root_key or path.name != ROOT_PRIVATE):
                _copy(path, folder / KEYS_FOLDER / path.name)
        for path in _kept_files(node.folder / RESULTS_FOLDER):
            # One that housekeeping took away meanwhile had been removed from the pages before.
            with suppress(FileNotFoundError):
                _copy(path, folder / path.relative_to(node.folder))
        files = {
            str(path.relative_to(folder)): _digest(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".lock")
        }
        manifest = {
            "format": FORMAT,
            "sealane": sealane.__version__,
            "revision": current,
            "participant": node.settings.participant,
            "taken_at": taken_at.isoformat(),
            "rows": rows,
            "files": files,
        }
        _write_private(folder / MANIFEST, json.dumps(manifest, indent=2).encode())
    _note_taken(node.folder, taken_at)
    return manifest


def _kept_files(folder: Path) -> Iterator[Path]:
    """Yield the files of kept results, without what is made of them again when it is asked for."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        is_made_again = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not path.is_symlink() and not is_made_again:
            yield path


def backup_taken_at(folder: Path) -> dt.datetime | None:
    """Return when the last backup of a node was taken, None where none was or the note of it is gone."""
    try:
        found = dt.datetime.fromisoformat((folder / TAKEN_NOTE).read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return None
    return found if found.tzinfo else None


def _note_taken(folder: Path, taken_at: dt.datetime) -> None:
    """Note beside the settings when a backup was taken, so that one that is overdue can be told."""
    written = folder / f".{TAKEN_NOTE}.new"
    written.unlink(missing_ok=True)
    _write_private(written, f"{taken_at.isoformat()}\n".encode())
    written.replace(folder / TAKEN_NOTE)


def restore(backup: Path, folder: Path, *, environ: Mapping[str, str] | None = None, clock: Clock = utc_now) -> Node:
    """Make a node of a backup in a new folder and an empty database, and open it.

    Parameters
    ----------
    environ : the environment, which overrides the settings of the backup, for instance the database's address.

    Raises
    ------
    DataError
        With every file that is missing, added or altered; nothing is made then.
    InputError
        When folder or database hold something already.
    """
    environ = os.environ if environ is None else environ
    manifest = check_backup(backup)
    settings = read_settings(backup, environ)
    if folder.exists() and not is_empty(folder):
        raise InputError(f"{folder}: is not empty. Name a new folder; a node is never overwritten.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    try:
        for name in manifest["files"]:
            if name.startswith((f"{KEYS_FOLDER}/", f"{RESULTS_FOLDER}/")):
                _copy(backup / name, folder / name)
        if not settings.database_url.get_secret_value():
            (folder / DATABASE_FILE).touch(mode=0o600)
        database = open_database(folder, settings)
        try:
            _read_tables(database, backup, manifest, clock())
        finally:
            database.close()
        _copy(backup / FILE_NAME, folder / FILE_NAME)  # last: a folder with settings is a complete node
    except BaseException:
        for path in (
            folder / KEYS_FOLDER,
            folder / RESULTS_FOLDER,
            *folder.glob(f"{DATABASE_FILE}*"),
            folder / FILE_NAME,
        ):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        raise
    return open_node(folder, environ=environ, clock=clock)


def check_backup(backup: Path) -> dict[str, Any]:
    """Return the manifest of a backup whose every file is as it was written.

    Raises
    ------
    FileFormatError
        When it is no backup, or of a form this version does not know.
    DataError
        With every file that is missing, added or altered.
    """
    path = backup / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        files: dict[str, str] = manifest["files"]
        form = manifest["format"]
    except FileNotFoundError:
        raise FileFormatError(f"{path}: is not there. Name a folder that `sealane node backup` wrote.") from None
    except (ValueError, KeyError, TypeError):
        raise FileFormatError(f"{path}: is damaged. Take another backup.") from None
    if form != FORMAT:
        raise FileFormatError(
            f"{path}: is of form {form}; this version reads form {FORMAT}. Install the newer version."
        )
    there = {str(found.relative_to(backup)) for found in backup.rglob("*") if found.is_file()} - {MANIFEST}
    faults = [Fault(str(backup / name), "is missing", "Take another backup.") for name in sorted(files.keys() - there)]
    faults += [Fault(str(backup / name), "is not of the backup", "Remove it.") for name in sorted(there - files.keys())]
    faults += [
        Fault(str(backup / name), "was altered or damaged", "Take another backup.")
        for name in sorted(there & files.keys())
        if _digest(backup / name) != files[name]
    ]
    if faults:
        raise DataError(f"The backup {backup} cannot be used.", faults)
    return dict(manifest)


def _write_tables(database: Database, folder: Path) -> int:
    folder.mkdir(mode=0o700)
    rows = 0
    with database.read() as connection:
        for table in metadata.sorted_tables:
            with _private_gzip(folder / f"{table.name}.jsonl.gz") as file:
                for row in _raw_rows(connection, table):
                    file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
                    rows += 1
    return rows


def _raw_rows(connection: sa.Connection, table: sa.Table) -> Iterator[dict[str, Any]]:
    """Yield the rows as the database holds them, without the types' conversions."""
    # A named cursor on PostgreSQL; a table need not fit into memory.
    columns = [sa.type_coerce(column, _plain_type(column)).label(column.name) for column in table.columns]
    result = connection.execution_options(stream_results=True, yield_per=BATCH_ROWS).execute(sa.select(*columns))
    for row in result.mappings():
        yield {name: _encoded(value) for name, value in row.items()}


def _plain_type(column: sa.Column[Any]) -> sa.types.TypeEngine[Any]:
    kind = column.type
    return kind.impl_instance if isinstance(kind, sa.types.TypeDecorator) else kind


def _encoded(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, dt.date):
        return {"date": value.isoformat()}
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"]) if "base64" in value else dt.date.fromisoformat(value["date"])
    return value


def _read_tables(database: Database, backup: Path, manifest: Mapping[str, Any], now: dt.datetime) -> None:
    """Make tables and rows in one transaction; then go forward to this version's tables."""
    if sa.inspect(database.engine).get_table_names():
        raise InputError(f"The database {database.safe_url} holds tables already. Restore into an empty one.")
    with migrating(database) as connection:
        migrate_connection(connection, manifest["revision"])
        found = sa.MetaData()
        found.reflect(connection)  # the tables of the backup's revision, which may be older than ours
        for table in found.sorted_tables:
            path = backup / "tables" / f"{table.name}.jsonl.gz"
            if f"tables/{path.name}" not in manifest["files"]:
                continue  # Alembic's own
            with gzip.open(path, "rb") as file:
                for lines in _batched(file):
                    rows = [{n: _decoded(v) for n, v in json.loads(line).items()} for line in lines]
                    connection.execute(table.insert(), rows)
            if not database.is_sqlite:
                _set_sequences(connection, table)
        migrate_connection(connection)
        taken_at = dt.datetime.fromisoformat(manifest["taken_at"])
        connection.execute(node_info.update().values(backup_taken_at=taken_at, restored_at=now))


def _batched(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch := list(itertools.islice(lines, BATCH_ROWS)):
        yield batch


def _set_sequences(connection: sa.Connection, table: sa.Table) -> None:
    """Let numbers that PostgreSQL gives out go on after the highest one restored."""
    for column in table.primary_key.columns:
        sequence = connection.execute(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name))).scalar()
        if sequence is not None:
            highest = connection.execute(sa.select(sa.func.max(column))).scalar()
            if highest is not None:
                connection.execute(sa.select(sa.func.setval(sequence, highest)))


@contextmanager
def _private_gzip(path: Path) -> Iterator[gzip.GzipFile]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with gzip.GzipFile(filename="", mode="wb", compresslevel=3, fileobj=file, mtime=0) as packed:
            yield packed
        file.flush()
        os.fsync(file.fileno())


def _write_private(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with source.open("rb") as data:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(data, file, 1 << 20)  # a result need not fit into memory
            file.flush()
            os.fsync(file.fileno())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
