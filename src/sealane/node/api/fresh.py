"""Answers kept in memory for as long as the database stands still, so that the same question costs no query.

SQLite tells in microseconds whether any other connection has committed since (``PRAGMA data_version``). An answer is
kept with the version before and after it was made, and given again only while the version is still that one: it is
never older than the last commit. PostgreSQL has nothing as cheap; nothing is kept there.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from sealane.database import Database
from sealane.errors import StoreError

MAX_BYTES = 16 * 1024 * 1024
MAX_ANSWERS = 256


@dataclass(frozen=True)
class Answer:
    """A successful answer.

    Attributes
    ----------
    expires_at : when the token it was given for ends; None where it does not.
    """

    content: bytes
    headers: Mapping[str, str]
    expires_at: dt.datetime | None


class FreshAnswers:
    """Keeps answers; used from the thread of the event loop only."""

    def __init__(self, database: Database) -> None:
        self._path = database.engine.url.database if database.is_sqlite else None
        self._connection: sqlite3.Connection | None = None
        self._database = database
        self._reading: sa.Connection | None = None
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._version: int | None = None
        self._size_bytes = 0

    def version(self) -> int | None:
        """Return the version of the database, None where it cannot be told."""
        if self._path is None:
            return None
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(
                    f"file:{self._path}?mode=ro", uri=True, timeout=0, check_same_thread=False, isolation_level=None
                )
                weakref.finalize(self, self._connection.close)
            row = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error:
            return None
        return int(row[0])

    @contextmanager
    def reading(self) -> Iterator[sa.Connection | None]:
        """Give a connection of its own in a read transaction, None where the database is no file.

        A reader of SQLite waits for nobody; no other thread uses this connection, so none has to be waited for either.
        """
        if self._path is None:
            yield None
            return
        if self._reading is None:
            self._reading = self._database.engine.connect()
            weakref.finalize(self, self._reading.close)
        try:
            with self._reading.begin():
                yield self._reading
        except (sa.exc.OperationalError, sa.exc.InterfaceError) as error:
            self._reading = None
            raise StoreError("The database cannot give data now.") from error

    def get(self, key: Hashable, now: dt.datetime) -> Answer | None:
        """Return what was answered before, if nothing was committed since."""
        version = self.version()
        if version is None or version != self._version:
            self._clear(version)
            return None
        answer = self._kept.get(key)
        if answer is None or (answer.expires_at is not None and answer.expires_at <= now):
            return None
        self._kept.move_to_end(key)
        return answer

    def put(self, key: Hashable, version: int | None, answer: Answer) -> None:
        """Keep an answer that was made after `version` was asked."""
        if version is None or len(answer.content) > MAX_BYTES // 8:
            return
        if version != self.version():
            return  # something was committed meanwhile; the answer may be from before or after
        if version != self._version:
            self._clear(version)
        replaced = self._kept.pop(key, None)
        self._size_bytes += len(answer.content) - (len(replaced.content) if replaced else 0)
        self._kept[key] = answer
        while self._size_bytes > MAX_BYTES or len(self._kept) > MAX_ANSWERS:
            _, dropped = self._kept.popitem(last=False)
            self._size_bytes -= len(dropped.content)

    def _clear(self, version: int | None) -> None:
        self._kept.clear()
        self._size_bytes = 0
        self._version = version
