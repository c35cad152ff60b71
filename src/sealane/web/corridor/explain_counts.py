"""Where a count of a lane comes from: what was counted, in which file, by which filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sealane.corridors.lanes.schemas import TABLES
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_query import LaneQuery
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.words import N_

MOST_SHIPS = 200
TITLES: Mapping[str, str] = {
    "legs": N_("Legs that the rule counts"),
    "voyages": N_("Voyages from one end to the other"),
    "ships": N_("Ships on these legs"),
    "unpriced": N_("Legs that could not be priced"),
    "no_cargo": N_("Legs whose cargo is not known"),
    "no_particulars": N_("Ships without particulars"),
}
_WAYS = {
    ("a_to_b", True): N_("from end A to end B, direct"),
    ("a_to_b", False): N_("from end A to end B, with calls between"),
    ("b_to_a", True): N_("from end B to end A, direct"),
    ("b_to_a", False): N_("from end B to end A, with calls between"),
}


def explain_count(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """Return the derivation of a count."""
    return _COUNTS[str(query.count)](files, result_id, query)


def _count(value: int, query: LaneQuery, result_id: str) -> Figure:
    return Figure(value=value, quantity="count", explain=query.address(result_id))


def _year(query: LaneQuery) -> dict[str, str]:
    found = {} if query.year is None else {N_("Year"): str(query.year)}
    return found if query.quarter is None else found | {N_("Quarter"): f"Q{query.quarter}"}


def _legs_where(query: LaneQuery) -> pc.Expression:
    found = pc.field(f"share_{query.cell()['rule']}") > 0.0
    if query.year is not None:
        found &= pc.field("year") == query.year
    return found if query.quarter is None else found & (pc.field("quarter") == query.quarter)


def _groups(table: pa.Table, column: str) -> list[tuple[Any, int]]:
    found = table.group_by(column, use_threads=False).aggregate([([], "count_all")])
    rows = [(row[column], row["count_all"]) for row in found.to_pylist()]
    return sorted(rows, key=lambda row: (row[0] is None, row[0]))


def _legs(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    dimension = "year" if query.year is None else "quarter" if query.quarter is None else "ship_class"
    table = files.table("legs", [dimension], _legs_where(query))
    parts = []
    for value, number in _groups(table, dimension):
        at = query if dimension == "ship_class" else query.but(**{dimension: value})
        label = f"Q{value}" if dimension == "quarter" else str(value or N_("not known"))
        parts.append(Part(label=label, figure=_count(number, at, result_id)))
    words = {"year": N_("year"), "quarter": N_("quarter"), "ship_class": N_("ship class")}
    return Derivation(
        title=TITLES["legs"],
        figure=_count(table.num_rows, query, result_id),
        filters=_year(query) | {N_("Counted"): N_("rows whose share by the rule is above 0")},
        parts=parts,
        part_dimension=words[dimension],
        source_files=[TABLES["legs"].file],
    )


def _voyages(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    where = pc.field("too_long") == False  # noqa: E712  # an expression on a column, not a comparison
    if query.year is not None:
        where &= pc.field("year") == query.year
    table = files.table("passes", ["direction", "direct"], where)
    if query.rule == "direct":
        table = table.filter(table["direct"])
    found = table.group_by(["direction", "direct"], use_threads=False).aggregate([([], "count_all")]).to_pylist()
    parts = [
        Part(
            label=_WAYS[row["direction"], row["direct"]],
            figure=_count(row["count_all"], query, result_id),
        )
        for row in sorted(found, key=lambda row: (row["direction"], not row["direct"]))
    ]
    return Derivation(
        title=TITLES["voyages"],
        figure=_count(table.num_rows, query, result_id),
        filters=_year(query) | {N_("Counted"): N_("voyages no longer than the document allows")},
        parts=parts,
        part_dimension=N_("direction"),
        source_files=[TABLES["passes"].file],
    )


def _ships(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    table = files.table("legs", ["ship", "ship_name"], _legs_where(query))
    found = table.group_by("ship", use_threads=False).aggregate([("ship_name", "max"), ([], "count_all")])
    rows = sorted(found.to_pylist(), key=lambda row: (-row["count_all"], row["ship"]))
    return Derivation(
        title=TITLES["ships"],
        figure=_count(len(rows), query, result_id),
        filters=_year(query) | {N_("Counted"): N_("different ships (IMO number, else MMSI) of the legs")},
        inputs=_ship_inputs(rows),
        notes=_more(rows),
        source_files=[TABLES["legs"].file],
    )


def _ship_inputs(rows: Sequence[Mapping[str, Any]]) -> list[Input]:
    return [
        Input(
            name=f"{row['ship']} {row['ship_name_max'] or ''}".strip(),
            value=row["count_all"],
            unit=N_("legs"),
            origin="computed",
        )
        for row in rows[:MOST_SHIPS]
    ]


def _more(rows: Sequence[object]) -> list[str]:
    return [N_("The ships with most legs are listed; the file holds all.")] if len(rows) > MOST_SHIPS else []


def _unpriced(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    table = files.table("legs", ["flags"], pc.field("wtw_co2e_g").is_null())
    meanings = files.summary["quality"]["flags"]
    parts = []
    for flags, number in _groups(table, "flags"):
        why = "; ".join(str(meanings[name]["meaning"]) for name in str(flags or "").split() if name in meanings)
        parts.append(Part(label=why or N_("not known"), figure=_count(number, query, result_id)))
    return Derivation(
        title=TITLES["unpriced"],
        figure=_count(table.num_rows, query, result_id),
        filters={N_("Counted"): N_("legs of the lane without a figure of CO2e; they are in no total")},
        parts=parts,
        part_dimension=N_("why"),
        source_files=[TABLES["legs"].file],
    )


def _no_cargo(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    table = files.table("legs", ["year"], pc.field("share_cargo").is_null())
    parts = [Part(label=str(year), figure=_count(n, query, result_id)) for year, n in _groups(table, "year")]
    return Derivation(
        title=TITLES["no_cargo"],
        figure=_count(table.num_rows, query, result_id),
        filters={N_("Counted"): N_("legs without a share by rule cargo; that rule leaves them out")},
        parts=parts,
        part_dimension=N_("year"),
        source_files=[TABLES["legs"].file],
    )


def _no_particulars(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    missing: Mapping[str, str] = files.summary["quality"]["ships_without_particulars"]
    inputs = [
        Input(name=ship, value=None, origin="missing", source=why) for ship, why in list(missing.items())[:MOST_SHIPS]
    ]
    return Derivation(
        title=TITLES["no_particulars"],
        figure=_count(len(missing), query, result_id),
        filters={N_("Counted"): N_("ships of the lane of which neither class nor particulars are known")},
        inputs=inputs,
        notes=_more(list(missing)),
        source_files=["lane.json"],
    )


_COUNTS = {
    "legs": _legs,
    "voyages": _voyages,
    "ships": _ships,
    "unpriced": _unpriced,
    "no_cargo": _no_cargo,
    "no_particulars": _no_particulars,
}
