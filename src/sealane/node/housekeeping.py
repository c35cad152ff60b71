"""Removes what is past its retention: nonces that can no longer be replayed, sealed bytes of acknowledged messages."""

from __future__ import annotations

import datetime as dt

from sealane.exchange.acknowledgement import trim_outbox
from sealane.exchange.replay import prune
from sealane.node.context import Node

BATCH_ROWS = 10_000


def clean(node: Node) -> None:
    """Remove what is past its retention, in transactions short enough to let others write between them."""
    now = node.clock()
    with node.database.write() as connection:
        prune(connection, now)
    before = now - dt.timedelta(days=node.settings.retention_days)
    removed = BATCH_ROWS
    while removed >= BATCH_ROWS:
        with node.database.write() as connection:
            removed = trim_outbox(connection, before, BATCH_ROWS)
