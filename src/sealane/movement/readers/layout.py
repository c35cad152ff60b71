"""How a delimited file's header maps to position columns, and what to say when it does not."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealane.errors import DataError, Fault, FileFormatError
from sealane.movement.positions import POSITION_COLUMNS
from sealane.movement.readers.fields import ESSENTIAL

MAX_HEADER_BYTES = 1 << 16
DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Layout:
    """The columns of one delimited file.

    Attributes
    ----------
    format : name of the origin format.
    header : the file's column names.
    columns : position column -> index in the header.
    time_kind : iso, day_first or unix.
    """

    format: str
    header: tuple[str, ...]
    columns: Mapping[str, int]
    time_kind: str
    delimiter: str
    header_bytes: int
    header_lines: int

    @property
    def missing(self) -> tuple[str, ...]:
        """Position columns that the file does not have."""
        return tuple(name for name in POSITION_COLUMNS if name not in self.columns)


@dataclass(frozen=True)
class Header:
    """The first row of a delimited file."""

    names: tuple[str, ...]
    delimiter: str
    size_bytes: int
    lines: int
    first_rows: tuple[tuple[str, ...], ...]

    @property
    def plain(self) -> tuple[str, ...]:
        """The names as they are compared."""
        return tuple(plain_name(name) for name in self.names)


def plain_name(name: str) -> str:
    """A header name as it is compared: lower case, letters and digits only."""
    return "".join(c for c in name.lower() if c.isalnum())


def decode_text(head: bytes, path: Path) -> None:
    """Refuse heads that are not 8-bit text, naming what they look like."""
    marks = {
        b"\xff\xfe\x00\x00": "UTF-32",
        b"\x00\x00\xfe\xff": "UTF-32",
        b"\xff\xfe": "UTF-16 (little-endian)",
        b"\xfe\xff": "UTF-16 (big-endian)",
    }
    for mark, name in marks.items():
        if head.startswith(mark):
            raise FileFormatError(f"{path}: expected UTF-8 text, found {name}. Save the file as UTF-8 CSV.")
    if b"\0" in head:
        at = head.index(b"\0")
        even, odd = head[0:2000:2].count(0), head[1:2000:2].count(0)
        if min(even, odd) * 10 < max(even, odd) and max(even, odd) > 10:
            raise FileFormatError(f"{path}: expected UTF-8 text, found UTF-16 without a mark. Save it as UTF-8 CSV.")
        raise FileFormatError(f"{path}: expected text, found a NUL byte at byte {at}; it is binary or damaged.")


def read_header(head: bytes, path: Path) -> Header:
    """The header of delimited text, the delimiter told by counting.

    Raises
    ------
    FileFormatError
        where the head is binary, in a wrong encoding, has no header or no row below it.
    """
    decode_text(head, path)
    mark = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    text = head[mark:].decode("latin-1")
    if not text.strip():
        raise FileFormatError(f"{path}: the file holds only blank lines. Give a file with a header row and positions.")
    first = text.lstrip("\r\n").split("\n", 1)[0]
    if len(first) >= MAX_HEADER_BYTES - 8:
        raise FileFormatError(f"{path}: the first line is longer than {MAX_HEADER_BYTES} bytes; it is no header row.")
    if "\r" in first.rstrip("\r"):
        raise FileFormatError(f"{path}: lines end with CR alone (old Mac). Save the file with LF or CRLF line ends.")
    delimiter = max(DELIMITERS, key=first.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) if text else []
    rows = [row for row in rows[:200] if row]
    names = tuple(_as_utf8(name).strip() for name in rows[0])
    lead = len(text) - len(text.lstrip("\r\n"))
    size, lines = _record_size(text, lead)
    complete = rows[1:-1] if len(head) >= MAX_HEADER_BYTES else rows[1:]
    if not complete and len(head) < MAX_HEADER_BYTES:
        raise FileFormatError(f"{path}: there is a header ({', '.join(names[:6])}, ...) but no row below it.")
    return Header(names, delimiter, mark + size, lines, tuple(tuple(row) for row in complete))


def _as_utf8(name: str) -> str:
    """A name read as Latin-1, by its bytes as UTF-8 where they are that; sizes are counted in bytes, so text is not."""
    try:
        return name.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return name


def _record_size(text: str, at: int) -> tuple[int, int]:
    """Characters and physical lines up to the end of the first record."""
    quoted = False
    lines = text[:at].count("\n")
    for i in range(at, len(text)):
        char = text[i]
        if char == '"':
            quoted = not quoted
        elif char == "\n":
            lines += 1
            if not quoted:
                return i + 1, lines
    return len(text), lines


def match_columns(header: Header, aliases: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Position column -> index, by the aliases of a format; absent where no alias stands in the header."""
    plain = header.plain
    found: dict[str, int] = {}
    for column, names in aliases.items():
        for name in names:
            if name in plain:
                found[column] = plain.index(name)
                break
    return found


def require_essential(
    found: Mapping[str, int], header: Header, aliases: Mapping[str, Sequence[str]], path: Path, format: str
) -> None:
    """Refuse a header that lacks an essential column or has one of ours twice; names near misses, all at once."""
    faults = []
    for column in ESSENTIAL:
        if column not in found:
            near = difflib.get_close_matches(
                plain_name(aliases[column][0]), [p for p in header.plain if p], n=1, cutoff=0.6
            )
            hint = f"; nearest is {header.names[header.plain.index(near[0])]!r}" if near else ""
            faults.append(
                Fault(
                    f"column {column}",
                    f"none of {', '.join(aliases[column])} in the header{hint}",
                    f"Rename the column, or map it with columns={{'{column}': '<name in the file>'}}",
                )
            )
    for column, index in found.items():
        if header.plain.count(header.plain[index]) > 1:
            faults.append(Fault(f"column {column}", f"{header.names[index]!r} stands twice in the header", "Keep one"))
    if faults:
        shown = ", ".join(header.names[:20])
        raise DataError(f"{path}: not a {format} file of AIS positions. Its header is: {shown}", faults)
