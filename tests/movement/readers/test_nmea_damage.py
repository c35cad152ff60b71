"""Damaged and hostile input: the NMEA reader neither crashes nor hangs, loses nothing silently and stays small."""

from __future__ import annotations

import gzip
import random
import tracemalloc
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealane.errors import FileFormatError
from sealane.movement.readers import nmea, nmea_parts

TYPE_1 = "!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A"
TYPE_3 = "!AIVDM,1,1,,A,38Id705000rRVJhE7cl9n;160000,0*40"
PART_1 = "!AIVDM,2,1,1,A,55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8,0*1C"
PART_2 = "!AIVDM,2,2,1,A,88888888880,2*25"
FILES = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def tagged(sentence: str, second: int) -> str:
    tag = f"c:{1_593_475_200 + second},s:simulated"
    return f"\\{tag}*{reduce(xor, tag.encode()):02X}\\{sentence}"


GOOD = "".join(tagged(s, i) + "\n" for i, s in enumerate([TYPE_1, PART_1, PART_2, TYPE_3, TYPE_1])).encode()


def read(path: Path) -> tuple[list[dict[str, Any]], list[tuple[Any, ...]], nmea.NmeaCounts]:
    rejects: list[tuple[Any, ...]] = []
    counts: list[nmea.NmeaCounts] = []
    batches = list(nmea.read(path, on_reject=lambda *r: rejects.append(r), on_counts=counts.append))
    rows = [row for batch in batches for row in batch.to_pylist()]
    for batch in batches:
        batch.validate(full=True)
    return rows, rejects, counts[0]


@FILES
@given(noise=st.lists(st.one_of(st.binary(max_size=300), st.sampled_from(GOOD.splitlines())), max_size=8))
def test_bytes_between_good_lines(tmp_path: Path, noise: list[bytes]) -> None:
    content = GOOD + b"\n".join(noise) + b"\n" + GOOD
    (tmp_path / "log").write_bytes(content)
    rows, rejects, counts = read(tmp_path / "log")
    assert len(rows) >= 6
    assert counts.rejected == len(rejects)
    for record, line, column, value, reason in rejects:
        assert 1 <= record <= line <= counts.lines
        assert value.isprintable()
        assert (column, reason) in nmea.REASONS.values()


@FILES
@given(content=st.binary(max_size=2_000))
def test_any_bytes_at_all(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log").write_bytes(content)
    with pytest.raises(FileFormatError):
        list(nmea.read(tmp_path / "log", on_reject=lambda *_: None))


def test_a_changed_byte_never_makes_another_position(tmp_path: Path) -> None:
    """Every byte of a log is changed in turn; checksums must catch it, so that only true rows remain."""
    (tmp_path / "log").write_bytes(GOOD)
    true_rows, rejects, _ = read(tmp_path / "log")
    assert (len(true_rows), rejects) == (3, [])
    bare = {(row["mmsi"], row["time"], row["lat"], row["lon"], row["sog_kn"]) for row in true_rows}
    source = random.Random(2)
    lost = 0
    for i in range(len(GOOD)):
        broken = bytearray(GOOD)
        broken[i] ^= source.randrange(1, 256)
        (tmp_path / "log").write_bytes(bytes(broken))
        rows, rejects, counts = read(tmp_path / "log")
        assert {(row["mmsi"], row["time"], row["lat"], row["lon"], row["sog_kn"]) for row in rows} <= bare
        lost += len(true_rows) - len(rows)
        # What is not a row or a static report has been rejected or counted.
        missing = 3 - len(rows) + (1 - counts.static_reports)
        assert len(rejects) + counts.other_sentences + counts.comments + counts.other_type >= missing
    assert lost > 100  # the control: the changes did hit


def test_a_line_without_end_is_one_reject(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "log", "wb", compresslevel=1) as log:
        log.write(GOOD)
        for _ in range(30):
            log.write(b"\x00,!x" * 250_000)
        log.write(b"\n" + GOOD)
    rows, rejects, counts = read(tmp_path / "log")
    assert len(rows) == 6
    assert [(line, column) for _, line, column, _, _ in rejects] == [(6, "sentence")]
    assert counts.lines == 11


def test_orphaned_parts_are_bounded_and_all_rejected(tmp_path: Path) -> None:
    n = 20 * nmea_parts.MAX_PENDING
    (tmp_path / "log").write_text("".join(f"1593475200,{PART_1}\n" for _ in range(n)) + f"1593475200,{TYPE_1}\n")
    rows, rejects, _ = read(tmp_path / "log")
    assert len(rows) == 1
    assert [reject[1] for reject in rejects] == list(range(1, n + 1))
    assert {reject[2] for reject in rejects} == {"parts"}


def peak_bytes(path: Path) -> tuple[int, int]:
    """Rows read and the most memory held meanwhile."""
    tracemalloc.start()
    rows = 0
    for batch in nmea.read(path, on_reject=lambda *_: None, batch_rows=20_000):
        rows += batch.num_rows
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return rows, peak


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    block = "".join(tagged(s, i) + "\n" for i in range(5_000) for s in (TYPE_1, TYPE_3, PART_1, "broken")).encode()
    found = []
    for times in (10, 30):
        with gzip.open(tmp_path / "log", "wb", compresslevel=1) as log:
            for _ in range(times):
                log.write(block)
        found.append(peak_bytes(tmp_path / "log"))
    (few, small), (many, large) = found
    assert (few, many) == (10 * 10_000, 30 * 10_000)
    assert large < 1.2 * small
    assert large < 100_000_000
    assert pa.total_allocated_bytes() < 100_000_000


@pytest.mark.parametrize("filling", [b"\n", b"#"], ids=["blank lines", "one endless comment"])
def test_a_bomb_after_good_lines_is_refused(tmp_path: Path, filling: bytes) -> None:
    with gzip.open(tmp_path / "log", "wb") as log:
        log.write(GOOD)
        for _ in range(100):
            log.write(filling * 1_000_000)
    with pytest.raises(FileFormatError, match="decompression bomb"):
        read(tmp_path / "log")
