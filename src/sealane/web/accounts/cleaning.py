"""Removes what is past its time: limits that no longer count, sessions that ended long ago, logins never finished."""

from __future__ import annotations

from sealane.database.tables.accounts import oidc_login
from sealane.node.context import Node
from sealane.web.accounts import rate_limits, sessions


def clean(node: Node) -> None:
    """Remove it in one short transaction."""
    now = node.clock()
    with node.database.write() as connection:
        rate_limits.prune(connection, now)
        sessions.prune(connection, now)
        connection.execute(oidc_login.delete().where(oidc_login.c.expires_at <= now))


JOBS = (("people", "housekeeping_period_s", clean),)
