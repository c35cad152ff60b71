"""Remembers what may be accepted only once: nonces of signed requests and ids of tokens."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sealane.database.tables.identity import replay

# Kept beyond the time in which it could be accepted, for clocks that are set back a little.
MARGIN = dt.timedelta(seconds=60)


def remember(connection: sa.Connection, participant: str, nonce: str, accepted_until: dt.datetime) -> bool:
    """Remember a nonce; say whether it was new.

    Parameters
    ----------
    nonce : unique with the participant.
    accepted_until : last moment at which the same message would still pass for fresh.
    """
    values = {"participant": participant, "nonce": nonce, "expires_at": accepted_until + MARGIN}
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    added = insert(replay).values(**values).on_conflict_do_nothing().returning(replay.c.nonce)
    return connection.scalar(added) is not None


def prune(connection: sa.Connection, now: dt.datetime) -> int:
    """Forget what can no longer be accepted; return how many rows went."""
    return connection.execute(replay.delete().where(replay.c.expires_at < now)).rowcount
