"""IFTSTA, multimodal status report: what became of a consignment's containers on the way, also on rail and road.

Source: UN/EDIFACT directory D.00B; status codes of UN/ECE Recommendation 24 (data elements 9011, later 4405).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sealane.products.codes import container_fault, shown
from sealane.products.edifact.container_report import first
from sealane.products.edifact.elements import (
    Reading,
    begin,
    check_places,
    check_tags,
    check_times,
    documents_of,
    equipment_of,
    groups,
    make_event,
    place_of,
    require,
    time_of,
    transport_of,
)
from sealane.products.edifact.segments import Message, Segment

_EQUIPMENT = {"eventTypeCode": "EQUIPMENT"}
_TRANSPORT = {"eventTypeCode": "TRANSPORT"}
# Status of Recommendation 24 -> what DCSA calls it. Other statuses tell of no milestone.
STATUSES: Final[Mapping[str, Mapping[str, str]]] = {
    "1": {**_TRANSPORT, "transportEventTypeCode": "ARRI"},  # arrived
    "24": {**_TRANSPORT, "transportEventTypeCode": "DEPA"},  # departed
    "12": {**_EQUIPMENT, "equipmentEventTypeCode": "CUSR"},  # cleared by customs
    "13": {**_EQUIPMENT, "equipmentEventTypeCode": "PICK"},  # collected
    "21": {**_EQUIPMENT, "equipmentEventTypeCode": "DROP"},  # delivered
    "28": {**_EQUIPMENT, "equipmentEventTypeCode": "STRP"},  # stripped
    "29": {**_EQUIPMENT, "equipmentEventTypeCode": "DISC"},  # discharged
    "48": {**_EQUIPMENT, "equipmentEventTypeCode": "LOAD"},  # loaded
    "59": {**_EQUIPMENT, "equipmentEventTypeCode": "DISC"},  # off loaded
    "93": {**_EQUIPMENT, "equipmentEventTypeCode": "STUF"},  # stuffed
}
_TIMES = ("334", "7")
_PLACES = ("175", "165", "7", "5")
_HEADER = "BGM DTM TSR NAD CTA COM RFF LOC FTX CNT"
_DETAIL = "LOC CNT STS RFF DTM DOC FTX NAD CTA COM PCI TDT EQD MEA DIM SEL TPL TMD EQA GID HAN SGP DGS GDS PAC GIN"


def read_iftsta(message: Message, reading: Reading) -> list[dict[str, Any]]:
    """Return DCSA events of an IFTSTA message, one for each status and container; adds the message's faults."""
    check_tags(message, _HEADER, _DETAIL, "CNI")
    _, document, retracted = begin(message, {})
    require(message, ("CNI", "STS"))
    check_places(message, message.body)
    header, consignments = groups(message.body, "CNI")
    check_times(message, header, reading, ("137",))
    updated = time_of(message, header, ("137",), reading)
    events: list[dict[str, Any]] = []
    for consignment in consignments:
        shared, statuses = groups(consignment, "STS")
        if not statuses:
            message.fault(consignment[0], 0, 0, "has no STS", "Give at least one status for each consignment.")
        for group in statuses:
            events += _status(message, reading, group, (*shared, *header), document, updated, retracted)
    return events


def _status(
    message: Message,
    reading: Reading,
    group: Sequence[Segment],
    above: Sequence[Segment],
    document: str,
    updated: str | None,
    retracted: bool,
) -> list[dict[str, Any]]:
    sts = group[0]
    check_times(message, group, reading, _TIMES)
    if sts.get(1, 1) not in ("1", ""):
        message.fault(sts, 1, 1, shown(sts.get(1, 1)), "Use 1, a status of transport.")
    code = sts.get(2, 1)
    kind = STATUSES.get(code)
    if kind is None:
        listed = ", ".join(STATUSES)
        message.fault(sts, 2, 1, shown(code), f"Use a status of Recommendation 24 that is a milestone: {listed}.")
    # The times and places behind TDT are those of the carriage, not of the status.
    own = group[: next((n for n, s in enumerate(group) if s.tag == "TDT"), len(group))]
    when = time_of(message, own, _TIMES, reading)
    if when is None and not any(s.tag == "DTM" and s.get(1, 1) in _TIMES for s in own):
        message.fault(sts, 0, 0, "has no DTM+334", "Give the time of the status, DTM+334.")
    place = place_of(message, own, _PLACES)
    if place is None and not any(s.tag == "LOC" and s.get(1) in _PLACES for s in own):
        message.fault(sts, 0, 0, "has no place", "Give the place of the status, LOC+175.")
    transport = transport_of(message, first(group, "TDT", ("1", "10", "20", "30")), "exportVoyageNumberOrReference")
    if kind is not None and kind["eventTypeCode"] == "TRANSPORT" and transport is None:
        message.fault(sts, 0, 0, "has no TDT", "Say what arrived or departed, TDT.")
    containers = _containers(message, group, above)
    if not containers:
        message.fault(sts, 0, 0, "names no container", "Give EQD+CN or RFF+EQ.")
    if kind is None or when is None or place is None:
        return []
    return [
        make_event(
            reading,
            (message.kind, code, document or when, place["UNLocationCode"], equipment["equipmentReference"]),
            kind,
            when,
            retracted=retracted,
            updated=updated,
            eventLocation=place,
            shipmentDetails=documents_of((*own, *above)),
            transportDetails=transport,
            equipmentDetails=equipment,
        )
        for equipment in containers
    ]


def _containers(message: Message, group: Sequence[Segment], above: Sequence[Segment]) -> list[dict[str, Any]]:
    _, found = groups(group, "EQD")
    if found:
        return [details for part in found if (details := equipment_of(message, part)) is not None]
    for segments in (group, above):
        named = [s for s in segments if s.tag == "RFF" and s.get(1, 1) == "EQ"]
        for segment in named:
            wrong = container_fault(segment.get(1, 2))
            if wrong is not None:
                message.fault(segment, 1, 2, wrong.found, wrong.remedy)
        if named:
            return [{"equipmentReference": segment.get(1, 2)} for segment in named]
    return []
