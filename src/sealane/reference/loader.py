"""The one strict loader of published numbers.

A table is a tidy CSV file under ``reference/tables``: key columns that name what a number is for, then
``value, unit, source, edition, grade, valid_from``. The loader refuses a table that breaks its own rules and
lists every fault at once, so that a look-up later can trust each row.

Grades: **A** the agency's own data, or two independent sources agree; **B** one source that cites the
publication; **C** a third party, or a cell that is itself doubtful; **D** an assumption of this project.
"""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path

from sealane.errors import Fault, MissingFactorError, ReferenceDataError

TABLES_DIR = Path(__file__).parent / "tables"
GRADES = ("A", "B", "C", "D")
PROVENANCE = ("source", "edition", "grade", "valid_from")
NO_VALUE_UNIT = "text"


@dataclass(frozen=True)
class TableSpec:
    """What a table must look like.

    Attributes
    ----------
    name : name of the table and of its file without ``.csv``.
    title : one line saying what the numbers are.
    keys : key columns; together with ``valid_from`` they are unique.
    units : units a row may carry.
    texts : further text columns that are carried but are not keys.
    size_range : ``(low, high)``: two of the keys that bound a range; within the other keys the ranges must
        tile from `range_start` to infinity without gap or overlap. A row holds for ``low <= size < high``.
    minimum, maximum : closed bounds of a plausible value.
    has_value : False for a table that maps text to text; it then has neither ``value`` nor ``unit``.
    """

    name: str
    title: str
    keys: tuple[str, ...]
    units: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    size_range: tuple[str, str] | None = None
    range_start: float = 0.0
    minimum: float = 0.0
    maximum: float = math.inf
    has_value: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The header the file must have, in this order."""
        value = ("value", "unit") if self.has_value else ()
        return (*self.keys, *self.texts, *value, *PROVENANCE)


@dataclass(frozen=True)
class FactorRow:
    """One published number with its provenance. `value` is NaN in a table that maps text to text."""

    table: str
    line: int
    keys: tuple[tuple[str, str], ...]
    value: float
    unit: str
    source: str
    edition: str
    grade: str
    valid_from: date
    texts: tuple[tuple[str, str], ...] = ()

    @cached_property
    def _texts(self) -> dict[str, str]:
        return dict(self.keys + self.texts)

    def text(self, column: str) -> str:
        """Text of a key or text column; KeyError if the table has no such column."""
        return self._texts[column]

    @property
    def label(self) -> str:
        """Short name for messages and explanations: ``table/key/key``."""
        return "/".join((self.table, *(text for _, text in self.keys)))


@dataclass(frozen=True)
class Table:
    """A checked table. Look-ups return a row or raise `MissingFactorError`; they never return None."""

    spec: TableSpec
    path: str
    rows: tuple[FactorRow, ...]

    @cached_property
    def _by_key(self) -> dict[tuple[str, ...], tuple[FactorRow, ...]]:
        groups: dict[tuple[str, ...], list[FactorRow]] = {}
        for row in self.rows:
            groups.setdefault(tuple(text for _, text in row.keys), []).append(row)
        return {key: tuple(sorted(rows, key=lambda r: r.valid_from)) for key, rows in groups.items()}

    @cached_property
    def _by_other_keys(self) -> dict[tuple[str, ...], tuple[FactorRow, ...]]:
        """Rows by all keys that do not bound the size range."""
        groups: dict[tuple[str, ...], list[FactorRow]] = {}
        for row in self.rows:
            others = tuple(text for name, text in row.keys if name not in (self.spec.size_range or ()))
            groups.setdefault(others, []).append(row)
        return {key: tuple(rows) for key, rows in groups.items()}

    def row(self, *key: str, on: date | None = None) -> FactorRow:
        """Row of exactly this key.

        Parameters
        ----------
        key : one text per key column, in the order of ``spec.keys``.
        on : take the newest row valid on this date; without it the newest row.

        Raises
        ------
        MissingFactorError
            if there is no such row, naming the key, the nearest known keys and the remedy.
        """
        candidates = self._by_key.get(key, ())
        valid = [row for row in candidates if on is None or row.valid_from <= on]
        if valid:
            return valid[-1]
        wanted = ", ".join(f"{name}={text}" for name, text in zip(self.spec.keys, key, strict=False))
        if candidates:
            known = f"The first row is valid from {candidates[0].valid_from}."
        else:
            near = difflib.get_close_matches("/".join(key), ["/".join(k) for k in self._by_key], n=5, cutoff=0.3)
            known = f"Nearest rows: {'; '.join(near)}." if near else ""
        raise MissingFactorError(
            f"No published value in table '{self.spec.name}' ({self.spec.title}) for {wanted}"
            f"{'' if on is None else f' on {on}'}. {known} "
            f"List the rows with 'sealane factors {self.spec.name}'; give the value yourself, "
            f"with its source, or choose another method."
        )

    def has(self, *key: str) -> bool:
        """True if a row of exactly this key exists."""
        return key in self._by_key

    def find(self, **keys: str) -> tuple[FactorRow, ...]:
        """All rows, in file order, whose named columns hold these texts; may be empty."""
        return tuple(row for row in self.rows if all(row.text(name) == text for name, text in keys.items()))

    def in_range(self, size: float, **keys: str) -> tuple[FactorRow, ...]:
        """Rows of these keys whose range holds `size`.

        Raises
        ------
        MissingFactorError
            if no row has these keys or the size lies below the first range.
        """
        if self.spec.size_range is None:
            raise ReferenceDataError(f"Table '{self.spec.name}' has no size range.")
        low, high = self.spec.size_range
        others = [name for name in self.spec.keys if name not in (low, high)]
        if keys.keys() == set(others):
            group = self._by_other_keys.get(tuple(keys[name] for name in others), ())
        else:
            group = self.find(**keys)
        rows = tuple(row for row in group if float(row.text(low)) <= size < float(row.text(high)))
        if not rows:
            wanted = ", ".join(f"{name}={text}" for name, text in keys.items())
            raise MissingFactorError(
                f"No published value in table '{self.spec.name}' for {wanted}, size {size:g}. "
                f"List the rows with 'sealane factors {self.spec.name}'."
            )
        return rows


def _parse_row(
    spec: TableSpec, where: str, line: int, record: Mapping[str, str], faults: list[Fault]
) -> FactorRow | None:
    """One typed row, or None with its faults appended."""
    before = len(faults)

    def fault(column: str, remedy: str) -> None:
        faults.append(Fault(f"{where} line {line}, column {column}", f"'{record[column]}'", remedy))

    for column in (*spec.keys, "source", "edition"):
        if not record[column] or record[column] != record[column].strip():
            fault(column, "Give a non-empty text without blanks around it")
    if record["grade"] not in GRADES:
        fault("grade", f"Give one of {', '.join(GRADES)}")
    valid_from = date.min
    try:
        valid_from = date.fromisoformat(record["valid_from"])
    except ValueError:
        fault("valid_from", "Give a date as YYYY-MM-DD")
    value = math.nan
    if spec.has_value:
        try:
            value = float(record["value"])
        except ValueError:
            fault("value", "Give a number")
        else:
            if not (math.isfinite(value) and spec.minimum <= value <= spec.maximum):
                fault("value", f"Give a number from {spec.minimum:g} to {spec.maximum:g}")
        if record["unit"] not in spec.units:
            fault("unit", f"Give one of: {', '.join(spec.units)}")
    for column in spec.size_range or ():
        try:
            float(record[column])
        except ValueError:
            fault(column, "Give a number or inf")
    if len(faults) > before:
        return None
    return FactorRow(
        table=spec.name,
        line=line,
        keys=tuple((name, record[name]) for name in spec.keys),
        value=value,
        unit=record["unit"] if spec.has_value else NO_VALUE_UNIT,
        source=record["source"],
        edition=record["edition"],
        grade=record["grade"],
        valid_from=valid_from,
        texts=tuple((name, record[name]) for name in spec.texts),
    )


def _check_unique(where: str, rows: Iterable[FactorRow], faults: list[Fault]) -> None:
    seen: dict[tuple[object, ...], int] = {}
    for row in rows:
        key = (row.keys, row.valid_from)
        if key in seen:
            faults.append(
                Fault(
                    f"{where} line {row.line}",
                    f"same key as line {seen[key]}: {row.label}",
                    "Keep one of them",
                )
            )
        else:
            seen[key] = row.line


def _check_tiling(spec: TableSpec, where: str, rows: Iterable[FactorRow], faults: list[Fault]) -> None:
    """Within the other keys, the ranges must run from `range_start` to infinity without gap or overlap."""
    if spec.size_range is None:
        return
    low, high = spec.size_range
    groups: dict[tuple[object, ...], list[tuple[float, float, int]]] = {}
    for row in rows:
        others = (*((n, t) for n, t in row.keys if n not in (low, high)), row.valid_from)
        groups.setdefault(others, []).append((float(row.text(low)), float(row.text(high)), row.line))
    for ranges in groups.values():
        ranges.sort()
        expected = spec.range_start
        for start, end, line in ranges:
            if start != expected:
                kind = "gap" if start > expected else "overlap"
                faults.append(
                    Fault(
                        f"{where} line {line}, column {low}",
                        f"{kind}: starts at {start:g}",
                        f"Start at {expected:g}",
                    )
                )
            if not end > start:
                faults.append(Fault(f"{where} line {line}, column {high}", f"{end:g}", f"End above {start:g}"))
            expected = end
        if not math.isinf(expected):
            faults.append(
                Fault(
                    f"{where} line {ranges[-1][2]}, column {high}",
                    f"{expected:g}",
                    "Let the last range end at inf",
                )
            )


def read_table(spec: TableSpec, path: Path | None = None) -> Table:
    """Read and check one table.

    Parameters
    ----------
    spec : what the table must look like.
    path : the file; by default ``<name>.csv`` in the shipped folder.

    Raises
    ------
    ReferenceDataError
        listing every fault: missing or extra columns, wrong types, units, grades, dates, empty sources,
        double keys, ranges with gap or overlap.
    """
    path = path or TABLES_DIR / f"{spec.name}.csv"
    faults: list[Fault] = []
    rows: list[FactorRow] = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ReferenceDataError(f"Reference table {path.name} cannot be read: {problem}") from problem
    reader = csv.reader(text.splitlines())
    header = tuple(next(reader, ()))
    if header != spec.columns:
        raise ReferenceDataError(
            f"Reference table {path.name}: the columns are {', '.join(header)}; expected {', '.join(spec.columns)}."
        )
    for cells in reader:
        if len(cells) != len(header):
            faults.append(
                Fault(f"{path.name} line {reader.line_num}", f"{len(cells)} cells", f"Give {len(header)} cells")
            )
            continue
        row = _parse_row(spec, path.name, reader.line_num, dict(zip(header, cells, strict=True)), faults)
        if row is not None:
            rows.append(row)
    if not rows and not faults:
        faults.append(Fault(path.name, "no rows", "Give at least one row"))
    _check_unique(path.name, rows, faults)
    _check_tiling(spec, path.name, rows, faults)
    if faults:
        lines = "\n".join(f"  - {fault}" for fault in faults)
        raise ReferenceDataError(f"Reference table {path.name} breaks its own rules:\n{lines}")
    return Table(spec=spec, path=path.name, rows=tuple(rows))


@cache
def load_spec(spec: TableSpec) -> Table:
    """The shipped table of this specification, read once."""
    return read_table(spec)
