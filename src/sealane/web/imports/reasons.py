"""Why readers of files reject a row, as phrases: they say it in English, and a page says it to its reader."""

from __future__ import annotations

import re
from functools import lru_cache

from sealane.errors import Phrase

# As the readers of `sealane.movement.readers` word them; a test holds that none of theirs is missing here.
REASONS = (
    Phrase("field ignored: %(reason)s"),
    Phrase("missing"),
    Phrase("not a whole number; an MMSI has up to 9 digits"),
    Phrase("outside 0 to 999999999, the range of an MMSI"),
    Phrase("not a time of the form %(form)s (UTC)"),
    Phrase("a date without a time of day"),
    Phrase("outside the years %(first)s to %(last)s: the clock was not set"),
    Phrase("not a number"),
    Phrase("not a finite number"),
    Phrase("outside %(low)s to %(high)s, %(reason)s"),
    Phrase("the navigational statuses"),
    Phrase("the AIS types of ship"),
    Phrase("what an IMO number field holds"),
    Phrase("not a navigational status of ITU-R M.1371"),
    Phrase("not a type of ship of ITU-R M.1371"),
    Phrase("not an IMO number"),
    Phrase("not a transceiver class, A or B"),
    Phrase("not a WKB point"),
    Phrase("a quote is opened that no whole record closes"),
    Phrase("text after a closing quote"),
    Phrase("%(fields)s fields where the header has %(columns)s"),
    Phrase("other reasons"),
    Phrase("not an NMEA sentence: it has no ! or $ with a talker and a sentence type"),
    Phrase("line longer than %(bytes)s bytes; put each sentence on its own line"),
    Phrase("second sentence on one line; put each sentence on its own line"),
    Phrase("an AIS sentence has 7 comma-separated fields, this one has not"),
    Phrase("number of parts must be 1-9 and the part number between 1 and it"),
    Phrase("no checksum; an AIS sentence ends with * and two hexadecimal digits"),
    Phrase("checksum does not match the sentence: it was damaged on its way"),
    Phrase("tag block without a closing backslash"),
    Phrase("checksum does not match the tag block: its time cannot be trusted"),
    Phrase("c: of the tag block is not a Unix time in seconds or milliseconds from 1998 to 2099"),
    Phrase(
        "no time; give a log with tag blocks (c:), leading or trailing times, or the time of the whole log (base_time)"
    ),
    Phrase(
        "what stands before the sentence is not a time; write Unix seconds or YYYY-MM-DD HH:MM:SS (UTC), 1998 to 2099"
    ),
    Phrase("empty payload"),
    Phrase("character outside the AIS six-bit alphabet (0-W, `-w)"),
    Phrase("truncated: fewer bits than its message type has"),
    Phrase("part longer than %(characters)s characters"),
    Phrase("fill bits must be 0-5, and 0 in every part but the last"),
    Phrase("message 24 has a part number other than A and B"),
    Phrase("missing parts: the other parts of this message did not come in time"),
)
# What fills a hole is a number or a form; a reason within a reason is looked up again.
_FILLED = {"reason": r".+", "form": r"[^()]{1,60}"}


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", text)
    made = [
        f"(?P<{part}>{_FILLED.get(part, '-?[0-9.,]+')})" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    ]
    return re.compile("".join(made))


_PLAIN = {one.text: one for one in REASONS if "%(" not in one.text}
_PATTERNS = tuple((_pattern(one.text), one.text) for one in REASONS if "%(" in one.text)


@lru_cache(maxsize=1_000)
def reason_of(text: str) -> str:
    """Return a reader's reason as a `Phrase`; as it is where it is none of `REASONS`."""
    if text in _PLAIN:
        return _PLAIN[text]
    for pattern, words in _PATTERNS:
        if found := pattern.fullmatch(text):
            values = {name: reason_of(v) if name == "reason" else v for name, v in found.groupdict().items()}
            return Phrase(words, **values)
    return text
