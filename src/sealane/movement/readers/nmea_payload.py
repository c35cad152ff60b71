"""AIS messages (ITU-R M.1371-5, annex 8) from six-bit symbols to columns.

Read are the position reports 1, 2, 3, 18, 19, 27 and the static reports 5, 19, 24 A and B. Each vessel's static data as
known so far stand in a growing table of versions; a position row keeps the number of the version valid when it came. A
field's bits are numbered as in the recommendation, from 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sealane.movement.compiled import njit
from sealane.movement.readers.nmea_time import Bytes, byte

Ints = npt.NDArray[np.int64]
Records = npt.NDArray[np.void]

NAME_CHARS = 20
CALL_SIGN_CHARS = 7
CLASS_NONE, CLASS_A, CLASS_B = -1, 0, 1

# What became of a message: a row, a new version, both or (nothing new in a static report) neither; or why it failed.
NOTHING_NEW, NEW_ROW, NEW_VERSION, TRUNCATED, UNKNOWN_PART = 0, 1, 2, -1, -2

# Where the fields of a position report stand, by message type: first bits of status and heading (-1 where it has none);
# first bit and width of speed, longitude, latitude, course; units in a knot, a degree of position, a degree of course.
_POSITIONS = np.zeros((28, 13), dtype=np.int64)
_POSITIONS[1:4] = (38, 128, 50, 10, 61, 28, 89, 27, 116, 12, 10, 600_000, 10)
_POSITIONS[18:20] = (-1, 124, 46, 10, 57, 28, 85, 27, 112, 12, 10, 600_000, 10)
_POSITIONS[27] = (40, -1, 79, 6, 44, 18, 62, 17, 85, 9, 1, 600, 1)

# First bits of the fields of a static report (-1 where it has none): IMO number, call sign, name, type of ship,
# dimensions, draught. The row after 24 is its part B.
_STATICS = np.full((26, 6), -1, dtype=np.int64)
_STATICS[5] = (40, 70, 112, 232, 240, 294)
_STATICS[19] = (-1, -1, 143, 263, 271, -1)
_STATICS[24] = (-1, -1, 40, -1, -1, -1)
_STATICS[25] = (-1, 90, -1, 40, 132, -1)

# Bits a message must have, without trailing spare bits where transmitters are known to leave them out (5: 422 of 424
# bits are common; 24 A: 160, 24 B: 162 of 168). 0 marks a type that is not read here.
_LEAST_BITS = np.zeros(64, dtype=np.int64)
_LEAST_BITS[1:4] = 168
_LEAST_BITS[5] = 420
_LEAST_BITS[18] = 168
_LEAST_BITS[19] = 312
_LEAST_BITS[24] = 160
_LEAST_BITS[27] = 96
_LEAST_BITS_24_B = 162


# One position row; NaN or -1 where the message does not give the field.
ROW = np.dtype(
    [
        ("time_us", np.int64),
        ("lat", np.float64),
        ("lon", np.float64),
        ("sog_kn", np.float64),
        ("cog_deg", np.float64),
        ("heading_deg", np.float64),
        ("mmsi", np.int32),
        ("version", np.int32),
        ("nav_status", np.int16),
        ("transceiver_class", np.int16),
    ]
)

# One version of a vessel's static data; 0, -1 or NaN where no report gave the field. The text stands in a byte array
# beside it: 20 characters of the name, 7 of the call sign.
VERSION = np.dtype(
    [
        ("length_m", np.float64),
        ("beam_m", np.float64),
        ("draught_m", np.float64),
        ("imo", np.int32),
        ("ais_type", np.int16),
        ("transceiver_class", np.int16),
        ("name_chars", np.int16),
        ("call_sign_chars", np.int16),
    ]
)
SLOT = np.dtype([("mmsi", np.int32), ("version", np.int32)])


class Statics(NamedTuple):
    """Versions of static data, their text, and a hash table from MMSI to the vessel's present version."""

    versions: Records
    text: Bytes
    slots: Records


def new_statics(capacity: int) -> Statics:
    """Empty table for `capacity` versions, a power of two; the hash table has twice as many slots."""
    slots = np.full(2 * capacity, -1, np.int32).repeat(2).view(SLOT)
    return Statics(np.zeros(capacity, VERSION), np.zeros((capacity, NAME_CHARS + CALL_SIGN_CHARS), np.uint8), slots)


def with_room(statics: Statics, filled: int, reserve: int) -> tuple[Statics, int]:
    """A table with at least `reserve` free versions, and how many it holds; versions out of use are let go.

    The numbers of the versions change, so rows that refer to them must have been taken out before.
    """
    capacity = len(statics.versions)
    if filled + reserve <= capacity:
        return statics, filled
    held = statics.slots[statics.slots["mmsi"] >= 0]
    while len(held) * 2 + reserve > capacity:
        capacity *= 2
    fresh = new_statics(capacity)
    fresh.versions[: len(held)] = statics.versions[held["version"]]
    fresh.text[: len(held)] = statics.text[held["version"]]
    _enter(fresh.slots, held["mmsi"].copy())
    return fresh, len(held)


@njit(cache=True)
def _enter(slots: Records, mmsi: npt.NDArray[np.int32]) -> None:
    for version in range(len(mmsi)):
        slot = _slot(slots, mmsi[version])
        slots[slot].mmsi = mmsi[version]
        slots[slot].version = version


@njit(cache=True)
def _slot(slots: Records, mmsi: int) -> int:
    """Slot of `mmsi` in the hash table, or the free slot where it belongs."""
    mask = len(slots) - 1
    slot = ((mmsi * 2_654_435_761) >> 8) & mask  # Knuth's multiplicative hashing
    while slots[slot].mmsi != -1 and slots[slot].mmsi != mmsi:
        slot = (slot + 1) & mask
    return slot


@njit(cache=True)
def unarmour(text: Bytes, start: int, end: int, symbols: Bytes, at: int) -> bool:
    """Turn armoured characters into six-bit symbols at ``symbols[at:]``; False where one is not of the alphabet."""
    strangers = 0
    for i in range(start, end):
        c = byte(text, i)
        strangers += 0 if 48 <= c <= 87 or 96 <= c <= 119 else 1
        symbols[at + i - start] = np.uint8((c - 48 if c < 96 else c - 56) & 63)
    return strangers == 0


@njit(cache=True)
def unsigned(symbols: Bytes, start: int, width: int) -> int:
    """Unsigned integer of `width` bits from bit `start` (at most 57 bits)."""
    first = start // 6
    last = (start + width - 1) // 6
    value = 0
    for i in range(first, last + 1):
        value = (value << 6) | byte(symbols, i)
    return (value >> ((last + 1) * 6 - start - width)) & ((1 << width) - 1)


@njit(cache=True)
def signed(symbols: Bytes, start: int, width: int) -> int:
    """Two's complement integer of `width` bits from bit `start`."""
    value = unsigned(symbols, start, width)
    return value - (1 << width) if value >> (width - 1) else value


@njit(cache=True)
def _text(symbols: Bytes, start: int, text: Bytes, version: int, at: int, size: int) -> int:
    """Six-bit text from bit `start` into ``text[version, at:at + size]``, zero-filled.

    Returns its length, without trailing @ (ITU-R M.1371's filler) and outer blanks.
    """
    for i in range(size):
        v = unsigned(symbols, start + 6 * i, 6)
        text[version, at + i] = v + 64 if v < 32 else v
    end = size
    while end > 0 and text[version, at + end - 1] == 64:
        end -= 1
    while end > 0 and text[version, at + end - 1] == 32:
        end -= 1
    begin = 0
    while begin < end and text[version, at + begin] == 32:
        begin += 1
    for i in range(size):
        text[version, at + i] = text[version, at + begin + i] if begin + i < end else 0
    return end - begin


@njit(cache=True)
def _same(versions: Records, text: Bytes, a: int, b: int) -> bool:
    """Whether two versions say the same; an unknown (NaN) equals an unknown."""
    x, y = versions[a], versions[b]
    same = x.transceiver_class == y.transceiver_class and x.imo == y.imo and x.ais_type == y.ais_type
    same &= x.name_chars == y.name_chars and x.call_sign_chars == y.call_sign_chars
    same &= x.length_m == y.length_m or (np.isnan(x.length_m) and np.isnan(y.length_m))
    same &= x.beam_m == y.beam_m or (np.isnan(x.beam_m) and np.isnan(y.beam_m))
    same &= x.draught_m == y.draught_m or (np.isnan(x.draught_m) and np.isnan(y.draught_m))
    for i in range(NAME_CHARS + CALL_SIGN_CHARS):
        same &= text[a, i] == text[b, i]
    return same


@njit(cache=True)
def _begin_version(versions: Records, text: Bytes, old: int, new: int) -> None:
    """Begin version `new` as `old` was, or with nothing known where `old` is -1."""
    if old >= 0:
        versions[new] = versions[old]
        for i in range(NAME_CHARS + CALL_SIGN_CHARS):
            text[new, i] = text[old, i]
        return
    x = versions[new]
    x.length_m = np.nan
    x.beam_m = np.nan
    x.draught_m = np.nan
    x.imo = 0
    x.ais_type = -1
    x.name_chars = 0
    x.call_sign_chars = 0
    for i in range(NAME_CHARS + CALL_SIGN_CHARS):
        text[new, i] = 0


@njit(cache=True)
def _static(symbols: Bytes, layout: int, mmsi: int, new: int, versions: Records, text: Bytes, slots: Records) -> int:
    """Enter a static report, laid out as ``_STATICS[layout]``, as version `new`; returns NEW_VERSION or NOTHING_NEW."""
    slot = _slot(slots, mmsi)
    old = slots[slot].version
    _begin_version(versions, text, old, new)
    x = versions[new]
    imo, call_sign, name, ais_type, dimensions, draught = _STATICS[layout]
    x.transceiver_class = CLASS_A if layout == 5 else CLASS_B
    if imo >= 0:
        x.imo = unsigned(symbols, imo, 30)
    if call_sign >= 0:
        x.call_sign_chars = _text(symbols, call_sign, text, new, NAME_CHARS, CALL_SIGN_CHARS)
    if name >= 0:
        x.name_chars = _text(symbols, name, text, new, 0, NAME_CHARS)
    if ais_type >= 0:
        x.ais_type = unsigned(symbols, ais_type, 8)
    # A craft associated with a parent ship (98MIDXXXX) gives the parent's MMSI in 24 B in place of its dimensions.
    if dimensions >= 0 and not (layout == 25 and mmsi // 10_000_000 == 98):
        sides = unsigned(symbols, dimensions, 30)  # from the antenna to bow 9, stern 9, port 6, starboard 6 bits
        x.length_m = (sides >> 21) + (sides >> 12 & 511)
        x.beam_m = (sides >> 6 & 63) + (sides & 63)
    if draught >= 0:
        x.draught_m = unsigned(symbols, draught, 8) / 10.0
    if old >= 0 and _same(versions, text, old, new):
        return NOTHING_NEW
    slots[slot].mmsi = mmsi
    slots[slot].version = new
    return NEW_VERSION


@njit(cache=True)
def _degrees(raw: int, per_degree: int) -> float:
    """Raw coordinate in degrees, to the nearest 1e-6 (finer than the 1/10,000 minute it is sent in)."""
    return np.floor(raw * 1_000_000 / per_degree + 0.5) / 1e6


@njit(cache=True)
def is_used(kind: int) -> bool:
    """Whether messages of this type are read here."""
    return _LEAST_BITS[kind] > 0


@njit(cache=True)
def decode(
    symbols: Bytes,
    bits: int,
    time_us: int,
    new_row: int,
    new_version: int,
    rows: Records,
    versions: Records,
    text: Bytes,
    slots: Records,
) -> int:
    """Decode one message of `bits` bits, of a type that `is_used`, into row `new_row`, version `new_version` or both.

    Returns
    -------
    int
        Sum of NEW_ROW and NEW_VERSION as far as they apply; or TRUNCATED (too few bits) or UNKNOWN_PART (message 24
        with a part number other than 0 and 1), and nothing is stored.
    """
    kind = byte(symbols, 0)
    if bits < _LEAST_BITS[kind]:
        return TRUNCATED
    mmsi = unsigned(symbols, 8, 30)
    done = NOTHING_NEW
    if kind in (5, 19, 24):
        layout = kind
        if kind == 24:
            part = unsigned(symbols, 38, 2)
            if part > 1:
                return UNKNOWN_PART
            if part == 1 and bits < _LEAST_BITS_24_B:
                return TRUNCATED
            layout += part
        done = _static(symbols, layout, mmsi, new_version, versions, text, slots)
        if kind != 19:
            return done
    status, heading, speed, speed_bits, lon, lon_bits, lat, lat_bits, course, course_bits = _POSITIONS[kind, :10]
    per_knot, per_degree, per_course_degree = _POSITIONS[kind, 10:]
    row = rows[new_row]
    version = slots[_slot(slots, mmsi)].version
    row.mmsi = mmsi
    row.time_us = time_us
    row.version = version
    row.nav_status = unsigned(symbols, status, 4) if status >= 0 else -1
    row.heading_deg = unsigned(symbols, heading, 9) if heading >= 0 else np.nan
    raw = unsigned(symbols, speed, speed_bits)
    row.sog_kn = raw / per_knot if raw != (1 << speed_bits) - 1 else np.nan  # all ones: not available
    row.lon = _degrees(signed(symbols, lon, lon_bits), per_degree)
    row.lat = _degrees(signed(symbols, lat, lat_bits), per_degree)
    row.cog_deg = unsigned(symbols, course, course_bits) / per_course_degree
    if kind == 27:
        # Both classes send message 27: the class is known only from the vessel's static report.
        row.transceiver_class = versions[version].transceiver_class if version >= 0 else CLASS_NONE
    else:
        row.transceiver_class = CLASS_A if kind <= 3 else CLASS_B
    return done | NEW_ROW
