"""What an operator wants to know of a node at a glance, and what is wrong with it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.migrations import head, revision
from sealane.database.tables import agreements, delivery, dsp, identity, ledger, products
from sealane.database.tables.node import node_info
from sealane.database.wall import passes_walls
from sealane.node.context import Node
from sealane.node.serve import serving_process

KEY_WARNING = dt.timedelta(days=14)


@dataclass(frozen=True)
class NodeStatus:
    """State of one node.

    Attributes
    ----------
    facts : name and value, in the order to show them.
    troubles : one sentence each, with what to do; empty is well.
    """

    facts: dict[str, Any]
    troubles: tuple[str, ...]


def node_status(node: Node) -> NodeStatus:
    """Return the state of a node, read in one transaction.

    Raises
    ------
    StoreError
        When the database cannot be asked.
    """
    now = node.clock()
    process = serving_process(node.folder)
    facts: dict[str, Any] = {
        "participant": node.settings.participant,
        "name": node.settings.name,
        "origin": node.settings.origin,
        "folder": str(node.folder),
        "database": node.database.safe_url,
        "tables": revision(node.database) or "none",
        "served by process": process,
    }
    troubles = []
    if facts["tables"] != head():
        return NodeStatus(
            facts, (f"The tables are at {facts['tables']}, this version needs {head()}: sealane node migrate",)
        )
    keys = [key for key in node.identity.operational_keys() if key.signs_at(now)]
    facts["key"] = keys[0].kid if keys else None
    facts["key valid until"] = keys[0].certificate.valid_until if keys else None
    if not keys:
        troubles.append("No key is valid now, nothing can be signed: sealane node key rotate")
    elif keys[0].certificate.valid_until - now < KEY_WARNING:
        troubles.append("The key ends soon: sealane node key rotate")
    with node.database.read() as connection:
        info = connection.execute(sa.select(node_info)).one_or_none()
        facts["restored at"] = info.restored_at if info else None
        facts["records"] = _count(connection, products.record)
        facts["ledger leaves"] = connection.execute(sa.select(ledger.head.c.size)).scalar() or 0
        facts["agreements"] = _by_state(connection, agreements.agreement.c.state)
        facts["negotiations"] = _by_state(connection, dsp.negotiation.c.state)
        facts["transfers"] = _by_state(connection, dsp.transfer.c.state)
        facts["streams"] = _by_state(connection, delivery.stream.c.state)
        facts["outbox"] = _by_state(connection, delivery.outbox.c.state)
        facts["peers"] = _count(connection, identity.peer)
        if passes_walls(connection):
            troubles.append(
                "The database's role passes row-level security (it is a superuser or has BYPASSRLS), so the second wall"
                " in front of people's pages does not hold: give the node an ordinary role that owns its database."
            )
        troubles += _peer_troubles(connection)
        troubles += _stream_troubles(connection)
    return NodeStatus(facts, tuple(troubles))


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _by_state(connection: sa.Connection, state: sa.Column[str]) -> dict[str, int]:
    query = sa.select(state, sa.func.count()).group_by(state).order_by(state)
    return {value: count for value, count in connection.execute(query)}  # noqa: C416  # rows are no pairs to mypy


def _peer_troubles(connection: sa.Connection) -> list[str]:
    table = identity.peer.c
    rows = connection.execute(sa.select(table.participant, table.alarm).where(table.alarm.is_not(None)))
    return [f"Partner {row.participant}: {row.alarm}" for row in rows]


def _stream_troubles(connection: sa.Connection) -> list[str]:
    table = delivery.stream.c
    bad = sa.or_(table.state == "stopped", table.attempts > 0)
    query = sa.select(table.id, table.peer, table.state, table.state_reason, table.attempts, table.last_error)
    return [
        f"Stream {row.id} with {row.peer} is {row.state}, {row.attempts} attempts failed:"
        f" {row.state_reason or row.last_error or 'no reason noted'}"
        for row in connection.execute(query.where(bad).order_by(table.id))
    ]
