"""Figures of a lane: parts add up to the last bit, down to legs and published rows, and agree with the tables."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.corridor.corridor_world import Made, adds_up, query_of, walk

from sealane.errors import RequestRefusedError
from sealane.web.corridor.explain_lane import explain_lane
from sealane.web.corridor.lane_files import LaneFiles
from sealane.web.corridor.lane_legs import SHOWN, exact_sums, rest_after, sum_of_list
from sealane.web.corridor.lane_query import LaneQuery
from sealane.web.corridor.lane_sums import lane_sum
from sealane.web.corridor.measures import MEASURES, Measure, Rule
from sealane.web.derivation import Derivation

YEAR = 2025


@pytest.fixture(scope="module")
def files(made: Made) -> LaneFiles:
    return LaneFiles(made.lane)


def explained(files: LaneFiles, address: str) -> Derivation:
    return explain_lane(files, "R", LaneQuery.model_validate(query_of(address)))


@pytest.mark.parametrize("rule", list(Rule))
@pytest.mark.parametrize("measure", [Measure.WTW, Measure.NOX, Measure.ENERGY, Measure.FUEL])
def test_totals_of_every_rule_agree_with_the_trend(files: LaneFiles, rule: Rule, measure: Measure) -> None:
    row, shown = files.trend_of(rule, YEAR), MEASURES[measure]
    assert row is not None
    ours = lane_sum(files.totals, {"rule": rule, "year": YEAR}, measure)
    assert ours is not None
    if shown.column in row:
        assert ours == pytest.approx(row[shown.column] / shown.divisor, rel=1e-12)
    else:
        held = [r[shown.column] for r in files.totals if (r["rule"], r["year"]) == (rule, YEAR)]
        assert ours == pytest.approx(math.fsum(held) / shown.divisor, rel=1e-12)


@pytest.mark.parametrize(
    ("cell", "reached"),
    [
        ({"rule": "direct"}, {"by", "voyage", "leg", "whole", "line", "call"}),
        ({"rule": "cargo", "part": "sea", "by": "voyage"}, {"voyage", "leg"}),
        ({"rule": "cargo", "part": "berth"}, {"by", "call"}),
        ({"rule": "rotation", "measure": "distance"}, {"by", "voyage", "leg"}),
    ],
)
def test_every_part_is_the_figure_of_its_own_derivation(
    files: LaneFiles, cell: dict[str, str], reached: set[str]
) -> None:
    start = LaneQuery.model_validate({"year": YEAR, **cell}).address("R")
    kinds = set()
    for address, found in walk(start, lambda at: explained(files, at), most=400):
        assert adds_up(found), address
        assert not any("operator" in note for note in found.notes), found.notes
        assert found.figure.simulated
        assert all(part.figure.simulated for part in found.parts), address
        query = query_of(address)
        if "whole" in query and "line" in query:
            assert found.rows, address
        kinds |= {name for name in ("by", "voyage", "leg", "whole", "line", "call") if name in query}
    assert reached <= kinds


def test_a_leg_goes_down_to_published_rows(files: LaneFiles) -> None:
    leg = files.table("legs", ["leg_id"])["leg_id"][0].as_py()
    found = explained(files, LaneQuery(rule=Rule.ROTATION, leg=leg, whole=True).address("R"))
    assert len(found.parts) > 3
    assert adds_up(found)
    line = explained(files, found.parts[0].figure.explain)
    assert line.figure.value == found.parts[0].figure.value
    assert {row.table for row in line.rows} >= {"ogv_bsfc", "gwp100"}
    product = math.prod(float(item.value) for item in line.inputs if isinstance(item.value, float)) / 1e6
    assert product == pytest.approx(line.figure.value, rel=1e-12)
    assert all(row.source for row in line.rows)


def changed_totals(folder: Path, target: Path) -> LaneFiles:
    """The same lane with one cell of the totals a thousandth larger."""
    shutil.copytree(folder, target)
    table = pq.read_table(target / "totals.parquet")
    chosen = pc.and_(pc.equal(table["rule"], "rotation"), pc.equal(table["part"], "sea"))
    factor = pa.array(np.where(chosen.to_numpy(), 1.001, 1.0))
    at = table.schema.get_field_index("wtw_co2e_g")
    pq.write_table(
        table.set_column(at, table.schema.field(at), pc.multiply(table["wtw_co2e_g"], factor)),
        target / "totals.parquet",
    )
    return LaneFiles(target)


def test_totals_that_the_legs_do_not_give_are_said(files: LaneFiles, made: Made, tmp_path: Path) -> None:
    asked = LaneQuery(rule=Rule.ROTATION, year=YEAR, part="sea", by="voyage").address("R")
    assert not any("operator" in note for note in explained(files, asked).notes)
    wrong = explained(changed_totals(made.lane, tmp_path / "lane"), asked)
    assert any("operator" in note for note in wrong.notes)


def test_a_part_that_is_wrong_would_be_seen(files: LaneFiles) -> None:
    """The control of the walk above."""
    found = explained(files, LaneQuery(rule=Rule.ROTATION, year=YEAR).address("R"))
    part = found.parts[0]
    wrong = part.model_copy(
        update={"figure": part.figure.model_copy(update={"value": np.nextafter(part.figure.value, 0)})}
    )
    assert adds_up(found)
    assert not adds_up(found.model_copy(update={"parts": [wrong, *found.parts[1:]]}))


@pytest.mark.parametrize("count", ["legs", "voyages", "ships", "unpriced", "no_cargo", "no_particulars"])
def test_counts_are_taken_apart(files: LaneFiles, count: str) -> None:
    of = {"rule": "rotation", "year": YEAR} if count in ("legs", "voyages", "ships") else {}
    found = explained(files, LaneQuery.model_validate({"count": count, **of}).address("R"))
    assert adds_up(found)
    assert all(part.figure.simulated for part in found.parts)
    row = files.trend_of("rotation", YEAR)
    assert row is not None
    if count in ("legs", "ships"):
        assert found.figure.value == row[count]
    if count == "voyages":
        assert found.figure.value == row["passes"]


@pytest.mark.parametrize("ratio", ["per_mj", "per_t_km", "per_teu_km", "per_teu", "transport_t_km", "observed"])
def test_ratios_follow_from_their_inputs(files: LaneFiles, ratio: str) -> None:
    query = LaneQuery.model_validate({"ratio": ratio, "rule": "rotation", "year": YEAR})
    found = explained(files, query.address("R"))
    values = {item.name: item.value for item in found.inputs}
    numbers = [float(value) for value in values.values() if isinstance(value, int | float)]
    assert found.figure.value is not None
    if ratio == "transport_t_km":
        assert numbers[-1] == pytest.approx(found.figure.value, rel=1e-9)
    elif ratio == "observed":
        assert numbers[1] / numbers[0] == pytest.approx(found.figure.value, rel=1e-9)
    else:
        scale = {"per_mj": 1.0, "per_t_km": 1e6, "per_teu_km": 1e6, "per_teu": 1e3}[ratio]
        assert numbers[0] / numbers[1] * scale == pytest.approx(found.figure.value, rel=1e-9)


@pytest.mark.parametrize(
    "asked",
    [
        {"year": "1999"},
        {"rule": "direct", "year": "2025", "part": "sea", "voyage": "none"},
        {"leg": "none"},
        {"call": "none", "part": "berth"},
        {"call": "none"},
        {"by": "call", "part": "sea", "year": "2025"},
        {"by": "voyage", "part": "sea", "fuel": "MGO", "year": "2025"},
        {"ratio": "per_mj"},
        {"measure": "distance", "year": "2025", "quarter": "1"},
    ],
)
def test_what_the_lane_does_not_hold_is_refused(files: LaneFiles, asked: dict[str, str]) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        explain_lane(files, "R", LaneQuery.model_validate(asked))
    assert refused.value.status == 404


@given(st.lists(st.floats(-1e12, 1e12), max_size=3 * SHOWN + 7))
def test_pages_of_a_list_add_up_with_what_is_behind_them(values: list[float]) -> None:
    ranked = sorted(values, reverse=True)
    after = 0
    while True:
        rest = rest_after(ranked, after)
        shown = ranked[after : after + SHOWN]
        assert sum_of_list(ranked, after) == math.fsum([*shown, *([] if rest is None else [rest])])
        if rest is None:
            break
        after += SHOWN
        assert rest == sum_of_list(ranked, after)
    assert sum_of_list(ranked) == pytest.approx(math.fsum(values), rel=1e-9, abs=1e-3)


@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5), min_size=1, max_size=20))
def test_sums_of_runs_are_correctly_rounded(runs: list[list[float]]) -> None:
    values = np.array([value for run in runs for value in run])
    starts = np.cumsum([0, *(len(run) for run in runs[:-1])])
    assert exact_sums(values, starts).tolist() == [math.fsum(run) for run in runs]
