"""Where a count of a lane comes from: what was counted, in which file, by which filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sealane.corridors.lanes.schemas import TABLES
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.explain_voyages import OTHERS, said
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_legs import field_is
from sealane.web.corridor.lane_query import Counted, LaneQuery
from sealane.web.corridor.measures import Rule
from sealane.web.corridor.models import Wanted
from sealane.web.corridor.voyage_facts import voyage_address
from sealane.web.derivation import Derivation, Figure, Input, Part
from sealane.web.words import N_

MOST_LISTED = 200
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
# What each count is narrowed down by; whatever else is asked, it has no such figure.
TAKES: Mapping[Counted, tuple[str, ...]] = {
    "legs": ("rule", "year", "quarter", "ship_class", "after"),
    "voyages": ("rule", "year", "direction", "stops", "after"),
    "ships": ("rule", "year", "quarter", "ship_class"),
    "unpriced": ("year", "after"),
    "no_cargo": ("year", "after"),
    "no_particulars": (),
    "quarters": ("year",),
    "lane_legs": ("year", "ship_class", "after"),
    "lane_ships": (),
    "flag": ("flag", "year", "after"),
}
WHATEVER_RULE = tuple(count for count, names in TAKES.items() if "rule" not in names)
_DIMENSIONS = {"year": N_("year"), "quarter": N_("quarter"), "ship_class": N_("ship class")}
_WAYS = {
    ("a_to_b", True): N_("from end A to end B, direct"),
    ("a_to_b", False): N_("from end A to end B, with calls between"),
    ("b_to_a", True): N_("from end B to end A, direct"),
    ("b_to_a", False): N_("from end B to end A, with calls between"),
}


def explain_count(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """Return the derivation of a count.

    Raises
    ------
    RequestRefusedError
        404 for what the count cannot be narrowed down by, and for a page of a list that it does not have.
    """
    count = query.count
    assert count is not None  # explain_lane asks only then
    unknown = sorted(query.given() - {"count", *TAKES[count]})
    if unknown:
        raise RequestRefusedError(
            404,
            "unknown-figure",
            Phrase("This count has no %(filter)s.", filter=unknown[0]),
            Phrase("Follow a figure's link."),
        )
    found = _COUNTS[count](files, result_id, query)
    if query.after and (found.parts or not found.inputs):
        raise _refused()
    return found


def _refused() -> RequestRefusedError:
    return RequestRefusedError(
        404, "unknown-figure", Phrase("The lane holds no such figure."), Phrase("See the corridor's page.")
    )


def _count(value: int, query: LaneQuery, result_id: str) -> Figure:
    return Figure(value=value, quantity="count", explain=query.address(result_id))


def _narrowed(query: LaneQuery) -> dict[str, str]:
    """What narrows a count of legs down, in words."""
    words = {
        N_("Year"): None if query.year is None else str(query.year),
        N_("Quarter"): None if query.quarter is None else _label("quarter", query.quarter),
        N_("Ship class"): None if query.ship_class is None else _label("ship_class", query.ship_class),
    }
    return {name: text for name, text in words.items() if text is not None}


def _label(dimension: str, value: object) -> str:
    if dimension == "ship_class" and value in (None, "unknown"):
        return N_("not known")
    return f"Q{value}" if dimension == "quarter" else str(value)


def _leg_rows(files: LaneFiles, query: LaneQuery, *also: str, where: pc.Expression | None = None) -> pa.Table:
    """Legs that a count is narrowed down to, with what the list of them shows."""
    for name in _DIMENSIONS:
        value = getattr(query, name)
        if value is not None:
            where = field_is(name, value) if where is None else where & field_is(name, value)
    return files.table("legs", ["leg_id", "wtw_co2e_g", *_DIMENSIONS, *also], where)


def _by_rule(query: LaneQuery) -> pc.Expression:
    return pc.field(f"share_{query.cell()['rule']}") > 0.0


def _groups(table: pa.Table, column: str) -> list[tuple[Any, int]]:
    found = table.group_by(column, use_threads=False).aggregate([([], "count_all")])
    rows = [(row[column], row["count_all"]) for row in found.to_pylist()]
    return sorted(rows, key=lambda row: (row[0] is None, row[0]))


def _taken_apart(
    table: pa.Table, result_id: str, query: LaneQuery, dimensions: Sequence[str], filters: Mapping[str, str]
) -> Derivation:
    """Legs by the first dimension that is free; where none is, the legs themselves."""
    free = next((name for name in dimensions if getattr(query, name) is None), None)
    parts: list[Part] = []
    inputs: list[Input] = []
    if free is None:
        rows = sorted(table.to_pylist(), key=lambda row: str(row["leg_id"]))
        inputs = _page([_leg_input(row, query, result_id) for row in rows], query, result_id, N_("legs"))
    else:
        parts = [
            Part(
                label=_label(free, value),
                # Totals call a ship of which nobody told the class so, and so do addresses.
                figure=_count(number, query.but(**{free: "unknown" if value is None else value}), result_id),
            )
            for value, number in _groups(table, free)
        ]
    return Derivation(
        title=TITLES[str(query.count)],
        figure=_count(table.num_rows, query, result_id),
        filters=_narrowed(query) | dict(filters),
        inputs=inputs,
        parts=parts,
        part_dimension=_DIMENSIONS[free] if free else "",
        source_files=[TABLES["legs"].file],
    )


def _page(items: Sequence[Input], query: LaneQuery, result_id: str, unit: str) -> list[Input]:
    """A page of a list, and how many stand behind it."""
    shown = list(items[query.after : query.after + MOST_LISTED])
    left = len(items) - query.after - len(shown)
    if left > 0:
        following = query.but(after=query.after + MOST_LISTED).address(result_id)
        shown.append(Input(name=OTHERS, value=left, unit=unit, origin="computed", link=following))
    return shown


def _leg_input(row: Mapping[str, Any], query: LaneQuery, result_id: str) -> Input:
    """A leg as an input; one that was priced leads to its figures."""
    at = LaneQuery(rule=query.rule, leg=row["leg_id"], whole=True).address(result_id)
    priced = row["wtw_co2e_g"] is not None
    return Input(
        name=row["leg_id"],
        value=1,
        unit=N_("leg"),
        origin="computed",
        source=str(row.get("flags") or ""),
        link=at if priced else None,
    )


def _legs(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    counted = {N_("Counted"): N_("rows whose share by the rule is above 0")}
    table = _leg_rows(files, query, where=_by_rule(query))
    return _taken_apart(table, result_id, query, tuple(_DIMENSIONS), counted)


def _voyages(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    where = pc.field("too_long") == False  # noqa: E712  # an expression on a column, not a comparison
    if query.year is not None:
        where &= pc.field("year") == query.year
    if query.direction is not None:
        where &= pc.field("direction") == query.direction
    direct = None if query.stops is None else query.stops == "none"
    if direct is not None:
        where &= pc.field("direct") == direct
    table = files.table("passes", ["pass_id", "year", "direction", "direct"], where)
    if query.rule is Rule.DIRECT:
        table = table.filter(table["direct"])
    parts: list[Part] = []
    inputs: list[Input] = []
    dimension = ""
    if query.year is None:
        dimension = N_("year")
        parts = [
            Part(label=str(year), figure=_count(number, query.but(year=year), result_id))
            for year, number in _groups(table, "year")
        ]
    elif query.direction is None or direct is None:
        dimension = N_("direction")
        found = table.group_by(["direction", "direct"], use_threads=False).aggregate([([], "count_all")]).to_pylist()
        parts = [
            Part(
                label=_WAYS[row["direction"], row["direct"]],
                figure=_count(
                    row["count_all"],
                    query.but(direction=row["direction"], stops="none" if row["direct"] else "some"),
                    result_id,
                ),
            )
            for row in sorted(found, key=lambda row: (row["direction"], not row["direct"]))
        ]
    else:
        names = sorted(table["pass_id"].to_pylist())
        one = [
            Input(name=name, value=1, unit=N_("voyage"), origin="computed",
                  link=voyage_address(result_id, name, "time"))
            for name in names
        ]  # fmt: skip
        inputs = _page(one, query, result_id, N_("voyages"))
    return Derivation(
        title=TITLES["voyages"],
        figure=_count(table.num_rows, query, result_id),
        filters=said(Wanted(year=query.year, direction=query.direction, direct=direct))
        | {N_("Counted"): N_("voyages no longer than the document allows")},
        inputs=inputs,
        parts=parts,
        part_dimension=dimension,
        source_files=[TABLES["passes"].file],
    )


def _ships(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    table = _leg_rows(files, query, "ship", "ship_name", where=_by_rule(query))
    found = table.group_by("ship", use_threads=False).aggregate([("ship_name", "max"), ([], "count_all")])
    rows = sorted(found.to_pylist(), key=lambda row: (-row["count_all"], row["ship"]))
    return Derivation(
        title=TITLES["ships"],
        figure=_count(len(rows), query, result_id),
        filters=_narrowed(query) | {N_("Counted"): N_("different ships (IMO number, else MMSI) of the legs")},
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
        for row in rows[:MOST_LISTED]
    ]


def _more(rows: Sequence[object]) -> list[str]:
    return [N_("The ships with most legs are listed; the file holds all.")] if len(rows) > MOST_LISTED else []


def _unpriced(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    counted = {N_("Counted"): N_("legs of the lane without a figure of CO2e; they are in no total")}
    table = _leg_rows(files, query, "flags", where=pc.field("wtw_co2e_g").is_null())
    found = _taken_apart(table, result_id, query, ("year",), counted)
    if found.inputs:
        return found
    # Why: several doubts together, which no address names; so these lines open nothing.
    meanings = files.summary["quality"]["flags"]
    reasons = []
    for flags, number in _groups(table, "flags"):
        why = "; ".join(str(meanings[name]["meaning"]) for name in str(flags or "").split() if name in meanings)
        reasons.append(Input(name=why or N_("not known"), value=number, unit=N_("legs"), origin="computed"))
    return found.model_copy(update={"inputs": reasons})


def _no_cargo(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    counted = {N_("Counted"): N_("legs without a share by rule cargo; that rule leaves them out")}
    table = _leg_rows(files, query, where=pc.field("share_cargo").is_null())
    return _taken_apart(table, result_id, query, ("year",), counted)


def _no_particulars(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    missing: Mapping[str, str] = files.summary["quality"]["ships_without_particulars"]
    inputs = [
        Input(name=ship, value=None, origin="missing", source=why) for ship, why in list(missing.items())[:MOST_LISTED]
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
    if query.year is None:
        raise _refused()
    rows = [row for row in files.trend if row["year"] == query.year and row["quarter"]]
    fullest = [
        max((row for row in rows if row["quarter"] == quarter), key=lambda row: row["legs"] or 0)
        for quarter in _held(rows)
    ]
    return Derivation(
        title=TITLES["quarters"],
        figure=_count(len(fullest), query, result_id),
        filters=_narrowed(query) | {N_("Counted"): N_("different quarters of the table of the trend")},
        inputs=[
            Input(name=f"Q{row['quarter']}", value=row["legs"] or 0, unit=N_("legs by the rule that counts most"),
                  origin="computed",
                  link=LaneQuery(count="legs", rule=Rule(row["rule"]), year=query.year, quarter=row["quarter"])
                  .address(result_id))
            for row in fullest
        ],
        source_files=[TABLES["trend"].file],
    )  # fmt: skip


def _held(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    return sorted({int(row["quarter"]) for row in rows})


def _lane_legs(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    counted = {N_("Counted"): N_("rows of the table of legs, whatever rule counts them")}
    return _taken_apart(_leg_rows(files, query), result_id, query, ("year", "ship_class"), counted)


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
    table = _leg_rows(files, query, "flags")
    carried = [query.flag in str(flags or "").split() for flags in table["flags"].to_pylist()]
    counted = {
        N_("Doubt"): str(meanings[query.flag]["meaning"]),
        N_("Counted"): N_("rows of the table of legs whose flags name it"),
    }
    return _taken_apart(table.filter(pa.array(carried, pa.bool_())), result_id, query, ("year",), counted)


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
