"""Answers kept in memory for as long as the database stands still, so that the same question costs no query.

SQLite tells in microseconds whether any other connection has committed since (``PRAGMA data_version``). An answer is
kept with the version before and after it was made, and given again only while the version is still that one: it is
never older than the last commit. PostgreSQL says with each page of which snapshot it tells (`page_pipe`); an answer of
the same snapshot is the answer still.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from sealane.database import Database
from sealane.products.store import PAGE_SQL

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
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._version: int | str | None = None
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

    def read(self, dataset: str, after: int, limit: int) -> list[tuple[int, bytes, int]] | None:
        """Return a short page as `products.store.read_bodies` does; None where it has to be read another way.

        A reader of SQLite waits for nobody, and one statement of the driver's costs less than handing it to a thread.
        """
        if self._connection is None:
            return None
        try:
            return self._connection.execute(PAGE_SQL, (dataset, after, limit)).fetchall()
        except sqlite3.Error:
            return None

    def get(self, key: Hashable, now: dt.datetime) -> Answer | None:
        """Return what was answered before, if nothing was committed since."""
        version = self.version()
        if version is None or version != self._version:
            if self._path is not None:
                self._clear(version)
            return None
        answer = self._kept.get(key)
        if answer is None or (answer.expires_at is not None and answer.expires_at <= now):
            return None
        self._kept.move_to_end(key)
        return answer

    def put(self, key: Hashable, version: int | None, answer: Answer) -> None:
        """Keep an answer that was made after `version` was asked."""
        if version is None or version != self.version():
            return  # something was committed meanwhile; the answer may be from before or after
        self.keep(key, version, answer)

    def held(self, key: Hashable) -> tuple[str, Answer] | None:
        """Return the snapshot and the answer that was made of it; the asker has to find out whether it still stands."""
        answer = self._kept.get(key)
        return None if answer is None or not isinstance(self._version, str) else (self._version, answer)

    def keep(self, key: Hashable, version: int | str, answer: Answer) -> None:
        """Keep an answer that is known to be of this very version."""
        if len(answer.content) > MAX_BYTES // 8:
            return
        if version != self._version:
            self._clear(version)
        replaced = self._kept.pop(key, None)
        self._size_bytes += len(answer.content) - (len(replaced.content) if replaced else 0)
        self._kept[key] = answer
        while self._size_bytes > MAX_BYTES or len(self._kept) > MAX_ANSWERS:
            _, dropped = self._kept.popitem(last=False)
            self._size_bytes -= len(dropped.content)

    def _clear(self, version: int | str | None) -> None:
        self._kept.clear()
        self._size_bytes = 0
        self._version = version
