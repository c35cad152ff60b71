"""`sealane inventory`, `calls` and `explain` on New York Harbor's real hour, and on wrong input."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sealane.cli.main import run
from sealane.samples import SAMPLE_FILES, write_samples

HOUR = next(name for name in SAMPLE_FILES if name.startswith("ny_harbor"))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_samples(folder)
    return folder


@pytest.fixture(scope="module")
def newyork(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "newyork"
    assert run(["inventory", str(samples / HOUR), "--port", "USNYC", "--out", str(out), "--quiet"]) == 0
    return out


def test_the_promised_files_are_written(newyork: Path) -> None:
    promised = {"calls.parquet", "activity.parquet", "inventory.parquet", "grid.parquet", "quality.json"}
    promised |= {"provenance.json", "rejects.csv", "report.html", "report.xlsx"}
    assert promised <= {path.name for path in newyork.iterdir()}


def test_messages_go_to_standard_error_and_json_to_standard_output(
    samples: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    words = ["inventory", str(samples / HOUR), "--port", "USNYC", "--out", str(tmp_path / "out"), "--json"]
    assert run(words) == 0
    captured = capfd.readouterr()
    content = json.loads(captured.out)
    assert content["rows"]["calls"] == pq.read_table(tmp_path / "out" / "calls.parquet").num_rows
    assert content["quality"]["rows_read"] == 8689
    assert captured.err == ""  # no progress bar where nobody looks


def test_calls_alone_are_the_same_calls(
    samples: Path, newyork: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["calls", str(samples / HOUR), "--port", "USNYC", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert [call["call_id"] for call in alone] == pq.read_table(newyork / "calls.parquet")["call_id"].to_pylist()
    assert all(re.fullmatch(r"2020-06-30T00:\d\d:\d\dZ", call["first_seen"]) for call in alone)  # ISO 8601, UTC
    assert list(tmp_path.iterdir()) == []
    assert run(["calls", str(samples / HOUR), "--port", "USNYC", "--out", "calls"]) == 0
    printed = capsys.readouterr().out
    assert all(call["call_id"] in printed for call in alone)
    assert pq.read_table(tmp_path / "calls" / "calls.parquet").num_rows == len(alone)


def test_explain_adds_up_to_the_inventory(newyork: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inventory = pq.read_table(newyork / "inventory.parquet").to_pylist()
    call_id = next(row["call_id"] for row in inventory if row["call_id"] and row["pollutant"] == "nox")
    assert run(["explain", str(newyork), call_id, "--pollutant", "nox", "--json"]) == 0
    explanation = json.loads(capsys.readouterr().out)
    rows = [row for row in inventory if row["call_id"] == call_id and row["pollutant"] == "nox"]
    assert len(explanation["figures"]) == len(rows)
    assert sorted(figure["grams"] for figure in explanation["figures"]) == sorted(row["grams"] for row in rows)
    assert run(["explain", str(newyork), call_id, "--pollutant", "nox"]) == 0
    text = capsys.readouterr().out
    assert text.count("equals the inventory") == len(rows)
    assert "grade" in text
    for row in rows:
        assert repr(row["grams"]) in text


@pytest.mark.parametrize("words", [["nope"], ["nope", "--pollutant", "gold"]])
def test_explain_of_something_unknown(newyork: Path, words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", str(newyork), *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "CALL_ID" in captured.err
    assert ("--pollutant" in captured.err) == (len(words) > 1)


def test_explain_of_a_folder_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", str(tmp_path), "x"]) == 2
    assert "sealane inventory" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "port"),
    [
        (b"", "USNYC"),
        (b"name,colour\nx,blue\n", "USNYC"),
        (b"MMSI,BaseDateTime,LAT,LON\n", "USNYC"),
        (b"\x00\x01\x02" * 100, "USNYC"),
        (b"MMSI,BaseDateTime,LAT,LON\n366999999,2020-06-30T00:00:00,40.6,-74.0\n", "XXXXX"),
        (None, "USNYC"),
    ],
)
def test_wrong_input_is_2_and_leaves_nothing(
    content: bytes | None, port: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "in" / "positions.csv"
    file.parent.mkdir()
    if content is not None:
        file.write_bytes(content)
    assert run(["inventory", str(file), "--port", port, "--out", str(tmp_path / "results" / "out")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err
    assert "Traceback" not in captured.err
    assert not (tmp_path / "results").exists() or list((tmp_path / "results").iterdir()) == []


def test_a_folder_that_is_not_ours_is_not_overwritten(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    assert run(["inventory", str(samples / HOUR), "--port", "USNYC", "--out", str(tmp_path)]) == 2
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_sample_writes_the_samples_and_says_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sample", str(tmp_path / "new" / "samples"), "--json"]) == 0
    written = [Path(path) for path in json.loads(capsys.readouterr().out)]
    assert sorted(written) == sorted((tmp_path / "new" / "samples").iterdir())
    assert {path.name for path in written} > set(SAMPLE_FILES)
