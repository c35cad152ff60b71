"""Every figure of a lane can be explained, and the explanation adds up."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.corridors.lanes.lane_world import ServiceLane

from sealane.corridors.lanes.explain import as_text, explain_leg
from sealane.corridors.lanes.run import run_lane
from sealane.corridors.lanes.schemas import POLLUTANTS, RULES
from sealane.errors import DataError, FileFormatError


def leg_ids(folder: Path) -> list[str]:
    found: list[str] = pq.read_table(folder / "legs.parquet", columns=["leg_id"])["leg_id"].to_pylist()
    return found


def test_every_leg_adds_up_and_all_legs_to_the_totals(service_lane: ServiceLane) -> None:
    folder = service_lane.result.folder
    explained = [explain_leg(folder, leg) for leg in leg_ids(folder)]
    assert all(one.adds_up and one.figures for one in explained)
    totals = pq.read_table(folder / "totals.parquet").to_pandas()
    for rule in RULES:
        for name in POLLUTANTS:
            counted = sum(one.counts[rule][name] for one in explained)
            assert counted == pytest.approx(totals[totals["rule"] == rule][name].sum(), rel=1e-12)


def test_imo4_legs_add_up_too(service_lane: ServiceLane, tmp_path: Path) -> None:
    result = run_lane(
        service_lane.corridor,
        service_lane.calls,
        tmp_path / "l",
        vessels=service_lane.vessels,
        method="imo4-2020",
        gwp="ar6",
    )
    assert all(explain_leg(result.folder, leg).adds_up for leg in leg_ids(result.folder)[:12])


def test_a_figure_that_was_changed_does_not_add_up(service_lane: ServiceLane, tmp_path: Path) -> None:
    """Negative control."""
    folder = tmp_path / "lane"
    shutil.copytree(service_lane.result.folder, folder)
    legs = pq.read_table(folder / "legs.parquet")
    at = legs.schema.get_field_index("nox_g")
    pq.write_table(
        legs.set_column(at, legs.schema.field(at), pc.multiply(legs["nox_g"], 1 + 1e-9)), folder / "legs.parquet"
    )
    explanation = explain_leg(folder, leg_ids(folder)[0])
    assert not explanation.adds_up
    assert [figure.name for figure in explanation.figures if not figure.adds_up] == ["nox_g"]


def test_text_and_json_name_rows_and_sources(service_lane: ServiceLane) -> None:
    folder = service_lane.result.folder
    explanation = explain_leg(folder, leg_ids(folder)[3])
    text = as_text(explanation)
    assert "equals the table" in text
    assert "EPA-420-B-22-011" in text
    assert "vessels.csv row" in text
    content = json.loads(json.dumps(explanation.as_dict(), default=str))
    assert content["adds_up"] is True
    assert {line["source"] for line in content["lines"]} >= {"main", "auxiliary"}


def test_an_unknown_leg_and_a_folder_that_is_none(service_lane: ServiceLane, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no such leg"):
        explain_leg(service_lane.result.folder, "x>y")
    with pytest.raises(FileFormatError, match="no folder of a lane"):
        explain_leg(tmp_path, "x>y")


def test_the_tables_hold_no_empty_text_for_unknown(service_lane: ServiceLane) -> None:
    legs = pq.read_table(service_lane.result.folder / "legs.parquet")
    assert legs["grade"].null_count == 0
    assert isinstance(legs["flags"], pa.ChunkedArray)
