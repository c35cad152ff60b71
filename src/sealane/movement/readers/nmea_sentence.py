"""NMEA 0183 / IEC 61162-1 lines with AIS sentences: splitting, checksums, tag blocks, times and multi-part messages.

A line is ``[time] [\\tag block*hh\\] !ttVDM,total,number,sequence,channel,payload,fill*hh [receiver's fields]``, where
``tt`` is any talker (AI, AB, BS, ...) and VDO stands for VDM in reports of the own ship.
"""

from __future__ import annotations

from sealane.movement.compiled import njit
from sealane.movement.readers.nmea_parts import (
    BAD_CHECKSUM,
    BAD_FILL_BITS,
    BAD_PART_NUMBER,
    BAD_TAG_CHECKSUM,
    BAD_TAG_TIME,
    BITS,
    COMMA,
    COMMENTS,
    END,
    FAULTS,
    FIELDS_MISSING,
    GROUP,
    IN_LONG_LINE,
    KEY,
    LINE,
    LINE_TOO_LONG,
    MAX_PART_CHARS,
    MAX_PENDING,
    NO_CHECKSUM,
    NOT_A_SENTENCE,
    NUMBER,
    OTHER_SENTENCES,
    OTHER_TYPES,
    PAYLOAD_CHARACTER,
    PAYLOAD_EMPTY,
    PAYLOAD_TOO_LONG,
    PAYLOAD_TRUNCATED,
    POSITIONS,
    RECORD,
    ROWS,
    SECOND,
    SECOND_END,
    SECOND_SENTENCE,
    SENTENCES,
    SOURCE,
    START,
    STATIC_REPORTS,
    TAG_NOT_CLOSED,
    TIME_MISSING,
    TIME_UNREADABLE,
    TIME_US,
    TOTAL,
    UNKNOWN_PART_24,
    VALUE,
    VALUE_END,
    VERSIONS,
    Pending,
    Rejects,
    reject,
    take_part,
)
from sealane.movement.readers.nmea_payload import TRUNCATED, UNKNOWN_PART, Ints, Records, decode, is_used, unarmour
from sealane.movement.readers.nmea_time import NO_TIME, Bytes, byte, first_time_us, last_time_us, unix_time_us

MAX_LINE = 2_048  # bytes; NMEA allows 82 for a sentence, logs add tag blocks and receivers' fields


@njit(cache=True)
def _hex(c: int) -> int:
    """Value of a hexadecimal digit, or -1."""
    if 48 <= c <= 57:
        return c - 48
    if 65 <= c <= 70:
        return c - 55
    if 97 <= c <= 102:
        return c - 87
    return -1


@njit(cache=True)
def _checksum_given(buf: Bytes, star: int, end: int) -> int:
    """The two hexadecimal digits after the asterisk at `star`, or -1 where they do not stand there."""
    if star + 3 > end:
        return -1
    high = _hex(byte(buf, star + 1))
    low = _hex(byte(buf, star + 2))
    return -1 if high < 0 or low < 0 else high * 16 + low


@njit(cache=True)
def _tag_block(buf: Bytes, start: int, end: int, state: Ints) -> int:
    """Read the tag block ``buf[start:end]`` (between the backslashes) into TIME_US, SOURCE and GROUP of `state`.

    Returns -1 or the reason why it cannot be trusted. The checksum is verified where there is one.
    """
    star = end
    sum_ = 0
    for i in range(start, end):
        if buf[i] == 42:
            star = i
            break
        sum_ ^= byte(buf, i)
    if star < end and _checksum_given(buf, star, end) != sum_:
        return BAD_TAG_CHECKSUM
    i = start
    while i < star:
        stop = i
        while stop < star and buf[stop] != 44:
            stop += 1
        if stop - i > 2 and buf[i + 1] == 58:
            if buf[i] == 99:  # c: time at the receiver, Unix seconds or milliseconds
                state[TIME_US] = unix_time_us(buf, i + 2, stop)
                if state[TIME_US] == NO_TIME:
                    return BAD_TAG_TIME
            elif buf[i] == 115:  # s: source station
                state[SOURCE] = 0
                for k in range(i + 2, stop):
                    state[SOURCE] = (state[SOURCE] * 1_000_003) ^ byte(buf, k)
            elif buf[i] == 103:  # g:number-total-group
                value = 0
                for k in range(i + 2, stop):
                    c = byte(buf, k)
                    value = value * 10 + c - 48 if 48 <= c <= 57 else 0
                state[GROUP] = value
        i = stop + 1
    return -1


COUNTED = -1
SENTENCE = -2


@njit(cache=True)
def _fault(state: Ints, reason: int, start: int, end: int) -> int:
    """Note where the value of a fault stands."""
    state[VALUE], state[VALUE_END] = start, end
    return reason


@njit(cache=True)
def _read_line(buf: Bytes, begin: int, end: int, state: Ints, scratch: Bytes) -> int:
    """Read a line, without its line end and outer blanks, into the present line's places of `state`.

    Returns
    -------
    int
        SENTENCE (the payload's symbols are in `scratch`), COUNTED (nothing more to do) or the reason of a fault.
    """
    state[SECOND] = -1
    # Where the sentence or its tag block begins; before it stands the leading time.
    at = begin
    while at < end and buf[at] != 33 and buf[at] != 36 and buf[at] != 92:
        at += 1
    if at == end or buf[begin] == 35:
        if buf[begin] != 35:
            return _fault(state, NOT_A_SENTENCE, begin, end)
        state[COMMENTS] += 1
        return COUNTED
    lead_end = at
    state[TIME_US] = NO_TIME
    state[SOURCE] = 0
    state[GROUP] = 0
    while at < end and buf[at] == 92:
        close = at + 1
        while close < end and buf[close] != 92:
            close += 1
        if close == end:
            return _fault(state, TAG_NOT_CLOSED, at, end)
        fault = _tag_block(buf, at + 1, close, state)
        if fault >= 0:
            return _fault(state, fault, at, close + 1)
        at = close + 1
    while at < end and buf[at] <= 32:
        at += 1
    ais = (
        at + 6 <= end
        and buf[at] == 33
        and buf[at + 3] == 86
        and buf[at + 4] == 68
        and (buf[at + 5] == 77 or buf[at + 5] == 79)
    )
    if not ais:
        named = at + 2 < end and 65 <= buf[at + 1] <= 90 and 65 <= buf[at + 2] <= 90
        if at == end or (named and (buf[at] == 36 or buf[at] == 33)):
            state[OTHER_SENTENCES] += 1
            return COUNTED
        return _fault(state, NOT_A_SENTENCE, begin, end)
    state[SENTENCES] += 1

    # One pass for the checksum and the commas.
    star = at + 1
    sum_ = 0
    commas = 0
    while star < end and buf[star] != 42:
        c = byte(buf, star)
        sum_ ^= c
        if c == 44:
            if commas < 7:
                state[COMMA + commas] = star
            commas += 1
        star += 1
    given = _checksum_given(buf, star, end) if star < end else -1
    if given < 0:
        return _fault(state, NO_CHECKSUM, at, end)
    if given != sum_:
        return _fault(state, BAD_CHECKSUM, at, star + 3)
    for i in range(star + 3, end):
        if buf[i] == 33 and i + 6 <= end and buf[i + 3] == 86 and buf[i + 4] == 68:
            state[SECOND], state[SECOND_END] = i, end
            end = i
            break
    if commas != 6:
        return _fault(state, FIELDS_MISSING, at, star + 3)
    total = byte(buf, state[COMMA] + 1) - 48
    number = byte(buf, state[COMMA + 1] + 1) - 48
    if (
        state[COMMA + 1] != state[COMMA] + 2
        or state[COMMA + 2] != state[COMMA + 1] + 2
        or total < 1
        or total > 9
        or number < 1
        or number > total
    ):
        return _fault(state, BAD_PART_NUMBER, at, star + 3)
    payload, payload_end = state[COMMA + 4] + 1, state[COMMA + 5]
    if payload == payload_end:
        return _fault(state, PAYLOAD_EMPTY, at, star + 3)
    fill = 0
    if star > state[COMMA + 5] + 1:  # an empty field means no fill bits
        fill = byte(buf, state[COMMA + 5] + 1) - 48
        if star != state[COMMA + 5] + 2 or fill < 0 or fill > 5 or (fill > 0 and number < total):
            return _fault(state, BAD_FILL_BITS, at, star + 3)
    if not unarmour(buf, payload, payload_end, scratch, 0):
        return _fault(state, PAYLOAD_CHARACTER, payload, payload_end)

    # The tag block's time is the receiver's own and comes first, then a leading, then a trailing one.
    if state[TIME_US] == NO_TIME and lead_end > begin:
        state[TIME_US] = first_time_us(buf, begin, lead_end)
    if state[TIME_US] == NO_TIME and star + 3 < end:
        state[TIME_US] = last_time_us(buf, star + 3, end)
    state[START], state[END] = at, star + 3
    state[TOTAL], state[NUMBER] = total, number
    state[BITS] = 6 * (payload_end - payload) - fill
    state[VALUE], state[VALUE_END] = payload, payload_end
    if total > 1:
        if payload_end - payload > MAX_PART_CHARS:
            return _fault(state, PAYLOAD_TOO_LONG, payload, payload_end)
        key = 0  # sequence number, channel, talker, VDM or VDO, number of parts
        for i in range(state[COMMA + 2] + 1, state[COMMA + 3]):
            key = (key << 8 | byte(buf, i)) & 0xFFFF
        key = key << 8 | (byte(buf, state[COMMA + 3] + 1) if state[COMMA + 4] > state[COMMA + 3] + 1 else 0)
        key = (key << 8 | byte(buf, at + 1)) << 8 | byte(buf, at + 2)
        key = (key << 8 | byte(buf, at + 5)) << 4 | total
        state[KEY] = key
    return SENTENCE


@njit(cache=True)
def _message(
    buf: Bytes,
    begin: int,
    base_us: int,
    state: Ints,
    scratch: Bytes,
    rows: Records,
    versions: Records,
    text: Bytes,
    slots: Records,
) -> int:
    """Decode the whole message in `scratch`; returns COUNTED or the reason of a fault."""
    if not is_used(scratch[0]):
        state[OTHER_TYPES] += 1
        return COUNTED
    time_us = state[TIME_US] if state[TIME_US] != NO_TIME else base_us
    if time_us == NO_TIME:
        start = state[START]
        if start > begin and buf[begin] != 92:
            return _fault(state, TIME_UNREADABLE, begin, start)
        return _fault(state, TIME_MISSING, start, state[END])
    code = decode(scratch, state[BITS], time_us, state[ROWS], state[VERSIONS], rows, versions, text, slots)
    if code == TRUNCATED:
        return PAYLOAD_TRUNCATED
    if code == UNKNOWN_PART:
        return UNKNOWN_PART_24
    if code & 1:
        state[ROWS] += 1
        state[POSITIONS] += 1
    else:
        state[STATIC_REPORTS] += 1
    if code & 2:
        state[VERSIONS] += 1
    return COUNTED


@njit(cache=True)
def read_block(
    buf: Bytes,
    final: bool,
    base_us: int,
    state: Ints,
    pending: Pending,
    rejects: Rejects,
    scratch: Bytes,
    rows: Records,
    versions: Records,
    text: Bytes,
    slots: Records,
) -> int:
    """Read the complete lines of `buf` until it is used up or a table is full; `final` when no bytes follow.

    Returns
    -------
    int
        How many bytes were used. The caller gives the rest again, with room in the tables or with more bytes behind.
    """
    n = len(buf)
    most_rows = len(rows)
    most_versions = len(versions)
    most_rejects = len(rejects[0]) - MAX_PENDING - 4
    i = 0
    while i < n:
        if state[ROWS] >= most_rows or state[VERSIONS] + 1 >= most_versions or state[FAULTS] >= most_rejects:
            return i
        stop = i
        while stop < n and buf[stop] != 10 and buf[stop] != 13:
            stop += 1
        if stop == n and not final:
            if n - i > MAX_LINE:
                if state[IN_LONG_LINE] == 0:
                    state[IN_LONG_LINE] = 1
                    state[LINE] += 1
                    state[RECORD] += 1
                    reject(rejects, state, LINE_TOO_LONG, buf, i, n)
                return n
            if state[IN_LONG_LINE] == 1:
                return n
            return i
        after = stop + 1
        if stop < n and buf[stop] == 13:
            if after == n and not final:
                return i if state[IN_LONG_LINE] == 0 else stop
            if after < n and buf[after] == 10:
                after += 1
        if state[IN_LONG_LINE] == 1:
            state[IN_LONG_LINE] = 0
            i = min(after, n)
            continue
        state[LINE] += 1
        begin, end = i, stop
        while begin < end and buf[begin] <= 32:
            begin += 1
        while end > begin and buf[end - 1] <= 32:
            end -= 1
        if begin < end:
            state[RECORD] += 1
            if end - begin > MAX_LINE:
                code = _fault(state, LINE_TOO_LONG, begin, end)
            else:
                code = _read_line(buf, begin, end, state, scratch)
                if state[SECOND] >= 0:
                    reject(rejects, state, SECOND_SENTENCE, buf, state[SECOND], state[SECOND_END])
            if code == SENTENCE and state[TOTAL] > 1:
                state[BITS] = take_part(buf, state, pending, rejects, scratch)
                if state[BITS] < 0:
                    code = COUNTED
            if code == SENTENCE:
                code = _message(buf, begin, base_us, state, scratch, rows, versions, text, slots)
            if code >= 0:
                reject(rejects, state, code, buf, state[VALUE], state[VALUE_END])
        i = min(after, n)
    return n
