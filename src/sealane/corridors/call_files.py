"""Reads files of port calls: CSV, Excel and Parquet. Every fault carries file, row and column.

Cells are checked by column, not by row, so that millions of calls are read in seconds.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sealane.corridors.call_merge import Part
from sealane.corridors.call_table import CALL_COLUMNS, CALLS_SCHEMA, NUMBER_COLUMNS, TIME_COLUMNS, null_columns
from sealane.emissions.ship_classes import find_ship_class, find_subtype
from sealane.emissions.table_file import read_rows
from sealane.errors import DataError, Fault, FileFormatError, MissingFactorError

MOST_FAULTS = 1_000
"""Faults of one kind that are listed; the rest are counted."""

_SIMULATED = b"SIMULATED"
_PEEK_BYTES = 65_536
_NUMBER = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
_TIME = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})$"
_TIME_REMEDY = "Give ISO 8601 with its zone, e.g. 2026-07-01T08:15:00Z"
_SOURCE = r"^(own_ais|own_file|partner:\S{1,200})$"
_TRUE, _FALSE = ("yes", "true", "1"), ("no", "false", "0")
_NEEDED = (("port",), ("imo", "mmsi"), ("arrival", "departure"))
_REFUSED = "The port calls cannot be used."
_PLANNED = ("eta", "etd", "etb")
_NOT_ARRIVAL = "A planned time is no call: give arrival or departure as they happened, or name it note_..."
_ALIASES = {
    "vessel": "ship_name",
    "imo_no": "imo",
    "vessel_name": "ship_name",
    "imo_number": "imo",
    "locode": "port",
    "unlocode": "port",
    "ata": "arrival",
    "atd": "departure",
}


def list_faults(
    rows: NDArray[np.int64], make: Callable[[int], Fault], faults: list[Fault], where: str, remedy: str
) -> None:
    """Add a fault for each of the rows, and one that counts what is over `MOST_FAULTS`."""
    faults.extend(make(int(row)) for row in rows[:MOST_FAULTS])
    if len(rows) > MOST_FAULTS:
        faults.append(Fault(where, f"{len(rows) - MOST_FAULTS:,} more rows with the same fault", remedy))


def read_call_file(path: Path, faults: list[Fault]) -> Part:
    """Read one file of calls; columns that it lacks are null.

    Raises
    ------
    FileFormatError
        if it is missing or no table.
    """
    if not path.is_file():
        raise FileFormatError(f"The file of port calls {path} does not exist. Give CSV, .xlsx or Parquet.")
    digest = _sha256(path)
    with path.open("rb") as file:
        head = file.read(_PEEK_BYTES)
    if head[:4] == b"PAR1":
        table, rows, simulated = _read_parquet(path, faults)
    elif head[:4] == b"PK\x03\x04" or path.suffix.lower() == ".xlsx":
        table, rows, simulated = _read_excel(path, faults)
    else:
        table, rows, simulated = _read_csv(path, head, faults)
    table = _finish(table, path.name, rows, faults, simulated=simulated)
    return Part(table, rows, path.name, digest, "own_file")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _column_names(header: list[str], file: str, row: int, faults: list[Fault]) -> list[str | None]:
    """Column of `CALL_COLUMNS` for each header cell; None for a column that is left out."""
    names: list[str | None] = []
    for text in header:
        key = re.sub(r"[\s_\-()\[\]/.]+", "_", text.strip().lower()).strip("_")
        key = _ALIASES.get(key, key)
        if not key or key.startswith("note"):
            names.append(None)
        elif key not in CALL_COLUMNS:
            near = difflib.get_close_matches(key, list(CALL_COLUMNS), n=3)
            remedy = f"Did you mean {' or '.join(near)}?" if near else "Name it note_..., or delete it"
            remedy = _NOT_ARRIVAL if key in _PLANNED else remedy
            faults.append(Fault(f"{file} row {row}, column {text}", "unknown column", remedy))
            names.append(None)
        elif key in names:
            faults.append(Fault(f"{file} row {row}, column {text}", f"{key} again", f"Keep one column {key}"))
            names.append(None)
        else:
            names.append(key)
    return names


def _check_header(header: list[str], names: list[str | None], file: str, row: int) -> None:
    """Refuse a table without the columns that are needed, before its rows give a fault each.

    Raises
    ------
    DataError
        with one fault where the first row is no header at all, else with one for each column that is missing.
    """
    missing = [needed for needed in _NEEDED if not set(needed) & set(names)]
    if not missing:
        return
    told = [cell.strip() for cell in header if cell.strip()]
    where = f"{file} row {row}"
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(told) == 1 and told[0].count(mark) > 1:
            raise DataError(_REFUSED, [Fault(where, f"columns with {word} between them", "Save it with commas")])
    if not any(names):
        raise DataError(
            _REFUSED,
            [
                Fault(
                    where, f"'{', '.join(told)[:80]}' names no column of port calls", "Delete the rows above the header"
                )
            ],
        )
    lacking = [Fault(where, f"no column {' or '.join(needed)}", "Add the column") for needed in missing]
    faults: list[Fault] = []
    _column_names(header, file, row, faults)
    raise DataError(_REFUSED, [*faults, *lacking])


def _read_csv(path: Path, head: bytes, faults: list[Fault]) -> tuple[dict[str, Any], NDArray[np.int64], bool]:
    if b"\x00" in head:
        raise FileFormatError(f"{path.name} holds NUL bytes (UTF-16 or not a text). Save it as CSV UTF-8 or as .xlsx.")
    comments = 0
    simulated = False
    lines = head.removeprefix(b"\xef\xbb\xbf").splitlines()
    for line in lines:
        if line.strip() and not line.startswith(b"#"):
            break
        simulated |= _SIMULATED in line
        comments += 1
    if comments == len(lines):
        raise FileFormatError(f"{path.name} holds no table. Its first row names the columns of port calls.")
    try:
        header = [cell.strip('"\ufeff ') for cell in lines[comments].decode("utf-8").split(",")]
        table = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(skip_rows=comments, autogenerate_column_names=False),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as problem:
        raise FileFormatError(f"{path.name} is no valid CSV in UTF-8 ({problem}). Save it as CSV UTF-8.") from problem
    names = _column_names(table.column_names, path.name, comments + 1, faults)
    _check_header(table.column_names, names, path.name, comments + 1)
    found = {
        name: pc.utf8_trim_whitespace(table.column(at).cast(pa.string()).combine_chunks())
        for at, name in enumerate(names)
        if name
    }
    return found, np.arange(len(table), dtype=np.int64) + comments + 2, simulated


def _read_excel(path: Path, faults: list[Fault]) -> tuple[dict[str, Any], NDArray[np.int64], bool]:
    lines = read_rows(path, "file of port calls")
    if not lines:
        raise FileFormatError(f"{path.name} holds no table. Its first row names the columns of port calls.")
    number, header = lines[0]
    names = _column_names(header, path.name, number, faults)
    _check_header(header, names, path.name, number)
    body = lines[1:]
    found = {}
    for at, name in enumerate(names):
        if name is None:
            continue
        cells = [(row[at] if at < len(row) else "") or None for _, row in body]
        if name in TIME_COLUMNS:
            # A date cell of a workbook has no zone; it is read as UTC, as the documentation says.
            cells = [f"{c}Z" if c and re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ][\d:.]+", c) else c for c in cells]
        found[name] = pa.array(cells, pa.string())
    simulated = _workbook_is_simulated(path)
    return found, np.array([row for row, _ in body], np.int64), simulated


def _workbook_is_simulated(path: Path) -> bool:
    from openpyxl import load_workbook

    book = load_workbook(path, read_only=True, data_only=True)
    try:
        rows = book.worksheets[0].iter_rows(max_row=20, max_col=1, values_only=True)
        return any(str(row[0] or "").startswith("#") and "SIMULATED" in str(row[0]) for row in rows)
    finally:
        book.close()


def _read_parquet(path: Path, faults: list[Fault]) -> tuple[dict[str, Any], NDArray[np.int64], bool]:
    try:
        table = pq.read_table(path)
    except (OSError, ValueError) as problem:
        raise FileFormatError(f"{path.name} is no Parquet file ({problem}).") from None
    names = _column_names(table.column_names, path.name, 0, faults)
    _check_header(table.column_names, names, path.name, 0)
    simulated = _SIMULATED in (table.schema.metadata or {}).get(b"sealane", b"")
    found: dict[str, Any] = {}
    for at, name in enumerate(names):
        if name is None:
            continue
        column = table.column(at).combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            faults.append(Fault(f"{path.name}, column {name}", "times without zone", "Write them with zone UTC"))
            column = pa.nulls(len(table), CALL_COLUMNS[name].type)
        found[name] = column
    return found, np.arange(len(table), dtype=np.int64) + 1, simulated


def _finish(
    found: dict[str, Any], file: str, rows: NDArray[np.int64], faults: list[Fault], *, simulated: bool
) -> pa.Table:
    """Cells to the types of the schema."""
    columns = []
    nulls = null_columns(len(rows))
    for name, column in CALL_COLUMNS.items():
        cells = found.pop(name, None)
        if cells is None or pa.types.is_null(cells.type):
            columns.append(nulls(column.type))
        elif pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
            columns.append(_from_text(name, cells.cast(pa.string()), file, rows, faults))
        else:
            try:
                columns.append(cells.cast(column.type))
            except pa.ArrowInvalid as problem:
                faults.append(Fault(f"{file}, column {name}", str(problem), f"Write the column as {column.type}"))
                columns.append(pa.nulls(len(rows), column.type))
    table = pa.table(columns, schema=CALLS_SCHEMA)
    table = _put(table, "port", pc.utf8_upper(pc.replace_substring(table["port"], " ", "")))
    table = _put(table, "source", pc.fill_null(table["source"], "own_file"))
    table = _put(table, "observed", pc.fill_null(table["observed"], True))
    named = pc.starts_with(pc.utf8_upper(pc.fill_null(table["ship_name"], "")), "SIMULATED")
    told = pc.or_(pc.fill_null(table["simulated"], simulated), named)
    return _classes(_put(table, "simulated", told), file, rows, faults)


def _put(table: pa.Table, name: str, column: Any) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), column)


def _from_text(name: str, cells: pa.Array, file: str, rows: NDArray[np.int64], faults: list[Fault]) -> pa.Array:
    kind = CALL_COLUMNS[name].type
    if name == "source":
        return _checked(name, cells, _SOURCE, "Give own_ais, own_file or partner:<id>", file, rows, faults)
    if kind == pa.string():
        return cells
    if kind == pa.bool_():
        words = pc.utf8_lower(cells)
        true, false = (pc.is_in(words, pa.array(w)) for w in (_TRUE, _FALSE))
        bad = pc.and_(pc.is_valid(cells), pc.invert(pc.or_(true, false)))
        _list_bad(name, cells, bad, "Give yes or no", file, rows, faults)
        return pc.if_else(pc.is_valid(cells), true, pa.scalar(None, pa.bool_()))
    if name in TIME_COLUMNS:
        good = _checked(name, cells, _TIME, _TIME_REMEDY, file, rows, faults)
        return _to_time(name, good, file, rows, faults)
    if name == "imo":
        cells = pc.replace_substring_regex(cells, r"(?i)^imo\s*", "")
    pattern, remedy = (_NUMBER, "Give a number") if name in NUMBER_COLUMNS else (r"^\d{1,9}$", "Give digits only")
    return _checked(name, cells, pattern, remedy, file, rows, faults).cast(kind)


def _to_time(name: str, cells: pa.Array, file: str, rows: NDArray[np.int64], faults: list[Fault]) -> pa.Array:
    kind = CALL_COLUMNS[name].type
    try:
        return cells.cast(kind)
    except pa.ArrowInvalid:  # a month 13 or an hour 25 somewhere: find each
        bad = np.zeros(len(cells), np.bool_)
        for at, cell in enumerate(cells.to_pylist()):
            if cell is not None:
                try:
                    pa.scalar(cell).cast(kind)
                except pa.ArrowInvalid:
                    bad[at] = True
        _list_bad(name, cells, pa.array(bad), _TIME_REMEDY, file, rows, faults)
        return pc.if_else(pa.array(bad), pa.scalar(None, pa.string()), cells).cast(kind)


def _checked(
    name: str, cells: pa.Array, pattern: str, remedy: str, file: str, rows: NDArray[np.int64], faults: list[Fault]
) -> pa.Array:
    """The cells that match the pattern; null for the others, each of them a fault."""
    good = pc.fill_null(pc.match_substring_regex(cells, pattern), False)
    bad = pc.and_(pc.is_valid(cells), pc.invert(good))
    _list_bad(name, cells, bad, remedy, file, rows, faults)
    return pc.if_else(good, cells, pa.scalar(None, pa.string()))


def _list_bad(
    name: str, cells: pa.Array, bad: Any, remedy: str, file: str, rows: NDArray[np.int64], faults: list[Fault]
) -> None:
    at = np.flatnonzero(np.asarray(bad))
    list_faults(
        at,
        lambda i: Fault(f"{file} row {rows[i]}, column {name}", f"'{cells[i].as_py()}'", remedy),
        faults,
        f"{file}, column {name}",
        remedy,
    )


def _classes(table: pa.Table, file: str, rows: NDArray[np.int64], faults: list[Fault]) -> pa.Table:
    """Ship classes and subtypes as EPA Table E.1 spells them."""
    pairs = pc.binary_join_element_wise(
        pc.fill_null(table["ship_class"], ""), pc.fill_null(table["subtype"], ""), "\x1f"
    ).combine_chunks()
    coded = pairs.dictionary_encode()
    known: list[tuple[str | None, str | None]] = []
    for code, pair in enumerate(coded.dictionary.to_pylist()):
        ship_class, _, subtype = pair.partition("\x1f")
        try:
            known.append(_class_pair(ship_class, subtype))
        except (MissingFactorError, DataError) as problem:
            known.append((None, None))
            column = "subtype" if known_class(ship_class) else "ship_class"
            first = int(rows[np.flatnonzero(coded.indices.to_numpy() == code)[0]])
            faults.append(Fault(f"{file} row {first}, column {column}", str(problem).rstrip("."), "Give one of them"))
    for place, name in enumerate(("ship_class", "subtype")):
        names = pa.array([pair[place] for pair in known], pa.string())
        table = _put(table, name, names.take(coded.indices) if len(names) else table[name])
    return table


def known_class(ship_class: str) -> bool:
    """True for a class of EPA Table E.1; then it is the subtype that nobody knows."""
    try:
        return bool(ship_class and find_ship_class(ship_class))
    except (MissingFactorError, DataError):
        return False


def _class_pair(ship_class: str, subtype: str) -> tuple[str | None, str | None]:
    if not ship_class:
        if subtype:
            raise MissingFactorError(f"A subtype '{subtype}' without a ship class.")
        return None, None
    name = find_ship_class(ship_class)
    return name, find_subtype(name, subtype) if subtype else None
