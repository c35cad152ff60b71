"""Container milestones as EPCIS 2.0 events (GS1, ISO/IEC 19987), for supply chains that read those.

Only what happened is written: estimates and plans are no EPCIS events. Containers are named by the EPC scheme ``bic``,
a vessel by ``imovn``; a place by its UN/LOCODE in a URN of our own, because GS1 location numbers are not known here.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sealane.products.codes import container_fault, imo_fault
from sealane.products.dcsa_common import at

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:sealane:epcis")
# DCSA event -> business step of the Core Business Vocabulary 2.0; the others have none that says the same.
BUSINESS_STEPS: Final[Mapping[str, str]] = {
    "GTIN": "arriving",
    "GTOT": "departing",
    "ARRI": "arriving",
    "DEPA": "departing",
    "LOAD": "loading",
    "DISC": "unloading",
    "INSP": "inspecting",
    "STUF": "packing",
    "STRP": "unpacking",
}


def epcis_document(milestones: Iterable[Mapping[str, Any]], created: dt.datetime) -> tuple[dict[str, Any], int]:
    """Return an EPCIS document and how many milestones it leaves out.

    Parameters
    ----------
    milestones : payloads of DCSA Track & Trace 3.0.0; those trimmed by a clause may lack anything but their id.
    created : time of the document.
    """
    events = []
    left_out = 0
    for payload in milestones:
        event = _event(payload)
        if event is None:
            left_out += 1
        else:
            events.append(event)
    document = {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": _text(created),
        "epcisBody": {"eventList": events},
    }
    return document, left_out


def _event(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = payload.get("eventClassification", {})
    equipment, when = at(payload, "equipmentDetails", "equipmentReference"), payload.get("eventDateTime")
    if kind.get("eventClassifierCode") != "ACT" or when is None or not isinstance(equipment, str):
        return None
    if container_fault(equipment) is not None:
        return None
    event: dict[str, Any] = {
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid.uuid5(NAMESPACE, str(payload['eventID']))}",
        "eventTime": _text(dt.datetime.fromisoformat(when.upper())),
        "eventTimeZoneOffset": "+00:00",
        "epcList": [f"urn:epc:id:bic:{equipment}"],
        "action": "OBSERVE",
    }
    code = kind.get("equipmentEventTypeCode") or kind.get("transportEventTypeCode")
    if code in BUSINESS_STEPS:
        event["bizStep"] = BUSINESS_STEPS[code]
    if code in ("LOAD", "DEPA"):
        event["disposition"] = "in_transit"
    place = at(payload, "eventLocation", "UNLocationCode")
    if isinstance(place, str):
        event["readPoint"] = {"id": f"urn:sealane:unlocode:{place}"}
    details = payload.get("shipmentDetails", {})
    documents = [details.get("documentReference", {}), *details.get("additionalDocumentReferences", ())]
    bills = [d["reference"] for d in documents if d.get("typeCode") == "TRD" and d.get("reference")]
    if bills:
        event["bizTransactionList"] = [
            {"type": "bol", "bizTransaction": f"urn:sealane:transport-document:{bill}"} for bill in bills
        ]
    vessel = at(payload, "transportDetails", "transportCall", "vesselTransport", "vesselIMONumber")
    if isinstance(vessel, str) and imo_fault(vessel) is None:
        event["sourceList"] = [{"type": "location", "source": f"urn:epc:id:imovn:{vessel}"}] if code == "DISC" else []
        event["destinationList"] = (
            [{"type": "location", "destination": f"urn:epc:id:imovn:{vessel}"}] if code == "LOAD" else []
        )
        event = {name: value for name, value in event.items() if value != []}
    if payload.get("isRetracted"):
        updated = payload.get("eventUpdatedDateTime") or when
        declared = _text(dt.datetime.fromisoformat(updated.upper()))
        event["errorDeclaration"] = {"declarationTime": declared, "reason": "did_not_occur"}
    return event


def _text(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
