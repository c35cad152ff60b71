"""A request is checked before anything is read: no folder with anybody else's work in it is ever replaced."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sealane.errors import DataError
from sealane.inventory.request import RESULT_FILES, InventoryRequest


@pytest.fixture
def positions(tmp_path: Path) -> Path:
    path = tmp_path / "positions.csv"
    path.write_text("MMSI\n")
    return path


def finished(folder: Path) -> Path:
    """A folder as a run leaves it."""
    folder.mkdir()
    for name in RESULT_FILES:
        (folder / name).write_text("")
    (folder / "provenance.json").write_text(json.dumps({"sealane": "0.1.0"}))
    return folder


def faults(request: InventoryRequest) -> str:
    with pytest.raises(DataError) as error:
        request.check()
    return str(error.value)


def test_a_new_an_empty_and_a_finished_folder_are_taken(positions: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "new", tmp_path / "empty", finished(tmp_path / "finished")):
        InventoryRequest((positions,), "USNYC", out).check()


def test_a_result_somebody_put_a_file_into_is_not_replaced(positions: Path, tmp_path: Path) -> None:
    out = finished(tmp_path / "out")
    (out / "notes.txt").write_text("an evening's work")
    assert "notes.txt" in faults(InventoryRequest((positions,), "USNYC", out))


def test_a_provenance_file_of_somebody_else_does_not_make_a_folder_ours(positions: Path, tmp_path: Path) -> None:
    for number, content in enumerate(("{}", "[]", "no JSON", '{"tool": "other"}')):
        out = tmp_path / str(number)
        out.mkdir()
        (out / "provenance.json").write_text(content)
        assert "not written by Sealane" in faults(InventoryRequest((positions,), "USNYC", out))


def test_what_is_read_may_not_lie_in_the_folder_that_is_replaced(positions: Path, tmp_path: Path) -> None:
    out = finished(tmp_path / "out")
    learnt = out / "learnt_zones.geojson"  # corrected by hand and given back
    assert "learnt_zones.geojson, which is read" in faults(InventoryRequest((positions,), "USNYC", out, zones=learnt))
    assert "positions.csv, which is read" in faults(InventoryRequest((positions,), "USNYC", tmp_path))


def test_a_port_code_is_brought_into_its_one_form(positions: Path, tmp_path: Path) -> None:
    for written in ("USNYC", "usnyc", "US NYC", " us nyc "):
        assert InventoryRequest((positions,), written, tmp_path / "new").port == "USNYC"
