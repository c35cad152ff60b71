"""Every table stands behind the second wall, and each role sees and changes just the rows that are declared here.

What is declared below is written from the table of access, not from the policies. Each check tries every row of every
table on a real PostgreSQL, as everybody who can ask.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from tests.filled import fill

from sealane.database import Database
from sealane.database.migrations import migrate
from sealane.database.tables import metadata
from sealane.database.wall import OUTSIDE, WALLS, stand_for
from sealane.web.accounts.roles import access_table

ME, OTHER = "k3", "k4"
PEOPLE = frozenset({"analyst", "steward", "officer", "administrator"})
READERS = PEOPLE | {"reader", "operator"}
EVERYBODY = ("guest", *sorted(PEOPLE), "feed", "reader", "operator", "monitor")
ACTORS = frozenset({"officer", "administrator", "operator"})
STEWARDS = frozenset({"steward", "administrator"})
NOBODY: frozenset[str] = frozenset()
OFFICER = frozenset({"officer"})
# A set of roles, or who may with which row: role, row -> bool.
May = frozenset[str] | Callable[[str, Mapping[str, Any]], bool]


def _public_or_reader(role: str, row: Mapping[str, Any]) -> bool:
    return role in READERS or row["public"]


def _own(role: str, row: Mapping[str, Any]) -> bool:
    return role in PEOPLE and row["user_id"] == ME


def _own_or_administrator(role: str, row: Mapping[str, Any]) -> bool:
    return role == "administrator" or _own(role, row)


def _alert(role: str, row: Mapping[str, Any]) -> bool:
    return role in READERS and (row["user_id"] is None or (role in PEOPLE and row["user_id"] == ME))


def _alert_of_event(role: str, row: Mapping[str, Any]) -> bool:
    return _alert(role, {"user_id": OWNERS[row["alert_id"]]})


def _my_channel(role: str, row: Mapping[str, Any]) -> bool:
    return _own_or_administrator(role, {"user_id": OWNERS[row["channel_id"]]})


def _person_of_account(role: str, row: Mapping[str, Any]) -> bool:
    return role == "administrator" or (role in PEOPLE and row["id"] == ME)


def _under_own_name(role: str, row: Mapping[str, Any]) -> bool:
    return role != "guest" and (row["user_id"] or "") == (ME if role in PEOPLE else "")


@dataclass(frozen=True)
class Declared:
    """Who may see, add, change and remove rows of a table."""

    read: May = NOBODY
    insert: May = NOBODY
    update: May = NOBODY
    delete: May = NOBODY


_WRITERS = STEWARDS | {"feed", "operator"}
_EDITORS = STEWARDS | OFFICER
_READ_ONLY = Declared(READERS)
DECLARED: dict[str, Declared] = {
    "record": Declared(_public_or_reader, _WRITERS, _WRITERS, _WRITERS),
    "record_counter": Declared(STEWARDS, STEWARDS, STEWARDS),
    "document": Declared(_public_or_reader, _EDITORS, _EDITORS, _EDITORS),
    "result": Declared(_public_or_reader, PEOPLE, PEOPLE, PEOPLE),
    "data_import": Declared(PEOPLE, STEWARDS, STEWARDS, STEWARDS),
    "import_record": Declared(STEWARDS, STEWARDS, STEWARDS, STEWARDS),
    "task": Declared(PEOPLE, PEOPLE, PEOPLE, PEOPLE),
    "alert": Declared(
        _alert,
        NOBODY,
        lambda role, row: role in PEOPLE and _alert(role, row),
        lambda role, row: role in PEOPLE and _alert(role, row),
    ),
    "alert_event": Declared(_alert_of_event),
    "alert_limit": Declared(READERS, _EDITORS, _EDITORS, _EDITORS),
    "alert_channel": Declared(*[_own_or_administrator] * 4),
    "alert_delivery": Declared(_my_channel, NOBODY, _my_channel, _my_channel),
    "exchange_check": Declared(READERS, ACTORS, ACTORS, ACTORS),
    "cargo_follow": Declared(_own, _own, _own, _own),
    "api_token": Declared(frozenset({"administrator"})),
    "user_account": Declared(_person_of_account),
    "web_session": Declared(_own_or_administrator),
    "audit_entry": Declared(frozenset({"administrator"}), _under_own_name),
    "agreement": Declared(READERS, OFFICER, OFFICER),
    "agreement_signature": Declared(READERS, OFFICER),
    "agreement_message": Declared(READERS, OFFICER, OFFICER),
    "agreement_activity": Declared(READERS, frozenset({"steward", "officer"})),
    "stream": Declared(READERS, NOBODY, ACTORS),
    "outbox": Declared(READERS, ACTORS, ACTORS),
    "dsp_transfer": Declared(READERS, NOBODY, ACTORS),
    "peer": Declared(READERS, NOBODY, ACTORS),
    "ledger_leaf": Declared(READERS, ACTORS),
    "ledger_node": Declared(READERS, ACTORS),
    "ledger_head": Declared(READERS, ACTORS, ACTORS),
    "ledger_checkpoint": Declared(READERS, NOBODY, ACTORS),
    **dict.fromkeys(("inbox", "decision", "receipt", "release", "released_record"), _READ_ONLY),
    **dict.fromkeys(("dsp_negotiation", "peer_key", "node_info"), _READ_ONLY),
    **dict.fromkeys(("user_password", "known_browser", "oidc_login", "rate_limit"), Declared()),
    **dict.fromkeys(("answered_request", "replay"), Declared()),
}
# Whose alert and whose channel the rows are; what belongs to them names them by these ids.
OWNERS = {"k1": None, "k2": None, "k3": ME, "k4": OTHER, "k5": OTHER, "k6": ME, "k7": None}
# Endpoint -> what somebody whom it lets in needs of a table. These are who may, for the tables of the exchange.
NEEDED: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("GET", "/agreements/{agreement_id}/{version}"): (
        ("agreement", "read"),
        ("agreement_signature", "read"),
        ("agreement_message", "read"),
        ("peer_key", "read"),
        ("ledger_leaf", "read"),
    ),
    ("GET", "/agreement-activities"): (("agreement_activity", "read"),),
    ("GET", "/agreement-flows"): (("stream", "read"), ("outbox", "read"), ("decision", "read")),
    ("GET", "/explain/agreement-flows/{stream}/{what}"): (("node_info", "read"),),
    ("GET", "/explain/sharing"): (("release", "read"), ("released_record", "read")),
    ("GET", "/explain/milestone"): (("inbox", "read"),),
    ("GET", "/exchange"): (
        ("peer", "read"),
        ("stream", "read"),
        ("dsp_transfer", "read"),
        ("dsp_negotiation", "read"),
        ("ledger_checkpoint", "read"),
    ),
    ("GET", "/exchange/log"): (("ledger_leaf", "read"), ("ledger_head", "read")),
    ("POST", "/api/v1/agreements"): (("agreement", "insert"),),
    ("POST", "/api/v1/agreements/{agreement_id}/{version}/signature"): (
        ("agreement", "update"),
        ("agreement_signature", "insert"),
        ("agreement_message", "insert"),
    ),
    ("POST", "/api/v1/agreements/{agreement_id}/messages"): (("agreement_message", "update"),),
    ("POST", "/api/v1/agreements/{agreement_id}/activities"): (("agreement_activity", "insert"),),
    ("POST", "/api/v1/exchange/streams/{stream_id}/pause"): (("stream", "update"), ("dsp_transfer", "update")),
    ("POST", "/api/v1/exchange/letters/{letter_id}/retry"): (("outbox", "insert"), ("outbox", "update")),
    ("DELETE", "/api/v1/exchange/letters/{letter_id}"): (
        ("ledger_leaf", "insert"),
        ("ledger_node", "insert"),
        ("ledger_head", "insert"),
        ("ledger_head", "update"),
    ),
    ("POST", "/api/v1/exchange/partners/alarm/clear"): (("peer", "update"),),
    ("POST", "/api/v1/exchange/partners/log/accept"): (("ledger_checkpoint", "update"),),
    ("POST", "/api/v1/imports/{import_id}/undoing"): (("record_counter", "update"),),
}

postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@pytest.fixture
def filled(database: Database) -> Database:
    """Rows in every table; alerts, channels and what belongs to them have owners, some rows are public."""
    with database.write() as connection:
        fill(connection)
        for name in ("alert", "alert_channel"):
            table = metadata.tables[name]
            for key, owner in OWNERS.items():
                connection.execute(table.update().where(table.c.id == key).values(user_id=owner))
        for name, column in (("alert_event", "alert_id"), ("alert_delivery", "channel_id")):
            table = metadata.tables[name]
            keys = connection.scalars(sa.select(table.c.id).order_by(table.c.id)).all()
            for key, owned in zip(keys, OWNERS, strict=True):
                connection.execute(table.update().where(table.c.id == key).values({column: owned}))
    return database


def rows_of(database: Database, table: sa.Table) -> list[dict[str, Any]]:
    """Return every row, as the node sees them."""
    with database.read() as connection:
        return [dict(row) for row in connection.execute(sa.select(table)).mappings()]


def may(declared: May, role: str, row: Mapping[str, Any]) -> bool:
    return declared(role, row) if callable(declared) else role in declared


def keys_of(table: sa.Table, rows: list[dict[str, Any]]) -> set[str]:
    return {json.dumps([row[column.name] for column in table.primary_key], default=str) for row in rows}


def deviations(database: Database, table: sa.Table) -> Iterator[str]:
    """Yield where the database lets a role do something else with a table than is declared, in words."""
    rows, declared = rows_of(database, table), DECLARED[table.name]
    assert rows
    for role in EVERYBODY:
        viewer = ME if role in PEOPLE else None
        with database.engine.connect() as connection, connection.begin() as transaction:
            stand_for(connection, role, viewer)
            seen = keys_of(table, [dict(row) for row in connection.execute(sa.select(table)).mappings()])
            if seen != keys_of(table, [row for row in rows if may(declared.read, role, row)]):
                yield f"{role} sees {len(seen)} of {len(rows)} rows of {table.name}"
            for row in rows:
                if _may_insert(connection, table, row) != may(declared.insert, role, row):
                    yield f"{role} may not insert as declared into {table.name}"
            for what, done in (("update", _updated), ("delete", _deleted)):
                allowed: May = getattr(declared, what)
                # A statement that reads columns, as any update here, reaches only what can be seen as well.
                expected = [
                    row
                    for row in rows
                    if may(allowed, role, row) and (what == "delete" or may(declared.read, role, row))
                ]
                number = done(connection, table)
                if number is not None and number != len(expected):
                    yield f"{role} may {what} {number} rows of {table.name}, not {len(expected)}"
            transaction.rollback()


def _may_insert(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> bool:
    """Say whether the wall lets a row in; the row is there already, so the key refuses what the wall let through."""
    with pytest.raises((sa.exc.IntegrityError, sa.exc.ProgrammingError)) as caught, connection.begin_nested():
        connection.execute(table.insert().inline().values(row))
    state = getattr(caught.value.orig, "sqlstate", None)
    assert state in {"23505", "42501"}, caught.value
    return bool(state == "23505")


def _updated(connection: sa.Connection, table: sa.Table) -> int | None:
    """Return how many rows can be updated; None for the audit, which refuses whoever asks."""
    key = next(iter(table.primary_key))
    return _number(connection, table.update().values({key.name: key}))


def _deleted(connection: sa.Connection, table: sa.Table) -> int | None:
    return _number(connection, table.delete())


def _number(connection: sa.Connection, statement: sa.Update | sa.Delete) -> int | None:
    inner = connection.begin_nested()
    try:
        return connection.execute(statement).rowcount
    except sa.exc.IntegrityError:
        return -1  # the wall let rows through that others name
    except sa.exc.DBAPIError as error:
        assert "audit entries are never" in str(error), error
        return None
    finally:
        inner.rollback()


def undecided(tables: set[str]) -> set[str]:
    """Return tables about which nothing was decided."""
    return tables - set(WALLS) - set(OUTSIDE)


def test_about_every_table_it_is_decided_who_may_what() -> None:
    assert undecided(set(metadata.tables)) == set()
    assert set(WALLS) <= set(metadata.tables), "a wall around a table there is not"
    assert set(DECLARED) == set(WALLS)
    assert not set(WALLS) & set(OUTSIDE)
    assert all(len(reason) > 20 for reason in OUTSIDE.values())
    # Control: a table more is noticed.
    assert undecided({*metadata.tables, "forgotten"}) == {"forgotten"}


@postgresql_only
def test_in_a_migrated_database_only_the_tables_said_stand_outside(database_url: str) -> None:
    database = Database(database_url)
    migrate(database)
    query = sa.text(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
        " AND NOT (relrowsecurity AND relforcerowsecurity)"
    )
    with database.read() as connection:
        assert set(connection.scalars(query)) == set(OUTSIDE)
    # Control: a table made by hand stands outside, too.
    with database.write() as connection:
        connection.execute(sa.text("CREATE TABLE forgotten (id integer)"))
        assert undecided(set(connection.scalars(query))) == {"forgotten"}
    database.close()


@postgresql_only
def test_each_role_sees_and_changes_just_the_rows_declared(filled: Database) -> None:
    assert [words for table in metadata.sorted_tables for words in deviations(filled, table)] == []


@postgresql_only
def test_with_the_wall_of_a_table_down_this_is_noticed(filled: Database) -> None:
    for table in metadata.sorted_tables:
        with filled.engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {table.name} DISABLE ROW LEVEL SECURITY"))
        assert next(deviations(filled, table), None) is not None, table.name
        with filled.engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY"))
            wall = WALLS[table.name]
            held = [name for name in ("read", "insert") if getattr(wall, name)]
            held += ["update"] if wall.change or wall.update else []
            for name in held:
                connection.execute(sa.text(f"DROP POLICY wall_{name} ON {table.name}"))
        if held:
            assert next(deviations(filled, table), None) is not None, (table.name, "without its policies")


@postgresql_only
def test_a_guest_whose_query_has_no_condition_gets_public_rows_only(filled: Database) -> None:
    guests = {}
    for table in metadata.sorted_tables:
        with filled.read() as connection:
            stand_for(connection, "guest", None)
            guests[table.name] = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
    assert {name for name, rows in guests.items() if rows} == {"record", "document", "result"}
    assert all(row["public"] for rows in guests.values() for row in rows)
    # Control: without the policy the same query gives a guest an agreement.
    with filled.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE agreement DISABLE ROW LEVEL SECURITY"))
    with filled.read() as connection:
        stand_for(connection, "guest", None)
        assert connection.execute(sa.select(metadata.tables["agreement"])).all()


def test_the_wall_is_as_high_as_the_table_of_access_says() -> None:
    """What an endpoint needs, each whom it lets in may do, and nobody whom no such endpoint lets in."""
    let_in: dict[tuple[str, str], set[str]] = {}
    for endpoint, needs in NEEDED.items():
        access = access_table()[endpoint]
        roles = {role for role in EVERYBODY if access.lets_in(role, guests=True)}
        for need in needs:
            let_in.setdefault(need, set()).update(roles)
    for (table, what), roles in let_in.items():
        assert getattr(DECLARED[table], what) == roles, (table, what)
