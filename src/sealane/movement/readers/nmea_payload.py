"""AIS messages (ITU-R M.1371-5, annex 8) from six-bit symbols to columns.

Read are the position reports 1, 2, 3, 18, 19, 27 and the static reports 5, 19, 24 A and B. Each vessel's static data as
known so far stand in a growing table of versions; a position row keeps the number of the version valid when it came. A
field's bits are numbered as in the recommendation, from 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from sealane.movement.readers.nmea_time import Bytes, byte

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NAME_CHARS = 20
CALL_SIGN_CHARS = 7
CLASS_NONE, CLASS_A, CLASS_B = -1, 0, 1

DECODED_POSITION, DECODED_STATIC, TRUNCATED, UNKNOWN_PART = 0, 1, 2, 3

_SOG_NOT_AVAILABLE = 1023
_SOG_NOT_AVAILABLE_27 = 63

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


class Rows(NamedTuple):
    """Columns of position rows, filled up to ``filled[0]``; each array has the same length."""

    filled: Ints
    mmsi: npt.NDArray[np.int32]
    time_us: Ints
    lat: Floats
    lon: Floats
    sog_kn: Floats
    cog_deg: Floats
    heading_deg: Floats
    nav_status: npt.NDArray[np.int8]
    transceiver_class: npt.NDArray[np.int8]
    version: npt.NDArray[np.int32]


class Statics(NamedTuple):
    """Versions of static data, filled up to ``filled[0]``, and a hash table from MMSI to its present version.

    ``filled[1]`` is the number of vessels in the hash table.
    """

    filled: Ints
    slot_mmsi: npt.NDArray[np.int32]
    slot_version: npt.NDArray[np.int32]
    transceiver_class: npt.NDArray[np.int8]
    imo: npt.NDArray[np.int32]
    ais_type: npt.NDArray[np.int16]
    length_m: Floats
    beam_m: Floats
    draught_m: Floats
    name: Bytes
    name_chars: npt.NDArray[np.int8]
    call_sign: Bytes
    call_sign_chars: npt.NDArray[np.int8]


def new_rows(capacity: int) -> Rows:
    """Empty columns for `capacity` position rows."""
    return Rows(
        np.zeros(1, np.int64),
        np.empty(capacity, np.int32),
        np.empty(capacity, np.int64),
        np.empty(capacity, np.float64),
        np.empty(capacity, np.float64),
        np.empty(capacity, np.float64),
        np.empty(capacity, np.float64),
        np.empty(capacity, np.float64),
        np.empty(capacity, np.int8),
        np.empty(capacity, np.int8),
        np.empty(capacity, np.int32),
    )


def new_statics(capacity: int) -> Statics:
    """Empty table for `capacity` versions; `capacity` is a power of two and the hash table has twice as many slots."""
    return Statics(
        np.zeros(2, np.int64),
        np.full(2 * capacity, -1, np.int32),
        np.full(2 * capacity, -1, np.int32),
        np.full(capacity, CLASS_NONE, np.int8),
        np.zeros(capacity, np.int32),
        np.full(capacity, -1, np.int16),
        np.full(capacity, np.nan),
        np.full(capacity, np.nan),
        np.full(capacity, np.nan),
        np.zeros((capacity, NAME_CHARS), np.uint8),
        np.zeros(capacity, np.int8),
        np.zeros((capacity, CALL_SIGN_CHARS), np.uint8),
        np.zeros(capacity, np.int8),
    )


def room_for_statics(statics: Statics, reserve: int) -> Statics:
    """A table with at least `reserve` free versions; versions that no vessel holds any more are let go.

    The numbers of the versions change, so rows that refer to them must have been taken out before.
    """
    capacity = len(statics.imo)
    if statics.filled[0] + reserve <= capacity:
        return statics
    held = statics.slot_mmsi >= 0
    mmsi, version = statics.slot_mmsi[held], statics.slot_version[held]
    while len(mmsi) * 2 + reserve > capacity:
        capacity *= 2
    fresh = new_statics(capacity)
    for name in Statics._fields[3:]:
        getattr(fresh, name)[: len(version)] = getattr(statics, name)[version]
    fresh.filled[0] = len(version)
    _enter_all(fresh, mmsi)
    return fresh


@njit(cache=True)
def _enter_all(statics: Statics, mmsi: npt.NDArray[np.int32]) -> None:
    for version in range(len(mmsi)):
        slot = _slot(statics, mmsi[version])
        statics.slot_mmsi[slot] = mmsi[version]
        statics.slot_version[slot] = version
    statics.filled[1] = len(mmsi)


@njit(cache=True)
def _slot(statics: Statics, mmsi: int) -> int:
    """Slot of `mmsi` in the hash table, or the free slot where it belongs."""
    mask = len(statics.slot_mmsi) - 1
    slot = ((mmsi * 2_654_435_761) >> 8) & mask  # Knuth's multiplicative hashing
    while statics.slot_mmsi[slot] != -1 and statics.slot_mmsi[slot] != mmsi:
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
def _text(symbols: Bytes, start: int, out: Bytes) -> int:
    """Six-bit text from bit `start` into `out`, zero-filled; returns its length without trailing @ and outer blanks."""
    size = len(out)
    for i in range(size):
        v = unsigned(symbols, start + 6 * i, 6)
        out[i] = v + 64 if v < 32 else v
    end = size
    while end > 0 and out[end - 1] == 64:
        end -= 1
    while end > 0 and out[end - 1] == 32:
        end -= 1
    begin = 0
    while begin < end and out[begin] == 32:
        begin += 1
    for i in range(size):
        out[i] = out[begin + i] if begin + i < end else 0
    return end - begin


@njit(cache=True)
def _same(statics: Statics, a: int, b: int) -> bool:
    """Whether two versions say the same; an unknown (NaN) equals an unknown."""
    if (
        statics.transceiver_class[a] != statics.transceiver_class[b]
        or statics.imo[a] != statics.imo[b]
        or statics.ais_type[a] != statics.ais_type[b]
        or statics.name_chars[a] != statics.name_chars[b]
        or statics.call_sign_chars[a] != statics.call_sign_chars[b]
    ):
        return False
    for x in (statics.length_m, statics.beam_m, statics.draught_m):
        if x[a] != x[b] and not (np.isnan(x[a]) and np.isnan(x[b])):
            return False
    for i in range(NAME_CHARS):
        if statics.name[a, i] != statics.name[b, i]:
            return False
    same = True
    for i in range(CALL_SIGN_CHARS):
        same &= statics.call_sign[a, i] == statics.call_sign[b, i]
    return same


@njit(cache=True)
def _copy_version(statics: Statics, old: int, new: int) -> None:
    """Begin version `new` as `old` was, or with nothing known where `old` is -1."""
    known = old >= 0
    statics.transceiver_class[new] = statics.transceiver_class[old] if known else CLASS_NONE
    statics.imo[new] = statics.imo[old] if known else 0
    statics.ais_type[new] = statics.ais_type[old] if known else -1
    statics.length_m[new] = statics.length_m[old] if known else np.nan
    statics.beam_m[new] = statics.beam_m[old] if known else np.nan
    statics.draught_m[new] = statics.draught_m[old] if known else np.nan
    statics.name_chars[new] = statics.name_chars[old] if known else 0
    statics.call_sign_chars[new] = statics.call_sign_chars[old] if known else 0
    for i in range(NAME_CHARS):
        statics.name[new, i] = statics.name[old, i] if known else 0
    for i in range(CALL_SIGN_CHARS):
        statics.call_sign[new, i] = statics.call_sign[old, i] if known else 0


@njit(cache=True)
def _dimensions(symbols: Bytes, start: int, statics: Statics, new: int) -> None:
    """Length = bow + stern, beam = port + starboard, measured from the antenna, from bit `start`."""
    statics.length_m[new] = unsigned(symbols, start, 9) + unsigned(symbols, start + 9, 9)
    statics.beam_m[new] = unsigned(symbols, start + 18, 6) + unsigned(symbols, start + 24, 6)


@njit(cache=True)
def _static(symbols: Bytes, kind: int, mmsi: int, statics: Statics) -> None:
    """Enter a static report (5, 19, 24 A, 24 B) as the vessel's newest version, unless it says nothing new."""
    slot = _slot(statics, mmsi)
    old = statics.slot_version[slot]
    new = statics.filled[0]
    _copy_version(statics, old, new)
    statics.transceiver_class[new] = CLASS_A if kind == 5 else CLASS_B
    if kind == 5:
        statics.imo[new] = unsigned(symbols, 40, 30)
        statics.call_sign_chars[new] = _text(symbols, 70, statics.call_sign[new])
        statics.name_chars[new] = _text(symbols, 112, statics.name[new])
        statics.ais_type[new] = unsigned(symbols, 232, 8)
        _dimensions(symbols, 240, statics, new)
        statics.draught_m[new] = unsigned(symbols, 294, 8) / 10.0
    elif kind == 19:
        statics.name_chars[new] = _text(symbols, 143, statics.name[new])
        statics.ais_type[new] = unsigned(symbols, 263, 8)
        _dimensions(symbols, 271, statics, new)
    elif unsigned(symbols, 38, 2) == 0:
        statics.name_chars[new] = _text(symbols, 40, statics.name[new])
    else:
        statics.ais_type[new] = unsigned(symbols, 40, 8)
        statics.call_sign_chars[new] = _text(symbols, 90, statics.call_sign[new])
        # A craft associated with a parent ship (98MIDXXXX) gives the parent's MMSI where the dimensions would stand.
        if mmsi // 10_000_000 != 98:
            _dimensions(symbols, 132, statics, new)
    if old < 0 or not _same(statics, old, new):
        if old < 0:
            statics.slot_mmsi[slot] = mmsi
            statics.filled[1] += 1
        statics.slot_version[slot] = new
        statics.filled[0] = new + 1


@njit(cache=True)
def _degrees(raw: int, per_degree: int) -> float:
    """Raw coordinate in degrees, to the nearest 1e-6 (finer than the 1/10,000 minute it is sent in)."""
    return np.floor(raw * 1_000_000 / per_degree + 0.5) / 1e6


@njit(cache=True)
def is_used(kind: int) -> bool:
    """Whether messages of this type are read here."""
    return _LEAST_BITS[kind] > 0


@njit(cache=True)
def decode(symbols: Bytes, bits: int, time_us: int, rows: Rows, statics: Statics) -> int:
    """Decode one message of `bits` bits, of a type that `is_used`, into a row, a static version or both.

    Returns
    -------
    int
        DECODED_POSITION, DECODED_STATIC, TRUNCATED (too few bits, nothing stored) or UNKNOWN_PART (message 24 with a
        part number other than 0 and 1, nothing stored).
    """
    kind = byte(symbols, 0)
    if bits < _LEAST_BITS[kind]:
        return TRUNCATED
    mmsi = unsigned(symbols, 8, 30)
    if kind == 24:
        part = unsigned(symbols, 38, 2)
        if part > 1:
            return UNKNOWN_PART
        if part == 1 and bits < _LEAST_BITS_24_B:
            return TRUNCATED
    if kind in (5, 19, 24):
        _static(symbols, kind, mmsi, statics)
        if kind != 19:
            return DECODED_STATIC
    row = rows.filled[0]
    rows.filled[0] = row + 1
    rows.mmsi[row] = mmsi
    rows.time_us[row] = time_us
    version = statics.slot_version[_slot(statics, mmsi)]
    rows.version[row] = version
    rows.nav_status[row] = -1
    if kind == 27:
        rows.nav_status[row] = unsigned(symbols, 40, 4)
        rows.lon[row] = _degrees(signed(symbols, 44, 18), 600)
        rows.lat[row] = _degrees(signed(symbols, 62, 17), 600)
        speed = unsigned(symbols, 79, 6)
        rows.sog_kn[row] = np.nan if speed == _SOG_NOT_AVAILABLE_27 else speed
        rows.cog_deg[row] = unsigned(symbols, 85, 9)
        rows.heading_deg[row] = np.nan
        # Both classes send message 27: the class is known only from the vessel's static report.
        rows.transceiver_class[row] = statics.transceiver_class[version] if version >= 0 else CLASS_NONE
        return DECODED_POSITION
    # Messages 18 and 19 are laid out as 1 to 3, four bits earlier from the speed on.
    shift = 0 if kind <= 3 else -4
    if kind <= 3:
        rows.nav_status[row] = unsigned(symbols, 38, 4)
    rows.transceiver_class[row] = CLASS_A if kind <= 3 else CLASS_B
    speed = unsigned(symbols, 50 + shift, 10)
    rows.sog_kn[row] = np.nan if speed == _SOG_NOT_AVAILABLE else speed / 10.0
    rows.lon[row] = _degrees(signed(symbols, 61 + shift, 28), 600_000)
    rows.lat[row] = _degrees(signed(symbols, 89 + shift, 27), 600_000)
    rows.cog_deg[row] = unsigned(symbols, 116 + shift, 12) / 10.0
    rows.heading_deg[row] = unsigned(symbols, 128 + shift, 9)
    return DECODED_POSITION
