"""Brings a node's database to the tables this version needs, and back, with the rows it holds."""

from __future__ import annotations

from sealane.database.engine import Database


def migrate(database: Database) -> None:
    database.create_tables()


def check_current(database: Database) -> None:
    return
