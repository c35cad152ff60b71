"""What every part of a running node is given: settings, database, identity, clock and the way out.

Made once by ``sealane.node.open_node``; nothing else reads the environment or the wall clock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sealane.database import Database

if TYPE_CHECKING:
    from sealane.exchange.keys import Identity
    from sealane.exchange.outbound import Outbound
    from sealane.node.settings import NodeSettings

Clock = Callable[[], dt.datetime]


def utc_now() -> dt.datetime:
    """Return the time of the machine in UTC."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Node:
    """A node, ready to serve or to be asked by the command line.

    Attributes
    ----------
    folder : the data folder (0700): settings, keys and, by default, the database.
    identity : participant id, keys that sign, JWKS.
    outbound : the only way to send a request to another machine.
    clock : gives the time in UTC; tests give their own.
    """

    folder: Path
    settings: NodeSettings
    database: Database
    identity: Identity
    outbound: Outbound
    clock: Clock = utc_now

    def close(self) -> None:
        """Close the connections to partners and to the database."""
        self.outbound.close()
        self.database.close()

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
