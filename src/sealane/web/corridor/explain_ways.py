"""Where the shortest way over water between two ports of a lane comes from, and the legs that are counted along it."""

from __future__ import annotations

import math

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.explain_voyages import method_of
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_map import pairs_of
from sealane.web.corridor.lane_sums import same
from sealane.web.corridor.measures import RULE_WORDS, Rule
from sealane.web.derivation import Derivation, Input, Part
from sealane.web.tiles.view import legs_figure, way_figure
from sealane.web.words import N_

UNLOCODE = r"^[A-Z]{2}[A-Z0-9]{3}$"
MOST_POINTS = 400


class WayQuery(BaseModel):
    """The way between two ports, or the legs that count along it.

    Attributes
    ----------
    a, b : UN/LOCODE.
    rule : of `legs`, by which rule they count.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    a: str = Field(pattern=UNLOCODE)
    b: str = Field(pattern=UNLOCODE)
    legs: bool = False
    rule: Rule | None = None


def explain_way(files: LaneFiles, result_id: str, query: WayQuery) -> Derivation:
    """Return the derivation.

    Raises
    ------
    RequestRefusedError
        404 for a pair of ports that the lane does not have.
    """
    rule = query.rule or Rule(files.rule)
    counted = {(a, b): number for a, b, number in pairs_of(files, rule)}
    if query.legs:
        number = counted.get((query.a, query.b))
        if number is None:
            raise _refused()
        return _legs(files, result_id, query, rule, number)
    ends = tuple(files.summary["corridor"][name]["ports"][0] for name in ("end_a", "end_b"))
    known = {pair for one in Rule for pair in ((a, b) for a, b, _ in pairs_of(files, one))}
    if (query.a, query.b) not in known | {ends}:
        raise _refused()
    return _way(files, result_id, query)


def _refused() -> RequestRefusedError:
    return RequestRefusedError(
        404,
        "unknown-figure",
        Phrase("The lane has no legs between these ports."),
        Phrase("See the corridor's page."),
    )


def _way(files: LaneFiles, result_id: str, query: WayQuery) -> Derivation:
    from sealane.movement.geodesy import great_circle_nm
    from sealane.movement.routes.find import route
    from sealane.movement.zone_shapes import ZoneSet

    found = route(query.a, query.b, zones=ZoneSet(()))
    lat, lon = np.asarray(found.lat), np.asarray(found.lon)
    miles = [float(great_circle_nm(lat[k], lon[k], lat[k + 1], lon[k + 1])) for k in range(len(lat) - 1)]
    shown = miles[:MOST_POINTS]
    inputs = [
        Input(
            name=f"{lat[k]:.3f}, {lon[k]:.3f} – {lat[k + 1]:.3f}, {lon[k + 1]:.3f}",
            value=nm,
            unit="nm",
            origin="computed",
        )
        for k, nm in enumerate(shown)
    ]
    if len(miles) > len(shown):
        rest = math.fsum(miles[MOST_POINTS:])
        inputs.append(Input(name=N_("all others"), value=rest, unit="nm", origin="computed"))
    inputs.append(
        Input(name=N_("great circle between the ports, land or not"), value=found.great_circle_nm, unit="nm",
              origin="computed")
    )  # fmt: skip
    notes = [N_("The shortest way of the network of waters; ships' own ways may differ.")]
    if same(math.fsum(miles), found.distance_nm):
        notes.append(N_("The steps listed add up to the way, but for the order of addition."))
    passages = ", ".join(found.passages)
    return Derivation(
        title=N_("Shortest way over water"),
        figure=way_figure(result_id, query.a, query.b, found.distance_nm),
        equation=N_("sum of the great circles between the turning points (latitude, longitude)"),
        filters={N_("Ports"): f"{query.a} – {query.b}"} | ({N_("Passages"): passages} if passages else {}),
        inputs=inputs,
        notes=notes,
        method="docs/method/routes.md",
    )


def _legs(files: LaneFiles, result_id: str, query: WayQuery, rule: Rule, number: int) -> Derivation:
    import pyarrow.compute as pc

    legs = files.table("legs", ["from_port", "to_port"], pc.field(f"share_{rule}") > 0.0).to_pylist()
    own = legs_figure(result_id, query.a, query.b, number, rule.value, simulated=files.simulated)
    parts = []
    for a, b in ((query.a, query.b), (query.b, query.a)):
        count = sum(1 for leg in legs if (leg["from_port"], leg["to_port"]) == (a, b))
        parts.append(Part(label=f"{a} → {b}", figure=own.model_copy(update={"value": count})))
    return Derivation(
        title=N_("Legs between two ports"),
        figure=own,
        filters={
            N_("Attribution rule"): RULE_WORDS[rule],
            N_("Ports"): f"{query.a} – {query.b}",
            N_("Counted"): N_("rows whose share by the rule is above 0"),
        },
        parts=parts,
        part_dimension=N_("direction"),
        method=method_of(files),
        source_files=["legs.parquet"],
    )
