"""The second wall: PostgreSQL's policies show each viewer its rows only, whatever the query forgets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import product

import psycopg
import pytest
import sqlalchemy as sa
from tests.filled import fill
from tests.postgresql import Cluster

from sealane.database import Database
from sealane.database.migrations import migrate
from sealane.database.tables import accounts, metadata, products
from sealane.database.tables.accounts import audit_entry
from sealane.database.wall import NODE, WALLS, passes_walls, stand_for

PEOPLE = ("analyst", "steward", "officer", "administrator")
ROLES = ("guest", *PEOPLE, "feed", "reader", "operator", "monitor")
POLICIES = sa.text(
    "SELECT tablename, policyname, permissive, cmd, qual, with_check FROM pg_policies ORDER BY tablename, policyname"
)
FORCED = sa.text("SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relrowsecurity ORDER BY 1")
TRIGGERS = sa.text("SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")

postgresql_only = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as connection:
        fill(connection)
    return database


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def seen(database: Database, table: str, role: str, viewer: str | None = None) -> list[sa.Row[tuple[object, ...]]]:
    """Return what a query without any condition gives."""
    with database.read() as connection:
        stand_for(connection, role, viewer)
        return list(connection.execute(sa.select(metadata.tables[table])).all())


@postgresql_only
def test_migrations_and_code_build_the_same_wall(empty: Database, databases: Callable[[], Database]) -> None:
    migrate(empty)
    made_at_once = databases()
    for query in (POLICIES, FORCED, TRIGGERS):
        with empty.read() as one, made_at_once.read() as other:
            found, expected = one.execute(query).all(), other.execute(query).all()
        assert found == expected
        assert found
    with empty.read() as connection:
        assert {row.relname for row in connection.execute(FORCED)} == set(WALLS)
        assert all(row.relforcerowsecurity for row in connection.execute(FORCED))
    migrate(empty, "0003")
    with empty.read() as connection:
        assert connection.execute(POLICIES).all() == []
        assert connection.execute(FORCED).all() == []


@postgresql_only
def test_who_has_not_said_who_it_is_sees_nothing(filled: Database, postgresql_cluster: Cluster) -> None:
    url = postgresql_cluster.url(str(filled.engine.url.database))
    with psycopg.connect(url) as connection:
        for said in (None, "", "nobody", "Administrator", "node ", "guest,administrator"):
            if said is not None:
                connection.execute("SELECT set_config('sealane.wall', %s, false)", [said])
            for table in WALLS:
                assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,), (said, table)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
            connection.execute("INSERT INTO rate_limit VALUES ('b', 0, 0, NULL, 0)")
    # Control: the same connection, saying that it is the node, sees every row.
    with psycopg.connect(url) as connection:
        connection.execute(f"SET sealane.wall = '{NODE}'")
        for table in WALLS:
            assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() != (0,), table


@postgresql_only
def test_a_guest_sees_public_rows_only_though_the_query_forgets_to_ask(filled: Database) -> None:
    for table in ("record", "document", "result"):
        with filled.read() as connection:
            everything = connection.execute(sa.select(metadata.tables[table])).all()
        public = {row for row in everything if row.public}
        assert 0 < len(public) < len(everything), "the rows must show a difference"
        for role in ("guest", "monitor"):
            assert set(seen(filled, table, role)) == public, (table, role)
        for role in ("analyst", "steward", "officer", "administrator", "reader", "operator"):
            assert set(seen(filled, table, role)) == set(everything), (table, role)
    # Control: without the policy the very same query shows what is not public.
    with filled.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE record DISABLE ROW LEVEL SECURITY"))
    assert not all(row.public for row in seen(filled, "record", "guest"))


@postgresql_only
def test_secrets_of_people_are_nobodys_to_read(filled: Database) -> None:
    for role, table in product(ROLES, ("user_password", "rate_limit", "oidc_login", "known_browser")):
        assert seen(filled, table, role, "k1") == [], (role, table)
    for role in ROLES:
        everyone = role == "administrator"
        assert len(seen(filled, "audit_entry", role, "k1")) == (7 if everyone else 0)
        assert len(seen(filled, "api_token", role, "k1")) == (7 if everyone else 0)
        assert len(seen(filled, "alert_channel", role, "k1")) == (7 if everyone else 0)
        assert [row.id for row in seen(filled, "user_account", role, "k3")] == (
            [f"k{n}" for n in range(1, 8)] if everyone else ["k3"]
        )
        own = [row.user_id for row in seen(filled, "web_session", role, "k3")]
        assert own == ([f"k{n}" for n in range(1, 8)] if everyone else ["k3"] if role in PEOPLE else [])
        assert seen(filled, "user_account", role, None) == [] or everyone


@postgresql_only
def test_a_page_writes_only_what_its_role_may(filled: Database) -> None:
    record = products.record
    changed = {}
    for role in ROLES:
        with filled.write() as connection:
            stand_for(connection, role, "k1")
            changed[role] = connection.execute(record.update().values(simulated=sa.true())).rowcount
    assert {role for role, rows in changed.items() if rows} == {"steward", "administrator", "feed", "operator"}
    for role in ROLES:
        for table in (accounts.user_account, accounts.user_password, accounts.web_session):
            with filled.write() as connection:
                stand_for(connection, role, "k1")
                key = next(iter(table.primary_key))
                assert connection.execute(table.update().values({key.name: key})).rowcount == 0, (role, table.name)


@postgresql_only
def test_nobody_writes_in_the_audit_under_anothers_name(filled: Database) -> None:
    row = {"at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "actor": "x", "role": "x", "action": "x", "object": "x"}
    row |= {"details": {}}
    with filled.write() as connection:
        stand_for(connection, "analyst", "k1")
        connection.execute(audit_entry.insert().values(id=1001, user_id="k1", **row))
    for role, user_id in (("analyst", "k2"), ("analyst", None), ("guest", "k1"), ("administrator", "k2")):
        with pytest.raises(sa.exc.ProgrammingError, match="row-level security"), filled.write() as connection:
            stand_for(connection, role, "k1")
            connection.execute(audit_entry.insert().values(id=1002, user_id=user_id, **row))


@postgresql_only
def test_a_page_does_not_leave_its_role_on_the_connection(filled: Database) -> None:
    for _ in range(20):
        assert seen(filled, "user_password", "guest") == []
        with filled.read() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(accounts.user_password)).scalar() == 7


def test_the_audit_is_never_changed_nor_shortened(filled: Database) -> None:
    statements = [
        "UPDATE audit_entry SET actor = 'x'",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE id = 1",
    ]
    if not filled.is_sqlite:
        statements += ["TRUNCATE audit_entry", "UPDATE audit_entry SET actor = 'x' WHERE id < 0"]
    for statement in statements:
        refused = pytest.raises(sa.exc.DBAPIError, match="audit entries are never")
        with refused, filled.write() as connection:
            connection.execute(sa.text(statement))
    with filled.read() as connection:
        assert len(connection.execute(sa.select(audit_entry)).all()) == 7
    # Control: without the trigger it would go.
    with filled.write() as connection:
        on = "" if filled.is_sqlite else " ON audit_entry"
        connection.execute(sa.text(f"DROP TRIGGER audit_entry_kept{on}"))
        assert connection.execute(sa.text("DELETE FROM audit_entry")).rowcount == 7


@postgresql_only
def test_a_superuser_passes_the_wall_and_is_found_out(
    filled: Database, postgresql_cluster: Cluster, database_kind: str
) -> None:
    with filled.read() as connection:
        assert not passes_walls(connection)
    url = filled.engine.url.set(username="admin", password=postgresql_cluster.password)
    admin = Database(url.render_as_string(hide_password=False))
    with admin.read() as connection:
        assert passes_walls(connection)
    assert not all(row.public for row in seen(admin, "record", "guest")), "why it must be found out"
    admin.close()


@postgresql_only
def test_the_index_of_public_records_still_serves_guests(filled: Database) -> None:
    record = products.record.c
    with filled.write() as connection:
        rows = [{**_plain_record(number), "public": number % 500 == 0} for number in range(1000, 6000)]
        connection.execute(products.record.insert(), rows)
        connection.execute(sa.text("ANALYZE record"))
    query = sa.select(record.position).where(record.source == "here", record.dataset == "calls", record.public)
    with filled.read() as connection:
        stand_for(connection, "guest", None)
        text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        plan = "\n".join(connection.execute(sa.text(f"EXPLAIN {text}")).scalars())
    assert "ix_record_public" in plan, plan


@postgresql_only
def test_the_planner_does_not_think_that_the_node_sees_little(filled: Database) -> None:
    """Estimates of a few rows lead to sorting and hashing all of them where an index and a limit do."""
    with filled.write() as connection:
        rows = [{**_plain_record(number), "public": False} for number in range(1000, 6000)]
        connection.execute(products.record.insert(), rows)
        connection.execute(sa.text("ANALYZE record"))

    def expected() -> int:
        with filled.read() as connection:
            found = connection.execute(sa.text("EXPLAIN (FORMAT JSON) SELECT * FROM record")).scalar_one()
        return int(found[0]["Plan"]["Plan Rows"])

    assert expected() > 0.7 * len(rows)
    # Control: comparing texts, as one writes it first, the planner expects a few in a hundred.
    plain = "(SELECT current_setting('sealane.wall', true))"
    with filled.write() as connection:
        connection.execute(sa.text("DROP POLICY wall_node ON record"))
        connection.execute(sa.text("DROP POLICY wall_read ON record"))
        connection.execute(sa.text(f"CREATE POLICY wall_node ON record USING ({plain} IN ('node'))"))
        read = f"{plain} IN ('analyst') OR (public AND {plain} IN ('guest'))"
        connection.execute(sa.text(f"CREATE POLICY wall_read ON record FOR SELECT USING ({read})"))
    assert expected() < 0.1 * len(rows)


def _plain_record(number: int) -> dict[str, object]:
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return {
        "source": "here",
        "dataset": "calls",
        "id": str(number),
        "position": number,
        "known_at": now,
        "received_at": now,
        "simulated": False,
        "body": b"{}",
        "digest": "0" * 64,
    }


def test_only_viewers_roles_can_be_stood_for(database: Database) -> None:
    for role in (NODE, "", "root", "partner"):
        with pytest.raises(ValueError, match="no viewer's role"), database.read() as connection:
            stand_for(connection, role, None)
