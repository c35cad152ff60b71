"""Ways between ports, and the legs along them: the steps listed give the length, the legs listed the count."""

from __future__ import annotations

import math

import httpx
import pyarrow.parquet as pq
import pytest
from tests.web.accounts.people import Place
from tests.web.corridor.corridor_world import Kept, Made, adds_up, query_of

from sealane.errors import RequestRefusedError
from sealane.web.corridor.explain_ways import WayQuery, explain_way
from sealane.web.corridor.lane_files import LaneFiles


@pytest.fixture(scope="module")
def files(made: Made) -> LaneFiles:
    return LaneFiles(made.lane)


def test_ways_and_legs_of_the_map(corridor_place: Place, files: LaneFiles, kept: Kept) -> None:
    legs = pq.read_table(files.folder / "legs.parquet").to_pylist()
    with httpx.Client(base_url=corridor_place.origin, timeout=60, trust_env=False) as guest:
        lanes = guest.get("/api/v1/corridors/la-lb-shanghai/map").json()["lanes"]
    assert len(lanes) > 3
    for lane in lanes:
        way = explain_way(files, kept.lane, WayQuery.model_validate(query_of(lane["distance"]["explain"])))
        assert way.figure.model_dump(mode="json") == lane["distance"]
        steps = [float(one.value or 0) for one in way.inputs[:-1]]
        assert math.fsum(steps) == pytest.approx(way.figure.value, rel=1e-9)
        assert float(way.inputs[-1].value or 0) <= (way.figure.value or 0) * (1 + 1e-9)
        found = explain_way(files, kept.lane, WayQuery.model_validate(query_of(lane["legs"]["explain"])))
        assert found.figure.model_dump(mode="json") == lane["legs"]
        assert adds_up(found)
        for part in found.parts:  # one way only: its own count, leg by leg
            one_way = explain_way(files, kept.lane, WayQuery.model_validate(query_of(part.figure.explain)))
            assert one_way.figure == part.figure
            assert len(one_way.inputs) == part.figure.value
        assert len({part.figure.explain for part in found.parts} | {found.figure.explain}) == 3
        ends = set(lane["ports"])
        own = [leg for leg in legs if {leg["from_port"], leg["to_port"]} == ends and leg["share_rotation"] > 0]
        assert len(own) == found.figure.value


@pytest.mark.parametrize(
    "asked",
    [
        {"a": "SGSIN", "b": "NLRTM"},
        {"a": "SGSIN", "b": "NLRTM", "legs": True},
        {"a": "SGSIN", "b": "NLRTM", "legs": True, "one_way": True},
        {"a": "CNSHA", "b": "USLAX", "one_way": True},
        {"a": "CNSHA", "b": "USLAX", "legs": True, "after": 1},
    ],
)
def test_ways_of_other_ports_are_refused(files: LaneFiles, asked: dict[str, str]) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        explain_way(files, "R", WayQuery.model_validate(asked))
    assert refused.value.status == 404
