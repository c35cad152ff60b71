"""Texts in CSV files are shown, not worked out, and can be had back exactly."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealane.spreadsheet_text import inert, inert_column, plain

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
texts = st.text(alphabet=st.sampled_from(list("=+-@'; \t\r\n\"|,ab12.eE\uff1d\u3000\u00a0")), max_size=12)


def acts(cell: str) -> bool:
    """True for a cell a spreadsheet would work out; said in other words than the code under test."""
    begin = cell.lstrip(" \u00a0\u3000")
    try:
        float(cell)
    except ValueError:
        return begin[:1] in set(SIGNS) or cell[:1] in set("\t\r\n")
    return False


@given(texts | st.text())
def test_the_text_comes_back(text: str) -> None:
    assert plain(inert(text)) == text


@given(texts | st.text())
def test_no_cell_acts_however_the_line_is_split(text: str) -> None:
    made = inert(text)
    assert not acts(made)
    for sign in ";\t\r\n":
        # Where a spreadsheet splits at another sign than we do, a part may be a number, never a formula.
        assert not [
            part for part in made.split(sign)[1:] if part[:1] and part.lstrip(" \u00a0\u3000")[:1] in set(SIGNS)
        ]


def test_without_it_cells_act() -> None:
    assert acts("=1+1")
    assert acts("\t=1")
    assert acts("+A1")
    assert not acts("-5.2")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-95.3", "-95.3"),
        ("+1e3", "+1e3"),
        ("-2+3", "'-2+3"),
        ("a;=1+1", "a;'=1+1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("'=1", "''=1"),
        ("O'BRIEN - A", "O'BRIEN - A"),
        ("EVER GIVEN", "EVER GIVEN"),
        ("", ""),
    ],
)
def test_cells_as_written(text: str, cell: str) -> None:
    assert inert(text) == cell


@given(st.lists(st.none() | texts | st.text(), max_size=8))
def test_a_column_is_what_its_texts_are(column: list[str | None]) -> None:
    made = inert_column(pa.array(column, pa.string())).to_pylist()
    assert made == [None if text is None else inert(text) for text in column]


@given(st.lists(texts, min_size=1, max_size=4))
def test_it_survives_csv(row: list[str]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerow([inert(text) for text in row])
    file.seek(0)
    assert [plain(cell) for cell in next(csv.reader(file))] == row
