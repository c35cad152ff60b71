"""The shore-power table: what is read, and that every fault of a file is told at once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from openpyxl import Workbook

from sealane.errors import DataError, FileFormatError
from sealane.inventory.shore_power import read_connections

GOOD = "366999001,,2020-06-30T00:00:00Z,2020-06-30T01:00:00Z"


def read(tmp_path: Path, text: str | bytes) -> list[tuple[int | None, int | None, int]]:
    path = tmp_path / "shore.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [(c.mmsi, c.imo, c.end_us - c.start_us) for c in read_connections(path, "USLAX").rows]


def test_mmsi_imo_zones_and_blank_lines(tmp_path: Path) -> None:
    text = f"MMSI,imo,From,to\n\n# a comment\n{GOOD}\n,9321483,2020-06-30T02:00:00+09:00,2020-06-30T02:30:00+09:00\n"
    assert read(tmp_path, text) == [(366999001, None, 3_600_000_000), (None, 9321483, 1_800_000_000)]


def test_excel_with_its_own_times(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["imo", "from", "to"])
    book.active.append([9321483, dt.datetime(2020, 6, 30), dt.datetime(2020, 6, 30, 6)])
    book.save(tmp_path / "shore.xlsx")
    (row,) = read_connections(tmp_path / "shore.xlsx", "USLAX").rows
    assert (row.imo, row.end_us - row.start_us) == (9321483, 6 * 3_600_000_000)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("²,,2020-06-30T00:00:00Z,2020-06-30T01:00:00Z", "9 digits"),
        ("9" * 600 + ",,2020-06-30T00:00:00Z,2020-06-30T01:00:00Z", "9 digits"),
        ("36699900,,2020-06-30T00:00:00Z,2020-06-30T01:00:00Z", "9 digits"),
        (",99999999,2020-06-30T00:00:00Z,2020-06-30T01:00:00Z", "7 digits"),
        (",,2020-06-30T00:00:00Z,2020-06-30T01:00:00Z", "Name the ship"),
        ("366999001,,,2020-06-30T01:00:00Z", "column from"),
        ("366999001", "column to"),
        ("366999001,,soon,later", "column from"),
        ("366999001,,2020-06-30T01:00:00Z,2020-06-30T01:00:00Z", "from is not before to"),
        (GOOD + ",x,y", "6 cells under 4 headings"),
        (f"{GOOD}\n{GOOD}", "overlap"),
    ],
)
def test_faults_of_a_row(tmp_path: Path, row: str, word: str) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"mmsi,imo,from,to\n{row}\n")
    assert word in str(caught.value)
    assert "row 2" in str(caught.value) or "ship" in str(caught.value)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, f"mmsi,imo,from,to\nx,y,soon,later\n{GOOD}\n,,2020,\n")
    assert len(caught.value.faults) == 7  # row 4 names no ship and has no time in either column


@pytest.mark.parametrize("header", ["mmsi,from", "from,to", "mmsi,from,from,to", ""])
def test_headers_that_do_not_do(tmp_path: Path, header: str) -> None:
    with pytest.raises(DataError, match="header"):
        read(tmp_path, f"{header}\n")


@pytest.mark.parametrize(
    "content",
    [
        "mmsi,from,to\n366ü\n".encode("latin-1"),
        "mmsi,from,to\n".encode("utf-16"),
        b"mmsi,from,to\n3\0\n",
        b"mmsi,from,to\n" + b"3" * 10_000_000,
        b'mmsi,from,to\n"366999001,\n',
    ],
    ids=["latin-1", "utf-16", "nul", "10 MB cell", "open quote"],
)
def test_files_that_are_no_table(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileFormatError, match=r"shore\.csv"):
        read(tmp_path, content)
