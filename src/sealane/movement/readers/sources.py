"""Open an input file as a bounded stream of bytes: plain, .gz, .zst, or a .zip with one member.

The form is told by the first bytes, never by the name. Nothing is unpacked to disk, the stream is bounded in size and
in how much it may inflate, and the SHA-256 of the file as given is taken on the way.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

import pyarrow as pa

from sealane.errors import FileFormatError

# Limits of safety, not of the format: AIS text inflates about five- to twentyfold, a deflate bomb a thousandfold.
MAX_INFLATION = 200
INFLATION_GRACE_BYTES = 64 << 20
MAX_INFLATED_BYTES = 256 << 30

PLAIN, GZIP, ZSTD, ZIP = "plain", "gzip", "zstd", "zip"
_MAGIC = {b"\x1f\x8b": GZIP, b"\x28\xb5\x2f\xfd": ZSTD, b"PK\x03\x04": ZIP, b"PK\x05\x06": ZIP, b"PK\x07\x08": ZIP}
_REFUSED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
    b"\x04\x22\x4d\x18": "LZ4",
    b"%PDF": "PDF",
    b"\x7fELF": "a program",
    b"\x89PNG": "a PNG image",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word document",
    b"SQLite format 3": "an SQLite database",
}
ACCEPTED = "plain text, .gz, .zst, or a .zip that holds one file"


@dataclass
class Source:
    """A file being read.

    Attributes
    ----------
    stream : the inflated bytes.
    compression : plain, gzip, zstd or zip.
    size_bytes : size of the file as given.
    """

    path: Path
    stream: IO[bytes]
    compression: str
    size_bytes: int
    raw: CountedFile

    @property
    def bytes_done(self) -> int:
        """Bytes of the file as given that were read so far."""
        return self.raw.tell()


class CountedFile(io.RawIOBase):
    """A raw file whose reads are hashed as long as they go straight on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._digest = hashlib.sha256()
        self._hashed = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # the base class allows any buffer
        at = self._file.tell()
        count = self._file.readinto(buffer) or 0
        if count and at <= self._hashed < at + count:
            self._digest.update(memoryview(buffer)[self._hashed - at : count])
            self._hashed = at + count
        return count

    def close(self) -> None:
        self._file.close()
        super().close()

    def sha256(self) -> str:
        """SHA-256 of the whole file; reads on where the stream stopped early."""
        self._file.seek(self._hashed)
        while chunk := self._file.read(1 << 20):
            self._digest.update(chunk)
            self._hashed += len(chunk)
        return self._digest.hexdigest()


def check_regular(path: Path) -> int:
    """Size in bytes of a readable, non-empty regular file; else a FileFormatError that says what was found."""
    if not path.exists():
        raise FileFormatError(f"{path}: no such file. Check the path.")
    if path.is_dir():
        raise FileFormatError(f"{path}: expected a file of AIS positions, found a directory. Name the files in it.")
    if not path.is_file():
        raise FileFormatError(
            f"{path}: expected a regular file, found a device or pipe. Save the data to a file first."
        )
    size = path.stat().st_size
    if size == 0:
        raise FileFormatError(f"{path}: the file is empty (0 bytes). Give a file with a header row and AIS positions.")
    return size


def compression_of(head: bytes, path: Path) -> str:
    """Which compression the first bytes tell; raises for forms Sealane does not read."""
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    for magic, name in _REFUSED.items():
        if head.startswith(magic):
            raise FileFormatError(f"{path}: expected AIS positions as {ACCEPTED}, found {name}. Convert it first.")
    return PLAIN


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open `path` for reading, inflated.

    Raises
    ------
    FileFormatError
        where the file is missing, empty, a directory, encrypted, of several members, or of an unknown form.
    """
    size = check_regular(path)
    raw = CountedFile(path)
    try:
        buffered = io.BufferedReader(raw, 1 << 20)
        head = buffered.read(32)
        buffered.seek(0)
        compression = compression_of(head, path)
        if compression == GZIP:
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=buffered, mode="rb"))
        elif compression == ZSTD:
            stream = pa.CompressedInputStream(pa.PythonFile(buffered, "r"), "zstd")
        elif compression == ZIP:
            stream = _open_member(buffered, path)
        else:
            stream = buffered
        yield Source(path, stream, compression, size, raw)
    finally:
        raw.close()


def read_blocks(source: Source, block_bytes: int) -> Iterator[bytes]:
    """The inflated bytes in blocks, bounded in total and in inflation."""
    inflated = 0
    while True:
        try:
            block = source.stream.read(block_bytes)
        except (EOFError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile, OSError, NotImplementedError) as error:
            detail = str(error).strip() or type(error).__name__
            raise FileFormatError(
                f"{source.path}: the {source.compression} data are damaged or cut off after {inflated} inflated bytes"
                f" ({detail}). Get the file again."
            ) from error
        if not block:
            return
        inflated += len(block)
        if source.compression != PLAIN:
            _check_inflation(source, inflated)
        yield block


def sniff_head(path: Path, size: int = 1 << 16) -> tuple[bytes, str]:
    """The first inflated bytes and the compression of a file."""
    with open_source(path) as source:
        head = b"".join(_limited(read_blocks(source, size), size))[:size]
        compression = source.compression
    if compression != PLAIN:
        if not head:
            raise FileFormatError(f"{path}: the {compression} file holds nothing. Give a file with AIS positions.")
        inner = compression_of(head[:32], path)
        if inner != PLAIN:
            raise FileFormatError(f"{path}: compressed twice ({inner} inside {compression}). Unpack the outer layer.")
    return head, compression


def _limited(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    got = 0
    for block in blocks:
        yield block
        got += len(block)
        if got >= size:
            return


def _check_inflation(source: Source, inflated: int) -> None:
    if inflated > MAX_INFLATED_BYTES:
        raise FileFormatError(
            f"{source.path}: inflates to more than {MAX_INFLATED_BYTES} bytes. Split it into files by day."
        )
    # By what was read so far, so that a bomb of many megabytes is refused as soon as a small one.
    if inflated > INFLATION_GRACE_BYTES and inflated > MAX_INFLATION * source.bytes_done:
        raise FileFormatError(
            f"{source.path}: {source.bytes_done} bytes inflate to more than {inflated}, over {MAX_INFLATION} times"
            " their size; AIS text does not. It is refused as a decompression bomb. If it is genuine, unpack it first."
        )


def _open_member(raw: IO[bytes], path: Path) -> IO[bytes]:
    try:
        archive = zipfile.ZipFile(raw)
    except zipfile.BadZipFile as error:
        raise FileFormatError(f"{path}: a damaged .zip ({error}). Get the file again.") from error
    infos = archive.infolist()
    for info in infos:
        name = PurePosixPath(info.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in (name.parts or ("",))[0]:
            raise FileFormatError(f"{path}: member {info.filename!r} points outside the archive. It is refused.")
    members = [i for i in infos if not i.is_dir() and not i.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        names = ", ".join(repr(i.filename) for i in members[:5]) or "none"
        more = f" and {len(members) - 5} more" if len(members) > 5 else ""
        excel = any("workbook" in i.filename for i in members)
        raise FileFormatError(
            f"{path}: expected a .zip with one file, found {len(members)} ({names}{more}). Unpack it, give the files."
            + (" It looks like an Excel workbook; save it as CSV." if excel else "")
        )
    member = members[0]
    if member.flag_bits & 1:
        raise FileFormatError(f"{path}: member {member.filename!r} is encrypted. Unpack it with its password first.")
    if member.file_size > MAX_INFLATED_BYTES or (
        member.file_size > INFLATION_GRACE_BYTES and member.file_size > MAX_INFLATION * max(member.compress_size, 1)
    ):
        raise FileFormatError(
            f"{path}: member {member.filename!r} inflates from {member.compress_size} to {member.file_size} bytes;"
            f" AIS text does not inflate {MAX_INFLATION}-fold. It is refused as a decompression bomb."
        )
    try:
        return archive.open(member)
    except (NotImplementedError, zipfile.BadZipFile, RuntimeError) as error:
        raise FileFormatError(f"{path}: member {member.filename!r} cannot be read ({error}).") from error
