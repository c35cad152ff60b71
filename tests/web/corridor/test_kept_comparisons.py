"""A kept comparison stands under the corridors it is of; one of an older edition, which names none, under each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.accounts.people import Place, served

from sealane.database import Database
from sealane.web.results import keep_result

CORRIDORS = ("la-lb-shanghai", "la-nagoya", "la-yokohama")


@pytest.fixture
def place(tmp_path: Path, databases: Callable[[], Database]) -> Iterator[Place]:
    with served(tmp_path / "node", databases(), guests=True) as place:
        yield place


def kept(place: Place, folder: Path, **told: Any) -> str:
    folder.mkdir()
    content = {"scenarios": ["fast", "slow"], "notes": [], "sealane": "0.5"} | told
    (folder / "comparison.json").write_text(json.dumps(content))
    return keep_result(place.node, folder, public=True).id


def test_under_which_corridors_a_comparison_stands(place: Place, tmp_path: Path) -> None:
    one = kept(place, tmp_path / "one", corridors=["la-nagoya", "la-nagoya"])
    two = kept(place, tmp_path / "two", corridors=["la-nagoya", "la-yokohama"])
    older = kept(place, tmp_path / "older")
    guest = place.browser()
    shown = {
        corridor: {
            (found["id"], found["title"])
            for found in guest.call("GET", f"/api/v1/corridors/{corridor}/scenarios", csrf="").json()["comparisons"]
        }
        for corridor in CORRIDORS
    }
    titled = {name: (ident, "fast, slow") for name, ident in (("one", one), ("two", two), ("older", older))}
    assert shown == {
        "la-lb-shanghai": {titled["older"]},
        "la-nagoya": {titled["one"], titled["two"], titled["older"]},
        "la-yokohama": {titled["two"], titled["older"]},
    }
