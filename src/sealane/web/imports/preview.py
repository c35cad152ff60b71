"""Pieces of a preview: rejects with file, line, column and reason, counted reasons, first rows as plain values."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sealane.errors import Fault
from sealane.spreadsheet_text import inert, plain

FIRST_ROWS = 20
MAX_REASONS = 50
MAX_COLUMNS = 60
MAX_CELL_CHARS = 200
REJECT_COLUMNS = ("file", "record", "line", "column", "value", "reason")
REJECTS = Path("rejects.csv")
_PLACE = re.compile(r"\b(row|line|record|feature|message) ([0-9]+)")
_LINES = frozenset({"row", "line"})


def write_faults(faults: Sequence[Fault], name: str) -> None:
    """Write faults as rejects: file, record, line, column, value, reason."""
    with REJECTS.open("w", newline="", encoding="utf-8") as handle:
        rows = csv.writer(handle)
        rows.writerow(REJECT_COLUMNS)
        for fault in faults:
            place = _PLACE.search(fault.where)
            number, is_line = (place[2], place[1] in _LINES) if place else ("", False)
            rest = fault.where[place.end() :].lstrip(" ,:") if place else ""
            where = "" if place else fault.where.removeprefix(name).lstrip(" ,:")
            reason = f"{where}: {fault.remedy}" if where else fault.remedy
            column, line, record = rest.removeprefix("column "), number if is_line else "", "" if is_line else number
            cells = (name, record, line, column[:MAX_CELL_CHARS], fault.found[:MAX_CELL_CHARS], reason)
            rows.writerow([inert(cell) for cell in cells])


def count_reasons(path: Path) -> tuple[list[dict[str, Any]], int]:
    """Return how many rows were rejected or fields ignored for which reason, and how many lines there are."""
    counts: Counter[tuple[str, str]] = Counter()
    total = 0
    with path.open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            total += 1
            key = (plain(row["column"]), plain(row["reason"]))
            counts[key if key in counts or len(counts) < 10 * MAX_REASONS else ("", "other reasons")] += 1
    found = [{"column": c, "reason": r, "rows": n} for (c, r), n in counts.most_common(MAX_REASONS)]
    return found, total


def _cell(value: object) -> str | float | int | bool | None:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return None if value != value else value  # noqa: PLR0124  # NaN is not equal to itself
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    text = str(value)
    return text if len(text) <= MAX_CELL_CHARS else text[:MAX_CELL_CHARS] + "…"


def table_of(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> dict[str, Any]:
    shown = [[_cell(row.get(name)) for name in columns] for row in rows]
    kept = [n for n, name in enumerate(columns) if any(row[n] is not None for row in shown)][:MAX_COLUMNS]
    return {"columns": [columns[n] for n in kept], "rows": [[row[n] for n in kept] for row in shown]}


def iso(time: dt.datetime | None) -> str | None:
    return None if time is None else time.astimezone(dt.UTC).isoformat()
