"""One field of one position report: text in, value out, or the reason why not.

The compiled scan reads the plain cases; everything else comes here, so that a value is judged and a reason worded in
one place for every origin format.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from sealane.movement.readers import codes

ESSENTIAL = ("mmsi", "time", "lat", "lon")
NUMBERS = ("lat", "lon", "sog_kn", "cog_deg", "heading_deg", "draught_m", "length_m", "beam_m")
TEXTS = ("nav_status", "transceiver_class", "imo", "vessel_name", "call_sign", "ais_type")
STRINGS = ("transceiver_class", "vessel_name", "call_sign")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# AIS was first recommended as ITU-R M.1371 in 1998, so an earlier time comes from a clock that was never set. One such
# row would stretch the period of the whole job. The NMEA reader keeps to the same years.
YEAR_FIRST, YEAR_LAST = 1998, 2099
TIME_FIRST_US, TIME_END_US = (
    (datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1) for year in (YEAR_FIRST, YEAR_LAST + 1)
)
TIME_OUTSIDE = f"outside the years {YEAR_FIRST} to {YEAR_LAST}: the clock was not set"
_NULLS = frozenset(("", "null", "none", "nan", "na", "n/a", "\\n"))
_INTEGER = re.compile(r"[+-]?\d+(\.0*)?")

Value = int | float | str | None


class FieldError(ValueError):
    """A field that cannot be read; the message is the reason written to rejects.csv."""


def is_null(text: str) -> bool:
    """True for an empty field and the usual words for a missing value."""
    return text.strip().lower() in _NULLS


def parse_mmsi(text: str) -> int:
    """An MMSI: 0 to 999999999. Which stations are ships is for cleaning to say."""
    if is_null(text):
        raise FieldError("missing")
    if not _INTEGER.fullmatch(text.strip()):
        raise FieldError("not a whole number; an MMSI has up to 9 digits")
    value = float(text)  # a float takes any number of digits
    if not 0 <= value <= 999_999_999:
        raise FieldError("outside 0 to 999999999, the range of an MMSI")
    return int(value)


def parse_time(text: str, kind: str = "iso") -> int:
    """Microseconds since 1970 UTC.

    `kind` is iso, day_first (31/12/2015 23:59:59) or unix (seconds, or milliseconds of 13 digits).
    """
    if is_null(text):
        raise FieldError("missing")
    text = text.strip()
    try:
        time_us = _unix_microseconds(text) if kind == "unix" else _clock_microseconds(text, kind)
    except (ValueError, OverflowError):
        form = {"iso": "YYYY-MM-DDTHH:MM:SS", "day_first": "DD/MM/YYYY HH:MM:SS", "unix": "seconds since 1970"}[kind]
        raise FieldError(f"not a time of the form {form} (UTC)") from None
    if kind != "unix" and len(text) <= 10:
        raise FieldError("a date without a time of day")
    if not TIME_FIRST_US <= time_us < TIME_END_US:
        raise FieldError(TIME_OUTSIDE)
    return time_us


def _clock_microseconds(text: str, kind: str) -> int:
    stamp = datetime.strptime(text, "%d/%m/%Y %H:%M:%S") if kind == "day_first" else datetime.fromisoformat(text)
    return (stamp.replace(tzinfo=stamp.tzinfo or UTC) - EPOCH) // timedelta(microseconds=1)


def _unix_microseconds(text: str) -> int:
    if re.fullmatch(r"\d{13}", text):
        return int(text) * 1000
    if re.fullmatch(r"\d{9,11}(\.\d+)?", text):
        whole, _, part = text.partition(".")
        return int(whole) * 1_000_000 + int((part + "000000")[:6])
    raise ValueError(text)


def parse_number(text: str, *, decimal_comma: bool = False) -> float | None:
    """A finite decimal number, or None where missing."""
    if is_null(text):
        return None
    plain = text.strip().replace(",", ".") if decimal_comma else text.strip()
    try:
        value = float(plain)
    except ValueError:
        raise FieldError("not a number") from None
    if "_" in plain or not math.isfinite(value):
        raise FieldError("not a finite number")
    return value


def parse_coordinate(text: str, *, decimal_comma: bool = False) -> float:
    """A latitude or longitude in degrees. Sentinels and impossible places are for cleaning to count."""
    value = parse_number(text, decimal_comma=decimal_comma)
    if value is None:
        raise FieldError("missing")
    return value


def _whole(text: str, low: int, high: int, what: str) -> int:
    value = float(text)
    if not low <= value <= high or value != int(value):
        raise FieldError(f"outside {low} to {high}, {what}")
    return int(value)


def _is_numeric(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d*)?", text.strip()) is not None


def parse_nav_status(text: str) -> int | None:
    """Navigational status 0-15 from its number or its words."""
    if is_null(text):
        return None
    if _is_numeric(text):
        return _whole(text, 0, 15, "the navigational statuses")
    try:
        return codes.NAV_STATUS_WORDS[codes.key(text)]
    except KeyError:
        raise FieldError("not a navigational status of ITU-R M.1371") from None


def parse_ais_type(text: str) -> int | None:
    """Type of ship 0-99 from its number, its words, or a Coast Guard service type 1001-1025."""
    if is_null(text):
        return None
    if _is_numeric(text):
        number = float(text)
        if number in codes.COAST_GUARD_TYPES:
            return codes.COAST_GUARD_TYPES[int(number)]
        return _whole(text, 0, 99, "the AIS types of ship")
    try:
        return codes.SHIP_TYPE_WORDS[codes.key(text)]
    except KeyError:
        raise FieldError("not a type of ship of ITU-R M.1371") from None


def parse_imo(text: str) -> int | None:
    """An IMO number as reported, with or without the letters IMO. The check digit is for cleaning."""
    plain = text.strip()
    if plain[:3].upper() == "IMO":
        plain = plain[3:].strip()
    if is_null(plain) or plain.lower() == "unknown":
        return None
    if not _INTEGER.fullmatch(plain):
        raise FieldError("not an IMO number")
    return _whole(plain, 0, 2_147_483_647, "what an IMO number field holds")


def parse_transceiver(text: str) -> str | None:
    """Transceiver class A or B; None for stations that are neither."""
    if is_null(text):
        return None
    try:
        return codes.TRANSCEIVER_WORDS[codes.key(text)]
    except KeyError:
        raise FieldError("not a transceiver class, A or B") from None


def parse_name(text: str) -> str | None:
    """A name or call sign, trimmed of blanks and of the @ that pads AIS text. Any word may be a ship's name."""
    return text.strip().rstrip("@").strip() or None


def parsers(time_kind: str = "iso", *, decimal_comma: bool = False) -> dict[str, Callable[[str], Value]]:
    """The parser of each position column."""
    number = partial(parse_number, decimal_comma=decimal_comma)
    table: dict[str, Callable[[str], Value]] = dict.fromkeys(NUMBERS, number)
    coordinate = partial(parse_coordinate, decimal_comma=decimal_comma)
    table |= {"mmsi": parse_mmsi, "time": partial(parse_time, kind=time_kind), "lat": coordinate, "lon": coordinate}
    table |= {"nav_status": parse_nav_status, "ais_type": parse_ais_type, "imo": parse_imo}
    table |= {"transceiver_class": parse_transceiver, "vessel_name": parse_name, "call_sign": parse_name}
    return table
