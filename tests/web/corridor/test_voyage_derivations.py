"""Times, distances and counts of voyages: what a derivation lists gives the figure, and the figure is the tables'."""

from __future__ import annotations

import datetime as dt
import math
import shutil
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.web.corridor.corridor_world import Made, adds_up, query_of, walk

from sealane.errors import RequestRefusedError
from sealane.web.corridor import explain_lane as explain_lane_module
from sealane.web.corridor import explain_voyages, lane_legs
from sealane.web.corridor.explain_lane import explain_lane, explain_rotation
from sealane.web.corridor.explain_voyages import explain_list, explain_rotation_fact, explain_voyage_fact
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_query import LaneQuery
from sealane.web.corridor.measures import Measure, Rule
from sealane.web.corridor.models import Wanted
from sealane.web.corridor.voyage_facts import ListQuery
from sealane.web.corridor.voyages import rotations, voyages
from sealane.web.derivation import Derivation

YEAR = 2025


@pytest.fixture(scope="module")
def files(made: Made) -> LaneFiles:
    return LaneFiles(made.lane)


def passes(files: LaneFiles) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(files.folder / "passes.parquet").to_pylist()
    return found


def listed(found: Derivation, unit: str) -> list[float]:
    """Values of the voyages that a derivation lists."""
    return [float(one.value) for one in found.inputs if one.unit == unit and one.link and one.value is not None]


def test_the_median_is_that_of_the_voyages_listed(files: LaneFiles) -> None:
    shown, _ = rotations(files, "R", Rule.ROTATION, Measure.WTW, YEAR, 50)
    assert len(shown) > 3
    for one in shown:
        own = [
            row["hours"] for row in passes(files)
            if (row["ports"], row["year"], row["too_long"]) == (one.ports, YEAR, False) and row["hours"] is not None
        ]  # fmt: skip
        found = explain_rotation_fact(files, "R", one.ports, YEAR, "median", 0)
        assert found.figure == one.median
        assert found.figure.value == statistics.median(own) / 24
        assert statistics.median(listed(found, "d")) == pytest.approx(found.figure.value, rel=1e-12)
        assert found.inputs[1].value == len(own) == len(listed(found, "d"))


def test_the_mean_is_that_of_the_voyages_listed(files: LaneFiles) -> None:
    for one in rotations(files, "R", Rule.ROTATION, Measure.WTW, YEAR, 50)[0]:
        own = [
            row["distance_nm"] for row in passes(files)
            if (row["ports"], row["year"], row["too_long"]) == (one.ports, YEAR, False)
        ]  # fmt: skip
        found = explain_rotation_fact(files, "R", one.ports, YEAR, "mean", 0)
        assert found.figure == one.mean
        assert found.figure.value == math.fsum(own) / len(own)
        assert math.fsum(listed(found, "nm")) / len(own) == found.figure.value


def test_a_rotation_and_its_parts_are_marked_as_simulated(files: LaneFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    one = max(rotations(files, "R", Rule.ROTATION, Measure.WTW, YEAR, 50)[0], key=lambda row: row.voyages.value or 0)
    query = LaneQuery(rule=Rule.ROTATION, year=YEAR)
    assert one.voyages == explain_rotation(files, "R", one.ports, query, "count", 0).figure
    monkeypatch.setattr(explain_lane_module, "SHOWN", 1)
    monkeypatch.setattr(lane_legs, "SHOWN", 1)
    found = explain_rotation(files, "R", one.ports, query, "sum", 0)
    assert len(found.parts) == 2  # the largest, and all others
    assert one.voyages.simulated and all(part.figure.simulated for part in found.parts)


def test_a_long_list_of_values_goes_on_behind_its_page(files: LaneFiles) -> None:
    ports = max(Counter(row["ports"] for row in passes(files)).items(), key=lambda item: item[1])[0]
    whole = explain_rotation_fact(files, "R", ports, None, "median", 0)
    names: list[str] = []
    after = 0
    while True:
        page = explain_rotation_fact(files, "R", ports, None, "median", after, 2)
        assert page.figure == whole.figure
        values = [one for one in page.inputs if one.link and "explain/voyage/" in one.link]
        names += [one.name for one in values]
        rest = [one for one in page.inputs if one.name == explain_voyages.OTHERS]
        if not rest:
            break
        after += 2
        assert query_of(rest[0].link or "")["after"] == str(after)
        assert rest[0].value == whole.inputs[0].value - after
    assert names == [one.name for one in whole.inputs if one.link and "explain/voyage/" in one.link]


def test_a_voyage_takes_from_departure_to_arrival(files: LaneFiles) -> None:
    for one in voyages(files, "R", Rule.ROTATION, Measure.WTW, Wanted(), None)[0]:
        found = explain_voyage_fact(files, "R", one.voyage, "time")
        assert found.figure == one.time
        begin, end = (
            dt.datetime.strptime(str(item.value), "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=dt.UTC)
            for item in found.inputs[:2]
        )
        assert (end - begin) / dt.timedelta(days=1) == pytest.approx(found.figure.value, rel=1e-6)


def test_a_voyage_is_as_long_as_its_legs(files: LaneFiles) -> None:
    for one in voyages(files, "R", Rule.ROTATION, Measure.WTW, Wanted(), None)[0]:
        found = explain_voyage_fact(files, "R", one.voyage, "distance")
        assert found.figure == one.distance
        assert len(found.inputs) == one.legs
        assert math.fsum(float(item.value or 0) for item in found.inputs) == pytest.approx(
            found.figure.value, rel=1e-12
        )
        assert found.notes == [explain_voyages.SAME]
        for item in found.inputs:
            leg = explain_lane(files, "R", LaneQuery.model_validate(query_of(item.link or "")))
            assert leg.figure.value == item.value


def test_a_voyage_carries_what_its_last_leg_does(files: LaneFiles) -> None:
    legs = {row["leg_id"]: row for row in pq.read_table(files.folder / "legs.parquet").to_pylist()}
    told = 0
    for one in voyages(files, "R", Rule.ROTATION, Measure.WTW, Wanted(), None)[0]:
        if one.cargo is None:
            continue
        told += 1
        found = explain_voyage_fact(files, "R", one.voyage, "teu" if one.cargo.quantity == "teu" else "tonnes")
        assert found.figure == one.cargo
        last = legs[found.inputs[0].source]
        assert (last["pass_id"], last["lane_teu"]) == (one.voyage, found.figure.value)
    assert told


def changed(files: LaneFiles, target: Path, column: str) -> LaneFiles:
    """The same lane with voyages a hundredth longer."""
    shutil.copytree(files.folder, target)
    table = pq.read_table(target / "passes.parquet")
    at = table.schema.get_field_index(column)
    pq.write_table(table.set_column(at, column, pc.multiply(table[column], 1.01)), target / "passes.parquet")
    return LaneFiles(target)


def test_a_table_that_the_legs_do_not_give_is_said(files: LaneFiles, tmp_path: Path) -> None:
    """The control of what is noted above."""
    wrong = changed(files, tmp_path / "lane", "distance_nm")
    name = passes(files)[0]["pass_id"]
    assert explain_voyage_fact(wrong, "R", name, "distance").notes != [explain_voyages.SAME]


@pytest.mark.parametrize("wanted", [
    Wanted(), Wanted(year=YEAR), Wanted(direction="a_to_b"), Wanted(year=YEAR, direction="b_to_a", direct=False),
    Wanted(ship="SERVICE 01"), Wanted(year=1999),
])  # fmt: skip
def test_a_list_counts_what_its_derivation_names(files: LaneFiles, wanted: Wanted) -> None:
    _, number, _ = voyages(files, "R", Rule.ROTATION, Measure.WTW, wanted, None)
    start = explain_list(files, "R", wanted, "voyages", 0)
    assert start.figure.value == number

    def explain(address: str) -> Derivation:
        asked = ListQuery.model_validate(query_of(address))
        return explain_list(files, "R", asked.wanted(), asked.what, asked.after)

    names: set[str] = set()
    for address, found in walk(start.figure.explain, lambda at: explain(at) if "/voyages/" in at else start):
        assert adds_up(found), address
        if "/voyages/" in address and not found.parts:
            assert found.figure.value == len(found.inputs)
            names |= {item.name for item in found.inputs}
    assert len(names) == number


def test_rotations_are_counted_with_their_voyages(files: LaneFiles) -> None:
    shown, number = rotations(files, "R", Rule.ROTATION, Measure.WTW, YEAR, 500)
    found = explain_list(files, "R", Wanted(year=YEAR), "rotations", 0)
    assert found.figure.value == number == len(found.inputs)
    assert [item.value for item in found.inputs] == [one.voyages.value for one in shown]


def flagged(files: LaneFiles, target: Path) -> LaneFiles:
    """The same lane in which every third leg carries a doubt, and the summary says so."""
    import json

    shutil.copytree(files.folder, target)
    table = pq.read_table(target / "legs.parquet")
    summary = json.loads((target / "lane.json").read_text("utf-8"))
    name = next(iter(summary["quality"]["flags"]))
    words = [f"other {name}" if row % 3 == 0 else "" for row in range(len(table))]
    at = table.schema.get_field_index("flags")
    pq.write_table(table.set_column(at, "flags", pa.array(words)), target / "legs.parquet")
    for flag, item in summary["quality"]["flags"].items():
        item["legs"] = sum(1 for text in words if flag in text.split())
    (target / "lane.json").write_text(json.dumps(summary), "utf-8")
    return LaneFiles(target)


def test_doubts_are_counted_by_the_legs_that_carry_them(files: LaneFiles, tmp_path: Path) -> None:
    doubtful = flagged(files, tmp_path / "lane")
    flags = {name: item["legs"] for name, item in doubtful.summary["quality"]["flags"].items() if item["legs"]}
    assert flags
    for name, legs in flags.items():
        start = LaneQuery(count="flag", flag=name)
        found = explain_lane(doubtful, "R", start)
        assert found.figure.value == legs
        assert adds_up(found)
        of_year = explain_lane(doubtful, "R", LaneQuery.model_validate(query_of(found.parts[0].figure.explain)))
        assert of_year.figure.value == found.parts[0].figure.value == len(of_year.inputs)
    with pytest.raises(RequestRefusedError):
        explain_lane(doubtful, "R", LaneQuery(count="flag", flag="none"))


@pytest.mark.parametrize(("count", "column"), [("lane_legs", "legs_on_lane"), ("lane_ships", "ships_on_lane")])
def test_of_how_many_is_counted(files: LaneFiles, count: str, column: str) -> None:
    found = explain_lane(files, "R", LaneQuery.model_validate({"count": count}))
    assert found.figure.value == files.summary["counts"][column]
    assert adds_up(found)
    assert "Attribution rule" not in found.filters


def test_quarters_with_data_are_named(files: LaneFiles) -> None:
    found = explain_lane(files, "R", LaneQuery(count="quarters", year=YEAR))
    assert found.figure.value == files.quarters(YEAR) == len(found.inputs)


def test_a_target_is_what_the_document_states_and_the_gap_what_is_left(files: LaneFiles) -> None:
    row = files.targets[0]
    value, actual, gap = (
        explain_lane(files, "R", LaneQuery.model_validate({"target": row["target"], "fact": fact}))
        for fact in ("value", "actual", "gap")
    )
    assert (value.figure.value, actual.figure.value, gap.figure.value) == (row["value"], row["actual"], row["gap"])
    assert value.inputs[0].value == row["value"]
    assert value.inputs[0].source == row["source"]
    assert not value.figure.simulated
    own = explain_lane(files, "R", LaneQuery.model_validate(query_of(actual.inputs[0].link or "")))
    assert own.figure.value == pytest.approx(row["actual"], rel=1e-12)
    assert adds_up(gap)
    with pytest.raises(RequestRefusedError):
        explain_lane(files, "R", LaneQuery(target="none"))


def test_what_no_voyage_has_is_refused(files: LaneFiles) -> None:
    for ask in (
        lambda: explain_rotation_fact(files, "R", "USLAX>NONE", None, "median", 0),
        lambda: explain_voyage_fact(files, "R", "none", "time"),
    ):
        with pytest.raises(RequestRefusedError) as refused:
            ask()
        assert refused.value.status == 404
