"""Alembic runs this for each migration; the connection and its transaction are the caller's."""

from alembic import context

from sealane.database.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite cannot change a column in place: a batch copies the table.
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
