"""Reads the single values of an agreement document: times, durations, days, codes, keys, texts and sets of them.

A value is taken as it is meant or refused with its path; nothing is guessed, rounded or filled in.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from sealane.agreements.documents_reader import Fields, kind_of
from sealane.errors import Fault

ID = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
LOCODE = re.compile(r"[A-Z]{2}[A-Z2-9]{3}")
MAX_ID, MAX_TITLE, MAX_TEXT = 100, 300, 2_000
MAX_DURATION = dt.timedelta(days=36_500)
# Beyond so many faults the members of sets are not looked at any more: each takes a search for the nearest known name.
MAX_FAULTS = 200

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")
_DURATION = re.compile(r"P(?:(\d{1,4})W|(?=.)(?:(\d{1,5})D)?(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,7})M)?)?)")
_PARTICIPANT = re.compile(r"(?:urn:[a-z0-9][a-z0-9-]{0,31}:|did:[a-z0-9]+:|https://)[A-Za-z0-9._:/%-]+")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_TERMINAL = re.compile(r"[A-Z0-9]{1,20}")
# Marks that reorder or hide what is displayed: two people would not read the same text.
_STEERS_DISPLAY = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

ED25519_KEY_BYTES = 32
TIME_REMEDY = "Give a time with zone, e.g. 2026-01-01T00:00:00Z"
DURATION_REMEDY = "Give an ISO 8601 duration in weeks, or days, hours and minutes: P2W, P1D, PT6H, PT0M"


class Reader(Fields):
    """`Fields` that also knows the values of an agreement document."""

    def child(self, key: str, content: object) -> Reader:
        """Return a reader of the mapping at a key."""
        return Reader(self.path(key), content, self.faults)

    def path(self, key: str) -> str:
        """Return where a key stands."""
        return f"{self.where}{'.' if ': ' in self.where else ': '}{key}"

    def rows(self, key: str, remedy: str, *, optional: bool = False) -> list[Reader]:
        """Return a reader for each mapping of a list."""
        return [Reader(where, entry, self.faults) for where, entry in self.items(key, remedy, optional=optional)]

    def identifier(self, key: str = "id") -> str | None:
        """Return an id: lower-case words joined by - or _."""
        value: str | None = self.take(key, str, "Give an id: lower-case words joined by - or _")
        if value is not None and (not ID.fullmatch(value) or len(value) > MAX_ID):
            self.fault(key, f"{value!r}", f"An id is lower-case words joined by - or _, up to {MAX_ID} characters")
            return None
        return value

    def text(self, key: str, remedy: str, *, optional: bool = False, longest: int = MAX_TEXT) -> str | None:
        """Return a text with single blanks, in Unicode's composed form."""
        value = self._maybe(key, str, remedy, optional)
        return None if value is None else _clean(value, self.path(key), self.faults, longest)

    def time(self, key: str, *, optional: bool = False) -> dt.datetime | None:
        """Return a point in time in UTC."""
        value = self._maybe(key, str, TIME_REMEDY, optional)
        if value is None:
            return None
        if _NAIVE.fullmatch(value):
            self.fault(key, f"{value!r} has no zone or no time of day", TIME_REMEDY)
            return None
        try:
            return read_time(value)
        except (ValueError, OverflowError):
            self.fault(key, f"{value!r} is no time", TIME_REMEDY)
            return None

    def day(self, key: str, *, optional: bool = False) -> dt.date | None:
        """Return a calendar day."""
        remedy = "Give a day as YYYY-MM-DD" + (", or null" if optional else "")
        value = self._maybe(key, str, remedy, optional)
        if value is None:
            return None
        try:
            return _day(value)
        except ValueError:
            self.fault(key, f"{value!r}", remedy)
            return None

    def duration(self, key: str, *, optional: bool = False) -> dt.timedelta | None:
        """Return a duration of fixed length; months and years have none."""
        value = self._maybe(key, str, DURATION_REMEDY, optional)
        if value is None:
            return None
        found = _DURATION.fullmatch(value)
        if found is None:
            self.fault(key, f"{value!r}", DURATION_REMEDY)
            return None
        weeks, days, hours, minutes = (int(part or 0) for part in found.groups())
        length = dt.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)
        if length > MAX_DURATION:
            self.fault(key, f"{value!r}", f"The longest duration is P{MAX_DURATION.days}D")
            return None
        return length

    def whole(self, key: str, least: int, remedy: str, *, optional: bool = False) -> int | None:
        """Return a whole number that is not below the least."""
        value: int | None = self._maybe(key, int, remedy, optional)
        if value is not None and not least <= value < 2**31:
            self.fault(key, f"{value}", remedy)
            return None
        return value

    def members(
        self,
        key: str,
        remedy: str,
        check: Callable[[str], str | None] | None = None,
        *,
        optional: bool = False,
        may_be_empty: bool = False,
    ) -> tuple[str, ...]:
        """Return the texts of a set, sorted.

        Parameters
        ----------
        check : returns what is wrong with a member, or None.
        optional : the key may be missing.
        may_be_empty : an empty list means none; else it is refused, because it could be read as none or as all.
        """
        if optional and self.content.get(key) is None:
            self.asked.add(key)
            return ()
        found: set[str] = set()
        entries = self.items(key, remedy)
        if not entries and not may_be_empty and isinstance(self.content.get(key), list):
            self.fault(key, "an empty list", remedy + (", or leave the key out" if optional else ""))
        for number, (where, value) in enumerate(entries):
            wrong = None
            if len(self.faults) >= MAX_FAULTS:
                self.fault(key, f"{len(entries) - number} more", "Correct the other faults first; these were not read")
                break
            if not isinstance(value, str) or not value.strip():
                self.faults.append(Fault(where, f"{kind_of(value)} ({value!r})", remedy))
            elif value in found:
                self.faults.append(Fault(where, f"{value!r} a second time", "Name it once"))
            elif check is not None and (wrong := check(value)) is not None:
                self.faults.append(Fault(where, f"{value!r}", wrong))
            else:
                found.add(value)
        return tuple(sorted(found))

    def _maybe(self, key: str, kind: type, remedy: str, optional: bool) -> Any:
        if optional and self.content.get(key) is None:
            self.asked.add(key)
            return None
        return self.take(key, kind, remedy)


def read_time(value: str) -> dt.datetime:
    """Return a time with zone in UTC; a text that is none is a ValueError or OverflowError."""
    # fromisoformat cuts off what stands after the microseconds; the pattern refuses it.
    if not _TIME.fullmatch(value):
        raise ValueError(value)
    return dt.datetime.fromisoformat(value).astimezone(dt.UTC)


def _day(value: str) -> dt.date:
    if len(value) != len("2026-01-01"):  # fromisoformat also takes 20260101 and 2026-W01-1
        raise ValueError(value)
    return dt.date.fromisoformat(value)


def texts(reader: Reader, key: str) -> tuple[str, ...]:
    """Return a list of texts in its order."""
    found = []
    for where, value in reader.items(key, "List texts", optional=True):
        if not isinstance(value, str) or not value.strip():
            reader.faults.append(Fault(where, kind_of(value), "Give a text"))
            continue
        clean = _clean(value, where, reader.faults, MAX_TEXT)
        if clean is not None:
            found.append(clean)
    return tuple(found)


def _clean(value: str, where: str, faults: list[Fault], longest: int) -> str | None:
    text = " ".join(unicodedata.normalize("NFC", value).split())
    odd = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Co") or c in _STEERS_DISPLAY), None)
    if odd is not None:
        faults.append(Fault(where, f"the character U+{ord(odd):04X}", "Leave out characters that do not print"))
        return None
    if len(text) > longest:
        faults.append(Fault(where, f"{len(text)} characters", f"Write at most {longest}"))
        return None
    return text


def time_text(value: dt.datetime) -> str:
    """Return a time as ISO 8601 in UTC with Z."""
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def duration_text(value: dt.timedelta) -> str:
    """Return the one normal spelling of a duration: days, hours, minutes."""
    minutes = value // dt.timedelta(minutes=1)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes or not (days or hours) else "")
    return "P" + (f"{days}D" if days else "") + (f"T{time}" if time else "")


def locode_fault(code: str) -> str | None:
    """Say what is wrong with the form of a UN/LOCODE, or None."""
    return None if LOCODE.fullmatch(code) else "A UN/LOCODE is two letters and three letters or digits 2-9, e.g. USLAX"


def terminal_fault(code: str) -> str | None:
    """Say what is wrong with the form of a terminal or facility code, or None."""
    return None if _TERMINAL.fullmatch(code) else "A terminal code is up to 20 capital letters and digits"


def imo_fault(number: str) -> str | None:
    """Say what is wrong with an IMO number, or None.

    The check digit is the last digit of the sum of the first six, weighted 7 to 2 (IMO resolution A.1117(30)).
    """
    if not re.fullmatch(r"[0-9]{7}", number):
        return "An IMO number is seven digits, in quotes"
    digit = sum(int(d) * weight for d, weight in zip(number[:6], range(7, 1, -1), strict=True)) % 10
    return None if digit == int(number[6]) else f"The check digit must be {digit}"


def participant_fault(value: str) -> str | None:
    """Say what is wrong with the form of a participant id, or None."""
    if _PARTICIPANT.fullmatch(value) and len(value) <= 200:
        return None
    return "A participant id is a URN (urn:example:port), a DID or an https address, up to 200 characters"


def origin_fault(value: str, *, demonstration: bool) -> str | None:
    """Say what is wrong with an origin (scheme, host, port and nothing more), or None."""
    remedy = "Give scheme, host and port only: https://node.example.org:8443"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return remedy
    host = parts.hostname or ""
    spelt = f"{parts.scheme}://{parts.netloc}"
    if spelt != value or value != value.lower() or parts.username is not None or port == 0 or len(value) > 200:
        return remedy
    if not _HOST.fullmatch(f"[{host}]" if ":" in host else host) or parts.netloc.endswith(":"):
        return remedy
    if (parts.scheme, port) in (("https", 443), ("http", 80)):
        return "Leave out the scheme's own port"
    if parts.scheme == "https" or (parts.scheme == "http" and (demonstration or host in _LOOPBACK)):
        return None
    return "Use https; http is for this machine and for demonstrations only"


def root_key_x(fields: Reader) -> str | None:
    """Return the coordinate of a public Ed25519 key given as a JWK (RFC 8037).

    A key that also holds its private part is refused, and no message shows it.
    """
    private = "d" in fields.content
    if private:
        del fields.content["d"]
        fields.fault(
            "d", "a private key", "Give the public key only, and treat this private key as lost: make a new one"
        )
    fields.choice("kty", ("OKP",))
    fields.choice("crv", ("Ed25519",))
    x: str | None = fields.take("x", str, "Give the public key: 32 bytes in base64url")
    fields.close()
    if x is None:
        return None
    try:
        raw = base64.b64decode(x + "=" * (-len(x) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    # Spelling it again finds stray bits and padding: one key has one spelling.
    if len(raw) != ED25519_KEY_BYTES or base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != x:
        fields.fault("x", "not 32 bytes in base64url without =", "Copy x from the public key of the port's root key")
        return None
    return None if private else x
