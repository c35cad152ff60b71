"""Where a figure of a lane comes from: sums taken apart to voyages and calls, then to legs and stays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow.compute as pc

from sealane.corridors.lanes.schemas import TABLES
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.explain_counts import WHATEVER_RULE, explain_count
from sealane.web.corridor.explain_leg import explain_leg_share, explain_line, explain_stay, explain_whole_leg
from sealane.web.corridor.explain_ratios import OF_CARGO, explain_ratio
from sealane.web.corridor.explain_targets import explain_target
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_legs import (
    SHOWN,
    Listed,
    call_list,
    call_stays,
    leg_adds,
    rest_after,
    sum_of_list,
    voyage_legs,
    voyage_list,
)
from sealane.web.corridor.lane_query import LEG_ONLY, LaneQuery
from sealane.web.corridor.lane_sums import CLOSE, lane_sum, parts_of, rows_of, same
from sealane.web.corridor.measures import MEASURES, PART_WORDS, PLACE_WORDS, RULE_WORDS, Measure, Rule, measured
from sealane.web.corridor.voyages import rotation_address, rotation_voyages
from sealane.web.derivation import Derivation, Figure, Input, Part, marks
from sealane.web.words import N_

DIMENSION_WORDS: Mapping[str, str] = {
    "year": N_("year"),
    "part": N_("what the ship does"),
    "place": N_("place"),
    "ship_class": N_("ship class"),
    "fuel": N_("fuel"),
    "quarter": N_("quarter"),
}
VOYAGES, CALLS, LEGS, STAYS = N_("voyages, largest first"), N_("port calls, largest first"), N_("legs"), N_("stays")
OTHERS = N_("all others")


def explain_lane(files: LaneFiles, result_id: str, asked: LaneQuery) -> Derivation:
    """Return the derivation of a lane's figure.

    Parameters
    ----------
    files : the lane.
    result_id : names it in addresses.
    asked : the figure.

    Raises
    ------
    RequestRefusedError
        404 where the lane holds no such figure.
    """
    _refuse_what_is_not_taken(asked)
    by_rule = asked.count not in WHATEVER_RULE
    query = asked if asked.rule or not by_rule else asked.but(rule=Rule(files.rule))
    if query.ratio in OF_CARGO:  # these stand with rule cargo, whatever rule is asked for
        query = query.but(rule=Rule.CARGO)
    if query.target:
        found = explain_target(files, result_id, query)
    elif query.count:
        found = explain_count(files, result_id, query)
    elif query.ratio:
        found = explain_ratio(files, result_id, query)
    elif query.leg:
        found = _leg(files, result_id, query)
    elif query.call:
        found = _call(files, result_id, query)
    elif query.voyage:
        found = _voyage(files, result_id, query)
    elif query.by:
        found = _listed(files, result_id, query)
    elif query.measure in LEG_ONLY:
        found = _trend(files, result_id, query)
    else:
        found = _sum(files, result_id, query)
    return found.model_copy(update=_frame(files, query, found))


def _refuse_what_is_not_taken(asked: LaneQuery) -> None:
    """Refuse what a figure cannot be narrowed down by: it would show another figure than its words say."""
    given = asked.given()
    if asked.target:
        unknown = given - {"target", "fact"}
    elif asked.count:
        return  # explain_count knows what each takes
    elif asked.ratio:
        unknown = given - {"ratio", "rule", "year"}
    else:
        unknown = given & {"flag", "direction", "stops", "fact"}
    if unknown:
        raise _refused(Phrase("The lane holds no such figure."))


def _frame(files: LaneFiles, query: LaneQuery, found: Derivation) -> dict[str, Any]:
    request = files.summary["request"]
    # Some counts are of all legs, whatever rule counts them.
    by_rule = query.count not in WHATEVER_RULE
    rule = {N_("Attribution rule"): RULE_WORDS[query.rule or Rule.ROTATION]} if by_rule else {}
    filters = rule | found.filters
    # Of a target the document's own value was never made up: its figures and parts know it themselves.
    marked = {} if query.target else marks(found, simulated=files.simulated)
    return marked | {
        "filters": filters,
        "method": f"{request['method']}, {request['gwp']}, docs/method/lanes.md",
    }


def filters_of(query: LaneQuery) -> dict[str, str]:
    """What narrows a sum down, in words."""
    words: dict[str, str] = {}
    for name, title in (
        ("year", N_("Year")),
        ("quarter", N_("Quarter")),
        ("part", N_("What the ship does")),
        ("place", N_("Place")),
        ("ship_class", N_("Ship class")),
        ("fuel", N_("Fuel")),
        ("voyage", N_("Voyage")),
        ("leg", N_("Leg")),
        ("call", N_("Port call")),
    ):
        value = getattr(query, name)
        if value is not None:
            words[title] = part_label(name, value)
    return words


def part_label(dimension: str, value: object) -> str:
    """A value of a dimension in words."""
    known = {"part": PART_WORDS, "place": PLACE_WORDS}.get(dimension, {})
    return known.get(str(value), f"Q{value}" if dimension == "quarter" else str(value))


def _refused(detail: str) -> RequestRefusedError:
    return RequestRefusedError(404, "unknown-figure", detail, Phrase("See the corridor's page."))


def _files(*names: str) -> list[str]:
    return [TABLES[name].file for name in names]


def _sum(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """A sum of totals.parquet, taken apart by its next dimension."""
    cell, shown = query.cell(), MEASURES[query.measure]
    chosen = rows_of(files.totals, cell)
    if not chosen:
        raise _refused(Phrase("The lane holds no such figure."))
    dimension, found = parts_of(files.totals, cell, query.measure)
    parts = [
        Part(
            label=part_label(dimension, value),
            figure=measured(query.measure, number, query.but(**{dimension: value}).address(result_id)),
        )
        for value, number in found
    ]
    value = lane_sum(files.totals, cell, query.measure)
    notes = _electricity(chosen, query.measure)
    if value is None:
        notes.append(N_("A running engine has no published factor of this pollutant; see what is missing."))
    if query.fuel is not None:
        notes.append(N_("Legs and stays hold their figures over all fuels: by fuel the table of totals is the last."))
    return Derivation(
        title=shown.words,
        figure=measured(query.measure, value, query.address(result_id)),
        filters=filters_of(query),
        inputs=_other_way(result_id, query, value),
        # One part alone takes nothing apart.
        parts=parts if len(parts) > 1 else [],
        part_dimension=DIMENSION_WORDS[dimension] if len(parts) > 1 else "",
        notes=notes,
        source_files=_files("totals"),
    )


def _trend(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """A sum of legs that the table of totals does not hold: that of the trend, and the way to its voyages."""
    shown, row = MEASURES[query.measure], files.trend_of(str(query.cell()["rule"]), query.year or 0)
    if row is None or set(query.cell()) != {"rule", "year"}:
        raise _refused(Phrase("The lane holds no such figure: name the year, and nothing else."))
    value, link = row[shown.column], query.but(by="voyage").address(result_id)
    return Derivation(
        title=shown.words,
        figure=measured(query.measure, value, query.address(result_id)),
        equation=N_("sum over legs of share of the lane x figure of the leg"),
        filters=filters_of(query),
        inputs=[Input(name=N_("the same by voyage"), value=value, unit="nm", origin="computed", link=link)],
        source_files=_files("trend"),
    )


def _other_way(result_id: str, query: LaneQuery, value: float | None) -> list[Input]:
    """The way to the voyages or calls behind a sum."""
    if query.part is None or query.fuel is not None:
        return []
    by, words = ("voyage", N_("the same by voyage")) if query.part == "sea" else ("call", N_("the same by port call"))
    unit = MEASURES[query.measure].unit or "t"
    link = query.but(by=by).address(result_id)
    return [Input(name=words, value=value, unit=unit, origin="computed", link=link)]


def _electricity(rows: Sequence[Mapping[str, Any]], measure: Measure) -> list[str]:
    column = MEASURES[measure].column
    if any(row[column] is None for row in rows):
        return [N_("Electricity from shore whose carbon intensity is not known adds nothing here.")]
    return []


def _listed(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """The voyages, or calls, that a figure is the sum of; beside it what the table of totals holds."""
    by = query.by or "voyage"
    of_voyages = query.part == "sea" or query.measure in LEG_ONLY
    if query.fuel is not None or of_voyages != (by == "voyage") or (query.part is None and not of_voyages):
        raise _refused(
            Phrase(
                "The lane holds no list of voyages or calls for this cut: give the part (sea, berth ...), and no fuel."
            )
        )
    cell = query.cell()
    found = (voyage_list if by == "voyage" else call_list)(files, cell, query.measure, query.after)
    if not found.names:
        raise _refused(Phrase("The lane holds no such figure."))
    parts = [
        Part(
            label=name,
            figure=measured(query.measure, value, query.but(by=None, after=0, **{by: name}).address(result_id)),
        )
        for name, value in zip(found.names, found.values, strict=True)
    ]
    rest_at = query.but(by=by, after=query.after + len(found.names)).address(result_id)
    if found.rest is not None:
        parts.append(Part(label=OTHERS, figure=measured(query.measure, found.rest, rest_at)))
    value = math.fsum([*found.values, *([] if found.rest is None else [found.rest])])
    words = filters_of(query)
    if query.after:
        words[N_("Without the largest")] = str(query.after)
    return Derivation(
        title=MEASURES[query.measure].words,
        figure=measured(query.measure, value, query.address(result_id)),
        filters=words,
        parts=parts,
        part_dimension=VOYAGES if by == "voyage" else CALLS,
        notes=[*_told(found), *_against_totals(files, query, value)],
        source_files=_files("legs", *(() if by == "voyage" else ("stays",))),
    )


def _told(found: Listed) -> list[str]:
    notes = []
    if found.unknown:
        notes.append(N_("Some voyages or calls could not be priced and add nothing; see what is missing."))
    return notes


def _against_totals(files: LaneFiles, query: LaneQuery, value: float) -> list[str]:
    """Say whether legs and stays give what the table of totals holds."""
    if query.after or query.measure in LEG_ONLY:
        return []
    held = lane_sum(files.totals, query.cell(), query.measure)
    if same(held, value):
        return [N_("The table of totals holds the same figure, but for the order of addition.")]
    return [f"totals.parquet holds {held!r}, which differs by more than {CLOSE:g}: tell the node's operator."]


def _voyage(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """What a voyage adds at sea: its legs."""
    rule = str(query.cell()["rule"])
    legs = voyage_legs(files, query.cell(), str(query.voyage))
    if not legs:
        return _nothing(files, result_id, query)
    adds = [(leg, leg_adds(leg, rule, query.measure)) for leg in legs]
    parts = [
        Part(
            label=f"{leg['from_port']} – {leg['to_port']}",
            figure=measured(
                query.measure,
                value,
                query.but(leg=leg["leg_id"]).address(result_id),
                grade=leg["grade"],
                filled_share=_filled(leg),
            ),
        )
        for leg, value in adds
    ]
    known = [value for _, value in adds if value is not None]
    ship = legs[0]
    words = filters_of(query) | {N_("Ship"): f"{ship['ship_name'] or ''} {ship['imo'] or ship['mmsi'] or ''}".strip()}
    notes = [] if len(known) == len(adds) else [N_("A leg that could not be priced adds nothing.")]
    return Derivation(
        title=MEASURES[query.measure].words,
        figure=measured(query.measure, math.fsum(known) if known else None, query.address(result_id)),
        filters=words,
        parts=parts if known else [],
        part_dimension=LEGS,
        notes=notes,
        source_files=_files("legs"),
    )


def _nothing(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """A voyage of the lane of which the rule counts no leg: it adds 0."""
    known = files.table("passes", ["pass_id"], pc.field("pass_id") == str(query.voyage))
    if not known.num_rows:
        raise _refused(Phrase("The lane holds no voyage of this name."))
    return Derivation(
        title=MEASURES[query.measure].words,
        figure=measured(query.measure, 0.0, query.address(result_id)),
        filters=filters_of(query),
        notes=[N_("The rule counts no leg of this voyage here.")],
        source_files=_files("legs", "passes"),
    )


def _filled(leg: Mapping[str, Any]) -> float | None:
    seen = leg["observed_share"]
    return None if seen is None else 1.0 - float(seen)


def _leg(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    if query.whole and query.line is not None:
        return explain_line(files, result_id, query, filters_of(query))
    if query.whole:
        return explain_whole_leg(files, result_id, query, filters_of(query))
    return explain_leg_share(files, result_id, query, filters_of(query))


def _call(files: LaneFiles, result_id: str, query: LaneQuery) -> Derivation:
    """What the stays of a call add: half by the leg before and half by the leg after."""
    if query.part in (None, "sea"):
        raise _refused(Phrase("The lane holds no call without the part: give berth, anchorage, manoeuvring or drift."))
    rows = call_stays(files, query.cell(), str(query.call))
    if not rows:
        raise _refused(Phrase("The lane holds no port call of this name that adds to the figure."))
    return explain_stay(files, result_id, query, filters_of(query), rows)


def explain_rotation(
    files: LaneFiles, result_id: str, ports: str, query: LaneQuery, what: str, after: int
) -> Derivation:
    """Return the derivation of a rotation's figure: the voyages that called at these ports in this order."""
    rule = query.rule or Rule(files.rule)
    found = rotation_voyages(files.folder, ports, rule, query.measure, query.year)
    if not found:
        raise _refused(Phrase("The lane holds no such rotation."))
    page = found[after : after + SHOWN]
    words = {N_("Attribution rule"): RULE_WORDS[rule]} | filters_of(query) | {N_("Ports"): ports.replace(">", " – ")}
    query = query.but(rule=rule)

    def at(what: str, after: int = 0) -> str:
        return rotation_address(result_id, ports, query, what, after)

    if what == "count":
        return Derivation(
            title=N_("Voyages from one end to the other"),
            figure=Figure(value=len(found), quantity="count", explain=at("count"), simulated=files.simulated),
            filters=words | {N_("Counted"): N_("voyages no longer than the document allows")},
            inputs=[Input(name=name, value=year, origin="computed") for name, year, _ in page],
            notes=[] if len(page) == len(found) else [N_("The voyages that add most are listed.")],
            source_files=_files("passes"),
        )
    ranked = [value for _, _, value in found if value is not None]
    parts = [
        Part(
            label=name,
            figure=measured(
                query.measure,
                value,
                LaneQuery(measure=query.measure, rule=rule, part="sea", voyage=name).address(result_id),
                simulated=files.simulated,
            ),
        )
        for name, _, value in page
    ]
    rest = rest_after(ranked, after)
    if rest is not None:
        following = at("sum", after + SHOWN)
        parts.append(Part(label=OTHERS, figure=measured(query.measure, rest, following, simulated=files.simulated)))
    total = sum_of_list(ranked, after) if ranked else None
    return Derivation(
        title=MEASURES[query.measure].words,
        figure=measured(query.measure, total, at("sum", after), simulated=files.simulated),
        filters=words,
        parts=parts,
        part_dimension=VOYAGES,
        notes=[N_("At sea only: stays in port are shared by the legs before and after.")],
        source_files=_files("passes", "legs"),
    )
