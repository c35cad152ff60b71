"""The user's file of what a port call does not tell: periods of control, exceptions, terminals of low activity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sealane.corridors.rules.at_berth import CONTROL_KINDS, EXCEPTIONS
from sealane.emissions.table_file import read_rows
from sealane.errors import DataError, Fault

KINDS = (*CONTROL_KINDS, *EXCEPTIONS, "low_activity")
VISIT_COLUMNS: Mapping[str, str] = {
    "imo": "IMO number of the ship; or give mmsi",
    "mmsi": "MMSI of the ship; or give imo",
    "from": "begin, ISO 8601 in UTC",
    "to": "end, ISO 8601 in UTC",
    "kind": f"one of: {', '.join(KINDS)}; without this column every row is shore power",
}


@dataclass(frozen=True)
class Visit:
    """A period of one ship under a control, or in which an exception holds; half-open, UTC."""

    imo: int | None
    mmsi: int | None
    start: datetime
    end: datetime
    kind: str


def _number(record: Mapping[str, str], name: str, digits: int, where: str, faults: list[Fault]) -> int | None:
    text = record.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) == digits):
        faults.append(Fault(f"{where}, column {name}", repr(text[:60]), f"Give {digits} digits and nothing else"))
        return None
    return int(text)


def _time(record: Mapping[str, str], name: str, where: str, faults: list[Fault]) -> datetime | None:
    text = record.get(name, "").strip()
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        faults.append(Fault(f"{where}, column {name}", repr(text[:60]), "Give an ISO 8601 time in UTC"))
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def read_visits(path: Path) -> tuple[Visit, ...]:
    """Read the file: CSV or Excel with the columns of `VISIT_COLUMNS`; a shore-power file of an inventory is one.

    Raises
    ------
    FileFormatError
        if the file is no table.
    DataError
        naming row, column and remedy of every fault.
    """
    lines = read_rows(path, "file of controls")
    names = [name.lower() for name in lines[0][1]] if lines else []
    lacking = [name for name in ("from", "to") if name not in names]
    twice = sorted({name for name in VISIT_COLUMNS if names.count(name) > 1})
    if lacking or twice or not {"imo", "mmsi"} & set(names):
        found = f"found {', '.join(names)[:200] or 'nothing'}"
        remedy = f"Give each of the columns {', '.join(VISIT_COLUMNS)} once; kind, and mmsi or imo, may be left out"
        raise DataError("The file of controls cannot be used.", [Fault(f"{path}, header", found, remedy)])
    faults: list[Fault] = []
    visits = []
    for number, cells in lines[1:]:
        where = f"{path} row {number}"
        before = len(faults)
        record = dict.fromkeys(names, "") | dict(zip(names, cells, strict=False))
        if len(cells) > len(names):
            faults.append(Fault(where, f"{len(cells)} cells under {len(names)} headings", "One cell for each heading"))
        imo, mmsi = _number(record, "imo", 7, where, faults), _number(record, "mmsi", 9, where, faults)
        start, end = _time(record, "from", where, faults), _time(record, "to", where, faults)
        kind = record["kind"].strip().casefold() if "kind" in record else "shore_power"
        if kind not in KINDS:
            faults.append(Fault(f"{where}, column kind", repr(kind[:60]), f"Give one of: {', '.join(KINDS)}"))
        if imo is None and mmsi is None and len(faults) == before:
            faults.append(Fault(where, "neither imo nor mmsi", "Name the ship"))
        if start is not None and end is not None:
            if start >= end:
                faults.append(Fault(where, "from is not before to", "Give a period that ends after it begins"))
            elif len(faults) == before:
                visits.append(Visit(imo, mmsi, start, end, kind))
    if faults:
        raise DataError("The file of controls cannot be used.", faults)
    return tuple(visits)


def by_ship(visits: Sequence[Visit]) -> Mapping[tuple[str, int], tuple[Visit, ...]]:
    """Visits by ``("imo", number)`` and ``("mmsi", number)``, in the order of time."""
    found: dict[tuple[str, int], list[Visit]] = {}
    for visit in sorted(visits, key=lambda v: (v.start, v.end, v.kind)):
        for name in ("imo", "mmsi"):
            number = getattr(visit, name)
            if number is not None:
                found.setdefault((name, number), []).append(visit)
    return {key: tuple(own) for key, own in found.items()}


def visits_of(of_ship: Mapping[tuple[str, int], Sequence[Visit]], call: Mapping[str, Any]) -> tuple[Visit, ...]:
    """The periods of this call's ship that touch its time at berth; `of_ship` as of `by_ship`."""
    start, end = call["berth_start"], call["berth_end"]
    if start is None or end is None:
        return ()
    named = (visit for name in ("imo", "mmsi") for visit in of_ship.get((name, call[name]), ()))
    return tuple(dict.fromkeys(visit for visit in named if visit.start < end and visit.end > start))
