"""What CODECO and COARRI have in common: a header, one group for each container, a control total."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sealane.products.edifact.elements import (
    Reading,
    begin,
    check_places,
    check_tags,
    check_times,
    check_total,
    documents_of,
    equipment_of,
    groups,
    make_event,
    place_of,
    require,
    time_of,
)
from sealane.products.edifact.segments import Message, Segment

Transport = Callable[[Message, Sequence[Segment], Sequence[Segment], str], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Report:
    """How one of the two messages is read.

    Attributes
    ----------
    names : event by document name code of BGM, each ``code: DCSA equipment event type``.
    header, detail : tags that may stand in the header and in a container's group.
    mandatory : tags that must stand somewhere.
    time : qualifiers of the event's time, the best first.
    places : qualifiers of the event's place by event, the best first; a container's own place goes before the header's.
    transport : (message, header, group, event) -> DCSA transport details.
    facility_type : of the place, where the message says it.
    """

    names: Mapping[str, str]
    header: str
    detail: str
    mandatory: tuple[str, ...]
    time: tuple[str, ...]
    places: Mapping[str, tuple[str, ...]]
    transport: Transport
    facility_type: str | None


def read_report(report: Report, message: Message, reading: Reading) -> list[dict[str, Any]]:
    """Return one event for each container; what is wrong is added to the message's faults."""
    check_tags(message, report.header, report.detail, "EQD")
    event_code, document, retracted = begin(message, report.names)
    require(message, report.mandatory)
    header, containers = groups([segment for segment in message.body if segment.tag != "CNT"], "EQD")
    check_total(message, len(containers))
    check_places(message, message.body)
    check_times(message, header, reading, ("137",))
    updated = time_of(message, header, ("137",), reading)
    document = _previous(header) or document
    events = []
    for group in containers:
        check_times(message, group, reading, report.time)
        equipment = equipment_of(message, group)
        when = time_of(message, group, report.time, reading)
        if when is None and not any(s.tag == "DTM" and s.get(1, 1) in report.time for s in group):
            remedy = f"Give the time of the event, DTM+{report.time[0]}."
            message.fault(group[0], 0, 0, f"has no DTM+{report.time[0]}", remedy)
        qualifiers = report.places.get(event_code, ())
        place = place_of(message, group, qualifiers) or place_of(message, header, qualifiers)
        if (
            place is None
            and event_code
            and not any(s.tag == "LOC" and s.get(1) in qualifiers for s in (*header, *group))
        ):
            message.fault(group[0], 0, 0, "has no place", f"Give LOC+{qualifiers[0]}.")
        if place is not None and report.facility_type is not None:
            place["facilityTypeCode"] = report.facility_type
        transport = report.transport(message, header, group, event_code)
        if equipment is None or when is None or place is None or not event_code:
            continue
        key = (message.kind, event_code, document or when, equipment["equipmentReference"])
        events.append(
            make_event(
                reading,
                key,
                {"eventTypeCode": "EQUIPMENT", "equipmentEventTypeCode": event_code},
                when,
                retracted=retracted,
                updated=updated,
                eventLocation=place,
                shipmentDetails=documents_of((*group, *header)),
                transportDetails=transport,
                equipmentDetails=equipment,
            )
        )
    return events


def _previous(header: Sequence[Segment]) -> str | None:
    """Return the number of the message that this one replaces or cancels (RFF+ACW)."""
    for segment in header:
        if segment.tag == "RFF" and segment.get(1, 1) == "ACW" and segment.get(1, 2):
            return segment.get(1, 2)
    return None


def first(segments: Sequence[Segment], tag: str, qualifiers: Sequence[str]) -> Segment | None:
    """Return the first segment of a tag whose first element is one of the qualifiers."""
    return next((s for s in segments if s.tag == tag and s.get(1) in qualifiers), None)
