"""A lane of simulated but fully specified rotations returns the totals that are known, shuffled or split alike."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.corridors.lanes.lane_world import ServiceLane

from sealane.corridors.call_table import read_call_table
from sealane.corridors.lanes.run import run_lane
from sealane.corridors.lanes.schemas import POLLUTANTS, RULES, TABLES
from sealane.emissions.user_vessels import read_user_vessels
from sealane.samples.simulated_service import CALL_HEADER, write_simulated_service

KNOWN_TO = 1e-9


def _differences(folder: Path, truth: dict[str, dict[str, float]]) -> dict[tuple[str, str], float]:
    """Relative difference of every total from the truth, from totals.parquet."""
    table = pq.read_table(folder / "totals.parquet").to_pandas()
    sums = table.groupby("rule")[["fuel_t", "energy_mj", *POLLUTANTS]].sum()
    return {
        (rule, name): abs(sums.loc[rule, name] / value - 1.0)
        for rule, of_rule in truth.items()
        for name, value in of_rule.items()
    }


def test_totals_are_those_known(service_lane: ServiceLane) -> None:
    truth = json.loads((service_lane.service / "truth.json").read_text())
    differences = _differences(service_lane.result.folder, truth["rules"])
    assert set(differences) == {(rule, name) for rule in RULES for name in ("fuel_t", "energy_mj", *POLLUTANTS)}
    assert max(differences.values()) <= KNOWN_TO
    counts = service_lane.result.summary["counts"]
    assert counts["legs_in_all"] == truth["counts"]["legs"]
    assert counts["direct_passes"] == truth["counts"]["direct"]
    assert counts["legs_on_lane"] == truth["counts"]["rotation"]


def test_another_seed_is_known_too(service_lane: ServiceLane, tmp_path: Path) -> None:
    write_simulated_service(tmp_path / "s", seed=7, ships=5, rounds=2)
    result = run_lane(
        service_lane.corridor,
        read_call_table([tmp_path / "s" / "calls.csv"]),
        tmp_path / "lane",
        vessels=read_user_vessels(tmp_path / "s" / "vessels.csv"),
    )
    truth = json.loads((tmp_path / "s" / "truth.json").read_text())["rules"]
    assert max(_differences(result.folder, truth).values()) <= KNOWN_TO


@pytest.mark.parametrize(
    ("column", "change"), [("sailed_nm", 1 + 1e-6), ("berth_h", 1 - 1e-6), ("lane_t_departure", 1 - 1e-6)]
)
def test_a_change_of_a_millionth_is_seen(service_lane: ServiceLane, tmp_path: Path, column: str, change: float) -> None:
    """Negative control: the comparison would not pass over a wrong distance, time or cargo."""
    lines = (service_lane.service / "calls.csv").read_text().splitlines()
    rows = list(csv.DictReader(lines[1:]))
    for row in rows:
        if row[column]:
            row[column] = repr(float(row[column]) * change)
    path = tmp_path / "calls.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, CALL_HEADER)
        writer.writeheader()
        writer.writerows(rows)
    result = run_lane(service_lane.corridor, read_call_table([path]), tmp_path / "lane", vessels=service_lane.vessels)
    truth = json.loads((service_lane.service / "truth.json").read_text())["rules"]
    worst = max(_differences(result.folder, truth).values())
    if column == "berth_h":
        # The hours taken off the berth are found again as filled: only what was told and what was filled differs.
        assert result.summary["quality"]["observed_share_of_energy"] < 1.0
    else:
        assert worst > KNOWN_TO


def test_shuffled_and_split_input_gives_the_same_bytes(service_lane: ServiceLane, tmp_path: Path) -> None:
    lines = (service_lane.service / "calls.csv").read_text().splitlines()
    header, rows = lines[1], lines[2:]
    random.Random(5).shuffle(rows)
    # Cut unevenly, with some rows in two files: the same row told twice is told once.
    parts = [rows[:11], rows[11:60], rows[55:]]
    paths = []
    for number, part in enumerate(parts):
        path = tmp_path / f"part{number}.csv"
        path.write_text("\n".join([lines[0], header, *part]) + "\n")
        paths.append(path)
    calls = read_call_table(reversed(paths))
    assert calls.told_twice == 5
    assert calls.table.equals(service_lane.calls.table)
    result = run_lane(service_lane.corridor, calls, tmp_path / "lane", vessels=service_lane.vessels)
    for spec in TABLES.values():
        assert (result.folder / spec.file).read_bytes() == (service_lane.result.folder / spec.file).read_bytes(), (
            spec.file
        )
    same = ("corridor", "counts", "attribution", "transport", "quality", "trend", "data", "provenance")
    assert {k: result.summary[k] for k in same} == {k: service_lane.result.summary[k] for k in same}


def test_every_total_is_the_sum_of_legs_and_half_stays(service_lane: ServiceLane) -> None:
    folder = service_lane.result.folder
    legs = pq.read_table(folder / "legs.parquet").to_pandas()
    stays = pq.read_table(folder / "stays.parquet").to_pandas()
    totals = pq.read_table(folder / "totals.parquet").to_pandas()
    ships = pq.read_table(folder / "ships.parquet").to_pandas()
    for rule in RULES:
        for name in ("energy_mj", "ttw_co2e_g", "wtw_co2e_g", "nox_g"):
            whole = (legs[name] * legs[f"share_{rule}"]).sum() + (stays[name] * stays[f"share_{rule}"]).sum()
            assert totals[totals["rule"] == rule][name].sum() == pytest.approx(whole, rel=1e-12)
        assert ships[f"{rule}_wtw_co2e_g"].sum() == pytest.approx(
            totals[totals["rule"] == rule]["wtw_co2e_g"].sum(), rel=1e-12
        )


def test_tables_have_the_columns_that_are_documented(service_lane: ServiceLane) -> None:
    for spec in TABLES.values():
        table = pq.read_table(service_lane.result.folder / spec.file)
        assert table.schema.equals(spec.schema), spec.file
        rows = [tuple(row[name] for name in spec.key) for row in table.select(list(spec.key)).to_pylist()]
        assert len(set(rows)) == len(rows), f"{spec.file}: key {spec.key} is not unique"


def test_the_label_stands_wherever_the_data_show(service_lane: ServiceLane) -> None:
    summary = service_lane.result.summary
    assert summary["label"] == "SIMULATED DATA"
    assert summary["notes"][0] == "SIMULATED DATA"
    names = pq.read_table(service_lane.result.folder / "legs.parquet")["ship_name"].to_pylist()
    assert all(name.startswith("SIMULATED") for name in names)


def test_nothing_is_added_without_a_share(service_lane: ServiceLane) -> None:
    legs = pq.read_table(service_lane.result.folder / "legs.parquet").to_pandas()
    shares = legs[[f"share_{rule}" for rule in RULES]].to_numpy()
    assert np.nanmin(shares) >= 0.0
    assert np.nanmax(shares) <= 1.0
    assert (legs["share_direct"] <= legs["share_rotation"]).all()
    assert (legs["share_cargo"].fillna(0.0) <= legs["share_rotation"]).all()
