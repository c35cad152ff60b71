"""The corridor's pages: lanes, rotations and voyages, just-in-time arrival, and the derivations of their figures."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query

from sealane.errors import Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.web.accounts.gate import Viewed, Viewer, reading
from sealane.web.corridor.arrival_study import arrival_study
from sealane.web.corridor.arrival_view import arrival_page, brief, newest_studies
from sealane.web.corridor.documents import chosen, document_of, documents, reference
from sealane.web.corridor.explain_arrival import ArrivalQuery, explain_arrival
from sealane.web.corridor.explain_lane import explain_lane, explain_rotation
from sealane.web.corridor.lane_files import lane_files
from sealane.web.corridor.lane_map import lane_map
from sealane.web.corridor.lane_query import LaneQuery
from sealane.web.corridor.lane_view import lane_amount, lane_view, leading_year
from sealane.web.corridor.measures import Measure, Rule
from sealane.web.corridor.models import (
    About,
    ArrivalPage,
    CorridorList,
    CorridorPage,
    CorridorRow,
    LaneView,
    Rotation,
    VoyagesPage,
    Wanted,
)
from sealane.web.corridor.voyages import rotations, voyages
from sealane.web.derivation import Derivation, Figure
from sealane.web.results import Result, ResultKind, result_of, results
from sealane.web.rooms import Room
from sealane.web.tiles.models import MapView

DERIVATION = "explain/derivation.html.j2"
ROTATIONS_SHOWN = 8
Corridor = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,119}$")]
ResultId = Annotated[str, Path(max_length=36)]
Chosen = Annotated[str | None, Query(max_length=36)]
Year = Annotated[int | None, Query(ge=1900, le=2200)]
Text = Annotated[str | None, Query(max_length=400)]
Direction = Annotated[Literal["a_to_b", "b_to_a", ""] | None, Query()]
Choice = Annotated[Literal["true", "false", ""] | None, Query()]
# A form's empty field arrives as an empty text; it means that nothing was chosen.
YearText = Annotated[str | None, Query(pattern=r"^([0-9]{4})?$")]


def kept_of(node: Node, viewer: Viewer) -> list[Result]:
    """Return the kept results that who asks may see."""
    with reading(node, viewer) as connection:
        return results(connection, node, only_public=viewer.is_guest)


def one_of(node: Node, viewer: Viewer, result_id: str, *kinds: ResultKind) -> Result:
    """Return one kept result of some kinds."""
    with reading(node, viewer) as connection:
        return result_of(connection, node, result_id, kinds, only_public=viewer.is_guest)


def lanes_of(kept: list[Result], corridor: str) -> list[Result]:
    """Return the lanes of a corridor."""
    return [one for one in kept if one.kind is ResultKind.LANE and one.corridor == corridor]


def add_views(room: Room, node: Node) -> None:
    """Add the pages of corridors to a room."""

    @room.view("/corridors", "corridor/list.html.j2")
    def corridors(viewer: Viewed) -> CorridorList:
        """Corridors: partners, what they promised, what was worked out."""
        kept = kept_of(node, viewer)
        return CorridorList(corridors=[_row(kept, ident) for ident in sorted(documents(kept))])

    @room.view("/corridors/{corridor}", "corridor/page.html.j2")
    def corridor_page(
        viewer: Viewed,
        corridor: Corridor,
        result: Chosen = None,
        rule: Rule | None = None,
        measure: Measure = Measure.WTW,
        year: Year = None,
    ) -> CorridorPage:
        """What the corridor's lane emits, by three attribution rules, by year, and against what was promised."""
        kept = kept_of(node, viewer)
        about = document_of(kept, corridor)
        measure = Measure.WTW if measure is Measure.DISTANCE else measure
        lane, others = chosen(lanes_of(kept, corridor), result)
        view = lane_view(lane, others, rule, measure, year) if lane else None
        found: list[Rotation] = []
        number = 0
        if lane and view:
            files = lane_files(lane.folder)
            found, number = rotations(files, lane.id, view.rule, measure, view.year, ROTATIONS_SHOWN)
        return CorridorPage(
            about=about,
            lane=view,
            rotations=found,
            rotations_in_all=number,
            arrivals=[brief(one) for one in newest_studies(kept, about)],
            scenarios=[
                reference(one)
                for one in kept
                if one.corridor == corridor and one.kind in (ResultKind.SCENARIO, ResultKind.PLAN)
            ],
            map=_map_address(corridor, view) if view else None,
        )

    @room.view("/corridors/{corridor}/voyages", "corridor/voyages.html.j2")
    def voyages_page(
        viewer: Viewed,
        corridor: Corridor,
        result: Chosen = None,
        rule: Rule | None = None,
        measure: Measure = Measure.WTW,
        year: YearText = None,
        direction: Direction = None,
        ports: Text = None,
        ship: Text = None,
        direct: Choice = None,
        after: Text = None,
    ) -> VoyagesPage:
        """Rotations and voyages of the corridor's lane, with what each adds."""
        kept = kept_of(node, viewer)
        about = document_of(kept, corridor)
        lane, others = chosen(lanes_of(kept, corridor), result)
        if lane is None:
            return VoyagesPage(about=about, result=None, rule=rule or about.attribution, measure=measure)
        files = lane_files(lane.folder)
        rule = rule or Rule(files.rule)
        asked = int(year) if year else None
        wanted = Wanted(
            year=asked,
            direction=direction or None,
            ports=ports or None,
            ship=ship or None,
            direct=_yes_no(direct),
        )
        of_ports, number = rotations(files, lane.id, rule, measure, asked, 50)
        listed, found, following = voyages(files, lane.id, rule, measure, wanted, after or None)
        return VoyagesPage(
            about=about,
            result=reference(lane),
            others=[reference(one) for one in others],
            rule=rule,
            measure=measure,
            wanted=wanted,
            years=list(files.years),
            rotations=of_ports,
            rotations_in_all=number,
            voyages=listed,
            found=found,
            next=following,
            simulated=files.simulated,
        )

    @room.view("/corridors/{corridor}/map", "corridor/map.html.j2")
    def on_the_map(viewer: Viewed, corridor: Corridor, result: Chosen = None, rule: Rule | None = None) -> MapView:
        """Legs of the corridor's lane, by pair of ports, for the map and as a table."""
        kept = kept_of(node, viewer)
        about = document_of(kept, corridor)
        lane, _ = chosen(lanes_of(kept, corridor), result)
        if lane is None:
            raise RequestRefusedError(
                404, "unknown-result", Phrase("The corridor has no lane yet."), Phrase("See the corridor's page.")
            )
        files = lane_files(lane.folder)
        return lane_map(files, lane, about, rule or Rule(files.rule))

    @room.view("/corridors/{corridor}/document", "corridor/document.html.j2")
    def document(viewer: Viewed, corridor: Corridor) -> About:
        """Partners, goals, targets and facts of a corridor, each with its source."""
        return document_of(kept_of(node, viewer), corridor)

    @room.view("/corridors/{corridor}/arrival", "corridor/arrival.html.j2")
    def arrival(viewer: Viewed, corridor: Corridor, result: Chosen = None, notice: Text = None) -> ArrivalPage:
        """What just-in-time arrival would have saved at the corridor's ports, net of hotel load."""
        kept = kept_of(node, viewer)
        about = document_of(kept, corridor)
        studies = newest_studies(kept, about)
        shown = studies[0] if studies else None
        if result is not None:
            of_ports = [*about.end_a.ports, *about.end_b.ports]
            all_of = [one for one in kept if one.kind is ResultKind.ARRIVAL and one.port in of_ports]
            shown, _ = chosen(all_of, result)
        return arrival_page(about, studies, shown, notice)


def add_derivations(room: Room, node: Node) -> None:
    """Add the derivations of lanes and arrival studies to a room."""

    @room.view("/explain/lane/{result}", DERIVATION)
    def lane_figure(viewer: Viewed, result: ResultId, asked: Annotated[LaneQuery, Query()]) -> Derivation:
        """Where a figure of a lane comes from, down to voyages, legs and published rows."""
        lane = one_of(node, viewer, result, ResultKind.LANE)
        return explain_lane(lane_files(lane.folder), lane.id, asked)

    @room.view("/explain/rotation/{result}", DERIVATION)
    def rotation_figure(
        viewer: Viewed,
        result: ResultId,
        ports: Annotated[str, Query(max_length=400)],
        rule: Rule | None = None,
        measure: Measure = Measure.WTW,
        year: Year = None,
        what: Literal["sum", "count"] = "sum",
        after: Annotated[int, Query(ge=0, le=100_000_000)] = 0,
    ) -> Derivation:
        """Where a figure of a rotation comes from: its voyages."""
        lane = one_of(node, viewer, result, ResultKind.LANE)
        query = LaneQuery(rule=rule, measure=measure, year=year)
        return explain_rotation(lane_files(lane.folder), lane.id, ports, query, what, after)

    @room.view("/explain/arrival/{result}", DERIVATION)
    def arrival_figure(viewer: Viewed, result: ResultId, asked: Annotated[ArrivalQuery, Query()]) -> Derivation:
        """Where a saving of just-in-time arrival comes from, down to the call."""
        study = one_of(node, viewer, result, ResultKind.ARRIVAL)
        return explain_arrival(arrival_study(study.folder), study.id, asked)


def _map_address(corridor: str, view: LaneView) -> str:
    return f"/api/v1/corridors/{corridor}/map?result={view.result.id}&rule={view.rule.value}"


def _yes_no(text: str | None) -> bool | None:
    return {"true": True, "false": False}.get(text or "")


def _row(kept: list[Result], corridor: str) -> CorridorRow:
    about = document_of(kept, corridor)
    counts: dict[str, int] = {}
    ports = [*about.end_a.ports, *about.end_b.ports]
    for one in kept:
        if one.corridor == corridor or (one.kind is ResultKind.ARRIVAL and one.port in ports):
            counts[one.kind.value] = counts.get(one.kind.value, 0) + 1
    lane, _ = chosen(lanes_of(kept, corridor), None)
    figure: Figure | None = None
    year: int | None = None
    if lane is not None:
        files = lane_files(lane.folder)
        year = leading_year(files, files.rule)
        figure = lane_amount(files, lane.id, LaneQuery(rule=Rule(files.rule), year=year))
    return CorridorRow(about=about, results=counts, lane=figure, lane_year=year)
