"""UN/EDIFACT messages of container terminals and carriers become container milestones (DCSA Track & Trace events)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sealane.errors import Fault
from sealane.products.edifact.coarri import read_coarri
from sealane.products.edifact.codeco import read_codeco
from sealane.products.edifact.elements import Reading
from sealane.products.edifact.iftsta import read_iftsta
from sealane.products.edifact.segments import Interchange, Message, read_interchange

MESSAGES: Final[Mapping[str, Callable[[Message, Reading], list[dict[str, Any]]]]] = {
    "CODECO": read_codeco,
    "COARRI": read_coarri,
    "IFTSTA": read_iftsta,
}


@dataclass(frozen=True)
class MessageResult:
    """What was read from one message; events only if it has no fault at all.

    Attributes
    ----------
    events : DCSA Track & Trace events as JSON in UTF-8.
    """

    number: int
    kind: str
    reference: str
    events: tuple[bytes, ...]
    faults: tuple[Fault, ...]


def read_edifact(data: bytes, faults: list[Fault], zone: dt.tzinfo | None = None) -> list[MessageResult]:
    """Read an interchange of CODECO, COARRI and IFTSTA messages.

    Parameters
    ----------
    data : the file's bytes, in the character set that UNB names.
    faults : gets the faults of the envelope; with one of them no message is read.
    zone : of times that name none; without it such times are refused.

    Returns
    -------
    One result for each message; a faulty message gives no event.
    """
    interchange = read_interchange(data, faults)
    if interchange is None:
        return []
    return [_read_message(message, interchange, zone) for message in interchange.messages]


def _read_message(message: Message, interchange: Interchange, zone: dt.tzinfo | None) -> MessageResult:
    read = MESSAGES.get(message.kind)
    events: list[dict[str, Any]] = []
    if read is None:
        message.fault(None, 0, 0, "is not taken", f"Send one of {', '.join(MESSAGES)}.")
    else:
        events = read(message, Reading(interchange.sender, zone))
    if message.faults:
        events = []
    written = tuple(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() for event in events)
    return MessageResult(message.number, message.kind, message.reference, written, message.faults)
