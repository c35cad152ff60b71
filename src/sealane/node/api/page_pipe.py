"""Reads short pages of PostgreSQL from the event loop itself: one connection, one statement a page, no thread.

A page costs one prepared statement and one round trip. The statement looks at the token, says of which snapshot of the
database it tells, and gives the page only if that is not the snapshot the asker knows already: two equal snapshots see
the same committed transactions, so what was answered before is the answer still. All of it is seen in one snapshot.

Questions do not wait for each other's answers (libpq's pipeline mode). Whatever goes wrong here gives no page; the
caller then reads the ordinary way, which also tells what is wrong.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
import weakref
from collections import deque
from dataclasses import dataclass

import psycopg
import sqlalchemy as sa
from fastapi.concurrency import run_in_threadpool
from psycopg import pq

from sealane.database import Database
from sealane.exchange.pull import Page

WAIT_S = 5.0
RETRY_S = 1.0
_NAME = b"sealane_page"
# Positions begin at 1: the row of position 0 tells of snapshot and token, and is there whatever the page holds.
_STATEMENT = b"""
SELECT position, body, simulated FROM (
  SELECT 0::bigint AS position,
         convert_to(format('%s|%s|%s|%s', pg_current_snapshot(), t.role, t.expires_at, t.revoked_at), 'UTF8') AS body,
         false AS simulated
  FROM (SELECT 1) AS one LEFT JOIN api_token AS t ON t.hash = $4
  UNION ALL
  (SELECT position, body, simulated FROM record
   WHERE dataset = $1 AND position > $2 AND pg_current_snapshot()::text <> $5
   ORDER BY position LIMIT $3)
) AS found ORDER BY position
"""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class PipedPage:
    """What one statement found.

    Attributes
    ----------
    version : connection and snapshot of the database; what was read of an equal one is the same still. Of another
        connection nothing is concluded: the server may have been restored from a copy meanwhile.
    role : of the token; empty where there is no such token.
    expires_at : None where the token does not end.
    page : None where the asker knows the version.
    """

    version: str
    role: str
    expires_at: dt.datetime | None
    is_revoked: bool
    page: Page | None

    def lets_read(self, roles: tuple[str, ...], now: dt.datetime) -> bool:
        """Say whether the token is accepted now and has one of the roles."""
        return self.role in roles and not self.is_revoked and (self.expires_at is None or now < self.expires_at)


class PagePipe:
    """Used from the thread of the event loop only; harmless for other databases, of which it reads nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._link: _Link | None = None
        self._is_connecting = False
        self._not_before = 0.0

    async def read(self, dataset: str, after: int, limit: int, hash_: str, known: str = "") -> PipedPage | None:
        """Return a page of a product and what is to be known of a token; None if it has to be read another way.

        Parameters
        ----------
        after : position; rows behind it are given.
        limit : rows at most.
        hash_ : under which the token is stored.
        known : version of which the asker holds the page already.
        """
        link = await self._linked()
        if link is None:
            return None
        name, _, snapshot = known.partition(" ")
        if name != link.name:
            snapshot = ""
        # One row more tells whether there are more.
        values = [dataset.encode(), b"%d" % after, b"%d" % (limit + 1), hash_.encode(), snapshot.encode()]
        result = await link.ask(values)
        return None if result is None else _read(result, limit, snapshot, link.name)

    async def _linked(self) -> _Link | None:
        if self._database.is_sqlite:
            return None
        loop = asyncio.get_running_loop()
        link = self._link
        if link is not None and link.is_open and link.loop is loop:
            return link
        if self._is_connecting or (link is not None and link.loop is loop and loop.time() < self._not_before):
            return None
        self._is_connecting = True
        try:
            if link is not None:
                link.close()
            connection = await run_in_threadpool(_connect, self._database.engine)
            weakref.finalize(self, connection.close)
            self._link = _Link(connection, loop)
        except (sa.exc.SQLAlchemyError, psycopg.Error):
            return None  # the ordinary way says what is wrong
        finally:
            self._is_connecting = False
            self._not_before = loop.time() + RETRY_S
        return self._link


class _Link:
    """One connection in pipeline mode, read by one event loop."""

    def __init__(self, connection: psycopg.Connection, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.is_open = True
        self.name = secrets.token_hex(8)
        self._connection = connection  # closes when it is given up, so it is held here
        self._pg = connection.pgconn
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._socket = self._pg.socket
        self._waiting: deque[tuple[float, asyncio.Future[pq.abc.PGresult | None]]] = deque()
        self._result: pq.abc.PGresult | None = None
        self._in_statement = False
        self._is_watched = False
        loop.add_reader(self._socket, self._read)

    async def ask(self, values: list[bytes]) -> pq.abc.PGresult | None:
        future: asyncio.Future[pq.abc.PGresult | None] = self.loop.create_future()
        self._waiting.append((self.loop.time(), future))
        try:
            self._pg.send_query_prepared(_NAME, values, result_format=pq.Format.BINARY)
            self._pg.pipeline_sync()
            self._flush()
        except psycopg.Error as error:
            self._fail(error)
        if not self._is_watched:
            self._is_watched = True
            self.loop.call_later(WAIT_S, self._watch)
        return await future

    def _flush(self) -> None:
        if self._pg.flush():
            self.loop.add_writer(self._socket, self._write)

    def _write(self) -> None:
        try:
            if not self._pg.flush():
                self.loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._fail(error)

    def _read(self) -> None:
        """Take what has come: for each question a result, the end of the statement (None) and a mark."""
        try:
            self._pg.consume_input()
            while self.is_open and not self._pg.is_busy():
                result = self._pg.get_result()
                if result is None:
                    if not self._in_statement:
                        return  # nothing more has come
                    self._in_statement = False
                elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                    self._answer()
                else:
                    self._result, self._in_statement = result, True
        except psycopg.Error as error:
            self._fail(error)

    def _answer(self) -> None:
        result, self._result = self._result, None
        _, future = self._waiting.popleft()
        if result is None or result.status != pq.ExecStatus.TUPLES_OK:
            said = "nothing" if result is None else result.get_error_message()
            _LOG.warning("a page could not be read at once: %s", said.partition("\n")[0])
            result = None
        if not future.done():
            future.set_result(result)

    def _watch(self) -> None:
        """Give up a connection that leaves a question open for too long."""
        self._is_watched = self.is_open and bool(self._waiting)
        if not self._is_watched:
            return
        if self.loop.time() - self._waiting[0][0] > WAIT_S:
            self._fail(TimeoutError(f"no answer for {WAIT_S:g} s"))
        else:
            self.loop.call_later(WAIT_S, self._watch)

    def _fail(self, error: Exception) -> None:
        if self.is_open:
            _LOG.warning("the connection for short pages is given up: %s", str(error).partition("\n")[0])
            self.close()

    def close(self) -> None:
        """Close the connection; whoever waits gets nothing."""
        if not self.is_open:
            return
        self.is_open = False
        if not self.loop.is_closed():
            self.loop.remove_reader(self._socket)
            self.loop.remove_writer(self._socket)
            for _, future in self._waiting:
                if not future.done():
                    future.set_result(None)
        self._waiting.clear()
        self._connection.close()


def _connect(engine: sa.Engine) -> psycopg.Connection:
    """Open a connection of its own, outside the pool, that can only read and has the statement prepared."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    assert isinstance(connection, psycopg.Connection)
    try:
        connection.autocommit = True
        connection.execute("SET default_transaction_read_only = on")
        connection.execute(f"SET statement_timeout = {int(WAIT_S * 1000)}")
        connection.execute(b"PREPARE " + _NAME + b" (text, bigint, bigint, text, text) AS" + _STATEMENT)
    except BaseException:
        connection.close()
        raise
    return connection


def _read(result: pq.abc.PGresult, limit: int, known: str, link: str) -> PipedPage:
    value = result.get_value
    snapshot, role, expires_at, revoked_at = (value(0, 1) or b"").decode("ascii").split("|")
    page = None
    if snapshot != known:
        rows = range(1, min(result.ntuples, limit + 1))
        has_more = result.ntuples > limit + 1
        last = int.from_bytes(value(limit, 0) or b"", "big") if has_more else None
        bodies = tuple([value(number, 1) or b"" for number in rows])
        page = Page(bodies, last, any(value(number, 2) == b"\x01" for number in rows))
    ends = _EPOCH + dt.timedelta(microseconds=int(expires_at)) if expires_at else None
    return PipedPage(f"{link} {snapshot}", role, ends, revoked_at != "", page)
