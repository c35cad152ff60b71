"""An interchange of UN/EDIFACT (ISO 9735) taken apart into messages of segments, with its envelope verified.

`pydifact` splits text into elements; what it would let pass is checked here: character set, counts, references,
sizes. A fault in the envelope refuses the interchange, a fault in a message refuses that message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pydifact.control.characters import Characters
from pydifact.exceptions import EDISyntaxError
from pydifact.parser import Parser
from pydifact.tokenizer import Tokenizer

from sealane.errors import Fault
from sealane.products.codes import shown

MAX_BYTES = 16 * 1024 * 1024
MAX_SEGMENTS = 200_000
MAX_SEGMENT_CHARACTERS = 4_000
MAX_ELEMENTS = 60
MAX_MESSAGES = 10_000
# Repertoires of ISO 9735: level A has capitals only; B adds small letters and four signs; C is ISO 8859-1.
_LEVEL_A = re.compile(r"[A-Z0-9 .,\-()/=+:?'!\"%&*;<>]*")
_LEVEL_B = re.compile(r"[A-Za-z0-9 .,\-()/=+:?'!\"%&*;<>@#\[\]{}\\|^~_$`]*")
ENCODINGS = {"UNOA": "ascii", "UNOB": "ascii", "UNOC": "iso8859-1", "UNOW": "utf-8", "UNOY": "utf-8"}
_REPERTOIRES = {"UNOA": _LEVEL_A, "UNOB": _LEVEL_B}
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TAG = re.compile(r"[A-Z]{3}")
_SYNTAX = re.compile(rb"\s*(UNA.{6}\s*)?UNB.(UNO[A-Z])", re.DOTALL)


@dataclass(frozen=True)
class Segment:
    """One segment.

    Attributes
    ----------
    number : place in its message, UNH is 1; in the interchange for UNB and UNZ.
    elements : data elements behind the tag, each a tuple of its components.
    """

    number: int
    tag: str
    elements: tuple[tuple[str, ...], ...]

    def get(self, element: int, component: int = 1) -> str:
        """Return a component by its numbers, counted from 1; empty where it is left out."""
        if element > len(self.elements) or component > len(self.elements[element - 1]):
            return ""
        return self.elements[element - 1][component - 1]


@dataclass
class Message:
    """One message with what is wrong with it.

    Attributes
    ----------
    number : place in the interchange, from 1.
    reference : of UNH.
    kind : message type, e.g. ``CODECO``.
    release : version and release, e.g. ``D.95B``.
    body : segments between UNH and UNT.
    """

    number: int
    reference: str
    kind: str
    release: str
    body: list[Segment] = field(default_factory=list)
    found: list[tuple[int, Fault]] = field(default_factory=list)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Every fault once, in the order of the segments."""
        return tuple(dict.fromkeys(fault for _, fault in sorted(self.found, key=lambda item: item[0])))

    def where(self, segment: Segment | None = None, element: int = 0, component: int = 0) -> str:
        """Return the name of a place in the message, for a fault."""
        name = f"message {self.number} ({self.kind or 'unknown'} {self.reference or 'without reference'})"
        if segment is not None:
            name += f", segment {segment.number} {segment.tag}"
        if element:
            name += f", element {element}" + (f".{component}" if component else "")
        return name

    def fault(self, segment: Segment | None, element: int, component: int, found: str, remedy: str) -> None:
        """Add a fault at a place in the message."""
        place = segment.number if segment is not None else 0
        self.found.append((place, Fault(self.where(segment, element, component), found, remedy)))


@dataclass(frozen=True)
class Interchange:
    """An interchange whose envelope is sound."""

    sender: str
    recipient: str
    reference: str
    messages: tuple[Message, ...]


def read_interchange(data: bytes, faults: list[Fault]) -> Interchange | None:
    """Read an interchange.

    Parameters
    ----------
    data : the file's bytes.
    faults : gets the faults of the envelope; those of messages stand with the messages.

    Returns
    -------
    None where the envelope is faulty: messages could be missing.
    """
    text, level = _decode(data, faults)
    if text is None:
        return None
    segments = _split(text, level, faults)
    if segments is None:
        return None
    before = len(faults)
    unb, unz = segments[0], segments[-1]
    sender, recipient, reference = unb.get(2), unb.get(3), unb.get(5)
    for number, value, name in (
        (2, sender, "sender"),
        (3, recipient, "recipient"),
        (5, reference, "control reference"),
    ):
        if not value:
            _envelope(faults, unb, number, "is empty", f"Give the {name} of the interchange.")
    if len(reference) > 14:
        _envelope(faults, unb, 5, f"{len(reference)} characters", "A control reference has 14 characters at most.")
    _check_preparation(unb, faults)
    if unz.tag != "UNZ":
        _envelope(faults, unz, 0, f"{unz.tag} at the end", "End the interchange with UNZ; the file may be cut off.")
        return None
    messages = _messages(segments[1:-1], faults)
    count = unz.get(1)
    if not count.isdigit() or int(count[:9]) != len(messages):
        _envelope(faults, unz, 1, f"{shown(count)} for {len(messages)} messages", "Give the number of messages.")
    if unz.get(2) != reference:
        _envelope(faults, unz, 2, f"{shown(unz.get(2))}, not {shown(reference)} as in UNB", "Repeat UNB's reference.")
    seen: set[str] = set()
    for message in messages:
        if message.reference in seen:
            message.fault(None, 0, 0, "its reference stands twice", "Give each message a reference of its own.")
        seen.add(message.reference)
    if len(faults) > before:
        return None
    return Interchange(sender, recipient, reference, tuple(messages))


def _envelope(faults: list[Fault], segment: Segment, element: int, found: str, remedy: str) -> None:
    where = f"interchange, segment {segment.number} {segment.tag}" + (f", element {element}" if element else "")
    faults.append(Fault(where, found, remedy))


def _decode(data: bytes, faults: list[Fault]) -> tuple[str | None, str]:
    if len(data) > MAX_BYTES:
        faults.append(Fault("interchange", f"{len(data):,} bytes", f"Split it; {MAX_BYTES:,} bytes at most."))
        return None, ""
    match = _SYNTAX.match(data)
    if match is None:
        found = "empty" if not data.strip() else f"begins with {shown(data[:12].decode('latin-1'))}"
        faults.append(Fault("interchange", found, "An interchange begins with UNA or UNB and a syntax UNOA to UNOY."))
        return None, ""
    level = match.group(2).decode()
    encoding = ENCODINGS.get(level)
    if encoding is None:
        known = ", ".join(ENCODINGS)
        faults.append(Fault("interchange, segment 1 UNB, element 1.1", level, f"Use one of {known}."))
        return None, ""
    try:
        return data.decode(encoding), level
    except UnicodeDecodeError as problem:
        found = f"byte {problem.start + 1} (0x{data[problem.start]:02X}) is not in the character set of {level}"
        faults.append(Fault("interchange", found, "Send the characters of the syntax level that UNB names."))
        return None, ""


def _split(text: str, level: str, faults: list[Fault]) -> list[Segment] | None:
    characters = Characters()
    text = text.lstrip()
    if text.startswith("UNA"):
        if len(set(text[3:9]) - {" "}) < 5 or any(sign.isalnum() for sign in text[3:9]):
            faults.append(Fault("interchange, UNA", shown(text[:9]), "Name six separators, all different: UNA:+.? '"))
            return None
        characters = Characters.from_str(text[:9])
        text = text[9:].lstrip()
    if text.count(characters.segment_terminator) > MAX_SEGMENTS:
        faults.append(Fault("interchange", f"more than {MAX_SEGMENTS:,} segments", "Split it."))
        return None
    repertoire = _REPERTOIRES.get(level)
    segments: list[Segment] = []
    number = 0
    try:
        for raw in Parser().convert_tokens_to_raw_segments(Tokenizer().get_tokens(text, characters)):
            parts = tuple(tuple(part) if isinstance(part, list) else (part,) for part in raw)
            tag = parts[0][0]
            number = 1 if tag in ("UNB", "UNH") else number + 1
            segments.append(Segment(number, tag, parts[1:]))
            _check_signs(segments[-1], level, repertoire, len(segments), faults)
    except EDISyntaxError as problem:
        where = f"interchange, after {len(segments)} segments"
        faults.append(Fault(where, f"cannot be read ({problem})", "End each segment with its terminator."))
        return None
    if not segments or segments[0].tag != "UNB" or len(segments) < 2:
        faults.append(Fault("interchange", f"{len(segments)} segments", "Send UNB, messages and UNZ."))
        return None
    return segments if not faults else None


def _check_signs(
    segment: Segment, level: str, repertoire: re.Pattern[str] | None, place: int, faults: list[Fault]
) -> None:
    where = f"interchange, segment {place} {shown(segment.tag)}"
    if not _TAG.fullmatch(segment.tag):
        faults.append(Fault(where, "is no tag", "A tag has three capital letters; is a separator missing before it?"))
    if len(segment.elements) > MAX_ELEMENTS:
        faults.append(Fault(where, f"{len(segment.elements)} elements", f"{MAX_ELEMENTS} at most."))
    if sum(len(part) for element in segment.elements for part in element) > MAX_SEGMENT_CHARACTERS:
        faults.append(Fault(where, "a segment too long", f"{MAX_SEGMENT_CHARACTERS:,} characters at most."))
    for number, element in enumerate(segment.elements, 1):
        for component, part in enumerate(element, 1):
            if _UNPRINTABLE.search(part) or (repertoire is not None and not repertoire.fullmatch(part)):
                remedy = f"Send only characters of {level}."
                faults.append(Fault(f"{where}, element {number}.{component}", shown(part), remedy))


def _check_preparation(unb: Segment, faults: list[Fault]) -> None:
    date, time = unb.get(4, 1), unb.get(4, 2)
    if not (date.isdigit() and len(date) in (6, 8)) or not (time.isdigit() and len(time) == 4):
        found = f"{shown(date)}:{shown(time)}"
        _envelope(faults, unb, 4, found, "Give date and time of preparation as YYMMDD:HHMM (from syntax 4 CCYYMMDD).")
    if unb.get(1, 2) not in ("1", "2", "3", "4"):
        _envelope(faults, unb, 1, f"syntax version {shown(unb.get(1, 2))}", "Use syntax version 1 to 4.")


def _messages(segments: list[Segment], faults: list[Fault]) -> list[Message]:
    messages: list[Message] = []
    current: Message | None = None
    for segment in segments:
        if segment.tag == "UNH":
            if current is not None:
                current.fault(None, 0, 0, "has no UNT", "End the message with UNT.")
            current = _begin(segment, len(messages) + 1)
            messages.append(current)
        elif segment.tag in ("UNG", "UNE"):
            _envelope(faults, segment, 0, "functional groups", "Send messages without UNG and UNE.")
        elif current is None:
            _envelope(faults, segment, 0, "outside of every message", "Begin each message with UNH.")
        elif segment.tag == "UNT":
            _end(current, segment)
            current = None
        else:
            current.body.append(segment)
    if current is not None:
        current.fault(None, 0, 0, "has no UNT", "End the message with UNT.")
    if len(messages) > MAX_MESSAGES:
        faults.append(Fault("interchange", f"{len(messages):,} messages", f"Split it; {MAX_MESSAGES:,} at most."))
    return messages


def _begin(unh: Segment, number: int) -> Message:
    release = f"{unh.get(2, 2)}.{unh.get(2, 3)}"
    message = Message(number, unh.get(1), unh.get(2, 1), release)
    if not 1 <= len(message.reference) <= 14:
        message.fault(unh, 1, 0, shown(message.reference), "Give a reference of 1 to 14 characters.")
    for component, name in ((1, "type"), (2, "version"), (3, "release"), (4, "agency")):
        if not unh.get(2, component):
            message.fault(unh, 2, component, "is empty", f"Give the message {name}, as in CODECO:D:95B:UN.")
    return message


def _end(message: Message, unt: Segment) -> None:
    count = len(message.body) + 2
    given = unt.get(1)
    if not given.isdigit() or int(given[:9]) != count:
        message.fault(unt, 1, 0, f"{shown(given)} for {count} segments", "Count the segments with UNH and UNT.")
    if unt.get(2) != message.reference:
        found = f"{shown(unt.get(2))}, not {shown(message.reference)} as in UNH"
        message.fault(unt, 2, 0, found, "Repeat UNH's reference.")
