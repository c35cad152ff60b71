"""Stage AIS files: every reader's rows as Parquet bucketed by vessel, and what could not be read beside them.

A bucket is a folder ``bucket=NNNN`` that holds all rows of its vessels, so that one bucket fits in memory and a
vessel is never split. Rows are not sorted in the files; :func:`read_bucket` sorts them. ``rejects.csv`` lists every
row that was lost and every field that was ignored. Everything is written to a temporary folder beside the target
and renamed when complete: a folder that stands under its own name is whole.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sealane.errors import DataError, Fault, InputError
from sealane.folders import whole_folder
from sealane.movement.buckets import BucketWriter, bucket_count, read_sorted
from sealane.movement.positions import POSITION_COLUMNS
from sealane.movement.readers.chunks import COLUMN_DTYPES, Chunk, Reject, TextPool
from sealane.movement.readers.fields import EPOCH
from sealane.movement.readers.registry import AUTO, Opened, identify, reading
from sealane.spreadsheet_text import inert

REJECT_COLUMNS = ("file", "record", "line", "column", "value", "reason")
ROWS_PER_BUCKET = 1_000_000
# Distinct names held at once; beyond it a file does not hold ships' names, and the pool starts anew.
MAX_TEXTS = 2_000_000
_MANIFEST = "staged.json"
_VERSION = 1
_SHOWN_FAULTS = 10

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class StagedFile:
    """What is known of one input file.

    Attributes
    ----------
    path, size_bytes, sha256 : of the file as given, compressed or not.
    format : which reader read it.
    rows : positions taken.
    rejected : records that gave no position.
    fields_ignored : fields set to null in rows that were taken.
    rows_outside_window : positions before time_from or not before time_to.
    latin1_fields : text fields that were not UTF-8 and were read as Latin-1.
    """

    path: str
    size_bytes: int
    sha256: str
    format: str
    rows: int
    rejected: int
    fields_ignored: int
    rows_outside_window: int
    latin1_fields: int


@dataclass(frozen=True)
class Staged:
    """Positions staged for the kernel.

    Attributes
    ----------
    folder : holds the buckets and rejects.csv.
    buckets : numbers of the buckets that have rows, for `read_bucket`.
    rows, rejected : sums over the files.
    has_speed, has_status : whether any row has a reported speed, a navigational status.
    columns_missing : position columns that none of the files has.
    time_first, time_last : first and last time of the rows.
    """

    folder: Path
    buckets: tuple[int, ...]
    rows: int
    rejected: int
    files: tuple[StagedFile, ...]
    has_speed: bool
    has_status: bool
    columns_missing: tuple[str, ...]
    time_first: datetime
    time_last: datetime

    @property
    def rejects(self) -> Path:
        """The file of rejected rows and ignored fields."""
        return self.folder / "rejects.csv"


def stage(
    paths: Sequence[Path],
    out_dir: Path,
    *,
    format: str = AUTO,
    columns: Mapping[str, str] | None = None,
    time_from: datetime | None = None,
    time_to: datetime | None = None,
    threads: int | None = None,
    memory_limit: str = "700MB",
    progress: Progress | None = None,
    resume: bool = False,
) -> Staged:
    """Read AIS files of any known format into buckets of vessels.

    Parameters
    ----------
    paths : plain, .gz, .zst or .zip files; formats may be mixed.
    out_dir : made anew; an older staging there is replaced once the new one is complete.
    format : auto, marinecadastre, dma, generic, parquet or nmea.
    columns : position column -> name in the file, for generic text and Parquet.
    time_from, time_to : keep rows of this half-open interval; without a zone they are taken as UTC.
    threads : of the readers; default all processors.
    memory_limit : scales how many rows are held back before they are written, e.g. ``512MB``.
    progress : called with (file, bytes read, bytes in all) of each file.
    resume : return what stands in `out_dir` if it was made of the same files with the same settings.

    Raises
    ------
    FileFormatError, DataError
        for files that cannot be read, all of them named; nothing is left behind.
    InputError
        for wrong arguments, or where `out_dir` holds something else.
    """
    if not paths:
        raise InputError("no input files were given. Name at least one file of AIS positions.")
    window = (_microseconds(time_from), _microseconds(time_to))
    out_dir = Path(out_dir)
    _check_target(out_dir)
    opened = _identify_all([Path(p) for p in paths], format, columns)
    signature = _signature(opened, columns, window)
    if resume and (staged := load(out_dir, signature)) is not None:
        return staged
    buckets = bucket_count(sum(o.rows_about for o in opened), ROWS_PER_BUCKET)
    with whole_folder(out_dir) as folder:
        run = _Run(folder, buckets, window, _buffered_rows(memory_limit), progress)
        with ThreadPoolExecutor(threads or os.cpu_count() or 1, "sealane-read") as pool:
            staged = run.stage(opened, pool)
        staged = replace(staged, folder=out_dir)
        (folder / _MANIFEST).write_text(json.dumps(_to_json(staged, signature), indent=1), encoding="utf-8")
    return staged


def read_bucket(staged: Staged, bucket: int, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of one bucket, sorted by `SORT_KEYS`, nulls last.

    Parameters
    ----------
    columns : a subset of the position columns; the sort takes what it needs beside them.

    Returns
    -------
    Table in POSITION_SCHEMA (or the columns asked for), one chunk a column.
    """
    return read_sorted(staged.folder, bucket, columns)


def load(folder: Path, signature: str | None = None) -> Staged | None:
    """A complete staging that stands in `folder`, or None; with a signature only if it was made of the same."""
    try:
        document = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if document.get("version") != _VERSION or (signature is not None and document.get("signature") != signature):
        return None
    fields = dict(document["staged"])
    for name in ("time_first", "time_last"):
        fields[name] = datetime.fromisoformat(fields[name])
    fields["files"] = tuple(StagedFile(**item) for item in fields["files"])
    for name in ("buckets", "columns_missing"):
        fields[name] = tuple(fields[name])
    return Staged(folder=folder, **fields)


class _Run:
    """One staging under way: sums, rejects and the bucket writer."""

    def __init__(
        self,
        folder: Path,
        buckets: int,
        window: tuple[int | None, int | None],
        buffered_rows: int,
        progress: Progress | None,
    ) -> None:
        self._folder, self._window, self._progress = folder, window, progress
        self._texts = TextPool()
        self._writer = BucketWriter(folder, buckets, self._texts, buffered_rows)
        self._has = dict.fromkeys(("sog_kn", "nav_status"), False)
        self._times: tuple[int, int] | None = None
        self._faults: list[Fault] = []

    def stage(self, opened: Sequence[Opened], pool: ThreadPoolExecutor) -> Staged:
        """Read all files and close the buckets."""
        try:
            with (self._folder / "rejects.csv").open("w", newline="", encoding="utf-8") as handle:
                rejects = csv.writer(handle)
                rejects.writerow(REJECT_COLUMNS)
                files = tuple(self._file(item, pool, rejects) for item in opened)
            self._require_rows(files)
            numbers = self._writer.close()
        except BaseException:
            self._writer.abandon()
            raise
        present = {name for item in opened for name in item.columns}
        first, last = (EPOCH + timedelta(microseconds=value) for value in self._times or (0, 0))
        return Staged(
            folder=self._folder,
            buckets=numbers,
            rows=sum(f.rows for f in files),
            rejected=sum(f.rejected for f in files),
            files=files,
            has_speed=self._has["sog_kn"],
            has_status=self._has["nav_status"],
            columns_missing=tuple(name for name in POSITION_COLUMNS if name not in present),
            time_first=first,
            time_last=last,
        )

    def _file(self, opened: Opened, pool: ThreadPoolExecutor, rejects: Any) -> StagedFile:
        rows = rejected = ignored = outside = latin1 = 0
        # A name that is not UTF-8 is written with escapes: every output of the job names its inputs.
        name = os.fsencode(opened.path).decode("utf-8", "backslashreplace")
        with reading(opened, self._texts, pool) as source:
            for chunk in source.chunks:
                taken = self._take(chunk)
                rows += taken
                outside += chunk.rows - taken
                rejected += chunk.rows_lost
                ignored += sum(not r.row_lost for r in chunk.rejects)
                latin1 += chunk.latin1_fields
                # What could not be read is anybody's text; opened in a spreadsheet it must stay text.
                rejects.writerows(
                    (inert(name), r.record, r.line or "", inert(r.column), inert(r.value), inert(r.reason))
                    for r in chunk.rejects
                )
                self._note(name, chunk.rejects)
                if self._progress is not None:
                    self._progress(name, chunk.bytes_done, opened.size_bytes)
            digest = source.sha256()
        return StagedFile(name, opened.size_bytes, digest, opened.format, rows, rejected, ignored, outside, latin1)

    def _take(self, chunk: Chunk) -> int:
        columns, rows = chunk.columns, chunk.rows
        start, end = self._window
        if rows and (start is not None or end is not None):
            time = columns["time"]
            inside = np.ones(rows, bool)
            if start is not None:
                inside &= time >= start
            if end is not None:
                inside &= time < end
            rows = int(inside.sum())
            if rows < chunk.rows:
                columns = {name: values[inside] for name, values in columns.items()}
        if not rows:
            return 0
        low, high = int(columns["time"].min()), int(columns["time"].max())
        self._times = (low, high) if self._times is None else (min(low, self._times[0]), max(high, self._times[1]))
        if not self._has["sog_kn"]:
            self._has["sog_kn"] = not bool(np.isnan(columns["sog_kn"]).all())
        if not self._has["nav_status"]:
            self._has["nav_status"] = bool((columns["nav_status"] >= 0).any())
        self._writer.append(columns)
        return rows

    def _note(self, name: str, rejects: Sequence[Reject]) -> None:
        """Keep the first faults, for the case that no row is left."""
        for r in rejects[: _SHOWN_FAULTS - len(self._faults)]:
            place = f"{name} record {r.record}" + (f", line {r.line}" if r.line else "")
            where = place + (f", column {r.column}" if r.column else "")
            self._faults.append(
                Fault(where, f"{r.value!r}: {r.reason}", "Correct it, or name the right format or columns")
            )

    def _require_rows(self, files: Sequence[StagedFile]) -> None:
        if self._times is not None:
            return
        outside = sum(f.rows_outside_window for f in files)
        rejected = sum(f.rejected for f in files)
        if outside:
            raise DataError(
                f"No position lies in the period asked for; all {outside} that could be read lie outside it. "
                "Give --from and --to in UTC, inside the time the files cover.",
                self._faults,
            )
        raise DataError(
            f"not one position could be read; {rejected} records were rejected, the first of them:", self._faults
        )


def _identify_all(paths: Sequence[Path], format: str, columns: Mapping[str, str] | None) -> list[Opened]:
    """Identify every file before reading any; all unreadable files are reported at once."""
    opened: list[Opened] = []
    errors: list[tuple[Path, InputError]] = []
    for path in paths:
        try:
            opened.append(identify(path, format, columns))
        except InputError as error:
            errors.append((path, error))
    if len(errors) == 1:
        raise errors[0][1]
    if errors:
        faults = [Fault(str(p), str(e).removeprefix(f"{p}: "), "Correct or leave out this file") for p, e in errors]
        raise DataError(f"{len(errors)} of {len(paths)} files cannot be read", faults)
    return opened


def _microseconds(time: datetime | None) -> int | None:
    if time is None:
        return None
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH) // timedelta(microseconds=1)


def _buffered_rows(memory_limit: str) -> int:
    """Rows to hold back: a fifth of the limit at about 200 bytes a row, buffers and Parquet pages counted."""
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
    text = memory_limit.strip().upper()
    number = text.rstrip("KMGIB ")
    unit = text[len(number) :].strip()
    if unit not in units or not re.fullmatch(r"[0-9]+(\.[0-9]*)?", number):
        raise InputError(f"memory_limit {memory_limit!r} is not a size. Write it like 512MB or 2GiB.")
    return int(max(1 << 16, min(1 << 20, float(number) * units[unit] / 1000)))


def _signature(
    opened: Sequence[Opened], columns: Mapping[str, str] | None, window: tuple[int | None, int | None]
) -> str:
    """A digest of the inputs (path, size, time of change, first megabyte) and settings that make a staging."""
    digest = hashlib.sha256()
    for item in opened:
        status = item.path.stat()
        digest.update(repr((str(item.path.resolve()), status.st_size, status.st_mtime_ns, item.format)).encode())
        with item.path.open("rb") as handle:
            digest.update(handle.read(1 << 20))
    digest.update(repr((_VERSION, sorted((columns or {}).items()), window, list(COLUMN_DTYPES))).encode())
    return digest.hexdigest()


def _to_json(staged: Staged, signature: str) -> dict[str, Any]:
    fields = asdict(staged)
    del fields["folder"]
    fields["time_first"], fields["time_last"] = staged.time_first.isoformat(), staged.time_last.isoformat()
    return {"version": _VERSION, "signature": signature, "staged": fields}


def _check_target(out_dir: Path) -> None:
    if out_dir.exists() and not out_dir.is_dir():
        raise InputError(f"{out_dir}: expected a folder to stage into, found a file. Name another folder.")
    if out_dir.is_dir() and any(out_dir.iterdir()) and not (out_dir / _MANIFEST).exists():
        raise InputError(f"{out_dir}: holds files that are no staging of Sealane. Name an empty or new folder.")
