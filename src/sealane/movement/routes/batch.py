"""Distances of a file of pairs of places."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sealane.errors import DataError, Fault, FileFormatError
from sealane.movement.routes.find import route_distances_nm
from sealane.spreadsheet_text import inert

_COLUMNS = ("origin", "destination")


def distances_of_file(
    path: str | Path, *, speed_kn: float | None = None, avoid: Sequence[str] = (), polar: bool = False
) -> list[dict[str, Any]]:
    """Rows of a CSV file of pairs with their distance.

    Parameters
    ----------
    path : CSV in UTF-8 with the columns origin and destination; other columns are handed through.
    speed_kn, avoid, polar : as in :func:`sealane.movement.routes.find.route`.

    Returns
    -------
    The rows in their order, with ``distance_nm`` (nm) and, where a speed is given, ``hours``.

    Raises
    ------
    FileFormatError : the file is no such CSV.
    DataError : cells are empty or name no place; all faults at once.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise FileFormatError(f"{path}: expected CSV in UTF-8, found other bytes ({problem.reason}).") from problem
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = tuple(reader.fieldnames or ())
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as problem:
        raise FileFormatError(f"{path} line {reader.line_num}: no CSV ({problem}).") from problem
    missing = [name for name in _COLUMNS if name not in header]
    if missing:
        found = ", ".join(header) or "nothing"
        raise FileFormatError(f"{path}: the columns {', '.join(missing)} are missing; found {found}.")
    title = f"The pairs in {path.name} cannot be used."
    if speed_kn is not None and not 0.0 < speed_kn <= 100.0:
        raise DataError(title, [Fault("speed_kn", f"{speed_kn:g}", "Give knots above 0, at most 100.")])
    faults = []
    for line, row in rows:
        where = f"{path.name} line {line}"
        if None in row or None in row.values():
            faults.append(Fault(where, "more or fewer cells than the header", f"Give {len(header)} cells."))
            continue
        faults += [
            Fault(f"{where}, column {name}", "empty", "Give a place.") for name in _COLUMNS if not row[name].strip()
        ]
    if faults:
        raise DataError(title, faults)
    try:
        lengths = route_distances_nm([(row["origin"], row["destination"]) for _, row in rows], avoid, polar=polar)
    except DataError as problem:
        raise DataError(
            title, [_at_line(fault, [line for line, _ in rows], path.name) for fault in problem.faults]
        ) from None
    out = []
    for (_, row), length in zip(rows, lengths.tolist(), strict=True):
        done: dict[str, Any] = {**row, "distance_nm": length}
        if speed_kn is not None:
            done["hours"] = length / speed_kn
        out.append(done)
    return out


def _at_line(fault: Fault, lines: Sequence[int], name: str) -> Fault:
    """A fault of pair n named by its line in the file."""
    head, comma, rest = fault.where.partition(",")
    if not head.startswith("pair "):
        return fault
    return Fault(f"{name} line {lines[int(head.removeprefix('pair ')) - 1]}{comma}{rest}", fault.found, fault.remedy)


def write_distances(rows: Sequence[dict[str, Any]], path: str | Path) -> None:
    """Write rows as CSV; distances to 0.001 nm. The file stands whole or not at all.

    Parameters
    ----------
    rows : as :func:`distances_of_file` gives them.
    path : the file; an existing one is replaced.
    """
    path = Path(path)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    columns = list(rows[0]) if rows else [*_COLUMNS, "distance_nm"]
    writer.writerow([inert(column) for column in columns])
    writer.writerows([[_cell(row[c]) for c in columns] for row in rows])
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text.getvalue(), encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.3f}"
    return inert(value) if isinstance(value, str) else value
