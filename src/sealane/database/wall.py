"""The second wall: PostgreSQL itself shows a page's transaction only the rows its viewer may see.

The first wall is the gate, which lets a role in or not, and each query's own conditions. Row-level security stands
behind it, so that a forgotten condition shows nothing it should not. A connection says who it stands for:

``sealane.wall``    ``node`` for the node's own work (said at connect), else the role of a person or a token
``sealane.viewer``  the person's id

Who has not said anything sees no row. This holds against wrong queries, not against somebody who can send statements
of his own: the node's database role could say ``node`` itself. Superusers pass every policy, so a node must not be one
(``sealane node status`` says so). SQLite knows no policies; there the first wall stands alone.

The same wall stands in the migrations, as text that does not change with this module; a test compares them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sealane.database.tables.base import metadata

NODE = "node"
# A subquery is asked once a statement, not once a row. That it holds the whole comparison matters: the planner takes a
# truth value it cannot know for as likely as not, but a text that equals one of a few for a rarity, and then plans for
# a few rows where the node has all.
_VIEWER = "(SELECT current_setting('sealane.viewer', true))"
_KNOWN = ("guest", "analyst", "steward", "officer", "administrator", "feed", "reader", "operator", "monitor")


def _is(*roles: str) -> str:
    return f"(SELECT current_setting('sealane.wall', true) IN ({', '.join(repr(role) for role in roles)}))"


_STAFF = _is("analyst", "steward", "officer", "administrator")
_READERS = _is("analyst", "steward", "officer", "administrator", "reader", "operator")
_STEWARDS = _is("steward", "administrator")
_OWN = f"{_is(*_KNOWN[1:5])} AND user_id = {_VIEWER}"
_OWN_OR_ADMIN = f"{_is('administrator')} OR ({_OWN})"
_ALERTS = f"{_READERS} AND (user_id IS NULL OR user_id = {_VIEWER})"
_MY_CHANNEL = "EXISTS (SELECT 1 FROM alert_channel WHERE alert_channel.id = channel_id)"
_ACTORS = _is("officer", "administrator", "operator")  # who steers the exchange
_OFFICER = _is("officer")  # who binds the port


@dataclass(frozen=True)
class Wall:
    """What a viewer may do with the rows of a table, as SQL conditions; None is nothing at all.

    The node's own connections may do everything with every row.
    """

    read: str | None = None
    insert: str | None = None
    change: str | None = None  # update and delete
    update: str | None = None  # update only: what pages never remove


# Every table, by name, with just what the table of access (web/access.csv) and the queries of the pages need. What
# partners ask for, jobs and the command line work as the node.
WALLS: dict[str, Wall] = {
    "record": Wall(
        read=f"{_READERS} OR (public AND {_is(*_KNOWN)})",
        insert=_is("steward", "administrator", "feed", "operator"),
        change=_is("steward", "administrator", "feed", "operator"),
    ),
    "document": Wall(
        read=f"{_READERS} OR (public AND {_is(*_KNOWN)})",
        insert=_is("steward", "officer", "administrator"),
        change=_is("steward", "officer", "administrator"),
    ),
    "result": Wall(read=f"{_READERS} OR (public AND {_is(*_KNOWN)})", insert=_STAFF, change=_STAFF),
    "data_import": Wall(read=_STAFF, insert=_STEWARDS, change=_STEWARDS),
    "import_record": Wall(read=_STEWARDS, insert=_STEWARDS, change=_STEWARDS),
    "task": Wall(read=_STAFF, insert=_STAFF, change=_STAFF),
    # What a person follows is told to that person only.
    "alert": Wall(read=_ALERTS, change=f"{_STAFF} AND ({_ALERTS})"),
    "alert_event": Wall(read="EXISTS (SELECT 1 FROM alert WHERE alert.id = alert_id)"),
    "alert_limit": Wall(
        read=_READERS,
        insert=_is("steward", "officer", "administrator"),
        change=_is("steward", "officer", "administrator"),
    ),
    # Its rows hold the secrets that sign webhooks.
    "alert_channel": Wall(read=_OWN_OR_ADMIN, insert=_OWN_OR_ADMIN, change=_OWN_OR_ADMIN),
    "alert_delivery": Wall(read=_MY_CHANNEL, change=_MY_CHANNEL),
    "exchange_check": Wall(read=_READERS, insert=_ACTORS, change=_ACTORS),
    "cargo_follow": Wall(read=_OWN, insert=_OWN, change=_OWN),
    "api_token": Wall(read=_is("administrator")),
    "user_account": Wall(read=f"{_is('administrator')} OR ({_is(*_KNOWN)} AND id = {_VIEWER})"),
    "answered_request": Wall(),
    "user_password": Wall(),
    "web_session": Wall(read=_OWN_OR_ADMIN),
    "known_browser": Wall(),
    "oidc_login": Wall(),
    "rate_limit": Wall(),
    "audit_entry": Wall(
        read=_is("administrator"),
        # Nobody writes in another's name.
        insert=f"{_is(*_KNOWN[1:])} AND coalesce(user_id, '') = coalesce({_VIEWER}, '')",
    ),
    # Guests read the catalogue of public agreements, which is no table; those executed here are the parties' business.
    "agreement": Wall(read=_READERS, insert=_OFFICER, update=_OFFICER),
    "agreement_signature": Wall(read=_READERS, insert=_OFFICER),
    "agreement_message": Wall(read=_READERS, insert=_OFFICER, update=_OFFICER),
    "agreement_activity": Wall(read=_READERS, insert=_is("steward", "officer")),
    "stream": Wall(read=_READERS, update=_ACTORS),
    "outbox": Wall(read=_READERS, insert=_ACTORS, update=_ACTORS),  # a dead letter tried again is a new row
    "inbox": Wall(read=_READERS),
    "decision": Wall(read=_READERS),
    "receipt": Wall(read=_READERS),
    "release": Wall(read=_READERS),
    "released_record": Wall(read=_READERS),
    "dsp_negotiation": Wall(read=_READERS),
    "dsp_transfer": Wall(read=_READERS, update=_ACTORS),
    "peer": Wall(read=_READERS, update=_ACTORS),  # alarms are taken back
    "peer_key": Wall(read=_READERS),
    "replay": Wall(),
    # Whoever does what is logged appends to the log, and nobody changes what stands in it.
    "ledger_leaf": Wall(read=_READERS, insert=_ACTORS),
    "ledger_node": Wall(read=_READERS, insert=_ACTORS),
    "ledger_head": Wall(read=_READERS, insert=_ACTORS, update=_ACTORS),
    "ledger_checkpoint": Wall(read=_READERS, update=_ACTORS),
    "record_counter": Wall(read=_STEWARDS, insert=_STEWARDS, update=_STEWARDS),  # undoing an upload puts records back
    "node_info": Wall(read=_READERS),
}
# Tables that stand outside, each with its reason; a test knows of no others.
OUTSIDE: dict[str, str] = {
    "alembic_version": "one number, which migrations have run; read before there is any wall",
}


def wall_statements(table: str) -> Iterator[str]:
    """Yield the statements that build the wall around a table in PostgreSQL."""
    wall = WALLS[table]
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"  # the node's role owns the tables
    yield f"CREATE POLICY wall_node ON {table} USING ({_is(NODE)}) WITH CHECK ({_is(NODE)})"
    if wall.read:
        yield f"CREATE POLICY wall_read ON {table} FOR SELECT USING ({wall.read})"
    if wall.insert:
        yield f"CREATE POLICY wall_insert ON {table} FOR INSERT WITH CHECK ({wall.insert})"
    if update := wall.change or wall.update:
        yield f"CREATE POLICY wall_update ON {table} FOR UPDATE USING ({update}) WITH CHECK ({update})"
    if wall.change:
        yield f"CREATE POLICY wall_delete ON {table} FOR DELETE USING ({wall.change})"


APPEND_ONLY = "audit_entry"
_APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER audit_entry_unchanged BEFORE UPDATE ON audit_entry"
        " BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END",
        "CREATE TRIGGER audit_entry_kept BEFORE DELETE ON audit_entry"
        " BEGIN SELECT RAISE(ABORT, 'audit entries are never removed'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_entry_kept() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'audit entries are never changed or removed'; END $$",
        "CREATE TRIGGER audit_entry_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_kept()",
    ),
}


@sa.event.listens_for(metadata, "after_create")
def _build(_: sa.MetaData, connection: sa.Connection, tables: Collection[sa.Table], **__: Any) -> None:
    """Build what `create_all` does not know of; for tests and tools, as a node's tables come from migrations."""
    dialect = connection.dialect.name
    for name in sorted(table.name for table in tables):
        if dialect == "postgresql" and name in WALLS:
            for statement in wall_statements(name):
                connection.exec_driver_sql(statement)
        if name == APPEND_ONLY:
            for statement in _APPEND_ONLY[dialect]:
                connection.exec_driver_sql(statement)


def stand_for(connection: sa.Connection, role: str, viewer: str | None) -> None:
    """Let a transaction see what a viewer may see, until it ends.

    Parameters
    ----------
    role : role of a person or of a token; never ``node``.
    viewer : the person's id, None for guests and tokens.
    """
    if role not in _KNOWN:
        raise ValueError(f"{role!r} is no viewer's role")
    if connection.dialect.name == "postgresql":
        connection.execute(
            sa.select(
                sa.func.set_config("sealane.wall", role, True), sa.func.set_config("sealane.viewer", viewer or "", True)
            )
        )


def passes_walls(connection: sa.Connection) -> bool:
    """Return whether the database's role passes every policy, so that the wall does not hold for it."""
    if connection.dialect.name != "postgresql":
        return False
    query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    return bool(connection.exec_driver_sql(query).scalar())
