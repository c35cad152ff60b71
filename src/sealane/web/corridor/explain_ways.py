"""Where the shortest way over water between two ports of a lane comes from, and the legs that are counted along it."""

from __future__ import annotations

import math

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.explain_voyages import method_of
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_map import pairs_of
from sealane.web.corridor.lane_query import LaneQuery
from sealane.web.corridor.lane_sums import same
from sealane.web.corridor.measures import RULE_WORDS, Measure, Rule
from sealane.web.derivation import Derivation, Figure, Input, Part
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
    one_way : of `legs`, only those from `a` to `b`.
    after : of a list of legs, how many stand before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    a: str = Field(pattern=UNLOCODE)
    b: str = Field(pattern=UNLOCODE)
    legs: bool = False
    rule: Rule | None = None
    one_way: bool = False
    after: int = Field(default=0, ge=0, le=100_000_000)


def explain_way(files: LaneFiles, result_id: str, query: WayQuery) -> Derivation:
    """Return the derivation.

    Raises
    ------
    RequestRefusedError
        404 for a pair of ports that the lane does not have, and for what only legs are narrowed down by.
    """
    rule = query.rule or Rule(files.rule)
    counted = {(a, b): number for a, b, number in pairs_of(files, rule)}
    if query.legs and query.one_way:
        if not {(query.a, query.b), (query.b, query.a)} & set(counted):
            raise _refused()
        return _legs_one_way(files, result_id, query, rule)
    if query.legs:
        number = counted.get((query.a, query.b))
        if number is None or query.after:
            raise _refused()
        return _legs(files, result_id, query, rule, number)
    if query.rule or query.one_way or query.after:
        raise _refused()
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


def _from_to(files: LaneFiles, a: str, b: str, rule: Rule) -> list[str]:
    """Names of the legs from one port to another that a rule counts."""
    import pyarrow.compute as pc

    where = (pc.field(f"share_{rule}") > 0.0) & (pc.field("from_port") == a) & (pc.field("to_port") == b)
    return sorted(files.table("legs", ["leg_id"], where)["leg_id"].to_pylist())


def _one_way_figure(files: LaneFiles, result_id: str, a: str, b: str, rule: Rule, number: int) -> Figure:
    both = legs_figure(result_id, a, b, number, rule.value, simulated=files.simulated)
    return both.model_copy(update={"explain": f"{both.explain}&one_way=true"})


def _words(rule: Rule, ports: str) -> dict[str, str]:
    return {
        N_("Attribution rule"): RULE_WORDS[rule],
        N_("Ports"): ports,
        N_("Counted"): N_("rows whose share by the rule is above 0"),
    }


def _legs_one_way(files: LaneFiles, result_id: str, query: WayQuery, rule: Rule) -> Derivation:
    legs = _from_to(files, query.a, query.b, rule)
    own = _one_way_figure(files, result_id, query.a, query.b, rule, len(legs))
    shown = legs[query.after : query.after + MOST_POINTS]
    if query.after and not shown:
        raise _refused()
    inputs = [
        Input(name=leg, value=1, unit=N_("leg"), origin="computed",
              link=LaneQuery(measure=Measure.DISTANCE, rule=rule, leg=leg).address(result_id))
        for leg in shown
    ]  # fmt: skip
    left = len(legs) - query.after - len(shown)
    if left:
        link = f"{own.explain}&after={query.after + MOST_POINTS}"
        inputs.append(Input(name=N_("all others"), value=left, unit=N_("legs"), origin="computed", link=link))
    return Derivation(
        title=N_("Legs between two ports"),
        figure=own,
        filters=_words(rule, f"{query.a} → {query.b}"),
        inputs=inputs,
        method=method_of(files),
        source_files=["legs.parquet"],
    )


def _legs(files: LaneFiles, result_id: str, query: WayQuery, rule: Rule, number: int) -> Derivation:
    own = legs_figure(result_id, query.a, query.b, number, rule.value, simulated=files.simulated)
    parts = []
    for a, b in ((query.a, query.b), (query.b, query.a)):
        figure = _one_way_figure(files, result_id, a, b, rule, len(_from_to(files, a, b, rule)))
        parts.append(Part(label=f"{a} → {b}", figure=figure))
    return Derivation(
        title=N_("Legs between two ports"),
        figure=own,
        filters=_words(rule, f"{query.a} – {query.b}"),
        parts=parts,
        part_dimension=N_("direction"),
        method=method_of(files),
        source_files=["legs.parquet"],
    )
