"""Codes that join data of different ports, with their check digits.

Every function answers what is wrong with a code, or None; it never repairs one.

- IMO ship identification number: IMO resolution A.1117(30); seven digits, the last is the check digit.
- Container number: ISO 6346; three letters of the owner, category U, J or Z, six digits, check digit.
- MMSI: ITU-R M.585; nine digits; those of ships begin with 2 to 7.
- UN/LOCODE: UNECE Recommendation 16; two letters of the country, three letters or digits 2 to 9.
- Terminal: SMDG Terminal Code List; the code alone, without the UN/LOCODE, up to six capitals or digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from sealane.reference.ports import find_port

_IMO = re.compile(r"[0-9]{7}")
_CONTAINER = re.compile(r"[A-Z]{3}[UJZ][0-9]{7}")
_MMSI = re.compile(r"[2-7][0-9]{8}")
_LOCODE = re.compile(r"[A-Z]{2}[A-Z2-9]{3}")
_TERMINAL = re.compile(r"[A-Z0-9]{2,6}")


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a value.

    Attributes
    ----------
    found : what stands there.
    remedy : what would be right.
    """

    found: str
    remedy: str


def shown(value: object) -> str:
    """Return a value for a message, cut to a length that fits one line."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def imo_check_digit(first_six: str) -> int:
    """Return the check digit of an IMO number: weights 7 to 2, last digit of the sum."""
    return sum(int(digit) * weight for digit, weight in zip(first_six, range(7, 1, -1), strict=True)) % 10


def imo_fault(code: str) -> Wrong | None:
    """Check an IMO number, seven digits without the letters IMO."""
    if not _IMO.fullmatch(code):
        return Wrong(shown(code), "An IMO number has seven digits, without the letters IMO.")
    digit = imo_check_digit(code[:6])
    if int(code[6]) != digit:
        return Wrong(
            f"{shown(code)}, whose check digit would be {digit}", "Correct the IMO number, or leave it out if unknown."
        )
    return None


@cache
def _letter_values() -> dict[str, int]:
    """Values of ISO 6346: A is 10; multiples of 11 are left out."""
    values: dict[str, int] = {str(digit): digit for digit in range(10)}
    value = 10
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        if value % 11 == 0:
            value += 1
        values[letter] = value
        value += 1
    return values


def container_check_digit(first_ten: str) -> int:
    """Return the check digit of a container number: values times powers of two, modulo 11, ten read as zero."""
    values = _letter_values()
    return sum(values[sign] << place for place, sign in enumerate(first_ten)) % 11 % 10


def has_container_form(code: str) -> bool:
    """Whether a code has the form of ISO 6346, whatever its check digit."""
    return _CONTAINER.fullmatch(code) is not None


def container_fault(code: str) -> Wrong | None:
    """Check a container number of ISO 6346, written without spaces."""
    if not _CONTAINER.fullmatch(code):
        return Wrong(
            shown(code), "A container number has three letters, then U, J or Z, then seven digits, without spaces."
        )
    digit = container_check_digit(code[:10])
    if int(code[10]) != digit:
        return Wrong(f"{shown(code)}, whose check digit would be {digit}", "Correct the container number.")
    return None


def mmsi_fault(code: str) -> Wrong | None:
    """Check the MMSI of a ship."""
    if not _MMSI.fullmatch(code):
        return Wrong(shown(code), "The MMSI of a ship has nine digits and begins with 2 to 7.")
    return None


def locode_fault(code: str) -> Wrong | None:
    """Check the form of a UN/LOCODE, five characters without a space."""
    if not _LOCODE.fullmatch(code):
        return Wrong(
            shown(code), "A UN/LOCODE has two capital letters, then three of A-Z and 2-9, without a space: JPNGO."
        )
    return None


def locode_known(code: str) -> bool:
    """Whether a UN/LOCODE stands in the shipped tables of sea ports; inland places and many ports do not."""
    return find_port(code) is not None


def terminal_fault(code: str) -> Wrong | None:
    """Check the form of an SMDG terminal code; the list itself is not shipped."""
    if not _TERMINAL.fullmatch(code):
        return Wrong(shown(code), "An SMDG terminal code has two to six capitals or digits, without the UN/LOCODE.")
    return None
