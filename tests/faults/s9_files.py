"""Hostile files for row S9, made from a seed: bombs, entities, paths that lead outside, links, lying directories."""

from __future__ import annotations

import gzip
import io
import random
import stat
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MIB = 1 << 20
AIS_HEADER = b"MMSI,BaseDateTime,LAT,LON,SOG,COG\n"
AIS_ROW = b"367000140,2020-06-30T00:00:00,40.64409,-74.07157,0.0,60.6\n"
CANARY = "a-line-that-must-not-come-out"


@dataclass(frozen=True)
class Hostile:
    """One file.

    Attributes
    ----------
    kind : of upload.
    dataset : of records.
    """

    name: str
    kind: str
    data: bytes
    dataset: str | None = None


def workbook(parts: dict[str, bytes] | None = None, *, extra: dict[str, bytes] | None = None) -> bytes:
    """Return a workbook with one sheet; `parts` replace its own."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["mmsi", "name", "ship_class"])
    sheet.append([367000140, "ONE", "Container Ship"])
    made = io.BytesIO()
    book.save(made)
    result = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, (parts or {}).get(name, old.read(name)))
        for name, content in (extra or {}).items():
            new.writestr(name, content)
    return result.getvalue()


def _sheet(rows: bytes) -> bytes:
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    head = b'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="' + space + b'">'
    return head + b"<sheetData>" + rows + b"</sheetData></worksheet>"


SHEET = "xl/worksheets/sheet1.xml"
CELL = b'<row><c t="inlineStr"><is><t>' + b"A" * 900 + b"</t></is></c></row>"


@cache
def sheet_bomb() -> bytes:
    """Return a workbook of less than a megabyte whose sheet has 287 MB."""
    return workbook({SHEET: _sheet(CELL * (287_000_000 // len(CELL)))})


def lying(data: bytes) -> bytes:
    """Let the directory declare a hundredth of each member's size."""
    changed = bytearray(data)
    at = changed.find(b"PK\x01\x02")
    while at >= 0:
        size = struct.unpack_from("<I", changed, at + 24)[0]
        struct.pack_into("<I", changed, at + 24, size // 100)
        at = changed.find(b"PK\x01\x02", at + 4)
    return bytes(changed)


def _overlapping(members: int, size: int) -> bytes:
    """Let many names of the directory share one member's bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * size)
    data = made.getvalue()
    at = data.index(b"PK\x01\x02")
    entry = data[at : data.index(b"PK\x05\x06")]
    name = b"xl/workbook.xml"
    entries = b"".join(entry.replace(name, b"xl/%08d.xm" % n + b"l") for n in range(members))
    entries = entry + entries
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, members + 1, members + 1, len(entries), at, 0)
    return data[:at] + entries + end


def _named(name: str, content: bytes = b"x", mode: int = 0) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, content)
    return made.getvalue()


def _encrypted() -> bytes:
    data = bytearray(_named("positions.csv", AIS_HEADER + AIS_ROW))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def gzip_bomb(inflated: int) -> bytes:
    """Return gzip members one after another, each a few kilobytes for several megabytes."""
    rows = AIS_ROW * (8 * MIB // len(AIS_ROW))
    return gzip.compress(AIS_HEADER, 9) + gzip.compress(rows, 9) * (inflated // len(rows))


def _zstd_bomb(inflated: int) -> bytes:
    import pyarrow as pa

    sink = io.BytesIO()
    with pa.CompressedOutputStream(pa.PythonFile(sink, "w"), "zstd") as out:
        out.write(AIS_HEADER)
        rows = AIS_ROW * (8 * MIB // len(AIS_ROW))
        for _ in range(inflated // len(rows)):
            out.write(rows)
        out.flush()
        return sink.getvalue()


def _parquet(rows: int, text: str | None) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if text is None:
        table = pa.table(
            {"imo": pa.repeat(pa.scalar(9_074_729, pa.int32()), rows), "port": pa.nulls(rows, pa.string())}
        )
    else:
        names = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([text]))
        table = pa.table({"port": names})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", use_dictionary=True, store_schema=False)
    return sink.getvalue()


def _laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{entities}]>'
    return text.encode() + _sheet(b'<row><c t="inlineStr"><is><t>&l9;</t></is></c></row>').partition(b"?>")[2]


def _entity(target: str, encoding: str = "utf-8") -> bytes:
    text = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY e SYSTEM "{target}">]>'
    rest = _sheet(b'<row><c t="inlineStr"><is><t>&e;</t></is></c></row>').partition(b"?>")[2].decode()
    return (text + rest).encode("utf-16" if encoding == "utf-16" else encoding)


def files(seed: int, canary: Path, full: bool) -> Iterator[Hostile]:
    """Yield the files; sizes and names differ by seed."""
    rng = random.Random(seed)
    large = (300 if full else 64) * MIB
    up = "../" * rng.randrange(2, 9)
    bomb = sheet_bomb()
    yield Hostile("sheet bomb.xlsx", "vessels", bomb)
    yield Hostile("lying bomb.xlsx", "vessels", lying(bomb))
    if full:
        yield Hostile("sheet bomb.xlsx", "calls", bomb)
    shared = b"<sst><si><t>" + b"B" * large + b"</t></si></sst>"
    yield Hostile("texts bomb.xlsx", "vessels", workbook(extra={"xl/sharedStrings2.xml": shared}))
    yield Hostile("overlapping.xlsx", "vessels", _overlapping(rng.randrange(500, 1_500), MIB))
    yield Hostile("many members.xlsx", "vessels", workbook(extra={f"xl/{n}.xml": b"" for n in range(5_000)}))
    yield Hostile("laughs.xlsx", "vessels", workbook({SHEET: _laughs()}))
    for encoding in ("utf-8", "utf-16"):
        yield Hostile(f"entity {encoding}.xlsx", "vessels", workbook({SHEET: _entity(canary.as_uri(), encoding)}))
    yield Hostile("entity of the system.xlsx", "calls", workbook({SHEET: _entity("file:///etc/passwd")}))
    yield Hostile("entity utf-7.xlsx", "vessels", workbook({SHEET: _entity(canary.as_uri(), "utf-7")}))
    outside = [f"{up}evil.txt", f"{canary.parent}/evil.txt", "C:\\evil.txt", "..\\..\\evil.txt"]
    for number, name in enumerate(outside):
        if full or number % 2 == 0:
            yield Hostile("outside.zip", "positions", _named(name, AIS_HEADER + AIS_ROW))
        if full or number % 2 == 1:
            yield Hostile("outside.xlsx", "vessels", workbook(extra={name: b"evil"}))
    yield Hostile("link.zip", "positions", _named("positions.csv", str(canary).encode(), stat.S_IFLNK | 0o777))
    yield Hostile("encrypted.zip", "positions", _encrypted())
    yield Hostile("nested.zip", "positions", _named("inner.zip", _named("positions.csv", AIS_HEADER + AIS_ROW * 99)))
    yield Hostile("bomb.zip", "positions", _zipped(AIS_HEADER + AIS_ROW * (large // len(AIS_ROW))))
    yield Hostile("bomb.csv.gz", "positions", gzip_bomb((10_000 if full else 2_000) * MIB))
    yield Hostile("bomb.csv.zst", "positions", _zstd_bomb((10_000 if full else 300) * MIB))
    yield Hostile("rows bomb.parquet", "calls", _parquet(50_000_000, None))
    yield Hostile("text bomb.parquet", "calls", _parquet(500_000, "C" * (4 * MIB)))
    yield Hostile("footer.parquet", "calls", b"PAR1" + b"x" * 100 + struct.pack("<I", 2**31 - 1) + b"PAR1")
    deep = b"[" * 200_000
    yield Hostile("deep.json", "product", deep, "port-calls")
    yield Hostile("deep.geojson", "zones", b'{"type":"FeatureCollection","features":' + deep)
    digits = b'{"events":[{"a":' + b"9" * MIB + b"}]}"
    yield Hostile("digits.json", "product", digits, "port-calls")
    yield Hostile("junk.edi", "product", b"UNA:+.? 'UNB+UNOC:3+" + rng.randbytes(MIB), "container-milestones")


def _zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("positions.csv", content)
    return made.getvalue()


def harmless() -> dict[str, Hostile]:
    """Return one sound file a kind, whose reading is what a refusal is compared with."""
    calls = b"port,imo,arrival,departure\nUSLAX,9074729,2026-07-01T08:00:00Z,2026-07-02T08:00:00Z\n"
    milestone = b'{"events":[]}'
    return {
        "vessels": Hostile("sound.xlsx", "vessels", workbook()),
        "calls": Hostile("sound calls", "calls", calls),
        "positions": Hostile("sound positions", "positions", AIS_HEADER + AIS_ROW * 10),
        "zones": Hostile("sound zones", "zones", b'{"type":"FeatureCollection","features":[]}'),
        "product": Hostile("sound product", "product", milestone, "port-calls"),
    }
