"""Books of the NMEA reader: what was counted, what was rejected, and multi-part messages that wait for parts.

A message's parts carry the same talker, sequence number, channel and number of parts. They may come in any order and
mixed with other messages' parts; where tag blocks name the source station or a sentence group, these must agree too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sealane.movement.readers.nmea_payload import Ints
from sealane.movement.readers.nmea_time import NO_TIME, Bytes

MAX_PENDING = 512  # multi-part messages that may wait for parts at one time
MAX_PARTS = 9
MAX_PART_CHARS = 384
MAX_VALUE = 160  # bytes of an offending value that a reject shows
REJECT_CAPACITY = 8_192
# Parts of a message are received within one second and sequence numbers (0-9) are soon used again.
PART_TIMEOUT_US = 10_000_000
PART_TIMEOUT_SENTENCES = 20_000

# Places in the state array.
(
    LINE,
    RECORD,
    IN_LONG_LINE,
    PENDING,
    SENTENCES,
    POSITIONS,
    STATIC_REPORTS,
    OTHER_TYPES,
    OTHER_SENTENCES,
    COMMENTS,
    REJECTED,
) = range(11)
STATE_SIZE = 11

# Why something was rejected; the texts are in nmea.py.
(
    NOT_A_SENTENCE,
    LINE_TOO_LONG,
    SECOND_SENTENCE,
    FIELDS_MISSING,
    BAD_PART_NUMBER,
    NO_CHECKSUM,
    BAD_CHECKSUM,
    TAG_NOT_CLOSED,
    BAD_TAG_CHECKSUM,
    BAD_TAG_TIME,
    TIME_MISSING,
    TIME_UNREADABLE,
    PAYLOAD_EMPTY,
    PAYLOAD_CHARACTER,
    PAYLOAD_TRUNCATED,
    PAYLOAD_TOO_LONG,
    BAD_FILL_BITS,
    UNKNOWN_PART_24,
    PARTS_MISSING,
) = range(19)


class Rejects(NamedTuple):
    """What could not be read, filled up to ``filled[0]``."""

    filled: Ints
    record: Ints
    line: Ints
    reason: Bytes
    value: Bytes
    value_chars: Ints


class Pending(NamedTuple):
    """Multi-part messages that wait for parts. ``order[:state[PENDING]]`` lists the slots in use, oldest first."""

    order: Ints
    key: Ints
    source: Ints
    group: Ints
    time_us: Ints
    sentence: Ints
    record: Ints
    line: Ints
    have: Ints
    bits: Ints
    chars: Ints
    symbols: Bytes
    value: Bytes
    value_chars: Ints


def new_rejects() -> Rejects:
    """Empty table of rejects."""
    n = REJECT_CAPACITY
    return Rejects(
        np.zeros(1, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.uint8),
        np.zeros((n, MAX_VALUE), np.uint8),
        np.zeros(n, np.int64),
    )


def new_pending() -> Pending:
    """Empty table of unfinished multi-part messages."""
    n = MAX_PENDING
    return Pending(
        np.arange(n, dtype=np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros((n, MAX_PARTS), np.int64),
        np.zeros((n, MAX_PARTS, MAX_PART_CHARS), np.uint8),
        np.zeros((n, MAX_VALUE), np.uint8),
        np.zeros(n, np.int64),
    )


@njit(cache=True)
def reject(rejects: Rejects, state: Ints, reason: int, buf: Bytes, start: int, end: int) -> None:
    """Book a fault of the present line with ``buf[start:end]`` as the value that was found."""
    i = rejects.filled[0]
    rejects.filled[0] = i + 1
    state[REJECTED] += 1
    rejects.record[i] = state[RECORD]
    rejects.line[i] = state[LINE]
    rejects.reason[i] = reason
    size = end - start if end > start else 0
    rejects.value_chars[i] = size
    for k in range(min(size, MAX_VALUE)):
        rejects.value[i, k] = buf[start + k]


@njit(cache=True)
def _drop(n: int, state: Ints, pending: Pending) -> None:
    """Free the `n`-th oldest waiting message."""
    slot = pending.order[n]
    for i in range(n, state[PENDING] - 1):
        pending.order[i] = pending.order[i + 1]
    state[PENDING] -= 1
    pending.order[state[PENDING]] = slot


@njit(cache=True)
def _expire(n: int, state: Ints, pending: Pending, rejects: Rejects) -> None:
    """Reject the `n`-th oldest waiting message because parts are missing; place and value are its first part's."""
    slot = pending.order[n]
    line, record = state[LINE], state[RECORD]
    state[LINE], state[RECORD] = pending.line[slot], pending.record[slot]
    reject(rejects, state, PARTS_MISSING, pending.value[slot], 0, pending.value_chars[slot])
    state[LINE], state[RECORD] = line, record
    _drop(n, state, pending)


@njit(cache=True)
def expire_all(state: Ints, pending: Pending, rejects: Rejects) -> None:
    """At the end of the input: reject every message that still waits for parts."""
    while state[PENDING] > 0:
        _expire(0, state, pending, rejects)


@njit(cache=True)
def _apart(a_us: int, b_us: int) -> bool:
    return a_us != NO_TIME and b_us != NO_TIME and abs(a_us - b_us) > PART_TIMEOUT_US


@njit(cache=True)
def _differ(a: int, b: int) -> bool:
    return a != 0 and b != 0 and a != b


@njit(cache=True)
def _waiting(key: int, number: int, tag: Ints, state: Ints, pending: Pending) -> int:
    """Newest waiting message to which part `number` belongs, or -1.

    The newest is taken because a sequence number that comes again leaves only orphans behind.
    """
    for n in range(state[PENDING] - 1, -1, -1):
        slot = pending.order[n]
        if (
            pending.key[slot] == key
            and not pending.have[slot] >> number & 1
            and not _differ(pending.source[slot], tag[1])
            and not _differ(pending.group[slot], tag[2])
            and not _apart(pending.time_us[slot], tag[0])
        ):
            return n
    return -1


@njit(cache=True)
def take_part(
    buf: Bytes,
    start: int,
    end: int,
    key: int,
    total: int,
    number: int,
    bits: int,
    tag: Ints,
    state: Ints,
    pending: Pending,
    rejects: Rejects,
    scratch: Bytes,
) -> int:
    """Take in one part, whose symbols stand in `scratch` and whose sentence is ``buf[start:end]``.

    Returns
    -------
    int
        Bits of the whole message, now in `scratch` and its time in ``tag[0]``; -1 while parts are missing.
    """
    while state[PENDING] > 0:
        oldest = pending.order[0]
        late = state[SENTENCES] - pending.sentence[oldest] > PART_TIMEOUT_SENTENCES
        if not late and not _apart(pending.time_us[oldest], tag[0]):
            break
        _expire(0, state, pending, rejects)
    n = _waiting(key, number, tag, state, pending)
    if n < 0:
        if state[PENDING] == MAX_PENDING:
            _expire(0, state, pending, rejects)
        n = state[PENDING]
        state[PENDING] += 1
        slot = pending.order[n]
        pending.key[slot] = key
        pending.source[slot] = tag[1]
        pending.group[slot] = tag[2]
        pending.time_us[slot] = tag[0]
        pending.sentence[slot] = state[SENTENCES]
        pending.record[slot] = state[RECORD]
        pending.line[slot] = state[LINE]
        pending.have[slot] = 0
        pending.bits[slot] = 0
        pending.value_chars[slot] = end - start
        for k in range(min(end - start, MAX_VALUE)):
            pending.value[slot, k] = buf[start + k]
    slot = pending.order[n]
    if pending.time_us[slot] == NO_TIME:
        pending.time_us[slot] = tag[0]
    chars = (bits + 5) // 6
    for k in range(chars):
        pending.symbols[slot, number - 1, k] = scratch[k]
    pending.chars[slot, number - 1] = chars
    pending.bits[slot] += bits
    pending.have[slot] |= 1 << number
    if pending.have[slot] != (1 << (total + 1)) - 2:
        return -1
    size = 0
    for i in range(total):
        for k in range(pending.chars[slot, i]):
            scratch[size] = pending.symbols[slot, i, k]
            size += 1
    tag[0] = pending.time_us[slot]
    _drop(n, state, pending)
    return pending.bits[slot]
