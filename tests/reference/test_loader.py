"""The strict loader: what it refuses, all faults at once, and look-ups that never return None."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from sealane.errors import MissingFactorError, ReferenceDataError
from sealane.reference import TableSpec, read_table

SPEC = TableSpec("sizes", "a table for tests", keys=("kind", "low", "high"), units=("kW",), size_range=("low", "high"))
HEADER = "kind,low,high,value,unit,source,edition,grade,valid_from"
GOOD = (
    "a,0,10,1.5,kW,Some publication,2020,A,2020-01-01",
    "a,10,inf,2.5,kW,Some publication,2020,B,2020-01-01",
    "b,0,inf,3.5,kW,Some publication,2020,C,2020-01-01",
)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(*rows: str, header: str = HEADER) -> Path:
        path = tmp_path / "sizes.csv"
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        return path

    return to_file


def test_reads_typed_rows(write: Write) -> None:
    table = read_table(SPEC, write(*GOOD))
    row = table.row("a", "10", "inf")
    assert (row.value, row.unit, row.grade, row.valid_from) == (2.5, "kW", "B", date(2020, 1, 1))
    assert row.source == "Some publication"
    assert row.label == "sizes/a/10/inf"
    assert row.line == 3


def test_ranges_are_half_open_and_total(write: Write) -> None:
    table = read_table(SPEC, write(*GOOD))
    assert [table.in_range(size, kind="a")[0].value for size in (0, 9.999, 10, 1e12)] == [1.5, 1.5, 2.5, 2.5]
    with pytest.raises(MissingFactorError, match="kind=a, size -1"):
        table.in_range(-1, kind="a")
    with pytest.raises(MissingFactorError, match="kind=z"):
        table.in_range(1, kind="z")


@pytest.mark.parametrize(
    ("low", "said"), [("11", "gap: starts at 11"), ("9", "overlap: starts at 9")], ids=["gap", "overlap"]
)
def test_refuses_ranges_that_do_not_tile(write: Write, low: str, said: str) -> None:
    with pytest.raises(ReferenceDataError, match=f"line 3, column low: {said}"):
        read_table(SPEC, write(GOOD[0], GOOD[1].replace("a,10", f"a,{low}"), GOOD[2]))


def test_refuses_ranges_that_do_not_reach_infinity_or_start_late(write: Write) -> None:
    with pytest.raises(ReferenceDataError) as refused:
        read_table(SPEC, write("a,1,10,1,kW,S,2020,A,2020-01-01"))
    assert "gap: starts at 1" in str(refused.value)
    assert "Let the last range end at inf" in str(refused.value)


def test_lists_all_faults_at_once(write: Write) -> None:
    rows = (
        "a,0,10,many,kW,S,2020,A,2020-01-01",
        "a,10,20,1,hp,S,2020,A,2020-01-01",
        "a,20,30,1,kW,,2020,A,2020-01-01",
        "a,30,40,1,kW,S,2020,E,2020-01-01",
        "a,40,50,1,kW,S,2020,A,01.02.2020",
        "a,50,60,-1,kW,S,2020,A,2020-01-01",
        "a,60,inf,nan,kW,S,2020,A,2020-01-01",
        "b,0,inf,1,kW",
        "c,0,inf,1,kW,S,2020,A,2020-01-01",
        "c,0,inf,1,kW,S,2020,A,2020-01-01",
    )
    with pytest.raises(ReferenceDataError) as refused:
        read_table(SPEC, write(*rows))
    message = str(refused.value)
    expected = (
        "line 2, column value: 'many'",
        "line 3, column unit: 'hp'",
        "line 4, column source: ''",
        "line 5, column grade: 'E'",
        "line 6, column valid_from: '01.02.2020'",
        "line 7, column value: '-1'",
        "line 8, column value: 'nan'",
        "line 9: 5 cells",
        "line 11: same key as line 10",
    )
    assert [text for text in expected if text not in message] == []


@pytest.mark.parametrize("header", [HEADER.replace(",grade", ""), HEADER + ",note", HEADER.replace("kind", "sort"), ""])
def test_refuses_wrong_columns(write: Write, header: str) -> None:
    with pytest.raises(ReferenceDataError, match="expected kind, low, high, value"):
        read_table(SPEC, write(*GOOD, header=header))


def test_refuses_an_empty_missing_or_binary_table(write: Write, tmp_path: Path) -> None:
    with pytest.raises(ReferenceDataError, match="no rows"):
        read_table(SPEC, write())
    with pytest.raises(ReferenceDataError, match="cannot be read"):
        read_table(SPEC, tmp_path / "absent.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ReferenceDataError, match="cannot be read"):
        read_table(SPEC, tmp_path / "binary.csv")


def test_a_missing_row_raises_and_names_key_neighbours_and_remedy(write: Write) -> None:
    table = read_table(SPEC, write(*GOOD))
    with pytest.raises(MissingFactorError) as missing:
        table.row("a", "10", "20")
    for text in ("kind=a, low=10, high=20", "a/10/inf", "sealane factors sizes"):
        assert text in str(missing.value)


def test_takes_the_newest_row_valid_on_a_day(tmp_path: Path) -> None:
    spec = TableSpec("limits", "dated", keys=("place",), units=("%",))
    path = tmp_path / "limits.csv"
    path.write_text(
        "place,value,unit,source,edition,grade,valid_from\n"
        "sea,0.5,%,S,1,A,2020-01-01\nsea,3.5,%,S,1,A,2012-01-01\nsea,4.5,%,S,1,A,2005-05-19\n"
    )
    table = read_table(spec, path)
    days = (date(2005, 5, 19), date(2011, 12, 31), date(2012, 1, 1), date(2019, 12, 31), date(2020, 1, 1))
    assert [table.row("sea", on=day).value for day in days] == [4.5, 4.5, 3.5, 3.5, 0.5]
    assert table.row("sea").value == 0.5
    with pytest.raises(MissingFactorError, match="valid from 2005-05-19"):
        table.row("sea", on=date(2005, 5, 18))
