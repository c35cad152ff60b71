"""The node's database: SQLite by default, PostgreSQL by ``SEALANE_DATABASE_URL``; the same tables on both."""

from sealane.database.engine import Database

__all__ = ["Database"]
