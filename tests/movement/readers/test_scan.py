"""The compiled scan against the standard library: numbers, times, records, blocks."""

from __future__ import annotations

import csv
import io
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealane.movement.readers import delimited, generic, scan
from sealane.movement.readers.chunks import TextPool
from sealane.movement.readers.layout import read_header
from sealane.movement.readers.sources import open_source


def as_bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


@given(st.floats(allow_nan=False, allow_infinity=False, width=64), st.integers(0, 17))
def test_numbers_are_the_nearest_double(value: float, decimals: int) -> None:
    text = f"{value:.{decimals}f}"
    buf = as_bytes(text)
    read, found = scan.parse_number(buf, 0, buf.size, 46)
    assert not read or found == float(text)


@pytest.mark.parametrize("text", ["-74.07157", "0.1", "40.64409", "102.3", "+7", "9007199254740992", ".5", "5."])
def test_plain_numbers_take_the_fast_path(text: str) -> None:
    buf = as_bytes(text)
    assert scan.parse_number(buf, 0, buf.size, 46) == (True, float(text))


@pytest.mark.parametrize("text", ["", "-", ".", "1e5", "nan", "inf", "1.2.3", "0x10", "1 2", "9007199254740993", "1,5"])
def test_other_numbers_are_left_to_the_slow_path(text: str) -> None:
    buf = as_bytes(text)
    assert not scan.parse_number(buf, 0, buf.size, 46)[0]


@given(
    st.one_of(
        st.datetimes(datetime(1998, 1, 1), datetime(2099, 12, 31, 23, 59, 59, 999_999)),
        st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)),
    )
)
def test_times_equal_the_standard_library(moment: datetime) -> None:
    exact = (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // (datetime.resolution)
    for text in (moment.isoformat(), moment.isoformat(" "), moment.isoformat() + "Z"):
        buf = as_bytes(text)
        found = scan.parse_time(buf, 0, buf.size, scan.ISO_TIME)
        assert found == (exact if 1998 <= moment.year <= 2099 else scan.NO_TIME)
    if moment.year >= 1000:
        buf = as_bytes(moment.strftime("%d/%m/%Y %H:%M:%S"))
        whole = exact - moment.microsecond
        found = scan.parse_time(buf, 0, buf.size, scan.DAY_FIRST_TIME)
        assert found == (whole if 1998 <= moment.year <= 2099 else scan.NO_TIME)


@pytest.mark.parametrize(
    "text",
    ["2023-02-29T00:00:00", "2024-13-01T00:00:00", "2024-00-01T00:00:00", "2024-01-01T24:00:00", "2024-01-01T00:60:00",
     "2024-01-01T00:00:60", "2024-01-01", "2024-01-01T00:00:00.", "2024-01-01T00:00:00X", "2024/01/01 00:00:00"],
)  # fmt: skip
def test_impossible_times_are_not_read(text: str) -> None:
    buf = as_bytes(text)
    assert scan.parse_time(buf, 0, buf.size, scan.ISO_TIME) == scan.NO_TIME


def read_text(data: bytes, block_bytes: int) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Rows (mmsi, time, name) and rejects of a small file, read in blocks of `block_bytes`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.csv"
        path.write_bytes(data)
        layout = generic.layout(read_header(data, path), path)
        texts = TextPool()
        rows: list[tuple[object, ...]] = []
        rejects: list[tuple[object, ...]] = []
        with ThreadPoolExecutor(2) as pool, open_source(path) as source:
            for chunk in delimited.read(source, layout, texts, pool, block_bytes=block_bytes):
                names = texts.to_arrow(chunk.columns["vessel_name"]).to_pylist()
                rows += zip(chunk.columns["mmsi"].tolist(), chunk.columns["time"].tolist(), names, strict=True)
                rejects += [(r.record, r.line, r.column, r.value, r.reason) for r in chunk.rejects]
        return rows, rejects


HEADER = "mmsi,time,lat,lon,vessel_name\n"
NAME = st.text(st.sampled_from('AB "\n,Æ;'), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 999_999_999), NAME), min_size=1, max_size=40), st.integers(40, 400))
def test_well_formed_text_is_read_as_the_csv_module_reads_it(ships: list[tuple[int, str]], block_bytes: int) -> None:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    for mmsi, name in ships:
        writer.writerow([mmsi, "2024-01-01T00:00:00", "1.5", "2.5", name])
    rows, rejects = read_text((HEADER + sink.getvalue()).encode(), block_bytes)
    assert rejects == []
    assert [(row[0], row[2]) for row in rows] == [(mmsi, name.strip() or None) for mmsi, name in ships]


BROKEN_LINE = st.text(st.sampled_from('12,"\n\rX'), max_size=30)
GOOD_LINE = st.just("367000140,2024-01-01T00:00:00,1.5,2.5,NAME")


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(GOOD_LINE, BROKEN_LINE), min_size=1, max_size=30), st.integers(30, 300))
def test_any_text_gives_the_same_rows_and_rejects_in_blocks_of_any_size(lines: list[str], block_bytes: int) -> None:
    data = (HEADER + "367000140,2024-01-01T00:00:00,1.5,2.5,FIRST\n" + "\n".join(lines)).encode()
    whole = read_text(data, 1 << 20)
    assert read_text(data, block_bytes) == whole
    assert whole[0][0][2] == "FIRST"


def test_a_stray_quote_costs_only_its_own_line() -> None:
    good = "367000140,2024-01-01T00:00:00,1.5,2.5,NAME\n"
    stray = '367000140,2024-01-01T00:00:00,1.5,2.5,"OPEN\n'
    rows, rejects = read_text((HEADER + good * 3 + stray + good * 50).encode(), 200)
    assert len(rows) == 53
    assert [(r[0], r[1]) for r in rejects] == [(4, 5)]
    assert rejects[0][4] == "a quote is opened that no whole record closes"


def test_the_memory_of_texts_starts_anew_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "ARENA_BYTES", 1 << 10)
    lines = "".join(f"367000140,2024-01-01T00:00:00,1.5,2.5,SHIP {i} {'X' * 50}\n" for i in range(500))
    rows, rejects = read_text((HEADER + lines).encode(), 400)
    assert rejects == []
    assert [str(row[2]).split()[1] for row in rows] == [str(i) for i in range(500)]
