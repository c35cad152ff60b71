"""Find the records and fields of delimited text and turn them into numbers, in compiled code.

One pass over a block of bytes finds record and field borders (RFC 4180 quoting, LF or CRLF), reads numbers and
times, and gives every distinct text of a column a code. What the fast path cannot read is listed with its place and
left to :mod:`sealane.movement.readers.fields`, which decides and words the reason. Decimal numbers of up to 2**53
with at most 22 decimals are converted by one exact division and are therefore the nearest double (Clinger 1990,
"How to read floating point numbers accurately").
"""

from __future__ import annotations

import numpy as np

from sealane.movement.compiled import njit
from sealane.movement.readers.fields import TIME_END_US, TIME_FIRST_US

# What a column holds; SKIP columns are only counted.
SKIP, MMSI, TIME, NUMBER, TEXT = 0, 1, 2, 3, 4
# How times are written.
ISO_TIME, DAY_FIRST_TIME, UNIX_TIME = 0, 1, 2
# What is wrong with a whole record.
RECORD_OK, TOO_FEW, TOO_MANY, UNCLOSED_QUOTE, TEXT_AFTER_QUOTE, TOO_LONG = 0, 1, 2, 3, 4, 5
# The longest record in bytes. An AIS row has about a hundred; a row of a megabyte is a damaged or hostile file.
MAX_RECORD_BYTES = 1 << 20

NO_TIME = np.iinfo(np.int64).min
_POWERS = 10.0 ** np.arange(23)
_EXACT = 1 << 53
_MAX_DIGITS = 18
# Start and size of a text in one number.
SIZE_BITS = 22
SIZE_MASK = (1 << SIZE_BITS) - 1


@njit(nogil=True, cache=True)
def days_from_civil(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, "chrono-compatible date algorithms")."""
    shifted = year - 1 if month <= 2 else year
    era = shifted // 400
    year_of_era = shifted - era * 400
    day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719468


@njit(nogil=True, cache=True)
def _digits(buf: np.ndarray, at: int, count: int) -> int:
    value = 0
    for i in range(at, at + count):
        digit = int(buf[i]) - 48
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@njit(nogil=True, cache=True)
def _month_days(year: int, month: int) -> int:
    if month == 2:
        leap = (year % 4 == 0 and year % 100 != 0) or year % 400 == 0
        return 29 if leap else 28
    return 30 if month in (4, 6, 9, 11) else 31


@njit(nogil=True, cache=True)
def _in_years(time_us: int) -> int:
    return time_us if TIME_FIRST_US <= time_us < TIME_END_US else NO_TIME


@njit(nogil=True, cache=True)
def parse_time(buf: np.ndarray, start: int, end: int, kind: int) -> int:
    """Microseconds since 1970 of a UTC time, or NO_TIME where the plain form does not fit."""
    size = end - start
    if kind == UNIX_TIME:
        whole = _digits(buf, start, size) if 9 <= size <= 13 else -1
        if whole < 0 or size == 12:
            return NO_TIME
        return _in_years(whole * 1000 if size == 13 else whole * 1_000_000)
    if size < 19:
        return NO_TIME
    if kind == ISO_TIME:
        separators = buf[start + 4] == 45 and buf[start + 7] == 45 and (buf[start + 10] in (84, 32))
        year, month, day = _digits(buf, start, 4), _digits(buf, start + 5, 2), _digits(buf, start + 8, 2)
    else:
        separators = buf[start + 2] == 47 and buf[start + 5] == 47 and buf[start + 10] == 32
        day, month, year = _digits(buf, start, 2), _digits(buf, start + 3, 2), _digits(buf, start + 6, 4)
    hour, minute, second = _digits(buf, start + 11, 2), _digits(buf, start + 14, 2), _digits(buf, start + 17, 2)
    if not separators or buf[start + 13] != 58 or buf[start + 16] != 58 or year < 1 or month < 1 or month > 12:
        return NO_TIME
    if day < 1 or day > _month_days(year, month) or hour < 0 or hour > 23 or minute < 0 or minute > 59:
        return NO_TIME
    if second < 0 or second > 59:
        return NO_TIME
    at, micros = start + 19, 0
    if at < end and buf[at] == 46:
        at += 1
        unit = 100_000
        if at == end:
            return NO_TIME
        while at < end and unit > 0 and 48 <= buf[at] <= 57:
            micros += (int(buf[at]) - 48) * unit
            unit //= 10
            at += 1
    if at < end and buf[at] == 90:
        at += 1
    if at != end:
        return NO_TIME
    seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
    return _in_years(seconds * 1_000_000 + micros)


@njit(nogil=True, cache=True)
def parse_number(buf: np.ndarray, start: int, end: int, decimal: int) -> tuple[bool, float]:
    """A plain decimal number, or (False, nan) where it takes more than one exact division."""
    at, negative = start, False
    if at < end and (buf[at] in (45, 43)):
        negative = buf[at] == 45
        at += 1
    mantissa, digits, decimals, point = 0, 0, 0, False
    while at < end:
        byte = buf[at]
        if 48 <= byte <= 57:
            mantissa = mantissa * 10 + (int(byte) - 48)
            digits += 1
            if point:
                decimals += 1
            if digits > _MAX_DIGITS:
                return False, np.nan
        elif (byte in (46, decimal)) and not point:
            point = True
        else:
            return False, np.nan
        at += 1
    if digits == 0 or mantissa > _EXACT:
        return False, np.nan
    value = np.float64(mantissa) / _POWERS[decimals]
    return True, -value if negative else value


@njit(nogil=True, cache=True)
def intern(
    buf: np.ndarray,
    spans: np.ndarray,
    slots: np.ndarray,
    arena: np.ndarray,
    used: int,
    texts: np.ndarray,
    count: int,
    codes: np.ndarray,
) -> tuple[int, int]:
    """Give each text of a column the code of its first appearance.

    One call does a whole column: a call for each field would count references to its arrays for longer than it works.

    Parameters
    ----------
    spans : (rows,) where each field stands in `buf`, start << SIZE_BITS | size; -1 where empty.
    slots : (2**n, 2) int64 hash table of (code, span in the arena), free places -1; with room for `rows` more texts.
    arena, used : bytes of the texts met so far, and how many.
    texts, count : (capacity,) span in the arena of each code, and how many codes there are.
    codes : (rows,) int32, filled; -1 where empty.

    Returns
    -------
    (used, count) counted on.
    """
    mask = np.uint64(slots.shape[0] - 1)
    for row in range(spans.size):
        span = spans[row]
        if span < 0:
            codes[row] = -1
            continue
        start, size = span >> SIZE_BITS, span & SIZE_MASK
        key = np.uint64(14695981039346656037)
        for i in range(start, start + size):
            key = (key ^ np.uint64(buf[i])) * np.uint64(1099511628211)
        place = (key ^ (key >> np.uint64(29))) & mask
        while True:
            code = slots[place, 0]
            if code < 0:
                slots[place, 0] = code = count
                slots[place, 1] = texts[count] = (used << SIZE_BITS) | size
                for i in range(size):
                    arena[used + i] = buf[start + i]
                used += size
                count += 1
                break
            known = slots[place, 1]
            if (known & SIZE_MASK) == size:
                first = known >> SIZE_BITS
                i = 0
                while i < size and arena[first + i] == buf[start + i]:
                    i += 1
                if i == size:
                    break
            place = (place + np.uint64(1)) & mask
        codes[row] = code
    return used, count


@njit(nogil=True, cache=True)
def scan(
    buf: np.ndarray,
    final: bool,
    delimiter: int,
    decimal: int,
    kinds: np.ndarray,
    slot_of: np.ndarray,
    parse: bool,
    time_kind: int,
    mmsi: np.ndarray,
    time_us: np.ndarray,
    numbers: np.ndarray,
    spans: np.ndarray,
    records: np.ndarray,
    unread: np.ndarray,
    limit: int,
) -> tuple[int, int, int, int]:
    """Scan the records of one block.

    Parameters
    ----------
    buf : bytes that start at a record.
    final : True where no further bytes follow; else a record without its end is left.
    kinds, slot_of : for each column of the file its kind and its row in the output of that kind.
    parse : False only finds borders (used to cut blocks).
    mmsi, time_us : (rows,) int64; -1 and NO_TIME where unread.
    numbers : (k, rows) float64, nan where empty.
    spans : (t, rows) int64, start << SIZE_BITS | size of each text; -1 where empty.
    records : (rows, 5) int64: start, end, line (from 0), what is wrong, number of fields.
    unread : (n, 4) int64: row, column, start, size of each field that the fast path could not read.
    limit : records to read at most.

    Returns
    -------
    (records found, fields listed in ``unread``, bytes consumed, physical lines consumed)
    """
    n = buf.size
    columns = kinds.size
    p = 0
    row = 0
    line = 0
    faults = 0
    while p < n and row < limit:
        if buf[p] == 10:
            p += 1
            line += 1
            continue
        if buf[p] == 13 and (p + 1 == n or buf[p + 1] == 10):
            if p + 1 == n and not final:
                break
            p += 2
            line += 1
            continue
        start, start_line, start_faults = p, line, faults
        column, wrong, first_newline = 0, RECORD_OK, -1
        incomplete = False
        if parse:
            mmsi[row] = -1
            time_us[row] = NO_TIME
        while True:
            field, escaped = p, False
            if p < n and buf[p] == 34:
                p += 1
                field = p
                closed = False
                while p < n and p - start <= MAX_RECORD_BYTES:
                    byte = buf[p]
                    if byte == 34:
                        if p + 1 < n and buf[p + 1] == 34:
                            escaped = True
                            p += 2
                            continue
                        closed = p + 1 < n or final
                        break
                    if byte == 10:
                        if first_newline < 0:
                            first_newline = p
                        line += 1
                    p += 1
                if not closed:
                    if p - start > MAX_RECORD_BYTES:
                        wrong = UNCLOSED_QUOTE if first_newline >= 0 else TOO_LONG
                    elif final:
                        wrong = UNCLOSED_QUOTE
                    else:
                        incomplete = True
                    break
                end = p
                p += 1
                if p < n and buf[p] == 13:
                    p += 1
                if p < n and buf[p] != delimiter and buf[p] != 10:
                    wrong = TEXT_AFTER_QUOTE
                    break
                if escaped:
                    field -= 1
                    end += 1
            else:
                while p < n and buf[p] != delimiter and buf[p] != 10:
                    p += 1
                end = p
                if end > field and buf[end - 1] == 13 and (p == n or buf[p] == 10):
                    end -= 1
            if p >= n and not final:
                if p - start > MAX_RECORD_BYTES:
                    wrong = TOO_LONG
                else:
                    incomplete = True
                break
            if parse and column < columns and kinds[column] != SKIP:
                while field < end and buf[field] == 32:
                    field += 1
                while end > field and buf[end - 1] == 32:
                    end -= 1
                kind, slot = kinds[column], slot_of[column]
                read = True
                if kind == TEXT:
                    spans[slot, row] = -1 if end == field else (field << SIZE_BITS) | (end - field)
                elif kind == NUMBER:
                    if end == field:
                        numbers[slot, row] = np.nan
                    else:
                        read, value = parse_number(buf, field, end, decimal)
                        numbers[slot, row] = value
                elif kind == MMSI:
                    value_int = _digits(buf, field, end - field) if 0 < end - field <= 9 else -1
                    mmsi[row] = value_int
                    read = value_int >= 0
                else:
                    time_us[row] = parse_time(buf, field, end, time_kind)
                    read = time_us[row] != NO_TIME
                if not read and faults < unread.shape[0]:
                    unread[faults, 0] = row
                    unread[faults, 1] = column
                    unread[faults, 2] = field
                    unread[faults, 3] = end - field
                    faults += 1
            column += 1
            if p < n and buf[p] == delimiter:
                p += 1
                continue
            break
        if incomplete:
            p, line, faults = start, start_line, start_faults
            break
        if wrong == RECORD_OK and column != columns:
            wrong = TOO_FEW if column < columns else TOO_MANY
        if wrong == RECORD_OK and p - start > MAX_RECORD_BYTES:
            wrong = TOO_LONG
        if wrong != RECORD_OK and wrong != TOO_LONG:
            # One stray quote must not swallow the rows after it: only the first physical line is given up.
            faults = start_faults
            # What is wrong must not depend on how far the block reaches beyond that line.
            if first_newline >= 0:
                p = first_newline
                line = start_line
                wrong = UNCLOSED_QUOTE
            else:
                while p < n and buf[p] != 10:
                    p += 1
                if p >= n and not final and p - start <= MAX_RECORD_BYTES:
                    p, line = start, start_line
                    break
        records[row, 0] = start
        records[row, 1] = min(p, n)
        records[row, 2] = start_line
        records[row, 3] = wrong
        records[row, 4] = column
        row += 1
        if wrong == TOO_LONG:
            break
        p = min(p + 1, n)
        line += 1
    return row, faults, p, line


@njit(nogil=True, cache=True)
def count_lines(buf: np.ndarray) -> int:
    """Line feeds in `buf`."""
    count = 0
    for i in range(buf.size):
        count += buf[i] == 10
    return count


@njit(nogil=True, cache=True)
def record_border(buf: np.ndarray, delimiter: int, kinds: np.ndarray) -> int:
    """Where the last whole record of a block ends, for a block that is not the last.

    Lines without a quote are records; where a quote stands the records are scanned, by the code that reads them.
    """
    ints, floats, marks = np.empty(1, np.int64), np.empty((1, 1), np.float64), np.empty((1, 1), np.int64)
    record, unread = np.empty((1, 5), np.int64), np.empty((1, 4), np.int64)
    n = buf.size
    border = 0
    while border < n:
        quote = border
        while quote < n and buf[quote] != 34:
            quote += 1
        line = quote
        while line > border and buf[line - 1] != 10:
            line -= 1
        border = line
        if quote == n:
            break
        found, _, used, _ = scan(
            buf[line:], False, delimiter, 46, kinds, kinds, False, 0, ints, ints, floats, marks, record, unread, 1
        )
        border += used
        if found == 0:
            break
    return border
