"""Counts and ratios of a lane: each takes what it declares and refuses the rest; no part opens its own parent."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc
import pytest
from tests.web.corridor.corridor_world import Made, adds_up, query_of

from sealane.errors import RequestRefusedError
from sealane.web.corridor import explain_counts
from sealane.web.corridor.explain_counts import TAKES
from sealane.web.corridor.explain_lane import explain_lane
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_query import LaneQuery
from sealane.web.derivation import Derivation

YEAR = 2025
DECLARED: dict[str, tuple[str, ...]] = {str(count): names for count, names in TAKES.items()}
# What no count of a lane may say it was narrowed down by, unless it declares it.
ASKED: dict[str, Any] = {
    "rule": "direct", "year": YEAR, "quarter": 2, "part": "berth", "place": "end_a", "ship_class": "Container Ship",
    "fuel": "MGO", "by": "voyage", "voyage": "v", "call": "c", "leg": "l", "whole": True, "line": 1,
    "measure": "nox", "ratio": "per_mj", "flag": "f", "direction": "a_to_b", "stops": "none", "target": "half",
    "fact": "gap",
}  # fmt: skip


@pytest.fixture(scope="module")
def files(made: Made) -> LaneFiles:
    return LaneFiles(made.lane)


def explained(files: LaneFiles, **asked: Any) -> Derivation:
    return explain_lane(files, "R", LaneQuery.model_validate(asked))


def start_of(files: LaneFiles, count: str) -> dict[str, Any]:
    """What a count cannot do without."""
    flags: dict[str, Any] = files.summary["quality"]["flags"]
    needs: dict[str, dict[str, Any]] = {"quarters": {"year": YEAR}, "flag": {"flag": next(iter(flags))}}
    return {"count": count, **needs.get(count, {})}


def test_every_parameter_is_asked() -> None:
    assert set(ASKED) | {"count", "after"} == set(LaneQuery.model_fields)
    assert {name for names in TAKES.values() for name in names} <= set(LaneQuery.model_fields)


@pytest.mark.parametrize("count", list(DECLARED))
def test_a_count_refuses_what_it_cannot_be_narrowed_down_by(files: LaneFiles, count: str) -> None:
    own = start_of(files, count)
    assert explained(files, **own).figure.value is not None  # the control
    for name, value in ASKED.items():
        if name in DECLARED[count]:
            continue
        with pytest.raises(RequestRefusedError) as refused:
            explained(files, **own | {name: value})
        assert refused.value.status == 404, name


@pytest.mark.parametrize("ratio", ["per_mj", "per_t_km", "transport_t_km", "observed"])
@pytest.mark.parametrize("name", sorted(set(ASKED) - {"rule", "year", "ratio"}))
def test_a_ratio_is_of_a_year_and_nothing_less(files: LaneFiles, ratio: str, name: str) -> None:
    own = {"ratio": ratio, "year": YEAR}
    assert explained(files, **own).filters["Year"] == str(YEAR)
    with pytest.raises(RequestRefusedError) as refused:
        explained(files, **own | {name: ASKED[name]})
    assert refused.value.status == 404


@pytest.mark.parametrize("asked", [{"year": 1999}, {"rule": "direct"}, {"stops": "none"}])
def test_a_target_is_what_the_document_says_of_it(files: LaneFiles, asked: dict[str, Any]) -> None:
    assert explained(files, target="half").figure.value == 100_000
    with pytest.raises(RequestRefusedError):
        explained(files, target="half", **asked)


def test_ratios_by_cargo_name_the_rule_they_stand_with(files: LaneFiles) -> None:
    of_cargo = explained(files, ratio="per_t_km", year=YEAR, rule="direct")
    assert (
        of_cargo.filters["Attribution rule"] == explained(files, count="legs", rule="cargo").filters["Attribution rule"]
    )
    assert "rule=cargo" in of_cargo.figure.explain
    assert "rule=direct" in explained(files, ratio="per_mj", year=YEAR, rule="direct").figure.explain  # the control


def test_what_a_count_takes_it_applies(files: LaneFiles) -> None:
    for quarter in range(1, 5):
        where = (pc.field("share_rotation") > 0.0) & (pc.field("year") == YEAR) & (pc.field("quarter") == quarter)
        rows = files.table("legs", ["ship"], where)
        asked = {"rule": "rotation", "year": YEAR, "quarter": quarter}
        assert explained(files, count="legs", **asked).figure.value == rows.num_rows
        assert explained(files, count="ships", **asked).figure.value == len(pc.unique(rows["ship"]))
    of_year = explained(files, count="legs", rule="rotation", year=YEAR).figure.value or 0
    assert rows.num_rows < of_year
    assert explained(files, count="ships", ship_class="none").figure.value == 0


@pytest.mark.parametrize("rule", ["rotation", "direct", "cargo"])
@pytest.mark.parametrize("count", list(DECLARED))
def test_each_part_and_page_opens_its_own_figure(
    files: LaneFiles, count: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain_counts, "MOST_LISTED", 2)
    asked = start_of(files, count) | ({"rule": rule} if "rule" in DECLARED[count] else {})
    waiting: list[tuple[str, float | str | None]] = [(LaneQuery.model_validate(asked).address("R"), None)]
    seen: set[str] = set()
    while waiting and len(seen) < 60:
        at, shown = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        found = explained(files, **query_of(at))
        assert shown in (None, found.figure.value), at
        assert adds_up(found), at
        own = found.figure.explain
        assert explained(files, **query_of(own)).figure.value == found.figure.value
        assert own not in {part.figure.explain for part in found.parts}, at
        waiting += [(part.figure.explain, part.figure.value) for part in found.parts]
        for item in found.inputs:
            if item.link and item.link.startswith("/explain/lane/") and "count=" in item.link:
                waiting.append((item.link, item.value if item.name.startswith("Q") else None))
    if count == "legs" and rule == "rotation":
        assert any("after=" in at for at in seen)
        assert any("ship_class=" in at for at in seen)


@pytest.mark.parametrize("asked", [{"count": "legs", "after": 5}, {"count": "lane_legs", "year": YEAR, "after": 1}])
def test_a_page_of_no_list_is_refused(files: LaneFiles, asked: dict[str, Any]) -> None:
    with pytest.raises(RequestRefusedError):
        explained(files, **asked)
    assert explained(files, **asked | {"after": 0}).parts


def test_quarters_are_of_a_year(files: LaneFiles) -> None:
    with pytest.raises(RequestRefusedError):
        explained(files, count="quarters")
