"""NMEA 0183 / IEC 61162-1 lines with AIS sentences: splitting, checksums, tag blocks, times and multi-part messages.

A line is ``[time] [\\tag block*hh\\] !ttVDM,total,number,sequence,channel,payload,fill*hh [receiver's fields]``, where
``tt`` is any talker (AI, AB, BS, ...) and VDO stands for VDM in reports of the own ship.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sealane.movement.readers.nmea_parts import (
    BAD_CHECKSUM,
    BAD_FILL_BITS,
    BAD_PART_NUMBER,
    BAD_TAG_CHECKSUM,
    BAD_TAG_TIME,
    COMMENTS,
    FAULTS,
    FIELDS_MISSING,
    IN_LONG_LINE,
    LINE,
    LINE_TOO_LONG,
    MAX_PART_CHARS,
    MAX_PENDING,
    NO_CHECKSUM,
    NOT_A_SENTENCE,
    OTHER_SENTENCES,
    OTHER_TYPES,
    PAYLOAD_CHARACTER,
    PAYLOAD_EMPTY,
    PAYLOAD_TOO_LONG,
    PAYLOAD_TRUNCATED,
    POSITIONS,
    RECORD,
    SECOND_SENTENCE,
    SENTENCES,
    STATIC_REPORTS,
    TAG_NOT_CLOSED,
    TIME_MISSING,
    TIME_UNREADABLE,
    UNKNOWN_PART_24,
    Pending,
    Rejects,
    reject,
    take_part,
)
from sealane.movement.readers.nmea_payload import (
    DECODED_POSITION,
    DECODED_STATIC,
    TRUNCATED,
    Ints,
    Records,
    decode,
    is_used,
    unarmour,
)
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
def _tag_block(buf: Bytes, start: int, end: int, tag: Ints) -> int:
    """Read the tag block ``buf[start:end]`` (between the backslashes) into `tag` = time_us, source, group.

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
                tag[0] = unix_time_us(buf, i + 2, stop)
                if tag[0] == NO_TIME:
                    return BAD_TAG_TIME
            elif buf[i] == 115:  # s: source station
                tag[1] = 0
                for k in range(i + 2, stop):
                    tag[1] = (tag[1] * 1_000_003) ^ byte(buf, k)
            elif buf[i] == 103:  # g:number-total-group
                value = 0
                for k in range(i + 2, stop):
                    c = byte(buf, k)
                    value = value * 10 + c - 48 if 48 <= c <= 57 else 0
                tag[2] = value
        i = stop + 1
    return -1


@njit(cache=True)
def _read_line(
    buf: Bytes,
    begin: int,
    end: int,
    base_us: int,
    tag: Ints,
    comma: Ints,
    state: Ints,
    pending: Pending,
    rejects: Rejects,
    scratch: Bytes,
    filled: Ints,
    rows: Records,
    versions: Records,
    text: Bytes,
    slots: Records,
) -> None:
    """Read one line without its line end, blanks around it taken off."""
    # Where the sentence or its tag block begins; before it stands the leading time.
    at = begin
    while at < end and buf[at] != 33 and buf[at] != 36 and buf[at] != 92:
        at += 1
    if at == end or buf[begin] == 35:
        if buf[begin] == 35:
            state[COMMENTS] += 1
        else:
            reject(rejects, state, NOT_A_SENTENCE, buf, begin, end)
        return
    lead_end = at
    tag[0] = NO_TIME
    tag[1] = 0
    tag[2] = 0
    while at < end and buf[at] == 92:
        close = at + 1
        while close < end and buf[close] != 92:
            close += 1
        if close == end:
            reject(rejects, state, TAG_NOT_CLOSED, buf, at, end)
            return
        fault = _tag_block(buf, at + 1, close, tag)
        if fault >= 0:
            reject(rejects, state, fault, buf, at, close + 1)
            return
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
        else:
            reject(rejects, state, NOT_A_SENTENCE, buf, begin, end)
        return
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
                comma[commas] = star
            commas += 1
        star += 1
    given = _checksum_given(buf, star, end) if star < end else -1
    if given < 0:
        reject(rejects, state, NO_CHECKSUM, buf, at, end)
        return
    if given != sum_:
        reject(rejects, state, BAD_CHECKSUM, buf, at, star + 3)
        return
    for i in range(star + 3, end):
        if buf[i] == 33 and i + 6 <= end and buf[i + 3] == 86 and buf[i + 4] == 68:
            reject(rejects, state, SECOND_SENTENCE, buf, i, end)
            end = i
            break
    if commas != 6:
        reject(rejects, state, FIELDS_MISSING, buf, at, star + 3)
        return
    total = byte(buf, comma[0] + 1) - 48
    number = byte(buf, comma[1] + 1) - 48
    if comma[1] != comma[0] + 2 or comma[2] != comma[1] + 2 or total < 1 or total > 9 or number < 1 or number > total:
        reject(rejects, state, BAD_PART_NUMBER, buf, at, star + 3)
        return
    payload, payload_end = comma[4] + 1, comma[5]
    if payload == payload_end:
        reject(rejects, state, PAYLOAD_EMPTY, buf, at, star + 3)
        return
    fill = 0
    if star > comma[5] + 1:  # an empty field means no fill bits
        fill = byte(buf, comma[5] + 1) - 48
        if star != comma[5] + 2 or fill < 0 or fill > 5 or (fill > 0 and number < total):
            reject(rejects, state, BAD_FILL_BITS, buf, at, star + 3)
            return
    if not unarmour(buf, payload, payload_end, scratch, 0):
        reject(rejects, state, PAYLOAD_CHARACTER, buf, payload, payload_end)
        return

    # The tag block's time is the receiver's own and comes first, then a leading, then a trailing one.
    if tag[0] == NO_TIME and lead_end > begin:
        tag[0] = first_time_us(buf, begin, lead_end)
    if tag[0] == NO_TIME and star + 3 < end:
        tag[0] = last_time_us(buf, star + 3, end)
    bits = 6 * (payload_end - payload) - fill
    if total > 1:
        if payload_end - payload > MAX_PART_CHARS:
            reject(rejects, state, PAYLOAD_TOO_LONG, buf, payload, payload_end)
            return
        key = 0  # sequence number, channel, talker, VDM or VDO, number of parts
        for i in range(comma[2] + 1, comma[3]):
            key = (key << 8 | byte(buf, i)) & 0xFFFF
        key = key << 8 | (byte(buf, comma[3] + 1) if comma[4] > comma[3] + 1 else 0)
        key = (key << 8 | byte(buf, at + 1)) << 8 | byte(buf, at + 2)
        key = (key << 8 | byte(buf, at + 5)) << 4 | total
        bits = take_part(buf, at, star + 3, key, total, number, bits, tag, state, pending, rejects, scratch)
        if bits < 0:
            return
    if not is_used(scratch[0]):
        state[OTHER_TYPES] += 1
        return
    time_us = tag[0] if tag[0] != NO_TIME else base_us
    if time_us == NO_TIME:
        if lead_end > begin:
            reject(rejects, state, TIME_UNREADABLE, buf, begin, lead_end)
        else:
            reject(rejects, state, TIME_MISSING, buf, at, star + 3)
        return
    code = decode(scratch, bits, time_us, filled, rows, versions, text, slots)
    if code == DECODED_POSITION:
        state[POSITIONS] += 1
    elif code == DECODED_STATIC:
        state[STATIC_REPORTS] += 1
    elif code == TRUNCATED:
        reject(rejects, state, PAYLOAD_TRUNCATED, buf, payload, payload_end)
    else:
        reject(rejects, state, UNKNOWN_PART_24, buf, payload, payload_end)


@njit(cache=True)
def read_block(
    buf: Bytes,
    final: bool,
    base_us: int,
    state: Ints,
    pending: Pending,
    rejects: Rejects,
    scratch: Bytes,
    filled: Ints,
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
    tag = np.zeros(3, np.int64)
    comma = np.zeros(7, np.int64)
    most_rows = len(rows)
    most_versions = len(versions)
    most_rejects = len(rejects[0]) - MAX_PENDING - 4
    i = 0
    while i < n:
        if filled[0] >= most_rows or filled[1] + 1 >= most_versions or state[FAULTS] >= most_rejects:
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
                reject(rejects, state, LINE_TOO_LONG, buf, begin, end)
            else:
                _read_line(
                    buf,
                    begin,
                    end,
                    base_us,
                    tag,
                    comma,
                    state,
                    pending,
                    rejects,
                    scratch,
                    filled,
                    rows,
                    versions,
                    text,
                    slots,
                )
        i = min(after, n)
    return n
