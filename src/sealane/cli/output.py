"""How commands print: JSON for machines on standard output, tables for people, messages on standard error."""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_json(content: object) -> None:
    """Write one JSON document to standard output.

    Not-a-number and infinity are no JSON; they are written as null. Times are ISO 8601 with ``Z``.
    """
    sys.stdout.write(json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False))
    # A write of its own: an unbuffered stream whose reader left midway tells so only at the next write.
    sys.stdout.write("\n")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str):  # a NumPy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def printable(value: object) -> str:
    """Return text that cannot steer the terminal: data such as vessel names may hold control characters."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def console(*, stderr: bool = False) -> Console:
    """Return a console for people; nothing in the data is taken for markup."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table that folds long cells and never cuts them off.

    Columns whose name ends in ``>`` are set flush right.
    """
    cells = [["" if cell is None else printable(cell) for cell in row] for row in rows]
    names = [column.rstrip(">") for column in columns]
    right = [column.endswith(">") for column in columns]
    out = console()
    if not out.is_terminal:
        # A pipe has no width: one record stays on one line, whatever its length.
        flat = [names, *([cell.replace("\n", " ") for cell in row] for row in cells)]
        widths = [max(len(row[i]) for row in flat) for i in range(len(names))]
        for row in flat:
            parts = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True))
            sys.stdout.write("  ".join(parts).rstrip() + "\n")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name, flush in zip(names, right, strict=True):
        table.add_column(name, justify="right" if flush else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print name and value pairs, one or more lines each."""
    pairs = [(name, printable(value)) for name, value in fields]
    out = console()
    if not out.is_terminal:
        width = max(len(name) for name, _ in pairs) + 2
        for name, value in pairs:
            for number, line in enumerate(value.split("\n")):
                sys.stdout.write(f"{'' if number else name:{width}}{line}".rstrip() + "\n")
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(name), Text(value))
    out.print(table)


def counted(number: int, noun: str) -> str:
    """Return "1 clause", "2 clauses"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def message(text: str) -> None:
    """Write a message for people to standard error."""
    sys.stderr.write(printable(text) + "\n")
