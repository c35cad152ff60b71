"""`sealane report`: every form of a result as a file, and what does not go together is refused at once."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from sealane.cli.main import run


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "scenario"
    assert run(["scenario", "run", "la-yokohama", "--out", str(folder)]) == 0
    return folder


def test_each_format_is_what_it_says(scenario: Path, tmp_path: Path) -> None:
    for form, table in (
        ("pdf", ""),
        ("html", ""),
        ("xlsx", ""),
        ("xlsx", "fuel"),
        ("csv", "fuel"),
        ("parquet", "fuel"),
    ):
        out = tmp_path / f"made{table}.{form}"
        words = ["report", str(scenario), "--format", form, "--out", str(out), *(["--table", table] if table else [])]
        assert run(words) == 0, words
    assert (tmp_path / "made.pdf").read_bytes().startswith(b"%PDF-1.7")
    assert (tmp_path / "made.html").read_text("utf-8") == (scenario / "report.html").read_text("utf-8")
    assert (tmp_path / "made.xlsx").read_bytes() == (scenario / "report.xlsx").read_bytes()
    rows = pq.read_metadata(scenario / "fuel.parquet").num_rows
    assert openpyxl.load_workbook(tmp_path / "madefuel.xlsx").worksheets[0].max_row == rows + 1
    with (tmp_path / "madefuel.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == rows + 1
    assert pq.read_metadata(tmp_path / "madefuel.parquet").num_rows == rows


def test_the_list_is_of_the_tables_that_can_be_had(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["report", str(scenario), "--list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "scenario"
    names = {table["table"]: table for table in found["tables"]}
    assert names["fuel"]["rows"] == pq.read_metadata(scenario / "fuel.parquet").num_rows
    assert names["fuel"]["formats"] == ["csv", "xlsx", "parquet"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "csv"], ["--out", "--table"]),
        (["--format", "pdf", "--table", "fuel", "--out", "x.pdf"], ["whole report"]),
        (["--format", "pdf", "--bom", "--fonts", "/none", "--out", "x.pdf"], ["byte order mark", "no folder"]),
        (["--format", "csv", "--table", "nope", "--out", "x.csv"], ["no such table", "fuel"]),
        (["--year", "2030", "--out", "x.pdf"], ["whole period"]),
        (["--commitments", "c.json", "--out", "x.pdf"], ["only an annual progress report"]),
        (["--format", "csv", "--table", "commitments", "--out", "x.csv"], ["--commitments FILE"]),
        (["--out", "no/such/folder/x.pdf"], ["does not exist"]),
        (["--out", "."], ["is a folder"]),
    ],
)
def test_what_does_not_go_together_is_refused_and_nothing_is_written(
    scenario: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    said: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["report", str(scenario), *options]) == 2
    told = capsys.readouterr().err
    assert all(text in told for text in said), told
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_result_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", str(tmp_path), "--out", str(tmp_path / "x.pdf")]) == 2
    assert "holds none of" in capsys.readouterr().err
