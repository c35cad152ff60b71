"""Where a count of a lane comes from: what was counted, in which file, by which filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sealane.corridors.lanes.schemas import TABLES
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_query import Counted, LaneQuery
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
    "quarters": N_("Quarters of the year of which the data hold legs"),
    "lane_legs": N_("Legs that any rule counts"),
    "lane_ships": N_("Ships on legs that any rule counts"),
    "flag": N_("Legs that carry a doubt"),
}
WHATEVER_RULE: tuple[Counted, ...] = ("quarters", "lane_legs", "lane_ships", "flag")
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


def _quarters(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """Quarters with a row in the trend, by any rule; each with its legs."""
    rows = [row for row in files.trend if row["year"] == query.year and row["quarter"]]
    legs = {quarter: max(row["legs"] or 0 for row in rows if row["quarter"] == quarter) for quarter in _held(rows)}
    at = query.but(count="legs")
    return Derivation(
        title=TITLES["quarters"],
        figure=_count(len(legs), query, result_id),
        filters=_year(query) | {N_("Counted"): N_("different quarters of the table of the trend")},
        inputs=[
            Input(name=f"Q{quarter}", value=number, unit=N_("legs by the rule that counts most"), origin="computed",
                  link=at.but(quarter=quarter).address(result_id))
            for quarter, number in legs.items()
        ],
        source_files=[TABLES["trend"].file],
    )  # fmt: skip


def _held(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    return sorted({int(row["quarter"]) for row in rows})


def _lane_legs(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    where = None if query.year is None else pc.field("year") == query.year
    dimension = "year" if query.year is None else "ship_class"
    table = files.table("legs", [dimension], where)
    parts = [
        Part(
            label=str(value or N_("not known")),
            figure=_count(number, query.but(year=value) if dimension == "year" else query, result_id),
        )
        for value, number in _groups(table, dimension)
    ]
    return Derivation(
        title=TITLES["lane_legs"],
        figure=_count(table.num_rows, query, result_id),
        filters=_year(query) | {N_("Counted"): N_("rows of the table of legs, whatever rule counts them")},
        parts=parts,
        part_dimension=N_("year") if dimension == "year" else N_("ship class"),
        source_files=[TABLES["legs"].file],
    )


def _lane_ships(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    table = files.table("ships", ["ship", "ship_name", "legs"])
    rows = [{"ship": r["ship"], "ship_name_max": r["ship_name"], "count_all": r["legs"]} for r in table.to_pylist()]
    rows.sort(key=lambda row: (-row["count_all"], row["ship"]))
    return Derivation(
        title=TITLES["lane_ships"],
        figure=_count(len(rows), query, result_id),
        filters={N_("Counted"): N_("different ships (IMO number, else MMSI) of the legs")},
        inputs=_ship_inputs(rows),
        notes=_more(rows),
        source_files=[TABLES["ships"].file],
    )


def _flag(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """Legs whose flags name the doubt; of one year they are listed."""
    meanings = files.summary["quality"]["flags"]
    if query.flag not in meanings:
        raise RequestRefusedError(
            404, "unknown-figure", Phrase("The lane knows no such doubt."), Phrase("See the corridor's page.")
        )
    where = None if query.year is None else pc.field("year") == query.year
    table = files.table("legs", ["leg_id", "year", "flags", "wtw_co2e_g"], where)
    carried = [query.flag in str(flags or "").split() for flags in table["flags"].to_pylist()]
    table = table.filter(pa.array(carried, pa.bool_()))
    parts = [
        Part(label=str(year), figure=_count(number, query.but(year=year), result_id))
        for year, number in _groups(table, "year")
    ]
    rows = [] if query.year is None else sorted(table.to_pylist(), key=lambda row: str(row["leg_id"]))
    shown = rows[query.after : query.after + MOST_SHIPS]
    inputs = [_leg_input(row, query, result_id) for row in shown]
    left = len(rows) - query.after - len(shown)
    if left:
        following = query.but(after=query.after + MOST_SHIPS).address(result_id)
        inputs.append(Input(name=N_("all others"), value=left, unit=N_("legs"), origin="computed", link=following))
    return Derivation(
        title=TITLES["flag"],
        figure=_count(table.num_rows, query, result_id),
        filters=_year(query) | {
            N_("Doubt"): str(meanings[query.flag]["meaning"]),
            N_("Counted"): N_("rows of the table of legs whose flags name it"),
        },
        inputs=inputs,
        parts=parts if query.year is None else [],
        part_dimension=N_("year") if query.year is None else "",
        source_files=[TABLES["legs"].file],
    )  # fmt: skip


def _leg_input(row: Mapping[str, Any], query: LaneQuery, result_id: str) -> Input:
    """A leg as an input; one that was priced leads to its figures."""
    at = LaneQuery(rule=query.rule, leg=row["leg_id"], whole=True).address(result_id)
    priced = row["wtw_co2e_g"] is not None
    return Input(name=row["leg_id"], value=1, unit=N_("leg"), origin="computed", link=at if priced else None)


_COUNTS = {
    "legs": _legs,
    "voyages": _voyages,
    "ships": _ships,
    "unpriced": _unpriced,
    "no_cargo": _no_cargo,
    "no_particulars": _no_particulars,
    "quarters": _quarters,
    "lane_legs": _lane_legs,
    "lane_ships": _lane_ships,
    "flag": _flag,
}
