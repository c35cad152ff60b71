"""Raw NMEA logs of AIS sentences (!AIVDM, !BSVDM, !AIVDO, ...) as position rows.

Read are messages 1, 2, 3, 5, 18, 19, 24 and 27 of ITU-R M.1371-5, plain or compressed (.gz, .zst, .zip with one file),
in bounded memory. A position's time is, in this order: ``c:`` of its tag block, a leading time, a time among the
receiver's trailing fields. A multi-part message has the time of the first of its parts that came with one. Times are
never made up: where a sentence has none it is rejected, unless the caller gives ``base_time``.

A position row carries its vessel's static data as known so far in the stream; each static report replaces the fields it
contains. A static report alone makes no row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sealane.errors import FileFormatError, InputError
from sealane.movement.compiled import njit
from sealane.movement.positions import POSITION_SCHEMA
from sealane.movement.readers import nmea_parts as parts
from sealane.movement.readers.nmea_payload import NAME_CHARS, ROW, Ints, Records, Statics, new_statics, with_room
from sealane.movement.readers.nmea_sentence import MAX_LINE, read_block
from sealane.movement.readers.nmea_time import NO_TIME, Bytes
from sealane.movement.readers.sources import Source, open_source, read_blocks

OnReject = Callable[[int, int, str, str, str], None]

BLOCK_BYTES = 1 << 20
_VERSIONS = 1 << 17
_EXPECTED = (
    "expected AIS sentences with a time, one a line, such as 1577836800,!AIVDM,1,1,,A,15RTgt0PAso;90TKcjM8h6g208CQ,0*4A"
)

# Reason code -> (column, reason with its remedy), as they stand in rejects.csv.
REASONS: dict[int, tuple[str, str]] = {
    parts.NOT_A_SENTENCE: ("sentence", "not an NMEA sentence: it has no ! or $ with a talker and a sentence type"),
    parts.LINE_TOO_LONG: ("sentence", f"line longer than {MAX_LINE} bytes; put each sentence on its own line"),
    parts.SECOND_SENTENCE: ("sentence", "second sentence on one line; put each sentence on its own line"),
    parts.FIELDS_MISSING: ("sentence", "an AIS sentence has 7 comma-separated fields, this one has not"),
    parts.BAD_PART_NUMBER: ("sentence", "number of parts must be 1-9 and the part number between 1 and it"),
    parts.NO_CHECKSUM: ("checksum", "no checksum; an AIS sentence ends with * and two hexadecimal digits"),
    parts.BAD_CHECKSUM: ("checksum", "checksum does not match the sentence: it was damaged on its way"),
    parts.TAG_NOT_CLOSED: ("tag_block", "tag block without a closing backslash"),
    parts.BAD_TAG_CHECKSUM: ("tag_block", "checksum does not match the tag block: its time cannot be trusted"),
    parts.BAD_TAG_TIME: ("time", "c: of the tag block is not a Unix time in seconds or milliseconds from 1998 to 2099"),
    parts.TIME_MISSING: (
        "time",
        "no time; give a log with tag blocks (c:), leading or trailing times, or the time of the whole log (base_time)",
    ),
    parts.TIME_UNREADABLE: (
        "time",
        "what stands before the sentence is not a time; write Unix seconds or YYYY-MM-DD HH:MM:SS (UTC), 1998 to 2099",
    ),
    parts.PAYLOAD_EMPTY: ("payload", "empty payload"),
    parts.PAYLOAD_CHARACTER: ("payload", "character outside the AIS six-bit alphabet (0-W, `-w)"),
    parts.PAYLOAD_TRUNCATED: ("payload", "truncated: fewer bits than its message type has"),
    parts.PAYLOAD_TOO_LONG: ("payload", f"part longer than {parts.MAX_PART_CHARS} characters"),
    parts.BAD_FILL_BITS: ("payload", "fill bits must be 0-5, and 0 in every part but the last"),
    parts.UNKNOWN_PART_24: ("payload", "message 24 has a part number other than A and B"),
    parts.PARTS_MISSING: ("parts", "missing parts: the other parts of this message did not come in time"),
}


@dataclass(frozen=True)
class NmeaCounts:
    """What stood in a log. Every non-blank line is a sentence, another sentence, a comment or rejected.

    Attributes
    ----------
    lines : lines of the file, blank ones included.
    sentences : AIS sentences (VDM, VDO), rejected ones included.
    positions : position reports, each a row.
    static_reports : static reports (messages 5 and 24).
    other_type : messages of types that are not read (4, 21, ...).
    other_sentences : sentences that are not AIS ($GPGGA, ...).
    comments : lines that begin with #.
    rejected : calls of ``on_reject``.
    """

    lines: int
    sentences: int
    positions: int
    static_reports: int
    other_type: int
    other_sentences: int
    comments: int
    rejected: int


def read(
    path: Path,
    *,
    on_reject: OnReject,
    base_time: datetime | None = None,
    batch_rows: int = 250_000,
    on_counts: Callable[[NmeaCounts], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Read an NMEA log as batches of position rows, in the order of the log.

    Parameters
    ----------
    path : Path
        The log; .gz, .zst and .zip (with one file in it) are told by their first bytes.
    on_reject : callable
        Called as ``on_reject(record, line, column, value, reason)`` for everything that could not be read. `record`
        counts the non-blank lines, `line` all lines, both from 1; for a message of several parts they are those of
        its part that came first.
    base_time : datetime, optional
        Time, with its zone, of sentences that carry none: for a log of one moment.
    batch_rows : int
        Most rows of a batch.
    on_counts : callable, optional
        Called once at the end with the `NmeaCounts` of the log.

    Yields
    ------
    pyarrow.RecordBatch
        Rows in ``POSITION_SCHEMA``. Coordinates are rounded to 1e-6 degree, finer than they are sent. Null stands for a
        speed that is not available (102.3 kn), for class B's navigational status and for static data not yet known; the
        class is null in message 27 of a vessel that sent no static report.

    Raises
    ------
    InputError
        A `base_time` without a zone.
    FileFormatError
        There is no such file, it is empty, holds no AIS sentence, or its compression is broken or a bomb.

    References
    ----------
    ITU-R M.1371-5 (2014), annex 8; IEC 61162-1; NMEA 0183 version 4.10 (tag blocks).
    """
    if batch_rows < 1:
        raise InputError(f"batch_rows: found {batch_rows}. Give 1 or more.")
    base_us = NO_TIME
    if base_time is not None:
        if base_time.tzinfo is None:
            raise InputError(f"base_time: {base_time} has no zone. Give it with one, e.g. in UTC.")
        base_us = (base_time - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    with open_source(path) as source:
        yield from _batches(path, _blocks(source), on_reject, base_us, batch_rows, on_counts)


def read_source(source: Source, *, on_reject: OnReject, batch_rows: int = 250_000) -> Iterator[pa.RecordBatch]:
    """Read a log that is open already; see `read`."""
    yield from _batches(source.path, _blocks(source), on_reject, NO_TIME, batch_rows, None)


def _batches(
    path: Path,
    blocks: Iterator[tuple[bytes, bool]],
    on_reject: OnReject,
    base_us: int,
    batch_rows: int,
    on_counts: Callable[[NmeaCounts], None] | None,
) -> Iterator[pa.RecordBatch]:
    state = np.zeros(parts.STATE_SIZE, np.int64)
    pending = parts.new_pending()
    rejects = parts.new_rejects()
    scratch = np.zeros(parts.MAX_PARTS * parts.MAX_PART_CHARS, np.uint8)
    rows, statics = np.empty(batch_rows, ROW), new_statics(_VERSIONS)
    carry = b""
    first = True
    for fresh, final in blocks:
        block = np.frombuffer(carry + fresh, np.uint8)
        at = 0
        while True:
            used = read_block(block[at:], final, base_us, state, pending, rejects, scratch, rows, *statics)
            at += used
            strange = state[parts.SENTENCES] + state[parts.OTHER_SENTENCES] == 0
            if first and strange and (at == len(block) or state[parts.FAULTS] > 0):
                raise FileFormatError(f"{path}: {_EXPECTED}; found {_shown(bytes(block[:60]), 60)}.")
            first = False
            _report(state, rejects, on_reject)
            full = state[parts.ROWS] == batch_rows
            if full or state[parts.VERSIONS] + 1 >= len(statics.versions):
                if state[parts.ROWS]:
                    yield _batch(rows[: state[parts.ROWS]], statics)
                state[parts.ROWS] = 0
                statics, state[parts.VERSIONS] = with_room(statics, state[parts.VERSIONS], _VERSIONS // 2)
            elif used == 0 or at == len(block):
                break
        carry = block[at:].tobytes()
    parts.expire_all(state, pending, rejects)
    _report(state, rejects, on_reject)
    if state[parts.SENTENCES] == 0:
        raise FileFormatError(f"{path}: {_EXPECTED}; found {state[parts.LINE]} lines without any AIS sentence.")
    if state[parts.ROWS]:
        yield _batch(rows[: state[parts.ROWS]], statics)
    if on_counts is not None:
        places = (parts.LINE, *range(parts.SENTENCES, parts.REJECTED + 1))
        on_counts(NmeaCounts(*(int(state[place]) for place in places)))


def _report(state: Ints, rejects: parts.Rejects, on_reject: OnReject) -> None:
    """Hand the rejects over and empty their table."""
    faults, values = rejects
    for i in range(int(state[parts.FAULTS])):
        record, line, code, chars = faults[i].item()
        column, reason = REASONS[code]
        on_reject(record, line, column, _shown(values[i, : min(chars, parts.MAX_VALUE)].tobytes(), chars), reason)
    state[parts.FAULTS] = 0


def _shown(value: bytes, chars: int) -> str:
    """Bytes as text that can be printed: other bytes than printable ASCII as \\x.., cut values with their length."""
    text = "".join(chr(c) if 32 <= c < 127 else f"\\x{c:02x}" for c in value)
    return text if chars <= len(value) else f"{text}... ({chars} bytes)"


def _batch(rows: Records, statics: Statics) -> pa.RecordBatch:
    """Rows and the static versions they refer to as one Arrow batch."""
    version = rows["version"].copy()
    unknown = version < 0
    known = statics.versions[np.where(unknown, 0, version)]

    def whole(values: npt.NDArray[Any], missing: npt.NDArray[np.bool_]) -> pa.Array:
        return pa.array(values, mask=missing)

    def measure(values: npt.NDArray[np.float64]) -> pa.Array:
        return pa.array(np.where(unknown, np.nan, values), from_pandas=True)

    status, kind = rows["nav_status"].astype(np.int8), rows["transceiver_class"].astype(np.int8)
    imo, ais_type = known["imo"].copy(), known["ais_type"].copy()
    columns = {
        "mmsi": pa.array(rows["mmsi"].copy()),
        "time": pa.array(rows["time_us"].copy()).cast(POSITION_SCHEMA.field("time").type),
        "lat": pa.array(rows["lat"].copy()),
        "lon": pa.array(rows["lon"].copy()),
        "sog_kn": pa.array(rows["sog_kn"].copy(), from_pandas=True),
        "cog_deg": pa.array(rows["cog_deg"].copy()),
        "heading_deg": pa.array(rows["heading_deg"].copy(), from_pandas=True),
        "nav_status": whole(status, status < 0),
        "draught_m": measure(known["draught_m"]),
        "transceiver_class": pa.array(["A", "B"]).take(pa.array(kind, mask=kind < 0)),
        "imo": whole(imo, unknown | (imo == 0)),
        "vessel_name": _strings(version, statics.text, 0, statics.versions["name_chars"]),
        "call_sign": _strings(version, statics.text, NAME_CHARS, statics.versions["call_sign_chars"]),
        "ais_type": whole(ais_type, unknown | (ais_type < 0)),
        "length_m": measure(known["length_m"]),
        "beam_m": measure(known["beam_m"]),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in POSITION_SCHEMA.names], schema=POSITION_SCHEMA)


def _strings(version: npt.NDArray[np.int32], text: Bytes, at: int, chars: npt.NDArray[np.int16]) -> pa.Array:
    """Text of each row's version as an Arrow array; null where it is empty or there is no version."""
    offsets, data, valid = _string_buffers(version, text, at, np.ascontiguousarray(chars))
    buffers = [pa.py_buffer(np.packbits(valid, bitorder="little")), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(version), buffers)


@njit(cache=True)
def _string_buffers(
    version: npt.NDArray[np.int32], text: Bytes, at: int, chars: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.int32], Bytes, npt.NDArray[np.bool_]]:
    n = len(version)
    offsets = np.zeros(n + 1, np.int32)
    valid = np.zeros(n, np.bool_)
    for i in range(n):
        size = np.int64(chars[version[i]]) if version[i] >= 0 else 0
        valid[i] = size > 0
        offsets[i + 1] = offsets[i] + size
    data = np.empty(offsets[n], np.uint8)
    for i in range(n):
        for k in range(offsets[i + 1] - offsets[i]):
            data[offsets[i] + k] = text[version[i], at + k]
    return offsets, data, valid


def _blocks(source: Source) -> Iterator[tuple[bytes, bool]]:
    """Uncompressed blocks of the log, and whether each is the last; the last may be empty."""
    blocks = read_blocks(source, BLOCK_BYTES)
    block = next(blocks, b"")
    if not block:
        raise FileFormatError(f"{source.path}: {_EXPECTED}; found an empty file.")
    if block[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileFormatError(f"{source.path}: {_EXPECTED}; found UTF-16 text. Save it as ASCII or UTF-8.")
    block = block.removeprefix(b"\xef\xbb\xbf")
    for following in blocks:
        yield block, False
        block = following
    yield block, True
