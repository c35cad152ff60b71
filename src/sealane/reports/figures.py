"""How numbers, shares, times and texts are written in a report."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime

SHORT_TON_G = 907_184.74
"""Grams in a short ton: 2,000 pounds of exactly 453.59237 g (definition of the international pound)."""
GRAMS = {"t": 1e6, "kg": 1e3, "g": 1.0, "short tons": SHORT_TON_G}
NOT_SEEN = "not seen"
NONE = "–"
_FALSE_FRIENDS = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | int | None, digits: int = 3) -> str:
    """Write a number with that many significant digits; what is not zero is never written as zero.

    Whole numbers stay whole; from 1,000 on all digits before the point are written; below 0.001 powers of ten are used.
    """
    if value is None:
        return NONE
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "not a number"
    if value == 0:
        return "0"
    magnitude = math.floor(math.log10(abs(value)))
    if magnitude < -3:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}"
    rounded = round(value, digits - 1 - magnitude)
    magnitude = math.floor(math.log10(abs(rounded)))
    return f"{rounded:,.{max(0, digits - 1 - magnitude)}f}" if magnitude < digits else f"{value:,.0f}"


def share(part: float | None) -> str:
    """Write a share in per cent; only nothing is 0 % and only everything 100 %."""
    if part is None or not math.isfinite(part):
        return NONE
    if 0 < part < 0.001:
        return "< 0.1 %"
    if 0.999 < part < 1:
        return "> 99.9 %"
    percent = 100 * part
    return f"{percent:.0f} %" if 10 <= percent < 99.5 or percent in {0, 100} else f"{percent:.1f} %"


def clock(time: datetime | None, missing: str = NOT_SEEN) -> str:
    """Write a moment as UTC to the minute."""
    return missing if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M}"


def day(time: datetime) -> str:
    """Write a date in words: 4 March 2024."""
    return f"{time.day} {time:%B %Y}"


def printable(text: str) -> str:
    """Show every control and formatting character as �: a ship's name may hold anything, right-to-left marks too."""
    return "".join("�" if unicodedata.category(c) in _FALSE_FRIENDS or c in "￾￿" else c for c in text)


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """Write ``1 call``, ``2 calls``, ``3,000 calls``."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
