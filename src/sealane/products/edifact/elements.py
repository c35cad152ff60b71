"""What the container messages share: times, places, equipment, references and parties, each read with its checks."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sealane.products.codes import container_fault, imo_fault, locode_fault, shown
from sealane.products.edifact.segments import Message, Segment

# Data element 2379, the formats in which a point in time is given; those without a zone want one from outside.
_FORMATS: Final[Mapping[str, tuple[int, str]]] = {
    "102": (8, "%Y%m%d"),
    "201": (10, "%y%m%d%H%M"),
    "203": (12, "%Y%m%d%H%M"),
    "204": (14, "%Y%m%d%H%M%S"),
    "303": (15, "%Y%m%d%H%M"),
    "205": (17, "%Y%m%d%H%M"),
}
# Data element 8169 and 8249, 8067, 9303.
_FULL_EMPTY: Final = {"4": "EMPTY", "5": "LADEN"}
_MOVEMENTS: Final = {"2": "EXPORT", "3": "IMPORT", "6": "TRANSSHIPMENT"}
MODES: Final = {"1": "VESSEL", "2": "RAIL", "3": "TRUCK", "8": "BARGE"}
_SEAL_SOURCES: Final = {"CA": "CAR", "SH": "SHI", "CU": "CUS", "AC": "VET", "AA": "CNS", "TO": "TER"}
# Data element 1225.
ORIGINAL: Final = ("9", "", "2", "4", "5")
CANCELLATION: Final = "1"
_NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:sealane:edifact")


@dataclass(frozen=True)
class Reading:
    """What a message is read with.

    Attributes
    ----------
    sender : of the interchange; the party the events originate from.
    zone : of times that name none; None refuses such times.
    """

    sender: str
    zone: dt.tzinfo | None


def check_tags(message: Message, header: str, detail: str, trigger: str) -> None:
    """Check that each segment may stand where it stands: header up to the first trigger, then details, then CNT."""
    allowed_header, allowed_detail = set(header.split()), set(detail.split()) | {trigger}
    inside = summary = False
    for segment in message.body:
        if segment.tag == "CNT" and (inside or trigger != "CNI"):
            summary = trigger != "CNI"
            continue
        inside = inside or segment.tag == trigger
        if summary:
            message.fault(segment, 0, 0, "stands behind CNT", "Put it before the control total.")
        elif segment.tag not in (allowed_detail if inside else allowed_header):
            part = "the details" if inside else "the header"
            message.fault(segment, 0, 0, f"has no place in {part} of {message.kind}", "Remove it or move it.")


def begin(message: Message, names: Mapping[str, str]) -> tuple[str, str, bool]:
    """Read BGM: return what its document name code says, the document's number and whether it cancels.

    Parameters
    ----------
    names : meaning by document name code (data element 1001); empty takes every code.
    """
    first = message.body[0] if message.body else None
    if first is None or first.tag != "BGM":
        message.fault(first, 0, 0, "stands where BGM belongs", "Begin the message with UNH and BGM.")
        return "", "", False
    code, function = first.get(1), first.get(3)
    if names and code not in names:
        listed = ", ".join(f"{key} ({value})" for key, value in names.items())
        message.fault(first, 1, 1, shown(code), f"Use one of {listed}.")
    if function != CANCELLATION and function not in ORIGINAL:
        message.fault(
            first, 3, 0, shown(function), "Use 9 (original), 5 (replace), 4 (change), 2 (addition), 1 (cancel)."
        )
    for segment in message.body[1:]:
        if segment.tag == "BGM":
            message.fault(segment, 0, 0, "stands a second time", "Send one BGM a message.")
    return names.get(code, ""), first.get(2), function == CANCELLATION


def require(message: Message, tags: Iterable[str]) -> None:
    """Add a fault for each mandatory segment that is missing."""
    found = {segment.tag for segment in message.body}
    for tag in tags:
        if tag not in found:
            message.fault(None, 0, 0, f"has no {tag}", f"{message.kind} must have the segment {tag}.")


def check_total(message: Message, equipment: int) -> None:
    """Check CNT+16, the number of containers; CNT+1 is a dummy that some senders give."""
    for segment in message.body:
        if segment.tag == "CNT":
            kind, value = segment.get(1, 1), segment.get(1, 2)
            if kind not in ("1", "16"):
                message.fault(segment, 1, 1, shown(kind), "Use 16, the number of containers.")
            elif kind == "16" and (not value.isdigit() or int(value[:9]) != equipment):
                message.fault(segment, 1, 2, f"{shown(value)} for {equipment} containers", "Count the EQD segments.")


def groups(segments: Sequence[Segment], trigger: str) -> tuple[list[Segment], list[list[Segment]]]:
    """Divide segments into those before the first trigger and one group from each trigger on."""
    before: list[Segment] = []
    found: list[list[Segment]] = []
    for segment in segments:
        if segment.tag == trigger:
            found.append([segment])
        elif found:
            found[-1].append(segment)
        else:
            before.append(segment)
    return before, found


def time_of(message: Message, segments: Iterable[Segment], qualifiers: Sequence[str], reading: Reading) -> str | None:
    """Return the time with the first of the qualifiers that is given, as RFC 3339 in UTC; adds its faults."""
    stamps = [segment for segment in segments if segment.tag == "DTM"]
    for qualifier in qualifiers:
        for segment in stamps:
            if segment.get(1, 1) == qualifier:
                return read_dtm(message, segment, reading)
    return None


def check_times(message: Message, segments: Iterable[Segment], reading: Reading, used: Sequence[str]) -> None:
    """Check the form of every DTM that no event uses, so that one faulty time refuses the message too."""
    for segment in segments:
        if segment.tag == "DTM" and segment.get(1, 1) not in used and segment.get(1, 3) in _FORMATS:
            read_dtm(message, segment, reading)


def read_dtm(message: Message, segment: Segment, reading: Reading) -> str | None:
    """Return the time of a DTM as RFC 3339 in UTC, None after a fault."""
    value, form = segment.get(1, 2), segment.get(1, 3)
    if form not in _FORMATS:
        message.fault(segment, 1, 3, shown(form), f"Use a format of {', '.join(_FORMATS)}.")
        return None
    length, pattern = _FORMATS[form]
    digits = value[:12] if form in ("303", "205") else value
    naive = _digits(digits, pattern) if len(value) == length else None
    if naive is None:
        message.fault(segment, 1, 2, f"{shown(value)} in format {form}", "Give a time of this format that exists.")
        return None
    if form == "102":
        message.fault(segment, 1, 3, "102, a date without a time", "Give date and time, format 203.")
        return None
    zone = _zone(message, segment, value[12:], form, reading)
    if zone is None:
        return None
    local = naive.replace(tzinfo=zone)
    if local.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != naive:
        message.fault(segment, 1, 2, f"{shown(value)} does not exist in {zone}", "Correct it, or send UTC (303).")
        return None
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        message.fault(segment, 1, 2, f"{shown(value)} exists twice in {zone}", "Send it in UTC, format 303.")
        return None
    return local.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _digits(digits: str, pattern: str) -> dt.datetime | None:
    if not digits.isascii() or not digits.isdigit():
        return None
    try:
        return dt.datetime.strptime(digits, pattern)
    except ValueError:
        return None


def _zone(message: Message, segment: Segment, suffix: str, form: str, reading: Reading) -> dt.tzinfo | None:
    if form == "303":
        if suffix in ("UTC", "GMT"):
            return dt.UTC
        message.fault(segment, 1, 2, f"the zone {shown(suffix)}", "Use UTC, or give the offset with format 205.")
        return None
    if form == "205":
        sign, hours, minutes = suffix[:1], suffix[1:3], suffix[3:5]
        if sign in ("+", "-") and hours.isdigit() and minutes.isdigit() and int(hours) < 24 and int(minutes) < 60:
            offset = dt.timedelta(hours=int(hours), minutes=int(minutes))
            return dt.timezone(offset if sign == "+" else -offset)
        message.fault(segment, 1, 2, f"the offset {shown(suffix)}", "Give the offset from UTC as +0900.")
        return None
    if reading.zone is None:
        remedy = "Say which zone such times are in (--time-zone), or send UTC with format 303."
        message.fault(segment, 1, 3, f"{form}, a time without a zone", remedy)
    return reading.zone


def place_of(message: Message, segments: Iterable[Segment], qualifiers: Sequence[str]) -> dict[str, Any] | None:
    """Return the DCSA location of the first LOC with one of the qualifiers; checks every UN/LOCODE it meets."""
    found: dict[str, Segment] = {}
    for segment in segments:
        if segment.tag == "LOC":
            found.setdefault(segment.get(1), segment)
    for qualifier in qualifiers:
        place = found.get(qualifier)
        if place is not None:
            return _location(message, place)
    return None


def check_places(message: Message, segments: Iterable[Segment]) -> None:
    """Check the UN/LOCODE of every LOC that says it holds one (code list 139 or agency 6)."""
    for segment in segments:
        if (
            segment.tag == "LOC"
            and (segment.get(2, 2) == "139" or segment.get(2, 3) == "6")
            and segment.get(1) != "147"
        ):
            wrong = locode_fault(segment.get(2, 1))
            if wrong is not None:
                message.fault(segment, 2, 1, wrong.found, wrong.remedy)


def _location(message: Message, segment: Segment) -> dict[str, Any] | None:
    code = segment.get(2, 1)
    if locode_fault(code) is not None:
        if segment.get(2, 2) != "139" and segment.get(2, 3) != "6":
            message.fault(segment, 2, 1, shown(code), "Name the place by its UN/LOCODE (code list 139, agency 6).")
        return None  # otherwise named by check_places
    location: dict[str, Any] = {"UNLocationCode": code}
    terminal, agency = segment.get(3, 1), segment.get(3, 3)
    if terminal:
        facility = {"facilityCode": terminal} if len(terminal) <= 6 else {"facilityName": terminal[:100]}
        # Agency 306 is SMDG, 20 is BIC (data element 3055).
        provider = {"306": "SMDG", "20": "BIC"}.get(agency)
        if provider and "facilityCode" in facility:
            facility["facilityCodeListProvider"] = provider
        location["facility"] = facility
    return location


def equipment_of(message: Message, group: Sequence[Segment]) -> dict[str, Any] | None:
    """Return the DCSA equipment details of a group that begins with EQD."""
    eqd = group[0]
    if eqd.get(1) != "CN":
        message.fault(eqd, 1, 0, shown(eqd.get(1)), "Use CN; only containers are taken.")
        return None
    number = eqd.get(2, 1).replace(" ", "")
    wrong = container_fault(number)
    if wrong is not None:
        message.fault(eqd, 2, 1, wrong.found, wrong.remedy)
    details: dict[str, Any] = {"equipmentReference": number}
    size = eqd.get(3, 1)
    if size:
        if len(size) == 4 and size.isalnum() and size.isascii() and size.upper() == size:
            details["ISOEquipmentCode"] = size
        else:
            message.fault(eqd, 3, 1, shown(size), "Give size and type by ISO 6346, four characters, e.g. 45G1.")
    movement, status = eqd.get(5), eqd.get(6)
    if movement and movement not in {*_MOVEMENTS, "1", "4", "5"}:
        message.fault(
            eqd, 5, 0, shown(movement), "Use a code of data element 8249: 2 export, 3 import, 6 transhipment."
        )
    if status and status not in _FULL_EMPTY:
        message.fault(eqd, 6, 0, shown(status), "Use 4 (empty) or 5 (full).")
    if status in _FULL_EMPTY:
        details["emptyIndicatorCode"] = _FULL_EMPTY[status]
    if movement in _MOVEMENTS:
        details["movementType"] = _MOVEMENTS[movement]
    seals = []
    for segment in group:
        if segment.tag == "SEL" and segment.get(1):
            if len(segment.get(1)) > 15:
                message.fault(segment, 1, 0, shown(segment.get(1)), "A seal number has 15 characters at most.")
            seal = {"number": segment.get(1)}
            if segment.get(2, 1) in _SEAL_SOURCES:
                seal["source"] = _SEAL_SOURCES[segment.get(2, 1)]
            seals.append(seal)
    if seals:
        details["seals"] = seals
    return details


def documents_of(segments: Iterable[Segment]) -> dict[str, Any] | None:
    """Return the DCSA shipment details: booking (RFF+BN) and transport document (RFF+BM)."""
    found: dict[str, str] = {}
    for segment in segments:
        if segment.tag == "RFF" and segment.get(1, 1) in ("BN", "BM") and segment.get(1, 2):
            found.setdefault("BKG" if segment.get(1, 1) == "BN" else "TRD", segment.get(1, 2))
    documents = [{"typeCode": kind, "reference": found[kind]} for kind in ("BKG", "TRD") if kind in found]
    if not documents:
        return None
    details: dict[str, Any] = {"documentReference": documents[0]}
    if len(documents) > 1:
        details["additionalDocumentReferences"] = documents[1:]
    return details


def transport_of(message: Message, tdt: Segment | None, voyage_side: str) -> dict[str, Any] | None:
    """Return the DCSA transport details of a TDT.

    Parameters
    ----------
    voyage_side : ``exportVoyageNumberOrReference`` or ``importVoyageNumberOrReference``.
    """
    if tdt is None:
        return None
    mode = tdt.get(3, 1)
    if mode not in MODES:
        message.fault(tdt, 3, 1, shown(mode), "Use a mode of transport: 1 sea, 2 rail, 3 road, 8 inland water.")
        return None
    call: dict[str, Any] = {"modeOfTransport": MODES[mode]}
    carriage, identity, kind, name = tdt.get(2), tdt.get(8, 1), tdt.get(8, 2), tdt.get(8, 4)
    if mode in ("1", "8"):
        vessel: dict[str, Any] = {}
        if identity and kind == "146":
            wrong = imo_fault(identity)
            if wrong is not None:
                message.fault(tdt, 8, 1, wrong.found, wrong.remedy)
            vessel["vesselIMONumber"] = identity
        elif identity and kind == "103":
            vessel["vesselCallSign"] = identity[:10]
        if name:
            vessel["vesselName"] = name[:50]
        if carriage:
            call[voyage_side] = {"carrierVoyageNumber": carriage[:50]}
        if vessel:
            call["vesselTransport"] = vessel
    elif mode == "2" and (carriage or identity):
        rail = {"railServiceReference": carriage[:50], "railCarReference": identity[:50]}
        call["railTransport"] = {key: value for key, value in rail.items() if value}
    elif mode == "3" and identity:
        call["truckTransport"] = {"tractorDetails": {"licensePlate": identity[:15]}}
    return {"transportCall": call}


def make_event(
    reading: Reading,
    key: Sequence[str],
    kind: Mapping[str, str],
    when: str,
    *,
    retracted: bool,
    updated: str | None = None,
    **parts: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return a DCSA Track & Trace event; parts that are None are left out.

    Parameters
    ----------
    key : what makes the event the same event when it is replaced or cancelled later.
    kind : properties of ``eventClassification`` beside the classifier.
    """
    event: dict[str, Any] = {
        "eventRouting": {"originatingParty": {"partyCode": reading.sender, "codeListProvider": "ZZZ"}},
        "eventID": str(uuid.uuid5(_NAMESPACE, "\x1f".join((reading.sender, *key)))),
        "eventDateTime": when,
        "eventClassification": {"eventClassifierCode": "ACT", **kind},
    }
    if retracted:
        event["isRetracted"] = True
    if updated is not None:
        event["eventUpdatedDateTime"] = updated
    event.update({name: part for name, part in parts.items() if part is not None})
    return event
