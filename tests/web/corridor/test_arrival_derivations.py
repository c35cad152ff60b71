"""Savings of just-in-time arrival: by call and by source they add up, and agree with the study's summary."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.web.corridor.corridor_world import Made, adds_up, query_of, walk

from sealane.errors import RequestRefusedError
from sealane.web.corridor.arrival_query import ArrivalQuery
from sealane.web.corridor.arrival_study import SOURCES, ArrivalStudy, Kind, Saved
from sealane.web.corridor.explain_arrival import explain_arrival
from sealane.web.derivation import Derivation


@pytest.fixture(scope="module")
def study(made: Made) -> ArrivalStudy:
    return ArrivalStudy(made.arrival)


def explained(study: ArrivalStudy, address: str) -> Derivation:
    return explain_arrival(study, "R", ArrivalQuery.model_validate(query_of(address)))


@pytest.mark.parametrize("notice", ["12", "24", "voyage"])
def test_sums_over_calls_agree_with_the_summary(study: ArrivalStudy, notice: str) -> None:
    for saved in Saved:
        for kind in Kind:
            row = study.row(notice, saved)
            assert row is not None
            held, ours = row[f"{kind}_saved"], study.saving(notice, saved, kind)
            if saved is Saved.WAITING:
                held = row["before"] - row["after"]
            assert ours == pytest.approx(held, rel=1e-9, abs=1e-9 * abs(row["before"]))


def test_hotel_load_is_part_of_what_is_net(study: ArrivalStudy) -> None:
    net = explained(study, ArrivalQuery(notice="24", saved=Saved.ENERGY).address("R"))
    assert adds_up(net)
    assert len(net.parts) == len(SOURCES)
    gross = study.saving("24", Saved.FUEL, Kind.GROSS)
    fuel = study.saving("24", Saved.FUEL)
    assert gross is not None
    assert fuel is not None
    assert gross >= fuel


@pytest.mark.parametrize("saved", [Saved.FUEL, Saved.ENERGY, Saved.WTW, Saved.WAITING])
def test_every_saving_is_the_sum_of_its_calls(study: ArrivalStudy, saved: Saved) -> None:
    start = ArrivalQuery(notice="24", saved=saved).address("R")
    calls = 0
    for address, found in walk(start, lambda at: explained(study, at)):
        assert adds_up(found), address
        assert not any("operator" in note for note in found.notes)
        calls += "call" in query_of(address)
    assert calls


def test_a_summary_that_the_calls_do_not_give_is_said(made: Made, tmp_path: Path) -> None:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    shutil.copytree(made.arrival, tmp_path / "arrival")
    path = tmp_path / "arrival" / "summary.parquet"
    table = pq.read_table(path)
    at = table.schema.get_field_index("net_saved")
    pq.write_table(table.set_column(at, "net_saved", pc.multiply(table["net_saved"], 1.01)), path)
    found = explained(ArrivalStudy(tmp_path / "arrival"), ArrivalQuery(notice="24").address("R"))
    assert any("operator" in note for note in found.notes)


@pytest.mark.parametrize("count", ["judged", "waited", "left_out"])
def test_counts_are_those_of_the_study(study: ArrivalStudy, made: Made, count: str) -> None:
    held = json.loads((made.arrival / "arrival.json").read_text("utf-8"))["calls"][count]
    assert explained(study, ArrivalQuery.model_validate({"count": count}).address("R")).figure.value == held


@pytest.mark.parametrize("asked", [{"notice": "13"}, {"notice": "24", "call": "none"}])
def test_what_the_study_does_not_hold_is_refused(study: ArrivalStudy, asked: dict[str, str]) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        explain_arrival(study, "R", ArrivalQuery.model_validate(asked))
    assert refused.value.status == 404
