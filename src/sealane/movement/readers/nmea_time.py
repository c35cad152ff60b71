"""Times as receivers write them beside AIS sentences, read from raw bytes.

Understood are Unix seconds (with or without a fraction), Unix milliseconds, and ISO 8601 dates with a time of day
(``T`` or a blank between them, fraction, ``Z`` or an offset; without an offset the time is UTC, as receivers log it).
A day-first or month-first date is ambiguous and therefore not read.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sealane.movement.compiled import njit

Bytes = npt.NDArray[np.uint8]

NO_TIME: int = -(2**63)

# The first edition of ITU-R M.1371, which defines AIS, is of November 1998: no AIS report is older than that year. The
# bound keeps counters, station numbers and eight-digit dates from being taken for Unix seconds.
_FIRST_US: int = 883_612_800_000_000  # 1998-01-01T00:00:00Z
_LAST_US: int = 4_102_444_800_000_000  # 2100-01-01T00:00:00Z
_MILLISECONDS_FROM: int = 100_000_000_000  # as seconds this is the year 5138, as milliseconds 1973
_DAYS_BEFORE_MONTH = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], dtype=np.int64)
_DAYS_IN_MONTH = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], dtype=np.int64)


@njit(cache=True)
def byte(buf: Bytes, i: int) -> np.int64:
    """Byte `i` as a signed integer: differences of unsigned bytes would wrap."""
    return np.int64(buf[i])


@njit(cache=True)
def digits(buf: Bytes, start: int, count: int, end: int) -> int:
    """Value of exactly `count` decimal digits at `start`, or -1 where they do not stand there."""
    if start + count > end:
        return -1
    value = 0
    for i in range(start, start + count):
        digit = byte(buf, i) - 48
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@njit(cache=True)
def _fraction_us(buf: Bytes, start: int, end: int) -> tuple[int, int]:
    """Microseconds of the decimal digits at `start` (finer digits are cut) and the place after them."""
    value = 0
    scale = np.int64(100_000)
    i = start
    while i < end and 48 <= buf[i] <= 57:
        value += (byte(buf, i) - 48) * scale
        scale //= 10
        i += 1
    return value, i


@njit(cache=True)
def _closes(buf: Bytes, i: int, end: int) -> bool:
    """Whether a time may end at `i`: the end, or a separator, quote or bracket (,;|"'])! blank, tab, backslash)."""
    if i >= end:
        return True
    c = buf[i]
    return c == 44 or c == 59 or c == 124 or c == 34 or c == 39 or c == 93 or c == 41 or c == 33 or c <= 32 or c == 92


@njit(cache=True)
def unix_time_us(buf: Bytes, start: int, end: int) -> int:
    """Unix seconds or milliseconds at `start`, in microseconds; NO_TIME where there is none or it is impossible."""
    value = 0
    i = start
    while i < end and i - start <= 14 and 48 <= buf[i] <= 57:
        value = value * 10 + (byte(buf, i) - 48)
        i += 1
    if i - start < 9 or i - start > 13:
        return NO_TIME
    fraction = 0
    if i < end and buf[i] == 46:
        fraction, i = _fraction_us(buf, i + 1, end)
    if not _closes(buf, i, end):
        return NO_TIME
    if value >= _MILLISECONDS_FROM:
        time_us = value * 1_000 + fraction // 1_000
    else:
        time_us = value * 1_000_000 + fraction
    if time_us < _FIRST_US or time_us >= _LAST_US:
        return NO_TIME
    return time_us


@njit(cache=True)
def _midnight_us(year: int, month: int, day: int) -> int:
    """Microseconds from 1970-01-01 to the given day; NO_TIME for a day that does not exist."""
    if year < 1998 or year > 2100 or month < 1 or month > 12 or day < 1:
        return NO_TIME
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = _DAYS_IN_MONTH[month - 1] + (1 if leap and month == 2 else 0)
    if day > last:
        return NO_TIME
    before = year - 1
    leap_days = before // 4 - before // 100 + before // 400 - 477  # 477 leap days stand before 1970
    days = 365 * (year - 1970) + leap_days + _DAYS_BEFORE_MONTH[month - 1] + day - 1
    if leap and month > 2:
        days += 1
    return days * 86_400_000_000


@njit(cache=True)
def iso_time_us(buf: Bytes, start: int, end: int) -> int:
    """ISO 8601 date and time at `start`, in microseconds UTC; NO_TIME where there is none or it is impossible."""
    year = digits(buf, start, 4, end)
    if year < 0 or start + 15 > end:
        return NO_TIME
    wide = buf[start + 4] == 45 or buf[start + 4] == 47  # 2020-06-30 or 2020/06/30, else 20200630
    gap = 1 if wide else 0
    month_at = start + 4 + gap
    day_at = month_at + 2 + gap
    if wide and buf[day_at - 1] != buf[start + 4]:
        return NO_TIME
    midnight = _midnight_us(year, digits(buf, month_at, 2, end), digits(buf, day_at, 2, end))
    i = day_at + 2
    if midnight == NO_TIME or i >= end or (buf[i] != 84 and buf[i] != 116 and (buf[i] != 32 or not wide)):
        return NO_TIME
    i += 1
    hour = digits(buf, i, 2, end)
    colon = 1 if i + 2 < end and buf[i + 2] == 58 else 0
    minute = digits(buf, i + 2 + colon, 2, end)
    if colon == 1 and (i + 5 >= end or buf[i + 5] != 58):
        return NO_TIME
    second = digits(buf, i + 4 + 2 * colon, 2, end)
    if hour < 0 or hour > 23 or minute < 0 or minute > 59 or second < 0 or second > 60:
        return NO_TIME
    i += 6 + 2 * colon
    time_us = midnight + (hour * 3_600 + minute * 60 + second) * 1_000_000
    if i < end and buf[i] == 46:
        fraction, i = _fraction_us(buf, i + 1, end)
        time_us += fraction
    elif i < end and buf[i] == 44:
        # ISO 8601 allows a decimal comma, but a comma also ends a column: only full milli- or microseconds are taken.
        fraction, after = _fraction_us(buf, i + 1, end)
        if after - i == 4 or after - i == 7:
            time_us += fraction
            i = after
    if i < end and (buf[i] == 90 or buf[i] == 122):
        i += 1
    elif i < end and (buf[i] == 43 or buf[i] == 45):
        sign = 1 if buf[i] == 43 else -1
        colon = 1 if i + 3 < end and buf[i + 3] == 58 else 0
        hours = digits(buf, i + 1, 2, end)
        minutes = digits(buf, i + 3 + colon, 2, end)
        if hours < 0 or hours > 14 or minutes < 0 or minutes > 59:
            return NO_TIME
        time_us -= sign * (hours * 3_600 + minutes * 60) * 1_000_000
        i += 5 + colon
    if not _closes(buf, i, end) or time_us < _FIRST_US or time_us >= _LAST_US:
        return NO_TIME
    return time_us


@njit(cache=True)
def first_time_us(buf: Bytes, start: int, end: int) -> int:
    """Time that opens `buf[start:end]`, after blanks, quotes and brackets; NO_TIME where there is none."""
    i = start
    while i < end and (buf[i] <= 32 or buf[i] == 34 or buf[i] == 39 or buf[i] == 91 or buf[i] == 40):
        i += 1
    time_us = unix_time_us(buf, i, end)
    if time_us == NO_TIME:
        time_us = iso_time_us(buf, i, end)
    return time_us


@njit(cache=True)
def last_time_us(buf: Bytes, start: int, end: int) -> int:
    """Time of the last of the fields in `buf[start:end]` that is one; NO_TIME where none is."""
    time_us = NO_TIME
    i = start
    while i < end:
        opens = i == start or buf[i - 1] == 44 or buf[i - 1] == 59 or buf[i - 1] <= 32
        if opens and 48 <= buf[i] <= 57:
            found = unix_time_us(buf, i, end)
            if found == NO_TIME:
                found = iso_time_us(buf, i, end)
            if found != NO_TIME:
                time_us = found
        i += 1
    return time_us
