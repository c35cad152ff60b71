"""The reference pages of lanes list every field, column and metric."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sealane.corridors.call_table import CALL_COLUMNS
from sealane.corridors.lanes.document import METRICS, ROLES, STATUSES, corridor_ids, parse_corridor
from sealane.corridors.lanes.schemas import TABLES
from sealane.corridors.lanes.work import FLAGS
from sealane.errors import DataError

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference"


def test_the_page_of_columns_names_every_column_and_flag() -> None:
    page = (DOCS / "corridor-columns.md").read_text(encoding="utf-8")
    names = {*CALL_COLUMNS, *(name for spec in TABLES.values() for name in spec.columns), *FLAGS}
    assert all(f"| `{name}` |" in page for name in names)


def test_every_key_metric_and_document_stands_on_the_page() -> None:
    page = (DOCS / "corridor-documents.md").read_text(encoding="utf-8")
    with pytest.raises(DataError) as caught:
        parse_corridor(b"nonsense: 1\nid: a\n", "x.yaml")
    remedy = next(fault.remedy for fault in caught.value.faults if fault.found == "unknown key")
    keys = remedy.removeprefix("Known keys: ").split(", ")
    assert len(keys) == 15
    for name in (*keys, *METRICS, *ROLES, *STATUSES, *corridor_ids()):
        assert f"`{name}`" in page, name


def test_the_example_of_the_page_can_be_read() -> None:
    page = (DOCS / "corridor-documents.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert example is not None
    assert parse_corridor(example.group(1).encode(), "example.yaml").targets[0].reduction_pct == 30
