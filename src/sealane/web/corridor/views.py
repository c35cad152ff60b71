"""The corridor's pages: lanes, rotations and voyages, just-in-time arrival, and the derivations of their figures."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Path, Query, Response

from sealane.errors import Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.web.accounts.gate import Viewed, Viewer, reading
from sealane.web.corridor.arrival_query import ArrivalQuery
from sealane.web.corridor.arrival_study import arrival_study
from sealane.web.corridor.arrival_view import arrival_page, brief, newest_studies
from sealane.web.corridor.documents import chosen, document_of, documents, reference
from sealane.web.corridor.explain_arrival import explain_arrival
from sealane.web.corridor.explain_lane import explain_lane, explain_rotation
from sealane.web.corridor.explain_voyages import explain_list, explain_rotation_fact, explain_voyage_fact
from sealane.web.corridor.explain_ways import WayQuery, explain_way
from sealane.web.corridor.lane_files import LaneFiles, lane_files
from sealane.web.corridor.lane_legs import SHOWN
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
from sealane.web.corridor.parts_csv import csv_answer, exported
from sealane.web.corridor.voyage_facts import ListQuery, RotationQuery, VoyageFact
from sealane.web.corridor.voyages import listed_figure, rotations, voyages
from sealane.web.derivation import Derivation, Figure
from sealane.web.results import Result, ResultKind, result_of, results
from sealane.web.rooms import Room
from sealane.web.tiles.models import MapView

DERIVATION = "explain/derivation.html.j2"
ROTATIONS_SHOWN = 8
MOST_ROWS = 100_000  # of a derivation as a table
Corridor = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,119}$")]
ResultId = Annotated[str, Path(max_length=36)]
Chosen = Annotated[str | None, Query(max_length=36)]
Year = Annotated[int | None, Query(ge=1900, le=2200)]
Text = Annotated[str | None, Query(max_length=400)]
VoyageName = Annotated[str, Query(max_length=400)]
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
        number: Figure | None = None
        if lane and view:
            files = lane_files(lane.folder)
            found, counted = rotations(files, lane.id, view.rule, measure, view.year, ROTATIONS_SHOWN)
            number = listed_figure(counted, lane.id, Wanted(year=view.year), "rotations", simulated=files.simulated)
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
            rotations_in_all=listed_figure(number, lane.id, Wanted(year=asked), "rotations", simulated=files.simulated),
            voyages=listed,
            found=listed_figure(found, lane.id, wanted, "voyages", simulated=files.simulated),
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
    """Add the derivations of lanes and arrival studies to a room, each as a page, as JSON and as a table."""
    origin = node.settings.origin

    def of_lane(viewer: Viewer, result: str) -> tuple[LaneFiles, str]:
        lane = one_of(node, viewer, result, ResultKind.LANE)
        return lane_files(lane.folder), lane.id

    @room.view("/explain/lane/{result}", DERIVATION)
    def lane_figure(viewer: Viewed, result: ResultId, asked: Annotated[LaneQuery, Query()]) -> Derivation:
        """Where a figure of a lane comes from, down to voyages, legs and published rows."""
        return exported(explain_lane(*of_lane(viewer, result), asked))

    @room.stream("/explain/lane/{result}/parts.csv", "text/csv")
    def lane_figure_csv(viewer: Viewed, result: ResultId, asked: Annotated[LaneQuery, Query()]) -> Response:
        """The parts of a lane's figure as a table."""
        return csv_answer(explain_lane(*of_lane(viewer, result), asked), origin)

    def of_rotation(viewer: Viewer, result: str, asked: RotationQuery, most: int = SHOWN) -> Derivation:
        files, ident = of_lane(viewer, result)
        if asked.what in ("median", "mean"):
            return explain_rotation_fact(files, ident, asked.ports, asked.year, asked.what, asked.after, most)
        query = LaneQuery(rule=asked.rule, measure=asked.measure, year=asked.year)
        return explain_rotation(files, ident, asked.ports, query, asked.what, asked.after)

    @room.view("/explain/rotation/{result}", DERIVATION)
    def rotation_figure(viewer: Viewed, result: ResultId, asked: Annotated[RotationQuery, Query()]) -> Derivation:
        """Where a figure of a rotation comes from: its voyages."""
        return exported(of_rotation(viewer, result, asked))

    @room.stream("/explain/rotation/{result}/parts.csv", "text/csv")
    def rotation_figure_csv(viewer: Viewed, result: ResultId, asked: Annotated[RotationQuery, Query()]) -> Response:
        """The voyages behind a rotation's figure as a table."""
        return csv_answer(of_rotation(viewer, result, asked, MOST_ROWS), origin)

    @room.view("/explain/voyage/{result}", DERIVATION)
    def voyage_fact(viewer: Viewed, result: ResultId, voyage: VoyageName, what: VoyageFact) -> Derivation:
        """Where a voyage's time, distance or cargo comes from."""
        return exported(explain_voyage_fact(*of_lane(viewer, result), voyage, what))

    @room.stream("/explain/voyage/{result}/parts.csv", "text/csv")
    def voyage_fact_csv(viewer: Viewed, result: ResultId, voyage: VoyageName, what: VoyageFact) -> Response:
        """What a voyage's time, distance or cargo comes from, as a table."""
        return csv_answer(explain_voyage_fact(*of_lane(viewer, result), voyage, what), origin)

    @room.view("/explain/voyages/{result}", DERIVATION)
    def voyages_counted(viewer: Viewed, result: ResultId, asked: Annotated[ListQuery, Query()]) -> Derivation:
        """Which voyages or rotations a list counts."""
        return exported(explain_list(*of_lane(viewer, result), asked.wanted(), asked.what, asked.after))

    @room.stream("/explain/voyages/{result}/parts.csv", "text/csv")
    def voyages_counted_csv(viewer: Viewed, result: ResultId, asked: Annotated[ListQuery, Query()]) -> Response:
        """The voyages or rotations that a list counts, as a table."""
        return csv_answer(explain_list(*of_lane(viewer, result), asked.wanted(), asked.what, 0, MOST_ROWS), origin)

    @room.view("/explain/way/{result}", DERIVATION)
    def way_figure(viewer: Viewed, result: ResultId, asked: Annotated[WayQuery, Query()]) -> Derivation:
        """Where the length of a way between two ports comes from, or which legs count along it."""
        return exported(explain_way(*of_lane(viewer, result), asked))

    @room.stream("/explain/way/{result}/parts.csv", "text/csv")
    def way_figure_csv(viewer: Viewed, result: ResultId, asked: Annotated[WayQuery, Query()]) -> Response:
        """The steps of a way, or its legs, as a table."""
        return csv_answer(explain_way(*of_lane(viewer, result), asked), origin)

    @room.view("/explain/arrival/{result}", DERIVATION)
    def arrival_figure(viewer: Viewed, result: ResultId, asked: Annotated[ArrivalQuery, Query()]) -> Derivation:
        """Where a saving of just-in-time arrival comes from, down to the call."""
        study = one_of(node, viewer, result, ResultKind.ARRIVAL)
        return exported(explain_arrival(arrival_study(study.folder), study.id, asked))

    @room.stream("/explain/arrival/{result}/parts.csv", "text/csv")
    def arrival_figure_csv(viewer: Viewed, result: ResultId, asked: Annotated[ArrivalQuery, Query()]) -> Response:
        """The calls behind a figure of an arrival study as a table."""
        study = one_of(node, viewer, result, ResultKind.ARRIVAL)
        return csv_answer(explain_arrival(arrival_study(study.folder), study.id, asked, MOST_ROWS), origin)


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
