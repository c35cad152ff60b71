"""Read delimited text of any size: cut into blocks at record borders, scanned in threads, yielded in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from sealane.errors import FileFormatError
from sealane.movement.readers import scan as sc
from sealane.movement.readers.chunks import COLUMN_DTYPES, Chunk, Columns, Reject, TextPool, null_column, shorten
from sealane.movement.readers.fields import ESSENTIAL, NUMBERS, STRINGS, FieldError, Value, parsers
from sealane.movement.readers.layout import Layout
from sealane.movement.readers.sources import Source, read_blocks

BLOCK_BYTES = 2 << 20
ARENA_BYTES = 8 << 20
_TIME_KINDS = {"iso": sc.ISO_TIME, "day_first": sc.DAY_FIRST_TIME, "unix": sc.UNIX_TIME}
_WRONG = {
    sc.UNCLOSED_QUOTE: "a quote is opened that no whole record closes",
    sc.TEXT_AFTER_QUOTE: "text after a closing quote",
}


@dataclass(frozen=True)
class _Block:
    """One scanned block; record and line numbers count from its own start."""

    columns: Columns
    rows: int
    rejects: list[Reject]
    rows_lost: int
    records: int
    lines: int
    latin1_fields: int
    too_long_line: int | None


@dataclass(frozen=True)
class _Plan:
    """What to do with each column of the file, worked out once."""

    layout: Layout
    kinds: np.ndarray
    slots: np.ndarray
    position_column: dict[int, str]
    numbers: dict[str, int]
    texts: dict[str, int]
    parse: dict[str, Callable[[str], Value]]
    decimal: int


def read(
    source: Source,
    layout: Layout,
    texts: TextPool,
    pool: ThreadPoolExecutor,
    *,
    ahead: int = 2,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Chunk]:
    """Yield the rows of `source` in order.

    Parameters
    ----------
    texts : numbers the strings.
    pool : scans blocks; the scan holds no interpreter lock.
    ahead : how many blocks may wait, which bounds memory.

    Raises
    ------
    FileFormatError
        for NUL bytes, a record of more than a megabyte, and damaged compression.
    """
    plan = _plan(layout)
    memories: SimpleQueue[_Memory] = SimpleQueue()
    for _ in range(ahead + 1):
        memories.put(_Memory(plan, texts))
    pending: deque[tuple[Future[_Block], int]] = deque()
    records, lines = 0, layout.header_lines

    def finish() -> Chunk:
        nonlocal records, lines
        future, done = pending.popleft()
        block = future.result()
        if block.too_long_line is not None:
            raise _too_long(source.path, lines + block.too_long_line + 1)
        rejects = tuple(
            Reject(r.record + records, (r.line or 0) + lines, r.column, r.value, r.reason, r.row_lost)
            for r in block.rejects
        )
        records += block.records
        lines += block.lines
        return Chunk(block.columns, block.rows, rejects, block.rows_lost, block.latin1_fields, done)

    try:
        for payload in _cut(source, layout, block_bytes):
            if payload is None:
                while pending:
                    yield finish()
                raise _too_long(source.path, lines + 1)
            pending.append((pool.submit(_scan_block, payload, plan, memories), source.bytes_done))
            while len(pending) > ahead:
                yield finish()
        while pending:
            yield finish()
    finally:
        for future, _ in pending:
            future.cancel()


def _too_long(path: Path, line: int) -> FileFormatError:
    return FileFormatError(
        f"{path} line {line}: a record of more than {sc.MAX_RECORD_BYTES} bytes; an AIS position has about a hundred."
        " The file is damaged or not a table of positions. Remove that line."
    )


def _cut(source: Source, layout: Layout, block_bytes: int) -> Iterator[bytes | None]:
    """Whole records in blocks; None where a record does not end within the limit."""
    skip = layout.header_bytes
    carry = b""
    offset = 0
    for block in read_blocks(source, block_bytes):
        nul = block.find(b"\0")
        if nul >= 0:
            raise FileFormatError(
                f"{source.path}: a NUL byte at byte {offset + nul} of the text; the file is damaged or not text."
                " Get it again, or remove the NUL bytes."
            )
        offset += len(block)
        drop = min(skip, len(block))
        skip -= drop
        carry = carry + block[drop:] if carry or drop else block
        end = carry.rfind(b"\n") + 1 if carry.find(b'"') < 0 else _border(carry, layout)
        if end:
            yield carry[:end]
            carry = carry[end:]
        if len(carry) > sc.MAX_RECORD_BYTES:
            yield None
    if carry:
        yield carry


def _border(block: bytes, layout: Layout) -> int:
    buf = np.frombuffer(block, np.uint8)
    return int(sc.record_border(buf, ord(layout.delimiter), np.zeros(len(layout.header), np.int64)))


def _plan(layout: Layout) -> _Plan:
    kinds = np.zeros(len(layout.header), np.int64)
    slots = np.zeros(len(layout.header), np.int64)
    numbers: dict[str, int] = {}
    texts: dict[str, int] = {}
    for column, index in layout.columns.items():
        if column == "mmsi":
            kinds[index] = sc.MMSI
        elif column == "time":
            kinds[index] = sc.TIME
        elif column in NUMBERS:
            kinds[index], slots[index] = sc.NUMBER, len(numbers)
            numbers[column] = len(numbers)
        else:
            kinds[index], slots[index] = sc.TEXT, len(texts)
            texts[column] = len(texts)
    decimal_comma = layout.delimiter == ";"
    return _Plan(
        layout,
        kinds,
        slots,
        {index: column for column, index in layout.columns.items()},
        numbers,
        texts,
        parsers(layout.time_kind, decimal_comma=decimal_comma),
        44 if decimal_comma else 46,
    )


def _scan_block(payload: bytes, plan: _Plan, memories: SimpleQueue[_Memory]) -> _Block:
    memory = memories.get()
    try:
        return _scan_with(memory, payload, plan)
    finally:
        memories.put(memory)


def _scan_with(memory: _Memory, payload: bytes, plan: _Plan) -> _Block:
    buf = np.frombuffer(payload, np.uint8)
    rows = sc.count_lines(buf) + 2
    memory.make_room(rows, len(payload))
    mmsi, time_us = np.empty(rows, np.int64), np.empty(rows, np.int64)
    numbers = np.empty((max(len(plan.numbers), 1), rows))
    spans = np.empty((max(len(plan.texts), 1), rows), np.int64)
    records = np.empty((rows, 5), np.int64)
    unread = np.empty((rows * len(plan.position_column), 4), np.int64)
    count, faults, _, lines = sc.scan(
        buf, True, ord(plan.layout.delimiter), plan.decimal, plan.kinds, plan.slots, True,
        _TIME_KINDS[plan.layout.time_kind], mmsi, time_us, numbers, spans, records, unread, rows,
    )  # fmt: skip
    records = records[:count]
    if count and records[-1, 3] == sc.TOO_LONG:
        return _Block({}, 0, [], 0, 0, 0, 0, int(records[-1, 2]))
    log = _RejectLog(payload, plan.layout, records)
    broken = records[:, 3] != sc.RECORD_OK
    if broken.any():
        log.broken_records()
        spans[:, :count][:, broken] = -1
    _read_slowly(payload, plan, unread[:faults], mmsi, time_us, numbers, log)
    for column in ("lat", "lon"):
        for row in np.flatnonzero(np.isnan(numbers[plan.numbers[column], :count]) & ~broken).tolist():
            log.field(row, column, "", "missing")
    columns: dict[str, np.ndarray] = {"mmsi": mmsi[:count].astype(np.int32), "time": time_us[:count]}
    for column, slot in plan.numbers.items():
        columns[column] = numbers[slot, :count]
    latin1 = 0
    for column, slot in plan.texts.items():
        codes = memory.codes(slot, buf, spans[slot, :count])
        memory.learn(column, slot, plan)
        columns[column], not_utf8 = memory.column(column, slot, codes, log)
        latin1 += not_utf8
    for column in COLUMN_DTYPES:
        if column not in columns:
            columns[column] = null_column(column, count)
    if log.lost:
        keep = np.ones(count, bool)
        keep[list(log.lost)] = False
        columns = {name: values[keep] for name, values in columns.items()}
    return _Block(columns, count - len(log.lost), log.sorted(), len(log.lost), count, lines, latin1, None)


class _Memory:
    """The distinct texts one worker has met, with what each of them means; kept from block to block."""

    def __init__(self, plan: _Plan, pool: TextPool) -> None:
        self._pool = pool
        self._columns = max(len(plan.texts), 1)
        self._allocate(1 << 14, ARENA_BYTES)

    def _allocate(self, rows: int, arena_bytes: int) -> None:
        self._capacity = 2 * rows
        self._slots = np.full((self._columns, 1 << (4 * rows - 1).bit_length(), 2), -1, np.int64)
        self._texts = np.empty((self._columns, self._capacity), np.int64)
        self._count = [0] * self._columns
        self._arena = np.empty(arena_bytes, np.uint8)
        self._used = 0
        # What each code means: a number or a code of the text pool; why it cannot be read; whether it was Latin-1.
        self._value = np.full((self._columns, self._capacity + 1), -1, np.int64)
        self._reason: list[dict[int, tuple[str, str]]] = [{} for _ in range(self._columns)]
        self._latin1: list[set[int]] = [set() for _ in range(self._columns)]
        self._learnt = [0] * self._columns

    def make_room(self, rows: int, size: int) -> None:
        """Room for a block in which every text is new; forgets all texts where there is none."""
        if max(self._count) + rows > self._capacity or self._used + size > self._arena.size:
            self._allocate(max(rows, self._capacity // 2), max(2 * size, ARENA_BYTES))

    def codes(self, slot: int, buf: np.ndarray, spans: np.ndarray) -> np.ndarray:
        """The code of each text of a column."""
        codes = np.empty(spans.size, np.int32)
        self._used, self._count[slot] = sc.intern(
            buf, spans, self._slots[slot], self._arena, self._used, self._texts[slot], self._count[slot], codes
        )
        return codes

    def learn(self, column: str, slot: int, plan: _Plan) -> None:
        """Work out what the new texts of a column mean."""
        first, end = self._learnt[slot], self._count[slot]
        if first == end:
            return
        values: list[Value] = []
        for code, span in enumerate(self._texts[slot, first:end].tolist(), start=first):
            at, size = span >> sc.SIZE_BITS, span & sc.SIZE_MASK
            text, not_utf8 = _decode(self._arena[at : at + size].tobytes())
            if not_utf8:
                self._latin1[slot].add(code)
            try:
                values.append(plan.parse[column](text))
            except FieldError as error:
                values.append(None)
                self._reason[slot][code] = (text, str(error))
        if column in STRINGS:
            self._value[slot, first:end] = self._pool.codes(v if isinstance(v, str) else None for v in values)
        else:
            self._value[slot, first:end] = [-1 if v is None else v for v in values]
        self._learnt[slot] = end

    def column(self, column: str, slot: int, codes: np.ndarray, log: _RejectLog) -> tuple[np.ndarray, int]:
        """A column from its codes (-1 takes the last place, which means null), and how many fields were Latin-1."""
        for code, (text, reason) in self._reason[slot].items():
            for row in np.flatnonzero(codes == code).tolist():
                log.field(row, column, text, reason)
        latin1 = sum(int(np.count_nonzero(codes == code)) for code in self._latin1[slot])
        return self._value[slot][codes].astype(COLUMN_DTYPES[column]), latin1


class _RejectLog:
    """Collects what is wrong in one block."""

    def __init__(self, payload: bytes, layout: Layout, records: np.ndarray) -> None:
        self._payload, self._layout, self._records = payload, layout, records
        self._found: list[tuple[int, int, Reject]] = []
        self._seen: set[tuple[int, str]] = set()
        self.lost: set[int] = set()

    def broken_records(self) -> None:
        """Records whose form is wrong as a whole."""
        for row in np.flatnonzero(self._records[:, 3]).tolist():
            start, end, line, wrong, fields = self._records[row].tolist()
            text = self._payload[start : min(end, start + 1000)].decode("utf-8", "replace").rstrip("\r\n")
            reason = _WRONG.get(wrong, f"{fields} fields where the header has {len(self._layout.header)}")
            self._add(row, -1, Reject(row + 1, line + 1, "", shorten(text), reason, row_lost=True))

    def field(self, row: int, column: str, value: str, reason: str) -> None:
        """A field that cannot be read: the row is lost where it is essential, else the field is ignored."""
        if (row, column) in self._seen:
            return
        self._seen.add((row, column))
        index = self._layout.columns[column]
        lost = column in ESSENTIAL
        worded = reason if lost else f"field ignored: {reason}"
        line = int(self._records[row, 2]) + 1
        self._add(row, index, Reject(row + 1, line, self._layout.header[index], shorten(value), worded, row_lost=lost))

    def _add(self, row: int, index: int, reject: Reject) -> None:
        self._found.append((row, index, reject))
        if reject.row_lost:
            self.lost.add(row)

    def sorted(self) -> list[Reject]:
        """All of it in the order of records and columns."""
        return [reject for _, _, reject in sorted(self._found, key=lambda item: item[:2])]


def _read_slowly(
    payload: bytes,
    plan: _Plan,
    unread: np.ndarray,
    mmsi: np.ndarray,
    time_us: np.ndarray,
    numbers: np.ndarray,
    log: _RejectLog,
) -> None:
    """Numbers and times that the compiled scan left: read them, or say why not."""
    for row, index, at, size in unread.tolist():
        column = plan.position_column[index]
        text, _ = _decode(payload[at : at + size])
        try:
            value = plan.parse[column](text)
        except FieldError as error:
            log.field(row, column, text, str(error))
            value = None
        if column == "mmsi":
            mmsi[row] = -1 if value is None else value
        elif column == "time":
            time_us[row] = 0 if value is None else value
        else:
            numbers[plan.numbers[column], row] = np.nan if value is None else value


def _decode(raw: bytes) -> tuple[str, bool]:
    """The text of a field, and whether it had to be read as Latin-1."""
    if raw[:1] == b'"' and len(raw) > 1:
        raw = raw[1:-1].replace(b'""', b'"')
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        return raw.decode("latin-1"), True
