"""The page that lists every column of port calls and of a lane's tables, made from their definitions."""

from __future__ import annotations

from collections.abc import Mapping

from sealane.corridors.call_table import CALL_COLUMNS
from sealane.corridors.lanes.schemas import TABLES
from sealane.corridors.lanes.work import FLAGS
from sealane.inventory.schemas import Column

HEAD = """\
# Tables of a lane

Generated from the definitions. Times are UTC; a column that is not known is null, never zero.

## Port calls

What `sealane lane` and `sealane arrival` read: CSV (UTF-8, comma), Excel (.xlsx, first sheet) or Parquet with these
columns, in any order, and folders of `sealane inventory`. Needed are `port`, `imo` or `mmsi`, and `arrival` or
`departure`. Times are ISO 8601 with their zone, e.g. `2026-07-01T08:15:00Z`; a date cell of Excel has none and is
read as UTC. A row that begins with `#` is a comment; one that holds SIMULATED in front of the header marks the whole
file. A column whose name begins with `note` is ignored, any other unknown one is a fault.
"""


def _table(columns: Mapping[str, Column]) -> list[str]:
    lines = ["", "| column | type | unit | meaning |", "|---|---|---|---|"]
    for name, column in columns.items():
        lines.append(f"| `{name}` | {column.type} | {column.unit} | {column.meaning.replace('|', '/')} |")
    return lines


def columns_page() -> str:
    """The page as Markdown."""
    lines = [HEAD.rstrip(), *_table(CALL_COLUMNS)]
    for spec in TABLES.values():
        lines += ["", f"## {spec.file}", "", f"A row is {spec.row}. Identified and ordered by: {', '.join(spec.key)}."]
        lines += _table(spec.columns)
    lines += ["", "## Flags of legs", "", "| flag | meaning |", "|---|---|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in FLAGS.items()]
    return "\n".join(lines) + "\n"
