"""Which reader reads a file: told by its first bytes and its header, or named by the user."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from sealane.errors import FileFormatError, InputError
from sealane.movement.positions import POSITION_COLUMNS
from sealane.movement.readers import delimited, dma, generic, marinecadastre, parquet
from sealane.movement.readers.chunks import COLUMN_DTYPES, Chunk, Reject, TextPool, from_batch, null_column, shorten
from sealane.movement.readers.layout import Header, Layout, decode_text, read_header
from sealane.movement.readers.sources import CountedFile, Source, check_regular, open_source, sniff_head

AUTO, NMEA = "auto", "nmea"
FORMATS = (AUTO, marinecadastre.NAME, dma.NAME, generic.NAME, parquet.NAME, NMEA)

_SENTENCE = re.compile(rb"[!$][A-Z]{2}VD[MO],")
# Rough sizes, only used to choose how many buckets to make: bytes of text a row takes, and how far text is compressed.
_BYTES_PER_ROW = 80
_INFLATION = 6


@dataclass(frozen=True)
class Opened:
    """A file whose format is known.

    Attributes
    ----------
    format : one of FORMATS but auto.
    layout : its columns; None for NMEA.
    rows_about : a rough number of rows, for choosing buckets.
    columns : the position columns the file can fill.
    """

    path: Path
    format: str
    layout: Layout | None
    geometry: str | None
    size_bytes: int
    rows_about: int
    columns: tuple[str, ...]


def identify(path: Path, format: str = AUTO, columns: Mapping[str, str] | None = None) -> Opened:
    """Find out how to read `path`.

    Parameters
    ----------
    format : one of FORMATS; auto looks at the file.
    columns : position column -> name in the file; for generic text and Parquet.

    Raises
    ------
    FileFormatError, DataError
        saying what was expected and what was found.
    """
    if format not in FORMATS:
        raise InputError(f"format {format!r} is not known. Use one of {', '.join(FORMATS)}.")
    size = check_regular(path)
    with path.open("rb") as handle:
        magic = handle.read(4)
    if magic == b"PAR1":
        if format not in (AUTO, parquet.NAME):
            raise FileFormatError(f"{path}: expected {format}, found Parquet.")
        layout, geometry = parquet.read_layout(path, columns)
        return Opened(path, parquet.NAME, layout, geometry, size, parquet.rows_of(path), tuple(layout.columns))
    if format == parquet.NAME:
        raise FileFormatError(f"{path}: expected Parquet, but the file begins with {magic!r}, not b'PAR1'.")
    head, compression = sniff_head(path)
    rows_about = size * (1 if compression == "plain" else _INFLATION) // _BYTES_PER_ROW
    if format == NMEA or (format == AUTO and _is_nmea(head)):
        decode_text(head, path)
        if not _is_nmea(head):
            raise FileFormatError(f"{path}: expected NMEA sentences such as !AIVDM, found {head[:60]!r}.")
        return Opened(path, NMEA, None, None, size, rows_about, tuple(POSITION_COLUMNS))
    layout = _text_layout(read_header(head, path), path, format, columns)
    return Opened(path, layout.format, layout, None, size, rows_about, tuple(layout.columns))


def _text_layout(header: Header, path: Path, format: str, columns: Mapping[str, str] | None) -> Layout:
    if columns:
        if format not in (AUTO, generic.NAME):
            raise InputError(f"{path}: a column mapping goes with format generic, not {format}.")
        return generic.layout(header, path, columns)
    if format == marinecadastre.NAME or (format == AUTO and marinecadastre.matches(header)):
        return marinecadastre.layout(header, path)
    if format == dma.NAME or (format == AUTO and dma.matches(header)):
        return dma.layout(header, path)
    return generic.layout(header, path)


def _is_nmea(head: bytes) -> bool:
    lines = [line for line in head.splitlines()[:50] if line.strip()]
    return any(_SENTENCE.search(line) for line in lines)


class Reading:
    """The chunks of one file, and when they are at an end its SHA-256."""

    def __init__(self, chunks: Iterator[Chunk], sha256: Callable[[], str]) -> None:
        self.chunks = chunks
        self.sha256 = sha256


@contextmanager
def reading(opened: Opened, texts: TextPool, pool: ThreadPoolExecutor, *, ahead: int = 2) -> Iterator[Reading]:
    """Read an identified file."""
    with open_source(opened.path) if opened.format != parquet.NAME else _raw(opened.path) as source:
        if opened.format == parquet.NAME:
            assert opened.layout is not None
            chunks = parquet.read(opened.path, opened.layout, opened.geometry, texts)
        elif opened.layout is None:
            chunks = _nmea_chunks(source, texts)
        else:
            chunks = delimited.read(source, opened.layout, texts, pool, ahead=ahead)
        yield Reading(chunks, source.raw.sha256)


@contextmanager
def _raw(path: Path) -> Iterator[Source]:
    raw = CountedFile(path)
    try:
        yield Source(path, cast(IO[bytes], raw), "plain", path.stat().st_size, raw)
    finally:
        raw.close()


def _nmea_chunks(source: Source, texts: TextPool) -> Iterator[Chunk]:
    from sealane.movement.readers import nmea  # its compiled code is large; other formats do not need it

    found: list[Reject] = []

    def on_reject(record: int, line: int, column: str, value: str, reason: str) -> None:
        found.append(Reject(record, line, column, shorten(value), reason, row_lost=True))

    for batch in nmea.read_source(source, on_reject=on_reject):
        rejects = tuple(found)
        found.clear()
        yield Chunk(from_batch(batch, texts), batch.num_rows, rejects, len(rejects), 0, source.bytes_done)
    empty = {name: null_column(name, 0) for name in COLUMN_DTYPES}
    yield Chunk(empty, 0, tuple(found), len(found), 0, source.size_bytes)
