"""Every column of a scenario's tables is described, and nothing else is."""

from __future__ import annotations

from sealane.corridors.plan.results import PLAN_TABLES
from sealane.corridors.scenarios.columns import COLUMNS, TABLE_ROWS
from sealane.corridors.scenarios.model import COMPARE_TABLES, RESULT_TABLES, STUDY_TABLES

TABLES = {**RESULT_TABLES, **STUDY_TABLES, **COMPARE_TABLES, **PLAN_TABLES}


def test_every_table_and_column_is_described() -> None:
    assert set(TABLE_ROWS) == set(TABLES)
    assert set(COLUMNS) == {name for schema in TABLES.values() for name in schema.names}
