"""`sealane route`: one route, a file of pairs, and faults in words."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from sealane.cli import route as command
from sealane.errors import DataError, FileFormatError
from sealane.movement.routes.find import route_distances_nm


def run(*words: str) -> Result:
    app = typer.Typer()
    app.callback()(lambda: None)
    command.add_to(app)
    return CliRunner().invoke(app, ["route", *words])


def test_json_tells_all_figures_of_a_route() -> None:
    done = run("USLAX", "USOAK", "--speed-kn", "16", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["hours"] == pytest.approx(found["distance_nm"] / 16.0)
    assert found["great_circle_nm"] < found["distance_nm"] < found["raw_network_nm"]
    assert found["zone_nm"]
    assert found["passages"] == []


def test_table_and_geojson(tmp_path: Path) -> None:
    out = tmp_path / "way.geojson"
    done = run("USLAX", "JPYOK", "--geojson", str(out))
    assert done.exit_code == 0, done.output
    assert "raw searoute network" in done.output
    [feature] = json.loads(out.read_text(encoding="utf-8"))["features"]
    assert feature["geometry"]["type"] == "MultiLineString"


def test_via_and_avoid() -> None:
    free = json.loads(run("ITNAP", "SGSIN", "--json").stdout)
    round_ = json.loads(run("ITNAP", "SGSIN", "--avoid", "suez", "--json").stdout)
    led = json.loads(run("ITNAP", "SGSIN", "--via", "good-hope", "--json").stdout)
    assert "suez" in free["passages"]
    assert "suez" not in round_["passages"]
    assert free["distance_nm"] < round_["distance_nm"] <= led["distance_nm"] + 1.0


def test_passages_are_listed() -> None:
    rows = json.loads(run("--passages", "--json").stdout)
    by_name = {row["passage"]: row["open"] for row in rows}
    assert by_name["suez"]
    assert by_name["tsugaru"]
    assert not by_name["northwest"]


def test_pairs_of_a_file(tmp_path: Path) -> None:
    pairs, out = tmp_path / "pairs.csv", tmp_path / "distances.csv"
    pairs.write_text("ship,origin,destination\nA,USLAX,JPYOK\nB,JPYOK,USLAX\nC,USLAX,USOAK\n", encoding="utf-8")
    done = run("--pairs", str(pairs), "--out", str(out), "--speed-kn", "10")
    assert done.exit_code == 0, done.output
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["ship"] for row in rows] == ["A", "B", "C"]
    assert rows[0]["distance_nm"] == rows[1]["distance_nm"]
    wanted = route_distances_nm([("USLAX", "JPYOK"), ("USLAX", "USOAK")])
    assert [float(rows[n]["distance_nm"]) for n in (0, 2)] == pytest.approx(list(wanted), abs=5e-4)
    assert float(rows[0]["hours"]) == pytest.approx(wanted[0] / 10.0, abs=5e-4)
    shown = run("--pairs", str(pairs), "--json")
    assert [row["origin"] for row in json.loads(shown.stdout)] == ["USLAX", "JPYOK", "USLAX"]


def test_faults_of_a_file_name_their_lines(tmp_path: Path) -> None:
    pairs, out = tmp_path / "pairs.csv", tmp_path / "distances.csv"
    pairs.write_text("origin,destination\nUSLAX,JPYOK\nUSLAZ,JPYOK\nUSLAX,nowhere at all\n", encoding="utf-8")
    done = run("--pairs", str(pairs), "--out", str(out))
    assert isinstance(done.exception, DataError)
    assert [fault.where.split(",")[0] for fault in done.exception.faults] == ["pairs.csv line 3", "pairs.csv line 4"]
    assert not out.exists()
    pairs.write_text("from,to\nUSLAX,JPYOK\n", encoding="utf-8")
    done = run("--pairs", str(pairs))
    assert isinstance(done.exception, FileFormatError)
    assert "origin, destination" in str(done.exception)


@pytest.mark.parametrize(
    "words", [(), ("USLAX",), ("USLAX", "JPYOK", "--out", "x.csv"), ("--pairs", "p.csv", "--via", "suez")]
)
def test_words_that_do_not_go_together(words: tuple[str, ...]) -> None:
    assert run(*words).exit_code == 2
