"""Removes what uploads leave behind: those never finished, files of those that ended, results taken off the pages."""

from __future__ import annotations

import datetime as dt
import shutil
import time

import sqlalchemy as sa

from sealane.database.tables.results import data_import, result
from sealane.errors import InputError, Phrase
from sealane.node.context import Node
from sealane.web.imports import files, store
from sealane.web.imports.store import State, Step
from sealane.web.results import FOLDER as RESULTS
from sealane.web.tasks.runner import remove_leftovers

# A folder without a row may belong to an upload that is just beginning.
_BEGINNING_S = 3600.0


def clean(node: Node) -> None:
    """Cancel uploads that nobody went on with, and remove files past their retention."""
    now = node.clock()
    before = now - dt.timedelta(days=node.settings.import_retention_days)
    with node.database.write() as connection:
        old = data_import.c.changed_at < before
        waiting = sa.select(data_import.c.id).where(old, data_import.c.state.in_((State.RECEIVING, State.READY)))
        for import_id in connection.execute(waiting).scalars().all():
            store.step(
                connection,
                store.import_of(connection, import_id, lock=True),
                Step.CANCEL,
                now,
                outcome={"abandoned": True},
            )
    with node.database.read() as connection:
        ended = sa.select(data_import.c.id).where(
            data_import.c.state.in_(store.LAST),
            data_import.c.emptied_at.is_(None),
            sa.or_(data_import.c.changed_at < before, data_import.c.state == State.CANCELLED),
        )
        emptied = connection.execute(ended).scalars().all()
        gone = connection.execute(sa.select(result.c.id).where(result.c.removed_at < before)).scalars().all()
        known = set(connection.execute(sa.select(data_import.c.id)).scalars())
    for import_id in emptied:
        files.remove_folder(node, import_id)
        with node.database.write() as connection:
            store.note(connection, import_id, now, emptied_at=now)
    for result_id in gone:
        shutil.rmtree(node.folder / RESULTS / result_id, ignore_errors=True)
    root = node.folder / files.FOLDER
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name not in known and time.time() - folder.stat().st_mtime > _BEGINNING_S:
            shutil.rmtree(folder, ignore_errors=True)
    remove_leftovers(node)


def empty_now(node: Node, connection: sa.Connection, import_id: str) -> None:
    """Remove the files of an upload that was cancelled."""
    files.remove_folder(node, import_id)
    store.note(connection, import_id, node.clock(), emptied_at=node.clock())


def restore_result(node: Node, connection: sa.Connection, result_id: str) -> None:
    """Bring a removed result back to the pages.

    Raises
    ------
    InputError
        where no result of this id was removed, or its files are gone.
    """
    removed = sa.select(result.c.id).where(result.c.id == result_id, result.c.removed_at.is_not(None))
    if connection.execute(removed).first() is None or not (node.folder / RESULTS / result_id).is_dir():
        raise InputError(
            Phrase("There is no removed result %(result_id)s whose files are still here.", result_id=result_id)
        )
    connection.execute(result.update().where(result.c.id == result_id).values(removed_at=None, removed_by=None))
