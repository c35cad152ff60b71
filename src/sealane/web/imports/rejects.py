"""The rejected rows of an upload: page by page, and as a file that a spreadsheet program can open without harm."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sealane.spreadsheet_text import inert, plain
from sealane.web.imports.preview import REJECT_COLUMNS

PAGE_ROWS = 50
_FLUSH_ROWS = 2_000


@dataclass(frozen=True)
class RejectsPage:
    """Some rejected rows.

    Attributes
    ----------
    rows : file, record, line, column, value, reason.
    after : where the next page begins; None on the last.
    """

    rows: tuple[tuple[str, ...], ...]
    after: int | None


def _records(file: IO[bytes], at: int) -> Iterator[tuple[int, list[str]]]:
    """Yield records and where the next one begins, from a place where one begins."""
    file.seek(at)
    place = at

    def lines() -> Iterator[str]:
        nonlocal place
        for line in file:
            place += len(line)
            yield line.decode("utf-8", "replace")

    reader = csv.reader(lines())
    while True:
        try:
            row = next(reader)
        except (StopIteration, csv.Error):
            return
        yield place, row


def page(path: Path, name: str, after: int = 0, limit: int = PAGE_ROWS) -> RejectsPage:
    """Return one page of rejected rows.

    Parameters
    ----------
    path : as the check wrote it; none where nothing was rejected.
    name : of the file, as its sender calls it.
    after : as the page before gave it; 0 for the first.
    """
    if not path.is_file():
        return RejectsPage((), None)
    rows: list[tuple[str, ...]] = []
    place = after
    with path.open("rb") as file:
        for next_place, row in _records(file, after):
            if next_place <= after or (after == 0 and place == 0):
                place = next_place  # the header
                continue
            if len(rows) == limit:
                return RejectsPage(tuple(rows), place)
            place = next_place
            rows.append(tuple(plain(cell) for cell in _shown(row, name)))
    return RejectsPage(tuple(rows), None)


def _shown(row: list[str], name: str) -> tuple[str, ...]:
    cells = [*row, *[""] * len(REJECT_COLUMNS)][: len(REJECT_COLUMNS)]
    return (name, *cells[1:])


def as_csv(path: Path, name: str) -> Iterator[bytes]:
    """Yield the rejects as CSV in UTF-8; cells that a spreadsheet program would take for formulas are inert."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(REJECT_COLUMNS)
    if path.is_file():
        with path.open("rb") as file:
            for number, (_, row) in enumerate(_records(file, 0)):
                if number == 0:
                    continue
                # Whatever wrote the file: making a text inert that is so already must not change it again.
                writer.writerow([inert(plain(cell)) for cell in _shown(row, name)])
                if number % _FLUSH_ROWS == 0:
                    yield text.getvalue().encode()
                    text.seek(0)
                    text.truncate()
    yield text.getvalue().encode()
