"""What a ship says about itself in AIS static messages: late, changing, and sometimes wrong.

For each field the value that most reports carry wins, the smallest at a tie; zero and padding mean "not available";
an IMO number whose check digit is wrong is not used. What was wrong is kept in words.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from sealane.emissions.user_vessels import imo_check_digit_ok
from sealane.movement.positions import POSITION_COLUMNS, STATIC_COLUMNS

_T = TypeVar("_T", int, float, str)

# One row per vessel and distinct static message; `resolve_vessels` takes this table.
STATIC_SUMMARY_SCHEMA = pa.schema(
    [
        ("mmsi", pa.int32()),
        *((name, POSITION_COLUMNS[name][0]) for name in STATIC_COLUMNS),
        ("draught_max_m", pa.float64()),
        ("rows", pa.int64()),
        ("first_time", pa.timestamp("us", tz="UTC")),
        ("last_time", pa.timestamp("us", tz="UTC")),
    ]
)


def summarise_static(positions: pa.Table) -> pa.Table:
    """Distinct static messages of each vessel, with how often and when they were sent.

    Parameters
    ----------
    positions : a table with the columns of `POSITION_SCHEMA`.

    Returns
    -------
    pa.Table of `STATIC_SUMMARY_SCHEMA`, sorted; ``draught_max_m`` is the largest draught reported, null where none.
    """
    draught = positions["draught_m"]
    known = pc.and_(pc.is_valid(draught), pc.and_(pc.greater(draught, 0), pc.is_finite(draught)))
    table = positions.select(["mmsi", "time", *STATIC_COLUMNS]).append_column(
        "draught", pc.if_else(known, draught, pa.scalar(None, pa.float64()))
    )
    keys = ["mmsi", *STATIC_COLUMNS]
    grouped = table.group_by(keys, use_threads=False).aggregate(
        [("draught", "max"), ("time", "count"), ("time", "min"), ("time", "max")]
    )
    grouped = grouped.select([*keys, "draught_max", "time_count", "time_min", "time_max"])
    grouped = grouped.rename_columns(STATIC_SUMMARY_SCHEMA.names).cast(STATIC_SUMMARY_SCHEMA)
    return grouped.sort_by([(name, "ascending") for name in [*keys, "first_time"]])


@dataclass(frozen=True)
class StaticData:
    """What one vessel said about itself, after the vote; None where nothing usable was reported."""

    imo: int | None
    name: str | None
    ais_type: int | None
    length_m: float | None
    beam_m: float | None
    class_b: bool
    draught_max_m: float | None
    rows: int
    changes: int
    notes: tuple[str, ...]


def _vote(votes: Iterable[tuple[_T | None, int]]) -> tuple[_T | None, int]:
    """Value with most reports, the smallest at a tie; and how many other values were reported."""
    count: dict[_T, int] = defaultdict(int)
    for value, rows in votes:
        if value is not None:
            count[value] += rows
    if not count:
        return None, 0
    return min(count, key=lambda value: (-count[value], value)), len(count) - 1


def clean_name(name: str | None) -> str | None:
    """Name without the padding of AIS ('@' and blanks); None where nothing is left."""
    if name is None:
        return None
    text = " ".join(name.replace("@", " ").split())
    return text or None


def _positive(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and value > 0 else None


def read_static(records: Sequence[Mapping[str, object]]) -> StaticData:
    """Static data of one vessel from its rows of the static summary, by vote for each field."""

    def column(name: str) -> list[tuple[object, int]]:
        return [(record[name], int(str(record["rows"]))) for record in records]

    reported = [(int(str(v)), n) for v, n in column("imo") if v]
    imo, imo_changes = _vote((v if imo_check_digit_ok(v) else None, n) for v, n in reported)
    invalid = sorted({v for v, _ in reported if not imo_check_digit_ok(v)})
    name, name_changes = _vote((clean_name(v if isinstance(v, str) else None), n) for v, n in column("vessel_name"))
    ais_type, type_changes = _vote((int(str(v)) if v else None, n) for v, n in column("ais_type"))
    length, length_changes = _vote((_number(v), n) for v, n in column("length_m"))
    beam, beam_changes = _vote((_number(v), n) for v, n in column("beam_m"))
    transceiver, _ = _vote((v if isinstance(v, str) else None, n) for v, n in column("transceiver_class"))
    draughts = [d for d in (_number(record["draught_max_m"]) for record in records) if d is not None]
    notes = []
    if invalid:
        notes.append(f"IMO number with a wrong check digit not used: {', '.join(map(str, invalid))}")
    for label, changes in (
        ("IMO number", imo_changes),
        ("name", name_changes),
        ("type", type_changes),
        ("length", length_changes),
        ("beam", beam_changes),
    ):
        if changes:
            notes.append(f"{label} changed: {changes + 1} values reported, the most frequent used")
    return StaticData(
        imo=imo,
        name=name,
        ais_type=ais_type,
        length_m=length,
        beam_m=beam,
        class_b=transceiver == "B",
        draught_max_m=max(draughts, default=None),
        rows=sum(n for _, n in column("mmsi")),
        changes=imo_changes + name_changes + type_changes + length_changes + beam_changes,
        notes=tuple(notes),
    )


def _number(value: object) -> float | None:
    return _positive(float(value)) if isinstance(value, int | float) else None
