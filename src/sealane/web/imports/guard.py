"""Looks at an uploaded file before anything reads it: archives are counted, inflated in passing, and never unpacked.

Sizes that an archive declares are not believed: every byte is inflated and counted, block by block, and the counting
stops as soon as it is too much. Wherever it can do it, the standard library is used: a refusal costs next to no memory.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from sealane.errors import DataError, Fault, Phrase

# AIS text inflates five- to twentyfold, a workbook tenfold; a bomb a thousandfold.
MAX_INFLATION = 200
GRACE_BYTES = 32 << 20  # so much is harmless, however far it inflates
# Told after so much; a real archive that long is read as a stream, and its reader goes on counting.
LOOKED_AT_BYTES = 128 << 20
MAX_WORKBOOK_BYTES = 200 << 20
MAX_MEMBERS = 2_000
_BLOCK = 1 << 16
_TITLE = Phrase("The file was refused; nothing of it was read.")
# The letters of a document type in any encoding in which XML may be written, 0 bytes between them or not.
_DOCTYPE = re.compile(rb"<\x00{0,3}!\x00{0,3}(?:D\x00{0,3}O\x00{0,3}C\x00{0,3}T|E\x00{0,3}N\x00{0,3}T\x00{0,3}I)", re.I)
_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_XML_BYTES = 256  # of the end of a block that are looked at again with the next


@dataclass(frozen=True)
class Looked:
    """What a file is, by its first bytes.

    Attributes
    ----------
    form : workbook, zip, gzip, zstd, parquet or plain.
    inflated_bytes : counted so far; the whole of a workbook.
    """

    form: str
    inflated_bytes: int


def look_at(path: Path, name: str) -> Looked:
    """Refuse a file that would do harm when it is read.

    Parameters
    ----------
    path : a regular file.
    name : as its sender calls it, for messages.

    Raises
    ------
    DataError
        for an archive that is damaged, encrypted, inflates too far, holds a path that leads outside, a link, too many
        members, or XML with a document type.
    """
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise _refused(name, Phrase("is no regular file"), Phrase("Upload the file itself"))
    with path.open("rb") as file:
        head = file.read(8)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
            return _archive(file, name, status.st_size)
        if head.startswith(b"\x1f\x8b"):
            return Looked("gzip", _gzip(file, name))
        if head.startswith(b"\x28\xb5\x2f\xfd"):
            return Looked("zstd", _zstd(path, name))
        if head.startswith(b"PAR1"):
            return Looked("parquet", _parquet(file, name, status.st_size))
        if head.startswith(b"\xd0\xcf\x11\xe0"):
            raise _refused(
                name, Phrase("is an old or an encrypted Office document"), Phrase("Save it as .xlsx without a password")
            )
    return Looked("plain", 0)


def _refused(name: str, found: str, remedy: str, part: str = "") -> DataError:
    return DataError(_TITLE, [Fault(f"{name}: {part}" if part else name, found, remedy)])


def _archive(file: IO[bytes], name: str, size: int) -> Looked:
    try:
        members = _members(file, name)
        is_workbook = any(info.filename in {"[Content_Types].xml", "xl/workbook.xml"} for info in members)
        _check_members(members, name)
        total = 0
        for info in members:
            total = _inflate_member(file, info, name, total, size, is_workbook=is_workbook)
            if not is_workbook and total >= LOOKED_AT_BYTES:
                break
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        raise _refused(name, Phrase("is a damaged archive (%(error)s)", error=error), Phrase("Make it again")) from None
    return Looked("workbook" if is_workbook else "zip", total)


def _members(file: IO[bytes], name: str) -> list[zipfile.ZipInfo]:
    """Read the directory, whose length is looked at first: it alone could fill the memory."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - 65_557))  # the end record and the longest comment
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile(Phrase("it has no end"))
    count, directory = struct.unpack_from("<HI", tail, at + 10)
    if at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":  # a large archive keeps its counts elsewhere
        file.seek(struct.unpack_from("<Q", tail, at - 12)[0])
        record = file.read(56)
        if len(record) < 56 or record[:4] != b"PK\x06\x06":
            raise zipfile.BadZipFile(Phrase("its long end is not where it says"))
        count, directory = struct.unpack_from("<QQ", record, 32)
    if count > MAX_MEMBERS or directory > MAX_MEMBERS * 1_000:
        found = Phrase(
            "has a directory of %(count)s members and %(directory)s bytes",
            count=f"{count:,}",
            directory=f"{directory:,}",
        )
        raise _refused(
            name,
            found,
            Phrase("An archive of data has at most %(max_members)s members", max_members=f"{MAX_MEMBERS:,}"),
        )
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        return archive.infolist()


def _check_members(members: list[zipfile.ZipInfo], name: str) -> None:
    if len(members) > MAX_MEMBERS:
        raise _refused(
            name,
            Phrase("has %(count)s members", count=f"{len(members):,}"),
            Phrase("It may have %(max_members)s", max_members=f"{MAX_MEMBERS:,}"),
        )
    faults = []
    seen: set[str] = set()
    for info in members:
        path = PurePosixPath(info.filename.replace("\\", "/"))
        part, mode = f"{name}: member {info.filename[:120]!r}", info.external_attr >> 16
        if path.is_absolute() or ".." in path.parts or ":" in info.filename or "\x00" in info.orig_filename:
            faults.append(Fault(part, Phrase("points outside the archive"), Phrase("Make the archive of plain names")))
        if mode and (stat.S_ISLNK(mode) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0)):
            faults.append(Fault(part, Phrase("is a link or a device"), Phrase("Put the file itself in its place")))
        if info.flag_bits & 1:
            faults.append(Fault(part, Phrase("is encrypted"), Phrase("Save it without a password")))
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            faults.append(
                Fault(
                    part,
                    Phrase("is packed by method %(method)s", method=info.compress_type),
                    Phrase("Use ordinary (deflate) packing"),
                )
            )
        if info.filename in seen:
            faults.append(Fault(part, Phrase("stands twice in the archive"), Phrase("Keep one of them")))
        seen.add(info.filename)
    if faults:
        raise DataError(_TITLE, faults[:50])


def _inflate_member(
    file: IO[bytes], info: zipfile.ZipInfo, name: str, total: int, size: int, *, is_workbook: bool
) -> int:
    """Inflate a member in passing; return the bytes counted with those before."""
    is_xml = is_workbook and info.filename.lower().endswith((".xml", ".rels", ".vml"))
    keep = b""
    first = True
    for block, consumed in _blocks(file, info):
        total += len(block)
        if is_workbook and total > MAX_WORKBOOK_BYTES:
            raise _refused(
                name,
                Phrase("inflates to more than %(value)s MiB", value=MAX_WORKBOOK_BYTES >> 20),
                Phrase("Leave sheets or rows out"),
            )
        if total > GRACE_BYTES and total > MAX_INFLATION * max(size if is_workbook else consumed, 1):
            raise _bomb(name, total)
        if is_xml:
            window = keep + block
            if first:
                _check_encoding(window, info.filename, name)
                first = False
            if _DOCTYPE.search(window):
                found = Phrase("has a document type or entities, which could read other files or grow without end")
                raise _refused(name, found, Phrase("Save the workbook again with a spreadsheet program"), info.filename)
            keep = window[-_XML_BYTES:]
        elif not is_workbook and total >= LOOKED_AT_BYTES:
            break
    return total


def _check_encoding(head: bytes, member: str, name: str) -> None:
    """Refuse XML in an encoding in which a document type could hide."""
    declared = _ENCODING.search(head[:400])
    text = declared[1].decode().lower() if declared else "utf-8"
    if text not in {"utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be"}:
        raise _refused(
            name,
            Phrase("is written in %(text)s", text=text),
            Phrase("Save the workbook again; its parts are UTF-8"),
            member,
        )


def _blocks(file: IO[bytes], info: zipfile.ZipInfo) -> Iterator[tuple[bytes, int]]:
    """Yield the inflated blocks of a member and the bytes of the file they took, whatever the directory declares."""
    file.seek(info.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile(Phrase("%(name)s is not where the directory says", name=repr(info.filename[:80])))
    names, extra = struct.unpack_from("<HH", header, 26)
    file.seek(info.header_offset + 30 + names + extra)
    yield from _inflated(file, info.compress_size, stored=info.compress_type == zipfile.ZIP_STORED, wbits=-15)


def _inflated(file: IO[bytes], left: int, *, stored: bool = False, wbits: int) -> Iterator[tuple[bytes, int]]:
    inflater = None if stored else zlib.decompressobj(wbits)
    consumed = 0
    while left > 0:
        packed = file.read(min(_BLOCK, left))
        if not packed:
            raise EOFError("it is cut off")
        left -= len(packed)
        if inflater is None:
            consumed += len(packed)
            yield packed, consumed
            continue
        while packed:
            block = inflater.decompress(packed, 1 << 20)
            rest = inflater.unconsumed_tail or inflater.unused_data
            consumed += len(packed) - len(rest)
            if block:
                yield block, consumed
            if inflater.eof:
                if wbits < 0 or not inflater.unused_data:
                    return
                inflater = zlib.decompressobj(wbits)  # gzip: members may follow one another
                packed = rest
            elif not block and len(rest) == len(packed):
                raise zlib.error(Phrase("it cannot be inflated"))
            else:
                packed = inflater.unconsumed_tail


def _gzip(file: IO[bytes], name: str) -> int:
    file.seek(0)
    total = 0
    try:
        for block, consumed in _inflated(file, 1 << 62, wbits=31):
            total += len(block)
            if total > GRACE_BYTES and total > MAX_INFLATION * max(consumed, 1):
                raise _bomb(name, total)
            if total >= LOOKED_AT_BYTES:
                break
    except EOFError:
        pass  # the end of the file; a damaged one is told by its reader, with the place
    except zlib.error as error:
        raise _refused(name, Phrase("is damaged (%(error)s)", error=error), Phrase("Make it again")) from None
    return total


def _zstd(path: Path, name: str) -> int:
    import pyarrow as pa  # the standard library cannot inflate it

    total = 0
    try:
        with path.open("rb", buffering=0) as raw, pa.CompressedInputStream(pa.PythonFile(raw, "r"), "zstd") as stream:
            while total < LOOKED_AT_BYTES and (block := stream.read(1 << 20)):
                total += len(block)
                if total > GRACE_BYTES and total > MAX_INFLATION * max(raw.tell(), 1):
                    raise _bomb(name, total)
    except (OSError, pa.ArrowException) as error:
        raise _refused(name, Phrase("is damaged (%(error)s)", error=error), Phrase("Make it again")) from None
    return total


def _parquet(file: IO[bytes], name: str, size: int) -> int:
    """Look at the length of the footer, which is read at once."""
    file.seek(max(0, size - 8))
    tail = file.read(8)
    if len(tail) < 8 or tail[4:] != b"PAR1":
        raise _refused(name, Phrase("is Parquet without its end"), Phrase("Upload the whole file"))
    footer = int.from_bytes(tail[:4], "little")
    if footer > min(size, 64 << 20):
        raise _refused(
            name,
            Phrase("is Parquet with a footer of %(footer)s bytes", footer=f"{footer:,}"),
            Phrase("Write it with larger row groups"),
        )
    return 0


def _bomb(name: str, total: int) -> DataError:
    return _refused(
        name,
        Phrase(
            "inflates to more than %(value)s MiB, over %(max_inflation)s times its size, as no data do",
            value=total >> 20,
            max_inflation=MAX_INFLATION,
        ),
        Phrase("If it is genuine, unpack it and upload the file itself"),
    )
