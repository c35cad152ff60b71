"""Files that are compressed, damaged, hostile or not AIS at all: one clear error, nothing left behind."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from sealane.errors import FileFormatError, InputError
from sealane.movement.readers import sources
from sealane.movement.staging import stage

HEADER = "MMSI,BaseDateTime,LAT,LON,SOG,VesselName\n"
ROW = "367000140,2020-06-30T01:02:03,40.5,-74.25,3.5,TEST\n"
TEXT = (HEADER + ROW * 1000).encode()


def zst(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


def zipped(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("plain.csv", TEXT),
        ("a.csv.gz", gzip.compress(TEXT)),
        ("two members.gz", gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:])),
        ("a.csv.zst", zst(TEXT)),
        ("a.zip", zipped({"AIS_2020.csv": TEXT})),
        ("mac.zip", zipped({"folder/AIS_2020.csv": TEXT, "__MACOSX/._AIS_2020.csv": b"\0"})),
        ("named wrongly.csv", gzip.compress(TEXT)),
    ],
)
def test_every_compression_gives_the_same_rows(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    staged = stage([path], tmp_path / "out")
    assert staged.rows == 1000
    assert staged.files[0].size_bytes == len(data)


def encrypted() -> bytes:
    data = bytearray(zipped({"a.csv": TEXT}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark) + at
        data[place : place + 2] = struct.pack("<H", 1)
    return bytes(data)


WRONG: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "blank": (b"\n\n \n", "blank lines"),
    "header only": (HEADER.encode(), "no row below"),
    "header only, gzip": (gzip.compress(HEADER.encode()), "no row below"),
    "nothing inside": (gzip.compress(b""), "holds nothing"),
    "utf-16": (TEXT.decode().encode("utf-16"), "UTF-16"),
    "utf-16 without mark": (TEXT.decode().encode("utf-16-le"), "UTF-16"),
    "utf-32": (TEXT.decode().encode("utf-32"), "UTF-32"),
    "nul early": (HEADER.encode() + b"36700\x000140,2020\n", "NUL byte at byte"),
    "nul late": (TEXT * 30 + b"\0\0\0\n", "NUL byte at byte"),
    "old Mac": (TEXT.replace(b"\n", b"\r"), "CR alone"),
    "long cell": (HEADER.encode() + ROW.replace("TEST", "X" * 10_000_000).encode(), "line 2: a record of more than"),
    "long quoted cell": (TEXT + ROW.replace("TEST", '"' + "X" * 10_000_000 + '"').encode(), "line 1002: a record"),
    "endless line": (HEADER.encode() + b"1" * 3_000_000, "line 2: a record of more than"),
    "long header": (b"a" * 100_000, "no header row"),
    "a program": (b"\x7fELF" + bytes(100), "a program"),
    "a picture": (b"\x89PNG\r\n" + bytes(100), "PNG"),
    "bzip2": (b"BZh91AY&SY" + bytes(100), "bzip2"),
    "truncated gzip": (gzip.compress(TEXT * 50)[:-200], "damaged or cut off"),
    "damaged gzip": (gzip.compress(TEXT)[:40] + b"\xff" * 40 + gzip.compress(TEXT)[80:], "damaged or cut off"),
    "truncated zstd": (zst(bytes(range(1, 200)) * 5000 + TEXT)[:-20], "damaged or cut off|no header|none of"),
    "not a zip": (b"PK\x03\x04" + b"x" * 500, "damaged .zip"),
    "empty zip": (zipped({}), "found 0"),
    "several members": (zipped({"a.csv": TEXT, "b.csv": TEXT}), "found 2 .*'a.csv', 'b.csv'"),
    "workbook": (zipped({"xl/workbook.xml": b"<x/>", "xl/s.xml": b"<x/>"}), "Excel"),
    "path traversal": (zipped({"../../etc/a.csv": TEXT}), "outside the archive"),
    "absolute path": (zipped({"/etc/a.csv": TEXT}), "outside the archive"),
    "encrypted": (encrypted(), "encrypted"),
    "compressed twice": (gzip.compress(gzip.compress(TEXT)), "compressed twice"),
    "csv.gz in zip": (zipped({"a.csv.gz": gzip.compress(TEXT)}), "compressed twice"),
    "gzip bomb": (gzip.compress(TEXT + ROW.encode() * 2_000_000, 9), "decompression bomb"),
    "zip bomb": (zipped({"a.csv": TEXT + b"," * 100_000_000}), "decompression bomb"),
    "zstd bomb": (zst(TEXT + ROW.encode() * 2_000_000), "decompression bomb"),
    "no AIS": (b"name,colour\nx,y\n", "none of mmsi"),
    "prose": (b"Dear port,\nplease find attached nothing.\n", "column mmsi"),
    "damaged parquet": (b"PAR1" + b"x" * 500, "Parquet"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_give_one_clear_error_and_leave_nothing(case: str, tmp_path: Path) -> None:
    data, message = WRONG[case]
    path = tmp_path / "in.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        stage([path], tmp_path / "out")
    assert caught.value.exit_code == 2
    assert str(path) in str(caught.value), "the error names the file"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv"]


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="no such file"):
        stage([tmp_path / "absent.csv"], tmp_path / "out")
    with pytest.raises(FileFormatError, match="found a directory"):
        stage([tmp_path], tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_inflation_limit_is_what_stops_the_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with the limit out of the way the same file is read."""
    data, _ = WRONG["gzip bomb"]
    path = tmp_path / "in.csv"
    path.write_bytes(data)
    monkeypatch.setattr(sources, "MAX_INFLATION", 10**9)
    assert stage([path], tmp_path / "out").rows == 2_001_000


def test_total_of_inflated_bytes_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(gzip.compress(TEXT * 10))
    monkeypatch.setattr(sources, "MAX_INFLATED_BYTES", 100_000)
    with pytest.raises(FileFormatError, match="more than 100000 bytes"):
        stage([path], tmp_path / "out")


Maker = Callable[[bytes], bytes]


def test_sha256_is_of_the_file_as_given(tmp_path: Path) -> None:
    import hashlib

    for name, make in {"a": gzip.compress, "b": zst, "c": lambda d: zipped({"x.csv": d}), "d": bytes}.items():
        maker: Maker = make
        data = maker(TEXT)
        (tmp_path / name).write_bytes(data)
        staged = stage([tmp_path / name], tmp_path / f"out-{name}")
        assert staged.files[0].sha256 == hashlib.sha256(data).hexdigest()
