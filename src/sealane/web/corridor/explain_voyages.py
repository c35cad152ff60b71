"""Where times, distances and numbers of voyages come from: one voyage, a rotation's median and mean, lists."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import Any

import pyarrow.compute as pc

from sealane.corridors.lanes.schemas import TABLES
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.explain_leg import DISTANCE_ORIGINS
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_legs import SHOWN
from sealane.web.corridor.lane_query import LaneQuery
from sealane.web.corridor.lane_sums import same
from sealane.web.corridor.measures import Measure, Rule
from sealane.web.corridor.models import Wanted
from sealane.web.corridor.voyage_facts import (
    ROTATION_FACTS,
    VOYAGE_FACTS,
    RotationFact,
    VoyageFact,
    fact_figure,
    voyage_address,
    voyage_figure,
)
from sealane.web.corridor.voyages import (
    listed_address,
    listed_figure,
    rotation_address,
    rotation_counts,
    rotation_facts,
    voyage_count,
)
from sealane.web.derivation import Derivation, Input, Part
from sealane.web.words import N_

OTHERS = N_("all others")
SAME = N_("The table of voyages holds the same figure, but for the order of addition.")
_WAYS = {"a_to_b": N_("from end A to end B"), "b_to_a": N_("from end B to end A")}


def _refused(detail: Phrase) -> RequestRefusedError:
    return RequestRefusedError(404, "unknown-figure", detail, Phrase("See the corridor's page."))


def method_of(files: LaneFiles) -> str:
    """The lane's method with its edition."""
    request = files.summary["request"]
    return f"{request['method']}, {request['gwp']}, docs/method/lanes.md"


def explain_rotation_fact(
    files: LaneFiles, result_id: str, ports: str, year: int | None, what: RotationFact, after: int, most: int = SHOWN
) -> Derivation:
    """Return the derivation of a rotation's median time or mean distance: the values of its voyages.

    Parameters
    ----------
    after, most : which of the values are listed, the least first.

    Raises
    ------
    RequestRefusedError
        404 where the lane has no such rotation.
    """
    found = rotation_facts(files.folder, ports, year, what)
    if not found:
        raise _refused(Phrase("The lane holds no such rotation."))
    title, of = ROTATION_FACTS[what]
    _, _, _, unit, divisor = VOYAGE_FACTS[of]
    unit = unit or "nm"
    known = [value for _, value in found if value is not None]
    query = LaneQuery(year=year)

    def at(after: int) -> str:
        return rotation_address(result_id, ports, query, what, after)

    inputs = [
        Input(name=N_("voyages counted"), value=len(found), origin="computed",
              link=rotation_address(result_id, ports, query, "count")),
        Input(name=N_("of them with a known value"), value=len(known), origin="computed"),
    ]  # fmt: skip
    value = None
    if known and what == "median":
        equation = N_(
            "median: the middle of the values in their order; of an even number, the mean of the two middle ones"
        )
        value = statistics.median(known)
    else:
        equation = N_("mean: the sum of the values / how many they are")
        if known:
            value = math.fsum(known) / len(known)
            inputs.append(Input(name=N_("sum of the values"), value=math.fsum(known), unit=unit, origin="computed"))
    shown = found[after : after + most]
    inputs += [
        Input(
            name=name,
            value=None if number is None else number / divisor,
            unit=unit,
            origin="missing" if number is None else "computed",
            link=voyage_address(result_id, name, of),
        )
        for name, number in shown
    ]
    left = len(found) - after - len(shown)
    if left > 0:
        inputs.append(
            Input(name=OTHERS, value=left, unit=N_("voyages"), origin="computed", link=at(after + len(shown)))
        )
    year_words = {} if year is None else {N_("Year"): str(year)}
    return Derivation(
        title=title,
        figure=fact_figure(of, value, at(0), simulated=files.simulated),
        equation=equation,
        filters=year_words | {
            N_("Ports"): ports.replace(">", " – "),
            N_("Counted"): N_("voyages no longer than the document allows"),
        },
        inputs=inputs,
        notes=[N_("Values are listed from the least to the largest; those not known come last and are not counted.")],
        method=method_of(files),
        source_files=[TABLES["passes"].file],
    )  # fmt: skip


def explain_voyage_fact(files: LaneFiles, result_id: str, voyage: str, what: VoyageFact) -> Derivation:
    """Return the derivation of a voyage's time, distance or cargo.

    Raises
    ------
    RequestRefusedError
        404 where the lane has no such voyage.
    """
    rows = files.table("passes", None, pc.field("pass_id") == voyage).to_pylist()
    if not rows:
        raise _refused(Phrase("The lane holds no such voyage."))
    row = rows[0]
    equation, inputs, notes = {"time": _time, "distance": _distance}.get(what, _cargo)(files, result_id, row)
    ship = f"{row['ship_name'] or ''} {row['imo'] or row['mmsi'] or ''}".strip()
    return Derivation(
        title=VOYAGE_FACTS[what][1],
        figure=voyage_figure(row, result_id, what, simulated=files.simulated),
        equation=equation,
        filters={
            N_("Voyage"): voyage,
            N_("Ship"): ship,
            N_("Ports"): str(row["ports"]).replace(">", " – "),
        },
        inputs=inputs,
        notes=notes,
        method=method_of(files),
        source_files=[TABLES["passes"].file, *([] if what == "time" else [TABLES["legs"].file])],
    )


_Found = tuple[str, list[Input], list[str]]


def _time(files: LaneFiles, result_id: str, row: Mapping[str, Any]) -> _Found:
    begin, end = row["begin"], row["end"]
    inputs = [
        Input(
            name=name,
            value=None if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S UTC"),
            origin="missing" if moment is None else "entered",
            source=N_("port call"),
        )
        for name, moment in ((N_("departure from the end left"), begin), (N_("arrival at the end reached"), end))
    ]
    inputs.append(Input(name=N_("hours between"), value=row["hours"], unit="h", origin="computed"))
    return N_("(arrival - departure) / 24 h"), inputs, []


def _own_legs(files: LaneFiles, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Legs from end to end, in their order; those between two ports of one end are not of the voyage's length."""
    found = files.table("legs", None, pc.field("pass_id") == row["pass_id"]).to_pylist()
    inside = [leg for leg in found if not (leg["from_end"] and leg["from_end"] == leg["to_end"])]
    return sorted(inside, key=lambda leg: (leg["departure"] is None, leg["departure"], leg["leg_id"]))


def _distance(files: LaneFiles, result_id: str, row: Mapping[str, Any]) -> _Found:
    legs = _own_legs(files, row)
    inputs = []
    for leg in legs:
        origin, words = DISTANCE_ORIGINS[leg["distance_source"]]
        at = LaneQuery(measure=Measure.DISTANCE, rule=Rule.ROTATION, leg=leg["leg_id"]).address(result_id)
        inputs.append(
            Input(
                name=f"{leg['from_port']} – {leg['to_port']}",
                value=leg["distance_nm"],
                unit="nm",
                origin=origin,
                source=words,
                link=at if leg["distance_nm"] is not None else None,
            )
        )
    values = [leg["distance_nm"] for leg in legs]
    total = math.fsum(values) if len(legs) == row["legs"] and None not in values else None
    notes = [SAME] if same(total, row["distance_nm"]) else [N_("The legs listed do not give the table's figure.")]
    if row["distance_nm"] is None:
        notes = [N_("A leg whose distance is not known leaves the whole not known.")]
    return N_("sum over the legs from end to end"), inputs, notes


def _cargo(files: LaneFiles, result_id: str, row: Mapping[str, Any]) -> _Found:
    """What was on board on the last leg, bound from one end to the other."""
    last = next(iter(_own_legs(files, row)[::-1]), None)
    if last is None:
        return "", [], []
    mixed = last["cargo_basis"] == "mixed"
    words = N_("worked out from loads and discharges") if mixed else N_("told with the call")
    leg = f"{last['from_port']} – {last['to_port']}"
    inputs = [
        Input(
            name=name, value=last[column], unit=unit,
            origin="missing" if last[column] is None else "computed" if mixed else "entered",
            source=words if last[column] is not None else "",
        )
        for column, name, unit in (
            ("onboard_teu", N_("containers on board"), "TEU"),
            ("lane_teu", N_("of them bound from one end of the corridor to the other"), "TEU"),
            ("onboard_t", N_("cargo on board"), "t"),
            ("lane_t", N_("of it bound from one end of the corridor to the other"), "t"),
        )
    ]  # fmt: skip
    inputs.insert(0, Input(name=N_("last leg"), value=leg, origin="computed", source=str(last["leg_id"])))
    return N_("cargo on board of the last leg that is bound from one end to the other"), inputs, []


def explain_list(
    files: LaneFiles, result_id: str, wanted: Wanted, what: str, after: int, most: int = SHOWN
) -> Derivation:
    """Return the derivation of how many voyages or rotations a list has."""
    return (_rotation_list if what == "rotations" else _voyage_list)(files, result_id, wanted, after, most)


def _rotation_list(files: LaneFiles, result_id: str, wanted: Wanted, after: int, most: int) -> Derivation:
    only = Wanted(year=wanted.year)
    found = rotation_counts(files.folder, only.year)
    shown = found[after : after + most]
    inputs = [
        Input(name=ports.replace(">", " – "), value=number, unit=N_("voyages"), origin="computed",
              link=rotation_address(result_id, ports, LaneQuery(year=only.year), "count"))
        for ports, number in shown
    ]  # fmt: skip
    inputs += _others(
        len(found) - after - len(shown), N_("rotations"), result_id, only, "rotations", after + len(shown)
    )
    return Derivation(
        title=N_("Rotations of the lane"),
        figure=listed_figure(len(found), result_id, only, "rotations", simulated=files.simulated),
        filters=said(only)
        | {N_("Counted"): N_("different orders of ports, of voyages no longer than the document allows")},
        inputs=inputs,
        method=method_of(files),
        source_files=[TABLES["passes"].file],
    )


def said(wanted: Wanted) -> dict[str, str]:
    """What a list was narrowed down to, in words."""
    words = {
        N_("Year"): None if wanted.year is None else str(wanted.year),
        N_("Direction"): _WAYS.get(str(wanted.direction)),
        N_("Ports"): None if wanted.ports is None else wanted.ports.replace(">", " – "),
        N_("Ship"): wanted.ship or None,
        N_("Calls between"): {None: None, True: N_("none: direct"), False: N_("some")}[wanted.direct],
    }
    return {name: text for name, text in words.items() if text is not None}


def _voyage_list(files: LaneFiles, result_id: str, wanted: Wanted, after: int, most: int) -> Derivation:
    """The count by year, then by direction; of one year and direction the voyages themselves."""
    found = voyage_count(files.folder, wanted)
    parts: list[Part] = []
    inputs: list[Input] = []
    dimension = "year" if wanted.year is None else "direction" if wanted.direction is None else ""
    if dimension:
        at = {"year": 1, "direction": 2}[dimension]
        numbers: dict[Any, int] = {}
        for row in found:
            numbers[row[at]] = numbers.get(row[at], 0) + 1
        for value, number in sorted(numbers.items()):
            narrower = wanted.model_copy(update={dimension: value})
            label = _WAYS[value] if dimension == "direction" else str(value)
            own = listed_figure(number, result_id, narrower, "voyages", simulated=files.simulated)
            parts.append(Part(label=label, figure=own))
    else:
        shown = found[after : after + most]
        inputs = [
            Input(
                name=name, value=1, unit=N_("voyage"), origin="computed", link=voyage_address(result_id, name, "time")
            )
            for name, *_ in shown
        ]
        left = len(found) - after - len(shown)
        inputs += _others(left, N_("voyages"), result_id, wanted, "voyages", after + len(shown))
    return Derivation(
        title=N_("Voyages that fit the choices"),
        figure=listed_figure(len(found), result_id, wanted, "voyages", simulated=files.simulated),
        filters=said(wanted) | {N_("Counted"): N_("rows of the table of voyages, too long ones too")},
        inputs=inputs,
        parts=parts,
        part_dimension={"year": N_("year"), "direction": N_("direction"), "": ""}[dimension],
        method=method_of(files),
        source_files=[TABLES["passes"].file],
    )


def _others(left: int, unit: str, result_id: str, wanted: Wanted, what: str, after: int) -> list[Input]:
    if left <= 0:
        return []
    at = listed_address(result_id, wanted, what)
    link = f"{at}{'&' if '?' in at else '?'}after={after}"
    return [Input(name=OTHERS, value=left, unit=unit, origin="computed", link=link)]
