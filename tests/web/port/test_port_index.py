"""The index: its sums are exact in any order, it holds what the run's own files hold, and it is whole or not there."""

from __future__ import annotations

import json
import math
import random
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.web.accounts.people import Place

from sealane.errors import DataError
from sealane.reports.charts import stays_of
from sealane.reports.results import read_results
from sealane.reports.summary import summarise
from sealane.web.port.index import Index, index_folder, is_indexed, open_index
from sealane.web.port.index_build import build_index, quantum
from sealane.web.port.prepare import prepare
from sealane.web.results import keep_result, remove_result

VALUES = st.lists(st.floats(0, 1e13, allow_nan=False), min_size=1, max_size=200)


def _kept(values: list[float]) -> list[float]:
    step = quantum(math.fsum(values))
    return [float(np.rint(value / step) * step) for value in values]


@example([5e-324], random.Random(1))
@given(VALUES, st.randoms(use_true_random=False))
def test_kept_values_add_up_in_any_order(values: list[float], chance: random.Random) -> None:
    kept = _kept(values)
    shuffled = kept.copy()
    chance.shuffle(shuffled)
    assert sum(kept) == sum(shuffled) == math.fsum(kept)
    half = len(kept) // 2
    assert sum(kept[:half]) + sum(kept[half:]) == sum(kept)


@example([5e-324, 1e-310])
@given(VALUES)
def test_kept_values_are_those_of_the_file_but_for_the_quantum(values: list[float]) -> None:
    step = quantum(math.fsum(values))
    assert step <= max(math.fsum(values), 2.0**-1000) * 2.0**-50 or step == 1.0
    assert all(abs(kept - value) <= step / 2 for kept, value in zip(_kept(values), values, strict=True))


def test_plain_floats_do_not_add_up_in_any_order(week_folder: Path) -> None:
    """The control: what the index keeps its values for."""
    grams = pq.read_table(week_folder / "inventory.parquet").column("grams").to_pylist()
    orders = [grams, grams[::-1], sorted(grams)]
    assert len({sum(order) for order in orders}) > 1
    assert len({sum(_kept(order)) for order in orders}) == 1


def test_totals_are_those_of_the_report(week_index: Index, week_folder: Path) -> None:
    summary = summarise(read_results(week_folder))
    totals = week_index.meta["totals"]
    for row in summary.pollutants:
        name = f"{row.name}-ttw" if row.name != "co2e_wtw" else "co2e-wtw"
        if row.grams is None or row.in_call_g is None:
            assert name not in totals
            continue
        assert totals[name]["all"] == pytest.approx(row.grams, rel=1e-12)
        assert totals[name]["in_call"] == pytest.approx(row.in_call_g, rel=1e-12)
        assert totals[name]["filled"] / totals[name]["all"] == pytest.approx(row.filled_share or 0.0, rel=1e-12)
    assert (totals["calls"], totals["ships"]) == (summary.calls, summary.ships)


def test_stays_are_those_of_the_report(week_index: Index, week_folder: Path) -> None:
    results = read_results(week_folder)
    names = {zone["id"]: zone["name"] or zone["id"] for zone in week_index.zones}
    calls = week_index.members("call")
    mine = sorted(
        (calls[row["call"]], row["kind"], names[week_index.zones[row["zone"]]["id"]] if row["zone"] >= 0 else "",
         row["start"], row["stop"], row["start_seen"], row["stop_seen"])
        for row in week_index.table("stays").to_pylist()
    )  # fmt: skip
    theirs = sorted(
        (stay.call_id, stay.kind, stay.zone, stay.start, stay.end, stay.start_seen, stay.end_seen)
        for stay in stays_of(results)
    )
    assert mine == theirs
    assert len(mine) > 10


def test_index_is_made_once_and_stays(week_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "one"
    open_index(week_folder, folder)
    written = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    open_index(week_folder, folder)
    build_index(week_folder, folder)  # as a second process that was as quick
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == written
    assert [path.name for path in folder.parent.iterdir()] == ["one"]


def test_missing_files_are_all_named(week_folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(week_folder, broken)
    for name in ("activity.parquet", "quality.json"):
        (broken / name).unlink()
    with pytest.raises(DataError) as error:
        build_index(broken, tmp_path / "index")
    assert [fault.where for fault in error.value.faults] == ["activity.parquet", "quality.json"]
    assert not (tmp_path / "index").exists()


def test_words_without_a_code_are_refused(week_folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(week_folder, broken)
    table = pq.read_table(broken / "inventory.parquet")
    modes = ["sideways" if mode == "drift" or k == 0 else mode for k, mode in enumerate(table["mode"].to_pylist())]
    place = table.schema.get_field_index("mode")
    pq.write_table(table.set_column(place, "mode", pa.array(modes)), broken / "inventory.parquet")
    with pytest.raises(DataError, match="sideways"):
        build_index(broken, tmp_path / "index")
    assert not (tmp_path / "index").exists()


def test_an_empty_inventory_has_an_index(empty_folder: Path, tmp_path: Path) -> None:
    index = open_index(empty_folder, tmp_path / "index")
    assert index.measures == ()
    assert index.meta["totals"]["ships"] == 0
    assert json.loads((tmp_path / "index" / "meta.json").read_text())["port"] == "USLAX"


def test_indexes_are_made_ahead_and_go_with_their_results(port_place: Place, week_folder: Path, tmp_path: Path) -> None:
    node = port_place.node
    broken = tmp_path / "broken"
    shutil.copytree(week_folder, broken)
    first, second = keep_result(node, week_folder), keep_result(node, broken)
    (second.folder / "activity.parquet").unlink()
    prepare(node)
    assert is_indexed(node, first)
    assert not is_indexed(node, second)
    with node.database.write() as connection:
        remove_result(connection, node, first.id, None)
        remove_result(connection, node, second.id, None)
    prepare(node)
    assert not index_folder(node, first).exists()
