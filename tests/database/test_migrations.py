"""Migrations make exactly the tables in the code, keep every row up and down, and are done whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from tests.filled import contents, fill

from sealane.database import Database, migrations
from sealane.database.migrations import check_current, head, migrate, migrating, revision
from sealane.database.tables import delivery, metadata
from sealane.errors import InputError, StoreError

VERSIONS = Path(migrations.__file__).parent / "versions"


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


def differences(database: Database) -> list[object]:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))


def tables_of(database: Database) -> set[str]:
    return set(sa.inspect(database.engine).get_table_names()) - {"alembic_version"}


def shape(database: Database) -> dict[str, object]:
    """Return columns, keys, indexes and constraints of every table as the database tells them."""
    found = sa.inspect(database.engine)
    return {
        name: {
            "columns": {c["name"]: (str(c["type"]), c["nullable"]) for c in found.get_columns(name)},
            "key": sorted(found.get_pk_constraint(name)["constrained_columns"]),
            "indexes": sorted(
                (i["name"], tuple(i["column_names"]), bool(i["unique"]))
                for i in found.get_indexes(name)
                if "duplicates_constraint" not in i
            ),
            "unique": sorted((u["name"], tuple(u["column_names"])) for u in found.get_unique_constraints(name)),
            "foreign": sorted(
                (f["name"], tuple(f["constrained_columns"]), f["referred_table"]) for f in found.get_foreign_keys(name)
            ),
        }
        for name in sorted(tables_of(database))
    }


def test_the_migrations_make_exactly_the_tables_in_the_code(empty: Database, databases: Callable[[], Database]) -> None:
    assert revision(empty) is None
    migrate(empty)
    assert revision(empty) == head()
    check_current(empty)
    assert tables_of(empty) == set(metadata.tables)
    assert differences(empty) == []
    made_at_once = databases()
    assert shape(empty) == shape(made_at_once)


def test_the_comparison_would_notice_a_difference(empty: Database) -> None:
    migrate(empty)
    with empty.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE stream ADD COLUMN extra INTEGER"))
        connection.execute(sa.text("DROP INDEX ix_record_booking"))
    assert {str(difference[0]) for difference in differences(empty) if isinstance(difference, tuple)} == {
        "remove_column",
        "add_index",
    }


def test_every_row_survives_every_step_back_and_forth(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        fill(connection)
    with empty.read() as connection:
        before = contents(connection)
    assert all(len(rows) >= 1 for rows in before.values())
    order = migrations._order()
    for back in reversed(order[:-1]):
        migrate(empty, back)
        assert revision(empty) == back
        kept = tables_of(empty)  # a table that a step made goes with it when it is undone
        migrate(empty)
        assert differences(empty) == []
        with empty.read() as connection:
            after = contents(connection)
        # 0002 took two columns of this table with it when it went back.
        assert [row[:3] for row in after.pop("node_info")] == [row[:3] for row in before["node_info"]]
        assert {name for name, rows in after.items() if not rows}.isdisjoint(kept)
        assert {name: after[name] for name in kept - {"node_info"}} == {
            name: before[name] for name in kept - {"node_info"}
        }
    migrate(empty, "base")
    assert tables_of(empty) == set()
    migrate(empty)
    assert differences(empty) == []


def test_tables_of_every_older_revision_with_rows_go_forward(empty: Database) -> None:
    for old in migrations._order()[:-1]:
        migrate(empty, old)
        found = sa.MetaData()
        with empty.engine.connect() as connection:
            found.reflect(connection)
        with empty.write() as connection:
            for table in metadata.sorted_tables:
                if table.name in found.tables:
                    there = found.tables[table.name].columns.keys()
                    values = {c.name: _least(c) for c in table.columns if c.name in there and not c.nullable}
                    connection.execute(table.insert().values(values))
        migrate(empty)
        with empty.read() as connection:
            assert {len(rows) for rows in contents(connection).values()} <= {0, 1}
            assert connection.execute(sa.select(sa.func.count()).select_from(delivery.outbox)).scalar_one() == 1
        migrate(empty, "base")


def _least(column: sa.Column[object]) -> object:
    from random import Random

    from tests.filled import value_of

    return value_of(column, 1, Random(1))


def test_a_step_that_fails_leaves_the_database_as_it_was(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        fill(connection)
    before = shape(empty)

    def half_a_step() -> None:
        with migrating(empty) as connection:
            operations = Operations(MigrationContext.configure(connection))
            with operations.batch_alter_table("stream", recreate="auto") as batch:
                batch.drop_column("last_error")
            operations.drop_table("receipt")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        half_a_step()
    assert shape(empty) == before
    with empty.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(delivery.receipt)).scalar_one() == 7


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_copying_a_table_keeps_the_rows_that_point_to_it(empty: Database, tmp_path: Path) -> None:
    migrate(empty)
    with empty.write() as connection:
        fill(connection)
    with (
        migrating(empty) as connection,
        Operations(MigrationContext.configure(connection)).batch_alter_table("stream", recreate="always") as batch,
    ):
        batch.alter_column("last_error", new_column_name="last_trouble")
    with empty.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(delivery.outbox)).scalar_one() == 7
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    # Control: in an ordinary write transaction SQLite refuses to drop what rows point to.
    with (
        pytest.raises(sa.exc.IntegrityError),
        empty.write() as connection,
        Operations(MigrationContext.configure(connection)).batch_alter_table("stream", recreate="always") as batch,
    ):
        batch.alter_column("last_trouble", new_column_name="last_error")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_rows_that_point_nowhere_undo_the_migration(empty: Database) -> None:
    migrate(empty)
    with empty.write() as connection:
        fill(connection)
    missing = pytest.raises(StoreError, match="point to rows that are missing; nothing was changed")
    with missing, migrating(empty) as connection:
        connection.execute(delivery.stream.delete())
    with empty.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(delivery.stream)).scalar_one() == 7


def test_older_and_newer_tables_are_refused_with_what_to_do(empty: Database) -> None:
    with pytest.raises(InputError, match=r"revision none, this version needs .*`sealane node migrate`"):
        check_current(empty)
    migrate(empty)
    with empty.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (check_current, migrate):
        with pytest.raises(InputError, match="revision 9999, which this version of Sealane does not know"):
            attempt(empty)


def test_an_unknown_target_names_the_known_ones(empty: Database) -> None:
    with pytest.raises(InputError, match=r"There is no revision 12ab\. Known are: base, 0001"):
        migrate(empty, "12ab")


def test_the_steps_do_not_depend_on_the_code_of_today() -> None:
    for path in VERSIONS.glob("r*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(import|from) +sealane\b|import_module", text), path
        assert "down_revision = None" in text or re.search(r'down_revision = "\d{4}"', text), path


def test_a_damaged_file_is_a_store_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'node.db'}")
    migrate(database)
    database.close()
    (tmp_path / "node.db").write_bytes(b"no database at all, but a text that is long enough to be read" * 100)
    for name in ("node.db-wal", "node.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    with pytest.raises(StoreError, match="cannot give data now"):
        revision(database)
    database.close()
