"""The rows of a small table that a user keeps by hand, from CSV or Excel, with every cell as text.

What the columns mean is for those who read the table. Formulas and macros are never run: of a formula the value is
read that the spreadsheet program saved with it.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from sealane.errors import FileFormatError

MAX_FILE_BYTES = 50_000_000
MAX_UNPACKED_BYTES = 400_000_000
# Workbooks of tables inflate about tenfold, a bomb a thousandfold; small ones can do no harm.
MAX_INFLATION = 100
UNPACKED_GRACE_BYTES = 20_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 100
MAX_CELL_CHARS = 1_000

# What Excel shows where a formula failed; no comment begins so.
EXCEL_ERRORS = frozenset(("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"))


def read_rows(path: Path, what: str) -> list[tuple[int, list[str]]]:
    """Row number (from 1, as a spreadsheet shows it) and trimmed cells of every row but empty ones and comments.

    Parameters
    ----------
    path : CSV (UTF-8, comma) or Excel (.xlsx, first sheet). A row that begins with ``#`` is a comment.
    what : what the file is, for messages, e.g. ``vessels file``.

    Raises
    ------
    FileFormatError
        if the file is missing, no such table, or larger than a table of ships can be.
    """
    if not path.is_file():
        raise FileFormatError(f"The {what} {path} does not exist. Give a CSV or .xlsx file.")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise FileFormatError(
            f"{path.name} is larger than {MAX_FILE_BYTES // 1_000_000} MB: this is no {what}. "
            "Were the positions given by mistake?"
        )
    with path.open("rb") as file:
        is_zip = file.read(4) == b"PK\x03\x04"
    if path.suffix.lower() == ".xlsx" or is_zip:
        return list(_bounded(path.name, _excel_rows(path, what)))
    return list(_bounded(path.name, _csv_rows(path)))


def _bounded(name: str, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[tuple[int, list[str]]]:
    for count, (number, row) in enumerate(rows, start=1):
        if count > MAX_ROWS:
            raise FileFormatError(f"{name} has more than {MAX_ROWS:,} rows. Leave rows out, empty ones too.")
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MAX_COLUMNS:
            raise FileFormatError(f"{name} row {number} has {len(cells)} columns; at most {MAX_COLUMNS} are read.")
        for at, cell in enumerate(cells, start=1):
            if len(cell) > MAX_CELL_CHARS:
                raise FileFormatError(
                    f"{name} row {number}, column {at}: a cell of {len(cell):,} characters; "
                    f"at most {MAX_CELL_CHARS:,} are read."
                )
        if cells and (not cells[0].startswith("#") or cells[0] in EXCEL_ERRORS):
            yield number, cells


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    raw = path.read_bytes()
    if b"\x00" in raw:
        raise FileFormatError(f"{path.name} holds NUL bytes (UTF-16 or not a text). Save it as CSV UTF-8 or as .xlsx.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise FileFormatError(
            f"{path.name} is not UTF-8 (byte {problem.start}). Save it as CSV UTF-8 or as .xlsx."
        ) from problem
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as problem:
        raise FileFormatError(f"{path.name} line {reader.line_num}: no valid CSV ({problem}).") from problem


def _excel_rows(path: Path, what: str) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook

    with ExitStack() as stack:
        try:
            _check_unpacked_size(path, what)
            # Twice: the values as Excel last saved them, and beside them the formulas they came from.
            books = [load_workbook(path, read_only=True, data_only=values) for values in (True, False)]
            for book in books:
                stack.callback(book.close)
            values, formulas = (
                book.worksheets[0].iter_rows(max_col=MAX_COLUMNS + 1, values_only=True) for book in books
            )
            for number, (row, source) in enumerate(zip(values, formulas, strict=True), start=1):
                yield number, [_cell_text(value, formula) for value, formula in zip(row, source, strict=True)]
        except (GeneratorExit, FileFormatError):
            raise
        except Exception as problem:
            # openpyxl raises many kinds of error for a broken workbook; each means the same to the user.
            raise FileFormatError(f"{path.name} is no readable .xlsx workbook ({problem}). Save it again.") from problem


def _check_unpacked_size(path: Path, what: str) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    packed = path.stat().st_size
    if unpacked > MAX_UNPACKED_BYTES or (unpacked > UNPACKED_GRACE_BYTES and unpacked > MAX_INFLATION * packed):
        raise FileFormatError(f"{path.name} unpacks from {packed:,} to {unpacked:,} bytes; this is no {what}.")


def _cell_text(value: object, formula: object) -> str:
    if value is None:
        # A formula that no spreadsheet program has worked out has no value: shown as it is, so that it is a fault.
        return formula if isinstance(formula, str) and formula.startswith("=") else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
