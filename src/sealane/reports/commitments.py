"""What the parties of agreements promised for a corridor, as its annual progress report tells it.

Reports know nothing of agreements: what is told here comes as plain values, from a node's pages or from files that
``sealane agreement commitments ID --node FOLDER --json`` wrote.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sealane.errors import DataError, Fault
from sealane.reports.corridor_page import Section
from sealane.reports.figures import plural
from sealane.reports.tables import Column, Table

NAME = "commitments"
"""Name of the table where tables are exported."""
MAX_BYTES = 5_000_000
_AIMS = {"at_least": "at least", "at_most": "at most"}
_AGAIN = "Write the file with `sealane agreement commitments ID --node FOLDER --json`"


@dataclass(frozen=True)
class Promise:
    """A commitment and the last report on it.

    Attributes
    ----------
    as_of : day (UTC) on which it stood so.
    agreement, agreement_title, version : the document that holds it.
    demonstration : its terms are made up for a demonstration.
    target : promised value in `unit`; `aim` is ``at_least`` or ``at_most``; None where none is agreed.
    last_report, last_value, recorded_by : day, value in `unit` and who recorded it; None where not reported or noted.
    reached : whether that value keeps the promise; None where there is no target or no value.
    overdue : the last day is over and no report came on or after it.
    """

    as_of: dt.date
    agreement: str
    agreement_title: str
    version: int
    demonstration: bool
    id: str
    by_names: tuple[str, ...]
    what: str
    due: dt.date
    indicator: str
    unit: str | None
    target: float | None
    aim: str | None
    last_report: dt.date | None
    last_value: float | None
    recorded_by: str | None
    reached: bool | None
    overdue: bool


def read_files(paths: Sequence[Path]) -> list[Promise]:
    """Read commitments from files.

    Parameters
    ----------
    paths : each as ``sealane agreement commitments ID --node FOLDER --json`` writes it.

    Raises
    ------
    DataError
        if one is none; all faults are listed.
    """
    found: list[Promise] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                faults.append(Fault(str(path), f"is larger than {MAX_BYTES:,} bytes", _AGAIN))
                continue
            rows = json.loads(data)
        except OSError as error:
            faults.append(Fault(str(path), f"cannot be read ({type(error).__name__})", "Name a file"))
            continue
        except (ValueError, RecursionError) as error:
            faults.append(Fault(str(path), f"is no JSON ({type(error).__name__})", _AGAIN))
            continue
        if not isinstance(rows, list):
            faults.append(Fault(str(path), "is no list of commitments", _AGAIN))
            continue
        for number, row in enumerate(rows, start=1):
            promise = _promise(row, f"{path}, commitment {number}", faults)
            if promise is not None:
                found.append(promise)
    if faults:
        raise DataError("The commitments cannot be read.", faults)
    return found


def promise_of(values: Mapping[str, Any]) -> Promise:
    """Return a commitment from its plain values; errors as `read_files`."""
    faults: list[Fault] = []
    found = _promise(values, "commitment", faults)
    if found is None:
        raise DataError("The commitment cannot be read.", faults)
    return found


def _promise(row: Any, where: str, faults: list[Fault]) -> Promise | None:
    if not isinstance(row, Mapping):
        faults.append(Fault(where, "is no JSON object", _AGAIN))
        return None
    values: dict[str, Any] = {}
    for name, (reader, needed) in _FIELDS.items():
        value = row.get(name)
        if value is None and not needed:
            values[name] = None
            continue
        try:
            values[name] = reader(value)
        except (TypeError, ValueError):
            said = "is missing" if name not in row else f"is {json.dumps(value, default=str)[:60]}"
            faults.append(Fault(f"{where}, {name}", said, _AGAIN))
    return Promise(**values) if len(values) == len(_FIELDS) else None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise TypeError
    return tuple(_text(one) for one in value)


def _day(value: Any) -> dt.date:
    return dt.date.fromisoformat(_text(value))


def _yes(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _aim(value: Any) -> str:
    if value not in _AIMS:
        raise ValueError
    return str(value)


_FIELDS: Mapping[str, tuple[Any, bool]] = {
    "as_of": (_day, True),
    "agreement": (_text, True),
    "agreement_title": (_text, True),
    "version": (_whole, True),
    "demonstration": (_yes, True),
    "id": (_text, True),
    "by_names": (_texts, True),
    "what": (_text, True),
    "due": (_day, True),
    "indicator": (_text, True),
    "unit": (_text, False),
    "target": (_number, False),
    "aim": (_aim, False),
    "last_report": (_day, False),
    "last_value": (_number, False),
    "recorded_by": (_text, False),
    "reached": (_yes, False),
    "overdue": (_yes, True),
}
"""How each value is read, and whether it must be there."""


def section(promised: Sequence[Promise] | None) -> Section:
    """Return the part of the report that tells them; None where nobody gave them, which the part says."""
    title = "What agreements promise"
    if promised is None:
        return Section(NAME, title, ("The commitments of agreements were not given to this report.",))
    if not promised:
        return Section(NAME, title, ("No agreement in force that covers the corridor holds a commitment.",))
    late = sum(one.overdue for one in promised)
    silent = sum(one.last_report is None for one in promised)
    days = sorted({one.as_of for one in promised})
    as_of = str(days[0]) if len(days) == 1 else f"{days[0]} to {days[-1]}"
    counts = f"As they stood on {as_of}: {plural(len(promised), 'commitment')}, {late:,} late, {silent:,} not reported."
    words = [counts, "Late: the last day is over, and no report came on or after it and none tells that it is kept."]
    if any(one.demonstration for one in promised):
        words.append("DEMONSTRATION TERMS: made up for a demonstration; no port has promised what is marked so.")
    return Section(NAME, title, tuple(words), (table(promised),))


def table(promised: Sequence[Promise]) -> Table:
    """Return the commitments as a table, by the day they are due."""
    columns = (
        Column("commitment", width=60),
        Column("due", width=12),
        Column("standing", width=20),
        Column("last value", "", "number"),
        Column("unit", width=10),
        Column("reported", width=12),
        Column("recorded by", width=24),
        Column("terms", width=20),
        Column("measured by", width=50),
        Column("promised by", width=30),
        Column("agreement", width=50),
    )
    rows = [
        (
            one.what,
            one.due.isoformat(),
            standing(one),
            one.last_value,
            one.unit,
            None if one.last_report is None else one.last_report.isoformat(),
            one.recorded_by or (None if one.last_report is None else "not noted"),
            "demonstration terms" if one.demonstration else "agreed terms",
            _measure(one),
            ", ".join(one.by_names),
            f"{one.agreement_title} ({one.agreement}/{one.version})",
        )
        for one in sorted(promised, key=lambda one: (one.due, one.agreement, one.id))
    ]
    return Table("Commitments", columns, rows, "The last report on each; values stand in the unit beside them.")


def standing(one: Promise) -> str:
    """Say how a commitment stands: late or not, and whether the last value keeps it."""
    if one.overdue:
        return "LATE"
    if one.reached is not None:
        return "kept" if one.reached else "not kept yet" if one.as_of <= one.due else "not kept"
    return "not due yet" if one.as_of <= one.due else "reported"


def _measure(one: Promise) -> str:
    aim = "" if one.target is None or one.aim is None else f": {_AIMS[one.aim]} {_in_full(one.target)}"
    return f"{one.indicator}{aim}{f' {one.unit}' if one.unit else ''}"


def _in_full(value: float) -> str:
    """Write a number with every digit it was given with: a promise is not rounded, and no exponent stands in a text."""
    if value.is_integer():
        return f"{int(value):,}"
    return f"{Decimal(repr(value)):,f}"
