"""Answers kept in memory for as long as the database stands still, so that the same question costs no query.

SQLite tells in microseconds whether any other connection has committed since (``PRAGMA data_version``). An answer is
kept with the version before and after it was made, and given again only while the version is still that one: it is
never older than the last commit. PostgreSQL says with each page of which snapshot it tells (`page_pipe`); an answer of
the same snapshot is the answer still.

Only what is asked again is kept: a reader that goes through all pages asks for each once, and storing them would push
out of memory, and of the processor's cache, what others ask for again and again.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import weakref
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from sealane.database import Database
from sealane.node.api.dcsa_query import Query
from sealane.products.store import PAGE_SQL

MAX_BYTES = 16 * 1024 * 1024
MAX_ANSWERS = 256
MAX_ASKED = 512


@dataclass(frozen=True)
class Answer:
    """A successful answer.

    Attributes
    ----------
    expires_at : when the token it was given for ends; None where it does not.
    query : what was asked.
    """

    content: bytes
    headers: Mapping[str, str]
    expires_at: dt.datetime | None
    query: Query | None = None


class FreshAnswers:
    """Keeps answers; used from the thread of the event loop only."""

    def __init__(self, database: Database) -> None:
        self._path = database.engine.url.database if database.is_sqlite else None
        self._connection: sqlite3.Connection | None = None
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._version: int | str | None = None
        self._size_bytes = 0
        self._asked: set[int] = set()  # hashes of the keys that were asked lately; a wrong one only keeps too much

    def version(self) -> int | None:
        """Return the version of the database, None where it cannot be told."""
        if self._path is None:
            return None
        try:
            if self._connection is None:
                # Quoted: a folder's name may hold what means something in an address.
                address = f"file:{quote(str(self._path))}?mode=ro"
                self._connection = sqlite3.connect(
                    address, uri=True, timeout=0, check_same_thread=False, isolation_level=None
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
        """Return what was answered before, if nothing was committed since; looks what the version is now."""
        if self._path is None:
            return None
        version = self.version()
        if version is None or version != self._version:
            self._clear(version)
            return None
        return self.seen(key, now)

    def seen(self, key: Hashable, now: dt.datetime) -> Answer | None:
        """Return what was answered before and still stood when `get` was last called."""
        answer = self._kept.get(key)
        if answer is None or (answer.expires_at is not None and answer.expires_at <= now):
            return None
        self._kept.move_to_end(key)
        return answer

    @property
    def seen_version(self) -> int | str | None:
        """The version when `get` was last called."""
        return self._version

    def held(self, key: Hashable) -> tuple[str, Answer] | None:
        """Return an answer and the version it is of; the asker has to find out whether that is still the version."""
        answer = self._kept.get(key)
        if answer is None or not isinstance(self._version, str):
            return None
        self._kept.move_to_end(key)
        return self._version, answer

    def put(self, key: Hashable, version: int | str | None, answer: Answer) -> None:
        """Keep an answer, if it was asked for before or takes no room.

        Parameters
        ----------
        version : as it was before the answer was made (SQLite), or as the answer itself came with (PostgreSQL). An
            answer made of something newer is never given: `get` will find another version by then.
        """
        if version is None or len(answer.content) > MAX_BYTES // 8 or (answer.content and self._is_new(key)):
            return
        if version != self._version:
            if self._path is not None:
                return  # something was committed meanwhile, and another request has seen it
            self._clear(version)
        replaced = self._kept.pop(key, None)
        self._size_bytes += len(answer.content) - (len(replaced.content) if replaced else 0)
        self._kept[key] = answer
        while self._size_bytes > MAX_BYTES or len(self._kept) > MAX_ANSWERS:
            _, dropped = self._kept.popitem(last=False)
            self._size_bytes -= len(dropped.content)

    def _is_new(self, key: Hashable) -> bool:
        number = hash(key)
        if number in self._asked:
            return False
        if len(self._asked) >= MAX_ASKED:
            self._asked.clear()
        self._asked.add(number)
        return True

    def _clear(self, version: int | str | None) -> None:
        self._kept.clear()
        self._size_bytes = 0
        self._version = version
