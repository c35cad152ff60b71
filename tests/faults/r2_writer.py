"""The process of row R2 that appends to a node's log and says so, one line each, only after the commit returned."""

from __future__ import annotations

import datetime as dt
import os
import sys

from sealane.database import Database
from sealane.exchange.ledger import Entry, EntryKind, append


def main(url: str, synchronous: str) -> None:
    """Append until the disk is gone."""
    database = Database(url, synchronous=synchronous)
    while True:
        with database.write() as connection:
            (position,) = append(
                connection, [Entry(EntryKind.ALARM, None, "power", {"reason": "test"})], dt.datetime.now(dt.UTC)
            )
        os.write(1, f"{position}\n".encode())  # unbuffered: what is read was acknowledged


if __name__ == "__main__":
    main(*sys.argv[1:])
