"""Rows for every table of the node's database, made from the columns' types: for what must keep any data."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import sqlalchemy as sa

from sealane.database.tables import metadata
from sealane.database.types import JsonText, UtcDateTime

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
TEXTS = ("a", "Ōsaka ⚓ 港", 'it\'s "quoted"\\n\n\ttab', "", "x" * 19)


def fill(connection: sa.Connection, rows: int = 7, seed: int = 0, first: int = 1) -> None:
    """Insert so many rows into every table that has none or only such rows; keys begin at `first`."""
    chosen = random.Random(seed)
    for table in metadata.sorted_tables:
        count = 1 if table.name in {"node_info", "ledger_head", "record_counter"} else rows
        if count == 1 and connection.execute(sa.select(sa.func.count()).select_from(table)).scalar():
            continue
        values = [{column.name: value_of(column, number, chosen) for column in table.columns}
                  for number in range(first, first + count)]  # fmt: skip
        connection.execute(table.insert(), values)


def value_of(column: sa.Column[Any], number: int, chosen: random.Random) -> Any:
    """Return a value that fits; keys and unique columns are told by the number, so that foreign keys meet them."""
    kind = column.type
    is_key = column.primary_key or bool(column.foreign_keys) or column.name in _UNIQUE or _in_unique(column)
    if column.nullable and not is_key and chosen.random() < 0.3:
        return None
    if isinstance(kind, UtcDateTime):
        micros = number if is_key else chosen.randrange(-(10**12), 4 * 10**15)
        return EPOCH + dt.timedelta(microseconds=micros)
    if isinstance(kind, JsonText):
        return {"text": chosen.choice(TEXTS), "list": [1, 2.5, None, True]}
    if isinstance(kind, sa.Boolean):
        return chosen.random() < 0.5
    if isinstance(kind, sa.Date):
        return dt.date(2024, 2, 29)
    if isinstance(kind, sa.LargeBinary):
        return chosen.randbytes(32)
    if isinstance(kind, sa.BigInteger):
        return number if is_key else chosen.choice([0, -1, 2**53 + 1, 2**63 - 1])
    if isinstance(kind, sa.Integer):
        return number if is_key else chosen.choice([0, 7, 2**31 - 1])
    if is_key:
        return f"k{number}"
    length = kind.length if isinstance(kind, sa.String) and kind.length else 40
    return chosen.choice(TEXTS)[:length]


_UNIQUE = {"stream_id", "event_id", "position", "agreement_id", "version"}


def _in_unique(column: sa.Column[Any]) -> bool:
    table = column.table
    assert isinstance(table, sa.Table)
    groups = [c.columns for c in table.constraints if isinstance(c, sa.UniqueConstraint)]
    groups += [i.columns for i in table.indexes if i.unique]
    return any(column.name in group for group in groups)


def contents(connection: sa.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, sorted."""
    found = {}
    for table in metadata.sorted_tables:
        rows = connection.execute(sa.select(table)).all()
        found[table.name] = sorted((tuple(row) for row in rows), key=repr)
    return found
