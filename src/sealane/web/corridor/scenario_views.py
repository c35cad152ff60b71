"""The corridor's scenarios: what is kept, one scenario or plan, several side by side, and the derivations."""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from fastapi import Path as PathParameter
from fastapi import Query, Response

from sealane.corridors.scenarios.read import reference_scenarios, scenario_text
from sealane.errors import Phrase, RequestRefusedError
from sealane.node.context import Node
from sealane.web.accounts.gate import Viewed, Viewer
from sealane.web.accounts.roles import access_table
from sealane.web.corridor.comparison import MOST, Chosen, comparison_page, described
from sealane.web.corridor.documents import document_of, reference
from sealane.web.corridor.explain_scenario import explain_difference, explain_scenario
from sealane.web.corridor.explain_study import PlanQuery, explain_dual
from sealane.web.corridor.parts_csv import csv_answer, exported
from sealane.web.corridor.scenario_files import ScenarioFiles, scenario_files, shipped_scenario
from sealane.web.corridor.scenario_models import Compared, ComparisonPage, ScenarioList, ScenarioPage, ShippedScenario
from sealane.web.corridor.scenario_query import Output, ScenarioQuery
from sealane.web.corridor.scenario_view import scenario_page
from sealane.web.corridor.views import DERIVATION, Corridor, ResultId, Year, kept_of, one_of
from sealane.web.derivation import Derivation
from sealane.web.results import Result, ResultKind, corridors_compared
from sealane.web.rooms import Room

SHIPPED = "shipped:"
_KINDS = (ResultKind.SCENARIO, ResultKind.PLAN)
# A kept result's id, or `shipped:` and the id of a scenario that comes with the product.
NAME = r"^(shipped:[a-z0-9][a-z0-9-]{0,63}|[0-9a-f-]{36})$"
Name = Annotated[str, PathParameter(pattern=NAME)]
Names = Annotated[list[str], Query(alias="with", max_length=MOST)]
Shown = Annotated[Output, Query()]
OriginShown = Annotated[Literal["unsure", "sourced", "user", "placeholder", "missing"], Query()]
Start = Annotated[str | None, Query(max_length=64)]


def opened(node: Node, viewer: Viewer, name: str) -> tuple[Result | None, ScenarioFiles]:
    """Return a kept scenario or plan, or a shipped scenario.

    Raises
    ------
    RequestRefusedError
        404 where there is none.
    """
    if name.startswith(SHIPPED):
        found = shipped_scenario(name.removeprefix(SHIPPED))
        if found is None:
            raise RequestRefusedError(
                404, "unknown-scenario", Phrase("No such scenario is shipped."), Phrase("See /corridors.")
            )
        return None, found
    result = one_of(node, viewer, name, *_KINDS)
    return result, scenario_files(result.folder)


def shipped_of(corridor: str) -> tuple[ShippedScenario, ...]:
    """Return the shipped scenarios of a corridor."""
    return tuple(one for one in _shipped() if one.corridor == corridor)


@cache
def _shipped() -> tuple[ShippedScenario, ...]:
    """Every shipped scenario by what its file says of itself; no reference is looked up, which would take seconds."""
    heads = ((ident, yaml.safe_load(scenario_text(ident)[1])) for ident in reference_scenarios())
    return tuple(
        ShippedScenario(
            name=SHIPPED + ident,
            id=ident,
            corridor=str(head["corridor"]),
            title=str(head["title"]),
            label=str(head["label"]),
        )
        for ident, head in heads
    )


def _may_run(node: Node, viewer: Viewer) -> bool:
    access = access_table().get(("POST", "/api/v1/tasks"))
    return access is not None and access.lets_in(viewer.standing, node.settings.guests)


def add_scenarios(room: Room, node: Node) -> None:
    """Add the pages of scenarios and plans to a room."""

    @room.view("/corridors/{corridor}/scenarios", "corridor/scenarios.html.j2")
    def scenarios(viewer: Viewed, corridor: Corridor, start: Start = None) -> ScenarioList:
        """Scenarios and plans of a corridor: those kept, those shipped, and how to run one."""
        kept = kept_of(node, viewer)
        about = document_of(kept, corridor)
        shipped = shipped_of(corridor)
        known = [one.id for one in shipped]
        return ScenarioList(
            about=about,
            kept=[reference(one) for one in kept if one.kind in _KINDS and one.corridor == corridor],
            shipped=list(shipped),
            comparisons=[reference(one) for one in kept if one.kind is ResultKind.COMPARISON and _of(one, corridor)],
            may_run=_may_run(node, viewer),
            text=scenario_text(start)[1].decode("utf-8") if start in known else None,
        )

    @room.view("/corridors/{corridor}/scenarios/{name}", "corridor/scenario.html.j2")
    def scenario(
        viewer: Viewed,
        corridor: Corridor,
        name: Name,
        output: Shown = Output.GAP,
        origin: OriginShown = "unsure",
        year: Year = None,
    ) -> ScenarioPage:
        """One scenario or least-cost plan: emissions, cost gap, fleet, fuel, spread, shadow prices, assumptions."""
        result, files = opened(node, viewer, name)
        if files.summary["corridor"] != corridor:
            raise RequestRefusedError(
                404, "unknown-result", Phrase("The corridor has no such scenario."), Phrase("See its scenarios.")
            )
        about = document_of(kept_of(node, viewer), corridor)
        return scenario_page(about, name, result, files, output, origin, year)

    @room.view("/corridors/{corridor}/comparison", "corridor/comparison.html.j2")
    def comparison(viewer: Viewed, corridor: Corridor, names: Names = [], output: Shown = Output.WTW) -> ComparisonPage:  # noqa: B006  # FastAPI copies defaults
        """Scenarios side by side: the same axes, the differences, and the assumptions that differ."""
        kept = kept_of(node, viewer)
        about = document_of(kept, corridor)
        chosen = []
        for name in dict.fromkeys(names):
            _, files = opened(node, viewer, name)
            chosen.append(Chosen(name, files))
        return comparison_page(about, _choices(kept), chosen, output)


def _of(result: Result, corridor: str) -> bool:
    """Say whether a comparison is of a corridor; one that names none, of an older edition, is shown under each."""
    if result.corridor is not None:
        return result.corridor == corridor
    named = _corridors_of(result.folder)
    return not named or corridor in named


@lru_cache(maxsize=64)  # a kept result never changes
def _corridors_of(folder: Path) -> frozenset[str]:
    try:
        return corridors_compared(json.loads((folder / "comparison.json").read_text("utf-8")))
    except (OSError, ValueError, AttributeError, TypeError):
        return frozenset()


def _choices(kept: list[Result]) -> list[Compared]:
    """What can be compared: kept scenarios and plans of any corridor, and the shipped scenarios."""
    found = [described(Chosen(one.id, scenario_files(one.folder))) for one in kept if one.kind in _KINDS]
    found += [
        Compared(name=one.name, corridor=one.corridor, title=one.title, kind="shipped", simulated=False, ensemble=False)
        for one in _shipped()
    ]
    return found


def _explained(node: Node, viewer: Viewer, name: str, asked: ScenarioQuery) -> Derivation:
    _, files = opened(node, viewer, name)
    if asked.fact == "difference":
        first = name_of(asked.subject)
        return explain_difference(files, name, opened(node, viewer, first)[1], first, asked.output)
    return explain_scenario(files, name, asked)


def name_of(text: str | None) -> str:
    """A scenario's name that came as a parameter, checked as one in a path is."""
    if text is None or re.fullmatch(NAME, text) is None:
        raise RequestRefusedError(
            404, "unknown-scenario", Phrase("No such scenario is shipped."), Phrase("See /corridors.")
        )
    return text


def add_scenario_derivations(room: Room, node: Node) -> None:
    """Add the derivations of scenarios and plans to a room."""

    @room.view("/explain/scenario/{name}", DERIVATION)
    def scenario_figure(viewer: Viewed, name: Name, asked: Annotated[ScenarioQuery, Query()]) -> Derivation:
        """Where a figure of a scenario or plan comes from, down to energy times factor."""
        return exported(_explained(node, viewer, name, asked))

    @room.stream("/explain/scenario/{name}/parts.csv", "text/csv")
    def scenario_figure_csv(viewer: Viewed, name: Name, asked: Annotated[ScenarioQuery, Query()]) -> Response:
        """The parts and inputs of a figure of a scenario or plan as a table."""
        return csv_answer(_explained(node, viewer, name, asked), node.settings.origin)

    @room.view("/explain/plan/{result}", DERIVATION)
    def shadow_price(viewer: Viewed, result: ResultId, asked: Annotated[PlanQuery, Query()]) -> Derivation:
        """Where a plan's shadow price comes from."""
        plan = one_of(node, viewer, result, ResultKind.PLAN)
        return explain_dual(scenario_files(plan.folder), plan.id, asked)
