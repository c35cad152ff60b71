"""Books of the NMEA reader: what was counted, what was rejected, and multi-part messages that wait for parts.

A message's parts carry the same talker, sequence number, channel and number of parts. They may come in any order and
mixed with other messages' parts; where tag blocks name the source station or a sentence group, these must agree too.
"""

from __future__ import annotations

import numpy as np

from sealane.movement.compiled import njit
from sealane.movement.readers.nmea_payload import Ints, Records
from sealane.movement.readers.nmea_time import NO_TIME, Bytes

MAX_PENDING = 512  # multi-part messages that may wait for parts at one time
MAX_PARTS = 9
MAX_PART_CHARS = 384
MAX_VALUE = 160  # bytes of an offending value that a reject shows
REJECT_CAPACITY = 8_192
# Parts of a message are received within one second and sequence numbers (0-9) are soon used again.
PART_TIMEOUT_US = 10_000_000
PART_TIMEOUT_SENTENCES = 20_000

# Places in the state array. All counters stand in one array because each array that is passed on costs time.
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
    FAULTS,
    ROWS,
    VERSIONS,
    # Of the present line:
    TIME_US,
    SOURCE,
    GROUP,
    START,
    END,
    VALUE,
    VALUE_END,
    SECOND,
    SECOND_END,
    KEY,
    TOTAL,
    NUMBER,
    BITS,
    COMMA,
) = range(28)
STATE_SIZE = COMMA + 7

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


# One thing that could not be read; its value stands in a byte array beside it.
FAULT = np.dtype([("record", np.int64), ("line", np.int64), ("reason", np.int64), ("value_chars", np.int64)])

# One message that waits for parts; `have` has a bit for each part that came, `bits` sums their bits.
MESSAGE = np.dtype(
    [
        ("key", np.int64),
        ("source", np.int64),
        ("group", np.int64),
        ("time_us", np.int64),
        ("sentence", np.int64),
        ("record", np.int64),
        ("line", np.int64),
        ("have", np.int64),
        ("bits", np.int64),
        ("value_chars", np.int64),
    ]
)


# Plain tuples, not named ones: numba's cache of compiled code would name the class and fail once it is renamed.
# Faults and their values, filled up to ``state[FAULTS]``.
Rejects = tuple[Records, Bytes]
# Waiting messages: their order (``order[:state[PENDING]]`` are in use, oldest first), the messages, the characters and
# symbols of each part, and the first sentence as a value to show.
Pending = tuple[Ints, Records, Ints, Bytes, Bytes]


def new_rejects() -> Rejects:
    """Empty table of rejects."""
    return (np.zeros(REJECT_CAPACITY, FAULT), np.zeros((REJECT_CAPACITY, MAX_VALUE), np.uint8))


def new_pending() -> Pending:
    """Empty table of unfinished multi-part messages."""
    n = MAX_PENDING
    return (
        np.arange(n, dtype=np.int64),
        np.zeros(n, MESSAGE),
        np.zeros((n, MAX_PARTS), np.int64),
        np.zeros((n, MAX_PARTS, MAX_PART_CHARS), np.uint8),
        np.zeros((n, MAX_VALUE), np.uint8),
    )


@njit(cache=True)
def reject(rejects: Rejects, state: Ints, reason: int, buf: Bytes, start: int, end: int) -> None:
    """Book a fault of the present line with ``buf[start:end]`` as the value that was found."""
    faults, value = rejects
    i = state[FAULTS]
    state[FAULTS] = i + 1
    state[REJECTED] += 1
    size = end - start if end > start else 0
    fault = faults[i]
    fault.record = state[RECORD]
    fault.line = state[LINE]
    fault.reason = reason
    fault.value_chars = size
    for k in range(min(size, MAX_VALUE)):
        value[i, k] = buf[start + k]


@njit(cache=True)
def _drop(n: int, state: Ints, order: Ints) -> None:
    """Free the `n`-th oldest waiting message."""
    slot = order[n]
    for i in range(n, state[PENDING] - 1):
        order[i] = order[i + 1]
    state[PENDING] -= 1
    order[state[PENDING]] = slot


@njit(cache=True)
def _expire(n: int, state: Ints, pending: Pending, rejects: Rejects) -> None:
    """Reject the `n`-th oldest waiting message because parts are missing; place and value are its first part's."""
    order, messages, _, _, value = pending
    slot = order[n]
    message = messages[slot]
    line, record = state[LINE], state[RECORD]
    state[LINE], state[RECORD] = message.line, message.record
    reject(rejects, state, PARTS_MISSING, value[slot], 0, message.value_chars)
    state[LINE], state[RECORD] = line, record
    _drop(n, state, order)


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
def _waiting(state: Ints, order: Ints, messages: Records) -> int:
    """Newest waiting message to which the present part belongs, or -1.

    The newest is taken because a sequence number that comes again leaves only orphans behind.
    """
    for n in range(state[PENDING] - 1, -1, -1):
        message = messages[order[n]]
        if (
            message.key == state[KEY]
            and not message.have >> state[NUMBER] & 1
            and not _differ(message.source, state[SOURCE])
            and not _differ(message.group, state[GROUP])
            and not _apart(message.time_us, state[TIME_US])
        ):
            return n
    return -1


@njit(cache=True)
def take_part(buf: Bytes, state: Ints, pending: Pending, rejects: Rejects, scratch: Bytes) -> int:
    """Take in one part, whose symbols stand in `scratch` and whose fields in `state`.

    Returns
    -------
    int
        Bits of the whole message, now in `scratch` and its time in ``state[TIME_US]``; -1 while parts are missing.
    """
    start, end, bits = state[START], state[END], state[BITS]
    total, number = state[TOTAL], state[NUMBER]
    order, messages, chars_of, symbols, value = pending
    while state[PENDING] > 0:
        oldest = messages[order[0]]
        late = state[SENTENCES] - oldest.sentence > PART_TIMEOUT_SENTENCES
        if not late and not _apart(oldest.time_us, state[TIME_US]):
            break
        _expire(0, state, pending, rejects)
    n = _waiting(state, order, messages)
    if n < 0:
        if state[PENDING] == MAX_PENDING:
            _expire(0, state, pending, rejects)
        n = state[PENDING]
        state[PENDING] += 1
        slot = order[n]
        fresh = messages[slot]
        fresh.key = state[KEY]
        fresh.source = state[SOURCE]
        fresh.group = state[GROUP]
        fresh.time_us = state[TIME_US]
        fresh.sentence = state[SENTENCES]
        fresh.record = state[RECORD]
        fresh.line = state[LINE]
        fresh.have = 0
        fresh.bits = 0
        fresh.value_chars = end - start
        for k in range(min(end - start, MAX_VALUE)):
            value[slot, k] = buf[start + k]
    slot = order[n]
    message = messages[slot]
    if message.time_us == NO_TIME:
        message.time_us = state[TIME_US]
    chars = (bits + 5) // 6
    for k in range(chars):
        symbols[slot, number - 1, k] = scratch[k]
    chars_of[slot, number - 1] = chars
    message.bits += bits
    message.have |= 1 << number
    if message.have != (1 << (total + 1)) - 2:
        return -1
    size = 0
    for i in range(total):
        for k in range(chars_of[slot, i]):
            scratch[size] = symbols[slot, i, k]
            size += 1
    state[TIME_US] = message.time_us
    _drop(n, state, order)
    return message.bits
