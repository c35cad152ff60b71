"""Corridor documents as the pages show them: the shipped ones, and those that results brought."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sealane.corridors.lanes.document import corridor_ids, read_corridor
from sealane.corridors.lanes.summary import corridor_words
from sealane.errors import Phrase, RequestRefusedError
from sealane.web.corridor.lane_files import lane_files
from sealane.web.corridor.measures import Rule
from sealane.web.corridor.models import About, End, Partner, ResultRef, StatedTarget, Statement
from sealane.web.results import Result, ResultKind


def about(words: Mapping[str, Any], *, shipped: bool) -> About:
    """Return a document from its words, as ``lane.json`` and the reader give them."""
    grades = {source["title"]: source["grade"] for source in words["sources"].values()}

    def statements(name: str) -> list[Statement]:
        return [Statement(**item, grade=grades.get(item["source"])) for item in words[name]]

    return About(
        id=words["id"],
        title=words["title"],
        status=words["status"],
        shipped=shipped,
        end_a=End(**words["end_a"]),
        end_b=End(**words["end_b"]),
        ship_classes=words["ship_classes"],
        attribution=Rule(words["attribution"]),
        baseline_year=words["baseline_year"],
        partners=[Partner(**item) for item in words["partners"]],
        targets=[StatedTarget(**item) for item in words["targets"]],
        goals=statements("goals"),
        facts=statements("facts"),
        notes=words["notes"],
    )


@cache
def shipped_documents() -> Mapping[str, About]:
    """Return the shipped documents by id."""
    return {ident: about(corridor_words(read_corridor(ident)), shipped=True) for ident in corridor_ids()}


def documents(kept: Iterable[Result]) -> dict[str, About]:
    """Return every document the node knows by id; of one that several lanes brought the newest.

    Parameters
    ----------
    kept : results that the reader may see.
    """
    found = dict(shipped_documents())
    lanes = [one for one in kept if one.kind is ResultKind.LANE and one.corridor not in found]
    for one in sorted(lanes, key=lambda one: one.created_at):
        if one.corridor:
            found[one.corridor] = about(lane_files(one.folder).summary["corridor"], shipped=False)
    return found


def document_of(kept: Iterable[Result], corridor: str) -> About:
    """Return one document.

    Raises
    ------
    RequestRefusedError
        404 where the node knows none of this id.
    """
    found = documents(kept).get(corridor)
    if found is None:
        raise RequestRefusedError(
            404, "unknown-corridor", Phrase("This node knows no such corridor."), Phrase("See /corridors.")
        )
    return found


def reference(result: Result) -> ResultRef:
    """Return a result as a page names it."""
    return ResultRef(
        id=result.id,
        kind=result.kind.value,
        title=result.title,
        begins_at=result.begins_at,
        ends_at=result.ends_at,
        simulated=result.simulated,
        method_edition=result.method_edition,
        created_at=result.created_at,
        created_by=result.created_by,
    )


def chosen(kept: Iterable[Result], result_id: str | None) -> tuple[Result | None, list[Result]]:
    """Return the result asked for, else the newest, and the others.

    Raises
    ------
    RequestRefusedError
        404 where the one asked for is not among them.
    """
    found = sorted(kept, key=lambda one: (one.ends_at is not None, one.ends_at, one.created_at), reverse=True)
    if result_id is None:
        return (found[0], found[1:]) if found else (None, [])
    one = next((one for one in found if one.id == result_id), None)
    if one is None:
        raise RequestRefusedError(
            404, "unknown-result", Phrase("The corridor has no such result."), Phrase("See the corridor's page.")
        )
    return one, [other for other in found if other is not one]
