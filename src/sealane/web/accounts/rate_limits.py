"""How often something may be tried. Counted in the database, so that it holds over workers and restarts.

An attempt is counted before it is judged, in a transaction of its own: however many are made at once, in however many
workers, no more are judged than the limit says.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sealane.database.engine import for_update
from sealane.database.tables.accounts import rate_limit

MAX_WAIT = dt.timedelta(minutes=15)
FORGET = dt.timedelta(hours=24)


@dataclass(frozen=True)
class Allowance:
    """Whether an attempt may be made now.

    Attributes
    ----------
    retry_after_s : whole seconds to wait when it may not; 0 when it may.
    """

    allowed: bool
    retry_after_s: int = 0

    def __bool__(self) -> bool:
        return self.allowed


def allow(connection: sa.Connection, bucket: str, limit: int, window: dt.timedelta, now: dt.datetime) -> Allowance:
    """Count one attempt; at most `limit` are allowed in each window, which begins with the first.

    Parameters
    ----------
    bucket : what is counted, for instance ``reports:USER``; stored as a hash.
    """
    row = _locked(connection, bucket, now)
    begins_anew = now - row.since >= window or row.tries == 0
    count = 1 if begins_anew else row.tries + 1
    since = now if begins_anew else row.since
    if count > limit:
        return Allowance(False, _seconds(since + window - now))
    _store(connection, bucket, tries=count, since=since, expires_at=since + window)
    return Allowance(True)


def attempt(connection: sa.Connection, bucket: str, free: int, now: dt.datetime) -> Allowance:
    """Count one attempt that may fail; after `free` of them the wait doubles with each, up to `MAX_WAIT`.

    The caller forgives the bucket when the attempt succeeds. Without attempts it is forgotten after `FORGET`.
    """
    row = _locked(connection, bucket, now)
    if row.blocked_until is not None and now < row.blocked_until:
        return Allowance(False, _seconds(row.blocked_until - now))
    count = row.tries + 1
    # 2 ** 10 s is above the longest wait already.
    wait = min(dt.timedelta(seconds=2 ** min(count - free, 10)), MAX_WAIT) if count >= free else None
    blocked_until = None if wait is None else now + wait
    _store(connection, bucket, tries=count, since=row.since, blocked_until=blocked_until, expires_at=now + FORGET)
    return Allowance(True)


def forgive(connection: sa.Connection, bucket: str) -> None:
    """Forget what was counted."""
    connection.execute(rate_limit.delete().where(rate_limit.c.bucket == _key(bucket)))


def take_back(connection: sa.Connection, bucket: str, now: dt.datetime) -> None:
    """Let the last attempt not count, since it succeeded; what failed before it still does."""
    row = _locked(connection, bucket, now)
    _store(connection, bucket, tries=max(row.tries - 1, 0), blocked_until=None)


def prune(connection: sa.Connection, now: dt.datetime) -> int:
    """Remove what no longer counts; returns how many rows."""
    return connection.execute(rate_limit.delete().where(rate_limit.c.expires_at <= now)).rowcount


def _locked(connection: sa.Connection, bucket: str, now: dt.datetime) -> sa.Row[tuple[object, ...]]:
    """Return the bucket's row, made if need be, locked until the transaction ends."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    new = insert(rate_limit).values(bucket=_key(bucket), tries=0, since=now, expires_at=now + FORGET)
    connection.execute(new.on_conflict_do_nothing(index_elements=["bucket"]))
    row = connection.execute(for_update(sa.select(rate_limit).where(rate_limit.c.bucket == _key(bucket)), connection))
    found = row.one()
    if found.expires_at <= now:
        _store(connection, bucket, tries=0, since=now, blocked_until=None, expires_at=now + FORGET)
        return _locked(connection, bucket, now)
    return found


def _store(connection: sa.Connection, bucket: str, **values: object) -> None:
    connection.execute(rate_limit.update().where(rate_limit.c.bucket == _key(bucket)).values(**values))


def _key(bucket: str) -> str:
    return hashlib.sha256(bucket.encode()).hexdigest()


def _seconds(time: dt.timedelta) -> int:
    return max(1, math.ceil(time.total_seconds()))
